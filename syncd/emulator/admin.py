"""The admin API on loopback: everything that the god view can do, the clock, faults, logs; it describes itself."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING, Any

import orjson

from syncd.emulator.clock import EmulatorClock
from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.http import JSON_TYPE, Call, Handler, Refused, Reply, Router
from syncd.emulator.log import Log
from syncd.emulator.words import arguments, described, public_methods, readable

if TYPE_CHECKING:
    from syncd.emulator.emulator import Emulator

MOST_PER_PAGE = 10_000


class AdminApi:
    """Answers requests that carry the admin token."""

    def __init__(self, emulator: Emulator, token: str, lock: RLock) -> None:
        self._emulator, self._token, self._lock = emulator, token, lock
        self._router: Router[Handler] = Router()
        self._guide: list[dict[str, Any]] = []
        self._add("/", "What can be done here, with arguments.", GET=self._describe)
        self._add("/state", "Time, seed, variants, counts of records and log entries.", GET=self._state)
        self._add("/do/{system}/{method}", "Call what is listed under `do`, with its arguments.", POST=self._do)
        self._add_logs()
        self._add_time()
        self._add_faults()
        self._add_short_forms()

    def _add(self, path: str, what: str, **methods: Handler) -> None:
        self._router.add(path, **methods)
        self._guide += [{"method": method, "path": path, "what": what} for method in methods]

    def _add_logs(self) -> None:
        journal, paging = self._emulator.journal, "?from=N&limit=N; the answer has `total`, `first` and `next`."
        self._add("/changes", f"Effective changes of fields {paging}", GET=lambda call: _logged(call, journal.changes))
        self._add("/redundant", f"Writes that changed nothing {paging}", GET=self._redundant)
        self._add("/requests", f"Requests to either CRM {paging}", GET=lambda call: _logged(call, journal.requests))
        what = "How many requests are kept, and whether with bodies: {keep, bodies}."
        self._router.add("/requests", POST=self._keep)
        self._guide.append({"method": "POST", "path": "/requests", "what": what})

    def _add_time(self) -> None:
        self._add("/clock", "The emulator's time.", GET=self._time)
        what = "{freeze_at: ISO time} or {freeze: true}, {advance_seconds: N}, {run: true}."
        self._router.add("/clock", POST=self._move)
        self._guide.append({"method": "POST", "path": "/clock", "what": what})

    def _add_faults(self) -> None:
        fail = described(self._emulator.fail)
        self._add("/faults", "Planned faults.", GET=lambda call: Reply.json({"results": self._emulator.faults}))
        self._router.add("/faults", POST=self._fail, DELETE=self._clear)
        self._router.add("/fail", POST=self._fail)
        self._guide += [
            {"method": "POST", "path": "/faults", "what": fail["what"], "arguments": fail["arguments"]},
            {"method": "DELETE", "path": "/faults", "what": "Clear the plan, or one fault with ?id=."},
        ]
        self._add("/held", "Requests that apply_late holds or held.", GET=self._held)
        self._add("/release", "Apply held requests now: {} for all, or {id}.", POST=self._release)

    def _add_short_forms(self) -> None:
        """The four commonest of `do`, with the system named in the body."""
        self._add("/rows", "Every record: ?system=&object=", GET=self._rows)
        self._add("/edit", "Edit as a person: {system, object, id, fields, user}.", POST=self._edit)
        self._add("/insert", "Add as a person: {system, object, fields, user, associations}.", POST=self._insert)
        self._add("/delete", "Delete or archive as a person: {system, object, id, user}.", POST=self._delete)

    # --- one request

    def handle(self, call: Call) -> Reply:
        """One request."""
        if not hmac.compare_digest(call.headers.get("authorization", "").encode(), f"Bearer {self._token}".encode()):
            return _problem(401, "the admin token is needed: Authorization: Bearer <admin.token of the JSON line>")
        found = self._router.find(call.segments)
        if found is None:
            return _problem(404, f"no such resource: {call.path}; GET / lists what there is")
        handler = found[0].get("GET" if call.method == "HEAD" else call.method)
        if handler is None:
            return _problem(405, f"{call.method} is not offered here: {', '.join(found[0])}")
        call.by, call.args = "admin", found[1]
        if handler == self._do:  # the god views lock by themselves, as long as they need
            return self._guarded(call, handler)
        with self._lock:
            return self._guarded(call, handler)

    def _guarded(self, call: Call, handler: Handler) -> Reply:
        try:
            call.json = _body(call)
            return handler(call)
        except EmulatorRefusal as error:
            return _problem(400, str(error))
        except KeyError as error:
            return _problem(400, f"{error.args[0]!r} is missing or unknown")
        except (TypeError, ValueError, OverflowError) as error:
            return _problem(400, str(error))

    # --- do

    def _describe(self, call: Call) -> Reply:
        views = {system: public_methods(view) for system, view in self._views().items()}
        do = {
            system: {name: described(method) for name, method in methods.items()} for system, methods in views.items()
        }
        return Reply.json({"routes": self._guide, "do": do})

    def _do(self, call: Call) -> Reply:
        view = self._view(call.args["system"])
        methods = public_methods(view)
        method = methods.get(call.args["method"])
        if method is None:
            known = ", ".join(methods)
            raise Refused(_problem(404, f"{call.args['system']} cannot {call.args['method']!r}; it can: {known}"))
        return _json({"result": method(**arguments(method, call.json))})

    def _views(self) -> dict[str, Any]:
        return {"salesforce": self._emulator.salesforce, "hubspot": self._emulator.hubspot}

    def _view(self, system: str) -> Any:
        views = self._views()
        if system not in views:
            raise Refused(_problem(400, f"no system {system!r}: {' or '.join(views)}"))
        return views[system]

    # --- state, logs, time

    def _state(self, call: Call) -> Reply:
        return _json(self._emulator.state())

    def _redundant(self, call: Call) -> Reply:
        page = _page(call, self._emulator.journal.redundant)
        return _json({"count": page["total"], "writes": page["results"], **page})

    def _keep(self, call: Call) -> Reply:
        kept = arguments(self._emulator.keep_requests, {"most": call.json.pop("keep"), **call.json})
        self._emulator.keep_requests(**kept)
        return Reply(204)

    def _time(self, call: Call) -> Reply:
        clock = self._emulator.clock
        return Reply.json({"now": clock.now(), "frozen": isinstance(clock, EmulatorClock) and clock.frozen})

    def _move(self, call: Call) -> Reply:
        clock, body = self._emulator.clock, call.json
        if not isinstance(clock, EmulatorClock):
            raise Refused(_problem(409, "this emulator runs on a clock that it cannot move"))
        unknown = set(body) - {"freeze_at", "freeze", "run", "advance_seconds"}
        if unknown or not body:
            raise ValueError("the clock takes freeze_at, freeze, run or advance_seconds")
        if "freeze_at" in body or body.get("freeze"):
            clock.freeze(_moment(body["freeze_at"]) if "freeze_at" in body else None)
        if body.get("run"):
            clock.run()
        if "advance_seconds" in body:
            clock.advance(timedelta(seconds=_seconds(body["advance_seconds"])))
        return self._time(call)

    # --- faults

    def _fail(self, call: Call) -> Reply:
        id_ = self._emulator.fail(**arguments(self._emulator.fail, call.json))
        return Reply(204) if call.segments == ["fail"] else Reply.json({"id": id_}, 201)

    def _clear(self, call: Call) -> Reply:
        return Reply.json({"cleared": self._emulator.clear_faults(call.params().get("id"))})

    def _held(self, call: Call) -> Reply:
        return _json({"results": self._emulator.held})

    def _release(self, call: Call) -> Reply:
        return Reply.json({"released": self._emulator.release(**arguments(self._emulator.release, call.json))})

    # --- short forms

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


def _seconds(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError(f"advance_seconds: a number of seconds is needed, not {given!r}")
    return given


def _moment(given: Any) -> datetime:
    try:
        found = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(f"freeze_at: a time with its zone is needed, such as 2026-11-23T09:00:00Z, not {given!r}")
    return found


def _logged(call: Call, log: Log[Any]) -> Reply:
    return _json(_page(call, log))


def _page(call: Call, log: Log[Any]) -> dict[str, Any]:
    params = call.params()
    first, limit = params.get("from", "0"), params.get("limit", str(MOST_PER_PAGE))
    if not (first.isdecimal() and limit.isdecimal() and int(limit) >= 1):
        raise ValueError("from is a whole number that counts from 0, and limit is one from 1")
    start, most = int(first), min(int(limit), MOST_PER_PAGE)
    results = log.page(start, most)
    after = max(start, log.first) + len(results)
    return {"total": len(log), "first": log.first, "next": after if after < len(log) else None, "results": results}


def _json(content: Any) -> Reply:
    body = orjson.dumps(content, default=readable, option=orjson.OPT_NON_STR_KEYS)
    return Reply(200, body, {"Content-Type": JSON_TYPE})


def _body(call: Call) -> dict[str, Any]:
    try:
        body = orjson.loads(call.body or b"{}")
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise ValueError("a JSON object is needed")
    return body


def _problem(status: int, message: str) -> Reply:
    return Reply.json({"error": message}, status)
