"""The portal's HTTP surface: each request through the vendor's checks in their order, limits counted and told."""

from __future__ import annotations

from math import ceil
from typing import Any

import orjson

from syncd.emulator.http import Call, Refused, Reply
from syncd.emulator.hubspot.context import Asked, Context
from syncd.emulator.hubspot.errors import HTML, MISSING_PAGE, refused
from syncd.emulator.hubspot.grants import Grant, Tokens
from syncd.emulator.hubspot.limits import Over
from syncd.emulator.hubspot.routes import DATED, Action, Routes
from syncd.emulator.hubspot.scopes import check_scopes, needed
from syncd.emulator.hubspot.shapes import Shape, misfit
from syncd.emulator.hubspot.store import Portal
from syncd.emulator.variants import Variants

_ACCEPTED = ("application/json", "application/*", "*/*")
_VERSIONS = (*DATED, "v4", "v3", "v1")
LONGEST = 16_384
_NO_CREDENTIALS = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
    "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
_SAID = {"TEN_SECONDLY_ROLLING": "ten_secondly_rolling", "SECONDLY": "secondly", "DAILY": "daily"}


class HubspotApi:
    """Answers every request to the portal."""

    def __init__(self, portal: Portal, tokens: Tokens, variants: Variants) -> None:
        portal.variants = variants
        self._portal, self._tokens, self._variants = portal, tokens, variants
        self._context = Context(portal, tokens, variants)
        self._router = Routes(self._context).router

    def handle(self, call: Call) -> Reply:
        """Method, media types, credential, limits, object type, body, scopes, locks, and only then the record."""
        if len(call.path) + len(call.query) > LONGEST:
            return Reply(414, b"", {"Content-Type": "text/html"})
        found = self._action(call)
        if isinstance(found, Reply):
            return found
        self._portal.settle()
        if found.open:
            return found.handler(call)
        grant = self._grant(call, found)
        call.by = grant.name
        self._portal.outages.check_moving(call.id)
        self._context.asked = Asked(grant, _version(call.segments))
        return self._limited(call, found, grant)

    def _action(self, call: Call) -> Action | Reply:
        found = self._router.find(call.segments)
        if found is None:
            return Reply(404, MISSING_PAGE, dict(HTML))
        methods, call.args = found
        action = methods.get("GET" if call.method == "HEAD" else call.method)
        if action is None:
            return Reply(405, b"", {"Allow": ", ".join(methods)})
        sent = call.headers.get("content-type", "application/json").split(";")[0]
        if action.body is not None and sent != "application/json":
            return Reply(415, b"")
        accept = call.headers.get("accept", "*/*").split(",")
        if not any(part.split(";")[0].strip() in _ACCEPTED for part in accept):
            return Reply(406, b"")
        return action

    def _grant(self, call: Call, action: Action) -> Grant:
        grant = self._tokens.find(call.headers.get("authorization", ""))
        if grant is None and action.family == "app":
            grant = self._tokens.developer(call.params().get("hapikey", ""))
        if grant is None:
            raise refused(401, _NO_CREDENTIALS, "INVALID_AUTHENTICATION", call.id)
        if grant.expires is not None and self._portal.clock.now() >= grant.expires:
            expired = self._variants.hubspot_expired_category == "expired"
            category = "EXPIRED_AUTHENTICATION" if expired else "INVALID_AUTHENTICATION"
            message = "The OAuth token used to make this call expired. Refresh it and try again."
            raise refused(401, message, category, call.id)
        return grant

    # --- limits

    def _limited(self, call: Call, action: Action, grant: Grant) -> Reply:
        exempt = action.search or (action.links and self._variants.hubspot_association_calls == "exempt")
        over = self._portal.limiter.admit(grant, action.search, not exempt)
        try:
            reply = self._checked(call, action, grant) if over is None else self._too_many(call, grant, over)
        except Refused as error:
            reply = error.reply
        if not action.search:
            reply.headers |= self._portal.limiter.headers(grant)
        return reply

    def _too_many(self, call: Call, grant: Grant, over: Over) -> Reply:
        group = "applications" if grant.oauth else "private-apps"
        content = {
            "status": "error", "message": f"You have reached your {_SAID[over.policy]} limit.",
            "errorType": "RATE_LIMIT", "correlationId": call.id, "policyName": over.policy,
            "groupName": f"publicapi:{group}:{grant.app}:{self._portal.id}",
        }  # fmt: skip
        reply = Reply.json(content, 429)
        if self._variants.hubspot_retry_after == "present":
            reply.headers["Retry-After"] = str(ceil(over.wait.total_seconds()))
        return reply

    # --- the request itself

    def _checked(self, call: Call, action: Action, grant: Grant) -> Reply:
        kinds = [self._context.kind(call, name) for name in ("type", "to") if name in call.args]
        if action.body is not None:
            call.json = self._body(call, action.body)
        check_scopes(grant, needed(action.family, action.access, kinds), call.id)
        if action.lockable:
            self._portal.outages.check_lock(kinds[0].name, call.id)
        return action.handler(call)

    def _body(self, call: Call, shape: Shape) -> Any:
        try:
            parsed = orjson.loads(call.body)
        except orjson.JSONDecodeError as error:
            message = f"Invalid input JSON on line {error.lineno}, column {error.colno}: {error.msg}"
            raise refused(400, message, "VALIDATION_ERROR", call.id) from None
        wrong = misfit(parsed, shape)
        if wrong is not None:
            message = f"Invalid input JSON on line 1, column 1: Cannot build the request from the value at {wrong}"
            raise refused(400, message, "VALIDATION_ERROR", call.id)
        return parsed


def _version(segments: list[str]) -> str:
    return next((part.lower() for part in segments[:3] if part.lower() in _VERSIONS), "")
