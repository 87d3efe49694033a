"""HubSpot records one by one and in lists; who may call, and in which order that is checked."""

from __future__ import annotations

import re
from typing import Any

import pytest

from syncd.emulator import Change

from .conftest import START, Served

BIG = "9007199254740993"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def row(served: Served, kind: str, id_: str) -> dict[str, Any]:
    return next(one for one in served.emu.hubspot.rows(kind) if one["hs_object_id"] == id_)


def problems(answer: Any) -> list[tuple[str, str]]:
    """(property, error) pairs out of the list inside the message."""
    return re.findall(r'"error":"(\w+)","name":"(\w+)"', answer.json()["message"])


def test_hs_object_shape(shared: Served) -> None:
    answer = shared.hs.get(f"deals/{BIG}").json()
    assert answer["id"] == BIG  # ids are strings; this one is no exact float
    assert set(answer["properties"]) == {
        "amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline",
    }  # fmt: skip
    assert answer["properties"]["amount"] == "3000"
    assert answer["properties"]["closedate"] == "2026-12-01T00:00:00.000Z"
    assert answer["archived"] is False
    assert answer["updatedAt"] == answer["properties"]["hs_lastmodifieddate"]
    assert answer["url"].endswith(f"/record/0-3/{BIG}")


def test_hs_values_are_strings_or_null(shared: Served) -> None:
    for kind in ("companies", "contacts", "deals", "p_registration"):
        names = [one["name"] for one in shared.hs.get(f"/crm/properties/2026-09/{kind}").json()["results"]]
        body = {"inputs": [{"id": one["hs_object_id"]} for one in shared.emu.hubspot.rows(kind)], "properties": names}
        for record in shared.hs.post(f"{kind}/batch/read", body).json()["results"]:
            assert all(value is None or isinstance(value, str) for value in record["properties"].values())


def test_hs_unknown_property_is_ignored_on_read(shared: Served) -> None:
    found = shared.hs.get("companies/101?properties=score,nonsense,level").json()["properties"]
    assert found["score"] == "3.5"
    assert found["level"] is None
    assert "nonsense" not in found
    assert {"hs_object_id", "createdate", "hs_lastmodifieddate"} <= set(found)


def test_hs_last_page_omits_paging(shared: Served, many: Served) -> None:
    assert "paging" not in shared.hs.get("companies").json()
    ids, after, pages = [], "0", 0
    while True:
        page = many.hs.get("companies", params={"limit": 100, "after": after}).json()
        ids += [one["id"] for one in page["results"]]
        pages += 1
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert (pages, ids) == (105, [str(1000 + number) for number in range(10_500)])


def test_hs_list_limits(shared: Served) -> None:
    assert len(shared.hs.get("companies?limit=2").json()["results"]) == 2
    for query in ("limit=101", "limit=0", "limit=x", "after=x", "limit=51&propertiesWithHistory=name"):
        answer = shared.hs.get(f"companies?{query}")
        assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_paging_link_leads_to_the_next_page(shared: Served) -> None:
    page = shared.hs.get("companies?limit=2&properties=score").json()
    following = shared.hs.session.get(page["paging"]["next"]["link"], timeout=20).json()
    assert [one["properties"]["score"] for one in following["results"]] == ["20"]


def test_associations_come_inline(shared: Served) -> None:
    found = shared.hs.get(f"deals/{BIG}?associations=companies,contacts").json()["associations"]
    assert found["companies"]["results"] == [
        {"id": "101", "type": "deal_to_company"}, {"id": "101", "type": "deal_to_company_unlabeled"},
        {"id": "102", "type": "deal_to_company_unlabeled"},
    ]  # fmt: skip
    assert found["contacts"]["results"] == [{"id": "201", "type": "deal_to_contact"}]
    assert "associations" not in shared.hs.get("deals/302?associations=companies").json()


@pytest.mark.parametrize(
    "spelling", ["deals", "deal", "DEALS", "0-3"],
)  # fmt: skip
def test_hs_type_spellings(shared: Served, spelling: str) -> None:
    assert shared.hs.get(f"{spelling}/302").status_code == 200


