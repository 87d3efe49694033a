"""Webhooks: what is sent for which event, signed, in batches, twice, in disorder, and again when it was not taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from syncd.emulator import EmulatorRefusal

from .conftest import START, Served

BIG = "9007199254740993"
HOUR = timedelta(hours=1)


@dataclass
class Receiver:
    """A receiver of webhooks that answers what it is told to, and keeps what it got."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    calls: str = ""
    """A URL to be called while a delivery is being received."""

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, body in self.got for event in json.loads(body)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.got.append((dict(self.headers), body))
            if kept.calls:
                requests.get(kept.calls, timeout=4)
            status = kept.answers.pop(0) if kept.answers else 200
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "7200")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/hooks?tenant=a%20b"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


def test_hs_webhook_tells_of_property_changes(fresh: Served, receiver: Receiver) -> None:
    hub = fresh.emu.hubspot
    number = hub.subscribe(receiver.url, "company.propertyChange", property="level")
    hub.subscribe(receiver.url, "deal.propertyChange")
    hub.edit("companies", "101", {"level": "gold", "name": "not subscribed"}, user="11")
    fresh.hs.patch("deals/302", {"properties": {"dealname": "New", "closedate": ""}})
    sent = hub.deliver_webhooks()
    assert [(one["status"], len(one["events"])) for one in sent] == [(200, 2)]
    change, other = receiver.events
    assert isinstance(change.pop("eventId"), int)
    assert change == {
        "subscriptionId": number, "portalId": 140_000_000, "appId": 8675309, "attemptNumber": 0, "objectId": 101,
        "occurredAt": int(START.timestamp() * 1000), "subscriptionType": "company.propertyChange",
        "propertyName": "level", "propertyValue": "gold", "changeSource": "CRM_UI", "sourceId": "userId:911",
    }  # fmt: skip
    assert (other["propertyName"], other["changeSource"], other["sourceId"]) == ("dealname", "INTEGRATION", "8675309")
    assert hub.deliver_webhooks() == []


def test_hs_webhook_tells_of_lives(fresh: Served, receiver: Receiver) -> None:
    hub = fresh.emu.hubspot
    for happening in ("creation", "deletion", "restore", "merge", "associationChange"):
        hub.subscribe(receiver.url, f"company.{happening}")
    hub.subscribe(receiver.url, "contact.privacyDeletion")
    made = hub.insert("companies", {"name": "N"}, associations={"deals": ["302"]})
    hub.archive("companies", made)
    hub.restore("companies", made)
    survivor = hub.merge("companies", "101", "102")
    hub.gdpr_delete("contacts", "201")
    hub.deliver_webhooks()
    told = [(one["subscriptionType"].partition(".")[2], one["objectId"]) for one in receiver.events]
    assert told == [
        ("creation", int(made)), ("associationChange", int(made)), ("deletion", int(made)), ("restore", int(made)),
        ("deletion", 101), ("deletion", 102), ("merge", int(survivor)), ("privacyDeletion", 201),
    ]  # fmt: skip
    events = {one["subscriptionType"]: one for one in receiver.events}
    merge, link = events["company.merge"], events["company.associationChange"]
    assert (merge["primaryObjectId"], merge["mergedObjectIds"], merge["newObjectId"]) == (101, [102], int(survivor))
    assert (link["associationType"], link["toObjectId"], link["associationRemoved"]) == ("COMPANY_TO_DEAL", 302, False)
    assert events["company.creation"]["changeFlag"] == "CREATED"


def test_generic_subscriptions_carry_the_type(fresh: Served, receiver: Receiver) -> None:
    hub = fresh.emu.hubspot
    hub.subscribe(receiver.url, "object.creation", object_type="p_registration")
    made = hub.insert("p_registration", {"title": "R"})
    hub.insert("companies", {"name": "N"})
    hub.deliver_webhooks()
    (event,) = receiver.events
    assert (event["subscriptionType"], event["objectId"], event["objectTypeId"]) == (
        "object.creation", int(made), "2-2000001",
    )  # fmt: skip


def test_hs_webhook_signature_v3(fresh: Served, receiver: Receiver) -> None:
    fresh.emu.hubspot.subscribe(receiver.url, "company.creation")
    fresh.emu.hubspot.insert("companies", {"name": "N"})
    fresh.clock.advance(HOUR)
    fresh.emu.hubspot.deliver_webhooks()
    ((headers, body),) = receiver.got
    stamp = headers["X-HubSpot-Request-Timestamp"]
    secret = fresh.endpoints["hubspot"]["client_secret"].encode()
    signed = b"POST" + receiver.url.encode() + body + stamp.encode()
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert headers["X-HubSpot-Signature-v3"] == expected
    assert int(stamp) == int((START + HOUR).timestamp() * 1000)  # when it was sent, by the emulator's clock


