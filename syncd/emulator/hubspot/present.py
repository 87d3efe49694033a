"""Records as the JSON objects that HubSpot answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from syncd.emulator.hubspot.links import Link
from syncd.emulator.hubspot.store import ARCHIVED, Portal
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.table import Row

Present = Callable[[Row], dict[str, Any]]


def presenter(
    portal: Portal, kind: ObjectType, properties: Iterable[str] | None, history: Iterable[str] = (),
    associations: Iterable[ObjectType] = (),
) -> Present:  # fmt: skip
    """A function from a row to its JSON; unknown properties are left out, as the vendor does."""
    table, known = portal.tables[kind.name], portal.properties[kind.name]
    asked = kind.defaults if properties is None else (*properties, kind.created, kind.modified, "hs_object_id")
    names = list(dict.fromkeys(name for name in asked if name in known and not known[name].archived))
    slots = [(name, table.slots.get(name)) for name in names]
    created, modified, archived = (table.slots.get(name) for name in (kind.created, kind.modified, ARCHIVED))
    base = f"https://{portal.account['uiDomain']}/contacts/{portal.id}/record/{kind.id}/"
    past, targets = [name for name in history if name in known], list(associations)

    def present(row: Row) -> dict[str, Any]:
        stamp = row[created] if created is not None else None
        record: dict[str, Any] = {
            "id": row[0],
            "properties": {name: None if slot is None else row[slot] for name, slot in slots},
            "createdAt": stamp,
            "updatedAt": row[modified] if modified is not None else stamp,
            "archived": False,
            "url": base + row[0],
        }
        if archived is not None and row[archived]:
            record |= {"archived": True, "archivedAt": row[archived]}
        if past:
            record["propertiesWithHistory"] = {name: _history(portal, kind, row, name) for name in past}
        if targets:
            record |= _associations(portal, kind, row[0], targets)
        return record

    return present


def _history(portal: Portal, kind: ObjectType, row: Row, name: str) -> list[dict[str, Any]]:
    return [entry.shown() for entry in portal.entries(kind, row, name)]


def _associations(portal: Portal, kind: ObjectType, id_: str, targets: list[ObjectType]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for target in targets:
        results = [
            {"id": link.to, "type": type_}
            for link in portal.links.of(kind, id_, target)
            for type_ in link_types(portal, kind, target, link)
        ]
        if results:
            found[target.name] = {"results": results}
    return {"associations": found} if found else {}


def link_types(portal: Portal, kind: ObjectType, target: ObjectType, link: Link) -> list[str]:
    """The names of an association's types: deal_to_company, deal_to_company_unlabeled, a label's own text."""
    primary = portal.links.type_ids(kind, target)[1]
    name = f"{kind.singular}_to_{target.singular}"
    found = []
    for one in link.type_ids:
        label = portal.links.label_of(kind, target, one)
        found.append(name if one == primary or primary is None else label or f"{name}_unlabeled")
    return list(dict.fromkeys(found))


def link_type_ids(portal: Portal, kind: ObjectType, target: ObjectType, name: str) -> list[int]:
    """The type ids that such a name or a number means; an empty list if it means none."""
    known = portal.links.known(kind, target)
    if name.isdigit():
        return [int(name)] if int(name) in known else []
    return [one for one in known if name.lower() in map(str.lower, link_types(portal, kind, target, Link("", (one,))))]
