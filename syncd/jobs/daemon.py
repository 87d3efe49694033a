"""The daemon: APScheduler ticks, one cycle at a time, until it is told to stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import FrameType

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from syncd.errors import LeaseLost, SyncdError
from syncd.jobs.alerts import alert
from syncd.jobs.cycle import CycleReport, cycle, in_words
from syncd.jobs.watchdog import tell
from syncd.jobs.work import Stopping, Work
from syncd.store.leases import TTL_SECONDS

log = structlog.get_logger("syncd")

HURRIED_AFTER = timedelta(seconds=5)
"""So long after a hint that something has changed a cycle begins: most hints come in swarms."""

Reload = Callable[[bool], Work | None]
"""Reads the configuration again: the work as it says now, None when no file of it has changed. Raises UserError.

Called with True it is read whether a file has changed or not: a secret may have.
"""


class Daemon:
    """Runs a cycle at each tick. A tick that comes while a cycle runs is dropped, a missed one is caught up once.

    With `reload` the configuration is read again before each cycle: a wrong one is told, and the old one stays.
    """

    def __init__(self, work: Work, every: timedelta, reload: Reload | None = None) -> None:
        self._work = work
        self._every = every
        self._reload = reload
        self._scheduler: BackgroundScheduler | None = None
        self._failure: BaseException | None = None
        self._beat = time.monotonic()
        self._refused = ""
        self._reread = False
        self._hint = threading.Lock()
        self._busy = self._hinted = False
        self.cycles = 0

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; the page or batch under way is finished. Raises LeaseLost when taken over.

        SIGHUP begins a cycle soon, and reads the configuration for it, with the secrets that it names.
        """
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._read_again)
        scheduler = self._scheduler = BackgroundScheduler(timezone=UTC)
        # a memory job store, rebuilt from the configuration at each start: the lease decides who works, not the timer
        scheduler.add_job(
            self._tick,
            "interval",
            seconds=self._every.total_seconds(),
            next_run_time=datetime.now(UTC),  # the timer's own clock; work is timed by the Clock port
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            id="cycle",
        )
        scheduler.add_job(self._keep, "interval", seconds=TTL_SECONDS / 3, coalesce=True, misfire_grace_time=None)
        scheduler.start()
        log.info("daemon_started", every_seconds=self._every.total_seconds(), connections=len(self._work.sides))
        tell("READY=1")
        self._work.stopping.wait()
        tell("STOPPING=1")
        scheduler.shutdown(wait=True)
        log.info("daemon_stopped", cycles=self.cycles)
        if self._failure is not None:
            raise self._failure

    def hurry(self, why: str) -> None:
        """Something has changed: begin the next cycle soon, sooner than it is due. Safe to call from any thread."""
        if self._scheduler is None or self._work.stopping.is_set():
            return
        soon = datetime.now(UTC) + HURRIED_AFTER
        with self._hint:
            if self._busy:
                self._hinted = True  # what has changed may lie behind what the cycle under way has read
                return
            job = self._scheduler.get_job("cycle")
            if job is not None and (job.next_run_time is None or job.next_run_time > soon):
                self._scheduler.modify_job("cycle", next_run_time=soon)
                log.info("cycle_hurried", why=why)

    def alive(self) -> bool:
        """Whether the loop still turns: the lease was kept, or tried to, within its time."""
        return time.monotonic() - self._beat < TTL_SECONDS

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._work.stopping.set()

    def _read_again(self, signum: int, frame: FrameType | None) -> None:
        self._reread = True
        # a lock that the interrupted thread may hold is not to be waited for in a signal handler
        threading.Thread(target=self.hurry, args=("SIGHUP",), daemon=True).start()

    def _tick(self) -> None:
        """A cycle, and another one for what was hinted at meanwhile."""
        with self._hint:
            self._busy = True
        while True:
            self._once()
            with self._hint:
                if not self._hinted or self._work.stopping.is_set():
                    self._busy = False
                    return
                self._hinted = False
            self._work.stopping.wait(HURRIED_AFTER.total_seconds())

    def _once(self) -> None:
        self._take_up_configuration()
        try:
            report = self._cycle()
        except LeaseLost as lost:
            self._give_up(lost)
        except Stopping:
            log.info("cycle_stopped")
        except Exception as error:  # the next tick tries again, whatever it was
            log.error("cycle_failed", error=str(error), kind=type(error).__name__)
            self._alert(None, in_words(error))
        else:
            self.cycles += 1
            self._tell(report)
            self._alert(report)

    def _alert(self, report: CycleReport | None, failure: str = "") -> None:
        """Tell people. What keeps the message from them must not keep the daemon from its work."""
        try:
            alert(self._work, report, failure)
        except LeaseLost as lost:
            self._give_up(lost)
        except Exception as error:
            log.error("alert_failed", error=str(error), kind=type(error).__name__)

    def _take_up_configuration(self) -> None:
        """One configuration holds for a whole cycle; a wrong one is told once, and the one before stays."""
        if self._reload is None:
            return
        asked, self._reread = self._reread, False
        try:
            changed = self._reload(asked)
        except (SyncdError, OSError) as error:
            if str(error) != self._refused:
                log.error("configuration_refused", error=str(error), still=self._work.config_hash)
            self._refused = str(error)
            return
        self._refused = ""
        if changed is not None:
            log.info("configuration_changed", config=changed.config_hash, policy=changed.policy_version)
            self._work.take_up(changed)
            self._every_as_configured()

    def _every_as_configured(self) -> None:
        if self._scheduler is not None and self._work.every != self._every:
            self._every = self._work.every
            self._scheduler.reschedule_job("cycle", trigger="interval", seconds=self._every.total_seconds())

    def _keep(self) -> None:
        """The role would run out while a cycle waits for a CRM, or between two cycles."""
        self._beat = time.monotonic()
        tell("WATCHDOG=1")
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
