"""`find`, `registrations --not-taken`, `holds` and `proceed`, on a state that jobs have made."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from jobs.world import World

from syncd.cli.sync import exit_code
from syncd.jobs.cycle import CycleReport, cycle

Ask = Callable[..., Any]


def test_what_was_filed_is_found_taken_or_not_with_the_reason(world: World, ask: Ask) -> None:
    world.deal("r1", number="R-77")
    world.deal("r2", pipeline="renewals")
    world.cycle()
    code, out, _ = ask("find", "r-77")
    assert code == 0
    columns, line = (text.split("\t") for text in out.splitlines())
    told = dict(zip(columns, line, strict=True))
    assert (told["number"], told["company"], told["state"]) == ("R-77", "Fenwick Instruments Limited", "taken")
    assert told["acknowledged"]
    (one,) = json.loads(ask("find", "r2", "--json")[1])
    assert (one["state"], one["filter"], one["value"]) == ("filtered", "pipeline", "renewals")
    assert one["connection"] == "prm"
    assert ask("find", "nobody")[:2] == (1, "Nothing.\n")
    code, _, err = ask("find", "x")
    assert (code, "at least two characters" in err) == (2, True)


def test_what_was_not_taken_is_listed_with_why(world: World, ask: Ask) -> None:
    world.deal("r1")
    world.deal("r2", pipeline="renewals")
    world.deal("r3", dealstage="mystery")
    world.cycle()
    rows = json.loads(ask("registrations", "--not-taken", "--json")[1])
    assert [(r["id"], r["state"], r["partner"]) for r in rows] == [
        ("r2", "filtered", "P01"), ("r3", "unreadable", "P01"),
    ]  # fmt: skip
    code, out, _ = ask("registrations", "--not-taken")
    assert code == 0
    assert "pipeline is renewals" in out
    assert "status is not named in the value map" in out


def test_a_tripped_brake_is_listed_and_proceeds_with_a_reason(world: World, ask: Ask) -> None:
    for n in range(38):
        world.account(f"b{n:03}", f"Company {n:03} Ltd")
    world.cycle()
    assert ask("holds")[:2] == (0, "Nothing is held.\n")
    for n in range(30):
        world.crm.purge("Account", f"b{n:03}")
    report = cycle(world.work, sweeping=True)
    assert exit_code(report) == 4
    code, out, _ = ask("holds", "--json")
    (hold,) = json.loads(out)
    assert (code, hold["hold"], hold["kind"], hold["stream"]) == (4, "1", "vanished", "accounts")
    assert ask("proceed", "1")[0] == 2, "why?"
    assert ask("proceed", "7", "--reason", "x")[0] == 2
    code, out, _ = ask("proceed", "1", "--reason", "old prospects", "--json")
    assert (code, json.loads(out)["by"]) == (0, "kim")
    assert ask("holds")[0] == 0
    assert exit_code(cycle(world.work)) == 0
    ledger = [json.loads(line) for line in ask("ledger", "export")[1].splitlines()]
    assert [entry["by"] for entry in ledger if entry["kind"] == "proceed"] == ["person:kim"]


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (CycleReport(), 0), (CycleReport(errors=["x"]), 1), (CycleReport(held=["x"], errors=["y"]), 4),
        (CycleReport(paused=["x"]), 3), (CycleReport(alarms=["x"]), 3), (CycleReport(refused=1), 3),
    ],
)  # fmt: skip
def test_the_exit_code_says_how_a_sync_went(report: CycleReport, code: int) -> None:
    assert exit_code(report) == code


def test_an_offline_check_names_the_rules_that_are_off(world: World, ask: Ask) -> None:
    code, out, _ = ask("check", "--offline")
    assert code == 0
    assert "rule off: own_deal_by_partner (rulings 3.2) is off for want of direct opportunities: partner_name" in out
    said = json.loads(ask("check", "--offline", "--json")[1])
    assert any(line.startswith("first_contact_recent") for line in said["rules_off"])
