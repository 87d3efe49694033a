"""May this registration be approved at all? Partner, form, first contact, named account, customer (5.2 to 5.7)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from syncd.model import Account, Application, Code, Opportunity
from syncd.policy.book import MOST, Book, Clash, Filing, Verdict
from syncd.policy.fields import plain, value_of
from syncd.policy.schema import NamedAccounts


def settled(filing: Filing, book: Book) -> Verdict | None:
    """It is decided when everything that came earlier is known (docs/rulings.md 4 and 5.1)."""
    if filing.settled:
        return None
    return _verdict(filing, Application.PENDING, "settled", "settling", settled_at=filing.settled_at.isoformat())


def sure_link(filing: Filing, book: Book) -> Verdict | None:
    """A filing is decided only when it is clear which company is meant (5.2; domain.md 2.2 I12)."""
    if not filing.unsure:
        return None
    return _verdict(filing, Application.REVIEW, "sure_link", "match_unsure")


def partner_active(filing: Filing, book: Book) -> Verdict | None:
    """The partner is known and active (5.3)."""
    key = filing.registration.partner_id
    if filing.partner is None:
        return _verdict(filing, Application.REVIEW, "partner_active", "partner_unknown", partner=key)
    if filing.partner.status.strip().casefold() == "active":
        return None
    status = filing.partner.status
    return _verdict(filing, Application.REJECTED, "partner_active", "partner_inactive", partner=key, status=status)


def fields_complete(filing: Filing, book: Book) -> Verdict | None:
    """Everything that the policy requires has been filled in (5.4)."""
    required = book.policy.required
    missing = [name for name in required if value_of(name, filing.registration, filing.company) is None]
    if not missing:
        return None
    return _verdict(
        filing,
        Application.RETURNED,
        "fields_complete",
        "missing_fields",
        missing=missing,
        fields=dict.fromkeys(missing),
    )


def first_contact_recent(filing: Filing, book: Book) -> Verdict | None:
    """The first contact, if given, lies inside the window before the day of filing (5.5)."""
    contact, limit = filing.registration.first_contact_on, book.policy.first_contact.max_age_days
    if contact is None:
        return None
    age = (filing.day - contact).days
    rule, facts = "first_contact_recent", {"first_contact_on": plain(contact), "age_days": age, "max_age_days": limit}
    if age < 0:
        fields = {"first_contact_on": plain(contact)}
        return _verdict(filing, Application.RETURNED, rule, "first_contact_in_future", fields=fields, **facts)
    if limit and age > limit:
        return _verdict(filing, Application.REJECTED, rule, "first_contact_too_old", **facts)
    return None


def not_named(filing: Filing, book: Book) -> Verdict | None:
    """The company is not on the list of named accounts, or the policy lets it pass (C17; 5.6)."""
    named = [a.ref for a in book.accounts if a.is_named]
    if not named or book.policy.named_accounts is NamedAccounts.ALLOW:
        return None
    refused = book.policy.named_accounts is NamedAccounts.REJECT
    application = Application.REJECTED if refused else Application.REVIEW
    clashes = [Clash(Code.C17, filing.ref, ref, ref if refused else None, "not_named") for ref in named]
    return _met(filing, application, "not_named", "named_account", clashes)


def new_logo(filing: Filing, book: Book) -> Verdict | None:
    """The company has not bought inside the new-logo window (C14; 5.7)."""
    days = book.policy.customers.new_logo_days
    if not days:
        return None
    others = [
        (a.ref, {"is_customer": a.is_customer, "last_order_on": plain(a.last_order_on)})
        for a in book.accounts
        if _bought_lately(a, filing, days)
    ]
    others += [(o.ref, {"won_at": at.isoformat()}) for at, o in islice(_won_lately(filing, book, days), MOST)]
    facts = {"new_logo_days": days}
    clashes = [Clash(Code.C14, filing.ref, ref, ref, "new_logo", {**facts, **found}) for ref, found in others]
    return _met(filing, Application.REJECTED, "new_logo", "existing_customer", clashes, **facts) if clashes else None


def _bought_lately(account: Account, filing: Filing, days: int) -> bool:
    if account.last_order_on is None:
        return account.is_customer
    return account.last_order_on >= filing.day - timedelta(days=days)


def _won_lately(filing: Filing, book: Book, days: int) -> Iterator[tuple[datetime, Opportunity]]:
    """Opportunities won before the filing and inside the window that are not the filing's own deal, latest first."""
    won, received = book.deals.won, filing.received_at
    for i in range(bisect_right(won, received, key=lambda pair: pair[0]) - 1, -1, -1):
        at, opportunity = won[i]
        if received >= at + timedelta(days=days):
            return
        if book.deals.own.get(opportunity.ref) is not filing:
            yield at, opportunity


def _verdict(filing: Filing, application: Application, rule: str, reason: str, **facts: Any) -> Verdict:
    return Verdict(application, rule, reason, filing.ready_at, facts)


def _met(
    filing: Filing, application: Application, rule: str, reason: str, clashes: list[Clash], **facts: Any
) -> Verdict:
    return Verdict(application, rule, reason, filing.ready_at, facts, tuple(clashes[:MOST]))
