"""Extensions that partners ask for in the portal: who waits behind them, until when, and what an answer does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.model import Actor, ClaimGroup, DecisionKind, Outcome, Protection, Ref
from syncd.policy import Options, Policy, act, check_person, decide

from .factories import (
    APPROVED,
    PENDING,
    POLICY,
    PRM,
    SETTLED,
    T0,
    WAITING,
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

HOLD = Policy.model_validate({"extension": {"requests_hold": True}})
END = SETTLED + days(90)
GRACE = END + days(14)
FIRST = registration("r1")
LINE = (FIRST, registration("r2", T0 + days(1), partner_id="P02"))


def asked(at: datetime, claims: ClaimGroup) -> ClaimGroup:
    """The first partner has asked for an extension."""
    first, *rest = claims.registrations
    return replace(claims, registrations=(replace(first, extension_asked_at=at), *rest))


def in_line(policy: Policy = HOLD) -> ClaimGroup:
    """One protection, and another partner behind it."""
    return run(group(*LINE), T0 + days(2), policy)[0]


def answered(claims: ClaimGroup, kind: DecisionKind, at: datetime, policy: Policy = HOLD) -> ClaimGroup:
    """A person grants or refuses what was asked for."""
    made = act(kind, Ref(PRM, "deal", "r1"), Actor.person("kim"), at, claims, policy, "because", Options())
    assert check_person(claims, policy, at, made) == []
    return replace(claims, decisions=(*claims.decisions, replace(made, seq=len(claims.decisions))))


def stands(outcome: Outcome) -> tuple[str, str]:
    return state(outcome, "r1").protection, state(outcome, "r2").application


def test_case_26_a_request_in_time_keeps_who_waits_waiting_until_it_is_decided() -> None:
    claims, outcome = run(asked(END - days(1), in_line()), END - days(1), HOLD)
    made = decision(outcome, DecisionKind.REQUESTED)
    assert (made.effective_at, made.actor) == (END - days(1), Actor("source", PRM))
    claims, outcome = run(claims, END + days(3), HOLD)
    assert stands(outcome) == (Protection.EXPIRED, WAITING)
    assert "asked for on 29 August 2026" in state(outcome).detail
    assert "Until 13 September 2026 (UTC) at the latest nobody follows" in state(outcome).detail
    claims = answered(claims, DecisionKind.EXTENDED, END + days(3))
    claims, outcome = run(claims, END + days(4), HOLD)
    assert stands(outcome) == (Protection.ACTIVE, WAITING)
    assert (state(outcome).since, state(outcome).until) == (SETTLED, END + days(30)), "no gap"
    assert "asked for" not in state(outcome).detail
    _, outcome = run(claims, END + days(31), HOLD)
    assert state(outcome, "r2").since == END + days(30)


def test_the_next_in_line_follows_from_the_refusal_on_or_from_the_end() -> None:
    claims, _ = run(asked(END - days(1), in_line()), END + days(3), HOLD)
    late = answered(claims, DecisionKind.DENIED, END + days(3))
    assert state(run(late, END + days(5), HOLD)[1], "r2").since == END + days(3)
    claims, _ = run(asked(END - days(5), in_line()), END - days(4), HOLD)
    early = answered(claims, DecisionKind.DENIED, END - days(3))
    assert state(run(early, END + days(5), HOLD)[1], "r2").since == END


def test_a_request_that_nobody_answers_holds_for_the_days_of_grace() -> None:
    claims, outcome = run(asked(END - days(1), in_line()), GRACE - seconds(1), HOLD)
    assert stands(outcome) == (Protection.EXPIRED, WAITING)
    assert outcome.next_due == GRACE
    for woken in (GRACE, GRACE + days(100)):
        assert state(run(claims, woken, HOLD)[1], "r2").since == GRACE
    made = act(
        DecisionKind.EXTENDED, Ref(PRM, "deal", "r1"), Actor.person("kim"), GRACE, claims, HOLD, "late", Options()
    )
    assert check_person(claims, HOLD, GRACE, made) != []


@pytest.mark.parametrize(
    ("policy", "at"),
    [(HOLD, END), (HOLD, END + days(1)), (HOLD, SETTLED - days(1)), (POLICY, END - days(1))],
    ids=["at the end", "after it", "before the protection", "as shipped"],
)
def test_a_request_out_of_time_or_as_shipped_holds_nobody_back(policy: Policy, at: datetime) -> None:
    _, outcome = run(asked(at, in_line(policy)), END + days(2), policy)
    assert stands(outcome) == (Protection.EXPIRED, APPROVED)
    assert state(outcome, "r2").since == END


def test_nobody_follows_before_every_request_from_before_the_end_can_have_been_seen() -> None:
    claims = replace(in_line(), horizon=END - seconds(1))
    claims, outcome = run(claims, END + seconds(30), HOLD)
    assert stands(outcome) == (Protection.EXPIRED, PENDING)
    seen = replace(asked(END - seconds(2), claims), horizon=END + seconds(60))
    assert stands(run(seen, END + seconds(60), HOLD)[1]) == (Protection.EXPIRED, WAITING)
    silent = replace(claims, horizon=END)
    assert state(run(silent, END + seconds(60), HOLD)[1], "r2").since == END


def test_a_request_counts_whenever_the_daemon_ran() -> None:
    awake = asked(END - days(2), in_line())
    for step in range(0, 20):
        awake, _ = run(awake, END - days(2) + timedelta(days=step), HOLD)
    asleep, outcome = run(asked(END - days(2), group(*LINE)), END + days(17), HOLD)
    assert {(d.kind, d.subject, d.effective_at) for d in awake.decisions} == {
        (d.kind, d.subject, d.effective_at) for d in asleep.decisions
    }
    assert state(outcome, "r2").since == GRACE
    assert kinds(asleep.decisions).count("requested") == 1


def test_a_second_request_is_a_new_one_and_the_same_one_is_recorded_once() -> None:
    claims, _ = run(asked(END - days(9), in_line()), END - days(8), HOLD)
    assert run(claims, END - days(7), HOLD)[1].decisions == ()
    claims = answered(claims, DecisionKind.DENIED, END - days(7))
    claims, outcome = run(asked(END - days(1), claims), END + days(1), HOLD)
    assert stands(outcome) == (Protection.EXPIRED, WAITING)
    assert kinds(claims.decisions).count("requested") == 2


def test_a_refusal_needs_a_request_and_words() -> None:
    claims = in_line()
    made = act(DecisionKind.DENIED, FIRST.ref, Actor.person("kim"), T0 + days(5), claims, HOLD, "no", Options())
    assert "Nobody waits for an answer" in " ".join(check_person(claims, HOLD, T0 + days(5), made))
    claims, _ = run(asked(T0 + days(4), claims), T0 + days(5), HOLD)
    assert "Say with --reason why" in " ".join(check_person(claims, HOLD, made.at, replace(made, reason=" ")))


def test_a_protection_that_was_ended_by_a_person_holds_nobody_back() -> None:
    claims, _ = run(asked(END - days(9), in_line()), END - days(8), HOLD)
    claims = answered(claims, DecisionKind.REVOKED, END - days(7))
    outcome = decide(claims, HOLD, END - days(6))
    assert (state(outcome, "r2").since, stamp(outcome, "r2")["status"]) == (END - days(7), "approved")


TOLD = Policy.model_validate(
    {
        "extension": {"requests_hold": True, "days": 20},
        "reminders": {"before_days": [30, 14, 7, 1], "after_days": [0, 1]},
    }
)
ACTS = (
    (END - days(40), DecisionKind.SUSPENDED),
    (END - days(33), DecisionKind.REINSTATED),
    (END - days(10), DecisionKind.EXTENDED),
    (END + days(15), DecisionKind.DENIED),
)
"""The partner asks at `END - 12` and, for the end that this gave it, at `END + 11`."""


def history(wakes: list[int]) -> ClaimGroup:
    """What is recorded in the end, with these hours of being awake between what people do."""
    claims = group(*LINE)
    moments = sorted({*(T0 + timedelta(hours=h) for h in wakes), *(at for at, _ in ACTS), END + days(50)})
    for now in moments:
        said = [at for at in (END - days(12), END + days(11)) if at <= now]
        claims, _ = run(asked(said[-1], claims) if said else claims, now, TOLD)
        for kind in (kind for at, kind in ACTS if at == now):
            claims = answered(claims, kind, now, TOLD)
    return claims


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 24 * 140), max_size=8))
def test_requests_answers_and_reminders_are_the_same_whenever_the_daemon_was_awake(wakes: list[int]) -> None:
    awake, asleep = history(wakes), history([])
    assert {(d.kind, d.subject, d.rule, d.effective_at) for d in awake.decisions} == {
        (d.kind, d.subject, d.rule, d.effective_at) for d in asleep.decisions
    }
    last = decide(awake, TOLD, END + days(50))
    assert state(last, "r2").since == END + days(20), "refused inside of the second term, which it then ends with"


KINDS = (
    DecisionKind.EXTENDED,
    DecisionKind.DENIED,
    DecisionKind.REVOKED,
    DecisionKind.SUSPENDED,
    DecisionKind.REINSTATED,
    DecisionKind.WITHDRAWN,
)
HOURS = st.integers(24, 24 * 160)


def lived(acts: list[tuple[int, DecisionKind, str]], asks: list[int], wakes: list[int]) -> ClaimGroup:
    """What is recorded in the end; an act that is refused is not done, and every act is done on what is decided."""
    claims, end = group(*LINE), 24 * 170
    for hour in sorted({*wakes, *(at for at, *_ in acts), end}):
        now = T0 + timedelta(hours=hour)
        said = [T0 + timedelta(hours=at, minutes=30) for at in asks if at < hour]
        claims, _ = run(asked(max(said), claims) if said else claims, now, TOLD)
        for _, kind, id_ in (one for one in acts if one[0] == hour):
            made = act(kind, Ref(PRM, "deal", id_), Actor.person("kim"), now, claims, TOLD, "because", Options())
            if check_person(claims, TOLD, now, made) == []:
                claims = replace(claims, decisions=(*claims.decisions, replace(made, seq=len(claims.decisions))))
    return claims


@pytest.mark.counts
@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(HOURS, st.sampled_from(KINDS), st.sampled_from(["r1", "r2"])), max_size=5, unique_by=lambda a: a[0]
    ),
    st.lists(HOURS, max_size=1),
    st.lists(HOURS, max_size=6),
)
def test_whatever_people_do_and_ask_the_record_is_the_same_whenever_the_daemon_was_awake(
    acts: list[tuple[int, DecisionKind, str]], asks: list[int], wakes: list[int]
) -> None:
    """One request: the field of the portal holds the last one alone, so that sleep may hide one before it."""
    awake, asleep = (
        {(d.kind, d.subject, d.rule, d.effective_at) for d in lived(acts, asks, some).decisions} for some in (wakes, [])
    )
    assert awake == asleep
