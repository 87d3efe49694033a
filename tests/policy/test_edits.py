"""Edits after approval: only what was added is checked, as if filed then; what was granted stands (C48)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from syncd.model import ClaimGroup, DecisionKind, Registration
from syncd.policy import Policy, decide

from .factories import (
    APPROVED,
    SETTLED,
    T0,
    WAITING,
    account,
    days,
    decision,
    group,
    kinds,
    opportunity,
    registration,
    run,
    seconds,
    stamp,
    state,
)

CHECKED = Policy.model_validate({"edits": "check"})
PLAN, BOARD = frozenset({"PLAN"}), frozenset({"BOARD"})
EDITED = T0 + days(5)


def grown(*others: Any, at: datetime = EDITED, before: tuple[Any, ...] = (), policy: Policy = CHECKED) -> ClaimGroup:
    """Approved for PLAN, then BOARD was added; `before` was there when it was filed, `others` came since."""
    claims, _ = run(group(registration(), *before), T0 + days(1), policy)
    edited = replace(registration(), products=PLAN | BOARD, modified_at=at)
    rest = [r for r in others if isinstance(r, Registration)]
    full = group(edited, *others, *before)
    return replace(
        claims, registrations=(edited, *rest), companies=full.companies, opportunities=full.opportunities,
        accounts=full.accounts,
    )  # fmt: skip


def test_products_that_were_added_are_protected_until_the_end_that_was_promised() -> None:
    claims, outcome = run(grown(), EDITED + days(1), CHECKED)
    made = decision(outcome, DecisionKind.GRANTED)
    assert (made.rule, made.effective_at) == ("edit_checked", EDITED + seconds(2))
    assert made.evidence["added"] == ["BOARD"]
    now = state(outcome)
    assert (now.products, now.since, now.until) == (PLAN | BOARD, SETTLED, SETTLED + days(90))
    assert stamp(outcome, "a1")["scope"] == "BOARD;PLAN"
    assert run(claims, EDITED + days(2), CHECKED)[1].decisions == ()


def test_until_everything_that_came_earlier_is_known_nothing_is_added() -> None:
    claims = replace(grown(), horizon=EDITED + seconds(1))
    _, outcome = run(claims, EDITED + seconds(1), CHECKED)
    assert (outcome.decisions, outcome.next_due) == ((), EDITED + seconds(2))
    assert "Added since and not covered: BOARD." in state(outcome).detail


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ((opportunity(created=T0 + days(2), products=BOARD),), "A direct opportunity was open"),
        ((account(is_named=True),), "The company is a named account"),
    ],
)
def test_what_stands_against_the_addition_leaves_what_was_granted_alone(others: tuple[Any, ...], why: str) -> None:
    _, outcome = run(grown(*others), EDITED + days(1), CHECKED)
    now = state(outcome)
    assert (now.application, now.products, kinds(outcome.decisions)) == (APPROVED, PLAN, [])
    assert why in now.detail


def test_a_direct_deal_opened_for_what_was_granted_does_not_stop_the_addition() -> None:
    _, outcome = run(grown(opportunity(created=T0 + days(2), products=PLAN)), EDITED + days(1), CHECKED)
    assert state(outcome).products == PLAN | BOARD


def test_an_addition_waits_behind_whoever_filed_those_products_before_the_edit() -> None:
    rival = registration("r2", T0 + days(3), partner_id="P02", products=BOARD)
    _, outcome = run(grown(rival), EDITED + days(1), CHECKED)
    assert (state(outcome).products, state(outcome, "r2").application) == (PLAN, APPROVED)
    assert "Valid, and in line behind an earlier claim." in state(outcome).detail
    later = registration("r2", EDITED + days(3), partner_id="P02", products=BOARD)
    _, outcome = run(grown(later), EDITED + days(4), CHECKED)
    assert (state(outcome).products, state(outcome, "r2").application) == (PLAN | BOARD, WAITING)


def test_an_addition_by_hand_where_people_approve() -> None:
    manual = Policy.model_validate({"edits": "check", "approval": "manual"})
    claims = grown()
    _, outcome = run(claims, EDITED + days(1), manual)
    assert (state(outcome).products, outcome.decisions) == (PLAN, ())
    assert "waits for your approval" in state(outcome).detail


def test_a_smaller_filing_gives_nothing_back_that_was_granted() -> None:
    both = registration(products=PLAN | BOARD)
    claims, _ = run(group(both), T0 + days(1), CHECKED)
    shrunk = replace(both, products=PLAN, modified_at=EDITED)
    outcome = decide(replace(claims, registrations=(shrunk,)), CHECKED, EDITED + days(1))
    assert (state(outcome).products, outcome.decisions) == (PLAN | BOARD, ())


def test_as_shipped_an_edit_changes_nothing() -> None:
    claims = grown(policy=Policy())
    outcome = decide(claims, Policy(), EDITED + days(1))
    assert (state(outcome).products, outcome.decisions) == (PLAN, ())
    assert "Added since" not in state(outcome).detail


def test_an_edit_after_the_end_adds_nothing() -> None:
    claims, _ = run(grown(at=SETTLED + days(91)), SETTLED + days(92), CHECKED)
    assert [d.rule for d in claims.decisions if d.kind is DecisionKind.GRANTED] == ["protection_days"]


@pytest.mark.parametrize("asleep", [0, 3, 60])
def test_the_addition_takes_effect_at_the_edit_whenever_the_daemon_ran(asleep: int) -> None:
    _, outcome = run(grown(), EDITED + seconds(2) + days(asleep), CHECKED)
    assert decision(outcome, DecisionKind.GRANTED).effective_at == EDITED + seconds(2)
