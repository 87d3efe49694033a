"""The outbox: what is to be written is stored with its reason before anything is sent, and keeps its receipt.

queued -> sent -> applied | failed, or back to queued when the CRM surely did not apply it. A write without a
receipt stays *sent*: its outcome is unknown until the record was read back by id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.model import Receipt, ReceiptKind, Ref, Write, WriteGroup, WriteState
from syncd.store.tables import write as table

_OPEN = (WriteState.QUEUED.value, WriteState.SENT.value)


@dataclass(frozen=True, slots=True)
class Intent:
    """One wanted difference: native values to write, the native values they replace, and why."""

    ref: Ref
    stream: str
    group: WriteGroup
    fields: Mapping[str, Any]
    before: Mapping[str, Any]
    because: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A write as the outbox holds it."""

    number: int
    intent: Intent
    state: WriteState
    attempts: int
    code: str
    message: str
    created_at: datetime
    sent_at: datetime | None
    done_at: datetime | None
    run: str

    @property
    def write(self) -> Write:
        """What goes to the connector."""
        return Write(self.number, self.intent.ref, self.intent.group, self.intent.fields)


def enqueue(tx: sa.Connection, intents: Iterable[Intent], now: datetime, run: str) -> int:
    """Store intents; one that waits unsent is brought up to date, one that is out is left until it is settled.

    Returns how many intents are newly queued or changed.
    """
    count = 0
    for intent in intents:
        waiting = open_write(tx, intent.ref, intent.group)
        if waiting is None:
            tx.execute(table.insert().values(**_values(intent), state="queued", created_at=now, run=run))
        elif waiting.state is WriteState.QUEUED and dict(waiting.intent.fields) != dict(intent.fields):
            tx.execute(
                table.update()
                .where(table.c.number == waiting.number)
                .values(**_values(intent), created_at=now, next_try_at=None, run=run)
            )
        else:
            continue
        count += 1
    return count


def _values(intent: Intent) -> dict[str, Any]:
    return {
        "connection": intent.ref.connection,
        "object": intent.ref.object,
        "id": intent.ref.id,
        "stream": intent.stream,
        "grp": intent.group.value,
        "fields": dict(intent.fields),
        "before": dict(intent.before),
        "because": dict(intent.because),
    }


def withdraw(tx: sa.Connection, ref: Ref, group: WriteGroup, now: datetime) -> None:
    """What waits unsent for this record is no longer wanted."""
    tx.execute(
        table.update().where(*_of(ref, group), table.c.state == "queued").values(state="superseded", done_at=now)
    )


def open_write(tx: sa.Connection, ref: Ref, group: WriteGroup) -> Outgoing | None:
    """The open write of a record and group, if there is one."""
    row = tx.execute(sa.select(table).where(*_of(ref, group), table.c.state.in_(_OPEN))).one_or_none()
    return None if row is None else _outgoing(row)


