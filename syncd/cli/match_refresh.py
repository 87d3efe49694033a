"""`match refresh`: freeze the statistics and points of matching anew, after a look at what that would change."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from syncd.cli.output import AsJson, Context, Reason, emit, say, whoami


def refresh(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only what would change is shown.")] = False,
    proceed: Annotated[
        bool, typer.Option("--proceed", help="Do it although the brake stops it; wants --reason.")
    ] = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Freeze the statistics of matching anew, and the points table with them: everything is linked again.

    Scores do not drift because somebody else's record came: they are frozen. When the records have become many more or
    others, or you have a new points table, freeze them anew. Shows how many links would change, by band. With --yes it
    is done: recorded, in the ledger too; the next cycle links by it. Stops (exit code 4) when too many links would
    change, or one would be lost that a protected registration hangs on.
    """
    from syncd.app import opened
    from syncd.jobs.refresh import look
    from syncd.jobs.refresh import refresh as freeze_anew

    config: Context = context.obj
    with opened(config.config) as work:
        found = freeze_anew(work, whoami(), proceed=proceed, reason=reason) if yes else look(work)
    told: dict[str, Any] = {"changed": False} if found is None else {"changed": yes, **found.as_json()}
    if as_json:
        emit(told)
        return 0
    if found is None:
        say("The frozen statistics are those of today; nothing would change.")
        return 0
    say(f"{found.changes} of {found.acting} links that act {'change' if yes else 'would change'} ({found.share:.1%}).")
    for what, count in told["moves"].items():
        say(f"{count:8}  {what}")
    for lost in told["lost"]:
        protects = f", protects {', '.join(lost['protects'])}" if lost["protects"] else ""
        say(f"lost: {lost['left']} and {lost['right']}, becomes {lost['becomes']}{protects}")
    say("The next cycle links everything again." if yes else "Nothing was changed. Say --yes to do it.")
    return 0
