"""Transactions that commit late: a record has its stamp from the statement, but nobody sees it before the commit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.log import Actor, Change
from syncd.emulator.salesforce.errors import RowError
from syncd.emulator.table import Row, Table

if TYPE_CHECKING:
    from syncd.emulator.salesforce.store import Org

LONGEST = 600.0
"""Seconds that a transaction may last."""


@dataclass(slots=True)
class _Held:
    """An open transaction: rows as they were and as they will be, and what the log will say."""

    opened: datetime
    due: datetime
    rows: dict[tuple[str, str], tuple[Row | None, Row | None]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)


class Commits:
    """The open transactions of an org."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._open: dict[str, _Held] = {}
        self._inside: str | None = None
        self._count = 0
        self._share, self._seconds = 0.0, 0.0
        self._random = random.Random(f"commits {org.seed}")  # noqa: S311 (a seed, not a secret)

    # --- opening and ending

    def open(self, seconds: float = LONGEST) -> str:
        """Open a transaction that commits by itself after so many seconds; returns its handle."""
        if not 0 < seconds <= LONGEST:
            raise ValueError(f"a transaction lasts up to {LONGEST:g} s, not {seconds:g}")
        self._count += 1
        handle, now = f"transaction-{self._count}", self._org.clock.now()
        self._open[handle] = _Held(now, now + timedelta(seconds=seconds))
        return handle

    def commit(self, handle: str) -> None:
        """Let everybody see what was written in a transaction."""
        held = self._taken(handle)
        for (name, id_), (before, after) in held.rows.items():
            _carry_over(self._org.tables[name], id_, before, after)
        for change in held.changes:
            self._org.journal.changes.append(change)

    def roll_back(self, handle: str) -> None:
        """Undo a transaction."""
        self._taken(handle)

    def _taken(self, handle: str) -> _Held:
        if handle not in self._open:
            raise EmulatorRefusal("NOT_FOUND", f"no open transaction {handle!r}; open: {', '.join(self._open)}")
        return self._open.pop(handle)

    def pass_time(self, now: datetime) -> None:
        """Commit what has become due."""
        for handle in sorted(self._open, key=lambda one: self._open[one].due):
            if self._open[handle].due <= now:
                self.commit(handle)

    def delay(self, share: float, seconds: float) -> None:
        """From now on let a share of the edits by people commit up to so many seconds late."""
        if not 0 <= share <= 1 or not 0 <= seconds <= LONGEST:
            raise ValueError(f"share is 0 to 1, seconds 0 to {LONGEST:g}")
        self._share, self._seconds = share, seconds

    def oldest(self) -> datetime | None:
        """When the oldest open transaction began."""
        return min((held.opened for held in self._open.values()), default=None)

    # --- writing

    @contextmanager
    def by_person(self, handle: str | None) -> Iterator[None]:
        """A person's edit: in the transaction given, or in one of its own where edits are delayed."""
        if handle is None and self._share and self._random.random() < self._share:
            handle = self.open(max(1.0, self._random.random() * self._seconds))
        if handle is None:
            yield
            return
        with self._inside_of(handle):
            yield

    @contextmanager
    def _inside_of(self, handle: str) -> Iterator[None]:
        held = self._open.get(handle) or self._taken(handle)
        mark = len(self._org.journal.changes)
        self._show(held, 1)
        self._inside = handle
        try:
            with self._org.transaction() as written:
                yield
            for name, id_, before in written:
                held.rows.setdefault((name, id_), (before, None))
            for name, id_ in held.rows:
                now = self._org.tables[name].rows.get(id_)
                held.rows[name, id_] = (held.rows[name, id_][0], None if now is None else list(now))
            held.changes += self._org.journal.changes.page(mark, len(self._org.journal.changes))
        finally:
            self._inside = None
            self._org.journal.changes.cut(mark)
            self._show(held, 0)

    def _show(self, held: _Held, side: int) -> None:
        """Put the tables into the state before (0) or after (1) a transaction's writes."""
        for (name, id_), images in held.rows.items():
            _put(self._org.tables[name], id_, images[side])

    def guard(self, id_: str, actor: Actor) -> None:
        """A record in an open transaction is locked: a program is refused, a person waits until it is committed."""
        for handle, held in list(self._open.items()):
            if handle == self._inside or not any(id_ == locked for _, locked in held.rows):
                continue
            if actor.is_api:
                message = f"unable to obtain exclusive access to this record or 1 records: {id_}"
                raise RowError("UNABLE_TO_LOCK_ROW", message)
            self.commit(handle)


def _put(table: Table, id_: str, image: Row | None) -> None:
    """Give a row the state of a copy, or take it out."""
    row = table.rows.get(id_)
    if image is None:
        if row is not None:
            table.remove(id_)
    elif row is None:
        table.add(list(image))
    else:
        table.update(row, _differences(table, row, image))


def _carry_over(table: Table, id_: str, before: Row | None, after: Row | None) -> None:
    """Bring a transaction's change of a row into the table, field by field where the row is still there."""
    row = table.rows.get(id_)
    if before is not None and after is not None and row is not None:
        table.update(row, _differences(table, before, after))
    elif before is None or row is not None:
        _put(table, id_, after)


def _differences(table: Table, was: Row, is_: Row) -> dict[str, Any]:
    """What another state of a row holds elsewhere; slots that one of them lacks are empty there."""
    count = max(len(was), len(is_))
    before, after = (one + [None] * (count - len(one)) for one in (was, is_))
    return {name: after[slot] for name, slot in table.slots.items() if slot < count and after[slot] != before[slot]}
