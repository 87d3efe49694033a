"""Property values on their way in: always stored as text, checked as HubSpot checks them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from syncd.emulator.hubspot.errors import problem
from syncd.emulator.hubspot.schema import Property

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_INVISIBLE = "\u200b\u200c\u200d\ufeff\u00a0"
_BOOLEANS = {"true": "true", "false": "false"}


class Wrong(Exception):
    """One value that is not accepted, with the vendor's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def wire_time(moment: datetime) -> str:
    """A moment as HubSpot writes it: UTC with milliseconds and a Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_text(value: Any) -> str | None:
    """What a client sent, as text; None clears."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return wire_time(value)
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else str(value)


def accepted(prop: Property, text: str) -> str:
    """The text to store, or Wrong."""
    if prop.type not in ("string", "json") and text != text.strip().strip(_INVISIBLE):
        raise Wrong("LEADING_TRAILING_WHITESPACE", f"{text!r} has leading or trailing whitespace")
    if prop.name == "email" and not _EMAIL.fullmatch(text):
        raise Wrong("INVALID_EMAIL", f"Email address {text} is invalid")
    return _CHECKS.get(prop.type, _plain)(prop, text)


def problem_of(prop: Property, wrong: Wrong) -> dict[str, object]:
    """A refused value in the vendor's shape."""
    return problem(prop.name, wrong.code, wrong.message)


def _plain(prop: Property, text: str) -> str:
    if len(text) > 65_536:
        raise Wrong("INVALID_LENGTH", f"Property {prop.name} is longer than 65536 characters")
    return text


def _number(prop: Property, text: str) -> str:
    try:
        finite = Decimal(text).is_finite()
    except InvalidOperation:
        finite = False
    if not finite or "_" in text:
        raise Wrong("INVALID_LONG", f"{text} was not a valid number.")
    return text


def _bool(prop: Property, text: str) -> str:
    if text.lower() not in _BOOLEANS:
        raise Wrong("INVALID_OPTION", f"{text} was not one of the allowed options: [true, false]")
    return text.lower()


def _enumeration(prop: Property, text: str) -> str:
    parts = text.split(";") if prop.field_type == "checkbox" else [text]
    wrong = [part for part in parts if part not in prop.values]
    if wrong and prop.options:
        allowed = ", ".join(sorted(prop.values)[:20])
        raise Wrong("INVALID_OPTION", f"{wrong[0]} was not one of the allowed options: [{allowed}]")
    return text


def _date(prop: Property, text: str) -> str:
    try:
        if text.lstrip("-").isdigit() and len(text) > 8:
            moment = datetime.fromtimestamp(int(text) / 1000, UTC)
            if moment.time().replace(tzinfo=None) != datetime.min.time():
                raise Wrong("INVALID_DATE", f"{text} is at {moment.time()} UTC, not midnight!")
            return moment.date().isoformat()
        return date.fromisoformat(text).isoformat()
    except (ValueError, OverflowError, OSError):
        raise Wrong("INVALID_DATE", f"{text} was not a valid date.") from None


def _datetime(prop: Property, text: str) -> str:
    try:
        return parsed_time(text)
    except (ValueError, OverflowError, OSError):
        raise Wrong("INVALID_DATE", f"{text} was not a valid long.") from None


@lru_cache(maxsize=65536)
def parsed_time(text: str) -> str:
    """Epoch milliseconds or ISO as HubSpot writes it; raises ValueError."""
    if text.lstrip("-").isdigit():
        return wire_time(datetime.fromtimestamp(int(text) / 1000, UTC))
    moment = datetime.fromisoformat(text)
    return wire_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


_CHECKS: dict[str, Callable[[Property, str], str]] = {
    "number": _number,
    "bool": _bool,
    "enumeration": _enumeration,
    "date": _date,
    "datetime": _datetime,
}


def loader(prop: Property) -> Callable[[str], str]:
    """How the text of a CSV cell becomes the value to store; raises ValueError. Options are not checked."""
    if prop.type == "enumeration":
        return str

    def convert(text: str) -> str:
        try:
            return accepted(prop, text)
        except Wrong as wrong:
            raise ValueError(wrong.message) from None

    return str if prop.type in ("string", "json") else convert
