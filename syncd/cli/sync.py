"""`sync`, `run`, `plan` and `check`: the work itself."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli.output import AsJson, Context, emit, fail, pairs, say, set_up_logging
from syncd.cli.plans import read_reviewed, rows_of, save, show
from syncd.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncd.jobs.checks import SideCheck
    from syncd.jobs.cycle import CycleReport
    from syncd.jobs.plan import Reviewed


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(sync)
    app.command()(run)
    app.command()(plan)
    app.command()(check)


def sync(
    context: typer.Context,
    no_write: Annotated[bool, typer.Option("--no-write", help="Pull, link and decide, but write nothing.")] = False,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Read everything there is, not only what changed: deletions, drift.")
    ] = False,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="Write only what this plan of `syncd plan -o` holds.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Do one cycle: pull, link, decide, plan, write.

    A second cycle without a change in between writes nothing. Safe to kill at any time and start again. With `--plan`
    nothing new is written but what you have reviewed; what has moved since is told and left for another plan.
    """
    from syncd.app import as_daemon, load_config, located
    from syncd.jobs.cycle import cycle

    config: Context = context.obj
    loaded = load_config(config.config)
    reviewed = read_reviewed(plan, f"`syncd plan -o {plan}` writes one.") if plan is not None else None
    with as_daemon(config.config) as work, _progress(as_json) as progress:
        _logging(config, quiet=sys.stderr.isatty())
        problems = work.bind()
        for problem in problems:
            fail(located(loaded, *problem))
        drift = [f"{name}: {said}" for name, sentences in work.drift.items() for said in sentences]
        report = cycle(work, writing=not no_write, sweeping=sweep, reviewed=reviewed, progress=progress)
    if as_json:
        told = [located(loaded, *problem) for problem in problems]
        emit({**report.as_json(), "problems": told, "schema_drift": drift, "reviewed": _of_review(reviewed)})
    else:
        for line in drift:
            fail(line)
        _summary(report)
        if reviewed is not None:
            say(f"reviewed {len(reviewed.seen)} of {len(reviewed.writes)} writes of the plan were taken up")
            for key in reviewed.refused:
                fail(f"{' '.join(key)}: something else is wanted by now, or the record has changed; review it again.")
    return exit_code(report) or (3 if problems or (reviewed is not None and reviewed.refused) else 0)


def _of_review(reviewed: Reviewed | None) -> dict[str, Any] | None:
    if reviewed is None:
        return None
    return {"taken_up": len(reviewed.seen), "moved": sorted(set(reviewed.refused)), "not_wanted": reviewed.gone}


def exit_code(report: CycleReport) -> int:
    """0 done, 1 something could not be read or written at all, 3 some records need attention, 4 a brake holds it."""
    if report.held:
        return 4
    if report.errors:
        return 1
    return 3 if report.attention else 0


def _summary(report: CycleReport) -> None:
    for name, streams in report.pulled.items():
        for stream, counts in streams.items():
            say(f"pulled   {name} {stream}: {counts.read} read, {counts.new} new, {counts.changed} changed")
    say(f"linked   {report.links_changed} links changed")
    say(f"decided  {report.decisions} decisions")
    for name, written in report.written.items():
        facts = {f: getattr(written, f) for f in written.__slots__ if getattr(written, f)}
        say(f"wrote    {name}: {pairs(facts) or 'nothing'}")
    say(f"calls    {report.calls}")
    if report.refused:
        say(f"refused  {report.refused} writes, by the CRM; `syncd errors` lists them")
    for sentence in (*report.held, *report.paused, *report.alarms, *report.errors):
        fail(sentence)


@contextmanager
def _progress(quiet: bool) -> Iterator[Any]:
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def tell(name: str, rows: int, expected: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=None)
            bar.update(tasks[name], completed=rows, total=expected)

        yield tell


