"""Which values a property had, since when and by whom: a row for each value of each record that changed in a window.

Search does not tell histories, so the records that it finds are read by id, fifty at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from syncd.connectors.hubspot.fetch import Fetch
from syncd.connectors.hubspot.paths import Paths
from syncd.connectors.hubspot.rows import Result
from syncd.connectors.hubspot.search import Position, Search
from syncd.connectors.hubspot.sweep import Sweep
from syncd.connectors.hubspot.whole import lets_in
from syncd.connectors.transport import Transport
from syncd.errors import UserError
from syncd.model import Page, ReadSpec, Row, Window

PER_CALL = 50
NAMED_BY = "property"
FIELDS = frozenset(
    {"record_id", NAMED_BY, "value", "previous_value", "timestamp", "source_type", "source_id", "updated_by"}
)
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


def no_properties(spec: ReadSpec) -> str | None:
    """What is wrong with a specification that does not say whose histories are meant."""
    if spec.where.get(NAMED_BY):
        return None
    return f"{spec.object} does not say which properties. Name them in the mapping: where: {{{NAMED_BY}: [dealstage]}}."


class History:
    """The histories of some properties of one object type."""

    def __init__(self, transport: Transport, paths: Paths, spec: ReadSpec, of: str) -> None:
        if problem := no_properties(spec):
            raise UserError(problem)
        self._spec, self._properties = spec, tuple(dict.fromkeys(spec.where[NAMED_BY]))
        self._rest = {name: values for name, values in spec.where.items() if name != NAMED_BY}
        self._fields = [name for name in spec.fields if name != "id"]
        self._records = ReadSpec(spec.stream, of, ())
        self._transport, self._paths = transport, paths
        self._fetch = Fetch(transport, paths, self._records)

    def pages(self, window: Window, position: Position) -> Iterator[Page]:
        """The values that were set in the window, or later; all of a record into which another one was merged.

        Its history holds that of the other one from then on, with stamps of long ago.
        """
        for page in Search(self._transport, self._paths, self._records, window).pages(position):
            survivors = {row.merged_into for row in page.rows if row.merged_into}
            yield self._page(page, window.lower, frozenset(s for s in survivors if s))

    def sweep(self, position: Mapping[str, Any] | None) -> Iterator[Page]:
        """All values that HubSpot still keeps, of all records."""
        for page in Sweep(self._transport, self._paths, self._records).pages(position, lambda: None):
            yield self._page(page, None, frozenset())

    def rows(self, ids: Sequence[str]) -> list[Row]:
        """These values, as far as HubSpot still keeps them; the filter of the specification does not apply."""
        wanted = frozenset(ids)
        records = dict.fromkeys(id_.partition(":")[0] for id_ in wanted)
        rows, _ = self._of([id_ for id_ in records if id_.isascii() and id_.isdigit()], None, frozenset())
        return [row for row in rows if row.id in wanted]

    def _page(self, page: Page, lower: datetime | None, whole: frozenset[str]) -> Page:
        rows, unreadable = self._of([row.id for row in page.rows if not row.deleted], lower, whole)
        kept = [row for row in rows if lets_in(row.fields, self._rest)] if self._rest else rows
        return Page(kept, page.position, None, page.last, (*page.unreadable, *unreadable))

    def _of(
        self, ids: Sequence[str], lower: datetime | None, whole: frozenset[str]
    ) -> tuple[list[Row], list[tuple[str, str]]]:
        rows: list[Row] = []
        unreadable: list[tuple[str, str]] = []
        for start in range(0, len(ids), PER_CALL):
            for result in self._fetch.read(ids[start : start + PER_CALL], history=self._properties):
                since = None if str(result["id"]) in whole else lower
                try:
                    rows += [row for row in self._values(result) if since is None or row.stamp >= since]
                except _MALFORMED as error:
                    unreadable.append((str(result["id"]), f"Its history is malformed ({type(error).__name__})."))
        return rows, unreadable

    def _values(self, result: Result) -> Iterator[Row]:
        histories = result.get("propertiesWithHistory") or {}
        for name in self._properties:
            before: str | None = None
            for entry in sorted(histories.get(name) or (), key=lambda e: datetime.fromisoformat(e["timestamp"])):
                told = _told(str(result["id"]), name, entry, before)
                id_ = f"{result['id']}:{name}:{entry['timestamp']}"
                yield Row(id_, datetime.fromisoformat(entry["timestamp"]), {f: told.get(f) for f in self._fields})
                before = told["value"]


def _told(record: str, name: str, entry: Mapping[str, Any], before: str | None) -> dict[str, Any]:
    user = entry.get("updatedByUserId")
    return {
        "record_id": record,
        NAMED_BY: name,
        "value": entry.get("value") or None,
        "previous_value": before,
        "timestamp": entry["timestamp"],
        "source_type": entry.get("sourceType"),
        "source_id": entry.get("sourceId"),
        "updated_by": None if user is None else str(user),
    }
