"""Fills a portal from exports as people have them: labels or internal names, owners and stages by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from syncd.emulator.cells import guess_loosely, is_plain, made_plain, manner
from syncd.emulator.csvfile import Sheet, declarations, guess, read_loosely
from syncd.emulator.hubspot.columns import associated_type, folded, internal_name, property_of
from syncd.emulator.hubspot.load import (
    GUESSED,
    associate,
    complete,
    declare,
    load_account,
    load_history,
    load_owners,
    load_pipelines,
    load_records,
)
from syncd.emulator.hubspot.pipelines import Owner, Pipeline, Stage, pipeline_properties
from syncd.emulator.hubspot.schema import Property
from syncd.emulator.hubspot.store import Portal
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.report import Report

_KINDS = {"number": "number", "bool": "boolean", "date": "date", "datetime": "datetime"}
_IDS = re.compile(r"[;,\s]+")

Links = dict[str, list[tuple[str, str]]]


def load(portal: Portal, folder: Path, files: Iterable[tuple[str, Path]], report: Report) -> None:
    """Read files of which the object type is known; the folder's own owners.csv, pipelines.csv, ... are heeded."""
    load_account(portal, folder)
    load_owners(portal, folder)
    known = [(_kind(portal, name), path) for name, path in files]
    load_pipelines(portal, folder)
    for one in declarations(folder / "properties.csv").values():
        declare(portal, folder, one)
    loaded = [(kind, path, *_load_file(portal, kind, path, report)) for kind, path in known]
    for kind, path, links, named in loaded:
        _associate(portal, kind, path, links, named, report)
    load_history(portal, folder)
    complete(portal)


def _kind(portal: Portal, name: str) -> ObjectType:
    found = portal.types.find(name) or portal.types.find(name.removeprefix("p_"))
    if found is None:
        found = portal.types.add_custom(name.removeprefix("p_"))
        portal.prepare(found)
    return found


def _load_file(portal: Portal, kind: ObjectType, path: Path, report: Report) -> tuple[Links, Links]:
    """Returns what the records are to be associated with: by id, and by name where a file has no ids."""
    sheet, before = read_loosely(path, report), len(portal.tables[kind.name])
    by_name = _translate(portal, kind, sheet, report)
    ids = _identified(portal, kind, sheet, report)
    named = {
        name: [(id_, one.strip()) for id_, cell in zip(ids, cells, strict=True) for one in cell.split(";")]
        for name, cells in by_name.items()
    }
    _place_in_pipelines(portal, kind, sheet, report)
    _own(portal, sheet, report)
    links = load_records(portal, kind, sheet)
    report.took(path, f"HubSpot {kind.name}", len(portal.tables[kind.name]) - before)
    return links, named


def _identified(portal: Portal, kind: ObjectType, sheet: Sheet, report: Report) -> list[str]:
    """The ids of the lines, made up where there are none."""
    at = sheet.index("hs_object_id", "id")
    if at is None:
        report.note(sheet.path, "no column of record ids: ids were made up")
        at = len(sheet.header)
        sheet.header.append("hs_object_id")
        for line in sheet.lines:
            line.append("")
    for line in sheet.lines:
        line[at] = line[at].strip() or portal.new_id(kind)
    return sheet.column(at)


# --- columns


def _translate(portal: Portal, kind: ObjectType, sheet: Sheet, report: Report) -> dict[str, list[str]]:
    """Turn a sheet into one of our own layout: internal names, plain values, associations by id.

    Returns the columns that name associated records of a type whose ids the sheet does not have.
    """
    properties, new = portal.properties[kind.name], list[str]()
    header: list[str | None] = []
    by_name: dict[str, list[str]] = {}
    for at, label in enumerate(sheet.header):
        name = _association(portal, sheet, at, by_name) or property_of(kind, properties, label)
        if name is None and (label in ("id", "archivedAt") or label.startswith("associations.")):
            name = label
        if name is None or name in header:
            name = _new_property(portal, kind, label, sheet.column(at), new)
        header.append(name)
        if name in properties:
            _plain(sheet, at, properties[name], report)
    if new:
        report.note(sheet.path, f"new properties: {', '.join(new)}")
    sheet.keep_columns([at for at, name in enumerate(header) if name is not None])
    sheet.header = [name for name in header if name is not None]
    return {name: cells for name, cells in by_name.items() if f"associations.{name}" not in header}


def _association(portal: Portal, sheet: Sheet, at: int, by_name: dict[str, list[str]]) -> str | None:
    found = associated_type(sheet.header[at])
    target = portal.types.find(found[0]) if found else None
    if found is None or target is None:
        return None
    if not found[1]:
        by_name[target.name] = sheet.column(at)
        return None
    sheet.replace(at, [";".join(filter(None, _IDS.split(cell))) for cell in sheet.column(at)])
    return f"associations.{target.name}"


def _new_property(portal: Portal, kind: ObjectType, label: str, cells: list[str], new: list[str]) -> str | None:
    """A custom property for a column that none is called after; None if the column holds nothing to keep."""
    if associated_type(label) is not None or (label.startswith("Column ") and not any(cells)):
        return None
    properties = portal.properties[kind.name]
    name = internal_name(label, properties)
    if name not in properties:
        type_ = guess(cells)
        type_ = guess_loosely(cells) if type_ == "text" else type_
        group = next(iter(portal.groups[kind.name]))
        properties[name] = Property(name, GUESSED[type_], label, group=group, standard=False)
        new.append(f"{name} ({GUESSED[type_] if any(cells) else 'empty'})")
    return name if any(cells) else None  # a mapping may name it all the same


