"""Entries: what the ledger is told of a write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.jobs.work import Work
from syncd.mapping import StreamMapping
from syncd.model import STAMP_BY_NAME
from syncd.store.ledger import Entry
from syncd.store.outbox import Outgoing


def entry_of(
    work: Work, item: Outgoing, receipt: str, run: str, *, kind: str = "write", before: Mapping[str, Any] | None = None
) -> Entry:
    """The entry of a write that took effect; of kind `unsettled`, of one of which nobody can tell any more.

    `before` are the native values that it replaced, where these are not those that it was planned on.
    """
    return Entry(
        kind, _body(item, receipt, run, item.intent.before if before is None else before), _private(work, item)
    )


def _body(item: Outgoing, receipt: str, run: str, before: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "write": item.number,
        "ref": str(item.intent.ref),
        "group": item.intent.group.value,
        "before": dict(before),
        "after": dict(item.intent.fields),
        "because": dict(item.intent.because),
        "receipt": receipt,
        "run": run,
    }


def _private(work: Work, item: Outgoing) -> list[str]:
    """What a mapping that is gone called personal is not known any more: then everything may be."""
    mapping = work.mapping_of(item.intent.ref, item.intent.stream)
    personal = personal_fields(mapping) if mapping is not None else frozenset(item.intent.fields)
    return [f"{part}.{name}" for part in ("before", "after") for name in item.intent.fields if name in personal]


def personal_fields(mapping: StreamMapping) -> frozenset[str]:
    """The native fields that show a person's name: the ledger holds only commitments to their values."""
    return frozenset(native for name, native in mapping.stamps.items() if STAMP_BY_NAME[name].personal)
