"""The vendor's own Python client, used as its documentation shows, as an independent judge of the portal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import hubspot
import pytest
from urllib3.util.retry import Retry

from .conftest import Served

BIG = "9007199254740993"


def client_of(served: Served, token: str | None = None) -> Any:
    endpoint = served.endpoints["hubspot"]
    return hubspot.HubSpot(access_token=token or endpoint["access_token"], host=endpoint["base_url"])


@pytest.fixture
def client(fresh: Served) -> Any:
    return client_of(fresh)


def test_the_client_refreshes_a_token_and_uses_it(fresh: Served) -> None:
    endpoint = fresh.endpoints["hubspot"]
    app = hubspot.HubSpot(host=endpoint["base_url"])
    answer = app.oauth.tokens_api.create(
        grant_type="refresh_token", refresh_token=endpoint["refresh_token"], client_id=endpoint["client_id"],
        client_secret=endpoint["client_secret"],
    )  # fmt: skip
    assert (answer.expires_in, answer.token_type) == (1800, "bearer")
    person = client_of(fresh, answer.access_token)
    assert len(person.crm.companies.get_all()) == 3
    about = person.oauth.access_tokens_api.get(answer.access_token)
    assert about.hub_id == 140_000_000
    fresh.clock.advance(timedelta(minutes=30))
    with pytest.raises(hubspot.crm.companies.exceptions.ApiException) as caught:
        person.crm.companies.basic_api.get_page()
    assert caught.value.status == 401


def test_the_client_reads_history_and_associations_inline(client: Any) -> None:
    deal = client.crm.deals.basic_api.get_by_id(
        BIG, properties=["dealname"], properties_with_history=["dealstage"], associations=["companies"]
    )
    assert [one.value for one in deal.properties_with_history["dealstage"]] == ["closedwon"]
    assert {one.id for one in deal.associations["companies"].results} == {"101", "102"}
    page = client.crm.companies.basic_api.get_page(limit=50, properties_with_history=["name"], archived=False)
    assert len(page.results) == 3


def test_the_client_searches_with_groups_and_sorts(client: Any) -> None:
    request = {
        "filterGroups": [{"filters": [{"propertyName": "score", "operator": "BETWEEN", "value": "1",
                                       "highValue": "50"}]}],
        "sorts": [{"propertyName": "score", "direction": "DESCENDING"}], "properties": ["score"], "limit": 1,
    }  # fmt: skip
    found = client.crm.companies.search_api.do_search(request)
    assert (found.total, found.results[0].id, found.paging.next.after) == (2, "103", "1")


def test_the_client_sees_partial_failures_as_results_with_errors(client: Any) -> None:
    body = {"inputs": [{"id": "101", "properties": {"level": "gold"}}, {"id": "999", "properties": {"level": "gold"}}]}
    answer = client.crm.companies.batch_api.update(body)
    assert (type(answer).__name__, answer.num_errors) == ("BatchResponseSimplePublicObjectWithErrors", 1)
    assert answer.errors[0].category == "OBJECT_NOT_FOUND"


def test_the_client_defines_properties_and_groups(client: Any, fresh: Served) -> None:
    groups, core = client.crm.properties.groups_api, client.crm.properties.core_api
    assert groups.create("deals", {"name": "syncd", "label": "syncd"}).name == "syncd"
    options = [{"label": "On", "value": "on", "displayOrder": 0, "hidden": False}]
    body = {"name": "syncd_state", "label": "State", "type": "enumeration", "fieldType": "select",
            "groupName": "syncd", "options": options}  # fmt: skip
    made = core.create("deals", body)
    assert (made.has_unique_value, made.modification_metadata.read_only_value) == (False, False)
    assert core.update("deals", "syncd_state", {"label": "Status"}).label == "Status"
    read = client.crm.properties.batch_api.read("deals", {"inputs": [{"name": "syncd_state"}], "archived": False})
    assert read.results[0].options[0].value == "on"
    assert fresh.hs.patch("deals/302", {"properties": {"syncd_state": "on"}}).status_code == 200
    core.archive("deals", "syncd_state")
    assert "syncd_state" not in [one.name for one in core.get_all("deals").results]


def test_the_client_edits_pipelines_and_reads_their_audit(client: Any) -> None:
    pipelines, stages = client.crm.pipelines.pipelines_api, client.crm.pipelines.pipeline_stages_api
    body = {"label": "Partner", "displayOrder": 1, "stages": [
        {"label": "Filed", "displayOrder": 0, "metadata": {"probability": "0.1"}}]}  # fmt: skip
    made = pipelines.create("deals", body)
    stage = stages.create("deals", made.id, {"label": "Won", "displayOrder": 1, "metadata": {"probability": "1.0"}})
    assert stage.metadata == {"isClosed": "true", "probability": "1.0"}
    assert [one.label for one in stages.get_all("deals", made.id).results] == ["Filed", "Won"]
    audits = client.crm.pipelines.pipeline_audits_api.get_audit("deals", made.id).results
    assert [one.action for one in audits] == ["CREATE"]
    pipelines.archive("deals", made.id)
    assert [one.id for one in pipelines.get_all("deals").results] == ["default"]


def test_the_client_labels_associations(client: Any, fresh: Served) -> None:
    definitions = client.crm.associations.v4.schema.definitions_api
    made = definitions.create("deals", "companies", {"name": "reseller", "label": "Reseller"}).results
    spec = [{"associationCategory": "USER_DEFINED", "associationTypeId": made[0].type_id}]
    client.crm.associations.v4.basic_api.create("deals", "302", "companies", "103", association_spec=spec)
    page = client.crm.associations.v4.basic_api.get_page("deals", "302", "companies")
    assert [str(one.to_object_id) for one in page.results] == ["103"]
    assert "Reseller" in [one.label for one in page.results[0].association_types]
    pairs = {"inputs": [{"from": {"id": "302"}, "to": [{"id": "103"}]}]}
    client.crm.associations.v4.batch_api.archive("deals", "companies", pairs)
    assert fresh.emu.hubspot.associated("deals", "302", "companies") == []
    default = client.crm.associations.v4.batch_api.create_default(
        "deals", "companies", {"inputs": [{"from": {"id": "302"}, "to": {"id": "101"}}]}
    )
    assert default.status == "COMPLETE"


def test_the_client_makes_a_custom_type(client: Any) -> None:
    egg = {
        "name": "waiver", "labels": {"singular": "Waiver", "plural": "Waivers"}, "requiredProperties": ["title"],
        "primaryDisplayProperty": "title", "searchableProperties": ["title"], "associatedObjects": ["DEAL"],
        "properties": [{"name": "title", "label": "Title", "type": "string", "fieldType": "text"}],
    }  # fmt: skip
    schema = client.crm.schemas.core_api.create(egg)
    made = client.crm.objects.basic_api.create(schema.object_type_id, {"properties": {"title": "W"}})
    assert client.crm.objects.basic_api.get_by_id("p_waiver", made.id, properties=["title"]).properties["title"] == "W"
    assert [one.id for one in client.crm.objects.get_all("p_waiver")] == [made.id]


def test_the_client_reads_activities_leads_and_owners(client: Any, fresh: Served) -> None:
    note = client.crm.objects.notes.basic_api.create({"properties": {"hs_note_body": "N", "hs_timestamp": "0"}})
    assert client.crm.objects.notes.basic_api.get_by_id(note.id).created_at.year == 2026
    lead = client.crm.objects.leads.basic_api.create({"properties": {"hs_lead_name": "L"}})
    assert client.crm.objects.leads.search_api.do_search({"query": "l"}).results[0].id == lead.id
    fresh.emu.hubspot.set_owner_archived("11")
    (gone, _) = client.crm.owners.owners_api.get_page(archived=True).results
    assert (gone.id, gone.user_id, gone.user_id_including_inactive) == ("11", None, 911)


def test_the_client_subscribes_to_webhooks_with_a_developers_key(fresh: Served) -> None:
    endpoint = fresh.endpoints["hubspot"]
    client, app = (
        hubspot.HubSpot(api_key=endpoint["developer_api_key"], host=endpoint["base_url"]),
        int(endpoint["app_id"]),
    )
    settings = {"targetUrl": "http://127.0.0.1:9/hooks", "throttling": {"maxConcurrentRequests": 5}}
    assert client.webhooks.settings_api.configure(app, settings).throttling.max_concurrent_requests == 5
    body = {"eventType": "deal.creation", "active": True}
    made = client.webhooks.subscriptions_api.create(app, body)
    assert made.active is True
    assert [one.id for one in client.webhooks.subscriptions_api.get_all(app).results] == [made.id]


def test_the_client_waits_out_a_limit_when_told_how(fresh: Served) -> None:
    """A refused read is tried again by the client itself only if it is told to; the portal's answer lets it."""
    endpoint = fresh.endpoints["hubspot"]
    patient = hubspot.HubSpot(
        access_token=endpoint["access_token"], host=endpoint["base_url"],
        retry=Retry(total=2, status_forcelist=(429,), backoff_factor=0),
    )  # fmt: skip
    fresh.emu.fail("hubspot", status=429, body='{"policyName": "SECONDLY"}', times=1)
    assert len(patient.crm.companies.basic_api.get_page().results) == 3
    fresh.emu.hubspot.set_limits("professional")
    fresh.emu.hubspot.burn_quota(190, "TEN_SECONDLY_ROLLING")
    with pytest.raises(hubspot.crm.companies.exceptions.ApiException) as caught:
        client_of(fresh).crm.companies.basic_api.get_page()
    assert (caught.value.status, "TEN_SECONDLY_ROLLING" in caught.value.body) == (429, True)


@pytest.mark.parametrize("version", ["2026-03", "2026-09"])
def test_the_client_merges_over_dated_paths(client: Any, fresh: Served, version: str) -> None:
    request = {
        "path": f"/crm/objects/{version}/companies/merge", "method": "POST",
        "base_url": fresh.endpoints["hubspot"]["base_url"],
        "body": {"primaryObjectId": "101", "objectIdToMerge": "102"},
    }  # fmt: skip
    survivor = client.api_request(request).json()["id"]
    assert client.crm.companies.basic_api.get_by_id("102").id == survivor
