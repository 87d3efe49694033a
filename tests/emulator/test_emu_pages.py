"""Prepared pages: the same bytes again while nothing changed, and never an old answer when something did."""

from __future__ import annotations

import gc
from datetime import timedelta
from typing import Any

import pytest

from syncd.emulator import Emulator, EmulatorDataError, EmulatorRefusal
from syncd.emulator.http import Page, PreparedPages, Reply
from syncd.emulator.salesforce import query

from .conftest import ACME, Served

SEARCH = {"limit": 10, "properties": ["name", "level"], "sorts": ["name"]}


def names(answer: Any) -> list[str]:
    return [one["properties"]["name"] for one in answer.json()["results"]]


def test_records_can_be_added_in_bulk_as_a_file_would_hold_them() -> None:
    emu = Emulator.empty()
    assert emu.add("salesforce", "Account", ["Id", "Name", "NumberOfEmployees"], [[ACME, "Acme", "5"]]) == 1
    assert emu.add("hubspot", "companies", ["hs_object_id", "name"], [["7", "Acme"], ["8", "Beta"]]) == 2
    (account,) = emu.salesforce.rows("Account")
    assert (account["Id"], account["NumberOfEmployees"]) == (ACME, 5)
    assert [one["name"] for one in emu.hubspot.rows("companies")] == ["Acme", "Beta"]
    with pytest.raises(EmulatorDataError, match="not a number"):
        emu.add("salesforce", "Account", ["NumberOfEmployees"], [["many"]])


def test_every_page_of_a_query_can_be_prepared_and_is_served_as_it_is(many: Served) -> None:
    soql = "SELECT Id, Name, Number__c FROM Account ORDER BY Number__c"
    assert many.emu.prepare_pages(soql) == 3
    first = many.sf.query(soql).json()
    second = many.sf.get(first["nextRecordsUrl"]).json()
    third = many.sf.get(second["nextRecordsUrl"]).json()
    assert [len(one["records"]) for one in (first, second, third)] == [2000, 2000, 1001]
    with pytest.raises(EmulatorRefusal, match="INVALID_FIELD"):
        many.emu.prepare_pages("SELECT Nonsense FROM Account")


def test_a_prepared_page_of_a_query_is_made_again_after_a_change(fresh: Served) -> None:
    soql = "SELECT Id, Name FROM Account ORDER BY Name"
    fresh.emu.prepare_pages(soql)
    fresh.emu.salesforce.edit("Account", ACME, {"Name": "Zeta"})
    assert [one["Name"] for one in fresh.sf.records(soql)] == ["beta gmbh", "Zeta"]


def test_a_search_shows_a_change_although_its_page_was_prepared(fresh: Served) -> None:
    fresh.emu.hubspot.set_index_lag(0)
    for new in ("Acmé Ltd", "Another", "A third"):
        fresh.emu.hubspot.edit("companies", "101", {"name": new})
        assert sorted(names(fresh.hs.post("companies/search", SEARCH))) == sorted([new, "Beta GmbH", "Gamma and Sons"])
        again = [fresh.hs.post("companies/search", SEARCH).content for _ in range(2)]
        assert again[0] == again[1]
    fresh.emu.hubspot.archive("companies", "101")
    assert names(fresh.hs.post("companies/search", SEARCH)) == ["Beta GmbH", "Gamma and Sons"]


def test_a_search_shows_what_the_index_sees_by_now(fresh: Served) -> None:
    fresh.emu.hubspot.set_index_lag(60)
    fresh.hs.post("companies/search", SEARCH)
    fresh.hs.patch("companies/102", {"properties": {"name": "Late"}})
    assert "Late" not in names(fresh.hs.post("companies/search", SEARCH))
    fresh.clock.advance(timedelta(seconds=61))
    assert "Late" in names(fresh.hs.post("companies/search", SEARCH))


def test_a_search_leaves_out_a_property_that_was_archived_meanwhile(fresh: Served) -> None:
    assert "level" in fresh.hs.post("companies/search", SEARCH).json()["results"][0]["properties"]
    fresh.emu.hubspot.archive_property("companies", "level")
    assert "level" not in fresh.hs.post("companies/search", SEARCH).json()["results"][0]["properties"]


def test_prepared_answers_are_bounded_and_the_oldest_go_first() -> None:
    pages = PreparedPages(most_bytes=1000)
    for number in range(5):
        pages.keep(number, 1, Reply(200, b"x" * 300, records=number))
    assert [number for number in range(5) if pages.get(number, 1) is not None] == [2, 3, 4]
    assert pages.get(4, 2) is None
    found = pages.get(4, 1)
    assert found is not None
    assert (found.records, found.raw()) == (4, b"x" * 300)
    pages.keep(4, 2, Reply(200, b"y" * 1001))
    assert pages.get(4, 2) is None


def read_through(served: Served, soql: str) -> list[str]:
    """Read every page in pages of 200; returns the paths after the first."""
    answer, paths = served.sf.query(soql, headers={"Sforce-Query-Options": "batchSize=200"}).json(), []
    while "nextRecordsUrl" in answer:
        paths.append(answer["nextRecordsUrl"])
        answer = served.sf.get(paths[-1]).json()
    return paths


def add_contacts(served: Served, count: int) -> None:
    for number in range(count):
        served.emu.salesforce.insert("Contact", {"LastName": f"Many {number}"})


def pages_alive() -> int:
    gc.collect()
    return sum(1 for one in gc.get_objects() if type(one) is Page)


def test_a_query_that_is_repeated_after_changes_leaves_no_old_pages_behind(fresh: Served) -> None:
    add_contacts(fresh, 450)
    before = pages_alive()
    for _ in range(12):
        assert len(read_through(fresh, "SELECT Id FROM Contact")) == 2
        add_contacts(fresh, 1)
    assert pages_alive() - before == 3  # those of the last reading


def test_a_cursor_whose_result_was_let_go_makes_its_pages_as_they_are_asked_for(fresh: Served) -> None:
    add_contacts(fresh, 450)
    before = pages_alive()
    first = read_through(fresh, "SELECT Id FROM Contact")
    add_contacts(fresh, 1)
    read_through(fresh, "SELECT Id FROM Contact")
    assert [len(fresh.sf.get(path).json()["records"]) for path in first] == [200, 50]
    assert pages_alive() - before == 3


def test_open_cursors_are_bounded_and_the_oldest_are_closed(fresh: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "CURSOR_ROWS", 1_000)
    add_contacts(fresh, 450)
    paths = [read_through(fresh, f"SELECT Id FROM Contact WHERE LastName != '{number}'")[0] for number in range(3)]
    assert [fresh.sf.get(path).status_code for path in paths] == [400, 200, 200]
    assert fresh.sf.get(paths[0]).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
