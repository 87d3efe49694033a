"""`retire`: leave a CRM as it was before syncd."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.output import AsJson, Context, Reason, emit, say, whoami

if TYPE_CHECKING:
    from syncd.jobs.retire import Retiring


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(retire)


def retire(
    context: typer.Context,
    connection: Annotated[str, typer.Argument(help="The connection, as the settings name it.", show_default=False)],
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FOLDER", help="A new folder for everything that is kept of it.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Needs --export and --reason.")] = False,
    back: Annotated[bool, typer.Option("--back", help="It is not left after all; show its stamps again.")] = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Leave a CRM: clear our stamps, give owners back, and take everything along. The ledger is kept.

    Without --yes only shows what would be done, or, once it is retired, what is still to be cleared. With --yes first
    writes all that is kept of the connection into a folder (JSON Lines and CSV, with a manifest), then records the
    retirement with your name and reason; the next cycles clear the records, entered in the ledger like every write.
    After that nothing is written to this connection any more, the heartbeat included. --back takes it back.

    Exit code 3: something is still to be cleared, or is held back.
    """
    from syncd.app import opened
    from syncd.errors import UserError
    from syncd.jobs.retire import plan_retirement, take_back
    from syncd.jobs.retire import retire as leave

    config: Context = context.obj
    if yes and export is None and not back:
        raise UserError("Say with --export FOLDER where everything that is kept of the connection shall go.")
    with opened(config.config) as work:
        if back:
            found = take_back(work, connection, whoami(), reason)
        elif yes and export is not None:
            found = leave(work, connection, whoami(), reason, export)
        else:
            with work.store.read() as tx:
                found = plan_retirement(work, tx, connection)
    if as_json:
        emit({"connection": found.name, "retired": found.is_retired, **found.counts, "exported": found.exported})
    else:
        _tell(found, done=yes, back=back)
    return 3 if found.rows and not yes else 0


def _tell(found: Retiring, *, done: bool, back: bool) -> None:
    if back:
        say(f"{found.name} is not left after all; the next cycle shows its stamps again.")
        return
    counts = found.counts
    say(f"{found.name}: {counts['stamps']} stamps to clear, {counts['owners']} owners to give back.")
    for reason in sorted({row.refused for row in found.rows if row.refused}):
        say(f"  held back: {reason}")
    for file, rows in found.exported.items():
        say(f"  taken along: {file} ({rows})")
    if done:
        say("The next cycles clear it; then nothing is written to it any more.")
    elif found.is_retired:
        say("It is retired." if found.rows else "It is retired, and nothing of syncd is left on its records.")
    else:
        say('Nothing was changed. --yes --export FOLDER --reason "..." does it.')
