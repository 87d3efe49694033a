"""Fills a portal from a folder of CSV files, one per object type, and adds what every portal has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from syncd.emulator.csvfile import Declared, Sheet, declarations, guess, read
from syncd.emulator.errors import EmulatorDataError
from syncd.emulator.hubspot import derive
from syncd.emulator.hubspot.checks import CURRENCY_CODES
from syncd.emulator.hubspot.errors import Rejected
from syncd.emulator.hubspot.history import Entry
from syncd.emulator.hubspot.money import positive
from syncd.emulator.hubspot.pipelines import Owner, Pipeline, Stage, Team, pipeline_properties
from syncd.emulator.hubspot.schema import Property
from syncd.emulator.hubspot.store import ARCHIVED, Portal
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import loader, parsed_time, wire_time

_NOT_RECORDS = ("properties", "pipelines", "owners", "account", "history", "exchange_rates")
GUESSED = {"text": "string", "number": "number", "boolean": "bool", "date": "date", "datetime": "datetime"}
_ALIASES = {
    "text": "string", "textarea": "string", "picklist": "enumeration", "boolean": "bool", "select": "enumeration",
    "checkbox": "bool", "multipicklist": "enumeration", "phone": "phone_number",
}  # fmt: skip
_TYPES = {"string", "number", "date", "datetime", "enumeration", "bool", "phone_number", "json"}
_MOST_OPTIONS = 1000


def portal_id(folder: Path) -> int:
    """The portal id that account.csv names, or 0."""
    record = _account(folder)
    return int(record.get("portalId") or 0)


def load(portal: Portal, folder: Path) -> None:
    """Read every file of the folder."""
    files = {path.stem: path for path in sorted(folder.glob("*.csv")) if path.stem not in _NOT_RECORDS}
    load_account(portal, folder)
    load_rates(portal, folder)
    load_owners(portal, folder)
    kinds = {name: _kind(portal, path) for name, path in files.items()}
    load_pipelines(portal, folder)
    declared = declarations(folder / "properties.csv")
    for one in declared.values():
        declare(portal, folder, one)
    associations = [(kinds[name], load_records(portal, kinds[name], read(path))) for name, path in files.items()]
    for kind, links in associations:
        associate(portal, kind, links)
    load_history(portal, folder)
    complete(portal)


def complete(portal: Portal) -> None:
    """Add what every portal has: one owner at least, and the numbers of associated records."""
    derive.count_all(portal)
    if not any(not one.archived for one in portal.owners.values()):
        portal.owners["501"] = Owner("501", "owner@example.com", "Olga", "Owner", "9501")


def _kind(portal: Portal, path: Path) -> ObjectType:
    if path.stem.startswith("p_"):
        kind = portal.types.add_custom(path.stem.removeprefix("p_"))
        portal.prepare(kind)
        return kind
    found = portal.types.find(path.stem)
    if found is None:
        known = ", ".join(portal.types.all)
        raise EmulatorDataError(f"{path}: no such object type; custom ones are named p_<name>.csv; known: {known}")
    return found


def _account(folder: Path) -> dict[str, str]:
    path = folder / "account.csv"
    return next(read(path).records(), {}) if path.exists() else {}


def load_account(portal: Portal, folder: Path) -> None:
    """account.csv: the account's own facts."""
    for name, value in _account(folder).items():
        if name == "additionalCurrencies":
            portal.account[name] = [part for part in value.split(";") if part]
        elif name != "portalId" and value:
            portal.account[name] = value


def load_rates(portal: Portal, folder: Path) -> None:
    """exchange_rates.csv: currency, rate (what one unit is worth in the company's currency), effective_at."""
    path = folder / "exchange_rates.csv"
    now = wire_time(portal.clock.now())
    for number, cell in enumerate(read(path).records() if path.exists() else (), start=2):
        try:
            since = parsed_time(cell["effective_at"]) if cell.get("effective_at") else now
            portal.currencies.add(cell["currency"], positive(cell.get("rate")), since, now)
        except (KeyError, ValueError, Rejected) as error:
            raise EmulatorDataError(f"{path}:{number}: a currency, a rate and a time are needed: {error}") from None


def load_owners(portal: Portal, folder: Path) -> None:
    """owners.csv: id, email, firstName, lastName, userId, type, archived, teams (names, `;` between them)."""
    path = folder / "owners.csv"
    for number, line in enumerate(read(path).records() if path.exists() else (), start=2):
        cell = {key.lower(): value.strip() for key, value in line.items()}
        if not cell.get("id", "").isdigit():
            raise EmulatorDataError(f"{path}:{number}: id: a number is needed, not {cell.get('id')!r}")
        portal.owners[cell["id"]] = Owner(
            cell["id"], cell.get("email", ""), cell.get("firstname", ""), cell.get("lastname", ""),
            cell.get("userid") or str(9000 + int(cell["id"])), cell.get("type") or "PERSON",
            cell.get("archived", "").lower() == "true", teams=tuple(_teams(portal, cell.get("teams", ""))),
        )  # fmt: skip


