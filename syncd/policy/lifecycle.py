"""The life of an application: filed, adopted, withdrawn, ruled by people, judged by rules (docs/rulings.md 2, 5, 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from syncd.model import Actor, Application, Decision, DecisionKind, FiledStatus, Ref
from syncd.policy.book import MOST, Book, Clash, Filing, Verdict
from syncd.policy.collisions import Queue, between, clash_of, first_registered, passed, queue, screen
from syncd.policy.eligibility import not_speculative
from syncd.policy.fields import filled
from syncd.policy.protection import grant
from syncd.policy.schema import Approval
from syncd.policy.standing import instant

_KINDS = {
    Application.APPROVED: DecisionKind.APPROVED,
    Application.REJECTED: DecisionKind.REJECTED,
    Application.RETURNED: DecisionKind.RETURNED,
}


def submit(filing: Filing, book: Book) -> None:
    """Everything filed has a line: when it was received, and when syncd first saw it."""
    registration = filing.registration
    if registration.status is FiledStatus.DRAFT or registration.received_at is None:
        return
    received = registration.received_at
    filed = [d for d in filing.decisions if d.kind is DecisionKind.SUBMITTED]
    back = filing.undecided and filing.sent_back and registration.modified_at is not None
    if not filed or back or instant(filed[-1].evidence["received_at"]) != received:
        evidence: dict[str, Any] = {
            "received_at": received.isoformat(),
            "seen_at": book.now.isoformat(),
            "number": filing.number,
            "partner": registration.partner_id,
            "products": sorted(registration.products),
            "filled": filled(registration, filing.company),
        }
        if back and registration.modified_at is not None:
            evidence["back_at"] = registration.modified_at.isoformat()
        if filing.ref in book.group.counts:
            evidence["partner_counts"] = dict(book.group.counts[filing.ref])
        actor = Actor("source", filing.ref.connection)
        book.record(DecisionKind.SUBMITTED, filing, "received", "", received, evidence, actor)


def adopt(filing: Filing, book: Book) -> None:
    """Take over what the source has decided: before go-live once, with `authority: source` whenever it changes (2)."""
    if not filing.early and not filing.source_decides:
        return
    registration = filing.registration
    if registration.received_at is None or registration.status not in _ADOPTED:
        return
    source = _source_says(filing)
    last = next((d for d in reversed(filing.decisions) if d.kind is DecisionKind.ADOPTED), None)
    if last is not None and (not filing.source_decides or dict(last.evidence["source"]) == source):
        return
    if last is None and filing.standing.decided is not None and not filing.source_decides:
        return  # a person was quicker
    rule = "adopted_before_go_live" if filing.early else "adopted_from_source"
    evidence: dict[str, Any] = {"status": registration.status.value, "source": source, **_adopted_terms(filing, book)}
    effective_at = datetime.fromisoformat(evidence["effective_at"])
    actor = Actor("source", filing.ref.connection)
    book.record(DecisionKind.ADOPTED, filing, rule, "adopted", effective_at, evidence, actor)


_ADOPTED = (FiledStatus.APPROVED, FiledStatus.REJECTED, FiledStatus.EXPIRED)


def _source_says(filing: Filing) -> dict[str, str | None]:
    registration = filing.registration
    approved, until = registration.approved_at, registration.protected_until
    return {
        "status": registration.status.value,
        "approved_at": approved.isoformat() if approved else None,
        "protected_until": until.isoformat() if until else None,
    }


def _adopted_terms(filing: Filing, book: Book) -> dict[str, Any]:
    registration = filing.registration
    if registration.status is FiledStatus.REJECTED:
        at = max(filing.received_at, registration.modified_at or filing.received_at)
        return {"effective_at": at.isoformat()}
    since = registration.approved_at or filing.received_at
    if registration.status is FiledStatus.EXPIRED:
        known = [at for at in (registration.protected_until, registration.modified_at) if at is not None]
        until, end_from = min(known, default=since), "source"
    elif registration.protected_until is not None:
        until, end_from = registration.protected_until, "source"
    else:
        until, end_from = since + timedelta(days=filing.policy.protection.days), "protection.days"
    return {
        "effective_at": since.isoformat(),
        "since": since.isoformat(),
        "until": max(since, until).isoformat(),
        "end_from": end_from,
        "products": sorted(filing.scope),
    }


def withdraw(filing: Filing, book: Book) -> None:
    """The partner gave the claim up: its place is free, and so is its protection, from then on (2; domain.md 2.2)."""
    registration, standing = filing.registration, filing.standing
    if registration.status is not FiledStatus.WITHDRAWN or registration.received_at is None or standing.rejected:
        return
    held = standing.grant
    if (filing.early and held is None) or (standing.decided and standing.decided.kind is DecisionKind.WITHDRAWN):
        return
    at = max(filing.received_at, registration.modified_at or book.now)
    if held is not None:
        at = max(at, held.since)
        if at >= held.end:
            return
    actor = Actor("source", filing.ref.connection)
    book.record(DecisionKind.WITHDRAWN, filing, "withdrawn", "withdrawn", at, {"withdrawn_at": at.isoformat()}, actor)


def request(filing: Filing, book: Book) -> None:
    """The partner has asked for an extension before the end: a fact, whoever decides about it and when (9a)."""
    asked, held = filing.registration.extension_asked_at, filing.standing.grant
    if asked is None or held is None or filing.source_decides or not held.since <= asked < held.end:
        return
    if any(d.kind is DecisionKind.REQUESTED and d.effective_at >= asked for d in filing.decisions):
        return
    evidence = {"asked_at": asked.isoformat(), "until": held.end.isoformat()}
    actor = Actor("source", filing.ref.connection)
    book.record(DecisionKind.REQUESTED, filing, "extension_requested", "requested", asked, evidence, actor)


def carry_out(ruling: Decision, book: Book) -> None:
    """What a ruling means for both registrations of its collision (9). Done once; a person's later word stands."""
    subject, other = book.by_ref.get(ruling.subject), ruled_other(ruling, book)
    if subject is None:
        return
    rival = book.by_ref.get(other) if other is not None else None
    if ruling.other == subject.ref:
        if rival is not None and _stood_when_ruled(rival, ruling):
            _reject_by(ruling, rival, book)
        _approve_by(ruling, subject, book)
        return
    _reject_by(ruling, subject, book)
    if rival is not None and ruling.other == rival.ref:
        _approve_by(ruling, rival, book)


