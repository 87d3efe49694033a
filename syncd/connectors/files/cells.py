"""Reads tables as people export them, row by row: CSV of any encoding and delimiter, and sheets of workbooks."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from io import TextIOWrapper
from itertools import chain
from typing import Any, BinaryIO

from syncd.errors import UserError

Cells = list[str]

_CELL_LIMIT = 16 * 1024 * 1024  # beyond this a quotation mark is missing, not a long text written
_PIECE = 1 << 20
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_END = "\x1eend of the file\x1e"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

csv.field_size_limit(_CELL_LIMIT)


@dataclass(slots=True)
class Table:
    """The rows of one file, each with the line (in a workbook the row) at which it begins.

    `notes` say what a person should know about the file. `ended` is whether it ends with the end of a line. After the
    last row, `open_quote` is the line of a quotation mark that is never closed, 0 where there is none.
    """

    rows: Iterator[tuple[int, Cells]]
    notes: list[str] = field(default_factory=list)
    ended: bool = True
    open_quote: int = 0


@contextmanager
def read_sheet(file: BinaryIO, name: str, sheet: str = "") -> Iterator[Table]:
    """The table that a file holds. Raises UserError when it holds none.

    `sheet` names the one to read of a workbook, the first one when it is blank.
    """
    start = file.read(4)
    file.seek(0)
    if start in _WORKBOOKS:
        yield Table(_workbook(file, name, sheet))
        return
    if sheet:
        raise UserError(f"{name} is no workbook and has no sheet {sheet}.")
    encoding, ended = _encoding(file)
    text = TextIOWrapper(file, encoding, errors="replace", newline="")
    try:
        yield _csv(text, name, ended)
    finally:
        text.detach()  # the file is closed by who opened it


# --- CSV -------------------------------------------------------------------------------------------------------------


def _csv(text: TextIOWrapper, name: str, ended: bool) -> Table:
    guessed = text.encoding in ("cp1252", "latin-1")
    told = "the file is not in UTF-8; it was read as Latin-1, so look at names with accents"
    table = Table(iter(()), [told] if guessed else [], ended)
    delimiter, seen, skipped = _delimiter(text)
    table.rows = _records(chain(seen, text, [_END]), delimiter, table, name, skipped)
    return table


def _encoding(file: BinaryIO) -> tuple[str, bool]:
    """How the text is encoded, and whether it ends with the end of a line."""
    start = file.read(3)
    known = next((encoding for bom, encoding in _BOMS.items() if start.startswith(bom)), None)
    file.seek(0)
    trials = [known] if known else ["utf-8", "cp1252"]
    try:
        for encoding in trials:
            if (last := _decodes(file, encoding)) is not None:
                return encoding, last in "\r\n"
    finally:
        file.seek(0)
    return known or "latin-1", True


def _decodes(file: BinaryIO, encoding: str) -> str | None:
    """The last character of the whole text (blank if it has none), or None when the text is not of this encoding."""
    file.seek(0)
    decoder, last = codecs.getincrementaldecoder(encoding)(), ""
    try:
        while piece := file.read(_PIECE):
            last = decoder.decode(piece)[-1:] or last
        return decoder.decode(b"", True)[-1:] or last
    except UnicodeDecodeError:
        return None


def _delimiter(text: Iterable[str]) -> tuple[str, list[str], int]:
    """What separates the columns, counted in the first filled line outside quotation marks; Excel may name it.

    With it come the lines that were looked at and are to be read, and how many are not.
    """
    seen: list[str] = []
    for line in text:
        if not seen and line[:4].lower() == "sep=" and len(line) > 4:
            return line[4], [], 1
        seen.append(line)
        if line.strip() or len(seen) > 100:
            break
    bare = re.sub(r'"[^"]*"', "", seen[-1]) if seen else ""
    return max(",;\t|", key=bare.count), seen, 0


def _records(
    lines: Iterable[str], delimiter: str, table: Table, name: str, skipped: int
) -> Iterator[tuple[int, Cells]]:
    reader = csv.reader((line.replace("\0", "") for line in lines), delimiter=delimiter)
    while True:
        begins = reader.line_num + 1 + skipped
        try:
            record = next(reader)
            if any(len(cell) > _CELL_LIMIT for cell in record):  # the limit of the library is everybody's
                raise csv.Error("a cell is longer than 16 MB")
        except csv.Error as error:
            reason = f"line {begins} cannot be read: {error}. Is a quotation mark not closed?"
            raise UserError(f"{name}: {reason}") from None
        if record == [_END]:
            return
        if record[-1:] and record[-1].endswith(_END):
            record[-1] = record[-1].removesuffix(_END)
            table.open_quote = begins
            yield begins, record
            return
        yield begins, record


# --- workbooks -------------------------------------------------------------------------------------------------------


def _workbook(file: BinaryIO, name: str, sheet: str) -> Iterator[tuple[int, Cells]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(file)
        names = book.sheet_names
        if not names or (sheet and sheet not in names):
            shown = ", ".join(names) or "none"
            raise UserError(f"{name} has no sheet {sheet}. There are: {shown}. Correct `sheet`.")
        rows = book.get_sheet_by_name(sheet or names[0]).to_python(skip_empty_area=False)
    except CalamineError as error:
        raise UserError(f"{name} cannot be read as a workbook ({type(error).__name__}). Save it again.") from None
    return ((number, [_shown(value) for value in row]) for number, row in enumerate(rows, 1))


def _shown(value: Any) -> str:
    """The value of a cell as text: what has no time of day is a day, a whole number has no decimals."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


# --- what reports add ------------------------------------------------------------------------------------------------

TITLE_LINES = 20
"""How many lines of title a report may have above its header."""

_FOOTERS = ("copyright", "confidential", "generated by", "grand total", "total", "report")


def stands_alone(cells: Cells) -> bool:
    """Whether the first cell is the only one that is filled, as in the lines that reports begin and end with."""
    return bool(cells[0].strip()) and not any(cell.strip() for cell in cells[1:])


def tells_of_report(cells: Cells) -> bool:
    """Whether a line says who made a report, or when, or what it sums up to."""
    return cells[0].strip().casefold().startswith(_FOOTERS)


def is_footer(cells: Cells) -> bool:
    """Whether it is a line such as reports end with."""
    return stands_alone(cells) and (len(cells) == 1 or tells_of_report(cells))


# --- cells that no spreadsheet runs ----------------------------------------------------------------------------------


def escaped(value: object) -> str:
    """A value for CSV that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def unescaped(cell: str) -> str:
    """What `escaped` was given."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell
