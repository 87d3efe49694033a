"""People approve, reject and rule; what cannot be is refused in words before it is recorded (docs/rulings.md 9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from syncd.model import Actor, Band, ClaimGroup, Decision, DecisionKind, FiledStatus, Ref
from syncd.policy import Policy, approve, check_person, decide, reject, rule

from .factories import (
    APPROVED,
    DIRECT,
    GO_LIVE,
    POLICY,
    PRM,
    REJECTED,
    SETTLED,
    T0,
    WAITING,
    account,
    approved,
    by_person,
    closed,
    codes,
    collision,
    company,
    days,
    group,
    kinds,
    opportunity,
    registration,
    rejected,
    run,
    seconds,
    stamp,
    state,
)

KIM = Actor.person("kim")
MANUAL = Policy.model_validate({"approval": "manual"})


def refused(claims: ClaimGroup, made: Decision, policy: Policy = POLICY) -> str:
    """Why a decision is refused, in one text."""
    return " ".join(check_person(claims, policy, made.at, made))


def added(claims: ClaimGroup, made: Decision, policy: Policy = POLICY) -> ClaimGroup:
    """The group with a person's decision, which must be allowed."""
    assert refused(claims, made, policy) == ""
    return replace(claims, decisions=(*claims.decisions, made))


def ruling(claims: ClaimGroup, code: str, winner: str, at: datetime, policy: Policy = POLICY) -> Decision:
    """A ruling on the one collision with this code, for the side with this id."""
    found = collision(decide(claims, policy, at), code)
    (side,) = [r for r in (found.registration, found.other) if r.id == winner]
    return rule(found, side, KIM, at, policy)


TIE = (registration("r1"), registration("r2", T0 + seconds(1), partner_id="P02"))
LINE = (registration("r1"), registration("r2", T0 + days(1), partner_id="P02"))


# approve and reject


def test_a_person_approves_what_waits_for_a_person() -> None:
    claims, outcome = run(group(registration()), policy=MANUAL)
    made = approve(state(outcome), KIM, T0 + days(1), MANUAL, "known partner")
    _, outcome = run(added(claims, made, MANUAL), T0 + days(1), MANUAL)
    assert (state(outcome).application, state(outcome).reason) == (APPROVED, "approved_by_person")
    assert kinds(outcome.decisions) == ["granted"]


def test_a_person_overrules_a_rule() -> None:
    claims, outcome = run(group(registration(), opportunity()))
    assert state(outcome).application == REJECTED
    claims = added(claims, approve(state(outcome), KIM, T0 + days(1), POLICY))
    _, outcome = run(claims, T0 + days(1))
    found = collision(outcome, "C08")
    assert (found.winner, found.rule) == (found.registration, "person:kim")
    assert stamp(outcome, "o1")["status"] == "protected"


def test_a_person_takes_a_protection_back_and_the_next_in_line_follows() -> None:
    claims, outcome = run(group(*LINE), T0 + days(2))
    claims = added(claims, reject(state(outcome, "r1"), KIM, T0 + days(5), POLICY))
    _, outcome = run(claims, T0 + days(5))
    assert (state(outcome, "r1").reason, state(outcome, "r2").since) == ("rejected_by_person", T0 + days(5))


def test_a_person_may_jump_the_line_of_undecided_claims() -> None:
    claims, outcome = run(group(*LINE), T0 + days(2), MANUAL)
    claims = added(claims, approve(state(outcome, "r2"), KIM, T0 + days(3), MANUAL), MANUAL)
    _, outcome = run(claims, T0 + days(3), MANUAL)
    assert [state(outcome, r).application for r in ("r1", "r2")] == [WAITING, APPROVED]
    assert state(outcome, "r1").behind == state(outcome, "r2").ref
    found = collision(outcome, "C07")
    assert (found.registration.id, found.winner, found.rule) == ("r2", found.registration, "person:kim")


