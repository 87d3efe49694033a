"""What the rules would have decided under another policy, on the same facts and the same words of people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from syncd.model import ClaimGroup, Ref, RegistrationState
from syncd.policy.decide import decide
from syncd.policy.schema import Policy


@dataclass(frozen=True, slots=True)
class Difference:
    """One registration that would stand elsewhere: as the policy of today has it, and as the other one would."""

    ref: Ref
    number: str
    partner: str | None
    today: RegistrationState
    other: RegistrationState

    @property
    def what(self) -> str:
        """What differs first: where the application stands, why, or what is protected until when."""
        if self.today.application is not self.other.application:
            return "application"
        if self.today.reason != self.other.reason:
            return "reason"
        return "protection"


def replay(group: ClaimGroup, policy: Policy, now: datetime) -> dict[Ref, RegistrationState]:
    """Where every registration would stand had this policy always been in force.

    What rules decided is left out and decided again; what people and sources said stays, at its time. Deciding once,
    late, ends as deciding in time would have, so that history needs no second run through it.
    """
    said = tuple(d for d in group.decisions if d.actor.kind != "rule")
    return {state.ref: state for state in decide(replace(group, decisions=said), policy, now).states}


def differences(group: ClaimGroup, policy: Policy, other: Policy, now: datetime) -> list[Difference]:
    """Every registration of a group that the other policy would put elsewhere, by connection and id.

    Both policies are replayed, so that nothing but the policy makes a difference.
    """
    today, instead = replay(group, policy, now), replay(group, other, now)
    return [
        Difference(ref, state.number, state.partner_name or state.partner_id, state, instead[ref])
        for ref, state in sorted(today.items())
        if _stands(state) != _stands(instead[ref])
    ]


def _stands(state: RegistrationState) -> tuple[object, ...]:
    return state.application, state.reason, state.protection, state.since, state.until, state.products
