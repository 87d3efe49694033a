"""The daemon as a process that kills itself with SIGKILL at a boundary of its write-back.

python -m tests.e2e.dying CONFIG BOUNDARY FILE      tells in FILE where it died

Boundaries lie around each transaction and each call of the write step, heartbeat included. One that is not reached
within two cycles is never reached: it dies idle.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from syncd.cli.main import run as command_line
from syncd.connectors.base import Connector
from syncd.connectors.wrappers import Wrapped
from syncd.jobs import cycle as cycles
from syncd.jobs import daemon
from syncd.model import ReadSpec, Receipt, Row, Write
from syncd.store.database import Store

CYCLES = 2


class Fate:
    """Counts the boundaries of the threads that write, and dies at the one that was named."""

    def __init__(self, dies_at: int, tells: Path) -> None:
        self.dies_at, self.tells = dies_at, tells
        self.passed = self.cycles = 0
        self.lock, self.here = threading.Lock(), threading.local()

    def boundary(self, label: str) -> None:
        if not getattr(self.here, "writes", False):
            return
        with self.lock:
            self.passed += 1
            if self.passed == self.dies_at:
                self.die(label)

    def die(self, label: str) -> None:
        self.tells.write_text(label)
        os.kill(os.getpid(), signal.SIGKILL)


class Mortal(Wrapped):
    """Dies before a call leaves, or when its answer is there."""

    def __init__(self, inner: Connector, fate: Fate) -> None:
        super().__init__(inner)
        self.fate = fate

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        self.fate.boundary("before a read back")
        rows = self._inner.fetch(spec, ids)
        self.fate.boundary("after a read back")
        return rows

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        self.fate.boundary("before a write")
        receipts = self._inner.write(object, writes)
        self.fate.boundary("after a write")
        return receipts


def make_mortal(fate: Fate) -> None:
    """Put the boundaries in."""
    begin, append, write, cycle = Store.begin, Store.append, cycles.write, daemon.cycle

    def dying(real: Any) -> Any:
        @contextmanager
        def inner(self: Store) -> Iterator[Any]:
            with real(self) as tx:
                yield tx
                fate.boundary("before a commit")
            fate.boundary("after a commit")

        return inner

    def writing(work: Any, side: Any, counts: Any) -> Any:
        fate.here.writes = True
        try:
            return write(work, replace(side, connector=Mortal(side.connector, fate)), counts)
        finally:
            fate.here.writes = False

    def counted(*about: Any, **more: Any) -> Any:
        report = cycle(*about, **more)
        fate.cycles += 1
        if fate.cycles == CYCLES:
            fate.die("idle")
        return report

    Store.begin, Store.append = dying(begin), dying(append)  # type: ignore[method-assign]
    cycles.write, daemon.cycle = writing, counted


if __name__ == "__main__":
    make_mortal(Fate(int(sys.argv[2]), Path(sys.argv[3])))
    sys.exit(command_line(["--config", sys.argv[1], "run"]))
