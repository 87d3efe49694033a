"""What people do with a registration beside approving and rejecting: return, extend, withdraw, transfer, and so on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.output import AsJson, Context, Reason, emit, say, whoami
from syncd.cli.partners import Yes, show_change

if TYPE_CHECKING:
    from syncd.model import DecisionKind
    from syncd.policy import Options

Number = Annotated[str, typer.Argument(help="Number, id or ref of the registration.", show_default=False)]
Days = Annotated[int, typer.Option("--days", min=0, max=1095, help="How many days; without it what the policy says.")]
Document = Annotated[
    str, typer.Option("--document", help="Name or link of what proves it, such as a letter of the customer.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("return")(return_)
    for command in (extend, withdraw, transfer, exempt, appeal, revoke, release, suspend_one, reinstate):
        app.command("suspend" if command is suspend_one else None)(command)


def return_(context: typer.Context, registration: Number, reason: Reason = "", as_json: AsJson = False) -> int:
    """Send an undecided registration back to the partner with a question (--reason).

    It keeps its time of filing; once the partner has changed the record, the rules go on.
    """
    from syncd.model import DecisionKind

    return _act(context.obj, registration, DecisionKind.RETURNED, reason, as_json)


def extend(
    context: typer.Context,
    registration: Number,
    days: Days = 0,
    asked: Annotated[
        str, typer.Option("--asked", help="When the partner asked, if that was before now: 2026-11-03 or with a time.")
    ] = "",
    deny: Annotated[bool, typer.Option("--deny", help="Refuse the extension that the partner has asked for.")] = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Prolong a protection, counted from its end, or refuse to (--deny).

    It must have been asked for before the end; the policy says how often and for how long (extension).
    """
    from syncd.model import DecisionKind
    from syncd.policy import Options

    if deny:
        return _act(context.obj, registration, DecisionKind.DENIED, reason, as_json)
    given = Options(days=days or None, asked_at=_moment(asked))
    return _act(context.obj, registration, DecisionKind.EXTENDED, reason, as_json, given)


def withdraw(context: typer.Context, registration: Number, reason: Reason = "", as_json: AsJson = False) -> int:
    """Withdraw a registration in the partner's name: its place, or its protection, is free at once."""
    from syncd.model import DecisionKind

    return _act(context.obj, registration, DecisionKind.WITHDRAWN, reason, as_json)


def transfer(
    context: typer.Context,
    registration: Number,
    to: Annotated[str, typer.Option("--to", help="Key of the partner who takes over.", show_default=False)],
    reason: Reason = "",
    document: Document = "",
    as_json: AsJson = False,
) -> int:
    """Pass a protection on to another partner, as it is: the same products and the same end.

    The record of the partner who filed it shows that it has been passed on, and not to whom.
    """
    from syncd.model import DecisionKind
    from syncd.policy import Options

    given = Options(to=to, document=document)
    return _act(context.obj, registration, DecisionKind.TRANSFERRED, reason, as_json, given)


