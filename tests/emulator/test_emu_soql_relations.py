"""Queries over several objects: parents over several levels, children, semi-joins, polymorphic references."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .sales import Sales, sales


@pytest.fixture(scope="module")
def world() -> Iterator[Sales]:
    yield from sales()


# --- parents


def test_sf_parents_are_read_over_five_levels(world: Sales) -> None:
    (record,) = world.records(
        "SELECT Name, Parent.Name, Parent.Parent.Name, Parent.Parent.Owner.Email FROM Account WHERE Name = 'Gamma'"
    )
    assert record["Parent"]["Name"] == "Beta"
    assert record["Parent"]["Parent"]["Name"] == "Acme"
    assert record["Parent"]["Parent"]["Owner"]["Email"] == "ada@example.com"
    (record,) = world.records("SELECT Account.Owner.Name FROM Opportunity WHERE Name = 'Acme 1'")
    assert record["Account"]["Owner"]["Name"] == "Ada Ng"
    code, _ = world.refusal(f"SELECT {'Parent.' * 6}Name FROM Account")
    assert code == "MALFORMED_QUERY"


def test_parents_filter_and_sort(world: Sales) -> None:
    assert world.names("SELECT Name FROM Opportunity WHERE Account.Owner.Alias = 'ADA' ORDER BY Name") == [
        "Acme 1",
        "Acme 2",
    ]
    assert world.names("SELECT Name FROM Opportunity ORDER BY Account.Name DESC NULLS LAST, Name") == [
        "Beta 1", "Acme 1", "Acme 2", "Loose",
    ]  # fmt: skip


def test_sf_a_record_without_parent_is_found(world: Sales) -> None:
    assert world.names("SELECT Name FROM Opportunity WHERE Account.Name = null") == ["Loose"]
    assert world.names("SELECT Name FROM Opportunity WHERE Name = 'Loose' OR Account.Name = 'Beta' ORDER BY Name") == [
        "Beta 1", "Loose",
    ]  # fmt: skip
    (record,) = world.records("SELECT Account.Name FROM Opportunity WHERE Name = 'Loose'")
    assert record["Account"] is None


def test_the_object_and_its_alias_may_stand_in_front(world: Sales) -> None:
    assert world.names("SELECT Account.Name FROM Account WHERE Account.Industry = null") == ["Gamma"]
    assert world.names("SELECT a.Name FROM Account AS a WHERE a.Industry = null") == ["Gamma"]
    assert world.names("SELECT o.Name FROM Opportunity o, o.Account a WHERE a.Name = 'Beta'") == ["Beta 1"]


# --- semi-joins


def test_sf_a_semi_join_finds_parents_of_children(world: Sales) -> None:
    won = "SELECT AccountId FROM Opportunity WHERE StageName = 'Closed Won'"
    assert world.names(f"SELECT Name FROM Account WHERE Id IN ({won})") == ["Acme"]
    assert world.names(f"SELECT Name FROM Account WHERE Id NOT IN ({won}) ORDER BY Name") == ["Beta", "Gamma"]
    both = f"Id IN ({won}) AND Id IN (SELECT AccountId FROM Contact WHERE LastName LIKE 'l%')"
    assert world.names(f"SELECT Name FROM Account WHERE Industry != null AND ({both})") == ["Acme"]
    with_contacts = "AccountId IN (SELECT AccountId FROM Contact)"
    assert world.names(f"SELECT Name FROM Opportunity WHERE {with_contacts} ORDER BY Name") == [
        "Acme 1", "Acme 2",
    ]  # fmt: skip


JOINS_REFUSED = [
    "Id IN (SELECT ParentId FROM Account)",  # the same object
    "Name = 'x' OR Id IN (SELECT AccountId FROM Opportunity)",
    "NOT Id IN (SELECT AccountId FROM Opportunity)",
    "Id IN (SELECT Name FROM Opportunity)",
    "Id IN (SELECT Account.ParentId FROM Opportunity)",
    "Id IN (SELECT AccountId FROM Opportunity LIMIT 5)",
    "Id IN (SELECT AccountId FROM Opportunity ORDER BY Name)",
    "Id IN (SELECT AccountId, Id FROM Opportunity)",
    "Id IN (SELECT WhatId FROM Task)",
    "Id IN (SELECT AccountId FROM Opportunity WHERE Id IN (SELECT OpportunityId FROM OpportunityLineItem))",
    "Id IN (SELECT AccountId FROM Opportunity) AND Id IN (SELECT AccountId FROM Contact) "
    "AND Id IN (SELECT AccountId FROM Contract)",
]


@pytest.mark.parametrize("where", JOINS_REFUSED)
def test_sf_semi_joins_have_their_rules(world: Sales, where: str) -> None:
    code, _ = world.refusal(f"SELECT Id FROM Account WHERE {where}")
    assert code == "MALFORMED_QUERY"


def test_a_semi_join_compares_ids(world: Sales) -> None:
    code, message = world.refusal("SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Opportunity)")
    assert (code, "should be an id field" in message) == ("INVALID_FIELD", True)


def test_a_repeated_semi_join_sees_what_changed_in_the_other_object(world: Sales) -> None:
    soql = "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Opportunity WHERE Name = 'Gamma 1')"
    assert world.names(soql) == []
    view = world.served.emu.salesforce
    values = {"Name": "Gamma 1", "AccountId": world.ids["gamma"], "StageName": "Proposal", "CloseDate": "2026-12-01"}
    made = view.insert("Opportunity", values)
    assert world.names(soql) == ["Gamma"]
    view.delete("Opportunity", made)
    assert world.names(soql) == []


# --- children


def test_sf_children_have_their_own_size(world: Sales) -> None:
    acme, beta, gamma = world.records(
        "SELECT Name, (SELECT Name, Account.Name FROM Opportunities WHERE Amount > 1 ORDER BY Name DESC) FROM Account "
        "ORDER BY Name"
    )
    assert {key: acme["Opportunities"][key] for key in ("totalSize", "done")} == {"totalSize": 2, "done": True}
    assert [one["Name"] for one in acme["Opportunities"]["records"]] == ["Acme 2", "Acme 1"]
    assert acme["Opportunities"]["records"][0]["Account"]["Name"] == "Acme"
    assert (beta["Opportunities"], gamma["Opportunities"]) == (None, None)


def test_children_are_limited_one_parent_at_a_time(world: Sales) -> None:
    (record,) = world.records(
        "SELECT (SELECT Name FROM Account.Opportunities ORDER BY Name LIMIT 1), (SELECT Name FROM Contacts), "
        "(SELECT Name, (SELECT Name FROM ChildAccounts) FROM ChildAccounts) FROM Account WHERE Name = 'Acme'"
    )
    assert [one["Name"] for one in record["Opportunities"]["records"]] == ["Acme 1"]
    assert [one["Name"] for one in record["Contacts"]["records"]] == ["Kim Lee"]
    (child,) = record["ChildAccounts"]["records"]
    assert (child["Name"], child["ChildAccounts"]["records"][0]["Name"]) == ("Beta", "Gamma")


def test_an_unknown_child_relationship_is_an_unknown_type(world: Sales) -> None:
    code, message = world.refusal("SELECT Id, (SELECT Id FROM Deals) FROM Account")
    assert (code, "Didn't understand relationship 'Deals'" in message) == ("INVALID_TYPE", True)
    code, _ = world.refusal("SELECT Id, (SELECT COUNT(Id) FROM Opportunities) FROM Account")
    assert code == "MALFORMED_QUERY"


def test_sf_many_children_go_on_by_their_own_locator(world: Sales) -> None:
    view = world.served.emu.salesforce
    made = [
        view.insert("Contact", {"LastName": f"Child {number:03}", "AccountId": world.ids["gamma"]})
        for number in range(203)
    ]
    soql = "SELECT Name, (SELECT Name FROM Contacts ORDER BY Name) FROM Account WHERE Name = 'Gamma'"
    answer = world.served.sf.query(soql, headers={"Sforce-Query-Options": "batchSize=200"}).json()
    contacts = answer["records"][0]["Contacts"]
    assert (contacts["totalSize"], contacts["done"], len(contacts["records"])) == (203, False, 200)
    rest = world.served.sf.get(contacts["nextRecordsUrl"]).json()
    assert [one["Name"] for one in rest["records"]] == ["Child 200", "Child 201", "Child 202"]
    assert (rest["done"], rest["totalSize"]) == (True, 203)
    for id_ in made:
        view.delete("Contact", id_)
    assert world.records(soql)[0]["Contacts"] is None


# --- polymorphic references


def test_sf_a_polymorphic_reference_shows_what_every_record_has(world: Sales) -> None:
    call, mail, note = world.records("SELECT Subject, Who.Name, Who.Type, What.Type FROM Task ORDER BY Subject")
    assert (call["Who"]["Name"], call["Who"]["Type"], call["What"]["Type"]) == ("Kim Lee", "Contact", "Account")
    assert call["Who"]["attributes"] == {
        "type": "Name", "url": f"/services/data/v68.0/sobjects/Contact/{world.ids['kim']}",
    }  # fmt: skip
    assert (mail["Who"]["Type"], mail["What"]) == ("Lead", None)
    assert (note["Who"], note["What"]["Type"]) == (None, "Opportunity")
    code, _ = world.refusal("SELECT What.StageName FROM Task")
    assert code == "INVALID_FIELD"


def test_sf_a_polymorphic_reference_is_filtered_by_type(world: Sales) -> None:
    found = world.records("SELECT Subject FROM Task WHERE What.Type IN ('Account', 'Opportunity') ORDER BY Subject")
    assert [one["Subject"] for one in found] == ["Call", "Note"]
    found = world.records("SELECT Subject FROM Task WHERE WhoId IN (SELECT Id FROM Contact WHERE Email != null)")
    assert [one["Subject"] for one in found] == ["Call"]


def test_sf_typeof_selects_by_what_is_there(world: Sales) -> None:
    call, mail, note = world.records(
        "SELECT Subject, TYPEOF What WHEN Account THEN Industry, Owner.Alias WHEN Campaign THEN Status ELSE Name END "
        "FROM Task ORDER BY Subject"
    )
    assert (call["What"]["attributes"]["type"], call["What"]["Industry"]) == ("Account", "Technology")
    assert call["What"]["Owner"]["Alias"] == "ada"
    assert mail["What"] is None
    assert (note["What"]["attributes"]["type"], note["What"]["Name"]) == ("Name", "Acme 1")
    for wrong, refused in (
        ("TYPEOF Account WHEN User THEN Name END", "INVALID_FIELD"),  # it points to accounts only
        ("TYPEOF What WHEN User THEN Name END", "INVALID_TYPE"),
        ("TYPEOF What WHEN Account THEN Name END, What.Name", "MALFORMED_QUERY"),
        ("toLabel(What.Name)", "INVALID_FIELD"),
    ):
        code, _ = world.refusal(f"SELECT {wrong} FROM Task")
        assert code == refused


def test_a_lead_may_belong_to_a_queue(world: Sales) -> None:
    view = world.served.emu.salesforce
    queue = view.insert("Group", {"Name": "Inbound", "Type": "Queue"})
    lead = view.insert("Lead", {"LastName": "Queued", "Company": "Q", "OwnerId": queue})
    soql = f"SELECT Owner.Name, Owner.Type, Owner.Email FROM Lead WHERE Id = '{lead}'"
    assert world.records(soql)[0]["Owner"] | {"attributes": 0} == {
        "attributes": 0, "Name": "Inbound", "Type": "Group", "Email": None,
    }  # fmt: skip
    view.delete("Lead", lead)
