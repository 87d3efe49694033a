"""The admin API: it describes itself, calls whatever the god views can do, and pages through bounded logs."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from inspect import signature
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
import requests

from syncd.emulator import Emulator, Variants
from syncd.emulator.faults import Garbling, Mode
from syncd.emulator.log import Log
from syncd.emulator.words import arguments, described, public_methods, readable

from .conftest import ACME, BETA, Served


class Knob:
    """A view with one of each kind of argument."""

    def turn(
        self, at: datetime, wait: timedelta, day: date | None = None, level: Literal["low", "high"] = "low",
        share: float = 0.5, times: int = 1, names: Iterable[str] = (), values: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Turn it."""
        return {"at": at, "wait": wait, "day": day, "share": share}

    def _hidden(self) -> None:
        raise AssertionError


def test_arguments_are_described_with_kind_and_default() -> None:
    assert list(public_methods(Knob())) == ["turn"]
    told = described(Knob().turn)
    assert told["what"] == "Turn it."
    assert told["arguments"] == {
        "at": "ISO time with zone", "wait": "seconds", "day": "ISO date or null = null",
        "level": 'low | high = "low"', "share": "number = 0.5", "times": "whole number = 1",
        "names": "list of text = []", "values": "object or null = null",
    }  # fmt: skip


def test_arguments_in_json_become_what_the_method_takes() -> None:
    given = {"at": "2026-11-23T10:00:00+01:00", "wait": 90, "day": "2026-11-23", "share": 1}
    made = Knob().turn(**arguments(Knob().turn, given))
    assert made["at"] == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert (made["wait"], made["day"], made["share"]) == (timedelta(seconds=90), date(2026, 11, 23), 1)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"at": "2026-11-23T10:00:00Z"}, "missing: wait"),
    ({"at": "2026-11-23T10:00:00", "wait": 1}, "at: a time zone is needed"),
    ({"at": "soon", "wait": 1}, "at: ISO time with zone is needed, not 'soon'"),
    ({"at": "2026-11-23T10:00:00Z", "wait": "long"}, "wait: seconds is needed"),
    ({"at": "2026-11-23T10:00:00Z", "wait": 1, "times": 1.5}, "times: whole number is needed, not 1.5"),
    ({"at": "2026-11-23T10:00:00Z", "wait": 1, "tmes": 1}, "unknown: tmes; it takes: at, wait"),
]


