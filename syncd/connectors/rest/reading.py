"""Reads an object's list to its end, whatever way the API pages, and single records by their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin

from syncd.connectors.rest import filling
from syncd.connectors.rest.description import Listing, RestObject
from syncd.connectors.rest.shape import Shape, finder
from syncd.connectors.transport import Transport
from syncd.connectors.wire import Answer
from syncd.errors import IncompleteRead
from syncd.model import Page, ReadSpec, Row, Window

_EARLIER = timedelta(
    seconds=1
)  # some APIs ask for what is newer than a time, not for what is as old, or drop fractions
_NOT_THERE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Position:
    """Where a list goes on. `at` is the number, offset, cursor or link of the next page.

    `read` counts every record that came, `dropped` those that the filter or the window kept out.
    """

    at: Any = None
    read: int = 0
    dropped: int = 0
    total: int | None = None
    done: bool = False

    @classmethod
    def of(cls, plain: Mapping[str, Any] | None) -> Position:
        """From what a page carried."""
        return cls(**plain) if plain else cls()

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) not in (None, False)}

    @property
    def expected(self) -> int | None:
        """How many of the records that are told of count for us; None where the API tells no number."""
        return None if self.total is None else self.total - self.dropped


class Reading:
    """One reading of one object."""

    def __init__(self, transport: Transport, about: RestObject, spec: ReadSpec, now: datetime) -> None:
        self._transport, self._about, self._spec, self._now = transport, about, spec, now
        self._shape = Shape(about, spec)

    def pages(self, window: Window | None, position: Position) -> Iterator[Page]:
        """Every record of the list that lies in the window, or every one. Raises IncompleteRead where it breaks off."""
        if any(not values for values in self._spec.where.values()):
            position = replace(position, done=True, total=0)
        before: list[str] = []
        now = window.upper if window is not None else self._now
        while not position.done:
            items, position = self._next(window, position)
            ids = [self._shape.id_of(item) for item in items]
            if ids and ids == before:
                raise IncompleteRead(f"{self._spec.object}: the API gives the same page again; correct `paging`.")
            before = ids
            rows, unreadable, dropped = self._shape.kept(items, now, window)
            position = replace(position, dropped=position.dropped + dropped)
            if position.done and position.total is not None and position.read < position.total:
                yield Page(rows, {}, position.expected, False, unreadable)
                raise IncompleteRead(f"{self._spec.object}: {position.read} of {position.total} records came.")
            yield Page(rows, position.plain(), position.expected, position.done, unreadable)
            if position.done:
                return
        yield Page((), position.plain(), position.expected, True)

    def count(self) -> int | None:
        """How many there are, where the API tells; a filter must be one that the API knows."""
        listing = self._about.count
        if listing is None or any(name not in listing.where for name in self._spec.where):
            return None
        if any(not values for values in self._spec.where.values()):
            return 0
        return _total(listing, self._ask(listing, self._params(listing, None, Position())))

    def by_id(self, ids: Sequence[str]) -> list[Row]:
        """The present state of these records; the filter of the specification does not apply."""
        asked = list(dict.fromkeys(ids))
        if self._about.read_many is not None:
            return self._several(asked)
        return [row for id_ in asked for row in self._single(id_)]

    # --- inside

    def _next(self, window: Window | None, position: Position) -> tuple[list[Any], Position]:
        listing = self._about.listing
        if listing.paging.style == "link" and position.at is not None:
            answer = self._call(self._transport.wire.pinned(str(position.at)))
        else:
            answer = self._call(filling.path(listing.path, {}, self._params(listing, window, position)))
        content = self._transport.parsed(answer, self._template)
        items = finder(listing.items)(content)
        if not isinstance(items, list):
            raise IncompleteRead(f"{self._spec.object}: the answer has no list of records; correct `items`.")
        told = _total(listing, content)
        position = replace(position, read=position.read + len(items), total=position.total if told is None else told)
        return items, self._advanced(position, items, content, answer)

    def _advanced(self, position: Position, items: Sequence[Any], content: Any, answer: Answer) -> Position:
        paging = self._about.listing.paging
        if paging.style == "none":
            return replace(position, at=None, done=True)
        if paging.style in ("cursor", "link"):
            return self._followed(position, self._next_place(content, answer))
        known = position.total is not None
        over = position.read >= (position.total or 0) if known else paging.ends == "short" and len(items) < paging.size
        if over or not items:
            return replace(position, at=None, done=True)
        step = position.at if position.at is not None else (paging.first if paging.style == "page" else 0)
        return replace(position, at=step + (1 if paging.style == "page" else len(items)))

    def _followed(self, position: Position, place: str | None) -> Position:
        if place is None:
            return replace(position, at=None, done=True)
        if place == position.at:
            raise IncompleteRead(f"{self._spec.object}: the API says that there is more but names no new page.")
        return replace(position, at=place)

    def _next_place(self, content: Any, answer: Answer) -> str | None:
        """The next cursor, or the next link; where it leads to is looked at when it is followed."""
        paging = self._about.listing.paging
        if paging.next is not None:
            found = finder(paging.next)(content)
        else:
            match = filling.LINK.search(answer.headers.get("Link", ""))
            found = match[1] if match else None
        if found is None or found == "" or paging.style == "cursor":
            return None if found in (None, "") else str(found)
        return urljoin(self._about.listing.path, str(found))  # a link may be relative

    def _params(self, listing: Listing, window: Window | None, position: Position) -> list[tuple[str, str]]:
        params = [(name, filling.text(value)) for name, value in listing.params.items()]
        paging = listing.paging
        if paging.size_param is not None:
            params.append((paging.size_param, str(paging.size)))
        if paging.style == "page":
            params.append((paging.param, str(paging.first if position.at is None else position.at)))
        elif paging.style == "offset":
            params.append((paging.param, str(position.at or 0)))
        elif paging.style == "cursor" and position.at is not None:
            params.append((paging.param, str(position.at)))
        if listing.since is not None and window is not None and window.lower is not None:
            since = filling.written(window.lower - _EARLIER, listing.since.format)
            params.append((listing.since.param, since))
        for name, values in self._spec.where.items():
            if name in listing.where and "" not in values:
                params += [(listing.where[name], value) for value in values]
        return params

    def _single(self, id_: str) -> list[Row]:
        assert self._about.read is not None
        answer = self._call(filling.path(self._about.read.path, {"id": id_}), accept=_NOT_THERE)
        if answer.status == 410:
            return [Row(id_, self._now, {}, True)]
        if answer.status == 404:
            return []
        item = finder(self._about.read.item)(self._transport.parsed(answer, self._template))
        return [row for row in self._shape.rows([item], self._now)[0] if row.id == id_]

    def _several(self, ids: Sequence[str]) -> list[Row]:
        many = self._about.read_many
        assert many is not None
        rows: list[Row] = []
        for start in range(0, len(ids), many.most):
            some = ids[start : start + many.most]
            params = [(name, filling.text(value)) for name, value in many.params.items()]
            params.append((many.param, many.separator.join(some)))
            content = self._transport.parsed(self._call(filling.path(many.path, {}, params)), self._template)
            items = finder(many.items)(content)
            found = self._shape.rows(items if isinstance(items, list) else [], self._now)[0]
            rows += [row for row in found if row.id in some]
        return rows

    def _ask(self, listing: Listing, params: list[tuple[str, str]]) -> Any:
        return self._transport.parsed(self._call(filling.path(listing.path, {}, params)), self._template)

    def _call(self, path: str, accept: frozenset[int] = frozenset()) -> Answer:
        return self._transport.call("GET", path, template=self._template, accept=accept)

    @property
    def _template(self) -> str:
        return f"read/{self._spec.object}"


def _total(listing: Listing, content: Any) -> int | None:
    told = finder(listing.total)(content) if listing.total is not None else None
    return told if isinstance(told, int) and not isinstance(told, bool) else None
