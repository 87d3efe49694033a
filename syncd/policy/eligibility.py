"""May this registration be approved at all? Partner, form, value, named account, customer (5.2 to 5.7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from syncd.model import Account, Application, Code, Contract, DecisionKind, ListEntry, Opportunity
from syncd.policy.book import MOST, Book, Clash, Filing, Verdict
from syncd.policy.fields import plain, value_of
from syncd.policy.partners import ON_HOLD
from syncd.policy.schema import NamedAccounts
from syncd.policy.scope import beside_deals, meets
from syncd.policy.standing import NEVER
from syncd.policy.terms import Speculation


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
    if status == ON_HOLD:
        return _verdict(filing, Application.REVIEW, "partner_active", "partner_on_hold", partner=key)
    return _verdict(filing, Application.REJECTED, "partner_active", "partner_inactive", partner=key, status=status)


def fields_complete(filing: Filing, book: Book) -> Verdict | None:
    """Everything that the policy requires has been filled in (5.4)."""
    required = filing.policy.required
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
    contact, limit = filing.registration.first_contact_on, filing.policy.first_contact.max_age_days
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


def value_enough(filing: Filing, book: Book) -> Verdict | None:
    """The deal is worth what the policy asks for in its currency (`minimum`; domain.md 1.7)."""
    if not filing.policy.minimum:
        return None
    value = filing.registration.value
    known = {least.currency: least.amount for least in filing.policy.minimum}
    facts = {"value": plain(value), "minimum": {currency: str(amount) for currency, amount in known.items()}}
    if value is None or not value.currency:
        fields = {"value": plain(value)}
        return _verdict(filing, Application.RETURNED, "value_enough", "value_without_currency", fields=fields, **facts)
    least = known.get(value.currency.upper())
    if least is None or value.amount >= least:
        return None
    return _verdict(filing, Application.REJECTED, "value_enough", "below_minimum", **facts)


def time_left(filing: Filing, book: Book) -> Verdict | None:
    """The deal does not close so soon that nobody needs a partner any more (`least_days_before_close`; C52)."""
    close, least = filing.registration.close_on, filing.policy.least_days_before_close
    if not least or close is None or (close - filing.day).days >= least:
        return None
    facts = {"close_on": plain(close), "days_left": (close - filing.day).days, "least_days_before_close": least}
    return _verdict(filing, Application.REJECTED, "time_left", "too_late", **facts)


def cooled_down(filing: Filing, book: Book) -> Verdict | None:
    """The same partner's protection for this did not end just before (`cooldown_days`; C30)."""
    days = filing.policy.cooldown_days
    if not days:
        return None
    received = filing.received_at
    for other in book.of_partner(filing):
        held = other.standing.grant
        if other is filing or held is None or not meets(held.products, filing.products):
            continue
        if held.end <= received < held.end + timedelta(days=days):
            again = held.end + timedelta(days=days)
            facts = {"earlier": str(other.ref), "ended_at": held.end.isoformat(), "again_from": again.isoformat()}
            return _verdict(filing, Application.REJECTED, "cooled_down", "cooldown", cooldown_days=days, **facts)
    return None


def not_speculative(filing: Filing, book: Book) -> Verdict | None:
    """The filing does not look like one of many: capacity, conversion, freshness (`speculation`)."""
    terms = book.policy.speculation
    if not terms.signs:
        return None
    signs = _signs(filing, terms)
    if len(signs) < terms.signs:
        return None
    return _verdict(filing, Application.REVIEW, "not_speculative", "speculative", signs=signs)


def _signs(filing: Filing, terms: Speculation) -> dict[str, Any]:
    """The counts are those recorded when it was first seen, so that later filings change nothing."""
    filed = next((d for d in filing.decisions if d.kind is DecisionKind.SUBMITTED), None)
    counts = dict(filed.evidence.get("partner_counts", {})) if filed is not None else {}
    live, ended, won = (int(counts.get(name, 0)) for name in ("live", "ended", "won"))
    signs: dict[str, Any] = {}
    if live >= terms.capacity:
        signs["capacity"] = {"live": live, "capacity": terms.capacity}
    if ended >= terms.conversion_after and 100 * won < terms.conversion_percent * ended:
        signs["conversion"] = {"ended": ended, "won": won, "least_percent": terms.conversion_percent}
    contact = filing.registration.first_contact_on
    if contact is None or (filing.day - contact).days > terms.stale_after_days:
        signs["freshness"] = {"first_contact_on": plain(contact), "stale_after_days": terms.stale_after_days}
    return signs


def not_named(filing: Filing, book: Book) -> Verdict | None:
    """The company is not on the list of named accounts, or the policy lets it pass (C17; 5.6)."""
    if filing.policy.named_accounts is NamedAccounts.ALLOW:
        return None
    listed = {a.ref: _entry(entry) for a, entry in book.listed_then(filing, "named", "excluded")}
    named = [a.ref for a in book.accounts_then(filing) if a.is_named or a.ref in listed]
    if not named:
        return None
    refused = filing.policy.named_accounts is NamedAccounts.REJECT
    application = Application.REJECTED if refused else Application.REVIEW
    winners = {ref: ref if refused else None for ref in named}
    clashes = [Clash(Code.C17, filing.ref, r, winners[r], "not_named", listed.get(r, {})) for r in named]
    return _met(filing, application, "not_named", "named_account", clashes)


