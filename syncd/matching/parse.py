"""Turns an account into a parsed record: everything matching compares, read once and kept beside the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from syncd.matching.names import Name, names_of, seat_of
from syncd.matching.places import (
    city_of,
    country_of,
    domain_of,
    phone_of,
    postcode_of,
    street_of,
    tax_ids_of,
    uk_postcode_in,
)
from syncd.model import Account, Ref

PARSER_VERSION = "3"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What an account says about which organization it is. Blank fields are empty, never None, except `country`."""

    ref: Ref
    title: str
    names: tuple[Name, ...]
    domain: str = ""
    label: str = ""
    phone: str = ""
    postcode: str = ""
    numbers: frozenset[str] = frozenset()
    street: frozenset[str] = frozenset()
    city: str = ""
    country: str | None = None
    tax_ids: tuple[str, ...] = ()
    is_person: bool = False

    @property
    def is_blank(self) -> bool:
        """Nothing here can identify an organization."""
        return not (self.names or self.domain or self.phone or self.tax_ids)

    def to_json(self) -> dict[str, Any]:
        """Plain values, short names, blanks left out; `from_json` reads them back to an equal record."""
        plain = {
            "ref": str(self.ref),
            "title": self.title,
            "names": [_plain(name) for name in self.names],
            "domain": self.domain,
            "label": self.label,
            "phone": self.phone,
            "postcode": self.postcode,
            "numbers": sorted(self.numbers),
            "street": sorted(self.street),
            "city": self.city,
            "country": self.country,
            "tax_ids": list(self.tax_ids),
            "is_person": self.is_person,
        }
        return {key: value for key, value in plain.items() if value}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Parsed:
        """The record that `to_json` wrote."""
        return cls(
            ref=Ref.parse(plain["ref"]),
            title=plain.get("title", ""),
            names=tuple(_name(*name) for name in plain.get("names", ())),
            domain=plain.get("domain", ""),
            label=plain.get("label", ""),
            phone=plain.get("phone", ""),
            postcode=plain.get("postcode", ""),
            numbers=frozenset(plain.get("numbers", ())),
            street=frozenset(plain.get("street", ())),
            city=plain.get("city", ""),
            country=plain.get("country"),
            tax_ids=tuple(plain.get("tax_ids", ())),
            is_person=bool(plain.get("is_person", False)),
        )


def parse(account: Account) -> Parsed:
    """Read one account. Any text is allowed; time and size are bounded."""
    country = _country(account.country)
    postcode = postcode_of(account.postcode, country) or uk_postcode_in(account.street)
    city = city_of(account.city or seat_of(account.name))
    numbers, street = street_of(account.street, postcode, city)
    domain, label = domain_of(_short(account.website), _short(account.email))
    return Parsed(
        ref=account.ref,
        title=" ".join((account.name or "")[:120].split()),
        names=names_of(account.name, account.other_names, country),
        domain=domain,
        label=label,
        phone=phone_of(account.phone, country) if account.phone else "",
        postcode=postcode,
        numbers=numbers,
        street=street,
        city=city,
        country=country,
        tax_ids=tax_ids_of(account.vat_number, account.registration_number, account.duns, account.lei, country),
        is_person=account.is_person,
    )


def _plain(name: Name) -> list[Any]:
    return [list(name.words), list(name.families), name.typed, list(name.forms)]


def _name(words: list[str], families: list[str], typed: str, forms: list[str]) -> Name:
    return Name.of(tuple(words), tuple(families), typed, tuple(forms))


def _short(text: str | None) -> str | None:
    return text[:200] if text else None


_country = lru_cache(maxsize=4096)(lambda text: country_of(text[:60] if text else None))
