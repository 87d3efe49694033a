"""`match`: link two files, measure links, explain a pair, and export the links that the daemon acts on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from syncd.cli.files import check_bands, progress_bar, tell, tell_rows, to_stdout, write_csv
from syncd.cli.output import AsJson, Context, clean, emit, fail, say, table

if TYPE_CHECKING:
    from syncd.jobs.exports import Export, Note
    from syncd.matching import Edge, Linker, Parsed
    from syncd.model import Link

Auto = Annotated[float, typer.Option("--auto", min=0, max=1, help="From this score on, a link acts by itself.")]
Review = Annotated[float, typer.Option("--review", min=0, max=1, help="From this score on, a person should look.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the links here; `-` or nothing: standard output.")
]

COLUMNS = ("id_left", "id_right", "score", "band", "reason")
_NO_SUBCOMMAND = "files"


class TwoFiles(TyperGroup):
    """A group whose first argument may also be a file: `match A.csv B.csv` is `match files A.csv B.csv`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the sub-command in where none is named."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_NO_SUBCOMMAND, *args]
        return super().parse_args(ctx, args)


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    match = typer.Typer(
        no_args_is_help=True, cls=TwoFiles, help=_HELP, subcommand_metavar="LEFT.csv RIGHT.csv | COMMAND"
    )
    match.command(_NO_SUBCOMMAND)(link_files)
    match.command()(evaluate)
    match.command()(explain)
    match.command()(links)
    app.add_typer(match, name="match")


_HELP = """Find the records that mean the same company, and say why.

\b
  syncd match LEFT.csv RIGHT.csv -o LINKS.csv      link two files
  syncd match evaluate LINKS.csv TRUTH.csv         how good are the links
  syncd match explain A B                          one pair in words
  syncd match links -o LINKS.csv                   the links that the daemon acts on

LEFT holds companies as they were typed (a partner's list), RIGHT the accounts they may mean (your CRM).
"""


# --- two files -------------------------------------------------------------------------------------------------------


def link_files(
    left: Annotated[Path, typer.Argument(metavar="LEFT.csv", help="Companies as filed.", show_default=False)],
    right: Annotated[Path, typer.Argument(metavar="RIGHT.csv", help="Accounts they may mean.", show_default=False)],
    output: Output = None,
    auto: Auto = 0.97,
    review: Review = 0.10,
    as_json: AsJson = False,
) -> int:
    """Link two files; the same as `syncd match LEFT.csv RIGHT.csv`.

    Any sensible headers will do, Salesforce's and HubSpot's exports included; what could not be used is listed.
    Writes id_left, id_right, score (0 to 1), band (auto: surely the same; review: a person should look) and reason,
    the best link first. Exits with 3 when rows were kept out.
    """
    from syncd.jobs.exports import read_export
    from syncd.matching import link_all

    check_bands(auto, review)
    for path in (left, right):
        _hint_at_subcommands(path)
    exports = [read_export(path, side, by_id=True) for path, side in ((left, "left"), (right, "right"))]
    with progress_bar() as progress:
        accounts = [[row.account for row in export.rows] for export in exports]
        found = link_all(*accounts, auto=auto, review=review, progress=progress)
    rows = [(k.left.id, k.right.id, f"{k.score:.6f}", k.band.value, _reason(k)) for k in found]
    write_csv(output, COLUMNS, rows, unless=as_json)
    bands = {band: sum(row[3] == band for row in rows) for band in ("auto", "review")}
    if as_json:
        emit(_linked_json(exports, bands, output, rows))
    else:
        fail(f"{len(rows)} links: {bands['auto']} auto, {bands['review']} for review.")
    for export in exports:
        tell(export)
    return 3 if any(export.kept_out for export in exports) else 0


def _hint_at_subcommands(path: Path) -> None:
    from syncd.errors import UserError

    if not path.exists():
        known = "evaluate, explain, links"
        raise UserError(f"There is no file {path}. Give two files, or one of the commands {known}.")


def _reason(link: Link) -> str:
    from syncd.jobs.overlap import telling

    return "; ".join(e.sentence for e in telling(link.evidence))


def _linked_json(exports: Sequence[Export], bands: dict[str, int], output: Path | None,
                 rows: Sequence[tuple[str, ...]]) -> dict[str, Any]:  # fmt: skip
    document: dict[str, Any] = {export.side: export.to_json() for export in exports}
    document["links"] = {"all": len(rows), **bands}
    if to_stdout(output):
        document["pairs"] = [{**dict(zip(COLUMNS, row, strict=True)), "score": float(row[2])} for row in rows]
    else:
        document["output"] = str(output)
    return document


# --- the quality of links --------------------------------------------------------------------------------------------


