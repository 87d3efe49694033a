"""`rekey`: records of one system go on as records of another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.output import AsJson, Context, Reason, emit, fail, say, whoami

if TYPE_CHECKING:
    from syncd.jobs.rekey import Rekeying

_SHOWN = 20


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(rekey)


def rekey(
    context: typer.Context,
    connection: Annotated[str, typer.Argument(help="The connection whose records go on.", show_default=False)],
    ids: Annotated[
        Path, typer.Option("--map", metavar="IDS.csv", help="Columns old_id, new_id; and object where ids repeat.")
    ],
    old: Annotated[
        str, typer.Option("--from", metavar="NAME", help="The connection that is left, if several are.")
    ] = "",
    back: Annotated[bool, typer.Option("--back", help="Take back what this file has had followed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Needs --reason.")] = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Follow records into another system: a portal that was replaced, two CRMs that became one, a sandbox promoted.

    \b
    1. Copy the records into the new system, and keep which id became which: ids.csv with old_id,new_id.
    2. In the settings give the new system a connection with a name of its own, and take the old one out.
    3. syncd rekey NEW --map ids.csv                        what would go along; reads the new records by id
    4. syncd rekey NEW --map ids.csv --yes --reason "..."   before the first `syncd sync`, if you can
    5. syncd sync

    Decisions, their times of filing, numbers, rulings and judgements go along; nothing is rewritten, and --back takes
    it back. Entered in the ledger with your name and reason. Exit code 3: some lines cannot be followed; each is named.
    """
    from syncd.app import opened
    from syncd.jobs.rekey import plan_rekey, read_map
    from syncd.jobs.rekey import rekey as follow

    config: Context = context.obj
    lines = read_map(ids)
    with opened(config.config) as work:
        if yes:
            found = follow(work, connection, lines, whoami(), reason, old=old, back=back)
        else:
            found = plan_rekey(work, connection, lines, old=old, back=back)
    if as_json:
        emit({**found.as_json(), "done": yes})
    else:
        _tell(found, done=yes, back=back)
    return 3 if found.problems else 0


def _tell(found: Rekeying, *, done: bool, back: bool) -> None:
    way = "go back" if back else f"go on in {found.connection}"
    for object_, count in found.by_object.items():
        say(f"{object_}: {count} records {way}")
    say(", ".join(f"{count} {what}" for what, count in found.following.items()) + " go along")
    if found.already or found.unknown:
        say(f"{found.already} were followed before, {found.unknown} old ids were never read here")
    for row, why in found.problems[:_SHOWN]:
        fail(f"row {row}: {why}")
    if len(found.problems) > _SHOWN:
        fail(f"and {len(found.problems) - _SHOWN} more lines; --json lists them all")
    say("The next cycle decides by it." if done else 'Nothing was changed. --yes --reason "..." does it.')
