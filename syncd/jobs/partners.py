"""Partners as a registry: who they are in which system, who answers for them, and suspending or offboarding them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.jobs.decide import canonical, gather, shared_facts
from syncd.jobs.work import Work
from syncd.model import (
    Actor,
    Application,
    ClaimGroup,
    Decision,
    DecisionKind,
    Partner,
    Protection,
    Ref,
    RegistrationState,
    Stream,
)
from syncd.policy import check_person, plan_merger, plan_offboarding, plan_return, plan_suspension
from syncd.policy.desk import may_decide, seat
from syncd.policy.partners import Step
from syncd.store import decisions, graph, outcomes
from syncd.store.outcomes import Claimed


@dataclass(frozen=True, slots=True)
class Known:
    """A partner as the registry has it, with what it holds."""

    partner: Partner
    status: str
    merged_into: str
    contact: str
    why: str
    live: int
    protected: int


def known(work: Work, tx: sa.Connection) -> list[Known]:
    """Every partner by key, with its status in the registry, who answers for it now, and what it holds."""
    shared = shared_facts(work, tx)
    claims = _claims_by_partner(tx)
    found = []
    for raw in _partners(work, tx).values():
        partner = shared.partners[raw.partner_id]
        asked = seat(partner, work.policy, shared.managers, work.clock.now())
        held = claims.get(raw.partner_id, [])
        found.append(
            Known(
                partner=raw,
                status=partner.status,
                merged_into=partner.partner_id if partner.partner_id != raw.partner_id else "",
                contact=str(asked),
                why=asked.why,
                live=sum(state.application in _LIVE for state in held),
                protected=sum(state.protection is Protection.ACTIVE for state in held),
            )
        )
    return sorted(found, key=lambda item: item.partner.partner_id)


_LIVE = (Application.PENDING, Application.REVIEW, Application.WAITING)


def _partners(work: Work, tx: sa.Connection) -> dict[str, Partner]:
    return {p.partner_id: p for p in canonical(work, tx, Stream.PARTNERS) if isinstance(p, Partner)}


def _claims_by_partner(tx: sa.Connection) -> dict[str | None, list[RegistrationState]]:
    found: dict[str | None, list[RegistrationState]] = {}
    for item in outcomes.claims(tx):
        found.setdefault(item.state.partner_id, []).append(item.state)
    return found


def is_partner(work: Work, key: str) -> bool:
    """Is this the key of a partner?"""
    with work.store.read() as tx:
        return key in _partners(work, tx)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a partner with what it means for each registration; `made` when it has been recorded."""

    partner: Partner
    steps: list[Step]
    made: bool


def suspend(work: Work, key: str, person: str, reason: str, do_it: bool) -> Change:
    """Suspend a partner: its protections keep their ends and are not in force, nothing new is approved."""
    return _change(work, key, DecisionKind.SUSPENDED, person, reason, do_it, {}, plan_suspension)


def reinstate(work: Work, key: str, person: str, reason: str, do_it: bool) -> Change:
    """Take a partner back: what was suspended is in force again."""
    return _change(work, key, DecisionKind.REINSTATED, person, reason, do_it, {}, plan_return)


def offboard(
    work: Work, key: str, to: str, person: str, reason: str, do_it: bool, merged: bool = False
) -> Change:  # fmt: skip
    """A partner leaves: what it holds passes to another one, or ends with the transition (`transition_days`).

    `merged`: everything it filed, and files from now on, counts as the other one's.
    """
    target = _target(work, key, to) if to else None
    if merged:
        if target is None:
            raise UserError("Say with --to into which partner it is merged.")
        return _change(
            work, key, DecisionKind.TRANSFERRED, person, reason, do_it, {"to": target.partner_id},
            lambda states, at: plan_merger(states, at, target),
        )  # fmt: skip
    days = work.policy.transition_days
    return _change(
        work, key, DecisionKind.REVOKED, person, reason, do_it, {"to": to} if to else {},
        lambda states, at: plan_offboarding(states, at, at + timedelta(days=days), target),
    )  # fmt: skip


def _target(work: Work, key: str, to: str) -> Partner:
    with work.store.read() as tx:
        target = shared_facts(work, tx).partners.get(to)
    if target is None:
        raise UserError(f"There is no partner {to}. `syncd partners` lists their keys.")
    if to == key or target.partner_id == key:
        raise UserError(f"{to} is the partner that leaves; name another one.")
    if target.status.strip().casefold() != "active":
        raise UserError(f"{target.name} is {target.status}, and can take over nothing.")
    return target


def _change(
    work: Work, key: str, kind: DecisionKind, person: str, reason: str, do_it: bool, evidence: dict[str, Any],
    plan: Callable[[list[RegistrationState], datetime], list[Step]],
) -> Change:  # fmt: skip
    now = work.clock.now()
    with work.store.append() as tx:
        decisions.alone(tx)
        partner = _partners(work, tx).get(key)
        if partner is None:
            raise UserError(f"There is no partner {key}. `syncd partners` lists their keys.")
        _refuse(work, tx, partner, kind, person)
        steps = [_heeding(work, step) for step in plan(_claims_by_partner(tx).get(key, []), now)]
        said = _Said(work, partner, Actor.person(person), now, reason, evidence)
        steps = _checked(work, tx, steps, said)
        if do_it:
            if not reason.strip():
                raise UserError("Say with --reason why; it is kept with each decision.")
            _record(work, tx, kind, steps, said)
    return Change(partner, steps, do_it)


