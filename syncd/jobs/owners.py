"""Owners: an owner is compared by id right before it is written, and read again by id right after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.errors import LeaseLost, SyncdError
from syncd.jobs.arrival import same
from syncd.jobs.rows import store_rows
from syncd.jobs.work import Run, Side, Work
from syncd.model import Row, Stream
from syncd.store import graph, outbox
from syncd.store.outbox import Outgoing


def as_planned(work: Work, side: Side, run: Run, batch: Sequence[Outgoing]) -> list[Outgoing]:
    """Those whose owner is still the one that was to be replaced; the others are not sent, and planned anew.

    What the system does not show is sent all the same: its answer says why. Raises what the read raises: then nothing
    was sent.
    """
    rows, stale = _read(work, side, run, batch), list[Outgoing]()
    for item in batch:
        row = rows.get(item.intent.ref.id)
        if row is not None and (row.deleted or not _shows(row, item, item.intent.before)):
            stale.append(item)
    if stale:
        with work.store.begin() as tx:
            outbox.not_sent(tx, [item.number for item in stale], work.clock.now())
            graph.mark_unplanned(tx, [item.intent.ref for item in stale])
    left = {item.number for item in stale}
    return [item for item in batch if item.number not in left]


def verify(work: Work, side: Side, run: Run, sent: Sequence[Outgoing]) -> int:
    """Read owners that were just set; returns how many somebody else has set again meanwhile.

    That is kept as an edit from outside. A read that fails says nothing: the next pull does.
    """
    try:
        rows = _read(work, side, run, sent)
    except LeaseLost:
        raise
    except SyncdError:
        return 0
    found = [(item, rows[item.intent.ref.id]) for item in sent if item.intent.ref.id in rows]
    return sum(not row.deleted and not _shows(row, item, item.intent.fields) for item, row in found)


def _shows(row: Row, item: Outgoing, values: Mapping[str, Any]) -> bool:
    return all(same(row.fields.get(name), values.get(name)) for name in item.intent.fields)


def _read(work: Work, side: Side, run: Run, items: Sequence[Outgoing]) -> dict[str, Row]:
    """The records by id, as they are now; what is no longer mapped is not read."""
    found: dict[str, Row] = {}
    for feed in side.feeds:
        mine = [i for i in items if i.intent.ref.object == feed.object and Stream(i.intent.stream) in feed.streams]
        if mine:
            asked_at = work.clock.now()
            rows = side.connector.fetch(feed.spec, [item.intent.ref.id for item in mine])
            with work.store.begin() as tx:
                store_rows(tx, side, feed, rows, asked_at, run.id, by_id=True)
            found |= {row.id: row for row in rows}
    return found
