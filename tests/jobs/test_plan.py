"""Planning: what is written is the difference, and only where the connection says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from syncd.connectors.memory import MemoryConnector
from syncd.connectors.wrappers import ReadOnly
from syncd.errors import Stop
from syncd.jobs.plan import everything
from syncd.model import WriteState
from syncd.policy.ownership import Freeze, OwnershipTerms

from .conftest import Make
from .world import POLICY, World, crm_ref


def planned(world: World) -> dict[tuple[str, str], str]:
    """Each difference with why it is held back."""
    with world.store.read() as tx:
        return {(d.intent.ref.id, d.intent.group.value): d.refused for d in everything(world.work, tx)}


def owner(world: World, id_: str = "o1") -> str | None:
    return world.shows(id_, "Opportunity", "Channel_Owner__c")


def test_only_what_differs_is_planned_and_nothing_after_it_is_written(world: World) -> None:
    """F67."""
    world.deal()
    world.cycle()
    assert planned(world) == {}
    world.account("a1", status__c="mine", partner__c="nobody")
    report = world.cycle()
    assert (report.planned, report.writes) == (1, 1)
    assert world.crm.changes[-1][2].keys() == {"status__c", "partner__c", "as_of__c"}
    assert world.shows() == "protected"


def test_the_time_of_the_decision_is_no_reason_to_write(world: World) -> None:
    world.deal()
    world.cycle()
    world.account("a1", as_of__c="2020-01-01T00:00:00.000Z")
    assert world.cycle().writes == 0


def test_a_stamp_on_a_record_that_nobody_claims_is_taken_off(world: World) -> None:
    world.account("a2", "Harbour Logistics GmbH", status__c="protected")
    world.cycle()
    assert world.shows("a2") is None


def test_an_edit_of_what_is_not_ours_is_left_alone(make: Make) -> None:
    """F70."""
    world = make()
    world.deal()
    world.cycle()
    world.account("a1", Phone="1", Name="Fenwick Instruments Limited")
    report = world.cycle()
    assert report.writes == 0
    assert world.shows(field="Name") == "Fenwick Instruments Limited"


# --- shadow ----------------------------------------------------------------------------------------------------------


def test_in_shadow_mode_everything_is_decided_and_nothing_is_written(make: Make) -> None:
    world = make(mode="shadow", beats=True)
    world.deal()
    for _ in range(3):
        report = world.cycle(minutes=20)
        assert (report.writes, report.planned) == (0, 0)
    assert world.application() == "approved"
    assert set(planned(world).values()) == {"the connection is in shadow mode"}
    assert world.crm.changes == world.prm.changes == []
    assert world.crm.get("Heartbeat", "h1")["seen"] is None, "the heartbeat included"
    assert world.side("crm").writable() == {}


def test_what_shadow_mode_held_back_is_written_when_the_connection_goes_live(make: Make) -> None:
    world = make(mode="shadow")
    world.deal()
    world.cycle()
    world.mode = "live"
    world.restart()
    assert world.cycle().writes == 2
    assert world.shows() == "protected"


def test_a_stray_stamp_is_listed_in_shadow_mode_and_taken_off_when_the_connection_goes_live(make: Make) -> None:
    world = make(mode="shadow")
    world.account("a2", "Harbour Logistics GmbH", status__c="protected")
    world.cycle()
    world.cycle()
    assert planned(world) == {("a2", "stamp"): "the connection is in shadow mode"}
    world.mode = "live"
    world.restart()
    world.cycle()
    assert world.shows("a2") is None


def test_what_is_queued_is_withdrawn_when_the_connection_goes_back_to_shadow_mode(make: Make) -> None:
    world = make()
    world.deal()
    world.crm.refuse("a1", "UNABLE_TO_LOCK_ROW")
    world.cycle()
    world.mode = "shadow"
    world.restart()
    world.cycle(minutes=30)
    assert [item.state for item in world.writes(crm_ref())] == [WriteState.SUPERSEDED]
    assert world.crm.changes == []


# --- ownership -------------------------------------------------------------------------------------------------------


def protected_deal(make: Make, ownership: str, terms: OwnershipTerms | None = None) -> World:
    world = make(ownership=ownership, **({"policy": POLICY.model_copy(update={"ownership": terms})} if terms else {}))
    world.deal()
    world.cycle()
    world.opportunity("o1", Products__c="PLAN")
    world.cycle()
    assert world.shows("o1", "Opportunity") == "protected"
    return world


def test_ownership_off_changes_and_suggests_nothing(make: Make) -> None:
    world = protected_deal(make, "off")
    assert owner(world) == "u9"
    assert planned(world) == {}


def test_ownership_is_only_suggested(make: Make) -> None:
    world = protected_deal(make, "suggest")
    assert owner(world) == "u9"
    assert planned(world) == {("o1", "owner"): "ownership is only suggested"}


def test_ownership_is_enforced_and_given_back_when_the_protection_is_over(make: Make) -> None:
    world = protected_deal(make, "enforce")
    assert owner(world) == "u1"
    assert world.cycle().writes == 0
    world.cycle(days=91)
    assert owner(world) == "u9"
    rules = [w.intent.because["rule"] for w in world.writes(crm_ref("o1", "Opportunity")) if w.intent.group == "owner"]
    assert rules[-1] == "given_back"
    world.cycle(days=30)
    assert owner(world) == "u9", "given back once and for all"


def test_an_owner_that_a_person_has_set_since_is_not_given_back(make: Make) -> None:
    world = protected_deal(make, "enforce")
    world.change_side("crm", ownership="off")
    world.opportunity("o1", Channel_Owner__c="u5", Products__c="PLAN")
    world.cycle()
    world.change_side("crm", ownership="enforce")
    world.cycle(days=91)
    assert owner(world) == "u5"


def test_an_owner_that_a_person_changes_while_protected_is_left_for_a_week_and_then_set_again(make: Make) -> None:
    world = protected_deal(make, "enforce")
    world.opportunity("o1", Channel_Owner__c="u5", Products__c="PLAN")
    world.cycle()
    assert owner(world) == "u5"
    assert "left until" in planned(world)["o1", "owner"]
    world.cycle(days=6)
    assert owner(world) == "u5"
    world.cycle(days=2)
    assert owner(world) == "u1"


def test_it_is_set_again_at_once_where_the_policy_says_so(make: Make) -> None:
    world = protected_deal(make, "enforce", OwnershipTerms(keep_recent_days=0))
    world.opportunity("o1", Channel_Owner__c="u5", Products__c="PLAN")
    world.cycle()
    assert owner(world) == "u1"


def test_an_owner_is_not_given_back_to_somebody_who_has_left(make: Make) -> None:
    world = protected_deal(make, "enforce")
    world.user("u9", "ann@vendor.example", IsActive=False)
    world.cycle(days=91)
    assert owner(world) == "u1"
    assert planned(world)["o1", "owner"] == "the user u9 is not active"


def test_nothing_is_given_back_where_the_policy_says_so(make: Make) -> None:
    world = protected_deal(make, "enforce", OwnershipTerms(give_back=False))
    world.cycle(days=91)
    assert owner(world) == "u1"
    assert planned(world) == {}


def test_the_owner_of_a_closed_deal_stays(make: Make) -> None:
    world = protected_deal(make, "enforce")
    world.opportunity("o1", Products__c="PLAN", IsClosed=True, IsWon=True, Channel_Owner__c="u1")
    world.cycle(days=91)
    assert owner(world) == "u1"
    assert planned(world)["o1", "owner"] == "the deal is closed"


def test_days_of_a_freeze_stop_owners_and_not_stamps(make: Make) -> None:
    world = make(ownership="enforce")
    day = world.clock.now().date()
    world.work.owner_freeze = (Freeze(day, day + timedelta(days=1), "quarter end"),)
    world.deal()
    world.cycle()
    world.opportunity("o1", Products__c="PLAN")
    world.cycle()
    assert (world.shows("o1", "Opportunity"), owner(world)) == ("protected", "u9")
    assert "quarter end" in planned(world)["o1", "owner"]
    world.cycle(days=2)
    assert owner(world) == "u1"


def test_shadow_mode_has_a_second_lock_in_the_connector(clock: Any) -> None:
    with pytest.raises(Stop, match="read-only"):
        ReadOnly(MemoryConnector(clock)).write("Account", [])
