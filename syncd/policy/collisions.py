"""Who else has a claim? The same partner, the direct team, other partners (docs/rulings.md 5.8 to 5.11, and 8)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from syncd.model import Application, Code, Opportunity, Ref
from syncd.policy.book import MOST, Book, Clash, Filing, Verdict, decided_end, meets
from syncd.policy.eligibility import (
    fields_complete,
    first_contact_recent,
    new_logo,
    not_named,
    partner_active,
    settled,
    sure_link,
)
from syncd.policy.standing import FOREVER, NEVER


def live_end(filing: Filing, book: Book) -> datetime:
    """The instant from which a claim holds no place any more: `NEVER` if it never did, `FOREVER` while it does."""
    end = decided_end(filing)
    if end is not None:
        return end
    verdict = filing.verdict
    if verdict is None:  # a rival in the tie window whose turn comes later in this run
        if filing.ref not in book.glimpsed:
            book.glimpsed[filing.ref] = screen(filing, book)
        verdict = book.glimpsed[filing.ref]
    refused = verdict is not None and verdict.application in (Application.REJECTED, Application.RETURNED)
    return NEVER if refused else FOREVER


def screen(filing: Filing, book: Book) -> Verdict | None:
    """Rules 5.1 to 5.10 in order: what does the filing, and what was there before it, say? None: goes on."""
    for rule in (settled, sure_link):
        if (verdict := rule(filing, book)) is not None:
            return verdict
    if filing.source_decides:
        return Verdict(Application.PENDING, "source_decides", "source_decides", filing.ready_at)
    for rule in (partner_active, fields_complete, first_contact_recent, *CLASHES):
        if (verdict := rule(filing, book)) is not None:
            return verdict
    return None


def filed_once(filing: Filing, book: Book) -> Verdict | None:
    """The same partner has no other live claim that meets this one and came earlier or was granted (C01; 5.8)."""
    earlier = [o for o in book.of_partner(filing) if _ahead(o, filing) and meets(o.products, filing.products)]
    earlier = [o for o in earlier if live_end(o, book) > filing.ready_at]
    if not earlier:
        return None
    first = earlier[0]
    facts = {"earlier": str(first.ref), "earlier_received_at": first.received_at.isoformat()}
    if all(not o.settled and o.standing.decided is None for o in earlier):
        return Verdict(Application.PENDING, "settled", "settling", filing.ready_at, facts)
    clashes = tuple(Clash(Code.C01, filing.ref, o.ref, o.ref, "filed_once") for o in earlier[:MOST])
    return Verdict(Application.REJECTED, "filed_once", "duplicate", filing.ready_at, facts, clashes)


def direct_first(filing: Filing, book: Book) -> Verdict | None:
    """No direct opportunity was open and active before the filing (C08; 5.9)."""
    dormant = book.policy.direct.dormant_after_days
    since = filing.day - timedelta(days=dormant)
    engaged = book.deals.engaged(filing.products, filing.received_at, since, MOST)
    clashes = tuple(_engaged(filing, opportunity, active, dormant) for opportunity, active in engaged)
    if not clashes:
        return None
    facts = clashes[0].evidence
    return Verdict(Application.REJECTED, "direct_first", "direct_engaged", filing.ready_at, facts, clashes)


def _engaged(filing: Filing, opportunity: Opportunity, active: date, dormant: int) -> Clash:
    facts = {
        "created_at": opportunity.created_at.isoformat() if opportunity.created_at else None,
        "idle_days": (filing.day - active).days,
        "dormant_after_days": dormant,
    }
    return Clash(Code.C08, filing.ref, opportunity.ref, opportunity.ref, "direct_first", facts)


def loss_cooled_down(filing: Filing, book: Book) -> Verdict | None:
    """No direct opportunity for these products was lost just before (C13; 5.10)."""
    clashes = tuple(islice(_lost_lately(filing, book), MOST))
    if not clashes:
        return None
    facts = clashes[0].evidence
    return Verdict(Application.REVIEW, "loss_cooled_down", "recently_lost", filing.ready_at, facts, clashes)


def _lost_lately(filing: Filing, book: Book) -> Iterator[Clash]:
    """Direct opportunities lost within the cool-down before the filing, latest first."""
    days = book.policy.direct.lost_cooldown_days
    lost, received = book.deals.lost, filing.received_at
    for i in range(bisect_right(lost, received, key=lambda pair: pair[0]) - 1, -1, -1):
        at, opportunity = lost[i]
        if received >= at + timedelta(days=days):
            return
        if meets(opportunity.products, filing.products):
            facts = {"closed_at": at.isoformat(), "lost_cooldown_days": days}
            yield Clash(Code.C13, filing.ref, opportunity.ref, None, "loss_cooled_down", facts)


CLASHES = (not_named, new_logo, filed_once, direct_first, loss_cooled_down)


@dataclass(frozen=True, slots=True)
class Queue:
    """What stands before a filing: the claims ahead of it with the end of each, and the undecided ties."""

    ahead: tuple[tuple[Filing, datetime], ...]
    ties: tuple[Filing, ...]

    def behind(self, now: datetime) -> Filing | None:
        """The first claim ahead that still holds its place."""
        return next((f for f, end in self.ahead if end > now), None)

    @property
    def last(self) -> tuple[Filing, datetime] | None:
        """The claim ahead that ended last, and when; the first in line among those that ended together."""
        return max(self.ahead, key=lambda pair: pair[1], default=None)


def queue(filing: Filing, book: Book) -> Queue:
    """The claims of other partners that meet this one, in order of priority (5.11).

    Ahead is what came earlier, whatever was approved, and a tie that has been decided; undecided ties stand apart.
    """
    ahead: list[tuple[Filing, datetime]] = []
    ties: list[Filing] = []
    partner, products = filing.registration.partner_id, filing.products
    for other in book.filings:
        tied = _tied(filing, other, book)
        if not (tied or _ahead(other, filing)) or other.registration.partner_id == partner:
            continue
        if not meets(products, other.products) or (end := live_end(other, book)) <= filing.ready_at:
            continue
        if tied and decided_end(other) is None:
            ties.append(other)
        else:
            ahead.append((other, end))
    return Queue(tuple(ahead), tuple(ties))


def first_registered(filing: Filing, line: Queue, book: Book) -> Verdict | None:
    """Nobody else's claim comes first: none earlier, none approved, none at the same moment (C03, C06, C07; 5.11)."""
    behind = line.behind(book.now)
    if behind is not None:
        ahead = {"behind": str(behind.ref), "behind_received_at": behind.received_at.isoformat()}
        clashes: tuple[Clash, ...] = (between(filing, behind, book),)
        return Verdict(
            Application.WAITING, "first_registered", "waiting", filing.ready_at, ahead, clashes, behind=behind.ref
        )
    if not line.ties:
        return None
    facts: dict[str, Any] = {"tie_window": book.policy.tie_window.total_seconds()}
    clashes = tuple(between(filing, tie, book) for tie in line.ties[:MOST])
    return Verdict(Application.REVIEW, "first_registered", "tie", filing.ready_at, facts, clashes)


