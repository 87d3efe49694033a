"""Webhooks in: only what is signed, new, of our portal and of now is a hint, and it is never more than that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from syncd.emulator.hubspot.sender import signature
from syncd.web.webhooks import MOST_BYTES, Gate, Message, Refused
from tests.jobs.world import PRM_UID

from .conftest import Asked

SECRET = "client-secret"
URL = "https://sync.example.com/webhooks/prm"
PORTAL = PRM_UID.removeprefix("hubspot-")


def signed(now: datetime, body: bytes, **other: Any) -> dict[str, str]:
    """Headers as HubSpot sends them; `other` makes one thing wrong."""
    at = int((now + other.get("late", timedelta(0))).timestamp() * 1000)
    return {
        "X-HubSpot-Request-Timestamp": str(at),
        "X-HubSpot-Signature-v3": signature(
            other.get("secret", SECRET), "POST", other.get("url", URL), other.get("signed_body", body), at
        ),
    }


def events(portal: str = PORTAL) -> bytes:
    return orjson.dumps([{"portalId": int(portal), "subscriptionType": "deal.propertyChange", "objectId": 1}])


@pytest.fixture
def asked(served: Callable[..., Asked]) -> Asked:
    return served(gates={"prm": (Gate(SECRET, lambda: PORTAL), URL)})


def test_a_signed_message_is_a_hint(asked: Asked) -> None:
    body = events()
    assert asked.post("/webhooks/prm", body, signed(asked.world.clock.now(), body)) == 204
    assert asked.hurried == ["prm"]


def test_the_same_message_again_is_no_hint(asked: Asked) -> None:
    body = events()
    headers = signed(asked.world.clock.now(), body)
    assert [asked.post("/webhooks/prm", body, headers) for _ in range(3)] == [204] * 3
    assert asked.hurried == ["prm"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "another"}, {"url": "https://sync.example.com/webhooks/crm"}, {"signed_body": b"[]"},
        {"late": timedelta(minutes=-5, seconds=-1)}, {"late": timedelta(minutes=5, seconds=1)},
    ],
)  # fmt: skip
def test_what_is_not_signed_as_it_should_be_is_refused_without_a_word(asked: Asked, wrong: dict[str, Any]) -> None:
    body = events()
    assert asked.post("/webhooks/prm", body, signed(asked.world.clock.now(), body, **wrong)) == 401
    assert asked.hurried == []


def test_without_signature_or_with_nonsense_it_is_refused(asked: Asked) -> None:
    now, body = asked.world.clock.now(), events()
    right = signed(now, body)
    assert asked.post("/webhooks/prm", body) == 401
    assert asked.post("/webhooks/prm", body, {**right, "X-HubSpot-Request-Timestamp": "soon"}) == 401
    assert asked.post("/webhooks/prm", body, {**right, "X-HubSpot-Request-Timestamp": "9" * 400}) == 401
    assert asked.post("/webhooks/prm", body, {**right, "X-HubSpot-Signature-v3": "é".encode().decode("latin-1")}) == 401
    nonsense = b"{not json"
    assert asked.post("/webhooks/prm", nonsense, signed(now, nonsense)) == 401
    assert asked.hurried == []


def test_events_of_another_portal_are_no_hint(asked: Asked) -> None:
    body = events("999")
    assert asked.post("/webhooks/prm", body, signed(asked.world.clock.now(), body)) == 204
    assert asked.hurried == []


def test_a_body_too_large_and_a_connection_without_webhook_are_refused(asked: Asked) -> None:
    assert asked.post("/webhooks/prm", b"x" * (MOST_BYTES + 1)) == 413
    assert asked.post("/webhooks/crm", events()) == 404
    assert asked.get("/webhooks/prm")[0] == 405


def test_escapes_of_the_url_are_signed_as_the_characters_they_stand_for(clock: Any) -> None:
    url, body = "https://sync.example.com/webhooks/prm?from=a%2Fb%3Ac%20d", events()
    headers = signed(clock.now(), body, url=url)
    message = Message("POST", url, body, headers["X-HubSpot-Signature-v3"], headers["X-HubSpot-Request-Timestamp"])
    assert Gate(SECRET, lambda: PORTAL).events(message, clock.now()) == 1


def test_before_its_connection_is_bound_nothing_is_of_our_portal(clock: Any) -> None:
    body = orjson.dumps([{"portalId": ""}, {}])
    headers = signed(clock.now(), body)
    message = Message("POST", URL, body, headers["X-HubSpot-Signature-v3"], headers["X-HubSpot-Request-Timestamp"])
    assert Gate(SECRET, lambda: "").events(message, clock.now()) == 0


def test_what_is_remembered_is_bounded_by_time(clock: Any) -> None:
    gate = Gate(SECRET, lambda: PORTAL)
    for n in range(50):
        body = events() + b" " * n
        headers = signed(clock.now(), body)
        gate.events(
            Message("POST", URL, body, headers["X-HubSpot-Signature-v3"], headers["X-HubSpot-Request-Timestamp"]),
            clock.now(),
        )
        clock.advance(minutes=1)
    assert len(gate._seen) <= 12
    with pytest.raises(Refused, match="five minutes"):
        gate.events(Message("POST", URL, b"", "", str(int(clock.now().timestamp() * 1000) - 400_000)), clock.now())
