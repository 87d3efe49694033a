"""Finds out who answers at a described API, and whether what the mapping names is described and can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from syncd.connectors.rest.description import Description, RestObject
from syncd.connectors.rest.shape import finder
from syncd.connectors.transport import Forbidden, Transport
from syncd.errors import IncompleteRead, Stop, UserError
from syncd.model import MissingField, ReadSpec

_UNUSUAL = re.compile(r"[^a-z0-9._-]+")


def identity(transport: Transport, about: Description) -> str:
    """Who answers: the account's id, else the host's name."""
    if about.identity is None:
        return transport.wire.host
    content = transport.json("GET", about.identity.path, template="identity")
    found = finder(about.identity.id)(content)
    if not isinstance(found, str | int) or isinstance(found, bool) or not str(found).strip():
        raise Stop(f"{about.name} does not say who it is (`identity.id`); nothing can be bound to this connection.")
    return _UNUSUAL.sub("-", f"{transport.wire.host}-{found}".casefold())[:100]


def read_problems(about: RestObject | None, spec: ReadSpec, known: Sequence[str]) -> Iterator[str]:
    """What the description lacks for one stream."""
    if about is None:
        yield no_object(spec.object, known)
        return
    named = [*spec.fields, *spec.where, *(f"associations.{name}" for name in spec.associations)]
    for name in dict.fromkeys(named):
        if name not in about.fields:
            sentence = (
                f"The description of {spec.object} has no field {name}. Add it to `fields`, or correct the mapping."
            )
            yield MissingField(sentence, spec.object, name)


def write_problems(
    about: RestObject | None, object_: str, fields: Sequence[str], known: Sequence[str]
) -> Iterator[str]:
    """What the description lacks for writing fields of one object."""
    if about is None:
        yield no_object(object_, known)
        return
    if fields and about.update is None:
        yield f"The description of {object_} has no `update`: it is read-only. Add it, or unmap what is to be shown."
        return
    for name in dict.fromkeys(fields):
        if name not in about.write:
            sentence = f"The description of {object_} does not write {name}. Add it to `write`, or correct the mapping."
            yield MissingField(sentence, object_, name)


def answer_problems(object_: str, ask: Any) -> Iterator[str]:
    """What is wrong with the first page of an object's list, asked by `ask`."""
    try:
        page = next(ask())
    except Forbidden as error:
        yield f"{object_} cannot be read: {error}"
        return
    except (UserError, IncompleteRead) as error:
        yield f"{object_}: {error} Compare `list` in the description with the API."
        return
    if page.unreadable:
        id_, reason = page.unreadable[0]
        yield f"{object_}, record {id_}: {reason} Correct `id` and `stamp` in the description."


def no_object(object_: str, known: Sequence[str]) -> str:
    """The sentence for an object that the description does not know."""
    shown = ", ".join(known)
    return f"The description has no object {object_}. Add it to `objects`, or correct `object` (there: {shown})."
