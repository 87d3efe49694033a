"""Edits: what somebody else made of the fields that syncd writes, each time a read has shown it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.model import Ref, WriteGroup
from syncd.store import graph
from syncd.store.tables import outside_edit as table


@dataclass(frozen=True, slots=True)
class OutsideEdit:
    """Stamps, or the owner, before and after, as plain values.

    `at` is the stamp that the record had with it.

    `sure`: a read by id has shown it too.
    """

    ref: Ref
    group: WriteGroup
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    at: datetime
    seen_at: datetime
    sure: bool


def note(tx: sa.Connection, edits: Sequence[OutsideEdit], run: str | None) -> None:
    """Keep what was seen."""
    rows = [
        {
            **graph.row_of(one.ref), "grp": one.group.value, "before": dict(one.before), "after": dict(one.after),
            "at": one.at, "seen_at": one.seen_at, "sure": one.sure, "run": run,
        }
        for one in edits
    ]  # fmt: skip
    if rows:
        tx.execute(table.insert(), rows)


def newest(tx: sa.Connection, refs: Sequence[Ref]) -> dict[tuple[Ref, WriteGroup], OutsideEdit]:
    """The last edit of each of these records, by write group."""
    found = {}
    for condition in graph.in_refs(table, refs):
        for row in tx.execute(sa.select(table).where(condition).order_by(table.c.number)):
            ref, group = Ref(row.connection, row.object, row.id), WriteGroup(row.grp)
            found[ref, group] = OutsideEdit(ref, group, row.before, row.after, row.at, row.seen_at, row.sure)
    return found


def unsure(tx: sa.Connection, refs: Sequence[Ref]) -> set[Ref]:
    """Those of these records of which only a pull has shown that a stamp was edited."""
    columns = (table.c.connection, table.c.object, table.c.id)
    return {
        Ref(*row)
        for condition in graph.in_refs(table, refs)
        for row in tx.execute(sa.select(*columns).where(condition, table.c.grp == "stamp", table.c.sure.is_(False)))
    }


def make_sure(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """A read by id has shown these as well."""
    for condition in graph.in_refs(table, refs):
        tx.execute(table.update().where(condition, table.c.sure.is_(False)).values(sure=True))


def edited_since(tx: sa.Connection, connection: str, group: WriteGroup, since: datetime) -> Counter[str]:
    """How many records of each object somebody else has edited, as seen after that instant."""
    query = (
        sa.select(table.c.object, sa.func.count(table.c.id.distinct()))
        .where(table.c.connection == connection, table.c.grp == group.value, table.c.seen_at > since)
        .group_by(table.c.object)
    )
    return Counter({row[0]: row[1] for row in tx.execute(query)})
