"""Updates and upserts records: 200 in a Collections request, five of those in one call, one result for each row."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import orjson

from syncd.connectors import batches
from syncd.connectors.salesforce import composite
from syncd.connectors.salesforce.errors import code_of, row_receipt
from syncd.connectors.transport import Transport, number_of
from syncd.model import Receipt, ReceiptKind, Upsert, Write

PER_CALL = 1_000
_PER_COLLECTION = 200
_LARGEST_BODY = 5_000_000
_REFUSED = frozenset({400})
_LOCKED = "UNABLE_TO_LOCK_ROW"
_QUICK, _SLOW = 1.0, 5.0  # seconds of the longest call: up to here as many at once as allowed; up to here some
_SLOWLY = 3

# Assignment rules run on REST writes unless told not to, and would give our record to somebody else; alerting
# duplicate rules would refuse an update of a record that was a duplicate long before us. Sub-requests do not inherit
# headers, so each one carries them.
HEADERS: Mapping[str, str] = {
    "Sforce-Auto-Assign": "FALSE",
    "Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false; runAsCurrentUser=true",
}

# An update locks the record's parent too. What is known to have the same one goes out together, one after the other.
_PARENTS = frozenset({"AccountId", "OpportunityId", "ParentId"})


Row = TypeVar("Row", Write, Upsert)
Encoded = tuple[list[Row], bytes]
"""Rows that fit into one Collections request, and that request's body as it is sent."""


