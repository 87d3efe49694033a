"""HubSpot's list, read whole: what no stamp tells of is found, whatever is archived, merged, linked or too wide."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from syncd.emulator import Variants
from syncd.errors import IncompleteRead, UserError
from syncd.model import ReadSpec, Row, Stream, Window

from .stub import Say, Stub
from .worlds import FakeClock
from .worlds_hubspot import DEALS, OBJECTS, HubSpotWorld, deal, hubspot_world
from .worlds_hubspot import stub_connector as connector

LINKED = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), associations=("companies", "contacts"))
LISTED = f"GET {OBJECTS}?"
LINKS = "POST /crm/associations/2026-09/deals/companies/batch/read"


def listed(*deals: dict[str, Any], after: str | None = None) -> Say:
    """An answer of the list."""
    return Say(body={"results": list(deals), **({"paging": {"next": {"after": after}}} if after else {})})


def linked(id_: int, **associations: Any) -> dict[str, Any]:
    """A deal as the list tells it with its associations."""
    return {**deal(id_), "associations": associations}


def to(*ids: str, after: str | None = None) -> dict[str, Any]:
    """Inline associations of one name."""
    types = ("deal_to_company", "deal_to_company_unlabeled")
    results = [{"id": id_, "type": type_} for id_ in ids for type_ in types]
    return {"results": results, **({"paging": {"next": {"after": after}}} if after else {})}


def swept(portal: HubSpotWorld, spec: ReadSpec | None = None) -> dict[str, Row]:
    """What a sweep shows, by id."""
    return {row.id: row for page in portal.connector().sweep(spec or portal.spec) for row in page.rows}


def queries(stub: Stub) -> list[dict[str, list[str]]]:
    """What each call of the list asked for."""
    return [parse_qs(urlsplit(a.path).query) for a in stub.asked if a.method == "GET" and "?" in a.path]


def test_a_change_without_any_trace_is_found(portal: HubSpotWorld) -> None:
    """F04, F14, F15."""
    id_ = portal.create("Acme")
    portal.clock.wait(60)
    hubspot = portal.connector()
    window = Window(hubspot.now(), hubspot.now())
    portal.emulator.hubspot.set_index_lag(10**6)
    portal.rename(id_, "changed")
    assert not [row for page in hubspot.pull(portal.spec, window) for row in page.rows]
    assert swept(portal)[id_].fields["name"] == "changed"


def test_a_sweep_waits_for_no_index(portal: HubSpotWorld) -> None:
    """F41."""
    portal.emulator.hubspot.set_index_lag(3_600)
    ids = {portal.create(f"C{n}") for n in range(3)}
    assert set(swept(portal)) == ids


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_archived_records_come_as_deleted_ones(version: str) -> None:
    """F16, F44."""
    with hubspot_world(version) as portal:
        kept, gone, erased = (portal.create(name) for name in ("kept", "gone", "erased"))
        portal.delete(gone)
        portal.emulator.hubspot.gdpr_delete("companies", erased)
        hubspot = portal.connector()
        assert [row.id for page in hubspot.pull(portal.spec, Window(None, hubspot.now())) for row in page.rows] == [
            kept
        ]
        assert {id_: row.deleted for id_, row in swept(portal).items()} == {kept: False, gone: True}


def test_an_archived_record_is_deleted_whatever_it_still_tells(stub: Stub, clock: FakeClock) -> None:
    """F44."""
    left = {"hs_object_id": "2", "hs_lastmodifieddate": None}
    grave = {"id": "2", "properties": left, "updatedAt": "2026-11-20T10:00:00Z", "archived": True}
    stub.on(LISTED, listed(deal(1)), listed(grave))
    rows = {row.id: row for page in connector(stub, clock).sweep(DEALS) for row in page.rows}
    assert (rows["2"].deleted, rows["2"].fields) == (True, {"dealname": None})
    assert not rows["1"].deleted


def test_a_restored_record_is_back(portal: HubSpotWorld) -> None:
    """F16."""
    id_ = portal.create("Acme")
    portal.delete(id_)
    assert swept(portal)[id_].deleted
    portal.emulator.hubspot.restore("companies", id_)
    assert not swept(portal)[id_].deleted


@pytest.mark.parametrize("minted", ["new", "primary"])
def test_merged_records_come_with_their_survivor(minted: Any) -> None:
    """F17, F45."""
    with hubspot_world(variants=Variants(hubspot_merge_id=minted)) as portal:
        keep, lose = portal.create("keep"), portal.create("lose")
        survivor = portal.emulator.hubspot.merge("companies", keep, lose)
        rows = swept(portal)
        assert {id_: row.merged_into for id_, row in rows.items()} == {
            survivor: None,
            **dict.fromkeys({keep, lose} - {survivor}, survivor),
        }


@pytest.mark.parametrize("name", ["meetings", "0-47"])
def test_a_type_without_a_list_of_archived_records_is_not_asked_for_them(portal: HubSpotWorld, name: str) -> None:
    """F44."""
    id_ = portal.emulator.hubspot.insert("meetings", {"hs_meeting_title": "call"})
    spec = ReadSpec(Stream.ACTIVITIES, name, ("hs_meeting_title",))
    assert set(swept(portal, spec)) == {id_}
    lists = [r for r in portal.emulator.requests[portal.before :] if r.method == "GET" and "meetings" in r.path]
    assert [r.status for r in lists] == [200]


def test_a_type_that_turns_out_to_have_no_list_of_archived_records_is_swept_all_the_same(
    stub: Stub, clock: FakeClock
) -> None:
    stub.on(LISTED, listed(deal(1)), Say(400, {"message": "Paging through deleted objects is not yet supported"}))
    pages = list(connector(stub, clock).sweep(DEALS))
    assert [(len(page.rows), page.last) for page in pages] == [(1, False), (0, True)]


def test_a_refusal_in_the_middle_is_no_end(stub: Stub, clock: FakeClock) -> None:
    """F10."""
    refused = Say(400, {"category": "VALIDATION_ERROR"})
    stub.on(LISTED, listed(deal(1), after="1"), refused)
    with pytest.raises(UserError):
        list(connector(stub, clock).sweep(DEALS))


def test_a_list_that_names_the_same_page_again_is_given_up(stub: Stub, clock: FakeClock) -> None:
    """F07, F13."""
    stub.on(LISTED, listed(deal(1), after="1"), listed(deal(1), after="1"), Say(500))
    with pytest.raises(IncompleteRead):
        list(connector(stub, clock).sweep(DEALS))
    assert len(queries(stub)) == 2


def test_an_answer_without_results_is_no_empty_page(stub: Stub, clock: FakeClock) -> None:
    """F65."""
    stub.on(LISTED, Say(200, {"status": "error"}))
    with pytest.raises(IncompleteRead):
        list(connector(stub, clock).sweep(DEALS))


def test_what_the_account_counts_stands_beside_what_comes(portal: HubSpotWorld) -> None:
    """F09, F52."""
    for n in range(150):
        portal.create(f"C{n}")
    pages = list(portal.connector().sweep(portal.spec))
    assert {page.expected for page in pages} == {150}
    assert sum(len(page.rows) for page in pages) == 150


def test_a_record_that_the_list_leaves_out_is_missed_in_the_count(stub: Stub, clock: FakeClock) -> None:
    """F52."""
    usage = [{"objectTypeId": "0-3", "usage": 2}, {"objectTypeId": "0-1", "usage": 9}]
    stub.on("GET /crm/limits/2026-09/records", Say(body={"hubspotDefinedObjectTypes": usage}))
    stub.on(LISTED, listed(deal(1)), listed())
    pages = list(connector(stub, clock).sweep(DEALS))
    assert (sum(len(page.rows) for page in pages), pages[-1].expected) == (1, 2)


# --- associations


def test_a_sweep_shows_the_same_associations_as_a_pull(portal: HubSpotWorld) -> None:
    """F57."""
    companies = [portal.create(f"C{n}") for n in range(3)]
    people = [portal.emulator.hubspot.insert("contacts", {"email": f"p{n}@example.com"}) for n in range(2)]
    linking = [[], companies[:1], companies[1:], companies[::-1]]
    for n, some in enumerate(linking):
        id_ = portal.emulator.hubspot.insert("deals", {"dealname": f"D{n}"}, associations={"companies": some})
        portal.emulator.hubspot.associate("deals", id_, "contacts", people[n % 2])
    hubspot = portal.connector()
    pulled = {row.id: row for page in hubspot.pull(LINKED, Window(None, hubspot.now())) for row in page.rows}
    assert swept(portal, LINKED) == pulled


def test_associations_come_with_the_list_and_cost_nothing_more(portal: HubSpotWorld) -> None:
    companies = [portal.create(f"C{n}") for n in range(7)]
    for n in range(1_001):
        portal.emulator.hubspot.insert("deals", {"dealname": f"D{n}"}, associations={"companies": [companies[n % 7]]})
    hubspot = portal.connector()
    rows = {row.id: row for page in hubspot.sweep(LINKED) for row in page.rows}
    assert len(rows) == 1_001
    assert all(len(row.fields["associations.companies"]) == 1 for row in rows.values())
    assert hubspot.calls == 1 + 11 + 1  # the count, the live ones, the archived ones


def test_only_what_the_list_leaves_open_is_asked_for(stub: Stub, clock: FakeClock) -> None:
    spec = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), associations=("companies",))
    several = linked(2, companies=to("8", "9"))
    stub.on(LISTED, listed(linked(1, companies=to("7")), several, linked(3), linked(4, companies=to("7", after="7"))),
            listed())  # fmt: skip
    primary = [{"category": "HUBSPOT_DEFINED", "typeId": 5}]
    stub.on(LINKS, Say(body={"results": [
        {"from": {"id": "2"}, "to": [{"toObjectId": 8}, {"toObjectId": 9, "associationTypes": primary}]},
        {"from": {"id": "4"}, "to": [{"toObjectId": 7}, {"toObjectId": 6}]},
    ]}))  # fmt: skip
    rows = {row.id: row.fields["associations.companies"] for p in connector(stub, clock).sweep(spec) for row in p.rows}
    assert rows == {"1": ["7"], "2": ["9", "8"], "3": [], "4": ["6", "7"]}
    (asked,) = [a.body for a in stub.asked if "associations" in a.path and a.method == "POST"]
    assert [one["id"] for one in asked["inputs"]] == ["2", "4"]


@pytest.mark.parametrize("key", ["line items", "line_items", "LINE_ITEMS"])
def test_associations_are_known_by_each_of_their_spellings(stub: Stub, clock: FakeClock, key: str) -> None:
    stub.on(LISTED, listed(linked(1, **{key: to("7")})), listed())
    spec = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), associations=("line_items",))
    (row,) = [row for page in connector(stub, clock).sweep(spec) for row in page.rows]
    assert row.fields["associations.line_items"] == ["7"]


def test_associations_under_a_name_that_was_not_asked_for_are_asked_for(stub: Stub, clock: FakeClock) -> None:
    stub.on(LISTED, listed(linked(1, p123_partner=to("7"))), listed())
    link = {"from": {"id": "1"}, "to": [{"toObjectId": "7"}]}
    stub.on("POST /crm/associations/2026-09/deals/2-55/batch/read", Say(body={"results": [link]}))
    spec = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), associations=("2-55",))
    (row,) = [row for page in connector(stub, clock).sweep(spec) for row in page.rows]
    assert row.fields["associations.2-55"] == ["7"]


# --- many properties


def test_more_properties_than_an_address_holds_are_read_by_id(portal: HubSpotWorld) -> None:
    """F47."""
    portal.emulator.hubspot.set_slots(10, 1_000)
    names = [f"a_property_with_a_long_name_{n:03}" for n in range(900)]
    for name in names:
        portal.emulator.hubspot.add_property("companies", {"name": name})
    ids = [portal.create(f"C{n}") for n in range(101)]
    for n, id_ in enumerate(ids):
        portal.emulator.hubspot.edit("companies", id_, {names[n]: f"v{n}"})
    gone = portal.create("gone")
    portal.emulator.hubspot.edit("companies", gone, {names[-1]: "last"})
    portal.delete(gone)
    rows = swept(portal, ReadSpec(Stream.ACCOUNTS, "companies", tuple(names)))
    assert set(rows) == {*ids, gone}
    assert all(rows[id_].fields == {**dict.fromkeys(names), names[n]: f"v{n}"} for n, id_ in enumerate(ids))
    assert (rows[gone].deleted, rows[gone].fields[names[-1]]) == (True, "last")
    assert "POST /crm/objects/2026-09/companies/batch/read" in portal.paths()


def test_an_address_that_is_refused_for_its_length_is_made_shorter(stub: Stub, clock: FakeClock) -> None:
    """F47."""
    stub.on(LISTED, Say(414, b"<html>"), listed({**deal(1), "properties": {}}), listed())
    stub.on(f"POST {OBJECTS}/batch/read", Say(body={"results": [deal(1)]}))
    (row,) = [row for page in connector(stub, clock).sweep(DEALS) for row in page.rows]
    assert (row.id, row.fields) == ("1", {"dealname": "D1"})
    first, second, *_ = (q["properties"] for q in queries(stub))
    assert len(second[0]) < len(first[0])


@pytest.mark.parametrize(("amount", "shown"), [(None, True), ("7", False)])
def test_reads_by_id_that_name_empty_properties_name_all_of_them(
    stub: Stub, clock: FakeClock, amount: str | None, shown: bool
) -> None:
    """F47."""
    stub.on(LISTED, Say(414, b"<html>"), listed({**deal(1), "properties": {}}), listed())
    stub.on(f"POST {OBJECTS}/batch/read", Say(body={"results": [deal(1, amount=amount)]}))
    spec = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname", "amount", "gone"))
    if shown:
        with pytest.raises(UserError, match="gone"):
            list(connector(stub, clock).sweep(spec))
    else:
        (row,) = [row for page in connector(stub, clock).sweep(spec) for row in page.rows]
        assert row.fields == {"dealname": "D1", "amount": "7", "gone": None}


# --- counts


def test_a_count_is_the_accounts_own_or_else_the_indexs(portal: HubSpotWorld) -> None:
    for name in ("Alpha", "Beta", "Gamma"):
        portal.create(name)
    portal.emulator.hubspot.set_index_lag(3_600)
    portal.create("Delta")
    filtered = ReadSpec(Stream.ACCOUNTS, "companies", ("name",), where={"name": ("Alpha", "Delta")})
    hubspot = portal.connector()
    assert hubspot.count(portal.spec) == 4
    assert hubspot.count(filtered) == 1  # the index does not know Delta yet
    assert hubspot.calls == 2


def test_a_filter_that_search_cannot_apply_is_not_counted(stub: Stub, clock: FakeClock) -> None:
    many = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), where={"dealname": tuple(map(str, range(101)))})
    none = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), where={"dealname": ()})
    assert connector(stub, clock).count(many) is None
    assert connector(stub, clock).count(none) == 0
    assert stub.asked == []


@pytest.mark.parametrize("say", [Say(404, b"<html>"), Say(403, {"category": "MISSING_SCOPES"}), Say(200, [])])
def test_without_the_accounts_count_the_index_counts(stub: Stub, clock: FakeClock, say: Say) -> None:
    stub.on("GET /crm/limits/2026-09/records", say)
    stub.on(f"POST {OBJECTS}/search", Say(body={"total": 7, "results": []}))
    assert connector(stub, clock).count(DEALS) == 7


def test_custom_objects_are_counted_under_their_number(stub: Stub, clock: FakeClock) -> None:
    usage = {"customObjectTypes": {"byObjectType": [{"objectTypeId": "2-55", "usage": 12}]}}
    stub.on("GET /crm/limits/2026-09/records", Say(body=usage))
    stub.on("GET /crm-object-schemas/2026-09/schemas/p_partners", Say(body={"objectTypeId": "2-55"}))
    hubspot = connector(stub, clock)
    for name in ("2-55", "p_partners", "p_partners"):
        assert hubspot.count(ReadSpec(Stream.PARTNERS, name, ("name",))) == 12
    assert len(stub.paths("/crm-object-schemas")) == 1
