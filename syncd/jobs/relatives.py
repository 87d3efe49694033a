"""Relatives: what the companies of one group have to do with each other's claims, as the policy's `family` says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from syncd.jobs.families import family_of, owners_of
from syncd.jobs.work import Work
from syncd.mapping import Mapped
from syncd.model import Account, ClaimGroup, FiledStatus, Ref, Registration, Relative, Stream
from syncd.policy.claim_terms import Family as Treated
from syncd.store import graph, outcomes, records


@dataclass(frozen=True, slots=True)
class Joined:
    """Organizations that are decided about as one: `root` of each, their accounts by root, and the roots of families
    that are too large for that and stay apart."""

    root: Mapping[int, int]
    members: Mapping[Ref, int]
    too_large: frozenset[int] = field(default_factory=frozenset)


def joined(work: Work, tx: sa.Connection, numbers: Sequence[int], members: Mapping[Ref, int] | None = None) -> Joined:
    """These organizations with the families they belong to; each for itself unless the policy decides about families.

    The organization with the lowest number answers for its family, so that it does not matter which one is asked for.
    Accounts that nobody filed about belong to it too. `members` are the accounts of one that the store does not have.
    """
    if members is not None:
        return Joined({n: n for n in numbers}, _with_family(work, tx, members))
    if work.policy.family is not Treated.TOGETHER:
        return Joined({n: n for n in numbers}, graph.members_of_all(tx, numbers))
    direct = {side.uid for side in work.sides if side.role == "direct"}
    root: dict[int, int] = {}
    found: dict[Ref, int] = {}
    too_large: set[int] = set()
    for number in sorted(set(numbers)):
        if number in root:
            continue
        own = graph.members_of(tx, number)
        family = owners_of(tx, own)
        accounts = {ref for ref in family.accounts if ref.connection in direct}
        if not family.complete or len(accounts) > work.policy.family_most:
            too_large.add(number)
            root[number] = number
            found |= dict.fromkeys(own, number)
            continue
        root |= dict.fromkeys(family.organizations | {number}, min(family.organizations | {number}))
        everyone = {*accounts, *graph.members_of_all(tx, family.organizations)}
        found |= dict.fromkeys(everyone, root[number])
    return Joined(root, found, frozenset(too_large))


def _with_family(work: Work, tx: sa.Connection, members: Mapping[Ref, int]) -> dict[Ref, int]:
    if work.policy.family is not Treated.TOGETHER or not members:
        return dict(members)
    family = owners_of(tx, members)
    others = {*family.accounts, *graph.members_of_all(tx, family.organizations)}
    return {**dict.fromkeys(others, min(members.values())), **members}


def widened(work: Work, tx: sa.Connection, numbers: Iterable[int]) -> set[int]:
    """These organizations with those that have to be decided again because of them: their relatives, and those whose
    claims they answered for until now."""
    found = set(numbers)
    if work.policy.family is Treated.APART or not found:
        return found
    for number in sorted(found):
        found |= family_of(tx, number).organizations
    return found | answered_for(tx, found)


def answered_for(tx: sa.Connection, numbers: Iterable[int]) -> set[int]:
    """The organizations of the companies whose registrations these organizations answer for."""
    refs = outcomes.claimed_by(tx, numbers)
    parents = {item.parent for item in graph.get_staged(tx, refs).values() if item.parent is not None}
    aliases = records.aliases(tx)
    return graph.organizations_of(tx, sorted({aliases.get(ref, ref) for ref in parents}))


def touched(work: Work, tx: sa.Connection, accounts: Sequence[Ref]) -> set[int]:
    """The organizations of the families that some accounts have joined or left; none where families do not matter."""
    if work.policy.family is Treated.APART or not accounts:
        return set()
    return set(owners_of(tx, accounts).organizations)


def with_relatives(work: Work, tx: sa.Connection, groups: Mapping[int, ClaimGroup]) -> dict[int, ClaimGroup]:
    """The groups with the registrations about other companies of their families, where the policy tells of them."""
    if work.policy.family is not Treated.WARN:
        return dict(groups)
    return {n: replace(group, relatives=_relatives(work, tx, n)) for n, group in groups.items()}


def _relatives(work: Work, tx: sa.Connection, number: int) -> tuple[Relative, ...]:
    family = family_of(tx, number)
    others = graph.members_of_all(tx, family.organizations - {number})
    filed = graph.hanging_on(tx, Stream.REGISTRATIONS, sorted(others))
    if not filed:
        return ()
    owned = owners_of(tx, graph.members_of(tx, number)).organizations
    read = records.get(tx, sorted({*filed, *filed.values()}))
    known = {ref: mapped for ref, row in read.items() if (mapped := work.canonical(row)) is not None}
    found = []
    for ref, company in sorted(filed.items()):
        record = known[ref].record if ref in known else None
        if isinstance(record, Registration) and record.status not in _OVER and record.received_at is not None:
            tie = "parent" if others[company] in owned else "same_group"
            found.append(Relative(record, _name(known[ref], known.get(company)) or company.id, tie))
    return tuple(found)


def _name(filing: Mapped, company: Mapped | None) -> str | None:
    """What the company is called: on the registration itself, or on its own record."""
    if filing.company is not None:
        return filing.company.name
    return company.record.name if company is not None and isinstance(company.record, Account) else None


_OVER = (FiledStatus.DRAFT, FiledStatus.WITHDRAWN, FiledStatus.REJECTED, FiledStatus.EXPIRED)
