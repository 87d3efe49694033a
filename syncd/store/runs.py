"""Runs: one row for each execution of each job, with what it counted; and the connections they ran against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.model import Checked, ObjectAccess
from syncd.store.tables import access, connection, cursor, policy_version, run


def start(tx: sa.Connection, id_: str, job: str, at: datetime, **about: Any) -> None:
    """A job begins. `about` may name connection, stream, config, policy, holder, token."""
    tx.execute(run.insert().values(id=id_, job=job, started_at=at, status="running", counts={}, **about))


def finish(
    tx: sa.Connection, id_: str, at: datetime, status: str, counts: Mapping[str, Any], error: str | None = None
) -> None:
    """A job ends: ok, partial (some records need attention) or failed."""
    tx.execute(
        run.update().where(run.c.id == id_).values(finished_at=at, status=status, counts=dict(counts), error=error)
    )


def abandon_running(tx: sa.Connection, at: datetime) -> int:
    """Close the runs of a daemon that died; returns how many there were."""
    return tx.execute(
        run.update()
        .where(run.c.status == "running")
        .values(status="failed", finished_at=at, error="The daemon ended before this run did.")
    ).rowcount


def is_known(tx: sa.Connection, id_: str) -> bool:
    """Whether there is a run of this id."""
    return tx.execute(sa.select(run.c.id).where(run.c.id == id_)).scalar() is not None


def recent(tx: sa.Connection, limit: int) -> list[dict[str, Any]]:
    """The newest runs, newest first."""
    query = sa.select(run).order_by(run.c.started_at.desc(), run.c.id.desc()).limit(limit)
    return [dict(row._mapping) for row in tx.execute(query)]


def bind(tx: sa.Connection, name: str, kind: str, checked: Checked, at: datetime) -> None:
    """Remember which org or portal a connection talks to. Raises UserError when it is another one than before."""
    known = tx.execute(sa.select(connection).where(connection.c.name == name)).one_or_none()
    if known is not None and known.uid != checked.uid:
        raise UserError(
            f"Connection {name} now reaches {checked.uid} ({checked.label}), but its records come from {known.uid}. "
            "Point it back, or give the new system a name of its own and follow its records with  syncd rekey."
        )
    if known is not None:
        tx.execute(
            connection.update().where(connection.c.name == name).values(checked_at=at, facts=dict(checked.facts))
        )
        return
    other = tx.execute(sa.select(connection.c.name).where(connection.c.uid == checked.uid)).scalar()
    if other is not None:
        tx.execute(connection.update().where(connection.c.uid == checked.uid).values(name=name, checked_at=at))
        return
    tx.execute(
        connection.insert().values(
            uid=checked.uid, name=name, kind=kind, bound_at=at, checked_at=at, facts=dict(checked.facts)
        )
    )


def bound(tx: sa.Connection) -> dict[str, str]:
    """The uid of each connection by its name."""
    return {row.name: row.uid for row in tx.execute(sa.select(connection.c.name, connection.c.uid))}


def facts(tx: sa.Connection, uid: str) -> dict[str, Any]:
    """What the last check of a connection found; nothing when it was never bound."""
    return dict(tx.execute(sa.select(connection.c.facts).where(connection.c.uid == uid)).scalar() or {})


def checked_at(tx: sa.Connection, uid: str) -> datetime | None:
    """When a connection was last checked."""
    found: datetime | None = tx.execute(sa.select(connection.c.checked_at).where(connection.c.uid == uid)).scalar()
    return found


def put_access(tx: sa.Connection, uid: str, found: Iterable[ObjectAccess], at: datetime) -> None:
    """Replace what is known of our sight of a connection's objects."""
    tx.execute(access.delete().where(access.c.connection == uid))
    rows = {
        one.object: {
            "connection": uid, "object": one.object, "sees_all": one.sees_all, "evidence": one.evidence,
            "records": one.records, "formulas": list(one.formulas), "checked_at": at,
        }
        for one in found
    }  # fmt: skip
    if rows:
        tx.execute(access.insert(), list(rows.values()))


def get_access(tx: sa.Connection, uid: str) -> list[ObjectAccess]:
    """What the last check found out about our sight of a connection's objects."""
    query = sa.select(access).where(access.c.connection == uid).order_by(access.c.object)
    return [
        ObjectAccess(row.object, row.sees_all, row.evidence, row.records, tuple(row.formulas))
        for row in tx.execute(query)
    ]


def last(tx: sa.Connection, job: str, connection_: str) -> dict[str, Any] | None:
    """The newest run of a job on a connection."""
    query = sa.select(run).where(run.c.job == job, run.c.connection == connection_)
    row = tx.execute(query.order_by(run.c.started_at.desc(), run.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else dict(row._mapping)


def keep_policy(tx: sa.Connection, version: str, content: Mapping[str, Any], at: datetime) -> None:
    """Keep the text of a policy version that decisions will name."""
    if tx.execute(sa.select(policy_version.c.version).where(policy_version.c.version == version)).first() is None:
        tx.execute(policy_version.insert().values(version=version, content=dict(content), first_used_at=at))


def heartbeat_at(tx: sa.Connection, uid: str) -> datetime | None:
    """When this connection last got a heartbeat."""
    found: datetime | None = tx.execute(sa.select(connection.c.heartbeat_at).where(connection.c.uid == uid)).scalar()
    return found


def set_heartbeat(tx: sa.Connection, uid: str, at: datetime) -> None:
    """The heartbeat of this connection was written."""
    tx.execute(connection.update().where(connection.c.uid == uid).values(heartbeat_at=at))


def retire(tx: sa.Connection, uid: str, at: datetime | None) -> None:
    """From then on nothing is shown on the records of this connection; None takes it back."""
    tx.execute(connection.update().where(connection.c.uid == uid).values(retired_at=at))


def retired(tx: sa.Connection) -> frozenset[str]:
    """The uids of the connections that were retired."""
    return frozenset(tx.execute(sa.select(connection.c.uid).where(connection.c.retired_at.is_not(None))).scalars())


def freshness(tx: sa.Connection) -> list[dict[str, Any]]:
    """How far each stream was read and is complete."""
    query = sa.select(
        connection.c.name, cursor.c.connection, cursor.c.stream, cursor.c.watermark, cursor.c.complete_through
    ).join(connection, connection.c.uid == cursor.c.connection)
    return [dict(row._mapping) for row in tx.execute(query.order_by(connection.c.name, cursor.c.stream))]


def clock_errors(tx: sa.Connection) -> dict[str, float]:
    """How far the stamps of each system may be from true time, in seconds, as its last check found."""
    return {
        row.uid: float(row.facts.get("clock_error_seconds", 0.0))
        for row in tx.execute(sa.select(connection.c.uid, connection.c.facts))
    }
