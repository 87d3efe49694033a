"""The query resource: pages, locators, deleted rows, versions, long URIs."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from .conftest import BETA, GONE, Served, serving


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


def test_sf_a_locator_belongs_to_its_user(fresh: Served) -> None:
    view = fresh.emu.salesforce
    for number in range(205):
        view.insert("Account", {"Name": f"More {number}"})
    options = {"Sforce-Query-Options": "batchSize=200"}
    url = fresh.sf.query("SELECT Id FROM Account", headers=options).json()["nextRecordsUrl"]
    assert fresh.sf.get(url).status_code == 200
    view.set_run_as("ada@example.com")
    endpoint = fresh.endpoints["salesforce"]
    form = {"grant_type": "client_credentials", "client_id": endpoint["client_id"],
            "client_secret": endpoint["client_secret"]}  # fmt: skip
    token = fresh.sf("POST", "/services/oauth2/token", data=form).json()["access_token"]
    other = {"Authorization": f"Bearer {token}"}
    answer = fresh.sf.get(url, headers=other)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")
    own = fresh.sf.query("SELECT Id FROM Account", headers=other | options).json()["nextRecordsUrl"]
    assert own != url
    assert fresh.sf.get(own, headers=other).status_code == 200


def test_sf_limit_is_the_total(many: Served) -> None:
    page = many.sf.query("SELECT Id FROM Account LIMIT 2500").json()
    assert (page["totalSize"], page["done"], len(page["records"])) == (2500, False, 2000)
    assert len(many.sf.get(page["nextRecordsUrl"]).json()["records"]) == 500
    assert many.sf.query("SELECT COUNT() FROM Account LIMIT 7").json()["totalSize"] == 7


def test_a_statement_of_100000_characters_is_too_long(many: Served) -> None:
    # the URI ends long before; a composite sub-request does not
    soql = f"SELECT Id FROM Account WHERE Name != '{'x' * 100}'" + " " * 100_000
    sub = {"method": "GET", "url": f"/services/data/v68.0/query?q={soql}", "referenceId": "q"}
    answer = many.sf.post("composite", {"compositeRequest": [sub]}).json()["compositeResponse"][0]
    assert (answer["httpStatusCode"], answer["body"][0]["errorCode"]) == (400, "MALFORMED_QUERY")


def test_sf_locator_forms(tmp_path: Path) -> None:
    with serving(tmp_path, salesforce_locator="01g") as served:
        url = locator_of(served, "query")
        assert re.fullmatch(r"/services/data/v68\.0/query/01g\w{15}-200", url)
        assert served.sf.get(url).json()["done"] is True


def test_sf_query_all_may_page_through_its_own_path(tmp_path: Path) -> None:
    with serving(tmp_path, salesforce_query_all_path="queryAll") as served:
        url = locator_of(served, "queryAll")
        assert "/queryAll/" in url
        assert served.sf.get(url).json()["done"] is True
        assert "/query/" in locator_of(served, "query")


def locator_of(served: Served, resource: str) -> str:
    """The next page's path of a query of more than 200 records."""
    for number in range(205):
        served.emu.salesforce.insert("Contact", {"LastName": f"More {number}"})
    answer = served.sf.query("SELECT Id FROM Contact", resource, headers={"Sforce-Query-Options": "batchSize=200"})
    return str(answer.json()["nextRecordsUrl"])


def test_sf_wide_rows_may_make_pages_shorter(tmp_path: Path) -> None:
    with serving(tmp_path, salesforce_page_size="by_width") as served:
        for number in range(300):
            served.emu.salesforce.insert("Contact", {"LastName": f"More {number}"})
        fields = [one["name"] for one in served.sf.get("sobjects/Contact/describe").json()["fields"]]
        wide = served.sf.query(f"SELECT {','.join(one for one in fields if one != 'Description')} FROM Contact").json()
        assert (wide["totalSize"], wide["done"], len(wide["records"])) == (300, False, 250)
        assert served.sf.query("SELECT Id FROM Contact").json()["done"] is True


def test_sf_fractions_of_a_second(tmp_path: Path, shared: Served) -> None:
    soql = "SELECT Id FROM Account WHERE LastModifiedDate > 2026-11-22T09:00:00.999Z"
    assert [one["Id"] for one in shared.sf.records(soql)] == [BETA]
    with serving(tmp_path, salesforce_datetime_fraction="refused") as served:
        assert served.sf.query(soql).json()[0]["errorCode"] == "MALFORMED_QUERY"
        assert len(served.sf.records(soql.replace(".999", ""))) == 1


def test_sf_id_order(tmp_path: Path) -> None:
    orders: list[list[str]] = []
    for order, key in (("case_sensitive", str), ("case_insensitive", str.lower)):
        with serving(tmp_path / order, salesforce_id_order=order) as served:
            for number in range(60):
                served.emu.salesforce.insert("Contact", {"LastName": f"Many {number}"})
            ids = [one["Id"] for one in served.sf.records("SELECT Id FROM Contact ORDER BY Id")]
            assert ids == sorted(ids, key=key)
            rest = served.sf.records(f"SELECT Id FROM Contact WHERE Id > '{ids[29]}' ORDER BY Id")
            assert [one["Id"] for one in rest] == ids[30:]  # comparing agrees with sorting
            orders.append(ids)
    assert orders[0] != orders[1]


def test_sf_messages_may_come_in_another_language(tmp_path: Path) -> None:
    with serving(tmp_path, salesforce_messages="german") as served:
        (error,) = served.sf.query("SELECT Id FORM Account").json()
        assert error == {"message": "Die Abfrage ist fehlerhaft.", "errorCode": "MALFORMED_QUERY"}
        body = {"records": [{"attributes": {"type": "Account"}, "id": GONE, "Name": "x"}]}
        (result,) = served.sf("PATCH", "composite/sobjects", json=body).json()
        assert result["errors"] == [
            {"statusCode": "ENTITY_IS_DELETED", "message": "Das Element wurde gelöscht.", "fields": []}
        ]
        assert served.sf.records("SELECT Id FROM Account WHERE Name = 'message'") == []


@pytest.mark.parametrize(("master", "third"), [("next", "B"), ("last", "C")])
def test_sf_master_record_of_a_chain_of_merges(tmp_path: Path, master: str, third: str) -> None:
    with serving(tmp_path, salesforce_master_record=master) as served:
        view = served.emu.salesforce
        ids = {name: view.insert("Account", {"Name": name}) for name in ("A", "B", "C")}
        view.merge("Account", ids["B"], [ids["A"]])
        view.merge("Account", ids["C"], [ids["B"]])
        soql = (
            "SELECT Name, MasterRecordId FROM Account WHERE IsDeleted = true AND MasterRecordId != null ORDER BY Name"
        )
        found = {one["Name"]: one["MasterRecordId"] for one in served.sf.records(soql, "queryAll")}
        assert found == {"A": ids[third], "B": ids["C"]}
        assert {one["AccountId"] for one in view.rows("AccountHistory")} <= set(ids.values())
