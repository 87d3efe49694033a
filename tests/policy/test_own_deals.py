"""C00: a partner's own deal is found by its key or by its marks, and never collides (docs/rulings.md 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from syncd.model import FiledStatus, Lead, Likely, Opportunity, Ref, Registration, Version
from syncd.policy import Policy, decide

from .factories import (
    APPROVED,
    GO_LIVE,
    POLICY,
    PRM,
    SETTLED,
    T0,
    Account,
    account,
    closed,
    codes,
    days,
    group,
    opportunity,
    registration,
    run,
    seconds,
    stamp,
    state,
    wanted,
)


def deal_of(opp: Opportunity, *filings: Registration, policy: Policy = POLICY) -> tuple[str, str | None]:
    """What the engine takes an opportunity for, and whose it is."""
    _, outcome = run(group(opp, *filings), policy=policy)
    because = wanted(outcome, opp.ref.id).because
    owner = because.get("own_deal_of")
    return because["deal"], Ref.parse(owner).id if owner else None


@pytest.mark.parametrize("key", ["r1", "N-77", " N-77 "])
def test_C00_a_key_makes_an_own_deal(key: str) -> None:
    filing = registration(number="N-77")
    early = opportunity(created=T0 - days(400), registration_key=key)
    assert deal_of(early, filing) == ("own", "r1")
    _, outcome = run(group(early, filing))
    assert state(outcome).application == APPROVED
    assert codes(outcome) == []
    assert stamp(outcome, "o1")["status"] == "protected"


def test_C00_the_number_that_syncd_gave_is_a_key_too() -> None:
    _, outcome = run(group(registration()))
    number = state(outcome).number
    assert number.startswith("DR-")
    assert deal_of(opportunity(registration_key=number), registration()) == ("own", "r1")


def test_an_id_goes_before_a_number() -> None:
    by_number, by_id = registration("r1", number="r2"), registration("r2", T0 + days(1))
    assert deal_of(opportunity(registration_key="r2"), by_number, by_id) == ("own", "r2")


def test_a_key_of_nobody_is_partner_sourced_and_no_engagement() -> None:
    stray = opportunity(registration_key="elsewhere")
    assert deal_of(stray, registration()) == ("partner_sourced", None)
    _, outcome = run(group(stray, registration()))
    assert state(outcome).application == APPROVED
    assert stamp(outcome, "o1")["status"] is None


@pytest.mark.parametrize(
    ("marks", "mine"),
    [
        ({"partner_name": "Wychwood Integrators"}, True),
        ({"partner_name": " wychwood INTEGRATORS "}, True),
        ({"partner_name": "Pellmore IT Services"}, False),
        ({"lead_source": "Partner"}, True),
        ({"lead_source": "partner referral"}, True),
        ({"lead_source": "Partner", "partner_name": "Pellmore IT Services"}, False),
        ({"lead_source": "Partner", "products": frozenset({"BOARD"})}, False),
        ({"lead_source": "Partner", "products": frozenset()}, True),
    ],
)
def test_C00_marks_make_an_own_deal_where_everything_fits(marks: dict[str, object], mine: bool) -> None:
    opp = opportunity(created=T0 + days(1), **marks)
    assert deal_of(opp, registration()) == (("own", "r1") if mine else ("partner_sourced", None))


@pytest.mark.parametrize("marks", [{}, {"lead_source": "Web"}, {"partner_name": "  "}, {"registration_key": " "}])
def test_without_a_mark_an_opportunity_is_direct(marks: dict[str, object]) -> None:
    assert deal_of(opportunity(created=T0 + days(1), **marks), registration()) == ("direct", None)


@pytest.mark.parametrize(
    ("created", "mine"),
    [
        (T0 - seconds(1), False),
        (T0, True),
        (T0 + days(90) - seconds(1), True),
        (T0 + days(90), False),
    ],
)
def test_C00_marks_count_from_the_filing_for_within_days(created: object, mine: bool) -> None:
    opp = opportunity(created=created, lead_source="Partner")  # type: ignore[arg-type]
    assert deal_of(opp, registration())[0] == ("own" if mine else "partner_sourced")


def test_the_latest_fitting_filing_gets_the_deal_then_the_lowest_id() -> None:
    opp = opportunity(created=T0 + days(3), lead_source="Partner")
    first, second = registration("r1"), registration("r2", T0 + days(1))
    same, later = registration("r0", T0 + days(1)), registration("r9", T0 + days(4))
    assert deal_of(opp, first, second) == ("own", "r2")
    assert deal_of(opp, first, second, same, later) == ("own", "r0")


@pytest.mark.parametrize("status", [FiledStatus.DRAFT, FiledStatus.WITHDRAWN])
def test_drafts_and_withdrawn_filings_own_nothing_by_marks(status: FiledStatus) -> None:
    opp = opportunity(created=T0 + days(1), lead_source="Partner")
    assert deal_of(opp, registration(status=status)) == ("partner_sourced", None)


def test_C00_the_own_deal_of_a_rejected_registration_is_still_no_engagement_for_others() -> None:
    refused = registration("r1", first_contact_on=(T0 - days(200)).date())
    own = opportunity(created=T0 + days(1), registration_key="r1")
    other = registration("r2", T0 + days(5), partner_id="P02")
    _, outcome = run(group(refused, own, other), T0 + days(6))
    assert state(outcome, "r1").application == "rejected"
    assert state(outcome, "r2").application == APPROVED
    assert codes(outcome) == []
    assert stamp(outcome, "o1")["status"] is None


def test_an_own_deal_won_makes_no_customer_of_its_own_registration_but_of_others() -> None:
    own = closed(opportunity(created=T0 - days(30), registration_key="r1"), T0 - days(10), won=True)
    filed = registration("r1", T0 - days(5))
    _, outcome = run(group(own, filed, registration("r2", T0, partner_id="P02")), T0 + days(1))
    assert state(outcome, "r1").application == APPROVED
    assert state(outcome, "r2").reason == "existing_customer"


def test_an_own_deal_on_another_groups_account_is_stamped_with_its_registration() -> None:
    pushed = opportunity("o9", created=T0 - days(1), registration_key="r1", account_id="far")
    outcome = decide(replace(group(registration()), pushed=(pushed,)), POLICY, SETTLED)
    assert stamp(outcome, "o9")["status"] == "protected"
    assert wanted(outcome, "o9").because["own_deal_of"] == f"{PRM}/deal/r1"


def test_a_pushed_opportunity_of_nobody_here_is_left_alone() -> None:
    stray = opportunity("o9", registration_key="unknown")
    outcome = decide(replace(group(registration()), pushed=(stray,)), POLICY, SETTLED)
    assert [w.ref.id for w in outcome.wanted if w.ref.id == "o9"] == []
    assert state(outcome).application == APPROVED


def test_an_opportunity_stamped_elsewhere_is_neither_stamped_nor_engaged_here() -> None:
    opp = opportunity(created=T0 - days(5))
    outcome = decide(replace(group(opp, registration()), elsewhere=frozenset({opp.ref})), POLICY, SETTLED)
    assert state(outcome).application == APPROVED
    assert [w.ref.id for w in outcome.wanted if w.ref.id == "o1"] == []


def test_an_opportunity_stamped_elsewhere_is_nobodys_own_deal_here_even_if_its_marks_fit() -> None:
    opp = opportunity(created=T0 + days(1), lead_source="Partner", registration_key="far")
    outcome = decide(replace(group(opp, registration()), elsewhere=frozenset({opp.ref})), POLICY, T0 + days(2))
    assert [w.ref.id for w in outcome.wanted if w.ref.id == "o1"] == []


def test_an_own_deal_of_a_claim_before_go_live_follows_it() -> None:
    adopted = registration("r1", GO_LIVE - days(10), status=FiledStatus.APPROVED, approved_at=GO_LIVE - days(9))
    own = opportunity(created=GO_LIVE - days(9), registration_key="r1")
    _, outcome = run(group(adopted, own), GO_LIVE + days(1))
    assert stamp(outcome, "o1")["status"] == "protected"
    assert stamp(outcome, "o1")["reason"] == "adopted"


def test_two_accounts_of_one_organization_share_the_claim() -> None:
    accounts: tuple[Account, ...] = (account("a1"), account("a2"))
    own = opportunity(created=T0 + days(1), registration_key="r1", account_id="a2")
    _, outcome = run(group(*accounts, own, registration()), T0 + days(2))
    assert [stamp(outcome, a)["status"] for a in ("a1", "a2", "o1")] == ["protected"] * 3


# kinds, creators, converted leads, and what is unsure


def policy_of(**given: object) -> Policy:
    return Policy.model_validate(given)


@pytest.mark.parametrize(
    ("own_deals", "marks"),
    [
        ({"kinds": ["Partner Deal"]}, {"kind": " partner deal"}),
        ({"created_by": ["U-Portal"]}, {"created_by_id": "u-portal"}),
        ({"created_by": ["MIA.manager@vendor.example "]}, {"created_by_id": "u-mia"}),
    ],
)
def test_C00_a_record_type_or_the_user_who_created_it_marks_a_partners_deal(
    own_deals: dict[str, object], marks: dict[str, object]
) -> None:
    opp = opportunity(created=T0 + days(1), **marks)
    assert deal_of(opp, registration()) == ("direct", None), "unless the policy says so"
    assert deal_of(opp, registration(), policy=policy_of(own_deals=own_deals)) == ("own", "r1")
    early = opportunity(created=T0 - days(1), **marks)
    assert deal_of(early, registration(), policy=policy_of(own_deals=own_deals)) == ("partner_sourced", None)


def lead(**changes: object) -> Lead:
    """A lead that was converted to the opportunity."""
    filled = {"ref": Ref("crm", "Lead", "l1"), "account_id": "a1", "opportunity_id": "o1", "is_converted": True}
    return Lead(**{**filled, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "created", "expected"),
    [
        ({"registration_key": "r1"}, T0 - days(5), ("own", "r1")),
        ({"partner_name": "Wychwood Integrators"}, T0 + days(1), ("own", "r1")),
        ({"lead_source": "Partner"}, T0 + days(1), ("own", "r1")),
        ({"registration_key": "nobody"}, T0 - days(5), ("partner_sourced", None)),
        ({"lead_source": "Web"}, T0 - days(5), ("direct", None)),
        ({"registration_key": "r1", "opportunity_id": "o2"}, T0 - days(5), ("direct", None)),
        ({"registration_key": "r1", "opportunity_id": None}, T0 - days(5), ("direct", None)),
    ],
)
def test_C00_C23_what_a_converted_lead_said_of_a_partner_holds_for_its_opportunity(
    said: dict[str, object], created: datetime, expected: tuple[str, str | None]
) -> None:
    _, outcome = run(group(registration(), opportunity(created=created), leads=(lead(**said),)), T0 + days(2))
    because = wanted(outcome, "o1").because
    owner = because.get("own_deal_of")
    assert (because["deal"], Ref.parse(owner).id if owner else None) == expected


def test_C23_what_the_opportunity_says_goes_before_its_lead_and_the_first_lead_before_others() -> None:
    leads = (lead(registration_key="r2"), lead(ref=Ref("crm", "Lead", "l0"), registration_key="r1"))
    filings = (registration("r1"), registration("r2", products=frozenset({"BOARD"})))
    _, outcome = run(group(*filings, opportunity(), leads=leads))
    assert wanted(outcome, "o1").because["own_deal_of"] == "prm/deal/r1"
    _, outcome = run(group(*filings, opportunity(registration_key="r2"), leads=leads))
    assert wanted(outcome, "o1").because["own_deal_of"] == "prm/deal/r2"


def test_C23_C53_a_deal_that_came_from_a_partners_lead_was_no_direct_one_before_either() -> None:
    now = opportunity(modified_at=T0 + days(1))
    versions = (Version(T0 - days(5), now), Version(T0 + days(1), replace(now, stage="late")))
    claims = group(registration(), now, leads=(lead(partner_name="Somebody"),), past={now.ref: versions})
    assert state(run(claims)[1]).application == APPROVED


def test_one_org_in_both_roles_has_its_direct_deals_in_some_pipelines_only() -> None:
    """What lies in another pipeline is nobody's claim, whatever it says; a number still makes it an own deal."""
    policy = policy_of(direct_means={"kinds": ["New Business"]})
    direct, other = opportunity(kind="new business"), opportunity(kind="Registrations")
    assert state(run(group(registration(), direct), policy=policy)[1]).reason == "direct_engaged"
    _, outcome = run(group(registration(), other), policy=policy)
    assert (state(outcome).application, wanted(outcome, "o1").because["deal"]) == (APPROVED, "outside")
    assert (stamp(outcome, "o1")["status"], codes(outcome)) == (None, [])
    assert deal_of(replace(other, registration_key="r1"), registration(), policy=policy) == ("own", "r1")


