"""Which policy is in force: what the settings name, or where two people are needed, what two people have agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.model import Decision, DecisionKind
from syncd.policy.explain import day
from syncd.policy.schema import Policy, version_of


@dataclass(frozen=True, slots=True)
class Agreed:
    """A policy that one person has proposed and another approved, from when on."""

    policy: Policy
    proposed_by: str
    approved_by: str
    since: datetime


@dataclass(frozen=True, slots=True)
class InForce:
    """The policy to decide by, None when there is none, and why it is not the one that the settings name."""

    policy: Policy | None
    held: str = ""


def agreed(said: Sequence[Decision]) -> list[Agreed]:
    """Every policy that was agreed to, in the order of the days from which they hold; `said` is oldest first."""
    proposed = {d.subject: d for d in said if d.kind is DecisionKind.PROPOSED}
    found = []
    for made in said:
        first = proposed.get(made.subject)
        if made.kind is DecisionKind.APPROVED and first is not None and first.actor != made.actor:
            policy = _read(first)
            if policy is not None:
                found.append(Agreed(policy, first.actor.name, made.actor.name, made.effective_at))
    return sorted(found, key=lambda one: one.since)


def _read(proposed: Decision) -> Policy | None:
    """The policy as it was proposed; None for one that this release cannot read any more."""
    try:
        return Policy.model_validate(proposed.evidence["content"])
    except ValueError:
        return None


def in_force(said: Sequence[Decision], named: Policy, now: datetime) -> InForce:
    """The policy in force at `now`, given the one that the settings name and what people said of policies.

    Two people are needed where the named policy says so (`two_people`), or the one that was in force before it did:
    nobody gets round the rule by leaving it out of the file.
    """
    known = agreed(said)
    last = next((one for one in reversed(known) if one.since <= now), None)
    if not named.two_people and (last is None or not last.policy.two_people):
        return InForce(named)
    version = version_of(named)
    mine = [one for one in known if version_of(one.policy) == version]
    if any(one.since <= now for one in mine):
        return InForce(named)
    if mine:
        why = f"Policy {version} holds from {day(mine[0].since)} on."
    else:
        why = (
            f"The settings name policy {version}, which no two people have agreed to: `syncd policy propose FILE`, "
            f"then somebody else says `syncd policy approve {version}`."
        )
    if last is None:
        return InForce(None, f"{why} Until then nothing is decided.")
    since = f"agreed to by {last.proposed_by} and {last.approved_by}"
    return InForce(last.policy, f"{why} Until then policy {version_of(last.policy)} is in force, {since}.")
