"""Simulated pull histories: 0 records lost, and what is said to be complete is complete; the usual ways are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from syncd.jobs import pull as pulling
from syncd.store.database import Store

from .crm import Crm, SkewedClock
from .pulling import LAG, AfterNewest, History, Naive, OurClockAtTheEnd, OurClockAtTheStart, Reader, Syncd, Verdict

PLAIN, COUNTED, PART = 200, 4_000, 200


@pytest.fixture
def store(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """One state for many histories, each with a connection of its own. No power is cut here: nothing waits for it."""
    monkeypatch.setattr(structlog, "get_logger", lambda *about: structlog.wrap_logger(None, processors=[_drop]))
    with closing(Store(sqlite_url)) as made:
        for engine in (made._writing, made._reading):
            sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        yield made


def _drop(logger: Any, name: str, event: Any) -> Any:
    raise structlog.DropEvent


def syncd(store: Store) -> Callable[[Crm, SkewedClock], Reader]:
    return lambda crm, clock: Syncd(store, crm, clock)


def told(seed: int, verdict: Verdict) -> str:
    return f"SEED={seed}: " + "; ".join(verdict.wrong[:5])


def judge(store: Store, seeds: range) -> int:
    """Every history with these seeds; the number of reads in them."""
    reads = 0
    for seed in seeds:
        verdict = History(seed, syncd(store)).run()
        assert not verdict.wrong, told(seed, verdict)
        reads += verdict.pulls
    return reads


@pytest.mark.parametrize("part", range(4))
def test_nothing_is_lost_and_no_claim_is_a_lie(store: Store, part: int) -> None:
    """F01, F02, F03, F04, F05, F06, F16, F17, F42, F53."""
    size = PLAIN // 4
    assert judge(store, range(part * size, (part + 1) * size)) > 5 * size


@pytest.mark.counts
@pytest.mark.parametrize("part", range(COUNTED // PART))
def test_nothing_is_lost_in_thousands_of_histories(store: Store, part: int) -> None:
    """F01, F02, F03, F04, F05, F06, F16, F17, F42, F53."""
    first = 1_000_000 + part * PART
    assert judge(store, range(first, first + PART)) > 5 * PART


# --- the harness sees what goes wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(AfterNewest, id="newer than the newest stamp"),
        pytest.param(Naive, id="from the newest stamp on"),
        pytest.param(OurClockAtTheEnd, id="from the end of the last run"),
        pytest.param(OurClockAtTheStart, id="from the start of the last run"),
        pytest.param(lambda crm, clock: Naive(crm, clock, LAG / 3), id="an overlap shorter than the lag"),
    ],
)
def test_the_usual_strategies_lose_records(make: Callable[[Crm, SkewedClock], Reader]) -> None:
    """F01, F02, F05, F37."""
    assert any(History(seed, make).run().lost for seed in range(PLAIN))


def test_an_overlap_longer_than_every_lag_loses_nothing_of_what_a_cursor_can_see() -> None:
    """The harness is not simply hopeless."""
    late = 3600.0 + LAG
    for seed in range(PLAIN):
        verdict = History(seed, lambda crm, clock: Naive(crm, clock, late)).run()
        assert not verdict.lost, told(seed, verdict)


def wrong(store: Store, **about: Any) -> Iterator[str]:
    """What is found out about syncd with a guard taken out, history by history."""
    for seed in range(PLAIN):
        yield from History(seed, syncd(store), **about).run().wrong


def test_without_an_overlap_what_is_said_to_be_complete_is_not(store: Store) -> None:
    """F02."""
    assert any("unseen" in said for said in wrong(store, overlap_seconds=0.0))


def test_without_the_lag_what_is_said_to_be_complete_is_not(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """F02."""
    real = pulling.complete_through
    monkeypatch.setattr(pulling, "complete_through", lambda *about: real(*about[:3], timedelta(0)))
    assert any("unseen" in said for said in wrong(store))


def test_a_window_read_only_to_its_upper_bound_lets_records_slip_through(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F06."""
    monkeypatch.setattr(pulling.Opened, "read_through", property(lambda self: self.window))
    monkeypatch.setattr(pulling, "complete_through", lambda opened, rows, now, lag: opened.window.upper - lag)
    assert any("unseen" in said for said in wrong(store))


def test_a_watermark_from_the_newest_stamp_loses_records(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """F06, F43."""
    real = pulling.cursors.close_window
    newest: dict[str, Any] = {}
    store_rows = pulling.store_rows

    def noting(tx: Any, side: Any, feed: Any, rows: Any, *more: Any, **about: Any) -> Any:
        for row in rows:
            newest[side.uid] = max(row.stamp, newest.get(side.uid, row.stamp))
        return store_rows(tx, side, feed, rows, *more, **about)

    def closing_at_newest(tx: Any, uid: str, stream: Any, upper: Any, through: Any) -> None:
        real(tx, uid, stream, newest.get(uid, upper) + timedelta(seconds=LAG), through)

    monkeypatch.setattr(pulling, "store_rows", noting)
    monkeypatch.setattr(pulling.cursors, "close_window", closing_at_newest)
    assert any(wrong(store))


def test_without_the_second_look_what_an_index_shows_late_is_missed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F42."""
    monkeypatch.setattr(Syncd, "look", lambda self: None)
    assert any("second look" in said for said in wrong(store))


def test_without_sweeps_what_no_stamp_tells_of_is_lost(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """F04, F14."""
    monkeypatch.setattr(Syncd, "sweep", lambda self, pages=None: None)
    assert any("instead of" in said for said in wrong(store))


def test_the_same_seed_is_the_same_history(store: Store) -> None:
    first, second = (History(7, lambda crm, clock: Naive(crm, clock)) for _ in range(2))
    assert first.run() == second.run()
    assert [replace(v) for v in first.crm.versions] == second.crm.versions
