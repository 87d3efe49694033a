"""Policies as decisions: proposed by one person with their whole text, approved by another, in force from a day on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.jobs.work import Work
from syncd.model import Actor, Decision, DecisionKind, Ref
from syncd.policy import Policy, version_of
from syncd.policy.desk import same_person
from syncd.policy.versions import Agreed, agreed, in_force
from syncd.store import decisions


def follow(work: Work) -> None:
    """Work by the policy that is in force now: another one may have been agreed to since, or its day has come."""
    named = work.policy_named or work.policy
    with work.store.read() as tx:
        found = in_force(_all(tx), named, work.clock.now())
    work.policy_held, work.policy_missing = found.held, found.policy is None
    if found.policy is not None and found.policy is not work.policy:
        work.policy, work.policy_version = found.policy, version_of(found.policy)
        work.policy_named = None if found.policy is named else named


def history(tx: sa.Connection) -> tuple[list[Agreed], list[Decision]]:
    """The policies that were agreed to, and the proposals that wait for a second person."""
    said = _all(tx)
    done = {made.subject for made in said if made.kind is DecisionKind.APPROVED}
    return agreed(said), [made for made in said if made.kind is DecisionKind.PROPOSED and made.subject not in done]


def _all(tx: sa.Connection) -> list[Decision]:
    return decisions.about_object(tx, "syncd", "policy")


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


def approve(work: Work, version: str, person: str, reason: str, since: datetime | None = None) -> str:
    """Approve what somebody else proposed, to hold from `since` on; returns who did. Raises UserError."""
    if since is not None and since < work.clock.now():
        raise UserError(f"A policy cannot hold from {since:%Y-%m-%d} on, which is over.")
    with work.store.append() as tx:
        known = _said(tx, version)
        if not known:
            raise UserError(f"Nobody has proposed policy {version}. `syncd policy propose FILE` does, and names it.")
        agreed = next((made for made in known if made.kind is DecisionKind.APPROVED), None)
        if agreed is not None:
            raise UserError(f"Policy {version} was approved already by {agreed.actor.name}.")
        if same_person(known[0].actor.name, person, work.policy):
            raise UserError(f"{person} has proposed it; somebody else approves it.")
        made = _made(work, DecisionKind.APPROVED, version, person, reason, {})
        made = replace(made, effective_at=since or made.at)
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
