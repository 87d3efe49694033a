"""Fits the points table to labelled pairs by logistic regression that starts from the hand-set values.

Pairs with the same levels count as one row with a weight. A value moves away
from its start only as far as the data pull it (a Gaussian prior around the start), so a level that the labelled
sets do not have keeps what a person gave it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log

import numpy as np
from numpy.typing import NDArray

from syncd.matching.points import AMONG_RIVALS, BEGIN, Cell, Weights

Row = tuple[tuple[int, ...], bool, float]  # parameters in use, match or not, points given
Rows = Mapping[Row, float]
Floats = NDArray[np.float64]

_NATS = log(2)  # points are to base 2, regression to base e
_SPREAD = 2.0  # how far, in points, a value may lie from its start without strong evidence
_ROUNDS = 25
_RIVALS = ("next_best_is_far_behind", "another_account_fits_too", "no_other_filing_fits", "another_filing_fits_better")


# Levels from most to least in favour; `0` is where a claim says nothing. Training keeps this order, so that a
# reader is never told that a missing rival counts less than a near one, or that an equal telephone counts against.
LADDERS = (
    "same_name: in_full to_the_letter equal 0",
    "words_agree: nearly_all most two_thirds half less_than_half little hardly",
    "rare_words_agree: unique very_rare rare uncommon common very_common",
    "first_word_differs: 0 differs",
    "typing_error: 0 typo typos",
    "typing_error: 0 plural",
    "typing_error: 0 joined",
    "shortened_word: 0 short",
    "shortened_word: 0 cut",
    "one_side_has_extra_words: 0 optional common rare",
    "one_side_has_extra_words: 0 own_city place",
    "one_side_has_extra_words: optional place",
    "one_side_has_extra_words: optional number",
    "subsidiary_word: 0 trade",
    "subsidiary_word: 0 group",
    "subsidiary_word: 0 own_country",
    "subsidiary_word: 0 letter",
    "both_have_own_words: 0 light telling weighty",
    "different_places: 0 differ",
    "different_numbers: 0 one_sided conflict",
    "initials_agree: initials 0",
    "same_legal_form: same 0",
    "different_legal_form: 0 differ",
    "same_domain: own few_names many_names 0",
    "same_domain_label: label 0",
    "different_domain: alike differ",
    "domain_spells_name: wholly partly 0",
    "same_postcode: own few_names many_names 0",
    "different_postcode: 0 near far",
    "same_street_number: number_and_street words 0",
    "different_street: 0 differ",
    "different_country: 0 differ",
    "names_look_alike: very_much much somewhat little not",
    "name_within_name: wholly nearly mostly partly little not",
    "domain_reads_like_name: wholly_better_than_its_own mostly_better_than_its_own partly_better_than_its_own",
    "domain_reads_like_name: wholly mostly partly little not",
    "domain_reads_like_name: mostly_its_own_better partly_its_own_better little_its_own_better not_its_own_better",
    "domain_has_own_word: own_word 0",
    "other_name_at_same_place: address number postcode",
    "other_name_at_same_place: number number_only",
    "other_name_at_same_place: domain_and_address domain_and_place",
    "next_best_is_far_behind: no_other far clear ahead 0",
    "another_account_fits_too: 0 as_well better much_better",
    "no_other_filing_fits: no_other far clear ahead 0",
    "another_filing_fits_better: 0 as_well better much_better",
)


def _ladders() -> list[list[Cell | None]]:
    plain = [line.split(": ") for line in LADDERS]
    return [[None if level == "0" else (claim, level) for level in levels.split()] for claim, levels in plain]


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled pair: the cells that hold, points that are given and not fitted, and how much it counts."""

    cells: tuple[Cell, ...]
    is_match: bool
    given: float = 0.0
    weight: float = 1.0


def fit_pairs(examples: Iterable[Example], weights: Weights, trained_on: str,
              held: frozenset[str] | None = None) -> Weights:  # fmt: skip
    """Fit what a pair tells by itself; the rivals' points stay, and those of the claims that are `held`.

    Held are, if nothing else is said, the claims that the labelled sets of the package cannot teach.
    """
    fixed = _NOT_TAUGHT if held is None else held
    free = [cell for cell in weights.start if not _is_rival(cell) and cell[0] not in fixed]
    fitted, seen = _fit(examples, weights, free, True, fixed)
    return replace(weights, points={**weights.points, **fitted}, pairs={**weights.pairs, **seen}, trained_on=trained_on)


def fit_rivals(examples: Iterable[Example], weights: Weights) -> Weights:
    """Fit what the rivals tell on top of the pair's own points, which the examples bring as given."""
    fitted, seen = _fit(examples, weights, [c for c in weights.start if _is_rival(c)], False, _NOT_TAUGHT)
    return replace(weights, points={**weights.points, **fitted}, pairs={**weights.pairs, **seen})


def fit_together(examples: Iterable[Example], weights: Weights) -> Weights:
    """Fit what pairs and their rivals tell at once; the examples bring the cells of both.

    So no claim is paid twice: what the rivals already say is taken off the points of the pair.
    """
    free = [cell for cell in weights.start if cell[0] not in _NOT_TAUGHT]
    fitted, seen = _fit(examples, weights, free, True, _NOT_TAUGHT)
    return replace(weights, points={**weights.points, **fitted}, pairs={**weights.pairs, **seen})


