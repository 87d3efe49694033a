"""What records said before: from the versions that are held and the history that the CRM keeps (C53)."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncd.errors import Retry
from syncd.jobs import holds
from syncd.jobs.past import BEFORE, Said, timeline
from syncd.model import Change, Ref, Stream
from syncd.store import cursors

from .conftest import Make
from .world import CRM_MAPPING, CRM_UID, World

T0 = datetime(2026, 6, 1, 12, tzinfo=UTC)


def at(days: float) -> datetime:
    return T0 + timedelta(days=days)


def change(days: float, before: str, after: str, field: str = "Stage") -> Change:
    return Change(Ref("crm", "History", f"h{days}{field}"), "o1", field, before, after, changed_at=at(days))


def told(said: list[Said]) -> list[tuple[datetime, Any, bool]]:
    return [(one.since, one.fields["Stage"], one.observed) for one in said]


def test_changes_before_the_first_reading_are_undone_one_after_the_other() -> None:
    read = [Said(at(5), {"Stage": "c"})]
    made = timeline(read, [change(3, "b", "c"), change(1, "a", "b"), change(9, "c", "d")])
    assert told(made) == [(BEFORE, "a", False), (at(1), "b", False), (at(3), "c", False), (at(5), "c", True)]


def test_changes_between_two_readings_are_done() -> None:
    read = [Said(at(0), {"Stage": "a"}), Said(at(5), {"Stage": "c"})]
    made = timeline(read, [change(2, "b", "a2"), change(1, "a", "b"), change(5, "a2", "c")])
    assert told(made) == [(at(0), "a", True), (at(1), "b", True), (at(2), "a2", True), (at(5), "c", True)]


def test_the_history_of_a_field_that_is_not_read_says_nothing() -> None:
    assert told(timeline([Said(at(5), {"Stage": "c"})], [change(1, "x", "y", "Colour")])) == [(at(5), "c", True)]


def test_a_deal_that_was_woken_after_the_filing_stands_in_nobodys_way(world: World) -> None:
    long_ago = world.clock.now() - timedelta(days=200)
    world.opportunity("o1", created=long_ago, Products__c="PLAN")
    world.cycle()
    world.deal()
    world.clock.advance(seconds=1)
    today = world.clock.now().date().isoformat()
    world.opportunity("o1", created=long_ago, Products__c="PLAN", LastActivityDate=today)
    world.cycle()
    assert world.application() == "approved"
    (found,) = world.collisions()
    assert (found.code, found.rule, found.evidence["known"]) == ("C53", "evidence_as_received", "observed")


def test_a_deal_that_was_closed_after_the_filing_still_stands_in_its_way(world: World) -> None:
    world.opportunity("o1", Products__c="PLAN")
    world.cycle(days=1)
    world.deal()
    world.clock.advance(seconds=1)
    world.opportunity("o1", Products__c="BOARD")
    world.cycle()
    assert (world.application(), [c.code for c in world.collisions()]) == ("rejected", ["C08"])


def test_an_account_that_was_named_after_the_filing_is_open_to_it(world: World) -> None:
    world.cycle()
    world.deal()
    world.clock.advance(seconds=1)
    world.account(Named__c=True)
    world.cycle()
    assert (world.application(), world.collisions()) == ("approved", [])


def with_streams(**streams: Any) -> dict[str, Any]:
    made = deepcopy(CRM_MAPPING)
    made["streams"] |= streams
    return made


HISTORY = {
    "object": "History",
    "fields": {"record_id": "Deal", "field": "Field", "before": "Old", "after": "New", "changed_at": "At"},
}
ACTIVITIES = {
    "object": "Event",
    "fields": {"opportunity_id": "Deal", "happened_at": "Start", "created_at": "CreatedDate"},
}
LISTS = {"object": "List", "fields": {"kind": "Kind", "account_id": "Account", "from_on": "Since"}}


def test_the_history_of_a_crm_tells_what_stood_before_syncd_ever_read_it(make: Make) -> None:
    world = make(crm_mapping=with_streams(history=HISTORY))
    world.deal()
    filed = world.clock.now()
    world.clock.advance(seconds=1)
    world.opportunity("o1", created=filed - timedelta(days=3), Products__c="PLAN")
    world.crm.put("History", "h1", {
        "Deal": "o1", "Field": "Products__c", "Old": "BOARD", "New": "PLAN",
        "At": (filed + timedelta(seconds=1)).isoformat(),
    })  # fmt: skip
    world.cycle()
    assert world.application() == "approved"
    (found,) = world.collisions()
    assert (found.code, found.evidence["known"], found.evidence["products_then"]) == ("C53", "reconstructed", ["BOARD"])


def test_a_history_that_does_not_come_is_named_and_a_person_can_do_without_it(make: Make) -> None:
    """What decisions wait for is what `syncd holds` lists."""
    world = make(crm_mapping=with_streams(history=HISTORY))
    world.cycle()
    with world.store.begin() as tx:
        cursors.forget(tx, CRM_UID, ["history"])
    world.change_side("crm", broken={Stream.HISTORY: "its object is gone"})
    world.deal()
    world.cycle(minutes=20)
    assert world.application() == "pending"
    with world.store.read() as tx:
        assert [item.name for item in holds.waiting(world.work, tx)] == ["crm/history"]
    holds.proceed(world.work, "crm/history", "kim", "we never tracked it")
    world.cycle(seconds=10)
    assert world.application() == "approved"


def test_a_stage_of_long_ago_tells_that_a_deal_was_closed_then(make: Make) -> None:
    mapping = with_streams(
        history=HISTORY,
        stages={"object": "Stage", "fields": {"key": "Key", "is_closed": "Closed", "is_won": "Won"}},
    )
    mapping["streams"]["opportunities"]["fields"] |= {"stage": "StageName", "closed_at": "Closed_At__c"}
    world = make(crm_mapping=mapping)
    for key, is_closed in (("Open", False), ("Lost", True)):
        world.crm.put("Stage", key, {"Key": key, "Closed": is_closed, "Won": False})
    world.deal()
    filed = world.clock.now()
    lost = (filed - timedelta(days=2)).isoformat()
    world.clock.advance(seconds=1)
    world.opportunity("o1", created=filed - timedelta(days=9), Products__c="PLAN", StageName="Open", Closed_At__c=lost)
    world.crm.put("History", "h1", {
        "Deal": "o1", "Field": "StageName", "Old": "Lost", "New": "Open",
        "At": (filed + timedelta(seconds=1)).isoformat(),
    })  # fmt: skip
    world.cycle()
    assert world.application() == "review"
    assert [c.code for c in world.collisions()] == ["C13", "C53"]


def test_activities_decide_whether_a_deal_was_active_and_decisions_wait_for_them(make: Make) -> None:
    world = make(crm_mapping=with_streams(activities=ACTIVITIES))
    filed = world.clock.now()
    world.opportunity("o1", created=filed - timedelta(days=200), Products__c="PLAN")
    world.cycle()
    world.deal()
    when = world.clock.now().isoformat()
    world.crm.put("Event", "e1", {"Deal": "o1", "Start": when, "CreatedDate": when})
    world.crm.fail(None, None, Retry("down"))
    report = world.cycle()
    assert (report.errors, world.application()) == (["crm activities: down"], "pending")
    world.cycle()
    assert (world.application(), [c.code for c in world.collisions()]) == ("rejected", ["C08"])


@pytest.mark.parametrize(("since", "expected"), [("2026-01-01", "rejected"), ("2099-01-01", "approved")])
def test_the_entries_of_a_list_reach_the_rules(make: Make, since: str, expected: str) -> None:
    world = make(crm_mapping=with_streams(lists=LISTS))
    world.crm.put("List", "l1", {"Kind": "excluded", "Account": "a1", "Since": since})
    world.deal()
    world.cycle()
    assert world.application() == expected


def test_deciding_again_finds_the_same_past_again(world: World) -> None:
    """Versions are facts, so that whenever an organization is looked at again, the same is seen."""
    long_ago = world.clock.now() - timedelta(days=200)
    world.opportunity("o1", created=long_ago, Products__c="BOARD")
    world.cycle()
    world.deal()
    world.clock.advance(seconds=1)
    world.opportunity("o1", Products__c="PLAN", created=long_ago, LastActivityDate="2099-01-01")
    world.cycle()
    before = world.collisions()
    world.account("a1", Employees="121")
    world.cycle()
    assert world.collisions() == before != []
