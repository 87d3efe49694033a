"""Suppression: the accounts and domains that outbound tools leave alone, because a partner holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.jobs.overrides import Reasoned, effective
from syncd.jobs.work import Work
from syncd.model import Account, Ref, StampStatus, Stream, WriteGroup
from syncd.store import graph, outcomes, records, runs
from syncd.store.reversals import Key

PROTECTED = frozenset({StampStatus.PROTECTED.value})
CLAIMED = PROTECTED | {StampStatus.PENDING.value, StampStatus.REVIEW.value}
_MOST_SHARING = 50
"""A domain that more accounts have is a holding's or a host's, and says nothing about one of them."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One account with one of its organization's domains; blank where that tells nothing, or others have it too."""

    ref: Ref
    account: str
    domain: str
    status: str
    until: datetime | None
    products: str


def suppressed(work: Work, tx: sa.Connection, statuses: frozenset[str] = PROTECTED) -> list[Suppressed]:
    """Every account of a direct CRM that should show one of these states, in the order of their names.

    As an outbound tool must see it: by account and by domain. The partner is nobody's business there.
    """
    shown = _shown(work, tx, statuses)
    accounts = {
        ref: mapped.record
        for ref, row in records.get(tx, sorted(shown)).items()
        if row.stream == Stream.ACCOUNTS and not row.deleted
        and (mapped := work.canonical(row)) is not None and isinstance(mapped.record, Account)
    }  # fmt: skip
    domains = _domains(tx, list(accounts))
    found = [
        Suppressed(
            ref, account.name or "", domain, str(shown[ref]["status"]), shown[ref].get("until"),
            shown[ref].get("scope") or "",
        )
        for ref, account in accounts.items()
        for domain in domains.get(ref) or [""]
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.account.casefold(), one.ref, one.domain))


def _shown(work: Work, tx: sa.Connection, statuses: frozenset[str]) -> dict[Ref, Mapping[str, Any]]:
    """What records should show, with what people had undone, where it is one of these states."""
    wanted: dict[Ref, dict[Key, Reasoned]] = {}
    for ref, group, values, why in outcomes.every_wanted(tx):
        if group is WriteGroup.STAMP:
            wanted[ref] = {(ref, group): (values, why)}
    found: dict[Ref, Mapping[str, Any]] = {}
    retired = runs.retired(tx)
    for part in graph.chunks(sorted(wanted)):
        some = {key: value for ref in part for key, value in wanted[ref].items()}
        for (ref, group), (shown, _) in effective(work, tx, part, some, (), retired).items():
            if group is WriteGroup.STAMP and shown.get("status") in statuses:
                found[ref] = shown
    return found


def _domains(tx: sa.Connection, refs: list[Ref]) -> dict[Ref, list[str]]:
    """By account, the domains of everything that is the same organization, but for those that others have too."""
    numbers = graph.membership(tx, refs)
    members = graph.members_of_all(tx, sorted(set(numbers.values())))
    of_organization: dict[int, set[str]] = {}
    for ref, _, content in graph.get_parsed(tx, list(members)):
        if domain := content.get("domain"):
            of_organization.setdefault(members[ref], set()).add(domain)
    ours = _only_ours(tx, {d for found in of_organization.values() for d in found}, set(of_organization))
    return {ref: sorted(of_organization.get(number, set()) & ours) for ref, number in numbers.items()}


def _only_ours(tx: sa.Connection, domains: Iterable[str], organizations: set[int]) -> set[str]:
    """The domains that no account of another organization has."""
    postings = graph.postings(tx, "direct", [f"d:{domain}" for domain in domains], _MOST_SHARING)
    homes = graph.membership(tx, sorted({ref for refs in postings.values() for ref in refs}))
    found = {key for key, refs in postings.items() if all(homes.get(ref) in organizations for ref in refs)}
    return {key.removeprefix("d:") for key in found}
