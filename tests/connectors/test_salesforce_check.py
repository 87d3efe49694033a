"""What a check of a Salesforce connection finds: what is missing, hidden or allowed, and what the check costs."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.errors import AuthFailed
from syncd.model import Edition, MissingField, ReadSpec, Stream

from .stub import Say, Stub
from .worlds import FakeClock
from .worlds_salesforce import DATA, SalesforceWorld, on_stub, refusal

OPPORTUNITIES = ReadSpec(Stream.OPPORTUNITIES, "Opportunity", ("Name", "IsWon"))
ORG_ID = "00DdM00000vfgTuUAI"


def field(name: str, type_: str = "string", **more: Any) -> dict[str, Any]:
    """A field as describe tells it."""
    return {"name": name, "type": type_, "updateable": True, "calculated": False, "filterable": True, **more}


def described(name: str, *fields: dict[str, Any]) -> tuple[str, Say]:
    """An object as describe tells it."""
    own = [field("Id", "id"), field("SystemModstamp", "datetime")]
    return name, Say(body={"name": name, "queryable": True, "updateable": True, "fields": [*own, *fields]})


def answers(stub: Stub, *objects: tuple[str, Say], **found: list[dict[str, Any]]) -> None:
    """What the org says when it is asked who it is and what we may do: the records of each query by its reference."""
    for name, say in objects:
        stub.on(f"GET {DATA}/sobjects/{name}/describe", say)
    stub.on("GET /services/oauth2/userinfo", Say(body={"organization_id": ORG_ID, "user_id": "005000000000001AAA"}))
    told = [{"referenceId": n, "httpStatusCode": 200, "body": {"records": r}} for n, r in found.items()]
    stub.on(f"POST {DATA}/composite", Say(body={"compositeResponse": told}))
    stub.on(f"GET {DATA}/sobjects/Opportunity/describe", described("Opportunity", field("Name"), field("IsWon"))[1])
    stub.on(f"GET {DATA}/limits/recordCount", refusal(403, "INSUFFICIENT_ACCESS"))
    stub.on(f"GET {DATA}/limits", Say(body={"DailyApiRequests": {"Max": 9, "Remaining": 8}}))
    stub.on("GET /services/data", Say(body=[{"version": "68.0"}]))


# --- visibility


@pytest.mark.parametrize(
    ("found", "right"),
    [
        ({"user": [{"PermissionSet": {"PermissionsViewAllData": True}}]}, "View All Data"),
        ({"user": [{"PermissionSet": {}}, {"PermissionSet": {"PermissionsModifyAllData": True}}]}, "View All Data"),
        ({"objects": [{"SobjectType": "Opportunity", "PermissionsViewAllRecords": True}]}, "View All on Opportunity"),
        ({"objects": [{"SobjectType": "Opportunity", "PermissionsModifyAllRecords": True}]}, "View All on Opportunity"),
        ({"defaults": [{"QualifiedApiName": "Opportunity", "InternalSharingModel": "Read"}]}, "every Opportunity"),
    ],
)
def test_a_right_proves_that_nothing_is_hidden(stub: Stub, clock: FakeClock, found: dict[str, Any], right: str) -> None:
    """F36. Fewer rows because of sharing are told from no rows by the rights of the user, not by what came."""
    answers(stub, **found)
    (access,) = on_stub(stub, clock).check([OPPORTUNITIES], {}).access
    assert access.sees_all is True
    assert right in access.evidence


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"user": [{"PermissionSet": {"PermissionsViewAllData": False}}], "objects": []},
        {"objects": [{"SobjectType": "Account", "PermissionsViewAllRecords": True}]},
        {"objects": [{"SobjectType": "Opportunity", "PermissionsViewAllRecords": "true"}]},
        {"defaults": [{"QualifiedApiName": "Opportunity", "InternalSharingModel": "Private"}]},
        {"user": [{"PermissionSet": None}, None]},
    ],
)
def test_nothing_else_proves_it(stub: Stub, clock: FakeClock, found: dict[str, Any]) -> None:
    """F36."""
    answers(stub, **found)
    (access,) = on_stub(stub, clock).check([OPPORTUNITIES], {}).access
    assert access.sees_all is None
    assert "View All on Opportunity" in access.evidence


def test_rows_that_follow_their_parent_are_seen_by_the_parents_right(stub: Stub, clock: FakeClock) -> None:
    names = ("OpportunityFieldHistory", "OpportunityLineItem", "Deal__History", "AccountHistory")
    granted = [{"SobjectType": o, "PermissionsViewAllRecords": True} for o in ("Opportunity", "Deal__c")]
    answers(stub, *(described(name, field("Field")) for name in names), objects=granted)
    specs = [ReadSpec(Stream.HISTORY, name, ("Field",)) for name in names]
    access = {each.object: each.sees_all for each in on_stub(stub, clock).check(specs, {}).access}
    assert access == dict(zip(names, (True, True, True, None), strict=True))
    (asked,) = [a for a in stub.asked if a.path == f"{DATA}/composite"]
    assert "Deal__c" in str(asked.body)


@pytest.mark.parametrize(("fraction", "sees_all"), [(0.4, False), (0.97, None)])
def test_counts_are_evidence_of_what_is_hidden_but_no_proof_that_nothing_is(
    org: SalesforceWorld, fraction: float, sees_all: bool | None
) -> None:
    """F36. The org's own count is approximate: only clearly fewer rows are rows that are hidden."""
    for n in range(100):
        org.create(f"C{n}")
    org.emulator.salesforce.set_sharing("Account", "private")
    org.emulator.salesforce.share_fraction("Account", fraction)
    salesforce = org.connector()
    (access,) = salesforce.check([org.spec], {}).access
    assert access.sees_all is sees_all
    assert access.records == 100
    seen = salesforce.count(org.spec)
    assert f"the user sees {seen}" in access.evidence.replace("The user", "the user")
    org.emulator.salesforce.set_object_access("Account", view_all=True)
    (access,) = salesforce.check([org.spec], {}).access
    assert (access.sees_all, access.records) == (True, None)


