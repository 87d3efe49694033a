"""Sentences about collisions and states, for the channel manager, with names and dates (DESIGN 2)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from syncd.model import Application, Code, Ref, StampStatus
from syncd.policy.book import Book, Clash, Filing
from syncd.policy.requirable import REQUIRABLE
from syncd.policy.scope import in_words
from syncd.policy.standing import instant
from syncd.policy.words import APPLICATIONS, BANNERS, MAY_BE_PROTECTED, ONE_OF_SEVERAL, Audience, reason_words


def day(at: datetime | None) -> str:
    """A day as people read it, with its zone."""
    return f"{at.day} {at:%B %Y} (UTC)" if at else "an unknown day"


def products_of(filing: Filing) -> str:
    """The scope in words."""
    return in_words(filing.products)


def partner_of(filing: Filing) -> str:
    """The partner's name, else its key."""
    return filing.partner.name if filing.partner else (filing.registration.partner_id or "A partner")


def collision_sentence(clash: Clash, book: Book) -> str:
    """One collision in two short sentences: what meets, and what stands."""
    filing = book.by_ref[clash.registration]
    meets = _PERHAPS if _is_unsure(clash) else _MEETS[clash.code]
    what = meets.format(
        partner=partner_of(filing),
        number=filing.number,
        received=day(filing.registration.received_at),
        products=products_of(filing),
        other=_name(clash.other, book),
    )
    if what.startswith("the "):  # our own words; a partner's name stays as it is spelt
        what = f"T{what[1:]}"
    return f"{what} {_stands(clash, filing, book)}{_around(clash)}"


_PERHAPS = "{other} was open when {partner} filed {number} on {received}; if anybody was active then is not known."


def _is_unsure(clash: Clash) -> bool:
    """A direct opportunity of which nothing but a later activity is known (docs/rulings.md 5.9)."""
    idle, dormant = clash.evidence.get("idle_days"), clash.evidence.get("dormant_after_days")
    return clash.code is Code.C08 and idle is not None and dormant is not None and idle > dormant


def _around(clash: Clash) -> str:
    """What else changed since the approval, as facts and nothing more."""
    facts = clash.evidence
    said = []
    if "account_created_at" in facts:
        beside = ", beside one that was there before" if "account_before" in facts else ""
        said.append(f"its account was created on {day(instant(facts['account_created_at']))}{beside}")
    if "owner_changed_at" in facts:
        said.append(f"its owner changed on {day(instant(facts['owner_changed_at']))}")
    return f" Since the approval {' and '.join(said)}." if said else ""


_MEETS: dict[Code, str] = {
    Code.C00: "{other} is {partner}'s own deal.",
    Code.C01: "{partner} filed {number} on {received}; {other} covers the same deal.",
    Code.C03: "{partner} filed {number} for {products} on {received}, when {other} was approved already.",
    Code.C06: "{partner} filed {number} for {products} on {received}, at the same moment as {other}.",
    Code.C07: "{partner} filed {number} for {products} on {received}, after {other} and before that was decided.",
    Code.C08: "{other} was open and active when {partner} filed {number} on {received}.",
    Code.C09: "{other} was opened while {number} of {partner} protects {products}.",
    Code.C10: "{other} was opened after {partner} filed {number} on {received} and before the approval.",
    Code.C11: "{other} was in contact with your own team shortly before {partner} filed {number} on {received}.",
    Code.C13: "{other} was lost shortly before {partner} filed {number} on {received}.",
    Code.C14: "{partner} filed {number} on {received}; {other} shows that the company is a customer already.",
    Code.C15: "{partner} filed {number} on {received}; {other} was sold last, and a contract is up for renewal.",
    Code.C17: "{partner} filed {number} on {received}; {other} is a named account.",
    Code.C18: "{partner} filed {number} on {received}; {other} is a house account.",
    Code.C19: "{partner} filed {number} for {products} on {received}; {other} is about a company of the same group.",
    Code.C20: "{number} of {partner} and {other} were granted apart, and meet since records were joined.",
    Code.C26: "{other}, the deal of {number} of {partner}, lies on the account of another company.",
    Code.C44: "{partner} filed {number} on {received}; {other} had been passed to a partner as a lead.",
    Code.C53: "{other} qualifies by what was entered after {partner} filed {number} on {received}.",
}


