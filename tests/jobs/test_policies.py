"""A policy by two people: nothing is decided before they have agreed, and an edited file waits for a second person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.cli.sync import exit_code
from syncd.errors import UserError
from syncd.jobs.checks import known_trouble
from syncd.jobs.holds import proceed, waiting
from syncd.jobs.persons import decide_on
from syncd.jobs.policies import approve, propose
from syncd.model import DecisionKind
from syncd.policy import Policy, version_of

from .conftest import Make
from .world import World

GUARDED = Policy.model_validate({"required": ["company.name"], "two_people": True})
LONGER = GUARDED.model_copy(update={"protection": GUARDED.protection.model_copy(update={"days": 120})})
LOOSE = Policy.model_validate({"required": ["company.name"], "protection": {"days": 300}})


def agree(world: World, policy: Policy, **more: object) -> None:
    """Kim proposes, and Lee approves."""
    version = propose(world.work, policy, "kim", "")
    approve(world.work, version, "lee", "", **more)  # type: ignore[arg-type]


def name_in_settings(world: World, policy: Policy) -> None:
    world.policy = policy
    world.restart()


def lasts(world: World, id_: str = "r1") -> int:
    state = world.state(id_)
    assert state.since is not None
    assert state.until is not None
    return (state.until - state.since).days


def test_nothing_is_decided_before_two_people_have_agreed_and_then_the_next_cycle_does(make: Make) -> None:
    world = make(policy=GUARDED)
    world.deal("r1")
    report = world.cycle()
    assert (exit_code(report), report.held) == (4, [world.work.policy_held])
    assert world.decisions() == []
    assert world.prm.get("deals", "r1")["syncd_status"] == "pending", "what was filed is acknowledged"
    with world.store.read() as tx:
        (held,) = waiting(world.work, tx)
    assert (held.kind.value, held.behind) == ("policy", "Companies to be decided: 1.")
    assert "Until then nothing is decided" in " ".join(known_trouble(world.work))
    with pytest.raises(UserError, match="no two people have agreed to"):
        proceed(world.work, "policy", "kim", "go on")
    agree(world, GUARDED)
    assert world.cycle().held == []
    assert (world.application(), lasts(world)) == ("approved", 90)


def test_a_file_edited_in_place_changes_nothing_until_somebody_else_has_approved_it(make: Make) -> None:
    world = make(policy=GUARDED)
    agree(world, GUARDED)
    world.deal("r1")
    world.cycle()
    for edited in (LONGER, LOOSE):
        name_in_settings(world, edited)
        world.deal("r2", company="c1", products="BOARD")
        world.cycle()
        assert lasts(world, "r2") == 90
        assert {made.policy_version for made in world.decisions() if made.kind is DecisionKind.APPROVED} == {
            version_of(GUARDED)
        }
        assert version_of(edited) in world.work.policy_held
    name_in_settings(world, LONGER)
    agree(world, LONGER, since=world.clock.now() + timedelta(days=2))
    world.deal("r3", products="DESK")
    world.cycle()
    assert lasts(world, "r3") == 90, "its day has not come"
    world.clock.advance(days=2)
    world.deal("r4", products="LAMP")
    world.cycle()
    assert (lasts(world, "r4"), lasts(world), world.work.policy_held) == (120, 90, "")


def test_a_person_decides_nothing_either_while_no_policy_is_in_force(make: Make) -> None:
    world = make(policy=Policy.model_validate({"required": ["company.name"], "approval": "manual"}))
    world.deal("r1")
    world.cycle()
    name_in_settings(world, GUARDED)
    world.cycle()
    with pytest.raises(UserError, match="no two people have agreed to"):
        decide_on(world.work, "r1", DecisionKind.APPROVED, "kim", "")


def test_nobody_approves_what_they_proposed_under_another_name(make: Make) -> None:
    people = {"people": [{"email": "kim@vendor.example", "names": ["kim", "kkane"]}]}
    world = make(policy=Policy.model_validate({"required": ["company.name"], "review": people}))
    version = propose(world.work, LONGER, "kim", "")
    with pytest.raises(UserError, match="kkane has proposed it"):
        approve(world.work, version, "kkane", "")
    with pytest.raises(UserError, match="which is over"):
        approve(world.work, version, "lee", "", world.clock.now() - timedelta(days=1))
