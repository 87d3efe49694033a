"""The linker: scores candidate pairs, decides over them, explains; and links two lists in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import log2
from typing import TypeVar

from syncd.matching.decide import LIKELY, Decided, Thresholds, decide
from syncd.matching.hopeless import Sieve
from syncd.matching.keys import keys, query_keys
from syncd.matching.pairs import Pair
from syncd.matching.parse import Parsed, parse
from syncd.matching.points import Cell, Weights, shipped_weights
from syncd.matching.score import FLOOR, Edge, bare_edge, edge_of, is_worth_scoring, score, sentence, telling
from syncd.matching.sides import MOST_CANDIDATES as MOST_CANDIDATES
from syncd.matching.sides import MOST_TWINS as MOST_TWINS
from syncd.matching.sides import Place, Side, near
from syncd.matching.statistics import Statistics
from syncd.model import Account, Judgement, Link, Ref

_AT_ONCE = 500  # filed companies searched for together

Progress = Callable[[str, int, int], None]
T = TypeVar("T")


class Linker:
    """Links records by frozen statistics and a points table; the same answer for the same arguments."""

    def __init__(self, statistics: Statistics, weights: Weights | None = None, auto: float = 0.97,
                 review: float = 0.10, duplicates: float = 0.97) -> None:  # fmt: skip
        self.statistics = statistics
        self.weights = weights or shipped_weights()
        self._sieve = Sieve(self.weights, FLOOR)
        self._alike: Sieve | None = None
        self.thresholds = Thresholds(auto, review, duplicates)

    def edge(self, one: Parsed, other: Parsed) -> Edge | None:
        """One pair; None when it is hopeless."""
        found = self.compare(one, other)
        return None if found is None else edge_of(Pair(one, other, self.statistics), found, self.weights)

    def compare(self, one: Parsed, other: Parsed) -> tuple[Cell, ...] | None:
        """The claims that hold for a pair; None when it is hopeless."""
        pair = Pair(one, other, self.statistics)
        return self._sieve.cells(pair) if is_worth_scoring(pair) else None

    def compare_alike(self, one: Parsed, other: Parsed) -> tuple[Cell, ...] | None:
        """The same for two records of one side; None as well when the pair is not likely enough to matter there."""
        pair = Pair(one, other, self.statistics)
        found = self._likely_sieve().cells(pair) if is_worth_scoring(pair) else None
        return found if found is not None and self.is_likely(found) else None

    def _likely_sieve(self) -> Sieve:
        """Sifts out what is far from likely; what is near the limit is left to `is_likely`."""
        least = min(max(self._least(), 1e-12), 1 - 1e-12)
        floor = max(FLOOR, log2(least / (1 - least)) - 0.01)
        if self._alike is None or self._alike.floor != floor:
            self._alike = Sieve(self.weights, floor)
        return self._alike

    def _least(self) -> float:
        return min(LIKELY, self.thresholds.twins, self.thresholds.duplicates)

    def is_likely(self, found: tuple[Cell, ...]) -> bool:
        """Whether a pair of one side can matter at all: as duplicates, or as the same company filed twice."""
        return self.weights.probability(self.weights.sum(found) + 0.001) >= self._least()

    def bare_edge(self, one: Ref, other: Ref, found: tuple[Cell, ...]) -> Edge:
        """The edge of a pair whose claims are known, without sentences; points as `edge` gives them."""
        return bare_edge(one, other, found, self.weights)

    def reason(self, link: Link, one: Parsed, other: Parsed, found: tuple[Cell, ...]) -> str:
        """What is telling about a link whose evidence came from `bare_edge`, in words. `found` are its claims."""
        pair, cell_of = Pair(one, other, self.statistics), dict(found)
        said = (e.sentence or sentence((e.claim, cell_of[e.claim]), pair) for e in telling(link.evidence))
        return "; ".join(said)

    def edges_of(self, record: Parsed, found: Iterable[Parsed]) -> list[Edge]:
        """The pairs of one record with its candidates that are worth keeping, by the other's ref."""
        others = sorted((other for other in found if other.ref != record.ref), key=lambda other: other.ref)
        scored = (self.edge(record, other) for other in others)
        return [pair for pair in scored if pair is not None]

    def decide(self, edges: Iterable[Edge], role: Callable[[Ref], str],
               judgements: Mapping[tuple[Ref, Ref], Judgement],
               said: Mapping[tuple[Ref, Ref], int] | None = None) -> Decided:  # fmt: skip
        """Links and organizations from all edges. `role` is `direct` for the vendor's accounts, else `filed`.

        `said` tells newer words of people from older ones, by a number that grows with time.
        """
        return decide(edges, role, judgements, self.weights, self.thresholds, said=said)

    def explain(self, one: Parsed, other: Parsed) -> str:
        """A pair in words, links and non-links alike, rivals aside."""
        points, evidence = score(one, other, self.statistics, self.weights)
        probability = self.weights.probability(points)
        lines = [f"“{one.title}” ({one.ref}) and “{other.title}” ({other.ref})", _found_by(one, other)]
        lines += [f"{e.points:+7.2f}  {e.sentence}" for e in evidence if e.points or e.claim != "same_country"]
        lines.append(f"{points:+7.2f}  in all: {probability:.1%} before rivals are looked at")
        return "\n".join(lines)


