"""Updates records: 200 in a Collections request, five of those in one composite call, one result for each row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from syncd.connectors import batches
from syncd.connectors.salesforce.errors import code_of, row_receipt
from syncd.connectors.transport import Transport
from syncd.model import Receipt, ReceiptKind, Write

PER_CALL = 1_000
_PER_COLLECTION = 200
_LARGEST_BODY = 5_000_000
_REFUSED = frozenset({400})

# Assignment rules run on REST writes unless told not to, and would give our record to somebody else; alerting
# duplicate rules would refuse an update of a record that was a duplicate long before us. Sub-requests do not inherit
# headers, so each one carries them.
HEADERS: Mapping[str, str] = {
    "Sforce-Auto-Assign": "FALSE",
    "Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false; runAsCurrentUser=true",
}

Collection = list[Write]


class Writing:
    """Writes to one object."""

    def __init__(self, transport: Transport, base: str, object_: str) -> None:
        self._transport, self._base, self._object = transport, base, object_
        self._division = batches.Division(self._alone)

    def receipts(self, writes: Sequence[Write]) -> list[Receipt]:
        """One receipt per write, in their order."""
        calls = _calls(batches.rounds(writes, _PER_COLLECTION))
        return batches.answered(writes, (self._sending(call) for call in calls))

    def _sending(self, call: list[Collection]) -> batches.Sending:
        return [write for collection in call for write in collection], partial(self._send, call)

    def _send(self, collections: list[Collection]) -> list[Receipt]:
        if len(collections) == 1:
            return self._alone(collections[0])
        body = {
            "allOrNone": False,
            "collateSubrequests": False,
            "compositeRequest": [
                {
                    "method": "PATCH",
                    "url": f"{self._base}/composite/sobjects",
                    "referenceId": f"c{number}",
                    "httpHeaders": HEADERS,
                    "body": self._body(collection),
                }
                for number, collection in enumerate(collections)
            ],
        }
        content = self._transport.json(
            "POST", f"{self._base}/composite", template="composite", body=body, headers=HEADERS, writing=True
        )
        answers = _by_reference(content)
        return [
            receipt
            for number, collection in enumerate(collections)
            for receipt in self._of_subrequest(collection, answers.get(f"c{number}"))
        ]

    def _alone(self, collection: Collection) -> list[Receipt]:
        answer = self._transport.call(
            "PATCH",
            f"{self._base}/composite/sobjects",
            template="composite/sobjects",
            body=self._body(collection),
            headers=HEADERS,
            writing=True,
            accept=_REFUSED,
        )
        if answer.status in _REFUSED:
            return self._refused(collection, answer.json_or_none())
        return _of_results(collection, self._transport.parsed(answer, "composite/sobjects", writing=True))

    def _of_subrequest(self, collection: Collection, answer: Mapping[str, Any] | None) -> list[Receipt]:
        if answer is None:
            return [batches.unanswered(w) for w in collection]
        status, body = answer.get("httpStatusCode"), answer.get("body")
        if status == 200:
            return _of_results(collection, body)
        if status in _REFUSED:
            return self._refused(collection, body)
        if not isinstance(status, int) or status >= 500:
            unknown = Receipt(0, ReceiptKind.UNKNOWN, code_of(body) or "no_answer", f"Salesforce: HTTP {status}.")
            return batches.all_as(collection, unknown)
        return [row_receipt(w, body) for w in collection]

    def _refused(self, collection: Collection, body: Any) -> list[Receipt]:
        """A request that was not even read, for want of a field or for a value of another type: nothing was applied."""
        receipts = [row_receipt(w, body) for w in collection]
        if receipts[0].kind is ReceiptKind.RETRY:
            return receipts
        if len(collection) > 1:
            return self._division.halves(collection)
        self._division.found()
        return receipts

    def _body(self, collection: Collection) -> dict[str, Any]:
        kind = {"type": self._object}
        records = [{"attributes": kind, "id": w.ref.id, **w.fields} for w in collection]
        return {"allOrNone": False, "records": records}


def _calls(collections: Iterable[Collection]) -> Iterator[list[Collection]]:
    """Up to five collections in one call, fewer if they are long."""
    call: list[Collection] = []
    size = 0
    for collection in collections:
        length = len(orjson.dumps([dict(w.fields) for w in collection], default=str))
        if call and (len(call) == PER_CALL // _PER_COLLECTION or size + length > _LARGEST_BODY):
            yield call
            call, size = [], 0
        call.append(collection)
        size += length
    if call:
        yield call


def _by_reference(content: Any) -> dict[str, Mapping[str, Any]]:
    answers = content.get("compositeResponse") if isinstance(content, dict) else None
    return {str(a.get("referenceId")): a for a in answers or () if isinstance(a, dict)}


def _of_results(collection: Collection, results: Any) -> list[Receipt]:
    """By place: a refused row may lack its id. A list of another length proves nothing about any row."""
    if not isinstance(results, list) or len(results) != len(collection):
        return [batches.unanswered(w) for w in collection]
    return [_of_row(w, result) for w, result in zip(collection, results, strict=True)]


def _of_row(write: Write, result: Any) -> Receipt:
    if not isinstance(result, dict) or not isinstance(result.get("success"), bool):
        return batches.unanswered(write)
    if not result["success"]:
        return row_receipt(write, result.get("errors"))
    if result.get("id") not in (None, write.ref.id):
        return batches.unanswered(write)
    return Receipt(write.id, ReceiptKind.APPLIED)