def evaluate(
    links: Annotated[Path, typer.Argument(metavar="LINKS.csv", help="As `syncd match` wrote it.", show_default=False)],
    truth: Annotated[
        Path,
        typer.Argument(metavar="TRUTH.csv", help="id_left, id_right and perhaps name_changed.", show_default=False),
    ],
    as_json: AsJson = False,
) -> int:
    """Measure links against a known truth: precision and recall by band, and the best F1 at any threshold.

    With the column name_changed (1 or 0) in the truth, also how many of the renamed companies were found.
    """
    from syncd.matching import evaluate as measure
    from syncd.model import Band

    pairs, renamed = _read_truth(truth)
    found, bad = _read_links(links)
    quality = measure(found, pairs, renamed)
    bands = {
        name: _band([k for k in found if k.band.value in name.split("+")], pairs)
        for name in (Band.AUTO.value, Band.REVIEW.value, "auto+review")
    }
    document = {
        "truth": quality.truth, "bands": bands, "best_f1": quality.best_f1, "best_threshold": quality.best_threshold,
        "recall_at_precision_99": quality.recall_at_precision_99, "renamed": len(renamed) or None,
        "renamed_recall": quality.renamed_recall, "renamed_auto_recall": quality.renamed_auto_recall,
        "not_read": [{"row": n.row, "reason": n.reason} for n in bad],
    }  # fmt: skip
    if as_json:
        emit(document)
    else:
        _say_quality(document)
    tell_rows(str(links), bad)
    return 3 if bad else 0


def _band(found: Sequence[Link], truth: set[Any]) -> dict[str, Any]:
    right = sum((k.left, k.right) in truth for k in found)
    return {
        "links": len(found), "right": right, "precision": right / len(found) if found else None,
        "recall": right / len(truth) if truth else None,
    }  # fmt: skip


def _say_quality(document: dict[str, Any]) -> None:
    def share(value: float | None) -> str:
        return "" if value is None else f"{value:.4f}"

    rows = [
        (band, d["links"], d["right"], share(d["precision"]), share(d["recall"]))
        for band, d in document["bands"].items()
    ]
    table(("band", "links", "right", "precision", "recall"), rows, "")
    best = f"Best F1 {document['best_f1']:.4f} at a score of {document['best_threshold']:.3f}"
    say(f"{document['truth']} true pairs. {best}; recall at precision 0.99: {document['recall_at_precision_99']:.4f}.")
    if document["renamed"]:
        say(f"Renamed companies: {document['renamed']}, found {document['renamed_recall']:.4f}, "
            f"automatically {document['renamed_auto_recall']:.4f}.")  # fmt: skip


def _read_truth(path: Path) -> tuple[set[Any], set[Any]]:
    from syncd.jobs.exports import read_table

    rows = {_pair(row): row.get("name_changed", "") for _, row in read_table(path, ("id_left", "id_right"))}
    return set(rows), {pair for pair, changed in rows.items() if changed.casefold() in ("1", "true", "yes")}


def _pair(row: dict[str, str]) -> tuple[Any, Any]:
    from syncd.model import Ref

    return Ref("left", "row", row.get("id_left", "")), Ref("right", "row", row.get("id_right", ""))


def _read_links(path: Path) -> tuple[list[Link], list[Note]]:
    """The links of a file, a repeated pair once; and the rows that are no links."""
    from syncd.jobs.exports import Note, read_table
    from syncd.model import Band, Link

    found: dict[Any, Link] = {}
    bad: list[Note] = []
    for number, row in read_table(path, ("id_left", "id_right", "score", "band")):
        try:
            score, band = float(row["score"]), Band(row["band"].casefold())
        except (KeyError, ValueError):
            bad.append(Note(number, "", "score is no number, or band neither auto nor review"))
            continue
        if not 0 <= score <= 1:
            bad.append(Note(number, "", "score is not between 0 and 1"))
        elif _pair(row) in found:
            bad.append(Note(number, "", "the same pair is there twice"))
        else:
            found[_pair(row)] = Link(*_pair(row), score=score, points=score, band=band)
    return list(found.values()), bad


# --- one pair --------------------------------------------------------------------------------------------------------


def explain(
    context: typer.Context,
    a: Annotated[
        str, typer.Argument(metavar="A", help="An id or ref; with --left, an id in LEFT.csv.", show_default=False)
    ],
    b: Annotated[
        str, typer.Argument(metavar="B", help="An id or ref; with --right, an id in RIGHT.csv.", show_default=False)
    ],
    left: Annotated[Path | None, typer.Option("--left", help="Explain with two files instead of the state.")] = None,
    right: Annotated[Path | None, typer.Option("--right", help="The other file.")] = None,
    auto: Auto = 0.97,
    review: Review = 0.10,
    as_json: AsJson = False,
) -> int:
    """Say in words why two records are linked, or why they are not.

    The points are log-odds to base 2: each adds one doubling of the odds. Rivals count after the pair itself.
    """
    from syncd.errors import UserError

    check_bands(auto, review)
    if (left is None) != (right is None):
        raise UserError("Give both --left LEFT.csv and --right RIGHT.csv, or neither.")
    if left is not None and right is not None:
        linker, one, other, link = _from_files(left, right, a, b, auto, review)
    else:
        linker, one, other, link = _from_store(context.obj, a, b)
    if as_json:
        emit(_explained_json(linker, one, other, link))
        return 0
    for line in linker.explain(one, other).splitlines():
        say(clean(line))
    say(_outcome(link))
    return 0