def fit_begin(examples: Iterable[Example], weights: Weights) -> Weights:
    """Set the starting odds so that pairs are calibrated before rivals are looked at; the end result stays."""
    counts: Counter[Row] = Counter()
    for example in examples:
        given = round(weights.sum(example.cells) - weights.of(BEGIN), 1)
        counts[(0,), example.is_match, given] += example.weight  # type: ignore[assignment]
    begin = round(_regress(counts, [weights.of(BEGIN) * _NATS], [0], [weights.of(BEGIN) * _NATS])[0] / _NATS, 3)
    among = weights.of(AMONG_RIVALS) + weights.of(BEGIN) - begin
    return replace(weights, points={**weights.points, BEGIN: begin, AMONG_RIVALS: round(among, 3)})


# What the labelled sets cannot teach keeps the value that a person gave it: they have these fields on both sides
# for a hundred restaurants only, or one country throughout.
_NOT_TAUGHT = frozenset(
    (
        "no_name",
        "person_and_company",
        "both_are_people",
        "only_common_words_agree",
        "same_city",
        "different_city",
        "same_phone",
        "different_phone",
        "same_country",
        "same_tax_id",
        "different_tax_id",
    )
)


def _is_rival(cell: Cell) -> bool:
    return cell == AMONG_RIVALS or cell[0] in _RIVALS


def _fit(examples: Iterable[Example], weights: Weights, free: list[Cell],
         with_begin: bool, fixed: frozenset[str]) -> tuple[dict[Cell, float], dict[Cell, int]]:  # fmt: skip
    number = {cell: at for at, cell in enumerate(free)}
    rows: Counter[Row] = Counter()
    seen: Counter[Cell] = Counter()
    for example in examples:
        cells = (BEGIN, *example.cells) if with_begin else example.cells
        known = tuple(sorted(number[cell] for cell in cells if cell in number))
        seen.update(cells)
        held = sum(weights.start[cell] for cell in cells if cell[0] in fixed)
        rows[known, example.is_match, round(example.given + held, 2)] += example.weight  # type: ignore[assignment]
    start = [weights.start[cell] * _NATS for cell in free]
    values = _in_order(rows, start, number)
    fitted = {cell: round(value / _NATS, 3) for cell, value in zip(free, values, strict=True)}
    return fitted, {cell: int(seen[cell]) for cell in free}


def _in_order(rows: Rows, start: list[float], number: Mapping[Cell, int]) -> list[float]:
    """Fit; where two neighbours of a ladder come out in the wrong order, make them one and fit again."""
    ladders = [[-1 if cell is None else number[cell] for cell in ladder if cell is None or cell in number]
               for ladder in _ladders()]  # fmt: skip
    same = list(range(len(start)))  # the parameter that each cell uses; -1 for one held at 0
    values = list(start)
    while True:
        values = _regress(_merged(rows, same), start, same, values)
        broken = [(upper, lower) for ladder in ladders for upper, lower in pairwise(ladder)
                  if _value(values, same, upper) < _value(values, same, lower) - 1e-6]  # fmt: skip
        if not broken:
            return [_value(values, same, at) for at in range(len(start))]
        for upper, lower in broken:
            one, other = sorted((_parameter(same, upper), _parameter(same, lower)))
            same = [one if parameter == other else parameter for parameter in same]


def _parameter(same: list[int], at: int) -> int:
    return same[at] if at >= 0 else -1


def _value(values: list[float], same: list[int], at: int) -> float:
    parameter = _parameter(same, at)
    return values[parameter] if parameter >= 0 else 0.0


def _merged(rows: Rows, same: list[int]) -> Rows:
    merged: Counter[Row] = Counter()
    for (cells, is_match, given), count in rows.items():
        used = tuple([same[cell] for cell in cells if same[cell] >= 0])
        merged[used, is_match, given] += count  # type: ignore[assignment]
    return merged


def _regress(rows: Rows, start: list[float], same: list[int], values: list[float]) -> list[float]:
    """Newton's method on the penalised log-likelihood, with steps bounded so that it cannot run away."""
    pull = 1.0 / (_SPREAD * _NATS) ** 2
    table = _Table(rows, len(start))
    begin, now = np.array(start), np.array(values)
    for _ in range(_ROUNDS):
        gradient, curvature = table.slopes(now)
        step = np.linalg.solve(curvature + pull * np.eye(len(now)), gradient + pull * (begin - now))
        largest = float(np.abs(step).max())
        now = now + step * min(1.0, 2.0 / max(1e-12, largest))
        if largest < 1e-3:
            break
    return [float(value) for value in now]


class _Table:
    """The rows as arrays, in blocks that fit the processor's cache."""

    def __init__(self, rows: Rows, size: int) -> None:
        cells = [known for known, _, _ in rows]
        self.design = np.zeros((len(cells), size), dtype=np.float32)
        at = np.repeat(np.arange(len(cells)), [len(known) for known in cells])
        np.add.at(self.design, (at, np.array([cell for known in cells for cell in known], dtype=np.int64)), 1.0)
        self.matches = np.array([is_match for _, is_match, _ in rows], dtype=np.float64)
        self.given = np.array([given for _, _, given in rows], dtype=np.float64) * _NATS
        self.counts = np.array(list(rows.values()), dtype=np.float64)

    def slopes(self, values: Floats) -> tuple[Floats, Floats]:
        """Gradient and curvature of the log-likelihood at these values."""
        totals = self.given + self.design @ values.astype(np.float32)
        chance = 1.0 / (1.0 + np.exp(-np.clip(totals, -50.0, 50.0)))
        gradient = self.design.T @ (self.counts * (self.matches - chance)).astype(np.float32)
        bend = np.sqrt(self.counts * chance * (1.0 - chance)).astype(np.float32)
        bent = self.design * bend[:, None]
        return gradient.astype(np.float64), (bent.T @ bent).astype(np.float64)
