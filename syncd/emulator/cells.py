"""Cells as people's spreadsheets hold them: numbers, dates and yes or no in many spellings, made plain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

Plain = Callable[[str], str]

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
_MONEY = re.compile(
    r"(?P<minus>-|\()?\s*(?:[A-Z]{3}|[€$£¥])?\s*(?P<sign>-)?(?P<digits>\d[\d.,'\s]*)\s*(?:[A-Z]{3}|[€$£¥%])?\)?"
)
_DAY = r"(?P<a>\d{1,4})(?P<mark>[/.-])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{2,4})"
_WORDED = r"(?P<day>\d{1,2})[ -](?P<month>[A-Za-z]{3,9})\.?[ -](?P<year>\d{4})|" \
          r"(?P<month2>[A-Za-z]{3,9})\.? (?P<day2>\d{1,2}),? (?P<year2>\d{4})"  # fmt: skip
_CLOCK = r"(?:(?:,|T)?\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?"
_MOMENT = re.compile(f"{_DAY}{_CLOCK}")
_WORDED_MOMENT = re.compile(f"(?:{_WORDED}){_CLOCK}")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TRUTHS = {"true": "true", "yes": "true", "y": "true", "1": "true", "x": "true",
           "false": "false", "no": "false", "n": "false", "0": "false"}  # fmt: skip
_NOTHING = ("-", "–", "—")


@dataclass(frozen=True, slots=True)
class Manner:
    """How one column writes its values: whether a comma is the decimal sign, and whether days precede months."""

    decimal_comma: bool
    day_first: bool
    ambiguous: bool


def manner(cells: Iterable[str]) -> Manner:
    """What the cells of a column give away together; a comma in thousands and months first where they say nothing."""
    comma = point = day_first = month_first = slashed = False
    for cell in cells:
        if (found := _MOMENT.fullmatch(cell)) is not None:
            if len(found["a"]) < 3:
                slashed = True
                day_first |= int(found["a"]) > 12 or found["mark"] == "."
                month_first |= int(found["b"]) > 12
        elif (money := _MONEY.fullmatch(cell)) is not None:
            comma, point = comma or _shows(money["digits"], ",", "."), point or _shows(money["digits"], ".", ",")
    return Manner(comma and not point, day_first and not month_first, slashed and day_first == month_first)


def _shows(digits: str, decimal: str, group: str) -> bool:
    """Whether a number can only be read with this decimal sign."""
    whole, sign, rest = digits.strip().rpartition(decimal)
    if not sign or group in rest or decimal in whole:
        return False
    return group in whole or not re.fullmatch(r"\d{3}", rest.strip()) or whole in ("", "0")


def is_plain(kind: str, cells: Iterable[str]) -> bool:
    """Whether every cell is written as the loaders want it."""
    pattern = {"number": _NUMBER, "date": _ISO, "datetime": _ISO}.get(kind)
    if pattern is None:
        return all(cell in ("", "true", "false") for cell in cells)
    return all(not cell or pattern.fullmatch(cell) for cell in cells)


def made_plain(kind: str, how: Manner) -> Plain:
    """A function from a cell to its plain spelling; what it cannot read it leaves as it is."""
    spell = {"number": _number, "boolean": _truth, "date": _date, "datetime": _datetime}[kind]

    def plain(cell: str) -> str:
        stripped = cell.strip()
        if not stripped or stripped in _NOTHING:
            return ""
        return spell(stripped, how) or cell

    return plain


def guess_loosely(cells: list[str]) -> str:
    """number, date or datetime if every filled cell is one in some spelling and not plain digits, else text."""
    filled = {cell.strip() for cell in cells} - {""}
    how = manner(filled)
    if not filled:
        return "text"
    if all(_is_money(cell) for cell in filled) and any(not cell.isdigit() for cell in filled):
        return "number"
    days = [_date(cell, how) for cell in filled]
    if not all(days):
        return "text"
    return "datetime" if any(":" in cell for cell in filled) else "date"


def _is_money(cell: str) -> bool:
    """A number with a decimal or grouping sign or a currency: not a telephone number, a version or a code."""
    found = _MONEY.fullmatch(cell)
    if found is None:
        return False
    digits = found["digits"].strip()
    return bool(
        re.fullmatch(r"\d{1,3}(?:([.,'\s])\d{3})(?:\1\d{3})*(?:[.,]\d+)?|\d+(?:[.,]\d{1,4})?", digits)
    ) and not (digits.startswith("0") and digits[1:2].isdigit())


def _number(cell: str, how: Manner) -> str | None:
    found = _MONEY.fullmatch(cell)
    if found is None:
        return None
    digits = re.sub(r"[\s']", "", found["digits"])
    decimal, group = (",", ".") if how.decimal_comma else (".", ",")
    whole = digits.replace(group, "").replace(decimal, ".")
    negative = bool(found["minus"] or found["sign"])
    return f"{'-' if negative else ''}{whole.rstrip('.')}" if _NUMBER.fullmatch(whole.rstrip(".")) else None


def _truth(cell: str, how: Manner) -> str | None:
    return _TRUTHS.get(cell.lower())


def _date(cell: str, how: Manner) -> str | None:
    moment = _moment(cell, how)
    return None if moment is None else moment.date().isoformat()


def _datetime(cell: str, how: Manner) -> str | None:
    if _ISO.fullmatch(cell):
        return cell
    moment = _moment(cell, how)
    return None if moment is None else moment.isoformat()


def _moment(cell: str, how: Manner) -> datetime | None:
    try:
        if _ISO.fullmatch(cell):
            return datetime.fromisoformat(cell)
        found = _MOMENT.fullmatch(cell)
        if found is not None:
            return _at(_day(found, how), found)
        worded = _WORDED_MOMENT.fullmatch(cell)
        return None if worded is None else _at(_worded_day(worded), worded)
    except ValueError:
        return None


def _day(found: re.Match[str], how: Manner) -> date:
    a, b, c = (int(found[name]) for name in ("a", "b", "c"))
    if len(found["a"]) == 4:
        return date(a, b, c)
    day, month = (a, b) if how.day_first else (b, a)
    return date(c + 2000 if c < 100 else c, month, day)


def _worded_day(found: re.Match[str]) -> date:
    month = (found["month"] or found["month2"])[:3].lower()
    if month not in _MONTHS:
        raise ValueError(month)
    return date(int(found["year"] or found["year2"]), _MONTHS.index(month) + 1, int(found["day"] or found["day2"]))


def _at(day: date, found: re.Match[str]) -> datetime:
    hour, half = int(found["hour"] or 0), (found["half"] or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    return datetime(day.year, day.month, day.day, hour, int(found["minute"] or 0), int(found["second"] or 0))  # noqa: DTZ001 (the export names no zone)
