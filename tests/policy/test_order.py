"""The same facts in any order, in any batches, seen at any time inside the horizon: the same winners (DESIGN 1, 5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from syncd.model import Account, ClaimGroup, Decision, FiledStatus, Opportunity, Outcome, Ref, Registration, Version
from syncd.policy import Policy, decide
from syncd.policy.book import meets

from .factories import T0, WYCH, account, closed, days, group, opportunity, recorded, registration, run, seconds
from .test_properties import essence, filings, shown

POLICIES = (
    Policy.model_validate({"protection": {"days": 10}}),
    Policy.model_validate({"protection": {"days": 20, "starts": "received"}, "tie_window": "1h"}),
    Policy.model_validate(
        {"scope": "company", "tie_rules": ["more_complete", "earlier"], "max_records_per_registration": 3}
    ),
)
LIMITS = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LAG = timedelta(minutes=10)
"""So long may a system hide what was written: streams are complete up to then."""

WHEN = st.sampled_from([-days(70), -days(3), -seconds(1), timedelta(0), seconds(1), seconds(4), days(2), days(9)])
EDITS = st.sampled_from(
    [
        {"products": frozenset({"PLAN"})},
        {"products": frozenset({"BOARD"})},
        {"last_activity_on": (T0 - days(1)).date()},
        {"last_activity_on": (T0 + days(2)).date()},
        {"is_closed": True, "closed_at": T0 - days(4)},
        {"is_closed": True, "closed_at": T0 + seconds(3)},
        {"is_closed": True, "is_won": True, "closed_at": T0 - days(4)},
        {"is_closed": False, "is_won": False, "closed_at": None},
    ]
)


@st.composite
def told(draw: st.DrawFn, record: Any, first: datetime, edits: st.SearchStrategy[dict[str, Any]]) -> list[Version]:
    """What one record says over time: how it began, and up to three edits at odd instants."""
    changes = sorted({T0 + draw(WHEN) for _ in range(draw(st.integers(0, 3)))})
    versions = [Version(first, record)]
    for since in changes:
        if since > first:
            record = replace(record, **draw(edits), modified_at=since)
            versions.append(Version(since, record))
    return versions


@st.composite
def worlds(draw: st.DrawFn) -> tuple[ClaimGroup, list[list[Version]], dict[Ref, timedelta]]:
    """Filings, records with what they say over time, and how long each fact stays hidden."""
    claims = [draw(filings(f"r{i}")) for i in range(draw(st.integers(1, 5)))]
    claims = [c for c in claims if c.status in (FiledStatus.SUBMITTED, FiledStatus.DRAFT)]
    records = []
    for i in range(draw(st.integers(0, 4))):
        created = T0 + draw(st.sampled_from([-days(200), -days(70), -days(2), seconds(3), days(2)]))
        records.append(draw(told(opportunity(f"o{i}", created, modified_at=created), created, EDITS)))
    named = st.sampled_from([{"is_named": True}, {"is_named": False}, {"last_order_on": T0.date()}])
    long_ago = T0 - days(900)
    records.append(draw(told(account("a1", modified_at=long_ago), long_ago, named)))
    hidden = {c.ref: LAG * draw(st.sampled_from([0, 0.5, 1])) for c in claims}
    hidden |= {v[0].record.ref: LAG * draw(st.sampled_from([0, 0.5, 1])) for v in records}
    return group(*claims), records, hidden


def as_of(world: World, now: datetime) -> ClaimGroup:
    """What can have been read at `now`."""
    claims, records, hidden = world
    seen = [
        versions for record in records if (versions := [v for v in record if v.since + hidden[v.record.ref] <= now])
    ]
    current = [versions[-1].record for versions in seen]
    return replace(
        claims,
        registrations=tuple(r for r in claims.registrations if _filed(r) + hidden[r.ref] <= now),
        accounts=tuple(r for r in current if isinstance(r, Account)),
        opportunities=tuple(r for r in current if isinstance(r, Opportunity)),
        past={versions[0].record.ref: tuple(versions) for versions in seen if len(versions) > 1},
        horizon=now - LAG,
    )


def _filed(registration_: Registration) -> datetime:
    assert registration_.received_at is not None
    return registration_.received_at


World = tuple[ClaimGroup, list[list[Version]], dict[Ref, timedelta]]
SLEEPS = st.lists(st.integers(0, 60 * 24 * 6), max_size=8)


@LIMITS
@given(worlds(), st.sampled_from(POLICIES), SLEEPS)
def test_no_order_batch_or_sleep_changes_a_winner_an_effective_time_or_a_stamp(
    world: World, policy: Policy, quarters: list[int]
) -> None:
    """Edits that come after a filing, and are seen before or after it was decided, change nothing either."""
    same_however_seen(world, policy, quarters)


@pytest.mark.counts
@settings(LIMITS, max_examples=2000)
@given(worlds(), st.sampled_from(POLICIES), SLEEPS)
def test_nothing_of_that_changes_a_winner_in_two_thousand_histories(
    world: World, policy: Policy, quarters: list[int]
) -> None:
    same_however_seen(world, policy, quarters)


@pytest.mark.deep
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(10))
def test_nothing_of_that_changes_a_winner_in_twenty_thousand_histories(part: int) -> None:
    @seed(part)
    @settings(LIMITS, max_examples=2000, derandomize=False, database=None)
    @given(worlds(), st.sampled_from(POLICIES), SLEEPS)
    def histories(world: World, policy: Policy, quarters: list[int]) -> None:
        same_however_seen(world, policy, quarters)

    histories()


def same_however_seen(world: World, policy: Policy, quarters: list[int]) -> None:
    """Awake at any instants, with facts hidden for a while, or asleep until the end: the same."""
    end = T0 + days(61)
    decisions: tuple[Decision, ...] = ()
    soon = {T0 + seconds(s) for s in (2, 4, 300, 603, 605, 700)}
    for now in sorted({T0 + timedelta(minutes=15 * q) for q in quarters} | soon):
        known = replace(as_of(world, now), decisions=decisions)
        decisions = recorded(known, decide(known, policy, now)).decisions
    awake, last = run(replace(as_of(world, end), decisions=decisions), end, policy)
    asleep, only = run(as_of(world, end), end, policy)
    assert essence(awake.decisions) == essence(asleep.decisions)
    assert shown(last) == shown(only)


@st.composite
def late(draw: st.DrawFn) -> tuple[ClaimGroup, Any]:
    """A group, and a fact from before its claims that surfaces when they are decided."""
    claims = [draw(filings(f"r{i}")) for i in range(draw(st.integers(1, 4)))]
    if draw(st.booleans()):
        return with_ninth(claims), registration("late", T0 - days(1), partner_id="P09")
    created = T0 - draw(st.sampled_from([days(1), days(30), days(200)]))
    made = opportunity("late", created, modified_at=created)
    return with_ninth(claims), draw(st.sampled_from([made, closed(made, created + seconds(1))]))


def with_ninth(claims: list[Registration]) -> ClaimGroup:
    """The group with one more partner, who has filed nothing so far."""
    made = group(*claims)
    return replace(made, partners={**made.partners, "P09": replace(WYCH, partner_id="P09", name="Ninth")})


@LIMITS
@given(late(), st.sampled_from(POLICIES[:2]), st.sampled_from([1, 3]))
def test_a_fact_beyond_the_horizon_opens_a_dispute_and_changes_nothing_by_itself(
    given_: tuple[ClaimGroup, Any], policy: Policy, after: int
) -> None:
    claims, fact = given_
    now = T0 + days(after)
    claims, before = run(claims, now, policy)
    more = group(*claims.registrations, *claims.opportunities, fact, partners=claims.partners)
    known = replace(more, decisions=claims.decisions, accounts=claims.accounts)
    after_it = decide(known, policy, now + seconds(1))
    decided = {d.subject for d in claims.decisions if d.kind.value in ("approved", "rejected", "granted", "adopted")}
    assert [d for d in after_it.decisions if d.subject in decided] == []
    then = {s.ref: (s.application, s.protection, s.since, s.until) for s in before.states}
    since = {s.ref: (s.application, s.protection, s.since, s.until) for s in after_it.states}
    assert {ref: since[ref] for ref in decided} == {ref: then[ref] for ref in decided}
    for ref in _contested(before, fact, known):
        asked = [c for c in after_it.collisions if c.registration == ref and c.other == fact.ref]
        assert [(c.state, c.rule) for c in asked] == [("open", "late_fact")]


def _contested(before: Outcome, fact: Any, known: ClaimGroup) -> list[Ref]:
    """The protections that a rule granted to claims of after the fact, and that the fact would have stood against."""
    by_rule = {d.subject for d in known.decisions if d.kind.value == "approved" and d.actor.kind == "rule"}
    if isinstance(fact, Opportunity):
        stands = not fact.is_closed and fact.created_at is not None and fact.created_at > T0 - days(50)
    else:
        stands = True
    return [
        s.ref
        for s in before.states
        if stands and s.ref in by_rule and s.protection == "active" and meets(s.products, fact.products)
        if s.received_at is not None and s.received_at >= T0
    ]
