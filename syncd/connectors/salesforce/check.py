"""Finds out who answers at a Salesforce connection, and whether everything that is mapped can be read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.connectors.salesforce.ids import long_id
from syncd.connectors.salesforce.shape import Described
from syncd.connectors.transport import Transport
from syncd.errors import Stop, UserError
from syncd.model import MissingField, ReadSpec

OLDEST_VERSION = 60.0
_TOKEN_REFUSED = frozenset({401, 403})

# Salesforce answers no query over ContentDocumentLink that does not say which documents or which records it is about.
_ASKED_BY = frozenset({"ContentDocumentId", "LinkedEntityId"})

Describe = Callable[[str], Described | None]


@dataclass(frozen=True, slots=True)
class Identity:
    """Which org it is and as whom we act."""

    org_id: str
    user_id: str
    username: str


def identity(transport: Transport) -> Identity:
    """Who answers. The org id is the connection's fingerprint."""
    # unlike all other resources this one refuses a stale token with 403
    content = transport.json("GET", "/services/oauth2/userinfo", template="userinfo", token_refused=_TOKEN_REFUSED)
    org_id = long_id(str(content.get("organization_id") or "")) if isinstance(content, dict) else None
    if org_id is None:
        raise Stop("Salesforce did not say which org it is; nothing can be bound to this connection.")
    return Identity(org_id, str(content.get("user_id") or ""), str(content.get("preferred_username") or ""))


def usable_version(transport: Transport, configured: str) -> str:
    """The configured API version, or the newest that the org offers if it does not have that one yet."""
    content = transport.json("GET", "/services/data", template="versions")
    offered = [v for entry in content if isinstance(entry, dict) and (v := str(entry.get("version") or ""))]
    if not offered:
        raise Stop("Salesforce offers no API version.")
    return min(configured, max(offered, key=float), key=float)


def version_problems(configured: str) -> Iterator[str]:
    """Why the configured version should not be used."""
    if float(configured) < OLDEST_VERSION:
        yield f"API version {configured} is too old for syncd; set `api_version` to {OLDEST_VERSION:.1f} or newer."


def read_problems(spec: ReadSpec, describe: Describe) -> Iterator[str]:
    """What keeps one stream from being read."""
    described = describe(spec.object)
    if described is None:
        yield _no_object(spec.object)
        return
    if not described.queryable or described.cursor is None:
        yield f"{spec.object} cannot be read in windows: nothing tells when a record changed. Map another object."
    if spec.object == "ContentDocumentLink" and not _ASKED_BY & set(spec.where):
        yield "ContentDocumentLink cannot be read without a filter on whom it links. Map ContentVersion instead."
    if spec.associations:
        yield f"{spec.object}: Salesforce has no associations; map parent fields such as Account.Name instead."
    for path in dict.fromkeys([*spec.fields, *spec.where]):
        yield from _path_problems(spec.object, path, described, describe)
    for path in spec.where:
        found = described.fields.get(path)
        if found is not None and found.get("filterable") is False:
            yield f"{spec.object}.{path} cannot be filtered on; take it out of `where`."


def definitions(specs: Sequence[ReadSpec], describe: Describe) -> dict[str, dict[str, dict[str, Any]]]:
    """What is told later from what is told now, to see what an admin changed: types, and values of picklists."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for spec in specs:
        if (described := describe(spec.object)) is not None:
            named = [described.fields.get(name) for name in (*spec.fields, *spec.where)]
            about = {
                name: {key: field[key] for key in ("type", "values") if field.get(key) is not None}
                for name, field in zip((*spec.fields, *spec.where), named, strict=True)
                if field is not None
            }
            found.setdefault(spec.object, {}).update(about)
    return found


def write_problems(object_: str, fields: Sequence[str], describe: Describe) -> Iterator[str]:
    """What keeps fields of one object from being written."""
    described = describe(object_)
    if described is None:
        yield _no_object(object_)
        return
    if not described.updateable:
        yield f"{object_} cannot be edited by this user. Give its permission set Edit on the object."
    for name in dict.fromkeys(fields):
        found = described.fields.get(name)
        if found is None:
            yield _no_field(object_, name, described)
        elif found.get("calculated"):
            yield f"{object_}.{name} is a formula and cannot be written. Map a plain field."
        elif not found.get("updateable"):
            yield f"{object_}.{name} cannot be written by this user. Give its permission set Edit on the field."


def key_problems(object_: str, name: str, describe: Describe) -> Iterator[str]:
    """What keeps records from being found by a field of theirs."""
    described = describe(object_)
    if described is None:
        yield _no_object(object_)
        return
    found = described.fields.get(name)
    if found is None:
        yield _no_field(object_, name, described)
    elif not found.get("externalId"):
        yield f"{object_}.{name} is no external id. Tick External ID and Unique on the field, or name another one."


def _path_problems(object_: str, path: str, described: Described, describe: Describe) -> Iterator[str]:
    step, _, rest = path.partition(".")
    if not rest:
        if step not in described.fields:
            yield _no_field(object_, step, described)
        return
    parents = described.parents.get(step)
    if parents is None:
        yield f"{object_} has no parent {step}, or this user may not see it. Correct {path} in the mapping."
        return
    # a parent that can be of several kinds (an owner: user or queue) shows the fields of Name, whatever it is
    kind = parents[0] if len(parents) == 1 else "Name"
    parent = describe(kind)
    if parent is not None:
        yield from _path_problems(kind, rest, parent, describe)


def _no_object(object_: str) -> str:
    return (
        f"Salesforce has no object {object_}, or this user may not see it. "
        "Correct `object` in the mapping, or give the user's permission set Read on the object."
    )


def _no_field(object_: str, name: str, described: Described) -> MissingField:
    return MissingField(_why_no_field(object_, name, described), object_, name)


def _why_no_field(object_: str, name: str, described: Described) -> str:
    alike = next((known for known in described.fields if known.lower() == name.lower()), None)
    if alike is not None:
        return f"{object_}.{name} is written {alike} in this org; capitals count. Correct it in the mapping."
    return (
        f"{object_} has no field {name}, or this user may not see it. "
        "Correct it in the mapping, create the field, or give the user's permission set Read on it."
    )


def daily_calls(transport: Transport, version: str) -> Mapping[str, int]:
    """How many calls the org's day has and has left; empty where the user may not know."""
    from syncd.connectors.salesforce import official

    try:
        return dict(official.daily_calls(transport, version))
    except (Stop, UserError):
        return {}
