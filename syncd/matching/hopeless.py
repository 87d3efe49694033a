"""Tells hopeless pairs early: claims are asked in the order that settles most, until the rest cannot save the pair.

What comes out is what asking every claim would give; only the order of asking differs.
"""

from __future__ import annotations

from syncd.matching.claims import CLAIMS, Claim
from syncd.matching.pairs import Pair
from syncd.matching.points import BEGIN, Cell, Weights

_ROUNDING = 1e-6  # sums in another order may differ by this much at most


class Sieve:
    """The claims in asking order, each with the points of each level and the most that those after it can give."""

    def __init__(self, weights: Weights, floor: float) -> None:
        self._weights, self.floor = weights, floor
        self._begin = weights.of(BEGIN)
        tables = {claim.__name__: _levels(claim.__name__, weights) for claim in CLAIMS}
        order = sorted(enumerate(CLAIMS), key=lambda item: -_settles(item[1].__name__, weights))
        rest = sum(_most(tables[claim.__name__]) for claim in CLAIMS)
        self._steps: list[tuple[int, Claim, dict[str, float], float]] = []
        for at, claim in order:
            rest -= _most(tables[claim.__name__])
            self._steps.append((at, claim, tables[claim.__name__], rest - floor + _ROUNDING))
        self._names = [claim.__name__ for claim in CLAIMS]

    def cells(self, pair: Pair) -> tuple[Cell, ...] | None:
        """Every claim that holds, in the order of the claims; None when they sum to less than the floor."""
        points, held = self._begin, []
        for at, claim, levels, rest in self._steps:
            level = claim(pair)
            if level is not None:
                points += levels.get(level, 0.0)
                held.append((at, level))
            if points + rest < 0.0:
                return None
        held.sort()
        names = self._names
        found = tuple([(names[at], level) for at, level in held])
        return None if self._weights.sum(found) < self.floor else found


def _levels(claim: str, weights: Weights) -> dict[str, float]:
    return {level: points for (name, level), points in weights.points.items() if name == claim}


def _most(levels: dict[str, float]) -> float:
    return max(0.0, *levels.values()) if levels else 0.0


def _settles(claim: str, weights: Weights) -> float:
    """How far asking a claim brings the bound down on average: what it could give less what it mostly gives."""
    levels = _levels(claim, weights)
    asked = max(1, weights.pairs.get(BEGIN, 0))
    mostly = sum(points * weights.pairs.get((claim, level), 0) for level, points in levels.items())
    return _most(levels) - mostly / asked
