"""`return`, `extend`, `transfer`, `suspend`, `appeal`, `disputes`, `partners`: as a person and a script meet them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jobs.world import World

from syncd.policy import Policy

Ask = Callable[..., Any]


def approved(world: World) -> str:
    """A registration that is protected; its number."""
    world.deal("r1")
    world.cycle()
    return world.state().number


def test_an_extension_says_the_new_end_and_the_next_cycle_shows_it(world: World, ask: Ask) -> None:
    number = approved(world)
    code, out, _ = ask("extend", number, "--reason", "the pilot runs")
    assert code == 0
    assert out.startswith(f"{number} extended by kim, until ")
    before = world.state().until
    world.cycle()
    assert world.state().until != before
    said = json.loads(ask("extend", "r1", "--days", "7", "--json")[1])
    assert (said["what"], said["by"], said["evidence"]["days"]) == ("extended", "kim", 7)
    code, _, err = ask("extend", "r1", "--asked", "yesterday")
    assert (code, "write a day such as 2026-11-03" in err) == (2, True)
    world.cycle()
    code, _, err = ask("extend", "r1")
    assert (code, "the policy allows 2" in err) == (2, True)


def test_a_question_needs_words_and_goes_to_the_partner(world: World, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("{required: [company.name], approval: manual}\n")
    world.policy = Policy.model_validate({"required": ["company.name"], "approval": "manual"})
    world.restart()
    world.deal("r1")
    world.cycle()
    code, _, err = ask("return", "r1")
    assert (code, "Say with --reason" in err) == (2, True)
    assert ask("return", "r1", "--reason", "Who is the CIO?")[0] == 0
    world.cycle()
    assert world.application() == "returned"


@pytest.mark.parametrize(
    ("words", "shows"),
    [
        (("withdraw", "r1"), "withdrawn"),
        (("revoke", "r1", "--reason", "breach", "--document", "letter 7"), "revoked"),
        (("release", "r1", "--reason", "the customer wrote"), "released"),
        (("suspend", "r1", "--reason", "audit"), "suspended"),
        (("transfer", "r1", "--to", "P02", "--reason", "moved"), "transferred"),
        (("exempt", "r1", "--from", "not_named", "--reason", "agreed"), "exempted"),
    ],
)
def test_every_act_is_told_in_one_line_and_recorded_with_its_reason(
    world: World, ask: Ask, words: tuple[str, ...], shows: str
) -> None:
    approved(world)
    code, out, err = ask(*words, "--json")
    assert code == 0, err
    assert json.loads(out)["what"] == shows
    made = world.decisions()[-1]
    assert (made.kind.value, str(made.actor), made.rule) == (shows, "person:kim", "person")


def test_an_act_that_policy_refuses_ends_with_two_and_says_why(world: World, ask: Ask) -> None:
    approved(world)
    for words, says in (
        (("reinstate", "r1"), "is protected until"),
        (("revoke", "r1"), "Say with --reason why"),
        (("transfer", "r1", "--to", "P77", "--reason", "x"), "There is no partner P77"),
        (("exempt", "r1", "--from", "luck", "--reason", "x"), "There is no rule luck"),
        (("withdraw", "r9"), "There is no registration r9"),
    ):
        before = world.decisions()
        code, out, err = ask(*words)
        assert (code, out) == (2, ""), words
        assert says in err
        assert world.decisions() == before


def test_suspended_and_back(world: World, ask: Ask) -> None:
    approved(world)
    assert ask("suspend", "r1", "--reason", "audit")[0] == 0
    world.cycle()
    assert world.state().protection == "suspended"
    assert json.loads(ask("protections", "--json")[1]) == []
    assert ask("reinstate", "r1", "--reason", "cleared")[0] == 0
    world.cycle()
    assert world.state().protection == "active"


def test_partners_are_listed_with_what_they_hold_and_a_leave_is_planned_before_it_is_recorded(
    world: World, ask: Ask
) -> None:
    number = approved(world)
    rows = {row["key"]: row for row in json.loads(ask("partners", "--json")[1])}
    assert (rows["P01"]["protected"], rows["P01"]["status"], rows["P01"]["contact"]) == (1, "active", "Mia Manager")
    assert "Wychwood Integrators" in ask("partners")[1]
    code, out, _ = ask("offboard", "P01", "--to", "P02")
    assert code == 0
    assert number in out
    assert "Nothing is recorded yet" in out
    assert ask("offboard", "P01", "--to", "P02", "--yes")[0] == 2, "why?"
    plan = json.loads(ask("offboard", "P01", "--to", "P02", "--yes", "--reason", "sold", "--json")[1])
    assert (plan["recorded"], [step["decision"] for step in plan["plan"]]) == (True, ["transferred"])
    world.cycle()
    assert world.state().partner_id == "P02"
    rows = {row["key"]: row for row in json.loads(ask("partners", "--json")[1])}
    assert (rows["P01"]["status"], rows["P01"]["status_in_source"]) == ("offboarded", "active")


def test_the_key_of_a_partner_suspends_all_of_it(world: World, ask: Ask) -> None:
    approved(world)
    assert "Nothing is recorded yet" in ask("suspend", "P01")[1]
    assert ask("suspend", "P01", "--yes", "--reason", "audit")[0] == 0
    world.cycle()
    assert world.state().protection == "suspended"
    assert ask("reinstate", "P01", "--yes", "--reason", "cleared")[0] == 0
    world.cycle()
    assert world.state().protection == "active"


def test_disputes_are_listed_appealed_and_counted(world: World, ask: Ask) -> None:
    assert ask("disputes")[:2] == (0, "Nothing waits for a ruling.\n")
    world.deal("r1")
    world.clock.advance(seconds=1)
    world.deal("r2", partner="P02")
    world.cycle()
    (waits,) = json.loads(ask("disputes", "--json")[1])
    assert (waits["state"], waits["contact"], waits["overdue"]) == ("open", "Mia Manager", False)
    assert waits["collision"] in ask("disputes")[1]
    assert ask("appeal", waits["collision"], "--reason", "x")[0] == 2, "nothing is decided yet"
    assert ask("rule", waits["collision"], "--winner", "r1", "--reason", "was there")[0] == 0
    world.cycle()
    assert ask("appeal", waits["collision"], "--reason", "new proof")[0] == 0
    world.cycle()
    (open_,) = json.loads(ask("collisions", "--open", "--json")[1])
    assert open_["state"] == "appealed"
    code, _, err = ask("rule", waits["collision"], "--winner", "r2", "--reason", "again")
    assert (code, "kim has appealed" in err) == (2, True)
    counted = json.loads(ask("disputes", "--metrics", "--json")[1])
    assert (counted["partner_collisions_decided"], counted["sustained_percent"]) == (1, 100.0)
    assert "sustained percent" in ask("disputes", "--metrics")[1]


def test_where_the_portal_decides_its_field_is_named_and_disagreements_are_listed(
    world: World, ask: Ask, tmp_path: Path
) -> None:
    assert ask("registrations", "--disagreements")[1] == "The portals have decided as the rules would have.\n"
    settings = tmp_path / "syncd.yaml"
    settings.write_text(settings.read_text().replace("authority: syncd", "authority: source"))
    world.authority = "source"
    world.restart()
    world.opportunity("o1", Products__c="PLAN")
    world.clock.advance(days=1)
    world.deal("r1", dealstage="approved")
    world.cycle()
    assert world.application() == "approved"
    (found,) = json.loads(ask("registrations", "--disagreements", "--json")[1])
    assert (found["source"], found["rules"], found["reason"]) == ("approved", "rejected", "direct_engaged")
    assert "A direct opportunity was open" in ask("registrations", "--disagreements")[1]
    for words in (("approve",), ("reject",), ("return",), ("revoke",), ("withdraw",)):
        code, _, err = ask(*words, "r1", "--reason", "x")
        assert (code, "Change dealstage of r1 there" in err) == (2, True), words
        assert f"`syncd {words[0]}` works with `authority: syncd`" in err
    code, _, err = ask("extend", "r1", "--reason", "x")
    assert (code, "Change protected_until of r1 there" in err) == (2, True)
    assert ask("exempt", "r1", "--from", "direct_first", "--reason", "agreed")[0] == 0


def test_what_ends_soon_is_listed(world: World, ask: Ask) -> None:
    approved(world)
    assert json.loads(ask("protections", "--ending", "89", "--json")[1]) == []
    (soon,) = json.loads(ask("protections", "--ending", "90", "--json")[1])
    assert soon["number"] == world.state().number


def test_the_policy_is_shown_with_what_is_off(world: World, ask: Ask) -> None:
    code, out, _ = ask("policy", "show")
    assert code == 0
    assert "Off, until its key is written down:" in out
    assert "- proof: off. Four standards of proof" in out
    said = json.loads(ask("policy", "show", "--json")[1])
    assert any(line.startswith("cooldown_days: off.") for line in said["off"])
    assert said["warnings"] == []


def test_another_policy_is_tried_before_it_goes_live(world: World, ask: Ask, tmp_path: Path) -> None:
    number = approved(world)
    other = tmp_path / "other.yaml"
    other.write_text("{required: [company.name], approval: manual}\n")
    before = world.decisions()
    code, out, _ = ask("simulate", str(other))
    assert code == 0
    assert number in out
    assert "1 of 1 registrations would stand elsewhere: 1 approved -> review." in out
    told = json.loads(ask("simulate", str(other), "--json")[1])
    (one,) = told["differences"]
    assert (one["today"]["application"], one["other"]["reason"]) == ("approved", "needs_approval")
    assert told["policy"] != told["other"]
    assert "Nothing would be different" in ask("simulate", str(tmp_path / "policy.yaml"))[1]
    other.write_text("approval: perhaps\n")
    code, _, err = ask("simulate", str(other))
    assert (code, "other.yaml:1" in err) == (2, True)
    assert world.decisions() == before


def test_a_policy_is_proposed_by_one_and_approved_by_another(
    world: World, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("{required: [company.name], cooldown_days: 7}\n")
    code, out, _ = ask("policy", "propose", str(other), "--reason", "partners file again the next day")
    assert code == 0
    assert "Warning: A partner has to wait 7 days" in out
    version = out.split()[1]
    code, _, err = ask("policy", "propose", str(other))
    assert (code, "was proposed already by kim" in err) == (2, True)
    code, _, err = ask("policy", "approve", version)
    assert (code, "kim has proposed it; somebody else approves it" in err) == (2, True)
    assert ask("policy", "approve", "0123")[0] == 2, "nobody has proposed that"
    monkeypatch.setenv("SYNCD_ACTOR", "lee")
    said = json.loads(ask("policy", "approve", version, "--json")[1])
    assert (said["by"], said["proposed_by"]) == ("lee", "kim")
    assert "approved already by lee" in ask("policy", "approve", version)[2]
    made = [(d.kind.value, str(d.actor)) for d in world.decisions()]
    assert made == [("proposed", "person:kim"), ("approved", "person:lee")]
    world.deal("r1")
    world.cycle()
    assert world.application() == "approved", "what is kept of a policy is no claim"
