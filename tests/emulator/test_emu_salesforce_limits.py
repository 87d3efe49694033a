"""The daily quota, concurrent requests, the usage header, and what GET /limits says."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta
from pathlib import Path

import requests

from .conftest import ACME, Served, serving


def said(answer: requests.Response) -> int:
    found = re.match(r"api-usage=(\d+)/(\d+)", answer.headers["Sforce-Limit-Info"])
    assert found is not None
    return int(found[1])


def test_sf_daily_quota_is_403_until_the_day_has_rolled_on(fresh: Served) -> None:
    fresh.emu.salesforce.set_daily_limit(3)
    assert [fresh.sf.get("limits").status_code for _ in range(4)] == [200, 200, 200, 403]
    refused = fresh.sf.patch(f"sobjects/Account/{ACME}", {"Site": "x"})
    assert (refused.status_code, refused.json()) == (
        403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}],
    )  # fmt: skip
    assert (fresh.emu.changes, fresh.emu.salesforce.calls_used()) == ([], 3)
    fresh.clock.advance(timedelta(hours=23, minutes=59))
    assert fresh.sf.get("limits").status_code == 403
    fresh.clock.advance(timedelta(minutes=1))
    assert fresh.sf.get("limits").status_code == 200


def test_sf_other_integrations_use_the_same_quota(fresh: Served) -> None:
    fresh.emu.salesforce.burn_quota(99_999)
    answer = fresh.sf.get("limits")
    assert answer.json()["DailyApiRequests"] == {"Max": 100_000, "Remaining": 0}
    assert fresh.sf.get("limits").status_code == 403


def test_signing_in_costs_no_call(fresh: Served) -> None:
    fresh.sf.get("/services/data")
    fresh.sf.get("/services/oauth2/userinfo")
    assert fresh.emu.salesforce.calls_used() == 0


def test_sf_concurrent_long_requests_are_403(fresh: Served) -> None:
    fresh.emu.salesforce.hold_long_requests(30)
    answer = fresh.sf.get("limits")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert answer.json()[0]["message"].startswith("ConcurrentRequests")
    assert fresh.emu.salesforce.calls_used() == 0
    fresh.clock.advance(timedelta(seconds=30))
    assert fresh.sf.get("limits").status_code == 200


def test_sf_usage_header_trails_and_may_step_back(fresh: Served) -> None:
    told = [said(fresh.sf.get("limits")) for _ in range(40)]
    assert all(0 <= true - one <= 3 for true, one in enumerate(told, start=1))
    assert len({true - one for true, one in enumerate(told, start=1)}) > 1
    assert any(later < earlier for earlier, later in itertools.pairwise(told))


def test_sf_usage_header_may_name_the_app(tmp_path: Path) -> None:
    with serving(tmp_path, salesforce_per_app_usage="present") as served:
        text = served.sf.get("limits").headers["Sforce-Limit-Info"]
        assert re.fullmatch(r"api-usage=\d+/100000; per-app-api-usage=1/25000\(appName=syncd\)", text)


def test_sf_limits_have_the_recorded_keys(shared: Served) -> None:
    limits = shared.sf.get("limits").json()
    assert len(limits) == 71
    assert {"DailyApiRequests", "DailyBulkV2QueryFileStorageMB", "DataStorageMB", "HourlyTimeBasedWorkflow",
            "SingleEmail"} <= set(limits)  # fmt: skip
    assert {tuple(one) for name, one in limits.items() if name != "PermissionSets"} == {("Max", "Remaining")}
    assert limits["PermissionSets"]["CreateCustom"] == {"Max": 1_000, "Remaining": 1_000}
