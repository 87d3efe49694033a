"""`db` and `ledger`: the state database and its record of what was decided and written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.output import AsJson, Context, emit, fail, say, set_up_logging


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    db = typer.Typer(no_args_is_help=True, help="Create, upgrade, back up, check or rebuild the state database.")
    db.command()(upgrade)
    db.command()(backup)
    db.command()(check)
    db.command()(rebuild)
    app.add_typer(db, name="db")
    ledger = typer.Typer(no_args_is_help=True, help="The append-only record of every decision and effective write.")
    ledger.command()(verify)
    ledger.command()(anchor)
    ledger.command()(export)
    ledger.command()(erase)
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


def backup(
    context: typer.Context,
    to: Annotated[Path, typer.Argument(metavar="FILE", help="A new file; an existing one is never overwritten.")],
    as_json: AsJson = False,
) -> int:
    """Copy the whole state to a file, as of one moment. The daemon may go on working.

    SQLite is copied by its own online copy, PostgreSQL by `pg_dump` in its custom format. The file holds everything
    that syncd knows, customers' data included: keep it as safe as the database. How to restore: docs/operating.md.

    Exit code 0 when the backup is whole, 1 when it could not be made, 2 when the file exists already.
    """
    from syncd.app import load_config, open_store
    from syncd.store.backup import backup as copy

    config: Context = context.obj
    store = open_store(load_config(config.config).settings)
    try:
        store.require_schema()
        size = copy(store, to, _copied if sys.stderr.isatty() and not as_json else None)
    finally:
        store.close()
    if as_json:
        emit({"file": str(to), "bytes": size})
    else:
        say(f"{to}: {size / 1e6:,.1f} MB.")
    return 0


def _copied(done: int, total: int) -> None:
    sys.stderr.write(f"\r{100 * done // max(total, 1)} % copied" + ("\n" if done == total else ""))


def check(context: typer.Context, as_json: AsJson = False) -> int:
    """Check the state database: is the file sound, is the schema whole, does the ledger hold. Changes nothing.

    Exit code 0 when all is well, 1 when something is not, each with what to do.
    """
    from syncd.app import load_config, open_store
    from syncd.store import ledger
    from syncd.store.backup import troubles

    config: Context = context.obj
    settings = load_config(config.config).settings
    key = settings.ledger.key.reveal().encode() if settings.ledger.key else None
    store, good = open_store(settings), 0
    try:
        found = list(troubles(store))
        if not found:
            with store.read(long=True) as tx:
                good, wrong = ledger.verify(tx, key)
            found = [f"Ledger: {good} entries hold; {wrong}."] if wrong else []
    finally:
        store.close()
    if as_json:
        emit({"ok": not found, "database": store.shown_url, "ledger_entries": good, "problems": found})
    elif not found:
        say(f"{store.shown_url}: sound; schema whole; all {good} entries of the ledger hold.")
    for line in () if as_json else found:
        fail(line)
    return 1 if found else 0


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


def verify(
    context: typer.Context,
    anchors: Annotated[
        Path | None, typer.Option("--anchors", metavar="FILE", help="Compare with what was told to this file.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Check that no entry of the ledger was changed, removed or put in. Names the first that does not hold.

    Cutting off the end together with its counter, and a rewrite by a holder of the key, are only found against
    anchors kept elsewhere: `--anchors FILE`, by default the file that `ledger.anchor` names.

    Exit code 0 when all hold, 1 when one does not, 2 when something could not be read.
    """
    from syncd.app import opened
    from syncd.jobs import anchor as anchoring
    from syncd.store import ledger

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        good, wrong = ledger.verify(tx, work.ledger_key)
        place = anchors or _anchor_file(work.anchor)
        told = anchoring.read(place) if place is not None else []
        wrong = wrong or anchoring.unlike(tx, told)
    if as_json:
        emit({"ok": wrong is None, "entries": good, "anchors": len(told), "problem": wrong})
    elif wrong is None:
        say(f"All {good} entries hold." + (f" {len(told)} anchors fit." if told else ""))
    else:
        fail(f"{good} entries hold; {wrong}.")
    return 0 if wrong is None else 1


def _anchor_file(place: str | None) -> Path | None:
    """The file of the settings once it was written to."""
    return Path(place) if place is not None and "://" not in place and Path(place).exists() else None


def anchor(
    context: typer.Context,
    to: Annotated[
        str | None, typer.Option("--to", metavar="PLACE", help="A file or https URL instead of `ledger.anchor`.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Tell a file or URL how long the ledger is and what its last entry hashes to. The daemon does it once a day.

    Keep it where nobody who can write to the database can: then cutting off the end of the ledger, and a rewrite of
    all of it, are found by `syncd ledger verify --anchors FILE`.

    Exit code 0 when it was told, 1 when the place does not take it, 2 when none is named.
    """
    from dataclasses import asdict

    from syncd.app import opened
    from syncd.errors import UserError
    from syncd.jobs import anchor as anchoring

    config: Context = context.obj
    with opened(config.config) as work:
        place = to or work.anchor
        if place is None:
            raise UserError("No place to anchor to: name one with --to, or set `ledger: {anchor: …}` in syncd.yaml.")
        made = anchoring.anchor(work, place)
    if as_json:
        emit(asdict(made))
    else:
        say(f"{made.entries} entries, the last {made.hash[:16]}…: told to {place}.")
    return 0


def erase(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", help="Why: a request of the person, the end of retention.")],
    value: Annotated[
        str | None, typer.Option("--value", metavar="TEXT", help="The personal value to forget, exactly as written.")
    ] = None,
    before: Annotated[
        str | None, typer.Option("--before", metavar="DATE", help="What was entered before this day (UTC).")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase; without it only the count is told.")] = False,
    as_json: AsJson = False,
) -> int:
    """Forget personal values of the ledger: one by `--value`, or all that are older than `--before`.

    The chain stays whole and verifiable: it holds only salted commitments to these values. That something was erased,
    how much, and why, is entered into the ledger.

    Exit code 0 when done or counted, 2 when neither a value nor a date is given.
    """
    from datetime import UTC, datetime

    from syncd.app import opened
    from syncd.errors import UserError
    from syncd.store import ledger

    config: Context = context.obj
    if not reason.strip():
        raise UserError("Say why with --reason; it is kept in the ledger.")
    if value is None and before is None:
        raise UserError("Say what to erase: --value TEXT, --before DATE, or both.")
    try:
        until = datetime.fromisoformat(before).replace(tzinfo=UTC) if before else None
    except ValueError:
        raise UserError(f"--before {before} is no date. Write it as 2026-11-30.") from None
    with opened(config.config) as work, work.store.append() as tx:
        places = ledger.personal(tx, value, until)
        if yes and places:
            ledger.erase(tx, places)
            body = {"values": len(places), "before": before, "entries": sorted({seq for seq, _ in places})[:100]}
            entry = ledger.Entry("erasure", {**body, "reason": reason}, ("reason",))
            ledger.append(tx, work.clock.now(), [entry], work.ledger_key)
    if as_json:
        emit({"values": len(places), "erased": yes})
    else:
        say(f"{len(places)} values {'were erased' if yes else 'would be erased; say --yes to do it'}.")
    return 0


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
