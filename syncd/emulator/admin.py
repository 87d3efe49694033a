"""The admin API on loopback: read the logs, move the clock, edit as a person, plan faults."""

from __future__ import annotations

import hmac
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import orjson

from syncd.emulator.clock import EmulatorClock
from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.http import Call, Handler, Refused, Reply, Router
from syncd.emulator.log import Change, Redundant, Request

if TYPE_CHECKING:
    from syncd.emulator.emulator import Emulator


class AdminApi:
    """Answers requests that carry the admin token."""

    def __init__(self, emulator: Emulator, token: str) -> None:
        self._emulator, self._token = emulator, token
        self._router: Router[Handler] = Router()
        add = self._router.add
        add("/changes", GET=lambda call: _logged(call, emulator.journal.changes))
        add(
            "/requests",
            GET=lambda call: _logged(call, emulator.journal.requests),
        )
        add("/redundant", GET=self._redundant)
        add("/clock", GET=self._time, POST=self._move)
        add("/rows", GET=self._rows)
        add("/edit", POST=self._edit)
        add("/insert", POST=self._insert)
        add("/delete", POST=self._delete)
        add("/fail", POST=self._fail)

    def handle(self, call: Call) -> Reply:
        """One request."""
        if not hmac.compare_digest(call.headers.get("authorization", ""), f"Bearer {self._token}"):
            return _problem(401, "the admin token is needed")
        found = self._router.find(call.segments)
        if found is None:
            return _problem(404, f"no such resource: {call.path}")
        handler = found[0].get(call.method)
        if handler is None:
            return _problem(405, f"{call.method} is not offered here: {', '.join(found[0])}")
        call.by, call.args = "admin", found[1]
        return self._guarded(call, handler)

    def _guarded(self, call: Call, handler: Handler) -> Reply:
        try:
            call.json = _body(call)
            return handler(call)
        except EmulatorRefusal as error:
            return _problem(400, str(error))
        except (KeyError, TypeError, ValueError) as error:
            return _problem(400, f"{type(error).__name__}: {error}")

    def _redundant(self, call: Call) -> Reply:
        writes = self._emulator.journal.redundant
        return Reply.json({"count": len(writes), "writes": [asdict(one) for one in writes]})

    def _time(self, call: Call) -> Reply:
        clock = self._emulator.clock
        return Reply.json({"now": clock.now(), "frozen": isinstance(clock, EmulatorClock) and clock.frozen})

    def _move(self, call: Call) -> Reply:
        clock = self._emulator.clock
        if not isinstance(clock, EmulatorClock):
            raise Refused(_problem(409, "this emulator runs on a clock that it cannot move"))
        if "freeze_at" in call.json:
            clock.freeze(datetime.fromisoformat(call.json["freeze_at"]))
        if call.json.get("run"):
            clock.run()
        if "advance_seconds" in call.json:
            clock.advance(timedelta(seconds=float(call.json["advance_seconds"])))
        return self._time(call)

    def _rows(self, call: Call) -> Reply:
        params = call.params()
        rows = self._view(params["system"]).rows(params["object"])
        return Reply.json({"results": rows}, records=len(rows))

    def _edit(self, call: Call) -> Reply:
        body = call.json
        self._view(body["system"]).edit(body["object"], body["id"], body["fields"], user=body.get("user"))
        return Reply.json({"id": body["id"]})

    def _insert(self, call: Call) -> Reply:
        body = call.json
        more = {"associations": body["associations"]} if "associations" in body else {}
        id_ = self._view(body["system"]).insert(body["object"], body["fields"], user=body.get("user"), **more)
        return Reply.json({"id": id_}, 201)

    def _delete(self, call: Call) -> Reply:
        body, view = call.json, self._view(call.json["system"])
        delete = view.delete if body["system"] == "salesforce" else view.archive
        delete(body["object"], body["id"], user=body.get("user"))
        return Reply(204)

    def _fail(self, call: Call) -> Reply:
        self._emulator.fail(**call.json)
        return Reply(204)

    def _view(self, system: str) -> Any:
        views = {"salesforce": self._emulator.salesforce, "hubspot": self._emulator.hubspot}
        return cast(Any, views[system])


def _logged(call: Call, entries: list[Change] | list[Request] | list[Redundant]) -> Reply:
    start = int(call.params().get("from", "0"))
    return Reply.json({"total": len(entries), "results": [asdict(one) for one in entries[start:]]})


def _body(call: Call) -> dict[str, Any]:
    body = orjson.loads(call.body or b"{}")
    if not isinstance(body, dict):
        raise ValueError("a JSON object is needed")
    return body


def _problem(status: int, message: str) -> Reply:
    return Reply.json({"error": message}, status)