UNSURE = policy_of(direct_means={"unsure": "review"})


def likely(id_: str = "o1", filing: str = "r1") -> dict[Ref, Likely]:
    """An opportunity that says nothing of a partner and fits a registration."""
    return {Ref("crm", "Opportunity", id_): Likely(Ref(PRM, "deal", filing), 0.82, "The amounts agree")}


def test_C00_a_deal_that_may_be_the_partners_own_refuses_nobody_before_a_person_has_looked() -> None:
    claims = group(registration(), opportunity(), likely=likely())
    assert state(run(claims)[1]).reason == "direct_engaged", "direct as shipped"
    _, outcome = run(claims, policy=UNSURE)
    assert (state(outcome).application, state(outcome).reason) == ("review", "own_deal_unsure")
    (found,) = outcome.collisions
    assert (found.code.value, found.winner, found.evidence["may_be_own"]) == ("C08", None, "The amounts agree")
    assert stamp(outcome, "r1")["reason"] == "in_review"
    keyed = replace(claims, opportunities=(opportunity(registration_key="r1"),))
    assert state(run(keyed, policy=UNSURE)[1]).application == APPROVED, "with the number on it nobody is asked"


def test_C00_a_deal_that_is_surely_direct_still_refuses_beside_an_unsure_one() -> None:
    claims = group(registration(), opportunity("o1"), opportunity("o2"), likely=likely("o2"))
    _, outcome = run(claims, policy=UNSURE)
    assert (state(outcome).reason, [c.other.id for c in outcome.collisions]) == ("direct_engaged", ["o1"])


def test_C00_what_may_be_one_registrations_deal_is_direct_for_all_others() -> None:
    claims = group(registration(), opportunity(), likely=likely(filing="r9"))
    assert state(run(claims, policy=UNSURE)[1]).reason == "direct_engaged"


def test_C00_a_later_deal_that_may_be_the_partners_own_is_asked_about() -> None:
    claims = group(registration(), opportunity(created=T0 + days(1)), likely=likely())
    _, outcome = run(claims, T0 + days(2), UNSURE)
    (found,) = outcome.collisions
    assert (found.code.value, found.state, found.rule) == ("C09", "open", "own_deal_unsure")
    assert found.sentence.endswith("write the registration's number on it, or decide.")
