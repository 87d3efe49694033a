"""What HubSpot has besides companies and deals: owners, stages, rates, histories, activities, items, leads, customs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from syncd.errors import IncompleteRead, UserError
from syncd.mapping import Mapping, MappingFile
from syncd.model import ReadSpec, Ref, Row, Stream, Window

from .stub import Say, Stub
from .worlds import START, FakeClock
from .worlds_hubspot import DEALS, EVERYTHING, OBJECTS, HubSpotWorld, deal, found, hubspot_world
from .worlds_hubspot import stub_connector as connector

VERSIONS = ["v3", "2026-03", "2026-09"]
HISTORY = ReadSpec(
    Stream.HISTORY,
    "deals_history",
    ("record_id", "property", "value", "previous_value", "timestamp", "source_type", "source_id", "updated_by"),
    where={"property": ("dealstage", "amount")},
)


def pulled(portal: HubSpotWorld, spec: ReadSpec, since: timedelta | None = None) -> dict[str, Row]:
    """What a pull shows, by id: of everything, or of the time since."""
    hubspot = portal.connector()
    upper = hubspot.now()
    pages = list(hubspot.pull(spec, Window(None if since is None else upper - since, upper)))
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    return {row.id: row for page in pages for row in page.rows}


def swept(portal: HubSpotWorld, spec: ReadSpec) -> dict[str, Row]:
    """What a sweep shows, by id."""
    return {row.id: row for page in portal.connector().sweep(spec) for row in page.rows}


# --- owners


@pytest.mark.parametrize("version", VERSIONS)
def test_owners_come_with_the_deactivated_ones_whatever_the_window(version: str) -> None:
    """F69."""
    with hubspot_world(version) as portal:
        gone = portal.emulator.hubspot.add_owner("gone@example.com", "Go", "Ne")
        here = portal.emulator.hubspot.add_owner("here@example.com")
        portal.clock.wait(3_600)
        portal.emulator.hubspot.set_owner_archived(gone)
        spec = ReadSpec(Stream.USERS, "owners", ("email", "archived"))
        for rows in (pulled(portal, spec), pulled(portal, spec, timedelta(seconds=1)), swept(portal, spec)):
            assert rows[gone].fields == {"email": "gone@example.com", "archived": True}
            assert rows[here].fields == {"email": "here@example.com", "archived": False}
        assert portal.connector().count(spec) == len(rows)


def test_owners_are_filtered_as_a_mapping_says_it(portal: HubSpotWorld) -> None:
    gone = portal.emulator.hubspot.add_owner("gone@example.com")
    portal.emulator.hubspot.set_owner_archived(gone)
    spec = ReadSpec(Stream.USERS, "owners", ("email",), where={"archived": ("true",)})
    assert set(pulled(portal, spec)) == {gone}
    assert portal.connector().count(spec) == 1


def test_a_list_that_names_the_same_page_again_is_given_up(stub: Stub, clock: FakeClock) -> None:
    """F13."""
    owner = {"id": "1", "updatedAt": "2026-01-01T00:00:00Z"}
    again = Say(body={"results": [owner], "paging": {"next": {"after": "1"}}})
    stub.on("GET /crm/owners/2026-09", again, again, Say(500))
    with pytest.raises(IncompleteRead):
        list(connector(stub, clock).pull(ReadSpec(Stream.USERS, "owners", ("email",)), EVERYTHING))


def test_a_malformed_owner_is_kept_with_its_reason(stub: Stub, clock: FakeClock) -> None:
    owners = [{"id": "1", "updatedAt": "soon"}, {"id": "2"}, {"email": "x"}]
    stub.on("GET /crm/owners/2026-09", Say(body={"results": owners}), Say(body={"results": []}))
    (page,) = connector(stub, clock).pull(ReadSpec(Stream.USERS, "owners", ("email",)), EVERYTHING)
    assert [row.id for row in page.rows] == ["2"]
    assert [id_ for id_, _ in page.unreadable] == ["1", "?"]


# --- stages


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["deal_stages", "deals_stages", "0-3_stages"])
def test_stages_of_every_pipeline_come_with_what_they_mean(version: str, name: str) -> None:
    with hubspot_world(version) as portal:
        sure = {"isClosed": "false", "probability": "1.0"}  # as good as won, and still open
        stages = [{"label": "Filed", "stageId": "filed", "metadata": sure}]
        partner = portal.emulator.hubspot.add_pipeline("deals", "Partner", stages)
        spec = ReadSpec(Stream.STAGES, name, ("key", "label", "pipeline", "pipelineLabel", "isClosed", "won"))
        rows = pulled(portal, spec)
        assert {r.fields["key"] for r in rows.values() if r.fields["won"]} == {"closedwon"}
        assert {r.fields["key"] for r in rows.values() if r.fields["isClosed"]} == {"closedwon", "closedlost"}
        (filed,) = [r for r in rows.values() if r.fields["pipeline"] == partner]
        assert (filed.fields["label"], filed.fields["pipelineLabel"]) == ("Filed", "Partner")
        assert filed.id == f"{partner}:{filed.fields['key']}"
        assert swept(portal, spec) == rows
        assert portal.connector().fetch(spec, [filed.id, "no:such"]) == [filed]


def test_a_stage_that_is_renamed_comes_with_the_next_pull(portal: HubSpotWorld) -> None:
    spec = ReadSpec(Stream.STAGES, "deal_stages", ("key", "label"))
    portal.clock.wait(3_600)
    portal.emulator.hubspot.change_stage("deals", "default", "contractsent", label="Signed")
    rows = pulled(portal, spec, timedelta(seconds=1))
    assert {r.fields["label"] for r in rows.values() if r.fields["key"] == "contractsent"} == {"Signed"}


def test_tickets_say_in_their_own_way_that_they_are_closed(portal: HubSpotWorld) -> None:
    rows = pulled(portal, ReadSpec(Stream.STAGES, "ticket_stages", ("label", "isClosed", "won", "probability")))
    assert {r.fields["label"] for r in rows.values() if r.fields["isClosed"]} == {"Closed"}
    assert not any(r.fields["won"] for r in rows.values())


def test_stages_fill_what_a_mapping_asks_of_them(portal: HubSpotWorld) -> None:
    part = {"object": "deal_stages", "fields": {
        "key": "key", "name": "label", "pipeline": "pipeline", "is_closed": "isClosed", "is_won": "won",
        "position": "displayOrder",
    }}  # fmt: skip
    mapping = Mapping.compile(MappingFile.model_validate({"streams": {"stages": part}}), "hubspot")
    stages = mapping.streams[Stream.STAGES]
    rows = pulled(portal, stages.read_spec())
    made = [stages.to_canonical(Ref("x", "deal_stages", row.id), row.fields) for row in rows.values()]
    assert all(one.problems == () for one in made)
    assert {one.record.key for one in made if one.record.is_won} == {"closedwon"}  # type: ignore[union-attr]


# --- rates


@pytest.mark.parametrize("version", VERSIONS)
def test_rates_come_both_ways_about(version: str) -> None:
    with hubspot_world(version) as portal:
        portal.emulator.hubspot.set_rate("EUR", "1.25")
        portal.emulator.hubspot.set_rate("EUR", "1.6", "2026-12-01T00:00:00Z")
        portal.emulator.hubspot.set_rate("JPY", "0.0064")
        fields = ("fromCurrencyCode", "toCurrencyCode", "conversionRate", "rate", "effectiveAt")
        spec = ReadSpec(Stream.RATES, "exchange_rates", fields)
        rows = pulled(portal, spec)
        assert {(r.fields["fromCurrencyCode"], r.fields["rate"]) for r in rows.values()} == {
            ("EUR", "0.8"),
            ("EUR", "0.625"),
            ("JPY", "156.25"),
        }
        assert {r.fields["toCurrencyCode"] for r in rows.values()} == {"USD"}
        assert swept(portal, spec) == rows


def test_a_rate_of_nothing_is_kept_with_its_reason(stub: Stub, clock: FakeClock) -> None:
    rates = [{"id": "1", "conversionRate": 0, "updatedAt": "2026-01-01T00:00:00Z"}, {"id": "2", "conversionRate": 3}]
    stub.on("GET /settings/currencies/2026-09/exchange-rates", Say(body={"results": rates}))
    (page,) = connector(stub, clock).pull(ReadSpec(Stream.RATES, "exchange_rates", ("rate",)), EVERYTHING)
    assert [(row.id, row.fields) for row in page.rows] == [("2", {"rate": "0.333333333333"})]
    assert [id_ for id_, _ in page.unreadable] == ["1"]


# --- histories


@pytest.mark.parametrize("version", VERSIONS)
def test_each_value_that_a_property_had_is_a_row(version: str) -> None:
    with hubspot_world(version) as portal:
        owner = portal.emulator.hubspot.add_owner("rep@example.com")
        id_ = portal.emulator.hubspot.insert("deals", {"dealname": "D", "dealstage": "contractsent"})
        portal.clock.wait(60)
        portal.emulator.hubspot.edit("deals", id_, {"dealstage": "closedwon", "amount": "5"}, owner)
        rows = pulled(portal, HISTORY)
        steps = [r.fields for r in sorted(rows.values(), key=lambda r: r.stamp) if r.fields["property"] == "dealstage"]
        assert [(step["previous_value"], step["value"]) for step in steps] == [
            (None, "contractsent"),
            ("contractsent", "closedwon"),
        ]
        (won,) = [r for r in rows.values() if r.fields["value"] == "closedwon"]
        assert won.id == f"{id_}:dealstage:{won.fields['timestamp']}"
        assert won.stamp == START + timedelta(seconds=60)
        assert (won.fields["record_id"], won.fields["source_type"]) == (id_, "CRM_UI")
        assert str(won.fields["updated_by"]).isdigit()
        assert {r.fields["value"] for r in rows.values() if r.fields["property"] == "amount"} == {"5"}
        assert swept(portal, HISTORY) == rows
        assert portal.connector().fetch(HISTORY, [won.id]) == [won]


def test_only_what_changed_in_a_window_comes_and_what_it_costs(portal: HubSpotWorld) -> None:
    ids = [portal.emulator.hubspot.insert("deals", {"dealname": f"D{n}", "amount": "1"}) for n in range(120)]
    portal.clock.wait(3_600)
    for id_ in ids[:60]:
        portal.emulator.hubspot.edit("deals", id_, {"amount": "2"})
    hubspot = portal.connector()
    upper = hubspot.now()
    before = hubspot.calls
    pages = list(hubspot.pull(HISTORY, Window(upper - timedelta(minutes=1), upper)))
    values = [
        (row.fields["record_id"], row.fields["previous_value"], row.fields["value"]) for p in pages for row in p.rows
    ]
    assert sorted(values) == sorted((id_, "1", "2") for id_ in ids[:60])
    assert hubspot.calls - before == 1 + 2
    idle = hubspot.calls
    portal.clock.wait(3_600)
    assert not [
        row for p in hubspot.pull(HISTORY, Window(upper + timedelta(minutes=1), hubspot.now())) for row in p.rows
    ]
    assert hubspot.calls - idle == 1


def test_a_merge_brings_the_whole_history_of_its_survivor(portal: HubSpotWorld) -> None:
    """F17."""
    first, second = (portal.emulator.hubspot.insert("deals", {"dealname": n, "amount": "1"}) for n in ("a", "b"))
    portal.clock.wait(3_600)
    survivor = portal.emulator.hubspot.merge("deals", first, second)
    rows = pulled(portal, HISTORY, timedelta(minutes=1))
    assert {r.fields["record_id"] for r in rows.values()} == {survivor}
    assert min(row.stamp for row in rows.values()) == START


def test_a_history_goes_on_after_any_page(portal: HubSpotWorld) -> None:
    ids = {portal.emulator.hubspot.insert("deals", {"dealname": f"D{n}", "amount": "1"}) for n in range(201)}
    hubspot = portal.connector()
    window = Window(None, hubspot.now())
    first = next(iter(hubspot.pull(HISTORY, window)))
    rest = list(hubspot.pull(HISTORY, window, first.position))
    rows = [row for page in [first, *rest] for row in page.rows if row.fields["property"] == "amount"]
    assert sorted(row.fields["record_id"] for row in rows) == sorted(ids)


def test_a_history_must_say_whose_it_is(portal: HubSpotWorld) -> None:
    spec = ReadSpec(Stream.HISTORY, "deals_history", ("record_id", "nonsense"))
    hubspot = portal.connector()
    with pytest.raises(UserError, match="does not say which properties"):
        list(hubspot.pull(spec, Window(None, hubspot.now())))
    problems = hubspot.check([spec], {}).problems
    assert any("where: {property: [dealstage]}" in p for p in problems)
    assert any("have no nonsense" in p for p in problems)
    unknown = ReadSpec(Stream.HISTORY, "deals_history", ("value",), where={"property": ("nope",)})
    assert any("no property nope" in p for p in hubspot.check([unknown], {}).problems)


def test_a_malformed_history_is_kept_with_its_reason(stub: Stub, clock: FakeClock) -> None:
    stub.on(f"POST {OBJECTS}/search", found(deal(1), deal(2)))
    good = [{"value": "", "timestamp": "2026-11-02T00:00:00Z", "sourceType": "API"},
            {"value": "a", "timestamp": "2026-11-01T00:00:00Z", "sourceType": "IMPORT"}]  # fmt: skip
    stub.on(f"POST {OBJECTS}/batch/read", Say(body={"results": [
        {**deal(1), "propertiesWithHistory": {"dealstage": good}},
        {**deal(2), "propertiesWithHistory": {"dealstage": [{"value": "x"}]}},
    ]}))  # fmt: skip
    (page,) = connector(stub, clock).pull(HISTORY, EVERYTHING)
    assert [(r.fields["previous_value"], r.fields["value"]) for r in page.rows] == [(None, "a"), ("a", None)]
    assert [id_ for id_, _ in page.unreadable] == ["2"]
    assert stub.asked[1].body["propertiesWithHistory"] == ["dealstage", "amount"]


# --- activities, items, leads, custom objects


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("object_", "values"),
    [
        ("calls", {"hs_call_title": "hello"}),
        ("emails", {"hs_email_subject": "hello"}),
        ("meetings", {"hs_meeting_title": "hello"}),
        ("notes", {"hs_note_body": "hello"}),
        ("tasks", {"hs_task_subject": "hello"}),
    ],
)
def test_activities_come_with_what_they_are_about(version: str, object_: str, values: dict[str, str]) -> None:
    with hubspot_world(version) as portal:
        insert = portal.emulator.hubspot.insert
        company, person = portal.create("Acme"), insert("contacts", {"email": "a@example.com"})
        bargain = insert("deals", {"dealname": "D"})
        about = {"companies": [company], "deals": [bargain], "contacts": [person]}
        id_ = insert(object_, values, associations=about)
        spec = ReadSpec(Stream.ACTIVITIES, object_, tuple(values), associations=tuple(about))
        expected = {**values, **{f"associations.{name}": ids for name, ids in about.items()}}
        assert pulled(portal, spec)[id_].fields == expected
        assert swept(portal, spec)[id_].fields == expected
        assert portal.connector().check([spec], {}).problems == ()


@pytest.mark.parametrize(
    ("object_", "values"),
    [("line_items", {"name": "Licence"}), ("leads", {"hs_lead_name": "Lead"}), ("tickets", {"subject": "T"}),
     ("products", {"name": "P"})],
)  # fmt: skip
def test_other_types_are_read_like_companies(portal: HubSpotWorld, object_: str, values: dict[str, str]) -> None:
    id_ = portal.emulator.hubspot.insert(object_, values)
    spec = ReadSpec(Stream.LINE_ITEMS, object_, tuple(values))
    assert pulled(portal, spec)[id_].fields == values
    assert swept(portal, spec)[id_].fields == values
    assert portal.connector().count(spec) == 1


def test_line_items_hang_on_their_deal(portal: HubSpotWorld) -> None:
    bargain = portal.emulator.hubspot.insert("deals", {"dealname": "D"})
    id_ = portal.emulator.hubspot.insert("line_items", {"name": "Licence"}, associations={"deals": [bargain]})
    spec = ReadSpec(Stream.LINE_ITEMS, "line_items", ("name",), associations=("deals",))
    assert pulled(portal, spec)[id_].fields == {"name": "Licence", "associations.deals": [bargain]}
    assert swept(portal, spec)[id_].fields == {"name": "Licence", "associations.deals": [bargain]}


@pytest.mark.parametrize("object_", ["lists", "segments", "currencies"])
def test_what_is_not_read_says_so_and_what_to_do(portal: HubSpotWorld, object_: str) -> None:
    hubspot = portal.connector()
    spec = ReadSpec(Stream.LISTS, object_, ("name",))
    (problem,) = hubspot.check([spec], {}).problems
    assert "map" in problem
    with pytest.raises(UserError):
        list(hubspot.pull(spec, Window(None, hubspot.now())))


@pytest.mark.parametrize(
    ("object_", "name"), [("owners", "Name"), ("deal_stages", "stage"), ("exchange_rates", "currency")]
)
def test_check_says_what_a_list_has(portal: HubSpotWorld, object_: str, name: str) -> None:
    (problem,) = portal.connector().check([ReadSpec(Stream.USERS, object_, (name,))], {}).problems
    assert f"have no {name}. Correct it in the mapping; there are " in problem
    assert problem.field == name  # type: ignore[attr-defined]


def test_stages_of_a_type_that_is_not_there_are_a_problem(portal: HubSpotWorld) -> None:
    (problem,) = portal.connector().check([ReadSpec(Stream.STAGES, "nonsense_stages", ("key",))], {}).problems
    assert "no object type nonsense" in problem


@pytest.mark.parametrize("object_", ["owners", "deal_stages", "exchange_rates", "deals_history", "lists"])
def test_only_records_are_written(portal: HubSpotWorld, object_: str) -> None:
    hubspot = portal.connector()
    with pytest.raises(UserError):
        hubspot.write(object_, [portal.write("1", "v")])
    assert hubspot.calls == 0


def test_custom_objects_keep_names_that_look_like_others(stub: Stub, clock: FakeClock) -> None:
    stub.on("POST /crm/objects/2026-09/p_partner_stages/search", found())
    stub.on("GET /crm/pipelines/2026-09/2-55", Say(body={"results": []}))
    hubspot = connector(stub, clock)
    for name in ("p_partner_stages", "2-55_stages"):
        assert [p.last for p in hubspot.pull(ReadSpec(Stream.PARTNERS, name, ("key",)), EVERYTHING)] == [True]
    assert stub.paths() == ["POST /crm/objects/2026-09/p_partner_stages/search", "GET /crm/pipelines/2026-09/2-55"]


def test_an_idle_pull_of_anything_is_one_call_or_two_for_owners(portal: HubSpotWorld) -> None:
    portal.emulator.hubspot.set_rate("EUR", "1.25")
    hubspot = portal.connector()
    upper = hubspot.now()
    portal.clock.wait(3_600)
    cost: dict[str, int] = {}
    specs: list[tuple[str, Any]] = [("deals", DEALS), ("deals_history", HISTORY)]
    specs += [(n, ReadSpec(Stream.USERS, n, ())) for n in ("owners", "deal_stages", "exchange_rates", "calls", "leads")]
    for name, spec in specs:
        before = hubspot.calls
        list(hubspot.pull(spec, Window(upper + timedelta(minutes=1), hubspot.now())))
        cost[name] = hubspot.calls - before
    assert cost == {name: 2 if name == "owners" else 1 for name, _ in specs}
