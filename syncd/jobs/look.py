"""Second look: stamps that were read an hour ago are read once more, for what an index or a transaction showed late."""

from __future__ import annotations

from datetime import datetime, timedelta

from syncd.errors import IncompleteRead
from syncd.jobs.rows import store_rows
from syncd.jobs.work import Side, Work, running
from syncd.model import Stream, Window
from syncd.store import cursors, records
from syncd.store.cursors import Cursor
from syncd.store.records import News, PageCounts

EVERY = timedelta(hours=1)


def second_window(cursor: Cursor, server_now: datetime, age: timedelta) -> Window | None:
    """Pure: from where the last look ended, at least as long as it is old; never what a pull has not read yet."""
    if not age or cursor.watermark is None:
        return None
    upper = min(server_now - age, cursor.watermark)
    lower = server_now - 2 * age
    if cursor.looked_through is not None:
        lower = min(lower, cursor.looked_through)
    return Window(lower, upper) if lower < upper else None


def look_again(work: Work, side: Side, stream: Stream) -> PageCounts | None:
    """Read again what is old enough; None when that is not due. The watermark stays where it is.

    What is new or changed only here came later than the connector says it can: the run counts it as `late`, with the
    longest time that one took, in seconds.
    """
    feed, age = side.feed(stream), timedelta(seconds=side.connector.facts.second_look_seconds)
    if not age:
        return None
    with work.store.read() as tx:
        cursor = cursors.get(tx, side.uid, feed.head)
    if cursor.looked_at is not None and work.clock.now() - cursor.looked_at < EVERY:
        return None
    window = second_window(cursor, side.connector.now(), age)
    if window is None:
        return None
    with running(work, "second_look", side, feed.name) as run:
        late: list[News] = []
        rows, expected, server_now = 0, None, side.connector.now()
        asked_at = work.clock.now()
        for page in side.connector.pull(feed.spec, window):
            rows, expected = rows + len(page.rows) + len(page.unreadable), page.expected
            with work.store.begin() as tx:
                run.total += store_rows(tx, side, feed, page.rows, asked_at, run.id, news=late)
                if page.unreadable:
                    records.keep_unreadable(tx, side.uid, feed.head, page.unreadable, asked_at, run.id)
            work.go_on()
            asked_at = work.clock.now()
        if expected is not None and rows < expected:
            raise IncompleteRead(f"{rows} of {expected} records came.")
        with work.store.begin() as tx:
            cursors.looked_again(tx, side.uid, feed.head, window.upper, work.clock.now())
        if late:
            slowest = server_now - min(item.row.stamp for item in late)
            run.counts.update(late=len(late), latest_seconds=round(slowest.total_seconds()))
        return run.total
