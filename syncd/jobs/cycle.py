"""One cycle: pull everything, stage, link, decide, plan, write; a room that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from syncd.errors import Brake, LeaseLost, QuotaExhausted, SyncdError, UserError
from syncd.jobs.account import account
from syncd.jobs.anchor import anchor_when_due
from syncd.jobs.decide import decide
from syncd.jobs.feeds import Feed
from syncd.jobs.holds import held_objects, held_writes
from syncd.jobs.link import link_when_read
from syncd.jobs.look import look_again
from syncd.jobs.plan import Reviewed, plan
from syncd.jobs.pull import Progress, pull
from syncd.jobs.stage import stage
from syncd.jobs.sweep import PAGES_PER_CYCLE, due, sweep
from syncd.jobs.work import Side, Stopping, Work
from syncd.jobs.write import WriteCounts, write
from syncd.store import cursors, outbox, runs
from syncd.store.records import PageCounts

Step = Callable[[str], None]
"""Told when a step begins."""


@dataclass(slots=True)
class CycleReport:
    """What one cycle did.

    `refused` counts the writes that a CRM has refused for good, in this cycle or before. Sentences: `errors`, one for
    each stream or connection that could not finish; `held`, what a brake has stopped; `paused`, where the day's calls
    are used up and work goes on later; `alarms`, what somebody should look at, such as records that we no longer see.
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
    held: list[str] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)

    def add_said(self, other: CycleReport) -> None:
        """Take over what another says in sentences: each thread has its own, so that their order is always the same."""
        self.errors += other.errors
        self.held += other.held
        self.paused += other.paused
        self.alarms += other.alarms

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
        return bool(self.refused or self.failed or self.unknown or self.paused or self.alarms)

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
            "held": self.held, "paused": self.paused, "alarms": self.alarms,
        }  # fmt: skip


def cycle(
    work: Work,
    *,
    writing: bool = True,
    sweeping: bool = False,
    reviewed: Reviewed | None = None,
    progress: Progress | None = None,
    step: Step | None = None,
) -> CycleReport:
    """One pass from pull to write over all connections. `sweeping` reads everything there is, due or not.

    With a `reviewed` plan nothing new is written but what it holds.

    Raises LeaseLost when another daemon has taken over, Stopping between two pages or batches when told to stop.
    """
    report, before = CycleReport(), work.calls
    tell = step or (lambda _: None)
    with work.store.begin() as tx:
        runs.abandon_running(tx, work.clock.now())
    tell("pull")
    _read_all(work, report, sweeping, progress)
    to_plan = partial(plan, reviewed=reviewed)
    for name, job in (("stage", stage), ("link", link_when_read), ("decide", decide), ("plan", to_plan)):
        if name == "plan" and not writing:
            break
        work.go_on()
        tell(name)
        _note(report, name, job(work))
        if name == "stage":
            _account_for_all(work, report)
        if name == "decide" and work.policy_held:
            report.held.append(work.policy_held)
        if name == "plan":
            with work.store.read() as tx:
                report.held += [said for side in work.sides for said in held_writes(tx, side)]
    if writing:
        tell("write")
        _write_all(work, report)
        _anchor(work, report)
    with work.store.read() as tx:
        report.refused = len(outbox.refused(tx))
    report.calls = work.calls - before
    return report


def _note(report: CycleReport, name: str, count: int) -> None:
    into = {"stage": "staged", "link": "links_changed", "decide": "decisions", "plan": "planned"}[name]
    setattr(report, into, count)


def _read_all(work: Work, report: CycleReport, sweeping: bool, progress: Progress | None) -> None:
    """Connections in parallel, the objects of one after another; a stalled one holds back only its own."""
    sides = list(work.sides)
    with ThreadPoolExecutor(max_workers=max(len(sides), 1), thread_name_prefix="pull") as pool:
        readers = [Reader(work, side, CycleReport(), sweeping, progress) for side in sides]
        jobs = [pool.submit(reader.read) for reader in readers]
    for side, reader, job in zip(sides, readers, jobs, strict=True):
        report.pulled[side.name] = job.result()
        report.add_said(reader.report)
        if reader.refused:
            _check_again(work, side, report)


