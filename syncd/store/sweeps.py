"""Sweeps: how far one has come, what it has shown, what is held and was not shown, and what is out of our sight."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.model import Ref, Stream
from syncd.store import counters
from syncd.store.tables import intake, record, source, swept, unreadable, unseen
from syncd.store.tables import sweep as table

READING, ENDING, DONE = "reading", "ending", "done"


@dataclass(frozen=True, slots=True)
class Sweep:
    """The sweep of one object: under way (reading, then ending), or done at `finished_at`.

    `counts` are what it has found so far, `counted` is how many records the system counted when it began.
    """

    state: str
    position: dict[str, Any] | None
    rows: int
    counted: int | None
    counts: Mapping[str, Any]
    spec_hash: str | None
    started_at: datetime | None
    finished_at: datetime | None


def get(tx: sa.Connection, connection: str, object: str) -> Sweep | None:
    """The newest sweep of an object; None when it was never read whole."""
    row = tx.execute(sa.select(table).where(*_of(connection, object))).one_or_none()
    if row is None:
        return None
    return Sweep(
        row.state, row.position, row.rows, row.counted, row.counts, row.spec_hash, row.started_at, row.finished_at
    )


def begin(
    tx: sa.Connection, connection: str, object: str, spec_hash: str, counted: int | None, at: datetime, run: str
) -> Sweep:
    """Begin a new sweep; what an earlier one had shown is forgotten."""
    _forget_seen(tx, connection, object)
    _put(
        tx, connection, object, state=READING, position=None, rows=0, counted=counted, counts={}, spec_hash=spec_hash,
        started_at=at, run=run,
    )  # fmt: skip
    return Sweep(READING, None, 0, counted, {}, spec_hash, at, None)


def move(
    tx: sa.Connection, connection: str, object: str, position: Mapping[str, Any], rows: int, counts: Mapping[str, Any]
) -> None:
    """A page is stored: go on after it. Belongs in the page's own transaction."""
    _put(tx, connection, object, position=dict(position), rows=rows, counts=dict(counts))


def end(tx: sa.Connection, connection: str, object: str, rows: int, counts: Mapping[str, Any]) -> None:
    """Everything was shown; what was not is looked at now."""
    _put(tx, connection, object, state=ENDING, position=None, rows=rows, counts=dict(counts))


def finish(
    tx: sa.Connection, connection: str, object: str, at: datetime, counts: Mapping[str, Any], *, keep_seen: bool
) -> None:
    """The sweep is done. `keep_seen`: what it has shown is still to be compared with the intake book."""
    if not keep_seen:
        _forget_seen(tx, connection, object)
    _put(tx, connection, object, state=DONE, finished_at=at, counts=dict(counts))


def accounted(tx: sa.Connection, connection: str, object: str, counts: Mapping[str, Any]) -> None:
    """What the sweep has shown was compared with the intake book."""
    _forget_seen(tx, connection, object)
    _put(tx, connection, object, counts=dict(counts))


def read_whole(tx: sa.Connection, connection: str, object: str, at: datetime) -> None:
    """A first pull has read everything: the next sweep is due one interval later. One under way begins anew."""
    _forget_seen(tx, connection, object)
    _put(tx, connection, object, state=DONE, position=None, finished_at=at)


def drop(tx: sa.Connection, connection: str, object: str) -> None:
    """What was read of the sweep under way does not add up: it begins anew, and was last done when it was."""
    _forget_seen(tx, connection, object)
    tx.execute(table.update().where(*_of(connection, object)).values(state=READING, position=None, rows=0, counts={}))


def _of(connection: str, object: str) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.connection == connection, table.c.object == object


def _put(tx: sa.Connection, connection: str, object: str, **values: Any) -> None:
    if tx.execute(table.update().where(*_of(connection, object)).values(**values)).rowcount == 0:
        known = {"connection": connection, "object": object, "state": DONE, "rows": 0, "counts": {}}
        tx.execute(table.insert().values(**{**known, **values}))


# --- what a sweep has shown ------------------------------------------------------------------------------------------


def _source(connection: str, object: str) -> sa.ScalarSelect[int]:
    place = sa.select(source.c.number).where(source.c.connection == connection, source.c.object == object)
    return place.scalar_subquery()


def _forget_seen(tx: sa.Connection, connection: str, object: str) -> None:
    tx.execute(swept.delete().where(swept.c.source == _source(connection, object)))


