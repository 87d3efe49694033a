"""Which policy is in force: with `two_people` the one that two people have agreed to, from its day on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from syncd.model import Actor, Decision, DecisionKind, Ref
from syncd.policy import Policy, version_of
from syncd.policy.versions import agreed, in_force

from .factories import T0, days

FREE = Policy()
FIRST = Policy.model_validate({"two_people": True})
SECOND = Policy.model_validate({"two_people": True, "protection": {"days": 120}})
UNGUARDED = Policy.model_validate({"protection": {"days": 365}})


def said(kind: DecisionKind, policy: Policy, by: str, at: datetime, since: datetime | None = None) -> Decision:
    evidence: dict[str, Any] = {"content": policy.model_dump(mode="json")} if kind is DecisionKind.PROPOSED else {}
    return Decision(
        kind=kind, subject=Ref("syncd", "policy", version_of(policy)), actor=Actor.person(by), at=at,
        effective_at=since or at, policy_version=version_of(policy), rule="person", evidence=evidence,
    )  # fmt: skip


def both(policy: Policy, at: datetime = T0, since: datetime | None = None, by: str = "lee") -> list[Decision]:
    """Kim proposes, somebody approves."""
    return [
        said(DecisionKind.PROPOSED, policy, "kim", at),
        said(DecisionKind.APPROVED, policy, by, at + days(1), since),
    ]


NOW = T0 + days(30)


def test_without_the_key_the_named_policy_holds_whoever_wrote_it() -> None:
    assert in_force([], FREE, NOW) == in_force(both(SECOND)[:1], FREE, NOW)
    found = in_force([], FREE, NOW)
    assert (found.policy, found.held) == (FREE, "")


def test_with_the_key_nothing_holds_before_two_people_have_agreed() -> None:
    for so_far in ([], both(FIRST)[:1], both(FIRST, by="kim")):
        found = in_force(so_far, FIRST, NOW)
        assert found.policy is None
        assert f"syncd policy approve {version_of(FIRST)}" in found.held
        assert found.held.endswith("Until then nothing is decided.")
    assert in_force(both(FIRST), FIRST, NOW).policy == FIRST


def test_a_file_that_was_edited_in_place_is_held_and_the_agreed_one_stays_in_force() -> None:
    found = in_force(both(FIRST), SECOND, NOW)
    assert found.policy == FIRST
    assert f"policy {version_of(FIRST)} is in force, agreed to by kim and lee" in found.held
    assert in_force([*both(FIRST), *both(SECOND, T0 + days(5))], SECOND, NOW).policy == SECOND


def test_leaving_the_key_out_does_not_get_round_it_and_two_people_may_give_it_up() -> None:
    assert in_force(both(FIRST), UNGUARDED, NOW).policy == FIRST
    given_up = [*both(FIRST), *both(UNGUARDED, T0 + days(5))]
    assert in_force(given_up, UNGUARDED, NOW) == in_force([], UNGUARDED, NOW)
    assert in_force(given_up, FREE, NOW).policy == FREE, "and from then on nobody is asked"


def test_what_is_agreed_to_holds_from_its_day_on() -> None:
    later = [*both(FIRST), *both(SECOND, T0 + days(5), since=NOW + days(1))]
    found = in_force(later, SECOND, NOW)
    assert (found.policy, "holds from 2 July 2026 (UTC) on" in found.held) == (FIRST, True)
    assert in_force(later, SECOND, NOW + days(1)).policy == SECOND


def test_one_that_was_agreed_to_before_may_be_named_again() -> None:
    assert in_force([*both(FIRST), *both(SECOND, T0 + days(5))], FIRST, NOW).policy == FIRST


def test_a_policy_is_known_by_what_it_says_and_not_by_the_version_that_an_older_release_gave_it() -> None:
    old = [replace(made, subject=Ref("syncd", "policy", "0123456789ab")) for made in both(FIRST)]
    assert in_force(old, FIRST, NOW).policy == FIRST


def test_a_policy_with_a_preset_is_the_one_that_was_agreed_to() -> None:
    preset = Policy.model_validate({"preset": "account_based", "two_people": True})
    assert in_force(both(preset), preset, NOW).policy is preset


def test_a_proposal_that_cannot_be_read_any_more_agrees_to_nothing() -> None:
    broken = [replace(both(FIRST)[0], evidence={"content": {"no_such_key": 1}}), both(FIRST)[1]]
    assert agreed(broken) == []
    assert in_force(broken, FIRST, NOW).policy is None
