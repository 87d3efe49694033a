"""The portal's limits on the clock, what answers tell of them, and faults of state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from syncd.emulator import Emulator, EmulatorClock, EmulatorRefusal

from .conftest import START, Served, serving

SECOND = timedelta(seconds=1)


@pytest.fixture
def limited(fresh: Served) -> Served:
    """The small world with the limits that an account of the Professional edition has."""
    fresh.emu.hubspot.set_limits("professional")
    return fresh


def read(served: Served) -> requests.Response:
    return served.hs.get("companies/101")


def search(served: Served) -> requests.Response:
    return served.hs.post("companies/search", {})


def how_many(served: Served, ask: Callable[[Served], requests.Response], most: int = 400) -> int:
    """How many calls pass before one is refused."""
    return next((number for number in range(most) if ask(served).status_code == 429), most)


def test_hs_ten_seconds_are_rolling(limited: Served) -> None:
    for _ in range(100):
        read(limited)
    limited.clock.advance(6 * SECOND)
    assert how_many(limited, read) == 90
    limited.clock.advance(3.9 * SECOND)
    assert read(limited).status_code == 429
    limited.clock.advance(0.1 * SECOND)  # the first hundred leave the window
    assert how_many(limited, read) == 100
    assert search(limited).status_code == 200  # searches are not among them


def test_hs_search_takes_five_a_second(limited: Served) -> None:
    assert how_many(limited, search) == 5
    assert search(limited).json()["policyName"] == "SECONDLY"
    assert read(limited).status_code == 200
    limited.clock.advance(SECOND)
    assert how_many(limited, search) == 5


def test_searches_count_for_the_account_not_for_the_app(limited: Served) -> None:
    other = {"Authorization": f"Bearer {limited.emu.hubspot.add_token('other', ['*'])}"}
    for _ in range(5):
        assert search(limited).status_code == 200
    assert limited.hs.post("companies/search", {}, headers=other).status_code == 429
    for _ in range(190):
        read(limited)
    assert read(limited).status_code == 429
    assert limited.hs.get("companies/101", headers=other).status_code == 200  # another app's own ten seconds


@pytest.mark.parametrize(
    ("tier", "packs", "burst", "daily"),
    [("starter", 0, 100, 250_000), ("professional", 0, 190, 650_000), ("enterprise", 0, 190, 1_000_000),
     ("professional", 1, 250, 1_650_000), ("enterprise", 2, 250, 3_000_000), ("starter", 5, 250, 2_250_000)],
)  # fmt: skip
def test_hs_tiers(fresh: Served, tier: Any, packs: int, burst: int, daily: int) -> None:
    fresh.emu.hubspot.set_limits(tier, packs)
    told = read(fresh).headers
    assert told["x-hubspot-ratelimit-max"] == str(burst)
    assert told["x-hubspot-ratelimit-daily"] == str(daily)
    assert how_many(fresh, read) == burst - 1


def test_a_portal_is_professional_unless_told(tmp_path: Path) -> None:
    emu = Emulator.empty(EmulatorClock())
    with emu.serve() as endpoints:
        url = f"{endpoints['hubspot']['base_url']}/crm/objects/2026-09/companies"
        headers = {"Authorization": f"Bearer {endpoints['hubspot']['access_token']}"}
        emu.hubspot.burn_quota(190, "TEN_SECONDLY_ROLLING")
        answer = requests.get(url, headers=headers, timeout=20)
    assert (answer.status_code, answer.headers["x-hubspot-ratelimit-max"]) == (429, "190")


def test_without_a_tier_nothing_is_refused_but_all_is_told(fresh: Served) -> None:
    answers = [read(fresh) for _ in range(200)]
    assert {one.status_code for one in answers} == {200}
    left = [int(one.headers["x-hubspot-ratelimit-remaining"]) for one in answers]
    assert (left[0], left[188], left[199]) == (189, 1, 0)
    assert answers[-1].headers["x-hubspot-ratelimit-daily-remaining"] == str(650_000 - 200)
    with pytest.raises(EmulatorRefusal, match="a tier is one of starter"):
        fresh.emu.hubspot.set_limits("free")  # type: ignore[arg-type]


def test_hs_daily_limit_ends_at_midnight_of_the_account(limited: Served) -> None:
    limited.emu.hubspot.set_account({"timeZone": "America/New_York"})
    read(limited)
    limited.emu.hubspot.burn_quota(650_000 - 2)
    assert read(limited).headers["x-hubspot-ratelimit-daily-remaining"] == "0"
    assert read(limited).json()["policyName"] == "DAILY"
    assert search(limited).json()["policyName"] == "DAILY"  # searches are free of the burst, not of the day
    limited.clock.freeze(datetime(2026, 11, 24, 4, 59, 59, tzinfo=UTC))  # 23:59:59 in New York
    assert read(limited).status_code == 429
    limited.clock.advance(SECOND)
    assert read(limited).headers["x-hubspot-ratelimit-daily-remaining"] == str(650_000 - 1)


def test_hs_daily_usage_is_counted(limited: Served) -> None:
    limited.emu.hubspot.set_account({"timeZone": "Europe/Berlin"})
    limited.emu.hubspot.burn_quota(500)
    search(limited)
    usage = limited.hs.get("/account-info/2026-09/api-usage/daily/private-apps").json()["results"][0]
    assert (usage["usageLimit"], usage["currentUsage"]) == (650_000, 502)
    assert usage["resetsAt"] == "2026-11-23T23:00:00.000Z"
    assert usage["fetchStatus"] == "SUCCESS"


def test_hs_429_body(limited: Served) -> None:
    limited.emu.hubspot.burn_quota(190, "TEN_SECONDLY_ROLLING")
    answer = read(limited)
    body = answer.json()
    assert answer.status_code == 429
    assert body["message"] == "You have reached your ten_secondly_rolling limit."
    assert (body["errorType"], body["policyName"]) == ("RATE_LIMIT", "TEN_SECONDLY_ROLLING")
    assert body["groupName"].startswith("publicapi:private-apps:")
    assert body["correlationId"] == answer.headers["x-hubspot-correlation-id"]
    assert answer.headers["x-hubspot-ratelimit-remaining"] == "0"
    limited.emu.hubspot.burn_quota(5, "SECONDLY")
    assert search(limited).json()["message"] == "You have reached your secondly limit."
    assert not [name for name in search(limited).headers if "ratelimit" in name.lower()]


def test_a_refused_call_is_not_counted(limited: Served) -> None:
    assert how_many(limited, read) == 190
    for _ in range(50):
        assert read(limited).status_code == 429
    limited.clock.advance(10 * SECOND)
    assert read(limited).headers["x-hubspot-ratelimit-remaining"] == "189"


def test_hs_retry_after_may_be_absent(tmp_path: Path, limited: Served) -> None:
    limited.emu.hubspot.burn_quota(190, "TEN_SECONDLY_ROLLING")
    assert "Retry-After" not in read(limited).headers
    with serving(tmp_path, hubspot_retry_after="present") as served:
        served.emu.hubspot.set_limits("professional")
        served.emu.hubspot.burn_quota(190, "TEN_SECONDLY_ROLLING")
        served.clock.advance(3.5 * SECOND)
        assert read(served).headers["Retry-After"] == "7"
        served.emu.hubspot.burn_quota(650_000)
        assert read(served).headers["Retry-After"] == str(15 * 3600 - 3)


def test_hs_association_calls_and_the_ten_seconds(tmp_path: Path, limited: Served) -> None:
    def links(served: Served) -> int:
        body = {"inputs": [{"id": "302"}]}
        return served.hs.post("/crm/associations/2026-09/deals/companies/batch/read", body).status_code

    limited.emu.hubspot.burn_quota(190, "TEN_SECONDLY_ROLLING")
    assert links(limited) == 429
    with serving(tmp_path, hubspot_association_calls="exempt") as served:
        served.emu.hubspot.set_limits("professional")
        served.emu.hubspot.burn_quota(190, "TEN_SECONDLY_ROLLING")
        assert links(served) == 200
        assert read(served).status_code == 429


# --- faults of state


def test_hs_locked_is_423(fresh: Served) -> None:
    fresh.emu.hubspot.lock_type("companies", 30)
    body = {"properties": {"name": "x"}}
    answer = fresh.hs.patch("companies/101", body)
    assert (answer.status_code, answer.json()["category"]) == (423, "LOCKED")
    batch = {"inputs": [{"id": "101", **body}]}
    assert fresh.hs.post("companies/batch/update", batch).status_code == 423
    assert fresh.hs.get("companies/101").status_code == 200  # reading goes on
    assert fresh.hs.patch("deals/302", {"properties": {"dealname": "x"}}).status_code == 200
    fresh.clock.advance(30 * SECOND)
    assert fresh.hs.patch("companies/101", body).status_code == 200


def test_hs_migration_is_477(fresh: Served) -> None:
    fresh.emu.hubspot.move_account(86_400)
    fresh.clock.advance(400 * SECOND)
    answer = read(fresh)
    assert (answer.status_code, answer.json()["category"]) == (477, "MIGRATION_IN_PROGRESS")
    assert answer.headers["Retry-After"] == "86000"
    assert search(fresh).status_code == 477
    fresh.emu.hubspot.move_account(0)
    assert read(fresh).status_code == 200


def test_html_of_a_proxy_can_stand_in_for_any_answer(fresh: Served) -> None:
    fresh.emu.fail("hubspot", path_prefix="/crm", status=502, body="<html>Bad gateway</html>")
    answer = read(fresh)
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html;charset=UTF-8")
    assert read(fresh).json()["createdAt"] < START.isoformat()
