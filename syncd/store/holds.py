"""Holds: what a brake has stopped, until a person says to proceed; who said so, when and why is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from syncd.store.tables import hold as table


class HoldKind(StrEnum):
    """Why an object is held."""

    VANISHED = "vanished"  # a sweep missed more records than can be believed
    EMPTY = "empty"  # a read of everything came back without a record
    STALLED = "stalled"  # it is not read through; a person lets decisions go on without it
    WRITES = "writes"  # more writes are wanted at once than can be believed
    HALTED = "halted"  # a person has stopped all writing
    OWNERS = "owners"  # somebody else has changed many owners at once
    POLICY = "policy"  # no two people have agreed to the policy that the settings name; never stored


STOPS_READING = frozenset({HoldKind.VANISHED, HoldKind.EMPTY})


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold. `state`: open, lifted by a person, or used up by what it let pass."""

    number: int
    connection: str
    object: str
    kind: HoldKind
    what: str
    evidence: Mapping[str, Any]
    at: datetime
    state: str
    lifted_at: datetime | None
    lifted_by: str | None
    reason: str | None


def stop(
    tx: sa.Connection, connection: str, object: str, kind: HoldKind, what: str, evidence: Mapping[str, Any],
    at: datetime, run: str | None,
) -> None:  # fmt: skip
    """Hold an object; one that is held for this already stays so, with the newer evidence."""
    values = {"what": what, "evidence": dict(evidence), "at": at, "run": run}
    open_one = (*_of(connection, object, kind), table.c.state == "open")
    if tx.execute(table.update().where(*open_one).values(**values)).rowcount == 0:
        known = {"connection": connection, "object": object, "kind": kind.value, "state": "open"}
        tx.execute(table.insert().values(**known, **values))


def withdraw(tx: sa.Connection, connection: str, object: str, kind: HoldKind) -> None:
    """What tripped the brake is not there any more, and nobody needs to be asked."""
    tx.execute(table.update().where(*_of(connection, object, kind), table.c.state == "open").values(state="used"))


def is_halted(tx: sa.Connection, connection: str) -> bool:
    """Whether a person has stopped writing to this connection."""
    query = sa.select(table.c.number).where(*_of(connection, "", HoldKind.HALTED), table.c.state == "open")
    return tx.execute(query.limit(1)).first() is not None


def let_pass(
    tx: sa.Connection, connection: str, object: str, what: str, at: datetime, person: str, reason: str
) -> None:
    """A person lets decisions go on as if this object had been read up to `at`."""
    tx.execute(
        table.insert().values(
            connection=connection, object=object, kind=HoldKind.STALLED.value, what=what, evidence={}, at=at,
            state="lifted", lifted_at=at, lifted_by=person, reason=reason,
        )
    )  # fmt: skip


def open_ones(tx: sa.Connection, connection: str | None = None) -> list[Hold]:
    """What waits for a person, oldest first."""
    query = sa.select(table).where(table.c.state == "open")
    if connection is not None:
        query = query.where(table.c.connection == connection)
    return [_hold(row) for row in tx.execute(query.order_by(table.c.number))]


def lift(tx: sa.Connection, number: int, person: str, reason: str, at: datetime) -> bool:
    """A person says to proceed; False when it does not wait for anybody."""
    values = {"state": "lifted", "lifted_by": person, "reason": reason, "lifted_at": at}
    return (
        tx.execute(table.update().where(table.c.number == number, table.c.state == "open").values(**values)).rowcount
        == 1
    )


def lifted(tx: sa.Connection, connection: str, object: str, kind: HoldKind) -> Hold | None:
    """The newest hold of this kind that a person has lifted and that nothing has passed by yet."""
    query = sa.select(table).where(*_of(connection, object, kind), table.c.state == "lifted")
    row = tx.execute(query.order_by(table.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else _hold(row)


def use_up(tx: sa.Connection, connection: str, object: str, kind: HoldKind) -> None:
    """What was let pass has passed: the next time a person is asked again."""
    tx.execute(table.update().where(*_of(connection, object, kind), table.c.state == "lifted").values(state="used"))


def passes(tx: sa.Connection) -> dict[tuple[str, str], datetime]:
    """Up to when a person lets decisions go on without a stalled object, by connection and object."""
    query = sa.select(table.c.connection, table.c.object, sa.func.max(table.c.lifted_at)).where(
        table.c.kind == HoldKind.STALLED.value, table.c.state == "lifted"
    )
    rows = tx.execute(query.group_by(table.c.connection, table.c.object))
    return {(row[0], row[1]): row[2] for row in rows}


def _of(connection: str, object: str, kind: HoldKind) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.connection == connection, table.c.object == object, table.c.kind == kind.value


def _hold(row: sa.Row[Any]) -> Hold:
    return Hold(
        row.number, row.connection, row.object, HoldKind(row.kind), row.what, row.evidence, row.at, row.state,
        row.lifted_at, row.lifted_by, row.reason,
    )  # fmt: skip
