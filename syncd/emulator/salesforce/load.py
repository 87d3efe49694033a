"""Fills an org from a folder of CSV files, one per object, and adds what every org has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from syncd.emulator.csvfile import Declared, Sheet, declarations, guess, read
from syncd.emulator.errors import EmulatorDataError
from syncd.emulator.salesforce import derive
from syncd.emulator.salesforce.schema import Field, SObject, relationship_of
from syncd.emulator.salesforce.standard import STAGES
from syncd.emulator.salesforce.store import INTEGRATION, Org
from syncd.emulator.salesforce.values import loader, wire_time
from syncd.emulator.table import Row

GUESSED = {"text": "string", "number": "double", "boolean": "boolean", "date": "date", "datetime": "datetime"}
_ALIASES = {
    "text": "string", "checkbox": "boolean", "bool": "boolean", "number": "double", "integer": "int",
    "longtext": "textarea", "lookup": "reference", "multi-picklist": "multipicklist", "date/time": "datetime",
}  # fmt: skip
_TYPES = {
    "string", "textarea", "boolean", "int", "double", "currency", "percent", "date", "datetime", "reference",
    "picklist", "multipicklist", "phone", "email", "url", "id",
}  # fmt: skip
_PICKLISTS = {"picklist", "multipicklist"}
_KEEPS_ITS_OWN = 1000  # more distinct values than this are not offered as picklist entries


def load(org: Org, folder: Path) -> None:
    """Read every `<Object>.csv` of the folder; fields.csv types the custom fields."""
    files = {path.stem: path for path in sorted(folder.glob("*.csv")) if path.stem != "fields"}
    declared = declarations(folder / "fields.csv")
    first = [name for name in ("User", "OpportunityStage") if name in files]
    for name in first + [name for name in files if name not in first]:
        org.declare(name)
    for one in declared.values():
        sobject = org.declare(one.object)
        sobject.add([declared_field(folder, sobject, one)])
    for name in first:
        load_object(org, read(files[name]), org.declare(name))
    complete(org)
    for name in files:
        if name not in first:
            load_object(org, read(files[name]), org.declare(name))
    one_organization(org)


def complete(org: Org) -> None:
    """Add what every org has: the integration user, a person, the stages."""
    usernames = {org.value("User", row, "Username"): row[0] for row in org.tables["User"]}
    if not set(usernames) - {INTEGRATION}:
        add_user(org, "admin@example.com", "Admin", "User")
    org.integration_user = usernames.get(INTEGRATION) or add_user(org, INTEGRATION, "Integration", "User")
    if not org.tables["OpportunityStage"].rows:
        for order, stage in enumerate(STAGES, start=1):
            add_stage(org, order, *stage)


def add_user(org: Org, username: str, first: str, last: str, id_: str | None = None) -> str:
    """Add a user; returns the id, which is made if none is given."""
    values = derive.DEFAULTS["User"] | {
        "Username": username, "Email": username, "FirstName": first or None, "LastName": last,
        "Name": f"{first} {last}".strip(), "Alias": (first or last).lower()[:8],
    }  # fmt: skip
    return add_record(org, "User", values, id_)


def add_stage(
    org: Org, order: int, label: str, closed: bool, won: bool, category: str, category_name: str, probability: int
) -> None:
    """Add a stage of opportunities."""
    values = {
        "MasterLabel": label, "ApiName": label, "IsActive": True, "SortOrder": order, "IsClosed": closed, "IsWon": won,
        "ForecastCategory": category, "ForecastCategoryName": category_name, "DefaultProbability": probability,
    }  # fmt: skip
    add_record(org, "OpportunityStage", values)


def one_organization(org: Org) -> str:
    """The org's own row, added with defaults if there is none; returns its id."""
    rows = org.tables["Organization"].rows
    if rows:
        return next(iter(rows))
    defaults = {
        "Name": "Emulated Org", "OrganizationType": "Enterprise Edition", "IsSandbox": False, "InstanceName": "EMU1",
        "DefaultLocaleSidKey": "en_US", "TimeZoneSidKey": "UTC", "LanguageLocaleKey": "en_US", "Country": "US",
        "FiscalYearStartMonth": 1,
    }  # fmt: skip
    return add_record(org, "Organization", defaults)


def add_record(org: Org, name: str, values: dict[str, Any], id_: str | None = None) -> str:
    """Add a record with stamps; returns the id, which is made if none is given."""
    id_, now = id_ or org.new_id(org.objects[name]), wire_time(org.clock.now())
    user = org.integration_user or id_
    stamps = {"CreatedById": user, "CreatedDate": now, "LastModifiedById": user, "LastModifiedDate": now,
              "SystemModstamp": now}  # fmt: skip
    flags = {field.name: False for field in org.objects[name].fields.values() if field.type == "boolean"}
    org.tables[name].insert(id_, flags | values | stamps)
    return id_


# --- schema


def declared_field(folder: Path, sobject: SObject, one: Declared) -> Field:
    """A line of fields.csv as a field; raises EmulatorDataError for a type that there is not."""
    kind = _ALIASES.get(one.type, one.type)
    if kind not in _TYPES:
        raise EmulatorDataError(f"{folder / 'fields.csv'}: {one.object}.{one.name}: unknown type {one.type!r}")
    standard = sobject.field(one.name)
    field = Field(one.name, kind, one.label, one.length, unique=one.unique, external_id=one.external_id)
    field.custom = standard is None or standard.custom
    if standard is not None:
        field.name, field.required = standard.name, standard.required
        field.createable, field.updateable = standard.createable, standard.updateable
        field.name_field, field.defaulted = standard.name_field, standard.defaulted
    if kind == "reference":
        field.refers, field.relationship = one.values, relationship_of(one.name)
    elif kind in _PICKLISTS:
        field.values, field.restricted = one.values, bool(one.values)
    return field


