"""Batches of up to 100 records: read, create, update, upsert, archive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot import removal
from syncd.emulator.hubspot.context import Context, Item
from syncd.emulator.hubspot.errors import Missing, Rejected, RuleBroken, rejection
from syncd.emulator.hubspot.objects import Objects
from syncd.emulator.hubspot.present import presenter
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.table import Row

MOST = 100


class Batches:
    """The resources below /{type}/batch."""

    def __init__(self, context: Context, objects: Objects) -> None:
        self._context, self._objects, self._portal = context, objects, context.portal

    def read(self, call: Call) -> Reply:
        """POST batch/read: 207 if some ids are not there; the id of a merged record brings its survivor."""
        kind, inputs = self._context.kind(call), self._context.inputs(call, MOST)
        by, archived = call.json.get("idProperty"), self._context.flag(call, "archived")
        if by is not None and by != "hs_object_id":
            self._objects.check_id_property(call, kind, by)
        present = presenter(self._portal, kind, call.json.get("properties") or None,
                            call.json.get("propertiesWithHistory") or ())  # fmt: skip
        rows: dict[str, Row] = {}
        missing: list[str] = []
        for id_ in dict.fromkeys(self._id(call, one) for one in inputs):
            try:
                row = self._portal.find(kind, id_, by, archived, self._exact)
                rows[row[0]] = row
            except Missing:
                missing.append(id_)
        errors = [self._context.not_found_item(kind, missing)] if missing else []
        return self._answer(call, [present(row) for row in rows.values()], errors)

    def create(self, call: Call) -> Reply:
        """POST batch/create: errors per input only if every input has its own trace id."""
        kind, inputs, actor = self._context.kind(call), self._context.inputs(call, MOST), self._context.actor(call)
        traces = [one.get("objectWriteTraceId") for one in inputs]
        traced = all(traces) and len(set(traces)) == len(traces)
        found: list[tuple[Row | None, Item]] = [(None, one) for one in inputs]
        refusals = self._refusals(call, kind, found)
        if refusals and not traced:
            raise rejection(next(iter(refusals.values())), call.id)
        results: list[Item] = []
        for at, one in enumerate(inputs):
            if at not in refusals:
                row = self._portal.create(kind, self._objects.properties(call, one), actor)
                self._objects.associate(kind, row, one, actor)
                results.append(self._written(kind, row, one))
        errors = [self._error(call, error, inputs[at]) for at, error in refusals.items()]
        return self._answer(call, results, errors, 201)

    def update(self, call: Call) -> Reply:
        """POST batch/update: one invalid value refuses the whole batch, ids that are not there only themselves."""
        kind, inputs, actor = self._context.kind(call), self._context.inputs(call, MOST), self._context.actor(call)
        by = self._one_id_property(call, kind, inputs)
        ids = [self._id(call, one) for one in inputs]
        self._refuse_twice(call, ids)
        found: list[tuple[Row, Item]] = []
        missing: list[str] = []
        for id_, one in zip(ids, inputs, strict=True):
            try:
                found.append((self._portal.find(kind, id_, by, exact=self._exact), one))
            except Missing:
                missing.append(id_)
        refusals = self._refusals(call, kind, found)
        self._raise_whole(call, refusals.values())
        for at, (row, one) in enumerate(found):
            if at not in refusals:
                self._portal.change(kind, row, one["properties"], actor)
        errors = [self._context.not_found_item(kind, missing)] if missing else []
        errors += [self._error(call, error, found[at][1]) for at, error in refusals.items()]
        done = [self._written(kind, row, one) for at, (row, one) in enumerate(found) if at not in refusals]
        return self._answer(call, done, errors)

    def upsert(self, call: Call) -> Reply:
        """POST batch/upsert by a unique property; failures are partial."""
        kind, inputs = self._context.kind(call), self._context.inputs(call, MOST)
        by = self._one_id_property(call, kind, inputs)
        if by is None:
            raise self._context.bad(call, "idProperty is required for upsert")
        self._refuse_twice(call, [self._id(call, one) for one in inputs])
        results: list[Item] = []
        errors: list[Item] = []
        for one in inputs:
            try:
                results.append(self._upsert_one(call, kind, one, by))
            except Rejected as error:
                errors.append(self._error(call, error, one))
        return self._answer(call, results, errors)

    def archive(self, call: Call) -> Reply:
        """POST batch/archive"""
        kind, inputs = self._context.kind(call), self._context.inputs(call, MOST)
        for id_ in [self._id(call, one) for one in inputs]:
            row = self._portal.tables[kind.name].rows.get(id_)
            if row is not None and not self._portal.is_archived(kind, row):
                removal.remove(self._portal, kind, row, self._context.actor(call))
        return Reply(204, records=len(inputs))

    # --- the envelope

    @property
    def _exact(self) -> bool:
        return self._context.variants.hubspot_merged_in_batches == "missing"

    def _id(self, call: Call, one: Item) -> str:
        if one.get("id") in (None, ""):
            raise self._context.bad(call, "Some required fields were not set: [id]")
        return str(one["id"])

    def _one_id_property(self, call: Call, kind: ObjectType, inputs: list[Item]) -> str | None:
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

    def _answer(self, call: Call, results: list[Item], errors: list[Item], status: int = 200) -> Reply:
        return self._context.batch(call, self._context.ordered(call, results), errors, status)

    def _written(self, kind: ObjectType, row: Row, one: Item) -> Item:
        shown = presenter(self._portal, kind, one.get("properties") or {})(row)
        trace = one.get("objectWriteTraceId")
        return shown | ({"objectWriteTraceId": trace} if trace else {})

    def _error(self, call: Call, error: Rejected, one: Item) -> Item:
        context = {"id": [str(one["id"])]} if one.get("id") else {}
        trace = {"objectWriteTraceId": [one["objectWriteTraceId"]]} if one.get("objectWriteTraceId") else {}
        return self._context.error_item(call, error, **context, **trace)

    # --- checks before anything is written

    def _refusals(self, call: Call, kind: ObjectType, found: list[Any]) -> dict[int, Rejected]:
        """By place in the batch why an input would be refused."""
        refusals: dict[int, Rejected] = {}
        claimed: dict[tuple[str, str], int] = {}
        for at, (row, one) in enumerate(found):
            given = self._objects.properties(call, one)
            if not given and row is not None:
                raise self._context.bad(call, "No properties found to update, please provide at least one.")
            try:
                self._check(call, kind, row, one, at, claimed)
            except Rejected as error:
                refusals[at] = error
            except Missing as error:
                refusals[at] = Rejected(f"Associated object {error.id} was not found")
        return refusals

    def _check(
        self, call: Call, kind: ObjectType, row: Row | None, one: Item, at: int, claimed: dict[tuple[str, str], int]
    ) -> None:
        author = self._context.actor(call)
        values = self._portal.prospect(kind, self._objects.properties(call, one), row, author)
        if row is None:
            self._objects.check_links(kind, one, author)
        unique = [name for name in values if self._portal.properties[kind.name][name].unique]
        for name in unique:
            text = values[name]
            if text and claimed.setdefault((name, text.casefold()), at) != at:
                raise Rejected(f"Two inputs of the batch have the same {name}: {text}")

    def _raise_whole(self, call: Call, refusals: Iterable[Rejected]) -> None:
        """Raises the first refusal that takes the whole batch with it."""
        for error in refusals:
            variants = self._context.variants
            whole = variants.hubspot_rule_batch if isinstance(error, RuleBroken) else variants.hubspot_invalid_value
            if whole == "whole":
                raise rejection(error, call.id)

    def _upsert_one(self, call: Call, kind: ObjectType, one: Item, by: str) -> Item:
        actor, key = self._context.actor(call), str(one["id"])
        given = {name: value for name, value in self._objects.properties(call, one).items() if name != by}
        try:
            row = self._portal.find(kind, key, by)
        except Missing:
            row = self._portal.create(kind, {**given, by: key}, actor)
            return self._written(kind, row, one) | {"new": True}
        self._portal.change(kind, row, given, actor)
        return self._written(kind, row, one) | {"new": False}
