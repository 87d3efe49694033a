"""Recorded decisions come first; what the source decided is adopted; returns, withdrawals, edits (rulings 2, 5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from syncd.model import Band, ClaimGroup, DecisionKind, FiledStatus, Registration
from syncd.policy import Policy, decide

from .factories import (
    APPROVED,
    GO_LIVE,
    OUTSIDE,
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
    by_person,
    codes,
    collision,
    company,
    days,
    decision,
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

BEFORE = GO_LIVE - days(20)
FROM_SOURCE = {PRM: "source"}


def with_filing(claims: ClaimGroup, *filings: Registration) -> ClaimGroup:
    """The same group with filings as the source has them now."""
    ids = {f.ref for f in filings}
    kept = tuple(r for r in claims.registrations if r.ref not in ids)
    return replace(claims, registrations=(*kept, *filings))


# what is no claim


def test_a_draft_is_nothing() -> None:
    _, outcome = run(group(registration(status=FiledStatus.DRAFT)), T0 + days(1))
    assert (state(outcome).application, outcome.decisions) == ("draft", ())
    assert stamp(outcome, "r1") == dict.fromkeys(stamp(outcome, "r1"))
    assert stamp(outcome, "a1")["status"] is None


def test_a_filing_without_a_time_is_for_a_person_and_blocks_nothing() -> None:
    _, outcome = run(group(registration("r1", None), registration("r2", partner_id="P02")))
    assert (state(outcome, "r1").application, state(outcome, "r1").reason) == (OUTSIDE, "not_dated")
    assert state(outcome, "r2").application == APPROVED
    assert kinds(outcome.decisions, "r1") == []


# before go-live


def test_adopted_before_go_live_until_the_sources_own_end() -> None:
    filing = registration(
        received=BEFORE, status=FiledStatus.APPROVED, approved_at=BEFORE + days(1), protected_until=GO_LIVE + days(33)
    )
    claims, outcome = run(group(filing), GO_LIVE + days(1))
    made = decision(outcome, DecisionKind.ADOPTED)
    assert (str(made.actor), made.effective_at, made.rule) == ("source:prm", BEFORE + days(1), "adopted_before_go_live")
    held = state(outcome)
    assert (held.application, held.protection.value, held.reason) == (APPROVED, "active", "adopted")
    assert (held.since, held.until) == (BEFORE + days(1), GO_LIVE + days(33))
    assert run(claims, GO_LIVE + days(2))[1].decisions == ()


def test_adopted_without_dates_counts_from_the_filing_for_protection_days() -> None:
    _, outcome = run(group(registration(received=BEFORE, status=FiledStatus.APPROVED)), GO_LIVE + days(1))
    assert (state(outcome).since, state(outcome).until) == (BEFORE, BEFORE + days(90))


def test_nothing_before_go_live_is_judged() -> None:
    filing = registration(received=BEFORE, status=FiledStatus.APPROVED, proof=None, partner_id="P99")
    records = (filing, account(is_named=True, is_customer=True), opportunity(created=BEFORE - days(1)))
    _, outcome = run(group(*records), GO_LIVE + days(1))
    assert (state(outcome).application, codes(outcome)) == (APPROVED, [])


@pytest.mark.parametrize(
    ("end", "modified", "over_at"),
    [
        (BEFORE + days(10), BEFORE + days(12), BEFORE + days(10)),
        (None, BEFORE + days(12), BEFORE + days(12)),
        (GO_LIVE + days(50), BEFORE + days(12), BEFORE + days(12)),
        (None, None, BEFORE),
    ],
)
def test_an_expired_filing_is_adopted_as_over(end: datetime | None, modified: datetime | None, over_at: object) -> None:
    filing = registration(received=BEFORE, status=FiledStatus.EXPIRED, protected_until=end, modified_at=modified)
    _, outcome = run(group(filing), GO_LIVE + days(30))
    held = state(outcome)
    assert (held.application, held.protection.value, held.until) == (APPROVED, "expired", over_at)
    assert kinds(outcome.decisions) == ["submitted", "adopted", "expired"]


def test_a_rejected_filing_is_adopted_and_held_no_place() -> None:
    filing = registration("r1", BEFORE, status=FiledStatus.REJECTED, modified_at=GO_LIVE + days(9))
    other = registration("r2", GO_LIVE + days(1), partner_id="P02")
    _, outcome = run(group(filing, other), GO_LIVE + days(10))
    assert (state(outcome, "r1").application, stamp(outcome, "r1")["reason"]) == (REJECTED, "adopted")
    assert state(outcome, "r2").since == GO_LIVE + days(1) + seconds(2)


def test_an_undecided_filing_before_go_live_is_outside() -> None:
    _, outcome = run(group(registration(received=BEFORE, proof=None)), GO_LIVE + days(10))
    assert (state(outcome).application, state(outcome).reason) == (OUTSIDE, "outside")
    assert stamp(outcome, "r1")["status"] == "review"
    assert stamp(outcome, "r1")["reason"] == "in_review"
    assert stamp(outcome, "a1")["status"] is None


def test_go_live_itself_is_judged() -> None:
    _, outcome = run(group(registration(received=GO_LIVE)), GO_LIVE + days(1))
    assert kinds(outcome.decisions) == ["submitted", "approved", "granted"]


def test_an_outside_filing_can_be_approved_by_a_person() -> None:
    claims = group(registration(received=BEFORE), approved("r1", GO_LIVE + days(3)))
    _, outcome = run(claims, GO_LIVE + days(4))
    assert (state(outcome).application, state(outcome).since) == (APPROVED, GO_LIVE + days(3))


def test_once_adopted_an_edit_in_the_source_is_a_request() -> None:
    filing = registration(received=BEFORE, status=FiledStatus.APPROVED)
    claims, before = run(group(filing), GO_LIVE + days(1))
    for status in (FiledStatus.REJECTED, FiledStatus.EXPIRED, FiledStatus.SUBMITTED, FiledStatus.DRAFT):
        edited = with_filing(claims, replace(filing, status=status, protected_until=GO_LIVE + days(900)))
        _, outcome = run(edited, GO_LIVE + days(2))
        assert (outcome.decisions, state(outcome).until) == ((), state(before).until)


def test_two_adopted_protections_that_meet_are_both_honoured_and_the_one_that_ends_first_is_shown() -> None:
    first = registration("r1", BEFORE, status=FiledStatus.APPROVED, protected_until=GO_LIVE + days(60))
    second = registration(
        "r2", BEFORE + days(1), status=FiledStatus.APPROVED, partner_id="P02", protected_until=GO_LIVE + days(40)
    )
    _, outcome = run(group(first, second), GO_LIVE + days(1))
    assert [state(outcome, r).protection.value for r in ("r1", "r2")] == ["active", "active"]
    assert (stamp(outcome, "a1")["partner"], stamp(outcome, "a1")["count"]) == ("Pellmore IT Services", 2)
    assert codes(outcome) == []
    _, outcome = run(group(first, second), GO_LIVE + days(41))
    assert (stamp(outcome, "a1")["partner"], stamp(outcome, "a1")["count"]) == ("Wychwood Integrators", 1)


def test_a_claim_behind_two_adopted_protections_waits_for_the_last() -> None:
    ends = (GO_LIVE + days(60), GO_LIVE + days(40))
    held = [
        registration(f"r{i}", BEFORE, status=FiledStatus.APPROVED, partner_id=f"P0{i}", protected_until=end)
        for i, end in enumerate(ends, 1)
    ]
    claims = group(*held, registration("r3", GO_LIVE + days(1), partner_id="P03"))
    assert state(run(claims, GO_LIVE + days(59))[1], "r3").application == WAITING
    assert state(run(claims, GO_LIVE + days(70))[1], "r3").since == ends[0]


# authority: source


def test_with_authority_source_the_rules_approve_and_reject_nothing() -> None:
    records = (registration("r1"), registration("r2", partner_id="P02", proof=None), opportunity())
    _, outcome = run(group(*records, authority=FROM_SOURCE), T0 + days(1))
    assert [(s.application, s.reason) for s in outcome.states] == [(PENDING, "source_decides")] * 2
    assert codes(outcome) == ["C08", "C08"]
    assert {(c.state, c.winner, c.rule) for c in outcome.collisions} == {("open", None, "source_decides")}
    assert stamp(outcome, "a1")["status"] == "pending"


def test_with_authority_source_an_unsure_link_is_still_reviewed() -> None:
    filing = registration()
    claims = group(filing, authority=FROM_SOURCE, companies={filing.ref: company(Band.REVIEW)})
    assert state(run(claims)[1]).reason == "match_unsure"


def test_with_authority_source_each_change_of_mind_is_adopted() -> None:
    filing = registration()
    claims, _ = run(group(filing, authority=FROM_SOURCE), T0 + days(1))
    claims, outcome = run(
        with_filing(claims, replace(filing, status=FiledStatus.APPROVED, approved_at=T0 + days(1))), T0 + days(2)
    )
    assert (state(outcome).until, kinds(outcome.decisions)) == (T0 + days(91), ["adopted"])
    longer = replace(filing, status=FiledStatus.APPROVED, approved_at=T0 + days(1), protected_until=T0 + days(120))
    claims, outcome = run(with_filing(claims, longer), T0 + days(3))
    assert (state(outcome).until, kinds(outcome.decisions)) == (T0 + days(120), ["adopted"])
    assert run(claims, T0 + days(4))[1].decisions == ()
    refused = replace(filing, status=FiledStatus.REJECTED, modified_at=T0 + days(5))
    claims, outcome = run(with_filing(claims, refused), T0 + days(6))
    assert (state(outcome).application, state(outcome).until) == (REJECTED, T0 + days(5))


def test_with_authority_source_a_policy_change_extends_nothing() -> None:
    filing = registration(status=FiledStatus.APPROVED, approved_at=T0)
    claims, _ = run(group(filing, authority=FROM_SOURCE), T0 + days(2))
    longer = Policy.model_validate({"protection": {"days": 300}})
    assert run(claims, T0 + days(3), longer)[1].decisions == ()


def test_with_authority_source_what_the_rules_would_not_have_done_is_shown() -> None:
    filing = registration(status=FiledStatus.APPROVED, approved_at=T0 + days(1))
    _, outcome = run(group(filing, opportunity(), authority=FROM_SOURCE), T0 + days(2))
    found = collision(outcome, "C08")
    assert (found.state, found.rule, found.winner) == ("ruled", "source_decides", found.registration)
    assert stamp(outcome, "o1")["status"] == "protected"


def test_with_authority_source_two_protections_that_meet_are_for_a_person() -> None:
    filings = [
        registration(f"r{i}", T0 + days(i), partner_id=f"P0{i}", status=FiledStatus.APPROVED, approved_at=T0 + days(i))
        for i in (1, 2)
    ]
    _, outcome = run(group(*filings, authority=FROM_SOURCE), T0 + days(5))
    assert [(c.code, c.state, c.registration.id) for c in outcome.collisions] == [("C03", "open", "r2")]


def test_an_approval_adopted_from_one_source_keeps_an_earlier_claim_of_another_waiting() -> None:
    ours = registration("r1", T0)
    theirs = registration(
        "x1", T0 + days(1), connection="other", partner_id="P02", status=FiledStatus.APPROVED, approved_at=T0 + days(1)
    )
    claims = group(ours, theirs, authority={PRM: "syncd", "other": "source"}, horizon=T0 - days(1))
    claims, _ = run(claims, T0 + days(2))
    _, outcome = run(replace(claims, horizon=T0 + days(9)), T0 + days(9))
    assert (state(outcome, "r1").application, state(outcome, "x1").protection.value) == (WAITING, "active")
    assert [(c.code, c.registration.id, c.other.id) for c in outcome.collisions] == [("C07", "x1", "r1")]


# authority: syncd


@pytest.mark.parametrize("status", [FiledStatus.APPROVED, FiledStatus.REJECTED, FiledStatus.EXPIRED])
def test_with_authority_syncd_a_status_in_the_source_is_a_request(status: FiledStatus) -> None:
    filing = registration(status=status, protected_until=T0 + days(900))
    _, outcome = run(group(filing))
    assert (state(outcome).application, state(outcome).until) == (APPROVED, SETTLED + days(90))


# recorded decisions come first


def test_a_changed_policy_does_not_revoke_what_was_granted() -> None:
    claims, before = run(group(registration()))
    strict = Policy.model_validate(
        {"approval": "manual", "protection": {"days": 5}, "first_contact": {"max_age_days": 1}, "required": []}
    )
    _, outcome = run(claims, T0 + days(30), strict)
    assert outcome.decisions == ()
    assert (state(outcome).application, state(outcome).until) == (APPROVED, state(before).until)


def test_a_changed_policy_does_not_approve_what_was_rejected() -> None:
    claims, _ = run(group(registration(), account(is_named=True)))
    _, outcome = run(claims, T0 + days(1), Policy.model_validate({"named_accounts": "allow"}))
    assert (outcome.decisions, state(outcome).reason, codes(outcome)) == ((), "named_account", ["C17"])


def test_later_facts_do_not_undo_an_approval() -> None:
    claims, _ = run(group(registration()))
    worse = replace(
        with_filing(claims, registration(proof=None, first_contact_on=None, partner_id="P01")),
        accounts=(account(is_named=True, is_customer=True),),
        partners={"P01": replace(WYCH, status="suspended")},
    )
    _, outcome = run(worse, T0 + days(1))
    assert (outcome.decisions, state(outcome).application, codes(outcome)) == ((), APPROVED, [])


def test_a_waiting_claim_is_judged_again_before_it_is_promoted() -> None:
    claims, _ = run(group(registration("r1"), registration("r2", T0 + days(1), partner_id="P02")), T0 + days(2))
    claims = replace(claims, partners={"P01": WYCH, "P02": replace(WYCH, partner_id="P02", status="suspended")})
    _, outcome = run(claims, T0 + days(3))
    assert (state(outcome, "r2").application, state(outcome, "r2").reason) == (REJECTED, "partner_inactive")


def test_a_persons_word_stands_in_the_order_of_recording() -> None:
    claims, _ = run(group(registration(), account(is_named=True)))
    claims = replace(claims, decisions=(*claims.decisions, approved("r1", T0 + days(1))))
    claims, outcome = run(claims, T0 + days(1))
    assert (state(outcome).application, state(outcome).reason) == (APPROVED, "approved_by_person")
    claims = replace(claims, decisions=(*claims.decisions, rejected("r1", T0 + days(2))))
    claims, outcome = run(claims, T0 + days(2))
    assert (state(outcome).application, state(outcome).reason) == (REJECTED, "rejected_by_person")
    assert (state(outcome).until, stamp(outcome, "a1")["status"]) == (T0 + days(2), "ended")
    assert run(claims, T0 + days(300))[1].decisions == ()


def test_a_second_approval_does_not_move_the_end() -> None:
    claims = group(registration(), approved("r1", T0 - days(0)), approved("r1", T0 + days(30), name="lee"))
    _, outcome = run(claims, T0 + days(31))
    assert state(outcome).until == T0 + days(90)


# returned


def test_a_returned_filing_rests_until_one_of_its_fields_changes() -> None:
    incomplete = registration(proof=None, value=None)
    claims, _ = run(group(incomplete))
    touched = replace(incomplete, modified_at=T0 + days(1), timeline="Q1")
    claims2, outcome = run(with_filing(claims, touched), T0 + days(1))
    assert (outcome.decisions, state(outcome).application) == ((), RETURNED)
    half = replace(incomplete, proof="minutes", modified_at=T0 + days(2))
    claims3, outcome = run(with_filing(claims2, half), T0 + days(2))
    made = decision(outcome, DecisionKind.RETURNED)
    assert (made.evidence["missing"], made.effective_at) == (["value"], T0 + days(2))
    whole = registration(modified_at=T0 + days(3))
    _, outcome = run(with_filing(claims3, whole), T0 + days(4))
    assert (state(outcome).application, state(outcome).since) == (APPROVED, T0 + days(3))


def test_a_returned_filing_holds_no_place_until_it_comes_back() -> None:
    incomplete = registration("r1", proof=None)
    claims, outcome = run(group(incomplete, registration("r2", T0 + days(1), partner_id="P02")), T0 + days(2))
    assert state(outcome, "r2").application == APPROVED
    _, outcome = run(with_filing(claims, registration("r1", modified_at=T0 + days(5))), T0 + days(6))
    assert (state(outcome, "r1").application, state(outcome, "r1").behind) == (WAITING, state(outcome, "r2").ref)


def test_a_filing_that_came_back_only_to_be_rejected_held_no_place_in_between() -> None:
    claims, _ = run(group(registration("r1", proof=None), horizon=T0 + seconds(9)), T0 + seconds(9))
    stale = registration("r1", modified_at=T0 + days(1), first_contact_on=(T0 - days(300)).date())
    rival = registration("r2", T0 + timedelta(hours=1), partner_id="P02")
    claims = replace(with_filing(claims, stale, rival), companies=group(stale, rival).companies, horizon=T0 + days(2))
    _, outcome = run(claims, T0 + days(2))
    assert decision(outcome, DecisionKind.REJECTED).effective_at == T0 + days(1)
    assert state(outcome, "r2").since == T0 + timedelta(hours=1, seconds=2)


def test_a_returned_date_of_first_contact_is_answered_by_another_date() -> None:
    future = registration(first_contact_on=(T0 + days(9)).date())
    claims, _ = run(group(future))
    assert run(claims, T0 + days(20))[1].decisions == ()
    fixed = registration(modified_at=T0 + days(1))
    _, outcome = run(with_filing(claims, fixed), T0 + days(1))
    assert state(outcome).application == APPROVED


def test_a_returned_filing_taken_back_to_draft_is_a_draft_until_it_is_filed_again() -> None:
    claims, _ = run(group(registration(proof=None)))
    draft = registration(status=FiledStatus.DRAFT, modified_at=T0 + days(1))
    assert state(run(with_filing(claims, draft), T0 + days(1))[1]).application == "draft"


def test_a_person_may_return_and_any_later_change_answers() -> None:
    claims, _ = run(group(registration()), T0, Policy.model_validate({"approval": "manual"}))
    claims = replace(claims, decisions=(*claims.decisions, by_person(DecisionKind.RETURNED, "r1", T0 + days(1))))
    for modified in (T0, T0 + days(1)):
        _, outcome = run(with_filing(claims, registration(modified_at=modified)), T0 + days(2))
        assert (state(outcome).application, state(outcome).reason) == (RETURNED, "returned_by_person")
    _, outcome = run(with_filing(claims, registration(modified_at=T0 + days(3))), T0 + days(4))
    assert (state(outcome).application, state(outcome).since) == (APPROVED, T0 + days(3))


# withdrawn


def test_a_withdrawn_claim_frees_its_place_from_then_on() -> None:
    manual = Policy.model_validate({"approval": "manual"})
    claims, _ = run(group(registration("r1"), registration("r2", T0 + days(1), partner_id="P02")), T0 + days(2), manual)
    gone = registration("r1", status=FiledStatus.WITHDRAWN, modified_at=T0 + days(5))
    _, outcome = run(with_filing(claims, gone), T0 + days(6))
    assert (state(outcome, "r1").application, state(outcome, "r2").since) == (WITHDRAWN, T0 + days(5))
    assert decision(outcome, DecisionKind.WITHDRAWN).effective_at == T0 + days(5)
    assert stamp(outcome, "r1")["status"] == "withdrawn"


def test_a_withdrawn_protection_ends_for_good() -> None:
    claims, _ = run(group(registration("r1"), registration("r2", T0 + days(1), partner_id="P02")), T0 + days(2))
    gone = registration("r1", status=FiledStatus.WITHDRAWN, modified_at=T0 + days(5))
    claims, outcome = run(with_filing(claims, gone), T0 + days(6))
    assert (state(outcome, "r1").until, state(outcome, "r2").since) == (T0 + days(5), T0 + days(5))
    _, outcome = run(with_filing(claims, registration("r1", modified_at=T0 + days(7))), T0 + days(8))
    assert (state(outcome, "r1").application, outcome.decisions) == (WITHDRAWN, ())


def test_withdrawn_before_it_was_ever_protected_it_may_be_filed_again() -> None:
    gone = registration(status=FiledStatus.WITHDRAWN, modified_at=T0 + days(1))
    claims, _ = run(group(gone), T0 + days(2))
    _, outcome = run(with_filing(claims, registration(modified_at=T0 + days(3))), T0 + days(4))
    assert (state(outcome).application, state(outcome).since) == (APPROVED, T0 + days(3))


@pytest.mark.parametrize("received", [BEFORE, T0])
def test_withdrawing_what_is_over_or_rejected_or_old_changes_nothing(received: datetime) -> None:
    if received == BEFORE:
        claims, outcome = run(group(registration(received=BEFORE, status=FiledStatus.WITHDRAWN)), GO_LIVE + days(1))
        assert (kinds(outcome.decisions), state(outcome).application) == (["submitted"], WITHDRAWN)
        return
    claims, _ = run(group(registration()), T0 + days(100))
    gone = registration(status=FiledStatus.WITHDRAWN, modified_at=T0 + days(95))
    _, outcome = run(with_filing(claims, gone), T0 + days(101))
    assert (outcome.decisions, state(outcome).protection.value) == ((), "expired")
    claims, _ = run(group(registration(first_contact_on=(T0 - days(300)).date())))
    _, outcome = run(with_filing(claims, gone), T0 + days(101))
    assert (outcome.decisions, state(outcome).application) == ((), REJECTED)


# edits, numbers, visibility


def test_an_edit_after_approval_does_not_widen_the_protection() -> None:
    claims, _ = run(group(registration()))
    wider = registration(products=frozenset({"PLAN", "X"}), modified_at=T0 + days(1))
    rival = registration("r2", T0 + days(2), partner_id="P02", products=frozenset({"X"}))
    claims = replace(with_filing(claims, wider, rival), companies=group(wider, rival).companies)
    _, outcome = run(claims, T0 + days(3))
    assert state(outcome, "r2").application == APPROVED
    assert stamp(outcome, "r1")["status"] == "approved"
    assert state(outcome, "r1").products == frozenset({"PLAN"})


def test_a_number_is_the_sources_own_or_always_the_same() -> None:
    numbers = [state(decide(group(registration(number=n)), POLICY, T0)).number for n in ("A-1", None, " ", "")]
    assert numbers == ["A-1", "DR-QZCFPBTK", "DR-QZCFPBTK", "DR-QZCFPBTK"]


def test_without_full_sight_nothing_is_approved_by_itself() -> None:
    _, outcome = run(group(registration(), visible=False))
    assert (state(outcome).application, state(outcome).reason) == (REVIEW, "not_visible")
    _, outcome = run(group(registration(), opportunity(), visible=False))
    assert state(outcome).reason == "direct_engaged"


def test_manual_approval_waits_for_a_person() -> None:
    manual = Policy.model_validate({"approval": "manual"})
    claims, outcome = run(group(registration()), policy=manual)
    assert (state(outcome).application, state(outcome).reason) == (REVIEW, "needs_approval")
    claims = replace(claims, decisions=(*claims.decisions, approved("r1", T0 + days(2))))
    _, outcome = run(claims, T0 + days(2) + timedelta(hours=1), manual)
    assert (state(outcome).since, state(outcome).until) == (T0 + days(2), T0 + days(92))


def test_what_was_read_from_outside_the_group_is_told() -> None:
    outcome = decide(group(registration(), registration("r2", T0, partner_id="P99")), POLICY, T0)
    assert {t for t in outcome.topics if not t.startswith("policy:")} == {
        "partner:P01",
        "partner:P99",
        "user:mia.manager@vendor.example",
    }
