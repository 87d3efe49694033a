"""What a claim covers, and which of two stands: scope, ties, renewals, queues, several protections on one account."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from syncd.model import ClaimGroup, Contract, DecisionKind, FiledStatus, Outcome, Ref
from syncd.policy import Policy

from .factories import (
    APPROVED,
    DIRECT,
    POLICY,
    PRM,
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
    rejected,
    run,
    seconds,
    stamp,
    state,
)

COMPANY = Policy.model_validate({"scope": "company"})
SHORT = Policy.model_validate({"protection": {"days": 10}})
PLAN, BOARD = frozenset({"PLAN"}), frozenset({"BOARD"})


def of_pell(id_: str = "r2", received: timedelta = days(1), **changes: Any) -> Any:
    """A filing of another partner, so long after the first."""
    return registration(id_, T0 + received, partner_id="P02", **changes)


def outcome_of(claims: ClaimGroup, now: Any = SETTLED, policy: Policy = POLICY) -> Outcome:
    """What is decided at once."""
    return run(claims, now, policy)[1]


# --- scope


def test_C04_disjoint_products_both_stand_and_the_account_says_how_many() -> None:
    outcome = outcome_of(group(registration("r1"), of_pell(products=BOARD)), T0 + days(2))
    assert (state(outcome, "r1").application, state(outcome, "r2").application, codes(outcome)) == (
        APPROVED,
        APPROVED,
        [],
    )
    shown = stamp(outcome, "a1")
    assert (shown["count"], shown["partner"], shown["scope"]) == (2, WYCH.name, "PLAN"), "the one that ends first"


def test_C04_a_policy_of_whole_companies_lets_only_one_stand() -> None:
    outcome = outcome_of(group(registration("r1"), of_pell(products=BOARD)), T0 + days(2), COMPANY)
    assert (state(outcome, "r2").application, codes(outcome)) == (WAITING, ["C03"])
    assert (stamp(outcome, "a1")["scope"], state(outcome, "r1").products) == (None, frozenset())


def test_a_whole_company_is_claimed_against_direct_deals_of_any_product() -> None:
    claims = group(registration(), opportunity(products=BOARD))
    assert state(outcome_of(claims)).application == APPROVED
    assert state(outcome_of(claims, policy=COMPANY)).reason == "direct_engaged"


def test_what_was_granted_keeps_its_scope_when_the_policy_changes() -> None:
    claims, _ = run(group(registration("r1")))
    more = group(*claims.registrations, of_pell(products=BOARD))
    outcome = outcome_of(replace(more, decisions=claims.decisions), T0 + days(2), COMPANY)
    assert state(outcome, "r1").products == PLAN
    assert state(outcome, "r2").application == WAITING, "the later claim is for the whole company, which meets it"


def test_an_opportunity_with_unknown_products_shows_the_protection_that_ends_first() -> None:
    """Nobody can tell that it is not what is protected; closing it or naming its products clears it."""
    unknown = opportunity("o9", T0 + days(3), products=frozenset())
    outcome = outcome_of(group(registration("r1"), of_pell(products=BOARD), unknown), T0 + days(4))
    assert (stamp(outcome, "o9")["status"], stamp(outcome, "o9")["number"]) == ("protected", state(outcome).number)
    assert [(c.code.value, c.registration.id) for c in outcome.collisions] == [("C09", "r1"), ("C09", "r2")]


def test_case_42_an_opportunity_with_two_products_of_which_one_is_protected_is_protected() -> None:
    both = opportunity("o9", T0 + days(3), products=PLAN | BOARD)
    outcome = outcome_of(group(registration("r1"), both), T0 + days(4))
    assert (stamp(outcome, "o9")["status"], stamp(outcome, "o9")["scope"]) == ("protected", "PLAN")


def test_case_47_a_deal_won_for_another_product_leaves_a_protection_as_it_is() -> None:
    won = closed(opportunity("o9", T0 + days(1), products=BOARD), T0 + days(2), won=True)
    claims, before = run(group(registration("r1")))
    outcome = outcome_of(replace(claims, opportunities=(won,)), T0 + days(3))
    assert replace(state(outcome), next_due=None) == replace(state(before), next_due=None)


@pytest.mark.parametrize(("most", "expected"), [(3, REVIEW), (4, APPROVED), (0, APPROVED)])
def test_a_registration_marks_no_more_records_than_the_policy_allows(most: int, expected: str) -> None:
    """Counted are the accounts, and the deals that meet and were open at the filing: four here."""
    dormant = [opportunity(f"o{i}", T0 - days(200)) for i in range(2)]
    other = [
        opportunity("x", T0 - days(200), products=BOARD),
        closed(opportunity("y", T0 - days(300)), T0 - days(200)),
        opportunity("z", T0 + seconds(1)),
    ]
    claims = group(registration(), account("a1"), account("a2"), *dormant, *other)
    outcome = outcome_of(claims, policy=Policy.model_validate({"max_records_per_registration": most}))
    assert state(outcome).application == expected


COUNTRY = Policy.model_validate({"territory": "country"})


def test_C05_claims_in_two_countries_both_stand_where_the_policy_says_so_C40() -> None:
    claims = group(registration("r1", country="GB"), of_pell(country="de"))
    assert state(outcome_of(claims, T0 + days(2)), "r2").application == WAITING, "it is off as shipped"
    outcome = outcome_of(claims, T0 + days(2), COUNTRY)
    assert ([state(outcome, r).application for r in ("r1", "r2")], codes(outcome)) == ([APPROVED, APPROVED], [])
    assert stamp(outcome, "a1")["scope"] == "PLAN;@GB"


@pytest.mark.parametrize(
    ("country", "products", "expected"),
    [
        ("GB", PLAN, WAITING),
        ("gb ", PLAN, WAITING),
        ("DE", PLAN, APPROVED),
        ("GB", BOARD, APPROVED),
        (None, PLAN, WAITING),
        ("GB", PLAN | BOARD, WAITING),
    ],
)
def test_C05_claims_meet_in_products_and_in_territory(
    country: str | None, products: frozenset[str], expected: str
) -> None:
    """A claim without a country is about the country of its company, here unknown, and so it meets everywhere."""
    second = of_pell(country=country, products=products)
    nowhere = company(country=None)
    policy = Policy.model_validate({"territory": "country", "required": ["company.name"]})
    claims = group(registration("r1"), second)
    claims = replace(claims, companies={ref: nowhere for ref in claims.companies})
    assert state(outcome_of(claims, T0 + days(2), policy), "r2").application == expected


def test_C05_a_direct_deal_in_another_country_stands_in_nobodys_way() -> None:
    abroad = opportunity(country="DE")
    assert state(outcome_of(group(registration(), abroad), policy=COUNTRY)).application == APPROVED
    here = group(registration(), opportunity(), account("a1", country="GB"))
    assert state(outcome_of(here, policy=COUNTRY)).reason == "direct_engaged", "the country is the account's"
    later = opportunity("o2", T0 + days(1), country="DE")
    outcome = outcome_of(group(registration(), later), T0 + days(2), COUNTRY)
    assert (codes(outcome), stamp(outcome, "o2")["status"]) == ([], None)


def test_C05_a_protection_keeps_the_territory_that_it_was_granted_for() -> None:
    claims, _ = run(group(registration("r1", country="GB")), policy=COUNTRY)
    moved = group(registration("r1", country="DE"), of_pell(country="GB"))
    outcome = outcome_of(replace(moved, decisions=claims.decisions), T0 + days(2), COUNTRY)
    assert state(outcome, "r2").application == WAITING
    assert "for PLAN in GB" in state(outcome, "r1").detail


def test_C20_two_countries_both_stand_after_a_merge() -> None:
    one, _ = run(group(registration("r1", country="GB")), policy=COUNTRY)
    two, _ = run(group(of_pell(country="DE")), T0 + days(2), COUNTRY)
    merged = group(*one.registrations, *two.registrations)
    outcome = outcome_of(replace(merged, decisions=(*one.decisions, *two.decisions)), T0 + days(3), COUNTRY)
    assert codes(outcome) == []


# --- ties


def tied(*rules: str, policy: dict[str, Any] | None = None) -> Policy:
    """A policy with these tie rules."""
    return Policy.model_validate({"tie_rules": rules, **(policy or {})})


def pair(**of_the_second: Any) -> tuple[Any, Any]:
    """Two partners' filings a second apart."""
    return registration("r1"), of_pell("r2", seconds(1), **of_the_second)