@pytest.mark.parametrize("spelling", ["p_registration", "P_Registration", "2-2000001", "p140000000_registration"])
def test_hs_custom_type_spellings(shared: Served, spelling: str) -> None:
    answer = shared.hs.get(f"{spelling}/401?properties=title").json()
    assert (answer["properties"]["title"], answer["createdAt"]) == ("Reg 1", "2026-10-01T08:00:00.000Z")


@pytest.mark.parametrize(
    ("spelling", "text"),
    [("zzz", "Unable to infer object type from: zzz"),
     ("registration", "Unable to infer object type from: registration"),
     ("0-6", "Invalid object or event type id: 0-6")],
)  # fmt: skip
def test_hs_unknown_type_is_400_without_category(shared: Served, spelling: str, text: str) -> None:
    answer = shared.hs.get(spelling)
    assert (answer.status_code, answer.json()["message"]) == (400, text)
    assert "category" not in answer.json()


@pytest.mark.parametrize(
    "base", ["/crm/objects/2026-09", "/crm/objects/2026-03", "/crm/v3/objects"],
)  # fmt: skip
def test_hs_versions_share_one_store(fresh: Served, base: str) -> None:
    assert fresh.hs.patch(f"{base}/companies/101", {"properties": {"name": base}}).status_code == 200
    assert row(fresh, "companies", "101")["name"] == base


def test_hs_single_missing_record_is_an_html_404(shared: Served) -> None:
    answer = shared.hs.get("companies/999")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/html;charset=iso-8859-1"
    assert "Resource not found" in answer.text


def test_hs_odd_ids_are_json_404(shared: Served) -> None:
    for id_, usual in (("abc", "numeric"), ("0", "positive"), ("-5", "positive")):
        answer = shared.hs.get(f"companies/{id_}")
        assert (answer.status_code, answer.json()["category"]) == (404, "OBJECT_NOT_FOUND")
        assert answer.json()["message"] == f"Object not found.  objectId are usually {usual}."


def test_hs_update_bumps_the_stamp_and_is_logged(fresh: Served) -> None:
    answer = fresh.hs.patch("companies/101", {"properties": {"name": "Acme plc", "score": 4, "level": "gold"}})
    assert answer.status_code == 200
    assert answer.json()["properties"]["score"] == "4"
    after = row(fresh, "companies", "101")
    assert (after["name"], after["hs_lastmodifieddate"]) == ("Acme plc", "2026-11-23T09:00:00.000Z")
    who = ("integration", answer.headers["x-hubspot-correlation-id"])
    assert fresh.emu.changes == [
        Change(START, "hubspot", "companies", "101", "name", "Acmé Ltd", "Acme plc", *who),
        Change(START, "hubspot", "companies", "101", "score", "3.5", "4", *who),
        Change(START, "hubspot", "companies", "101", "level", None, "gold", *who),
    ]


def test_contacts_are_stamped_in_their_own_property(fresh: Served) -> None:
    fresh.hs.patch("contacts/201", {"properties": {"firstname": "Kimi"}})
    answer = fresh.hs.get("contacts/201?properties=hs_lastmodifieddate").json()
    assert answer["properties"]["lastmodifieddate"] == answer["updatedAt"] == "2026-11-23T09:00:00.000Z"


def test_hs_update_that_changes_nothing_is_redundant(fresh: Served) -> None:
    before = row(fresh, "companies", "101")
    assert fresh.hs.patch("companies/101", {"properties": {"score": "3.5", "phone": ""}}).status_code == 200
    assert (row(fresh, "companies", "101"), fresh.emu.changes, fresh.emu.redundant_writes) == (before, [], 1)


def test_hs_empty_string_clears(fresh: Served) -> None:
    fresh.hs.patch("companies/101", {"properties": {"score": ""}})
    assert fresh.hs.get("companies/101?properties=score").json()["properties"]["score"] is None


def test_times_and_dates_are_stored_in_one_form(fresh: Served) -> None:
    fresh.hs.patch("deals/302", {"properties": {"closedate": "1795424400000"}})
    fresh.hs.patch("companies/101", {"properties": {"go_live": "1795392000000"}})
    assert row(fresh, "deals", "302")["closedate"] == "2026-11-23T09:00:00.000Z"
    assert row(fresh, "companies", "101")["go_live"] == "2026-11-23"


