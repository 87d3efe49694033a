"""Sweep: everything there is, whatever its stamp, against what we hold; what no cursor can see is found by this.

It may take many cycles: each page is one transaction with its position. What we hold and it has not shown is then read
by id. Only then, and only where nothing can be hidden from us, is a record that nobody tells of taken for gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.errors import Brake, IncompleteRead
from syncd.jobs.feeds import Feed
from syncd.jobs.intake import partner_of
from syncd.jobs.pull import Progress
from syncd.jobs.rows import store_rows, tombstone
from syncd.jobs.work import Run, Side, Work, running
from syncd.model import Page, Ref, Stream
from syncd.store import cursors, graph, holds, records, sweeps
from syncd.store.holds import HoldKind
from syncd.store.records import News
from syncd.store.sweeps import Sweep

PAGES_PER_CYCLE = 50
"""So many pages of a sweep a cycle reads, so that decisions do not wait for it."""
_PER_FETCH = 1_000


@dataclass(frozen=True, slots=True)
class Swept:
    """How far a sweep came; `lost` records are no longer shown to us since then."""

    done: bool
    lost: int = 0


def due(work: Work, side: Side, stream: Stream) -> bool:
    """A sweep is under way, or the last one (or the first pull) is longer ago than the schedule wants."""
    feed = side.feed(stream)
    with work.store.read() as tx:
        known, cursor = sweeps.get(tx, side.uid, feed.object), cursors.get(tx, side.uid, feed.head)
    if cursor.watermark is None:
        return False  # what was never read whole is on its way to us
    if known is None or known.finished_at is None or known.state != sweeps.DONE:
        return True
    return work.clock.now() - known.finished_at >= _interval(work, side, feed)


def _interval(work: Work, side: Side, feed: Feed) -> timedelta:
    """Fields that change without moving a stamp want to be read more often."""
    access = side.access.get(feed.object)
    return min(work.sweep_every, work.refresh_formulas) if access and access.formulas else work.sweep_every


def sweep(
    work: Work, side: Side, stream: Stream, *, most_pages: int | None = None, progress: Progress | None = None
) -> Swept:
    """Go on with the sweep of a stream's object, or begin one.

    Raises the connector's errors, what was stored stays; Brake when more has vanished than can be believed.
    """
    feed = side.feed(stream)
    with running(work, "sweep", side, feed.name) as run:
        state = _under_way(work, side, feed, run)
        found = Counter(state.counts)
        try:
            if state.state == sweeps.READING and not _read(work, side, feed, state, run, found, most_pages, progress):
                return Swept(False)
            lost = _end(work, side, feed, state, run, found)
        finally:
            run.counts.update({name: more for name, n in found.items() if (more := n - state.counts.get(name, 0))})
        return Swept(True, lost)


def _under_way(work: Work, side: Side, feed: Feed, run: Run) -> Sweep:
    with work.store.read() as tx:
        known = sweeps.get(tx, side.uid, feed.object)
    if known is not None and known.state != sweeps.DONE and known.spec_hash == feed.spec_hash:
        return known
    counted = side.connector.count(feed.spec) if feed.filings else None
    with work.store.begin() as tx:
        return sweeps.begin(tx, side.uid, feed.object, feed.spec_hash, counted, work.clock.now(), run.id)


# --- reading ---------------------------------------------------------------------------------------------------------


def _read(
    work: Work, side: Side, feed: Feed, state: Sweep, run: Run, found: Counter[str], most_pages: int | None,
    progress: Progress | None,
) -> bool:  # fmt: skip
    """Read on from where the sweep is; True when it has shown everything."""
    rows, done, pages = state.rows, 0, side.connector.sweep(feed.spec, state.position)
    while True:
        asked_at = work.clock.now()
        try:
            page = next(pages, None)
            if page is None:
                raise IncompleteRead("The sweep broke off before its last page.")
            rows += len(page.rows) + len(page.unreadable)
            if page.last and page.expected is not None and rows < page.expected:
                raise IncompleteRead(f"{rows} of {page.expected} records came.")
        except IncompleteRead:
            with work.store.begin() as tx:
                sweeps.drop(tx, side.uid, feed.object)
            raise
        _store(work, side, feed, page, rows, asked_at, run, found)
        if progress is not None:
            progress(f"{side.name} {feed.name} sweep", rows, page.expected)
        done += 1
        if page.last or done == most_pages:
            return page.last
        work.go_on()


def _store(
    work: Work, side: Side, feed: Feed, page: Page, rows: int, asked_at: datetime, run: Run, found: Counter[str]
) -> None:
    news: list[News] = []
    with work.store.begin() as tx:
        run.total += store_rows(tx, side, feed, page.rows, asked_at, run.id, news=news)
        _note_drift(tx, side, feed, news, found)
        number = records.source_of(tx, side.uid, feed.object, feed.head)
        sweeps.note_seen(tx, number, _seen(feed, page))
        if page.unreadable:
            records.keep_unreadable(tx, side.uid, feed.head, page.unreadable, asked_at, run.id)
        if page.last:
            sweeps.end(tx, side.uid, feed.object, rows, found)
        else:
            sweeps.move(tx, side.uid, feed.object, page.position, rows, found)


def _seen(feed: Feed, page: Page) -> Iterator[tuple[str, str | None]]:
    """What is there, readable or not, with who filed it."""
    filings = feed.filings
    for row in page.rows:
        if not row.deleted:
            yield row.id, partner_of(filings, row.fields) if filings else None
    yield from ((id_, None) for id_, _ in page.unreadable)


def _note_drift(tx: sa.Connection, side: Side, feed: Feed, news: Sequence[News], found: Counter[str]) -> None:
    """Count what a pull should have brought already, or could not; formulas by themselves, because they are known."""
    access, through = side.access.get(feed.object), cursors.get(tx, side.uid, feed.head).complete_through
    formulas = set(access.formulas) if access else set()
    for item in news:
        if not (item.same_stamp or (through is not None and item.row.stamp <= through)):
            continue  # changed since the last pull, which will bring it
        refreshed = item.before is not None and _differing(item) <= formulas
        found["refreshed" if refreshed and formulas else "drift"] += 1


def _differing(item: News) -> set[str]:
    before: dict[str, Any] = orjson.loads(item.before or "{}")
    return {name for name, value in item.row.fields.items() if name in before and before[name] != value}


# --- the end ---------------------------------------------------------------------------------------------------------


def _end(work: Work, side: Side, feed: Feed, state: Sweep, run: Run, found: Counter[str]) -> int:
    """Ask by id for what was not shown, believe what can be believed, and close the sweep.

    Returns how many records have gone out of our sight.
    """
    with work.store.read() as tx:
        asked = [*_not_shown(tx, side, feed), *sweeps.revived(tx, side.uid, feed.object)]
        held = sweeps.held(tx, side.uid, feed.object)
        hidden = sweeps.out_of_sight(tx, side.uid, feed.object)
    unknown: list[str] = []
    for some in graph.chunks(asked, _PER_FETCH):
        unknown += _ask(work, side, feed, some, run, found)
        work.go_on()
    proved = bool(unknown) and _proved(work, side, feed)
    fresh = unknown if proved else [id_ for id_ in unknown if id_ not in hidden]
    _brake(work, side, feed, fresh, held, run)
    _bury(work, side, feed, unknown, proved, run)
    found["vanished" if proved else "not_visible"] += len(unknown)
    _close(work, side, feed, state, found)
    return 0 if proved else len(fresh)


def _proved(work: Work, side: Side, feed: Feed) -> bool:
    """Nothing of this object is hidden from us: asked anew, because rights are taken away without a word."""
    access = work.check_again(side)[0].access.get(feed.object)
    return access is not None and access.sees_all is True


def _not_shown(tx: sa.Connection, side: Side, feed: Feed) -> list[str]:
    """What we hold and was not shown. What a filter on the server keeps out is not expected to be."""
    ids = sweeps.missing(tx, side.uid, feed.object)
    if not feed.spec.where:
        return ids
    let_in: list[str] = []
    for some in graph.chunks(ids):
        known = records.get(tx, [Ref(side.uid, feed.object, id_) for id_ in some])
        let_in += [r.id for r, stored in known.items() if feed.lets_in(r.id, {**stored.fields, **stored.shown})]
    return let_in


def _ask(work: Work, side: Side, feed: Feed, ids: Sequence[str], run: Run, found: Counter[str]) -> list[str]:
    """Read some by id and store what the system says of them; returns those that it says nothing of."""
    asked_at = work.clock.now()
    rows = {row.id: row for row in side.connector.fetch(feed.spec, ids)}
    live = [row for row in rows.values() if not row.deleted]
    with work.store.begin() as tx:
        run.total += store_rows(tx, side, feed, list(rows.values()), asked_at, run.id, by_id=True)
        number = records.source_of(tx, side.uid, feed.object, feed.head)
        sweeps.note_seen(tx, number, _seen(feed, Page(live, {}, None, False)))
    found["left"] += sum(not feed.lets_in(row.id, row.fields) for row in live)
    return [id_ for id_ in ids if id_ not in rows]


def _brake(work: Work, side: Side, feed: Feed, fresh: Sequence[str], held: int, run: Run) -> None:
    """More has vanished than can be believed: nothing is taken for gone until a person says so."""
    n, least = len(fresh), work.brakes.vanished_least
    if n < least or n <= work.brakes.vanished_share * held:
        return
    with work.store.read() as tx:
        lifted = holds.lifted(tx, side.uid, feed.object, HoldKind.VANISHED)
    if lifted is not None and n < int(lifted.evidence["vanished"]) + least:
        return
    what = f"{side.name} {feed.name}: {n} of {held} records have vanished, {', '.join(fresh[:5])} among them."
    evidence = {"vanished": n, "of": held, "examples": list(fresh[:5])}
    with work.store.begin() as tx:
        holds.use_up(tx, side.uid, feed.object, HoldKind.VANISHED)
        holds.stop(tx, side.uid, feed.object, HoldKind.VANISHED, what, evidence, work.clock.now(), run.id)
    raise Brake(what)


def _bury(work: Work, side: Side, feed: Feed, unknown: Sequence[str], proved: bool, run: Run) -> None:
    """What nothing tells of is gone where nothing is hidden from us; elsewhere it is kept as out of our sight."""
    for some in graph.chunks(unknown):
        with work.store.begin() as tx:
            if proved:
                known = records.get(tx, [Ref(side.uid, feed.object, id_) for id_ in some])
                rows = [tombstone(stored) for stored in known.values() if not stored.deleted]
                run.total += store_rows(tx, side, feed, rows, work.clock.now(), run.id, by_id=True)
            else:
                number = records.source_of(tx, side.uid, feed.object, feed.head)
                sweeps.lose_sight(tx, number, some, work.clock.now(), run.id)


def _close(work: Work, side: Side, feed: Feed, state: Sweep, found: Counter[str]) -> None:
    """The sweep is done. What was filed is counted once more: meanwhile some may have come or gone."""
    counts: dict[str, Any] = {name: n for name, n in found.items() if n}
    if feed.filings:
        after = side.connector.count(feed.spec)
        told = [n for n in (state.counted, after) if n is not None]
        counts |= {"counted": min(told) if len(told) == 2 else None, "accounted": False}
    with work.store.begin() as tx:
        if state.started_at is not None:
            sweeps.forget_unreadable(tx, side.uid, feed.object, feed.head, state.started_at)
        sweeps.finish(tx, side.uid, feed.object, work.clock.now(), counts, keep_seen=bool(feed.filings))
        holds.use_up(tx, side.uid, feed.object, HoldKind.VANISHED)
