"""HubSpot: what becomes of each row that is written, whatever the answer leaves out, mixes up or refuses."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from syncd.connectors.wrappers import Retrying
from syncd.emulator import Variants
from syncd.errors import QuotaExhausted, UserError
from syncd.model import Receipt, ReceiptKind, Ref, Upsert, Write, WriteGroup

from .stub import Say, Stub
from .worlds import FakeClock
from .worlds_hubspot import OBJECTS, HubSpotWorld, deal, hubspot_world, write
from .worlds_hubspot import stub_connector as connector

UPDATE, UPSERT = f"POST {OBJECTS}/batch/update", f"POST {OBJECTS}/batch/upsert"
UNIQUE = "GET /crm/properties/2026-09/deals/key"
APPLIED, FAILED = ReceiptKind.APPLIED, ReceiptKind.FAILED
RETRY, UNKNOWN = ReceiptKind.RETRY, ReceiptKind.UNKNOWN


def kinds(receipts: list[Receipt]) -> dict[int, ReceiptKind]:
    """What became of each write."""
    return {receipt.write_id: receipt.kind for receipt in receipts}


def on_company(number: int, id_: str, **fields: Any) -> Write:
    """A change of a company."""
    return Write(number, Ref("x", "companies", id_), WriteGroup.STAMP, fields)


# --- answers


def test_results_without_a_word_about_a_row_leave_it_unknown(stub: Stub, clock: FakeClock) -> None:
    """F61, F65."""
    stub.on(UPDATE, Say(body={"status": "COMPLETE", "results": [deal(3), deal(1)]}))
    receipts = connector(stub, clock).write("deals", [write(n) for n in (1, 2, 3)])
    assert kinds(receipts) == {1: APPLIED, 2: UNKNOWN, 3: APPLIED}


@pytest.mark.parametrize("key", ["id", "ids", "objectWriteTraceId"])
@pytest.mark.parametrize("status", [200, 207])
def test_a_partial_answer_is_neither_a_success_nor_a_failure(
    stub: Stub, clock: FakeClock, status: int, key: str
) -> None:
    """F61, F63."""
    name = "syncd-2" if key == "objectWriteTraceId" else "2"
    error = {"status": "error", "category": "VALIDATION_ERROR", "message": "no", "context": {key: [name]}}
    results = [{**deal(n), "objectWriteTraceId": f"syncd-{n}"} for n in (3, 1)]
    stub.on(UPDATE, Say(status, {"status": "COMPLETE", "results": results, "numErrors": 1, "errors": [error]}))
    receipts = connector(stub, clock).write("deals", [write(n) for n in (1, 2, 3)])
    assert kinds(receipts) == {1: APPLIED, 2: FAILED, 3: APPLIED}
    assert receipts[1].code == "VALIDATION_ERROR"


def test_codes_come_from_the_embedded_list_and_never_from_a_sentence(stub: Stub, clock: FakeClock) -> None:
    listed = '[{"isValid":false,"message":"INVALID_EMAIL is not it","error":"INVALID_OPTION","name":"dealname"}]'
    say = Say(400, {"category": "VALIDATION_ERROR", "message": f"Property values were not valid: {listed}"})
    prose = Say(400, {"category": "VALIDATION_ERROR", "message": "INVALID_OPTION and CONFLICT. Existing ID: 7"})
    stub.on(UPDATE, say, prose)
    hubspot = connector(stub, clock)
    assert [r.code for r in hubspot.write("deals", [write(1)])] == ["INVALID_OPTION"]
    (receipt,) = hubspot.write("deals", [write(2)])
    assert (receipt.code, receipt.record_id) == ("VALIDATION_ERROR", "")


def test_a_record_that_is_created_though_an_error_comes_is_not_created_again(portal: HubSpotWorld) -> None:
    """F58, F59."""
    path = portal.reading.replace("search", "batch/upsert")
    portal.emulator.fail("hubspot", "status_after", path_prefix=path, status=500, body="<html>")
    hubspot = Retrying(portal.connector(), portal.clock)
    rows = [Upsert(1, "key-1", {"name": "Acme"})]
    (first,) = hubspot.upsert("companies", portal.key, rows)
    assert first.kind is UNKNOWN
    (again,) = hubspot.upsert("companies", portal.key, rows)
    assert (again.kind, again.created) == (APPLIED, False)
    assert len(portal.emulator.hubspot.rows("companies")) == 1


def test_a_write_whose_answer_is_lost_is_not_sent_again(portal: HubSpotWorld) -> None:
    """F58, F72."""
    id_ = portal.create("Acme")
    portal.lose_answer(applied=True)
    hubspot = Retrying(portal.connector(), portal.clock)
    (receipt,) = hubspot.write("companies", [portal.write(id_, "v")])
    assert receipt.kind is UNKNOWN
    assert len(portal.paths()) == 1
    (row,) = hubspot.fetch(portal.spec, [id_])
    assert row.fields["description"] == "v"


@pytest.mark.parametrize("how", ["locked", "moving"])
def test_what_is_locked_for_a_while_may_be_tried_again(portal: HubSpotWorld, how: str) -> None:
    """F60."""
    id_ = portal.create("Acme")
    if how == "locked":
        portal.emulator.hubspot.lock_type("companies", 30)
    else:
        portal.emulator.hubspot.move_account(30)
    hubspot = portal.connector()
    (receipt,) = hubspot.write("companies", [portal.write(id_, "v")])
    assert receipt.kind is RETRY
    portal.clock.wait(31)
    assert kinds(hubspot.write("companies", [portal.write(id_, "v")])) == {1: APPLIED}


def test_an_owner_who_left_is_refused_for_good(portal: HubSpotWorld) -> None:
    """F69."""
    owner = portal.emulator.hubspot.add_owner("gone@example.com")
    portal.emulator.hubspot.set_owner_archived(owner)
    ids = [portal.create(f"C{n}") for n in range(3)]
    writes = [on_company(0, ids[0], hubspot_owner_id=owner), on_company(1, ids[1], description="v")]
    receipts = portal.connector().write("companies", [*writes, on_company(2, ids[2], hubspot_owner_id="99")])
    assert kinds(receipts) == {0: FAILED, 1: APPLIED, 2: FAILED}
    assert all(receipts[n].code.startswith("INVALID_") for n in (0, 2))


def test_only_the_fields_of_a_write_are_sent(portal: HubSpotWorld) -> None:
    """F70."""
    id_ = portal.create("Acme")
    hubspot = portal.connector()
    hubspot.fetch(portal.spec, [id_])
    portal.emulator.hubspot.edit("companies", id_, {"city": "Leeds", "name": "Acme Ltd"})
    hubspot.write("companies", [portal.write(id_, "v")])
    (row,) = portal.emulator.hubspot.rows("companies")
    assert (row["name"], row["city"], row["description"]) == ("Acme Ltd", "Leeds", "v")


def test_nothing_clears_and_what_is_not_named_stays(portal: HubSpotWorld) -> None:
    """F66, F73."""
    id_ = portal.create("Acme")
    portal.emulator.hubspot.edit("companies", id_, {"city": "Leeds", "numberofemployees": "7"})
    (receipt,) = portal.connector().write("companies", [on_company(1, id_, city=None, numberofemployees=None)])
    (row,) = portal.emulator.hubspot.rows("companies")
    assert receipt.kind is APPLIED
    assert (row["city"], row["numberofemployees"], row["name"]) == (None, None, "Acme")


@pytest.mark.parametrize("scope", ["trigger", "record"])
@pytest.mark.parametrize("error", ["errors", "embedded"])
@pytest.mark.parametrize("batch", ["each", "whole"])
@pytest.mark.parametrize("status", ["207", "200_in_2026_09"])
def test_a_rule_of_the_admin_refuses_its_row_alone_and_only_in_2026_09(
    scope: Any, error: Any, batch: Any, status: Any
) -> None:
    """F62."""
    variants = Variants(
        hubspot_rule_scope=scope,
        hubspot_rule_error=error,
        hubspot_rule_batch=batch,
        hubspot_partial_status=status,
    )
    for version, expected in (("2026-09", FAILED), ("2026-03", APPLIED), ("v3", APPLIED)):
        with hubspot_world(version, variants) as portal:
            portal.emulator.hubspot.add_write_rule(
                "companies", "conditional_required", ["city"], {"description": "protected"}
            )
            ids = [portal.create(f"C{n}") for n in range(9)]
            writes = [portal.write(id_, "protected" if n == 4 else "v", n) for n, id_ in enumerate(ids)]
            receipts = portal.connector().write("companies", writes)
            assert {n: kind for n, kind in kinds(receipts).items() if kind is not APPLIED} == (
                {4: FAILED} if expected is FAILED else {}
            )
            assert [portal.shown(id_) for id_ in ids[:4]] == ["v"] * 4
            if expected is FAILED:
                assert receipts[4].code.startswith("REQUIRED_PROPERTY")


# --- unique values


def test_a_value_that_another_record_holds_names_that_record(portal: HubSpotWorld) -> None:
    """F64."""
    ids = [portal.create(f"C{n}") for n in range(4)]
    portal.emulator.hubspot.edit("companies", ids[0], {portal.key: "taken"})
    writes = [on_company(n, id_, **{portal.key: "taken" if n == 2 else f"k{n}"}) for n, id_ in enumerate(ids)]
    receipts = portal.connector().write("companies", writes[1:])
    assert kinds(receipts) == {1: APPLIED, 2: FAILED, 3: APPLIED}
    assert (receipts[1].code, receipts[1].record_id) == ("CONFLICT", ids[0])


def test_a_record_that_somebody_creates_meanwhile_is_changed_instead(stub: Stub, clock: FakeClock) -> None:
    """F64."""
    stub.on(UNIQUE, Say(body={"hasUniqueValue": True}))
    conflict = {"status": "error", "category": "CONFLICT", "message": "Deal already exists. Existing ID: 9"}
    stub.on(UPSERT, Say(409, conflict), Say(body={"results": [{**deal(9, key="k"), "new": False}]}))
    (receipt,) = connector(stub, clock).upsert("deals", "key", [Upsert(1, "k", {"dealname": "D"})])
    assert (receipt.kind, receipt.record_id, receipt.created) == (APPLIED, "9", False)


@pytest.mark.parametrize("status", [207, 409])
def test_a_row_whose_other_unique_value_is_taken_is_refused_after_a_second_try(
    stub: Stub, clock: FakeClock, status: int
) -> None:
    """F64."""
    stub.on(UNIQUE, Say(body={"hasUniqueValue": True}))
    conflict = {"status": "error", "category": "CONFLICT", "message": "Deal already exists. Existing ID: 9",
                "context": {"id": ["k"]}}  # fmt: skip
    stub.on(UPSERT, Say(409, conflict) if status == 409 else Say(207, {"results": [], "errors": [conflict]}))
    (receipt,) = connector(stub, clock).upsert("deals", "key", [Upsert(1, "k", {"dealname": "D"})])
    assert (receipt.kind, receipt.code, receipt.record_id) == (FAILED, "CONFLICT", "9")
    assert len(stub.paths(OBJECTS)) == 2


# --- upserts


def test_an_upsert_names_the_property_and_the_value_that_find_the_record(stub: Stub, clock: FakeClock) -> None:
    stub.on(UNIQUE, Say(body={"hasUniqueValue": True}))
    stub.on(UPSERT, Say(201, {"results": [{**deal(5, key="k"), "new": True}]}))
    (receipt,) = connector(stub, clock).upsert("deals", "key", [Upsert(1, "k", {"dealname": None})])
    assert stub.asked[-1].body == {
        "inputs": [
            {
                "id": "k",
                "idProperty": "key",
                "properties": {"dealname": "", "key": "k"},
                "objectWriteTraceId": "syncd-1",
            }
        ]
    }
    assert (receipt.record_id, receipt.created, receipt.code) == ("5", True, "")
    assert receipt.stamp is not None


@pytest.mark.parametrize("traced", [True, False])
def test_upserts_are_told_apart_by_trace_or_by_key(stub: Stub, clock: FakeClock, traced: bool) -> None:
    """F61."""
    stub.on(UNIQUE, Say(body={"hasUniqueValue": True}))
    results = [{**deal(50 + n, key=f"k{n}"), "new": n == 2} for n in (3, 2, 1)]
    if traced:
        results = [{**deal(50 + n), "objectWriteTraceId": f"syncd-{n}", "new": n == 2} for n in (3, 2, 1)]
    stub.on(UPSERT, Say(body={"results": results}))
    rows = [Upsert(n, f"k{n}", {"dealname": "D"}) for n in (1, 2, 3, 4)]
    receipts = connector(stub, clock).upsert("deals", "key", rows)
    assert [(r.record_id, r.created) for r in receipts[:3]] == [("51", False), ("52", True), ("53", False)]
    assert receipts[3].kind is UNKNOWN


def test_one_key_twice_is_sent_in_two_calls_in_order(portal: HubSpotWorld) -> None:
    rows = [Upsert(1, "k", {"name": "first"}), Upsert(2, "other", {"name": "x"}), Upsert(3, "k", {"name": "second"})]
    receipts = portal.connector().upsert("companies", portal.key, rows)
    assert [r.created for r in receipts] == [True, True, False]
    assert receipts[0].record_id == receipts[2].record_id
    assert {row["name"] for row in portal.emulator.hubspot.rows("companies")} == {"second", "x"}


@pytest.mark.parametrize(
    "say", [Say(body={"hasUniqueValue": False}), Say(body={"name": "key"}), Say(404, {"category": "OBJECT_NOT_FOUND"})]
)
def test_a_property_that_is_not_unique_creates_nothing(stub: Stub, clock: FakeClock, say: Say) -> None:
    stub.on(UNIQUE, say)
    with pytest.raises(UserError):
        connector(stub, clock).upsert("deals", "key", [Upsert(1, "k", {"dealname": "D"})])
    assert stub.paths() == [UNIQUE]


@pytest.mark.parametrize("name", ["../deals", "a b", "", "naïve", "key?x=1"])
def test_a_name_that_is_none_reaches_no_path(stub: Stub, clock: FakeClock, name: str) -> None:
    with pytest.raises(UserError):
        connector(stub, clock).upsert("deals", name, [Upsert(1, "k", {})])
    assert stub.asked == []


def test_whether_a_property_is_unique_is_asked_once(portal: HubSpotWorld) -> None:
    hubspot = portal.connector()
    for n in range(3):
        hubspot.upsert("companies", portal.key, [Upsert(n, f"k{n}", {"name": "x"})])
    assert hubspot.calls == 1 + 3


def test_contacts_are_found_by_their_address(portal: HubSpotWorld) -> None:
    hubspot = portal.connector()
    first, second = (hubspot.upsert("contacts", "email", [Upsert(n, "a@example.com", {"firstname": f"N{n}"})])[0]
                     for n in (1, 2))  # fmt: skip
    assert (first.created, second.created) == (True, False)
    assert first.record_id == second.record_id


# --- several calls at a time


class Gate:
    """Lets calls through only when several are there together."""

    def __init__(self, stub: Stub, parties: int) -> None:
        self.barrier, self.first, self._answer = threading.Barrier(parties, timeout=5), True, stub.answer
        self._lock = threading.Lock()

    def __call__(self, method: str, path: str) -> Say:
        with self._lock:
            first, self.first = self.first, False
        if not first:
            self.barrier.wait()
        return self._answer(method, path)


def echoing(stub: Stub) -> None:
    """Every update of the stub succeeds."""
    stub.on(UPDATE, Say(body={"results": [deal(n) for n in range(1, 2_001)]}))


def test_calls_go_out_together_after_the_first(stub: Stub, clock: FakeClock) -> None:
    echoing(stub)
    stub.answer = Gate(stub, 4)  # type: ignore[method-assign]
    receipts = connector(stub, clock, writers=4).write("deals", [write(n) for n in range(1, 901)])
    assert [r.write_id for r in receipts] == list(range(1, 901))
    assert {r.kind for r in receipts} == {APPLIED}
    assert len(stub.asked) == 9


def test_a_records_second_change_waits_for_its_first(stub: Stub, clock: FakeClock) -> None:
    echoing(stub)
    writes: list[Write] = []
    for n in range(1, 301):
        again = Write(1_000 + n, Ref("x", "deals", str(n)), WriteGroup.STAMP, {"dealname": "second"})
        writes += [write(n), again]
    receipts = connector(stub, clock, writers=4).write("deals", writes)
    assert {r.kind for r in receipts} == {APPLIED}
    sent = [[(one["id"], one["properties"]["dealname"] == "second") for one in a.body["inputs"]] for a in stub.asked]
    assert [{second for _, second in batch} for batch in sent] == [{False}] * 3 + [{True}] * 3
    assert all(len({id_ for id_, _ in batch}) == len(batch) for batch in sent)


def test_after_a_call_that_broke_no_further_one_is_sent(stub: Stub, clock: FakeClock) -> None:
    stub.on(UPDATE, Say(body={"results": [deal(n) for n in range(1, 101)]}), Say(429, {"policyName": "DAILY"}))
    receipts = connector(stub, clock, writers=2).write("deals", [write(n) for n in range(1, 1_001)])
    assert kinds(receipts[:100]) == {n: APPLIED for n in range(1, 101)}
    assert {r.kind for r in receipts[100:]} == {RETRY}
    assert len(stub.asked) <= 3


def test_a_first_call_that_cannot_be_sent_stops_everything(stub: Stub, clock: FakeClock) -> None:
    stub.on(UPDATE, Say(429, {"policyName": "DAILY"}))
    with pytest.raises(QuotaExhausted):
        connector(stub, clock, writers=4).write("deals", [write(n) for n in range(1, 1_001)])
    assert len(stub.asked) == 1


def test_bad_rows_are_found_in_calls_that_go_out_together(portal: HubSpotWorld) -> None:
    """F62."""
    ids = [portal.create(f"C{n}") for n in range(800)]
    bad = {77, 201, 350, 799}
    writes = [
        on_company(n, id_, numberofemployees=f"many{n}") if n in bad else portal.write(id_, "v", n)
        for n, id_ in enumerate(ids)
    ]
    receipts = portal.connector(writers=4).write("companies", writes)
    assert {n for n, kind in kinds(receipts).items() if kind is FAILED} == bad
    assert sum(r.kind is APPLIED for r in receipts) == 796
