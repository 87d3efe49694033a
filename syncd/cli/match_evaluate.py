"""`match evaluate`: how good links are, measured against a known truth, as a table, as JSON and as a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli.files import progress_bar, tell_rows, write_file
from syncd.cli.match_explain import Points, table_of, to_json
from syncd.cli.output import AsJson, clean, emit, fail, say, table

if TYPE_CHECKING:
    from syncd.jobs.compared import Compared
    from syncd.jobs.explain import Files
    from syncd.jobs.labels import Truth
    from syncd.matching.assess import Assessment
    from syncd.model import Ref

_SHOWN = 5  # disagreements of each kind that are printed; --html and --json have --worst of them

Pair = tuple["Ref", "Ref"]


@dataclass(frozen=True)
class Measured:
    """What was measured, and what explains it: the files are there when they were given."""

    links: Path
    truth: Path
    found: Assessment
    compared: Compared | None
    files: Files | None
    reasons: dict[Pair, str]
    worst: int


def evaluate(
    links: Annotated[Path, typer.Argument(metavar="LINKS.csv", help="As `syncd match` wrote it.", show_default=False)],
    truth: Annotated[
        Path,
        typer.Argument(
            metavar="TRUTH.csv", help="id_left,id_right: all true pairs; or id,cluster.", show_default=False
        ),
    ],
    left: Annotated[
        Path | None, typer.Option("--left", help="The file of filed companies: tells where true pairs were lost.")
    ] = None,
    right: Annotated[Path | None, typer.Option("--right", help="The file of accounts.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write everything as one page.", metavar="FILE")] = None,
    worst: Annotated[int, typer.Option("--worst", min=0, help="Disagreements of each kind in --html and --json.")] = 25,
    points: Points = None,
    as_json: AsJson = False,
) -> int:
    """Measure links against a known truth: by band, whether scores are probabilities, and where it went wrong.

    \b
    syncd match L.csv R.csv -o LINKS.csv
    syncd match evaluate LINKS.csv TRUTH.csv --left L.csv --right R.csv --html REPORT.html

    TRUTH.csv has every true pair (id_left, id_right), or, for one list with duplicates, the cluster of each record
    (id, cluster): then B-cubed is told as well. With the column name_changed (1 or 0), also how many of the renamed
    companies were found. With --left and --right, true pairs that were never compared are told from those that were
    compared and refused, and the worst disagreements are explained side by side; give --points if the links were
    made with a table of your own. Exits with 3 when rows were not read.
    """
    from syncd.errors import UserError
    from syncd.jobs.labels import read_links, read_truth

    if (left is None) != (right is None):
        raise UserError("Give both --left LEFT.csv and --right RIGHT.csv, or neither.")
    known = read_truth(truth)
    if not known.pairs and not known.judged:
        raise UserError(f"{truth} names no pair, so there is nothing to measure against.")
    if known.judged:
        raise UserError(f"{truth} has answers to some pairs only, which measures nothing. Use it with `match train`.")
    found, bad = read_links(links, known)
    measured = _measured(links, truth, known, found, (left, right), points, worst)
    if html is not None:
        from syncd.cli.match_page import page

        write_file(html, "".join(page(measured)))
        fail(f"{html}: the report as one page.")
    if as_json:
        emit({**_json(measured), "not_read": [{"row": n.row, "reason": n.reason} for n in bad]})
    else:
        _say(measured)
    tell_rows(str(links), bad)
    return 3 if bad else 0


def _measured(links: Path, truth: Path, known: Truth, found: Any, sides: tuple[Path | None, Path | None],
              points: Path | None, worst: int) -> Measured:  # fmt: skip
    from syncd.jobs.compared import compared
    from syncd.jobs.explain import Files
    from syncd.jobs.labels import read_reasons
    from syncd.matching.assess import assess

    assessed = assess(found, known.pairs, known.renamed, known.clusters)
    files = reached = None
    if sides[0] is not None and sides[1] is not None and not known.clusters:
        with progress_bar() as progress:
            files = Files(sides[0], sides[1], auto=0.97, review=0.10, weights=table_of(points), progress=progress)
        reached = compared(files, known.pairs)
    return Measured(links, truth, assessed, reached, files, read_reasons(links), worst)


# --- JSON ------------------------------------------------------------------------------------------------------------


def _json(m: Measured) -> dict[str, Any]:
    quality, calibration = m.found.quality, m.found.calibration
    return {
        "truth": quality.truth,
        "bands": {b.band: {"links": b.links, "right": b.right, "precision": b.precision, "recall": b.recall, "f1": b.f1}
                  for b in m.found.bands},
        "best_f1": quality.best_f1, "best_threshold": quality.best_threshold,
        "recall_at_precision_99": quality.recall_at_precision_99,
        "renamed_recall": quality.renamed_recall, "renamed_auto_recall": quality.renamed_auto_recall,
        "b_cubed": {c.band: {"precision": c.precision, "recall": c.recall, "f1": c.f1}
                    for c in m.found.clusters} or None,
        "calibration": {
            "brier": calibration.brier, "gap": calibration.gap,
            "bins": [{"from": b.low, "to": b.high, "links": b.links, "right": b.right, "mean_score": b.mean,
                      "share_right": b.share, "interval": [b.least, b.most]} for b in calibration.bins],
        },
        "candidates": m.compared and {"true_pairs": m.compared.pairs, "compared": m.compared.candidates,
                                   "recall": m.compared.recall, "lost": lost(m)},
        "wrong": [_disagreement(m, (w.link.left, w.link.right), w.link.score, unlabelled=w.unlabelled)
                  for w in m.found.wrong[: m.worst]],
        "missed": [_disagreement(m, k.pair, k.link.score if k.link else None, why=why_missed(m, k.pair, k.link))
                   for k in m.found.missed[: m.worst]],
    }  # fmt: skip


def lost(m: Measured) -> dict[str, int]:
    """How many true pairs were not compared, by where they were lost."""
    from collections import Counter

    return dict(Counter(m.compared.lost.values())) if m.compared else {}


def why_missed(m: Measured, pair: Pair, link: Any) -> str:
    """Where a missed pair was lost, in words; blank when that is not known."""
    from syncd.jobs.compared import REASONS

    if link is not None:
        return "waits for review"
    if m.files is not None and m.files.links(pair):
        return "the files link it, the links given do not: were they made from other files or bands?"
    return REASONS[m.compared.lost.get(pair, "not_linked")] if m.compared else ""


def _disagreement(m: Measured, pair: Pair, score: float | None, **more: Any) -> dict[str, Any]:
    shown = {"id_left": pair[0].id, "id_right": pair[1].id, "score": score, **more, "reason": m.reasons.get(pair, "")}
    if m.files is not None and m.files.has(pair):
        shown["explanation"] = to_json(m.files.explain(pair))
    return shown


# --- words -----------------------------------------------------------------------------------------------------------


def share(value: float | None, digits: int = 4) -> str:
    """A share for people; a dash where nothing was counted."""
    return "–" if value is None else f"{value:.{digits}f}"


def _say(m: Measured) -> None:
    quality = m.found.quality
    rows = [(b.band, b.links, b.right, share(b.precision), share(b.recall), share(b.f1)) for b in m.found.bands]
    table(("band", "links", "right", "precision", "recall", "F1"), rows, "")
    best = f"Best F1 {quality.best_f1:.4f} at a score of {quality.best_threshold:.3f}"
    say(f"{quality.truth} true pairs. {best}; recall at precision 0.99: {quality.recall_at_precision_99:.4f}.")
    if quality.renamed_recall is not None:
        say(f"Renamed companies: found {quality.renamed_recall:.4f}, "
            f"automatically {quality.renamed_auto_recall or 0:.4f}.")  # fmt: skip
    for c in m.found.clusters:
        say(f"B-cubed, {c.band}: precision {c.precision:.4f}, recall {c.recall:.4f}, F1 {c.f1:.4f}.")
    _say_calibration(m)
    _say_compared(m)
    _say_disagreements(m)


def _say_calibration(m: Measured) -> None:
    calibration = m.found.calibration
    say(f"\nWhether scores are probabilities: they are off by {calibration.gap:.3f} on average "
        f"(Brier score {calibration.brier:.4f}).")  # fmt: skip
    rows = [(f"{b.low:g}–{b.high:g}", b.links, share(b.mean, 3), share(b.share, 3), f"{b.least:.3f}–{b.most:.3f}")
            for b in calibration.bins]  # fmt: skip
    table(("score", "links", "mean score", "share right", "95 % interval"), rows, "No links.")


def _say_compared(m: Measured) -> None:
    from syncd.jobs.compared import REASONS

    if m.compared is None:
        say("\nGive --left and --right to learn which true pairs were never compared, and why.")
        return
    say(f"\nCompared at all: {m.compared.candidates} of {m.compared.pairs} true pairs ({m.compared.recall:.4f}).")
    for reason, count in sorted(lost(m).items()):
        say(f"  {count} lost: {REASONS[reason]}.")


def _say_disagreements(m: Measured) -> None:
    if m.found.wrong:
        say(f"\n{len(m.found.wrong)} links that the truth does not have; the worst:")
    for w in m.found.wrong[:_SHOWN]:
        note = " (neither has a true partner: is the truth complete?)" if w.unlabelled else ""
        _say_pair(m, (w.link.left, w.link.right), f"{w.link.band.value} {w.link.score:.3f}{note}")
    if m.found.missed:
        say(f"\n{len(m.found.missed)} true pairs not linked automatically; the worst:")
    for k in m.found.missed[:_SHOWN]:
        _say_pair(m, k.pair, f"review {k.link.score:.3f}" if k.link else f"not linked; {why_missed(m, k.pair, None)}")


def _say_pair(m: Measured, pair: Pair, what: str) -> None:
    names = ""
    if m.files is not None and m.files.has(pair):
        names = " – ".join(f"“{m.files.records[ref].title}”" for ref in pair)
    say(clean(f"  {pair[0].id} – {pair[1].id}  {what.strip().rstrip(';')}  {names or m.reasons.get(pair, '')[:120]}"))
