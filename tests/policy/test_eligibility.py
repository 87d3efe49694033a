"""Rules 5.1 to 5.7: settled, sure, partner, form, first contact, named account (C17), customer (C14)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from syncd.model import Band, DecisionKind, Judgement, Link, Outcome
from syncd.policy import Policy, decide
from syncd.policy.requirable import REQUIRABLE

from .factories import (
    APPROVED,
    PENDING,
    POLICY,
    PRM,
    REJECTED,
    RETURNED,
    REVIEW,
    SETTLED,
    T0,
    WYCH,
    account,
    closed,
    codes,
    collision,
    company,
    days,
    decision,
    group,
    kinds,
    opportunity,
    registration,
    run,
    seconds,
    state,
)

REVIEWING = Policy.model_validate({"named_accounts": "review"})


def judged(*records: object, now: datetime = SETTLED, policy: Policy = POLICY, **changes: object) -> Outcome:
    """The outcome of one group."""
    return decide(group(*records, **changes), policy, now)


def test_a_clean_claim_is_approved_by_itself() -> None:
    outcome = judged(registration())
    assert state(outcome).application == APPROVED
    assert kinds(outcome.decisions) == ["submitted", "approved", "granted"]
    made = decision(outcome, DecisionKind.APPROVED)
    assert (made.rule, made.reason, str(made.actor)) == ("valid_and_first", "first_registered", "rule:valid_and_first")


# 5.1


@pytest.mark.parametrize(
    ("now", "horizon", "error", "expected"),
    [
        (SETTLED - timedelta(microseconds=1), SETTLED, 0, PENDING),
        (SETTLED, SETTLED - timedelta(microseconds=1), 0, PENDING),
        (SETTLED, SETTLED, 0, APPROVED),
        (SETTLED + days(9), None, 0, PENDING),
        (SETTLED + seconds(29), T0 + days(1), 30, PENDING),
        (SETTLED + seconds(30), T0 + days(1), 30, APPROVED),
    ],
)
def test_a_claim_is_decided_when_now_and_horizon_have_reached_its_settlement(
    now: datetime, horizon: datetime | None, error: float, expected: str
) -> None:
    outcome = judged(registration(), now=now, horizon=horizon, clock_error={PRM: error})
    assert state(outcome).application == expected
    if expected == APPROVED:
        assert decision(outcome, DecisionKind.APPROVED).effective_at == T0 + seconds(2 + error)


def test_a_pending_claim_is_due_at_its_settlement() -> None:
    outcome = judged(registration(), now=T0)
    assert (outcome.next_due, state(outcome).reason) == (SETTLED, "settling")


def test_only_the_horizon_missing_is_nothing_that_time_changes() -> None:
    assert judged(registration(), now=T0 + days(1), horizon=T0).next_due is None


def test_everything_filed_is_recorded_once_with_when_it_was_received_and_seen() -> None:
    claims, outcome = run(group(registration()), T0)
    made = decision(outcome, DecisionKind.SUBMITTED)
    assert (made.effective_at, made.evidence["seen_at"]) == (T0, T0.isoformat())
    _, again = run(claims, T0 + seconds(1))
    assert again.decisions == ()


# 5.2


def test_an_unsure_link_waits_for_a_person() -> None:
    filing = registration()
    outcome = judged(filing, companies={filing.ref: company(Band.REVIEW)})
    assert (state(outcome).application, state(outcome).reason) == (REVIEW, "match_unsure")


@pytest.mark.parametrize("band", [Band.AUTO, Band.NONE])
def test_a_sure_link_or_none_goes_on(band: Band) -> None:
    filing = registration()
    assert state(judged(filing, companies={filing.ref: company(band)})).application == APPROVED


def test_the_link_is_evidence_of_the_decision() -> None:
    filing = registration()
    found = company()
    assert found.best is not None
    link: Link = replace(found.best, judgement=Judgement.SAME)
    outcome = judged(filing, companies={filing.ref: replace(found, best=link)})
    assert decision(outcome, DecisionKind.APPROVED).evidence["link"] == {"score": 0.99, "band": "auto", "reason": ""}


# 5.3


@pytest.mark.parametrize("key", [None, "P99"])
def test_an_unknown_partner_waits_for_a_person(key: str | None) -> None:
    outcome = judged(registration(partner_id=key))
    assert (state(outcome).application, state(outcome).reason) == (REVIEW, "partner_unknown")


@pytest.mark.parametrize(("status", "expected"), [("active", APPROVED), ("Active ", APPROVED), ("suspended", REJECTED)])
def test_only_active_partners_are_approved(status: str, expected: str) -> None:
    outcome = judged(registration(), partners={"P01": replace(WYCH, status=status)})
    assert state(outcome).application == expected
    if expected == REJECTED:
        assert state(outcome).reason == "partner_inactive"
        assert decision(outcome, DecisionKind.REJECTED).effective_at == SETTLED


# 5.4

BLANKS: dict[str, dict[str, object]] = {
    "company.location": {"street": None, "city": " ", "postcode": None},
    "company.country": {"country": None},
    "products": {"products": frozenset()},
    "proof": {"proof": "  "},
}


@pytest.mark.parametrize("name", REQUIRABLE)
def test_each_required_field_returns_the_filing_when_it_is_missing(name: str) -> None:
    field = name.removeprefix("company.")
    blank = BLANKS.get(name, {field: None})
    of_company = name.startswith("company.")
    filing = registration(**({} if of_company else blank), **({"country": None} if name == "company.country" else {}))
    policy = Policy.model_validate({"required": [name] if name == "company.name" else ["company.name", name]})
    outcome = judged(filing, companies={filing.ref: company(**(blank if of_company else {}))}, policy=policy)
    assert (state(outcome).application, state(outcome).reason) == (RETURNED, "missing_fields")
    assert decision(outcome, DecisionKind.RETURNED).evidence["missing"] == [name]
    assert REQUIRABLE[name] in state(outcome).detail


def test_missing_fields_are_named_in_the_order_of_the_policy() -> None:
    outcome = judged(registration(proof=None, value=None, next_steps=""))
    assert decision(outcome, DecisionKind.RETURNED).evidence["missing"] == ["value", "next_steps", "proof"]


def test_the_country_of_the_deal_counts_for_a_company_without_one() -> None:
    filing = registration(country="GB")
    assert state(judged(filing, companies={filing.ref: company(country=None)})).application == APPROVED


def test_a_filing_without_any_company_lacks_the_companys_fields() -> None:
    outcome = judged(registration(), companies={})
    assert "company.name" in decision(outcome, DecisionKind.RETURNED).evidence["missing"]


def test_what_the_policy_does_not_require_may_be_missing() -> None:
    policy = Policy.model_validate({"required": ["company.name"]})
    assert state(judged(registration(proof=None), policy=policy)).application == APPROVED


# 5.5


@pytest.mark.parametrize(
    ("age", "limit", "expected", "reason"),
    [
        (-1, 90, RETURNED, "first_contact_in_future"),
        (0, 90, APPROVED, "first_registered"),
        (89, 90, APPROVED, "first_registered"),
        (90, 90, APPROVED, "first_registered"),
        (91, 90, REJECTED, "first_contact_too_old"),
        (4000, 0, APPROVED, "first_registered"),
        (-1, 0, RETURNED, "first_contact_in_future"),
    ],
)
def test_first_contact_lies_in_the_window_before_the_day_of_filing(
    age: int, limit: int, expected: str, reason: str
) -> None:
    policy = Policy.model_validate({"first_contact": {"max_age_days": limit}})
    outcome = judged(registration(first_contact_on=T0.date() - timedelta(days=age)), policy=policy)
    assert (state(outcome).application, state(outcome).reason) == (expected, reason)


def test_first_contact_is_judged_by_the_day_in_utc() -> None:
    just_before_midnight = T0.replace(hour=23, minute=59)
    filing = registration(received=just_before_midnight, first_contact_on=T0.date())
    assert state(judged(filing, now=T0 + days(1))).application == APPROVED


def test_an_unknown_first_contact_is_not_judged() -> None:
    policy = Policy.model_validate({"required": ["company.name"]})
    assert state(judged(registration(first_contact_on=None), policy=policy)).application == APPROVED


# 5.6


def test_C17_a_named_account_is_rejected_reviewed_or_allowed() -> None:
    records = (registration(), account("a1"), account("a2", is_named=True))
    outcome = judged(*records)
    assert (state(outcome).application, state(outcome).reason) == (REJECTED, "named_account")
    found = collision(outcome, "C17")
    assert (found.other.id, found.winner, found.state) == ("a2", found.other, "ruled")
    outcome = judged(*records, policy=REVIEWING)
    assert (state(outcome).application, state(outcome).reason) == (REVIEW, "named_account")
    assert (collision(outcome, "C17").state, collision(outcome, "C17").winner) == ("open", None)
    outcome = judged(*records, policy=Policy.model_validate({"named_accounts": "allow"}))
    assert (state(outcome).application, codes(outcome)) == (APPROVED, [])


# 5.7


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"is_customer": True}, REJECTED),
        ({"is_customer": True, "last_order_on": (T0 - days(1096)).date()}, APPROVED),
        ({"is_customer": True, "last_order_on": (T0 - days(1095)).date()}, REJECTED),
        ({"last_order_on": (T0 - days(1096)).date()}, APPROVED),
        ({"last_order_on": (T0 - days(1095)).date()}, REJECTED),
        ({"last_order_on": T0.date()}, REJECTED),
        ({}, APPROVED),
    ],
)
def test_C14_a_customer_bought_within_the_new_logo_days(facts: dict[str, object], expected: str) -> None:
    outcome = judged(registration(), account("a1"), account("a2", **facts))
    assert state(outcome).application == expected
    if expected == REJECTED:
        assert state(outcome).reason == "existing_customer"
        assert collision(outcome, "C14").other.id == "a2"


@pytest.mark.parametrize(
    ("won_at", "expected"),
    [
        (T0 - days(1095), APPROVED),
        (T0 - days(1095) + seconds(1), REJECTED),
        (T0, REJECTED),
        (T0 + seconds(1), APPROVED),
        (None, APPROVED),
    ],
)
def test_C14_a_won_opportunity_makes_a_customer(won_at: datetime | None, expected: str) -> None:
    won = closed(opportunity(created=T0 - days(2000), last_activity_on=(T0 - days(900)).date()), won_at, won=True)
    outcome = judged(registration(), won)
    assert state(outcome).application == expected
    if expected == REJECTED:
        assert collision(outcome, "C14").other.id == "o1"


def test_C14_the_close_date_stands_in_for_a_missing_closing_stamp() -> None:
    won = closed(opportunity(), None, won=True, close_on=(T0 - days(3)).date())
    assert state(judged(registration(), won)).reason == "existing_customer"


def test_C14_partner_sourced_wins_count_too_and_off_means_off() -> None:
    won = closed(opportunity(partner_name="Pellmore IT Services"), T0 - days(3), won=True)
    assert state(judged(registration(), won)).reason == "existing_customer"
    off = Policy.model_validate({"customers": {"new_logo_days": 0}})
    assert state(judged(registration(), won, account(is_customer=True), policy=off)).application == APPROVED


# the order


def test_the_first_rule_that_decides_ends_it() -> None:
    """From all wrong at once, each repair moves the filing to the next rule."""
    records: dict[str, object] = {}
    bad = {"first_contact_on": T0.date() + timedelta(days=3), "proof": None, "partner_id": "P99"}
    filing = registration(**bad)
    named = account(is_named=True, is_customer=True)
    direct = opportunity()
    lost = closed(opportunity("o2"), T0 - days(2))

    def reason() -> str:
        claims = group(*records.values(), companies={filing.ref: company(records_band[0])})
        return state(decide(claims, POLICY, SETTLED)).reason

    records_band = [Band.REVIEW]
    records = {"r": filing, "a": named, "o": direct, "l": lost}
    seen = [state(decide(group(*records.values()), POLICY, T0)).reason, reason()]
    records_band[0] = Band.AUTO
    steps: list[tuple[str, object]] = [
        ("r", replace(filing, partner_id="P01")),
        ("r", replace(filing, partner_id="P01", proof="minutes")),
        ("r", registration(first_contact_on=T0.date() - timedelta(days=300))),
        ("r", registration()),
        ("a", account(is_customer=True)),
        ("a", account()),
        ("o", opportunity(products=frozenset({"BOARD"}))),
        ("l", closed(opportunity("o2"), T0 - days(40))),
    ]
    seen.append(reason())
    for name, repaired in steps:
        records[name] = repaired
        seen.append(reason())
    assert seen == [
        "settling",
        "match_unsure",
        "partner_unknown",
        "missing_fields",
        "first_contact_in_future",
        "first_contact_too_old",
        "named_account",
        "existing_customer",
        "direct_engaged",
        "recently_lost",
        "first_registered",
    ]
