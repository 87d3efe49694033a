"""What a portal is answered through the store: the filings of one partner in its words, and who is to be told what."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta

import pytest

from syncd.errors import UserError
from syncd.jobs.persons import act_on
from syncd.jobs.portal import statuses, to_tell
from syncd.model import DecisionKind, Protection
from syncd.policy import Options, Policy
from syncd.policy.answers import Status

from .conftest import Make
from .world import PRM_MAPPING, World

POLICY = Policy.model_validate(
    {
        "required": ["company.name"],
        "reminders": {"before_days": [30, 7], "after_days": [0]},
        "review": {"people": [{"email": "mia@vendor.example", "deputy": "deputy@vendor.example"}]},
    }
)


def read_by(world: World, key: str) -> list[Status]:
    with world.store.read() as tx:
        return statuses(world.work, tx, key)


def test_each_partner_reads_its_own_filings_and_what_was_passed_on_reads_both_ways(make: Make) -> None:
    world = make(policy=POLICY)
    world.deal("r1")
    world.clock.advance(hours=1)
    world.deal("r2", partner="P02")
    world.cycle()
    assert [(s.status, s.reason, s.place) for s in read_by(world, "P01")] == [("approved", "first_registered", None)]
    assert [(s.status, s.reason, s.place) for s in read_by(world, "P02")] == [("waiting", "in_queue", 1)]
    world.partner("P03", "Larkrise Digital")
    world.cycle()
    act_on(world.work, "r1", DecisionKind.TRANSFERRED, "kim", "moved", Options(to="P03"))
    world.cycle()
    assert [(s.status, s.reason) for s in read_by(world, "P01")] == [("expired", "transferred")]
    (taken,) = read_by(world, "P03")
    assert (taken.status, taken.reason, taken.until) == ("approved", "first_registered", world.state("r1").until)
    with pytest.raises(UserError, match="There is no partner P77"):
        read_by(world, "P77")


def test_a_request_in_the_portal_is_read_held_and_answered(make: Make) -> None:
    mapping = deepcopy(PRM_MAPPING)
    mapping["streams"]["registrations"]["fields"]["extension_asked_at"] = "extension_asked"
    holding = Policy.model_validate({"required": ["company.name"], "extension": {"requests_hold": True}})
    world = make(policy=holding, prm_mapping=mapping)
    world.deal("r1")
    world.clock.advance(hours=1)
    world.deal("r2", partner="P02")
    world.cycle()
    until, received = world.state().until, world.state().received_at
    assert until is not None
    assert received is not None
    world.clock.advance(days=89)
    world.deal("r1", submitted_at=received.isoformat(), extension_asked=world.clock.now().isoformat())
    world.cycle()
    assert sum(made.kind is DecisionKind.REQUESTED for made in world.decisions()) == 1
    world.clock.advance(days=3)
    world.cycle()
    assert (world.application("r2"), world.state().protection) == ("waiting", Protection.EXPIRED)
    act_on(world.work, "r1", DecisionKind.EXTENDED, "kim", "the pilot runs")
    world.cycle()
    assert (world.application("r2"), world.state().until) == ("waiting", until + timedelta(days=30))


def test_what_is_due_names_the_partner_and_who_answers_for_it_now_and_is_recorded_once(make: Make) -> None:
    world = make(policy=POLICY)
    world.deal("r1")
    world.cycle()
    until = world.state().until
    assert until is not None
    world.clock.advance(days=84)
    world.user(IsActive=False)
    for _ in range(2):
        world.cycle()
    with world.store.read() as tx:
        found = to_tell(world.work, tx, world.clock.now() - timedelta(days=10))
    assert [(t.to, t.notice.event, t.notice.at) for t in found] == [
        ("deputy@vendor.example", "ending", until - timedelta(days=7)), ("P01", "ending", until - timedelta(days=7)),
    ]  # fmt: skip
    assert found[0].why == "Mia Manager is not active."
    assert sum(made.kind is DecisionKind.REMINDED for made in world.decisions()) == 2
    world.clock.advance(days=8)
    world.restart()
    world.cycle()
    with world.store.read() as tx:
        found = to_tell(world.work, tx, world.clock.now() - timedelta(days=10))
    assert {t.notice.event for t in found} == {"ended"}
    assert sum(made.kind is DecisionKind.REMINDED for made in world.decisions()) == 3
