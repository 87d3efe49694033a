"""The demo: the whole job on two emulated CRMs, told as a story with figures."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from syncd.app import as_daemon
from syncd.demo.report import print_story
from syncd.demo.setup import write_config
from syncd.demo.truth import Truth, judge_links, read_truth, self_collisions
from syncd.demo.universe import Summary, generate
from syncd.emulator import Emulator, EmulatorClock
from syncd.errors import UserError
from syncd.jobs.cycle import CycleReport, cycle
from syncd.jobs.daemon import Daemon
from syncd.jobs.persons import rule_on
from syncd.jobs.work import Work
from syncd.model import Application, Code, Collision, DecisionKind, Stream, WriteState
from syncd.store import decisions, graph, outbox, outcomes
from syncd.store.outbox import Outgoing
from syncd.store.outcomes import Claimed

SEED = 7


class DemoClock:
    """One clock for both CRMs and syncd: it runs with the machine's, and waiting moves it on at once."""

    def __init__(self, shared: EmulatorClock) -> None:
        self._shared = shared

    def now(self) -> datetime:
        """The demo's present."""
        return self._shared.now()

    def wait(self, seconds: float) -> None:
        """Let time pass without waiting for it."""
        self._shared.advance(timedelta(seconds=seconds))


@dataclass(slots=True)
class Story:
    """Everything the demo has to tell."""

    summary: Summary
    endpoints: dict[str, Any]
    config: Path
    seconds: dict[str, float] = field(default_factory=dict)
    first: CycleReport = field(default_factory=CycleReport)
    second: CycleReport = field(default_factory=CycleReport)
    third: CycleReport = field(default_factory=CycleReport)
    links: dict[str, Any] = field(default_factory=dict)
    collisions: list[Collision] = field(default_factory=list)
    claims: list[Claimed] = field(default_factory=list)
    claims_after: list[Claimed] = field(default_factory=list)
    self_collisions: int = 0
    edits: list[str] = field(default_factory=list)
    edited: set[str] = field(default_factory=set)
    cleared: str = ""
    differences: list[Outgoing] = field(default_factory=list)
    unexpected: list[Outgoing] = field(default_factory=list)
    restored: bool = False

    @property
    def ok(self) -> bool:
        """Everything that must hold, held."""
        return (
            not (self.first.errors or self.second.errors or self.third.errors)
            and self.first.failed == self.third.failed == 0
            and self.first.writes == self.first.planned > 0
            and self.second.writes == 0
            and self.self_collisions == 0
            and self.links["precision"] >= 0.99
            and self.links["recall"] >= 0.90
            and bool(self.differences)
            and not self.unexpected
            and self.restored
        )

    def as_json(self) -> dict[str, Any]:
        """The figures, in the shape that scripts rely on."""
        pulled = {
            f"{name}.{stream}": counts.read for name, s in self.first.pulled.items() for stream, counts in s.items()
        }
        return {
            "pulled": pulled,
            "links": self.links,
            "collisions": dict(sorted(Counter(c.code.value for c in self.collisions).items())),
            "self_collisions": self.self_collisions,
            "stamps": {"planned": self.first.planned, "written": self.first.writes, "failed": self.first.failed},
            "registrations": dict(sorted(Counter(c.state.application.value for c in self.claims).items())),
            "second_cycle": {"writes": self.second.writes, "api_calls": self.second.calls},
            "third_cycle": {
                "edits": self.edits, "writes": self.third.writes, "unexpected": len(self.unexpected),
                "restored": self.restored,
            },
            "api_calls": self.first.calls,
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
            "ok": self.ok,
        }  # fmt: skip


Tell = Callable[[str], None]


def run_demo(*, once: bool, folder: Path | None, as_json: bool) -> int:
    """Run the demo; returns its exit code."""
    if folder is not None and (folder / "syncd.db").exists():
        raise UserError(f"{folder} holds the state of an earlier demo; its emulators are gone. Give another --dir.")
    with _folder(folder) as place, _teller(as_json) as tell:
        return _run(place, once, as_json, tell)


def _run(place: Path, once: bool, as_json: bool, tell: Tell) -> int:
    began = time.monotonic()
    tell("Making a vendor, twelve partners and a month of deals on real company names")
    summary = generate(place / "data", datetime.now(UTC), SEED)
    shared = EmulatorClock(start=summary.now)
    emulator = Emulator.load(place / "data", clock=shared, seed=SEED)
    with emulator.serve() as endpoints:
        config = write_config(place, endpoints, summary)
        story = Story(summary, dict(endpoints), config)
        story.seconds["set_up"] = time.monotonic() - began
        with as_daemon(config, DemoClock(shared)) as work:
            _tell_story(work, emulator, story, read_truth(place / "data"), tell)
            story.seconds["total"] = time.monotonic() - began
            if as_json:
                sys.stdout.write(orjson.dumps(story.as_json(), option=orjson.OPT_INDENT_2).decode() + "\n")
                sys.stdout.flush()
            else:
                tell("")
                print_story(story)
            if not once:
                tell(f"The daemon goes on; Ctrl-C ends it. Try  syncd -c {config} why ...  in another terminal.")
                Daemon(work, timedelta(seconds=10)).run()
    return 0 if story.ok else 1


