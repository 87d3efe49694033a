"""What a partner reads about its own filings: its place in the line, when it hears more, and nothing of others."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from syncd.model import ClaimGroup, DecisionKind, Outcome
from syncd.policy import Policy, decide
from syncd.policy.answers import Status, status_for_partner

from .factories import (
    LARK,
    PELL,
    POLICY,
    SETTLED,
    T0,
    WYCH,
    account,
    approved,
    by_person,
    closed,
    days,
    group,
    opportunity,
    registration,
    run,
    seconds,
    stamp,
    state,
)

PARTNERS = {p.partner_id: p for p in (WYCH, PELL, LARK)}
NOW = T0 + days(10)
TOLD = Policy.model_validate({"reminders": {"waiting_every_days": 30}})


def reads(claims: ClaimGroup, id_: str = "r1", now: datetime = NOW, policy: Policy = POLICY) -> Status:
    """What its partner reads about a filing."""
    outcome: Outcome = decide(claims, policy, now)
    mine = state(outcome, id_)
    beside = [s for s in outcome.states if s.ref != mine.ref]
    partner = PARTNERS.get(mine.partner_id or "")
    return status_for_partner(mine, beside, stamp(outcome, id_), claims.decisions, partner, policy, now)


def decided(*records: Any, policy: Policy = POLICY, **changes: Any) -> ClaimGroup:
    return run(group(*records, **changes), NOW, policy)[0]


LINE = (
    registration("r1"),
    registration("r2", T0 + days(1), partner_id="P02"),
    registration("r3", T0 + days(2), partner_id="P03"),
    registration("r4", T0 + days(3), partner_id="P02", products=frozenset({"BOARD"})),
)


def test_who_waits_reads_its_place_and_when_it_hears_more_from_its_own_filing_alone() -> None:
    claims = decided(*LINE, policy=TOLD)
    second, third = (reads(claims, id_, policy=TOLD) for id_ in ("r2", "r3"))
    assert (second.place, third.place) == (1, 2)
    assert (second.status, second.reason) == ("waiting", "in_queue")
    assert second.next_at == T0 + days(31)
    assert second.text.endswith("You are number 1 in line. You hear more by 2 July 2026 (UTC) at the latest.")
    assert reads(claims, "r2", T0 + days(61), TOLD).next_at == T0 + days(91)


def test_places_count_who_waits_for_the_same_products() -> None:
    apart = (
        registration("r0", T0 - days(1), products=frozenset()),
        registration("r2", T0 + days(1), partner_id="P02", products=frozenset({"PLAN"})),
        registration("r3", T0 + days(2), partner_id="P03", products=frozenset({"BOARD"})),
    )
    policy = Policy.model_validate({"required": ["company.name"]})
    claims = decided(*apart, policy=policy)
    assert [reads(claims, id_, policy=policy).place for id_ in ("r2", "r3")] == [1, 1]


@pytest.mark.parametrize(
    ("claims", "policy"),
    [
        (decided(registration(), policy=Policy.model_validate({"approval": "manual"})), {"approval": "manual"}),
        (decided(registration(), closed(opportunity(), T0 - days(3))), {}),
        (decided(registration(), account(is_named=True), policy=Policy.model_validate({"named_accounts": "review"})),
         {"named_accounts": "review"}),
        (decided(registration(), registration("r2", T0 + seconds(1), partner_id="P02")), {}),
    ],
    ids=["a person approves", "lost lately", "named", "a tie"],
)  # fmt: skip
def test_every_cause_of_a_review_reads_the_same(claims: ClaimGroup, policy: dict[str, Any]) -> None:
    found = reads(claims, policy=Policy.model_validate(policy))
    assert (found.status, found.reason) == ("review", "in_review")
    assert found.text == "Your registration is being looked at. Nothing is needed from you now."


def test_a_decision_that_is_promised_is_named_until_its_time_is_over() -> None:
    policy = Policy.model_validate({"approval": "manual", "review": {"within_hours": 24}})
    claims = decided(registration(), policy=policy)
    assert reads(claims, now=T0 + seconds(5), policy=policy).next_at == T0 + days(1)
    assert reads(claims, now=T0 + days(2), policy=policy).next_at is None


def test_what_is_protected_names_its_own_end_and_what_is_over_nothing() -> None:
    claims = decided(registration())
    assert (reads(claims).status, reads(claims).next_at) == ("approved", SETTLED + days(90))
    over = reads(run(claims, T0 + days(99))[0], now=T0 + days(99))
    assert (over.status, over.next_at, over.text) == ("expired", None, "The protection has ended.")


def test_a_return_says_what_is_asked() -> None:
    claims = decided(registration(proof=None, next_steps=" "))
    assert reads(claims).asks == ("next steps", "proof of the relationship")
    manual = Policy.model_validate({"approval": "manual"})
    claims = decided(registration(), policy=manual)
    back = by_person(DecisionKind.RETURNED, "r1", NOW, reason="Who?", evidence={"questions": "Who decides?"})
    claims = replace(claims, decisions=(*claims.decisions, back))
    assert reads(claims, policy=manual).asks == ("Who decides?",)


def test_no_filing_tells_anything_of_another_partner() -> None:
    """Where the holder is somebody else, and holds it for longer, who waits reads the same, letter by letter."""
    short = decided(*LINE[:2], policy=TOLD)
    others = (replace(LINE[0], partner_id="P03", number="DR-OTHER"), LINE[1])
    longer = decided(*others, policy=TOLD)
    by_kim = by_person(
        DecisionKind.EXTENDED, "r1", NOW,
        evidence={"asked_at": NOW.isoformat(), "until": (SETTLED + days(150)).isoformat(), "days": 60},
    )  # fmt: skip
    longer = replace(longer, decisions=(*longer.decisions, by_kim))
    assert reads(short, "r2", policy=TOLD) == reads(longer, "r2", policy=TOLD)
    assert reads(longer, "r2", policy=TOLD).place == 1


def test_what_a_person_approves_is_not_in_line_any_more() -> None:
    claims = decided(*LINE[:2], decisions=(approved("r1", T0 - days(1)),))
    assert reads(claims).place is None
