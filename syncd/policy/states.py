"""Where each registration stands now, computed from what stands about it and what the rules say."""

from __future__ import annotations

from datetime import datetime, timedelta

from syncd.model import Application, Protection, Ref, RegistrationState
from syncd.policy.book import Book, Filing, decided_end
from syncd.policy.explain import state_sentence
from syncd.policy.protection import starts_at
from syncd.policy.standing import FOREVER, rejection_reason

Stand = tuple[Application, str, Ref | None]
"""Application, reason code, and the claim it waits behind."""


def state_of(filing: Filing, book: Book) -> RegistrationState:
    """The state of one registration (docs/rulings.md 2, 5, 6)."""
    application, reason, behind = _stand(filing, book)
    held = filing.standing.grant
    registration = filing.registration
    return RegistrationState(
        ref=filing.ref,
        number=filing.number,
        partner_id=registration.partner_id,
        partner_name=filing.partner.name if filing.partner else None,
        application=application,
        protection=_protection(filing, book.now),
        received_at=registration.received_at,
        since=held.since if held else None,
        until=held.end if held else None,
        products=filing.products,
        reason=reason,
        detail=state_sentence(filing, application, reason, behind, book),
        behind=behind,
        next_due=min(_dues(filing, application, book), default=None),
    )


def _stand(filing: Filing, book: Book) -> Stand:
    standing = filing.standing
    decided = standing.decided
    if filing.draft:
        return Application.DRAFT, "", None
    if decided is not None and standing.rejected:
        return Application.REJECTED, rejection_reason(decided), None
    if decided is not None and standing.approved:
        return _approved(filing, book)
    if filing.withdrawn:
        return Application.WITHDRAWN, "", None
    if filing.registration.received_at is None:
        return Application.OUTSIDE, "not_dated", None
    if filing.early:
        return Application.OUTSIDE, "outside", None
    if filing.verdict is not None:
        return _judged(filing)
    assert decided is not None
    return Application.RETURNED, decided.reason if decided.actor.kind == "rule" else "returned_by_person", None


def _judged(filing: Filing) -> Stand:
    verdict = filing.verdict
    assert verdict is not None
    return verdict.application, verdict.reason, verdict.behind


def _approved(filing: Filing, book: Book) -> Stand:
    held, decided = filing.standing.grant, filing.standing.decided
    assert decided is not None
    if held is None:
        _, behind = starts_at(filing, decided.effective_at, book)
        return Application.WAITING, "waiting", behind.ref if behind else None
    return Application.APPROVED, "expired" if held.over(book.now) else held.reason, None


def _protection(filing: Filing, now: datetime) -> Protection:
    held = filing.standing.grant
    if held is None or now < held.since:
        return Protection.NONE
    return Protection.ACTIVE if held.active(now) else Protection.EXPIRED


def _dues(filing: Filing, application: Application, book: Book) -> list[datetime]:
    """The instants ahead at which time alone changes something about this registration."""
    dues = []
    if application is Application.PENDING and not filing.settled:
        dues.append(filing.settled_at)
    held = filing.standing.grant
    if held is not None:
        dues += [held.since, held.end, held.end + timedelta(days=book.policy.ended_notice_days)]
    end = decided_end(filing)
    if end is not None and end != FOREVER:
        dues.append(end)
    return [due for due in dues if due > book.now]
