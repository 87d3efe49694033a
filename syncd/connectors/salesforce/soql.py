"""SOQL text: identifiers that match a pattern, values through one quoting function, instants in whole seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from syncd.errors import UserError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*){0,5}\Z")
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)\Z")
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_NUMBERS = frozenset({"int", "double", "currency", "percent", "long"})
_LONGEST_LITERAL = 4_000

LONGEST_ADDRESS = 15_000
"""Characters of a query in an address, percent-encoded; a server takes 16,384 bytes with all that stands around it."""


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


def select(columns: Iterable[str], object_: str, conditions: Iterable[str], order: str = "", limit: int = 0) -> str:
    """A whole statement; conditions are joined by AND."""
    return _statement(",".join(name(column) for column in columns), object_, conditions, order, limit)


def count(object_: str, conditions: Iterable[str]) -> str:
    """The statement that only counts."""
    return _statement("COUNT()", object_, conditions)


def _statement(what: str, object_: str, conditions: Iterable[str], order: str = "", limit: int = 0) -> str:
    where = " AND ".join(conditions)
    text = f"SELECT {what} FROM {name(object_)}"  # noqa: S608
    text += f" WHERE {where}" if where else ""
    return f"{text}{f' ORDER BY {order}' if order else ''}{f' LIMIT {limit}' if limit else ''}"


def encoded(text: str) -> str:
    """A statement as it stands in an address."""
    return quote(text, safe="")


def within(cursor: str, lower: datetime | None, upper: datetime | None) -> list[str]:
    """The conditions of a window over a field, both ends included."""
    bounds = [] if lower is None else [f"{cursor} >= {instant(lower)}"]
    return bounds if upper is None else [*bounds, f"{cursor} <= {instant(upper)}"]


def after(cursor: str, stamp: datetime, id_: str) -> str:
    """The condition of what follows a row in the order of stamp and id."""
    at = instant(stamp)
    return f"(({cursor} = {at} AND Id > {quoted(id_)}) OR {cursor} > {at})"


def filters(where: Mapping[str, Sequence[str]], types: Mapping[str, str]) -> list[str]:
    """The conditions of a read specification's filter."""
    return [one_of(field, values, types.get(field, "string")) for field, values in where.items()]


def portions(where: Mapping[str, Sequence[str]], types: Mapping[str, str], room: int) -> list[list[str]]:
    """The conditions of a filter, as several that let in the same together where one would be too long to be sent.

    `room` is how many characters, percent-encoded, one may have. The field with the longest list of values is the one
    that is divided, and spellings that Salesforce takes for the same stay together, so that no record comes twice.
    """
    whole = filters(where, types)
    if not where or sum(len(encoded(each)) for each in whole) <= room:
        return [whole]
    longest = max(where, key=lambda field: len(encoded(one_of(field, where[field], types.get(field, "string")))))
    type_ = types.get(longest, "string")
    rest = [one_of(f, values, types.get(f, "string")) for f, values in where.items() if f != longest]
    left = room - sum(len(encoded(each)) for each in rest) - len(encoded(one_of(longest, ["x"], "string")))
    groups = list(_groups(sorted(set(where[longest]), key=lambda v: (v.casefold(), v)), type_, left))
    return [[*rest, one_of(longest, group, type_)] for group in groups]


def _groups(values: Sequence[str], type_: str, room: int) -> Iterator[list[str]]:
    group: list[str] = []
    used = 0
    for value in values:
        length = len(encoded(literal(value, type_))) + 3
        alike = bool(group) and group[-1].casefold() == value.casefold()
        if group and used + length > room and not alike:
            yield group
            group, used = [], 0
        group.append(value)
        used += length
    if group:
        yield group
