"""/composite: up to 25 requests in one API call, five of them queries or collections, with references between them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import orjson

from syncd.emulator.http import Call, Handler, Reply
from syncd.emulator.salesforce.errors import refused
from syncd.emulator.salesforce.rows import json_object
from syncd.emulator.salesforce.store import Org

MOST, MOST_HEAVY = 25, 5
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)\.([^}]+)\}")
_REFERENCE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_HEAVY = re.compile(r"/services/data/v[\d.]+/(query|queryAll|composite/sobjects)\b", re.IGNORECASE)

Sub = dict[str, Any]


class _Halted(Exception):
    """Leaves the transaction of an all-or-none call."""


class Composite:
    """The composite resource; `dispatch` answers one sub-request."""

    def __init__(self, org: Org, dispatch: Handler) -> None:
        self._org, self._dispatch = org, dispatch

    def run(self, call: Call) -> Reply:
        """POST /composite"""
        body = json_object(call)
        subs = _subrequests(body)
        all_or_none = body.get("allOrNone") is True
        answers: list[Sub] = []
        try:
            with self._org.transaction():
                self._run_all(call, subs, answers, all_or_none)
                if all_or_none and any(answer["httpStatusCode"] >= 400 for answer in answers):
                    raise _Halted
        except _Halted:
            answers = [_halted(answer) for answer in answers]
        return Reply.json({"compositeResponse": answers}, records=len(subs))

    def _run_all(self, call: Call, subs: list[Sub], answers: list[Sub], all_or_none: bool) -> None:
        bodies: dict[str, Any] = {}
        for sub in subs:
            halted = all_or_none and any(answer["httpStatusCode"] >= 400 for answer in answers)
            reply = _processing_halted() if halted else self._one(call, sub, bodies)
            raw = reply.raw()
            content = orjson.loads(raw) if raw else None
            bodies[sub["referenceId"]] = content
            headers = {name: value for name, value in reply.headers.items() if name in ("Location", "Last-Modified")}
            answers.append({"body": content, "httpHeaders": headers, "httpStatusCode": reply.status,
                            "referenceId": sub["referenceId"]})  # fmt: skip

    def _one(self, call: Call, sub: Sub, bodies: dict[str, Any]) -> Reply:
        try:
            url = _resolved(sub["url"], bodies)
            body = _resolved(sub.get("body"), bodies)
        except KeyError as error:
            return _invalid_reference(str(error.args[0]))
        parts = urlsplit(url)
        headers = {str(name).lower(): str(value) for name, value in (sub.get("httpHeaders") or {}).items()}
        raw = b"" if body is None else orjson.dumps(body)
        inner = Call(str(sub["method"]).upper(), parts.path, parts.query, headers, raw, call.id, by=call.by)
        return self._dispatch(inner)


def _subrequests(body: Sub) -> list[Sub]:
    subs = body.get("compositeRequest")
    if not isinstance(subs, list) or not subs:
        raise refused(400, "JSON_PARSER_ERROR", "compositeRequest: a list of subrequests is required")
    if len(subs) > MOST:
        raise refused(400, "LIMIT_EXCEEDED", f"Limit of {MOST} subrequests exceeded")
    for sub in subs:
        if not isinstance(sub, dict) or not {"method", "url", "referenceId"} <= set(sub):
            raise refused(400, "JSON_PARSER_ERROR", "a subrequest needs method, url and referenceId")
        if not _REFERENCE_ID.fullmatch(str(sub["referenceId"])):
            raise refused(400, "JSON_PARSER_ERROR", f"Invalid reference ID: {sub['referenceId']}")
    if len({sub["referenceId"] for sub in subs}) < len(subs):
        raise refused(400, "JSON_PARSER_ERROR", "Duplicate reference ID")
    if sum(1 for sub in subs if _HEAVY.match(str(sub["url"]))) > MOST_HEAVY:
        message = f"Limit of {MOST_HEAVY} query or sObject Collections subrequests exceeded"
        raise refused(400, "LIMIT_EXCEEDED", message)
    return subs


def _resolved(value: Any, bodies: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: str(_look_up(bodies, match[1], match[2])), value)
    if isinstance(value, list):
        return [_resolved(one, bodies) for one in value]
    if isinstance(value, dict):
        return {name: _resolved(one, bodies) for name, one in value.items()}
    return value


def _look_up(bodies: dict[str, Any], reference: str, path: str) -> Any:
    found: Any = bodies
    for part in [reference, *re.findall(r"[^.\[\]]+", path)]:
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise KeyError(f"{reference}.{path}") from None
    return found


def _invalid_reference(reference: str) -> Reply:
    message = f"Invalid reference specified. No value for {reference} found"
    return Reply.json([{"errorCode": "PROCESSING_HALTED", "message": message}], 400)


def _processing_halted() -> Reply:
    message = "The transaction was rolled back since another operation in the same transaction failed."
    return Reply.json([{"errorCode": "PROCESSING_HALTED", "message": message}], 400)


def _halted(answer: Sub) -> Sub:
    if answer["httpStatusCode"] >= 400:
        return answer
    reply = _processing_halted()
    return answer | {"body": orjson.loads(reply.raw()), "httpHeaders": {}, "httpStatusCode": 400}
