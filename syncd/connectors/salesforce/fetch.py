"""Reads records by id: 2,000 a call, and what became of those that are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from syncd.connectors.salesforce import soql
from syncd.connectors.salesforce.ids import long_id
from syncd.connectors.salesforce.shape import Record, Shape, Unreadable, of_records
from syncd.connectors.transport import Transport
from syncd.errors import IncompleteRead
from syncd.model import Row

_PER_RETRIEVE = 2_000
_PER_QUERY = 400
_ROOM_FOR_COLUMNS = 7_000
_ENCODED_ID = 27  # 18 characters, two quotes and a comma, percent-encoded
_GONE = frozenset({404})  # also said when every single one is deleted


class Fetch:
    """Reads of one object by id, never through a search index."""

    def __init__(self, transport: Transport, base: str, shape: Shape) -> None:
        self._transport, self._base, self._shape = transport, base, shape

    def rows(self, ids: Sequence[str]) -> list[Row]:
        """The present state of these records. What is no id, or of another object, is left out."""
        asked = [id_ for id_ in dict.fromkeys(map(long_id, ids)) if id_ is not None]
        return self.read(asked)[0] if asked else []

    def read(self, ids: Sequence[str]) -> tuple[list[Row], Unreadable]:
        """As `rows` for ids that the org itself gave, and what could not be made a row."""
        records = [] if self._shape.dotted else self._retrieved(ids)  # Collections does not reach parents
        found = {record["Id"] for record in records}
        gone = [id_ for id_ in ids if id_ not in found]
        return self._shape.rows([*records, *self._queried(gone)])

    def _retrieved(self, ids: Sequence[str]) -> list[Record]:
        records: list[Record] = []
        for some in _pieces(ids, _PER_RETRIEVE):
            content = self._transport.json(
                "POST",
                f"{self._base}/composite/sobjects/{soql.name(self._shape.object)}",
                template=f"composite/sobjects/{self._shape.object}",
                body={"ids": some, "fields": list(self._shape.columns)},
                accept=_GONE,
            )
            records += [r for r in content if isinstance(r, dict) and r.get("Id")] if isinstance(content, list) else []
        return records

    def _queried(self, ids: Sequence[str]) -> list[Record]:
        """By queryAll, which still knows what is in the recycle bin and what was merged into what.

        Columns that do not fit into one address are asked for one group after another.
        """
        groups = list(_column_groups(self._shape))
        found: dict[str, Record] = {}
        times: dict[str, int] = {}
        for columns in groups:
            for some in _pieces(ids, self._ids_beside(columns)):
                for record in self._all_of(columns, some):
                    found.setdefault(record["Id"], {}).update(record)
                    times[record["Id"]] = times.get(record["Id"], 0) + 1
        return [record for id_, record in found.items() if times[id_] == len(groups)]

    def _all_of(self, columns: Sequence[str], ids: Sequence[str]) -> Iterator[Record]:
        """Every page: a page may hold far fewer rows than were asked for."""
        statement = soql.select(columns, self._shape.object, [soql.one_of("Id", ids, "id")])
        path = f"{self._base}/queryAll?q={soql.encoded(statement)}"
        visited = {path}
        while True:
            content = self._transport.json("GET", path, template=f"queryAll/{self._shape.object}/ids")
            yield from (r for r in of_records(content) if isinstance(r, dict) and r.get("Id"))
            if _is_done(content):
                return
            path = self._transport.wire.pinned(str(content.get("nextRecordsUrl") or ""))
            if path in visited:
                raise IncompleteRead(f"{self._shape.object}: Salesforce says that there is more but names no new page.")
            visited.add(path)

    def _ids_beside(self, columns: Sequence[str]) -> int:
        statement = soql.select(columns, self._shape.object, [soql.one_of("Id", ["x"], "id")])
        room = soql.LONGEST_ADDRESS - len(soql.encoded(statement))
        return max(1, min(_PER_QUERY, room // _ENCODED_ID))


def _is_done(content: Any) -> bool:
    return not isinstance(content, dict) or content.get("done") is not False


def _column_groups(shape: Shape) -> Iterator[list[str]]:
    """The columns in groups that each leave room for ids; each has the id, and the first has what is ours."""
    group, used = list(shape.own), sum(len(c) + 3 for c in shape.own)
    for column in shape.columns:
        if column in shape.own:
            continue
        if used + len(column) + 3 > _ROOM_FOR_COLUMNS and len(group) > 1:
            yield group
            group, used = ["Id"], 5
        group.append(column)
        used += len(column) + 3
    yield group


def _pieces(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
