"""Health: how fresh what we know of each connection is, what waits to be written, and whether somebody has to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from syncd.jobs.holds import Waiting, waiting
from syncd.jobs.work import Side, Work
from syncd.store import cursors, leases, queues, runs
from syncd.store.holds import HoldKind


class Word(StrEnum):
    """How a connection is, in one word."""

    FRESH = "fresh"
    NEW = "new"  # never read whole yet
    HELD = "held"  # a brake or a person has stopped it
    STALE = "stale"  # not read through for longer than it may be
    BROKEN = "broken"  # something that the mapping names cannot be read

    @property
    def good(self) -> bool:
        """Whether decisions may rest on it."""
        return self is Word.FRESH


@dataclass(frozen=True, slots=True)
class StreamHealth:
    """One object of a connection. `read_through`: everything up to then was asked for; `complete_through`: and seen."""

    name: str
    read_through: datetime | None
    complete_through: datetime | None
    problem: str = ""

    def age(self, now: datetime) -> timedelta | None:
        """How long ago it was read through; None when it never was."""
        return None if self.read_through is None else max(now - self.read_through, timedelta(0))


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """One connection as an admin wants to see it. Counts are writes; `oldest_unsent` is when the first was queued."""

    name: str
    mode: str
    word: Word
    fresh_within: timedelta
    streams: tuple[StreamHealth, ...]
    held: tuple[str, ...]
    queued: int
    unknown: int
    refused: int
    oldest_unsent: datetime | None
    heartbeat_at: datetime | None

    def age(self, now: datetime) -> timedelta | None:
        """The age of its stalest stream; None when one was never read whole."""
        ages = [stream.age(now) for stream in self.streams]
        known = [age for age in ages if age is not None]
        return max(known) if known and len(known) == len(ages) else None

    def as_json(self, now: datetime) -> dict[str, Any]:
        """The connection as plain JSON, ages in seconds."""
        age = self.age(now)
        streams = [
            {"stream": s.name, "read_through": s.read_through, "complete_through": s.complete_through,
             "problem": s.problem or None}
            for s in self.streams
        ]  # fmt: skip
        return {
            "connection": self.name, "mode": self.mode, "is": self.word.value,
            "age_seconds": None if age is None else age.total_seconds(),
            "fresh_within_seconds": self.fresh_within.total_seconds(), "streams": streams, "held": list(self.held),
            "queued": self.queued, "unknown": self.unknown, "refused": self.refused,
            "oldest_unsent": self.oldest_unsent, "heartbeat_at": self.heartbeat_at,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Health:
    """The whole of it at one moment. `daemon` is who holds the daemon role, empty for nobody."""

    at: datetime
    daemon: str
    connections: tuple[ConnectionHealth, ...]

    @property
    def ready(self) -> bool:
        """Every connection is fresh: what is shown in the CRMs can be trusted."""
        return all(one.word.good for one in self.connections)

    def as_json(self) -> dict[str, Any]:
        """The health as plain JSON."""
        told = [one.as_json(self.at) for one in self.connections]
        return {"ready": self.ready, "at": self.at, "daemon": self.daemon or None, "connections": told}


def health(work: Work) -> Health:
    """Gather and judge. Works in any process that reaches the state database, beside a daemon too."""
    now = work.clock.now()
    with work.store.read() as tx:
        held = waiting(work, tx)
        queued = queues.by_connection(tx)
        made = [_connection(work, tx, side, now, held, queued.get(side.uid, queues.Queue())) for side in work.sides]
        return Health(now, leases.holder_now(tx, "daemon"), tuple(made))


def _connection(
    work: Work, tx: sa.Connection, side: Side, now: datetime, held: Sequence[Waiting], queue: queues.Queue
) -> ConnectionHealth:
    streams = tuple(_stream(tx, side, feed.head.value) for feed in side.feeds)
    # a stream that stalls is stale before it is held
    said = tuple(h.what for h in held if h.connection == side.name and h.kind is not HoldKind.STALLED)
    return ConnectionHealth(
        side.name, "live" if side.live else "shadow", judge(streams, said, now, side.fresh_within), side.fresh_within,
        streams, said, queue.queued, queue.sent, queue.refused, queue.oldest, runs.heartbeat_at(tx, side.uid),
    )  # fmt: skip


def _stream(tx: sa.Connection, side: Side, name: str) -> StreamHealth:
    feed = next(feed for feed in side.feeds if feed.head.value == name)
    found = cursors.get(tx, side.uid, feed.head)
    problem = next((side.broken[stream] for stream in feed.streams if stream in side.broken), "")
    return StreamHealth(name, found.watermark, found.complete_through, problem)


def judge(streams: Sequence[StreamHealth], held: Sequence[str], now: datetime, fresh_within: timedelta) -> Word:
    """The word for a connection: the worst thing that is true of it."""
    if any(stream.problem for stream in streams):
        return Word.BROKEN
    if held:
        return Word.HELD
    ages = [stream.age(now) for stream in streams]
    if any(age is not None and age > fresh_within for age in ages):
        return Word.STALE
    return Word.NEW if not ages or None in ages else Word.FRESH


def alarms(found: Health) -> Mapping[str, str]:
    """What somebody should be told: a key that stays the same as long as it lasts, and a sentence."""
    told: dict[str, str] = {}
    for one in found.connections:
        if one.word is Word.STALE and (age := one.age(found.at)) is not None:
            told[f"{one.name}/stale"] = (
                f"{one.name} was last read through {_minutes(age)} ago; at most {_minutes(one.fresh_within)} is meant. "
                "Nothing that was filed since is decided. `syncd runs` tells what stops it."
            )
        told.update(
            {f"{one.name}/{s.name}/broken": f"{one.name} {s.name}: {s.problem}" for s in one.streams if s.problem}
        )
        told.update({f"{one.name}/held/{what}": f"{one.name} is held: {what}" for what in one.held})
        if one.unknown:
            told[f"{one.name}/unknown"] = (
                f"{one.name}: {one.unknown} writes have no answer; they are read back before anything is sent again."
            )
        if one.refused:
            told[f"{one.name}/refused"] = f"{one.name} refused {one.refused} writes. `syncd errors` tells why."
    return told


def _minutes(age: timedelta) -> str:
    minutes = round(age.total_seconds() / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"
