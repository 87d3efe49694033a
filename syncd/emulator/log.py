"""What happened in the emulator: each request, each effective change, each write that changed nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Generic, TypeVar

KEPT_REQUESTS, KEPT_CHANGES = 200_000, 1_000_000
"""How many entries the logs hold before the oldest are let go."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one record that really got another value."""

    at: datetime
    system: str
    object: str
    id: str
    field: str
    before: Any
    after: Any
    by: str
    request: str | None


@dataclass(frozen=True, slots=True)
class Redundant:
    """A write to one record that changed nothing."""

    at: datetime
    system: str
    object: str
    id: str
    by: str
    request: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it was answered; `records` counts the records read or written.

    `status` 0: the client got no answer. `fault` is the mode of the fault that struck it; `body` is what was sent,
    if bodies are kept.
    """

    at: datetime
    system: str
    method: str
    path: str
    status: int
    records: int
    by: str | None
    id: str
    fault: str | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who writes: a name for the log, the id that the CRM stamps, and the request, if it came by API."""

    name: str
    id: str
    request: str | None = None

    @property
    def is_api(self) -> bool:
        """Whether a program wrote, not a person."""
        return self.request is not None


Entry = TypeVar("Entry")


class Log(Generic[Entry]):
    """Entries in order of time; it keeps the newest `keep` of them and counts all."""

    def __init__(self, keep: int) -> None:
        self._kept: deque[Entry] = deque(maxlen=keep)
        self._total = 0

    def append(self, entry: Entry) -> None:
        """Note one more."""
        self._kept.append(entry)
        self._total += 1

    def page(self, start: int, most: int) -> list[Entry]:
        """Up to `most` entries from the `start`-th on, counted from 0 over all that ever were."""
        skipped = max(0, start - self.first)
        return list(islice(self._kept, skipped, skipped + most))

    def keep(self, most: int) -> None:
        """From now on hold no more than the newest `most`."""
        self._kept = deque(self._kept, maxlen=most)

    def cut(self, length: int) -> None:
        """Forget all but the first `length` that ever were."""
        for _ in range(min(self._total - length, len(self._kept))):
            self._kept.pop()
        self._total = min(self._total, length)

    @property
    def first(self) -> int:
        """The number of the oldest entry that is still kept."""
        return self._total - len(self._kept)

    def __len__(self) -> int:
        """How many there ever were, kept or not."""
        return self._total

    def __iter__(self) -> Iterator[Entry]:
        """Those that are kept."""
        return iter(self._kept)


@dataclass(slots=True)
class Journal:
    """The three logs, in order of time."""

    changes: Log[Change] = field(default_factory=lambda: Log(KEPT_CHANGES))
    redundant: Log[Redundant] = field(default_factory=lambda: Log(KEPT_CHANGES))
    requests: Log[Request] = field(default_factory=lambda: Log(KEPT_REQUESTS))

    def changed(
        self, at: datetime, record: tuple[str, str, str], differences: dict[str, tuple[Any, Any]], actor: Actor
    ) -> None:
        """Note each difference of one record; `record` is (system, object, id)."""
        system, kind, id_ = record
        for name, (before, after) in differences.items():
            self.changes.append(Change(at, system, kind, id_, name, before, after, actor.name, actor.request))

    def unchanged(self, at: datetime, record: tuple[str, str, str], actor: Actor) -> None:
        """Note a write that changed nothing."""
        self.redundant.append(Redundant(at, *record, actor.name, actor.request))

    def rewind(self, changes: int, redundant: int) -> None:
        """Forget what a rolled-back transaction wrote: all beyond these lengths."""
        self.changes.cut(changes)
        self.redundant.cut(redundant)
