"""What each CRM record should show, and who should own it (docs/rulings.md 10 and 11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from syncd.model import (
    STAMP_BY_NAME,
    STAMP_FIELDS,
    Application,
    Code,
    Collision,
    FilingStatus,
    Opportunity,
    Protection,
    Ref,
    RegistrationState,
    StampStatus,
    Wanted,
    WriteGroup,
)
from syncd.policy.book import MOST, Book, Filing
from syncd.policy.desk import seat
from syncd.policy.explain import summary
from syncd.policy.scope import in_code, is_referral, meets, products_in
from syncd.policy.standing import FOREVER
from syncd.policy.words import shown_to_partner

_NAMES = {
    stream: tuple(f.name for f in STAMP_FIELDS if stream in f.objects)
    for stream in ("accounts", "opportunities", "registrations")
}

_FILING = {
    Application.PENDING: FilingStatus.PENDING,
    Application.REVIEW: FilingStatus.REVIEW,
    Application.OUTSIDE: FilingStatus.REVIEW,
    Application.WAITING: FilingStatus.WAITING,
    Application.RETURNED: FilingStatus.RETURNED,
    Application.APPROVED: FilingStatus.APPROVED,
    Application.REJECTED: FilingStatus.REJECTED,
    Application.WITHDRAWN: FilingStatus.WITHDRAWN,
}

_SHOWN_REASON = {
    Application.PENDING: "settling",
    Application.REVIEW: "in_review",
    Application.OUTSIDE: "in_review",
    Application.WAITING: "in_queue",
}


class Stamps:
    """The stamps of one group: its filings by what they make a record show, in the order in which they show."""

    def __init__(self, book: Book, states: Mapping[Ref, RegistrationState], collisions: Iterable[Collision]) -> None:
        self.book, self.states = book, states
        held = [f for f in book.filings if f.standing.grant is not None and not is_referral(f.products)]
        self._active = sorted((f for f in held if self._is_active(f)), key=_by_end)
        self._ended = sorted((f for f in held if self._just_ended(f)), key=_by_latest_end)
        self._review = [f for f in book.filings if self._is_in_review(f)]
        self._pending = [f for f in book.filings if states[f.ref].application is Application.PENDING]
        self._of_scope: dict[frozenset[str], tuple[StampStatus, Filing] | None] = {}
        self._beaten: dict[Ref, Filing] = {}
        self._collision: dict[Ref, str] = {}
        for collision in collisions:
            self._note(collision)

    def _note(self, collision: Collision) -> None:
        """Remember what a direct opportunity won, and the first collision of each registration."""
        self._collision.setdefault(collision.registration, collision.id)
        if collision.code is Code.C08 and collision.winner == collision.other:
            loser = self.book.by_ref[collision.registration]
            first = self._beaten.get(collision.other)
            if first is None or loser.order < first.order:
                self._beaten[collision.other] = loser

    def wanted(self) -> tuple[Wanted, ...]:
        """Everything that the records of the group should show, empty stamps included."""
        wanted = [self._account(a.ref) for a in self.book.accounts]
        for opportunity in self.book.deals.stamped:
            shown = self._on_opportunity(opportunity)
            wanted.append(self._opportunity(opportunity.ref, shown))
            if not opportunity.is_closed:
                wanted.append(self._owner(opportunity.ref, shown))
        wanted += [self._filing(f) for f in self.book.filings]
        return tuple(wanted)

    def _account(self, ref: Ref) -> Wanted:
        """The protection that ends first; its `because` has all of them in a line."""
        wanted = self._stamp(ref, "accounts", self._on_scope(frozenset()))
        if len(self._active) < 2:
            return wanted
        return replace(wanted, because={**wanted.because, "summary": summary(self._active[:MOST])})

    def _opportunity(self, ref: Ref, shown: tuple[StampStatus, Filing] | None) -> Wanted:
        """Its `because` also says whose deal it is: own, partner-sourced or direct (C00)."""
        wanted = self._stamp(ref, "opportunities", shown)
        if self._may_be(ref, shown):
            wanted = replace(wanted, fields={**wanted.fields, "reason": "check_products"})
        deal = {"deal": self.book.deals.kind(ref)}
        if ref in self.book.deals.own:
            deal["own_deal_of"] = str(self.book.deals.own[ref].ref)
        return replace(wanted, because={**wanted.because, **deal})

    def _may_be(self, ref: Ref, shown: tuple[StampStatus, Filing] | None) -> bool:
        """Is it not known whether a direct opportunity is protected, as it names no products and the protection does?

        One that names none because the whole company is protected is protected for sure.
        """
        if shown is None or shown[0] is not StampStatus.PROTECTED or ref in self.book.deals.own:
            return False
        scope = self.book.deals.by_ref[ref].products
        if products_in(scope):
            return False
        return all(products_in(f.products) for f in self._active if meets(f.products, scope))

    def _on_opportunity(self, opportunity: Opportunity) -> tuple[StampStatus, Filing] | None:
        own = self.book.deals.own.get(opportunity.ref)
        if own is not None:
            return self._on_own(own)
        if opportunity.is_closed or not self.book.deals.is_direct(opportunity.ref):
            return None
        shown = self._on_scope(opportunity.products)
        beaten = self._beaten.get(opportunity.ref)
        if beaten is not None and (shown is None or shown[0] is not StampStatus.PROTECTED):
            return StampStatus.DIRECT, beaten
        return shown

    def _on_own(self, own: Filing) -> tuple[StampStatus, Filing] | None:
        """An own deal shows where its registration stands."""
        application = self.states[own.ref].application
        if self._is_active(own):
            return StampStatus.PROTECTED, own
        if application is Application.WAITING or self._is_in_review(own):
            return StampStatus.REVIEW, own
        if application is Application.PENDING:
            return StampStatus.PENDING, own
        return (StampStatus.ENDED, own) if self._just_ended(own) else None

    def _on_scope(self, products: frozenset[str]) -> tuple[StampStatus, Filing] | None:
        """The first that applies to some products; no products means all, as for an account."""
        if products not in self._of_scope:
            self._of_scope[products] = self._first_for(products)
        return self._of_scope[products]

    def _first_for(self, products: frozenset[str]) -> tuple[StampStatus, Filing] | None:
        for status, filings in (
            (StampStatus.PROTECTED, self._active),
            (StampStatus.REVIEW, self._review),
            (StampStatus.PENDING, self._pending),
            (StampStatus.ENDED, self._ended),
        ):
            found = next((f for f in filings if meets(f.products, products)), None)
            if found is not None:
                return status, found
        return None

    def _stamp(self, ref: Ref, stream: str, shown: tuple[StampStatus, Filing] | None) -> Wanted:
        fields: dict[str, Any] = dict.fromkeys(_NAMES[stream])
        if shown is None:
            return Wanted(ref, WriteGroup.STAMP, fields, {"rule": "nothing_to_show"})
        status, filing = shown
        fields |= {"status": status.value, "number": filing.number, "as_of": self.book.now}
        if status is StampStatus.DIRECT:
            fields["reason"] = "direct_engaged"
        else:
            fields |= self._claim(status, filing)
        if stream == "accounts" and status is StampStatus.PROTECTED:
            fields["count"] = len(self._active)
        return Wanted(ref, WriteGroup.STAMP, _cut(fields), self._because(status.value, filing))

    def _claim(self, status: StampStatus, filing: Filing) -> dict[str, Any]:
        held = filing.standing.grant
        fields: dict[str, Any] = {
            "partner": filing.partner.name if filing.partner else filing.registration.partner_id,
            "scope": in_code(filing.products) or None,
            "contact": self._contact(filing),
            "reason": self.states[filing.ref].reason,
        }
        if held is not None and status in (StampStatus.PROTECTED, StampStatus.ENDED):
            fields |= {"since": held.since, "until": held.end}
            fields["reason"] = held.reason if status is StampStatus.PROTECTED else _end_reason(filing)
        return fields

    def _owner(self, ref: Ref, shown: tuple[StampStatus, Filing] | None) -> Wanted:
        """The partner's manager owns what is protected; otherwise nothing is wanted (docs/rulings.md 11)."""
        if shown is None or shown[0] is not StampStatus.PROTECTED or self._may_be(ref, shown):
            return Wanted(ref, WriteGroup.OWNER, {"owner": None}, {"rule": "nothing_to_show"})
        user = self.book.group.managers.get(_manager_email(shown[1]))
        owner = user.ref.id if user is not None and user.is_active else None
        return Wanted(ref, WriteGroup.OWNER, {"owner": owner}, self._because("partner_manager_owns", shown[1]))

    def _filing(self, filing: Filing) -> Wanted:
        """What the PRM record of a registration is told: a status, and a reason that the partner may see."""
        fields: dict[str, Any] = dict.fromkeys(_NAMES["registrations"])
        state = self.states[filing.ref]
        if state.application is Application.DRAFT:
            return Wanted(filing.ref, WriteGroup.STAMP, fields, {"rule": "nothing_to_show"})
        over = state.application is Application.APPROVED and state.protection is Protection.EXPIRED
        passed_on = filing.transferred  # the record is still the first partner's
        status = FilingStatus.EXPIRED if over or passed_on else _FILING[state.application]
        until = passed_on.effective_at if passed_on else state.until
        reason = _SHOWN_REASON.get(state.application) or shown_to_partner(state.reason) or None
        fields |= {
            "status": status.value,
            "until": until if state.application is Application.APPROVED else None,
            "reason": shown_to_partner("transferred") if passed_on else reason,
            "number": filing.number,
            "received_at": state.received_at,
            "as_of": self.book.now,
        }
        return Wanted(filing.ref, WriteGroup.STAMP, _cut(fields), self._because(status.value, filing))

    def _because(self, rule: str, filing: Filing) -> dict[str, Any]:
        decided = filing.standing.decided
        verdict = filing.verdict
        return {
            "registration": str(filing.ref),
            "number": filing.number,
            "rule": rule,
            "by": decided.rule if decided else (verdict.rule if verdict else None),
            "collision": self._collision.get(filing.ref),
            "decision": f"{decided.kind.value} {decided.effective_at.isoformat()}" if decided else None,
        }

    def _contact(self, filing: Filing) -> str | None:
        asked = seat(filing.partner, self.book.policy, self.book.group.managers, self.book.now)
        if asked.email and asked.email != _manager_email(filing):
            return str(asked)
        user = self.book.group.managers.get(_manager_email(filing))
        if user is not None and user.name:
            return user.name
        return filing.partner.manager_email if filing.partner else None

    def _is_active(self, filing: Filing) -> bool:
        held = filing.standing.grant
        return held is not None and held.active(self.book.now)

    def _is_in_review(self, filing: Filing) -> bool:
        state = self.states[filing.ref]
        return state.application is Application.REVIEW or state.protection is Protection.SUSPENDED

    def _just_ended(self, filing: Filing) -> bool:
        held = filing.standing.grant
        notice = timedelta(days=self.book.policy.ended_notice_days)
        return held is not None and held.end <= self.book.now < held.end + notice


def _by_end(filing: Filing) -> tuple[datetime, str, Ref]:
    held = filing.standing.grant
    return (held.end if held else FOREVER, filing.ref.id, filing.ref)


def _by_latest_end(filing: Filing) -> tuple[float, str, Ref]:
    held = filing.standing.grant
    return (-held.end.timestamp() if held else 0.0, filing.ref.id, filing.ref)


def _end_reason(filing: Filing) -> str:
    held = filing.standing.grant
    return "ended_early" if held is not None and held.cut is not None else "expired"


def _manager_email(filing: Filing) -> str:
    email = filing.partner.manager_email if filing.partner else None
    return email.strip().lower() if email else ""


def _cut(fields: dict[str, Any]) -> dict[str, Any]:
    """Times to the second, texts to the length of their field, so that what is wanted can be shown exactly."""
    for name, value in fields.items():
        length = STAMP_BY_NAME[name].length
        if isinstance(value, datetime):
            fields[name] = value.replace(microsecond=0)
        elif isinstance(value, str) and length:
            fields[name] = value[:length]
    return fields
