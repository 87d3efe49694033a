"""get-updated, get-deleted and record counts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from syncd.emulator.salesforce import replication

from .conftest import ACME, BETA, GONE, Served, serving

DAY = timedelta(days=1)


def refusal(served: Served, path: str) -> tuple[int, str]:
    answer = served.sf.get(path)
    return answer.status_code, answer.json()[0]["errorCode"]


def test_sf_updated_names_what_changed_in_a_span(fresh: Served) -> None:
    answer = fresh.sf.get("sobjects/Account/updated/?start=2026-11-20T00:00:00Z&end=2026-11-22T10:00:30%2B00:00").json()
    assert answer == {"ids": [ACME], "latestDateCovered": "2026-11-22T10:00:00.000+0000"}  # seconds do not count
    answer = fresh.sf.get("sobjects/Account/updated?start=2026-11-20T00:00:00Z&end=2026-11-23T12:00:00Z").json()
    assert answer == {"ids": [ACME, BETA], "latestDateCovered": "2026-11-23T09:00:00.000+0000"}


def test_sf_deleted_names_what_went_in_a_span(fresh: Served) -> None:
    fresh.clock.advance(timedelta(minutes=5))
    fresh.emu.salesforce.delete("Account", BETA)
    path = "sobjects/Account/deleted/?start=2026-11-{0}:00:00Z&end=2026-11-23T12:00:00Z"
    answer = fresh.sf.get(path.format("23T09")).json()
    assert answer["deletedRecords"] == [{"deletedDate": "2026-11-23T09:05:00.000+0000", "id": BETA}]
    assert answer["latestDateCovered"] == "2026-11-23T09:05:00.000+0000"
    assert answer["earliestDateAvailable"] == "2026-11-08T09:05:00.000+0000"
    assert [one["id"] for one in fresh.sf.get(path.format("10T00")).json()["deletedRecords"]] == [BETA, GONE]


def test_sf_spans_have_their_limits(fresh: Served) -> None:
    updated, deleted = "sobjects/Account/updated", "sobjects/Account/deleted"
    wrong = (400, "INVALID_REPLICATION_DATE")
    span = "start=2026-11-22T10:00:00Z&end=2026-11-22T10:00:59Z"
    assert refusal(fresh, f"{updated}?{span}") == wrong
    assert refusal(fresh, f"{deleted}?{span}") == wrong
    assert refusal(fresh, f"{updated}?start=2026-11-23T00:00:00Z&end=2026-11-22T00:00:00Z") == wrong
    assert refusal(fresh, f"{updated}?start=2026-10-20T00:00:00Z&end=2026-11-22T00:00:00Z") == wrong
    assert fresh.sf.get(f"{updated}?start=2026-10-25T00:00:00Z&end=2026-11-22T00:00:00Z").status_code == 200
    assert refusal(fresh, f"{deleted}?start=2026-11-08T08:00:00Z&end=2026-11-22T00:00:00Z") == wrong
    assert refusal(fresh, f"{updated}?start=yesterday&end=2026-11-22T00:00:00Z") == wrong
    assert refusal(fresh, f"{updated}?end=2026-11-22T00:00:00Z") == (400, "MISSING_ARGUMENT")
    assert refusal(fresh, f"sobjects/Nothing/updated?{span}") == (404, "NOT_FOUND")
    assert refusal(fresh, f"sobjects/OpportunityStage/updated?{span}") == (404, "NOT_FOUND")


def test_sf_deletes_are_told_for_15_days(fresh: Served) -> None:
    fresh.emu.salesforce.delete("Account", BETA)
    fresh.clock.advance(14 * DAY)
    span = "start=2026-11-23T00:00:00Z&end=2026-12-31T00:00:00Z"
    assert [one["id"] for one in fresh.sf.get(f"sobjects/Account/deleted?{span}").json()["deletedRecords"]] == [BETA]
    fresh.clock.advance(2 * DAY)
    assert refusal(fresh, f"sobjects/Account/deleted?{span}") == (400, "INVALID_REPLICATION_DATE")
    span = "start=2026-11-25T00:00:00Z&end=2026-12-31T00:00:00Z"
    assert fresh.sf.get(f"sobjects/Account/deleted?{span}").json()["deletedRecords"] == []


def test_sf_too_many_ids_are_refused(many: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "sobjects/Account/updated?start=2026-11-23T00:00:00Z&end=2026-11-24T00:00:00Z"
    assert len(many.sf.get(path).json()["ids"]) == 5001
    assert replication.MOST_IDS == 600_000
    monkeypatch.setattr(replication, "MOST_IDS", 5000)
    assert refusal(many, path) == (400, "EXCEEDED_ID_LIMIT")


def test_sf_record_counts_leave_out_what_is_deleted_or_unknown(shared: Served) -> None:
    answer = shared.sf.get("limits/recordCount?sObjects=Account,deal_reg__c,Nothing").json()
    assert answer == {"sObjects": [{"count": 2, "name": "Account"}, {"count": 2, "name": "Deal_Reg__c"}]}
    everything = {one["name"]: one["count"] for one in shared.sf.get("limits/recordCount").json()["sObjects"]}
    assert (everything["Account"], everything["Lead"]) == (2, 0)


def test_sf_latest_date_covered_may_stand_still(tmp_path: Path) -> None:
    with serving(tmp_path, salesforce_latest_date_covered="stuck") as served:
        span = "start=2026-11-20T00:00:00Z&end=2026-11-23T12:00:00Z"
        answer = served.sf.get(f"sobjects/Account/updated?{span}").json()
        assert answer == {"ids": [ACME, BETA], "latestDateCovered": "2026-11-23T03:00:00.000+0000"}