@pytest.mark.parametrize(("given", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_arguments_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        arguments(Knob().turn, given)


def test_results_without_a_form_in_json_are_readable() -> None:
    assert readable(timedelta(minutes=1)) == 60
    assert readable({"b", "a"}) == ["a", "b"]
    assert readable(b"x\xff") == "x\ufffd"
    assert readable(iter([1, 2])) == [1, 2]


def test_the_admin_api_lists_all_that_can_be_done(fresh: Served) -> None:
    guide = fresh.admin.get("/").json()
    views = {"salesforce": fresh.emu.salesforce, "hubspot": fresh.emu.hubspot}
    assert {system: set(methods) for system, methods in guide["do"].items()} == {
        system: set(public_methods(view)) for system, view in views.items()
    }
    assert guide["do"]["salesforce"]["delete"]["arguments"]["user"].startswith("text or null")
    for route in guide["routes"]:
        assert route["what"], route
        path = route["path"].replace("{system}", "salesforce").replace("{method}", "rows")
        assert fresh.admin(route["method"], path).status_code not in (404, 405), route


def test_every_method_of_the_views_can_be_described(fresh: Served) -> None:
    for view in (fresh.emu.salesforce, fresh.emu.hubspot):
        for name, method in public_methods(view).items():
            told = described(method)
            assert told["what"], name
            assert "typing" not in str(told["arguments"]), name


def test_the_admin_api_calls_methods_of_both_views(fresh: Served) -> None:
    values = {"name": "Account", "values": {"Name": "By admin"}, "user": "ada@example.com"}
    created = fresh.admin.post("/do/salesforce/insert", values)
    assert created.status_code == 200
    id_ = created.json()["result"]
    rows = fresh.admin.post("/do/salesforce/rows", {"name": "Account"}).json()["result"]
    assert [one["Name"] for one in rows if one["Id"] == id_] == ["By admin"]
    told = fresh.admin.post(
        "/do/hubspot/associated", {"name": "deals", "id_": "9007199254740993", "target": "companies"}
    )
    assert told.json() == {"result": ["101", "102"]}
    assert fresh.admin.post("/do/hubspot/archive", {"name": "deals", "id_": "302"}).json() == {"result": None}
    assert next(one.by for one in fresh.emu.changes if one.system == "salesforce") == "ada@example.com"


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/do/oracle/rows", {}, 400, "no system 'oracle': salesforce or hubspot"),
        ("/do/hubspot/explode", {}, 404, "hubspot cannot 'explode'; it can: rows"),
        ("/do/hubspot/_portal", {}, 404, "hubspot cannot '_portal'"),
        ("/do/salesforce/rows", {}, 400, "missing: name"),
        ("/do/salesforce/rows", {"name": "Nonsense"}, 400, "INVALID_TYPE: no object 'Nonsense'"),
        ("/do/salesforce/rows", {"name": 5}, 400, "name: text is needed, not 5"),
        ("/do/salesforce/edit", {"name": "Account", "id_": ACME, "values": {"X": 1}}, 400, "INVALID_FIELD"),
        ("/nonsense", {}, 404, "GET / lists what there is"),
        ("/clock", {"advance": 5}, 400, "the clock takes freeze_at"),
        ("/clock", {"advance_seconds": "x"}, 400, "advance_seconds: a number of seconds is needed, not 'x'"),
        ("/clock", {"advance_seconds": 1e300}, 400, "too large"),
        ("/clock", {"freeze_at": "soon"}, 400, "freeze_at: a time with its zone is needed"),
        ("/clock", {"freeze_at": "2026-11-23T09:00:00"}, 400, "freeze_at: a time with its zone is needed"),
    ],
)
def test_the_admin_api_explains_its_refusals(
    fresh: Served, path: str, body: dict[str, Any], status: int, message: str
) -> None:
    answer = fresh.admin.post(path, body)
    assert answer.status_code == status
    assert message in answer.json()["error"]


def test_a_body_that_is_no_json_object_is_refused(fresh: Served) -> None:
    for body in (b"{", b"[]", b"\xff"):
        assert fresh.admin("POST", "/do/salesforce/rows", data=body).status_code == 400


def test_the_state_is_summed_up(fresh: Served) -> None:
    fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": "x"})
    fresh.emu.fail("hubspot")
    state = fresh.admin.get("/state").json()
    assert (state["now"], state["frozen"], state["seed"]) == ("2026-11-23T09:00:00+00:00", True, 0)
    assert state["variants"] == dataclasses.asdict(Variants())
    assert (state["salesforce"]["Account"], state["hubspot"]["companies"]) == (3, 3)
    assert (state["requests"], state["changes"], state["redundant"], state["faults"], state["held"]) == (1, 1, 0, 1, 0)


def test_the_admin_api_listens_on_loopback_only() -> None:
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0"):
        with pytest.raises(ValueError, match="listens on loopback only"), Emulator.empty().serve(admin=address):
            pass


# --- logs


def test_logs_are_read_in_pages(fresh: Served) -> None:
    for number in range(5):
        fresh.sf.patch(f"sobjects/Account/{BETA}", {"Site": str(number)})
    seen: list[Any] = []
    at: int | None = 0
    while at is not None:
        page = fresh.admin.get(f"/changes?from={at}&limit=2").json()
        assert (page["total"], page["first"], len(page["results"])) == (5, 0, min(2, 5 - at))
        seen += [one["after"] for one in page["results"]]
        at = page["next"]
    assert seen == ["0", "1", "2", "3", "4"]
    for wrong in ("from=-1", "limit=0", "from=x"):
        assert fresh.admin.get(f"/changes?{wrong}").status_code == 400


def test_the_request_log_is_bounded_and_counts_what_it_let_go(fresh: Served) -> None:
    assert fresh.admin.post("/requests", {"keep": 3}).status_code == 204
    for number in range(5):
        fresh.hs.get(f"companies/10{number}")
    page = fresh.admin.get("/requests").json()
    assert (page["total"], page["first"], page["next"]) == (5, 2, None)
    assert [one["path"][-1] for one in page["results"]] == ["2", "3", "4"]
    assert [one["path"][-1] for one in fresh.admin.get("/requests?from=3&limit=1").json()["results"]] == ["3"]
    assert len(fresh.emu.requests) == 3


