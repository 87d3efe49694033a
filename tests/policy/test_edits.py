"""Edits after approval: only what was added is checked, as if filed then; what was granted stands (C48)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from syncd.model import ClaimGroup, DecisionKind, Money, Registration
from syncd.policy import Policy, decide

from .factories import (
    APPROVED,
    POLICY,
    SETTLED,
    T0,
    WAITING,
    account,
    by_person,
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


# the value

TOLERANT = Policy.model_validate({"value_tolerance_percent": 10})


def revalued(
    value: Money | None, policy: Policy = TOLERANT, filed: Money | None = Money(Decimal(50_000), "GBP")
) -> str:
    """What is said of a protected filing whose value was edited."""
    claims, _ = run(group(registration(value=filed)), T0 + days(1), policy)
    edited = replace(claims.registrations[0], value=value, modified_at=EDITED)
    before = state(decide(claims, policy, EDITED))
    outcome = decide(replace(claims, registrations=(edited,)), policy, EDITED + days(1))
    after = state(outcome)
    assert outcome.decisions == ()
    assert (after.until, after.products, after.protection) == (before.until, before.products, before.protection)
    return after.detail.removeprefix(before.detail).strip()


@pytest.mark.parametrize(
    ("amount", "asked"),
    [("54950", False), ("55000", False), ("55050", True), ("45000", False), ("44950", True), ("0", True)],
)
def test_case_35_a_value_beyond_the_tolerance_is_looked_at_and_takes_nothing_away(amount: str, asked: bool) -> None:
    says = revalued(Money(Decimal(amount), "GBP"))
    assert says == (f"Its value went from 50000 GBP to {amount} GBP, beyond 10 %: a person looks; what was granted "
                    "stands." if asked else "")  # fmt: skip


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (Money(Decimal(50_000), "gbp"), ""),
        (Money(Decimal(50_000), "EUR"), "from 50000 GBP to 50000 EUR"),
        (Money(Decimal(50_000), None), "from 50000 GBP to 50000,"),
        (None, "from 50000 GBP to none"),
    ],
)
def test_case_35_another_currency_or_no_value_is_beyond_every_tolerance(value: Money | None, says: str) -> None:
    found = revalued(value)
    assert says in found if says else not found


def test_case_35_as_shipped_and_where_no_value_was_filed_nobody_is_asked_for_nothing() -> None:
    assert revalued(Money(Decimal(9), "GBP"), POLICY) == ""
    free = Policy.model_validate({"value_tolerance_percent": 10, "required": ["company.name"]})
    assert revalued(None, free, None) == ""
    assert "from none to 9 GBP" in revalued(Money(Decimal(9), "GBP"), free, None)


def test_case_35_a_person_lets_the_new_value_pass() -> None:
    claims, _ = run(group(registration()), T0 + days(1), TOLERANT)
    edited = replace(claims.registrations[0], value=Money(Decimal(90_000), "GBP"), modified_at=EDITED)
    passed = by_person(DecisionKind.EXEMPTED, "r1", EDITED + days(1), reason="seen", evidence={"rule": "value_kept"})
    claims = replace(claims, registrations=(edited,))
    assert "a person looks" in state(decide(claims, TOLERANT, EDITED + days(1))).detail
    claims = replace(claims, decisions=(*claims.decisions, passed))
    assert "a person looks" not in state(decide(claims, TOLERANT, EDITED + days(2))).detail
