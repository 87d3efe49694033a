"""Families and contradictions: who owns whom, and which words of people cannot all be true."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from syncd.jobs.contradictions import contradictions
from syncd.jobs.families import Family, family_of
from syncd.model import DecisionKind

from .conftest import Make
from .test_link import judge, members
from .world import CRM_MAPPING, World


def with_parents() -> dict[str, Any]:
    mapping: dict[str, Any] = copy.deepcopy(CRM_MAPPING)
    mapping["streams"]["accounts"]["fields"]["parent_id"] = "ParentId"
    return mapping


@pytest.fixture
def owned(make: Make) -> World:
    """Fenwick owns a holding that nobody filed about, which owns Harbour, of which a partner filed."""
    world = make(crm_mapping=with_parents())
    world.account("h", "Ashdown Holding PLC", ParentId="a1")
    world.account("a2", "Harbour Logistics GmbH", City="Bath", ParentId="h")
    world.company("c2", "Harbour Logistics GmbH", city="Bath")
    world.deal("r1")
    world.deal("r2", "c2")
    world.cycle()
    return world


def family(world: World, number: int) -> Family:
    with world.store.read() as tx:
        return family_of(tx, number)


def test_a_family_goes_up_and_down_over_accounts_that_nobody_filed_about(owned: World) -> None:
    numbers = members(owned)
    assert numbers["a1"] != numbers["a2"]
    found = family(owned, numbers["c2"])
    assert found.organizations == {numbers["a1"], numbers["a2"]}
    assert {(tie.one.id, tie.other.id, tie.why) for tie in found.ties} == {
        ("h", "a1", "parent"), ("a2", "h", "parent"),
    }  # fmt: skip
    assert family(owned, numbers["c1"]).organizations == found.organizations
    assert found.complete


def test_a_parent_that_is_gone_ties_nobody(owned: World) -> None:
    owned.crm.delete("Account", "h")
    owned.cycle(minutes=1)
    numbers = members(owned)
    assert family(owned, numbers["c2"]).organizations == {numbers["c2"]}


def test_another_company_of_the_group_is_family_and_no_organization_of_it(make: Make) -> None:
    world = make()
    world.company("c2", "Ashdown Tooling Leeds Limited")
    world.account("a3", "Ashdown Tooling Bath Ltd")
    world.deal("r2", "c2")
    world.cycle()
    numbers = members(world)
    found = family(world, numbers["c2"])
    assert ("c2", "a3", "same_group") in {(tie.one.id, tie.other.id, tie.why) for tie in found.ties}
    assert "a3" not in numbers or numbers["a3"] != numbers["c2"]


def said(world: World) -> list[tuple[str, str, str]]:
    with world.store.read() as tx:
        return [(one.left.id, one.right.id, one.against) for one in contradictions(tx)]


def test_a_later_word_stands_and_the_earlier_one_is_shown(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    judge(world, DecisionKind.SAME)
    assert said(world) == []
    world.clock.advance(minutes=1)
    judge(world, DecisionKind.DIFFERENT)
    world.cycle()
    [(left, right, against)] = said(world)
    assert ({left, right}, against[:13]) == ({"c1", "a1"}, "kim said same")
    assert "a1" not in members(world)


def test_words_that_cannot_all_be_true_are_shown(make: Make) -> None:
    world = make()
    world.account("a3", "Pellmore Ltd")
    world.deal()
    world.cycle()
    judge(world, DecisionKind.SAME, "c1", "a1")
    judge(world, DecisionKind.SAME, "c1", "a3")
    judge(world, DecisionKind.DIFFERENT, "a1", "a3")
    world.cycle()
    assert [(left, right) for left, right, against in said(world) if "apart" in against] == [("a1", "c1")]
    assert {id_ for id_, number in members(world).items() if number == members(world)["c1"]} == {"c1", "a3"}
