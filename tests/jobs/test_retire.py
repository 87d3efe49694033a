"""Leaving a CRM: it shows nothing of syncd any more, owners are who they were, and everything was taken along."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import UserError
from syncd.jobs.retire import plan_retirement, retire, take_back
from syncd.jobs.work import Brakes
from syncd.policy import Policy
from syncd.store import holds

from .conftest import Make
from .world import CRM_UID, World


def ours(world: World, object_: str, id_: str) -> dict[str, Any]:
    return {name: value for name, value in world.crm.get(object_, id_).items() if name.endswith("__c")}


def filed(world: World) -> None:
    """A protected account with an own deal, whose owner syncd has set."""
    world.opportunity(Registration__c="r1")
    world.deal()
    world.cycle()
    assert world.shows() == "protected"
    assert world.shows("o1", "Opportunity", "Channel_Owner__c") == "u1"


def leave(world: World, folder: Path, reason: str = "the contract ends") -> None:
    retire(world.work, "crm", "kim", reason, folder)


def test_a_retired_crm_is_as_it_was_before_and_is_written_no_more(make: Make, tmp_path: Path) -> None:
    as_it_was_before_and_written_no_more(make(), tmp_path)


@pytest.mark.counts
def test_a_crm_is_retired_on_either_database(world: World, tmp_path: Path) -> None:
    as_it_was_before_and_written_no_more(world, tmp_path)


def as_it_was_before_and_written_no_more(world: World, tmp_path: Path) -> None:
    world.beats = True
    world.ownership = "enforce"
    world.restart()
    filed(world)
    leave(world, tmp_path / "out")
    world.cycle()
    assert {v for v in ours(world, "Account", "a1").values()} == {None}
    told = ours(world, "Opportunity", "o1")
    assert told.pop("Channel_Owner__c") == "u9"
    assert {v for n, v in told.items() if n != "Registration__c"} == {None}
    beat, changes = world.crm.get("Heartbeat", "h1")["seen"], len(world.crm.changes)
    world.deal("r2", partner="P02")
    for _ in range(3):
        world.cycle(hours=1)
    assert len(world.crm.changes) == changes
    assert world.crm.get("Heartbeat", "h1")["seen"] == beat
    assert world.prm.get("deals", "r1")["syncd_status"] == "approved", "the other connection goes on"


def test_an_owner_is_given_back_whatever_is_said_of_ownership_by_then(make: Make, tmp_path: Path) -> None:
    keeping = Policy(required=("company.name",), ownership={"give_back": False})
    world = make(ownership="enforce", policy=keeping)
    filed(world)
    world.change_side("crm", ownership="off")
    leave(world, tmp_path / "out")
    world.cycle()
    assert world.shows("o1", "Opportunity", "Channel_Owner__c") == "u9"


@pytest.mark.counts
def test_retiring_can_be_taken_back(make: Make, tmp_path: Path) -> None:
    world = make()
    world.deal()
    world.cycle()
    before = ours(world, "Account", "a1")
    leave(world, tmp_path / "out")
    world.cycle()
    take_back(world.work, "crm", "kim", "we stay")
    world.cycle()
    after = ours(world, "Account", "a1")
    assert {**after, "as_of__c": None} == {**before, "as_of__c": None}
    assert [(e["kind"], e["by"]) for k in ("retire", "unretire") for e in world.ledger(k)] == [
        ("retire", "person:kim"), ("unretire", "person:kim"),
    ]  # fmt: skip


@pytest.mark.counts
def test_a_dry_run_counts_and_changes_nothing(make: Make) -> None:
    world = make(ownership="enforce")
    filed(world)
    with world.store.read() as tx:
        planned = plan_retirement(world.work, tx, "crm")
    assert planned.counts == {"stamps": 2, "owners": 1, "held_back": 0}
    assert world.cycle().writes == 0


def test_everything_is_taken_along_before_anything_is_cleared(make: Make, tmp_path: Path) -> None:
    world = make()
    world.deal()
    world.cycle()
    folder = tmp_path / "out"
    leave(world, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, about in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == about["sha256"]
    lines = {
        n: [json.loads(x) for x in (folder / f"{n}.jsonl").read_text().splitlines()] for n in ("records", "writes")
    }
    shown = next(r["shown"] for r in lines["records"] if r["id"] == "a1")
    assert shown["status__c"] == "protected"
    assert {w["connection"] for w in lines["writes"]} == {CRM_UID}
    rows = list(csv.DictReader((folder / "registrations.csv").read_text().splitlines()))
    assert [row["application"] for row in rows] == ["approved"]
    entries = (folder / "ledger.jsonl").read_text().splitlines()
    assert json.loads(entries[-1])["hash"] == manifest["ledger"]["last_hash"]
    assert len(entries) == manifest["ledger"]["entries"]


def test_a_person_has_looked_so_the_brake_lets_as_many_writes_pass(make: Make, tmp_path: Path) -> None:
    world = make()
    world.deal()
    world.cycle()
    world.work.brakes = Brakes(written_most=1, written_least=0)
    leave(world, tmp_path / "out")
    world.cycle()
    assert world.shows() is None
    with world.store.read() as tx:
        assert holds.open_ones(tx) == []


def test_what_cannot_be_retired_is_told(make: Make, tmp_path: Path) -> None:
    world = make()
    for name, reason, words in (("crm", "", "--reason"), ("nosuch", "x", "no connection")):
        with pytest.raises(UserError, match=words):
            retire(world.work, name, "kim", reason, tmp_path / "out")
    world.change_side("crm", live=False)
    with pytest.raises(UserError, match="shadow mode"):
        retire(world.work, "crm", "kim", "x", tmp_path / "out")


def test_a_folder_with_something_in_it_is_refused_and_nothing_is_retired(make: Make, tmp_path: Path) -> None:
    world = make()
    world.deal()
    world.cycle()
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(UserError, match="is not empty"):
        leave(world, tmp_path)
    assert world.cycle().writes == 0
