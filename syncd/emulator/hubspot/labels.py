"""The types of associations between two object types, HubSpot's own and the labels that people define."""

from __future__ import annotations

from syncd.emulator.http import Call, Refused, Reply
from syncd.emulator.hubspot.context import Context
from syncd.emulator.hubspot.errors import refused
from syncd.emulator.hubspot.links import inner_id

USER = "USER_DEFINED"


class Labels:
    """The resources below /crm/associations/{version}/{from}/{to}/labels."""

    def __init__(self, context: Context) -> None:
        self._context, self._links = context, context.portal.links

    def every(self, call: Call) -> Reply:
        """GET"""
        source, target = self._context.kind(call), self._context.kind(call, "to")
        return Reply.json({"results": self._links.labels(source, target)})

    def create(self, call: Call) -> Reply:
        """POST: one label for each direction"""
        source, target = self._context.kind(call), self._context.kind(call, "to")
        name, label = call.json.get("name"), call.json.get("label")
        if not name or not label:
            raise self._context.bad(call, "Invalid input JSON: Some required fields were not set: [name, label]")
        if label in [one["label"] for one in self._links.labels(source, target)]:
            raise self._context.bad(call, f"An association label {label} already exists")
        made = self._links.define(source, target, str(name), str(label), call.json.get("inverseLabel"))
        return Reply.json({"results": [self._links.described(*one) for one in made]})

    def update(self, call: Call) -> Reply:
        """PUT"""
        source, target = self._context.kind(call), self._context.kind(call, "to")
        type_id, label = str(call.json.get("associationTypeId")), call.json.get("label")
        if not type_id.isdigit() or not label:
            raise self._context.bad(call, "Some required fields were not set: [associationTypeId, label]")
        inverse = call.json.get("inverseLabel")
        if not self._links.rename(source, target, inner_id(USER, int(type_id)), str(label), inverse):
            raise self._gone(call, type_id)
        return Reply(204)

    def delete(self, call: Call) -> Reply:
        """DELETE labels/{typeId}"""
        source, target, type_id = self._context.kind(call), self._context.kind(call, "to"), call.args["label"]
        if not type_id.isdigit() or not self._links.undefine(source, target, inner_id(USER, int(type_id))):
            raise self._gone(call, type_id)
        return Reply(204)

    def _gone(self, call: Call, type_id: str) -> Refused:
        return refused(404, f"Association type {type_id} was not found", "OBJECT_NOT_FOUND", call.id)
