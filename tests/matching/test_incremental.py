"""Incremental equals batch: what is decided again after a change, and everything else as it was, is the full answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.matching import Edge, Thresholds, shipped_weights
from syncd.matching.decide import decide
from syncd.matching.reach import Change, Relinked, Words, relink
from syncd.model import Band, Evidence, Judgement, Link, Ref

Two = tuple[Ref, Ref]
WEIGHTS, THRESHOLDS = shipped_weights(), Thresholds()
FILED = [Ref("prm", "company", str(n)) for n in range(6)]
DIRECT = [Ref("crm", "account", str(n)) for n in range(5)]
EVERYBODY = [*DIRECT, *FILED]


@dataclass
class World:
    """Everything there is, with the answer of the last time; counts what a change looks at."""

    there: set[Ref] = field(default_factory=set)
    edges: dict[Two, Edge] = field(default_factory=dict)
    judgements: dict[Two, Judgement] = field(default_factory=dict)
    said: dict[Two, int] = field(default_factory=dict)
    known: dict[Two, Link] = field(default_factory=dict)
    organization: dict[Ref, frozenset[Ref]] = field(default_factory=dict)
    looked: set[Ref] = field(default_factory=set)

    def of(self, refs: Collection[Ref]) -> Iterable[Edge]:
        self.looked.update(refs)
        return [edge for pair, edge in self.edges.items() if not set(refs).isdisjoint(pair)]

    def links(self, refs: Collection[Ref]) -> Iterable[Link]:
        self.looked.update(refs)
        return [link for pair, link in self.known.items() if not set(refs).isdisjoint(pair)]

    def roles(self, refs: Collection[Ref]) -> Mapping[Ref, str]:
        return {ref: role(ref) for ref in refs if ref in self.there}

    def change(self, change: Change) -> Relinked:
        """Decide again what the change touches, and keep the answer."""
        made = relink(_Graph(self), change, Words(self.judgements, self.said), WEIGHTS, THRESHOLDS)
        for link in made.before:
            del self.known[link.left, link.right]
        for link in made.decided.links:
            assert (link.left, link.right) not in self.known
            self.known[link.left, link.right] = link
        for ref in {*made.scope, *(ref for ref in self.organization if ref not in self.there)}:
            self.organization.pop(ref, None)
        for group in made.decided.groups:
            assert group <= made.scope, "whoever is grouped again is decided again"
            self.organization.update(dict.fromkeys(group, group))
        return made

    def check(self) -> None:
        """The answer is that of a full run."""
        judgements = {p: said for p, said in self.judgements.items() if self.there.issuperset(p)}
        full = decide(self.edges.values(), role, judgements, WEIGHTS, THRESHOLDS, said=self.said)
        assert self.known == {(link.left, link.right): link for link in full.links}
        grouped = {ref: group for group in full.groups for ref in group}
        assert self.organization == {ref: grouped.get(ref, frozenset([ref])) for ref in self.there}


class _Graph:
    def __init__(self, world: World) -> None:
        self.edges, self.links, self.roles = world.of, world.links, world.roles


def role(ref: Ref) -> str:
    return "direct" if ref.connection == "crm" else "filed"


def edge(pair: Two, points: float, claim: str | None = None) -> Edge:
    more = (Evidence(claim, 0.0, claim),) if claim else ()
    return Edge(*pair, points, (Evidence("to_begin_with", points, "so far"), *more))


_points = st.sampled_from([-6.0, -1.0, 0.0, 1.0, 3.0, 6.0, 6.5, 7.0, 9.0, 12.0, 15.0])
_claims = st.sampled_from([None, None, None, "different_numbers", "different_tax_id", "different_legal_form"])
_pairs = st.tuples(st.sampled_from(EVERYBODY), st.sampled_from(EVERYBODY)).filter(lambda p: p[0] < p[1])
_edges = st.dictionaries(_pairs, st.tuples(_points, _claims), max_size=30)
_words = st.lists(st.tuples(_pairs, st.sampled_from(list(Judgement))), max_size=3)
_steps = st.lists(st.tuples(st.sets(st.sampled_from(EVERYBODY), max_size=3), _edges, _words, st.booleans()), max_size=6)


@settings(max_examples=max(settings.default.max_examples, 150))
@given(_edges, _steps)
def test_one_change_after_the_other_gives_the_answer_of_a_full_run(
    first: dict[Two, tuple[float, str | None]],
    steps: list[tuple[set[Ref], dict[Two, tuple[float, str | None]], list[tuple[Two, Judgement]], bool]],
) -> None:
    world = World(there=set(EVERYBODY))
    world.edges = {pair: edge(pair, *about) for pair, about in first.items()}
    world.change(Change({pair: (None, e) for pair, e in world.edges.items()}, frozenset(EVERYBODY)))
    world.check()
    for touched, edges, words, is_gone in steps:
        _step(world, touched, edges, words, is_gone)
        world.check()


def _step(world: World, touched: set[Ref], edges: dict[Two, tuple[float, str | None]],
          words: list[tuple[Two, Judgement]], is_gone: bool) -> None:  # fmt: skip
    """Some records change, go or come back with other edges, and people say something."""
    world.there = world.there - touched if is_gone else world.there | touched
    before = {pair: e for pair, e in world.edges.items() if not touched.isdisjoint(pair)}
    after = {pair: edge(pair, *about) for pair, about in edges.items()
             if not touched.isdisjoint(pair) and world.there.issuperset(pair)}  # fmt: skip
    world.edges = {pair: e for pair, e in world.edges.items() if pair not in before} | after
    for pair, judgement in words:
        world.judgements[pair] = judgement
        world.said[pair] = len(world.said) + 1
    changed = {pair: (before.get(pair), after.get(pair)) for pair in {*before, *after}
               if before.get(pair) != after.get(pair)}  # fmt: skip
    world.change(Change(changed, frozenset(touched), frozenset(pair for pair, _ in words)))


def test_a_change_looks_at_its_own_neighbours_and_at_nobody_elses() -> None:
    world = World(there=set())
    pairs = [(Ref("crm", "account", f"{n}"), Ref("prm", "company", f"{n}")) for n in range(300)]
    world.there = {ref for pair in pairs for ref in pair}
    world.edges = {pair: edge(pair, 9.0) for pair in pairs}
    # a hub: two hundred companies of which each knows an account of its own better
    hub = pairs[0][0]
    world.edges |= {(hub, filed): edge((hub, filed), -3.0) for _, filed in pairs[1:200]}
    world.change(Change({pair: (None, e) for pair, e in world.edges.items()}, frozenset(world.there)))
    world.check()
    for changed, most in ((pairs[250], 4), (pairs[100], 8)):
        world.looked.clear()
        before, world.edges[changed] = world.edges[changed], edge(changed, 12.0)
        world.change(Change({changed: (before, world.edges[changed])}, frozenset(changed)))
        world.check()
        assert len(world.looked) <= most, "rivals that stay behind the best are not looked at"


def graph_of(*edges: tuple[Ref, Ref, float]) -> World:
    """Everybody, with these edges, linked for the first time."""
    world = World(there=set(EVERYBODY))
    world.edges = {(one, other): edge((one, other), points) for one, other, points in edges}
    world.change(Change({pair: (None, e) for pair, e in world.edges.items()}, frozenset(EVERYBODY)))
    world.check()
    return world


def become_twins(world: World, one: Ref, other: Ref) -> None:
    """Two filed companies turn out to be one, typed twice; nothing else changes."""
    world.edges[one, other] = edge((one, other), 9.0)
    world.change(Change({(one, other): (None, world.edges[one, other])}))
    world.check()


def test_a_rival_for_the_duplicate_of_an_account_stays_a_rival_when_something_else_changes() -> None:
    account, duplicate, filed, twin, rival = DIRECT[0], DIRECT[1], FILED[0], FILED[1], FILED[2]
    world = graph_of((account, duplicate, 15.0), (account, filed, 0.0), (duplicate, rival, 9.0))
    before = world.known[filed, account]
    become_twins(world, filed, twin)
    assert world.known[filed, account].points == before.points
    assert any(str(rival) in e.sentence for e in before.evidence), "by name, though it means the duplicate"


def test_companies_that_become_twins_join_the_account_that_each_had_kept_from_the_other() -> None:
    account, filed, twin = DIRECT[0], FILED[0], FILED[1]
    world = graph_of((account, filed, 2.0), (account, twin, 2.0))
    assert {world.known[one, account].band for one in (filed, twin)} == {Band.REVIEW}
    become_twins(world, filed, twin)
    assert {world.known[one, account].band for one in (filed, twin)} == {Band.AUTO}
    assert world.organization[account] == {account, filed, twin}
