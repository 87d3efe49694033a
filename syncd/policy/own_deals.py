"""Tells a partner's own deals in the direct CRM from direct ones (C00; docs/rulings.md 3)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from syncd.model import ClaimGroup, Lead, Opportunity, Ref
from syncd.policy.claim_terms import Unsure, folded
from syncd.policy.evidence import Past
from syncd.policy.schema import Policy
from syncd.policy.scope import meets
from syncd.policy.standing import FOREVER, NEVER

if TYPE_CHECKING:
    from syncd.policy.book import Filing


def closed_at(opportunity: Opportunity) -> datetime | None:
    """When a closed opportunity was closed, the start of its close day if only that is known; None while open."""
    if not opportunity.is_closed:
        return None
    if opportunity.closed_at is not None:
        return opportunity.closed_at
    return datetime.combine(opportunity.close_on, time(), UTC) if opportunity.close_on else None


class Marks:
    """What an opportunity says of itself: that a partner brought it, or that it is the direct team's."""

    def __init__(self, group: ClaimGroup, policy: Policy) -> None:
        own = policy.own_deals
        self._sources, self._kinds, self._direct = map(folded, (own.lead_sources, own.kinds, policy.direct_means.kinds))
        users = folded(own.created_by)
        self._users = users | {u.ref.id.casefold() for email, u in group.managers.items() if email.casefold() in users}

    def say_partner(self, opportunity: Opportunity) -> bool:
        """It names a partner, or its lead source, its kind or who has created it say that one brought it."""
        if _has(opportunity.partner_name) or _fold(opportunity.lead_source) in self._sources:
            return True
        return _fold(opportunity.kind) in self._kinds or _fold(opportunity.created_by_id) in self._users

    def say_direct(self, opportunity: Opportunity) -> bool:
        """It is of a kind in which the direct team sells."""
        return not self._direct or _fold(opportunity.kind) in self._direct


def marked_by_leads(group: ClaimGroup) -> ClaimGroup:
    """The group with what a lead said of a partner on the opportunity that it was converted to, now and before.

    What the opportunity says itself goes before; of several leads the first by id that says something.
    """
    said: dict[str, Lead] = {}
    for lead in sorted(group.leads, key=lambda lead: (lead.ref.id, lead.ref), reverse=True):
        if lead.opportunity_id and any(_has(getattr(lead, name)) for name in _FROM_LEADS):
            said[lead.opportunity_id] = lead
    if not said:
        return group

    def marked(opportunity: Opportunity) -> Opportunity:
        lead = said.get(opportunity.ref.id)
        marks = {n: getattr(lead, n) for n in _FROM_LEADS if lead and not _has(getattr(opportunity, n))}
        return replace(opportunity, **marks)

    past = {
        ref: tuple(replace(v, record=marked(v.record)) if isinstance(v.record, Opportunity) else v for v in versions)
        for ref, versions in group.past.items()
    }
    return replace(group, opportunities=tuple(map(marked, group.opportunities)), past=past)


_FROM_LEADS = ("registration_key", "partner_name", "lead_source")


class Engaged(NamedTuple):
    """A direct opportunity that stood against a claim: its last active day, whether that was read at the time, and
    whether it is sure that somebody was active then at all."""

    opportunity: Opportunity
    active: date
    observed: bool
    sure: bool


class Closing(NamedTuple):
    """An opportunity that was closed, and when."""

    at: datetime
    opportunity: Opportunity