def test_hs_webhook_address_is_signed_with_some_escapes_undone(fresh: Served, receiver: Receiver) -> None:
    fresh.emu.hubspot.subscribe(receiver.url + "?to=a%3ab%2Fc%20d&more=%26", "company.creation")
    fresh.emu.hubspot.insert("companies", {"name": "N"})
    fresh.emu.hubspot.deliver_webhooks()
    ((headers, body),) = receiver.got
    stamp = headers["X-HubSpot-Request-Timestamp"].encode()
    secret = fresh.endpoints["hubspot"]["client_secret"].encode()
    signed = b"POST" + receiver.url.encode() + b"?to=a:b/c%20d&more=%26" + body + stamp
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert headers["X-HubSpot-Signature-v3"] == expected


def test_hs_webhook_batches_hold_a_hundred(fresh: Served, receiver: Receiver) -> None:
    fresh.emu.hubspot.subscribe(receiver.url, "company.creation")
    fresh.emu.hubspot.import_records("companies", [{"name": f"N{number}"} for number in range(205)])
    sent = fresh.emu.hubspot.deliver_webhooks()
    assert [len(one["events"]) for one in sent] == [100, 100, 5]
    assert len({event["objectId"] for event in receiver.events}) == 205


def test_hs_webhook_comes_twice_and_in_disorder(fresh: Served, receiver: Receiver) -> None:
    hub = fresh.emu.hubspot
    hub.subscribe(receiver.url, "company.creation")
    hub.set_webhooks(duplicates=0.5, disorder=True, seed=4)
    made = hub.import_records("companies", [{"name": f"N{number}"} for number in range(60)])
    hub.deliver_webhooks()
    told = [str(event["objectId"]) for event in receiver.events]
    assert set(told) == set(made)
    assert 70 < len(told) < 110
    assert told[:60] != made
    twice = [event for event in receiver.events if told.count(str(event["objectId"])) == 2]
    assert len({event["eventId"] for event in twice}) == len(twice) / 2  # the same event, told again


def test_deliveries_can_be_late(fresh: Served, receiver: Receiver) -> None:
    hub = fresh.emu.hubspot
    hub.subscribe(receiver.url, "company.creation")
    hub.set_webhooks(delay=30)
    hub.insert("companies", {"name": "N"})
    assert (hub.deliver_webhooks(), hub.webhooks_waiting()) == ([], 1)
    fresh.clock.advance(timedelta(seconds=30))
    assert len(hub.deliver_webhooks()) == 1
    assert hub.webhooks_waiting() == 0


def test_hs_webhook_is_tried_again_for_a_day(fresh: Served, receiver: Receiver) -> None:
    hub = fresh.emu.hubspot
    hub.subscribe(receiver.url, "company.creation")
    hub.insert("companies", {"name": "N"})
    receiver.answers = [500] * 100
    attempts = []
    for _ in range(26 * 60):
        attempts += [one["events"][0]["attemptNumber"] for one in hub.deliver_webhooks()]
        fresh.clock.advance(timedelta(minutes=1))
    assert attempts == list(range(11))  # the first and ten more
    assert hub.webhooks_waiting() == 0


def test_a_later_attempt_is_signed_anew_and_may_succeed(fresh: Served, receiver: Receiver) -> None:
    hub = fresh.emu.hubspot
    hub.subscribe(receiver.url, "company.creation")
    hub.insert("companies", {"name": "N"})
    receiver.answers = [503, 200]
    hub.deliver_webhooks()
    fresh.clock.advance(HOUR)
    assert [one["status"] for one in hub.deliver_webhooks()] == [200]
    first, second = (headers["X-HubSpot-Request-Timestamp"] for headers, _ in receiver.got)
    assert int(second) - int(first) == 3_600_000
    assert [one["attemptNumber"] for one in receiver.events] == [0, 1]
    assert hub.webhooks_waiting() == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_hs_webhook_refused_by_4xx_is_given_up(fresh: Served, receiver: Receiver, status: int) -> None:
    fresh.emu.hubspot.subscribe(receiver.url, "company.creation")
    fresh.emu.hubspot.insert("companies", {"name": "N"})
    receiver.answers = [status]
    assert [one["status"] for one in fresh.emu.hubspot.deliver_webhooks()] == [status]
    assert fresh.emu.hubspot.webhooks_waiting() == 0


