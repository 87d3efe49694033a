"""Links are measured as the field measures them: by band, by score, by cluster, with the worst disagreements first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.matching.assess import assess, b_cubed, calibration, components, interval
from syncd.model import Band, Judgement, Link, Ref


def left(n: int) -> Ref:
    return Ref("left", "row", str(n))


def right(n: int) -> Ref:
    return Ref("right", "row", str(n))


def link(one: int, other: int, score: float, judgement: Judgement | None = None) -> Link:
    band = Band.AUTO if score >= 0.97 else Band.REVIEW
    return Link(left(one), right(other), score, score, band, (), judgement)


def test_bands_are_counted_apart_and_together() -> None:
    links = [link(1, 1, 0.99), link(2, 9, 0.98), link(3, 3, 0.5), link(4, 4, 0.2)]
    truth = {(left(n), right(n)) for n in (1, 2, 3, 5)}
    auto, review, both = assess(links, truth).bands
    assert (auto.links, auto.right, auto.precision, auto.recall) == (2, 1, 0.5, 0.25)
    assert (review.links, review.right) == (2, 1)
    assert (both.precision, both.recall, both.f1) == (0.5, 0.5, 0.5)


def test_nothing_measured_is_not_nought() -> None:
    auto, *_ = assess([], set()).bands
    assert (auto.precision, auto.recall, auto.f1) == (None, None, None)


def test_the_surest_mistake_comes_first_and_a_pair_the_truth_may_lack_is_told() -> None:
    links = [link(1, 2, 0.3), link(8, 8, 0.999), link(2, 1, 0.98), link(3, 3, 0.5)]
    truth = {(left(n), right(n)) for n in (1, 2, 3, 4)}
    found = assess(links, truth)
    assert [(w.link.left, w.unlabelled) for w in found.wrong] == [(left(8), True), (left(2), False), (left(1), False)]
    assert [m.pair[0] for m in found.missed] == [left(1), left(2), left(4), left(3)]
    assert [m.link is None for m in found.missed] == [True, True, True, False]


def test_scores_that_promise_too_much_are_seen() -> None:
    honest = [link(n, n if n < 8 else 99, 0.8) for n in range(10)]
    boasting = [link(n, n if n < 5 else 99, 0.96) for n in range(10)]
    truth = {(left(n), right(n)) for n in range(10)}
    assert calibration(honest, truth).gap == pytest.approx(0.0)
    assert calibration(boasting, truth).gap == pytest.approx(0.46)
    (only,) = calibration(boasting, truth).bins
    assert only.least < only.share < only.most < only.mean


def test_what_a_person_said_is_no_score() -> None:
    judged = [link(1, 2, 0.99, Judgement.SAME)]
    assert calibration(judged, {(left(1), right(1))}).bins == ()


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share(counts: tuple[int, int]) -> None:
    right_, of = counts
    least, most = interval(right_, of)
    assert 0.0 <= least <= right_ / of <= most <= 1.0


# --- clusters --------------------------------------------------------------------------------------------------------


def by_definition(found: Mapping[int, object], true: Mapping[int, object]) -> tuple[float, float]:
    """B-cubed record by record, as its authors wrote it down."""
    precision = recall = 0.0
    for item in true:
        ours = [o for o in true if found.get(o, ("alone", o)) == found.get(item, ("alone", item))]
        theirs = [o for o in true if true[o] == true[item]]
        both = len(set(ours) & set(theirs))
        precision += both / len(ours)
        recall += both / len(theirs)
    return precision / len(true), recall / len(true)


PARTITIONS = st.dictionaries(st.integers(0, 20), st.integers(0, 4), min_size=1)


@given(PARTITIONS, PARTITIONS)
def test_b_cubed_is_what_its_definition_says(found: dict[int, int], true: dict[int, int]) -> None:
    precision, recall, f1 = b_cubed(found, true)
    assert (precision, recall) == pytest.approx(by_definition(found, true))
    assert min(precision, recall) - 1e-9 <= f1 <= max(precision, recall) + 1e-9


def test_one_big_cluster_has_full_recall_and_little_precision() -> None:
    true = {1: "a", 2: "a", 3: "b", 4: "c"}
    assert b_cubed(dict.fromkeys(true, 0), true)[:2] == (pytest.approx(6 / 16), 1.0)
    assert b_cubed({}, true)[:2] == (1.0, pytest.approx(3 / 4))


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=25))
def test_what_is_joined_through_others_is_one_cluster(pairs: Sequence[tuple[int, int]]) -> None:
    root = components(range(16), pairs)
    reach: dict[int, set[int]] = {n: {n} for n in range(16)}
    for _ in range(16):
        for one, other in pairs:
            both = reach[one] | reach[other]
            for n in both:
                reach[n] = reach[n] | both
    assert all((root[a] == root[b]) == (b in reach[a]) for a in range(16) for b in range(16))


def test_clusters_are_measured_where_they_are_known() -> None:
    def record(n: int) -> Ref:
        return Ref("record", "row", str(n))

    clusters = {record(1): "a", record(2): "a", record(3): "a", record(4): "b"}
    links = [Link(record(1), record(2), 0.99, 9, Band.AUTO), Link(record(2), record(3), 0.5, 0, Band.REVIEW)]
    truth = {(record(1), record(2)), (record(1), record(3)), (record(2), record(3))}
    auto, both = assess(links, truth, clusters=clusters).clusters
    assert (auto.precision, auto.recall) == (1.0, pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4))
    assert (both.precision, both.recall, both.f1) == (1.0, 1.0, 1.0)
