"""One record or one group that nobody foresaw never stops the others."""

from __future__ import annotations

import pytest

from syncd.jobs import decide as deciding
from syncd.mapping import StreamMapping
from syncd.model import ClaimGroup, Outcome
from syncd.store import graph, outcomes

from .conftest import Make
from .world import World


def two_filings(world: World) -> World:
    """Two partners' filings about two companies that have nothing to do with each other."""
    world.company("c2", name="Brackenbury Foundries Limited", city="Hull")
    world.deal("r1", company="c1")
    world.deal("r2", company="c2")
    return world


def filed(world: World) -> list[str]:
    """The ids of the registrations that have a state."""
    with world.work.store.read() as tx:
        return sorted(item.state.ref.id for item in outcomes.claims(tx))


def test_a_record_that_breaks_the_mapping_is_kept_with_its_reason_and_the_rest_goes_on(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = two_filings(make())
    good = StreamMapping.to_canonical

    def breaks(self: StreamMapping, ref, fields):  # type: ignore[no-untyped-def]
        if ref.id == "r1":
            raise ZeroDivisionError("nobody thought of this")
        return good(self, ref, fields)

    monkeypatch.setattr(StreamMapping, "to_canonical", breaks)
    report = world.cycle(minutes=30)
    assert report.errors == []
    with world.work.store.read() as tx:
        (kept,) = [item for item in graph.problems(tx) if item.ref.id == "r1"]
    assert (kept.state, kept.problems[0]["code"]) == ("unreadable", "cannot_be_mapped")
    assert filed(world) == ["r2"]


def test_a_group_that_cannot_be_decided_is_tried_again_and_the_others_are_decided(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = two_filings(make())
    good, broken = deciding.rule_on, {"r1"}

    def breaks(group: ClaimGroup, *rest) -> Outcome:  # type: ignore[no-untyped-def]
        if any(r.ref.id in broken for r in group.registrations):
            raise ZeroDivisionError("nobody thought of this")
        return good(group, *rest)

    monkeypatch.setattr(deciding, "rule_on", breaks)
    world.cycle(minutes=30)
    assert filed(world) == ["r2"]
    broken.clear()
    world.cycle(minutes=30)
    assert filed(world) == ["r1", "r2"]
