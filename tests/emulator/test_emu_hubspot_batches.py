"""HubSpot batches, associations, properties, owners, pipelines, schemas, account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from syncd.emulator import Emulator, Variants

from .conftest import WORLD, Served, frozen, serve, serving, write_world

BIG = "9007199254740993"


def inputs(*ids: str, **properties: str) -> list[dict[str, Any]]:
    return [{"id": one, "properties": properties} if properties else {"id": one} for one in ids]


def test_hs_batch_read_is_207_when_some_are_missing(shared: Served) -> None:
    body = {"inputs": inputs("103", "999", "101", "101"), "properties": ["name"]}
    answer = shared.hs.post("companies/batch/read", body)
    content = answer.json()
    assert (answer.status_code, content["status"], content["numErrors"]) == (207, "COMPLETE", 1)
    assert sorted(one["id"] for one in content["results"]) == ["101", "103"]
    assert content["errors"] == [
        {"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": ["999"]},
         "message": "Could not get some companies. Some of the ids provided were not found."},
    ]  # fmt: skip
    complete = shared.hs.post("companies/batch/read", {"inputs": inputs("101")})
    assert complete.status_code == 200
    assert "errors" not in complete.json()


def test_hs_batches_take_100(shared: Served) -> None:
    many = inputs(*[str(number) for number in range(1, 102)])
    for path in ("read", "update", "create", "archive"):
        answer = shared.hs.post(f"companies/batch/{path}", {"inputs": many})
        assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert shared.hs.post("companies/batch/read", {"inputs": many[:100]}).status_code == 207


def test_batch_read_by_unique_property(shared: Served) -> None:
    answer = shared.hs.post("companies/batch/read", {"inputs": inputs("C-2", "c-1"), "idProperty": "ref"}).json()
    assert [one["id"] for one in answer["results"]] == ["101", "102"]
    assert shared.hs.post("companies/batch/read", {"inputs": inputs("x"), "idProperty": "name"}).status_code == 400


def test_hs_history_tells_who_wrote_what(fresh: Served) -> None:
    fresh.clock.advance(timedelta(minutes=1))
    fresh.emu.hubspot.edit("companies", "101", {"level": "gold"}, user="olga@example.com")
    fresh.clock.advance(timedelta(minutes=1))
    fresh.hs.patch("companies/101", {"properties": {"level": "silver"}})
    body = {"inputs": inputs("101"), "propertiesWithHistory": ["level", "name"]}
    history = fresh.hs.post("companies/batch/read", body).json()["results"][0]["propertiesWithHistory"]
    assert history["level"] == [
        {"value": "silver", "timestamp": "2026-11-23T09:02:00.000Z", "sourceType": "INTEGRATION",
         "sourceId": "8675309"},
        {"value": "gold", "timestamp": "2026-11-23T09:01:00.000Z", "sourceType": "CRM_UI", "sourceId": "userId:911",
         "updatedByUserId": 911},
    ]  # fmt: skip
    assert [one["value"] for one in history["name"]] == ["Acmé Ltd"]
    single = fresh.hs.get("companies/101?propertiesWithHistory=level").json()
    assert single["propertiesWithHistory"]["level"] == history["level"]


def test_hs_batch_update_writes_what_is_there(fresh: Served) -> None:
    body = {"inputs": [*inputs("103", "999", level="gold"), {"id": 101, "properties": {"level": "silver"},
                                                              "objectWriteTraceId": "u-1"}]}  # fmt: skip
    answer = fresh.hs.post("companies/batch/update", body)
    assert answer.status_code == 207
    results = {one["id"]: one for one in answer.json()["results"]}
    assert (results["101"]["objectWriteTraceId"], results["101"]["properties"]["level"]) == ("u-1", "silver")
    assert answer.json()["errors"][0]["context"] == {"ids": ["999"]}
    assert [(one.id, one.after) for one in fresh.emu.changes] == [("103", "gold"), ("101", "silver")]


def test_hs_one_invalid_value_refuses_the_whole_batch(fresh: Served) -> None:
    body = {"inputs": [*inputs("101", level="gold"), *inputs("102", level="bronze")]}
    answer = fresh.hs.post("companies/batch/update", body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert '"error":"INVALID_OPTION","name":"level"' in answer.json()["message"]
    assert "102" not in answer.json()["message"]  # the property is named, not the input
    assert fresh.emu.changes == []


@pytest.mark.parametrize(
    "batch",
    [
        inputs("101", "101", level="gold"),
        [{"properties": {"level": "gold"}}],
        [{"id": "101", "properties": {}}],
        [{"id": "101", "properties": {"level": "gold"}, "idProperty": "hs_object_id"}],
        [{"id": "c-1", "properties": {"level": "gold"}, "idProperty": "ref"}, *inputs("102", level="gold")],
    ],
    ids=["twice", "no id", "nothing to write", "hs_object_id", "two ways to address"],
)
def test_hs_wrong_batches_are_400(shared: Served, batch: list[dict[str, Any]]) -> None:
    assert shared.hs.post("companies/batch/update", {"inputs": batch}).status_code == 400
    assert shared.emu.changes == []


def test_hs_batch_create_reports_inputs_only_with_trace_ids(fresh: Served) -> None:
    good, bad = {"properties": {"name": "Good"}}, {"properties": {"level": "bronze"}}
    assert fresh.hs.post("companies/batch/create", {"inputs": [good, bad]}).status_code == 400
    assert fresh.hs.post("companies/batch/create", {"inputs": [good, good]}).status_code == 201
    traced = [good | {"objectWriteTraceId": "a"}, bad | {"objectWriteTraceId": "b"}]
    answer = fresh.hs.post("companies/batch/create", {"inputs": traced})
    assert answer.status_code == 207
    assert [one["objectWriteTraceId"] for one in answer.json()["results"]] == ["a"]
    assert answer.json()["errors"][0]["context"] == {"objectWriteTraceId": ["b"]}
    assert len(fresh.emu.hubspot.rows("companies")) == 6


def test_hs_upsert_says_new(fresh: Served) -> None:
    batch = [
        {"idProperty": "ref", "id": "c-1", "properties": {"name": "One"}},
        {"idProperty": "ref", "id": "c-9", "properties": {"name": "Nine"}},
        {"idProperty": "ref", "id": "c-8", "properties": {"level": "bronze"}},
    ]
    answer = fresh.hs.post("companies/batch/upsert", {"inputs": batch})
    results = answer.json()["results"]
    assert (answer.status_code, [one["new"] for one in results]) == (207, [False, True])
    assert results[0]["id"] == "101"
    again = fresh.hs.post("companies/batch/upsert", {"inputs": batch[:2]})
    assert (again.status_code, [one["new"] for one in again.json()["results"]]) == (200, [False, False])
    assert fresh.emu.redundant_writes == 2
    by_email = [{"idProperty": "email", "id": "kim@acme.com", "properties": {"firstname": "K"}}]
    assert fresh.hs.post("contacts/batch/upsert", {"inputs": by_email}).json()["results"][0]["id"] == "201"
    for wrong in ([{"id": "x", "properties": {}}], [{"idProperty": "name", "id": "x", "properties": {}}]):
        assert fresh.hs.post("companies/batch/upsert", {"inputs": wrong}).status_code == 400


def test_hs_one_invalid_value_in_a_batch(tmp_path: Any) -> None:
    body = {"inputs": [*inputs("101", level="gold"), *inputs("102", level="bronze")]}
    with serving(tmp_path, hubspot_invalid_value="each") as served:
        answer = served.hs.post("companies/batch/update", body)
        assert (answer.status_code, [one["id"] for one in answer.json()["results"]]) == (207, ["101"])
        assert answer.json()["errors"][0]["context"] == {"id": ["102"]}
        assert '"error":"INVALID_OPTION"' in answer.json()["errors"][0]["message"]
        assert [(one.id, one.after) for one in served.emu.changes] == [("101", "gold")]


@pytest.mark.parametrize(
    ("choice", "order"), [("by_id", ["101", "102", "103"]), ("request", ["103", "101", "102"]), ("shuffled", None)]
)
def test_hs_results_are_not_in_the_order_of_the_request(tmp_path: Any, choice: str, order: list[str] | None) -> None:
    with serving(tmp_path, hubspot_result_order=choice) as served:
        orders = []
        for path, body in (
            ("read", inputs("103", "101", "102")),
            ("update", inputs("103", "101", "102", level="gold")),
        ):
            for _ in range(6):
                found = served.hs.post(f"companies/batch/{path}", {"inputs": body}).json()["results"]
                orders.append([one["id"] for one in found])
    assert all(sorted(one) == ["101", "102", "103"] for one in orders)
    assert all(one == order for one in orders) if order else len(set(map(tuple, orders))) > 2


def test_two_inputs_with_one_unique_value_are_refused(fresh: Served) -> None:
    same = [{"properties": {"email": "new@x.com"}}, {"properties": {"email": "NEW@x.com"}}]
    answer = fresh.hs.post("contacts/batch/create", {"inputs": same})
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert len(fresh.emu.hubspot.rows("contacts")) == 1
    traced = [one | {"objectWriteTraceId": str(at)} for at, one in enumerate(same)]
    partial = fresh.hs.post("contacts/batch/create", {"inputs": traced})
    assert (partial.status_code, partial.json()["errors"][0]["context"]) == (207, {"objectWriteTraceId": ["1"]})
    both = {"inputs": inputs("102", "103", ref="same")}
    assert fresh.hs.post("companies/batch/update", both).status_code == 400
    assert fresh.hs.post("companies/batch/update", {"inputs": inputs("102", ref="C-1")}).status_code == 409


def test_a_creation_with_an_absent_company_creates_nothing(fresh: Served) -> None:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}]
    one = {"properties": {"dealname": "N"}, "associations": [{"to": {"id": "999"}, "types": types}]}
    assert fresh.hs.post("deals", one).status_code == 404
    assert fresh.hs.post("deals/batch/create", {"inputs": [one]}).status_code == 400
    assert len(fresh.emu.hubspot.rows("deals")) == 2


def test_batch_archive(fresh: Served) -> None:
    assert fresh.hs.post("companies/batch/archive", {"inputs": inputs("101", "999")}).status_code == 204
    assert [one["archived"] for one in fresh.emu.hubspot.rows("companies")] == [True, False, False]
    assert fresh.emu.hubspot.associated("deals", BIG, "companies") == ["102"]


# --- associations


def links(served: Served, path: str, *ids: str) -> Any:
    return served.hs.post(path, {"inputs": inputs(*ids)})


def test_hs_associations_batch_read(shared: Served) -> None:
    answer = links(shared, "/crm/associations/2026-09/deals/companies/batch/read", BIG, "302", "999")
    content = answer.json()
    assert (answer.status_code, content["errors"][0]["context"]) == (207, {"ids": ["999"]})
    (only,) = content["results"]  # a deal without companies is left out
    assert only["from"] == {"id": BIG}
    assert [one["toObjectId"] for one in only["to"]] == ["101", "102"]
    assert only["to"][0]["associationTypes"] == [
        {"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"},
        {"category": "HUBSPOT_DEFINED", "typeId": 341, "label": None},
    ]
    reverse = links(shared, "/crm/associations/2026-09/companies/deals/batch/read", "102").json()["results"][0]
    assert [one["toObjectId"] for one in reverse["to"]] == [BIG]


def test_hs_associations_batches_take_1000_and_2000(shared: Served) -> None:
    ids = [str(number) for number in range(1, 1002)]
    path = "/crm/associations/2026-09/deals/companies/batch"
    assert links(shared, f"{path}/read", *ids).status_code == 400
    assert links(shared, f"{path}/read", *ids[:1000]).status_code == 207
    pairs = [{"from": {"id": "1"}, "to": {"id": "1"}, "types": []}] * 2001
    assert shared.hs.post(f"{path}/create", {"inputs": pairs}).status_code == 400


def test_hs_association_ids_are_numbers_in_the_v4_list(shared: Served) -> None:
    answer = shared.hs.get(f"/crm/v4/objects/deals/{BIG}/associations/companies").json()
    assert [one["toObjectId"] for one in answer["results"]] == [101, 102]
    assert shared.hs.get("/crm/v4/objects/deals/999/associations/companies").json() == {"results": []}  # not 404
    paged = shared.hs.get(f"/crm/v4/objects/deals/{BIG}/associations/companies?limit=1").json()
    assert paged["paging"]["next"]["after"] == "101"


def test_hs_list_of_one_record_is_not_in_2026_09(shared: Served) -> None:
    path = f"/deals/{BIG}/associations/companies"
    assert shared.hs.get(f"/crm/objects/2026-03{path}").status_code == 200
    assert shared.hs.get(f"/crm/objects/2026-09{path}").status_code == 404


def test_the_v3_shape_of_associations(shared: Served) -> None:
    answer = links(shared, "/crm/v3/associations/deals/companies/batch/read", BIG).json()
    assert answer["results"][0]["to"][1] == {"id": "102", "type": "deal_to_company_unlabeled"}


def test_hs_association_batch_create_and_archive(fresh: Served) -> None:
    path = "/crm/associations/2026-09/deals/companies/batch"
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}]
    pairs = [
        {"from": {"id": "302"}, "to": {"id": "103"}, "types": types},
        {"from": {"id": "302"}, "to": {"id": "9"}, "types": types},
    ]
    answer = fresh.hs.post(f"{path}/create", {"inputs": pairs})
    assert answer.status_code == 207
    assert answer.json()["results"] == [
        {"fromObjectTypeId": "0-3", "fromObjectId": "302", "toObjectTypeId": "0-2", "toObjectId": "103", "labels": []},
    ]  # fmt: skip
    assert fresh.emu.hubspot.associated("companies", "103", "deals") == ["302"]
    assert [(one.field, one.after) for one in fresh.emu.changes] == [("associations.companies", "103")]
    bad = [pairs[0] | {"types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]}]
    assert fresh.hs.post(f"{path}/create", {"inputs": bad}).status_code == 400
    gone = {"inputs": [{"from": {"id": "302"}, "to": [{"id": "103"}]}]}
    assert fresh.hs.post(f"{path}/archive", gone).json()["results"] == []
    assert fresh.emu.hubspot.associated("deals", "302", "companies") == []


def test_hs_single_links(fresh: Served) -> None:
    put = fresh.hs("PUT", "deals/302/associations/default/companies/101")
    assert (put.status_code, put.json()["results"][0]["associationSpec"]["associationTypeId"]) == (200, 341)
    body = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}]
    assert fresh.hs("PUT", "deals/302/associations/companies/102", json=body).status_code == 201
    assert fresh.emu.hubspot.associated("deals", "302", "companies") == ["101", "102"]
    assert fresh.hs("DELETE", "deals/302/associations/companies/101").status_code == 204
    assert fresh.emu.hubspot.associated("deals", "302", "companies") == ["102"]
    assert fresh.hs("PUT", "deals/302/associations/default/companies/999").status_code == 404


def test_hs_association_changes_do_not_bump_the_stamp(fresh: Served) -> None:
    before = fresh.hs.get("deals/302").json()["updatedAt"]
    fresh.clock.advance(timedelta(hours=1))
    fresh.hs("PUT", "deals/302/associations/default/companies/101")
    assert fresh.hs.get("deals/302").json()["updatedAt"] == before


def test_labels_name_the_type_ids(shared: Served) -> None:
    answer = shared.hs.get("/crm/associations/2026-09/deals/companies/labels").json()["results"]
    assert {(one["typeId"], one["label"]) for one in answer} == {(341, None), (5, "Primary")}
    custom = shared.hs.get("/crm/associations/2026-09/p_registration/companies/labels").json()["results"]
    assert len(custom) == 1


# --- definitions


def test_hs_property_shape(shared: Served) -> None:
    found = {one["name"]: one for one in shared.hs.get("/crm/properties/2026-09/companies").json()["results"]}
    assert {"name", "label", "type", "fieldType", "groupName", "options", "hasUniqueValue", "calculated",
            "externalOptions",
            "hidden", "formField", "hubspotDefined", "modificationMetadata"} <= set(found["level"])  # fmt: skip
    assert [one["value"] for one in found["level"]["options"]] == ["gold", "silver"]
    assert (found["ref"]["hasUniqueValue"], found["ref"]["label"], found["name"]["hubspotDefined"]) == (
        True,
        "Reference",
        True,
    )
    assert found["hs_object_id"]["modificationMetadata"]["readOnlyValue"] is True
    assert found["level"]["modificationMetadata"]["readOnlyValue"] is False
    assert {name: found[name]["type"] for name in ("score", "go_live", "ref")} == {
        "score": "number", "go_live": "date", "ref": "string",
    }  # fmt: skip


def test_stage_options_come_from_the_pipelines(shared: Served) -> None:
    stage = shared.hs.get("/crm/properties/2026-09/deals/dealstage").json()
    assert "contractsent" in [one["value"] for one in stage["options"]]
    assert shared.hs.get("/crm/properties/2026-09/deals/nonsense").status_code == 404


def test_hs_properties_can_be_created(fresh: Served) -> None:
    base = "/crm/properties/2026-09/companies"
    group = {"name": "syncd", "label": "syncd"}
    assert fresh.hs.post(f"{base}/groups", group).status_code == 201
    assert fresh.hs.post(f"{base}/groups", group).status_code == 409
    new = {"name": "syncd_state", "label": "State", "type": "enumeration", "fieldType": "select", "groupName": "syncd",
           "options": [{"label": "Protected", "value": "protected"}]}  # fmt: skip
    assert fresh.hs.post(base, new).status_code == 201
    assert fresh.hs.post(base, new).status_code == 409
    batch = [
        new | {"name": "syncd_until", "type": "date", "fieldType": "date"},
        new | {"name": "syncd_partner", "type": "string", "fieldType": "text"},
    ]
    assert fresh.hs.post(f"{base}/batch/create", {"inputs": batch}).status_code == 200
    assert fresh.hs.patch("companies/101", {"properties": {"syncd_state": "protected"}}).status_code == 200
    assert fresh.hs.patch("companies/101", {"properties": {"syncd_state": "free"}}).status_code == 400
    assert fresh.hs("DELETE", f"{base}/syncd_partner").status_code == 204
    read = fresh.hs.post(f"{base}/batch/read", {"inputs": [{"name": "syncd_until"}, {"name": "syncd_partner"}]})
    assert (read.status_code, [one["name"] for one in read.json()["results"]]) == (207, ["syncd_until"])
    for wrong in (
        {"name": "Bad Name"},
        {"name": "other", "groupName": "nowhere"},
        {"name": "other", "type": "nonsense"},
        {"label": ""},
    ):
        assert fresh.hs.post(base, new | wrong).status_code == 400


def test_hs_owners(shared: Served) -> None:
    path = "/crm/owners/2026-09"
    (olga,) = shared.hs.get(path).json()["results"]
    assert (olga["id"], olga["userId"], olga["type"], olga["archived"]) == ("11", 911, "PERSON", False)
    assert [one["id"] for one in shared.hs.get(f"{path}?archived=true").json()["results"]] == ["12"]
    assert [one["id"] for one in shared.hs.get(f"{path}?email=OLGA@example.com").json()["results"]] == ["11"]
    assert shared.hs.get(f"{path}/911?idProperty=userId").json()["id"] == "11"
    assert shared.hs.get("/crm/v3/owners/11").json()["email"] == "olga@example.com"
    assert shared.hs.get(f"{path}/99").status_code == 404
    assert shared.hs.get(f"{path}?limit=501").status_code == 400


def test_hs_pipelines(shared: Served) -> None:
    (pipeline,) = shared.hs.get("/crm/pipelines/2026-09/deals").json()["results"]
    stages = {one["id"]: one["metadata"] for one in pipeline["stages"]}
    assert pipeline["id"] == "default"
    assert stages["closedwon"] == {"isClosed": "true", "probability": "1.0"}
    assert stages["contractsent"]["isClosed"] == "false"
    assert shared.hs.get("/crm/v3/pipelines/deals/default/stages/closedlost").json()["metadata"]["probability"] == "0.0"
    assert shared.hs.get("/crm/pipelines/2026-09/deals/nonsense").status_code == 404


def test_hs_custom_schemas(shared: Served) -> None:
    (schema,) = shared.hs.get("/crm-object-schemas/2026-09/schemas").json()["results"]
    assert (schema["objectTypeId"], schema["name"]) == ("2-2000001", "registration")
    assert schema["fullyQualifiedName"] == "p140000000_registration"
    assert shared.hs.get("/crm-object-schemas/v3/schemas/2-2000001").json()["primaryDisplayProperty"] == "title"


def test_hs_account_and_daily_usage(shared: Served) -> None:
    details = shared.hs.get("/account-info/2026-09/details").json()
    assert {"portalId", "accountType", "timeZone", "companyCurrency", "additionalCurrencies", "utcOffset", "uiDomain",
            "dataHostingLocation"} <= set(details)  # fmt: skip
    usage = shared.hs.get("/account-info/v3/api-usage/daily/private-apps").json()["results"][0]
    assert (usage["usageLimit"], usage["resetsAt"]) == (650_000, "2026-11-24T00:00:00.000Z")
    assert usage["currentUsage"] > 0


def test_unproved_facts_can_be_switched(tmp_path: Any) -> None:
    variants = Variants(
        salesforce_412_body="empty", hubspot_missing_record="json", hubspot_not_found_key="id",
        hubspot_to_object_id="number", hubspot_no_associations="error",
    )  # fmt: skip
    clock = frozen()
    for served in serve(Emulator.load(write_world(tmp_path, WORLD), clock=clock, variants=variants), clock):
        stale = {"If-Unmodified-Since": "Fri, 20 Nov 2020 09:00:00 GMT"}
        answer: requests.Response = served.sf.patch("sobjects/Account/001000000000001AAA", {"Name": "x"}, headers=stale)
        assert (answer.status_code, answer.content) == (412, b"")
        assert served.hs.get("companies/999").json()["message"] == "resource not found"
        missing = served.hs.post("companies/batch/read", {"inputs": inputs("999")}).json()
        assert missing["errors"][0]["context"] == {"id": ["999"]}
        found = links(served, "/crm/associations/2026-09/deals/companies/batch/read", BIG, "302").json()
        assert found["results"][0]["to"][0]["toObjectId"] == 101
        assert found["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
