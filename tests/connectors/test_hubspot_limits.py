"""HubSpot's limits: waited for, shared, and no reason to lose or repeat anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncd.connectors.budget import CallBudget, hubspot_budget
from syncd.connectors.hubspot.errors import HubSpotDialect
from syncd.connectors.wire import Answer
from syncd.connectors.wrappers import Retrying
from syncd.emulator import Variants
from syncd.errors import QuotaExhausted, Retry
from syncd.model import Page, ReceiptKind, Window

from .stub import Say, Stub
from .worlds import FakeClock
from .worlds_hubspot import DEALS, EVERYTHING, OBJECTS, HubSpotWorld, deal, found, hubspot_world, write
from .worlds_hubspot import stub_connector as connector

TEN_SECONDS, SECOND = timedelta(seconds=10), timedelta(seconds=1)


@contextmanager
def limited(tier: Any = "starter", variants: Variants | None = None) -> Iterator[HubSpotWorld]:
    """A portal that takes no more calls than its contract says."""
    with hubspot_world(variants=variants) as portal:
        portal.emulator.hubspot.set_limits(tier)
        yield portal


def statuses(portal: HubSpotWorld) -> list[int]:
    """The status of each answer so far."""
    return [r.status for r in portal.emulator.requests[portal.before :] if r.system == "hubspot"]


def busiest(portal: HubSpotWorld, span: timedelta, search: bool) -> int:
    """The largest number of calls in any such span."""
    requests = [r for r in portal.emulator.requests[portal.before :] if r.path.endswith("/search") is search]
    return max(sum(r.at <= other.at < r.at + span for other in requests) for r in requests)


# --- waiting


@pytest.mark.parametrize("retry_after", ["absent", "present"])
def test_searches_that_come_too_fast_are_asked_again_after_a_second(retry_after: Any) -> None:
    """F50."""
    with limited(variants=Variants(hubspot_retry_after=retry_after)) as portal:
        ids = {portal.create(f"C{n}") for n in range(2_100)}
        hubspot = Retrying(portal.connector(), portal.clock)
        window = Window(None, portal.clock.now())
        rows = [row for page in hubspot.pull(portal.spec, window) for row in page.rows]
        assert {row.id for row in rows} == ids
        assert len(rows) == len(ids)
        assert 429 in statuses(portal)
        assert all(wait >= 1 or retry_after == "present" for wait in portal.clock.waited)


def test_a_budget_keeps_searches_below_the_limit(portal: HubSpotWorld) -> None:
    """F50."""
    portal.emulator.hubspot.set_limits("starter")
    ids = {portal.create(f"C{n}") for n in range(2_100)}
    hubspot = portal.connector(budget=hubspot_budget(portal.clock, share=1.0))
    rows = [row.id for page in hubspot.pull(portal.spec, Window(None, portal.clock.now())) for row in page.rows]
    assert set(rows) == ids
    assert set(statuses(portal)) == {200}
    assert busiest(portal, SECOND, search=True) <= 5


def test_several_connectors_of_one_portal_share_one_budget(portal: HubSpotWorld) -> None:
    """F29."""
    portal.emulator.hubspot.set_limits("starter")
    ids = [portal.create(f"C{n}") for n in range(100)]
    shared = hubspot_budget(portal.clock, burst=100, share=1.0)
    first, second = portal.connector(budget=shared), portal.connector(budget=shared)
    for n in range(120):
        for hubspot in (first, second):
            assert len(hubspot.fetch(portal.spec, ids)) == 100, n
    assert set(statuses(portal)) == {200}
    assert 90 <= busiest(portal, TEN_SECONDS, search=False) <= 100


def test_connectors_with_a_budget_each_meet_the_limit(portal: HubSpotWorld) -> None:
    portal.emulator.hubspot.set_limits("starter")
    ids = [portal.create(f"C{n}") for n in range(100)]
    hubspots = [portal.connector(budget=hubspot_budget(portal.clock, burst=100, share=1.0)) for _ in range(2)]
    with pytest.raises(Retry):
        any(not hubspot.fetch(portal.spec, ids) for _ in range(120) for hubspot in hubspots)


def test_a_share_is_left_to_others(portal: HubSpotWorld) -> None:
    """F29."""
    portal.emulator.hubspot.set_limits("starter")
    ids = [portal.create("C")]
    hubspot = portal.connector(budget=hubspot_budget(portal.clock, burst=100, share=0.7))
    for _ in range(150):
        hubspot.fetch(portal.spec, ids)
    assert busiest(portal, TEN_SECONDS, search=False) <= 70


def test_the_portal_says_how_large_its_burst_is(portal: HubSpotWorld) -> None:
    portal.emulator.hubspot.set_limits("professional")
    ids = [portal.create("C")]
    hubspot = portal.connector(budget=hubspot_budget(portal.clock, burst=10, share=1.0))
    for _ in range(200):
        hubspot.fetch(portal.spec, ids)
    assert 180 <= busiest(portal, TEN_SECONDS, search=False) <= 190
    assert len(portal.clock.waited) <= 2


def test_ten_thousand_writes_fit_into_one_burst(portal: HubSpotWorld) -> None:
    portal.emulator.hubspot.set_limits("professional")
    ids = [portal.create(f"C{n}") for n in range(10_000)]
    hubspot = portal.connector(budget=hubspot_budget(portal.clock, burst=190, share=0.7), writers=8)
    receipts = hubspot.write("companies", [portal.write(id_, "v", n) for n, id_ in enumerate(ids)])
    assert {r.kind for r in receipts} == {ReceiptKind.APPLIED}
    assert len(statuses(portal)) == 100
    assert set(statuses(portal)) == {200}
    assert portal.clock.waited == []


def test_threads_share_a_budget_without_a_call_too_many(clock: FakeClock) -> None:
    budget = hubspot_budget(clock, burst=50, share=1.0)
    taken: list[datetime] = []

    def take() -> None:
        for _ in range(20):
            budget.take("call")
            taken.append(clock.now())

    threads = [threading.Thread(target=take) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(taken) == 100
    assert max(sum(t <= other < t + TEN_SECONDS for other in taken) for t in taken) <= 50


# --- the day


def test_a_run_ends_at_the_days_limit_and_goes_on_the_next_day(portal: HubSpotWorld) -> None:
    """F28."""
    portal.emulator.hubspot.set_limits("starter")
    ids = {portal.create(f"C{n}") for n in range(1_000)}
    hubspot = Retrying(portal.connector(budget=hubspot_budget(portal.clock)), portal.clock)
    window = Window(None, hubspot.now())
    reading = hubspot.pull(portal.spec, window)
    pages: list[Page] = [next(reading), next(reading)]
    portal.emulator.hubspot.burn_quota(250_000)
    with pytest.raises(QuotaExhausted) as caught:
        next(reading)
    assert caught.value.after is not None
    assert not pages[-1].last
    with pytest.raises(QuotaExhausted):
        hubspot.write("companies", [portal.write(next(iter(ids)), "v")])
    refused = statuses(portal).count(429)
    assert refused == 1  # after that nobody asks any more
    portal.clock.wait(86_400)
    pages += hubspot.pull(portal.spec, window, pages[-1].position)
    assert [row.id for page in pages for row in page.rows] == sorted(ids, key=int)
    assert pages[-1].last


@pytest.mark.parametrize(
    ("zone", "hours"), [("UTC", 15.0), ("Europe/Berlin", 14.0), ("America/New_York", 20.0), ("Asia/Kathmandu", 9.25)]
)
def test_the_day_ends_at_midnight_where_the_account_is(portal: HubSpotWorld, zone: str, hours: float) -> None:
    """F28."""
    portal.emulator.hubspot.set_limits("starter")
    portal.emulator.hubspot.set_account({"timeZone": zone})
    hubspot = portal.connector()
    hubspot.now()
    portal.emulator.hubspot.burn_quota(250_000)
    with pytest.raises(QuotaExhausted) as caught:
        list(hubspot.pull(portal.spec, Window(None, portal.clock.now())))
    assert caught.value.after == timedelta(hours=hours)


def test_the_day_of_another_zone_may_have_another_length() -> None:
    dialect = HubSpotDialect()
    dialect.zone = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # midnight in Berlin, on the day that has 25 hours
    headers = {"Date": before.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    error = dialect.failure(Answer(429, headers, b'{"policyName": "DAILY"}'), "x", False)
    assert isinstance(error, QuotaExhausted)
    assert error.after == timedelta(hours=25)


# --- which limit


@pytest.mark.parametrize(
    ("policy", "headers", "still_open"),
    [
        ("TEN_SECONDLY_ROLLING", {}, "search"),
        ("SECONDLY", {}, "call"),
        ("SECONDLY", {"Retry-After": "3"}, "call"),
        ("DAILY", {}, None),
    ],
)
def test_only_what_is_over_its_limit_waits(
    stub: Stub, clock: FakeClock, policy: str, headers: dict[str, str], still_open: str | None
) -> None:
    """F50."""
    stub.on(f"POST {OBJECTS}/search", Say(429, {"policyName": policy}, headers))
    budget = hubspot_budget(clock, share=1.0)
    with pytest.raises(Retry):
        list(connector(stub, clock, budget=budget).pull(DEALS, EVERYTHING))
    for kind in ("search", "call"):
        if kind == still_open:
            assert _wait(budget, clock, kind) == 0
        elif policy == "DAILY":
            with pytest.raises(QuotaExhausted):
                budget.take(kind)
        else:
            assert _wait(budget, clock, kind) == {"SECONDLY": 1, "TEN_SECONDLY_ROLLING": 10}[policy] * (
                3 if headers else 1
            )


def _wait(budget: CallBudget, clock: FakeClock, kind: str) -> float:
    before = clock.now()
    budget.take(kind)
    return (clock.now() - before).total_seconds()


@pytest.mark.parametrize("body", [b"<html>slow down</html>", b"", b"[]", b'"no"', b"\xff\xfe", b'{"policyName": null}'])
def test_a_limit_without_a_word_is_waited_for_ten_seconds(stub: Stub, clock: FakeClock, body: bytes) -> None:
    """F50."""
    stub.on(f"POST {OBJECTS}/batch/update", Say(429, body))
    (receipt,) = connector(stub, clock).write("deals", [write(1)])
    assert receipt.kind is ReceiptKind.RETRY
    stub.on(f"POST {OBJECTS}/search", Say(429, body), found(deal(1)))
    hubspot = Retrying(connector(stub, clock), clock)
    assert [row.id for page in hubspot.pull(DEALS, EVERYTHING) for row in page.rows] == ["1"]
    assert clock.waited[0] >= 10


@pytest.mark.parametrize("status", [423, 429, 477, 500, 502, 503, 504, 521, 522, 523, 524])
def test_pages_of_a_gateway_are_errors_by_their_status(stub: Stub, clock: FakeClock, status: int) -> None:
    """F51."""
    stub.on(f"POST {OBJECTS}/search", Say(status, b"<html><h1>Welcome</h1></html>", {"Content-Type": "text/html"}))
    with pytest.raises(Retry):
        list(connector(stub, clock).pull(DEALS, EVERYTHING))
