"""The results of a bulk query: CSV to rows that equal those of the REST API, by the types that describe tells."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO, TextIOWrapper
from typing import Any

import orjson

from syncd.connectors.salesforce.shape import Shape
from syncd.errors import Retry
from syncd.model import Row

# The module's own limit of 131,072 characters is what one long text of Salesforce may have before quotes are doubled.
csv.field_size_limit(1 << 26)

_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
# Compound fields are refused in bulk queries, and what `anyType` holds (the old and new values of a history) cannot be
# told from its text. Objects of which such a field is mapped are read page by page.
_NOT_IN_TEXT = frozenset({"address", "location", "base64", "anyType", "complexvalue", "json"})

Convert = Callable[[str], Any]


def convertible(shape: Shape, types: Mapping[str, str | None]) -> bool:
    """Whether text alone gives every column its value; `types` are those of all columns, None where not known."""
    return all(types.get(column) is not None and types[column] not in _NOT_IN_TEXT for column in shape.columns)


def rows(body: bytes, shape: Shape, types: Mapping[str, str | None]) -> Iterator[Row]:
    """The records of a result, decoded as they are taken.

    Raises Retry when the text is damaged or cut off: then the same result is to be fetched again.
    """
    table = csv.reader(TextIOWrapper(BytesIO(body), encoding="utf-8-sig", newline=""), strict=True)
    try:
        header = next(table, None)
        places = _places(header or [], shape)
        width = len(header or [])
        make = _maker(shape, places, types)
        for cells in table:
            if len(cells) != width:
                raise Retry(f"{shape.object}: a row of the bulk result has {len(cells)} cells instead of {width}.")
            yield make(cells)
    except (csv.Error, UnicodeDecodeError, ValueError) as error:
        raise Retry(f"{shape.object}: the bulk result is damaged ({type(error).__name__}).") from None


def _places(header: Sequence[str], shape: Shape) -> dict[str, int]:
    """Where each column stands; capitals are not what tells them apart."""
    named = {name.lower(): place for place, name in enumerate(header)}
    missing = [column for column in shape.columns if column.lower() not in named]
    if missing:
        raise Retry(f"{shape.object}: the bulk result lacks {', '.join(missing)}.")
    return {column: named[column.lower()] for column in shape.columns}


def _maker(shape: Shape, places: Mapping[str, int], types: Mapping[str, str | None]) -> Callable[[Sequence[str]], Row]:
    fields = [(c, places[c], _convert(types[c])) for c in shape.columns if c in shape.wanted]
    id_, stamp = places["Id"], places[shape.cursor]
    deleted, merged = places.get("IsDeleted"), places.get("MasterRecordId")

    def make(cells: Sequence[str]) -> Row:
        values = {name: convert(cells[place]) if cells[place] else None for name, place, convert in fields}
        gone = deleted is not None and cells[deleted] == "true"
        into = cells[merged] or None if merged is not None else None
        return Row(cells[id_], datetime.fromisoformat(cells[stamp]), values, gone, into)

    return make


def _convert(type_: str | None) -> Convert:
    if type_ == "boolean":
        return lambda text: text == "true"
    if type_ in _NUMBERS:
        return _number
    return _as_in_json if type_ == "datetime" else str


def _number(text: str) -> int | float:
    """A bulk result may write 139000000 as 1.39E8; the REST API writes whole numbers as such."""
    number: int | float = orjson.loads(text)
    return int(number) if number.__class__ is float and number.is_integer() else number


def _as_in_json(text: str) -> str:
    """A bulk result writes an instant with a Z, the REST API with +0000."""
    return f"{text[:-1]}+0000" if text.endswith("Z") else text
