"""Disputes: one appeal, to somebody else, in time, and then it is final; a ladder with deadlines; figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from syncd.model import Actor, ClaimGroup, Decision
from syncd.policy import Policy, appeal, check_person, decide, rule
from syncd.policy.book import Book
from syncd.policy.disputes import dispute, history_of, metrics

from .factories import (
    APPROVED,
    POLICY,
    REJECTED,
    T0,
    collision,
    days,
    group,
    opportunity,
    registration,
    run,
    seconds,
    state,
)

KIM, LEE, SAM = (Actor.person(name) for name in ("kim", "lee", "sam"))
TIE = (registration("r1"), registration("r2", T0 + seconds(1), partner_id="P02"))
RECEIVED = {r.ref: r.received_at for r in TIE}
MONDAY = T0  # the first of June 2026 is a Monday


def ruled(claims: ClaimGroup, winner: str, who: Actor, at: datetime, code: str = "C06") -> Decision:
    """A ruling on the one collision with this code."""
    found = collision(decide(claims, POLICY, at), code)
    (side,) = [ref for ref in (found.registration, found.other) if ref.id == winner]
    return rule(found, side, who, at, POLICY, "because")


def appealed(claims: ClaimGroup, who: Actor, at: datetime, code: str = "C06", reason: str = "new proof") -> Decision:
    """An appeal against it."""
    return appeal(collision(decide(claims, POLICY, at), code), who, at, POLICY, reason)


def refused(claims: ClaimGroup, made: Decision, policy: Policy = POLICY) -> str:
    """Why it is refused."""
    return " ".join(check_person(claims, policy, made.at, made))


def added(claims: ClaimGroup, made: Decision) -> ClaimGroup:
    """The group with a decision that must be allowed, after the next cycle."""
    assert refused(claims, made) == ""
    return run(replace(claims, decisions=(*claims.decisions, replace(made, seq=len(claims.decisions)))), made.at)[0]


def first_ruling() -> ClaimGroup:
    """A tie that kim ruled for `r1` on Tuesday."""
    claims, _ = run(group(*TIE), MONDAY + seconds(60))
    return added(claims, ruled(claims, "r1", KIM, MONDAY + days(1)))


def test_an_appeal_changes_nothing_until_somebody_else_has_ruled() -> None:
    claims = added(first_ruling(), appealed(first_ruling(), SAM, MONDAY + days(2)))
    outcome = decide(claims, POLICY, MONDAY + days(3))
    met = collision(outcome, "C06")
    assert (met.state, met.winner) == ("appealed", met.other)
    assert (state(outcome, "r1").application, state(outcome, "r2").application) == (APPROVED, REJECTED)
    assert "an appeal is decided by somebody else" in refused(claims, ruled(claims, "r2", KIM, MONDAY + days(3)))
    assert "has appealed" in refused(claims, ruled(claims, "r2", SAM, MONDAY + days(3)))
    claims = added(claims, ruled(claims, "r2", LEE, MONDAY + days(3)))
    outcome = decide(claims, POLICY, MONDAY + days(4))
    met = collision(outcome, "C06")
    assert (met.state, met.winner, met.rule) == ("final", met.registration, "person:lee")
    assert (state(outcome, "r1").application, state(outcome, "r2").since) == (REJECTED, MONDAY + days(3))


def test_an_appeal_is_decided_by_somebody_else_under_whatever_name() -> None:
    people = [{"email": "kim@x", "names": ["kim", "kkane"]}, {"email": "sam@x", "names": ["sam", "ssmith"]}]
    how = Policy.model_validate({"review": {"people": people}})
    claims = added(first_ruling(), appealed(first_ruling(), SAM, MONDAY + days(2)))
    for name, says in (("kkane", "has decided"), ("ssmith", "has appealed"), ("lee", "")):
        found = refused(claims, ruled(claims, "r2", Actor.person(name), MONDAY + days(3)), how)
        assert says in found if says else found == ""


def test_what_was_decided_on_appeal_is_final() -> None:
    claims = added(first_ruling(), appealed(first_ruling(), SAM, MONDAY + days(2)))
    claims = added(claims, ruled(claims, "r1", LEE, MONDAY + days(3)))
    assert "decided on appeal by lee, and that is final" in refused(claims, ruled(claims, "r2", KIM, MONDAY + days(4)))
    assert "there is one appeal" in refused(claims, appealed(claims, SAM, MONDAY + days(4)))


def test_without_an_appeal_a_person_may_rule_again() -> None:
    claims = added(first_ruling(), ruled(first_ruling(), "r2", KIM, MONDAY + days(2)))
    met = collision(decide(claims, POLICY, MONDAY + days(3)), "C06")
    assert (met.state, met.winner) == ("ruled", met.registration)


@pytest.mark.parametrize(
    ("at", "says"),
    [
        (MONDAY + days(7), ""),  # Monday of the next week, the fourth business day
        (MONDAY + days(8) + seconds(12 * 3600 - 1), ""),  # the last second of the fifth
        (MONDAY + days(8) + seconds(12 * 3600), "the time to appeal ended at 00:00 on 10 June 2026"),
    ],
)
def test_an_appeal_is_in_time_for_five_business_days(at: datetime, says: str) -> None:
    claims = first_ruling()
    found = refused(claims, appealed(claims, SAM, at))
    assert says in found if says else found == ""


def test_holidays_and_the_region_of_the_partner_move_the_last_day() -> None:
    how = Policy.model_validate({"calendars": [{"zone": "Europe/London", "holidays": ["2026-06-04"]}]})
    claims, late = first_ruling(), MONDAY + days(9)
    assert "the time to appeal ended at 23:00 on 10 June" in refused(claims, appealed(claims, SAM, late + days(1)), how)
    assert refused(claims, appealed(claims, SAM, late), how) == ""


def test_what_a_rule_decided_can_be_appealed_too() -> None:
    claims, _ = run(group(registration(), opportunity()))
    claims = added(claims, appealed(claims, SAM, MONDAY + days(1), "C08"))
    assert collision(decide(claims, POLICY, MONDAY + days(2)), "C08").state == "appealed"
    claims = added(claims, ruled(claims, "r1", KIM, MONDAY + days(2), "C08"))
    outcome = decide(claims, POLICY, MONDAY + days(3))
    assert (collision(outcome, "C08").state, state(outcome).application) == ("final", APPROVED)
    counted = metrics(outcome.collisions, claims.decisions, {})
    assert (counted.appealed, counted.overturned) == (1, 1), "the word of a rule was overturned"


def test_what_a_rule_decided_and_an_appeal_upheld_is_not_overturned() -> None:
    claims, outcome = run(group(registration(), opportunity()))
    claims = added(claims, appealed(claims, SAM, MONDAY + days(1), "C08"))
    claims = added(claims, ruled(claims, "o1", KIM, MONDAY + days(2), "C08"))
    outcome = decide(claims, POLICY, MONDAY + days(3))
    assert collision(outcome, "C08").state == "final"
    assert metrics(outcome.collisions, claims.decisions, {}).overturned == 0


def test_nothing_is_appealed_that_is_open_unknown_or_without_a_reason() -> None:
    claims, _ = run(group(*TIE), MONDAY + seconds(60))
    open_ = appealed(claims, SAM, MONDAY + days(1))
    assert "is not decided yet; `syncd rule` decides it" in refused(claims, open_)
    unknown = replace(open_, evidence={"collision": "C06-r2-r9", "against": "prm/deal/r9"})
    assert "There is no collision C06-r2-r9" in refused(claims, unknown)
    assert "Say with --reason" in refused(first_ruling(), appealed(first_ruling(), SAM, MONDAY + days(2), reason=" "))
    never = Policy.model_validate({"disputes": {"appeal_days": 0}})
    assert "knows no appeal" in refused(first_ruling(), appealed(first_ruling(), SAM, MONDAY + days(2)), never)


LADDER = Policy.model_validate(
    {
        "disputes": {
            "ladder": [{"level": "channel manager", "days": 3}, {"level": "head of partnerships", "days": 5}],
        }
    }
)


@pytest.mark.parametrize(
    ("at", "level", "overdue"),
    [
        (MONDAY + days(1), "channel manager", False),
        (MONDAY + days(3), "channel manager", False),  # Thursday is the third business day
        (MONDAY + days(3) + seconds(12 * 3600), "head of partnerships", False),
        (MONDAY + days(6), "head of partnerships", False),
        (MONDAY + days(8), "head of partnerships", True),
    ],
)
def test_a_dispute_climbs_the_ladder_and_stays_on_its_last_step(at: datetime, level: str, overdue: bool) -> None:
    claims, outcome = run(group(*TIE), MONDAY + seconds(60), LADDER)
    found = collision(outcome, "C06")
    book = Book(claims, LADDER, at)
    how = dispute(found, book.by_ref[found.registration], LADDER, claims.managers, at, history_of(found, book))
    assert (how.level, how.overdue, how.state) == (level, overdue, "open")
    assert str(how.seat) == "Max Manager", "the manager of the partner who filed later"


def test_without_a_ladder_the_clock_of_reviews_counts() -> None:
    how = Policy.model_validate({"review": {"within_hours": 24}})
    claims, outcome = run(group(*TIE), MONDAY + seconds(60), how)
    found, book = collision(outcome, "C06"), Book(claims, how, MONDAY + days(4))
    waits = dispute(found, book.by_ref[found.registration], how, claims.managers, book.now, history_of(found, book))
    assert (waits.due_at, waits.overdue) == (book.by_ref[found.registration].ready_at + days(1), True)


def test_the_ladder_of_an_appeal_begins_with_the_appeal() -> None:
    claims = added(first_ruling(), appealed(first_ruling(), SAM, MONDAY + days(7)))
    found, book = collision(decide(claims, LADDER, MONDAY + days(8)), "C06"), Book(claims, LADDER, MONDAY + days(8))
    how = dispute(found, book.by_ref[found.registration], LADDER, claims.managers, book.now, history_of(found, book))
    assert (how.state, how.level, how.opened_at) == ("appealed", "channel manager", MONDAY + days(7))


def test_figures_count_who_was_first_what_was_overturned_and_how_long_it_took() -> None:
    claims = added(first_ruling(), appealed(first_ruling(), SAM, MONDAY + days(2)))
    claims = added(claims, ruled(claims, "r2", LEE, MONDAY + days(3)))
    outcome = decide(claims, POLICY, MONDAY + days(4))
    counted = metrics(outcome.collisions, claims.decisions, RECEIVED)
    assert (counted.ruled, counted.first_sustained, counted.sustained_percent) == (1, 0, 0.0)
    assert (counted.appealed, counted.overturned, counted.median_hours) == (1, 1, 24.0)
    upheld = first_ruling()
    counted = metrics(decide(upheld, POLICY, MONDAY + days(2)).collisions, upheld.decisions, RECEIVED)
    assert (counted.sustained_percent, counted.appealed, counted.overturned) == (100.0, 0, 0)
    assert metrics((), (), {}).sustained_percent is None
