"""Reading CSV files (RFC 4180, UTF-8) and guessing what type an untyped column holds."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from syncd.emulator.errors import EmulatorDataError

csv.field_size_limit(16 * 1024 * 1024)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,8})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?")


@dataclass(slots=True)
class Sheet:
    """One CSV file: the header and its lines, each a list as long as the header."""

    path: Path
    header: list[str]
    lines: list[list[Any]]

    def index(self, *names: str) -> int | None:
        """The position of the first of these columns that exists, in any case."""
        lowered = [name.lower() for name in self.header]
        return next((lowered.index(name.lower()) for name in names if name.lower() in lowered), None)

    def column(self, position: int) -> list[str]:
        """All cells of a column."""
        return [line[position] for line in self.lines]

    def convert(self, position: int, convert: Callable[[str], Any]) -> None:
        """Turn the cells of a column into values in place; empty cells become None."""
        for number, line in enumerate(self.lines, start=2):
            cell = line[position]
            try:
                line[position] = None if cell == "" else convert(cell)
            except ValueError as error:
                raise EmulatorDataError(f"{self.path}:{number}: {self.header[position]}: {error}") from None

    def records(self) -> Iterator[dict[str, str]]:
        """The lines as mappings."""
        return (dict(zip(self.header, line, strict=True)) for line in self.lines)


def read(path: Path) -> Sheet:
    """Read a file whole."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = [name.strip() for name in next(reader, [])]
            lines = [line for line in reader if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise EmulatorDataError(f"{path}: not a CSV file in UTF-8: {error}") from None
    _check(path, header, lines)
    return Sheet(path, header, lines)


def _check(path: Path, header: list[str], lines: list[list[str]]) -> None:
    if not header or not all(header):
        raise EmulatorDataError(f"{path}:1: the first line must name every column")
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise EmulatorDataError(f"{path}:1: columns named twice: {', '.join(sorted(twice))}")
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise EmulatorDataError(f"{path}: record {number - 1} has {len(line)} cells, the header has {len(header)}")


def guess(cells: list[str]) -> str:
    """boolean, number, date, datetime or text: what every filled cell is."""
    filled = {cell for cell in cells if cell}
    if not filled:
        return "text"
    if filled <= {"true", "false", "TRUE", "FALSE", "True", "False"}:
        return "boolean"
    for kind, pattern, parse in (("number", _NUMBER, float), ("date", _DATE, date.fromisoformat),
                                 ("datetime", _TIME, datetime.fromisoformat)):  # fmt: skip
        if all(pattern.fullmatch(cell) for cell in filled) and _all_parse(parse, filled):
            return kind
    return "text"


def _all_parse(parse: Callable[[str], Any], cells: set[str]) -> bool:
    try:
        for cell in cells:
            parse(cell)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Declared:
    """One line of fields.csv or properties.csv."""

    object: str
    name: str
    type: str
    label: str
    length: int
    values: tuple[str, ...]
    unique: bool
    external_id: bool


def declarations(path: Path) -> dict[tuple[str, str], Declared]:
    """The declared fields by lower-case object and name; none if there is no such file."""
    if not path.exists():
        return {}
    found: dict[tuple[str, str], Declared] = {}
    for number, line in enumerate(read(path).records(), start=2):
        cell = {key.lower(): value.strip() for key, value in line.items()}
        length = cell.get("length") or "0"
        if not cell.get("object") or not cell.get("name") or not length.isdigit():
            raise EmulatorDataError(f"{path}:{number}: object, name and a whole number as length are needed")
        declared = Declared(
            cell["object"], cell["name"], cell.get("type", "").lower() or "text", cell.get("label", ""), int(length),
            tuple(part.strip() for part in cell.get("values", "").split(";") if part.strip()),
            _true(cell.get("unique", "")), _true(cell.get("external_id", "")),
        )  # fmt: skip
        found[declared.object.lower(), declared.name.lower()] = declared
    return found


def _true(cell: str) -> bool:
    return cell.lower() in ("true", "1", "yes", "x")
