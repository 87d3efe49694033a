"""What waits in the outbox of each connection, in numbers: for health, metrics and alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.store.tables import write as table


@dataclass(frozen=True, slots=True)
class Queue:
    """The writes of one connection: queued, sent without an answer, refused for good; `oldest` is the first queued."""

    queued: int = 0
    sent: int = 0
    refused: int = 0
    oldest: datetime | None = None


def by_connection(tx: sa.Connection) -> dict[str, Queue]:
    """The queue of each connection that has one, by uid."""
    query = (
        sa.select(table.c.connection, table.c.state, sa.func.count(), sa.func.min(table.c.created_at))
        .where(table.c.state.in_(("queued", "sent")))
        .group_by(table.c.connection, table.c.state)
    )
    counts: dict[str, dict[str, int]] = {}
    oldest: dict[str, datetime] = {}
    for uid, state, number, first in tx.execute(query):
        counts.setdefault(uid, {})[state] = number
        if state == "queued":
            oldest[uid] = first
    for row in tx.execute(_refused()):
        counts.setdefault(row.connection, {})["refused"] = row.number
    return {uid: Queue(**found, oldest=oldest.get(uid)) for uid, found in counts.items()}


def _refused() -> sa.Select[Any]:
    """Writes refused for good that nothing newer has taken the place of, as `syncd errors` lists them."""
    later = table.alias("later")
    same = [later.c[name] == table.c[name] for name in ("connection", "object", "id", "grp")]
    newer = sa.select(later.c.number).where(*same, later.c.number > table.c.number).exists()
    query = sa.select(table.c.connection, sa.func.count().label("number"))
    query = query.where(table.c.state == "failed", sa.not_(newer))
    return query.group_by(table.c.connection)
