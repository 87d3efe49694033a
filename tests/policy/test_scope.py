"""What a claim covers, and for whom it counts: one deal, a role, a branch, several partners at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from syncd.model import DecisionKind, Opportunity, Outcome, Partner, Version
from syncd.policy import Policy

from .factories import (
    APPROVED,
    LARK,
    PELL,
    REJECTED,
    REVIEW,
    SETTLED,
    T0,
    WAITING,
    WYCH,
    account,
    approved,
    closed,
    codes,
    collision,
    days,
    decision,
    group,
    opportunity,
    registration,
    run,
    seconds,
    stamp,
    state,
    wanted,
)
from .test_claims import contract, sold_by

ONE_DEAL = Policy.model_validate({"scope": "opportunity"})
ROLES = Policy.model_validate({"roles": {"on_behalf": ["distributor"], "referral": ["referral"]}})
BRANCHES = Policy.model_validate({"branches": "together"})
SEVERAL = Policy.model_validate({"several_in": ["Government"]})
BOARD = frozenset({"BOARD"})


def of_pell(id_: str = "r2", received: timedelta = days(1), **changes: Any) -> Any:
    """A filing of another partner, so long after the first."""
    return registration(id_, T0 + received, partner_id="P02", **changes)


def own(id_: str, key: str, created: timedelta = days(2)) -> Opportunity:
    """A deal that carries the number of a registration."""
    return opportunity(id_, T0 + created, registration_key=key)


def standing(outcome: Outcome, *ids: str) -> list[str]:
    return [state(outcome, id_).application.value for id_ in ids]


# --- one opportunity


def test_two_deals_of_one_company_both_stand_where_a_claim_is_for_one_deal() -> None:
    claims = group(registration("r1"), of_pell(), own("o1", "r1"), own("o2", "r2"))
    assert standing(run(claims, T0 + days(3))[1], "r1", "r2") == [APPROVED, WAITING], "by products they meet"
    outcome = run(claims, T0 + days(3), ONE_DEAL)[1]
    assert (standing(outcome, "r1", "r2"), codes(outcome)) == ([APPROVED, APPROVED], [])
    assert "for PLAN in one deal" in state(outcome, "r1").detail
    assert (stamp(outcome, "a1")["count"], stamp(outcome, "a1")["scope"]) == (2, "PLAN")


def test_a_claim_whose_deal_has_no_name_yet_may_be_for_any_deal() -> None:
    claims = group(registration("r1"), of_pell(), own("o2", "r2"))
    outcome = run(claims, T0 + days(3), ONE_DEAL)[1]
    assert (standing(outcome, "r1", "r2"), codes(outcome)) == ([APPROVED, WAITING], ["C03"])


def test_a_waiting_claim_is_approved_from_when_the_deals_were_told_apart() -> None:
    """The first protection was granted for any deal; from the naming of its own deal on it covers that one."""
    claims, outcome = run(group(registration("r1"), of_pell(), own("o2", "r2")), T0 + days(3), ONE_DEAL)
    unnamed = opportunity("o1", T0 + days(2))
    named = replace(unnamed, registration_key="r1")
    versions = (Version(T0 + days(2), unnamed), Version(T0 + days(20), named))
    claims = replace(claims, opportunities=(*claims.opportunities, named), past={named.ref: versions})
    outcome = run(claims, T0 + days(30), ONE_DEAL)[1]
    assert standing(outcome, "r1", "r2") == [APPROVED, APPROVED]
    assert state(outcome, "r2").since == T0 + days(20)
    assert state(outcome, "r1").until == SETTLED + days(90), "what was promised stays"


def test_a_direct_deal_beside_the_named_one_stands_in_nobodys_way() -> None:
    claims = group(registration("r1"), opportunity("x"), own("o1", "r1", -days(1)))
    assert state(run(claims)[1]).reason == "direct_engaged"
    outcome = run(claims, policy=ONE_DEAL)[1]
    assert (state(outcome).application, codes(outcome)) == (APPROVED, [])
    assert (stamp(outcome, "o1")["status"], stamp(outcome, "x")["status"]) == ("protected", None)


def test_a_direct_deal_is_engaged_as_long_as_the_claim_names_no_deal() -> None:
    assert state(run(group(registration("r1"), opportunity("x")), policy=ONE_DEAL)[1]).reason == "direct_engaged"


def test_a_second_filing_of_the_same_partner_is_looked_at_until_the_deals_are_told_apart() -> None:
    filings = (registration("r1"), registration("r2", T0 + days(1)))
    outcome = run(group(*filings), T0 + days(3), ONE_DEAL)[1]
    assert (state(outcome, "r2").application, state(outcome, "r2").reason) == (REVIEW, "deal_unnamed")
    assert collision(outcome, "C01").winner is None
    outcome = run(group(*filings, own("o1", "r1"), own("o2", "r2")), T0 + days(3), ONE_DEAL)[1]
    assert standing(outcome, "r1", "r2") == [APPROVED, APPROVED]
    outcome = run(group(*filings, own("o1", "r1"), own("o2", "r1")), T0 + days(3), ONE_DEAL)[1]
    assert state(outcome, "r2").reason == "deal_unnamed"


def test_an_id_names_a_deal_before_a_number_does() -> None:
    one, two = registration("r1", number="r2"), of_pell("r2")
    outcome = run(group(one, two, own("o2", "r2")), T0 + days(3), ONE_DEAL)[1]
    assert standing(outcome, "r1", "r2") == [APPROVED, WAITING], "the first claim is for any deal still"


def test_a_renewal_is_known_by_what_was_sold_in_any_deal() -> None:
    """The incumbent's earlier deal is another opportunity, and the contract covers the products all the same."""
    claims = group(registration("r1"), sold_by("Wychwood Integrators"), own("o1", "r1"))
    assert state(run(claims, T0 + days(3), ONE_DEAL)[1]).reason == "existing_customer"
    claims = replace(claims, contracts=(contract(),))
    assert state(run(claims, T0 + days(3), ONE_DEAL)[1]).reason == "renewal"