def test_before_it_is_settled_a_person_may_override() -> None:
    claims = group(registration(), horizon=None)
    _, outcome = run(added(claims, approved("r1", T0 + days(3))), T0 + days(3))
    assert state(outcome).application == APPROVED


UNSURE = {registration().ref: company(Band.REVIEW)}


@pytest.mark.parametrize(
    ("claims", "made", "says"),
    [
        (group(), approved("r9", T0), "There is no registration prm/deal/r9 here."),
        (group(registration(status=FiledStatus.DRAFT)), approved("r1", T0), "is a draft"),
        (group(registration(status=FiledStatus.DRAFT)), rejected("r1", T0), "is a draft"),
        (group(registration(status=FiledStatus.WITHDRAWN)), approved("r1", T0), "was withdrawn by the partner"),
        (group(registration(status=FiledStatus.WITHDRAWN)), rejected("r1", T0), "was withdrawn by the partner"),
        (group(registration()), approved("r1", SETTLED), "is approved already and protected until 30 August 2026"),
        (
            group(registration()),
            approved("r1", T0 + days(91)),
            "ended on 30 August 2026 (UTC); the partner has to file",
        ),
        (group(registration()), rejected("r1", T0 + days(91)), "there is nothing to take back"),
        (group(registration(proof=None, first_contact_on=None), rejected("r1", T0)), rejected("r1", T0), "already"),
        (group(registration(), companies=UNSURE), approved("r1", SETTLED), "Say first which account"),
        (group(registration(partner_id="P99")), approved("r1", SETTLED), "nobody to protect"),
        (group(*LINE), approved("r2", T0 + days(2)), "Wychwood Integrators holds the same products until 30 August"),
        (group(registration(), authority={PRM: "source"}), approved("r1", SETTLED), "The partner portal decides"),
        (group(registration(), authority={PRM: "source"}), rejected("r1", SETTLED), "The partner portal decides"),
        (group(registration()), by_person(DecisionKind.EXPIRED, "r1", T0), "is not for a person to decide"),
    ],
)
def test_what_cannot_be_is_refused_in_words(claims: ClaimGroup, made: Decision, says: str) -> None:
    assert says in refused(claims, made)


def test_an_unsure_filing_names_the_command_and_both_records() -> None:
    best = UNSURE[registration().ref].best
    assert best is not None
    says = refused(group(registration(), companies=UNSURE), approved("r1", SETTLED))
    assert f"`syncd same {best.left} {best.right}`, or `syncd different {best.left} {best.right}`" in says
    assert says.endswith("; then approve it.")


def test_what_the_rules_would_have_decided_by_then_counts() -> None:
    """The daemon slept since before the first claim: nothing is recorded yet, and still the second is refused."""
    assert "holds the same products" in refused(group(*LINE), approved("r2", T0 + days(2)))
    assert refused(group(*LINE), approved("r2", T0 + days(91))) == (
        f"{state(decide(group(*LINE), POLICY, T0), 'r2').number} is approved already and protected until "
        "28 November 2026 (UTC)."
    )


def test_an_adopted_protection_is_in_the_way_too() -> None:
    adopted = registration("r1", GO_LIVE - days(1), status=FiledStatus.APPROVED, protected_until=T0 + days(300))
    claims = group(adopted, registration("r2", partner_id="P02"))
    assert "two protections cannot stand side by side" in refused(claims, approved("r2", T0 + days(1)))


def test_other_products_are_not_in_the_way() -> None:
    claims = group(registration("r1"), registration("r2", partner_id="P02", products=frozenset({"X"})))
    assert refused(claims, approved("r2", SETTLED), MANUAL) == ""


def test_counted_from_the_filing_an_approval_that_would_be_over_at_once_is_refused() -> None:
    policy = Policy.model_validate({"approval": "manual", "protection": {"starts": "received", "days": 30}})
    claims = group(registration())
    assert refused(claims, approved("r1", T0 + days(29)), policy) == ""
    assert "would be over already" in refused(claims, approved("r1", T0 + days(30)), policy)


