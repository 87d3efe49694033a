"""Writing to Salesforce: what each answer proves of each row, upserts, locks, and several calls at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from syncd.connectors.salesforce import write as sending
from syncd.connectors.wrappers import Retrying
from syncd.errors import AuthFailed, QuotaExhausted, UserError
from syncd.model import Receipt, ReceiptKind, Ref, Upsert, Write, WriteGroup

from .stub import Say, Stub
from .worlds import FakeClock
from .worlds_salesforce import DATA, DESCRIBE, SalesforceWorld, on_stub, record, refusal

APPLIED, FAILED, RETRY, UNKNOWN = ReceiptKind.APPLIED, ReceiptKind.FAILED, ReceiptKind.RETRY, ReceiptKind.UNKNOWN
COLLECTIONS = f"PATCH {DATA}/composite/sobjects"
KEYED = {**DESCRIBE, "fields": [*DESCRIBE["fields"], {"name": "Key__c", "type": "string", "externalId": True}]}  # type: ignore[misc]


def id_of(number: int) -> str:
    """The id of the account with this number."""
    return str(record(number)["Id"])


def write(number: int, **fields: Any) -> Write:
    """A change of one account."""
    return Write(number, Ref("x", "Account", id_of(number)), WriteGroup.STAMP, fields or {"Name": f"v{number}"})


def ok(*numbers: int) -> list[dict[str, Any]]:
    """What a Collections request says of rows that were changed."""
    return [{"id": id_of(n), "success": True, "errors": []} for n in numbers]


def no(code: str, **more: Any) -> dict[str, Any]:
    """What it says of a row that was not."""
    return {"success": False, "errors": [{"statusCode": code, "message": "…", "fields": []}], **more}


def kinds(receipts: Sequence[Receipt]) -> list[ReceiptKind]:
    """The kinds of receipts, in their order."""
    return [r.kind for r in receipts]


# --- what an answer proves


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (ok(1, 2, 3), [APPLIED, APPLIED, APPLIED]),
        (ok(3, 1, 2), [APPLIED, APPLIED, APPLIED]),
        (ok(1, 2), [APPLIED, APPLIED, UNKNOWN]),
        (ok(3), [UNKNOWN, UNKNOWN, APPLIED]),
        (ok(1, 2, 3, 4), [APPLIED, APPLIED, APPLIED]),
        ([no("DUPLICATE_VALUE"), *ok(2, 3)], [FAILED, APPLIED, APPLIED]),
        ([*ok(2, 1), no("DUPLICATE_VALUE")], [APPLIED, APPLIED, UNKNOWN]),
        ([*ok(2, 1), no("DUPLICATE_VALUE", id=id_of(3))], [APPLIED, APPLIED, FAILED]),
        (ok(1, 1, 2), [UNKNOWN, APPLIED, UNKNOWN]),
        ([], [UNKNOWN, UNKNOWN, UNKNOWN]),
    ],
    ids=["in order", "reordered", "shorter", "one only", "longer", "a refused row has no id",
         "reordered beside a refused row", "a refused row has its id", "one id twice", "nothing"],
)  # fmt: skip
def test_a_result_is_matched_by_place_or_by_id_and_what_is_not_matched_is_unknown(
    stub: Stub, clock: FakeClock, results: Any, expected: list[ReceiptKind]
) -> None:
    """F61, F65. A success without results proves nothing; a list that does not fit proves only what it names."""
    stub.on(COLLECTIONS, Say(body=results))
    receipts = on_stub(stub, clock).write("Account", [write(n) for n in (1, 2, 3)])
    assert kinds(receipts) == expected
    assert [r.write_id for r in receipts] == [1, 2, 3]


def test_only_the_locked_row_may_be_sent_again(org: SalesforceWorld) -> None:
    """F60, F63. The others of its call are applied."""
    ids = [org.create(f"C{n}") for n in range(5)]
    before = org.emulator.redundant_writes
    org.emulator.salesforce.lock("Account", ids[2], 60)
    writes = [org.write(id_, "v", n) for n, id_ in enumerate(ids)]
    salesforce = org.connector()
    receipts = salesforce.write("Account", writes)
    assert kinds(receipts) == [APPLIED, APPLIED, RETRY, APPLIED, APPLIED]
    assert receipts[2].code == "UNABLE_TO_LOCK_ROW"
    org.clock.wait(61)
    assert kinds(salesforce.write("Account", [writes[2]])) == [APPLIED]
    assert org.emulator.redundant_writes == before


def test_refusals_of_rows_are_for_good_and_say_why(org: SalesforceWorld) -> None:
    """F62, F69. An inactive owner, a validation rule, a deleted record: none of them spoils the rest of its call."""
    ids = [org.create(f"C{n}") for n in range(4)]
    gone = org.emulator.salesforce.insert(
        "User", {"Username": "gone@example.com", "LastName": "Gone", "Email": "gone@example.com", "Alias": "gone"}
    )
    org.emulator.salesforce.edit("User", gone, {"IsActive": False})
    org.emulator.salesforce.add_validation_rule(
        "Account", "NoSite", "Site", "equals", "forbidden", "Site is forbidden."
    )
    org.delete(ids[2])
    values: list[dict[str, Any]] = [{"OwnerId": gone}, {"Site": "forbidden"}, {"Site": "x"}, {"Site": "x"}]
    writes = [Write(n, Ref("x", "Account", ids[n]), WriteGroup.STAMP, v) for n, v in enumerate(values)]
    receipts = org.connector().write("Account", writes)
    assert kinds(receipts) == [FAILED, FAILED, FAILED, APPLIED]
    assert [r.code for r in receipts[:2]] == ["INACTIVE_OWNER_OR_USER", "FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    assert receipts[1].message == "Site is forbidden."


@pytest.mark.parametrize("language", ["english", "german"])
def test_errors_are_told_by_code_whatever_their_words(stub: Stub, clock: FakeClock, language: str) -> None:
    text = {"english": "unable to obtain exclusive access", "german": "Kein exklusiver Zugriff"}[language]
    locked = {"success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": text}]}
    stub.on(COLLECTIONS, Say(body=[locked]))
    (receipt,) = on_stub(stub, clock).write("Account", [write(1)])
    assert (receipt.kind, receipt.message) == (RETRY, text)


@pytest.mark.parametrize("mode", ["apply_then_drop", "drop_before", "status_after"])
def test_a_write_whose_answer_is_lost_or_an_error_is_unknown_and_not_sent_again(
    org: SalesforceWorld, mode: Any
) -> None:
    """F58, F59. It may have arrived; who reads it back by id finds out."""
    id_ = org.create("Acme")
    salesforce = Retrying(org.connector(), org.clock)
    salesforce.now()
    org.emulator.fail("salesforce", mode, path_prefix=f"{DATA}/composite", status=500, body="<html>")
    (receipt,) = salesforce.write("Account", [org.write(id_, "v")])
    assert receipt.kind is UNKNOWN
    assert org.paths().count(COLLECTIONS) == 1
    (row,) = salesforce.fetch(org.spec, [id_])
    assert row.fields[org.stamp] == (None if mode == "drop_before" else "v")


def test_null_clears_and_nothing_else_is_touched(org: SalesforceWorld) -> None:
    """F66."""
    id_ = org.create("Acme")
    org.emulator.salesforce.edit("Account", id_, {"Site": "here", org.stamp: "x"})
    org.connector().write("Account", [org.write(id_, None)])
    row = next(r for r in org.emulator.salesforce.rows("Account") if r["Id"] == id_)
    assert (row[org.stamp], row["Site"], row["Name"]) == (None, "here", "Acme")


def test_an_assignment_rule_never_takes_a_record_that_we_write(org: SalesforceWorld) -> None:
    ids = [org.create(f"C{n}") for n in range(201)]
    other = org.emulator.salesforce.insert(
        "User", {"Username": "other@example.com", "LastName": "Other", "Email": "other@example.com", "Alias": "other"}
    )
    org.emulator.salesforce.set_assignment_rule("Account", "other@example.com", field=org.stamp)
    salesforce = org.connector()
    receipts = salesforce.write("Account", [org.write(id_, "v", n) for n, id_ in enumerate(ids)])
    assert set(kinds(receipts)) == {APPLIED}
    salesforce.upsert("Account", org.key, [Upsert(1, "k", {org.stamp: "v"})])
    assert other not in {row["OwnerId"] for row in org.emulator.salesforce.rows("Account")}


def test_an_alerting_duplicate_rule_does_not_refuse_what_was_a_duplicate_before(org: SalesforceWorld) -> None:
    ids = [org.create("Twin"), org.create("Twin")]
    org.emulator.salesforce.add_duplicate_rule("Account", "Twins", ["Name"])
    receipts = org.connector().write("Account", [org.write(id_, "v", n) for n, id_ in enumerate(ids)])
    assert kinds(receipts) == [APPLIED, APPLIED]


# --- order


def test_rows_of_one_parent_go_out_together_and_all_in_the_order_of_ids(stub: Stub, clock: FakeClock) -> None:
    """F60. Writers that go the same way wait for each other; those that meet lock each other out."""
    writes = [write(n, AccountId=f"p{n % 2}") for n in (4, 1, 3, 2)]
    stub.on(COLLECTIONS, Say(body=[{"success": True, "errors": []}] * 4))
    receipts = on_stub(stub, clock).write("Account", writes)
    sent = [(r["AccountId"], r["id"]) for r in stub.asked[0].body["records"]]
    assert sent == [("p0", id_of(2)), ("p0", id_of(4)), ("p1", id_of(1)), ("p1", id_of(3))]
    assert [r.write_id for r in receipts] == [4, 1, 3, 2]


# --- several calls at once


class Gate:
    """Lets the first call pass alone and all others only `size` at a time; sees how many are under way at once."""

    def __init__(self, size: int) -> None:
        self.now = self.most = 0
        self._lock, self._barrier, self._first = threading.Lock(), threading.Barrier(size), True

    def watch(self, stub: Stub) -> None:
        """Stand before the stub's answers."""
        answer = stub.answer

        def counted(method: str, path: str) -> Say:
            with self._lock:
                first, self._first = self._first, False
                self.now += 1
                self.most = max(self.most, self.now)
            if not first:
                self._barrier.wait(10)
            said = answer(method, path)
            with self._lock:
                self.now -= 1
            return said

        stub.answer = counted  # type: ignore[method-assign]


