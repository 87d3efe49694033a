"""Outside: a read shows that somebody else has changed a field of ours; it is kept, made sure of, and attributed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.errors import LeaseLost, SyncdError
from syncd.jobs.arrival import confirmed, same
from syncd.jobs.work import Side, Work
from syncd.mapping import StreamMapping
from syncd.model import STAMP_BY_NAME, Change, Ref, Stream, WriteGroup, WriteState
from syncd.store import edits, graph, outbox, records
from syncd.store.edits import OutsideEdit
from syncd.store.outbox import NOT_ARRIVED, Outgoing
from syncd.store.outcomes import plain
from syncd.store.records import News


def note(
    tx: sa.Connection, uid: str, mapping: StreamMapping, news: Sequence[News], read_at: datetime, run: str, by_id: bool
) -> None:
    """Keep what is shown of ours other than before, where no write of ours can have done it."""
    place = Ref(uid, mapping.object, "")
    found = [edit for one in news for edit in _edits(place._replace(id=one.row.id), mapping, one, read_at, by_id)]
    if not found:
        return
    writes = outbox.of_records(tx, sorted({edit.ref for edit in found}))
    foreign = [edit for edit in found if not _ours(mapping, edit, writes.get((edit.ref, edit.group), ()))]
    edits.note(tx, foreign, run)


def _edits(ref: Ref, mapping: StreamMapping, news: News, read_at: datetime, by_id: bool) -> Iterator[OutsideEdit]:
    if news.shown is None or news.row.deleted or news.shown[0] == news.shown[1]:
        return
    old, new = (orjson.loads(text) for text in news.shown)
    for group in WriteGroup:
        before, after = mapping.shown(old, group), mapping.shown(new, group)
        names = [name for name in after if _natives(mapping)[name] in old and _counts(name)]
        differing = [name for name in names if before[name] != after[name]]
        if differing:
            was, now = ({name: side[name] for name in differing} for side in (before, after))
            yield OutsideEdit(ref, group, plain(was), plain(now), news.row.stamp, read_at, by_id)


def _natives(mapping: StreamMapping) -> dict[str, str | None]:
    return {**mapping.stamps, "owner": mapping.owner}


def _counts(name: str) -> bool:
    return name not in STAMP_BY_NAME or (STAMP_BY_NAME[name].compared and not STAMP_BY_NAME[name].personal)


def _ours(mapping: StreamMapping, edit: OutsideEdit, writes: Sequence[Outgoing]) -> bool:
    """A write without an answer, or one that was given up, says just this."""
    natives = _natives(mapping)
    return any(
        all(same(plain(mapping.shown(item.intent.fields, edit.group))[name], v) for name, v in edit.after.items())
        for item in writes
        if (item.state is WriteState.SENT or item.code == NOT_ARRIVED)
        and all(natives[name] in item.intent.fields for name in edit.after)
    )


def make_sure(work: Work, refs: Sequence[Ref], run: str) -> set[Ref]:
    """Read by id what only a pull has shown to be edited, before anything is done about it.

    Returns the records that could not be read now: they wait for the next cycle.
    """
    from syncd.jobs.rows import store_rows

    with work.store.read() as tx:
        doubtful = edits.unsure(tx, refs)
        rows = records.get(tx, sorted(doubtful))
    waiting: set[Ref] = set()
    for side in work.sides:
        for feed in side.feeds if side.live else ():
            mine = [r for r, row in rows.items() if r[:2] == (side.uid, feed.object) and row.stream in feed.streams]
            if not mine:
                continue
            asked_at = work.clock.now()
            try:
                found = side.connector.fetch(feed.spec, [ref.id for ref in mine])
            except LeaseLost:
                raise
            except SyncdError:
                waiting.update(mine)
                continue
            with work.store.begin() as tx:
                store_rows(tx, side, feed, found, asked_at, run, by_id=True)
                edits.make_sure(tx, mine)
    return waiting


def by_whom(work: Work, tx: sa.Connection, side: Side, ref: Ref, native: str) -> str | None:
    """Who last changed a field of a record, as the field history of its system says, where that is pulled."""
    if Stream.HISTORY not in side.streams:
        return None
    found: list[Change] = []
    for row in records.get(tx, sorted(graph.hanging_on(tx, Stream.HISTORY, [ref]))).values():
        mapped = work.canonical(row)
        if mapped is not None and isinstance(mapped.record, Change) and mapped.record.field == native:
            found.append(mapped.record)
    last = max(found, key=lambda change: (change.changed_at is not None, change.changed_at), default=None)
    return last.by_id if last is not None else None


def undone(edit: OutsideEdit | None, fields: Mapping[str, Any], past: Sequence[Outgoing]) -> bool:
    """What would be written is just what was written before, and what somebody else has edited away since."""
    known = confirmed(past)
    return edit is not None and all(name in known and same(known[name], value) for name, value in fields.items())
