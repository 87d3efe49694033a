"""Brakes on writing: a flood waits for a person, who can stop everything; a reviewed plan is all that is done."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.cli.sync import exit_code
from syncd.errors import UserError
from syncd.jobs import holds
from syncd.jobs.cycle import cycle
from syncd.jobs.plan import Difference, Reviewed, everything, plan
from syncd.jobs.work import Brakes
from syncd.model import WriteState
from syncd.store import ledger, outbox

from .world import World


def many(world: World, count: int = 6) -> None:
    """So many companies, each with its account and a filing."""
    for n in range(count):
        world.account(f"b{n}", f"{WORDS[n]} Foundry Ltd", City="York")
        world.company(f"d{n}", f"{WORDS[n]} Foundry Limited", city="York")
        world.deal(f"s{n}", f"d{n}")


WORDS = ("Ashgrove", "Birchwood", "Cedarhill", "Dunmore", "Elmfield", "Farleigh", "Glenside", "Hollybank")


def waiting(world: World) -> list[holds.Waiting]:
    with world.store.read() as tx:
        return holds.waiting(world.work, tx)


def floods(world: World) -> list[holds.Waiting]:
    return [item for item in waiting(world) if item.kind.value == "writes"]


def let_through(world: World) -> None:
    for hold in floods(world):
        holds.proceed(world.work, hold.name, "kim", "the plan was read")


def settled(world: World) -> None:
    """Decided, and nothing written."""
    for _ in range(2):
        world.clock.advance(seconds=10)
        cycle(world.work, writing=False)


def differences(world: World) -> list[Difference]:
    with world.store.read() as tx:
        return [item for item in everything(world.work, tx) if not item.refused]


def reviewed(world: World, *kept: str) -> Reviewed:
    """What `syncd plan -o` writes, of these records only."""
    return Reviewed({
        (world.work.side(d.intent.ref.connection).name, f"{d.intent.ref.object}/{d.intent.ref.id}",
         d.intent.group.value): (dict(d.intent.fields), dict(d.intent.before))
        for d in differences(world) if d.intent.ref.id in kept
    })  # fmt: skip


@pytest.fixture
def flood(world: World) -> World:
    """More is wanted at once than the brake lets through."""
    world.work.brakes = Brakes(written_least=4, written_most=5)
    many(world)
    return world


def test_a_flood_of_writes_waits_for_a_person_and_says_by_which_rules(flood: World) -> None:
    report = flood.cycle()
    assert exit_code(report) == 4
    assert [flood.shows(f"b{n}") for n in range(6)] == [None] * 6
    hold = floods(flood)[0]
    assert (hold.connection, hold.stream) == ("crm", "all writes")
    wanted = [d for d in differences(flood) if d.intent.ref.connection == flood.side("crm").uid]
    assert f"crm: {len(wanted)} writes are wanted at once (" in hold.what
    assert any(hold.what in said and f"syncd proceed {hold.name}" in said for said in report.held)
    assert exit_code(flood.cycle()) == 4, "it waits as long as nobody answers"


def test_what_was_read_is_not_held_by_a_flood(flood: World) -> None:
    flood.cycle()
    flood.account("a1", City="Bath")
    report = flood.cycle()
    assert report.pulled["crm"]["accounts"].changed == 1


def test_a_person_lets_the_flood_through_once(flood: World) -> None:
    flood.cycle()
    let_through(flood)
    report = flood.cycle()
    assert exit_code(report) == 0
    assert [flood.shows(f"b{n}") for n in range(6)] == ["protected"] * 6
    for n in range(6):
        flood.account(f"b{n}", f"{WORDS[n]} Foundry Ltd", City="York", status__c="mine")
    assert exit_code(flood.cycle()) == 4, "another flood is another question"


def test_a_flood_that_has_grown_since_is_another_question(flood: World) -> None:
    flood.cycle()
    let_through(flood)
    for n in (6, 7):
        flood.account(f"b{n}", f"{WORDS[n]} Foundry Ltd", City="York")
        flood.company(f"d{n}", f"{WORDS[n]} Foundry Limited", city="York")
        flood.deal(f"s{n}", f"d{n}")
    assert exit_code(flood.cycle()) == 4
    assert flood.shows("b0") is None


def test_a_flood_that_has_gone_by_itself_asks_nobody(flood: World) -> None:
    flood.cycle()
    flood.work.brakes = Brakes()
    assert exit_code(flood.cycle()) == 0
    assert [item.kind.value for item in waiting(flood)] == []
    assert flood.shows("b0") == "protected"


@pytest.mark.parametrize(
    ("records", "least", "share", "most", "limit"),
    [(100, 10, 0.05, 1_000, 10), (100_000, 10, 0.05, 50_000, 5_000), (10_000_000, 10, 0.05, 50_000, 50_000)],
)
def test_what_is_let_through_follows_what_there_is(
    records: int, least: int, share: float, most: int, limit: int
) -> None:
    assert Brakes(written_least=least, written_share=share, written_most=most).writes(records) == limit


def test_what_waits_and_is_not_wanted_any_more_does_not_go_out_while_the_brake_holds(flood: World) -> None:
    """What a mistake queued before must not be written because its correction is held."""
    flood.work.brakes = Brakes()
    settled(flood)
    plan(flood.work)
    flood.work.brakes = Brakes(written_least=0, written_most=1)
    flood.cycle(days=95)  # the protections are over, and that is to be said
    assert floods(flood), "the correction is held"
    with flood.store.read() as tx:
        waiting_writes = outbox.in_state(tx, [WriteState.QUEUED])
        wanted = {(d.intent.ref, d.intent.group): d.intent.fields for d in everything(flood.work, tx)}
    assert all(wanted[item.intent.ref, item.intent.group] == item.intent.fields for item in waiting_writes)
    assert [flood.shows(f"b{n}") for n in range(6)] == [None] * 6


def test_two_groups_of_writes_on_few_records_are_as_many_as_they_are(world: World) -> None:
    world.change_side("crm", ownership="enforce")
    many(world, 3)
    for n in range(3):
        world.opportunity(f"o{n}", f"b{n}", Products__c="PLAN", Registration__c=f"s{n}")
    settled(world)
    wanted = [d for d in differences(world) if d.intent.ref.connection == world.side("crm").uid]
    records = {d.intent.ref for d in wanted}
    assert len(wanted) > len(records)
    world.work.brakes = Brakes(written_least=len(records), written_most=len(records))
    assert exit_code(world.cycle()) == 4


# --- a person stops everything


def test_nothing_is_written_while_a_person_has_stopped_it_and_everything_afterwards(world: World) -> None:
    world.deal()
    world.cycle()
    holds.halt(world.work, [], "kim", "the banners look wrong")
    world.deal("r2", "c1", partner="P02")
    world.account("a1", status__c="mine")
    before = len(world.crm.changes)
    report = world.cycle()
    assert (exit_code(report), report.writes, len(world.crm.changes)) == (4, 0, before)
    assert report.decisions > 0, "reading and deciding go on"
    assert "banners" not in str(waiting(world)) + str(report.held), "what people write stays in the ledger"
    for item in waiting(world):
        holds.proceed(world.work, item.name, "kim", "they were right")
    assert exit_code(world.cycle()) == 0
    assert world.shows() != "mine"
    with world.store.read() as tx:
        said = [(e["kind"], e["by"]) for e in ledger.entries(tx) if e["kind"] in ("halt", "proceed")]
    assert said == [("halt", "person:kim"), ("proceed", "person:kim"), ("proceed", "person:kim")]


def test_one_connection_can_be_stopped_alone(world: World) -> None:
    holds.halt(world.work, ["crm"], "kim", "a realignment")
    world.deal()
    report = world.cycle()
    assert world.shows() is None
    assert report.written["prm"].applied > 0


def test_a_stop_is_heard_between_two_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    many(world)
    world.cycle()
    for n in range(6):
        world.account(f"b{n}", f"{WORDS[n]} Foundry Ltd", City="York", status__c="mine")
    side = world.side("crm")
    world.change_side("crm", connector=_Small(side.connector, lambda: holds.halt(world.work, ["crm"], "kim", "stop")))
    monkeypatch.setattr("syncd.jobs.write.CALLS_AT_ONCE", 1)
    world.cycle()
    assert sum(world.shows(f"b{n}") == "protected" for n in range(6)) == 2


class _Small:
    """A connector that takes two rows a call; after its first call a person has had enough."""

    def __init__(self, inner: Any, after: Any) -> None:
        self._inner, self._after = inner, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property
    def facts(self) -> Any:
        from dataclasses import replace

        return replace(self._inner.facts, write_batch=2)

    def write(self, object: str, writes: Any) -> Any:
        receipts = self._inner.write(object, writes)
        self._after()
        return receipts


@pytest.mark.parametrize(("connections", "reason"), [(["nowhere"], "x"), ([], " ")])
def test_a_stop_without_a_reason_or_of_nothing_is_refused(world: World, connections: list[str], reason: str) -> None:
    world.cycle()
    with pytest.raises(UserError):
        holds.halt(world.work, connections, "kim", reason)


# --- a reviewed plan


def test_only_what_was_reviewed_is_written(world: World) -> None:
    many(world, 3)
    settled(world)
    seen = reviewed(world, "b0", "b1")
    cycle(world.work, reviewed=seen)
    assert [world.shows(f"b{n}") for n in range(3)] == ["protected", "protected", None]
    assert (len(seen.seen), seen.refused, seen.gone) == (2, [], [])
    assert {d.intent.ref.id for d in differences(world)} >= {"b2"}, "the rest waits for another plan"


def test_what_has_moved_since_the_review_is_left_and_told(world: World) -> None:
    many(world, 2)
    settled(world)
    seen = reviewed(world, "b0", "b1")
    world.account("b0", f"{WORDS[0]} Foundry Ltd", City="York", status__c="mine")
    world.clock.advance(minutes=1)
    cycle(world.work, reviewed=seen)
    assert (world.shows("b0"), world.shows("b1")) == ("mine", "protected")
    assert seen.refused == [("crm", "Account/b0", "stamp")]


def test_what_is_not_wanted_any_more_is_told(world: World) -> None:
    many(world, 2)
    settled(world)
    seen = reviewed(world, "b0", "b1")
    world.crm.delete("Account", "b1")
    world.clock.advance(minutes=1)
    cycle(world.work, reviewed=seen)
    assert seen.gone == [("crm", "Account/b1", "stamp")]


def test_a_reviewed_plan_needs_no_brake(flood: World) -> None:
    settled(flood)
    seen = reviewed(flood, *(f"b{n}" for n in range(6)))
    flood.clock.advance(seconds=10)
    assert exit_code(flood.cycle()) == 4
    report = cycle(flood.work, reviewed=seen)
    assert exit_code(report) == (4 if report.held else 0)
    assert floods(flood) == [item for item in floods(flood) if item.connection == "prm"], "what was asked is answered"
    assert [flood.shows(f"b{n}") for n in range(6)] == ["protected"] * 6
