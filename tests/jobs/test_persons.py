"""What people decide: recorded beside the daemon, effective in the next cycle, refused in words where it must be."""

from __future__ import annotations

import pytest

from syncd.errors import UserError
from syncd.jobs import persons
from syncd.model import DecisionKind
from syncd.policy import Policy
from syncd.store.database import Store

from .conftest import Make
from .world import World, crm_ref, prm_ref

APPROVED, REJECTED = DecisionKind.APPROVED, DecisionKind.REJECTED
MANUAL = Policy.model_validate({"required": ["company.name"], "approval": "manual"})


def in_review(world: World) -> World:
    world.policy = MANUAL
    world.restart()
    world.deal()
    world.cycle()
    assert world.application() == "review"
    return world


def decide(world: World, kind: DecisionKind = APPROVED, text: str = "r1") -> None:
    persons.decide_on(world.work, text, kind, "kim", "because")


def refused(world: World, kind: DecisionKind = APPROVED, text: str = "r1") -> str:
    before = world.decisions()
    with pytest.raises(UserError) as refusal:
        decide(world, kind, text)
    assert world.decisions() == before, "nothing is recorded"
    return str(refusal.value)


def test_an_approval_protects_from_the_next_cycle_on(world: World) -> None:
    in_review(world)
    decide(world)
    assert world.application() == "review", "the daemon decides"
    world.cycle()
    assert world.application() == "approved"
    assert world.shows(field="reason__c") == "approved_by_person"
    assert {str(made.actor) for made in world.decisions()} >= {"person:kim"}
    assert any(entry["what"] == "approved" for entry in world.ledger("decision"))


def test_a_rejection_ends_what_was_approved(world: World) -> None:
    world.deal()
    world.cycle()
    decide(world, REJECTED)
    world.cycle()
    assert world.application() == "rejected"
    assert world.shows() == "ended"
    assert world.prm.get("deals", "r1")["syncd_reason"] == "rejected_by_person"


def test_a_registration_is_named_by_number_id_or_ref(make: Make) -> None:
    world = make()
    world.deal(number="DR-7")
    world.cycle()
    with world.store.read() as tx:
        found = {persons.one_claim(tx, text).state.ref for text in ("r1", str(prm_ref()), "DR-7")}
    assert found == {prm_ref()}


@pytest.mark.parametrize("text", ["r9", "", "x/y/z", "DR-", "a1"])
def test_what_names_no_registration_is_said(make: Make, text: str) -> None:
    world = in_review(make())
    assert f"There is no registration {text}." in refused(world, text=text)


def test_a_number_that_two_registrations_have_names_them_both(make: Make) -> None:
    world = make()
    for id_ in ("r1", "r2"):
        world.deal(id_, number="DR-7")
    world.cycle()
    said = refused(world, text="DR-7")
    assert "names several registrations" in said
    assert str(prm_ref("r1")) in said
    assert str(prm_ref("r2")) in said


def test_what_makes_no_sense_is_refused_in_words(make: Make) -> None:
    world = make()
    for id_, about in (("r1", {}), ("r2", {"dealstage": "draft"}), ("r3", {"partner": "P99"})):
        world.deal(id_, **about)
        world.clock.advance(minutes=1)
    world.cycle()
    assert "is approved already" in refused(world)
    assert "is a draft" in refused(world, text="r2")
    assert "is a draft" in refused(world, REJECTED, "r2")
    assert "is not known, so there is nobody to protect" in refused(world, text="r3")
    decide(world, REJECTED)
    world.cycle()
    assert "is rejected already" in refused(world, REJECTED)


def test_a_second_protection_beside_one_in_force_is_refused(make: Make) -> None:
    world = make()
    world.deal("r1")
    world.clock.advance(hours=1)
    world.deal("r2", partner="P02")
    world.cycle()
    assert world.application("r2") == "waiting"
    assert "r1" in refused(world, text="r2") or "DR-" in refused(world, text="r2")