def _stood_when_ruled(rival: Filing, ruling: Decision) -> bool:
    """Was it approved when the ruling was made? What is approved after it, in its turn, is not taken away by it."""
    decided = rival.standing.decided
    return decided is not None and rival.standing.approved and _spoken_at(decided) <= ruling.at


def ruled_other(ruling: Decision, book: Book) -> Ref | None:
    """The other side of the collision that a ruling is about."""
    named = ruling.evidence.get("against") or ruling.evidence.get("other")
    if named:
        return Ref.parse(str(named))
    id_ = str(ruling.evidence.get("collision", ""))[3:].removeprefix(f"-{ruling.subject.id}-")
    known = [*book.by_ref, *book.deals.by_ref, *(a.ref for a in book.accounts)]
    return next((ref for ref in known if ref.id == id_ and ref != ruling.subject), None)


def _approve_by(ruling: Decision, filing: Filing, book: Book) -> None:
    if _carried_out(ruling, filing) or filing.standing.approved:
        return
    evidence, at = _mandate(ruling), ruling.effective_at
    book.record(DecisionKind.APPROVED, filing, "ruled", "ruled", at, evidence, ruling.actor, ruling.other)
    grant(filing, book)


def _reject_by(ruling: Decision, filing: Filing, book: Book) -> None:
    held = filing.standing.grant
    over = held is not None and held.end <= ruling.effective_at
    if _carried_out(ruling, filing) or filing.standing.rejected or over:
        return
    evidence = _mandate(ruling)
    at = ruling.effective_at
    book.record(DecisionKind.REJECTED, filing, "ruled", "ruled_against", at, evidence, ruling.actor, ruling.other)


