"""/composite and /composite/batch: several requests in one; /composite with references between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from syncd.emulator.http import Call, Handler, Reply
from syncd.emulator.salesforce.conditions import HEADERS
from syncd.emulator.salesforce.errors import refused
from syncd.emulator.salesforce.rows import json_object
from syncd.emulator.salesforce.store import Org
from syncd.emulator.salesforce.usage import API
from syncd.emulator.variants import Variants

MOST, MOST_HEAVY = 25, 5
INHERITED = {"accept", "authorization", "content-type"}
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)\.([^}]+)\}")
_REFERENCE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_HEAVY = re.compile(r"/services/data/v[\d.]+/(query|queryAll|composite/sobjects)\b", re.IGNORECASE)
_COLLECTIONS = re.compile(r"/services/data/v[\d.]+/composite/sobjects\b", re.IGNORECASE)
_NESTED = re.compile(r"(?:/services/data/)?v[\d.]+/composite(?!/sobjects\b)", re.IGNORECASE)
ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."

Sub = dict[str, Any]


class Halted(Exception):
    """Leaves the transaction of an all-or-none call."""


@dataclass(slots=True)
class Chain:
    """Sub-requests that run in order, each of which may use what the earlier ones answered."""

    org: Org
    dispatch: Handler
    variants: Variants
    call: Call
    all_or_none: bool
    answers: list[Sub] = field(default_factory=list)
    _bodies: dict[str, Any] = field(default_factory=dict)
    _failed: bool = False

    def run(self, subs: Iterable[Sub]) -> bool:
        """Answer each; with all-or-none a failure undoes them all. Returns whether all succeeded."""
        try:
            with self.org.transaction():
                for sub in subs:
                    self._answer(sub)
                if self.all_or_none and self._failed:
                    raise Halted
        except Halted:
            self.answers = [_undone(answer) for answer in self.answers]
        return not self._failed

    def _answer(self, sub: Sub) -> None:
        reply = halted() if self.all_or_none and self._failed else self._one(sub)
        raw = reply.raw()
        content = orjson.loads(raw) if raw else None
        self._bodies[sub["referenceId"]] = content
        self._failed = self._failed or reply.status >= 400 or (self.all_or_none and some_failed(sub, content))
        headers = {name: reply.headers[name] for name in ("ETag", "Last-Modified", "Location") if name in reply.headers}
        self.answers.append({"body": content, "httpHeaders": headers, "httpStatusCode": reply.status,
                             "referenceId": sub["referenceId"]})  # fmt: skip

    def _one(self, sub: Sub) -> Reply:
        try:
            url = _resolved(sub["url"], self._bodies, in_url=True)
            body = _resolved(sub.get("body"), self._bodies)
        except KeyError as error:
            message = f"Invalid reference specified. No value for {error.args[0]} found"
            return Reply.json([{"errorCode": "PROCESSING_HALTED", "message": message}], 400)
        headers = {str(name).lower(): str(value) for name, value in (sub.get("httpHeaders") or {}).items()}
        conditional = headers.keys() & set(HEADERS)
        if conditional and self.variants.salesforce_composite_conditions == "refused":
            message = f"Header not supported in a subrequest: {', '.join(sorted(conditional))}"
            return Reply.json([{"errorCode": "INVALID_HEADER", "message": message}], 400)
        if self.variants.salesforce_composite_conditions == "ignored":
            headers = {name: value for name, value in headers.items() if name not in HEADERS}
        return self.dispatch(inner_call(self.call, str(sub["method"]), url, headers, body))


class Composite:
    """The composite resource and its batch; `dispatch` answers one sub-request."""

    def __init__(self, org: Org, dispatch: Handler, variants: Variants) -> None:
        self._org, self._dispatch, self._variants = org, dispatch, variants

    def run(self, call: Call) -> Reply:
        """POST /composite"""
        body = json_object(call)
        subs = subrequests(body, MOST)
        if sum(1 for sub in subs if _HEAVY.match(str(sub["url"]))) > MOST_HEAVY:
            message = f"Limit of {MOST_HEAVY} query or sObject Collections subrequests exceeded"
            raise refused(400, "LIMIT_EXCEEDED", message)
        chain = self.chain(call, body.get("allOrNone") is True)
        chain.run(subs)
        return Reply.json({"compositeResponse": chain.answers}, records=len(subs))

    def chain(self, call: Call, all_or_none: bool) -> Chain:
        """A chain of sub-requests of a call."""
        return Chain(self._org, self._dispatch, self._variants, call, all_or_none)

    def batch(self, call: Call) -> Reply:
        """POST /composite/batch: no references, and each sub-request counts as a call"""
        body = json_object(call)
        subs = body.get("batchRequests")
        if not isinstance(subs, list) or not all(isinstance(sub, dict) and "url" in sub for sub in subs):
            raise refused(400, "JSON_PARSER_ERROR", "batchRequests: a list of requests with method and url is required")
        if len(subs) > MOST:
            raise refused(400, "LIMIT_EXCEEDED", f"Limit of {MOST} subrequests exceeded")
        results: list[Sub] = []
        for sub in subs:
            failed = any(one["statusCode"] >= 400 for one in results)
            results.append(_BATCH_HALTED if failed and body.get("haltOnError") is True else self._batched(call, sub))
        self._org.usage.count(API, max(0, len(subs) - 1))  # the request itself was counted as one
        has_errors = any(one["statusCode"] >= 400 for one in results)
        return Reply.json({"hasErrors": has_errors, "results": results}, records=len(subs))

    def _batched(self, call: Call, sub: Sub) -> Sub:
        url = str(sub["url"])
        if _NESTED.match(url.lstrip("/")):
            raise refused(400, "INVALID_BATCH_REQUEST", f"a batch cannot hold {url}")
        path = url if url.startswith("/services/") else f"/services/data/{url.lstrip('/')}"
        reply = self._dispatch(inner_call(call, str(sub.get("method", "GET")), path, {}, sub.get("richInput")))
        raw = reply.raw()
        return {"statusCode": reply.status, "result": orjson.loads(raw) if raw else None}


_BATCH_HALTED = {
    "statusCode": 412,
    "result": [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}],
}


def subrequests(body: Mapping[str, Any], most: int) -> list[Sub]:
    """The sub-requests of a chain, checked as a whole before any is run."""
    subs = body.get("compositeRequest")
    if not isinstance(subs, list) or not subs:
        raise refused(400, "JSON_PARSER_ERROR", "compositeRequest: a list of subrequests is required")
    if len(subs) > most:
        raise refused(400, "LIMIT_EXCEEDED", f"Limit of {most} subrequests exceeded")
    for sub in subs:
        _check(sub)
    if len({sub["referenceId"] for sub in subs}) < len(subs):
        raise refused(400, "JSON_PARSER_ERROR", "Duplicate reference ID")
    return subs


def _check(sub: Any) -> None:
    if not isinstance(sub, dict) or not {"method", "url", "referenceId"} <= set(sub):
        raise refused(400, "JSON_PARSER_ERROR", "a subrequest needs method, url and referenceId")
    if not _REFERENCE_ID.fullmatch(str(sub["referenceId"])):
        raise refused(400, "JSON_PARSER_ERROR", f"Invalid reference ID: {sub['referenceId']}")
    if {str(name).lower() for name in sub.get("httpHeaders") or {}} & INHERITED:
        names = "Accept, Authorization and Content-Type"
        raise refused(400, "JSON_PARSER_ERROR", f"{names} are inherited and may not be given in httpHeaders")
    if _NESTED.match(str(sub["url"])):
        raise refused(400, "JSON_PARSER_ERROR", f"a composite request cannot hold {sub['url']}")


def inner_call(call: Call, method: str, url: str, headers: dict[str, str], body: Any) -> Call:
    """A sub-request as a call of its own: it has its own headers and the outer request's id and user."""
    parts = urlsplit(url)
    raw = b"" if body is None else orjson.dumps(body)
    return Call(method.upper(), parts.path, parts.query, headers, raw, call.id, by=call.by, scheme=call.scheme)