# --- roles


def test_C34_what_a_distributor_files_for_a_reseller_is_the_resellers_claim() -> None:
    first = registration("r1", partner_id="P03", role=" Distributor", with_partner_id="P01")
    outcome = run(group(first, registration("r2", T0 + days(1))), T0 + days(2), ROLES)[1]
    assert (standing(outcome, "r1", "r2"), codes(outcome)) == ([APPROVED, REJECTED], ["C01"])
    assert (stamp(outcome, "a1")["partner"], state(outcome, "r2").reason) == (WYCH.name, "duplicate")


def test_C34_two_distributors_of_one_reseller_are_one_claim() -> None:
    one = registration("r1", partner_id="P03", role="distributor", with_partner_id="P01")
    two = registration("r2", T0 + days(1), partner_id="P02", role="distributor", with_partner_id="P01")
    assert codes(run(group(one, two), T0 + days(2), ROLES)[1]) == ["C01"]


@pytest.mark.parametrize(
    ("role", "named", "policy"),
    [
        ("distributor", "P01", Policy()),
        ("reseller", "P01", ROLES),
        ("distributor", None, ROLES),
        ("distributor", "P99", ROLES),
        (None, "P01", ROLES),
    ],
)
def test_C34_otherwise_distributor_and_reseller_are_two_partners(
    role: str | None, named: str | None, policy: Policy
) -> None:
    """Off as shipped; a distributor-owned deal has another role, and somebody unknown holds no claim."""
    first = registration("r1", partner_id="P03", role=role, with_partner_id=named)
    outcome = run(group(first, registration("r2", T0 + days(1))), T0 + days(2), policy)[1]
    assert (standing(outcome, "r1", "r2"), codes(outcome)) == ([APPROVED, WAITING], ["C03"])
    assert stamp(outcome, "a1")["partner"] == LARK.name


def test_C35_a_referral_and_a_resellers_claim_both_stand() -> None:
    claims = group(registration("r1", role="referral"), of_pell(), opportunity("o9", T0 + days(2)))
    outcome = run(claims, T0 + days(3), ROLES)[1]
    assert standing(outcome, "r1", "r2") == [APPROVED, APPROVED]
    assert [(c.code.value, c.registration.id) for c in outcome.collisions] == [("C09", "r2")]
    assert (stamp(outcome, "a1")["partner"], stamp(outcome, "a1")["count"]) == (PELL.name, 1)
    assert stamp(outcome, "o9")["partner"] == PELL.name
    assert "as a referral" in state(outcome, "r1").detail


