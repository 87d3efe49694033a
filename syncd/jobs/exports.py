"""Reads CSV exports of companies and deals under any sensible headers; says what it could not use, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from syncd.connectors.files.cells import TITLE_LINES, is_footer, read_sheet, unescaped
from syncd.errors import UserError
from syncd.jobs.columns import (
    KNOWN,
    OF_COMPANIES,
    SEVERAL,
    amount_of,
    day_order,
    day_reader,
    recognised,
    shows_deals,
    state_of,
    whole,
)
from syncd.mapping.convert import clean
from syncd.model import Account, Money, Ref

_MOST = 1_000  # characters that one cell keeps
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Deal:
    """What a row says about a deal or a filing. `state`: open, won, lost, ended, or blank when nothing tells."""

    id: str = ""
    name: str = ""
    stage: str = ""
    state: str = ""
    value: Money | None = None
    owner: str = ""
    created: date | None = None
    closes: date | None = None
    products: frozenset[str] = frozenset()
    partner: str = ""
    source: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row that can be used. `number` counts as a spreadsheet does: the header is usually row 1."""

    number: int
    id: str
    company_id: str
    account: Account
    is_customer: bool
    deal: Deal


@dataclass(frozen=True, slots=True)
class Note:
    """Something about a file, a column or a row that a person should know."""

    row: int | None
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"row {self.row}: " if self.row else ""
        return f"{place}{self.column + ': ' if self.column else ''}{self.reason}"


@dataclass(slots=True)
class Export:
    """One file as read: its usable rows, which column is what, and everything that was not used."""

    path: Path
    side: str
    rows: list[Row] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)
    unused: list[Note] = field(default_factory=list)
    kept_out: list[Note] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    has_deals: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "file": str(self.path), "rows": len(self.rows), "columns": self.columns,
            "unused_columns": [{"column": n.column, "reason": n.reason} for n in self.unused],
            "kept_out": [{"row": n.row, "reason": n.reason} for n in self.kept_out],
            "notes": [str(n) for n in self.notes],
        }  # fmt: skip


# --- cells -----------------------------------------------------------------------------------------------------------


def read_cells(path: Path) -> tuple[list[tuple[int, list[str]]], list[Note]]:
    """The filled rows of a CSV file or of a workbook's first sheet, with their numbers. Raises UserError."""
    rows: list[tuple[int, list[str]]] = []
    notes: list[Note] = []
    try:
        with path.open("rb") as file, read_sheet(file, str(path)) as table:
            for number, (_, cells) in enumerate(table.rows, 1):
                if any(cell.strip() for cell in cells):
                    rows.append((number, [_bounded(cell, number, notes) for cell in cells]))
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    if not rows:
        raise UserError(f"{path} is empty. Its first line should name the columns.")
    return rows, [*(Note(None, "", note) for note in table.notes), *notes]


def _bounded(cell: str, row: int, notes: list[Note]) -> str:
    if len(cell) > _MOST:
        quote = "; is a quotation mark not closed?" if cell.count("\n") > 20 else ""
        notes.append(Note(row, "", f"a value of {len(cell)} characters was cut to {_MOST}{quote}"))
    return clean(cell[:_MOST])


# --- columns ---------------------------------------------------------------------------------------------------------


def _header(path: Path, rows: Sequence[tuple[int, list[str]]]) -> tuple[int, dict[str, list[int]]]:
    """Where the header is, and what its columns are. Raises UserError when no line names a company column."""
    for index, (_, cells) in enumerate(rows[:TITLE_LINES]):
        columns = recognised(cells)
        if "name" in columns:
            return index, columns
    seen = ", ".join(cell for cell in rows[0][1] if cell)[:500]
    hint = ""
    if "deal_name" in recognised(rows[0][1]):
        hint = " The name of a deal is not the name of its company: add the account's name to the export."
    raise UserError(
        f"{path}: no column names the company.{hint}\n  Seen: {seen}\n  Known: {KNOWN['name']} "
        "(in any case; also the headers of Salesforce and HubSpot exports)."
    )


# --- rows ------------------------------------------------------------------------------------------------------------


def read_export(path: Path, side: str, *, by_id: bool) -> Export:
    """Read one export. `by_id`: rows are named by their id, so those without or with a repeated one are kept out;
    otherwise by their number. Raises UserError."""
    rows, notes = read_cells(path)
    top, columns = _header(path, rows)
    headers = rows[top][1]
    export = Export(path, side, notes=notes, has_deals=shows_deals(columns, headers))
    if top:
        export.notes.append(Note(None, "", f"{_times(top, 'line')} above the header, taken as a title"))
    _tell_columns(export, headers, columns)
    body = _without_footer(export, headers, rows[top + 1 :])
    reader = _Reader(export, headers, columns, body)
    seen: dict[str, int] = {}
    for number, cells in body:
        row = reader.row(number, cells, by_id)
        if row is None:
            continue
        if by_id and seen.setdefault(row.id, number) != number:
            export.kept_out.append(Note(number, "", f"has the same id as row {seen[row.id]}"))
            continue
        export.rows.append(row)
    export.notes += reader.column_notes()
    return export


def _tell_columns(export: Export, headers: Sequence[str], columns: Mapping[str, list[int]]) -> None:
    taken: dict[int, str] = {}
    for name, positions in columns.items():
        used = positions if name in SEVERAL else positions[:1]
        export.columns[name] = [headers[p] for p in used]
        taken.update(dict.fromkeys(used, name))
    for position, header in enumerate(headers):
        if position not in taken:
            meant = next((name for name, positions in columns.items() if position in positions), None)
            reason = f"“{export.columns[meant][0]}” is used instead" if meant else "not known"
            export.unused.append(Note(None, header or f"column {position + 1}", reason))