def test_a_field_that_is_hidden_is_named_and_so_is_what_to_do(org: SalesforceWorld) -> None:
    """F22, F36."""
    org.emulator.salesforce.set_field_access("Account", org.stamp, readable=False)
    (problem,) = org.connector().check([org.spec], {}).problems
    assert isinstance(problem, MissingField)
    assert (problem.object, problem.field) == ("Account", org.stamp)
    assert "Read on it" in problem


def test_an_object_that_is_not_there_has_no_proof(org: SalesforceWorld) -> None:
    spec = ReadSpec(Stream.CONTRACTS, "Nonsense__c", ("Name",))
    (access,) = org.connector().check([spec], {}).access
    assert (access.sees_all, access.records) == (None, None)
    assert "Nonsense__c" in access.evidence


# --- formulas


def test_fields_that_change_without_a_stamp_are_told(stub: Stub, clock: FakeClock) -> None:
    """F14, F15. Formulas, roll-ups and fields of parents: a stream that maps one of them is swept to stay true."""
    fields = (
        field("Name"),
        field("Score__c", "double", calculated=True),
        field("Total__c", "currency", calculated=True),
    )
    parent = field("AccountId", "reference", relationshipName="Account", referenceTo=["Account"])
    answers(stub, described("Deal__c", *fields, parent), described("Account", field("Name")))
    spec = ReadSpec(Stream.REGISTRATIONS, "Deal__c", ("Name", "Score__c", "Total__c", "Account.Name"))
    (access,) = on_stub(stub, clock).check([spec], {}).access
    assert access.formulas == ("Score__c", "Total__c", "Account.Name")


# --- problems


def test_a_parent_of_several_kinds_shows_the_fields_of_all_of_them(stub: Stub, clock: FakeClock) -> None:
    owner = field("OwnerId", "reference", relationshipName="Owner", referenceTo=["Group", "User"])
    answers(stub, described("Deal__c", owner), described("Name", field("Email"), field("Name")))
    good = ReadSpec(Stream.REGISTRATIONS, "Deal__c", ("Owner.Email", "Owner.Name"))
    bad = ReadSpec(Stream.REGISTRATIONS, "Deal__c", ("Owner.EmployeeNumber",))
    salesforce = on_stub(stub, clock)
    assert salesforce.check([good], {}).problems == ()
    (problem,) = salesforce.check([bad], {}).problems
    assert "EmployeeNumber" in problem


