"""Figures that are the same for every linker: the curve over thresholds, clusters of one list, calibration."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

Scored = Sequence[tuple[str, str, float]]
"""Pairs (left id, right id) with a score; more is likelier."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Best F1 over all thresholds, and recall at precision 0.99 and 0.95."""

    f1: float
    threshold: float
    recall_99: float
    recall_95: float
    recall_renamed: float | None


def curve(scored: Scored, truth: Collection[tuple[str, str]], renamed: Collection[tuple[str, str]] = ()) -> Curve:
    """Rank by score; ties are taken together. The recall of renamed pairs is that at the best F1."""
    ranked = sorted(scored, key=lambda pair: -pair[2])
    best, threshold, at_99, at_95, hits = 0.0, 1.0, 0.0, 0.0, 0
    for seen, (left, right, score) in enumerate(ranked, 1):
        hits += (left, right) in truth
        if seen < len(ranked) and ranked[seen][2] == score:
            continue
        f1 = 2 * hits / (seen + len(truth))
        if f1 > best:
            best, threshold = f1, score
        at_99 = hits / len(truth) if hits >= 0.99 * seen else at_99
        at_95 = hits / len(truth) if hits >= 0.95 * seen else at_95
    found = {(left, right) for left, right, score in ranked if score >= threshold}
    share = sum(pair in found for pair in renamed) / len(renamed) if renamed else None
    return Curve(best, threshold, at_99, at_95, share)


@dataclass(frozen=True, slots=True)
class Clusters:
    """Best B-cubed F1, and best pairwise F1 without the largest true group, each at its own best threshold."""

    bcubed: float
    pairwise: float


def clusters(scored: Scored, group_of: Mapping[str, str], steps: int = 60) -> Clusters:
    """Join what scores above a threshold, for many thresholds, and take the best of each figure."""
    ranked = sorted(scored, key=lambda pair: -pair[2])
    largest = Counter(group_of.values()).most_common(1)[0][0]
    rest = {id_: group for id_, group in group_of.items() if group != largest}
    joined = {id_: {id_} for id_ in group_of}
    best_b, best_p = bcubed(joined.values(), group_of), 0.0
    cuts = {round(len(ranked) * (step + 1) / steps) for step in range(steps)}
    for seen, (one, other, _) in enumerate(ranked, 1):
        here, there = joined[one], joined[other]
        if here is not there:
            here |= there
            joined.update(dict.fromkeys(there, here))
        if seen in cuts:
            parts = list({id(part): part for part in joined.values()}.values())
            best_b = max(best_b, bcubed(parts, group_of))
            best_p = max(best_p, pairwise(parts, rest))
    return Clusters(best_b, best_p)


def bcubed(parts: Iterable[Collection[str]], group_of: Mapping[str, str]) -> float:
    """F1 of the precision and recall that an average record sees in its own cluster."""
    sizes = Counter(group_of.values())
    precision = recall = 0.0
    for part in {id(part): part for part in parts}.values():
        for group, count in Counter(group_of[id_] for id_ in part).items():
            precision += count * count / len(part)
            recall += count * count / sizes[group]
    return 2 * precision * recall / (precision + recall) / len(group_of)


def pairwise(parts: Iterable[Collection[str]], group_of: Mapping[str, str]) -> float:
    """F1 over pairs of the records in `group_of`."""
    groups: dict[str, set[str]] = defaultdict(set)
    for id_, group in group_of.items():
        groups[group].add(id_)
    true = sum(len(group) * (len(group) - 1) // 2 for group in groups.values())
    made = hits = 0
    for part in parts:
        pairs = list(combinations(sorted(id_ for id_ in part if id_ in group_of), 2))
        made += len(pairs)
        hits += sum(group_of[one] == group_of[other] for one, other in pairs)
    return 2 * hits / (made + true) if made + true else 0.0
