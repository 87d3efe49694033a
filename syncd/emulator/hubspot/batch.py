"""Batches of up to 100 records: read, create, update, upsert, archive."""

from __future__ import annotations

from typing import Any

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot.context import Context
from syncd.emulator.hubspot.errors import Conflict, Invalid, Missing, refused
from syncd.emulator.hubspot.objects import Objects
from syncd.emulator.hubspot.present import presenter
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import wire_time
from syncd.emulator.table import Row

MOST = 100
Input = dict[str, Any]


class Batches:
    """The resources below /{type}/batch."""

    def __init__(self, context: Context, objects: Objects) -> None:
        self._context, self._objects, self._portal = context, objects, context.portal

    def read(self, call: Call) -> Reply:
        """POST batch/read: 207 if some ids are not there."""
        kind, inputs = self._context.kind(call), self._inputs(call)
        by, archived = call.json.get("idProperty"), self._context.flag(call, "archived")
        if by is not None and by != "hs_object_id":
            self._objects.check_id_property(call, kind, by)
        present = presenter(self._portal, kind, call.json.get("properties") or None,
                            call.json.get("propertiesWithHistory") or ())  # fmt: skip
        rows: dict[str, Row] = {}
        missing: list[str] = []
        for id_ in dict.fromkeys(self._id(call, one) for one in inputs):
            try:
                row = self._portal.find(kind, id_, by, archived)
                rows[row[0]] = row
            except Missing:
                missing.append(id_)
        errors = [self._context.not_found_item(kind, missing)] if missing else []
        return self._answer([present(row) for row in rows.values()], errors)

    def create(self, call: Call) -> Reply:
        """POST batch/create: errors per input only if every input has its own trace id."""
        kind, inputs, actor = self._context.kind(call), self._inputs(call), self._context.actor(call)
        traces = [one.get("objectWriteTraceId") for one in inputs]
        traced = all(traces) and len(set(traces)) == len(traces)
        results: list[Input] = []
        errors: list[Input] = []
        if not traced:
            self._check_creations(call, kind, inputs)
        for one in inputs:
            try:
                row = self._portal.create(kind, self._objects.properties(call, one), actor)
            except (Invalid, Conflict) as error:
                errors.append(self._context.error_item(call, error, objectWriteTraceId=[one["objectWriteTraceId"]]))
                continue
            self._objects.associate(call, kind, row, one, actor)
            results.append(self._written(kind, row, one))
        return self._answer(results, errors, 201)

    def update(self, call: Call) -> Reply:
        """POST batch/update: one invalid value refuses the whole batch, ids that are not there only themselves."""
        kind, inputs, actor = self._context.kind(call), self._inputs(call), self._context.actor(call)
        by = self._one_id_property(call, kind, inputs)
        ids = [self._id(call, one) for one in inputs]
        self._refuse_twice(call, ids)
        found: list[tuple[Row, Input]] = []
        missing: list[str] = []
        for id_, one in zip(ids, inputs, strict=True):
            try:
                found.append((self._portal.find(kind, id_, by), one))
            except Missing:
                missing.append(id_)
        self._check_updates(call, kind, found)
        for row, one in found:
            self._portal.change(kind, row, one["properties"], actor)
        errors = [self._context.not_found_item(kind, missing)] if missing else []
        return self._answer([self._written(kind, row, one) for row, one in found], errors)

    def upsert(self, call: Call) -> Reply:
        """POST batch/upsert by a unique property; failures are partial."""
        kind, inputs = self._context.kind(call), self._inputs(call)
        by = self._one_id_property(call, kind, inputs)
        if by is None:
            raise self._context.bad(call, "idProperty is required for upsert")
        self._refuse_twice(call, [self._id(call, one) for one in inputs])
        results: list[Input] = []
        errors: list[Input] = []
        for one in inputs:
            try:
                results.append(self._upsert_one(call, kind, one, by))
            except (Invalid, Conflict) as error:
                trace = [one["objectWriteTraceId"]] if one.get("objectWriteTraceId") else []
                errors.append(self._context.error_item(call, error, id=[str(one["id"])], objectWriteTraceId=trace))
        return self._answer(results, errors)

    def archive(self, call: Call) -> Reply:
        """POST batch/archive"""
        kind, inputs = self._context.kind(call), self._inputs(call)
        for one in inputs:
            row = self._portal.tables[kind.name].rows.get(self._id(call, one))
            if row is not None and not self._objects.is_archived(kind, row):
                self._portal.remove(kind, row, self._context.actor(call))
        return Reply(204, records=len(inputs))

    # --- the envelope

    def _inputs(self, call: Call) -> list[Input]:
        inputs = call.json.get("inputs")
        if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
            raise self._context.bad(call, "Invalid input JSON: Some required fields were not set: [inputs]")
        if len(inputs) > MOST:
            raise self._context.bad(call, f"Maximum input batch size is {MOST}; this request has {len(inputs)}")
        return inputs

    def _id(self, call: Call, one: Input) -> str:
        if one.get("id") in (None, ""):
            raise self._context.bad(call, "Some required fields were not set: [id]")
        return str(one["id"])

    def _one_id_property(self, call: Call, kind: ObjectType, inputs: list[Input]) -> str | None:
        used = {one.get("idProperty") for one in inputs}
        if len(used) > 1:
            raise self._context.bad(call, "All inputs must use the same idProperty")
        by = next(iter(used), None)
        self._objects.check_id_property(call, kind, by)
        return by

    def _refuse_twice(self, call: Call, ids: list[str]) -> None:
        twice = sorted({id_ for id_ in ids if ids.count(id_) > 1}) if len(set(ids)) < len(ids) else []
        if twice:
            raise self._context.bad(
                call, f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique"
            )

    def _answer(self, results: list[Input], errors: list[Input], status: int = 200) -> Reply:
        now = wire_time(self._portal.clock.now())
        results = sorted(results, key=lambda one: int(one["id"]))  # not the order of the request
        content: Input = {
            "status": "COMPLETE",
            "results": results,
            "requestedAt": now,
            "startedAt": now,
            "completedAt": now,
        }
        if errors:
            content |= {"numErrors": len(errors), "errors": errors}
        return Reply.json(content, 207 if errors else status, records=len(results))

    def _written(self, kind: ObjectType, row: Row, one: Input) -> Input:
        shown = presenter(self._portal, kind, one.get("properties") or {})(row)
        trace = one.get("objectWriteTraceId")
        return shown | ({"objectWriteTraceId": trace} if trace else {})

    # --- checks before anything is written

    def _check_updates(self, call: Call, kind: ObjectType, found: list[tuple[Row, Input]]) -> None:
        for row, one in found:
            given = self._objects.properties(call, one)
            if not given:
                raise self._context.bad(call, "No properties found to update, please provide at least one.")
            self._check(call, kind, given, row)

    def _check_creations(self, call: Call, kind: ObjectType, inputs: list[Input]) -> None:
        for one in inputs:
            self._check(call, kind, self._objects.properties(call, one), None)

    def _check(self, call: Call, kind: ObjectType, given: Input, row: Row | None) -> None:
        try:
            values = self._portal.checked(kind, given, row)
            self._portal.check_unique(kind, values, None if row is None else row[0])
        except Invalid as error:
            raise self._context.bad(call, error.message) from None
        except Conflict as error:
            raise refused(409, error.message, "CONFLICT", call.id) from None

    def _upsert_one(self, call: Call, kind: ObjectType, one: Input, by: str) -> Input:
        actor, key = self._context.actor(call), str(one["id"])
        given = {name: value for name, value in self._objects.properties(call, one).items() if name != by}
        try:
            row = self._portal.find(kind, key, by)
        except Missing:
            row = self._portal.create(kind, {**given, by: key}, actor)
            return self._written(kind, row, one) | {"new": True}
        self._portal.change(kind, row, given, actor)
        return self._written(kind, row, one) | {"new": False}