def _entry(entry: ListEntry) -> dict[str, Any]:
    """Which list, and the version of the entry that was in force: its own id and days."""
    return {"list": entry.kind, "entry": str(entry.ref), "from": plain(entry.from_on), "until": plain(entry.until_on)}


def not_house(filing: Filing, book: Book) -> Verdict | None:
    """The company is not on the list of house accounts, or the policy lets it pass (C18; 5.6)."""
    terms = filing.policy.house_accounts
    listed = book.listed_then(filing, "house") if terms is not NamedAccounts.ALLOW else []
    if not listed:
        return None
    refused = terms is NamedAccounts.REJECT
    application = Application.REJECTED if refused else Application.REVIEW
    found = {account.ref: _entry(entry) for account, entry in listed}
    clashes = [Clash(Code.C18, filing.ref, r, r if refused else None, "not_house", facts) for r, facts in found.items()]
    return _met(filing, application, "not_house", "house_account", clashes)


def incumbent_keeps(filing: Filing, book: Book) -> Verdict | None:
    """A renewal belongs to the partner who sold it last, and is no new deal for anybody else (C15; 5.7)."""
    contract = _renewing(filing, book)
    last = sold_last(filing, book) if contract is not None else None
    if contract is None or last is None:
        return None
    opportunity, own = last
    facts = {"contract": str(contract.ref), "ends_on": plain(contract.ends_on), "sold_last": str(opportunity.ref)}
    clash = Clash(Code.C15, filing.ref, opportunity.ref, None if own else opportunity.ref, "incumbent_keeps", facts)
    application, reason = (Application.REVIEW, "renewal") if own else (Application.REJECTED, "existing_customer")
    return _met(filing, application, "incumbent_keeps", reason, [clash], **facts)


def _renewing(filing: Filing, book: Book) -> Contract | None:
    """The contract for these products that runs on the day of filing, or ended shortly before; the first by id."""
    days = timedelta(days=filing.policy.customers.renewal_days)
    if not days:
        return None
    contracts = (book.deals.past.at(c, filing.received_at)[0] for c in book.contracts)
    for contract in contracts:
        begun = contract.starts_on is None or contract.starts_on <= filing.day
        running = contract.ends_on is None or filing.day < contract.ends_on + days
        if begun and running and meets(contract.products, filing.products):
            return contract
    return None


def sold_last(filing: Filing, book: Book) -> tuple[Opportunity, bool] | None:
    """What was won last for these products, if a partner brought it; and was that the partner of the filing?"""
    for _, opportunity in book.deals.won_before(filing.received_at, NEVER):
        if meets(beside_deals(opportunity.products), filing.products):
            return _brought_by(opportunity, filing, book)
    return None


def _brought_by(opportunity: Opportunity, filing: Filing, book: Book) -> tuple[Opportunity, bool] | None:
    owner = book.deals.own.get(opportunity.ref)
    if owner is not None:
        return opportunity, owner.registration.partner_id == filing.registration.partner_id
    name = (opportunity.partner_name or "").strip().casefold()
    known = filing.partner.name.strip().casefold() if filing.partner else ""
    return (opportunity, name == known) if name else None


def few_records(filing: Filing, book: Book) -> Verdict | None:
    """An approval marks no more records than the policy allows; more of them hint at a wrong link (5.10)."""
    most = book.policy.max_records_per_registration
    count = len(book.accounts) + book.deals.open_at(filing.products, filing.received_at) if most else 0
    if count <= most:
        return None
    facts = {"records": count, "max_records_per_registration": most}
    return _verdict(filing, Application.REVIEW, "few_records", "too_many_records", **facts)


def new_logo(filing: Filing, book: Book) -> Verdict | None:
    """The company has not bought inside the new-logo window (C14; 5.7)."""
    days = filing.policy.customers.new_logo_days
    if not days:
        return None
    others = [
        (a.ref, {"is_customer": a.is_customer, "last_order_on": plain(a.last_order_on)})
        for a in book.accounts_then(filing)
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
    received = filing.received_at
    for at, opportunity in book.deals.won_before(received, received - timedelta(days=days)):
        if book.deals.own.get(opportunity.ref) is not filing:
            yield at, opportunity


def _verdict(filing: Filing, application: Application, rule: str, reason: str, **facts: Any) -> Verdict:
    return Verdict(application, rule, reason, filing.ready_at, facts)


def _met(
    filing: Filing, application: Application, rule: str, reason: str, clashes: list[Clash], **facts: Any
) -> Verdict:
    return Verdict(application, rule, reason, filing.ready_at, facts, tuple(clashes[:MOST]))
