"""The ledger: an append-only, hash-chained record of every decision and every effective write.

Each entry's canonical bytes are hashed as stored together with the previous hash, and sealed with an HMAC where
a key is configured. Personal values enter as salted commitments; the clear value lies in an erasable side table.
Without an outside anchor, cutting off the end and a rewrite by a holder of the key cannot be detected.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.store import counters
from syncd.store.tables import counter, ledger_private, to_micros
from syncd.store.tables import ledger as table

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be entered: a kind, plain JSON, and dotted paths of values that are personal."""

    kind: str
    body: Mapping[str, Any]
    private: Sequence[str] = field(default_factory=tuple)


def chain(previous: bytes, body: bytes) -> bytes:
    """The hash of an entry: SHA-256 over the previous hash and the stored bytes."""
    return hashlib.sha256(previous + body).digest()


def seal(key: bytes, digest: bytes) -> bytes:
    """The HMAC-SHA-256 of an entry's hash."""
    return hmac.digest(key, digest, "sha256")


def append(tx: sa.Connection, at: datetime, entries: Sequence[Entry], key: bytes | None) -> int:
    """Add entries as the last statements of a transaction, so that the sequence has no gap; returns the last seq."""
    first = counters.advance(tx, "ledger", len(entries)) + 1
    last = first + len(entries) - 1
    previous = tx.execute(sa.select(table.c.hash).where(table.c.seq == first - 1)).scalar() or GENESIS
    rows, personal = [], []
    for seq, entry in enumerate(entries, start=first):
        body, secrets_ = _canonical(seq, at, entry)
        digest = chain(previous, body)
        mac = seal(key, digest) if key else None
        rows.append(
            {"seq": seq, "at": at, "kind": entry.kind, "body": body, "previous": previous, "hash": digest, "mac": mac}
        )
        personal += secrets_
        previous = digest
    if rows:
        tx.execute(table.insert(), rows)
    if personal:
        tx.execute(ledger_private.insert(), personal)
    return last


def _canonical(seq: int, at: datetime, entry: Entry) -> tuple[bytes, list[dict[str, Any]]]:
    body: dict[str, Any] = orjson.loads(orjson.dumps(entry.body, default=str))
    personal = []
    for path in entry.private:
        holder, name = _walk(body, path)
        if holder is None or holder.get(name) is None:
            continue
        salt, value = secrets.token_bytes(16), str(holder[name])
        holder[name] = {"commitment": _commitment(salt, value)}
        personal.append({"seq": seq, "path": path, "salt": salt, "value": value})
    document = {**body, "seq": seq, "at": at.isoformat(), "kind": entry.kind}
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS), personal


def _walk(body: dict[str, Any], path: str) -> tuple[dict[str, Any] | None, str]:
    *parents, name = path.split(".")
    holder: Any = body
    for parent in parents:
        holder = holder.get(parent) if isinstance(holder, dict) else None
    return (holder if isinstance(holder, dict) else None), name


_ENTRIES = "SELECT seq, at, kind, body, previous, hash, mac FROM ledger ORDER BY seq"
_AT_ONCE = 5_000


def verify(tx: sa.Connection, key: bytes | None) -> tuple[int, str | None]:
    """How many entries hold, and what is wrong with the first that does not (None when all hold)."""
    expected, previous = 1, GENESIS
    before = _counted(tx)
    # plain SQL and raw integers for times: SQLAlchemy's types would take longer than the hashes
    with tx.exec_driver_sql(_ENTRIES, execution_options={"yield_per": _AT_ONCE}) as rows:
        for seq, at, kind, body, before_it, digest, mac in rows:
            if seq != expected:
                return expected - 1, f"entry {expected} is missing"
            if before_it != previous or digest != chain(previous, body):
                return expected - 1, f"entry {seq} does not follow from the one before it"
            if not _says_the_same(body, seq, at, kind):
                return expected - 1, f"entry {seq} has columns that do not say what its bytes say"
            if key and (mac is None or not hmac.compare_digest(mac, seal(key, digest))):
                return expected - 1, f"entry {seq} was not sealed with the configured key"
            expected, previous = expected + 1, digest
    if expected - 1 < before:
        return expected - 1, f"entries {expected} to {before} are missing at the end"
    # entries may have been appended while these were read, but none without being counted
    if expected - 1 > (after := _counted(tx)):
        return after, f"entries {after + 1} to {expected - 1} were never counted"
    unlike = _unlike_its_commitment(tx)
    return (expected - 1, None) if unlike is None else (unlike - 1, f"entry {unlike} commits to another personal value")


def last(tx: sa.Connection) -> tuple[int, bytes]:
    """How many entries there are, and the hash of the last."""
    row = tx.execute(sa.select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)).one_or_none()
    return (0, GENESIS) if row is None else (row.seq, row.hash)


def hash_at(tx: sa.Connection, seq: int) -> bytes | None:
    """The hash of one entry; None when there is no such entry."""
    found: bytes | None = tx.execute(sa.select(table.c.hash).where(table.c.seq == seq)).scalar()
    return GENESIS if seq == 0 else found


def _counted(tx: sa.Connection) -> int:
    return tx.execute(sa.select(counter.c.value).where(counter.c.name == "ledger")).scalar() or 0


def _says_the_same(body: bytes, seq: int, at: int, kind: str) -> bool:
    document = orjson.loads(body)
    return bool(document["seq"] == seq and document["kind"] == kind and _micros(document["at"]) == at)


@lru_cache(maxsize=64)  # the entries of one transaction have one time
def _micros(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))


def _unlike_its_commitment(tx: sa.Connection) -> int | None:
    """The first entry with a clear value that is not the one it commits to; what was erased says nothing."""
    query = sa.select(ledger_private, table.c.body).join(table, table.c.seq == ledger_private.c.seq)
    for row in tx.execute(query.order_by(ledger_private.c.seq)):
        holder, name = _walk(orjson.loads(row.body), row.path)
        if holder is None or holder.get(name) != {"commitment": _commitment(row.salt, row.value)}:
            return int(row.seq)
    return None


def _commitment(salt: bytes, value: str) -> str:
    return hashlib.sha256(salt + value.encode()).hexdigest()


def personal(tx: sa.Connection, value: str | None = None, before: datetime | None = None) -> list[tuple[int, str]]:
    """Where clear personal values lie that are this value and were entered before a time: entry and path."""
    query = sa.select(ledger_private.c.seq, ledger_private.c.path).join(table, table.c.seq == ledger_private.c.seq)
    if value is not None:
        query = query.where(ledger_private.c.value == value)
    if before is not None:
        query = query.where(table.c.at < before)
    return [(row.seq, row.path) for row in tx.execute(query.order_by(ledger_private.c.seq, ledger_private.c.path))]


def erase(tx: sa.Connection, places: Sequence[tuple[int, str]]) -> None:
    """Forget clear values and their salts. The commitments stay in the chain, and nobody can guess what they were."""
    for seq, path in places:
        tx.execute(ledger_private.delete().where(ledger_private.c.seq == seq, ledger_private.c.path == path))


def entries(tx: sa.Connection) -> Iterator[dict[str, Any]]:
    """Every entry, oldest first, as stored."""
    for row in tx.execute(sa.select(table.c.body, table.c.hash).order_by(table.c.seq)):
        yield {**orjson.loads(row.body), "hash": row.hash.hex()}
