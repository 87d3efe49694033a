"""Search filters compiled to tests on rows, with the semantics that were measured on the live service."""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import translate
from typing import Any

from syncd.emulator.hubspot.schema import Property
from syncd.emulator.hubspot.values import parsed_time
from syncd.emulator.table import Row, Table

Test = Callable[[Row], bool]
Typed = Callable[[str], Any]
OPERATORS = ("BETWEEN", "CONTAINS_TOKEN", "EQ", "GT", "GTE", "HAS_PROPERTY", "IN", "LT", "LTE", "NEQ",
             "NOT_CONTAINS_TOKEN", "NOT_HAS_PROPERTY", "NOT_IN")  # fmt: skip
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "LT": operator.lt, "LTE": operator.le, "GT": operator.gt, "GTE": operator.ge,
}  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_PATTERN = re.compile(r"[^\W_*]*(?:\*[^\W_*]*)+|[^\W_]+")


class FilterError(Exception):
    """A filter that the service refuses."""


def fold(text: str) -> str:
    """Text without case and accents."""
    if text.isascii():
        return text.lower()
    bare = (char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return "".join(bare).casefold()


def number(text: str) -> int | float:
    """A number; record ids exceed what a float holds exactly."""
    return int(text) if text.isdecimal() else float(text)


def typed(prop: Property) -> Typed:
    """How values of a property are compared: numbers by size, text folded, enumerations as they are."""
    if prop.type == "number":
        return number
    if prop.type in ("enumeration", "bool"):
        return str
    return str if prop.type in ("date", "datetime") else fold


def wanted(prop: Property, text: str) -> Any:
    """A filter's value in the form that stored values compare with."""
    try:
        if prop.type == "number":
            return number(text)
        if prop.type == "datetime":
            return parsed_time(text)
        if prop.type == "date":
            return _day(text)
    except (ValueError, OverflowError, OSError):
        raise FilterError(f"{text} is not a valid value for {prop.type} property {prop.name}") from None
    return text if prop.type in ("enumeration", "bool") else fold(text)


def _day(text: str) -> str:
    if text.lstrip("-").isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC).date().isoformat()
    return datetime.fromisoformat(text).date().isoformat()


def compile_filter(table: Table, properties: dict[str, Property], spec: dict[str, Any], folded: bool) -> Test:
    """One filter as a test; an unknown property holds no value anywhere.

    Unless `folded`, values that IN lists for a text property match in lower case only.
    """
    name, op = str(spec.get("propertyName", "")), str(spec.get("operator", ""))
    if op not in OPERATORS:
        raise FilterError(f"Enum type must be one of: [{', '.join(OPERATORS)}]")
    prop, slot = properties.get(name, Property(name)), table.slots.get(name)
    if op in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        held = op == "HAS_PROPERTY"
        return lambda row: (slot is not None and row[slot] is not None) is held
    test, when_absent = _value_test(prop, op, spec, folded), op in ("NEQ", "NOT_IN", "NOT_CONTAINS_TOKEN")
    if slot is None:
        return lambda row: when_absent
    return lambda row: when_absent if (value := row[slot]) is None else test(value)


def _value_test(prop: Property, op: str, spec: dict[str, Any], folded: bool) -> Callable[[str], bool]:
    convert = typed(prop)
    if op in ("IN", "NOT_IN"):
        values = spec.get("values")
        if not isinstance(values, list) or not values:
            raise FilterError(f"operator {op} requires values")
        if len(values) > 100:
            raise FilterError(f"operator {op} takes at most 100 values")
        texts = [str(value) for value in values]
        if typed(prop) is fold and not folded:
            texts = [text for text in texts if text == text.lower()]
        among, inside = frozenset(wanted(prop, text) for text in texts), op == "IN"
        return lambda value: (convert(value) in among) is inside
    if spec.get("value") is None:
        raise FilterError(f"operator {op} requires a value")
    text = str(spec["value"])
    if op in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return _tokens(text, op == "CONTAINS_TOKEN")
    low = wanted(prop, text)
    if op == "BETWEEN":
        if spec.get("highValue") is None:
            raise FilterError("operator BETWEEN requires a highValue")
        high = wanted(prop, str(spec["highValue"]))
        return lambda value: bool(low <= convert(value) <= high)
    if op in ("EQ", "NEQ"):
        same = op == "EQ"
        return lambda value: (convert(value) == low) is same
    compare = _ORDER[op]
    return lambda value: compare(convert(value), low)


def _tokens(text: str, inside: bool) -> Callable[[str], bool]:
    patterns = [re.compile(translate(part)).fullmatch for part in _PATTERN.findall(fold(text))]

    def test(value: str) -> bool:
        words = _WORD.findall(fold(value))
        return all(any(pattern(word) for word in words) for pattern in patterns) is inside

    return test


def text_query(table: Table, names: tuple[str, ...], query: str) -> Test:
    """The free-text `query`: each of its words starts a word of one of the type's searched properties."""
    slots = [table.slots[name] for name in names if name in table.slots]
    parts = _WORD.findall(fold(query))

    def test(row: Row) -> bool:
        words = [word for slot in slots if row[slot] for word in _WORD.findall(fold(row[slot]))]
        return all(any(word.startswith(part) for word in words) for part in parts)

    return test
