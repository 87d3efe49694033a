"""What adapting without labels and what a hundred answers gain and lose; and how the shipped table's lists behave.

    python -m bench.matching_adapt FOLDER                   figures on the labelled sets and seven generated universes
    python -m bench.matching_adapt FOLDER --write FILE.csv  observe the training lists again, for behaviour.csv

Shown are the shipped table and the adapted one; then, over the pairs that nobody was asked about, the shipped table
and one taught by the answers to the first hundred questions of `syncd match review`. FOLDER holds gpg_uk, listed_west
and fodors_zagat as for `bench.matching`. The behaviour that is kept is that of the lists the shipped table
learned from: write it again after the table was trained again, or candidates are found another way.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from bench.matching.sets import NOTE, WEIGHTS, read, relabelled, trials
from bench.universe import accounts, as_account, registrations
from syncd.matching.adapt import adapt, behaviour_to_csv, observe, together
from syncd.matching.assess import assess
from syncd.matching.learn import Lesson, fitted
from syncd.matching.points import Cell, Weights, shipped_weights
from syncd.matching.review import questions
from syncd.matching.trial import Trial, fold_of, links, prepare
from syncd.model import Account, Judgement, Ref

Two = tuple[Ref, Ref]

UNIVERSES = ((1, 20_000, 3_000), (2, 5_000, 1_500))
"""Seed, accounts and registrations of the universes, whose web sites, telephones and towns tell more than elsewhere."""
ANSWERS = 100
ODD = (7, 5_000, 1_200)
"""The same of the universe in which fields behave oddly, each in one way (`ODDITIES`)."""

Change = Callable[[Account, Random], Account]


def _switchboards(account: Account, chance: Random) -> Account:
    shared = f"+44 20 7946 0{chance.randrange(30):03}"
    return replace(account, phone=shared) if account.phone and chance.random() < 0.7 else account


def _few_sites(account: Account, chance: Random) -> Account:
    shared = f"group{chance.randrange(40)}.com"
    return replace(account, website=shared) if chance.random() < 0.6 else account


def _few_places(account: Account, chance: Random) -> Account:
    town = "London" if chance.random() < 0.7 else account.city
    postcode = f"EC{chance.randrange(1, 9)}V 7EB" if chance.random() < 0.6 else account.postcode
    return replace(account, postcode=postcode, city=town)


def _names_alone(account: Account, chance: Random) -> Account:
    return Account(account.ref, account.name, account.other_names, country=account.country)


def _stale(account: Account, chance: Random) -> Account:
    if account.ref.connection == "right":
        return account
    number = f"+49 30 {chance.randrange(10**6, 10**7)}"
    return replace(account, phone=number, city=chance.choice(("Berlin", "Paris", "Leeds", "Rome", "Wien")))


ODDITIES: dict[str, Change] = {
    "seven in ten telephones are one of thirty switchboards": _switchboards,
    "six in ten use one of forty web sites": _few_sites,
    "most are in one town and eight postcodes": _few_places,
    "names and countries alone": _names_alone,
    "what was filed has wrong telephones and towns": _stale,
}


def pairs(trial: Trial) -> Iterator[tuple[Ref, tuple[Cell, ...]]]:
    """The candidate pairs across the two lists."""
    for pair, cells in trial.compared:
        if trial.is_cross(pair):
            yield trial.filed_first(pair)[0], cells


def universe(seed: int, count: int, filed: int, change: Change | None = None) -> Trial:
    """A generated universe with its truth: every account of the company that a registration means."""
    theirs, ours = list(registrations(seed, filed, count)), list(accounts(seed, count))
    left, right = ([as_account(side, row.fields) for row in rows] for side, rows in (("left", theirs), ("right", ours)))
    of_company: dict[int, list[Ref]] = {}
    for row, account in zip(ours, right, strict=True):
        of_company.setdefault(row.company, []).append(account.ref)
    truth = {(account.ref, meant) for row, account in zip(theirs, left, strict=True)
             for meant in of_company.get(row.company, ())}  # fmt: skip
    if change is not None:
        chance = Random(seed)
        left, right = ([change(account, chance) for account in side] for side in (left, right))
    return prepare(f"universe {seed}: {filed} in {count}", left, right, truth)


def show(trial: Trial, weights: Weights, title: str, fold: int | None = None, known: Collection[Two] = ()) -> None:
    """One line of figures, over one fold or all, without the pairs that are known."""

    def counts(pair: Two) -> bool:
        return (fold is None or fold_of(pair[0]) == fold) and pair not in known

    found = [link for link in links(trial, weights) if counts((link.left, link.right))]
    truth = set(filter(counts, trial.truth))
    made = assess(found, truth)
    quality = made.quality
    print(
        f"{trial.name:<28}{title:<10} best F1 {quality.best_f1:.4f}  auto P {quality.auto_precision:.4f} R "
        f"{quality.auto_recall:.4f}  auto+review P {quality.precision:.4f} R {quality.recall:.4f}  R@P.99 "
        f"{quality.recall_at_precision_99:.4f}  scores off by {made.calibration.gap:.3f}  Brier "
        f"{made.calibration.brier:.4f}",
        flush=True,
    )


def answered(trial: Trial) -> dict[Two, Judgement]:
    """What somebody who knows the truth answers to the first questions of the review."""
    asked = questions(links(trial, shipped_weights()), trial.role, {}, ANSWERS)
    pairs_asked = ((q.link.left, q.link.right) for q in asked)
    return {pair: Judgement.SAME if pair in trial.truth else Judgement.DIFFERENT for pair in pairs_asked}


def compare(trial: Trial, fold: int | None = None) -> None:
    """The shipped table and the adapted one, with what moved."""
    table = shipped_weights()
    begun = time.perf_counter()
    adapted = adapt(pairs(trial), table)
    seconds = time.perf_counter() - begun
    show(trial, table, "shipped", fold)
    show(trial, adapted.weights, "adapted", fold)
    moved = ", ".join(f"{claim} {level} {table.of((claim, level)):+.1f}→{adapted.weights.of((claim, level)):+.1f}"
                      for (claim, level), by in sorted(adapted.moved.items()) if abs(by) >= 0.5)  # fmt: skip
    print(f"{'':<28}{seconds:.1f} s; moved: {moved or 'nothing by half a point'}", flush=True)
    known = answered(trial)
    show(trial, table, "  unasked", fold, known)
    show(trial, fitted(Lesson(trial, known), table, lambda ref: True), "  taught", fold, known)


def main() -> None:
    """Observe and keep, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    sets = [read(asked.folder / name) for name in WEIGHTS]
    learned_from = trials([relabelled(one) if one.name == "listed_west" else one for one in sets])
    if asked.write:
        seen = together(observe(pairs(trial), shipped_weights()) for trial in learned_from)
        asked.write.write_text(behaviour_to_csv(seen, NOTE), encoding="utf-8")
        return
    for trial in learned_from:
        if trial.name in WEIGHTS:
            compare(trial)
    for made in UNIVERSES:
        compare(universe(*made))
    for name, change in ODDITIES.items():
        print(f"{name}:")
        compare(universe(*ODD, change))


if __name__ == "__main__":
    main()
