"""Measures links against a known truth: precision and recall by band, best F1, and the slice of renamed companies."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from syncd.model import Band, Link, Ref

Two = tuple[Ref, Ref]


@dataclass(frozen=True, slots=True)
class Quality:
    """How good links are. Recalls are over all true links; `recall` is over auto and review together."""

    truth: int
    auto: int
    review: int
    auto_precision: float
    auto_recall: float
    precision: float
    recall: float
    best_f1: float
    best_threshold: float
    recall_at_precision_99: float
    renamed_recall: float | None = None
    renamed_auto_recall: float | None = None


def evaluate(links: Iterable[Link], truth: Collection[Two], renamed: Collection[Two] = ()) -> Quality:
    """Compare links (filed, direct) with the true pairs; `renamed` are those true pairs whose names differ."""
    true = set(truth)
    found = [link for link in links if link.band is not Band.NONE]
    auto = [link for link in found if link.band is Band.AUTO]
    hits, auto_hits = _hits(found, true), _hits(auto, true)
    f1, threshold, recall_99 = _curve(found, true)
    changed = set(renamed)
    return Quality(
        truth=len(true),
        auto=len(auto),
        review=len(found) - len(auto),
        auto_precision=_share(len(auto_hits), len(auto)),
        auto_recall=_share(len(auto_hits), len(true)),
        precision=_share(len(hits), len(found)),
        recall=_share(len(hits), len(true)),
        best_f1=f1,
        best_threshold=threshold,
        recall_at_precision_99=recall_99,
        renamed_recall=_share(len(hits & changed), len(changed)) if changed else None,
        renamed_auto_recall=_share(len(auto_hits & changed), len(changed)) if changed else None,
    )


def _hits(links: Iterable[Link], true: set[Two]) -> set[Two]:
    return {(link.left, link.right) for link in links} & true


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _curve(links: list[Link], true: set[Two]) -> tuple[float, float, float]:
    """Best F1 with its threshold, and recall at precision 0.99, over all thresholds of the score."""
    best, threshold, recall_99, hits = 0.0, 1.0, 0.0, 0
    ranked = sorted(links, key=lambda link: (-link.points, link.left, link.right))
    for seen, link in enumerate(ranked, 1):
        hits += (link.left, link.right) in true
        if seen < len(ranked) and ranked[seen].points == link.points:
            continue
        f1 = 2 * hits / (seen + len(true))
        if f1 > best:
            best, threshold = f1, link.score
        if hits >= 0.99 * seen:
            recall_99 = _share(hits, len(true))
    return best, threshold, recall_99