def test_C35_a_referral_alone_protects_nothing_and_its_partner_is_told_it_is_approved() -> None:
    outcome = run(group(registration("r1", role="referral")), policy=ROLES)[1]
    assert (stamp(outcome, "a1")["status"], stamp(outcome, "r1")["status"]) == (None, "approved")


def test_C35_of_two_referrals_the_first_stands() -> None:
    outcome = run(group(registration("r1", role="referral"), of_pell(role="Referral")), T0 + days(2), ROLES)[1]
    assert standing(outcome, "r1", "r2") == [APPROVED, WAITING]


def test_C35_a_direct_deal_that_was_there_first_stands_against_a_referral_too() -> None:
    assert state(run(group(registration(role="referral"), opportunity()), policy=ROLES)[1]).reason == "direct_engaged"


# --- branches


def branch(partner: Partner, parent: str) -> Partner:
    return replace(partner, parent_id=parent)


@pytest.mark.parametrize(
    "partners",
    [
        (branch(WYCH, "P03"), branch(PELL, "P03"), LARK),
        (WYCH, branch(PELL, "P01"), LARK),
        (branch(WYCH, "P02"), branch(PELL, "P01"), LARK),
        (branch(WYCH, "P03"), branch(PELL, "P01"), LARK),
    ],
)
def test_C02_branches_of_one_partner_have_one_claim_where_the_policy_says_so(partners: tuple[Partner, ...]) -> None:
    claims = group(registration("r1"), of_pell(), partners={p.partner_id: p for p in partners})
    assert codes(run(claims, T0 + days(2))[1]) == ["C03"], "apart as shipped"
    outcome = run(claims, T0 + days(2), BRANCHES)[1]
    assert (standing(outcome, "r1", "r2"), codes(outcome)) == ([APPROVED, REJECTED], ["C01"])


def test_C02_a_parent_that_nobody_knows_makes_no_branches() -> None:
    partners = {p.partner_id: p for p in (branch(WYCH, "P99"), branch(PELL, "P99"))}
    assert codes(run(group(registration("r1"), of_pell(), partners=partners), T0 + days(2), BRANCHES)[1]) == ["C03"]


def test_C02_branches_that_filed_at_one_moment_are_no_tie() -> None:
    partners = {p.partner_id: p for p in (WYCH, branch(PELL, "P01"))}
    claims = group(registration("r1"), of_pell(received=seconds(1)), partners=partners)
    assert codes(run(claims, T0 + days(2), BRANCHES)[1]) == ["C01"]


# --- several at once


def test_C39_in_the_public_sector_several_partners_are_protected_where_the_policy_says_so() -> None:
    claims = group(registration("r1"), of_pell(), account("a1", industry=" government"))
    assert standing(run(claims, T0 + days(2))[1], "r1", "r2") == [APPROVED, WAITING], "off as shipped"
    outcome = run(claims, T0 + days(2), SEVERAL)[1]
    assert (standing(outcome, "r1", "r2"), codes(outcome)) == ([APPROVED, APPROVED], [])
    assert stamp(outcome, "a1")["count"] == 2
    elsewhere = group(registration("r1"), of_pell(), account("a1", industry="Retail"))
    assert standing(run(elsewhere, T0 + days(2), SEVERAL)[1], "r1", "r2") == [APPROVED, WAITING]


def test_C39_the_industry_counts_as_it_stood_at_the_filing() -> None:
    now = account("a1", industry="Government")
    versions = (Version(T0 - days(9), account("a1", industry="Retail")), Version(T0 + days(2), now))
    claims = group(registration("r1"), of_pell(), now, past={now.ref: versions})
    assert standing(run(claims, T0 + days(3), SEVERAL)[1], "r1", "r2") == [APPROVED, WAITING]


