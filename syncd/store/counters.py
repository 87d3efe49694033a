"""Counters whose values are handed out in the order in which transactions commit."""

from __future__ import annotations

import sqlalchemy as sa

from syncd.store.tables import counter


def advance(tx: sa.Connection, name: str, by: int) -> int:
    """Reserve `by` values; returns the value before the first of them.

    The row stays locked until the transaction ends, so a reader that has seen value n has seen all below it.
    """
    value = tx.execute(
        counter.update().where(counter.c.name == name).values(value=counter.c.value + by).returning(counter.c.value)
    ).scalar()
    if value is None:
        tx.execute(counter.insert().values(name=name, value=by))
        return 0
    return int(value) - by