def _plain(sheet: Sheet, at: int, prop: Property, report: Report) -> None:
    if prop.type == "enumeration" and prop.options:
        by_label = {folded(spelling): value for label, value in prop.options for spelling in (label, value)}
        sheet.replace(at, [by_label.get(folded(cell), cell) for cell in sheet.column(at)])
        return
    kind, cells = _KINDS.get(prop.type), sheet.column(at)
    if kind is None or is_plain(kind, cells):
        return
    how = manner({cell.strip() for cell in cells})
    spell = made_plain(kind, how)
    sheet.replace(at, [spell(cell) for cell in cells])
    if how.ambiguous and kind in ("date", "datetime"):
        report.note(sheet.path, f"{prop.name}: days and months cannot be told apart; read as month/day/year")


# --- pipelines and owners


def _place_in_pipelines(portal: Portal, kind: ObjectType, sheet: Sheet, report: Report) -> None:
    """Pipelines and stages by their labels become ids; those unknown here are added."""
    pipeline_name, stage_name = pipeline_properties(kind.name)
    pipeline_at, stage_at = sheet.index(pipeline_name), sheet.index(stage_name)
    if stage_at is None:
        return
    pipelines, new = portal.pipelines.setdefault(kind.name, {}), list[str]()
    for line in sheet.lines:
        pipeline = _pipeline(pipelines, line[pipeline_at] if pipeline_at is not None else "")
        if pipeline_at is not None:
            line[pipeline_at] = pipeline.id
        if line[stage_at]:
            line[stage_at] = _stage(pipeline, line[stage_at], new)
    if new:
        report.note(sheet.path, f"stages unknown here, taken as: {', '.join(new)}; pipelines.csv says otherwise")


def _pipeline(pipelines: dict[str, Pipeline], cell: str) -> Pipeline:
    found = next((one for one in pipelines.values() if folded(cell) in (folded(one.label), folded(one.id))), None)
    if found is None and not cell and pipelines:
        return next(iter(pipelines.values()))
    if found is None:
        id_ = internal_name(cell or "default", {})
        found = pipelines[id_] = Pipeline(id_, cell or id_, len(pipelines))
    return found


def _stage(pipeline: Pipeline, cell: str, new: list[str]) -> str:
    label = cell.removesuffix(f"({pipeline.label})").strip()  # exports of several pipelines name it behind the stage
    for one in pipeline.stages.values():
        if folded(label) in (folded(one.label), folded(one.id)):
            return one.id
    won, lost = (re.search(rf"\b{word}\b", label, re.IGNORECASE) is not None for word in ("won", "lost"))
    id_ = label if label.isdigit() else internal_name(label, pipeline.stages)
    pipeline.stages[id_] = Stage(
        id_, label, len(pipeline.stages), won or lost, "1.0" if won else "0.0" if lost else None
    )
    new.append(f"{label} ({'won' if won else 'lost' if lost else 'open'})")
    return id_


def _own(portal: Portal, sheet: Sheet, report: Report) -> None:
    """Owners by id, email or name; those unknown here are added."""
    at = sheet.index("hubspot_owner_id")
    if at is None:
        return
    before = len(portal.owners)
    known = {cell: _owner(portal, cell.strip()) for cell in dict.fromkeys(sheet.column(at))}
    sheet.replace(at, [known[cell] for cell in sheet.column(at)])
    if len(portal.owners) > before:
        report.note(sheet.path, f"owners added because it names them: {len(portal.owners) - before:,}")


def _owner(portal: Portal, text: str) -> str:
    if not text or text in portal.owners:
        return text
    name, _, email = text.removesuffix(")").partition(" (") if "@" in text and " (" in text else (text, "", "")
    email = email or (text if "@" in text else "")
    for one in portal.owners.values():
        if folded(f"{one.first_name} {one.last_name}") == folded(name) or (email and one.email == email):
            return one.id
    number = text if text.isdigit() else str(60_001 + len(portal.owners))
    first, _, last = ("Owner", "", text) if text.isdigit() or name == email else name.rpartition(" ")
    portal.owners[number] = Owner(number, email or f"owner{number}@export.example", first, last, f"9{number}")
    return number


# --- associations


def _associate(portal: Portal, kind: ObjectType, path: Path, links: Links, named: Links, report: Report) -> None:
    """Associate what is there; exports are seldom whole, so what is not there is only counted."""
    missing = 0
    for name, pairs in [*links.items(), *((name, _found(portal, name, pairs)) for name, pairs in named.items())]:
        target = portal.types.find(name)
        rows = portal.tables[target.name].rows if target is not None else {}
        own = portal.tables[kind.name].rows
        there = [pair for pair in pairs if pair[1] in rows and pair[0] in own]
        missing += len(pairs) - len(there)
        associate(portal, kind, {name: there} if there else {})
    if missing:
        report.note(path, f"associations left out because none of the files has the record: {missing:,}")


def _found(portal: Portal, name: str, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs with the ids of the records that are named; one of several of a name is none."""
    kind = portal.types.all[name]
    table, ids = portal.tables[name], dict[str, list[str]]()
    for row in table:
        first, last = (str(table.get(row, one) or "") for one in ("firstname", "lastname"))
        spellings = {str(table.get(row, one) or "") for one in kind.searched[:2]} | {f"{first} {last}"}
        for spelling in {folded(one) for one in spellings} - {""}:
            ids.setdefault(spelling, []).append(row[0])
    found = [(id_, ids.get(folded(text.partition(" (")[0]), [""])) for id_, text in pairs if text]
    return [(id_, several[0] if len(several) == 1 else "") for id_, several in found]
