"""A protection starts, lasts and ends as granted, whenever the daemon ran (docs/rulings.md 6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from syncd.model import Application, ClaimGroup, DecisionKind
from syncd.policy import Policy

from .factories import (
    APPROVED,
    SETTLED,
    T0,
    WAITING,
    approved,
    days,
    decision,
    group,
    kinds,
    registration,
    run,
    seconds,
    stamp,
    state,
)

END = SETTLED + days(90)
INSTANT = timedelta(microseconds=1)
RECEIVED = Policy.model_validate({"protection": {"starts": "received", "days": 10}})


@pytest.mark.parametrize(
    ("now", "protection", "filing"),
    [
        (SETTLED, "active", "approved"),
        (END - INSTANT, "active", "approved"),
        (END, "expired", "expired"),
        (END + days(1000), "expired", "expired"),
    ],
)
def test_a_protection_covers_its_start_and_not_its_end(now: datetime, protection: str, filing: str) -> None:
    _, outcome = run(group(registration()), now)
    assert (state(outcome).protection.value, stamp(outcome, "r1")["status"]) == (protection, filing)


@pytest.mark.parametrize("late", [timedelta(0), days(1), days(700)])
def test_the_expiry_is_effective_at_the_end_whenever_the_daemon_ran(late: timedelta) -> None:
    claims, _ = run(group(registration()))
    claims, outcome = run(claims, END + late)
    assert decision(outcome, DecisionKind.EXPIRED).effective_at == END
    assert run(claims, END + days(1000))[1].decisions == ()


def test_all_decisions_of_a_sleeping_daemon_are_those_of_a_waking_one() -> None:
    _, slept = run(group(registration()), END + days(5))
    claims = group(registration())
    for now in (T0, SETTLED, END, END + days(5)):
        claims, _ = run(claims, now)
    assert [(d.kind, d.effective_at) for d in slept.decisions] == [(d.kind, d.effective_at) for d in claims.decisions]
    assert kinds(claims.decisions) == ["submitted", "approved", "granted", "expired"]


def test_the_next_dates_are_settlement_end_and_end_of_notice() -> None:
    claims = group(registration())
    dues = []
    now = T0
    while True:
        claims, outcome = run(claims, now)
        if outcome.next_due is None:
            break
        dues.append(now := outcome.next_due)
    assert dues == [SETTLED, END, END + days(7)]


def test_counted_from_the_filing_it_starts_there() -> None:
    _, outcome = run(group(registration()), policy=RECEIVED)
    assert (state(outcome).since, state(outcome).until) == (T0, T0 + days(10))


def test_counted_from_the_filing_it_does_not_reach_into_the_protection_before() -> None:
    claims = group(registration("r1"), registration("r2", T0 + days(1), partner_id="P02"))
    _, outcome = run(claims, T0 + days(12), RECEIVED)
    assert (state(outcome, "r2").since, state(outcome, "r2").until) == (T0 + days(10), T0 + days(20))


def test_a_later_policy_does_not_change_a_granted_end() -> None:
    claims, _ = run(group(registration()))
    _, outcome = run(claims, T0 + days(1), RECEIVED)
    assert state(outcome).until == END


def test_the_same_day_rule_of_a_leap_year_is_twenty_four_hours_times_days() -> None:
    leap = datetime.fromisoformat("2028-02-28T23:59:58+00:00")
    _, outcome = run(group(registration(received=leap)), leap + days(1))
    assert state(outcome).until == datetime.fromisoformat("2028-05-29T00:00:00+00:00")


def raced() -> ClaimGroup:
    """Two people approved rivals at once: `r1` first, then `r2`, and nothing was decided in between."""
    filings = (registration("r1"), registration("r2", T0 + days(1), partner_id="P02"))
    return group(*filings, approved("r1", T0 + days(2)), approved("r2", T0 + days(2) + seconds(1)), horizon=None)


def test_of_two_approvals_at_once_the_second_takes_effect_when_the_first_ends() -> None:
    claims, outcome = run(raced(), T0 + days(3))
    assert [state(outcome, r).application for r in ("r1", "r2")] == [APPROVED, WAITING]
    assert state(outcome, "r2").behind == state(outcome, "r1").ref
    _, outcome = run(claims, T0 + days(93))
    assert state(outcome, "r2").since == T0 + days(92)


def test_an_approval_recorded_while_the_rules_could_not_decide_goes_before_them() -> None:
    filings = (registration("r1"), registration("r2", T0 + days(1), partner_id="P02"))
    claims = group(*filings, approved("r2", T0 + days(2)), horizon=None)
    claims, outcome = run(claims, T0 + days(2))
    assert state(outcome, "r1").application == Application.PENDING
    _, outcome = run(replace(claims, horizon=T0 + days(9)), T0 + days(9))
    assert [state(outcome, r).application for r in ("r1", "r2")] == [WAITING, APPROVED]


def test_a_waiting_claim_that_a_person_approved_goes_first_when_the_way_is_free() -> None:
    filings = [registration(f"r{i}", T0 + days(i), partner_id=f"P0{i}") for i in (1, 2, 3)]
    claims, _ = run(group(*filings), T0 + days(4))
    claims = replace(claims, decisions=(*claims.decisions, approved("r3", T0 + days(5))))
    claims, outcome = run(claims, T0 + days(6))
    assert [state(outcome, f"r{i}").application for i in (1, 2, 3)] == [APPROVED, WAITING, WAITING]
    end = T0 + days(91) + seconds(2)
    _, outcome = run(claims, end)
    assert (state(outcome, "r3").since, state(outcome, "r2").application) == (end, WAITING)


def test_the_grant_says_what_it_covers_and_how_it_was_counted() -> None:
    _, outcome = run(group(registration(products=frozenset({"PLAN", "BOARD"}))))
    made = decision(outcome, DecisionKind.GRANTED)
    assert made.evidence == {
        "since": SETTLED.isoformat(),
        "until": END.isoformat(),
        "products": ["BOARD", "PLAN"],
        "starts": "approved",
        "days": 90,
        "value": "50000 GBP",
    }
