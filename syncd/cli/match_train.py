"""`match train` and `match adapt`: a points table of your own, from what people know or from the data alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli.files import check_bands, write_file
from syncd.cli.match_evaluate import share
from syncd.cli.match_explain import Auto, Review
from syncd.cli.output import AsJson, clean, emit, fail, say, table

if TYPE_CHECKING:
    from syncd.jobs.training import Effect, Material
    from syncd.matching import Weights
    from syncd.matching.learn import Figures, Learned

_SHOWN = 12
_TELLING = 0.05  # points; smaller moves are not worth a line

Left = Annotated[
    Path | None,
    typer.Argument(metavar="LEFT.csv", help="Companies as filed; without files, the state.", show_default=False),
]
Right = Annotated[Path | None, typer.Argument(metavar="RIGHT.csv", help="The accounts.", show_default=False)]
TableOut = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write the table here; nothing is written otherwise.", metavar="TABLE"),
]


def train(
    context: typer.Context,
    left: Left = None,
    right: Right = None,
    truth: Annotated[
        Path | None, typer.Argument(metavar="TRUTH.csv", help="All true pairs, or answers to some.", show_default=False)
    ] = None,
    output: TableOut = None,
    folds: Annotated[int, typer.Option("--folds", min=2, max=20, help="Parts for the held-out report.")] = 5,
    auto: Auto = 0.97,
    review: Review = 0.10,
    as_json: AsJson = False,
) -> int:
    """Learn a points table from what people know, and report how it does on companies it did not learn from.

    \b
    syncd match train -o points.csv                               from the judgements of the state
    syncd match train LEFT.csv RIGHT.csv TRUTH.csv -o points.csv  from a truth file, or a filled-in ANSWERS.csv

    The shipped points count as 40 labelled pairs for each level, so a level that few of yours have hardly moves. The
    table is a CSV file that you can read and edit. It is never used by itself: name it in the settings
    (`matching: {points: points.csv}`) and run `syncd match refresh`, or give it as --points. Read the report first:
    where it says that the shipped table does as well, keep that one.
    """
    from syncd.errors import UserError
    from syncd.jobs.training import effect
    from syncd.jobs.training import train as learned_from
    from syncd.matching import shipped_weights

    check_bands(auto, review)
    if (left is None) != (right is None) or (left is None) != (truth is None):
        raise UserError("Give LEFT.csv, RIGHT.csv and TRUTH.csv, or none of them to learn from the state's judgements.")
    material = _material(context, left, right, truth)
    shipped = shipped_weights()
    made = learned_from(material, shipped, folds)
    found = effect(material, shipped, made.weights, auto, review)
    _write(output, made.weights)
    if as_json:
        emit({**_learned_json(made), "left_out": material.left_out, **_effect_json(found),
              "points": _moved(shipped, made.weights), "output": str(output) if output else None})  # fmt: skip
        return 0
    _say_learned(made, material)
    _say_moved(shipped, made.weights)
    _say_effect(found)
    _say_next(output)
    return 0


def adapt(
    context: typer.Context,
    left: Left = None,
    right: Right = None,
    truth: Annotated[Path | None, typer.Option("--truth", help="Only to measure the effect; not learned from.")] = None,
    output: TableOut = None,
    auto: Auto = 0.97,
    review: Review = 0.10,
    as_json: AsJson = False,
) -> int:
    """Preview how the points would change if they were adapted to your data, without any labels.

    \b
    syncd match adapt                                 to the accounts of the state
    syncd match adapt LEFT.csv RIGHT.csv -o points.csv

    It looks how web sites, telephones, postcodes, streets, towns, legal forms and tax numbers behave among likely
    matches (a filed company means at most one account), beside how they behaved in the lists that the shipped points
    come from. Where nothing is different, nothing moves. Names are left as they are. Off unless you name the table it
    writes in the settings (`matching: {points: points.csv}`) and run `syncd match refresh`, or give it as --points.
    """
    from syncd.errors import UserError
    from syncd.jobs.training import adapted_to, effect
    from syncd.matching import shipped_weights

    check_bands(auto, review)
    if (left is None) != (right is None):
        raise UserError("Give LEFT.csv and RIGHT.csv, or neither to look at the state.")
    material = _material(context, left, right, truth)
    shipped = shipped_weights()
    made = adapted_to(material, shipped)
    found = effect(material, shipped, made.weights, auto, review)
    _write(output, made.weights)
    if as_json:
        emit({"pairs": made.pairs, "likely_matches": made.matches, **_effect_json(found),
              "points": _moved(shipped, made.weights), "output": str(output) if output else None})  # fmt: skip
        return 0
    say(f"{made.pairs:,} candidate pairs, about {made.matches:,.0f} of them matches.")
    _say_moved(shipped, made.weights)
    _say_effect(found)
    _say_next(output)
    return 0


def _material(context: typer.Context, left: Path | None, right: Path | None, truth: Path | None) -> Material:
    from syncd.app import opened
    from syncd.jobs.training import of_files, of_state

    if left is not None and right is not None:
        return of_files(left, right, truth)
    with opened(context.obj.config) as work:
        return of_state(work)


def _write(output: Path | None, weights: Weights) -> None:
    if output is not None:
        write_file(output, weights.to_csv())
        fail(f"{output}: points table {weights.version}.")


# --- what is told ----------------------------------------------------------------------------------------------------


def _moved(before: Weights, after: Weights) -> list[dict[str, Any]]:
    cells = [cell for cell, points in before.points.items() if abs(after.of(cell) - points) >= _TELLING]
    ranked = sorted(cells, key=lambda cell: -abs(after.of(cell) - before.of(cell)))
    return [{"claim": claim, "level": level, "before": before.of((claim, level)), "after": after.of((claim, level))}
            for claim, level in ranked]  # fmt: skip


def _figures_json(figures: Figures) -> dict[str, Any]:
    quality = figures.quality
    return {
        "labelled_pairs": figures.pairs, "bits_lost_per_pair": figures.loss, "scores_off_by": figures.calibration.gap,
        "best_f1": quality and quality.best_f1, "auto_precision": quality and quality.auto_precision,
        "auto_recall": quality and quality.auto_recall,
        "recall_at_precision_99": quality and quality.recall_at_precision_99,
    }  # fmt: skip


def _learned_json(made: Learned) -> dict[str, Any]:
    held_out = {"shipped": _figures_json(made.shipped), "learned": _figures_json(made.learned)}
    return {"folds": made.folds, "held_out": held_out, "is_better": made.is_better}


def _effect_json(found: Effect) -> dict[str, Any]:
    changed = [{"left": str(pair[0]), "right": str(pair[1]), "before": before.value, "after": after.value}
               for pair, before, after in found.changed]  # fmt: skip
    measured = None
    if found.quality is not None:
        measured = [{"best_f1": q.best_f1, "auto_precision": q.auto_precision, "auto_recall": q.auto_recall}
                    for q in found.quality]  # fmt: skip
    return {"links_before": dict(found.before), "links_after": dict(found.after), "changed": changed,
            "measured_before_and_after": measured}  # fmt: skip


def _say_learned(made: Learned, material: Material) -> None:
    if material.left_out:
        fail(f"{material.left_out} labelled pairs were left out: between two records of one side, or not in the files.")
    rows = []
    for name, f in (("shipped", made.shipped), ("learned", made.learned)):
        q = f.quality
        rows.append((name, f.pairs, share(f.loss), share(f.calibration.gap, 3), share(q.best_f1 if q else None),
                     share(q.auto_precision if q else None), share(q.auto_recall if q else None)))  # fmt: skip
    say(f"On filed companies that the table did not learn from ({made.folds} parts):")
    table(("table", "pairs", "bits lost", "scores off by", "best F1", "auto precision", "auto recall"), rows, "")
    say(
        "The learned table does better."
        if made.is_better
        else "The learned table does no better: keep the shipped one."
    )


def _say_moved(before: Weights, after: Weights) -> None:
    moved = _moved(before, after)
    if not moved:
        say("No points moved: your data behave as those that the shipped points come from.")
        return
    say(f"\n{len(moved)} points moved; the most:")
    rows = [(m["claim"], m["level"], f"{m['before']:+.2f}", f"{m['after']:+.2f}") for m in moved[:_SHOWN]]
    table(("claim", "level", "before", "after"), rows, "")


def _say_effect(found: Effect) -> None:
    rows = [(band, found.before[band], found.after[band]) for band in found.before]
    say("\nLinks by the shipped table and by this one:")
    table(("band", "before", "after"), rows, "")
    if found.quality is not None:
        old, new = found.quality
        say(f"Best F1 {old.best_f1:.4f}, then {new.best_f1:.4f}; precision of auto {old.auto_precision:.4f}, then "
            f"{new.auto_precision:.4f}.")  # fmt: skip
    if found.changed:
        say(f"{len(found.changed)} links change their band:")
    for pair, before, after in found.changed[:_SHOWN]:
        names = " – ".join(f"“{found.titles.get(ref, ref.id)}”" for ref in pair)
        say(clean(f"  {before.value:>6} → {after.value:<6}  {names}"))


def _say_next(output: Path | None) -> None:
    if output is None:
        say("\nNothing was written. With -o TABLE.csv the table is kept; nothing uses it until you say so.")
    else:
        say(f"\nTo use it: `matching: {{points: {output.name}}}` in the settings and `syncd match refresh`, or "
            f"--points {output}.")  # fmt: skip