def test_C06_without_tie_rules_a_person_decides() -> None:
    outcome = outcome_of(group(*pair()), T0 + days(1))
    assert ({state(outcome, r).application for r in ("r1", "r2")}, collision(outcome, "C06").state) == (
        {REVIEW},
        "open",
    )


def test_C06_the_earlier_instant_stands_where_the_policy_says_so() -> None:
    outcome = outcome_of(group(*pair()), T0 + days(1), tied("earlier"))
    assert [state(outcome, r).application for r in ("r1", "r2")] == [APPROVED, WAITING]


def test_C06_the_more_complete_form_stands_though_it_came_second() -> None:
    first, second = registration("r1", close_on=None), of_pell("r2", seconds(1))
    outcome = outcome_of(group(first, second), T0 + days(1), tied("more_complete"))
    assert [state(outcome, r).application for r in ("r1", "r2")] == [WAITING, APPROVED]
    assert decision(outcome, DecisionKind.APPROVED, "r2").effective_at == T0 + seconds(3)


def test_C06_what_is_filled_in_later_does_not_make_a_form_more_complete() -> None:
    bare, other = registration("r1", close_on=None), of_pell("r2", seconds(1), close_on=None)
    policy = tied("more_complete", policy={"approval": "manual"})
    claims, outcome = run(group(bare, other), T0 + days(1), policy)
    assert collision(outcome, "C06").winner is None
    filled = replace(other, close_on=date(2026, 12, 1))
    outcome = outcome_of(replace(claims, registrations=(bare, filled)), T0 + days(2), policy)
    assert collision(outcome, "C06").winner is None


