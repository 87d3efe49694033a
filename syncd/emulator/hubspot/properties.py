"""Property definitions over HTTP: list, one, create, update, archive, groups and batches."""

from __future__ import annotations

from collections.abc import Callable

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot.context import Context, Item
from syncd.emulator.hubspot.definitions import NoSuch, Taken
from syncd.emulator.hubspot.errors import Rejected, refused, rejection
from syncd.emulator.hubspot.schema import Group, Property
from syncd.emulator.hubspot.store import Portal
from syncd.emulator.hubspot.types import ObjectType

MOST = 100


class Properties:
    """The resources below /crm/properties/{version}/{type}."""

    def __init__(self, context: Context) -> None:
        self._context, self._portal = context, context.portal
        self._all = context.portal.definitions

    def every(self, call: Call) -> Reply:
        """GET: all live ones, or the archived ones"""
        kind = self._context.kind(call)
        found = self._all.every(kind, self._context.flag(call, "archived"))
        return Reply.json({"results": [shown(self._portal, kind, one) for one in found]}, records=len(found))

    def read(self, call: Call) -> Reply:
        """GET one"""
        kind, archived = self._context.kind(call), self._context.flag(call, "archived")
        return self._told(call, lambda: self._one(kind, self._all.one(kind, call.args["name"], archived)))

    def create(self, call: Call) -> Reply:
        """POST"""
        kind = self._context.kind(call)

        def answer() -> Reply:
            made = self._all.made(kind, call.json)
            self._all.add(kind, [made])
            return self._one(kind, made, 201)

        return self._told(call, answer)

    def update(self, call: Call) -> Reply:
        """PATCH"""
        kind = self._context.kind(call)
        return self._told(call, lambda: self._one(kind, self._all.change(kind, call.args["name"], call.json)))

    def archive(self, call: Call) -> Reply:
        """DELETE"""
        kind = self._context.kind(call)

        def answer() -> Reply:
            self._all.archive(kind, call.args["name"])
            return Reply(204)

        return self._told(call, answer)

    # --- batches

    def batch_read(self, call: Call) -> Reply:
        """POST batch/read"""
        kind, archived = self._context.kind(call), bool(call.json.get("archived"))
        known = {one.name: one for one in self._all.every(kind, archived)}
        names = [str(one.get("name", "")) for one in self._context.inputs(call, MOST)]
        missing = [name for name in names if name not in known]
        message = f"The following properties do not exist: {', '.join(missing)}"
        errors = [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"name": missing}}]
        results = [shown(self._portal, kind, known[name]) for name in names if name in known]
        return self._context.batch(call, results, errors if missing else [])

    def batch_create(self, call: Call) -> Reply:
        """POST batch/create: all or none"""
        kind = self._context.kind(call)

        def answer() -> Reply:
            made = [self._all.made(kind, one) for one in self._context.inputs(call, MOST)]
            self._all.add(kind, made)
            status = 200 if self._context.asked.version == "2026-09" else 201
            return self._context.batch(call, [shown(self._portal, kind, one) for one in made], [], status)

        return self._told(call, answer)

    def batch_archive(self, call: Call) -> Reply:
        """POST batch/archive"""
        kind = self._context.kind(call)
        names = [str(one.get("name", "")) for one in self._context.inputs(call, MOST)]

        def answer() -> Reply:
            for name in names:
                self._all.archive(kind, name)
            return Reply(204)

        return self._told(call, answer)

    # --- groups

    def groups(self, call: Call) -> Reply:
        """GET groups"""
        found = self._portal.groups[self._context.kind(call).name].values()
        return Reply.json({"results": [_group(one) for one in found]})

    def group(self, call: Call) -> Reply:
        """GET groups/{group}"""
        kind = self._context.kind(call)
        return self._told(call, lambda: Reply.json(_group(self._all.group(kind, call.args["group"]))))

    def create_group(self, call: Call) -> Reply:
        """POST groups"""
        kind = self._context.kind(call)
        return self._told(call, lambda: Reply.json(_group(self._all.add_group(kind, call.json)), 201))

    def update_group(self, call: Call) -> Reply:
        """PATCH groups/{group}"""
        kind = self._context.kind(call)

        def answer() -> Reply:
            group = self._all.group(kind, call.args["group"])
            group.label = str(call.json.get("label", group.label))
            group.order = int(call.json.get("displayOrder", group.order))
            return Reply.json(_group(group))

        return self._told(call, answer)

    def delete_group(self, call: Call) -> Reply:
        """DELETE groups/{group}"""
        kind = self._context.kind(call)

        def answer() -> Reply:
            self._all.remove_group(kind, call.args["group"])
            return Reply(204)

        return self._told(call, answer)

    # --- parts

    def _one(self, kind: ObjectType, prop: Property, status: int = 200) -> Reply:
        return Reply.json(shown(self._portal, kind, prop), status)

    def _told(self, call: Call, answer: Callable[[], Reply]) -> Reply:
        try:
            return answer()
        except Rejected as error:
            raise rejection(error, call.id) from None
        except Taken as error:
            raise refused(409, str(error), "OBJECT_ALREADY_EXISTS", call.id) from None
        except NoSuch as error:
            message = f"{'Property group' if 'group' in call.args else 'Property'} {error} does not exist"
            raise refused(404, message, "OBJECT_NOT_FOUND", call.id) from None


def _group(group: Group) -> Item:
    return {"name": group.name, "label": group.label, "displayOrder": group.order, "archived": False}


def shown(portal: Portal, kind: ObjectType, prop: Property) -> Item:
    """One definition in the vendor's shape."""
    options = [
        {"label": label, "value": value, "displayOrder": order, "hidden": False}
        for order, (label, value) in enumerate(portal.definitions.options(kind, prop))
    ]
    content = {
        "name": prop.name, "label": prop.label, "type": prop.type, "fieldType": prop.field_type,
        "description": prop.description, "groupName": prop.group, "options": options, "displayOrder": prop.order,
        "calculated": prop.calculated, "externalOptions": prop.references == "OWNER",
        "hasUniqueValue": prop.unique, "hidden": prop.hidden, "hubspotDefined": prop.standard,
        "formField": not prop.read_only, "archived": bool(prop.archived), "dataSensitivity": "non_sensitive",
        "createdAt": prop.created, "updatedAt": prop.updated,
        "modificationMetadata": {"archivable": not prop.standard, "readOnlyDefinition": prop.standard,
                                 "readOnlyOptions": prop.standard, "readOnlyValue": prop.read_only},
    }  # fmt: skip
    if prop.references:
        content["referencedObjectType"] = prop.references
    return content | ({"archivedAt": prop.archived} if prop.archived else {})
