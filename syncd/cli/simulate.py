"""`simulate`: another policy tried on what is recorded, before it goes live."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli.output import AsJson, Context, emit, say, table

if TYPE_CHECKING:
    from syncd.model import RegistrationState


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(simulate)


def simulate(
    context: typer.Context,
    policy: Annotated[Path, typer.Argument(help="The policy file to try.", show_default=False)],
    as_json: AsJson = False,
) -> int:
    """Try another policy on everything that was filed: which registrations would stand elsewhere, and how.

    What people and portals decided stays; what rules decided is decided again, under both policies, on the facts as
    they stood. Nothing is recorded and nothing is written.
    """
    from syncd.app import opened
    from syncd.cli.config import read_policy
    from syncd.jobs.simulate import simulated
    from syncd.policy import version_of

    config: Context = context.obj
    other = read_policy(policy)
    with opened(config.config) as work, work.store.read() as tx:
        tried, found = simulated(work, tx, other)
        today = work.policy_version
    if as_json:
        emit(
            {
                "policy": today, "other": version_of(other), "registrations": tried,
                "differences": [
                    {
                        "ref": str(d.ref), "number": d.number, "partner": d.partner, "what": d.what,
                        "today": _stand(d.today), "other": _stand(d.other),
                    }
                    for d in found
                ],
            }
        )  # fmt: skip
        return 0
    rows = [(d.number, d.partner, d.what, _in_words(d.today), _in_words(d.other)) for d in found]
    table(("number", "partner", "differs in", "today's policy", "the other"), rows, "Nothing would be different.")
    counted = Counter(f"{d.today.application.value} -> {d.other.application.value}" for d in found)
    changes = "; ".join(f"{count} {change}" for change, count in counted.most_common())
    say(f"{len(found)} of {tried} registrations would stand elsewhere{f': {changes}' if changes else ''}.")
    return 0


def _stand(state: RegistrationState) -> dict[str, Any]:
    return {
        "application": state.application.value, "reason": state.reason, "protection": state.protection.value,
        "since": state.since, "until": state.until, "products": sorted(state.products),
    }  # fmt: skip


def _in_words(state: RegistrationState) -> str:
    until = f" until {state.until:%Y-%m-%d}" if state.until is not None else ""
    return f"{state.application.value}, {state.reason}{until}" if state.reason else state.application.value
