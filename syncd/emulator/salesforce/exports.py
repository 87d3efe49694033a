"""Fills an org from exports as people have them: reports, Data Export, Data Loader; labels or API names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from syncd.emulator.cells import guess_loosely, is_plain, made_plain, manner
from syncd.emulator.csvfile import Sheet, declarations, guess, read_loosely
from syncd.emulator.report import Report
from syncd.emulator.salesforce.columns import Column, column_of, custom_name, folded
from syncd.emulator.salesforce.ids import normal
from syncd.emulator.salesforce.load import (
    GUESSED,
    add_record,
    add_stage,
    add_user,
    complete,
    declared_field,
    load_object,
    one_organization,
)  # fmt: skip
from syncd.emulator.salesforce.schema import Field, SObject, relationship_of
from syncd.emulator.salesforce.store import Org
from syncd.emulator.salesforce.values import NUMERIC

_FIRST = ("User", "OpportunityStage")
_THEN = ("Account", "Contact", "Lead", "Opportunity")
_KINDS = {**dict.fromkeys(NUMERIC, "number"), "boolean": "boolean", "date": "date", "datetime": "datetime"}
_API_NAME = re.compile(r"[A-Za-z]\w*")
_DECIMALS = re.compile(r"[.,](\d{1,8})\D*$")


def load(org: Org, folder: Path, files: Iterable[tuple[str, Path]], report: Report) -> None:
    """Read files of which the object is known; fields.csv of the folder types custom fields, if there is one."""
    ordered = sorted(files, key=lambda one: (*_FIRST, *_THEN).index(one[0]) if one[0] in (*_FIRST, *_THEN) else 99)
    for name, _ in ordered:
        org.declare(name)
    for one in declarations(folder / "fields.csv").values():
        sobject = org.declare(one.object)
        sobject.add([declared_field(folder, sobject, one)])
    names = _Names(org)
    for name, path in ordered:
        if name in _FIRST:
            _load_file(org, org.declare(name), path, names, report)
    complete(org)
    for name, path in ordered:
        if name not in _FIRST:
            _load_file(org, org.declare(name), path, names, report)
    one_organization(org)


def _load_file(org: Org, sobject: SObject, path: Path, names: _Names, report: Report) -> None:
    sheet = read_loosely(path, report)
    named = _translate(org, sobject, sheet, report)
    _identify(org, sobject, sheet, report)
    names.know(sobject, sheet)
    for at in named:
        _resolve(sheet, at, sobject.fields[sheet.header[at]], names)
    _know_owners(sheet, names)
    names.tell(path, report)
    if sobject.name == "Opportunity":
        _learn_stages(org, sheet, report)
    report.took(path, f"Salesforce {sobject.name}", load_object(org, sheet, sobject))


def _identify(org: Org, sobject: SObject, sheet: Sheet, report: Report) -> None:
    """Give ids to lines that have none, so that others in the same file can point to them."""
    at = sheet.index("Id")
    if at is None:
        report.note(sheet.path, "no column of ids: ids were made up")
        at = len(sheet.header)
        sheet.header.append("Id")
        for line in sheet.lines:
            line.append("")
    for line in sheet.lines:
        line[at] = line[at].strip() or org.new_id(sobject)


# --- columns


def _translate(org: Org, sobject: SObject, sheet: Sheet, report: Report) -> list[int]:
    """Turn a sheet into one of our own layout, API names and plain values; returns the columns that name records."""
    by_api = sheet.index("Id") is not None or any(name.lower().endswith("__c") for name in sheet.header)
    new: list[str] = []
    columns = [column_of(sobject, header) for header in sheet.header]
    meant = {column.field: at for at, column in reversed(list(enumerate(columns))) if column and column.by_name}
    meant |= {column.field: at for at, column in reversed(list(enumerate(columns))) if column and not column.by_name}
    for at, header in enumerate(sheet.header):
        column = columns[at]
        if column is None or meant[column.field] != at:  # an id beats a name, the first of equals the others
            columns[at] = column = _new_field(org, sobject, header, sheet.column(at), by_api, new)
        if column is not None and not column.by_name:
            _plain(sheet, at, sobject.fields[column.field], report)
    if new:
        report.note(sheet.path, f"new fields: {', '.join(new)}")
    kept = [at for at, column in enumerate(columns) if column is not None]
    sheet.keep_columns(kept)
    found = [column for column in columns if column is not None]
    sheet.header = [column.field for column in found]
    return [at for at, column in enumerate(found) if column.by_name]


def _new_field(
    org: Org, sobject: SObject, header: str, cells: list[str], by_api: bool, new: list[str]
) -> Column | None:
    """A custom field for a column that no field is called after; None if the column holds nothing to keep."""
    if "." in header or (header.startswith("Column ") and not any(cells)):
        return None
    keeps = by_api and _API_NAME.fullmatch(header) and not header.endswith("__C") and sobject.field(header) is None
    name = header if keeps else custom_name(header, {one.lower() for one in sobject.fields})
    field = _guessed(org, name, header, cells)
    sobject.add([field])
    new.append(f"{name} ({field.type if any(cells) else 'empty'})")
    return Column(name) if any(cells) else None  # a mapping may name it all the same


def _guessed(org: Org, name: str, label: str, cells: list[str]) -> Field:
    target = _target(org, cells)
    if target is not None:
        return Field(name, "reference", label, custom=True, refers=(target,), relationship=relationship_of(name))
    kind = guess(cells)
    field = Field(name, GUESSED[guess_loosely(cells) if kind == "text" else kind], label, custom=True)
    longest = max(map(len, cells), default=0)
    if field.type == "string" and longest > 255:
        field.type, field.length = "textarea", max(32_000, longest)
    if field.type == "double":
        field.scale = max(len(found[1]) if (found := _DECIMALS.search(cell)) else 0 for cell in cells)
    return field


def _target(org: Org, cells: list[str]) -> str | None:
    """The object that every filled cell is an id of."""
    prefixes = {cell[:3] if normal(cell) else "" for cell in cells if cell}
    target = org.object_of_id(next(iter(prefixes))) if len(prefixes) == 1 else None
    return None if target is None else target.name


def _plain(sheet: Sheet, at: int, field: Field, report: Report) -> None:
    kind, cells = _KINDS.get(field.type), sheet.column(at)
    if kind is None or is_plain(kind, cells):
        return
    how = manner({cell.strip() for cell in cells})
    spell = made_plain(kind, how)
    sheet.replace(at, [spell(cell) for cell in cells])
    if how.ambiguous and kind in ("date", "datetime"):
        report.note(sheet.path, f"{field.name}: days and months cannot be told apart; read as month/day/year")


# --- records that are named, not referred to


class _Names:
    """Finds records by their names, and adds users and accounts that an export names but does not bring along."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._ids: dict[str, dict[str, list[str]]] = {}
        self._added: dict[str, int] = {}
        self._unclear = 0

    def id_of(self, targets: tuple[str, ...], cell: str) -> str:
        """The id behind a cell, or nothing."""
        text = cell.strip()
        full = normal(text)
        if not text or (full is not None and self._is_of(full, targets)):
            return text
        for target in targets:
            found = self._index(target).get(folded(text), [])
            if len(found) == 1:
                return found[0]
            self._unclear += len(found) > 1
            if not found and target in ("User", "Account"):
                return self._add(target, text)
        return ""

    def know(self, sobject: SObject, sheet: Sheet) -> None:
        """Learn the names of the records that a sheet is about to bring."""
        index, id_at = self._index(sobject.name), sheet.index("Id")
        spellings = [at for at in (sheet.index(one) for one in ("Name", "Username", "Email")) if at is not None]
        first, last = sheet.index("FirstName"), sheet.index("LastName")
        assert id_at is not None
        for line in sheet.lines:
            id_ = normal(line[id_at].strip())
            texts = {line[at] for at in spellings}
            if first is not None and last is not None:
                texts.add(f"{line[first]} {line[last]}")
            for text in {folded(text) for text in texts} - {""}:
                if id_ is not None and id_ not in index.setdefault(text, []):
                    index[text].append(id_)

    def owner(self, cell: str) -> None:
        """Have a user for an owner's id that no user export brought along."""
        full = normal(cell.strip())
        if full is not None and full[:3] == "005" and full not in self._org.tables["User"].rows:
            add_user(self._org, f"user{full.lower()}@export.example", "User", full, full)
            self._added["User"] = self._added.get("User", 0) + 1

    def tell(self, path: Path, report: Report) -> None:
        """What was added or left unclear since the last time."""
        for target, count in self._added.items():
            report.note(path, f"{target} records added because it names them: {count:,}")
        if self._unclear:
            report.note(path, f"cells left empty because several records are called so: {self._unclear:,}")
        self._added, self._unclear = {}, 0

    def _is_of(self, id_: str, targets: tuple[str, ...]) -> bool:
        sobject = self._org.object_of_id(id_)
        return sobject is not None and (sobject.name in targets or not targets)

    def _index(self, target: str) -> dict[str, list[str]]:
        if target not in self._org.tables:
            return {}
        if target not in self._ids:
            index: dict[str, list[str]] = {}
            table = self._org.tables[target]
            for row in table:
                spellings = {table.get(row, one) for one in ("Name", "Username", "Email")} - {None}
                for spelling in {folded(str(one)) for one in spellings}:
                    index.setdefault(spelling, []).append(row[0])
            self._ids[target] = index
        return self._ids[target]

    def _add(self, target: str, name: str) -> str:
        self._added[target] = self._added.get(target, 0) + 1
        if target == "Account":
            id_ = add_record(self._org, "Account", {"Name": name[:255], "OwnerId": self._org.integration_user})
        else:
            first, _, last = name.rpartition(" ")
            number = len(self._org.tables["User"]) + 1
            id_ = add_user(self._org, f"user{number}@export.example", first, last)
        self._index(target).setdefault(folded(name), []).append(id_)
        return id_


