"""Scores one pair of records: the sum of its claims' points, with each claim said in a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from syncd.matching.claims import CLAIMS, cells
from syncd.matching.details import detail
from syncd.matching.pairs import Pair
from syncd.matching.parse import Parsed
from syncd.matching.points import BEGIN, Cell, Weights
from syncd.matching.statistics import Statistics
from syncd.model import SAME_GROUP, Evidence, Ref

FLOOR = -7.0  # points below which a pair is not kept: less than one in a hundred

_BEGIN = "Before anything is compared: records that share a key are mostly different organizations"
_SENTENCES = {claim.__name__: (claim.__doc__ or "").strip() for claim in CLAIMS}


@dataclass(frozen=True, slots=True)
class Edge:
    """A scored pair before its rivals are looked at. `a` is the smaller ref; both sides make the same edge."""

    a: Ref
    b: Ref
    points: float
    evidence: tuple[Evidence, ...] = ()

    def claims(self) -> frozenset[str]:
        """The names of the claims that hold."""
        return frozenset(e.claim for e in self.evidence)


def score(left: Parsed, right: Parsed, statistics: Statistics, weights: Weights) -> tuple[float, tuple[Evidence, ...]]:
    """Points of a pair and the evidence they are the sum of; depends on nothing but its arguments."""
    pair = Pair(left, right, statistics)
    evidence = evidence_of(pair, cells(pair), weights)
    return total(evidence), evidence


def total(evidence: tuple[Evidence, ...]) -> float:
    """The sum of the evidence."""
    return round(sum(e.points for e in evidence), 3)


def evidence_of(pair: Pair, found: tuple[Cell, ...], weights: Weights) -> tuple[Evidence, ...]:
    """The cells of a pair with points and sentences, the starting odds first."""
    begin = Evidence(BEGIN[0], weights.of(BEGIN), _BEGIN)
    return (begin, *(Evidence(cell[0], weights.of(cell), sentence(cell, pair)) for cell in found))


def sentence(cell: Cell, pair: Pair) -> str:
    """A claim in words, with what was compared."""
    said = detail(*cell, pair)
    return f"{_SENTENCES[cell[0]]}: {said}" if said else _SENTENCES[cell[0]]


def is_worth_scoring(pair: Pair) -> bool:
    """Whether more than a common word connects the two; spares most pairs the full comparison."""
    left, right = pair.left, pair.right
    return (
        pair.same_domain
        or pair.same_postcode
        or bool(pair.shared_numbers and pair.shared_street)
        or bool(left.label and left.label == right.label)
        or bool(left.phone and left.phone[-8:] == right.phone[-8:])
        or bool(left.tax_ids and set(left.tax_ids) & set(right.tax_ids))
        or (pair.have_names and pair.name.agreement >= 0.3)
        or pair.spelling is not None
        or _may_be_initials(pair)
    )


def _may_be_initials(pair: Pair) -> bool:
    return any([len(n.folds) == 1 and len(n.joined) <= 6 for record in (pair.left, pair.right) for n in record.names])


def edge(left: Parsed, right: Parsed, statistics: Statistics, weights: Weights, floor: float = FLOOR) -> Edge | None:
    """The pair as an edge; None when it is hopeless."""
    pair = Pair(left, right, statistics)
    if not is_worth_scoring(pair):
        return None
    found = cells(pair)
    return None if weights.sum(found) < floor else edge_of(pair, found, weights)


def edge_of(pair: Pair, found: tuple[Cell, ...], weights: Weights) -> Edge:
    """The edge of a pair whose claims are known."""
    evidence = evidence_of(pair, found, weights)
    return Edge(pair.left.ref, pair.right.ref, total(evidence), evidence)


def bare_edge(one: Ref, other: Ref, found: tuple[Cell, ...], weights: Weights) -> Edge:
    """The edge of a pair whose claims are known; its evidence has points and no sentences."""
    evidence = tuple([_bare(cell[0], weights.of(cell)) for cell in (BEGIN, *found)])
    return Edge(min(one, other), max(one, other), total(evidence), evidence)


_WITHOUT_POINTS = ("held_for_review", SAME_GROUP)


def telling(evidence: Iterable[Evidence]) -> list[Evidence]:
    """The evidence that says something about a pair; what holds a link back comes first."""
    found = [e for e in evidence if e.claim != "to_begin_with" and (abs(e.points) >= 0.5 or e.claim in _WITHOUT_POINTS)]
    return sorted(found, key=lambda e: (e.claim != "held_for_review", -abs(e.points)))


@lru_cache(maxsize=4096)
def _bare(claim: str, points: float) -> Evidence:
    return Evidence(claim, points, "")
