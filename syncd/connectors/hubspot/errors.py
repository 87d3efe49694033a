"""What HubSpot's refusals mean, by status, category and policy name. Every field of an error body is optional."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from syncd.connectors.transport import Forbidden, Limit, retry_after
from syncd.connectors.wire import Answer
from syncd.errors import AuthFailed, QuotaExhausted, Retry, Stop, SyncdError, UserError

_LOCKED, _MIGRATING, _TOO_MANY = 423, 477, 429
# What is wrong with a property is wrong with every row that writes it: no use in searching for the row.
_OF_THE_PROPERTY = frozenset({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"})
_OF_THE_VALUE = frozenset({"INVALID_OPTION", "INVALID_OWNER_ID", "INVALID_INTEGER", "INVALID_LONG", "INVALID_NUMBER"})
_OF_THE_VALUE |= {"INVALID_DATE", "INVALID_BOOLEAN", "INVALID_EMAIL", "LEADING_TRAILING_WHITESPACE"}
_DEPENDING = frozenset({"dealstage", "pipeline", "hs_pipeline", "hs_pipeline_stage"})  # a stage fits one pipeline only
LATER = frozenset({_LOCKED, _MIGRATING, _TOO_MANY})


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error body says, as far as it says it.

    `unwritable` are properties that no row can write, `unfit` those whose value no row can take.
    """

    code: str
    message: str
    unwritable: frozenset[str]
    unfit: frozenset[str]
    ids: frozenset[str]


def complaint(content: Any) -> Complaint:
    """Read an error body, or one entry of a batch's errors."""
    body: Mapping[str, Any] = content if isinstance(content, dict) else {}
    details = list(_details(body))
    codes = [code for d in details if (code := _code(d))]
    code = codes[0] if codes else str(body.get("category") or body.get("errorType") or "")
    unwritable = {name for d in details if _code(d) in _OF_THE_PROPERTY for name in _names(d)}
    unfit = {name for d in details if _code(d) in _OF_THE_VALUE for name in _names(d)} - _DEPENDING
    ids = {id_ for d in [body, *details] for id_ in _context(d, "id", "ids", "objectWriteTraceId")}
    return Complaint(
        code, str(body.get("message") or "")[:500], frozenset(unwritable), frozenset(unfit), frozenset(ids)
    )


class HubSpotDialect:
    """How HubSpot tells of limits and failures."""

    def limits(self, answer: Answer, kind: str) -> Iterable[Limit]:
        """What remains of ten seconds and of the day. Search sends neither."""
        if answer.status == _TOO_MANY:
            daily, wait = _over_limit(answer)
            yield Limit("daily" if daily else kind, retry_after=wait.total_seconds())
        remaining = _number(answer.headers.get("X-HubSpot-RateLimit-Remaining"))
        if remaining is not None:
            yield Limit("call", remaining=remaining)
        left_today = _number(answer.headers.get("X-HubSpot-RateLimit-Daily-Remaining"))
        whole_day = _number(answer.headers.get("X-HubSpot-RateLimit-Daily"))
        if left_today is not None or whole_day is not None:
            yield Limit("daily", remaining=left_today, maximum=whole_day)

    def failure(self, answer: Answer, template: str, writing: bool) -> SyncdError:
        """The error that a refusing answer means."""
        content = answer.json_or_none()
        status, told = answer.status, complaint(content)
        said = f"HubSpot, {template}: HTTP {status}{f' {told.code}' if told.code else ''}."
        if status == 401:
            return AuthFailed(f"{said} The access token was refused; it is wrong, revoked or expired.")
        if status == 403:
            return Forbidden(f"{said} {_scopes(content)}")
        if status == _TOO_MANY:
            daily, wait = _over_limit(answer)
            return QuotaExhausted(f"{said} The day is used up.", after=wait) if daily else Retry(said, after=wait)
        if status in LATER:
            return Retry(said, after=retry_after(answer, otherwise=2.0))
        if status >= 500:
            return Retry(said, after=retry_after(answer), outcome_unknown=writing)
        if status in (400, 404):
            return UserError(f"{said} {told.message}".rstrip())
        return Stop(said)


def _details(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The single complaints: a list beside the message, or, as validation has it, JSON inside the message."""
    for item in body.get("errors") or ():
        if isinstance(item, dict):
            yield item
    message = str(body.get("message") or "")
    start = message.find("[{")
    if start >= 0:
        with contextlib.suppress(orjson.JSONDecodeError):
            yield from (d for d in orjson.loads(message[start : message.rfind("]") + 1]) if isinstance(d, dict))


def _code(detail: Mapping[str, Any]) -> str:
    return str(detail.get("error") or detail.get("code") or "")


def _names(detail: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(detail.get("name"), str):
        yield detail["name"]
    yield from _context(detail, "propertyName", "propertyNames")


def _context(detail: Mapping[str, Any], *keys: str) -> Iterator[str]:
    context = detail.get("context")
    if isinstance(context, dict):
        for key in keys:
            value = context.get(key)
            yield from (str(v) for v in (value if isinstance(value, list) else [value]) if v is not None)


def _over_limit(answer: Answer) -> tuple[bool, timedelta]:
    """Whether the day is used up, and how long to wait; `Retry-After` is often missing."""
    content = answer.json_or_none()
    policy = str(content.get("policyName") or "") if isinstance(content, dict) else ""
    daily = policy == "DAILY"
    otherwise = 3600.0 if daily else 1.0 if policy == "SECONDLY" else 10.0
    wait = retry_after(answer, otherwise)
    assert wait is not None
    return daily, wait


def _scopes(content: Any) -> str:
    entries = content.get("errors") if isinstance(content, dict) else None
    needed = {s for e in entries or () if isinstance(e, dict) for s in _context(e, "requiredGranularScopes")}
    if not needed:
        return "The token lacks a scope, or its owner a right."
    plainest = min(needed, key=lambda scope: (len(scope), scope))  # the others are for sensitive data, or whole schemas
    return f"The token lacks a scope; give the app {plainest}."


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdigit() else None
