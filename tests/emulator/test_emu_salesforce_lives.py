"""What becomes of records: the recycle bin, undeleting, purging, merging, converting leads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from syncd.emulator import EmulatorRefusal

from .conftest import ACME, ADA, BETA, GONE, Served

ACCOUNT = f"sobjects/Account/{ACME}"
DEAL = "006000000000001AAA"


def row(served: Served, id_: str = ACME, name: str = "Account") -> dict[str, Any]:
    return next(one for one in served.emu.salesforce.rows(name) if one["Id"] == id_)


def code(served: Served, id_: str) -> str:
    return str(served.sf.get(f"sobjects/Account/{id_}").json()[0]["errorCode"])


def all_ids(served: Served) -> set[str]:
    return {one["Id"] for one in served.sf.records("SELECT Id FROM Account", "queryAll")}


def test_sf_deleted_record_is_purged_after_fifteen_days(fresh: Served) -> None:
    fresh.sf("DELETE", ACCOUNT)
    fresh.clock.advance(timedelta(days=14, hours=23))
    assert (code(fresh, ACME), ACME in all_ids(fresh)) == ("ENTITY_IS_DELETED", True)
    fresh.clock.advance(timedelta(hours=1))
    assert (code(fresh, ACME), ACME in all_ids(fresh)) == ("NOT_FOUND", False)
    results = fresh.sf.patch(
        "composite/sobjects", {"records": [{"attributes": {"type": "Account"}, "id": ACME, "Site": "x"}]}
    ).json()
    assert results[0]["errors"][0]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert [one.field for one in fresh.emu.changes] == ["IsDeleted"]


def test_tombstones_of_a_file_are_in_the_bin_from_the_start(fresh: Served) -> None:
    fresh.clock.advance(timedelta(days=15))
    assert GONE not in {one["Id"] for one in fresh.emu.salesforce.rows("Account")}


def test_sf_undelete_brings_a_record_back(fresh: Served) -> None:
    fresh.sf("DELETE", ACCOUNT)
    fresh.clock.advance(timedelta(days=10))
    fresh.emu.salesforce.undelete("Account", ACME, user="ada@example.com")
    after = row(fresh)
    assert (after["IsDeleted"], after["LastModifiedById"]) == (False, ADA)
    assert after["SystemModstamp"] == "2026-12-03T09:00:00.000+0000"
    fresh.sf("DELETE", ACCOUNT)
    fresh.clock.advance(timedelta(days=10))
    assert code(fresh, ACME) == "ENTITY_IS_DELETED"  # counted from the second deletion
    with pytest.raises(EmulatorRefusal, match="UNDELETE_FAILED"):
        fresh.emu.salesforce.undelete("Account", BETA)


def test_a_record_can_be_emptied_out_of_the_bin(fresh: Served) -> None:
    fresh.emu.salesforce.purge("Account", GONE)
    assert code(fresh, GONE) == "NOT_FOUND"
    with pytest.raises(EmulatorRefusal, match="NOT_IN_RECYCLE_BIN"):
        fresh.emu.salesforce.purge("Account", ACME)


def test_sf_deletion_may_take_children_along(fresh: Served) -> None:
    fresh.emu.salesforce.add_cascade("Opportunity", "AccountId")
    fresh.sf("DELETE", ACCOUNT)
    assert row(fresh, DEAL, "Opportunity")["IsDeleted"] is True
    assert {(one.object, one.field) for one in fresh.emu.changes} == {
        ("Opportunity", "IsDeleted"), ("Account", "IsDeleted"),
    }  # fmt: skip


def test_children_come_back_with_their_parent(fresh: Served) -> None:
    fresh.emu.salesforce.add_cascade("Opportunity", "AccountId")
    fresh.sf("DELETE", ACCOUNT)
    fresh.emu.salesforce.undelete("Account", ACME)
    assert (row(fresh)["IsDeleted"], row(fresh, DEAL, "Opportunity")["IsDeleted"]) == (False, False)


def test_an_undeleted_record_must_be_unique_still(fresh: Served) -> None:
    fresh.sf("DELETE", ACCOUNT)
    fresh.sf.patch(f"sobjects/Account/{BETA}", {"Number__c": "A-1"})
    with pytest.raises(EmulatorRefusal, match="DUPLICATE_VALUE"):
        fresh.emu.salesforce.undelete("Account", ACME)
    assert row(fresh)["IsDeleted"] is True


def test_a_deletion_that_is_rolled_back_never_purges(fresh: Served) -> None:
    answer = fresh.sf("DELETE", f"composite/sobjects?ids={ACME},001000000000009AAA&allOrNone=true")
    assert answer.json()[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    fresh.clock.advance(timedelta(days=16))
    assert fresh.sf.get(ACCOUNT).status_code == 200
    assert fresh.emu.changes == []


# --- merges


def test_sf_merge_points_losers_to_the_winner(fresh: Served) -> None:
    fresh.clock.advance(timedelta(minutes=5))
    fresh.emu.salesforce.merge("Account", BETA, [ACME], user="ada@example.com", values={"Website": "acme.com"})
    loser, winner = row(fresh), row(fresh, BETA)
    assert (loser["IsDeleted"], loser["MasterRecordId"]) == (True, BETA)
    assert (winner["Website"], winner["MasterRecordId"]) == ("acme.com", None)
    assert loser["SystemModstamp"] == winner["SystemModstamp"] == "2026-11-23T09:05:00.000+0000"
    assert code(fresh, ACME) == "ENTITY_IS_DELETED"
    assert fresh.sf.patch(ACCOUNT, {"Site": "x"}).json()[0]["errorCode"] == "ENTITY_IS_DELETED"
    found = fresh.sf.records("SELECT Id, MasterRecordId FROM Account WHERE IsDeleted = TRUE", "queryAll")
    assert (ACME, BETA) in {(one["Id"], one["MasterRecordId"]) for one in found}


def test_sf_merge_moves_children_with_a_new_modstamp(fresh: Served) -> None:
    before = row(fresh, DEAL, "Opportunity")
    fresh.clock.advance(timedelta(minutes=5))
    fresh.emu.salesforce.merge("Account", BETA, [ACME])
    deal, registration = row(fresh, DEAL, "Opportunity"), fresh.emu.salesforce.rows("Deal_Reg__c")[0]
    assert (deal["AccountId"], registration["Account__c"]) == (BETA, BETA)
    assert deal["SystemModstamp"] == "2026-11-23T09:05:00.000+0000"
    assert deal["LastModifiedDate"] == before["LastModifiedDate"]  # nobody edited the deal itself
    moved = {(one.object, one.field, one.by) for one in fresh.emu.changes if one.after == BETA}
    assert ("Opportunity", "AccountId", "merge") in moved


def test_sf_merges_make_chains(fresh: Served) -> None:
    third = fresh.emu.salesforce.insert("Account", {"Name": "Third"})
    fresh.emu.salesforce.merge("Account", BETA, [ACME])
    fresh.emu.salesforce.merge("Account", third, [BETA])
    assert (row(fresh)["MasterRecordId"], row(fresh, BETA)["MasterRecordId"]) == (BETA, third)
    assert row(fresh, DEAL, "Opportunity")["AccountId"] == third
    fresh.clock.advance(timedelta(days=15))
    assert all_ids(fresh) == {third}


def test_sf_only_four_objects_merge(fresh: Served) -> None:
    for object_, winner, losers, message in (
        ("Opportunity", DEAL, ["006000000000002AAA"], "INVALID_TYPE_FOR_OPERATION"),
        ("Account", ACME, [ACME], "INVALID_OPERATION"),
        ("Account", ACME, [], "INVALID_OPERATION"),
        ("Account", ACME, [BETA] * 3, "INVALID_OPERATION"),
        ("Account", ACME, [GONE], "ENTITY_IS_DELETED"),
    ):
        with pytest.raises(EmulatorRefusal, match=message):
            fresh.emu.salesforce.merge(object_, winner, losers)
    assert fresh.emu.changes == []


def test_an_undeleted_loser_is_its_own_master_again(fresh: Served) -> None:
    fresh.emu.salesforce.merge("Account", BETA, [ACME])
    fresh.emu.salesforce.undelete("Account", ACME)
    assert (row(fresh)["IsDeleted"], row(fresh)["MasterRecordId"]) == (False, None)


# --- lead conversion


def lead(served: Served) -> str:
    return served.emu.salesforce.insert(
        "Lead", {"LastName": "Lee", "FirstName": "Kim", "Company": "Acme", "Email": "kim@acme.com", "OwnerId": ADA}
    )


def test_sf_lead_conversion_makes_account_contact_and_opportunity(fresh: Served) -> None:
    id_ = lead(fresh)
    made = fresh.emu.salesforce.convert_lead(id_, user="ada@example.com")
    after = row(fresh, id_, "Lead")
    assert (after["IsConverted"], after["Status"], after["ConvertedDate"]) == (
        True, "Closed - Converted", "2026-11-23",
    )  # fmt: skip
    assert made == {
        "account": after["ConvertedAccountId"], "contact": after["ConvertedContactId"],
        "opportunity": after["ConvertedOpportunityId"],
    }  # fmt: skip
    account = row(fresh, str(made["account"]))
    contact = row(fresh, str(made["contact"]), "Contact")
    deal = row(fresh, str(made["opportunity"]), "Opportunity")
    assert (account["Name"], account["OwnerId"]) == ("Acme", ADA)
    assert (contact["Name"], contact["Email"], contact["AccountId"]) == ("Kim Lee", "kim@acme.com", account["Id"])
    assert (deal["AccountId"], deal["StageName"], deal["CloseDate"]) == (account["Id"], "Prospecting", "2026-12-31")


def test_sf_lead_may_be_converted_into_an_account(fresh: Served) -> None:
    made = fresh.emu.salesforce.convert_lead(lead(fresh), account_id=ACME, opportunity=False)
    assert (made["account"], made["opportunity"]) == (ACME, None)
    assert len(fresh.emu.salesforce.rows("Account")) == 3


def test_sf_converted_lead_is_closed_to_writes(fresh: Served) -> None:
    id_ = lead(fresh)
    fresh.emu.salesforce.convert_lead(id_)
    answer = fresh.sf.patch(f"sobjects/Lead/{id_}", {"Title": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")
    with pytest.raises(EmulatorRefusal, match="CANNOT_UPDATE_CONVERTED_LEAD"):
        fresh.emu.salesforce.convert_lead(id_)
