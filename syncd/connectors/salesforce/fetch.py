"""Reads records by id: 2,000 a call, and what became of those that are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from syncd.connectors.salesforce import soql
from syncd.connectors.salesforce.ids import long_id
from syncd.connectors.salesforce.shape import Shape, by_ids, of_records
from syncd.connectors.transport import Transport
from syncd.model import Row

_PER_RETRIEVE = 2_000
_LONGEST_QUERY = 14_000  # of the 16,384 bytes that an address may have
_ENCODED_ID = 27  # 18 characters, two quotes and a comma, percent-encoded


class Fetch:
    """Reads of one object by id, never through a search index."""

    def __init__(self, transport: Transport, base: str, shape: Shape) -> None:
        self._transport, self._base, self._shape = transport, base, shape

    def rows(self, ids: Sequence[str]) -> list[Row]:
        """The present state of these records. What is no id, or of another object, is left out."""
        asked = [id_ for id_ in dict.fromkeys(map(long_id, ids)) if id_ is not None]
        if not asked:
            return []
        if self._shape.dotted:  # Collections does not reach parents
            return self._queried(asked)
        rows: list[Row] = []
        for some in _pieces(asked, _PER_RETRIEVE):
            rows += self._retrieved(some)
        found = {row.id for row in rows}
        gone = [id_ for id_ in asked if id_ not in found]
        return rows + self._queried(gone) if gone else rows

    def _retrieved(self, ids: Sequence[str]) -> list[Row]:
        content = self._transport.json(
            "POST",
            f"{self._base}/composite/sobjects/{soql.name(self._shape.object)}",
            template=f"composite/sobjects/{self._shape.object}",
            body={"ids": ids, "fields": list(self._shape.columns)},
            accept=frozenset({404}),  # also says that every single one is deleted
        )
        present = [r for r in content if isinstance(r, dict) and r.get("Id")] if isinstance(content, list) else []
        return self._shape.rows(present)[0]

    def _queried(self, ids: Sequence[str]) -> list[Row]:
        """By queryAll, which still knows what is in the recycle bin and what was merged into what."""
        rows: list[Row] = []
        room = _LONGEST_QUERY - len(quote(by_ids(self._shape, ["x"]), safe=""))
        for some in _pieces(ids, max(1, min(400, room // _ENCODED_ID))):
            query = quote(by_ids(self._shape, some), safe="")
            content = self._transport.json(
                "GET", f"{self._base}/queryAll?q={query}", template=f"queryAll/{self._shape.object}/ids"
            )
            rows += self._shape.rows(of_records(content))[0]
        return rows


def _pieces(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