def _guessed_field(name: str, cells: list[str]) -> Field:
    field = Field(name, GUESSED[guess(cells)], custom=True)
    longest = max(map(len, cells), default=0)
    if field.type == "string" and longest > 255:
        field.type, field.length = "textarea", max(32_000, longest)
    if field.type == "double":
        field.scale = max((len(cell.partition(".")[2]) for cell in cells), default=0)
    return field


# --- records


def load_object(org: Org, sheet: Sheet, sobject: SObject) -> int:
    """Add the records of a sheet whose header holds API names; returns how many."""
    table = org.tables[sobject.name]
    before = len(table)
    names = [_column(sobject, sheet, position) for position in range(len(sheet.header))]
    for position, name in enumerate(names):
        field = sobject.fields[name]
        if field.type in _PICKLISTS and not field.restricted:
            _offer(field, sheet.column(position))
        sheet.convert(position, loader(field))
    sheet.drop_wrong()
    order = [names.index("Id")] if "Id" in names else []
    order += [position for position in range(len(names)) if position not in order]
    for position in order:
        table.slot(names[position])
    identity = order == list(range(len(names))) and "Id" in names and len(table.slots) == len(names)
    filler = _Filler(org, sobject)
    slots = [table.slots[names[position]] for position in order]
    for at, line in enumerate(sheet.lines):
        row = line if identity else _laid_out(line, order, slots)
        filler.fill(row, sheet, at)
    sheet.lines.clear()
    return len(table) - before


def _column(sobject: SObject, sheet: Sheet, position: int) -> str:
    name = sheet.header[position]
    if "." in name:
        raise EmulatorDataError(f"{sheet.path}:1: {name}: a column must be a field of the object, not of a parent")
    if sobject.field(name) is None:
        sobject.add([_guessed_field(name, sheet.column(position))])
    field = sobject.field(name)
    assert field is not None
    return field.name


def _offer(field: Field, cells: list[str]) -> None:
    parts = {part: None for cell in cells if cell for part in (cell.split(";") if field.type != "picklist" else [cell])}
    if len(parts) <= _KEEPS_ITS_OWN:
        field.values = tuple(dict.fromkeys([*field.values, *parts]))


def _laid_out(line: list[Any], order: list[int], slots: list[int]) -> Row:
    row: Row = [None] * (max(slots, default=0) + 1)
    for position, slot in zip(order, slots, strict=True):
        row[slot] = line[position]
    return row


class _Filler:
    """Completes loaded rows: id, stamps, owner, flags, and what follows from other fields."""

    def __init__(self, org: Org, sobject: SObject) -> None:
        self._org, self._sobject, self._table = org, sobject, org.tables[sobject.name]
        self._stages = {row["MasterLabel"]: row for row in org.rows("OpportunityStage")}
        self._flags = [one.name for one in sobject.fields.values() if one.type == "boolean"]
        self._now = wire_time(org.clock.now())

    def fill(self, row: Row, sheet: Sheet, at: int) -> None:
        """Complete a row and add it."""
        table = self._table
        row.extend([None] * (len(table.slots) - len(row)))
        if row[0] is None:
            row[0] = self._org.new_id(self._sobject)
        elif row[0] in table.rows:
            sheet.wrong(at, f"Id {row[0]} appears twice")
            return
        for name, value in self._missing(row).items():
            slot = table.slot(name)
            row.extend([None] * (len(table.slots) - len(row)))
            row[slot] = value
        table.add(row)
        if table.get(row, "IsDeleted"):
            self._org.bin.put(self._sobject.name, row[0])

    def _missing(self, row: Row) -> dict[str, Any]:
        get = self._table.get
        created = get(row, "CreatedDate") or get(row, "LastModifiedDate") or get(row, "SystemModstamp") or self._now
        modified = get(row, "LastModifiedDate") or get(row, "SystemModstamp") or created
        user = self._org.integration_user or row[0]
        wanted: dict[str, Any] = {
            "CreatedDate": created,
            "LastModifiedDate": modified,
            "SystemModstamp": modified,
            "CreatedById": user,
            "LastModifiedById": user,
        }
        if self._sobject.owned:
            wanted["OwnerId"] = user
        wanted |= {name: False for name in self._flags}
        if self._sobject.name in ("User",):
            wanted |= derive.DEFAULTS["User"]
        missing = {name: value for name, value in wanted.items() if get(row, name) is None}
        return missing | self._implied(row)

    def _implied(self, row: Row) -> dict[str, Any]:
        get = self._table.get
        if self._sobject.name in ("Contact", "Lead", "User"):
            return _names(get(row, "Name"), get(row, "FirstName"), get(row, "LastName"))
        stage = self._stages.get(get(row, "StageName")) if self._sobject.name == "Opportunity" else None
        if stage is None:
            return {}
        implied = {name: stage[name] for name in ("IsClosed", "IsWon", "ForecastCategory", "ForecastCategoryName")}
        if get(row, "Probability") is None:
            implied["Probability"] = stage["DefaultProbability"]
        return implied


def _names(name: str | None, first: str | None, last: str | None) -> dict[str, Any]:
    if last is None:
        return {} if name is None else {"LastName": name, "Name": name}
    return {"Name": " ".join(part for part in (first, last) if part)}
