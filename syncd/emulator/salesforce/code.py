"""Conditions and values of a query as Python source, compiled once per query: a scan of a table is then one tight loop.

Nothing that a client wrote becomes source: names are slots, and values are bound as constants.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, cast

from syncd.emulator.salesforce.syntax import SoqlError
from syncd.emulator.table import Row

Getter = Callable[[Row], Any]
Scan = Callable[[Any], list[Row]]


class Code:
    """The constants and functions of one query, and what is compiled over them; `r` stands for the row."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {}

    def bind(self, value: Any) -> str:
        """A name for a constant or a function."""
        name = f"c{len(self._names)}"
        self._names[name] = value
        return name

    def call(self, function: Getter) -> str:
        """Source that applies a function to the row."""
        return f"{self.bind(function)}(r)"

    def getter(self, source: str) -> Getter:
        """A function of a row from the source of a value."""
        if source.startswith("r[") and source[2:-1].isdigit():
            return itemgetter(int(source[2:-1]))
        return cast(Getter, self._compiled(f"lambda r: {source}"))

    def scan(self, condition: str) -> Scan:
        """A function that keeps those of many rows that meet a condition."""
        if condition == "True":
            return list
        return cast(Scan, self._compiled(f"lambda rows: [r for r in rows if {condition}]"))

    def _compiled(self, source: str) -> Any:
        try:
            return eval(source, self._names)  # noqa: S307 (made of slots, operators and names bound above)
        except (SyntaxError, RecursionError, MemoryError):  # nested too deeply to be compiled
            message = "Query is either selecting too many fields or the filter conditions are too complicated."
            raise SoqlError("QUERY_TOO_COMPLICATED", message) from None
