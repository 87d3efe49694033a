"""The registry of partners: suspended, offboarded, merged, taken back; what each means is said before it is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from syncd.model import Actor, Decision, DecisionKind, Partner, Protection
from syncd.policy import Policy, decide, plan_merger, plan_offboarding, plan_return, plan_suspension, registry
from syncd.policy.partners import OFFBOARDED, ON_HOLD

from .factories import (
    APPROVED,
    LARK,
    PELL,
    POLICY,
    REJECTED,
    REVIEW,
    SETTLED,
    T0,
    WYCH,
    codes,
    days,
    group,
    registration,
    run,
    stamp,
    state,
)

KNOWN = {p.partner_id: p for p in (WYCH, PELL, LARK)}


def said(kind: DecisionKind, partner: Partner = WYCH, at: datetime = T0, **evidence: Any) -> Decision:
    """What a person decided about a partner."""
    return Decision(
        kind=kind, subject=partner.ref, actor=Actor.person("kim"), at=at, effective_at=at, policy_version="test",
        rule="person", evidence=evidence,
    )  # fmt: skip


SUSPENDED, LEFT = said(DecisionKind.SUSPENDED), said(DecisionKind.REVOKED)
MERGED, BACK = said(DecisionKind.TRANSFERRED, to="P02"), said(DecisionKind.REINSTATED)


def test_the_registry_says_what_people_decided_and_else_what_the_portal_says() -> None:
    assert registry(KNOWN, []) == KNOWN
    assert registry(KNOWN, [SUSPENDED])["P01"].status == ON_HOLD
    assert registry(KNOWN, [SUSPENDED, LEFT])["P01"].status == OFFBOARDED
    assert registry(KNOWN, [SUSPENDED, BACK])["P01"] == WYCH
    assert registry(KNOWN, [said(DecisionKind.SUSPENDED, replace(WYCH, ref=PELL.ref))])["P01"] == WYCH


def test_a_merged_partner_is_the_other_one_through_chains_and_not_in_circles() -> None:
    chain = [MERGED, said(DecisionKind.TRANSFERRED, PELL, to="P03")]
    assert {k: p.partner_id for k, p in registry(KNOWN, chain).items()} == {"P01": "P03", "P02": "P03", "P03": "P03"}
    circle = [MERGED, said(DecisionKind.TRANSFERRED, PELL, to="P01")]
    assert registry(KNOWN, circle) == KNOWN
    assert registry(KNOWN, [said(DecisionKind.TRANSFERRED, to="P99")])["P01"] == WYCH, "nobody of that key is known"
    assert registry(KNOWN, [MERGED, BACK]) == KNOWN


def test_nothing_of_a_suspended_partner_is_approved_by_itself_and_its_place_is_kept() -> None:
    partners = registry(KNOWN, [SUSPENDED])
    line = (registration("r1"), registration("r2", T0 + days(1), partner_id="P02"))
    claims, outcome = run(group(*line, partners=partners), T0 + days(2))
    assert (state(outcome, "r1").application, state(outcome, "r1").reason) == (REVIEW, "partner_on_hold")
    assert state(outcome, "r2").behind == line[0].ref
    assert stamp(outcome, "r1")["reason"] == "in_review"
    _, outcome = run(replace(claims, partners=KNOWN), T0 + days(3))
    assert (state(outcome, "r1").application, state(outcome, "r1").since) == (APPROVED, SETTLED)


def test_nothing_of_a_partner_who_left_is_approved() -> None:
    _, outcome = run(group(registration(), partners=registry(KNOWN, [LEFT])))
    assert (state(outcome).application, state(outcome).reason) == (REJECTED, "partner_inactive")


def test_what_a_merged_partner_filed_counts_as_the_other_ones() -> None:
    line = (registration("r1"), registration("r2", T0 + days(1), partner_id="P02"))
    claims, outcome = run(group(*line, partners=registry(KNOWN, [MERGED])), T0 + days(2))
    assert (state(outcome, "r1").partner_name, state(outcome, "r1").application) == (PELL.name, APPROVED)
    assert (state(outcome, "r2").reason, codes(outcome)) == ("duplicate", ["C01"])
    assert {"partner:P01", "partner:P02"} <= outcome.topics, "each is looked at again when one of them changes"
    assert decide(claims, POLICY, T0 + days(3)).decisions == ()


def test_the_plan_of_a_suspension_names_each_registration_and_keeps_every_end() -> None:
    line = (registration("r1"), registration("r2", T0 + days(1), products=frozenset({"BOARD"})))
    manual = Policy.model_validate({"approval": "manual"})
    claims, _ = run(group(line[0]))
    _, outcome = run(replace(claims, registrations=line, companies=group(*line).companies), T0 + days(2), manual)
    steps = plan_suspension(outcome.states, T0 + days(3))
    assert [(s.ref.id, s.kind) for s in steps] == [("r1", DecisionKind.SUSPENDED), ("r2", None)]
    assert "its end stays 30 August 2026" in steps[0].what
    assert "keeps its time of filing" in steps[1].what
    assert plan_return(outcome.states, T0) == [], "nothing is suspended yet"


def test_the_plan_of_a_return_lifts_what_was_suspended() -> None:
    (held,) = decide(group(registration()), POLICY, SETTLED).states
    suspended = replace(held, protection=Protection.SUSPENDED)
    (step,) = plan_return([suspended], T0)
    assert (step.kind, "until 30 August 2026" in step.what) == (DecisionKind.REINSTATED, True)


def test_the_plan_of_a_leave_passes_protections_on_or_ends_them_with_the_transition() -> None:
    states = decide(group(registration()), POLICY, SETTLED).states
    (to,) = plan_offboarding(states, T0 + days(5), T0 + days(65), PELL)
    assert (to.kind, to.effective_at) == (DecisionKind.TRANSFERRED, T0 + days(5))
    assert "passes to Pellmore IT Services, until 30 August 2026 (UTC) as promised" in to.what
    (end,) = plan_offboarding(states, T0 + days(5), T0 + days(65), None)
    assert (end.kind, end.effective_at) == (DecisionKind.REVOKED, T0 + days(65))
    assert "ends on 5 August 2026" in end.what
    (later,) = plan_offboarding(states, T0 + days(5), T0 + days(400), None)
    assert "ends on 30 August 2026" in later.what, "a transition prolongs nothing"


def test_the_plan_of_a_merger_changes_no_end_and_records_nothing_per_registration() -> None:
    states = decide(group(registration()), POLICY, SETTLED).states
    (step,) = plan_merger(states, T0, PELL)
    assert (step.kind, "counts as a registration of Pellmore" in step.what) == (None, True)


def test_a_protection_that_ends_with_the_transition_holds_until_then() -> None:
    claims, _ = run(group(registration()))
    left = replace(said(DecisionKind.REVOKED, at=T0 + days(5)), subject=registration().ref, effective_at=T0 + days(65))
    claims = replace(claims, decisions=(*claims.decisions, left), partners=registry(KNOWN, [LEFT]))
    outcome = decide(claims, POLICY, T0 + days(30))
    assert (state(outcome).protection, state(outcome).until) == (Protection.ACTIVE, T0 + days(65))
    outcome = decide(claims, POLICY, T0 + days(65))
    assert (state(outcome).protection, state(outcome).reason) == (Protection.EXPIRED, "revoked")
