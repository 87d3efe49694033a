"""Answers of bulk queries as CSV: every value quoted, parents as dotted columns, times in UTC with Z."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from syncd.emulator.salesforce.errors import refused
from syncd.emulator.salesforce.paths import NAME, located_by_id, shown
from syncd.emulator.salesforce.plan import Plan
from syncd.emulator.salesforce.schema import Field
from syncd.emulator.salesforce.shape import Computed, Shape
from syncd.emulator.table import Row
from syncd.emulator.variants import Variants

if TYPE_CHECKING:
    from syncd.emulator.salesforce.store import Org

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}

Cell = Callable[[Any], str]
Getter = Callable[[Row], Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a sheet is written; `name` is that of the line ending."""

    delimiter_name: str
    name: str

    @property
    def delimiter(self) -> str:
        """The character between values."""
        return DELIMITERS[self.delimiter_name]

    @property
    def ending(self) -> str:
        """What ends a line."""
        return LINE_ENDINGS[self.name]


def dialect(body: Mapping[str, Any]) -> Dialect:
    """The dialect that a new job asks for."""
    delimiter, ending = body.get("columnDelimiter") or "COMMA", body.get("lineEnding") or "LF"
    if delimiter not in DELIMITERS or ending not in LINE_ENDINGS or body.get("contentType", "CSV") != "CSV":
        message = "columnDelimiter, lineEnding or contentType is not one that is supported"
        raise refused(400, "INVALIDJOB", message)
    return Dialect(delimiter, ending)


def written(org: Org, plan: Plan, how: Dialect, variants: Variants) -> tuple[bytes, list[bytes]]:
    """The header line and a line for each record of a plan's answer."""
    columns = list(_columns(org, plan.shape, lambda row: row, variants))
    header = how.delimiter.join(f'"{name}"' for name, _, _ in columns) + how.ending
    parts = [(getter, cell) for _, getter, cell in columns]
    lines = [
        (how.delimiter.join([_quoted(cell(getter(row))) for getter, cell in parts]) + how.ending).encode()
        for row in plan.run()
    ]
    return header.encode(), lines


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _columns(
    org: Org, shape: Shape, reach: Callable[[Row], Row | None], variants: Variants, path: str = ""
) -> Iterator[tuple[str, Getter, Cell]]:
    slots = {} if shape.sobject is NAME else org.tables[shape.sobject.name].slots
    for name, entry in shape.entries.items():
        if isinstance(entry, Shape):
            link = org.tables[shape.sobject.name].slots.get(entry.via)
            yield from _columns(org, entry, _reach(org, entry, reach, link), variants, f"{path}{name}.")
        elif isinstance(entry, Computed):
            yield path + name, _of(reach, entry.getter), _cell("string", variants)
        elif isinstance(entry, Field) and shape.sobject is NAME:
            yield path + name, _of(reach, _named(org, entry.name)), _cell(entry.type, variants)
        elif isinstance(entry, Field):
            slot = slots.get(entry.name)
            yield path + name, _of(reach, _slot(slot)), _cell(entry.type, variants)


def _reach(org: Org, inner: Shape, reach: Callable[[Row], Row | None], link: int | None) -> Callable[[Row], Row | None]:
    def parent(row: Row) -> Row | None:
        child = reach(row)
        if child is None or link is None:
            return None
        if inner.sobject is NAME:
            located = located_by_id(org, child[link])
            return None if located is None else located[1]
        return org.tables[inner.sobject.name].rows.get(child[link])

    return parent


def _of(reach: Callable[[Row], Row | None], getter: Getter) -> Getter:
    return lambda row: None if (reached := reach(row)) is None else getter(reached)


def _slot(slot: int | None) -> Getter:
    return lambda row: None if slot is None else row[slot]


def _named(org: Org, name: str) -> Getter:
    def value(row: Row) -> Any:
        located = located_by_id(org, row[0])
        return None if located is None else shown(org, *located, name)

    return value


def _cell(kind: str, variants: Variants) -> Cell:
    if kind == "datetime":
        return lambda value: "" if value is None else f"{value[:-5]}Z"
    if kind in ("double", "currency", "percent") and variants.salesforce_bulk_numbers == "java":
        return lambda value: "" if value is None else _java(float(value))
    return _plain


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _java(number: float) -> str:
    """A number as Java writes a double: 1000.0, 1.39E8."""
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return str(number)
    mantissa, exponent = f"{Decimal(repr(number)):E}".split("E")
    return f"{float(mantissa)}E{int(exponent)}"
