"""One record of a bulk job on its way into the org: what its cells mean, and the words for its failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.emulator.log import Actor
from syncd.emulator.salesforce.bulkcsv import Unreadable
from syncd.emulator.salesforce.dml import Options
from syncd.emulator.salesforce.errors import RowError
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.store import Org

NULL = "#N/A"
_OPTIONS = Options(auto_assign=False)  # a job runs assignment rules only if it names one


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record: its id, whether it is new, or the error text."""

    id: str | None
    created: bool
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Which cell is which field, by name or by (relationship, external id), and which one finds the record."""

    names: Sequence[str | tuple[str, str]]
    key: int | None
    key_field: Field | None

    def values(self, cells: Sequence[str]) -> dict[str, Any]:
        """The values that a record sets: an empty cell says nothing, #N/A empties the field."""
        found: dict[str, Any] = {}
        for position, (name, cell) in enumerate(zip(self.names, cells, strict=True)):
            if cell == "" or position == self.key:
                continue
            value = None if cell == NULL else cell
            if isinstance(name, str):
                found[name] = value
            else:
                found[name[0]] = {name[1]: value}
        return found


def columns(sobject: SObject, operation: str, key: Field | None, header: Sequence[str]) -> Columns:
    """Read a header; raises Unreadable, which fails the whole job."""
    names = [_column(sobject, name) for name in header]
    lowered = [name.lower() for name in header]
    wanted = key or (None if operation == "insert" else sobject.fields["Id"])
    if wanted is None:
        return Columns(names, None, None)
    if wanted.name.lower() not in lowered:
        raise Unreadable(f"InvalidBatch : Field name not found : {wanted.name}")
    if operation in ("delete", "hardDelete") and len(names) > 1:
        raise Unreadable("InvalidBatch : a delete job takes no field but Id")
    return Columns(names, lowered.index(wanted.name.lower()), wanted)


def _column(sobject: SObject, name: str) -> str | tuple[str, str]:
    relation, dot, inner = name.rpartition(":")[2].partition(".")
    if dot:
        if sobject.relation(relation) is None:
            raise Unreadable(f"InvalidBatch : Field name not found : {name}")
        return relation, inner
    found = sobject.field(name)
    if found is None:
        raise Unreadable(f"InvalidBatch : Field name not found : {name}")
    return found.name


def write(
    org: Org, sobject: SObject, operation: str, plan: Columns, cells: Sequence[str], actor: Actor
) -> Outcome:  # fmt: skip
    """Write one record."""
    try:
        return _written(org, sobject, operation, plan, cells, actor)
    except RowError as error:
        return Outcome(None, False, _text(sobject, error))


def _written(
    org: Org, sobject: SObject, operation: str, plan: Columns, cells: Sequence[str], actor: Actor
) -> Outcome:  # fmt: skip
    values = plan.values(cells)
    key = None if plan.key is None else cells[plan.key]
    if operation == "insert":
        return Outcome(org.create(sobject.name, values, actor, _OPTIONS), True)
    if operation == "upsert" and plan.key_field is not None:
        return _upserted(org, sobject, plan.key_field, key or "", values, actor)
    if not key:
        raise RowError("MISSING_ARGUMENT", "Id not specified")
    if operation == "update":
        org.change(sobject.name, key, values, actor, _OPTIONS)
    else:
        org.remove(sobject.name, key, actor)
        if operation == "hardDelete":
            org.bin.empty(sobject.name, key)
    return Outcome(key, False)


def _upserted(
    org: Org, sobject: SObject, field: Field, key: str, values: Mapping[str, Any], actor: Actor
) -> Outcome:  # fmt: skip
    if not key and field.type != "id":
        raise RowError("MISSING_ARGUMENT", f"{field.name} not specified", [field.name])
    if field.type == "id":
        found = [org.row(sobject.name, key)[0]] if key else []
    else:
        found = list(org.ids_with(sobject.name, field.name, key))
    if len(found) > 1:
        raise RowError("DUPLICATE_EXTERNAL_ID", f"more than one record found for external id field: {field.name}")
    if found:
        org.change(sobject.name, found[0], values, actor, _OPTIONS)
        return Outcome(found[0], False)
    new = values if field.type == "id" else {**values, field.name: key}
    return Outcome(org.create(sobject.name, new, actor, _OPTIONS), True)


def _text(sobject: SObject, error: RowError) -> str:
    """`CODE:message:FIELD --`; a value that is no JSON has another code here."""
    code, message = error.code, error.message
    if code == "JSON_PARSER_ERROR" and error.fields:
        field = sobject.fields[error.fields[0]]
        code, message = "INVALID_TYPE_ON_FIELD_IN_RECORD", f"{field.label}: value not of required type"
    if code == "NOT_FOUND":
        code, message = "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"
    fields = f"{', '.join(error.fields)} " if error.fields else ""
    return f"{code}:{message}:{fields}--"
