"""What the second implementation found (docs/evidence/brute-force.md), each as a small case of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from syncd.model import (
    Activity,
    Actor,
    ClaimGroup,
    DecisionKind,
    FiledStatus,
    Opportunity,
    Ref,
    Registration,
    Version,
)
from syncd.policy import Policy, check_person, decide, rule

from .factories import (
    APPROVED,
    DIRECT,
    LARK,
    PRM,
    REJECTED,
    RETURNED,
    REVIEW,
    T0,
    WAITING,
    by_person,
    codes,
    collision,
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
SHORT = Policy.model_validate({"protection": {"days": 3}})


def edited(claims: ClaimGroup, id_: str, at: datetime, **changes: Any) -> ClaimGroup:
    """The group after the source changed a filing."""
    found = tuple(
        replace(r, modified_at=at, **changes) if r.ref.id == id_ else r for r in claims.registrations
    )  # fmt: skip
    return replace(claims, registrations=found)


def ruled(claims: ClaimGroup, winner: str, at: datetime, policy: Policy) -> ClaimGroup:
    """A person rules on the only collision."""
    (met,) = decide(claims, policy, at).collisions
    made = rule(met, Ref(PRM, "deal", winner), KIM, at, policy)
    assert check_person(claims, policy, at, made) == []
    return replace(claims, decisions=(*claims.decisions, replace(made, seq=len(claims.decisions))))


def test_C06_who_waits_behind_a_later_filing_follows_it_in_the_same_cycle() -> None:
    """The tie rule puts the later one first; nobody looked until both protections were over."""
    policy = Policy.model_validate({"tie_rules": ["more_complete"], "required": ["company.name"]})
    poor = registration("r1", competition=None)
    rich = registration("r2", T0 + seconds(1), partner_id="P02")
    claims, first = run(group(poor, rich), T0 + days(100), policy)
    assert (state(first, "r1").since, state(first, "r1").application) == (state(first, "r2").until, APPROVED)
    assert decide(claims, policy, T0 + days(100)).decisions == ()


def test_C06_a_tie_shows_the_same_in_the_cycle_in_which_it_is_decided_and_after_it() -> None:
    policy = Policy.model_validate({"tie_rules": ["more_complete"], "required": ["company.name"]})
    poor = registration("r1", competition=None)
    rich = registration("r2", T0 + seconds(1), partner_id="P02")
    claims, first = run(group(poor, rich), T0 + days(1), policy)
    assert decide(claims, policy, T0 + days(1)).collisions == first.collisions


def test_C07_an_old_ruling_takes_nothing_from_who_follows_in_line() -> None:
    claims, _ = run(
        group(registration("r1"), registration("r2", T0 + seconds(1), partner_id="P02")), T0 + days(1), SHORT
    )
    claims, _ = run(ruled(claims, "r2", T0 + days(1), SHORT), T0 + days(1), SHORT)
    for day in (5, 6):
        claims, outcome = run(claims, T0 + days(day), SHORT)
        assert (state(outcome, "r1").application, state(outcome, "r1").since) == (APPROVED, T0 + days(4))


def test_C01_an_old_ruling_brings_back_nothing_that_was_withdrawn_since() -> None:
    claims, _ = run(group(registration("r1"), registration("r2", T0 + seconds(60))), T0 + days(1))
    claims, _ = run(ruled(claims, "r1", T0 + days(1), Policy()), T0 + days(1))
    claims = edited(claims, "r1", T0 + days(2), status=FiledStatus.WITHDRAWN)
    for day in (3, 4):
        claims, outcome = run(claims, T0 + days(day))
        assert state(outcome, "r1").application == "withdrawn"
        assert state(outcome, "r1").until == T0 + days(2)


def test_C01_nobody_rules_for_a_filing_that_was_withdrawn() -> None:
    claims, _ = run(group(registration("r1"), registration("r2", T0 + seconds(60))), T0 + days(1))
    claims, outcome = run(edited(claims, "r2", T0 + days(2), status=FiledStatus.WITHDRAWN), T0 + days(3))
    made = rule(collision(outcome, "C01"), Ref(PRM, "deal", "r2"), KIM, T0 + days(3), Policy())
    assert "withdrawn" in " ".join(check_person(claims, Policy(), T0 + days(3), made))


def test_C00_a_deal_in_another_country_is_not_this_registrations_own() -> None:
    policy = Policy.model_validate({"territory": "country"})
    deal = opportunity("o1", T0 + days(1), lead_source="Partner", country="FR")
    _, outcome = run(group(registration(), deal), T0 + days(2), policy)
    assert stamp(outcome, "o1")["status"] is None
    _, outcome = run(group(registration(), replace(deal, country="GB")), T0 + days(2), policy)
    assert stamp(outcome, "o1")["status"] == "protected"


def test_C00_a_draft_status_after_the_approval_takes_no_own_deal_away() -> None:
    deal = opportunity("o1", T0 + days(1), lead_source="Partner")
    claims, _ = run(group(registration(), deal), T0 + days(2))
    _, outcome = run(edited(claims, "r1", T0 + days(3), status=FiledStatus.DRAFT), T0 + days(3))
    assert stamp(outcome, "o1")["status"] == "protected"


def test_C11_contact_on_a_deal_that_was_marked_as_a_partners_later_counts() -> None:
    policy = Policy.model_validate({"direct": {"contact_days": 20, "dormant_after_days": 7}})
    then = opportunity("o1", T0 - days(300))
    now = replace(then, partner_name=LARK.name)
    call = Activity(Ref(DIRECT, "Task", "t1"), "a1", "o1", is_human=True, is_two_way=True,
                    happened_at=T0 - days(19), created_at=T0 - days(19))  # fmt: skip
    claims = group(registration(), now, activities={now.ref: (call,)})
    claims = replace(claims, past={now.ref: (Version(T0 - days(300), then), Version(T0 + days(1), now))})
    outcome = decide(claims, policy, T0 + days(2))
    assert (state(outcome).reason, codes(outcome)) == ("direct_engaged", ["C11"])


def test_what_was_opened_after_the_filing_is_not_one_record_too_many() -> None:
    """Awake or asleep when they were opened: the same."""
    policy = Policy.model_validate({"max_records_per_registration": 2})
    before = opportunity("o0", T0 - days(300))
    later = [opportunity(f"o{i}", T0 + days(1)) for i in range(1, 4)]
    _, asleep = run(group(registration(), before, *later), T0 + days(2), policy)
    assert state(asleep).application == APPROVED
    more = [opportunity(f"m{i}", T0 - days(300)) for i in range(2)]
    _, outcome = run(group(registration(), before, *more), T0 + days(2), policy)
    assert (state(outcome).application, state(outcome).reason) == (REVIEW, "too_many_records")


def test_C53_an_activity_that_was_dated_back_is_named_and_adds_nothing() -> None:
    dormant = opportunity("o1", T0 - days(300))
    made_up = Activity(
        Ref(DIRECT, "Task", "t1"), "a1", "o1", happened_at=T0 - days(2), created_at=T0 + days(20)
    )  # fmt: skip
    outcome = decide(group(registration(), dormant, activities={dormant.ref: (made_up,)}), Policy(), T0 + days(21))
    assert (state(outcome).application, codes(outcome)) == (APPROVED, ["C53"])


def test_C53_a_deal_that_is_a_partners_now_hides_no_other_one() -> None:
    gone = opportunity("o0", T0 - days(20))
    stands = opportunity("o1", T0 - days(10))
    marked = replace(gone, partner_name=LARK.name)
    claims = group(registration(connection="source-prm", status=FiledStatus.APPROVED), marked, stands,
                   authority={"source-prm": "source"})  # fmt: skip
    claims = replace(claims, past={
        gone.ref: (Version(T0 - days(20), gone), Version(T0 + days(1), marked)),
        stands.ref: (Version(T0 - days(10), stands), Version(T0 + days(1), replace(stands, name="Renamed"))),
    })  # fmt: skip
    assert "C53" not in codes(decide(claims, Policy(), T0 + days(2)))


def test_an_edit_while_it_waits_moves_no_start() -> None:
    """Returned, answered, in line; edited again; then the way is free since before that edit."""
    claims, _ = run(group(registration("r1", partner_id="P02"), registration("r2", T0 + seconds(60), proof=None)),
                    T0 + seconds(70), SHORT)  # fmt: skip
    claims, outcome = run(edited(claims, "r2", T0 + days(1), proof="minutes"), T0 + days(1), SHORT)
    assert state(outcome, "r2").application == WAITING
    claims, outcome = run(edited(claims, "r2", T0 + days(8), next_steps="call"), T0 + days(9), SHORT)
    assert state(outcome, "r2").since == state(outcome, "r1").until


def test_C01_what_was_over_when_it_was_approved_stood_until_then() -> None:
    """Three days from the filing, and ten days in line: awake or asleep, the same partner's next filing repeats it."""
    policy = Policy.model_validate({"protection": {"days": 3, "starts": "received"}})
    rival = registration("r0", T0 - seconds(60), partner_id="P02", connection="source-prm")
    filings = (rival, registration("r1"), registration("r2", T0 + days(9)))
    claims = group(*filings, authority={PRM: "syncd", "source-prm": "source"})
    gone = edited(claims, "r0", T0 + days(10), status=FiledStatus.WITHDRAWN)
    awake, _ = run(claims, T0 + days(9.5), policy)
    ends = [run(replace(gone, decisions=said), T0 + days(12), policy)[1] for said in (awake.decisions, ())]
    assert [state(outcome, "r2").reason for outcome in ends] == ["duplicate", "duplicate"]
    assert [state(outcome, "r1").protection for outcome in ends] == ["expired", "expired"]


