"""What people may decide, checked before it is recorded, and how their decisions are written (docs/rulings.md 9)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from syncd.model import (
    Actor,
    Application,
    ClaimGroup,
    Collision,
    Decision,
    DecisionKind,
    Outcome,
    Protection,
    Ref,
    RegistrationState,
)
from syncd.policy.acts import ACTS, check_act, extended, reinstated, source_refusal
from syncd.policy.book import Book, Filing
from syncd.policy.decide import decide
from syncd.policy.desk import refusals
from syncd.policy.disputes import appeal_refusals, ruler_refusals
from syncd.policy.explain import day
from syncd.policy.protection import window
from syncd.policy.schema import Policy, version_of
from syncd.policy.scope import meets


def check_person(group: ClaimGroup, policy: Policy, now: datetime, decision: Decision) -> list[str]:
    """Why a person's decision cannot be recorded, in words; an empty list when it can.

    The group is first decided at `now`, so that what the rules would do by then counts.
    """
    outcome = decide(group, policy, now)
    decided = replace(group, decisions=(*group.decisions, *outcome.decisions))
    book = Book(decided, policy, now)
    filing = book.by_ref.get(decision.subject)
    if filing is None:
        return [f"There is no registration {decision.subject} here."]
    states = {s.ref: s for s in outcome.states}
    if refused := _of_the_desk(decision, filing, book):
        return refused
    if decision.kind is DecisionKind.RULED:
        return _ruling(decision, filing, book, outcome, states)
    if decision.kind is DecisionKind.APPEALED:
        return _appealing(decision, filing, book, outcome)
    if decision.kind in ACTS:
        return check_act(decision, filing, states, book, Book(group, policy, now).by_ref[decision.subject])
    if decision.kind not in (DecisionKind.APPROVED, DecisionKind.REJECTED):
        return [f"`{decision.kind.value}` is not for a person to decide."]
    if filing.source_decides:
        return [source_refusal(filing.number, decision.kind)]
    if decision.kind is DecisionKind.REJECTED:
        return _rejection(filing, states[filing.ref])
    return _approval(filing, states[filing.ref]) or _room(filing, decision.effective_at, book, frozenset())


def approve(state: RegistrationState, actor: Actor, at: datetime, policy: Policy, reason: str = "") -> Decision:
    """A person's approval, to be checked with `check_person` and recorded."""
    return _by_person(DecisionKind.APPROVED, state.ref, actor, at, policy, reason)


def reject(state: RegistrationState, actor: Actor, at: datetime, policy: Policy, reason: str = "") -> Decision:
    """A person's rejection; of an approved registration it ends the protection."""
    return _by_person(DecisionKind.REJECTED, state.ref, actor, at, policy, reason)


@dataclass(frozen=True, slots=True)
class Options:
    """What an act names beside its registration: days, when it was asked for, the new partner, the rule, the proof."""

    days: int | None = None
    asked_at: datetime | None = None
    to: str = ""
    rule: str = ""
    document: str = ""


def act(
    kind: DecisionKind, ref: Ref, actor: Actor, at: datetime, group: ClaimGroup, policy: Policy, reason: str = "",
    options: Options | None = None,
) -> Decision:  # fmt: skip
    """A person's act on one registration (docs/rulings.md 9), to be checked with `check_person` and recorded."""
    given = options or Options()
    made = _by_person(kind, ref, actor, at, policy, reason)
    book = Book(group, policy, at)
    filing = book.by_ref.get(ref)
    evidence: dict[str, Any] = {"document": given.document} if given.document else {}
    if kind is DecisionKind.TRANSFERRED:
        evidence |= {"to": given.to, "from": filing.registration.partner_id if filing else None}
    elif kind is DecisionKind.EXEMPTED:
        evidence |= {"rule": given.rule}
    elif kind is DecisionKind.RETURNED:
        evidence |= {"questions": reason}
    elif kind is DecisionKind.EXTENDED and filing is not None:
        evidence |= extended(filing, at, given.days, given.asked_at, book)
    elif kind is DecisionKind.REINSTATED and filing is not None:
        evidence |= reinstated(filing, at, given.days, book)
    return replace(made, evidence=evidence)


def appeal(collision: Collision, actor: Actor, at: datetime, policy: Policy, reason: str = "") -> Decision:
    """An appeal against how a collision was decided; somebody else rules on it, and that is final."""
    made = _by_person(DecisionKind.APPEALED, collision.registration, actor, at, policy, reason)
    stood = {"stood": str(collision.winner)} if collision.winner is not None else {}
    return replace(made, evidence={"collision": collision.id, "against": str(collision.other), **stood})


