"""What is to be told to whom and when: recorded once, whenever the daemon ran, in words for each reader."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from syncd.model import Actor, ClaimGroup, Decision, DecisionKind, FiledStatus, Ref
from syncd.policy import Audience, Options, Policy, act, decide
from syncd.policy.reminders import SAID, Notice, notices

from .factories import (
    GO_LIVE,
    PRM,
    RETURNED,
    REVIEW,
    SETTLED,
    T0,
    by_person,
    days,
    group,
    registration,
    run,
    seconds,
    state,
)

END = SETTLED + days(90)
REF = Ref(PRM, "deal", "r1")


def policy(**changes: Any) -> Policy:
    return Policy.model_validate({"reminders": {"before_days": [30, 14, 7, 1], "after_days": [0, 1]}, **changes})


POLICY = policy()


def told(claims: ClaimGroup) -> list[tuple[str, datetime]]:
    """What was recorded, in the order of its instants."""
    found = [(d.reason, d.effective_at) for d in claims.decisions if d.kind is DecisionKind.REMINDED]
    assert len(set(found)) == len(found), "nothing is told twice"
    return sorted(found, key=lambda pair: pair[1])


def through(claims: ClaimGroup, *instants: datetime, by: Policy = POLICY) -> ClaimGroup:
    """Decide at each of these instants."""
    for now in instants:
        claims, _ = run(claims, now, by)
    return claims


def to_read(claims: ClaimGroup, now: datetime, by: Policy = POLICY) -> list[Notice]:
    said = [d for d in claims.decisions if d.kind in SAID]
    return notices(said, decide(claims, by, now).states, now)


BEFORE = [("ending", END - days(left)) for left in (30, 14, 7, 1)]
AFTER = [("ended", END), ("ended", END + days(1))]


def test_case_17_what_is_due_is_recorded_once_at_its_instant_whenever_the_daemon_ran() -> None:
    awake = through(group(registration()), *(T0 + days(n) for n in range(1, 95)))
    asleep = through(group(registration()), T0 + days(95))
    assert told(awake) == told(asleep) == BEFORE + AFTER
    for restarted in (END + days(2), END + days(300)):
        assert decide(asleep, POLICY, restarted).decisions == ()


def test_a_reminder_is_due_at_its_instant_and_not_before() -> None:
    claims, outcome = run(group(registration()), T0 + days(1), POLICY)
    assert outcome.next_due == END - days(30)
    assert told(through(claims, END - days(30) - seconds(1))) == []
    claims, outcome = run(claims, END - days(30), POLICY)
    assert told(claims) == BEFORE[:1]
    assert outcome.next_due == END - days(14)


def test_another_end_has_reminders_of_its_own_and_what_it_passed_over_is_not_told() -> None:
    """Prolonged ten days before its end: the two that were due count, then those of the new end."""
    claims = through(group(registration()), T0 + days(1))
    at = END - days(10)
    made = act(DecisionKind.EXTENDED, REF, Actor.person("kim"), at, claims, POLICY, "", Options(days=20))
    claims = replace(claims, decisions=(*claims.decisions, replace(made, seq=9)))
    new = END + days(20)
    assert told(through(claims, new + days(5))) == [
        *BEFORE[:2], *(("ending", new - days(left)) for left in (30, 14, 7, 1) if new - days(left) >= at),
        ("ended", new), ("ended", new + days(1)),
    ]  # fmt: skip


def test_what_a_person_ended_or_suspended_is_not_reminded_of() -> None:
    claims = through(group(registration()), T0 + days(1))
    for kind in (DecisionKind.REVOKED, DecisionKind.SUSPENDED):
        stopped = replace(claims, decisions=(*claims.decisions, by_person(kind, "r1", END - days(20), reason="x")))
        assert told(through(stopped, END - days(1))) == BEFORE[:1]


def test_nothing_from_before_go_live_is_told() -> None:
    claims = group(registration(), go_live=END - days(8))
    adopted = replace(claims.registrations[0], status=FiledStatus.APPROVED, approved_at=SETTLED, protected_until=END)
    assert told(through(replace(claims, registrations=(adopted,)), END + days(3))) == BEFORE[2:] + AFTER
    assert GO_LIVE < END


def test_as_shipped_nobody_is_reminded() -> None:
    assert told(through(group(registration()), END + days(3), by=Policy())) == []


def test_a_partner_who_does_not_answer_is_reminded_until_the_answer_comes() -> None:
    asking = policy(reminders={"unanswered_days": [3, 6]})
    claims = through(group(registration(proof=None)), T0 + days(4), by=asking)
    assert told(claims) == [("unanswered", SETTLED + days(3))]
    (notice,) = to_read(claims, T0 + days(4), asking)
    assert (notice.audience, state(decide(claims, asking, T0 + days(4))).application) == (Audience.PARTNER, RETURNED)
    assert notice.text.endswith("has waited for your answer for 3 days. You keep your place.")
    answer = replace(claims.registrations[0], proof="minutes", modified_at=T0 + days(5))
    claims = through(replace(claims, registrations=(answer,)), T0 + days(9), by=asking)
    assert told(claims) == [("unanswered", SETTLED + days(3))]
    assert to_read(claims, T0 + days(9), asking) == []


def test_when_the_time_to_decide_is_over_the_next_in_line_is_told_and_nothing_is_approved() -> None:
    """T0 is a Monday: eight hours of the round clock of the week later the time is over."""
    late = policy(approval="manual", review={"within_hours": 8}, reminders={"overdue": True})
    claims, outcome = run(group(registration()), SETTLED + days(2), late)
    assert told(claims) == [("overdue", SETTLED + days(8 / 24))]
    assert state(outcome).application == REVIEW
    (notice,) = to_read(claims, SETTLED + days(2), late)
    assert (notice.audience, "is yours to decide" in notice.text) == (Audience.MANAGER, True)
    by_kim = by_person(DecisionKind.APPROVED, "r1", SETTLED + days(3))
    claims = through(replace(claims, decisions=(*claims.decisions, by_kim)), SETTLED + days(4), by=late)
    assert to_read(claims, SETTLED + days(4), late) == []


def test_a_partner_who_waits_is_told_every_so_often_and_not_for_every_time_that_was_slept_through() -> None:
    often = policy(approval="manual", reminders={"waiting_every_days": 10})
    claims, outcome = run(group(registration()), T0 + days(9), often)
    assert (told(claims), outcome.next_due) == ([], T0 + days(10))
    claims = through(claims, T0 + days(35), T0 + days(36), by=often)
    assert told(claims) == [("waiting", T0 + days(30))]
    (notice,) = to_read(claims, T0 + days(36), often)
    assert (notice.audience, "There is no decision about" in notice.text) == (Audience.PARTNER, True)


def test_of_what_a_sleeping_daemon_recorded_late_the_last_is_told_with_the_days_that_are_left() -> None:
    claims = through(group(registration()), T0 + days(1), END - days(5))
    assert len(told(claims)) == 3
    found = {notice.audience: notice for notice in to_read(claims, END - days(5))}
    assert {notice.at for notice in found.values()} == {END - days(7)}
    assert found[Audience.MANAGER].text == (
        "The protection of DR-QZCFPBTK (Wychwood Integrators) ends on 30 August 2026 (UTC), in 5 days."
    )
    assert "Wychwood" not in found[Audience.PARTNER].text
    assert to_read(claims, END) == [], "what has ended is not told as ending"


def test_an_extension_that_was_asked_for_is_told_to_the_manager_until_it_is_answered_whatever_else_is_due() -> None:
    claims = through(group(registration()), T0 + days(1))
    wanted = replace(claims.registrations[0], extension_asked_at=END - days(8))
    claims = through(replace(claims, registrations=(wanted,)), END - days(7), END - days(6))
    assert [(n.event, n.audience) for n in to_read(claims, END - days(6))] == [
        ("requested", Audience.MANAGER), ("ending", Audience.MANAGER), ("ending", Audience.PARTNER),
    ]  # fmt: skip
    assert "has asked for an extension of DR-QZCFPBTK" in to_read(claims, END - days(6))[0].text
    made = act(DecisionKind.DENIED, REF, Actor.person("kim"), END - days(5), claims, POLICY, "no", Options())
    claims = replace(claims, decisions=(*claims.decisions, replace(made, seq=99)))
    assert {n.event for n in to_read(claims, END - days(4))} == {"ending"}


@pytest.mark.parametrize(
    ("reminders", "says"),
    [
        ({"before_days": [0]}, "before_days wants different whole days from 1 to 365"),
        ({"after_days": [1, 1]}, "after_days wants different whole days"),
        ({"unanswered_days": [400]}, "unanswered_days wants different whole days"),
    ],
)
def test_days_that_make_no_sense_are_refused(reminders: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        policy(reminders=reminders)


def test_a_reminder_is_evidence_of_what_is_told_to_whom() -> None:
    claims = through(group(registration()), END - days(29))
    made: Decision = next(d for d in claims.decisions if d.kind is DecisionKind.REMINDED)
    assert made.evidence == {
        "event": "ending", "days": 30, "until": END.isoformat(), "to": ["partner", "manager"],
    }  # fmt: skip
