"""Guards of writes: fights are given up, edits by hand are the policy's, owners are compared and never fought."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.errors import Retry
from syncd.jobs.holds import proceed, waiting
from syncd.jobs.refusals import CONTESTED, ErrorClass, trouble
from syncd.jobs.write import WriteCounts
from syncd.model import Receipt, WriteGroup, WriteState
from syncd.policy.ownership import Drift
from syncd.store import edits, outbox
from syncd.store.outbox import Outgoing

from .conftest import Make
from .test_plan import owner, planned, protected_deal
from .world import CRM_MAPPING, POLICY, World, crm_ref


def refused(world: World) -> list[Outgoing]:
    with world.store.read() as tx:
        return outbox.refused(tx)


def fought(make: Make, monkeypatch: pytest.MonkeyPatch) -> tuple[World, list[int]]:
    """A CRM whose automation sets a stamped field back each time, until something is put into the list."""
    world, peace = make(), list[int]()
    real = world.crm.write

    def fighting(object_: str, writes: Any) -> list[Receipt]:
        receipts = real(object_, writes)
        for item in writes:
            if "status__c" in item.fields and not peace:
                world.account(item.ref.id, status__c="flow", Phone=str(world.clock.now()))
        return receipts

    monkeypatch.setattr(world.crm, "write", fighting)
    world.deal()
    return world, peace


# --- automation that fights ------------------------------------------------------------------------------------------


def test_writes_to_a_field_that_an_automation_sets_back_stop_and_the_record_is_listed(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F67."""
    world, _ = fought(make, monkeypatch)
    wrote = [world.cycle(minutes=1).written["crm"].applied for _ in range(4)]
    assert wrote == [1, 1, 0, 0], "no later than in the second cycle"
    (item,) = refused(world)
    assert (item.code, item.intent.ref, item.attempts) == (CONTESTED, crm_ref(), 0)
    assert trouble(item).kind is ErrorClass.CONTESTED
    assert "automation" in trouble(item).remedy
    assert world.cycle().attention
    assert world.shows() == "flow"
    assert [one.state for one in world.writes(crm_ref())] == [WriteState.APPLIED, WriteState.APPLIED, WriteState.FAILED]
    assert len([entry for entry in world.ledger() if entry["ref"] == str(crm_ref())]) == 2


def test_a_contested_field_is_written_again_when_the_configuration_changes(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, peace = fought(make, monkeypatch)
    for _ in range(4):
        world.cycle(minutes=1)
    peace.append(1)
    assert world.cycle().writes == 0
    world.work.config_hash = "c2"
    world.cycle()
    assert world.shows() == "protected"
    assert refused(world) == []
    assert world.cycle().writes == 0


def test_what_a_person_edits_now_and_then_is_no_fight(make: Make) -> None:
    world = make()
    world.deal()
    for _ in range(4):
        world.cycle(days=9)
        world.account("a1", status__c="mine")
    world.cycle()
    assert world.shows() == "protected"
    assert refused(world) == []


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["configuration", "owner", "nothing"])
def test_a_refused_write_is_tried_again_when_something_has_changed_on_which_it_may_depend(
    make: Make, change: str
) -> None:
    """F69."""
    accounts = CRM_MAPPING["streams"]["accounts"]
    owned = {**accounts, "fields": {**accounts["fields"], "owner_id": "OwnerId"}}
    mapping = {"streams": {**CRM_MAPPING["streams"], "accounts": owned}}
    world = make(crm_mapping=mapping)
    world.account(OwnerId="gone")
    world.deal()
    world.crm.refuse("a1", "INACTIVE_OWNER_OR_USER")
    world.cycle()
    (item,) = refused(world)
    assert trouble(item).kind is ErrorClass.PERMANENT
    assert "not active" in trouble(item).remedy
    world.crm._poison.clear()
    if change == "configuration":
        world.work.config_hash = "c2"
    world.account(OwnerId="u1" if change == "owner" else "gone", Phone="1")
    world.cycle()
    assert world.shows() == (None if change == "nothing" else "protected")


# --- edits by hand ---------------------------------------------------------------------------------------------------


def edited(make: Make, drift: Drift) -> World:
    world = make(policy=POLICY.model_copy(update={"drift": drift}))
    world.deal()
    world.cycle()
    world.account("a1", status__c="mine")
    world.cycle()
    return world


def test_an_edit_by_hand_is_made_sure_of_by_id_and_set_again_with_what_it_was(make: Make) -> None:
    world = edited(make, Drift.RESTORE)
    assert world.shows() == "protected"
    with world.store.read() as tx:
        edit = edits.newest(tx, [crm_ref()])[crm_ref(), WriteGroup.STAMP]
    assert (dict(edit.before), dict(edit.after), edit.sure) == ({"status": "protected"}, {"status": "mine"}, True)
    entry = [entry for entry in world.ledger() if entry["ref"] == str(crm_ref())][-1]
    assert entry["because"]["drift"] == {"found": {"status": "mine"}, "at": edit.at.isoformat(), "by": None}


