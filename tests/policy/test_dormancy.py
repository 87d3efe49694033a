"""Dormancy is read from what happens on the partner's deal in the CRM; it asks a person and ends nothing by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from syncd.model import DecisionKind, Opportunity, Protection
from syncd.policy import Options, Policy, act, decide

from .factories import (
    APPROVED,
    SETTLED,
    T0,
    Actor,
    days,
    group,
    opportunity,
    registration,
    run,
    state,
)

ASKED = Policy.model_validate({"protection": {"dormant_after_days": 30}})
PLAN = frozenset({"PLAN"})


def own(active: date | None = None) -> Opportunity:
    """The partner's own deal, created on the day after the filing."""
    return opportunity(created=T0 + days(1), registration_key="r1", last_activity_on=active)


def told(*records: Any, after: float, policy: Policy = ASKED) -> str:
    """What the state says so many days after the grant."""
    claims, _ = run(group(registration(), *records), T0 + days(1), policy)
    return state(decide(claims, policy, SETTLED + days(after))).detail


@pytest.mark.parametrize(
    ("records", "after", "dormant"),
    [
        ((), 29.9, False),
        ((), 30, True),  # no deal at all: the grant is the last that happened
        ((own(),), 30, False),  # the deal itself was created a day later
        ((own(),), 31, True),
        ((own(date(2026, 6, 20)),), 49, False),
        ((own(date(2026, 6, 20)),), 50, True),  # the 20th ends at midnight, 19.5 days after the grant at noon
    ],
)
def test_a_protection_is_dormant_when_nothing_has_happened_on_its_deal(
    records: tuple[Any, ...], after: float, dormant: bool
) -> None:
    assert ("Dormant: nothing has happened" in told(*records, after=after)) is dormant


def test_activity_on_somebody_elses_deal_does_not_wake_it() -> None:
    theirs = opportunity("o2", created=T0 + days(2), last_activity_on=date(2026, 6, 28))
    assert "Dormant" in told(theirs, after=31)


def test_it_holds_all_the_same_and_the_group_is_due_when_it_begins() -> None:
    line = (registration("r1"), registration("r2", T0 + days(1), partner_id="P02"))
    claims, outcome = run(group(*line), T0 + days(2), ASKED)
    assert outcome.next_due == SETTLED + days(30)
    asked = decide(claims, ASKED, SETTLED + days(31))
    assert (state(asked).application, state(asked).protection) == (APPROVED, Protection.ACTIVE)
    assert state(asked).detail.endswith("ask the partner. Another partner waits behind it.")
    assert asked.decisions == ()


def test_an_extension_counts_as_a_sign_of_life() -> None:
    claims, _ = run(group(registration()), T0 + days(1), ASKED)
    at = SETTLED + days(29)
    made = act(DecisionKind.EXTENDED, registration().ref, Actor.person("kim"), at, claims, ASKED, "", Options())
    claims = replace(claims, decisions=(*claims.decisions, made))
    assert "Dormant" not in state(decide(claims, ASKED, SETTLED + days(58))).detail
    assert "Dormant" in state(decide(claims, ASKED, SETTLED + days(59))).detail


def test_as_shipped_nobody_is_asked() -> None:
    assert "Dormant" not in told(after=80, policy=Policy())