def test_C06_the_partner_who_sold_here_last_stands() -> None:
    sold = closed(opportunity("o0", T0 - days(2000), partner_name="pellmore it services "), T0 - days(1900), won=True)
    outcome = outcome_of(group(*pair(), sold), T0 + days(1), tied("incumbent", "earlier"))
    assert [state(outcome, r).application for r in ("r1", "r2")] == [WAITING, APPROVED]


def test_C06_the_first_decisive_rule_of_the_list_decides_and_is_named() -> None:
    first, second = registration("r1", close_on=None), of_pell("r2", seconds(1))
    manual = {"approval": "manual"}
    outcome = outcome_of(group(first, second), T0 + days(1), tied("incumbent", "more_complete", policy=manual))
    found = collision(outcome, "C06")
    assert (found.winner and found.winner.id, found.rule, found.state) == ("r2", "tie:more_complete", "ruled")
    outcome = outcome_of(group(first, second), T0 + days(1), tied("earlier", "more_complete", policy=manual))
    assert collision(outcome, "C06").rule == "tie:earlier"


def test_an_approval_says_what_it_was_measured_by_and_which_claims_lost_and_why() -> None:
    outcome = outcome_of(group(*pair()), T0 + days(1), tied("earlier"))
    made = decision(outcome, DecisionKind.APPROVED, "r1")
    assert made.evidence["alternatives"] == [{"claim": "prm/deal/r2", "lost_by": "tie:earlier"}]
    assert made.evidence["passed"][0] == "settled"
    assert {"not_named", "direct_first", "first_registered"} <= set(made.evidence["passed"])
    claims, _ = run(group(registration("r1"), of_pell()), T0 + days(2), SHORT)
    made = decision(outcome_of(claims, T0 + days(20), SHORT), DecisionKind.APPROVED, "r2")
    end = T0 + seconds(2) + days(10)
    assert made.evidence["alternatives"] == [{"claim": "prm/deal/r1", "lost_by": "ended", "at": end.isoformat()}]


def test_C06_three_at_once_stand_in_the_order_of_the_rule() -> None:
    third = registration("r3", T0 + seconds(1.5), partner_id="P03")
    claims = group(*pair(), third)
    outcome = outcome_of(claims, T0 + days(1), tied("earlier"))
    assert [state(outcome, r).application for r in ("r1", "r2", "r3")] == [APPROVED, WAITING, WAITING]
    assert {state(outcome, r).behind for r in ("r2", "r3")} == {Ref(PRM, "deal", "r1")}


# --- renewals


