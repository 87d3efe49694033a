"""Where HubSpot keeps what, per version of its API: dated versions have the date in the path, the old ones a number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncd.errors import UserError

OLDEST, NEWEST = "v3", "2026-09"
_DATED = ("2026-09", "2026-03")

# the one spelling that we use, its type id, and the singular, which HubSpot takes too
_KNOWN = (
    ("contacts", "0-1", "contact"),
    ("companies", "0-2", "company"),
    ("deals", "0-3", "deal"),
    ("tickets", "0-5", "ticket"),
    ("products", "0-7", "product"),
    ("line_items", "0-8", "line_item"),
    ("leads", "0-136", "lead"),
    ("calls", "0-48", "call"),
    ("emails", "0-49", "email"),
    ("meetings", "0-47", "meeting"),
    ("notes", "0-46", "note"),
    ("tasks", "0-27", "task"),
    ("owners", "", "owner"),
)
_TYPES = {spelling: plural for plural, id_, singular in _KNOWN for spelling in (id_, singular) if spelling}
_TYPE_IDS = {plural: id_ for plural, id_, _ in _KNOWN if id_}
_CUSTOM = re.compile(r"(p\d*_.+|2-\d+)\Z")
_MERGEABLE = frozenset({"contacts", "companies", "deals", "tickets"})


@dataclass(frozen=True, slots=True)
class Paths:
    """The roots of one version."""

    objects: str
    associations: str
    properties: str
    owners: str
    pipelines: str
    schemas: str
    limits: str
    rates: str
    account: str
    token: str


def _dated(date: str) -> Paths:
    return Paths(
        objects=f"/crm/objects/{date}",
        associations=f"/crm/associations/{date}",
        properties=f"/crm/properties/{date}",
        owners=f"/crm/owners/{date}",
        pipelines=f"/crm/pipelines/{date}",
        schemas=f"/crm-object-schemas/{date}/schemas",
        limits=f"/crm/limits/{date}",
        rates=f"/settings/currencies/{date}/exchange-rates",
        account=f"/account-info/{date}/details",
        token=f"/oauth/{date}/token",
    )


VERSIONS = {
    **{date: _dated(date) for date in _DATED},
    OLDEST: Paths(
        objects="/crm/v3/objects",
        associations="/crm/v4/associations",
        properties="/crm/v3/properties",
        owners="/crm/v3/owners",
        pipelines="/crm/v3/pipelines",
        schemas="/crm-object-schemas/v3/schemas",
        limits="/crm/v3/limits",
        rates="/settings/v3/currencies/exchange-rates",
        account="/account-info/v3/details",
        token="/oauth/v3/token",  # noqa: S106 (a path)
    ),
}


def paths(version: str) -> Paths:
    """The paths of a version. Raises UserError for one that syncd does not speak."""
    if version not in VERSIONS:
        raise UserError(f"{version!r} is no HubSpot API version that syncd speaks; use one of {', '.join(VERSIONS)}.")
    return VERSIONS[version]


def plain_type(object_: str) -> str:
    """One spelling for the many that HubSpot takes: plural, lower case."""
    lowered = object_.lower()
    if not lowered.replace("-", "").replace("_", "").isalnum() or not lowered.isascii():
        raise UserError(f"{object_[:80]!r} is no HubSpot object type; write it like companies, deals or 2-1234567.")
    return _TYPES.get(lowered, lowered)


def type_id(object_: str) -> str | None:
    """The id of an object type; None where only HubSpot knows it, as for custom objects by name."""
    plain = plain_type(object_)
    return plain if plain.startswith("2-") else _TYPE_IDS.get(plain)


def is_custom(object_: str) -> bool:
    """Whether it is a custom object: 2-1234567, p_name, p123_name."""
    return bool(_CUSTOM.match(object_.lower()))


def is_mergeable(object_: str) -> bool:
    """Whether two records of the type can be merged into one."""
    return plain_type(object_) in _MERGEABLE or is_custom(object_)


def cursor_property(object_: str) -> str:
    """The property that holds the modification stamp. The wrong one finds nothing, and HubSpot does not complain."""
    return "lastmodifieddate" if plain_type(object_) == "contacts" else "hs_lastmodifieddate"
