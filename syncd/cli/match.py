"""`match`: link two files, export the links that the daemon acts on; its other commands have files of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from syncd.cli.files import check_bands, progress_bar, tell, to_stdout, write_csv
from syncd.cli.match_contradictions import contradictions
from syncd.cli.match_evaluate import evaluate
from syncd.cli.match_explain import Auto, Points, Review, explain, table_of
from syncd.cli.match_refresh import refresh
from syncd.cli.match_review import review
from syncd.cli.match_train import adapt, train
from syncd.cli.output import AsJson, Context, emit, fail

if TYPE_CHECKING:
    from syncd.jobs.exports import Export
    from syncd.model import Link

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the links here; `-` or nothing: standard output.")
]
Engine = Annotated[
    str,
    typer.Option(help="Where long lists are linked: process, duckdb or spark. The answer is the same."),
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
    match.command()(review)
    match.command()(train)
    match.command()(adapt)
    match.command()(links)
    match.command()(refresh)
    match.command()(contradictions)
    app.add_typer(match, name="match")


_HELP = """Find the records that mean the same company, and say why.

\b
  syncd match LEFT.csv RIGHT.csv -o LINKS.csv      link two files
  syncd match evaluate LINKS.csv TRUTH.csv         how good are the links
  syncd match explain A B                          one pair in words, linked or not
  syncd match review                               answer the questions that teach most
  syncd match train | match adapt                  a points table of your own: from answers, or from the data alone
  syncd match links -o LINKS.csv                   the links that the daemon acts on
  syncd match refresh                              what linking is frozen at, counted anew

LEFT holds companies as they were typed (a partner's list), RIGHT the accounts they may mean (your CRM).
"""


# --- two files -------------------------------------------------------------------------------------------------------


def link_files(
    left: Annotated[Path, typer.Argument(metavar="LEFT.csv", help="Companies as filed.", show_default=False)],
    right: Annotated[Path, typer.Argument(metavar="RIGHT.csv", help="Accounts they may mean.", show_default=False)],
    output: Output = None,
    auto: Auto = 0.97,
    review_from: Review = 0.10,
    points: Points = None,
    engine: Engine = "process",
    as_json: AsJson = False,
) -> int:
    """Link two files; the same as `syncd match LEFT.csv RIGHT.csv`.

    Any sensible headers will do, Salesforce's and HubSpot's exports included; what could not be used is listed.
    Writes id_left, id_right, score (0 to 1), band (auto: surely the same; review: a person should look) and reason,
    the best link first. Exits with 3 when rows were kept out.
    """
    from syncd.jobs.bulk import Settings, link_lists
    from syncd.jobs.exports import read_export

    check_bands(auto, review_from)
    settings = Settings(auto, review_from, table_of(points), engine)
    for path in (left, right):
        _hint_at_subcommands(path)
    exports = [read_export(path, side, by_id=True) for path, side in ((left, "left"), (right, "right"))]
    with progress_bar() as progress:
        left_list, right_list = ([row.account for row in export.rows] for export in exports)
        found = link_lists(left_list, right_list, settings, progress)
    rows = [(k.left, k.right, f"{k.score:.6f}", k.band.value, k.reason) for k in found]
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
        known = "evaluate, explain, review, train, adapt, links, refresh"
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
