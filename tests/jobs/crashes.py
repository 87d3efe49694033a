"""Dies at a chosen boundary of the work: around each transaction of the store and each call to a connector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import sqlalchemy as sa

from syncd.connectors.base import Connector
from syncd.connectors.wrappers import Wrapped
from syncd.model import Page, ReadSpec, Receipt, Row, Window, Write
from syncd.store.database import Store
from syncd.store.tables import counter, metadata


class Died(BaseException):
    """The process was killed: nothing catches it, and nothing works afterwards."""


class Fate:
    """Counts boundaries and kills at the one whose number it was given; never, without a number."""

    def __init__(self, dies_at: int | None = None) -> None:
        self._dies_at, self._lock = dies_at, Lock()
        self.passed: list[str] = []
        self.dead = False

    def boundary(self, name: str) -> None:
        with self._lock:
            self.passed.append(name)
            if self.dead or len(self.passed) == self._dies_at:
                self.dead = True
                raise Died(name)


class MortalStore(Store):
    """Dies before a commit, so that it is rolled back, or right after it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.fate = Fate()
        if self.is_sqlite:
            # these deaths are no power cuts, so that nothing has to wait for the disk
            sa.event.listen(self._writing, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))

    def wipe(self) -> None:
        """Empty, as it was made."""
        with super().append() as tx:
            for table in reversed(metadata.sorted_tables):
                tx.execute(table.delete())
            tx.execute(counter.insert(), [{"name": "change", "value": 0}, {"name": "ledger", "value": 0}])
            if not self.is_sqlite:
                tx.exec_driver_sql("SELECT setval(seqrelid::regclass, 1, false) FROM pg_sequence")

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        with super().begin() as tx:
            yield tx
            self.fate.boundary("before a commit")
        self.fate.boundary("after a commit")

    @contextmanager
    def append(self) -> Iterator[sa.Connection]:
        with super().append() as tx:
            yield tx
            self.fate.boundary("before a commit")
        self.fate.boundary("after a commit")


class MortalConnector(Wrapped):
    """Dies before a call, so that it never arrives, or after it, so that its answer is lost."""

    def __init__(self, inner: Connector, fate: Fate) -> None:
        super().__init__(inner)
        self._fate = fate

    def pull(self, spec: ReadSpec, window: Window, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        for page in self._inner.pull(spec, window, position):
            self._fate.boundary("after a page")
            yield page

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        rows = self._inner.fetch(spec, ids)
        self._fate.boundary("after a fetch")
        return rows

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        self._fate.boundary("before a write")
        receipts = self._inner.write(object, writes)
        self._fate.boundary("after a write")
        return receipts
