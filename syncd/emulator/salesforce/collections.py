"""sObject Collections: up to 200 records per call, one result each, in the order of the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syncd.emulator.http import Call, Refused, Reply
from syncd.emulator.log import Actor
from syncd.emulator.salesforce.dml import Options
from syncd.emulator.salesforce.errors import RowError, refused
from syncd.emulator.salesforce.ids import normal
from syncd.emulator.salesforce.render import whole
from syncd.emulator.salesforce.rows import Rows, actor_of, json_object, options_of
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.store import Org
from syncd.emulator.variants import Variants

MOST, MOST_READ, MOST_CHUNKS = 200, 2000, 10
UNREADABLE = {"INVALID_FIELD", "JSON_PARSER_ERROR"}
"""Codes of a record that cannot be made sense of, before anything is written."""

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class By:
    """Who writes, and what the request's headers say about it."""

    actor: Actor
    options: Options


Write = Callable[[dict[str, Any], By], Result]


class _RolledBack(Exception):
    """Leaves the transaction of an all-or-none call."""


class Collections:
    """The resources below /composite/sobjects."""

    def __init__(self, org: Org, rows: Rows, variants: Variants) -> None:
        self._org, self._rows, self._variants = org, rows, variants

    def create(self, call: Call) -> Reply:
        """POST /composite/sobjects"""
        return self._write_all(call, self._create_one)

    def update(self, call: Call) -> Reply:
        """PATCH /composite/sobjects"""
        seen: set[str] = set()

        def update_once(record: dict[str, Any], by: By) -> Result:
            return self._update_one(record, by, seen)

        return self._write_all(call, update_once)

    def upsert(self, call: Call) -> Reply:
        """PATCH /composite/sobjects/{object}/{external id field}"""
        sobject, field = self._rows.sobject(call), self._rows.external(call)
        seen: set[Any] = set()

        def upsert_one(record: dict[str, Any], by: By) -> Result:
            return self._upsert_one(record, by, sobject, field, seen)

        return self._write_all(call, upsert_one)

    def delete(self, call: Call) -> Reply:
        """DELETE /composite/sobjects?ids=…"""
        ids = call.many("ids")
        all_or_none = call.params().get("allOrNone", "false").lower() == "true"
        return self._answer(call, [{"id": id_} for id_ in ids], all_or_none, self._delete_one)

    def retrieve(self, call: Call) -> Reply:
        """POST and GET /composite/sobjects/{object}: null where a record is not there."""
        sobject = self._rows.sobject(call)
        asked = json_object(call) if call.method == "POST" else {}
        ids = asked.get("ids", call.many("ids"))
        fields = asked.get("fields", call.many("fields"))
        if len(ids) > MOST_READ:
            message = f"record limit reached. cannot submit more than {MOST_READ} records"
            raise refused(400, "EXCEEDED_ID_LIMIT", message)
        render = whole(self._org, sobject.name, self._names(sobject, fields), call.args["version"])
        found = [self._read(sobject, id_) for id_ in ids]
        return Reply.json([None if row is None else render(row) for row in found], records=len(ids))

    def _names(self, sobject: SObject, fields: list[str]) -> list[str]:
        names: list[str] = []
        for name in fields:
            field = sobject.field(name)
            if field is None:
                raise refused(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")
            names.append(field.name)
        return names

    def _read(self, sobject: SObject, id_: str) -> list[Any] | None:
        try:
            return self._org.row(sobject.name, id_)
        except RowError:
            return None

    # --- the envelope

    def _write_all(self, call: Call, write: Write) -> Reply:
        body = json_object(call)
        records = body.get("records")
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise refused(400, "JSON_PARSER_ERROR", "records: a list of sObjects is required")
        if call.args.get("object") is None and _chunks(records) > MOST_CHUNKS:
            message = f"Cannot have more than {MOST_CHUNKS} chunks in a single operation."
            raise refused(400, "LIMIT_EXCEEDED", message)
        return self._answer(call, records, body.get("allOrNone") is True, write)

    def _answer(self, call: Call, records: list[dict[str, Any]], all_or_none: bool, write: Write) -> Reply:
        if len(records) > MOST:
            message = f"record limit reached. cannot submit more than {MOST} records in this operation"
            raise refused(400, "EXCEEDED_ID_LIMIT", message)
        by = By(actor_of(self._org, call), options_of(call))
        results: list[Result] = []
        try:
            with self._org.transaction():
                results.extend(self._one(record, by, write) for record in records)
                if all_or_none and not all(result["success"] for result in results):
                    raise _RolledBack
        except _RolledBack:
            results = [_rolled_back(result) for result in results]
        return Reply.json(results, records=len(records))

    def _one(self, record: dict[str, Any], by: By, write: Write) -> Result:
        try:
            return write(record, by)
        except RowError as error:
            if error.code in UNREADABLE and self._variants.salesforce_unreadable_row == "request":
                raise Refused(error.as_reply()) from None
            return {"success": False, "errors": [error.as_item()]}

    # --- one record

    def _type_of(self, record: dict[str, Any]) -> SObject:
        attributes = record.get("attributes")
        name = attributes.get("type") if isinstance(attributes, dict) else None
        sobject = self._org.find(name) if isinstance(name, str) else None
        if sobject is None:
            raise RowError("INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return sobject

    def _create_one(self, record: dict[str, Any], by: By) -> Result:
        sobject = self._type_of(record)
        if any(name.lower() == "id" for name in record):
            raise RowError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"])
        id_ = self._org.create(sobject.name, _values(record), by.actor, by.options)
        return {"id": id_, "success": True, "errors": []}

    def _update_one(self, record: dict[str, Any], by: By, seen: set[str]) -> Result:
        sobject, id_ = self._type_of(record), _id_of(record)
        if id_ in seen:
            raise RowError("DUPLICATE_VALUE", f"duplicate id in the request: {id_}")
        seen.add(id_)
        values = _values(record)
        try:
            self._org.change(sobject.name, id_, values, by.actor, by.options)
        except RowError as error:
            raise _as_cross_reference(error) from None
        return {"id": id_, "success": True, "errors": []}

    def _upsert_one(self, record: dict[str, Any], by: By, sobject: SObject, field: Field, seen: set[Any]) -> Result:
        key = next((value for name, value in record.items() if name.lower() == field.name.lower()), None)
        values = {name: value for name, value in _values(record).items() if name.lower() != field.name.lower()}
        found = [] if key is None and field.type == "id" else self._matching(sobject, field, key, seen)
        if found:
            self._org.change(sobject.name, found[0], values, by.actor, by.options)
            return {"id": found[0], "success": True, "errors": [], "created": False}
        new = values if field.type == "id" else {**values, field.name: key}
        id_ = self._org.create(sobject.name, new, by.actor, by.options)
        return {"id": id_, "success": True, "errors": [], "created": True}

    def _matching(self, sobject: SObject, field: Field, key: Any, seen: set[Any]) -> list[str]:
        if key is None:
            raise RowError("MISSING_ARGUMENT", f"{field.name} not specified", [field.name])
        folded = str(key).casefold()
        if folded in seen:
            raise RowError("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", [field.name])
        seen.add(folded)
        try:
            found = self._rows.matches(sobject, field, key)
        except RowError as error:
            raise _as_cross_reference(error) from None
        if len(found) > 1:
            raise RowError("DUPLICATE_EXTERNAL_ID", f"more than one record found for external id field: {field.name}")
        return found

    def _delete_one(self, record: dict[str, Any], by: By) -> Result:
        full = normal(record["id"])
        sobject = None if full is None else self._org.object_of_id(full)
        if full is None or sobject is None:
            raise RowError("MALFORMED_ID", f"malformed id {record['id']}")
        try:
            self._org.remove(sobject.name, full, by.actor)
        except RowError as error:
            raise _as_cross_reference(error) from None
        return {"id": full, "success": True, "errors": []}


def _id_of(record: dict[str, Any]) -> str:
    given = next((value for name, value in record.items() if name.lower() == "id"), None)
    full = normal(given) if isinstance(given, str) else None
    if given is None:
        raise RowError("MISSING_ARGUMENT", "Id not specified in an update call")
    if full is None:
        raise RowError("MALFORMED_ID", f"Id: id value of incorrect type: {given}", ["Id"])
    return full


def _values(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name.lower() not in ("attributes", "id")}


def _as_cross_reference(error: RowError) -> RowError:
    if error.code == "NOT_FOUND":  # a record that never was answers like this inside Collections
        return RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    return error


def _rolled_back(result: Result) -> Result:
    if not result["success"]:
        return result
    message = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    return {"success": False, "errors": [RowError("ALL_OR_NONE_OPERATION_ROLLED_BACK", message).as_item()]}


def _chunks(records: list[dict[str, Any]]) -> int:
    attributes = [record.get("attributes") for record in records]
    kinds = [one.get("type") if isinstance(one, dict) else None for one in attributes]
    return sum(1 for number, kind in enumerate(kinds) if number == 0 or kind != kinds[number - 1])