def test_hs_create_is_201_and_archive_204(fresh: Served) -> None:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}]
    body = {
        "properties": {"dealname": "New", "dealstage": "closedlost"},
        "associations": [{"to": {"id": "103"}, "types": types}],
    }
    answer = fresh.hs.post("deals", body)
    assert answer.status_code == 201
    id_ = answer.json()["id"]
    assert id_.isdigit()
    assert int(id_) > 2**32
    created = row(fresh, "deals", id_)
    assert (created["pipeline"], created["hs_is_closed"], created["hs_is_closed_won"]) == ("default", "true", "false")
    assert fresh.emu.hubspot.associated("deals", id_, "companies") == ["103"]
    assert fresh.hs("DELETE", f"deals/{id_}").status_code == 204
    assert fresh.hs.get(f"deals/{id_}").status_code == 404
    archived = fresh.hs.get(f"deals/{id_}?archived=true").json()
    assert (archived["archived"], archived["archivedAt"]) == (True, "2026-11-23T09:00:00.000Z")
    assert [one["id"] for one in fresh.hs.get("deals?archived=true").json()["results"]] == [id_]
    assert id_ not in [one["id"] for one in fresh.hs.get("deals").json()["results"]]
    assert fresh.hs("DELETE", f"deals/{id_}").status_code == 204  # again: nothing happens


def test_hs_id_property_must_be_unique(fresh: Served) -> None:
    assert fresh.hs.get("contacts/kim@ACME.com?idProperty=email").json()["id"] == "201"
    assert fresh.hs.patch("companies/c-1?idProperty=ref", {"properties": {"name": "By ref"}}).json()["id"] == "101"
    answer = fresh.hs.patch("companies/x?idProperty=name", {"properties": {"name": "x"}})
    assert (
        answer.json()["message"]
        == "Unable to perform update/upsert by non-unique 0-2 property name in portal ID 140000000"
    )


REFUSED = [
    ("companies", {"nonsense": "x"}, [("PROPERTY_DOESNT_EXIST", "nonsense")]),
    ("companies", {"hs_object_id": "5"}, [("READ_ONLY_VALUE", "hs_object_id")]),
    ("companies", {"level": "GOLD"}, [("INVALID_OPTION", "level")]),
    ("companies", {"score": "many"}, [("INVALID_LONG", "score")]),
    ("companies", {"score": "1,000"}, [("INVALID_LONG", "score")]),
    ("companies", {"score": " 5"}, [("LEADING_TRAILING_WHITESPACE", "score")]),
    ("companies", {"go_live": "31.12.2026"}, [("INVALID_DATE", "go_live")]),
    ("companies", {"go_live": "1795424400000"}, [("INVALID_DATE", "go_live")]),
    (
        "companies",
        {"hubspot_owner_id": "911"},
        [("INVALID_OWNER_ID", "hubspot_owner_id")],
    ),  # a user id, not an owner id
    ("companies", {"hubspot_owner_id": "12"}, [("INVALID_OWNER_ID", "hubspot_owner_id")]),
    (
        "companies",
        {"level": "x", "nonsense": "y"},
        [("INVALID_OPTION", "level"), ("PROPERTY_DOESNT_EXIST", "nonsense")],
    ),
    ("deals", {"dealstage": "nonsense"}, [("INVALID_OPTION", "dealstage")]),
    ("deals", {"pipeline": "nonsense"}, [("INVALID_OPTION", "pipeline")]),
    ("deals", {"closedate": "soon"}, [("INVALID_DATE", "closedate")]),
    ("contacts", {"email": "kim at acme"}, [("INVALID_EMAIL", "email")]),
]


