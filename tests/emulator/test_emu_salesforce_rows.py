"""Single Salesforce records: reading, writing, conditions, external ids, and every refusal."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.emulator import Change

from .conftest import ACME, ADA, BETA, GONE, IDA, START, Served, serving

ACCOUNT = f"sobjects/Account/{ACME}"


def row(served: Served, id_: str, name: str = "Account") -> dict[str, Any]:
    return next(one for one in served.emu.salesforce.rows(name) if one["Id"] == id_)


def test_sf_row_is_read_with_last_modified(shared: Served) -> None:
    answer = shared.sf.get(f"{ACCOUNT}?fields=Name,Website")
    assert list(answer.json()) == ["attributes", "Name", "Website"]
    assert answer.headers["Last-Modified"] == "Fri, 20 Nov 2026 10:00:00 GMT"
    assert {"Id", "BillingCity", "SystemModstamp", "Protected__c"} <= set(shared.sf.get(ACCOUNT).json())


def test_sf_create_is_201_with_location(fresh: Served) -> None:
    answer = fresh.sf.post("sobjects/Account/", {"Name": "New Co", "Score__c": 2.5})
    body = answer.json()
    assert (answer.status_code, body["success"], body["errors"]) == (201, True, [])
    assert answer.headers["Location"] == f"/services/data/v68.0/sobjects/Account/{body['id']}"
    created = row(fresh, body["id"])
    assert (created["Name"], created["Score__c"], created["IsDeleted"]) == ("New Co", 2.5, False)
    user = fresh.sf.get("/services/oauth2/userinfo").json()["user_id"]
    assert {created[name] for name in ("OwnerId", "CreatedById", "LastModifiedById")} == {user}
    assert created["SystemModstamp"] == "2026-11-23T09:00:00.000+0000"


def test_sf_update_is_204_and_bumps_the_stamps(fresh: Served) -> None:
    answer = fresh.sf.patch(ACCOUNT, {"Name": "Acme plc"})
    assert (answer.status_code, answer.content, answer.headers.get("Location")) == (204, b"", None)
    after = row(fresh, ACME)
    assert (after["Name"], after["SystemModstamp"]) == ("Acme plc", "2026-11-23T09:00:00.000+0000")
    assert after["LastModifiedDate"] == after["SystemModstamp"]
    assert after["LastModifiedById"] != after["OwnerId"]


def test_an_update_is_logged_field_by_field(fresh: Served) -> None:
    request = fresh.sf.patch(ACCOUNT, {"Name": "Acme plc", "Website": "acme.com", "Industry": None}).headers[
        "X-Request-Id"
    ]
    who = ("integration@example.com", request)
    assert fresh.emu.changes == [
        Change(START, "salesforce", "Account", ACME, "Name", "Acme Ltd", "Acme plc", *who),
        Change(START, "salesforce", "Account", ACME, "Industry", "Technology", None, *who),
    ]
    assert fresh.emu.redundant_writes == 0


def test_an_update_that_changes_nothing_is_redundant(fresh: Served) -> None:
    before = row(fresh, ACME)
    values = {"Name": "Acme Ltd", "Score__c": "1.50", "Until__c": "2027-01-31", "OwnerId": ADA[:15], "Site": ""}
    assert fresh.sf.patch(ACCOUNT, values).status_code == 204
    assert (row(fresh, ACME), fresh.emu.changes, fresh.emu.redundant_writes) == (before, [], 1)


def test_sf_delete_keeps_a_tombstone(fresh: Served) -> None:
    assert fresh.sf("DELETE", ACCOUNT).status_code == 204
    answer = fresh.sf.get(ACCOUNT)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
    assert fresh.sf.patch(ACCOUNT, {"Name": "x"}).json()[0]["errorCode"] == "ENTITY_IS_DELETED"
    assert row(fresh, ACME)["IsDeleted"] is True
    assert len(fresh.sf.records(f"SELECT Id FROM Account WHERE Id = '{ACME}'", "queryAll")) == 1


@pytest.mark.parametrize(
    ("path", "code"),
    [(f"sobjects/Account/{GONE}", "ENTITY_IS_DELETED"), ("sobjects/Account/001000000000009AAA", "NOT_FOUND"),
     ("sobjects/Account/short", "NOT_FOUND"), ("sobjects/Nothing__c/001000000000009AAA", "NOT_FOUND"),
     ("sobjects/Account/001000000000001AAB", "NOT_FOUND"), ("nonsense", "NOT_FOUND")],
)  # fmt: skip
def test_what_is_not_there_is_404(shared: Served, path: str, code: str) -> None:
    answer = shared.sf.get(path)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, code)


REFUSED = [
    ({"Nonsense__c": 1}, "INVALID_FIELD"),
    ({"CreatedDate": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ({"Id": ACME}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ({"Name": "x" * 256}, "STRING_TOO_LONG"),
    ({"Name": None}, "REQUIRED_FIELD_MISSING"),
    ({"Name": 5}, "JSON_PARSER_ERROR"),
    ({"Until__c": "31.01.2027"}, "JSON_PARSER_ERROR"),
    ({"Until__c": "2027-02-30"}, "JSON_PARSER_ERROR"),
    ({"Until__c": "2027-01-31T00:00:00Z"}, "JSON_PARSER_ERROR"),
    ({"Score__c": "many"}, "JSON_PARSER_ERROR"),
    ({"Score__c": True}, "JSON_PARSER_ERROR"),
    ({"NumberOfEmployees": 10**9}, "NUMBER_OUTSIDE_VALID_RANGE"),
    ({"Protected__c": "maybe"}, "JSON_PARSER_ERROR"),
    ({"Status__c": "Foo"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
    ({"OwnerId": "005000000000009AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
    ({"OwnerId": ACME}, "INVALID_CROSS_REFERENCE_KEY"),
    ({"OwnerId": "Ada"}, "MALFORMED_ID"),
    ({"OwnerId": IDA}, "INACTIVE_OWNER_OR_USER"),
    ({"ParentId": GONE}, "INVALID_CROSS_REFERENCE_KEY"),
    ({"Number__c": "b-2"}, "DUPLICATE_VALUE"),
]


@pytest.mark.parametrize(("values", "code"), REFUSED, ids=[f"{next(iter(one))}-{code}" for one, code in REFUSED])
def test_a_wrong_value_is_refused_and_nothing_is_written(shared: Served, values: dict[str, Any], code: str) -> None:
    answer = shared.sf.patch(ACCOUNT, {"Site": "never written", **values})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
    assert row(shared, ACME)["Site"] is None


def test_free_picklists_take_any_value(fresh: Served) -> None:
    assert fresh.sf.patch(ACCOUNT, {"Industry": "Something new"}).status_code == 204


def test_a_record_of_an_inactive_owner_may_be_edited(fresh: Served) -> None:
    fresh.emu.salesforce.edit("User", ADA, {"IsActive": False})
    assert fresh.sf.patch(ACCOUNT, {"Site": "HQ", "OwnerId": ADA}).status_code == 204


def test_missing_required_fields_are_named(shared: Served) -> None:
    (error,) = shared.sf.post("sobjects/Opportunity", {"Name": "x"}).json()
    assert error["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert error["fields"] == ["StageName", "CloseDate"]


def test_a_stage_decides_closed_and_won(fresh: Served) -> None:
    won, odd = row(fresh, "006000000000001AAA", "Opportunity"), row(fresh, "006000000000002AAA", "Opportunity")
    assert (won["IsClosed"], won["IsWon"], won["Probability"]) == (True, True, 100)
    assert (odd["IsClosed"], odd["IsWon"]) == (False, True)  # no stage row: the file's own value
    fresh.sf.patch("sobjects/Opportunity/006000000000001AAA", {"StageName": "Closed Lost"})
    lost = row(fresh, "006000000000001AAA", "Opportunity")
    assert (lost["IsClosed"], lost["IsWon"], lost["Probability"]) == (True, False, 0)


def test_sf_if_unmodified_since_guards_an_update(fresh: Served) -> None:
    def conditional(moment: str) -> int:
        return fresh.sf.patch(ACCOUNT, {"Site": moment[:20]}, headers={"If-Unmodified-Since": moment}).status_code

    seen = "Fri, 20 Nov 2026 10:00:00 GMT"
    assert conditional("Fri, 20 Nov 2026 09:59:59 GMT") == 412
    assert conditional("nonsense") == 400
    assert fresh.emu.changes == []
    assert conditional(seen) == 204
    assert conditional(seen) == 412  # our own write counts as well
    assert conditional(format_datetime(START, usegmt=True)) == 204  # one-second granularity


def test_sf_if_modified_since_saves_a_read(shared: Served) -> None:
    def read(moment: str) -> int:
        return shared.sf.get(ACCOUNT, headers={"If-Modified-Since": moment}).status_code

    assert read("Fri, 20 Nov 2026 10:00:00 GMT") == 304
    assert read("Fri, 20 Nov 2026 09:59:59 GMT") == 200


def test_sf_upsert_by_external_id(fresh: Served) -> None:
    created = fresh.sf.patch("sobjects/Account/Number__c/N%2F9", {"Name": "Nine"})
    assert (created.status_code, created.json()["created"]) == (201, True)
    assert row(fresh, created.json()["id"])["Number__c"] == "N/9"
    updated = fresh.sf.patch("sobjects/Account/Number__c/n%2F9", {"Name": "Nine plc"})
    assert (updated.status_code, updated.json()["created"], updated.json()["id"]) == (200, False, created.json()["id"])
    only = fresh.sf.patch("sobjects/Account/Number__c/none?updateOnly=true", {"Name": "x"})
    assert only.status_code == 404
    assert fresh.sf.patch("sobjects/Account/Number__c/A-1", {"Number__c": "A-1"}).status_code == 400
    assert fresh.sf.patch("sobjects/Account/Website/acme.com", {"Name": "x"}).status_code == 404
    assert fresh.sf.get("sobjects/Account/Number__c/A-1").json()["Id"] == ACME


def test_sf_ambiguous_external_id_is_300(fresh: Served) -> None:
    for _ in range(2):
        fresh.emu.salesforce.insert("Deal_Reg__c", {"Name": "twin", "Reference__c": "same"})
    answer = fresh.sf.patch("sobjects/Deal_Reg__c/Reference__c/same", {"Name": "x"})
    assert answer.status_code == 300
    assert len(answer.json()) == 2
    assert answer.json()[0].startswith("/services/data/v68.0/sobjects/Deal_Reg__c/a")


def test_a_person_edits_as_a_person(fresh: Served) -> None:
    fresh.clock.advance(timedelta(minutes=5))
    fresh.emu.salesforce.edit("Account", BETA, {"Name": "Beta AG"}, user="ada@example.com")
    (change,) = fresh.emu.changes
    assert (change.by, change.request, change.after) == ("ada@example.com", None, "Beta AG")
    after = row(fresh, BETA)
    assert (after["LastModifiedById"], after["SystemModstamp"]) == (ADA, "2026-11-23T09:05:00.000+0000")


def test_post_may_stand_for_patch(fresh: Served) -> None:
    assert fresh.sf.post(f"{ACCOUNT}?_HttpMethod=PATCH", {"Name": "Tunnelled"}).status_code == 204
    assert row(fresh, ACME)["Name"] == "Tunnelled"


def test_a_broken_body_is_a_parser_error(shared: Served) -> None:
    for body in ("{", "[1]", ""):
        answer = shared.sf("PATCH", ACCOUNT, data=body)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_sf_wrong_media_type_is_415(fresh: Served) -> None:
    text, form = {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}
    for headers in (text, form):
        answer = fresh.sf("PATCH", ACCOUNT, data='{"Name":"x"}', headers=headers)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert fresh.emu.changes == []
    usual = {"Content-Type": "application/json; charset=utf-8"}
    assert fresh.sf("PATCH", ACCOUNT, data='{"Name":"x"}', headers=usual).status_code == 204


# --- conditions


def test_sf_entity_tags_are_for_accounts_only(fresh: Served) -> None:
    tag = fresh.sf.get(ACCOUNT).headers["ETag"]
    assert fresh.sf.get(ACCOUNT, headers={"If-None-Match": tag}).status_code == 304
    assert fresh.sf.get(ACCOUNT, headers={"If-None-Match": tag[:-1] + '-gzip"'}).status_code == 304
    assert fresh.sf.get(ACCOUNT, headers={"If-Match": '"other"'}).status_code == 412
    assert fresh.sf.patch(ACCOUNT, {"Site": "A"}, headers={"If-Match": f'"other", {tag}'}).status_code == 204
    assert fresh.sf.patch(ACCOUNT, {"Site": "B"}, headers={"If-Match": tag}).status_code == 412
    again = fresh.sf.get(ACCOUNT).headers["ETag"]
    assert fresh.sf.patch(ACCOUNT, {"Site": "B"}, headers={"If-None-Match": again}).status_code == 412
    assert fresh.sf.patch(ACCOUNT, {"Site": "B"}, headers={"If-Match": "no quotes"}).status_code == 400
    deal = "sobjects/Opportunity/006000000000001AAA"
    assert "ETag" not in fresh.sf.get(deal).headers
    assert fresh.sf.patch(deal, {"NextStep": "x"}, headers={"If-Match": '"other"'}).status_code == 204


def test_sf_deletes_know_no_conditions(fresh: Served) -> None:
    stale = {"If-Unmodified-Since": "Fri, 20 Nov 2026 09:00:00 GMT"}
    assert fresh.sf("DELETE", ACCOUNT, headers=stale).status_code == 204


def test_an_upsert_keeps_conditions(fresh: Served) -> None:
    stale = {"If-Unmodified-Since": "Fri, 20 Nov 2026 09:00:00 GMT"}
    assert fresh.sf.patch("sobjects/Account/Number__c/A-1", {"Site": "x"}, headers=stale).status_code == 412
    assert fresh.emu.changes == []


def test_sf_412_body(fresh: Served, tmp_path: Path) -> None:
    stale = {"If-Unmodified-Since": "Fri, 20 Nov 2026 09:00:00 GMT"}
    answer = fresh.sf.patch(ACCOUNT, {"Site": "x"}, headers=stale)
    assert answer.json()[0]["errorCode"] == "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE"
    with serving(tmp_path, salesforce_412_body="empty") as other:
        answer = other.sf.patch(ACCOUNT, {"Site": "x"}, headers=stale)
        assert (answer.status_code, answer.content) == (412, b"")


# --- external ids


def test_sf_upsert_update_names_the_place(fresh: Served) -> None:
    answer = fresh.sf.patch(f"sobjects/Account/Id/{ACME}?updateOnly=true", {"Site": "HQ"})
    assert (answer.status_code, answer.json()) == (200, {"id": ACME, "success": True, "errors": [], "created": False})
    assert answer.headers["Location"] == f"/services/data/v68.0/sobjects/Account/{ACME}"


def test_sf_upsert_before_46_does_not_say_created(fresh: Served) -> None:
    base = "/services/data/v45.0/sobjects/Account/Number__c"
    made = fresh.sf.patch(f"{base}/N-9", {"Name": "Nine"})
    assert (made.status_code, "created" in made.json()) == (201, False)
    updated = fresh.sf.patch(f"{base}/N-9", {"Name": "Nine plc"})
    assert (updated.status_code, updated.content) == (204, b"")


def test_sf_external_id_that_ends_like_a_file_is_404(fresh: Served) -> None:
    for method, body in (("GET", None), ("PATCH", {"Name": "x"}), ("DELETE", None)):
        answer = fresh.sf(method, "sobjects/Deal_Reg__c/Reference__c/ref%2F1.inc", json=body)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    body = {"records": [{"attributes": {"type": "Deal_Reg__c"}, "Reference__c": "ref/1.inc", "Name": "x"}]}
    (result,) = fresh.sf.patch("composite/sobjects/Deal_Reg__c/Reference__c", body).json()
    assert (result["success"], result["created"]) == (True, False)


def test_sf_row_is_deleted_by_external_id(fresh: Served) -> None:
    assert fresh.sf("DELETE", "sobjects/Account/Number__c/A-1").status_code == 204
    assert fresh.sf("DELETE", "sobjects/Account/Number__c/A-1").status_code == 404
    assert fresh.sf.get(ACCOUNT).json()[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_sf_parent_may_be_named_by_external_id(fresh: Served) -> None:
    assert fresh.sf.patch(ACCOUNT, {"Parent": {"Number__c": "B-2"}}).status_code == 204
    assert row(fresh, ACME)["ParentId"] == BETA
    owner = fresh.sf.patch(ACCOUNT, {"Owner": {"attributes": {"type": "User"}, "Username": "ada@example.com"}})
    assert (owner.status_code, row(fresh, ACME)["OwnerId"]) == (204, ADA)
    lost = fresh.sf.patch(ACCOUNT, {"Parent": {"Number__c": "nowhere"}})
    assert (lost.status_code, lost.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    assert "Foreign key external ID: nowhere not found" in lost.json()[0]["message"]
    for wrong in ({"Number__c": "B-2", "Id": BETA}, {"Site": "x"}, {}):
        assert fresh.sf.patch(ACCOUNT, {"Parent": wrong}).status_code == 400


def test_post_to_id_creates(fresh: Served) -> None:
    assert fresh.sf.post("sobjects/Account/Id", {"Name": "New"}).status_code == 201
    assert fresh.sf.post(ACCOUNT, {"Name": "New"}).status_code == 405


def test_sf_a_save_that_changes_nothing(fresh: Served, tmp_path: Path) -> None:
    before = row(fresh, ACME)
    fresh.sf.patch(ACCOUNT, {"Name": "Acme Ltd"})
    assert (row(fresh, ACME), fresh.emu.redundant_writes) == (before, 1)
    with serving(tmp_path, salesforce_unchanged_save="stamps") as other:
        other.sf.patch(ACCOUNT, {"Name": "Acme Ltd"})
        assert row(other, ACME)["SystemModstamp"] == "2026-11-23T09:00:00.000+0000"
        assert (other.emu.changes, other.emu.redundant_writes) == ([], 1)


@pytest.mark.parametrize("version", [31, 45, 46, 59, 68])
def test_sf_every_version_writes_alike(fresh: Served, version: int) -> None:
    base = f"/services/data/v{version}.0"
    made = fresh.sf.post(f"{base}/sobjects/Account", {"Name": "x"})
    assert made.headers["Location"] == f"{base}/sobjects/Account/{made.json()['id']}"
    records = [{"attributes": {"type": "Account"}, "id": made.json()["id"], "Site": "HQ"}]
    assert fresh.sf.patch(f"{base}/composite/sobjects", {"records": records}).json()[0]["success"]