class Deals:
    """The group's opportunities: own ones by registration, partner-sourced ones, and the direct ones in order.

    `direct` is sorted by creation; what has no time of creation comes last. Evidence about a claim is taken as it stood
    when the claim was received: opportunities that have not always said what they say now are kept apart.
    """

    def __init__(self, group: ClaimGroup, filings: Sequence[Filing], policy: Policy) -> None:
        self._elsewhere = group.elsewhere
        self.past = Past(group)
        self._here = {account.ref.id for account in group.accounts}
        opportunities = _in_order(group.opportunities)
        self._filed = [f for f in filings if _filed(f)]
        self._received = [f.received_at for f in self._filed]
        self._keys = keys_of(filings)
        self._marks = Marks(group, policy)
        self._within = timedelta(days=policy.own_deals.within_days)
        self.own: dict[Ref, Filing] = {}
        self.sourced: set[Ref] = set()
        self.outside: set[Ref] = set()
        self.likely = group.likely if policy.direct_means.unsure is Unsure.REVIEW else {}
        direct: list[Opportunity] = []
        for opportunity in opportunities:
            owner = self._owner(opportunity)
            if owner is not None:
                self.own[opportunity.ref] = owner
            elif (
                opportunity.ref in self._elsewhere
                or _has(opportunity.registration_key)
                or self._marks.say_partner(opportunity)
            ):
                self.sourced.add(opportunity.ref)
            elif not self._marks.say_direct(opportunity):
                self.outside.add(opportunity.ref)
            else:
                direct.append(opportunity)
        self.direct = sorted(direct, key=_by_creation)
        self.stamped = self._stamped(opportunities, group.pushed)
        self.by_ref = {o.ref: o for o in (*opportunities, *self.stamped)}
        fixed = (o for o in opportunities if o.ref not in self.past)
        closed = sorted((Closing(at, o) for o in fixed if (at := closed_at(o)) is not None), key=_by_closing)
        self._won = [closing for closing in closed if closing.opportunity.is_won]
        self._lost = [c for c in closed if not c.opportunity.is_won and self.is_direct(c.opportunity.ref)]
        self._changed = [o for o in opportunities if o.ref in self.past]
        self._scoped: dict[frozenset[str], list[Opportunity]] = {}

    def _stamped(self, here: list[Opportunity], pushed: Iterable[Opportunity]) -> list[Opportunity]:
        """The opportunities that this group stamps: its own, and its registrations' deals on other groups' accounts."""
        stamped = [o for o in here if o.ref not in self._elsewhere]
        for opportunity in pushed:
            owner = self._by_key(opportunity)
            if owner is not None:
                self.own[opportunity.ref] = owner
                stamped.append(opportunity)
        return _in_order(stamped)

    def is_direct(self, ref: Ref) -> bool:
        """Neither somebody's own deal nor partner-sourced, nor of a kind in which the direct team does not sell."""
        return ref not in self.own and ref not in self.sourced and ref not in self.outside

    def kind(self, ref: Ref) -> str:
        """`own`, `partner_sourced`, `outside` or `direct`."""
        if ref in self.own:
            return "own"
        return "partner_sourced" if ref in self.sourced else "outside" if ref in self.outside else "direct"

    def may_be_of(self, filing: Filing, opportunity: Opportunity) -> bool:
        """May it be this registration's own deal although nothing on it says so?"""
        found = self.likely.get(opportunity.ref)
        return found is not None and found.registration == filing.ref

    def engaged(self, products: frozenset[str], received: datetime, since: date, most: int) -> list[Engaged]:
        """The direct opportunities meeting some products that were created before `received`, open then, and active
        on a day at or after `since`, as they stood at `received`: the `most` oldest sure ones, then the unsure ones."""
        found: list[Engaged] = []
        sure = 0
        for opportunity in self._meeting(products):
            if (opportunity.created_at or FOREVER) >= received or sure == most:
                break
            if (weighed := self._weigh(opportunity, received, since)) is not None:
                found.append(weighed)
                sure += weighed.sure
        then = (o for o in self._as_they_stood(received) if meets(o.products, products))
        changed = (self._weigh(o, received, since) for o in then if (o.created_at or FOREVER) < received)
        found = sorted([*found, *(weighed for weighed in changed if weighed is not None)], key=_oldest)
        return [*[e for e in found if e.sure][:most], *[e for e in found if not e.sure][:most]]

    def _weigh(self, opportunity: Opportunity, received: datetime, since: date) -> Engaged | None:
        """Was it open and active at `received`? An activity after that day says nothing about it, for or against."""
        created, last = opportunity.created_at, opportunity.last_activity_on
        assert created is not None
        if opportunity.is_closed and (closed_at(opportunity) or NEVER) <= received:
            return None
        later = last is not None and last > received.date()
        known = self.past.knows_activities(opportunity.ref)
        told = self.past.last_active(opportunity.ref, received) if known else None
        active = max((day for day in (None if later else last, told) if day is not None), default=created.date())
        sure = active >= since
        if not sure and (known or not later):
            return None
        return Engaged(opportunity, active, self.past.observed(opportunity, received), sure)

    def lost_before(self, received: datetime, since: datetime) -> Iterator[Closing]:
        """The direct opportunities that were lost after `since` and at or before `received`, as they stood then, the
        latest first."""
        changed = (o for o in self._as_they_stood(received) if o.is_closed and not o.is_won)
        return _closed_between(self._lost, changed, received, since)

    def won_before(self, received: datetime, since: datetime) -> Iterator[Closing]:
        """The opportunities, whoever brought them, that were won after `since` and at or before `received`, as they
        stood then, the latest first."""
        then = (self.past.at(o, received)[0] for o in self._changed)
        changed = (o for o in then if o.is_closed and o.is_won and self._was_here(o))
        return _closed_between(self._won, changed, received, since)

    def surfaced(self, products: frozenset[str], received: datetime, since: date, most: int) -> list[Opportunity]:
        """The open direct opportunities from before `received` that would stand against a claim by what they say now,
        and did not by what they said at `received`: the `most` oldest."""
        now = (o for o in self.direct if not o.is_closed and self._may_differ(o, received))
        found = [o for o in now if meets(o.products, products) and self._said_active(o, received, since)]
        if not found:
            return []
        stood = {engaged.opportunity.ref for engaged in self.engaged(products, received, since, len(self.by_ref))}
        return [o for o in found if o.ref not in stood][:most]

    def _may_differ(self, opportunity: Opportunity, received: datetime) -> bool:
        created, last = opportunity.created_at, opportunity.last_activity_on
        if created is None or created >= received:
            return False
        if opportunity.ref in self.past or (last is not None and last > received.date()):
            return True
        return self.past.knows_activities(opportunity.ref)

    def _said_active(self, opportunity: Opportunity, received: datetime, since: date) -> bool:
        """Is it active since that day by what is said now, whenever that was entered?"""
        created, last = opportunity.created_at, opportunity.last_activity_on
        said = [day for day in (last, self.past.said_active(opportunity.ref, received)) if day is not None]
        return max(said, default=created.date() if created else date.min) >= since

    def open_at(self, products: frozenset[str], received: datetime) -> int:
        """How many direct opportunities that meet some products were open at `received`, as they stood then."""
        then = (o for o in self.stood(received) if (o.created_at or NEVER) < received)
        still = (o for o in then if not o.is_closed or (closed_at(o) or NEVER) > received)
        return sum(1 for o in still if meets(o.products, products))

    def stood(self, received: datetime) -> Iterator[Opportunity]:
        """The direct opportunities as they stood at `received`, whatever became of them."""
        yield from (o for o in self.direct if o.ref not in self.past)
        yield from self._as_they_stood(received)

    def _as_they_stood(self, received: datetime) -> Iterator[Opportunity]:
        """The opportunities that say something else now, as they were: those that were direct ones of this group."""
        for opportunity in self._changed:
            if opportunity.ref in self.own or opportunity.ref in self._elsewhere:
                continue
            then, _ = self.past.at(opportunity, received)
            brought = _has(then.registration_key) or self._marks.say_partner(then)
            if not brought and self._was_here(then) and self._marks.say_direct(then):
                yield then

    def _was_here(self, then: Opportunity) -> bool:
        return not then.account_id or then.account_id in self._here

    def _meeting(self, products: frozenset[str]) -> list[Opportunity]:
        """The direct opportunities that never said anything else and meet some products, in order of creation."""
        found = self._scoped.get(products)
        if found is None:
            fixed = (o for o in self.direct if o.created_at is not None and o.ref not in self.past)
            found = self._scoped[products] = [o for o in fixed if meets(o.products, products)]
        return found

    def _owner(self, opportunity: Opportunity) -> Filing | None:
        if opportunity.ref in self._elsewhere:
            return None
        by_key = self._by_key(opportunity)
        if by_key is not None or opportunity.created_at is None or not self._marks.say_partner(opportunity):
            return by_key
        return self._latest_fitting(opportunity, opportunity.created_at)

    def _by_key(self, opportunity: Opportunity) -> Filing | None:
        key = (opportunity.registration_key or "").strip()
        return self._keys.get(key) if key else None

    def _latest_fitting(self, opportunity: Opportunity, created: datetime) -> Filing | None:
        """The latest filing before the opportunity that fits it, the lowest id among filings of one instant."""
        first = bisect_right(self._received, created - self._within)
        best: Filing | None = None
        for i in range(bisect_right(self._received, created) - 1, first - 1, -1):
            filing = self._filed[i]
            if best is not None and filing.received_at != best.received_at:
                break
            if _fits(opportunity, filing):
                best = filing
        return best


