"""Independent clients, used as their documentation shows, do not notice the difference."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import hubspot
import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, SalesforceMalformedRequest, SalesforceResourceNotFound, format_soql

from .conftest import ACME, BETA, GONE, Served


class Loopback(HTTPAdapter):
    """simple-salesforce insists on https; this sends it to the http loopback."""

    def send(self, request: Any, timeout: Any = None, **more: Any) -> Any:
        request.url = "http://" + request.url[len("https://") :]
        return super().send(request, timeout=timeout or 30, **more)


def salesforce(served: Served, session: requests.Session) -> Salesforce:
    endpoint = served.endpoints["salesforce"]
    session.mount(f"https://{urlsplit(endpoint['base_url']).netloc}", Loopback())
    return Salesforce(
        session_id=endpoint["access_token"], instance_url=endpoint["base_url"], version="68.0", session=session
    )


def test_simple_salesforce_reads(many: Served, shared: Served) -> None:
    with requests.Session() as session:
        client = salesforce(many, session)
        found = client.query_all("SELECT Id, Name FROM Account ORDER BY Name")
        assert (found["totalSize"], found["done"], len(found["records"])) == (5001, True, 5001)
        assert client.api_usage["api-usage"].total == 100_000
    with requests.Session() as session:
        client = salesforce(shared, session)
        deleted = list(client.query_all_iter("SELECT Id FROM Account", include_deleted=True))
        assert GONE in [one["Id"] for one in deleted]
        assert client.Account.get(ACME)["Name"] == "Acme Ltd"
        assert client.Account.get_by_custom_id("Number__c", "A-1")["Id"] == ACME
        assert client.Account.describe()["keyPrefix"] == "001"
        assert client.describe()["maxBatchSize"] == 200
        soql = format_soql("SELECT Id FROM Account WHERE Name IN {names}", names=["beta gmbh", "it's"])
        assert [one["Id"] for one in client.query(soql)["records"]] == [BETA]
        with pytest.raises(SalesforceMalformedRequest):
            client.query("SELECT Nonsense FROM Account")
        with pytest.raises(SalesforceResourceNotFound):
            client.Account.get(GONE)


def test_simple_salesforce_writes(fresh: Served) -> None:
    with requests.Session() as session:
        client = salesforce(fresh, session)
        created = client.Account.create({"Name": "New"})
        assert created["success"]
        assert client.Account.update(created["id"], {"Name": "Newer"}) == 204
        assert client.Account.upsert("Number__c/N-9", {"Name": "Nine"}) == 201
        assert client.Account.delete(created["id"]) == 204
        body = {"records": [{"attributes": {"type": "Account"}, "id": BETA, "Site": "HQ"}]}
        answer = client.restful("composite/sobjects", method="PATCH", json=body)
        assert answer == [{"id": BETA, "success": True, "errors": []}]
        assert client.limits()["DailyApiRequests"]["Max"] == 100_000


@pytest.fixture
def client(fresh: Served) -> hubspot.HubSpot:
    endpoint = fresh.endpoints["hubspot"]
    return hubspot.HubSpot(access_token=endpoint["access_token"], host=endpoint["base_url"])


def test_hubspot_client_reads(client: Any) -> None:
    assert [one.id for one in client.crm.companies.get_all()] == ["101", "102", "103"]
    page = client.crm.companies.basic_api.get_page(limit=2, properties=["score"])
    assert (page.results[0].properties["score"], page.paging.next.after) == ("3.5", "102")
    found = client.crm.companies.search_api.do_search({"query": "gamma"})
    assert (found.total, found.results[0].id) == (1, "103")
    read = client.crm.companies.batch_api.read({"inputs": [{"id": "101"}, {"id": "999"}], "properties": ["name"]})
    assert (read.num_errors, read.results[0].properties["name"]) == (1, "Acmé Ltd")
    links = client.crm.associations.v4.batch_api.get_page(
        "deals", "companies", {"inputs": [{"id": "9007199254740993"}]}
    )
    assert [one.to_object_id for one in links.results[0].to] == ["101", "102"]
    assert [one.email for one in client.crm.owners.owners_api.get_page().results] == ["olga@example.com"]
    assert client.crm.pipelines.pipelines_api.get_all("deals").results[0].stages[0].id == "appointmentscheduled"
    assert "level" in [one.name for one in client.crm.properties.core_api.get_all("companies").results]
    assert [one.name for one in client.crm.schemas.core_api.get_all().results] == ["registration"]
    with pytest.raises(hubspot.crm.companies.exceptions.ApiException) as caught:
        client.crm.companies.basic_api.get_by_id("999")
    assert caught.value.status == 404


def test_hubspot_client_writes(client: Any, fresh: Served) -> None:
    created = client.crm.companies.basic_api.create({"properties": {"name": "New"}})
    updated = client.crm.companies.batch_api.update({"inputs": [{"id": created.id, "properties": {"level": "gold"}}]})
    assert (updated.status, updated.results[0].properties["level"]) == ("COMPLETE", "gold")
    upserted = client.crm.companies.batch_api.upsert(
        {"inputs": [{"idProperty": "ref", "id": "c-1", "properties": {"level": "silver"}}]}
    )
    assert (upserted.results[0].id, upserted.results[0].new) == ("101", False)
    client.crm.associations.v4.basic_api.create_default("deals", "302", "companies", created.id)
    assert fresh.emu.hubspot.associated("deals", "302", "companies") == [created.id]
    client.crm.companies.basic_api.archive(created.id)
    assert [one["archived"] for one in fresh.emu.hubspot.rows("companies")] == [False, False, False, True]


def test_hubspot_client_reaches_dated_paths(client: Any, fresh: Served) -> None:
    base = fresh.endpoints["hubspot"]["base_url"]
    answer = client.api_request({"path": "/crm/objects/2026-09/companies/101", "method": "GET", "base_url": base})
    assert answer.json()["id"] == "101"
