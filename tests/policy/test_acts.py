"""What people do beside approving: return, withdraw, extend, suspend, reinstate, revoke, release, transfer, exempt."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from syncd.model import Actor, ClaimGroup, Decision, DecisionKind, FiledStatus, Outcome, Protection, Ref
from syncd.policy import EXEMPTABLE, Options, Policy, act, check_person, decide
from syncd.policy.acts import ACTS

from .factories import (
    APPROVED,
    LARK,
    PELL,
    PENDING,
    POLICY,
    PRM,
    REJECTED,
    RETURNED,
    REVIEW,
    SETTLED,
    T0,
    WAITING,
    WITHDRAWN,
    WYCH,
    account,
    approved,
    codes,
    collision,
    days,
    decision,
    group,
    kinds,
    opportunity,
    owner,
    registration,
    rejected,
    run,
    seconds,
    stamp,
    state,
)

KIM = Actor.person("kim")
MANUAL = Policy.model_validate({"approval": "manual"})
LINE = (registration("r1"), registration("r2", T0 + days(1), partner_id="P02"))
END = SETTLED + days(90)


def doing(
    claims: ClaimGroup, kind: DecisionKind, at: datetime, id_: str = "r1", policy: Policy = POLICY,
    reason: str = "because", **options: Any,
) -> Decision:  # fmt: skip
    """A person's act, as it would be recorded."""
    return act(kind, Ref(PRM, "deal", id_), KIM, at, claims, policy, reason, Options(**options))


def done(claims: ClaimGroup, kind: DecisionKind, at: datetime, id_: str = "r1", **given: Any) -> ClaimGroup:
    """The group after an act, which must be allowed."""
    made = doing(claims, kind, at, id_, **given)
    assert check_person(claims, given.get("policy", POLICY), at, made) == []
    return replace(claims, decisions=(*claims.decisions, replace(made, seq=len(claims.decisions))))


def refused(claims: ClaimGroup, kind: DecisionKind, at: datetime, id_: str = "r1", **given: Any) -> str:
    """Why an act is refused, in one text."""
    return " ".join(check_person(claims, given.get("policy", POLICY), at, doing(claims, kind, at, id_, **given)))


def protected() -> ClaimGroup:
    """One registration, approved and granted."""
    return run(group(registration()))[0]


def everything(outcome: Outcome) -> dict[str, Any]:
    """What every record shows."""
    return {f"{w.ref.id} {w.group.value}": dict(w.fields) for w in outcome.wanted}


# return with questions, withdrawal, resubmission


def test_a_return_asks_and_keeps_the_place_in_line() -> None:
    claims, _ = run(group(*LINE), T0 + days(2), MANUAL)
    claims = done(claims, DecisionKind.RETURNED, T0 + days(3), policy=MANUAL, reason="Who is the CIO?")
    claims, outcome = run(claims, T0 + days(4), MANUAL)
    assert (state(outcome).application, state(outcome).reason) == (RETURNED, "returned_by_person")
    assert claims.decisions[-1].evidence == {"questions": "Who is the CIO?"}
    assert stamp(outcome, "r1")["reason"] == "returned_by_person"
    answered = replace(claims.registrations[0], modified_at=T0 + days(5))
    _, outcome = run(replace(claims, registrations=(answered, claims.registrations[1])), T0 + days(6), MANUAL)
    assert (state(outcome).application, state(outcome).received_at) == (REVIEW, T0)
    assert (state(outcome, "r2").application, state(outcome, "r2").behind) == (WAITING, answered.ref)


def test_a_return_without_a_question_or_of_what_is_decided_is_refused() -> None:
    claims, _ = run(group(*LINE), T0 + days(2), MANUAL)
    assert "Say with --reason" in refused(claims, DecisionKind.RETURNED, T0 + days(3), policy=MANUAL, reason=" ")
    assert "is approved; only what is undecided" in refused(protected(), DecisionKind.RETURNED, T0 + days(1))


def test_a_person_withdraws_in_the_partners_name_and_the_next_in_line_follows() -> None:
    claims, _ = run(group(*LINE), T0 + days(2))
    claims = done(claims, DecisionKind.WITHDRAWN, T0 + days(5))
    claims, outcome = run(claims, T0 + days(6))
    assert (state(outcome).application, state(outcome).until) == (WITHDRAWN, T0 + days(5))
    assert state(outcome, "r2").since == T0 + days(5)
    assert run(claims, T0 + days(7))[1].decisions == ()


