"""Policies as decisions: proposed by one person with their whole text, approved by another."""

from __future__ import annotations

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.jobs.work import Work
from syncd.model import Actor, Decision, DecisionKind, Ref
from syncd.policy import Policy, version_of
from syncd.store import decisions


def propose(work: Work, policy: Policy, person: str, reason: str) -> str:
    """Keep a policy for somebody else to approve; returns its version. Raises UserError when it was proposed before."""
    version = version_of(policy)
    with work.store.append() as tx:
        known = _said(tx, version)
        if known:
            raise UserError(f"Policy {version} was proposed already by {known[0].actor.name}.")
        text = policy.model_dump(mode="json")
        made = _made(work, DecisionKind.PROPOSED, version, person, reason, {"content": text})
        decisions.by_person(tx, made, None, made.at, work.ledger_key)
    return version


def approve(work: Work, version: str, person: str, reason: str) -> str:
    """Approve what somebody else proposed; returns who did. Raises UserError."""
    with work.store.append() as tx:
        known = _said(tx, version)
        if not known:
            raise UserError(f"Nobody has proposed policy {version}. `syncd policy propose FILE` does, and names it.")
        agreed = next((made for made in known if made.kind is DecisionKind.APPROVED), None)
        if agreed is not None:
            raise UserError(f"Policy {version} was approved already by {agreed.actor.name}.")
        if known[0].actor.name == person:
            raise UserError(f"{person} has proposed it; somebody else approves it.")
        made = _made(work, DecisionKind.APPROVED, version, person, reason, {})
        decisions.by_person(tx, made, None, made.at, work.ledger_key)
    return known[0].actor.name


def _said(tx: sa.Connection, version: str) -> list[Decision]:
    return decisions.about(tx, [_ref(version)])


def _ref(version: str) -> Ref:
    return Ref("syncd", "policy", version)


def _made(
    work: Work, kind: DecisionKind, version: str, person: str, reason: str, evidence: dict[str, object]
) -> Decision:
    now = work.clock.now()
    return Decision(
        kind=kind, subject=_ref(version), actor=Actor.person(person), at=now, effective_at=now,
        policy_version=version, rule="person", reason=reason, evidence=evidence,
    )  # fmt: skip
