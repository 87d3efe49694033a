"""Tells a partner's own deals in the direct CRM from direct ones (C00; docs/rulings.md 3)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from syncd.model import ClaimGroup, FiledStatus, Opportunity, Ref
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
        self._keys = _keys(filings)
        self._sources = {_fold(s) for s in policy.own_deals.lead_sources}
        self._within = timedelta(days=policy.own_deals.within_days)
        self.own: dict[Ref, Filing] = {}
        self.sourced: set[Ref] = set()
        direct: list[Opportunity] = []
        for opportunity in opportunities:
            owner = self._owner(opportunity)
            if owner is not None:
                self.own[opportunity.ref] = owner
            elif (
                opportunity.ref in self._elsewhere
                or _has(opportunity.registration_key)
                or self._from_partner(opportunity)
            ):
                self.sourced.add(opportunity.ref)
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
        """Neither somebody's own deal nor partner-sourced."""
        return ref not in self.own and ref not in self.sourced

    def kind(self, ref: Ref) -> str:
        """`own`, `partner_sourced` or `direct`."""
        return "own" if ref in self.own else "partner_sourced" if ref in self.sourced else "direct"

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
        found = [o for o in now if meets(o.products, products) and _active_since(o, since)]
        if not found:
            return []
        stood = {engaged.opportunity.ref for engaged in self.engaged(products, received, since, len(self.direct))}
        return [o for o in found if o.ref not in stood][:most]

    def _may_differ(self, opportunity: Opportunity, received: datetime) -> bool:
        created, last = opportunity.created_at, opportunity.last_activity_on
        if created is None or created >= received:
            return False
        return opportunity.ref in self.past or (last is not None and last > received.date())

    def _as_they_stood(self, received: datetime) -> Iterator[Opportunity]:
        """The opportunities that say something else now, as they were: those that were direct ones of this group."""
        for opportunity in self._changed:
            if opportunity.ref in self.own or opportunity.ref in self._elsewhere:
                continue
            then, _ = self.past.at(opportunity, received)
            brought = _has(then.registration_key) or self._from_partner(then)
            if not brought and self._was_here(then):
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
        if by_key is not None or opportunity.created_at is None or not self._from_partner(opportunity):
            return by_key
        return self._latest_fitting(opportunity, opportunity.created_at)

    def _by_key(self, opportunity: Opportunity) -> Filing | None:
        key = (opportunity.registration_key or "").strip()
        return self._keys.get(key) if key else None

    def _from_partner(self, opportunity: Opportunity) -> bool:
        return _has(opportunity.partner_name) or _fold(opportunity.lead_source) in self._sources

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


def _active_since(opportunity: Opportunity, since: date) -> bool:
    created = opportunity.created_at
    return (opportunity.last_activity_on or (created.date() if created else date.min)) >= since


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
    if not meets(filing.registration.products, opportunity.products):
        return False
    if not _has(opportunity.partner_name):
        return True
    return filing.partner is not None and _fold(filing.partner.name) == _fold(opportunity.partner_name)


def _filed(filing: Filing) -> bool:
    registration = filing.registration
    return registration.received_at is not None and registration.status not in (
        FiledStatus.DRAFT,
        FiledStatus.WITHDRAWN,
    )


def _keys(filings: Sequence[Filing]) -> dict[str, Filing]:
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