def test_an_object_without_any_stamp_cannot_be_read_in_windows(stub: Stub, clock: FakeClock) -> None:
    answers(stub, ("Rate__c", Say(body={"name": "Rate__c", "fields": [field("Id"), field("Name")]})))
    (problem,) = on_stub(stub, clock).check([ReadSpec(Stream.RATES, "Rate__c", ("Name",))], {}).problems
    assert "Map another object" in problem


def test_formulas_and_fields_without_edit_cannot_be_written(stub: Stub, clock: FakeClock) -> None:
    fields = field("F__c", calculated=True), field("R__c", updateable=False), field("W__c")
    answers(stub, described("Deal__c", *fields))
    problems = on_stub(stub, clock).check([], {"Deal__c": ["F__c", "R__c", "W__c"]}).problems
    assert [p.partition(" ")[0] for p in problems] == ["Deal__c.F__c", "Deal__c.R__c"]


# --- edition


@pytest.mark.parametrize(
    ("kind", "owner_is_editable", "edition", "word"),
    [
        ("Enterprise Edition", True, Edition.FULL, ""),
        ("Developer Edition", True, Edition.FULL, ""),
        ("Professional Edition", True, Edition.STAMPS_ONLY, "Professional Edition"),
        ("Unlimited Edition", False, Edition.STAMPS_ONLY, "OwnerId"),
    ],
)
def test_an_edition_or_a_right_allows_all_of_the_work_or_a_part_and_says_why(
    stub: Stub, clock: FakeClock, kind: str, owner_is_editable: bool, edition: Edition, word: str
) -> None:
    owner = field("OwnerId", "reference", updateable=owner_is_editable)
    deal = described("Deal__c", owner, field("Stamp__c"))
    answers(stub, deal, organization=[{"Name": "Acme", "OrganizationType": kind}])
    checked = on_stub(stub, clock).check([], {"Deal__c": ["Stamp__c"]})
    assert checked.edition is edition
    assert word in checked.edition_reason
    assert bool(checked.edition_reason) is (edition is not Edition.FULL)


@pytest.mark.parametrize("code", ["API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"])
def test_an_org_without_an_api_is_for_files_only(stub: Stub, clock: FakeClock, code: str) -> None:
    stub.on("GET /services/data", refusal(403, code))
    with pytest.raises(AuthFailed, match="files only"):
        on_stub(stub, clock).check([], {})


# --- cost


def test_a_check_costs_one_call_for_all_rights_and_one_for_each_object(org: SalesforceWorld) -> None:
    specs = [
        org.spec,
        ReadSpec(Stream.OPPORTUNITIES, "Opportunity", ("Name",)),
        ReadSpec(Stream.LEADS, "Lead", ("Name",)),
    ]
    org.connector().check(specs, {"Account": [org.stamp]})
    assert (
        org.paths()
        == [
            "GET /services/data",
            "POST /services/oauth2/token",
            "GET /services/oauth2/userinfo",
            *(f"GET {DATA}/sobjects/{name}/describe" for name in ("Account", "Opportunity", "Lead")),
            f"POST {DATA}/composite",
            f"GET {DATA}/limits/",
        ]
        or org.paths()[0] == "POST /services/oauth2/token"
    )
    assert len(org.paths()) == 8


def test_a_right_that_is_missing_costs_only_the_fact(stub: Stub, clock: FakeClock) -> None:
    stub.on("GET /services/oauth2/userinfo", Say(body={"organization_id": ORG_ID}))
    stub.on(f"GET {DATA}/limits", refusal(403, "INSUFFICIENT_ACCESS"))
    stub.on(f"POST {DATA}/composite", refusal(403, "INSUFFICIENT_ACCESS"))
    stub.on("GET /services/data", Say(body=[{"version": "68.0"}]))
    checked = on_stub(stub, clock).check([], {})
    assert checked.problems == ()
    assert set(checked.facts) == {"api_version", "org_id", "schema"}
    assert checked.edition is Edition.FULL


def test_a_check_tells_types_and_picklist_values_so_that_a_later_one_can_see_what_changed(org: SalesforceWorld) -> None:
    """F21, F22."""
    spec = ReadSpec(Stream.ACCOUNTS, "Account", ("Name", "Industry"))
    schema = org.connector().check([spec], {}).facts["schema"]["Account"]
    assert schema["Name"] == {"type": "string"}
    assert schema["Industry"]["type"] == "picklist"
    assert all(isinstance(value, str) for value in schema["Industry"].get("values", ()))
