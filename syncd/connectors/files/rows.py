"""Makes records of an export's rows: the id, the time of change, the mapped cells, or why a row cannot be one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from syncd.connectors.files.cells import TITLE_LINES, Cells, Table, stands_alone, tells_of_report, unescaped
from syncd.connectors.files.headers import SYSTEMS, Headers
from syncd.connectors.files.moments import day, moment
from syncd.connectors.salesforce.ids import long_id
from syncd.errors import UserError
from syncd.settings.sources import ExportObject, FilesSource

_ASSOCIATIONS = "associations."
_YES = frozenset({"true", "1", "yes"})


@dataclass(frozen=True, slots=True)
class Read:
    """One row as a record. `stamp` is None where the export has no column for it."""

    id: str
    stamp: datetime | None
    cells: dict[str, Any]
    deleted: bool


@dataclass(frozen=True, slots=True)
class Unread:
    """One row that is no record; `id` is blank where it names none."""

    line: int
    id: str
    reason: str


class Form:
    """How the exports of one object are to be read, as the settings say it."""

    def __init__(self, source: FilesSource, name: str) -> None:
        self.object, self.said = name, source.objects[name]
        self.system = SYSTEMS[source.system]
        self.is_salesforce = source.system == "salesforce"
        self.zone, self.order = ZoneInfo(source.zone), source.dates

    @property
    def ids(self) -> tuple[str, ...]:
        """The native names that the id may have."""
        return (self.said.id,) if self.said.id else (self.system.id,)

    def headers(self, cells: Sequence[str]) -> Headers:
        """A header row of such an export."""
        return Headers(cells, self.object, self.system, self.said.columns)


class Rows:
    """The rows of one export, once its header is found."""

    def __init__(self, table: Table, name: str, form: Form, wanted: Iterable[str]) -> None:
        """Raises UserError when the export has no column for the id."""
        self._table, self._form, self._name = table, form, name
        self.headers, self._width = _header(table, name, form)
        said, system = form.said, form.system
        find = self.headers.find
        self.columns = {native: at for native in wanted if (at := find(native)) is not None}
        self._id = self.headers.first(form.ids) or 0
        self._stamp = self._extra(said, "stamp", system.stamps)
        self._deleted = self._extra(said, "deleted", system.deleted)
        self.has_stamps = self._stamp is not None
        self.count = 0
        self._last = 0, 0

    def __iter__(self) -> Iterator[Read | Unread]:
        """Every row below the header. The last lines of a report, which say who made it, are none."""
        alone: list[tuple[int, Cells]] = []
        for line, cells in self._table.rows:
            if not any(cell.strip() for cell in cells):
                continue
            if self._is_aside(cells):
                alone.append((line, cells))
                continue
            yield from self._counted(alone)
            yield from self._counted([(line, cells)])
            alone.clear()
        if not any(tells_of_report(cells) for _, cells in alone):
            yield from self._counted(alone)

    def _is_aside(self, cells: Cells) -> bool:
        """Whether a line may be one of those with which reports end."""
        if self._width <= 2 or not stands_alone(cells):
            return False
        return len(cells) < self._width or tells_of_report(cells) or not self._id_of(cells)

    def _counted(self, rows: Sequence[tuple[int, Cells]]) -> Iterator[Read | Unread]:
        for line, cells in rows:
            self.count += 1
            self._last = line, len(cells)
            yield self._row(line, cells)

    @property
    def cut_off(self) -> str:
        """Why the file, now read, seems to end in the middle of a row; blank when it does not."""
        line, cells = self._last
        if self._table.open_quote:
            return f"a quotation mark that opens in line {self._table.open_quote} is never closed"
        if not self._table.ended and 0 < cells < self._width:
            return f"line {line}, the last one, ends after {cells} of {self._width} columns"
        return ""

    def _extra(self, said: ExportObject, key: str, known: Sequence[str]) -> int | None:
        """The position of a column that the settings name, or that exports of this system may have."""
        named = str(getattr(said, key))
        if not named:
            return self.headers.first(known)
        if (found := self.headers.find(named)) is None:
            raise UserError(f"{self._name} has no column {named}. Add it to the export, or correct `{key}`.")
        return found

    def _row(self, line: int, cells: Cells) -> Read | Unread:
        id_ = self._id_of(cells)
        if len(cells) != self._width and any(cell.strip() for cell in cells[self._width :]):
            quote = "is a quotation mark missing?"
            return Unread(line, "", f"line {line}: has {len(cells)} cells where the header has {self._width}; {quote}")
        if len(cells) < self._width:
            return Unread(line, id_, f"line {line}: has {len(cells)} cells where the header has {self._width}")
        if not id_:
            return Unread(line, "", f"line {line}: has no usable id")
        try:
            stamp = self._moment(cells, self._stamp)
        except ValueError as error:
            return Unread(line, id_, f"line {line}: the time of its last change {error}")
        deleted = self._deleted is not None and cells[self._deleted].strip().casefold() in _YES
        return Read(id_, stamp, self._cells(cells), deleted)

    def _id_of(self, cells: Cells) -> str:
        """The id of a row; blank where there is none that can be used."""
        id_ = cells[self._id].strip() if self._id < len(cells) else ""
        if self._form.is_salesforce:
            return long_id(id_) or ""
        return id_ if len(id_) <= 200 and id_.isprintable() else ""

    def _moment(self, cells: Cells, at: int | None) -> datetime | None:
        if at is None:
            return None
        if not (text := cells[at].strip()):
            raise ValueError("is empty")
        return moment(text, self._form.zone, self._form.order)

    def _cells(self, cells: Cells) -> dict[str, Any]:
        return {native: self._value(native, cells[at].strip()) for native, at in self.columns.items()}

    def _value(self, native: str, text: str) -> Any:
        """A cell as the mapping is to see it; dates that the system is known to have are said as ISO has them."""
        if native.startswith(_ASSOCIATIONS):
            return [part for part in text.replace(",", ";").replace(" ", "").split(";") if part]
        if not text:
            return None
        system = self._form.system
        try:
            if native in system.moments:
                return moment(text, self._form.zone, self._form.order).isoformat()
            if native in system.days:
                return day(text, self._form.zone, self._form.order).isoformat()
        except ValueError:
            return text  # the mapping says what is wrong with it, and keeps the record
        if self._form.is_salesforce and native.endswith("Id"):
            return long_id(text) or text
        return unescaped(text)


def _header(table: Table, name: str, form: Form) -> tuple[Headers, int]:
    """The first line that has a column for the id; reports may have a title above it."""
    seen: list[str] = []
    for _, cells in islice(table.rows, TITLE_LINES):
        headers = form.headers(cells)
        if headers.first(form.ids) is not None:
            return headers, len(cells)
        seen = seen or [cell for cell in cells if cell.strip()]
    shown = ", ".join(seen)[:300] or "nothing"
    remedy = f"Add it to the export, or say `id: COLUMN` for {form.object} in the settings."
    raise UserError(f"{name}: no column holds the id ({form.ids[0]}). Seen: {shown}. {remedy}")
