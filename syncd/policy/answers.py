"""What a partner reads about its own filings: where each stands, its place in the line, and when it hears more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from syncd.model import Application, Decision, DecisionKind, Partner, Ref, RegistrationState
from syncd.policy.desk import calendar_of
from syncd.policy.explain import day
from syncd.policy.requirable import REQUIRABLE
from syncd.policy.schema import Policy
from syncd.policy.scope import meets
from syncd.policy.words import reason_words


@dataclass(frozen=True, slots=True)
class Status:
    """One filing as its partner may see it: what its record shows, in words, and what follows.

    `place` counts from 1, for what waits in line. `next_at` is when it hears more at the latest; for what is protected,
    the end. Both come from the filing alone: a date of somebody else is in neither. `asks` is what it was asked.
    """

    ref: Ref
    number: str
    status: str
    reason: str
    text: str
    received_at: datetime | None
    until: datetime | None
    place: int | None
    next_at: datetime | None
    asks: tuple[str, ...] = ()


def status_for_partner(
    state: RegistrationState, beside: Iterable[RegistrationState], shown: Mapping[str, Any],
    decisions: Iterable[Decision], partner: Partner | None, policy: Policy, now: datetime,
) -> Status:  # fmt: skip
    """The status of one filing. `beside` are the other filings of its group, `shown` is the stamp of its record."""
    place = place_in_line(state, beside)
    after = next_for_partner(state, partner, policy, now)
    asks = _asked(state, decisions)
    line = f" You are number {place} in line." if place else ""
    hears = f" You hear more by {day(after)} at the latest." if after and state.application in _UNDECIDED else ""
    return Status(
        ref=state.ref,
        number=state.number,
        status=str(shown.get("status") or ""),
        reason=str(shown.get("reason") or ""),
        text=_text(state, shown) + line + hears,
        received_at=state.received_at,
        until=shown.get("until"),
        place=place,
        next_at=after,
        asks=asks,
    )


_UNDECIDED = (Application.REVIEW, Application.WAITING, Application.OUTSIDE)


def place_in_line(state: RegistrationState, beside: Iterable[RegistrationState]) -> int | None:
    """1 for who follows next, and one more for each claim of another partner that waits for the same and came first."""
    if state.application is not Application.WAITING or state.received_at is None:
        return None
    own = (state.received_at, state.ref.id, state.ref)
    before = (
        other for other in beside
        if other.application is Application.WAITING and other.partner_id != state.partner_id
        and other.received_at is not None and (other.received_at, other.ref.id, other.ref) < own
        and meets(other.products, state.products)
    )  # fmt: skip
    return 1 + sum(1 for _ in before)


def next_for_partner(
    state: RegistrationState, partner: Partner | None, policy: Policy, now: datetime
) -> datetime | None:
    """When its partner hears more at the latest; None where the policy promises nothing."""
    if state.application is Application.APPROVED:
        return state.until if state.until is not None and state.until > now else None
    received = state.received_at
    if state.application not in _UNDECIDED or received is None:
        return None
    hours, every = policy.review.within_hours, policy.reminders.waiting_every_days
    if hours and state.application is Application.REVIEW:
        due = calendar_of(policy, partner).after(received, timedelta(hours=hours))
        if due > now:
            return due
    return received + ((now - received) // timedelta(days=every) + 1) * timedelta(days=every) if every else None


_TEXTS = {
    Application.PENDING: "settling",
    Application.REVIEW: "outside",
    Application.OUTSIDE: "outside",
    Application.WAITING: "waiting",
}
"""Of what is undecided every cause reads the same (docs/rulings.md 10)."""


def _text(state: RegistrationState, shown: Mapping[str, Any]) -> str:
    if shown.get("reason") == "transferred":
        return reason_words("transferred").partner
    if state.application is Application.WITHDRAWN:
        return "You have withdrawn this registration."
    return reason_words(_TEXTS.get(state.application, state.reason)).partner


def _asked(state: RegistrationState, decisions: Iterable[Decision]) -> tuple[str, ...]:
    """What a filing that went back was returned for: the fields that are missing, or the question."""
    returned = [d for d in decisions if d.kind is DecisionKind.RETURNED and d.subject == state.ref]
    if state.application is not Application.RETURNED or not returned:
        return ()
    evidence = returned[-1].evidence
    if "questions" in evidence:
        return (str(evidence["questions"]),)
    return tuple(REQUIRABLE.get(str(name), str(name)) for name in evidence.get("missing", ()))
