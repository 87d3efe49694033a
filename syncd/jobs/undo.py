"""Undo: the exact reversal of what one run wrote, planned from the ledger and written by the next cycle.

Undoing is a decision like any other: recorded with a name and a reason, and the next difference contains the reversal,
with the same modes, brakes, receipts and entries in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.jobs.arrival import same
from syncd.jobs.overrides import override_of
from syncd.jobs.plan import Difference, Reviewed, differences
from syncd.jobs.work import Work
from syncd.mapping import StreamMapping
from syncd.model import STAMP_FIELDS, Actor, Decision, DecisionKind, Ref, WriteGroup, WriteState
from syncd.store import decisions, graph, ledger, outbox, outcomes, records, reversals
from syncd.store.records import Stored
from syncd.store.reversals import Effective, Key, Override

_JOBS = ("plan", "write")


@dataclass(slots=True)
class Undoing:
    """What undoing a run would write, and where it cannot be undone, each with why. `recorded` counts what was told."""

    run: str
    rows: list[Difference] = field(default_factory=list)
    left: list[tuple[Ref, WriteGroup, str]] = field(default_factory=list)
    overrides: dict[Key, Override] = field(default_factory=dict)
    recorded: int = 0


def plan_undo(work: Work, tx: sa.Connection, run: str, person: str) -> Undoing:
    """The reversal of a run; changes nothing. Raises UserError for what is no run that wrote anything."""
    written = _written(tx, run)
    refs = sorted({ref for ref, _ in written})
    made, wanted = Undoing(run), outcomes.get_wanted(tx, refs)
    rows, past = records.get(tx, refs), outbox.of_records(tx, refs)
    for key, item in sorted(written.items()):
        reason = _changed_since(work, rows.get(item.ref), item, past.get(key, []))
        if reason:
            made.left.append((*key, reason))
        else:
            made.overrides[key] = override_of(key, item.entries, wanted, run, f"person:{person}", work.clock.now())
    found = differences(work, tx, sorted({ref for ref, _ in made.overrides}), tuple(made.overrides.values()))
    made.rows = [item for item in found if (item.intent.ref, item.intent.group) in made.overrides]
    return made


def undo(work: Work, run: str, person: str, reason: str, reviewed: Reviewed | None = None) -> Undoing:
    """Record the reversal of a run; the next cycle writes it. With a `reviewed` plan only what is in it, as it is.

    Raises UserError for what is no run that wrote anything, or no reason.
    """
    if not reason.strip():
        raise UserError("Say why with --reason; it is kept in the ledger.")
    now = work.clock.now()
    with work.store.append() as tx:
        decisions.alone(tx)
        made = plan_undo(work, tx, run, person)
        moved = reviewed.moved(work, made.rows) if reviewed is not None else []
        for item in moved:
            made.rows.remove(item)
            made.left.append((item.intent.ref, item.intent.group, "it is not, or not so, in the plan"))
        keys = [(d.intent.ref, d.intent.group) for d in made.rows if not d.refused]
        facts = [_decision(work, made.overrides[key], person, reason) for key in keys]
        entries = decisions.record(tx, facts, None)
        graph.mark_unplanned(tx, [ref for ref, _ in keys])
        ledger.append(tx, now, entries, work.ledger_key)
    made.recorded = len(entries)
    return made


def _written(tx: sa.Connection, run: str) -> dict[Key, Effective]:
    job = reversals.job_of(tx, run)
    if job is None:
        raise UserError(f"There was no run {run}. `syncd runs` lists them.")
    found = reversals.of_run(tx, run) if job in _JOBS else {}
    if not found:
        raise UserError(
            f"Run {run} ({job}) wrote nothing. `syncd runs` lists them: take a `write`, or the `plan` before it."
        )
    return found


def _changed_since(work: Work, row: Stored | None, item: Effective, past: Sequence[outbox.Outgoing]) -> str:
    """Why a write cannot be undone any more; empty when the record still shows what was written."""
    if row is None or row.deleted:
        return "the record is gone"
    mapping = work.mapping_of(item.ref, row.stream)
    if mapping is None:
        return "its connection or stream is no longer configured"
    later = [w for w in past if w.number > item.last_write and w.state is WriteState.APPLIED]
    if later:
        return f"run {later[-1].run} has written it since; undo that one first"
    if any(not same(row.shown.get(name), value) for name, value in _that_counts(mapping, item.after).items()):
        return "somebody has changed it since"
    return ""


def _that_counts(mapping: StreamMapping, values: Mapping[str, Any]) -> dict[str, Any]:
    aside = {mapping.stamps.get(stamp.name) for stamp in STAMP_FIELDS if not stamp.compared}
    return {name: value for name, value in values.items() if name not in aside}


def _decision(work: Work, one: Override, person: str, reason: str) -> Decision:
    now = work.clock.now()
    return Decision(
        DecisionKind.OVERRIDDEN, one.ref, Actor.person(person), now, now, work.policy_version, "person", reason,
        evidence={
            "group": one.group.value, "entries": list(one.entries), "instead_of": one.instead_of, "undoes": one.run,
        },
    )  # fmt: skip
