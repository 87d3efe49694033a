"""Alerts: after each cycle, what is wrong is compared with what was wrong before, and who minds syncd is told once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from syncd.errors import Retry
from syncd.jobs.cycle import CycleReport
from syncd.jobs.health import alarms, health
from syncd.jobs.work import Work, canonical_line
from syncd.store import alerts
from syncd.store.alerts import Alert

MOST_TOLD = 20
"""So many sentences are in one message; the rest is counted."""


def alert(work: Work, report: CycleReport | None, failure: str = "") -> bool:
    """Note what is wrong now, and tell what is new or over; False when it could not be told, so that it waits.

    `report` is that of the cycle just ended, None when it broke off with `failure`.
    """
    now = work.clock.now()
    lasting = {**alarms(health(work)), **_of_cycle(report, failure)}
    with work.store.begin() as tx:
        alerts.note(tx, lasting, report.alarms if report else (), now)
        new, over = alerts.untold(tx)
    if not (new or over) or work.messenger is None:
        return True
    try:
        work.messenger.send(title(new, over), text(new, over, now))
    except Retry as error:
        canonical_line("alert_not_told", reason=str(error), alerts=len(new), resolved=len(over))
        return False
    with work.store.begin() as tx:  # after it was told: told twice is better than never
        alerts.told(tx, new, over, now)
    return True


def _of_cycle(report: CycleReport | None, failure: str) -> Mapping[str, str]:
    """What the cycle itself met, by a key that does not change with the words of a system's answer."""
    if report is None:
        return {"cycle": f"The last cycle broke off: {failure}. It is tried again at the next tick."}
    said = {f"error/{one.partition(':')[0]}": one for one in reversed(report.errors)}
    return {**said, **{f"paused/{one.partition(':')[0]}": one for one in report.paused}}


def title(new: Sequence[Alert], over: Sequence[Alert]) -> str:
    """The message in a line."""
    parts = [f"{len(new)} new" if new else "", f"{len(over)} resolved" if over else ""]
    return f"syncd: {', '.join(filter(None, parts))}"


def text(new: Sequence[Alert], over: Sequence[Alert], now: datetime) -> str:
    """The message: what is wrong first."""
    lines = [one.sentence for one in new]
    lines += [f"Resolved after {_length(one)}: {one.sentence}" for one in over]
    more = len(lines) - MOST_TOLD
    told = lines[:MOST_TOLD] + (
        [f"And {more} more: /status of the daemon lists what is wrong now."] if more > 0 else []
    )
    return "\n".join([*told, f"{now:%Y-%m-%d %H:%M} UTC"])


def _length(one: Alert) -> str:
    assert one.resolved_at is not None
    minutes = round((one.resolved_at - one.raised_at).total_seconds() / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"
