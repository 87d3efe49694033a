"""Trials: labelled lists on which the points table is fitted, and measured on records it was not fitted to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from syncd.matching.claims import cells
from syncd.matching.decide import rivalries
from syncd.matching.link import Linker, candidate_pairs
from syncd.matching.pairs import Pair
from syncd.matching.parse import parse
from syncd.matching.points import BEGIN, Cell, Weights
from syncd.matching.retype import retyped
from syncd.matching.rivals import rival_cells
from syncd.matching.score import FLOOR, Edge, is_worth_scoring
from syncd.matching.statistics import Statistics
from syncd.matching.train import Example, fit_begin, fit_pairs, fit_together
from syncd.model import Account, Evidence, Link, Ref

Two = tuple[Ref, Ref]


@dataclass(frozen=True)
class Trial:
    """Two lists with their true pairs, compared once; scoring them with other weights is then cheap."""

    name: str
    statistics: Statistics
    direct: frozenset[Ref]
    compared: tuple[tuple[Two, tuple[Cell, ...]], ...]
    truth: frozenset[Two]
    weight: float = 1.0

    def role(self, ref: Ref) -> str:
        """The right list is the vendor's."""
        return "direct" if ref in self.direct else "filed"

    def filed_first(self, pair: Two) -> Two:
        """The pair as (filed, direct)."""
        return (pair[1], pair[0]) if pair[0] in self.direct else pair

    def is_cross(self, pair: Two) -> bool:
        """One of each list."""
        return (pair[0] in self.direct) != (pair[1] in self.direct)


Teacher = Callable[[Trial, Ref], bool]


def prepare(name: str, left: Sequence[Account], right: Sequence[Account], truth: Collection[Two],
            weight: float = 1.0) -> Trial:  # fmt: skip
    """Parse both lists, find candidates and compare them. `weight` says how much its pairs count in training."""
    here, there = [parse(account) for account in left], [parse(account) for account in right]
    statistics = Statistics.build([*here, *there])
    pairs = (Pair(one, other, statistics) for one, other in candidate_pairs(here, there))
    compared = sorted(_compared(pair) for pair in pairs if is_worth_scoring(pair))
    return Trial(name, statistics, frozenset(record.ref for record in there), tuple(compared), frozenset(truth), weight)


def _compared(pair: Pair) -> tuple[Two, tuple[Cell, ...]]:
    return (pair.left.ref, pair.right.ref), cells(pair)


def edges(trial: Trial, weights: Weights) -> list[Edge]:
    """The pairs of a trial scored with these weights; evidence without sentences."""
    return [_edge(pair, found, weights) for pair, found in trial.compared if weights.sum(found) >= FLOOR]


def _edge(pair: Two, found: tuple[Cell, ...], weights: Weights) -> Edge:
    evidence = tuple(Evidence(cell[0], weights.of(cell), "") for cell in (BEGIN, *found))
    return Edge(*pair, round(sum(e.points for e in evidence), 3), evidence)


def retype(name: str, left: Sequence[Account], right: Sequence[Account], truth: Collection[Two],
           weight: float = 1.0) -> Trial:  # fmt: skip
    """The same lists with the left one typed again as busy partners do; to train on, not to measure on."""
    again = {account.ref: retyped(account) for account in left}
    pairs = {(again[filed].ref, direct) for filed, direct in truth}
    return prepare(f"{name} retyped", list(again.values()), right, pairs, weight)


def links(trial: Trial, weights: Weights, auto: float = 0.97, review: float = 0.10) -> list[Link]:
    """The links between the two lists."""
    decided = Linker(trial.statistics, weights, auto, review).decide(edges(trial, weights), trial.role, {})
    return [link for link in decided.links if link.left not in trial.direct and link.right in trial.direct]


def everything(trial: Trial, ref: Ref) -> bool:
    """Learn from every filed company."""
    return True


def fit(trials: Iterable[Trial], start: Weights, learns_from: Teacher = everything, note: str = "") -> Weights:
    """Fit on the filed companies that `learns_from` admits: pairs alone, then together with the rivals they show."""
    trials = list(trials)
    weights = fit_pairs(_all_pairs(trials, learns_from), start, note or ", ".join(trial.name for trial in trials))
    for _ in range(_PASSES):
        rivals = (example for trial in trials for example in _rival_examples(trial, weights, learns_from))
        weights = fit_together(rivals, weights)
    return fit_begin(_all_pairs(trials, learns_from), weights)


_PASSES = 2  # a third changes nothing


def _all_pairs(trials: Iterable[Trial], learns_from: Teacher) -> Iterable[Example]:
    return (example for trial in trials for example in _pair_examples(trial, learns_from))


def _pair_examples(trial: Trial, learns_from: Teacher) -> Iterable[Example]:
    for pair, found in trial.compared:
        ordered = trial.filed_first(pair)
        if trial.is_cross(pair) and learns_from(trial, ordered[0]):
            yield Example(found, ordered in trial.truth, 0.0, trial.weight)


def _rival_examples(trial: Trial, weights: Weights, learns_from: Teacher) -> Iterable[Example]:
    known = dict(trial.compared)
    for pair, (_, rivalry) in rivalries(edges(trial, weights), trial.role, weights).items():
        if learns_from(trial, pair[0]):
            cells = (*known[min(pair), max(pair)], *rival_cells(rivalry))
            yield Example(cells, pair in trial.truth, 0.0, trial.weight)


def out_of_fold(trials: Sequence[Trial], start: Weights, folds: int = 5) -> dict[str, list[Link]]:
    """Links of every trial, by its name, in which no filed company was scored by weights that learned from it.

    One fold is left out of all trials at once; a retyped company is in the fold of the company.
    """
    found: dict[str, list[Link]] = {trial.name: [] for trial in trials}
    for fold in range(folds):
        weights = fit(trials, start, lambda _, ref, out=fold: fold_of(ref, folds) != out)  # type: ignore[misc]
        for trial in trials:
            found[trial.name] += [link for link in links(trial, weights) if fold_of(link.left, folds) == fold]
    return found


def all_but(name: str, fold: int, folds: int = 2) -> Teacher:
    """Learn from everything except one fold of the trial `name` and of its retyped copy."""
    return lambda trial, ref: not trial.name.startswith(name) or fold_of(ref, folds) != fold


def fold_of(ref: Ref, folds: int = 2) -> int:
    """Which fold a filed company is in: by a hash of its id, the same in every run and for its retyped copy."""
    return int.from_bytes(blake2b(ref.id.rstrip("~").encode(), digest_size=4).digest(), "big") % folds
