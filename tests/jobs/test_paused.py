"""At the end of the day's calls a run ends cleanly, says so, loses nothing and goes on where it was."""

from __future__ import annotations

from datetime import timedelta

from syncd.errors import QuotaExhausted, UserError
from syncd.jobs.checks import check_connections
from syncd.model import Stream
from syncd.store import cursors, records, runs

from .conftest import Make
from .world import CRM_UID


def test_a_run_that_meets_the_quota_ends_cleanly_and_resumes_at_the_page(make: Make) -> None:
    """F28."""
    world = make(page_size=1)
    for n in range(3):
        world.account(f"b{n}", f"Company {n} Ltd")
    world.crm.fail(None, None, QuotaExhausted(after=timedelta(hours=3)))
    report = world.cycle()
    assert report.paused == [
        "crm accounts: The daily share of API calls is used up; the work goes on when the window rolls. It goes on "
        "where it was, in 3:00:00."
    ]
    assert (report.errors, report.attention) == ([], True)
    assert report.pulled["prm"]["accounts"].new == 1, "the other connection has calls of its own"
    assert report.pulled["crm"] == {}, "nothing more is asked of this one"
    with world.store.read() as tx:
        assert len(list(records.of_stream(tx, Stream.ACCOUNTS))) == 3
        assert {r["status"] for r in runs.recent(tx, 20) if r["connection"] == "crm"} == {"partial"}
        assert cursors.get(tx, CRM_UID, Stream.ACCOUNTS).complete_through is None
    calls = world.crm.calls
    again = world.cycle(hours=3)
    assert (again.paused, again.pulled["crm"]["accounts"].new) == ([], 3)
    assert world.crm.calls - calls == 3 + 1 + 2, "the rest of the pages, what came since, and the other objects"


def test_a_field_that_vanished_while_we_work_is_named_by_the_run_that_met_it(make: Make) -> None:
    """F22."""
    world = make()
    world.cycle()
    world.crm._columns["Account"].discard("City")
    world.crm.fail(UserError("No such column City."))
    report = world.cycle()
    assert report.errors == [
        "crm accounts: No such column City.",
        "crm: Account.City has vanished since the last check.",
    ]
    later = world.cycle()
    assert "Account has no field City" in later.errors[0]
    assert "this stream is not read" in later.errors[0]
    crm, _ = check_connections(world.work)
    assert [said.split(" (noted")[0] for said in crm.drift] == ["Account.City has vanished since the last check."]
    world.crm.define("Account", "City")
    world.restart()
    assert world.work.drift == {"crm": ["Account.City is there again."]}
    assert world.cycle().errors == []


def test_a_stamp_field_that_vanished_is_written_no_more_and_the_stream_goes_on(make: Make) -> None:
    """F22."""
    world = make(mode="shadow")
    world.cycle()
    world.crm._columns["Account"].discard("reason__c")
    world.crm.fail(UserError("No such column reason__c."))
    assert len(world.cycle().errors) == 2
    report = world.cycle()
    assert report.errors == []
    assert "reason__c" not in world.side("crm").streams[Stream.ACCOUNTS].ours
    world.crm.define("Account", "reason__c")
    world.work.bind()
    assert "reason__c" in world.side("crm").streams[Stream.ACCOUNTS].ours
