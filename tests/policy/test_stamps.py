"""What every record shows and who should own it (docs/rulings.md 10 and 11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from syncd.model import STAMP_FIELDS, FiledStatus, Registration, WriteGroup
from syncd.policy import Policy, banner

from .factories import (
    GO_LIVE,
    MIA,
    SETTLED,
    T0,
    WYCH,
    account,
    approved,
    closed,
    days,
    group,
    opportunity,
    owner,
    registration,
    rejected,
    run,
    seconds,
    stamp,
    state,
    wanted,
)

END = SETTLED + days(90)
MANUAL = Policy.model_validate({"approval": "manual"})
BOARD = frozenset({"BOARD"})


def names(stream: str) -> set[str]:
    return {f.name for f in STAMP_FIELDS if stream in f.objects}


def shown(fields: dict[str, object]) -> dict[str, object]:
    """The fields that say something, without the time of decision."""
    return {k: v for k, v in fields.items() if v is not None and k != "as_of"}


def test_every_record_of_the_group_has_a_whole_stamp_even_an_empty_one() -> None:
    records = (registration(), account("a1"), account("a2"), opportunity("o1"), closed(opportunity("o2"), T0))
    _, outcome = run(group(*records))
    stamps = {w.ref.id: w for w in outcome.wanted if w.group is WriteGroup.STAMP}
    assert set(stamps) == {"r1", "a1", "a2", "o1", "o2"}
    assert set(stamps["a1"].fields) == names("accounts")
    assert set(stamps["o1"].fields) == names("opportunities")
    assert set(stamps["r1"].fields) == names("registrations")
    assert shown(stamp(outcome, "o2")) == {}


def test_a_group_without_registrations_clears_its_records() -> None:
    _, outcome = run(group(account("a1"), opportunity("o1")))
    assert shown(stamp(outcome, "a1")) == {}
    assert shown(stamp(outcome, "o1")) == {}
    assert owner(outcome, "o1") is None


def test_a_protected_account_says_everything() -> None:
    _, outcome = run(group(registration(number="N-1", products=frozenset({"PLAN", "BOARD"}))), T0 + days(1))
    assert shown(stamp(outcome, "a1")) == {
        "status": "protected",
        "partner": "Wychwood Integrators",
        "scope": "BOARD;PLAN",
        "since": SETTLED,
        "until": END,
        "reason": "first_registered",
        "contact": "Mia Manager",
        "number": "N-1",
        "count": 1,
    }
    assert stamp(outcome, "a1")["as_of"] == T0 + days(1)


def test_of_several_protections_the_one_that_ends_first_is_shown_then_the_lowest_id() -> None:
    first = registration("r2", T0)
    second = registration("r1", T0 + days(1), products=BOARD)
    _, outcome = run(group(first, second), T0 + days(2))
    assert (stamp(outcome, "a1")["number"], stamp(outcome, "a1")["count"]) == (state(outcome, "r2").number, 2)
    same = registration("r1", T0, products=BOARD)
    _, outcome = run(group(first, same), T0 + days(2))
    assert stamp(outcome, "a1")["number"] == state(outcome, "r1").number


def test_review_goes_before_pending_and_shows_the_first_received() -> None:
    manual = registration("r1", T0 + days(1))
    earlier = registration("r2", T0, products=BOARD)
    pending = registration("r3", T0 + days(2), products=frozenset({"X"}))
    _, outcome = run(group(manual, earlier, pending), T0 + days(2), MANUAL)
    assert shown(stamp(outcome, "a1")) == {
        "status": "review",
        "partner": "Wychwood Integrators",
        "scope": "BOARD",
        "reason": "needs_approval",
        "contact": "Mia Manager",
        "number": state(outcome, "r2").number,
    }
    _, outcome = run(group(pending), T0 + days(2))
    assert (stamp(outcome, "a1")["status"], stamp(outcome, "a1")["reason"]) == ("pending", "settling")


@pytest.mark.parametrize(
    ("now", "status"),
    [
        (END - timedelta(microseconds=1), "protected"),
        (END, "ended"),
        (END + days(7) - timedelta(microseconds=1), "ended"),
        (END + days(7), None),
    ],
)
def test_an_ended_protection_is_said_for_the_days_of_notice(now: datetime, status: str | None) -> None:
    _, outcome = run(group(registration(), opportunity("o1", T0 + days(1))), now)
    assert [stamp(outcome, r)["status"] for r in ("a1", "o1")] == [status, status]
    if status == "ended":
        assert (stamp(outcome, "a1")["reason"], stamp(outcome, "a1")["until"]) == ("expired", END)
        assert stamp(outcome, "a1")["count"] is None


def test_a_protection_ended_by_a_decision_says_so() -> None:
    claims, _ = run(group(registration()))
    claims = replace(claims, decisions=(*claims.decisions, rejected("r1", T0 + days(3))))
    _, outcome = run(claims, T0 + days(4))
    assert (stamp(outcome, "a1")["status"], stamp(outcome, "a1")["reason"]) == ("ended", "ended_early")
    assert stamp(outcome, "a1")["until"] == T0 + days(3)
    assert stamp(outcome, "r1")["until"] is None


def test_no_notice_at_zero_days() -> None:
    _, outcome = run(group(registration()), END, Policy.model_validate({"ended_notice_days": 0}))
    assert shown(stamp(outcome, "a1")) == {}


def test_outside_rejected_and_returned_filings_leave_the_account_empty() -> None:
    filings = (
        registration("r1", GO_LIVE - days(3)),
        registration("r2", partner_id="P02", proof=None),
        registration("r3", partner_id="P03", first_contact_on=(T0 - days(300)).date()),
    )
    _, outcome = run(group(*filings), T0 + days(1))
    assert shown(stamp(outcome, "a1")) == {}


# opportunities


def test_a_direct_opportunity_shows_only_what_meets_its_products() -> None:
    opps = (
        opportunity("o1", T0 + days(1)),
        opportunity("o2", T0 + days(1), products=BOARD),
        opportunity("o3", T0 + days(1), products=frozenset()),
    )
    _, outcome = run(group(registration(), *opps), T0 + days(2))
    assert [stamp(outcome, o)["status"] for o in ("o1", "o2", "o3")] == ["protected", None, "protected"]
    assert "count" not in stamp(outcome, "o1")


def test_a_direct_opportunity_that_won_shows_that_it_stands() -> None:
    claims, outcome = run(group(registration("r2", number="N-2"), opportunity()))
    assert shown(stamp(outcome, "o1")) == {"status": "direct", "reason": "direct_engaged", "number": "N-2"}
    assert shown(stamp(outcome, "a1")) == {}
    assert owner(outcome, "o1") is None
    second = registration("r1", T0 + days(1), partner_id="P02", number="N-1")
    claims = replace(claims, registrations=(*claims.registrations, second), companies=group(second).companies)
    _, outcome = run(claims, T0 + days(2))
    assert stamp(outcome, "o1")["number"] == "N-2"


def test_an_active_protection_goes_before_direct() -> None:
    dormant_then = opportunity("o1", T0 - days(200), last_activity_on=(T0 - days(60)).date())
    early = registration("r1", T0 - days(100), status=FiledStatus.SUBMITTED)
    claims, outcome = run(group(early, opportunity("o1", T0 - days(200))), T0 - days(99))
    assert state(outcome, "r1").application == "approved"
    other = registration("r2", T0 - days(50), partner_id="P02")
    claims = replace(
        claims,
        opportunities=(dormant_then,),
        registrations=(*claims.registrations, other),
        companies=group(early, other).companies,
    )
    claims, outcome = run(claims, T0 - days(49))
    assert (state(outcome, "r2").reason, stamp(outcome, "o1")["status"]) == ("direct_engaged", "protected")
    _, outcome = run(claims, T0 + days(30))
    assert stamp(outcome, "o1")["status"] == "direct"


@pytest.mark.parametrize(
    ("filing", "status", "reason"),
    [
        ({}, "protected", "first_registered"),
        ({"received": T0 + days(5)}, "pending", "settling"),
        ({"partner_id": "P99"}, "review", "partner_unknown"),
        ({"proof": None}, None, None),
        ({"status": FiledStatus.DRAFT}, None, None),
        ({"received": GO_LIVE - days(1)}, None, None),
    ],
)
@pytest.mark.parametrize("is_closed", [False, True])
def test_an_own_deal_follows_its_registration(
    filing: dict[str, object], status: str | None, reason: str | None, is_closed: bool
) -> None:
    own = opportunity("o1", T0 + days(1), registration_key="r1", products=BOARD)
    own = closed(own, T0 + days(4)) if is_closed else own
    _, outcome = run(group(registration(**filing), own), T0 + days(5))  # type: ignore[arg-type]
    assert (stamp(outcome, "o1")["status"], stamp(outcome, "o1")["reason"]) == (status, reason)


def test_an_own_deal_of_a_waiting_registration_is_under_review() -> None:
    filings = (registration("r1"), registration("r2", T0 + days(1), partner_id="P02"))
    own = opportunity("o1", T0 + days(2), registration_key="r2")
    _, outcome = run(group(*filings, own), T0 + days(3))
    assert (stamp(outcome, "o1")["status"], stamp(outcome, "o1")["reason"]) == ("review", "waiting")
    assert stamp(outcome, "o1")["partner"] == "Pellmore IT Services"


def test_closed_and_partner_sourced_opportunities_show_nothing() -> None:
    opps = (closed(opportunity("o1", T0 + days(1)), T0 + days(2)), opportunity("o2", T0 + days(1), partner_name="?"))
    _, outcome = run(group(registration(), *opps), T0 + days(3))
    assert [shown(stamp(outcome, o)) for o in ("o1", "o2")] == [{}, {}]


# unknown products


def unknown(*filings: Registration, policy: Policy = MANUAL, **changes: object) -> tuple[dict[str, object], str | None]:
    """What an open direct opportunity without products shows, and who should own it, after these were approved."""
    deal = opportunity("o1", T0 + days(1), products=frozenset(), **changes)
    words = [approved(f.ref.id, T0 + days(2)) for f in filings]
    _, outcome = run(group(*filings, deal, *words), T0 + days(3), policy)
    return stamp(outcome, "o1"), owner(outcome, "o1")


def test_a_deal_that_names_no_products_may_be_protected_and_its_owner_stays() -> None:
    told, owned_by = unknown(registration())
    assert (told["status"], told["reason"], told["partner"], owned_by) == (
        "protected", "check_products", WYCH.name, None,
    )  # fmt: skip
    text = (
        "This deal may be protected: Wychwood Integrators holds PLAN until 1 September 2026 (UTC). Check its products, "
        "or ask Mia Manager."
    )
    assert {banner(told), banner(told, owner=False)} == {text}


def test_a_deal_that_names_no_products_is_protected_where_a_protection_covers_all_of_them() -> None:
    whole = Policy.model_validate({"approval": "manual", "scope": "company"})
    told, owned_by = unknown(registration(), policy=whole)
    assert (told["reason"], owned_by) == ("approved_by_person", "u-mia")
    both = (registration("r1"), registration("r2", products=frozenset(), partner_id="P02"))
    country = Policy.model_validate({"approval": "manual", "territory": "country", "required": ["company.name"]})
    apart = (both[0], replace(both[1], country="DE"))
    told, _ = unknown(*apart, policy=country, country="GB")
    assert told["reason"] == "check_products", "what covers all of them does so in another country"
    told, _ = unknown(*apart, policy=country, country="DE")
    assert (told["partner"], told["reason"]) == ("Pellmore IT Services", "approved_by_person")


def test_a_partners_own_deal_that_names_no_products_is_protected() -> None:
    told, owned_by = unknown(registration(), registration_key="r1")
    assert (told["reason"], owned_by) == ("approved_by_person", "u-mia")


def test_a_banner_on_an_account_says_that_others_end_later() -> None:
    _, outcome = run(group(registration("r1"), registration("r2", T0 + days(1), products=BOARD)), T0 + days(2))
    told = stamp(outcome, "a1")
    assert banner(told).endswith("Bring in Mia Manager. It ends first of 2 protections here.")
    assert "first of" not in banner({**told, "count": 1})


# registrations


@pytest.mark.parametrize(
    ("filing", "records", "status", "reason"),
    [
        ({}, (), "approved", "first_registered"),
        ({"received": T0 + days(9)}, (), "pending", "settling"),
        ({"partner_id": "P99"}, (), "review", "in_review"),
        ({"received": GO_LIVE - days(9)}, (), "review", "in_review"),
        ({"received": GO_LIVE - days(9), "status": FiledStatus.REJECTED}, (), "rejected", "adopted"),
        ({"received": T0 - days(152), "status": FiledStatus.APPROVED}, (), "expired", "expired"),
        ({"proof": None}, (), "returned", "missing_fields"),
        ({"first_contact_on": (T0 + days(9)).date()}, (), "returned", "first_contact_in_future"),
        ({"first_contact_on": (T0 - days(99)).date()}, (), "rejected", "first_contact_too_old"),
        ({}, (account(is_named=True),), "rejected", "not_available"),
        ({}, (account(is_customer=True),), "rejected", "not_available"),
        ({}, (opportunity(),), "rejected", "not_available"),
        ({}, (closed(opportunity(), T0 - days(1)),), "review", "in_review"),
        ({}, (registration("r0", T0 - days(1)),), "rejected", "duplicate"),
        ({}, (registration("r0", T0 - days(1), partner_id="P02"),), "waiting", "in_queue"),
        ({}, (registration("r0", T0, partner_id="P02"),), "review", "in_review"),
        ({}, (rejected("r1", T0 + days(1)),), "rejected", "rejected_by_person"),
        ({}, (approved("r1", T0 + days(1)),), "approved", "approved_by_person"),
        ({"status": FiledStatus.WITHDRAWN}, (), "withdrawn", None),
        ({"status": FiledStatus.DRAFT}, (), None, None),
    ],
)
def test_a_filing_is_told_a_status_and_a_reason_that_its_partner_may_see(
    filing: dict[str, object], records: tuple[object, ...], status: str | None, reason: str | None
) -> None:
    _, outcome = run(group(registration(**filing), *records), T0 + days(2))  # type: ignore[arg-type]
    told = stamp(outcome, "r1")
    assert (told["status"], told["reason"]) == (status, reason)
    assert (told["until"] is not None) == (status in ("approved", "expired"))
    if status is not None:
        assert told["number"] == state(outcome).number
        assert told["received_at"] == state(outcome).received_at


def test_times_are_cut_to_the_second_and_texts_to_their_field() -> None:
    long = replace(WYCH, name="W" * 300)
    filing = registration(received=T0.replace(microsecond=654321), number="N" * 50)
    _, outcome = run(group(filing, partners={"P01": long}), T0 + seconds(3.5))
    told = stamp(outcome, "a1")
    assert (len(told["partner"]), len(told["number"])) == (255, 40)
    assert told["since"] == SETTLED
    assert stamp(outcome, "r1")["received_at"] == T0
    assert state(outcome).since == SETTLED.replace(microsecond=654321)


@pytest.mark.parametrize(
    ("managers", "email", "contact", "owned_by"),
    [
        ({"mia.manager@vendor.example": MIA}, "Mia.Manager@vendor.example ", "Mia Manager", "u-mia"),
        ({"mia.manager@vendor.example": replace(MIA, is_active=False)}, MIA.email, "Mia Manager", None),
        ({}, "mia.manager@vendor.example", "mia.manager@vendor.example", None),
        ({"mia.manager@vendor.example": replace(MIA, name=None)}, MIA.email, "mia.manager@vendor.example", "u-mia"),
        ({}, None, None, None),
    ],
)
def test_the_partners_manager_is_the_contact_and_owner(
    managers: dict[str, object], email: str | None, contact: str | None, owned_by: str | None
) -> None:
    partner = replace(WYCH, manager_email=email)
    claims = group(registration(), opportunity("o1", T0 + days(1)), managers=managers, partners={"P01": partner})
    _, outcome = run(claims, T0 + days(2))
    assert (stamp(outcome, "a1")["contact"], owner(outcome, "o1")) == (contact, owned_by)


def test_an_owner_is_wanted_on_open_protected_opportunities_only() -> None:
    opps = (
        opportunity("o1", T0 + days(1)),
        opportunity("o2", T0 + days(1), registration_key="r1"),
        opportunity("o3", T0 + days(1), products=BOARD),
        closed(opportunity("o4", T0 + days(1)), T0 + days(2)),
        closed(opportunity("o5", T0 + days(1), registration_key="r1"), T0 + days(2)),
    )
    _, outcome = run(group(registration(), *opps), T0 + days(3))
    owners = {w.ref.id: w.fields["owner"] for w in outcome.wanted if w.group is WriteGroup.OWNER}
    assert owners == {"o1": "u-mia", "o2": "u-mia", "o3": None}
    _, outcome = run(group(registration(), *opps), END)
    assert {w.fields["owner"] for w in outcome.wanted if w.group is WriteGroup.OWNER} == {None}


def test_a_stamp_says_why() -> None:
    _, outcome = run(group(registration(), opportunity("o1", T0 + days(1), registration_key="r1")), T0 + days(2))
    assert wanted(outcome, "o1").because == {
        "registration": "prm/deal/r1",
        "number": state(outcome).number,
        "rule": "protected",
        "by": "valid_and_first",
        "collision": None,
        "decision": f"approved {SETTLED.isoformat()}",
        "deal": "own",
        "own_deal_of": "prm/deal/r1",
    }
    _, outcome = run(group(registration(), opportunity()))
    assert wanted(outcome, "o1").because["collision"] == "C08-r1-o1"


# banners


@pytest.mark.parametrize(
    ("is_owner", "text"),
    [
        (True, "Wychwood Integrators holds PLAN until 30 August 2026 (UTC). Bring in Mia Manager."),
        (False, "Please do not prospect PLAN. If the customer calls, take the call and tell Mia Manager."),
    ],
)
def test_a_banner_is_made_from_the_stamp_alone(is_owner: bool, text: str) -> None:
    _, outcome = run(group(registration()))
    assert banner(stamp(outcome, "a1"), owner=is_owner) == text
    assert banner(dict.fromkeys(stamp(outcome, "a1"))) == ""


def test_a_banner_takes_names_as_they_are() -> None:
    told = {"status": "protected", "partner": "{scope} & Sons", "scope": "PLAN", "until": END, "contact": "{partner}"}
    assert banner(told).startswith("{scope} & Sons holds PLAN")
