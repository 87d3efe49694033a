"""`db` and `ledger`: the state database and its record of what was decided and written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.output import AsJson, Context, emit, fail, say, set_up_logging


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    db = typer.Typer(no_args_is_help=True, help="Create, upgrade or rebuild the state database.")
    db.command()(upgrade)
    db.command()(rebuild)
    app.add_typer(db, name="db")
    ledger = typer.Typer(no_args_is_help=True, help="The append-only record of every decision and effective write.")
    ledger.command()(verify)
    ledger.command()(export)
    app.add_typer(ledger, name="ledger")


def upgrade(context: typer.Context) -> int:
    """Create the state database, or bring its schema to the newest revision. Does nothing when it is there."""
    from syncd.app import load_config, open_store
    from syncd.store.database import HEAD

    config: Context = context.obj
    store = open_store(load_config(config.config).settings)
    try:
        before = store.revision()
        store.upgrade()
    finally:
        store.close()
    say(f"{store.shown_url}: schema {HEAD}" + ("" if before == HEAD else f", was {before or 'empty'}"))
    return 0


def rebuild(context: typer.Context, as_json: AsJson = False) -> int:
    """Drop everything that is derived and make it again from the facts. Calls no CRM and loses nothing."""
    from syncd.app import as_daemon
    from syncd.jobs.rebuild import rebuild as again

    config: Context = context.obj
    set_up_logging("auto", "warning" if sys.stderr.isatty() else "info")
    with as_daemon(config.config) as work:
        done = again(work, fail if sys.stderr.isatty() else None)
    if as_json:
        emit(done)
    else:
        say(f"Staged {done['stage']} records, {done['link']} links, {done['decide']} new decisions.")
    return 0


def verify(context: typer.Context, as_json: AsJson = False) -> int:
    """Check that no entry of the ledger was changed, removed or put in. Names the first that does not hold.

    Cutting off the end together with its counter, and a rewrite by a holder of the key, are only found against
    an anchor kept elsewhere.
    """
    from syncd.app import opened
    from syncd.store import ledger

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        good, wrong = ledger.verify(tx, work.ledger_key)
    if as_json:
        emit({"ok": wrong is None, "entries": good, "problem": wrong})
    elif wrong is None:
        say(f"All {good} entries hold.")
    else:
        fail(f"{good} entries hold; {wrong}.")
    return 0 if wrong is None else 1


def export(
    context: typer.Context,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
) -> int:
    """Export the ledger as JSON Lines, oldest first; personal values stay commitments."""
    import orjson

    from syncd.app import opened
    from syncd.store import ledger

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        if output is None:
            for entry in ledger.entries(tx):
                say(orjson.dumps(entry).decode())
            return 0
        with output.open("wb") as file:
            for entry in ledger.entries(tx):
                file.write(orjson.dumps(entry) + b"\n")
    return 0
