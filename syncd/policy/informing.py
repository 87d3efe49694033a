"""Collisions that tell or ask without deciding: C08 to C10 after an approval, C20, C53 (docs/rulings.md 8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from syncd.model import Application, Code, DecisionKind, Opportunity, Relative
from syncd.policy.book import MOST, Book, Clash, Filing
from syncd.policy.claim_terms import MovedDeals
from syncd.policy.collisions import between, came_late, direct_first, queue
from syncd.policy.eligibility import new_logo, not_house, not_named
from syncd.policy.parties import party_of
from syncd.policy.scope import beside_deals, is_referral, meets, products_in, scope_filed
from syncd.policy.standing import Grant

_OPEN = (Application.PENDING, Application.REVIEW, Application.WAITING)


def informing(book: Book) -> Iterator[Clash]:
    """Everything that surfaced beside what was decided, in the order in which it weighs."""
    yield from late_facts(book)
    yield from late_claims(book)
    yield from both_in_force(book)
    yield from deals_elsewhere(book)
    yield from later_direct(book)
    yield from in_the_family(book)
    yield from entered_later(book)


def later_direct(book: Book) -> Iterator[Clash]:
    """Open direct opportunities created after the filing of a protection that is in force (C09, C10)."""
    held = [f for f in book.filings if _protects(f, book)]
    meeting: dict[frozenset[str], list[Filing]] = {}
    for opportunity in book.deals.direct:
        created, scope = opportunity.created_at, opportunity.products
        if opportunity.is_closed or created is None:
            continue
        if scope not in meeting:
            meeting[scope] = [f for f in held if meets(f.products, scope)]
        holders = (f for f in meeting[scope] if f.received_at <= created)
        for holder in islice(holders, MOST):
            yield _after(holder, opportunity, created, book)


def _protects(filing: Filing, book: Book) -> bool:
    """Is a protection in force? A referral protects nothing."""
    held = filing.standing.grant
    return held is not None and held.active(book.now) and not is_referral(filing.products)


def _after(holder: Filing, opportunity: Opportunity, created: datetime, book: Book) -> Clash:
    grant = holder.standing.grant
    assert grant is not None
    code = Code.C10 if created < grant.taken else Code.C09
    facts: dict[str, Any] = {
        "created_at": created.isoformat(),
        "received_at": holder.received_at.isoformat(),
        "approved_at": grant.taken.isoformat(),
        "until": grant.end.isoformat(),
        **around(grant, opportunity, created, book),
    }
    if book.deals.may_be_of(holder, opportunity):
        return Clash(code, holder.ref, opportunity.ref, None, "own_deal_unsure", facts)
    return Clash(code, holder.ref, opportunity.ref, holder.ref, "protection_stands", facts)


def around(grant: Grant, opportunity: Opportunity, created: datetime, book: Book) -> dict[str, Any]:
    """What else changed since the approval, as facts: whether the account is new since, beside which one that was
    there before, and when the owner changed."""
    facts: dict[str, Any] = {}
    if created >= grant.taken:
        facts["days_after_approval"] = (created - grant.taken).days
    account = book.direct_account(opportunity.account_id)
    if account is not None and account.created_at is not None and account.created_at >= grant.taken:
        facts["account_created_at"] = account.created_at.isoformat()
        before = [a for a in book.accounts if a.created_at is None or a.created_at < grant.taken]
        if before:
            facts["account_before"] = str(before[0].ref)
    changed = book.deals.past.owner_changed(opportunity, grant.taken)
    if changed is not None:
        facts["owner_changed_at"] = changed.isoformat()
    return facts


def deals_elsewhere(book: Book) -> Iterator[Clash]:
    """The deal of a protection lies on the account of another company: it was moved, or the number is on a wrong one
    (C26). The protection stays with its company and scope, and a person looks."""
    if book.policy.moved_deals is MovedDeals.IGNORE:
        return
    for opportunity in book.group.pushed:
        owner = book.deals.own.get(opportunity.ref)
        held = owner.standing.grant if owner is not None else None
        if owner is None or held is None or held.over(book.now) or not book.accounts:
            continue
        facts = {"account": opportunity.account_id, "accounts": [str(a.ref) for a in book.accounts[:MOST]]}
        yield Clash(Code.C26, owner.ref, opportunity.ref, None, "deal_moved", facts)


def in_the_family(book: Book) -> Iterator[Clash]:
    """Claims on other companies of the same group, in scopes that meet: nothing is inherited, both are told (C19)."""
    for filing in book.filings:
        held = filing.standing.grant
        live = held is not None and not held.over(book.now)
        if not live and (filing.verdict is None or filing.verdict.application not in _OPEN):
            continue
        for relative in islice(_related(filing, book), MOST):
            facts = {"company": relative.company, "tie": relative.tie}
            yield Clash(Code.C19, filing.ref, relative.registration.ref, filing.ref, "nothing_inherited", facts)


def _related(filing: Filing, book: Book) -> Iterator[Relative]:
    for relative in sorted(book.group.relatives, key=lambda r: r.registration.ref):
        scope = scope_filed(relative.registration, None, book.policy)
        other = party_of(relative.registration.partner_id, book.group.partners, book.policy)
        if other != filing.party and meets(beside_deals(filing.products), scope):
            yield relative


def late_facts(book: Book) -> Iterator[Clash]:
    """What stood against a registration when it was received, and surfaced only after a rule had approved it.

    The approval stands; a person decides (DESIGN 1). Judged by another policy since, it was no fact that came late;
    nor is it one where nothing is held of what it said then.
    """
    for filing in book.filings:
        approval, held = filing.standing.decided, filing.standing.grant
        if held is None or held.over(book.now) or approval is None or approval.kind is not DecisionKind.APPROVED:
            continue
        if approval.actor.kind != "rule" or approval.policy_version != book.version:
            continue
        for rule in (not_named, not_house, new_logo, direct_first):
            verdict = None if filing.exempt(rule.__name__) else rule(filing, book)
            if verdict is not None and verdict.application is Application.REJECTED:
                late = (clash for clash in verdict.clashes if _surely_then(clash, filing, book))
                yield from (replace(clash, winner=None, rule="late_fact") for clash in late)


def late_claims(book: Book) -> Iterator[Clash]:
    """Another partner's claim that came first and surfaced only after a rule had approved this one (DESIGN 1)."""
    for filing in book.filings:
        if filing.verdict is None or filing.verdict.application not in (Application.REVIEW, Application.WAITING):
            continue
        for ahead, end in queue(filing, book).ahead:
            if end > book.now and came_late(filing, ahead):
                yield between(filing, ahead, book)


