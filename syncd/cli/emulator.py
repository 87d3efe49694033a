"""`emulator` and `demo`: try everything without a CRM."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from syncd.cli.output import AsJson, fail, set_up_logging

if TYPE_CHECKING:
    from syncd.emulator import Emulator, EmulatorClock, Variants


class Tier(StrEnum):
    """HubSpot's subscriptions as far as its limits go."""

    starter = "starter"
    professional = "professional"
    enterprise = "enterprise"
    none = "none"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    emulator = typer.Typer(no_args_is_help=True, help="Stand-ins for Salesforce and HubSpot.")
    emulator.command()(serve)
    app.add_typer(emulator, name="emulator")
    app.command()(demo)


def serve(
    salesforce: Annotated[
        str, typer.Option(help="Where the Salesforce stand-in listens; port 0 takes a free one.", metavar="HOST:PORT")
    ] = "127.0.0.1:8766",
    hubspot: Annotated[
        str, typer.Option(help="Where the HubSpot stand-in listens; port 0 takes a free one.", metavar="HOST:PORT")
    ] = "127.0.0.1:8767",
    admin: Annotated[
        str,
        typer.Option(help="Where the admin API listens, on loopback; port 0 takes a free one.", metavar="HOST:PORT"),
    ] = "127.0.0.1:0",
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with your CSV exports. They are read, and neither copied nor changed.", metavar="DIR"
        ),
    ] = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="Serve https; clients must trust the file `ca_file` of the JSON line.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Tokens, made-up ids and all chance follow from it.")] = 0,
    tier: Annotated[
        Tier | None, typer.Option(help="HubSpot's rate limits: those of a tier, or none (professional if not said).")
    ] = None,
    frozen: Annotated[
        str | None, typer.Option(help="Stop the emulators' clock at this time; the admin API moves it.", metavar="TIME")
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            help="Another value for a fact about a CRM that is not proved; may be said again.", metavar="NAME=VALUE"
        ),
    ] = None,
) -> int:
    """Serve stand-ins for Salesforce and HubSpot until SIGTERM or Ctrl-C, with your own exports if you like.

    \b
    Rehearse a mapping and a policy on your own data, without touching either CRM:
        mkdir exports                            put in your CSV files, as exported:
                                                 Salesforce reports, Data Export, Data Loader; HubSpot exports
        syncd emulator serve --data exports      tells what was read, then prints one JSON line
        syncd -c trial.yaml sync                 trial.yaml: the base URLs and tokens of that line

    Lines that cannot be read are told with file and line, and kept out. Columns that no field is called after become
    custom fields. `salesforce/<Object>.csv` and `hubspot/<type>.csv` say for certain what a file holds.

    The JSON line has base URLs and tokens of both, and of the admin API, by which a script can move time, edit as a
    person, plan faults and read what was changed: docs/emulator.md. Listens on this machine only, unless you say
    otherwise.
    """
    from syncd.emulator import EmulatorDataError
    from syncd.emulator.serve import serve_forever
    from syncd.errors import UserError

    variants = _variants(variant or [])
    try:
        return serve_forever(lambda: _made(data, seed, tier, frozen, variants), salesforce, hubspot, admin, tls)
    except EmulatorDataError as error:
        raise UserError(str(error)) from error
    except ValueError as error:
        raise UserError(f"{error}. Give HOST:PORT, such as 127.0.0.1:8766.") from error
    except OSError as error:
        raise UserError(f"{error.strerror or error}.") from error


def _variants(pairs: list[str]) -> Variants:
    from syncd.emulator import Variants
    from syncd.errors import UserError

    try:
        return Variants.told(pairs)
    except ValueError as error:
        raise UserError(f"--variant: {error}.") from error


def _made(data: Path | None, seed: int, tier: Tier | None, frozen: str | None, variants: Variants) -> Emulator:
    from syncd.emulator import Emulator
    from syncd.emulator.report import Report

    clock = _clock(frozen)
    if data is None:
        emulator = Emulator.empty(clock=clock, seed=seed, variants=variants)
    else:
        report = Report(data, fail)
        emulator = Emulator.load(data, clock=clock, seed=seed, variants=variants, report=report)
        fail("\n".join(report.summary()))
    if tier is not None:
        emulator.hubspot.set_limits(None if tier is Tier.none else cast(Any, tier.value))
    return emulator


def _clock(frozen: str | None) -> EmulatorClock:
    from syncd.emulator import EmulatorClock
    from syncd.errors import UserError

    clock = EmulatorClock()
    if frozen is not None:
        try:
            clock.freeze(None if frozen == "now" else datetime.fromisoformat(frozen))
        except ValueError as error:
            example = "--frozen now or --frozen 2026-11-23T09:00:00Z"
            raise UserError(f"--frozen {frozen}: not a time with its zone. Give {example}.") from error
    return clock


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
