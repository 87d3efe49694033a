"""describe, limits and the usage header."""

from __future__ import annotations

import re

from .conftest import ACME, Served

FIELD_KEYS = {
    "aggregatable", "aiPredictionField", "autoNumber", "byteLength", "calculated", "calculatedFormula", "cascadeDelete",
    "caseSensitive", "compoundFieldName", "controllerName", "createable", "custom", "defaultValue",
    "defaultValueFormula", "defaultedOnCreate", "dependentPicklist", "deprecatedAndHidden", "digits",
    "displayLocationInDecimal", "encrypted", "externalId", "extraTypeInfo", "filterable", "filteredLookupInfo",
    "formulaTreatNullNumberAsZero", "groupable", "highScaleNumber", "htmlFormatted", "idLookup", "inlineHelpText",
    "label", "length", "mask", "maskType", "name", "nameField", "namePointing", "nillable", "permissionable",
    "picklistValues", "polymorphicForeignKey", "precision", "queryByDistance", "referenceTargetField", "referenceTo",
    "relationshipName", "relationshipOrder", "restrictedDelete", "restrictedPicklist", "scale", "searchPrefilterable",
    "soapType", "sortable", "type", "unique", "updateable", "writeRequiresMasterRead",
}  # fmt: skip
SUMMARY_KEYS = {
    "activateable", "associateEntityType", "associateParentEntity", "createable", "custom", "customSetting",
    "deepCloneable", "deletable", "deprecatedAndHidden", "feedEnabled", "hasSubtypes", "isInterface", "isSubtype",
    "keyPrefix", "label", "labelPlural", "layoutable", "mergeable", "mruEnabled", "name", "queryable", "replicateable",
    "retrieveable", "searchable", "triggerable", "undeletable", "updateable", "urls",
}  # fmt: skip
DETAIL_KEYS = {
    "actionOverrides", "childRelationships", "compactLayoutable", "defaultImplementation", "extendedBy",
    "extendsInterfaces", "fields", "implementedBy", "implementsInterfaces", "listviewable", "lookupLayoutable",
    "namedLayoutInfos", "networkScopeFieldName", "recordTypeInfos", "searchLayoutable", "sobjectDescribeOption",
    "supportedScopes",
}  # fmt: skip


def test_sf_describe_has_every_key(shared: Served) -> None:
    answer = shared.sf.get("sobjects/Account/describe").json()
    assert set(answer) == SUMMARY_KEYS | DETAIL_KEYS
    assert (answer["name"], answer["keyPrefix"], answer["mergeable"]) == ("Account", "001", True)
    assert all(set(field) == FIELD_KEYS for field in answer["fields"])
    assert answer["urls"]["describe"] == "/services/data/v68.0/sobjects/Account/describe"
    assert answer["urls"]["uiDetailTemplate"] == f"{shared.sf.base}/{{ID}}"
    assert all(set(one) == SUMMARY_KEYS for one in shared.sf.get("sobjects").json()["sobjects"])
    assert [(one["name"], one["master"], one["defaultRecordTypeMapping"]) for one in answer["recordTypeInfos"]] == [
        ("Master", True, True)
    ]


def test_sf_rights_of_standard_objects(shared: Served) -> None:
    found = {one["name"]: one for one in shared.sf.get("sobjects").json()["sobjects"]}
    rights = ("createable", "updateable", "deletable", "replicateable", "mergeable", "undeletable")
    names = ("Account", "Opportunity", "User", "ContentVersion")
    assert {name: [found[name][right] for right in rights] for name in names} == {
        "Account": [True] * 6, "Opportunity": [True, True, True, True, False, True],
        "User": [True, True, False, True, False, False], "ContentVersion": [True, True, False, False, False, False],
    }  # fmt: skip
    for name in ("OpportunityStage", "ObjectPermissions", "OpportunityHistory", "LeadHistory", "EntityDefinition"):
        assert [found[name][right] for right in rights[:3]] == [False] * 3


