"""Single records: read, create, update, delete, upsert, and the conditions that requests may set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import orjson

from syncd.emulator.http import Call, Reply
from syncd.emulator.log import Actor
from syncd.emulator.salesforce.errors import RowError, not_found, refused
from syncd.emulator.salesforce.render import whole
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.store import Org
from syncd.emulator.table import Row
from syncd.emulator.variants import Variants


def actor_of(org: Org, call: Call) -> Actor:
    """Who the request writes as."""
    return Actor(call.by or "", org.integration_user, call.id)


def json_object(call: Call) -> dict[str, Any]:
    """The body, which must be a JSON object."""
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError as error:
        raise refused(400, "JSON_PARSER_ERROR", f"{error}") from None
    if not isinstance(body, dict):
        raise refused(400, "JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
    return body


class Rows:
    """The resources below /sobjects/{object}."""

    def __init__(self, org: Org, variants: Variants) -> None:
        self._org, self._variants = org, variants

    def create(self, call: Call) -> Reply:
        """POST /sobjects/{object}"""
        sobject = self.sobject(call)
        try:
            id_ = self._org.create(sobject.name, _values(json_object(call)), actor_of(self._org, call))
        except RowError as error:
            return error.as_reply()
        return _created(call, sobject, id_)

    def read(self, call: Call) -> Reply:
        """GET /sobjects/{object}/{id}"""
        return self._read(call, self.sobject(call), call.args["id"])

    def update(self, call: Call) -> Reply:
        """PATCH /sobjects/{object}/{id}"""
        return self._update(call, self.sobject(call), call.args["id"])

    def delete(self, call: Call) -> Reply:
        """DELETE /sobjects/{object}/{id}"""
        try:
            self._org.remove(self.sobject(call).name, call.args["id"], actor_of(self._org, call))
        except RowError as error:
            return error.as_reply()
        return Reply(204, records=1)

    def read_by(self, call: Call) -> Reply:
        """GET /sobjects/{object}/{external id field}/{value}"""
        sobject, field = self.sobject(call), self.external(call)
        found = self.matches(sobject, field, call.args["value"])
        if len(found) > 1:
            return _several(call, sobject, found)
        if not found:
            return RowError("NOT_FOUND", "The requested resource does not exist", status=404).as_reply()
        return self._read(call, sobject, found[0])

    def upsert(self, call: Call) -> Reply:
        """PATCH /sobjects/{object}/{external id field}/{value}"""
        sobject, field = self.sobject(call), self.external(call)
        body = _values(json_object(call))
        if any(name.lower() == field.name.lower() for name in body):
            message = f"The {field.name} field should not be specified in the sobject data."
            raise refused(400, "INVALID_FIELD", message)
        found = self.matches(sobject, field, call.args["value"])
        if len(found) > 1:
            return _several(call, sobject, found)
        if not found and call.params().get("updateOnly") == "true":
            return RowError("NOT_FOUND", "The requested resource does not exist", status=404).as_reply()
        return self._upserted(call, sobject, found, body, {field.name: call.args["value"]})

    def _upserted(
        self, call: Call, sobject: SObject, found: list[str], body: Mapping[str, Any], key: Mapping[str, Any]
    ) -> Reply:
        actor = actor_of(self._org, call)
        try:
            if found:
                self._org.change(sobject.name, found[0], body, actor)
                content = {"id": found[0], "success": True, "errors": [], "created": False}
                return Reply.json(content, records=1)
            id_ = self._org.create(sobject.name, {**body, **key}, actor)
        except RowError as error:
            return error.as_reply()
        return _created(call, sobject, id_, created=True)

    # --- shared with Collections

    def sobject(self, call: Call) -> SObject:
        """The object that the path names, or 404."""
        found = self._org.find(call.args["object"])
        if found is None:
            raise not_found()
        return found

    def external(self, call: Call) -> Field:
        """The external id field that the path names, or 404."""
        name = call.args["field"]
        field = self.sobject(call).field(name)
        if field is None or not (field.external_id or field.type == "id"):
            raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
        return field

    def matches(self, sobject: SObject, field: Field, value: Any) -> list[str]:
        """Ids of the live records with that external id."""
        if field.type == "id":
            return [self._org.row(sobject.name, value)[0]]
        return list(self._org.ids_with(sobject.name, field.name, value))

    # --- conditions

    def _read(self, call: Call, sobject: SObject, id_: str) -> Reply:
        try:
            row = self._org.row(sobject.name, id_)
            fields = _asked(sobject, call.many("fields"))
        except RowError as error:
            return error.as_reply()
        modified = self._org.modified(sobject.name, row)
        since = condition(call, "if-modified-since")
        if since is not None and modified <= since:
            return Reply(304)
        if self._too_late(call, sobject, row):
            return self._precondition_failed()
        render = whole(self._org, sobject.name, fields, call.args["version"])
        return Reply.json(render(row), records=1, Last_Modified=format_datetime(modified, usegmt=True))

    def _update(self, call: Call, sobject: SObject, id_: str) -> Reply:
        body = _values(json_object(call))
        try:
            row = self._org.row(sobject.name, id_)
            if self._too_late(call, sobject, row):
                return self._precondition_failed()
            self._org.change(sobject.name, id_, body, actor_of(self._org, call))
        except RowError as error:
            return error.as_reply()
        return Reply(204, records=1)

    def _too_late(self, call: Call, sobject: SObject, row: Row) -> bool:
        since = condition(call, "if-unmodified-since")
        return since is not None and self._org.modified(sobject.name, row) > since

    def _precondition_failed(self) -> Reply:
        if self._variants.salesforce_412_body == "empty":
            return Reply(412)
        message = "The record was modified after the time given in If-Unmodified-Since"
        return Reply.json([{"message": message, "errorCode": "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE"}], 412)


def _values(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "attributes"}


def _asked(sobject: SObject, names: list[str]) -> list[str]:
    if not names:
        return list(sobject.fields)
    found: list[str] = []
    for name in names:
        field = sobject.field(name)
        if field is None:
            raise RowError("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")
        found.append(field.name)
    return found


def condition(call: Call, header: str) -> datetime | None:
    """The moment that a conditional header names; a bad one is refused."""
    text = call.headers.get(header)
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        raise refused(400, "INVALID_HEADER", f"Bad value for {header}: {text}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _created(call: Call, sobject: SObject, id_: str, **more: object) -> Reply:
    location = f"/services/data/{call.args['version']}/sobjects/{sobject.name}/{id_}"
    content = {"id": id_, "success": True, "errors": [], **more}
    return Reply.json(content, 201, records=1, Location=location)


def _several(call: Call, sobject: SObject, ids: list[str]) -> Reply:
    base = f"/services/data/{call.args['version']}/sobjects/{sobject.name}/"
    return Reply.json([base + id_ for id_ in ids], 300)
