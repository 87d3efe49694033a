"""A person's decision: found, checked by policy, and recorded beside a running daemon in one short transaction."""

from __future__ import annotations

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.jobs.decide import gather, shared_facts
from syncd.jobs.work import Work
from syncd.model import Actor, ClaimGroup, Collision, Decision, DecisionKind, Protection, Ref, Stream
from syncd.policy import Options, act, appeal, approve, check_person, fields_in_source, reject, rule
from syncd.store import decisions, graph, outcomes, records
from syncd.store.outcomes import Claimed


def decide_on(work: Work, text: str, kind: DecisionKind, person: str, reason: str) -> Claimed:
    """Approve or reject the registration with this number, id or ref. Raises UserError when policy refuses."""
    with work.store.read() as tx:
        claimed = one_claim(tx, text)
    write_down = approve if kind is DecisionKind.APPROVED else reject
    made = write_down(claimed.state, Actor.person(person), work.clock.now(), work.policy, reason)
    _refuse_under_source(work, claimed.state.ref, kind)
    _record(work, made)
    return claimed


def rule_on(work: Work, collision_id: str, winner: str, person: str, reason: str) -> Collision:
    """Rule on a collision: `winner` is the ref, id or number of one of its two sides. Raises UserError."""
    with work.store.read() as tx:
        found = outcomes.find_collision(tx, collision_id)
        if found is None:
            raise UserError(f"There is no collision {collision_id}. `syncd collisions` lists them.")
        _, collision = found
        side = _side_of(tx, collision, winner)
    made = rule(collision, side, Actor.person(person), work.clock.now(), work.policy, reason)
    _record(work, made)
    return collision


def act_on(
    work: Work, text: str, kind: DecisionKind, person: str, reason: str, options: Options | None = None
) -> tuple[Claimed, Decision]:
    """Do one of the acts of docs/rulings.md 9 to a registration. Raises UserError when policy refuses.

    What is written down, such as the new end, is computed from the claim as it stands when nobody else decides.
    """
    now = work.clock.now()
    with work.store.append() as tx:
        decisions.alone(tx)
        claimed = one_claim(tx, text)
        if claimed.state.protection is not Protection.SUSPENDED:
            _refuse_under_source(work, claimed.state.ref, kind)
        group = gather(work, tx, shared_facts(work, tx), [claimed.organization])[claimed.organization]
        made = act(kind, claimed.state.ref, Actor.person(person), now, group, work.policy, reason, options)
        _checked(tx, work, group, made)
        graph.mark_dirty(tx, [claimed.organization])
    return claimed, made


def appeal_on(work: Work, collision_id: str, person: str, reason: str) -> Collision:
    """Appeal against how a collision was decided. Raises UserError when it cannot be appealed any more."""
    with work.store.read() as tx:
        found = outcomes.find_collision(tx, collision_id)
    if found is None:
        raise UserError(f"There is no collision {collision_id}. `syncd collisions` lists them.")
    _record(work, appeal(found[1], Actor.person(person), work.clock.now(), work.policy, reason))
    return found[1]


def judge(work: Work, left: str, right: str, kind: DecisionKind, person: str, reason: str) -> tuple[Ref, Ref]:
    """Say that two accounts are the same organization, different ones, or that you cannot tell."""
    with work.store.read() as tx:
        pair = (one_account(tx, left), one_account(tx, right))
    if pair[0] == pair[1]:
        raise UserError("Both name the same record.")
    now = work.clock.now()
    made = Decision(
        kind=kind, subject=pair[0], actor=Actor.person(person), at=now, effective_at=now,
        policy_version=work.policy_version, rule="person", reason=reason, other=pair[1],
    )  # fmt: skip
    with work.store.append() as tx:
        decisions.by_person(tx, made, None, work.clock.now(), work.ledger_key)
    return pair


def one_claim(tx: sa.Connection, text: str) -> Claimed:
    """The one registration that `text` names. Raises UserError when there is none or more than one."""
    found = outcomes.find_claims(tx, text)
    if not found:
        raise UserError(f"There is no registration {text}. `syncd registrations` lists them with their numbers.")
    if len(found) > 1:
        refs = ", ".join(str(item.state.ref) for item in found)
        raise UserError(f"{text} names several registrations: {refs}. Give one of these.")
    return found[0]


def one_account(tx: sa.Connection, text: str) -> Ref:
    """The one account or filed company that `text` names by id or ref. Raises UserError."""
    refs = [Ref.parse(text)] if text.count("/") >= 2 else records.find_id(tx, text)
    known = [ref for ref, *_ in graph.get_parsed(tx, refs)] if refs else []
    if len(known) != 1:
        what = "names no account" if not known else "names several accounts: " + ", ".join(map(str, known))
        raise UserError(f"{text} {what}. Give its id, or its ref as `syncd why` prints it.")
    return known[0]


def _side_of(tx: sa.Connection, collision: Collision, winner: str) -> Ref:
    sides = (collision.registration, collision.other)
    for ref in sides:
        if winner in (str(ref), ref.id):
            return ref
    numbers = {c.state.ref for c in outcomes.find_claims(tx, winner)}
    for ref in sides:
        if ref in numbers:
            return ref
    raise UserError(f"{winner} is no side of {collision.id}. Its sides are {sides[0]} and {sides[1]}.")


def _refuse_under_source(work: Work, ref: Ref, kind: DecisionKind) -> None:
    side = work.side(ref.connection)
    if side.authority != "source" or kind in _UNDER_BOTH:
        return
    mapping = side.streams[Stream.REGISTRATIONS]
    named = [field for name in fields_in_source(kind) for field in mapping.natives(name) or (name,)]
    raise UserError(
        f"{side.name} has `authority: source`: its own decisions count. Change {' and '.join(named)} of {ref.id} "
        f"there; the next sync adopts it. (`syncd {_COMMAND[kind]}` works with `authority: syncd`.)"
    )


_UNDER_BOTH = (DecisionKind.EXEMPTED, DecisionKind.SUSPENDED)
_COMMAND = {
    DecisionKind.APPROVED: "approve",
    DecisionKind.REJECTED: "reject",
    DecisionKind.RETURNED: "return",
    DecisionKind.EXTENDED: "extend",
    DecisionKind.DENIED: "extend",
    DecisionKind.WITHDRAWN: "withdraw",
    DecisionKind.TRANSFERRED: "transfer",
    DecisionKind.REVOKED: "revoke",
    DecisionKind.RELEASED: "release",
    DecisionKind.REINSTATED: "reinstate",
}


def _record(work: Work, made: Decision) -> None:
    with work.store.append() as tx:
        decisions.alone(tx)
        # linking may have moved it while we waited for the lock
        organization = one_claim(tx, str(made.subject)).organization
        group = gather(work, tx, shared_facts(work, tx), [organization])[organization]
        _checked(tx, work, group, made)
        graph.mark_dirty(tx, [organization])


def _checked(tx: sa.Connection, work: Work, group: ClaimGroup, made: Decision) -> None:
    if work.policy_missing:
        raise UserError(work.policy_held)
    refusals = check_person(group, work.policy, made.at, made)
    if refusals:
        raise UserError("\n".join(refusals))
    decisions.by_person(tx, made, None, made.at, work.ledger_key)
