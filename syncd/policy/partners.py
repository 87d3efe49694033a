"""The registry of partners: who is suspended, gone or merged, and what a change means for each registration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.model import Application, Decision, DecisionKind, Partner, Protection, Ref, RegistrationState

ON_HOLD, OFFBOARDED = "on_hold", "offboarded"
"""What syncd's own registry says of a partner, whatever its status in the PRM."""


def registry(partners: Mapping[str, Partner], decisions: Iterable[Decision]) -> dict[str, Partner]:
    """Partners by key as people's decisions about them say, oldest first; of a merged one, the partner it became."""
    said = dict(partners)
    keys = {partner.ref: key for key, partner in partners.items()}
    merged: dict[str, str] = {}
    for made in decisions:
        key = keys.get(made.subject)
        if key is None:
            continue
        if made.kind is DecisionKind.TRANSFERRED:
            merged[key] = str(made.evidence["to"])
        elif made.kind in _STATUS:
            said[key] = replace(partners[key], status=_STATUS[made.kind])
        elif made.kind is DecisionKind.REINSTATED:
            merged.pop(key, None)
            said[key] = partners[key]
    return {key: said[_end(key, merged)] if _end(key, merged) in said else said[key] for key in said}


_STATUS = {DecisionKind.SUSPENDED: ON_HOLD, DecisionKind.REVOKED: OFFBOARDED}


def _end(key: str, merged: Mapping[str, str]) -> str:
    """Where a chain of mergers ends; partners that were merged in a circle stay what they are."""
    seen = [key]
    while (to := merged.get(seen[-1])) is not None:
        if to in seen:
            return key
        seen.append(to)
    return seen[-1]


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one registration: in words, and the decision to record; None where a rule does it."""

    number: str
    ref: Ref
    what: str
    kind: DecisionKind | None
    effective_at: datetime


def plan_suspension(claims: Iterable[RegistrationState], at: datetime) -> list[Step]:
    """Protections are suspended and keep their end; what is undecided waits for a person; ends come as promised."""
    return [step for state in claims if (step := _suspended(state, at)) is not None]


def _suspended(state: RegistrationState, at: datetime) -> Step | None:
    if state.protection is Protection.ACTIVE:
        return Step(
            state.number, state.ref, f"suspended; its end stays {_day(state.until)}", DecisionKind.SUSPENDED, at
        )
    if state.application in _UNDECIDED:
        return Step(state.number, state.ref, "waits for a person, and keeps its time of filing", None, at)
    return None


def plan_return(claims: Iterable[RegistrationState], at: datetime) -> list[Step]:
    """What is suspended is in force again, until the end it had."""
    held = [state for state in claims if state.protection is Protection.SUSPENDED]
    return [Step(s.number, s.ref, f"in force again until {_day(s.until)}", DecisionKind.REINSTATED, at) for s in held]


def plan_offboarding(
    claims: Iterable[RegistrationState], at: datetime, until: datetime, to: Partner | None
) -> list[Step]:
    """Protections pass to the other partner, or end with the transition; what is undecided is refused by rule 5.3."""
    return [step for state in claims if (step := _offboarded(state, at, until, to)) is not None]


def _offboarded(state: RegistrationState, at: datetime, until: datetime, to: Partner | None) -> Step | None:
    if state.protection in (Protection.ACTIVE, Protection.SUSPENDED):
        if to is not None:
            what = f"passes to {to.name}, until {_day(state.until)} as promised"
            return Step(state.number, state.ref, what, DecisionKind.TRANSFERRED, at)
        if state.until is not None and state.until <= until:
            return Step(state.number, state.ref, f"ends on {_day(state.until)}, as promised", None, at)
        return Step(state.number, state.ref, f"ends on {_day(until)}", DecisionKind.REVOKED, until)
    if state.application in _UNDECIDED:
        return Step(state.number, state.ref, "is not approved; whoever waits behind it follows", None, at)
    return None


def plan_merger(claims: Iterable[RegistrationState], at: datetime, to: Partner) -> list[Step]:
    """Everything counts as the other partner's from now on; two live filings of one deal become one (C01)."""
    return [
        Step(state.number, state.ref, f"counts as a registration of {to.name}", None, at)
        for state in claims
        if state.application in _UNDECIDED or state.protection in (Protection.ACTIVE, Protection.SUSPENDED)
    ]


_UNDECIDED = (Application.PENDING, Application.REVIEW, Application.WAITING, Application.RETURNED)


def _day(at: datetime | None) -> str:
    return f"{at.day} {at:%B %Y} (UTC)" if at else "no known day"
