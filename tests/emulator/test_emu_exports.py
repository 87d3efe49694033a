"""People's own exports: reports, Data Loader files and HubSpot exports become an org and a portal; the rest is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.emulator import Emulator, EmulatorDataError
from syncd.emulator.report import SHOWN, Report

from .conftest import frozen

Read = Callable[..., "Loaded"]
FOOTER = """

"Grand Totals (2 records)"

"Confidential Information - Do Not Distribute"
"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."
"""
ACCOUNT_REPORT = (
    '"Account ID","Account Name","Account Owner","Billing State/Province","Employees","Annual Revenue",'
    '"Partner Tier","Last Modified Date","Protected"\n'
    '"001dM00003jU9Gx","Acme, Ltd","Ada Sales","CA","1,200","USD 1,500,000.50","Gold","1/31/2026 3:45 PM","1"\n'
    '"001dM00003jU9Gy","Beta GmbH","Bob Long Name","","","","Silver","2/1/2026 9:00 AM","0"\n' + FOOTER
)
DEALS = (
    "Record ID,Deal Name,Deal Stage,Pipeline,Amount,Close Date,Deal owner,Partner Tier,Associated Company,"
    "Associated Company IDs,Create Date\n"
    '5001,Big one,Contract Sent,Sales Pipeline,"3,000",2026-12-01 10:00,Olga Own,Gold,Acme,101;102,2026-01-05 08:30\n'
    "5002,Reg one,Closed Won (Partner Pipeline),Partner Pipeline,50,,olga@x.example,,Nobody,999,2026-01-06 08:30\n"
    "5003,Reg two,Submitted,Partner Pipeline,,,,,,,2026-01-07 08:30\n"
)
COMPANIES = (
    "Record ID,Company name,Company Domain Name,Company owner,Industry,Number of Employees,Country/Region,Is Partner\n"
    "101,Acme,acme.com,Olga Own,Computer Software,120,Germany,true\n102,Beta,beta.io,,Retail,,,false\n"
)


class Loaded:
    """An emulator with what was told while it was loaded."""

    def __init__(self, folder: Path) -> None:
        self.told: list[str] = []
        self.report = Report(folder, self.told.append)
        self.emu = Emulator.load(folder, clock=frozen(), report=self.report)

    def org(self, name: str) -> list[dict[str, Any]]:
        return self.emu.salesforce.rows(name)

    def portal(self, name: str) -> list[dict[str, Any]]:
        return self.emu.hubspot.rows(name)

    @property
    def summary(self) -> str:
        return "\n".join(self.report.summary())


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_files(files: dict[str, str | bytes]) -> Loaded:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Loaded(tmp_path)

    return read_files


# --- Salesforce


def test_a_salesforce_report_becomes_accounts(read: Read) -> None:
    loaded = read({"report1732546.csv": ACCOUNT_REPORT})
    acme, beta = loaded.org("Account")
    assert (acme["Id"], acme["Name"], acme["BillingState"]) == ("001dM00003jU9GxQAK", "Acme, Ltd", "CA")
    assert (acme["NumberOfEmployees"], acme["AnnualRevenue"], beta["AnnualRevenue"]) == (1200, 1500000.5, None)
    assert (acme["Partner_Tier__c"], acme["LastModifiedDate"]) == ("Gold", "2026-01-31T15:45:00.000+0000")
    owners = {one["Id"]: one["Name"] for one in loaded.org("User")}
    assert (owners[acme["OwnerId"]], owners[beta["OwnerId"]]) == ("Ada Sales", "Bob Long Name")
    assert "report1732546.csv  Salesforce Account: 2 rows" in loaded.summary
    assert "new fields: Partner_Tier__c (string), Protected__c (double)" in loaded.summary
    assert loaded.told == []


def test_data_loader_files_with_api_names_in_capitals_are_read(read: Read) -> None:
    text = (
        "ID,NAME,STAGENAME,CLOSEDATE,AMOUNT,ACCOUNTID,OWNERID,PARTNER_TIER__C,ISWON,SYSTEMMODSTAMP\n"
        "006dM00000aAAAAQA4,Deal,Closed Won,2026-12-01,10.5,001dM00003jU9GxQAK,005dM00000aYf0qQAC,Gold,true,"
        "2026-01-01T10:00:00.000Z\n"
    )
    (deal,) = (loaded := read({"extract.csv": text})).org("Opportunity")
    assert (deal["StageName"], deal["CloseDate"], deal["Amount"]) == ("Closed Won", "2026-12-01", 10.5)
    assert (deal["Partner_Tier__c"], deal["SystemModstamp"]) == ("Gold", "2026-01-01T10:00:00.000+0000")
    assert [one["Name"] for one in loaded.org("User") if one["Id"] == deal["OwnerId"]] == ["User 005dM00000aYf0qQAC"]
    assert "User records added because it names them: 1" in loaded.summary


def test_opportunities_find_their_accounts_by_id_or_name(read: Read) -> None:
    opportunities = (
        "Opportunity Name,Account Name,Stage,Close Date,Amount,Opportunity Owner\n"
        'One,acme,Discovery,31.12.2026,"1.000,50",Ada Sales\nTwo,Unheard Of,Verbally Won,01.12.2026,"2,00",Ada Sales\n'
        "Three,Twin,Lost to nobody,01.12.2026,,\n"
    )
    accounts = "Account ID,Account Name,Account Owner\n001dM00003jU9Gx,Acme,Ada Sales\n,Twin,\n,Twin,\n"
    loaded = read({"opps.csv": opportunities, "accounts.csv": accounts})
    names = {one["Id"]: one["Name"] for one in loaded.org("Account")}
    one, two, three = loaded.org("Opportunity")
    assert (names[one["AccountId"]], names[two["AccountId"]], three["AccountId"]) == ("Acme", "Unheard Of", None)
    assert (one["CloseDate"], one["Amount"], two["Amount"]) == ("2026-12-31", 1000.5, 2)
    assert [(row["IsClosed"], row["IsWon"]) for row in (one, two, three)] == [
        (False, False),
        (True, True),
        (True, False),
    ]
    assert len([1 for user in loaded.org("User") if user["Name"] == "Ada Sales"]) == 1
    assert "cells left empty because several records are called so: 1" in loaded.summary
    assert "Discovery (open), Verbally Won (won), Lost to nobody (lost)" in loaded.summary
    assert "no column of ids: ids were made up" in loaded.summary


def test_a_parent_in_the_same_file_is_found_by_name(read: Read) -> None:
    loaded = read({"accounts.csv": "Account Name,Parent Account,Billing City\nChild,Mother,Ulm\nMother,,Ulm\n"})
    child, mother = loaded.org("Account")
    assert (child["ParentId"], mother["ParentId"]) == (mother["Id"], None)


def test_a_custom_object_is_recognised_by_its_report(read: Read) -> None:
    text = (
        "Deal Registration: ID,Deal Registration: Deal Registration Name,Deal Registration: Owner Name,"
        "Account: Account Name,Deal Registration: Created Date,Status\n"
        "a01dM000000AAAA,R-1,Ada Sales,Acme,2/28/2026,Submitted\n"
    )
    loaded = read({"regs.csv": text, "accounts.csv": "Account ID,Account Name\n001dM00003jU9Gx,Acme\n"})
    (registration,) = loaded.org("Deal_Registration__c")
    assert (registration["Name"], registration["CreatedDate"]) == ("R-1", "2026-02-28T00:00:00.000+0000")
    assert registration["Status__c"] == "Submitted"


def test_an_unpacked_data_export_is_read_by_its_file_names(read: Read) -> None:
    files: dict[str, str | bytes] = {
        "Account.csv": '"Id","IsDeleted","Name"\n"001dM00003jU9GxQAK","0","Acme"\n',
        "Deal_Reg__c.csv": '"Id","IsDeleted","Name","Tier__c"\n"a0XdM000000AAAA","1","R-1","Gold"\n',
        "Product2.csv": '"Id","Name","ProductCode"\n',
    }
    loaded = read(files)
    assert [one["IsDeleted"] for one in loaded.org("Account")] == [False]
    assert [(one["Tier__c"], one["IsDeleted"]) for one in loaded.org("Deal_Reg__c")] == [("Gold", True)]
    assert "Product2.csv     Salesforce Product2: 0 rows" in loaded.summary


def test_columns_of_ids_become_references(read: Read) -> None:
    files: dict[str, str | bytes] = {
        "salesforce/Account.csv": "Id,Name\n001dM00003jU9GxQAK,Acme\n",
        "salesforce/Deal_Reg__c.csv": "Id,Name,Customer__c\na00dM000000AAAA,R-1,001dM00003jU9GxQAK\n",
    }
    emu = read(files).emu
    with emu.serve() as endpoints:
        import requests

        endpoint = endpoints["salesforce"]
        soql = "SELECT Name, Customer__r.Name FROM Deal_Reg__c"
        headers = {"Authorization": f"Bearer {endpoint['access_token']}"}
        url = f"{endpoint['base_url']}/services/data/v68.0/query"
        found = requests.get(url, params={"q": soql}, headers=headers, timeout=20).json()
    assert found["records"][0]["Customer__r"]["Name"] == "Acme"


# --- HubSpot


def test_a_hubspot_export_becomes_deals_with_owners_pipelines_and_companies(read: Read) -> None:
    loaded = read({"hubspot-crm-exports-all-deals-2026-11-23.csv": DEALS, "all-companies.csv": COMPANIES})
    big, won, submitted = loaded.portal("deals")
    assert (big["dealstage"], big["pipeline"], big["amount"]) == ("contractsent", "default", "3000")
    assert (big["closedate"], big["createdate"]) == ("2026-12-01T10:00:00.000Z", "2026-01-05T08:30:00.000Z")
    assert (big["partner_tier"], won["partner_tier"]) == ("Gold", None)
    assert (won["pipeline"], won["hs_is_closed_won"], submitted["dealstage"]) == (
        "partner_pipeline",
        "true",
        "submitted",
    )
    assert loaded.emu.hubspot.associated("deals", "5001", "companies") == ["101", "102"]
    assert loaded.emu.hubspot.associated("deals", "5002", "companies") == []
    acme, _ = loaded.portal("companies")
    assert (acme["name"], acme["domain"], acme["industry"], acme["is_partner"]) == (
        "Acme", "acme.com", "COMPUTER_SOFTWARE", "true",
    )  # fmt: skip
    assert acme["hubspot_owner_id"] == big["hubspot_owner_id"] != won["hubspot_owner_id"]
    assert "associations left out because none of the files has the record: 1" in loaded.summary
    assert "stages unknown here, taken as: Closed Won (won), Submitted (open)" in loaded.summary
    assert "new properties: partner_tier (string)" in loaded.summary


def test_deals_find_their_companies_by_name_where_no_ids_are_exported(read: Read) -> None:
    deals = "Record ID,Deal Name,Associated Company\n7,A,acme (acme.com)\n8,B,Acme;Beta\n9,C,Nobody\n"
    loaded = read({"deals.csv": deals, "companies.csv": COMPANIES})
    found = [loaded.emu.hubspot.associated("deals", id_, "companies") for id_ in ("7", "8", "9")]
    assert found == [["101"], ["101", "102"], []]


def test_contacts_and_custom_objects_are_recognised(read: Read) -> None:
    files: dict[str, str | bytes] = {
        "people.csv": "Record ID,First Name,Last Name,Email,Company Name,Contact owner\n1,Kim,Lee,kim@acme.com,Acme,\n",
        "hubspot-crm-exports-all-registrations-2026-11-23.csv": "Record ID,Title,Create Date\n2,Reg,2026-10-01 08:00\n",
    }
    loaded = read(files)
    assert [one["company"] for one in loaded.portal("contacts")] == ["Acme"]
    (registration,) = loaded.portal("p_registrations")
    assert (registration["title"], registration["hs_createdate"]) == ("Reg", "2026-10-01T08:00:00.000Z")


def test_line_items_are_recognised_by_the_name_of_their_file(read: Read) -> None:
    loaded = read({"hubspot-crm-exports-all-line-items-2026-11-23.csv": "Record ID,Name,Quantity\n4,Seat,12\n"})
    assert [(one["name"], one["quantity"]) for one in loaded.portal("line_items")] == [("Seat", "12")]


def test_our_own_layout_is_read_with_its_definitions(read: Read) -> None:
    files: dict[str, str | bytes] = {
        "hubspot/deals.csv": "hs_object_id,dealname,dealstage,level\n1,A,won,gold\n",
        "hubspot/pipelines.csv": "object,pipeline_id,stage_id,is_closed,probability\ndeals,p1,won,true,1.0\n",
        "hubspot/properties.csv": "object,name,type,label,length,values\ndeals,level,enumeration,Level,,gold;silver\n",
        "hubspot/owners.csv": "id,email\n11,olga@example.com\n",
        "salesforce/Account.csv": "Name,Code__c\nA,123\n",
        "salesforce/fields.csv": "object,name,type\nAccount,Code__c,text\n",
    }
    loaded = read(files)
    assert loaded.portal("deals")[0]["hs_is_closed_won"] == "true"
    assert loaded.org("Account")[0]["Code__c"] == "123"
    assert set(loaded.report.files) == {path for path in loaded.report.files if path.stem in ("deals", "Account")}


# --- encodings and separators


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("\ufeffAccount Name,Billing City\nMüller,Köln\n".encode(), ""),
        ("Account Name,Billing City\nMüller,Köln\n".encode("utf-16"), "utf-16"),
        ("Account Name\tBilling City\nMüller\tKöln\n".encode("utf-16-le"), "utf-16-le"),
        ("Account Name;Billing City\r\nMüller;Köln\r\n".encode("cp1252"), "cp1252"),
        ("sep=;\nAccount Name;Billing City\nMüller;Köln\n".encode(), ""),
        ('"Account Name"|"Billing City"\n"Müller"|"Köln"\n'.encode(), ""),
        ('"Account Name","Billing City, of today"\n"Müller","Köln"\n'.encode(), ""),
    ],
)
def test_usual_encodings_and_separators_are_read(read: Read, content: bytes, note: str) -> None:
    loaded = read({"accounts.csv": content})
    (account,) = loaded.org("Account")
    assert account["Name"] == "Müller"
    assert "Köln" in (account["BillingCity"], account.get("Billing_City_of_today__c"))
    assert (f"read as {note}" in loaded.summary) == bool(note)


def test_columns_without_a_name_or_with_one_name_are_kept_apart(read: Read) -> None:
    loaded = read({"accounts.csv": "Account Name,Tier,Tier,,Empty,,NAME\nA,1,2,x,,,B\n"})
    (account,) = loaded.org("Account")
    assert (account["Tier__c"], account["Tier_2__c"], account["Column_4__c"]) == (1, 2, "x")
    assert (account["Name"], account["NAME__c"]) == ("A", "B")


def test_empty_columns_are_known_so_that_a_mapping_may_name_them(read: Read) -> None:
    loaded = read({"accounts.csv": "Account Name,Empty\nA,\n", "deals.csv": "Record ID,Deal Name,Also Empty\n1,A,\n"})
    assert loaded.org("Account")[0]["Empty__c"] is None
    loaded.emu.salesforce.edit("Account", loaded.org("Account")[0]["Id"], {"Empty__c": "now"})
    loaded.emu.hubspot.edit("deals", "1", {"also_empty": "now"})
    assert "Empty__c (empty)" in loaded.summary
    assert "also_empty (empty)" in loaded.summary


# --- what is wrong


def test_wrong_lines_are_told_with_file_and_line_and_kept_out(read: Read, tmp_path: Path) -> None:
    text = (
        'Account ID,Account Name,Employees\n001dM00003jU9Gx,"Two\nlines",5\n001dM00003jU9Gy,Bad,many\nnonsense,C,1\n'
        "001dM00003jU9Gx,Twice,2\n001dM00003jU9Gz,Short\n001dM00003jU9G2,Long,1,\n001dM00003jU9G3,Good,7\n"
    )
    loaded = read({"accounts.csv": text})
    assert [one["Name"] for one in loaded.org("Account")] == ["Two\nlines", "Long", "Good"]
    path = tmp_path / "accounts.csv"
    assert sorted(line[: len(str(path)) + 13] for line in loaded.told) == [
        f"kept out: {path}:{number}:"[: len(str(path)) + 13] for number in (4, 5, 6, 7)
    ]
    for reason in (
        "2 cells, but 3 columns",
        "NumberOfEmployees: not a number: 'many'",
        "not a Salesforce id",
        "appears twice",
    ):
        assert any(reason in line for line in loaded.told), reason
    assert "3 rows, 4 kept out" in loaded.summary


def test_lines_are_counted_as_an_editor_counts_them(read: Read) -> None:
    loaded = read({"accounts.csv": 'sep=;\r\n"Account\nName";Employees\r\n\r\nA;many\r\nB;1\r\n'})
    assert len(loaded.told) == 1
    assert "accounts.csv:5: NumberOfEmployees" in loaded.told[0]


def test_bytes_of_no_encoding_do_not_stop_a_file(read: Read) -> None:
    loaded = read({"accounts.csv": b"Account Name,Billing City\nM\xfcller \x81,Ulm\n"})
    assert loaded.org("Account")[0]["Name"] == "M\u00fcller \ufffd"


def test_wrong_lines_of_a_hubspot_export_are_kept_out(read: Read) -> None:
    text = "Record ID,Deal Name,Amount\n1,A,5\n2,B,lots\n1,Twice,6\n9.00720E+15,Excel,7\n"
    loaded = read({"hubspot/deals.csv": text})
    assert [one["dealname"] for one in loaded.portal("deals")] == ["A"]
    assert [line.rpartition("deals.csv:")[2].partition(":")[0] for line in loaded.told] == ["3", "4", "5"]


def test_a_file_of_many_wrong_lines_is_told_in_few(read: Read) -> None:
    bad = "".join(f"{number},D,lots\n" for number in range(2, 102))
    loaded = read({"deals.csv": "Record ID,Deal Name,Amount\n1,A,5\n" + bad})
    assert len(loaded.told) == SHOWN + 1
    assert "1 row, 100 kept out" in loaded.summary


def test_a_file_without_one_good_line_is_an_error(read: Read) -> None:
    with pytest.raises(EmulatorDataError, match=r"(?s)not one line could be loaded.*deals\.csv:2: amount"):
        read({"hubspot/deals.csv": "hs_object_id,dealname,amount\n1,A,lots\n"})


def test_a_file_that_nobody_recognises_is_passed_over_with_advice(read: Read) -> None:
    loaded = read({"deals.csv": DEALS, "notes.csv": "a,b\n1,2\n", "empty.csv": "", ".hidden.csv": "x"})
    assert len(loaded.portal("deals")) == 3
    assert "notes.csv: not read: it is not clear what it is an export of" in loaded.summary
    assert "empty.csv: not read" in loaded.summary


def test_a_folder_without_any_export_is_an_error(read: Read) -> None:
    with pytest.raises(
        EmulatorDataError, match=r"(?s)no CSV export.*notes\.csv: it is not clear.*book\.xlsx: save as CSV"
    ):
        read({"notes.csv": "a,b\n1,2\n", "book.xlsx": b"PK"})


def test_dates_that_could_be_either_are_told(read: Read) -> None:
    loaded = read({"deals.csv": "Record ID,Deal Name,Close Date\n1,A,1/2/2026\n"})
    assert loaded.portal("deals")[0]["closedate"] == "2026-01-02T00:00:00.000Z"
    assert "closedate: days and months cannot be told apart; read as month/day/year" in loaded.summary


def test_progress_of_a_long_file_is_told(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.emulator.report.STEP", 100)
    text = "Account Name\n" + "".join(f"Company {number}\n" for number in range(250))
    assert [line.rpartition(": ")[2] for line in read({"salesforce/Account.csv": text}).told] == [
        "100 lines",
        "200 lines",
    ]


def test_nothing_is_written_beside_the_exports(read: Read, tmp_path: Path) -> None:
    read({"deals.csv": DEALS, "companies.csv": COMPANIES})
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["companies.csv", "deals.csv"]
