"""Reads records by id from the store itself, never through search, and finds what became of those that are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from syncd.connectors.hubspot.associations import Associations
from syncd.connectors.hubspot.errors import nothing_there
from syncd.connectors.hubspot.paths import Paths, plain_type
from syncd.connectors.hubspot.rows import MERGED, Result, RowMaker, merged_ids
from syncd.connectors.transport import Transport
from syncd.errors import Retry
from syncd.model import ReadSpec, Row

PER_CALL = 100
_NOT_THERE = frozenset({404})
_MOST_ALONE = 20  # of a hundred ids that are nowhere: more were not merged, but deleted for good


class Fetch:
    """Reads of one object type by id."""

    def __init__(self, transport: Transport, paths: Paths, spec: ReadSpec) -> None:
        self._transport, self._object = transport, plain_type(spec.object)
        self._record = f"{paths.objects}/{self._object}"
        self._path = f"{self._record}/batch/read"
        self._maker = RowMaker(ReadSpec(spec.stream, spec.object, spec.fields, associations=spec.associations))
        self._properties = list(dict.fromkeys([*self._maker.properties, *spec.where, MERGED]))
        self._associations = Associations(transport, paths, spec.object)

    def rows(self, ids: Sequence[str]) -> list[Row]:
        """The present state of these records; the filter of the specification does not apply."""
        asked = [id_ for id_ in dict.fromkeys(ids) if id_.isascii() and id_.isdigit()]
        rows: list[Row] = []
        for start in range(0, len(asked), PER_CALL):
            rows += self._some(asked[start : start + PER_CALL])
        self._associations.attach(rows, self._maker)
        return rows

    def whole(self, listed: Sequence[Result], archived: bool) -> list[Result]:
        """Up to a hundred records that a list named, with all their properties; associations as the list told them."""
        ids = [str(result["id"]) for result in listed]
        found = {str(result["id"]): result for result in self.read(ids, archived)}
        return [
            {**found[id_], "associations": result.get("associations")}
            for id_, result in zip(ids, listed, strict=True)
            if id_ in found
        ]

    def read(self, ids: Sequence[str], archived: bool = False, history: Sequence[str] = ()) -> Sequence[Result]:
        """Up to a hundred records as HubSpot gives them, fifty with histories; what is not there is left out."""
        content: Any = self._transport.json(
            "POST",
            f"{self._path}?archived=true" if archived else self._path,
            template=f"batch/read/{self._object}",
            body={
                "inputs": [{"id": id_} for id_ in ids],
                "properties": self._properties,
                **({"propertiesWithHistory": list(history)} if history else {}),
            },
            accept=_NOT_THERE,  # none of them is
        )
        body = content if isinstance(content, dict) else {}
        if not all(nothing_there(error) for error in body.get("errors") or ()):
            raise Retry(f"{self._object}: HubSpot could not read some of the records.")
        return [r for r in body.get("results") or () if isinstance(r, dict) and "id" in r]

    def _some(self, ids: Sequence[str]) -> list[Row]:
        results = self.read(ids)
        asked = frozenset(ids)
        rows = list(self._merged(ids, results))
        rows += self._rows([r for r in results if str(r["id"]) in asked])
        known = {row.id for row in rows}
        gone = [id_ for id_ in ids if id_ not in known]
        archived = self.read(gone, archived=True) if gone else ()
        rows += self._rows([{**r, "archived": True} for r in archived if str(r["id"]) in asked])
        known |= {row.id for row in rows}
        return rows + list(self._alone([id_ for id_ in gone if id_ not in known]))

    def _alone(self, ids: Sequence[str]) -> Iterator[Row]:
        """Ids that no batch knows. Asked for alone, one that was merged away answers with its survivor; whether it
        does in a batch is nowhere said. One that is not there either is left out: nothing is known of it."""
        for id_ in ids[:_MOST_ALONE]:
            answer = self._transport.call(
                "GET", f"{self._record}/{id_}?properties={MERGED}", template=f"read/{self._object}", accept=_NOT_THERE
            )
            result = answer.json_or_none() if answer.status == 200 else None
            if isinstance(result, dict) and "id" in result:
                yield from self._merged([id_], [result])

    def _rows(self, results: Sequence[Result]) -> list[Row]:
        """Only the records themselves: those merged into them were not asked for."""
        ids = {str(result["id"]) for result in results}
        rows, _ = self._maker.rows(results, nulls_told=False)
        return [row for row in rows if row.id in ids and row.merged_into is None]

    def _merged(self, ids: Sequence[str], results: Sequence[Result]) -> Iterator[Row]:
        """An id that was merged away answers with the survivor, which has another id and remembers the old ones."""
        present = {str(r["id"]) for r in results}
        missing = [id_ for id_ in ids if id_ not in present]
        strangers = [r for r in results if str(r["id"]) not in ids]
        for id_ in missing:
            survivor = next((r for r in results if id_ in _remembered(r)), None)
            if survivor is None and len(missing) == len(strangers) == 1:
                survivor = strangers[0]
            stamp = self._maker.stamp(survivor) if survivor is not None else None
            if survivor is not None and stamp is not None:
                yield self._maker.gone(id_, stamp, str(survivor["id"]))


def _remembered(result: Result) -> list[str]:
    return merged_ids((result.get("properties") or {}).get(MERGED))
