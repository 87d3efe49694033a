"""How records are named in tables: the values and conditions of a ref, and statements about many records at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from syncd.model import Ref

_CHUNK = 5_000


def chunks(items: Sequence[Any], size: int = _CHUNK) -> Iterable[Sequence[Any]]:
    """`items` in pieces that fit one statement."""
    return (items[start : start + size] for start in range(0, len(items), size))


def where_ref(table: sa.Table, ref: Ref, prefix: str = "") -> tuple[sa.ColumnElement[bool], ...]:
    """The condition that a row is about `ref`."""
    return (
        table.c[f"{prefix}connection"] == ref.connection,
        table.c[f"{prefix}object"] == ref.object,
        table.c[f"{prefix}id"] == ref.id,
    )


def row_of(ref: Ref, prefix: str = "") -> dict[str, Any]:
    """The column values that name `ref`."""
    return {f"{prefix}connection": ref.connection, f"{prefix}object": ref.object, f"{prefix}id": ref.id}


def in_refs(table: sa.Table, refs: Sequence[Ref], prefix: str = "") -> Iterable[sa.ColumnElement[bool]]:
    """Conditions that together select the rows of these records, in pieces that fit one statement."""
    by_object: dict[tuple[str, str], list[str]] = {}
    for ref in refs:
        by_object.setdefault((ref.connection, ref.object), []).append(ref.id)
    for (connection, object), ids in by_object.items():
        for part in chunks(ids):
            yield sa.and_(
                table.c[f"{prefix}connection"] == connection,
                table.c[f"{prefix}object"] == object,
                table.c[f"{prefix}id"].in_(list(part)),
            )


def delete_refs(tx: sa.Connection, table: sa.Table, refs: Sequence[Ref], prefix: str = "") -> None:
    """Delete the rows of these records."""
    for condition in in_refs(table, refs, prefix):
        tx.execute(table.delete().where(condition))


def delete_pairs(
    tx: sa.Connection, table: sa.Table, pairs: Iterable[tuple[Ref, Ref]], prefixes: tuple[str, str]
) -> None:
    """Delete the rows of these pairs of records."""
    named = {f"{prefix}{part}": f"{prefix}{part}_" for prefix in prefixes for part in Ref._fields}
    matches = (table.c[column] == sa.bindparam(name) for column, name in named.items())
    rows = [dict(zip(named.values(), (*one, *other), strict=True)) for one, other in pairs]
    if rows:
        tx.execute(table.delete().where(*matches), rows)
