"""The fault plan over real connections: which requests it strikes, what it does to them, and that a seed decides."""

from __future__ import annotations

import http.client
import json
import threading
import time
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from syncd.emulator import Emulator

from .conftest import ACME, Served

LIMITS = "/services/data/v68.0/limits"
QUERY = "/services/data/v68.0/query?q=SELECT+Id,Name+FROM+Account"


def raw(served: Served, system: str = "salesforce") -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(served.endpoints[system]["base_url"]).netloc, timeout=20)


def ask(
    served: Served, path: str = LIMITS, **headers: str
) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection]:
    connection = raw(served)
    token = served.endpoints["salesforce"]["access_token"]
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}", **headers})
    return connection.getresponse(), connection


def name_of(served: Served, id_: str = ACME) -> Any:
    return next(one["Name"] for one in served.emu.salesforce.rows("Account") if one["Id"] == id_)


# --- which requests


def test_a_fault_strikes_what_its_conditions_name(fresh: Served) -> None:
    fresh.emu.fail("salesforce", status=500, path_pattern=r"FROM Opportunity\b", times=None)
    fresh.emu.fail("salesforce", status=501, body_contains="By name", method="patch", times=None)
    assert fresh.sf.query("SELECT Id FROM Account").status_code == 200
    assert fresh.sf.query("SELECT Id FROM Opportunity WHERE Amount > 1").status_code == 500
    assert fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": "By hand"}).status_code == 204
    assert fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": "By name"}).status_code == 501
    assert fresh.sf.post("sobjects/Account", {"Name": "By name"}).status_code == 201


def test_the_nth_request_is_struck_and_then_no_more(fresh: Served) -> None:
    fresh.emu.fail("salesforce", skip=2)
    assert [fresh.sf.get("limits").status_code for _ in range(5)] == [200, 200, 503, 200, 200]


def test_a_fault_may_last_until_it_is_cleared(fresh: Served) -> None:
    id_ = fresh.emu.fail("salesforce", times=None)
    other = fresh.emu.fail("hubspot", status=502, times=None)
    assert [fresh.sf.get("limits").status_code for _ in range(5)] == [503] * 5
    assert [(one["id"], one["struck"]) for one in fresh.emu.faults] == [(id_, 5), (other, 0)]
    assert fresh.emu.clear_faults(id_) == 1
    assert fresh.sf.get("limits").status_code == 200
    assert fresh.emu.clear_faults() == 1
    assert fresh.hs.get("companies").status_code == 200
    with pytest.raises(ValueError, match="no planned fault 'fault-1'"):
        fresh.emu.clear_faults(id_)


