"""Search: which pairs have to be compared after some accounts changed, and what their edges were and are.

An account that changed may enter or leave the lists of filed companies that it shares a key with now or shared one
with before; those that it does are looked up again. Nobody else's list depends on it (see `matching.neighbours`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from syncd.matching import Edge, Linker, Parsed, keys, query_keys
from syncd.matching.neighbours import (
    CROWDED,
    Kind,
    MemoryPostings,
    Near,
    Postings,
    Rarity,
    across,
    askers,
    maybe_within,
    reach_of,
    within,
)
from syncd.model import Evidence, Ref
from syncd.store import graph

Two = tuple[Ref, Ref]
MEMORY_FROM = 200
"""From this many changed accounts on, one index of all keys in memory is cheaper than asking the store for some."""
_AT_ONCE = 50


@dataclass(slots=True)
class Found:
    """What a search comes to. `edges` has every pair whose edge differs, as it was and as it is (None: no edge).

    `reach` is that of the `listed` filed companies, whose lists were looked up, where a list is full.
    """

    edges: dict[Two, tuple[Edge | None, Edge | None]] = field(default_factory=dict)
    listed: list[Ref] = field(default_factory=list)
    reach: dict[Ref, Near] = field(default_factory=dict)


def search(tx: sa.Connection, linker: Linker, rarity: Rarity, changed: Sequence[Ref]) -> Found:
    """Compare the changed accounts with whoever may be near them."""
    return _Search(tx, linker, rarity, changed).found()


class StorePostings:
    """The postings in the store, each key asked for once."""

    def __init__(self, tx: sa.Connection, rarity: Rarity) -> None:
        self._tx, self._rarity = tx, rarity
        self._known: dict[tuple[str, str], list[Ref]] = {}

    def fetch(self, kind: Kind, wanted: Iterable[str]) -> None:
        """Read the postings of these keys in few statements."""
        fresh = [key for key in self._rarity.telling(wanted) if (kind, key) not in self._known]
        found = graph.postings(self._tx, kind, fresh, CROWDED)
        self._known.update({(kind, key): found.get(key, []) for key in fresh})

    def shared(self, kind: Kind, keys: Collection[str], least: float = 0) -> Mapping[Ref, int]:
        """See `Postings`."""
        self.fetch(kind, keys)
        found: dict[Ref, int] = {}
        for key in self._rarity.telling(keys):
            worth = self._rarity.of(key)
            for ref in self._known[kind, key]:
                found[ref] = found.get(ref, 0) + worth
        return {ref: worth for ref, worth in found.items() if worth >= least}


class _Search:
    """The steps of one search, told in order in `found`."""

    def __init__(self, tx: sa.Connection, linker: Linker, rarity: Rarity, changed: Sequence[Ref]) -> None:
        self.tx, self.linker, self.rarity, self.changed = tx, linker, rarity, set(changed)
        self.was = graph.was_linked(tx, changed)
        self.records: dict[Ref, Parsed] = {}
        self.roles: dict[Ref, str] = {}
        self.postings: Postings
        if len(changed) < MEMORY_FROM:
            self._load(changed)
            self.postings = StorePostings(tx, rarity)
        else:
            self._load(None)
            self.postings = MemoryPostings(((self.roles[ref], one) for ref, one in self.records.items()), rarity)
        self.everybody = self.changed.issuperset(self.records) and isinstance(self.postings, MemoryPostings)

    def found(self) -> Found:
        """Whose lists change, which pairs that makes, and how their edges differ from what is stored."""
        here = sorted(ref for ref in self.changed if ref in self.records)
        pairs: set[Two] = set()
        moved: set[Ref] = set()
        for start in range(0, len(here), _AT_ONCE):
            self._prepare(here[start : start + _AT_ONCE])
            for ref in here[start : start + _AT_ONCE]:
                pairs |= self._within(ref)
        asking = () if self.everybody else sorted(self.changed)
        for ref in asking:
            stay, move = self._asked_by(ref)
            pairs |= {_ordered(ref, company) for company in stay}
            moved |= move
        made = Found(listed=sorted(moved | {ref for ref in here if self.roles[ref] == "filed"}))
        self._load(moved)
        for company in made.listed:
            near = across(self.records[company], self.postings)
            pairs |= {_ordered(company, one.ref) for one in near}
            if (last := reach_of(near)) is not None:
                made.reach[company] = last
        made.edges = self._compared(pairs, moved)
        return made

    # --- who is near

    def _within(self, ref: Ref) -> set[Two]:
        record, role = self.records[ref], _kind(self.roles[ref])
        maybe = maybe_within(record, role, self.postings, self.rarity)
        self._load(maybe)
        keys_of = {other: keys(self.records[other]) for other in maybe}
        return {_ordered(ref, other) for other in within(record, maybe, self.rarity, keys_of)}

    def _asked_by(self, ref: Ref) -> tuple[set[Ref], set[Ref]]:
        """Filed companies, themselves unchanged, that keep this account on their list as it was, and those whose
        list may be another now."""
        old = self._askers(ref, *self.was.get(ref, ("", [])))
        new = self._askers(ref, self.roles.get(ref, ""), keys(self.records[ref]) if ref in self.records else [])
        companies = sorted(({*old, *new}) - self.changed)
        reach = {company: Near(-worth, last) for company, (worth, last) in graph.get_reach(self.tx, companies).items()}
        stay: set[Ref] = set()
        move: set[Ref] = set()
        for company in companies:
            shared = {old.get(company), new.get(company)} - {None}
            if company not in reach or any(Near(-worth, ref) <= reach[company] for worth in shared if worth):
                (stay if old.get(company) == new.get(company) else move).add(company)
        return stay, move

    def _askers(self, ref: Ref, role: str, found: Collection[str]) -> Mapping[Ref, int]:
        return askers(found, self.postings) if role == "direct" else {}

    # --- what their edges were and are

    def _compared(self, pairs: set[Two], moved: set[Ref]) -> dict[Two, tuple[Edge | None, Edge | None]]:
        before = {(edge.a, edge.b): edge for edge in stored_edges(self.tx, sorted(self.changed | moved))}
        scope = {pair: edge for pair, edge in before.items() if self._is_asked(pair, moved)}
        self._load({ref for pair in pairs for ref in pair})
        differing: dict[Two, tuple[Edge | None, Edge | None]] = {}
        for pair in sorted(pairs | scope.keys()):
            is_new = pair in pairs and (pair not in scope or not self.changed.isdisjoint(pair))
            made = self.linker.edge(*(self.records[ref] for ref in pair)) if is_new else scope.get(pair)
            now = made if pair in pairs else None
            if now != scope.get(pair) or (now is not None and self._changed_sides(pair)):
                differing[pair] = (scope.get(pair), now)
        return differing

    def _is_asked(self, pair: Two, moved: set[Ref]) -> bool:
        """A pair of a changed account, or of a company whose list is another and an account."""
        if not self.changed.isdisjoint(pair):
            return True
        companies = moved.intersection(pair)
        return len(companies) == 1 and all(self._role(ref) == "direct" for ref in pair if ref not in companies)

    def _role(self, ref: Ref) -> str:
        self._load([ref])
        return self.roles.get(ref, "")

    def _changed_sides(self, pair: Two) -> bool:
        """Links look at the sides of both records, so that an edge counts as changed when one has another."""
        return any(ref in self.was and self.was[ref][0] not in ("", self.roles.get(ref)) for ref in pair)

    # --- reading

    def _prepare(self, refs: Sequence[Ref]) -> None:
        """Read what many records will ask for in one go."""
        if isinstance(self.postings, StorePostings):
            for role in ("direct", "filed"):
                some = [self.records[ref] for ref in refs if self.roles[ref] == role]
                self.postings.fetch(_kind(role), {key for record in some for key in keys(record)})
                kind: Kind = "asking" if role == "direct" else "direct"
                asked = keys if role == "direct" else query_keys
                self.postings.fetch(kind, {key for record in some for key in asked(record)})

    def _load(self, refs: Iterable[Ref] | None) -> None:
        fresh = None if refs is None else sorted({ref for ref in refs if ref not in self.records})
        if fresh is None or fresh:
            for ref, role, content in graph.get_parsed(self.tx, fresh):
                self.records[ref], self.roles[ref] = Parsed.from_json(content), role


def _kind(role: str) -> Kind:
    return "direct" if role == "direct" else "filed"


def _ordered(one: Ref, other: Ref) -> Two:
    return (one, other) if one < other else (other, one)


def stored_edges(tx: sa.Connection, refs: Sequence[Ref]) -> list[Edge]:
    """The edges of these accounts as they are in the store."""
    return [Edge(a, b, points, tuple(Evidence(*item) for item in evidence))
            for a, b, points, evidence in graph.edges_of(tx, refs)]  # fmt: skip
