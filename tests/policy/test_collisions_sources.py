"""Where a deal comes from, and what lies beside it: tenders, passed leads, groups of companies, moved deals."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from syncd.model import Account, DecisionKind, Lead, Ref, Registration, Relative, Version
from syncd.policy import Policy

from .factories import (
    APPROVED,
    DIRECT,
    PELL,
    REJECTED,
    REVIEW,
    SETTLED,
    T0,
    WAITING,
    WYCH,
    account,
    closed,
    codes,
    collision,
    company,
    days,
    decision,
    group,
    opportunity,
    registration,
    run,
    seconds,
    stamp,
    state,
)

TENDERS = Policy.model_validate({"tenders": "reject"})
LEADS = Policy.model_validate({"passed_leads": "reject"})
BOARD = frozenset({"BOARD"})


def of_pell(id_: str = "r2", received: timedelta = days(1), **changes: Any) -> Registration:
    """A filing of another partner, so long after the first."""
    return registration(id_, T0 + received, partner_id="P02", **changes)


# --- tenders


@pytest.mark.parametrize(
    ("on", "expected"),
    [(T0.date() - timedelta(9), REJECTED), (T0.date(), REJECTED), (T0.date() + timedelta(1), APPROVED)],
)
def test_C37_a_tender_that_was_published_before_the_approval_protects_nobody(on: date, expected: str) -> None:
    claims = group(registration(tender_on=on))
    assert state(run(claims)[1]).application == APPROVED, "off as shipped"
    outcome = run(claims, policy=TENDERS)[1]
    assert state(outcome).application == expected
    assert (expected == APPROVED) or (stamp(outcome, "r1")["reason"] == "tender_published")
    looked_at = Policy.model_validate({"tenders": "review"})
    assert state(run(claims, policy=looked_at)[1]).application == (REVIEW if expected == REJECTED else APPROVED)


def test_C37_a_tender_that_only_another_filing_of_the_deal_names_is_for_a_person() -> None:
    """Who leaves the day out gains nothing, and who files another product is not held back."""
    told = of_pell(tender_on=T0.date() - timedelta(9))
    outcome = run(group(registration(), told, registration("r3", T0 + days(1), products=BOARD)), T0 + days(2), TENDERS)
    states = {r: (state(outcome[1], r).application, state(outcome[1], r).reason) for r in ("r1", "r2", "r3")}
    assert states == {
        "r1": (REVIEW, "tender_published"),
        "r2": (REJECTED, "tender_published"),
        "r3": (APPROVED, "first_registered"),
    }
    assert stamp(outcome[1], "r1")["reason"] == "in_review"


def test_C37_who_is_in_line_when_the_tender_is_published_is_not_promoted() -> None:
    policy = Policy.model_validate({"tenders": "reject", "protection": {"days": 10}})
    claims, outcome = run(group(registration(), of_pell(tender_on=date(2026, 6, 5))), T0 + days(2), policy)
    assert (state(outcome, "r1").application, state(outcome, "r2").application) == (APPROVED, WAITING)
    end = state(outcome, "r1").until
    outcome = run(claims, T0 + days(20), policy)[1]
    assert (state(outcome, "r2").application, state(outcome, "r2").reason) == (REJECTED, "tender_published")
    assert decision(outcome, DecisionKind.REJECTED, "r2").effective_at == end
    later = replace(claims, registrations=(claims.registrations[0], of_pell(tender_on=date(2026, 6, 12))))
    assert state(run(later, T0 + days(20), policy)[1], "r2").application == APPROVED


def test_C38_a_tender_that_is_published_after_the_approval_changes_nothing_by_itself() -> None:
    claims, _ = run(group(registration()), policy=TENDERS)
    later = replace(claims, registrations=(registration(tender_on=T0.date()),))
    assert state(run(later, T0 + days(9), TENDERS)[1]).application == APPROVED


# --- leads


def lead(partner: str | None = PELL.name, made: datetime = T0 - days(5), **changes: Any) -> Lead:
    """A lead on the account that was passed to a partner."""
    ref = Ref(DIRECT, "Lead", changes.pop("id", "l1"))
    filled = {"account_id": "a1", "partner_name": partner, "created_at": made, "modified_at": made}
    return Lead(ref, **{**filled, **changes})


def with_leads(*leads: Lead, **changes: Any) -> Any:
    return group(registration(), leads=leads, **changes)


def test_C44_a_lead_that_was_passed_to_a_partner_is_not_registrable_by_others() -> None:
    assert state(run(with_leads(lead()))[1]).application == APPROVED, "off as shipped"
    outcome = run(with_leads(lead()), policy=LEADS)[1]
    assert (state(outcome).application, state(outcome).reason) == (REJECTED, "lead_passed_on")
    assert (stamp(outcome, "r1")["reason"], codes(outcome)) == ("not_available", ["C44"])
    assert collision(outcome, "C44").sentence.endswith("had been passed to a partner as a lead. The registration was "
                                                       "not approved.")  # fmt: skip
    looked_at = Policy.model_validate({"passed_leads": "review"})
    assert state(run(with_leads(lead()), policy=looked_at)[1]).application == REVIEW


def test_C44_the_partner_who_got_the_lead_has_sourced_nothing_and_a_person_looks() -> None:
    outcome = run(with_leads(lead(f" {WYCH.name.upper()}")), policy=LEADS)[1]
    assert (state(outcome).application, state(outcome).reason) == (REVIEW, "lead_received")
    assert collision(outcome, "C44").winner is None


@pytest.mark.parametrize(
    ("made", "changes", "expected"),
    [
        (T0 - days(90) + seconds(1), {}, REJECTED),
        (T0 - days(90), {}, APPROVED),
        (T0, {}, REJECTED),
        (T0 + seconds(1), {}, APPROVED),
        (T0 - days(5), {"partner_name": " "}, APPROVED),
        (T0 - days(5), {"account_id": "far"}, APPROVED),
        (T0 - days(5), {"modified_at": T0 + seconds(1)}, REVIEW),
    ],
)
def test_C44_a_lead_counts_for_its_days_and_as_it_stood(made: datetime, changes: dict[str, Any], expected: str) -> None:
    outcome = run(with_leads(lead(made=made, **changes)), policy=LEADS)[1]
    assert state(outcome).application == expected


def test_C44_the_last_lead_of_an_account_is_the_one_that_stands() -> None:
    """Passed on to somebody else first, and then to the partner who files."""
    leads = (lead(), lead(WYCH.name, T0 - days(1), id="l0"))
    assert state(run(with_leads(*leads), policy=LEADS)[1]).reason == "lead_received"


# --- groups of companies


def relative(id_: str = "x1", **changes: Any) -> Relative:
    """A claim of another partner on a company that owns this one."""
    filled = {"partner_id": "P02", "company_id": "c9", **changes}
    return Relative(registration(id_, **filled), "Fenwick Holding", "parent")


def test_C19_a_claim_on_a_company_of_the_same_group_is_told_and_holds_nothing_back() -> None:
    outcome = run(group(registration(), relatives=(relative(),)))[1]
    assert state(outcome).application == APPROVED
    told = collision(outcome, "C19")
    assert (told.other.id, told.state, told.evidence["tie"]) == ("x1", "ruled", "parent")
    assert "a claim on Fenwick Holding is about a company of the same group. Nothing is inherited" in told.sentence


@pytest.mark.parametrize("changes", [{"partner_id": "P01"}, {"products": BOARD}])
def test_C19_the_same_partner_and_other_products_are_not_told(changes: dict[str, Any]) -> None:
    assert codes(run(group(registration(), relatives=(relative(**changes),)))[1]) == []


def test_C19_is_over_with_the_protection() -> None:
    claims, _ = run(group(registration(), relatives=(relative(),)))
    assert codes(run(claims, SETTLED + days(90))[1]) == []


# --- deals that lie elsewhere


def test_C26_a_deal_of_a_protection_on_another_companys_account_is_looked_at_and_the_protection_holds() -> None:
    moved = opportunity("o9", T0 + days(1), registration_key="r1", account_id="far")
    claims = replace(group(registration()), pushed=(moved,))
    assert codes(run(claims, T0 + days(2))[1]) == [], "off as shipped"
    ask = Policy.model_validate({"moved_deals": "ask"})
    outcome = run(claims, T0 + days(2), ask)[1]
    found = collision(outcome, "C26")
    assert (found.state, found.evidence["account"], state(outcome).application) == ("open", "far", APPROVED)
    assert found.sentence.endswith("The protection holds for its own company; a person decides.")
    assert codes(run(claims, T0 + days(99), ask)[1]) == []
    back = group(registration(), replace(moved, account_id="a1"))
    assert codes(run(back, T0 + days(2), ask)[1]) == []


# --- worked around, as facts


def around(*accounts: Account, **changes: Any) -> Any:
    """A protection from `SETTLED` on, and a direct deal that was opened the day after."""
    deal = opportunity("o9", T0 + days(1), account_id=accounts[-1].ref.id, owner_id="u1")
    return run(group(registration(), *accounts, deal, **changes), T0 + days(9))[1]


def test_C09_a_new_account_beside_the_old_one_is_a_fact_and_no_accusation() -> None:
    old, new = account("a1", created_at=T0 - days(900)), account("a2", created_at=T0 + days(1))
    told = collision(around(old, new), "C09")
    assert (told.evidence["account_before"], told.evidence["days_after_approval"]) == (str(old.ref), 0)
    assert told.sentence.endswith(
        "Since the approval its account was created on 2 June 2026 (UTC), beside one that was there before."
    )
    assert "account_created_at" not in collision(around(new, old), "C09").evidence
    alone = collision(around(new), "C09")
    assert ("account_before" not in alone.evidence, "beside" not in alone.sentence) == (True, True)


def test_C09_an_owner_that_changed_since_is_a_fact() -> None:
    deal = opportunity("o9", T0 + days(1), owner_id="u2")
    versions = (Version(T0 + days(1), replace(deal, owner_id="u1")), Version(T0 + days(3), deal))
    outcome = run(group(registration(), deal, past={deal.ref: versions}), T0 + days(9))[1]
    assert collision(outcome, "C09").sentence.endswith("Since the approval its owner changed on 4 June 2026 (UTC).")


# --- several at once


def test_a_lead_and_a_fresh_loss_are_listed_together_the_more_severe_first() -> None:
    lost = closed(opportunity(created=T0 - days(50)), T0 - days(3))
    outcome = run(group(registration(), lost, leads=(lead(),)), policy=LEADS)[1]
    assert codes(outcome) == ["C44", "C13"]
    assert {c.state for c in outcome.collisions} == {"ruled"}


def test_a_filing_without_a_direct_account_is_measured_by_its_own_company() -> None:
    filing = registration()
    several = Policy.model_validate({"several_in": ["retail"]})
    claims = replace(group(filing, of_pell()), accounts=())
    claims = replace(claims, companies={r.ref: company(industry="Retail") for r in claims.registrations})
    assert state(run(claims, T0 + days(2), several)[1], "r2").application == APPROVED


# --- kinds of deal


@pytest.mark.parametrize(
    ("kind", "expected", "lasts"), [(" Add-On", APPROVED, 30), ("new", REJECTED, 0), (None, REJECTED, 0)]
)
def test_C16_an_add_on_for_a_customer_has_terms_of_its_own_where_a_programme_says_so(
    kind: str | None, expected: str, lasts: int
) -> None:
    terms = {"customers": {"new_logo_days": 0}, "protection": {"days": 30}}
    policy = Policy.model_validate({"programmes": [{"name": "add-ons", "kinds": ["add-on"], **terms}]})
    outcome = run(group(registration(kind=kind), account(is_customer=True)), policy=policy)[1]
    assert state(outcome).application == expected
    assert state(outcome).until == (SETTLED + days(lasts) if lasts else None)
