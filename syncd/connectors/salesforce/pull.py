"""Reads a window of one object: queryAll in the order of stamp and id, page by page, counted to the end.

A position holds the server's cursor for going on cheaply, and a stamp and id for going on when the cursor is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from syncd.connectors.salesforce import soql
from syncd.connectors.salesforce.errors import code_of
from syncd.connectors.salesforce.shape import Shape, of_records
from syncd.connectors.transport import Transport
from syncd.errors import IncompleteRead
from syncd.model import Page, ReadSpec, Row, Window

_GONE = frozenset({"INVALID_QUERY_LOCATOR"})
_BAD_REQUEST = frozenset({400, 404})


@dataclass(frozen=True, slots=True)
class Position:
    """Where a pull goes on. `seen` and `expected` count the whole window, over every interruption."""

    locator: str | None = None
    stamp: str | None = None
    id: str | None = None
    seen: int = 0
    expected: int | None = None
    done: bool = False

    @classmethod
    def of(cls, plain: Mapping[str, Any] | None) -> Position:
        """From what a page carried."""
        return cls(**plain) if plain else cls()

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) not in (None, False)}


class Pull:
    """One pull of one window."""

    def __init__(self, transport: Transport, base: str, spec: ReadSpec, shape: Shape, window: Window) -> None:
        self._transport, self._base, self._spec = transport, base, spec
        self._shape, self._window = shape, window
        self._visited: set[str] = set()

    def pages(self, position: Position) -> Iterator[Page]:
        """Every page after the position. Raises IncompleteRead when fewer rows came than the server counts."""
        while not position.done:
            content, position = self._next(position)
            rows, unreadable = self._shape.rows(of_records(content))
            seen = position.seen + len(rows) + len(unreadable)
            if (trouble := self._trouble(position, content, seen)) is not None:
                yield Page(rows, {}, position.expected, False, unreadable)  # no position: the window is read again
                raise IncompleteRead(f"{self._spec.object}: {trouble}")
            position = self._advanced(position, content, rows, seen)
            yield Page(rows, position.plain(), position.expected, position.done, unreadable)
            if position.done:
                return
        yield Page((), position.plain(), position.expected, True)

    def _next(self, position: Position) -> tuple[Any, Position]:
        """The answer at a position: by the cursor while the server keeps it, else by a query from the last row on."""
        if position.locator is not None:
            answer = self._transport.call(
                "GET", self._transport.wire.pinned(position.locator), template="query/next", accept=_BAD_REQUEST
            )
            if answer.status < 300:
                return self._transport.parsed(answer, "query/next"), position
            if code_of(answer.json_or_none()) not in _GONE:
                raise self._transport.refusal(answer, "query/next")
        content = self._transport.json("GET", self._path(position), template=f"queryAll/{self._spec.object}")
        rest = content.get("totalSize")
        return content, replace(position, expected=position.seen + rest if isinstance(rest, int) else None)

    def _path(self, position: Position) -> str:
        window = soql.within(self._window.lower, self._window.upper)
        conditions = [*window, *soql.filters(self._spec.where, self._shape.types)]
        if position.stamp is not None and position.id is not None:
            conditions.append(soql.after(datetime.fromisoformat(position.stamp), position.id))
        text = soql.select(self._shape.columns, self._spec.object, conditions, "SystemModstamp, Id")
        return f"{self._base}/queryAll?q={quote(text, safe='')}"

    def _trouble(self, position: Position, content: Mapping[str, Any], seen: int) -> str | None:
        """Why the window cannot be read to its end."""
        if position.expected is None:
            return "Salesforce did not say how many records there are."
        if content.get("done") is True:
            return None if seen >= position.expected else f"{seen} of {position.expected} records came."
        more = content.get("nextRecordsUrl")
        fresh = isinstance(more, str) and more not in self._visited
        return None if fresh else "Salesforce says that there is more but names no new page."

    def _advanced(self, position: Position, content: Mapping[str, Any], rows: Sequence[Row], seen: int) -> Position:
        if content.get("done") is True:
            return Position(seen=seen, expected=position.expected, done=True)
        more = str(content["nextRecordsUrl"])
        self._visited.add(more)
        stamp, id_ = self._last_in_order(rows) or (position.stamp, position.id)
        return replace(position, locator=more, stamp=stamp, id=id_, seen=seen)

    def _last_in_order(self, rows: Sequence[Row]) -> tuple[str, str] | None:
        """The last row whose place in the order is sure.

        A cursor keeps its list of ids but reads the records when a page is asked for: one that was changed meanwhile
        comes in its old place with a stamp after the window. Going on from that stamp would leave out all between.
        """
        for row in reversed(rows):
            if row.stamp < self._window.upper:
                return soql.instant(row.stamp), row.id
        return None