def test_sf_record_types_are_described(fresh: Served) -> None:
    view = fresh.emu.salesforce
    made = view.insert(
        "RecordType", {"Name": "Partner", "DeveloperName": "Partner", "SobjectType": "Account", "IsActive": True}
    )
    infos = fresh.sf.get("sobjects/Account/describe").json()["recordTypeInfos"]
    assert [(one["recordTypeId"], one["developerName"], one["defaultRecordTypeMapping"]) for one in infos] == [
        (made, "Partner", True), ("012000000000000AAA", "Master", False),
    ]  # fmt: skip


def test_sf_compound_addresses_are_objects(fresh: Served) -> None:
    fields = {one["name"]: one for one in fresh.sf.get("sobjects/Account/describe").json()["fields"]}
    address = fields["BillingAddress"]
    assert [address[name] for name in ("type", "soapType", "createable", "sortable", "groupable", "length")] == [
        "address", "urn:address", False, False, False, 0,
    ]  # fmt: skip
    assert (fields["BillingCity"]["compoundFieldName"], fields["Name"]["compoundFieldName"]) == (
        "BillingAddress",
        "Name",
    )
    fresh.emu.salesforce.edit("Account", ACME, {"BillingCity": "Oslo", "BillingCountry": "Norway"})
    acme, beta = fresh.sf.records("SELECT BillingAddress, ShippingAddress FROM Account ORDER BY Id")
    assert acme["BillingAddress"] == {
        "city": "Oslo", "country": "Norway", "geocodeAccuracy": None, "latitude": None, "longitude": None,
        "postalCode": None, "state": None, "street": None,
    }  # fmt: skip
    assert (acme["ShippingAddress"], beta["BillingAddress"]) == (None, None)
    assert fresh.sf.get(f"sobjects/Account/{ACME}").json()["BillingAddress"]["city"] == "Oslo"
    for soql, code in (
        ("SELECT Id FROM Account WHERE BillingAddress = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Account ORDER BY BillingAddress", "MALFORMED_QUERY"),
    ):
        assert fresh.sf.query(soql).json()[0]["errorCode"] == code
    answer = fresh.sf.post("jobs/query", {"operation": "query", "query": "SELECT BillingAddress FROM Account"})
    assert answer.json()[0]["errorCode"] == "FEATURENOTENABLED"


def test_sf_stages_are_the_entries_of_the_stage_field(shared: Served) -> None:
    fields = {one["name"]: one for one in shared.sf.get("sobjects/Opportunity/describe").json()["fields"]}
    assert {"Closed Won", "Odd stage"} <= {one["value"] for one in fields["StageName"]["picklistValues"]}


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
        if not one["retrieveable"]:
            continue  # UserRecordAccess answers only about named records
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
    first, second = (shared.sf.get(path) for path in ("limits", "limits/"))
    left = [one.json()["DailyApiRequests"]["Remaining"] for one in (first, second)]
    assert left[1] == left[0] - 1  # the call itself counts
    assert second.json()["DailyApiRequests"]["Max"] == 100_000
    said = re.fullmatch(r"api-usage=(\d+)/100000", second.headers["Sforce-Limit-Info"])
    assert said is not None
    assert 100_000 - left[1] - 3 <= int(said[1]) <= 100_000 - left[1]  # the header trails by a few calls
    assert {"DailyBulkApiBatches", "DailyBulkV2QueryJobs"} <= set(second.json())


def test_opportunity_stages_are_rows(shared: Served) -> None:
    stages = shared.sf.records("SELECT MasterLabel, IsClosed, IsWon FROM OpportunityStage ORDER BY SortOrder")
    assert [one["MasterLabel"] for one in stages] == [
        "Prospecting", "Qualification", "Needs Analysis", "Proposal", "Negotiation", "Closed Won", "Closed Lost",
    ]  # fmt: skip
    assert [one["IsWon"] for one in stages] == [False] * 5 + [True, False]
