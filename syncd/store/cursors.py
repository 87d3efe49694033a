"""How far each native object of each connection was read: its window, its watermark, and when it was looked at again.

A cursor bears the name of the first stream that its object feeds, because one read serves all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.model import Stream, Window
from syncd.store.tables import cursor


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one object has been read.

    `rows` counts what came in the open window so far. `looked_through` is the stamp up to which everything was read
    once more for what had surfaced late.
    """

    watermark: datetime | None
    complete_through: datetime | None
    window: Window | None
    position: dict[str, Any] | None
    rows: int
    spec_hash: str | None
    looked_through: datetime | None = None
    looked_at: datetime | None = None


def get(tx: sa.Connection, connection: str, stream: Stream) -> Cursor:
    """The cursor of a stream; one that was never read has nothing."""
    row = tx.execute(
        sa.select(cursor).where(cursor.c.connection == connection, cursor.c.stream == stream.value)
    ).one_or_none()
    if row is None:
        return Cursor(None, None, None, None, 0, None)
    window = Window(row.lower, row.upper) if row.upper else None
    return Cursor(
        row.watermark, row.complete_through, window, row.position, row.rows, row.spec_hash,
        row.looked_through, row.looked_at,
    )  # fmt: skip


def open_window(tx: sa.Connection, connection: str, stream: Stream, window: Window, spec_hash: str, run: str) -> None:
    """Begin reading a window; its bounds and position are kept so that a crash resumes instead of restarting.

    With another specification nothing that was read so far says how far this one is complete.
    """
    values: dict[str, Any] = {
        "lower": window.lower, "upper": window.upper, "position": None, "rows": 0, "spec_hash": spec_hash, "run": run,
    }  # fmt: skip
    if get(tx, connection, stream).spec_hash not in (spec_hash, None):
        values |= {"watermark": None, "complete_through": None, "looked_through": None, "looked_at": None}
    _put(tx, connection, stream, **values)


def move_window(
    tx: sa.Connection, connection: str, stream: Stream, position: Mapping[str, Any], rows: int, newest: datetime | None
) -> None:
    """A page is stored: go on after it. Belongs in the page's own transaction."""
    values: dict[str, Any] = {"position": dict(position), "rows": rows}
    if newest is not None:
        values["newest_stamp"] = newest
    _put(tx, connection, stream, **values)


def close_window(
    tx: sa.Connection, connection: str, stream: Stream, upper: datetime, complete: datetime | None
) -> None:
    """The window was read whole and counted: its upper bound is the new watermark.

    `complete` is None where a record could have moved out of the window while it was read.
    """
    values: dict[str, Any] = {"watermark": upper, "lower": None, "upper": None, "position": None}
    if complete is not None:
        values["complete_through"] = complete
    _put(tx, connection, stream, **values)


def drop_window(tx: sa.Connection, connection: str, stream: Stream) -> None:
    """Forget a half-read window; the watermark stays, and the next pull opens a new one."""
    _put(tx, connection, stream, lower=None, upper=None, position=None)


def looked_again(tx: sa.Connection, connection: str, stream: Stream, through: datetime, at: datetime) -> None:
    """Everything stamped up to `through` was read once more, long enough after it happened."""
    _put(tx, connection, stream, looked_through=through, looked_at=at)


def known(tx: sa.Connection, connection: str) -> set[str]:
    """The streams of a connection that a cursor is kept for."""
    return set(tx.execute(sa.select(cursor.c.stream).where(cursor.c.connection == connection)).scalars())


def forget(tx: sa.Connection, connection: str, streams: Collection[str]) -> None:
    """These streams are read no more, or by the cursor of another one: when they come back all of it is read again."""
    tx.execute(cursor.delete().where(cursor.c.connection == connection, cursor.c.stream.in_(sorted(streams))))


def _put(tx: sa.Connection, connection: str, stream: Stream, **values: Any) -> None:
    where = (cursor.c.connection == connection, cursor.c.stream == stream.value)
    if tx.execute(cursor.update().where(*where).values(**values)).rowcount == 0:
        tx.execute(cursor.insert().values(connection=connection, stream=stream.value, **{"rows": 0, **values}))
