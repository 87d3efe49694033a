"""Loading CSV folders: types, ids, stamps, and clear messages for what cannot be loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from syncd.emulator import Emulator, EmulatorDataError
from syncd.emulator.salesforce.ids import normal, suffix

Load = Callable[[dict[str, str]], Emulator]


def only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = rows
    return row


def test_types_are_guessed_from_the_values(load: Load) -> None:
    text = (
        "Name,Flag__c,Count__c,Day__c,Moment__c,Zip__c,Mixed__c\n"
        "A,true,3,2026-01-31,2026-01-31T10:00:00Z,01234,1\nB,FALSE,-2.50,,,,x\n"
    )
    first, second = load({"salesforce/Account.csv": text}).salesforce.rows("Account")
    assert [first[name] for name in ("Flag__c", "Count__c", "Day__c", "Moment__c", "Zip__c", "Mixed__c")] == [
        True, 3, "2026-01-31", "2026-01-31T10:00:00.000+0000", "01234", "1",
    ]  # fmt: skip
    assert [second[name] for name in ("Flag__c", "Count__c", "Day__c")] == [False, -2.5, None]


def test_declared_types_beat_the_guess(load: Load) -> None:
    files = {
        "salesforce/Account.csv": "Name,Code__c,Amount__c\nA,123,5\n",
        "salesforce/fields.csv": "object,name,type,label,length,values,unique,external_id\n"
        "Account,Code__c,text,Code,10,,,\nAccount,Amount__c,currency,,,,,\nAccount,Extra__c,multipicklist,,,a;b,,\n",
    }
    row = only(load(files).salesforce.rows("Account"))
    assert (row["Code__c"], row["Amount__c"], row["Extra__c"]) == ("123", 5, None)


def test_sf_ids_are_minted_with_prefix_and_checksum(load: Load) -> None:
    files = {f"salesforce/{name}.csv": "Name\nA\nB\n" for name in ("Account", "Zeta__c", "Alpha__c", "Product2")}
    emu = load(files)
    for name, prefix in (("Account", "001"), ("Alpha__c", "a00"), ("Zeta__c", "a01"), ("Product2", "01t")):
        ids = [one["Id"] for one in emu.salesforce.rows(name)]
        assert len(set(ids)) == 2
        assert all(one.startswith(prefix) and normal(one) == one for one in ids)


@pytest.mark.parametrize(
    ("id15", "expected"),
    [("001dM00003jU9Gx", "QAK"), ("005dM00000aYf0q", "QAC"), ("003dM00001wBXYD", "QA4"), ("00DdM00000vfgTu", "UAI")],
)
def test_sf_id_suffix_of_real_ids(id15: str, expected: str) -> None:
    assert suffix(id15) == expected


def test_given_ids_and_stamps_are_kept(load: Load) -> None:
    text = "Id,Name,CreatedDate,SystemModstamp\n001000000000001,A,2025-01-01T00:00:00Z,2026-02-02T00:00:00Z\n"
    row = only(load({"salesforce/Account.csv": text}).salesforce.rows("Account"))
    assert row["Id"] == "001000000000001AAA"
    assert row["CreatedDate"] == "2025-01-01T00:00:00.000+0000"
    assert row["SystemModstamp"] == row["LastModifiedDate"] == "2026-02-02T00:00:00.000+0000"


def test_missing_stamps_and_owner_are_filled(load: Load) -> None:
    emu = load({"salesforce/Account.csv": "Name\nA\n"})
    row = only(emu.salesforce.rows("Account"))
    integration = next(one["Id"] for one in emu.salesforce.rows("User") if one["Username"] == "integration@example.com")
    assert {row[name] for name in ("OwnerId", "CreatedById", "LastModifiedById")} == {integration}
    assert {row[name] for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")} == {
        "2026-11-23T09:00:00.000+0000"
    }


def test_names_of_people_follow_from_their_parts(load: Load) -> None:
    files = {
        "salesforce/Contact.csv": "FirstName,LastName\nKim,Lee\n",
        "salesforce/Lead.csv": "Name,Company\nKim Lee,Acme\n",
    }
    emu = load(files)
    assert only(emu.salesforce.rows("Contact"))["Name"] == "Kim Lee"
    assert only(emu.salesforce.rows("Lead"))["LastName"] == "Kim Lee"


def test_own_stages_decide(load: Load) -> None:
    files = {
        "salesforce/OpportunityStage.csv": "MasterLabel,IsClosed,IsWon,DefaultProbability\nDone,true,true,100\n",
        "salesforce/Opportunity.csv": "Name,StageName,CloseDate\nA,Done,2026-01-01\nB,Closed Won,2026-01-01\n",
    }
    assert [one["IsWon"] for one in load(files).salesforce.rows("Opportunity")] == [True, False]


def test_organization_and_account_rows_are_optional(load: Load) -> None:
    files = {
        "salesforce/Organization.csv": "Id,Name\n00D000000000001EAA,Acme Org\n",
        "hubspot/account.csv": "portalId,timeZone\n77,Europe/Berlin\n",
    }
    emu = load(files)
    endpoints = emu.endpoints(dict.fromkeys(("salesforce", "hubspot", "admin"), ""))
    assert endpoints["salesforce"]["organization_id"] == "00D000000000001EAA"
    assert endpoints["hubspot"]["portal_id"] == "77"


def test_hubspot_values_are_normalised(load: Load) -> None:
    text = "hs_object_id,name,flag,createdate\n5,A,TRUE,2026-01-01T00:00:00+01:00\n,B,,\n"
    first, second = load({"hubspot/companies.csv": text}).hubspot.rows("companies")
    assert (first["flag"], first["createdate"]) == ("true", "2025-12-31T23:00:00.000Z")
    assert first["hs_lastmodifieddate"] == first["createdate"]
    assert int(second["hs_object_id"]) > 2**32


def test_own_pipelines_replace_the_default(load: Load) -> None:
    files = {
        "hubspot/pipelines.csv": "object,pipeline_id,pipeline_label,stage_id,stage_label,"
        "display_order,is_closed,probability\n"
        "deals,p1,Partner,new,New,0,false,0.1\ndeals,p1,Partner,won,Won,1,true,1.0\np_reg,r,Reg,draft,Draft,0,,\n",
        "hubspot/deals.csv": "hs_object_id,dealname,dealstage\n5,A,won\n6,B,elsewhere\n",
        "hubspot/p_reg.csv": "hs_object_id,hs_pipeline_stage\n7,draft\n",
    }
    emu = load(files)
    won, elsewhere = emu.hubspot.rows("deals")
    assert (won["pipeline"], won["hs_is_closed_won"], elsewhere["hs_is_closed"]) == ("p1", "true", "false")
    emu.hubspot.edit("deals", "5", {"dealstage": "elsewhere"})  # a stage that records are in is known
    assert only(emu.hubspot.rows("p_reg"))["hs_pipeline"] == "r"


def test_history_can_be_loaded(load: Load) -> None:
    files = {
        "hubspot/deals.csv": "hs_object_id,dealname,status\n5,A,submitted\n",
        "hubspot/history.csv": "object,id,property,value,timestamp,source_type,source_id\n"
        "deals,5,status,draft,2026-01-01T00:00:00Z,CRM_UI,userId:7\ndeals,5,status,submitted,2026-01-02T00:00:00Z,FORM,f1\n",
    }
    emu = load(files)
    entries = emu.hubspot.history("deals", "5", "status")
    assert [(one["value"], one["timestamp"][:10], one["sourceType"]) for one in entries] == [
        ("submitted", "2026-01-02", "FORM"), ("draft", "2026-01-01", "CRM_UI"),
    ]  # fmt: skip


def test_large_unicode_cells_survive(load: Load) -> None:
    note = 'Zeile 1\n"Zitat", Komma\n' + "ü" * 100_000
    quoted = '"' + note.replace('"', '""') + '"'
    emu = load({"salesforce/Account.csv": f"Name,Note__c\nÄ,{quoted}\n"})
    assert only(emu.salesforce.rows("Account"))["Note__c"] == note


BROKEN = [
    ({"salesforce/Account.csv": "Id,Name\nnonsense,A\n"}, r"Account\.csv:2: Id: not a Salesforce id"),
    ({"salesforce/Account.csv": "Id,Name\n001000000000001AAB,A\n"}, "did you mean 001000000000001AAA"),
    ({"salesforce/Account.csv": "Id\n001000000000001AAA\n001000000000001AAA\n"}, "appears twice"),
    ({"salesforce/Account.csv": "Name,AnnualRevenue\nA,lots\n"}, r"Account\.csv:2: AnnualRevenue: not a number"),
    ({"salesforce/Account.csv": "Name,Owner.Name\nA,B\n"}, "must be a field of the object"),
    ({"salesforce/Account.csv": "Name,Name\nA,B\n"}, "columns named twice: Name"),
    ({"salesforce/Account.csv": "Name,\nA,B\n"}, "must name every column"),
    ({"salesforce/Account.csv": "Name,Site\nA\n"}, "record 1 has 1 cells, the header has 2"),
    ({"salesforce/Account.csv": ""}, "must name every column"),
    ({"salesforce/fields.csv": "object,name,type\nAccount,X__c,nonsense\n"}, "unknown type 'nonsense'"),
    ({"hubspot/nonsense.csv": "id\n1\n"}, "no such object type"),
    ({"hubspot/deals.csv": "id\nabc\n"}, "not a record id"),
    ({"hubspot/deals.csv": "id,associations.companies\n1,5\n"}, "which is not there"),
    ({"hubspot/deals.csv": "id,amount\n1,lots\n"}, r"deals\.csv:2: amount"),
    ({"hubspot/owners.csv": "id\nx\n"}, "a number is needed"),
    ({"hubspot/pipelines.csv": "object,pipeline_id\nzzz,1\n"}, "a known object"),
    ({"hubspot/history.csv": "object,id,property\nzzz,1,x\n"}, "unknown object or property"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "message"), BROKEN, ids=[message for _, message in BROKEN])
def test_broken_files_are_explained(load: Load, files: dict[str, str], message: str) -> None:
    with pytest.raises(EmulatorDataError, match=message):
        load(files)


def test_a_file_that_is_not_utf8_is_explained(load: Load, tmp_path: Any) -> None:
    (tmp_path / "salesforce").mkdir()
    (tmp_path / "salesforce" / "Account.csv").write_bytes(b"Name\nM\xfcller\n")
    with pytest.raises(EmulatorDataError, match="not a CSV file in UTF-8"):
        load({})