def test_bodies_of_requests_are_kept_on_demand(fresh: Served) -> None:
    fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": "unseen"})
    fresh.admin.post("/requests", {"keep": 100, "bodies": True})
    fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": "seen"})
    assert [one["body"] for one in fresh.admin.get("/requests").json()["results"]] == [None, '{"Name": "seen"}']


def test_a_log_forgets_what_was_rolled_back_even_when_it_is_full() -> None:
    log: Log[int] = Log(3)
    for number in range(5):
        log.append(number)
    mark = len(log)
    log.append(5)
    log.append(6)
    log.cut(mark)
    assert (len(log), list(log), log.first) == (5, [4], 4)
    log.append(7)
    assert (log.page(0, 9), log.page(5, 9), log.page(6, 9)) == ([4, 7], [7], [])


def test_a_rolled_back_call_leaves_no_change_in_the_log(fresh: Served) -> None:
    records = [{"attributes": {"type": "Account"}, "id": ACME, "Name": "x"},
               {"attributes": {"type": "Account"}, "id": BETA, "Nonsense": "x"}]  # fmt: skip
    fresh.sf.patch("composite/sobjects", {"allOrNone": True, "records": records})
    assert fresh.admin.get("/changes").json()["total"] == 0


def test_an_emulator_of_any_clock_can_be_administered() -> None:
    class Always:
        def now(self) -> datetime:
            return datetime(2026, 1, 1, tzinfo=UTC)

    emu = Emulator.empty(clock=Always())
    assert (emu.state()["now"].year, emu.state()["frozen"]) == (2026, False)


# --- webhooks


@contextmanager
def receiving(answer: Callable[[bytes], None]) -> Iterator[str]:
    """A receiver of webhooks on this machine; yields its address."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/hook"
        finally:
            server.shutdown()
            thread.join()


def test_a_receiver_may_call_the_emulator_while_webhooks_are_delivered(fresh: Served) -> None:
    seen: list[int] = []
    with receiving(lambda body: seen.append(fresh.hs.get("companies/101").status_code)) as url:
        subscription = {"url": url, "subscription_type": "company.propertyChange", "property": "level"}
        assert fresh.admin.post("/do/hubspot/subscribe", subscription).status_code == 200
        fresh.hs.patch("companies/101", {"properties": {"level": "gold"}})
        (sent,) = fresh.admin.post("/do/hubspot/deliver_webhooks").json()["result"]
    assert (sent["status"], seen) == (204, [200])


def test_a_server_in_the_foreground_delivers_webhooks_by_itself() -> None:
    arrived = threading.Event()
    command = [sys.executable, "-m", "syncd.emulator"]
    with (
        receiving(lambda body: arrived.set()) as url,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        endpoints = json.loads(process.stdout.readline())
        admin, hubspot = endpoints["admin"], endpoints["hubspot"]
        for base, token, path, body in (
            (admin["base_url"], admin["token"], "/do/hubspot/subscribe",
             {"url": url, "subscription_type": "company.creation"}),
            (hubspot["base_url"], hubspot["access_token"], "/crm/objects/2026-09/companies",
             {"properties": {"name": "New"}}),
        ):  # fmt: skip
            headers = {"Authorization": f"Bearer {token}"}
            requests.post(base + path, json=body, headers=headers, timeout=20).raise_for_status()
        assert arrived.wait(timeout=20)
        process.terminate()


# --- the manual


def test_the_manual_names_every_route_fault_and_option(fresh: Served) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
    routes = [f"{one['method']} {one['path']}" for one in fresh.admin.get("/").json()["routes"]]
    wanted = [*routes, *get_args(Mode), *get_args(Garbling), *signature(fresh.emu.fail).parameters]
    wanted += ["--salesforce", "--hubspot", "--admin", "--data", "--tls", "--seed", "--tier", "--frozen", "--variant"]
    assert [word for word in wanted if word not in manual] == []


def test_the_manuals_plans_are_plans(fresh: Served) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
    plans = re.findall(r"`(\{\"system\".*?\})`", manual)
    assert len(plans) > 5
    for plan in plans:
        assert fresh.admin.post("/faults", json.loads(plan)).status_code == 201, plan
