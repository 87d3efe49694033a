"""The linker: scores candidate pairs, decides over them, explains; and links two lists in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from syncd.matching.decide import Decided, Thresholds, decide
from syncd.matching.index import MemoryCandidates
from syncd.matching.keys import keys, query_keys
from syncd.matching.parse import Parsed, parse
from syncd.matching.points import Weights, shipped_weights
from syncd.matching.score import Edge, edge, score
from syncd.matching.statistics import Statistics
from syncd.model import Account, Judgement, Link, Ref

MOST_CANDIDATES = 20
_MOST_TWINS = 8  # candidates of the same side, for duplicates and twins

Progress = Callable[[str, int, int], None]
T = TypeVar("T")


class Linker:
    """Links records by frozen statistics and a points table; the same answer for the same arguments."""

    def __init__(self, statistics: Statistics, weights: Weights | None = None, auto: float = 0.97,
                 review: float = 0.10, duplicates: float = 0.97) -> None:  # fmt: skip
        self.statistics = statistics
        self.weights = weights or shipped_weights()
        self.thresholds = Thresholds(auto, review, duplicates)

    def edge(self, one: Parsed, other: Parsed) -> Edge | None:
        """One pair; None when it is hopeless."""
        return edge(one, other, self.statistics, self.weights)

    def edges_of(self, record: Parsed, found: Iterable[Parsed]) -> list[Edge]:
        """The pairs of one record with its candidates that are worth keeping, by the other's ref."""
        others = sorted((other for other in found if other.ref != record.ref), key=lambda other: other.ref)
        scored = (self.edge(record, other) for other in others)
        return [pair for pair in scored if pair is not None]

    def decide(self, edges: Iterable[Edge], role: Callable[[Ref], str],
               judgements: Mapping[tuple[Ref, Ref], Judgement]) -> Decided:  # fmt: skip
        """Links and organizations from all edges. `role` is `direct` for the vendor's accounts, else `filed`."""
        return decide(edges, role, judgements, self.weights, self.thresholds)

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
    """Each pair of records that some key brings together, once: across two lists, and within each."""
    records = {record.ref: record for record in (*here, *there)}
    indexes = (MemoryCandidates(here), MemoryCandidates(there))
    seen: set[tuple[Ref, Ref]] = set()
    for side, list_ in enumerate((here, there)):
        for record in _told(list_, "compare " + ("right" if side else "left"), progress or _silent):
            asked = query_keys(record)
            across = indexes[1 - side].find(asked, record.ref, MOST_CANDIDATES)
            within = indexes[side].find(asked, record.ref, _MOST_TWINS)
            for ref, _ in (*across, *within):
                pair = (record.ref, ref) if record.ref < ref else (ref, record.ref)
                if pair not in seen:
                    seen.add(pair)
                    yield record, records[ref]


def _silent(step: str, done: int, of: int) -> None:
    return None


def _told(items: Sequence[T], step: str, progress: Progress) -> Iterable[T]:
    for done, item in enumerate(items):
        if done % 500 == 0:
            progress(step, done, len(items))
        yield item
    progress(step, len(items), len(items))
