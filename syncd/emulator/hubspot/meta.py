"""What surrounds the records: owners, pipelines, schemas of custom objects, the account and its quota."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot.context import Context
from syncd.emulator.hubspot.errors import refused
from syncd.emulator.hubspot.pipelines import EPOCH, Owner, Pipeline
from syncd.emulator.hubspot.properties import shown
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import wire_time

DAILY_CALLS = 650_000
MOST_OWNERS = 500


class Meta:
    """The resources that are not records."""

    def __init__(self, context: Context) -> None:
        self._context, self._portal = context, context.portal
        self.calls_today = 0

    # --- owners

    def owners(self, call: Call) -> Reply:
        """GET owners: by id, at most 500 a page, `email` and `archived` as filters"""
        limit = self._context.whole_number(call, "limit", 100, MOST_OWNERS)
        archived, params = self._context.flag(call, "archived"), call.params()
        email, after = params.get("email", "").lower(), int(params.get("after") or 0)
        found = [one for one in self._by_id() if one.archived == archived and int(one.id) > after]
        found = [one for one in found if not email or one.email.lower() == email]
        content: dict[str, Any] = {"results": [one.shown() for one in found[:limit]]}
        if len(found) > limit:
            content["paging"] = {"next": {"after": found[limit - 1].id}}
        return Reply.json(content, records=len(content["results"]))

    def _by_id(self) -> list[Owner]:
        return sorted(self._portal.owners.values(), key=lambda one: int(one.id))

    def owner(self, call: Call) -> Reply:
        """GET owners/{id}, `idProperty` id or userId"""
        by_user = call.params().get("idProperty") == "userId"
        archived = self._context.flag(call, "archived")
        for one in self._portal.owners.values():
            if call.args["id"] == (one.user_id if by_user else one.id) and one.archived == archived:
                return Reply.json(one.shown(), records=1)
        raise refused(404, "resource not found", "OBJECT_NOT_FOUND", call.id)

    # --- pipelines

    def pipelines(self, call: Call) -> Reply:
        """GET pipelines/{type}"""
        kind = self._context.kind(call)
        found = self._portal.pipelines.get(kind.name, {}).values()
        return Reply.json({"results": [one.shown(kind.name) for one in found]}, records=len(found))

    def pipeline(self, call: Call) -> Reply:
        """GET pipelines/{type}/{id}"""
        kind = self._context.kind(call)
        return Reply.json(self._pipeline(call, kind).shown(kind.name))

    def stages(self, call: Call) -> Reply:
        """GET pipelines/{type}/{id}/stages"""
        kind = self._context.kind(call)
        return Reply.json({"results": self._pipeline(call, kind).shown(kind.name)["stages"]})

    def stage(self, call: Call) -> Reply:
        """GET pipelines/{type}/{id}/stages/{stage}"""
        kind = self._context.kind(call)
        found = self._pipeline(call, kind).stages.get(call.args["stage"])
        if found is None:
            raise refused(404, "resource not found", "OBJECT_NOT_FOUND", call.id)
        return Reply.json(found.shown(kind.name))

    def _pipeline(self, call: Call, kind: ObjectType) -> Pipeline:
        found = self._portal.pipelines.get(kind.name, {}).get(call.args["pipeline"])
        if found is None:
            raise refused(404, "resource not found", "OBJECT_NOT_FOUND", call.id)
        return found

    # --- custom schemas

    def schemas(self, call: Call) -> Reply:
        """GET schemas: custom objects only"""
        custom = [one for one in self._portal.types.all.values() if one.custom]
        return Reply.json({"results": [self._schema(one) for one in custom]}, records=len(custom))

    def schema(self, call: Call) -> Reply:
        """GET schemas/{type}"""
        return Reply.json(self._schema(self._context.kind(call)))

    def _schema(self, kind: ObjectType) -> dict[str, Any]:
        name, properties = kind.name.removeprefix("p_"), self._portal.properties[kind.name]
        own = [prop for prop in properties.values() if not prop.standard]
        label = name.replace("_", " ").capitalize()
        primary = own[0].name if own else "hs_object_id"
        return {
            "id": kind.id.partition("-")[2], "objectTypeId": kind.id, "name": name,
            "fullyQualifiedName": self._portal.types.full_name(kind),
            "labels": {"singular": label, "plural": f"{label}s"},
            "primaryDisplayProperty": primary, "secondaryDisplayProperties": [], "searchableProperties": [primary],
            "requiredProperties": [], "properties": [shown(self._portal, kind, prop) for prop in properties.values()],
            "associations": [], "archived": False, "metaType": "PORTAL_SPECIFIC", "portalId": self._portal.id,
            "createdAt": EPOCH, "updatedAt": EPOCH,
        }  # fmt: skip

    # --- the account

    def account(self, call: Call) -> Reply:
        """GET account-info details"""
        return Reply.json(self._portal.account)

    def usage(self, call: Call) -> Reply:
        """GET account-info daily usage of private apps"""
        now = self._portal.clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        row = {"name": "private-apps-api-calls-daily", "usageLimit": DAILY_CALLS, "currentUsage": self.calls_today,
               "collectedAt": wire_time(now), "fetchStatus": "SUCCESS", "resetsAt": wire_time(midnight)}  # fmt: skip
        return Reply.json({"results": [row]})
