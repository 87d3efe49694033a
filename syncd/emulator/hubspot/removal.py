"""Archiving, what becomes of archived records, restoring, and permanent deletion."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from syncd.emulator.hubspot import derive
from syncd.emulator.hubspot.authors import Author
from syncd.emulator.hubspot.links import Link
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import wire_time
from syncd.emulator.table import Row

if TYPE_CHECKING:
    from syncd.emulator.hubspot.store import Portal

KEPT = timedelta(days=90)
ARCHIVED = "__archived_at"


@dataclass(slots=True)
class Grave:
    """Archived records in the order in which they run out, and what each was associated with."""

    order: list[tuple[str, str, str]] = field(default_factory=list)
    parted: dict[tuple[str, str], list[tuple[str, Link]]] = field(default_factory=dict)

    def bury(self, archived_at: str, kind: str, id_: str) -> None:
        """Note when a record was archived."""
        heappush(self.order, (archived_at, kind, id_))


def remove(portal: Portal, kind: ObjectType, row: Row, author: Author) -> None:
    """Archive a record; its associations go with it."""
    now = portal.clock.now()
    portal.index.note(kind.name, row[0], row)
    portal.tables[kind.name].update(row, {ARCHIVED: wire_time(now)})
    links = portal.links.all_of(kind, row[0])
    portal.grave.parted[kind.name, row[0]] = [(target.name, link) for target, link in links]
    _part(portal, kind, row[0])
    portal.grave.bury(wire_time(now), kind.name, row[0])
    portal.journal.changed(now, ("hubspot", kind.name, row[0]), {"archived": ("false", "true")}, author)
    portal.hooks.note(kind, "deletion", row[0], author, now)


def restore(portal: Portal, kind: ObjectType, row: Row, author: Author) -> None:
    """Bring an archived record back, with its associations to records that are still there; only people can."""
    now, name = portal.clock.now(), kind.name
    portal.index.note(name, row[0], row)
    portal.tables[name].update(row, {ARCHIVED: None, kind.modified: wire_time(now)})
    for target, link in portal.grave.parted.pop((name, row[0]), ()):
        other = portal.tables[target].rows.get(link.to)
        if other is not None and not portal.is_archived(portal.types.all[target], other):
            portal.links.add(kind, row[0], portal.types.all[target], link.to, link.type_ids)
            derive.count_again(portal, portal.types.all[target], link.to, kind)
    portal.journal.changed(now, ("hubspot", name, row[0]), {"archived": ("true", "false")}, author)
    portal.hooks.note(kind, "restore", row[0], author, now)


def erase(portal: Portal, kind: ObjectType, row: Row, author: Author) -> None:
    """Delete a record for good, with everything that is known of it."""
    now, id_ = portal.clock.now(), row[0]
    _part(portal, kind, id_)
    forget(portal, kind, id_, row)
    portal.journal.changed(now, ("hubspot", kind.name, id_), {"deleted": ("false", "true")}, author)
    portal.hooks.note(kind, "privacyDeletion", id_, author, now)


def _part(portal: Portal, kind: ObjectType, id_: str) -> None:
    links = portal.links.all_of(kind, id_)
    portal.links.forget(kind, id_)
    for target, link in links:
        derive.count_again(portal, target, link.to, kind)


def forget(portal: Portal, kind: ObjectType, id_: str, row: Row) -> None:
    """Take a record out of the store; search follows in its time."""
    portal.index.note(kind.name, id_, row)
    portal.tables[kind.name].remove(id_)
    portal.history.forget(kind.name, id_)
    portal.grave.parted.pop((kind.name, id_), None)


def run_out(portal: Portal, now: datetime) -> None:
    """Forget what was archived more than 90 days ago."""
    order, limit = portal.grave.order, wire_time(now - KEPT) if portal.grave.order else ""
    while order and order[0][0] < limit:
        archived_at, name, id_ = heappop(order)
        kind, row = portal.types.all.get(name), portal.tables[name].rows.get(id_)
        if kind is not None and row is not None and portal.get(kind, row, ARCHIVED) == archived_at:
            forget(portal, kind, id_, row)
