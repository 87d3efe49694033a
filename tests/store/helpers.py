"""Small makers for the store's tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from syncd.model import Actor, Decision, DecisionKind, Ref, Row, Stream
from syncd.store import records
from syncd.store.database import Store
from syncd.store.records import PageCounts, Stored

T0 = datetime(2026, 11, 1, 12, tzinfo=UTC)
OURS = frozenset({"Status__c", "Owner__c"})
CRM, OBJECT = "00D1", "Account"


def at(minutes: float) -> datetime:
    """That many minutes after T0."""
    return T0 + timedelta(minutes=minutes)


def ref(id_: str, object_: str = OBJECT, connection: str = CRM) -> Ref:
    return Ref(connection, object_, id_)


def row(id_: str, stamp: float = 0, *, deleted: bool = False, merged_into: str | None = None, **fields: Any) -> Row:
    """A row whose stamp is so many minutes after T0."""
    return Row(id_, at(stamp), {"Name": id_, **fields}, deleted, merged_into)


def apply(store: Store, rows: Iterable[Row], read: float = 100, run: str = "run-1", **changes: Any) -> PageCounts:
    """Apply a page that was asked for so many minutes after T0, in a transaction of its own."""
    about = {"connection": CRM, "object": OBJECT, "stream": Stream.ACCOUNTS, "ours": OURS, **changes}
    with store.begin() as tx:
        return records.apply_page(tx, rows=list(rows), read_at=at(read), run=run, **about)


def stored(store: Store, id_: str, **about: str) -> Stored:
    with store.read() as tx:
        return records.get(tx, [ref(id_, **about)])[ref(id_, **about)]


def table_rows(store: Store, table: sa.Table) -> list[tuple[Any, ...]]:
    """Everything in a table, in an order of its own."""
    with store.read() as tx:
        return sorted((tuple(found) for found in tx.execute(sa.select(table))), key=repr)


def decided(
    kind: DecisionKind = DecisionKind.APPROVED, id_: str = "r1", actor: Actor | None = None, **changes: Any
) -> Decision:
    """A decision by a rule about a registration."""
    about: dict[str, Any] = {
        "kind": kind, "subject": ref(id_, "deal", "prm"), "actor": actor or Actor.rule("first_registered"), "at": T0,
        "effective_at": T0, "policy_version": "p1", "rule": "first_registered", "evidence": {"n": 1},
    }  # fmt: skip
    return Decision(**{**about, **changes})
