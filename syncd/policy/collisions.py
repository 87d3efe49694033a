"""Who else has a claim? The same partner, the direct team, other partners (docs/rulings.md 5.8 to 5.11, and 8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from syncd.model import Account, Application, Code, Decision, DecisionKind, Ref
from syncd.policy.book import MOST, Book, Clash, Filing, Verdict, decided_end
from syncd.policy.eligibility import (
    cooled_down,
    few_records,
    fields_complete,
    first_contact_recent,
    incumbent_keeps,
    new_logo,
    not_house,
    not_named,
    partner_active,
    settled,
    sure_link,
    time_left,
    value_enough,
)
from syncd.policy.own_deals import Engaged
from syncd.policy.passed import own_source, published_in_line, unpublished
from syncd.policy.proof import proof_given
from syncd.policy.schema import Scope
from syncd.policy.scope import deals_in, meets
from syncd.policy.standing import FOREVER, NEVER
from syncd.policy.ties import tie_winner


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
    for rule in FORM:
        if not filing.exempt(rule.__name__) and (verdict := rule(filing, book)) is not None:
            return verdict
    if (verdict := clash_of(filing, book)) is not None:
        return verdict
    return None if filing.exempt(few_records.__name__) else few_records(filing, book)


def passed(filing: Filing) -> list[str]:
    """The rules that an approved filing was measured by and went through, in their order."""
    asked = (settled, sure_link, *FORM, *CLASHES, few_records, first_registered)
    return [rule.__name__ for rule in asked if not filing.exempt(rule.__name__)]


def clash_of(filing: Filing, book: Book) -> Verdict | None:
    """The first of 5.6 to 5.10 that decides, with every collision that the others find as well, most severe first."""
    first: Verdict | None = None
    for rule in CLASHES:
        verdict = None if filing.exempt(rule.__name__) else rule(filing, book)
        if first is None:
            first = verdict
            if first is not None and first.application is Application.PENDING:
                return first
        elif verdict is not None:
            first = replace(first, clashes=(*first.clashes, *(_beside(first, c) for c in verdict.clashes)))
    return first


def _beside(first: Verdict, clash: Clash) -> Clash:
    """A collision beside the one that decided: a person looks at all of them, or, once refused, at none."""
    if first.application is Application.REVIEW:
        return replace(clash, winner=None, rule=first.rule)
    return clash if clash.winner is not None else replace(clash, winner=clash.other, rule=first.rule)


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
    if filing.policy.scope is Scope.OPPORTUNITY and not all(deals_in(o.products) for o in (filing, first)):
        open_ = tuple(Clash(Code.C01, filing.ref, o.ref, None, "filed_once") for o in earlier[:MOST])
        return Verdict(Application.REVIEW, "filed_once", "deal_unnamed", filing.ready_at, facts, open_)
    clashes = tuple(Clash(Code.C01, filing.ref, o.ref, o.ref, "filed_once") for o in earlier[:MOST])
    return Verdict(Application.REJECTED, "filed_once", "duplicate", filing.ready_at, facts, clashes)


def direct_first(filing: Filing, book: Book) -> Verdict | None:
    """No direct opportunity was open and active before the filing (C08; 5.9)."""
    dormant = filing.policy.direct.dormant_after_days
    since = filing.day - timedelta(days=dormant)
    engaged = book.deals.engaged(filing.products, filing.received_at, since, MOST)
    own = [found for found in engaged if book.deals.may_be_of(filing, found.opportunity)]
    engaged = [found for found in engaged if found not in own]
    if own and not (engaged and engaged[0].sure):
        return _unsure(filing, own, dormant, book)
    if not engaged:
        return None
    sure = engaged[0].sure
    clashes = tuple(_engaged(filing, found, dormant) for found in engaged if found.sure is sure)
    facts = clashes[0].evidence
    if sure:
        return Verdict(Application.REJECTED, "direct_first", "direct_engaged", filing.ready_at, facts, clashes)
    return Verdict(Application.REVIEW, "direct_first", "evidence_unsure", filing.ready_at, facts, clashes)


def _unsure(filing: Filing, found: list[Engaged], dormant: int, book: Book) -> Verdict:
    """What may be the registration's own deal stands against nobody until a person has said whose it is (C00)."""
    likely = {e.opportunity.ref: book.deals.likely[e.opportunity.ref] for e in found}
    made = [_engaged(filing, e._replace(sure=False), dormant) for e in found]
    said = [{"score": round(likely[c.other].score, 4), "may_be_own": likely[c.other].reason} for c in made]
    clashes = tuple(replace(c, evidence={**c.evidence, **more}) for c, more in zip(made, said, strict=True))
    facts = clashes[0].evidence
    return Verdict(Application.REVIEW, "direct_first", "own_deal_unsure", filing.ready_at, facts, clashes)


