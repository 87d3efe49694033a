"""Commit lag: what is stamped when it is written is seen when its transaction commits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from .conftest import ACME, BETA, Served

MINUTE = timedelta(minutes=1)


def names(served: Served) -> list[str]:
    return [one["Name"] for one in served.sf.records("SELECT Name FROM Account ORDER BY Name")]


def stamps(served: Served) -> dict[str, str]:
    found = served.sf.records("SELECT Name, SystemModstamp FROM Account WHERE SystemModstamp >= 2026-11-23T00:00:00Z")
    return {one["Name"]: one["SystemModstamp"][11:16] for one in found}


def covered(served: Served) -> str:
    span = "start=2026-11-23T08:30:00Z&end=2026-11-23T10:00:00Z"
    answer: str = served.sf.get(f"sobjects/Account/updated?{span}").json()["latestDateCovered"]
    return answer[11:16]


def test_sf_a_late_commit_surfaces_behind_a_newer_stamp(fresh: Served) -> None:
    view = fresh.emu.salesforce
    handle = view.hold_commits()
    made = view.insert("Account", {"Name": "Late"}, transaction=handle)
    view.edit("Account", ACME, {"Name": "Acme renamed"}, transaction=handle)
    view.delete("Account", BETA, transaction=handle)
    fresh.clock.advance(9 * MINUTE)
    view.insert("Account", {"Name": "Newer"})
    assert stamps(fresh) == {"Newer": "09:09"}
    assert names(fresh) == ["Acme Ltd", "beta gmbh", "Newer"]
    assert fresh.sf.get(f"sobjects/Account/{made}").status_code == 404
    assert fresh.sf.get(f"sobjects/Account/{ACME}").json()["Name"] == "Acme Ltd"
    assert covered(fresh) == "09:00"
    assert {row["Name"] for row in view.rows("Account")} == {"Acme Ltd", "beta gmbh", "Gone Inc", "Newer"}
    view.commit(handle)
    assert stamps(fresh) == {"Acme renamed": "09:00", "Late": "09:00", "Newer": "09:09"}
    assert names(fresh) == ["Acme renamed", "Late", "Newer"]
    assert covered(fresh) == "09:09"
    deleted = fresh.sf.records(
        "SELECT Id, SystemModstamp FROM Account WHERE IsDeleted = true AND Id = '" + BETA + "'", "queryAll"
    )
    assert deleted[0]["SystemModstamp"][11:16] == "09:00"


def test_sf_a_transaction_lasts_ten_minutes_at_most(fresh: Served) -> None:
    view = fresh.emu.salesforce
    first, second = view.hold_commits(), view.hold_commits(seconds=60)
    view.insert("Account", {"Name": "Ten"}, transaction=first)
    view.insert("Account", {"Name": "One"}, transaction=second)
    fresh.clock.advance(MINUTE)
    assert names(fresh) == ["Acme Ltd", "beta gmbh", "One"]
    fresh.clock.advance(9 * MINUTE)
    assert names(fresh) == ["Acme Ltd", "beta gmbh", "One", "Ten"]
    with pytest.raises(ValueError, match="up to 600"):
        view.hold_commits(seconds=601)
    with pytest.raises(ValueError, match="no open transaction"):
        view.commit(first)


def test_sf_latest_date_covered_is_the_start_of_the_oldest_open_transaction(fresh: Served) -> None:
    view = fresh.emu.salesforce
    fresh.clock.advance(MINUTE)
    old = view.hold_commits()
    fresh.clock.advance(MINUTE)
    young = view.hold_commits()
    fresh.clock.advance(MINUTE)
    assert covered(fresh) == "09:01"
    view.commit(old)
    assert covered(fresh) == "09:02"
    view.roll_back(young)
    assert covered(fresh) == "09:03"


def test_what_is_rolled_back_never_was(fresh: Served) -> None:
    view, before = fresh.emu.salesforce, len(fresh.emu.changes)
    handle = view.hold_commits()
    view.edit("Account", ACME, {"Name": "No"}, transaction=handle)
    made = view.insert("Account", {"Name": "Never"}, transaction=handle)
    view.edit("Account", made, {"Site": "x"}, transaction=handle)  # its own writes are seen inside
    assert len(fresh.emu.changes) == before
    view.roll_back(handle)
    fresh.clock.advance(20 * MINUTE)
    assert names(fresh) == ["Acme Ltd", "beta gmbh"]
    assert len(fresh.emu.changes) == before
    assert view.rows("AccountHistory") == []


def test_the_log_tells_a_change_when_it_is_committed(fresh: Served) -> None:
    view, before = fresh.emu.salesforce, len(fresh.emu.changes)
    handle = view.hold_commits()
    view.edit("Account", ACME, {"Name": "Step 1"}, transaction=handle)
    view.edit("Account", ACME, {"Name": "Step 2", "Site": "HQ"}, transaction=handle)
    fresh.clock.advance(MINUTE)
    view.commit(handle)
    told = [(one.field, one.before, one.after, one.at.minute) for one in fresh.emu.changes[before:]]
    assert told == [("Name", "Acme Ltd", "Step 1", 0), ("Name", "Step 1", "Step 2", 0), ("Site", None, "HQ", 0)]


def test_sf_a_record_in_an_open_transaction_is_locked(fresh: Served) -> None:
    view = fresh.emu.salesforce
    handle = view.hold_commits()
    view.edit("Account", ACME, {"Site": "held"}, transaction=handle)
    answer = fresh.sf.patch(f"sobjects/Account/{ACME}", {"Fax": "1"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "UNABLE_TO_LOCK_ROW")
    assert fresh.sf.patch(f"sobjects/Account/{BETA}", {"Fax": "1"}).status_code == 204
    view.edit("Account", ACME, {"Fax": "2"})  # a person waits for the commit
    (row,) = fresh.sf.records(f"SELECT Site, Fax FROM Account WHERE Id = '{ACME}'")
    assert (row["Site"], row["Fax"]) == ("held", "2")
    assert fresh.sf.patch(f"sobjects/Account/{ACME}", {"Fax": "3"}).status_code == 204


def test_a_share_of_edits_commits_late_by_the_seed(fresh: Served) -> None:
    view = fresh.emu.salesforce
    view.delay_commits(share=0.5, seconds=300)
    for number in range(60):
        view.insert("Account", {"Name": f"Edit {number:02}"})
    at_once = [name for name in names(fresh) if name.startswith("Edit")]
    assert 15 < len(at_once) < 45
    fresh.clock.advance(timedelta(seconds=150))
    later = [name for name in names(fresh) if name.startswith("Edit")]
    assert len(at_once) < len(later) < 60
    fresh.clock.advance(timedelta(seconds=150))
    assert len([name for name in names(fresh) if name.startswith("Edit")]) == 60
    assert {stamp for name, stamp in stamps(fresh).items() if name.startswith("Edit")} == {"09:00"}
    view.delay_commits(share=0)
    view.insert("Account", {"Name": "Edit now"})
    assert "Edit now" in names(fresh)
    with pytest.raises(ValueError, match="share is 0 to 1"):
        view.delay_commits(share=2)


def test_cached_pages_show_a_commit(fresh: Served) -> None:
    view, soql = fresh.emu.salesforce, "SELECT Name, Owner.Title FROM Account ORDER BY Name"
    fresh.sf.records(soql)
    handle = view.hold_commits(seconds=30)
    view.edit("User", "005000000000001AAA", {"Title": "Boss"}, transaction=handle)
    assert fresh.sf.records(soql)[0]["Owner"]["Title"] is None
    fresh.clock.advance(timedelta(seconds=30))
    assert fresh.sf.records(soql)[0]["Owner"]["Title"] == "Boss"
