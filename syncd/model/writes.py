"""Writes: one intended change to one record, and what the CRM answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from syncd.model.refs import Ref


class WriteGroup(StrEnum):
    """Fields that are written together and never mixed; at most one open write per record and group."""

    OWNER = "owner"
    STAMP = "stamp"


class WriteState(StrEnum):
    """Where a write stands in the outbox."""

    QUEUED = "queued"  # wanted, not yet sent
    SENT = "sent"  # handed to the transport; without a receipt the outcome is unknown
    APPLIED = "applied"  # the CRM confirmed it, or a read by id showed it
    FAILED = "failed"  # refused for good; kept with its reason
    SUPERSEDED = "superseded"  # no longer wanted before it was sent, or found not applied


class ReceiptKind(StrEnum):
    """What became of one write."""

    APPLIED = "applied"
    UNKNOWN = "unknown"  # no answer: read back by id before anything is sent again
    RETRY = "retry"  # surely not applied; may be sent again
    FAILED = "failed"  # refused for good


@dataclass(frozen=True, slots=True)
class Write:
    """One change: `fields` are native field names with native values, None clears the field."""

    id: int
    ref: Ref
    group: WriteGroup
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Upsert:
    """One record that shall exist: found by a unique native field's value, created with it if there is none."""

    id: int
    key: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The CRM's answer to one write. `stamp` is the record's new modification stamp where the CRM tells it.

    `record_id` and `created` are told for an upsert.
    """

    write_id: int
    kind: ReceiptKind
    code: str = ""
    message: str = ""
    stamp: datetime | None = None
    record_id: str = ""
    created: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What syncd wants one record to show in one write group, and why.

    `fields` are stamp names (or `owner`) with plain values: str, int, aware datetime or None.
    """

    ref: Ref
    group: WriteGroup
    fields: Mapping[str, Any]
    because: Mapping[str, Any] = field(default_factory=dict)
