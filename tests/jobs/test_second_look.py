"""Second look: what an index shows an hour late is found without moving the watermark, and the lag is measured."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from syncd.errors import IncompleteRead, Retry
from syncd.jobs.look import look_again, second_window
from syncd.jobs.pull import pull
from syncd.model import Stream, Window
from syncd.store import cursors, records, runs
from syncd.store.cursors import Cursor

from .conftest import Make
from .world import CRM_UID, World

NOW = datetime.fromisoformat("2026-11-24T09:00:00+00:00")
HOUR = timedelta(hours=1)


def before(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def cursor(watermark: datetime | None, looked: datetime | None = None) -> Cursor:
    return Cursor(watermark, None, None, None, 0, None, looked)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(cursor(None), None, id="nothing was read yet"),
        pytest.param(cursor(NOW), Window(before(2), before(1)), id="an hour that is an hour old"),
        pytest.param(cursor(NOW, before(2)), Window(before(2), before(1)), id="from where the last one ended"),
        pytest.param(cursor(NOW, before(9)), Window(before(9), before(1)), id="no gap after a night off"),
        pytest.param(cursor(NOW, before(1)), Window(before(2), before(1)), id="an overlap where it was early"),
        pytest.param(cursor(before(1.5), before(3)), Window(before(3), before(1.5)), id="not past what was pulled"),
        pytest.param(cursor(before(4)), None, id="nothing of it was pulled"),
    ],
)
def test_the_window_of_a_second_look(known: Cursor, expected: Window | None) -> None:
    assert second_window(known, NOW, HOUR) == expected


def test_a_system_that_shows_nothing_late_is_not_looked_at_twice() -> None:
    assert second_window(cursor(NOW), NOW, timedelta(0)) is None


def slow(make: Make, **about: Any) -> World:
    world = make(empty=True, second_look=3600.0, read_lag=60.0, **about)
    pull(world.work, world.side("crm"), Stream.ACCOUNTS)
    return world


def look(world: World) -> Any:
    return look_again(world.work, world.side("crm"), Stream.ACCOUNTS)


def held(world: World) -> Cursor:
    with world.store.read() as tx:
        return cursors.get(tx, CRM_UID, Stream.ACCOUNTS)


def last_run(world: World) -> dict[str, Any]:
    with world.store.read() as tx:
        return runs.recent(tx, 1)[0]


def test_what_surfaced_late_is_found_and_its_lag_is_measured(make: Make) -> None:
    """F42, F41, F02."""
    world = slow(make)
    world.crm.put("Account", "late", {"Name": "Late Ltd"}, late=3000)
    world.clock.advance(minutes=20)
    for _ in range(5):
        pull(world.work, world.side("crm"), Stream.ACCOUNTS)
        world.clock.advance(minutes=20)
    assert look(world).new == 1
    run = last_run(world)
    assert (run["job"], run["counts"]["late"], run["counts"]["latest_seconds"]) == ("second_look", 1, 7200)
    with world.store.read() as tx:
        assert [row.ref.id for row in records.of_stream(tx, Stream.ACCOUNTS)] == ["late"]


def test_the_watermark_and_what_is_complete_stay_where_they_are(make: Make) -> None:
    world = slow(make)
    world.clock.advance(hours=2)
    pull(world.work, world.side("crm"), Stream.ACCOUNTS)
    mark, complete = held(world).watermark, held(world).complete_through
    world.clock.advance(minutes=5)
    assert look(world) is not None
    assert (held(world).watermark, held(world).complete_through) == (mark, complete)
    assert held(world).looked_through == world.clock.now() - HOUR


def test_it_is_due_once_an_hour(make: Make) -> None:
    world = slow(make)
    assert look(world) is None, "everything was read a moment ago"
    world.clock.advance(minutes=59)
    pull(world.work, world.side("crm"), Stream.ACCOUNTS)
    assert look(world) is None
    world.clock.advance(minutes=1)
    assert look(world) is not None
    assert look(world) is None


def test_a_look_that_failed_is_made_again_from_where_the_last_whole_one_ended(make: Make) -> None:
    world = slow(make)
    through = held(world).looked_through
    world.clock.advance(hours=2)
    pull(world.work, world.side("crm"), Stream.ACCOUNTS)
    world.crm.fail(Retry("busy"))
    with pytest.raises(Retry):
        look(world)
    world.crm.put("Account", "a", {"Name": "A"})
    world.clock.advance(hours=2)
    pull(world.work, world.side("crm"), Stream.ACCOUNTS)
    world.crm.hide(1)
    with pytest.raises(IncompleteRead):
        look(world)
    assert held(world).looked_through == through
    assert look(world) is not None


def test_a_cycle_looks_again_when_it_is_due_and_makes_one_call_more_for_each_object(make: Make) -> None:
    world = make(second_look=3600.0)
    world.cycle()
    world.cycle()
    assert world.cycle().calls == 6
    assert world.cycle(hours=1).calls == 12
    assert world.cycle().calls == 6