Explained = tuple["Linker", "Parsed", "Parsed", "Link | None"]


def _from_store(config: Context, a: str, b: str) -> Explained:
    from syncd.app import opened
    from syncd.errors import UserError
    from syncd.jobs.persons import one_account
    from syncd.matching import Linker, Parsed, Statistics
    from syncd.store import graph, outcomes

    with opened(config.config) as work, work.store.read() as tx:
        pair = [one_account(tx, a), one_account(tx, b)]
        frozen = outcomes.frozen_statistics(tx)
        if frozen is None:
            raise UserError("Nothing has been linked yet. Run `syncd sync` first.")
        known = {ref: Parsed.from_json(content) for ref, _, content in graph.get_parsed(tx, pair)}
        link = next((k for k in graph.links_of(tx, pair) if {k.left, k.right} == set(pair)), None)
        linker = Linker(Statistics.from_json(frozen[1]), auto=work.auto, review=work.review)
    return linker, known[pair[0]], known[pair[1]], link


def _from_files(left: Path, right: Path, a: str, b: str, auto: float, review: float) -> Explained:
    from syncd.jobs.exports import read_export
    from syncd.matching import Linker, Statistics, edges_between, parse

    sides = [[parse(row.account) for row in read_export(path, side, by_id=True).rows]
             for path, side in ((left, "left"), (right, "right"))]  # fmt: skip
    one, other = _by_id(left, sides[0], a), _by_id(right, sides[1], b)
    linker = Linker(Statistics.build([*sides[0], *sides[1]]), auto=auto, review=review)
    with progress_bar() as progress:
        edges: list[Edge] = edges_between(linker, sides[0], sides[1], progress)
    decided = linker.decide(edges, lambda ref: "direct" if ref.connection == "right" else "filed", {})
    link = next((k for k in decided.links if {k.left, k.right} == {one.ref, other.ref}), None)
    return linker, one, other, link


def _by_id(path: Path, records: Iterable[Parsed], id_: str) -> Parsed:
    from syncd.errors import UserError

    found = next((record for record in records if record.ref.id == id_), None)
    if found is None:
        raise UserError(f"{path} has no usable row with the id {id_}.")
    return found


def _outcome(link: Link | None) -> str:
    if link is None:
        return (
            "No link: too unlikely once everything is counted, or never compared because no key brings them together."
        )
    rivals = [e for e in link.evidence if e.claim in _AFTERWARDS]
    said = "".join(f"\n{e.points:+7.2f}  {clean(e.sentence)}" for e in rivals)
    person = f"; a person said {link.judgement.value}" if link.judgement else ""
    return f"{said[1:]}\nLink: {link.band.value}, score {link.score:.4f}{person}".lstrip("\n")


_AFTERWARDS = ("next_best_is_far_behind", "another_account_fits_too", "no_other_filing_fits",
               "another_filing_fits_better", "held_for_review")  # fmt: skip


def _explained_json(linker: Linker, one: Parsed, other: Parsed, link: Link | None) -> dict[str, Any]:
    from syncd.matching import score

    points, evidence = score(one, other, linker.statistics, linker.weights)
    shown = link.evidence if link else evidence
    return {
        "left": {"ref": str(one.ref), "name": one.title}, "right": {"ref": str(other.ref), "name": other.title},
        "points_before_rivals": points, "score_before_rivals": linker.weights.probability(points),
        "band": link.band.value if link else "none", "score": link.score if link else None,
        "judgement": link.judgement.value if link and link.judgement else None,
        "evidence": [{"claim": e.claim, "points": e.points, "in_words": e.sentence} for e in shown],
        "in_words": linker.explain(one, other) + "\n" + _outcome(link),
    }  # fmt: skip


# --- the daemon's links ----------------------------------------------------------------------------------------------


def links(context: typer.Context, output: Output = None, as_json: AsJson = False) -> int:
    """Export the links that the daemon acts on, with what people have judged; refs are connection/object/id."""
    from syncd.app import opened
    from syncd.store import graph

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        found = graph.all_links(tx)
    columns = ("left", "right", "score", "band", "judgement", "reason")
    rows = [(str(k.left), str(k.right), f"{k.score:.6f}", k.band.value, k.judgement or "", _reason(k)) for k in found]
    write_csv(output, columns, rows, unless=as_json)
    if as_json and to_stdout(output):
        emit(
            [
                {**dict(zip(columns, row, strict=True)), "score": float(row[2]), "judgement": row[4] or None}
                for row in rows
            ]
        )
    elif as_json:
        emit({"links": len(rows), "output": str(output)})
    return 0
