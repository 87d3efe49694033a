"""One whole cycle: what a partner filed is protected on the records, and the next cycle has nothing left to do."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from syncd.errors import AuthFailed, LeaseLost, Retry
from syncd.jobs.cycle import cycle
from syncd.jobs.work import Stopping
from syncd.store import runs
from syncd.store.tables import lease, run

from .conftest import Make
from .world import World, open_writes


def test_a_filing_becomes_a_protection_that_the_records_show_and_then_all_is_quiet(world: World) -> None:
    world.deal()
    first = world.cycle()
    assert first.errors == []
    assert world.application() == "approved"
    assert world.shows() == "protected"
    assert first.writes == 2
    second = world.cycle()
    assert (second.writes, second.planned, second.decisions, second.links_changed) == (0, 0, 0, 0)
    assert world.crm.redundant == world.prm.redundant == []
    assert open_writes(world.work) == 0


def test_a_cycle_in_which_nothing_changed_asks_once_for_each_stream_and_works_on_nothing(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    world.cycle()
    report = world.cycle()
    assert report.calls == 6
    with world.store.read() as tx:
        jobs = [found["job"] for found in runs.recent(tx, 6)]
    assert jobs == ["pull"] * 6


def test_a_persons_edit_right_after_our_write_is_seen_and_put_right(make: Make) -> None:
    """F68."""
    world = make()
    world.deal()
    world.cycle()
    world.crm.put("Account", "a1", {"status__c": "mine"})
    assert world.cycle(seconds=1).writes == 1
    assert world.shows() == "protected"
    assert world.cycle(seconds=1).writes == 0


def test_a_connection_that_fails_does_not_stop_the_other(make: Make) -> None:
    world = make()
    world.prm.fail(*[AuthFailed()] * 3)
    report = world.cycle()
    assert [error.split(":")[0] for error in report.errors] == ["prm accounts", "prm registrations", "prm partners"]
    assert report.pulled["crm"]["accounts"].new == 2
    assert report.staged == 3


def test_a_stream_that_fails_does_not_stop_the_next_one(make: Make) -> None:
    world = make()
    world.crm.fail(Retry("busy"))
    report = world.cycle()
    assert report.errors == ["crm accounts: busy"]
    assert report.pulled["crm"].keys() == {"opportunities", "users"}


def test_a_cycle_that_does_not_write_ends_with_the_decisions(make: Make) -> None:
    world = make()
    world.deal()
    world.clock.advance(seconds=10)
    report = cycle(world.work, writing=False)
    assert (report.decisions, report.planned, report.writes) == (3, 0, 0)
    assert world.crm.changes == []
    assert world.cycle().writes == 2


def test_a_daemon_that_was_replaced_stops_at_once(world: World) -> None:
    world.store.enter("old")
    world.deal()
    with world.store.append() as tx:
        tx.execute(lease.update().values(token=lease.c.token + 1, holder="new"))
    with pytest.raises(LeaseLost):
        world.cycle()
    with world.store.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(run)).scalar() == 0


@pytest.mark.parametrize("step", ["stage", "link", "decide", "plan", "write"])
def test_a_daemon_that_is_replaced_in_the_middle_writes_nothing_more(make: Make, step: str) -> None:
    world = make()
    world.store.enter("old")
    world.deal()
    world.clock.advance(seconds=10)

    def replace_at(name: str) -> None:
        if name == step:
            with world.store.append() as tx:
                tx.execute(lease.update().values(token=lease.c.token + 1, holder="new"))

    with pytest.raises(LeaseLost):
        cycle(world.work, step=replace_at)
    assert world.crm.changes == world.prm.changes == []


def test_the_runs_of_a_daemon_that_died_are_closed_by_the_next_one(make: Make) -> None:
    world = make()
    with world.store.begin() as tx:
        runs.start(tx, "dead", "pull", world.clock.now())
    world.cycle()
    with world.store.read() as tx:
        found = {known["id"]: known for known in runs.recent(tx, 50)}
    assert (found["dead"]["status"], found["dead"]["finished_at"]) == ("failed", world.clock.now())
    assert {known["status"] for id_, known in found.items() if id_ != "dead"} == {"ok"}


def test_a_cycle_that_is_told_to_stop_finishes_the_page_under_way_and_goes_on_from_there(make: Make) -> None:
    world = make(page_size=1)
    told: list[Any] = []

    def stop(*said: Any) -> None:
        told.append(said)
        world.work.stopping.set()

    world.clock.advance(seconds=10)
    with pytest.raises(Stopping):
        cycle(world.work, progress=stop)
    assert ("crm accounts", 1, 2) in told
    assert ("crm accounts", 2, 2) not in told
    world.restart()
    report = world.cycle()
    assert report.pulled["crm"]["accounts"].new == 1
    assert report.staged == 6


def test_the_report_is_plain_json(make: Make) -> None:
    import json

    world = make()
    world.deal()
    said = json.loads(json.dumps(world.cycle().as_json()))
    assert said["pulled"]["prm"]["registrations"]["new"] == 1
    assert (said["writes"], said["errors"], said["written"]["crm"]["applied"]) == (2, [], 1)