def claim(tx: sa.Connection, connection: str, now: datetime, limit: int) -> list[Outgoing]:
    """Take queued writes of one object and group to be sent, ownership first; they are *sent* from this commit on."""
    due = (
        table.c.connection == connection,
        table.c.state == "queued",
        sa.or_(table.c.next_try_at.is_(None), table.c.next_try_at <= now),
    )
    first = tx.execute(
        sa.select(table.c.object, table.c.grp).where(*due).order_by(table.c.grp, table.c.number).limit(1)
    ).one_or_none()
    if first is None:
        return []
    query = (
        sa.select(table)
        .where(*due, table.c.object == first.object, table.c.grp == first.grp)
        .order_by(table.c.number)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = tx.execute(query).all()
    tx.execute(
        table.update()
        .where(table.c.number.in_([row.number for row in rows]))
        .values(state="sent", sent_at=now, attempts=table.c.attempts + 1)
    )
    return [_outgoing(row) for row in rows]


def settle(tx: sa.Connection, receipt: Receipt, now: datetime, next_try_at: datetime | None = None) -> None:
    """Keep a receipt. An unknown outcome changes nothing: the write stays *sent*."""
    if receipt.kind is ReceiptKind.UNKNOWN:
        values: dict[str, Any] = {"code": receipt.code, "message": receipt.message}
    elif receipt.kind is ReceiptKind.RETRY:
        values = {"state": "queued", "code": receipt.code, "message": receipt.message, "next_try_at": next_try_at}
    else:
        values = {"state": receipt.kind.value, "code": receipt.code, "message": receipt.message, "done_at": now}
    tx.execute(table.update().where(table.c.number == receipt.write_id, table.c.state == "sent").values(**values))


def not_applied(tx: sa.Connection, number: int, now: datetime) -> None:
    """A read by id, made after the server's own time limit, showed that the write never arrived."""
    tx.execute(
        table.update()
        .where(table.c.number == number, table.c.state == "sent")
        .values(state="superseded", done_at=now, message="It did not arrive; what is still wanted is written again.")
    )


def unknown(tx: sa.Connection, connection: str, sent_before: datetime) -> list[Outgoing]:
    """Writes of a connection without a receipt, sent before that instant."""
    query = sa.select(table).where(
        table.c.connection == connection, table.c.state == "sent", table.c.sent_at <= sent_before
    )
    return [_outgoing(row) for row in tx.execute(query.order_by(table.c.number))]


def failed(tx: sa.Connection, ref: Ref, group: WriteGroup, fields: Mapping[str, Any]) -> bool:
    """The CRM has refused exactly this for good: it is not tried again until something about it changes."""
    last = newest(tx, ref, group)
    return last is not None and last.state is WriteState.FAILED and dict(last.intent.fields) == dict(fields)


def newest(tx: sa.Connection, ref: Ref, group: WriteGroup) -> Outgoing | None:
    """The latest write of a record and group, in whatever state."""
    row = tx.execute(sa.select(table).where(*_of(ref, group)).order_by(table.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else _outgoing(row)


def applied(tx: sa.Connection, ref: Ref, group: WriteGroup) -> list[Outgoing]:
    """The writes of a record and group that arrived, oldest first."""
    query = sa.select(table).where(*_of(ref, group), table.c.state == "applied").order_by(table.c.number)
    return [_outgoing(row) for row in tx.execute(query)]


def counts(tx: sa.Connection) -> dict[str, int]:
    """How many writes are in each state."""
    query = sa.select(table.c.state, sa.func.count()).group_by(table.c.state)
    return {row[0]: row[1] for row in tx.execute(query)}


def of_record(tx: sa.Connection, ref: Ref) -> list[Outgoing]:
    """Every write of a record, oldest first."""
    query = sa.select(table).where(
        table.c.connection == ref.connection, table.c.object == ref.object, table.c.id == ref.id
    )
    return [_outgoing(row) for row in tx.execute(query.order_by(table.c.number))]


def in_state(tx: sa.Connection, states: Sequence[WriteState]) -> list[Outgoing]:
    """Every write in one of these states, oldest first."""
    query = sa.select(table).where(table.c.state.in_([s.value for s in states])).order_by(table.c.number)
    return [_outgoing(row) for row in tx.execute(query)]


def _of(ref: Ref, group: WriteGroup) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        table.c.connection == ref.connection,
        table.c.object == ref.object,
        table.c.id == ref.id,
        table.c.grp == group.value,
    )


def _outgoing(row: sa.Row[Any]) -> Outgoing:
    intent = Intent(
        ref=Ref(row.connection, row.object, row.id),
        stream=row.stream,
        group=WriteGroup(row.grp),
        fields=row.fields,
        before=row.before,
        because=row.because,
    )
    return Outgoing(
        row.number, intent, WriteState(row.state), row.attempts, row.code, row.message,
        row.created_at, row.sent_at, row.done_at, row.run,
    )  # fmt: skip
