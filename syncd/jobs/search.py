"""Search: which pairs have to be compared after some accounts changed, and what their edges were and are.

An account that changed may enter or leave the lists of filed companies that it shares a key with now or shared one
with before; those that it does are looked up again. Nobody else's list depends on it (see `matching.neighbours`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from syncd.matching import Edge, Linker, Parsed, keys, query_keys
from syncd.matching.neighbours import CROWDED, SHARE, Kind, Near, Postings, Rarity, across, reach_of
from syncd.model import Evidence, Ref
from syncd.store import graph

Two = tuple[Ref, Ref]
_AT_ONCE = 50


@dataclass(slots=True)
class Found:
    """What a search comes to. `edges` has every pair whose edge differs, as it was and as it is (None: no edge).

    `reach` is that of the `listed` filed companies, whose lists were looked up, where a list is full.
    """

    edges: dict[Two, tuple[Edge | None, Edge | None]] = field(default_factory=dict)
    listed: list[Ref] = field(default_factory=list)
    reach: dict[Ref, Near] = field(default_factory=dict)


def search(tx: sa.Connection, linker: Linker, postings: Postings, changed: Sequence[Ref], stored: StoredEdges, *,
           alone: bool = False) -> Found:  # fmt: skip
    """Compare the changed accounts with whoever may be near them; `alone` where the turn of every company that has one
    of them on its list comes anyway."""
    return _Search(tx, linker, postings, changed, stored, alone).found()


class StoredEdges:
    """The edges in the store, each record's asked for once."""

    def __init__(self, tx: sa.Connection) -> None:
        self._tx = tx
        self._of: dict[Ref, dict[Two, Edge]] = {}

    def of(self, refs: Collection[Ref]) -> dict[Two, Edge]:
        """The edges that have one of these records on either side."""
        fresh = {ref for ref in refs if ref not in self._of}
        self._of.update((ref, {}) for ref in fresh)
        for a, b, points, said in graph.edges_of(self._tx, sorted(fresh)):
            made = Edge(a, b, points, tuple([Evidence(*item) for item in said]))
            for ref in fresh.intersection((a, b)):
                self._of[ref][a, b] = made
        found: dict[Two, Edge] = {}
        for ref in refs:
            found.update(self._of[ref])
        return found


def stored_edges(tx: sa.Connection, refs: Sequence[Ref]) -> list[Edge]:
    """The edges of these accounts as they are in the store."""
    return list(StoredEdges(tx).of(refs).values())


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

    def shared(self, kind: Kind, keys: Collection[str], least: float = 0, most: int = 0) -> Mapping[Ref, int]:
        """See `Postings`."""
        self.fetch(kind, keys)
        found: dict[Ref, int] = {}
        for key in self._rarity.telling(keys):
            worth = self._rarity.of(key)
            for ref in self._known[kind, key]:
                found[ref] = found.get(ref, 0) + worth
        return {ref: worth for ref, worth in found.items() if worth >= least}

    def alike(self, kind: Kind, keys: Collection[str], own: Ref) -> list[Ref]:
        """See `Postings`."""
        worth = self._rarity.sum(set(keys))
        maybe = self.shared(kind, keys, SHARE * worth)
        said = graph.keys_of(self._tx, [ref for ref in maybe if ref != own])
        return [ref for ref, kinds in said.items()
                if maybe[ref] >= SHARE * max(worth, self._rarity.sum(kinds.get(kind, ())))]  # fmt: skip

    def askers(self, keys: Collection[str]) -> Mapping[Ref, int]:
        """See `Postings`."""
        return self.shared("asking", keys)


@dataclass(slots=True)
class _Asked:
    """The filed companies that ask for an account as it was and as it is, with what they share."""

    account: Ref
    before: Mapping[Ref, int]
    now: Mapping[Ref, int]

    def companies(self) -> set[Ref]:
        """All of them."""
        return {*self.before, *self.now}


