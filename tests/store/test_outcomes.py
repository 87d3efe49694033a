"""Outcomes: what policy made of each organization is replaced as a whole, and never left over anywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from syncd.model import (
    Application,
    Code,
    Collision,
    Outcome,
    Protection,
    Ref,
    RegistrationState,
    Wanted,
    WriteGroup,
)
from syncd.store import outcomes
from syncd.store.database import Store
from syncd.store.tables import wanted as wanted_table

from .helpers import at, ref, table_rows

STAMP, OWNER = WriteGroup.STAMP, WriteGroup.OWNER


def filing(id_: str = "r1") -> Ref:
    return ref(id_, "deal", "prm")


def state(id_: str = "r1", **changes: Any) -> RegistrationState:
    about: dict[str, Any] = {
        "ref": filing(id_), "number": f"DR-{id_}", "partner_id": "P01", "partner_name": "Wychwood",
        "application": Application.APPROVED, "protection": Protection.ACTIVE, "received_at": at(0), "since": at(1),
        "until": at(90), "products": frozenset({"PLAN", "COST"}), "reason": "first_registered", "detail": "in words",
        "behind": filing("r0"), "next_due": at(90),
    }  # fmt: skip
    return RegistrationState(**{**about, **changes})


def collision(id_: str = "r1", other: str = "o1", **changes: Any) -> Collision:
    about: dict[str, Any] = {
        "code": Code.C08, "registration": filing(id_), "other": ref(other, "Opportunity"), "state": "ruled",
        "rule": "direct_engaged", "winner": ref(other, "Opportunity"), "sentence": "A deal was open.",
        "evidence": {"created_at": "2026-11-01"},
    }  # fmt: skip
    return Collision(**{**about, **changes})


def wanted(id_: str = "a", group: WriteGroup = STAMP, **fields: Any) -> Wanted:
    return Wanted(ref(id_), group, fields or {"status": "protected", "until": at(90), "count": 2, "partner": None},
                  {"rule": "protected"})  # fmt: skip


def outcome(
    *items: RegistrationState | Collision | Wanted, due: datetime | None = None, topics: tuple[str, ...] = ()
) -> Outcome:
    return Outcome(
        decisions=(),
        collisions=tuple(i for i in items if isinstance(i, Collision)),
        states=tuple(i for i in items if isinstance(i, RegistrationState)),
        wanted=tuple(i for i in items if isinstance(i, Wanted)),
        next_due=due,
        topics=frozenset(topics),
    )


def put(store: Store, made: dict[int, Outcome]) -> list[str]:
    """The ids of the records whose wanted content changed."""
    with store.begin() as tx:
        return sorted(one.id for one in outcomes.put_outcomes(tx, made))


def shown_values(store: Store, id_: str, group: WriteGroup = STAMP) -> dict[str, Any] | None:
    with store.read() as tx:
        found = outcomes.get_wanted(tx, [ref(id_)]).get((ref(id_), group))
    return found[0] if found else None


def test_states_collisions_and_stamps_come_back_as_they_were_put(store: Store) -> None:
    put(store, {1: outcome(state(), collision(), wanted(), wanted("a", OWNER, owner="u1"))})
    with store.read() as tx:
        assert [(c.organization, c.state) for c in outcomes.claims(tx)] == [(1, state())]
        assert outcomes.collisions(tx) == [collision()]
        assert outcomes.find_collision(tx, "C08-r1-o1") == (1, collision())
        assert outcomes.find_collision(tx, "C08-r1-o2") is None
        both = outcomes.get_wanted(tx, [ref("a"), ref("b")])
    assert both[ref("a"), STAMP] == (wanted().fields, {"rule": "protected"})
    assert both[ref("a"), OWNER] == ({"owner": "u1"}, {"rule": "protected"})


def test_what_is_no_longer_so_is_replaced(store: Store) -> None:
    put(store, {1: outcome(state("r1"), state("r2"), collision("r1"), due=at(5), topics=("partner:P01", "policy:p1"))})
    put(store, {2: outcome(state("r3"), due=at(6), topics=("partner:P01",))})
    put(store, {1: outcome(state("r2"), collision("r2"), due=None, topics=("partner:P02",))})
    with store.read() as tx:
        assert [c.state.ref.id for c in outcomes.claims(tx)] == ["r2", "r3"]
        assert [c.registration.id for c in outcomes.collisions(tx)] == ["r2"]
        assert outcomes.collisions(tx, 2) == []
        assert outcomes.organizations_due(tx, at(99)) == [2]
        assert outcomes.organizations_reading(tx, ["partner:P01", "policy:p1"]) == [2]
        assert outcomes.organizations_reading(tx, ["partner:P02"]) == [1]


def test_only_records_whose_content_changed_are_compared_again(store: Store) -> None:
    assert put(store, {1: outcome(wanted("a"), wanted("b"))}) == ["a", "b"]
    rows = table_rows(store, wanted_table)
    assert put(store, {1: outcome(wanted("a"), wanted("b"))}) == []
    assert table_rows(store, wanted_table) == rows
    assert put(store, {1: outcome(wanted("a"), wanted("b", status="review"))}) == ["b"]
    assert shown_values(store, "b") == {"status": "review"}


def test_a_stamp_that_nobody_wants_any_more_is_empty(store: Store) -> None:
    put(store, {1: outcome(state("r1"), wanted("a"), wanted("b"))})
    assert put(store, {1: outcome(wanted("a"))}) == ["b"]
    assert not any((shown_values(store, "b") or {}).values())
    assert put(store, {1: outcome(wanted("a"))}) == [], "and is told once"


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
@pytest.mark.parametrize("together", [True, False])
def test_what_moves_to_another_organization_is_there_and_nowhere_else(
    store: Store, order: tuple[int, int], together: bool
) -> None:
    old, new = outcome(state("r2"), wanted("b")), outcome(state("r1"), collision("r1"), wanted("a"))
    put(store, {1: outcome(state("r1"), state("r2"), collision("r1"), wanted("a"), wanted("b"))})
    made = {number: {1: old, 2: new}[number] for number in order}
    if together:
        assert put(store, made) == []
    else:
        for number, one in made.items():
            put(store, {number: one})
    with store.read() as tx:
        assert {c.state.ref.id: c.organization for c in outcomes.claims(tx)} == {"r1": 2, "r2": 1}
        assert [outcomes.find_collision(tx, c.id) for c in outcomes.collisions(tx)] == [(2, collision("r1"))]
        assert [c.state.ref.id for c in outcomes.claims(tx, 2)] == ["r1"]
    assert shown_values(store, "a") == wanted().fields
    assert shown_values(store, "b") == wanted().fields


def test_an_organization_that_is_empty_leaves_nothing_wanted(store: Store) -> None:
    put(store, {1: outcome(state(), collision(), wanted(), due=at(5), topics=("policy:p1",))})
    put(store, {1: outcome()})
    with store.read() as tx:
        assert outcomes.claims(tx) == []
        assert outcomes.collisions(tx) == []
        assert outcomes.organizations_due(tx, at(99)) == []
        assert not any(v for *_, values, _ in outcomes.every_wanted(tx) for v in values.values())


def test_registrations_are_found_by_number_id_or_ref(store: Store) -> None:
    put(store, {1: outcome(state("r1"), state("r2", number="r1", ref=filing("r2")))})
    with store.read() as tx:
        assert [c.state.ref.id for c in outcomes.find_claims(tx, "prm/deal/r1")] == ["r1"]
        assert sorted(c.state.ref.id for c in outcomes.find_claims(tx, "r1")) == ["r1", "r2"]
        assert outcomes.find_claims(tx, "prm/deal") == []
        assert [c.state.ref.id for c in outcomes.find_claims(tx, "DR-r1")] == ["r1"]


def test_registrations_come_by_priority_those_without_a_time_last(store: Store) -> None:
    put(store, {1: outcome(state("r3", received_at=None), state("r2"), state("r1"), state("r0", received_at=at(-1)))})
    with store.read() as tx:
        assert [c.state.ref.id for c in outcomes.claims(tx)] == ["r0", "r1", "r2", "r3"]


def test_organizations_are_due_when_their_time_has_come_or_while_they_wait(store: Store) -> None:
    pending = state("r2", application=Application.PENDING)
    put(store, {1: outcome(state(), due=at(5)), 2: outcome(pending), 3: outcome(wanted("z"))})
    with store.read() as tx:
        assert outcomes.organizations_due(tx, at(4)) == []
        assert outcomes.organizations_due(tx, at(5)) == [1]
        assert outcomes.organizations_pending(tx) == {2}
        assert outcomes.decided_organizations(tx) == {1, 2, 3}


def test_statistics_are_frozen_as_facts_and_the_newest_is_used(store: Store) -> None:
    with store.begin() as tx:
        assert outcomes.frozen_statistics(tx) is None
        outcomes.freeze_statistics(tx, "v1", {"n": 1}, at(0))
        outcomes.freeze_statistics(tx, "v2", {"n": 2}, at(1))
        assert outcomes.frozen_statistics(tx) == ("v2", {"n": 2})
