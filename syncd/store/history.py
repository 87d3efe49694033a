"""What a record said before: the versions it went through, and what it said at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.model import Ref
from syncd.store import records
from syncd.store.tables import record_version


@dataclass(frozen=True, slots=True)
class PastState:
    """What a record said at an instant. `observed` is False when it was inferred from a later or earlier version."""

    fields: dict[str, Any]
    deleted: bool
    observed: bool


def versions(tx: sa.Connection, ref: Ref) -> list[dict[str, Any]]:
    """The versions a record went through, oldest first, the current one last."""
    past = sa.select(record_version).where(
        record_version.c.connection == ref.connection,
        record_version.c.object == ref.object,
        record_version.c.id == ref.id,
    )
    rows = [
        {"fields": orjson.loads(r.fields), "deleted": r.deleted, "stamp": r.stamp, "seen_at": r.seen_at, "run": r.run}
        for r in tx.execute(past.order_by(record_version.c.version))
    ]
    now = records.get(tx, [ref]).get(ref)
    if now is not None:
        rows.append(
            {"fields": now.fields, "deleted": now.deleted, "stamp": now.facts_at, "seen_at": now.read_at, "run": None}
        )
    return rows


def state_at(tx: sa.Connection, ref: Ref, moment: datetime) -> PastState | None:
    """What the record said at `moment`, from the versions that we hold; None when it is not known at all.

    *Observed*: a version whose own stamp is not later than `moment` and that stood until a later stamp.
    *Reconstructed*: we first read the record after `moment`, and its first version stands in for what it said then.
    """
    history = versions(tx, ref)
    if not history:
        return None
    current = history[0]
    for version in history:
        if version["stamp"] <= moment:
            current = version
    return PastState(current["fields"], current["deleted"], observed=current["stamp"] <= moment)
