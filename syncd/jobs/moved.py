"""Moved: records that `rekey` has followed into another system keep their number, their key and what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from syncd.model import CanonicalRecord, Decision, Opportunity, Ref, Registration, WriteGroup
from syncd.policy.book import number_of
from syncd.store import outbox, records
from syncd.store.outbox import Outgoing


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of records of other systems: `to` from the old ref to the new, `before` back to all old ones."""

    to: Mapping[Ref, Ref]
    before: Mapping[Ref, Sequence[Ref]]
    ids: Mapping[str, str]
    said: Mapping[str, str]

    @classmethod
    def of(cls, aliases: Mapping[Ref, Ref]) -> Moved:
        """Only `rekey` makes an alias from one system to another; merges stay inside of theirs."""
        to = {old: new for old, new in aliases.items() if old.connection != new.connection}
        before: dict[Ref, list[Ref]] = {}
        for old, new in sorted(to.items()):
            before.setdefault(new, []).append(old)
        said = {str(old): str(new) for old, new in to.items()}
        return cls(to, before, {old.id: new.id for old, new in to.items()}, said)

    def olds(self, refs: Iterable[Ref]) -> list[Ref]:
        """What these records were called before."""
        return [old for ref in refs for old in self.before.get(ref, ())] if self.before else []

    def record(self, record: CanonicalRecord) -> CanonicalRecord:
        """The record with what others knew it by: a made number, and the key by which a deal names a registration."""
        if isinstance(record, Opportunity) and (record.registration_key or "").strip() in self.ids:
            return replace(record, registration_key=self.ids[(record.registration_key or "").strip()])
        if isinstance(record, Registration) and record.ref in self.before and not (record.number or "").strip():
            return replace(record, number=number_of(replace(record, ref=self.before[record.ref][0])))
        return record

    def decision(self, made: Decision) -> Decision:
        """The decision as one about the records as they are called now, in its evidence too."""
        if not self.to:
            return made
        other = made.other and self.to.get(made.other, made.other)
        subject = self.to.get(made.subject, made.subject)
        return replace(made, subject=subject, other=other, evidence=self._renamed(made.evidence))

    def _renamed(self, value: Any) -> Any:
        """Plain JSON, in which every ref is the one of now."""
        if isinstance(value, Mapping):
            return {name: self._renamed(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._renamed(one) for one in value]
        return self.said.get(value, value) if isinstance(value, str) else value


def owners_before(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, list[Outgoing]]:
    """The writes of owners to these records while they were records of another system, whose owners went along."""
    olds = records.moved_from(tx, refs)
    found: dict[Ref, list[Outgoing]] = {}
    for (old, group), writes in (outbox.of_records(tx, list(olds)) if olds else {}).items():
        if group is WriteGroup.OWNER:
            found.setdefault(olds[old], []).extend(writes)
    return found