def _tell_story(work: Work, emulator: Emulator, story: Story, truth: Truth, tell: Tell) -> None:
    work.bind()
    story.first = _timed(story, "first_cycle", lambda: cycle(work, step=lambda s: tell(f"First cycle: {s}")))
    with work.store.read() as tx:
        report = judge_links(graph.all_links(tx), truth, work.sides[1].uid)
        story.collisions = outcomes.collisions(tx)
        story.claims = outcomes.claims(tx)
    story.links = {
        "auto": report.auto, "review": report.review, "precision": report.precision, "recall": report.recall,
    }  # fmt: skip
    story.self_collisions = self_collisions(story.collisions, truth)
    story.second = _timed(story, "second_cycle", lambda: cycle(work, step=lambda s: tell(f"Second cycle: {s}")))
    _people_act(work, emulator, story, truth)
    story.third = _timed(story, "third_cycle", lambda: cycle(work, step=lambda s: tell(f"Third cycle: {s}")))
    _look_at_difference(work, emulator, story)


def _timed(story: Story, name: str, job: Callable[[], CycleReport]) -> CycleReport:
    began = time.monotonic()
    report = job()
    story.seconds[name] = time.monotonic() - began
    return report


# --- what people do between the second and the third cycle -----------------------------------------------------------


def _people_act(work: Work, emulator: Emulator, story: Story, truth: Truth) -> None:
    _a_partner_answers(work, emulator, story, truth)
    _a_rep_clears_a_stamp(emulator, story)
    _a_person_rules(work, story)
    work.clock.wait(60)


def _a_partner_answers(work: Work, emulator: Emulator, story: Story, truth: Truth) -> None:
    """A returned filing gets the fields that were missing."""
    returned = [c for c in story.claims if truth.scenarios.get(c.state.ref.id) == "incomplete"]
    chosen = next(c for c in returned if c.state.application is Application.RETURNED and _on_the_deal(work, c))
    answers = {
        "current_vendor": "None", "decision_makers": "A. Example, CIO", "timeline": "this quarter",
        "buying_stage": "evaluating", "competition": "None known", "how_identified": "existing_relationship",
        "activities_done": "Discovery call", "next_steps": "Workshop", "proof_of_relationship": "Meeting notes",
    }  # fmt: skip
    row = next(r for r in emulator.hubspot.rows("deals") if str(r["hs_object_id"]) == chosen.state.ref.id)
    missing = {name: value for name, value in answers.items() if not row.get(name)}
    emulator.hubspot.edit("deals", chosen.state.ref.id, missing)
    story.edits.append(
        f"{chosen.state.partner_name} answers what was missing on {chosen.state.number}: {', '.join(missing)}."
    )
    story.edited |= _records_of(work, chosen.organization)


def _on_the_deal(work: Work, claimed: Claimed) -> bool:
    """What is missing stands on the deal itself, where the partner's answer goes."""
    with work.store.read() as tx:
        wanted = {"current_vendor", "decision_makers", "timeline", "buying_stage", "competition", "how_identified",
                  "activities", "next_steps", "proof"}  # fmt: skip
        said = [d for d in decisions.about(tx, [claimed.state.ref]) if d.kind is DecisionKind.RETURNED]
    missing = set(said[-1].evidence.get("missing", [])) if said else set()
    return bool(missing) and missing <= wanted


def _a_rep_clears_a_stamp(emulator: Emulator, story: Story) -> None:
    """Somebody takes the banner off a protected account."""
    row = next(r for r in emulator.salesforce.rows("Account") if r.get("Syncd_Status__c") == "protected")
    rep = next(u for u in emulator.salesforce.rows("User") if str(u.get("Title") or "").startswith("Account"))
    emulator.salesforce.edit("Account", row["Id"], {"Syncd_Status__c": None, "Syncd_Partner__c": None}, user=rep["Id"])
    story.edits.append(f"{rep['Name']} clears the protection from the account {row['Name']}.")
    story.edited.add(row["Id"])
    story.cleared = row["Id"]


def _a_person_rules(work: Work, story: Story) -> None:
    """Two partners filed within a second of each other; a person decides."""
    tie = next(c for c in story.collisions if c.code is Code.C06 and c.state == "open")
    rule_on(work, tie.id, str(tie.registration), "demo", "The customer named this partner.")
    names = {c.state.ref: c.state.partner_name for c in story.claims}
    story.edits.append(f"A channel manager rules on {tie.id}: {names.get(tie.registration)} stands.")
    organization = next(c.organization for c in story.claims if c.state.ref == tie.registration)
    story.edited |= _records_of(work, organization)


def _records_of(work: Work, organization: int) -> set[str]:
    with work.store.read() as tx:
        members = graph.members_of(tx, organization)
        hanging = [
            ref for s in (Stream.OPPORTUNITIES, Stream.REGISTRATIONS) for ref in graph.hanging_on(tx, s, members)
        ]
    return {ref.id for ref in [*members, *hanging]}


def _look_at_difference(work: Work, emulator: Emulator, story: Story) -> None:
    """Everything that the third cycle wrote, and whether all of it follows from what people did."""
    with work.store.read() as tx:
        applied = outbox.in_state(tx, [WriteState.APPLIED])
        story.claims_after = outcomes.claims(tx)
    story.differences = applied[story.first.writes :]
    story.unexpected = [item for item in story.differences if item.intent.ref.id not in story.edited]
    row = next(r for r in emulator.salesforce.rows("Account") if r["Id"] == story.cleared)
    story.restored = row.get("Syncd_Status__c") == "protected"


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="syncd-demo-") as name:
        yield Path(name)


def _line(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextmanager
def _teller(as_json: bool) -> Iterator[Tell]:
    """Progress on standard error: one live line on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield lambda text: _line(text) if text else None
        return
    from rich.console import Console

    with Console(stderr=True).status("Starting") as status:
        yield lambda text: status.update(text) if text else status.stop()