def between(one: Filing, two: Filing, book: Book) -> Clash:
    """The collision of two partners' claims: its registration is the later one (docs/rulings.md 5.11)."""
    first, second = sorted((one, two), key=lambda f: f.order)
    facts = {
        "first_received_at": first.received_at.isoformat(),
        "second_received_at": second.received_at.isoformat(),
        "tie_window": book.policy.tie_window.total_seconds(),
    }
    code = _code_of(first, second, book)
    winner, rule = _winner_of(first, second, code)
    return Clash(code, second.ref, first.ref, winner, rule, facts)


def later_direct(book: Book) -> Iterator[Clash]:
    """Open direct opportunities created after the filing of a protection that is in force (C09, C10; 8)."""
    held = [f for f in book.filings if (g := f.standing.grant) is not None and g.active(book.now)]
    meeting: dict[frozenset[str], list[Filing]] = {}
    for opportunity in book.deals.direct:
        created, scope = opportunity.created_at, opportunity.products
        if opportunity.is_closed or created is None:
            continue
        if scope not in meeting:
            meeting[scope] = [f for f in held if meets(f.products, scope)]
        holders = (f for f in meeting[scope] if f.received_at <= created)
        for holder in islice(holders, MOST):
            yield _after(holder, opportunity, created)


def _after(holder: Filing, opportunity: Opportunity, created: datetime) -> Clash:
    grant = holder.standing.grant
    assert grant is not None
    code = Code.C10 if created < grant.taken else Code.C09
    facts: dict[str, Any] = {
        "created_at": created.isoformat(),
        "received_at": holder.received_at.isoformat(),
        "approved_at": grant.taken.isoformat(),
        "until": grant.end.isoformat(),
    }
    return Clash(code, holder.ref, opportunity.ref, holder.ref, "protection_stands", facts)


def _code_of(first: Filing, second: Filing, book: Book) -> Code:
    one, two = first.standing, second.standing
    if _tied(first, second, book) and (one.by_person or two.by_person or not (one.approved or two.approved)):
        return Code.C06
    if one.grant is not None and one.grant.taken <= second.received_at:
        return Code.C03
    return Code.C07


def _winner_of(first: Filing, second: Filing, code: Code) -> tuple[Ref | None, str]:
    """Which of two partners' claims stands, and by what: a person's word, a protection in force, or the order."""
    one, two = first.standing, second.standing
    if one.rejected and one.decided is not None:
        return second.ref, str(one.decided.actor)
    if two.rejected and two.decided is not None:
        return first.ref, str(two.decided.actor)
    if one.grant is None and first.withdrawn:
        return second.ref, "withdrawn"
    if two.approved and two.decided is not None and not _gave_way(first, second):
        return second.ref, str(two.decided.actor) if two.by_person else "protection_stands"
    if code is not Code.C06:
        return first.ref, "first_registered"
    if one.approved and one.decided is not None:
        return first.ref, str(one.decided.actor)
    return None, "same_moment"


def _gave_way(first: Filing, second: Filing) -> bool:
    """Had the first claim's protection ended when the second one's began?"""
    one, two = first.standing.grant, second.standing.grant
    return one is not None and (two is None or one.end <= two.taken)


def _ahead(other: Filing, filing: Filing) -> bool:
    """Does a claim come before another: received earlier, or approved already?"""
    standing = other.standing
    if other is filing:
        return False
    return other.place < filing.place or standing.approved or standing.grant is not None


def _tied(one: Filing, two: Filing, book: Book) -> bool:
    return one is not two and abs(one.received_at - two.received_at) < book.policy.tie_window
