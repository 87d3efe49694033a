"""The portal's HTTP surface: every version mounted on one store, checks in the vendor's order, rate headers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from syncd.emulator.http import Call, Handler, Reply, Router
from syncd.emulator.hubspot.associations import Associations
from syncd.emulator.hubspot.auth import Access, Tokens, check_scope
from syncd.emulator.hubspot.batch import Batches
from syncd.emulator.hubspot.context import Context
from syncd.emulator.hubspot.errors import MISSING_PAGE, refused
from syncd.emulator.hubspot.meta import DAILY_CALLS, Meta
from syncd.emulator.hubspot.objects import Objects
from syncd.emulator.hubspot.properties import Properties
from syncd.emulator.hubspot.search import Search
from syncd.emulator.hubspot.store import Portal
from syncd.emulator.variants import Variants

DATED = ("2026-09", "2026-03")
BURST, BURST_WINDOW = 190, timedelta(seconds=10)
_ACCEPTED = ("application/json", "application/*", "*/*")


@dataclass(frozen=True, slots=True)
class Action:
    """A handler with the access it needs and whether it takes a JSON body."""

    handler: Handler
    access: Access = "read"
    body: bool = False
    limited: bool = True


def _writes(handler: Handler, body: bool = True) -> Action:
    return Action(handler, "write", body)


def _reads(handler: Handler) -> Action:
    return Action(handler, "read", True)


class HubspotApi:
    """Answers every request to the portal."""

    def __init__(self, portal: Portal, tokens: Tokens, variants: Variants) -> None:
        self._portal, self._tokens = portal, tokens
        self._context = Context(portal, variants)
        self._meta = Meta(self._context)
        self._recent: deque[datetime] = deque()
        self._router: Router[Action] = Router()
        for version in (*DATED, "v3"):
            self._add_objects(version)
            self._add_definitions(version)
        self._add_links()

    # --- routes

    def _mount(self, version: str, api: str) -> str:
        return f"/crm/{version}/{api}" if version.startswith("v") else f"/crm/{api}/{version}"

    def _add_objects(self, version: str) -> None:
        objects = Objects(self._context)
        batches, search, add = Batches(self._context, objects), Search(self._context), self._router.add
        base = self._mount(version, "objects") + "/{type}"
        add(base, GET=Action(objects.page), POST=_writes(objects.create))
        add(f"{base}/search", POST=Action(search.run, "read", True, limited=False))
        add(f"{base}/batch/read", POST=_reads(batches.read))
        for name in ("create", "update", "upsert", "archive"):
            add(f"{base}/batch/{name}", POST=_writes(getattr(batches, name)))
        one = base + "/{id}"
        add(one, GET=Action(objects.read), PATCH=_writes(objects.update), DELETE=_writes(objects.archive, body=False))

    def _add_definitions(self, version: str) -> None:
        properties, meta, add = Properties(self._context), self._meta, self._router.add
        base = self._mount(version, "properties") + "/{type}"
        add(base, GET=Action(properties.every), POST=_writes(properties.create))
        add(f"{base}/groups", GET=Action(properties.groups), POST=_writes(properties.create_group))
        add(f"{base}/groups/{{group}}", GET=Action(properties.group))
        add(f"{base}/batch/read", POST=_reads(properties.batch_read))
        add(f"{base}/batch/create", POST=_writes(properties.batch_create))
        add(f"{base}/batch/archive", POST=_writes(properties.batch_archive))
        add(f"{base}/{{name}}", GET=Action(properties.read), PATCH=_writes(properties.update),
            DELETE=_writes(properties.archive, body=False))  # fmt: skip
        owners, pipelines = self._mount(version, "owners"), self._mount(version, "pipelines") + "/{type}"
        add(owners, GET=Action(meta.owners))
        add(f"{owners}/{{id}}", GET=Action(meta.owner))
        add(pipelines, GET=Action(meta.pipelines))
        add(f"{pipelines}/{{pipeline}}", GET=Action(meta.pipeline))
        add(f"{pipelines}/{{pipeline}}/stages", GET=Action(meta.stages))
        add(f"{pipelines}/{{pipeline}}/stages/{{stage}}", GET=Action(meta.stage))
        add(f"/crm-object-schemas/{version}/schemas", GET=Action(meta.schemas))
        add(f"/crm-object-schemas/{version}/schemas/{{type}}", GET=Action(meta.schema))
        add(f"/account-info/{version}/details", GET=Action(meta.account))
        add(f"/account-info/{version}/api-usage/daily/private-apps", GET=Action(meta.usage))

    def _add_links(self) -> None:
        links, add = Associations(self._context), self._router.add
        for version in (*DATED, "v4", "v3"):
            base = self._mount(version, "associations") + "/{type}/{to}"
            add(f"{base}/batch/read", POST=_reads(links.read))
            add(f"{base}/batch/create", POST=_writes(links.create))
            add(f"{base}/batch/archive", POST=_writes(links.archive))
            add(f"{base}/batch/associate/default", POST=_writes(links.create_default))
            add(f"{base}/labels", GET=Action(links.labels))
        for version in (*DATED, "v4"):
            base = self._mount(version, "objects") + "/{type}/{id}/associations"
            if version != "2026-09":  # the list of one record is not part of 2026-09
                add(f"{base}/{{to}}", GET=Action(links.of_record))
            add(f"{base}/{{to}}/{{to_id}}", PUT=_writes(links.put), DELETE=_writes(links.delete, body=False))
            add(f"{base}/default/{{to}}/{{to_id}}", PUT=_writes(links.put, body=False))

    # --- one request

    def handle(self, call: Call) -> Reply:
        """Method, Accept, credential, object type, body, scope, and only then the record."""
        if len(call.path) + len(call.query) > 16_384:
            return Reply(414, b"", {"Content-Type": "text/html"})
        action = self._action(call)
        if isinstance(action, Reply):
            return action
        call.by, may_write = self._tokens.caller(call)
        self._meta.calls_today += 1
        reply = self._checked(call, action, may_write)
        if action.limited:
            reply.headers |= self._rate_headers()
        return reply

    def _action(self, call: Call) -> Action | Reply:
        found = self._router.find(call.segments)
        if found is None:
            return Reply(404, MISSING_PAGE, {"Content-Type": "text/html;charset=iso-8859-1"})
        methods, call.args = found
        call.args["version"] = _version(call.segments)
        action = methods.get("GET" if call.method == "HEAD" else call.method)
        if action is None:
            return Reply(405, b"", {"Allow": ", ".join(methods)})
        accept = call.headers.get("accept", "*/*").split(",")
        if not any(part.split(";")[0].strip() in _ACCEPTED for part in accept):
            return Reply(406, b"")
        return action

    def _checked(self, call: Call, action: Action, may_write: bool) -> Reply:
        for name in ("type", "to"):
            if name in call.args:
                self._context.kind(call, name)
        if action.body:
            call.json = self._body(call)
        kind = self._context.kind(call).name if "type" in call.args else "companies"
        check_scope(call, may_write, action.access, "custom" if kind.startswith("p_") else kind)
        return action.handler(call)

    def _body(self, call: Call) -> Any:
        try:
            parsed = orjson.loads(call.body)
        except orjson.JSONDecodeError as error:
            message = f"Invalid input JSON on line {error.lineno}, column {error.colno}: {error.msg}"
            raise refused(400, message, "VALIDATION_ERROR", call.id) from None
        if not isinstance(parsed, dict) and not (isinstance(parsed, list) and call.method == "PUT"):
            message = "Invalid input JSON on line 1, column 1: Cannot build the request from this value"
            raise refused(400, message, "VALIDATION_ERROR", call.id)
        return parsed

    def _rate_headers(self) -> dict[str, str]:
        now = self._portal.clock.now()
        self._recent.append(now)
        while self._recent[0] <= now - BURST_WINDOW:
            self._recent.popleft()
        return {
            "x-hubspot-ratelimit-max": str(BURST),
            "x-hubspot-ratelimit-remaining": str(max(0, BURST - len(self._recent))),
            "x-hubspot-ratelimit-interval-milliseconds": str(BURST_WINDOW // timedelta(milliseconds=1)),
            "x-hubspot-ratelimit-secondly": str(BURST // 10),
            "x-hubspot-ratelimit-secondly-remaining": str(BURST // 10 - 1),
            "x-hubspot-ratelimit-daily": str(DAILY_CALLS),
            "x-hubspot-ratelimit-daily-remaining": str(max(0, DAILY_CALLS - self._meta.calls_today)),
        }


def _version(segments: list[str]) -> str:
    return next((part.lower() for part in segments[:3] if part.lower() in (*DATED, "v3", "v4")), "")
