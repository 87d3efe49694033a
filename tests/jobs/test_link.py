"""Linking follows changes: frozen statistics, judgements that outlive scores, and no work where nothing changed."""

from __future__ import annotations

from syncd.jobs import persons
from syncd.jobs.link import link
from syncd.model import Band, DecisionKind, Link
from syncd.store import graph, outcomes, runs

from .conftest import Make
from .world import World


def links(world: World) -> dict[tuple[str, str], Link]:
    with world.store.read() as tx:
        return {(item.left.id, item.right.id): item for item in graph.all_links(tx)}


def runs_of(world: World, job: str) -> int:
    with world.store.read() as tx:
        return sum(run["job"] == job for run in runs.recent(tx, 1000))


def members(world: World) -> dict[str, int]:
    with world.store.read() as tx:
        return {ref.id: number for ref, number in graph.members(tx).items()}


def statistics(world: World) -> str:
    with world.store.read() as tx:
        found = outcomes.frozen_statistics(tx)
    assert found is not None
    return found[0]


def judge(world: World, kind: DecisionKind, left: str = "c1", right: str = "a1") -> None:
    persons.judge(world.work, left, right, kind, "kim", "they said so")


def test_a_filed_company_is_linked_to_the_account_it_means(world: World) -> None:
    world.deal()
    world.cycle()
    assert links(world)["c1", "a1"].band is Band.AUTO
    assert members(world) == {"a1": 1, "c1": 1}, "an account that nobody filed about is in no organization"


def test_nothing_changed_is_no_run(world: World) -> None:
    world.deal()
    world.cycle()
    before = runs_of(world, "link")
    assert link(world.work) == 0
    world.deal(products="COST")
    world.cycle()
    assert runs_of(world, "link") == before == 1


def test_statistics_are_frozen_by_the_first_run_and_later_records_do_not_move_them(make: Make) -> None:
    world = make()
    world.cycle()
    frozen = statistics(world)
    for n in range(20):
        world.account(f"x{n}", f"Fenwick Trading {n}", Website=None)
    world.cycle()
    assert statistics(world) == frozen


def test_a_judgement_alone_links_again_and_outlives_every_score(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    judge(world, DecisionKind.DIFFERENT)
    world.cycle()
    assert ("c1", "a1") not in links(world)
    assert members(world) == {"c1": 2}
    world.company(phone="0113 496 0000")
    world.account(Phone="0113 496 0000")
    world.cycle()
    assert members(world) == {"c1": 2}, "a person's no outlives a better score"
    judge(world, DecisionKind.SAME)
    world.cycle()
    assert members(world) == {"a1": 1, "c1": 1}, "and the organization has its old id back"


def test_a_judgement_brings_together_what_no_score_would(make: Make) -> None:
    world = make()
    world.cycle()
    assert ("c1", "a2") not in links(world)
    judge(world, DecisionKind.SAME, "c1", "a2")
    world.cycle()
    assert links(world)["c1", "a2"].band is Band.AUTO


def test_a_judgement_about_a_merged_account_holds_for_the_surviving_one(make: Make) -> None:
    world = make()
    world.account("a0", "Fenwick Instruments Ltd")
    world.deal()
    world.cycle()
    judge(world, DecisionKind.DIFFERENT, "c1", "a0")
    judge(world, DecisionKind.DIFFERENT, "c1", "a1")
    world.cycle()
    world.crm.delete("Account", "a1", merged_into="a5")
    world.account("a5", "Fenwick Instruments Ltd")
    world.cycle()
    assert "a5" not in members(world)


def test_an_account_that_is_gone_leaves_its_organization(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    world.crm.delete("Account", "a1")
    world.cycle()
    assert set(members(world)) == {"c1"}
    assert links(world) == {}


def test_organizations_touched_by_a_changed_link_are_decided_again(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    assert world.shows() == "protected"
    judge(world, DecisionKind.DIFFERENT)
    world.cycle()
    assert world.shows() is None, "the account has nothing to do with the filing any more"
    assert world.application() == "approved", "and the protection itself stays"
