"""The daemon: APScheduler ticks, one cycle at a time, until it is told to stop."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from types import FrameType

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from syncd.errors import LeaseLost
from syncd.jobs.cycle import CycleReport, cycle
from syncd.jobs.work import Stopping, Work
from syncd.store.leases import TTL_SECONDS

log = structlog.get_logger("syncd")


class Daemon:
    """Runs a cycle at each tick. A tick that comes while a cycle runs is dropped, a missed one is caught up once."""

    def __init__(self, work: Work, every: timedelta) -> None:
        self._work = work
        self._every = every
        self._failure: BaseException | None = None
        self.cycles = 0

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; the page or batch under way is finished. Raises LeaseLost when taken over."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        scheduler = BackgroundScheduler(timezone=UTC)
        # a memory job store, rebuilt from the configuration at each start: the lease decides who works, not the timer
        scheduler.add_job(
            self._tick,
            "interval",
            seconds=self._every.total_seconds(),
            next_run_time=datetime.now(UTC),  # the timer's own clock; work is timed by the Clock port
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        scheduler.add_job(self._keep, "interval", seconds=TTL_SECONDS / 3, coalesce=True, misfire_grace_time=None)
        scheduler.start()
        log.info("daemon_started", every_seconds=self._every.total_seconds(), connections=len(self._work.sides))
        self._work.stopping.wait()
        scheduler.shutdown(wait=True)
        log.info("daemon_stopped", cycles=self.cycles)
        if self._failure is not None:
            raise self._failure

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._work.stopping.set()

    def _tick(self) -> None:
        try:
            report = self._cycle()
        except LeaseLost as lost:
            self._give_up(lost)
        except Stopping:
            log.info("cycle_stopped")
        except Exception as error:  # the next tick tries again, whatever it was
            log.error("cycle_failed", error=str(error), kind=type(error).__name__)
        else:
            self.cycles += 1
            self._tell(report)

    def _keep(self) -> None:
        """The role would run out while a cycle waits for a CRM, or between two cycles."""
        try:
            self._work.store.keep()
        except LeaseLost as lost:
            self._give_up(lost)

    def _give_up(self, lost: LeaseLost) -> None:
        self._failure = lost
        self._work.stopping.set()

    def _cycle(self) -> CycleReport:
        if not self._work.bound:
            for connection, problem in self._work.bind():
                log.warning("check", connection=connection, problem=problem)
            for connection, drift in self._work.drift.items():
                log.warning("schema_drift", connection=connection, changed=drift)
        return cycle(self._work)

    def _tell(self, report: CycleReport) -> None:
        log.info(
            "cycle_finished", writes=report.writes, decisions=report.decisions, links=report.links_changed,
            failed=report.failed, unknown=report.unknown, api_calls=report.calls, errors=report.errors or None,
            held=report.held or None, paused=report.paused or None, alarms=report.alarms or None,
        )  # fmt: skip