def _teams(portal: Portal, names: str) -> Iterator[Team]:
    known = {team.name: team for owner in portal.owners.values() for team in owner.teams}
    for name in filter(None, (part.strip() for part in names.split(";"))):
        known.setdefault(name, Team(str(40_001 + len(known)), name))
        yield known[name]


def load_pipelines(portal: Portal, folder: Path) -> None:
    """pipelines.csv: one line for each stage; an object's own pipelines replace the default ones."""
    path = folder / "pipelines.csv"
    replaced: set[str] = set()
    for number, line in enumerate(read(path).records() if path.exists() else (), start=2):
        cell = {key.lower(): value.strip() for key, value in line.items()}
        kind = portal.types.find(cell.get("object", ""))
        if kind is None or not cell.get("pipeline_id") or not cell.get("stage_id"):
            raise EmulatorDataError(f"{path}:{number}: a known object, pipeline_id and stage_id are needed")
        if kind.name not in replaced:
            replaced.add(kind.name)
            portal.pipelines[kind.name] = {}
        _add_stage(portal.pipelines[kind.name], cell)


def _add_stage(pipelines: dict[str, Pipeline], cell: dict[str, str]) -> None:
    id_, stage_id = cell["pipeline_id"], cell["stage_id"]
    pipeline = pipelines.setdefault(id_, Pipeline(id_, cell.get("pipeline_label") or id_, len(pipelines)))
    order = cell.get("display_order", "")
    pipeline.stages[stage_id] = Stage(
        stage_id, cell.get("stage_label") or stage_id, int(order) if order.isdigit() else len(pipeline.stages),
        cell.get("is_closed", "").lower() == "true", cell.get("probability") or None,
    )  # fmt: skip


def declare(portal: Portal, folder: Path, one: Declared) -> None:
    """A line of properties.csv; raises EmulatorDataError for an object or type that there is not."""
    kind, type_ = portal.types.find(one.object), _ALIASES.get(one.type, one.type)
    if kind is None or type_ not in _TYPES:
        path = folder / "properties.csv"
        raise EmulatorDataError(f"{path}: {one.object}.{one.name}: unknown object, or unknown type {one.type!r}")
    group = next(iter(portal.groups[kind.name]))
    standard = portal.properties[kind.name].get(one.name)
    field_type = "checkbox" if one.type == "multipicklist" else ""
    options = tuple((value, value) for value in one.values)
    portal.properties[kind.name][one.name] = Property(
        one.name, type_, one.label, field_type, group, options=options, unique=one.unique or one.external_id,
        standard=standard is not None,
    )  # fmt: skip


# --- records


def load_records(portal: Portal, kind: ObjectType, sheet: Sheet) -> dict[str, list[tuple[str, str]]]:
    """Add the records of a sheet whose header holds property names; returns what they are to be associated with."""
    table = portal.tables[kind.name]
    names = [_property_name(kind, name) for name in sheet.header]
    id_at = sheet.index("hs_object_id", "id")
    links = {name.partition(".")[2]: at for at, name in enumerate(names) if name.startswith("associations.")}
    kept = [at for at, name in enumerate(names) if at != id_at and at not in links.values()]
    for at in kept:
        _convert(portal, kind, sheet, at, names[at])
    sheet.drop_wrong()
    slots = [(at, table.slot(names[at])) for at in kept]
    width = max((slot for _, slot in slots), default=0) + 1
    now = wire_time(portal.clock.now())
    associations: dict[str, list[tuple[str, str]]] = {name: [] for name in links}
    for number, line in enumerate(sheet.lines):
        row: list[Any] = [None] * width
        row[0] = _id(portal, kind, sheet, number, line[id_at] if id_at is not None else "")
        if row[0] is None:
            continue
        for at, slot in slots:
            row[slot] = line[at]
        _complete(portal, kind, row, now)
        for name, at in links.items():
            associations[name].extend((row[0], to.strip()) for to in line[at].split(";") if to.strip())
    return associations


def _property_name(kind: ObjectType, header: str) -> str:
    if header in ("createdate", "hs_createdate"):
        return kind.created
    if header in ("lastmodifieddate", "hs_lastmodifieddate"):
        return kind.modified
    return ARCHIVED if header == "archivedAt" else header


def _convert(portal: Portal, kind: ObjectType, sheet: Sheet, at: int, name: str) -> None:
    if name == ARCHIVED:
        sheet.convert(at, parsed_time)
        return
    properties = portal.properties[kind.name]
    prop = properties.get(name)
    if prop is None:
        group = next(iter(portal.groups[kind.name]))
        prop = properties[name] = Property(name, GUESSED[guess(sheet.column(at))], group=group, standard=False)
    if prop.type == "enumeration":
        _offer(portal, kind, prop, sheet, at)
    sheet.convert(at, loader(prop))


