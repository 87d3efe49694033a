"""Changes and makes records as the description says, one in a call or several, with a receipt for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from syncd.connectors import batches
from syncd.connectors.rest import filling
from syncd.connectors.rest.description import Changing, RestObject
from syncd.connectors.rest.errors import REFUSED, RestDialect
from syncd.connectors.rest.shape import finder
from syncd.connectors.transport import Transport
from syncd.errors import UserError
from syncd.model import Receipt, ReceiptKind, Upsert, Write


class Writing:
    """Writes to one object."""

    def __init__(self, transport: Transport, dialect: RestDialect, about: RestObject, object_: str) -> None:
        self._transport, self._dialect, self._about, self._object = transport, dialect, about, object_
        self._division: batches.Division[Write] = batches.Division(self._send_several)

    def receipts(self, writes: Sequence[Write]) -> list[Receipt]:
        """One receipt per write, in their order. Raises UserError for an object that is read-only."""
        update = self._about.update
        if update is None:
            raise UserError(f"The description of {self._object} has no `update`: it is read-only.")
        refused = {w.id: receipt for w in writes if (receipt := self._unwritable(w)) is not None}
        fit = [w for w in writes if w.id not in refused]
        send = self._send_several if update.most > 1 else self._send_one
        calls = ((batch, partial(send, batch)) for batch in batches.rounds(fit, update.most))
        done = refused | {receipt.write_id: receipt for receipt in batches.answered(fit, calls)}
        return [done[w.id] for w in writes]

    def upserted(self, key_field: str, rows: Sequence[Upsert]) -> list[Receipt]:
        """One receipt per row, in their order. Raises UserError where nothing is made by this field."""
        making = self._about.upsert
        if making is None or key_field not in making.keys:
            known = ", ".join(making.keys) if making else "none"
            raise UserError(f"The description makes no {self._object} by {key_field} (there: {known}). Add `upsert`.")
        refused = {row.id: receipt for row in rows if (receipt := self._unwritable(row)) is not None}
        fit = [row for row in rows if row.id not in refused]
        sent = batches.answered(fit, (([row], partial(self._make, key_field, row)) for row in fit))
        done = refused | {receipt.write_id: receipt for receipt in sent}
        return [done[row.id] for row in rows]

    def _unwritable(self, write: Write | Upsert) -> Receipt | None:
        unknown = [name for name in write.fields if name not in self._about.write]
        if not unknown:
            return None
        message = f"The description does not say that {unknown[0]} can be written. Add it to `write`."
        return Receipt(write.id, ReceiptKind.FAILED, "not_writable", message)

    def _fields(self, fields: Mapping[str, Any], cleared: str | None = None) -> dict[str, Any]:
        """The values under the names that the API has for them."""
        return {self._about.write[name]: cleared if value is None else value for name, value in fields.items()}

    def _send_one(self, batch: Sequence[Write]) -> list[Receipt]:
        update = self._update()
        (write,) = batch
        values = {"id": write.ref.id, "fields": self._fields(write.fields, update.cleared)}
        answer = self._transport.call(
            update.method,
            filling.path(update.path, {"id": write.ref.id}),
            template=f"update/{self._object}",
            body=filling.filled(update.body, values),
            writing=True,
            accept=REFUSED,
        )
        if answer.status in REFUSED:
            return [self._refusal(write.id, answer.status, answer.json_or_none())]
        return [Receipt(write.id, ReceiptKind.APPLIED)]

    def _send_several(self, batch: list[Write]) -> list[Receipt]:
        update = self._update()
        rows = [
            filling.filled(update.row, {"id": w.ref.id, "fields": self._fields(w.fields, update.cleared)})
            for w in batch
        ]
        answer = self._transport.call(
            update.method,
            update.path,
            template=f"update/{self._object}",
            body=filling.filled(update.body, {"rows": rows}),
            writing=True,
            accept=REFUSED,
        )
        if answer.status in REFUSED:
            if len(batch) > 1:
                return self._division.halves(batch)
            self._division.found()
            return [self._refusal(batch[0].id, answer.status, answer.json_or_none())]
        return self._outcomes(batch, self._transport.parsed(answer, f"update/{self._object}", writing=True))

    def _outcomes(self, batch: Sequence[Write], content: Any) -> list[Receipt]:
        """Each record's own outcome; one that the answer does not mention is unknown."""
        update = self._update()
        id_, error, message = finder(update.id), finder(update.error), finder(update.message)
        results = finder(update.results or "@")(content)
        told = {str(id_(one)): one for one in results if isinstance(one, dict)} if isinstance(results, list) else {}
        receipts = []
        for write in batch:
            one = told.get(write.ref.id)
            if one is None:
                receipts.append(batches.unanswered(write))
            elif code := error(one):
                words = message(one)
                shown = words[:500] if isinstance(words, str) else ""
                receipts.append(Receipt(write.id, ReceiptKind.FAILED, str(code)[:60], shown))
            else:
                receipts.append(Receipt(write.id, ReceiptKind.APPLIED))
        return receipts

    def _make(self, key_field: str, row: Upsert) -> list[Receipt]:
        making = self._about.upsert
        assert making is not None
        values = {"key": row.key, "key_field": self._about.write.get(key_field, key_field)}
        answer = self._transport.call(
            making.method,
            filling.path(making.path, values),
            template=f"upsert/{self._object}",
            body=filling.filled(making.body, {**values, "fields": self._fields(row.fields)}),
            writing=True,
            accept=REFUSED,
        )
        if answer.status in REFUSED:
            return [self._refusal(row.id, answer.status, answer.json_or_none())]
        found = finder(making.id)(self._transport.parsed(answer, f"upsert/{self._object}", writing=True))
        created = answer.status in making.created
        return [Receipt(row.id, ReceiptKind.APPLIED, record_id=str(found or ""), created=created)]

    def _refusal(self, number: int, status: int, content: Any) -> Receipt:
        code = self._dialect.code(content) or f"HTTP_{status}"
        return Receipt(number, ReceiptKind.FAILED, code, self._dialect.words(content))

    def _update(self) -> Changing:
        assert self._about.update is not None
        return self._about.update
