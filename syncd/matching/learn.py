"""Learns a deployment's own points from what people know, shrunk to the shipped points by pseudo-counts.

Every level starts with `pseudo` pairs that say what the shipped table says, so that a level which few labelled pairs
have hardly moves, and one that many have is taught by them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import log2

from syncd.matching.assess import Calibration, calibration
from syncd.matching.decide import rivalries
from syncd.matching.evaluate import Quality, Two, evaluate
from syncd.matching.points import AMONG_RIVALS, BEGIN, Cell, Weights
from syncd.matching.rivals import rival_cells
from syncd.matching.score import FLOOR
from syncd.matching.train import Example, fit_pairs, fit_rivals
from syncd.matching.trial import Trial, edges, fold_of, links
from syncd.model import Judgement, Link, Ref

PSEUDO = 40.0
"""Pairs that the shipped points of a level count as; a level seen in fewer labelled pairs moves little."""

_NEVER = frozenset(("no_name", "different_tax_id"))  # what no number of examples should soften
_RIVALS = frozenset(
    ("next_best_is_far_behind", "another_account_fits_too", "no_other_filing_fits", "another_filing_fits_better")
)

Admits = Callable[[Ref], bool]


@dataclass(frozen=True)
class Lesson:
    """A trial to learn from. With `judged` only these pairs are known; without it the trial's truth is complete."""

    trial: Trial
    judged: Mapping[Two, Judgement] | None = None

    def label(self, pair: Two) -> bool | None:
        """Whether (filed, account) is a match; None where nobody knows."""
        if self.judged is None:
            return pair in self.trial.truth
        said = self.judged.get(pair)
        return None if said in (None, Judgement.UNSURE) else said is Judgement.SAME

    @property
    def labelled(self) -> int:
        """How many compared pairs have a label."""
        across = (pair for pair, _ in self.trial.compared if self.trial.is_cross(pair))
        return sum(self.label(self.trial.filed_first(pair)) is not None for pair in across)


@dataclass(frozen=True, slots=True)
class Figures:
    """How good a table is on what it has not seen.

    `loss` is in bits for each labelled pair, `calibration` that of the labelled pairs that are links; `quality` is
    known only where the truth is complete.
    """

    pairs: int
    loss: float
    calibration: Calibration
    quality: Quality | None


@dataclass(frozen=True, slots=True)
class Learned:
    """The table learned from everything, and how its method and the shipped table do on held-out filed companies."""

    weights: Weights
    shipped: Figures
    learned: Figures
    folds: int

    @property
    def is_better(self) -> bool:
        """Whether it is worth having: fewer bits lost, and where the truth is complete no worse links."""
        if self.shipped.quality and self.learned.quality:
            before, after = self.shipped.quality, self.learned.quality
            if after.best_f1 < before.best_f1 or after.auto_precision < min(before.auto_precision, 0.99):
                return False
        return self.learned.loss < self.shipped.loss


def learn(lesson: Lesson, shipped: Weights, folds: int = 5, pseudo: float = PSEUDO, note: str = "") -> Learned:
    """Fit on everything, and measure by folds of filed companies: none is judged by a table that learned from it."""
    before: dict[Two, float] = {}
    after: dict[Two, float] = {}
    links_before, links_after = links(lesson.trial, shipped), []
    for fold in range(folds):
        weights = fitted(lesson, shipped, lambda ref, out=fold: fold_of(ref, folds) != out, pseudo)  # type: ignore[misc]
        held: Admits = lambda ref, out=fold: fold_of(ref, folds) == out  # type: ignore[misc]  # noqa: E731
        before |= _answers(lesson, shipped, held)
        after |= _answers(lesson, weights, held)
        links_after += [link for link in links(lesson.trial, weights) if held(link.left)]
    whole = replace(fitted(lesson, shipped, lambda ref: True, pseudo), trained_on=f"{note}; from: {shipped.trained_on}")
    asked = before.keys() | after.keys()
    shown = _figures(lesson, asked, before, links_before)
    return Learned(whole, shown, _figures(lesson, asked, after, links_after), folds)


def fitted(lesson: Lesson, shipped: Weights, admits: Admits, pseudo: float = PSEUDO) -> Weights:
    """The table that follows from the labelled pairs of the admitted filed companies."""
    start = replace(shipped, start=shipped.points)
    pairs = [*_pairs(lesson, admits), *_pseudo_pairs(shipped, pseudo)]
    weights = fit_pairs(pairs, start, shipped.trained_on, held=_NEVER)
    rivals = [*_rivals(lesson, weights, admits), *_pseudo_rivals(shipped, pseudo)]
    return replace(fit_rivals(rivals, weights), start=shipped.start)


def _pairs(lesson: Lesson, admits: Admits) -> Iterator[Example]:
    trial = lesson.trial
    for pair, cells in trial.compared:
        if trial.is_cross(pair):
            ordered = trial.filed_first(pair)
            label = lesson.label(ordered)
            if label is not None and admits(ordered[0]):
                yield Example(cells, label, 0.0, trial.weight)


def _rivals(lesson: Lesson, weights: Weights, admits: Admits) -> Iterator[Example]:
    trial = lesson.trial
    for pair, (edge, rivalry) in rivalries(edges(trial, weights), trial.role, weights).items():
        label = lesson.label(pair)
        if label is not None and admits(pair[0]):
            yield Example(rival_cells(rivalry), label, edge.points, trial.weight)


def _pseudo_pairs(shipped: Weights, pseudo: float) -> Iterator[Example]:
    """For each level pairs at even odds by the shipped points, half of them matches: they hold it where it is."""
    for cell in shipped.start:
        if cell != BEGIN and not _is_rival(cell):
            yield from _even(cell, shipped.of(BEGIN) + shipped.of(cell), pseudo)


def _pseudo_rivals(shipped: Weights, pseudo: float) -> Iterator[Example]:
    for cell in filter(_is_rival, shipped.start):
        yield from _even(cell, shipped.of(cell), pseudo)


def _is_rival(cell: Cell) -> bool:
    return cell == AMONG_RIVALS or cell[0] in _RIVALS


def _even(cell: Cell, points: float, pseudo: float) -> Iterator[Example]:
    for is_match in (True, False):
        yield Example((cell,), is_match, -points, pseudo / 2)


# --- measuring -------------------------------------------------------------------------------------------------------


def _answers(lesson: Lesson, weights: Weights, admits: Admits) -> dict[Two, float]:
    """The probability of every labelled pair of the admitted companies that is not hopeless, rivals included."""
    trial = lesson.trial
    found = rivalries(edges(trial, weights), trial.role, weights)
    return {
        pair: weights.probability(edge.points + sum(map(weights.of, rival_cells(rivalry))))
        for pair, (edge, rivalry) in found.items() if lesson.label(pair) is not None and admits(pair[0])
    }  # fmt: skip


def _figures(lesson: Lesson, asked: Collection[Two], said: Mapping[Two, float], found: Iterable[Link]) -> Figures:
    known = [link for link in found if lesson.label((link.left, link.right)) is not None]
    true = {(k.left, k.right) for k in known if lesson.label((k.left, k.right))}
    hopeless = Weights.probability(FLOOR)
    loss = sum(_bits(said.get(pair, hopeless), lesson.label(pair)) for pair in asked) / max(1, len(asked))
    quality = evaluate(known, lesson.trial.truth) if lesson.judged is None else None
    return Figures(len(asked), loss, calibration(known, true), quality)


def _bits(said: float, label: bool | None) -> float:
    """What an answer costs that was given this probability."""
    return -log2(max(1e-6, said if label else 1.0 - said))
