"""Tells a partner's own deals in the direct CRM from direct ones (C00; docs/rulings.md 3)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from syncd.model import ClaimGroup, FiledStatus, Opportunity, Ref
from syncd.policy.schema import Policy
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


_Span = tuple[datetime, datetime, date, Opportunity]
"""Created, closed (the end of time while open, the beginning if unknown), last active day."""


class Deals:
    """The group's opportunities: own ones by registration, partner-sourced ones, and the direct ones in order.

    `direct` is sorted by creation, `lost` and `won` (direct or not) by closing, ids breaking ties; what has no such
    time is left out of the list in question.
    """

    def __init__(self, group: ClaimGroup, filings: Sequence[Filing], policy: Policy) -> None:
        self._elsewhere = group.elsewhere
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
        closed = [(at, o) for o in opportunities if (at := closed_at(o)) is not None]
        closed.sort(key=lambda pair: (pair[0], pair[1].ref.id, pair[1].ref))
        self.won = [(at, o) for at, o in closed if o.is_won]
        self.lost = [(at, o) for at, o in closed if not o.is_won and self.is_direct(o.ref)]
        self._scoped: dict[frozenset[str], list[_Span]] = {}

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

    def engaged(
        self, products: frozenset[str], received: datetime, since: date, most: int
    ) -> list[tuple[Opportunity, date]]:
        """The direct opportunities meeting some products that were created before `received`, open then, and active
        on a day at or after `since`, with that day: the `most` oldest."""
        found: list[tuple[Opportunity, date]] = []
        for created, closed, active, opportunity in self._meeting(products):
            if created >= received or len(found) == most:
                break
            if closed > received and active >= since:
                found.append((opportunity, active))
        return found

    def _meeting(self, products: frozenset[str]) -> list[_Span]:
        found = self._scoped.get(products)
        if found is None:
            met = (o for o in self.direct if not products or not o.products or not o.products.isdisjoint(products))
            found = [_span(o, o.created_at) for o in met if o.created_at is not None]
            self._scoped[products] = found
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


def _span(opportunity: Opportunity, created: datetime) -> _Span:
    closed = (closed_at(opportunity) or NEVER) if opportunity.is_closed else FOREVER
    return created, closed, opportunity.last_activity_on or created.date(), opportunity


def _fits(opportunity: Opportunity, filing: Filing) -> bool:
    ours = filing.registration.products
    if ours and opportunity.products and ours.isdisjoint(opportunity.products):
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
