"""Freezing anew: looked at first, stopped by the brake, recorded as a fact and in the ledger, and kept by a rebuild."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from syncd.errors import Brake, UserError
from syncd.jobs.frozen import in_force
from syncd.jobs.link import link
from syncd.jobs.rebuild import rebuild
from syncd.jobs.refresh import Refresh, look, refresh
from syncd.matching import shipped_weights
from syncd.matching.points import BEGIN
from syncd.model import Band
from syncd.store import graph, ledger
from syncd.store.tables import ledger as ledger_table

from .conftest import Make
from .test_link import links
from .world import World


def version(world: World) -> str:
    with world.store.read() as tx:
        found = in_force(tx)
    assert found is not None
    return found.version


def grown(world: World, many: int = 40) -> World:
    """Linked at first, and since then the words of the company have become common."""
    world.deal()
    world.cycle()
    for n in range(many):
        world.account(f"x{n}", f"Fenwick Instruments {n}", Website=None, City=None)
    world.cycle(minutes=1)
    return world


def seen(world: World) -> Refresh:
    found = look(world.work)
    assert found is not None
    return found


def test_before_anything_was_linked_there_is_nothing_to_freeze_anew(make: Make) -> None:
    with pytest.raises(UserError, match="syncd sync"):
        look(make(empty=True).work)


def test_without_new_records_nothing_would_change(make: Make) -> None:
    world = make()
    world.cycle()
    assert look(world.work) is None
    assert refresh(world.work, "kim") is None


def test_looking_changes_nothing_and_says_what_the_next_run_does(make: Make) -> None:
    world = grown(make())
    before, frozen = links(world), version(world)
    found = seen(world)
    assert (links(world), version(world)) == (before, frozen)
    assert refresh(world.work, "kim", proceed=True, reason="many more accounts") == found
    link(world.work)
    assert version(world) == found.next.version != frozen
    moved = {pair: (before.get(pair), links(world).get(pair)) for pair in {*before, *links(world)}}
    assert sum(found.moves.values()) == sum(
        (was.band if was else Band.NONE) is not (now.band if now else Band.NONE) for was, now in moved.values()
    )
    assert look(world.work) is None


def test_a_refresh_is_in_the_ledger_with_who_and_why(make: Make) -> None:
    world = grown(make())
    refresh(world.work, "kim", proceed=True, reason="many more accounts")
    with world.store.read() as tx:
        rows = [row.kind for row in tx.execute(ledger_table.select().order_by(ledger_table.c.seq))]
        assert rows[-1] == "refresh"
        assert ledger.verify(tx, world.work.ledger_key)[1] is None


def lose(world: World) -> None:
    """A minute later there are points by which nothing is a link any more."""
    world.clock.advance(minutes=1)
    shipped = shipped_weights()
    world.work.weights = replace(shipped, points={**shipped.points, BEGIN: -60.0})


def test_links_that_protect_something_are_not_lost_without_a_persons_word(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    assert world.shows() == "protected"
    lose(world)
    assert [(lost.link.left.id, lost.link.right.id) for lost in seen(world).protecting] == [("c1", "a1")]
    with pytest.raises(Brake, match="protected registrations hang on"):
        refresh(world.work, "kim")
    with pytest.raises(UserError, match="--reason"):
        refresh(world.work, "kim", proceed=True)
    assert links(world)["c1", "a1"].band is Band.AUTO
    refresh(world.work, "kim", proceed=True, reason="the table was wrong")
    world.cycle()
    assert ("c1", "a1") not in links(world)


def test_more_changes_than_the_brake_allows_stop(make: Make) -> None:
    world = make()
    world.cycle()
    lose(world)
    assert seen(world).changes == 1
    world.work.brakes = replace(world.work.brakes, relink_least=1)
    with pytest.raises(Brake, match="1 of 1 links that act would change"):
        refresh(world.work, "kim")
    world.work.brakes = replace(world.work.brakes, relink_least=2)
    assert refresh(world.work, "kim") is not None


def test_a_rebuild_keeps_every_version_and_comes_to_the_same_links(make: Make) -> None:
    world = grown(make())
    refresh(world.work, "kim", proceed=True, reason="many more accounts")
    world.cycle()
    frozen, before, groups = version(world), links(world), members(world)
    rebuild(world.work)
    assert (version(world), links(world), members(world)) == (frozen, before, groups)


def members(world: World) -> dict[Any, int]:
    with world.store.read() as tx:
        return graph.members(tx)


def test_another_band_in_the_settings_links_again(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    score = links(world)["c1", "a1"].score
    world.work.bands = {"prm": ((1 + score) / 2, 0.1)}
    world.cycle()
    assert links(world)["c1", "a1"].band is Band.REVIEW, "a connection of its own asks for more"
    world.work.bands = {}
    world.cycle()
    assert links(world)["c1", "a1"].band is Band.AUTO
