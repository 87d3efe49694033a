"""How many calls the portal takes: per ten seconds, searches per second, and per day, by tier."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from syncd.emulator.clock import Clock
from syncd.emulator.hubspot.grants import Grant

Policy = Literal["TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"]
Tier = Literal["starter", "professional", "enterprise"]
BURSTS: dict[str, int] = {"starter": 100, "professional": 190, "enterprise": 190}
DAYS: dict[str, int] = {"starter": 250_000, "professional": 650_000, "enterprise": 1_000_000}
PACK_BURST, PACK_DAY, MOST_PACKS = 250, 1_000_000, 2
OAUTH_BURST, SEARCHES = 110, 5
WINDOW, SECOND = timedelta(seconds=10), timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Over:
    """A limit that a call would exceed, and how long until it would not."""

    policy: Policy
    wait: timedelta


class _Rolling:
    """The newest calls of a rolling window."""

    def __init__(self, most: int, span: timedelta) -> None:
        self.most, self._span = most, span
        self._calls: deque[datetime] = deque(maxlen=most)

    def left(self, now: datetime) -> int:
        """How many calls fit in now."""
        while self._calls and self._calls[0] <= now - self._span:
            self._calls.popleft()
        return self.most - len(self._calls)

    def wait(self, now: datetime) -> timedelta:
        """How long until one fits in."""
        return timedelta(0) if self.left(now) > 0 else self._calls[0] + self._span - now

    def take(self, now: datetime) -> None:
        """Count a call."""
        self._calls.append(now)


class Limiter:
    """The limits of one account, counted on the emulator's clock."""

    def __init__(self, clock: Clock, zone: Callable[[], str]) -> None:
        self._clock, self._zone = clock, zone
        self.enforced = True
        self._day: tuple[str, int] = ("", 0)
        self.set("professional", 0)

    def set(self, tier: Tier | None, packs: int) -> None:
        """Take a tier with up to two capacity packs; None counts and tells as before but refuses nothing."""
        self.enforced = tier is not None
        if tier is not None:
            added = min(packs, MOST_PACKS)
            self._burst = PACK_BURST if added else BURSTS[tier]
            self.daily = DAYS[tier] + added * PACK_DAY
        self._apps: dict[str, _Rolling] = {}
        self._searches = _Rolling(SEARCHES, SECOND)

    # --- one call

    def admit(self, grant: Grant, search: bool, burst: bool) -> Over | None:
        """Count a call, or say which limit it would exceed; a refused call is not counted."""
        now = self._clock.now()
        over = self._over(grant, search, burst, now) if self.enforced else None
        if over is None:
            if not grant.oauth:
                self._count(1)
            if search:
                self._searches.take(now)
            if burst:
                self._app(grant).take(now)
        return over

    def _over(self, grant: Grant, search: bool, burst: bool, now: datetime) -> Over | None:
        if not grant.oauth and self.used >= self.daily:
            return Over("DAILY", self.resets_at - now)
        if search and (wait := self._searches.wait(now)) > timedelta(0):
            return Over("SECONDLY", wait)
        if burst and (wait := self._app(grant).wait(now)) > timedelta(0):
            return Over("TEN_SECONDLY_ROLLING", wait)
        return None

    def burn(self, calls: int, policy: Policy, grant: Grant) -> None:
        """Use up calls as other users of the account or of the app do."""
        now = self._clock.now()
        if policy == "DAILY":
            self._count(calls)
            return
        rolling = self._searches if policy == "SECONDLY" else self._app(grant)
        for _ in range(min(calls, rolling.most)):
            rolling.take(now)

    def headers(self, grant: Grant) -> dict[str, str]:
        """What an answer tells of the limits; OAuth apps have no daily one."""
        rolling = self._app(grant)
        told = {
            "x-hubspot-ratelimit-max": str(rolling.most),
            "x-hubspot-ratelimit-remaining": str(rolling.left(self._clock.now())),
            "x-hubspot-ratelimit-interval-milliseconds": str(WINDOW // timedelta(milliseconds=1)),
            "x-hubspot-ratelimit-secondly": str(rolling.most // 10),
            "x-hubspot-ratelimit-secondly-remaining": str(rolling.most // 10 - 1),
        }
        if not grant.oauth:
            told["x-hubspot-ratelimit-daily"] = str(self.daily)
            told["x-hubspot-ratelimit-daily-remaining"] = str(max(0, self.daily - self.used))
        return told

    def _app(self, grant: Grant) -> _Rolling:
        if grant.app not in self._apps:
            self._apps[grant.app] = _Rolling(OAUTH_BURST if grant.oauth else self._burst, WINDOW)
        return self._apps[grant.app]

    # --- the day

    @property
    def used(self) -> int:
        """Calls of this day in the account's time zone."""
        day, count = self._day
        return count if day == self._today().date().isoformat() else 0

    @property
    def resets_at(self) -> datetime:
        """The next midnight in the account's time zone."""
        tomorrow = self._today().date() + timedelta(days=1)
        midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=self._today().tzinfo)
        return midnight.astimezone(UTC)

    def _count(self, calls: int) -> None:
        self._day = self._today().date().isoformat(), self.used + calls

    def _today(self) -> datetime:
        return self._clock.now().astimezone(_zone(self._zone()))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
