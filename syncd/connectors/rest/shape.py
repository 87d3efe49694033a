"""Makes rows of the records in an answer, as the description says where their parts are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import jmespath

from syncd.connectors.rest import filling
from syncd.connectors.rest.description import RestObject
from syncd.errors import UserError
from syncd.mapping.convert import plain
from syncd.model import ReadSpec, Row, Window

Find = Callable[[Any], Any]
Unreadable = tuple[tuple[str, str], ...]

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
_NO = frozenset({"", "0", "false", "no"})


def finder(expression: str) -> Find:
    """What finds a value in a record; a plain name needs no more than a look."""
    if expression.isidentifier():
        return lambda item: item.get(expression) if isinstance(item, dict) else None
    found: Find = jmespath.compile(expression).search
    return found


class Shape:
    """The records of one object for one specification."""

    def __init__(self, about: RestObject, spec: ReadSpec) -> None:
        """Raises UserError for a field that the description does not have."""
        named = [*spec.fields, *(f"associations.{name}" for name in spec.associations)]
        unknown = [name for name in [*named, *spec.where] if name not in about.fields]
        if unknown:
            raise UserError(f"The description of {spec.object} has no field {', '.join(unknown)}. Run `syncd check`.")
        self._find = [(name, finder(about.fields[name])) for name in dict.fromkeys(named)]
        self._where = [(finder(about.fields[name]), frozenset(values)) for name, values in spec.where.items()]
        self._id, self._stamp = finder(about.id), about.stamp
        self._stamped = finder(about.stamp.field) if about.stamp else None
        self._zone = ZoneInfo(about.stamp.zone) if about.stamp else ZoneInfo("UTC")
        self._deleted = finder(about.deleted) if about.deleted else None

    def rows(self, items: Sequence[Any], now: datetime) -> tuple[list[Row], Unreadable]:
        """The records as rows; one without a stamp was changed `now`. Unreadable ones are set apart."""
        rows: list[Row] = []
        unreadable: list[tuple[str, str]] = []
        for item in items:
            try:
                rows.append(self._row(item, now))
            except _MALFORMED as error:
                id_ = self._id(item) if isinstance(item, dict) else None
                unreadable.append((str(id_ or "?"), f"The record is malformed ({type(error).__name__})."))
        return rows, tuple(unreadable)

    def lets_in(self, row: Row, item: Any, window: Window | None) -> bool:
        """Whether the filter and the window let a record in, whatever the API makes of them."""
        if window is not None and self._stamp is not None:
            if window.lower is not None and row.stamp < window.lower:
                return False
            if row.stamp > window.upper:
                return False
        return all(_word(find(item)) in allowed for find, allowed in self._where)

    def kept(self, items: Sequence[Any], now: datetime, window: Window | None) -> tuple[list[Row], Unreadable, int]:
        """The rows that are let in, the unreadable ones, and how many were not let in."""
        rows, unreadable = self.rows(items, now)
        by_id = {str(self._id(item)): item for item in items if isinstance(item, dict)}
        kept = [row for row in rows if self.lets_in(row, by_id[row.id], window)]
        return kept, unreadable, len(rows) - len(kept)

    def id_of(self, item: Any) -> str:
        """A record's id, blank where it has none."""
        return str(self._id(item) or "")

    def _row(self, item: Mapping[str, Any], now: datetime) -> Row:
        id_ = self._id(item)
        if id_ is None or id_ == "":
            raise KeyError("id")
        stamp = now
        if self._stamped is not None and self._stamp is not None:
            stamp = filling.read(self._stamped(item), self._stamp.format, self._zone)
        fields = {name: find(item) for name, find in self._find}
        deleted = self._deleted is not None and _is_set(self._deleted(item))
        return tuple.__new__(Row, (str(id_), stamp, fields, deleted, None))


def _word(value: Any) -> str:
    return "" if value is None else plain(value)


def _is_set(value: Any) -> bool:
    return value.strip().casefold() not in _NO if isinstance(value, str) else bool(value)