def test_C39_one_partner_still_has_one_claim_and_a_persons_approval_takes_effect_at_once() -> None:
    claims = group(registration("r1"), registration("r2", T0 + days(1)), account("a1", industry="Government"))
    assert codes(run(claims, T0 + days(2), SEVERAL)[1]) == ["C01"]
    manual = Policy.model_validate({"several_in": ["Government"], "approval": "manual"})
    two = group(registration("r1"), of_pell(), account("a1", industry="Government"))
    two = replace(two, decisions=(approved("r1", T0 + days(2)), approved("r2", T0 + days(3))))
    outcome = run(two, T0 + days(4), manual)[1]
    assert [state(outcome, r).since for r in ("r1", "r2")] == [T0 + days(2), T0 + days(3)]


# --- the stamps a rep would call right


def test_the_stamps_of_an_account_with_several_protections_are_the_ones_a_rep_would_call_right() -> None:
    """A on PLAN, B on BOARD; a deal of each product, one without products, one of a third; a deal that was lost."""
    later = T0 + days(3)
    deals = (
        opportunity("plan", later),
        opportunity("board", later, products=BOARD),
        opportunity("none", later, products=frozenset()),
        opportunity("other", later, products=frozenset({"CHAT"})),
        closed(opportunity("lost", later), later + seconds(9)),
        opportunity("mine", later, registration_key="r2", products=frozenset()),
    )
    outcome = run(group(registration("r1"), of_pell(products=BOARD), *deals), T0 + days(4))[1]
    seen = {d.ref.id: (stamp(outcome, d.ref.id)["status"], stamp(outcome, d.ref.id)["partner"]) for d in deals}
    assert seen == {
        "plan": ("protected", WYCH.name),
        "board": ("protected", PELL.name),
        "none": ("protected", WYCH.name),
        "other": (None, None),
        "lost": (None, None),
        "mine": ("protected", PELL.name),
    }
    assert stamp(outcome, "none")["reason"] == "check_products"
    assert {stamp(outcome, d)["reason"] for d in ("plan", "board", "mine")} == {"first_registered"}
    assert (stamp(outcome, "a1")["partner"], stamp(outcome, "a1")["count"]) == (WYCH.name, 2)
    assert wanted(outcome, "a1").because["summary"] == (
        "2 protections: Wychwood Integrators, PLAN, until 30 August 2026 (UTC); "
        "Pellmore IT Services, BOARD, until 31 August 2026 (UTC)"
    )


def test_a_global_parent_with_60_subsidiaries_in_one_group_shows_one_protection_everywhere() -> None:
    """With `family: together` the companies come as one group; each of them shows the one claim, and no more."""
    companies = [account(f"s{i:02}", name=f"Fenwick {i}") for i in range(60)]
    deals = [opportunity(f"o{i:02}", T0 + days(1), account_id=f"s{i:02}") for i in range(0, 60, 10)]
    policy = Policy.model_validate({"family": "together", "max_records_per_registration": 100})
    outcome = run(group(registration(), *companies, *deals), T0 + days(2), policy)[1]
    assert {(stamp(outcome, c.ref.id)["status"], stamp(outcome, c.ref.id)["count"]) for c in companies} == {
        ("protected", 1)
    }
    assert {stamp(outcome, d.ref.id)["partner"] for d in deals} == {WYCH.name}


def test_a_family_that_is_too_large_to_be_looked_at_as_one_is_for_a_person() -> None:
    claims = group(registration(), complete=False)
    outcome = run(claims, policy=Policy.model_validate({"family": "together"}))[1]
    assert (state(outcome).application, state(outcome).reason) == (REVIEW, "family_too_large")


def test_a_grant_keeps_the_deal_it_was_granted_for() -> None:
    claims, outcome = run(group(registration("r1"), own("o1", "r1", -days(1))), policy=ONE_DEAL)
    assert decision(outcome, DecisionKind.GRANTED).evidence["products"] == ["#o1", "PLAN"]
    without = replace(claims, opportunities=(opportunity("o1", T0 - days(1)),))
    assert state(run(without, T0 + days(2), ONE_DEAL)[1]).products == {"#o1", "PLAN"}


def test_a_scope_in_code_names_products_and_places_only() -> None:
    policy = Policy.model_validate({"scope": "opportunity", "territory": "country", "roles": {"referral": ["x"]}})
    outcome = run(group(registration("r1"), own("o1", "r1", -days(1))), policy=policy)[1]
    assert stamp(outcome, "a1")["scope"] == "PLAN;@GB"