def test_what_the_rules_would_have_decided_by_now_counts(make: Make) -> None:
    """Between two cycles a person is held to what has happened, not to what the last cycle has written down."""
    world = make()
    world.deal()
    world.cycle()
    world.clock.advance(days=91)
    assert "ended" in refused(world, REJECTED)


def test_where_the_source_decides_people_are_sent_there(make: Make) -> None:
    world = make(authority="source")
    world.deal()
    world.cycle()
    assert world.application() == "pending"
    for kind in (APPROVED, REJECTED):
        assert "prm has `authority: source`" in refused(world, kind)
    world.deal(dealstage="approved")
    world.cycle()
    assert world.application() == "approved"


# --- rulings ---------------------------------------------------------------------------------------------------------


def collided(make: Make) -> World:
    """A filing that lost against a direct deal."""
    world = make()
    world.opportunity("o1", Products__c="PLAN")
    world.clock.advance(days=1)
    world.deal()
    world.cycle()
    assert world.application() == "rejected"
    return world


@pytest.mark.parametrize("winner", ["r1", str(prm_ref()), "number"])
def test_a_ruling_for_the_partner_protects(make: Make, winner: str) -> None:
    world = collided(make)
    (met,) = world.collisions()
    persons.rule_on(
        world.work, met.id, world.state().number if winner == "number" else winner, "kim", "was there first"
    )
    world.cycle()
    assert world.application() == "approved"
    (met,) = world.collisions()
    assert (met.state, met.rule, met.winner) == ("ruled", "person:kim", prm_ref())
    assert world.shows("o1", "Opportunity") == "protected"


def test_a_ruling_for_the_direct_deal_stands(make: Make) -> None:
    world = collided(make)
    (met,) = world.collisions()
    persons.rule_on(world.work, met.id, "o1", "kim", "")
    world.cycle()
    assert world.application() == "rejected"
    assert world.collisions()[0].rule == "person:kim"


def test_a_ruling_for_nobody_involved_or_on_nothing_is_refused(make: Make) -> None:
    world = collided(make)
    (met,) = world.collisions()
    with pytest.raises(UserError, match=r"a1 is no side of C08-r1-o1. Its sides are"):
        persons.rule_on(world.work, met.id, "a1", "kim", "")
    with pytest.raises(UserError, match="There is no collision C08-r1-o9"):
        persons.rule_on(world.work, "C08-r1-o9", "r1", "kim", "")


# --- judgements ------------------------------------------------------------------------------------------------------


def test_a_judgement_names_two_accounts_by_id_or_ref(make: Make) -> None:
    world = make()
    world.cycle()
    pair = persons.judge(world.work, "c1", str(crm_ref("a2")), DecisionKind.SAME, "kim", "one site")
    assert pair == (prm_ref("c1", "companies"), crm_ref("a2"))
    assert world.decisions()[-1].reason == "one site"


def test_a_judgement_about_one_record_or_none_or_two_at_once_is_refused(make: Make) -> None:
    world = make()
    world.prm.put("companies", "a2", {"name": "Harbour"})
    world.deal()
    world.cycle()
    cases = {
        ("c1", "c1"): "Both name the same record",
        ("c1", "r1"): "r1 names no account",
        ("c1", "x/y/z"): "x/y/z names no account",
        ("c1", "a2"): "a2 names several accounts: ",
    }
    for (left, right), words in cases.items():
        with pytest.raises(UserError, match=words):
            persons.judge(world.work, left, right, DecisionKind.SAME, "kim", "")


def test_people_decide_beside_a_running_daemon(database_url: str, clock: object) -> None:
    daemon, person = Store(database_url), Store(database_url)
    try:
        world = World(daemon, clock)
        world.everyone()
        daemon.enter("daemon")
        in_review(world)
        world.store = person
        world.restart()
        decide(world)
        world.store = daemon
        world.restart()
        world.cycle()
        assert world.application() == "approved"
    finally:
        daemon.close()
        person.close()
