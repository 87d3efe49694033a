"""Where the source has decided otherwise than the rules would have: a list for people, never a write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from syncd.model import Application, ClaimGroup, DecisionKind, Ref, RegistrationState
from syncd.policy.decide import decide
from syncd.policy.schema import Policy
from syncd.policy.words import reason_words

_DECIDED = (Application.APPROVED, Application.REJECTED)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One registration that the source decided, and what the rules say; `reason` is their code, `why` its words."""

    ref: Ref
    number: str
    partner: str | None
    source: Application
    rules: Application
    reason: str
    why: str


def disagreements(group: ClaimGroup, policy: Policy, now: datetime) -> list[Disagreement]:
    """Compare what the source decided since go-live with what the rules alone would have, on the same facts."""
    said = {s.ref: s for s in decide(group, policy, now).states if s.application in _DECIDED}
    adopted = {d.subject for d in group.decisions if d.kind is DecisionKind.ADOPTED}
    if not said or not any(group.authority.get(ref.connection) == "source" for ref in said):
        return []
    alone = {s.ref: s for s in _by_rules_alone(group, policy, now)}
    return [
        _between(state, alone[ref])
        for ref, state in sorted(said.items())
        if ref in adopted and _since_go_live(state, group) and _differ(state, alone[ref])
    ]


def _by_rules_alone(group: ClaimGroup, policy: Policy, now: datetime) -> tuple[RegistrationState, ...]:
    theirs = (DecisionKind.ADOPTED, DecisionKind.EXPIRED)
    kept = tuple(d for d in group.decisions if d.kind not in theirs)
    authority = dict.fromkeys(group.authority, "syncd")
    return decide(replace(group, decisions=kept, authority=authority), policy, now).states


def _since_go_live(state: RegistrationState, group: ClaimGroup) -> bool:
    return state.received_at is not None and state.received_at >= group.go_live


def _differ(source: RegistrationState, rules: RegistrationState) -> bool:
    """Pending and in line say nothing about what would be; a return or a review is a doubt about an approval."""
    if rules.application in (Application.PENDING, Application.DRAFT, Application.WITHDRAWN):
        return False
    return source.application is not rules.application


def _between(source: RegistrationState, rules: RegistrationState) -> Disagreement:
    return Disagreement(
        ref=source.ref,
        number=source.number,
        partner=source.partner_name or source.partner_id,
        source=source.application,
        rules=rules.application,
        reason=rules.reason,
        why=reason_words(rules.reason).manager,
    )