def test_what_a_person_withdrew_undecided_stays_so_until_the_partner_sends_it_again() -> None:
    claims, _ = run(group(registration()), policy=MANUAL)
    claims = done(claims, DecisionKind.WITHDRAWN, T0 + days(1), policy=MANUAL)
    claims, outcome = run(claims, T0 + days(2), MANUAL)
    assert (state(outcome).application, outcome.decisions) == (WITHDRAWN, ())
    again = replace(claims.registrations[0], modified_at=T0 + days(3))
    _, outcome = run(replace(claims, registrations=(again,)), T0 + days(4), POLICY)
    assert (state(outcome).application, state(outcome).since) == (APPROVED, T0 + days(3))


@pytest.mark.parametrize(
    ("claims", "at", "says"),
    [
        (group(registration(status=FiledStatus.DRAFT)), SETTLED, "is a draft; there is nothing to withdraw"),
        (group(registration(status=FiledStatus.WITHDRAWN)), SETTLED, "is withdrawn; there is nothing"),
        (group(registration(), account(is_named=True)), SETTLED, "is rejected; there is nothing"),
        (group(registration()), END, "ended on 30 August 2026"),
    ],
)
def test_a_withdrawal_of_nothing_is_refused(claims: ClaimGroup, at: datetime, says: str) -> None:
    assert says in refused(claims, DecisionKind.WITHDRAWN, at)


# extension


def test_an_extension_counts_from_the_end_and_not_from_when_it_was_granted() -> None:
    claims = done(protected(), DecisionKind.EXTENDED, T0 + days(80))
    claims, outcome = run(claims, END + days(1))
    assert (state(outcome).until, state(outcome).protection) == (END + days(30), Protection.ACTIVE)
    assert outcome.decisions == (), "the old end passes without a word"
    _, outcome = run(claims, END + days(31))
    assert decision(outcome, DecisionKind.EXPIRED).effective_at == END + days(30)


def test_a_third_extension_is_over_the_cap_and_an_exemption_lets_it_pass() -> None:
    claims = protected()
    for day in (10, 20):
        claims = done(claims, DecisionKind.EXTENDED, T0 + days(day))
    says = refused(claims, DecisionKind.EXTENDED, T0 + days(30))
    assert "was prolonged 2 times, and the policy allows 2" in says
    claims = done(claims, DecisionKind.EXEMPTED, T0 + days(30), rule="extension_limit")
    claims = done(claims, DecisionKind.EXTENDED, T0 + days(31), days=7)
    assert state(decide(claims, POLICY, T0 + days(32))).until == END + days(67)


def test_an_extension_asked_for_after_the_end_is_refused_and_names_the_way() -> None:
    says = refused(protected(), DecisionKind.EXTENDED, END + seconds(1), asked_at=END)
    assert "before it was asked for" in says
    assert "`syncd reinstate` can bring it back" in says
    assert refused(protected(), DecisionKind.EXTENDED, END + seconds(1), asked_at=END - seconds(1)) == ""


def test_an_extension_asked_for_in_time_and_granted_after_the_end_leaves_no_gap() -> None:
    claims, _ = run(protected(), END + days(2))
    assert kinds(claims.decisions)[-1] == "expired"
    claims = done(claims, DecisionKind.EXTENDED, END + days(3), asked_at=END - days(1))
    _, outcome = run(claims, END + days(4))
    assert (state(outcome).protection, state(outcome).since) == (Protection.ACTIVE, SETTLED)
    assert state(outcome).until == END + days(30)
    assert "the 14 days of grace" in refused(protected(), DecisionKind.EXTENDED, END + days(14), asked_at=END - days(1))


def test_an_extension_cannot_be_asked_for_in_the_future() -> None:
    assert "still to come" in refused(protected(), DecisionKind.EXTENDED, T0 + days(5), asked_at=T0 + days(6))


