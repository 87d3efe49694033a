"""Writing: every receipt is kept, an unknown outcome is read back before anything is sent again, nobody is held up."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.errors import Retry
from syncd.jobs.write import HEARTBEAT_EVERY, MOST_ATTEMPTS, wait_after
from syncd.model import Receipt, WriteState

from .conftest import Make
from .world import CRM_MAPPING, SETTLE, World, crm_ref, prm_ref


def states(world: World, id_: str = "a1") -> list[WriteState]:
    return [item.state for item in world.writes(crm_ref(id_))]


def filed(world: World) -> World:
    """An account with a filing that is decided and will be written in the next cycle."""
    world.deal()
    world.clock.advance(seconds=10)
    return world


def many(world: World, count: int = 5) -> World:
    """So many accounts, each with its filing."""
    for n, word in enumerate(("Alder", "Birch", "Cedar", "Damson", "Elm")[:count]):
        world.account(f"b{n}", f"{word} Works Ltd")
        world.company(f"d{n}", f"{word} Works Limited")
        world.deal(f"s{n}", f"d{n}")
    return world


def test_each_write_has_its_receipt_and_its_entry_in_the_ledger(world: World) -> None:
    filed(world)
    world.cycle()
    (done,) = world.writes(crm_ref())
    assert (done.state, done.attempts, done.intent.before["status__c"]) == (WriteState.APPLIED, 1, None)
    entry = next(entry for entry in world.ledger() if entry["ref"] == str(crm_ref()))
    assert (entry["before"]["status__c"], entry["after"]["status__c"]) == (None, "protected")
    assert entry["because"]["policy"] == world.work.policy_version
    assert set(entry["after"]["contact__c"]) == {"commitment"}, "a person's name is not in the chain"
    assert len(world.ledger()) == len(world.crm.changes) + len(world.prm.changes)


# --- unknown outcomes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("applied", [True, False])
def test_an_unknown_outcome_is_read_back_after_the_time_limit_and_never_resent_blindly(
    world: World, applied: bool
) -> None:
    filed(world)
    world.crm.lose_answer(applied=applied)
    report = world.cycle()
    assert report.unknown == 1
    assert states(world) == [WriteState.SENT]
    changes, calls = len(world.crm.changes), world.crm.calls
    world.cycle(seconds=SETTLE.total_seconds() - 1)
    told = WriteState.APPLIED if applied else WriteState.SENT
    assert states(world) == [told], "a pull may prove it; disproved it is not while the server may be working on it"
    assert world.crm.calls - calls == 3, "and nothing was sent or asked by id"
    world.cycle(seconds=2)
    assert len(world.crm.changes) == changes
    assert states(world) == [WriteState.APPLIED if applied else WriteState.SUPERSEDED]
    world.cycle()
    assert world.shows() == "protected"
    assert len(world.crm.changes) == 1
    assert world.crm.redundant == []
    assert len([entry for entry in world.ledger() if entry["ref"] == str(crm_ref())]) == 1


def test_what_was_wanted_anew_while_a_write_was_out_is_written_afterwards(world: World) -> None:
    filed(world)
    world.crm.lose_answer(applied=False)
    world.cycle()
    world.partner(name="Wychwood Group")
    world.cycle()
    assert states(world) == [WriteState.SENT]
    world.cycle(minutes=5)
    world.cycle()
    assert world.shows(field="partner__c") == "Wychwood Group"
    assert states(world) == [WriteState.SUPERSEDED, WriteState.APPLIED]


def test_an_edit_by_hand_while_a_write_was_out_is_not_taken_for_ours(world: World) -> None:
    filed(world)
    world.crm.lose_answer(applied=False)
    world.cycle()
    world.account("a1", status__c="mine")
    world.cycle(minutes=5)
    world.cycle()
    assert world.shows() == "protected"
    (entry,) = [entry for entry in world.ledger() if entry["ref"] == str(crm_ref())]
    assert entry["before"]["status__c"] == "mine"


def test_an_unknown_outcome_of_a_record_that_is_gone_is_closed(world: World) -> None:
    filed(world)
    world.crm.lose_answer(applied=False)
    world.cycle()
    world.crm.delete("Account", "a1")
    world.cycle(minutes=5)
    assert states(world) == [WriteState.SUPERSEDED]
    assert world.cycle().errors == []


def test_a_write_that_arrived_before_its_record_was_deleted_has_its_entry(make: Make) -> None:
    world = filed(make())
    world.crm.lose_answer(applied=True)
    world.cycle()
    world.crm.delete("Account", "a1")
    world.cycle(minutes=5)
    assert states(world) == [WriteState.APPLIED]
    assert len([entry for entry in world.ledger() if entry["ref"] == str(crm_ref())]) == 1


def test_of_a_record_that_is_gone_without_a_word_the_ledger_says_that_nobody_can_tell(make: Make) -> None:
    world = filed(make())
    world.crm.lose_answer(applied=True)
    world.cycle()
    world.crm.purge("Account", "a1")
    world.cycle(minutes=5)
    assert [(item.state, item.code) for item in world.writes(crm_ref())] == [(WriteState.SUPERSEDED, "record_gone")]
    (told,) = world.ledger("unsettled")
    assert (told["ref"], told["after"]["status__c"]) == (str(crm_ref()), "protected")


@pytest.mark.parametrize("applied", [True, False])
def test_a_write_whose_stream_has_left_the_mapping_is_settled_all_the_same(make: Make, applied: bool) -> None:
    world = make(ownership="enforce")
    world.deal()
    world.cycle()
    world.opportunity("o1", Products__c="PLAN")
    world.crm.lose_answer(applied=applied)
    world.crm.lose_answer(applied=applied)
    world.cycle()
    streams = {name: part for name, part in CRM_MAPPING["streams"].items() if name != "opportunities"}
    world.crm_mapping = {"streams": streams}
    world.restart()
    world.cycle(minutes=5)
    assert [item.state for item in world.writes(crm_ref("o1", "Opportunity"))] == (
        [WriteState.APPLIED if applied else WriteState.SUPERSEDED] * 2
    )
    told = [entry for entry in world.ledger() if entry["ref"] == str(crm_ref("o1", "Opportunity"))]
    assert len(told) == (2 if applied else 0)


def test_a_write_that_comes_when_it_was_given_up_is_told_and_corrected_once(make: Make) -> None:
    world = filed(make())
    world.crm.lose_answer(applied=False)
    world.cycle()
    (late,) = world.writes(crm_ref())
    world.partner(name="Wychwood Group")
    world.cycle(minutes=5)
    world.cycle()
    assert world.shows(field="partner__c") == "Wychwood Group"
    world.crm.write("Account", [late.write])
    world.cycle()
    assert world.shows(field="partner__c") == "Wychwood Group"
    told = [entry["receipt"] for entry in world.ledger() if entry["ref"] == str(crm_ref())]
    assert sorted(told) == ["", "", "late"]
    assert world.cycle().writes == 0


def test_both_write_groups_of_a_record_are_settled_at_once(make: Make) -> None:
    world = make(ownership="enforce")
    filed(world)
    world.cycle()
    world.opportunity("o1", Products__c="PLAN")
    world.crm.lose_answer(applied=True)
    world.crm.lose_answer(applied=True)
    assert world.cycle().unknown == 2
    world.cycle(minutes=5)
    report = world.cycle()
    assert report.planned == 0
    assert world.crm.redundant == []
    assert [item.state for item in world.writes(crm_ref("o1", "Opportunity"))] == [WriteState.APPLIED] * 2


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_refused_row_does_not_hold_up_the_others(make: Make) -> None:
    world = many(make())
    world.crm.refuse("b2", "FIELD_CUSTOM_VALIDATION")
    report = world.cycle()
    assert report.failed == 1
    assert [world.shows(f"b{n}") for n in range(5)] == ["protected", "protected", None, "protected", "protected"]


def test_content_that_was_refused_for_good_is_not_tried_again_until_it_changes(make: Make) -> None:
    world = filed(make())
    world.crm.refuse("a1", "FIELD_CUSTOM_VALIDATION")
    world.cycle()
    calls = world.crm.calls
    for _ in range(3):
        world.account("a1", Phone=str(world.clock.now()))
        report = world.cycle(hours=1)
        assert (report.planned, report.failed) == (0, 0)
    assert world.crm.calls - calls == 9, "three streams, and no write"
    assert states(world) == [WriteState.FAILED]
    world.crm._poison.clear()
    world.partner(name="Wychwood Group")
    world.cycle()
    assert world.shows(field="partner__c") == "Wychwood Group"


def test_a_locked_row_waits_longer_each_time_while_the_others_go_on(make: Make) -> None:
    world = many(make(), 2)
    world.crm.refuse("b0", "UNABLE_TO_LOCK_ROW")
    world.cycle()
    assert (world.shows("b0"), world.shows("b1")) == (None, "protected")
    calls = world.crm.calls
    world.cycle(seconds=wait_after(0).total_seconds() - 1)
    assert world.crm.calls - calls == 3
    world.crm._poison.clear()
    world.cycle(seconds=60)
    assert world.shows("b0") == "protected"
    assert [item.attempts for item in world.writes(crm_ref("b0"))] == [2]


def test_a_row_that_is_always_put_off_is_given_up_and_said_so(make: Make) -> None:
    world = filed(make())
    world.crm.refuse("a1", "UNABLE_TO_LOCK_ROW")
    for _ in range(MOST_ATTEMPTS + 3):
        world.cycle(minutes=20)
    (gone,) = world.writes(crm_ref())
    assert (gone.state, gone.code) == (WriteState.FAILED, "UNABLE_TO_LOCK_ROW")
    assert "Given up" in gone.message


def test_waits_double_up_to_a_quarter_of_an_hour() -> None:
    assert [wait_after(n).total_seconds() for n in (1, 2, 3, 4)] == [5, 10, 20, 40]
    assert wait_after(99).total_seconds() == 900


def test_a_connection_that_fails_before_anything_is_sent_leaves_its_writes_to_the_next_cycle(make: Make) -> None:
    world = filed(make())
    world.crm.fail(None, None, None, Retry("quota"))
    report = world.cycle()
    assert report.errors == ["crm write: quota"]
    assert world.prm.get("deals", "r1")["syncd_status"] == "approved", "the other side goes on"
    assert world.shows() is None
    world.cycle()
    assert world.shows() == "protected"
    assert [item.attempts for item in world.writes(crm_ref())] == [1]


def test_what_was_written_before_an_error_is_still_counted(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.jobs.write.CALLS_AT_ONCE", 1)
    world = many(make())
    world.crm._facts = world.crm._facts.__class__("memory", 0.0, 1.0, 2.0, 2, True, False)
    world.crm.fail(None, None, None, None, Retry("quota"))
    report = world.cycle()
    assert report.errors == ["crm write: quota"]
    assert report.written["crm"].applied == 2


@pytest.mark.parametrize("answer", ["nothing", "another row", "in another order"])
def test_a_row_that_the_answer_does_not_mention_has_an_unknown_outcome(
    make: Make, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    world = many(make(), 2)
    real = world.crm.write

    def odd(object_: str, writes: Any) -> list[Receipt]:
        receipts = real(object_, writes)
        return {"nothing": [], "another row": receipts[:1], "in another order": receipts[::-1]}[answer]

    monkeypatch.setattr(world.crm, "write", odd)
    report = world.cycle()
    assert report.unknown == {"nothing": 2, "another row": 1, "in another order": 0}[answer]
    monkeypatch.setattr(world.crm, "write", real)
    world.cycle(minutes=5)
    assert world.cycle().writes == 0
    assert len(world.ledger()) == len(world.crm.changes) + len(world.prm.changes)
    assert world.crm.redundant == []


# --- heartbeat -------------------------------------------------------------------------------------------------------


def test_the_heartbeat_comes_every_quarter_of_an_hour_and_is_no_stamp_write(make: Make) -> None:
    world = make(beats=True)
    world.cycle()
    seen = world.crm.get("Heartbeat", "h1")["seen"]
    assert seen == f"{world.clock.now():%Y-%m-%dT%H:%M:%S}.000+0000"
    assert world.cycle(minutes=14).writes == 0
    assert world.crm.get("Heartbeat", "h1")["seen"] == seen
    report = world.cycle(minutes=HEARTBEAT_EVERY.total_seconds() / 60 - 14)
    assert world.crm.get("Heartbeat", "h1")["seen"] != seen
    assert (report.writes, world.ledger()) == (0, [])


def test_a_heartbeat_that_was_refused_is_tried_in_the_next_cycle(make: Make) -> None:
    world = make(beats=True)
    world.crm.refuse("h1", "INSUFFICIENT_ACCESS")
    assert world.cycle().errors == []
    world.crm._poison.clear()
    world.cycle()
    assert world.crm.get("Heartbeat", "h1")["seen"]


def test_partners_are_told_on_their_own_records(world: World) -> None:
    filed(world)
    world.cycle()
    assert world.prm.get("deals", "r1")["syncd_status"] == "approved"
    assert [item.state for item in world.writes(prm_ref())] == [WriteState.APPLIED]
