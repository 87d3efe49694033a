"""Pull: read the open window of one object, one transaction per page, and move the watermark when it is whole.

A window is read past its upper bound. A record that is edited while we page moves to the end of what there is to read
instead of out of it, so that the window ends only when everything in it was seen; `complete_through` is published for
windows that were read that way and for no others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from syncd.errors import Brake, IncompleteRead, Stop
from syncd.jobs.feeds import Feed
from syncd.jobs.rows import store_rows
from syncd.jobs.work import Run, Side, Work, running
from syncd.model import Page, Stream, Window
from syncd.store import cursors, holds, records, sweeps
from syncd.store.cursors import Cursor
from syncd.store.holds import HoldKind
from syncd.store.records import PageCounts

Progress = Callable[[str, int, int | None], None]
"""Told after each page: the stream, rows so far, rows expected."""

AHEAD = timedelta(hours=1)
"""How far past its upper bound a window is read; longer than reading it takes, first pulls aside."""
SIDE_BY_SIDE_FROM = 20_000
"""From so many rows on, a connector may read parts of a window side by side."""
_MOST_WINDOWS = 2
_GUARD = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Opened:
    """The window to read and where to go on in it."""

    window: Window
    position: dict[str, object] | None
    rows: int

    @property
    def read_through(self) -> Window:
        """What is asked for."""
        return Window(self.window.lower, self.window.upper + AHEAD)


def next_window(cursor: Cursor, spec: str, server_now: datetime, overlap: timedelta) -> Opened:
    """Pure: go on with the window that is open, else open the next one, reaching back by the overlap."""
    same = cursor.spec_hash == spec
    if cursor.window is not None and same:
        return Opened(cursor.window, cursor.position, cursor.rows)
    lower = cursor.watermark - overlap if cursor.watermark is not None and same else None
    return Opened(Window(lower, server_now), None, 0)


def complete_through(opened: Opened, rows: int, server_now: datetime, lag: timedelta) -> datetime | None:
    """Pure: nothing created or changed before this is unseen; None where a record could have slipped through.

    That is so when the read ended beyond what it asked for, and when parts of it were read side by side: a record that
    is edited moves from a part that was not read yet into one that was.
    """
    if rows >= SIDE_BY_SIDE_FROM or server_now > opened.read_through.upper:
        return None
    return opened.window.upper - lag


def pull(work: Work, side: Side, stream: Stream, progress: Progress | None = None) -> PageCounts:
    """Read the object of a stream up to the server's present. Raises the connector's errors; what was stored stays.

    Raises Brake when everything that we hold seems to be gone.
    """
    feed = side.feed(stream)
    with running(work, "pull", side, feed.name) as run:
        for _ in range(_MOST_WINDOWS):
            if _pull(work, side, feed, run, progress):
                break
        return run.total


def _pull(work: Work, side: Side, feed: Feed, run: Run, progress: Progress | None) -> bool:
    """Read one window; True when it was read such that it says how far the stream is complete."""
    overlap = timedelta(seconds=side.connector.facts.overlap_seconds)
    with work.store.read() as tx:
        cursor = cursors.get(tx, side.uid, feed.head)
    opened = next_window(cursor, feed.spec_hash, side.connector.now(), overlap)
    if cursor.window is None or opened.position is None:
        with work.store.begin() as tx:
            cursors.open_window(tx, side.uid, feed.head, opened.window, feed.spec_hash, run.id)
    rows, pages = opened.rows, side.connector.pull(feed.spec, opened.read_through, opened.position)
    while True:
        asked_at = work.clock.now()
        try:
            page = next(pages, None)
            if page is None:
                raise IncompleteRead("The read broke off before its last page.")
            rows += len(page.rows) + len(page.unreadable)
            if page.last and page.expected is not None and rows < page.expected:
                raise IncompleteRead(f"{rows} of {page.expected} records came.")
        except IncompleteRead:
            with work.store.begin() as tx:
                cursors.drop_window(tx, side.uid, feed.head)
            raise
        _in_the_past(opened.window, side.connector.now())
        if page.last and not rows and opened.window.lower is None:
            _refuse_emptiness(work, side, feed, run)
        through = _published(side, opened, page, rows)
        _store(work, side, feed, page, opened.window, through, rows, asked_at, run)
        if progress is not None:
            progress(f"{side.name} {feed.name}", rows, page.expected)
        if page.last:
            return through is not None
        work.go_on()


def _in_the_past(window: Window, server_now: datetime) -> None:
    """Raise Stop when the window ends in the server's future: what comes until then would pass for read.

    Our own clock may have been set ahead since the server's was last heard. A little is covered by the overlap.
    """
    if window.upper > server_now + _GUARD:
        raise Stop(f"The window ends at {window.upper:%Y-%m-%d %H:%M:%S}Z, where the server's clock has not been yet.")


def _published(side: Side, opened: Opened, page: Page, rows: int) -> datetime | None:
    """How far the stream is complete with this page."""
    if not page.last:
        return None
    lag = timedelta(seconds=side.connector.facts.read_lag_seconds)
    return complete_through(opened, rows, side.connector.now(), lag)


def _store(
    work: Work, side: Side, feed: Feed, page: Page, window: Window, through: datetime | None, rows: int,
    asked_at: datetime, run: Run,
) -> None:  # fmt: skip
    with work.store.begin() as tx:
        counts = store_rows(tx, side, feed, page.rows, asked_at, run.id, first=window.lower is None)
        if page.unreadable:
            records.keep_unreadable(tx, side.uid, feed.head, page.unreadable, asked_at, run.id)
        if page.last:
            _close(tx, work, side, feed, window, through)
        else:
            newest = max((row.stamp for row in page.rows), default=None)
            cursors.move_window(tx, side.uid, feed.head, page.position, rows, newest)
    run.total += counts


def _close(tx: sa.Connection, work: Work, side: Side, feed: Feed, window: Window, through: datetime | None) -> None:
    cursors.close_window(tx, side.uid, feed.head, window.upper, through)
    if window.lower is not None:
        return
    # everything was read: that is as good as a sweep, and nothing of it can surface late any more
    now, second_look = work.clock.now(), timedelta(seconds=side.connector.facts.second_look_seconds)
    sweeps.read_whole(tx, side.uid, feed.object, now)
    cursors.looked_again(tx, side.uid, feed.head, window.upper - second_look, now)
    holds.use_up(tx, side.uid, feed.object, HoldKind.EMPTY)


def _refuse_emptiness(work: Work, side: Side, feed: Feed, run: Run) -> None:
    """Everything was asked for and nothing came. Where we hold much, somebody took our rights away: raises Brake."""
    with work.store.read() as tx:
        held = sweeps.held(tx, side.uid, feed.object)
        allowed = holds.lifted(tx, side.uid, feed.object, HoldKind.EMPTY) is not None
    if held < work.brakes.vanished_least or allowed:
        return
    what = f"{side.name} {feed.name}: everything was asked for and nothing came, although {held} records are held."
    with work.store.begin() as tx:
        cursors.drop_window(tx, side.uid, feed.head)
        holds.stop(tx, side.uid, feed.object, HoldKind.EMPTY, what, {"held": held}, work.clock.now(), run.id)
    raise Brake(what)