def test_an_extension_comes_before_whoever_waits_unless_the_policy_says_otherwise() -> None:
    claims, outcome = run(group(*LINE), T0 + days(2))
    assert state(outcome, "r2").application == WAITING
    first = done(claims, DecisionKind.EXTENDED, T0 + days(80))
    _, outcome = run(first, END + days(1))
    assert (state(outcome, "r2").application, state(outcome, "r2").behind) == (WAITING, LINE[0].ref)
    _, outcome = run(first, END + days(31))
    assert state(outcome, "r2").since == END + days(30)
    strict = Policy.model_validate({"extension": {"while_others_wait": False}})
    assert "Pellmore IT Services waits behind it" in refused(
        claims, DecisionKind.EXTENDED, T0 + days(80), policy=strict
    )


def test_once_the_next_in_line_holds_it_no_extension_takes_it_back() -> None:
    claims, _ = run(group(*LINE), END + days(1))
    says = refused(claims, DecisionKind.EXTENDED, END + days(2), asked_at=END - days(1))
    assert "Pellmore IT Services has held the same products since 30 August 2026" in says


def test_what_was_never_protected_or_ended_by_a_person_is_not_prolonged() -> None:
    pending, _ = run(group(registration()), policy=MANUAL)
    assert "no protection to prolong" in refused(pending, DecisionKind.EXTENDED, T0 + days(1), policy=MANUAL)
    revoked = done(protected(), DecisionKind.REVOKED, T0 + days(5))
    assert "`syncd reinstate` is for that" in refused(revoked, DecisionKind.EXTENDED, T0 + days(6))


@pytest.mark.parametrize("asleep", [days(0), days(20), days(400)])
def test_the_same_acts_give_the_same_ends_whenever_the_daemon_ran(asleep: timedelta) -> None:
    claims = done(protected(), DecisionKind.EXTENDED, T0 + days(80))
    if asleep:
        claims, _ = run(claims, T0 + days(80) + asleep)
    claims, outcome = run(claims, END + days(500))
    assert state(outcome).until == END + days(30)
    expired = [d.effective_at for d in claims.decisions if d.kind is DecisionKind.EXPIRED]
    assert expired == [END + days(30)]


# revoke, release, reinstate


@pytest.mark.parametrize(
    ("kind", "reason", "shown"),
    [(DecisionKind.REVOKED, "revoked", "ended_early"), (DecisionKind.RELEASED, "released", "released")],
)
def test_revoked_or_released_ends_the_protection_and_keeps_the_approval(
    kind: DecisionKind, reason: str, shown: str
) -> None:
    claims, _ = run(group(*LINE), T0 + days(2))
    claims = done(claims, kind, T0 + days(5), document="letter of 6 June")
    claims, outcome = run(claims, T0 + days(6))
    now = state(outcome)
    assert (now.application, now.protection, now.until, now.reason) == (
        APPROVED, Protection.EXPIRED, T0 + days(5), reason,
    )  # fmt: skip
    assert (stamp(outcome, "r1")["status"], stamp(outcome, "r1")["reason"]) == ("expired", shown)
    assert state(outcome, "r2").since == T0 + days(5)
    assert claims.decisions[-3].evidence["document"] == "letter of 6 June"
    assert "ended on" in refused(claims, kind, T0 + days(7))


def test_ending_a_protection_needs_one_and_a_reason() -> None:
    pending, _ = run(group(registration()), policy=MANUAL)
    for kind in (DecisionKind.REVOKED, DecisionKind.RELEASED):
        assert "has no protection" in refused(pending, kind, T0 + days(1), policy=MANUAL)
        assert "Say with --reason why" in refused(protected(), kind, T0 + days(1), reason="")


def test_inside_the_grace_a_person_brings_an_ended_protection_back() -> None:
    claims, _ = run(protected(), END + days(5))
    claims = done(claims, DecisionKind.REINSTATED, END + days(5))
    claims, outcome = run(claims, END + days(6))
    assert (state(outcome).protection, state(outcome).since, state(outcome).until) == (
        Protection.ACTIVE, END + days(5), END + days(35),
    )  # fmt: skip
    _, outcome = run(claims, END + days(36))
    assert decision(outcome, DecisionKind.EXPIRED).effective_at == END + days(35)


def test_after_the_grace_or_when_somebody_else_holds_it_nothing_is_brought_back() -> None:
    claims, _ = run(protected(), END + days(13))
    assert refused(claims, DecisionKind.REINSTATED, END + days(14) - seconds(1)) == ""
    assert "more than 14 days ago" in refused(claims, DecisionKind.REINSTATED, END + days(14))
    claims, _ = run(group(*LINE), END + days(1))
    assert "Pellmore IT Services has held" in refused(claims, DecisionKind.REINSTATED, END + days(2))


