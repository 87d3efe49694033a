"""Rows: what was read of a feed becomes the current state of its records, each in the stream that takes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from syncd.jobs import outside
from syncd.jobs.feeds import Feed
from syncd.jobs.work import Side
from syncd.model import Ref, Row
from syncd.store import records
from syncd.store.records import News, PageCounts, Stored


def store_rows(
    tx: sa.Connection,
    side: Side,
    feed: Feed,
    rows: Sequence[Row],
    read_at: datetime,
    run: str,
    *,
    first: bool = False,
    by_id: bool = False,
    news: list[News] | None = None,
) -> PageCounts:
    """Apply rows of a feed, as `records.apply_page` does for one stream."""
    deleted = [row.id for row in rows if row.deleted]
    known = _known(tx, side, feed, deleted) if deleted else {}
    if known:
        rows = [_as_it_was(row, known) if row.deleted else row for row in rows]
    counts, heard = PageCounts(), list[News]()
    for mapping, some in feed.deal(rows, {id_: stored.stream for id_, stored in known.items()}):
        counts += records.apply_page(
            tx, connection=side.uid, object=feed.object, stream=mapping.stream, rows=some, ours=mapping.ours,
            read_at=read_at, run=run, first=first, by_id=by_id, news=heard, kept_under=feed.head,
        )  # fmt: skip
        if mapping.ours and not first:
            outside.note(tx, side.uid, mapping, heard, read_at, run, by_id)
        if news is not None:
            news += heard
        heard = []
    return counts


def _known(tx: sa.Connection, side: Side, feed: Feed, ids: Sequence[str]) -> dict[str, Stored]:
    found = records.get(tx, [Ref(side.uid, feed.object, id_) for id_ in ids])
    return {ref.id: stored for ref, stored in found.items()}


def _as_it_was(row: Row, known: dict[str, Stored]) -> Row:
    """A deletion that tells nothing else leaves what the record said: what it was promised does not depend on it."""
    stored = known.get(row.id)
    if stored is None or any(row.fields.values()):
        return row
    return row._replace(fields={**stored.fields, **stored.shown})


def tombstone(stored: Stored) -> Row:
    """The row by which a record that is gone without a word is deleted."""
    return Row(stored.ref.id, stored.stamp, {**stored.fields, **stored.shown}, deleted=True)
