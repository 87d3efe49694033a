"""SOQL's date literals (TODAY, LAST_N_DAYS:7, THIS_QUARTER) as ranges of days, in UTC."""

from __future__ import annotations

import re
from datetime import date, timedelta

_NAMED = re.compile(r"(THIS|LAST|NEXT)_(WEEK|MONTH|QUARTER|YEAR)")
_COUNTED = re.compile(r"(LAST|NEXT)_N_(DAYS|WEEKS|MONTHS|QUARTERS|YEARS)|N_(DAYS)_AGO")
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


def days(literal: str, count: int, today: date) -> tuple[date, date] | None:
    """First day and the day after the last one, or None if there is no such literal."""
    fixed = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}.get(literal)
    if fixed is not None:
        return _span(today, fixed, 1)
    if literal in ("LAST_90_DAYS", "NEXT_90_DAYS"):
        return (today - timedelta(90), today + timedelta(1)) if literal[0] == "L" else _span(today, 1, 90)
    if named := _NAMED.fullmatch(literal):
        return _unit(named[2], {"LAST": -1, "THIS": 0, "NEXT": 1}[named[1]], 1, today)
    counted = _COUNTED.fullmatch(literal)
    return None if counted is None else _counted(counted, count, today)


def _counted(match: re.Match[str], count: int, today: date) -> tuple[date, date]:
    if match[3]:
        return _span(today, -count, 1)
    last, unit = match[1] == "LAST", match[2].removesuffix("S")
    if unit == "DAY":  # the day itself is part of the last n days
        return (today - timedelta(count), today + timedelta(1)) if last else _span(today, 1, count)
    return _unit(unit, -count if last else 1, count, today)


def _span(today: date, start: int, length: int) -> tuple[date, date]:
    first = today + timedelta(start)
    return first, first + timedelta(length)


def _unit(unit: str, shift: int, length: int, today: date) -> tuple[date, date]:
    if unit == "WEEK":
        sunday = today - timedelta((today.weekday() + 1) % 7)
        return _span(sunday, 7 * shift, 7 * length)
    step = _MONTHS[unit]
    start = today.year * 12 + (today.month - 1) // step * step + shift * step
    return _month(start), _month(start + length * step)


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)
