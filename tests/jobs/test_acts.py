"""What people do with registrations and partners, through the store: checked, recorded, shown by the next cycle."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from syncd.errors import UserError
from syncd.jobs import disagreements, disputes, partners, persons
from syncd.model import DecisionKind, Protection
from syncd.policy import Options, Policy
from syncd.store.database import Store

from .conftest import Make
from .world import POLICY, World, prm_ref

MANUAL = Policy.model_validate({"required": ["company.name"], "approval": "manual"})


def act(world: World, kind: DecisionKind, id_: str = "r1", **options: Any) -> None:
    """Kim does something to a registration, and the next cycle shows it."""
    persons.act_on(world.work, id_, kind, "kim", "because", Options(**options))
    world.cycle()


def refused(world: World, kind: DecisionKind, id_: str = "r1", **options: Any) -> str:
    before = world.decisions()
    with pytest.raises(UserError) as refusal:
        persons.act_on(world.work, id_, kind, "kim", "because", Options(**options))
    assert world.decisions() == before, "nothing is recorded"
    return str(refusal.value)


def in_line(make: Make, **about: Any) -> World:
    """Wychwood is protected, and Pellmore waits behind it."""
    world = make(**about)
    world.deal("r1")
    world.clock.advance(hours=1)
    world.deal("r2", partner="P02")
    world.cycle()
    return world


def test_an_extension_moves_the_end_on_every_record(world: World) -> None:
    world.deal()
    world.cycle()
    until = world.state().until
    assert until is not None
    act(world, DecisionKind.EXTENDED)
    assert world.state().until == until + timedelta(days=30)
    assert world.shows(field="until__c").startswith((until + timedelta(days=30)).isoformat()[:19])
    assert any(entry["what"] == "extended" and entry["actor"] == "person:kim" for entry in world.ledger("decision"))


def test_a_question_goes_back_to_the_partner_and_the_answer_comes_in(make: Make) -> None:
    world = make(policy=MANUAL)
    world.deal()
    world.cycle()
    act(world, DecisionKind.RETURNED)
    assert world.application() == "returned"
    assert world.prm.get("deals", "r1")["syncd_reason"] == "returned_by_person"
    assert "with the partner already" in refused(world, DecisionKind.RETURNED)


@pytest.mark.parametrize("kind", [DecisionKind.REVOKED, DecisionKind.RELEASED, DecisionKind.WITHDRAWN])
def test_what_is_revoked_or_given_up_frees_the_line(make: Make, kind: DecisionKind) -> None:
    world = in_line(make)
    act(world, kind)
    assert world.state().protection is Protection.EXPIRED
    assert world.application("r2") == "approved"
    assert world.shows(field="partner__c") == "Pellmore Services"


def test_a_transfer_shows_the_new_partner_here_and_no_name_there(world: World) -> None:
    world.deal()
    world.cycle()
    act(world, DecisionKind.TRANSFERRED, to="P02")
    assert world.shows(field="partner__c") == "Pellmore Services"
    shown = world.prm.get("deals", "r1")
    assert (shown["syncd_status"], shown["syncd_reason"]) == ("expired", "transferred")
    assert "Pellmore" not in str(shown)


def test_an_exemption_decides_again(make: Make) -> None:
    world = make()
    world.account("a1", Named__c=True)
    world.deal()
    world.cycle()
    assert world.application() == "rejected"
    act(world, DecisionKind.EXEMPTED, rule="not_named")
    assert world.application() == "approved"


def test_under_authority_source_the_field_of_the_portal_is_named(make: Make) -> None:
    world = make(authority="source")
    world.deal(dealstage="approved")
    world.cycle()
    for kind in (DecisionKind.RETURNED, DecisionKind.REVOKED, DecisionKind.WITHDRAWN):
        assert "Change dealstage of r1 there" in refused(world, kind)
    assert "Change partner_id of r1 there" in refused(world, DecisionKind.TRANSFERRED, to="P02")
    act(world, DecisionKind.SUSPENDED)
    assert world.state().protection is Protection.SUSPENDED
    act(world, DecisionKind.REINSTATED)
    assert world.state().protection is Protection.ACTIVE


def test_people_act_beside_a_running_daemon(database_url: str, clock: object) -> None:
    daemon, person = Store(database_url), Store(database_url)
    try:
        world = World(daemon, clock)
        world.everyone()
        daemon.enter("daemon")
        world.deal()
        world.cycle()
        until = world.state().until
        world.store = person
        world.restart()
        persons.act_on(world.work, "r1", DecisionKind.EXTENDED, "kim", "")
        world.store = daemon
        world.restart()
        world.cycle()
        assert world.state().until != until
    finally:
        daemon.close()
        person.close()


# disputes


def tied(make: Make) -> World:
    world = make()
    world.deal("r1")
    world.clock.advance(seconds=1)
    world.deal("r2", partner="P02")
    world.cycle()
    return world


def test_a_dispute_is_listed_ruled_appealed_and_final(make: Make) -> None:
    world = tied(make)
    with world.store.read() as tx:
        (waits,) = disputes.waiting(world.work, tx)
    assert (waits.state, str(waits.seat)) == ("open", "Mia Manager")
    persons.rule_on(world.work, waits.collision.id, "r1", "kim", "was there")
    world.cycle(hours=1)
    with pytest.raises(UserError, match="Say with --reason"):
        persons.appeal_on(world.work, waits.collision.id, "sam", " ")
    persons.appeal_on(world.work, waits.collision.id, "sam", "new proof")
    world.cycle()
    with world.store.read() as tx:
        (waits,) = disputes.waiting(world.work, tx)
    assert waits.state == "appealed"
    with pytest.raises(UserError, match="somebody else"):
        persons.rule_on(world.work, waits.collision.id, "r2", "kim", "")
    persons.rule_on(world.work, waits.collision.id, "r2", "lee", "")
    world.cycle()
    assert [c.state for c in world.collisions()] == ["final"]
    with world.store.read() as tx:
        assert disputes.waiting(world.work, tx) == []
        assert disputes.measured(world.work, tx) == {
            "partner_collisions_decided": 1, "first_to_file_sustained": 0, "sustained_percent": 0.0,
            "appealed": 1, "overturned": 1, "median_hours_to_ruling": 0.0,
        }  # fmt: skip


def test_an_appeal_against_nothing_is_refused(make: Make) -> None:
    with pytest.raises(UserError, match="There is no collision C06-r9-r8"):
        persons.appeal_on(make().work, "C06-r9-r8", "sam", "why not")


def test_what_the_portal_decided_otherwise_is_listed_and_nothing_is_written(make: Make) -> None:
    world = make(authority="source")
    world.opportunity("o1", Products__c="PLAN")
    world.clock.advance(days=1)
    world.deal(dealstage="approved")
    world.cycle()
    before = world.decisions()
    with world.store.read() as tx:
        (found,) = disagreements.found(world.work, tx)
    assert (found.ref, found.source, found.rules, found.reason) == (
        prm_ref(), "approved", "rejected", "direct_engaged",
    )  # fmt: skip
    world.cycle()
    assert world.decisions() == before
    assert world.application() == "approved"


# partners


def test_a_suspended_partner_holds_its_place_and_gets_nothing_new(make: Make) -> None:
    world = in_line(make)
    plan = partners.suspend(world.work, "P01", "kim", "audit", do_it=False)
    assert [(step.ref.id, step.kind) for step in plan.steps] == [("r1", DecisionKind.SUSPENDED)]
    assert world.state().protection is Protection.ACTIVE, "a plan does nothing"
    partners.suspend(world.work, "P01", "kim", "audit", do_it=True)
    world.cycle()
    assert (world.state().protection, world.application("r2")) == (Protection.SUSPENDED, "waiting")
    assert world.shows() == "review"
    world.company("c2", "Harbour Logistics", city="Bath")
    world.deal("r3", "c2")
    world.cycle()
    assert (world.application("r3"), world.state("r3").reason) == ("review", "partner_on_hold")
    partners.reinstate(world.work, "P01", "kim", "all is well", do_it=True)
    world.cycle()
    assert (world.state().protection, world.application("r3")) == (Protection.ACTIVE, "approved")


def test_a_partner_that_leaves_hands_over_what_it_holds(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    until = world.state().until
    partners.offboard(world.work, "P01", "P02", "kim", "sold its business", do_it=True)
    world.cycle()
    assert (world.state().partner_id, world.state().until) == ("P02", until)
    world.company("c2", "Harbour Logistics", city="Bath")
    world.deal("r3", "c2")
    world.cycle()
    assert (world.application("r3"), world.state("r3").reason) == ("rejected", "partner_inactive")
    with world.store.read() as tx:
        (left, other) = partners.known(world.work, tx)
    assert (left.status, left.protected, other.protected) == ("offboarded", 0, 1)


def test_without_a_successor_protections_end_with_the_transition_and_the_line_moves(make: Make) -> None:
    world = in_line(make)
    partners.offboard(world.work, "P01", "", "kim", "stopped", do_it=True)
    world.cycle()
    assert world.state().protection is Protection.ACTIVE
    left = world.state().until
    world.cycle(days=59)
    assert world.application("r2") == "waiting"
    world.cycle(days=1)
    assert world.state("r2").since == left


def test_a_merged_partners_filings_are_the_other_ones_and_a_split_takes_them_back(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    partners.offboard(world.work, "P01", "P02", "kim", "acquired", do_it=True, merged=True)
    world.cycle()
    assert (world.state().partner_id, world.shows(field="partner__c")) == ("P02", "Pellmore Services")
    with world.store.read() as tx:
        assert [item.merged_into for item in partners.known(world.work, tx)] == ["P02", ""]
    partners.reinstate(world.work, "P01", "kim", "it was not", do_it=True)
    world.cycle()
    assert world.shows(field="partner__c") == "Wychwood Integrators"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: partners.suspend(w, "P99", "kim", "x", do_it=True), "There is no partner P99"),
        (lambda w: partners.suspend(w, "P01", "kim", " ", do_it=True), "Say with --reason why"),
        (lambda w: partners.offboard(w, "P01", "P99", "kim", "x", do_it=True), "There is no partner P99"),
        (lambda w: partners.offboard(w, "P01", "P01", "kim", "x", do_it=True), "name another one"),
        (lambda w: partners.offboard(w, "P01", "", "kim", "x", do_it=True, merged=True), "Say with --to"),
        (lambda w: partners.reinstate(w, "P01", "kim", "x", do_it=True), "is not suspended, offboarded or merged"),
    ],
)
def test_what_makes_no_sense_for_a_partner_is_refused(make: Make, change: Any, says: str) -> None:
    world = make()
    world.deal()
    world.cycle()
    before = world.decisions()
    with pytest.raises(UserError) as refusal:
        change(world.work)
    assert says in str(refusal.value)
    assert world.decisions() == before


def test_a_partner_is_suspended_once(make: Make) -> None:
    world = make()
    world.cycle()
    partners.suspend(world.work, "P01", "kim", "audit", do_it=True)
    with pytest.raises(UserError, match="is on_hold already"):
        partners.suspend(world.work, "P01", "kim", "audit", do_it=True)
    with pytest.raises(UserError, match="is on_hold, and can take over nothing"):
        partners.offboard(world.work, "P02", "P01", "kim", "x", do_it=False)


def test_where_the_portal_decides_a_leave_is_carried_out_there(make: Make) -> None:
    world = make(authority="source")
    world.deal(dealstage="approved")
    world.cycle()
    change = partners.offboard(world.work, "P01", "P02", "kim", "sold", do_it=True)
    assert [(step.kind, "change its partner" in step.what) for step in change.steps] == [(None, True)]
    world.cycle()
    assert world.state().partner_id == "P01"


def test_how_a_partners_filings_went_is_counted_when_a_new_one_is_first_seen(make: Make) -> None:
    speculative = POLICY.model_copy(
        update={"speculation": POLICY.speculation.model_copy(update={"signs": 2, "capacity": 1})}
    )
    world = make(policy=speculative)
    world.deal()
    world.cycle()
    assert world.application() == "approved", "the first one has no counts, and one sign alone is not enough"
    world.company("c2", "Harbour Logistics", city="Bath")
    world.deal("r2", "c2")
    world.cycle()
    assert (world.application("r2"), world.state("r2").reason) == ("review", "speculative")
    filed = next(d for d in world.decisions() if d.subject == prm_ref("r2") and d.kind is DecisionKind.SUBMITTED)
    assert filed.evidence["partner_counts"] == {"live": 1, "ended": 0, "won": 0}


def test_each_step_of_a_partners_change_is_checked_and_what_is_refused_stays_as_it_is(make: Make) -> None:
    """The store still shows a protection that has run out meanwhile: nothing is passed on any more."""
    world = make()
    world.deal("r1")
    world.cycle()
    world.clock.advance(days=80)
    world.deal("r2", products="BOARD")
    world.cycle()
    world.clock.advance(days=11)
    change = partners.offboard(world.work, "P01", "P02", "kim", "left", do_it=True)
    whats = {step.ref.id: step.what for step in change.steps}
    assert whats["r1"].startswith("stays as it is: ")
    assert whats["r2"].startswith("passes to Pellmore Services")
    passed = [made.subject.id for made in world.decisions() if made.kind is DecisionKind.TRANSFERRED]
    assert passed == ["r2"]
    with pytest.raises(UserError, match="is offboarded already"):
        partners.offboard(world.work, "P01", "P02", "kim", "left", do_it=True)


def test_only_approvers_change_partners(make: Make) -> None:
    world = make(policy=POLICY.model_copy(update={"review": POLICY.review.model_copy(update={"approvers": ("mia",)})}))
    world.cycle()
    with pytest.raises(UserError, match="kim may not decide: the policy lets mia"):
        partners.suspend(world.work, "P01", "kim", "audit", do_it=False)