# rulings


def test_a_tie_ruled_for_the_registration() -> None:
    claims, _ = run(group(*TIE), T0 + days(1))
    claims = added(claims, ruling(claims, "C06", "r2", T0 + days(2)))
    claims, outcome = run(claims, T0 + days(2) + seconds(1))
    assert kinds(outcome.decisions, "r2") == ["approved", "granted"]
    assert (state(outcome, "r2").since, state(outcome, "r2").reason) == (T0 + days(2), "ruled")
    assert (state(outcome, "r1").application, state(outcome, "r1").behind) == (WAITING, state(outcome, "r2").ref)
    found = collision(outcome, "C06")
    assert (found.state, found.winner, found.rule) == ("ruled", state(outcome, "r2").ref, "person:kim")
    assert (stamp(outcome, "a1")["reason"], stamp(outcome, "r2")["reason"]) == ("ruled", "approved_by_person")
    assert run(claims, T0 + days(3))[1].decisions == ()


def test_a_tie_ruled_for_the_other_side() -> None:
    claims, _ = run(group(*TIE), T0 + days(1))
    claims = added(claims, ruling(claims, "C06", "r1", T0 + days(2)))
    _, outcome = run(claims, T0 + days(2))
    assert (state(outcome, "r1").reason, state(outcome, "r2").reason) == ("ruled", "ruled_against")
    assert stamp(outcome, "r2")["reason"] == "not_available"
    assert collision(outcome, "C06").winner == state(outcome, "r1").ref


def test_after_the_ruled_protection_ends_the_rival_that_waited_follows() -> None:
    claims, _ = run(group(*TIE), T0 + days(1))
    claims = added(claims, ruling(claims, "C06", "r2", T0 + days(2)))
    _, outcome = run(claims, T0 + days(93))
    assert state(outcome, "r1").since == T0 + days(92)


def test_a_ruling_for_the_second_ends_the_firsts_protection() -> None:
    claims, _ = run(group(*LINE), T0 + days(2))
    claims = added(claims, ruling(claims, "C03", "r2", T0 + days(5)))
    claims, outcome = run(claims, T0 + days(6))
    assert (state(outcome, "r1").reason, state(outcome, "r1").until) == ("ruled_against", T0 + days(5))
    assert (state(outcome, "r2").since, state(outcome, "r2").reason) == (T0 + days(5), "ruled")
    assert codes(outcome) == ["C03"]
    assert run(claims, T0 + days(400))[1].decisions[0].kind is DecisionKind.EXPIRED


def test_a_ruling_against_the_direct_opportunity_and_back() -> None:
    claims, _ = run(group(registration(), opportunity()))
    claims = added(claims, ruling(claims, "C08", "r1", T0 + days(1)))
    claims, outcome = run(claims, T0 + days(1))
    assert (state(outcome).application, stamp(outcome, "o1")["status"]) == (APPROVED, "protected")
    claims = added(claims, ruling(claims, "C08", "o1", T0 + days(2)))
    claims, outcome = run(claims, T0 + days(2))
    assert (state(outcome).reason, stamp(outcome, "o1")["status"]) == ("ruled_against", "direct")
    assert run(claims, T0 + days(50))[1].decisions == ()


def test_two_rulings_recorded_while_the_daemon_slept_end_as_the_last_says() -> None:
    claims, _ = run(group(registration(), opportunity()))
    claims = added(claims, ruling(claims, "C08", "r1", T0 + days(1)))
    later = ruling(claims, "C08", "o1", T0 + days(2))
    claims, outcome = run(replace(claims, decisions=(*claims.decisions, later)), T0 + days(3))
    assert (state(outcome).reason, state(outcome).until) == ("ruled_against", T0 + days(2))
    assert run(claims, T0 + days(4))[1].decisions == ()


