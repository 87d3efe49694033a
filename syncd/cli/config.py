"""`config` and `policy`: what the files may say, and what yours says."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.output import AsJson, Context, Reason, emit, say, whoami

if TYPE_CHECKING:
    from syncd.policy import Policy


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    config = typer.Typer(no_args_is_help=True, help="The settings file.")
    config.command()(schema)
    app.add_typer(config, name="config")
    policy = typer.Typer(no_args_is_help=True, help="The policy.")
    for command in (show, propose, approve):
        policy.command()(command)
    app.add_typer(policy, name="policy")


def schema(
    of: Annotated[str, typer.Argument(help="settings, mapping or policy.")] = "settings",
) -> int:
    """Print the JSON Schema of a file, for completion and checks in an editor."""
    from pydantic import BaseModel

    from syncd.errors import UserError
    from syncd.mapping import MappingFile
    from syncd.policy import Policy
    from syncd.settings import Settings, json_schema

    models: dict[str, type[BaseModel]] = {"settings": Settings, "mapping": MappingFile, "policy": Policy}
    if of not in models:
        raise UserError(f"There is no file of the kind {of}; known: {', '.join(models)}.")
    emit(json_schema(models[of]))
    return 0


def show(context: typer.Context, as_json: AsJson = False) -> int:
    """Say in plain sentences what the policy does, which rules are off, and which never decide anything.

    It is the one that the settings name. Where another one is in force, because two people have not agreed to it yet,
    that is said first, with exit code 3.
    """
    from syncd.app import load_config
    from syncd.policy import sentences, switched_off, version_of, warnings

    config: Context = context.obj
    policy = load_config(config.config).policy
    held, waiting = _agreement(config)
    if as_json:
        emit(
            {
                "version": version_of(policy), "sentences": sentences(policy), "off": switched_off(policy),
                "warnings": warnings(policy), "held": held or None, "proposed": waiting,
                "policy": policy.model_dump(mode="json"),
            }
        )  # fmt: skip
        return 3 if held else 0
    for line in [held] if held else []:
        say(line)
    for one in waiting:
        say(f"Proposed by {one['by']}: policy {one['version']}; somebody else approves it.")
    say(f"Policy {version_of(policy)}")
    for sentence in sentences(policy):
        say(f"- {sentence}")
    say("Off, until its key is written down:")
    for line in switched_off(policy):
        say(f"- {line}")
    for line in warnings(policy):
        say(f"Warning: {line}")
    return 3 if held else 0


def _agreement(config: Context) -> tuple[str, list[dict[str, str]]]:
    """Why another policy is in force, and what waits for a second person; nothing before there is a state database."""
    from syncd.app import opened
    from syncd.errors import UserError
    from syncd.jobs.policies import history

    try:
        with opened(config.config) as work, work.store.read() as tx:
            waiting = history(tx)[1]
            return work.policy_held, [{"version": made.subject.id, "by": made.actor.name} for made in waiting]
    except UserError:
        return "", []


def propose(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The policy file.", show_default=False)],
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Propose a policy: it is kept, and somebody else approves it. `syncd simulate FILE` shows what it would change."""
    from syncd.app import opened
    from syncd.jobs.policies import propose as keep
    from syncd.policy import warnings

    config: Context = context.obj
    policy = read_policy(file)
    with opened(config.config) as work:
        version = keep(work, policy, whoami(), reason)
    if as_json:
        emit({"ok": True, "by": whoami(), "version": version, "warnings": warnings(policy)})
        return 0
    say(f"Policy {version} proposed by {whoami()}; somebody else approves it: syncd policy approve {version}")
    for line in warnings(policy):
        say(f"Warning: {line}")
    return 0


def approve(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="The version, as `propose` printed it.", show_default=False)],
    since: Annotated[str, typer.Option("--from", help="The day from which it holds (UTC); at once without it.")] = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Approve a policy that somebody else has proposed. It is in force once the settings name its file.

    With `two_people` in the policy that is needed: until then the one that was agreed to before stays in force.
    """
    from syncd.app import opened
    from syncd.jobs.policies import approve as agree

    config: Context = context.obj
    with opened(config.config) as work:
        proposed_by = agree(work, version, whoami(), reason, day_from("--from", since))
    if as_json:
        emit({"ok": True, "by": whoami(), "version": version, "proposed_by": proposed_by})
    else:
        say(f"Policy {version}, proposed by {proposed_by}, approved by {whoami()}.")
    return 0


def day_from(option: str, said: str) -> datetime | None:
    """The start of a day in UTC; None for no text. Raises UserError."""
    from syncd.errors import UserError

    if not said:
        return None
    try:
        return datetime.combine(date.fromisoformat(said), time(0), UTC)
    except ValueError as error:
        raise UserError(f"{option} {said}: write a day such as 2027-01-31.") from error


def read_policy(path: Path) -> Policy:
    """The policy of a file. Raises UserError with every problem in it."""
    from syncd.errors import UserError
    from syncd.policy import Policy
    from syncd.settings import read_yaml, validate

    made, problems = validate(read_yaml(path), Policy)
    if made is None:
        raise UserError(problems=problems)
    return made
