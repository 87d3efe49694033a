"""What a partner learns who asks beforehand: yes, no or pending, whatever the cause, so often, after the same time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Account, Activity, Band, ClaimGroup, Ref, Registration
from syncd.policy import Policy, decide
from syncd.policy.precheck import Answer, answer_at, precheck, refused_until

from .factories import (
    DIRECT,
    POLICY,
    T0,
    account,
    closed,
    company,
    days,
    group,
    opportunity,
    registration,
    run,
    seconds,
)

NOW = T0 + days(10)
ASKED = Ref("syncd", "precheck", "asked")
MANUAL = Policy.model_validate({"approval": "manual"})


def question(partner: str = "P02", *products: str) -> Registration:
    """A question says who asks and for what; nothing of what a form says."""
    return Registration(ref=ASKED, partner_id=partner, products=frozenset(products or {"PLAN"}))


def answer(
    claims: ClaimGroup, policy: Policy = POLICY, asked: Registration | None = None, band: Band = Band.AUTO
) -> Answer:
    return precheck(claims, asked or question(), company(band), policy, NOW).answer


def among(*records: Any, policy: Policy = POLICY, **changes: Any) -> ClaimGroup:
    """A group as it is decided by now."""
    return run(group(*records, **changes), NOW, policy)[0]


FREE = among()


def test_what_could_be_registered_is_answered_yes_without_a_form() -> None:
    assert answer(FREE) is Answer.YES
    strict = Policy.model_validate(
        {"proof": {"introduction": {"need": "required"}}, "minimum": [{"amount": 9, "currency": "EUR"}],
         "speculation": {"signs": 1}, "least_days_before_close": 9}
    )  # fmt: skip
    assert answer(FREE, strict) is Answer.YES


IN_THE_WAY = {
    "a named account": among(account(is_named=True)),
    "a customer": among(account(is_customer=True)),
    "a direct deal": among(opportunity(created=NOW - days(3))),
    "won lately": among(closed(opportunity(), T0, won=True)),
    "another partner's protection": among(registration()),
    "another partner in line": among(registration(), registration("r2", T0 + days(1), partner_id="P03")),
    "its own registration": among(registration(partner_id="P02")),
}


@pytest.mark.parametrize("cause", IN_THE_WAY)
def test_case_127_whatever_stands_in_the_way_reads_the_same(cause: str) -> None:
    assert answer(IN_THE_WAY[cause]) is Answer.NO
    texts = {precheck(claims, question(), company(), POLICY, NOW).answer.words for claims in IN_THE_WAY.values()}
    assert len(texts) == 1


PENDING = {
    "an unsure link": (FREE, POLICY, Band.REVIEW),
    "people approve": (FREE, MANUAL, Band.AUTO),
    "lost lately": (among(closed(opportunity(), NOW - days(3))), POLICY, Band.AUTO),
    "not everything is visible": (replace(FREE, visible=False), POLICY, Band.AUTO),
    "a stream was never read": (replace(FREE, horizon=None), POLICY, Band.AUTO),
}


@pytest.mark.parametrize("cause", PENDING)
def test_what_a_person_has_to_look_at_is_pending(cause: str) -> None:
    claims, policy, band = PENDING[cause]
    assert answer(claims, policy, band=band) is Answer.PENDING


def test_other_products_are_another_question() -> None:
    taken = among(registration())
    assert answer(taken, asked=question("P02", "BOARD")) is Answer.YES
    assert answer(taken, asked=question("P02", "BOARD", "PLAN")) is Answer.NO


def test_an_answer_changes_nothing_and_is_what_a_filing_at_that_instant_would_get() -> None:
    for claims in (FREE, *IN_THE_WAY.values()):
        filed = registration("r9", NOW, partner_id="P02")
        then = replace(
            claims, registrations=(*claims.registrations, filed), companies={**claims.companies, filed.ref: company()}
        )
        outcome = decide(then, POLICY, NOW + seconds(2))
        (state,) = [s for s in outcome.states if s.ref == filed.ref]
        found = precheck(claims, question(), company(), POLICY, NOW)
        assert (found.application, found.reason) == (state.application, state.reason)
        assert decide(claims, POLICY, NOW).decisions == ()


def test_a_partner_who_is_not_active_is_answered_no() -> None:
    gone = {key: replace(partner, status="terminated") for key, partner in FREE.partners.items()}
    assert answer(replace(FREE, partners=gone)) is Answer.NO


@given(st.lists(st.sampled_from([-25.0, -24.0, -23.0, -1.0, 0.0]), max_size=6))
def test_so_many_questions_in_24_hours_and_then_from_when_the_oldest_no_longer_counts(hours: list[float]) -> None:
    limited = Policy.model_validate({"precheck": {"per_day": 3}})
    asked = [NOW + timedelta(hours=h) for h in hours]
    counting = sorted(at for at in asked if at > NOW - days(1))
    again = refused_until(asked, limited, NOW)
    assert (again is None) is (len(counting) < 3)
    if again is not None:
        assert again > NOW
        assert sum(at > again - days(1) for at in asked) < 3
        assert sum(at > again - seconds(1) - days(1) for at in asked) >= 3


@pytest.mark.parametrize(("took", "after"), [(0.0, 2.0), (0.001, 2.0), (2.0, 2.0), (2.001, 4.0), (5.5, 6.0)])
def test_case_127_an_answer_comes_after_the_same_time_or_a_multiple_of_it(took: float, after: float) -> None:
    assert answer_at(NOW, NOW + seconds(took), POLICY) == NOW + seconds(after)


@pytest.mark.parametrize("said", ["0s", "2m"])
def test_an_answer_after_no_time_or_too_long_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="answer_after wants 1s to 1m"):
        Policy.model_validate({"precheck": {"answer_after": said}})


def test_contact_of_the_direct_team_reads_like_every_other_no() -> None:
    at: datetime = NOW - days(2)
    call = Activity(Ref(DIRECT, "Task", "t1"), account_id="a1", happened_at=at, created_at=at, is_two_way=True)
    contacted = Policy.model_validate({"direct": {"contact_days": 30}})
    known: Account = account()
    claims = among(known, activities={known.ref: (call,)}, policy=contacted)
    assert answer(claims, contacted) is Answer.NO
