"""Trains the points table of matching and prints how well it links labelled sets it was, and was not, fitted to.

    python bench/matching_gpg.py FOLDER                        figures of the shipped table, and out of fold
    python bench/matching_gpg.py FOLDER --write TABLE.csv      train as the shipped table was trained, and keep it

FOLDER holds gpg_uk, listed_west and fodors_zagat, each with left.csv, right.csv and truth.csv. The shipped table
(`syncd/matching/points.csv`) learned from listed_west, fodors_zagat and the filed companies of fold 0 of gpg_uk, each
also as a busy partner types it (`retype`); fold 1 of gpg_uk is what tests measure it on.
"""

from __future__ import annotations

import argparse
import csv
import gc
import time
from collections.abc import Callable
from pathlib import Path

from syncd.matching.evaluate import Quality, evaluate
from syncd.matching.points import Weights, shipped_weights
from syncd.matching.trial import Trial, all_but, fit, fold_of, links, out_of_fold, prepare, retype
from syncd.model import Account, Link, Ref

FIELDS = {"name": "name", "website": "website", "phone": "phone", "street": "address", "city": "city",
          "postcode": "postcode", "country": "country"}  # fmt: skip
WEIGHTS = {"gpg_uk": 1.0, "listed_west": 0.3, "fodors_zagat": 0.3}
"""Lists of names alone, and of restaurants, teach less about accounts in a CRM."""
RETYPED = 0.4
HALF = "gpg_uk"
NOTE = "fold 0 of gpg_uk, listed_west, fodors_zagat, each also retyped"

Two = tuple[Ref, Ref]


def read(folder: Path) -> tuple[Trial, Trial, set[Two]]:
    """One labelled set, compared; the same retyped; and its true pairs whose names changed."""
    left, right = ([_account(side, row) for row in _rows(folder / f"{side}.csv")] for side in ("left", "right"))
    rows = _rows(folder / "truth.csv")
    truth = {(_ref("left", row["id_left"]), _ref("right", row["id_right"])): row.get("name_changed") for row in rows}
    weight = WEIGHTS[folder.name]
    trial = prepare(folder.name, left, right, truth.keys(), weight)
    again = retype(folder.name, left, right, truth.keys(), weight * RETYPED)
    return trial, again, {pair for pair, changed in truth.items() if changed == "1"}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _ref(side: str, id_: str) -> Ref:
    return Ref(side, "company", id_)


def _account(side: str, row: dict[str, str]) -> Account:
    fields = {ours: row.get(theirs) or None for ours, theirs in FIELDS.items()}
    return Account(ref=_ref(side, row["id"]), **fields)  # type: ignore[arg-type]


def show(title: str, quality: Quality, seconds: float = 0.0) -> None:
    """One line of figures."""
    renamed = "" if quality.renamed_recall is None else f"  renamed {quality.renamed_recall:.3f}"
    print(
        f"{title:<44} auto P {quality.auto_precision:.4f} R {quality.auto_recall:.4f}  auto+review P "
        f"{quality.precision:.4f} R {quality.recall:.4f}  F1 {quality.best_f1:.4f}  "
        f"R@P.99 {quality.recall_at_precision_99:.4f}{renamed}  {seconds:.1f} s",
        flush=True,
    )


def measure(
    title: str, trial: Trial, renamed: set[Two], run: Callable[[], list[Link]], fold: int | None = None
) -> None:
    """Run and show; with a fold, only what concerns its filed companies."""
    begun = time.perf_counter()
    found, truth = run(), trial.truth
    seconds = time.perf_counter() - begun
    if fold is not None:
        found = [link for link in found if fold_of(link.left) == fold]
        truth = frozenset(pair for pair in truth if fold_of(pair[0]) == fold)
    show(f"{trial.name}: {title}", evaluate(found, truth, renamed & truth), seconds)


def main() -> None:
    """Train, measure, and perhaps keep the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    sets = {name: read(asked.folder / name) for name in WEIGHTS}
    gc.freeze()  # the compared pairs stay; collecting them again and again would dominate the times
    trials = [trial for trial, again, _ in sets.values() for trial in (trial, again)]
    table = shipped_weights()
    start = Weights(table.start, table.start, {})
    if asked.write:
        table = fit(trials, start, all_but(HALF, 1), NOTE)
        asked.write.write_text(table.to_csv(), encoding="utf-8")
    for name, (trial, again, renamed) in sets.items():
        others = [other for other in trials if not other.name.startswith(name)]
        strange = fit(others, start)
        measure("hand-set values", trial, renamed, lambda t=trial: links(t, start))
        measure("trained on the other sets", trial, renamed, lambda t=trial, w=strange: links(t, w))
        measure("out of fold", trial, renamed, lambda t=trial, o=[again, *others]: out_of_fold(t, start, o))
        if name == HALF:
            measure("shipped table, fold 1 (unseen)", trial, renamed, lambda t=trial: links(t, table), 1)
        measure("shipped table (in-sample)", trial, renamed, lambda t=trial: links(t, table))


if __name__ == "__main__":
    main()
