"""Alerts: what is wrong, since when, and whether somebody was told; each once when it begins and once when it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.store.tables import alert as table


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is or was wrong. `resolved_at` is None as long as it lasts."""

    number: int
    key: str
    sentence: str
    raised_at: datetime
    resolved_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The alert as plain JSON."""
        return {"alert": self.sentence, "since": self.raised_at, "resolved_at": self.resolved_at}


def note(tx: sa.Connection, lasting: Mapping[str, str], passing: Sequence[str], now: datetime) -> None:
    """What is wrong now, by key, and what has just happened. What is no longer wrong is resolved.

    What passes by has no end that somebody would wait to hear of.
    """
    known = {row.key: row.sentence for row in tx.execute(_still())}
    for key in known.keys() - lasting.keys():
        tx.execute(table.update().where(table.c.key == key, table.c.resolved_at.is_(None)).values(resolved_at=now))
    fresh = [{"key": key, "sentence": lasting[key], "raised_at": now} for key in lasting if key not in known]
    if fresh:
        tx.execute(table.insert(), fresh)
    gone = [
        {"key": said, "sentence": said, "raised_at": now, "resolved_at": now, "resolution_told_at": now}
        for said in passing
    ]
    if gone:
        tx.execute(table.insert(), gone)


def _still() -> sa.Select[Any]:
    return sa.select(table).where(table.c.resolved_at.is_(None)).order_by(table.c.number)


def lasting(tx: sa.Connection) -> list[Alert]:
    """What is wrong now, oldest first."""
    return [_alert(row) for row in tx.execute(_still())]


def untold(tx: sa.Connection) -> tuple[list[Alert], list[Alert]]:
    """What nobody was told yet: what is wrong or has happened, and what is over of that which was told.

    What came and went before anybody could be told is not told at all, unless it was never meant to last.
    """
    passing = table.c.resolution_told_at.is_not(None)
    new = sa.select(table).where(table.c.told_at.is_(None), sa.or_(table.c.resolved_at.is_(None), passing))
    over = sa.select(table).where(
        table.c.told_at.is_not(None), table.c.resolved_at.is_not(None), table.c.resolution_told_at.is_(None)
    )
    return tuple([_alert(row) for row in tx.execute(q.order_by(table.c.number))] for q in (new, over))  # type: ignore[return-value]


def told(tx: sa.Connection, new: Sequence[Alert], over: Sequence[Alert], now: datetime) -> None:
    """Somebody was told."""
    for items, values in ((new, {"told_at": now}), (over, {"resolution_told_at": now})):
        if items:
            tx.execute(table.update().where(table.c.number.in_([item.number for item in items])).values(**values))


def _alert(row: sa.Row[Any]) -> Alert:
    return Alert(row.number, row.key, row.sentence, row.raised_at, row.resolved_at)
