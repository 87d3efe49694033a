"""`holds` and `proceed`: what waits for a person, because a brake was tripped or a stream stalls."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.output import AsJson, Context, Reason, emit, say, table, whoami


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(holds)
    app.command()(proceed)


def holds(context: typer.Context, as_json: AsJson = False) -> int:
    """List what is held: objects that a brake has stopped, and streams that hold decisions back. Exit code 4 if any.

    Nothing of a held object is read before somebody says `syncd proceed HOLD`.
    """
    from syncd.app import opened
    from syncd.jobs.holds import waiting

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        found = waiting(work, tx)
    if as_json:
        emit([item.as_json() for item in found])
    else:
        columns = ("hold", "kind", "since", "what")
        table(columns, [(i.name, i.kind.value, i.since, i.what) for i in found], "Nothing is held.")
    return 4 if found else 0


def proceed(
    context: typer.Context,
    hold: Annotated[str, typer.Argument(help="The hold, as `syncd holds` names it.", show_default=False)],
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Let something go on that is held: what has vanished is gone, or decisions are made without a stalled stream.

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
