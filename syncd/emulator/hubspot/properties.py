"""Property definitions: list, one, create, update, archive, groups and batches."""

from __future__ import annotations

import re
from typing import Any

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot.context import Context
from syncd.emulator.hubspot.errors import refused
from syncd.emulator.hubspot.pipelines import EPOCH, pipeline_properties
from syncd.emulator.hubspot.schema import FIELD_TYPES, Group, Property
from syncd.emulator.hubspot.store import Portal
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import wire_time

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
MOST = 100
Item = dict[str, Any]


class Properties:
    """The resources below /crm/properties/{version}/{type}."""

    def __init__(self, context: Context) -> None:
        self._context, self._portal = context, context.portal

    def every(self, call: Call) -> Reply:
        """GET: all of them; archived ones are gone."""
        kind = self._context.kind(call)
        found = [] if self._context.flag(call, "archived") else list(self._portal.properties[kind.name].values())
        return Reply.json({"results": [shown(self._portal, kind, one) for one in found]}, records=len(found))

    def read(self, call: Call) -> Reply:
        """GET one"""
        kind = self._context.kind(call)
        return Reply.json(shown(self._portal, kind, self._one(call, kind, call.args["name"])))

    def create(self, call: Call) -> Reply:
        """POST"""
        kind = self._context.kind(call)
        return Reply.json(shown(self._portal, kind, self._add(call, kind, call.json)), 201)

    def update(self, call: Call) -> Reply:
        """PATCH: label, description, group, field type, options"""
        kind = self._context.kind(call)
        prop, body = self._one(call, kind, call.args["name"]), call.json
        prop.label, prop.description = body.get("label", prop.label), body.get("description", prop.description)
        prop.group, prop.field_type = body.get("groupName", prop.group), body.get("fieldType", prop.field_type)
        if "options" in body:
            prop.options = _options(body)
        return Reply.json(shown(self._portal, kind, prop))

    def archive(self, call: Call) -> Reply:
        """DELETE: only custom ones"""
        kind = self._context.kind(call)
        self._drop(call, kind, call.args["name"])
        return Reply(204)

    def batch_read(self, call: Call) -> Reply:
        """POST batch/read"""
        kind = self._context.kind(call)
        names = [str(one.get("name", "")) for one in self._inputs(call)]
        known = self._portal.properties[kind.name]
        missing = [name for name in names if name not in known]
        results = [shown(self._portal, kind, known[name]) for name in names if name in known]
        message = f"The following properties do not exist: {', '.join(missing)}"
        errors = [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"name": missing}}]
        return self._answer(results, errors if missing else [], 200)

    def batch_create(self, call: Call) -> Reply:
        """POST batch/create: all or none"""
        kind, inputs = self._context.kind(call), self._inputs(call)
        made = [self._checked(call, kind, one) for one in inputs]
        for one in made:
            self._portal.properties[kind.name][one.name] = one
        return self._answer([shown(self._portal, kind, one) for one in made], [], 201)

    def batch_archive(self, call: Call) -> Reply:
        """POST batch/archive"""
        kind = self._context.kind(call)
        for one in self._inputs(call):
            self._drop(call, kind, str(one.get("name", "")))
        return Reply(204)

    # --- groups

    def groups(self, call: Call) -> Reply:
        """GET groups"""
        found = self._portal.groups[self._context.kind(call).name].values()
        return Reply.json({"results": [_group(one) for one in found]})

    def group(self, call: Call) -> Reply:
        """GET groups/{group}"""
        found = self._portal.groups[self._context.kind(call).name].get(call.args["group"])
        if found is None:
            raise refused(404, f"Property group {call.args['group']} does not exist", "OBJECT_NOT_FOUND", call.id)
        return Reply.json(_group(found))

    def create_group(self, call: Call) -> Reply:
        """POST groups"""
        groups, body = self._portal.groups[self._context.kind(call).name], call.json
        if not body.get("name") or not body.get("label"):
            raise self._context.bad(call, "Invalid input JSON: Some required fields were not set: [name, label]")
        if body["name"] in groups:
            raise refused(409, f"Property group {body['name']} already exists", "OBJECT_ALREADY_EXISTS", call.id)
        group = groups[body["name"]] = Group(body["name"], body["label"], int(body.get("displayOrder", -1)))
        return Reply.json(_group(group), 201)

    # --- parts

    def _one(self, call: Call, kind: ObjectType, name: str) -> Property:
        found = self._portal.properties[kind.name].get(name)
        if found is None:
            raise refused(404, f"Property {name} does not exist", "OBJECT_NOT_FOUND", call.id)
        return found

    def _add(self, call: Call, kind: ObjectType, body: Item) -> Property:
        prop = self._checked(call, kind, body)
        self._portal.properties[kind.name][prop.name] = prop
        return prop

    def _checked(self, call: Call, kind: ObjectType, body: Item) -> Property:
        required = ("name", "label", "type", "fieldType", "groupName")
        absent = [name for name in required if not body.get(name)]
        if absent:
            raise self._context.bad(
                call, f"Invalid input JSON: Some required fields were not set: [{', '.join(absent)}]"
            )
        name = str(body["name"])
        if not _NAME.fullmatch(name):
            raise self._context.bad(
                call, f"Invalid property name {name}: lower-case letters, digits and underscores only"
            )
        if name in self._portal.properties[kind.name]:
            raise refused(409, f"A property named '{name}' already exists.", "OBJECT_ALREADY_EXISTS", call.id)
        if body["type"] not in FIELD_TYPES and body["type"] not in ("json", "object_coordinates"):
            raise self._context.bad(call, f"Invalid property type {body['type']}")
        if body["groupName"] not in self._portal.groups[kind.name]:
            raise self._context.bad(call, f"Property group {body['groupName']} does not exist")
        return Property(
            name, body["type"], body["label"], body["fieldType"], body["groupName"], body.get("description", ""),
            _options(body), bool(body.get("hasUniqueValue")), standard=False,
        )  # fmt: skip

    def _drop(self, call: Call, kind: ObjectType, name: str) -> None:
        if self._one(call, kind, name).standard:
            raise self._context.bad(call, f"Property {name} is defined by HubSpot and cannot be archived")
        del self._portal.properties[kind.name][name]

    def _inputs(self, call: Call) -> list[Item]:
        inputs = call.json.get("inputs")
        if not isinstance(inputs, list) or len(inputs) > MOST or not all(isinstance(one, dict) for one in inputs):
            raise self._context.bad(call, f"inputs: a list of at most {MOST} objects is required")
        return inputs

    def _answer(self, results: list[Item], errors: list[Item], status: int) -> Reply:
        now = wire_time(self._portal.clock.now())
        content: Item = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
        if errors:
            content |= {"numErrors": len(errors), "errors": errors}
        return Reply.json(content, 207 if errors else status)


