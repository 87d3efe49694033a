"""A CRM that makes reading hard: stamps of whole seconds, commits that show late, rows out of order, edits meanwhile.

It remembers every version of every record with the time from which reads show it: that is the god view.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.connectors.memory import Kept, MemoryConnector
from syncd.model import Page, ReadSpec, Window

OBJECT = "Account"
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class Time:
    """The one time that passes; the CRM's clock and ours may be off by something."""

    def __init__(self) -> None:
        self.now = START

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class SkewedClock:
    """A clock that is off, and that shows whole seconds if it is a CRM's."""

    def __init__(self, time: Time, skew: float = 0.0, *, whole: bool = False) -> None:
        self._time, self._skew, self._whole = time, timedelta(seconds=skew), whole

    def now(self) -> datetime:
        shown = self._time.now + self._skew
        return shown.replace(microsecond=0) if self._whole else shown

    def wait(self, seconds: float) -> None:
        self._time.pass_(seconds)


@dataclass(frozen=True, slots=True)
class Version:
    """What a record was from `stamp` on; reads show it from `visible_at` on, never before, and then nothing older."""

    id: str
    stamp: datetime
    visible_at: datetime
    fields: Mapping[str, Any]
    deleted: bool

    @property
    def late(self) -> float:
        return (self.visible_at - self.stamp).total_seconds()


class Crm(MemoryConnector):
    """The twin, with a memory. `between` is called before each answer: somebody may be at work, or the reader dies."""

    def __init__(self, clock: SkewedClock, chance: random.Random, **about: Any) -> None:
        super().__init__(clock, **about)
        self.define(OBJECT, "Name", "City")
        self.chance = chance
        self.versions: list[Version] = []
        self.gone: set[str] = set()
        self.deletions: dict[str, int] = {}
        self.between: Callable[[], None] = lambda: None
        self._newest: dict[str, list[tuple[Kept, Version]]] = {}

    # --- what people do

    def edit(self, id_: str, late: float = 0.0, **fields: Any) -> None:
        self.put(OBJECT, id_, fields, late=late)
        self._note(id_)

    def remove(self, id_: str, into: str | None = None) -> None:
        self.delete(OBJECT, id_, merged_into=into)
        self._note(id_)

    def quietly(self, id_: str, **fields: Any) -> None:
        """A change that no stamp tells of; reads show it with the newest version."""
        self.edit_quietly(OBJECT, id_, fields)
        kept, version = self._newest[id_][-1]
        self._newest[id_][-1] = replace(kept, fields={**kept.fields, **fields}), version

    def vanish(self, id_: str) -> None:
        self.purge(OBJECT, id_)
        self.gone.add(id_)
        self._newest.pop(id_, None)

    def _note(self, id_: str) -> None:
        kept = self._objects[OBJECT][id_]
        version = Version(id_, kept.stamp, kept.visible_at, dict(kept.fields), kept.deleted)
        if version.deleted:
            self.deletions[id_] = len(self.versions)
        self.versions.append(version)
        shown = replace(kept, fields=dict(kept.fields))
        self._newest.setdefault(id_, []).append((shown, version))

    @property
    def live(self) -> list[str]:
        return sorted(id_ for id_, kept in self._objects.get(OBJECT, {}).items() if not kept.deleted)

    @property
    def kept(self) -> dict[str, Kept]:
        return self._objects.get(OBJECT, {})

    # --- what reads show

    def _call(self) -> None:
        self.between()
        super()._call()

    def _within(self, spec: ReadSpec, window: Window) -> list[Kept]:
        """Of each record the newest version that is visible: an uncommitted one does not hide the one before it."""
        now = self._clock.now()
        chosen = []
        for history in self._newest.values():
            kept = next((k for k, v in reversed(history) if v.visible_at <= now), None)
            inside = kept is not None and kept.stamp <= window.upper
            if kept is None or not inside or (window.lower is not None and kept.stamp < window.lower):
                continue
            if self.facts.reports_deletes or not kept.deleted:
                chosen.append(kept)
        return sorted(chosen, key=lambda kept: (kept.stamp, kept.id))

    def _pages(self, spec: ReadSpec, chosen: Any, position: Mapping[str, Any] | None) -> Iterator[Page]:
        """Rows come in any order within a page, and now and then twice."""
        for page in super()._pages(spec, chosen, position):
            rows = list(page.rows)
            if rows and self.chance.random() < 0.2:
                rows.append(self.chance.choice(rows))
            self.chance.shuffle(rows)
            yield replace(page, rows=rows)
