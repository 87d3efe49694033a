"""The demo's story as a page for people."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from syncd.jobs.reasons import because_in_words, details_of
from syncd.model import Application, Code, Collision
from syncd.policy import APPLICATIONS, CODES

if TYPE_CHECKING:
    from syncd.demo.story import Story


def print_story(story: Story) -> None:
    """Print the page on standard output."""
    sys.stdout.write("\n".join(page(story)) + "\n")
    sys.stdout.flush()


def page(story: Story) -> Iterable[str]:
    """The page, line by line."""
    yield f"syncd demo: {story.summary.vendor}, its Salesforce and its partner HubSpot, both emulated over real HTTP"
    yield from _title("Pulled")
    for name, streams in story.first.pulled.items():
        yield f"  {name}: " + ", ".join(f"{counts.read:,} {stream}" for stream, counts in streams.items())
    yield from _title("Linked")
    yield (
        f"  {story.links['auto']:,} links act by themselves (precision {story.links['precision']:.1%} against the "
        f"truth), {story.links['review']:,} wait for a person; {story.links['recall']:.1%} of the companies that both "
        "sides know were found."
    )
    yield from _title("Decided")
    for state, count in sorted(Counter(c.state.application.value for c in story.claims).items(), key=_by_count):
        yield f"  {count:>5,}  {state}: {APPLICATIONS[Application(state)]}"
    yield from _title("Collisions")
    counts = Counter(c.code for c in story.collisions)
    for code, count in sorted(counts.items()):
        yield f"  {count:>5,}  {code.value}  {CODES[code]}"
    yield f"  {story.self_collisions:>5,}  of a registration with its own deal (C00): there must be none"
    for example in _examples(story.collisions):
        yield f"  For example {example.id}:"
        yield f"    {example.sentence}"
    yield from _title("Written back")
    yield (
        f"  {story.first.planned:,} changes planned, {story.first.writes:,} written, {story.first.failed} refused, "
        f"with {story.first.calls:,} API calls in all."
    )
    yield f"  Second cycle, nothing having changed: {story.second.writes} writes, {story.second.calls} API calls."
    yield from _title("Then people act")
    yield from (f"  - {edit}" for edit in story.edits)
    details = details_of(story.claims_after)
    yield f"  The third cycle writes {len(story.differences)} changes, {len(story.unexpected)} of them unexplained:"
    for item in story.differences[:12]:
        yield f"    {item.intent.ref.object} {item.intent.ref.id}"
        yield f"      {because_in_words(item.intent.because, details)}"
    yield from _title("Seconds")
    yield "  " + ", ".join(f"{name.replace('_', ' ')} {value:.1f}" for name, value in story.seconds.items())
    yield ""
    yield "Everything that must hold, held." if story.ok else "NOT everything held; see above."


def _title(text: str) -> Iterable[str]:
    yield ""
    yield text


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _examples(collisions: list[Collision]) -> list[Collision]:
    """One between a partner and the direct team, one between two partners."""
    chosen = []
    for codes in ((Code.C08, Code.C10, Code.C09), (Code.C03, Code.C07, Code.C06)):
        found = [c for code in codes for c in collisions if c.code is code]
        chosen += found[:1]
    return chosen