def exempt(
    context: typer.Context,
    registration: Number,
    rule: Annotated[str, typer.Option("--from", help="The rule it may pass, such as not_named.", show_default=False)],
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Let one registration pass one rule. What that rule refused is decided again, from now on.

    Works under both authorities. An unknown rule is answered with those that there are.
    """
    from syncd.model import DecisionKind
    from syncd.policy import Options

    return _act(context.obj, registration, DecisionKind.EXEMPTED, reason, as_json, Options(rule=rule))


def revoke(
    context: typer.Context, registration: Number, reason: Reason = "", document: Document = "", as_json: AsJson = False
) -> int:
    """Take a protection back, for a reason such as a breach of terms. Whoever waits behind it follows."""
    from syncd.model import DecisionKind
    from syncd.policy import Options

    return _act(context.obj, registration, DecisionKind.REVOKED, reason, as_json, Options(document=document))


def release(
    context: typer.Context, registration: Number, reason: Reason = "", document: Document = "", as_json: AsJson = False
) -> int:
    """End a protection because the partner, or the customer in writing, wants so. Whoever waits behind it follows."""
    from syncd.model import DecisionKind
    from syncd.policy import Options

    return _act(context.obj, registration, DecisionKind.RELEASED, reason, as_json, Options(document=document))


def suspend_one(
    context: typer.Context,
    registration: Annotated[
        str, typer.Argument(help="Number, id or ref of the registration, or the key of a partner.", show_default=False)
    ],
    yes: Yes = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Suspend a protection: it keeps its place and its end, and is not in force until `reinstate`.

    Given the key of a partner, all its protections are suspended, and nothing new of it is approved by itself: what
    that means for each registration is shown, and recorded with --yes.
    """
    from syncd.model import DecisionKind

    if (code := _of_partner(context.obj, registration, reason, yes, as_json, back=False)) is not None:
        return code
    return _act(context.obj, registration, DecisionKind.SUSPENDED, reason, as_json)


def reinstate(
    context: typer.Context,
    registration: Annotated[
        str, typer.Argument(help="Number, id or ref of the registration, or the key of a partner.", show_default=False)
    ],
    days: Days = 0,
    yes: Yes = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Lift a suspension, or bring back a protection that has just ended, where nobody else holds the same by now.

    Given the key of a partner that was suspended, offboarded or merged, it is taken back; --yes records it.
    """
    from syncd.model import DecisionKind
    from syncd.policy import Options

    if (code := _of_partner(context.obj, registration, reason, yes, as_json, back=True)) is not None:
        return code
    return _act(context.obj, registration, DecisionKind.REINSTATED, reason, as_json, Options(days=days or None))


def appeal(
    context: typer.Context,
    collision: Annotated[str, typer.Argument(help="Id of the collision.", show_default=False)],
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Appeal against how a collision was decided. Somebody else rules on it, and that is final.

    Until then what was decided stands.
    """
    from syncd.app import opened
    from syncd.jobs.persons import appeal_on

    config: Context = context.obj
    with opened(config.config) as work:
        found = appeal_on(work, collision, whoami(), reason)
    if as_json:
        emit({"ok": True, "by": whoami(), "collision": found.id, "what": "appealed"})
    else:
        say(f"{found.id} appealed by {whoami()}; somebody else has to rule on it: syncd rule {found.id} --winner ...")
    return 0


def _act(
    config: Context, text: str, kind: DecisionKind, reason: str, as_json: bool, options: Options | None = None
) -> int:
    from syncd.app import opened
    from syncd.jobs.persons import act_on

    with opened(config.config) as work:
        claimed, made = act_on(work, text, kind, whoami(), reason, options)
    if as_json:
        emit(
            {
                "ok": True, "by": whoami(), "ref": str(claimed.state.ref), "what": kind.value,
                "effective_at": made.effective_at, "evidence": dict(made.evidence),
            }
        )  # fmt: skip
        return 0
    until = f", until {made.evidence['until'][:16].replace('T', ' ')} UTC" if "until" in made.evidence else ""
    say(f"{claimed.state.number} {kind.value} by {whoami()}{until}. The next cycle shows it.")
    return 0


def _of_partner(config: Context, key: str, reason: str, yes: bool, as_json: bool, back: bool) -> int | None:
    """Suspend a partner, or take it back; None when this is not the key of one."""
    from syncd.app import opened
    from syncd.jobs import partners

    with opened(config.config) as work:
        if not partners.is_partner(work, key):
            return None
        do = partners.reinstate if back else partners.suspend
        change = do(work, key, whoami(), reason, yes)
    return show_change(change, as_json)


def _moment(text: str) -> datetime | None:
    """A day (its start) or an instant, in UTC where it names no zone. Raises UserError."""
    from datetime import UTC

    from syncd.errors import UserError

    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"--asked {text}: write a day such as 2026-11-03, or a time as 2026-11-03T14:30Z.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
