"""Guards: what keeps a wanted difference from being written though the connection is live: owners, fights, edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from syncd.jobs.outside import by_whom, undone
from syncd.jobs.refusals import ACCEPTED, CONTESTED, EDITED, contested, refused_before, that_counts, under
from syncd.jobs.work import Side, Work
from syncd.mapping import StreamMapping
from syncd.model import Opportunity, Ref, Stream, User, WriteGroup
from syncd.policy.ownership import Drift, OwnerFacts, objection
from syncd.store import edits, holds, records, sweeps
from syncd.store.edits import OutsideEdit
from syncd.store.holds import Hold, HoldKind
from syncd.store.outbox import Intent, Outgoing
from syncd.store.records import Stored

BULK_WITHIN = timedelta(hours=1)
BULK_SHARE = 0.02
BULK_LEAST = 20
"""More owners than this, and than this share of an object's records, changed by others within an hour: syncd stops."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the guards say to a difference: why it is not written, and the code under which it is given up, if it is."""

    refused: str = ""
    give_up: str = ""
    under: str = ""
    because: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Guards:
    """The guards over some records, with what they look at."""

    work: Work
    tx: sa.Connection
    edited: Mapping[tuple[Ref, WriteGroup], OutsideEdit]
    paused: Mapping[str, str]
    now: datetime

    @classmethod
    def over(cls, work: Work, tx: sa.Connection, refs: Sequence[Ref]) -> Guards:
        """What is known of these records."""
        paused = {hold.connection: hold.what for hold in holds.open_ones(tx) if hold.kind is HoldKind.OWNERS}
        return cls(work, tx, edits.newest(tx, refs), paused, work.clock.now())

    def judge(
        self, side: Side, mapping: StreamMapping, row: Stored, intent: Intent, past: Sequence[Outgoing]
    ) -> Judged:
        """Whether an intent may be written."""
        circumstances = under(self.work, mapping, row)
        if said := refused_before(mapping, intent, past, circumstances):
            return Judged(said, under=circumstances)
        if intent.group is WriteGroup.OWNER and (said := self._owner(side, mapping, row, intent)):
            return Judged(said, under=circumstances)
        if contested(mapping, intent, past, circumstances, self.now):
            return Judged("contested: somebody else sets it back each time", CONTESTED, circumstances)
        return self._edited(side, mapping, row, intent, past, circumstances)

    def _owner(self, side: Side, mapping: StreamMapping, row: Stored, intent: Intent) -> str:
        if side.uid in self.paused:
            return f"ownership is paused: {self.paused[side.uid]}"
        mapped = self.work.canonical(row)
        target = str(mapping.shown(intent.fields, WriteGroup.OWNER)["owner"] or "") or None
        edit = self.edited.get((row.ref, WriteGroup.OWNER))
        shown = mapping.shown(row.shown, WriteGroup.OWNER)["owner"]
        facts = OwnerFacts(
            closed=mapped is not None and isinstance(mapped.record, Opportunity) and bool(mapped.record.is_closed),
            target=target,
            target_active=self._is_active(side, target),
            changed_at=edit.at if edit is not None and edit.after.get("owner") == shown else None,
        )
        day = self.now.astimezone(ZoneInfo(self.work.zone)).date()
        return objection(facts, self.work.policy.ownership, self.work.owner_freeze, self.now, day)

    def _is_active(self, side: Side, user: str | None) -> bool | None:
        users = side.streams.get(Stream.USERS)
        if user is None or users is None:
            return None
        row = records.get(self.tx, [Ref(side.uid, users.object, user)]).get(Ref(side.uid, users.object, user))
        mapped = self.work.canonical(row) if row is not None else None
        return mapped.record.is_active if mapped is not None and isinstance(mapped.record, User) else None

    def _edited(
        self, side: Side, mapping: StreamMapping, row: Stored, intent: Intent, past: Sequence[Outgoing],
        circumstances: str,
    ) -> Judged:  # fmt: skip
        """What becomes of an edit by hand is the policy's word; owners have guards of their own."""
        edit = self.edited.get((row.ref, intent.group))
        if intent.group is WriteGroup.OWNER or not undone(edit, that_counts(mapping, intent.fields), past):
            return Judged(under=circumstances)
        assert edit is not None
        native = mapping.stamps.get(next(iter(edit.after)), "")
        because = {
            "drift": {
                "found": dict(edit.after), "at": edit.at.isoformat(),
                "by": by_whom(self.work, self.tx, side, row.ref, native),
            }
        }  # fmt: skip
        if self.work.policy.drift is Drift.RESTORE:
            return Judged(under=circumstances, because=because)
        code = EDITED if self.work.policy.drift is Drift.REPORT else ACCEPTED
        return Judged(f"edited by hand; the policy says {self.work.policy.drift.value}", code, circumstances, because)


def pause_ownership(work: Work, run: str) -> None:
    """Stop changing owners where others have just changed many: a realignment of territories is not fought."""
    for side in work.sides:
        if not side.live or side.ownership == "off" or not any(m.owner for m in side.streams.values()):
            continue
        with work.store.begin() as tx:
            changed, held = _bulk(work, tx, side)
            if changed:
                what = (
                    f"{side.name}: somebody else has changed the owners of {changed:,} of {held:,} records within an "
                    "hour. syncd changes no owner."
                )
                evidence = {"records": changed, "of": held}
                holds.stop(tx, side.uid, "", HoldKind.OWNERS, what, evidence, work.clock.now(), run)


def _bulk(work: Work, tx: sa.Connection, side: Side) -> tuple[int, int]:
    lifted = _lifted(tx, side.uid)
    since = work.clock.now() - BULK_WITHIN
    if lifted is not None and lifted.lifted_at is not None:
        since = max(since, lifted.lifted_at)
    for name, changed in edits.edited_since(tx, side.uid, WriteGroup.OWNER, since).items():
        held = sweeps.held(tx, side.uid, name)
        if changed > max(BULK_LEAST, BULK_SHARE * held):
            return changed, held
    return 0, 0


def _lifted(tx: sa.Connection, uid: str) -> Hold | None:
    return holds.lifted(tx, uid, "", HoldKind.OWNERS)


def owners_as_of(work: Work, tx: sa.Connection) -> str:
    """Changes when owners that were left alone are looked at again: another day, or a person lets ownership go on."""
    day = work.clock.now().astimezone(ZoneInfo(work.zone)).date()
    lifted = [one.number for side in work.sides if (one := _lifted(tx, side.uid)) is not None]
    return f"{day} {lifted}"
