"""One cycle: pull everything, stage, link, decide, plan, write; a room that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from syncd.errors import LeaseLost, SyncdError
from syncd.jobs.decide import decide
from syncd.jobs.link import link
from syncd.jobs.plan import plan
from syncd.jobs.pull import Progress, pull
from syncd.jobs.stage import stage
from syncd.jobs.work import Side, Stopping, Work
from syncd.jobs.write import WriteCounts, write
from syncd.store import outbox, runs
from syncd.store.records import PageCounts

Step = Callable[[str], None]
"""Told when a step begins."""


@dataclass(slots=True)
class CycleReport:
    """What one cycle did.

    `refused` counts the writes that a CRM has refused for good, in this cycle or before; `errors` are sentences, one
    for each stream or connection that could not finish.
    """

    pulled: dict[str, dict[str, PageCounts]] = field(default_factory=dict)
    staged: int = 0
    links_changed: int = 0
    decisions: int = 0
    planned: int = 0
    written: dict[str, WriteCounts] = field(default_factory=dict)
    calls: int = 0
    refused: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def writes(self) -> int:
        """Writes that arrived in this cycle."""
        return sum(counts.applied + counts.settled for counts in self.written.values())

    @property
    def failed(self) -> int:
        """Writes that the CRMs refused for good."""
        return sum(counts.failed for counts in self.written.values())

    @property
    def attention(self) -> bool:
        """Some records need a person: a write was refused or its outcome is unknown."""
        return bool(self.refused or self.failed or self.unknown)

    @property
    def unknown(self) -> int:
        """Writes whose outcome is still to be found out."""
        return sum(counts.unknown for counts in self.written.values())

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON."""
        pulled = {
            name: {stream: {f: getattr(c, f) for f in c.__slots__} for stream, c in streams.items()}
            for name, streams in self.pulled.items()
        }
        written = {name: {f: getattr(c, f) for f in c.__slots__} for name, c in self.written.items()}
        return {
            "pulled": pulled, "staged": self.staged, "links_changed": self.links_changed,
            "decisions": self.decisions, "planned": self.planned, "written": written,
            "writes": self.writes, "refused": self.refused, "api_calls": self.calls, "errors": self.errors,
        }  # fmt: skip


def cycle(
    work: Work, *, writing: bool = True, progress: Progress | None = None, step: Step | None = None
) -> CycleReport:
    """One pass from pull to write over all connections.

    Raises LeaseLost when another daemon has taken over, Stopping between two pages or batches when told to stop.
    """
    report, before = CycleReport(), work.calls
    tell = step or (lambda _: None)
    with work.store.begin() as tx:
        runs.abandon_running(tx, work.clock.now())
    tell("pull")
    _pull_all(work, report, progress)
    for name, job in (("stage", stage), ("link", link), ("decide", decide), ("plan", plan)):
        if name == "plan" and not writing:
            break
        work.go_on()
        tell(name)
        _note(report, name, job(work))
    if writing:
        tell("write")
        _write_all(work, report)
    with work.store.read() as tx:
        report.refused = len(outbox.refused(tx))
    report.calls = work.calls - before
    return report


def _note(report: CycleReport, name: str, count: int) -> None:
    into = {"stage": "staged", "link": "links_changed", "decide": "decisions", "plan": "planned"}[name]
    setattr(report, into, count)


def _pull_all(work: Work, report: CycleReport, progress: Progress | None) -> None:
    """Connections in parallel, the streams of one after another; a stalled one holds back only its own."""
    with ThreadPoolExecutor(max_workers=max(len(work.sides), 1), thread_name_prefix="pull") as pool:
        jobs = {side.name: pool.submit(_pull_side, work, side, report, progress) for side in work.sides}
    for name, job in jobs.items():
        report.pulled[name] = job.result()


def _pull_side(work: Work, side: Side, report: CycleReport, progress: Progress | None) -> dict[str, PageCounts]:
    counts = {}
    for stream in side.streams:
        if stream in side.broken:
            report.errors.append(f"{side.name} {stream.value}: {side.broken[stream]}")
            continue
        try:
            counts[stream.value] = pull(work, side, stream, progress)
        except (LeaseLost, Stopping):
            raise
        except Exception as error:  # whatever it is, the other streams and connections go on
            report.errors.append(f"{side.name} {stream.value}: {in_words(error)}")
    return counts


def in_words(error: Exception) -> str:
    """An error as a sentence; one that nobody foresaw keeps its kind."""
    return str(error) if isinstance(error, SyncdError) else f"{type(error).__name__}: {error}"


def _write_all(work: Work, report: CycleReport) -> None:
    with ThreadPoolExecutor(max_workers=max(len(work.sides), 1), thread_name_prefix="write") as pool:
        jobs = {side.name: pool.submit(_write_side, work, side, report) for side in work.sides}
    for name, job in jobs.items():
        report.written[name] = job.result()


def _write_side(work: Work, side: Side, report: CycleReport) -> WriteCounts:
    counts = WriteCounts()
    try:
        write(work, side, counts)
    except (LeaseLost, Stopping):
        raise
    except Exception as error:  # whatever it is, the other connections go on
        report.errors.append(f"{side.name} write: {in_words(error)}")
    return counts
