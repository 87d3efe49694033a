"""Shares of the vendors' call limits, kept inside this process.

The kinds of calls are `call`, `search` and `daily`; the last is what the server says about the day, never taken itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock

from syncd.errors import QuotaExhausted
from syncd.model import Clock

_TRUSTED = timedelta(minutes=15)
_PATIENCE = timedelta(minutes=1)

# Until the first answer says how many calls a day has: what the smallest org or portal with an API has.
_SMALLEST_ORG = 15_000
_SMALLEST_PORTAL = 250_000


class Unlimited:
    """No limit at all, for peers that have none."""

    def take(self, kind: str, calls: int = 1) -> None:
        """Always at once."""

    def correct(self, kind: str, remaining: int | None, retry_after: float | None, maximum: int | None = None) -> None:
        """Nothing to learn."""


class RollingWindow:
    """At most `limit` calls in any `seconds`, counted in slices, so that a day costs no more memory than a second.

    A slice leaves the window whole, when its newest call does: never a call too many, at most a slice too late.
    """

    def __init__(self, limit: int, seconds: float, slices: int = 200) -> None:
        self.resize(limit)
        self._span = timedelta(seconds=seconds)
        self._slice = timedelta(seconds=seconds / slices)
        self._taken: deque[tuple[datetime, datetime, int]] = deque()
        self._used = 0
        self._shut_until: datetime | None = None

    def resize(self, limit: int) -> None:
        """Allow another number of calls from now on; those made stay counted."""
        self.limit = max(1, limit)

    def wait(self, now: datetime, calls: int) -> timedelta:
        """How long until `calls` more are allowed."""
        while self._taken and self._taken[0][1] + self._span <= now:
            self._used -= self._taken.popleft()[2]
        if self._shut_until is not None and self._shut_until > now:
            return self._shut_until - now
        over = self._used + calls - self.limit
        for _, newest, count in self._taken:
            if over <= 0:
                break
            over -= count
            if over <= 0:
                return newest + self._span - now
        return timedelta(0)

    def take(self, now: datetime, calls: int) -> None:
        """Count `calls` as made."""
        self._used += calls
        if self._taken and now - self._taken[-1][0] < self._slice:
            first, _, count = self._taken.pop()
            self._taken.append((first, now, count + calls))
        else:
            self._taken.append((now, now, calls))

    def shut(self, until: datetime) -> None:
        """Allow nothing before `until`."""
        self._shut_until = until if self._shut_until is None else max(self._shut_until, until)


class CallBudget:
    """The limits of one system. `take` waits through a short window and gives up on a long one.

    Of a day of `daily` calls we may make the part `share`, and the last part `reserve` is left to others; how many
    calls a day has is ours to assume only until the server tells. What it says remains of the day lags and jumps, so
    that is a brake for a quarter of an hour, never a counter.
    """

    def __init__(
        self,
        clock: Clock,
        windows: Mapping[str, RollingWindow],
        kinds: Mapping[str, Sequence[str]],
        *,
        daily: int = 0,
        share: float = 1.0,
        reserve: float = 0.0,
    ) -> None:
        self._clock, self._windows, self._kinds = clock, dict(windows), kinds
        self._share, self._reserve = share, reserve
        self._left_to_others = 0
        self._lock = Lock()
        if daily:
            self._windows["daily"] = RollingWindow(1, 86_400)
            self._size_day(daily)
        self._told: tuple[int, datetime] | None = None

    def take(self, kind: str, calls: int = 1) -> None:
        """Wait until `calls` of `kind` may be made. Raises QuotaExhausted when the daily share is used up."""
        while (wait := self._try(kind, calls)) > timedelta(0):
            if wait > _PATIENCE:
                raise QuotaExhausted(after=wait)
            self._clock.wait(wait.total_seconds())

    def correct(self, kind: str, remaining: int | None, retry_after: float | None, maximum: int | None = None) -> None:
        """Tell what the server said about the limit, so that everybody slows down together."""
        now = self._clock.now()
        with self._lock:
            if kind == "daily" and maximum:
                self._size_day(maximum)
            elif maximum:
                self._first(kind).resize(int(maximum * self._share))
            if retry_after is not None:
                self._first(kind).shut(now + timedelta(seconds=retry_after))
            if kind == "daily" and remaining is not None:
                self._told = remaining, now
            elif remaining == 0 and retry_after is None:
                self._first(kind).shut(now + timedelta(seconds=1))

    def _try(self, kind: str, calls: int) -> timedelta:
        now = self._clock.now()
        with self._lock:
            if self._told is not None and self._told[0] <= self._left_to_others and now < self._told[1] + _TRUSTED:
                return self._told[1] + _TRUSTED - now
            windows = [self._windows[name] for name in self._kinds[kind]]
            wait = max((window.wait(now, calls) for window in windows), default=timedelta(0))
            if wait <= timedelta(0):
                for window in windows:
                    window.take(now, calls)
            return wait

    def _size_day(self, maximum: int) -> None:
        self._windows["daily"].resize(int(maximum * self._share))
        self._left_to_others = int(maximum * self._reserve)

    def _first(self, kind: str) -> RollingWindow:
        return self._windows[kind if kind in self._windows else self._kinds[kind][0]]


def salesforce_budget(
    clock: Clock, *, daily: int = _SMALLEST_ORG, share: float = 0.7, reserve: float = 0.1
) -> CallBudget:
    """Salesforce limits calls by the rolling day only, and says with every answer how many the org has."""
    return CallBudget(clock, {}, {"call": ("daily",)}, daily=daily, share=share, reserve=reserve)


def hubspot_budget(
    clock: Clock,
    *,
    burst: int = 100,
    search: int = 5,
    daily: int = _SMALLEST_PORTAL,
    share: float = 0.7,
    reserve: float = 0.1,
) -> CallBudget:
    """HubSpot limits calls per ten seconds and per day, searches per second instead; the day counts both."""
    windows = {"burst": RollingWindow(int(burst * share), 10), "search": RollingWindow(int(search * share), 1)}
    kinds = {"call": ("burst", "daily"), "search": ("search", "daily")}
    return CallBudget(clock, windows, kinds, daily=daily, share=share, reserve=reserve)
