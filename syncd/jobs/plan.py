"""Plan: compare what is wanted with what the CRMs show; the difference, with its reasons, is what will be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from syncd.jobs.arrival import in_order
from syncd.jobs.entries import personal_fields
from syncd.jobs.guards import Guards, Judged, owners_as_of, pause_ownership
from syncd.jobs.late import late_arrivals
from syncd.jobs.moved import owners_before
from syncd.jobs.narrow import narrowed, quiet
from syncd.jobs.outside import make_sure
from syncd.jobs.overrides import as_retired, effective
from syncd.jobs.refusals import ACCEPTED, CONTESTED, EDITED, that_counts
from syncd.jobs.work import Side, Work, running
from syncd.mapping import StreamMapping
from syncd.model import Ref, WriteGroup, WriteState
from syncd.store import graph, holds, ledger, outbox, outcomes, records, runs, sweeps
from syncd.store.holds import HoldKind
from syncd.store.outbox import Intent, Outgoing
from syncd.store.records import Stored
from syncd.store.reversals import Override

_MOST_RULES = 4
_LEEWAY = 1.1
"""What a person let through may have grown by a tenth since."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One record on which something else is wanted than is shown. `refused` says why it is not written, if so.

    One that only `waits` is compared again in every cycle; one that is given up is kept in the outbox with this code.
    """

    intent: Intent
    refused: str = ""
    waits: bool = False
    give_up: str = ""


@dataclass(slots=True)
class Reviewed:
    """What a person has seen and wants: native values by record and group, and those they replace.

    `seen` and `refused` are filled while planning: what of it was queued, and what is wanted otherwise by now.
    """

    writes: Mapping[tuple[str, str, str], tuple[Mapping[str, Any], Mapping[str, Any]]]
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    refused: list[tuple[str, str, str]] = field(default_factory=list)

    def moved(self, work: Work, found: Sequence[Difference]) -> list[Difference]:
        """Those that are not what was reviewed: they wait for another review."""
        return [item for item in found if not item.refused and not self._is_seen(work, item.intent)]

    def _is_seen(self, work: Work, intent: Intent) -> bool:
        key = (work.side(intent.ref.connection).name, f"{intent.ref.object}/{intent.ref.id}", intent.group.value)
        mapping = work.mapping_of(intent.ref, intent.stream)
        if key not in self.writes or mapping is None:
            return False
        after, before = (that_counts(mapping, fields) for fields in self.writes[key])
        same = (after, before) == (that_counts(mapping, intent.fields), that_counts(mapping, intent.before))
        if same:
            self.seen.add(key)
        else:
            self.refused.append(key)
        return same

    @property
    def gone(self) -> list[tuple[str, str, str]]:
        """What was reviewed and is not wanted any more."""
        return sorted(set(self.writes) - self.seen - set(self.refused))


def plan(work: Work, reviewed: Reviewed | None = None) -> int:
    """Queue every difference of the records that changed; returns how many writes are new in the outbox.

    With a reviewed plan only what is in it; it needs no brake, because a person has looked.
    """
    version = _version(work)
    with work.store.read() as tx:
        as_before = graph.get_progress(tx, "planned")[1] == version
        refs = graph.unplanned_refs(tx) if as_before else _all(tx)
        again, marks = _again(work, tx)
    refs = sorted({*refs, *again})
    if not refs:
        return 0
    with running(work, "plan") as run:
        pause_ownership(work, run.id)
        waiting = make_sure(work, refs, run.id)
        refs = [ref for ref in refs if ref not in waiting]
        queued = differing = 0
        held = too_many(work, refs, run.id) if reviewed is None else frozenset[str]()
        left: set[str] = set()
        for part in graph.chunks([ref for ref in refs if ref.connection not in held]):
            with work.store.begin() as tx:
                late = late_arrivals(work, tx, part, run.id)
                found = differences(work, tx, part)
                _forget_moot(work, tx, part, found)
                moved = {_key(d) for d in reviewed.moved(work, found)} if reviewed is not None else set()
                queued += _queue(work, tx, part, [d for d in found if _key(d) not in moved], run.id)
                differing += len(found)
                graph.mark_planned(tx, part)
                graph.mark_unplanned(tx, [ref for ref, _ in moved] + [d.intent.ref for d in found if d.waits])
                left |= {ref.connection for ref, _ in moved}
                told = [_of_drift(work, d, run.id) for d in found if d.give_up in (EDITED, ACCEPTED)]
                ledger.append(tx, work.clock.now(), [*late, *told], work.ledger_key)
        for part in graph.chunks([ref for ref in refs if ref.connection in held]):
            with work.store.begin() as tx:
                _withdraw(work, tx, part, differences(work, tx, part))
        with work.store.begin() as tx:
            graph.set_progress(tx, "planned", 0, version)
            for name, mark in marks.items():
                graph.set_progress(tx, name, 0, mark)
            graph.mark_unplanned(tx, [ref for ref in refs if ref.connection in held])
            if reviewed is not None:  # what was asked of a person is answered where nothing was left out
                for side in work.sides:
                    if side.uid not in left:
                        holds.withdraw(tx, side.uid, "", HoldKind.WRITES)
        run.counts.update(compared=len(refs), different=differing, queued=queued)
        return queued


def _again(work: Work, tx: sa.Connection) -> tuple[list[Ref], dict[str, str]]:
    """Records that are compared again though nothing has changed on them, and the marks by which that is known.

    Owners that were left alone, on another day; writes that were refused, under another configuration.
    """
    marks = {"refused": work.config_hash}
    if any(side.ownership != "off" for side in work.sides):
        marks["owners"] = owners_as_of(work, tx)
    new = {name: mark for name, mark in marks.items() if graph.get_progress(tx, name)[1] != mark}
    refs = [item.intent.ref for item in outbox.refused(tx)] if "refused" in new else []
    return refs + (outcomes.wanting_owners(tx) if "owners" in new else []), new


def _version(work: Work) -> str:
    """What decides which differences are written: another mode or mapping compares everything again."""
    terms = f"{work.policy.drift.value} {work.policy.ownership.model_dump_json()} "
    return terms + " ".join(
        f"{side.name}:{side.live:d}:{side.ownership}:{stream.value}:{mapping.version}:{'+'.join(sorted(mapping.ours))}"
        for side in work.sides
        for stream, mapping in side.streams.items()
    )


def _key(item: Difference) -> tuple[Ref, WriteGroup]:
    return item.intent.ref, item.intent.group


def _withdraw(work: Work, tx: sa.Connection, refs: Sequence[Ref], found: Sequence[Difference]) -> None:
    """While new writes are held, those that wait and are not what is wanted any more must not go out either."""
    wanted = {_key(d): d.intent for d in found if not d.refused}
    old = []
    for key, writes in outbox.of_records(tx, refs).items():
        item, intent = outbox.open_one(writes), wanted.get(key)
        mapping = work.mapping_of(key[0], item.intent.stream) if item is not None else None
        if item is not None and (intent is None or mapping is None or not _same(mapping, item.intent, intent)):
            old.append(item.number)
    outbox.withdraw(tx, old, work.clock.now())


def _queue(work: Work, tx: sa.Connection, refs: Sequence[Ref], found: Sequence[Difference], run: str) -> int:
    now, known = work.clock.now(), outbox.of_records(tx, refs)
    still = {(d.intent.ref, d.intent.group) for d in found if not d.refused}
    waiting = {key: outbox.open_one(writes) for key, writes in known.items()}
    outbox.withdraw(tx, [item.number for key, item in waiting.items() if item is not None and key not in still], now)
    for state, left in ((WriteState.FAILED, {CONTESTED, EDITED}), (WriteState.SUPERSEDED, {ACCEPTED})):
        given_up = [(d.intent, d.give_up, d.refused) for d in found if d.give_up in left]
        outbox.give_up(tx, given_up, state, now, run)
    return outbox.enqueue(tx, (d.intent for d in found if not d.refused), known, now, run)


def _forget_moot(work: Work, tx: sa.Connection, refs: Sequence[Ref], found: Sequence[Difference]) -> None:
    """What was refused or given up asks for nobody any more where the record shows what is wanted."""
    still, moot = {_key(d) for d in found}, []
    for key, writes in outbox.of_records(tx, refs).items():
        if writes[-1].state is WriteState.FAILED and key not in still:
            moot.append(writes[-1].number)
    outbox.moot(tx, moot, work.clock.now())


def _of_drift(work: Work, item: Difference, run: str) -> ledger.Entry:
    """The entry of an edit by hand that is left as it is."""
    body = {
        "ref": str(item.intent.ref),
        "group": item.intent.group.value,
        "wanted": dict(item.intent.fields),
        "policy": work.policy.drift.value,
        "policy_version": work.policy_version,
        "run": run,
        **item.intent.because["drift"],
    }
    mapping = work.mapping_of(item.intent.ref, item.intent.stream)
    personal = personal_fields(mapping) if mapping is not None else frozenset()
    return ledger.Entry("drift", body, [f"wanted.{name}" for name in item.intent.fields if name in personal])


def everything(work: Work, tx: sa.Connection) -> list[Difference]:
    """Every difference there is, for `syncd plan`; changes nothing."""
    return differences(work, tx, _all(tx))


def _all(tx: sa.Connection) -> list[Ref]:
    """Every record that should show something, or does."""
    wanted = {ref for ref, *_ in outcomes.every_wanted(tx)}
    return sorted(wanted | set(records.showing(tx)) | set(graph.unplanned_refs(tx)))


def differences(
    work: Work,
    tx: sa.Connection,
    refs: Sequence[Ref],
    undoing: Sequence[Override] = (),
    retiring: frozenset[str] = frozenset(),
) -> list[Difference]:
    """Where what is wanted on these records is not what is shown.

    As if what is `undoing` had been undone, and connections that are `retiring` had been retired.
    """
    retired = runs.retired(tx) | retiring
    wanted = effective(work, tx, refs, outcomes.get_wanted(tx, refs), undoing, retired)
    writes, earlier, guards = outbox.of_records(tx, refs), owners_before(tx, refs), Guards.over(work, tx, refs)
    found: list[Difference] = []
    for ref, row in sorted(records.get(tx, refs).items()):
        mapping = work.mapping_of(ref, row.stream)
        if mapping is None or row.deleted:
            continue
        side = as_retired(work.side(ref.connection), retired)
        for group, compare in ((WriteGroup.STAMP, _stamp_difference), (WriteGroup.OWNER, _owner_difference)):
            past = writes.get((ref, group), [])
            want, outside = narrowed(mapping, row, group, wanted.get((ref, group), NOTHING_WANTED), past)
            before = earlier.get(ref, []) if group is WriteGroup.OWNER else []
            intent = compare(work, side, mapping, row, want, [*before, *past])
            if intent is not None:
                refused = outside or _refused(side, intent)
                waits = "" if refused else quiet(work, side, mapping, row, intent)
                held = refused or waits
                judged = Judged() if held else guards.judge(side, mapping, row, intent, past)
                intent = replace(intent, because={**intent.because, **judged.because}, under=judged.under or None)
                found.append(Difference(intent, held or judged.refused, bool(waits), judged.give_up))
    return found


Reasoned = tuple[Mapping[str, Any], Mapping[str, Any]]
NOTHING_WANTED: Reasoned = ({}, {"rule": "no_claim"})
"""A record that nobody claims shows nothing: a stamp on it is not ours to leave there."""


def _stamp_difference(
    work: Work, side: Side, mapping: StreamMapping, row: Stored, wanted: Reasoned, past: Sequence[Outgoing]
) -> Intent | None:
    if not mapping.stamps:
        return None
    values = {name: wanted[0].get(name) for name in mapping.stamps}
    if "as_of" in values:
        values["as_of"] = work.clock.now().replace(microsecond=0) if any(wanted[0].values()) else None
    native = mapping.differs(values, mapping.shown(row.shown))
    return _intent(work, row, WriteGroup.STAMP, native, wanted[1]) if native else None


def _owner_difference(
    work: Work, side: Side, mapping: StreamMapping, row: Stored, wanted: Reasoned, past: Sequence[Outgoing]
) -> Intent | None:
    """Wanted is the partner's manager while a protection holds; afterwards what was there before us is given back."""
    if not mapping.owner or side.ownership == "off":
        return None
    shown, owner, because = mapping.shown(row.shown, WriteGroup.OWNER)["owner"], wanted[0].get("owner"), wanted[1]
    if owner is None and because.get("rule") != "overridden":  # what was taken back was exactly so
        if not work.policy.ownership.give_back and because.get("rule") != "retired":
            return None
        owner, because = _given_back(past, mapping.owner, shown), {**because, "rule": "given_back"}
    if owner == shown:
        return None
    return _intent(work, row, WriteGroup.OWNER, mapping.stamps_to_native({"owner": owner}), because)


