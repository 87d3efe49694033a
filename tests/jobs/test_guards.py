"""What a system claims is not believed without a count, a last page, or a read by id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from syncd.errors import Brake, IncompleteRead, Stop
from syncd.jobs.holds import proceed
from syncd.jobs.look import look_again
from syncd.jobs.pull import Opened, complete_through, pull
from syncd.jobs.sweep import sweep
from syncd.model import Page, Stream, Window
from syncd.store import cursors, records, sweeps
from syncd.store.cursors import Cursor

from .conftest import Make
from .world import CRM_UID, World, crm_ref

NOW = datetime.fromisoformat("2026-11-24T09:00:00+00:00")
LAG = timedelta(minutes=10)

Pages = Iterable[Page]
Bend = Callable[[World, Callable[[Pages], Pages]], None]


@pytest.fixture
def bend_pull(monkeypatch: pytest.MonkeyPatch) -> Bend:
    """Bends what the CRM gives to a pull."""
    return _bender(monkeypatch, "pull")


@pytest.fixture
def bend_sweep(monkeypatch: pytest.MonkeyPatch) -> Bend:
    """Bends what the CRM gives to a sweep."""
    return _bender(monkeypatch, "sweep")


def _bender(monkeypatch: pytest.MonkeyPatch, name: str) -> Bend:
    def bend(world: World, how: Callable[[Pages], Pages]) -> None:
        real = getattr(world.crm, name)
        monkeypatch.setattr(world.crm, name, lambda *asked: iter(how(real(*asked))))

    return bend


def read(world: World) -> None:
    pull(world.work, world.side("crm"), Stream.ACCOUNTS)


def swept(world: World, most_pages: int | None = None) -> Any:
    return sweep(world.work, world.side("crm"), Stream.ACCOUNTS, most_pages=most_pages)


def held(world: World) -> Cursor:
    with world.store.read() as tx:
        return cursors.get(tx, CRM_UID, Stream.ACCOUNTS)


def is_there(world: World, id_: str) -> bool:
    with world.store.read() as tx:
        found = records.get(tx, [crm_ref(id_)]).get(crm_ref(id_))
        return found is not None and not found.deleted and id_ not in sweeps.out_of_sight(tx, CRM_UID, "Account")


def without(page: Page, id_: str) -> Page:
    """The page as if that record had not come, nor been counted."""
    return replace(page, rows=[row for row in page.rows if row.id != id_], expected=None)


def with_another_mapping(world: World) -> None:
    """As before, but for a filter that is lifted."""
    streams = world.crm_mapping["streams"]
    world.crm_mapping = {"streams": {**streams, "accounts": {**streams["accounts"], "where": {}}}}
    world.restart()


# --- windows ---------------------------------------------------------------------------------------------------------


def test_a_last_page_before_everything_came_moves_no_watermark(make: Make, bend_pull: Bend) -> None:
    """F09, F11."""
    world = make()
    bend_pull(world, lambda pages: (replace(p, expected=(p.expected or 0) + 1) for p in pages))
    with pytest.raises(IncompleteRead, match="2 of 3"):
        read(world)
    assert (held(world).watermark, held(world).complete_through, held(world).window) == (None, None, None)


def test_a_pull_that_ends_without_a_last_page_moves_no_watermark(make: Make, bend_pull: Bend) -> None:
    """F10, F13."""
    world = make(page_size=1)
    bend_pull(world, lambda pages: (p for p in pages if not p.last))
    with pytest.raises(IncompleteRead, match="broke off"):
        read(world)
    assert (held(world).watermark, held(world).window) == (None, None)
    assert is_there(world, "a1"), "what came is kept"


def test_a_window_that_took_longer_than_it_reached_ahead_proves_nothing(make: Make, bend_pull: Bend) -> None:
    """F06."""
    world = make(page_size=1)

    def slowly(pages: Pages) -> Iterator[Page]:
        for page in pages:
            world.clock.advance(hours=2)
            yield page

    bend_pull(world, slowly)
    read(world)
    assert held(world).watermark is not None
    assert held(world).complete_through is None


def test_a_window_that_ends_in_the_servers_future_is_not_read(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """F05."""
    world = make()
    told = iter([world.clock.now() + timedelta(hours=1)])
    true = world.crm.now

    def now() -> datetime:
        return next(told, None) or true()

    monkeypatch.setattr(world.crm, "now", now)
    with pytest.raises(Stop, match="where the server's clock has not been yet"):
        read(world)
    assert held(world).watermark is None
    world.account("a3", "Cedar Works Ltd")
    world.clock.advance(hours=1)
    read(world)
    assert is_there(world, "a3")


@pytest.mark.parametrize(
    ("rows", "late", "expected"),
    [
        pytest.param(19_999, 3600, NOW - LAG, id="one by one, and in time"),
        pytest.param(19_999, 3601, None, id="longer than it reached ahead"),
        pytest.param(20_000, 60, None, id="side by side"),
    ],
)
def test_only_what_was_read_one_page_after_the_other_and_in_time_is_complete(
    rows: int, late: int, expected: datetime | None
) -> None:
    """F06. An edit moves a record from a part that was not read yet into one that was."""
    opened = Opened(Window(None, NOW), None, 0)
    assert complete_through(opened, rows, NOW + timedelta(seconds=late), LAG) == expected


def test_a_second_look_that_shows_less_than_is_counted_looked_at_nothing(make: Make, bend_pull: Bend) -> None:
    """F09, F42."""
    world = make(second_look=3600.0)
    read(world)
    world.clock.advance(hours=2)
    read(world)
    before = held(world).looked_through
    bend_pull(world, lambda pages: (replace(p, expected=(p.expected or 0) + 1) for p in pages))
    with pytest.raises(IncompleteRead):
        look_again(world.work, world.side("crm"), Stream.ACCOUNTS)
    assert held(world).looked_through == before


# --- sweeps ----------------------------------------------------------------------------------------------------------


def test_a_record_that_is_new_while_a_sweep_is_under_way_is_not_taken_for_gone(make: Make, bend_sweep: Bend) -> None:
    world = make(page_size=1)
    read(world)
    bend_sweep(world, lambda pages: (without(p, "a0") for p in pages))  # its place is behind us already
    assert not swept(world, most_pages=1).done
    world.account("a0", "Cedar Works Ltd")
    world.clock.advance(seconds=10)
    read(world)
    assert swept(world).done
    assert is_there(world, "a0")


def test_a_sweep_that_shows_less_than_is_counted_takes_nothing_for_gone(make: Make, bend_sweep: Bend) -> None:
    """F09, F11."""
    world = make()
    read(world)
    world.crm.purge("Account", "a2")
    bend_sweep(world, lambda pages: (replace(p, expected=2) for p in pages))
    with pytest.raises(IncompleteRead, match="1 of 2"):
        swept(world)
    assert is_there(world, "a2")


def test_what_can_be_read_neither_in_a_sweep_nor_by_id_is_there(
    make: Make, bend_sweep: Bend, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make()
    read(world)
    bend_sweep(world, lambda pages: (replace(without(p, "a2"), unreadable=(("a2", "has no stamp"),)) for p in pages))
    real = world.crm.fetch
    monkeypatch.setattr(world.crm, "fetch", lambda spec, ids: [row for row in real(spec, ids) if row.id != "a2"])
    assert swept(world).done
    assert is_there(world, "a2")


def test_a_sweep_of_another_mapping_trusts_nothing_that_the_one_before_has_shown(make: Make) -> None:
    """F16."""
    world = make(page_size=1)
    read(world)
    assert not swept(world, most_pages=1).done
    world.crm.purge("Account", "a1")  # shown a moment ago
    with_another_mapping(world)
    assert swept(world).done
    assert not is_there(world, "a1")


def test_a_word_for_what_has_vanished_does_not_cover_what_vanishes_after_it(make: Make) -> None:
    """F36."""
    world = make()
    for n in range(78):
        world.account(f"b{n:03}", f"Company {n:03} Ltd")
    read(world)
    for n in range(25):
        world.crm.purge("Account", f"b{n:03}")
    with pytest.raises(Brake, match="25 of 80"):
        swept(world)
    proceed(world.work, "1", "kim", "old prospects")
    for n in range(25, 55):
        world.crm.purge("Account", f"b{n:03}")
    with_another_mapping(world)  # so that the sweep begins anew
    with pytest.raises(Brake, match="55 of 80"):
        swept(world)
    assert is_there(world, "b000")
