"""What the tests of matching share: the shipped linker over small statistics, and the companies of the demo."""

from __future__ import annotations

import pytest

from syncd.demo import companies
from syncd.matching import Linker, Parsed, Statistics, parse
from syncd.model import Account, Ref


def account(side: str, id_: str, name: str | None, **fields: object) -> Account:
    """An account by name."""
    return Account(ref=Ref(side, "company", id_), name=name, **fields)  # type: ignore[arg-type]


def employer(side: str, company: companies.Company) -> Account:
    """An account from one of the demo's lists; ids are those of the lists, so that folds are those of training."""
    return account(
        side,
        company.id,
        company.name,
        website=company.website or None,
        street=company.address or None,
        postcode=company.postcode or None,
        country=company.country,
    )


@pytest.fixture(scope="session")
def employers() -> list[Parsed]:
    """Every third employer of the right list, parsed."""
    return [parse(employer("right", company)) for company in companies.right()[::3]]


@pytest.fixture(scope="session")
def linker(employers: list[Parsed]) -> Linker:
    """The shipped table over real statistics."""
    return Linker(Statistics.build(employers))
