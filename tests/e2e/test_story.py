"""What people do between two cycles, and what comes in broken: the next cycle makes exactly the right difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.demo.universe import Summary

from . import crm
from .harness import Stage, compare, owner_field, plain, stage, stamp_fields, told
from .oracle import Expected

SMALL = tuple[Path, Summary]
ANSWERS = {
    "value": ("amount", "48000"),
    "decision_makers": ("decision_makers", "Ada Lacey, CIO"),
    "current_vendor": ("current_vendor", "None"),
    "timeline": ("timeline", "Decision this quarter"),
    "buying_stage": ("buying_stage", "evaluating"),
    "competition": ("competition", "None known"),
    "how_identified": ("how_identified", "event"),
    "activities": ("activities_done", "Two calls with the project lead"),
    "next_steps": ("next_steps", "Technical demo"),
    "proof": ("proof_of_relationship", "Minutes of the meeting"),
}
"""What a partner answers when a field of the policy is missing on his deal: the property and its value."""


def test_after_an_edit_by_a_partner_a_rep_and_a_ruling_exactly_the_right_difference_is_written(
    small: SMALL, tmp_path: Path
) -> None:
    with stage(*small, tmp_path / "state") as on:
        facts = on.read()
        on.cli.sync()
        at_rest = on.oracle(facts).recompute()
        assert_shows(on, at_rest, facts)
        calls, writes = len(on.emulator.requests), len(on.ours())
        on.cli.sync()
        assert len(on.ours()) == writes
        assert len(on.emulator.requests) - calls < 30, "a cycle without a change makes few calls"

        a_partner_answers(on, at_rest)
        a_rep_edits_a_stamp(on)
        a_person_rules(on)

        before, marker = on.read(), len(on.emulator.changes)
        on.cli.sync()
        after = on.oracle(before, before=at_rest).recompute()
        assert_shows(on, after, facts)
        assert_only_the_difference(on, before, after, marker)
        writes = len(on.ours())
        on.cli.sync()
        assert len(on.ours()) == writes
        assert not [r for r in on.emulator.redundant if not on.is_heartbeat(r.object, r.id)]


def assert_shows(on: Stage, expected: Expected, facts: crm.Raw) -> None:
    differences = compare(expected, on.read(), on.cli.config, facts)
    assert not differences, told(differences)


def assert_only_the_difference(on: Stage, before: crm.Raw, after: Expected, marker: int) -> None:
    """The changes are those fields that were not as they must be, with `as_of` beside them, and nothing else."""
    rows = {("Account", r["Id"]): r for r in before.salesforce["Account"]}
    rows |= {("Opportunity", r["Id"]): r for r in before.salesforce["Opportunity"]}
    rows |= {("deals", r["id"]): r for r in before.hubspot["deals"]}
    wanted = set()
    for (kind, id_), stamps in after.stamps.items():
        fields = stamp_fields(on.cli.config, kind)
        differing = {f for n, f in fields.items() if n != "as_of" and plain(stamps[n]) != plain(rows[kind, id_][f])}
        wanted |= {(kind, id_, field) for field in differing}
        wanted |= {(kind, id_, fields["as_of"])} if differing else set()
    for id_, owner in after.owners.items():
        field = owner_field(on.cli.config)
        if owner and owner != rows["Opportunity", id_][field]:
            wanted.add(("Opportunity", id_, field))
    changes = [c for c in on.emulator.changes[marker:] if c.request and not on.is_heartbeat(c.object, c.id)]
    done = {(c.object, c.id, c.field) for c in changes}
    assert {one for one in done if not one[2].lower().endswith(("_as_of__c", "_as_of"))} == {
        one for one in wanted if not one[2].lower().endswith(("_as_of__c", "_as_of"))
    }
    assert done <= wanted
    assert len(wanted) > 5
    assert len(changes) == len(done)


def a_partner_answers(on: Stage, at_rest: Expected) -> None:
    """A returned filing gets what was missing on it."""
    rows = {r["id"]: r for r in on.read().hubspot["deals"]}
    for id_, standing in at_rest.standings.items():
        missing = standing.detail.split(", ")
        if standing.application == "returned" and standing.detail and set(missing) <= set(ANSWERS):
            assert not rows[id_][ANSWERS[missing[0]][0]]
            on.emulator.hubspot.edit("deals", id_, dict(ANSWERS[name] for name in missing))
            return
    raise AssertionError("no filing was returned for something that a partner can answer")


def a_rep_edits_a_stamp(on: Stage) -> None:
    account = next(r for r in on.read().salesforce["Account"] if r["Syncd_Status__c"] == "protected")
    edit = {"Syncd_Status__c": None, "Syncd_Partner__c": "Nobody", "Syncd_Count__c": 7}
    on.emulator.salesforce.edit("Account", account["Id"], edit)


def a_person_rules(on: Stage) -> None:
    lost = next(c for c in on.cli.json("collisions", "--open") if c["code"] == "C13")
    on.cli.run("rule", lost["id"], "--winner", lost["registration"], "--reason", "the loss had other causes")


# --- what comes in broken --------------------------------------------------------------------------------------


def test_a_broken_record_is_kept_with_its_reason_while_the_rest_goes_on(small: SMALL, tmp_path: Path) -> None:
    with stage(*small, tmp_path / "state") as on:
        rows = {r["id"]: r for r in on.read().hubspot["deals"]}
        dated, long, nameless, odd = sorted(id_ for id_, row in rows.items() if row["dealstage"] == "submitted")[:4]
        portal = on.emulator.hubspot
        portal.edit("deals", dated, {"first_contact_date": "1900-01-01"})
        portal.edit("deals", long, {"activities_done": "We called again. " * 3_855})
        portal.edit("companies", rows[nameless]["associated"][0], {"name": ""})
        portal.edit("deals", odd, {"partner_id": "P99\u202e"})
        account = on.read().salesforce["Account"][0]["Id"]
        on.emulator.salesforce.edit("Account", account, {"Last_Order_Date__c": "1899-12-31"})
        facts = on.read()
        on.cli.sync(codes=(0, 3))
        problems = on.cli.json("registrations", "--problems")
        assert {dated, long, account} <= {p["ref"].split("/")[2] for p in problems if p.get("ref")}
        assert all(p.get("message") or p.get("reason") for p in problems)
        states = {r["ref"].split("/")[2]: r for r in on.cli.json("registrations")}
        assert set(states) == set(rows)
        assert states[nameless]["reason"] in ("missing_fields", "match_unsure", "outside", "adopted", "settling")
        assert_shows(on, on.oracle(facts).recompute(), facts)


def test_without_the_right_to_write_every_write_is_listed_as_failed_and_nothing_is_lost(
    small: SMALL, tmp_path: Path
) -> None:
    with stage(*small, tmp_path / "state", hubspot_token="limited_access_token") as on:
        facts = on.read()
        on.cli.run("sync", codes=(0, 1, 2, 3))
        assert not [c for c in on.ours() if c.system == "hubspot"]
        expected = on.oracle(facts).recompute()
        shown = {id_ for (kind, id_), stamps in expected.stamps.items() if kind == "deals" and stamps["status"]}
        differences = compare(expected, on.read(), on.cli.config, facts)
        assert {d.object for d in differences} == {"deals"}, "what can be written elsewhere is written"
        assert {d.id for d in differences} == shown
        listed = str(on.cli.json("plan")) + str(on.cli.json("runs"))
        assert all(id_ in listed for id_ in shown), "every write that was refused is still to be seen"
        grant(on)
        on.cli.sync()
        on.cli.sync()
        assert_shows(on, expected, facts)


def grant(on: Stage) -> None:
    """The administrator gives the missing scopes to the token."""
    path = on.cli.config.parent / "secrets" / "prm-token"
    path.write_text(on.endpoints["hubspot"]["access_token"] + "\n")


pytestmark = pytest.mark.timeout(200)
