"""Past: what records of the direct CRM said before, by the versions that we hold and the history that it keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.jobs.work import Work
from syncd.model import Account, Activity, Change, Contract, ListEntry, Opportunity, Ref, Stage, Stream, Version
from syncd.store import graph, records
from syncd.store.records import Stored
from syncd.store.tables import record_version

Judged = Account | Opportunity | Activity | ListEntry | Contract
"""What a rule may read as it stood at another time."""

BEFORE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Said:
    """What a record said from `since` on. `observed` is False for what was inferred from what it said later."""

    since: datetime
    fields: Mapping[str, Any]
    observed: bool = True
    by_change: bool = False


def timeline(read: Sequence[Said], changes: Sequence[Change]) -> list[Said]:
    """Everything that a record said, oldest first: as it was read, and between two readings as its history tells.

    `read` is oldest first and not empty. What was changed before the first reading is undone, one change after the
    other; what was changed between two readings is done. Changes of fields that are not read say nothing.
    """
    known = sorted((c for c in changes if c.changed_at and c.field in read[-1].fields), key=_by_time)
    made = list(_undone(read[0], [c for c in known if _at(c) <= read[0].since]))
    for said, following in zip(read, [*read[1:], None], strict=True):
        made.append(said)
        later = (c for c in known if _at(c) > said.since and (following is None or _at(c) < following.since))
        for change in later if following is not None else ():
            made.append(Said(_at(change), {**made[-1].fields, str(change.field): change.after}, by_change=True))
    return made


def _undone(first: Said, changes: Sequence[Change]) -> Iterator[Said]:
    """What it said before the first reading, oldest first; nothing where no change is known."""
    found: list[Said] = []
    now = dict(first.fields)
    for change in reversed(changes):
        found.append(Said(_at(change), dict(now), observed=False, by_change=True))
        now[str(change.field)] = change.before
    if changes:
        found.append(Said(BEFORE, now, observed=False, by_change=True))
    return reversed(found)


def _at(change: Change) -> datetime:
    assert change.changed_at is not None
    return change.changed_at


def _by_time(change: Change) -> tuple[datetime, Ref]:
    return _at(change), change.ref


def earlier_readings(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, list[Said]]:
    """What those of the records that were changed since said each time they were read, oldest first.

    A reading counts from the source's own stamp on. Where the source changed a record without a new stamp, it counts
    from the time at which we saw it, so that nothing is taken for older than it is known to be.
    """
    past: dict[Ref, list[Said]] = {}
    for condition in graph.in_refs(record_version, refs):
        for row in tx.execute(sa.select(record_version).where(condition).order_by(record_version.c.version)):
            if not row.deleted:
                said = past.setdefault(Ref(row.connection, row.object, row.id), [])
                _add(said, row.stamp, row.seen_at, orjson.loads(row.fields))
    return past


def _add(said: list[Said], stamp: datetime, seen_at: datetime, told: Mapping[str, Any]) -> None:
    since = stamp if not said or stamp > said[-1].since else max(seen_at, said[-1].since)
    said.append(Said(since, told))


def past_of(
    work: Work, tx: sa.Connection, refs: Iterable[Ref], aliases: Mapping[Ref, Ref]
) -> dict[Ref, tuple[Version, ...]]:
    """The versions of those records that have not always said what they say now, in what a rule may read of them."""
    asked = sorted(set(refs))
    past, changes = earlier_readings(tx, asked), _changes(work, tx, asked)
    stages = _stages(work, tx) if changes else {}
    moved = {(old.connection, old.id): new.id for old, new in aliases.items()}
    found = {}
    for ref, row in records.get(tx, sorted({*past, *changes})).items():
        read = past.get(ref, [])
        _add(read, row.facts_at, row.read_at, row.fields)
        told = [(said, _mapped(work, row, said, stages)) for said in timeline(read, changes.get(ref, ()))]
        versions = _distinct((said, _followed(made, moved)) for said, made in told if made is not None)
        if len({_read(version.record) for version in versions}) > 1:
            found[ref] = versions
    return found


def _changes(work: Work, tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, list[Change]]:
    if not any(Stream.HISTORY in side.streams for side in work.sides):
        return {}
    parents = graph.hanging_on(tx, Stream.HISTORY, refs)
    found: dict[Ref, list[Change]] = {}
    for ref, row in records.get(tx, sorted(parents)).items():
        mapped = work.canonical(row)
        if mapped is not None and isinstance(mapped.record, Change):
            found.setdefault(parents[ref], []).append(mapped.record)
    return found


def _stages(work: Work, tx: sa.Connection) -> dict[str, Stage]:
    """The stages by key and by name, as far as these name one stage alone."""
    if not any(Stream.STAGES in side.streams for side in work.sides):
        return {}
    found: dict[str, list[Stage]] = {}
    for row in records.of_stream(tx, Stream.STAGES):
        mapped = work.canonical(row)
        if mapped is not None and isinstance(mapped.record, Stage):
            for name in {mapped.record.key, mapped.record.name} - {None, ""}:
                found.setdefault(str(name), []).append(mapped.record)
    return {name: stages[0] for name, stages in found.items() if len(stages) == 1}


def _mapped(work: Work, row: Stored, said: Said, stages: Mapping[str, Stage]) -> Judged | None:
    """The record in our words. Where its stage is known from its history, so is whether it was closed."""
    mapped = work.canonical(replace(row, fields=dict(said.fields), facts_at=said.since))
    made = mapped.record if mapped is not None else None
    stage = stages.get(made.stage or "") if isinstance(made, Opportunity) and said.by_change else None
    if isinstance(made, Opportunity) and stage is not None:
        made = replace(made, is_closed=stage.is_closed, is_won=stage.is_won)
    return made if isinstance(made, Judged) else None


def _followed(made: Judged, moved: Mapping[tuple[str, str], str]) -> Judged:
    """The account that a record lay on then may have been merged since."""
    if isinstance(made, Account) or not made.account_id:
        return made
    return replace(made, account_id=moved.get((made.ref.connection, made.account_id), made.account_id))


def _distinct(told: Iterable[tuple[Said, Judged]]) -> tuple[Version, ...]:
    """Versions that differ in something that a rule may read, or in how they are known."""
    versions: list[Version] = []
    for said, made in told:
        last = versions[-1] if versions else None
        if last is None or last.observed != said.observed or _read(last.record) != _read(made):
            versions.append(Version(said.since, made, said.observed))
    return tuple(versions)


def _read(made: Judged) -> tuple[Any, ...]:
    """What the rules read of a record."""
    names = _KEPT.get(type(made)) or tuple(f.name for f in fields(made) if f.name != "modified_at")
    return tuple(getattr(made, name) for name in names)


_KEPT: dict[type, tuple[str, ...]] = {
    Account: ("is_named", "is_customer", "last_order_on"),
    Opportunity: (
        "account_id", "is_closed", "is_won", "products", "country", "lead_source", "partner_name", "registration_key",
        "owner_id", "closed_at", "close_on", "last_activity_on",
    ),
}  # fmt: skip
