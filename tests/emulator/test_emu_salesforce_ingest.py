"""Bulk API 2.0 ingest: the life of a job, its CSV, and what it tells of each record."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from simple_salesforce import Salesforce

from syncd.emulator.salesforce import ingest

from .conftest import ACME, ADA, BETA, GONE, IDA, Served
from .test_emu_clients import Loopback

DONE = timedelta(seconds=5)


def create(served: Served, operation: str = "update", object_: str = "Account", **more: Any) -> requests.Response:
    return served.sf.post("jobs/ingest", {"object": object_, "operation": operation, **more})


def close(served: Served, job: str, state: str = "UploadComplete") -> requests.Response:
    return served.sf.patch(f"jobs/ingest/{job}", {"state": state})


def upload(served: Served, data: str | bytes, operation: str = "update", **more: Any) -> str:
    """Create a job, upload its data and close it."""
    created = create(served, operation, **more)
    assert created.status_code == 200, created.text
    job: str = created.json()["id"]
    put = served.sf("PUT", f"jobs/ingest/{job}/batches", data=data, headers={"Content-Type": "text/csv"})
    assert put.status_code == 201
    assert close(served, job).status_code == 200
    return job


def info(served: Served, job: str) -> dict[str, Any]:
    found: dict[str, Any] = served.sf.get(f"jobs/ingest/{job}").json()
    return found


def results(served: Served, job: str, kind: str, delimiter: str = ",") -> list[dict[str, str]]:
    answer = served.sf.get(f"jobs/ingest/{job}/{kind}/")
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), delimiter=delimiter))


def done(served: Served, data: str, operation: str = "update", **more: Any) -> str:
    job = upload(served, data, operation, **more)
    served.clock.advance(DONE)
    return job


def errors(served: Served, job: str) -> list[str]:
    return [one["sf__Error"] for one in results(served, job, "failedResults")]


def accounts(served: Served) -> dict[str, dict[str, Any]]:
    return {one["Id"]: one for one in served.emu.salesforce.rows("Account")}


def test_sf_ingest_job_is_described(fresh: Served) -> None:
    job = create(fresh, "upsert", externalIdFieldName="Number__c", lineEnding="CRLF").json()
    assert job["id"].startswith("750")
    assert {name: job[name] for name in ("state", "object", "operation", "contentType", "lineEnding",
                                         "columnDelimiter", "externalIdFieldName", "apiVersion")} == {
        "state": "Open", "object": "Account", "operation": "upsert", "contentType": "CSV", "lineEnding": "CRLF",
        "columnDelimiter": "COMMA", "externalIdFieldName": "Number__c", "apiVersion": 68.0,
    }  # fmt: skip
    assert job["contentUrl"] == f"services/data/v68.0/jobs/ingest/{job['id']}/batches"
    assert [one["id"] for one in fresh.sf.get("jobs/ingest").json()["records"]] == [job["id"]]


def test_sf_ingest_states_follow_the_clock(fresh: Served) -> None:
    job = upload(fresh, f"Id,Site\n{ACME},HQ\n")
    assert (info(fresh, job)["state"], accounts(fresh)[ACME]["Site"]) == ("UploadComplete", None)
    assert fresh.sf.get(f"jobs/ingest/{job}/successfulResults").status_code == 400
    fresh.clock.advance(timedelta(seconds=1))
    assert info(fresh, job)["state"] == "InProgress"
    fresh.clock.advance(timedelta(seconds=1))
    after = info(fresh, job)
    assert (after["state"], after["numberRecordsProcessed"], after["numberRecordsFailed"]) == ("JobComplete", 1, 0)
    assert after["jobType"] == "V2Ingest"
    assert accounts(fresh)[ACME]["Site"] == "HQ"
    assert accounts(fresh)[ACME]["SystemModstamp"] == "2026-11-23T09:00:02.000+0000"


def test_sf_ingest_works_in_batches_and_may_be_aborted_between_them(
    fresh: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "BATCH", 2)
    job = upload(fresh, "Name\nA\nB\nC\nD\nE\n", "insert")
    fresh.clock.advance(timedelta(seconds=2))
    assert info(fresh, job)["numberRecordsProcessed"] == 2
    assert close(fresh, job, "Aborted").json()["state"] == "Aborted"
    fresh.clock.advance(DONE)
    assert [one["Name"] for one in results(fresh, job, "successfulResults")] == ["A", "B"]
    assert results(fresh, job, "failedResults") == []
    assert [one["Name"] for one in results(fresh, job, "unprocessedrecords")] == ["C", "D", "E"]
    assert len(accounts(fresh)) == 5
    assert close(fresh, job).json()[0]["errorCode"] == "INVALIDJOBSTATE"


def test_sf_ingest_tells_the_fate_of_each_record(fresh: Served) -> None:
    job = done(
        fresh,
        f"Id,Site,OwnerId\n{ACME},HQ,{ADA}\n001000000000009AAA,x,\n{GONE},x,\n{BETA},,{IDA}\n,x,\n",
    )
    after = info(fresh, job)
    assert (after["state"], after["numberRecordsProcessed"], after["numberRecordsFailed"]) == ("JobComplete", 5, 4)
    (good,) = results(fresh, job, "successfulResults")
    assert good == {"sf__Id": ACME, "sf__Created": "false", "Id": ACME, "Site": "HQ", "OwnerId": ADA}
    assert errors(fresh, job) == [
        "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--",
        "ENTITY_IS_DELETED:entity is deleted:--",
        f"INACTIVE_OWNER_OR_USER:operation performed with inactive user [{IDA[:15]}] as owner of account:OwnerId --",
        "MISSING_ARGUMENT:Id not specified:--",
    ]
    assert results(fresh, job, "unprocessedrecords") == []
    assert {(one.field, one.by) for one in fresh.emu.changes} == {("Site", "integration@example.com")}


def test_sf_ingest_empty_cells_change_nothing_and_na_clears(fresh: Served) -> None:
    done(fresh, f"Id,Industry,Website,Protected__c,Until__c\n{ACME},,#N/A,false,2027-02-28\n")
    after = accounts(fresh)[ACME]
    assert (after["Industry"], after["Website"]) == ("Technology", None)
    assert (after["Protected__c"], after["Until__c"]) == (False, "2027-02-28")
    assert [one.field for one in fresh.emu.changes] == ["Website", "Protected__c", "Until__c"]


def test_sf_ingest_values_are_checked(fresh: Served) -> None:
    lines = ["Name,Score__c,Status__c", "A,many,", "B,,Foo", ",1,", f"{'x' * 256},1,"]
    job = done(fresh, "\n".join(lines) + "\n", "insert")
    assert [one.partition(":")[0] for one in errors(fresh, job)] == [
        "INVALID_TYPE_ON_FIELD_IN_RECORD", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "REQUIRED_FIELD_MISSING",
        "STRING_TOO_LONG",
    ]  # fmt: skip
    assert errors(fresh, job)[2] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"


def test_sf_ingest_quotes_and_delimiters(fresh: Served) -> None:
    text = 'Name|Description\n"A | ""B"""|"two\nlines"\n C |x\n'
    job = done(fresh, text, "insert", columnDelimiter="PIPE")
    made = [one for one in accounts(fresh).values() if one["Description"]]
    assert [(one["Name"], one["Description"]) for one in made] == [('A | "B"', "two\nlines"), (" C ", "x")]
    told = results(fresh, job, "successfulResults", "|")
    assert [(one["sf__Created"], one["Description"]) for one in told] == [("true", "two\nlines"), ("true", "x")]


