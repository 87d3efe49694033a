"""`partners`, `offboard` and `disputes`: who files, who answers for them, and what people have to rule on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.output import AsJson, Context, Reason, emit, say, table, whoami

if TYPE_CHECKING:
    from syncd.jobs.partners import Change

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Record it; without it the plan is shown and nothing is done.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(partners)
    app.command()(offboard)
    app.command()(disputes)


def partners(context: typer.Context, as_json: AsJson = False) -> int:
    """List the partners: status, tier, region, who answers for them now, and what they hold."""
    from syncd.app import opened
    from syncd.jobs.partners import known

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        found = known(work, tx)
    if as_json:
        emit(
            [
                {
                    "key": k.partner.partner_id, "ref": str(k.partner.ref), "name": k.partner.name,
                    "status": k.status, "status_in_source": k.partner.status, "merged_into": k.merged_into or None,
                    "tier": k.partner.tier, "region": k.partner.region, "agreement_on": k.partner.agreement_on,
                    "manager": k.partner.manager_email, "contact": k.contact or None, "why": k.why,
                    "live": k.live, "protected": k.protected,
                }
                for k in found
            ]
        )  # fmt: skip
        return 0
    columns = ("key", "name", "status", "tier", "region", "agreement", "contact", "undecided", "protected", "note")
    rows = [
        (
            k.partner.partner_id, k.partner.name, k.status, k.partner.tier, k.partner.region, k.partner.agreement_on,
            k.contact, k.live, k.protected, f"merged into {k.merged_into}" if k.merged_into else k.why,
        )
        for k in found
    ]  # fmt: skip
    table(columns, rows, "No partners.")
    return 0


def offboard(
    context: typer.Context,
    partner: Annotated[str, typer.Argument(help="Key of the partner who leaves.", show_default=False)],
    to: Annotated[str, typer.Option("--to", help="Key of the partner who takes over what it holds.")] = "",
    merged: Annotated[
        bool, typer.Option("--merged", help="It became part of the other one: all it filed counts as the other's.")
    ] = False,
    yes: Yes = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> int:
    """Take a partner out: what it holds passes to another partner, or ends when the transition is over.

    Shows what becomes of each registration; --yes records it.
    """
    from syncd.app import opened
    from syncd.jobs.partners import offboard as take_out

    config: Context = context.obj
    with opened(config.config) as work:
        change = take_out(work, partner, to, whoami(), reason, yes, merged)
    return show_change(change, as_json)


def show_change(change: Change, as_json: bool) -> int:
    """What becomes of each registration of a partner, and whether it has been recorded."""
    if as_json:
        steps = [
            {
                "number": s.number, "ref": str(s.ref), "what": s.what, "effective_at": s.effective_at,
                "decision": s.kind.value if s.kind else None,
            }
            for s in change.steps
        ]  # fmt: skip
        emit({"ok": True, "by": whoami(), "partner": change.partner.partner_id, "recorded": change.made, "plan": steps})
        return 0
    rows = [(step.number, step.what) for step in change.steps]
    table(("number", "what becomes of it"), rows, f"{change.partner.name} has nothing that would change.")
    done = f"Recorded by {whoami()}. The next cycle shows it."
    say(done if change.made else "Nothing is recorded yet: look, and then give --yes.")
    return 0


def disputes(
    context: typer.Context,
    metrics: Annotated[bool, typer.Option("--metrics", help="Instead: how disputes went, in numbers.")] = False,
    as_json: AsJson = False,
) -> int:
    """List the collisions that wait for people: since when, for whom, on which step, until when.

    What is overdue comes first. Exit code 3 when something is overdue.
    """
    from syncd.app import opened
    from syncd.jobs.disputes import measured, waiting

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        if metrics:
            found = measured(work, tx)
            if as_json:
                emit(found)
            else:
                table(("what", "how many"), [(k.replace("_", " "), v) for k, v in found.items()], "")
            return 0
        open_ = waiting(work, tx)
    if as_json:
        emit(
            [
                {
                    "collision": d.collision.id, "state": d.state, "opened_at": d.opened_at, "level": d.level or None,
                    "due_at": d.due_at, "overdue": d.overdue, "contact": str(d.seat), "why": d.seat.why,
                    "in_words": d.collision.sentence,
                }
                for d in open_
            ]
        )  # fmt: skip
    else:
        columns = ("collision", "state", "since", "asked", "level", "until", "in words")
        rows = [
            (
                d.collision.id, d.state, d.opened_at, str(d.seat) or d.seat.why, d.level,
                d.due_at, ("Overdue. " if d.overdue else "") + d.collision.sentence,
            )
            for d in open_
        ]  # fmt: skip
        table(columns, rows, "Nothing waits for a ruling.")
    return 3 if any(d.overdue for d in open_) else 0
