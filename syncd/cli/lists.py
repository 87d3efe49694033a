"""`registrations`, `protections`, `collisions`, `reminders` and `runs`: what there is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli.intake import show_lines
from syncd.cli.output import AsJson, Context, emit, pairs, say, table, whoami
from syncd.errors import UserError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from syncd.jobs.work import Work
    from syncd.store.outcomes import Claimed


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(registrations)
    app.command()(protections)
    app.command()(collisions)
    app.command()(runs)
    app.command()(reminders)
    app.command()(errors)
    app.command()(retry)


def registrations(
    context: typer.Context,
    state: Annotated[
        str, typer.Option("--state", help="Only this state, such as review, waiting, approved, returned.")
    ] = "",
    problems: Annotated[
        bool, typer.Option("--problems", help="Instead: records taken with something wrong, or not readable.")
    ] = False,
    not_taken: Annotated[
        bool, typer.Option("--not-taken", help="Instead: what was filed and not taken, and by which filter or why.")
    ] = False,
    disagreements: Annotated[
        bool,
        typer.Option("--disagreements", help="Instead: what a portal decided otherwise than the rules would."),
    ] = False,
    as_partner: Annotated[
        str, typer.Option("--as-partner", help="Instead: what the partner with this key may read of its filings.")
    ] = "",
    as_json: AsJson = False,
) -> int:
    """List what partners filed, oldest first, and where each filing stands and why."""
    from syncd.app import opened
    from syncd.model import Application
    from syncd.store import graph, outcomes

    one_of("--state", state, [known.value for known in Application])
    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        if problems:
            return _problems(graph.problems(tx), graph.unreadable_rows(tx), as_json)
        if disagreements:
            return _disagreements(work, tx, as_json)
        if as_partner:
            return _as_partner(work, tx, as_partner, as_json)
        if not_taken:
            from syncd.jobs.intake import NOT_TAKEN, book

            return show_lines(work, [line for line in book(work, tx) if line.state in NOT_TAKEN], as_json)
        found = [item for item in outcomes.claims(tx) if state in ("", item.state.application.value)]
    rows = [claim_json(item) for item in found]
    if as_json:
        emit(rows)
        return 0
    columns = ("number", "partner", "state", "protection", "received", "until", "reason", "detail")
    table(columns, [_claim_row(item) for item in found], "No registrations.")
    return 0


def _disagreements(work: Work, tx: Connection, as_json: bool) -> int:
    from syncd.jobs.disagreements import found

    listed = found(work, tx)
    if as_json:
        emit(
            [
                {
                    "ref": str(d.ref), "number": d.number, "partner": d.partner, "source": d.source.value,
                    "rules": d.rules.value, "reason": d.reason, "why": d.why,
                }
                for d in listed
            ]
        )  # fmt: skip
        return 0
    columns = ("number", "partner", "the portal", "the rules", "why")
    rows = [(d.number, d.partner, d.source.value, d.rules.value, d.why) for d in listed]
    table(columns, rows, "The portals have decided as the rules would have.")
    return 0


def _as_partner(work: Work, tx: Connection, key: str, as_json: bool) -> int:
    from syncd.jobs.portal import statuses

    found = statuses(work, tx, key)
    if as_json:
        emit(
            [
                {
                    "ref": str(s.ref), "number": s.number, "status": s.status, "reason": s.reason, "text": s.text,
                    "received_at": s.received_at, "until": s.until, "place": s.place, "next_at": s.next_at,
                    "asks": s.asks,
                }
                for s in found
            ]
        )  # fmt: skip
        return 0
    columns = ("number", "status", "received", "until", "place", "next", "in words")
    rows = [
        (s.number, s.status, s.received_at, s.until, s.place, s.next_at, " ".join((s.text, *s.asks))) for s in found
    ]
    table(columns, rows, "This partner has filed nothing.")
    return 0


def reminders(
    context: typer.Context,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="What was due in the last so many days.")] = 7,
    as_json: AsJson = False,
) -> int:
    """List what partners and managers are to be told, and to whom, as far as it is still true.

    Each is recorded once when it is due (reminders in the policy); of several about one registration the last counts.
    """
    from syncd.app import opened
    from syncd.jobs.portal import to_tell

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        found = to_tell(work, tx, work.clock.now() - timedelta(days=days))
    if as_json:
        emit(
            [
                {
                    "ref": str(t.notice.ref), "number": t.number, "event": t.notice.event, "due_at": t.notice.at,
                    "audience": t.notice.audience.value, "to": t.to, "why": t.why, "text": t.notice.text,
                }
                for t in found
            ]
        )  # fmt: skip
        return 0
    columns = ("number", "due", "to", "in words")
    table(columns, [(t.number, t.notice.at, t.to, t.notice.text) for t in found], "Nobody has to be told anything.")
    return 0


def one_of(option: str, value: str, known: list[str]) -> None:
    """Raises UserError when a filter names something that does not exist: an empty list would be a wrong answer."""
    if value and value not in known:
        raise UserError(f"{option} {value}: there is no such value. Known: {', '.join(known)}.")


def claim_json(item: Claimed) -> dict[str, Any]:
    """The state of one registration as plain JSON."""
    state = item.state
    return {
        "ref": str(state.ref),
        "number": state.number,
        "partner_id": state.partner_id,
        "partner": state.partner_name,
        "application": state.application.value,
        "protection": state.protection.value,
        "received_at": state.received_at,
        "since": state.since,
        "until": state.until,
        "products": sorted(state.products),
        "reason": state.reason,
        "detail": state.detail,
        "behind": str(state.behind) if state.behind else None,
        "organization": item.organization,
    }


def _claim_row(item: Claimed) -> tuple[Any, ...]:
    s = item.state
    return (
        s.number, s.partner_name or s.partner_id, s.application.value, s.protection.value, s.received_at, s.until,
        s.reason, s.detail,
    )  # fmt: skip


def _problems(staged: list[Any], unreadable: list[dict[str, Any]], as_json: bool) -> int:
    rows = [
        {"ref": str(item.ref), "stream": item.stream.value, "state": item.state, **problem}
        for item in staged
        for problem in item.problems
    ] + unreadable
    if as_json:
        emit(rows)
        return 0
    columns = ("stream", "record", "state", "field", "what", "why")
    lines = [
        (r["stream"], r["ref"], r["state"], r.get("field"), r.get("code"), r.get("message") or r.get("reason"))
        for r in rows
    ]
    table(columns, lines, "Every record was taken whole.")
    return 0


def protections(
    context: typer.Context,
    ending: Annotated[
        int, typer.Option("--ending", min=0, help="Only those that end within so many days; 0: all.")
    ] = 0,
    as_json: AsJson = False,
) -> int:
    """List the protections that are in force, the one that ends first on top."""
    from syncd.app import opened
    from syncd.model import Protection
    from syncd.store import outcomes

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        found = [item for item in outcomes.claims(tx) if item.state.protection is Protection.ACTIVE]
        last = work.clock.now() + timedelta(days=ending)
    if ending:
        found = [item for item in found if item.state.until is not None and item.state.until <= last]
    found.sort(key=lambda item: (item.state.until, item.state.ref))
    if as_json:
        emit([claim_json(item) for item in found])
        return 0
    columns = ("number", "partner", "products", "since", "until", "reason")
    rows = [
        (s.number, s.partner_name, ";".join(sorted(s.products)), s.since, s.until, s.reason)
        for s in (item.state for item in found)
    ]
    table(columns, rows, "No protections are in force.")
    return 0


def collisions(
    context: typer.Context,
    code: Annotated[str, typer.Option("--code", help="Only this code, such as C08.")] = "",
    open_only: Annotated[bool, typer.Option("--open", help="Only those that wait for a person.")] = False,
    as_json: AsJson = False,
) -> int:
    """List where claims meet, what was decided, and by which rule."""
    from syncd.app import opened
    from syncd.model import Code
    from syncd.store import outcomes

    one_of("--code", code, [known.value for known in Code if known is not Code.C00])
    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        found = [
            item
            for item in outcomes.collisions(tx)
            if code in ("", item.code.value) and (not open_only or item.state in ("open", "appealed"))
        ]
    if as_json:
        emit(
            [
                {
                    "id": c.id, "code": c.code.value, "state": c.state, "rule": c.rule,
                    "registration": str(c.registration), "other": str(c.other),
                    "winner": str(c.winner) if c.winner else None, "sentence": c.sentence, "evidence": c.evidence,
                }
                for c in found
            ]
        )  # fmt: skip
        return 0
    columns = ("id", "state", "rule", "in words")
    table(columns, [(c.id, c.state, c.rule, c.sentence) for c in found], "No collisions.")
    return 0


def runs(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> int:
    """List the newest runs of every job, with what each counted."""
    from syncd.app import opened
    from syncd.store import runs as store_runs

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        found = store_runs.recent(tx, limit)
        cursors = store_runs.freshness(tx)
    if as_json:
        emit({"runs": found, "streams": cursors})
        return 0
    columns = ("run", "job", "connection", "stream", "status", "counts", "error")
    rows = [
        (r["id"], r["job"], r["connection"], r["stream"], r["status"], pairs(r["counts"]), r["error"]) for r in found
    ]
    table(columns, rows, "Nothing has run yet.")
    return 0


def errors(context: typer.Context, as_json: AsJson = False) -> int:
    """List the writes that do not arrive, each with its reason and what helps. Exit code 3 when there are any.

    `permanent`: a CRM has refused it. `contested`: somebody else sets the field back each time. They are not sent again
    as they are: change what the reason names, then `syncd retry`; another configuration, mapping or owner does it too.
    """
    from syncd.app import opened
    from syncd.jobs.refusals import trouble
    from syncd.store import outbox

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        found = outbox.refused(tx)
        names = {item.number: work.side(item.intent.ref.connection).name for item in found}
    if as_json:
        emit(
            [
                {
                    "write": item.number, "connection": names[item.number], "ref": str(item.intent.ref),
                    "group": item.intent.group.value, "fields": dict(item.intent.fields), "code": item.code,
                    "message": item.message, "at": item.done_at, "attempts": item.attempts,
                    "class": trouble(item).kind.value, "remedy": trouble(item).remedy,
                }
                for item in found
            ]
        )  # fmt: skip
    else:
        columns = ("connection", "record", "what", "class", "code", "reason", "what helps")
        rows = [
            (
                names[i.number], f"{i.intent.ref.object}/{i.intent.ref.id}", pairs(i.intent.fields),
                trouble(i).kind.value, i.code, i.message, trouble(i).remedy,
            )
            for i in found
        ]  # fmt: skip
        table(columns, rows, "No write was refused.")
    return 3 if found else 0


def retry(
    context: typer.Context,
    record: Annotated[str, typer.Argument(help="Only this record, by id or ref; all without it.")] = "",
    as_json: AsJson = False,
) -> int:
    """Try writes again that a CRM refused, after the cause is gone.

    The next cycle plans and sends what is still wanted.
    """
    from syncd.app import opened
    from syncd.store import outbox

    config: Context = context.obj
    with opened(config.config) as work, work.store.append() as tx:
        found = [i for i in outbox.refused(tx) if record in ("", i.intent.ref.id, str(i.intent.ref))]
        outbox.forgive(tx, found, whoami(), work.clock.now())
    if as_json:
        emit({"ok": True, "writes": [item.number for item in found]})
    else:
        say(f"{len(found)} writes will be planned again by the next cycle.")
    return 0
