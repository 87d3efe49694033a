"""Trains the points table of matching, measures it, and prints the whole table of figures beside other linkers.

    python -m bench.matching FOLDER                      figures of syncd and of the peers that are installed
    python -m bench.matching FOLDER --quick              without training: the shipped table and the peers
    python -m bench.matching FOLDER --write TABLE.csv    train the table that is shipped, and keep it

FOLDER holds gpg_uk, listed_west, fodors_zagat, patstat_nl and name_pairs. Out-of-fold: no filed company is scored by
points that learned from it; one fold is left out of all sets at once. Trained without: the set itself taught nothing.
In-sample: the shipped table on what it learned from. On fodors_zagat only the pairs that were judged count. Every
method is given the best threshold of the very set.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from bench.matching import sets
from bench.matching.figures import Scored, clusters, curve
from bench.matching.peers import Peer, peers
from bench.matching.sets import Labelled
from syncd.matching import Linker, Statistics, edges_between, parse, score
from syncd.matching.points import Weights, shipped_weights
from syncd.matching.trial import Trial, Two, fit, links, out_of_fold
from syncd.model import Account, Band, Link, Ref

AUTO = (0.97, 0.75)
"""Scores from which links act by themselves: the default, and the lowest with precision 0.99 on all sets."""
TWO_LISTS = ("gpg_uk", "listed_west", "fodors_zagat")


def main() -> None:
    """Train, measure, and perhaps keep the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    table = shipped_weights()
    start = Weights(table.start, table.start, {})
    as_labelled = {name: sets.read(asked.folder / name) for name in TWO_LISTS}
    corrected = {**as_labelled, "listed_west": sets.relabelled(as_labelled["listed_west"])}
    trials = sets.trials(list(corrected.values()))
    gc.freeze()  # the compared pairs stay; collecting them again and again would dominate the times
    if asked.write:
        table = fit(trials, start, note=sets.NOTE)
        asked.write.write_text(table.to_csv(), encoding="utf-8")
    if not asked.quick:
        _syncd(trials, as_labelled, corrected, start, asked.folds)
    for name, labelled in corrected.items():
        trial = next(trial for trial in trials if trial.name == name)
        _show(_title(labelled, as_labelled), "syncd shipped, in-sample", links(trial, table), labelled)
    beside = {} if asked.no_peers else peers()
    for labelled in (*as_labelled.values(), corrected["listed_west"]):
        _peers(_title(labelled, as_labelled), labelled, beside)
    _patents(asked.folder / "patstat_nl", table, beside)
    _names(asked.folder / "name_pairs", table)


def _title(labelled: Labelled, as_labelled: Mapping[str, Labelled]) -> str:
    return labelled.name if labelled is as_labelled[labelled.name] else f"{labelled.name} relabelled"


def _syncd(trials: Sequence[Trial], as_labelled: Mapping[str, Labelled], corrected: Mapping[str, Labelled],
           start: Weights, folds: int) -> None:  # fmt: skip
    begun = time.perf_counter()
    found = out_of_fold(trials, start, folds)
    print(f"trained {folds} times, {time.perf_counter() - begun:.0f} s", flush=True)
    for name, labelled in corrected.items():
        _show(_title(labelled, as_labelled), "syncd out-of-fold", found[name], labelled)
    again = _trained_as_labelled(trials, as_labelled, start, folds)
    _show("listed_west", "syncd out-of-fold", again, as_labelled["listed_west"])
    for name, labelled in corrected.items():
        others = [trial for trial in trials if not trial.name.startswith(name)]
        trial = next(trial for trial in trials if trial.name == name)
        _show(_title(labelled, as_labelled), "syncd trained without", links(trial, fit(others, start)), labelled)


def _trained_as_labelled(trials: Sequence[Trial], as_labelled: Mapping[str, Labelled], start: Weights,
                         folds: int) -> list[Link]:  # fmt: skip
    others = [trial for trial in trials if not trial.name.startswith("listed_west")]
    again = [trial for trial in sets.trials([as_labelled["listed_west"]]) if trial.name != "lessons"]
    return out_of_fold([*others, *again], start, folds)["listed_west"]


def _show(name: str, method: str, found: Iterable[Link], labelled: Labelled) -> None:
    some = [link for link in found if link.band is not Band.NONE]
    _line(name, method, [(link.left.id, link.right.id, link.points) for link in some], labelled,
          "  ".join(_from(least, some, labelled) for least in AUTO))  # fmt: skip


