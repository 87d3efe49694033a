"""Reads dates as exports write them: as ISO says, or as the clock and the calendar of the person who exported."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

Order = Literal["dmy", "mdy"] | None

_WRITTEN = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([ap])\.?m\.?)?)?", re.IGNORECASE
)


def moment(text: str, zone: ZoneInfo, order: Order) -> datetime:
    """The instant that a text names, in UTC; without a zone it is meant in `zone`, without a time it is midnight.

    Raises ValueError with what is wrong.
    """
    said = text.strip()
    found = _WRITTEN.fullmatch(said)
    try:
        naive = datetime.fromisoformat(said) if found is None else _written(found, order)
    except _TwoDays:
        raise
    except ValueError:
        raise ValueError("is no date that syncd can read") from None
    return (naive if naive.tzinfo else naive.replace(tzinfo=zone)).astimezone(UTC)


def day(text: str, zone: ZoneInfo, order: Order) -> date:
    """The day that a text names, in `zone` where it names an instant. Raises ValueError with what is wrong."""
    return moment(text, zone, order).astimezone(zone).date()


class _TwoDays(ValueError):
    """A date that can be two days."""


def _written(found: re.Match[str], order: Order) -> datetime:
    first, second = int(found[1]), int(found[3])
    if order is None:
        order = "dmy" if found[2] == "." or first > 12 else "mdy" if second > 12 or first == second else None
    if order is None:
        raise _TwoDays("can be two days; say in `dates` whether the day or the month comes first")
    day_, month = (first, second) if order == "dmy" else (second, first)
    hour = int(found[5] or 0)
    if found[8]:
        hour = hour % 12 + (12 if found[8].lower() == "p" else 0)
    return datetime(int(found[4]), month, day_, hour, int(found[6] or 0), int(found[7] or 0))  # noqa: DTZ001
