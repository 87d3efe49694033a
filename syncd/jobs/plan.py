"""Plan: compare what is wanted with what the CRMs show; the difference, with its reasons, is what will be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from syncd.jobs.work import Side, Work, running
from syncd.mapping import StreamMapping
from syncd.model import STAMP_FIELDS, Ref, WriteGroup, WriteState
from syncd.store import graph, holds, outbox, outcomes, records, sweeps
from syncd.store.holds import HoldKind
from syncd.store.outbox import Intent, Outgoing
from syncd.store.records import Stored

_MOST_RULES = 4
_LEEWAY = 1.1
"""What a person let through may have grown by a tenth since."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One record on which something else is wanted than is shown. `refused` says why it is not written, if so."""

    intent: Intent
    refused: str = ""


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
        after, before = (_that_counts(mapping, fields) for fields in self.writes[key])
        same = (after, before) == (_that_counts(mapping, intent.fields), _that_counts(mapping, intent.before))
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
    if not refs:
        return 0
    with running(work, "plan") as run:
        queued = differing = 0
        held = too_many(work, refs, run.id) if reviewed is None else frozenset[str]()
        left: set[str] = set()
        for part in graph.chunks([ref for ref in refs if ref.connection not in held]):
            with work.store.begin() as tx:
                found = differences(work, tx, part)
                moved = {_key(d) for d in reviewed.moved(work, found)} if reviewed is not None else set()
                queued += _queue(work, tx, part, [d for d in found if _key(d) not in moved], run.id)
                differing += len(found)
                graph.mark_planned(tx, part)
                graph.mark_unplanned(tx, [ref for ref, _ in moved])
                left |= {ref.connection for ref, _ in moved}
        for part in graph.chunks([ref for ref in refs if ref.connection in held]):
            with work.store.begin() as tx:
                _withdraw(work, tx, part, differences(work, tx, part))
        with work.store.begin() as tx:
            graph.set_progress(tx, "planned", 0, version)
            graph.mark_unplanned(tx, [ref for ref in refs if ref.connection in held])
            if reviewed is not None:  # what was asked of a person is answered where nothing was left out
                for side in work.sides:
                    if side.uid not in left:
                        holds.withdraw(tx, side.uid, "", HoldKind.WRITES)
        run.counts.update(compared=len(refs), different=differing, queued=queued)
        return queued


def _version(work: Work) -> str:
    """What decides which differences are written: another mode or mapping compares everything again."""
    return " ".join(
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
    return outbox.enqueue(tx, (d.intent for d in found if not d.refused), known, now, run)


def everything(work: Work, tx: sa.Connection) -> list[Difference]:
    """Every difference there is, for `syncd plan`; changes nothing."""
    return differences(work, tx, _all(tx))


def _all(tx: sa.Connection) -> list[Ref]:
    """Every record that should show something, or does."""
    wanted = {ref for ref, *_ in outcomes.every_wanted(tx)}
    return sorted(wanted | set(records.showing(tx)) | set(graph.unplanned_refs(tx)))


def differences(work: Work, tx: sa.Connection, refs: Sequence[Ref]) -> list[Difference]:
    """Where what is wanted on these records is not what is shown."""
    wanted, writes = outcomes.get_wanted(tx, refs), outbox.of_records(tx, refs)
    found: list[Difference] = []
    for ref, row in sorted(records.get(tx, refs).items()):
        mapping = work.mapping_of(ref, row.stream)
        if mapping is None or row.deleted:
            continue
        side = work.side(ref.connection)
        for group, compare in ((WriteGroup.STAMP, _stamp_difference), (WriteGroup.OWNER, _owner_difference)):
            past = writes.get((ref, group), [])
            intent = compare(work, side, mapping, row, wanted.get((ref, group), NOTHING_WANTED), past)
            if intent is not None:
                found.append(Difference(intent, _refused(side, mapping, intent, past)))
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
    if owner is None:
        owner, because = _given_back(past, mapping.owner, shown), {**because, "rule": "given_back"}
    if owner == shown:
        return None
    return _intent(work, row, WriteGroup.OWNER, mapping.stamps_to_native({"owner": owner}), because)


def _given_back(past: Sequence[Outgoing], field: str, shown: str | None) -> str | None:
    """Who owned the record before our unbroken series of writes, if what we wrote is still what is shown."""
    before = shown
    for item in reversed([w for w in past if w.state is WriteState.APPLIED]):
        if item.intent.fields.get(field) != before or item.intent.because.get("rule") == "given_back":
            break
        before = item.intent.before.get(field) or None
    return before


def _intent(
    work: Work, row: Stored, group: WriteGroup, native: Mapping[str, Any], because: Mapping[str, Any]
) -> Intent:
    before = {name: row.shown.get(name) for name in native}
    return Intent(row.ref, row.stream, group, native, before, {**because, "policy": work.policy_version})


def _refused(side: Side, mapping: StreamMapping, intent: Intent, past: Sequence[Outgoing]) -> str:
    if not side.live:
        return "the connection is in shadow mode"
    if intent.group is WriteGroup.OWNER and side.ownership == "suggest":
        return "ownership is only suggested"
    if past and past[-1].state is WriteState.FAILED and _same(mapping, past[-1].intent, intent):
        return f"the CRM has refused this before: {past[-1].code}"
    return ""


def _same(mapping: StreamMapping, one: Intent, other: Intent) -> bool:
    return _that_counts(mapping, one.fields) == _that_counts(mapping, other.fields)


def _that_counts(mapping: StreamMapping, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Native values without those that are never a reason to write."""
    aside = {mapping.stamps.get(stamp.name) for stamp in STAMP_FIELDS if not stamp.compared}
    return {name: value for name, value in fields.items() if name not in aside}


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
