"""Bulk API 2.0 query jobs: their states on the clock, their CSV in parts, their refusals and failures."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from .conftest import ACME, ADA, BETA, GONE, Served, serving

SECOND = timedelta(seconds=1)


def start(served: Served, soql: str, operation: str = "query", **more: str) -> str:
    answer = served.sf.post("jobs/query", {"operation": operation, "query": soql, **more})
    assert answer.status_code == 200, answer.text
    job: str = answer.json()["id"]
    return job


def state(served: Served, job: str) -> str:
    found: str = served.sf.get(f"jobs/query/{job}").json()["state"]
    return found


def finished(served: Served, soql: str, operation: str = "query", **more: str) -> str:
    job = start(served, soql, operation, **more)
    for _ in range(100):
        if state(served, job) == "JobComplete":
            return job
        served.clock.advance(SECOND)
    raise AssertionError(served.sf.get(f"jobs/query/{job}").text)


def rows(answer: requests.Response, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode()), delimiter=delimiter))


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


def test_sf_a_query_job_goes_through_its_states(fresh: Served) -> None:
    created = fresh.sf.post("jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"}).json()
    assert {name: created[name] for name in created if name not in ("id", "createdById")} == {
        "operation": "query", "object": "Account", "createdDate": "2026-11-23T09:00:00.000+0000",
        "systemModstamp": "2026-11-23T09:00:00.000+0000", "state": "UploadComplete", "concurrencyMode": "Parallel",
        "contentType": "CSV", "apiVersion": 68.0, "lineEnding": "LF", "columnDelimiter": "COMMA",
    }  # fmt: skip
    job = created["id"]
    assert job.startswith("750")
    assert state(fresh, job) == "UploadComplete"
    assert refusal(fresh.sf.get(f"jobs/query/{job}/results")) == (400, "INVALIDJOBSTATE")
    fresh.clock.advance(SECOND)
    assert state(fresh, job) == "InProgress"
    fresh.clock.advance(SECOND)
    done = fresh.sf.get(f"jobs/query/{job}").json()
    assert {name: done[name] for name in ("state", "jobType", "numberRecordsProcessed", "retries")} == {
        "state": "JobComplete", "jobType": "V2Query", "numberRecordsProcessed": 2, "retries": 0,
    }  # fmt: skip
    assert done["totalProcessingTime"] == 1000


def test_sf_results_come_in_parts_until_the_locator_says_null(many: Served) -> None:
    job = finished(many, "SELECT Id, Name FROM Account ORDER BY Name")
    names: list[str] = []
    locator, sizes = "", []
    while locator != "null":
        more = f"&locator={locator}" if locator else ""
        answer = many.sf.get(f"jobs/query/{job}/results?maxRecords=2000{more}")
        header, *lines = rows(answer)
        assert (answer.headers["Content-Type"], header) == ("text/csv", ["Id", "Name"])
        assert int(answer.headers["Sforce-NumberOfRecords"]) == len(lines)
        sizes.append(len(lines))
        names += [name for _, name in lines]
        locator = answer.headers["Sforce-Locator"]
    assert sizes == [2000, 2000, 1001]
    assert names == [f"Company {number:05}" for number in range(5001)]
    whole = many.sf.get(f"jobs/query/{job}/results")
    assert (whole.headers["Sforce-Locator"], len(rows(whole))) == ("null", 5002)
    assert whole.headers["Content-Encoding"] == "gzip"
    assert refusal(many.sf.get(f"jobs/query/{job}/results?locator=nonsense")) == (400, "INVALIDLOCATOR")
    many.sf("DELETE", f"jobs/query/{job}")


def test_sf_values_are_quoted_text(fresh: Served) -> None:
    fresh.sf.patch(f"sobjects/Account/{ACME}", {"Site": 'a "quoted", line\nbreak', "AnnualRevenue": 139000000})
    fields = "Id, Site, Protected__c, Score__c, AnnualRevenue, NumberOfEmployees, Until__c, CreatedDate, Owner.Email"
    acme, beta = rows(
        fresh.sf.get(f"jobs/query/{finished(fresh, f'SELECT {fields} FROM Account ORDER BY Id')}/results")
    )[1:]
    assert acme == [ACME, 'a "quoted", line\nbreak', "true", "1.5", "1.39E8", "120", "2027-01-31",
                    "2026-11-20T10:00:00.000Z", "ada@example.com"]  # fmt: skip
    assert beta[1:6] == ["", "false", "", "", ""]
    text = fresh.sf.get(f"jobs/query/{finished(fresh, 'SELECT Id, Owner.Name FROM Account ORDER BY Id')}/results").text
    assert text.splitlines()[:2] == ['"Id","Owner.Name"', f'"{ACME}","Ada Sales"']


def test_sf_bulk_numbers_as_java_writes_them(tmp_path: Path) -> None:
    with serving(tmp_path, salesforce_bulk_numbers="plain") as served:
        served.sf.patch(f"sobjects/Account/{ACME}", {"AnnualRevenue": 139000000, "Score__c": 2})
        job = finished(served, f"SELECT AnnualRevenue, Score__c FROM Account WHERE Id = '{ACME}'")
        assert rows(served.sf.get(f"jobs/query/{job}/results"))[1] == ["139000000", "2"]


def test_sf_the_job_says_how_its_csv_is_written(fresh: Served) -> None:
    job = finished(fresh, "SELECT Id, Name FROM Account", columnDelimiter="PIPE", lineEnding="CRLF", contentType="CSV")
    answer = fresh.sf.get(f"jobs/query/{job}/results")
    assert answer.content.startswith(b'"Id"|"Name"\r\n')
    assert len(rows(answer, "|")) == 3
    wrong = {"operation": "query", "query": "SELECT Id FROM Account", "columnDelimiter": "DOT"}
    assert refusal(fresh.sf.post("jobs/query", wrong)) == (400, "INVALIDJOB")


def test_sf_query_all_in_bulk_has_deleted_rows(fresh: Served) -> None:
    job = finished(fresh, "SELECT Id, IsDeleted FROM Account ORDER BY Id", "queryAll")
    assert rows(fresh.sf.get(f"jobs/query/{job}/results"))[1:] == [[ACME, "false"], [BETA, "false"], [GONE, "true"]]
    job = finished(fresh, "SELECT Id FROM Account")
    assert len(rows(fresh.sf.get(f"jobs/query/{job}/results"))) == 3


def test_the_answer_is_kept_as_it_was(fresh: Served) -> None:
    job = finished(fresh, f"SELECT Name FROM Account WHERE Id = '{ACME}'")
    fresh.emu.salesforce.edit("Account", ACME, {"Name": "Later"})
    assert rows(fresh.sf.get(f"jobs/query/{job}/results")) == [["Name"], ["Acme Ltd"]]
    early = start(fresh, f"SELECT Name FROM Account WHERE Id = '{ACME}'")
    fresh.emu.salesforce.edit("Account", ACME, {"Name": "Between"})  # before the job begins to run
    fresh.clock.advance(3 * SECOND)
    assert rows(fresh.sf.get(f"jobs/query/{early}/results")) == [["Name"], ["Between"]]


REFUSED = [
    ("SELECT COUNT(Id) FROM Account", "FEATURENOTENABLED"),
    ("SELECT COUNT() FROM Account", "FEATURENOTENABLED"),
    ("SELECT Name FROM Account GROUP BY Name", "FEATURENOTENABLED"),
    ("SELECT Id, (SELECT Id FROM Opportunities) FROM Account", "FEATURENOTENABLED"),
    ("SELECT TYPEOF What WHEN Account THEN Name END FROM Task", "FEATURENOTENABLED"),
    ("SELECT Id FROM Account OFFSET 5", "FEATURENOTENABLED"),
    ("SELECT Nonsense FROM Account", "INVALID_FIELD"),
    ("SELECT Id FORM Account", "MALFORMED_QUERY"),
    ("SELECT Id FROM Nothing", "INVALID_TYPE"),
]


@pytest.mark.parametrize(("soql", "code"), REFUSED, ids=[soql for soql, _ in REFUSED])
def test_sf_bulk_queries_lack_some_clauses(shared: Served, soql: str, code: str) -> None:
    assert refusal(shared.sf.post("jobs/query", {"operation": "query", "query": soql})) == (400, code)


def test_wrong_jobs_are_refused(shared: Served) -> None:
    assert refusal(shared.sf.post("jobs/query", {"operation": "insert", "query": "x"})) == (400, "INVALIDOPERATION")
    assert refusal(shared.sf.post("jobs/query", {"operation": "query"})) == (400, "MISSING_ARGUMENT")
    assert refusal(shared.sf.get("jobs/query/750000000000000AAA")) == (404, "NOT_FOUND")


def test_sf_a_job_may_be_aborted_and_deleted(fresh: Served) -> None:
    job = start(fresh, "SELECT Id FROM Account")
    assert fresh.sf.patch(f"jobs/query/{job}", {"state": "Aborted"}).json()["state"] == "Aborted"
    fresh.clock.advance(10 * SECOND)
    assert state(fresh, job) == "Aborted"
    assert refusal(fresh.sf.get(f"jobs/query/{job}/results")) == (400, "INVALIDJOBSTATE")
    assert refusal(fresh.sf.patch(f"jobs/query/{job}", {"state": "Aborted"})) == (400, "INVALIDJOBSTATE")
    assert refusal(fresh.sf.patch(f"jobs/query/{job}", {"state": "Open"})) == (400, "INVALIDJOBSTATE")
    assert fresh.sf("DELETE", f"jobs/query/{job}").status_code == 204
    assert refusal(fresh.sf.get(f"jobs/query/{job}")) == (404, "NOT_FOUND")
    running = start(fresh, "SELECT Id FROM Account")
    fresh.clock.advance(SECOND)
    assert refusal(fresh.sf("DELETE", f"jobs/query/{running}")) == (400, "INVALIDJOBSTATE")


def test_sf_a_job_may_fail(fresh: Served) -> None:
    fresh.emu.salesforce.fail_query_jobs("InternalServerError : out of luck")
    job = start(fresh, "SELECT Id FROM Account")
    fresh.clock.advance(5 * SECOND)
    info = fresh.sf.get(f"jobs/query/{job}").json()
    assert (info["state"], info["errorMessage"]) == ("Failed", "InternalServerError : out of luck")
    assert refusal(fresh.sf.get(f"jobs/query/{job}/results")) == (400, "INVALIDJOBSTATE")
    assert state(fresh, finished(fresh, "SELECT Id FROM Account")) == "JobComplete"
    gone = start(fresh, "SELECT Website FROM Account")
    fresh.emu.salesforce.set_field_access("Account", "Website", readable=False)
    fresh.clock.advance(5 * SECOND)
    info = fresh.sf.get(f"jobs/query/{gone}").json()
    assert (info["state"], "INVALID_FIELD" in info["errorMessage"]) == ("Failed", True)


def test_sf_jobs_are_kept_seven_days_and_listed(fresh: Served) -> None:
    first = finished(fresh, "SELECT Id FROM Account")
    fresh.clock.advance(timedelta(days=6))
    second = start(fresh, "SELECT Id FROM Contact")
    listed = fresh.sf.get("jobs/query").json()
    assert ([one["id"] for one in listed["records"]], listed["done"]) == ([second, first], True)
    fresh.clock.advance(timedelta(days=1))
    assert [one["id"] for one in fresh.sf.get("jobs/query").json()["records"]] == [second]
    assert fresh.sf.get(f"jobs/query/{first}/results").status_code == 404


def test_sf_jobs_count_against_a_daily_limit(fresh: Served) -> None:
    def left() -> int:
        remaining: int = fresh.sf.get("limits").json()["DailyBulkV2QueryJobs"]["Remaining"]
        return remaining

    before = left()
    start(fresh, "SELECT Id FROM Account")
    assert (before, left()) == (10_000, 9_999)


def test_sf_a_job_sees_what_its_user_sees(fresh: Served) -> None:
    fresh.emu.salesforce.set_sharing("Account", "private")
    fresh.emu.salesforce.share("Account", ACME)
    job = finished(fresh, "SELECT Id FROM Account WHERE OwnerId = '" + ADA + "'", "queryAll")
    assert rows(fresh.sf.get(f"jobs/query/{job}/results")) == [["Id"], [ACME]]
    other = {"Authorization": f"Bearer {fresh.emu.salesforce.sign_in('ada@example.com')}"}
    assert fresh.sf.get(f"jobs/query/{job}", headers=other).status_code == 404


def test_results_are_read_in_the_version_of_the_job(fresh: Served) -> None:
    job = finished(fresh, "SELECT Id FROM Account")
    assert fresh.sf.get(f"/services/data/v60.0/jobs/query/{job}/results").status_code == 409


def test_sf_parallel_results_name_their_parts(fresh: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("syncd.emulator.salesforce.bulkquery.RESULT_PAGE", 100)
    for number in range(648):
        fresh.emu.salesforce.insert("Contact", {"LastName": f"Many {number:03}"})
    job = finished(fresh, "SELECT LastName FROM Contact ORDER BY LastName")
    first = fresh.sf.get(f"jobs/query/{job}/resultPages").json()
    second = fresh.sf.get(first["nextRecordsUrl"]).json()
    assert (len(first["resultPages"]), first["done"], len(second["resultPages"]), second["done"]) == (5, False, 2, True)
    urls = [one["resultUrl"] for one in [*first["resultPages"], *second["resultPages"]]]
    names = [name for url in urls for (name,) in rows(fresh.sf.get(url))[1:]]
    assert names == [f"Many {number:03}" for number in range(648)]
    assert fresh.sf.get(f"/services/data/v57.0/jobs/query/{job}/resultPages").status_code == 404
    with serving(tmp_path / "observed", salesforce_result_pages="observed") as served:
        job = finished(served, "SELECT Id FROM Account")
        (chunk,) = served.sf.get(f"jobs/query/{job}/resultPages").json()["resultChunks"]
        assert served.sf.get(chunk["resultLink"].lstrip("/")).status_code == 200


def test_polymorphic_parents_are_columns_too(fresh: Served) -> None:
    queue = fresh.emu.salesforce.insert("Group", {"Name": "Inbound", "Type": "Queue"})
    fresh.emu.salesforce.insert("Lead", {"LastName": "A", "Company": "C", "OwnerId": queue})
    fresh.emu.salesforce.insert("Lead", {"LastName": "B", "Company": "C", "OwnerId": ADA})
    job = finished(
        fresh, "SELECT LastName, Owner.Name, Owner.Type, Owner.IsActive, toLabel(Status) FROM Lead ORDER BY LastName"
    )
    assert rows(fresh.sf.get(f"jobs/query/{job}/results")) == [
        ["LastName", "Owner.Name", "Owner.Type", "Owner.IsActive", "Status"],
        ["A", "Inbound", "Group", "", "Open - Not Contacted"],
        ["B", "Ada Sales", "User", "true", "Open - Not Contacted"],
    ]
