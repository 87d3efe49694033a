"""Who decides for a partner at a given time: the channel manager, a deputy, the team's queue; never nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.model import DecisionKind, Partner, User
from syncd.policy.calendars import Calendar
from syncd.policy.schema import Policy

WEEK = Calendar(ZoneInfo("UTC"))
"""Monday to Friday in UTC, round the clock: the working hours of a policy that names none."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Who is asked: an e-mail or a queue, with a name where it is known, and why it is not the manager."""

    email: str
    name: str
    why: str = ""

    def __str__(self) -> str:
        return self.name or self.email


NOBODY = Seat("", "", "No channel manager, deputy or queue is known; every admin is asked.")


def calendar_of(policy: Policy, partner: Partner | None) -> Calendar:
    """The working hours that count for a partner: those of its region, else the first without one, else the week."""
    region = (partner.region or "").strip().casefold() if partner else ""
    for terms in policy.calendars:
        if region and region in (r.strip().casefold() for r in terms.regions):
            return terms.calendar()
    usual = next((terms for terms in policy.calendars if not terms.regions), None)
    return usual.calendar() if usual is not None else WEEK


def seat(partner: Partner | None, policy: Policy, managers: Mapping[str, User], now: datetime, late: int = 0) -> Seat:
    """Follow the deputies from the channel manager until one is there; else the queue, else whoever is named.

    Deputies that stand in for each other end with the queue. `late` is how often the time to decide has passed: so
    many of those who were asked are passed over.
    """
    calendar, asked = calendar_of(policy, partner), deputies(partner, policy)
    why = ["The time to decide is over."] if late else []
    for email in asked[late:]:
        absent = _absent(email, policy, managers, calendar, now)
        if not absent:
            return _seat(email, managers, " ".join(why))
        why.append(absent)
    if policy.review.team_queue:
        return Seat(policy.review.team_queue, "", " ".join(why) or "No channel manager is known.")
    return _seat(asked[0], managers, " ".join(why)) if asked else NOBODY


def times_over(partner: Partner | None, policy: Policy, since: datetime, now: datetime) -> int:
    """How often the time to decide (review.within_hours) has passed since then; 0 where no clock runs."""
    hours = policy.review.within_hours
    return calendar_of(policy, partner).between(since, now) // timedelta(hours=hours) if hours else 0


def _seat(email: str, managers: Mapping[str, User], why: str) -> Seat:
    user = managers.get(email)
    return Seat(email, (user.name or "") if user else "", why)


def _absent(email: str, policy: Policy, managers: Mapping[str, User], calendar: Calendar, now: datetime) -> str:
    user, person = managers.get(email), policy.review.person(email)
    if user is not None and not user.is_active:
        return f"{user.name or email} is not active."
    if person is None or person.away_from is None or person.away_to is None:
        return ""
    today = now.astimezone(calendar.zone).date()
    return f"{email} is away until {person.away_to}." if person.away_from <= today <= person.away_to else ""


def deputies(partner: Partner | None, policy: Policy) -> list[str]:
    """The channel manager and everybody who may have to stand in, as e-mails, in order."""
    email = (partner.manager_email or "").strip().lower() if partner else ""
    found: list[str] = []
    while email and email not in found:
        found.append(email)
        person = policy.review.person(email)
        email = person.deputy.strip().lower() if person else ""
    return found


def refusals(name: str, kind: DecisionKind, submitter: str | None, number: str, policy: Policy) -> list[str]:
    """Why somebody may not decide about a filing: no approver, or it is their own, or that of their group (DESIGN 8).

    A person is known under any of the names that the policy has for them.
    """
    if kind is DecisionKind.APPEALED:
        return []
    if not may_decide(name, policy):
        return [f"{name} may not decide: the policy lets {', '.join(policy.review.approvers)} (review.approvers)."]
    if not submitter or not submitter.strip() or kind not in _IN_FAVOUR:
        return []
    if same_person(name, submitter, policy):
        return [f"{name} filed {number}; somebody else has to approve it."]
    for group in policy.review.groups:
        if group.apart and all(_among(one, group.people, policy) for one in (name, submitter)):
            return [f"{submitter} of {group.name} filed {number}; somebody outside of {group.name} has to decide."]
    return []


_IN_FAVOUR = frozenset(
    {
        DecisionKind.APPROVED,
        DecisionKind.RULED,
        DecisionKind.EXEMPTED,
        DecisionKind.EXTENDED,
        DecisionKind.REINSTATED,
    }
)
"""What nobody does for what they filed themselves."""


def may_decide(name: str, policy: Policy) -> bool:
    """Is somebody one of those whom the policy lets decide? (review.approvers)"""
    return not policy.review.approvers or _approves(name, policy)


def same_person(one: str, other: str, policy: Policy) -> bool:
    """Do two names mean one person, as the policy knows people?"""
    return _who(one, policy) == _who(other, policy)


def _who(name: str, policy: Policy) -> str:
    wanted = name.strip().casefold()
    for person in policy.review.people:
        if wanted in (known.strip().casefold() for known in (person.email, *person.names)):
            return person.email.strip().casefold()
    return wanted


def _approves(name: str, policy: Policy) -> bool:
    listed = {one.strip().casefold() for one in policy.review.approvers}
    groups = [group for group in policy.review.groups if group.name.strip().casefold() in listed]
    return _among(name, policy.review.approvers, policy) or any(_among(name, g.people, policy) for g in groups)


def _among(name: str, people: Sequence[str], policy: Policy) -> bool:
    return _who(name, policy) in {_who(one, policy) for one in people}


def absences(partner: Partner | None, policy: Policy) -> list[datetime]:
    """The instants at which somebody who may be asked leaves or comes back."""
    calendar = calendar_of(policy, partner)
    found: list[datetime] = []
    for email in deputies(partner, policy):
        person = policy.review.person(email)
        if person is not None and person.away_from is not None and person.away_to is not None:
            found += [calendar.end_of(person.away_from - timedelta(days=1)), calendar.end_of(person.away_to)]
    return found
