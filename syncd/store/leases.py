"""Leases: who may work, with a fencing token, on the database's own clock so that hosts need not agree on time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sqlalchemy as sa

from syncd.errors import LeaseLost
from syncd.store.counters import add_missing
from syncd.store.tables import lease as table

TTL_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Lease:
    """A held lease. `token` goes up with each change of holder; `expires_at` is on the database's clock."""

    name: str
    holder: str
    token: int
    expires_at: int


def _now(tx: sa.Connection) -> int:
    if tx.dialect.name == "sqlite":
        query = "SELECT CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
    else:
        query = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
    return int(tx.exec_driver_sql(query).scalar_one())


def take(tx: sa.Connection, name: str, holder: str, *, force: bool = False, seconds: int = TTL_SECONDS) -> Lease | None:
    """Take the lease for `seconds` if it is free, expired or ours (or `force`); None when somebody else holds it."""
    now = _now(tx)
    # two hosts may begin at once on a database where nobody ever held it
    add_missing(tx, table, [{"name": name, "holder": "", "token": 0, "expires_at": 0}])
    row = tx.execute(sa.select(table).where(table.c.name == name).with_for_update()).one()
    expires = now + seconds * 1_000_000
    if row.holder != holder and row.expires_at > now and not force:
        return None
    token = row.token + (row.holder != holder)
    tx.execute(table.update().where(table.c.name == name).values(holder=holder, token=token, expires_at=expires))
    return Lease(name, holder, token, expires)


def prove(tx: sa.Connection, lease: Lease) -> Lease:
    """Check inside this transaction that the lease is still ours, and renew it when a third of it is gone.

    Raises LeaseLost when another holder has it. One that ran out while nobody wanted it is still ours: the token says
    that nobody held it in between.
    """
    now = _now(tx)
    query = sa.select(table.c.holder, table.c.token, table.c.expires_at).where(table.c.name == lease.name)
    # the weakest lock that holds off a new holder but not a renewal: two threads that renew at once must not wait
    # for each other
    row = tx.execute(query.with_for_update(read=True, key_share=True)).one_or_none()
    if row is None or row.token != lease.token or row.holder != lease.holder:
        raise LeaseLost()
    if row.expires_at - now > TTL_SECONDS * 1_000_000 * 2 // 3:
        return lease
    renewed = replace(lease, expires_at=now + TTL_SECONDS * 1_000_000)
    tx.execute(table.update().where(table.c.name == lease.name).values(expires_at=renewed.expires_at))
    return renewed


def release(tx: sa.Connection, lease: Lease) -> None:
    """Let the lease run out now; its token stays, so that the next holder gets a higher one."""
    tx.execute(
        table.update().where(table.c.name == lease.name, table.c.token == lease.token).values(expires_at=0, holder="")
    )


def holder(tx: sa.Connection, name: str) -> str:
    """Who holds the lease, for a message."""
    return tx.execute(sa.select(table.c.holder).where(table.c.name == name)).scalar() or "nobody"


def holder_now(tx: sa.Connection, name: str) -> str:
    """Who holds the lease and has not let it run out; empty for nobody."""
    row = tx.execute(sa.select(table.c.holder, table.c.expires_at).where(table.c.name == name)).one_or_none()
    return row.holder if row is not None and row.expires_at > _now(tx) else ""
