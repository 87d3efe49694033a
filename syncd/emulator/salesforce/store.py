"""The records of one org: reading, checked writing with stamps and logs, transactions, and the god view."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from syncd.emulator.clock import Clock
from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.log import Actor, Journal
from syncd.emulator.salesforce import dml
from syncd.emulator.salesforce.access import Access
from syncd.emulator.salesforce.automation import Automation
from syncd.emulator.salesforce.bin import RecycleBin
from syncd.emulator.salesforce.commits import Commits
from syncd.emulator.salesforce.errors import RowError
from syncd.emulator.salesforce.history import History
from syncd.emulator.salesforce.ids import PREFIXES, base62, mint, normal
from syncd.emulator.salesforce.schema import SObject
from syncd.emulator.salesforce.standard import OBJECTS, other_object, standard_object
from syncd.emulator.salesforce.usage import Usage
from syncd.emulator.salesforce.values import parse_time, wire_time
from syncd.emulator.salesforce.views import Views
from syncd.emulator.table import Row, Table

INTEGRATION = "integration@example.com"
_SYSTEM_FIELDS = ("CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate", "SystemModstamp")


@dataclass(frozen=True, slots=True)
class BulkPace:
    """Seconds that a bulk job waits in the queue, and that it takes for each batch of 10,000 records."""

    queued: float = 1.0
    per_batch: float = 1.0


class Org:
    """A Salesforce org held in memory."""

    def __init__(self, clock: Clock, journal: Journal, seed: int = 0) -> None:
        self.clock, self.journal, self.seed = clock, journal, seed
        self.random = random.Random(f"salesforce {seed}")  # noqa: S311 (a seed, not a secret)
        self.instance = "".join(self.random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=2))
        self.objects: dict[str, SObject] = {}
        self.tables: dict[str, Table] = {}
        self.started = self.schema_changed = clock.now()
        self.integration_user = ""
        self.corporate_currency: str | None = None
        self.saving_stamps = False  # whether a save that changes nothing moves the stamps
        self.masters_follow = False  # whether MasterRecordId names the last winner of a chain of merges
        self.hard_delete_allowed, self.bulk_pace = False, BulkPace()
        self.automation, self.bin, self.usage = Automation(), RecycleBin(self), Usage(clock, seed)
        self.access, self.views = Access(self), Views(self)
        self.history, self.commits = History(self), Commits(self)
        self.failing_query_jobs: list[str] = []  # with which message the next bulk queries fail
        self._as_time_passes: list[Callable[[datetime], None]] = [self.commits.pass_time, self.bin.pass_time]
        self._by_lower: dict[str, str] = {}
        self._by_prefix: dict[str, str] = {}
        self._minted: dict[str, int] = {}
        self._undo: list[tuple[str, str, Row | None]] | None = None
        for name in OBJECTS:
            self.declare(name)

    # --- time

    def as_time_passes(self, act: Callable[[datetime], None]) -> None:
        """Register what must happen when its moment has come; it is told the present moment."""
        self._as_time_passes.append(act)

    def pass_time(self) -> None:
        """Let happen whatever has become due: the bin is purged, jobs go on."""
        now = self.clock.now()
        for act in self._as_time_passes:
            act(now)

    # --- schema

    def declare(self, name: str) -> SObject:
        """The object of that name, made known if it is new."""
        known = self.find(name)
        if known is not None:
            return known
        sobject = standard_object(name) if name in OBJECTS else other_object(name, self._free_prefix(name))
        self.objects[name], self.tables[name] = sobject, Table("Id")
        self._by_lower[name.lower()] = name
        if not sobject.history:  # all of them share a prefix
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
        """The object of that name in any case, as the user sees it for whom the present request acts."""
        exact = self._by_lower.get(name.lower())
        return None if exact is None else self.access.seen(self.objects[exact])

    def object_of_id(self, id_: str) -> SObject | None:
        """The object that an id belongs to, by its key prefix."""
        name = self._by_prefix.get(id_[:3])
        return None if name is None else self.objects[name]

    # --- reading

    def row(self, name: str, id_: str) -> Row:
        """A live record, or the RowError that a client gets."""
        table = self.tables[name]
        row = table.rows.get(id_) or table.rows.get(normal(id_) or "")
        if row is None or not self.access.visible(name, row):
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

    def create(self, name: str, values: Mapping[str, Any], actor: Actor, options: dml.Options = dml.PLAIN) -> str:
        """Insert a record as an API client or a person may; returns its id; raises RowError."""
        self.access.check_create(actor.id, self.objects[name], values)
        return dml.create(self, name, values, actor, options)

    def change(
        self, name: str, id_: str, values: Mapping[str, Any], actor: Actor, options: dml.Options = dml.PLAIN
    ) -> None:
        """Update a record as an API client or a person may; raises RowError."""
        self._check_writer(name, id_, actor)
        self.access.check_fields(actor.id, self.objects[name], values)
        dml.change(self, name, id_, values, actor, options)

    def remove(self, name: str, id_: str, actor: Actor) -> None:
        """Put a record into the recycle bin; raises RowError."""
        self._check_writer(name, id_, actor)
        dml.remove(self, name, id_, actor)

    def _check_writer(self, name: str, id_: str, actor: Actor) -> None:
        row = self.row(name, id_)
        self.access.check_record(actor.id, name, row)
        self.commits.guard(row[0], actor)

    # --- writing, unchecked: every row that comes, changes or goes passes through these three

    def insert_row(
        self, name: str, values: Mapping[str, Any], actor: Actor, authors: Mapping[str, str] | None = None
    ) -> str:
        """Add a row with its stamps; `authors` names who set a field, where that was not the actor."""
        now = self.clock.now()
        stamps = dict(zip(_SYSTEM_FIELDS, (actor.id, wire_time(now), actor.id, *[wire_time(now)] * 2), strict=True))
        id_ = self.new_id(self.objects[name])
        self.tables[name].insert(id_, {**values, **stamps})
        self._remember(name, id_, None)
        differences = {key: (None, value) for key, value in values.items() if value is not None}
        self._log(name, id_, differences, actor, authors)
        self.history.note(name, id_, differences, actor, created=True)
        return id_

    def write_row(
        self, name: str, row: Row, values: Mapping[str, Any], actor: Actor, authors: Mapping[str, str] | None = None
    ) -> None:
        """Give fields of a row a new value and move its stamps, even if no field changes."""
        table, stamp = self.tables[name], wire_time(self.clock.now())
        differences = {field: (table.get(row, field), value) for field, value in values.items()}
        self._remember(name, row[0], list(row))
        stamps = {"LastModifiedById": actor.id, "LastModifiedDate": stamp, "SystemModstamp": stamp}
        table.update(row, {**values, **stamps})
        self._log(name, row[0], differences, actor, authors)
        self.history.note(name, row[0], differences, actor, created=False)

    def erase_row(self, name: str, id_: str, actor: Actor | None = None) -> None:
        """Remove a row for good; with an actor it is logged as a deletion."""
        table = self.tables[name]
        self._remember(name, id_, list(table.rows[id_]))
        table.remove(id_)
        if actor is not None:
            self._log(name, id_, {"IsDeleted": (False, True)}, actor, None)

    def system_write(self, name: str, row: Row, values: Mapping[str, Any], actor: Actor) -> None:
        """Let the system itself change a row: SystemModstamp moves, LastModifiedDate stays."""
        table = self.tables[name]
        differences = {field: (table.get(row, field), value) for field, value in values.items()}
        self._remember(name, row[0], list(row))
        table.update(row, {**values, "SystemModstamp": wire_time(self.clock.now())})
        self._log(name, row[0], differences, actor, None)

    def keep_row(self, name: str, values: Mapping[str, Any]) -> None:
        """Add a row that the service keeps by itself: it is part of the transaction and of no log."""
        id_ = self.new_id(self.objects[name])
        self.tables[name].insert(id_, values)
        self._remember(name, id_, None)

    def _log(
        self, name: str, id_: str, differences: Mapping[str, tuple[Any, Any]], actor: Actor,
        authors: Mapping[str, str] | None,
    ) -> None:  # fmt: skip
        record, now = ("salesforce", name, id_), self.clock.now()
        own = {field: pair for field, pair in differences.items() if not authors or field not in authors}
        self.journal.changed(now, record, own, actor)
        for author in dict.fromkeys(authors.values() if authors else ()):
            changes = {field: pair for field, pair in differences.items() if (authors or {}).get(field) == author}
            self.journal.changed(now, record, changes, replace(actor, name=author))

    # --- look-ups

    def ids_with(self, name: str, field: str, value: Any) -> Iterator[str]:
        """Live records with a value in a field; strings are compared without case."""
        table = self.tables[name]
        return (row[0] for row in table.with_value(field, value) if not table.get(row, "IsDeleted"))

    def user_id(self, username: str) -> str | None:
        """The id of the user with that name."""
        found = self.tables["User"].with_value("Username", username)
        return found[0][0] if found else None

    # --- transactions

    @contextmanager
    def transaction(self) -> Iterator[list[tuple[str, str, Row | None]]]:
        """All or nothing: an exception inside undoes every write, logs included; it yields what rows were before."""
        outer, self._undo = self._undo, []
        marks = len(self.journal.changes), len(self.journal.redundant)
        try:
            yield self._undo
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
        self.pass_time()
        sobject = self._known(name)
        self.views.refresh(sobject.name)
        table = self.tables[sobject.name]
        return [table.as_dict(row, sobject.fields) for row in table]

    def edit(
        self, name: str, id_: str, values: Mapping[str, Any], user: str | None = None, transaction: str | None = None
    ) -> None:
        """Change a record as a person would."""
        self.pass_time()
        with _as_refusal(), self.commits.by_person(transaction):
            self.change(self._known(name).name, id_, values, self.person(user))

    def insert(
        self, name: str, values: Mapping[str, Any], user: str | None = None, transaction: str | None = None
    ) -> str:
        """Add a record as a person would; returns its id."""
        self.pass_time()
        with _as_refusal(), self.commits.by_person(transaction):
            return self.create(self._known(name).name, values, self.person(user))

    def delete(self, name: str, id_: str, user: str | None = None, transaction: str | None = None) -> None:
        """Put a record into the recycle bin as a person would."""
        self.pass_time()
        with _as_refusal(), self.commits.by_person(transaction):
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
