"""A protected filing that was edited: products that were added are checked alone, as if filed then (C48)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from syncd.model import Application, DecisionKind
from syncd.policy.book import Book, Filing, Verdict
from syncd.policy.collisions import clash_of, first_registered, queue
from syncd.policy.fields import plain
from syncd.policy.schema import Approval
from syncd.policy.scope import products_in
from syncd.policy.standing import Standing, approval_reason
from syncd.policy.terms import Edits


def added_products(filing: Filing, book: Book) -> frozenset[str]:
    """What the record names now and the protection in force does not cover; nothing where one of them names none."""
    held, filed = filing.standing.grant, filing.registration.products
    if book.policy.edits is not Edits.CHECK or filing.source_decides or filing.early or filing.withdrawn:
        return frozenset()
    if held is None or not held.active(book.now) or not products_in(held.products) or not products_in(filing.scope):
        return frozenset()
    return filed - held.products


def widen(filing: Filing, book: Book) -> None:
    """Protect what was added, until the end that was promised, where every rule lets it through; else keep why not.

    What was granted before stays as it is, whatever the check says.
    """
    delta = _as_filed_now(filing, book)
    if delta is None:
        return
    filing.edit = _judged(delta, book)
    held = filing.standing.grant
    assert held is not None
    assert filing.standing.decided is not None
    if filing.edit.application is not Application.APPROVED or filing.edit.effective_at >= held.end:
        return
    evidence = {
        "added": sorted(delta.scope),
        "products": sorted(held.products | delta.scope),
        "since": held.since.isoformat(),
        "until": held.until.isoformat(),
        "edited_at": delta.received_at.isoformat(),
    }
    reason = approval_reason(filing.standing.decided)
    book.record(DecisionKind.GRANTED, filing, "edit_checked", reason, filing.edit.effective_at, evidence)


def widen_before(filing: Filing | None, book: Book) -> None:
    """Check every edit that was made before a filing was received, or all of them: each in its turn, whenever seen."""
    if book.policy.edits is not Edits.CHECK:
        return
    for other in book.filings:
        modified = other.registration.modified_at
        if other.edit is None and modified and (filing is None or modified < filing.received_at):
            widen(other, book)


def value_moved(filing: Filing, book: Book) -> str:
    """How far the value has moved since the grant, in words, where that is beyond what the policy tolerates (C48).

    What was granted before values were kept with it, and what the source decides, is not looked at.
    """
    tolerance, held = filing.policy.value_tolerance_percent, filing.standing.grant
    grants = (d for d in reversed(filing.decisions) if d.kind is DecisionKind.GRANTED and "value" in d.evidence)
    granted = next(grants, None)
    if not tolerance or held is None or not held.active(book.now) or filing.source_decides or filing.early:
        return ""
    if granted is None or filing.exempt("value_kept"):
        return ""
    was, now = granted.evidence["value"], plain(filing.registration.value)
    return f"{was or 'none'} to {now or 'none'}" if was != now and not _within(was, now, tolerance) else ""


def _within(was: str | None, now: str | None, tolerance: int) -> bool:
    """Two values of one currency that differ by at most so many percent of the first."""
    if not was or not now:
        return False
    (before, *one), (after, *two) = was.split(), now.split()
    if [c.upper() for c in one] != [c.upper() for c in two]:
        return False
    return abs(Decimal(after) - Decimal(before)) * 100 <= tolerance * abs(Decimal(before))


def edit_due(filing: Filing, book: Book) -> datetime | None:
    """When what was added can be checked; None when nothing was, or it was checked."""
    delta = _as_filed_now(filing, book)
    return delta.settled_at if delta is not None and not delta.settled else None


def _as_filed_now(filing: Filing, book: Book) -> Filing | None:
    added, modified = added_products(filing, book), filing.registration.modified_at
    if not added or modified is None:
        return None
    received = max(modified, filing.received_at)
    settled_at = received + (filing.settled_at - filing.received_at)
    horizon = book.group.horizon
    delta = replace(
        filing,
        registration=replace(filing.registration, products=added, submitted_at=received),
        scope=added,
        settled_at=settled_at,
        settled=horizon is not None and horizon >= settled_at and book.now >= settled_at,
        decisions=[d for d in filing.decisions if d.kind is DecisionKind.EXEMPTED],
        standing=Standing(),
        verdict=None,
        edit=None,
    )
    delta.place = sum(other.order < delta.order for other in book.filings if other is not filing)
    return delta


def _judged(delta: Filing, book: Book) -> Verdict:
    if not delta.settled:
        return Verdict(Application.PENDING, "settled", "settling", delta.ready_at)
    verdict = clash_of(delta, book)
    if verdict is not None:
        return verdict
    line = queue(delta, book)
    verdict = first_registered(delta, line, book)
    if verdict is not None:
        return verdict
    if delta.policy.approval is not Approval.AUTOMATIC or not book.group.visible:
        return Verdict(Application.REVIEW, "edit_checked", "needs_approval", delta.ready_at)
    ended = line.last[1] if line.last is not None else delta.ready_at
    return Verdict(Application.APPROVED, "edit_checked", "first_registered", max(delta.ready_at, ended))
