"""Updates records and upserts them, a hundred in a call; looks for the one bad row that gets a whole batch refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Generic

from syncd.connectors import batches
from syncd.connectors.batches import Item
from syncd.connectors.hubspot.errors import Complaint, complaint
from syncd.connectors.hubspot.paths import Paths, plain_type
from syncd.connectors.hubspot.rows import RowMaker
from syncd.connectors.transport import Transport
from syncd.model import ReadSpec, Receipt, ReceiptKind, Stream, Upsert, Write

PER_CALL = 100
_CONFLICT = 409
_REFUSED = frozenset({400, 404, _CONFLICT})


class Batches(ABC, Generic[Item]):
    """Changes of one object type, in batches of a hundred, up to `at_once` of them at the same time."""

    def __init__(self, transport: Transport, paths: Paths, object_: str, how: str, at_once: int = 1) -> None:
        self._transport, self._at_once = transport, at_once
        self._path = f"{paths.objects}/{plain_type(object_)}/batch/{how}"
        self._template = f"batch/{how}/{plain_type(object_)}"
        self._maker = RowMaker(ReadSpec(Stream.ACCOUNTS, object_, ()))
        self._division = batches.Division(self._send)
        self._bad: dict[tuple[str, str], Complaint] = {}

    def receipts(self, items: Sequence[Item]) -> list[Receipt]:
        """One receipt per item, in their order."""
        groups = (
            [(batch, partial(self._send, batch)) for batch in group]
            for group in batches.levels(items, PER_CALL, self._key)
        )
        return batches.together(items, groups, self._at_once)

    @abstractmethod
    def _key(self, item: Item) -> str:
        """What must not come twice in a batch: how the request names the record."""

    @abstractmethod
    def _fields(self, item: Item) -> Mapping[str, Any]:
        """The properties to write."""

    @abstractmethod
    def _input(self, item: Item) -> dict[str, Any]:
        """The item as the request names it, without its properties."""

    @abstractmethod
    def _found(self, item: Item, done: Mapping[str, Any]) -> Any:
        """The result of an item among all results by trace and by id, or None."""

    @abstractmethod
    def _applied(self, item: Item, result: Mapping[str, Any]) -> Receipt:
        """The receipt for a result."""

    def _conflict(self, item: Item, told: Complaint) -> Receipt:
        """Another record holds a unique value of this one."""
        return _refusal(item, told, _CONFLICT)

    def _send(self, batch: list[Item]) -> list[Receipt]:
        """Send a batch without the rows that are known to be refused."""
        known = [_refusal(i, told, 400) for i in batch if (told := self._known_bad(i)) is not None]
        dropped = {receipt.write_id for receipt in known}
        rest = [i for i in batch if i.id not in dropped]
        return known + (self._post(rest) if rest else [])

    def _post(self, batch: list[Item]) -> list[Receipt]:
        answer = self._transport.call(
            "POST",
            self._path,
            template=self._template,
            body={"inputs": [self._as_input(item) for item in batch]},
            writing=True,
            accept=_REFUSED,
        )
        if answer.status not in _REFUSED:
            content = self._transport.parsed(answer, self._template, writing=True)
            done, refused = _outcomes(content)
            return [self._receipt(item, done, refused) for item in batch]
        return self._refused(batch, complaint(answer.json_or_none()), answer.status)

    def _as_input(self, item: Item) -> dict[str, Any]:
        properties = {name: _text(value) for name, value in self._fields(item).items()}
        return {**self._input(item), "properties": properties, "objectWriteTraceId": _trace(item)}

    def _refused(self, batch: list[Item], told: Complaint, status: int) -> list[Receipt]:
        """Nothing of the batch was applied: find the rows that are to blame, and send the others."""
        blamed = {i.id for i in batch if told.unwritable & self._fields(i).keys()}
        if blamed:
            rest = [i for i in batch if i.id not in blamed]
            return [_refusal(i, told, status) for i in batch if i.id in blamed] + self._division.part(rest)
        if len(batch) > 1:
            return self._division.halves(batch)
        self._division.found()
        (item,) = batch
        for name in told.unfit & self._fields(item).keys():
            self._bad[name, _text(self._fields(item)[name])] = told
        return [self._conflict(item, told) if status == _CONFLICT else _refusal(item, told, status)]

    def _known_bad(self, item: Item) -> Complaint | None:
        """Why a row will be refused: another one was, for the same value of the same property."""
        if not self._bad:
            return None
        values = self._fields(item).items()
        return next((told for n, v in values if (told := self._bad.get((n, _text(v)))) is not None), None)

    def _receipt(self, item: Item, done: Mapping[str, Any], refused: Mapping[str, Complaint]) -> Receipt:
        if (result := self._found(item, done)) is not None:
            return self._applied(item, result)
        for key in (_trace(item), self._key(item)):
            if key in refused:
                told = refused[key]
                return self._conflict(item, told) if told.code == "CONFLICT" else _refusal(item, told, 207)
        return batches.unanswered(item)


class Writing(Batches[Write]):
    """Updates of one object type."""

    def __init__(self, transport: Transport, paths: Paths, object_: str, at_once: int = 1) -> None:
        super().__init__(transport, paths, object_, "update", at_once)

    def _key(self, item: Write) -> str:
        return item.ref.id

    def _fields(self, item: Write) -> Mapping[str, Any]:
        return item.fields

    def _input(self, item: Write) -> dict[str, Any]:
        return {"id": item.ref.id}

    def _found(self, item: Write, done: Mapping[str, Any]) -> Any:
        return done.get(_trace(item)) or done.get(item.ref.id)

    def _applied(self, item: Write, result: Mapping[str, Any]) -> Receipt:
        code = "" if str(result.get("id")) == item.ref.id else "merged"
        message = f"The record was merged into {result.get('id')}." if code else ""
        return Receipt(item.id, ReceiptKind.APPLIED, code, message, self._maker.stamp(result))


class Upserting(Batches[Upsert]):
    """Upserts of one object type by one unique property."""

    def __init__(self, transport: Transport, paths: Paths, object_: str, key_field: str, at_once: int = 1) -> None:
        super().__init__(transport, paths, object_, "upsert", at_once)
        self._key_field = key_field
        self._again: set[int] = set()

    def _key(self, item: Upsert) -> str:
        return item.key

    def _fields(self, item: Upsert) -> Mapping[str, Any]:
        return {**item.fields, self._key_field: item.key}

    def _input(self, item: Upsert) -> dict[str, Any]:
        return {"id": item.key, "idProperty": self._key_field}

    def _found(self, item: Upsert, done: Mapping[str, Any]) -> Any:
        traced = done.get(_trace(item))
        return traced or next((r for r in done.values() if self._is_of(item, r)), None)

    def _is_of(self, item: Upsert, result: Mapping[str, Any]) -> bool:
        properties = result.get("properties")
        return isinstance(properties, dict) and properties.get(self._key_field) == item.key

    def _applied(self, item: Upsert, result: Mapping[str, Any]) -> Receipt:
        return Receipt(
            item.id,
            ReceiptKind.APPLIED,
            stamp=self._maker.stamp(result),
            record_id=str(result.get("id") or ""),
            created=result.get("new") is True,
        )

    def _conflict(self, item: Upsert, told: Complaint) -> Receipt:
        """Somebody may have created the record between HubSpot's look and its own creation: said again, it changes it.

        Refused twice, another of its unique values is another record's.
        """
        if item.id in self._again:
            return super()._conflict(item, told)
        self._again.add(item.id)
        return self._division.part([item])[0]


def _trace(item: batches.Numbered) -> str:
    return f"syncd-{item.id}"


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


def _refusal(item: batches.Numbered, told: Complaint, status: int) -> Receipt:
    code, message = told.code or f"HTTP_{status}", told.message
    return Receipt(item.id, ReceiptKind.FAILED, code, message, record_id=told.existing)
