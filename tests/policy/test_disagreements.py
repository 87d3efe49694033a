"""Under `authority: source` syncd follows, lists where its rules would have decided otherwise, and writes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from syncd.model import Application, ClaimGroup, FiledStatus, Registration
from syncd.policy import Policy, decide
from syncd.policy.disagreements import disagreements

from .factories import (
    APPROVED,
    GO_LIVE,
    POLICY,
    PRM,
    REJECTED,
    RETURNED,
    REVIEW,
    T0,
    WAITING,
    account,
    days,
    group,
    opportunity,
    registration,
    run,
    state,
)


def told(*records: Any, policy: Policy = POLICY, **changes: Any) -> list[tuple[str, str, str, str]]:
    """What is listed two days later: id, what the source says, what the rules say, why."""
    claims, _ = run(group(*records, authority={PRM: "source"}, **changes), T0 + days(2), policy)
    found = disagreements(claims, policy, T0 + days(3))
    return [(d.ref.id, d.source.value, d.rules.value, d.reason) for d in found]


def decided(status: str = APPROVED, id_: str = "r1", **changes: Any) -> Registration:
    """A filing that the portal decided the day after."""
    return registration(id_, status=FiledStatus(status), approved_at=T0 + days(1), **changes)


@pytest.mark.parametrize(
    ("records", "listed"),
    [
        ((decided(),), []),
        ((decided(), opportunity()), [("r1", APPROVED, REJECTED, "direct_engaged")]),
        ((decided(), account(is_named=True)), [("r1", APPROVED, REJECTED, "named_account")]),
        ((decided(proof=None),), [("r1", APPROVED, RETURNED, "missing_fields")]),
        ((decided(REJECTED),), [("r1", REJECTED, APPROVED, "first_registered")]),
        ((decided(REJECTED), opportunity()), []),
        ((registration(),), []),
    ],
)
def test_what_the_source_decided_otherwise_is_listed_with_the_rule(
    records: tuple[Any, ...], listed: list[tuple[str, str, str, str]]
) -> None:
    assert told(*records) == listed


def test_the_second_of_two_that_the_source_approved_is_listed() -> None:
    second = decided(APPROVED, "r2", received=T0 + days(1), partner_id="P02")
    assert told(decided(), second) == [("r2", APPROVED, WAITING, "waiting")]


def test_where_the_policy_lets_people_approve_every_approval_of_the_source_is_one_for_a_person() -> None:
    manual = Policy.model_validate({"approval": "manual"})
    assert told(decided(), policy=manual) == [("r1", APPROVED, REVIEW, "needs_approval")]


def test_nothing_from_before_go_live_is_compared() -> None:
    assert told(decided(received=GO_LIVE - days(1)), opportunity(created=GO_LIVE - days(9))) == []


def test_the_list_changes_nothing() -> None:
    claims, outcome = run(group(decided(), opportunity(), authority={PRM: "source"}), T0 + days(2))
    before = decide(claims, POLICY, T0 + days(3))
    assert disagreements(claims, POLICY, T0 + days(3))[0].source is Application.APPROVED
    assert decide(claims, POLICY, T0 + days(3)) == before
    assert state(before).application == APPROVED
    assert outcome.decisions


def test_where_syncd_decides_there_is_nothing_to_disagree_with() -> None:
    claims: ClaimGroup = replace(run(group(decided(), opportunity()))[0], authority={PRM: "syncd"})
    assert disagreements(claims, POLICY, T0 + days(3)) == []
