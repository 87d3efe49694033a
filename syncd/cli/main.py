"""The command line as a whole: its commands, its exit codes, and how errors reach a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from syncd import __version__
from syncd.cli import (
    acts,
    config,
    database,
    decide,
    emulator,
    holds,
    intake,
    lists,
    match,
    overlap,
    partners,
    precheck,
    provision,
    rekey,
    retire,
    simulate,
    suppression,
    sync,
    undo,
    why,
)
from syncd.cli.output import Context, fail
from syncd.errors import Brake, SyncdError, UserError

EXIT_CODES = """
Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 done, but some records need attention;
4 stopped by a brake.
"""

app = typer.Typer(
    name="syncd",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"syncd {__version__}")
        raise typer.Exit()


@app.callback()
def root(
    context: typer.Context,
    config_file: Annotated[
        Path, typer.Option("--config", "-c", envvar="SYNCD_CONFIG", help="The settings file.")
    ] = Path("syncd.yaml"),
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Keep a vendor's CRM and its partner portal agreed on who may pursue which account.

    \b
    First look:      syncd demo --once          the whole job on emulated CRMs, nothing of yours is touched
    Then:            syncd check                is the configuration right, can everything be read
                     syncd provision            make the fields in which stamps are shown
                     syncd sync --no-write      pull, link and decide, write nothing
                     syncd plan                 what would be written, and why
                     syncd sync                 one cycle, for real
                     syncd run                  the daemon
    And ask it:      syncd why RECORD           any id, number or company name
    """
    context.obj = Context(config_file)


def outside_trouble(error: Exception) -> str | None:
    """A database or a file that fails, in words; None for an error that is ours, whose traceback is wanted."""
    kind = type(error).__module__.partition(".")[0]
    if kind in ("sqlalchemy", "sqlite3", "psycopg"):
        cause = getattr(error, "orig", None) or error
        return f"The state database failed: {str(cause).strip()}. Is it busy, full, or not syncd's?"
    if isinstance(error, OSError):
        return f"{error.filename or 'The system'}: {error.strerror or error}."
    return None


for module in (
    sync,
    provision,
    undo,
    rekey,
    retire,
    suppression,
    lists,
    intake,
    holds,
    decide,
    acts,
    partners,
    precheck,
    simulate,
    why,
    match,
    overlap,
    config,
    database,
    emulator,
):
    module.add_to(app)


def _teach_exit_codes(commands: typer.Typer) -> None:
    for command in commands.registered_commands:
        command.epilog = EXIT_CODES
    for group in commands.registered_groups:
        group.epilog = EXIT_CODES
        if group.typer_instance is not None:
            _teach_exit_codes(group.typer_instance)


_teach_exit_codes(app)


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code. A person's mistake is told without a traceback."""
    command = typer.main.get_command(app)
    try:
        result = command.main(args=list(arguments), prog_name="syncd", standalone_mode=False)
    except TyperException as error:
        show = getattr(error, "show", None)  # usage errors know how to show themselves beside their command
        fail(str(error)) if show is None else show()
        return 2
    except (typer.Abort, KeyboardInterrupt):
        fail("Stopped.")
        return 130
    except UserError as error:
        fail(str(error))
        return 2
    except Brake as error:
        fail(str(error))
        return 4
    except SyncdError as error:
        fail(str(error))
        return 1
    except BrokenPipeError:
        return 1
    except Exception as error:
        told = outside_trouble(error)
        if told is None:
            raise
        fail(told)
        return 1
    return result if isinstance(result, int) else 0
