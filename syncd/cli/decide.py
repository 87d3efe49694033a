"""`approve`, `reject`, `rule`, and the judgements `same`, `different`, `unsure`: what people decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.output import AsJson, Context, Reason, emit, say, whoami

if TYPE_CHECKING:
    from syncd.model import DecisionKind

Number = Annotated[str, typer.Argument(help="Number, id or ref of the registration.", show_default=False)]
Account = Annotated[str, typer.Argument(help="Id or ref of an account or a filed company.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (approve, reject, rule, same, different, unsure):
        app.command()(command)


def approve(context: typer.Context, registration: Number, reason: Reason = "", as_json: AsJson = False) -> int:
    """Approve a registration. Recorded at once, also beside a running daemon; the next cycle stamps it.

    Policy refuses what would protect the same products on one company twice: use `rule` for that.
    """
    from syncd.model import DecisionKind

    return _decide(context.obj, registration, DecisionKind.APPROVED, reason, as_json)


def reject(context: typer.Context, registration: Number, reason: Reason = "", as_json: AsJson = False) -> int:
    """Reject a registration. Recorded at once, also beside a running daemon; the next cycle tells the partner."""
    from syncd.model import DecisionKind

    return _decide(context.obj, registration, DecisionKind.REJECTED, reason, as_json)


def _decide(config: Context, text: str, kind: DecisionKind, reason: str, as_json: bool) -> int:
    from syncd.app import opened
    from syncd.jobs.persons import decide_on

    with opened(config.config) as work:
        claimed = decide_on(work, text, kind, whoami(), reason)
    sentence = f"{claimed.state.number} {kind.value} by {whoami()}. The next cycle shows it."
    _told(as_json, sentence, ref=str(claimed.state.ref), what=kind.value)
    return 0


def rule(
    context: typer.Context,
    collision: Annotated[str, typer.Argument(help="Id of the collision.", show_default=False)],
    winner: Annotated[str, typer.Option("--winner", "-w", help="Ref, id or number of the side that stands.")],
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Rule on a collision. The winning registration is approved, or the registration is rejected.

    `syncd collisions --open` lists what waits for a person.
    """
    from syncd.app import opened
    from syncd.jobs.persons import rule_on

    config: Context = context.obj
    with opened(config.config) as work:
        found = rule_on(work, collision, winner, whoami(), reason)
    _told(
        as_json,
        f"{found.id} ruled by {whoami()}: {winner} stands. The next cycle shows it.",
        collision=found.id,
        winner=winner,
    )
    return 0


def same(context: typer.Context, left: Account, right: Account, reason: Reason = "", as_json: AsJson = False) -> int:
    """Say that two records mean the same organization. It outlives every score."""
    from syncd.model import DecisionKind

    return _judge(context.obj, left, right, DecisionKind.SAME, reason, as_json)


def different(
    context: typer.Context, left: Account, right: Account, reason: Reason = "", as_json: AsJson = False
) -> int:
    """Say that two records mean different organizations. It outlives every score."""
    from syncd.model import DecisionKind

    return _judge(context.obj, left, right, DecisionKind.DIFFERENT, reason, as_json)


def unsure(context: typer.Context, left: Account, right: Account, reason: Reason = "", as_json: AsJson = False) -> int:
    """Say that you cannot tell: the link waits for review, whatever its score."""
    from syncd.model import DecisionKind

    return _judge(context.obj, left, right, DecisionKind.UNSURE, reason, as_json)


def _judge(config: Context, left: str, right: str, kind: DecisionKind, reason: str, as_json: bool) -> int:
    from syncd.app import opened
    from syncd.jobs.persons import judge

    with opened(config.config) as work:
        pair = judge(work, left, right, kind, whoami(), reason)
    _told(
        as_json, f"{pair[0]} and {pair[1]}: {kind.value}, says {whoami()}.", what=kind.value, pair=list(map(str, pair))
    )
    return 0


def _told(as_json: bool, sentence: str, **facts: object) -> None:
    if as_json:
        emit({"ok": True, "by": whoami(), **facts})
    else:
        say(sentence)
