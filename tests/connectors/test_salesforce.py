"""Salesforce: its traps in reading, writing and signing in, and what each thing costs in calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from syncd.connectors.budget import salesforce_budget
from syncd.connectors.salesforce import SalesforceClientCredentials, soql
from syncd.connectors.salesforce.ids import long_id
from syncd.connectors.salesforce.shape import Described, Shape
from syncd.connectors.wrappers import Retrying
from syncd.emulator.salesforce.soql import parse
from syncd.errors import AuthFailed, IncompleteRead, QuotaExhausted, Retry, Stop, UserError
from syncd.model import Page, ReadSpec, ReceiptKind, Ref, Stream, Window, Write, WriteGroup

from .stub import Say, Stub
from .worlds import START, FakeClock
from .worlds_salesforce import DATA, DESCRIBE, SalesforceWorld, on_stub, page, record

SPEC = ReadSpec(Stream.ACCOUNTS, "Account", ("Name",))
WINDOW = Window(None, START)
DATE = "Mon, 23 Nov 2026 10:00:00 GMT"


def writes(count: int) -> list[Write]:
    """As many writes, each to its own account."""
    return [Write(n, Ref("x", "Account", f"001{n:012}AAA"), WriteGroup.STAMP, {"Name": f"v{n}"}) for n in range(count)]


# --- reading


def test_an_expired_cursor_goes_on_from_the_last_row(org: SalesforceWorld) -> None:
    """F12."""
    ids = {org.create(f"C{n}") for n in range(4100)}
    spec, salesforce = org.spec, org.connector()
    org.clock.wait(5)
    window = Window(None, salesforce.now())
    body = '[{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]'
    org.emulator.fail("salesforce", "status", path_prefix=f"{DATA}/query/", skip=1, status=400, body=body)
    pages = list(salesforce.pull(spec, window))
    assert {row.id for p in pages for row in p.rows} == ids
    assert sum(len(p.rows) for p in pages) == 4100
    assert [p.last for p in pages] == [False, False, True]
    assert pages[-1].expected == 4100


def test_a_record_edited_while_it_is_read_hides_no_other_after_an_expired_cursor(org: SalesforceWorld) -> None:
    """F06, F12."""
    ids = [org.create(f"C{n}") for n in range(4100)]
    salesforce = org.connector()
    org.clock.wait(5)
    window = Window(None, salesforce.now())
    pull = salesforce.pull(org.spec, window)
    pages = [next(pull)]
    org.clock.wait(60)
    org.rename(ids[3999], "edited")  # comes last on the second page, with a stamp after the window
    pages.append(next(pull))
    assert pages[1].rows[-1].stamp > window.upper
    body = '[{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]'
    org.emulator.fail("salesforce", "status", path_prefix=f"{DATA}/query/", status=400, body=body)
    pages += list(org.connector().pull(org.spec, window, pages[1].position))
    assert {row.id for p in pages for row in p.rows} == set(ids)
    assert pages[-1].last


@pytest.mark.parametrize(
    ("first", "error"),
    [
        (page(record(1), total=2, done=False), IncompleteRead),
        (page(record(1), total=2), IncompleteRead),
        (page(record(1), total=9, done=False, more="https://evil.example/services/data/v68.0/query/01g-1"), Stop),
        (page(record(1), total=9, done=False, more=f"{DATA}/query/0r8-1"), IncompleteRead),
        (Say(body={"done": True, "records": []}), IncompleteRead),
    ],
    ids=["more without a link", "fewer than counted", "link to another host", "link to itself", "no count"],
)
def test_a_pull_that_cannot_come_to_its_end_is_no_success(
    stub: Stub, clock: FakeClock, first: Say, error: type[Exception]
) -> None:
    """F09, F11, F13."""
    stub.on(f"GET {DATA}/queryAll", first)
    stub.on(f"GET {DATA}/query/0r8-1", page(record(2), total=9, done=False, more=f"{DATA}/query/0r8-1"))
    pages: list[Page] = []
    with pytest.raises(error):
        pages.extend(on_stub(stub, clock).pull(SPEC, WINDOW))
    assert not any(p.last for p in pages)
    assert {a.path.partition("?")[0] for a in stub.asked} <= {
        f"{DATA}/sobjects/Account/describe",
        f"{DATA}/queryAll",
        f"{DATA}/query/0r8-1",
    }


def test_a_malformed_record_is_kept_with_its_reason_while_the_rest_goes_on(stub: Stub, clock: FakeClock) -> None:
    broken = record(2, SystemModstamp="yesterday")
    nameless = {k: v for k, v in record(3).items() if k != "Id"}
    stub.on(f"GET {DATA}/queryAll", page(record(1), broken, nameless, "no record at all", record(4)))
    (only,) = on_stub(stub, clock).pull(SPEC, WINDOW)
    assert [row.id for row in only.rows] == [f"001{1:012}AAA", f"001{4:012}AAA"]
    assert [id_ for id_, _ in only.unreadable] == [f"001{2:012}AAA", "None", "?"]
    assert only.last
    assert only.expected == 5


def test_a_field_that_does_not_come_is_the_users_to_fix(stub: Stub, clock: FakeClock) -> None:
    """F57."""
    stub.on(f"GET {DATA}/queryAll", page({k: v for k, v in record(1).items() if k != "Name"}))
    with pytest.raises(UserError, match="Name"):
        list(on_stub(stub, clock).pull(SPEC, WINDOW))


def test_objects_without_deletion_can_be_read_too(org: SalesforceWorld) -> None:
    salesforce = org.connector()
    spec = ReadSpec(Stream.USERS, "User", ("Email", "IsActive", "SystemModstamp"))
    (only,) = salesforce.pull(spec, Window(None, salesforce.now()))
    assert only.rows
    assert set(only.rows[0].fields) == {"Email", "IsActive", "SystemModstamp"}


def test_parents_fields_come_flat_and_by_id_too(org: SalesforceWorld) -> None:
    id_ = org.create("Acme")
    salesforce = org.connector()
    spec = ReadSpec(Stream.ACCOUNTS, "Account", ("Name", "Owner.Email"))
    (only,) = salesforce.pull(spec, Window(None, salesforce.now()))
    assert set(only.rows[0].fields) == {"Name", "Owner.Email"}
    assert "@" in only.rows[0].fields["Owner.Email"]
    assert salesforce.fetch(spec, [id_]) == list(only.rows)
    assert salesforce.check([spec], {}).problems == ()
    wrong = ReadSpec(Stream.ACCOUNTS, "Account", ("Owner.Nope", "Nobody.Email", "name"))
    problems = " ".join(salesforce.check([wrong], {}).problems)
    assert "Nobody" in problems
    assert "is written Name" in problems


def test_a_merged_record_names_its_survivor() -> None:
    described = Described.of(DESCRIBE)
    rows, _ = Shape.of(SPEC, described).rows([record(1, IsDeleted=True, MasterRecordId="001000000000002AAA")])
    assert (rows[0].deleted, rows[0].merged_into) == (True, "001000000000002AAA")
    assert rows[0].stamp == datetime(2026, 5, 6, 11, 56, 44, tzinfo=UTC)


@given(st.text())
def test_no_value_breaks_out_of_its_quotes(value: str) -> None:
    value = "".join(c for c in value if not "\ud800" <= c <= "\udfff")
    text = soql.select(["Id"], "Account", [soql.one_of("Name", [value], "string")])
    condition = parse(text).where
    assert repr(value) in repr(condition) or value == ""


@pytest.mark.parametrize("name", ["Name FROM User", "Name)", "a.b c", "", "1st", "Näme", "a..b", "Name\n"])
def test_names_are_names(name: str) -> None:
    with pytest.raises(UserError):
        soql.name(name)


@pytest.mark.parametrize(
    ("value", "type_"), [("1 OR 1=1", "double"), ("maybe", "boolean"), ("2026-13", "date"), ("now", "datetime")]
)
def test_values_that_are_not_quoted_have_their_form(value: str, type_: str) -> None:
    with pytest.raises(UserError):
        soql.literal(value, type_)


def test_filters_are_typed(org: SalesforceWorld) -> None:
    kept = org.create("Acme")
    org.emulator.salesforce.edit("Account", kept, {"NumberOfEmployees": 7})
    org.create("Other")
    salesforce = org.connector()
    for where in ({"NumberOfEmployees": ("7",)}, {"IsDeleted": ("false",), "Name": ("ACME",)}):
        spec = ReadSpec(Stream.ACCOUNTS, "Account", ("Name",), where=where)
        (only,) = salesforce.pull(spec, Window(None, salesforce.now()))
        assert [row.id for row in only.rows] == [kept]


@pytest.mark.parametrize("short", ["001dM00003jU9Gx", "005dM00000aYf0q", "003dM00001wBXYD", "00DdM00000vfgTu"])
def test_ids_are_kept_long(short: str) -> None:
    """F35."""
    suffix = {"001dM00003jU9Gx": "QAK", "005dM00000aYf0q": "QAC", "003dM00001wBXYD": "QA4", "00DdM00000vfgTu": "UAI"}
    assert long_id(short) == short + suffix[short]
    assert long_id(short + suffix[short]) == short + suffix[short]
    assert long_id(short + "AAA") is None
    assert long_id("x") is None


# --- writing


def test_a_thousand_updates_are_one_call_that_keeps_the_orgs_rules_off(stub: Stub, clock: FakeClock) -> None:
    ok = [{"id": w.ref.id, "success": True, "errors": []} for w in writes(1000)]
    answers = [
        {"httpStatusCode": 200, "referenceId": f"c{n}", "body": ok[n * 200 : n * 200 + 200]} for n in (3, 1, 0, 2, 4)
    ]
    stub.on(f"POST {DATA}/composite", Say(body={"compositeResponse": answers}))
    receipts = on_stub(stub, clock).write("Account", writes(1000))
    assert [r.kind for r in receipts] == [ReceiptKind.APPLIED] * 1000
    (asked,) = stub.asked
    assert asked.headers["Sforce-Auto-Assign"] == "FALSE"
    for sub in asked.body["compositeRequest"]:
        assert sub["httpHeaders"]["Sforce-Auto-Assign"] == "FALSE"
        assert "allowSave=true" in sub["httpHeaders"]["Sforce-Duplicate-Rule-Header"]
        assert len(sub["body"]["records"]) == 200
        assert sub["body"]["allOrNone"] is False


def test_parts_of_a_composite_fail_alone(stub: Stub, clock: FakeClock) -> None:
    """F63."""
    ok = [{"id": w.ref.id, "success": True, "errors": []} for w in writes(200)]
    locked = [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "…"}]
    stub.on(
        f"POST {DATA}/composite",
        Say(
            body={
                "compositeResponse": [
                    {"httpStatusCode": 200, "referenceId": "c0", "body": ok},
                    {"httpStatusCode": 500, "referenceId": "c1", "body": None},
                    {"httpStatusCode": 400, "referenceId": "c2", "body": locked},
                    {"httpStatusCode": 200, "referenceId": "c3", "body": ok[:7]},
                ]
            }
        ),
    )
    receipts = on_stub(stub, clock).write("Account", writes(1000))
    kinds = [{r.kind for r in receipts[n * 200 : n * 200 + 200]} for n in range(5)]
    unknown = {ReceiptKind.UNKNOWN}
    assert kinds == [{ReceiptKind.APPLIED}, unknown, {ReceiptKind.RETRY}, unknown, unknown]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UNABLE_TO_LOCK_ROW", ReceiptKind.RETRY),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", ReceiptKind.FAILED),
        ("INACTIVE_OWNER_OR_USER", ReceiptKind.FAILED),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", ReceiptKind.FAILED),
        ("ENTITY_IS_DELETED", ReceiptKind.FAILED),
        ("SOMETHING_NEW_IN_SPRING", ReceiptKind.FAILED),
    ],
)
def test_rows_are_classed_by_code_and_by_place(stub: Stub, clock: FakeClock, code: str, kind: ReceiptKind) -> None:
    """F61, F69."""
    refused = {"success": False, "errors": [{"statusCode": code, "message": "bitte später", "fields": []}]}
    ok = {"id": writes(2)[1].ref.id, "success": True, "errors": []}
    stub.on(f"PATCH {DATA}/composite/sobjects", Say(body=[refused, ok]))
    first, second = on_stub(stub, clock).write("Account", writes(2))
    assert (first.kind, first.code, first.message) == (kind, code, "bitte später")
    assert second.kind is ReceiptKind.APPLIED


def test_a_row_that_salesforce_cannot_even_read_is_found(stub: Stub, clock: FakeClock) -> None:
    """F62."""
    unreadable = Say(400, [{"errorCode": "JSON_PARSER_ERROR", "message": "Cannot deserialize instance of double"}])
    ok = [{"id": w.ref.id, "success": True, "errors": []} for w in writes(4)]
    stub.on(f"PATCH {DATA}/composite/sobjects", unreadable, Say(body=ok[:2]), unreadable, unreadable, Say(body=ok[3:]))
    receipts = on_stub(stub, clock).write("Account", writes(4))
    applied, failed = ReceiptKind.APPLIED, ReceiptKind.FAILED
    assert [(r.write_id, r.kind) for r in receipts] == [(0, applied), (1, applied), (2, failed), (3, applied)]
    assert receipts[2].code == "JSON_PARSER_ERROR"


def test_a_mistake_in_every_row_does_not_burn_the_quota(stub: Stub, clock: FakeClock) -> None:
    stub.on(f"PATCH {DATA}/composite/sobjects", Say(400, [{"errorCode": "INVALID_FIELD", "message": ""}]))
    kinds = [r.kind for r in on_stub(stub, clock).write("Account", writes(200))]
    assert kinds.count(ReceiptKind.FAILED) == 8
    assert kinds.count(ReceiptKind.RETRY) == 192
    assert len(stub.asked) < 30


@pytest.mark.parametrize("body", [[], [{"success": True}], {"a": 1}, [None, 7], [{"success": True, "id": "other"}] * 2])
def test_an_answer_that_does_not_fit_proves_nothing(stub: Stub, clock: FakeClock, body: Any) -> None:
    """F65."""
    stub.on(f"PATCH {DATA}/composite/sobjects", Say(body=body))
    assert {r.kind for r in on_stub(stub, clock).write("Account", writes(2))} == {ReceiptKind.UNKNOWN}


def test_what_was_sent_keeps_its_receipts_when_the_rest_cannot_be_sent(stub: Stub, clock: FakeClock) -> None:
    ok = [{"id": w.ref.id, "success": True, "errors": []} for w in writes(1000)]
    answers = [{"httpStatusCode": 200, "referenceId": f"c{n}", "body": ok[n * 200 : n * 200 + 200]} for n in range(5)]
    forbidden = Say(403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": ""}])
    stub.on(f"POST {DATA}/composite", Say(body={"compositeResponse": answers}))
    stub.on(f"PATCH {DATA}/composite/sobjects", forbidden)
    salesforce = on_stub(stub, clock)
    receipts = salesforce.write("Account", writes(1003))
    assert {r.kind for r in receipts[:1000]} == {ReceiptKind.APPLIED}
    assert {r.kind for r in receipts[1000:]} == {ReceiptKind.RETRY}
    with pytest.raises(AuthFailed):
        salesforce.write("Account", writes(3))


# --- signing in, limits


def test_an_expired_session_is_renewed_once_and_the_call_keeps_its_headers(stub: Stub, clock: FakeClock) -> None:
    """F23."""
    expired = Say(401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])
    ok = [{"id": w.ref.id, "success": True, "errors": []} for w in writes(2)]
    stub.on("POST /services/oauth2/token", Say(body={"access_token": "one"}), Say(body={"access_token": "two"}))
    stub.on(f"PATCH {DATA}/composite/sobjects", expired, Say(body=ok))
    credentials = SalesforceClientCredentials(stub.url, "id", "secret", emulator=True)
    salesforce = on_stub(stub, clock, credentials=credentials)
    assert {r.kind for r in salesforce.write("Account", writes(2))} == {ReceiptKind.APPLIED}
    assert stub.paths("/services/oauth2") == ["POST /services/oauth2/token"] * 2
    first, second = [a for a in stub.asked if a.method == "PATCH"]
    assert first.headers.pop("Authorization") == "Bearer one"
    assert second.headers.pop("Authorization") == "Bearer two"
    assert first.headers == second.headers
    assert first.body == second.body
    assert salesforce.calls == len(stub.asked) == 4


def test_a_session_that_stays_refused_is_given_up_after_one_renewal(stub: Stub, clock: FakeClock) -> None:
    """F25."""
    expired = Say(401, [{"errorCode": "INVALID_SESSION_ID", "message": ""}])
    stub.on("POST /services/oauth2/token", Say(body={"access_token": "t"}))
    stub.on(f"GET {DATA}/queryAll", expired)
    credentials = SalesforceClientCredentials(stub.url, "id", "secret", emulator=True)
    with pytest.raises(AuthFailed):
        list(Retrying(on_stub(stub, clock, credentials=credentials), clock).pull(SPEC, WINDOW))
    assert stub.paths(f"{DATA}/queryAll") == [f"GET {DATA}/queryAll"] * 2
    assert len(stub.paths("/services/oauth2")) == 2


def test_every_answer_says_how_many_calls_the_orgs_day_has(stub: Stub, clock: FakeClock) -> None:
    """F29."""
    info = "api-usage=5100/15000; per-app-api-usage=17/250(appName=x)"
    stub.on("GET /services/data", Say(body=[], headers={"Sforce-Limit-Info": info, "Date": DATE}))
    budget = salesforce_budget(clock, daily=1_000_000, share=0.5)
    salesforce = on_stub(stub, clock, budget=budget)
    salesforce.now()
    budget.take("call", 7_499)
    with pytest.raises(QuotaExhausted):
        budget.take("call")


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"Sforce-Limit-Info": "api-usage=100007/100000"}, QuotaExhausted),
        ({}, QuotaExhausted),
        ({"Sforce-Limit-Info": "api-usage=12/100000; per-app-api-usage=17/250(appName=x)"}, Retry),
    ],
)
def test_the_days_limit_and_the_moments_are_told_apart_by_the_orgs_count(
    stub: Stub, clock: FakeClock, headers: dict[str, str], error: type[Exception]
) -> None:
    """F28."""
    stub.on(f"GET {DATA}/queryAll", Say(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "…"}], headers))
    with pytest.raises(Retry) as caught:
        list(on_stub(stub, clock).pull(SPEC, WINDOW))
    assert type(caught.value) is error
    assert caught.value.after is not None


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "INVALID_FIELD", UserError),
        (400, "MALFORMED_QUERY", Stop),
        (400, "QUERY_TIMEOUT", Retry),
        (403, "INSUFFICIENT_ACCESS", AuthFailed),
        (410, "UNSUPPORTED_API_VERSION", UserError),
        (420, "", Retry),
        (503, "SERVER_UNAVAILABLE", Retry),
        (302, "", Stop),
    ],
)
def test_refusals_are_classed_by_status_and_code(
    stub: Stub, clock: FakeClock, status: int, code: str, error: type[Exception]
) -> None:
    stub.on(f"GET {DATA}/queryAll", Say(status, [{"errorCode": code, "message": "unerwartet"}]))
    with pytest.raises(error):
        list(on_stub(stub, clock).pull(SPEC, WINDOW))


@pytest.mark.parametrize(("configured", "used"), [("68.0", "67.0"), ("66", "66.0"), ("v65.0", "65.0")])
def test_the_newest_version_that_both_sides_know_is_spoken(
    stub: Stub, clock: FakeClock, configured: str, used: str
) -> None:
    organization = {"referenceId": "organization", "httpStatusCode": 200, "body": {"records": [{"Name": "Acme"}]}}
    stub.on(f"POST /services/data/v{used}/composite", Say(body={"compositeResponse": [organization]}))
    stub.on(f"GET /services/data/v{used}/limits", Say(body={"DailyApiRequests": {"Max": 9}}))
    stub.on("GET /services/data", Say(body=[{"version": v} for v in ("65.0", "66.0", "67.0")]))
    stub.on("GET /services/oauth2/userinfo", Say(body={"organization_id": "00DdM00000vfgTuUAI"}))
    checked = on_stub(stub, clock, version=configured).check([], {})
    assert checked.uid == "salesforce-00DdM00000vfgTuUAI"
    assert checked.facts["api_version"] == used
    assert checked.label == "Acme"
    assert checked.facts["daily_calls"] == {"Max": 9}


def test_simple_salesforce_has_no_way_out_but_our_transport(org: SalesforceWorld) -> None:
    with responses.RequestsMock() as nothing_is_registered:  # patches every adapter of requests
        checked = org.connector().check([org.spec], {})
    assert len(nothing_is_registered.calls) == 0
    assert checked.facts["organization"]["Name"]
    assert checked.facts["daily_calls"]["Max"] > 0


# --- cost


def test_what_reading_and_writing_cost_in_calls(org: SalesforceWorld) -> None:
    ids = [org.create(f"C{n}") for n in range(4001)]
    org.clock.wait(5)
    salesforce = org.connector()
    salesforce.check([org.spec], {})
    checked = salesforce.calls
    upper = salesforce.now()
    list(salesforce.pull(org.spec, Window(None, upper)))
    assert salesforce.calls - checked == 3  # a call per 2,000, and none for the clock
    org.clock.wait(3600)
    before = salesforce.calls
    list(salesforce.pull(org.spec, Window(upper, salesforce.now())))
    assert salesforce.calls - before == 1  # idle: one
    before = salesforce.calls
    salesforce.write("Account", [org.write(id_, "v", n) for n, id_ in enumerate(ids[:2000])])
    assert salesforce.calls - before == 2
    before = salesforce.calls
    salesforce.fetch(org.spec, ids)
    assert salesforce.calls - before == 3
