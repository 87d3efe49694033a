"""Pushed deals: opportunities that name a registration by its key, on whatever account they lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from syncd.model import Ref, Stream
from syncd.store import graph, records
from syncd.store.graph import Staged


def named_registrations(tx: sa.Connection, keys: Iterable[str]) -> dict[str, Staged]:
    """The registration that each key names: by its id, else by its number, the lowest ref of several.

    An id that it had in another system before names it too.
    """
    wanted = sorted({key for key in keys if key})
    by_number = graph.keyed(tx, Stream.REGISTRATIONS, wanted)
    by_id = graph.with_ids(tx, Stream.REGISTRATIONS, wanted)
    refs = {key: min(by_id.get(key) or by_number[key]) for key in wanted if key in by_id or key in by_number}
    refs |= records.moved_ids(tx, wanted)
    known = graph.get_staged(tx, sorted(set(refs.values())))
    return {key: known[ref] for key, ref in refs.items() if ref in known}


def companies_named(tx: sa.Connection, keys: Iterable[str]) -> set[Ref]:
    """The companies whose registrations these keys name."""
    return {item.parent for item in named_registrations(tx, keys).values() if item.parent is not None}


def pushes(tx: sa.Connection, opportunities: Sequence[Ref], registrations: Sequence[Ref]) -> dict[Ref, Ref]:
    """Opportunity -> registration, for these opportunities and for all that name one of these registrations."""
    staged = graph.get_staged(tx, registrations)
    asked = {key for ref, item in staged.items() for key in (ref.id, item.key) if key}
    asked |= {ref.id for ref in records.moved_from(tx, registrations)}
    found = {ref for refs in graph.keyed(tx, Stream.OPPORTUNITIES, sorted(asked)).values() for ref in refs}
    deals = graph.get_staged(tx, sorted(found | set(opportunities)))
    named = named_registrations(tx, (item.key for item in deals.values() if item.key))
    return {ref: named[item.key].ref for ref, item in deals.items() if item.key and item.key in named}


def related_organizations(tx: sa.Connection, numbers: Iterable[int], aliases: Mapping[Ref, Ref]) -> set[int]:
    """The organizations that share a pushed deal with one of these; they are decided together."""
    members = graph.members_of_all(tx, numbers)
    old = [source for source, target in aliases.items() if target in members]
    opportunities = graph.hanging_on(tx, Stream.OPPORTUNITIES, [*members, *old])
    registrations = graph.hanging_on(tx, Stream.REGISTRATIONS, [*members, *old])
    pairs = pushes(tx, list(opportunities), list(registrations))
    sides = graph.get_staged(tx, sorted({*pairs, *pairs.values()}))
    parents = {item.parent for item in sides.values() if item.parent is not None}
    return graph.organizations_of(tx, sorted({aliases.get(ref, ref) for ref in parents}))
