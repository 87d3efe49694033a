"""What an approval grants: from when, until when, for which products (docs/rulings.md 6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from syncd.model import DecisionKind
from syncd.policy.benefits import benefits_granted
from syncd.policy.book import Book, Filing
from syncd.policy.fields import plain
from syncd.policy.schema import Starts
from syncd.policy.standing import FOREVER, Grant, approval_reason


def grant(filing: Filing, book: Book) -> None:
    """Record the protection of an approval that has none yet, unless another protection is still in its way.

    At most one protection is in force where scopes meet (domain.md 2.2 I1): an approval that finds one in force takes
    effect when that one ends. What the source approved is adopted with its protection and never comes here.
    """
    approval = filing.standing.decided
    if approval is None or approval.kind is not DecisionKind.APPROVED or filing.standing.grant is not None:
        return
    taken, behind = starts_at(filing, approval.effective_at, book)
    if behind is not None:
        return
    since, until = window(filing, taken, book)
    terms = filing.policy.protection
    evidence: dict[str, Any] = {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "products": sorted(filing.scope),
        "starts": terms.starts.value,
        "days": terms.days,
        "value": plain(filing.registration.value),
        **benefits_granted(filing.partner, filing.policy),
    }
    book.record(DecisionKind.GRANTED, filing, "protection_days", approval_reason(approval), taken, evidence)


def starts_at(filing: Filing, asked: datetime, book: Book) -> tuple[datetime, Filing | None]:
    """When an approval asked for at `asked` can take effect, and whose protection is still in its way, if any."""
    taken = asked
    for other, held in book.grants(filing):
        if held.end <= asked:
            continue
        if held.end > book.now:
            return FOREVER, other
        taken = max(taken, held.end)
    return taken, None


def window(filing: Filing, taken: datetime, book: Book) -> tuple[datetime, datetime]:
    """The protection of an approval that takes effect at `taken`.

    Counted from the filing if the policy says so, yet never from before the end of a protection that it meets.
    """
    terms = filing.policy.protection
    since = taken
    if terms.starts is Starts.RECEIVED:
        ends = [held.end for _, held in book.grants(filing) if held.end <= taken]
        since = max([filing.received_at, *ends])
    return since, since + timedelta(days=terms.days)


def expire(filing: Filing, book: Book) -> None:
    """Record that a protection ran to its end, effective at that end, whenever the daemon ran (6; domain.md I6)."""
    held = filing.standing.grant
    if held is None or held.cut is not None or not held.over(book.now) or _noted(filing, held):
        return
    evidence = {"since": held.since.isoformat(), "until": held.until.isoformat()}
    book.record(DecisionKind.EXPIRED, filing, "protection_over", "expired", held.until, evidence)


def _noted(filing: Filing, held: Grant) -> bool:
    return any(d.kind is DecisionKind.EXPIRED and d.effective_at == held.until for d in filing.decisions)
