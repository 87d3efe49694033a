"""Companies of one group, leads, and deals that may be a partner's own: what decisions read beside their accounts."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from syncd.jobs import decide as deciding
from syncd.policy import Policy
from syncd.store import outcomes

from .conftest import Make
from .world import CRM_MAPPING, POLICY, World


def policy(**given: Any) -> Policy:
    """The world's policy with some keys."""
    return Policy.model_validate({**POLICY.model_dump(mode="json"), **given})


def with_parents(**streams: Any) -> dict[str, Any]:
    mapping: dict[str, Any] = copy.deepcopy(CRM_MAPPING)
    mapping["streams"]["accounts"]["fields"]["parent_id"] = "ParentId"
    mapping["streams"] |= streams
    return mapping


def owned(world: World, parent: str | None = "h") -> World:
    """Fenwick owns a holding that nobody filed about, which owns Harbour; two partners filed about one each."""
    world.account("h", "Ashdown Holding PLC", ParentId="a1")
    world.account("a2", "Harbour Logistics GmbH", City="Bath", ParentId=parent)
    world.company("c2", "Harbour Logistics GmbH", city="Bath")
    world.deal("r1")
    world.clock.advance(minutes=1)
    world.deal("r2", "c2", "P02")
    world.cycle()
    return world


def shown(world: World) -> list[Any]:
    return [(world.shows(id_, field="status__c"), world.shows(id_, field="partner__c")) for id_ in ("a1", "h", "a2")]


WYCH, PELL = ("protected", "Wychwood Integrators"), ("protected", "Pellmore Services")


def test_a_family_that_is_decided_about_as_one_has_one_claim_on_every_account(make: Make) -> None:
    """Also on one that nobody filed about; whoever comes second waits, and is promoted by a person's rejection."""
    world = owned(make(policy=policy(family="together"), crm_mapping=with_parents()))
    assert (world.application("r1"), world.application("r2")) == ("approved", "waiting")
    assert shown(world) == [WYCH, WYCH, WYCH]
    world.prm.put("deals", "r1", {**world.prm.get("deals", "r1"), "dealstage": "withdrawn"}, companies=["c1"])
    world.cycle(minutes=1)
    assert world.application("r2") == "approved"
    assert shown(world) == [PELL, PELL, PELL]


def test_a_company_that_leaves_its_family_is_decided_about_alone_and_back_again(make: Make) -> None:
    world = owned(make(policy=policy(family="together"), crm_mapping=with_parents()))
    world.account("h", "Ashdown Holding PLC", ParentId=None)
    world.cycle(minutes=1)
    assert (world.application("r1"), world.application("r2")) == ("approved", "approved")
    assert shown(world) == [WYCH, PELL, PELL], "the holding still owns Harbour"
    world.account("a2", "Harbour Logistics GmbH", City="Bath", ParentId=None)
    world.cycle(minutes=1)
    assert shown(world) == [WYCH, (None, None), PELL]
    assert outcome_rows(world) == ["r1", "r2"]


def test_the_policy_can_go_back_to_deciding_about_each_company(make: Make) -> None:
    world = owned(make(policy=policy(family="together"), crm_mapping=with_parents()))
    world.policy = policy()
    world.restart()
    world.cycle(minutes=1)
    assert (world.application("r1"), world.application("r2")) == ("approved", "approved")
    assert shown(world) == [WYCH, (None, None), PELL]


def outcome_rows(world: World) -> list[str]:
    with world.store.read() as tx:
        return sorted(item.state.ref.id for item in outcomes.claims(tx))


def test_a_family_with_more_accounts_than_the_policy_allows_is_for_a_person(make: Make) -> None:
    world = owned(make(policy=policy(family="together", family_most=2), crm_mapping=with_parents()))
    assert {world.state(r).reason for r in ("r1", "r2")} == {"family_too_large"}
    assert {world.application(r).value for r in ("r1", "r2")} == {"review"}


