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
from syncd.store import graph
from syncd.store.tables import write as table

_OPEN = (WriteState.QUEUED.value, WriteState.SENT.value)

NOT_ARRIVED = "not_arrived"
"""The code of a write that reads by id did not find; should its values turn up, it came late."""
LATE = "late"
RECORD_GONE = "record_gone"
MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Intent:
    """One wanted difference: native values to write, the native values they replace, and why."""

    ref: Ref
    stream: str
    group: WriteGroup
    fields: Mapping[str, Any]
    before: Mapping[str, Any]
    because: Mapping[str, Any]
    under: str | None = None
    """What a refusal may depend on beside the values, hashed."""


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


def enqueue(
    tx: sa.Connection, intents: Iterable[Intent], known: Mapping[tuple[Ref, WriteGroup], Sequence[Outgoing]],
    now: datetime, run: str,
) -> int:  # fmt: skip
    """Store intents; one that waits unsent is brought up to date, one that is out is left until it is settled.

    `known` are the writes that their records have so far. Returns how many are newly queued or changed.
    """
    fresh, count = [], 0
    for intent in intents:
        waiting = open_one(known.get((intent.ref, intent.group), ()))
        if waiting is None:
            fresh.append({**_values(intent), "state": "queued", "created_at": now, "run": run})
        elif waiting.state is WriteState.QUEUED and dict(waiting.intent.fields) != dict(intent.fields):
            values = {**_values(intent), "created_at": now, "next_try_at": None, "run": run}
            tx.execute(table.update().where(table.c.number == waiting.number, table.c.state == "queued").values(values))
            count += 1
    if fresh:
        tx.execute(table.insert(), fresh)
    return count + len(fresh)


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
        "under": intent.under,
    }


def give_up(
    tx: sa.Connection, intents: Iterable[tuple[Intent, str, str]], state: WriteState, now: datetime, run: str
) -> None:
    """Keep intents that are not sent, each with a code and a message: *failed* where somebody should look at them."""
    rows = [
        {
            **_values(intent), "state": state.value, "code": code, "message": message, "created_at": now,
            "done_at": now, "run": run,
        }
        for intent, code, message in intents
    ]  # fmt: skip
    if rows:
        tx.execute(table.insert(), rows)


def open_one(writes: Sequence[Outgoing]) -> Outgoing | None:
    """The open one among the writes of a record and group; there is at most one."""
    return next((item for item in writes if item.state in (WriteState.QUEUED, WriteState.SENT)), None)


def withdraw(tx: sa.Connection, numbers: Sequence[int], now: datetime) -> None:
    """These wait unsent and are no longer wanted."""
    for part in graph.chunks(numbers):
        tx.execute(
            table.update()
            .where(table.c.number.in_(list(part)), table.c.state == "queued")
            .values(state="superseded", done_at=now)
        )


def of_records(tx: sa.Connection, refs: Sequence[Ref]) -> dict[tuple[Ref, WriteGroup], list[Outgoing]]:
    """Every write of these records by group, oldest first."""
    found: dict[tuple[Ref, WriteGroup], list[Outgoing]] = {}
    for condition in graph.in_refs(table, refs):
        for row in tx.execute(sa.select(table).where(condition).order_by(table.c.number)):
            item = _outgoing(row)
            found.setdefault((item.intent.ref, item.intent.group), []).append(item)
    return found


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


def settle(tx: sa.Connection, receipts: Sequence[Receipt], now: datetime, next_try: Mapping[int, datetime]) -> None:
    """Keep receipts. An unknown outcome changes nothing: the write stays *sent*.

    `next_try` says by write when one that was surely not applied may be sent again.
    """
    rows = [
        {
            "b_number": receipt.write_id,
            "b_state": _AFTER[receipt.kind],
            "b_code": receipt.code,
            "b_message": receipt.message,
            "b_done": now if receipt.kind in (ReceiptKind.APPLIED, ReceiptKind.FAILED) else None,
            "b_next": next_try.get(receipt.write_id) if receipt.kind is ReceiptKind.RETRY else None,
        }
        for receipt in receipts
    ]
    if rows:
        tx.execute(
            table.update()
            .where(table.c.number == sa.bindparam("b_number"), table.c.state == "sent")
            .values(
                state=sa.bindparam("b_state"),
                code=sa.bindparam("b_code"),
                message=sa.bindparam("b_message"),
                done_at=sa.bindparam("b_done"),
                next_try_at=sa.bindparam("b_next"),
            ),
            rows,
        )


_AFTER = {
    ReceiptKind.APPLIED: WriteState.APPLIED.value,
    ReceiptKind.FAILED: WriteState.FAILED.value,
    ReceiptKind.RETRY: WriteState.QUEUED.value,
    ReceiptKind.UNKNOWN: WriteState.SENT.value,
}


def release(tx: sa.Connection, numbers: Sequence[int]) -> None:
    """These were claimed, but surely never sent."""
    for part in graph.chunks(numbers):
        tx.execute(
            table.update()
            .where(table.c.number.in_(list(part)), table.c.state == "sent")
            .values(state="queued", sent_at=None, attempts=table.c.attempts - 1)
        )


def not_applied(tx: sa.Connection, numbers: Sequence[int], now: datetime) -> None:
    """Reads by id, made after the server's own time limit, showed that these never arrived."""
    _close(tx, numbers, NOT_ARRIVED, "It did not arrive; what is still wanted is written again.", now)


