"""Why: the whole story of any record, from any way of naming it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from syncd.errors import UserError
from syncd.jobs import persons
from syncd.jobs.why import why
from syncd.model import DecisionKind

from .conftest import Make
from .world import World, crm_ref, prm_ref


def story(world: World, text: str) -> dict[str, Any]:
    with world.store.read() as tx:
        told = why(world.work, tx, text)
    orjson.dumps(told)
    return told


def refused(world: World, text: str) -> str:
    with pytest.raises(UserError) as refusal:
        story(world, text)
    return str(refusal.value)


@pytest.fixture
def told(world: World) -> World:
    """Two filings on one account, a direct deal, and a person's word."""
    world.deal("r1")
    world.clock.advance(hours=1)
    world.deal("r2", partner="P02")
    world.opportunity("o1", Products__c="PLAN")
    world.cycle()
    return world


@pytest.mark.parametrize(
    ("text", "stream", "name"),
    [
        ("a1", "accounts", "Fenwick Instruments Ltd"), ("a2", "accounts", "Harbour Logistics GmbH"),
        ("c1", "accounts", "Fenwick Instruments Limited"), ("r1", "registrations", "r1"),
        ("o1", "opportunities", "Deal o1"), ("p-P01", "partners", "Wychwood Integrators"), ("u1", "users", "u1"),
    ],
)  # fmt: skip
def test_every_kind_of_record_has_a_story(told: World, text: str, stream: str, name: str) -> None:
    found = story(told, text)
    assert (found["stream"], found["name"], found["deleted"]) == (stream, name, False)


def test_an_account_tells_its_links_filings_collisions_stamps_and_writes(told: World) -> None:
    found = story(told, "a1")
    assert found["shows"]["status__c"] == "protected"
    assert [item["band"] for item in found["links"]] == ["auto"]
    assert found["links"][0]["evidence"]
    assert set(found["organization"]) == {str(crm_ref()), str(prm_ref("c1", "companies"))}
    assert [item["application"] for item in found["registrations"]] == ["approved", "waiting"]
    assert {item["id"].split("-")[0] for item in found["collisions"]} == {"C03", "C09"}
    assert {made["what"] for made in found["decisions"]} >= {"approved", "granted"}
    assert found["wanted"]["stamp"]["values"]["partner"] == "Wychwood Integrators"
    assert [item["state"] for item in found["writes"]] == ["applied"]
    assert found["writes"][0]["before"]["status__c"] is None


def test_a_registration_tells_its_own_story_only(told: World) -> None:
    found = story(told, "r2")
    assert [item["ref"] for item in found["registrations"]] == [str(prm_ref("r2"))]
    assert {made["subject"] for made in found["decisions"]} <= {str(prm_ref("r2"))}
    assert [item["id"].split("-")[0] for item in found["collisions"]] == ["C03"]


def test_a_record_without_anything_has_an_empty_story(told: World) -> None:
    found = story(told, "a2")
    nothing = ("links", "organization", "registrations", "collisions", "decisions", "writes", "problems")
    assert [found[part] for part in nothing] == [[]] * len(nothing)
    assert found["wanted"] == {}


def test_a_record_is_found_by_ref_number_or_a_part_of_its_name(told: World) -> None:
    number = told.state("r1").number
    for text, ref in ((str(crm_ref()), crm_ref()), (number, prm_ref()), ("harbour LOG", crm_ref("a2"))):
        assert story(told, text)["ref"] == str(ref)


def test_a_name_that_several_records_have_lists_them(told: World) -> None:
    said = refused(told, "Fenwick")
    assert "Fenwick may mean 2 records" in said
    assert f"{crm_ref()}  Fenwick Instruments Ltd" in said
    assert str(prm_ref("c1", "companies")) in said


def test_what_nobody_knows_is_said(told: World) -> None:
    assert "Nothing here is called Zyx" in refused(told, "Zyx")
    assert "a/b/c was never read" in refused(told, "a/b/c")


def test_a_merged_record_leads_to_the_surviving_one(make: Make) -> None:
    world = make()
    world.account("a9", "Fenwick Instr.")
    world.cycle()
    world.crm.delete("Account", "a9", merged_into="a1")
    world.cycle()
    assert story(world, "a9")["ref"] == str(crm_ref())


def test_what_is_wrong_with_a_record_and_what_is_gone_is_told(make: Make) -> None:
    world = make()
    world.account("a2", "Harbour Logistics GmbH", Employees="many")
    world.opportunity("o1")
    world.cycle()
    world.crm.delete("Opportunity", "o1")
    world.cycle()
    assert [p["field"] for p in story(world, "a2")["problems"]] == ["employees"]
    assert story(world, "o1")["deleted"]


def test_a_persons_word_is_part_of_the_story(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    persons.decide_on(world.work, "r1", DecisionKind.REJECTED, "kim", "a competitor of ours")
    persons.judge(world.work, "c1", "a1", DecisionKind.SAME, "kim", "one site")
    world.cycle()
    found = story(world, "r1")
    assert ("person:kim", "a competitor of ours") in {(made["by"], made["reason"]) for made in found["decisions"]}
    assert found["links"][0]["judgement"] == "same"


def test_a_record_of_a_connection_that_is_no_longer_configured_still_has_a_story(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    world.work.sides = [side for side in world.work.sides if side.name == "prm"]
    assert story(world, "a1")["name"] == "a1"
