"""Rekeying: records go on in another system with everything that was decided about them, and can be taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncd.connectors.memory import MemoryConnector
from syncd.errors import UserError
from syncd.jobs.persons import decide_on, judge
from syncd.jobs.rebuild import rebuild
from syncd.jobs.rekey import Line, plan_rekey, read_map, rekey, spelt
from syncd.model import Application, DecisionKind
from syncd.store import outcomes

from .conftest import Make
from .world import World, crm_ref, prm_ref

NEW_UID = "4712"
LINES = (Line(2, "c1", "x1"), Line(3, "r1", "n1"), Line(4, "p-P01", "q1"), Line(5, "r2", "n2"))


def replaced(world: World) -> MemoryConnector:
    """Another portal in the place of the old one: the same deals and partners under other ids, filed today."""
    portal = MemoryConnector(world.clock, uid=NEW_UID)
    for spec in world.mapping("prm").read_specs().values():
        portal.define(spec.object, *spec.fields, *spec.where)
    today = world.clock.now().isoformat()
    for old, new in (("c1", "x1"),):
        portal.put("companies", new, world.prm.get("companies", old))
    for old, new in (("p-P01", "q1"), ("p-P02", "q2")):
        portal.put("partners", new, world.prm.get("partners", old))
    for old, new in (("r1", "n1"), ("r2", "n2")):
        told = {n: v for n, v in world.prm.get("deals", old).items() if not n.startswith("syncd_")}
        portal.put("deals", new, {**told, "submitted_at": today}, companies=["x1"])
    sides = [replace(s, name="prm2", connector=portal, uid="") if s.name == "prm" else s for s in world.work.sides]
    world.work.sides = sides
    return portal


def states(world: World) -> dict[str, tuple[str, str, Any]]:
    """How each registration stands: number, application, when it was received."""
    with world.store.read() as tx:
        found = outcomes.claims(tx)
    return {c.state.ref.id: (c.state.number, c.state.application.value, c.state.received_at) for c in found}


def filed(world: World) -> None:
    """Two filings: the first approved by a person against the rules' wish, the second behind it."""
    world.opportunity(Registration__c="r1")
    world.deal()
    world.cycle()
    world.deal("r2", partner="P02")
    world.cycle(hours=1)
    assert {one[1] for one in states(world).values()} == {"approved", "waiting"}


def test_a_portal_is_replaced_and_every_decision_goes_along(make: Make) -> None:
    replaced_and_all_goes_along(make())


@pytest.mark.counts
def test_a_portal_is_replaced_on_either_database(world: World) -> None:
    replaced_and_all_goes_along(world)


def replaced_and_all_goes_along(world: World) -> None:
    filed(world)
    before = states(world)
    decided = len(world.decisions())
    world.clock.advance(days=3)
    portal = replaced(world)
    made = rekey(world.work, "prm2", LINES, "kim", "the new portal")
    assert (len(made.pairs), made.problems, made.unknown) == (4, [], 0)
    assert made.following["decisions"] >= 4
    world.cycle()
    after = states(world)
    assert {after["n1"], after["n2"]} == {before["r1"], before["r2"]}, "number, standing and place in the queue"
    assert set(after) == {"n1", "n2"}
    assert len(world.decisions()) == decided, "nothing is decided a second time"
    assert portal.get("deals", "n1")["syncd_status"] == "approved"
    assert portal.get("deals", "n1")["syncd_number"] == before["r1"][0]
    assert world.shows("o1", "Opportunity", "status__c") == "protected", "an old key still names its registration"
    rebuild(world.work)
    assert world.cycle().writes == 0
    assert states(world) == after


def test_it_can_be_taken_back(make: Make) -> None:
    world = make()
    filed(world)
    before, sides = states(world), list(world.work.sides)
    replaced(world)
    rekey(world.work, "prm2", LINES, "kim", "the new portal")
    world.cycle()
    assert len(rekey(world.work, "prm2", LINES, "kim", "not yet", back=True).pairs) == 4
    world.work.sides = sides
    world.cycle()
    again = states(world)
    assert {id_: again[id_] for id_ in before} == before
    assert [e["what"] for kind in ("rekey", "unrekey") for e in world.ledger(kind)] == ["rekey", "unrekey"]


@pytest.mark.counts
def test_what_people_said_of_a_company_goes_along(make: Make) -> None:
    world = make()
    filed(world)
    judge(world.work, str(prm_ref("c1", "companies")), str(crm_ref()), DecisionKind.DIFFERENT, "kim", "another firm")
    world.cycle()
    assert world.shows() is None
    replaced(world)
    rekey(world.work, "prm2", LINES, "kim", "the new portal")
    world.cycle()
    world.cycle()
    assert world.shows() is None


