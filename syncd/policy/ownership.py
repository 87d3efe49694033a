"""Whether an owner may be changed: guards over facts, for a new owner and for one that is given back (rulings 11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from pydantic import Field

from syncd.policy.terms import Part


class Drift(StrEnum):
    """What becomes of a stamp that somebody else has edited."""

    RESTORE = "restore"
    REPORT = "report"
    ACCEPT = "accept"


class OwnershipTerms(Part):
    """When the owner of a record is left alone, though another one is wanted. `ownership` of a connection says more."""

    keep_recent_days: int = Field(default=7, ge=0, le=365)
    """An owner that somebody else has set is left alone for so many days. 0: it is set again at once."""

    give_back: bool = True
    """When a protection ends, the owner from before is restored. `false` leaves the partner's manager."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """Days on which no owner is changed, both included: quarter end, a realignment of territories."""

    first: date
    last: date
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OwnerFacts:
    """What is known of one record whose owner shall be changed.

    `target_active` is None where it is not known. `changed_at` is when somebody else last set the owner.
    """

    closed: bool
    target: str | None
    target_active: bool | None
    changed_at: datetime | None = None


def objection(facts: OwnerFacts, terms: OwnershipTerms, freezes: tuple[Freeze, ...], now: datetime, day: date) -> str:
    """Why this owner is not changed now, as a sentence; empty when it may be. `day` is today where people work."""
    if facts.closed:
        return "the deal is closed"
    if facts.target_active is False:
        return f"the user {facts.target} is not active"
    frozen = next((one for one in freezes if one.first <= day <= one.last), None)
    if frozen is not None:
        why = f" ({frozen.reason})" if frozen.reason else ""
        return f"owners are not changed until {frozen.last:%Y-%m-%d}{why}"
    until = facts.changed_at and facts.changed_at + timedelta(days=terms.keep_recent_days)
    if until is not None and now < until:
        return f"somebody else has set the owner; it is left until {until:%Y-%m-%d %H:%M}Z"
    return ""
