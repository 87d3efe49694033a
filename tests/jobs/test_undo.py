"""Undoing a run: the exact reversal, planned from the ledger, which stands until something else is decided."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.errors import UserError
from syncd.jobs.cycle import cycle
from syncd.jobs.persons import decide_on
from syncd.jobs.plan import Reviewed
from syncd.jobs.rebuild import rebuild
from syncd.jobs.undo import Undoing, plan_undo, undo
from syncd.model import DecisionKind
from syncd.store import runs

from .conftest import Make
from .world import World, crm_ref


def last(world: World, job: str = "write", connection: str | None = "crm") -> str:
    with world.store.read() as tx:
        found = [r["id"] for r in runs.recent(tx, 50) if r["job"] == job and r["connection"] in (connection, None)]
    return str(found[0])


def planned(world: World, run: str) -> Undoing:
    with world.store.read() as tx:
        return plan_undo(world.work, tx, run, "kim")


def stamped(world: World, id_: str = "a1") -> dict[str, Any]:
    """What syncd shows, but for the time at which that was decided."""
    shown = world.crm.get("Account", id_)
    return {name: value for name, value in shown.items() if name.endswith("__c") and name != "as_of__c"}


def test_what_a_run_wrote_is_taken_back_exactly_and_stays_so(make: Make) -> None:
    taken_back_and_stays_so(make())


@pytest.mark.counts
def test_what_a_run_wrote_is_taken_back_on_either_database(world: World) -> None:
    taken_back_and_stays_so(world)


def taken_back_and_stays_so(world: World) -> None:
    world.account("a1", reason__c="a note of ours", count__c=7)
    world.deal()
    before = stamped(world)
    world.cycle()
    assert world.shows() == "protected"
    made = undo(world.work, last(world), "kim", "a wrong mapping")
    assert (made.recorded, made.left) == (1, [])
    world.cycle()
    shown = {**dict.fromkeys(stamped(world)), **before}
    assert stamped(world) == shown
    for _ in range(3):
        assert world.cycle(minutes=20).writes == 0, "the reversal stands"
    assert stamped(world) == shown
    rebuild(world.work)
    assert world.cycle().writes == 0, "it is a fact and no derived thing"
    assert stamped(world) == shown


def test_a_reversal_is_in_the_ledger_like_every_write(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    run = last(world)
    undo(world.work, run, "kim", "Mia asked")
    world.cycle()
    first, second = (e for e in world.ledger() if e["ref"] == str(crm_ref()))
    ours = {n for n in first["after"] if n not in ("as_of__c", "contact__c")}
    assert {n: second["after"][n] for n in ours} == {n: first["before"][n] for n in ours}
    assert second["because"]["rule"] == "overridden"
    (told,) = [e for e in world.ledger("decision") if e["what"] == "overridden"]
    assert (told["actor"], told["evidence"]["undoes"]) == ("person:kim", run)
    assert "commitment" in told["reason"], "what a person wrote may name somebody"


def test_the_next_decision_is_written_as_ever(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    undo(world.work, last(world), "kim", "not yet")
    world.cycle()
    assert world.shows() is None
    number = world.state().number
    decide_on(world.work, number, DecisionKind.REJECTED, "kim", "it is ours")
    world.cycle()
    decide_on(world.work, number, DecisionKind.APPROVED, "kim", "it is theirs after all")
    world.cycle()
    assert world.shows() == "protected"


@pytest.mark.counts
def test_an_undo_can_be_undone(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    full = stamped(world)
    undo(world.work, last(world), "kim", "a mistake")
    world.cycle()
    undo(world.work, last(world), "kim", "it was none")
    world.cycle()
    assert stamped(world) == full
    assert world.cycle().writes == 0


def test_what_was_changed_since_is_told_and_left(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    first = last(world)
    world.account("a1", status__c="mine")
    cycle(world.work, writing=False)
    made = undo(world.work, first, "kim", "try")
    assert [(ref, why) for ref, _, why in made.left] == [(crm_ref(), "somebody has changed it since")]
    assert made.recorded == 0
    world.cycle()
    assert [why for *_, why in planned(world, first).left] == [
        f"run {last(world, 'plan', None)} has written it since; undo that one first"
    ]


@pytest.mark.counts
def test_only_what_is_in_the_reviewed_plan_is_taken_back(make: Make) -> None:
    world = make()
    world.company("c2", "Harbour Logistics")
    world.deal()
    world.deal("r2", company="c2")
    world.cycle()
    run = last(world)
    rows = {d.intent.ref.id: d.intent for d in planned(world, run).rows}
    assert set(rows) == {"a1", "a2"}
    one = rows["a1"]
    made = undo(
        world.work, run, "kim", "one of them", Reviewed({("crm", "Account/a1", "stamp"): (one.fields, one.before)})
    )
    assert (made.recorded, [ref.id for ref, *_ in made.left]) == (1, ["a2"])
    world.cycle()
    assert (world.shows("a1"), world.shows("a2")) == (None, "protected")


def test_an_owner_is_given_back_by_undoing(make: Make) -> None:
    world = make(ownership="enforce")
    world.opportunity(Registration__c="r1")
    world.deal()
    world.cycle()
    assert world.shows("o1", "Opportunity", "Channel_Owner__c") == "u1"
    undo(world.work, last(world), "kim", "the rep keeps it")
    world.cycle()
    world.cycle()
    assert world.shows("o1", "Opportunity", "Channel_Owner__c") == "u9"


def test_in_shadow_mode_and_without_a_reason_nothing_is_recorded(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    run = last(world)
    with pytest.raises(UserError, match="--reason"):
        undo(world.work, run, "kim", " ")
    world.change_side("crm", live=False)
    made = undo(world.work, run, "kim", "try")
    assert (made.recorded, made.rows[0].refused) == (0, "the connection is in shadow mode")


@pytest.mark.parametrize(("run", "words"), [("nosuch", "There was no run nosuch"), ("decide", "wrote nothing")])
def test_a_run_that_wrote_nothing_is_told(make: Make, run: str, words: str) -> None:
    world = make()
    world.deal()
    world.cycle()
    name = run if run == "nosuch" else last(world, run, None)
    with pytest.raises(UserError, match=words):
        planned(world, name)


@pytest.mark.counts
def test_a_run_that_planned_is_undone_on_every_connection(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    undo(world.work, last(world, "plan", None), "kim", "all of it")
    world.cycle()
    assert world.shows() is None
    assert world.prm.get("deals", "r1")["syncd_status"] in (None, "")


def test_two_runs_that_are_taken_back_after_each_other_are_both_taken_back(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    undo(world.work, last(world), "kim", "not yet")
    world.cycle()
    world.account("a1", partner__c="a note")
    world.cycle()
    assert world.shows(field="partner__c") is None, "what was there before is shown, and no note"
    undo(world.work, last(world), "kim", "let the note stand")
    world.cycle()
    assert {name: value for name, value in stamped(world).items() if value} == {"partner__c": "a note"}
    assert world.cycle().writes == 0


def test_what_was_taken_back_does_not_come_back_after_something_else_was_decided(make: Make) -> None:
    world = make()
    world.account("a1", reason__c="a note")
    world.cycle()
    undo(world.work, last(world), "kim", "let the note stand")
    world.cycle()
    assert world.shows(field="reason__c") == "a note"
    world.deal()
    world.cycle()
    assert world.shows() == "protected"
    world.prm.put("deals", "r1", {"dealstage": "withdrawn"})
    world.cycle()
    world.cycle(days=30)
    assert world.shows() is None
    assert world.shows(field="reason__c") is None
