"""The emulator's own time: follows the system clock until a test freezes or moves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Whatever can tell the time in UTC."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class EmulatorClock:
    """A clock that tests can move; with `start` it begins there and runs on."""

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = timedelta(0) if start is None else _utc(start) - datetime.now(UTC)
        self._frozen: datetime | None = None
        self._moved: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """The present moment of the emulated world."""
        return self._frozen if self._frozen is not None else datetime.now(UTC) + self._offset

    def freeze(self, at: datetime | None = None) -> None:
        """Stand still, now or at the moment given, until `advance` or `run`."""
        self._frozen = self.now() if at is None else _utc(at)
        self._tell()

    def advance(self, delta: timedelta) -> None:
        """Jump ahead (or back), frozen or running."""
        if self._frozen is not None:
            self._frozen += delta
        else:
            self._offset += delta
        self._tell()

    def run(self) -> None:
        """Go on running from the present moment."""
        if self._frozen is not None:
            self._offset, self._frozen = self._frozen - datetime.now(UTC), None

    def when_moved(self, react: Callable[[], None]) -> None:
        """Call `react` after each jump, so that what has fallen due happens at once."""
        self._moved.append(react)

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen is not None

    def _tell(self) -> None:
        for react in self._moved:
            react()


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"the emulator's clock needs a time zone: {moment!r}")
    return moment.astimezone(UTC)
