"""`undo`: take back what one run wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli.output import AsJson, Context, Reason, emit, fail, say, whoami
from syncd.cli.plans import read_reviewed, rows_of, save, show

if TYPE_CHECKING:
    from syncd.jobs.undo import Undoing
    from syncd.jobs.work import Work


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(undo)


def undo(
    context: typer.Context,
    run: Annotated[
        str, typer.Option("--run", metavar="RUN", help="The run, as `syncd runs` names it: a `write`, or its `plan`.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the plan to a file: .json to be reviewed, or .html.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="Take back only what this file of -o holds.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take back all of it.")] = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Take back what one run wrote: every record gets the values that it had before, as the ledger tells them.

    Without --yes or --plan only shows what would be written. What has been changed since, by a person or by a later
    run, is told and left alone (exit code 3). Calls no CRM: what you take back is recorded with your name and reason,
    and the next cycle writes it, with the same modes, brakes and entries in the ledger as everything else.

    A record stays as it was before until something else is decided for it: a new decision, policy or mapping, which is
    then written. To take back a decision itself, use `revoke`, `reinstate`, `same`, `different` and the like.
    """
    from syncd.app import opened
    from syncd.jobs.undo import plan_undo
    from syncd.jobs.undo import undo as take_back

    config: Context = context.obj
    reviewed = read_reviewed(plan, f"`syncd undo --run {run} -o {plan}` writes one.") if plan is not None else None
    with opened(config.config) as work:
        if yes or reviewed is not None:
            found = take_back(work, run, whoami(), reason, reviewed)
        else:
            with work.store.read() as tx:
                found = plan_undo(work, tx, run, whoami())
        rows = rows_of(work, found.rows, {})
        left = _left(work, found)
    if output is not None:
        save(output, rows, f"What undoing run {run} would write")
    if as_json:
        emit({"run": run, "recorded": found.recorded, "differences": rows, "left": left})
    else:
        _tell(found, rows, left, done=yes or reviewed is not None)
    return 3 if left or any(row["refused"] for row in rows) else 0


def _left(work: Work, found: Undoing) -> list[dict[str, Any]]:
    names = {side.uid: side.name for side in work.sides}
    return [
        {
            "connection": names.get(ref.connection, ref.connection),
            "record": f"{ref.object}/{ref.id}",
            "group": group.value,
            "why": why,
        }
        for ref, group, why in found.left
    ]


def _tell(found: Undoing, rows: list[dict[str, Any]], left: list[dict[str, Any]], *, done: bool) -> None:
    show(rows, "Nothing to take back: every record shows what it showed before.")
    for item in left:
        fail(f"{item['connection']} {item['record']} {item['group']}: left alone: {item['why']}.")
    if done:
        say(f"{found.recorded} are taken back; the next cycle writes it.")
    elif rows:
        say('Nothing was changed. --yes --reason "..." takes all of it back, --plan FILE what a plan of -o holds.')
