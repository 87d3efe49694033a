"""Who else has a claim: C01, C03, C06, C07, C08, C13 decide, C09 and C10 inform (docs/rulings.md 5.8 to 5.11, 8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from syncd.model import DecisionKind, FiledStatus, Outcome, Registration
from syncd.policy import Policy

from .factories import (
    APPROVED,
    GO_LIVE,
    PENDING,
    POLICY,
    PRM,
    REJECTED,
    REVIEW,
    SETTLED,
    T0,
    WAITING,
    approved,
    closed,
    codes,
    collision,
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

SHORT = Policy.model_validate({"protection": {"days": 10}})
MANUAL = Policy.model_validate({"approval": "manual"})


def of_pell(id_: str = "r2", received: datetime | None = T0 + days(1), **changes: object) -> Registration:
    """A filing of another partner."""
    return registration(id_, received, partner_id="P02", **changes)


def lines(outcome: Outcome) -> list[tuple[str, str, str, str | None]]:
    """Collisions as (code, registration, other, winner)."""
    return [
        (c.code.value, c.registration.id, c.other.id, c.winner.id if c.winner else None) for c in outcome.collisions
    ]


# C01


def test_C01_a_second_filing_of_the_same_partner_is_a_duplicate() -> None:
    _, outcome = run(group(registration("r1"), registration("r2", T0 + days(3))), T0 + days(4))
    assert (state(outcome, "r2").application, state(outcome, "r2").reason) == (REJECTED, "duplicate")
    assert lines(outcome) == [("C01", "r2", "r1", "r1")]
    assert decision(outcome, DecisionKind.REJECTED, "r2").effective_at == T0 + days(3) + seconds(2)


def test_C01_another_product_is_another_deal_C04() -> None:
    other = registration("r2", T0 + days(3), products=frozenset({"BOARD"}))
    _, outcome = run(group(registration("r1"), other), T0 + days(4))
    assert (state(outcome, "r2").application, codes(outcome)) == (APPROVED, [])


@pytest.mark.parametrize("products", [frozenset({"PLAN", "BOARD"}), frozenset()])
def test_C01_scopes_meet_in_one_product_or_where_none_is_named(products: frozenset[str]) -> None:
    policy = Policy.model_validate({"required": ["company.name"]})
    filings = (registration("r1"), registration("r2", T0 + days(3), products=products))
    _, outcome = run(group(*filings), T0 + days(4), policy)
    assert codes(outcome) == ["C01"]


@pytest.mark.parametrize(("after", "expected"), [(days(10) - seconds(1), REJECTED), (days(10), APPROVED)])
def test_C01_once_the_protection_is_over_the_partner_may_file_again(after: timedelta, expected: str) -> None:
    """What counts is the instant of settlement: the first protection ends at T0 + 2 s + 10 days."""
    filings = (registration("r1"), registration("r2", T0 + after))
    _, outcome = run(group(*filings), T0 + days(30), SHORT)
    assert state(outcome, "r2").application == expected


def test_C01_a_rejected_first_filing_does_not_make_the_second_a_duplicate() -> None:
    stale = registration("r1", first_contact_on=(T0 - days(200)).date())
    _, outcome = run(group(stale, registration("r2", T0 + days(1))), T0 + days(2))
    assert state(outcome, "r2").application == APPROVED


def test_C01_an_adopted_protection_counts() -> None:
    adopted = registration("r1", GO_LIVE - days(5), status=FiledStatus.APPROVED)
    again = registration("r2", GO_LIVE + days(5))
    _, outcome = run(group(adopted, again), GO_LIVE + days(6))
    assert lines(outcome) == [("C01", "r2", "r1", "r1")]


def test_C01_an_earlier_filing_that_is_not_settled_yet_keeps_the_second_pending() -> None:
    slow = registration("r1", T0, connection="slow")
    claims = group(slow, registration("r2", T0 + seconds(5)), clock_error={"slow": 600.0})
    _, outcome = run(claims, T0 + seconds(60))
    assert [state(outcome, r).application for r in ("r1", "r2")] == [PENDING, PENDING]
    _, outcome = run(claims, T0 + seconds(700))
    assert [state(outcome, r).application for r in ("r1", "r2")] == [APPROVED, REJECTED]


def test_C01_an_earlier_filing_that_came_back_after_the_second_was_approved_is_the_duplicate() -> None:
    incomplete = registration("r1", proof=None)
    claims, _ = run(group(incomplete, registration("r2", T0 + days(1))), T0 + days(2))
    completed = registration("r1", modified_at=T0 + days(5))
    claims = replace(claims, registrations=(completed, claims.registrations[1]))
    _, outcome = run(claims, T0 + days(6))
    assert (state(outcome, "r1").reason, state(outcome, "r2").application) == ("duplicate", APPROVED)


# C08


@pytest.mark.parametrize(
    ("created", "expected"), [(T0 - seconds(1), REJECTED), (T0, APPROVED), (T0 + seconds(1), APPROVED)]
)
def test_C08_the_direct_opportunity_was_there_before_the_filing(created: datetime, expected: str) -> None:
    _, outcome = run(group(registration(), opportunity(created=created)))
    assert state(outcome).application == expected
    if expected == REJECTED:
        assert state(outcome).reason == "direct_engaged"
        assert lines(outcome) == [("C08", "r1", "o1", "o1")]


@pytest.mark.parametrize(
    ("closed_at", "reason"), [(T0 + seconds(1), "direct_engaged"), (T0, "recently_lost"), (None, "first_registered")]
)
def test_C08_the_direct_opportunity_was_open_at_the_filing(closed_at: datetime | None, reason: str) -> None:
    _, outcome = run(group(registration(), closed(opportunity(), closed_at)))
    assert state(outcome).reason == reason


@pytest.mark.parametrize(
    ("created_days", "active_days", "expected"),
    [
        (60, None, REJECTED),
        (61, None, APPROVED),
        (400, 60, REJECTED),
        (400, 61, APPROVED),
        (10, 61, APPROVED),
    ],
)
def test_C08_a_dormant_direct_opportunity_does_not_count(
    created_days: int, active_days: int | None, expected: str
) -> None:
    """The last activity counts, or the creation where none is known; by day, the sixtieth day included."""
    active = None if active_days is None else (T0 - days(active_days)).date()
    opp = opportunity(created=T0 - days(created_days), last_activity_on=active)
    _, outcome = run(group(registration(), opp))
    assert state(outcome).application == expected


@pytest.mark.parametrize(
    ("products", "expected"), [({"PLAN", "X"}, REJECTED), ({"BOARD"}, APPROVED), (set(), REJECTED)]
)
def test_C08_products_meet(products: set[str], expected: str) -> None:
    _, outcome = run(group(registration(), opportunity(products=frozenset(products))))
    assert state(outcome).application == expected


def test_C08_each_engaged_opportunity_stands() -> None:
    opps = (opportunity("o1"), opportunity("o2", T0 - days(7)), opportunity("o3", products=frozenset({"X"})))
    _, outcome = run(group(registration(), *opps))
    assert lines(outcome) == [("C08", "r1", "o1", "o1"), ("C08", "r1", "o2", "o2")]
    assert [stamp(outcome, o)["status"] for o in ("o1", "o2", "o3")] == ["direct", "direct", None]


def test_C08_what_was_decided_does_not_change_with_later_facts() -> None:
    claims, before = run(group(registration(), opportunity()))
    gone = replace(claims, opportunities=(closed(opportunity(), T0 + days(1)),))
    _, outcome = run(gone, T0 + days(2))
    assert outcome.decisions == ()
    assert (state(outcome), lines(outcome)) == (state(before), lines(before))


# C13


@pytest.mark.parametrize(
    ("lost_at", "expected"),
    [
        (T0, REVIEW),
        (T0 - days(30) + seconds(1), REVIEW),
        (T0 - days(30), APPROVED),
    ],
)
def test_C13_a_fresh_loss_is_looked_at(lost_at: datetime, expected: str) -> None:
    lost = closed(opportunity(created=T0 - days(200)), lost_at)
    _, outcome = run(group(registration(), lost))
    assert state(outcome).application == expected
    if expected == REVIEW:
        assert state(outcome).reason == "recently_lost"
        assert lines(outcome) == [("C13", "r1", "o1", None)]
        assert collision(outcome, "C13").state == "open"


def test_C13_of_other_products_or_of_a_partner_is_nothing() -> None:
    other = closed(opportunity("o1", products=frozenset({"X"})), T0 - days(1))
    sourced = closed(opportunity("o2", partner_name="Pellmore IT Services"), T0 - days(1))
    _, outcome = run(group(registration(), other, sourced))
    assert state(outcome).application == APPROVED


def test_C13_is_off_at_zero() -> None:
    off = Policy.model_validate({"direct": {"lost_cooldown_days": 0}})
    _, outcome = run(group(registration(), closed(opportunity(), T0)), policy=off)
    assert state(outcome).application == APPROVED


def test_C13_approved_by_a_person_is_ruled_by_that_person() -> None:
    claims, _ = run(group(registration(), closed(opportunity(), T0 - days(1))))
    claims = replace(claims, decisions=(*claims.decisions, approved("r1", T0 + days(1))))
    _, outcome = run(claims, T0 + days(1))
    found = collision(outcome, "C13")
    assert (found.state, found.rule, found.winner) == ("ruled", "person:kim", found.registration)


def test_C13_refused_by_a_person_does_not_say_that_the_lost_deal_stands() -> None:
    claims, _ = run(group(registration(), closed(opportunity(), T0 - days(1))))
    claims = replace(claims, decisions=(*claims.decisions, rejected("r1", T0 + days(1))))
    found = collision(run(claims, T0 + days(1))[1], "C13")
    assert found.winner == found.other
    assert found.sentence.startswith("The opportunity ")
    assert "was lost shortly before" in found.sentence
    assert "was not approved. That was decided by kim." in found.sentence
    assert "stands" not in found.sentence


def test_C08_says_what_stands_and_nothing_about_what_was_written() -> None:
    _, outcome = run(group(registration(), opportunity()))
    sentence = collision(outcome, "C08").sentence
    assert sentence.startswith("The opportunity ")
    assert sentence.endswith(" The direct deal stands.")


# C03, C07, C06


def test_C03_the_second_comes_after_the_first_was_approved() -> None:
    _, outcome = run(group(registration("r1"), of_pell()), T0 + days(2))
    assert [state(outcome, r).application for r in ("r1", "r2")] == [APPROVED, WAITING]
    assert state(outcome, "r2").behind == state(outcome, "r1").ref
    assert lines(outcome) == [("C03", "r2", "r1", "r1")]
    assert collision(outcome, "C03").rule == "first_registered"


@pytest.mark.parametrize(("after", "code"), [(seconds(2), "C03"), (seconds(2) - timedelta(microseconds=1), "C06")])
def test_C03_begins_where_the_tie_ends(after: timedelta, code: str) -> None:
    _, outcome = run(group(registration("r1"), of_pell("r2", T0 + after)), T0 + days(2))
    assert codes(outcome) == [code]


def test_C07_the_second_comes_while_the_first_is_undecided() -> None:
    claims = group(registration("r1"), of_pell("r2", T0 + seconds(5)))
    _, outcome = run(claims, T0 + days(2), MANUAL)
    assert [state(outcome, r).application for r in ("r1", "r2")] == [REVIEW, WAITING]
    assert lines(outcome) == [("C07", "r2", "r1", "r1")]


def test_C07_with_a_slow_source_the_first_settles_after_the_second_came() -> None:
    claims = group(registration("r1"), of_pell("r2", T0 + seconds(30)), clock_error={PRM: 60.0})
    _, outcome = run(claims, T0 + days(2))
    assert codes(outcome) == ["C07"]
    assert [state(outcome, r).application for r in ("r1", "r2")] == [APPROVED, WAITING]


@pytest.mark.parametrize(
    ("apart", "tied"),
    [(timedelta(0), True), (seconds(2) - timedelta(microseconds=1), True), (seconds(2), False)],
)
def test_C06_filings_less_than_the_tie_window_apart_are_for_a_person(apart: timedelta, tied: bool) -> None:
    _, outcome = run(group(registration("r1"), of_pell("r2", T0 + apart)), T0 + days(1))
    reviewed = [state(outcome, r).reason for r in ("r1", "r2")] == ["tie", "tie"]
    assert reviewed is tied
    if tied:
        assert lines(outcome) == [("C06", "r2", "r1", None)]


def test_C06_three_at_once_are_three_open_meetings() -> None:
    third = registration("r3", T0 + seconds(1), partner_id="P03")
    _, outcome = run(group(registration("r1"), of_pell("r2", T0), third), T0 + days(1))
    assert lines(outcome) == [("C06", "r2", "r1", None), ("C06", "r3", "r1", None), ("C06", "r3", "r2", None)]


def test_C06_a_rival_that_a_rule_refuses_is_no_rival() -> None:
    claims = group(registration("r1"), of_pell("r2", T0 + seconds(1), proof=None))
    _, outcome = run(claims, T0 + days(1))
    assert state(outcome, "r1").application == APPROVED
    assert state(outcome, "r1").since == SETTLED


def test_C06_of_one_partner_is_a_duplicate_not_a_tie() -> None:
    _, outcome = run(group(registration("r1"), registration("r2", T0 + seconds(1))), T0 + days(1))
    assert codes(outcome) == ["C01"]


def test_C06_disjoint_products_both_stand_C04() -> None:
    _, outcome = run(group(registration("r1"), of_pell("r2", T0, products=frozenset({"X"}))), T0 + days(1))
    assert [state(outcome, r).application for r in ("r1", "r2")] == [APPROVED, APPROVED]


def test_C06_behind_a_third_claim_both_wait_before_they_tie() -> None:
    third = registration("r0", T0 - days(1), partner_id="P03")
    claims = group(third, registration("r1"), of_pell("r2", T0))
    _, outcome = run(claims, T0 + days(1), SHORT)
    assert [state(outcome, r).application for r in ("r0", "r1", "r2")] == [APPROVED, WAITING, WAITING]
    _, outcome = run(claims, T0 + days(20), SHORT)
    assert [state(outcome, r).reason for r in ("r1", "r2")] == ["tie", "tie"]


def test_C06_that_surfaces_after_the_first_was_approved_only_waits() -> None:
    claims, _ = run(group(registration("r1")), T0 + days(1))
    late = of_pell("r0", T0 - seconds(1))
    claims = replace(
        claims, registrations=(*claims.registrations, late), companies=group(late, registration("r1")).companies
    )
    _, outcome = run(claims, T0 + days(2))
    assert [state(outcome, r).application for r in ("r0", "r1")] == [WAITING, APPROVED]
    assert lines(outcome) == [("C07", "r1", "r0", None)]
    assert (collision(outcome, "C07").rule, collision(outcome, "C07").state) == ("late_fact", "open")


def test_waiting_ends_when_what_is_ahead_ends_and_takes_effect_then() -> None:
    claims = group(registration("r1"), of_pell())
    end = SETTLED + days(10)
    _, outcome = run(claims, end - timedelta(microseconds=1), SHORT)
    assert state(outcome, "r2").application == WAITING
    assert outcome.next_due == end
    _, outcome = run(claims, end, SHORT)
    assert (state(outcome, "r2").application, state(outcome, "r2").since) == (APPROVED, end)
    assert lines(outcome) == [("C03", "r2", "r1", "r1")]


def test_a_chain_of_waiting_claims_is_served_in_order_even_if_the_daemon_slept() -> None:
    third = registration("r3", T0 + days(2), partner_id="P03")
    claims = group(registration("r1"), of_pell(), third)
    _, outcome = run(claims, T0 + days(25), SHORT)
    starts = [state(outcome, r).since for r in ("r1", "r2", "r3")]
    assert starts == [SETTLED, SETTLED + days(10), SETTLED + days(20)]
    assert [state(outcome, r).protection.value for r in ("r1", "r2", "r3")] == ["expired", "expired", "active"]


def test_a_waiting_claim_blocks_those_behind_it() -> None:
    both = of_pell("r2", T0 + days(1), products=frozenset({"PLAN", "X"}))
    third = registration("r3", T0 + days(2), partner_id="P03", products=frozenset({"X"}))
    _, outcome = run(group(registration("r1"), both, third), T0 + days(3))
    assert state(outcome, "r3").behind == state(outcome, "r2").ref


def test_a_claim_ahead_that_a_person_rejects_frees_the_place_from_then_on() -> None:
    claims, _ = run(group(registration("r1"), of_pell()), T0 + days(2), MANUAL)
    claims = replace(claims, decisions=(*claims.decisions, rejected("r1", T0 + days(5))))
    _, outcome = run(claims, T0 + days(6))
    assert (state(outcome, "r2").application, state(outcome, "r2").since) == (APPROVED, T0 + days(5))
    found = collision(outcome, "C07")
    assert (found.winner, found.rule) == (found.registration, "person:kim")


def test_an_adopted_protection_keeps_later_claims_waiting() -> None:
    adopted = registration("r1", GO_LIVE - days(5), status=FiledStatus.APPROVED)
    _, outcome = run(group(adopted, of_pell("r2", GO_LIVE + days(1))), GO_LIVE + days(2))
    assert (state(outcome, "r2").application, codes(outcome)) == (WAITING, ["C03"])


def test_an_undecided_filing_from_before_go_live_keeps_nobody_waiting() -> None:
    outside = registration("r1", GO_LIVE - days(5))
    _, outcome = run(group(outside, of_pell("r2", GO_LIVE + days(1))), GO_LIVE + days(2))
    assert (state(outcome, "r2").application, codes(outcome)) == (APPROVED, [])


# C09, C10


@pytest.mark.parametrize(
    ("created", "code"),
    [
        (T0 - seconds(1), "C08"),
        (T0, "C10"),
        (SETTLED - timedelta(microseconds=1), "C10"),
        (SETTLED, "C09"),
        (T0 + days(20), "C09"),
    ],
)
def test_C09_and_C10_tell_of_a_later_direct_opportunity(created: datetime, code: str) -> None:
    _, outcome = run(group(registration(), opportunity(created=created)), T0 + days(30))
    assert codes(outcome) == [code]
    if code != "C08":
        found = collision(outcome, code)
        assert (found.winner, found.rule, found.state) == (found.registration, "protection_stands", "ruled")
        assert stamp(outcome, "o1")["status"] == "protected"


@pytest.mark.parametrize(
    "opp",
    [
        closed(opportunity(created=T0 + days(1)), T0 + days(2)),
        opportunity(created=T0 + days(1), products=frozenset({"X"})),
        opportunity(created=T0 + days(1), registration_key="r1"),
        opportunity(created=T0 + days(1), partner_name="Larkrise Digital"),
        opportunity(created=None),
    ],
)
def test_C09_needs_an_open_direct_opportunity_that_meets(opp: object) -> None:
    _, outcome = run(group(registration(), opp), T0 + days(30))
    assert codes(outcome) == []


def test_C09_ends_with_the_protection() -> None:
    claims = group(registration(), opportunity(created=T0 + days(3)))
    _, outcome = run(claims, SETTLED + days(10) - seconds(1), SHORT)
    assert codes(outcome) == ["C09"]
    _, outcome = run(claims, SETTLED + days(10), SHORT)
    assert codes(outcome) == []


def test_C10_while_the_claim_waited_for_a_person() -> None:
    claims, _ = run(group(registration(), opportunity(created=T0 + days(3))), T0 + days(4), MANUAL)
    claims = replace(claims, decisions=(*claims.decisions, approved("r1", T0 + days(5))))
    _, outcome = run(claims, T0 + days(6), MANUAL)
    assert codes(outcome) == ["C10"]


def test_C10_with_a_protection_that_counts_from_the_filing() -> None:
    policy = Policy.model_validate({"approval": "manual", "protection": {"starts": "received"}})
    claims = group(registration(), opportunity(created=T0 + days(3)), approved("r1", T0 + days(5)))
    _, outcome = run(claims, T0 + days(6), policy)
    assert (codes(outcome), state(outcome).since) == (["C10"], T0)


def test_C09_of_an_adopted_protection() -> None:
    adopted = registration("r1", GO_LIVE - days(5), status=FiledStatus.APPROVED)
    _, outcome = run(group(adopted, opportunity(created=GO_LIVE + days(3))), GO_LIVE + days(4))
    assert codes(outcome) == ["C09"]


def test_collisions_of_expired_registrations_are_not_listed_any_more() -> None:
    claims = group(registration("r1"), of_pell())
    _, outcome = run(claims, SETTLED + days(19), SHORT)
    assert codes(outcome) == ["C03"]
    _, outcome = run(claims, SETTLED + days(20), SHORT)
    assert codes(outcome) == []


def test_every_collision_is_said_in_words_with_names() -> None:
    claims = group(registration("r1"), of_pell(), opportunity(created=T0 + days(2)))
    _, outcome = run(claims, T0 + days(3))
    assert [c.sentence for c in outcome.collisions] == [
        "Pellmore IT Services filed DR-QKBOR6Y4 for PLAN on 2 June 2026 (UTC), when DR-QZCFPBTK of Wychwood "
        "Integrators was approved already. The claim DR-QZCFPBTK of Wychwood Integrators stands.",
        "The opportunity Deal o1 was opened while DR-QZCFPBTK of Wychwood Integrators protects PLAN. "
        "The registration DR-QZCFPBTK of Wychwood Integrators stands.",
    ]
    assert Policy() == POLICY
