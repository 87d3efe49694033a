"""Proof of the relationship, and what else a policy may ask of a form: value, time left, cool-down, substance."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from syncd.model import DecisionKind, Money, Registration
from syncd.policy import EXEMPTABLE, Policy, decide
from syncd.policy.collisions import CLASHES, FORM
from syncd.policy.proof import missing
from syncd.policy.terms import Need, ProofTerms

from .factories import (
    APPROVED,
    POLICY,
    REJECTED,
    RETURNED,
    REVIEW,
    SETTLED,
    T0,
    account,
    days,
    decision,
    group,
    registration,
    run,
    seconds,
    stamp,
    state,
)

STANDARDS = ("introduction", "discovery", "qualification", "first_contact")


def proof(**standards: Any) -> Policy:
    """A policy that asks for these standards and, of the form, for a company alone."""
    least = standards.pop("least_points", 0)
    given = {name: need if isinstance(need, dict) else {"need": need} for name, need in standards.items()}
    return Policy.model_validate({"required": ["company.name"], "proof": {**given, "least_points": least}})


def bare(**changes: Any) -> Registration:
    """A filing that proves nothing."""
    nothing = dict.fromkeys(("proof", "proof_kind", "decision_makers", "first_contact_on", "timeline", "value"))
    return replace(registration(), **{**nothing, **changes})


PROVES: dict[str, dict[str, Any]] = {
    "introduction": {"proof_kind": "Meeting", "proof": "minutes of 22 May"},
    "discovery": {"proof_kind": "bant; Proof_of_Concept", "proof": "report"},
    "qualification": {
        "decision_makers": "Ann Arbor, CIO",
        "timeline": "Q4",
        "value": Money(Decimal(5), "GBP"),
    },
    "first_contact": {"first_contact_on": T0.date() - days(90)},
}


@pytest.mark.parametrize("standard", STANDARDS)
def test_a_required_standard_returns_what_does_not_meet_it_and_lets_pass_what_does(standard: str) -> None:
    policy = proof(**{standard: "required"})
    claims, outcome = run(group(bare()), policy=policy)
    assert (state(outcome).application, state(outcome).reason) == (RETURNED, "missing_proof")
    assert decision(outcome, DecisionKind.RETURNED).evidence["lacking"] == [standard]
    better = replace(bare(**PROVES[standard]), modified_at=T0 + days(1))
    _, outcome = run(replace(claims, registrations=(better,)), T0 + days(2), policy)
    assert (state(outcome).application, state(outcome).since) == (APPROVED, T0 + days(1))


def test_a_record_touched_without_an_answer_stays_with_the_partner() -> None:
    policy = proof(introduction="required")
    claims, _ = run(group(bare()), policy=policy)
    touched = replace(bare(next_steps="call"), modified_at=T0 + days(1))
    _, outcome = run(replace(claims, registrations=(touched,)), T0 + days(2), policy)
    assert (state(outcome).application, outcome.decisions) == (RETURNED, ())


def test_one_of_several_is_enough_and_the_answers_of_a_qualification_may_be_a_document() -> None:
    policy = proof(introduction="one_of", qualification="one_of")
    assert state(run(group(bare()), policy=policy)[1]).application == RETURNED
    for proves in (PROVES["introduction"], {"proof_kind": "MEDDIC", "proof": "sheet"}):
        assert state(run(group(bare(**proves)), policy=policy)[1]).application == APPROVED


def test_points_of_the_scored_ones_add_up() -> None:
    policy = proof(
        introduction={"need": "scored", "points": 2},
        qualification={"need": "scored", "points": 3},
        first_contact={"need": "scored", "points": 1},
        least_points=4,
    )
    two = {**PROVES["introduction"], **PROVES["first_contact"]}
    three = {**PROVES["qualification"], **PROVES["first_contact"]}
    assert state(run(group(bare(**two)), policy=policy)[1]).application == RETURNED
    assert state(run(group(bare(**three)), policy=policy)[1]).application == APPROVED


def test_every_mix_of_standards_asks_for_exactly_what_it_says() -> None:
    """Against a count by hand, for each set of standards that a filing may meet."""
    for needs, flags in product(product(Need, repeat=4), product((False, True), repeat=4)):
        marked = list(zip(STANDARDS, needs, flags, strict=True))
        given = {name: {"need": need.value, "points": i + 1} for i, (name, need, _) in enumerate(marked)}
        least = sum(i + 1 for i, need in enumerate(needs) if need is Need.SCORED)
        terms = ProofTerms.model_validate({**given, "least_points": least})
        met = {name for name, _, flag in marked if flag}
        required, one_of, scored = (
            [flag for _, need, flag in marked if need is wanted] for wanted in (Need.REQUIRED, Need.ONE_OF, Need.SCORED)
        )
        enough = all(required) and (not one_of or any(one_of)) and all(scored)
        assert (not missing(terms, met)) is enough, (needs, flags)


@pytest.mark.parametrize(
    ("proof_kind", "document", "meets"),
    [("meeting", "minutes", True), ("meeting", " ", False), ("brochure", "leaflet", False), (None, "x", False)],
)
def test_a_kind_without_a_proof_and_a_proof_without_a_kind_prove_nothing(
    proof_kind: str | None, document: str, meets: bool
) -> None:
    policy = proof(introduction="required")
    outcome = run(group(bare(proof_kind=proof_kind, proof=document)), policy=policy)[1]
    assert (state(outcome).application == APPROVED) is meets


def test_the_window_of_first_contact_counts_from_the_day_of_filing() -> None:
    policy = proof(first_contact="required")
    for age, application in ((90, APPROVED), (91, RETURNED), (-1, RETURNED)):
        outcome = run(group(bare(first_contact_on=T0.date() - days(age))), policy=policy)[1]
        assert state(outcome).application == application, age


# value, time left, cool-down


MINIMUM = Policy.model_validate(
    {"minimum": [{"amount": 5000, "currency": "GBP"}, {"amount": "700000", "currency": "JPY"}]}
)


@pytest.mark.parametrize(
    ("value", "application", "reason"),
    [
        (Money(Decimal(5000), "GBP"), APPROVED, "first_registered"),
        (Money(Decimal("4999.99"), "GBP"), REJECTED, "below_minimum"),
        (Money(Decimal("4999.99"), "gbp"), REJECTED, "below_minimum"),
        (Money(Decimal(0), "GBP"), REJECTED, "below_minimum"),
        (Money(Decimal(-10_000), "GBP"), REJECTED, "below_minimum"),
        (Money(Decimal(699_999), "JPY"), REJECTED, "below_minimum"),
        (Money(Decimal(1), "KWD"), APPROVED, "first_registered"),
        (Money(Decimal(10_000), None), RETURNED, "value_without_currency"),
    ],
)
def test_a_value_is_compared_in_its_own_currency_and_never_without_one(
    value: Money, application: str, reason: str
) -> None:
    outcome = run(group(registration(value=value)), policy=MINIMUM)[1]
    assert (state(outcome).application, state(outcome).reason) == (application, reason)


def test_once_the_currency_is_given_the_rules_go_on() -> None:
    claims, _ = run(group(registration(value=Money(Decimal(10_000), None))), policy=MINIMUM)
    better = registration(value=Money(Decimal(10_000), "GBP"), modified_at=T0 + days(1))
    _, outcome = run(replace(claims, registrations=(better,)), T0 + days(2), MINIMUM)
    assert state(outcome).application == APPROVED


@pytest.mark.parametrize(("close", "application"), [(date(2026, 6, 11), APPROVED), (date(2026, 6, 10), REJECTED)])
def test_a_deal_that_closes_too_soon_is_too_late_to_register(close: date, application: str) -> None:
    policy = Policy.model_validate({"least_days_before_close": 10})
    assert state(run(group(registration(close_on=close)), policy=policy)[1]).application == application


COOLED = Policy.model_validate({"cooldown_days": 7})


@pytest.mark.parametrize(
    ("after", "partner", "products", "application"),
    [
        (days(0), "P01", {"PLAN"}, REJECTED),
        (days(7) - seconds(1), "P01", {"PLAN"}, REJECTED),
        (days(7), "P01", {"PLAN"}, APPROVED),
        (days(1), "P01", {"BOARD"}, APPROVED),
        (days(1), "P02", {"PLAN"}, APPROVED),
    ],
)
def test_after_its_protection_a_partner_waits_before_it_registers_the_same_again(
    after: Any, partner: str, products: set[str], application: str
) -> None:
    end = SETTLED + days(90)
    again = registration("r2", end + after, partner_id=partner, products=frozenset(products))
    _, outcome = run(group(registration(), again), end + after + days(1), COOLED)
    assert state(outcome, "r2").application == application
    assert state(run(group(registration(), again), end + after + days(1))[1], "r2").application == APPROVED


# speculation


SIGNS = Policy.model_validate(
    {"speculation": {"signs": 2, "capacity": 50, "conversion_percent": 10, "conversion_after": 20}}
)
FULL, POOR = {"live": 50, "ended": 0, "won": 0}, {"live": 0, "ended": 20, "won": 1}


@pytest.mark.parametrize(
    ("counts", "age", "application", "signs"),
    [
        ({"live": 50, "ended": 20, "won": 1}, 10, REVIEW, ["capacity", "conversion"]),
        (FULL, 61, REVIEW, ["capacity", "freshness"]),
        (POOR, 61, REVIEW, ["conversion", "freshness"]),
        (FULL, 60, APPROVED, []),
        ({"live": 49, "ended": 20, "won": 2}, 61, APPROVED, []),
        ({"live": 0, "ended": 19, "won": 0}, 61, APPROVED, []),
        ({}, 61, APPROVED, []),
    ],
)
def test_a_filing_with_enough_signs_of_speculation_goes_to_a_person(
    counts: dict[str, int], age: int, application: str, signs: list[str]
) -> None:
    filed = registration(first_contact_on=T0.date() - days(age))
    claims, outcome = run(group(filed, counts={filed.ref: counts}), policy=SIGNS)
    assert state(outcome).application == application
    if signs:
        assert (state(outcome).reason, stamp(outcome, "r1")["reason"]) == ("speculative", "in_review")
    submitted = next(d for d in claims.decisions if d.kind is DecisionKind.SUBMITTED)
    assert submitted.evidence["partner_counts"] == counts


def test_what_was_counted_when_it_was_first_seen_stays() -> None:
    """What crosses groups is recorded once, so that the order in which groups are decided changes nothing later."""
    filed = registration(first_contact_on=T0.date() - days(61))
    claims, _ = run(replace(group(filed, counts={filed.ref: FULL}), horizon=None), policy=SIGNS)
    better = replace(claims, counts={filed.ref: {"live": 0, "ended": 0, "won": 0}}, horizon=T0 + days(9))
    assert state(decide(better, SIGNS, T0 + days(1))).application == REVIEW


def test_a_filing_that_a_rule_refuses_is_not_called_speculative() -> None:
    filed = registration(first_contact_on=T0.date() - days(61))
    full = group(filed, account(is_named=True), counts={filed.ref: FULL})
    assert state(run(full, policy=SIGNS)[1]).reason == "named_account"


def test_every_rule_that_refuses_a_filing_can_be_exempted_from() -> None:
    names = {rule.__name__ for rule in (*FORM, *CLASHES)}
    assert names - set(EXEMPTABLE) == set()


def test_the_rules_of_the_form_come_in_a_fixed_order() -> None:
    everything_wrong = registration(
        partner_id="P01", proof=None, first_contact_on=date(2020, 1, 1), value=Money(Decimal(1), "GBP"),
        close_on=T0.date(),
    )  # fmt: skip
    policy = Policy.model_validate(
        {
            "minimum": [{"amount": 5, "currency": "GBP"}],
            "least_days_before_close": 3,
            "proof": {"introduction": {"need": "required"}},
        }
    )
    repairs: list[tuple[str, dict[str, Any]]] = [
        ("missing_fields", {"proof": "a letter"}),
        ("missing_proof", {"proof_kind": "meeting"}),
        ("first_contact_too_old", {"first_contact_on": T0.date()}),
        ("below_minimum", {"value": Money(Decimal(5), "GBP")}),
        ("too_late", {"close_on": date(2026, 7, 1)}),
    ]
    filed = replace(everything_wrong, proof_kind="brochure")
    for reason, repair in repairs:
        assert state(run(group(filed, account(is_named=True)), policy=policy)[1]).reason == reason
        filed = replace(filed, **repair)
    assert state(run(group(filed, account(is_named=True)), policy=policy)[1]).reason == "named_account"
    assert state(run(group(filed), policy=policy)[1]).application == APPROVED
    assert POLICY.proof.on is False
