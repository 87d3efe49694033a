"""HubSpot: its traps in searching, associating, reading by id and writing, and what each thing costs in calls."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from syncd.connectors.budget import hubspot_budget
from syncd.connectors.credentials import StaticToken
from syncd.connectors.hubspot.paths import cursor_property, paths, plain_type
from syncd.emulator import Variants
from syncd.errors import AuthFailed, IncompleteRead, QuotaExhausted, Retry, UserError
from syncd.model import Page, ReadSpec, ReceiptKind, Stream, Window

from .stub import Say, Stub
from .worlds import START, FakeClock
from .worlds_hubspot import DEALS as SPEC
from .worlds_hubspot import OBJECTS, HubSpotWorld, deal, found, hubspot_world, write
from .worlds_hubspot import stub_connector as connector

# --- reading


def test_more_than_ten_thousand_records_with_one_stamp_all_come(portal: HubSpotWorld) -> None:
    """F07, F38, F39, F40."""
    ids = {portal.create(f"C{n}") for n in range(10_050)}
    hubspot = portal.connector()
    upper = hubspot.now()
    pages = list(hubspot.pull(portal.spec, Window(upper - timedelta(seconds=1), upper)))
    assert sorted(row.id for p in pages for row in p.rows) == sorted(ids)
    assert len({row.stamp for p in pages for row in p.rows}) == 1
    assert hubspot.calls == 1 + 51


def test_a_record_that_leaves_the_window_while_it_is_read_is_no_loss(stub: Stub, clock: FakeClock) -> None:
    """F06."""
    stub.on(f"POST {OBJECTS}/search", found(deal(1), total=3), found(deal(2)), found(deal(1), total=2))
    pages = list(connector(stub, clock).pull(SPEC, Window(START - timedelta(days=9), START)))
    assert [row.id for p in pages for row in p.rows] == ["1", "2"]
    assert pages[-1].last
    assert stub.asked[-1].body["limit"] == 1  # counted again, because three had been announced


def test_records_that_do_not_come_are_missed(stub: Stub, clock: FakeClock) -> None:
    """F09, F11."""
    stub.on(f"POST {OBJECTS}/search", found(deal(1), total=3), found(deal(2)), found(deal(1), total=3))
    pages: list[Page] = []
    with pytest.raises(IncompleteRead):
        pages.extend(connector(stub, clock).pull(SPEC, Window(START - timedelta(days=9), START)))
    assert [p.last for p in pages] == [False, False]
    assert pages[-1].position == {}  # whoever goes on begins anew


def test_pages_that_never_get_on_are_given_up(stub: Stub, clock: FakeClock) -> None:
    """F07, F13."""
    stub.on(f"POST {OBJECTS}/search", found(deal(5), total=9), found(deal(5), total=9), Say(500))
    with pytest.raises(IncompleteRead):
        list(connector(stub, clock).pull(SPEC, Window(None, START)))
    assert len(stub.asked) == 2


def test_a_malformed_record_is_kept_with_its_reason(stub: Stub, clock: FakeClock) -> None:
    broken = deal(2, hs_lastmodifieddate="soon")
    stub.on(f"POST {OBJECTS}/search", found(deal(1), broken, {"id": "3"}, deal(4)))
    (only,) = connector(stub, clock).pull(SPEC, Window(None, START))
    assert [row.id for row in only.rows] == ["1", "4"]
    assert [id_ for id_, _ in only.unreadable] == ["2", "3"]
    assert only.last


@pytest.mark.parametrize(
    ("object_", "expected"),
    [
        ("contacts", "lastmodifieddate"),
        ("0-1", "lastmodifieddate"),
        ("Deals", "hs_lastmodifieddate"),
        ("2-7", "hs_lastmodifieddate"),
    ],
)
def test_each_type_is_searched_by_its_own_stamp(object_: str, expected: str) -> None:
    """F48."""
    assert cursor_property(object_) == expected


def test_contacts_are_found_by_their_own_stamp(portal: HubSpotWorld) -> None:
    """F48."""
    id_ = portal.emulator.hubspot.insert("contacts", {"email": "a@example.com"})
    hubspot = portal.connector()
    upper = hubspot.now()
    spec = ReadSpec(Stream.ACCOUNTS, "contacts", ("email",))
    (only,) = hubspot.pull(spec, Window(upper - timedelta(hours=1), upper))
    assert [row.id for row in only.rows] == [id_]


def test_filters_are_applied_here_where_search_cannot(portal: HubSpotWorld) -> None:
    ids = {n: portal.create(f"Name {n}") for n in range(130)}
    portal.create("other")
    hubspot = portal.connector()
    names = tuple(f"NAME {n}" for n in range(120))
    spec = ReadSpec(Stream.ACCOUNTS, "companies", ("domain",), where={"name": names})
    (only,) = hubspot.pull(spec, Window(None, hubspot.now()))
    assert {row.id for row in only.rows} == {ids[n] for n in range(120)}
    assert set(only.rows[0].fields) == {"domain"}
    empty = ReadSpec(Stream.ACCOUNTS, "companies", ("name",), where={"domain": ("",)})
    assert len(next(iter(hubspot.pull(empty, Window(None, hubspot.now())))).rows) == 131


def test_choices_are_filtered_by_case(portal: HubSpotWorld) -> None:
    won = portal.emulator.hubspot.insert("deals", {"dealname": "a", "dealstage": "closedwon"})
    portal.emulator.hubspot.insert("deals", {"dealname": "b", "dealstage": "closedlost"})
    hubspot = portal.connector()
    spec = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), where={"dealstage": ("closedwon", "contractsent")})
    (only,) = hubspot.pull(spec, Window(None, hubspot.now()))
    assert [row.id for row in only.rows] == [won]
    partner = portal.emulator.hubspot.insert("companies", {"name": "a", "type": "PARTNER"})
    spec = ReadSpec(Stream.ACCOUNTS, "companies", ("name",), where={"type": ("PARTNER", "VENDOR")})
    (only,) = hubspot.pull(spec, Window(None, hubspot.now()))
    assert [row.id for row in only.rows] == [partner]


@pytest.mark.parametrize("to_object_id", ["by_version", "number", "string"])
@pytest.mark.parametrize("missing", ["omit", "error"])
@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_associations_come_beside_their_records(version: str, missing: Any, to_object_id: Any) -> None:
    """F57."""
    variants = Variants(hubspot_to_object_id=to_object_id, hubspot_no_associations=missing)
    with hubspot_world(version, variants) as portal:
        first, second = portal.create("first"), portal.create("second")
        insert = portal.emulator.hubspot.insert
        linked = insert("deals", {"dealname": "linked"}, associations={"companies": [second, first]})
        alone = insert("deals", {"dealname": "alone"})
        hubspot = portal.connector()
        spec = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), associations=("companies",))
        (only,) = hubspot.pull(spec, Window(None, hubspot.now()))
        shown = {row.id: row.fields["associations.companies"] for row in only.rows}
        assert shown[alone] == []
        assert sorted(shown[linked]) == sorted([first, second])
        assert {row.id: row.fields["associations.companies"] for row in hubspot.fetch(spec, [linked, alone])} == shown


def test_the_primary_company_comes_first_and_long_lists_are_read_to_their_end(stub: Stub, clock: FakeClock) -> None:
    stub.on(f"POST {OBJECTS}/search", found(deal(1)))
    stub.on(
        "POST /crm/associations/2026-09/deals/companies/batch/read",
        Say(
            207,
            {
                "results": [
                    {
                        "from": {"id": "1"},
                        "to": [{"toObjectId": 7, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 341}]}],
                        "paging": {"next": {"after": "7"}},
                    }
                ]
            },
        ),
        Say(
            body={
                "results": [
                    {
                        "from": {"id": 1},
                        "to": [{"toObjectId": "9", "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 5}]}],
                    }
                ]
            }
        ),
    )
    spec = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), associations=("companies",))
    (only,) = connector(stub, clock).pull(spec, Window(None, START))
    assert only.rows[0].fields["associations.companies"] == ["9", "7"]
    assert stub.asked[-1].body == {"inputs": [{"id": "1", "after": "7"}]}


def test_owners_are_read_whole(portal: HubSpotWorld) -> None:
    hubspot = portal.connector()
    spec = ReadSpec(Stream.USERS, "owners", ("email", "archived"))
    (only,) = hubspot.pull(spec, Window(None, hubspot.now()))
    assert only.last
    assert only.rows
    assert all("@" in row.fields["email"] for row in only.rows)
    assert hubspot.fetch(spec, [only.rows[0].id]) == [only.rows[0]]
    assert (
        hubspot.check([spec, ReadSpec(Stream.USERS, "owners", ("Name",))], {})
        .problems[0]
        .startswith("Owners have no Name")
    )
    with pytest.raises(UserError):
        hubspot.write("owners", [write(1)])


def test_a_merged_record_answers_with_its_survivor(stub: Stub, clock: FakeClock) -> None:
    """F17, F45."""
    survivor = deal(9, hs_merged_object_ids="3;1")
    stub.on(f"POST {OBJECTS}/batch/read?archived=true", Say(207, {"results": [], "errors": []}))
    stub.on(f"POST {OBJECTS}/batch/read", Say(body={"results": [survivor, deal(2)]}))
    rows = {row.id: row for row in connector(stub, clock).fetch(SPEC, ["1", "2", "5"])}
    assert set(rows) == {"1", "2"}
    assert (rows["1"].deleted, rows["1"].merged_into) == (True, "9")
    assert not rows["2"].deleted


def test_a_survivor_that_forgot_is_still_known_by_elimination(stub: Stub, clock: FakeClock) -> None:
    """F45."""
    stub.on(f"POST {OBJECTS}/batch/read", Say(body={"results": [deal(9), deal(2)]}))
    rows = {row.id: row.merged_into for row in connector(stub, clock).fetch(SPEC, ["1", "2"])}
    assert rows == {"1": "9", "2": None}


# --- writing


def test_a_bad_row_is_found_with_few_calls(portal: HubSpotWorld) -> None:
    """F62."""
    ids = [portal.create(f"C{n}") for n in range(100)]
    hubspot = portal.connector()
    writes = [portal.write(id_, f"v{n}", n) for n, id_ in enumerate(ids)]
    writes[63] = portal.write(ids[63], "many", 63, "numberofemployees")
    before = hubspot.calls
    receipts = hubspot.write("companies", writes)
    assert [r.write_id for r in receipts if r.kind is ReceiptKind.FAILED] == [63]
    assert receipts[63].code.startswith("INVALID_")
    assert sum(r.kind is ReceiptKind.APPLIED for r in receipts) == 99
    assert hubspot.calls - before <= 1 + 2 * 7


def test_a_property_that_is_not_there_is_not_searched_for_row_by_row(portal: HubSpotWorld) -> None:
    """F62."""
    ids = [portal.create(f"C{n}") for n in range(100)]
    hubspot = portal.connector()
    writes = [portal.write(id_, "v", n, "nope" if n % 2 else None) for n, id_ in enumerate(ids)]
    receipts = hubspot.write("companies", writes)
    assert {r.kind for r in receipts[::2]} == {ReceiptKind.APPLIED}
    assert {(r.kind, r.code) for r in receipts[1::2]} == {(ReceiptKind.FAILED, "PROPERTY_DOESNT_EXIST")}
    assert hubspot.calls == 2


def test_a_value_that_one_row_could_not_take_is_not_tried_on_the_others(portal: HubSpotWorld) -> None:
    ids = [portal.create(f"C{n}") for n in range(300)]
    hubspot = portal.connector()
    writes = [portal.write(id_, "many" if n % 3 else "7", n, "numberofemployees") for n, id_ in enumerate(ids)]
    receipts = hubspot.write("companies", writes)
    assert {r.kind for r in receipts[::3]} == {ReceiptKind.APPLIED}
    assert {r.kind for n, r in enumerate(receipts) if n % 3} == {ReceiptKind.FAILED}
    assert hubspot.calls <= 20


def test_a_mistake_in_every_row_does_not_burn_the_quota(stub: Stub, clock: FakeClock) -> None:
    """F28, F62."""
    stub.on(f"POST {OBJECTS}/batch/update", Say(400, {"category": "VALIDATION_ERROR"}))
    kinds = [r.kind for r in connector(stub, clock).write("deals", [write(n) for n in range(1, 101)])]
    assert kinds.count(ReceiptKind.FAILED) == 8
    assert kinds.count(ReceiptKind.RETRY) == 92
    assert len(stub.asked) < 30


def test_receipts_carry_the_records_new_stamp(portal: HubSpotWorld) -> None:
    id_ = portal.create("Acme")
    portal.clock.wait(60)
    hubspot = portal.connector()
    (receipt,) = hubspot.write("companies", [portal.write(id_, "v")])
    (row,) = hubspot.fetch(portal.spec, [id_])
    assert receipt.stamp == row.stamp == portal.clock.now()


@pytest.mark.parametrize("key", ["id", "ids"])
def test_results_and_errors_are_matched_by_id_whatever_their_order(key: Any) -> None:
    """F61, F63."""
    with hubspot_world(variants=Variants(hubspot_not_found_key=key)) as portal:
        ids = [portal.create(f"C{n}") for n in range(3)]
        writes = [portal.write(i, "v", n) for n, i in enumerate([ids[2], "999999999999", ids[0], ids[1]])]
        receipts = portal.connector().write("companies", writes)
    assert [r.kind is ReceiptKind.APPLIED for r in receipts] == [True, False, True, True]
    assert receipts[1].code == "OBJECT_NOT_FOUND"


@pytest.mark.parametrize(
    ("say", "kind"),
    [
        (Say(423, {"category": "LOCKED"}), ReceiptKind.RETRY),
        (Say(429, {"policyName": "TEN_SECONDLY_ROLLING"}), ReceiptKind.RETRY),
        (Say(477, {"category": "MIGRATION_IN_PROGRESS"}, {"Retry-After": "86400"}), ReceiptKind.RETRY),
        (Say(502, b"<html>"), ReceiptKind.UNKNOWN),
        (Say(200, b"<html>"), ReceiptKind.UNKNOWN),
        (Say(200, {"results": []}), ReceiptKind.UNKNOWN),
        (Say(200, {"results": [{"id": "1"}]}), ReceiptKind.APPLIED),
        (Say(400, {"category": "VALIDATION_ERROR"}), ReceiptKind.FAILED),
        (Say(409, {"category": "CONFLICT"}), ReceiptKind.FAILED),
    ],
)
def test_writes_are_classed_by_status(stub: Stub, clock: FakeClock, say: Say, kind: ReceiptKind) -> None:
    """F59, F60, F65."""
    stub.on(f"POST {OBJECTS}/batch/update", say)
    (receipt,) = connector(stub, clock).write("deals", [write(1)])
    assert receipt.kind is kind
    assert len(stub.asked) == 1


def test_a_half_that_gets_lost_does_not_take_the_other_with_it(stub: Stub, clock: FakeClock) -> None:
    """F58."""
    stub.on(
        f"POST {OBJECTS}/batch/update",
        Say(400, {"category": "VALIDATION_ERROR"}),
        Say(body={"results": [deal(1)]}),
        Say(mute=True),
    )
    receipts = connector(stub, clock).write("deals", [write(1), write(2)])
    assert [r.kind for r in receipts] == [ReceiptKind.APPLIED, ReceiptKind.UNKNOWN]


def test_a_write_to_a_merged_record_says_where_it_went(stub: Stub, clock: FakeClock) -> None:
    stub.on(f"POST {OBJECTS}/batch/update", Say(body={"results": [{**deal(9), "objectWriteTraceId": "syncd-1"}]}))
    (receipt,) = connector(stub, clock).write("deals", [write(1)])
    assert (receipt.kind, receipt.code) == (ReceiptKind.APPLIED, "merged")


def test_values_go_out_as_texts_and_nothing_clears(stub: Stub, clock: FakeClock) -> None:
    """F66, F73."""
    stub.on(f"POST {OBJECTS}/batch/update", Say(body={"results": [deal(1)]}))
    connector(stub, clock).write("deals", [write(1, a=None, b=True, c=7, d=Decimal("1E+3"), e="x")])
    assert stub.asked[0].body["inputs"][0]["objectWriteTraceId"] == "syncd-1"
    assert stub.asked[0].body["inputs"][0]["properties"] == {"a": "", "b": "true", "c": "7", "d": "1000", "e": "x"}


def test_a_token_without_write_scopes_is_found_by_check_and_refused_at_a_write(portal: HubSpotWorld) -> None:
    id_ = portal.create("Acme")
    hubspot = portal.connector(credentials=StaticToken(portal.endpoint["limited_access_token"]))
    (problem,) = hubspot.check([portal.spec], {"companies": [portal.stamp]}).problems
    assert "crm.objects.companies.write" in problem
    with pytest.raises(AuthFailed, match=r"crm\.objects\.companies\.write"):
        hubspot.write("companies", [portal.write(id_, "v")])
    assert portal.shown(id_) is None


# --- limits, versions, cost


def test_without_calls_left_nothing_is_sent_and_the_caller_knows(stub: Stub, clock: FakeClock) -> None:
    """F28."""
    budget = hubspot_budget(clock)
    budget.correct("daily", 0, None)
    with pytest.raises(QuotaExhausted):
        connector(stub, clock, budget=budget).write("deals", [write(1)])
    assert stub.asked == []


@pytest.mark.parametrize(
    ("say", "error", "after"),
    [
        (Say(429, {"policyName": "SECONDLY"}), Retry, 1),
        (Say(429, {"policyName": "TEN_SECONDLY_ROLLING"}), Retry, 10),
        (Say(429, b"<html>"), Retry, 10),
        (Say(429, {"policyName": "DAILY"}), QuotaExhausted, 3600),
        (Say(477, {}, {"Retry-After": "5"}), Retry, 5),
    ],
)
def test_limits_say_how_long_to_wait(stub: Stub, clock: FakeClock, say: Say, error: type[Retry], after: int) -> None:
    """F50."""
    stub.on(f"POST {OBJECTS}/search", say)
    with pytest.raises(Retry) as caught:
        list(connector(stub, clock).pull(SPEC, Window(None, START)))
    assert type(caught.value) is error
    assert caught.value.after == timedelta(seconds=after)


def test_versions_and_types_are_known_or_refused() -> None:
    assert paths("2026-09").objects == "/crm/objects/2026-09"
    assert paths("v3").associations == "/crm/v4/associations"
    with pytest.raises(UserError):
        paths("v1")
    assert [plain_type(t) for t in ("Company", "0-2", "companies", "2-123", "p_deal_reg")] == [
        "companies",
        "companies",
        "companies",
        "2-123",
        "p_deal_reg",
    ]
    for hostile in ("../deals", "deals/1", "deals?x", "", "dëals"):
        with pytest.raises(UserError):
            plain_type(hostile)


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_check_goes_through_the_official_client_at_the_version_spoken(version: str) -> None:
    with hubspot_world(version) as portal:
        assert portal.connector().check([portal.spec], {}).problems == ()
        path = "/crm/v3/properties/companies" if version == "v3" else f"/crm/properties/{version}/companies"
        assert f"GET {path}" in portal.paths()


def test_what_reading_and_writing_cost_in_calls(portal: HubSpotWorld) -> None:
    companies = [portal.create(f"C{n}") for n in range(401)]
    insert = portal.emulator.hubspot.insert
    for n in range(1001):
        insert("deals", {"dealname": f"D{n}"}, associations={"companies": [companies[n % 401]]})
    portal.clock.wait(5)
    hubspot = portal.connector()
    upper = hubspot.now()

    def cost(work: Any) -> int:
        before = hubspot.calls
        list(work() or ())
        return hubspot.calls - before

    deals = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), associations=("companies",))
    assert cost(lambda: hubspot.pull(portal.spec, Window(None, upper))) == 3
    assert cost(lambda: hubspot.pull(deals, Window(None, upper))) == 6 + 2
    portal.clock.wait(3600)
    assert cost(lambda: hubspot.pull(deals, Window(upper, upper))) == 1  # idle: one, and none for associations
    assert cost(lambda: hubspot.write("companies", [portal.write(i, "v", n) for n, i in enumerate(companies)])) == 5
    assert cost(lambda: hubspot.fetch(portal.spec, companies)) == 5