def _from(least: float, found: Iterable[Link], labelled: Labelled) -> str:
    """Precision, recall and F1 of what acts by itself from one score on; what is held for a person does not."""
    auto = {(link.left, link.right) for link in found
            if link.score >= least and all(e.claim != "held_for_review" for e in link.evidence)
            and (labelled.judged is None or (link.left, link.right) in labelled.judged)}  # fmt: skip
    hits = len(auto & labelled.truth)
    f1 = 2 * hits / (len(auto) + len(labelled.truth))
    return f"from {least}: P {hits / max(1, len(auto)):.4f} R {hits / len(labelled.truth):.4f} F1 {f1:.4f}"


def _line(name: str, method: str, scored: Scored, labelled: Labelled, more: str = "") -> None:
    judged = _ids(labelled.judged) if labelled.judged is not None else None
    counted = [pair for pair in scored if judged is None or pair[:2] in judged]
    found = curve(counted, _ids(labelled.truth), _ids(labelled.renamed))
    renamed = "" if found.recall_renamed is None else f"renamed {found.recall_renamed:.3f} "
    print(f"{name:<24}{method:<26} F1 {found.f1:.4f}  R@P.99 {found.recall_99:.4f}  R@P.95 {found.recall_95:.4f}  "
          f"{renamed}{more}", flush=True)  # fmt: skip


def _ids(pairs: Iterable[Two]) -> frozenset[tuple[str, str]]:
    return frozenset((left.id, right.id) for left, right in pairs)


def _peers(title: str, labelled: Labelled, beside: Mapping[str, Peer]) -> None:
    for method, peer in beside.items():
        begun = time.perf_counter()
        scored = peer(labelled.left, labelled.right)
        _line(title, method, scored, labelled, f"{time.perf_counter() - begun:.0f} s")


def _patents(folder: Path, table: Weights, beside: Mapping[str, Peer]) -> None:
    """One list with duplicates: every method's pairs are joined above its best threshold."""
    group_of = {row["id"]: row["cluster"] for row in sets.rows(folder / "clusters.csv")}
    here = [sets.account("left", row) for row in sets.rows(folder / "records.csv")]
    there = [sets.account("right", row) for row in sets.rows(folder / "records.csv")]

    def ours(left: Sequence[Account], right: Sequence[Account]) -> Scored:
        known, other = [parse(a) for a in left], [parse(a) for a in right]
        linker = Linker(Statistics.build(known), table)
        return [(edge.a.id, edge.b.id, edge.points) for edge in edges_between(linker, known, other)
                if edge.a.connection != edge.b.connection]  # fmt: skip

    methods: dict[str, Callable[[Sequence[Account], Sequence[Account]], Scored]] = {"syncd shipped": ours}
    methods.update(beside)
    for method, scorer in methods.items():
        best: dict[tuple[str, str], float] = defaultdict(lambda: -1e9)
        for one, other, points in scorer(here, there):
            if one != other:
                pair = (min(one, other), max(one, other))
                best[pair] = max(best[pair], points)
        found = clusters([(*pair, points) for pair, points in best.items()], group_of)
        print(f"{'patstat_nl':<24}{method:<26} B-cubed F1 {found.bcubed:.4f}  "
              f"pairwise without the largest group {found.pairwise:.4f}", flush=True)  # fmt: skip


def _names(folder: Path, table: Weights) -> None:
    """Names alone; the statistics are those of the pairs themselves."""
    pairs = [(_named("left", at, row["name1"]), _named("right", at, row["name2"]), row["is_match"] == "1")
             for at, row in enumerate(sets.rows(folder / "pairs.csv"))]  # fmt: skip
    read = [(parse(one), parse(other), is_match) for one, other, is_match in pairs]
    statistics = Statistics.build([record for one, other, _ in read for record in (one, other)])
    scored = [(one.ref.id, other.ref.id, score(one, other, statistics, table)[0]) for one, other, _ in read]
    truth = {(one.ref.id, other.ref.id) for one, other, is_match in read if is_match}
    found = curve(scored, truth)
    print(f"{'name_pairs':<24}{'syncd shipped':<26} F1 {found.f1:.4f}  R@P.99 {found.recall_99:.4f}")


def _named(side: str, at: int, name: str) -> Account:
    return Account(Ref(side, "company", str(at)), name)


if __name__ == "__main__":
    main()
