"""SOQL's date literals (TODAY, LAST_N_DAYS:7, THIS_FISCAL_QUARTER) as ranges of days in a user's calendar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.emulator.salesforce.values import wire_time

_NAMED = re.compile(r"(THIS|LAST|NEXT)_(WEEK|MONTH|(?:FISCAL_)?QUARTER|(?:FISCAL_)?YEAR)")
_COUNTED = re.compile(r"(LAST|NEXT)_N_(DAY|WEEK|MONTH|(?:FISCAL_)?QUARTER|(?:FISCAL_)?YEAR)S")
_AGO = re.compile(r"N_(DAY|WEEK|MONTH|(?:FISCAL_)?QUARTER|(?:FISCAL_)?YEAR)S_AGO")
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_SUNDAY_FIRST = ("en_US", "en_CA", "ja_JP", "pt_BR", "he_IL")


@dataclass(frozen=True, slots=True)
class Calendar:
    """How one user reckons time: zone, first day of the week, first month of the org's fiscal year."""

    zone: str = "UTC"
    locale: str = "en_US"
    fiscal_start: int = 1

    def today(self, now: datetime) -> date:
        """The user's day at a moment."""
        return now.astimezone(self._tz()).date()

    def local(self, wire: str) -> datetime:
        """A stored datetime as the user's wall clock shows it."""
        return datetime.fromisoformat(wire).astimezone(self._tz())

    def midnight(self, day: date) -> str:
        """The beginning of a day as a stored datetime."""
        return wire_time(datetime(day.year, day.month, day.day, tzinfo=self._tz()))

    def _tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def days(self, literal: str, count: int, now: datetime) -> tuple[date, date] | None:
        """First day of a date literal and the day after its last one, or None if there is no such literal."""
        today = self.today(now)
        fixed = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}.get(literal)
        if fixed is not None:
            return _span(today, fixed, 1)
        if literal in ("LAST_90_DAYS", "NEXT_90_DAYS"):
            literal, count = f"{literal[:4]}_N_DAYS", 90
        if named := _NAMED.fullmatch(literal):
            return self._unit(named[2], {"LAST": -1, "THIS": 0, "NEXT": 1}[named[1]], 1, today)
        if ago := _AGO.fullmatch(literal):
            return self._unit(ago[1], -count, 1, today)
        counted = _COUNTED.fullmatch(literal)
        return None if counted is None else self._counted(counted[1] == "LAST", counted[2], count, today)

    def _counted(self, last: bool, unit: str, count: int, today: date) -> tuple[date, date]:
        if unit == "DAY":  # the day itself is part of the last n days
            return (today - timedelta(count), today + timedelta(1)) if last else _span(today, 1, count)
        return self._unit(unit, -count if last else 1, count, today)

    def _unit(self, unit: str, shift: int, length: int, today: date) -> tuple[date, date]:
        if unit == "DAY":
            return _span(today, shift, length)
        if unit == "WEEK":
            first = today - timedelta(today.isoweekday() % 7 if self.locale in _SUNDAY_FIRST else today.weekday())
            return _span(first, 7 * shift, 7 * length)
        step = _MONTHS[unit.removeprefix("FISCAL_")]
        offset = self.fiscal_start - 1 if unit.startswith("FISCAL_") else 0
        month = today.year * 12 + today.month - 1 - offset
        start = month // step * step + shift * step + offset
        return _month(start), _month(start + length * step)


def _span(today: date, start: int, length: int) -> tuple[date, date]:
    first = today + timedelta(start)
    return first, first + timedelta(length)


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def moment(text: str) -> str:
    """A datetime literal as datetimes are stored: whole seconds, UTC. Raises ValueError."""
    return wire_time(datetime.fromisoformat(text).astimezone(UTC))
