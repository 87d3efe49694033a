"""SOQL text: identifiers that match a pattern, values through one quoting function, instants in whole seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from syncd.errors import UserError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*){0,5}\Z")
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)\Z")
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_NUMBERS = frozenset({"int", "double", "currency", "percent", "long"})
_LONGEST_LITERAL = 4_000


def name(text: str) -> str:
    """An object or field name, unchanged. Raises UserError when it is none."""
    if not _NAME.match(text):
        raise UserError(
            f"{text[:80]!r} is no Salesforce name: letters, digits and underscores, parents joined by dots."
        )
    return text


def quoted(value: str) -> str:
    """A text literal."""
    if len(value) > _LONGEST_LITERAL:
        raise UserError(f"A value to filter on has {len(value)} characters; Salesforce takes {_LONGEST_LITERAL}.")
    return "'" + "".join(_ESCAPES.get(c) or (c if c >= " " else f"\\u{ord(c):04X}") for c in value) + "'"


def instant(moment: datetime) -> str:
    """A datetime literal. Comparisons ignore milliseconds, so they are cut off."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def literal(value: str, type_: str) -> str:
    """A value as a field of this type is compared with it."""
    if type_ == "boolean":
        if value.lower() not in ("true", "false"):
            raise UserError(f"{value!r} is compared with a checkbox; write true or false.")
        return value.lower()
    if type_ in _NUMBERS or type_ in ("date", "datetime"):
        pattern = _NUMBER if type_ in _NUMBERS else _DATE if type_ == "date" else _INSTANT
        if not pattern.match(value):
            raise UserError(f"{value!r} is compared with a field of type {type_}; it is not of that form.")
        return value
    return quoted(value)


def one_of(field: str, values: Sequence[str], type_: str) -> str:
    """The condition that a field has one of the values; no values let nothing in."""
    if not values:
        return "Id = null"
    literals = [literal(value, type_) for value in values]
    if type_ == "boolean":  # IN is not supported for checkboxes
        return f"({' OR '.join(f'{name(field)} = {each}' for each in sorted(set(literals)))})"
    return f"{name(field)} IN ({','.join(literals)})"


def select(columns: Iterable[str], object_: str, conditions: Iterable[str], order: str = "") -> str:
    """A whole statement; conditions are joined by AND."""
    where = " AND ".join(conditions)
    text = f"SELECT {','.join(name(column) for column in columns)} FROM {name(object_)}"  # noqa: S608
    return f"{text}{f' WHERE {where}' if where else ''}{f' ORDER BY {order}' if order else ''}"


def within(lower: datetime | None, upper: datetime) -> list[str]:
    """The conditions of a window, both ends included."""
    bounds = [] if lower is None else [f"SystemModstamp >= {instant(lower)}"]
    return [*bounds, f"SystemModstamp <= {instant(upper)}"]


def after(stamp: datetime, id_: str) -> str:
    """The condition of what follows a row in the order of stamp and id."""
    at = instant(stamp)
    return f"((SystemModstamp = {at} AND Id > {quoted(id_)}) OR SystemModstamp > {at})"


def filters(where: Mapping[str, Sequence[str]], types: Mapping[str, str]) -> list[str]:
    """The conditions of a read specification's filter."""
    return [one_of(field, values, types.get(field, "string")) for field, values in where.items()]
