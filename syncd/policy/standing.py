"""What the recorded decisions about one registration add up to: what stands, and what was granted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from syncd.model import Actor, Decision, DecisionKind

NEVER = datetime.min.replace(tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Grant:
    """A protection as granted: [since, end) for `products`. `until` is the end as promised; `end` may be earlier.

    `by` is the approval or adoption it rests on, `taken` when that took effect, `cut` the decision that ended it
    before its time. While `suspended` it holds its place and is not in force; `extensions` counts how often its end
    was moved.
    """

    since: datetime
    until: datetime
    products: frozenset[str]
    by: Decision
    taken: datetime
    end: datetime
    cut: Decision | None = None
    suspended: Decision | None = None
    extensions: int = 0
    benefits: Mapping[str, Any] = field(default_factory=dict)

    def active(self, now: datetime) -> bool:
        """Is it in force? The end is no longer covered."""
        return self.since <= now < self.end and self.suspended is None

    def over(self, now: datetime) -> bool:
        """Has it ended?"""
        return now >= self.end

    @property
    def reason(self) -> str:
        """Why it was granted (docs/rulings.md 10)."""
        return approval_reason(self.by)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands about one registration (docs/rulings.md 5): the decision that counts, and the last protection.

    `void` is the rejection or return by a rule after which it held no place; None when it held one until decided.
    """

    decided: Decision | None = None
    grant: Grant | None = None
    void: Decision | None = None

    @property
    def approved(self) -> bool:
        """Does an approval stand, by a rule, a person or the source?"""
        d = self.decided
        return d is not None and (
            d.kind is DecisionKind.APPROVED
            or (d.kind is DecisionKind.ADOPTED and d.evidence.get("status") != "rejected")
        )

    @property
    def rejected(self) -> bool:
        """Does a rejection stand?"""
        d = self.decided
        return d is not None and (
            d.kind is DecisionKind.REJECTED
            or (d.kind is DecisionKind.ADOPTED and d.evidence.get("status") == "rejected")
        )

    @property
    def by_person(self) -> bool:
        """Was what stands decided by a person?"""
        return self.decided is not None and is_person(self.decided.actor)


def approval_reason(approval: Decision) -> str:
    """The reason code of an approval: by the rules, the source, a ruling, or a person."""
    if approval.kind is DecisionKind.ADOPTED:
        return "adopted"
    if approval.actor.kind == "rule":
        return "first_registered"
    return "ruled" if "ruling" in approval.evidence else "approved_by_person"


def rejection_reason(rejection: Decision) -> str:
    """The reason code of a rejection: by the rules, the source, a ruling, or a person."""
    if rejection.kind is DecisionKind.ADOPTED:
        return "rejected_by_source"
    if rejection.actor.kind == "rule":
        return rejection.reason
    return "ruled_against" if "ruling" in rejection.evidence else "rejected_by_person"


def is_person(actor: Actor) -> bool:
    """People are neither rules nor the source system."""
    return actor.kind not in ("rule", "source")


def instant(value: Any) -> datetime:
    """Read an instant back from evidence."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))


def fold(decisions: Iterable[Decision]) -> Standing:
    """Add up the decisions about one registration, in the order of recording."""
    standing = Standing()
    for decision in decisions:
        standing = _STEPS[decision.kind](standing, decision) if decision.kind in _STEPS else standing
    return standing


def _approved(standing: Standing, decision: Decision) -> Standing:
    if standing.approved and (standing.grant is None or decision.effective_at < standing.grant.end):
        return standing  # two people approved at once: the first counts, and the end does not move
    return Standing(decision)


def _granted(standing: Standing, decision: Decision) -> Standing:
    if standing.decided is None or not standing.approved:
        return standing
    if standing.grant is not None and "added" in decision.evidence:
        products = frozenset(decision.evidence["products"])
        return replace(standing, grant=replace(standing.grant, products=products))
    return replace(standing, grant=_grant(decision, standing.decided, decision.effective_at))


def _adopted(standing: Standing, decision: Decision) -> Standing:
    if decision.evidence.get("status") == "rejected":
        return _rejected(standing, decision)
    return Standing(decision, _grant(decision, decision, decision.effective_at))


def _rejected(standing: Standing, decision: Decision) -> Standing:
    void = decision if decision.actor.kind == "rule" else standing.void
    return Standing(decision, _cut(standing.grant, decision), void)


def _returned(standing: Standing, decision: Decision) -> Standing:
    if standing.approved:
        return standing
    return Standing(decision, standing.grant, decision if decision.actor.kind == "rule" else None)


def _withdrawn(standing: Standing, decision: Decision) -> Standing:
    return Standing(decision, _cut(standing.grant, decision), standing.void)


def _extended(standing: Standing, decision: Decision) -> Standing:
    held, until = standing.grant, instant(decision.evidence["until"])
    if held is None or held.cut is not None or until <= held.until:
        return standing
    return replace(standing, grant=replace(held, until=until, end=until, extensions=held.extensions + 1))


def _suspended(standing: Standing, decision: Decision) -> Standing:
    held = standing.grant
    if held is None or decision.effective_at >= held.end:
        return standing
    return replace(standing, grant=replace(held, suspended=decision))


def _reinstated(standing: Standing, decision: Decision) -> Standing:
    """A suspension is lifted; a protection that is over begins anew, for what it covered before."""
    held = standing.grant
    if held is None:
        return standing
    if decision.effective_at < held.end:
        return replace(standing, grant=replace(held, suspended=None))
    until = instant(decision.evidence["until"])
    began = decision.effective_at
    anew = replace(held, since=began, until=until, end=until, cut=None, suspended=None, extensions=0)
    return replace(standing, grant=anew)


def _ended(standing: Standing, decision: Decision) -> Standing:
    """Revoked or released: the approval stays in the record, its protection ends."""
    return replace(standing, grant=_cut(standing.grant, decision))


def _exempted(standing: Standing, decision: Decision) -> Standing:
    """What this rule refused is undecided again, and goes on without it."""
    decided = standing.decided
    refused = standing.rejected or (decided is not None and decided.kind is DecisionKind.RETURNED)
    if decided is None or not refused or decided.actor.kind != "rule" or decided.rule != decision.evidence["rule"]:
        return standing
    return Standing(None, standing.grant)


def _grant(decision: Decision, by: Decision, taken: datetime) -> Grant:
    since, until = instant(decision.evidence["since"]), instant(decision.evidence["until"])
    promised = dict(decision.evidence.get("benefits", {}))
    return Grant(since, until, frozenset(decision.evidence["products"]), by, taken, until, benefits=promised)


def _cut(grant: Grant | None, decision: Decision) -> Grant | None:
    if grant is None or decision.effective_at >= grant.end:
        return grant
    return replace(grant, end=max(decision.effective_at, grant.since), cut=decision)


_STEPS = {
    DecisionKind.APPROVED: _approved,
    DecisionKind.GRANTED: _granted,
    DecisionKind.ADOPTED: _adopted,
    DecisionKind.REJECTED: _rejected,
    DecisionKind.RETURNED: _returned,
    DecisionKind.WITHDRAWN: _withdrawn,
    DecisionKind.EXTENDED: _extended,
    DecisionKind.SUSPENDED: _suspended,
    DecisionKind.REINSTATED: _reinstated,
    DecisionKind.REVOKED: _ended,
    DecisionKind.RELEASED: _ended,
    DecisionKind.EXEMPTED: _exempted,
}
