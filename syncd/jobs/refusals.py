"""Refusals: why a write is not tried again as it is, of which class that is, and what has to change first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import orjson

from syncd.jobs.arrival import same
from syncd.jobs.work import Work
from syncd.mapping import StreamMapping
from syncd.model import STAMP_FIELDS, WriteState
from syncd.store.outbox import Intent, Outgoing
from syncd.store.records import Stored

CONTESTED = "contested"
EDITED = "edited"
ACCEPTED = "accepted"

TRIES = 2
"""So often the same is written to a record that somebody else changes back each time."""
WITHIN = timedelta(days=7)
"""Only writes so near to each other are a fight; what somebody edits once a year is set again."""

_LEFT = {
    CONTESTED: "contested: somebody else sets it back each time",
    EDITED: "edited by hand, and left as the policy says (drift: report)",
    ACCEPTED: "edited by hand, and accepted as the policy says (drift: accept)",
}


class ErrorClass(StrEnum):
    """What helps with a write that did not arrive."""

    RETRY = "retry"  # it is sent again by itself
    WAIT = "wait"  # it is sent again when calls, or the lock on the record, are free
    PERMANENT = "permanent"  # somebody has to change something first
    CONTESTED = "contested"  # somebody else writes the same field


@dataclass(frozen=True, slots=True)
class Trouble:
    """The class of an error, and what to do about it."""

    kind: ErrorClass
    remedy: str


_WAITS = frozenset({"UNABLE_TO_LOCK_ROW", "REQUEST_LIMIT_EXCEEDED", "RATE_LIMITS", "TOO_MANY_REQUESTS", "429"})
_AGAIN = "It is tried again when the configuration, the mapping or the record's owner changes, or by `syncd retry`."
_REMEDIES = {
    CONTESTED: "Find the automation that sets the field back (flow, workflow, formula update, another integration) and "
    f"take the field out of it, or take the stamp out of the mapping. {_AGAIN}",
    EDITED: "Somebody has edited a stamp by hand. Ask that person, then `syncd retry` to set it again.",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule refuses the record: let it pass the integration user.",
    "INACTIVE_OWNER_OR_USER": f"The record belongs to a user who is not active: give it to another one. {_AGAIN}",
    "INSUFFICIENT_ACCESS_OR_READONLY": "The integration user may not edit this record: give it the right.",
    "INSUFFICIENT_ACCESS": "The integration user may not edit this record: give it the right.",
    "INVALID_FIELD": "The field does not exist, or the integration user may not edit it: run `syncd check`.",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "The picklist lacks the value: add it, or map another field.",
    "NOT_FOUND": "The record is gone, or the integration user may not see it.",
    "ENTITY_IS_DELETED": "The record is in the recycle bin.",
}


def trouble(item: Outgoing) -> Trouble:
    """Of which class a write's last answer is. A lock that never opens is permanent once it was given up."""
    if item.code == CONTESTED:
        return Trouble(ErrorClass.CONTESTED, _REMEDIES[CONTESTED])
    if item.state is not WriteState.FAILED:
        waits = item.code in _WAITS
        return Trouble(ErrorClass.WAIT if waits else ErrorClass.RETRY, "It is sent again by itself.")
    return Trouble(ErrorClass.PERMANENT, _REMEDIES.get(item.code, f"Change what the reason names. {_AGAIN}"))


def under(work: Work, mapping: StreamMapping, row: Stored) -> str:
    """What a refusal may depend on beside the values: another configuration, mapping or owner is worth another try."""
    owners = [native for native in (*mapping.natives("owner_id"), mapping.owner) if native]
    held = {**row.fields, **row.shown}
    said = [work.config_hash, mapping.version, [str(held.get(native)) for native in owners]]
    return blake2b(orjson.dumps(said), digest_size=8).hexdigest()


def refused_before(mapping: StreamMapping, intent: Intent, past: Sequence[Outgoing], circumstances: str) -> str:
    """Why the same is not tried again; empty when it may be."""
    last = past[-1] if past else None
    if last is None or not (last.state is WriteState.FAILED or last.code == ACCEPTED):
        return ""
    if that_counts(mapping, last.intent.fields) != that_counts(mapping, intent.fields):
        return ""
    if last.intent.under is not None and last.intent.under != circumstances and last.code not in (EDITED, ACCEPTED):
        return ""
    return _LEFT.get(last.code, f"the CRM has refused this before: {last.code}")


def contested(
    mapping: StreamMapping, intent: Intent, past: Sequence[Outgoing], circumstances: str, now: datetime
) -> bool:
    """Whether the same was written so often lately, and changed back each time, that it is not written again."""
    tries, wanted = 0, that_counts(mapping, intent.fields)
    for item in reversed(sorted(past, key=lambda one: (one.done_at or now, one.number))):
        if item.code == CONTESTED and (item.state is WriteState.SUPERSEDED or item.intent.under != circumstances):
            break  # a person, or another configuration, has given it another chance
        if item.state is not WriteState.APPLIED:
            continue
        met = {name: value for name, value in wanted.items() if name in item.intent.fields}
        if now - (item.done_at or now) > WITHIN or not all(same(v, item.intent.fields[n]) for n, v in met.items()):
            break
        tries += bool(met)
    return tries >= TRIES


def that_counts(mapping: StreamMapping, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Native values without those that are never a reason to write."""
    aside = {mapping.stamps.get(stamp.name) for stamp in STAMP_FIELDS if not stamp.compared}
    return {name: value for name, value in fields.items() if name not in aside}
