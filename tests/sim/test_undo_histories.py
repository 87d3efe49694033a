"""Random histories in which runs are taken back: each record is as it was before the run, and stays so."""

from __future__ import annotations

import random
from contextlib import closing
from typing import Any

import pytest
import structlog
from jobs.world import World

from syncd.jobs.undo import Undoing, undo
from syncd.store import runs
from syncd.store.database import Store

COUNTED, DEEP = 2, 200
LEAST = {0: 1, 1: 1}
"""So many writes are taken back in the histories that CI runs: one in which nothing is would show nothing."""
RECORDS = (("Account", "a1"), ("Account", "a2"), ("Opportunity", "o1"), ("Opportunity", "o2"))
ASIDE = ("as_of__c", "Registration__c")
Shown = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structlog, "get_logger", lambda *about: structlog.wrap_logger(None, processors=[_drop]))


def _drop(logger: Any, name: str, event: Any) -> Any:
    raise structlog.DropEvent


class History:
    """What partners, reps and time do to two accounts and two deals, and a person who takes runs back."""

    def __init__(self, seed: int, store: Store, clock: Any) -> None:
        self.chance, self.filed, self.taken_back = random.Random(seed), 0, 0
        self.world = World(store, clock, ownership=self.chance.choice(("enforce", "off")))
        self.world.everyone()
        self.world.company("c2", "Harbour Logistics")

    def run(self, steps: int = 8) -> int:
        """Live through it; returns how many runs were taken back."""
        acts = (self.file, self.open, self.withdraw, self.move, self.note, self.wait, self.scribble)
        for _ in range(steps):
            self.chance.choice(acts)()
            before, known = self.shown(), self.last_run()
            self.world.cycle(minutes=self.chance.choice((1, 20)))
            run = self.last_run()
            if run not in (None, known) and self.chance.random() < 0.6:
                self.take_back(str(run), before)
        self.world.ledger()
        return self.taken_back

    def take_back(self, run: str, before: Shown) -> None:
        made = undo(self.world.work, run, "kim", "a history")
        self.taken_back += made.recorded
        self.world.cycle(seconds=30)
        now = self.shown()
        wrong = {
            key: (before[key], now[key]) for key in now if key[1] not in self.left(made) and before[key] != now[key]
        }
        assert not wrong, wrong
        assert [self.world.cycle(seconds=30).writes for _ in range(2)] == [0, 0], "it stays so"

    def left(self, made: Undoing) -> set[str]:
        return {ref.id for ref, *_ in made.left} | {row.intent.ref.id for row in made.rows if row.refused}

    def shown(self) -> Shown:
        """What records show of syncd; a blank is nothing, and when it was decided does not count."""
        found: Shown = {}
        for object_, id_ in RECORDS:
            if id_ in self.world.crm._objects.get(object_, {}):
                told = self.world.crm.get(object_, id_)
                found[object_, id_] = {n: v for n, v in told.items() if v and n.endswith("__c") and n not in ASIDE}
        return found

    def last_run(self) -> str | None:
        with self.world.store.read() as tx:
            found = runs.last(tx, "write", "crm")
        return None if found is None else str(found["id"])

    # --- what happens

    def file(self) -> None:
        self.filed += 1
        company, partner = self.chance.choice(("c1", "c2")), self.chance.choice(("P01", "P02"))
        self.world.deal(f"r{self.filed}", company=company, partner=partner)

    def open(self) -> None:
        account = self.chance.choice(("a1", "a2"))
        self.world.opportunity(self.chance.choice(("o1", "o2")), account=account, Registration__c=f"r{self.filed}")

    def withdraw(self) -> None:
        if self.filed:
            self.world.prm.put("deals", f"r{self.chance.randint(1, self.filed)}", {"dealstage": "withdrawn"})

    def move(self) -> None:
        self.world.account("a1", City=self.chance.choice(("Leeds", "York")))

    def note(self) -> None:
        self.world.account("a2", "Harbour Logistics GmbH", reason__c="mine")

    def wait(self) -> None:
        self.world.clock.advance(days=self.chance.choice((1, 30, 95)))

    def scribble(self) -> None:
        self.world.account("a1", partner__c="somebody")


@pytest.mark.parametrize(
    "seed", [pytest.param(n, marks=pytest.mark.counts if n < COUNTED else pytest.mark.deep) for n in range(DEEP)]
)
def test_each_run_that_is_taken_back_leaves_what_was_there_before(seed: int, sqlite_url: str, clock: Any) -> None:
    """Found by such a history: two that are taken back after each other are both taken back."""
    with closing(Store(sqlite_url)) as store:
        assert History(seed, store, clock).run() >= LEAST.get(seed, 0)
