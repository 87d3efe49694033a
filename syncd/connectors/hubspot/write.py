"""Updates records, a hundred in a call. HubSpot may refuse a whole batch for one bad row, which is then looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from syncd.connectors import batches
from syncd.connectors.hubspot.errors import Complaint, complaint
from syncd.connectors.hubspot.paths import Paths, plain_type
from syncd.connectors.hubspot.rows import RowMaker
from syncd.connectors.transport import Transport
from syncd.errors import Retry, Stop, UserError
from syncd.model import ReadSpec, Receipt, ReceiptKind, Stream, Write

PER_CALL = 100
_REFUSED = frozenset({400, 404, 409})

Batch = Sequence[Write]


class Writing:
    """Writes to one object type."""

    def __init__(self, transport: Transport, paths: Paths, object_: str) -> None:
        self._transport, self._object = transport, plain_type(object_)
        self._path = f"{paths.objects}/{self._object}/batch/update"
        self._maker = RowMaker(ReadSpec(Stream.ACCOUNTS, object_, ()))

    def receipts(self, writes: Batch) -> list[Receipt]:
        """One receipt per write, in their order."""
        calls = ((batch, partial(self._send, batch)) for batch in batches.rounds(writes, PER_CALL))
        return batches.answered(writes, calls)

    def _send(self, batch: Batch) -> list[Receipt]:
        """Send a batch; a refused one was not applied at all, and is sent again in halves."""
        answer = self._transport.call(
            "POST",
            self._path,
            template=f"batch/update/{self._object}",
            body={"inputs": [_input(w) for w in batch]},
            writing=True,
            accept=_REFUSED,
        )
        if answer.status not in _REFUSED:
            content = self._transport.parsed(answer, f"batch/update/{self._object}", writing=True)
            return [self._receipt(w, *_outcomes(content)) for w in batch]
        told = complaint(answer.json_or_none())
        blamed = [w for w in batch if told.unwritable & set(w.fields)]
        if blamed or len(batch) == 1:
            rest = [w for w in batch if w not in blamed] if blamed else []
            return [_refusal(w, told, answer.status) for w in blamed or batch] + self._part(rest)
        middle = len(batch) // 2
        return self._part(batch[:middle]) + self._part(batch[middle:])

    def _part(self, batch: Batch) -> list[Receipt]:
        """A part whose call fails must not take the receipts of the others with it."""
        try:
            return self._send(batch) if batch else []
        except Retry as error:
            return [batches.lost(w, error) for w in batch]
        except (Stop, UserError) as error:
            return [Receipt(w.id, ReceiptKind.RETRY, "not_sent", str(error)) for w in batch]

    def _receipt(self, write: Write, done: Mapping[str, Any], refused: Mapping[str, Complaint]) -> Receipt:
        for key in (_trace(write), write.ref.id):
            if key in done:
                return self._applied(write, done[key])
        for key in (_trace(write), write.ref.id):
            if key in refused:
                return _refusal(write, refused[key], 207)
        return batches.unanswered(write)

    def _applied(self, write: Write, result: Mapping[str, Any]) -> Receipt:
        rows, _ = self._maker.rows([result])
        code = "" if str(result.get("id")) == write.ref.id else "merged"
        message = f"The record was merged into {result.get('id')}." if code else ""
        return Receipt(write.id, ReceiptKind.APPLIED, code, message, rows[0].stamp if rows else None)


def _input(write: Write) -> dict[str, Any]:
    properties = {name: _text(value) for name, value in write.fields.items()}
    return {"id": write.ref.id, "properties": properties, "objectWriteTraceId": _trace(write)}


def _trace(write: Write) -> str:
    return f"syncd-{write.id}"


def _text(value: Any) -> str:
    """Everything is text; an empty one clears, null would be ignored."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _outcomes(content: Any) -> tuple[dict[str, Any], dict[str, Complaint]]:
    """Results and errors by id and by trace: their order is not that of the request."""
    body: Mapping[str, Any] = content if isinstance(content, dict) else {}
    done: dict[str, Any] = {}
    for result in body.get("results") or ():
        if isinstance(result, dict):
            done |= {str(result[key]): result for key in ("id", "objectWriteTraceId") if result.get(key) is not None}
    refused = {id_: told for told in map(complaint, body.get("errors") or ()) for id_ in told.ids}
    return done, refused


def _refusal(write: Write, told: Complaint, status: int) -> Receipt:
    return Receipt(write.id, ReceiptKind.FAILED, told.code or f"HTTP_{status}", told.message)
