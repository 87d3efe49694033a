"""Definitions of properties and their groups: making, changing, archiving, and the room there is for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syncd.emulator.hubspot.errors import Rejected
from syncd.emulator.hubspot.pipelines import pipeline_properties
from syncd.emulator.hubspot.schema import FIELD_TYPES, Group, Property
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import wire_time

if TYPE_CHECKING:
    from syncd.emulator.hubspot.store import Portal

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_REQUIRED = ("name", "label", "type", "fieldType", "groupName")
# Which ways of entering fit a type; the v3 endpoints have checked that since 2021.
_FITTING = {
    "string": {"text", "textarea", "html", "file", "phonenumber"}, "number": {"number"}, "date": {"date"},
    "datetime": {"date"}, "enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
    "bool": {"booleancheckbox"}, "phone_number": {"phonenumber", "text"},
}  # fmt: skip
MOST_UNIQUE, MOST_CUSTOM = 10, 1_000
Body = Mapping[str, Any]


class NoSuch(Exception):
    """A property or group that is not there."""


class Taken(Exception):
    """A name that a property or group has already."""


class Definitions:
    """The property definitions of one portal; `unique` and `custom` say how many a type may have."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self.unique, self.custom = MOST_UNIQUE, MOST_CUSTOM

    def one(self, kind: ObjectType, name: str, archived: bool = False) -> Property:
        """A property; raises NoSuch."""
        found = self._portal.properties[kind.name].get(name)
        if found is None or bool(found.archived) != archived:
            raise NoSuch(name)
        return found

    def every(self, kind: ObjectType, archived: bool = False) -> list[Property]:
        """All live or all archived properties of a type."""
        return [one for one in self._portal.properties[kind.name].values() if bool(one.archived) == archived]

    def made(self, kind: ObjectType, body: Body) -> Property:
        """What a body defines, not added yet; raises Rejected and Taken."""
        absent = [name for name in _REQUIRED if not body.get(name)]
        if absent:
            raise Rejected(f"Invalid input JSON: Some required fields were not set: [{', '.join(absent)}]")
        name, now = str(body["name"]), wire_time(self._portal.clock.now())
        if not _NAME.fullmatch(name):
            raise Rejected(f"Invalid property name {name}: lower-case letters, digits and underscores only")
        known = self._portal.properties[kind.name].get(name)
        if known is not None and not known.archived:
            raise Taken(f"A property named '{name}' already exists.")
        self._check_type(body["type"], body["fieldType"], body)
        self._check_group(kind, body["groupName"])
        return Property(
            name, body["type"], body["label"], body["fieldType"], body["groupName"], body.get("description", ""),
            options_of(body), bool(body.get("hasUniqueValue")), standard=False, created=now, updated=now,
            references=str(body.get("referencedObjectType") or ""), hidden=bool(body.get("hidden")),
            order=int(body.get("displayOrder", -1)),
        )  # fmt: skip

    def add(self, kind: ObjectType, properties: list[Property]) -> None:
        """Add what `made` made, all or none; raises Rejected if there is no room."""
        own = [one for one in self._portal.properties[kind.name].values() if not one.standard and not one.archived]
        unique = sum(one.unique for one in (*own, *properties))
        if len(own) + len(properties) > self.custom:
            raise Rejected(f"The limit of {self.custom} custom properties for {kind.id} is reached")
        if unique > self.unique:
            raise Rejected(f"The limit of {self.unique} properties with unique values for {kind.id} is reached")
        for one in properties:
            self._portal.properties[kind.name][one.name] = one

    def change(self, kind: ObjectType, name: str, body: Body) -> Property:
        """Label, description, group, type, way of entering, options; whether values are unique stays as it is."""
        prop = self.one(kind, name)
        if prop.standard and ("type" in body or "fieldType" in body):
            raise Rejected(f"Property {name} is defined by HubSpot; its type cannot be changed")
        if "type" in body or "fieldType" in body:
            self._check_type(body.get("type", prop.type), body.get("fieldType", prop.field_type), body)
        if "groupName" in body:
            self._check_group(kind, body["groupName"])
        prop.label, prop.description = body.get("label", prop.label), body.get("description", prop.description)
        prop.group, prop.field_type = body.get("groupName", prop.group), body.get("fieldType", prop.field_type)
        prop.type, prop.hidden = body.get("type", prop.type), bool(body.get("hidden", prop.hidden))
        prop.order, prop.updated = int(body.get("displayOrder", prop.order)), wire_time(self._portal.clock.now())
        if "options" in body:
            prop.options = options_of(body)
        return prop

    def archive(self, kind: ObjectType, name: str) -> None:
        """Archive a property that is not HubSpot's own; raises NoSuch and Rejected."""
        prop = self.one(kind, name)
        if prop.standard:
            raise Rejected(f"Property {name} is defined by HubSpot and cannot be archived")
        prop.archived = wire_time(self._portal.clock.now())

    def restore(self, kind: ObjectType, name: str) -> None:
        """Bring an archived property back, as a person does; raises NoSuch."""
        self.one(kind, name, archived=True).archived = None

    # --- groups

    def group(self, kind: ObjectType, name: str) -> Group:
        """A group; raises NoSuch."""
        groups = self._portal.groups[kind.name]
        if name not in groups:
            raise NoSuch(name)
        return groups[name]

    def add_group(self, kind: ObjectType, body: Body) -> Group:
        """A new group; raises Rejected and Taken."""
        if not body.get("name") or not body.get("label"):
            raise Rejected("Invalid input JSON: Some required fields were not set: [name, label]")
        groups = self._portal.groups[kind.name]
        if body["name"] in groups:
            raise Taken(f"Property group {body['name']} already exists")
        made = Group(str(body["name"]), str(body["label"]), int(body.get("displayOrder", -1)))
        groups[made.name] = made
        return made

    def remove_group(self, kind: ObjectType, name: str) -> None:
        """Remove a group that no property is in; raises NoSuch and Rejected."""
        self.group(kind, name)
        if any(one.group == name for one in self.every(kind)):
            raise Rejected(f"Property group {name} still has properties")
        del self._portal.groups[kind.name][name]

    # --- parts

    def _check_type(self, type_: str, field_type: str, body: Body) -> None:
        if type_ not in FIELD_TYPES and type_ not in ("json", "object_coordinates"):
            raise Rejected(f"Invalid property type {type_}")
        if field_type == "calculation_equation":
            raise Rejected("This emulator does not evaluate formulas; define a plain property instead")
        if field_type not in _FITTING.get(type_, {field_type}):
            raise Rejected(f"Invalid fieldType {field_type} for a property of type {type_}")
        if body.get("hasUniqueValue") and type_ not in ("string", "number"):
            raise Rejected(f"Values of a property of type {type_} cannot be unique")

    def _check_group(self, kind: ObjectType, name: str) -> None:
        if name not in self._portal.groups[kind.name]:
            raise Rejected(f"Property group {name} does not exist")

    def options(self, kind: ObjectType, prop: Property) -> list[tuple[str, str]]:
        """Labels and values that can be chosen now: stages and currencies come from where they are kept."""
        pipelines, stages = pipeline_properties(kind.name)
        known = self._portal.pipelines.get(kind.name, {})
        if prop.name == pipelines and known:
            return [(one.label, one.id) for one in known.values()]
        if prop.name == stages and known:
            return [(stage.label, stage.id) for one in known.values() for stage in one.stages.values()]
        if prop.name == "deal_currency_code":
            return [(code, code) for code in self._portal.currencies.codes]
        return list(prop.options)


def options_of(body: Body) -> tuple[tuple[str, str], ...]:
    """The options that a body lists."""
    return tuple(
        (str(one.get("label", one.get("value", ""))), str(one.get("value", ""))) for one in body.get("options") or []
    )
