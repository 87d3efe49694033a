"""What a partner reads is the same in two worlds that differ only in what it must not know (DESIGN 5.13; domain.md 7).

Partners read: the stamp of their registration's record, the portal's status with its words, place and dates, notices,
and the answer to a question beforehand. Nothing else of syncd leaves for a partner's eyes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from syncd.model import (
    Account,
    Activity,
    ClaimGroup,
    Contract,
    Decision,
    DecisionKind,
    ListEntry,
    Money,
    Opportunity,
    Outcome,
    Partner,
    Ref,
    Registration,
    Version,
)
from syncd.policy import Policy, check_person, decide
from syncd.policy.answers import status_for_partner
from syncd.policy.precheck import precheck
from syncd.policy.reminders import notices
from syncd.policy.words import PRECHECKS, REASONS, Audience

from .brute.adapter import claim_group, made_of
from .brute.situations import PARTNERS, situation
from .factories import DIRECT, T0, account, closed, company, days, group, opportunity, recorded, registration

REMINDING = {"review": {"within_hours": 24}, "reminders": {"waiting_every_days": 5}}


# what a partner reads -----------------------------------------------------------------------------------------------
def read_by(partner: str, claims: ClaimGroup, outcome: Outcome, policy: Policy, now: datetime) -> str:
    """Everything that one partner reads about its filings in a group, as text."""
    decisions = (*claims.decisions, *outcome.decisions)
    shown = {w.ref: {k: v for k, v in w.fields.items() if k != "as_of"} for w in outcome.wanted}
    mine = [s for s in outcome.states if s.partner_id == partner]
    read: list[Any] = [[shown[s.ref] for s in mine]]
    for state in mine:
        rest = [other for other in outcome.states if other.ref != state.ref]
        about = [d for d in decisions if d.subject == state.ref]
        status = status_for_partner(state, rest, shown[state.ref], about, claims.partners.get(partner), policy, now)
        read.append(status)
    reminded = [d for d in decisions if d.kind is DecisionKind.REMINDED]
    read.append([n for n in notices(reminded, mine, now) if n.audience is Audience.PARTNER])
    asked = registration("asked", now, partner_id=partner, connection="prm")
    answer = precheck(claims, asked, company(), policy, now).answer
    read.append([answer.value, answer.words])
    return json.dumps(read, default=str, sort_keys=True)


# two worlds ---------------------------------------------------------------------------------------------------------
def other_world(claims: ClaimGroup, partner: str) -> ClaimGroup:
    """The same, but for what this partner must not know: names, amounts, owners, stages, and who the others are."""
    names = {name.casefold(): f"Quite Another {key}" for key, name in PARTNERS.items() if key != partner}

    def renamed(text: str | None) -> str | None:
        return names.get(text.strip().casefold(), text) if text else text

    def record(item: Any) -> Any:
        if isinstance(item, Opportunity):
            return replace(
                item, name=f"Secret {item.ref.id}", value=Money(Decimal(987_654), "USD"), owner_id="u-secret",
                stage="Secret stage", channel_owner_id="u-secret", partner_name=renamed(item.partner_name),
            )  # fmt: skip
        if isinstance(item, Account):
            return replace(item, name="Secret plc", owner_id="u-secret", city="Secretville", employees=98_765)
        return replace(item, owner_id="u-secret") if isinstance(item, Activity) else item

    def filed(item: Registration) -> Registration:
        if item.partner_id == partner:
            return item
        return replace(item, submitter="A. Secret", decision_makers="B. Secret", next_steps="secret", proof="secret")

    def partner_of(key: str, item: Partner) -> Partner:
        if key == partner:
            return item
        return replace(item, name=f"Quite Another {key}", tier="secret", manager_email="secret@vendor.example")

    return replace(
        claims,
        accounts=tuple(map(record, claims.accounts)),
        opportunities=tuple(map(record, claims.opportunities)),
        registrations=tuple(map(filed, claims.registrations)),
        partners={key: partner_of(key, item) for key, item in claims.partners.items()},
        activities={ref: tuple(map(record, found)) for ref, found in claims.activities.items()},
        past={
            ref: tuple(Version(v.since, record(v.record), v.observed) for v in versions)
            for ref, versions in claims.past.items()
        },
    )


def lived(seed: int, partner: str | None) -> Iterator[tuple[ClaimGroup, Outcome, Policy, datetime]]:
    """A random situation, instant by instant, with the same acts of people; as it is, or in the other world."""
    given = situation(seed)
    policy = Policy.model_validate({**given["policy"], **REMINDING})
    decisions: tuple[Decision, ...] = ()
    for now, acts in given["instants"]:
        claims = claim_group(given, now, decisions)
        claims = claims if partner is None else other_world(claims, partner)
        outcome = decide(claims, policy, now)
        yield claims, outcome, policy, now
        claims = recorded(claims, outcome)
        for wish in acts:
            made = made_of(wish, claims, outcome, policy, now)
            if made is not None and not check_person(claims, policy, now, made):
                claims = replace(claims, decisions=(*claims.decisions, replace(made, seq=len(claims.decisions))))
        decisions = claims.decisions


def told_the_same(seeds: range) -> None:
    """Each partner reads the same in both worlds, at each instant."""
    for seed in seeds:
        for partner in PARTNERS:
            here, there = lived(seed, None), lived(seed, partner)
            for one, two in zip(here, there, strict=True):
                assert read_by(partner, *one) == read_by(partner, *two), (seed, partner)


def test_a_partner_reads_the_same_whatever_the_direct_pipeline_is_called_and_whoever_the_others_are() -> None:
    told_the_same(range(30))


@pytest.mark.counts
def test_a_partner_reads_the_same_in_twelve_hundred_pairs_of_worlds() -> None:
    told_the_same(range(1000, 1400))


# causes -------------------------------------------------------------------------------------------------------------
MINE = registration()
LOST = closed(opportunity(), T0 - days(2))
WON = closed(opportunity(created=T0 - days(90)), T0 - days(80), won=True)
CONTACT = Activity(
    Ref(DIRECT, "Task", "t1"), "a1", is_human=True, is_two_way=True, happened_at=T0 - days(1), created_at=T0 - days(1)
)
HOUSE = ListEntry(Ref(DIRECT, "List", "l1"), "house", "a1", from_on=date(2026, 1, 1))
EXCLUDED = ListEntry(Ref(DIRECT, "List", "l1"), "excluded", "a1", from_on=date(2026, 1, 1))
CONTRACT = Contract(Ref(DIRECT, "Contract", "k1"), "a1", ends_on=date(2026, 7, 1))
LATER = opportunity(created=T0 - days(300), last_activity_on=(T0 + days(1)).date())
OF_PELL = replace(WON, partner_name="Pellmore IT Services")
OF_WYCH = replace(WON, partner_name="Wychwood Integrators")
ASKED = {
    "named_accounts": "review", "house_accounts": "review", "customers": {"new_logo_days": 0},
    "max_records_per_registration": 3, "direct": {"contact_days": 30},
}  # fmt: skip
MANY = [opportunity(f"m{i}", T0 - days(300)) for i in range(4)]

REFUSED: dict[str, ClaimGroup] = {
    "an open direct deal": group(MINE, opportunity()),
    "two of them": group(MINE, opportunity(), opportunity("o2")),
    "two-way contact": group(MINE, activities={account().ref: (CONTACT,)}),
    "a named account": group(MINE, account(is_named=True)),
    "an excluded account": group(MINE, lists=(EXCLUDED,)),
    "a house account": group(MINE, lists=(HOUSE,)),
    "a customer": group(MINE, account(is_customer=True)),
    "a last order": group(MINE, account(last_order_on=date(2026, 5, 1))),
    "a deal that was won": group(MINE, WON),
    "a renewal of another partner": group(MINE, OF_PELL, contracts=(CONTRACT,)),
    "several at once": group(
        MINE,
        account(is_named=True, is_customer=True),
        opportunity(),
        replace(WON, ref=Ref(DIRECT, "Opportunity", "o2")),
    ),
}  # fmt: skip

LOOKED_AT: dict[str, ClaimGroup] = {
    "a deal that was lost": group(MINE, LOST),
    "a named account": group(MINE, account(is_named=True)),
    "a house account": group(MINE, lists=(HOUSE,)),
    "evidence that is not sure": group(MINE, LATER),
    "too many records": group(MINE, *MANY),
    "a renewal of its own": group(MINE, OF_WYCH, contracts=(CONTRACT,)),
    "a tie with another partner": group(MINE, registration("r2", partner_id="P02")),
    "hidden records": group(MINE, visible=False),
}


@pytest.mark.parametrize("cause", REFUSED)
def test_whatever_refused_it_reads_the_same(cause: str) -> None:
    policy = Policy.model_validate({**REMINDING, "house_accounts": "reject", "direct": {"contact_days": 30}})
    now = T0 + days(1)
    first = decide(REFUSED["an open direct deal"], policy, now)
    other = decide(REFUSED[cause], policy, now)
    assert other.states[0].application == "rejected"
    assert read_by("P01", REFUSED[cause], other, policy, now) == read_by(
        "P01", REFUSED["an open direct deal"], first, policy, now
    )


@pytest.mark.parametrize("cause", LOOKED_AT)
def test_whatever_a_person_has_to_look_at_reads_the_same(cause: str) -> None:
    policy = Policy.model_validate({**REMINDING, **ASKED})
    now = T0 + days(1)
    stands = decide(LOOKED_AT[cause], policy, now)
    first = decide(LOOKED_AT["a deal that was lost"], policy, now)
    assert stands.states[0].application == "review"
    mine = read_of_record(LOOKED_AT[cause], stands, policy, now)
    assert mine == read_of_record(LOOKED_AT["a deal that was lost"], first, policy, now)


def read_of_record(claims: ClaimGroup, outcome: Outcome, policy: Policy, now: datetime) -> str:
    """What the first partner reads of its first filing: the stamp and the status, without a question beforehand."""
    state = outcome.states[0]
    shown = next(dict(w.fields) for w in outcome.wanted if w.ref == state.ref)
    rest = outcome.states[1:]
    status = status_for_partner(state, rest, shown, outcome.decisions, claims.partners["P01"], policy, now)
    return json.dumps([{k: v for k, v in shown.items() if k != "as_of"}, status], default=str)


def test_a_question_beforehand_reads_the_same_behind_a_direct_deal_and_behind_another_partner() -> None:
    now, policy = T0 + days(1), Policy.model_validate(REMINDING)
    other = registration("r2", partner_id="P02")
    behind = recorded(group(other), decide(group(other), policy, now))
    asked = registration("asked", now)
    answers = {
        precheck(claims, asked, company(), policy, now).answer
        for claims in (behind, replace(REFUSED["an open direct deal"], registrations=(), companies={}))
    }
    assert len(answers) == 1


# words --------------------------------------------------------------------------------------------------------------
UNSAYABLE = re.compile(
    r"direct|sales team|pipeline|opportunit|(existing|already a) customer|named account|another partner|compet|won|lost"
    r"|score|match",
    re.IGNORECASE,
)


@pytest.mark.parametrize("code", sorted(REASONS))
def test_no_reason_tells_a_partner_of_anybody_else(code: str) -> None:
    assert not UNSAYABLE.search(REASONS[code].partner)


@pytest.mark.parametrize("answer", sorted(PRECHECKS))
def test_no_answer_tells_a_partner_of_anybody_else(answer: str) -> None:
    assert not UNSAYABLE.search(PRECHECKS[answer])


def test_one_code_that_a_partner_sees_has_one_text_for_everything_that_it_hides() -> None:
    hidden = [words for code, words in REASONS.items() if words.shown in ("not_available", "in_review")]
    texts = {(w.shown, w.partner) for w in hidden}
    refused = {text for shown, text in texts if shown == "not_available" and "protection has ended" not in text}
    assert (len(refused), len({text for shown, text in texts if shown == "in_review"})) == (1, 1)


def test_the_date_on_which_a_partner_hears_more_is_of_its_own_filing() -> None:
    """The end of another partner's protection moves nothing that a waiting one reads."""
    policy = Policy.model_validate(REMINDING)
    now = T0 + timedelta(days=3)
    told = set()
    for length in (10, 50):
        short = Policy.model_validate({**REMINDING, "protection": {"days": length}})
        claims = group(registration("r0", T0 - days(1), partner_id="P02"), MINE)
        outcome = decide(claims, short, now)
        waiting = next(s for s in outcome.states if s.ref == MINE.ref)
        assert waiting.application == "waiting"
        told.add(read_of_record(claims, replace(outcome, states=(waiting,)), policy, now))
    assert len(told) == 1
