"""Where HubSpot keeps what, per version of its API: dated versions have the date in the path, the old ones a number."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.errors import UserError

_TYPES = {
    "contact": "contacts",
    "0-1": "contacts",
    "company": "companies",
    "0-2": "companies",
    "deal": "deals",
    "0-3": "deals",
    "owner": "owners",
}


@dataclass(frozen=True, slots=True)
class Paths:
    """The roots of one version."""

    objects: str
    associations: str
    properties: str
    owners: str
    account: str


VERSIONS = {
    **{
        date: Paths(
            f"/crm/objects/{date}",
            f"/crm/associations/{date}",
            f"/crm/properties/{date}",
            f"/crm/owners/{date}",
            f"/account-info/{date}/details",
        )
        for date in ("2026-09", "2026-03")
    },
    "v3": Paths(
        "/crm/v3/objects",
        "/crm/v4/associations",
        "/crm/v3/properties",
        "/crm/v3/owners",
        "/account-info/v3/details",
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


def cursor_property(object_: str) -> str:
    """The property that holds the modification stamp. The wrong one finds nothing, and HubSpot does not complain."""
    return "lastmodifieddate" if plain_type(object_) == "contacts" else "hs_lastmodifieddate"
