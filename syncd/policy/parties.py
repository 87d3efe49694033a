"""Whose claim a filing is: the partner who filed it, or the one it was filed for; and which partners count as one."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.model import Partner, Registration
from syncd.policy.claim_terms import Branches, folded
from syncd.policy.schema import Policy


def holder_of(registration: Registration, partners: Mapping[str, Partner], policy: Policy) -> str | None:
    """The key of the partner whose claim it is (C34): what a distributor files for a reseller is the reseller's.

    Where nobody known is named, it is the claim of who has filed it.
    """
    role = (registration.role or "").strip().casefold()
    named = registration.with_partner_id
    if role and role in folded(policy.roles.on_behalf) and named in partners:
        return named
    return registration.partner_id


def party_of(key: str | None, partners: Mapping[str, Partner], policy: Policy) -> str | None:
    """Who stands behind a claim: the partner itself or, with `branches: together`, the partner at the top (C02)."""
    if key is None or policy.branches is Branches.APART:
        return key
    seen = [key]
    while (parent := _parent(seen[-1], partners)) is not None:
        if parent in seen:  # partners that are each other's branches have nobody at the top
            return min(seen[seen.index(parent) :])
        seen.append(parent)
    return seen[-1]


def _parent(key: str, partners: Mapping[str, Partner]) -> str | None:
    """The key of a partner's parent that is known; a merged partner's is that of the one it became."""
    partner = partners.get(key)
    parent = partners.get(partner.parent_id) if partner is not None and partner.parent_id else None
    return parent.partner_id if parent is not None and partner is not None and parent is not partner else None
