"""Holds: what waits for a person, because a brake was tripped or a stream stalls; and the person's word to proceed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.jobs.feeds import Feed
from syncd.jobs.work import Side, Work
from syncd.store import cursors, decisions, graph, holds, ledger, outbox, outcomes
from syncd.store.holds import STOPS_READING, HoldKind

STALLED_AFTER = 10
"""A stream stalls when it is so many cycles, and a quarter of an hour, further behind than its system always is."""
_SHORTEST_STALL = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits. `name` is what `proceed` wants: a number, or connection/stream for one that stalls.

    `behind` says in words what waits behind it.
    """

    name: str
    connection: str
    stream: str
    kind: HoldKind
    what: str
    since: datetime | None
    behind: str = ""

    def as_json(self) -> dict[str, Any]:
        """The hold as plain JSON."""
        return {
            "hold": self.name, "connection": self.connection, "stream": self.stream, "kind": self.kind.value,
            "what": self.what, "since": self.since, "behind": self.behind,
        }  # fmt: skip


def waiting(work: Work, tx: sa.Connection) -> list[Waiting]:
    """Everything that waits, tripped brakes first, each with what waits behind it."""
    found = [*_tripped(work, tx), *_stalled(work, tx), *_unagreed(work)]
    names = {side.name: side.uid for side in work.sides}
    return [replace(item, behind=_behind_it(tx, item, names.get(item.connection, ""))) for item in found]


def _behind_it(tx: sa.Connection, item: Waiting, uid: str) -> str:
    if item.kind in (HoldKind.WRITES, HoldKind.HALTED):
        count = outbox.queued(tx, uid) + graph.count_unplanned(tx, uid)
        return f"Writes that wait, and records to be planned: {count}."
    if item.kind is HoldKind.POLICY:
        return f"Companies to be decided: {len(graph.dirty_organizations(tx))}."
    return f"Filings to be decided: {outcomes.count_pending(tx)}."


def _unagreed(work: Work) -> Iterator[Waiting]:
    """The policy that the settings name, where two people have not agreed to it; `approve` lets it go on."""
    if work.policy_held:
        yield Waiting("policy", "", "policy", HoldKind.POLICY, work.policy_held, None)


def _tripped(work: Work, tx: sa.Connection) -> Iterator[Waiting]:
    names = {side.uid: side for side in work.sides}
    for hold in holds.open_ones(tx):
        side = names.get(hold.connection)
        feeds = [feed for feed in side.feeds if feed.object == hold.object] if side else []
        stream = feeds[0].name if feeds else hold.object or "all writes"
        name = side.name if side else hold.connection
        yield Waiting(str(hold.number), name, stream, hold.kind, hold.what, hold.at)


def _stalled(work: Work, tx: sa.Connection) -> Iterator[Waiting]:
    """Streams that hold decisions back, because they are not read through."""
    longest = max(_SHORTEST_STALL, STALLED_AFTER * work.every)
    passes, held = holds.passes(tx), {(hold.connection, hold.object) for hold in holds.open_ones(tx)}
    for side in work.sides:
        for feed in side.feeds:
            if not side.waited_for & set(feed.streams) or (side.uid, feed.object) in held:
                continue
            read, passed = cursors.get(tx, side.uid, feed.head).complete_through, passes.get((side.uid, feed.object))
            since = max((at for at in (read, passed) if at is not None), default=None)
            lag = timedelta(seconds=side.connector.facts.read_lag_seconds)
            if since is None or work.clock.now() - since > longest + lag:
                what = _behind(feed, since)
                yield Waiting(f"{side.name}/{feed.head.value}", side.name, feed.name, HoldKind.STALLED, what, since)


def _behind(feed: Feed, since: datetime | None) -> str:
    known = f"is complete only through {since:%Y-%m-%d %H:%M:%S}Z" if since else "was never read whole"
    return f"{feed.name} {known}: what was filed later is not decided."


def proceed(work: Work, name: str, person: str, reason: str) -> Waiting:
    """A person says to go on: recorded, in the ledger too. Raises UserError for what does not wait, or no reason."""
    if not reason.strip():
        raise UserError("Say why with --reason; it is kept in the ledger.")
    now = work.clock.now()
    with work.store.append() as tx:
        decisions.alone(tx)
        found = next((item for item in waiting(work, tx) if item.name == name), None)
        if found is not None and found.kind is HoldKind.POLICY:
            raise UserError(found.what)
        if found is None:
            raise UserError(f"{name} does not wait for anybody. `syncd holds` lists what does.")
        if found.kind is HoldKind.STALLED:
            side, feed = _feed(work, found)
            holds.let_pass(tx, side.uid, feed.object, found.what, now, person, reason)
        else:
            holds.lift(tx, int(name), person, reason, now)
        about = {"what": "proceed", "stopped": found.what, "because_of": found.kind.value}
        body = {**found.as_json(), **about, "by": f"person:{person}", "reason": reason}
        ledger.append(tx, now, [ledger.Entry("proceed", body, ("reason",))], work.ledger_key)
    return found


def _feed(work: Work, item: Waiting) -> tuple[Side, Feed]:
    side = next(side for side in work.sides if side.name == item.connection)
    return side, next(feed for feed in side.feeds if feed.name == item.stream)


def held_objects(tx: sa.Connection, side: Side) -> dict[str, str]:
    """The objects of a connection that must not be read before a person says so, each with what happened."""
    return {
        hold.object: f'{hold.what} It is not read until you say  syncd proceed {hold.number} --reason "..."'
        for hold in holds.open_ones(tx, side.uid)
        if hold.kind in STOPS_READING
    }


def held_writes(tx: sa.Connection, side: Side) -> list[str]:
    """Why nothing, or nothing new, is written to a connection before a person says so."""
    return [
        f'{hold.what} Look at  syncd plan, then say  syncd proceed {hold.number} --reason "..."'
        for hold in holds.open_ones(tx, side.uid)
        if hold.kind not in STOPS_READING
    ]


def halt(work: Work, connections: Sequence[str], person: str, reason: str) -> list[str]:
    """A person stops all writing to these connections, or to every one; returns their names.

    What is on its way is still answered. Raises UserError for an unknown connection, or no reason.
    """
    if not reason.strip():
        raise UserError("Say why with --reason; it is kept in the ledger.")
    known = {side.name: side for side in work.sides}
    if unknown := [name for name in connections if name not in known]:
        raise UserError(f"{unknown[0]} is no connection. There are {', '.join(known)}.")
    chosen = [known[name] for name in connections] or list(work.sides)
    if unbound := [side.name for side in chosen if not side.uid]:
        raise UserError(f"{unbound[0]} was never reached yet, so nothing is written to it.")
    now, names = work.clock.now(), [side.name for side in chosen]
    with work.store.append() as tx:
        decisions.alone(tx)
        for side in chosen:
            what = f"{side.name}: a person has stopped all writing."
            holds.stop(tx, side.uid, "", HoldKind.HALTED, what, {"by": person}, now, None)
        body = {"what": "halt", "connections": names, "by": f"person:{person}", "reason": reason}
        ledger.append(tx, now, [ledger.Entry("halt", body, ("reason",))], work.ledger_key)
    return names