def test_C19_claims_of_one_family_tell_of_each_other_where_the_policy_says_so(make: Make) -> None:
    world = owned(make(policy=policy(family="warn"), crm_mapping=with_parents()))
    assert {world.application(r).value for r in ("r1", "r2")} == {"approved"}
    told = {(c.code.value, c.registration.id, c.other.id, c.evidence["tie"]) for c in world.collisions()}
    assert told == {("C19", "r1", "r2", "parent"), ("C19", "r2", "r1", "parent")}
    assert "Harbour Logistics" in next(c.sentence for c in world.collisions() if c.registration.id == "r1")
    world.prm.put("deals", "r2", {**world.prm.get("deals", "r2"), "dealstage": "withdrawn"}, companies=["c2"])
    world.cycle(minutes=1)
    assert world.collisions() == []


LEADS = {
    "object": "Lead",
    "fields": {"company": "Company", "account_id": "Account", "is_converted": "Done", "registration_key": "Key",
               "opportunity_id": "Opportunity", "partner_name": "Partner", "created_at": "CreatedDate"},
}  # fmt: skip


def test_C00_C23_a_deal_that_a_partners_lead_was_converted_to_is_that_partners_own(make: Make) -> None:
    world = make(crm_mapping=with_parents(leads=LEADS))
    world.opportunity("o1", created=world.clock.now() - timedelta(days=3), Products__c="PLAN")
    world.crm.put("Lead", "l1", {"Company": "Fenwick", "Account": "a1", "Done": True, "Key": "r1", "Opportunity": "o1"})
    world.deal("r1")
    world.cycle()
    assert world.application("r1") == "approved"
    assert world.shows("o1", "Opportunity") == "protected"


def test_C44_a_lead_that_is_entered_on_the_account_is_read_with_the_claims(make: Make) -> None:
    world = make(policy=policy(passed_leads="reject"), crm_mapping=with_parents(leads=LEADS))
    made = (world.clock.now() - timedelta(days=3)).isoformat()
    lead = {"Company": "Fenwick", "Account": "a1", "Done": False, "Partner": "Pellmore Services", "CreatedDate": made}
    world.crm.put("Lead", "l1", lead)
    world.deal("r1")
    world.cycle()
    assert world.state("r1").reason == "lead_passed_on"
    assert [c.code.value for c in world.collisions()] == ["C44"]


def test_C00_a_deal_that_fits_a_registration_and_names_nobody_is_asked_about(make: Make) -> None:
    mapping = with_parents()
    mapping["streams"]["opportunities"]["fields"]["value"] = {"amount": "Amount"}
    unsure = policy(direct_means={"unsure": "review"})
    world = make(policy=unsure, crm_mapping=mapping)
    world.opportunity("o1", created=world.clock.now() - timedelta(days=1), Products__c="PLAN", Amount="5000")
    world.deal("r1", amount="5000")
    world.cycle()
    assert world.state("r1").reason == "own_deal_unsure"
    world.policy = policy()
    world.restart()
    world.cycle(minutes=1)
    assert world.state("r1").reason == "direct_engaged"


def test_how_partners_have_done_is_counted_once_in_a_run(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    counts = deciding.partner_counts
    monkeypatch.setattr(deciding, "_BATCH", 1)
    monkeypatch.setattr(deciding, "partner_counts", lambda work, tx: counted.append(1) or counts(work, tx))
    world = make(policy=policy(speculation={"signs": 1, "capacity": 1, "stale_after_days": 3650}))
    for i in range(4):
        world.account(f"b{i}", f"Company{i} Limited")
        world.company(f"d{i}", f"Company{i} Limited")
        world.deal(f"r{i}", f"d{i}")
    world.cycle()
    assert len(counted) == 1
    reasons = {world.state(f"r{i}").reason for i in range(4)}
    assert len(reasons) == 1, "what one run decides counts for the next run, not for the batches after it"
