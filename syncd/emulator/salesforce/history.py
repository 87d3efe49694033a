"""Field history: what tracked fields held before and after, by whom and when; and the stages of opportunities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from syncd.emulator.salesforce.schema import Field
from syncd.emulator.salesforce.values import wire_time

if TYPE_CHECKING:
    from syncd.emulator.log import Actor
    from syncd.emulator.salesforce.store import Org

_OBJECTS = {"Account": "AccountHistory", "Contact": "ContactHistory", "Lead": "LeadHistory",
            "Opportunity": "OpportunityFieldHistory"}  # fmt: skip
_TRACKED = {
    "Account": {"Name", "OwnerId"}, "Contact": {"AccountId", "OwnerId"}, "Lead": {"Status", "OwnerId"},
    "Opportunity": {"StageName", "Amount", "CloseDate", "OwnerId", "AccountId"},
}  # fmt: skip
_STAGED = ("StageName", "Amount", "CloseDate", "Probability", "ForecastCategory")
_DATA_TYPES = {"boolean": "Boolean", "currency": "Currency", "date": "DateOnly", "datetime": "DateTime",
               "double": "Double", "int": "Double", "percent": "Percent", "picklist": "DynamicEnum"}  # fmt: skip

Differences = Mapping[str, tuple[Any, Any]]


class History:
    """Which fields are tracked, and the rows that follow from it."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.tracked = {name: set(fields) for name, fields in _TRACKED.items()}

    def track(self, name: str, fields: Iterable[str]) -> None:
        """Track these fields of an object and no others."""
        self.tracked[name] = set(fields)
        self._org.declare(history_of(name))

    def note(self, name: str, id_: str, differences: Differences, actor: Actor, created: bool) -> None:
        """Keep what a write changed."""
        if name == "Opportunity" and (created or any(field in differences for field in _STAGED)):
            self._stage(id_, actor)
        tracked = self.tracked.get(name)
        if not tracked or history_of(name) not in self._org.objects:
            return
        if created:
            self._add(name, id_, actor, {"Field": "created", "DataType": "Text"})
            return
        for field in self._org.objects[name].fields.values():
            if field.name in tracked and field.name in differences:
                self._changed(name, id_, actor, field, *differences[field.name])

    def _changed(self, name: str, id_: str, actor: Actor, field: Field, before: Any, after: Any) -> None:
        shown = field.relationship if field.relationship and not field.custom else field.name
        kind = _DATA_TYPES.get(field.type, "Text")
        if field.type == "reference":  # kept twice: as names for people and as ids
            names = self._name(before), self._name(after)
            self._add(name, id_, actor, {"Field": shown, "DataType": "Text", **_values(*names)})
            kind = "EntityId"
        self._add(name, id_, actor, {"Field": shown, "DataType": kind, **_values(before, after)})

    def _add(self, name: str, id_: str, actor: Actor, values: dict[str, Any]) -> None:
        history = self._org.objects[history_of(name)]
        link = next(field.name for field in history.fields.values() if name in field.refers)
        now = wire_time(self._org.clock.now())
        stamps = {"IsDeleted": False, "CreatedById": actor.id, "CreatedDate": now}
        self._org.keep_row(history.name, {link: id_, **stamps, **values})

    def _name(self, id_: str | None) -> str | None:
        sobject = None if id_ is None else self._org.object_of_id(id_)
        row = None if sobject is None or id_ is None else self._org.tables[sobject.name].rows.get(id_)
        return None if sobject is None or row is None else self._org.value(sobject.name, row, "Name")

    def _stage(self, id_: str, actor: Actor) -> None:
        table, now = self._org.tables["Opportunity"], wire_time(self._org.clock.now())
        row = table.rows[id_]
        values = {name: table.get(row, name) for name in _STAGED}
        stamps = {"IsDeleted": False, "CreatedById": actor.id, "CreatedDate": now, "SystemModstamp": now}
        self._org.keep_row("OpportunityHistory", {"OpportunityId": id_, **values, **stamps})


def history_of(name: str) -> str:
    """The object that keeps an object's field history."""
    return _OBJECTS.get(name, name.removesuffix("c") + "History" if name.endswith("__c") else f"{name}History")


def _values(before: Any, after: Any) -> dict[str, Any]:
    return {"OldValue": before, "NewValue": after}
