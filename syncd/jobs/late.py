"""Late: writes without an answer, or given up as not arrived, of which a later read finds the trace."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from syncd.jobs.arrival import arrived_late, confirmed, proven
from syncd.jobs.entries import entry_of
from syncd.jobs.work import Work
from syncd.model import Receipt, ReceiptKind, Ref, WriteState
from syncd.store import outbox, records
from syncd.store.ledger import Entry

SEEN = "seen"
"""The receipt of a write whose answer was lost, and that a pull has shown."""


def late_arrivals(work: Work, tx: sa.Connection, refs: Sequence[Ref], run: str) -> list[Entry]:
    """Close what has turned up on these records; returns the entries that the ledger is to have of it.

    What is out may be proven by a pull before it is read back, though nothing but a read by id disproves it. A request
    may outlive the server's own time limit, and even a newer value of ours: its effect is told like every other, and
    what is still wanted is the next difference.
    """
    doubtful = sorted(outbox.in_doubt(tx, refs))
    if not doubtful:
        return []
    now, rows, entries = work.clock.now(), records.get(tx, doubtful), []
    late, seen = list[int](), list[Receipt]()
    for (ref, _), writes in sorted(outbox.of_records(tx, doubtful).items()):
        if ref not in rows:
            continue
        shown, mapping = rows[ref].shown, work.mapping_of(ref, rows[ref].stream)
        out = outbox.open_one(writes)
        item = arrived_late(writes, shown, mapping)
        if out is not None and out.state is WriteState.SENT and proven(out, shown, mapping):
            seen.append(Receipt(out.number, ReceiptKind.APPLIED, SEEN))
            entries.append(entry_of(work, out, SEEN, run))
        elif item is not None:
            late.append(item.number)
            before = {**item.intent.before, **confirmed(writes)}
            replaced = {name: before[name] for name in item.intent.fields}
            entries.append(entry_of(work, item, outbox.LATE, run, before=replaced))
    outbox.settle(tx, seen, now, {})
    outbox.came_late(tx, late, now)
    return entries
