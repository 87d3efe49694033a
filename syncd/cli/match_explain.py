"""`match explain`: one pair in words, linked or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli.files import check_bands, progress_bar
from syncd.cli.output import AsJson, clean, emit, say

if TYPE_CHECKING:
    from syncd.matching import Weights
    from syncd.matching.explain import Explanation

Auto = Annotated[float, typer.Option("--auto", min=0, max=1, help="From this score on, a link acts by itself.")]
Review = Annotated[float, typer.Option("--review", min=0, max=1, help="From this score on, a person should look.")]
Points = Annotated[
    Path | None,
    typer.Option("--points", help="A points table of your own; see `match train`.", metavar="TABLE"),
]


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
    points: Points = None,
    as_json: AsJson = False,
) -> int:
    """Say in words why two records are linked, or why they are not.

    \b
    syncd match explain 0017 crm1/companies/88        two records that the daemon knows, by id or ref
    syncd match explain L1 R1 --left L.csv --right R.csv

    Told are: the keys by which the two find each other, or the ones that are missing; what each claim counts; what
    other candidates did; what forbids or holds the link; and what a person said. Points are log-odds to base 2: one
    point doubles the odds, and they add up to the score. --auto, --review and --points are for two files; the daemon
    uses those of the settings.
    """
    from syncd.errors import UserError

    check_bands(auto, review)
    if (left is None) != (right is None):
        raise UserError("Give both --left LEFT.csv and --right RIGHT.csv, or neither.")
    if left is not None and right is not None:
        from syncd.jobs.explain import Files

        with progress_bar() as progress:
            files = Files(left, right, auto=auto, review=review, weights=table_of(points), progress=progress)
        found = files.pair(a, b)
    else:
        found = _in_state(context, a, b)
    if as_json:
        emit(to_json(found))
        return 0
    for line in found.in_words():
        say(clean(line))
    return 0


def _in_state(context: typer.Context, a: str, b: str) -> Explanation:
    from syncd.app import opened
    from syncd.jobs.explain import in_state

    with opened(context.obj.config) as work:
        return in_state(work, a, b)


def table_of(path: Path | None) -> Weights | None:
    """The points table in this file; None for the shipped one. Raises UserError."""
    if path is None:
        return None
    from syncd.jobs.training import read_table_of_points

    return read_table_of_points(path)


def to_json(found: Explanation) -> dict[str, Any]:
    """An explanation as plain values; the points of `evidence` add up to `points`."""
    evidence = [{"claim": e.claim, "points": e.points, "in_words": e.sentence} for e in (*found.pair, *found.rivals)]
    return {
        "left": {"ref": str(found.left.ref), "name": found.left.title},
        "right": {"ref": str(found.right.ref), "name": found.right.title},
        "band": found.band.value, "score": found.score, "points": found.points,
        "points_before_rivals": found.before_rivals, "evidence": evidence,
        "keys": [{"key": key, "records": n, "used": key not in found.keys.unused} for key, n in found.keys.shared],
        "missing_keys": [] if found.keys.find else list(found.keys.missing),
        "judgement": found.judgement.value if found.judgement else None,
        "said": found.said or None, "held": list(found.held), "outcome": found.outcome,
        "in_words": "\n".join(found.in_words()),
    }  # fmt: skip
