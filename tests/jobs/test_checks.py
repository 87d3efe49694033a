"""Check: what is off, what has changed in the schemas, how far the clocks are apart; it changes nothing."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from syncd.connectors.wrappers import Wrapped
from syncd.errors import AuthFailed
from syncd.jobs.checks import check_connections, known_trouble, rules_without
from syncd.jobs.schema import drift_of
from syncd.model import Checked, Edition
from syncd.store.tables import metadata

from .conftest import Make
from .test_rebuild import dump
from .world import CRM_MAPPING


def schema(type_: str = "text", *values: str) -> dict[str, Any]:
    return {"schema": {"Account": {"City": {"type": type_, **({"values": list(values)} if values else {})}}}}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"missing": ["Account.City"], **schema()}, []),
        (schema(), schema(), []),
        (schema(), {**schema(), "missing": ["Account.City"]}, []),
        ({"missing": []}, {"missing": ["Account.City"]}, ["Account.City has vanished since the last check."]),
        ({"missing": ["Account.City"]}, {"missing": []}, ["Account.City is there again."]),
        (schema("text"), schema("picklist", "a"), ["Account.City was of type text and is now picklist."]),
        (
            schema("picklist", "a", "b"), schema("picklist", "b", "c"),
            [
                "Account.City has new values: c. Map them, or what has them is read without.",
                "Account.City has lost values: a.",
            ],
        ),
        (
            schema("picklist", "a"), schema("picklist", "a", *"bcdefgh"),
            ["Account.City has new values: b, c, d, e, f and 2 more. Map them, or what has them is read without."],
        ),
        ({"schema": {"Lead": {}}}, schema(), []),
        (
            {"choices": {"deals.syncd_status": ["a"]}}, {"choices": {"deals.syncd_status": []}},
            ["deals.syncd_status has lost values: a."],
        ),
    ],
)  # fmt: skip
def test_what_changed_in_a_schema(before: dict[str, Any], after: dict[str, Any], said: list[str]) -> None:
    """F22, F57."""
    assert drift_of(before, after) == said


class Tells(Wrapped):
    """A connector whose check tells something more."""

    more: dict[str, Any] = {}  # noqa: RUF012 - set by the test
    edition: Any = (Edition.FULL, "")

    def check(self, specs: Any, writable: Any) -> Checked:
        checked = super().check(specs, writable)
        edition, reason = self.edition
        return replace(checked, facts={**checked.facts, **self.more}, edition=edition, edition_reason=reason)


def test_drift_is_found_by_the_next_check_and_by_the_next_start_and_kept(make: Make) -> None:
    world = make()
    teller = Tells(world.crm)
    teller.more = schema("picklist", "Leeds")
    world.restart(crm=teller)
    assert world.work.drift == {}
    teller.more = schema("picklist", "Leeds", "York")
    crm, prm = check_connections(world.work)
    assert crm.drift == ("Account.City has new values: York. Map them, or what has them is read without.",)
    assert prm.drift == ()
    world.restart(crm=teller)
    assert world.work.drift == {"crm": [*crm.drift]}
    crm, _ = check_connections(world.work)
    assert crm.drift == (
        "Account.City has new values: York. Map them, or what has them is read without. (noted 2026-11-24T09:00Z)",
    )
    world.restart(crm=teller)
    assert world.work.drift == {}


def test_the_edition_and_its_reason_are_told(make: Make) -> None:
    world = make()
    teller = Tells(world.crm)
    teller.edition = (Edition.STAMPS_ONLY, "The user may not change owners.")
    world.restart(crm=teller)
    crm, prm = check_connections(world.work)
    assert (crm.edition, crm.edition_reason) == ("stamps only", "The user may not change owners.")
    assert prm.edition == "full"
    said = json.loads(json.dumps(crm.as_json()))
    assert (said["edition"], said["access"][0]["visibility"]) == ("stamps only", "full")


def test_a_clock_that_differs_is_measured(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make()
    real = world.crm.now
    monkeypatch.setattr(world.crm, "now", lambda: real() + timedelta(seconds=90))
    crm, prm = check_connections(world.work)
    assert (crm.ahead, prm.ahead) == (timedelta(seconds=90), timedelta(0))
    assert crm.as_json()["clock_ahead_seconds"] == 90.0


def test_a_check_changes_nothing(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    before = dump(world, metadata.sorted_tables)
    teller = Tells(world.crm)
    teller.more = schema()
    world.change_side("crm", connector=teller)
    check_connections(world.work)
    known_trouble(world.work)
    rules_without(world.work)
    assert dump(world, metadata.sorted_tables) == before


def test_a_connection_that_cannot_be_reached_is_a_problem_like_any_other(make: Make) -> None:
    world = make()
    world.crm.fail(AuthFailed("The token was refused."))
    crm, prm = check_connections(world.work)
    assert (crm.problems, crm.label) == (("The token was refused.",), "")
    assert prm.problems == ()


def test_the_rules_that_lack_a_field_are_named(make: Make) -> None:
    changed = deepcopy(CRM_MAPPING)
    del changed["streams"]["accounts"]["fields"]["is_named"]
    world = make(crm_mapping=changed)
    said = rules_without(world.work)
    assert any(
        line.startswith("not_named (rulings 5.6, C17) is off for want of direct accounts: is_named") for line in said
    )
    assert not any(line.startswith("own_deal_by_key") for line in said)
    assert any(line.startswith("not_named") for line in said) != any(
        line.startswith("not_named") for line in rules_without(make().work)
    )


def test_one_system_in_both_roles_fills_the_needs_of_both(make: Make) -> None:
    world = make()
    world.change_side("crm", roles=frozenset({"direct", "partner"}))
    assert not any("partner accounts" in line for line in rules_without(world.work))
