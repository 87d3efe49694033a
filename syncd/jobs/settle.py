"""Settle: what was sent and never answered is read back by id, once the server can no longer be working on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.jobs.arrival import arrived
from syncd.jobs.entries import entry_of
from syncd.jobs.feeds import Feed
from syncd.jobs.rows import store_rows
from syncd.jobs.work import Run, Side, Work
from syncd.model import ReadSpec, Receipt, ReceiptKind, Row, Stream
from syncd.store import graph, ledger, outbox, records
from syncd.store.outbox import Outgoing
from syncd.store.records import Confirmed


@dataclass(slots=True)
class Settled:
    """How many writes had arrived after all, and how many had not or cannot be told; why some could not be read."""

    arrived: int = 0
    lost: int = 0
    error: UserError | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """Writes of one object, what is read of it, and its feed where it is still mapped."""

    spec: ReadSpec
    feed: Feed | None
    items: list[Outgoing]


def settle(work: Work, side: Side, run: Run) -> Settled:
    """Read back by id every write without a receipt that is older than the server's own time limit.

    What a mapping no longer names is read back too: only its own fields. One object that cannot be read does not keep
    the others; the error is returned.
    """
    with work.store.read() as tx:
        waiting = outbox.unknown(tx, side.uid, work.clock.now() - side.settle_writes_after)
    done = Settled()
    for asked in _by_object(side, waiting):
        asked_at = work.clock.now()
        try:
            rows = side.connector.fetch(asked.spec, [item.intent.ref.id for item in asked.items])
        except UserError as error:
            if asked.feed is not None:
                done.error = error
                continue
            rows = []
        _keep(work, side, run, asked, {row.id: row for row in rows}, asked_at, done)
    return done


def _by_object(side: Side, waiting: Sequence[Outgoing]) -> Iterator[_Asked]:
    left = list(waiting)
    for feed in side.feeds:
        mine = [i for i in left if i.intent.ref.object == feed.object and i.intent.stream in feed.streams]
        left = [item for item in left if item not in mine]
        if mine:
            yield _Asked(feed.spec, feed, mine)
    for name in dict.fromkeys(item.intent.ref.object for item in left):
        mine = [item for item in left if item.intent.ref.object == name]
        fields = tuple(sorted({field for item in mine for field in item.intent.fields}))
        yield _Asked(ReadSpec(Stream(mine[0].intent.stream), name, fields), None, mine)


def _keep(
    work: Work, side: Side, run: Run, asked: _Asked, rows: Mapping[str, Row], asked_at: datetime, done: Settled
) -> None:
    found, lost, untold = _divided(work, asked.items, rows)
    now = work.clock.now()
    with work.store.begin() as tx:
        if asked.feed is not None:
            store_rows(tx, side, asked.feed, list(rows.values()), asked_at, run.id, by_id=True)
        entries = [entry_of(work, item, "read_back", run.id) for item in found]
        entries += [entry_of(work, item, "record_gone", run.id, kind="unsettled") for item in untold]
        _close(tx, found, rows, asked_at, now)
        outbox.not_applied(tx, [item.number for item in lost], now)
        outbox.untold(tx, [item.number for item in untold], now)
        # while they were out, nothing else was queued for these records, whatever was wanted since
        graph.mark_unplanned(tx, [item.intent.ref for item in asked.items])
        ledger.append(tx, now, entries, work.ledger_key)
    done.arrived += len(found)
    done.lost += len(lost) + len(untold)


def _divided(
    work: Work, items: Sequence[Outgoing], rows: Mapping[str, Row]
) -> tuple[list[Outgoing], list[Outgoing], list[Outgoing]]:
    """Those that arrived, those that did not, and those whose record is gone without a word about it."""
    found, lost, untold = list[Outgoing](), list[Outgoing](), list[Outgoing]()
    for item in items:
        row = rows.get(item.intent.ref.id)
        if row is None or (row.deleted and not any(row.fields.values())):
            untold.append(item)
        elif arrived(item, row.fields, work.mapping_of(item.intent.ref, item.intent.stream)):
            found.append(item)
        else:
            lost.append(item)
    return found, lost, untold


def _close(
    tx: sa.Connection, found: Sequence[Outgoing], rows: Mapping[str, Row], asked_at: datetime, now: datetime
) -> None:
    """Those that arrived are closed; what is shown is what was read, because somebody may have edited it since."""
    stamps = {item.number: rows[item.intent.ref.id].stamp for item in found}
    outbox.settle(tx, [Receipt(n, ReceiptKind.APPLIED, "read_back", "", stamp) for n, stamp in stamps.items()], now, {})
    shown = [
        Confirmed(
            item.intent.ref,
            {name: rows[item.intent.ref.id].fields.get(name) for name in item.intent.fields},
            stamps[item.number],
        )
        for item in found
    ]
    records.confirm(tx, shown, asked_at)
