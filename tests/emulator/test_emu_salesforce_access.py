"""What a user may read and write: fields, objects, shared records; and how a client can prove what it sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import ACME, Served
from .sales import Sales, sales


@pytest.fixture
def world() -> Iterator[Sales]:
    yield from sales()


def names(served: Served, soql: str = "SELECT Name FROM Account ORDER BY Name") -> list[str]:
    return [one["Name"] for one in served.sf.records(soql)]


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


# --- fields


def test_sf_a_hidden_field_is_not_there(fresh: Served) -> None:
    def described() -> set[str]:
        return {one["name"] for one in fresh.sf.get("sobjects/Account/describe").json()["fields"]}

    assert "Website" in described()
    fresh.emu.salesforce.set_field_access("Account", "Website", readable=False, editable=False)
    assert "Website" not in described()
    for soql in ("SELECT Website FROM Account", "SELECT Id FROM Account WHERE Website = 'x'",
                 "SELECT Id FROM Account ORDER BY Website", "SELECT Account.Website FROM Opportunity"):  # fmt: skip
        assert refusal(fresh.sf.query(soql)) == (400, "INVALID_FIELD")
    missing = fresh.sf.query("SELECT Websit FROM Account").json()[0]["message"].replace("Websit", "Website")
    hidden = fresh.sf.query("SELECT Website FROM Account").json()[0]["message"]
    assert hidden.split("ERROR")[1] == missing.split("ERROR")[1]  # not to be told from a field that there is not
    assert "Website" not in fresh.sf.get(f"sobjects/Account/{ACME}").json()
    assert "Website" not in fresh.sf.records("SELECT FIELDS(STANDARD) FROM Account")[0]
    assert refusal(fresh.sf.get(f"sobjects/Account/{ACME}?fields=Website")) == (400, "INVALID_FIELD")
    fresh.emu.salesforce.set_field_access("Account", "Website")
    assert fresh.sf.get(f"sobjects/Account/{ACME}").json()["Website"] == "acme.com"


def test_sf_a_field_that_may_not_be_written_is_refused(fresh: Served) -> None:
    fresh.emu.salesforce.set_field_access("Account", "Site", readable=True, editable=False)
    fresh.emu.salesforce.set_field_access("Account", "Website", readable=False)
    site = next(one for one in fresh.sf.get("sobjects/Account/describe").json()["fields"] if one["name"] == "Site")
    assert (site["createable"], site["updateable"]) == (False, False)
    for field in ("Site", "website"):
        for answer in (fresh.sf.patch(f"sobjects/Account/{ACME}", {field: "x"}),
                       fresh.sf.post("sobjects/Account", {"Name": "N", field: "x"})):  # fmt: skip
            assert refusal(answer) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    body = {"records": [{"attributes": {"type": "Account"}, "id": ACME, "Site": "x"}]}
    (result,) = fresh.sf("PATCH", "composite/sobjects", json=body).json()
    assert result["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert fresh.sf.patch(f"sobjects/Account/{ACME}", {"Fax": "1"}).status_code == 204
    fresh.emu.salesforce.edit("Account", ACME, {"Site": "HQ"})  # people are administrators
    assert fresh.sf.get(f"sobjects/Account/{ACME}").json()["Site"] == "HQ"


def test_describe_moves_with_the_rights(fresh: Served) -> None:
    stamp = fresh.sf.get("sobjects/Account/describe").headers["Last-Modified"]
    since = {"If-Modified-Since": stamp}
    assert fresh.sf.get("sobjects/Account/describe", headers=since).status_code == 304
    assert fresh.sf.get("sobjects", headers=since).status_code == 304
    fresh.admin.post("/clock", {"advance_seconds": 5})
    fresh.emu.salesforce.set_field_access("Account", "Website", readable=False)
    assert fresh.sf.get("sobjects/Account/describe", headers=since).status_code == 200


def test_rights_are_one_users(fresh: Served) -> None:
    view = fresh.emu.salesforce
    view.set_field_access("Account", "Website", readable=False)
    other = {"Authorization": f"Bearer {view.sign_in('ada@example.com')}"}
    soql = "SELECT Website FROM Account"
    assert fresh.sf.query(soql).status_code == 400
    assert fresh.sf.query(soql, headers=other).status_code == 200
    view.set_field_access("Account", "Website", readable=False, user="ada@example.com")
    assert fresh.sf.query(soql, headers=other).status_code == 400


# --- objects


def test_sf_an_object_without_rights_is_not_there(fresh: Served) -> None:
    fresh.emu.salesforce.set_object_access("Opportunity", readable=False, editable=False, view_all=False)
    assert refusal(fresh.sf.query("SELECT Id FROM Opportunity")) == (400, "INVALID_TYPE")
    assert refusal(fresh.sf.query("SELECT (SELECT Id FROM Opportunities) FROM Account")) == (400, "INVALID_TYPE")
    assert refusal(fresh.sf.get("sobjects/Opportunity/describe")) == (404, "NOT_FOUND")
    assert refusal(fresh.sf.get("sobjects/Opportunity/006000000000001AAA")) == (404, "NOT_FOUND")
    assert refusal(fresh.sf.post("sobjects/Opportunity", {"Name": "x"})) == (404, "NOT_FOUND")
    assert "Opportunity" not in [one["name"] for one in fresh.sf.get("sobjects").json()["sobjects"]]
    account = fresh.sf.get("sobjects/Account/describe").json()
    assert "Opportunity" not in [one["childSObject"] for one in account["childRelationships"]]


def test_sf_an_object_may_be_read_only(fresh: Served) -> None:
    fresh.emu.salesforce.set_object_access("Account", editable=False)
    described = fresh.sf.get("sobjects/Account/describe").json()
    assert [described[name] for name in ("queryable", "createable", "updateable", "deletable", "mergeable")] == [
        True, False, False, False, False,
    ]  # fmt: skip
    assert len(fresh.sf.records("SELECT Id FROM Account")) == 2
    assert refusal(fresh.sf.patch(f"sobjects/Account/{ACME}", {"Site": "x"})) == (
        403,
        "INSUFFICIENT_ACCESS_OR_READONLY",
    )
    assert refusal(fresh.sf("DELETE", f"sobjects/Account/{ACME}")) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert refusal(fresh.sf.post("sobjects/Account", {"Name": "N"})) == (400, "INVALID_TYPE_FOR_OPERATION")


# --- sharing


def test_sf_private_records_are_seen_by_whom_they_are_shared_with(world: Sales) -> None:
    served, view = world.served, world.served.emu.salesforce
    mine = served.sf.post("sobjects/Account", {"Name": "Mine"}).json()["id"]
    assert names(served) == ["Acme", "Beta", "Gamma", "Mine"]
    view.set_sharing("Account", "private")
    assert names(served) == ["Mine"]
    view.share("Account", world.ids["acme"])
    assert names(served) == ["Acme", "Mine"]
    assert served.sf.query("SELECT COUNT() FROM Account").json()["totalSize"] == 2
    assert served.sf.records("SELECT COUNT(Id) n FROM Account")[0]["n"] == 2
    assert served.sf.get("limits/recordCount?sObjects=Account").json() == {
        "sObjects": [{"count": 4, "name": "Account"}]
    }
    assert served.sf.get(f"sobjects/Account/{world.ids['acme']}").json()["Name"] == "Acme"
    assert refusal(served.sf.get(f"sobjects/Account/{world.ids['beta']}")) == (404, "NOT_FOUND")
    body = {"ids": [world.ids["beta"], mine], "fields": ["Name"]}
    assert [one and one["Name"] for one in served.sf.post("composite/sobjects/Account", body).json()] == [None, "Mine"]
    view.unshare("Account", world.ids["acme"])
    assert names(served) == ["Mine"]
    view.set_sharing("Account", "public")
    assert len(names(served)) == 4


def test_sf_what_is_read_by_sharing_may_not_be_written(world: Sales) -> None:
    served, view = world.served, world.served.emu.salesforce
    view.set_sharing("Account", "private")
    view.share("Account", [world.ids["acme"], world.ids["gamma"]])
    view.share("Account", world.ids["gamma"], level="edit")
    acme, beta, gamma = (f"sobjects/Account/{world.ids[name]}" for name in ("acme", "beta", "gamma"))
    assert refusal(served.sf.patch(acme, {"Site": "x"})) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert refusal(served.sf.patch(beta, {"Site": "x"})) == (404, "NOT_FOUND")
    assert served.sf.patch(gamma, {"Site": "x"}).status_code == 204
    records = [
        {"attributes": {"type": "Account"}, "id": world.ids[name], "Site": "y"} for name in ("acme", "beta", "gamma")
    ]
    results = served.sf("PATCH", "composite/sobjects", json={"records": records}).json()
    assert [one["errors"][0]["statusCode"] if one["errors"] else "ok" for one in results] == [
        "INSUFFICIENT_ACCESS_OR_READONLY", "INVALID_CROSS_REFERENCE_KEY", "ok",
    ]  # fmt: skip
    answer = served.sf.patch(f"sobjects/Contact/{world.ids['kim']}", {"AccountId": world.ids["beta"]})
    assert refusal(answer) == (400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY")


def test_sharing_reaches_into_every_part_of_a_query(world: Sales) -> None:
    served, view = world.served, world.served.emu.salesforce
    view.set_sharing("Opportunity", "private")
    view.share("Opportunity", world.ids["Acme 2"])
    (acme,) = served.sf.records("SELECT (SELECT Name FROM Opportunities) FROM Account WHERE Name = 'Acme'")
    assert [one["Name"] for one in acme["Opportunities"]["records"]] == ["Acme 2"]
    assert names(served, "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Opportunity)") == ["Acme"]
    assert served.sf.records("SELECT SUM(Amount) s FROM Opportunity")[0]["s"] == 250.25
    assert names(served, "SELECT Name FROM Opportunity") == ["Acme 2"]
    assert {one["OpportunityId"] for one in served.sf.records("SELECT OpportunityId FROM OpportunityHistory")} == {
        world.ids["Acme 2"]
    }  # children that have no owner are seen by whom their parent is seen by
    span = "start=2026-11-23T08:00:00Z&end=2026-11-23T09:30:00Z"
    updated = served.sf.get(f"sobjects/Opportunity/updated?{span}").json()
    assert updated["ids"] == [world.ids["Acme 2"]]


def test_sf_public_read_only(world: Sales) -> None:
    served = world.served
    served.emu.salesforce.set_sharing("Account", "public_read")
    assert len(names(served)) == 3
    answer = served.sf.patch(f"sobjects/Account/{world.ids['acme']}", {"Site": "x"})
    assert refusal(answer) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")


def test_sf_view_all_stands_above_sharing(world: Sales) -> None:
    served, view = world.served, world.served.emu.salesforce
    view.set_sharing("Account", "private", view_all=True)
    assert len(names(served)) == 3
    view.set_object_access("Account", view_all=False)
    assert names(served) == []
    view.set_object_access("Account", modify_all=True)
    assert len(names(served)) == 3


def test_sf_a_superior_sees_what_those_below_see(world: Sales) -> None:
    served, view = world.served, world.served.emu.salesforce
    boss = view.insert("UserRole", {"Name": "Boss"})
    rep = view.insert("UserRole", {"Name": "Rep", "ParentRoleId": boss})
    view.edit("User", world.ids["ada"], {"UserRoleId": rep})
    view.edit("User", integration(served), {"UserRoleId": boss})
    view.set_sharing("Account", "private")
    assert names(served) == ["Acme"]  # ada's
    queue = view.insert("Group", {"Name": "Q", "Type": "Queue"})
    view.insert("GroupMember", {"GroupId": queue, "UserOrGroupId": integration(served)})
    view.set_sharing("Lead", "private")
    view.edit("Lead", world.ids["lead"], {"OwnerId": queue})
    assert len(served.sf.records("SELECT Id FROM Lead")) == 1


def integration(served: Served) -> str:
    user: str = served.sf.get("/services/oauth2/userinfo").json()["user_id"]
    return user


def test_sf_a_part_may_be_shared_by_the_seed(world: Sales) -> None:
    view = world.served.emu.salesforce
    for number in range(400):
        view.insert("Contact", {"LastName": f"Many {number}"})
    view.set_sharing("Contact", "private")
    soql = "SELECT Id FROM Contact WHERE LastName LIKE 'Many%'"
    assert world.records(soql) == []
    view.share_fraction("Contact", 0.25)
    once = {one["Id"] for one in world.records(soql)}
    assert 70 < len(once) < 130
    view.share_fraction("Contact", 0.5)
    assert once < {one["Id"] for one in world.records(soql)}  # a larger part contains the smaller one


# --- proof


def test_sf_permissions_tell_what_is_visible(world: Sales) -> None:
    served, view = world.served, world.served.emu.salesforce
    me = integration(served)

    def rights(name: str) -> dict[str, Any] | None:
        found = served.sf.records(
            "SELECT PermissionsRead, PermissionsEdit, PermissionsViewAllRecords, PermissionsModifyAllRecords "
            f"FROM ObjectPermissions WHERE SobjectType = '{name}' AND ParentId IN "
            f"(SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '{me}')"
        )
        return (
            {key.removeprefix("Permissions"): value for key, value in found[0].items() if key != "attributes"}
            if found
            else None
        )

    assert rights("Account") == {"Read": True, "Edit": True, "ViewAllRecords": True, "ModifyAllRecords": True}
    view.set_sharing("Account", "private")
    assert rights("Account") == {"Read": True, "Edit": True, "ViewAllRecords": False, "ModifyAllRecords": False}
    view.set_object_access("Account", editable=False)
    assert rights("Account") == {"Read": True, "Edit": False, "ViewAllRecords": False, "ModifyAllRecords": False}
    view.set_object_access("Opportunity", readable=False)
    assert rights("Opportunity") is None


def test_sf_field_permissions_tell_what_is_hidden(world: Sales) -> None:
    served, view = world.served, world.served.emu.salesforce
    soql = "SELECT Field, PermissionsEdit FROM FieldPermissions WHERE SobjectType = 'Account' ORDER BY Field"

    def fields() -> dict[str, bool]:
        return {one["Field"]: one["PermissionsEdit"] for one in served.sf.records(soql)}

    assert fields()["Account.Website"] is True
    view.set_field_access("Account", "Website", readable=True, editable=False)
    view.set_field_access("Account", "Site", readable=False)
    assert fields()["Account.Website"] is False
    assert "Account.Site" not in fields()
    assert "Account.Name" not in fields()  # required fields have no permissions


def test_sf_profiles_tell_who_is_an_administrator(world: Sales) -> None:
    soql = "SELECT Username, Profile.Name, Profile.PermissionsViewAllData FROM User ORDER BY Username"
    found = {one["Username"]: one["Profile"]["PermissionsViewAllData"] for one in world.records(soql)}
    assert (found["admin@example.com"], found["integration@example.com"]) == (True, False)
    soql = (
        "SELECT PermissionSet.PermissionsViewAllData p, Assignee.Username u FROM PermissionSetAssignment "
        "WHERE PermissionSet.PermissionsViewAllData = true "
        "GROUP BY PermissionSet.PermissionsViewAllData, Assignee.Username"
    )
    assert "integration@example.com" not in [one["u"] for one in world.records(soql)]


def test_sf_access_to_a_record_is_told(world: Sales) -> None:
    served, view = world.served, world.served.emu.salesforce
    me, ids = integration(served), world.ids
    soql = (
        "SELECT RecordId, HasReadAccess, HasEditAccess, MaxAccessLevel FROM UserRecordAccess "
        f"WHERE UserId = '{me}' AND RecordId IN ('{ids['acme']}', '{ids['beta']}', '001000000000000AAA')"
    )

    def levels() -> dict[str, tuple[bool, bool, str]]:
        return {
            one["RecordId"]: (one["HasReadAccess"], one["HasEditAccess"], one["MaxAccessLevel"])
            for one in served.sf.records(soql)
        }

    everything, nothing = (True, True, "All"), (False, False, "None")
    assert levels() == {ids["acme"]: everything, ids["beta"]: everything, "001000000000000AAA": nothing}
    view.set_sharing("Account", "private")
    assert set(levels().values()) == {nothing}
    view.share("Account", ids["acme"])
    assert levels()[ids["acme"]] == (True, False, "Read")
    view.edit("Account", ids["beta"], {"OwnerId": me})
    assert levels()[ids["beta"]] == (True, True, "Edit")
    for wrong in ("UserId = 'x'", f"UserId = '{me}'", f"RecordId = '{ids['acme']}'"):
        assert served.sf.query(f"SELECT RecordId FROM UserRecordAccess WHERE {wrong}").status_code == 400


def test_sf_sharing_defaults_are_told(world: Sales) -> None:
    view = world.served.emu.salesforce
    assert world.records("SELECT DefaultAccountAccess, DefaultLeadAccess FROM Organization")[0] | {"attributes": 0} == {
        "attributes": 0, "DefaultAccountAccess": "Edit", "DefaultLeadAccess": "ReadEditTransfer",
    }  # fmt: skip
    view.set_sharing("Account", "private")
    view.set_sharing("Lead", "public_read")
    (org,) = world.records(
        "SELECT DefaultAccountAccess, DefaultLeadAccess, OrganizationType, IsSandbox FROM Organization"
    )
    assert (org["DefaultAccountAccess"], org["DefaultLeadAccess"]) == ("None", "Read")
    assert (org["OrganizationType"], org["IsSandbox"]) == ("Enterprise Edition", False)
    found = world.records(
        "SELECT QualifiedApiName, InternalSharingModel FROM EntityDefinition "
        "WHERE QualifiedApiName IN ('Account', 'Lead', 'Contact', 'OpportunityLineItem') ORDER BY QualifiedApiName"
    )
    assert [one["InternalSharingModel"] for one in found] == ["Private", "ReadWrite", "Read", "ControlledByParent"]


def test_unknown_words_are_refused(world: Sales) -> None:
    view = world.served.emu.salesforce
    with pytest.raises(ValueError, match="unknown sharing"):
        view.set_sharing("Account", "secret")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="0 to 1"):
        view.share_fraction("Account", 7)
    with pytest.raises(ValueError, match="no user"):
        view.share("Account", world.ids["acme"], user="nobody")
