"""Field history and stage history: what a tracked field held, by whom and when."""

from __future__ import annotations

from typing import Any

from .conftest import ACME, ADA, Served

DEAL = "006000000000002AAA"


def history(served: Served, soql: str) -> list[tuple[Any, ...]]:
    return [tuple(value for name, value in one.items() if name != "attributes") for one in served.sf.records(soql)]


def test_sf_tracked_fields_leave_a_trace(fresh: Served) -> None:
    fresh.sf.patch(f"sobjects/Opportunity/{DEAL}", {"StageName": "Proposal", "Amount": 12.5, "NextStep": "call"})
    fresh.emu.salesforce.edit("Opportunity", DEAL, {"Amount": None}, user="ada@example.com")
    soql = (
        "SELECT Field, OldValue, NewValue, DataType FROM OpportunityFieldHistory WHERE OpportunityId = '" + DEAL + "'"
    )
    assert history(fresh, f"{soql} ORDER BY Id") == [
        ("StageName", "Odd stage", "Proposal", "DynamicEnum"), ("Amount", None, 12.5, "Currency"),
        ("Amount", 12.5, None, "Currency"),
    ]  # fmt: skip
    assert history(fresh, f"{soql} AND CreatedById = '{ADA}' AND CreatedDate = TODAY") == [
        ("Amount", 12.5, None, "Currency")
    ]
    (deal,) = fresh.sf.records(
        f"SELECT (SELECT Field FROM Histories ORDER BY Id LIMIT 1) FROM Opportunity WHERE Id = '{DEAL}'"
    )
    assert deal["Histories"]["records"][0]["Field"] == "StageName"


def test_sf_history_has_no_system_modstamp(fresh: Served) -> None:
    described = fresh.sf.get("sobjects/OpportunityFieldHistory/describe").json()
    assert "SystemModstamp" not in [one["name"] for one in described["fields"]]
    assert [described[name] for name in ("keyPrefix", "associateEntityType", "associateParentEntity")] == [
        None, "History", "Opportunity",
    ]  # fmt: skip
    assert [described[name] for name in ("createable", "updateable", "queryable", "replicateable")] == [
        False, False, True, True,
    ]  # fmt: skip
    for soql in ("SELECT SystemModstamp FROM OpportunityFieldHistory",
                 "SELECT Id FROM OpportunityFieldHistory WHERE NewValue = 'x'"):  # fmt: skip
        assert fresh.sf.query(soql).json()[0]["errorCode"] == "INVALID_FIELD"
    assert fresh.sf.query("SELECT Id FROM AccountHistory ORDER BY OldValue").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_sf_a_new_owner_leaves_two_traces(fresh: Served) -> None:
    other = fresh.sf.get("/services/oauth2/userinfo").json()["user_id"]
    fresh.sf.patch(f"sobjects/Account/{ACME}", {"OwnerId": other})
    found = history(fresh, "SELECT Field, DataType, OldValue, NewValue FROM AccountHistory ORDER BY DataType")
    assert found == [("Owner", "EntityId", ADA, other), ("Owner", "Text", "Ada Sales", "Integration User")]


def test_sf_a_new_record_is_told_once(fresh: Served) -> None:
    made = fresh.sf.post("sobjects/Account", {"Name": "New"}).json()["id"]
    fresh.sf.patch(f"sobjects/Account/{made}", {"Site": "not tracked"})
    assert history(fresh, "SELECT AccountId, Field, OldValue, NewValue FROM AccountHistory") == [
        (made, "created", None, None)
    ]


def test_sf_custom_objects_have_a_history_when_they_are_tracked(fresh: Served) -> None:
    assert fresh.sf.query("SELECT Id FROM Deal_Reg__History").json()[0]["errorCode"] == "INVALID_TYPE"
    fresh.emu.salesforce.track_history("Deal_Reg__c", ["Reference__c", "Account__c"])
    (row, _) = fresh.emu.salesforce.rows("Deal_Reg__c")
    fresh.sf.patch(f"sobjects/Deal_Reg__c/{row['Id']}", {"Reference__c": "ref-9", "Account__c": None})
    soql = "SELECT Parent.Name, Field, OldValue, NewValue FROM Deal_Reg__History WHERE Field = 'Reference__c'"
    (found,) = fresh.sf.records(soql)
    assert (found["Parent"]["Name"], found["OldValue"], found["NewValue"]) == ("R-1", "ref/1.inc", "ref-9")
    fields = {one["Field"] for one in fresh.sf.records("SELECT Field FROM Deal_Reg__History")}
    assert fields == {"Reference__c", "Account__c"}
    (child,) = fresh.sf.records(f"SELECT (SELECT Id FROM Histories) FROM Deal_Reg__c WHERE Id = '{row['Id']}'")
    assert child["Histories"]["totalSize"] == 3


def test_sf_stages_have_a_history_of_their_own(fresh: Served) -> None:
    fresh.sf.patch(f"sobjects/Opportunity/{DEAL}", {"StageName": "Proposal"})
    fresh.sf.patch(f"sobjects/Opportunity/{DEAL}", {"NextStep": "call"})
    fresh.sf.patch(f"sobjects/Opportunity/{DEAL}", {"StageName": "Closed Won", "Amount": 7})
    soql = f"SELECT StageName, Amount, Probability FROM OpportunityHistory WHERE OpportunityId = '{DEAL}' ORDER BY Id"
    assert history(fresh, soql) == [("Proposal", None, 65), ("Closed Won", 7, 100)]


def test_a_rolled_back_write_leaves_no_trace(fresh: Served) -> None:
    records = [
        {"attributes": {"type": "Opportunity"}, "id": DEAL, "StageName": "Proposal"},
        {"attributes": {"type": "Opportunity"}, "id": DEAL[:-4] + "9AAA", "StageName": "Proposal"},
    ]
    results = fresh.sf("PATCH", "composite/sobjects", json={"allOrNone": True, "records": records}).json()
    assert [one["success"] for one in results] == [False, False]
    assert history(fresh, "SELECT Field FROM OpportunityFieldHistory") == []
    assert history(fresh, "SELECT StageName FROM OpportunityHistory") == []
