"""describe, limits and the usage header."""

from __future__ import annotations

import re

from .conftest import Served

FIELD_KEYS = {
    "name", "label", "type", "soapType", "length", "byteLength", "digits", "precision", "scale", "nillable",
    "createable",
    "updateable", "calculated", "calculatedFormula", "autoNumber", "custom", "externalId", "idLookup", "unique",
    "caseSensitive", "filterable", "sortable", "groupable", "aggregatable", "defaultedOnCreate", "restrictedPicklist",
    "dependentPicklist", "controllerName", "picklistValues", "referenceTo", "relationshipName", "polymorphicForeignKey",
    "compoundFieldName", "permissionable", "encrypted", "nameField", "extraTypeInfo",
}  # fmt: skip
OBJECT_KEYS = {
    "name", "label", "keyPrefix", "custom", "createable", "updateable", "deletable", "queryable", "replicateable",
    "mergeable", "undeletable", "fields", "recordTypeInfos", "childRelationships", "urls",
}  # fmt: skip


def test_sf_describe_has_every_key(shared: Served) -> None:
    answer = shared.sf.get("sobjects/Account/describe").json()
    assert set(answer) >= OBJECT_KEYS
    assert (answer["name"], answer["keyPrefix"], answer["mergeable"]) == ("Account", "001", True)
    assert all(set(field) >= FIELD_KEYS for field in answer["fields"])
    assert answer["urls"]["describe"] == "/services/data/v68.0/sobjects/Account/describe"


def test_describe_tells_types_and_rights(shared: Served) -> None:
    fields = {one["name"]: one for one in shared.sf.get("sobjects/account/describe").json()["fields"]}
    types = {"Id": "id", "Name": "string", "Protected__c": "boolean", "Score__c": "double", "Until__c": "date"}
    assert {name: fields[name]["type"] for name in types} == types
    assert (fields["OwnerId"]["referenceTo"], fields["OwnerId"]["relationshipName"]) == (["User"], "Owner")
    assert (fields["SystemModstamp"]["updateable"], fields["Description"]["filterable"]) == (False, False)
    number = fields["Number__c"]
    assert (number["externalId"], number["unique"], number["length"], number["label"]) == (True, True, 20, "Number")
    status = fields["Status__c"]
    assert (status["restrictedPicklist"], [one["value"] for one in status["picklistValues"]]) == (
        True,
        ["Open", "Closed"],
    )
    assert (fields["Name"]["nameField"], fields["Name"]["nillable"], fields["Name"]["custom"]) == (True, False, False)


def test_every_described_field_can_be_selected(shared: Served) -> None:
    for one in shared.sf.get("sobjects").json()["sobjects"]:
        fields = [field["name"] for field in shared.sf.get(f"sobjects/{one['name']}/describe").json()["fields"]]
        answer = shared.sf.query(f"SELECT {', '.join(fields)} FROM {one['name']}")
        assert answer.status_code == 200, answer.text


def test_describe_global_lists_every_object(shared: Served) -> None:
    answer = shared.sf.get("sobjects/").json()
    found = {one["name"]: one for one in answer["sobjects"]}
    assert {
        "Account",
        "Opportunity",
        "Contact",
        "Lead",
        "User",
        "Organization",
        "OpportunityStage",
        "Deal_Reg__c",
    } <= set(found)
    assert (found["Deal_Reg__c"]["custom"], found["Deal_Reg__c"]["keyPrefix"]) == (True, "a00")
    assert answer["maxBatchSize"] == 200
    assert shared.sf.get("sobjects/Lead").json()["objectDescribe"]["keyPrefix"] == "00Q"


def test_sf_describe_is_conditional(shared: Served) -> None:
    stamp = shared.sf.get("sobjects/Account/describe").headers["Last-Modified"]
    assert shared.sf.get("sobjects/Account/describe", headers={"If-Modified-Since": stamp}).status_code == 304


def test_children_are_described(shared: Served) -> None:
    children = shared.sf.get("sobjects/Account/describe").json()["childRelationships"]
    assert {(one["childSObject"], one["field"]) for one in children} >= {
        ("Opportunity", "AccountId"),
        ("Deal_Reg__c", "Account__c"),
    }


def test_sf_limits_and_usage_header(shared: Served) -> None:
    first = shared.sf.get("limits")
    second = shared.sf.get("limits/")
    used = [
        int(re.fullmatch(r"api-usage=(\d+)/100000", one.headers["Sforce-Limit-Info"])[1]) for one in (first, second)
    ]  # type: ignore[index]
    assert used[1] == used[0] + 1  # the call itself counts
    assert second.json()["DailyApiRequests"] == {"Max": 100_000, "Remaining": 100_000 - used[1]}
    assert {"DailyBulkApiBatches", "DailyBulkV2QueryJobs"} <= set(second.json())


def test_opportunity_stages_are_rows(shared: Served) -> None:
    stages = shared.sf.records("SELECT MasterLabel, IsClosed, IsWon FROM OpportunityStage ORDER BY SortOrder")
    assert [one["MasterLabel"] for one in stages] == [
        "Prospecting", "Qualification", "Needs Analysis", "Proposal", "Negotiation", "Closed Won", "Closed Lost",
    ]  # fmt: skip
    assert [one["IsWon"] for one in stages] == [False] * 5 + [True, False]
