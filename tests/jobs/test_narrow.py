"""A live connection narrowed: by region, team or record type, and by the time of day."""

from __future__ import annotations

import copy
from datetime import time, timedelta
from typing import Any

import pytest

from syncd.jobs.plan import everything
from syncd.policy.quiet import QuietHours

from .conftest import Make
from .world import CRM_MAPPING, World


def narrowed(make: Make, **about: Any) -> World:
    """A world in which stamps are for one region, and owners for one team."""
    mapping: dict[str, Any] = copy.deepcopy(CRM_MAPPING)
    streams = mapping["streams"]
    streams["accounts"]["stamp_where"] = {"Region__c": ["EMEA"]}
    streams["opportunities"] |= {"stamp_where": {"Region__c": ["EMEA"]}, "owner_where": {"Team__c": ["Enterprise"]}}
    return make(crm_mapping=mapping, **about)


def held(world: World) -> set[str]:
    with world.store.read() as tx:
        return {d.refused for d in everything(world.work, tx)}


def owner(world: World) -> Any:
    return world.shows("o1", "Opportunity", "Channel_Owner__c")


def test_only_records_of_the_region_are_stamped_and_the_others_say_why(make: Make) -> None:
    world = narrowed(make)
    world.account(Region__c="AMER")
    world.deal()
    world.cycle()
    assert world.application() == "approved"
    assert world.shows() is None
    assert held(world) == {"`stamp_where` wants Region__c to be EMEA, and it is AMER"}
    world.account(Region__c="EMEA")
    world.cycle()
    assert world.shows() == "protected"


def test_a_record_that_leaves_the_region_is_cleared_and_one_that_syncd_never_wrote_is_left(make: Make) -> None:
    world = narrowed(make)
    world.account(Region__c="EMEA")
    world.account("a2", "Harbour Logistics GmbH", Region__c="AMER", status__c="theirs")
    world.deal()
    world.cycle()
    assert world.shows() == "protected"
    world.account(Region__c="AMER")
    world.cycle()
    assert (world.shows(), world.shows("a2")) == (None, "theirs")
    assert world.cycle().writes == 0


@pytest.mark.counts
def test_owners_are_narrowed_by_themselves_and_given_back_on_leaving(make: Make) -> None:
    world = narrowed(make, ownership="enforce")
    world.account(Region__c="EMEA")
    world.opportunity(Registration__c="r1", Region__c="AMER", Team__c="Enterprise")
    world.deal()
    world.cycle()
    assert (owner(world), world.shows("o1", "Opportunity")) == ("u1", None)
    world.crm.put("Opportunity", "o1", {"Team__c": "Small Business"})
    world.cycle()
    assert owner(world) == "u9"


def test_in_quiet_hours_nothing_new_is_written_and_a_lapse_is(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    until = world.state().until
    assert until is not None
    world.change_side("crm", quiet=QuietHours(time(20), time(6), "UTC"))
    world.clock.advance(hours=12)
    world.account("a2", "Harbour Logistics GmbH")
    world.company("c2", "Harbour Logistics")
    world.deal("r2", company="c2")
    world.cycle()
    assert world.application("r2") == "approved"
    assert world.shows("a2") is None
    assert held(world) == {"quiet hours until 06:00 (UTC)"}
    world.clock.advance(hours=10)
    world.cycle()
    assert world.shows("a2") == "protected", "it was compared again when they were over"
    quiet_again = until.replace(hour=21) - world.clock.now() + timedelta(days=1)
    world.clock.advance(seconds=quiet_again.total_seconds())
    world.cycle()
    assert world.shows("a1") == "ended", "a lapse never waits"