def _engaged(filing: Filing, found: Engaged, dormant: int) -> Clash:
    created, ref = found.opportunity.created_at, found.opportunity.ref
    facts = {
        "created_at": created.isoformat() if created else None,
        "idle_days": (filing.day - found.active).days,
        "dormant_after_days": dormant,
        "as_of": filing.received_at.isoformat(),
        "known": "observed" if found.observed else "reconstructed",
    }
    return Clash(Code.C08, filing.ref, ref, ref if found.sure else None, "direct_first", facts)


def direct_contact(filing: Filing, book: Book) -> Verdict | None:
    """Nobody of the direct team was in two-way contact with the company shortly before the filing (C11; 5.9)."""
    days = filing.policy.direct.contact_days
    since = filing.received_at - timedelta(days=days)
    found = [
        Clash(Code.C11, filing.ref, account.ref, account.ref, "direct_contact", {"last_contact_at": at.isoformat()})
        for account in (book.accounts if days else ())
        if (at := _last_contact(account, filing, book)) is not None and at > since
    ]
    if not found:
        return None
    facts = {**found[0].evidence, "contact_days": days}
    clashes = tuple(found[:MOST])
    return Verdict(Application.REJECTED, "direct_contact", "direct_engaged", filing.ready_at, facts, clashes)


def _last_contact(account: Account, filing: Filing, book: Book) -> datetime | None:
    """The last time at which the company answered or took part, on the account or on a direct opportunity of it."""
    past, received = book.deals.past, filing.received_at
    deals = [o.ref for o in book.deals.stood(received) if o.account_id == account.ref.id]
    told = (found for ref in (account.ref, *deals) for found in past.activities(ref, received))
    return max((at for activity, at in told if activity.is_two_way), default=None)


def loss_cooled_down(filing: Filing, book: Book) -> Verdict | None:
    """No direct opportunity for these products was lost just before (C13; 5.10)."""
    clashes = tuple(islice(_lost_lately(filing, book), MOST))
    if not clashes:
        return None
    facts = clashes[0].evidence
    return Verdict(Application.REVIEW, "loss_cooled_down", "recently_lost", filing.ready_at, facts, clashes)


def _lost_lately(filing: Filing, book: Book) -> Iterator[Clash]:
    """Direct opportunities lost within the cool-down before the filing, latest first."""
    days, received = filing.policy.direct.lost_cooldown_days, filing.received_at
    for at, opportunity in book.deals.lost_before(received, received - timedelta(days=days)):
        if meets(opportunity.products, filing.products):
            facts = {"closed_at": at.isoformat(), "lost_cooldown_days": days}
            yield Clash(Code.C13, filing.ref, opportunity.ref, None, "loss_cooled_down", facts)


def family_whole(filing: Filing, book: Book) -> Verdict | None:
    """Where a family of companies is decided about as one, it was small enough for that (`family_most`)."""
    if book.group.complete:
        return None
    facts = {"family_most": book.policy.family_most}
    return Verdict(Application.REVIEW, "family_whole", "family_too_large", filing.ready_at, facts)


FORM = (
    family_whole,
    partner_active,
    fields_complete,
    proof_given,
    first_contact_recent,
    value_enough,
    time_left,
    unpublished,
    cooled_down,
)
CLASHES = (
    not_named,
    not_house,
    incumbent_keeps,
    new_logo,
    filed_once,
    direct_first,
    direct_contact,
    own_source,
    loss_cooled_down,
)
"""The rules 5.6 to 5.10, the most severe first."""


@dataclass(frozen=True, slots=True)
class Queue:
    """What stands before a filing: the claims ahead of it with the end of each, and the undecided ties.

    `beaten` are the ties that a tie rule has put behind it, with that rule. `parted` is when the last claim that was
    ahead turned out to be about another deal.
    """

    ahead: tuple[tuple[Filing, datetime], ...]
    ties: tuple[Filing, ...]
    beaten: tuple[tuple[Filing, str], ...] = ()
    parted: datetime = NEVER

    def behind(self, now: datetime) -> Filing | None:
        """The first claim ahead that still holds its place."""
        return next((f for f, end in self.ahead if end > now), None)

    @property
    def last(self) -> tuple[Filing, datetime] | None:
        """The claim ahead that ended last, and when; the first in line among those that ended together."""
        return max(self.ahead, key=lambda pair: pair[1], default=None)

    def free_from(self, filing: Filing) -> datetime:
        """When nothing stands before a filing any more, once everything ahead has ended."""
        return max([filing.ready_at, self.parted, *(end for _, end in self.ahead)])


def queue(filing: Filing, book: Book) -> Queue:
    """The claims of other partners that meet this one, in order of priority (5.11).

    Ahead is what came earlier, whatever was approved, and a tie that has been decided; undecided ties stand apart.
    """
    ahead: list[tuple[Filing, datetime]] = []
    ties: list[Filing] = []
    beaten: list[tuple[Filing, str]] = []
    parted = NEVER
    for other in () if book.several(filing) else book.filings:
        tied = _tied(filing, other, book)
        if not (tied or _ahead(other, filing)) or other.party == filing.party:
            continue
        if not meets(filing.products, other.products):
            parted = max(parted, book.parted_at(filing, other))
            continue
        if (end := live_end(other, book)) <= filing.ready_at:
            continue
        stronger = tie_winner(filing, other, book) if tied and decided_end(other) is None else (other, "")
        if stronger is None:
            ties.append(other)
        elif stronger[0] is other:
            ahead.append((other, end))
        else:
            beaten.append((other, stronger[1]))
    return Queue(tuple(ahead), tuple(ties), tuple(beaten), parted)


