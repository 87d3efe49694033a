"""Workers of a Spark cluster, for lists that outgrow one machine's time.

All its machines must see the folder for temporary files (`TMPDIR`), where the lists are kept, and have syncd installed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from syncd.errors import UserError

T = TypeVar("T")
R = TypeVar("R")


class Spark:
    """The session of `SPARK_MASTER`, or one on this machine with `count` threads."""

    def __init__(self, count: int | None = None) -> None:
        try:
            from pyspark.sql import SparkSession
        except ImportError as missing:
            raise UserError("The engine spark needs Java and pip install 'syncd[spark]'.") from missing
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        alone = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
        quiet = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
        master = os.environ.get("SPARK_MASTER", "")
        builder = SparkSession.builder.master(master or f"local[{count or os.cpu_count() or 1}]").appName("syncd match")
        for key, value in (quiet if master else quiet | alone).items():
            builder = builder.config(key, value)
        self._session: Any = builder.getOrCreate()

    def __enter__(self) -> Spark:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.stop()

    def run(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """Do something to every item, each as a task of its own; results in order."""
        if not items:
            return iter(())
        spread = self._session.sparkContext.parallelize(list(items), len(items))
        return iter(spread.map(work).collect())
