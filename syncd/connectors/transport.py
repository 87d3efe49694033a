"""An API call as the connectors make it: token, budget, counting, the server's clock, and errors by class.

The vendor's manner of speaking (headers of limits, error bodies) is a `Dialect`; everything else is the same for all.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any, Protocol

import orjson

from syncd.connectors.wire import Answer, Wire
from syncd.errors import AuthFailed, Retry, SyncdError, UserError
from syncd.model import Budget, Clock, Credentials

Meter = Callable[[str, str, int, float], None]
"""Told of every call: method, path template, status (0: no answer), seconds. Never a body, an id or a token."""

_NO_HEADERS: Mapping[str, str] = {}
_TOO_LONG_URI = 16_000
_TOKEN_REFUSED = frozenset({401})
_NO_USE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """What an answer says about one limit of the API; `maximum` is the whole of it, ours and everybody's."""

    kind: str
    remaining: int | None = None
    retry_after: float | None = None
    maximum: int | None = None


class Forbidden(AuthFailed):
    """The other side knows us, but does not let us do this."""


class Dialect(Protocol):
    """How one vendor says what went wrong and how much is left."""

    def limits(self, answer: Answer, kind: str) -> Iterable[Limit]:
        """The limits that an answer to a call of this kind tells of."""
        ...

    def failure(self, answer: Answer, template: str, writing: bool) -> SyncdError:
        """The error that a refusing answer means, by status and code, never by text."""
        ...


def _bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Transport:
    """Calls of one connection. Safe to share between threads. `authorize` says in which header a token is sent."""

    def __init__(
        self,
        wire: Wire,
        dialect: Dialect,
        credentials: Credentials,
        budget: Budget,
        clock: Clock,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        meter: Meter | None = None,
        authorize: Callable[[str], Mapping[str, str]] = _bearer,
    ) -> None:
        self.wire = wire
        self._authorize = authorize
        self._dialect, self._credentials, self._budget, self._clock = dialect, credentials, budget, clock
        self._headers = {"Accept": "application/json", **headers}
        self._meter = meter
        self._lock = Lock()
        self._calls = 0
        self._heard: tuple[datetime, datetime] | None = None
        self._in_vain: tuple[str, datetime] | None = None

    @property
    def calls(self) -> int:
        """Calls made so far, sign-in included where the credentials count theirs."""
        return self._calls + int(getattr(self._credentials, "calls", 0))

    def call(
        self,
        method: str,
        path: str,
        *,
        template: str,
        kind: str = "call",
        body: Any = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        writing: bool = False,
        accept: frozenset[int] = frozenset(),
        token_refused: frozenset[int] = _TOKEN_REFUSED,
    ) -> Answer:
        """One API call. Answers below 300 and those of the statuses in `accept` are returned, all others raise.

        A status in `token_refused` renews the token once and sends the same request, all headers included, once more:
        it was refused before it was looked at, so this is safe for writes too. A token that was refused fresh is not
        renewed again for an hour: then something other than its age is wrong, such as a session policy.
        """
        if len(path) > _TOO_LONG_URI:
            raise UserError(f"{template}: the question is too long for the server; map fewer fields or filter values.")
        packed = orjson.dumps(body, default=number_of) if body is not None else None
        sent = {**self._headers, **headers}
        if packed is not None:
            sent["Content-Type"] = "application/json"
        token = self._credentials.token()
        answer = self._once(method, path, template, kind, packed, sent, token, writing)
        if answer.status in token_refused and self._may_help(token):
            token = self._credentials.renew(token)
            answer = self._once(method, path, template, kind, packed, sent, token, writing)
            if answer.status in token_refused:
                self._in_vain = token, self._clock.now() + _NO_USE
        if answer.status < 300:
            self._in_vain = None
        if answer.status < 300 or answer.status in accept:
            return answer
        raise self._dialect.failure(answer, template, writing)

    def json(self, method: str, path: str, *, template: str, writing: bool = False, **how: Any) -> Any:
        """As `call`, the body parsed. A success that is no JSON comes from a gateway, so the outcome is unknown."""
        answer = self.call(method, path, template=template, writing=writing, **how)
        return self.parsed(answer, template, writing)

    def parsed(self, answer: Answer, template: str, writing: bool = False) -> Any:
        """The JSON of an answer. Raises Retry when it holds none."""
        content = answer.json_or_none()
        if content is None:
            raise Retry(
                f"{template}: {self.wire.host} answered with something that is not JSON.", outcome_unknown=writing
            )
        return content

    def refusal(self, answer: Answer, template: str, writing: bool = False) -> SyncdError:
        """The error that an accepted answer means after all."""
        return self._dialect.failure(answer, template, writing)

    def now(self) -> datetime | None:
        """The server's clock: its newest `Date`, plus what our own clock says has passed since; None before any answer.

        `Date` alone would stand still between two cycles, and each window would end where the last one had been read.
        """
        heard = self._heard
        if heard is None:
            return None
        date, ours = heard
        return date + max(self._clock.now() - ours, timedelta(0))

    def _may_help(self, token: str) -> bool:
        """Whether renewing this token may help; not when it is itself the fruit of a renewal that did not."""
        return self._in_vain is None or self._in_vain[0] != token or self._clock.now() >= self._in_vain[1]

    def _once(
        self,
        method: str,
        path: str,
        template: str,
        kind: str,
        body: bytes | None,
        headers: dict[str, str],
        token: str,
        writing: bool,
    ) -> Answer:
        self._budget.take(kind)
        with self._lock:
            self._calls += 1
        began, status = time.perf_counter(), 0
        try:
            answer = self.wire.send(method, path, {**headers, **self._authorize(token)}, body, writing=writing)
            status = answer.status
        finally:
            if self._meter is not None:
                self._meter(method, template, status, time.perf_counter() - began)
        self._listen(answer, kind)
        return answer

    def _listen(self, answer: Answer, kind: str) -> None:
        with contextlib.suppress(ValueError):
            date = parsedate_to_datetime(answer.headers.get("Date", ""))
            if date.tzinfo is not None:
                self._heard = date, self._clock.now()
        for limit in self._dialect.limits(answer, kind):
            self._budget.correct(limit.kind, limit.remaining, limit.retry_after, limit.maximum)


def number_of(value: Any) -> int | float:
    """What JSON has for a Decimal."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} is no native value")


def retry_after(answer: Answer, otherwise: float | None = None) -> timedelta | None:
    """What `Retry-After` asks for, in seconds or as a date; else the wait given."""
    value = answer.headers.get("Retry-After", "")
    try:
        return timedelta(seconds=float(value))
    except ValueError:
        pass
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(answer.headers.get("Date", ""))
        return max(until - now, timedelta(0))
    except (TypeError, ValueError):
        return None if otherwise is None else timedelta(seconds=otherwise)
