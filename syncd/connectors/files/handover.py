"""Writes import files: for Salesforce Data Loader, for HubSpot's import, or under the headers of the exports."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from io import StringIO
from typing import Any

from syncd.connectors import batches
from syncd.connectors.files.cells import escaped, unescaped
from syncd.connectors.files.folder import Folder
from syncd.connectors.files.headers import Headers
from syncd.connectors.files.rows import Form
from syncd.connectors.files.shelf import Shelf, columns_of, micros, note_handed
from syncd.model import Receipt, ReceiptKind, Write

PER_FILE = 10_000
_NAME = re.compile(r"(?P<object>[A-Za-z0-9][A-Za-z0-9_-]*)--(?P<at>\d{8}T\d{12}Z)-\d{6,}(-clear)?\.csv")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

Row = tuple[str, Mapping[str, str | None]]


@dataclass(frozen=True, slots=True)
class Columns:
    """How one object's fields are headed in import files, and what empties one."""

    id: str
    labels: Mapping[str, str]
    cleared: str

    @classmethod
    def of(cls, form: Form, headers: Headers, fields: Sequence[str]) -> Columns:
        """API names where the import wants them; the exports' own headers for any other system."""
        own = form.system.import_id == ""
        labels = {name: (headers.label(name) or name) if own else name for name in fields}
        id_ = (headers.label(form.ids[0]) or form.ids[0]) if own else form.system.import_id
        return cls(id_, labels, form.system.cleared)


class Handover:
    """Writes to one object: each batch becomes a file."""

    def __init__(self, folder: Folder, shelf: Shelf, form: Form, now: datetime, per_file: int) -> None:
        self._folder, self._shelf, self._form, self._now, self._per_file = folder, shelf, form, now, per_file
        newest = shelf.newest(form.object)
        self._headers = form.headers(newest.headers if newest else [])
        self._number = shelf.import_files()
        self.files = 0

    def receipts(self, writes: Sequence[Write]) -> list[Receipt]:
        """One receipt per write, in their order. A write counts as applied when its file was put down."""
        refused = {w.id: receipt for w in writes if (receipt := self._refusal(w)) is not None}
        refused |= self._unknown_records([w for w in writes if w.id not in refused])
        fit = [w for w in writes if w.id not in refused]
        done = {receipt.write_id: receipt for receipt in batches.answered(fit, self._calls(fit))}
        return [refused.get(w.id) or done[w.id] for w in writes]

    def _refusal(self, write: Write) -> Receipt | None:
        for name, value in write.fields.items():
            if self._headers.find(name) is None:
                message = f"The exports of {self._form.object} have no column {name}. Add it to them."
                return Receipt(write.id, ReceiptKind.FAILED, "no_column", message)
            if isinstance(value, dict | list):
                return Receipt(write.id, ReceiptKind.FAILED, "not_a_value", f"{name} takes one value.")
        return None

    def _unknown_records(self, writes: Sequence[Write]) -> dict[int, Receipt]:
        ids = list(dict.fromkeys(w.ref.id for w in writes))
        known = {kept.id for kept in self._shelf.by_id(self._form.object, ids) if not kept.deleted}
        message = "No export names this record any more."
        return {w.id: Receipt(w.id, ReceiptKind.FAILED, "no_record", message) for w in writes if w.ref.id not in known}

    def _calls(self, writes: Sequence[Write]) -> Iterator[batches.Sending]:
        for batch in batches.rounds(writes, self._per_file):
            groups: dict[tuple[tuple[str, ...], bool], list[Write]] = {}
            for write in batch:
                # one file never leaves a cell empty that is not meant to be emptied
                clears = not self._form.system.cleared and None in write.fields.values()
                groups.setdefault((tuple(write.fields), clears), []).append(write)
            for (fields, clears), some in groups.items():
                yield some, partial(self._send, some, fields, clears)

    def _send(self, writes: Sequence[Write], fields: Sequence[str], clears: bool) -> list[Receipt]:
        self.files += 1
        stamp = f"{self._now:%Y%m%dT%H%M%S%f}Z"
        number = self._number + self.files
        name = f"{self._form.object}--{stamp}-{number:06}{'-clear' if clears else ''}.csv"
        columns = Columns.of(self._form, self._headers, fields)
        rows = [(w.ref.id, {field: text(value) for field, value in w.fields.items()}) for w in writes]
        self._folder.hand_over(name, packed(columns, rows))
        with self._shelf.begin() as db:
            note_handed(db, name, self._form.object, micros(self._now), rows)
        return [Receipt(w.id, ReceiptKind.APPLIED, "handed_over", f"Stands in the import file {name}.") for w in writes]


def text(value: Any) -> str | None:
    """A native value as import files take it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def packed(columns: Columns, rows: Sequence[Row]) -> bytes:
    """An import file: UTF-8 without a mark at its start, which Data Loader takes for a part of the first header."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([columns.id, *columns.labels.values()])
    for id_, fields in rows:
        writer.writerow([id_, *(_cell(fields[name], columns.cleared) for name in columns.labels)])
    return out.getvalue().encode()


def _cell(value: str | None, cleared: str) -> str:
    if value is None:
        return cleared
    return value if _NUMBER.fullmatch(value) else escaped(value)


def note_left_over(folder: Folder, shelf: Shelf, forms: Mapping[str, Form]) -> None:
    """Remember import files that were put down and not noted, because the answer was lost or the process ended."""
    names = folder.handed()
    if not names:
        return
    with shelf.begin() as db:
        known = {row[0] for row in db.execute("SELECT name FROM import_file")}
        for name in names:
            match = _NAME.fullmatch(name)
            form = forms.get(match["object"]) if match else None
            if match and form and name not in known:
                at = datetime.strptime(match["at"], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
                rows = _rows(folder.content(name).decode(), form, columns_of(db, form.object))
                note_handed(db, name, form.object, micros(at), rows)


def _rows(content: str, form: Form, natives: Sequence[str]) -> Iterator[Row]:
    lines = csv.reader(StringIO(content, newline=""))
    headers = form.headers(next(lines, []))
    places = {native: at for native in natives if (at := headers.find(native))}
    for line in lines:
        yield line[0], {native: _value(line[at], form.system.cleared) for native, at in places.items()}


def _value(cell: str, cleared: str) -> str | None:
    return None if cell in ("", cleared) else unescaped(cell)
