"""Sweep: what no cursor can see is found; what is gone is believed only where nothing can be hidden from us."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from syncd.errors import IncompleteRead, Retry
from syncd.jobs.cycle import cycle
from syncd.jobs.sweep import due, sweep
from syncd.jobs.work import Brakes
from syncd.model import Checked, ObjectAccess, Stream
from syncd.store import cursors, graph, history, holds, records, runs, sweeps
from syncd.store.holds import HoldKind
from syncd.store.records import Stored

from .conftest import Make
from .world import CRM_UID, World, crm_ref, prm_ref


def swept(world: World, **advance: float) -> Any:
    """One cycle in which everything is read."""
    world.clock.advance(**(advance or {"seconds": 10}))
    return cycle(world.work, sweeping=True)


def row(world: World, id_: str = "a1") -> Stored:
    with world.store.read() as tx:
        return records.get(tx, [crm_ref(id_)])[crm_ref(id_)]


def counts(world: World, job: str = "sweep", stream: str = "accounts") -> dict[str, Any]:
    with world.store.read() as tx:
        found = [r for r in runs.recent(tx, 60) if (r["job"], r["connection"], r["stream"]) == (job, "crm", stream)]
    return dict(found[0]["counts"])


def one(world: World, most_pages: int | None = None, stream: Stream = Stream.ACCOUNTS) -> Any:
    return sweep(world.work, world.side("crm"), stream, most_pages=most_pages)


def accounts(world: World, count: int) -> World:
    for n in range(count):
        world.account(f"b{n:03}", f"Company {n:03} Ltd")
    return world


# --- drift -----------------------------------------------------------------------------------------------------------


def test_a_change_that_moved_no_stamp_is_found_counted_and_kept_with_a_version(world: World) -> None:
    """F04, F14, F52."""
    world.cycle()
    world.crm.edit_quietly("Account", "a1", {"City": "Bradford"})
    assert world.cycle().pulled["crm"]["accounts"].changed == 0
    report = swept(world)
    assert report.errors == []
    assert row(world).fields["City"] == "Bradford"
    assert counts(world)["drift"] == 1
    with world.store.read() as tx:
        assert [v["fields"]["City"] for v in history.versions(tx, crm_ref())] == ["Leeds", "Bradford"]
    swept(world)
    assert "drift" not in counts(world)


def test_a_stamp_that_somebody_changed_without_a_trace_is_written_again(world: World) -> None:
    world.deal()
    world.cycle()
    assert world.shows() == "protected"
    world.cycle(hours=1)
    world.crm.edit_quietly("Account", "a1", {"status__c": "mine"})
    assert world.cycle().writes == 0
    assert swept(world).writes == 1
    assert world.shows() == "protected"


def test_an_association_that_changed_alone_is_found(make: Make) -> None:
    """F57."""
    world = make()
    world.company("c2", "Harbour Logistics", city="Bath")
    world.deal("r1")
    world.cycle()
    world.prm.edit_quietly("deals", "r1", {}, companies=["c2"])
    world.cycle()
    swept(world)
    with world.store.read() as tx:
        assert records.get(tx, [prm_ref()])[prm_ref()].fields["associations.companies"] == ["c2"]


def test_a_record_that_every_pull_has_missed_is_drift_and_one_of_this_minute_is_not(make: Make) -> None:
    """F03, F40, F52."""
    world = make(read_lag=10.0)
    world.cycle()
    world.crm.put("Account", "missed", {"Name": "Missed Ltd"}, late=10**7)
    world.cycle(hours=1)
    world.account("fresh", "Fresh Ltd")
    one(world)
    assert (counts(world)["drift"], counts(world)["new"]) == (1, 2)


def test_formula_fields_are_refreshed_on_their_own_schedule_and_are_no_drift(make: Make) -> None:
    """F14, F15."""
    world = make()
    world.cycle()
    world.change_side("crm", access={"Account": ObjectAccess("Account", True, "Proved.", 2, ("Employees",))})
    world.crm.edit_quietly("Account", "a1", {"Employees": "121"})
    world.cycle(hours=5)
    assert row(world).fields["Employees"] == "120"
    assert not due(world.work, world.side("crm"), Stream.OPPORTUNITIES)
    world.cycle(hours=1)
    assert row(world).fields["Employees"] == "121"
    assert counts(world)["refreshed"] == 1
    assert "drift" not in counts(world)
    world.crm.edit_quietly("Account", "a1", {"Employees": "122", "City": "York"})
    world.cycle(hours=6)
    assert counts(world)["drift"] == 1


# --- when ------------------------------------------------------------------------------------------------------------


def test_a_sweep_is_due_a_day_after_everything_was_read_and_not_before(make: Make) -> None:
    world = make()
    side = world.side("crm")
    assert not due(world.work, side, Stream.ACCOUNTS), "what was never read is on its way"
    world.cycle()
    assert not due(world.work, side, Stream.ACCOUNTS)
    world.cycle(hours=23)
    assert counts_of_job(world, "sweep") == 0
    world.cycle(hours=1)
    assert counts_of_job(world, "sweep") == 6
    world.cycle(hours=23)
    assert counts_of_job(world, "sweep") == 6
    world.cycle(hours=1)
    assert counts_of_job(world, "sweep") == 12


def counts_of_job(world: World, job: str) -> int:
    with world.store.read() as tx:
        return sum(found["job"] == job for found in runs.recent(tx, 500))


def test_a_state_from_before_there_were_sweeps_is_swept_at_once(make: Make) -> None:
    from syncd.store.tables import sweep as table

    world = make()
    world.cycle()
    with world.store.begin() as tx:
        tx.execute(table.delete())
    assert due(world.work, world.side("crm"), Stream.ACCOUNTS)


def test_a_long_sweep_takes_a_part_of_each_cycle_and_goes_on_after_its_last_page(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F55."""
    monkeypatch.setattr("syncd.jobs.cycle.PAGES_PER_CYCLE", 2)
    world = accounts(make(page_size=2), 8)
    world.cycle()
    world.crm.edit_quietly("Account", "b007", {"City": "York"})
    world.cycle(days=1)
    assert row(world, "b007").fields["City"] == "Leeds"
    world.restart()
    calls = world.crm.calls
    world.cycle()
    world.cycle()
    assert row(world, "b007").fields["City"] == "York"
    assert world.crm.calls - calls <= 3 * 2 + 3 + 2, "no page was read twice"
    assert not due(world.work, world.side("crm"), Stream.ACCOUNTS)


