"""Finds out who answers at a HubSpot connection, and whether everything that is mapped can be read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from syncd.connectors.hubspot.owners import FIELDS as OWNER_FIELDS
from syncd.connectors.hubspot.paths import Paths, cursor_property, plain_type
from syncd.connectors.transport import Forbidden, Transport
from syncd.errors import Stop
from syncd.model import MissingField, ReadSpec

Property = Mapping[str, Any]
Properties = Callable[[str], Mapping[str, Property] | None]

_DETAILS = ("accountType", "timeZone", "companyCurrency", "uiDomain", "dataHostingLocation")


def account(transport: Transport, paths: Paths) -> Mapping[str, Any]:
    """Which portal it is. Its id is the connection's fingerprint."""
    content = transport.json("GET", paths.account, template="account-info")
    portal = content.get("portalId") if isinstance(content, dict) else None
    if not str(portal or "").isdigit():
        raise Stop("HubSpot did not say which portal it is; nothing can be bound to this connection.")
    return {"portal_id": str(portal), **{k: content[k] for k in _DETAILS if content.get(k) is not None}}


def read_problems(spec: ReadSpec, properties: Properties) -> Iterator[str]:
    """What keeps one stream from being read. HubSpot ignores unknown names in silence, so each is looked up."""
    object_ = plain_type(spec.object)
    if object_ == "owners":
        for name in [*spec.fields, *spec.where]:
            if name not in OWNER_FIELDS:
                yield f"Owners have no {name}. Correct it in the mapping; there are {', '.join(sorted(OWNER_FIELDS))}."
        return
    known = properties(object_)
    if known is None:
        yield _no_object(spec.object)
        return
    for name in dict.fromkeys([*spec.fields, *spec.where]):
        if name not in known:
            yield _no_property(object_, name, known)
    if cursor_property(object_) not in known:
        yield f"{object_} has no {cursor_property(object_)}, by which changes are found. Map another object."
    for name in dict.fromkeys(spec.associations):
        if properties(plain_type(name)) is None:
            yield _no_object(name)


def write_problems(object_: str, fields: Sequence[str], properties: Properties) -> Iterator[str]:
    """What keeps properties of one object type from being written."""
    known = properties(plain_type(object_))
    if known is None:
        yield _no_object(object_)
        return
    for name in dict.fromkeys(fields):
        found = known.get(name)
        if found is None:
            yield _no_property(plain_type(object_), name, known)
        elif found.get("calculated") or (found.get("modificationMetadata") or {}).get("readOnlyValue"):
            yield f"{plain_type(object_)}.{name} is calculated or read-only in HubSpot. Map another."


def scope_problems(transport: Transport, paths: Paths, object_: str) -> Iterator[str]:
    """Whether the token may write: asked by an update of no record at all, which can change nothing."""
    try:
        transport.call(
            "POST",
            f"{paths.objects}/{plain_type(object_)}/batch/update",
            template=f"batch/update/{plain_type(object_)}/none",
            body={"inputs": []},
            accept=frozenset({400, 404}),
        )
    except Forbidden as refused:
        yield f"{plain_type(object_)} cannot be written: {refused}"


def _no_object(object_: str) -> str:
    return (
        f"HubSpot has no object type {object_}, or this token may not see it. "
        "Correct `object` in the mapping, or give the app the read scope for it."
    )


def _no_property(object_: str, name: str, known: Mapping[str, Property]) -> MissingField:
    return MissingField(_why_no_property(object_, name, known), object_, name)


def _why_no_property(object_: str, name: str, known: Mapping[str, Property]) -> str:
    by_label = next((n for n, p in known.items() if str(p.get("label", "")).casefold() == name.casefold()), None)
    if name.lower() in known or by_label is not None:
        return f"{object_}.{name} is called {by_label or name.lower()} in this portal. Correct it in the mapping."
    return f"{object_} has no property {name}. Correct it in the mapping, or create the property."
