"""The transport: one host, time limits, classes of failure, and nothing secret anywhere."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncd.connectors.budget import Unlimited
from syncd.connectors.credentials import StaticToken
from syncd.connectors.hubspot.errors import HubSpotDialect
from syncd.connectors.transport import Transport
from syncd.connectors.wire import Timeouts, Wire
from syncd.errors import Retry, Stop, UserError

from .stub import Say, Stub
from .worlds import FakeClock

TOKEN = "pat-na1-very-secret-token"


class Spy(Unlimited):
    """A budget that remembers what it was told."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.told: list[tuple[str, int | None, float | None, int | None]] = []

    def take(self, kind: str, calls: int = 1) -> None:
        self.taken.append(kind)

    def correct(self, kind: str, remaining: int | None, retry_after: float | None, maximum: int | None = None) -> None:
        self.told.append((kind, remaining, retry_after, maximum))


def transport(stub: Stub, clock: FakeClock, **options: Any) -> Transport:
    wire = Wire(stub.url, hosts=(), emulator=True, timeouts=options.pop("timeouts", None))
    return Transport(wire, HubSpotDialect(), StaticToken(TOKEN), options.pop("budget", Unlimited()), clock, **options)


@pytest.mark.parametrize(
    ("say", "why"),
    [
        (Say(mute=True), "no answer at all"),
        (Say(body={"a": "x" * 500}, cut=100), "a body cut off"),
        (Say(body={"a": "x" * 500}, cut=20, pack=True), "a packed body cut off"),
        (
            Say(body=gzip.compress(b"{}" + b" " * 99_000)[:-12], headers={"Content-Encoding": "gzip"}),
            "a packed body that lacks its end",
        ),
        (Say(body=b"not gzip at all", headers={"Content-Encoding": "gzip"}), "a body that is not what it says"),
        (Say(body=b"<html>maintenance</html>"), "a success that is a page of HTML"),
        (Say(body=b'{"results": [1, 2'), "a success that is half of something"),
        (Say(502, b"<html>bad gateway</html>"), "an error page of a gateway"),
        (Say(500, {"category": "INTERNAL_ERROR"}), "an error after it may have been done"),
    ],
)
def test_a_write_without_a_whole_answer_has_an_unknown_outcome(
    stub: Stub, clock: FakeClock, say: Say, why: str
) -> None:
    """F58, F27. And nothing is sent twice by itself."""
    stub.on("POST /x", say)
    for writing in (True, False):
        with pytest.raises(Retry) as caught:
            transport(stub, clock).json("POST", "/x", template="x", body={}, writing=writing)
        assert caught.value.outcome_unknown is writing, why
    assert len(stub.asked) == 2  # and nothing is ever sent again by itself


def test_a_server_that_cannot_be_reached_has_surely_changed_nothing(clock: FakeClock) -> None:
    wire = Wire("http://127.0.0.1:9", hosts=(), emulator=True)
    calls = Transport(wire, HubSpotDialect(), StaticToken(TOKEN), Unlimited(), clock)
    with pytest.raises(Retry) as caught:
        calls.call("POST", "/x", template="x", body={}, writing=True)
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize("timeouts", [Timeouts(read=0.05), Timeouts(whole=0.05)])
def test_a_server_that_never_ends_its_answer_is_given_up(stub: Stub, clock: FakeClock, timeouts: Timeouts) -> None:
    """F26."""
    stub.on("GET /x", Say(body={"a": "x" * 1000}, drip=0.2 if timeouts.read < 1 else 0.01))
    with pytest.raises(Retry):
        transport(stub, clock, timeouts=timeouts).call("GET", "/x", template="x")


def test_a_redirect_is_not_followed(stub: Stub, clock: FakeClock) -> None:
    """A token goes to the configured host only."""
    stub.on("GET /x", Say(302, headers={"Location": f"{stub.url}/elsewhere"}))
    with pytest.raises(Stop):
        transport(stub, clock).call("GET", "/x", template="x")
    assert stub.paths() == ["GET /x"]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/services/data/v68.0/query/01g",
        "//evil.example/x",
        "http://127.0.0.1:1/x",
        "http://localhost/x",
        "x",
        "",
    ],
)
def test_links_to_anywhere_else_are_refused(stub: Stub, link: str) -> None:
    wire = Wire(stub.url, hosts=(), emulator=True)
    with pytest.raises(Stop):
        wire.pinned(link)
    assert wire.pinned(f"{stub.url}/a?b=c") == wire.pinned("/a?b=c") == "/a?b=c"
    with pytest.raises(Stop):
        wire.send("GET", "//evil.example/x", {})


