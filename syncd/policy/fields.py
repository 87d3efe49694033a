"""What a registration says, field by field, under the names that `required` uses (docs/rulings.md 5.4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from syncd.model import Account, Decision, FiledCompany, Money, Registration
from syncd.policy.requirable import REQUIRABLE

_OF_COMPANY: dict[str, Callable[[Account], Any]] = {
    "company.name": lambda a: a.name,
    "company.location": lambda a: _text(a.street) or _text(a.city) or _text(a.postcode),
    "company.country": lambda a: a.country,
    "company.industry": lambda a: a.industry,
    "company.employees": lambda a: a.employees,
}


def value_of(name: str, registration: Registration, company: FiledCompany | None) -> Any:
    """The value of one field; None when it is missing or blank."""
    read = _OF_COMPANY.get(name)
    if read is None:
        return _present(getattr(registration, name))
    value = _present(read(company.account)) if company else None
    if value is None and name == "company.country":
        return _present(registration.country)
    return value


def filled(registration: Registration, company: FiledCompany | None) -> int:
    """How many of the fields that `required` may list are filled in."""
    return sum(value_of(name, registration, company) is not None for name in REQUIRABLE)


def plain(value: Any) -> str | None:
    """A field's value as evidence: text that two runs write the same way."""
    if value is None:
        return None
    if isinstance(value, frozenset):
        return ";".join(sorted(value))
    if isinstance(value, Money):
        return f"{value.amount} {value.currency or ''}".rstrip()
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)


def answered(registration: Registration, company: FiledCompany | None, returned: Decision) -> bool:
    """Has the partner changed what the filing was returned for? (docs/rulings.md 5)

    A return by a person names no fields: any later change of the record answers it.
    """
    fields = returned.evidence.get("fields")
    if fields is None:
        modified = registration.modified_at
        return modified is not None and modified > returned.effective_at
    return any(plain(value_of(name, registration, company)) != was for name, was in fields.items())


def _text(value: str | None) -> str | None:
    return value.strip() or None if value else None


def _present(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, frozenset):
        return value or None
    return value
