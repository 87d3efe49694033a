"""Another policy on the same history: what differs, and nothing that does not depend on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from syncd.model import ClaimGroup
from syncd.policy import Policy, decide
from syncd.policy.simulate import differences, replay

from .factories import (
    APPROVED,
    POLICY,
    T0,
    account,
    approved,
    days,
    group,
    opportunity,
    registration,
    rejected,
    run,
    state,
)

NOW = T0 + days(120)


def lived(*records: Any, policy: Policy = POLICY) -> ClaimGroup:
    """A history that was decided as it went on."""
    claims = group(*records)
    for day in (1, 2, 20, 95, 119):
        claims, _ = run(claims, T0 + days(day), policy)
    return claims


def found(claims: ClaimGroup, **other: Any) -> list[tuple[str, str, str, str]]:
    """What another policy would change: id, what, the application under each."""
    return [
        (d.ref.id, d.what, d.today.application.value, d.other.application.value)
        for d in differences(claims, POLICY, Policy.model_validate(other), NOW)
    ]


LINE = (registration("r1"), registration("r2", T0 + days(1), partner_id="P02"))


def test_the_same_policy_makes_no_difference() -> None:
    assert found(lived(*LINE, opportunity())) == []
    assert found(lived(*LINE), preset="first_to_file") == []


@pytest.mark.parametrize(
    ("records", "other", "changes"),
    [
        (LINE, {"protection": {"days": 60}}, [("r1", "protection"), ("r2", "protection")]),
        (LINE, {"approval": "manual"}, [("r1", "application"), ("r2", "application")]),
        ((registration(), account(is_named=True)), {"named_accounts": "allow"}, [("r1", "application")]),
        ((registration(), opportunity()), {"direct": {"dormant_after_days": 1}}, [("r1", "application")]),
        ((registration(), opportunity()), {"direct": {"dormant_after_days": 5}}, []),
        (LINE, {"tie_window": "4s"}, [("r1", "protection"), ("r2", "application")]),
        (LINE, {"named_accounts": "allow", "customers": {"new_logo_days": 0}}, []),
    ],
)
def test_exactly_what_the_policy_decides_is_different(
    records: tuple[Any, ...], other: dict[str, Any], changes: list[tuple[str, str]]
) -> None:
    told = [(id_, what) for id_, what, _, _ in found(lived(*records), **other)]
    if other == {"tie_window": "4s"}:  # each is settled two seconds later, and so is what follows
        assert {id_ for id_, _ in told} == {"r1", "r2"}
    else:
        assert told == changes


def test_what_people_said_stays_whatever_the_policy() -> None:
    claims, _ = run(group(*LINE), T0 + days(2))
    claims = replace(claims, decisions=(*claims.decisions, rejected("r1", T0 + days(5)), approved("r2", T0 + days(6))))
    claims, outcome = run(claims, T0 + days(7))
    assert state(outcome, "r2").application == APPROVED
    manual = replay(claims, Policy.model_validate({"approval": "manual"}), T0 + days(7))
    assert {ref.id: s.application.value for ref, s in manual.items()} == {"r1": "rejected", "r2": "approved"}


def test_a_history_that_is_replayed_ends_as_it_did() -> None:
    """Deciding once, late, is deciding in time: else a simulation would tell of the replay."""
    for records in (LINE, (*LINE, opportunity(created=T0 + days(2))), (registration(), opportunity())):
        claims = lived(*records)
        once = replay(claims, POLICY, NOW)
        assert {ref: s for ref, s in once.items()} == {s.ref: s for s in decide(claims, POLICY, NOW).states}


def test_trying_records_nothing() -> None:
    claims = lived(*LINE)
    before = decide(claims, POLICY, NOW)
    assert found(claims, approval="manual")
    assert decide(claims, POLICY, NOW) == before