def _resolve(sheet: Sheet, at: int, field: Field, names: _Names) -> None:
    known = {cell: names.id_of(field.refers, cell) for cell in dict.fromkeys(sheet.column(at))}
    sheet.replace(at, [known[cell] for cell in sheet.column(at)])


def _know_owners(sheet: Sheet, names: _Names) -> None:
    at = sheet.index("OwnerId")
    for cell in dict.fromkeys(sheet.column(at) if at is not None else ()):
        names.owner(cell)


# --- stages


def _learn_stages(org: Org, sheet: Sheet, report: Report) -> None:
    """Stages that opportunities are in but the org does not know; closed and won by their columns, or their words."""
    at = sheet.index("StageName")
    if at is None:
        return
    known = {org.value("OpportunityStage", row, "MasterLabel") for row in org.tables["OpportunityStage"]}
    new: list[str] = []
    for stage in dict.fromkeys(cell for cell in sheet.column(at) if cell and cell not in known):
        won = _says(sheet, at, stage, "IsWon", r"\bwon\b")
        closed = won or _says(sheet, at, stage, "IsClosed", r"\b(won|lost|closed)\b")
        category = "Closed" if won else "Omitted" if closed else "Pipeline"
        add_stage(org, len(known) + len(new) + 1, stage, closed, won, category, category, 100 if won else 0)
        new.append(f"{stage} ({'won' if won else 'lost' if closed else 'open'})")
    if new:
        report.note(sheet.path, f"stages unknown here, taken as: {', '.join(new)}; OpportunityStage.csv says otherwise")


def _says(sheet: Sheet, stage_at: int, stage: str, column: str, words: str) -> bool:
    at = sheet.index(column)
    if at is None:
        return re.search(words, stage, re.IGNORECASE) is not None
    return any(line[at].lower() in ("true", "1", "yes") for line in sheet.lines if line[stage_at] == stage)
