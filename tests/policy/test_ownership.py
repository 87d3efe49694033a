"""Guards of ownership: when an owner is left alone though another one is wanted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from syncd.policy.ownership import Freeze, OwnerFacts, OwnershipTerms, objection

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY = date(2026, 11, 24)
FREE = OwnerFacts(closed=False, target="u1", target_active=True)
TERMS = OwnershipTerms()


def said(facts: OwnerFacts, *freezes: Freeze, terms: OwnershipTerms = TERMS, day: date = DAY) -> str:
    return objection(facts, terms, freezes, NOW, day)


def test_nothing_speaks_against_an_open_deal_and_an_active_user() -> None:
    assert said(FREE) == ""


@pytest.mark.parametrize("change", [{"target_active": None}, {"changed_at": None}])
def test_what_is_not_known_is_no_objection(change: dict[str, None]) -> None:
    assert said(replace(FREE, **change)) == ""  # type: ignore[arg-type]


def test_a_closed_deal_keeps_its_owner() -> None:
    assert said(replace(FREE, closed=True)) == "the deal is closed"


def test_nothing_is_given_to_a_user_who_is_not_active() -> None:
    assert said(replace(FREE, target_active=False)) == "the user u1 is not active"


@pytest.mark.parametrize(("ago", "kept"), [(timedelta(0), True), (timedelta(days=7) - timedelta(seconds=1), True),
                                           (timedelta(days=7), False)])  # fmt: skip
def test_what_somebody_else_has_set_lately_is_left_alone(ago: timedelta, kept: bool) -> None:
    assert bool(said(replace(FREE, changed_at=NOW - ago))) is kept


def test_it_is_not_where_the_policy_says_so() -> None:
    assert said(replace(FREE, changed_at=NOW), terms=OwnershipTerms(keep_recent_days=0)) == ""


@pytest.mark.parametrize(("first", "last", "frozen"), [(-1, 1, True), (0, 0, True), (1, 3, False), (-3, -1, False)])
def test_on_days_of_a_freeze_no_owner_changes(first: int, last: int, frozen: bool) -> None:
    days = Freeze(DAY + timedelta(days=first), DAY + timedelta(days=last), "quarter end")
    assert ("quarter end" in said(FREE, days)) is frozen
