"""What both servers share: connections, encodings, the clock, logs, faults, the admin API, the command."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from syncd.emulator import Emulator, EmulatorClock, EmulatorRefusal

from .conftest import ACME, START, Served


def raw(served: Served, system: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(served.endpoints[system]["base_url"]).netloc, timeout=20)


def bearer(served: Served, system: str = "salesforce") -> dict[str, str]:
    return {"Authorization": f"Bearer {served.endpoints[system]['access_token']}"}


def test_connections_are_kept_alive(shared: Served) -> None:
    connection = raw(shared, "salesforce")
    connection.connect()
    socket = connection.sock
    for _ in range(3):
        connection.request("GET", "/services/data/v68.0/limits", headers=bearer(shared))
        connection.getresponse().read()
        assert connection.sock is socket
    connection.close()


def test_chunked_request_bodies_are_read(fresh: Served) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"Name": "In '
        yield b'pieces"}'

    assert fresh.sf("PATCH", f"sobjects/Account/{ACME}", data=chunks()).status_code == 204
    assert fresh.emu.changes[0].after == "In pieces"


def test_the_client_is_told_to_go_on_before_it_sends_a_large_body(fresh: Served) -> None:
    body = b'{"Name": "Waited"}'
    head = (
        f"PATCH /services/data/v68.0/sobjects/Account/{ACME} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        f"Authorization: {bearer(fresh)['Authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    place = urlsplit(fresh.endpoints["salesforce"]["base_url"])
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(4096).startswith(b"HTTP/1.1 204 ")
    assert fresh.emu.changes[0].after == "Waited"


def test_a_request_whose_client_goes_away_half_way_is_not_applied(fresh: Served) -> None:
    half = '{"Name": "Half"}'
    head = (
        f"PATCH /services/data/v68.0/sobjects/Account/{ACME} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {bearer(fresh)['Authorization']}\r\nContent-Length: {len(half) + 50}\r\n\r\n"
    )
    place = urlsplit(fresh.endpoints["salesforce"]["base_url"])
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as connection:
        connection.sendall((head + half).encode())
    while not fresh.emu.requests:  # until the server has noticed
        threading.Event().wait(0.001)
    assert [(one.method, one.status) for one in fresh.emu.requests] == [("PATCH", 0)]
    assert fresh.emu.changes == []


def test_bodies_that_are_too_large_or_no_gzip_are_refused(fresh: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.emulator.server.LARGEST_BODY", 1000)
    path, packed = f"sobjects/Account/{ACME}", {"Content-Encoding": "gzip"}
    bomb = gzip.compress(b" " * 1_000_000)
    for body, headers, status in (
        (b" " * 5000, {}, 413), (bomb, packed, 413), (b"not gzip", packed, 400), (bomb[:20], packed, 400),
    ):  # fmt: skip
        assert fresh.sf("PATCH", path, data=body, headers=headers).status_code == status
    assert [one.status for one in fresh.emu.requests] == [413, 413, 400, 400]
    assert fresh.sf.patch(path, {"Name": "Small"}).status_code == 204


@pytest.mark.parametrize("path", ["/", "/services", "/services/data/v68.0/nothing", "/services/data/v99.0/limits"])
def test_unknown_paths_of_the_org_are_404_in_json(shared: Served, path: str) -> None:
    answer = shared.sf.get(path)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/", "/crm", "/crm/v5/objects/companies", "/crm/objects/2026-09/companies/1/x/y/z/q"])
def test_unknown_paths_of_the_portal_are_404_pages(shared: Served, path: str) -> None:
    answer = shared.hs.get(path)
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (404, "text/html")


def test_every_answer_has_its_own_correlation_id(shared: Served) -> None:
    for client, path, header in (
        (shared.sf, "limits", "X-Request-Id"), (shared.hs, "companies", "x-hubspot-correlation-id"),
    ):  # fmt: skip
        ids = {client.get(path).headers[header] for _ in range(3)} | {client.get("/nothing").headers[header]}
        assert len(ids) == 4


def test_answers_are_gzipped_on_request(many: Served) -> None:
    connection = raw(many, "salesforce")
    for accept, encoding in (("gzip", "gzip"), ("identity", None)):
        for _ in range(2):  # prepared, then from the cache
            headers = bearer(many) | {"Accept-Encoding": accept}
            connection.request("GET", "/services/data/v68.0/query?q=SELECT+Id,Name+FROM+Account", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.headers["Content-Encoding"] == encoding
            assert len(json.loads(gzip.decompress(body) if encoding else body)["records"]) == 2000
    connection.close()


def test_gzipped_request_bodies_are_read(fresh: Served) -> None:
    body = gzip.compress(b'{"Name": "Packed"}')
    answer = fresh.sf("PATCH", f"sobjects/Account/{ACME}", data=body, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 204


def test_head_answers_like_get_without_a_body(shared: Served) -> None:
    answer = shared.sf("HEAD", f"sobjects/Account/{ACME}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Last-Modified"]


@pytest.mark.parametrize(
    "path", ["limits", "sobjects/Account", f"sobjects/Account/{ACME}", "query?q=SELECT+Id+FROM+User"]
)
def test_head_tells_the_length_of_what_get_answers(shared: Served, path: str) -> None:
    plain = {"Accept-Encoding": "identity"}
    head, get = (shared.sf(method, path, headers=plain) for method in ("HEAD", "GET"))
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(get.content)


def test_head_of_a_hubspot_record_has_no_body(shared: Served) -> None:
    assert (shared.hs("HEAD", "companies/101").status_code, shared.hs("HEAD", "companies/101").content) == (200, b"")
    assert shared.hs("HEAD", "companies/999").status_code == 404


def test_a_method_that_is_not_offered_is_405(shared: Served) -> None:
    for method in ("OPTIONS", "PUT"):
        answer = shared.sf(method, "limits")
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    answer = shared.hs("OPTIONS", "companies")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


def test_date_follows_the_emulators_clock(fresh: Served) -> None:
    assert fresh.sf.get("limits").headers["Date"] == "Mon, 23 Nov 2026 09:00:00 GMT"
    fresh.clock.advance(timedelta(days=1, seconds=1))
    for client in (fresh.sf, fresh.hs):
        assert client.get("/nothing").headers["Date"] == "Tue, 24 Nov 2026 09:00:01 GMT"


def test_the_clock_freezes_jumps_and_runs() -> None:
    clock = EmulatorClock(START)
    assert START <= clock.now() < START + timedelta(minutes=5)
    clock.freeze(datetime(2027, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == datetime(2027, 1, 1, 10, tzinfo=UTC)
    clock.advance(timedelta(hours=-1))
    assert clock.now() == datetime(2027, 1, 1, 9, tzinfo=UTC)
    clock.run()
    assert not clock.frozen
    assert timedelta(0) <= clock.now() - datetime(2027, 1, 1, 9, tzinfo=UTC) < timedelta(minutes=5)
    with pytest.raises(ValueError, match="time zone"):
        clock.freeze(datetime(2027, 1, 1))  # noqa: DTZ001


def test_any_object_with_now_is_a_clock() -> None:
    class Always:
        def now(self) -> datetime:
            return START

    emu = Emulator.empty(clock=Always())
    id_ = emu.salesforce.insert("Account", {"Name": "x"})
    assert [one["CreatedDate"] for one in emu.salesforce.rows("Account")] == ["2026-11-23T09:00:00.000+0000"]
    assert id_.startswith("001")


def test_every_request_is_logged(fresh: Served) -> None:
    fresh.sf.query("SELECT Id FROM Account")
    fresh.hs.get("nonsense")
    fresh.hs.get("companies", headers={"Authorization": "x"})
    fresh.admin.get("/requests")
    logged = [(one.at, one.system, one.method, one.path, one.status, one.records, one.by) for one in fresh.emu.requests]
    assert logged == [
        (
            START,
            "salesforce",
            "GET",
            "/services/data/v68.0/query?q=SELECT+Id+FROM+Account",
            200,
            2,
            "integration@example.com",
        ),
        (START, "hubspot", "GET", "/crm/objects/2026-09/nonsense", 400, 0, "integration"),
        (START, "hubspot", "GET", "/crm/objects/2026-09/companies", 401, 0, None),
    ]


def test_tokens_and_ids_follow_from_the_seed() -> None:
    urls = dict.fromkeys(("salesforce", "hubspot", "admin"), "http://127.0.0.1:1")
    one, same, other = (Emulator.empty(seed=seed) for seed in (5, 5, 6))
    assert one.endpoints(urls) == same.endpoints(urls) != other.endpoints(urls)
    assert one.salesforce.insert("Account", {"Name": "x"}) == same.salesforce.insert("Account", {"Name": "x"})


def test_an_empty_emulator_serves_standard_schemas() -> None:
    emu = Emulator.empty()
    id_ = emu.salesforce.insert("Opportunity", {"Name": "x", "StageName": "Closed Won", "CloseDate": "2026-01-01"})
    assert [one["IsWon"] for one in emu.salesforce.rows("Opportunity") if one["Id"] == id_] == [True]
    assert emu.hubspot.insert("companies", {"name": "x"}).isdigit()
    assert [one["Username"] for one in emu.salesforce.rows("User")] == ["admin@example.com", "integration@example.com"]


def test_an_edit_that_the_crm_would_refuse_raises(fresh: Served) -> None:
    with pytest.raises(EmulatorRefusal, match="STRING_TOO_LONG"):
        fresh.emu.salesforce.edit("Account", ACME, {"Name": "x" * 300})
    with pytest.raises(EmulatorRefusal, match="INVALID_TYPE"):
        fresh.emu.salesforce.rows("Nonsense")
    with pytest.raises(EmulatorRefusal, match="INVALID_OPTION"):
        fresh.emu.hubspot.edit("companies", "101", {"level": "bronze"})
    with pytest.raises(EmulatorRefusal, match="no owner"):
        fresh.emu.hubspot.edit("companies", "101", {"level": "gold"}, user="nobody")


def test_writers_in_parallel_lose_nothing(fresh: Served) -> None:
    def write(number: int) -> None:
        with requests.Session() as session:
            url = fresh.endpoints["salesforce"]["base_url"] + "/services/data/v68.0/sobjects/Account"
            for part in range(10):
                session.post(
                    url, json={"Name": f"{number}-{part}"}, headers=bearer(fresh), timeout=20
                ).raise_for_status()
                fresh.emu.hubspot.insert("companies", {"name": f"{number}-{part}"})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one["Id"] for one in fresh.emu.salesforce.rows("Account")}) == 53
    assert len(fresh.emu.hubspot.rows("companies")) == 53


# --- faults


def test_a_planned_status_is_answered_so_many_times(fresh: Served) -> None:
    fresh.emu.fail("salesforce", status=503, times=2, skip=1, body="<html>down</html>", method="GET")
    assert [fresh.sf.get("limits").status_code for _ in range(4)] == [200, 503, 503, 200]
    fresh.emu.fail(
        "hubspot", status=429, body='{"status":"error"}', headers={"Retry-After": "1"}, path_prefix="/crm/owners"
    )
    assert fresh.hs.get("companies").status_code == 200
    answer = fresh.hs.get("/crm/owners/2026-09")
    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (429, {"status": "error"}, "1")


def test_a_request_may_be_dropped_before_it_is_applied(fresh: Served) -> None:
    fresh.emu.fail("salesforce", "drop_before", method="PATCH")
    with pytest.raises(requests.ConnectionError):
        fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": "x"})
    assert fresh.emu.changes == []
    assert fresh.emu.requests[-1].status == 0
    assert fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": "x"}).status_code == 204


def test_a_request_may_be_applied_and_its_answer_dropped(fresh: Served) -> None:
    fresh.emu.fail("hubspot", "apply_then_drop", path_prefix="/crm/objects")
    with pytest.raises(requests.ConnectionError):
        fresh.hs.patch("companies/101", {"properties": {"level": "gold"}})
    assert [one.after for one in fresh.emu.changes] == ["gold"]
    assert fresh.emu.requests[-1].status == 200


def test_an_answer_may_be_slow(fresh: Served) -> None:
    fresh.emu.fail("salesforce", "slow", seconds=30)
    with pytest.raises(requests.ReadTimeout):
        fresh.sf.session.get(fresh.sf.base + "/services/data", timeout=0.2)
    assert fresh.sf.get("limits").status_code == 200


def test_a_wrong_fault_is_refused() -> None:
    emu = Emulator.empty()
    with pytest.raises(ValueError, match="unknown mode"):
        emu.fail("salesforce", "nonsense")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown system"):
        emu.fail("oracle")


# --- the admin API


def test_the_admin_api_needs_its_token(fresh: Served) -> None:
    assert fresh.admin.get("/changes", headers={"Authorization": "Bearer x"}).status_code == 401
    assert fresh.admin.get("/nonsense").status_code == 404
    assert fresh.admin.get("/edit").status_code == 405


def test_the_admin_api_edits_as_a_person_and_shows_the_logs(fresh: Served) -> None:
    body = {
        "system": "salesforce",
        "object": "Account",
        "id": ACME,
        "fields": {"Name": "By hand"},
        "user": "ada@example.com",
    }
    assert fresh.admin.post("/edit", body).status_code == 200
    new = {"system": "hubspot", "object": "deals", "fields": {"dealname": "D"}, "associations": {"companies": ["101"]}}
    id_ = fresh.admin.post("/insert", new).json()["id"]
    assert fresh.emu.hubspot.associated("deals", id_, "companies") == ["101"]
    assert fresh.admin.post("/delete", {"system": "hubspot", "object": "deals", "id": id_}).status_code == 204
    changes = fresh.admin.get("/changes").json()
    assert changes["results"][0]["after"] == "By hand"
    assert changes["total"] == len(fresh.emu.changes)
    assert fresh.admin.get("/changes?from=1").json()["results"] == changes["results"][1:]
    fresh.sf.patch(f"sobjects/Account/{ACME}", {"Name": "By hand"})
    assert fresh.admin.get("/redundant").json()["count"] == 1
    assert fresh.admin.get("/requests").json()["results"][-1]["method"] == "PATCH"
    rows = fresh.admin.get("/rows?system=salesforce&object=Account").json()["results"]
    assert rows[0]["Name"] == "By hand"
    for wrong in ({}, {**body, "fields": {"Nonsense": 1}}, {**body, "system": "oracle"}):
        assert fresh.admin.post("/edit", wrong).status_code == 400


def test_the_admin_api_moves_the_clock_and_plans_faults(fresh: Served) -> None:
    assert fresh.admin.post("/clock", {"advance_seconds": 60}).json()["now"] == "2026-11-23T09:01:00+00:00"
    assert fresh.admin.post("/clock", {"freeze_at": "2027-01-01T00:00:00Z"}).json()["frozen"] is True
    assert fresh.sf.get("limits").headers["Date"] == "Fri, 01 Jan 2027 00:00:00 GMT"
    assert fresh.admin.post("/clock", {"run": True}).json()["frozen"] is False
    assert (
        fresh.admin.post("/fail", {"system": "hubspot", "mode": "status", "status": 502, "times": 1}).status_code == 204
    )
    assert fresh.hs.get("companies").status_code == 502


# --- the command


def test_the_command_prints_one_line_and_ends_at_sigterm(tmp_path: Path) -> None:
    (tmp_path / "salesforce").mkdir()
    (tmp_path / "salesforce" / "Account.csv").write_text("Name\nAcme\n", encoding="utf-8")
    command = [sys.executable, "-m", "syncd.emulator", "--salesforce", "127.0.0.1:0", "--data", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        endpoints = json.loads(process.stdout.readline())
        keys = {"base_url", "client_id", "client_secret", "username", "access_token", "refresh_token", "api_version"}
        assert keys <= set(endpoints["salesforce"])
        assert {"base_url", "access_token", "limited_access_token"} <= set(endpoints["hubspot"])
        assert {"base_url", "token"} <= set(endpoints["admin"])
        salesforce = endpoints["salesforce"]
        url = f"{salesforce['base_url']}/services/data/v{salesforce['api_version']}/query?q=SELECT+Name+FROM+Account"
        headers = {"Authorization": f"Bearer {salesforce['access_token']}"}
        assert requests.get(url, headers=headers, timeout=20).json()["records"][0]["Name"] == "Acme"
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_the_command_explains_data_that_it_cannot_load(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "syncd.emulator", "--data", str(tmp_path / "nowhere")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such folder" in done.stderr
