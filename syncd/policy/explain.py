"""Sentences about collisions and states, for the channel manager, with names and dates (DESIGN 2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from syncd.model import Application, Code, Ref, StampStatus
from syncd.policy.book import Book, Clash, Filing
from syncd.policy.requirable import REQUIRABLE
from syncd.policy.scope import in_words
from syncd.policy.words import APPLICATIONS, BANNERS, Audience, reason_words


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
    what = _MEETS[clash.code].format(
        partner=partner_of(filing),
        number=filing.number,
        received=day(filing.registration.received_at),
        products=products_of(filing),
        other=_name(clash.other, book),
    )
    if what.startswith("the "):  # our own words; a partner's name stays as it is spelt
        what = f"T{what[1:]}"
    return f"{what} {_stands(clash, filing, book)}"


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
    Code.C20: "{number} of {partner} and {other} were granted apart, and meet since records were joined.",
    Code.C53: "{other} qualifies by what was entered after {partner} filed {number} on {received}.",
}


def _stands(clash: Clash, filing: Filing, book: Book) -> str:
    if clash.winner is None:
        text = _OPEN.get(clash.rule, "A person decides; until then carry on.")
        return text.format(other=_name(clash.other, book))
    if clash.code is Code.C53:
        return "A claim is measured by what stood when it was received, so this adds nothing."
    by = f" That was decided by {clash.rule.partition(':')[2]}." if clash.rule.startswith("person:") else ""
    if clash.winner == clash.registration:
        return f"The registration {filing.number} of {partner_of(filing)} stands.{by}"
    if clash.code in (Code.C14, Code.C15, Code.C17, Code.C18):
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
}


def _name(ref: Ref, book: Book) -> str:
    if ref in book.by_ref:
        filing = book.by_ref[ref]
        return f"{filing.number} of {partner_of(filing)}"
    opportunity = book.deals.by_ref.get(ref)
    if opportunity is not None:
        return f"the opportunity {opportunity.name or ref.id}"
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
    return text


def banner(stamp: Mapping[str, Any], audience: Audience = Audience.REP, owner: bool = True) -> str:
    """What a stamped record says to its owner or to another rep; the manager reads the owner's text (DESIGN 2)."""
    if not stamp.get("status"):
        return ""
    of_owner, of_others = BANNERS[StampStatus(stamp["status"])]
    template = of_owner if owner or audience is Audience.MANAGER else of_others
    until = stamp.get("until")
    values = {
        "{partner}": stamp.get("partner") or "A partner",
        "{scope}": in_words(frozenset((stamp.get("scope") or "").split(";")) - {""}),
        "{until}": day(until) if isinstance(until, datetime) else "further notice",
        "{contact}": stamp.get("contact") or "the channel manager",
    }
    return re.sub("|".join(map(re.escape, values)), lambda found: values[found[0]], template)