@dataclass(frozen=True, slots=True)
class _Said:
    """Who changes which partner, when and why; `evidence` is that of the decision about the partner."""

    work: Work
    partner: Partner
    actor: Actor
    now: datetime
    reason: str
    evidence: dict[str, Any]

    def decision(self, kind: DecisionKind, evidence: dict[str, Any], step: Step | None = None) -> Decision:
        """What is written down about the partner, or about one registration of it."""
        return Decision(
            kind=kind, subject=step.ref if step else self.partner.ref, actor=self.actor, at=self.now,
            effective_at=step.effective_at if step else self.now, policy_version=self.work.policy_version,
            rule="person", reason=self.reason, evidence=evidence,
        )  # fmt: skip

    def about(self, step: Step, kind: DecisionKind, state: RegistrationState) -> Decision:
        """The decision of one step."""
        evidence = {"partner": self.partner.partner_id, **_of(kind, state, self.evidence)}
        return self.decision(kind, evidence, step)


def _checked(work: Work, tx: sa.Connection, steps: list[Step], said: _Said) -> list[Step]:
    """Each step, checked as if a person did it to that registration alone; what is refused stays as it is, with why."""
    homes = {item.state.ref: item for item in outcomes.claims(tx)}
    numbers = sorted({homes[step.ref].organization for step in steps if step.kind is not None})
    shared, refused = shared_facts(work, tx), dict[Ref, str]()
    for start in range(0, len(numbers), _AT_ONCE):
        groups = gather(work, tx, shared, numbers[start : start + _AT_ONCE])
        for step in steps:
            claimed = homes[step.ref]
            if step.kind is not None and claimed.organization in groups:
                refused |= _refusal(step, step.kind, claimed, groups[claimed.organization], said)
    left = {ref: f"stays as it is: {why}" for ref, why in refused.items()}
    return [replace(step, what=left[step.ref], kind=None) if step.ref in left else step for step in steps]


_AT_ONCE = 200


def _refusal(step: Step, kind: DecisionKind, claimed: Claimed, group: ClaimGroup, said: _Said) -> dict[Ref, str]:
    made = said.about(step, kind, claimed.state)
    made = replace(made, reason=made.reason.strip() or "planned")  # a plan may be looked at before there is a reason
    why = check_person(group, said.work.policy, said.now, made)
    return {step.ref: why[0]} if why else {}


def _heeding(work: Work, step: Step) -> Step:
    """Where the source decides, its record has to be changed there; a suspension works everywhere."""
    suspending = step.kind in (None, DecisionKind.SUSPENDED, DecisionKind.REINSTATED)
    if suspending or work.side(step.ref.connection).authority != "source":
        return step
    return replace(step, what="the portal decides: change its partner, or its end, there", kind=None)


def _refuse(work: Work, tx: sa.Connection, partner: Partner, kind: DecisionKind, person: str) -> None:
    if work.policy_missing:
        raise UserError(work.policy_held)
    if not may_decide(person, work.policy):
        raise UserError(f"{person} may not decide: the policy lets {', '.join(work.policy.review.approvers)}.")
    status = shared_facts(work, tx).partners[partner.partner_id].status
    again = {DecisionKind.SUSPENDED: "on_hold", DecisionKind.REVOKED: "offboarded"}.get(kind)
    if again is not None and status == again:
        raise UserError(f"{partner.name} is {again} already.")
    merged = shared_facts(work, tx).partners[partner.partner_id].partner_id != partner.partner_id
    if kind is DecisionKind.REINSTATED and status == partner.status and not merged:
        raise UserError(f"{partner.name} is not suspended, offboarded or merged in syncd; its status is {status}.")


def _record(work: Work, tx: sa.Connection, kind: DecisionKind, steps: list[Step], said: _Said) -> None:
    about_it = said.decision(kind, {**said.evidence, "key": said.partner.partner_id})
    states = {item.state.ref: item.state for item in outcomes.claims(tx)}
    each = [said.about(step, step.kind, states[step.ref]) for step in steps if step.kind is not None]
    for made in (about_it, *each):
        decisions.by_person(tx, made, None, said.now, work.ledger_key)
    reading = outcomes.organizations_reading(tx, {f"partner:{said.partner.partner_id}"})
    graph.mark_dirty(tx, reading)


def _of(kind: DecisionKind, state: RegistrationState, evidence: dict[str, Any]) -> dict[str, Any]:
    if kind is DecisionKind.TRANSFERRED:
        return {"to": evidence["to"], "from": state.partner_id}
    if kind is DecisionKind.REINSTATED and state.until is not None:
        return {"until": state.until.isoformat()}
    return {}
