"""Reads a window of one object type through search, by id from one page to the next.

Search also serves the first pull. It takes 200 records a call where the list takes 100, filters at the server, and
counts what there is, which the list does not. What it lacks, freshness, needs no list: a record that the index does not
show yet has a stamp inside the overlap of the next window, as at every other pull.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from syncd.connectors.hubspot.associations import PER_CALL as PER_ASSOCIATION_CALL
from syncd.connectors.hubspot.associations import Associations
from syncd.connectors.hubspot.paths import Paths, plain_type
from syncd.connectors.hubspot.rows import Result, RowMaker, milliseconds
from syncd.connectors.transport import Transport
from syncd.errors import IncompleteRead
from syncd.model import Page, ReadSpec, Window

PER_PAGE = 200
_MOST_FILTERS = 10
_MOST_VALUES = 100

Filter = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a pull goes on: after the record with this id. `expected` is how many there were when it began."""

    after: str | None = None
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


class Search:
    """One pull of one window.

    Going on by id instead of by offset has two reasons: offsets end at 10,000, and a window cannot always be split by
    time below that, because one import stamps any number of records with the same millisecond.
    """

    def __init__(self, transport: Transport, paths: Paths, spec: ReadSpec, window: Window | None = None) -> None:
        self._transport, self._spec, self._window = transport, spec, window
        self._path = f"{paths.objects}/{plain_type(spec.object)}/search"
        self._maker = RowMaker(spec)
        self._associations = Associations(transport, paths, spec.object)
        self._at_once = PER_ASSOCIATION_CALL // PER_PAGE if spec.associations else 1

    def pages(self, position: Position) -> Iterator[Page]:
        """Every page after the position. Raises IncompleteRead when fewer rows came than search counts."""
        if any(not values for values in self._spec.where.values()):
            position = replace(position, done=True, expected=0)
        while not position.done:
            results, position = self._gather(position)
            rows, unreadable = self._maker.rows(results)
            self._associations.attach(rows, self._maker)
            missing = self._missing(position) if position.done else 0
            if missing > 0:
                yield Page(rows, {}, position.expected, False, unreadable)
                raise IncompleteRead(f"{self._spec.object}: {missing} records fewer came than HubSpot counts.")
            yield Page(rows, position.plain(), position.expected, position.done, unreadable)
            if position.done:
                return
        yield Page((), position.plain(), position.expected, True)

    def _gather(self, position: Position) -> tuple[list[Result], Position]:
        """One page, or as many as one call for associations can take."""
        gathered: list[Result] = []
        for _ in range(self._at_once):
            results, position = self._next(position)
            gathered += results
            if position.done:
                break
        return gathered, position

    def _next(self, position: Position) -> tuple[Sequence[Result], Position]:
        above = [{"propertyName": "hs_object_id", "operator": "GT", "value": position.after or "0"}]
        results, total = self._ask([*self._bounds(), *above, *self._where(_MOST_FILTERS - 2)], PER_PAGE)
        last = _highest_id(results)
        if total > 0 and last <= int(position.after or 0):
            raise IncompleteRead(f"{self._spec.object}: HubSpot counts {total} more records but does not give them.")
        return results, Position(
            after=str(last) if last else position.after,
            seen=position.seen + len(results),
            expected=position.seen + total if position.expected is None else position.expected,
            done=len(results) >= total,
        )

    def _missing(self, position: Position) -> int:
        """How many records are there that did not come. The first count is too high once a record left the window
        while it was read; only then it is worth a call to count again."""
        if position.expected is None or position.seen >= position.expected:
            return 0
        below = [{"propertyName": "hs_object_id", "operator": "LTE", "value": position.after or "0"}]
        _, total = self._ask([*self._bounds(), *below, *self._where(_MOST_FILTERS - 2)], 1)
        return max(total - position.seen, 0)

    def total(self) -> int | None:
        """How many live records the index counts for the filter now, whatever the window; None if it cannot filter so.

        The index may lag behind the records.
        """
        where = self._where(_MOST_FILTERS)
        if any(not values for values in self._spec.where.values()):
            return 0
        return self._ask(where, 1)[1] if len(where) == len(self._spec.where) else None

    def _ask(self, filters: Sequence[Filter], limit: int) -> tuple[Sequence[Result], int]:
        content = self._transport.json(
            "POST",
            self._path,
            template=f"search/{plain_type(self._spec.object)}",
            kind="search",
            body={
                "filterGroups": [{"filters": filters}] if filters else [],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                "properties": self._maker.properties,
                "limit": limit,
            },
        )
        results, total = content.get("results"), content.get("total")
        if not isinstance(results, list) or not isinstance(total, int):
            raise IncompleteRead(f"{self._spec.object}: search answered without results or a count.")
        return results, total

    def _bounds(self) -> list[Filter]:
        """The window. The first one has no bounds at all, so that not even a record without a stamp is left out."""
        if self._window is None or self._window.lower is None:
            return []
        lower, upper = milliseconds(self._window.lower), milliseconds(self._window.upper)
        return [{"propertyName": self._maker.cursor, "operator": "BETWEEN", "value": lower, "highValue": upper}]

    def _where(self, room: int) -> list[Filter]:
        """As much of the filter as search takes; all of it is applied to what comes.

        IN wants lower case for texts and the exact case for choices, so it gets both.
        """
        filters: list[Filter] = []
        for name, values in self._spec.where.items():
            both = list(dict.fromkeys([*values, *(v.lower() for v in values)]))
            if len(both) <= _MOST_VALUES and "" not in both:
                filters.append({"propertyName": name, "operator": "IN", "values": both})
        return filters[:room]


def _highest_id(results: Sequence[Result]) -> int:
    try:
        return max(map(int, map(itemgetter("id"), results)), default=0)
    except (KeyError, TypeError, ValueError):
        return max((int(r["id"]) for r in results if isinstance(r, dict) and str(r.get("id")).isdigit()), default=0)
