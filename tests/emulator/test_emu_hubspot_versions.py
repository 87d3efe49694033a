"""Every family of paths in every version, over one store, with what differs between them."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Served

BIG = "9007199254740993"
VERSIONS = ("v3", "2026-03", "2026-09")


def mounted(version: str, api: str, area: str = "crm") -> str:
    return f"/{area}/{version}/{api}" if version.startswith("v") else f"/{area}/{api}/{version}"


READABLE = [
    ("objects", "/companies/101", "id"), ("objects", "/companies", "results"),
    ("properties", "/companies", "results"), ("properties", "/companies/level", "options"),
    ("properties", "/companies/groups", "results"), ("pipelines", "/deals", "results"),
    ("pipelines", "/deals/default", "stages"), ("pipelines", "/deals/default/stages", "results"),
    ("pipelines", "/deals/default/stages/closedwon", "metadata"), ("pipelines", "/deals/default/audit", "results"),
    ("pipelines", "/deals/default/stages/closedwon/audit", "results"), ("owners", "", "results"),
    ("owners", "/11", "email"), ("property-validations", "/0-2", "results"),
    ("property-validations", "/0-2/level", "results"), ("limits", "/records", "hubspotDefinedObjectTypes"),
    ("limits", "/custom-properties", "byObjectType"), ("limits", "/pipelines", "customObjectTypes"),
    ("limits", "/custom-object-types", "usage"), ("limits", "/calculated-properties", "overallUsage"),
]  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("api", "rest", "key"), READABLE, ids=[f"{one[0]}{one[1]}" for one in READABLE])
def test_hs_paths_of_every_family(shared: Served, version: str, api: str, rest: str, key: str) -> None:
    answer = shared.hs.get(mounted(version, api) + rest)
    assert answer.status_code == 200, answer.text
    assert key in answer.json()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_other_areas_are_mounted_too(shared: Served, version: str) -> None:
    assert "portalId" in shared.hs.get(f"/account-info/{version}/details").json()
    assert "results" in shared.hs.get(f"/account-info/{version}/api-usage/daily/private-apps").json()
    assert "results" in shared.hs.get(f"/crm-object-schemas/{version}/schemas").json()
    assert shared.hs.get(mounted(version, "currencies", "settings") + "/company-currency").json()["id"] == "USD"


def test_hs_status_of_association_batches_by_version(fresh: Served) -> None:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}]
    pair = {"from": {"id": "302"}, "to": {"id": "103"}}
    gone = {"inputs": [{"from": {"id": "302"}, "to": [{"id": "103"}]}]}
    found = {}
    for version in ("v4", "2026-03", "2026-09"):
        base = mounted(version, "associations") + "/deals/companies/batch"
        created = fresh.hs.post(f"{base}/create", {"inputs": [{**pair, "types": types}]})
        default = fresh.hs.post(f"{base}/associate/default", {"inputs": [pair]})
        archived = fresh.hs.post(f"{base}/archive", gone)
        to = created.json()["results"][0]["toObjectId"]
        found[version] = (created.status_code, default.status_code, archived.status_code, to)
        assert fresh.emu.hubspot.associated("deals", "302", "companies") == []
    assert found == {"v4": (201, 200, 204, 103), "2026-03": (201, 200, 200, "103"), "2026-09": (200, 200, 200, "103")}


def test_hs_v3_associations_are_named(fresh: Served) -> None:
    base = "/crm/v3/associations/deals/companies/batch"
    one = {"from": {"id": "302"}, "to": {"id": "103"}, "type": "deal_to_company_unlabeled"}
    made = fresh.hs.post(f"{base}/create", {"inputs": [one]})
    assert (made.status_code, made.json()["results"]) == (201, [one])
    shown = fresh.hs.get("/crm/v3/objects/deals/302/associations/companies").json()["results"]
    assert shown == [{"id": "103", "type": "deal_to_company"}]  # the first company is the primary one
    assert fresh.hs("PUT", "/crm/v3/objects/deals/302/associations/companies/101/341").status_code == 200
    assert fresh.emu.hubspot.associated("deals", "302", "companies") == ["101", "103"]
    assert fresh.hs.post(f"{base}/archive", {"inputs": [one]}).status_code == 204
    assert fresh.emu.hubspot.associated("deals", "302", "companies") == ["101"]
    assert fresh.hs.post(f"{base}/create", {"inputs": [one | {"type": "nonsense"}]}).status_code == 400


def test_hs_wrong_media_type_is_415(shared: Served) -> None:
    headers = {"Content-Type": "text/plain"}
    answer = shared.hs("PATCH", "companies/101", data='{"properties":{}}', headers=headers)
    assert (answer.status_code, answer.content) == (415, b"")
    json = {"Content-Type": "application/json; charset=utf-8"}
    assert shared.hs("PATCH", "companies/101", data='{"properties":{}}', headers=json).status_code == 400


def test_a_long_url_is_414(shared: Served) -> None:
    assert shared.hs.get("companies", params={"properties": "x" * 17_000}).status_code == 414


@pytest.mark.parametrize("kind", ["meetings", "communications", "quote_templates"])
def test_hs_archived_records_of_some_types_are_not_listed(shared: Served, kind: str) -> None:
    assert shared.hs.get(kind).status_code == 200
    answer = shared.hs.get(f"{kind}?archived=true")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Paging through deleted objects is not yet supported for object type 0-")
    assert "category" not in answer.json()


def test_meetings_are_called_events_in_that_text(shared: Served) -> None:
    assert shared.hs.get("meetings?archived=true").json()["message"].endswith("0-47 (MEETING_EVENT)")


TYPES = [("contacts", "0-1"), ("companies", "0-2"), ("deals", "0-3"), ("tickets", "0-5"), ("products", "0-7"),
         ("line_items", "0-8"), ("quotes", "0-14"), ("tasks", "0-27"), ("notes", "0-46"), ("meetings", "0-47"),
         ("calls", "0-48"), ("emails", "0-49"), ("leads", "0-136")]  # fmt: skip
BODIES: dict[str, dict[str, str]] = {
    "contacts": {"email": "new@example.com"}, "companies": {"name": "N"}, "deals": {"dealname": "N"},
    "tickets": {"subject": "N"}, "products": {"name": "N"}, "line_items": {"name": "N", "price": "5", "quantity": "2"},
    "quotes": {"hs_title": "N"}, "tasks": {"hs_task_subject": "N", "hs_task_status": "NOT_STARTED"},
    "notes": {"hs_note_body": "N"}, "meetings": {"hs_meeting_title": "N", "hs_meeting_outcome": "SCHEDULED"},
    "calls": {"hs_call_title": "N", "hs_call_direction": "INBOUND"},
    "emails": {"hs_email_subject": "N", "hs_email_direction": "INCOMING_EMAIL"}, "leads": {"hs_lead_name": "N"},
}  # fmt: skip


@pytest.mark.parametrize(("kind", "number"), TYPES)
def test_hs_objects_of_every_type_live_alike(fresh: Served, kind: str, number: str) -> None:
    made = fresh.hs.post(number, {"properties": BODIES[kind]})
    assert made.status_code == 201, made.text
    record, name = made.json(), next(iter(BODIES[kind]))
    assert record["url"].split("/")[-2] == number
    assert record["properties"][name] == BODIES[kind][name]
    cursor = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
    search = {"filterGroups": [{"filters": [{"propertyName": cursor, "operator": "GTE", "value": "0"}]}], "limit": 200}
    assert record["id"] in [one["id"] for one in fresh.hs.post(f"{kind}/search", search).json()["results"]]
    assert fresh.hs("DELETE", f"{kind}/{record['id']}").status_code == 204


def test_line_items_multiply_and_leads_have_stages(fresh: Served) -> None:
    item = fresh.hs.post("line_items", {"properties": {"name": "N", "price": "5.50", "quantity": "3"}}).json()["id"]
    assert fresh.hs.get(f"line_items/{item}").json()["properties"]["amount"] == "16.50"
    fresh.hs.patch(f"line_items/{item}", {"properties": {"discount": "1.5"}})
    assert fresh.hs.get(f"line_items/{item}").json()["properties"]["amount"] == "15.00"
    assert fresh.hs.patch(f"line_items/{item}", {"properties": {"amount": "1"}}).status_code == 400
    lead = {"hs_lead_name": "L", "hs_pipeline_stage": "qualified-stage-id"}
    assert fresh.hs.post("leads", {"properties": lead}).status_code == 201
    assert fresh.hs.post("leads", {"properties": lead | {"hs_pipeline_stage": "closedwon"}}).status_code == 400


def test_activities_are_associated_with_the_records_they_are_about(fresh: Served) -> None:
    body = {
        "properties": {"hs_note_body": "Called", "hs_timestamp": "2026-11-22T10:00:00Z"},
        "associations": [{"to": {"id": "101"}, "types": [_default_type(fresh, "notes", "companies")]}],
    }
    note = fresh.hs.post("notes", body).json()["id"]
    links = fresh.hs.post("/crm/associations/2026-09/companies/notes/batch/read", {"inputs": [{"id": "101"}]}).json()
    assert [one["toObjectId"] for one in links["results"][0]["to"]] == [note]


def _default_type(served: Served, kind: str, target: str) -> dict[str, Any]:
    found = served.hs.get(f"/crm/associations/2026-09/{kind}/{target}/labels").json()["results"][0]
    return {"associationCategory": found["category"], "associationTypeId": found["typeId"]}
