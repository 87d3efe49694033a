"""`why`: the story of one record, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from syncd.cli.output import AsJson, Context, clean, emit, pairs, say


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(why)


def why(
    context: typer.Context,
    record: Annotated[
        str, typer.Argument(help="An id, a ref, a registration number, or part of a name.", show_default=False)
    ],
    as_json: AsJson = False,
) -> int:
    """Tell why a record shows what it shows: links, claims, collisions, decisions, writes.

    Works for records that show nothing, too, and calls no CRM.
    """
    from syncd.app import opened
    from syncd.jobs.why import why as tell

    config: Context = context.obj
    with opened(config.config) as work, work.store.read() as tx:
        story = tell(work, tx, record)
    if as_json:
        emit(story)
    else:
        for line in in_words(story):
            say(line)
    return 0


def in_words(story: dict[str, Any]) -> Iterable[str]:
    """The story as lines."""
    gone = ", deleted in its system" if story["deleted"] else ""
    yield f"{clean(story['name'])}  ({story['stream']}, {story['ref']}{gone})"
    yield f"  shows: {pairs(story['shows']) or 'nothing of ours'}"
    for problem in story["problems"]:
        yield f"  taken with a problem: {clean(problem.get('message'))}"
    yield from _wanted(story["wanted"])
    yield from _section("Registrations on this company", (_registration(r) for r in story["registrations"]))
    yield from _section(
        "Collisions", (f"{c['id']} ({c['state']}): {clean(c['in_words'])}" for c in story["collisions"])
    )
    yield from _section("Links", (_link(item) for item in story["links"]))
    yield from _section("Decisions", (_decision(made) for made in story["decisions"]))
    yield from _section("Writes", (_write(item) for item in story["writes"]))


def _section(title: str, lines: Iterable[str]) -> Iterable[str]:
    found = list(lines)
    if found:
        yield f"{title}:"
        yield from (f"  {line}" for line in found)


def _wanted(wanted: dict[str, Any]) -> Iterable[str]:
    for group, item in wanted.items():
        because = item["in_words"]
        yield f"  wanted ({group}): {pairs(item['values']) or 'nothing'}" + (
            f" because {clean(because)}" if because else ""
        )


def _registration(r: dict[str, Any]) -> str:
    return f"{r['number']} of {clean(r['partner'])}: {clean(r['in_words'])}"


def _link(item: dict[str, Any]) -> str:
    said = f", a person said {item['judgement']}" if item["judgement"] else ""
    telling = sorted((e for e in item["evidence"] if abs(e["points"]) >= 0.5), key=lambda e: -abs(e["points"]))
    reasons = "; ".join(clean(e["in_words"]) for e in telling if e["claim"] != "to_begin_with")
    return (
        f"{item['band']} {item['score']:.3f}{said}: {clean(item['left_name'])} [{item['left']}] = "
        f"{clean(item['right_name'])} [{item['right']}]: {reasons}"
    )


def _decision(made: dict[str, Any]) -> str:
    reason = f" ({made['reason']})" if made["reason"] else ""
    return f"{made['effective_at']:%Y-%m-%d %H:%M}Z {made['what']}{reason} by {clean(made['by'])}, rule {made['rule']}"


def _write(item: dict[str, Any]) -> str:
    told = f" {item['code']} {clean(item['message'])}".rstrip()
    return f"#{item['number']} {item['group']} {item['state']}: {pairs(item['after']) or 'cleared'}{told}"
