"""Single records: read, create, update, delete, upsert by external id."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.utils import format_datetime
from typing import Any

import orjson

from syncd.emulator.http import Call, Reply
from syncd.emulator.log import Actor
from syncd.emulator.salesforce.conditions import TAGGED, condition, entity_tag, unmet
from syncd.emulator.salesforce.dml import Options
from syncd.emulator.salesforce.errors import RowError, not_found, refused
from syncd.emulator.salesforce.render import whole
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.store import Org
from syncd.emulator.variants import Variants

__all__ = ["Rows", "actor_of", "condition", "json_object", "options_of"]

JSON = "application/json"
SAYS_CREATED_FROM = 46  # API version; earlier ones answer an updating upsert with 204
_ALLOW_SAVE = re.compile(r"\ballowSave\s*=\s*true\b", re.IGNORECASE)
_DETAILS = re.compile(r"\bincludeRecordDetails\s*=\s*true\b", re.IGNORECASE)


def actor_of(org: Org, call: Call) -> Actor:
    """Who the request writes as."""
    return Actor(call.by or "", org.user_id(call.by or "") or org.integration_user, call.id)


def options_of(call: Call) -> Options:
    """What the request's headers say about its writes."""
    assign, duplicates = (call.headers.get(one, "") for one in ("sforce-auto-assign", "sforce-duplicate-rule-header"))
    allow, details = (pattern.search(duplicates) is not None for pattern in (_ALLOW_SAVE, _DETAILS))
    return Options(assign.strip().upper() != "FALSE", allow, details, call.args["version"])


def json_object(call: Call) -> dict[str, Any]:
    """The body, which must be a JSON object and be announced as such, if it is announced at all."""
    sent = call.headers.get("content-type", JSON).split(";")[0].strip().lower()
    if sent != JSON:
        raise refused(415, "UNSUPPORTED_MEDIA_TYPE", f"MediaType of '{sent}' is not supported by this resource")
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
        """POST /sobjects/{object}, or /sobjects/{object}/Id"""
        if call.args.get("id", "id").lower() != "id":
            raise refused(405, "METHOD_NOT_ALLOWED", "HTTP Method 'POST' not allowed. Allowed are GET, PATCH, DELETE")
        sobject = self.sobject(call)
        id_ = self._org.create(sobject.name, values_of(json_object(call)), actor_of(self._org, call), options_of(call))
        return _created(call, sobject, id_)

    def read(self, call: Call) -> Reply:
        """GET /sobjects/{object}/{id}"""
        return self._read(call, self.sobject(call), call.args["id"])

    def update(self, call: Call) -> Reply:
        """PATCH /sobjects/{object}/{id}"""
        body = values_of(json_object(call))
        return self._update(call, self.sobject(call), call.args["id"], body) or Reply(204, records=1)

    def delete(self, call: Call) -> Reply:
        """DELETE /sobjects/{object}/{id}; conditional headers are not supported here"""
        self._org.remove(self.sobject(call).name, call.args["id"], actor_of(self._org, call))
        return Reply(204, records=1)

    def read_by(self, call: Call) -> Reply:
        """GET /sobjects/{object}/{external id field}/{value}"""
        return self._by_value(call, lambda sobject, id_: self._read(call, sobject, id_))

    def delete_by(self, call: Call) -> Reply:
        """DELETE /sobjects/{object}/{external id field}/{value}"""

        def delete(sobject: SObject, id_: str) -> Reply:
            self._org.remove(sobject.name, id_, actor_of(self._org, call))
            return Reply(204, records=1)

        return self._by_value(call, delete)

    def _by_value(self, call: Call, act: Callable[[SObject, str], Reply]) -> Reply:
        sobject, field = self.sobject(call), self.external(call)
        found = self.matches(sobject, field, _addressed(call))
        if len(found) > 1:
            return _several(call, sobject, found)
        if not found:
            raise RowError("NOT_FOUND", "The requested resource does not exist", status=404)
        return act(sobject, found[0])

    def upsert(self, call: Call) -> Reply:
        """PATCH /sobjects/{object}/{external id field}/{value}"""
        sobject, field = self.sobject(call), self.external(call)
        value, body = _addressed(call), values_of(json_object(call))
        if any(name.lower() == field.name.lower() for name in body):
            message = f"The {field.name} field should not be specified in the sobject data."
            raise refused(400, "INVALID_FIELD", message)
        found = self.matches(sobject, field, value)
        if len(found) > 1:
            return _several(call, sobject, found)
        if found:
            return self._update(call, sobject, found[0], body) or _updated(call, sobject, found[0])
        if call.params().get("updateOnly", "").lower() == "true":
            raise RowError("NOT_FOUND", "The requested resource does not exist", status=404)
        new = {**body, field.name: value}
        id_ = self._org.create(sobject.name, new, actor_of(self._org, call), options_of(call))
        return _created(call, sobject, id_, **({"created": True} if _says_created(call) else {}))

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

    # --- one row

    def _read(self, call: Call, sobject: SObject, id_: str) -> Reply:
        row = self._org.row(sobject.name, id_)
        fields = _asked(sobject, call.many("fields"))
        instead = unmet(self._org, self._variants, call, sobject.name, row)
        if instead is not None:
            return instead
        render = whole(self._org, sobject.name, fields, call.args["version"])
        modified = format_datetime(self._org.modified(sobject.name, row), usegmt=True)
        reply = Reply.json(render(row), records=1, Last_Modified=modified)
        if sobject.name in TAGGED:
            reply.headers["ETag"] = entity_tag(self._org, sobject.name, row)
        return reply

    def _update(self, call: Call, sobject: SObject, id_: str, body: Mapping[str, Any]) -> Reply | None:
        """Update a row; the answer to a condition that is not met, None when it was written."""
        row = self._org.row(sobject.name, id_)
        instead = unmet(self._org, self._variants, call, sobject.name, row)
        if instead is None:
            self._org.change(sobject.name, id_, body, actor_of(self._org, call), options_of(call))
        return instead


def values_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record in JSON."""
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


def _addressed(call: Call) -> str:
    """The external id in the path; one that ends like a file name never gets through to the resource."""
    value = call.args["value"]
    if value.lower().endswith(".inc"):
        raise not_found()
    return value


def _says_created(call: Call) -> bool:
    return float(call.args["version"][1:]) >= SAYS_CREATED_FROM


def _created(call: Call, sobject: SObject, id_: str, **more: object) -> Reply:
    content = {"id": id_, "success": True, "errors": [], **more}
    return Reply.json(content, 201, records=1, Location=_location(call, sobject, id_))


def _updated(call: Call, sobject: SObject, id_: str) -> Reply:
    if not _says_created(call):
        return Reply(204, records=1)
    content = {"id": id_, "success": True, "errors": [], "created": False}
    return Reply.json(content, records=1, Location=_location(call, sobject, id_))


def _location(call: Call, sobject: SObject, id_: str) -> str:
    return f"/services/data/{call.args['version']}/sobjects/{sobject.name}/{id_}"


def _several(call: Call, sobject: SObject, ids: list[str]) -> Reply:
    return Reply.json([_location(call, sobject, id_) for id_ in ids], 300)
