"""How a HubSpot object becomes a row: native texts, only what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from syncd.connectors.hubspot.paths import cursor_property
from syncd.model import ReadSpec, Row

Result = Mapping[str, Any]
Unreadable = tuple[tuple[str, str], ...]

_stamp = datetime.fromisoformat
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


class RowMaker:
    """Makes rows of one read specification."""

    def __init__(self, spec: ReadSpec) -> None:
        self.cursor = cursor_property(spec.object)
        self.fields = tuple(f for f in dict.fromkeys(spec.fields) if f != "id")
        self.where = {name: frozenset(v.casefold() for v in values) for name, values in spec.where.items()}
        self.properties = list(dict.fromkeys([*self.fields, *spec.where, self.cursor]))
        self.associations = tuple(dict.fromkeys(spec.associations))

    def rows(self, results: Sequence[Result]) -> tuple[list[Row], Unreadable]:
        """The results as rows; unreadable ones are set apart."""
        try:
            return [self.row(result) for result in results], ()
        except _MALFORMED:
            return self._one_by_one(results)

    def row(self, result: Result) -> Row:
        """One result. The stamp is the property that search filters by; `updatedAt` is the same where that is empty."""
        properties = result["properties"]
        get = properties.get
        stamp = _stamp(get(self.cursor) or result["updatedAt"])
        fields = {name: get(name) for name in self.fields}
        return tuple.__new__(Row, (str(result["id"]), stamp, fields, bool(result.get("archived")), None))

    def let_in(self, result: Result) -> bool:
        """Whether the filter lets a result in; search compares text without case, and so do we."""
        if not self.where:
            return True
        properties = result.get("properties") or {}
        return all((properties.get(name) or "").casefold() in values for name, values in self.where.items())

    def _one_by_one(self, results: Sequence[Result]) -> tuple[list[Row], Unreadable]:
        rows: list[Row] = []
        unreadable: list[tuple[str, str]] = []
        for result in results:
            try:
                rows.append(self.row(result))
            except _MALFORMED as error:
                id_ = result.get("id") if isinstance(result, dict) else None
                unreadable.append((str(id_ or "?"), f"The record is malformed ({type(error).__name__})."))
        return rows, tuple(unreadable)


def milliseconds(moment: datetime) -> str:
    """A moment as search filters take it."""
    return str(int(moment.astimezone(UTC).timestamp() * 1000))
