"""`provision`: the fields that stamps need, made or checked in each CRM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.output import AsJson, Context, emit, fail, say, whoami

if TYPE_CHECKING:
    from syncd.model import Provisioned
    from syncd.store.database import Store


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(provision)


def provision(
    context: typer.Context,
    connections: Annotated[
        list[str] | None, typer.Argument(help="The connections; all of them without.", show_default=False)
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only look, and make nothing.")] = False,
    as_json: AsJson = False,
) -> int:
    """Make the fields in which stamps are shown, or say field by field what is missing and how to make it.

    HubSpot: the properties that the mapping names under `stamps`, their group, missing options, and one company named
    "syncd heartbeat" by which banners know that syncd is alive. Everything is looked at first: types, free slots,
    rights. If anything is unfit, all of it is listed and nothing is made. Nothing that is there is dropped, renamed or
    narrowed, and a second run makes no change.

    Salesforce: each field as the integration user sees it, with the exact remedy; the fields come with syncd's package.

    Nothing is made in a connection in shadow mode; --check works there too. Exit code 1: something is unfit, nothing
    was made; 3: something is left for you to do.
    """
    from syncd.app import opened
    from syncd.jobs.provision import as_json as plain
    from syncd.jobs.provision import exit_code
    from syncd.jobs.provision import provision as look

    config: Context = context.obj
    with opened(config.config, prepare=_ready) as work:
        names = connections or [side.name for side in work.sides]
        found = {name: look(work, name, make=not check, person=whoami()) for name in names}
        configured = {side.name: side.heartbeat is not None for side in work.sides}
    code = exit_code(list(found.values()))
    if as_json:
        emit({"ok": code == 0, "connections": [plain(name, one, configured[name]) for name, one in found.items()]})
        return code
    for name, one in found.items():
        _tell(name, one, configured[name])
    return code


def _ready(store: Store) -> None:
    """A first provisioning comes before the first cycle: then there is no database yet."""
    if store.revision() is None:
        store.upgrade()
    store.require_schema()


def _tell(name: str, found: Provisioned, configured: bool) -> None:
    from syncd.jobs.provision import settings_line
    from syncd.model import Fit

    fitting = found.having(Fit.FITS)
    say(f"{name}: {len(fitting)} of {len(found.parts)} are there and fit.")
    for fit, word in ((Fit.MADE, "made"), (Fit.MISSING, "missing")):
        for part in found.having(fit):
            say(f"  {word}: {part.said}")
    for part in found.having(Fit.BY_HAND):
        fail(f"{name}: to do: {part.said}")
    for part in found.having(Fit.CONFLICT):
        fail(f"{name}: unfit: {part.said}")
    if found.having(Fit.MISSING) and found.having(Fit.CONFLICT, Fit.BY_HAND):
        fail(f"{name}: nothing is made before that is settled.")
    if found.heartbeat is not None and not configured:
        say(f"  Write into the settings, under connections.{name}, and into the settings of the card:")
        say(f"    {settings_line(found.heartbeat)}")
