"""Associations: batches between two types, the list of one record, single links."""

from __future__ import annotations

from typing import Any

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot.context import Context, Item
from syncd.emulator.hubspot.errors import Missing
from syncd.emulator.hubspot.links import Link, inner_id, outer_id
from syncd.emulator.hubspot.present import link_type_ids, link_types
from syncd.emulator.hubspot.types import ObjectType

MOST_READ, MOST_WRITTEN, MOST_PER_RECORD = 1000, 2000, 500


class Associations:
    """The association resources of every version."""

    def __init__(self, context: Context) -> None:
        self._context, self._portal = context, context.portal

    # --- batches

    def read(self, call: Call) -> Reply:
        """POST {from}/{to}/batch/read"""
        source, target = self._pair(call)
        results: list[Item] = []
        errors: list[Item] = []
        for one in self._context.inputs(call, MOST_READ):
            id_, after = str(one.get("id", "")), str(one.get("after") or "0")
            try:
                self._portal.find(source, id_)
            except Missing:
                errors.append(self._context.not_found_item(source, [id_]))
                continue
            links = [link for link in self._portal.links.of(source, id_, target) if int(link.to) > int(after)]
            if links:
                results.append(self._page(source, id_, target, links))
            elif self._context.variants.hubspot_no_associations == "error":
                errors.append(_none_found(source, id_, target))
        return self._context.batch(call, results, errors)

    def create(self, call: Call) -> Reply:
        """POST {from}/{to}/batch/create with explicit types"""
        return self._associate_all(call, 200 if self._version == "2026-09" else 201)

    def create_default(self, call: Call) -> Reply:
        """POST {from}/{to}/batch/associate/default"""
        return self._associate_all(call, 200)

    def archive(self, call: Call) -> Reply:
        """POST {from}/{to}/batch/archive"""
        source, target = self._pair(call)

        def answer() -> Reply:
            for one in self._context.inputs(call, MOST_WRITTEN):
                to = one.get("to")
                for each in to if isinstance(to, list) else [to]:
                    self._portal.part(source, _id(one.get("from")), target, _id(each), self._context.actor(call))
            return self._nothing(call)

        return self._context.answered(call, answer)

    def archive_labels(self, call: Call) -> Reply:
        """POST {from}/{to}/batch/labels/archive: the association stays, without these labels"""
        source, target = self._pair(call)
        inputs = self._context.inputs(call, MOST_WRITTEN)
        wanted = [self._type_ids(call, source, target, one) for one in inputs]

        def answer() -> Reply:
            self._portal.rules.check_link(source, target, self._context.actor(call))
            for one, type_ids in zip(inputs, wanted, strict=True):
                self._portal.links.unlabel(source, _id(one.get("from")), target, _id(one.get("to")), type_ids)
            return self._nothing(call)

        return self._context.answered(call, answer)

    # --- one record

    def of_record(self, call: Call) -> Reply:
        """GET {type}/{id}/associations/{to}: an empty page, not 404, for a record that is not there."""
        source, target = self._pair(call)
        links = self._portal.links.of(source, call.args["id"], target)
        limit = self._context.whole_number(call, "limit", MOST_PER_RECORD, MOST_PER_RECORD)
        after = call.params().get("after")
        links = [link for link in links if after is None or int(link.to) > int(after)]
        content: Item = {"results": [self._to(source, target, link) for link in links[:limit]]}
        if len(links) > limit:
            content["paging"] = {"next": {"after": links[limit - 1].to}}
        return Reply.json(content, records=len(content["results"]))

    def put(self, call: Call) -> Reply:
        """PUT {type}/{id}/associations/{to}/{toId} with types in the body"""
        source, target = self._pair(call)
        type_ids = self._type_ids(call, source, target, {"types": call.json})

        def answer() -> Reply:
            self._associate(call, source, target, type_ids)
            return Reply.json(self._created(source, call.args["id"], target, call.args["to_id"]), 201, records=1)

        return self._context.answered(call, answer)

    def put_default(self, call: Call) -> Reply:
        """PUT {type}/{id}/associations/default/{to}/{toId}"""
        source, target = self._pair(call)

        def answer() -> Reply:
            self._associate(call, source, target, [])
            done = self._default(source, call.args["id"], target, call.args["to_id"])
            return self._context.batch(call, [done], [])

        return self._context.answered(call, answer)

    def put_typed(self, call: Call) -> Reply:
        """PUT {type}/{id}/associations/{to}/{toId}/{associationType}, as v3 has it"""
        source, target = self._pair(call)
        type_ids = self._named(call, source, target, call.args["association"])

        def answer() -> Reply:
            self._associate(call, source, target, type_ids)
            result = {"id": call.args["to_id"], "type": call.args["association"]}
            return Reply.json({"id": call.args["id"], "associations": {target.name: {"results": [result]}}})

        return self._context.answered(call, answer)

    def delete(self, call: Call) -> Reply:
        """DELETE {type}/{id}/associations/{to}/{toId}"""
        source, target = self._pair(call)

        def answer() -> Reply:
            self._portal.part(source, call.args["id"], target, call.args["to_id"], self._context.actor(call))
            return Reply(204)

        return self._context.answered(call, answer)

    # --- parts

    @property
    def _version(self) -> str:
        return self._context.asked.version

    def _pair(self, call: Call) -> tuple[ObjectType, ObjectType]:
        return self._context.kind(call), self._context.kind(call, "to")

    def _nothing(self, call: Call) -> Reply:
        """Dated versions answer a removal with an empty batch, numbered ones with 204."""
        return Reply(204) if self._version.startswith("v") else self._context.batch(call, [], [])

    def _associate(self, call: Call, source: ObjectType, target: ObjectType, type_ids: list[int]) -> None:
        id_, to = call.args["id"], call.args["to_id"]
        self._portal.associate(source, id_, target, to, type_ids, self._context.actor(call))

    def _associate_all(self, call: Call, status: int) -> Reply:
        source, target = self._pair(call)
        results: list[Item] = []
        errors: list[Item] = []
        inputs = self._context.inputs(call, MOST_WRITTEN)
        wanted = [self._type_ids(call, source, target, one) for one in inputs]

        def answer() -> Reply:
            self._portal.rules.check_link(source, target, self._context.actor(call))
            for one, type_ids in zip(inputs, wanted, strict=True):
                self._associate_one(call, one, type_ids, results, errors)
            return self._context.batch(call, results, errors, status)

        return self._context.answered(call, answer)

    def _associate_one(
        self, call: Call, one: Item, type_ids: list[int], results: list[Item], errors: list[Item]
    ) -> None:
        source, target = self._pair(call)
        id_, to = _id(one.get("from")), _id(one.get("to"))
        try:
            self._portal.associate(source, id_, target, to, type_ids, self._context.actor(call))
        except Missing as error:
            errors.append(self._context.not_found_item(source if error.id == id_ else target, [error.id]))
            return
        if "type" in one:
            results.append({"from": {"id": id_}, "to": {"id": to}, "type": one["type"]})
        else:
            results.append((self._created if "types" in one else self._default)(source, id_, target, to))

    def _type_ids(self, call: Call, source: ObjectType, target: ObjectType, one: Item) -> list[int]:
        """The types that an input names: by category and id, in v3 by name."""
        if "type" in one:
            return self._named(call, source, target, str(one["type"]))
        found = []
        for spec in one.get("types") or ():
            category, outer = str(spec.get("associationCategory") or "HUBSPOT_DEFINED"), spec.get("associationTypeId")
            inner = inner_id(category, int(outer)) if str(outer).isdigit() else None
            if inner is None or inner not in self._portal.links.known(source, target):
                raise self._context.bad(call, f"invalid association type {outer} from {source.id} to {target.id}")
            found.append(inner)
        return found

    def _named(self, call: Call, source: ObjectType, target: ObjectType, name: str) -> list[int]:
        found = link_type_ids(self._portal, source, target, name)
        if not found:
            raise self._context.bad(call, f"invalid association type {name} from {source.id} to {target.id}")
        return found

    def _created(self, source: ObjectType, id_: str, target: ObjectType, to: str) -> Item:
        held = next((link.type_ids for link in self._portal.links.of(source, id_, target) if link.to == to), ())
        labels = [self._portal.links.label_of(source, target, one) for one in held
                  if outer_id(one)[0] == "USER_DEFINED"]  # fmt: skip
        return {"fromObjectTypeId": source.id, "fromObjectId": self._shown_id(id_), "toObjectTypeId": target.id,
                "toObjectId": self._shown_id(to), "labels": labels}  # fmt: skip

    def _default(self, source: ObjectType, id_: str, target: ObjectType, to: str) -> Item:
        category, type_id = outer_id(self._portal.links.type_ids(source, target)[0])
        spec = {"associationCategory": category, "associationTypeId": type_id}
        return {"from": {"id": id_}, "to": {"id": to}, "associationSpec": spec}

    def _page(self, source: ObjectType, id_: str, target: ObjectType, links: list[Link]) -> Item:
        result: Item = {"from": {"id": id_}, "to": [self._to(source, target, one) for one in links[:MOST_PER_RECORD]]}
        if len(links) > MOST_PER_RECORD:
            result["paging"] = {"next": {"after": links[MOST_PER_RECORD - 1].to}}
        return result

    def _to(self, source: ObjectType, target: ObjectType, link: Link) -> Item:
        if self._version == "v3":
            return {"id": link.to, "type": link_types(self._portal, source, target, link)[0]}
        kinds = [self._portal.links.described(source, target, one) for one in link.type_ids]
        return {"toObjectId": self._shown_id(link.to), "associationTypes": kinds}

    def _shown_id(self, id_: str) -> int | str:
        choice = self._context.variants.hubspot_to_object_id
        return int(id_) if choice == "number" or (choice == "by_version" and self._version == "v4") else id_


def _id(value: Any) -> str:
    return str(value.get("id", "")) if isinstance(value, dict) else ""


def _none_found(source: ObjectType, id_: str, target: ObjectType) -> Item:
    message = f"No {target.singular} is associated with {source.singular} {id_}."
    return {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"fromObjectId": [id_]},
            "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}  # fmt: skip
