"""Workflows of the portal: they rewrite properties some time after an app wrote a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from syncd.emulator.hubspot.authors import Author


@dataclass(frozen=True, slots=True)
class Workflow:
    """After an app wrote any of `watched` (empty: anything) on a record that has `where`, set `values`."""

    number: int
    kind: str
    values: Mapping[str, Any]
    watched: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def starts(self, kind: str, names: Iterable[str], record: Mapping[str, Any]) -> bool:
        """Whether a write enrols the record."""
        touched = not self.watched or any(name in self.watched for name in names)
        return self.kind == kind and touched and all(record.get(name) == value for name, value in self.where.items())


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A record that a workflow will write at a certain time."""

    due: datetime
    workflow: Workflow
    id: str


class Workflows:
    """The workflows of one portal and the records that wait for them."""

    def __init__(self) -> None:
        self._all: list[Workflow] = []
        self._made = 0
        self._enrolled: list[Enrolment] = []

    def next_number(self) -> int:
        """A number for a new workflow."""
        self._made += 1
        return self._made

    def add(self, workflow: Workflow) -> None:
        """Turn a workflow on."""
        self._all.append(workflow)

    def clear(self) -> None:
        """Turn every workflow off; what is enrolled still runs."""
        self._all.clear()

    def __len__(self) -> int:
        return len(self._all)

    def written(
        self, kind: str, id_: str, names: Iterable[str], record: Mapping[str, Any], author: Author, at: datetime
    ) -> None:
        """Enrol a record that somebody wrote; only writes of apps count, so that no workflow starts itself."""
        if author.source != "INTEGRATION":
            return
        names = list(names)
        for one in self._all:
            if one.starts(kind, names, record):
                self._enrolled.append(Enrolment(at + timedelta(seconds=one.seconds), one, id_))

    def due(self, now: datetime) -> Iterator[Enrolment]:
        """What is to run now, oldest first; each is given once."""
        if not self._enrolled:
            return
        ready = sorted((one for one in self._enrolled if one.due <= now), key=lambda one: one.due)
        self._enrolled = [one for one in self._enrolled if one.due > now]
        yield from ready
