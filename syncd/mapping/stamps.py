"""Stamps as each system stores them, there and back, and what differs between wanted and shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from syncd.mapping import convert
from syncd.mapping.convert import Unfit
from syncd.model import STAMP_BY_NAME, StampField, StampType

OWNER = StampField("owner", StampType.TEXT, "The user who owns the record.", frozenset(), 255)
"""Ownership is written like a stamp, under its own name and in its own write group."""

_CLEARED: dict[str, Any] = {"hubspot": ""}


def stamp_of(name: str) -> StampField:
    """The declaration of a stamp, or of `owner`."""
    return OWNER if name == OWNER.name else STAMP_BY_NAME[name]


def normal(stamp: StampField, value: Any) -> Any:
    """A wanted value as a CRM can show it: text cleaned and cut, times to the second in UTC, numbers as such."""
    if isinstance(value, datetime) and stamp.type is StampType.DATETIME:
        return _second(value)
    return from_native(stamp, value)


def to_native(stamp: StampField, value: Any, kind: str) -> Any:
    """The value that is sent; HubSpot takes texts only and is cleared by an empty one."""
    ours = normal(stamp, value)
    if ours is None:
        return _CLEARED.get(kind)
    if isinstance(ours, datetime):
        return ours.strftime("%Y-%m-%dT%H:%M:%S.000Z") if ours.year >= 1000 else ours.isoformat()
    return str(ours) if kind == "hubspot" else ours


def from_native(stamp: StampField, value: Any) -> Any:
    """What the CRM shows, normalised. What cannot be read stays as text, so that it differs from anything wanted."""
    if value is None or value == "":
        return None
    try:
        if stamp.type is StampType.DATETIME:
            moment = convert.instant(value)
            return None if moment is None else _second(moment)
        if stamp.type is StampType.NUMBER:
            return _number(value)
        return _text(stamp, value)
    except Unfit:
        return convert.shown(value)


def differing(wanted: Mapping[str, Any], shown: Mapping[str, Any]) -> tuple[str, ...]:
    """The names to write: those whose value differs, and, only if there are any, the ones that go along."""
    names = [
        name
        for name, value in wanted.items()
        if (stamp := stamp_of(name)).compared and normal(stamp, value) != shown.get(name)
    ]
    if not names:
        return ()
    return (*names, *(name for name in wanted if not stamp_of(name).compared))


def _second(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("a stamp wants an aware datetime")
    return value.astimezone(UTC).replace(microsecond=0)


def _number(value: Any) -> int | Decimal:
    try:
        number = Decimal(convert.plain(value))
    except InvalidOperation:
        raise Unfit("not_a_number", "is not a number") from None
    if not number.is_finite() or number.adjusted() > 30:
        raise Unfit("not_a_number", "is not a number")
    return int(number) if number == number.to_integral_value() else number


def _text(stamp: StampField, value: Any) -> str | None:
    cleaned = convert.clean(convert.plain(value))
    if stamp.length:
        cleaned = cleaned[: stamp.length].rstrip()
    return cleaned or None
