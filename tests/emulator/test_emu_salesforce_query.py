"""The query resource: pages, locators, deleted rows, versions, long URIs."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from .conftest import GONE, Served


def test_sf_pages_hold_2000_rows_and_the_last_has_no_next(many: Served) -> None:
    first = many.sf.query("SELECT Id, Name FROM Account ORDER BY Name").json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (5001, False, 2000)
    assert re.fullmatch(r"/services/data/v68\.0/query/0r8\w{15}-2000", first["nextRecordsUrl"])
    second = many.sf.get(first["nextRecordsUrl"]).json()
    third = many.sf.get(second["nextRecordsUrl"]).json()
    assert second["nextRecordsUrl"] == first["nextRecordsUrl"].replace("-2000", "-4000")
    assert (third["totalSize"], third["done"], len(third["records"])) == (5001, True, 1001)
    assert "nextRecordsUrl" not in third
    names = [one["Name"] for page in (first, second, third) for one in page["records"]]
    assert names == [f"Company {number:05}" for number in range(5001)]


def test_batch_size_is_a_hint_between_200_and_2000(many: Served) -> None:
    def size(header: str) -> int:
        answer = many.sf.query("SELECT Id FROM Account", headers={"Sforce-Query-Options": header})
        return len(answer.json()["records"])

    assert [size("batchSize=500"), size("batchSize=1"), size("batchSize=9999"), size("other")] == [500, 200, 2000, 2000]


def test_sf_long_text_makes_pages_shorter(many: Served) -> None:
    page = many.sf.query("SELECT Id, Description FROM Account").json()
    assert len(page["records"]) == 1000
    assert page["nextRecordsUrl"].endswith("-1000")


def test_query_all_shows_deleted_rows_and_pages_through_query(shared: Served, many: Served) -> None:
    assert GONE not in [one["Id"] for one in shared.sf.records("SELECT Id FROM Account")]
    found = shared.sf.records("SELECT Id FROM Account WHERE IsDeleted = true", "queryAll")
    assert [one["Id"] for one in found] == [GONE]
    url = many.sf.query("SELECT Id FROM Account", "queryAll").json()["nextRecordsUrl"]
    assert "/query/" in url
    assert many.sf.get(url).status_code == 200


@pytest.mark.parametrize("locator", ["0r8000000000000AAA-2000", "nonsense", "01gD0000002HU6KIAW-2000"])
def test_unknown_locator_is_refused(many: Served, locator: str) -> None:
    answer = many.sf.get(f"query/{locator}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_sf_locator_lives_two_days(fresh: Served) -> None:
    for number in range(250):
        fresh.emu.salesforce.insert("Account", {"Name": f"More {number}"})
    url = fresh.sf.query("SELECT Id FROM Account", headers={"Sforce-Query-Options": "batchSize=200"}).json()[
        "nextRecordsUrl"
    ]
    fresh.clock.advance(timedelta(days=1, hours=23))
    assert fresh.sf.get(url).status_code == 200
    fresh.clock.advance(timedelta(hours=2))
    assert fresh.sf.get(url).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_sf_pages_are_not_a_snapshot(fresh: Served) -> None:
    ids = [fresh.emu.salesforce.insert("Account", {"Name": f"More {number}"}) for number in range(250)]
    soql = "SELECT Id, Name FROM Account ORDER BY Id"
    first = fresh.sf.query(soql, headers={"Sforce-Query-Options": "batchSize=200"}).json()
    last = max(ids)
    fresh.emu.salesforce.edit("Account", last, {"Name": "Changed meanwhile"})
    second = fresh.sf.get(first["nextRecordsUrl"]).json()
    assert second["records"][-1]["Name"] == "Changed meanwhile"


def test_a_repeated_query_sees_every_change(fresh: Served) -> None:
    soql = "SELECT Id, Name, Owner.Title FROM Account WHERE Name LIKE 'Acme%'"
    assert len(fresh.sf.records(soql)) == 1
    fresh.emu.salesforce.insert("Account", {"Name": "Acme Two"})
    assert len(fresh.sf.records(soql)) == 2
    fresh.emu.salesforce.edit("User", "005000000000001AAA", {"Title": "Boss"})
    assert fresh.sf.records(soql)[0]["Owner"]["Title"] == "Boss"


def test_today_moves_with_the_clock(fresh: Served) -> None:
    soql = "SELECT COUNT() FROM Account WHERE LastModifiedDate = LAST_N_DAYS:1"
    assert fresh.sf.query(soql).json()["totalSize"] == 1
    fresh.clock.advance(timedelta(days=5))
    assert fresh.sf.query(soql).json()["totalSize"] == 0


def test_sf_versions_31_to_68_answer_alike(shared: Served) -> None:
    offered = [one["version"] for one in shared.sf.get("/services/data", headers={"Authorization": ""}).json()]
    assert (offered[0], offered[-1], len(offered)) == ("31.0", "68.0", 38)
    for version in ("31.0", "59.0", "68.0"):
        record = shared.sf.get(f"/services/data/v{version}/query", params={"q": "SELECT Id FROM Account"}).json()[
            "records"
        ][0]
        assert record["attributes"]["url"].startswith(f"/services/data/v{version}/")


def test_sf_release_names(shared: Served) -> None:
    labels = {one["version"]: one["label"] for one in shared.sf.get("/services/data").json()}
    assert [labels[name] for name in ("68.0", "67.0", "66.0", "65.0")] == [
        "Winter '27",
        "Summer '26",
        "Spring '26",
        "Winter '26",
    ]


def test_sf_retired_version_is_gone_and_unknown_is_not_found(shared: Served) -> None:
    assert shared.sf.get("/services/data/v30.0/query").status_code == 410
    for version in ("v69.0", "v68.1", "68.0", "v7.0"):
        assert shared.sf.get(f"/services/data/{version}/query").status_code == 404


def test_sf_long_uri_is_414(shared: Served) -> None:
    ids = ",".join(f"'{number:018}'" for number in range(900))
    assert shared.sf.query(f"SELECT Id FROM Account WHERE Name IN ({ids})").status_code == 414
    short = ",".join(f"'{number:018}'" for number in range(400))
    assert shared.sf.query(f"SELECT Id FROM Account WHERE Name IN ({short})").status_code == 200
