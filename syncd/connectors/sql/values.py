"""Values of a database as plain JSON, and back as the types of their columns."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from syncd.mapping.convert import Unfit, amount, yes_no

Plain = Callable[[Any], Any]

_AS_THEY_ARE = (sa.String, sa.Integer, sa.Boolean, sa.Float)
_NO = frozenset({"", "0", "false", "no", "n", "f"})


def has_time(column: sa.Column[Any]) -> bool:
    """Whether a column holds dates with their time."""
    return isinstance(column.type, sa.DateTime)


def knows_zone(column: sa.Column[Any]) -> bool:
    """Whether the times of a column are instants, and not what some clock showed."""
    return bool(getattr(column.type, "timezone", False))


def to_plain(column: sa.Column[Any], zone: ZoneInfo) -> Plain | None:
    """What makes plain JSON of a column's values; None where they are that already."""
    if isinstance(column.type, _AS_THEY_ARE) and not isinstance(column.type, sa.Numeric):
        return None
    return lambda value: plain(value, zone)


def plain(value: Any, zone: ZoneInfo) -> Any:
    """One value as plain JSON: exact numbers as texts, times in UTC."""
    if value is None or isinstance(value, str | int | float | dict):
        return value
    if isinstance(value, datetime):
        return instant(value, zone).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list | tuple | set):
        return [plain(item, zone) for item in value]
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)


def instant(value: datetime, zone: ZoneInfo) -> datetime:
    """A time in UTC. One without a zone is what the clocks of `zone` showed; an hour shown twice is its first."""
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def is_set(value: Any) -> bool:
    """Whether the mark of a deletion is set: true, a number but 0, or the time at which it happened."""
    return value.strip().casefold() not in _NO if isinstance(value, str) else bool(value)


def not_set(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """The condition that the mark of a deletion is not set."""
    if isinstance(column.type, sa.Boolean):
        return sa.or_(column.is_(None), column.is_(sa.false()))
    if isinstance(column.type, sa.Integer | sa.Numeric):
        return sa.or_(column.is_(None), column == 0)
    if isinstance(column.type, sa.String):
        return sa.or_(column.is_(None), sa.func.lower(sa.func.trim(column)).in_(sorted(_NO)))
    return column.is_(None)


def of_column(column: sa.Column[Any], value: Any, zone: ZoneInfo) -> Any:
    """A plain value as the column takes it. Raises Unfit."""
    if value is None:
        return None
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return yes_no(value)
    if isinstance(kind, sa.Integer):
        return _whole(value)
    if isinstance(kind, sa.Numeric):
        number = amount(value)
        return float(number) if isinstance(kind, sa.Float) and number is not None else number
    if isinstance(kind, sa.DateTime):
        return _moment(column, value, zone)
    if isinstance(kind, sa.Date):
        return _parsed(date.fromisoformat, str(value)[:10])
    if isinstance(kind, sa.Uuid):
        return _parsed(uuid.UUID, str(value)) if kind.as_uuid else str(value)
    return str(value) if isinstance(kind, sa.String) and not isinstance(value, str) else value


def _whole(value: Any) -> int:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise Unfit("not_a_number", "is not a whole number") from None
    if not number.is_finite() or number != number.to_integral_value() or number.adjusted() > 30:
        raise Unfit("not_a_number", "is not a whole number")
    return int(number)


def _moment(column: sa.Column[Any], value: Any, zone: ZoneInfo) -> datetime:
    moment = value if isinstance(value, datetime) else _parsed(datetime.fromisoformat, str(value))
    return in_column(column, instant(moment, zone), zone)


def in_column(column: sa.Column[Any], moment: datetime, zone: ZoneInfo) -> datetime:
    """An instant as a column keeps it."""
    return moment if knows_zone(column) else moment.astimezone(zone).replace(tzinfo=None)


def _parsed(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        raise Unfit("not_a_value", "is not what the column holds") from None
