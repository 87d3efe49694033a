"""Single records, lists, merging and permanent deletion: /crm/objects/{version}/{type}."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot import removal
from syncd.emulator.hubspot.authors import Author
from syncd.emulator.hubspot.context import Context
from syncd.emulator.hubspot.errors import Missing, refused
from syncd.emulator.hubspot.links import inner_id
from syncd.emulator.hubspot.merge import merge
from syncd.emulator.hubspot.present import Present, presenter
from syncd.emulator.hubspot.types import NO_ARCHIVED_LIST, ObjectType
from syncd.emulator.table import Row

MOST, MOST_WITH_HISTORY = 100, 50


class Objects:
    """The resources for one record and for pages of records."""

    def __init__(self, context: Context) -> None:
        self._context, self._portal = context, context.portal

    def page(self, call: Call) -> Reply:
        """GET: a page in order of id; the last one has no `paging`."""
        kind = self._context.kind(call)
        most = MOST_WITH_HISTORY if call.many("propertiesWithHistory") else MOST
        limit, after = self._context.whole_number(call, "limit", 10, most), self._after(call)
        archived = self._context.flag(call, "archived")
        if archived and kind.name in NO_ARCHIVED_LIST:
            sentence = "Paging through deleted objects is not yet supported for object type"
            raise refused(400, f"{sentence} {kind.id} ({kind.internal})", None, call.id)
        rows = self._portal.in_order(kind, archived, after)
        page = list(islice(rows, limit + 1))
        present = self._presenter(call, kind)
        content: dict[str, Any] = {"results": [present(row) for row in page[:limit]]}
        if len(page) > limit:
            content["paging"] = {"next": {"after": page[limit - 1][0], "link": _link(call, page[limit - 1][0])}}
        return Reply.json(content, records=min(len(page), limit))

    def create(self, call: Call) -> Reply:
        """POST"""
        kind, actor = self._context.kind(call), self._context.actor(call)
        given = self.properties(call, call.json)

        def answer() -> Reply:
            self.check_links(kind, call.json, actor)
            row = self._portal.create(kind, given, actor)
            self.associate(kind, row, call.json, actor)
            return Reply.json(presenter(self._portal, kind, given)(row), 201, records=1)

        return self._context.answered(call, answer)

    def read(self, call: Call) -> Reply:
        """GET one"""
        kind = self._context.kind(call)

        def answer() -> Reply:
            row = self._find(call, kind, archived=self._context.flag(call, "archived"))
            return Reply.json(self._presenter(call, kind)(row), records=1)

        return self._context.answered(call, answer)

    def update(self, call: Call) -> Reply:
        """PATCH"""
        kind, actor = self._context.kind(call), self._context.actor(call)
        given = self.properties(call, call.json)
        if not given:
            raise self._context.bad(call, "No properties found to update, please provide at least one.")

        def answer() -> Reply:
            row = self._find(call, kind)
            self._portal.change(kind, row, given, actor)
            return Reply.json(presenter(self._portal, kind, given)(row), records=1)

        return self._context.answered(call, answer)

    def archive(self, call: Call) -> Reply:
        """DELETE: 204, whether or not the record was there."""
        kind = self._context.kind(call)
        row = self._portal.tables[kind.name].rows.get(call.args["id"])
        if row is not None and not self._portal.is_archived(kind, row):
            removal.remove(self._portal, kind, row, self._context.actor(call))
        return Reply(204, records=1)

    def merge(self, call: Call) -> Reply:
        """POST merge: the surviving record, whose id may be a new one"""
        kind = self._context.kind(call)
        primary, other = (str(call.json.get(name) or "") for name in ("primaryObjectId", "objectIdToMerge"))
        if not primary or not other:
            raise self._context.bad(call, "Some required fields were not set: [primaryObjectId, objectIdToMerge]")

        def answer() -> Reply:
            try:
                row = merge(self._portal, kind, primary, other, self._context.actor(call))
            except Missing as error:
                more = {"context": {"id": [error.id]}}
                raise refused(404, "Object not found", "OBJECT_NOT_FOUND", call.id, **more) from None
            return Reply.json(presenter(self._portal, kind, None)(row), records=1)

        return self._context.answered(call, answer)

    def erase(self, call: Call) -> Reply:
        """POST gdpr-delete of a contact: 204, whether or not it was there"""
        kind, by = self._context.kind(call), call.json.get("idProperty")
        if kind.name != "contacts":
            raise self._context.bad(call, f"GDPR deletion is not supported for object type {kind.id}")
        self.check_id_property(call, kind, by)
        for archived in (False, True):
            try:
                row = self._portal.find(kind, str(call.json.get("objectId") or ""), by, archived)
            except Missing:
                continue
            removal.erase(self._portal, kind, row, self._context.actor(call))
        return Reply(204, records=1)

    # --- shared with batches

    def properties(self, call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
        """The `properties` of a body, or 400."""
        given = body.get("properties", {})
        if not isinstance(given, dict):
            raise self._context.bad(call, "Invalid input JSON: properties must be an object")
        return given

    def check_links(self, kind: ObjectType, body: Mapping[str, Any], author: Author) -> None:
        """Raises what would refuse the `associations` of a creation, before anything is written."""
        for one in body.get("associations") or ():
            to = str((one.get("to") or {}).get("id", ""))
            for target in self._targets(kind, one.get("types") or ()):
                self._portal.find(self._portal.types.all[target], to)
                self._portal.rules.check_link(kind, self._portal.types.all[target], author)

    def associate(self, kind: ObjectType, row: Row, body: Mapping[str, Any], author: Author) -> None:
        """The `associations` of a creation."""
        for one in body.get("associations") or ():
            to = str((one.get("to") or {}).get("id", ""))
            for target, type_ids in self._targets(kind, one.get("types") or ()).items():
                self._portal.associate(kind, row[0], self._portal.types.all[target], to, type_ids, author)

    def _targets(self, kind: ObjectType, types: Any) -> dict[str, list[int]]:
        wanted = {
            inner_id(str(one.get("associationCategory") or "HUBSPOT_DEFINED"), int(one.get("associationTypeId") or 0))
            for one in types
        }
        found: dict[str, list[int]] = {}
        for target in self._portal.types.all.values():
            here = wanted & set(self._portal.links.known(kind, target))
            if here:
                found[target.name] = sorted(here)
        return found

    def _find(self, call: Call, kind: ObjectType, archived: bool = False) -> Row:
        by = call.params().get("idProperty")
        self.check_id_property(call, kind, by)
        return self._portal.find(kind, call.args["id"], by, archived)

    def check_id_property(self, call: Call, kind: ObjectType, by: str | None) -> None:
        """400 unless records can be addressed by that property."""
        if by is None or (by == "hs_object_id" and call.method == "GET"):
            return
        prop = self._portal.properties[kind.name].get(by)
        if prop is None or not prop.unique:
            message = (
                f"Unable to perform update/upsert by non-unique {kind.id} property {by} in portal ID {self._portal.id}"
            )
            raise self._context.bad(call, message)

    def _presenter(self, call: Call, kind: ObjectType) -> Present:
        asked = call.many("properties")
        targets = self._context.kinds(call, call.many("associations"))
        return presenter(self._portal, kind, asked or None, call.many("propertiesWithHistory"), targets)

    def _after(self, call: Call) -> int:
        text = call.params().get("after") or "0"
        if not text.isdigit():
            raise self._context.bad(call, f"The after parameter is not valid: {text}")
        return int(text)


def _link(call: Call, after: str) -> str:
    rest = {name: value for name, value in call.params().items() if name != "after"}
    return f"http://{call.headers.get('host', '')}{call.path}?{urlencode({**rest, 'after': after})}"
