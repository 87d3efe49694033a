"""A partner's request for an extension: asked for in time, it keeps the line behind it waiting until it is decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from syncd.model import Decision, DecisionKind
from syncd.policy.standing import Grant, instant
from syncd.policy.terms import ExtensionTerms


def open_request(decisions: Sequence[Decision], held: Grant) -> Decision | None:
    """The request for an extension of this protection that nobody has answered; the last one asked."""
    asked = [d for d in decisions if d.kind is DecisionKind.REQUESTED and held.since <= d.effective_at < held.end]
    last = max(asked, key=lambda d: d.effective_at, default=None)
    if last is None or held.cut is not None:
        return None
    answers = (d for d in decisions if d.kind in ANSWERS and d.effective_at >= last.effective_at)
    return None if any(answers) or _granted(last, decisions) else last


ANSWERS = (DecisionKind.EXTENDED, DecisionKind.DENIED, DecisionKind.REINSTATED)
"""What answers a request for an extension."""


def _granted(request: Decision, decisions: Sequence[Decision]) -> bool:
    return any(
        d.kind is DecisionKind.EXTENDED and instant(d.evidence["asked_at"]) == request.effective_at for d in decisions
    )


def held_until(decisions: Sequence[Decision], held: Grant, terms: ExtensionTerms) -> datetime:
    """The instant from which a protection holds no place in the line any more (docs/rulings.md 9a).

    That is its end; with `requests_hold`, where an extension was asked for in time, the refusal of it, or the end of
    the days of grace, whichever comes first.
    """
    if not terms.requests_hold or held.cut is not None:
        return held.end
    grace = held.end + timedelta(days=terms.grace_days)
    if open_request(decisions, held) is not None:
        return grace
    refused = [d.effective_at for d in decisions if d.kind is DecisionKind.DENIED and d.effective_at >= held.end]
    return min([*refused, grace]) if refused else held.end