def all_applied(stub: Stub) -> None:
    """Every row of every composite call is taken."""
    plain = stub.answer

    def answer(method: str, path: str) -> Say:
        if method != "POST" or path != f"{DATA}/composite":
            return plain(method, path)
        body = [{"success": True, "errors": []}] * 200
        return Say(body={"compositeResponse": [
            {"httpStatusCode": 200, "referenceId": f"c{n}", "body": body} for n in range(5)]})  # fmt: skip

    stub.answer = answer  # type: ignore[method-assign]


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call takes no time, however busy the machine is."""
    monkeypatch.setattr(sending.time, "monotonic", lambda: 0.0)


@pytest.mark.parametrize("writers", [1, 2, 4])
@pytest.mark.usefixtures("instant")
def test_many_writes_go_out_in_so_many_calls_at_once(stub: Stub, clock: FakeClock, writers: int) -> None:
    all_applied(stub)
    gate = Gate(writers)
    gate.watch(stub)
    receipts = on_stub(stub, clock, writers=writers).write("Account", [write(n) for n in range(9_000)])
    assert set(kinds(receipts)) == {APPLIED}
    assert len(stub.asked) == 9
    assert gate.most == writers
    sent = [[r["id"] for sub in a.body["compositeRequest"] for r in sub["body"]["records"]] for a in stub.asked]
    assert sorted(id_ for call in sent for id_ in call) == [id_of(n) for n in range(9_000)]


@pytest.mark.parametrize(("seconds", "room"), [(0.2, 8), (2.0, 3), (20.0, 1)])
def test_an_org_that_is_slow_gets_fewer_calls_at_once(
    monkeypatch: pytest.MonkeyPatch, seconds: float, room: int
) -> None:
    """F29. Long calls are what a small org allows only five of, to everybody together."""
    lane, passed = sending.Lane(8), [0.0]
    monkeypatch.setattr(sending.time, "monotonic", lambda: passed[0])

    def call() -> list[Receipt]:
        passed[0] += seconds
        return []

    assert lane.send(call) == []
    assert lane.room == room
    assert sending.Lane(2).room == 2


def test_rows_that_lock_each_other_out_end_writing_side_by_side() -> None:
    """F60."""
    lane = sending.Lane(8)
    lane.send(lambda: [Receipt(1, APPLIED), Receipt(2, RETRY, "UNABLE_TO_LOCK_ROW")])
    assert lane.room == 1


def test_a_call_that_fails_makes_room_for_the_next() -> None:
    def lost() -> list[Receipt]:
        raise QuotaExhausted

    lane = sending.Lane(1)
    with pytest.raises(QuotaExhausted):
        lane.send(lost)
    assert lane.send(lambda: [Receipt(1, APPLIED)]) == [Receipt(1, APPLIED)]


def test_two_writes_to_one_record_are_never_under_way_at_once(org: SalesforceWorld) -> None:
    ids = [org.create(f"C{n}") for n in range(1_500)]
    first = [org.write(id_, "first", n) for n, id_ in enumerate(ids)]
    second = [org.write(id_, "second", 10_000 + n) for n, id_ in enumerate(ids)]
    receipts = org.connector(writers=4).write("Account", [*first, *second])
    assert set(kinds(receipts)) == {APPLIED}
    assert {org.shown(id_) for id_ in (ids[0], ids[750], ids[1_499])} == {"second"}


def test_what_was_under_way_keeps_its_receipts_when_the_rest_cannot_be_sent(stub: Stub, clock: FakeClock) -> None:
    """F28. A day that ends in the middle: nothing is lost, nothing is claimed, the rest may be sent again."""
    body = [{"success": True, "errors": []}] * 200
    good = Say(body={"compositeResponse": [
        {"httpStatusCode": 200, "referenceId": f"c{n}", "body": body} for n in range(5)]})  # fmt: skip
    over = Say(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED"}], {"Sforce-Limit-Info": "api-usage=100/100"})
    stub.on(f"POST {DATA}/composite", good, good, over)
    salesforce = on_stub(stub, clock, writers=2)
    found = kinds(salesforce.write("Account", [write(n) for n in range(9_000)]))
    assert found.count(APPLIED) == 2_000
    assert found.count(RETRY) == 7_000
    assert len(stub.asked) <= 4
    with pytest.raises(QuotaExhausted):
        salesforce.write("Account", [write(n) for n in range(2_000)])


# --- upserts


def test_an_upsert_names_the_key_in_the_row_and_the_field_in_the_address(stub: Stub, clock: FakeClock) -> None:
    made = {"id": id_of(1), "success": True, "errors": [], "created": True}
    stub.on(f"{COLLECTIONS}/Account/Key__c", Say(body=[made, {**made, "id": id_of(2), "created": False}]))
    rows = [Upsert(1, "acme.inc", {"Name": "a"}), Upsert(2, "b/c", {"Name": "b", "Key__c": "no"})]
    receipts = on_stub(stub, clock, describe=KEYED).upsert("Account", "Key__c", rows)
    assert [(r.record_id, r.created) for r in receipts] == [(id_of(1), True), (id_of(2), False)]
    asked = stub.asked[-1]
    assert [(r["Key__c"], r["Name"]) for r in asked.body["records"]] == [("acme.inc", "a"), ("b/c", "b")]
    assert asked.headers["Sforce-Auto-Assign"] == "FALSE"


def test_a_field_that_is_no_external_id_is_the_users_to_fix_before_anything_is_sent(
    stub: Stub, clock: FakeClock
) -> None:
    with pytest.raises(UserError, match="External ID"):
        on_stub(stub, clock, describe=KEYED).upsert("Account", "Name", [Upsert(1, "k", {})])
    with pytest.raises(UserError, match="no field Nope__c"):
        on_stub(stub, clock, describe=KEYED).upsert("Account", "Nope__c", [Upsert(1, "k", {})])
    assert {a.method for a in stub.asked} == {"GET"}


def test_results_of_upserts_that_do_not_fit_prove_nothing(stub: Stub, clock: FakeClock) -> None:
    """F65. A row that was created has an id that nobody can foresee."""
    stub.on(f"{COLLECTIONS}/Account/Key__c", Say(body=ok(1)))
    rows = [Upsert(1, "a", {}), Upsert(2, "b", {})]
    assert kinds(on_stub(stub, clock, describe=KEYED).upsert("Account", "Key__c", rows)) == [UNKNOWN, UNKNOWN]


def test_a_key_that_several_records_have_is_refused_for_its_row_only(stub: Stub, clock: FakeClock) -> None:
    """F64."""
    several = no("DUPLICATE_EXTERNAL_ID")
    made = {"id": id_of(2), "success": True, "errors": [], "created": True}
    stub.on(f"{COLLECTIONS}/Account/Key__c", Say(body=[several, made]))
    rows = [Upsert(1, "a", {}), Upsert(2, "b", {})]
    assert kinds(on_stub(stub, clock, describe=KEYED).upsert("Account", "Key__c", rows)) == [FAILED, APPLIED]


def test_one_key_twice_is_two_calls_in_order(org: SalesforceWorld) -> None:
    rows = [Upsert(1, "Key", {org.stamp: "first"}), Upsert(2, "key", {org.stamp: "second"})]
    first, second = org.connector().upsert("Account", org.key, rows)
    assert (first.created, second.created) == (True, False)
    assert org.shown(first.record_id) == "second"


def test_many_upserts_cost_a_call_for_each_thousand(org: SalesforceWorld) -> None:
    salesforce = org.connector()
    salesforce.upsert("Account", org.key, [Upsert(0, "k", {})])
    before = salesforce.calls
    receipts = salesforce.upsert("Account", org.key, [Upsert(n, f"k{n}", {org.stamp: "v"}) for n in range(2_500)])
    assert salesforce.calls - before == 3
    assert len({r.record_id for r in receipts if r.created}) == 2_500


# --- rights


def test_an_org_that_lets_us_write_nothing_is_told_before_anything_is_claimed(stub: Stub, clock: FakeClock) -> None:
    stub.on(COLLECTIONS, refusal(403, "INSUFFICIENT_ACCESS"))
    with pytest.raises(AuthFailed):
        on_stub(stub, clock).write("Account", [write(1)])


def test_a_body_is_never_larger_than_the_org_takes(stub: Stub, clock: FakeClock) -> None:
    all_applied(stub)
    stub.on(COLLECTIONS, Say(body=[{"success": True, "errors": []}] * 200))
    on_stub(stub, clock).write("Account", [write(n, Description="x" * 20_000) for n in range(1_000)])
    assert len(stub.asked) > 1
    assert max(len(orjson.dumps(a.body)) for a in stub.asked) < 6_000_000
