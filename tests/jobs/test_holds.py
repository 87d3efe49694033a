"""Holds: what a brake stopped goes on at a person's word, which is kept; decisions can do without a stalled stream."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.errors import Retry, UserError
from syncd.jobs.checks import known_trouble
from syncd.jobs.cycle import cycle
from syncd.jobs.decide import horizon
from syncd.jobs.holds import proceed, waiting
from syncd.model import Stream
from syncd.store import cursors, holds, records
from syncd.store.holds import HoldKind

from .conftest import Make
from .world import CRM_UID, World, crm_ref


def names(world: World) -> list[tuple[str, str]]:
    with world.store.read() as tx:
        return [(item.name, item.kind.value) for item in waiting(world.work, tx)]


def deleted(world: World, id_: str) -> bool:
    with world.store.read() as tx:
        return records.get(tx, [crm_ref(id_)])[crm_ref(id_)].deleted


def swept(world: World) -> Any:
    world.clock.advance(seconds=10)
    return cycle(world.work, sweeping=True)


def braked(world: World) -> World:
    """A world whose brake was tripped: 25 of 40 accounts have vanished."""
    for n in range(38):
        world.account(f"b{n:03}", f"Company {n:03} Ltd")
    world.cycle()
    for n in range(25):
        world.crm.purge("Account", f"b{n:03}")
    assert len(swept(world).held) == 1
    return world


def test_a_persons_word_lets_what_has_vanished_be_gone_and_the_ledger_keeps_it(world: World) -> None:
    braked(world)
    assert names(world) == [("1", "vanished")]
    proceed(world.work, "1", "kim", "we cleared out the old prospects")
    assert names(world) == []
    (entry,) = world.ledger("proceed")
    assert (entry["hold"], entry["by"], entry["connection"]) == ("1", "person:kim", "crm")
    assert "commitment" in entry["reason"], "what people write may name somebody"
    report = world.cycle()
    assert (report.held, report.errors) == ([], [])
    assert deleted(world, "b000")
    assert deleted(world, "b024")
    assert not deleted(world, "b025")


def test_what_came_back_into_sight_lives_when_the_stream_proceeds(make: Make) -> None:
    """F36."""
    world = make()
    for n in range(38):
        world.account(f"b{n:03}", f"Company {n:03} Ltd")
    world.cycle()
    for n in range(25):
        world.crm.conceal("Account", f"b{n:03}")
    assert len(swept(world).held) == 1
    for n in range(25):
        world.crm.conceal("Account", f"b{n:03}", again_seen=True)
    proceed(world.work, "1", "kim", "the rights are back")
    assert world.cycle().held == []
    assert not deleted(world, "b000")


def test_a_word_for_some_is_none_for_many_more(make: Make) -> None:
    world = braked(make())
    proceed(world.work, "1", "kim", "old prospects")
    for n in range(25, 38):
        world.crm.purge("Account", f"b{n:03}")
    for id_ in ("a1", "a2"):
        world.crm.purge("Account", id_)
    for n in range(38, 60):
        world.account(f"c{n}", f"Concern {n}")
    assert world.cycle().held == [], "within what a person has seen and a little"
    world = world_again(world)
    assert names(world) == []


def world_again(world: World) -> World:
    """A second mass is asked about again: the first word is used up."""
    for n in range(38, 60):
        world.crm.purge("Account", f"c{n}")
    assert len(swept(world).held) == 1
    proceed(world.work, "2", "kim", "again")
    assert world.cycle().held == []
    return world


def test_a_read_that_brought_nothing_counts_once_somebody_says_so(make: Make) -> None:
    world = make()
    for n in range(38):
        world.account(f"b{n:03}", f"Company {n:03} Ltd")
    world.cycle()
    world.crm_mapping = {"streams": {**world.crm_mapping["streams"]}}
    changed = {**world.crm_mapping["streams"]["accounts"], "where": {"RecordType": ["none of them"]}}
    world.crm_mapping["streams"]["accounts"] = changed
    world.restart()
    assert "nothing came" in world.cycle().held[0]
    assert names(world) == [("1", "empty")]
    proceed(world.work, "1", "kim", "the filter is meant")
    report = world.cycle()
    assert (report.held, report.errors) == ([], [])
    with world.store.read() as tx:
        assert cursors.get(tx, CRM_UID, Stream.ACCOUNTS).complete_through == world.clock.now()
        assert holds.lifted(tx, CRM_UID, "Account", HoldKind.EMPTY) is None


@pytest.mark.parametrize("name", ["2", "crm/users", "nonsense", ""])
def test_what_does_not_wait_cannot_proceed(make: Make, name: str) -> None:
    world = braked(make())
    with pytest.raises(UserError, match="does not wait for anybody"):
        proceed(world.work, name, "kim", "why not")


def test_nothing_proceeds_without_a_reason(make: Make) -> None:
    world = braked(make())
    with pytest.raises(UserError, match="Say why"):
        proceed(world.work, "1", "kim", "  ")
    assert names(world) == [("1", "vanished")]
    assert world.ledger("proceed") == []


def test_a_stalled_stream_is_named_and_holds_decisions_back_until_a_person_says_otherwise(world: World) -> None:
    world.cycle()
    assert names(world) == []
    for _ in range(3):
        world.crm.fail(Retry("away"))
        world.deal()
        world.cycle(minutes=10)
    assert world.application() == "pending"
    assert names(world) == [("crm/accounts", "stalled")]
    with world.store.read() as tx:
        read = cursors.get(tx, CRM_UID, Stream.ACCOUNTS).complete_through
    proceed(world.work, "crm/accounts", "kim", "the CRM is down until tomorrow")
    assert names(world) == []
    world.crm.fail(Retry("away"))
    world.cycle(seconds=10)
    assert world.application() == "approved"
    with world.store.read() as tx:
        assert cursors.get(tx, CRM_UID, Stream.ACCOUNTS).complete_through == read, "what was read is no other for it"
    assert world.ledger("proceed")[0]["kind"] == "proceed"


def test_a_stream_is_not_stalled_for_being_as_late_as_its_system_always_is(make: Make) -> None:
    world = make(read_lag=26 * 3600.0)
    world.cycle()
    assert names(world) == []
    world.clock.advance(minutes=16)
    assert {kind for _, kind in names(world)} == {"stalled"}


def test_a_check_before_the_first_sync_asks_nobody_to_proceed(make: Make) -> None:
    world = make()
    assert known_trouble(world.work) == []
    world.cycle()
    world.clock.advance(hours=1)
    assert any("syncd proceed crm/accounts" in line for line in known_trouble(world.work))


def test_a_word_for_a_stalled_stream_holds_for_what_was_filed_before_it(make: Make) -> None:
    world = make()
    world.cycle()
    for _ in range(3):
        world.crm.fail(Retry("away"))
        world.cycle(minutes=10)
    proceed(world.work, "crm/accounts", "kim", "down")
    said_at = world.clock.now()
    world.clock.advance(minutes=1)
    world.deal()
    world.crm.fail(Retry("away"))
    world.cycle(minutes=5)
    with world.store.read() as tx:
        assert horizon(world.work, tx) == said_at
    assert world.application() == "pending"


def test_a_stream_that_contests_nothing_never_stalls_anybody(make: Make) -> None:
    world = make()
    world.cycle()
    with world.store.begin() as tx:
        cursors.forget(tx, CRM_UID, ["users"])
    assert names(world) == []
