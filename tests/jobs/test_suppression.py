"""The list for outbound tools: what a partner holds, by account and domain, and nothing that somebody else shares."""

from __future__ import annotations

import pytest

from syncd.jobs.suppression import CLAIMED, suppressed
from syncd.jobs.undo import undo
from syncd.policy import Policy
from syncd.store import runs

from .conftest import Make
from .world import World


def listed(world: World, **about: frozenset[str]) -> list[tuple[str, str]]:
    with world.store.read() as tx:
        return [(one.ref.id, one.domain) for one in suppressed(world.work, tx, **about)]


OURS = "www.fenwick-instruments.co.uk"


def test_protected_accounts_are_listed_by_every_domain_of_the_company(make: Make) -> None:
    world = make()
    world.account(Website=OURS)
    world.account("a3", "Fenwick Instruments Ltd", Website="https://fenwick-instruments.com/about")
    world.company(website=f"http://{OURS}/")
    world.deal()
    world.cycle()
    both = ["fenwick-instruments.co.uk", "fenwick-instruments.com"]
    assert listed(world) == [(id_, domain) for id_ in ("a1", "a3") for domain in both]


def test_a_domain_that_an_open_account_has_too_is_left_out_and_the_account_is_not(make: Make) -> None:
    world = make()
    world.account(Website=OURS)
    world.account("a3", "Quayside Bakeries", Website=OURS, City="Truro", Country="FR")
    world.deal()
    world.cycle()
    assert listed(world) == [("a1", "")]


@pytest.mark.counts
def test_what_is_only_claimed_is_listed_when_asked_for(make: Make) -> None:
    world = make(policy=Policy(required=("company.name",), approval="manual"))
    world.deal()
    world.cycle()
    assert listed(world) == []
    assert [id_ for id_, _ in listed(world, statuses=CLAIMED)] == ["a1"]


@pytest.mark.counts
def test_what_has_been_taken_back_is_not_listed(make: Make) -> None:
    world = make()
    world.deal()
    world.cycle()
    assert [id_ for id_, _ in listed(world)] == ["a1"]
    with world.store.read() as tx:
        run = next(r["id"] for r in runs.recent(tx, 20) if r["job"] == "write" and r["connection"] == "crm")
    undo(world.work, run, "kim", "a mistake")
    assert listed(world) == []
