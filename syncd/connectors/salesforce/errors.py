"""What Salesforce's refusals mean, by status and code. Their texts change with release and language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from syncd.connectors.batches import Numbered
from syncd.connectors.transport import Forbidden, Limit, retry_after
from syncd.connectors.wire import Answer
from syncd.errors import AuthFailed, QuotaExhausted, Retry, Stop, SyncdError, UserError
from syncd.model import Receipt, ReceiptKind

_USAGE = re.compile(r"(?:^|[;,\s])api-usage=(\d+)/(\d+)")

# A row that met one of these was surely not changed, and may well be taken later. CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY
# is the org's own trigger failing, which is most often a lock inside it; the outbox bounds how often it is tried.
_ROW_LATER = frozenset(
    {
        "UNABLE_TO_LOCK_ROW",
        "SERVER_UNAVAILABLE",
        "REQUEST_LIMIT_EXCEEDED",
        "REQUEST_RUNNING_TOO_LONG",
        "QUERY_TIMEOUT",
        "PROCESSING_HALTED",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "UNKNOWN_EXCEPTION",
    }
)
_CALL_LATER = frozenset(
    {"QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG", "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "INVALID_QUERY_LOCATOR"}
)
_SCHEMA = frozenset({"INVALID_FIELD", "INVALID_TYPE"})
_NO_API = frozenset({"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"})
_CONFIGURATION = {
    "INVALID_FIELD": "A field does not exist or this user may not see it.",
    "INVALID_TYPE": "The object does not exist or this user may not see it.",
    "QUERY_TOO_COMPLICATED": "The object has too many formula fields mapped for one query; map fewer.",
    "INVALID_QUERY_FILTER_OPERATOR": "A field cannot be filtered on.",
    "NOT_FOUND": "The object does not exist or this user may not see it.",
}
_TRANSIENT = frozenset({406, 409, 420, 429})


class SchemaDiffers(UserError):
    """The org has no such object or field, or shows it to us no more."""


def entries(content: Any) -> Iterator[Mapping[str, Any]]:
    """The errors of a body, wherever Salesforce puts them: a list, or one object."""
    for item in content if isinstance(content, list) else [content]:
        if isinstance(item, dict):
            yield item


def code_of(content: Any) -> str:
    """The first error code of a body; empty where there is none."""
    for item in entries(content):
        code = item.get("errorCode") or item.get("statusCode") or item.get("error")
        if isinstance(code, str):
            return code
    return ""


def usage(answer: Answer) -> tuple[int, int] | None:
    """Calls used and allowed in the rolling day, as last counted by the org."""
    found = _USAGE.search(answer.headers.get("Sforce-Limit-Info", ""))
    return (int(found[1]), int(found[2])) if found else None


class SalesforceDialect:
    """How Salesforce tells of limits and failures."""

    def limits(self, answer: Answer, kind: str) -> Iterable[Limit]:
        """How many calls the org's day has, and what remains of them."""
        if (counted := usage(answer)) is not None:
            used, allowed = counted
            yield Limit("daily", remaining=max(allowed - used, 0), maximum=allowed)

    def failure(self, answer: Answer, template: str, writing: bool) -> SyncdError:
        """The error that a refusing answer means."""
        content = answer.json_or_none()
        status, code = answer.status, code_of(content)
        said = f"Salesforce, {template}: HTTP {status}{f' {code}' if code else ''}."
        if status == 401:
            return AuthFailed(f"{said} The access token was refused even after it was renewed.")
        if code == "REQUEST_LIMIT_EXCEEDED":
            return self._over_limit(answer, said)
        if code in _NO_API:
            return Forbidden(
                f"{said} This org has no API, or has it switched off: connect it by files only, or have the API "
                "enabled for the org and the integration user."
            )
        if status == 403:
            return Forbidden(f"{said} The integration user lacks a right, or the org has no API.")
        if code in _CALL_LATER or status in _TRANSIENT:
            return Retry(said, after=retry_after(answer))
        if status >= 500:
            return Retry(said, after=retry_after(answer), outcome_unknown=writing)
        if status == 410:
            return UserError(f"{said} The API version is retired; set a newer `api_version`.")
        if code in _CONFIGURATION or status == 404:
            kind = SchemaDiffers if code in _SCHEMA else UserError
            return kind(f"{said} {_CONFIGURATION.get(code, 'Nothing is there.')} {_detail(content)}".rstrip())
        if 300 <= status < 400:
            return Stop(f"{said} The server points to another address; set the connection's URL to it.")
        return Stop(said)

    def _over_limit(self, answer: Answer, said: str) -> SyncdError:
        # One code for two limits, told apart by text only; the org's own count tells them apart better.
        counted = usage(answer)
        if counted is not None and counted[0] < counted[1]:
            return Retry(f"{said} Too many long calls at once.", after=timedelta(seconds=5))
        return QuotaExhausted(f"{said} The org's calls of the day are used up.", after=timedelta(minutes=15))


def row_receipt(write: Numbered, errors: Any) -> Receipt:
    """The receipt of a row that was refused."""
    first: Mapping[str, Any] = next(entries(errors), {})
    code = code_of([first]) or "UNKNOWN_ERROR"
    kind = ReceiptKind.RETRY if code in _ROW_LATER else ReceiptKind.FAILED
    return Receipt(write.id, kind, code, str(first.get("message") or "")[:500])


def _detail(content: Any) -> str:
    """The last line of a configuration error, which names the field; queries hold no customer data."""
    for item in entries(content):
        lines = str(item.get("message") or "").strip().splitlines()
        if lines:
            return lines[-1][:300]
    return ""
