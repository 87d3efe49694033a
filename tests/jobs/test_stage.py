"""Staging: what is wrong with a record is kept beside it, and what it touches is decided again."""

from __future__ import annotations

from typing import Any

from syncd.jobs.pull import pull
from syncd.jobs.stage import stage
from syncd.model import Ref, Stream
from syncd.store import graph
from syncd.store.graph import Staged

from .conftest import Make
from .world import World, crm_ref, prm_ref


def staged(world: World, ref: Ref) -> Staged | None:
    with world.store.read() as tx:
        return graph.get_staged(tx, [ref]).get(ref)


def pulled_and_staged(world: World) -> int:
    world.clock.advance(seconds=10)
    for side in world.work.sides:
        for stream in side.streams:
            pull(world.work, side, stream)
    return stage(world.work)


def dirty(world: World) -> list[int]:
    with world.store.read() as tx:
        return graph.dirty_organizations(tx)


def test_nothing_changed_is_nothing_to_stage(world: World) -> None:
    assert pulled_and_staged(world) == 6
    assert pulled_and_staged(world) == 0


def test_a_record_with_a_bad_value_is_used_without_it_and_the_problem_is_kept(make: Make) -> None:
    world = make()
    world.account("bad", "Odd Ltd", Employees="a few")
    world.deal("r1", amount="lots")
    pulled_and_staged(world)
    with world.store.read() as tx:
        found = {item.ref.id: [p["field"] for p in item.problems] for item in graph.problems(tx)}
    assert found == {"bad": ["employees"], "r1": ["value"]}


def test_a_registration_whose_status_nobody_knows_is_kept_as_unreadable(make: Make) -> None:
    world = make()
    world.deal("r1", dealstage="mystery")
    world.deal("r2")
    pulled_and_staged(world)
    bad, good = staged(world, prm_ref("r1")), staged(world, prm_ref("r2"))
    assert bad is not None
    assert good is not None
    assert (bad.state, good.state) == ("unreadable", "taken")
    assert bad.problems[0]["field"] == "status"


def test_awkward_records_are_kept_while_the_rest_goes_on(make: Make) -> None:
    world = make()
    world.account("n", "x", Name=None)
    world.account("l", "Long Ltd", City="y" * 100_000)
    world.account("d", "Old Ltd", CreatedDate="1900-01-01T00:00:00Z")
    world.account("z", "Zero \u0000 Ltd")
    world.deal()
    assert world.cycle().errors == []
    assert world.application() == "approved"


def test_a_record_that_is_excluded_or_deleted_takes_no_part(make: Make) -> None:
    world = make()
    world.deal("r1", pipeline="renewals")
    world.deal("r2")
    world.opportunity("o1")
    pulled_and_staged(world)
    assert staged(world, prm_ref("r1")) is None
    world.deal("r2", pipeline="renewals")
    world.crm.delete("Opportunity", "o1")
    pulled_and_staged(world)
    assert staged(world, prm_ref("r2")) is None
    assert staged(world, crm_ref("o1", "Opportunity")) is None


def test_a_registration_whose_record_is_gone_stays(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    world.prm.delete("deals", "r1")
    world.cycle()
    assert world.application() == "approved"
    assert world.shows() == "protected"


def test_records_hang_on_their_account_and_are_named_by_their_key(make: Make) -> None:
    world = make()
    world.deal()
    world.opportunity("o1", "a1", Registration__c=" DR-7 ")
    pulled_and_staged(world)
    cases: list[tuple[Ref, Ref | None, Any]] = [
        (crm_ref("o1", "Opportunity"), crm_ref("a1"), "DR-7"),
        (prm_ref("p-P01", "partners"), None, "P01"),
        (crm_ref("u1", "User"), None, "mia@vendor.example"),
    ]
    for ref, parent, key in cases:
        found = staged(world, ref)
        assert found is not None
        assert (found.parent, found.key) == (parent, key)
    filed = staged(world, prm_ref())
    assert filed is not None
    assert filed.parent == prm_ref("c1", "companies")


def test_a_company_carried_by_the_registration_itself_is_matched_like_any_other(make: Make) -> None:
    from .world import PRM_MAPPING, compiled

    world = make()
    registrations = PRM_MAPPING["streams"]["registrations"]
    carried = {"name": "company_name", "website": "company_site", "city": "company_city"}
    fields = {n: f for n, f in registrations["fields"].items() if n != "company_id"}  # type: ignore[attr-defined]
    own = {"streams": {"registrations": {**registrations, "fields": fields, "company": carried}}}
    world.prm.define("deals", *carried.values())
    world.change_side("prm", streams={**world.side("prm").streams, **compiled(own, "hubspot").streams})
    world.deal("r1", company_name="Fenwick Instruments Limited", company_site="fenwick.example", company_city="Leeds")
    world.cycle()
    assert world.application() == "approved"
    assert world.shows() == "protected"


def test_an_organization_is_decided_again_when_anything_it_read_changes(make: Make) -> None:
    world = make()
    world.deal()
    world.opportunity("o1", "a1")
    world.cycle()
    changes = {
        "an account": lambda: world.account("a1", Named__c=True),
        "a moved opportunity": lambda: world.opportunity("o1", "a2"),
        "an opportunity that moved back": lambda: world.opportunity("o1", "a1"),
        "a registration": lambda: world.deal("r1", number="DR-9"),
        "a partner": lambda: world.partner(status="suspended"),
        "a manager": lambda: world.user(IsActive=False),
        "a manager with another address": lambda: world.user(email="other@vendor.example"),
        "a deleted opportunity": lambda: world.crm.delete("Opportunity", "o1"),
        "a deleted partner": lambda: world.prm.delete("partners", "p-P01"),
    }
    for name, change in changes.items():
        change()
        pulled_and_staged(world)
        assert dirty(world) == [1], name
        with world.store.begin() as tx:
            graph.mark_clean(tx, [1])


def test_a_change_of_somebody_elses_record_decides_nothing_again(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    world.account("a2", City="York")
    world.partner("P02", "Pellmore Group")
    pulled_and_staged(world)
    assert dirty(world) == []


def test_a_record_that_still_names_a_merged_account_touches_the_surviving_one(make: Make) -> None:
    world = make()
    world.account("a9", "Fenwick Instruments Ltd")
    world.deal()
    world.cycle()
    world.crm.delete("Account", "a9", merged_into="a1")
    world.cycle()
    world.opportunity("o1", "a9")
    pulled_and_staged(world)
    assert dirty(world) == [1]
    world.cycle()
    assert world.shows("o1", "Opportunity") == "protected"


def test_another_mapping_stages_everything_again(make: Make) -> None:
    world = make()
    assert pulled_and_staged(world) == 6
    fields = {**world.crm_mapping["streams"]["accounts"]["fields"], "industry": "Industry"}
    accounts = {**world.crm_mapping["streams"]["accounts"], "fields": fields}
    world.crm_mapping = {"streams": {**world.crm_mapping["streams"], "accounts": accounts}}
    world.crm.define("Account", "Industry")
    world.restart()
    with world.store.read() as tx:
        assert graph.get_progress(tx, "staged")[0] > 0
    assert stage(world.work) == 6


def test_streams_are_told_apart(make: Make) -> None:
    world = make()
    pulled_and_staged(world)
    found = staged(world, crm_ref("a1"))
    assert found is not None
    assert found.stream is Stream.ACCOUNTS