@pytest.mark.counts
def test_a_person_decides_on_what_went_along(make: Make) -> None:
    world = make()
    filed(world)
    number = states(world)["r1"][0]
    replaced(world)
    rekey(world.work, "prm2", LINES, "kim", "the new portal")
    world.cycle()
    decide_on(world.work, number, DecisionKind.REJECTED, "kim", "it is ours")
    world.cycle()
    assert states(world)["n1"][1] == Application.REJECTED.value


def test_each_line_that_cannot_be_followed_is_named(make: Make) -> None:
    world = make()
    filed(world)
    replaced(world)
    lines = [Line(2, "r1", "n1"), Line(3, "r2", "nosuch"), Line(4, "r9", "n9"), Line(5, "", "n1"), Line(6, "c1", "x1"),
             Line(7, "c1", "x2")]  # fmt: skip
    made = plan_rekey(world.work, "prm2", lines)
    assert list(made.pairs) == [prm_ref("r1")]
    assert made.unknown == 1
    assert dict(made.problems) == {
        3: "prm2 has no deals nosuch, or does not show it to us",
        5: "has no old id or no new id",
        6: "c1 is given two new ids",
        7: "c1 is given two new ids",
    }
    assert world.ledger("rekey") == [], "a dry run changes nothing"
    rekey(world.work, "prm2", lines, "kim", "what can be followed")
    assert plan_rekey(world.work, "prm2", lines).already == 1


def test_the_old_connection_must_be_out_of_the_settings(make: Make) -> None:
    world = make()
    with pytest.raises(UserError, match="No longer configured: none"):
        plan_rekey(world.work, "prm", LINES)
    with pytest.raises(UserError, match="still in the settings"):
        plan_rekey(world.work, "prm", LINES, old="crm")


def test_ids_of_fifteen_characters_are_followed_as_eighteen() -> None:
    line = spelt(Line(2, "001dM00003jU9Gx", "001dM00003jU9Gx"), "salesforce-00D", "hubspot-1")
    assert (line.old, line.new) == ("001dM00003jU9GxQAK", "001dM00003jU9Gx")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("old_id,new_id\nr1,n1\n\nr2,n2\n", [Line(2, "r1", "n1"), Line(4, "r2", "n2")]),
        ("\ufeffNew,Old,Object\nn1,r1,deals\n", [Line(2, "r1", "n1", "deals")]),
        ("old_id;new_id\nr1;n1\n", [Line(2, "r1", "n1")]),
        ("old_id,new_id,note\nr1,n1,=1+1\n", [Line(2, "r1", "n1")]),
    ],
)
def test_the_file_is_read_by_its_heading(tmp_path: Path, text: str, lines: list[Line]) -> None:
    (tmp_path / "ids.csv").write_text(text, encoding="utf-8")
    assert read_map(tmp_path / "ids.csv") == lines


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "old_id\n1\n"])
def test_a_file_without_the_columns_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "ids.csv").write_text(text)
    with pytest.raises(UserError, match="must have the columns old_id and new_id"):
        read_map(tmp_path / "ids.csv")


@pytest.mark.counts
def test_who_owned_a_record_before_syncd_is_remembered_in_the_org_that_it_was_promoted_to(make: Make) -> None:
    world = make(ownership="enforce")
    world.opportunity(Registration__c="r1")
    world.deal()
    world.cycle()
    assert world.shows("o1", "Opportunity", "Channel_Owner__c") == "u1"
    org = MemoryConnector(world.clock, uid="00D2")
    for spec in world.mapping("crm").read_specs().values():
        org.define(spec.object, *spec.fields, *spec.where)
    for object_, ids in (("Account", ("a1", "a2")), ("User", ("u1",)), ("Opportunity", ("o1",))):
        for id_ in ids:
            told = world.crm.get(object_, id_)
            org.put(object_, f"p-{id_}" if object_ != "User" else id_, told)
    org.put("Opportunity", "p-o1", {"AccountId": "p-a1"})
    world.work.sides = [
        replace(s, name="production", connector=org, uid="") if s.name == "crm" else s for s in world.work.sides
    ]
    lines = [Line(n, id_, f"p-{id_}") for n, id_ in enumerate(("a1", "a2", "o1"), start=2)]
    assert rekey(world.work, "production", lines, "kim", "promoted").problems == []
    world.cycle()
    assert org.get("Opportunity", "p-o1")["Channel_Owner__c"] == "u1"
    world.prm.put("deals", "r1", {"dealstage": "withdrawn"})
    world.cycle()
    assert org.get("Opportunity", "p-o1")["Channel_Owner__c"] == "u9"
