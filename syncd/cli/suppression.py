"""`suppression`: the list that outbound tools are given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli.output import AsJson, Context, emit, say

if TYPE_CHECKING:
    from syncd.jobs.suppression import Suppressed

_COLUMNS = ("account_id", "account", "domain", "status", "until", "products")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(suppression)


def suppression(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A CSV file, replaced as a whole; standard output without.")
    ] = None,
    domains: Annotated[bool, typer.Option("--domains", help="Only the domains, each once.")] = False,
    claimed: Annotated[
        bool, typer.Option("--claimed", help="Also what is claimed and not decided yet: pending and under review.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """List the accounts and domains that are protected, for tools that write to prospects. Calls no CRM.

    One line for each account and domain, without the partner's name; the domain is blank where it is not known, or
    where accounts that nobody holds have it too. Have it made after each sync, and give the file to the tool: it is
    replaced in one step, so that nobody reads half of it.
    """
    from syncd.app import opened
    from syncd.cli.files import to_stdout, write_csv
    from syncd.jobs.suppression import CLAIMED, PROTECTED, suppressed

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        found = suppressed(work, tx, CLAIMED if claimed else PROTECTED)
    columns: tuple[str, ...] = ("domain",) if domains else _COLUMNS
    rows: list[tuple[Any, ...]] = _domains(found) if domains else [_line(one) for one in found]
    if as_json:
        emit([dict(zip(columns, row, strict=True)) for row in rows])
        return 0
    if output is None or to_stdout(output):
        write_csv(None, columns, rows)
        return 0
    half = output.with_name(f".{output.name}.{os.getpid()}")
    write_csv(half, columns, rows)
    half.replace(output)
    say(f"{output}: {len(rows)} lines")
    return 0


def _domains(found: Sequence[Suppressed]) -> list[tuple[Any, ...]]:
    return [(domain,) for domain in sorted({one.domain for one in found if one.domain})]


def _line(one: Suppressed) -> tuple[Any, ...]:
    until = one.until.isoformat() if one.until is not None else ""
    return one.ref.id, one.account, one.domain, one.status, until, one.products
