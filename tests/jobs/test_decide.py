"""Deciding: when everything that could contest has been seen, once, and never again because a policy changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.errors import Retry
from syncd.jobs import decide as deciding
from syncd.model import Code, DecisionKind
from syncd.policy import Policy, version_of
from syncd.store import runs

from .conftest import Make
from .world import POLICY, World, prm_ref


def kinds(world: World, id_: str = "r1") -> list[DecisionKind]:
    return [made.kind for made in world.decisions() if made.subject == prm_ref(id_)]


def test_a_claim_is_pending_until_every_stream_is_complete_beyond_it(make: Make) -> None:
    world = make(read_lag=30.0)
    world.deal()
    world.cycle(seconds=31)
    assert world.application() == "pending", "31 seconds less a lag of 30 is not beyond 4"
    assert world.shows() == "pending"
    world.cycle(seconds=2)
    assert world.application() == "pending"
    world.cycle(seconds=1)
    assert world.application() == "approved"
    assert world.state().since == world.state().received_at + timedelta(seconds=4)  # type: ignore[operator]


def test_a_stalled_connection_holds_decisions_back(make: Make) -> None:
    world = make()
    world.cycle()
    world.deal()
    for _ in range(3):
        world.crm.fail(*[Retry("down")] * 3)
        report = world.cycle(minutes=10)
        assert len(report.errors) == 3
        assert world.application() == "pending"
    world.cycle(minutes=10)
    assert world.application() == "approved"
    received = world.state().received_at
    assert received is not None
    assert world.state().since == received + timedelta(seconds=4), "whenever the daemon ran"


def test_a_stream_that_was_never_read_holds_decisions_back(make: Make) -> None:
    world = make()
    world.deal()
    world.crm.fail(None, Retry("down"))
    world.cycle(minutes=10)
    assert world.application() == "pending"


def test_the_order_of_arrival_does_not_matter_inside_the_horizon(make: Make) -> None:
    world = make(read_lag=30.0)
    world.prm.put("deals", "r1", {}, late=25)
    world.deal("r1", partner="P02")
    world.prm._objects["deals"]["r1"].visible_at = world.clock.now() + timedelta(seconds=25)
    world.clock.advance(seconds=5)
    world.deal("r2", partner="P01")
    world.cycle(seconds=5)
    assert world.application("r2") == "pending"
    world.cycle(minutes=2)
    assert world.application("r1") == "approved", "it came first, though it was seen second"
    assert world.application("r2") == "waiting"


def test_a_rule_decides_once_whatever_happens_later(world: World) -> None:
    world.deal()
    world.cycle()
    made = world.decisions()
    assert kinds(world) == [DecisionKind.SUBMITTED, DecisionKind.APPROVED, DecisionKind.GRANTED]
    for minutes in (1, 60, 1440):
        world.opportunity(f"o{minutes}")
        world.cycle(minutes=minutes)
    assert world.decisions() == made
    assert len(world.ledger("decision")) == 3


def test_a_changed_policy_decides_again_but_does_not_revoke_what_was_granted(make: Make) -> None:
    world = make()
    world.deal("r1")
    world.cycle()
    until = world.state().until
    world.account("a1", Named__c=True)
    world.policy = POLICY.model_copy(update={"protection": POLICY.protection.model_copy(update={"days": 5})})
    world.restart()
    world.company("c2", "Harbour Logistics", city="Bath")
    world.deal("r2", "c2")
    world.cycle()
    assert (world.application("r1"), world.state("r1").until) == ("approved", until)
    assert world.state("r2").until == world.state("r2").since + timedelta(days=5)  # type: ignore[operator]
    assert {made.policy_version for made in world.decisions()} == {version_of(POLICY), version_of(world.policy)}


def test_another_policy_looks_at_every_organization_again(make: Make) -> None:
    world = make(policy=Policy(required=("company.name",), approval="manual"))  # type: ignore[arg-type]
    world.deal()
    world.cycle()
    assert world.application() == "review"
    world.policy = POLICY
    world.restart()
    world.cycle()
    assert world.application() == "approved"


def test_what_time_alone_changes_is_decided_when_it_is_due(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    world.cycle(days=89)
    assert world.shows() == "protected"
    world.cycle(days=1)
    assert world.application() == "approved"
    assert world.shows() == "ended"
    assert kinds(world)[-1] is DecisionKind.EXPIRED
    world.cycle(days=8)
    assert world.shows() is None
    assert world.shows(field="count__c") is None


def test_nothing_is_approved_where_not_everything_can_be_seen(make: Make) -> None:
    world = make(proved=None)
    world.change_side("crm", visible=False)
    world.deal()
    world.cycle()
    assert (world.application(), world.state().reason) == ("review", "not_visible")


def test_a_direct_deal_that_was_there_first_stands(world: World) -> None:
    world.opportunity("o1", Products__c="PLAN")
    world.clock.advance(days=1)
    world.deal()
    world.cycle()
    assert world.application() == "rejected"
    (met,) = world.collisions()
    assert (met.code, met.other.id, met.state) == (Code.C08, "o1", "ruled")
    assert world.shows("o1", "Opportunity") == "direct"


def test_a_deal_pushed_by_the_portal_is_no_collision_with_itself(world: World) -> None:
    world.deal()
    world.opportunity("o1", "a2", Registration__c="r1", Products__c="PLAN")
    world.cycle()
    assert world.collisions() == []
    assert world.shows("o1", "Opportunity") == "protected", "on whatever account it lies"
    world.opportunity("o1", "a2", Registration__c="", Products__c="PLAN")
    world.cycle()
    assert world.shows("o1", "Opportunity") is None


def test_two_accounts_merged_into_one_are_decided_together(make: Make) -> None:
    world = make()
    world.account("a9", "Pinecrest Foods", City="York")
    world.company("c9", "Pinecrest Foods", city="York")
    world.deal("r1")
    world.clock.advance(hours=1)
    world.deal("r2", "c9", "P02")
    world.cycle()
    assert {world.application("r1"), world.application("r2")} == {"approved"}
    world.crm.delete("Account", "a9", merged_into="a1")
    world.company("c9", "Fenwick Instruments")
    world.cycle()
    with world.store.read() as tx:
        assert len({run["status"] for run in runs.recent(tx, 50)} - {"ok"}) == 0
    assert world.shows(field="count__c") == 2
    assert world.shows(field="partner__c") == "Wychwood Integrators"


def test_protections_that_end_at_one_midnight_end_in_order_and_a_few_at_a_time(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 128: each at its promised end, however many groups are taken in hand at once."""
    monkeypatch.setattr(deciding, "_BATCH", 4)
    world = make()
    for n in range(15):
        world.account(f"x{n}", f"{SIGNS[n]} Holdings Ltd", City="York")
        world.company(f"y{n}", f"{SIGNS[n]} Holdings Limited", city="York")
        world.deal(f"z{n}", f"y{n}")
    world.cycle()
    ends = {f"z{n}": world.state(f"z{n}").until for n in range(15)}
    at_once: list[int] = []
    real = deciding._decide_batch
    monkeypatch.setattr(deciding, "_decide_batch", lambda *call: (at_once.append(len(call[2])), real(*call))[1])
    world.cycle(days=120)
    over = [made for made in world.decisions() if made.kind is DecisionKind.EXPIRED]
    assert {made.subject.id: made.effective_at for made in over} == ends
    assert max(at_once) == 4
    assert sum(at_once) >= 15
    assert all(world.shows(f"x{n}") != "protected" for n in range(15))


SIGNS = [
    "Aldgate", "Brantwood", "Cordwell", "Dunmore", "Elmsley", "Farrington", "Garnock", "Holbeach", "Inverlea",
    "Jesmond", "Kelbrook", "Lanark", "Marwell", "Norbury", "Ormskirk",
]  # fmt: skip
