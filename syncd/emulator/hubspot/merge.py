"""Merging two records of a type into one, which may get an id of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncd.emulator.hubspot import derive, removal
from syncd.emulator.hubspot.authors import MERGE, Author
from syncd.emulator.hubspot.errors import Rejected
from syncd.emulator.hubspot.history import Entry
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import wire_time
from syncd.emulator.table import Row

if TYPE_CHECKING:
    from syncd.emulator.hubspot.store import Portal

MERGED = "hs_merged_object_ids"
Values = dict[str, Any]


def merge(portal: Portal, kind: ObjectType, primary: str, other: str, author: Author) -> Row:
    """One record out of two: the values of the primary one, where it has none those of the other.

    Old ids lead to the survivor, which lists them; their associations are its own now. Raises Missing and Rejected.
    """
    if not kind.mergeable:
        raise Rejected(f"Merging is not supported for object type {kind.id}")
    first, second = portal.find(kind, primary), portal.find(kind, other)
    if first[0] == second[0]:
        raise Rejected("A record cannot be merged into itself.", context={"id": [primary, other]})
    primary_id, other_id = str(first[0]), str(second[0])
    table, now = portal.tables[kind.name], portal.clock.now()
    values = _combined(kind, table.as_dict(first), table.as_dict(second))
    new = portal.variants.hubspot_merge_id == "new"
    old = [first, second] if new else [second]
    values |= {MERGED: _listed(table.as_dict(first), table.as_dict(second), old), kind.modified: wire_time(now)}
    histories = _histories(portal, kind, [first, second], values, wire_time(now))
    moved = sum(table.get(first, name) != value for name, value in values.items() if name in histories)
    id_ = portal.new_id(kind) if new else first[0]
    # those of the primary record last: where both have a primary company, its own stays the primary one
    links = [(target, link) for row in (second, first) for target, link in portal.links.all_of(kind, row[0])]
    for row in old:
        portal.links.forget(kind, row[0])
        removal.forget(portal, kind, row[0], row)
        portal.aliases.setdefault(kind.name, {})[row[0]] = id_
    row = _placed(portal, kind, id_, first, values, new)
    portal.history.put(kind.name, id_, histories)
    for target, link in links:
        if link.to not in (primary_id, other_id) or target is not kind:
            portal.links.add(kind, id_, target, link.to, link.type_ids)
            derive.count_again(portal, kind, id_, target)
            derive.count_again(portal, target, link.to, kind)
    _tell(portal, kind, row, (primary_id, other_id), author, moved)
    return row


def _combined(kind: ObjectType, first: Values, second: Values) -> Values:
    values = {name: second.get(name) if first.get(name) is None else first.get(name) for name in {**second, **first}}
    values[kind.created] = min(str(first[kind.created]), str(second[kind.created]))
    return {name: value for name, value in values.items() if name != "hs_object_id"}


def _listed(first: Values, second: Values, old: list[Row]) -> str:
    before = [part for one in (first, second) for part in str(one.get(MERGED) or "").split(";") if part]
    return ";".join(dict.fromkeys([*before, *(row[0] for row in old)]))


def _histories(
    portal: Portal, kind: ObjectType, rows: list[Row], values: Values, now: str
) -> dict[str, list[Entry]]:  # fmt: skip
    """Both histories of each property in order of time, and the value that the merge chose if it is not the last."""
    found: dict[str, list[Entry]] = {}
    for name in portal.properties[kind.name]:
        if values.get(name) is None or name in (kind.created, kind.modified, MERGED):
            continue
        entries = [one for row in rows for one in portal.entries(kind, row, name)]
        entries.sort(key=lambda one: one.timestamp)
        if not entries or entries[-1].value != values[name]:
            entries.append(MERGE.entry(values[name], now))
        found[name] = entries
    return found


def _placed(portal: Portal, kind: ObjectType, id_: str, first: Row, values: Values, new: bool) -> Row:
    table = portal.tables[kind.name]
    if new:
        portal.index.note(kind.name, id_, None)
        return table.insert(id_, values)
    portal.index.note(kind.name, id_, first)
    table.update(first, values)
    return first


def _tell(portal: Portal, kind: ObjectType, row: Row, ids: tuple[str, str], author: Author, moved: int) -> None:
    now = portal.clock.now()
    gone = [id_ for id_ in ids if id_ != row[0]]
    for id_ in gone:
        portal.journal.changed(now, ("hubspot", kind.name, id_), {"merged": (None, row[0])}, author)
        portal.hooks.note(kind, "deletion", id_, author, now)
    portal.hooks.note(kind, "merge", row[0], author, now, primaryObjectId=int(ids[0]), mergedObjectIds=[int(ids[1])],
                      newObjectId=int(row[0]), numberOfPropertiesMoved=moved)  # fmt: skip