def note_seen(tx: sa.Connection, number: int, seen: Iterable[tuple[str, str | None]]) -> None:
    """These records are there; each with the partner who filed it, where it is a filing."""
    rows = {id_: partner for id_, partner in seen}
    counters.add_missing(tx, swept, [{"source": number, "id": id_, "partner": p} for id_, p in sorted(rows.items())])


def missing(tx: sa.Connection, connection: str, object: str) -> list[str]:
    """The ids that we hold as being there and that the sweep has not shown, in order."""
    number = _source(connection, object)
    joined = record.outerjoin(swept, sa.and_(swept.c.source == record.c.source, swept.c.id == record.c.id))
    query = sa.select(record.c.id).select_from(joined)
    query = query.where(record.c.source == number, record.c.deleted.is_(False), swept.c.id.is_(None))
    return sorted(tx.execute(query).scalars())


def revived(tx: sa.Connection, connection: str, object: str) -> list[str]:
    """The ids that the sweep has shown and that we hold as deleted, in order."""
    number = _source(connection, object)
    joined = swept.join(record, sa.and_(swept.c.source == record.c.source, swept.c.id == record.c.id))
    query = sa.select(swept.c.id).select_from(joined).where(swept.c.source == number, record.c.deleted.is_(True))
    return sorted(tx.execute(query).scalars())


def held(tx: sa.Connection, connection: str, object: str) -> int:
    """How many records of an object we hold as being there, out of our sight or not."""
    query = sa.select(sa.func.count()).select_from(record)
    query = query.where(record.c.source == _source(connection, object), record.c.deleted.is_(False))
    return int(tx.execute(query).scalar_one())


def filed(tx: sa.Connection, connection: str, object: str) -> dict[str | None, int]:
    """How many filings the sweep has shown, by partner."""
    query = sa.select(swept.c.partner, sa.func.count()).where(swept.c.source == _source(connection, object))
    return {row[0]: int(row[1]) for row in tx.execute(query.group_by(swept.c.partner))}


def without_line(tx: sa.Connection, connection: str, object: str) -> list[tuple[str | None, str]]:
    """The filings that the sweep has shown and that have no line in the intake book: (partner, id), in order."""
    lines = intake.c.connection == connection, intake.c.object == object, intake.c.id == swept.c.id
    lost = unreadable.c.connection == connection, unreadable.c.id == swept.c.id
    query = sa.select(swept.c.partner, swept.c.id).where(
        swept.c.source == _source(connection, object),
        sa.not_(sa.select(intake.c.id).where(*lines).exists()),
        sa.not_(sa.select(unreadable.c.id).where(*lost).exists()),
    )
    return [(row[0], row[1]) for row in tx.execute(query.order_by(swept.c.id))]


def forget_unreadable(tx: sa.Connection, connection: str, object: str, stream: Stream, before: datetime) -> None:
    """Forget what was found unreadable before the sweep began, and what the sweep has not shown: it is not there."""
    shown = sa.select(swept.c.id).where(swept.c.source == _source(connection, object), swept.c.id == unreadable.c.id)
    where = unreadable.c.connection == connection, unreadable.c.stream == stream.value, unreadable.c.seen_at < before
    tx.execute(unreadable.delete().where(*where, sa.not_(shown.exists())))


# --- what is out of our sight ----------------------------------------------------------------------------------------


def lose_sight(tx: sa.Connection, number: int, ids: Sequence[str], at: datetime, run: str) -> None:
    """These are no longer shown to us; whether they are gone cannot be told."""
    counters.add_missing(tx, unseen, [{"source": number, "id": id_, "since": at, "run": run} for id_ in sorted(ids)])


def out_of_sight(tx: sa.Connection, connection: str, object: str) -> dict[str, datetime]:
    """The records that are no longer shown to us, each with the time since when."""
    query = sa.select(unseen.c.id, unseen.c.since).where(unseen.c.source == _source(connection, object))
    return {row.id: row.since for row in tx.execute(query)}


def all_out_of_sight(tx: sa.Connection) -> dict[tuple[str, str], int]:
    """How many records are no longer shown to us, by connection and object."""
    query = sa.select(source.c.connection, source.c.object, sa.func.count())
    query = query.join(unseen, unseen.c.source == source.c.number).group_by(source.c.connection, source.c.object)
    return {(row[0], row[1]): int(row[2]) for row in tx.execute(query)}


def unseen_refs(tx: sa.Connection, refs: Collection[Ref]) -> set[Ref]:
    """Those of these records that are no longer shown to us."""
    found: set[Ref] = set()
    for connection, object in {(ref.connection, ref.object) for ref in refs}:
        found |= {Ref(connection, object, id_) for id_ in out_of_sight(tx, connection, object)}
    return found & set(refs)