def _given_back(past: Sequence[Outgoing], field: str, shown: str | None) -> str | None:
    """Who owned the record before our unbroken series of writes, if what we wrote is still what is shown."""
    before = shown
    for item in reversed(in_order(past)):
        if item.intent.fields.get(field) != before or item.intent.because.get("rule") == "given_back":
            break
        before = item.intent.before.get(field) or None
    return before


def _intent(
    work: Work, row: Stored, group: WriteGroup, native: Mapping[str, Any], because: Mapping[str, Any]
) -> Intent:
    before = {name: row.shown.get(name) for name in native}
    return Intent(row.ref, row.stream, group, native, before, {**because, "policy": work.policy_version})


def _refused(side: Side, intent: Intent) -> str:
    if not side.live:
        return "the connection is in shadow mode"
    if intent.group is WriteGroup.OWNER and side.ownership == "suggest":
        return "ownership is only suggested"
    return ""


def _same(mapping: StreamMapping, one: Intent, other: Intent) -> bool:
    return that_counts(mapping, one.fields) == that_counts(mapping, other.fields)


# --- the brake -------------------------------------------------------------------------------------------------------


def too_many(work: Work, refs: Sequence[Ref], run: str) -> frozenset[str]:
    """The connections to which so much would be written at once that a person looks first; each is held.

    A mapping or policy that went wrong shows itself in a flood of writes, and so does a link that joins the world.
    """
    held: set[str] = set()
    for side in work.sides:
        mine = [ref for ref in refs if ref.connection == side.uid] if side.live else []
        may_be_many = len(WriteGroup) * len(mine) > work.brakes.written_least
        rules = _rules(work, mine) if may_be_many else Counter[str]()
        with work.store.begin() as tx:
            if _is_let_through(work, tx, side, rules.total()):
                holds.withdraw(tx, side.uid, "", HoldKind.WRITES)
                holds.use_up(tx, side.uid, "", HoldKind.WRITES)
                continue
            why = ", ".join(f"{count} {rule}" for rule, count in rules.most_common(_MOST_RULES))
            what = f"{side.name}: {rules.total()} writes are wanted at once ({why})."
            evidence = {"writes": rules.total(), "rules": dict(rules)}
            holds.stop(tx, side.uid, "", HoldKind.WRITES, what, evidence, work.clock.now(), run)
        held.add(side.uid)
    return frozenset(held)


def _rules(work: Work, refs: Sequence[Ref]) -> Counter[str]:
    """How many writes are wanted by each rule."""
    counted: Counter[str] = Counter()
    for part in graph.chunks(refs):
        with work.store.read() as tx:
            found = differences(work, tx, part)
        counted.update(str(d.intent.because.get("rule") or "no rule") for d in found if not d.refused)
    return counted


def _is_let_through(work: Work, tx: sa.Connection, side: Side, writes: int) -> bool:
    if writes <= work.brakes.written_least:
        return True
    records_held = sum(sweeps.held(tx, side.uid, feed.object) for feed in side.feeds)
    if writes <= work.brakes.writes(records_held):
        return True
    lifted = holds.lifted(tx, side.uid, "", HoldKind.WRITES)
    return lifted is not None and writes <= _LEEWAY * lifted.evidence["writes"]
