"""The records of one portal: reading, checked writing with stamps, history and logs, and the god view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from syncd.emulator.clock import Clock
from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.hubspot.errors import Conflict, Invalid, Missing, problem
from syncd.emulator.hubspot.history import Entry, History
from syncd.emulator.hubspot.links import Links
from syncd.emulator.hubspot.pipelines import Owner, Pipeline, default_pipelines, pipeline_properties
from syncd.emulator.hubspot.schema import Group, Property, standard_groups, standard_properties
from syncd.emulator.hubspot.types import ObjectType, Types
from syncd.emulator.hubspot.values import Wrong, accepted, as_text, problem_of, wire_time
from syncd.emulator.log import Actor, Journal
from syncd.emulator.table import Row, Table

ARCHIVED = "__archived_at"  # the column that marks an archived record; no property can have this name
APP_ID = "8675309"
Values = dict[str, str | None]


class Portal:
    """A HubSpot account held in memory."""

    def __init__(self, clock: Clock, journal: Journal, seed: int = 0, portal_id: int = 0) -> None:
        self.clock, self.journal, self.seed = clock, journal, seed
        self.id = portal_id or 140_000_000 + seed
        self.account: dict[str, Any] = {"portalId": self.id, "accountType": "STANDARD", "timeZone": "UTC",
                                        "companyCurrency": "USD", "additionalCurrencies": [], "utcOffset": "+00:00",
                                        "utcOffsetMilliseconds": 0, "uiDomain": "app.hubspot.com",
                                        "dataHostingLocation": "na1"}  # fmt: skip
        self.types = Types(self.id)
        self.tables: dict[str, Table] = {}
        self.properties: dict[str, dict[str, Property]] = {}
        self.groups: dict[str, dict[str, Group]] = {}
        self.pipelines: dict[str, dict[str, Pipeline]] = default_pipelines()
        self.owners: dict[str, Owner] = {}
        self.links = Links(self.types)
        self.history = History()
        self._next_id = 30_000_000_000 + seed
        for kind in self.types.all.values():
            self.prepare(kind)

    def prepare(self, kind: ObjectType) -> None:
        """Give a type its table and properties, once."""
        if kind.name not in self.tables:
            self.tables[kind.name] = Table("hs_object_id")
            self.properties[kind.name] = standard_properties(kind)
            self.groups[kind.name] = standard_groups(kind)

    # --- reading

    def find(self, kind: ObjectType, id_: str, by: str | None = None, archived: bool = False) -> Row:
        """A record by id or by a unique property; raises Missing."""
        table = self.tables[kind.name]
        if by is None or by == "hs_object_id":
            row = table.rows.get(id_)
        else:
            live = (one for one in table.with_value(by, id_) if not table.get(one, ARCHIVED))
            row = next(live, None)
        if row is None or bool(table.get(row, ARCHIVED)) != archived:
            raise Missing(id_)
        return row

    def in_order(self, kind: ObjectType, archived: bool, after: int = 0) -> Iterator[Row]:
        """All live or all archived records above an id, in order of id."""
        table = self.tables[kind.name]
        slot = table.slots.get(ARCHIVED)
        ids = table.sorted_ids(int)
        for at in range(_first_above(ids, after), len(ids)):
            row = table.rows[ids[at]]
            if bool(slot is not None and row[slot]) == archived:
                yield row

    def get(self, kind: ObjectType, row: Row, name: str) -> Any:
        """One stored value."""
        return self.tables[kind.name].get(row, name)

    # --- writing

    def checked(self, kind: ObjectType, given: Mapping[str, Any], current: Row | None) -> Values:
        """The texts to store; raises Invalid with every problem found."""
        problems: list[Mapping[str, object]] = []
        values: Values = {}
        for name, raw in given.items():
            prop = self.properties[kind.name].get(name)
            if prop is None:
                problems.append(problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
            elif prop.read_only:
                problems.append(
                    problem(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
                )
            else:
                self._take(prop, as_text(raw), values, problems)
        problems += self._stage_problems(kind, values, current)
        if problems:
            raise Invalid(problems)
        return values

    def _take(self, prop: Property, text: str | None, values: Values, problems: list[Mapping[str, object]]) -> None:
        try:
            values[prop.name] = None if text is None else accepted(prop, text)
        except Wrong as wrong:
            problems.append(problem_of(prop, wrong))
        owner = self.owners.get(text or "")
        if prop.name == "hubspot_owner_id" and text is not None and (owner is None or owner.archived):
            problems.append(
                problem(prop.name, "INVALID_OWNER_ID", f"The owner {text} does not exist or is deactivated.")
            )

    def _stage_problems(self, kind: ObjectType, values: Values, current: Row | None) -> Iterator[Mapping[str, object]]:
        known = self.pipelines.get(kind.name)
        pipeline_name, stage_name = pipeline_properties(kind.name)
        touched = [name for name in (pipeline_name, stage_name) if values.get(name) is not None]
        if not known or not touched:
            return
        old = {name: None if current is None else self.get(kind, current, name) for name in (pipeline_name, stage_name)}
        pipeline = values.get(pipeline_name) or old[pipeline_name] or next(iter(known))
        stage = values.get(stage_name) or old[stage_name]
        if pipeline not in known:
            message = f"{pipeline} was not one of the allowed options: [{', '.join(known)}]"
            yield problem(pipeline_name, "INVALID_OPTION", message)
        elif stage is not None and stage not in known[pipeline].stages:
            message = f"{stage} was not one of the allowed options: [{', '.join(known[pipeline].stages)}]"
            yield problem(stage_name, "INVALID_OPTION", message)

    def check_unique(self, kind: ObjectType, values: Values, own_id: str | None) -> None:
        """Raises Conflict if another record holds one of the unique values."""
        for name, value in values.items():
            if value is None or not self.properties[kind.name][name].unique:
                continue
            table = self.tables[kind.name]
            for row in table.with_value(name, value):
                if row[0] != own_id and not table.get(row, ARCHIVED):
                    raise Conflict(kind.singular, row[0])

    def create(self, kind: ObjectType, given: Mapping[str, Any], actor: Actor) -> Row:
        """Add a record; raises Invalid or Conflict."""
        values = self._with_pipeline(
            kind, {name: value for name, value in self.checked(kind, given, None).items() if value}
        )
        self.check_unique(kind, values, None)
        values |= self.implied(kind, values)
        now = wire_time(self.clock.now())
        id_ = self.new_id(kind)
        row = self.tables[kind.name].insert(id_, {**values, kind.created: now, kind.modified: now})
        for name, value in values.items():
            self.history.note(kind.name, id_, name, self._entry(value, now, actor), None)
        differences = {name: (None, value) for name, value in values.items()}
        self.journal.changed(self.clock.now(), ("hubspot", kind.name, id_), differences, actor)
        return row

    def change(self, kind: ObjectType, row: Row, given: Mapping[str, Any], actor: Actor) -> None:
        """Update a record; raises Invalid or Conflict."""
        table = self.tables[kind.name]
        values = self.checked(kind, given, row)
        effective = {name: value for name, value in values.items() if table.get(row, name) != value}
        if not effective:
            self.journal.unchanged(self.clock.now(), ("hubspot", kind.name, row[0]), actor)
            return
        self.check_unique(kind, effective, row[0])
        implied = self.implied(kind, {**table.as_dict(row), **effective})
        effective |= {name: value for name, value in implied.items() if table.get(row, name) != value}
        self._write(kind, row, effective, actor)

    def _write(self, kind: ObjectType, row: Row, effective: Values, actor: Actor) -> None:
        table, now = self.tables[kind.name], self.clock.now()
        stamp, origin = wire_time(now), str(table.get(row, kind.created))
        differences = {name: (table.get(row, name), value) for name, value in effective.items()}
        for name, (before, after) in differences.items():
            first = Entry(before, origin, "IMPORT", "", None)
            self.history.note(kind.name, row[0], name, self._entry(after, stamp, actor), first)
        table.update(row, {**effective, kind.modified: stamp})
        self.journal.changed(now, ("hubspot", kind.name, row[0]), differences, actor)

    def remove(self, kind: ObjectType, row: Row, actor: Actor) -> None:
        """Archive a record; its associations go with it."""
        now = self.clock.now()
        self.tables[kind.name].update(row, {ARCHIVED: wire_time(now)})
        self.links.forget(kind, row[0])
        self.journal.changed(now, ("hubspot", kind.name, row[0]), {"archived": ("false", "true")}, actor)

    def associate(
        self, kind: ObjectType, id_: str, target: ObjectType, to: str, type_ids: Iterable[int], actor: Actor
    ) -> None:
        """Associate two records that exist; raises Missing. The record's modification stamp stays as it is."""
        self.find(kind, id_)
        self.find(target, to)
        record = ("hubspot", kind.name, id_)
        if self.links.add(kind, id_, target, to, type_ids):
            self.journal.changed(self.clock.now(), record, {f"associations.{target.name}": (None, to)}, actor)
        else:
            self.journal.unchanged(self.clock.now(), record, actor)

    def part(self, kind: ObjectType, id_: str, target: ObjectType, to: str, actor: Actor) -> None:
        """Remove an association if there is one."""
        if self.links.remove(kind, id_, target, to):
            record = ("hubspot", kind.name, id_)
            self.journal.changed(self.clock.now(), record, {f"associations.{target.name}": (to, None)}, actor)

    def new_id(self, kind: ObjectType) -> str:
        """The next record id; one sequence for all types."""
        self._next_id += 7
        return str(self._next_id)

    def reserve(self, highest: int) -> None:
        """Mint only ids above this one."""
        self._next_id = max(self._next_id, highest)

    # --- what follows from other properties

    def _with_pipeline(self, kind: ObjectType, values: Values) -> Values:
        pipeline_name, stage_name = pipeline_properties(kind.name)
        known = self.pipelines.get(kind.name)
        if known and values.get(stage_name) and not values.get(pipeline_name):
            values[pipeline_name] = next(iter(known))
        return values

    def implied(self, kind: ObjectType, record: Mapping[str, Any]) -> Values:
        """What a deal's stage says about the deal."""
        if kind.name != "deals":
            return {}
        pipeline = self.pipelines.get("deals", {}).get(record.get("pipeline") or "")
        stage = None if pipeline is None else pipeline.stages.get(record.get("dealstage") or "")
        if stage is None:
            return {}
        won = stage.closed and float(stage.probability or 0) == 1.0
        return {"hs_is_closed": as_text(stage.closed), "hs_is_closed_won": as_text(won),
                "hs_deal_stage_probability": stage.probability}  # fmt: skip

    def _entry(self, value: str | None, stamp: str, actor: Actor) -> Entry:
        if actor.is_api:
            return Entry(value, stamp, "INTEGRATION", APP_ID, None)
        user = int(actor.id) if actor.id.isdigit() else None
        return Entry(value, stamp, "CRM_UI", f"userId:{actor.id}", user)

    # --- the god view

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Every record with every property, archived ones included (`archived`: bool)."""
        kind = self._known(name)
        table = self.tables[kind.name]
        found = [table.as_dict(row, self.properties[kind.name]) for row in table]
        return [one | {"archived": bool(one.pop(ARCHIVED, None))} for one in found]

    def edit(self, name: str, id_: str, values: Mapping[str, Any], user: str | None = None) -> None:
        """Change a record as a person would."""
        kind = self._known(name)
        with _as_refusal():
            self.change(kind, self.find(kind, id_), values, self.person(user))

    def insert(
        self, name: str, values: Mapping[str, Any], user: str | None = None,
        associations: Mapping[str, Iterable[str]] | None = None,
    ) -> str:  # fmt: skip
        """Add a record as a person would; returns its id."""
        kind, actor = self._known(name), self.person(user)
        with _as_refusal():
            id_ = str(self.create(kind, values, actor)[0])
            for target, ids in (associations or {}).items():
                for to in ids:
                    self.associate(kind, id_, self._known(target), to, (), actor)
        return id_

    def archive(self, name: str, id_: str, user: str | None = None) -> None:
        """Archive a record as a person would."""
        kind = self._known(name)
        with _as_refusal():
            self.remove(kind, self.find(kind, id_), self.person(user))

    def history_of(self, name: str, id_: str, field: str) -> list[dict[str, Any]]:
        """The values that a property had, newest first."""
        kind = self._known(name)
        row = self.tables[kind.name].rows[id_]
        created = str(self.get(kind, row, kind.created))
        return [one.shown() for one in self.history.of(kind.name, id_, field, self.get(kind, row, field), created)]

    def associated(self, name: str, id_: str, target: str) -> list[str]:
        """Ids of the records that one is associated with."""
        return [link.to for link in self.links.of(self._known(name), id_, self._known(target))]

    def person(self, user: str | None) -> Actor:
        """An owner by id, user id or email; without one, the first active owner."""
        for owner in self.owners.values():
            if user in (owner.id, owner.user_id, owner.email) if user else not owner.archived:
                return Actor(owner.email, owner.user_id or owner.id)
        raise EmulatorRefusal("OBJECT_NOT_FOUND", f"no owner {user!r}")

    def _known(self, name: str) -> ObjectType:
        kind = self.types.find(name)
        if kind is None:
            raise EmulatorRefusal("INVALID_TYPE", f"no object type {name!r}; known: {', '.join(self.types.all)}")
        return kind


def _first_above(ids: list[str], after: int) -> int:
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if int(ids[middle]) <= after else (low, middle)
    return low


@contextmanager
def _as_refusal() -> Iterator[None]:
    try:
        yield
    except Invalid as error:
        raise EmulatorRefusal("VALIDATION_ERROR", error.message) from error
    except Conflict as error:
        raise EmulatorRefusal("CONFLICT", error.message) from error
    except Missing as error:
        raise EmulatorRefusal("OBJECT_NOT_FOUND", f"no record {error.id}") from error
