"""Adapting without labels moves what behaves differently here, leaves the rest, and never loses what the table knew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.matching_adapt import pairs, universe
from syncd.demo import companies
from syncd.matching import shipped_weights
from syncd.matching.adapt import Behaviour, adapt, behaviour_from_csv, behaviour_to_csv, observe, together
from syncd.matching.assess import calibration
from syncd.matching.evaluate import Quality, evaluate
from syncd.matching.points import AMONG_RIVALS, Cell
from syncd.matching.trial import Trial, links, prepare
from syncd.model import Ref
from tests.matching.conftest import employer

TABLE = shipped_weights()
NAMED: tuple[Cell, ...] = (("same_name", "to_the_letter"), ("rare_words_agree", "unique"))
STRANGE: tuple[Cell, ...] = (("no_word_agrees", "none"), ("first_word_differs", "differs"))

Compared = list[tuple[Ref, tuple[Cell, ...]]]


def filed(n: int) -> Ref:
    return Ref("prm", "companies", str(n))


def world(companies_: int, match: tuple[Cell, ...], other: tuple[Cell, ...]) -> Compared:
    """Filed companies with one candidate of the same name and three strangers each."""
    found: Compared = []
    for n in range(companies_):
        found.append((filed(n), (*NAMED, *match)))
        found += [(filed(n), (*STRANGE, *other))] * 3
    return found


def test_a_telephone_that_always_agrees_among_matches_becomes_worth_more() -> None:
    made = adapt(world(800, (("same_phone", "same"),), (("different_phone", "differ"),)), TABLE, {})
    assert made.matches == pytest.approx(800, rel=0.05)
    assert made.weights.of(("same_phone", "same")) > TABLE.of(("same_phone", "same"))
    assert made.weights.of(("different_phone", "differ")) < TABLE.of(("different_phone", "differ"))


def test_what_speaks_against_is_capped_however_clear_it_looks() -> None:
    made = adapt(world(5_000, (("same_city", "same"),), (("different_city", "differ"),)), TABLE, {})
    assert made.weights.of(("different_city", "differ")) >= -2.5


def test_what_sisters_share_stays_as_long_as_nobody_knows_how_it_behaved_in_training() -> None:
    here = world(800, (("same_domain", "own"),), (("different_domain", "differ"),))
    assert adapt(here, TABLE, {}).moved == {}


def test_a_site_that_tells_nothing_here_is_worth_nothing_and_never_counts_against() -> None:
    cell = ("same_domain", "own")
    table = replace(TABLE, points={**TABLE.points, cell: 3.0})
    told = observe(world(2_000, (cell,), (("different_domain", "differ"),)), table)
    made = adapt(world(800, (cell,), (cell,)) + world(800, (("different_domain", "differ"),), ()), table, told)
    assert 0.0 <= made.weights.of(cell) < 3.0


def test_what_speaks_against_a_match_is_never_weakened_without_anybodys_word() -> None:
    """Telephones that differ as often among matches as elsewhere: the yes loses its points, the no keeps them."""
    same, differ = ("same_phone", "same"), ("different_phone", "differ")
    mixed = world(400, (differ,), (differ,)) + world(400, (same,), (same,))
    made = adapt([(filed(n), cells) for n, (_, cells) in enumerate(mixed)], TABLE, {})
    assert made.weights.of(same) < TABLE.of(same)
    assert made.weights.of(differ) == TABLE.of(differ)


def test_little_evidence_moves_little() -> None:
    def moved(size: int) -> float:
        made = adapt(world(size, (("same_phone", "same"),), (("different_phone", "differ"),)), TABLE, {})
        return sum(map(abs, made.moved.values()))

    assert moved(3) <= moved(30) <= moved(3_000)
    assert moved(3) < 1.0


def test_names_and_what_is_not_seen_stay_as_they_are() -> None:
    made = adapt(world(500, (("same_phone", "same"),), (("different_phone", "differ"),)), TABLE, {})
    changed = {cell for cell in TABLE.points if made.weights.of(cell) != TABLE.of(cell)}
    assert set(made.moved) == {("same_phone", "same"), ("different_phone", "differ")}
    assert changed == {*made.moved, AMONG_RIVALS}


def test_a_table_that_nobody_confirmed_is_a_point_less_sure_and_one_that_did_not_move_is_not() -> None:
    here = world(800, (("same_phone", "same"),), (("different_phone", "differ"),))
    assert adapt(here, TABLE, {}).weights.of(AMONG_RIVALS) == pytest.approx(TABLE.of(AMONG_RIVALS) - 1.0)
    assert adapt(world(800, (), ()), TABLE, {}).weights.points == TABLE.points


def test_data_that_behave_as_the_reference_move_nothing() -> None:
    here = world(800, (("same_postcode", "own"),), (("different_postcode", "far"),))
    assert adapt(here, TABLE, observe(here, TABLE)).moved == {}


def test_of_one_filed_company_at_most_one_account_is_a_match() -> None:
    """Two accounts that fit equally well count as one match together."""
    twice = [(filed(n), NAMED) for n in range(100) for _ in range(2)]
    assert adapt(twice, TABLE, {}).matches <= 100


def test_a_table_says_that_it_was_adapted_and_has_another_version() -> None:
    made = adapt(world(800, (("same_phone", "same"),), (("different_phone", "differ"),)), TABLE, {})
    assert "adapted without labels to 3200 pairs of 800 filed companies" in made.weights.trained_on
    assert made.weights.version != TABLE.version


def test_behaviour_is_written_and_read_back_and_added_up() -> None:
    seen = {("same_phone", "same"): Behaviour(10.0, 2.0, 12.0, 40.0),
            ("different_phone", "differ"): Behaviour(2.0, 38.0, 12.0, 40.0)}  # fmt: skip
    assert behaviour_from_csv(behaviour_to_csv(seen, "a list")) == seen
    assert together([seen, seen])["same_phone", "same"] == Behaviour(20.0, 4.0, 24.0, 80.0)


# --- the bars, on lists of some size ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def employers_of_two_years() -> Trial:
    """A third of the employers, which the reference knows."""
    left, right = ([employer(side, c) for c in of] for side, of in (("left", companies.left()),
                                                                   ("right", companies.right())))  # fmt: skip
    truth = {(Ref("left", "company", p.left), Ref("right", "company", p.right)) for p in companies.truth()}
    kept = {account.ref for account in left[::3]}
    return prepare("employers", left[::3], right, {pair for pair in truth if pair[0] in kept})


def measured(trial: Trial) -> tuple[Quality, Quality]:
    """By the shipped table, and by the adapted one."""
    adapted = adapt(pairs(trial), TABLE).weights
    before, after = (evaluate(links(trial, table), trial.truth) for table in (TABLE, adapted))
    return before, after


def wrong(quality: Quality) -> int:
    """Automatic links that are wrong."""
    return round(quality.auto * (1 - quality.auto_precision))


def test_nothing_is_lost_where_fields_behave_as_in_training(employers_of_two_years: Trial) -> None:
    before, after = measured(employers_of_two_years)
    assert after.best_f1 >= before.best_f1 - 0.003
    assert wrong(after) <= wrong(before)


def test_something_is_won_where_fields_behave_differently() -> None:
    trial = universe(2, 3_000, 900)
    before, after = measured(trial)
    assert after.best_f1 >= before.best_f1 + 0.005
    assert wrong(after) <= wrong(before)
    brier = [
        calibration(links(trial, table), trial.truth).brier for table in (TABLE, adapt(pairs(trial), TABLE).weights)
    ]
    assert brier[1] < brier[0]  # scores are nearer to the truth as well, without a label