def rule(collision: Collision, winner: Ref, actor: Actor, at: datetime, policy: Policy, reason: str = "") -> Decision:
    """A person's ruling on a collision; what it means for both sides is decided from it."""
    made = _by_person(DecisionKind.RULED, collision.registration, actor, at, policy, reason)
    evidence = {"collision": collision.id, "code": collision.code.value, "against": str(collision.other)}
    return replace(made, other=winner, evidence=evidence)


def _by_person(kind: DecisionKind, ref: Ref, actor: Actor, at: datetime, policy: Policy, reason: str) -> Decision:
    return Decision(
        kind=kind,
        subject=ref,
        actor=actor,
        at=at,
        effective_at=at,
        policy_version=version_of(policy),
        rule="person",
        reason=reason,
    )


def _of_the_desk(decision: Decision, filing: Filing, book: Book) -> list[str]:
    """Nobody decides in favour of what they filed themselves, and only approvers decide (DESIGN 8)."""
    favoured = book.by_ref.get(decision.other) if decision.kind is DecisionKind.RULED and decision.other else filing
    submitter = favoured.registration.submitter if favoured is not None else None
    return refusals(decision.actor.name, decision.kind, submitter, (favoured or filing).number, book.policy)


def _rejection(filing: Filing, state: RegistrationState) -> list[str]:
    if state.application is Application.DRAFT:
        return [f"{filing.number} is a draft; there is nothing to reject yet."]
    if state.application is Application.REJECTED:
        return [f"{filing.number} is rejected already."]
    if state.application is Application.WITHDRAWN:
        return [f"{filing.number} was withdrawn by the partner."]
    if state.protection is Protection.EXPIRED:
        return [f"The protection of {filing.number} ended on {day(state.until)}; there is nothing to take back."]
    return []


def _approval(filing: Filing, state: RegistrationState) -> list[str]:
    number = filing.number
    if state.application is Application.DRAFT:
        return [f"{number} is a draft; the partner has not filed it."]
    if filing.withdrawn:
        return [f"{number} was withdrawn by the partner, who has to file it again."]
    if state.protection is Protection.EXPIRED and state.application is Application.APPROVED:
        return [f"The protection of {number} ended on {day(state.until)}; the partner has to file again."]
    if filing.standing.approved:
        until = f" and protected until {day(state.until)}" if state.until else ""
        return [f"{number} is approved already{until}."]
    if filing.unsure:
        return [f"Say first which account {number} is about{_how_to_say(filing)}; then approve it."]
    if filing.partner is None:
        return [f"The partner of {number} is not known, so there is nobody to protect; add the partner first."]
    return []


def _how_to_say(filing: Filing) -> str:
    best = filing.company.best if filing.company else None
    if best is None:
        return ""
    return f": `syncd same {best.left} {best.right}`, or `syncd different {best.left} {best.right}`"


def _room(filing: Filing, at: datetime, book: Book, giving_way: frozenset[Ref]) -> list[str]:
    """Is nobody else's protection in the way, and is there any time left to protect?"""
    reasons = []
    for other in book.filings:
        held = other.standing.grant
        if other is filing or held is None or other.ref in giving_way or held.end <= at:
            continue
        if meets(held.products, filing.scope):
            partner = other.partner.name if other.partner else "Another partner"
            reasons.append(
                f"{partner} holds the same products until {day(held.end)} ({other.number}); "
                "two protections cannot stand side by side. End that one first, or rule on their collision."
            )
    if not reasons and window(filing, at, book)[1] <= at:
        reasons.append(
            f"Counted from the filing, the protection of {filing.number} would be over already; ask for a new filing."
        )
    return reasons


def _ruling(
    decision: Decision, filing: Filing, book: Book, outcome: Outcome, states: dict[Ref, RegistrationState]
) -> list[str]:
    id_ = decision.evidence.get("collision")
    collision = next((c for c in outcome.collisions if c.id == id_ and c.registration == filing.ref), None)
    if collision is None:
        return [f"There is no collision {id_} of {filing.number}; `syncd collisions` lists those that can be ruled."]
    if decision.other not in (collision.registration, collision.other):
        sides = f"{collision.registration} or {collision.other}"
        return [f"The winner must be one of the two sides: {sides}."]
    if refused := ruler_refusals(collision, decision.actor, book):
        return refused
    winner = book.by_ref.get(decision.other)
    if winner is None or winner.standing.approved:
        return []
    loser = collision.other if decision.other == collision.registration else collision.registration
    return _approval(winner, states[winner.ref]) or _room(winner, decision.effective_at, book, frozenset({loser}))


def _appealing(decision: Decision, filing: Filing, book: Book, outcome: Outcome) -> list[str]:
    id_ = decision.evidence.get("collision")
    collision = next((c for c in outcome.collisions if c.id == id_ and c.registration == filing.ref), None)
    if collision is None:
        return [f"There is no collision {id_} of {filing.number}; `syncd collisions` lists those that can be appealed."]
    return appeal_refusals(collision, decision, book)