def contract(**changes: Any) -> Contract:
    """A contract for PLAN that ran until a month before the filing."""
    filled: dict[str, Any] = {"starts_on": date(2025, 5, 1), "ends_on": (T0 - days(30)).date(), "products": PLAN}
    return Contract(Ref(DIRECT, "Contract", "k1"), account_id="a1", **{**filled, **changes})


def sold_by(name: str | None) -> Any:
    """The deal that was won here a year ago, through a partner or direct."""
    return closed(opportunity("o0", T0 - days(400), partner_name=name), T0 - days(365), won=True)


def renewal(name: str | None, policy: Policy = POLICY, **of_contract: Any) -> Outcome:
    """Wychwood files for a company with a contract, sold by somebody."""
    claims = group(registration(), sold_by(name))
    return outcome_of(replace(claims, contracts=(contract(**of_contract),)), policy=policy)


def test_C15_the_renewal_of_the_partner_who_sold_it_is_looked_at_and_not_refused() -> None:
    outcome = renewal(WYCH.name.upper())
    assert (state(outcome).application, state(outcome).reason) == (REVIEW, "renewal")
    assert (codes(outcome), collision(outcome, "C15").state) == (["C15", "C14"], "open")


def test_C15_the_renewal_of_another_partner_is_not_approved() -> None:
    outcome = renewal("Pellmore IT Services")
    assert (state(outcome).application, state(outcome).reason) == (REJECTED, "existing_customer")
    assert (collision(outcome, "C15").winner, collision(outcome, "C15").evidence["contract"]) == (
        Ref(DIRECT, "Opportunity", "o0"),
        "crm/Contract/k1",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"ends_on": (T0 - days(90)).date()},
        {"starts_on": (T0 + days(1)).date()},
        {"products": BOARD},
    ],
    ids=str,
)
def test_C15_needs_a_contract_for_these_products_that_runs_or_has_just_ended(change: dict[str, Any]) -> None:
    assert codes(renewal("Pellmore IT Services", **change)) == ["C14"]


def test_C15_what_another_partner_brought_by_number_is_that_partners_renewal() -> None:
    theirs = of_pell("r0", -days(420), status=FiledStatus.APPROVED, protected_until=T0 - days(300))
    sold = closed(opportunity("o0", T0 - days(400), registration_key="r0"), T0 - days(365), won=True)
    claims = replace(group(registration(), theirs, sold), contracts=(contract(),))
    assert state(outcome_of(claims)).reason == "existing_customer"
    assert collision(outcome_of(claims), "C15").winner == sold.ref


def test_C15_what_was_sold_direct_has_no_incumbent() -> None:
    assert codes(renewal(None)) == ["C14"]


def test_C15_is_off_at_zero() -> None:
    off = Policy.model_validate({"customers": {"renewal_days": 0}})
    assert codes(renewal(WYCH.name, off)) == ["C14"]


# --- the queue


def test_C07_the_second_waits_and_is_promoted_when_the_first_is_refused_C31() -> None:
    manual = Policy.model_validate({"approval": "manual"})
    claims, outcome = run(group(registration("r1"), of_pell()), T0 + days(2), manual)
    assert [state(outcome, r).application for r in ("r1", "r2")] == [REVIEW, WAITING]
    claims = replace(claims, decisions=(*claims.decisions, rejected("r1", T0 + days(3))))
    outcome = outcome_of(claims, T0 + days(3), manual)
    assert state(outcome, "r2").reason == "needs_approval"


def test_C31_the_first_in_line_is_promoted_at_the_end_of_the_protection_and_the_rest_wait_on() -> None:
    third = registration("r3", T0 + days(2), partner_id="P03")
    claims, _ = run(group(registration("r1"), of_pell(), third), T0 + days(3), SHORT)
    claims, outcome = run(claims, T0 + days(30), SHORT)
    assert decision(outcome, DecisionKind.APPROVED, "r2").effective_at == T0 + seconds(2) + days(10)
    assert decision(outcome, DecisionKind.APPROVED, "r3").effective_at == T0 + seconds(2) + days(20)


def test_C43_C41_a_won_deal_of_another_partner_gives_that_partner_no_claim() -> None:
    claims, before = run(group(registration("r1")))
    won = closed(opportunity("o9", T0 + days(1), partner_name="Pellmore IT Services"), T0 + days(2), won=True)
    outcome = outcome_of(replace(claims, opportunities=(won,)), T0 + days(3))
    assert (outcome.states, codes(outcome), stamp(outcome, "o9")["status"]) == (before.states, [], None)