def _surely_then(clash: Clash, filing: Filing, book: Book) -> bool:
    """Is it known that the other side stood like this when the filing was received?"""
    past, deal, account = book.deals.past, book.deals.by_ref.get(clash.other), book.direct_account(clash.other.id)
    if deal is not None:
        return past.observed(deal, filing.received_at)
    return account is not None and past.observed(account, filing.received_at)


def entered_later(book: Book) -> Iterator[Clash]:
    """Direct opportunities that qualify only by what was entered after the filing, which adds nothing (C53)."""
    for filing in book.filings:
        dormant = timedelta(days=filing.policy.direct.dormant_after_days)
        held = filing.standing.grant
        in_force = held is not None and not held.over(book.now)
        if filing.early or (not in_force and (filing.verdict is None or filing.verdict.application not in _OPEN)):
            continue
        for opportunity in book.deals.surfaced(filing.products, filing.received_at, filing.day - dormant, MOST):
            then, observed = book.deals.past.at(opportunity, filing.received_at)
            facts = {
                "as_of": filing.received_at.isoformat(),
                "known": "observed" if observed else "reconstructed",
                "last_activity_on": _plain(opportunity.last_activity_on),
                "last_activity_on_then": _plain(then.last_activity_on),
                "products_then": sorted(products_in(then.products)),
                "closed_then": then.is_closed,
            }
            yield Clash(Code.C53, filing.ref, opportunity.ref, filing.ref, "evidence_as_received", facts)


def _plain(value: Any) -> str | None:
    return value.isoformat() if value is not None else None


def both_in_force(book: Book) -> Iterator[Clash]:
    """Protections of two partners that were granted apart and meet since a merge or a link joined them (C20).

    Both stay as promised, and a person decides; the one that was granted first is the other side.
    """
    wide: list[Filing] = []
    by_product: dict[str, list[Filing]] = {}
    held = [(g, f) for f in book.filings if (g := f.standing.grant) is not None and _granted_here(f, g, book)]
    for grant, filing in sorted(held, key=lambda pair: (pair[0].taken, pair[1].order)):
        products = products_in(filing.products)
        shared = by_product if not products else {p: by_product[p] for p in sorted(products) if p in by_product}
        near = dict.fromkeys([*wide, *(f for filings in shared.values() for f in filings)])
        met = (f for f in near if f.party != filing.party and meets(f.products, filing.products))
        for other in islice(met, MOST):
            first = other.standing.grant
            assert first is not None
            facts = {"first_granted_at": first.taken.isoformat(), "second_granted_at": grant.taken.isoformat()}
            yield Clash(Code.C20, filing.ref, other.ref, None, "granted_apart", facts)
        for product in products:
            by_product.setdefault(product, []).append(filing)
        if not products:
            wide.append(filing)


def _granted_here(filing: Filing, grant: Grant, book: Book) -> bool:
    in_force = grant.by.kind is DecisionKind.APPROVED and grant.since <= book.now < grant.end
    return in_force and not book.several(filing)