def _without_footer(export: Export, headers: Sequence[str],
                    rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:  # fmt: skip
    """Salesforce reports end with lines that say who made them and when: one cell each."""
    end = len(rows)
    while len(headers) > 2 and end and is_footer(rows[end - 1][1]):
        end -= 1
    if end < len(rows):
        reason = f"{_times(len(rows) - end, 'line')} taken as a report's footer"
        export.notes.append(Note(rows[end][0], "", reason))
    return rows[:end]


class _Reader:
    """Turns the rows of one file into records, and collects by column what could not be read."""

    def __init__(self, export: Export, headers: Sequence[str], columns: Mapping[str, list[int]],
                 rows: Sequence[tuple[int, list[str]]]) -> None:  # fmt: skip
        self.export, self.headers, self.columns = export, headers, columns
        self.unread: dict[tuple[str, str], list[int]] = {}
        orders = {name: day_order(cells[p] for _, cells in rows for p in columns.get(name, [])[:1] if p < len(cells))
                  for name in ("created", "closes")}  # fmt: skip
        self.days = {name: day_reader(order) for name, order in orders.items()}
        if by_number := ("id" not in columns and "company_id" not in columns and "deal_id" not in columns):
            export.notes.append(Note(None, "", "no column holds an id, so rows are named by their number"))
        self.by_number = by_number

    def row(self, number: int, cells: Sequence[str], by_id: bool) -> Row | None:
        """One row; None when it is kept out, with the reason told."""
        reason = self._unfit(cells, by_id)
        if reason:
            self.export.kept_out.append(Note(number, "", reason))
            return None
        id_ = (str(number) if by_id else "") if self.by_number else self._id(cells)
        ref = Ref(self.export.side, "row", id_ if by_id else str(number))
        return Row(number, id_, self._one("company_id", cells), self._account(ref, number, cells),
                   self._is_customer(cells), self._deal(number, cells))  # fmt: skip

    def _unfit(self, cells: Sequence[str], by_id: bool) -> str:
        if any(cells[len(self.headers) :]):
            return f"has {len(cells)} cells where the header has {len(self.headers)}; is a quotation mark missing?"
        if not (self._one("name", cells) or self._one("website", cells)):
            return "has neither a name nor a web site by which to know the company"
        return "has no id" if by_id and not self.by_number and not self._id(cells) else ""

    def _id(self, cells: Sequence[str]) -> str:
        return next((v for name in ("deal_id", "id", "company_id") if (v := self._one(name, cells))), "")

    def _all(self, name: str, cells: Sequence[str]) -> list[str]:
        return [cells[p] for p in self.columns.get(name, []) if p < len(cells) and cells[p]]

    def _one(self, name: str, cells: Sequence[str]) -> str:
        if name in SEVERAL:
            return next(iter(self._all(name, cells)), "")
        positions = self.columns.get(name, [])[:1]
        return cells[positions[0]] if positions and positions[0] < len(cells) else ""

    def _account(self, ref: Ref, number: int, cells: Sequence[str]) -> Account:
        texts: dict[str, Any] = {name: self._one(name, cells) or None for name in OF_COMPANIES}
        texts["other_names"] = tuple(self._all("other_names", cells))
        texts["employees"] = self._read("employees", number, cells, whole)
        return Account(ref=ref, name=self._one("name", cells) or None, **texts)

    def _is_customer(self, cells: Sequence[str]) -> bool:
        return self._one("customer", cells).casefold() in ("customer", "client", "existing customer", "kunde")

    def _deal(self, number: int, cells: Sequence[str]) -> Deal:
        one = self._one
        amount = self._read("amount", number, cells, amount_of)
        said = one("currency", cells).upper()
        code = said if _CURRENCY.fullmatch(said) else amount[1] if amount else ""
        return Deal(
            id=one("deal_id", cells), name=one("deal_name", cells), stage=one("stage", cells),
            state=state_of(one("stage", cells), one("closed", cells), one("won", cells)),
            value=Money(amount[0], code or None) if amount else None, owner=one("owner", cells),
            created=self._read("created", number, cells, self.days["created"]),
            closes=self._read("closes", number, cells, self.days["closes"]),
            products=frozenset(p.strip().casefold() for p in re.split(r"[;,|\n]", one("products", cells)) if p.strip()),
            partner=one("partner", cells), source=one("source", cells), key=one("key", cells),
        )  # fmt: skip

    def _read(self, name: str, number: int, cells: Sequence[str], read: Callable[[str], Any]) -> Any:
        said = self._one(name, cells)
        try:
            return read(said) if said else None
        except ValueError as error:
            column = self.headers[self.columns[name][0]]
            self.unread.setdefault((column, str(error)), []).append(number)
            return None

    def column_notes(self) -> Iterator[Note]:
        """What could not be read, by column and reason."""
        for (column, reason), rows in self.unread.items():
            shown = ", ".join(map(str, rows[:5])) + (" …" if len(rows) > 5 else "")
            yield Note(None, column, f"{_times(len(rows), 'value')} not used, {reason} (row {shown})")


def _times(count: int, noun: str) -> str:
    return f"1 {noun} was" if count == 1 else f"{count} {noun}s were"


# --- pairs -----------------------------------------------------------------------------------------------------------


def read_table(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table with exactly named columns, such as the links that syncd wrote. Raises UserError."""
    rows, _ = read_cells(path)
    headers = [cell.casefold() for cell in rows[0][1]]
    missing = [name for name in needed if name not in headers]
    if missing:
        raise UserError(f"{path}: there is no column {', '.join(missing)}. Seen: {', '.join(rows[0][1])[:500]}")
    for number, cells in rows[1:]:
        yield number, {name: unescaped(cell) for name, cell in zip(headers, cells, strict=False)}
