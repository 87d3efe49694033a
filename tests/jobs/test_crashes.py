"""Killed at any boundary and started again: the same end, nothing written twice, and the ledger tells what was."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from syncd.jobs.cycle import cycle
from syncd.store import graph, outcomes

from .crashes import Died, Fate, MortalConnector, MortalStore
from .world import CRM_UID, World, open_writes

AS_OF = {"as_of__c", "syncd_as_of"}
SLICES = 6
"""The boundaries are dealt out to so many tests, so that workers share them."""
PULL_STEP = 4
"""On PostgreSQL only every fourth boundary within the pulls, where one stream is like another; SQLite has them all."""


class Story:
    """A filing that is protected against a later deal, one that waits behind it, one that came after a direct deal."""

    def __init__(self, store: MortalStore, clock: Any, *deaths: int) -> None:
        store.wipe()
        store.fate = Fate()
        self.store, self.clock = store, clock
        self.fates = [*map(Fate, deaths), Fate()]
        self.pulled = 0
        self.decided: tuple[Any, ...] = ()
        self.world = World(store, clock, ownership="enforce", page_size=2)
        self.world.everyone()
        self.world.company("c2", "Harbour Logistics", city="Bath")
        self.world.opportunity("o2", "a2", Products__c="PLAN", Channel_Owner__c="u9")
        clock.advance(minutes=1)
        for id_, company, partner in (("r1", "c1", "P02"), ("r2", "c1", "P01"), ("r3", "c2", "P01")):
            self.world.deal(id_, company, partner)
            clock.advance(minutes=1)
        self.world.opportunity("o1", "a1", Products__c="PLAN")
        clock.advance(minutes=1)

    def run(self) -> None:
        """Live until death, then as another process, until all is done."""
        for fate in self.fates:
            self.store.fate = fate
            try:
                self._live(fate)
            except Died:
                self.clock.advance(minutes=5)
        self.store.fate = Fate()
        if self._unfinished():
            self.clock.advance(minutes=5)
            cycle(self.world.work)
            assert not self._unfinished()
        self.decided = self._decided()  # the next story begins in the same database

    def _live(self, fate: Fate) -> None:
        self.world.restart(MortalConnector(self.world.crm, fate), MortalConnector(self.world.prm, fate))
        cycle(self.world.work, step=lambda name: self._note(name, fate))

    def _note(self, step: str, fate: Fate) -> None:
        if step == "stage":
            self.pulled = len(fate.passed)

    def _unfinished(self) -> bool:
        with self.store.read() as tx:
            return bool(graph.unplanned_refs(tx)) or open_writes(self.world.work) > 0

    # --- what must be the same in the end

    def shown(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """Every record of both systems but for the time at which it was decided."""
        return {
            (connector.uid, object_, id_): {n: v for n, v in kept.fields.items() if n not in AS_OF}
            for connector in (self.world.crm, self.world.prm)
            for object_, records in connector._objects.items()
            for id_, kept in records.items()
        }

    def changes(self) -> Counter[tuple[str, str, str]]:
        """Every effective change at the two systems, without the time at which it was decided."""
        return Counter(
            (connector.uid, id_, str(sorted((n, v) for n, v in values.items() if n not in AS_OF)))
            for connector in (self.world.crm, self.world.prm)
            for _, id_, values in connector.changes
        )

    def told(self) -> Counter[tuple[str, str, str]]:
        """The same as the ledger tells it; a person's name is a commitment there and no more."""
        return Counter(
            (uid, id_, str(sorted((n, v) for n, v in e["after"].items() if n not in AS_OF and e["before"].get(n) != v)))
            for e in self.world.ledger()
            for uid, _, id_ in [e["ref"].split("/", 2)]
        )

    def _decided(self) -> tuple[Any, ...]:
        with self.store.read() as tx:
            # without the organization's number: one that was minted before a death is not used again
            states = sorted((c.state for c in outcomes.claims(tx)), key=lambda state: state.ref)
        made = self.world.decisions()
        once = Counter((d.kind, d.subject, str(d.actor), d.effective_at, d.reason) for d in made)
        return states, sorted(self.world.collisions(), key=lambda one: one.id), once


def without_names(changes: Counter[tuple[str, str, str]]) -> Counter[tuple[str, str, str]]:
    """Names of persons aside, which the ledger does not hold in clear."""
    made = Counter[tuple[str, str, str]]()
    for (uid, id_, values), count in changes.items():
        kept = [pair for pair in eval(values) if pair[0] != "contact__c"]
        made[uid, id_, str(kept)] += count
    return made


def judge(story: Story, undisturbed: Story) -> None:
    """The same end state, each change once, no redundant write, and the ledger equal to the systems' own logs."""
    assert story.shown() == undisturbed.shown()
    assert story.decided == undisturbed.decided
    assert story.changes() == undisturbed.changes()
    assert story.world.crm.redundant == story.world.prm.redundant == []
    assert without_names(story.told()) == without_names(story.changes())


@pytest.fixture
def fresh(database_url: str, clock: Any) -> Iterator[Callable[..., Story]]:
    """Begins the story anew, with the numbers of the boundaries at which its lives end."""
    began = clock.now()
    with closing(MortalStore(database_url)) as store:

        def make(*deaths: int) -> Story:
            clock._now = began
            return Story(store, clock, *deaths)

        yield make


def test_the_story_has_something_to_lose(fresh: Callable[..., Story]) -> None:
    story = fresh()
    story.run()
    assert sum(story.changes().values()) >= 6
    assert {uid for uid, *_ in story.changes()} == {CRM_UID, "4711"}
    assert len(story.decided[1]) >= 2
    assert without_names(story.told()) == without_names(story.changes())


@pytest.mark.parametrize("part", [pytest.param(n, marks=() if n < 2 else pytest.mark.counts) for n in range(SLICES)])
def test_killed_at_any_boundary_the_end_is_the_same_and_nothing_is_written_twice(
    fresh: Callable[..., Story], part: int
) -> None:
    undisturbed = fresh()
    undisturbed.run()
    boundaries = len(undisturbed.fates[0].passed)
    assert boundaries > 80
    for k in range(1 + part, boundaries + 1, SLICES):
        if k < undisturbed.pulled and k % PULL_STEP and not undisturbed.store.is_sqlite:
            continue
        story = fresh(k)
        story.run()
        assert story.fates[0].dead, k
        judge(story, undisturbed)


def test_killed_again_while_it_recovers_the_end_is_still_the_same(fresh: Callable[..., Story]) -> None:
    undisturbed = fresh()
    undisturbed.run()
    boundaries, chance = len(undisturbed.fates[0].passed), random.Random(20261124)
    for _ in range(8):
        story = fresh(chance.randint(undisturbed.pulled, boundaries), chance.randint(1, 60))
        story.run()
        judge(story, undisturbed)
