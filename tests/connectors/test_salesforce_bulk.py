"""Bulk queries: the same rows as page by page, jobs that fail or are forgotten, and results that are damaged."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.connectors.salesforce import bulkcsv
from syncd.connectors.salesforce.pull import Scale
from syncd.connectors.salesforce.shape import Described, Shape
from syncd.connectors.wrappers import Retrying
from syncd.emulator import Variants
from syncd.errors import IncompleteRead, QuotaExhausted, Retry
from syncd.model import Page, ReadSpec, Row, Stream, Window

from .stub import Say, Stub
from .worlds import START, FakeClock
from .worlds_salesforce import DATA, DESCRIBE, SalesforceWorld, on_stub, page, record, refusal, salesforce_world

SPEC = ReadSpec(Stream.ACCOUNTS, "Account", ("Name",))
WINDOW = Window(None, START)
BULK = Scale(slices_from=10**9, bulk_from=300, rows_per_page=200)
JOB = "7500000000000001AA"
MORE = f"{DATA}/query/0r8-1"


def rows_of(pages: list[Page]) -> dict[str, Row]:
    """The rows by id, the last of each."""
    return {row.id: row for p in pages for row in p.rows}


# --- against the emulated org


@pytest.mark.parametrize("numbers", ["java", "plain"])
def test_a_bulk_query_gives_the_very_rows_of_the_rest_api(numbers: Any) -> None:
    """F33. Types, times, empty cells, line feeds, quotes and letters of any kind."""
    fields = ("Name", "Description", "AnnualRevenue", "NumberOfEmployees", "IsPartner", "CreatedDate", "Owner.Email",
              "Owner.IsActive", "Parent.Name", "Site", "LastActivityDate", "OwnerId")  # fmt: skip
    spec = ReadSpec(Stream.ACCOUNTS, "Account", fields)
    with salesforce_world(Variants(salesforce_bulk_numbers=numbers)) as org:
        parent = org.create("Parent")
        texts = ('He said "no",\nthen left\r\n', "naïve – 日本語 🙂", "a,b;c", "  blanks  ", "null", "#N/A", "\u2028")
        for n in range(700):
            id_ = org.create(f"C{n}")
            if n % 3 == 0:
                values = {"Description": texts[n % len(texts)], "AnnualRevenue": [139_000_000, 12.5, 0, 1e12][n % 4]}
                more = {"NumberOfEmployees": n, "IsPartner": n % 2 == 0, "ParentId": parent}
                org.emulator.salesforce.edit("Account", id_, values | more)
        org.delete(parent)
        org.clock.wait(5)
        window = Window(None, org.connector().now())
        paged = rows_of(list(org.connector().pull(spec, window)))
        salesforce = org.connector(scale=BULK)
        pages = list(salesforce.pull(spec, window))
        assert "POST /services/data/v68.0/jobs/query" in org.paths()
        assert rows_of(pages) == paged
        assert sum(len(p.rows) for p in pages) == len(paged)
        told = {id_: {name: type(value) for name, value in row.fields.items()} for id_, row in paged.items()}
        assert {i: {n: type(v) for n, v in row.fields.items()} for i, row in rows_of(pages).items()} == told


def test_a_pull_by_a_bulk_query_is_counted_and_goes_on_after_any_page(org: SalesforceWorld) -> None:
    """F55. The job is in the position before it is waited for, so that nobody makes another one."""
    ids = {org.create(f"C{n}") for n in range(5_000)}
    org.clock.wait(5)
    window = Window(None, org.connector().now())
    pages = list(org.connector(scale=BULK).pull(org.spec, window))
    assert set(rows_of(pages)) == ids
    assert sum(len(p.rows) for p in pages) == pages[-1].expected == len(ids)
    assert [p.last for p in pages] == [False] * (len(pages) - 1) + [True]
    made = org.paths().count("POST /services/data/v68.0/jobs/query")
    for done in range(2, len(pages)):
        position = orjson.loads(orjson.dumps(dict(pages[done - 1].position)))
        rest = list(org.connector(scale=BULK).pull(org.spec, window, position))
        assert set(rows_of(pages[:done])) | set(rows_of(rest)) == ids
        assert sum(len(p.rows) for p in [*pages[:done], *rest]) == len(ids)
    assert org.paths().count("POST /services/data/v68.0/jobs/query") == made


def test_a_large_sweep_is_a_bulk_query_too(org: SalesforceWorld) -> None:
    ids = {org.create(f"C{n}") for n in range(900)}
    pages = list(org.connector(scale=BULK).sweep(org.spec))
    assert set(rows_of(pages)) == ids
    assert sum(len(p.rows) for p in pages) == len(ids)
    assert "POST /services/data/v68.0/jobs/query" in org.paths()


def test_many_rows_of_one_result_come_in_pages(org: SalesforceWorld) -> None:
    """F54. What is held in memory and what is kept as position does not grow with the result."""
    for n in range(5_200):
        org.create(f"C{n}")
    org.clock.wait(5)
    pages = list(org.connector(scale=BULK).pull(org.spec, Window(None, org.connector().now())))
    assert max(len(p.rows) for p in pages) <= 2_000
    assert max(len(orjson.dumps(dict(p.position))) for p in pages) < 1_000


def test_the_days_jobs_used_up_leave_the_rest_api(org: SalesforceWorld) -> None:
    """F30. At once, and without asking for a job again at every read."""
    ids = {org.create(f"C{n}") for n in range(900)}
    org.clock.wait(5)
    salesforce = org.connector(scale=BULK)
    window = Window(None, salesforce.now())
    body = '[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "Max bulk v2 query jobs per 24 hrs has been reached"}]'
    org.emulator.fail("salesforce", "status", path_prefix=f"{DATA}/jobs", times=9, status=403, body=body)
    for _ in range(2):
        pages = list(salesforce.pull(org.spec, window))
        assert set(rows_of(pages)) == ids
    assert org.paths().count("POST /services/data/v68.0/jobs/query") == 1
    org.clock.wait(3_601)
    list(salesforce.pull(org.spec, window))
    assert org.paths().count("POST /services/data/v68.0/jobs/query") == 2


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "INVALIDENTITY"),
        (400, "API_ERROR"),
        (400, "FEATURENOTENABLED"),
        (403, "INSUFFICIENT_ACCESS"),
        (404, "NOT_FOUND"),
    ],
)
def test_an_org_or_object_without_bulk_queries_is_read_page_by_page(
    org: SalesforceWorld, status: int, code: str
) -> None:
    """F31. Never nothing in silence."""
    ids = {org.create(f"C{n}") for n in range(900)}
    org.clock.wait(5)
    salesforce = org.connector(scale=BULK)
    body = orjson.dumps([{"errorCode": code, "message": "…"}]).decode()
    org.emulator.fail("salesforce", "status", path_prefix=f"{DATA}/jobs", status=status, body=body)
    assert set(rows_of(list(salesforce.pull(org.spec, Window(None, salesforce.now()))))) == ids


def test_a_job_that_failed_is_an_error_and_the_next_pull_goes_page_by_page(org: SalesforceWorld) -> None:
    """F31, F32. Its message is told; it is not made again for a day."""
    ids = {org.create(f"C{n}") for n in range(900)}
    org.clock.wait(5)
    org.emulator.salesforce.fail_query_jobs("InternalServerError: the chunk was lost")
    salesforce = org.connector(scale=BULK)
    window = Window(None, salesforce.now())
    with pytest.raises(IncompleteRead, match="the chunk was lost"):
        list(salesforce.pull(org.spec, window))
    pages = list(salesforce.pull(org.spec, window))
    assert set(rows_of(pages)) == ids
    assert org.paths().count("POST /services/data/v68.0/jobs/query") == 1


def test_fields_that_text_cannot_give_are_read_page_by_page(org: SalesforceWorld) -> None:
    """The old and the new value of a history are of any type."""
    org.emulator.salesforce.track_history("Account", ["Name"])
    id_ = org.create("A0")
    for n in range(900):
        org.rename(id_, f"A{n + 1}")
    spec = ReadSpec(Stream.HISTORY, "AccountHistory", ("Field", "OldValue", "NewValue"))
    pages = list(org.connector(scale=BULK).sweep(spec))
    assert sum(len(p.rows) for p in pages) >= 900
    assert "POST /services/data/v68.0/jobs/query" not in org.paths()


# --- word for word


def table(*lines: tuple[Any, ...]) -> bytes:
    """A result of a bulk query."""
    out = StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(("Id", "SystemModstamp", "IsDeleted", "MasterRecordId", "Name"))
    writer.writerows(lines)
    return out.getvalue().encode()


def line(number: int) -> tuple[Any, ...]:
    """A row of it, as `record` is one of a page."""
    return (record(number)["Id"], "2026-05-06T11:56:44.000Z", "false", "", f"N{number}")


def result(*lines: tuple[Any, ...], locator: str = "null", said: int | None = None, body: bytes | None = None) -> Say:
    """A part of a result with its headers."""
    headers = {"Sforce-Locator": locator, "Sforce-NumberOfRecords": str(len(lines) if said is None else said)}
    return Say(body=table(*lines) if body is None else body, headers={**headers, "Content-Type": "text/csv"})


def state(name: str, total: int = 0, **more: Any) -> Say:
    """What a job says of itself."""
    return Say(body={"id": JOB, "state": name, "numberRecordsProcessed": total, **more})


def stand(stub: Stub, total: int, *states: Say, results: tuple[Say, ...] = ()) -> None:
    """An org of which one row came by the first page, and the rest comes by a job."""
    stub.on(f"GET {DATA}/queryAll?q=SELECT%20COUNT", Say(body={"totalSize": total, "done": True, "records": []}))
    stub.on(f"GET {DATA}/queryAll", page(record(0), total=total, done=False, more=MORE))
    stub.on(f"POST {DATA}/jobs/query", state("UploadComplete"))
    stub.on(f"GET {DATA}/jobs/query/{JOB}/results", *results)
    stub.on(f"GET {DATA}/jobs/query/{JOB}", *(states or (state("JobComplete", total - 1),)))


ALWAYS = Scale(slices_from=10**9, bulk_from=1)


def test_a_job_is_polled_on_the_clock_and_asks_for_everything_behind_the_first_page(
    stub: Stub, clock: FakeClock
) -> None:
    stand(stub, 3, state("UploadComplete"), state("InProgress"), state("JobComplete", 2),
          results=(result(line(1), line(2)),))  # fmt: skip
    pages = list(on_stub(stub, clock, scale=ALWAYS).pull(SPEC, WINDOW))
    assert list(rows_of(pages)) == [record(n)["Id"] for n in (0, 1, 2)]
    assert clock.waited == [2.0, 3.0, 4.5]
    (made,) = [a for a in stub.asked if a.method == "POST"]
    assert made.body["operation"] == "queryAll"
    assert made.body["query"] == (
        "SELECT Id,SystemModstamp,IsDeleted,MasterRecordId,Name FROM Account WHERE SystemModstamp <= "
        "2026-11-23T09:00:00Z AND ((SystemModstamp = 2026-05-06T11:56:44Z AND Id > '001000000000000AAA') OR "
        "SystemModstamp > 2026-05-06T11:56:44Z)"
    )
    assert "2,0" not in str([p.position for p in pages])


def test_a_result_comes_in_parts_by_locators(stub: Stub, clock: FakeClock) -> None:
    stand(stub, 4, results=(result(line(1), locator="MTAw a"), result(line(2), line(3)),))  # fmt: skip
    pages = list(on_stub(stub, clock, scale=ALWAYS).pull(SPEC, WINDOW))
    assert len(rows_of(pages)) == 4
    paths = [a.path for a in stub.asked if "/results" in a.path]
    assert paths[0].endswith("results?maxRecords=50000")
    assert paths[1].endswith("&locator=MTAw%20a")


@pytest.mark.parametrize(
    "damaged",
    [
        result(line(1), said=2),
        result(line(1), said=0),
        result(said=2, body=table(line(1), line(2))[:-9]),
        result(said=2, body=table(line(1), line(2))[:-2]),
        result(
            said=2,
            body=table(line(1), ("x", "2026-05-06T11:56:44.000Z", "false", "", "é")).replace(b"\xc3\xa9", b"\xe9"),
        ),
        result(said=1, body=b'"Id","Name"\n"1","x"\n'),
        result(said=1, body=table(("1", "yesterday", "false", "", "x"))),
        result(said=1, body=table(("1", "2026-05-06T11:56:44.000Z", "false", ""))),  # a cell is missing
    ],
    ids=[
        "fewer rows",
        "more rows",
        "cut off",
        "cut in its last cell",
        "latin-1",
        "other columns",
        "no instant",
        "a cell short",
    ],
)
def test_a_damaged_result_is_fetched_again(stub: Stub, clock: FakeClock, damaged: Say) -> None:
    """F33. Fails closed: a row that cannot be read well is no row, and none is left out."""
    stand(stub, 3, results=(damaged, result(line(1), line(2))))
    salesforce = on_stub(stub, clock, scale=ALWAYS)
    with pytest.raises(Retry):
        list(salesforce.pull(SPEC, WINDOW))
    stub.rules.clear()
    stub.asked.clear()
    stand(stub, 3, results=(damaged, result(line(1), line(2))))
    pages = list(Retrying(on_stub(stub, clock, scale=ALWAYS), clock).pull(SPEC, WINDOW))
    assert set(rows_of(pages)) == {record(n)["Id"] for n in (0, 1, 2)}
    assert sum(len(p.rows) for p in pages) == 3


def test_fewer_rows_than_the_job_found_are_no_success(stub: Stub, clock: FakeClock) -> None:
    """F32, F33. Each part may be whole and the whole not."""
    stand(stub, 4, state("JobComplete", 3), results=(result(line(1), line(2)),))
    with pytest.raises(IncompleteRead, match="2 of 3"):
        list(on_stub(stub, clock, scale=ALWAYS).pull(SPEC, WINDOW))


def test_fewer_rows_than_there_are_are_no_success(stub: Stub, clock: FakeClock) -> None:
    """F31. A job that found nothing where there was much."""
    fields = [*DESCRIBE["fields"], {"name": "CreatedDate", "type": "datetime"}]  # type: ignore[misc]
    stand(stub, 4, state("JobComplete", 0), results=(result(),))
    with pytest.raises(IncompleteRead, match="1 of 4"):
        list(on_stub(stub, clock, scale=ALWAYS, describe={**DESCRIBE, "fields": fields}).pull(SPEC, WINDOW))


@pytest.mark.parametrize("gone", [refusal(404, "NOT_FOUND"), refusal(400, "INVALIDJOBSTATE"), Say(410)])
def test_a_job_that_is_forgotten_is_made_again_from_its_beginning(stub: Stub, clock: FakeClock, gone: Say) -> None:
    """F12. Rows may come twice then; none is left out."""
    stand(stub, 3, results=(gone, result(line(1), line(2))))
    pages = list(on_stub(stub, clock, scale=ALWAYS).pull(SPEC, WINDOW))
    assert set(rows_of(pages)) == {record(n)["Id"] for n in (0, 1, 2)}
    assert stub.paths(f"{DATA}/jobs/query").count(f"POST {DATA}/jobs/query") == 2
    assert pages[-1].expected == 3


def test_an_org_that_forgets_every_job_is_not_asked_for_ever(stub: Stub, clock: FakeClock) -> None:
    """F51."""
    stand(stub, 3, refusal(404, "NOT_FOUND"))
    with pytest.raises(IncompleteRead, match="in a row"):
        list(on_stub(stub, clock, scale=ALWAYS).pull(SPEC, WINDOW))
    assert stub.paths(f"{DATA}/jobs/query").count(f"POST {DATA}/jobs/query") == 4


def test_a_job_that_never_ends_is_ended(stub: Stub, clock: FakeClock) -> None:
    """F71. Nothing of ours stays open over there."""
    stand(stub, 3, state("InProgress"))
    stub.on(f"PATCH {DATA}/jobs/query/{JOB}", state("Aborted"))
    began = clock.now()
    with pytest.raises(IncompleteRead, match="was ended"):
        list(on_stub(stub, clock, scale=ALWAYS).pull(SPEC, WINDOW))
    (ended,) = [a for a in stub.asked if a.method == "PATCH"]
    assert ended.body == {"state": "Aborted"}
    assert timedelta(hours=6) < clock.now() - began < timedelta(hours=7)


def test_while_a_job_works_the_caller_may_stop_and_come_back(stub: Stub, clock: FakeClock) -> None:
    stand(stub, 3, state("InProgress"), state("InProgress"), state("JobComplete", 2),
          results=(result(line(1), line(2)),))  # fmt: skip
    pull = on_stub(stub, clock, scale=ALWAYS).pull(SPEC, WINDOW)
    pages = [next(pull), next(pull), next(pull)]
    assert [len(p.rows) for p in pages] == [1, 0, 0]
    pages += on_stub(stub, clock, scale=ALWAYS).pull(SPEC, WINDOW, pages[-1].position)
    assert len(rows_of(pages)) == 3
    assert stub.paths(f"{DATA}/jobs/query").count(f"POST {DATA}/jobs/query") == 1


def test_the_orgs_calls_of_the_day_stop_bulk_queries_too(stub: Stub, clock: FakeClock) -> None:
    """F28."""
    over = Say(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED"}], {"Sforce-Limit-Info": "api-usage=100/100"})
    stub.on(f"POST {DATA}/jobs/query", over)
    stub.on(f"GET {MORE}", over)
    stand(stub, 3)
    with pytest.raises(QuotaExhausted):
        list(on_stub(stub, clock, scale=ALWAYS).pull(SPEC, WINDOW))


SHAPE = Shape.of(SPEC, Described.of(DESCRIBE))
TYPES: dict[str, str | None] = {
    "Id": "id", "SystemModstamp": "datetime", "IsDeleted": "boolean", "MasterRecordId": "reference", "Name": "string",
}  # fmt: skip


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), max_size=30))
def test_any_text_comes_through(texts: list[str]) -> None:
    """F33. NUL, line feeds, quotes, commas, letters of several bytes."""
    lines = [(f"{n}", "2026-05-06T11:56:44.000Z", "false", "", text) for n, text in enumerate(texts)]
    found = [row.fields["Name"] for row in bulkcsv.rows(table(*lines), SHAPE, TYPES)]
    assert found == [text or None for text in texts]


def test_letters_of_several_bytes_survive_every_edge_of_what_is_decoded_at_once() -> None:
    """F33."""
    lines = [(f"{n}", "2026-05-06T11:56:44.000Z", "false", "", "é" * (n % 7) + "日本" * 3_000) for n in range(40)]
    found = [row.fields["Name"] for row in bulkcsv.rows(table(*lines), SHAPE, TYPES)]
    assert found == [each[4] for each in lines]


def test_a_very_long_text_is_one_cell() -> None:
    """F33."""
    body = table(("1", "2026-05-06T11:56:44.000Z", "false", "", '"' * 131_072))
    (row,) = bulkcsv.rows(body, SHAPE, TYPES)
    assert len(row.fields["Name"]) == 131_072


@given(st.one_of(st.integers(-(10**15), 10**15), st.floats(-1e12, 1e12, allow_nan=False).map(lambda v: round(v, 4))))
def test_numbers_are_those_of_json_however_they_are_written(value: int | float) -> None:
    types = {**TYPES, "Name": "double"}
    plain = orjson.loads(orjson.dumps(value))
    for written in {orjson.dumps(value).decode(), repr(float(value)), f"{float(value):.10E}"}:
        body = table(("1", "2026-05-06T11:56:44.000Z", "false", "", written))
        (row,) = bulkcsv.rows(body, SHAPE, types)
        found = row.fields["Name"]
        assert found == pytest.approx(plain, rel=1e-9)
        assert isinstance(found, int) or not float(found).is_integer()


def test_a_type_that_text_cannot_give_keeps_an_object_out_of_bulk() -> None:
    for kind in ("address", "location", "base64", "anyType", None):
        assert not bulkcsv.convertible(SHAPE, {**TYPES, "Name": kind})
    assert bulkcsv.convertible(SHAPE, TYPES)