def test_what_is_in_force_rejected_or_never_was_is_not_reinstated() -> None:
    assert "is protected until 30 August 2026" in refused(protected(), DecisionKind.REINSTATED, T0 + days(1))
    pending, _ = run(group(registration()), policy=MANUAL)
    assert "`syncd approve` is for that" in refused(pending, DecisionKind.REINSTATED, T0 + days(1), policy=MANUAL)
    taken = replace(protected(), decisions=(*protected().decisions, rejected("r1", T0 + days(1))))
    assert "is rejected; approve it" in refused(taken, DecisionKind.REINSTATED, T0 + days(2))


def test_a_revocation_by_mistake_is_undone_inside_the_grace() -> None:
    claims = done(protected(), DecisionKind.REVOKED, T0 + days(5))
    claims = done(claims, DecisionKind.REINSTATED, T0 + days(6), days=80)
    _, outcome = run(claims, T0 + days(7))
    assert (state(outcome).protection, state(outcome).until) == (Protection.ACTIVE, T0 + days(86))


# suspend


def test_a_suspended_protection_keeps_its_place_and_its_end_and_is_not_in_force() -> None:
    claims, _ = run(group(*LINE, opportunity(created=T0 + days(1))), T0 + days(2))
    claims = done(claims, DecisionKind.SUSPENDED, T0 + days(5))
    claims, outcome = run(claims, T0 + days(6))
    now = state(outcome)
    assert (now.application, now.protection, now.until, now.reason) == (
        APPROVED, Protection.SUSPENDED, END, "suspended",
    )  # fmt: skip
    assert stamp(outcome, "a1")["status"] == "review"
    assert owner(outcome, "o1") is None
    assert stamp(outcome, "r1")["reason"] == "in_review", "a partner reads that it is looked at"
    assert (state(outcome, "r2").application, state(outcome, "r2").behind) == (WAITING, LINE[0].ref)
    claims = done(claims, DecisionKind.REINSTATED, T0 + days(8))
    _, outcome = run(claims, T0 + days(9))
    assert (state(outcome).protection, state(outcome).until) == (Protection.ACTIVE, END)
    assert stamp(outcome, "a1")["status"] == "protected"


def test_a_suspended_protection_runs_to_its_end_and_whoever_waits_follows() -> None:
    claims, _ = run(group(*LINE), T0 + days(2))
    claims = done(claims, DecisionKind.SUSPENDED, T0 + days(5))
    _, outcome = run(claims, END + days(1))
    assert (state(outcome).protection, state(outcome).reason) == (Protection.EXPIRED, "expired")
    assert state(outcome, "r2").since == END


def test_only_what_is_in_force_is_suspended_and_only_once() -> None:
    claims = done(protected(), DecisionKind.SUSPENDED, T0 + days(5))
    assert "suspended already" in refused(claims, DecisionKind.SUSPENDED, T0 + days(6))
    assert "no protection in force" in refused(protected(), DecisionKind.SUSPENDED, END)


# transfer


def test_a_transfer_passes_the_protection_on_as_it_is() -> None:
    deal = opportunity(created=T0 + days(1))
    claims, _ = run(group(registration(), deal), T0 + days(2))
    claims = done(claims, DecisionKind.TRANSFERRED, T0 + days(5), to="P02")
    claims, outcome = run(claims, T0 + days(6))
    now = state(outcome)
    assert (now.partner_id, now.partner_name, now.since, now.until) == ("P02", PELL.name, SETTLED, END)
    assert stamp(outcome, "a1")["partner"] == PELL.name
    assert owner(outcome, "o1") == "u-max", "the new partner's manager owns"
    assert run(claims, T0 + days(7))[1].decisions == ()


def test_the_first_partner_reads_that_it_was_passed_on_and_not_to_whom() -> None:
    claims = done(protected(), DecisionKind.TRANSFERRED, T0 + days(5), to="P02")
    _, outcome = run(claims, T0 + days(6))
    shown = stamp(outcome, "r1")
    assert (shown["status"], shown["reason"], shown["until"]) == ("expired", "transferred", T0 + days(5))
    other = done(protected(), DecisionKind.TRANSFERRED, T0 + days(5), to="P03")
    assert stamp(decide(other, POLICY, T0 + days(6)), "r1") == shown


