"""Values on their way into a record: typed, checked as Salesforce checks them, and kept as they go out in JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from syncd.emulator.salesforce.errors import RowError
from syncd.emulator.salesforce.ids import normal
from syncd.emulator.salesforce.schema import Field

NUMERIC = {"int", "double", "currency", "percent"}
_EMAIL = re.compile(r"[^@\s,;:<>()\[\]\\\"]+@[^@\s,;:<>()\[\]\\\"]+\.[^@\s.,;]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def wire_time(moment: datetime) -> str:
    """A moment as Salesforce writes it: UTC, whole seconds, no colon in the offset."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}.000+0000"


def parse_time(wire: str) -> datetime:
    """The moment behind a stored datetime."""
    return datetime.fromisoformat(wire)


def checked(field: Field, value: Any) -> Any:
    """The value to store, or a RowError with the vendor's code."""
    if value is None or value == "":
        return _cleared(field)
    check: Callable[[Field, Any], Any] = _CHECKS.get(field.type, _text)
    return check(field, value)


def _cleared(field: Field) -> Any:
    if field.type == "boolean":
        return False
    if field.required:
        raise RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{field.name}]", [field.name])
    return None


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _unreadable(field, value, "string")
    if field.length and len(value) > field.length:
        shown = value[:80]
        message = f"{field.label}: data value too large: {shown} (max length={field.length})"
        raise RowError("STRING_TOO_LONG", message, [field.name])
    return value


def _email(field: Field, value: Any) -> str:
    text = _text(field, value)
    if not _EMAIL.fullmatch(text):
        raise RowError("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", [field.name])
    return text


def _picklist(field: Field, value: Any) -> str:
    text = _text(field, value)
    parts = text.split(";") if field.type == "multipicklist" else [text]
    if field.restricted and (wrong := [part for part in parts if part not in field.values]):
        message = f"{field.label}: bad value for restricted picklist field: {wrong[0]}"
        raise RowError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [field.name])
    return text


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _unreadable(field, value, "boolean")


def _number(field: Field, value: Any) -> int | float:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise _unreadable(field, value, "double" if field.type != "int" else "int")
    if abs(number) >= Decimal(10) ** (field.precision - field.scale):
        message = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise RowError("NUMBER_OUTSIDE_VALID_RANGE", message, [field.name])
    return as_json_number(number.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP))


def as_json_number(number: Decimal) -> int | float:
    """An int where nothing is lost."""
    return int(number) if number == number.to_integral_value() else float(number)


def _date(field: Field, value: Any) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise _unreadable(field, value, "date")


def _datetime(field: Field, value: Any) -> str:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _unreadable(field, value, "datetime") from None
    if moment.tzinfo is None:
        raise _unreadable(field, value, "datetime")
    return wire_time(moment)


def _reference(field: Field, value: Any) -> str:
    full = normal(value) if isinstance(value, str) else None
    if full is None:
        raise RowError("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", [field.name])
    return full


def _unreadable(field: Field, value: Any, kind: str) -> RowError:
    token = "VALUE_STRING" if isinstance(value, str) else f"VALUE_{type(value).__name__.upper()}"
    message = (
        f"Cannot deserialize instance of {kind} from {token} value {value} or request may be missing a required field"
    )
    return RowError("JSON_PARSER_ERROR", message, [field.name])


_CHECKS: dict[str, Callable[[Field, Any], Any]] = {
    "email": _email,
    "picklist": _picklist,
    "multipicklist": _picklist,
    "boolean": _boolean,
    **dict.fromkeys(NUMERIC, _number),
    "date": _date,
    "datetime": _datetime,
    "reference": _reference,
    "id": _reference,
}


def loader(field: Field) -> Callable[[str], Any]:
    """How the text of a CSV cell becomes the value to store; raises ValueError. Lengths and options are not checked."""
    return _LOADERS.get(field.type, str)


def _load_boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered in ("true", "1", "yes"):
        return True
    if lowered in ("false", "0", "no", ""):
        return False
    raise ValueError(f"not a boolean: {text!r}")


def _load_number(text: str) -> int | float:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"not a number: {text!r}") from None
    if not number.is_finite():
        raise ValueError(f"not a number: {text!r}")
    return as_json_number(number)


@lru_cache(maxsize=65536)
def _load_time(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return wire_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


@lru_cache(maxsize=65536)
def _load_date(text: str) -> str:
    return date.fromisoformat(text[:10]).isoformat()


def _load_id(text: str) -> str:
    full = normal(text)
    if full is None:
        hint = f"; did you mean {meant}?" if len(text) == 18 and (meant := normal(text[:15])) else ""
        raise ValueError(f"not a Salesforce id (15 characters, or 18 with the right suffix): {text!r}{hint}")
    return full


_LOADERS: dict[str, Callable[[str], Any]] = {
    "boolean": _load_boolean,
    **dict.fromkeys(NUMERIC, _load_number),
    "datetime": _load_time,
    "date": _load_date,
    "id": _load_id,
    "reference": _load_id,
}
