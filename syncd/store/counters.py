"""What transactions that run at the same time share: counters in the order of commits, rows that either may add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

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


def value(tx: sa.Connection, name: str) -> int:
    """How many values have been reserved by transactions that have ended, or by this one."""
    return tx.execute(sa.select(counter.c.value).where(counter.c.name == name)).scalar() or 0


def hold(tx: sa.Connection, name: str) -> None:
    """Let nobody else advance this counter until the transaction ends. SQLite has one writer anyway."""
    tx.execute(sa.select(counter.c.value).where(counter.c.name == name).with_for_update())


def add_missing(tx: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose key is not there yet, whoever else may be adding them."""
    if rows:
        insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
        tx.execute(insert(table).on_conflict_do_nothing(), list(rows))
