"""Wrappers that implement the port around another connector: asking again, and never writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from syncd.connectors.base import Connector
from syncd.errors import QuotaExhausted, Retry, Stop
from syncd.model import (
    Checked,
    Clock,
    ConnectorFacts,
    FieldWanted,
    HeartbeatWanted,
    Page,
    Provisioned,
    ReadSpec,
    Receipt,
    Row,
    Upsert,
    Window,
    Write,
)

if TYPE_CHECKING:
    import tenacity

T = TypeVar("T")


class Wrapped:
    """Passes everything on to the connector inside."""

    def __init__(self, inner: Connector) -> None:
        self._inner = inner

    @property
    def facts(self) -> ConnectorFacts:
        """As the connector inside."""
        return self._inner.facts

    @property
    def calls(self) -> int:
        """As the connector inside."""
        return self._inner.calls

    def check(self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]) -> Checked:
        """As the connector inside."""
        return self._inner.check(specs, writable)

    def now(self) -> datetime:
        """As the connector inside."""
        return self._inner.now()

    def pull(self, spec: ReadSpec, window: Window, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """As the connector inside."""
        return self._inner.pull(spec, window, position)

    def sweep(self, spec: ReadSpec, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """As the connector inside."""
        return self._inner.sweep(spec, position)

    def count(self, spec: ReadSpec) -> int | None:
        """As the connector inside."""
        return self._inner.count(spec)

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        """As the connector inside."""
        return self._inner.fetch(spec, ids)

    def upsert(self, object: str, key_field: str, rows: Sequence[Upsert]) -> list[Receipt]:
        """As the connector inside."""
        return self._inner.upsert(object, key_field, rows)

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        """As the connector inside."""
        return self._inner.write(object, writes)

    def provision(self, wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted, make: bool) -> Provisioned:
        """As the connector inside."""
        return self._inner.provision(wanted, heartbeat, make)


class Deferred(Wrapped):
    """Makes the connector when it is first needed, so that loading it costs nothing where it is not."""

    def __init__(self, make: Callable[[], Connector]) -> None:
        self._make = make
        self._lock = Lock()
        self._made: Connector | None = None

    @property
    def calls(self) -> int:
        """As the connector inside; none while there is none."""
        return 0 if self._made is None else self._made.calls

    @property
    def _inner(self) -> Connector:  # type: ignore[override]  # a plain attribute in the other wrappers
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


class ReadOnly(Wrapped):
    """A dry run, or shadow mode: reads everything, writes nothing."""

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        """Raises Stop before anything is sent."""
        raise Stop(f"This connection is read-only: {len(writes)} changes to {object} were not sent.")

    def upsert(self, object: str, key_field: str, rows: Sequence[Upsert]) -> list[Receipt]:
        """Raises Stop before anything is sent."""
        raise Stop(f"This connection is read-only: {len(rows)} records of {object} were not sent.")

    def provision(self, wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted, make: bool) -> Provisioned:
        """Looks. Raises Stop before anything is made."""
        if make:
            raise Stop("This connection is read-only: nothing was made in it.")
        return self._inner.provision(wanted, heartbeat, make)


class Retrying(Wrapped):
    """Asks again when the other side could not answer, from where it was; writes are never repeated.

    Each page and each call has its own `attempts` and its own `deadline` in seconds. A wait that the server asks for is
    kept; one that does not fit into the deadline is the caller's to plan, as is a used-up day. `sleep` waits before
    asking again, by the clock unless said otherwise; what it raises ends the waiting.
    """

    def __init__(
        self, inner: Connector, clock: Clock, *, attempts: int = 5, deadline: float = 600.0,
        sleep: Callable[[float], None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(inner)
        self._clock, self._attempts, self._deadline = clock, attempts, timedelta(seconds=deadline)
        self._sleep = sleep or clock.wait

    def check(self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]) -> Checked:
        """As the connector inside, asked again if need be."""
        return self._insist(lambda: self._inner.check(specs, writable))

    def now(self) -> datetime:
        """As the connector inside, asked again if need be."""
        return self._insist(self._inner.now)

    def pull(self, spec: ReadSpec, window: Window, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """As the connector inside; after an interruption it goes on behind the last page that came."""
        return self._pages(lambda at: self._inner.pull(spec, window, at), position)

    def sweep(self, spec: ReadSpec, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """As `pull`."""
        return self._pages(lambda at: self._inner.sweep(spec, at), position)

    def count(self, spec: ReadSpec) -> int | None:
        """As the connector inside, asked again if need be."""
        return self._insist(lambda: self._inner.count(spec))

    def _pages(
        self, read: Callable[[Mapping[str, Any] | None], Iterator[Page]], position: Mapping[str, Any] | None
    ) -> Iterator[Page]:
        pages: Iterator[Page] | None = None

        def next_page() -> Page | None:
            nonlocal pages
            if pages is None:
                pages = read(position)
            try:
                return next(pages, None)
            except Retry:
                pages = None
                raise

        while (page := self._insist(next_page)) is not None:
            position = page.position
            yield page

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        """As the connector inside, asked again if need be."""
        return self._insist(lambda: self._inner.fetch(spec, ids))

    def provision(self, wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted, make: bool) -> Provisioned:
        """As the connector inside; only looking is asked again."""
        if make:
            return self._inner.provision(wanted, heartbeat, make)
        return self._insist(lambda: self._inner.provision(wanted, heartbeat, False))

    def _insist(self, ask: Callable[[], T]) -> T:
        ends = self._clock.now() + self._deadline
        try:
            return ask()
        except Retry as error:
            if not _passes_by(error):
                raise
            failures = [error]

        def ask_again() -> T:
            if failures:
                raise failures.pop()
            return ask()

        return self._asking_again(ask_again, ends)

    def _asking_again(self, ask: Callable[[], T], ends: datetime) -> T:
        """Ask until an answer comes; the first failure, which was there before, counts and is waited for."""
        import tenacity  # loaded with the first failure, because it brings asyncio with it

        backoff = tenacity.wait_random_exponential(multiplier=1, max=60)

        def enough(state: tenacity.RetryCallState) -> bool:
            too_late = self._clock.now() + timedelta(seconds=state.upcoming_sleep) > ends
            return too_late or state.attempt_number >= self._attempts

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(_passes_by),
            wait=lambda state: max(_asked(state), backoff(state)),
            stop=enough,
            sleep=self._sleep,
            reraise=True,
        )(ask)


def _asked(state: tenacity.RetryCallState) -> float:
    """The wait in seconds that the server asked for."""
    error = state.outcome.exception() if state.outcome is not None else None
    return error.after.total_seconds() if isinstance(error, Retry) and error.after is not None else 0.0


def _passes_by(error: BaseException) -> bool:
    return isinstance(error, Retry) and not isinstance(error, QuotaExhausted)