@pytest.mark.parametrize(
    ("url", "emulator"),
    [
        ("http://acme.my.salesforce.com", False),
        ("https://salesforce.com.evil.example", False),
        ("https://evilsalesforce.com", False),
        ("https://user:secret@acme.my.salesforce.com", False),
        ("https://acme.my.salesforce.com/path", False),
        ("http://127.0.0.1:8080", False),
        ("https://acme.my.salesforce.com", True),
        ("http://10.0.0.1", True),
        ("ftp://127.0.0.1", True),
        ("", False),
    ],
)
def test_a_connection_leads_only_to_hosts_of_its_kind(url: str, emulator: bool) -> None:
    with pytest.raises(UserError) as caught:
        Wire(url, hosts=("salesforce.com",), emulator=emulator)
    assert "secret" not in str(caught.value)


def test_hosts_of_its_kind_are_taken() -> None:
    assert Wire("https://acme.my.salesforce.com", hosts=("salesforce.com",)).port == 443
    assert Wire("https://127.0.0.1:9443", hosts=(), emulator=True).scheme == "https"


def test_answers_are_packed_and_unpacked(stub: Stub, clock: FakeClock) -> None:
    stub.on("GET /x", Say(body={"a": ["x" * 1000] * 10}, pack=True))
    assert transport(stub, clock).json("GET", "/x", template="x") == {"a": ["x" * 1000] * 10}
    assert stub.asked[0].headers["Accept-Encoding"] == "gzip"


def test_the_meter_hears_of_every_call_and_of_nothing_secret(stub: Stub, clock: FakeClock) -> None:
    heard: list[tuple[str, str, int, float]] = []
    stub.on("GET /x", Say(body={}), Say(mute=True))
    calls = transport(stub, clock, meter=lambda *told: heard.append(told))
    calls.call("GET", "/x?email=someone@example.com", template="x")
    with pytest.raises(Retry) as caught:
        calls.call("GET", "/x?email=someone@example.com", template="x")
    assert [told[:3] for told in heard] == [("GET", "x", 200), ("GET", "x", 0)]
    for text in (str(caught.value), repr(caught.value), repr(heard), repr(calls.wire)):
        assert TOKEN not in text
        assert "someone" not in text


def test_the_budget_is_asked_before_each_call_and_told_after_it(stub: Stub, clock: FakeClock) -> None:
    spy = Spy()
    left = {
        "X-HubSpot-RateLimit-Remaining": "7",
        "X-HubSpot-RateLimit-Daily-Remaining": "900",
        "X-HubSpot-RateLimit-Daily": "650000",
    }
    stub.on(
        "GET /x", Say(body={}, headers=left), Say(429, {"policyName": "SECONDLY"}), Say(429, {"policyName": "DAILY"})
    )
    calls = transport(stub, clock, budget=spy)
    calls.call("GET", "/x", template="x")
    assert (spy.taken, spy.told) == (["call"], [("call", 7, None, None), ("daily", 900, None, 650_000)])
    for kind, told in (("search", ("search", None, 1.0, None)), ("search", ("daily", None, 3600.0, None))):
        with pytest.raises(Retry):
            calls.call("GET", "/x", template="x", kind=kind)
        assert spy.told[-1] == told
    assert calls.calls == 3


def test_the_servers_clock_goes_on_between_answers_and_follows_its_newest(stub: Stub, clock: FakeClock) -> None:
    stub.on(
        "GET /x",
        Say(body={}, headers={"Date": "Mon, 23 Nov 2026 10:00:00 GMT"}),
        Say(body={}, headers={"Date": "Mon, 23 Nov 2026 09:30:00 GMT"}),
    )
    calls = transport(stub, clock)
    assert calls.now() is None
    calls.call("GET", "/x", template="x")
    assert calls.now() == datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    clock.wait(40)
    assert calls.now() == datetime(2026, 11, 23, 10, 0, 40, tzinfo=UTC)
    calls.call("GET", "/x", template="x")
    assert calls.now() == datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def test_retry_after_is_heard_in_both_forms(stub: Stub, clock: FakeClock) -> None:
    stub.on("GET /x", Say(429, {}, {"Retry-After": "17"}), Say(477, {}, {"Retry-After": "3600"}), Say(423, {}))
    waits = []
    for _ in range(3):
        with pytest.raises(Retry) as caught:
            transport(stub, clock).call("GET", "/x", template="x")
        waits.append(caught.value.after)
    assert waits == [timedelta(seconds=17), timedelta(hours=1), timedelta(seconds=2)]


def test_an_address_longer_than_servers_take_is_not_sent(stub: Stub, clock: FakeClock) -> None:
    with pytest.raises(UserError, match="fewer fields"):
        transport(stub, clock).call("GET", "/x?q=" + "a" * 17_000, template="x")
    assert stub.asked == []


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "ümlaut"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(UserError) as caught:
        StaticToken(token)
    assert not token or token not in str(caught.value)
