"""`config` and `policy`: what the files may say, and what yours says."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.output import AsJson, Context, emit, say


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    config = typer.Typer(no_args_is_help=True, help="The settings file.")
    config.command()(schema)
    app.add_typer(config, name="config")
    policy = typer.Typer(no_args_is_help=True, help="The policy.")
    policy.command()(show)
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
    """Say in plain sentences what the policy does."""
    from syncd.app import load_config
    from syncd.policy import sentences, version_of

    config: Context = context.obj
    policy = load_config(config.config).policy
    if as_json:
        emit({"version": version_of(policy), "sentences": sentences(policy), "policy": policy.model_dump(mode="json")})
        return 0
    say(f"Policy {version_of(policy)}")
    for sentence in sentences(policy):
        say(f"- {sentence}")
    return 0
