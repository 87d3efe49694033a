"""What a record must satisfy before it is written: known and writable fields, good values, targets that are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syncd.emulator.salesforce import derive
from syncd.emulator.salesforce.errors import RowError
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.values import checked

if TYPE_CHECKING:
    from syncd.emulator.log import Actor
    from syncd.emulator.salesforce.store import Org


def given(
    org: Org, sobject: SObject, values: Mapping[str, Any], inserting: bool, actor: Actor
) -> dict[str, Any]:  # fmt: skip
    """The values that a client sends, typed and by API name; raises RowError."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        field, wanted = _named(org, sobject, name, value)
        _writable(field, inserting)
        found[field.name] = checked(field, wanted)
        _target(org, field, found[field.name], actor)
    if inserting:
        owner(org, sobject, found, None)
    return found


def _named(org: Org, sobject: SObject, name: str, value: Any) -> tuple[Field, Any]:
    parent = sobject.relation(name) if isinstance(value, dict) else None
    if parent is not None:
        return parent, _by_external_id(org, parent, value)
    field = sobject.field(name)
    if field is None:
        raise RowError("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")
    return field, value


def _by_external_id(org: Org, field: Field, nested: Mapping[str, Any]) -> str | None:
    """The id behind `{"Partner__r": {"Number__c": "P-1"}}`; the parent's type may be told in attributes."""
    keys = {name: value for name, value in nested.items() if name.lower() not in ("attributes", "type")}
    if len(keys) != 1:
        raise RowError("INVALID_FIELD", f"{field.relationship}: exactly one external id is needed", [field.name])
    name, value = next(iter(keys.items()))
    kinds = [org.objects[one] for one in field.refers if one in org.objects]
    found = [(kind, key) for kind in kinds if (key := kind.field(name)) is not None and looks_up(key)]
    if not found:
        raise RowError("INVALID_FIELD", f"{name} is no external id of {', '.join(field.refers)}", [field.name])
    if value is None:
        return None
    ids = [id_ for kind, key in found for id_ in org.ids_with(kind.name, key.name, value)]
    if len(ids) != 1:
        kind, key = found[0]
        message = f"Foreign key external ID: {value} not found for field {key.name} in entity {kind.name}"
        raise RowError("INVALID_FIELD", message)
    return ids[0]


def looks_up(field: Field) -> bool:
    """Whether records may be addressed by the field."""
    return field.type == "id" or field.external_id or field.name in ("Username", "Email")


def _writable(field: Field, inserting: bool) -> None:
    if not (field.createable if inserting else field.updateable):
        raise not_writable(field.name)


def not_writable(name: str) -> RowError:
    """The refusal to write a field."""
    message = (
        f"Unable to create/update fields: {name}. Please check the security settings of this field and verify "
        "that it is read/write for your profile or permission set."
    )
    return RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, [name])


def _target(org: Org, field: Field, id_: str | None, actor: Actor) -> None:
    if field.type != "reference" or id_ is None:
        return
    target = org.object_of_id(id_)
    if target is None or target.name not in field.refers:
        if field.refers and all(name not in org.tables for name in field.refers):
            return  # the org of the test has no such records to point to
        raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    row = org.tables[target.name].rows.get(id_)
    if row is None or org.value(target.name, row, "IsDeleted"):
        raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    org.access.check_target(actor.id, target.name, row)


def owner(org: Org, sobject: SObject, values: Mapping[str, Any], owner_now: str | None) -> None:
    """A new owner must be active and may be told to lack the right to read the object."""
    wanted = values.get("OwnerId")
    if wanted is None or wanted == owner_now:
        return
    row = org.tables["User"].rows.get(wanted)
    if row is not None and org.value("User", row, "IsActive") is False:
        message = f"operation performed with inactive user [{wanted[:15]}] as owner of {sobject.label.lower()}"
        raise RowError("INACTIVE_OWNER_OR_USER", message, ["OwnerId"])
    if (wanted, sobject.name) in org.automation.cannot_own:
        raise RowError("TRANSFER_REQUIRES_READ", "The new owner must have read permission", ["OwnerId"])


def unique(org: Org, sobject: SObject, values: Mapping[str, Any], own_id: str | None) -> None:
    """No other live record may hold a unique field's value."""
    for name, value in values.items():
        if value is None or not sobject.fields[name].unique:
            continue
        other = next((id_ for id_ in org.ids_with(sobject.name, name, value) if id_ != own_id), None)
        if other is not None:
            message = f"duplicate value found: {name} duplicates value on record with id: {other[:15]}"
            raise RowError("DUPLICATE_VALUE", message, [name])


def required(sobject: SObject, record: Mapping[str, Any]) -> None:
    """Every required field that has no default must be filled in a new record."""
    missing = [
        field.name
        for field in sobject.fields.values()
        if field.required and not field.defaulted and field.createable and record.get(field.name) is None
    ]
    if missing:
        raise RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing)


def defaults(sobject: SObject, actor: Actor) -> dict[str, Any]:
    """What a new record holds where nothing is given."""
    found: dict[str, Any] = {name: False for name, field in sobject.fields.items() if field.type == "boolean"}
    if sobject.owned:
        found["OwnerId"] = actor.id
    return found | derive.DEFAULTS.get(sobject.name, {})
