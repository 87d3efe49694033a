"""Reminders as facts: what is to be told to whom, recorded once at the instant at which it was due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from syncd.model import Application, Decision, DecisionKind, Ref, RegistrationState
from syncd.policy.book import Book, Filing
from syncd.policy.desk import calendar_of, deputies, times_over
from syncd.policy.explain import day
from syncd.policy.extensions import ANSWERS
from syncd.policy.standing import FOREVER, Grant, fold, instant
from syncd.policy.words import REMINDERS, Audience

ENDING, ENDED, UNANSWERED, WAITING, OVERDUE = "ending", "ended", "unanswered", "waiting", "overdue"
REQUESTED = "requested"

TOLD = {
    ENDING: (Audience.PARTNER, Audience.MANAGER),
    ENDED: (Audience.PARTNER, Audience.MANAGER),
    UNANSWERED: (Audience.PARTNER,),
    WAITING: (Audience.PARTNER,),
    OVERDUE: (Audience.MANAGER,),
    REQUESTED: (Audience.MANAGER,),
}
"""Who is told of what. Of a decision that is late, whoever comes after the manager (docs/rulings.md 13)."""

SAID = (DecisionKind.REMINDED, DecisionKind.REQUESTED, *ANSWERS)
"""What `notices` reads: reminders, and extensions that were asked for, with their answers."""


@dataclass(frozen=True, slots=True)
class Due:
    """One thing to tell: what, at which instant, and after or before how many days of what."""

    event: str
    at: datetime
    days: int
    evidence: dict[str, Any]


def remind(filing: Filing, book: Book) -> None:
    """Record what is due by now and is not recorded. Nothing from before go-live is told (DESIGN 5.14)."""
    if not book.policy.reminders.on:
        return
    recorded = {(d.rule, d.effective_at) for d in filing.decisions if d.kind is DecisionKind.REMINDED}
    for due in sorted(dues(filing, book), key=lambda due: (due.at, due.event)):
        if due.at <= book.now and due.at >= book.group.go_live and (_rule(due.event), due.at) not in recorded:
            told = {"event": due.event, "days": due.days, "to": [a.value for a in TOLD[due.event]], **due.evidence}
            book.record(DecisionKind.REMINDED, filing, _rule(due.event), due.event, due.at, told)


def next_reminder(filing: Filing, book: Book) -> datetime | None:
    """The next instant at which somebody is to be told something, as far as it is known."""
    if not book.policy.reminders.on:
        return None
    return min((due.at for due in dues(filing, book) if due.at > book.now), default=None)


def _rule(event: str) -> str:
    return f"reminder_{event}"


def dues(filing: Filing, book: Book) -> Iterator[Due]:
    """Everything that was, or will be, to be told about one registration, as things stand."""
    terms = book.policy.reminders
    for since, held, until in _spans(filing):
        for days in terms.before_days:
            at = held.end - timedelta(days=days)
            if max(since, held.since) <= at < until and held.suspended is None:
                yield Due(ENDING, at, days, {"until": held.end.isoformat()})
        for days in terms.after_days:
            at = held.end + timedelta(days=days)
            if since <= at < until:
                yield Due(ENDED, at, days, {"until": held.end.isoformat()})
    yield from _waiting_for_answers(filing, book)


def _spans(filing: Filing) -> Iterator[tuple[datetime, Grant, datetime]]:
    """Each protection that ran, or runs, to its end: from when that end was set until something else was said."""
    setting = [place for place, made in enumerate(filing.decisions) if made.kind in _SETTING]
    ends = [*(filing.decisions[place].effective_at for place in setting[1:]), FOREVER]
    for place, until in zip(setting, ends, strict=False):
        held = fold(filing.decisions[: place + 1]).grant
        if held is not None and held.cut is None:
            yield filing.decisions[place].effective_at, held, until


_SETTING = frozenset(DecisionKind) - {
    DecisionKind.SUBMITTED,
    DecisionKind.REMINDED,
    DecisionKind.REQUESTED,
    DecisionKind.DENIED,
    DecisionKind.EXPIRED,
    DecisionKind.EXEMPTED,
    DecisionKind.RULED,
    DecisionKind.APPEALED,
    DecisionKind.RETURNED,
}
"""What may give a protection another end."""


def _waiting_for_answers(filing: Filing, book: Book) -> Iterator[Due]:
    terms, decided = book.policy.reminders, filing.standing.decided
    returned = decided is not None and decided.kind is DecisionKind.RETURNED
    if decided is not None and returned and not filing.undecided and not filing.withdrawn:
        for days in terms.unanswered_days:
            yield Due(UNANSWERED, decided.effective_at + timedelta(days=days), days, {})
    if terms.waiting_every_days and filing.verdict is not None and filing.verdict.application in _UNDECIDED:
        often = timedelta(days=terms.waiting_every_days)
        times = (book.now - filing.received_at) // often
        for count in (times, times + 1):
            if count:
                yield Due(WAITING, filing.received_at + count * often, count * terms.waiting_every_days, {})
    if terms.overdue and filing.verdict is not None and filing.verdict.application is Application.REVIEW:
        yield from _overdue(filing, book)


def _overdue(filing: Filing, book: Book) -> Iterator[Due]:
    """Each time that the span to decide has passed whoever is next in line is told, up to the queue."""
    hours, since = book.policy.review.within_hours, filing.ready_at
    calendar = calendar_of(book.policy, filing.partner)
    last = min(times_over(filing.partner, book.policy, since, book.now) + 1, len(deputies(filing.partner, book.policy)))
    for step in range(1, max(last, 1) + 1) if hours else ():
        yield Due(OVERDUE, calendar.after(since, step * timedelta(hours=hours)), 0, {"step": step})


_UNDECIDED = (Application.WAITING, Application.REVIEW)


@dataclass(frozen=True, slots=True)
class Notice:
    """What one reader is to be told about one registration; `at` is when it was due.

    `step` says how many of those who were asked have been passed over by then.
    """

    ref: Ref
    event: str
    audience: Audience
    at: datetime
    text: str
    step: int = 0


def notices(said: Iterable[Decision], states: Iterable[RegistrationState], now: datetime) -> list[Notice]:
    """What is still true of what was recorded (`SAID`), in words for each reader: of each registration the last
    reminder, and an extension that was asked for and has no answer.

    What a sleeping daemon recorded late is told once, and not one notice after the other.
    """
    last: dict[tuple[Ref, DecisionKind], Decision] = {}
    for made in sorted(said, key=lambda made: made.effective_at):
        if made.kind in ANSWERS:
            last.pop((made.subject, DecisionKind.REQUESTED), None)
        else:
            last[made.subject, made.kind] = made
    found = [
        Notice(state.ref, made.reason, audience, made.effective_at, text, int(made.evidence.get("step", 0)))
        for state in states
        for made in (last.get((state.ref, kind)) for kind in (DecisionKind.REMINDED, DecisionKind.REQUESTED))
        if made is not None and _still_true(made, state, now)
        for audience in TOLD[made.reason]
        for text in [_text(made, state, audience, now)]
    ]
    return sorted(found, key=lambda notice: (notice.at, notice.ref, notice.audience))


def _still_true(made: Decision, state: RegistrationState, now: datetime) -> bool:
    if made.reason in (ENDING, ENDED):
        return state.until == instant(made.evidence["until"]) and (now < state.until) is (made.reason == ENDING)
    if made.reason == REQUESTED:
        return state.application is Application.APPROVED
    if made.reason == UNANSWERED:
        return state.application is Application.RETURNED
    return state.application is Application.REVIEW or (
        made.reason == WAITING and state.application is Application.WAITING
    )


def _text(made: Decision, state: RegistrationState, audience: Audience, now: datetime) -> str:
    left = state.until - now if state.until is not None else timedelta(0)
    days = -(-left // timedelta(days=1)) if made.reason == ENDING else made.evidence.get("days")
    return REMINDERS[made.reason][audience].format(
        number=state.number,
        partner=state.partner_name or state.partner_id or "A partner",
        until=day(state.until),
        days="1 day" if days == 1 else f"{days} days",
    )
