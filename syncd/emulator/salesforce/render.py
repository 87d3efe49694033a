"""Rows as the JSON objects that queries and row reads answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from syncd.emulator.salesforce.paths import NAME, located_by_id, shown
from syncd.emulator.salesforce.schema import ADDRESS_PARTS, Field
from syncd.emulator.salesforce.shape import Branches, Computed, Nested, Shape, of_fields
from syncd.emulator.table import Row

if TYPE_CHECKING:
    from syncd.emulator.salesforce.store import Org

Render = Callable[[Row], dict[str, Any]]
Value = Callable[[Row], Any]
Nest = Callable[[Nested, str], dict[str, Any] | None]


def renderer(org: Org, shape: Shape, version: str, nest: Nest | None = None) -> Render:
    """A function from a row to its JSON object, fields in the order of the shape; `nest` answers sub-selects."""
    slots = org.tables[shape.sobject.name].slots
    plain = [name for name, entry in shape.entries.items() if isinstance(entry, Field) and name in slots]
    others = _others(org, shape, version, nest)
    empty = dict.fromkeys(["attributes", *shape.entries])
    pick = _picker([slots[name] for name in plain])
    kind, base = shape.sobject.name, f"/services/data/{version}/sobjects/{shape.sobject.name}/"

    def render(row: Row) -> dict[str, Any]:
        record = empty.copy()
        record["attributes"] = {"type": kind, "url": base + row[0]}
        record.update(zip(plain, pick(row), strict=True))
        for name, value in others:
            record[name] = value(row)
        return record

    return render


def _others(org: Org, shape: Shape, version: str, nest: Nest | None) -> list[tuple[str, Value]]:
    """What is not simply a value of the row."""
    slots = {} if shape.sobject is NAME else org.tables[shape.sobject.name].slots
    found: list[tuple[str, Value]] = []
    for name, entry in shape.entries.items():
        if isinstance(entry, Field):
            found += [(name, _address(slots, name.removesuffix("Address")))] if entry.type == "address" else []
        elif isinstance(entry, Shape):
            found.append((name, _parent(org, shape, entry, version, nest)))
        elif isinstance(entry, Computed):
            found.append((name, entry.getter))
        elif isinstance(entry, Branches):
            found.append((name, _by_kind(org, shape, entry, version, nest)))
        elif isinstance(entry, Nested) and nest is not None:
            found.append((name, _nested(entry, nest)))
    return found


def _address(slots: Mapping[str, int], prefix: str) -> Value:
    """A compound address: an object, or null where no part of it is known."""
    parts = [(part[0].lower() + part[1:], slots.get(prefix + part)) for part in ADDRESS_PARTS]

    def value(row: Row) -> dict[str, Any] | None:
        held = {name: None if slot is None else row[slot] for name, slot in parts}
        unknown = dict.fromkeys(("geocodeAccuracy", "latitude", "longitude"))
        return {**held, **unknown} if any(held.values()) else None

    return value


def _parent(org: Org, shape: Shape, inner: Shape, version: str, nest: Nest | None) -> Value:
    slot = org.tables[shape.sobject.name].slots.get(inner.via)
    if slot is None:
        return lambda row: None
    if inner.sobject is NAME:
        return _of_any_kind(org, slot, inner, version)
    rows, render = org.tables[inner.sobject.name].rows, renderer(org, inner, version, nest)

    def value(row: Row) -> dict[str, Any] | None:
        parent = rows.get(row[slot])
        return None if parent is None else render(parent)

    return value


def _of_any_kind(org: Org, slot: int, inner: Shape, version: str) -> Value:
    """A parent behind a polymorphic reference: its type is told as Name, its URL names what it is."""

    def value(row: Row) -> dict[str, Any] | None:
        located = located_by_id(org, row[slot])
        if located is None:
            return None
        kind, parent = located
        attributes = {"type": "Name", "url": f"/services/data/{version}/sobjects/{kind}/{parent[0]}"}
        return {"attributes": attributes, **{name: shown(org, kind, parent, name) for name in inner.entries}}

    return value


def _by_kind(org: Org, shape: Shape, entry: Branches, version: str, nest: Nest | None) -> Value:
    slot = org.tables[shape.sobject.name].slots.get(entry.via)
    if slot is None:
        return lambda row: None
    renders = {kind: renderer(org, one, version, nest) for kind, one in entry.shapes.items()}
    otherwise = None if entry.otherwise is None else _of_any_kind(org, slot, entry.otherwise, version)

    def value(row: Row) -> dict[str, Any] | None:
        located = located_by_id(org, row[slot])
        if located is None:
            return None
        render = renders.get(located[0])
        if render is not None:
            return render(located[1])
        return None if otherwise is None else otherwise(row)

    return value


def _nested(entry: Nested, nest: Nest) -> Value:
    return lambda row: nest(entry, row[0])


def _picker(slots: list[int]) -> Callable[[Row], Iterable[Any]]:
    if not slots:
        return lambda row: ()
    if len(slots) == 1:
        only = slots[0]
        return lambda row: (row[only],)
    return itemgetter(*slots)


def whole(org: Org, name: str, fields: Iterable[str], version: str) -> Render:
    """A renderer for the named fields of an object."""
    return renderer(org, of_fields(org.objects[name], fields), version)
