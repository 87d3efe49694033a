"""The intake book: one line for everything that was filed, taken or not, with the reason why not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from syncd.model import Ref
from syncd.store import graph
from syncd.store.tables import intake as table
from syncd.store.tables import record, source, unreadable


class IntakeState(StrEnum):
    """What became of something filed."""

    TAKEN = "taken"
    DRAFT = "draft"  # begun and not filed yet
    RETURNED = "returned"  # back at the partner, to be completed
    FILTERED = "filtered"  # kept out by a filter of the mapping
    UNREADABLE = "unreadable"
    NOT_VISIBLE = "not visible"  # was there; the system no longer shows it to us
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what staging makes of a record, and when it was first seen.

    `field` and `value` say which filter keeps it out; `company` is the name in the filing itself, where it has one.
    """

    ref: Ref
    state: IntakeState
    partner: str | None = None
    number: str | None = None
    received_at: datetime | None = None
    company: str | None = None
    field: str | None = None
    value: str | None = None
    reason: str = ""
    seen_at: datetime | None = None
    acknowledged_at: datetime | None = None


def put(tx: sa.Connection, refs: Sequence[Ref], lines: Iterable[Line]) -> None:
    """Replace the lines of these records by `lines`."""
    graph.delete_refs(tx, table, refs)
    rows = [
        {
            **graph.row_of(line.ref), "state": line.state.value, "partner": line.partner, "number": line.number,
            "received_at": line.received_at, "company": line.company, "field": line.field, "value": line.value,
            "reason": line.reason,
        }
        for line in lines
    ]  # fmt: skip
    if rows:
        tx.execute(table.insert(), rows)


def lines(tx: sa.Connection, refs: Sequence[Ref] | None = None) -> list[Line]:
    """The lines of these records, or all, in the order in which they were first seen."""
    joined = table.join(source, sa.and_(source.c.connection == table.c.connection, source.c.object == table.c.object))
    joined = joined.join(record, sa.and_(record.c.source == source.c.number, record.c.id == table.c.id))
    query = sa.select(table, record.c.first_seen_at).select_from(joined)
    conditions = [sa.true()] if refs is None else list(graph.in_refs(table, refs))
    found = [_line(row) for condition in conditions for row in tx.execute(query.where(condition))]
    return sorted(found, key=lambda line: (line.seen_at, line.ref))


def like(tx: sa.Connection, text: str, partners: Sequence[str] = ()) -> list[Ref]:
    """The records whose line names this text as id, number, company or partner, or one of these partners."""
    columns = (table.c.id, table.c.number, table.c.company, table.c.partner)
    pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    named = [column.ilike(pattern, escape="\\") for column in columns]
    query = sa.select(table.c.connection, table.c.object, table.c.id)
    query = query.where(sa.or_(*named, table.c.partner.in_(list(partners))))
    return sorted(Ref(*row) for row in tx.execute(query))


def lost(tx: sa.Connection, connection: str, object: str, stream: str) -> list[Line]:
    """Lines for what could not be made a record at all."""
    query = sa.select(unreadable).where(unreadable.c.connection == connection, unreadable.c.stream == stream)
    return [
        Line(Ref(connection, object, row.id), IntakeState.UNREADABLE, reason=row.reason, seen_at=row.seen_at)
        for row in tx.execute(query.order_by(unreadable.c.id))
    ]


def _line(row: sa.Row[Any]) -> Line:
    return Line(
        Ref(row.connection, row.object, row.id), IntakeState(row.state), row.partner, row.number, row.received_at,
        row.company, row.field, row.value, row.reason, row.first_seen_at,
    )  # fmt: skip
