"""What search sees of the records: everything at once, or each change some time after it was made, out of order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from syncd.emulator.clock import Clock
from syncd.emulator.table import Row, Table


@dataclass(slots=True)
class _State:
    """The record as it is after a change; `row` None: not there, `live`: as the store has it now."""

    visible: datetime
    row: Row | None = None
    live: bool = True


@dataclass(slots=True)
class _Waiting:
    """A record whose newest changes search does not see yet; `base` is what it saw before them."""

    base: Row | None
    states: list[_State] = field(default_factory=list)

    def seen(self, now: datetime) -> _State | None:
        """The newest state that is visible; an older one that arrives later does not undo it."""
        return next((one for one in reversed(self.states) if one.visible <= now), None)


class Index:
    """The search index of one portal."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lag, self._jitter = timedelta(0), 0.0
        self._random = random.Random("index 0")  # noqa: S311 (a seed, not a secret)
        self._waiting: dict[str, dict[str, _Waiting]] = {}
        self._seen: dict[str, tuple[int, datetime]] = {}

    def delay(self, seconds: float, jitter: float, seed: int) -> None:
        """From now on a change is searchable after `seconds` plus up to `jitter` more, drawn from `seed`."""
        self._lag, self._jitter = timedelta(seconds=seconds), jitter
        self._random = random.Random(f"index {seed}")  # noqa: S311 (a seed, not a secret)

    def flush(self) -> int:
        """Make every change searchable at once; returns how many records that concerned."""
        waiting = sum(map(len, self._waiting.values()))
        self._waiting.clear()
        self._seen = {kind: (number + 1, when) for kind, (number, when) in self._seen.items()}
        return waiting

    def waiting(self, kind: str) -> list[str]:
        """Ids of the records that search shows in an older state, or not at all."""
        self.state(kind)
        return list(self._waiting.get(kind, ()))

    def note(self, kind: str, id_: str, row: Row | None) -> None:
        """To be called before a record changes; `row` is how it is now, None if it is not there."""
        known = self._waiting.get(kind, {}).get(id_)
        if known is None and not self._lag and not self._jitter:
            return
        before = None if row is None else list(row)
        if known is None:
            known = self._waiting.setdefault(kind, {})[id_] = _Waiting(before)
        else:
            known.states[-1].row, known.states[-1].live = before, False
        late = timedelta(seconds=self._random.uniform(0.0, self._jitter))
        known.states.append(_State(self._clock.now() + self._lag + late))

    def state(self, kind: str) -> int:
        """A number that grows whenever search begins to see something else than before."""
        number, since = self._seen.get(kind, (0, datetime.min.replace(tzinfo=self._clock.now().tzinfo)))
        waiting, now = self._waiting.get(kind), self._clock.now()
        if waiting and any(since < one.visible <= now for each in waiting.values() for one in each.states):
            number += 1
            for id_ in [id_ for id_, each in waiting.items() if each.states[-1].visible <= now]:
                del waiting[id_]
        self._seen[kind] = number, now
        return number

    def rows(self, kind: str, table: Table) -> Iterator[Row]:
        """The records as search sees them, archived ones included."""
        waiting = self._waiting.get(kind)
        if not waiting:
            yield from table
            return
        now = self._clock.now()
        for id_, row in table.rows.items():
            shown = self._shown(waiting[id_], row, table, now) if id_ in waiting else row
            if shown is not None:
                yield shown
        for id_, each in waiting.items():
            if id_ not in table.rows and (gone := self._shown(each, None, table, now)) is not None:
                yield gone

    def _shown(self, waiting: _Waiting, live: Row | None, table: Table, now: datetime) -> Row | None:
        state = waiting.seen(now)
        if state is not None and state.live:
            return live
        row = waiting.base if state is None else state.row
        if row is not None:
            row.extend([None] * (len(table.slots) - len(row)))
        return row
