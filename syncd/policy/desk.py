"""Who decides for a partner at a given time: the channel manager, a deputy, the team's queue; never nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.model import Partner, User
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


def seat(
    partner: Partner | None, policy: Policy, managers: Mapping[str, User], now: datetime, late: bool = False
) -> Seat:
    """Follow the deputies from the channel manager until one is there; else the queue, else whoever is named.

    Deputies that stand in for each other end with the queue. When it is `late`, the manager has been passed over.
    """
    calendar, asked = calendar_of(policy, partner), deputies(partner, policy)
    why = ["The time to decide is over."] if late else []
    for email in asked[1:] if late else asked:
        absent = _absent(email, policy, managers, calendar, now)
        if not absent:
            return _seat(email, managers, " ".join(why))
        why.append(absent)
    if policy.review.team_queue:
        return Seat(policy.review.team_queue, "", " ".join(why) or "No channel manager is known.")
    return _seat(asked[0], managers, " ".join(why)) if asked else NOBODY


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


def absences(partner: Partner | None, policy: Policy) -> list[datetime]:
    """The instants at which somebody who may be asked leaves or comes back."""
    calendar = calendar_of(policy, partner)
    found: list[datetime] = []
    for email in deputies(partner, policy):
        person = policy.review.person(email)
        if person is not None and person.away_from is not None and person.away_to is not None:
            found += [calendar.end_of(person.away_from - timedelta(days=1)), calendar.end_of(person.away_to)]
    return found
