"""Reads the records of one slice page by page: queryAll in a fixed order, counted, and sure of its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from syncd.connectors.salesforce import soql
from syncd.connectors.salesforce.errors import code_of
from syncd.connectors.salesforce.fetch import Fetch
from syncd.connectors.salesforce.shape import Shape, Unreadable, of_records
from syncd.connectors.salesforce.slices import Slice
from syncd.connectors.transport import Transport
from syncd.connectors.wire import Answer
from syncd.errors import IncompleteRead, SyncdError, UserError
from syncd.model import ReadSpec, Row

_GONE = frozenset({"INVALID_QUERY_LOCATOR"})
_TOO_MUCH = frozenset({"QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG"})
_REFUSED = frozenset({400, 404, 500, 503})
_ROOM_FOR_FILTERS = 7_000
_MOST_BEGINNINGS = 3
_SECOND = timedelta(seconds=1)


class TooMuch(Exception):
    """The server could not answer a query in the time that it gives itself; `refusal` is what it said."""

    def __init__(self, refusal: SyncdError) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Piece:
    """One page of a slice, and where the slice stands after it. `trouble` says why it cannot come to its end."""

    rows: list[Row]
    unreadable: Unreadable
    at: Slice
    trouble: str | None = None


class Reading:
    """Reads of one object, by stamp and id, or by id alone where everything is to be seen. Safe to share by threads."""

    def __init__(
        self, transport: Transport, base: str, spec: ReadSpec, shape: Shape, by_id: bool, rows_per_page: int
    ) -> None:
        self._transport, self._base, self._spec, self._shape = transport, base, spec, shape
        self.by_id = by_id
        self._filters = soql.portions(spec.where, shape.types, _ROOM_FOR_FILTERS)
        self._headers = {"Sforce-Query-Options": f"batchSize={rows_per_page}"} if rows_per_page else {}
        self._visited: set[str] = set()
        self._begun: Counter[tuple[object, ...]] = Counter()
        self._asked, self._fill = self._fitting()

    @property
    def portions(self) -> int:
        """In how many parts the filter has to be asked."""
        return len(self._filters)

    def page(self, at: Slice) -> Piece:
        """The next page of a slice. Raises TooMuch when the slice has to be smaller."""
        content, at = self._next(at)
        rows, unreadable = self._asked.rows(of_records(content))
        seen = at.seen + len(rows) + len(unreadable)
        trouble = self._trouble(at, content, seen)
        short = trouble is not None and content.get("done") is True and at.expected is not None
        if short and self.is_all(replace(at, seen=seen)):
            trouble, at = None, replace(at, expected=seen)
        place = at if trouble is not None else self._advanced(at, content, rows, seen)
        filled, also_unreadable = self._filled(rows)
        return Piece(filled, (*unreadable, *also_unreadable), place, trouble)

    def conditions(self, at: Slice) -> list[str]:
        """What a row of the rest of this slice fulfils."""
        conditions = list(self._filters[at.portion])
        if self.by_id:
            return [*conditions, f"Id > {soql.quoted(at.id)}"] if at.id else conditions
        # no bound below the row behind which it goes on: that says the same more narrowly
        conditions += soql.within(self._shape.cursor, _moment(None if at.stamp else at.lower), _moment(at.upper))
        if at.stamp is not None and at.id is not None:
            conditions.append(soql.after(self._shape.cursor, datetime.fromisoformat(at.stamp), at.id))
        return conditions

    def is_all(self, at: Slice) -> bool:
        """Whether so many rows are all there can be of a slice, though fewer than were counted at its beginning.

        Records that were deleted for good meanwhile are in no page any more. Counted are those that are in the slice
        now and, because an edit takes a record out of it, those of its time that were edited since it was asked for.
        """
        conditions = self._still_there(at)
        if conditions is None:
            return False
        counted = self.count([*self._filters[at.portion], *conditions])
        return counted is not None and at.seen >= counted

    def count(self, conditions: Sequence[str]) -> int | None:
        """How many records there are, deleted ones included; None when the server cannot say."""
        answer = self._get(soql.count(self._spec.object, conditions), "count")
        if answer.status >= 300:
            if code_of(answer.json_or_none()) in _TOO_MUCH:
                return None
            raise self._transport.refusal(answer, self._template("count"))
        total = _object(self._transport.parsed(answer, self._template("count"))).get("totalSize")
        return total if isinstance(total, int) else None

    def count_until(self, whole: Slice, moment: datetime) -> int | None:
        """How many rows of a slice are stamped until a moment."""
        within = soql.within(self._shape.cursor, _moment(whole.lower), moment)
        return self.count([*self._filters[whole.portion], *within])

    def earliest(self, at: Slice) -> datetime | None:
        """The first stamp in a slice that has no beginning; None when the server cannot say."""
        cursor, conditions = self._shape.cursor, self.conditions(at)
        answer = self._get(soql.select([cursor], self._spec.object, conditions, cursor, 1), "earliest")
        records = of_records(answer.json_or_none()) if answer.status < 300 else []
        return datetime.fromisoformat(str(records[0][cursor])) if records else None

    def _next(self, at: Slice) -> tuple[Mapping[str, Any], Slice]:
        """The answer at a place: by the cursor while the server keeps it, else by a query from the last row on."""
        if at.locator is not None:
            path = self._transport.wire.pinned(at.locator)
            answer = self._transport.call("GET", path, template="query/next", accept=_REFUSED, headers=self._headers)
            if answer.status < 300:
                return _object(self._transport.parsed(answer, "query/next")), at
            if code_of(answer.json_or_none()) not in _GONE | _TOO_MUCH:
                raise self._transport.refusal(answer, "query/next")
            at = replace(at, locator=None)
        self._gets_on(at)
        columns, order = self._asked.columns, "Id" if self.by_id else f"{self._shape.cursor}, Id"
        before = self._transport.now()
        answer = self._get(soql.select(columns, self._spec.object, self.conditions(at), order))
        if answer.status >= 300:
            refusal = self._transport.refusal(answer, self._template())
            raise TooMuch(refusal) if code_of(answer.json_or_none()) in _TOO_MUCH else refusal
        content = _object(self._transport.parsed(answer, self._template()))
        rest, asked = content.get("totalSize"), before or self._transport.now()
        expected = at.seen + rest if isinstance(rest, int) else None
        return content, replace(at, expected=expected, asked=soql.instant(asked) if asked else None)

    def _gets_on(self, at: Slice) -> None:
        """Raise IncompleteRead when a query is asked from the same place once too often: it would go on for ever."""
        place = (at.lower, at.upper, at.portion, at.stamp, at.id)
        self._begun[place] += 1
        if self._begun[place] > _MOST_BEGINNINGS:
            raise IncompleteRead(f"{self._spec.object}: Salesforce gives the same page again and again.")

    def _get(self, statement: str, what: str = "") -> Answer:
        path = f"{self._base}/queryAll?q={soql.encoded(statement)}"
        return self._transport.call("GET", path, template=self._template(what), accept=_REFUSED, headers=self._headers)

    def _template(self, what: str = "") -> str:
        return f"queryAll/{self._spec.object}{f'/{what}' if what else ''}"

    def _trouble(self, at: Slice, content: Mapping[str, Any], seen: int) -> str | None:
        """Why the slice cannot be read to its end."""
        if at.expected is None:
            return "Salesforce did not say how many records there are."
        if content.get("done") is True:
            return None if seen >= at.expected else f"{seen} of {at.expected} records came."
        more = content.get("nextRecordsUrl")
        if not isinstance(more, str) or more in self._visited:
            return "Salesforce says that there is more but names no new page."
        return None

    def _advanced(self, at: Slice, content: Mapping[str, Any], rows: Sequence[Row], seen: int) -> Slice:
        if content.get("done") is True:
            return replace(at, locator=None, seen=seen, done=True)
        more = str(content["nextRecordsUrl"])
        self._visited.add(more)
        stamp, id_ = self._place(at, rows)
        return replace(at, locator=more, stamp=stamp, id=id_, seen=seen)

    def _place(self, at: Slice, rows: Sequence[Row]) -> tuple[str | None, str | None]:
        """Behind which row to go on without a cursor: the last one whose place in the order is sure.

        A cursor keeps its list of ids but reads the records when a page is asked for: one that was changed meanwhile
        comes in its old place with a stamp after all others. Going on from that stamp would leave out all between.
        Ids are compared by the server alone: its order of them need not be ours.
        """
        if self.by_id:
            return None, rows[-1].id if rows else at.id
        assert at.upper is not None
        end = datetime.fromisoformat(at.upper) + _SECOND
        end = min(end, _moment(at.asked) or end)
        for row in reversed(rows):
            if row.stamp < end:
                return soql.instant(row.stamp), row.id
        return at.stamp, at.id

    def _still_there(self, at: Slice) -> list[str] | None:
        """The conditions by which `is_all` counts; None where records do not tell when they were created."""
        created, cursor, asked = "CreatedDate", self._shape.cursor, _moment(at.asked)
        if not self._shape.is_dated or asked is None:
            return None
        upper = min(_moment(at.upper) or asked, asked)
        if self.by_id:
            return soql.within(created, None, upper)
        within = soql.within(cursor, _moment(at.lower), upper)
        if cursor == created:
            return within
        left = f"({cursor} >= {soql.instant(asked)} AND {created} <= {soql.instant(upper)})"
        return [f"(({' AND '.join(within)}) OR {left})"]

    def _fitting(self) -> tuple[Shape, Fetch | None]:
        """What the query asks for, and what is read by id beside it because the address would become too long."""
        if self._length(self._shape) <= soql.LONGEST_ADDRESS:
            return self._shape, None
        narrow, rest = (
            self._shape.only(self._shape.dotted),
            self._shape.only(self._shape.wanted - set(self._shape.dotted)),
        )
        if self._length(narrow) > soql.LONGEST_ADDRESS:
            raise UserError(
                f"{self._spec.object}: the question is too long for Salesforce even in parts; map fewer fields of "
                "parents, or fewer values in `where`."
            )
        return narrow, Fetch(self._transport, self._base, rest)

    def _length(self, shape: Shape) -> int:
        id_ = "0" * 18
        instant = "2026-01-01T00:00:00Z"
        longest = max(range(self.portions), key=lambda n: sum(map(len, self._filters[n])))
        at = Slice(None if self.by_id else instant, None if self.by_id else instant, longest, None, instant, id_)
        statement = soql.select(shape.columns, shape.object, self.conditions(at), f"{shape.cursor}, Id")
        return len(soql.encoded(statement))

    def _filled(self, rows: list[Row]) -> tuple[list[Row], Unreadable]:
        """The rows with the fields that did not fit into the question; each is of one moment, its own stamp's."""
        if self._fill is None or not rows:
            return rows, ()
        full, unreadable = self._fill.read([row.id for row in rows])
        by_id = {row.id: row for row in full}
        skipped = {id_ for id_, _ in unreadable}
        return [self._joined(row, by_id.get(row.id)) for row in rows if row.id not in skipped], unreadable

    def _joined(self, row: Row, full: Row | None) -> Row:
        if full is None:  # deleted for good since the query
            return row._replace(fields={**dict.fromkeys(self._shape.wanted), **row.fields}, deleted=True)
        return full._replace(fields={**full.fields, **{path: row.fields.get(path) for path in self._asked.dotted}})


def present(transport: Transport, base: str, spec: ReadSpec, shape: Shape) -> int | None:
    """How many records of a specification the user sees now, those in the recycle bin not counted."""
    total = 0
    for conditions in soql.portions(spec.where, shape.types, _ROOM_FOR_FILTERS):
        path = f"{base}/query?q={soql.encoded(soql.count(spec.object, conditions))}"
        counted = _object(transport.json("GET", path, template=f"query/{spec.object}/count")).get("totalSize")
        if not isinstance(counted, int):
            return None
        total += counted
    return total


def _object(content: Any) -> Mapping[str, Any]:
    return content if isinstance(content, dict) else {}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