def test_the_challengers_own_filing_becomes_a_second_one_of_the_same_deal() -> None:
    claims, _ = run(group(*LINE), T0 + days(2))
    claims = done(claims, DecisionKind.TRANSFERRED, T0 + days(5), to="P02")
    _, outcome = run(claims, T0 + days(6))
    assert (state(outcome, "r2").application, state(outcome, "r2").reason) == (REJECTED, "duplicate")
    assert codes(outcome) == ["C01"]


@pytest.mark.parametrize(
    ("to", "says"),
    [("P99", "There is no partner P99"), ("P01", "belongs to Wychwood Integrators already"), ("P03", "is terminated")],
)
def test_a_transfer_needs_another_partner_who_is_active(to: str, says: str) -> None:
    partners = {p.partner_id: p for p in (WYCH, PELL, replace(LARK, status="terminated"))}
    assert says in refused(replace(protected(), partners=partners), DecisionKind.TRANSFERRED, T0 + days(5), to=to)


# exempt


@pytest.mark.parametrize(
    ("records", "rule"),
    [
        ((registration(), account(is_named=True)), "not_named"),
        ((registration(), account(is_customer=True)), "new_logo"),
        ((registration(), opportunity()), "direct_first"),
        ((registration(first_contact_on=(T0 - days(91)).date()),), "first_contact_recent"),
        ((registration(proof=None),), "fields_complete"),
        ((registration(), replace(opportunity(), is_closed=True, closed_at=T0 - days(1))), "loss_cooled_down"),
    ],
)
def test_an_exemption_lets_pass_one_rule_and_takes_effect_from_then_on(records: tuple[Any, ...], rule: str) -> None:
    claims, outcome = run(group(*records), T0 + days(1))
    assert state(outcome).application != APPROVED
    claims = done(claims, DecisionKind.EXEMPTED, T0 + days(3), rule=rule)
    claims, outcome = run(claims, T0 + days(4))
    assert (state(outcome).application, state(outcome).since) == (APPROVED, T0 + days(3))
    assert run(claims, T0 + days(5))[1].decisions == ()


def test_an_exemption_from_one_rule_is_none_from_the_next() -> None:
    claims, _ = run(group(registration(), account(is_named=True, is_customer=True)))
    claims = done(claims, DecisionKind.EXEMPTED, T0 + days(1), rule="not_named")
    _, outcome = run(claims, T0 + days(2))
    assert (state(outcome).application, state(outcome).reason) == (REJECTED, "existing_customer")


def test_an_exempt_filing_takes_no_protection_away_that_was_granted_meanwhile() -> None:
    """It held no place while it was refused: whoever came next holds the products, and it waits."""
    stale = registration("r1", first_contact_on=(T0 - days(91)).date())
    claims, _ = run(group(stale, LINE[1]), T0 + days(2))
    claims = done(claims, DecisionKind.EXEMPTED, T0 + days(3), rule="first_contact_recent")
    _, outcome = run(claims, T0 + days(4))
    assert (state(outcome, "r1").application, state(outcome, "r1").behind) == (WAITING, LINE[1].ref)
    assert state(outcome, "r2").application == APPROVED


def test_what_a_person_rejected_is_no_matter_of_a_rule() -> None:
    claims = replace(protected(), decisions=(*protected().decisions, rejected("r1", T0 + days(1))))
    says = refused(claims, DecisionKind.EXEMPTED, T0 + days(2), rule="not_named")
    assert "was rejected by kim; approve it instead" in says


def test_an_exemption_needs_a_rule_that_there_is_a_reason_and_no_second_one() -> None:
    claims, _ = run(group(registration(), account(is_named=True)))
    says = refused(claims, DecisionKind.EXEMPTED, T0 + days(1), rule="luck")
    assert "There is no rule luck" in says
    assert all(rule in says for rule in EXEMPTABLE)
    assert "Say with --reason why" in refused(claims, DecisionKind.EXEMPTED, T0 + days(1), rule="not_named", reason="")
    claims = done(claims, DecisionKind.EXEMPTED, T0 + days(1), rule="not_named")
    assert "exempt from not_named already" in refused(claims, DecisionKind.EXEMPTED, T0 + days(2), rule="not_named")


# who may do what where