def some_failed(sub: Sub, content: Any) -> bool:
    """Whether some records of a collections sub-request failed, although it answered 200."""
    writes = _COLLECTIONS.match(str(sub["url"])) and str(sub["method"]).upper() != "GET"
    return bool(writes) and isinstance(content, list) and any(
        isinstance(one, dict) and one.get("success") is False for one in content
    )  # fmt: skip


def _resolved(value: Any, bodies: dict[str, Any], in_url: bool = False) -> Any:
    if isinstance(value, str):
        whole = None if in_url else _REFERENCE.fullmatch(value)
        if whole is not None:
            return _look_up(bodies, whole[1], whole[2])
        return _REFERENCE.sub(lambda match: _text(_look_up(bodies, match[1], match[2]), in_url), value)
    if isinstance(value, list):
        return [_resolved(one, bodies) for one in value]
    if isinstance(value, dict):
        return {name: _resolved(one, bodies) for name, one in value.items()}
    return value


def _text(value: Any, in_url: bool) -> str:
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return quote(text, safe="") if in_url else text


def _look_up(bodies: dict[str, Any], reference: str, path: str) -> Any:
    found: Any = bodies
    for part in [reference, *re.findall(r"[^.\[\]]+", path)]:
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise KeyError(f"{reference}.{path}") from None
    return found


def halted() -> Reply:
    """What a sub-request answers that was not run, or was undone, because another one failed."""
    return Reply.json([{"errorCode": "PROCESSING_HALTED", "message": ROLLED_BACK}], 400)


def _undone(answer: Sub) -> Sub:
    """A failure keeps its answer, and so does a collection some of whose records failed: its other records
    still say success."""
    failed_in_part = isinstance(answer["body"], list) and any(
        isinstance(one, dict) and one.get("success") is False for one in answer["body"]
    )
    if answer["httpStatusCode"] >= 400 or failed_in_part:
        return answer
    return answer | {"body": orjson.loads(halted().raw()), "httpHeaders": {}, "httpStatusCode": 400}
