"""Workers on this machine: processes that share the mapped files."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Pool:
    """As many processes as there are processors, or `count`."""

    def __init__(self, count: int | None = None) -> None:
        # Forking is quick, but only safe where no other thread could be caught in the middle of something.
        forks = "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
        context = multiprocessing.get_context("fork" if forks else "spawn")
        self._executor = ProcessPoolExecutor(count or os.cpu_count() or 1, context, _quiet)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(cancel_futures=True)

    def run(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """Do something to every item; results in order."""
        return self._executor.map(work, items)


def _quiet() -> None:
    """What is read stays until the task ends; collecting garbage meanwhile would take a third of the time."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
