"""A registration's own deal is told from direct ones by claims with points; leads and contacts match as companies."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.matching import link_all, parse
from syncd.matching.companies import company_of
from syncd.matching.deals import POINTS, Customs, Filing, fit, own_deals
from syncd.matching.points import Weights
from syncd.model import Account, Band, Contact, Lead, Money, Opportunity, Ref, Registration

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CUSTOMS = Customs(frozenset({"Partner", "Channel"}), timedelta(days=90))

FILED = Registration(
    Ref("prm", "deals", "77"), number="DR-77", submitted_at=NOON, products=frozenset({"A", "B"}),
    value=Money(Decimal(50_000), "EUR"), close_on=date(2026, 6, 30), country="DE",
)  # fmt: skip
FILING = Filing(FILED, frozenset({"Northwind Partners", "Northwind"}))
SOLD = Opportunity(
    Ref("crm", "Opportunity", "006"), lead_source="partner", partner_name="NORTHWIND", products=frozenset({"A"}),
    value=Money(Decimal(52_000), "EUR"), created_at=NOON + timedelta(days=3), close_on=date(2026, 7, 10), country="DE",
)  # fmt: skip
BARE = Opportunity(Ref("crm", "Opportunity", "007"))


def claims(opportunity: Opportunity, organization: Band = Band.AUTO, filing: Filing = FILING) -> set[str]:
    return {e.claim for e in fit(filing, opportunity, organization, CUSTOMS).evidence}


def test_a_deal_that_agrees_in_everything_is_the_partners_own() -> None:
    deal = fit(FILING, SOLD, Band.AUTO, CUSTOMS)
    assert deal.band is Band.AUTO
    said = " / ".join(e.sentence for e in deal.evidence)
    for words in ("It names the partner: NORTHWIND", "The same products: A", "3 days after the filing",
                  "The amounts agree: 50,000.00 EUR and 52,000.00 EUR", "Its source is a partner"):  # fmt: skip
        assert words in said


CASES = {
    "the key alone is enough": (replace(BARE, registration_key=" dr-77 "), Band.AUTO, Band.AUTO),
    "the id is a key as well": (replace(BARE, registration_key="77"), Band.AUTO, Band.AUTO),
    "the key outweighs other products": (
        replace(SOLD, registration_key="77", products=frozenset({"C"})), Band.AUTO, Band.AUTO),
    "a key on another company's account waits": (replace(SOLD, registration_key="DR-77"), Band.NONE, Band.REVIEW),
    "another organization's deal is nobody's": (SOLD, Band.NONE, Band.NONE),
    "another registration's key says no": (replace(SOLD, registration_key="DR-12"), Band.AUTO, Band.NONE),
    "another partner's name says no": (replace(SOLD, partner_name="Contoso"), Band.AUTO, Band.NONE),
    "other products say no": (replace(SOLD, products=frozenset({"C"})), Band.AUTO, Band.NONE),
    "older than the filing": (replace(SOLD, created_at=NOON - timedelta(days=60)), Band.AUTO, Band.REVIEW),
    "near in time and amount, but direct": (replace(SOLD, partner_name=None, lead_source=None), Band.AUTO, Band.REVIEW),
    "a deal that says nothing": (BARE, Band.AUTO, Band.REVIEW),
    "an unsure company makes an unsure deal": (replace(SOLD, value=None, created_at=None), Band.REVIEW, Band.REVIEW),
    "closed before it was filed": (
        replace(SOLD, is_closed=True, close_on=date(2026, 2, 1), partner_name=None), Band.AUTO, Band.NONE),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_a_deal_says_about_itself(case: str) -> None:
    opportunity, organization, band = CASES[case]
    assert fit(FILING, opportunity, organization, CUSTOMS).band is band, fit(FILING, opportunity, organization, CUSTOMS)


def test_what_a_source_does_not_say_counts_nothing() -> None:
    assert claims(BARE) == {"to_begin_with", "same_organization"}
    assert claims(SOLD, filing=Filing(Registration(Ref("prm", "deals", "1")))) == {
        "to_begin_with", "same_organization", "came_from_a_partner",
    }  # fmt: skip


def test_amounts_in_two_currencies_are_not_compared() -> None:
    dollars = replace(SOLD, value=Money(Decimal(50_000), "USD"))
    assert not claims(dollars) & {"amounts_agree", "amounts_differ"}


def test_the_better_of_two_registrations_owns_the_deal_and_only_one() -> None:
    later = Filing(replace(FILED, ref=Ref("prm", "deals", "90"), number="DR-90", products=frozenset({"C"})),
                   FILING.partner_names)  # fmt: skip
    (deal,) = own_deals([later, FILING], [SOLD], lambda registration, opportunity: Band.AUTO, CUSTOMS)
    assert deal.registration == FILED.ref
    assert deal.band is Band.AUTO


def test_two_registrations_that_fit_alike_wait_for_a_person() -> None:
    twin = Filing(replace(FILED, ref=Ref("prm", "deals", "90"), number="DR-90"), FILING.partner_names)
    for order in ([twin, FILING], [FILING, twin]):
        (deal,) = own_deals(order, [SOLD], lambda registration, opportunity: Band.AUTO, CUSTOMS)
        assert deal.band is Band.REVIEW
        assert "Another registration fits as well: prm/deals/90" in deal.evidence[-1].sentence


DAYS = st.one_of(st.none(), st.integers(-400, 400).map(lambda d: NOON + timedelta(days=d)))
SUMS = st.one_of(
    st.none(), st.builds(Money, st.decimals(0, 1_000_000, places=2), st.sampled_from(["EUR", "USD", None]))
)
TEXTS = st.one_of(st.none(), st.sampled_from(["Northwind", "Contoso", "Partner", "Web", "DR-77", "DR-1", " "]))
OPPORTUNITIES = st.builds(
    Opportunity, ref=st.just(Ref("crm", "Opportunity", "1")), created_at=DAYS, value=SUMS, partner_name=TEXTS,
    lead_source=TEXTS, registration_key=TEXTS, is_closed=st.booleans(), closed_at=DAYS,
    products=st.frozensets(st.sampled_from("ABC")), country=st.sampled_from([None, "DE", "FR"]),
    close_on=st.one_of(st.none(), st.dates(date(2025, 1, 1), date(2027, 1, 1))),
)  # fmt: skip


@given(OPPORTUNITIES, st.sampled_from(list(Band)))
def test_points_add_up_and_each_claim_has_a_sentence(opportunity: Opportunity, organization: Band) -> None:
    deal = fit(FILING, opportunity, organization, CUSTOMS)
    assert deal.points == pytest.approx(sum(e.points for e in deal.evidence))
    assert deal.score == pytest.approx(Weights.probability(deal.points))
    assert all(e.sentence for e in deal.evidence)
    assert {e.claim for e in deal.evidence} - {"held_for_review"} <= {claim for claim, _ in POINTS}
    if organization is Band.NONE:
        assert deal.band is not Band.AUTO


LEAD = Lead(Ref("crm", "Lead", "00Q1"), company="Acme Widgets Ltd", email="jo@acme-widgets.co.uk", city="Leeds")
ACCOUNT = Account(Ref("prm", "companies", "1"), "ACME WIDGETS LIMITED", website="acme-widgets.co.uk")


def test_a_lead_is_matched_by_the_company_it_names() -> None:
    company = company_of(LEAD)
    assert company is not None
    (link,) = link_all([company], [ACCOUNT, Account(Ref("prm", "companies", "2"), "Brightwater Foods")])
    assert (link.left, link.right, link.band) == (LEAD.ref, ACCOUNT.ref, Band.AUTO)


@pytest.mark.parametrize(
    "record",
    [
        replace(LEAD, is_converted=True),
        replace(LEAD, account_id="001"),
        Lead(Ref("crm", "Lead", "2")),
        Contact(Ref("crm", "Contact", "1"), account_id="001", email="jo@acme.com"),
        Contact(Ref("crm", "Contact", "2"), name="Jo"),
    ],
)
def test_what_an_account_stands_for_or_nothing_names_is_no_company(record: Lead | Contact) -> None:
    assert company_of(record) is None


def test_a_contact_is_never_linked_automatically_and_free_mail_says_nothing() -> None:
    contact = company_of(Contact(Ref("crm", "Contact", "3"), email="jo@acme-widgets.co.uk"))
    assert contact is not None
    links = link_all([contact], [ACCOUNT])
    assert all(link.band is not Band.AUTO for link in links)
    free = company_of(Contact(Ref("crm", "Contact", "4"), email="jo@gmail.com"))
    assert free is not None
    assert parse(free).is_blank
