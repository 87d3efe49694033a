"""Associations: batches between two types, the list of one record, labels, single links."""

from __future__ import annotations

from typing import Any

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot.context import Context
from syncd.emulator.hubspot.errors import Missing
from syncd.emulator.hubspot.links import Link
from syncd.emulator.hubspot.present import link_types
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import wire_time

MOST_READ, MOST_WRITTEN, MOST_PER_RECORD = 1000, 2000, 500
Item = dict[str, Any]


class Associations:
    """The association resources of every version."""

    def __init__(self, context: Context) -> None:
        self._context, self._portal = context, context.portal

    def read(self, call: Call) -> Reply:
        """POST {from}/{to}/batch/read"""
        source, target = self._pair(call)
        results: list[Item] = []
        errors: list[Item] = []
        for one in self._inputs(call, MOST_READ):
            id_, after = str(one.get("id", "")), str(one.get("after") or "0")
            try:
                self._portal.find(source, id_)
            except Missing:
                errors.append(self._context.not_found_item(source, [id_]))
                continue
            links = [link for link in self._portal.links.of(source, id_, target) if int(link.to) > int(after)]
            if links:
                results.append(self._page(call, source, id_, target, links))
            elif self._context.variants.hubspot_no_associations == "error":
                errors.append(_none_found(source, id_, target))
        return self._answer(results, errors)

    def create(self, call: Call) -> Reply:
        """POST {from}/{to}/batch/create with explicit types"""
        source, target = self._pair(call)
        return self._associate_all(call, source, target)

    def create_default(self, call: Call) -> Reply:
        """POST {from}/{to}/batch/associate/default"""
        source, target = self._pair(call)
        return self._associate_all(call, source, target)

    def archive(self, call: Call) -> Reply:
        """POST {from}/{to}/batch/archive"""
        source, target = self._pair(call)
        for one in self._inputs(call, MOST_WRITTEN):
            to = one.get("to")
            for each in to if isinstance(to, list) else [to]:
                self._portal.part(source, _id(one.get("from")), target, _id(each), self._context.actor(call))
        return Reply(204)

    def labels(self, call: Call) -> Reply:
        """GET {from}/{to}/labels"""
        source, target = self._pair(call)
        return Reply.json({"results": self._portal.links.labels(source, target)})

    def of_record(self, call: Call) -> Reply:
        """GET {type}/{id}/associations/{to}: an empty page, not 404, for a record that is not there."""
        source, target = self._pair(call)
        links = self._portal.links.of(source, call.args["id"], target)
        limit, after = (
            self._context.whole_number(call, "limit", MOST_PER_RECORD, MOST_PER_RECORD),
            call.params().get("after"),
        )
        links = [link for link in links if after is None or int(link.to) > int(after)]
        content: Item = {"results": [self._to(call, source, target, link) for link in links[:limit]]}
        if len(links) > limit:
            content["paging"] = {"next": {"after": links[limit - 1].to}}
        return Reply.json(content, records=len(content["results"]))

    def put(self, call: Call) -> Reply:
        """PUT {type}/{id}/associations/{to}/{toId}, with types in the body or the default ones"""
        source, target = self._pair(call)
        types = call.json if isinstance(call.json, list) else []
        return self._context.answered(call, lambda: self._put(call, source, target, types))

    def delete(self, call: Call) -> Reply:
        """DELETE {type}/{id}/associations/{to}/{toId}"""
        source, target = self._pair(call)
        self._portal.part(source, call.args["id"], target, call.args["to_id"], self._context.actor(call))
        return Reply(204)

    # --- parts

    def _put(self, call: Call, source: ObjectType, target: ObjectType, types: list[Item]) -> Reply:
        id_, to = call.args["id"], call.args["to_id"]
        self._portal.associate(source, id_, target, to, self._type_ids(call, source, target, types),
                               self._context.actor(call))  # fmt: skip
        if isinstance(call.json, list):
            return Reply.json(self._created(source, id_, target, to), 201, records=1)
        return self._answer([self._default(source, id_, target, to)], [])

    def _pair(self, call: Call) -> tuple[ObjectType, ObjectType]:
        return self._context.kind(call), self._context.kind(call, "to")

    def _inputs(self, call: Call, most: int) -> list[Item]:
        inputs = call.json.get("inputs") if isinstance(call.json, dict) else None
        if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
            raise self._context.bad(call, "Invalid input JSON: Some required fields were not set: [inputs]")
        if len(inputs) > most:
            raise self._context.bad(call, f"Maximum input batch size is {most}; this request has {len(inputs)}")
        return inputs

    def _associate_all(self, call: Call, source: ObjectType, target: ObjectType) -> Reply:
        results: list[Item] = []
        errors: list[Item] = []
        inputs = self._inputs(call, MOST_WRITTEN)
        wanted = [self._type_ids(call, source, target, one.get("types") or []) for one in inputs]
        for one, type_ids in zip(inputs, wanted, strict=True):
            id_, to = _id(one.get("from")), _id(one.get("to"))
            try:
                self._portal.associate(source, id_, target, to, type_ids, self._context.actor(call))
            except Missing as error:
                errors.append(self._context.not_found_item(source if error.id == id_ else target, [error.id]))
                continue
            explicit = "types" in one
            results.append((self._created if explicit else self._default)(source, id_, target, to))
        return self._answer(results, errors, 201)

    def _type_ids(self, call: Call, source: ObjectType, target: ObjectType, types: list[Item]) -> list[int]:
        known = {one for one in self._portal.links.type_ids(source, target) if one is not None}
        given = [one.get("associationTypeId") for one in types]
        unknown = [one for one in given if one not in known]
        if unknown:
            message = f"invalid association type {unknown[0]} from {source.id} to {target.id}"
            raise self._context.bad(call, message)
        return [int(one) for one in given if one is not None]

    def _created(self, source: ObjectType, id_: str, target: ObjectType, to: str) -> Item:
        return {"fromObjectTypeId": source.id, "fromObjectId": int(id_), "toObjectTypeId": target.id,
                "toObjectId": int(to), "labels": []}  # fmt: skip

    def _default(self, source: ObjectType, id_: str, target: ObjectType, to: str) -> Item:
        type_id = self._portal.links.type_ids(source, target)[0]
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}
        return {"from": {"id": id_}, "to": {"id": to}, "associationSpec": spec}

    def _page(self, call: Call, source: ObjectType, id_: str, target: ObjectType, links: list[Link]) -> Item:
        result: Item = {
            "from": {"id": id_},
            "to": [self._to(call, source, target, one) for one in links[:MOST_PER_RECORD]],
        }
        if len(links) > MOST_PER_RECORD:
            result["paging"] = {"next": {"after": links[MOST_PER_RECORD - 1].to}}
        return result

    def _to(self, call: Call, source: ObjectType, target: ObjectType, link: Link) -> Item:
        if call.args["version"] == "v3":
            return {"id": link.to, "type": link_types(self._portal, source, target, link)[0]}
        kinds = [self._portal.links.described(source, target, one) for one in link.type_ids]
        choice = self._context.variants.hubspot_to_object_id
        as_number = choice == "number" or (choice == "by_version" and call.args["version"] == "v4")
        return {"toObjectId": int(link.to) if as_number else link.to, "associationTypes": kinds}

    def _answer(self, results: list[Item], errors: list[Item], status: int = 200) -> Reply:
        now = wire_time(self._portal.clock.now())
        content: Item = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
        if errors:
            content |= {"numErrors": len(errors), "errors": errors}
        return Reply.json(content, 207 if errors else status, records=len(results))


def _id(value: Any) -> str:
    return str(value.get("id", "")) if isinstance(value, dict) else ""


def _none_found(source: ObjectType, id_: str, target: ObjectType) -> Item:
    message = f"No {target.singular} is associated with {source.singular} {id_}."
    return {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"fromObjectId": [id_]},
            "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}  # fmt: skip
