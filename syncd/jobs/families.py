"""Families: organizations joined by ownership, as parents in the CRM and links between companies of a group show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from syncd.model import Ref, Stream
from syncd.store import graph

MOST = 500
"""Accounts that are looked at for one family; a larger one is cut there, and says so."""


@dataclass(frozen=True, slots=True)
class Tie:
    """Why two accounts belong to one family: `parent` (`one` is owned by `other`) or `same_group`."""

    one: Ref
    other: Ref
    why: str


@dataclass(frozen=True, slots=True)
class Family:
    """The organizations of a family with the ties that join them; `complete` unless it was cut."""

    organizations: frozenset[int]
    accounts: frozenset[Ref]
    ties: tuple[Tie, ...]
    complete: bool = True


def family_of(tx: sa.Connection, number: int) -> Family:
    """The family of an organization: its own accounts, their parents and children, and so on.

    An account that belongs to no organization, because nobody filed about it, still joins its parent and children.
    Links that say `same group` are followed only from the organization itself: a shared name is no chain of owners.
    """
    own = set(graph.members_of(tx, number))
    found = _closed(tx, own, set(_same_group(tx, own)))
    return Family(found.organizations | {number}, found.accounts, found.ties, found.complete)


def owners_of(tx: sa.Connection, refs: Iterable[Ref]) -> Family:
    """The family that some accounts belong to by ownership alone: the same, whichever of its accounts is asked for."""
    return _closed(tx, set(refs), set())


def _closed(tx: sa.Connection, own: set[Ref], ties: set[Tie]) -> Family:
    found = own | {ref for tie in ties for ref in (tie.one, tie.other)}
    fresh = set(found)
    while fresh and len(found) <= MOST:
        owned = set(_owned(tx, fresh))
        ties |= owned
        fresh = {ref for tie in owned for ref in (tie.one, tie.other)} - found
        fresh |= {ref for n in graph.organizations_of(tx, sorted(fresh)) for ref in graph.members_of(tx, n)} - found
        found |= fresh
    numbers = frozenset(graph.organizations_of(tx, sorted(found)))
    ordered = tuple(sorted(ties, key=lambda tie: (tie.one, tie.other, tie.why)))
    return Family(numbers, frozenset(found), ordered, complete=not fresh)


def _owned(tx: sa.Connection, refs: Iterable[Ref]) -> Iterator[Tie]:
    """Ties between these accounts and their parents and children; a parent that is not there ties nobody."""
    some = sorted(refs)
    known = {ref: item.parent for ref, item in graph.get_staged(tx, some).items()
             if item.stream is Stream.ACCOUNTS and item.parent is not None}  # fmt: skip
    there = graph.get_staged(tx, sorted({parent for parent in known.values() if parent is not None}))
    for child, parent in {**known, **graph.hanging_on(tx, Stream.ACCOUNTS, some)}.items():
        if parent is not None and parent != child and (parent in there or parent in refs):
            yield Tie(child, parent, "parent")


def _same_group(tx: sa.Connection, refs: Iterable[Ref]) -> Iterator[Tie]:
    for link in graph.links_of(tx, sorted(refs)):
        if link.is_same_group:
            yield Tie(link.left, link.right, "same_group")