def test_an_interrupted_sweep_goes_on_where_it_was(make: Make) -> None:
    """F12."""
    world = accounts(make(page_size=2), 6)
    world.cycle()
    world.crm.fail(None, None, Retry("busy"))
    with pytest.raises(Retry):
        one(world)
    calls = world.crm.calls
    assert one(world).done
    assert world.crm.calls - calls == 2


def test_a_sweep_shorter_than_what_is_counted_is_no_sweep(make: Make) -> None:
    """F11, F10, F05."""
    world = accounts(make(page_size=2), 3)
    world.cycle()
    world.crm.purge("Account", "b001")
    world.crm.hide(1)
    with pytest.raises(IncompleteRead):
        one(world)
    assert not row(world, "b001").deleted, "nothing is taken for gone by half a sweep"
    assert one(world).done
    assert row(world, "b001").deleted


def test_another_mapping_begins_a_sweep_anew(make: Make) -> None:
    world = accounts(make(page_size=2), 6)
    world.cycle()
    assert not one(world, most_pages=1).done
    world.crm_mapping = {"streams": {**world.crm_mapping["streams"]}}
    world.crm_mapping["streams"]["accounts"] = {**world.crm_mapping["streams"]["accounts"], "where": {}}
    world.restart()
    calls = world.crm.calls
    assert one(world).done
    assert world.crm.calls - calls == 4


# --- what is gone ----------------------------------------------------------------------------------------------------


def test_a_record_that_nothing_tells_of_is_gone_where_nothing_is_hidden(world: World) -> None:
    """F16, F18."""
    world.cycle()
    world.crm.purge("Account", "a2")
    report = swept(world)
    assert (report.held, report.alarms, row(world, "a2").deleted) == ([], [], True)
    assert counts(world)["vanished"] == 1


def test_a_record_that_nothing_tells_of_is_kept_where_something_may_be_hidden(world: World) -> None:
    """F36."""
    world.cycle()
    world.crm._sees_all = None
    world.crm.conceal("Account", "a2")
    report = swept(world)
    assert not row(world, "a2").deleted
    assert [alarm.split(":")[0] for alarm in report.alarms] == ["crm accounts"]
    assert report.attention
    assert swept(world).alarms == [], "said once"
    world.crm.conceal("Account", "a2", again_seen=True)
    swept(world)
    with world.store.read() as tx:
        assert sweeps.out_of_sight(tx, CRM_UID, "Account") == {}


