"""The admin side of webhooks over HTTP: where an app wants them, and which."""

from __future__ import annotations

from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot.authors import APP_ID
from syncd.emulator.hubspot.context import Context, Item
from syncd.emulator.hubspot.errors import refused
from syncd.emulator.hubspot.hooks import Subscription
from syncd.emulator.hubspot.sender import check_target
from syncd.emulator.hubspot.values import wire_time


class Subscriptions:
    """The resources below /app-webhooks/{version}/{appId}."""

    def __init__(self, context: Context) -> None:
        self._context, self._portal, self._hooks = context, context.portal, context.portal.hooks

    def settings(self, call: Call) -> Reply:
        """GET settings"""
        self._check_app(call)
        if not self._hooks.target:
            raise refused(404, "resource not found", "OBJECT_NOT_FOUND", call.id)
        return Reply.json(self._settings())

    def put_settings(self, call: Call) -> Reply:
        """PUT settings: the URL that subscriptions without one of their own are sent to"""
        self._check_app(call)
        try:
            check_target(str(call.json.get("targetUrl") or ""))
        except EmulatorRefusal as error:
            raise self._context.bad(call, str(error)) from None
        self._hooks.target = str(call.json["targetUrl"])
        self._hooks.concurrency = int((call.json.get("throttling") or {}).get("maxConcurrentRequests", 10))
        self._hooks.settled = wire_time(self._portal.clock.now())
        return Reply.json(self._settings())

    def delete_settings(self, call: Call) -> Reply:
        """DELETE settings"""
        self._check_app(call)
        self._hooks.target = ""
        return Reply(204)

    def every(self, call: Call) -> Reply:
        """GET subscriptions"""
        self._check_app(call)
        return Reply.json({"results": [self._shown(one) for one in self._hooks.subscriptions.values()]})

    def create(self, call: Call) -> Reply:
        """POST subscriptions: not active unless asked for"""
        self._check_app(call)
        body, event = call.json, str(call.json.get("eventType") or "")
        subject = event.partition(".")[0]
        spelling = str(body.get("objectTypeId") or "") if subject == "object" else subject
        try:
            made = self._hooks.subscribe("", event, self._portal.types.find(spelling), body.get("propertyName"),
                                         bool(body.get("active")))  # fmt: skip
        except EmulatorRefusal as error:
            raise self._context.bad(call, str(error)) from None
        return Reply.json(self._shown(made), 201)

    def read(self, call: Call) -> Reply:
        """GET subscriptions/{id}"""
        return Reply.json(self._shown(self._one(call, call.args["subscription"])))

    def update(self, call: Call) -> Reply:
        """PATCH subscriptions/{id}: active or not"""
        return Reply.json(self._shown(self._switch(call, call.args["subscription"], call.json)))

    def batch_update(self, call: Call) -> Reply:
        """POST subscriptions/batch/update"""
        inputs = self._context.inputs(call, 100)
        done = [self._shown(self._switch(call, str(one.get("id")), one)) for one in inputs]
        return self._context.batch(call, done, [])

    def delete(self, call: Call) -> Reply:
        """DELETE subscriptions/{id}"""
        del self._hooks.subscriptions[self._one(call, call.args["subscription"]).id]
        return Reply(204)

    # --- parts

    def _check_app(self, call: Call) -> None:
        if call.args["app"] != APP_ID:
            raise refused(404, f"App {call.args['app']} was not found", "OBJECT_NOT_FOUND", call.id)

    def _one(self, call: Call, id_: str) -> Subscription:
        self._check_app(call)
        found = self._hooks.subscriptions.get(int(id_)) if id_.isdigit() else None
        if found is None:
            raise refused(404, "resource not found", "OBJECT_NOT_FOUND", call.id)
        return found

    def _switch(self, call: Call, id_: str, body: Item) -> Subscription:
        found = self._one(call, id_)
        found.active = bool(body.get("active", found.active))
        found.updated = wire_time(self._portal.clock.now())
        return found

    def _settings(self) -> Item:
        throttling = {"maxConcurrentRequests": self._hooks.concurrency}
        return {"targetUrl": self._hooks.target, "throttling": throttling, "createdAt": self._hooks.settled,
                "updatedAt": self._hooks.settled}  # fmt: skip

    def _shown(self, one: Subscription) -> Item:
        return one.shown(self._portal.types.all.get(one.kind))
