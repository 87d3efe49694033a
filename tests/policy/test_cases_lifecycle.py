"""Edge cases of the field that no other test tells (docs/cases-lifecycle.md), and that its table is complete."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from syncd.model import Actor, DecisionKind, FiledStatus
from syncd.policy import Audience, Policy, act, appeal, check_person, decide, reason_words, rule

from .factories import (
    APPROVED,
    GO_LIVE,
    PELL,
    POLICY,
    REVIEW,
    SETTLED,
    T0,
    WYCH,
    approved,
    codes,
    collision,
    days,
    decision,
    group,
    opportunity,
    owner,
    registration,
    run,
    seconds,
    stamp,
    state,
)

PAGE = (Path(__file__).parents[2] / "docs" / "cases-lifecycle.md").read_text("utf-8")
MANUAL = Policy.model_validate({"approval": "manual"})


def rows() -> list[list[str]]:
    """The cells of each row of the table, without its head."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and line[2].isdigit()]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_case_of_lifecycle_has_its_row_and_names_a_test_or_says_why_not() -> None:
    numbers = [int(number) for row in rows() for number in row[0].split(", ")]
    assert numbers == [*range(1, 37), *range(71, 122), *range(123, 128)]
    for row in rows():
        assert len(row) == 3, row
        assert "test_" in row[2] or re.search(r"does not apply|not yet", row[1]), row


def test_case_15_a_clock_of_ours_that_steps_back_takes_no_decision_back() -> None:
    claims, _ = run(group(registration()), T0 + days(1))
    earlier = decide(claims, POLICY, T0 + seconds(1))
    assert earlier.decisions == ()
    assert (state(earlier).application, state(earlier).since) == (APPROVED, SETTLED)


def test_case_17_what_was_due_while_the_daemon_was_down_is_recorded_once() -> None:
    claims, _ = run(group(registration()), T0 + days(1))
    claims, outcome = run(claims, T0 + days(300))
    assert decision(outcome, DecisionKind.EXPIRED).effective_at == SETTLED + days(90)
    for restarted in (T0 + days(300), T0 + days(301)):
        assert decide(claims, POLICY, restarted).decisions == ()


def test_case_22_an_approval_of_the_source_from_before_the_submission_is_taken_as_it_is() -> None:
    early = registration(
        received=GO_LIVE - days(5), status=FiledStatus.APPROVED, approved_at=GO_LIVE - days(7),
        protected_until=T0 + days(90),
    )  # fmt: skip
    _, outcome = run(group(early), T0)
    assert (state(outcome).since, state(outcome).until) == (GO_LIVE - days(7), T0 + days(90))
    assert state(outcome).received_at == GO_LIVE - days(5)


def test_case_23_an_approval_of_a_person_takes_effect_when_it_is_made_and_a_deal_before_it_is_C10() -> None:
    between = opportunity(created=T0 + days(2))
    claims, _ = run(group(registration(), between), T0 + days(1), MANUAL)
    claims = replace(claims, decisions=(*claims.decisions, approved("r1", T0 + days(5))))
    _, outcome = run(claims, T0 + days(5), MANUAL)
    assert (state(outcome).since, codes(outcome)) == (T0 + days(5), ["C10"])


def test_case_72_a_filing_that_is_edited_under_review_is_judged_by_what_it_says_then() -> None:
    claims, outcome = run(group(registration()), T0 + days(1), MANUAL)
    assert state(outcome).application == REVIEW
    edited = replace(claims.registrations[0], products=frozenset({"BOARD"}), modified_at=T0 + days(2))
    claims = replace(claims, registrations=(edited,), decisions=(*claims.decisions, approved("r1", T0 + days(3))))
    _, outcome = run(claims, T0 + days(3), MANUAL)
    assert state(outcome).products == frozenset({"BOARD"})


@pytest.mark.parametrize(("who", "refused"), [("sam seller", True), (" Sam Seller ", True), ("kim", False)])
def test_case_75_nobody_approves_what_they_filed_themselves(who: str, refused: bool) -> None:
    claims, _ = run(group(registration()), policy=MANUAL)
    made = replace(approved("r1", T0 + days(1)), actor=Actor.person(who))
    says = " ".join(check_person(claims, MANUAL, made.at, made))
    assert ("somebody else has to approve it" in says) is refused


