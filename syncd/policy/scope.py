"""Scope: the products that a claim covers, and where. A territory is a member of the set like a product, marked `@`."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from syncd.model import ClaimGroup, FiledCompany, Opportunity, Registration, Version
from syncd.policy.schema import Policy, Scope, Territory

MARK = "@"
"""What a territory begins with, and no product code does."""


@lru_cache(maxsize=65_536)
def meets(a: frozenset[str], b: frozenset[str]) -> bool:
    """Two scopes meet in products and in territory: one in common, or one that names none (docs/rulings.md 1)."""
    return _share(products_in(a), products_in(b)) and _share(a - products_in(a), b - products_in(b))


def _share(a: frozenset[str], b: frozenset[str]) -> bool:
    return not a or not b or not a.isdisjoint(b)


@lru_cache(maxsize=65_536)
def products_in(scope: frozenset[str]) -> frozenset[str]:
    """The products of a scope, without its territory."""
    return frozenset(name for name in scope if not name.startswith(MARK))


def in_words(scope: frozenset[str]) -> str:
    """A scope as people read it: `CORE, MOBILE in GB`."""
    products = ", ".join(sorted(products_in(scope))) or "all products"
    places = ", ".join(sorted(name.removeprefix(MARK) for name in scope - products_in(scope)))
    return f"{products} in {places}" if places else products


def in_code(scope: frozenset[str]) -> str:
    """A scope as it is stamped: product codes, then the territory, joined by `;`."""
    return ";".join([*sorted(products_in(scope)), *sorted(scope - products_in(scope))])


def scope_filed(registration: Registration, company: FiledCompany | None, policy: Policy) -> frozenset[str]:
    """What a registration claims: its products or the whole company, and its territory where that counts."""
    products = registration.products if policy.scope is Scope.PRODUCTS else frozenset()
    country = registration.country or (company.account.country if company else None)
    return products | _territory(country, policy)


def localised(group: ClaimGroup, policy: Policy) -> ClaimGroup:
    """The group with the territory of each opportunity in its scope, now and before: its own, or its account's."""
    if policy.territory is Territory.ANYWHERE:
        return group
    countries = {account.ref.id: account.country for account in group.accounts}

    def placed(opportunity: Opportunity) -> Opportunity:
        country = opportunity.country or countries.get(opportunity.account_id or "")
        return replace(opportunity, products=opportunity.products | _territory(country, policy))

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
    return frozenset({MARK + known}) if known and policy.territory is Territory.COUNTRY else frozenset()