class Lane:
    """Lets so many calls be under way as the org bears: fewer when it is slow, one when rows lock each other out.

    Salesforce bounds only calls that run for twenty seconds or more: 25 of them in all, five in a small org, for
    everybody together. The first call goes out alone and shows how long one takes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._turn = threading.Condition()
        self._under_way = 0
        self._longest = 0.0
        self._clashed = False

    def send(self, call: Callable[[], list[Receipt]]) -> list[Receipt]:
        """Make one call when there is room for it."""
        with self._turn:
            self._turn.wait_for(lambda: self._under_way < self.room)
            self._under_way += 1
        began, receipts = time.monotonic(), list[Receipt]()
        try:
            receipts = call()
        finally:
            with self._turn:
                self._under_way -= 1
                self._longest = max(self._longest, time.monotonic() - began)
                self._clashed |= any(receipt.code == _LOCKED for receipt in receipts)
                self._turn.notify_all()
        return receipts

    @property
    def room(self) -> int:
        """How many calls may be under way now."""
        if self._clashed:
            return 1
        bearable = self._most if self._longest < _QUICK else _SLOWLY if self._longest < _SLOW else 1
        return min(self._most, bearable)


class _Sender(ABC, Generic[Row]):
    """Changes to one object, in calls of which at most `at_once` are under way."""

    def __init__(self, transport: Transport, base: str, object_: str, at_once: int) -> None:
        self._transport, self._base, self._object, self._at_once = transport, base, object_, at_once
        self._lane = Lane(at_once)
        self._division: batches.Division[Row] = batches.Division(self._alone)

    @property
    @abstractmethod
    def _resource(self) -> str:
        """The Collections resource that takes these rows."""

    @abstractmethod
    def _key(self, item: Row) -> str:
        """What makes two rows the same record."""

    @abstractmethod
    def _record(self, item: Row) -> dict[str, Any]:
        """A row as it is sent."""

    @abstractmethod
    def _of_results(self, items: Sequence[Row], results: Any) -> list[Receipt]:
        """The receipts that a list of results gives."""

    def receipts(self, items: Sequence[Row]) -> list[Receipt]:
        """One receipt per row, in their order."""
        told = any(not _PARENTS.isdisjoint(item.fields) for item in items)
        in_order = sorted(items, key=self._by_parent if told else self._key)
        levels = self._levels(in_order)
        return batches.together(items, (map(self._sending, _calls(level)) for level in levels), self._at_once)

    def _levels(self, items: list[Row]) -> list[list[list[Row]]]:
        """Collections in groups that have no record in common; mostly all are in one, and that is quickly seen."""
        if len(set(map(self._key, items))) < len(items):
            return batches.levels(items, _PER_COLLECTION, self._key)
        return [[items[start : start + _PER_COLLECTION] for start in range(0, len(items), _PER_COLLECTION)]]

    def _by_parent(self, item: Row) -> tuple[str, str]:
        """By parent where it is told, then by id: whoever else writes in this order waits for us and is waited for."""
        parent = next((str(item.fields[name]) for name in sorted(_PARENTS) if name in item.fields), "")
        return parent, self._key(item)

    def _sending(self, call: list[list[Row]]) -> batches.Sending:
        items = [item for batch in call for item in batch]
        return items, lambda: self._lane.send(lambda: self._send(items, call))

    def _send(self, items: list[Row], call: list[list[Row]]) -> list[Receipt]:
        """One call, or several where one would be too long; encoded only now, while others wait for their answers."""
        parts = list(_bounded((batch, self._body(batch)) for batch in call))
        if len(parts) == 1:
            return self._part(parts[0])
        return batches.answered(items, (([i for b, _ in part for i in b], partial(self._part, part)) for part in parts))

    def _part(self, part: list[Encoded[Row]]) -> list[Receipt]:
        if len(part) == 1:
            return self._collection(*part[0])
        subs = [
            {
                "method": "PATCH",
                "url": f"{self._base}/{self._resource}",
                "referenceId": f"c{number}",
                "httpHeaders": HEADERS,
                "body": orjson.Fragment(body),
            }
            for number, (_, body) in enumerate(part)
        ]
        answers = composite.send(self._transport, self._base, subs, headers=HEADERS, writing=True)
        return [
            receipt
            for number, (batch, _) in enumerate(part)
            for receipt in self._of_subrequest(batch, answers.get(f"c{number}"))
        ]

    def _alone(self, batch: list[Row]) -> list[Receipt]:
        return self._collection(batch, self._body(batch))

    def _collection(self, batch: list[Row], body: bytes) -> list[Receipt]:
        answer = self._transport.call(
            "PATCH",
            f"{self._base}/{self._resource}",
            template="composite/sobjects",
            body=orjson.Fragment(body),
            headers=HEADERS,
            writing=True,
            accept=_REFUSED,
        )
        if answer.status in _REFUSED:
            return self._refused(batch, answer.json_or_none())
        return self._of_results(batch, self._transport.parsed(answer, "composite/sobjects", writing=True))

    def _of_subrequest(self, batch: list[Row], answer: Mapping[str, Any] | None) -> list[Receipt]:
        if answer is None:
            return [batches.unanswered(item) for item in batch]
        status, body = answer.get("httpStatusCode"), answer.get("body")
        if status == 200:
            return self._of_results(batch, body)
        if status in _REFUSED:
            return self._refused(batch, body)
        if not isinstance(status, int) or status >= 500:
            code = code_of(body) or "no_answer"
            return [Receipt(i.id, ReceiptKind.UNKNOWN, code, f"Salesforce: HTTP {status}.") for i in batch]
        return [row_receipt(item, body) for item in batch]

    def _refused(self, batch: list[Row], body: Any) -> list[Receipt]:
        """A request that was not even read, for want of a field or for a value of another type: nothing was applied."""
        receipts = [row_receipt(item, body) for item in batch]
        if receipts[0].kind is ReceiptKind.RETRY:
            return receipts
        if len(batch) > 1:
            return self._division.halves(batch)
        self._division.found()
        return receipts

    def _body(self, batch: list[Row]) -> bytes:
        kind = {"type": self._object}
        records = [{"attributes": kind, **self._record(item)} for item in batch]
        return orjson.dumps({"allOrNone": False, "records": records}, default=number_of)


class Writing(_Sender[Write]):
    """Updates of records by id."""

    _resource = "composite/sobjects"

    def _key(self, item: Write) -> str:
        return item.ref.id

    def _record(self, item: Write) -> dict[str, Any]:
        return {"id": item.ref.id, **item.fields}

    def _of_results(self, items: Sequence[Write], results: Any) -> list[Receipt]:
        """By place, because a refused row may lack its id; but where the list does not fit, by id alone.

        A row that such a list does not name has an unknown outcome: a list of another length or order proves nothing
        about it.
        """
        listed = results if isinstance(results, list) else []
        if len(listed) == len(items) and all(map(_fits, items, listed)):
            return list(map(_of_row, items, listed))
        named = [result for result in listed if isinstance(result, dict) and isinstance(result.get("id"), str)]
        times = Counter(result["id"] for result in named)
        by_id = {result["id"]: result for result in named if times[result["id"]] == 1}
        return [_of_row(item, by_id.get(item.ref.id)) for item in items]


class Upserting(_Sender[Upsert]):
    """Upserts of records by an external id."""

    def __init__(self, transport: Transport, base: str, object_: str, at_once: int, key_field: str) -> None:
        super().__init__(transport, base, object_, at_once)
        self._key_field = key_field

    @property
    def _resource(self) -> str:
        return f"composite/sobjects/{self._object}/{self._key_field}"

    def _key(self, item: Upsert) -> str:
        return item.key.casefold()  # most external ids are compared without capitals

    def _record(self, item: Upsert) -> dict[str, Any]:
        return {**item.fields, self._key_field: item.key}

    def _of_results(self, items: Sequence[Upsert], results: Any) -> list[Receipt]:
        """By place: nothing else says which row a result is about."""
        if not isinstance(results, list) or len(results) != len(items):
            return [batches.unanswered(item) for item in items]
        return [_of_row(item, result) for item, result in zip(items, results, strict=True)]


def _calls(level: Sequence[list[Row]]) -> Iterator[list[list[Row]]]:
    """Up to five collections in one call."""
    for start in range(0, len(level), composite.MOST_HEAVY):
        yield list(level[start : start + composite.MOST_HEAVY])


def _bounded(encoded: Iterable[Encoded[Row]]) -> Iterator[list[Encoded[Row]]]:
    """Collections that are not too long together."""
    part: list[Encoded[Row]] = []
    size = 0
    for batch, body in encoded:
        if part and size + len(body) > _LARGEST_BODY:
            yield part
            part, size = [], 0
        part.append((batch, body))
        size += len(body)
    if part:
        yield part


def _fits(write: Write, result: Any) -> bool:
    return isinstance(result, dict) and result.get("id") in (None, write.ref.id)


def _of_row(item: Write | Upsert, result: Any) -> Receipt:
    success = result.get("success") if isinstance(result, dict) else None
    if success is True:
        if isinstance(item, Write):
            return Receipt(item.id, ReceiptKind.APPLIED)
        made = bool(result.get("created"))
        return Receipt(item.id, ReceiptKind.APPLIED, record_id=str(result.get("id") or ""), created=made)
    return row_receipt(item, result.get("errors")) if success is False else batches.unanswered(item)
