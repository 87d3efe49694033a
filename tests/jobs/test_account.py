"""The nightly count: what partners have filed is what the intake book has lines for, partner by partner."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from syncd.jobs.checks import known_trouble
from syncd.jobs.cycle import cycle
from syncd.store import runs
from syncd.store.tables import intake, swept

from .conftest import Make
from .world import World


def night(world: World) -> Any:
    world.clock.advance(days=1)
    return cycle(world.work)


def last(world: World) -> dict[str, Any]:
    with world.store.read() as tx:
        found = runs.last(tx, "account", "prm")
    assert found is not None
    return found


def filed(world: World) -> World:
    world.deal("r1")
    world.deal("r2", partner="P02")
    world.deal("r3", partner="P02", pipeline="renewals")
    world.deal("r4", partner="P02", dealstage="mystery")
    world.cycle()
    return world


def test_everything_filed_is_accounted_for_partner_by_partner(world: World) -> None:
    filed(world)
    assert night(world).errors == []
    assert (last(world)["status"], last(world)["counts"]) == ("ok", {"filed": 4, "accounted": 4, "partners": 2})
    assert known_trouble(world.work) == []
    with world.store.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(swept)).scalar() == 0


def test_a_filing_without_a_line_is_named_with_its_partner_and_shown_until_it_has_one(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = filed(make())
    with world.store.begin() as tx:
        tx.execute(intake.delete().where(intake.c.id == "r2"))
    report = night(world)
    assert report.errors == [
        "prm: Partner P02 has filed 3, and 1 of them have no line: r2. Run  syncd sync --sweep ; what stays missing is "
        "a fault to report."
    ]
    assert last(world)["status"] == "failed"
    assert "Partner P02 has filed 3" in known_trouble(world.work)[0]
    world.prm.put("deals", "r2", {"amount": "5"})
    assert night(world).errors == []
    assert known_trouble(world.work) == []


def test_a_filing_that_is_counted_and_never_shown_is_an_error(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """F09, F11, F40."""
    world = filed(make())
    count = world.prm.count
    monkeypatch.setattr(world.prm, "count", lambda spec: (count(spec) or 0) + (1 if spec.object == "deals" else 0))
    assert "The system counts 5 filings, and the sweep has shown 4." in night(world).errors[0]


def test_what_is_filed_or_deleted_while_it_is_counted_is_no_error(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = filed(make())
    told = iter([4, 5])
    monkeypatch.setattr(world.prm, "count", lambda spec: next(told))
    assert night(world).errors == []
    told = iter([5, 4])
    assert night(world).errors == []


def test_a_system_that_cannot_count_is_taken_at_its_rows(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = filed(make())
    monkeypatch.setattr(world.prm, "count", lambda spec: None)
    assert night(world).errors == []
    assert last(world)["counts"]["filed"] == 4


def test_nothing_is_counted_again_before_the_next_sweep(make: Make) -> None:
    world = filed(make())
    night(world)
    first = last(world)["id"]
    world.cycle()
    assert last(world)["id"] == first
