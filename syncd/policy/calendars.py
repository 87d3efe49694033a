"""Business time: which hours of which days count towards a deadline, in the zone of those who have to keep it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FARTHEST = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working hours of one place: [opens, closes) by its own clocks, not on weekend days (0: Monday) or holidays.

    `closes` at midnight is the end of the day. Hours are counted as they pass: a day on which the clocks are put
    forward is an hour shorter where the place works through the night.
    """

    zone: ZoneInfo
    weekend: frozenset[int] = frozenset({5, 6})
    holidays: frozenset[date] = frozenset()
    opens: time = time(0)
    closes: time = time(0)

    def works_on(self, day: date) -> bool:
        """Is it a working day?"""
        return day.weekday() not in self.weekend and day not in self.holidays

    def hours_of(self, day: date) -> tuple[datetime, datetime]:
        """When work begins and ends on a day, in UTC."""
        last = day + timedelta(days=1) if self.closes == time(0) else day
        return self._at(day, self.opens), self._at(last, self.closes)

    def after(self, start: datetime, worked: timedelta) -> datetime:
        """The instant at which so much business time has passed since `start`.

        No time at all is `start` itself. Raises ValueError when the calendar has too few working hours.
        """
        if worked <= timedelta(0):
            return start
        for opens, closes in self._working(start):
            there = closes - opens
            if worked <= there:
                return opens + worked
            worked -= there
        raise ValueError(f"the calendar has not enough working time in the ten years from {start.date()} on")

    def days_after(self, start: datetime, days: int) -> datetime:
        """The end of the `days`-th working day after the day of `start`, which does not count itself."""
        day = start.astimezone(self.zone).date()
        left = days
        while left > 0:
            day += timedelta(days=1)
            left -= self.works_on(day)
            if day - start.date() > _FARTHEST:
                raise ValueError(f"the calendar has no {days} working days from {start.date()} on")
        return self.hours_of(day)[1]

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much business time lies between two instants."""
        passed = timedelta(0)
        if start < end:
            for opens, closes in self._working(start, end):
                passed += max(min(closes, end) - opens, timedelta(0))
        return passed

    def end_of(self, day: date) -> datetime:
        """The first instant that does not belong to a day any more, by the clocks of this place."""
        return self._at(day + timedelta(days=1), time(0))

    def _working(self, start: datetime, end: datetime | None = None) -> Iterator[tuple[datetime, datetime]]:
        day, last = start.astimezone(self.zone).date(), (end or start + _FARTHEST).astimezone(self.zone).date()
        while day <= last:
            if self.works_on(day):
                opens, closes = self.hours_of(day)
                if closes > start:
                    yield max(opens, start), closes
            day += timedelta(days=1)

    def _at(self, day: date, clock: time) -> datetime:
        """By the clocks of the place: of an hour that comes twice the first; one that is skipped counts."""
        return datetime.combine(day, clock, self.zone).astimezone(UTC)


ALWAYS = Calendar(ZoneInfo("UTC"), frozenset())
"""Every hour of every day counts."""
