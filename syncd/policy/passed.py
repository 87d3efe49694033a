"""Did the deal come to the partner from elsewhere? Published tenders, and leads that the vendor passed on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from syncd.model import Account, Application, Code, Lead
from syncd.policy.book import MOST, Book, Clash, Filing, Verdict
from syncd.policy.fields import plain
from syncd.policy.schema import NamedAccounts
from syncd.policy.scope import meets


def unpublished(filing: Filing, book: Book) -> Verdict | None:
    """Its tender was not published before the approval can take effect (`tenders`; C37; docs/rulings.md 5.5)."""
    return _published(filing, filing.ready_at, book)


def published_in_line(filing: Filing, free_from: datetime, book: Book) -> Verdict | None:
    """Nor while it was in line: who is promoted after the publication is approved as little as who files after it."""
    return None if filing.exempt(unpublished.__name__) else _published(filing, free_from, book)


def _published(filing: Filing, effective_at: datetime, book: Book) -> Verdict | None:
    """A day that the filing itself names is sure; one that only another filing of the deal names is for a person."""
    if book.policy.tenders is NamedAccounts.ALLOW:
        return None
    own = filing.registration.tender_on
    others = [day for other in book.filings if (day := _told_by(other, filing)) is not None]
    on = own if own is not None else min(others, default=None)
    if on is None or on > effective_at.date():
        return None
    facts: dict[str, Any] = {"tender_on": plain(on), "effective_at": effective_at.isoformat(), "own": own is not None}
    refused = own is not None and book.policy.tenders is NamedAccounts.REJECT
    application = Application.REJECTED if refused else Application.REVIEW
    return Verdict(application, unpublished.__name__, "tender_published", effective_at, facts)


def _told_by(other: Filing, filing: Filing) -> date | None:
    told = other is not filing and not other.draft and meets(other.products, filing.products)
    return other.registration.tender_on if told else None


def own_source(filing: Filing, book: Book) -> Verdict | None:
    """The vendor did not pass this company to a partner as a lead (`passed_leads`; C44; docs/rulings.md 5.9).

    The partner who got it has sourced nothing, so that a person looks; for everybody else it is taken. A lead that was
    changed since the filing proves nothing about it, and a person looks.
    """
    terms = filing.policy.passed_leads
    leads = [] if terms is NamedAccounts.ALLOW else _passed(filing, book)
    if not leads:
        return None
    taken = [(lead, account) for lead, account in leads if _sure(lead, filing) and not _got_it(lead, filing)]
    refused = bool(taken) and terms is NamedAccounts.REJECT
    met = taken if refused else leads
    clashes = tuple(
        Clash(Code.C44, filing.ref, account.ref, account.ref if refused else None, own_source.__name__, _facts(lead))
        for lead, account in met[:MOST]
    )
    application = Application.REJECTED if refused else Application.REVIEW
    reason = "lead_passed_on" if taken else "lead_received"
    return Verdict(application, own_source.__name__, reason, filing.ready_at, clashes[0].evidence, clashes)


def _passed(filing: Filing, book: Book) -> list[tuple[Lead, Account]]:
    """The leads that name a partner, made shortly before the filing, the latest first; one for each account."""
    since = filing.received_at - timedelta(days=book.policy.passed_lead_days)
    found: dict[Account, Lead] = {}
    made = [lead for lead in book.group.leads if lead.created_at and since < lead.created_at <= filing.received_at]
    for lead in sorted(made, key=lambda lead: (lead.created_at, lead.ref), reverse=True):
        account = book.direct_account(lead.account_id)
        if account is not None and (lead.partner_name or "").strip():
            found.setdefault(account, lead)
    return [(lead, account) for account, lead in found.items()]


def _sure(lead: Lead, filing: Filing) -> bool:
    return lead.modified_at is None or lead.modified_at <= filing.received_at


def _got_it(lead: Lead, filing: Filing) -> bool:
    known = filing.partner.name if filing.partner else ""
    return (lead.partner_name or "").strip().casefold() == known.strip().casefold()


def _facts(lead: Lead) -> dict[str, Any]:
    return {"lead": str(lead.ref), "passed_at": plain(lead.created_at), "lead_source": lead.lead_source}