def test_an_edit_that_only_a_pull_has_shown_waits_while_it_cannot_be_read_by_id(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make()
    world.deal()
    world.cycle()
    world.account("a1", status__c="mine")
    real = world.crm.fetch

    def lost(*about: Any) -> Any:
        raise Retry("lost")

    monkeypatch.setattr(world.crm, "fetch", lost)
    assert world.cycle().writes == 0
    monkeypatch.setattr(world.crm, "fetch", real)
    world.cycle()
    assert world.shows() == "protected"


def test_an_edit_that_is_only_reported_is_left_and_listed_until_something_else_is_wanted(make: Make) -> None:
    world = edited(make, Drift.REPORT)
    assert world.shows() == "mine"
    assert [item.code for item in refused(world)] == ["edited"]
    assert world.cycle(days=1).writes == 0
    world.partner(name="Wychwood Group")
    world.cycle()
    assert world.shows() == "protected"
    assert refused(world) == []


def test_nobody_is_asked_about_an_edit_that_was_taken_back(make: Make) -> None:
    world = edited(make, Drift.REPORT)
    world.account("a1", status__c="protected")
    world.cycle()
    assert refused(world) == []


def test_an_edit_that_is_accepted_is_left_and_nobody_is_asked(make: Make) -> None:
    world = edited(make, Drift.ACCEPT)
    assert world.shows() == "mine"
    assert refused(world) == []
    (told,) = world.ledger("drift")
    assert (told["ref"], told["found"], told["policy"]) == (str(crm_ref()), {"status": "mine"}, "accept")
    for _ in range(3):
        assert world.cycle(days=1).writes == 0
    assert len(world.ledger("drift")) == 1


# --- owners ----------------------------------------------------------------------------------------------------------


def test_an_owner_that_somebody_sets_between_plan_and_write_is_not_overwritten(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F70."""
    world = make(ownership="enforce")
    world.deal()
    world.cycle()
    world.opportunity("o1", Products__c="PLAN")
    real = outbox.claim

    def meanwhile(*about: Any) -> Any:
        monkeypatch.setattr("syncd.store.outbox.claim", real)
        batch = real(*about)
        world.opportunity("o1", Products__c="PLAN", Channel_Owner__c="u5")
        return batch

    monkeypatch.setattr("syncd.store.outbox.claim", meanwhile)
    report = world.cycle()
    assert report.written["crm"].moved == 1
    assert owner(world) == "u5"
    world.cycle()
    assert "left until" in planned(world)["o1", "owner"]


def test_an_owner_that_is_set_again_right_after_ours_is_found_and_kept_as_an_edit(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F70."""
    world = make(ownership="enforce")
    world.deal()
    world.cycle()
    world.opportunity("o1", Products__c="PLAN")
    real = world.crm.write

    def overtaken(object_: str, writes: Any) -> list[Receipt]:
        receipts = real(object_, writes)
        if any(item.group is WriteGroup.OWNER for item in writes):
            world.opportunity("o1", Products__c="PLAN", Channel_Owner__c="u5")
        return receipts

    monkeypatch.setattr(world.crm, "write", overtaken)
    counts: WriteCounts = world.cycle().written["crm"]
    assert counts.clobbered == 1
    with world.store.read() as tx:
        edit = edits.newest(tx, [crm_ref("o1", "Opportunity")])[crm_ref("o1", "Opportunity"), WriteGroup.OWNER]
    assert (edit.before, edit.after, edit.sure) == ({"owner": "u1"}, {"owner": "u5"}, True)
    world.cycle()
    assert owner(world) == "u5"


def test_a_realignment_is_not_fought_and_a_person_is_asked(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.jobs.guards.BULK_LEAST", 3)
    world = protected_deal(make, "enforce")
    for n in range(8):
        world.opportunity(f"x{n}", "a2")
    world.cycle()
    for n in range(8):
        world.opportunity(f"x{n}", "a2", Channel_Owner__c="u5")
    world.opportunity("o1", Products__c="PLAN", Channel_Owner__c="u5")
    report = world.cycle()
    assert report.written["crm"].applied == 0
    assert "changed the owners of 9 of 9 records" in report.held[0]
    for _ in range(3):
        world.cycle(days=10)
    assert owner(world) == "u5"
    assert world.shows("o1", "Opportunity") == "protected", "stamps go on"
    with world.store.read() as tx:
        (hold,) = waiting(world.work, tx)
    proceed(world.work, hold.name, "ada", "the territories are settled")
    world.cycle()
    assert owner(world) == "u1"
    assert world.cycle().held == []
