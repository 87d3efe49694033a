"""Pull: read the open window of one stream, one transaction per page, and move the watermark when it is whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

import orjson

from syncd.errors import IncompleteRead
from syncd.jobs.work import Run, Side, Work, running
from syncd.model import Page, ReadSpec, Stream, Window
from syncd.store import records
from syncd.store.records import Cursor, PageCounts

Progress = Callable[[str, int, int | None], None]
"""Told after each page: the stream, rows so far, rows expected."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The window to read and where to go on in it."""

    window: Window
    position: dict[str, object] | None
    rows: int


def spec_hash(spec: ReadSpec) -> str:
    """Changes when other fields or other records are to be read, so that everything is read again."""
    text = orjson.dumps([spec.object, spec.fields, dict(spec.where), spec.associations], option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=8).hexdigest()


def next_window(cursor: Cursor, spec: str, server_now: datetime, overlap: timedelta) -> Opened:
    """Pure: go on with the window that is open, else open the next one, reaching back by the overlap."""
    same = cursor.spec_hash == spec
    if cursor.window is not None and same:
        return Opened(cursor.window, cursor.position, cursor.rows)
    lower = cursor.watermark - overlap if cursor.watermark is not None and same else None
    return Opened(Window(lower, server_now), None, 0)


def pull(work: Work, side: Side, stream: Stream, progress: Progress | None = None) -> PageCounts:
    """Read one stream up to the server's present. Raises the connector's errors; what was stored stays."""
    with running(work, "pull", side, stream) as run:
        counts = _pull(work, side, stream, run, progress)
        run.counts.update({name: value for name in counts.__slots__ if (value := getattr(counts, name))})
        return counts


def _pull(work: Work, side: Side, stream: Stream, run: Run, progress: Progress | None) -> PageCounts:
    mapping, facts = side.streams[stream], side.connector.facts
    spec = mapping.read_spec()
    with work.store.read() as tx:
        cursor = records.get_cursor(tx, side.uid, stream)
    opened = next_window(cursor, spec_hash(spec), side.connector.now(), timedelta(seconds=facts.overlap_seconds))
    if cursor.window is None or opened.position is None:
        with work.store.begin() as tx:
            records.open_window(tx, side.uid, stream, opened.window, spec_hash(spec), run.id)
    total, rows = PageCounts(), opened.rows
    pages = side.connector.pull(spec, opened.window, opened.position)
    while True:
        asked_at = work.clock.now()
        try:
            page = next(pages, None)
        except IncompleteRead:
            with work.store.begin() as tx:
                records.drop_window(tx, side.uid, stream)
            raise
        if page is None:
            return total
        rows += len(page.rows)
        total += _store(work, side, stream, page, opened.window, rows, asked_at, run)
        if progress is not None:
            progress(f"{side.name} {stream.value}", rows, page.expected)
        if not page.last:
            work.go_on()


def _store(
    work: Work, side: Side, stream: Stream, page: Page, window: Window, rows: int, asked_at: datetime, run: Run
) -> PageCounts:
    mapping = side.streams[stream]
    with work.store.begin() as tx:
        counts = records.apply_page(
            tx,
            connection=side.uid,
            object=mapping.object,
            stream=stream,
            rows=page.rows,
            ours=mapping.ours,
            read_at=asked_at,
            run=run.id,
            first=window.lower is None,
        )
        if page.unreadable:
            records.keep_unreadable(tx, side.uid, stream, page.unreadable, asked_at, run.id)
        if page.last:
            lag = timedelta(seconds=side.connector.facts.read_lag_seconds)
            records.close_window(tx, side.uid, stream, window.upper, window.upper - lag)
        else:
            newest = max((row.stamp for row in page.rows), default=None)
            records.move_window(tx, side.uid, stream, page.position, rows, newest)
    return counts
