"""One object, several streams: it is read once, and each record belongs to the first stream that lets it in."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from syncd.jobs.feeds import feeds_of
from syncd.jobs.pull import pull
from syncd.model import Stream
from syncd.store import cursors, intake, records
from syncd.store.cursors import Cursor

from .conftest import Make
from .world import CRM_MAPPING, PRM_MAPPING, PRM_UID, World, compiled, prm_ref

DEALS = PRM_MAPPING["streams"]["registrations"]


def both(**where: Any) -> dict[str, Any]:
    """A portal whose deals are registrations in one pipeline and opportunities in the other."""
    made = deepcopy(PRM_MAPPING)
    made["streams"]["opportunities"] = {
        "object": "deals",
        "where": where or {"pipeline": ["sales"]},
        "fields": {
            "name": "dealname",
            "account_id": "associations.companies",
            "value": {"amount": "amount"},
            "is_closed": "closed",
            "is_won": "won",
            "created_at": "createdate",
        },
    }
    made["streams"]["registrations"] = {**DEALS, "exclude": {}, "where": {"pipeline": ["registrations"]}}
    return made


def world_of_both(make: Make, **about: Any) -> World:
    world = make(prm_mapping=both(), **about)
    world.deal("r1", pipeline="registrations", dealname="Filed")
    world.deal("o1", pipeline="sales", dealname="Own")
    world.deal("x1", pipeline="renewals", dealname="Neither")
    return world


def streams(world: World) -> dict[str, str]:
    with world.store.read() as tx:
        known = records.get(tx, [prm_ref(id_) for id_ in ("r1", "o1", "x1")])
    return {ref.id: row.stream for ref, row in known.items()}


def held(world: World, stream: Stream) -> Cursor:
    with world.store.read() as tx:
        return cursors.get(tx, PRM_UID, stream)


def test_streams_of_one_object_are_one_feed_that_registrations_head() -> None:
    feeds = feeds_of(compiled(both(), "hubspot").streams)
    assert [(feed.object, feed.name) for feed in feeds] == [
        ("companies", "accounts"), ("deals", "registrations+opportunities"), ("partners", "partners"),
    ]  # fmt: skip
    deals = feeds[1]
    assert deals.head is Stream.REGISTRATIONS
    assert {"pipeline", "dealname", "dealstage", "amount", "syncd_status"} <= set(deals.spec.fields)
    assert deals.spec.associations == ("companies",)
    assert deals.spec.where == {}


def test_the_server_filters_only_for_a_stream_that_is_alone_and_no_registration() -> None:
    crm = {feed.name: feed.spec.where for feed in feeds_of(compiled(CRM_MAPPING, "salesforce").streams)}
    assert crm["accounts"] == {"RecordType": ("", "customer")}
    filtered = deepcopy(PRM_MAPPING)
    filtered["streams"]["registrations"] = {**DEALS, "where": {"pipeline": ["registrations"]}, "exclude": {}}
    prm = {feed.name: feed.spec for feed in feeds_of(compiled(filtered, "hubspot").streams)}
    assert prm["registrations"].where == {}, "what a filter keeps out has a line as well"
    assert "pipeline" in prm["registrations"].fields


def test_another_filter_of_shared_deals_reads_everything_again_and_a_value_map_alone_does_not() -> None:
    (_, one, _), (_, other, _) = (
        feeds_of(compiled(both(**where), "hubspot").streams) for where in ({}, {"pipeline": ["sales", "renewals"]})
    )
    assert one.spec == other.spec
    assert one.spec_hash != other.spec_hash
    mapped = deepcopy(PRM_MAPPING)
    mapped["streams"]["registrations"]["fields"]["status"]["values"]["draft"] = "submitted"
    alone, same = (feeds_of(compiled(file, "hubspot").streams)[1].spec_hash for file in (PRM_MAPPING, mapped))
    assert alone == same


def test_each_record_belongs_to_the_stream_that_lets_it_in_and_one_call_reads_them_all(make: Make) -> None:
    world = world_of_both(make)
    calls = world.prm.calls
    world.cycle()
    assert streams(world) == {"r1": "registrations", "o1": "opportunities", "x1": "registrations"}
    assert world.prm.calls - calls == 3 + len(world.prm.changes), "three objects, and what was written"
    with world.store.read() as tx:
        assert [item.ref.id for item in records.of_stream(tx, Stream.OPPORTUNITIES)] == ["o1"]
        lines = {line.ref.id: (line.state, line.field, line.value) for line in intake.lines(tx)}
    assert lines == {"r1": ("taken", None, None), "x1": ("filtered", "pipeline", "renewals")}


def test_two_streams_of_one_object_do_not_undo_each_other(make: Make) -> None:
    world = world_of_both(make)
    world.cycle()
    before = world.prm.calls
    report = world.cycle()
    assert report.pulled["prm"]["registrations+opportunities"].changed == 0
    assert world.prm.calls - before == 3
    assert world.application("r1") == "approved"


def test_a_deal_that_moves_to_the_other_pipeline_moves_to_the_other_stream(make: Make) -> None:
    world = world_of_both(make)
    world.cycle()
    world.deal("o1", pipeline="registrations")
    world.deal("r1", pipeline="sales")
    world.cycle()
    assert streams(world)["o1"] == "registrations"
    assert streams(world)["r1"] == "opportunities"
    assert world.application("o1") in ("approved", "waiting", "pending")
    with world.store.read() as tx:
        assert {line.ref.id for line in intake.lines(tx)} == {"x1", "o1"}


def test_a_deleted_deal_stays_what_it_was(make: Make) -> None:
    world = world_of_both(make)
    world.cycle()
    world.prm.delete("deals", "o1")
    world.cycle()
    with world.store.read() as tx:
        kept = records.get(tx, [prm_ref("o1")])[prm_ref("o1")]
    assert (kept.deleted, kept.stream) == (True, "opportunities")


def test_a_deletion_that_tells_nothing_else_leaves_what_was_filed(make: Make) -> None:
    """F44."""
    from syncd.jobs.rows import store_rows
    from syncd.model import Row

    world = make()
    world.deal("r1")
    world.cycle()
    side = world.side("prm")
    feed = side.feed(Stream.REGISTRATIONS)
    blank = Row("r1", world.clock.now(), dict.fromkeys(feed.spec.fields), deleted=True)
    with world.store.begin() as tx:
        store_rows(tx, side, feed, [blank], world.clock.now(), "r")
    world.cycle()
    with world.store.read() as tx:
        row = records.get(tx, [prm_ref("r1")])[prm_ref("r1")]
    assert (row.deleted, row.fields["partner_id"], row.fields["dealstage"]) == (True, "P01", "submitted")
    assert world.state().protection == "active", "what was promised does not depend on the record"


def test_a_stream_that_comes_back_is_read_from_the_beginning(make: Make) -> None:
    world = world_of_both(make)
    world.cycle()
    world.prm_mapping = {"streams": {k: v for k, v in both()["streams"].items() if k != "registrations"}}
    world.restart()
    world.cycle()
    assert held(world, Stream.REGISTRATIONS).watermark is None
    assert held(world, Stream.OPPORTUNITIES).watermark == world.clock.now()
    assert streams(world)["o1"] == "opportunities"
    world.prm_mapping = both()
    world.restart()
    report = world.cycle(hours=1)
    assert report.pulled["prm"]["registrations+opportunities"].read == 3
    assert held(world, Stream.OPPORTUNITIES).watermark is None
    assert streams(world) == {"r1": "registrations", "o1": "opportunities", "x1": "registrations"}


def test_a_broken_stream_keeps_its_object_unread_and_says_why(make: Make) -> None:
    """F22."""
    world = world_of_both(make)
    world.cycle()
    complete = held(world, Stream.REGISTRATIONS).complete_through
    world.change_side("prm", broken={Stream.OPPORTUNITIES: "deals has no property dealname."})
    report = world.cycle(hours=1)
    assert report.errors == ["prm opportunities: deals has no property dealname."]
    assert held(world, Stream.REGISTRATIONS).complete_through == complete


def test_a_specification_that_changed_publishes_nothing_until_all_is_read_again(make: Make) -> None:
    """F21, F09."""
    from syncd.errors import IncompleteRead, Retry

    world = make(page_size=1)
    world.cycle()
    changed = deepcopy(CRM_MAPPING)
    changed["streams"]["accounts"]["where"] = {}
    world.crm_mapping = changed
    world.restart()
    world.clock.advance(hours=1)
    side = world.side("crm")
    world.crm.fail(None, Retry("later"))
    for error in (Retry, IncompleteRead):
        try:
            pull(world.work, side, Stream.ACCOUNTS)
        except error:
            pass
        else:
            raise AssertionError("it was to fail")
        with world.store.read() as tx:
            found = cursors.get(tx, side.uid, Stream.ACCOUNTS)
        assert (found.watermark, found.complete_through) == (None, None)
        world.crm.hide(1)
    world.crm.hide(0)
    assert pull(world.work, side, Stream.ACCOUNTS).read == 2, "all of it, although a window of it was dropped"


def test_what_could_not_be_read_of_shared_deals_can_be_read_later_in_whatever_stream(make: Make) -> None:
    from syncd.store import graph

    world = world_of_both(make)
    with world.store.begin() as tx:
        records.keep_unreadable(tx, PRM_UID, Stream.REGISTRATIONS, [("o1", "x"), ("q1", "x")], world.clock.now(), "r")
    world.cycle()
    with world.store.read() as tx:
        assert [row["ref"] for row in graph.unreadable_rows(tx)] == [f"{PRM_UID}/q1"]
