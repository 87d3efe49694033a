"""`holds`, `proceed` and `halt`: what waits for a person, and a person who stops all writing."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.output import AsJson, Context, Reason, emit, say, table, whoami


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(holds)
    app.command()(proceed)
    app.command()(halt)


def holds(context: typer.Context, as_json: AsJson = False) -> int:
    """List what is held: what a brake or a person has stopped, streams that hold decisions back. Exit code 4 if any.

    Nothing of a held object is read, and nothing new is written to a connection of which too much would be written at
    once, before somebody says `syncd proceed HOLD`.
    """
    from syncd.app import opened
    from syncd.jobs.holds import waiting

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        found = waiting(work, tx)
    if as_json:
        emit([item.as_json() for item in found])
    else:
        columns = ("hold", "kind", "since", "what", "behind it")
        table(columns, [(i.name, i.kind.value, i.since, i.what, i.behind) for i in found], "Nothing is held.")
    return 4 if found else 0


def halt(
    context: typer.Context,
    connections: Annotated[
        list[str] | None, typer.Argument(help="The connections; all of them without.", show_default=False)
    ] = None,
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Stop all writing to the CRMs at once, heartbeat included; reading and deciding go on.

    A running daemon stops after the calls that are under way. `syncd holds` lists the halt, `syncd proceed HOLD` ends
    it. Both are recorded in the ledger with your name and reason.
    """
    from syncd.app import opened
    from syncd.jobs.holds import halt as stop

    config: Context = context.obj
    with opened(config.config) as work:
        names = stop(work, connections or [], whoami(), reason)
    if as_json:
        emit({"ok": True, "by": whoami(), "connections": names})
    else:
        say(f"Nothing is written to {', '.join(names)} until somebody says to proceed; `syncd holds` has the number.")
    return 0


def proceed(
    context: typer.Context,
    hold: Annotated[str, typer.Argument(help="The hold, as `syncd holds` names it.", show_default=False)],
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Let something go on that is held: what has vanished is gone, a flood of writes is meant, or decisions are made
    without a stalled stream.

    Recorded in the ledger with your name and reason; the next cycle acts on it.
    """
    from syncd.app import opened
    from syncd.jobs.holds import proceed as go_on

    config: Context = context.obj
    with opened(config.config) as work:
        found = go_on(work, hold, whoami(), reason)
    if as_json:
        emit({"ok": True, "by": whoami(), **found.as_json()})
    else:
        say(f"{found.what} {whoami()} says to proceed; the next cycle does.")
    return 0
