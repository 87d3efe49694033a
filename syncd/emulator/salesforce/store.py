"""The records of one org: reading, checked writing with stamps and logs, transactions, and the god view."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from syncd.emulator.clock import Clock
from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.log import Actor, Journal
from syncd.emulator.salesforce import derive
from syncd.emulator.salesforce.errors import RowError
from syncd.emulator.salesforce.ids import PREFIXES, base62, mint, normal
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.standard import OBJECTS, other_object, standard_object
from syncd.emulator.salesforce.values import checked, parse_time, wire_time
from syncd.emulator.table import Row, Table

INTEGRATION = "integration@example.com"
_SYSTEM_FIELDS = ("CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate", "SystemModstamp")


class Org:
    """A Salesforce org held in memory."""

    def __init__(self, clock: Clock, journal: Journal, seed: int = 0) -> None:
        self.clock, self.journal, self.seed = clock, journal, seed
        self.random = random.Random(f"salesforce {seed}")  # noqa: S311 (a seed, not a secret)
        self.instance = "".join(self.random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=2))
        self.objects: dict[str, SObject] = {}
        self.tables: dict[str, Table] = {}
        self.schema_changed: datetime = clock.now()
        self.integration_user = ""
        self._by_lower: dict[str, str] = {}
        self._by_prefix: dict[str, str] = {}
        self._minted: dict[str, int] = {}
        self._undo: list[tuple[str, str, Row | None]] | None = None
        for name in OBJECTS:
            self.declare(name)

    # --- schema

    def declare(self, name: str) -> SObject:
        """The object of that name, made known if it is new."""
        known = self.find(name)
        if known is not None:
            return known
        sobject = standard_object(name) if name in OBJECTS else other_object(name, self._free_prefix(name))
        self.objects[name], self.tables[name] = sobject, Table("Id")
        self._by_lower[name.lower()] = name
        self._by_prefix[sobject.prefix] = name
        return sobject

    def _free_prefix(self, name: str) -> str:
        if name in PREFIXES and PREFIXES[name] not in self._by_prefix:
            return PREFIXES[name]
        head = "a" if name.endswith("__c") else "0z"
        number = 0
        while (prefix := head + base62(number, 3 - len(head))) in self._by_prefix:
            number += 1
        return prefix

    def find(self, name: str) -> SObject | None:
        """The object of that name in any case."""
        exact = self._by_lower.get(name.lower())
        return None if exact is None else self.objects[exact]

    def object_of_id(self, id_: str) -> SObject | None:
        """The object that an id belongs to, by its key prefix."""
        name = self._by_prefix.get(id_[:3])
        return None if name is None else self.objects[name]

    # --- reading

    def row(self, name: str, id_: str) -> Row:
        """A live record, or the RowError that a client gets."""
        table, full = self.tables[name], normal(id_)
        row = None if full is None else table.rows.get(full)
        if row is None:
            raise RowError("NOT_FOUND", "The requested resource does not exist", status=404)
        if table.get(row, "IsDeleted"):
            raise RowError("ENTITY_IS_DELETED", "entity is deleted", status=404)
        return row

    def value(self, name: str, row: Row, field: str) -> Any:
        """One value of a record."""
        return self.tables[name].get(row, field)

    def modified(self, name: str, row: Row) -> datetime:
        """When the record was last modified, for conditional requests."""
        return parse_time(self.value(name, row, "LastModifiedDate"))

    # --- writing

    def new_id(self, sobject: SObject) -> str:
        """The next unused id of an object."""
        table = self.tables[sobject.name]
        while True:
            number = self._minted[sobject.name] = self._minted.get(sobject.name, 0) + 1
            id_ = mint(sobject.prefix, number, self.instance)
            if id_ not in table.rows:
                return id_

    def create(self, name: str, values: Mapping[str, Any], actor: Actor) -> str:
        """Insert a record as an API client or a person may; raises RowError."""
        sobject = self.objects[name]
        given = self._check_all(sobject, values, inserting=True)
        _require(sobject, given)
        self._check_unique(sobject, given, None)
        full = _defaults(sobject, actor) | {key: value for key, value in given.items() if value is not None}
        full |= derive.fields(self, sobject, full, set(full))
        now = wire_time(self.clock.now())
        stamps = dict(zip(_SYSTEM_FIELDS, (actor.id, now, actor.id, now, now), strict=True))
        id_ = self.new_id(sobject)
        self.tables[name].insert(id_, full | stamps)
        self._remember(name, id_, None)
        differences = {key: (None, value) for key, value in full.items() if value is not None}
        self.journal.changed(self.clock.now(), ("salesforce", name, id_), differences, actor)
        return id_

    def change(self, name: str, id_: str, values: Mapping[str, Any], actor: Actor) -> None:
        """Update a record as an API client or a person may; raises RowError."""
        sobject, row = self.objects[name], self.row(name, id_)
        given = self._check_all(sobject, values, inserting=False)
        table = self.tables[name]
        self._check_owner(given, table.get(row, "OwnerId"))
        effective = {field: value for field, value in given.items() if table.get(row, field) != value}
        if not effective:
            self.journal.unchanged(self.clock.now(), ("salesforce", name, row[0]), actor)
            return
        self._check_unique(sobject, effective, row[0])
        merged = table.as_dict(row) | effective
        derived = derive.fields(self, sobject, merged, set(effective))
        effective |= {field: value for field, value in derived.items() if table.get(row, field) != value}
        self._write(name, row, effective, actor)

    def remove(self, name: str, id_: str, actor: Actor) -> None:
        """Put a record into the recycle bin; raises RowError."""
        row = self.row(name, id_)
        if "IsDeleted" not in self.objects[name].fields:
            raise RowError("INSUFFICIENT_ACCESS_OR_READONLY", f"cannot delete {name}", status=403)
        self._write(name, row, {"IsDeleted": True}, actor)

    def _write(self, name: str, row: Row, values: Mapping[str, Any], actor: Actor) -> None:
        table, now = self.tables[name], self.clock.now()
        differences = {field: (table.get(row, field), value) for field, value in values.items()}
        self._remember(name, row[0], list(row))
        stamp = wire_time(now)
        table.update(row, values)
        table.update(row, {"LastModifiedById": actor.id, "LastModifiedDate": stamp, "SystemModstamp": stamp})
        self.journal.changed(now, ("salesforce", name, row[0]), differences, actor)

    # --- checks

    def _check_all(self, sobject: SObject, values: Mapping[str, Any], inserting: bool) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, value in values.items():
            field = sobject.field(name)
            if field is None:
                message = f"No such column '{name}' on sobject of type {sobject.name}"
                raise RowError("INVALID_FIELD", message, [])
            _check_writeable(field, inserting)
            given[field.name] = checked(field, value)
            self._check_target(field, given[field.name])
        if inserting:
            self._check_owner(given, None)
        return given

    def _check_target(self, field: Field, id_: str | None) -> None:
        if field.type != "reference" or id_ is None:
            return
        target = self.object_of_id(id_)
        if target is None or target.name not in field.refers:
            if field.refers and all(name not in self.tables for name in field.refers):
                return  # the org of the test has no such records to point to
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        row = self.tables[target.name].rows.get(id_)
        if row is None or self.value(target.name, row, "IsDeleted"):
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])

    def _check_owner(self, given: Mapping[str, Any], owner_now: str | None) -> None:
        owner = given.get("OwnerId")
        if owner is None or owner == owner_now:
            return
        row = self.tables["User"].rows.get(owner)
        if row is not None and self.value("User", row, "IsActive") is False:
            message = f"operation performed with inactive user [{owner[:15]}] as owner of record"
            raise RowError("INACTIVE_OWNER_OR_USER", message, ["OwnerId"])

    def _check_unique(self, sobject: SObject, values: Mapping[str, Any], own_id: str | None) -> None:
        for name, value in values.items():
            if value is None or not sobject.fields[name].unique:
                continue
            other = next((id_ for id_ in self.ids_with(sobject.name, name, value) if id_ != own_id), None)
            if other is not None:
                message = f"duplicate value found: {name} duplicates value on record with id: {other[:15]}"
                raise RowError("DUPLICATE_VALUE", message, [name])

    def ids_with(self, name: str, field: str, value: Any) -> Iterator[str]:
        """Live records with a value in a field; strings are compared without case."""
        table = self.tables[name]
        return (row[0] for row in table.with_value(field, value) if not table.get(row, "IsDeleted"))

    # --- transactions

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: an exception inside undoes every write, logs included."""
        outer, self._undo = self._undo, []
        marks = len(self.journal.changes), len(self.journal.redundant)
        try:
            yield
        except BaseException:
            for name, id_, before in reversed(self._undo):
                self.tables[name].restore(id_, before)
            self.journal.rewind(*marks)
            self._undo = outer
            raise
        written, self._undo = self._undo, outer
        if outer is not None:
            outer.extend(written)

    def _remember(self, name: str, id_: str, before: Row | None) -> None:
        if self._undo is not None:
            self._undo.append((name, id_, before))

    # --- the god view

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Every record with every field of the object, deleted ones included."""
        sobject = self._known(name)
        table = self.tables[sobject.name]
        return [table.as_dict(row, sobject.fields) for row in table]

    def edit(self, name: str, id_: str, values: Mapping[str, Any], user: str | None = None) -> None:
        """Change a record as a person would."""
        with _as_refusal():
            self.change(self._known(name).name, id_, values, self.person(user))

    def insert(self, name: str, values: Mapping[str, Any], user: str | None = None) -> str:
        """Add a record as a person would; returns its id."""
        with _as_refusal():
            return self.create(self._known(name).name, values, self.person(user))

    def delete(self, name: str, id_: str, user: str | None = None) -> None:
        """Put a record into the recycle bin as a person would."""
        with _as_refusal():
            self.remove(self._known(name).name, id_, self.person(user))

    def person(self, user: str | None) -> Actor:
        """A user by id or username; without one, the first active user who is not the integration."""
        table = self.tables["User"]
        for row in table:
            username = table.get(row, "Username")
            if user in (row[0], username) if user else _is_person(table, row):
                return Actor(username, row[0])
        raise EmulatorRefusal("NOT_FOUND", f"no user {user!r}")

    def _known(self, name: str) -> SObject:
        sobject = self.find(name)
        if sobject is None:
            raise EmulatorRefusal("INVALID_TYPE", f"no object {name!r}; known: {', '.join(self.objects)}")
        return sobject


def _is_person(table: Table, row: Row) -> bool:
    return table.get(row, "Username") != INTEGRATION and table.get(row, "IsActive") is not False


@contextmanager
def _as_refusal() -> Iterator[None]:
    try:
        yield
    except RowError as error:
        raise EmulatorRefusal(error.code, error.message) from error


def _check_writeable(field: Field, inserting: bool) -> None:
    if field.createable if inserting else field.updateable:
        return
    message = (
        f"Unable to create/update fields: {field.name}. Please check the security settings of this field and verify "
        "that it is read/write for your profile or permission set."
    )
    raise RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, [field.name])


def _require(sobject: SObject, given: Mapping[str, Any]) -> None:
    missing = [
        field.name
        for field in sobject.fields.values()
        if field.required and not field.defaulted and field.createable and given.get(field.name) is None
    ]
    if missing:
        raise RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing)


def _defaults(sobject: SObject, actor: Actor) -> dict[str, Any]:
    found: dict[str, Any] = {name: False for name, field in sobject.fields.items() if field.type == "boolean"}
    if sobject.owned:
        found["OwnerId"] = actor.id
    return found | derive.DEFAULTS.get(sobject.name, {})