def untold(tx: sa.Connection, numbers: Sequence[int], now: datetime) -> None:
    """The records of these are gone, so that nobody can tell whether they arrived."""
    _close(tx, numbers, RECORD_GONE, "The record was gone before the write could be read back.", now)


def not_sent(tx: sa.Connection, numbers: Sequence[int], now: datetime) -> None:
    """Somebody else has changed these records since they were planned; they were not sent."""
    _close(tx, numbers, MOVED, "The record had changed before the write was sent; it is planned again.", now)


def _close(tx: sa.Connection, numbers: Sequence[int], code: str, message: str, now: datetime) -> None:
    for part in graph.chunks(numbers):
        tx.execute(
            table.update()
            .where(table.c.number.in_(list(part)), table.c.state == "sent")
            .values(state="superseded", done_at=now, code=code, message=message)
        )


def in_doubt(tx: sa.Connection, refs: Sequence[Ref]) -> set[Ref]:
    """Those of these records to which a write is out, or was given up as not arrived."""
    doubtful = sa.or_(table.c.code == NOT_ARRIVED, table.c.state == "sent")
    columns = (table.c.connection, table.c.object, table.c.id)
    return {
        Ref(*row)
        for condition in graph.in_refs(table, refs)
        for row in tx.execute(sa.select(*columns).where(condition, doubtful))
    }


def came_late(tx: sa.Connection, numbers: Sequence[int], now: datetime) -> None:
    """These were given up as not arrived, and have arrived since."""
    for part in graph.chunks(numbers):
        tx.execute(
            table.update()
            .where(table.c.number.in_(list(part)), table.c.state == "superseded", table.c.code == NOT_ARRIVED)
            .values(state="applied", done_at=now, code=LATE, message="It arrived after it had been given up.")
        )


def unknown(tx: sa.Connection, connection: str, sent_before: datetime) -> list[Outgoing]:
    """Writes of a connection without a receipt, sent before that instant."""
    query = sa.select(table).where(
        table.c.connection == connection, table.c.state == "sent", table.c.sent_at <= sent_before
    )
    return [_outgoing(row) for row in tx.execute(query.order_by(table.c.number))]


def refused(tx: sa.Connection) -> list[Outgoing]:
    """The writes that a CRM refused for good and that nothing newer has taken the place of."""
    later = table.alias("later")
    same = [later.c[name] == table.c[name] for name in ("connection", "object", "id", "grp")]
    newer = sa.select(later.c.number).where(*same, later.c.number > table.c.number).exists()
    query = sa.select(table).where(table.c.state == "failed", sa.not_(newer)).order_by(table.c.number)
    return [_outgoing(row) for row in tx.execute(query)]


def moot(tx: sa.Connection, numbers: Sequence[int], now: datetime) -> None:
    """The records of these show what is wanted, by somebody else's doing, or nothing is wanted of them any more."""
    for part in graph.chunks(numbers):
        tx.execute(
            table.update()
            .where(table.c.number.in_(list(part)), table.c.state == "failed")
            .values(state="superseded", done_at=now)
        )


def forgive(tx: sa.Connection, items: Sequence[Outgoing], person: str, now: datetime) -> None:
    """A person wants refused writes to be tried again: what is still wanted is planned anew."""
    for part in graph.chunks([item.number for item in items]):
        tx.execute(
            table.update()
            .where(table.c.number.in_(list(part)), table.c.state == "failed")
            .values(state="superseded", done_at=now, message=f"Tried again at the wish of {person}.")
        )
    graph.mark_unplanned(tx, [item.intent.ref for item in items])


def is_open(tx: sa.Connection, connection: str) -> bool:
    """Something of this connection is queued or without a receipt."""
    query = sa.select(table.c.number).where(table.c.connection == connection, table.c.state.in_(_OPEN)).limit(1)
    return tx.execute(query).first() is not None


def counts(tx: sa.Connection) -> dict[str, int]:
    """How many writes are in each state."""
    query = sa.select(table.c.state, sa.func.count()).group_by(table.c.state)
    return {row[0]: row[1] for row in tx.execute(query)}


def queued(tx: sa.Connection, connection: str) -> int:
    """How many writes to a connection wait to be sent."""
    query = sa.select(sa.func.count()).where(table.c.connection == connection, table.c.state == WriteState.QUEUED.value)
    return tx.execute(query).scalar_one()


def in_state(tx: sa.Connection, states: Sequence[WriteState]) -> list[Outgoing]:
    """Every write in one of these states, oldest first."""
    query = sa.select(table).where(table.c.state.in_([s.value for s in states])).order_by(table.c.number)
    return [_outgoing(row) for row in tx.execute(query)]


def _outgoing(row: sa.Row[Any]) -> Outgoing:
    intent = Intent(
        ref=Ref(row.connection, row.object, row.id),
        stream=row.stream,
        group=WriteGroup(row.grp),
        fields=row.fields,
        before=row.before,
        because=row.because,
        under=row.under,
    )
    return Outgoing(
        row.number, intent, WriteState(row.state), row.attempts, row.code, row.message,
        row.created_at, row.sent_at, row.done_at, row.run,
    )  # fmt: skip