@pytest.mark.parametrize(("kind", "values", "expected"), REFUSED, ids=[str(one[2][0]) for one in REFUSED])
def test_hs_wrong_values_are_named_inside_the_message(
    shared: Served, kind: str, values: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    id_ = {"companies": "101", "deals": "302", "contacts": "201"}[kind]
    answer = shared.hs.patch(f"{kind}/{id_}", {"properties": {**values}})
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert sorted(problems(answer)) == sorted(expected)
    assert answer.json()["message"].startswith("Property values were not valid: [{")
    assert shared.emu.changes == []


def test_hs_unique_value_conflicts(shared: Served) -> None:
    answer = shared.hs.post("contacts", {"properties": {"email": "KIM@acme.com"}})
    assert (answer.status_code, answer.json()["category"]) == (409, "CONFLICT")
    assert answer.json()["message"] == "Contact already exists. Existing ID: 201"


def test_an_update_without_properties_is_400(shared: Served) -> None:
    answer = shared.hs.patch("companies/101", {"properties": {}})
    assert answer.json()["message"] == "No properties found to update, please provide at least one."


# --- who may call


@pytest.mark.parametrize("pattern", ["", "bearer {}", "Bearer  {}", "Bearer {} x", "Bearer nonsense", "Token {}"])
def test_hs_bearer_is_strict(shared: Served, pattern: str) -> None:
    header = pattern.format(shared.endpoints["hubspot"]["access_token"])
    answer = shared.hs.get("companies", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    assert UUID.fullmatch(answer.json()["correlationId"])


WRITES = [
    ("PATCH", "companies/101"), ("POST", "companies"), ("DELETE", "companies/101"), ("POST", "companies/batch/update"),
    ("POST", "companies/batch/create"), ("POST", "companies/batch/upsert"), ("POST", "companies/batch/archive"),
    ("POST", "/crm/associations/2026-09/deals/companies/batch/create"), ("POST", "/crm/properties/2026-09/companies"),
    ("PUT", "deals/302/associations/default/companies/101"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_hs_limited_token_cannot_write(shared: Served, method: str, path: str) -> None:
    answer = shared.hs(method, path, json={}, headers=shared.limited())
    body = answer.json()
    assert (answer.status_code, body["category"]) == (403, "MISSING_SCOPES")
    scopes = body["errors"][0]["context"]["requiredGranularScopes"]
    assert re.fullmatch(r"crm\.objects\.(companies|deals)\.write", scopes[0])
    assert body["links"] == {"scopes": "https://developers.hubspot.com/scopes"}


def test_hs_limited_token_may_read(shared: Served) -> None:
    assert shared.hs.get("companies", headers=shared.limited()).status_code == 200
    assert shared.hs.post("companies/search", {}, headers=shared.limited()).status_code == 200
    assert shared.hs.post("companies/batch/read", {"inputs": []}, headers=shared.limited()).status_code == 200


def test_hs_checks_come_in_the_vendors_order(shared: Served) -> None:
    """Method, Accept, credential, object type, body, scope, record: each beats those after it."""
    path, everything_wrong = "zzz/999", {"Accept": "text/html", "Authorization": "nonsense"}

    def status(method: str, path: str, headers: dict[str, str], data: str = "{") -> int:
        return shared.hs(method, path, headers=headers, data=data).status_code

    assert status("PUT", path, everything_wrong) == 405
    assert status("PATCH", path, everything_wrong) == 406
    assert status("PATCH", path, everything_wrong | {"Accept": "*/*"}) == 401
    assert status("PATCH", path, shared.limited()) == 400  # the type
    answer = shared.hs("PATCH", "companies/999", headers=shared.limited(), data="{")
    assert (answer.status_code, answer.json()["message"][:18]) == (400, "Invalid input JSON")
    assert status("PATCH", "companies/999", shared.limited(), '{"properties":{"name":"x"}}') == 403
    assert status("PATCH", "companies/999", {}, '{"properties":{"name":"x"}}') == 404


def test_hs_rate_headers_are_not_sent_on_search(shared: Served) -> None:
    answer = shared.hs.get("companies")
    names = ("max", "remaining", "interval-milliseconds", "secondly", "secondly-remaining", "daily", "daily-remaining")
    assert all(answer.headers[f"x-hubspot-ratelimit-{name}"].isdigit() for name in names)
    searched = shared.hs.post("companies/search", {})
    assert not [name for name in searched.headers if "ratelimit" in name.lower()]
    assert UUID.fullmatch(searched.headers["x-hubspot-correlation-id"])


def test_unknown_paths_are_404(shared: Served) -> None:
    for path in (
        "/crm/objects/2025-01/companies",
        "/crm/v1/objects/companies",
        "/nonsense",
        "companies/101/nonsense/x/y/z",
    ):
        assert shared.hs.get(path).status_code == 404
