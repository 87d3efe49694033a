"""Which scopes a request needs, by the family of its path and the object types in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from syncd.emulator.http import Refused
from syncd.emulator.hubspot.errors import refused
from syncd.emulator.hubspot.grants import Grant
from syncd.emulator.hubspot.types import ObjectType

Access = Literal["read", "write"]
Family = Literal["objects", "links", "definitions", "owners", "schemas", "currencies", "any", "app"]
_OF_THE_ACCOUNT: tuple[Family, ...] = ("owners", "schemas", "currencies")
_HELP = "https://developers.hubspot.com/scopes"
# Activities have no scopes of their own in the dated specifications; they go with contacts.
_WITH_CONTACTS = ("tasks", "notes", "calls", "emails", "meetings", "communications", "postal_mail")
_COMMERCE = ("line_items", "products", "quotes")

Needed = list[list[str]]


def needed(family: Family, access: Access, kinds: list[ObjectType]) -> Needed:
    """Groups of scopes; one of each group must be granted."""
    if family in ("objects", "links"):
        return [_of_records(kind, access) for kind in kinds]
    if family == "definitions":
        return [_of_definitions(kind, access) for kind in kinds]
    if family == "owners":
        return [["crm.objects.owners.read", "crm.objects.contacts.read"]]
    if family == "schemas":
        return [[f"crm.schemas.custom.{access}"]]
    if family == "currencies":
        return [[f"settings.currencies.{access}"]]
    return [["developers-write" if access == "write" else "developers-read"]] if family == "app" else []


def names_of(grant: Grant, kinds: Iterable[ObjectType]) -> list[str]:
    """The scopes of a grant by name, as a client is told them; those held as a pattern are spelt out."""
    accesses: tuple[Access, ...] = ("read", "write")
    groups = [group for access in accesses for family in _OF_THE_ACCOUNT for group in needed(family, access, [])]
    of_kinds = (_of_records, _of_definitions)
    groups += [scopes(kind, access) for kind in kinds for access in accesses for scopes in of_kinds]
    spelt = {scope for group in groups for scope in group if grant.allows([scope])}
    return sorted(spelt | {scope for scope in grant.scopes if "*" not in scope})


def check_scopes(grant: Grant, wanted: Needed, correlation: str) -> None:
    """Raises 403 MISSING_SCOPES for the first group of which nothing was granted."""
    for alternatives in wanted:
        if not grant.allows(alternatives):
            raise missing_scopes(alternatives, correlation)


def missing_scopes(scopes: list[str], correlation: str) -> Refused:
    """403 as the vendor words it."""
    message = (
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {_HELP}."
    )
    error = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": scopes},
    }
    return refused(403, message, "MISSING_SCOPES", correlation, errors=[error], links={"scopes": _HELP})


def _of_records(kind: ObjectType, access: Access) -> list[str]:
    name = "custom" if kind.custom else kind.name
    scopes = [f"crm.objects.{name}.{access}", f"crm.schemas.{name}.{access}"]
    scopes += [f"crm.objects.{name}.sensitive.{access}.v2", f"crm.objects.{name}.highly_sensitive.{access}.v2"]
    if kind.name in _WITH_CONTACTS:
        scopes.append(f"crm.objects.contacts.{access}")
    if kind.name in _COMMERCE:
        scopes.append("e-commerce")
    return [*scopes, "tickets"] if kind.name == "tickets" else scopes


def _of_definitions(kind: ObjectType, access: Access) -> list[str]:
    name = "custom" if kind.custom else kind.name
    scopes = [f"crm.objects.{name}.{access}", f"crm.schemas.{name}.{access}"]
    if kind.name in _WITH_CONTACTS:
        scopes += [f"crm.objects.contacts.{access}", f"crm.schemas.contacts.{access}"]
    return [*scopes, "e-commerce"] if kind.name in _COMMERCE else scopes