def under_source() -> ClaimGroup:
    filed = registration(status=FiledStatus.APPROVED, approved_at=T0 + days(1), protected_until=T0 + days(50))
    return run(group(filed, authority={PRM: "source"}), T0 + days(2))[0]


@pytest.mark.parametrize("kind", [k for k, a in ACTS.items() if not a.source_too])
def test_where_the_source_decides_an_act_names_the_field_to_change_there(kind: DecisionKind) -> None:
    says = refused(under_source(), kind, T0 + days(3), to="P02")
    assert "The partner portal decides" in says
    fields = {
        DecisionKind.EXTENDED: "`protected_until`",
        DecisionKind.DENIED: "`protected_until`",
        DecisionKind.TRANSFERRED: "`partner_id`",
    }
    assert fields.get(kind, "`status`") in says


def test_exemptions_and_suspensions_work_under_both_authorities() -> None:
    claims = done(under_source(), DecisionKind.SUSPENDED, T0 + days(3))
    _, outcome = run(claims, T0 + days(4))
    assert state(outcome).protection is Protection.SUSPENDED
    claims = done(claims, DecisionKind.REINSTATED, T0 + days(5))
    assert state(decide(claims, POLICY, T0 + days(6))).protection is Protection.ACTIVE
    waiting = run(group(registration(), account(is_named=True), authority={PRM: "source"}))[0]
    assert collision(decide(waiting, POLICY, T0 + days(1)), "C17").winner is None
    waiting = done(waiting, DecisionKind.EXEMPTED, T0 + days(1), rule="not_named")
    outcome = decide(waiting, POLICY, T0 + days(2))
    assert (codes(outcome), state(outcome).application) == ([], PENDING)


def test_an_act_on_what_has_just_changed_by_itself_waits_for_the_next_cycle() -> None:
    """The second protection began while the daemon slept; nothing may be recorded before what it rests on."""
    claims, _ = run(group(*LINE), T0 + days(2))
    says = refused(claims, DecisionKind.EXTENDED, END + days(1), "r2")
    assert "has changed by itself since the last cycle" in says
    claims, _ = run(claims, END + days(1))
    assert refused(claims, DecisionKind.EXTENDED, END + days(1), "r2") == ""


def test_an_act_never_widens_what_was_granted_nor_puts_two_side_by_side() -> None:
    claims, _ = run(group(*LINE), T0 + days(2))
    for kind, given in (
        (DecisionKind.EXTENDED, {}),
        (DecisionKind.SUSPENDED, {}),
        (DecisionKind.REINSTATED, {}),
    ):
        before = claims
        claims = done(claims, kind, T0 + days(10), **given)
        _, outcome = run(claims, T0 + days(11))
        held = [s for s in outcome.states if s.protection in (Protection.ACTIVE, Protection.SUSPENDED)]
        assert [s.ref.id for s in held] == ["r1"], kind
        assert held[0].products == frozenset({"PLAN"})
        assert before.registrations == claims.registrations


def test_every_record_shows_the_same_when_everything_is_decided_again() -> None:
    claims, _ = run(group(*LINE), T0 + days(2))
    for kind, given in (
        (DecisionKind.EXTENDED, {}),
        (DecisionKind.TRANSFERRED, {"to": "P03"}),
        (DecisionKind.SUSPENDED, {}),
        (DecisionKind.REINSTATED, {}),
        (DecisionKind.RELEASED, {}),
    ):
        claims = done(claims, kind, T0 + days(20), **given)
        claims, outcome = run(claims, T0 + days(21))
        again = decide(claims, POLICY, T0 + days(21))
        assert again.decisions == ()
        assert everything(again) == everything(outcome), kind


def test_an_approval_of_a_person_is_ended_and_reinstated_like_any_other() -> None:
    claims, _ = run(group(registration()), policy=MANUAL)
    claims, _ = run(replace(claims, decisions=(*claims.decisions, approved("r1", T0 + days(1)))), T0 + days(1), MANUAL)
    claims = done(claims, DecisionKind.RELEASED, T0 + days(2), policy=MANUAL)
    claims = done(claims, DecisionKind.REINSTATED, T0 + days(3), policy=MANUAL)
    _, outcome = run(claims, T0 + days(4), MANUAL)
    assert (state(outcome).protection, state(outcome).reason) == (Protection.ACTIVE, "approved_by_person")
