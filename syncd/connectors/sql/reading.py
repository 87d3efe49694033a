"""Reads tables in pages, each going on behind the last row of the one before, counted to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from syncd.connectors.sql import values
from syncd.connectors.sql.tables import Known
from syncd.errors import IncompleteRead
from syncd.model import Page, ReadSpec, Row, Window

PER_FETCH = 500
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # of a row without a stamp, so that any change of it is newer

Ask = Callable[[sa.Select[Any]], Sequence[Any]]
"""Runs one query in a transaction of its own."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reading goes on: after the row with this id, or with this stamp and id."""

    stamp: str | None = None
    id: Any = None
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


class Reading:
    """One reading of one table for one specification."""

    def __init__(self, ask: Ask, known: Known, spec: ReadSpec, per_page: int) -> None:
        self._ask, self._known, self._spec, self._per_page = ask, known, spec, per_page
        self._columns = [known.column(name) for name in spec.fields]
        self._to_plain = [
            (name, values.to_plain(column, known.zone)) for name, column in zip(spec.fields, self._columns, strict=True)
        ]
        deleted = sa.null() if known.deleted is None else known.deleted
        fields = [column.label(f"f{n}") for n, column in enumerate(self._columns)]
        self._select = sa.select(known.id.label("id"), known.stamp.label("stamp"), deleted.label("deleted"), *fields)

    def window(self, window: Window, position: Position) -> Iterator[Page]:
        """The rows whose stamps lie in the window; the first one leaves out not even a row without a stamp.

        It goes by id, as `everything` does, because the primary key has an index whatever else has one.
        """
        stamp = self._known.stamp
        lower, upper = self._known.bounds(window)
        if lower is None:
            yield from self._pages([sa.or_(stamp <= upper, stamp.is_(None))], position, by_stamp=False)
        else:
            yield from self._pages([stamp >= lower, stamp <= upper], position, by_stamp=True)

    def everything(self, position: Position) -> Iterator[Page]:
        """All rows."""
        yield from self._pages([], position, by_stamp=False)

    def by_id(self, ids: Sequence[str]) -> list[Row]:
        """The rows with these ids; the filter of the specification does not apply."""
        rows: list[Row] = []
        typed = self._known.ids(list(dict.fromkeys(ids)))
        for start in range(0, len(typed), PER_FETCH):
            found = self._ask(self._select.where(self._known.id.in_(typed[start : start + PER_FETCH])))
            rows += self._rows(found)[0]
        return rows

    def count(self, conditions: Sequence[sa.ColumnElement[bool]]) -> int:
        """How many rows fulfil the conditions and the filter."""
        query = sa.select(sa.func.count()).select_from(self._known.table)
        return int(self._ask(query.where(*self._known.filters(self._spec), *conditions))[0][0])

    def _pages(self, conditions: Sequence[Any], position: Position, *, by_stamp: bool) -> Iterator[Page]:
        while not position.done:
            found = self._ask(self._query(conditions, position, by_stamp))
            rows, unreadable = self._rows(found)
            position = self._advanced(conditions, position, found, by_stamp)
            if position.done and (missing := self._missing(conditions, position)):
                yield Page(rows, {}, position.expected, False, unreadable)
                raise IncompleteRead(
                    f"{self._spec.object}: {missing} rows fewer came than the table has. Is its id unique?"
                )
            yield Page(rows, position.plain(), position.expected, position.done, unreadable)
            if position.done:
                return
        yield Page((), position.plain(), position.expected, True)

    def _query(self, conditions: Sequence[Any], position: Position, by_stamp: bool) -> sa.Select[Any]:
        stamp, id_ = self._known.stamp, self._known.id
        query = self._select.where(*self._known.filters(self._spec), *conditions).limit(self._per_page)
        query = query.order_by(stamp, id_) if by_stamp else query.order_by(id_)
        if position.id is None:
            return query
        after = values.of_column(id_, position.id, self._known.zone)
        if not by_stamp:
            return query.where(id_ > after)
        at = values.in_column(self._known.stamps[0], datetime.fromisoformat(str(position.stamp)), self._known.zone)
        return query.where(stamp >= at, sa.or_(stamp > at, sa.and_(stamp == at, id_ > after)))

    def _advanced(
        self, conditions: Sequence[Any], position: Position, found: Sequence[Any], by_stamp: bool
    ) -> Position:
        """Where the next page begins. Raises IncompleteRead where it would be this one again."""
        seen, full = position.seen + len(found), len(found) >= self._per_page
        expected = position.expected
        if expected is None:
            expected = self.count(conditions) if full else seen
        if not full:
            return replace(position, seen=seen, expected=expected, done=True)
        last = found[-1]
        stamp = values.instant(last.stamp, self._known.zone).isoformat() if by_stamp else None
        after = Position(stamp, values.plain(last.id, self._known.zone), seen, expected)
        if after.id is None or (after.stamp, after.id) == (position.stamp, position.id):
            raise IncompleteRead(
                f"{self._spec.object}: the rows after {after.id} cannot be told apart by stamp and id."
            )
        return after

    def _missing(self, conditions: Sequence[Any], position: Position) -> int:
        """How many rows are there that did not come. The first count is too high once rows left the window while it
        was read; only then it is worth counting again."""
        if position.expected is None or position.seen >= position.expected:
            return 0
        return max(self.count(conditions) - position.seen, 0)

    def _rows(self, found: Sequence[Any]) -> tuple[list[Row], tuple[tuple[str, str], ...]]:
        rows: list[Row] = []
        nameless = 0
        make, zone = tuple.__new__, self._known.zone
        for one in found:
            if one[0] is None:
                nameless += 1
                continue
            fields = {
                name: value if convert is None or value is None else convert(value)
                for (name, convert), value in zip(self._to_plain, one[3:], strict=True)
            }
            stamp = _NEVER if one[1] is None else values.instant(one[1], zone)
            rows.append(make(Row, (str(one[0]), stamp, fields, values.is_set(one[2]), None)))
        told = (
            f"{nameless} rows of {self._known.table.name} have no {self._known.id.name}, by which they would be known."
        )
        return rows, (("?", told),) if nameless else ()
