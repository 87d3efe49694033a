"""Scope: what a claim covers. Products, territory, deal and role are members of one set, told apart by a mark."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from syncd.model import ClaimGroup, FiledCompany, Opportunity, Ref, Registration, Version
from syncd.policy.claim_terms import folded
from syncd.policy.schema import Policy, Scope, Territory

TERRITORY, DEAL, ROLE = "@", "#", "~"
"""What a territory, a deal and a role begin with, and no product code does."""

REFERRAL, RESALE = f"{ROLE}referral", f"{ROLE}resale"
"""What a claim is for where roles are told apart; a deal of the direct team is for neither and meets both."""


@lru_cache(maxsize=65_536)
def meets(a: frozenset[str], b: frozenset[str]) -> bool:
    """Two scopes meet where in each part they have one member in common, or one names none (docs/rulings.md 1)."""
    return all(_share(part_of(a, mark), part_of(b, mark)) for mark in ("", TERRITORY, DEAL, ROLE))


def _share(a: frozenset[str], b: frozenset[str]) -> bool:
    return not a or not b or not a.isdisjoint(b)


@lru_cache(maxsize=65_536)
def part_of(scope: frozenset[str], mark: str) -> frozenset[str]:
    """One part of a scope; the products have no mark."""
    if not mark:
        return frozenset(name for name in scope if name[:1] not in (TERRITORY, DEAL, ROLE))
    return frozenset(name for name in scope if name.startswith(mark))


def products_in(scope: frozenset[str]) -> frozenset[str]:
    """The products of a scope."""
    return part_of(scope, "")


def deals_in(scope: frozenset[str]) -> frozenset[str]:
    """The deals that a scope is confined to; empty: it is not."""
    return part_of(scope, DEAL)


def is_referral(scope: frozenset[str]) -> bool:
    """Is it the claim of somebody who has sourced a deal, and does not sell it?"""
    return REFERRAL in scope


def in_words(scope: frozenset[str]) -> str:
    """A scope as people read it: `CORE, MOBILE in GB`."""
    products = ", ".join(sorted(products_in(scope))) or "all products"
    places = ", ".join(sorted(name.removeprefix(TERRITORY) for name in part_of(scope, TERRITORY)))
    where = f" in {places}" if places else ""
    deal = " in one deal" if deals_in(scope) else ""
    return f"{products}{where}{deal}{' as a referral' if is_referral(scope) else ''}"


def in_code(scope: frozenset[str]) -> str:
    """A scope as it is stamped: product codes, then the territory, joined by `;`."""
    return ";".join([*sorted(products_in(scope)), *sorted(part_of(scope, TERRITORY))])


def scope_filed(registration: Registration, company: FiledCompany | None, policy: Policy) -> frozenset[str]:
    """What a registration claims: its products or the whole company, its territory and its role where these count."""
    products = registration.products if policy.scope is not Scope.COMPANY else frozenset()
    country = registration.country or (company.account.country if company else None)
    return products | _territory(country, policy) | _role(registration, policy)


def _role(registration: Registration, policy: Policy) -> frozenset[str]:
    if not policy.roles.referral:
        return frozenset()
    refers = (registration.role or "").strip().casefold() in folded(policy.roles.referral)
    return frozenset({REFERRAL if refers else RESALE})


def deal(ref: Ref) -> str:
    """An opportunity as a member of a scope."""
    return f"{DEAL}{ref.id}"


def beside_deals(scope: frozenset[str]) -> frozenset[str]:
    """A scope whatever deal it is confined to."""
    return scope - deals_in(scope)


def localised(group: ClaimGroup, policy: Policy) -> ClaimGroup:
    """The group with what each opportunity is confined to in its scope, now and before: territory, and itself."""
    if policy.territory is Territory.ANYWHERE and policy.scope is not Scope.OPPORTUNITY:
        return group
    countries = {account.ref.id: account.country for account in group.accounts}

    def placed(opportunity: Opportunity) -> Opportunity:
        country = opportunity.country or countries.get(opportunity.account_id or "")
        itself = frozenset({deal(opportunity.ref)}) if policy.scope is Scope.OPPORTUNITY else frozenset()
        return replace(opportunity, products=opportunity.products | _territory(country, policy) | itself)

    def versions(past: tuple[Version, ...]) -> tuple[Version, ...]:
        return tuple(
            replace(version, record=placed(version.record)) if isinstance(version.record, Opportunity) else version
            for version in past
        )

    return replace(
        group,
        opportunities=tuple(map(placed, group.opportunities)),
        pushed=tuple(map(placed, group.pushed)),
        past={ref: versions(past) for ref, past in group.past.items()},
    )


def _territory(country: str | None, policy: Policy) -> frozenset[str]:
    known = (country or "").strip().upper()
    return frozenset({TERRITORY + known}) if known and policy.territory is Territory.COUNTRY else frozenset()
