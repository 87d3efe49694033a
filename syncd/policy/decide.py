"""decide(claim group, policy, now): new decisions, and what is shown and wanted because of all of them."""

from __future__ import annotations

from datetime import datetime

from syncd.model import ClaimGroup, Outcome
from syncd.policy.book import Book
from syncd.policy.collisions import judged_too_early
from syncd.policy.desk import absences, deputies
from syncd.policy.edits import edit_due, widen_before
from syncd.policy.lifecycle import adopt, carry_out, judge, request, submit, withdraw
from syncd.policy.listing import collisions
from syncd.policy.protection import expire, grant
from syncd.policy.reminders import next_reminder, remind
from syncd.policy.schema import Policy
from syncd.policy.stamps import Stamps
from syncd.policy.states import state_of


def decide(group: ClaimGroup, policy: Policy, now: datetime) -> Outcome:
    """Decide one claim group as docs/rulings.md says.

    Pure: the same facts, decisions, policy and `now` give the same outcome in any order. Only decisions that are not
    recorded yet are returned; once they are, deciding again returns none and shows the same.
    """
    book = Book(group, policy, now)
    _decide(book)
    states = {f.ref: state_of(f, book) for f in book.filings}
    listed = collisions(book)
    dues = [s.next_due for s in states.values() if s.next_due is not None]
    dues += [at for f in book.filings for at in absences(f.partner, policy) if at > now]
    dues += [at for f in book.filings if (at := edit_due(f, book)) is not None and at > now]
    dues += [at for f in book.filings if (at := next_reminder(f, book)) is not None]
    return Outcome(
        decisions=tuple(book.new),
        collisions=listed,
        states=tuple(states.values()),
        wanted=Stamps(book, states, listed).wanted(),
        next_due=min(dues, default=None),
        topics=_topics(book),
    )


def _decide(book: Book) -> None:
    """Facts first, then people's words, then the rules in order of priority, then what time has ended."""
    for step in (submit, adopt, withdraw):
        for filing in book.filings:
            step(filing, book)
    for ruling in book.rulings:
        carry_out(ruling, book)
    for filing in book.approved_in_order():
        grant(filing, book)
        request(filing, book)
    _judge(book)
    widen_before(None, book)
    for filing in book.filings:
        expire(filing, book)
        remind(filing, book)


def _judge(book: Book) -> None:
    """In order of priority; once more where that order is not the one in which the claims stand (tie rules)."""
    known = -1
    while known < len(book.new):
        known = len(book.new)
        for filing in book.filings:
            if filing.undecided:
                widen_before(filing, book)
                judge(filing, book)
                request(filing, book)
        if not any(judged_too_early(filing, book) for filing in book.filings):
            return


def _topics(book: Book) -> frozenset[str]:
    """What was read from outside the group, to be decided again when it changes."""
    partners = {f.registration.partner_id for f in book.filings if f.registration.partner_id}
    partners |= {r.partner_id for r in book.group.registrations if r.partner_id}
    emails = {email for f in book.filings for email in deputies(f.partner, book.policy)}
    return frozenset({f"policy:{book.version}"} | {f"partner:{p}" for p in partners} | {f"user:{e}" for e in emails})
