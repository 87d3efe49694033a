"""Evidence counts as it stood when the claim was received (C53); what surfaces later asks, and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from syncd.model import (
    Activity,
    Actor,
    ClaimGroup,
    Collision,
    DecisionKind,
    FiledStatus,
    ListEntry,
    Outcome,
    Ref,
    Version,
)
from syncd.policy import Policy, check_person, rule

from .factories import (
    APPROVED,
    DIRECT,
    POLICY,
    REJECTED,
    REVIEW,
    SETTLED,
    T0,
    account,
    approved,
    closed,
    codes,
    collision,
    days,
    decision,
    group,
    opportunity,
    recorded,
    registration,
    run,
    seconds,
    stamp,
    state,
)

LONG_AGO = T0 - days(400)
DORMANT = opportunity(created=LONG_AGO, last_activity_on=(T0 - days(80)).date())
"""An opportunity that nobody had touched for longer than the policy allows."""


def past(*versions: tuple[datetime, Any], observed: bool = True) -> dict[Ref, tuple[Version, ...]]:
    """What one record said, and from when on."""
    return {versions[0][1].ref: tuple(Version(since, record, observed) for since, record in versions)}


def said(claims: ClaimGroup, *versions: tuple[datetime, Any]) -> ClaimGroup:
    """The group with what one record said before; the last version is what it says now."""
    return replace(claims, past={**claims.past, **past(*versions)})


def activity(happened: datetime, entered: datetime | None, id_: str = "t1", **changes: Any) -> Activity:
    """A meeting on the opportunity o1."""
    filled: dict[str, Any] = {"opportunity_id": "o1", "is_two_way": True}
    return Activity(Ref(DIRECT, "Event", id_), happened_at=happened, created_at=entered, **{**filled, **changes})


def with_activities(claims: ClaimGroup, *activities: Activity, on: Ref | None = None) -> ClaimGroup:
    """The group with what people did on the opportunity o1, or on another record."""
    return replace(claims, activities={on or DORMANT.ref: activities})


def outcome_of(claims: ClaimGroup, now: datetime = SETTLED, policy: Policy = POLICY) -> Outcome:
    """What is decided at once."""
    return run(claims, now, policy)[1]


def told(outcome: Outcome) -> list[tuple[str, str, str | None]]:
    """Collisions as (code, other, winner)."""
    return [(c.code.value, c.other.id, c.winner.id if c.winner else None) for c in outcome.collisions]


# --- an old record that was changed later


def test_C53_an_opportunity_that_was_woken_after_the_filing_adds_nothing() -> None:
    woken = replace(DORMANT, last_activity_on=(T0 + days(1)).date())
    claims = said(group(registration(), woken), (T0 - days(80), DORMANT), (T0 + days(1), woken))
    outcome = outcome_of(claims, T0 + days(2))
    assert state(outcome).application == APPROVED
    assert told(outcome) == [("C53", "o1", "r1")]
    assert collision(outcome, "C53").evidence["known"] == "observed"
    assert collision(outcome, "C53").evidence["last_activity_on_then"] == (T0 - days(80)).date().isoformat()


def test_C53_an_activity_that_is_back_dated_later_adds_nothing() -> None:
    dated_back = replace(DORMANT, last_activity_on=(T0 - days(1)).date())
    claims = said(group(registration(), dated_back), (T0 - days(80), DORMANT), (T0 + days(1), dated_back))
    outcome = outcome_of(claims, T0 + days(2))
    assert (state(outcome).application, codes(outcome)) == (APPROVED, ["C53"])


@pytest.mark.parametrize(
    "before",
    [
        {"products": frozenset({"BOARD"})},
        {"account_id": "elsewhere"},
        {"partner_name": "Wychwood Integrators"},
        {"lead_source": "Partner"},
        {"registration_key": "DR-OTHER"},
        {"is_closed": True, "closed_at": T0 - days(40)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_C53_an_old_record_that_was_changed_so_as_to_qualify_adds_nothing(before: dict[str, Any]) -> None:
    now = opportunity()
    claims = said(group(registration(), now), (T0 - days(5), replace(now, **before)), (T0 + seconds(1), now))
    outcome = outcome_of(claims, T0 + days(1))
    assert (state(outcome).application, told(outcome)) == (APPROVED, [("C53", "o1", "r1")])


@pytest.mark.parametrize(
    "after",
    [
        {"products": frozenset({"BOARD"})},
        {"partner_name": "Wychwood Integrators"},
        {"last_activity_on": None, "created_at": LONG_AGO},
        {"is_closed": True, "closed_at": T0 - days(40)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_C53_a_later_edit_takes_nothing_away(after: dict[str, Any]) -> None:
    then = opportunity(created=LONG_AGO, last_activity_on=(T0 - days(3)).date())
    now = replace(then, **after)
    claims = said(group(registration(), now), (T0 - days(3), then), (T0 + seconds(1), now))
    outcome = outcome_of(claims, T0 + days(1))
    assert (state(outcome).reason, told(outcome)) == ("direct_engaged", [("C08", "o1", "o1")])


def test_C53_what_changed_at_the_very_instant_of_filing_counts() -> None:
    woken = replace(DORMANT, last_activity_on=T0.date())
    for since, expected in ((T0, REJECTED), (T0 + seconds(0.000001), APPROVED)):
        claims = said(group(registration(), woken), (T0 - days(80), DORMANT), (since, woken))
        assert state(outcome_of(claims)).application == expected


def test_C53_a_direct_opportunity_created_later_is_C09_or_C10() -> None:
    later = (opportunity("o1", T0 + seconds(1)), opportunity("o2", T0 + days(1)))
    assert codes(outcome_of(group(registration(), *later), T0 + days(2))) == ["C10", "C09"]


def test_C53_a_deal_that_was_lost_then_and_reopened_since_is_still_the_lost_one() -> None:
    lost, reopened = closed(opportunity(), T0 - days(2)), opportunity()
    claims = said(group(registration(), reopened), (T0 - days(2), lost), (T0 + seconds(1), reopened))
    outcome = outcome_of(claims, T0 + days(1))
    assert (state(outcome).reason, codes(outcome)) == ("recently_lost", ["C13", "C53"])


def test_C53_a_deal_that_was_won_then_makes_a_customer_whatever_it_says_now() -> None:
    won = closed(opportunity(), T0 - days(2), won=True)
    claims = said(group(registration(), opportunity()), (T0 - days(2), won), (T0 + seconds(1), opportunity()))
    assert state(outcome_of(claims)).reason == "existing_customer"
    claims = said(group(registration(), won), (T0 - days(9), opportunity()), (T0 + seconds(1), won))
    assert state(outcome_of(claims)).reason == "direct_engaged", "it was open then, and won only since"


@pytest.mark.parametrize("change", [{"is_named": True}, {"is_customer": True}, {"last_order_on": T0.date()}], ids=str)
def test_C53_an_account_counts_as_it_stood(change: dict[str, Any]) -> None:
    plain, marked = account(), account(**change)
    later = said(group(registration(), marked), (LONG_AGO, plain), (T0 + seconds(1), marked))
    assert state(outcome_of(later)).application == APPROVED
    cleared = said(group(registration(), plain), (LONG_AGO, marked), (T0 + seconds(1), plain))
    assert state(outcome_of(cleared)).application == REJECTED


def test_C53_where_nothing_is_held_from_before_the_earliest_version_stands_in() -> None:
    first, now = opportunity(), opportunity(products=frozenset({"BOARD"}))
    claims = said(group(registration(), now), (T0 + days(1), first), (T0 + days(2), now))
    outcome = outcome_of(claims, T0 + days(3))
    assert (told(outcome), collision(outcome, "C08").evidence["known"]) == ([("C08", "o1", "o1")], "reconstructed")


# --- activities


def test_C53_an_activity_counts_by_when_it_happened_and_when_it_was_entered() -> None:
    claims = group(registration(), DORMANT)
    entered = with_activities(claims, activity(T0 - days(60), T0))
    assert told(outcome_of(entered)) == [("C08", "o1", "o1")]
    older = with_activities(claims, activity(T0 - days(61), T0))
    assert state(outcome_of(older)).application == APPROVED
    too_late = with_activities(claims, activity(T0 - days(1), T0 + seconds(1)))
    assert state(outcome_of(too_late)).application == APPROVED
    nobody_knows_when = with_activities(claims, activity(T0 - days(1), None))
    assert state(outcome_of(nobody_knows_when)).application == APPROVED


def test_C53_an_activity_that_was_moved_later_counts_as_it_stood() -> None:
    then, now = activity(T0 - days(80), T0 - days(80)), activity(T0 - days(1), T0 - days(80))
    claims = with_activities(group(registration(), DORMANT), now)
    claims = said(claims, (T0 - days(80), then), (T0 + days(1), now))
    assert state(outcome_of(claims, T0 + days(2))).application == APPROVED


def test_C08_what_a_machine_sent_wakes_no_deal() -> None:
    claims = with_activities(group(registration(), DORMANT), activity(T0 - days(1), T0 - days(1), is_human=False))
    assert state(outcome_of(claims)).application == APPROVED


def test_C08_where_only_a_later_activity_is_known_a_person_looks() -> None:
    """The record says when somebody was active last, and that was after the filing: what was before is not known."""
    now = replace(DORMANT, last_activity_on=(T0 + days(1)).date())
    outcome = outcome_of(group(registration(), now), T0 + days(2))
    assert (state(outcome).application, state(outcome).reason) == (REVIEW, "evidence_unsure")
    assert told(outcome) == [("C08", "o1", None)]
    known = with_activities(group(registration(), now), activity(T0 + days(1), T0 + days(1)))
    outcome = outcome_of(known, T0 + days(2))
    assert (state(outcome).application, codes(outcome)) == (APPROVED, ["C53"])


def test_C08_one_sure_opportunity_is_enough() -> None:
    unsure = replace(DORMANT, last_activity_on=(T0 + days(1)).date())
    outcome = outcome_of(group(registration(), unsure, opportunity("o2")), T0 + days(2))
    assert (state(outcome).reason, told(outcome)) == ("direct_engaged", [("C08", "o2", "o2")])


CONTACT = Policy.model_validate({"direct": {"contact_days": 60}})


def test_C11_two_way_contact_without_an_opportunity_stands_where_the_policy_says_so() -> None:
    met = activity(T0 - days(10), T0 - days(10), opportunity_id=None, account_id="a1")
    claims = with_activities(group(registration()), met, on=account().ref)
    assert state(outcome_of(claims)).application == APPROVED, "it is off as shipped"
    outcome = outcome_of(claims, policy=CONTACT)
    assert (state(outcome).reason, told(outcome)) == ("direct_engaged", [("C11", "a1", "a1")])


@pytest.mark.parametrize(
    ("change", "stands"),
    [
        ({}, True),
        ({"happened_at": T0 - days(60)}, False),
        ({"is_two_way": False}, False),
        ({"is_human": False}, False),
        ({"created_at": T0 + seconds(1)}, False),
    ],
    ids=str,
)
def test_C11_marketing_one_way_old_and_later_contact_do_not_count_C12(change: dict[str, Any], stands: bool) -> None:
    met = replace(activity(T0 - days(59), T0 - days(59)), opportunity_id=None, **change)
    claims = with_activities(group(registration()), met, on=account().ref)
    assert (state(outcome_of(claims, policy=CONTACT)).application == REJECTED) is stands


def test_C11_contact_on_a_partners_own_deal_is_no_direct_contact() -> None:
    own = opportunity("o1", T0 + seconds(1), registration_key="r1")
    claims = with_activities(group(registration(), own), activity(T0 - days(1), T0 - days(1)), on=own.ref)
    assert state(outcome_of(claims, policy=CONTACT)).application == APPROVED


# --- lists


def entry(kind: str = "named", id_: str = "l1", **changes: Any) -> ListEntry:
    """The account a1 on a list."""
    return ListEntry(Ref(DIRECT, "List", id_), kind=kind, account_id="a1", **changes)


@pytest.mark.parametrize(
    ("days_", "counts"),
    [
        ({"from_on": T0.date()}, True),
        ({"from_on": (T0 + days(1)).date()}, False),
        ({"from_on": LONG_AGO.date(), "until_on": T0.date()}, False),
        ({"from_on": LONG_AGO.date(), "until_on": (T0 + days(1)).date()}, True),
        ({"modified_at": T0 + seconds(1)}, False),
        ({"modified_at": T0}, True),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["named", "excluded"])
def test_C17_the_list_counts_as_it_was_when_the_claim_was_received(
    kind: str, days_: dict[str, Any], counts: bool
) -> None:
    outcome = outcome_of(replace(group(registration()), lists=(entry(kind, **days_),)))
    assert (state(outcome).reason == "named_account") is counts
    if counts:
        assert collision(outcome, "C17").evidence["entry"] == "crm/List/l1"


def test_C17_an_entry_that_was_taken_off_since_still_counts() -> None:
    on = entry(from_on=LONG_AGO.date())
    off = replace(on, until_on=(T0 - days(10)).date())
    claims = said(replace(group(registration()), lists=(off,)), (LONG_AGO, on), (T0 + seconds(1), off))
    assert state(outcome_of(claims)).reason == "named_account"


@pytest.mark.parametrize(("treated", "expected"), [("allow", APPROVED), ("review", REVIEW), ("reject", REJECTED)])
def test_C18_a_house_account_is_treated_as_the_policy_says(treated: str, expected: str) -> None:
    policy = Policy.model_validate({"house_accounts": treated})
    outcome = outcome_of(replace(group(registration()), lists=(entry("house"),)), policy=policy)
    assert state(outcome).application == expected
    assert codes(outcome) == ([] if treated == "allow" else ["C18"])


# --- several at once


def test_all_codes_that_apply_are_listed_the_most_severe_first() -> None:
    named = account("a1", is_named=True, is_customer=True)
    lost = closed(opportunity("o2"), T0 - days(2))
    outcome = outcome_of(group(registration(), named, opportunity("o1"), lost))
    assert (state(outcome).reason, codes(outcome)) == ("named_account", ["C17", "C14", "C08", "C13"])
    assert [c.state for c in outcome.collisions] == ["ruled"] * 4, "nobody has to rule on what is refused"


def test_where_a_person_looks_the_person_looks_at_all_of_it() -> None:
    policy = Policy.model_validate({"named_accounts": "review"})
    named = account("a1", is_named=True)
    outcome = outcome_of(group(registration(), named, opportunity()), policy=policy)
    assert (state(outcome).reason, told(outcome)) == ("named_account", [("C17", "a1", None), ("C08", "o1", None)])
    assert stamp(outcome, "o1")["status"] == "review"


def test_what_a_person_approves_decides_every_collision_of_it() -> None:
    claims = group(registration(), account(is_named=True, is_customer=True), opportunity())
    claims, _ = run(claims)
    claims = replace(claims, decisions=(*claims.decisions, approved("r1", T0 + days(1))))
    outcome = outcome_of(claims, T0 + days(1))
    assert [(c.code.value, c.winner and c.winner.id, c.rule) for c in outcome.collisions] == [
        ("C17", "r1", "person:kim"),
        ("C14", "r1", "person:kim"),
        ("C08", "r1", "person:kim"),
    ]


def test_a_decision_keeps_every_collision_that_was_found_with_it() -> None:
    claims, outcome = run(group(registration(), account(is_customer=True), opportunity()))
    kept = decision(outcome, DecisionKind.REJECTED).evidence["collisions"]
    assert [clash["code"] for clash in kept] == ["C14", "C08"]
    assert outcome_of(replace(claims, opportunities=()), T0 + days(1)).collisions[0].code == "C14"


# --- facts that surface late


def joined(claims: ClaimGroup, *records: Any, **changes: Any) -> ClaimGroup:
    """The group after more of its records became known."""
    more = group(*records, *claims.registrations)
    return replace(
        claims,
        registrations=more.registrations,
        companies=more.companies,
        opportunities=(*claims.opportunities, *more.opportunities),
        **changes,
    )


def test_a_late_direct_opportunity_opens_a_dispute_and_changes_nothing_by_itself() -> None:
    claims, before = run(group(registration()))
    claims = joined(claims, opportunity(modified_at=T0 - days(5)))
    claims, outcome = run(claims, T0 + days(1))
    assert outcome.decisions == ()
    assert replace(state(outcome), detail="") == replace(state(before), detail="")
    found = collision(outcome, "C08")
    assert (found.state, found.rule, found.winner) == ("open", "late_fact", None)
    assert "surfaced after the approval, which stands" in found.sentence
    assert stamp(outcome, "o1")["status"] == "protected"


def test_what_is_not_known_to_have_stood_then_is_no_late_fact() -> None:
    claims, _ = run(group(registration()))
    outcome = outcome_of(joined(claims, opportunity(modified_at=T0 + seconds(5))), T0 + days(1))
    assert told(outcome) == []


def test_a_stricter_policy_makes_no_late_fact() -> None:
    """What was granted under another policy stays granted, and nobody is asked (domain.md 2.2 I7)."""
    loose = Policy.model_validate({"direct": {"dormant_after_days": 2}})
    quiet = opportunity(modified_at=T0 - days(5))
    claims, _ = run(group(registration(), quiet), policy=loose)
    assert codes(outcome_of(claims, T0 + days(1))) == []


def test_a_late_customer_or_named_account_asks_a_person() -> None:
    claims, _ = run(group(registration()))
    other = account("a2", is_named=True, is_customer=True, modified_at=T0 - days(9))
    outcome = outcome_of(replace(claims, accounts=(account(), other)), T0 + days(1))
    assert told(outcome) == [("C17", "a2", None), ("C14", "a2", None)]
    assert state(outcome).application == APPROVED


def test_C03_an_earlier_claim_that_surfaces_late_waits_and_a_person_is_asked() -> None:
    claims, _ = run(group(registration("r1")))
    late = registration("r0", T0 - days(1), partner_id="P02")
    claims, outcome = run(joined(claims, late), T0 + days(1))
    assert (state(outcome, "r0").application, state(outcome, "r1").application) == ("waiting", APPROVED)
    assert [(c.registration.id, c.other.id, c.rule, c.state) for c in outcome.collisions] == [
        ("r1", "r0", "late_fact", "open")
    ]


def test_C20_protections_that_were_granted_apart_and_meet_since_a_merge_ask_a_person() -> None:
    one, _ = run(group(registration("r1")))
    two, _ = run(group(registration("r2", T0 + days(1), partner_id="P02")), T0 + days(2))
    merged = replace(joined(one, *two.registrations), decisions=(*one.decisions, *two.decisions))
    outcome = outcome_of(merged, T0 + days(3))
    assert [(c.code.value, c.registration.id, c.other.id, c.state) for c in outcome.collisions] == [
        ("C20", "r2", "r1", "open")
    ]
    assert "Both stand as promised" in collision(outcome, "C20").sentence
    assert {state(outcome, r).protection for r in ("r1", "r2")} == {"active"}
    apart = replace(merged, decisions=(*one.decisions, *_scoped(two, "BOARD")))
    assert codes(outcome_of(apart, T0 + days(3))) == [], "disjoint scopes both stand"


def _scoped(claims: ClaimGroup, product: str) -> list[Any]:
    return [
        replace(d, evidence={**d.evidence, "products": [product]}) if d.kind is DecisionKind.GRANTED else d
        for d in claims.decisions
    ]


def test_C21_an_unprotected_account_that_joins_shows_the_protection_in_its_scope() -> None:
    claims, _ = run(group(registration()))
    other = opportunity("o9", T0 - days(700), account_id="a2", products=frozenset({"BOARD"}))
    claims = joined(claims, other, accounts=(account("a1"), account("a2")))
    outcome = outcome_of(claims, T0 + days(1))
    assert (stamp(outcome, "a2")["status"], stamp(outcome, "a2")["scope"]) == ("protected", "PLAN")
    assert stamp(outcome, "o9")["status"] is None


# --- worked around


def test_C09_says_as_facts_what_changed_around_a_protection() -> None:
    claims, _ = run(group(registration()))
    fresh = account("a2", created_at=T0 + days(3))
    later = opportunity("o1", T0 + days(4), account_id="a2", owner_id="u2")
    first = replace(later, owner_id="u1")
    claims = said(joined(claims, later, accounts=(account(), fresh)), (T0 + days(4), first), (T0 + days(5), later))
    found: Collision = collision(outcome_of(claims, T0 + days(6)), "C09")
    assert found.evidence["days_after_approval"] == 3
    assert found.evidence["account_created_at"] == (T0 + days(3)).isoformat()
    assert found.evidence["owner_changed_at"] == (T0 + days(5)).isoformat()


def test_C27_another_owner_leaves_a_protection_as_it_is() -> None:
    own = opportunity("o1", T0 + days(1), registration_key="r1", owner_id="u1")
    claims, before = run(group(registration(), own), T0 + days(2))
    moved = replace(own, owner_id="u2")
    claims = said(replace(claims, opportunities=(moved,)), (T0 + days(1), own), (T0 + days(3), moved))
    outcome = outcome_of(claims, T0 + days(4))
    assert (outcome.states, codes(outcome)) == (before.states, [])


# --- the time of filing


def test_C28_a_submission_stamp_that_is_moved_back_later_gains_no_place() -> None:
    claims, _ = run(group(registration("r1"), registration("r2", T0 + days(1), partner_id="P02")), T0 + days(2))
    moved = registration("r2", T0 - days(9), partner_id="P02")
    claims = replace(claims, registrations=(claims.registrations[0], moved))
    outcome = outcome_of(claims, T0 + days(3))
    assert (state(outcome, "r2").application, state(outcome, "r2").received_at) == ("waiting", T0 + days(1))
    assert outcome.decisions == ()


def test_C28_one_that_was_withdrawn_and_filed_again_has_the_place_of_its_second_filing() -> None:
    first = registration("r1")
    claims, _ = run(group(registration("r0", T0 - days(1), partner_id="P02"), first))
    given_up = replace(first, status=FiledStatus.WITHDRAWN, modified_at=T0 + days(1))
    claims = replace(claims, registrations=(claims.registrations[0], given_up))
    claims, _ = run(claims, T0 + days(1))
    again = registration("r1", T0 + days(2))
    claims, outcome = run(replace(claims, registrations=(claims.registrations[0], again)), T0 + days(3))
    assert state(outcome, "r1").received_at == T0 + days(2)
    assert state(outcome_of(claims, T0 + days(4)), "r1").received_at == T0 + days(2)


def test_what_is_recorded_survives_the_store() -> None:
    """Evidence is plain JSON, so that a second run reads what the first one wrote."""
    woken = replace(DORMANT, last_activity_on=(T0 + days(1)).date())
    claims = said(group(registration(), woken), (T0 - days(80), DORMANT), (T0 + days(1), woken))
    _, first = run(claims, T0 + days(2))
    again = recorded(claims, first)
    assert outcome_of(again, T0 + days(2)) == replace(first, decisions=())


def test_a_person_rules_on_a_late_fact_and_only_then_something_follows() -> None:
    claims, _ = run(group(registration()))
    claims = joined(claims, opportunity(modified_at=T0 - days(5)))
    now = T0 + days(1)
    found = collision(outcome_of(claims, now), "C08")
    for winner, expected in ((found.other, REJECTED), (found.registration, APPROVED)):
        ruling = rule(found, winner, Actor.person("kim"), now, POLICY, "we were there")
        assert check_person(claims, POLICY, now, ruling) == []
        ruled = replace(claims, decisions=(*claims.decisions, ruling))
        outcome = outcome_of(ruled, now)
        assert state(outcome).application == expected
        assert [(c.code.value, c.state, c.rule) for c in outcome.collisions] == [("C08", "ruled", "person:kim")]


def test_C20_is_ruled_by_a_person_and_the_other_protection_ends() -> None:
    one, _ = run(group(registration("r1")))
    two, _ = run(group(registration("r2", T0 + days(1), partner_id="P02")), T0 + days(2))
    merged = replace(joined(one, *two.registrations), decisions=(*one.decisions, *two.decisions))
    now = T0 + days(3)
    found = collision(outcome_of(merged, now), "C20")
    ruling = rule(found, found.other, Actor.person("kim"), now, POLICY)
    assert check_person(merged, POLICY, now, ruling) == []
    outcome = outcome_of(replace(merged, decisions=(*merged.decisions, ruling)), now)
    assert [state(outcome, r).protection for r in ("r1", "r2")] == ["active", "expired"]
