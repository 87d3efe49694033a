"""Reversals: what a run wrote, as the ledger tells, and what people have had undone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.model import DecisionKind, Ref, WriteGroup
from syncd.store import graph
from syncd.store.tables import decision, ledger_private
from syncd.store.tables import ledger as entries
from syncd.store.tables import run as runs
from syncd.store.tables import write as outbox

Key = tuple[Ref, WriteGroup]


@dataclass(frozen=True, slots=True)
class Effective:
    """What was effectively written to one record and group, with the native values that were there before.

    `entries` are the numbers of its entries in the ledger, oldest first.
    """

    ref: Ref
    group: WriteGroup
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    entries: tuple[int, ...]
    last_write: int


@dataclass(frozen=True, slots=True)
class Override:
    """A person's word that a record shows what it showed before some entries of the ledger.

    It holds as long as the same is wanted as when it was given: `instead_of` is the digest of that.
    """

    ref: Ref
    group: WriteGroup
    entries: tuple[int, ...]
    instead_of: str
    run: str
    by: str
    at: datetime

    @property
    def key(self) -> Key:
        """The record and group that it is about."""
        return self.ref, self.group


def job_of(tx: sa.Connection, run: str) -> str | None:
    """What a run did; None when there was no such run."""
    found: str | None = tx.execute(sa.select(runs.c.job).where(runs.c.id == run)).scalar()
    return found


def of_run(tx: sa.Connection, run: str) -> dict[Key, Effective]:
    """What took effect of what a run planned or wrote, by record and group."""
    about = tx.execute(sa.select(runs).where(runs.c.id == run)).one()
    query = sa.select(entries.c.seq, entries.c.body).where(entries.c.kind == "write", entries.c.at >= about.started_at)
    planned: set[int] = set()
    if about.job == "plan":
        planned = set(tx.execute(sa.select(outbox.c.number).where(outbox.c.run == run)).scalars())
    elif about.finished_at is not None:
        query = query.where(entries.c.at <= about.finished_at)
    chosen = []
    for seq, body in tx.execute(query.order_by(entries.c.seq)):
        content = orjson.loads(body)
        if content["write"] in planned if about.job == "plan" else content["run"] == run:
            chosen.append((seq, content))
    return joined(_read(tx, chosen))


def of_entries(tx: sa.Connection, numbers: Iterable[int]) -> dict[int, Effective]:
    """What each of these entries of the ledger says was written."""
    chosen = []
    for part in graph.chunks(sorted(set(numbers))):
        query = sa.select(entries.c.seq, entries.c.body).where(entries.c.seq.in_(list(part)))
        chosen += [(seq, orjson.loads(body)) for seq, body in tx.execute(query.order_by(entries.c.seq))]
    return {item.entries[0]: item for item in _read(tx, chosen)}


def _read(tx: sa.Connection, chosen: Sequence[tuple[int, dict[str, Any]]]) -> Iterator[Effective]:
    private = _private(tx, [seq for seq, _ in chosen])
    for seq, body in chosen:
        before, after = (_clear(body[side], side, private.get(seq, {})) for side in ("before", "after"))
        yield Effective(Ref.parse(body["ref"]), WriteGroup(body["group"]), before, after, (seq,), int(body["write"]))


def joined(items: Iterable[Effective]) -> dict[Key, Effective]:
    """One for each record and group: before the first of them, and after the last."""
    found: dict[Key, Effective] = {}
    for new in items:
        old = found.get((new.ref, new.group))
        found[new.ref, new.group] = new if old is None else _after(old, new)
    return found


def _after(old: Effective, new: Effective) -> Effective:
    return replace(
        new,
        before={**new.before, **old.before},
        after={**old.after, **new.after},
        entries=(*old.entries, *new.entries),
    )


def _private(tx: sa.Connection, numbers: Sequence[int]) -> dict[int, dict[str, str]]:
    """The clear personal values of entries, by their path; those that were erased are not among them."""
    found: dict[int, dict[str, str]] = {}
    for part in graph.chunks(numbers):
        query = sa.select(ledger_private).where(ledger_private.c.seq.in_(list(part)))
        for row in tx.execute(query):
            found.setdefault(row.seq, {})[row.path] = row.value
    return found


def _clear(values: Mapping[str, Any], side: str, private: Mapping[str, str]) -> dict[str, Any]:
    """Values as they were; an erased one is left out, because nobody knows it any more."""
    told = {name: private.get(f"{side}.{name}", value) for name, value in values.items()}
    return {name: value for name, value in told.items() if not isinstance(value, dict)}


def overrides(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Key, list[Override]]:
    """The overrides of each of these records and groups, oldest first."""
    found: dict[Key, list[Override]] = {}
    for condition in graph.in_refs(decision, refs):
        query = sa.select(decision).where(condition, decision.c.kind == DecisionKind.OVERRIDDEN.value)
        for row in tx.execute(query.order_by(decision.c.seq)):
            said, ref = row.evidence, Ref(row.connection, row.object, row.id)
            made = Override(
                ref, WriteGroup(said["group"]), tuple(said["entries"]), said["instead_of"], said["undoes"], row.actor,
                row.at,
            )  # fmt: skip
            found.setdefault(made.key, []).append(made)
    return found