def run(context: typer.Context) -> int:
    """Run the daemon: a cycle at each interval of `schedule.every`, until SIGTERM or Ctrl-C.

    Only one daemon works on one database; people can decide beside it. It finishes the page or batch under way
    before it stops. A changed configuration is taken up before the next cycle, at once after SIGHUP; a wrong one is
    told, and the one before stays. With `server.listen` it serves /livez, /readyz, /status, /metrics and webhooks.
    """
    from contextlib import ExitStack

    from syncd.app import Reloader, as_daemon, load_config
    from syncd.jobs.daemon import Daemon
    from syncd.jobs.work import canonical_line

    config: Context = context.obj
    settings = load_config(config.config).settings
    with ExitStack() as stack:
        work = stack.enter_context(as_daemon(config.config))
        _logging(config, quiet=False)
        daemon = Daemon(work, settings.schedule.every, Reloader(config.config, work))
        if settings.server.listen is not None:
            from syncd.web import hints_of, serving

            url = stack.enter_context(serving(work, settings.server.listen, hints_of(settings, work, daemon)))
            canonical_line("serving", url=url)
        daemon.run()
    return 0


def _logging(config: Context, *, quiet: bool) -> None:
    from syncd.app import load_config

    log = load_config(config.config).settings.log
    set_up_logging(log.format, "warning" if quiet and log.level == "info" else log.level)


def plan(
    context: typer.Context,
    as_json: AsJson = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write it to a file: plan.json to be reviewed, or plan.html to be read."),
    ] = None,
) -> int:
    """Show what would be written, and why. Calls no CRM and changes nothing.

    It works on what the last `syncd sync` (or `syncd sync --no-write`) pulled and decided. The JSON file is what
    `syncd sync --plan` takes; the page needs nothing else, and groups the writes by connection and reason.
    """
    from syncd.app import opened
    from syncd.jobs.plan import everything
    from syncd.jobs.reasons import details_of
    from syncd.store import outcomes

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        details = details_of(outcomes.claims(tx))
        rows = rows_of(work, everything(work, tx), details)
    if output is not None:
        save(output, rows, "What syncd would write")
    if as_json:
        emit({"count": len(rows), "differences": rows})
    else:
        show(rows, "Nothing to write: every record shows what it should.")
    return 0


def check(
    context: typer.Context,
    offline: Annotated[bool, typer.Option("--offline", help="Check the files only, call no CRM.")] = False,
    as_json: AsJson = False,
) -> int:
    """Check everything at once: the files, then each connection, its objects, fields and rights.

    Says what is visible of each object and by what that is known, which rules are off for want of a stream or a field,
    and what has changed in the schemas. Exit code 2 when something is wrong, each with its place and its remedy.
    """
    from syncd.app import build, load_config, located, open_store
    from syncd.jobs.checks import check_connections, known_trouble, rules_without

    config: Context = context.obj
    try:
        loaded = load_config(config.config)
        store = open_store(loaded.settings)
    except UserError as error:
        if not as_json:
            raise
        emit({"ok": False, "problems": [str(problem) for problem in error.problems] or [str(error)]})
        return 2
    try:
        work = build(loaded, store)
        results = [] if offline else check_connections(work)
        off, trouble = rules_without(work), [] if offline else known_trouble(work)
    finally:
        store.close()
    problems = [located(loaded, result.name, problem) for result in results for problem in result.problems]
    if as_json:
        answers = [result.as_json() for result in results]
        emit({"ok": not problems, "problems": problems, "connections": answers, "rules_off": off, "trouble": trouble})
        return 2 if problems else 0
    say(f"{config.config}: the files are right.")
    for result in results:
        _tell(result)
    for line in off:
        say(f"rule off: {line}")
    for line in (*trouble, *problems):
        fail(line)
    return 2 if problems else 0


def _tell(result: SideCheck) -> None:
    """What one connection answered, for people."""
    from syncd.jobs.checks import CLOCK_MAY_DIFFER

    say(f"{result.name}: {result.label or 'not reached'}")
    if result.edition:
        say(f"  edition {result.edition}" + (f": {result.edition_reason}" if result.edition_reason else ""))
    for access, said in result.access:
        formulas = f" Formula fields: {', '.join(access.formulas)}." if access.formulas else ""
        count = f", {access.records} records" if access.records is not None else ""
        say(f"  {access.object}: visibility {said}{count}. {access.evidence}{formulas}")
    if result.ahead is not None and abs(result.ahead) > CLOCK_MAY_DIFFER:
        way = "ahead of" if result.ahead.total_seconds() > 0 else "behind"
        say(f"  its clock is {abs(result.ahead.total_seconds()):.0f} s {way} this machine's: set this one right")
    for line in (*(f"schema: {said}" for said in result.drift), *result.notes):
        say(f"  {line}")
    if any(note.startswith("before going live") for note in result.notes):
        say("  `syncd provision` makes the fields that syncd writes, or says how to make them.")