def test_sf_ingest_misplaced_quotes_fail_the_record(fresh: Served) -> None:
    job = done(fresh, 'Name,Site\n"A", "x"\nB,y\n"C" ,z\nD\n', "insert")
    assert [one["Name"] for one in results(fresh, job, "successfulResults")] == ["B"]
    assert info(fresh, job)["numberRecordsFailed"] == 3


BROKEN = [
    (f"Id,Site\r\n{ACME},x\r\n", {}, "ClientInputError : LineEnding is invalid on user data. Current LineEnding "
     "setting is LF"),
    (f"Id,Site\n{ACME},x\n", {"lineEnding": "CRLF"}, "ClientInputError : LineEnding is invalid on user data. "
     "Current LineEnding setting is CRLF"),
    (f"Id,Nonsense\n{ACME},x\n", {}, "InvalidBatch : Field name not found : Nonsense"),
    (f"Id;Site\n{ACME};x\n", {}, "InvalidBatch : Field name not found : Id;Site"),
    ("Site\nx\n", {}, "InvalidBatch : Field name not found : Id"),
    (f"Id,Nothing__r.Number__c\n{ACME},x\n", {}, "InvalidBatch : Field name not found : Nothing__r.Number__c"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "more", "message"), BROKEN, ids=[message for _, _, message in BROKEN])
def test_sf_ingest_unreadable_data_fails_the_job(fresh: Served, data: str, more: dict[str, Any], message: str) -> None:
    job = done(fresh, data, **more)
    after = info(fresh, job)
    assert (after["state"], after["errorMessage"], after["numberRecordsProcessed"]) == ("Failed", message, 0)
    assert fresh.sf.get(f"jobs/ingest/{job}/unprocessedrecords").text == data
    assert fresh.emu.changes == []


def test_sf_ingest_line_endings_inside_quotes_are_data(fresh: Served) -> None:
    job = done(fresh, 'Name,Description\n"A","one\r\ntwo"\n', "insert")
    assert info(fresh, job)["state"] == "JobComplete"
    assert "one\r\ntwo" in {one["Description"] for one in accounts(fresh).values()}