DESK = Policy.model_validate(
    {
        "approval": "manual",
        "review": {
            "people": [{"email": "sam@vendor.example", "names": ["ssmith", "Sam Seller"]}],
            "groups": [
                {"name": "inside sales", "people": ["sam@vendor.example", "kim"], "apart": True},
                {"name": "desk", "people": ["ssmith", "kim", "mia", "desk"]},
            ],
            "approvers": ["desk", "max"],
        },
    }
)


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ("ssmith", "ssmith filed DR-QZCFPBTK; somebody else has to approve it"),
        ("SAM@vendor.example", "somebody else has to approve it"),
        ("kim", "Sam Seller of inside sales filed DR-QZCFPBTK; somebody outside of inside sales has to decide"),
        ("lee", "lee may not decide: the policy lets desk, max (review.approvers)"),
        ("mia", ""),
        ("Max", ""),
    ],
)
def test_case_75_groups_decide_and_nobody_for_themselves_under_any_name(who: str, says: str) -> None:
    claims, _ = run(group(registration()), policy=DESK)
    made = replace(approved("r1", T0 + days(1)), actor=Actor.person(who))
    found = " ".join(check_person(claims, DESK, made.at, made))
    assert says in found if says else not found


@pytest.mark.parametrize("kind", [DecisionKind.EXTENDED, DecisionKind.REINSTATED, DecisionKind.EXEMPTED])
def test_case_75_nobody_does_their_own_filing_a_favour_in_another_way(kind: DecisionKind) -> None:
    claims, _ = run(group(registration()))
    mine = act(kind, claims.registrations[0].ref, Actor.person("sam seller"), T0 + days(1), claims, POLICY, "so")
    assert "somebody else has to approve it" in " ".join(check_person(claims, POLICY, mine.at, mine))


def test_case_75_nobody_rules_for_their_own_claim_and_anybody_may_appeal() -> None:
    two = registration("r2", T0 + seconds(1), partner_id="P02", submitter="Pat")
    claims, outcome = run(group(registration(), two), T0 + days(1))
    met = collision(outcome, "C06")
    for winner, refused in ((met.other, True), (met.registration, False)):
        made = rule(met, winner, Actor.person("Sam Seller"), T0 + days(1), POLICY, "so")
        assert bool(check_person(claims, POLICY, made.at, made)) is refused
    lee = Policy.model_validate({"review": {"approvers": ["kim"]}})
    made = rule(met, met.other, Actor.person("kim"), T0 + days(1), lee, "first")
    claims = replace(claims, decisions=(*claims.decisions, replace(made, seq=99)))
    complaint = appeal(
        collision(decide(claims, lee, T0 + days(2)), "C06"), Actor.person("lee"), T0 + days(2), lee, "no"
    )
    assert check_person(claims, lee, complaint.at, complaint) == []


def test_case_94_a_partner_that_is_renamed_keeps_what_it_holds_under_its_new_name() -> None:
    claims, outcome = run(group(registration()))
    assert stamp(outcome, "a1")["partner"] == WYCH.name
    renamed = replace(WYCH, name="Wychwood Group")
    after = decide(replace(claims, partners={"P01": renamed, "P02": PELL}), POLICY, T0 + days(1))
    assert (stamp(after, "a1")["partner"], after.decisions) == ("Wychwood Group", ())
    assert state(after).until == SETTLED + days(90)


def test_case_91_a_manager_who_is_not_active_owns_nothing() -> None:
    deal = opportunity(created=T0 + days(1))
    claims, outcome = run(group(registration(), deal), T0 + days(2))
    assert owner(outcome, "o1") == "u-mia"
    gone = {email: replace(user, is_active=False) for email, user in claims.managers.items()}
    assert owner(decide(replace(claims, managers=gone), POLICY, T0 + days(3)), "o1") is None


def test_case_111_a_decision_by_a_rule_that_is_no_more_is_still_told() -> None:
    claims, _ = run(group(registration()))
    old = tuple(replace(d, rule="rule_of_last_year") for d in claims.decisions)
    outcome = decide(replace(claims, decisions=old), POLICY, T0 + days(1))
    assert (state(outcome).application, outcome.decisions) == (APPROVED, ())
    assert reason_words("a_reason_of_last_year").to(Audience.AUDITOR).startswith("a_reason_of_last_year")