def first_registered(filing: Filing, line: Queue, book: Book) -> Verdict | None:
    """Nobody else's claim comes first: none earlier, none approved, none at the same moment (C03, C06, C07; 5.11)."""
    behind = line.behind(book.now)
    if behind is not None:
        ahead = {"behind": str(behind.ref), "behind_received_at": behind.received_at.isoformat()}
        clashes: tuple[Clash, ...] = (between(filing, behind, book),)
        return Verdict(
            Application.WAITING, "first_registered", "waiting", filing.ready_at, ahead, clashes, behind=behind.ref
        )
    if any(not other.settled for other, _ in line.beaten) or _may_be_asked(line, book):
        return Verdict(Application.PENDING, "settled", "settling", filing.ready_at)
    if not line.ties:
        return published_in_line(filing, line.free_from(filing), book)
    facts: dict[str, Any] = {"tie_window": book.policy.tie_window.total_seconds()}
    clashes = tuple(between(filing, tie, book) for tie in line.ties[:MOST])
    return Verdict(Application.REVIEW, "first_registered", "tie", filing.ready_at, facts, clashes)


def judged_too_early(filing: Filing, book: Book) -> bool:
    """Does it meet a claim whose turn in this run came after its own, and which was decided then?"""
    met = filing.verdict.clashes if filing.undecided and filing.verdict is not None else ()
    others = (book.by_ref.get(ref) for clash in met for ref in (clash.registration, clash.other))
    return any(other is not None and other.place > filing.place and not other.undecided for other in others)


def _may_be_asked(line: Queue, book: Book) -> bool:
    """May a request still turn up that was made before one of them ended? (`extension.requests_hold`)"""
    horizon = book.group.horizon
    grants = (f.standing.grant for f, _ in line.ahead if f.policy.extension.requests_hold)
    ended = (held for held in grants if held is not None and held.cut is None)
    return any(horizon is None or horizon < held.end for held in ended)


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
    if winner is not None and rule == "protection_stands" and came_late(first, second):
        winner, rule = None, "late_fact"
    if winner is None and rule == "same_moment" and (by_rule := tie_winner(first, second, book)) is not None:
        winner, rule = by_rule[0].ref, f"tie:{by_rule[1]}"
    return Clash(code, second.ref, first.ref, winner, rule, facts)


def _code_of(first: Filing, second: Filing, book: Book) -> Code:
    one, two = first.standing, second.standing
    approved = one.approved or two.approved
    by_person = any(s.by_person and (s.approved or s.rejected) for s in (one, two))
    if _tied(first, second, book) and (by_person or not approved):
        return Code.C06
    if one.grant is not None and one.grant.taken <= second.received_at:
        return Code.C03
    return Code.C07


def _winner_of(first: Filing, second: Filing, code: Code) -> tuple[Ref | None, str]:
    """Which of two partners' claims stands, and by what: a person's word, a protection in force, or the order."""
    one, two = first.standing, second.standing
    if (refused := _refused(first)) is not None:
        return second.ref, _said_by(refused)
    if (refused := _refused(second)) is not None:
        return first.ref, _said_by(refused)
    if one.grant is None and first.withdrawn:
        return second.ref, "withdrawn"
    if two.grant is None and second.withdrawn:
        return first.ref, "withdrawn"
    if two.approved and two.decided is not None and (two.by_person or not _gave_way(first, second)):
        return second.ref, str(two.decided.actor) if two.by_person else "protection_stands"
    if code is not Code.C06:
        return first.ref, "first_registered"
    if one.approved and one.decided is not None:
        return first.ref, _said_by(one.decided)
    return None, "same_moment"


def _refused(filing: Filing) -> Decision | None:
    """What rejected it, or sent it back and was not answered since."""
    decided = filing.standing.decided
    if decided is None or filing.undecided:
        return None
    return decided if filing.standing.rejected or decided.kind is DecisionKind.RETURNED else None


def _said_by(decided: Decision) -> str:
    """The rule under which people read a decision: the source's, the rule itself, or the person."""
    if decided.kind is DecisionKind.ADOPTED:
        return "source_decides"
    return decided.rule if decided.actor.kind == "rule" else str(decided.actor)


def came_late(first: Filing, second: Filing) -> bool:
    """Did the claim that was received first surface only after a rule had approved the second?"""
    approval = second.standing.decided
    if approval is None or approval.kind is not DecisionKind.APPROVED or approval.actor.kind != "rule":
        return False
    seen = next((d.at for d in first.decisions if d.kind is DecisionKind.SUBMITTED), None)
    return first.order < second.order and seen is not None and seen > approval.at


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
