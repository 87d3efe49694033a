"""How far a change reaches: decides again what changed pairs and judgements can touch, with the answer of a full run.

What a full run over all pairs does can be taken apart, because everything in it looks along edges only:

1. *Cores*: records joined by a person's *same*, and direct accounts joined as duplicates. A join needs an edge that is
   automatic by itself, and asks whether the accounts of one core fit each other. So the core of a record depends on
   the records that chains of such edges and words reach, and on nothing else.
2. The link of a filed company F and an account A depends on their edge; on the best other account of F, which is some
   edge of F and the cores at its end; and on the best other filed company of A's core, which is an edge of an account
   of that core, and on whether F and that company are twins, which is their edge or their core.
3. *Groups*: F joins A, and filed companies join each other, only along links that are automatic by themselves. Who may
   join depends on the links of the companies of one such chain, and on nothing else.

Therefore a changed edge of F and A touches the links of F (2, first half), and those links of A's core for which F
was or is the best rival: if some company G is ahead of F on both occasions, F is nobody's rival there but G's, or
that of a twin of G. A changed edge of two accounts touches their cores, if it could join or part them, and then all
links to these. A changed edge of two filed companies touches the links of both, if it makes or unmakes twins. Words
of people touch the cores of both records. What has touched links is decided again together with everybody it hangs
together with by automatic links as they were or may be now (3); nothing else can differ.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from syncd.matching.decide import (
    LIKELY,
    Decided,
    Thresholds,
    Two,
    are_twins,
    decide,
    is_held_by_group,
    ordered,
    unseen,
)
from syncd.matching.points import Weights
from syncd.matching.rivals import best_rival_points
from syncd.matching.score import Edge
from syncd.model import Band, Judgement, Link, Ref

Versions = tuple[Edge | None, Edge | None]
"""The edge of a pair before and now; None: no edge."""


class Graph(Protocol):
    """What is known of the records around a change."""

    def edges(self, refs: Collection[Ref]) -> Iterable[Edge]:
        """Every edge, as it is now, that has one of these records on either side."""
        ...

    def links(self, refs: Collection[Ref]) -> Iterable[Link]:
        """Every link, as it was last decided, that has one of these records on either side."""
        ...

    def roles(self, refs: Collection[Ref]) -> Mapping[Ref, str]:
        """The role, `direct` or `filed`, of those of these records that there are."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """What is new: pairs with their edges, records that came, changed or are gone, and
    pairs of which a person said something new."""

    edges: Mapping[Two, Versions]
    records: frozenset[Ref] = frozenset()
    judged: frozenset[Two] = frozenset()


@dataclass(frozen=True, slots=True)
class Words:
    """What people say now of each pair, and when they said it as a number that grows with time."""

    judgements: Mapping[Two, Judgement]
    said: Mapping[Two, int]


@dataclass(frozen=True, slots=True)
class Relinked:
    """What takes the place of what: `links` that of the links `before`, and `groups` are the organizations of `scope`
    (the records that were decided again)."""

    scope: frozenset[Ref]
    before: tuple[Link, ...]
    decided: Decided


def relink(graph: Graph, change: Change, words: Words, weights: Weights, thresholds: Thresholds) -> Relinked:
    """Decide again whatever `change` can touch. Together with everything else as it was, that is the full answer."""
    return _Reach(graph, change, words, weights, thresholds).result()


class _Around:
    """The edges around records, asked for once; a judged pair without an edge counts as one."""

    def __init__(self, graph: Graph, judgements: Mapping[Two, Judgement]) -> None:
        self._graph = graph
        self._judged: dict[Ref, list[Two]] = {}
        for pair in judgements:
            for ref in pair:
                self._judged.setdefault(ref, []).append(pair)
        self._known: set[Ref] = set()
        self._by: dict[Ref, dict[Ref, Edge]] = {}
        self._roles: dict[Ref, str] = {}

    def look(self, refs: Iterable[Ref]) -> None:
        """Read the edges of these records."""
        fresh = sorted(set(refs) - self._known)
        if not fresh:
            return
        self._known.update(fresh)
        found = [*self._graph.edges(fresh), *(unseen(pair) for ref in fresh for pair in self._judged.get(ref, ()))]
        unknown = {ref for edge in found for ref in (edge.a, edge.b)} | set(fresh)
        self._roles.update(self._graph.roles(sorted(unknown - self._roles.keys())))
        for edge in found:
            if edge.a in self._roles and edge.b in self._roles:
                self._by.setdefault(edge.a, {}).setdefault(edge.b, edge)
                self._by.setdefault(edge.b, {}).setdefault(edge.a, edge)

    def of(self, ref: Ref) -> Mapping[Ref, Edge]:
        """The edges of a record that has been looked at, by the other record."""
        return self._by.get(ref, {})

    def there_is(self, ref: Ref) -> bool:
        """Whether the record exists, once its edges or those of a neighbour were looked at."""
        return ref in self._roles

    def role(self, ref: Ref) -> str:
        """The role of a record."""
        return self._roles[ref]

    def filed(self, refs: Iterable[Ref]) -> set[Ref]:
        """Those that are filed companies."""
        return {ref for ref in refs if self._roles.get(ref) == "filed"}

    def direct(self, refs: Iterable[Ref]) -> set[Ref]:
        """Those that are direct accounts."""
        return {ref for ref in refs if self._roles.get(ref) == "direct"}

    def claimants(self, accounts: Iterable[Ref]) -> set[Ref]:
        """The filed companies that have an edge with one of these accounts."""
        return {ref for account in accounts for ref in self.filed(self.of(account))}


class _Reach:
    """The steps from what changed to what is decided again, told in order in `result`."""

    def __init__(self, graph: Graph, change: Change, words: Words, weights: Weights, thresholds: Thresholds) -> None:
        self.graph, self.words, self.weights, self.thresholds = graph, words, weights, thresholds
        self.around = _Around(graph, words.judgements)
        self.change = change
        self.changed_of: dict[Ref, dict[Ref, Versions]] = {}
        for (one, other), versions in change.edges.items():
            self.changed_of.setdefault(one, {})[other] = versions
            self.changed_of.setdefault(other, {})[one] = versions
        self.around.look(
            {*change.records, *(r for p in change.edges for r in p), *(r for p in change.judged for r in p)}
        )
        self.judged = {
            pair for pair in (*words.judgements, *change.judged) if not change.records.isdisjoint(pair)
        } | change.judged  # what was said of a record that has come or gone is new as well
        self.same: dict[Ref, set[Ref]] = {}
        for one, other in {*self.judged, *(p for p, said in words.judgements.items() if said is Judgement.SAME)}:
            self.same.setdefault(one, set()).add(other)
            self.same.setdefault(other, set()).add(one)
        self.spoken_of = {ref for pair in words.judgements for ref in pair}
        self.best_bonus = best_rival_points(weights)

    def result(self) -> Relinked:
        """What changed, who it touches, who hangs together with these; then decide."""
        cores = self._touched_cores()
        companies = self._touched_companies(cores)
        scope = self._hanging_together(
            cores | companies | self.change.records | {ref for pair in self._within() for ref in pair}
            | {d for f in companies for d in self.around.direct(self.around.of(f)) if self._may_be_auto(f, d)}
        )  # fmt: skip
        edges, judgements = self._context(scope)
        said = {pair: self.words.said.get(pair, 0) for pair in judgements}
        decided = decide(edges, self.around.role, judgements, self.weights, self.thresholds, scope=scope, said=said)
        return Relinked(frozenset(scope), self._replaced(scope), decided)

    # --- who is touched

    def _touched_cores(self) -> set[Ref]:
        """The cores that may be others now: of records judged anew, and of accounts that may be duplicates."""
        seeds = {ref for pair in self.judged for ref in pair}
        for pair in self.change.edges:
            if self.around.direct(pair) == set(pair) and self._is_likely(pair):
                seeds.update(pair)
        seeds |= {ref for pair in self.change.edges for ref in pair if not self.around.there_is(ref)}
        return self._cores(seeds)

    def _touched_companies(self, cores: set[Ref]) -> set[Ref]:
        """The filed companies whose links to accounts may be others now."""
        around = self.around
        found = around.filed(cores) | around.claimants(around.direct(cores))
        for pair in self.change.edges:
            filed = around.filed(pair)
            if len(filed) == 1 or self._is_likely(pair):
                found |= filed
        accounts = {d for pair in self.change.edges for d in around.direct(pair)} - cores
        around.look(self._leaders(accounts))  # who is asked for anyway, in one go
        for account in sorted(accounts):
            core = self._cores({account})
            found |= self._outdone(account) if core == {account} else around.claimants(around.direct(core))
        around.look(found)
        return found

    def _leaders(self, accounts: set[Ref]) -> set[Ref]:
        """The best unchanged company of each of these accounts that is ahead of those that changed."""
        return {ahead[0][1] for account in accounts if (ahead := self._ahead(account))}

    def _ahead(self, account: Ref) -> list[tuple[float, Ref]]:
        """The companies of an account that were and are ahead of all that changed, the best first."""
        changed = self.changed_of[account]
        first = min((-edge.points, ref) for ref, versions in changed.items() for edge in versions if edge is not None)
        ranks = ((-self.around.of(account)[ref].points, ref) for ref in self.around.claimants([account]))
        return sorted(
            rank for rank in ranks if rank < first and rank[1] not in changed and rank[1] not in self.spoken_of
        )

    def _outdone(self, account: Ref) -> set[Ref]:
        """The companies for which one that changed was or is the best rival for an account without duplicates."""
        around = self.around
        left = around.claimants([account])
        for _, leader in self._ahead(account):
            around.look([leader])
            left = {ref for ref in left if ref in self.spoken_of or ref == leader or self._are_twins(ref, leader)}
            if left <= self.spoken_of:
                break
        return left

    def _are_twins(self, one: Ref, other: Ref) -> bool:
        return are_twins(self.around.of(other).get(one), self.weights)

    def _is_likely(self, pair: Two) -> bool:
        least = min(LIKELY, self.thresholds.duplicates)
        return any(edge is not None and self.weights.probability(edge.points) >= least
                   for edge in self.change.edges[pair])  # fmt: skip

    def _within(self) -> list[Two]:
        """Changed pairs of one side."""
        return [
            pair
            for pair in self.change.edges
            if len({self.around.role(r) for r in pair if self.around.there_is(r)}) == 1
        ]

    def _may_be_auto(self, filed: Ref, direct: Ref) -> bool:
        points = self.around.of(filed)[direct].points + self.best_bonus
        return self.weights.probability(points) >= self.thresholds.across(filed, direct)[0]

    # --- who hangs together

    def _cores(self, seeds: Iterable[Ref]) -> set[Ref]:
        """Everybody whom a core of these, as it was or may be now, could hold."""
        return self._closed(seeds, self._core_neighbours)

    def _core_neighbours(self, refs: set[Ref]) -> set[Ref]:
        self.around.look(refs)
        found = {other for ref in refs for other in self.same.get(ref, ())}
        for ref in self.around.direct(refs):
            for other in self.around.direct(self.around.of(ref)):
                if self._joins(self.around.of(ref)[other]):
                    found.add(other)
        for ref in refs:
            for other, (before, _) in self.changed_of.get(ref, {}).items():
                if before is not None and self._joins(before) and not self.around.filed((ref, other)):
                    found.add(other)
        return found

    def _joins(self, edge: Edge) -> bool:
        return self.weights.probability(edge.points) >= self.thresholds.duplicates

    def _hanging_together(self, seeds: Iterable[Ref]) -> set[Ref]:
        """The seeds, and whoever hangs on them by links that are automatic, or only wait because of their group."""
        found = self._closed(seeds, self._linked)
        self.around.look(found)
        return {ref for ref in found if self.around.there_is(ref)}

    def _linked(self, refs: set[Ref]) -> set[Ref]:
        links = [k for k in self.graph.links(sorted(refs)) if k.band is Band.AUTO or is_held_by_group(k)]
        return {ref for link in links for ref in (link.left, link.right)}

    @staticmethod
    def _closed(seeds: Iterable[Ref], neighbours: Callable[[set[Ref]], set[Ref]]) -> set[Ref]:
        found = set(seeds)
        fresh = set(found)
        while fresh:
            fresh = neighbours(fresh) - found
            found |= fresh
        return found

    # --- what is decided with, and what it replaces

    def _context(self, scope: set[Ref]) -> tuple[list[Edge], dict[Two, Judgement]]:
        """The edges that the links of these companies depend on, and what people said of any of the records."""
        around = self.around
        filed = around.filed(scope)
        accounts = {d for f in filed for d in around.direct(around.of(f))}
        cores = self._cores(accounts | scope)
        around.look(cores)
        found = {(e.a, e.b): e for ref in filed for e in around.of(ref).values()}
        for ref in around.direct(cores):
            for other, edge in around.of(ref).items():
                if other in cores or around.role(other) == "filed":
                    found[edge.a, edge.b] = edge
        refs = self._closed({r for pair in found for r in pair} | cores, self._said_same)
        around.look(refs & self.spoken_of)
        judgements = {pair: said for pair, said in self.words.judgements.items()
                      if pair[0] in refs and pair[1] in refs and all(map(around.there_is, pair))}  # fmt: skip
        return list(found.values()), judgements

    def _said_same(self, refs: set[Ref]) -> set[Ref]:
        return {other for ref in refs for other in self.same.get(ref, ())}

    def _replaced(self, scope: set[Ref]) -> tuple[Link, ...]:
        """The links as they were whose pairs are decided again, or of which a record is gone."""
        gone = {ref for pair in self.change.edges for ref in pair if not self.around.there_is(ref)}
        gone |= {ref for ref in self.change.records if not self.around.there_is(ref)}
        old = {(k.left, k.right): k for k in self.graph.links(sorted(scope | gone))}
        roles = self.graph.roles(sorted({ref for pair in old for ref in pair}))
        return tuple(k for pair, k in old.items() if _is_replaced(pair, scope, roles))


def _is_replaced(pair: Two, scope: set[Ref], roles: Mapping[Ref, str]) -> bool:
    if not all(ref in roles for ref in pair):
        return True
    asked = [ref for ref in pair if roles[ref] == "filed"] or pair
    return all(ref in scope for ref in asked)


__all__ = ["Change", "Graph", "Relinked", "Words", "ordered", "relink"]
