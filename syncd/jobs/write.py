"""Write: send what is queued, once what is unknown is settled, and keep a receipt for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from syncd.errors import SyncdError
from syncd.jobs.entries import entry_of
from syncd.jobs.owners import as_planned, verify
from syncd.jobs.settle import settle
from syncd.jobs.work import Run, Side, Work, canonical_line, running
from syncd.model import Receipt, ReceiptKind, Ref, Write, WriteGroup
from syncd.store import holds, ledger, outbox, records, runs
from syncd.store.outbox import Outgoing
from syncd.store.records import Confirmed

HEARTBEAT_EVERY = timedelta(minutes=15)
MOST_ATTEMPTS = 8
"""How often a write that the CRM puts off is sent, over some twenty minutes."""
CALLS_AT_ONCE = 8
"""So many calls' worth of writes are handed over together, so that a connector can send them side by side."""
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(minutes=15)


@dataclass(slots=True)
class WriteCounts:
    """What became of the writes of one connection."""

    applied: int = 0
    failed: int = 0
    retry: int = 0
    unknown: int = 0
    settled: int = 0
    not_arrived: int = 0
    moved: int = 0
    """Owners that were not sent, because somebody else had set them meanwhile."""
    clobbered: int = 0
    """Owners that somebody else had set again by the time they were read after the write."""


def write(work: Work, side: Side, counts: WriteCounts | None = None) -> WriteCounts:
    """Settle and send for one connection. A connection in shadow mode is left alone, its heartbeat included.

    `counts` are filled as the work goes on, so that they tell what was done before an error too.
    """
    counts = WriteCounts() if counts is None else counts
    if not side.live:
        return counts
    with work.store.read() as tx:
        open_ones, halted = outbox.is_open(tx, side.uid), holds.is_halted(tx, side.uid)
    if open_ones:
        with running(work, "write", side) as run:
            try:
                settled = settle(work, side, run)
                counts.settled, counts.not_arrived = settled.arrived, settled.lost
                while not halted and _send(work, side, run, counts):
                    work.go_on()
                    with work.store.read() as tx:
                        halted = holds.is_halted(tx, side.uid)
            finally:
                run.counts.update({name: value for name in counts.__slots__ if (value := getattr(counts, name))})
            run.status = "partial" if counts.failed or counts.unknown else "ok"
            if settled.error is not None:
                raise settled.error
    if not halted:
        _beat(work, side)
    return counts


# --- sending ---------------------------------------------------------------------------------------------------------


def _send(work: Work, side: Side, run: Run, counts: WriteCounts) -> bool:
    """Claim what a connector sends side by side, send it, keep its receipts; False when nothing is due."""
    with work.store.begin() as tx:
        batch = outbox.claim(tx, side.uid, work.clock.now(), side.connector.facts.write_batch * CALLS_AT_ONCE)
    if not batch:
        return False
    owners, claimed = batch[0].intent.group is WriteGroup.OWNER, len(batch)
    try:
        batch = as_planned(work, side, run, batch) if owners else batch
        counts.moved += claimed - len(batch)
        receipts = side.connector.write(batch[0].intent.ref.object, [i.write for i in batch]) if batch else []
    except SyncdError:
        # a connector raises only while nothing was sent: these are as if they had never been claimed
        with work.store.begin() as tx:
            outbox.release(tx, [item.number for item in batch])
        raise
    applied = _keep(work, run, batch, receipts, counts)
    if owners and applied:
        counts.clobbered += verify(work, side, run, applied)
    return True


def _keep(
    work: Work, run: Run, batch: Sequence[Outgoing], receipts: Sequence[Receipt], counts: WriteCounts
) -> list[Outgoing]:
    """Keep what was answered; returns what was applied."""
    by_number = {receipt.write_id: receipt for receipt in receipts}
    # a row that the answer does not mention may or may not have been applied
    answered = [
        (item, _patience(item, by_number.get(item.number) or Receipt(item.number, ReceiptKind.UNKNOWN, "no_receipt")))
        for item in batch
    ]
    now = work.clock.now()
    later = {item.number: now + wait_after(item.attempts) for item in batch}
    with work.store.begin() as tx:
        outbox.release(tx, [item.number for item, receipt in answered if receipt.code == "not_sent"])
        entries = _apply(work, tx, [pair for pair in answered if pair[1].kind is ReceiptKind.APPLIED], run)
        outbox.settle(tx, [receipt for _, receipt in answered if receipt.kind is not ReceiptKind.APPLIED], now, later)
        ledger.append(tx, now, entries, work.ledger_key)
    for _, receipt in answered:
        _count(counts, receipt.kind)
    return [item for item, receipt in answered if receipt.kind is ReceiptKind.APPLIED]


def _patience(item: Outgoing, receipt: Receipt) -> Receipt:
    """What the CRM cannot take again and again is a failure to be looked at, not a reason to try for ever."""
    if receipt.kind is ReceiptKind.RETRY and receipt.code != "not_sent" and item.attempts >= MOST_ATTEMPTS:
        return replace(
            receipt, kind=ReceiptKind.FAILED, message=f"Given up after {item.attempts} tries: {receipt.message}"
        )
    return receipt


def wait_after(attempts: int) -> timedelta:
    """How long a write that was put off waits: doubling from 5 seconds, at most 15 minutes."""
    return min(_FIRST_WAIT * int(2 ** min(max(attempts - 1, 0), 10)), _LONGEST_WAIT)


def _count(counts: WriteCounts, kind: ReceiptKind) -> None:
    setattr(counts, kind.value, getattr(counts, kind.value) + 1)


def _apply(work: Work, tx: sa.Connection, arrived: Sequence[tuple[Outgoing, Receipt]], run: Run) -> list[ledger.Entry]:
    """Writes arrived: show them, close them, and say so in the ledger."""
    now = work.clock.now()
    outbox.settle(tx, [receipt for _, receipt in arrived], now, {})
    records.confirm(tx, [Confirmed(i.intent.ref, i.intent.fields, receipt.stamp) for i, receipt in arrived], now)
    return [entry_of(work, item, receipt.code, run.id) for item, receipt in arrived]


# --- heartbeat -------------------------------------------------------------------------------------------------------


def _beat(work: Work, side: Side) -> None:
    """Tell the banners of this CRM that syncd is alive. Not a stamp: it is neither planned nor in the ledger."""
    if side.heartbeat is None:
        return
    now = work.clock.now().replace(microsecond=0)
    with work.store.read() as tx:
        last, is_left = runs.heartbeat_at(tx, side.uid), side.uid in runs.retired(tx)
    if is_left or (last is not None and now - last < HEARTBEAT_EVERY):
        return
    beat = side.heartbeat
    value = _moment(side.kind, now)
    change = Write(0, Ref(side.uid, beat.object, beat.id), WriteGroup.STAMP, {beat.field: value})
    receipt = side.connector.write(beat.object, [change])[0]
    if receipt.kind is not ReceiptKind.APPLIED:
        canonical_line("heartbeat_failed", connection=side.name, code=receipt.code, reason=receipt.message)
        return
    with work.store.begin() as tx:
        runs.set_heartbeat(tx, side.uid, now)


def _moment(kind: str, moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000" if kind == "salesforce" else "%Y-%m-%dT%H:%M:%S.000Z")