class _Search:
    """The steps of one search, told in order in `found`."""

    def __init__(self, tx: sa.Connection, linker: Linker, postings: Postings, changed: Sequence[Ref],
                 stored: StoredEdges, alone: bool) -> None:  # fmt: skip
        self.tx, self.linker, self.postings, self.changed = tx, linker, postings, set(changed)
        self.stored = stored
        self.was = graph.was_linked(tx, changed)
        self.records: dict[Ref, Parsed] = {}
        self.roles: dict[Ref, str] = {}
        self._load(changed)
        self.alone = alone or len(self.records) == graph.count_parsed(tx)

    def found(self) -> Found:
        """Whose lists change, which pairs that makes, and how their edges differ from what is stored."""
        here = sorted(ref for ref in self.changed if ref in self.records)
        pairs: set[Two] = set()
        asked: list[_Asked] = []
        for start in range(0, len(here), _AT_ONCE):
            self._prepare(here[start : start + _AT_ONCE])
            for ref in here[start : start + _AT_ONCE]:
                pairs |= self._within(ref)
        if not self.alone:
            asked = [self._asked_by(ref) for ref in sorted(self.changed)]
        kept, moved = self._moved(asked)
        pairs |= kept
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
        found = self.postings.alike(_kind(self.roles[ref]), keys(self.records[ref]), ref)
        return {_ordered(ref, other) for other in found}

    def _asked_by(self, ref: Ref) -> _Asked:
        was = self.was.get(ref, ("", []))
        now = (self.roles.get(ref, ""), sorted(keys(self.records[ref])) if ref in self.records else [])
        old = self._askers(*was)
        return _Asked(ref, old, old if was == now else self._askers(*now))

    def _askers(self, role: str, found: Collection[str]) -> Mapping[Ref, int]:
        if role != "direct":
            return {}
        asking = self.postings.askers(found)
        return {company: worth for company, worth in asking.items() if company not in self.changed}

    def _moved(self, asked: Sequence[_Asked]) -> tuple[set[Two], set[Ref]]:
        """The pairs of filed companies, themselves unchanged, that keep an account on their list as it was, and the
        companies whose list may be another now."""
        companies = sorted({company for one in asked for company in one.companies()})
        reach = {company: Near(-worth, last) for company, (worth, last) in graph.get_reach(self.tx, companies).items()}
        stay: set[Two] = set()
        move: set[Ref] = set()
        for one in asked:
            for company in one.companies():
                worths = {one.before.get(company), one.now.get(company)} - {None}
                last = reach.get(company)
                if last is None or any(Near(-worth, one.account) <= last for worth in worths if worth):
                    if one.before.get(company) == one.now.get(company):
                        stay.add(_ordered(one.account, company))
                    else:
                        move.add(company)
        return stay, move

    # --- what their edges were and are

    def _compared(self, pairs: set[Two], moved: set[Ref]) -> dict[Two, tuple[Edge | None, Edge | None]]:
        before = self.stored.of(self.changed | moved)
        self._load_roles({ref for pair in before for ref in pair})
        scope = {pair: edge for pair, edge in before.items() if self._is_asked(pair, moved)}
        new = {pair for pair in pairs if pair not in scope or not self.changed.isdisjoint(pair)}
        self._load({ref for pair in new for ref in pair})
        differing: dict[Two, tuple[Edge | None, Edge | None]] = {}
        for pair in sorted(pairs | scope.keys()):
            made = self.linker.edge(*(self.records[ref] for ref in pair)) if pair in new else scope.get(pair)
            now = made if pair in pairs else None
            if now != scope.get(pair) or (now is not None and self._changed_sides(pair)):
                differing[pair] = (scope.get(pair), now)
        return differing

    def _is_asked(self, pair: Two, moved: set[Ref]) -> bool:
        """A pair of a changed account, or of a company whose list is another and an account."""
        if not self.changed.isdisjoint(pair):
            return True
        companies = moved.intersection(pair)
        return len(companies) == 1 and all(self.roles.get(ref) == "direct" for ref in pair if ref not in companies)

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

    def _load(self, refs: Iterable[Ref]) -> None:
        fresh = sorted({ref for ref in refs if ref not in self.records})
        for ref, role, content in graph.get_parsed(self.tx, fresh) if fresh else ():
            self.records[ref], self.roles[ref] = Parsed.from_json(content), role

    def _load_roles(self, refs: Iterable[Ref]) -> None:
        self.roles.update(graph.roles(self.tx, sorted({ref for ref in refs if ref not in self.roles})))


def _kind(role: str) -> Kind:
    return "direct" if role == "direct" else "filed"


def _ordered(one: Ref, other: Ref) -> Two:
    return (one, other) if one < other else (other, one)