def _stands(clash: Clash, filing: Filing, book: Book) -> str:
    if clash.winner is None:
        text = _OPEN.get(clash.rule, "A person decides; until then carry on.")
        return text.format(other=_name(clash.other, book))
    if clash.code is Code.C19:
        return "Nothing is inherited in a group: both stand, and each is told of the other."
    if clash.code is Code.C53:
        return "A claim is measured by what stood when it was received, so this adds nothing."
    by = f" That was decided by {clash.rule.partition(':')[2]}." if clash.rule.startswith("person:") else ""
    if clash.winner == clash.registration:
        return f"The registration {filing.number} of {partner_of(filing)} stands.{by}"
    if clash.code in (Code.C14, Code.C15, Code.C17, Code.C18, Code.C44):
        return f"The registration was not approved.{by}"
    if clash.code is Code.C13:
        return f"The lost deal holds nothing, and the registration {filing.number} was not approved.{by}"
    if clash.winner in book.by_ref:
        rival = book.by_ref[clash.winner]
        return f"The claim {rival.number} of {partner_of(rival)} stands.{by}"
    return f"The direct deal stands.{by}"


_OPEN = {
    "source_decides": "The partner portal decides.",
    "late_fact": "What speaks for {other} surfaced after the approval, which stands; a person decides.",
    "granted_apart": "Both stand as promised; a person decides.",
    "own_deal_unsure": "It may be the partner's own deal: write the registration's number on it, or decide.",
    "deal_moved": "The protection holds for its own company; a person decides.",
}


def _name(ref: Ref, book: Book) -> str:
    if ref in book.by_ref:
        filing = book.by_ref[ref]
        return f"{filing.number} of {partner_of(filing)}"
    opportunity = book.deals.by_ref.get(ref)
    if opportunity is not None:
        return f"the opportunity {opportunity.name or ref.id}"
    relative = next((r for r in book.group.relatives if r.registration.ref == ref), None)
    if relative is not None:
        return f"a claim on {relative.company}"
    account = next((a for a in book.accounts if a.ref == ref), None)
    return f"the account {(account.name if account else None) or ref.id}"


def state_sentence(filing: Filing, application: Application, reason: str, behind: Ref | None, book: Book) -> str:
    """Where a registration stands, for the channel manager."""
    held, verdict = filing.standing.grant, filing.verdict
    if application in (Application.DRAFT, Application.WITHDRAWN):
        return f"It is {APPLICATIONS[application]}."
    text = reason_words(reason).manager
    if application is Application.APPROVED and held is not None:
        verb = "ended" if held.over(book.now) else "is protected until"
        if verb == "ended":
            return f"The protection of {partner_of(filing)} for {products_of(filing)} ended on {day(held.end)}."
        return f"{partner_of(filing)} {verb} {day(held.end)} for {products_of(filing)}. {text}"
    if behind is not None and behind in book.by_ref:
        return f"{text} It is behind {_name(behind, book)}."
    decided = filing.standing.decided
    evidence = verdict.evidence if verdict else (decided.evidence if decided else {})
    if reason == "missing_fields":
        return f"{text} Missing: {', '.join(REQUIRABLE.get(n, n) for n in evidence.get('missing', ()))}."
    if reason == "first_contact_too_old":
        return f"{text} It was {evidence.get('age_days')} days before; {evidence.get('max_age_days')} are allowed."
    return text


def summary(held: Sequence[Filing]) -> str:
    """Several protections of one account in a line, the one that ends first before the others."""
    ends = [(f, f.standing.grant.end if f.standing.grant else None) for f in held]
    said = "; ".join(f"{partner_of(f)}, {products_of(f)}, until {day(end)}" for f, end in ends)
    return f"{len(held)} protections: {said}"


def banner(stamp: Mapping[str, Any], audience: Audience = Audience.REP, owner: bool = True) -> str:
    """What a stamped record says to its owner or to another rep; the manager reads the owner's text (DESIGN 2)."""
    if not stamp.get("status"):
        return ""
    of_owner, of_others = BANNERS[StampStatus(stamp["status"])]
    template = of_owner if owner or audience is Audience.MANAGER else of_others
    until, count = stamp.get("until"), int(stamp.get("count") or 0)
    if stamp.get("reason") == "check_products":
        template = MAY_BE_PROTECTED
    elif count > 1:
        template = f"{template} {ONE_OF_SEVERAL}"
    values = {
        "{count}": str(count),
        "{partner}": stamp.get("partner") or "A partner",
        "{scope}": in_words(frozenset((stamp.get("scope") or "").split(";")) - {""}),
        "{until}": day(until) if isinstance(until, datetime) else "further notice",
        "{contact}": stamp.get("contact") or "the channel manager",
    }
    return re.sub("|".join(map(re.escape, values)), lambda found: values[found[0]], template)
