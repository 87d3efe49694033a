"""Rebuild: every derived table is dropped and made again from the facts, the very same."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from syncd.jobs import persons
from syncd.jobs.rebuild import rebuild
from syncd.model import DecisionKind
from syncd.store.tables import derived_tables, fact_tables

from .world import World, crm_ref

GROWS = {"run", "counter", "lease"}
"""Facts about the work itself, of which a rebuild adds some."""


def dump(world: World, tables: list[sa.Table]) -> dict[str, list[tuple[Any, ...]]]:
    with world.store.read() as tx:
        return {
            table.name: sorted((tuple(row) for row in tx.execute(sa.select(table))), key=repr)
            for table in tables
            if not table.info.get("queue") and table.name not in GROWS
        }


def eventful(world: World) -> World:
    """Merges, splits, judgements, rulings, expiries, restored and deleted records: all that moves things about."""
    world.company("c2", "Harbour Logistics", city="Bath")
    world.opportunity("o2", "a2", Products__c="PLAN")
    world.deal("r1")
    world.clock.advance(hours=1)
    world.deal("r2", partner="P02")
    world.deal("r3", "c2")
    world.deal("r4", "c2", dealstage="draft")
    world.cycle()
    persons.rule_on(world.work, world.collisions()[-1].id, "r3", "kim", "the partner was there")
    persons.judge(world.work, "c1", "a1", DecisionKind.DIFFERENT, "kim", "another company")
    world.cycle()
    world.account("a9", "Pinecrest Foods", City="York")
    world.company("c9", "Pinecrest Foods", city="York")
    world.deal("r9", "c9")
    world.cycle(days=1)
    world.crm.delete("Account", "a9", merged_into="a2")
    world.deal("r4", "c1", pipeline="renewals")
    world.opportunity("o1", "a1", Products__c="PLAN", Registration__c="r1")
    world.cycle()
    persons.judge(world.work, "c1", "a1", DecisionKind.SAME, "kim", "the same after all")
    world.cycle()
    persons.judge(world.work, "c1", "a1", DecisionKind.DIFFERENT, "kim", "no")
    world.crm.delete("Opportunity", "o2")
    world.cycle(days=95)
    world.cycle()
    return world


def test_every_derived_table_is_reproduced_and_no_fact_is_touched(world: World) -> None:
    eventful(world)
    derived, facts = dump(world, derived_tables()), dump(world, fact_tables())
    assert {name for name, rows in derived.items() if rows} >= {"staged", "parsed", "member", "claim", "wanted"}
    calls = world.work.calls
    done = rebuild(world.work)
    assert done["decide"] == 0, "what was decided is a fact"
    assert world.work.calls == calls, "no system is asked"
    after = dump(world, derived_tables())
    for name, rows in derived.items():
        assert [r for r in rows if r not in after[name]] == [], f"{name}: no longer there"
        assert [r for r in after[name] if r not in rows] == [], f"{name}: not there before"
    assert dump(world, fact_tables()) == facts


def test_after_a_rebuild_there_is_nothing_to_write(world: World) -> None:
    eventful(world)
    rebuild(world.work)
    report = world.cycle()
    assert (report.writes, report.planned, report.decisions) == (0, 0, 0)


def test_a_rebuild_that_was_killed_is_finished_by_the_next_cycle(world: World) -> None:
    eventful(world)
    derived = dump(world, derived_tables())
    steps: list[str] = []

    class Killed(BaseException):
        pass

    def die(step: str) -> None:
        steps.append(step)
        if step == "link":
            raise Killed

    with suppress(Killed):
        rebuild(world.work, die)
    assert steps == ["drop", "stage", "link"]
    assert world.cycle().writes == 0
    assert dump(world, derived_tables()) == derived
    assert world.shows(crm_ref().id) is None
