"""Windows: what is read next, and what becomes of the watermark when a read fails in the middle."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from syncd.errors import IncompleteRead, Retry
from syncd.jobs.feeds import spec_hash
from syncd.jobs.pull import next_window, pull
from syncd.model import ReadSpec, Stream, Window
from syncd.store import cursors, records, runs
from syncd.store.cursors import Cursor

from .conftest import Make
from .world import CRM_UID, World

NOW = datetime.fromisoformat("2026-11-24T09:00:00+00:00")
OVERLAP = timedelta(minutes=10)


def before(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def cursor(**about: Any) -> Cursor:
    known = {"watermark": None, "complete_through": None, "window": None, "position": None, "rows": 0, "spec_hash": "s"}
    return Cursor(**{**known, **about})


HALF_READ = {"window": Window(before(60), before(30)), "position": {"after": 7}, "rows": 7}


@pytest.mark.parametrize(
    ("known", "spec", "lower", "upper", "position", "rows"),
    [
        pytest.param(cursor(spec_hash=None), "s", None, NOW, None, 0, id="the first reads everything"),
        pytest.param(cursor(watermark=before(5)), "s", before(15), NOW, None, 0, id="the next reaches back"),
        pytest.param(cursor(watermark=NOW), "s", before(10), NOW, None, 0, id="no time has passed"),
        pytest.param(cursor(**HALF_READ), "s", before(60), before(30), {"after": 7}, 7, id="an open one goes on"),
        pytest.param(cursor(watermark=before(90), **HALF_READ), "s", before(60), before(30), {"after": 7}, 7,
                     id="an open one goes on whatever the watermark"),
        pytest.param(cursor(window=Window(None, before(30))), "s", None, before(30), None, 0, id="no page came yet"),
        pytest.param(cursor(watermark=before(5)), "t", None, NOW, None, 0, id="another mapping reads everything"),
        pytest.param(cursor(watermark=before(90), **HALF_READ), "t", None, NOW, None, 0,
                     id="another mapping drops an open one"),
    ],
)  # fmt: skip
def test_the_next_window(
    known: Cursor, spec: str, lower: datetime | None, upper: datetime, position: Any, rows: int
) -> None:
    opened = next_window(known, spec, NOW, OVERLAP)
    assert (opened.window, opened.position, opened.rows) == (Window(lower, upper), position, rows)


def test_a_spec_is_another_when_other_fields_or_records_are_read() -> None:
    one = ReadSpec(Stream.ACCOUNTS, "Account", ("A", "B"), {"T": ("x",)})
    others = [
        ReadSpec(Stream.ACCOUNTS, "Account", ("A",), {"T": ("x",)}),
        ReadSpec(Stream.ACCOUNTS, "Account", ("A", "B"), {"T": ("y",)}),
        ReadSpec(Stream.ACCOUNTS, "Lead", ("A", "B"), {"T": ("x",)}),
        ReadSpec(Stream.ACCOUNTS, "Account", ("A", "B"), {"T": ("x",)}, ("contacts",)),
    ]
    assert len({spec_hash(spec) for spec in [one, *others]}) == 5
    assert spec_hash(one) == spec_hash(ReadSpec(Stream.ACCOUNTS, "Account", ("A", "B"), {"T": ("x",)}))


def accounts(world: World, count: int) -> World:
    for n in range(count):
        world.account(f"a{n:02}", f"Company {n}")
        world.clock.advance(seconds=1)
    return world


def read(world: World) -> Any:
    return pull(world.work, world.side("crm"), Stream.ACCOUNTS)


def held(world: World) -> Cursor:
    with world.store.read() as tx:
        return cursors.get(tx, CRM_UID, Stream.ACCOUNTS)


def stored_ids(world: World) -> list[str]:
    with world.store.read() as tx:
        return [item.ref.id for item in records.of_stream(tx, Stream.ACCOUNTS)]


def test_a_window_read_whole_moves_the_watermark_and_stays_behind_by_the_read_lag(make: Make) -> None:
    """F05, F19."""
    world = accounts(make(empty=True, page_size=3, read_lag=30.0), 7)
    counts = read(world)
    assert (counts.read, counts.new) == (7, 7)
    found = held(world)
    assert found.watermark == world.clock.now()
    assert found.complete_through == world.clock.now() - timedelta(seconds=30)
    assert found.window is None


def test_what_became_visible_late_is_read_in_the_overlap(make: Make) -> None:
    """F02, F41."""
    world = make(empty=True, read_lag=30.0)
    world.crm.put("Account", "late", {"Name": "Late"}, late=30)
    world.clock.advance(seconds=10)
    assert read(world).read == 0
    world.clock.advance(seconds=20)
    assert read(world).new == 1


def test_a_read_that_was_shorter_than_its_window_drops_it_and_keeps_the_watermark(make: Make) -> None:
    """F09, F10, F11, F72."""
    world = accounts(make(empty=True, page_size=3), 2)
    read(world)
    mark = held(world).watermark
    accounts(world, 7)
    world.crm.hide(1)
    with pytest.raises(IncompleteRead):
        read(world)
    found = held(world)
    assert (found.watermark, found.complete_through, found.window, found.position) == (mark, mark, None, None)
    with world.store.read() as tx:
        assert runs.recent(tx, 1)[0]["status"] == "failed"
    assert read(world).new == 0
    assert len(stored_ids(world)) == 7
    assert held(world).watermark == world.clock.now()


def test_an_interrupted_window_goes_on_after_the_last_page_with_its_bounds(make: Make) -> None:
    """F12, F55."""
    world = accounts(make(empty=True, page_size=3), 7)
    opened_at = world.clock.now()
    world.crm.fail(None, Retry("later"))
    with pytest.raises(Retry):
        read(world)
    found = held(world)
    assert (found.window, found.rows, found.watermark) == (Window(None, opened_at), 3, None)
    assert stored_ids(world) == ["a00", "a01", "a02"]
    world.clock.advance(minutes=5)
    calls = world.crm.calls
    assert read(world).read == 4
    assert world.crm.calls - calls == 2
    assert held(world).watermark == opened_at, "what happened since is read in the next window"


def test_a_changed_mapping_reads_everything_again(make: Make) -> None:
    """F21."""
    world = accounts(make(empty=True), 3)
    read(world)
    world.clock.advance(hours=1)
    assert read(world).read == 1, "the overlap alone"
    changed = {**world.crm_mapping, "streams": {**world.crm_mapping["streams"]}}
    changed["streams"]["accounts"] = {**changed["streams"]["accounts"], "where": {}}
    world.crm_mapping = changed
    world.restart()
    assert read(world).read == 3


def test_what_cannot_be_made_a_row_is_kept_with_its_reason(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from syncd.store import graph

    world = accounts(make(empty=True), 1)
    real = world.crm.pull
    monkeypatch.setattr(
        world.crm, "pull",
        lambda *call: (replace(page, unreadable=(("x9", "has no stamp"),)) for page in real(*call)),
    )  # fmt: skip
    assert read(world).read == 1
    with world.store.read() as tx:
        (kept,) = graph.unreadable_rows(tx)
    assert (kept["ref"], kept["stream"], kept["reason"]) == (f"{CRM_UID}/x9", "accounts", "has no stamp")


def test_progress_is_told_after_each_page(make: Make) -> None:
    world, told = accounts(make(empty=True, page_size=2), 3), list[Any]()
    pull(world.work, world.side("crm"), Stream.ACCOUNTS, lambda *said: told.append(said))
    assert told == [("crm accounts", 2, 3), ("crm accounts", 3, 3)]
