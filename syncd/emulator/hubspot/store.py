"""The records of one portal: reading, and writing that is checked, stamped, remembered and told to who listens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from syncd.emulator.clock import Clock
from syncd.emulator.hubspot import derive, removal
from syncd.emulator.hubspot.authors import HUBSPOT, Author, workflow
from syncd.emulator.hubspot.board import Board
from syncd.emulator.hubspot.checks import check_unique, checked
from syncd.emulator.hubspot.currencies import Currencies
from syncd.emulator.hubspot.custom import Customs
from syncd.emulator.hubspot.definitions import Definitions
from syncd.emulator.hubspot.errors import Missing, Rejected
from syncd.emulator.hubspot.history import Entry, History
from syncd.emulator.hubspot.hooks import Hooks
from syncd.emulator.hubspot.lag import Index
from syncd.emulator.hubspot.limits import Limiter
from syncd.emulator.hubspot.links import Links, outer_id
from syncd.emulator.hubspot.outages import Outages
from syncd.emulator.hubspot.pipelines import Owner, Pipeline, default_pipelines, pipeline_properties
from syncd.emulator.hubspot.rules import Rules
from syncd.emulator.hubspot.schema import Group, Property, standard_groups, standard_properties
from syncd.emulator.hubspot.types import ObjectType, Types
from syncd.emulator.hubspot.values import wire_time
from syncd.emulator.hubspot.workflows import Workflows
from syncd.emulator.log import Journal
from syncd.emulator.table import Row, Table
from syncd.emulator.variants import Variants

ARCHIVED = "__archived_at"  # the column that marks an archived record; no property can have this name
Values = dict[str, str | None]


class Portal:
    """A HubSpot account held in memory."""

    def __init__(
        self, clock: Clock, journal: Journal, seed: int = 0, portal_id: int = 0, variants: Variants | None = None
    ) -> None:
        self.clock, self.journal, self.seed, self.variants = clock, journal, seed, variants or Variants()
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
        self.links, self.history, self.aliases = Links(self.types), History(), dict[str, dict[str, str]]()
        self.currencies, self.rules, self.workflows = Currencies(self.account), Rules(), Workflows()
        self.index, self.outages = Index(clock), Outages(clock)
        self.hooks = Hooks(clock, self.id, seed)
        self.limiter = Limiter(clock, lambda: str(self.account["timeZone"]))
        self.board, self.customs, self.grave = Board(self), Customs(), removal.Grave()
        self.definitions = Definitions(self)
        self._next_id = 30_000_000_000 + seed
        for kind in self.types.all.values():
            self.prepare(kind)

    def prepare(self, kind: ObjectType) -> None:
        """Give a type its table and properties, once."""
        if kind.name not in self.tables:
            self.tables[kind.name] = Table("hs_object_id")
            self.properties[kind.name] = standard_properties(kind)
            self.groups[kind.name] = standard_groups(kind)

    def settle(self) -> None:
        """Let happen what is due by now: archived records run out, workflows write."""
        removal.run_out(self, self.clock.now())
        for one in self.workflows.due(self.clock.now()):
            kind = self.types.find(one.workflow.kind)
            row = None if kind is None else self.tables[kind.name].rows.get(self.survivor(kind, one.id))
            if kind is not None and row is not None and not self.is_archived(kind, row):
                with suppress(Rejected):  # a workflow that sets what is not allowed does nothing
                    self.change(kind, row, one.workflow.values, workflow(one.workflow.number), one.due)

    # --- reading

    def find(
        self, kind: ObjectType, id_: str, by: str | None = None, archived: bool = False, exact: bool = False
    ) -> Row:
        """A record by id or by a unique property; raises Missing.

        The id may be that of a record that was merged into it, unless it is to be `exact`.
        """
        table = self.tables[kind.name]
        if by is None or by == "hs_object_id":
            row = table.rows.get(id_ if exact else self.survivor(kind, id_))
        else:
            live = (one for one in table.with_value(by, id_) if not table.get(one, ARCHIVED))
            row = next(live, None)
        if row is None or bool(table.get(row, ARCHIVED)) != archived:
            raise Missing(id_)
        return row

    def survivor(self, kind: ObjectType, id_: str) -> str:
        """The id that a record has since it was merged, by any number of merges."""
        aliases = self.aliases.get(kind.name, {})
        while id_ in aliases:
            id_ = aliases[id_]
        return id_

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

    def is_archived(self, kind: ObjectType, row: Row) -> bool:
        """Whether a record is archived."""
        return bool(self.tables[kind.name].get(row, ARCHIVED))

    def entries(self, kind: ObjectType, row: Row, name: str) -> list[Entry]:
        """The history of a property, newest first."""
        created = str(self.get(kind, row, kind.created))
        return self.history.of(kind.name, row[0], name, self.get(kind, row, name), created)

    # --- writing

    def prospect(self, kind: ObjectType, given: Mapping[str, Any], row: Row | None, author: Author) -> Values:
        """The texts that a write would store; raises Rejected if it would be refused."""
        values = checked(self, kind, given, row)
        if row is None:
            values = self._with_pipeline(kind, {name: value for name, value in values.items() if value})
            self.customs.check_required(kind, values)
        check_unique(self, kind, values, None if row is None else row[0])
        if self.rules.apply_to(author):
            before = None if row is None else self.tables[kind.name].as_dict(row)
            self.rules.check_write(kind, values, before, self.variants)
        return values

    def create(self, kind: ObjectType, given: Mapping[str, Any], author: Author) -> Row:
        """Add a record; raises Rejected."""
        values = self.prospect(kind, given, None, author)
        values |= derive.implied(self, kind, values)
        moment = self.clock.now()
        now, id_ = wire_time(moment), self.new_id(kind)
        self.index.note(kind.name, id_, None)
        noted = derive.stamps(self, kind, values, author, now, new=True)
        row = self.tables[kind.name].insert(id_, {**values, **noted, kind.created: now, kind.modified: now})
        self.hooks.note(kind, "creation", id_, author, moment)
        self._remember(kind, row, {name: (None, value) for name, value in values.items()}, author, moment)
        return row

    def change(
        self, kind: ObjectType, row: Row, given: Mapping[str, Any], author: Author, at: datetime | None = None
    ) -> None:
        """Update a record; raises Rejected."""
        table = self.tables[kind.name]
        values = self.prospect(kind, given, row, author)
        effective = {name: value for name, value in values.items() if table.get(row, name) != value}
        if not effective:
            if author.source in ("INTEGRATION", "CRM_UI"):
                self.journal.unchanged(self.clock.now(), ("hubspot", kind.name, row[0]), author)
            return
        implied = derive.implied(self, kind, {**table.as_dict(row), **effective})
        effective |= {name: value for name, value in implied.items() if table.get(row, name) != value}
        self._write(kind, row, effective, author, at or self.clock.now())

    def derive_again(self, kind: ObjectType, name: str, value: str) -> int:
        """Compute again what follows from others, where a property has a value; returns how many records changed."""
        changed = 0
        table = self.tables[kind.name]
        for row in table.with_value(name, value):
            implied = derive.implied(self, kind, table.as_dict(row))
            effective = {key: text for key, text in implied.items() if table.get(row, key) != text}
            if effective and not self.is_archived(kind, row):
                self._write(kind, row, effective, HUBSPOT, self.clock.now())
                changed += 1
        return changed

    def touch(self, kind: ObjectType, row: Row) -> None:
        """Move the modification stamp and nothing else, as when a value that nobody asks for is computed again."""
        self.index.note(kind.name, row[0], row)
        self.tables[kind.name].update(row, {kind.modified: wire_time(self.clock.now())})

    def _write(self, kind: ObjectType, row: Row, effective: Values, author: Author, at: datetime) -> None:
        table, stamp = self.tables[kind.name], wire_time(at)
        self.index.note(kind.name, row[0], row)
        differences = {name: (table.get(row, name), value) for name, value in effective.items()}
        noted = derive.stamps(self, kind, effective, author, stamp, new=False)
        origin = str(table.get(row, kind.created))
        first = {name: Entry(before, origin, "IMPORT", "", None) for name, (before, _) in differences.items()}
        table.update(row, {**effective, **noted, kind.modified: stamp})
        self._remember(kind, row, differences, author, at, first)

    def _remember(
        self, kind: ObjectType, row: Row, differences: Mapping[str, tuple[str | None, str | None]], author: Author,
        at: datetime, first: Mapping[str, Entry] | None = None,
    ) -> None:  # fmt: skip
        """History, webhooks, the log of changes, workflows."""
        for name, (_, after) in differences.items():
            self.history.note(kind.name, row[0], name, author.entry(after, wire_time(at)), (first or {}).get(name))
            self.hooks.note(kind, "propertyChange", row[0], author, at, propertyName=name, propertyValue=after or "")
        self.journal.changed(at, ("hubspot", kind.name, row[0]), dict(differences), author)
        if len(self.workflows):
            record = self.tables[kind.name].as_dict(row)
            self.workflows.written(kind.name, row[0], differences, record, author, at)

    # --- associations

    def associate(
        self, kind: ObjectType, id_: str, target: ObjectType, to: str, type_ids: Iterable[int], author: Author
    ) -> None:
        """Associate two records that exist; raises Missing, or Rejected by a rule."""
        id_, to = self.find(kind, id_)[0], self.find(target, to)[0]
        self.rules.check_link(kind, target, author)
        if self.links.add(kind, id_, target, to, type_ids):
            self.linked(kind, id_, target, to, author, parted=False)
        else:
            self.journal.unchanged(self.clock.now(), ("hubspot", kind.name, id_), author)

    def part(self, kind: ObjectType, id_: str, target: ObjectType, to: str, author: Author) -> None:
        """Remove an association if there is one; raises Rejected by a rule."""
        self.rules.check_link(kind, target, author)
        if self.links.remove(kind, id_, target, to):
            self.linked(kind, id_, target, to, author, parted=True)

    def linked(self, kind: ObjectType, id_: str, target: ObjectType, to: str, author: Author, parted: bool) -> None:
        """Tell of an association that came or went; whether it moves stamps is not proved."""
        now = self.clock.now()
        pair = (to, None) if parted else (None, to)
        self.journal.changed(now, ("hubspot", kind.name, id_), {f"associations.{target.name}": pair}, author)
        for here, own, there, other in ((kind, id_, target, to), (target, to, kind, id_)):
            derive.count_again(self, here, own, there)
            category, type_id = outer_id(self.links.type_ids(here, there)[0])
            self.hooks.note(here, "associationChange", own, author, now, fromObjectId=int(own), toObjectId=int(other),
                            associationType=f"{here.internal}_TO_{there.internal}", associationRemoved=parted,
                            isPrimaryAssociation=False, associationCategory=category,
                            associationTypeId=type_id, fromObjectTypeId=here.id, toObjectTypeId=there.id)  # fmt: skip
        bumped = {"none": (), "from": ((kind, id_),), "both": ((kind, id_), (target, to))}
        for which, own in bumped[self.variants.hubspot_association_bump]:
            if (row := self.tables[which.name].rows.get(own)) is not None:
                self.touch(which, row)

    # --- ids

    def new_id(self, kind: ObjectType) -> str:
        """The next record id; one sequence for all types."""
        self._next_id += 7
        return str(self._next_id)

    def reserve(self, highest: int) -> None:
        """Mint only ids above this one."""
        self._next_id = max(self._next_id, highest)

    def _with_pipeline(self, kind: ObjectType, values: Values) -> Values:
        pipeline_name, stage_name = pipeline_properties(kind.name)
        known = self.pipelines.get(kind.name)
        if known and values.get(stage_name) and not values.get(pipeline_name):
            values[pipeline_name] = next(iter(known))
        return values


def _first_above(ids: list[str], after: int) -> int:
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if int(ids[middle]) <= after else (low, middle)
    return low
