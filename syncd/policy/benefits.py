"""What a protection brings the partner: promised with the grant, gone with it, honoured on quotes that were issued."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from syncd.model import Partner
from syncd.policy.schema import Policy
from syncd.policy.standing import Standing
from syncd.policy.terms import Benefits


def of_tier(tier: str | None, policy: Policy) -> Benefits | None:
    """What the policy promises a tier; the entry without one counts for all others."""
    wanted = (tier or "").strip().casefold()
    named = {b.tier.strip().casefold(): b for b in policy.benefits}
    return named.get(wanted) or named.get("")


def benefits_granted(partner: Partner | None, policy: Policy) -> dict[str, Any]:
    """As evidence of the grant, with the tier at that time: a later policy or tier changes nothing."""
    tier = partner.tier if partner is not None else None
    found = of_tier(tier, policy)
    if found is None:
        return {}
    return {"benefits": {"tier": tier, **found.model_dump(mode="json", exclude={"tier"}, exclude_none=True)}}


def benefits_of(standing: Standing, now: datetime, quoted_at: datetime | None = None) -> Mapping[str, Any]:
    """The benefits in force at `now`, or those that were when a quote was issued; empty when none are.

    What ended, was revoked or suspended brings nothing more, and takes nothing from a quote that was issued before.
    """
    held = standing.grant
    at = quoted_at or now
    if held is None or not held.since <= at < held.end:
        return {}
    paused = held.suspended
    if paused is not None and at >= paused.effective_at:
        return {}
    return held.benefits
