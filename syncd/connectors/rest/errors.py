"""What the statuses of a described API mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from syncd.connectors.rest.description import Description
from syncd.connectors.rest.shape import finder
from syncd.connectors.transport import Forbidden, Limit, retry_after
from syncd.connectors.wire import Answer
from syncd.errors import AuthFailed, Retry, Stop, SyncdError, UserError

REFUSED = frozenset({400, 404, 409, 410, 412, 422})
"""Statuses that are about the record that was sent."""


class RestDialect:
    """How a described API tells of limits and failures."""

    def __init__(self, about: Description) -> None:
        self._name, self._later = about.name, frozenset(about.retry)
        self._code, self._message = finder(about.failure.code), finder(about.failure.message)

    def limits(self, answer: Answer, kind: str) -> Iterable[Limit]:
        """How long to wait; what is left is not told in one way by all, so the description says how much there is."""
        if answer.status == 429:
            wait = retry_after(answer, otherwise=10.0)
            assert wait is not None
            yield Limit(kind, retry_after=wait.total_seconds())

    def failure(self, answer: Answer, template: str, writing: bool) -> SyncdError:
        """The error that a refusing answer means. Its words are not repeated: they can hold a customer's data."""
        status, code = answer.status, self.code(answer.json_or_none())
        said = f"{self._name}, {template}: HTTP {status}{f' {code}' if code else ''}."
        if status == 401:
            return AuthFailed(f"{said} It refused to sign us in; check `auth` in the settings.")
        if status == 403:
            return Forbidden(f"{said} The account lacks a right for this.")
        if status in self._later:
            return Retry(said, after=retry_after(answer))
        if status >= 500:
            return Retry(said, after=retry_after(answer), outcome_unknown=writing)
        if 300 <= status < 400:
            return Stop(f"{said} It points to another address, which was not followed; correct `path` or `host`.")
        if status in (400, 404, 405, 410, 422):
            return UserError(f"{said} Nothing is there, or it does not take this; correct the description.")
        return Stop(said)

    def code(self, content: Any) -> str:
        """The code of a refusal, short enough to be one; blank where there is none."""
        found = self._code(content)
        return str(found)[:60] if isinstance(found, str | int) and not isinstance(found, bool) else ""

    def words(self, content: Any) -> str:
        """The words of a refusal, for the receipt of the record that it is about."""
        found = self._message(content)
        return found[:500] if isinstance(found, str) else ""