def _offer(portal: Portal, kind: ObjectType, prop: Property, sheet: Sheet, at: int) -> None:
    cells = dict.fromkeys(cell for cell in sheet.column(at) if cell)
    pipeline_name, stage_name = pipeline_properties(kind.name)
    if prop.name in (pipeline_name, stage_name, "hubspot_owner_id"):
        if prop.name == stage_name:
            _offer_stages(portal, kind, sheet, at, pipeline_name)
        return
    if prop.name in CURRENCY_CODES:
        for code in cells:
            portal.currencies.enable(code)
    parts = dict.fromkeys(
        part for cell in cells for part in (cell.split(";") if prop.field_type == "checkbox" else [cell])
    )
    new = [(part, part) for part in parts if part not in prop.values]
    if prop.options and len(new) <= _MOST_OPTIONS:
        prop.options = (*prop.options, *new)


def _offer_stages(portal: Portal, kind: ObjectType, sheet: Sheet, at: int, pipeline_name: str) -> None:
    """Stages that the records are in but no pipeline names join the pipeline."""
    pipelines, pipeline_at = portal.pipelines.setdefault(kind.name, {}), sheet.index(pipeline_name)
    first = next(iter(pipelines), "default")
    for line in sheet.lines:
        id_ = (line[pipeline_at] if pipeline_at is not None else "") or first
        pipeline = pipelines.setdefault(id_, Pipeline(id_, id_, len(pipelines)))
        if line[at] and line[at] not in pipeline.stages:
            pipeline.stages[line[at]] = Stage(line[at], line[at], len(pipeline.stages))


def _id(portal: Portal, kind: ObjectType, sheet: Sheet, at: int, cell: str) -> str | None:
    if not cell:
        return portal.new_id(portal.types.all["companies"])
    if not cell.isdigit() or int(cell) <= 0 or str(int(cell)) != cell:
        sheet.wrong(at, f"{cell!r} is not a record id: digits only")
        return None
    if cell in portal.tables[kind.name].rows:
        sheet.wrong(at, f"id {cell} appears twice")
        return None
    portal.reserve(int(cell))
    return cell


def _complete(portal: Portal, kind: ObjectType, row: list[Any], now: str) -> None:
    table = portal.tables[kind.name]
    created, modified = table.slot(kind.created), table.slot(kind.modified)
    row.extend([None] * (len(table.slots) - len(row)))
    row[created] = row[created] or row[modified] or now
    row[modified] = row[modified] or row[created]
    pipeline_name, stage_name = pipeline_properties(kind.name)
    stage, known = table.get(row, stage_name), portal.pipelines.get(kind.name)
    if stage and known and not table.get(row, pipeline_name):
        slot = table.slot(pipeline_name)
        row.extend([None] * (len(table.slots) - len(row)))
        row[slot] = next(iter(known))
    table.add(row)
    if kind.name in derive.DERIVING:
        _derive(portal, kind, row)
    if archived_at := table.get(row, ARCHIVED):
        portal.grave.bury(archived_at, kind.name, row[0])


def _derive(portal: Portal, kind: ObjectType, row: list[Any]) -> None:
    table = portal.tables[kind.name]
    loaded = table.as_dict(row)
    for name, value in derive.implied(portal, kind, loaded).items():
        if value is not None and (kind.name == "deals" or loaded.get(name) is None):
            table.update(row, {name: value})


def associate(portal: Portal, kind: ObjectType, associations: dict[str, list[tuple[str, str]]]) -> None:
    """Associate records; raises EmulatorDataError for one that is not there."""
    for name, pairs in associations.items():
        target = portal.types.find(name)
        if target is None:
            raise EmulatorDataError(f"{kind.name}.csv: associations.{name}: no such object type")
        for id_, to in pairs:
            if to not in portal.tables[target.name].rows:
                raise EmulatorDataError(
                    f"{kind.name}.csv: associations.{name}: record {id_} names {to}, which is not there"
                )
            portal.links.add(kind, id_, target, to)


def load_history(portal: Portal, folder: Path) -> None:
    """history.csv: object,id,property,value,timestamp,source_type,source_id, oldest first within a property."""
    path = folder / "history.csv"
    for number, cell in enumerate(read(path).records() if path.exists() else (), start=2):
        kind = portal.types.find(cell.get("object", ""))
        if kind is None or cell.get("property") not in portal.properties[kind.name]:
            raise EmulatorDataError(f"{path}:{number}: unknown object or property")
        try:
            stamp = parsed_time(cell.get("timestamp", ""))
        except ValueError as error:
            raise EmulatorDataError(f"{path}:{number}: timestamp: {error}") from None
        source = cell.get("source_id", "")
        user = int(source.removeprefix("userId:")) if source.startswith("userId:") else None
        entry = Entry(cell.get("value") or None, stamp, cell.get("source_type") or "IMPORT", source, user)
        portal.history.note(kind.name, cell.get("id", ""), cell["property"], entry, None)