def _closed_between(
    fixed: Sequence[Closing], changed: Iterable[Opportunity], received: datetime, since: datetime
) -> Iterator[Closing]:
    """What was closed after `since` and at or before `received`, the latest first."""
    others = [Closing(at, o) for o in changed if (at := closed_at(o)) is not None and since < at <= received]
    others.sort(key=_by_closing)
    for i in range(bisect_right(fixed, received, key=lambda closing: closing.at) - 1, -1, -1):
        if fixed[i].at <= since:
            break
        while others and _by_closing(others[-1]) > _by_closing(fixed[i]):
            yield others.pop()
        yield fixed[i]
    yield from reversed(others)


def _by_closing(closing: Closing) -> tuple[datetime, str, Ref]:
    return closing.at, closing.opportunity.ref.id, closing.opportunity.ref


def _oldest(engaged: Engaged) -> tuple[datetime, str, Ref]:
    return _by_creation(engaged.opportunity)


def _fits(opportunity: Opportunity, filing: Filing) -> bool:
    if not meets(filing.products, opportunity.products):
        return False
    if not _has(opportunity.partner_name):
        return True
    return filing.partner is not None and _fold(filing.partner.name) == _fold(opportunity.partner_name)


def _filed(filing: Filing) -> bool:
    return filing.registration.received_at is not None and not filing.draft and not filing.withdrawn


def keys_of(filings: Sequence[Filing]) -> dict[str, Filing]:
    """Registration keys: ids go before numbers, and an earlier filing before a later one."""
    keys: dict[str, Filing] = {}
    for filing in filings:
        keys.setdefault(filing.ref.id, filing)
    for filing in filings:
        keys.setdefault(filing.number, filing)
    return keys


def _in_order(opportunities: Iterable[Opportunity]) -> list[Opportunity]:
    return sorted(opportunities, key=lambda o: (o.ref.id, o.ref))


def _by_creation(opportunity: Opportunity) -> tuple[datetime, str, Ref]:
    return (opportunity.created_at or FOREVER, opportunity.ref.id, opportunity.ref)


def _fold(text: str | None) -> str:
    return text.strip().casefold() if text else ""


def _has(text: str | None) -> bool:
    return bool(text and text.strip())
