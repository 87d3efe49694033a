"""`find`: the intake book, searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.output import AsJson, Context, emit, table
from syncd.errors import UserError

if TYPE_CHECKING:
    from syncd.jobs.work import Work
    from syncd.store.intake import Line


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(find)


def find(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="A number, an id, a company or a partner, or a part of one.")],
    as_json: AsJson = False,
) -> int:
    """Find what was filed, taken or not, and why not. Exit code 1 when nothing is called that.

    Everything in a portal has a line: also what a filter keeps out, what cannot be read, and what is gone.
    """
    from syncd.app import opened
    from syncd.jobs.intake import find as search

    if len(text.strip()) < 2:
        raise UserError("Give at least two characters of an id, a number or a name.")
    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        found = search(work, tx, text)
        show_lines(work, found, as_json)
    return 0 if found else 1


def show_lines(work: Work, lines: Sequence[Line], as_json: bool) -> int:
    """Print lines of the intake book."""
    from syncd.jobs.intake import line_json, why_not

    names = {side.uid: side for side in work.sides}
    if as_json:
        emit([line_json(line, names.get(line.ref.connection)) for line in lines])
        return 0
    columns = ("number", "id", "partner", "company", "state", "received", "acknowledged", "why")
    rows = [
        (r.number, r.ref.id, r.partner, r.company, r.state.value, r.received_at, r.acknowledged_at, why_not(r))
        for r in lines
    ]
    table(columns, rows, "Nothing.")
    return 0
