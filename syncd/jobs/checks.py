"""Check: ask each connection what it offers, without binding or changing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from syncd.errors import SyncdError
from syncd.jobs.holds import waiting
from syncd.jobs.schema import drift_of, facts_of
from syncd.jobs.work import CONTESTING, Side, Work
from syncd.model import Checked, ObjectAccess, Stream
from syncd.policy import never_given, rules_off
from syncd.store import runs, sweeps
from syncd.store.database import HEAD

CLOCK_MAY_DIFFER = timedelta(seconds=5)
"""A server whose clock differs by more from ours is worth a word: deadlines are ours, priority is theirs."""


@dataclass(frozen=True, slots=True)
class SideCheck:
    """What one connection answered. `notes` are worth knowing and stop nothing.

    `access` tells for each object what is seen of it and by what that is known; `drift` what has changed in its schema
    since the last check; `ahead` is how far the server's clock is before ours.
    """

    name: str
    uid: str
    label: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    access: tuple[tuple[ObjectAccess, str], ...] = ()
    edition: str = ""
    edition_reason: str = ""
    drift: tuple[str, ...] = ()
    ahead: timedelta | None = None

    def as_json(self) -> dict[str, Any]:
        """The answer as plain JSON."""
        return {
            "name": self.name, "uid": self.uid, "label": self.label, "problems": self.problems, "notes": self.notes,
            "edition": self.edition, "edition_reason": self.edition_reason, "drift": self.drift,
            "clock_ahead_seconds": self.ahead.total_seconds() if self.ahead is not None else None,
            "access": [
                {
                    "object": one.object, "visibility": said, "sees_all": one.sees_all, "evidence": one.evidence,
                    "records": one.records, "formulas": one.formulas,
                }
                for one, said in self.access
            ],
        }  # fmt: skip


def check_connections(work: Work) -> list[SideCheck]:
    """Ask every connection; one that cannot be reached is a problem like any other."""
    return [_check(work, side) for side in work.sides]


def rules_without(work: Work) -> list[str]:
    """The rules of the policy that are off for want of a stream or a field, a sentence each."""
    mapped: dict[tuple[str, Stream], frozenset[str]] = {}
    for side in work.sides:
        for role in sorted({"direct", "partner"} & side.roles or {"direct", "partner"}):
            for stream, mapping in side.streams.items():
                fills = mapping.fills | mapped.get((role, stream), frozenset())
                mapped[role, stream] = fills
    return [*map(str, rules_off(work.policy, mapped)), *never_given(work.policy, mapped)]


def known_trouble(work: Work) -> list[str]:
    """What runs have found out and a person has to see to: tripped brakes, and filings that nobody accounts for."""
    if work.store.revision() != HEAD:
        return []
    with work.store.read() as tx:
        # what was never read waits for a first sync, or for what is wrong with it, and not for a person's word
        held = [item for item in waiting(work, tx) if item.since is not None]
        found = [f"{item.what} `syncd proceed {item.name} --reason ...` lets it go on." for item in held]
        found += [work.policy_held] if work.policy_held else []
        for side in work.sides:
            last = runs.last(tx, "account", side.name)
            found += [f"{side.name}: {last['error']}"] if last and last["status"] == "failed" else []
    return found


def _check(work: Work, side: Side) -> SideCheck:
    try:
        checked = side.connector.check(side.specs, side.writable())
        ahead = side.connector.now() - work.clock.now().replace(microsecond=0)
    except SyncdError as error:
        return SideCheck(side.name, "", "", (str(error),), ())
    seen = {one.object: one for one in checked.access}
    problems = tuple(problem for problem in checked.problems if not side.can_wait(problem))
    waits = tuple(f"before going live: {problem}" for problem in checked.problems if side.can_wait(problem))
    return SideCheck(
        name=side.name,
        uid=checked.uid,
        label=checked.label,
        problems=problems,
        notes=(*_notes(work, side, checked.uid, seen), *waits),
        access=tuple((one, _sight(side, one)) for one in checked.access),
        edition=checked.edition.value,
        edition_reason=checked.edition_reason,
        drift=tuple(_drift(work, checked)),
        ahead=ahead,
    )


def _sight(side: Side, access: ObjectAccess) -> str:
    """`full` where it was proved, `stated` where an admin says so, `partial` where neither or it was disproved."""
    if access.sees_all is True:
        return "full"
    return "stated" if access.sees_all is None and side.visible else "partial"


def _drift(work: Work, checked: Checked) -> list[str]:
    """What has changed since syncd last checked, and what it noted then."""
    if work.store.revision() != HEAD:
        return []
    with work.store.read() as tx:
        before = runs.facts(tx, checked.uid)
    noted = [f"{item['what']} (noted {item['at'][:16]}Z)" for item in before.get("drift", [])]
    return [*noted, *drift_of(before, facts_of(checked))]


def _notes(work: Work, side: Side, uid: str, seen: Mapping[str, ObjectAccess]) -> Iterator[str]:
    if not side.live:
        yield "shadow mode: nothing is written"
    contesting = {mapping.object for stream, mapping in side.streams.items() if stream in CONTESTING}
    partial = sorted(o for o in contesting if o not in seen or _sight(side, seen[o]) == "partial")
    stated = sorted(o for o in contesting if o in seen and _sight(side, seen[o]) == "stated")
    if partial and side.role == "direct":
        yield f"visibility of {', '.join(partial)} is partial: nothing is approved automatically"
    if stated:
        yield f"visibility of {', '.join(stated)} is stated as full, not proved"
    if side.visible and (wrong := sorted(o for o in contesting if o in seen and seen[o].sees_all is False)):
        yield f"`visibility: full` is overruled for {', '.join(wrong)}: records are hidden there"
    yield from _out_of_sight(work, uid)


def _out_of_sight(work: Work, uid: str) -> Iterator[str]:
    if work.store.revision() != HEAD:
        return
    with work.store.read() as tx:
        lost = sweeps.all_out_of_sight(tx)
    for (connection, object_), n in sorted(lost.items()):
        if connection == uid:
            yield f"{n} records of {object_} are no longer shown to us; they are kept as they were"
