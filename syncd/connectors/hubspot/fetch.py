"""Reads records by id from the store itself, never through search, and finds what became of those that are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from syncd.connectors.hubspot.associations import Associations
from syncd.connectors.hubspot.paths import Paths, plain_type
from syncd.connectors.hubspot.rows import Result, RowMaker
from syncd.connectors.transport import Transport
from syncd.model import ReadSpec, Row

PER_CALL = 100
_MERGED = "hs_merged_object_ids"


class Fetch:
    """Reads of one object type by id."""

    def __init__(self, transport: Transport, paths: Paths, spec: ReadSpec) -> None:
        self._transport, self._object = transport, plain_type(spec.object)
        self._path = f"{paths.objects}/{self._object}/batch/read"
        self._maker = RowMaker(spec)
        self._associations = Associations(transport, paths, spec.object)

    def rows(self, ids: Sequence[str]) -> list[Row]:
        """The present state of these records; the filter of the specification does not apply."""
        asked = [id_ for id_ in dict.fromkeys(ids) if id_.isascii() and id_.isdigit()]
        rows: list[Row] = []
        for start in range(0, len(asked), PER_CALL):
            rows += self._some(asked[start : start + PER_CALL])
        self._associations.attach(rows, self._maker)
        return rows

    def _some(self, ids: Sequence[str]) -> list[Row]:
        results = self._read(ids, archived=False)
        found = {str(r["id"]): r for r in results}
        rows = [self._maker.row(found[id_]) for id_ in ids if id_ in found]
        rows += self._merged(ids, list(found.values()))
        known = {row.id for row in rows}
        gone = [id_ for id_ in ids if id_ not in known]
        return rows + list(self._archived(gone)) if gone else rows

    def _merged(self, ids: Sequence[str], results: Sequence[Result]) -> Iterator[Row]:
        """An id that was merged away answers with the survivor, which has another id and remembers the old ones."""
        present = {str(r["id"]) for r in results}
        missing = [id_ for id_ in ids if id_ not in present]
        strangers = [r for r in results if str(r["id"]) not in ids]
        for id_ in missing:
            survivor = next((r for r in results if id_ in _merged_ids(r)), None)
            if survivor is None and len(missing) == len(strangers) == 1:
                survivor = strangers[0]
            if survivor is not None:
                stamp = self._maker.row(survivor).stamp
                yield Row(id_, stamp, dict.fromkeys(self._maker.fields), True, str(survivor["id"]))

    def _archived(self, ids: Sequence[str]) -> Iterator[Row]:
        """What is archived is deleted to us. Ids that are not there either are left out: nothing is known of them."""
        for result in self._read(ids, archived=True):
            if str(result["id"]) in ids:
                yield self._maker.row({**result, "archived": True})

    def _read(self, ids: Sequence[str], archived: bool) -> Sequence[Result]:
        content: Any = self._transport.json(
            "POST",
            f"{self._path}?archived=true" if archived else self._path,
            template=f"batch/read/{self._object}",
            body={"inputs": [{"id": id_} for id_ in ids], "properties": [*self._maker.properties, _MERGED]},
            accept=frozenset({404}),  # none of them is there
        )
        results = content.get("results") if isinstance(content, dict) else None
        return [r for r in results or () if isinstance(r, dict) and "id" in r]


def _merged_ids(result: Result) -> frozenset[str]:
    properties = result.get("properties") or {}
    return frozenset(part.strip() for part in (properties.get(_MERGED) or "").split(";") if part.strip())
