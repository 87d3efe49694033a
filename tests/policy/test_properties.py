"""What holds for every situation: order, repetition, sleep, exclusivity, silence towards partners (DESIGN 5)."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from syncd.model import (
    Band,
    ClaimGroup,
    Decision,
    DecisionKind,
    FiledStatus,
    Opportunity,
    Outcome,
    Protection,
    Registration,
    WriteGroup,
)
from syncd.policy import EXEMPTABLE, Options, Policy, act, appeal, approve, check_person, decide, reject, rule
from syncd.policy.acts import ACTS
from syncd.policy.book import meets

from .factories import (
    GO_LIVE,
    LARK,
    PELL,
    PRM,
    T0,
    WYCH,
    Actor,
    account,
    closed,
    company,
    days,
    group,
    opportunity,
    recorded,
    registration,
    run,
    seconds,
)

POLICIES = (
    Policy.model_validate({"protection": {"days": 10}}),
    Policy.model_validate({"protection": {"days": 20, "starts": "received"}, "tie_window": "1h"}),
    Policy.model_validate({"approval": "manual", "named_accounts": "review"}),
    Policy.model_validate(
        {
            "protection": {"days": 10, "dormant_after_days": 3},
            "cooldown_days": 3,
            "edits": "check",
            "extension": {"days": 5, "grace_days": 4},
            "review": {"within_hours": 16, "team_queue": "desk"},
            "programmes": [{"name": "short", "partners": ["P02"], "protection": {"days": 4}}],
        }
    ),
    Policy.model_validate({"scope": "opportunity", "moved_deals": "ask", "protection": {"days": 10}}),
)
AT = st.sampled_from(
    [
        timedelta(0),
        seconds(1),
        seconds(1.999999),
        seconds(2),
        seconds(7),
        timedelta(minutes=59),
        days(1),
        days(9),
        days(12),
    ]
)
PRODUCTS = st.sampled_from([frozenset({"PLAN"}), frozenset({"BOARD"}), frozenset({"PLAN", "BOARD"})])
PARTNER = st.sampled_from(["P01", "P02", "P03"])
LIMITS = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def filings(draw: st.DrawFn, id_: str) -> Registration:
    """Mostly clean filings, close together; now and then one that a rule refuses, a draft, or one from long ago."""
    received = T0 + draw(AT)
    odd: dict[str, Any] = draw(
        st.sampled_from(
            [{}] * 12
            + [
                {"proof": None},
                {"first_contact_on": (T0 - days(300)).date()},
                {"partner_id": "P99"},
                {"status": FiledStatus.DRAFT},
                {"status": FiledStatus.WITHDRAWN, "modified_at": T0 + days(3)},
                {"received": GO_LIVE - days(3)},
                {"received": T0 - days(5), "status": FiledStatus.APPROVED, "connection": "source-prm"},
                {"received": GO_LIVE - days(3), "status": FiledStatus.APPROVED, "protected_until": T0 + days(4)},
            ]
        )
    )
    plain = {"partner_id": draw(PARTNER), "products": draw(PRODUCTS), "received": received}
    return registration(id_, **{**plain, **odd})


@st.composite
def opportunities(draw: st.DrawFn, id_: str) -> Opportunity:
    """Direct, own and partner-sourced ones, before and after the filings, open and closed."""
    created = T0 + draw(st.sampled_from([-days(70), -days(2), timedelta(0), seconds(3), days(2), days(11)]))
    marks: dict[str, Any] = draw(
        st.sampled_from(
            [{}, {}, {}, {"registration_key": "r1"}, {"lead_source": "Partner"}, {"partner_name": PELL.name}]
        )
    )
    made = opportunity(id_, created, products=draw(PRODUCTS), **marks)
    if draw(st.booleans()):
        return made
    return closed(
        made, created + draw(st.sampled_from([timedelta(hours=1), days(1), days(2)])), won=draw(st.booleans())
    )


@st.composite
def situations(draw: st.DrawFn) -> ClaimGroup:
    """A claim group of up to six filings and four opportunities."""
    claims = [draw(filings(f"r{i}")) for i in range(draw(st.integers(1, 6)))]
    opps = [draw(opportunities(f"o{i}")) for i in range(draw(st.integers(0, 4)))]
    accounts = [account("a1", is_named=draw(st.sampled_from([False] * 9 + [True]))), account("a2")]
    return group(*claims, *opps, *accounts, authority={PRM: "syncd", "source-prm": "source"})


def essence(decisions: tuple[Decision, ...]) -> list[str]:
    """Decisions without what belongs to the run that made them."""
    lines = []
    for d in decisions:
        evidence = {k: v for k, v in d.evidence.items() if k not in ("seen_at", "complete_through")}
        line = [d.kind, str(d.subject), str(d.actor), d.effective_at.isoformat(), d.rule, d.reason, str(d.other)]
        lines.append(json.dumps([*map(str, line), evidence], sort_keys=True))
    return sorted(lines)


def shown(outcome: Outcome) -> tuple[object, ...]:
    """What an outcome shows, whatever order it comes in."""
    wanted = sorted((str(w.ref), w.group, sorted(w.fields.items(), key=str)) for w in outcome.wanted)
    return sorted(outcome.states, key=lambda s: s.ref), sorted(outcome.collisions, key=lambda c: c.id), wanted


def people(claims: ClaimGroup, policy: Policy, now: datetime, chance: random.Random) -> ClaimGroup:
    """A person decides something that is allowed, after looking at what is shown."""
    outcome = decide(claims, policy, now)
    kim = Actor.person("kim")
    options: list[Decision] = [approve(s, kim, now, policy) for s in outcome.states]
    options += [reject(s, kim, now, policy) for s in outcome.states]
    options += [rule(c, side, kim, now, policy) for c in outcome.collisions for side in (c.registration, c.other)]
    options += [appeal(c, Actor.person("lee"), now, policy, "new proof") for c in outcome.collisions]
    after = recorded(claims, outcome)
    for kind in ACTS:
        given_ = Options(to=chance.choice(["P01", "P02", "P03"]), rule=chance.choice(list(EXEMPTABLE)))
        options += [act(kind, s.ref, kim, now, after, policy, "because", given_) for s in outcome.states]
    chance.shuffle(options)
    for option in options:
        if not check_person(after, policy, now, option):
            claims = after
            return replace(claims, decisions=(*claims.decisions, replace(option, seq=len(claims.decisions))))
    return claims


@LIMITS
@given(situations(), st.sampled_from(POLICIES), st.randoms(), st.sampled_from([1, 5, 13, 40]))
def test_the_order_of_records_does_not_matter(
    claims: ClaimGroup, policy: Policy, chance: random.Random, after: int
) -> None:
    def shuffled(records: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(chance.sample(records, len(records)))

    other = replace(
        claims,
        registrations=shuffled(claims.registrations),
        opportunities=shuffled(claims.opportunities),
        accounts=shuffled(claims.accounts),
    )
    now = T0 + days(after)
    one, two = decide(claims, policy, now), decide(other, policy, now)
    assert one == two


@LIMITS
@given(situations(), st.sampled_from(POLICIES), st.randoms(), st.lists(st.sampled_from([1, 2, 8, 15, 33]), max_size=4))
def test_deciding_again_decides_nothing_new_and_shows_the_same(
    claims: ClaimGroup, policy: Policy, chance: random.Random, steps: list[int]
) -> None:
    now = T0 + seconds(3)
    for step in steps:
        now += days(step)
        claims = people(claims, policy, now, chance)
    claims, first = run(claims, now, policy)
    _, second = run(claims, now, policy)
    assert second.decisions == ()
    assert second == replace(first, decisions=())


def as_of(claims: ClaimGroup, now: datetime) -> ClaimGroup:
    """What could be known at `now`: later filings, opportunities and closings have not happened yet."""
    opps = [o for o in claims.opportunities if o.created_at is None or o.created_at <= now]
    still_open = [
        replace(o, is_closed=False, is_won=False, closed_at=None) for o in opps if o.closed_at and o.closed_at > now
    ]
    kept = {o.ref: o for o in [*opps, *still_open]}
    return replace(
        claims,
        registrations=tuple(r for r in claims.registrations if r.received_at is None or r.received_at <= now),
        opportunities=tuple(kept.values()),
        horizon=now,
    )


@LIMITS
@given(situations(), st.sampled_from(POLICIES), st.lists(st.integers(0, 60 * 24), max_size=12))
def test_it_does_not_matter_when_the_daemon_ran(claims: ClaimGroup, policy: Policy, hours: list[int]) -> None:
    """Awake at any instants, or asleep until the end: the same decisions, effective times and stamps."""
    assume(not any(r.status is FiledStatus.WITHDRAWN for r in claims.registrations))  # a fact that appears later
    end = T0 + days(61)
    decisions: tuple[Decision, ...] = ()
    for now in sorted({T0 + timedelta(hours=h) for h in hours} | {T0, T0 + seconds(2), T0 + seconds(4)}):
        known = replace(as_of(claims, now), decisions=decisions)
        decisions = recorded(known, decide(known, policy, now)).decisions
    awake, last = run(replace(as_of(claims, end), decisions=decisions), end, policy)
    asleep, only = run(as_of(claims, end), end, policy)
    assert essence(awake.decisions) == essence(asleep.decisions)
    assert shown(last) == shown(only)


@LIMITS
@given(situations(), st.sampled_from(POLICIES), st.randoms(), st.lists(st.sampled_from([0.1, 1, 4, 9]), max_size=6))
def test_at_most_one_protection_is_in_force_where_scopes_meet(
    claims: ClaimGroup, policy: Policy, chance: random.Random, steps: list[float]
) -> None:
    now = T0 + seconds(3)
    for step in steps:
        now += days(step)
        claims, _ = run(people(claims, policy, now, chance), now, policy)
    for later in (0.0, 0.5, 5, 10, 21, 95):
        _, outcome = run(claims, now + days(later), policy)
        for one, two in pairs_in_force(outcome):
            assert "adopted" in (one.reason, two.reason), (one, two)


@LIMITS
@given(situations(), st.sampled_from(POLICIES), st.lists(st.integers(0, 5), max_size=6), st.booleans())
def test_even_unchecked_approvals_never_put_two_protections_side_by_side(
    claims: ClaimGroup, policy: Policy, picks: list[int], slept: bool
) -> None:
    for i, pick in enumerate(picks):
        now = T0 + seconds(3) + days(i)
        chosen = claims.registrations[pick % len(claims.registrations)]
        state = decide(claims, policy, now).states[0]
        made = approve(replace(state, ref=chosen.ref), Actor.person(f"k{i}"), now, policy)
        claims = replace(claims, decisions=(*claims.decisions, made))
        claims = claims if slept else run(claims, now, policy)[0]
    for later in (6, 11, 16, 21, 31):
        claims, outcome = run(claims, T0 + days(later), policy)
        assert all("adopted" in (one.reason, two.reason) for one, two in pairs_in_force(outcome))


def pairs_in_force(outcome: Outcome) -> Iterator[tuple[Any, Any]]:
    """Protections in force, or suspended in their place, whose products meet."""
    active = [s for s in outcome.states if s.protection in (Protection.ACTIVE, Protection.SUSPENDED)]
    for i, one in enumerate(active):
        yield from ((one, two) for two in active[i + 1 :] if meets(one.products, two.products))


@LIMITS
@given(situations(), st.sampled_from(POLICIES), st.randoms(), st.sampled_from([2, 11, 30]))
def test_a_partner_reads_nothing_about_anybody_else(
    claims: ClaimGroup, policy: Policy, chance: random.Random, after: int
) -> None:
    claims = people(claims, policy, T0 + days(2), chance)
    outcome = decide(claims, policy, T0 + days(after))
    numbers = {s.ref: s.number for s in outcome.states}
    for want in outcome.wanted:
        if want.ref.object != "deal" or want.ref not in numbers:
            continue
        text = json.dumps(dict(want.fields), default=str)
        others = {n for ref, n in numbers.items() if ref != want.ref}
        for secret in (WYCH.name, PELL.name, LARK.name, "Fenwick", "Deal o", "kim", *others):
            assert secret not in text


@LIMITS
@given(situations(), st.sampled_from(POLICIES))
def test_facts_that_do_not_matter_change_no_winner(claims: ClaimGroup, policy: Policy) -> None:
    now = T0 + days(5)
    other = replace(
        claims,
        registrations=tuple(
            replace(r, submitter="Somebody", competition="Acme", next_steps="call", number=None)
            for r in claims.registrations
        ),
        opportunities=tuple(replace(o, name="Renamed", stage="x", owner_id="u9") for o in claims.opportunities),
        accounts=tuple(replace(a, name="Other Name", owner_id="u9", employees=7) for a in claims.accounts),
        managers={},
    )
    one, two = decide(claims, policy, now), decide(other, policy, now)
    assert [(s.ref, s.application, s.since, s.until) for s in one.states] == [
        (s.ref, s.application, s.since, s.until) for s in two.states
    ]
    assert [(c.id, c.winner) for c in one.collisions] == [(c.id, c.winner) for c in two.collisions]


@LIMITS
@given(situations(), st.sampled_from(POLICIES), st.sampled_from([0, 3, 12, 40]))
def test_every_outcome_is_whole_and_consistent(claims: ClaimGroup, policy: Policy, after: int) -> None:
    now = T0 + days(after)
    outcome = decide(claims, policy, now)
    stamped = [w.ref for w in outcome.wanted if w.group is WriteGroup.STAMP]
    records = [*claims.accounts, *claims.opportunities, *claims.registrations]
    assert sorted(stamped) == sorted(r.ref for r in records)
    assert outcome.next_due is None or outcome.next_due > now
    states = {s.ref: s for s in outcome.states}
    for collision in outcome.collisions:
        assert collision.registration in states
        assert (collision.winner is None) == (collision.state == "open")
        assert collision.winner in (None, collision.registration, collision.other)
        assert collision.sentence.endswith(".")
    assert len({c.id for c in outcome.collisions}) == len(outcome.collisions)
    for state in outcome.states:
        assert (state.behind is not None) == (state.application == "waiting")
        assert state.protection is not Protection.ACTIVE or state.application == "approved"
    for decision in outcome.decisions:
        assert json.loads(json.dumps(dict(decision.evidence))) == dict(decision.evidence)
        assert decision.kind is not DecisionKind.SUBMITTED or "seen_at" in decision.evidence


@LIMITS
@given(situations(), st.sampled_from(POLICIES), st.sampled_from([0, 3, 12]))
def test_next_due_is_the_first_instant_at_which_time_alone_changes_anything(
    claims: ClaimGroup, policy: Policy, after: int
) -> None:
    now = T0 + days(after)
    claims, outcome = run(claims, now, policy)
    due = outcome.next_due or now + days(400)
    just_before = decide(claims, policy, due - timedelta(microseconds=1))

    def told(one: Outcome) -> object:
        stamps = [(w.ref, w.group, {k: v for k, v in w.fields.items() if k != "as_of"}) for w in one.wanted]
        return one.decisions, one.states, one.collisions, stamps

    assert told(just_before) == told(replace(outcome, decisions=()))


def test_an_unsure_filing_alone_in_its_group_touches_no_account() -> None:
    filing = registration()
    claims = replace(group(filing, companies={filing.ref: company(Band.REVIEW)}), accounts=())
    outcome = decide(claims, POLICIES[0], T0 + days(1))
    assert [w.ref.object for w in outcome.wanted] == ["deal"]