@dataclass(slots=True)
class Reader:
    """Reads one connection, object by object, and says in a `report` of its own how it went.

    `refused`: something that was asked for does not exist (any more).
    """

    work: Work
    side: Side
    report: CycleReport
    sweeping: bool
    progress: Progress | None
    refused: bool = False
    counts: dict[str, PageCounts] = field(default_factory=dict)

    def read(self) -> dict[str, PageCounts]:
        """What was pulled, by stream."""
        with self.work.store.read() as tx:
            held, checked = held_objects(tx, self.side), runs.checked_at(tx, self.side.uid)
            old = cursors.known(tx, self.side.uid) - {feed.head.value for feed in self.side.feeds}
        if old:
            with self.work.store.begin() as tx:
                cursors.forget(tx, self.side.uid, old)
        if checked is not None and self.work.clock.now() - checked >= self.work.sweep_every:
            self._check()
        for feed in self.side.feeds:
            if feed.object in held:
                self.report.held.append(held[feed.object])
            elif not self._broken(feed) and not self._try(feed):
                break
        return self.counts

    def _check(self) -> None:
        """Rights and fields are looked at as often as everything is read: a daemon may run for months."""
        try:
            self.side, drift = self.work.check_again(self.side)
        except LeaseLost:
            raise
        except Exception as error:
            self.report.errors.append(f"{self.side.name} check: {in_words(error)}")
        else:
            self.report.alarms += [f"{self.side.name}: {said}" for said in drift]

    def _broken(self, feed: Feed) -> bool:
        broken = [stream for stream in feed.streams if stream in self.side.broken]
        for stream in broken:
            self.report.errors.append(f"{self.side.name} {stream.value}: {self.side.broken[stream]}")
        return bool(broken)

    def _try(self, feed: Feed) -> bool:
        """Read one object; False when no call is left for the others either."""
        name = f"{self.side.name} {feed.name}"
        try:
            self._read(feed)
        except (LeaseLost, Stopping):
            raise
        except QuotaExhausted as spent:
            when = f", in {spent.after}" if spent.after is not None else ""
            self.report.paused.append(f"{name}: {spent} It goes on where it was{when}.")
            return False
        except Brake as brake:
            self.report.held.append(str(brake))
        except Exception as error:  # whatever it is, the other streams and connections go on
            self.refused = self.refused or isinstance(error, UserError)
            self.report.errors.append(f"{name}: {in_words(error)}")
        return True

    def _read(self, feed: Feed) -> None:
        work, side = self.work, self.side
        self.counts[feed.name] = pull(work, side, feed.head, self.progress)
        if (looked := look_again(work, side, feed.head)) is not None:
            self.counts[feed.name] += looked
        if self.sweeping or due(work, side, feed.head):
            pages = None if self.sweeping else PAGES_PER_CYCLE
            swept = sweep(work, side, feed.head, most_pages=pages, progress=self.progress)
            if swept.lost:
                self.report.alarms.append(
                    f"{side.name} {feed.name}: {swept.lost} records are no longer shown to us. They are kept as they "
                    "were; check the rights of the integration user."
                )


def _check_again(work: Work, side: Side, report: CycleReport) -> None:
    """Something that the mapping names is not there any more: find out what, so that the next cycle knows."""
    try:
        report.errors += [f"{side.name}: {said}" for said in work.check_again(side)[1]]
    except SyncdError as error:
        report.errors.append(f"{side.name}: {in_words(error)}")


def _anchor(work: Work, report: CycleReport) -> None:
    try:
        anchor_when_due(work)
    except SyncdError as error:
        report.alarms.append(str(error))


def _account_for_all(work: Work, report: CycleReport) -> None:
    for side in work.sides:
        try:
            account(work, side)
        except LeaseLost:
            raise
        except SyncdError as error:
            report.errors.append(f"{side.name}: {in_words(error)}")


def in_words(error: Exception) -> str:
    """An error as a sentence; one that nobody foresaw keeps its kind."""
    return str(error) if isinstance(error, SyncdError) else f"{type(error).__name__}: {error}"


def _write_all(work: Work, report: CycleReport) -> None:
    with ThreadPoolExecutor(max_workers=max(len(work.sides), 1), thread_name_prefix="write") as pool:
        jobs = {side.name: pool.submit(_write_side, work, side) for side in work.sides}
    for name, job in jobs.items():
        report.written[name], errors = job.result()
        report.errors += errors


def _write_side(work: Work, side: Side) -> tuple[WriteCounts, list[str]]:
    counts, errors = WriteCounts(), []
    try:
        write(work, side, counts)
    except (LeaseLost, Stopping):
        raise
    except Exception as error:  # whatever it is, the other connections go on
        errors.append(f"{side.name} write: {in_words(error)}")
    return counts, errors
