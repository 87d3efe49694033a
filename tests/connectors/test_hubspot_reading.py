"""HubSpot: what reading must not lose, mistake or repeat, whatever search and people do meanwhile."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson
import pytest

from syncd.connectors.wire import Timeouts
from syncd.connectors.wrappers import Retrying
from syncd.emulator import Variants
from syncd.errors import IncompleteRead, Retry, UserError
from syncd.model import Page, ReadSpec, Row, Stream, Window

from .stub import Say, Stub
from .worlds import START, FakeClock
from .worlds_hubspot import DEALS, EVERYTHING, OBJECTS, STAMP, HubSpotWorld, deal, found, hubspot_world
from .worlds_hubspot import stub_connector as connector

HOUR = timedelta(hours=1)
LINKED = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), associations=("companies",))


def rows_of(portal: HubSpotWorld, spec: ReadSpec | None = None, window: Window | None = None) -> dict[str, Row]:
    """What a pull shows, by id."""
    hubspot = portal.connector()
    pages = hubspot.pull(spec or portal.spec, window or Window(None, hubspot.now()))
    return {row.id: row for page in pages for row in page.rows}


def asked_between(stub: Stub) -> dict[str, str]:
    """The bounds of the first search."""
    (bounds,) = [f for f in stub.asked[0].body["filterGroups"][0]["filters"] if f["operator"] == "BETWEEN"]
    return {name: bounds[name] for name in ("propertyName", "value", "highValue")}


# --- windows


def test_both_ends_of_a_window_are_asked_for_in_milliseconds(stub: Stub, clock: FakeClock) -> None:
    """F01, F03, F56."""
    stub.on(f"POST {OBJECTS}/search", found())
    lower, upper = START - HOUR + timedelta(milliseconds=250), START
    list(connector(stub, clock).pull(DEALS, Window(lower, upper)))
    assert asked_between(stub) == {
        "propertyName": "hs_lastmodifieddate",
        "value": "1795420800250",
        "highValue": "1795424400000",
    }


@pytest.mark.parametrize("hours", [-11, 0, 5.75, 14])
def test_the_zone_in_which_a_window_is_told_does_not_matter(stub: Stub, clock: FakeClock, hours: float) -> None:
    """F37."""
    stub.on(f"POST {OBJECTS}/search", found())
    zone = timezone(timedelta(hours=hours))
    list(connector(stub, clock).pull(DEALS, Window((START - HOUR).astimezone(zone), START.astimezone(zone))))
    assert asked_between(stub)["value"] == "1795420800000"


def test_a_first_pull_has_no_start_date(stub: Stub, clock: FakeClock) -> None:
    """F08."""
    stub.on(f"POST {OBJECTS}/search", found(deal(1, hs_lastmodifieddate="2009-01-01T00:00:00Z")))
    (page,) = connector(stub, clock).pull(DEALS, EVERYTHING)
    assert [row.stamp.year for row in page.rows] == [2009]
    assert [f["operator"] for f in stub.asked[0].body["filterGroups"][0]["filters"]] == ["GT"]


@pytest.mark.parametrize("year", [1970, 2999])
def test_absurd_windows_are_asked_for_as_they_are(stub: Stub, clock: FakeClock, year: int) -> None:
    """T15."""
    stub.on(f"POST {OBJECTS}/search", found())
    lower = datetime(year, 1, 1, tzinfo=START.tzinfo)
    list(connector(stub, clock).pull(DEALS, Window(lower, max(lower, START))))
    assert asked_between(stub)["value"] == str(int(lower.timestamp() * 1000))


def test_a_record_that_the_index_shows_late_comes_with_the_overlap(portal: HubSpotWorld) -> None:
    """F02, F41."""
    portal.emulator.hubspot.set_index_lag(600)
    id_ = portal.create("late")
    hubspot = portal.connector()
    first = Window(hubspot.now() - HOUR, hubspot.now())
    assert rows_of(portal, window=first) == {}
    portal.clock.wait(900)
    overlap = timedelta(seconds=hubspot.facts.overlap_seconds)
    assert set(rows_of(portal, window=Window(first.upper - overlap, hubspot.now()))) == {id_}
    assert hubspot.facts.overlap_seconds > hubspot.facts.read_lag_seconds


def test_a_record_that_the_index_shows_after_the_overlap_is_found_by_the_second_look(portal: HubSpotWorld) -> None:
    """F02, F41, F42."""
    portal.emulator.hubspot.set_index_lag(2_000, jitter=1_000, seed=4)
    ids = {portal.create(f"C{n}") for n in range(20)}
    hubspot = portal.connector()
    first = Window(hubspot.now() - HOUR, hubspot.now())
    assert rows_of(portal, window=first) == {}
    portal.clock.wait(hubspot.facts.second_look_seconds)
    assert hubspot.facts.second_look_seconds == 3_600
    assert set(rows_of(portal, window=first)) == ids


def test_an_edit_that_the_index_does_not_show_yet_is_read_by_id(portal: HubSpotWorld) -> None:
    """F41."""
    id_ = portal.create("old")
    portal.emulator.hubspot.set_index_lag(600)
    portal.rename(id_, "new")
    (row,) = portal.connector().fetch(portal.spec, [id_])
    assert row.fields["name"] == "new"
    assert rows_of(portal)[id_].fields["name"] == "old"


def test_results_out_of_order_hide_no_record(stub: Stub, clock: FakeClock) -> None:
    """F42."""
    stub.on(f"POST {OBJECTS}/search", found(deal(3), deal(1), deal(2), total=4), found(deal(9)))
    pages = list(connector(stub, clock).pull(DEALS, EVERYTHING))
    assert [row.id for page in pages for row in page.rows] == ["3", "1", "2", "9"]
    assert stub.asked[1].body["filterGroups"][0]["filters"][0]["value"] == "3"


def test_a_page_that_jumps_over_records_is_found_out(stub: Stub, clock: FakeClock) -> None:
    """F09, F11, F42."""
    stub.on(f"POST {OBJECTS}/search", found(deal(1), deal(900), total=3), found(), found(deal(1), total=3))
    pages: list[Page] = []
    with pytest.raises(IncompleteRead):
        pages.extend(connector(stub, clock).pull(DEALS, EVERYTHING))
    assert not any(page.last for page in pages)


def test_a_record_newer_than_the_window_is_taken_and_moves_nothing(stub: Stub, clock: FakeClock) -> None:
    """F05, F06, F43."""
    stub.on(f"POST {OBJECTS}/search", found(deal(1), deal(2, hs_lastmodifieddate="2026-11-23T09:30:00Z")))
    (page,) = connector(stub, clock).pull(DEALS, Window(START - HOUR, START))
    assert [row.id for row in page.rows] == ["1", "2"]
    assert "09:30" not in orjson.dumps(dict(page.position)).decode()


def test_a_record_edited_while_pages_are_read_comes_in_the_next_window(portal: HubSpotWorld) -> None:
    """F05, F06."""
    ids = [portal.create(f"C{n}") for n in range(450)]
    hubspot = portal.connector()
    window = Window(hubspot.now() - HOUR, hubspot.now())
    pages = hubspot.pull(portal.spec, window)
    rows = {row.id: row for row in next(pages).rows}
    portal.clock.wait(60)
    portal.rename(ids[-1], "edited")
    rows |= {row.id: row for page in pages for row in page.rows}
    assert set(ids) - set(rows) <= {ids[-1]}
    later = rows_of(portal, window=Window(window.upper, hubspot.now()))
    assert later[ids[-1]].fields["name"] == "edited"


def test_a_stamp_that_moves_without_a_change_brings_the_same_content(portal: HubSpotWorld) -> None:
    """F20, F53."""
    id_ = portal.create("Acme")
    before = rows_of(portal)[id_]
    portal.clock.wait(60)
    portal.emulator.hubspot.recompute("companies", [id_])
    after = rows_of(portal)[id_]
    assert after.stamp > before.stamp
    assert after.fields == before.fields


def test_where_a_pull_is_says_the_same_little_after_any_number_of_pages(portal: HubSpotWorld) -> None:
    """F54."""
    for n in range(1_001):
        portal.create(f"C{n}")
    hubspot = portal.connector()
    sizes = [len(orjson.dumps(dict(p.position))) for p in hubspot.pull(portal.spec, Window(None, hubspot.now()))]
    assert len(sizes) == 6
    assert max(sizes) < 100


@pytest.mark.parametrize("how", ["pull", "sweep"])
def test_a_first_load_that_is_killed_goes_on_at_its_last_page(portal: HubSpotWorld, how: str) -> None:
    """F12, F55."""
    company = portal.create("Acme")
    insert = portal.emulator.hubspot.insert
    ids = {insert("deals", {"dealname": f"D{n}"}, associations={"companies": [company]}) for n in range(2_100)}
    hubspot = portal.connector()
    window = Window(None, hubspot.now())
    first = next(iter(hubspot.pull(LINKED, window) if how == "pull" else hubspot.sweep(LINKED)))
    again = portal.connector()
    rest = list(again.pull(LINKED, window, first.position) if how == "pull" else again.sweep(LINKED, first.position))
    shown = [row for page in [first, *rest] for row in page.rows]
    assert {row.id for row in shown} == ids
    assert len(shown) == len(ids)
    assert {tuple(row.fields["associations.companies"]) for row in shown} == {(company,)}


@pytest.mark.parametrize(
    ("say", "error"),
    [
        (Say(504, b"<html>"), Retry),
        (Say(200, {"status": "error", "message": "timed out"}), IncompleteRead),
        (Say(200, {"total": 5}), IncompleteRead),
        (Say(200, {"results": []}), IncompleteRead),
        (Say(200, b"<html>welcome</html>"), Retry),
        (Say(200, b'{"total": 1, "results": [{"id": "1", "prop'), Retry),
        (Say(200, {"total": 1, "results": []}, cut=9), Retry),
        (Say(200, gzip.compress(b"{}")[:-4] + b"\xff\xff\xff\x7f", {"Content-Encoding": "gzip"}), Retry),
        (Say(mute=True), Retry),
    ],
)
def test_an_answer_that_is_none_ends_no_window(stub: Stub, clock: FakeClock, say: Say, error: type[Exception]) -> None:
    """F10, F27, F31."""
    stub.on(f"POST {OBJECTS}/search", found(deal(1), total=2), say)
    pages: list[Page] = []
    with pytest.raises(error):
        pages.extend(connector(stub, clock).pull(DEALS, EVERYTHING))
    assert [page.last for page in pages] == [False]


def test_a_call_that_never_ends_is_given_up(stub: Stub, clock: FakeClock) -> None:
    """F26."""
    stub.on(f"POST {OBJECTS}/search", Say(body={"total": 0, "results": []}, drip=5.0))
    hubspot = connector(stub, clock, timeouts=Timeouts(connect=1, read=0.1, whole=1))
    with pytest.raises(Retry):
        list(hubspot.pull(DEALS, EVERYTHING))


def test_a_reset_connection_is_tried_again(stub: Stub, clock: FakeClock) -> None:
    """F27."""
    stub.on(f"POST {OBJECTS}/search", Say(mute=True), Say(mute=True), found(deal(1)))
    (page,) = Retrying(connector(stub, clock), clock).pull(DEALS, EVERYTHING)
    assert [row.id for row in page.rows] == ["1"]


def test_trying_again_has_an_end(stub: Stub, clock: FakeClock) -> None:
    """F51."""
    stub.on(f"POST {OBJECTS}/search", Say(502, b"<html>"))
    with pytest.raises(Retry):
        list(Retrying(connector(stub, clock), clock, attempts=4).pull(DEALS, EVERYTHING))
    assert len(stub.asked) == 4


@pytest.mark.parametrize("deals", [0, 1, 200])
def test_a_packed_page_is_read_like_a_plain_one(stub: Stub, clock: FakeClock, deals: int) -> None:
    """F33."""
    body = {"total": deals, "results": [deal(n, dealname=f"Société №{n} ☂") for n in range(1, deals + 1)]}
    stub.on(f"POST {OBJECTS}/search", Say(body=body, pack=True))
    (page,) = connector(stub, clock).pull(DEALS, EVERYTHING)
    assert [row.fields["dealname"] for row in page.rows] == [f"Société №{n} ☂" for n in range(1, deals + 1)]


# --- values


def test_a_cleared_property_is_read_as_nothing(portal: HubSpotWorld) -> None:
    """F46."""
    id_ = portal.create("Acme")
    spec = ReadSpec(Stream.ACCOUNTS, "companies", ("city",))
    portal.emulator.hubspot.edit("companies", id_, {"city": "Leeds"})
    assert rows_of(portal, spec)[id_].fields == {"city": "Leeds"}
    portal.emulator.hubspot.edit("companies", id_, {"city": ""})
    assert rows_of(portal, spec)[id_].fields == {"city": None}


def test_a_property_that_no_record_has_must_not_pass_for_an_empty_one(stub: Stub, clock: FakeClock) -> None:
    """F22, F47."""
    spec = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname", "amount", "gone"))
    stub.on(f"POST {OBJECTS}/search", found(deal(1, amount=None), deal(2, amount="7")))
    with pytest.raises(UserError, match=r"deals without gone.*Correct it in the mapping"):
        list(connector(stub, clock).pull(spec, EVERYTHING))


def test_a_record_that_lacks_a_property_of_the_others_is_kept_with_its_reason(stub: Stub, clock: FakeClock) -> None:
    """F47."""
    spec = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname", "amount"))
    stub.on(f"POST {OBJECTS}/search", found(deal(1, amount=None), deal(2), deal(3, amount="7")))
    (page,) = connector(stub, clock).pull(spec, EVERYTHING)
    assert [row.id for row in page.rows] == ["1", "3"]
    assert [id_ for id_, _ in page.unreadable] == ["2"]


def test_a_property_that_is_archived_in_the_middle_stops_its_stream(portal: HubSpotWorld) -> None:
    """F22."""
    portal.emulator.hubspot.add_property("companies", {"name": "tier"})
    portal.create("Acme")
    spec = ReadSpec(Stream.ACCOUNTS, "companies", ("name", "tier"))
    assert rows_of(portal, spec)
    portal.emulator.hubspot.archive_property("companies", "tier")
    with pytest.raises(UserError, match="tier"):
        rows_of(portal, spec)


def test_a_property_that_is_new_is_read_at_once(portal: HubSpotWorld) -> None:
    """F21."""
    id_ = portal.create("Acme")
    hubspot = portal.connector()
    list(hubspot.pull(portal.spec, Window(None, hubspot.now())))
    portal.emulator.hubspot.add_property("companies", {"name": "tier"})
    portal.emulator.hubspot.edit("companies", id_, {"tier": "gold"})
    spec = ReadSpec(Stream.ACCOUNTS, "companies", ("tier",))
    ((row,),) = [page.rows for page in hubspot.pull(spec, Window(None, hubspot.now()))]
    assert row.fields == {"tier": "gold"}


def test_any_number_of_properties_is_read(portal: HubSpotWorld) -> None:
    """F47."""
    portal.emulator.hubspot.set_slots(10, 1_000)
    names = [f"a_property_with_a_long_name_{n:03}" for n in range(900)]
    for name in names:
        portal.emulator.hubspot.add_property("companies", {"name": name})
    id_ = portal.create("Acme")
    portal.emulator.hubspot.edit("companies", id_, {name: name[-3:] for name in names})
    shown = rows_of(portal, ReadSpec(Stream.ACCOUNTS, "companies", tuple(names)))[id_].fields
    assert shown == {name: name[-3:] for name in names}


# --- merges


@pytest.mark.parametrize("minted", ["new", "primary"])
@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_a_merge_comes_with_its_survivor_and_costs_no_call(version: str, minted: Any) -> None:
    """F16, F17, F45."""
    with hubspot_world(version, Variants(hubspot_merge_id=minted)) as portal:
        keep, lose, other = (portal.create(name) for name in ("keep", "lose", "other"))
        portal.clock.wait(3_600)
        survivor = portal.emulator.hubspot.merge("companies", keep, lose)
        hubspot = portal.connector()
        before = hubspot.now(), hubspot.calls
        (page,) = hubspot.pull(portal.spec, Window(before[0] - timedelta(minutes=1), before[0]))
        rows = {row.id: row for row in page.rows}
        gone = {keep, lose} - {survivor}
        assert set(rows) == {survivor, *gone}
        assert {id_: (row.deleted, row.merged_into) for id_, row in rows.items() if id_ in gone} == {
            id_: (True, survivor) for id_ in gone
        }
        assert rows[survivor].fields == {"name": "keep", "description": None}
        assert not rows[survivor].deleted
        assert page.expected == 1
        assert hubspot.calls - before[1] == 1
        read = {row.id: row for row in hubspot.fetch(portal.spec, [keep, lose, other])}
        assert {id_: read[id_].merged_into for id_ in gone} == dict.fromkeys(gone, survivor)
        assert read[other].merged_into is None


@pytest.mark.parametrize("minted", ["new", "primary"])
def test_a_chain_of_merges_leads_to_the_last_survivor(minted: Any) -> None:
    """F17, F45."""
    with hubspot_world(variants=Variants(hubspot_merge_id=minted)) as portal:
        ids = [portal.create(f"C{n}") for n in range(4)]
        last = ids[0]
        for other in ids[1:]:
            last = portal.emulator.hubspot.merge("companies", last, other)
        into = {row.id: row.merged_into for row in rows_of(portal).values()}
        for id_ in ids:
            seen = id_
            while into[seen] is not None:
                seen = str(into[seen])
            assert seen == last


def test_the_merged_ids_are_no_field_unless_they_are_mapped(stub: Stub, clock: FakeClock) -> None:
    """F45."""
    stub.on(f"POST {OBJECTS}/search", found(deal(9, hs_merged_object_ids="3; 1;9;")))
    (page,) = connector(stub, clock).pull(DEALS, EVERYTHING)
    assert [(row.id, row.merged_into, row.fields) for row in page.rows] == [
        ("9", None, {"dealname": "D9"}),
        ("3", "9", {"dealname": None}),
        ("1", "9", {"dealname": None}),
    ]
    assert {row.stamp for row in page.rows} == {datetime.fromisoformat(STAMP)}
    mapped = ReadSpec(Stream.REGISTRATIONS, "deals", ("hs_merged_object_ids",))
    (page,) = connector(stub, clock).pull(mapped, EVERYTHING)
    assert page.rows[0].fields == {"hs_merged_object_ids": "3; 1;9;"}
    assert len(page.rows) == 3


def test_merged_records_that_come_one_by_one_are_not_forgotten(stub: Stub, clock: FakeClock) -> None:
    """F45."""
    broken = deal(2, hs_lastmodifieddate="soon")
    stub.on(f"POST {OBJECTS}/search", found(deal(9, hs_merged_object_ids="3"), broken))
    (page,) = connector(stub, clock).pull(DEALS, EVERYTHING)
    assert [(row.id, row.merged_into) for row in page.rows] == [("9", None), ("3", "9")]


def test_types_that_cannot_be_merged_are_not_asked_about_merges(stub: Stub, clock: FakeClock) -> None:
    stub.on("POST /crm/objects/2026-09/calls/search", found())
    list(connector(stub, clock).pull(ReadSpec(Stream.ACTIVITIES, "calls", ("hs_call_title",)), EVERYTHING))
    assert stub.asked[0].body["properties"] == ["hs_call_title", "hs_lastmodifieddate"]


@pytest.mark.parametrize("merged", ["survivor", "missing"])
def test_records_that_are_nowhere_cost_few_calls(merged: Any) -> None:
    """F17."""
    with hubspot_world(variants=Variants(hubspot_merged_in_batches=merged)) as portal:
        keep, lose = portal.create("keep"), portal.create("lose")
        survivor = portal.emulator.hubspot.merge("companies", keep, lose)
        hubspot = portal.connector()
        nowhere = [str(99_000_000_000 + n) for n in range(98)]
        rows = {row.id: row.merged_into for row in hubspot.fetch(portal.spec, [keep, lose, *nowhere])}
        assert rows == {keep: survivor, lose: survivor}
        assert hubspot.calls <= 2 + 20


# --- associations


def test_associations_that_could_not_be_read_are_not_taken_for_none(stub: Stub, clock: FakeClock) -> None:
    """F57, F63."""
    stub.on(f"POST {OBJECTS}/search", found(deal(1), deal(2)))
    link = {"from": {"id": "1"}, "to": [{"toObjectId": "7", "associationTypes": []}]}
    failed = {"status": "error", "category": "INTERNAL_ERROR", "context": {"fromObjectId": ["2"]}}
    stub.on(
        "POST /crm/associations/2026-09/deals/companies/batch/read",
        Say(207, {"results": [link], "errors": [failed], "numErrors": 1}),
        Say(200, {"status": "COMPLETE"}),
        Say(207, {"results": [link], "errors": [{**failed, "category": "OBJECT_NOT_FOUND"}]}),
    )
    hubspot = connector(stub, clock)
    for _ in range(2):
        with pytest.raises(Retry):
            list(hubspot.pull(LINKED, EVERYTHING))
    (page,) = hubspot.pull(LINKED, EVERYTHING)
    assert [row.fields["associations.companies"] for row in page.rows] == [["7"], []]


def test_records_that_could_not_be_read_by_id_are_not_taken_for_gone(stub: Stub, clock: FakeClock) -> None:
    """F63."""
    failed = {"status": "error", "category": "INTERNAL_ERROR", "context": {"ids": ["2"]}}
    stub.on(f"POST {OBJECTS}/batch/read", Say(207, {"results": [deal(1)], "errors": [failed]}))
    with pytest.raises(Retry):
        connector(stub, clock).fetch(DEALS, ["1", "2"])


def test_a_changed_association_is_found_by_the_sweep(portal: HubSpotWorld) -> None:
    """F14, F57."""
    first, second = portal.create("first"), portal.create("second")
    id_ = portal.emulator.hubspot.insert("deals", {"dealname": "D"}, associations={"companies": [first]})
    portal.clock.wait(3_600)
    hubspot = portal.connector()
    since = hubspot.now() - timedelta(minutes=1)
    portal.emulator.hubspot.dissociate("deals", id_, "companies", first)
    portal.emulator.hubspot.associate("deals", id_, "companies", second)
    assert rows_of(portal, LINKED, Window(since, hubspot.now())) == {}
    swept = {row.id: row for page in hubspot.sweep(LINKED) for row in page.rows}
    assert swept[id_].fields["associations.companies"] == [second]
