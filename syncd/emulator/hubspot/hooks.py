"""Webhooks: which subscriptions there are, what they are told, and when it is tried again."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from syncd.emulator.clock import Clock
from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.hubspot.authors import APP_ID, Author
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import wire_time

HAPPENINGS = ("creation", "deletion", "merge", "restore", "propertyChange", "associationChange", "privacyDeletion")
MOST_IN_A_BATCH, MOST_RETRIES = 100, 10
RETRIED_WITHIN = timedelta(hours=24)
NOT_RETRIED = frozenset({400, 401, 403, 404, 405})
_FLAGS = {"creation": "CREATED", "deletion": "DELETED"}


@dataclass(slots=True)
class Subscription:
    """What an app wants to be told, and where; `generic` ones are named `object.*` and carry the type's id."""

    id: int
    event: str
    happening: str
    kind: str
    generic: bool
    property: str | None
    url: str
    active: bool
    created: str
    updated: str

    def wants(self, kind: str, happening: str, name: str | None) -> bool:
        """Whether something that happened is of its kind."""
        same = self.active and self.kind == kind and self.happening == happening
        return same and (happening != "propertyChange" or self.property in (None, name))

    def shown(self, kind: ObjectType | None) -> dict[str, Any]:
        """The vendor's shape."""
        content: dict[str, Any] = {"id": str(self.id), "eventType": self.event, "active": self.active,
                                   "createdAt": self.created, "updatedAt": self.updated}  # fmt: skip
        if self.property is not None:
            content["propertyName"] = self.property
        return content | ({"objectTypeId": kind.id} if self.generic and kind is not None else {})


@dataclass(slots=True)
class Message:
    """One event on its way to one subscription."""

    subscription: Subscription
    content: dict[str, Any]
    due: datetime
    born: datetime
    attempt: int = 0
    again: bool = False


@dataclass(slots=True)
class Manner:
    """How deliveries misbehave: the part sent twice, whether order is kept, seconds until the first try."""

    duplicates: float = 0.0
    disorder: bool = False
    delay: float = 0.0
    retry_after: float = 60.0
    random: random.Random = field(default_factory=lambda: random.Random("hooks 0"))  # noqa: S311 (a seed, no secret)

    @classmethod
    def seeded(cls, duplicates: float, disorder: bool, delay: float, retry_after: float, seed: int) -> Manner:
        """A manner whose chances follow from a seed."""
        return cls(duplicates, disorder, delay, retry_after, random.Random(f"hooks {seed}"))  # noqa: S311 (a seed)


class Hooks:
    """The subscriptions of one app in one portal, with what waits to be sent."""

    def __init__(self, clock: Clock, portal: int, seed: int) -> None:
        self._clock, self._portal = clock, portal
        self.subscriptions: dict[int, Subscription] = {}
        self.manner = Manner()
        self.target, self.concurrency, self.settled = "", 10, wire_time(clock.now())
        self._waiting: list[Message] = []
        self._made = 1_000
        self._events = random.Random(f"events {seed}")  # noqa: S311 (a seed, not a secret)

    # --- subscriptions

    def subscribe(self, url: str, event: str, kind: ObjectType | None, name: str | None, active: bool) -> Subscription:
        """Add a subscription; `event` is `deal.creation`, or `object.creation` with the type given.

        Raises EmulatorRefusal for an event that is not offered, and for a URL that does not lead to this machine.
        """
        subject, _, happening = event.partition(".")
        if happening not in HAPPENINGS or kind is None:
            raise EmulatorRefusal("VALIDATION_ERROR", f"{event!r} is no event of an object type of this portal")
        now = wire_time(self._clock.now())
        self._made += 1
        made = Subscription(self._made, event, happening, kind.name, subject == "object", name,
                            url, active, now, now)  # fmt: skip
        self.subscriptions[made.id] = made
        return made

    # --- what happens

    def note(self, kind: ObjectType, happening: str, id_: str, author: Author, at: datetime, **details: Any) -> None:
        """Queue what subscriptions are to be told of something that happened to a record."""
        name = details.get("propertyName")
        for one in self.subscriptions.values():
            if one.wants(kind.name, happening, name):
                content = self._content(one, kind, id_, author, at) | details
                self._queue(one, content, at)

    def _content(self, to: Subscription, kind: ObjectType, id_: str, author: Author, at: datetime) -> dict[str, Any]:
        content: dict[str, Any] = {
            "eventId": self._events.getrandbits(32), "subscriptionId": to.id, "portalId": self._portal,
            "appId": int(APP_ID), "occurredAt": _milliseconds(at), "subscriptionType": to.event, "attemptNumber": 0,
            "objectId": int(id_), "changeSource": author.source, "sourceId": author.source_id,
        }  # fmt: skip
        if to.happening in _FLAGS:
            content["changeFlag"] = _FLAGS[to.happening]
        return content | ({"objectTypeId": kind.id} if to.generic else {})

    def _queue(self, to: Subscription, content: dict[str, Any], at: datetime) -> None:
        due = at + timedelta(seconds=self.manner.delay)
        self._waiting.append(Message(to, content, due, at))
        if self.manner.random.random() < self.manner.duplicates:
            self._waiting.append(Message(to, content, due, at, again=True))

    # --- sending

    @property
    def waiting(self) -> int:
        """How many events are still to be sent."""
        return len(self._waiting)

    def take(self) -> list[list[Message]]:
        """The batches that are due, at most 100 events to one URL in each; they are no longer waiting."""
        now = self._clock.now()
        due = [one for one in self._waiting if one.due <= now]
        self._waiting = [one for one in self._waiting if one.due > now]
        if self.manner.disorder:
            self.manner.random.shuffle(due)
        by_url: dict[str, list[Message]] = {}
        for one in due:
            by_url.setdefault(one.subscription.url or self.target, []).append(one)
        # second copies come after all the others, so that duplicates are apart
        return [part for found in by_url.values() for part in _parts(sorted(found, key=lambda one: one.again))]

    def settle(self, batch: Iterable[Message], status: int, retry_after: float | None) -> None:
        """What a receiver answered; 0 means that it did not. What failed waits again, unless it is given up."""
        if 200 <= status < 300 or status in NOT_RETRIED:
            return
        now = self._clock.now()
        for one in batch:
            one.attempt += 1
            if one.attempt <= MOST_RETRIES and now - one.born < RETRIED_WITHIN:
                one.due = now + timedelta(seconds=self._pause(one.attempt, status, retry_after))
                self._waiting.append(one)

    def _pause(self, attempt: int, status: int, retry_after: float | None) -> float:
        if status == 429 and retry_after is not None:
            return retry_after
        return float(self.manner.retry_after * 2 ** (attempt - 1) * self.manner.random.uniform(0.8, 1.2))


def body_of(batch: Iterable[Message]) -> list[dict[str, Any]]:
    """The JSON array that is sent."""
    return [one.content | {"attemptNumber": one.attempt} for one in batch]


def _parts(messages: list[Message]) -> list[list[Message]]:
    return [messages[at : at + MOST_IN_A_BATCH] for at in range(0, len(messages), MOST_IN_A_BATCH)]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
