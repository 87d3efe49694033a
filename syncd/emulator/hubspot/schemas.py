"""Schemas of custom object types over HTTP: list, one, create, change, delete, and their associations."""

from __future__ import annotations

import re

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot.context import Context, Item
from syncd.emulator.hubspot.definitions import Taken
from syncd.emulator.hubspot.errors import Rejected, refused, rejection
from syncd.emulator.hubspot.properties import shown
from syncd.emulator.hubspot.schema import FIELD_TYPES
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import wire_time

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,98}")


class Schemas:
    """The resources below /crm-object-schemas/{version}/schemas."""

    def __init__(self, context: Context) -> None:
        self._context, self._portal, self._customs = context, context.portal, context.portal.customs

    def every(self, call: Call) -> Reply:
        """GET: custom types only"""
        found = [self._shown(one) for one in self._portal.types.all.values() if one.custom]
        return Reply.json({"results": found}, records=len(found))

    def read(self, call: Call) -> Reply:
        """GET one, also of a type of HubSpot's own"""
        return Reply.json(self._shown(self._context.kind(call)))

    def batch_read(self, call: Call) -> Reply:
        """POST schemas/batch/read"""
        names = [str(one.get("id") if isinstance(one, dict) else one) for one in call.json.get("inputs") or ()]
        return Reply.json({"results": [self._shown(kind) for kind in self._context.kinds(call, names)]})

    def create(self, call: Call) -> Reply:
        """POST: a new type with its properties and associations"""
        body, name = call.json, str(call.json.get("name") or "")
        if not body.get("labels") or not isinstance(body.get("properties"), list):
            raise self._context.bad(call, "Some required fields were not set: [name, labels, properties]")
        if not _NAME.fullmatch(name):
            raise self._context.bad(call, f"Invalid object type name {name!r}")
        if self._portal.types.find(f"p_{name}") is not None:
            raise refused(409, f"Object type {name} already exists", "OBJECT_ALREADY_EXISTS", call.id)
        targets = self._context.kinds(call, map(str, body.get("associatedObjects") or ()))
        kind = self._portal.types.add_custom(name)
        self._portal.prepare(kind)
        try:
            self._define(kind, body["properties"])
        except (Rejected, Taken) as error:
            self._drop(kind)
            raise rejection(error if isinstance(error, Rejected) else Rejected(str(error)), call.id) from None
        schema = self._customs.of(kind)
        schema.take(body, self._now())
        schema.created = schema.updated
        for target in targets:
            schema.associations += self._association(kind, target, None)
        return Reply.json(self._shown(kind), 201)

    def update(self, call: Call) -> Reply:
        """PATCH: labels, shown, searched and required properties"""
        kind = self._custom(call)
        self._customs.of(kind).take(call.json, self._now())
        return Reply.json({key: value for key, value in self._shown(kind).items()
                           if key not in ("properties", "associations")})  # fmt: skip

    def delete(self, call: Call) -> Reply:
        """DELETE: only a type that has no records"""
        kind = self._custom(call)
        if len(self._portal.tables[kind.name]):
            raise self._context.bad(call, f"Object type {kind.id} still has records; delete them first")
        self._drop(kind)
        return Reply(204)

    def create_association(self, call: Call) -> Reply:
        """POST {type}/associations"""
        kind = self._custom(call)
        target = self._context.kind_named(call, str(call.json.get("toObjectTypeId") or ""))
        made = self._association(kind, target, call.json.get("name"))
        self._customs.of(kind).associations += made
        return Reply.json(made[0], 201)

    def delete_association(self, call: Call) -> Reply:
        """DELETE {type}/associations/{id}"""
        schema = self._customs.of(self._custom(call))
        left = [one for one in schema.associations if one["id"] != call.args["association"]]
        if len(left) == len(schema.associations):
            raise refused(404, "resource not found", "OBJECT_NOT_FOUND", call.id)
        schema.associations = left
        return Reply(204)

    # --- parts

    def _custom(self, call: Call) -> ObjectType:
        kind = self._context.kind(call)
        if not kind.custom:
            raise self._context.bad(call, f"Object type {kind.id} is defined by HubSpot")
        return kind

    def _define(self, kind: ObjectType, properties: list[Item]) -> None:
        group = next(iter(self._portal.groups[kind.name]))
        usual = {"groupName": group}
        made = [self._portal.definitions.made(kind, usual | _complete(one)) for one in properties]
        self._portal.definitions.add(kind, made)

    def _drop(self, kind: ObjectType) -> None:
        self._portal.types.remove(kind)
        self._customs.forget(kind)
        for kept in (self._portal.tables, self._portal.properties, self._portal.groups):
            del kept[kind.name]
        self._portal.pipelines.pop(kind.name, None)

    def _association(self, kind: ObjectType, target: ObjectType, name: str | None) -> list[Item]:
        now, links = self._now(), self._portal.links
        return [
            {"fromObjectTypeId": one.id, "toObjectTypeId": other.id, "id": str(links.type_ids(one, other)[0]),
             "name": name or f"{one.singular}_to_{other.singular}", "createdAt": now, "updatedAt": now}
            for one, other in ((kind, target), (target, kind))
        ]  # fmt: skip

    def _shown(self, kind: ObjectType) -> Item:
        schema = self._customs.of(kind)
        properties = self._portal.definitions.every(kind)
        own = [prop for prop in properties if not prop.standard]
        primary = schema.primary or (own[0].name if own else "hs_object_id")
        return {
            "id": kind.id.partition("-")[2], "objectTypeId": kind.id, "name": kind.name.removeprefix("p_"),
            "fullyQualifiedName": self._portal.types.full_name(kind), "description": schema.description,
            "labels": {"singular": schema.singular, "plural": schema.plural},
            "primaryDisplayProperty": primary, "secondaryDisplayProperties": schema.secondary,
            "searchableProperties": schema.searchable or [primary], "requiredProperties": schema.required,
            "properties": [shown(self._portal, kind, prop) for prop in properties],
            "associations": schema.associations, "archived": False, "allowsSensitiveProperties": False,
            "metaType": "PORTAL_SPECIFIC", "portalId": self._portal.id,
            "createdAt": schema.created, "updatedAt": schema.updated,
        }  # fmt: skip

    def _now(self) -> str:
        return wire_time(self._portal.clock.now())


def _complete(body: Item) -> Item:
    """A property of a schema needs no group, and its way of entering may follow from its type."""
    return {"fieldType": FIELD_TYPES.get(str(body.get("type")), "text"), "label": body.get("name"), **body}
