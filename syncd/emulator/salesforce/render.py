"""Rows as the JSON objects that queries and row reads answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any

from syncd.emulator.salesforce.plan import Shape
from syncd.emulator.salesforce.schema import Field
from syncd.emulator.salesforce.store import Org
from syncd.emulator.table import Row

Render = Callable[[Row], dict[str, Any]]


def renderer(org: Org, shape: Shape, version: str) -> Render:
    """A function from a row to its JSON object, fields in the order of the shape."""
    slots = org.tables[shape.sobject.name].slots
    plain = [name for name, entry in shape.entries.items() if isinstance(entry, Field) and name in slots]
    inner = {name: entry for name, entry in shape.entries.items() if isinstance(entry, Shape)}
    parents = [_parent(org, name, entry, version, slots) for name, entry in inner.items()]
    empty = dict.fromkeys(["attributes", *shape.entries])
    pick = _picker([slots[name] for name in plain])
    kind, base = shape.sobject.name, f"/services/data/{version}/sobjects/{shape.sobject.name}/"

    def render(row: Row) -> dict[str, Any]:
        record = empty.copy()
        record["attributes"] = {"type": kind, "url": base + row[0]}
        record.update(zip(plain, pick(row), strict=True))
        for name, value in parents:
            record[name] = value(row)
        return record

    return render


def _parent(org: Org, name: str, shape: Shape, version: str, slots: dict[str, int]) -> tuple[str, Callable[[Row], Any]]:
    slot, rows, inner = slots.get(shape.via), org.tables[shape.sobject.name].rows, renderer(org, shape, version)

    def value(row: Row) -> dict[str, Any] | None:
        parent = None if slot is None else rows.get(row[slot])
        return None if parent is None else inner(parent)

    return name, value


def _picker(slots: list[int]) -> Callable[[Row], Iterable[Any]]:
    if not slots:
        return lambda row: ()
    if len(slots) == 1:
        only = slots[0]
        return lambda row: (row[only],)
    return itemgetter(*slots)


def whole(org: Org, name: str, fields: Iterable[str], version: str) -> Render:
    """A renderer for the named fields of an object."""
    sobject = org.objects[name]
    return renderer(org, Shape(sobject, {one: sobject.fields[one] for one in fields}), version)
