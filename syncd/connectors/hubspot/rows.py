"""How a HubSpot object becomes a row: native texts, only what was asked for, and a row more for each merged record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import repeat
from operator import itemgetter
from typing import Any

from syncd.connectors.hubspot.paths import cursor_property, is_mergeable, plain_type
from syncd.errors import UserError
from syncd.model import ReadSpec, Row

MERGED = "hs_merged_object_ids"
Result = Mapping[str, Any]
Unreadable = tuple[tuple[str, str], ...]

_stamp = datetime.fromisoformat
_make = partial(tuple.__new__, Row)  # what Row(...) does, without a call of Python's for each record
_id, _archived, _properties = itemgetter("id"), itemgetter("archived"), itemgetter("properties")
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


class RowMaker:
    """Makes rows of one read specification."""

    def __init__(self, spec: ReadSpec) -> None:
        self._object = plain_type(spec.object)
        self._merges = is_mergeable(self._object)
        self.cursor = cursor_property(self._object)
        self.fields = tuple(f for f in dict.fromkeys(spec.fields) if f != "id")
        self._wanted = frozenset(self.fields)
        self.where = {name: frozenset(v.casefold() for v in values) for name, values in spec.where.items()}
        merged = [MERGED] if self._merges else []
        self.properties = list(dict.fromkeys([*self.fields, *spec.where, self.cursor, *merged]))
        self.associations = tuple(dict.fromkeys(spec.associations))

    def rows(self, results: Sequence[Result], *, nulls_told: bool = True) -> tuple[list[Row], Unreadable]:
        """The results as rows, which take over their properties; unreadable ones are set apart.

        `nulls_told`: the answer is of a kind that is known to name each property that it was asked for, also the
        empty ones. Then one that is not named does not exist, or is not shown to us, and must not pass for empty.
        Raises UserError when no result has one of the properties.
        """
        if self.where:
            results = [result for result in results if self.let_in(result)]
        if not results:
            return [], ()
        try:
            rows = self._at_once(results)
        except _MALFORMED:
            return self._one_by_one(results, nulls_told or _holds_nulls(results))
        return rows, ()

    def stamp(self, result: Result) -> datetime | None:
        """The modification stamp of a result, where it has one that can be read."""
        try:
            return _stamp(result["properties"].get(self.cursor) or result["updatedAt"])
        except _MALFORMED:
            return None

    def gone(self, id_: str, stamp: datetime, into: str) -> Row:
        """The row of a record that was merged into another one."""
        return Row(id_, stamp, dict.fromkeys(self.fields), True, into)

    def let_in(self, result: Result) -> bool:
        """Whether the filter lets a result in; search compares text without case, and so do we."""
        if not self.where:
            return True
        properties = result.get("properties") or {}
        return all((properties.get(name) or "").casefold() in values for name, values in self.where.items())

    def _at_once(self, results: Sequence[Result]) -> list[Row]:
        """All results have the same properties, as they nearly always do: what is too much is struck from each.

        Nothing is changed before everything that can be wrong has been looked at. The loops run in C where they can:
        this is the one place that every record passes.
        """
        held: list[dict[str, Any]] = list(map(_properties, results))
        first = held[0]
        if len({*map(len, held)}) > 1 or not self._wanted <= first.keys() or type(results[0]["id"]) is not str:
            raise KeyError
        stamps = list(map(_stamp, map(itemgetter(self.cursor), held)))
        ids, archived = list(map(_id, results)), list(map(_archived, results))
        merged = [properties.get(MERGED) for properties in held] if self._merges else ()
        for name in [name for name in first if name not in self._wanted]:
            for properties in held:
                del properties[name]
        rows: list[Row] = list(map(_make, zip(ids, stamps, held, archived, repeat(None))))
        if any(merged):
            rows += [lost for row, told in zip(rows, merged, strict=True) for lost in self._losers(row, told)]
        return rows

    def _losers(self, survivor: Row, told: str | None) -> Iterator[Row]:
        for id_ in merged_ids(told):
            if id_ != survivor.id:
                yield self.gone(id_, survivor.stamp, survivor.id)

    def _one_by_one(self, results: Sequence[Result], nulls_told: bool) -> tuple[list[Row], Unreadable]:
        if nulls_told and (absent := self._wanted.difference(*(_names(result) for result in results))):
            raise UserError(
                f"HubSpot gives {self._object} without {', '.join(sorted(absent))}: the property was deleted, or is "
                "not shown to this token. Correct it in the mapping, or create it again."
            )
        rows: list[Row] = []
        unreadable: list[tuple[str, str]] = []
        for result in results:
            try:
                rows += self._row(result, nulls_told)
            except _MALFORMED as error:
                id_ = result.get("id") if isinstance(result, dict) else None
                unreadable.append((str(id_ or "?"), f"The record is malformed ({type(error).__name__})."))
        return rows, tuple(unreadable)

    def _row(self, result: Result, nulls_told: bool) -> Iterator[Row]:
        """One result. The stamp is the property that search filters by; `updatedAt` is the same where that is empty."""
        properties = result["properties"]
        get = properties.__getitem__ if nulls_told else properties.get
        stamp = _stamp(properties.get(self.cursor) or result["updatedAt"])
        row = Row(str(result["id"]), stamp, {n: get(n) for n in self.fields}, bool(result.get("archived")))
        yield row
        yield from self._losers(row, properties.get(MERGED) if self._merges else None)


def merged_ids(told: str | None) -> list[str]:
    """The ids that a survivor remembers."""
    return [id_ for part in (told or "").split(";") if (id_ := part.strip())]


def milliseconds(moment: datetime) -> str:
    """A moment as search filters take it."""
    return str(int(moment.astimezone(UTC).timestamp() * 1000))


def _names(result: Result) -> frozenset[str]:
    properties = result.get("properties") if isinstance(result, dict) else None
    return frozenset(properties if isinstance(properties, dict) else ())


def _holds_nulls(results: Sequence[Result]) -> bool:
    """Whether an answer names empty properties, so that one that it does not name is not just empty."""
    return any(
        value is None
        for result in results
        if isinstance(result, dict) and not result.get("archived") and isinstance(result.get("properties"), dict)
        for value in result["properties"].values()
    )