def test_what_was_proved_of_our_sight_is_asked_anew_before_anything_is_taken_for_gone(make: Make) -> None:
    """F36."""
    world = make()
    world.cycle()
    world.crm.conceal("Account", "a2")
    world.crm._sees_all = False
    assert world.side("crm").access["Account"].sees_all is True, "as it was at the last check"
    swept(world)
    assert not row(world, "a2").deleted
    assert world.side("crm").access["Account"].sees_all is False


def test_deletions_that_no_pull_reports_are_found(make: Make) -> None:
    """F16, F44."""
    world = make(reports_deletes=False)
    world.cycle()
    world.crm.delete("Account", "a2")
    world.cycle()
    assert not row(world, "a2").deleted
    swept(world)
    assert row(world, "a2").deleted


def test_a_chain_of_merges_that_no_pull_reports_is_followed_to_its_end(make: Make) -> None:
    """F17, F45."""
    world = accounts(make(reports_deletes=False), 3)
    world.cycle()
    world.crm.delete("Account", "b000", merged_into="b001")
    world.crm.put("Account", "new", {"Name": "Company 000 Ltd"})
    world.crm.delete("Account", "b001", merged_into="new")
    world.cycle()
    swept(world)
    with world.store.read() as tx:
        ends = records.aliases(tx)
    assert ends == {crm_ref("b000"): crm_ref("new"), crm_ref("b001"): crm_ref("new")}
    assert "vanished" not in counts(world)


def test_a_record_that_was_restored_lives_again_even_with_its_old_stamp(make: Make) -> None:
    """F16."""
    world = make()
    world.cycle()
    kept = world.crm._objects["Account"].pop("a2")
    swept(world)
    assert row(world, "a2").deleted
    world.crm._objects["Account"]["a2"] = kept
    world.cycle()
    assert row(world, "a2").deleted, "an index that lags shows what is gone: only a read by id counts"
    swept(world)
    assert not row(world, "a2").deleted