def test_hs_webhook_honours_retry_after(fresh: Served, receiver: Receiver) -> None:
    hub = fresh.emu.hubspot
    hub.subscribe(receiver.url, "company.creation")
    hub.insert("companies", {"name": "N"})
    receiver.answers = [429]
    hub.deliver_webhooks()
    fresh.clock.advance(2 * HOUR - timedelta(seconds=1))
    assert hub.deliver_webhooks() == []
    fresh.clock.advance(timedelta(seconds=1))
    assert len(hub.deliver_webhooks()) == 1


def test_a_receiver_that_is_away_is_status_0(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.subscribe("http://127.0.0.1:9/hooks", "company.creation")
    hub.insert("companies", {"name": "N"})
    assert [one["status"] for one in hub.deliver_webhooks()] == [0]
    assert hub.webhooks_waiting() == 1


def test_a_receiver_may_call_the_portal_meanwhile(fresh: Served, receiver: Receiver) -> None:
    hub, endpoint = fresh.emu.hubspot, fresh.endpoints["hubspot"]
    receiver.calls = f"{endpoint['base_url']}/oauth/v1/access-tokens/x"
    hub.subscribe(receiver.url, "company.creation")
    hub.insert("companies", {"name": "N"})
    assert [one["status"] for one in hub.deliver_webhooks()] == [200]
    hub.insert("companies", {"name": "M"})
    answer = fresh.admin.post("/do/hubspot/deliver_webhooks", {})
    assert [one["status"] for one in answer.json()["result"]] == [200]


def test_a_tick_sends_what_is_due(fresh: Served, receiver: Receiver) -> None:
    fresh.emu.hubspot.subscribe(receiver.url, "company.creation")
    fresh.emu.hubspot.insert("companies", {"name": "N"})
    fresh.emu.tick()
    assert len(receiver.events) == 1


def test_hs_webhooks_are_set_up_through_the_api(fresh: Served, receiver: Receiver) -> None:
    hub, app = fresh.emu.hubspot, fresh.endpoints["hubspot"]["app_id"]
    base = f"/app-webhooks/2026-09/{app}"
    assert fresh.hs.get(f"{base}/settings").status_code == 404
    settings = {"targetUrl": receiver.url, "throttling": {"maxConcurrentRequests": 5}}
    assert fresh.hs("PUT", f"{base}/settings", json=settings).json()["throttling"] == {"maxConcurrentRequests": 5}
    body = {"eventType": "deal.propertyChange", "propertyName": "dealname"}
    made = fresh.hs.post(f"{base}/subscriptions", body)
    assert (made.status_code, made.json()["active"]) == (201, False)
    hub.edit("deals", "302", {"dealname": "unheard"})
    one = f"{base}/subscriptions/{made.json()['id']}"
    assert fresh.hs.patch(one, {"active": True}).json()["active"] is True
    hub.edit("deals", "302", {"dealname": "heard"})
    hub.deliver_webhooks()
    assert [event["propertyValue"] for event in receiver.events] == ["heard"]
    off = {"inputs": [{"id": int(made.json()["id"]), "active": False}]}
    assert fresh.hs.post(f"{base}/subscriptions/batch/update", off).json()["results"][0]["active"] is False
    assert len(fresh.hs.get(f"/webhooks/v3/{app}/subscriptions").json()["results"]) == 1
    assert fresh.hs("DELETE", one).status_code == 204
    assert fresh.hs.get(one).status_code == 404
    assert fresh.hs.get("/app-webhooks/2026-09/1/subscriptions").status_code == 404
    assert fresh.hs.post(f"{base}/subscriptions", {"eventType": "deal.nonsense"}).status_code == 400
    assert fresh.hs.get(f"{base}/subscriptions", headers={
        "Authorization": f"Bearer {hub.add_token('narrow', ['crm.objects.deals.read'])}"
    }).status_code == 403  # fmt: skip


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/x", "http://example.com/x", "http://127.0.0.1.example.com/", "x"])
def test_webhooks_stay_on_this_machine(shared: Served, url: str) -> None:
    with pytest.raises(EmulatorRefusal, match="this machine only"):
        shared.emu.hubspot.subscribe(url, "company.creation")
    app = shared.endpoints["hubspot"]["app_id"]
    body = {"targetUrl": url, "throttling": {"maxConcurrentRequests": 1}}
    assert shared.hs("PUT", f"/app-webhooks/2026-09/{app}/settings", json=body).status_code == 400


def test_subscriptions_end(fresh: Served, receiver: Receiver) -> None:
    hub = fresh.emu.hubspot
    number = hub.subscribe(receiver.url, "company.creation")
    hub.unsubscribe(number)
    hub.insert("companies", {"name": "N"})
    assert hub.deliver_webhooks() == []
    with pytest.raises(EmulatorRefusal, match=r"'company\.nonsense' is no event"):
        hub.subscribe(receiver.url, "company.nonsense")
