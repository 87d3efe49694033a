"""Pre-check: a partner asks if a deal could be registered; limited, logged, and answered after the same time always."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.jobs.decide import Shared, gather, shared_facts
from syncd.jobs.frozen import in_force, thresholds_of
from syncd.jobs.search import StorePostings, stored_edges
from syncd.jobs.work import Work
from syncd.matching import Parsed, keys, parse
from syncd.matching.neighbours import across
from syncd.model import (
    Account,
    Actor,
    Band,
    ClaimGroup,
    Decision,
    DecisionKind,
    FiledCompany,
    Link,
    Ref,
    Registration,
)
from syncd.policy.precheck import DAY, Answer, Prechecked, answer_at, precheck, refused_until
from syncd.store import decisions, graph, records

ASKED = Ref("syncd", "precheck", "asked")
"""Stands for the company that is asked about, and for the registration that it might become."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a partner asks about: a company as a form has it, the products and the country of the deal."""

    partner: str
    company: Account
    products: frozenset[str] = frozenset()
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What the partner reads, and nothing else; `left` are the questions that it may still ask today."""

    answer: Answer
    text: str
    at: datetime
    left: int


def ask(work: Work, question: Question) -> Answered:
    """Answer a partner, and log it. Raises UserError where the policy has no pre-check, or the partner's are used up.

    The answer is held back until a fixed time after the question, so that how long it took tells nothing.
    """
    began, most = work.clock.now(), work.policy.precheck.per_day
    if not most:
        raise UserError("The policy has no pre-check; set `precheck: {per_day: 20}` to allow it.")
    with work.store.read() as tx:
        shared = shared_facts(work, tx)
        found = _found(work, tx, shared, question, began)
    with work.store.append() as tx:
        decisions.alone(tx)
        used = _used(tx, question.partner, began)
        again = refused_until(used, work.policy, began)
        if again is not None:
            raise UserError(
                f"{question.partner} has asked {most} times in 24 hours; again from {again:%Y-%m-%d %H:%MZ}."
            )
        _log(work, tx, question, found, began)
    out = answer_at(began, work.clock.now(), work.policy)
    work.clock.wait((out - work.clock.now()).total_seconds())
    return Answered(found.answer, found.answer.words, out, most - len(used) - 1)


def _found(work: Work, tx: sa.Connection, shared: Shared, question: Question, now: datetime) -> Prechecked:
    if question.partner not in shared.partners:
        raise UserError(f"There is no partner {question.partner}. `syncd partners` lists their keys.")
    near, best = _linked(work, tx, question.company)
    group = _group(work, tx, shared, near)
    filed = Registration(
        ref=ASKED, partner_id=question.partner, company_id=ASKED.id, products=question.products,
        country=question.country or question.company.country,
    )  # fmt: skip
    return precheck(group, filed, FiledCompany(question.company, best), work.policy, now)


def _group(work: Work, tx: sa.Connection, shared: Shared, near: Sequence[Ref]) -> ClaimGroup:
    """Everything that the accounts which are this company bring with them, as one group."""
    numbers = set(graph.membership(tx, near).values())
    members = {*near, *graph.members_of_all(tx, sorted(numbers))}
    return gather(work, tx, shared, [0], dict.fromkeys(members, 0))[0]


def _linked(work: Work, tx: sa.Connection, company: Account) -> tuple[list[Ref], Link | None]:
    """The accounts that are the same organization, and the best link to an account of a direct CRM."""
    frozen = in_force(tx)
    if frozen is None:
        return [], None
    linker, record, postings = frozen.linker(thresholds_of(work)), parse(company), StorePostings(tx, frozen.rarity)
    near = [one.ref for one in across(record, postings)] + postings.alike("filed", keys(record), record.ref)
    others = [Parsed.from_json(content) for _, _, content in graph.get_parsed(tx, sorted(set(near)))]
    edges = [*stored_edges(tx, [other.ref for other in others]), *linker.edges_of(record, others)]
    roles = graph.roles(tx, sorted({ref for edge in edges for ref in (edge.a, edge.b)}))
    said = decisions.judgements(tx, records.aliases(tx))
    judged = {pair: word for pair, word in said.items() if all(ref in roles for ref in pair)}
    decided = linker.decide(edges, lambda ref: roles.get(ref, "filed"), judged)
    same = next((group for group in decided.groups if record.ref in group), frozenset({record.ref}))
    return sorted(same - {record.ref}), _best(decided.links, record.ref, roles)


def _best(links: Sequence[Link], ref: Ref, roles: Mapping[Ref, str]) -> Link | None:
    mine = [
        link for link in links
        if link.left == ref and roles.get(link.right) == "direct" and link.band is not Band.NONE
        and not link.is_same_group
    ]  # fmt: skip
    return max(mine, key=lambda link: (link.band is Band.AUTO, link.score, link.right), default=None)


def _subject(partner: str) -> Ref:
    return Ref("syncd", "precheck", partner)


def _used(tx: sa.Connection, partner: str, now: datetime) -> list[datetime]:
    return decisions.made_since(tx, _subject(partner), DecisionKind.PRECHECKED, now - DAY)


def _log(work: Work, tx: sa.Connection, question: Question, found: Prechecked, now: datetime) -> None:
    made = Decision(
        kind=DecisionKind.PRECHECKED, subject=_subject(question.partner), actor=Actor("partner", question.partner),
        at=now, effective_at=now, policy_version=work.policy_version, rule="precheck",
        reason=question.company.name or "",
        evidence={
            "answer": found.answer.value, "application": found.application.value, "because": found.reason,
            "products": sorted(question.products), "country": question.country,
        },
    )  # fmt: skip
    decisions.by_person(tx, made, None, now, work.ledger_key)