def test_a_persons_later_word_is_not_undone_by_an_earlier_ruling() -> None:
    claims, _ = run(group(*TIE), T0 + days(1))
    claims = added(claims, ruling(claims, "C06", "r2", T0 + days(2)))
    claims = replace(claims, decisions=(*claims.decisions, rejected("r2", T0 + days(3))))
    _, outcome = run(claims, T0 + days(4))
    assert (state(outcome, "r2").reason, state(outcome, "r1").since) == ("rejected_by_person", T0 + days(3))


def test_ruling_for_a_direct_opportunity_opened_later_ends_the_protection() -> None:
    claims, _ = run(group(registration(), opportunity(created=T0 + days(3))), T0 + days(4))
    kept = added(claims, ruling(claims, "C09", "r1", T0 + days(5)))
    _, outcome = run(kept, T0 + days(5))
    assert (state(outcome).reason, collision(outcome, "C09").rule) == ("first_registered", "person:kim")
    lost = added(claims, ruling(claims, "C09", "o1", T0 + days(5)))
    _, outcome = run(lost, T0 + days(5))
    assert (state(outcome).reason, state(outcome).until) == ("ruled_against", T0 + days(5))


def test_ruling_on_a_named_account_a_customer_and_a_loss() -> None:
    for code, records in (
        ("C17", (account(is_named=True),)),
        ("C14", (account(is_customer=True),)),
        ("C13", (closed(opportunity(), T0 - days(1)),)),
    ):
        claims, _ = run(group(registration(), *records))
        claims = added(claims, ruling(claims, code, "r1", T0 + days(1)))
        _, outcome = run(claims, T0 + days(1))
        assert (state(outcome).reason, collision(outcome, code).rule) == ("ruled", "person:kim")


def test_under_authority_source_a_ruling_still_works() -> None:
    claims, _ = run(group(*TIE, authority={PRM: "source"}), T0 + days(1))
    claims = added(claims, ruling(claims, "C06", "r2", T0 + days(2)))
    _, outcome = run(claims, T0 + days(2))
    assert (state(outcome, "r2").reason, state(outcome, "r1").application) == ("ruled", "pending")


def test_a_ruling_that_names_only_the_collision_is_understood() -> None:
    claims, _ = run(group(*TIE), T0 + days(1))
    bare = replace(ruling(claims, "C06", "r1", T0 + days(2)), evidence={"collision": "C06-r2-r1"})
    _, outcome = run(added(claims, bare), T0 + days(2))
    assert (state(outcome, "r1").reason, state(outcome, "r2").reason) == ("ruled", "ruled_against")


def test_a_ruling_needs_a_collision_that_is_listed_and_one_of_its_sides() -> None:
    claims, _ = run(group(*TIE), T0 + days(1))
    good = ruling(claims, "C06", "r1", T0 + days(2))
    assert "There is no collision C06-r2-r7" in refused(claims, replace(good, evidence={"collision": "C06-r2-r7"}))
    third = replace(good, other=Ref(DIRECT, "Account", "a1"))
    assert "must be one of the two sides" in refused(claims, third)


def test_a_ruling_cannot_put_a_third_partys_protection_aside() -> None:
    """`r2` waits behind `r1` for PLAN; `r0` of a third partner protects BOARD, which `r2` claims too."""
    both = frozenset({"PLAN", "BOARD"})
    first = registration("r1", T0)
    third = registration("r0", T0 + days(1), partner_id="P03", products=frozenset({"BOARD"}))
    claims, _ = run(
        group(first, third, registration("r2", T0 + days(2), partner_id="P02", products=both)), T0 + days(3)
    )
    made = ruling(claims, "C03", "r2", T0 + days(4))
    assert "Larkrise Digital holds the same products" in refused(claims, made)
    assert "Wychwood" not in refused(claims, made)