def _mandate(ruling: Decision) -> dict[str, Any]:
    return {"ruling": ruling.evidence.get("collision"), "ruled_at": ruling.at.isoformat()}


def _carried_out(ruling: Decision, filing: Filing) -> bool:
    """Was it done before, or has a person or the source spoken again since?"""
    mandate = _mandate(ruling)
    for decision in filing.decisions:
        if all(decision.evidence.get(key) == value for key, value in mandate.items()):
            return True
        if decision.kind in _FINAL and decision.actor.kind != "rule" and _spoken_at(decision) > ruling.at:
            return True
    return False


_FINAL = (DecisionKind.APPROVED, DecisionKind.REJECTED, DecisionKind.ADOPTED, DecisionKind.WITHDRAWN)


def _spoken_at(decision: Decision) -> datetime:
    """When a person decided: for what follows from a ruling, the time of the ruling."""
    ruled_at = decision.evidence.get("ruled_at")
    return instant(ruled_at) if ruled_at else decision.at


def judge(filing: Filing, book: Book) -> None:
    """Judge one undecided application by the rules 5.1 to 5.12, the first that decides ends it, and record the end."""
    verdict = screen(filing, book)
    if verdict is not None and verdict.reason == "source_decides":
        verdict = _only_shown(verdict, filing, book)
    if verdict is None:
        line = queue(filing, book)
        verdict = first_registered(filing, line, book) or _approval(filing, line, book)
    filing.verdict = verdict
    kind = _KINDS.get(verdict.application)
    if kind is None:
        return
    evidence = {**_circumstances(filing, book), **verdict.evidence}
    if verdict.clashes:
        evidence["collisions"] = [clash.to_json() for clash in verdict.clashes]
    book.record(kind, filing, verdict.rule, verdict.reason, verdict.effective_at, evidence)
    if kind is DecisionKind.APPROVED:
        grant(filing, book)


def _only_shown(verdict: Verdict, filing: Filing, book: Book) -> Verdict:
    """Where the source decides, the collision is shown and nothing follows from it (2)."""
    found = clash_of(filing, book)
    if found is None or not found.clashes:
        found = first_registered(filing, queue(filing, book), book)
    clashes = found.clashes if found else ()
    return replace(verdict, clashes=tuple(replace(c, winner=None, rule="source_decides") for c in clashes))


def _approval(filing: Filing, line: Queue, book: Book) -> Verdict:
    """Valid and first: approved by itself where policy and visibility allow it, else by a person (5.12)."""
    doubt = None if filing.exempt("not_speculative") else not_speculative(filing, book)
    if doubt is not None:
        return doubt
    if filing.policy.approval is not Approval.AUTOMATIC:
        return Verdict(Application.REVIEW, "valid_and_first", "needs_approval", filing.ready_at)
    if not book.group.visible:
        return Verdict(Application.REVIEW, "valid_and_first", "not_visible", filing.ready_at)
    effective_at = line.free_from(filing)
    clashes: tuple[Clash, ...] = ()
    if line.last is not None:
        before, _ = line.last
        clashes = (between(filing, before, book),)
    facts = {
        "ready_at": filing.ready_at.isoformat(),
        "passed": passed(filing),
        "alternatives": [
            *({"claim": str(f.ref), "lost_by": "ended", "at": end.isoformat()} for f, end in line.ahead[:MOST]),
            *({"claim": str(f.ref), "lost_by": f"tie:{rule}"} for f, rule in line.beaten[:MOST]),
        ],
    }
    return Verdict(Application.APPROVED, "valid_and_first", "first_registered", effective_at, facts, clashes)


def _circumstances(filing: Filing, book: Book) -> Mapping[str, Any]:
    """The evidence of every decision by a rule: times, and how the company was linked."""
    horizon = book.group.horizon
    best = filing.company.best if filing.company else None
    return {
        "received_at": filing.received_at.isoformat(),
        "settled_at": filing.settled_at.isoformat(),
        "complete_through": horizon.isoformat() if horizon else None,
        **({"programme": filing.programme} if filing.programme else {}),
        "link": {"score": round(best.score, 4), "band": best.band.value, "reason": best.reason} if best else None,
    }
