"""Search: operators, sorting, paging and its ceiling."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .conftest import Served, serving


def found(served: Served, *filters: dict[str, Any], kind: str = "companies", **more: Any) -> list[str]:
    body = {"filterGroups": [{"filters": list(filters)}] if filters else [], "limit": 200, **more}
    answer = served.hs.post(f"{kind}/search", body)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert answer.json()["total"] == len(results)
    return [one["id"] for one in results]


def where(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, **({} if value is None else {"value": value}), **more}


def ms(text: str) -> str:
    return str(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000))


CASES = [
    (where("name", "EQ", "ACME ltd"), ["101"]),  # neither case nor accents count in text
    (where("name", "NEQ", "acme ltd"), ["102", "103"]),
    (where("industry", "EQ", "RETAIL"), ["103"]),
    (where("industry", "EQ", "retail"), []),  # enumerations are case-sensitive
    (where("industry", "NEQ", "RETAIL"), ["101", "102"]),  # a record without the property is found, too
    (where("industry", "NOT_IN", values=["RETAIL"]), ["101", "102"]),
    (where("industry", "IN", values=["RETAIL", "COMPUTER_SOFTWARE"]), ["101", "103"]),
    (where("score", "GT", "3.5"), ["103"]),  # as numbers, not as text
    (where("score", "GTE", "3.50"), ["101", "103"]),
    (where("score", "LT", "100"), ["101", "103"]),
    (where("score", "BETWEEN", "3.5", highValue="20"), ["101", "103"]),  # both ends belong to it
    (where("score", "HAS_PROPERTY"), ["101", "103"]),
    (where("score", "NOT_HAS_PROPERTY"), ["102"]),
    (where("name", "CONTAINS_TOKEN", "and"), ["103"]),
    (where("name", "CONTAINS_TOKEN", "gam"), []),  # whole words only
    (where("name", "CONTAINS_TOKEN", "gam*"), ["103"]),
    (where("domain", "NOT_CONTAINS_TOKEN", "acme"), ["102", "103"]),
    (where("hs_lastmodifieddate", "GTE", ms("2026-11-21T10:00:00")), ["102", "103"]),
    (where("hs_lastmodifieddate", "LTE", "2026-11-20T10:00:00.500Z"), ["101"]),
    (where("hs_lastmodifieddate", "LT", ms("2026-11-20T10:00:00.500")), []),
    (where("go_live", "GTE", ms("2026-03-01T00:00:00")), ["103"]),  # a date is midnight in UTC
    (where("go_live", "EQ", "2026-01-15"), ["101"]),
    (where("hs_object_id", "GT", "101"), ["102", "103"]),
    (where("lastmodifieddate", "GTE", "0"), []),  # not the cursor of companies: nothing, and no error
    (where("nonsense", "HAS_PROPERTY"), []),
]


@pytest.mark.parametrize(
    ("filter_", "ids"),
    CASES,
    ids=[f"{one['propertyName']}-{one['operator']}-{at}" for at, (one, _) in enumerate(CASES)],
)
def test_hs_search_operator(shared: Served, filter_: dict[str, Any], ids: list[str]) -> None:
    assert sorted(found(shared, filter_)) == ids


def test_the_cursor_of_contacts_is_lastmodifieddate(shared: Served) -> None:
    assert found(shared, where("lastmodifieddate", "GTE", "0"), kind="contacts") == ["201"]
    assert found(shared, where("hs_lastmodifieddate", "GTE", "0"), kind="contacts") == []


def test_filters_and_groups_or(shared: Served) -> None:
    assert found(shared, where("score", "GT", "1"), where("industry", "EQ", "RETAIL")) == ["103"]
    groups = [{"filters": [where("industry", "EQ", "RETAIL")]}, {"filters": [where("domain", "NOT_HAS_PROPERTY")]}]
    assert sorted(found(shared, filterGroups=groups)) == ["102", "103"]


def test_hs_only_the_first_sort_counts(shared: Served) -> None:
    def order(*sorts: Any) -> list[str]:
        return found(shared, sorts=list(sorts))

    assert order({"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}) == ["101", "103", "102"]
    assert order({"propertyName": "score", "direction": "DESCENDING"}, {"propertyName": "name"}) == [
        "103",
        "101",
        "102",
    ]
    assert order("-name") == ["103", "102", "101"]  # as the specification writes it
    assert order("name") == ["101", "102", "103"]
    assert order() == ["101", "102", "103"]


def test_free_text_query(shared: Served) -> None:
    assert found(shared, query="acme") == ["101"]
    assert found(shared, query="gam so") == ["103"]
    assert found(shared, where("score", "GT", "5"), query="acme") == []


def test_hs_search_pages_by_offset(many: Served) -> None:
    page = many.hs.post("companies/search", {"limit": 200, "after": "400", "properties": ["name"]}).json()
    assert page["total"] == 10_500
    assert page["paging"] == {"next": {"after": "600"}}
    assert page["results"][0]["properties"]["name"] == "Company 00400"
    few = many.hs.post(
        "companies/search", {"filterGroups": [{"filters": [where("name", "EQ", "company 00007")]}]}
    ).json()
    assert (few["total"], "paging" in few) == (1, False)
    assert len(many.hs.post("companies/search", {}).json()["results"]) == 10


def test_hs_search_ends_at_10000(many: Served) -> None:
    last = many.hs.post("companies/search", {"limit": 200, "after": 9800}).json()
    assert (len(last["results"]), last["paging"]["next"]["after"]) == (200, "10000")
    beyond = many.hs.post("companies/search", {"limit": 200, "after": "10000"})
    assert (beyond.status_code, beyond.json()["category"]) == (400, "VALIDATION_ERROR")
    rest = many.hs.post(
        "companies/search", {"filterGroups": [{"filters": [where("hs_object_id", "GT", "10999")]}], "limit": 200}
    )
    assert rest.json()["total"] == 500


def test_hs_search_limits(shared: Served) -> None:
    one = where("name", "HAS_PROPERTY")

    def status(**body: Any) -> int:
        return shared.hs.post("companies/search", body).status_code

    assert status(limit=200) == 200
    assert status(limit=201) == 400
    assert status(filterGroups=[{"filters": [one] * 10}]) == 200
    assert status(filterGroups=[{"filters": [one] * 11}]) == 400
    assert status(filterGroups=[{"filters": [one] * 5}] * 5) == 200
    assert status(filterGroups=[{"filters": [one] * 9}] * 3) == 400
    assert status(filterGroups=[{"filters": [one]}] * 6) == 400
    assert status(query="x" * 3001) == 400
    assert status(filterGroups=[{"filters": [where("name", "IN", values=["x"] * 101)]}]) == 400
    assert status(filterGroups=[{"filters": [where("name", "EQ")]}]) == 400
    assert status(filterGroups=[{"filters": [where("score", "GT", "many")]}]) == 400


def test_hs_unknown_operator_is_named(shared: Served) -> None:
    answer = shared.hs.post("companies/search", {"filterGroups": [{"filters": [where("name", "LIKE", "x")]}]})
    assert answer.status_code == 400
    assert "Enum type must be one of: [" in answer.json()["message"]


def test_hs_archived_records_are_never_found(fresh: Served) -> None:
    fresh.emu.hubspot.archive("companies", "102")
    assert found(fresh) == ["101", "103"]


def test_a_search_sees_every_write(fresh: Served) -> None:
    assert found(fresh, where("name", "EQ", "new")) == []
    id_ = fresh.emu.hubspot.insert("companies", {"name": "New"})
    assert found(fresh, where("name", "EQ", "new")) == [id_]
    fresh.emu.hubspot.edit("companies", id_, {"name": "Newer"})
    assert found(fresh, where("name", "EQ", "new")) == []


def test_hs_in_takes_lower_case(tmp_path: Path, shared: Served) -> None:
    named = [where("name", "IN", values=[text]) for text in ("beta gmbh", "Beta GmbH")]
    assert [found(shared, one) for one in named] == [["102"], []]
    assert sorted(found(shared, where("name", "NOT_IN", values=["Beta GmbH"]))) == ["101", "102", "103"]
    with serving(tmp_path, hubspot_in_values="any_case") as served:
        assert [found(served, one) for one in named] == [["102"], ["102"]]


def test_a_search_that_goes_on_by_id_finds_each_record_once(many: Served) -> None:
    by_id = {"propertyName": "hs_object_id", "direction": "ASCENDING"}
    named = where("name", "CONTAINS_TOKEN", "0*")  # 10,000 of the 10,500
    ids: list[str] = []
    for _ in range(100):
        above = where("hs_object_id", "GT", ids[-1] if ids else "0")
        body = {"filterGroups": [{"filters": [named, above]}], "sorts": [by_id], "limit": 200}
        page = many.hs.post("companies/search", body).json()
        assert page["total"] == 10_000 - len(ids)
        ids += [one["id"] for one in page["results"]]
        if "paging" not in page:
            break
    assert ids == [str(1000 + number) for number in range(10_000)]
    second = {"filterGroups": [{"filters": [where("hs_object_id", "GT", "10990")]}], "limit": 5, "after": "5"}
    page = many.hs.post("companies/search", second).json()
    assert [one["id"] for one in page["results"]] == ["10996", "10997", "10998", "10999", "11000"]
    assert page["paging"]["next"]["after"] == "10"
    backwards = second | {"sorts": ["-hs_object_id"], "after": "0"}
    assert many.hs.post("companies/search", backwards).json()["results"][0]["id"] == "11499"