def test_C53_is_not_told_of_what_was_adopted_before_go_live() -> None:
    deal = opportunity("o1", T0 - days(300))
    woken = replace(deal, last_activity_on=T0.date())
    early = registration(received=datetime(2025, 12, 29, tzinfo=T0.tzinfo), status=FiledStatus.APPROVED,
                         protected_until=T0 + days(90))  # fmt: skip
    claims = replace(group(early, woken), past={deal.ref: (Version(T0 - days(300), deal), Version(T0, woken))})
    assert codes(decide(claims, Policy(), T0 + days(1))) == []


def test_an_answer_after_the_refusal_brings_no_place_back() -> None:
    claims, _ = run(group(registration("r1", proof=None)), T0 + days(1))
    claims, _ = run(replace(claims, decisions=(*claims.decisions, rejected("r1", T0 + days(2)))), T0 + days(2))
    claims = edited(claims, "r1", T0 + days(3), proof="minutes")
    late = registration("r2", T0 + seconds(60))
    more = replace(
        claims, registrations=(*claims.registrations, late), companies=group(registration("r1"), late).companies
    )
    _, outcome = run(more, T0 + days(4))
    assert (state(outcome, "r1").application, state(outcome, "r2").application) == (REJECTED, APPROVED)


def test_a_late_claim_of_an_unknown_partner_opens_a_dispute() -> None:
    claims, _ = run(group(registration("r1")), T0 + days(1))
    late = registration("r0", T0 - days(1), partner_id="P77")
    more = replace(
        claims, registrations=(*claims.registrations, late), companies=group(registration("r1"), late).companies
    )
    _, outcome = run(more, T0 + days(2))
    assert (state(outcome, "r0").application, state(outcome, "r1").application) == (REVIEW, APPROVED)
    asked = collision(outcome, "C07")
    assert (asked.state, asked.rule, asked.registration.id) == ("open", "late_fact", "r1")