def test_sf_ingest_upserts_by_external_id(fresh: Served) -> None:
    data = "Number__c,Name,Parent.Number__c\nA-1,Acme plc,B-2\nN-9,Nine,\n,None,\nX-1,X,nowhere\n"
    job = done(fresh, data, "upsert", externalIdFieldName="Number__c")
    told = results(fresh, job, "successfulResults")
    assert [(one["Number__c"], one["sf__Created"]) for one in told] == [("A-1", "false"), ("N-9", "true")]
    assert (accounts(fresh)[ACME]["Name"], accounts(fresh)[ACME]["ParentId"]) == ("Acme plc", BETA)
    assert errors(fresh, job) == [
        "MISSING_ARGUMENT:Number__c not specified:Number__c --",
        "INVALID_FIELD:Foreign key external ID: nowhere not found for field Number__c in entity Account:--",
    ]
    assert create(fresh, "upsert", externalIdFieldName="Site").status_code == 400


def test_sf_ingest_deletes_and_hard_deletes(fresh: Served) -> None:
    assert create(fresh, "hardDelete").json()[0]["errorCode"] == "FEATURENOTENABLED"
    done(fresh, f"Id\n{ACME}\n", "delete")
    assert fresh.sf.get(f"sobjects/Account/{ACME}").json()[0]["errorCode"] == "ENTITY_IS_DELETED"
    fresh.emu.salesforce.allow_hard_delete(True)
    done(fresh, f"Id\n{BETA}\n", "hardDelete")
    assert fresh.sf.get(f"sobjects/Account/{BETA}").json()[0]["errorCode"] == "NOT_FOUND"
    assert BETA not in {one["Id"] for one in fresh.sf.records("SELECT Id FROM Account", "queryAll")}
    assert [(one.id, one.field) for one in fresh.emu.changes] == [(ACME, "IsDeleted"), (BETA, "IsDeleted")]


def test_sf_ingest_counts_redundant_writes(fresh: Served) -> None:
    done(fresh, f"Id,Name\n{ACME},Acme Ltd\n{BETA},Beta AG\n")
    assert (fresh.emu.redundant_writes, [one.id for one in fresh.emu.changes]) == (1, [BETA])


def test_sf_ingest_takes_one_upload(fresh: Served) -> None:
    job = create(fresh).json()["id"]
    path = f"jobs/ingest/{job}/batches"
    assert fresh.sf("PUT", path, data="Id\n").status_code == 201
    assert fresh.sf("PUT", path, data="Id\n").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert fresh.sf("DELETE", f"jobs/ingest/{job}").status_code == 400  # an open job is aborted first
    assert close(fresh, job, "Aborted").status_code == 200
    assert fresh.sf("DELETE", f"jobs/ingest/{job}").status_code == 204
    assert fresh.sf.get(f"jobs/ingest/{job}").status_code == 404


def test_sf_ingest_limits(fresh: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "MOST_BYTES", 10)
    job = create(fresh).json()["id"]
    too_much = fresh.sf("PUT", f"jobs/ingest/{job}/batches", data="x" * 11)
    assert (too_much.status_code, too_much.json()[0]["errorCode"]) == (400, "INVALIDBATCH")
    monkeypatch.setattr(ingest, "BATCH", 1)
    monkeypatch.setattr(ingest, "MOST_BYTES", 1000)
    done(fresh, "Name\nA\nB\n", "insert")
    assert fresh.sf.get("limits").json()["DailyBulkApiBatches"] == {"Max": 15_000, "Remaining": 14_998}


def test_sf_ingest_jobs_are_kept_seven_days(fresh: Served) -> None:
    job = done(fresh, "Name\nA\n", "insert")
    fresh.clock.advance(timedelta(days=6, hours=23))
    assert info(fresh, job)["state"] == "JobComplete"
    fresh.clock.advance(timedelta(hours=1))
    assert fresh.sf.get(f"jobs/ingest/{job}").status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [({"operation": "nonsense"}, "INVALIDJOB"), ({"object": "Nothing__c"}, "INVALIDENTITY"),
     ({"contentType": "JSON"}, "INVALIDJOB"), ({"columnDelimiter": "DOT"}, "INVALIDJOB"),
     ({"lineEnding": "CR"}, "INVALIDJOB"), ({"operation": "upsert"}, "INVALIDJOB")],
)  # fmt: skip
def test_sf_ingest_wrong_jobs_are_refused(shared: Served, body: dict[str, str], code: str) -> None:
    answer = shared.sf.post("jobs/ingest", {"object": "Account", "operation": "insert", **body})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_bulk_client_writes(fresh: Served) -> None:
    fresh.emu.salesforce.set_bulk_pace(0, 0)
    endpoint = fresh.endpoints["salesforce"]
    with requests.Session() as session:
        session.mount(f"https://{urlsplit(endpoint['base_url']).netloc}", Loopback())
        client = Salesforce(
            session_id=endpoint["access_token"], instance_url=endpoint["base_url"], version="68.0", session=session
        )
        told = client.bulk2.Account.insert(records=[{"Name": "A"}, {"Name": "B"}])
        assert [(one["numberRecordsProcessed"], one["numberRecordsFailed"]) for one in told] == [(2, 0)]
        assert "sf__Id" in client.bulk2.Account.get_successful_records(told[0]["job_id"])
