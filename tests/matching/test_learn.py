"""Points are learned from what people know, measured on what was not learned from, and held by the shipped ones."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from bench.matching_adapt import universe
from syncd.matching import evaluate, shipped_weights
from syncd.matching.learn import Lesson, fitted, learn
from syncd.matching.review import questions
from syncd.matching.trial import Trial, links
from syncd.model import Judgement

TABLE = shipped_weights()


@pytest.fixture(scope="module")
def trial() -> Trial:
    return universe(3, 1_500, 500)


def answered(trial: Trial, most: int) -> Lesson:
    """What somebody who knows the truth answers to the first questions of the review."""
    asked = [(q.link.left, q.link.right) for q in questions(links(trial, TABLE), trial.role, {}, most)]
    return Lesson(trial, {p: Judgement.SAME if p in trial.truth else Judgement.DIFFERENT for p in asked})


def test_no_company_is_measured_by_a_table_that_learned_from_it(trial: Trial) -> None:
    """Labels by the toss of a coin can be learned by heart; held out, that does no good."""
    chance = Random(1)
    asked = answered(trial, 150).judged or {}
    tossed = {pair: chance.choice([Judgement.SAME, Judgement.DIFFERENT]) for pair in asked}
    made = learn(Lesson(trial, tossed), TABLE, folds=5, pseudo=0.5)
    heart = learn(Lesson(trial, tossed), made.weights, folds=2, pseudo=1e9).shipped  # that table on what it learned
    assert heart.loss < made.learned.loss
    assert made.learned.loss > 1.0  # a coin costs a bit; who believes to know more pays more


def test_a_table_is_better_only_if_it_loses_less_and_its_links_are_no_worse(trial: Trial) -> None:
    made = learn(Lesson(trial), TABLE, folds=2)
    before, after = made.shipped.quality, made.learned.quality
    assert before is not None
    assert after is not None
    assert made.learned.loss < made.shipped.loss
    assert after.best_f1 > before.best_f1
    assert replace(made, learned=made.shipped).is_better is False
    assert replace(made, learned=replace(made.learned, quality=before)).is_better
    boast = replace(before, auto_precision=before.auto_precision - 0.05)
    assert not replace(made, learned=replace(made.learned, quality=boast)).is_better


def test_answers_of_the_review_make_better_links_of_the_pairs_nobody_was_asked_about(trial: Trial) -> None:
    lesson = answered(trial, 100)
    assert lesson.judged is not None
    table = fitted(lesson, TABLE, lambda ref: True)
    rest = trial.truth - lesson.judged.keys()
    before, after = ([k for k in links(trial, t) if (k.left, k.right) not in lesson.judged] for t in (TABLE, table))
    assert evaluate(after, rest).best_f1 >= evaluate(before, rest).best_f1


def test_few_labels_move_little_and_more_pseudo_counts_hold_tighter(trial: Trial) -> None:
    def moved(labels: int, pseudo: float) -> float:
        table = fitted(answered(trial, labels), TABLE, lambda ref: True, pseudo)
        return sum(abs(table.of(cell) - points) for cell, points in TABLE.points.items())

    assert moved(5, 40.0) < moved(100, 40.0)
    assert moved(100, 4_000.0) < 0.25 * moved(100, 40.0)


def test_no_labels_leave_the_shipped_table_where_it_is(trial: Trial) -> None:
    table = fitted(Lesson(trial, {}), TABLE, lambda ref: True)
    assert all(table.of(cell) == pytest.approx(points, abs=0.02) for cell, points in TABLE.points.items())


def test_an_unsure_answer_teaches_nothing(trial: Trial) -> None:
    pair = next(iter(sorted(trial.truth)))
    assert Lesson(trial, {pair: Judgement.UNSURE}).label(pair) is None
    assert Lesson(trial, {pair: Judgement.UNSURE}).labelled == 0


def test_different_tax_numbers_are_never_softened(trial: Trial) -> None:
    cell = ("different_tax_id", "differ")
    assert fitted(Lesson(trial), TABLE, lambda ref: True).of(cell) == TABLE.of(cell)