def test_C06_a_tie_whose_other_side_was_sent_back_asks_nobody() -> None:
    claims, _ = run(group(registration("r1"), registration("r2", partner_id="P02")), T0 + days(1))
    back = by_person(DecisionKind.RETURNED, "r2", T0 + days(2), evidence={"questions": "who?"})
    claims, outcome = run(replace(claims, decisions=(*claims.decisions, back)), T0 + days(2))
    assert (state(outcome, "r2").application, state(outcome, "r1").since) == (RETURNED, T0 + days(2))
    assert not [c for c in outcome.collisions if c.state == "open"]


def test_C03_a_persons_approval_decides_the_meeting_with_what_ended_before() -> None:
    policy = Policy.model_validate({"approval": "manual", "protection": {"days": 3}})
    claims = group(registration("r1"), registration("r2", T0 + seconds(60), partner_id="P02"))
    claims, _ = run(claims, T0 + days(1), policy)
    for id_, day in (("r1", 1), ("r2", 5)):
        made = by_person(DecisionKind.APPROVED, id_, T0 + days(day), seq=len(claims.decisions))
        claims, outcome = run(replace(claims, decisions=(*claims.decisions, made)), T0 + days(day), policy)
    (met,) = outcome.collisions
    assert (met.state, met.rule, met.winner) == ("ruled", "person:kim", Ref(PRM, "deal", "r2"))


def test_C07_what_the_source_refused_was_decided_by_the_source() -> None:
    sent: Registration = registration("r2", T0 + seconds(60), connection="source-prm", status=FiledStatus.REJECTED,
                                      partner_id="P02")  # fmt: skip
    claims = group(registration("r1"), sent, authority={PRM: "syncd", "source-prm": "source"})
    (met,) = run(claims, T0 + days(1))[1].collisions
    assert (met.rule, met.winner) == ("source_decides", Ref(PRM, "deal", "r1"))


def test_C08_an_unsure_deal_is_not_said_to_have_been_active() -> None:
    deal: Opportunity = opportunity("o1", T0 - days(300), last_activity_on=date(2026, 6, 3))
    outcome = decide(group(registration(), deal), Policy(), T0 + days(3))
    sentence = collision(outcome, "C08").sentence
    assert "if anybody was active then is not known" in sentence
    assert "open and active" not in sentence


def test_a_contact_too_old_is_told_in_days() -> None:
    outcome = decide(group(registration(first_contact_on=date(2026, 1, 1))), Policy(), T0 + days(1))
    assert state(outcome).detail.endswith("It was 151 days before; 90 are allowed.")
    assert kinds(outcome.decisions) == ["submitted", "rejected"]
