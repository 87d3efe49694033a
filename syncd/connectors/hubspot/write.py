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
from syncd.model import ReadSpec, Receipt, ReceiptKind, Stream, Write

PER_CALL = 100
_REFUSED = frozenset({400, 404, 409})

Batch = list[Write]


class Writing:
    """Writes to one object type."""

    def __init__(self, transport: Transport, paths: Paths, object_: str) -> None:
        self._transport, self._object = transport, plain_type(object_)
        self._path = f"{paths.objects}/{self._object}/batch/update"
        self._maker = RowMaker(ReadSpec(Stream.ACCOUNTS, object_, ()))
        self._division = batches.Division(self._send)
        self._bad: dict[tuple[str, str], Complaint] = {}

    def receipts(self, writes: Sequence[Write]) -> list[Receipt]:
        """One receipt per write, in their order."""
        calls = ((batch, partial(self._send, batch)) for batch in batches.rounds(writes, PER_CALL))
        return batches.answered(writes, calls)

    def _send(self, batch: Batch) -> list[Receipt]:
        """Send a batch without the rows that are known to be refused."""
        known = [_refusal(w, told, 400) for w in batch if (told := self._known_bad(w)) is not None]
        dropped = {receipt.write_id for receipt in known}
        rest = [w for w in batch if w.id not in dropped]
        return known + (self._post(rest) if rest else [])

    def _post(self, batch: Batch) -> list[Receipt]:
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
            done, refused = _outcomes(content)
            return [self._receipt(w, done, refused) for w in batch]
        return self._refused(batch, complaint(answer.json_or_none()), answer.status)

    def _refused(self, batch: Batch, told: Complaint, status: int) -> list[Receipt]:
        """Nothing of the batch was applied: find the rows that are to blame, and send the others."""
        blamed = {w.id for w in batch if told.unwritable & set(w.fields)}
        if blamed:
            rest = [w for w in batch if w.id not in blamed]
            return [_refusal(w, told, status) for w in batch if w.id in blamed] + self._division.part(rest)
        if len(batch) > 1:
            return self._division.halves(batch)
        self._division.found()
        for name in told.unfit & set(batch[0].fields):
            self._bad[name, _text(batch[0].fields[name])] = told
        return [_refusal(batch[0], told, status)]

    def _known_bad(self, write: Write) -> Complaint | None:
        """Why a row will be refused: another one was, for the same value of the same property."""
        if not self._bad:
            return None
        return next((t for n, v in write.fields.items() if (t := self._bad.get((n, _text(v)))) is not None), None)

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
