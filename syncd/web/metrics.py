"""Metrics for Prometheus: what ended runs counted, as counters; how things stand, read from the state when asked.

Names follow Prometheus' own practice: a prefix, base units, `_total`; no record ids in labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from syncd import __version__
from syncd.jobs.health import ConnectionHealth, Health, health
from syncd.jobs.work import Work

_READ = ("new", "changed", "unchanged", "stale", "deleted")
_WRITTEN = ("applied", "failed", "retry", "unknown", "settled", "not_arrived")
_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Meter:
    """Counts ended runs, for as long as this process lives. It is one of the watchers of a `Work`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        where = ("connection", "stream")
        self._runs = Counter("syncd_runs", "Runs that ended.", ("job", "status"), registry=registry)
        self._seconds = Histogram(
            "syncd_run_duration_seconds", "How long runs took.", ("job",), buckets=_BUCKETS, registry=registry
        )
        self._success = Gauge(
            "syncd_last_success_timestamp_seconds", "When a job last ended well.", ("job", *where), registry=registry
        )
        self._records = Counter(
            "syncd_records", "Records read, by what was found.", (*where, "result"), registry=registry
        )
        self._writes = Counter(
            "syncd_writes", "Writes, by their outcome.", ("connection", "outcome"), registry=registry
        )
        self._decisions = Counter("syncd_decisions", "Decisions made by rules.", registry=registry)
        self._late = Counter("syncd_late_records", "Records that only a second look found.", where, registry=registry)
        self._lag = Gauge(
            "syncd_visibility_lag_seconds", "How late the latest of them was shown.", where, registry=registry
        )

    def watch(self, now: Callable[[], datetime]) -> Callable[[Mapping[str, Any]], None]:
        """The watcher; `now` is the clock of the work."""

        def told(run: Mapping[str, Any]) -> None:
            self._count(run, now())

        return told

    def _count(self, run: Mapping[str, Any], now: datetime) -> None:
        job, where = run["job"], (run.get("connection", ""), run.get("stream", ""))
        self._runs.labels(job, run["status"]).inc()
        self._seconds.labels(job).observe(run["seconds"])
        if run["status"] == "ok":
            self._success.labels(job, *where).set(now.timestamp())
        for result in _READ if job in ("pull", "look", "sweep") else ():
            self._records.labels(*where, result).inc(run.get(result, 0))
        for outcome in _WRITTEN if job == "write" else ():
            self._writes.labels(where[0], outcome).inc(run.get(outcome, 0))
        self._decisions.inc(run.get("decisions", 0))
        if run.get("late"):
            self._late.labels(*where).inc(run["late"])
            self._lag.labels(*where).set(run["latest_seconds"])


class Standing(Collector):
    """How things stand, gathered when Prometheus asks."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def describe(self) -> list[Metric]:
        """Nothing in advance: the state database is asked only when metrics are."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The gauges of every connection, and the calls made by this process."""
        found = health(self._work)
        yield InfoMetricFamily("syncd_build", "What runs here.", value={"version": __version__})
        yield _gauge("syncd_ready", "1: every connection is fresh.", (), [((), float(found.ready))])
        yield _gauge(
            "syncd_daemon_role_held", "1: a daemon holds the role of working on this database.", (),
            [((), float(bool(found.daemon)))],
        )  # fmt: skip
        yield from _of_streams(found)
        yield from _of_connections(found)
        calls = CounterMetricFamily("syncd_api_requests", "API calls made by this process.", labels=("connection",))
        for side in self._work.sides:
            calls.add_metric([side.name], side.connector.calls)
        yield calls


def _of_streams(found: Health) -> Iterator[Metric]:
    for name, about, attribute in (
        ("syncd_watermark_timestamp_seconds", "Everything up to then was asked for.", "read_through"),
        ("syncd_complete_through_timestamp_seconds", "Nothing from before is unseen.", "complete_through"),
    ):
        yield _gauge(
            name, about, ("connection", "stream"),
            [
                ((one.name, stream.name), at.timestamp())
                for one in found.connections
                for stream in one.streams
                if (at := getattr(stream, attribute)) is not None
            ],
        )  # fmt: skip


def _of_connections(found: Health) -> Iterator[Metric]:
    def each(name: str, about: str, value: Callable[[ConnectionHealth], float]) -> Metric:
        return _gauge(name, about, ("connection",), [((one.name,), value(one)) for one in found.connections])

    yield each("syncd_connection_fresh", "1: decisions may rest on it.", lambda one: float(one.word.good))
    yield each("syncd_holds", "What waits for a person's word to proceed.", lambda one: len(one.held))
    yield each("syncd_dead_letters", "Writes that the CRM refused for good.", lambda one: one.refused)
    yield each(
        "syncd_outbox_oldest_age_seconds", "How long the oldest unsent write waits.",
        lambda one: (found.at - one.oldest_unsent).total_seconds() if one.oldest_unsent else 0.0,
    )  # fmt: skip
    rows = [
        ((one.name, state), float(count))
        for one in found.connections
        for state, count in (("queued", one.queued), ("unknown", one.unknown))
    ]
    yield _gauge("syncd_outbox_rows", "Writes that are not settled.", ("connection", "state"), rows)


def _gauge(name: str, about: str, labels: tuple[str, ...], rows: Sequence[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family
