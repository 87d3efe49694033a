"""Staged records: what each is to the later steps, how far a step has worked, and what is still to be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from syncd.model import Ref, Stream
from syncd.store.refs import chunks, delete_refs, in_refs, row_of
from syncd.store.tables import progress, staged, unanswered, unplanned, unreadable


@dataclass(frozen=True, slots=True)
class Staged:
    """What one record is to the later steps: what it hangs on, what others name it by, what was wrong with it."""

    ref: Ref
    stream: Stream
    parent: Ref | None
    key: str | None
    state: str
    problems: tuple[Mapping[str, Any], ...]
    change: int


def get_progress(tx: sa.Connection, name: str) -> tuple[int, str]:
    """The change up to which a step has worked, and the versions of mapping and code it worked with."""
    row = tx.execute(sa.select(progress).where(progress.c.name == name)).one_or_none()
    return (0, "") if row is None else (row.change, row.versions)


def set_progress(tx: sa.Connection, name: str, change: int, versions: str) -> None:
    """Remember how far a step has worked, in the step's own transaction."""
    values = {"change": change, "versions": versions}
    if tx.execute(progress.update().where(progress.c.name == name).values(**values)).rowcount == 0:
        tx.execute(progress.insert().values(name=name, **values))


def put_staged(tx: sa.Connection, rows: Sequence[Staged]) -> None:
    """Replace what is known of these records."""
    delete_refs(tx, staged, [row.ref for row in rows])
    if rows:
        tx.execute(
            staged.insert(),
            [
                {
                    **row_of(row.ref),
                    "stream": row.stream.value,
                    "parent": str(row.parent) if row.parent else None,
                    "key": row.key,
                    "state": row.state,
                    "problems": [dict(p) for p in row.problems],
                    "change": row.change,
                }
                for row in rows
            ],
        )


def drop_staged(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """These records are gone from their systems."""
    delete_refs(tx, staged, refs)


def get_staged(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, Staged]:
    """What is known of these records."""
    found = {}
    for condition in in_refs(staged, refs):
        for row in tx.execute(sa.select(staged).where(condition)):
            known = _staged(row)
            found[known.ref] = known
    return found


def hanging_on(tx: sa.Connection, stream: Stream, parents: Sequence[Ref]) -> dict[Ref, Ref]:
    """The records of a stream that hang on these accounts, each with its account."""
    found: dict[Ref, Ref] = {}
    for part in chunks(sorted({str(ref) for ref in parents})):
        query = sa.select(staged.c.connection, staged.c.object, staged.c.id, staged.c.parent).where(
            staged.c.stream == stream.value, staged.c.parent.in_(list(part))
        )
        found.update((Ref(row[0], row[1], row[2]), Ref.parse(row[3])) for row in tx.execute(query))
    return found


def keyed(tx: sa.Connection, stream: Stream, keys: Sequence[str]) -> dict[str, list[Ref]]:
    """The records of a stream by the key that others name them by."""
    found: dict[str, list[Ref]] = {}
    for part in chunks(sorted(set(keys))):
        query = sa.select(staged.c.key, staged.c.connection, staged.c.object, staged.c.id).where(
            staged.c.stream == stream.value, staged.c.key.in_(list(part))
        )
        for row in tx.execute(query):
            found.setdefault(row.key, []).append(Ref(row.connection, row.object, row.id))
    return found


def with_ids(tx: sa.Connection, stream: Stream, ids: Sequence[str]) -> dict[str, list[Ref]]:
    """The records of a stream with these native ids, over all connections."""
    found: dict[str, list[Ref]] = {}
    for part in chunks(sorted(set(ids))):
        query = sa.select(staged.c.connection, staged.c.object, staged.c.id).where(
            staged.c.stream == stream.value, staged.c.id.in_(list(part))
        )
        for row in tx.execute(query):
            found.setdefault(row.id, []).append(Ref(*row))
    return found


def problems(tx: sa.Connection) -> list[Staged]:
    """Every record that was taken with something wrong, or could not be taken."""
    query = sa.select(staged).where(sa.or_(staged.c.problems != [], staged.c.state != "taken"))
    return [_staged(row) for row in tx.execute(query.order_by(staged.c.stream, staged.c.id))]


def unreadable_rows(tx: sa.Connection) -> list[dict[str, Any]]:
    """What could not be made a record at all, with its reason."""
    return [
        {
            "ref": f"{r.connection}/{r.id}",
            "stream": r.stream,
            "state": "unreadable",
            "reason": r.reason,
            "seen_at": r.seen_at,
        }
        for r in tx.execute(sa.select(unreadable).order_by(unreadable.c.stream, unreadable.c.id))
    ]


def _staged(row: sa.Row[Any]) -> Staged:
    parent = Ref.parse(row.parent) if row.parent else None
    ref, stream = Ref(row.connection, row.object, row.id), Stream(row.stream)
    return Staged(ref, stream, parent, row.key, row.state, tuple(row.problems), row.change)


def mark_unplanned(tx: sa.Connection, refs: Iterable[Ref]) -> None:
    """What is wanted or shown on these records has changed."""
    wanted = sorted(set(refs))
    delete_refs(tx, unplanned, wanted)
    if wanted:
        tx.execute(unplanned.insert(), [row_of(ref) for ref in wanted])


def count_unplanned(tx: sa.Connection, connection: str) -> int:
    """How many records of a connection wait to be planned."""
    query = sa.select(sa.func.count()).select_from(unplanned).where(unplanned.c.connection == connection)
    return tx.execute(query).scalar_one()


def unplanned_refs(tx: sa.Connection) -> list[Ref]:
    """The records to compare with what is wanted, in order."""
    return sorted(Ref(*row) for row in tx.execute(sa.select(unplanned)))


def mark_planned(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """These records have been compared."""
    delete_refs(tx, unplanned, refs)


def mark_unanswered(tx: sa.Connection, refs: Iterable[Ref]) -> None:
    """It has to be looked at whether a group answers for these filings."""
    fresh = sorted(set(refs))
    delete_refs(tx, unanswered, fresh)
    if fresh:
        tx.execute(unanswered.insert(), [row_of(ref) for ref in fresh])


def unanswered_refs(tx: sa.Connection) -> list[Ref]:
    """The filings to look at, in order."""
    return sorted(Ref(*row) for row in tx.execute(sa.select(unanswered)))


def mark_answered(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """These filings have been looked at."""
    delete_refs(tx, unanswered, refs)
