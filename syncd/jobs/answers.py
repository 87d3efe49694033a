"""Answers: what was filed gets its number and its time back within a cycle, also where no group can answer for it yet.

A registration without a company, or on one that was not read, belongs to no organization: no rule can look at it. It is
told that it was received, and waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from syncd.jobs.work import Work
from syncd.model import STAMP_BY_NAME, FiledStatus, FilingStatus, Ref, Registration, Stream, Wanted, WriteGroup
from syncd.policy import number_of
from syncd.store import graph, outcomes, records


def acknowledge(work: Work) -> int:
    """Look at the filings that changed, or whose company did; returns for how many something else is wanted now."""
    with work.store.read() as tx:
        refs = graph.unanswered_refs(tx)
    changed = 0
    for part in graph.chunks(refs):
        with work.store.begin() as tx:
            staged, claimed = graph.get_staged(tx, part), outcomes.claimed(tx, part)
            alone = [ref for ref, item in staged.items() if item.state == "taken" and ref not in claimed]
            fresh = outcomes.put_alone(tx, part, _received(work, tx, alone))
            graph.mark_unplanned(tx, fresh)
            graph.mark_answered(tx, part)
        changed += len(fresh)
    return changed


def _received(work: Work, tx: sa.Connection, refs: Sequence[Ref]) -> Iterator[Wanted]:
    for ref, row in sorted(records.get(tx, refs).items()):
        mapped = work.canonical(row) if row.stream == Stream.REGISTRATIONS else None
        found = mapped.record if mapped is not None else None
        if not isinstance(found, Registration) or found.status is FiledStatus.DRAFT:
            continue
        received = found.received_at.replace(microsecond=0) if found.received_at else None
        withdrawn = found.status is FiledStatus.WITHDRAWN
        fields = {
            "status": (FilingStatus.WITHDRAWN if withdrawn else FilingStatus.PENDING).value,
            "reason": None if withdrawn else "settling",
            "number": number_of(found)[: STAMP_BY_NAME["number"].length],
            "received_at": received,
            "as_of": work.clock.now(),
        }
        yield Wanted(ref, WriteGroup.STAMP, fields, {"rule": "received", "number": fields["number"]})