def _found_by(one: Parsed, other: Parsed) -> str:
    shared = sorted(set(query_keys(one)) & set(keys(other)) | set(query_keys(other)) & set(keys(one)))
    if not shared:
        return "Not found by any key: they share no word, domain, postcode, street, telephone or tax number"
    return "Found by: " + ", ".join(shared[:12])


def link_all(left: Sequence[Account], right: Sequence[Account], *, weights: Weights | None = None,
             statistics: Statistics | None = None, auto: float = 0.97, review: float = 0.10,
             judgements: Mapping[tuple[Ref, Ref], Judgement] | None = None,
             progress: Progress | None = None) -> list[Link]:  # fmt: skip
    """Link companies as filed (`left`) to accounts (`right`): every pair above the band none, best first.

    The refs of the two lists must differ. `progress` is told the step, how many are done and of how many.
    """
    tell = progress or _silent
    here = [parse(account) for account in _told(left, "read left", tell)]
    there = [parse(account) for account in _told(right, "read right", tell)]
    linker = Linker(statistics or Statistics.build([*here, *there]), weights, auto, review)
    edges = edges_between(linker, here, there, tell)
    direct = {record.ref for record in there}
    decided = linker.decide(edges, lambda ref: "direct" if ref in direct else "filed", judgements or {})
    links = [link for link in decided.links if link.left not in direct and link.right in direct]
    return sorted(links, key=lambda link: (-link.score, link.left, link.right))


def edges_between(linker: Linker, here: Sequence[Parsed], there: Sequence[Parsed],
                  progress: Progress | None = None) -> list[Edge]:  # fmt: skip
    """All edges of two lists: across, and within each list for duplicates."""
    found = (linker.edge(one, other) for one, other in candidate_pairs(here, there, progress))
    return [pair for pair in found if pair is not None]


def candidate_pairs(here: Sequence[Parsed], there: Sequence[Parsed],
                    progress: Progress | None = None) -> Iterator[tuple[Parsed, Parsed]]:  # fmt: skip
    """Each pair of records that some key brings together, once: what `syncd.matching.sides` says is near."""
    filed, direct = Side.of(here), Side.of(there)
    seen: set[tuple[Place, Place]] = set()
    for start in range(0, len(here), _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, len(here)))
        for pair in near(filed, direct, numbers, here[numbers.start : numbers.stop]):
            if pair not in seen:
                seen.add(pair)
                (one_side, one), (other_side, other) = pair
                yield (there if one_side else here)[one], (there if other_side else here)[other]
        if progress:
            progress("compare", numbers.stop, len(here))


def _silent(step: str, done: int, of: int) -> None:
    return None


def _told(items: Sequence[T], step: str, progress: Progress) -> Iterable[T]:
    for done, item in enumerate(items):
        if done % 500 == 0:
            progress(step, done, len(items))
        yield item
    progress(step, len(items), len(items))
