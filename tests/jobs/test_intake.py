"""The intake book: everything filed has a line; its number and time are back at the portal within a cycle."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from syncd.jobs.cycle import cycle
from syncd.jobs.intake import NOT_TAKEN, book, find, why_not
from syncd.policy import Policy
from syncd.store.intake import IntakeState, Line

from .conftest import Make
from .world import PRM_MAPPING, World, prm_ref


def lines(world: World) -> dict[str, Line]:
    with world.store.read() as tx:
        return {line.ref.id: line for line in book(world.work, tx)}


def found(world: World, text: str) -> list[str]:
    with world.store.read() as tx:
        return [line.ref.id for line in find(world.work, tx, text)]


def filtered() -> dict[str, Any]:
    """Only one pipeline holds registrations."""
    made = deepcopy(PRM_MAPPING)
    made["streams"]["registrations"] |= {"where": {"pipeline": ["registrations"]}, "exclude": {"amount": ["0"]}}
    made["streams"]["registrations"]["stamps"]["received_at"] = "syncd_received_at"
    return made


def told(world: World, id_: str) -> tuple[Any, Any, Any]:
    shown = world.prm.get("deals", id_)
    return shown.get("syncd_number"), shown.get("syncd_received_at"), shown.get("syncd_status")


# --- lines -----------------------------------------------------------------------------------------------------------


def test_everything_filed_has_a_line_with_what_became_of_it(make: Make) -> None:
    world = make(prm_mapping=filtered())
    about = {"pipeline": "registrations", "amount": "10"}
    world.deal("taken", **about)
    world.deal("draft", dealstage="draft", **about)
    world.deal("other", pipeline="renewals")
    world.deal("blank", pipeline=None)
    world.deal("zero", pipeline="registrations", amount="0")
    world.deal("mystery", dealstage="mystery", **about)
    world.deal("gone", **about)
    world.cycle()
    world.prm.delete("deals", "gone")
    world.cycle()
    told = {id_: (line.state, line.field, line.value) for id_, line in lines(world).items()}
    assert told == {
        "taken": ("taken", None, None),
        "draft": ("draft", None, None),
        "other": ("filtered", "pipeline", "renewals"),
        "blank": ("filtered", "pipeline", ""),
        "zero": ("filtered", "amount", "0"),
        "mystery": ("unreadable", None, None),
        "gone": ("deleted", None, None),
    }
    assert lines(world)["mystery"].reason == "status is not named in the value map"
    assert lines(world)["other"].partner == "P01"
    assert why_not(lines(world)["other"]) == "pipeline is renewals"
    assert why_not(lines(world)["blank"]) == "pipeline is blank"


def test_a_line_tells_who_filed_what_when_and_when_it_was_seen_and_acknowledged(world: World) -> None:
    world.clock.advance(hours=1)
    world.deal("r1", number="R-77")
    filed_at = world.clock.now()
    world.cycle(minutes=1)
    line = lines(world)["r1"]
    assert (line.partner, line.number, line.company) == ("P01", "R-77", "Fenwick Instruments Limited")
    assert (line.received_at, line.seen_at) == (filed_at, world.clock.now())
    assert line.acknowledged_at == world.clock.now()


def test_a_returned_filing_says_for_what(make: Make) -> None:
    world = make(policy=Policy(required=("company.name", "decision_makers")))
    world.deal()
    world.cycle()
    assert (lines(world)["r1"].state, lines(world)["r1"].reason) == (IntakeState.RETURNED, "missing_fields")
    world.prm.put("deals", "r1", {"pipeline": "renewals"})
    world.cycle()
    assert lines(world)["r1"].state is IntakeState.FILTERED


def test_a_filing_that_is_no_longer_shown_to_us_says_so(make: Make) -> None:
    world = make(proved=None)
    world.deal()
    world.cycle()
    world.prm.conceal("deals", "r1")
    world.clock.advance(days=1)
    report = cycle(world.work)
    assert report.alarms
    assert lines(world)["r1"].state is IntakeState.NOT_VISIBLE
    assert world.application() == "approved"
    world.prm.conceal("deals", "r1", again_seen=True)
    world.cycle(days=1)
    assert lines(world)["r1"].state is IntakeState.TAKEN


def test_what_could_not_be_made_a_record_at_all_has_a_line(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    world = make()
    real = world.prm.pull

    def with_one_lost(spec: Any, *call: Any) -> Any:
        lost = (("x9", "has no stamp"),) if spec.object == "deals" else ()
        return (replace(page, unreadable=lost) for page in real(spec, *call))

    monkeypatch.setattr(world.prm, "pull", with_one_lost)
    world.cycle()
    assert (lines(world)["x9"].state, lines(world)["x9"].reason) == ("unreadable", "has no stamp")
    assert found(world, "X9") == ["x9"]


def test_a_filter_that_is_lifted_takes_what_it_kept_out_without_reading_it_again(make: Make) -> None:
    world = make(prm_mapping=filtered())
    world.deal("r1", pipeline="renewals", amount="10")
    world.cycle()
    assert lines(world)["r1"].state is IntakeState.FILTERED
    world.prm_mapping = filtered()
    world.prm_mapping["streams"]["registrations"]["where"] = {"pipeline": ["registrations", "renewals"]}
    world.restart()
    report = world.cycle(hours=1)
    assert report.pulled["prm"]["registrations"].read == 0
    assert lines(world)["r1"].state is IntakeState.TAKEN
    assert world.application() == "approved"


def test_the_book_is_empty_again_when_nothing_is_filed_there_any_more(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    world.prm_mapping = {"streams": {k: v for k, v in PRM_MAPPING["streams"].items() if k != "registrations"}}
    world.restart()
    world.cycle()
    assert lines(world) == {}


# --- finding ---------------------------------------------------------------------------------------------------------


def test_a_filing_is_found_by_number_id_company_and_partner_taken_or_not(make: Make) -> None:
    world = make(prm_mapping=filtered())
    world.company("c2", "Österreichische Rück AG", city="Wien")
    world.deal("r1", number="R-77", pipeline="registrations")
    world.deal("r2", "c2", partner="P02", pipeline="renewals")
    world.deal("r3", "c2", partner="P02", pipeline="registrations")
    world.cycle()
    assert found(world, "r-77") == ["r1"]
    assert found(world, "R2") == ["r2"]
    assert found(world, "fenwick") == ["r1"]
    assert found(world, "ÖSTERREICH") == ["r3"], "of what is not taken nobody knows the company"
    assert found(world, "p02") == ["r2", "r3"]
    assert found(world, "pellmore") == ["r2", "r3"]
    assert found(world, "nobody") == []
    assert found(world, "r_77") == []
    assert found(world, "%") == []
    assert set(NOT_TAKEN) == {"filtered", "unreadable", "not visible", "deleted"}


def test_the_company_that_a_filing_carries_itself_is_found(make: Make) -> None:
    carried = deepcopy(PRM_MAPPING)
    del carried["streams"]["registrations"]["fields"]["company_id"]
    carried["streams"]["registrations"]["company"] = {"name": "company_name"}
    world = make(prm_mapping=carried)
    world.deal("r1", company_name="Pinecrest Foods")
    world.deal("r2", company_name="Quillon Foods", pipeline="renewals")
    world.cycle()
    assert found(world, "foods") == ["r1", "r2"]
    assert lines(world)["r2"].company == "Quillon Foods"


# --- number and time back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("approved", "approved"), ("pending", "pending"), ("returned", "returned"), ("no company", "pending"),
        ("company not read", "pending"), ("partner unknown", "review"), ("not dated", "review"),
    ],
)  # fmt: skip
def test_a_filing_gets_its_number_and_time_within_one_cycle(make: Make, case: str, status: str) -> None:
    required = ("company.name", "decision_makers") if case == "returned" else ("company.name",)
    lag = 900.0 if case == "pending" else 0.0
    world = make(prm_mapping=filtered(), policy=Policy(required=required), read_lag=lag)
    company = {"no company": "", "company not read": "c999"}.get(case, "c1")
    partner = "P99" if case == "partner unknown" else "P01"
    world.deal("r1", company, partner, pipeline="registrations")
    if case == "no company":
        world.prm.put("deals", "r1", {}, companies=[])
    if case == "not dated":
        world.prm.put("deals", "r1", {"submitted_at": None})
    at = world.prm.get("deals", "r1")["submitted_at"]
    world.cycle()
    line = lines(world)["r1"]
    assert line.state in (IntakeState.TAKEN, IntakeState.RETURNED)
    number, received, shown = told(world, "r1")
    assert number == line.number
    assert (received or "")[:19] == (at or "")[:19]
    assert shown == status
    assert lines(world)["r1"].acknowledged_at == world.clock.now()
    assert world.cycle().writes == 0
    assert world.prm.redundant == []


def test_what_is_not_filed_yet_or_not_taken_is_told_nothing(make: Make) -> None:
    world = make(prm_mapping=filtered())
    world.deal("draft", "", dealstage="draft", pipeline="registrations")
    world.deal("other", pipeline="renewals")
    world.cycle()
    assert told(world, "draft") == told(world, "other") == (None, None, None)
    assert [line.acknowledged_at for line in lines(world).values()] == [None, None]


def test_a_filing_whose_company_comes_later_is_decided_then(world: World) -> None:
    world.deal("r1", "c9")
    world.cycle()
    assert world.prm.get("deals", "r1")["syncd_status"] == "pending"
    world.company("c9", "Harbour Logistics", city="Bath")
    world.cycle()
    assert world.application("r1") == "approved"
    assert world.prm.get("deals", "r1")["syncd_status"] == "approved"
    assert lines(world)["r1"].company == "Harbour Logistics"


def test_a_filing_whose_company_is_gone_keeps_its_number(make: Make) -> None:
    world = make(prm_mapping=filtered())
    world.deal("r1", pipeline="registrations")
    world.cycle()
    number = told(world, "r1")[0]
    world.prm.delete("companies", "c1")
    world.cycle()
    assert told(world, "r1")[0] == number is not None
    assert told(world, "r1")[2] == "pending"


def test_a_withdrawn_filing_without_a_company_is_told_that_it_is_withdrawn(make: Make) -> None:
    world = make()
    world.deal("r1", "c999", dealstage="withdrawn")
    world.cycle()
    assert world.prm.get("deals", "r1")["syncd_status"] == "withdrawn"
    world.prm.put("deals", "r1", {"dealstage": "draft"})
    world.cycle()
    assert world.prm.get("deals", "r1")["syncd_status"] == ""


def test_a_number_that_stood_there_before_us_counts_as_acknowledged_when_it_was_read(make: Make) -> None:
    world = make()
    world.deal("r1")
    world.cycle()
    number = world.prm.get("deals", "r1")["syncd_number"]
    from syncd.store.tables import write

    with world.store.begin() as tx:
        tx.execute(write.delete())
    assert number
    assert lines(world)["r1"].acknowledged_at is not None


def test_the_book_and_what_is_wanted_for_those_alone_are_made_again_by_a_rebuild(world: World) -> None:
    from syncd.jobs.rebuild import rebuild
    from syncd.store import outcomes

    world.deal("r1", "c999")
    world.deal("r2", pipeline="renewals")
    world.deal("r3", dealstage="mystery")
    world.cycle()
    before = lines(world)
    with world.store.read() as tx:
        wanted = outcomes.get_wanted(tx, [prm_ref("r1")])
    assert wanted
    rebuild(world.work)
    assert lines(world) == before
    with world.store.read() as tx:
        assert outcomes.get_wanted(tx, [prm_ref("r1")]) == wanted
    assert world.cycle().writes == 0
