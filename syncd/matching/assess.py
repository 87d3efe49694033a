"""Assesses links for people: figures by band, whether scores mean what they say, clusters, disagreements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import TypeVar

from syncd.matching.evaluate import Quality, Two, evaluate
from syncd.model import Band, Link, Ref

Item = TypeVar("Item", bound=Hashable)

EDGES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 1.0)
"""Where the bins of the reliability table begin and end; finer where links begin to act by themselves."""
_SURE = 1.96  # standard deviations of a 95 % interval


@dataclass(frozen=True, slots=True)
class BandFigures:
    """How good the links of one band are. `recall` and `f1` are over all true pairs; None where nothing was counted."""

    band: str
    links: int
    right: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Links with a score from `low` to below `high`: their mean score, how many are true, and a 95 % interval."""

    low: float
    high: float
    links: int
    right: int
    mean: float
    share: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether scores are probabilities. `brier`: mean squared error; `gap`: mean distance of score and share."""

    bins: tuple[Bin, ...]
    brier: float
    gap: float


@dataclass(frozen=True, slots=True)
class Clusters:
    """B-cubed: for the mean record, how much of its found cluster is right, and how much of its true one was found."""

    band: str
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Wrong:
    """A link that the truth lacks. `unlabelled`: neither record has a true partner, so the truth may be incomplete."""

    link: Link
    unlabelled: bool


@dataclass(frozen=True, slots=True)
class Missed:
    """A true pair that is not linked automatically; `link` is what there is of it, None when it is not in the file."""

    pair: Two
    link: Link | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that `match evaluate` tells. Disagreements come worst first."""

    quality: Quality
    bands: tuple[BandFigures, ...]
    calibration: Calibration
    curve: tuple[tuple[float, float, float], ...]
    wrong: tuple[Wrong, ...]
    missed: tuple[Missed, ...]
    clusters: tuple[Clusters, ...] = ()


def assess(links: Iterable[Link], truth: Collection[Two], renamed: Collection[Two] = (),
           clusters: Mapping[Ref, str] | None = None) -> Assessment:  # fmt: skip
    """Compare links with the true pairs; `clusters` names the true cluster of each record where it is known."""
    found = [link for link in links if link.band is not Band.NONE]
    true = set(truth)
    return Assessment(
        evaluate(found, true, renamed),
        tuple(_figures(name, found, true) for name in ("auto", "review", "auto+review")),
        calibration(found, true),
        tuple(_curve(found, true)),
        tuple(_wrong(found, true)),
        tuple(_missed(found, true)),
        tuple(_clusters(found, clusters)) if clusters else (),
    )


def _of_band(name: str, links: Sequence[Link]) -> list[Link]:
    return [link for link in links if link.band.value in name.split("+")]


def _figures(name: str, links: Sequence[Link], true: set[Two]) -> BandFigures:
    inside = _of_band(name, links)
    right = sum((link.left, link.right) in true for link in inside)
    either = len(inside) + len(true)
    return BandFigures(
        name, len(inside), right, right / len(inside) if inside else None, right / len(true) if true else None,
        2 * right / either if either else None,
    )  # fmt: skip


# --- calibration -----------------------------------------------------------------------------------------------------


def calibration(links: Sequence[Link], true: Collection[Two]) -> Calibration:
    """The reliability table of the scores. A person's word is no score, so judged links are left out."""
    said = [(link.score, (link.left, link.right) in true) for link in links if link.judgement is None]
    bins = [made for low, high in pairwise(EDGES) if (made := _bin(low, high, said)) is not None]
    brier = sum((score - right) ** 2 for score, right in said) / len(said) if said else 0.0
    gap = sum(b.links * abs(b.mean - b.share) for b in bins) / len(said) if said else 0.0
    return Calibration(tuple(bins), brier, gap)


def _bin(low: float, high: float, said: Sequence[tuple[float, bool]]) -> Bin | None:
    inside = [(s, right) for s, right in said if low <= s < high or s == high == EDGES[-1]]
    if not inside:
        return None
    right = sum(good for _, good in inside)
    least, most = interval(right, len(inside))
    return Bin(low, high, len(inside), right, sum(s for s, _ in inside) / len(inside), right / len(inside), least, most)


def interval(right: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share: honest for few cases and near 0 or 1."""
    share, z = right / of, _SURE**2 / of
    middle = (share + z / 2) / (1 + z)
    half = _SURE * sqrt(share * (1 - share) / of + z / (4 * of)) / (1 + z)
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def _curve(links: Sequence[Link], true: set[Two]) -> Iterable[tuple[float, float, float]]:
    """(threshold, precision, recall) for thresholds over the whole range, the highest first."""
    ranked = sorted(links, key=lambda link: -link.score)
    hits = 0
    for seen, link in enumerate(ranked, 1):
        hits += (link.left, link.right) in true
        if (seen == len(ranked) or ranked[seen].score != link.score) and true:
            yield link.score, hits / seen, hits / len(true)


# --- disagreements ---------------------------------------------------------------------------------------------------


def _wrong(links: Sequence[Link], true: set[Two]) -> list[Wrong]:
    partnered = {ref for pair in true for ref in pair}
    false = [link for link in links if (link.left, link.right) not in true]
    false.sort(key=lambda link: (link.band is not Band.AUTO, -link.score, link.left, link.right))
    return [Wrong(link, link.left not in partnered and link.right not in partnered) for link in false]


def _missed(links: Sequence[Link], true: set[Two]) -> list[Missed]:
    """True pairs that are no link at all first, then those in review from the least likely on."""
    by_pair = {(link.left, link.right): link for link in links}
    missed = [Missed(pair, by_pair.get(pair)) for pair in true]
    missed = [m for m in missed if m.link is None or m.link.band is not Band.AUTO]
    return sorted(missed, key=lambda m: (m.link.score if m.link else -1.0, m.pair))


# --- clusters --------------------------------------------------------------------------------------------------------


def _clusters(links: Sequence[Link], true: Mapping[Ref, str]) -> Iterable[Clusters]:
    for name in ("auto", "auto+review"):
        pairs = [(link.left, link.right) for link in _of_band(name, links)]
        yield Clusters(name, *b_cubed(components(true, pairs), true))


def components(items: Iterable[Item], pairs: Iterable[tuple[Item, Item]]) -> dict[Item, Item]:
    """For each item one that stands for everything it is joined with, directly or through others."""
    root = {item: item for item in items}

    def find(item: Item) -> Item:
        root.setdefault(item, item)
        while root[item] != item:
            root[item] = root[root[item]]
            item = root[item]
        return item

    for one, other in pairs:
        root[find(one)] = find(other)
    return {item: find(item) for item in list(root)}


def b_cubed(found: Mapping[Item, Hashable], true: Mapping[Item, Hashable]) -> tuple[float, float, float]:
    """B-cubed precision, recall and F1 over the records whose true cluster is known (Bagga and Baldwin, 1998)."""
    if not true:
        return 0.0, 0.0, 0.0
    named: Callable[[Item], Hashable] = lambda item: found.get(item, ("alone", item))  # noqa: E731
    both = Counter((named(item), cluster) for item, cluster in true.items())
    ours = Counter(named(item) for item in true)
    theirs = Counter(true.values())
    precision = sum(n * n / ours[cluster] for (cluster, _), n in both.items()) / len(true)
    recall = sum(n * n / theirs[cluster] for (_, cluster), n in both.items()) / len(true)
    return precision, recall, 2 * precision * recall / (precision + recall)
