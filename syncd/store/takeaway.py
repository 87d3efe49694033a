"""What is taken along when a connection is left: everything that is kept of it, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.store.tables import (
    claim,
    collision,
    decision,
    link,
    record,
    record_version,
    ref_alias,
    source,
    write,
)

_AT_ONCE = 1_000


def rows(tx: sa.Connection, uid: str) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """By name, the rows that are about a connection, each as plain JSON, in a fixed order."""
    places = sa.select(source.c.connection, source.c.object, record).join(source, source.c.number == record.c.source)
    for name, query in (
        ("records", places.where(source.c.connection == uid).order_by(source.c.object, record.c.id)),
        ("versions", _of(record_version, uid).order_by(record_version.c.version)),
        ("decisions", _of(decision, uid, "other_").order_by(decision.c.seq)),
        ("writes", _of(write, uid).order_by(write.c.number)),
        ("aliases", _of(ref_alias, uid, "to_").order_by(ref_alias.c.object, ref_alias.c.id)),
        ("links", _links(uid)),
        ("registrations", sa.select(claim).order_by(claim.c.connection, claim.c.object, claim.c.id)),
        ("collisions", sa.select(collision).order_by(collision.c.id)),
    ):
        yield name, _plain(tx, query)


def _of(table: sa.Table, uid: str, other: str | None = None) -> sa.Select[Any]:
    mine = table.c.connection == uid
    return sa.select(table).where(mine if other is None else sa.or_(mine, table.c[f"{other}connection"] == uid))


def _links(uid: str) -> sa.Select[Any]:
    mine = sa.or_(link.c.left_connection == uid, link.c.right_connection == uid)
    return sa.select(link).where(mine).order_by(*link.primary_key.columns)


def _plain(tx: sa.Connection, query: sa.Select[Any]) -> Iterator[dict[str, Any]]:
    with tx.execute(query, execution_options={"yield_per": _AT_ONCE}) as found:
        for row in found:
            told = {str(name): value for name, value in row._mapping.items()}  # SQLAlchemy's names are not plain texts
            yield {name: _value(name, value) for name, value in told.items() if name not in _INSIDE}


_INSIDE = frozenset({"source", "hash", "change"})
_PACKED = frozenset({"fields", "shown"})


def _value(name: str, value: Any) -> Any:
    """Facts of records are stored as text, and are told as what they are."""
    return orjson.loads(value) if name in _PACKED and isinstance(value, str) else value
