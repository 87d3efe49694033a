"""What HubSpot's refusals mean, by status, category and policy name. Every field of an error body is optional."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from syncd.connectors.transport import Forbidden, Limit, retry_after
from syncd.connectors.wire import Answer
from syncd.errors import AuthFailed, QuotaExhausted, Retry, Stop, SyncdError, UserError

_LOCKED, _MIGRATING, _TOO_MANY = 423, 477, 429
# What is wrong with a property is wrong with every row that writes it: no use in searching for the row.
_OF_THE_PROPERTY = frozenset({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"})
_OF_THE_VALUE = frozenset({"INVALID_OPTION", "INVALID_OWNER_ID", "INVALID_INTEGER", "INVALID_LONG", "INVALID_NUMBER"})
_OF_THE_VALUE |= {"INVALID_DATE", "INVALID_BOOLEAN", "INVALID_EMAIL", "INVALID_ALPHA", "LEADING_TRAILING_WHITESPACE"}
_DEPENDING = frozenset({"dealstage", "pipeline", "hs_pipeline", "hs_pipeline_stage"})  # a stage fits one pipeline only
LATER = frozenset({_LOCKED, _MIGRATING, _TOO_MANY})
_EXISTING = re.compile(r"Existing ID: (\d+)")
_WAITS = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}  # where `Retry-After` is missing, as it often is
_UNKNOWN_WAIT, _HOUR = 10.0, 3600.0


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error body says, as far as it says it.

    `unwritable` are properties that no row can write, `unfit` those whose value no row can take. `existing` is the id
    of the record that holds a unique value already; only the vendor's sentence tells it.
    """

    code: str
    message: str
    unwritable: frozenset[str]
    unfit: frozenset[str]
    ids: frozenset[str]
    existing: str = ""


def complaint(content: Any) -> Complaint:
    """Read an error body, or one entry of a batch's errors."""
    body: Mapping[str, Any] = content if isinstance(content, dict) else {}
    details = list(_details(body))
    codes = [code for d in details if (code := _code(d))]
    code = codes[0] if codes else str(body.get("category") or body.get("errorType") or "")
    unwritable = {name for d in details if _code(d) in _OF_THE_PROPERTY for name in _names(d)}
    unfit = {name for d in details if _code(d) in _OF_THE_VALUE for name in _names(d)} - _DEPENDING
    ids = {id_ for d in [body, *details] for id_ in _context(d, "id", "ids", "objectWriteTraceId")}
    message = str(body.get("message") or "")
    existing = _EXISTING.search(message) if code == "CONFLICT" else None
    return Complaint(
        code, message[:500], frozenset(unwritable), frozenset(unfit), frozenset(ids), existing[1] if existing else ""
    )


def nothing_there(error: Any) -> bool:
    """Whether an entry of a batch's errors only says that there is nothing under an id, which is an answer."""
    return isinstance(error, dict) and error.get("category") == "OBJECT_NOT_FOUND"


class HubSpotDialect:
    """How HubSpot tells of limits and failures. `zone` is the account's, at whose midnight a day of calls begins."""

    def __init__(self) -> None:
        self.zone: tzinfo | None = None

    def limits(self, answer: Answer, kind: str) -> Iterable[Limit]:
        """What remains of ten seconds and of the day. Search sends neither."""
        if answer.status == _TOO_MANY:
            policy, wait = self._over_limit(answer)
            over = {"DAILY": "daily", "TEN_SECONDLY_ROLLING": "call"}.get(policy, kind)
            yield Limit(over, retry_after=wait.total_seconds())
        remaining = _number(answer.headers.get("X-HubSpot-RateLimit-Remaining"))
        burst = _number(answer.headers.get("X-HubSpot-RateLimit-Max"))
        if remaining is not None or burst is not None:
            yield Limit("call", remaining=remaining, maximum=burst)
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
            policy, wait = self._over_limit(answer)
            if policy == "DAILY":
                return QuotaExhausted(f"{said} The account's calls of this day are used up.", after=wait)
            return Retry(said, after=wait)
        if status in LATER:
            return Retry(said, after=retry_after(answer, otherwise=2.0))
        if status >= 500:
            return Retry(said, after=retry_after(answer), outcome_unknown=writing)
        if status in (400, 404):
            return UserError(f"{said} {told.message}".rstrip())
        return Stop(said)

    def _over_limit(self, answer: Answer) -> tuple[str, timedelta]:
        """Which limit it is, and how long to wait."""
        content = answer.json_or_none()
        policy = str(content.get("policyName") or "") if isinstance(content, dict) else ""
        otherwise = self._until_midnight(answer) if policy == "DAILY" else _WAITS.get(policy, _UNKNOWN_WAIT)
        wait = retry_after(answer, otherwise)
        assert wait is not None
        return policy, wait

    def _until_midnight(self, answer: Answer) -> float:
        """Seconds until the account's next day; an hour where its zone is not known, which asks again soon enough."""
        with contextlib.suppress(TypeError, ValueError):
            now = parsedate_to_datetime(answer.headers.get("Date", ""))
            if self.zone is not None and now.tzinfo is not None:
                tomorrow = now.astimezone(self.zone).date() + timedelta(days=1)
                midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=self.zone)
                return (midnight - now).total_seconds()
        return _HOUR


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


def _scopes(content: Any) -> str:
    entries = content.get("errors") if isinstance(content, dict) else None
    needed = {s for e in entries or () if isinstance(e, dict) for s in _context(e, "requiredGranularScopes")}
    if not needed:
        return "The token lacks a scope, or its owner a right."
    plainest = min(needed, key=lambda scope: (len(scope), scope))  # the others are for sensitive data, or whole schemas
    return f"The token lacks a scope; give the app {plainest}."


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdigit() else None