def _options(body: Item) -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(one.get("label", one.get("value", ""))), str(one.get("value", ""))) for one in body.get("options") or []
    )


def _group(group: Group) -> Item:
    return {"name": group.name, "label": group.label, "displayOrder": group.order, "archived": False}


def shown(portal: Portal, kind: ObjectType, prop: Property) -> Item:
    """One definition in the vendor's shape."""
    options = [
        {"label": label, "value": value, "displayOrder": order, "hidden": False}
        for order, (label, value) in enumerate(_current_options(portal, kind, prop))
    ]
    return {
        "name": prop.name, "label": prop.label, "type": prop.type, "fieldType": prop.field_type,
        "description": prop.description, "groupName": prop.group, "options": options, "displayOrder": -1,
        "calculated": prop.calculated, "externalOptions": prop.name == "hubspot_owner_id",
        "hasUniqueValue": prop.unique, "hidden": False, "hubspotDefined": prop.standard,
        "formField": not prop.read_only, "archived": False, "dataSensitivity": "non_sensitive",
        "createdAt": EPOCH, "updatedAt": EPOCH,
        "modificationMetadata": {"archivable": not prop.standard, "readOnlyDefinition": prop.standard,
                                 "readOnlyOptions": prop.standard, "readOnlyValue": prop.read_only},
    }  # fmt: skip


def _current_options(portal: Portal, kind: ObjectType, prop: Property) -> list[tuple[str, str]]:
    pipelines = portal.pipelines.get(kind.name, {})
    pipeline_name, stage_name = pipeline_properties(kind.name)
    if prop.name == pipeline_name and pipelines:
        return [(one.label, one.id) for one in pipelines.values()]
    if prop.name == stage_name and pipelines:
        return [(stage.label, stage.id) for one in pipelines.values() for stage in one.stages.values()]
    return list(prop.options)
