"""`precheck`, `reminders`, `registrations --as-partner`, and a policy of two people: as a script meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from jobs.world import World

from syncd.cli.main import app
from syncd.policy import Policy

Ask = Callable[..., Any]

POLICY = {
    "required": ["company.name"], "precheck": {"per_day": 2}, "reminders": {"before_days": [30]},
    "extension": {"requests_hold": True},
}  # fmt: skip


@pytest.fixture
def portal(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two partners on one company, the first of which is protected; waiting costs nothing."""
    monkeypatch.setattr("syncd.app.SystemClock.wait", lambda self, seconds: world.clock.wait(seconds))
    (tmp_path / "policy.yaml").write_text(json.dumps(POLICY))
    world.policy = Policy.model_validate(POLICY)
    world.restart()
    world.deal("r1")
    world.clock.advance(hours=1)
    world.deal("r2", partner="P02")
    world.cycle()
    return world


def test_a_portal_asks_beforehand_reads_how_filings_stand_and_whom_to_tell(portal: World, ask: Ask) -> None:
    words = ("precheck", "--partner", "P02", "--company", "Fenwick Instruments Ltd", "--country", "GB")
    told = json.loads(ask(*words, "--product", "PLAN", "--json")[1])
    assert (told["answer"], told["left"]) == ("no", 1)
    code, out, _ = ask(*words, "--product", "BOARD")
    assert (code, out.startswith("yes: ")) == (0, True)
    code, _, err = ask(*words)
    assert (code, "has asked 2 times in 24 hours" in err) == (2, True)
    (mine,) = json.loads(ask("registrations", "--as-partner", "P02", "--json")[1])
    assert (mine["status"], mine["place"], mine["until"]) == ("waiting", 1, None)
    assert "Wychwood" not in json.dumps(mine)
    assert "You are number 1 in line" in ask("registrations", "--as-partner", "P02")[1]
    assert ask("registrations", "--as-partner", "P77")[0] == 2
    what_is_due_is_listed_with_whom_it_is_for(portal, ask)


def what_is_due_is_listed_with_whom_it_is_for(portal: World, ask: Ask) -> None:
    assert ask("reminders")[:2] == (0, "Nobody has to be told anything.\n")
    portal.clock.advance(days=61)
    portal.cycle()
    found = json.loads(ask("reminders", "--json")[1])
    assert [(item["to"], item["event"], item["audience"]) for item in found] == [
        ("mia@vendor.example", "ending", "manager"), ("P01", "ending", "partner"),
    ]  # fmt: skip
    assert "An extension has to be asked for before that." in ask("reminders", "--days", "3")[1]
    code, _, err = ask("extend", "r1", "--deny", "--reason", "no")
    assert (code, "Nobody waits for an answer" in err) == (2, True)


def test_a_policy_that_two_people_have_not_agreed_to_is_said_and_holds(
    world: World, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "policy.yaml").write_text("{required: [company.name], two_people: true}\n")
    world.cycle()
    code, out, _ = ask("policy", "show")
    assert (code, "which no two people have agreed to" in out.splitlines()[0]) == (3, True)
    code, out, _ = ask("holds", "--json")
    assert (code, [item["kind"] for item in json.loads(out)]) == (4, ["policy"])
    version = json.loads(ask("policy", "propose", str(tmp_path / "policy.yaml"), "--json")[1])["version"]
    assert json.loads(ask("policy", "show", "--json")[1])["proposed"] == [{"version": version, "by": "kim"}]
    monkeypatch.setenv("SYNCD_ACTOR", "lee")
    code, _, err = ask("policy", "approve", version, "--from", "soon")
    assert (code, "write a day such as 2027-01-31" in err) == (2, True)
    assert ask("policy", "approve", version)[0] == 0
    code, out, _ = ask("policy", "show")
    assert (code, out.splitlines()[0]) == (0, f"Policy {version}")


def test_every_command_that_lists_or_decides_is_there_with_json_and_exit_codes() -> None:
    command: Any = typer.main.get_command(app)
    for name in LISTS_AND_DECIDES.split():
        found = command.commands[name]
        assert found.help, name
        assert "Exit codes" in (found.epilog or ""), name
        assert any("--json" in parameter.opts for parameter in found.params), name


LISTS_AND_DECIDES = """
registrations protections collisions disputes partners approve reject return extend withdraw transfer exempt rule appeal
revoke release reinstate same different unsure suspend offboard why find runs errors retry holds proceed simulate
precheck reminders
"""