def test_C46_one_deal_that_two_portals_report_is_one_claim_of_its_partner() -> None:
    twin = registration("r1", T0 + seconds(1), connection="prm2")
    claims = group(registration("r1"), twin, authority={PRM: "syncd", "prm2": "syncd"})
    outcome = outcome_of(claims, T0 + days(1))
    by_portal = {s.ref.connection: s.application for s in outcome.states}
    assert by_portal == {PRM: APPROVED, "prm2": REJECTED}
    assert codes(outcome) == ["C01"]


def test_C46_of_different_partners_is_a_meeting_of_two_C03() -> None:
    twin = of_pell("r1", days(1), connection="prm2")
    outcome = outcome_of(group(registration("r1"), twin, authority={PRM: "syncd", "prm2": "syncd"}), T0 + days(2))
    assert codes(outcome) == ["C03"]


def test_case_90_the_same_number_in_two_portals_names_the_earlier_one() -> None:
    twin = registration("r9", T0 + days(1), connection="prm2", number="DR-1", products=BOARD)
    own = opportunity("o1", T0 + days(2), registration_key="DR-1")
    claims = group(registration("r1", number="DR-1"), twin, own, authority={PRM: "syncd", "prm2": "syncd"})
    outcome = outcome_of(claims, T0 + days(3))
    assert stamp(outcome, "o1")["scope"] == "PLAN"


def test_C02_two_people_of_one_partner_have_one_claim() -> None:
    outcome = outcome_of(
        group(registration("r1", submitter="Ann"), registration("r2", T0 + days(1), submitter="Ben")), T0 + days(2)
    )
    assert codes(outcome) == ["C01"]


def test_C34_distributor_and_reseller_are_two_partners_where_both_file() -> None:
    outcome = outcome_of(group(registration("r1"), of_pell()), T0 + days(2))
    assert (codes(outcome), state(outcome, "r2").application) == (["C03"], WAITING)


def test_C25_a_clone_of_an_own_deal_carries_the_number_and_is_own_too() -> None:
    own = opportunity("o1", T0 + days(1), registration_key="r1")
    clone = opportunity("o2", T0 + days(2), registration_key="r1", products=PLAN | BOARD)
    outcome = outcome_of(group(registration("r1"), own, clone), T0 + days(3))
    assert ({stamp(outcome, o)["status"] for o in ("o1", "o2")}, codes(outcome)) == ({"protected"}, [])


def test_case_59_several_accounts_of_one_firm_show_the_same() -> None:
    outcome = outcome_of(group(registration(), account("a1"), account("a2"), account("a3")))
    assert len({tuple(sorted(stamp(outcome, a).items(), key=str)) for a in ("a1", "a2", "a3")}) == 1


def test_case_129_a_hot_account_with_fifty_claims_serves_them_in_order() -> None:
    filings = [registration(f"r{i:02}", T0 + timedelta(minutes=i), partner_id=f"Q{i:02}") for i in range(50)]
    partners = {f"Q{i:02}": replace(WYCH, partner_id=f"Q{i:02}") for i in range(50)}
    claims, outcome = run(group(*filings, partners=partners), T0 + days(1), SHORT)
    assert [s.application for s in outcome.states] == [APPROVED, *[WAITING] * 49]
    _, outcome = run(claims, T0 + days(500), SHORT)
    made = [decision(outcome, DecisionKind.APPROVED, f"r{i:02}").effective_at for i in range(1, 50)]
    assert made == [T0 + seconds(2) + days(10 * i) for i in range(1, 50)]


def test_no_false_tie_among_a_thousand_pairs_that_are_pulled_at_once() -> None:
    """They were filed apart; that they were read in one page says nothing (1,000 accounts, two partners each)."""
    for i in range(1000):
        first = registration(f"r{i}", T0 + timedelta(minutes=i))
        second = of_pell(f"s{i}", timedelta(minutes=i) + seconds(2 + i % 7))
        claims = group(first, second, companies={r.ref: company() for r in (first, second)})
        outcome = outcome_of(claims, T0 + days(3))
        assert [s.application for s in sorted(outcome.states, key=lambda s: s.ref)] == [APPROVED, WAITING]
        assert codes(outcome) == ["C03"]