def test_chance_follows_from_the_seed() -> None:
    def struck(seed: int) -> list[bool]:
        emu = Emulator.empty(seed=seed)
        emu.fail("salesforce", probability=0.5, times=None)
        plan = emu._around.faults
        return [plan.take("salesforce", "GET", "/x") is not None for _ in range(64)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 16 < sum(struck(1)) < 48


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"mode": "nonsense"}, "unknown mode"),
    ({"garbling": "nonsense"}, "unknown garbling"),
    ({"times": 0}, "times must be at least 1"),
    ({"probability": 0.0}, "probability must be"),
    ({"status": 99}, "status must be"),
    ({"seconds": -1.0}, "must not be negative"),
    ({"path_pattern": "("}, "no regular expression"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_fault_that_makes_no_sense_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Emulator.empty().fail("salesforce", **settings)


# --- answers that are not what they should be


@pytest.mark.parametrize(
    ("body", "shown", "kind"),
    [
        ("", b"", "text/html"),
        ("<h1>Down</h1>", b"<h1>Down</h1>", "text/html"),
        ({"a": 1}, b'{"a":1}', "application/json"),
        ([{"errorCode": "X"}], b'[{"errorCode":"X"}]', "application/json"),
        (b"{\xff\x00", b"{\xff\x00", "application/json"),
    ],
)
def test_any_body_can_be_answered(fresh: Served, body: Any, shown: bytes, kind: str) -> None:
    fresh.emu.fail("salesforce", status=500, body=body)
    answer = fresh.sf.get("limits")
    assert (answer.status_code, answer.content) == (500, shown)
    assert answer.headers["Content-Type"].startswith(kind)


def test_an_error_may_be_answered_although_the_write_was_applied(fresh: Served) -> None:
    fresh.emu.fail("salesforce", "status_after", status=500, body="<html>")
    assert fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": "Applied"}).status_code == 500
    assert name_of(fresh) == "Applied"
    assert [(one.status, one.fault) for one in fresh.emu.requests] == [(500, "status_after")]


def test_a_connection_may_be_reset_before_the_headers(fresh: Served) -> None:
    for mode, applied in (("drop_before", "Acme Ltd"), ("apply_then_drop", "New")):
        fresh.emu.fail("salesforce", mode, reset=True, method="PATCH")  # type: ignore[arg-type]
        connection = raw(fresh)
        token = fresh.endpoints["salesforce"]["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("PATCH", f"/services/data/v68.0/sobjects/Account/{ACME}", '{"Name": "New"}', headers)
        with pytest.raises(ConnectionResetError):
            connection.getresponse()
        connection.close()
        assert name_of(fresh) == applied


@pytest.mark.parametrize("reset", [False, True])
def test_a_body_may_break_off(fresh: Served, reset: bool) -> None:
    fresh.emu.fail("salesforce", "truncate", after_bytes=7, reset=reset)
    answer, connection = ask(fresh, QUERY)
    assert int(answer.headers["Content-Length"]) > 7
    with pytest.raises(ConnectionResetError if reset else http.client.IncompleteRead) as caught:
        answer.read()
    if not reset:
        assert caught.value.partial == b'{"total'  # type: ignore[attr-defined]
    connection.close()
    assert fresh.sf.get("limits").status_code == 200


def test_the_gzip_of_a_body_may_be_cut_with_a_length_that_fits(many: Served) -> None:
    many.emu.fail("salesforce", "cut", after_bytes=3000)
    answer, connection = ask(many, QUERY, **{"Accept-Encoding": "gzip"})
    body = answer.read()
    connection.close()
    assert (answer.headers["Content-Encoding"], answer.headers["Content-Length"], len(body)) == ("gzip", "3000", 3000)
    unpacker = zlib.decompressobj(31)
    assert unpacker.decompress(body).startswith(b'{"totalSize":5001')
    assert not unpacker.eof


@pytest.mark.parametrize(
    ("garbling", "holds"),
    [
        ("nul", lambda body: b"\x00" in body),
        ("bom", lambda body: body.startswith(b"\xef\xbb\xbf{")),
        ("latin-1", lambda body: "Acmé".encode("latin-1") in body),
        ("noise", lambda body: max(body) > 127),
    ],
)
def test_a_body_may_be_garbled(fresh: Served, garbling: Any, holds: Callable[[bytes], bool]) -> None:
    fresh.emu.fail("hubspot", "garble", garbling=garbling)
    path = "companies/101" if garbling == "latin-1" else "/crm/owners/2026-09"
    answer = fresh.hs.get(path)
    assert (answer.status_code, int(answer.headers["Content-Length"])) == (200, len(answer.content))
    assert holds(answer.content)
    assert not holds(fresh.hs.get(path).content)


@pytest.mark.parametrize("off", [5, -5])
def test_the_announced_length_may_be_wrong(fresh: Served, off: int) -> None:
    whole = fresh.sf.get("/services/data").content
    fresh.emu.fail("salesforce", "wrong_length", length_off=off)
    answer, connection = ask(fresh, "/services/data")
    assert int(answer.headers["Content-Length"]) == len(whole) + off
    if off > 0:
        with pytest.raises(http.client.IncompleteRead) as caught:
            answer.read()
        assert caught.value.partial == whole
    else:
        assert answer.read() == whole[:off]
    connection.close()


# --- slow and out of order


def test_a_body_may_drip_while_others_are_served(fresh: Served) -> None:
    fresh.emu.fail("salesforce", "drip", path_prefix="/services/data/v68.0/query")
    answer, connection = ask(fresh, QUERY)
    first = answer.read(1)
    assert fresh.sf.get("limits").status_code == 200
    rest = answer.read()
    connection.close()
    assert [one["Name"] for one in json.loads(first + rest)["records"]] == ["Acme Ltd", "beta gmbh"]


def test_a_drip_of_one_byte_in_half_a_minute_reaches_the_read_timeout(fresh: Served) -> None:
    fresh.emu.fail("salesforce", "drip", seconds=30)
    answer, connection = ask(fresh, "/services/data")
    assert answer.read(1) == b"["
    assert connection.sock is not None
    connection.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        answer.read(1)
    connection.close()


def test_the_first_byte_may_be_slow_while_the_write_is_applied_at_once(fresh: Served) -> None:
    fresh.emu.fail("salesforce", "slow_answer", seconds=30)
    url = f"{fresh.sf.base}/services/data/v68.0/sobjects/Account/{ACME}"
    with pytest.raises(requests.ReadTimeout):
        fresh.sf.session.patch(url, json={"Name": "At once"}, timeout=0.3)
    until_logged(fresh, 1)
    assert name_of(fresh) == "At once"


def test_the_first_of_two_requests_may_be_answered_after_the_second(fresh: Served) -> None:
    fresh.emu.fail("salesforce", "reorder", seconds=20)
    answered: list[str] = []

    def first() -> None:
        answer, connection = ask(fresh)
        answer.read()
        connection.close()
        answered.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    until_logged(fresh, 1)
    for _ in range(5):  # of the other system: they overtake nobody
        assert fresh.hs.get("companies").status_code == 200
    assert answered == []
    assert fresh.sf.query("SELECT Id FROM Account").status_code == 200
    thread.join()
    assert answered == ["first"]


def until_logged(served: Served, count: int) -> None:
    """Wait until so many requests were applied."""
    end = time.monotonic() + 10
    while len(served.emu.journal.requests) < count:
        assert time.monotonic() < end
        threading.Event().wait(0.001)


def test_who_is_never_overtaken_is_answered_in_the_end(fresh: Served) -> None:
    fresh.emu.fail("salesforce", "reorder", seconds=0.01)
    assert fresh.sf.get("limits").status_code == 200


# --- applied another number of times than the client thinks


def test_a_request_may_be_applied_when_time_has_passed(fresh: Served) -> None:
    fresh.emu.fail("salesforce", "apply_late", seconds=60, method="PATCH")
    with pytest.raises(requests.ConnectionError):
        fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": "Late"})
    assert fresh.sf.get(f"sobjects/Account/{ACME}").json()["Name"] == "Acme Ltd"
    assert fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": "Newer"}).status_code == 204
    fresh.clock.advance(timedelta(seconds=59))
    assert name_of(fresh) == "Newer"
    fresh.clock.advance(timedelta(seconds=1))
    assert name_of(fresh) == "Late"
    assert [one.status for one in fresh.emu.held] == [204]
    assert [one.after for one in fresh.emu.changes] == ["Newer", "Late"]


def test_held_requests_are_applied_in_the_order_in_which_they_fall_due(fresh: Served) -> None:
    for name, seconds in (("Second", 20.0), ("First", 10.0)):
        fresh.emu.fail("salesforce", "apply_late", seconds=seconds)
        with pytest.raises(requests.ConnectionError):
            fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": name})
    fresh.clock.advance(timedelta(hours=1))
    assert [one.after for one in fresh.emu.changes] == ["First", "Second"]


def test_a_held_request_waits_for_its_release(fresh: Served) -> None:
    fresh.emu.fail("hubspot", "apply_late", times=2)
    for level in ("gold", "silver"):
        with pytest.raises(requests.ConnectionError):
            fresh.hs.patch("companies/101", {"properties": {"level": level}})
    fresh.clock.advance(timedelta(days=30))
    assert fresh.emu.changes == []
    first, second = fresh.emu.held
    assert fresh.emu.release(second.id) == 1
    assert [one.after for one in fresh.emu.changes] == ["silver"]
    assert fresh.emu.release() == 1
    assert [one.after for one in fresh.emu.changes] == ["silver", "gold"]
    with pytest.raises(ValueError, match="is held"):
        fresh.emu.release(first.id)


def test_a_request_may_be_delivered_twice(fresh: Served) -> None:
    fresh.emu.fail("salesforce", "duplicate")
    assert fresh.sf.post("sobjects/Account", {"Name": "Twin"}).status_code == 201
    assert [one["Name"] for one in fresh.emu.salesforce.rows("Account")].count("Twin") == 2
    fresh.emu.fail("salesforce", "duplicate")
    answer = fresh.sf.post("sobjects/Account", {"Name": "Once", "Number__c": "N-1"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "DUPLICATE_VALUE")
    assert [(one.status, one.fault) for one in fresh.emu.requests] == [
        (201, "duplicate"), (201, "duplicate"), (201, "duplicate"), (400, "duplicate"),
    ]  # fmt: skip


# --- by the admin API


def test_faults_are_planned_listed_and_cleared_by_the_admin_api(fresh: Served) -> None:
    planned = fresh.admin.post(
        "/faults", {"system": "hubspot", "status": 429, "body": {"status": "error"}, "times": None}
    )
    assert planned.status_code == 201
    answer = fresh.hs.get("companies")
    assert (answer.status_code, answer.json()) == (429, {"status": "error"})
    (listed,) = fresh.admin.get("/faults").json()["results"]
    assert (listed["id"], listed["struck"], listed["times"]) == (planned.json()["id"], 1, None)
    assert fresh.admin("DELETE", f"/faults?id={listed['id']}").json() == {"cleared": 1}
    assert fresh.hs.get("companies").status_code == 200
    assert fresh.admin("DELETE", "/faults?id=fault-9").status_code == 400


def test_held_requests_are_listed_and_released_by_the_admin_api(fresh: Served) -> None:
    fresh.admin.post("/faults", {"system": "salesforce", "mode": "apply_late"})
    with pytest.raises(requests.ConnectionError):
        fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": "Late"})
    (held,) = fresh.admin.get("/held").json()["results"]
    assert (held["method"], held["due"], held["status"]) == ("PATCH", None, None)
    assert fresh.admin.post("/release", {"id": held["id"]}).json() == {"released": 1}
    assert fresh.admin.get("/held").json()["results"][0]["status"] == 204
    assert name_of(fresh) == "Late"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"system": "salesforce", "mod": "slow"}, "unknown: mod; it takes: system, mode"),
        ({"mode": "slow"}, "missing: system"),
        ({"system": "salesforce", "seconds": "1"}, "seconds: number is needed"),
        ({"system": "oracle"}, "unknown system 'oracle'"),
    ],
)
def test_the_admin_api_says_what_is_wrong_with_a_fault(fresh: Served, body: dict[str, Any], message: str) -> None:
    answer = fresh.admin.post("/faults", body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
