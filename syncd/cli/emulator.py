"""`emulator` and `demo`: try everything without a CRM."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.output import AsJson, set_up_logging


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    emulator = typer.Typer(no_args_is_help=True, help="Stand-ins for Salesforce and HubSpot.")
    emulator.command()(serve)
    app.add_typer(emulator, name="emulator")
    app.command()(demo)


def serve(
    salesforce: Annotated[str, typer.Option(help="HOST:PORT of the Salesforce stand-in; port 0 takes a free one.")] = (
        "127.0.0.1:8766"
    ),
    hubspot: Annotated[str, typer.Option(help="HOST:PORT of the HubSpot stand-in; port 0 takes a free one.")] = (
        "127.0.0.1:8767"
    ),
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with salesforce/<Object>.csv and hubspot/<object type>.csv, headers = API names."),
    ] = None,
) -> int:
    """Serve both CRMs until SIGTERM, from your own CSV exports if you like.

    Prints one JSON line with base URLs and tokens when ready. Listens on this machine only, unless you say otherwise.
    """
    from syncd.emulator import EmulatorDataError
    from syncd.emulator.serve import serve_forever
    from syncd.errors import UserError

    try:
        return serve_forever(salesforce, hubspot, data)
    except EmulatorDataError as error:
        raise UserError(str(error)) from error
    except ValueError as error:
        raise UserError(f"{error}. Give HOST:PORT, such as 127.0.0.1:8766.") from error


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the story instead of going on as a daemon.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Keep the demo's files here instead of in a temporary folder.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Watch the whole job on emulated CRMs with real company names: pull, link, rule, stamp, and nothing left to do.

    Needs no account anywhere and touches nothing of yours.
    """
    from syncd.demo.story import run_demo

    set_up_logging("auto", "warning")
    return run_demo(once=once, folder=folder, as_json=as_json)
