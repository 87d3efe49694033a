"""`simulate` over the demo's universe: another precedence changes exactly the deals that brute force says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from .conftest import Played
from .harness import CLOCK_ERROR, Cli, read_yaml
from .oracle import Expected, Oracle, Organizations, Standing, organizations_from_links, people_from_ledger
from .test_stamps import true_organizations, true_own_deals

NAMED = "named accounts are let through"
SWITCHES: dict[str, dict[str, Any]] = {
    NAMED: {"named_accounts": "allow"},
    "the direct team is first whenever it has an open deal": {"direct": {"dormant_after_days": 3650}},
    "the direct team is first only where it was active yesterday": {"direct": {"dormant_after_days": 1}},
    "customers may be registered": {"customers": {"new_logo_days": 0}},
    "a lost deal holds nobody back": {"direct": {"lost_cooldown_days": 0}},
    "protection counts from the filing": {"protection": {"starts": "received"}},
    "a person approves": {"approval": "manual"},
}


def over(policy: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A policy with what another one says otherwise, key by key."""
    return {
        **policy,
        **{key: {**policy[key], **value} if isinstance(value, dict) else value for key, value in other.items()},
    }


def recomputed(played: Played, policy: Mapping[str, Any], links: Organizations, **more: Any) -> Expected:
    return Oracle(
        played.facts, policy, links, now=played.now, horizon=played.horizon, go_live=played.summary.go_live,
        clock_error=CLOCK_ERROR, people=people_from_ledger(played.ledger), **more,
    ).recompute()  # fmt: skip


def stands(standing: Standing) -> tuple[object, ...]:
    return standing.application, standing.reason, standing.since, standing.until


def changed(today: Expected, other: Expected) -> dict[str, tuple[str, str]]:
    """The registrations that stand elsewhere, each with its application under both policies."""
    return {
        id_: (one.application, other.standings[id_].application)
        for id_, one in today.standings.items()
        if stands(one) != stands(other.standings[id_])
    }


def simulated(played: Played, policy: Mapping[str, Any], name: str) -> dict[str, tuple[str, str]]:
    """What the command says."""
    path = played.config.parent / f"{name}.yaml"
    path.write_text(json.dumps(policy), encoding="utf-8")  # which is YAML, too
    found = Cli(played.config).json("simulate", str(path))["differences"]
    return {d["ref"].split("/")[2]: (d["today"]["application"], d["other"]["application"]) for d in found}


def test_a_switched_precedence_changes_exactly_the_deals_that_brute_force_says(played: Played) -> None:
    """By the links that were found exactly; by the true ones wherever a company was linked rightly."""
    today = read_yaml(played.config.parent / "policy.yaml")
    other = over(today, SWITCHES[NAMED])
    links, truly, own = (
        organizations_from_links(played.links),
        true_organizations(played.data),
        true_own_deals(played.data),
    )
    by_links, by_truth = recomputed(played, today, links), recomputed(played, today, truly, own=own)
    expected = changed(by_links, recomputed(played, other, links))
    in_truth = changed(by_truth, recomputed(played, other, truly, own=own))
    said = simulated(played, other, "let-through")
    assert said == expected
    alike = {id_ for id_, one in by_truth.standings.items() if stands(one) == stands(by_links.standings[id_])}
    assert len(alike) > 0.85 * len(by_truth.standings)
    assert {id_: to for id_, to in said.items() if id_ in alike} == {
        id_: to for id_, to in in_truth.items() if id_ in alike
    }
    assert len(in_truth.keys() & alike) >= 10


@pytest.mark.deep
@pytest.mark.parametrize("switch", sorted(SWITCHES.keys() - {NAMED}))
def test_each_switch_changes_exactly_the_deals_that_brute_force_says(played: Played, switch: str) -> None:
    today = read_yaml(played.config.parent / "policy.yaml")
    other = over(today, SWITCHES[switch])
    links = organizations_from_links(played.links)
    expected = changed(recomputed(played, today, links), recomputed(played, other, links))
    assert expected, "nothing in the universe depends on this"
    assert simulated(played, other, f"other-{list(SWITCHES).index(switch)}") == expected
