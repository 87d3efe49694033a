"""What happened in the emulator: each request, each effective change, each write that changed nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


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
    """One HTTP request as it was answered; `records` counts the records read or written."""

    at: datetime
    system: str
    method: str
    path: str
    status: int
    records: int
    by: str | None
    id: str


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


@dataclass(slots=True)
class Journal:
    """The three logs, in order of time."""

    changes: list[Change] = field(default_factory=list)
    redundant: list[Redundant] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

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
        """Forget what a rolled-back transaction wrote."""
        del self.changes[changes:]
        del self.redundant[redundant:]
