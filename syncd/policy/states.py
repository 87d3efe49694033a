"""Where each registration stands now, computed from what stands about it and what the rules say."""

from __future__ import annotations

from datetime import datetime, timedelta

from syncd.model import Application, DecisionKind, Protection, Ref, RegistrationState
from syncd.policy.book import Book, Filing, decided_end
from syncd.policy.desk import calendar_of, seat, times_over
from syncd.policy.edits import value_moved
from syncd.policy.explain import day, state_sentence
from syncd.policy.extensions import held_until, open_request
from syncd.policy.protection import starts_at
from syncd.policy.standing import FOREVER, Grant, rejection_reason
from syncd.policy.words import reason_words

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
        detail=state_sentence(filing, application, reason, behind, book)
        + _requested(filing)
        + _revalued(filing, book)
        + _beside(filing)
        + _dormant(filing, book)
        + _asked(filing, application, book),
        behind=behind,
        next_due=min(_dues(filing, application, book), default=None),
    )


def _requested(filing: Filing) -> str:
    """An extension that was asked for and waits for a word."""
    held = filing.standing.grant
    asked = open_request(filing.decisions, held) if held is not None else None
    if held is None or asked is None:
        return ""
    holds = held_until(filing.decisions, held, filing.policy.extension)
    line = f" Until {day(holds)} at the latest nobody follows in its place." if holds > held.end else ""
    return f" An extension was asked for on {day(asked.effective_at)}: grant or refuse it (`syncd extend`).{line}"


def _decide_by(filing: Filing, application: Application, book: Book) -> datetime | None:
    """Until when a person should have decided; None where nobody has to, or no clock runs."""
    hours = book.policy.review.within_hours
    if application is not Application.REVIEW or not hours:
        return None
    return calendar_of(book.policy, filing.partner).after(filing.ready_at, timedelta(hours=hours))


def _asked(filing: Filing, application: Application, book: Book) -> str:
    """Who is asked, and until when; once it is over, who is asked then. Nothing is approved because time has passed."""
    due = _decide_by(filing, application, book)
    if due is None:
        return ""
    late = times_over(filing.partner, book.policy, filing.ready_at, book.now)
    asked = seat(filing.partner, book.policy, book.group.managers, book.now, late)
    by = f"{due:%H:%M} on {day(due)}"
    if late:
        return f" It was to be decided by {by}; now {asked or 'every admin'} is asked."
    return f" {asked or 'Every admin'} is asked, and decides by {by}."


def dormant_since(filing: Filing, book: Book) -> datetime | None:
    """The end of the last day on which something happened on a protection's deal, once that is long enough ago.

    Activity on an own deal in the direct CRM counts, and the grant or an extension itself; log-ins and edits do not.
    """
    held, days = filing.standing.grant, filing.policy.protection.dormant_after_days
    if held is None or not days or not held.active(book.now):
        return None
    last = _last_active(filing, book)
    return last if book.now >= last + timedelta(days=days) else None


def _last_active(filing: Filing, book: Book) -> datetime:
    held = filing.standing.grant
    assert held is not None
    calendar = calendar_of(book.policy, filing.partner)
    own = [book.deals.by_ref[ref] for ref, owner in book.deals.own.items() if owner is filing]
    seen = [calendar.end_of(deal.last_activity_on) for deal in own if deal.last_activity_on is not None]
    acts = [d.effective_at for d in filing.decisions if d.kind in (DecisionKind.EXTENDED, DecisionKind.REINSTATED)]
    return max([held.since, *(deal.created_at for deal in own if deal.created_at is not None), *seen, *acts])


def _dormant(filing: Filing, book: Book) -> str:
    last = dormant_since(filing, book)
    if last is None:
        return ""
    behind = any(f.verdict is not None and f.verdict.behind == filing.ref for f in book.filings)
    waits = " Another partner waits behind it." if behind else ""
    return f" Dormant: nothing has happened on its deal since {day(last)}; ask the partner.{waits}"


def _revalued(filing: Filing, book: Book) -> str:
    moved = value_moved(filing, book)
    limit = f"{filing.policy.value_tolerance_percent} %"
    return f" Its value went from {moved}, beyond {limit}: a person looks; what was granted stands." if moved else ""


def _beside(filing: Filing) -> str:
    """What was added to a protected filing and is not covered, and why."""
    edit, held = filing.edit, filing.standing.grant
    if edit is None or held is None or edit.application is Application.APPROVED:
        return ""
    added = ", ".join(sorted(filing.registration.products - held.products))
    return f" Added since and not covered: {added}. {reason_words(edit.reason).manager}"


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
    return Application.APPROVED, _held_reason(held, book.now), None


def _held_reason(held: Grant, now: datetime) -> str:
    if held.over(now):
        return held.cut.kind.value if held.cut is not None and held.cut.kind in _ENDED else "expired"
    return "suspended" if held.suspended is not None else held.reason


_ENDED = (DecisionKind.REVOKED, DecisionKind.RELEASED)


def _protection(filing: Filing, now: datetime) -> Protection:
    held = filing.standing.grant
    if held is None or now < held.since:
        return Protection.NONE
    if held.over(now):
        return Protection.EXPIRED
    return Protection.ACTIVE if held.suspended is None else Protection.SUSPENDED


def _dues(filing: Filing, application: Application, book: Book) -> list[datetime]:
    """The instants ahead at which time alone changes something about this registration."""
    dues = []
    if application is Application.PENDING and not filing.settled:
        dues.append(filing.settled_at)
    held = filing.standing.grant
    if held is not None:
        dues += [held.since, held.end, held.end + timedelta(days=book.policy.ended_notice_days)]
    if held is not None and filing.policy.protection.dormant_after_days and held.active(book.now):
        dues.append(_last_active(filing, book) + timedelta(days=filing.policy.protection.dormant_after_days))
    decide_by = _decide_by(filing, application, book)
    if decide_by is not None:
        passed = times_over(filing.partner, book.policy, filing.ready_at, book.now)
        spans = timedelta(hours=book.policy.review.within_hours * (passed + 1))
        dues.append(calendar_of(book.policy, filing.partner).after(filing.ready_at, spans))
    end = decided_end(filing)
    if end is not None and end != FOREVER:
        dues.append(end)
    return [due for due in dues if due > book.now]
