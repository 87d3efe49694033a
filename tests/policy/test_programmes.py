"""Programmes: other terms by partner, tier, region, product, country and day of filing; the first that fits holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from syncd.model import DecisionKind
from syncd.policy import Policy, decide, sentences, version_of, warnings

from .factories import (
    APPROVED,
    PELL,
    POLICY,
    REJECTED,
    RETURNED,
    REVIEW,
    SETTLED,
    T0,
    WYCH,
    account,
    days,
    decision,
    group,
    opportunity,
    registration,
    run,
    state,
)

LONG = {"protection": {"days": 180}}


def policy(*programmes: dict[str, Any], **rest: Any) -> Policy:
    """A policy with these programmes."""
    named = [{"name": f"p{i}", **programme} for i, programme in enumerate(programmes)]
    return Policy.model_validate({**rest, "programmes": named})


GOLD = replace(WYCH, tier="Gold", region="EMEA")
KNOWN = {"P01": GOLD, "P02": PELL}


@pytest.mark.parametrize(
    ("selects", "days_granted"),
    [
        ({}, 180),
        ({"partners": ["p01"]}, 180),
        ({"partners": ["P02"]}, 90),
        ({"tiers": ["gold"]}, 180),
        ({"tiers": ["silver", ""]}, 90),
        ({"regions": ["emea"]}, 180),
        ({"products": ["plan", "BOARD"]}, 180),
        ({"products": ["BOARD"]}, 90),
        ({"countries": ["gb"]}, 180),
        ({"countries": ["DE"]}, 90),
        ({"tiers": ["Gold"], "countries": ["DE"]}, 90),
        ({"tiers": ["Gold"], "countries": ["GB"]}, 180),
        ({"from_on": "2026-06-01"}, 180),
        ({"from_on": "2026-06-02"}, 90),
        ({"until_on": "2026-06-01"}, 180),
        ({"until_on": "2026-05-31"}, 90),
    ],
)
def test_a_programme_holds_for_what_it_names_and_for_nothing_else(selects: dict[str, Any], days_granted: int) -> None:
    _, outcome = run(group(registration(), partners=KNOWN), policy=policy({**selects, **LONG}))
    assert state(outcome).until == SETTLED + days(days_granted)


def test_of_several_that_fit_the_first_holds_whole() -> None:
    both = policy({"tiers": ["gold"], **LONG}, {"countries": ["GB"], "approval": "manual", "protection": {"days": 10}})
    _, outcome = run(group(registration(), partners=KNOWN), policy=both)
    assert (state(outcome).application, state(outcome).until) == (APPROVED, SETTLED + days(180))
    swapped = policy({"countries": ["GB"], "approval": "manual"}, {"tiers": ["gold"], **LONG})
    assert state(run(group(registration(), partners=KNOWN), policy=swapped)[1]).application == REVIEW


def test_two_partners_on_one_company_are_judged_each_by_its_own_terms() -> None:
    how = policy({"partners": ["P02"], "required": ["company.name", "close_on", "submitter"], **LONG})
    line = (registration("r1"), registration("r2", T0 + days(1), partner_id="P02", submitter=None))
    _, outcome = run(group(*line), T0 + days(2), how)
    assert (state(outcome, "r1").application, state(outcome, "r2").application) == (APPROVED, RETURNED)


@pytest.mark.parametrize(
    ("terms", "records", "without", "with_"),
    [
        ({"named_accounts": "allow"}, (account(is_named=True),), REJECTED, APPROVED),
        ({"customers": {"new_logo_days": 0}}, (account(is_customer=True),), REJECTED, APPROVED),
        ({"direct": {"dormant_after_days": 1}}, (opportunity(),), REJECTED, APPROVED),
        ({"minimum": [{"amount": 60_000, "currency": "GBP"}]}, (), APPROVED, REJECTED),
        ({"first_contact": {"max_age_days": 5}}, (), APPROVED, REJECTED),
        ({"least_days_before_close": 400}, (), APPROVED, REJECTED),
        ({"proof": {"discovery": {"need": "required"}}}, (), APPROVED, RETURNED),
    ],
)
def test_what_a_programme_says_otherwise_decides(
    terms: dict[str, Any], records: tuple[Any, ...], without: str, with_: str
) -> None:
    claims = group(registration(), *records)
    assert state(run(claims)[1]).application == without
    assert state(run(claims, policy=policy({"partners": ["P01"], **terms}))[1]).application == with_
    assert state(run(claims, policy=policy({"partners": ["P02"], **terms}))[1]).application == without


def test_what_was_filed_before_a_programme_began_keeps_the_terms_it_was_filed_under() -> None:
    """Grandfathering: the day of filing counts, whenever it is decided."""
    how = policy({"from_on": "2026-06-10", "protection": {"days": 30}})
    late = decide(group(registration()), how, T0 + days(20))
    assert state(late).until == SETTLED + days(90)
    later = registration("r1", T0 + days(10))
    assert state(decide(group(later), how, T0 + days(20))).until == SETTLED + days(40)


def test_a_changed_tier_or_programme_changes_nothing_that_was_granted() -> None:
    how = policy({"tiers": ["gold"], **LONG})
    claims, _ = run(group(registration(), partners=KNOWN), policy=how)
    silver = replace(claims, partners={"P01": replace(GOLD, tier="Silver")})
    again = decide(silver, POLICY, T0 + days(100))
    assert (state(again).until, again.decisions) == (SETTLED + days(180), ())


def test_the_programme_is_named_in_the_evidence_and_in_the_sentences() -> None:
    how = policy({"tiers": ["gold"], "from_on": "2026-06-01", **LONG})
    _, outcome = run(group(registration(), partners=KNOWN), policy=how)
    assert decision(outcome, DecisionKind.APPROVED).evidence["programme"] == "p0"
    assert any("p0 (tiers gold; filed from 2026-06-01) has its own protection" in text for text in sentences(how))
    assert version_of(how) != version_of(policy({"tiers": ["gold"], **LONG}))


@pytest.mark.parametrize(
    ("programmes", "says"),
    [
        ([{"tiers": ["gold"]}], "says nothing otherwise than the policy"),
        ([{"from_on": "2026-06-02", "until_on": "2026-06-01", **LONG}], "before it begins on 2026-06-02"),
        ([{"required": ["value"]}], "a form without a customer would approve itself"),
        ([{"required": ["budget"]}], "there is no field 'budget'"),
        ([{"tie_window": "5m"}], "Extra inputs are not permitted"),
    ],
)
def test_a_programme_that_makes_no_sense_is_refused(programmes: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        policy(*programmes)
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("first", "second", "warned"),
    [
        ({}, {"tiers": ["gold"]}, True),
        ({"countries": ["GB", "IE"]}, {"countries": ["IE"], "tiers": ["gold"]}, True),
        ({"countries": ["GB"]}, {"countries": ["IE"]}, False),
        ({"from_on": "2026-06-01"}, {"tiers": ["gold"]}, False),
        ({"from_on": "2026-06-01"}, {"from_on": "2026-07-01"}, True),
        ({"until_on": "2026-06-01"}, {"until_on": "2026-07-01"}, False),
    ],
)
def test_a_programme_that_never_holds_is_warned_about(
    first: dict[str, Any], second: dict[str, Any], warned: bool
) -> None:
    found = warnings(policy({**first, **LONG}, {**second, "approval": "manual"}))
    assert any("p1 never holds" in text for text in found) is warned


def test_a_filing_without_a_time_has_the_terms_of_the_policy() -> None:
    outcome = decide(group(registration(received=None), partners=KNOWN), policy(LONG), T0)
    assert state(outcome).reason == "not_dated"
