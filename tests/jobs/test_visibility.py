"""Visibility is proved, else stated, and nobody's word counts against proof."""

from __future__ import annotations

import pytest

from syncd.errors import Retry
from syncd.jobs.checks import check_connections
from syncd.model import ObjectAccess
from syncd.store import runs

from .conftest import Make
from .world import CRM_UID, PRM_UID


@pytest.mark.parametrize(
    ("proved", "stated", "outcome"),
    [
        pytest.param(True, False, "approved", id="proved, nothing need be said"),
        pytest.param(True, True, "approved", id="proved and said"),
        pytest.param(None, True, "approved", id="not to be proved, an admin says so"),
        pytest.param(None, False, "review", id="neither proved nor said"),
        pytest.param(False, True, "review", id="disproved whatever an admin says"),
        pytest.param(False, False, "review", id="disproved"),
    ],
)
def test_what_is_approved_when_nothing_was_found(make: Make, proved: bool | None, stated: bool, outcome: str) -> None:
    """F36."""
    world = make(proved=proved)
    world.change_side("crm", visible=stated)
    world.deal()
    world.cycle()
    assert (world.application(), world.state().reason) == (
        outcome, "first_registered" if outcome == "approved" else "not_visible",
    )  # fmt: skip


def test_one_hidden_object_that_contests_is_enough_and_another_one_is_not(make: Make) -> None:
    world = make()
    side = world.side("crm")
    users = ObjectAccess("User", False, "Some are hidden.")
    world.change_side("crm", access={**side.access, "User": users})
    assert world.side("crm").sees_enough
    deals = ObjectAccess("Opportunity", False, "Some are hidden.")
    world.change_side("crm", access={**side.access, "Opportunity": deals})
    assert not world.side("crm").sees_enough


def test_a_portal_need_not_prove_anything_but_must_not_hide_filings(make: Make) -> None:
    world = make(proved=None)
    world.change_side("crm", visible=True)
    world.change_side("prm", visible=False)
    assert world.side("prm").sees_enough
    hidden = {"deals": ObjectAccess("deals", False, "Some are hidden.")}
    world.change_side("prm", access=hidden)
    world.deal()
    world.cycle()
    assert world.state().reason == "not_visible"


def test_proof_is_kept_for_those_who_decide_beside_the_daemon(make: Make) -> None:
    world = make(proved=False)
    world.work.bind_from_store()
    assert {o: a.sees_all for o, a in world.side("crm").access.items()} == {
        "Account": False, "Opportunity": False, "User": False,
    }  # fmt: skip
    assert not world.side("crm").sees_enough
    with world.store.read() as tx:
        assert [a.object for a in runs.get_access(tx, PRM_UID)] == ["companies", "deals", "partners"]
        assert runs.get_access(tx, CRM_UID)[0].evidence == "The twin hides records."


def test_a_proof_that_is_lost_decides_again(make: Make) -> None:
    world = make()
    world.change_side("crm", visible=False)
    world.deal("r1")
    world.cycle()
    world.crm._sees_all = None
    world.work.bind()
    world.account("a9", "Pinecrest Foods", City="York")
    world.company("c9", "Pinecrest Foods", city="York")
    world.deal("r9", "c9")
    world.cycle()
    assert world.application("r1") == "approved", "a rule decides once"
    assert world.state("r9").reason == "not_visible"


def test_a_daemon_looks_at_rights_and_fields_once_a_day(make: Make) -> None:
    """F22, F36."""
    world = make()
    world.cycle()
    world.crm._sees_all = False
    world.crm._columns["Account"].discard("City")
    world.cycle(hours=23)
    assert world.side("crm").sees_enough
    report = world.cycle(hours=1)
    assert not world.side("crm").sees_enough
    assert report.alarms == ["crm: Account.City has vanished since the last check."]
    assert "Account has no field City" in report.errors[0], "and its stream is read no more"
    assert world.cycle(hours=1).alarms == []
    world.prm.fail(Retry("busy"))
    said = world.cycle(hours=24).errors
    assert "Account has no field City" in said[0], "in the order of the connections"
    assert said[1] == "prm check: busy"


def test_the_check_tells_the_evidence_object_by_object(make: Make) -> None:
    world = make(proved=None)
    world.change_side("crm", visible=False)
    crm, _ = check_connections(world.work)
    assert {one.object: said for one, said in crm.access} == {
        "Account": "partial", "Opportunity": "partial", "User": "partial",
    }  # fmt: skip
    assert crm.access[0][0].evidence == "The twin does not say."
    assert "visibility of Account, Opportunity is partial: nothing is approved automatically" in crm.notes
    world.change_side("crm", visible=True)
    crm, _ = check_connections(world.work)
    assert "visibility of Account, Opportunity is stated as full, not proved" in crm.notes
    world.crm._sees_all = False
    crm, _ = check_connections(world.work)
    assert "`visibility: full` is overruled for Account, Opportunity: records are hidden there" in crm.notes
    assert (crm.edition, crm.edition_reason) == ("full", "")