def test_a_record_that_left_the_filter_leaves_its_stream(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    assert world.shows() == "protected"
    world.account("a1", RecordType="supplier")
    assert world.cycle().pulled["crm"]["accounts"].changed == 0, "the server no longer shows it"
    swept(world)
    assert row(world).fields["RecordType"] == "supplier"
    assert counts(world)["left"] == 1
    calls = world.crm.calls
    one(world)
    assert world.crm.calls - calls == 1, "it is not asked for again every night"
    world.account("a1", RecordType="customer")
    world.cycle()
    assert row(world).fields["RecordType"] == "customer"


@pytest.mark.parametrize("told", [True, False])
def test_what_cannot_be_read_is_there_all_the_same(make: Make, monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    """A record that is neither shown nor told to be unreadable is gone, and one that is told is not."""
    from dataclasses import replace

    world = make()
    world.cycle()
    sweep, fetch, unreadable = world.crm.sweep, world.crm.fetch, (("a2", "has no stamp"),) if told else ()
    monkeypatch.setattr(
        world.crm, "sweep",
        lambda *call: (
            replace(p, rows=[r for r in p.rows if r.id != "a2"], unreadable=unreadable, expected=None)
            for p in sweep(*call)
        ),
    )  # fmt: skip
    monkeypatch.setattr(world.crm, "fetch", lambda *call: [r for r in fetch(*call) if r.id != "a2"])
    one(world)
    assert row(world, "a2").deleted != told


def test_what_could_not_be_read_and_is_not_there_any_more_is_forgotten(make: Make) -> None:
    """But not what was found while the sweep was under way, behind the place that it had reached."""
    world = make()
    world.cycle()
    with world.store.begin() as tx:
        records.keep_unreadable(tx, CRM_UID, Stream.ACCOUNTS, [("old.csv:4", "no id")], world.clock.now(), "r")
        later = world.clock.now() + timedelta(hours=1)
        records.keep_unreadable(tx, CRM_UID, Stream.ACCOUNTS, [("new.csv:4", "no id")], later, "r")
    world.clock.advance(minutes=1)
    one(world)
    with world.store.read() as tx:
        assert [row["ref"] for row in graph.unreadable_rows(tx)] == [f"{CRM_UID}/new.csv:4"]


# --- the brake -------------------------------------------------------------------------------------------------------


def many(make: Make, gone: int, **about: Any) -> World:
    """Forty accounts of which some have vanished."""
    world = accounts(make(**about), 38)
    world.cycle()
    for n in range(gone):
        world.crm.purge("Account", f"b{n:03}")
    return world


def test_a_mass_of_vanished_records_stops_the_stream_and_nothing_is_taken_for_gone(make: Make) -> None:
    """F31, F36, F09."""
    world = many(make, 20)
    report = swept(world)
    assert [said.split(",")[0] for said in report.held] == ["crm accounts: 20 of 40 records have vanished"]
    assert not any(row(world, f"b{n:03}").deleted for n in range(20))
    with world.store.read() as tx:
        (hold,) = holds.open_ones(tx)
        mark = cursors.get(tx, CRM_UID, Stream.ACCOUNTS)
    assert (hold.kind, hold.evidence["vanished"], hold.evidence["of"]) == (HoldKind.VANISHED, 20, 40)
    again = world.cycle(hours=1)
    assert "accounts" not in again.pulled["crm"]
    assert "syncd proceed 1" in again.held[0]
    with world.store.read() as tx:
        assert cursors.get(tx, CRM_UID, Stream.ACCOUNTS) == mark, "what is held is complete no further"


def test_a_few_vanished_records_stop_nothing(make: Make) -> None:
    world = many(make, 19)
    assert swept(world).held == []
    assert row(world, "b018").deleted


def test_a_small_share_stops_nothing_however_many_they_are(make: Make) -> None:
    world = many(make, 20)
    world.work.brakes = Brakes(vanished_share=0.5)
    assert swept(world).held == []
    assert row(world, "b019").deleted


def test_a_mass_of_deletions_that_the_system_tells_of_is_believed(make: Make) -> None:
    world = accounts(make(reports_deletes=False), 38)
    world.cycle()
    for n in range(25):
        world.crm.delete("Account", f"b{n:03}")
    assert swept(world).held == []
    assert row(world, "b000").deleted


def test_records_that_moved_into_another_are_not_gone(make: Make) -> None:
    world = accounts(make(reports_deletes=False), 38)
    world.cycle()
    for n in range(25):
        world.crm.delete("Account", f"b{n:03}", merged_into="a1")
    assert swept(world).held == []


def test_records_out_of_sight_already_are_not_counted_again(make: Make) -> None:
    world = many(make, 0, proved=None)
    for n in range(19):
        world.crm.conceal("Account", f"b{n:03}")
    assert swept(world).held == []
    for n in range(19, 37):
        world.crm.conceal("Account", f"b{n:03}")
    assert swept(world).held == []
    with world.store.read() as tx:
        assert len(sweeps.out_of_sight(tx, CRM_UID, "Account")) == 37


def test_a_first_read_again_that_brings_nothing_stops_before_it_counts_as_one(make: Make) -> None:
    """F31."""
    world = many(make, 0)
    for n in range(38):
        world.crm.conceal("Account", f"b{n:03}")
    for id_ in ("a1", "a2"):
        world.crm.conceal("Account", id_)
    world.crm_mapping = {"streams": {**world.crm_mapping["streams"]}}
    world.crm_mapping["streams"]["accounts"] = {**world.crm_mapping["streams"]["accounts"], "where": {}}
    world.restart()
    report = world.cycle(hours=1)
    assert "nothing came, although 40 records are held" in report.held[0]
    with world.store.read() as tx:
        assert cursors.get(tx, CRM_UID, Stream.ACCOUNTS).complete_through is None
        (hold,) = holds.open_ones(tx)
    assert hold.kind is HoldKind.EMPTY


def test_a_check_that_fails_at_the_end_leaves_the_sweep_to_be_ended_later(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make()
    world.cycle()
    world.crm.purge("Account", "a2")

    def refuse(*about: Any) -> Checked:
        raise Retry("busy")

    with monkeypatch.context() as patch:
        patch.setattr(world.crm, "check", refuse)
        with pytest.raises(Retry):
            one(world)
    assert not row(world, "a2").deleted
    calls = world.crm.calls
    assert one(world).done
    assert world.crm.calls - calls == 2, "a fetch and a check: nothing is swept again"
    assert row(world, "a2").deleted
