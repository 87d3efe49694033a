"""What every job works with: the store, the clock, the connections, the policy; built once in `app`."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

from syncd.connectors.base import Connector
from syncd.errors import Brake, QuotaExhausted, Stop, SyncdError, UserError
from syncd.jobs.feeds import Feed, feeds_of
from syncd.jobs.schema import drift_of, facts_of
from syncd.mapping import Mapped, StreamMapping
from syncd.model import (
    Account,
    Checked,
    Clock,
    MissingField,
    ObjectAccess,
    Opportunity,
    ReadSpec,
    Ref,
    Registration,
    Stream,
)
from syncd.policy import Policy
from syncd.policy.ownership import Freeze
from syncd.policy.quiet import QuietHours
from syncd.store import runs
from syncd.store.database import Store
from syncd.store.records import PageCounts, Stored

if TYPE_CHECKING:
    from syncd.matching import Weights


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Where banners read that syncd is alive: one field of one record of our own."""

    object: str
    id: str
    field: str


@dataclass(frozen=True, slots=True)
class Side:
    """One connection as the jobs see it. `uid` is empty until the first check has bound it.

    `visible` is the admin's word that the integration user sees every record; `access` is what was proved of that, by
    native object. `broken` says by stream why it must not be read: without a field that the mapping names, a rule would
    be silently off, and what it let through would stand for good. `mapped` are the streams as the mapping file names
    them, where some fields of ours were taken out because the system lacks them. `fresh_within` is how old what is
    known of it may be before somebody is told.
    """

    name: str
    kind: str
    roles: frozenset[str]
    connector: Connector
    streams: Mapping[Stream, StreamMapping]
    authority: str
    live: bool
    ownership: str
    visible: bool
    heartbeat: Heartbeat | None
    settle_writes_after: timedelta
    uid: str = ""
    broken: Mapping[Stream, str] = field(default_factory=dict)
    access: Mapping[str, ObjectAccess] = field(default_factory=dict)
    mapped: Mapping[Stream, StreamMapping] = field(default_factory=dict)
    fresh_within: timedelta = timedelta(minutes=15)
    quiet: QuietHours | None = None

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """What is read from this connection, object by object."""
        return feeds_of(self.streams)

    def feed(self, stream: Stream) -> Feed:
        """The feed of a stream that is mapped."""
        return next(feed for feed in self.feeds if stream in feed.streams)

    @property
    def filings(self) -> Feed | None:
        """The feed that partners file into, where there is one."""
        return next((feed for feed in self.feeds if feed.filings), None)

    @property
    def specs(self) -> list[ReadSpec]:
        """What is read, as the connector is told."""
        return [feed.spec for feed in self.feeds]

    def sees(self, object_: str) -> bool | None:
        """Whether nothing of a native object is hidden from us: proved or stated, disproved, or not known (None)."""
        access = self.access.get(object_)
        proved = access.sees_all if access is not None else None
        return True if proved is None and self.visible else proved

    @property
    def sees_enough(self) -> bool:
        """`Nothing found` on this connection means that there is nothing.

        A direct CRM has to prove or state it for everything that contests a claim; a portal must not be known to hide
        what was filed there.
        """
        seen = [self.sees(mapping.object) for stream, mapping in self.streams.items() if stream in CONTESTING]
        return False not in seen and (self.role != "direct" or None not in seen)

    def writable(self) -> dict[str, list[str]]:
        """The native fields that syncd writes, by native object."""
        fields: dict[str, list[str]] = {}
        for mapping in self.streams.values():
            if self.live and mapping.ours:
                fields.setdefault(mapping.object, []).extend(sorted(mapping.ours))
        if self.live and self.heartbeat:
            fields.setdefault(self.heartbeat.object, []).append(self.heartbeat.field)
        return fields

    def can_wait(self, problem: str) -> bool:
        """In shadow mode the fields that syncd would write need not exist yet."""
        return (
            not self.live
            and isinstance(problem, MissingField)
            and any(
                problem.field in mapping.ours and mapping.object.lower() == problem.object.lower()
                for mapping in self.streams.values()
            )
        )

    @property
    def waited_for(self) -> frozenset[Stream]:
        """The streams that decisions wait for: what may stand against a claim, and how that stood."""
        return CONTESTING | EVIDENCE if self.role == "direct" else CONTESTING

    @property
    def role(self) -> str:
        """The part its accounts play in matching: `direct` or `filed`."""
        return "direct" if self.roles & {"direct", "both"} else "filed"


CONTESTING = frozenset({Stream.ACCOUNTS, Stream.OPPORTUNITIES, Stream.REGISTRATIONS})
"""The streams in which something may stand against a claim."""

EVIDENCE = frozenset({Stream.ACTIVITIES, Stream.HISTORY, Stream.LISTS, Stream.CONTRACTS, Stream.LEADS})
"""What tells how the records of a direct CRM stood when a claim was received: decisions wait for these as well."""


@dataclass(frozen=True, slots=True)
class Brakes:
    """From when on a person has to look.

    `vanished_least` records and more than `vanished_share` of their object gone; more than `written_most` writes to a
    connection at once, or more than `written_share` of its records, but never at `written_least` or fewer; when
    statistics are frozen anew, `relink_least` links and more than `relink_share` of those that act.
    """

    vanished_share: float = 0.05
    vanished_least: int = 20
    relink_share: float = 0.02
    relink_least: int = 20
    written_most: int = 50_000
    written_share: float = 0.05
    written_least: int = 5_000

    def writes(self, records: int) -> int:
        """How many writes at once are let through to a connection that holds so many records."""
        return min(self.written_most, max(self.written_least, int(self.written_share * records)))


class Messenger(Protocol):
    """Brings a message to the people who mind syncd."""

    def send(self, title: str, text: str) -> None:
        """Raises Retry when not everybody was reached."""
        ...


Watcher = Callable[[Mapping[str, Any]], None]
"""Told of each run that ends: job, connection, stream, status, seconds, and what it counted."""


class Stopping(Stop):
    """syncd was told to stop; the rest of the work is done when it runs again."""


@dataclass(slots=True)
class Work:
    """Everything a job may use, joined in one place."""

    store: Store
    clock: Clock
    sides: list[Side]
    policy: Policy
    policy_version: str
    go_live: datetime
    config_hash: str
    auto: float = 0.97
    review: float = 0.10
    weights: Weights | None = None
    duplicates: float = 0.97
    twins: float = 0.50
    bands: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    ledger_key: bytes | None = None
    anchor: str | None = None
    every: timedelta = timedelta(minutes=1)
    sweep_every: timedelta = timedelta(days=1)
    refresh_formulas: timedelta = timedelta(hours=6)
    brakes: Brakes = field(default_factory=Brakes)
    zone: str = "UTC"
    owner_freeze: tuple[Freeze, ...] = ()
    index_folder: Path | None = None
    policy_named: Policy | None = None  # what the settings name, where another one is in force
    policy_held: str = ""  # why that is, in words
    policy_missing: bool = False  # no policy is in force: nothing is decided
    bound: bool = field(default=False)
    drift: dict[str, list[str]] = field(default_factory=dict)
    stopping: Event = field(default_factory=Event)
    watchers: list[Watcher] = field(default_factory=list)
    messenger: Messenger | None = None

    def go_on(self) -> None:
        """Asked between two pages, batches or steps. Raises Stopping when the daemon was told to stop."""
        if self.stopping.is_set():
            raise Stopping()

    def take_up(self, changed: Work) -> None:
        """Work by another configuration from now on; belongs between two cycles. Every connection is checked anew."""
        for known in fields(self):
            if known.name not in _KEPT:
                setattr(self, known.name, getattr(changed, known.name))

    def side(self, uid: str) -> Side:
        """The connection with this uid. Raises UserError when the configuration no longer has it."""
        for side in self.sides:
            if side.uid == uid:
                return side
        raise UserError(f"No connection of this configuration reaches {uid}.")

    def mapping_of(self, ref: Ref, stream: str) -> StreamMapping | None:
        """The mapping of a record's stream, None when its connection or stream is no longer configured."""
        for side in self.sides:
            if side.uid == ref.connection:
                return side.streams.get(Stream(stream)) if stream in _STREAMS else None
        return None

    def canonical(self, row: Stored) -> Mapped | None:
        """A stored record in our words; None when its connection or stream is no longer configured.

        Where the mapping names no modification stamp, the record counts as modified when its facts changed last,
        so that our own stamps do not look like an edit.
        """
        mapping = self.mapping_of(row.ref, row.stream)
        if mapping is None:
            return None
        mapped = mapping.to_canonical(row.ref, row.fields)
        record = mapped.record
        if isinstance(record, Account | Opportunity | Registration) and record.modified_at is None:
            return replace(mapped, record=replace(record, modified_at=row.facts_at))
        return mapped

    @property
    def calls(self) -> int:
        """API calls made so far, all connections together."""
        return sum(side.connector.calls for side in self.sides)

    def bind(self) -> list[tuple[str, str]]:
        """Check every connection and bind its uid; returns the problems found, each with its connection.

        A connection that cannot be reached is left unread, and asked again next time; the others go on. Raises
        UserError for another org than before.
        """
        with self.store.read() as tx:
            known = runs.bound(tx)
        problems, self.bound = [], True
        for n, side in enumerate(self.sides):
            try:
                self.sides[n], checked = self._bind(side)
            except UserError:
                raise
            except SyncdError as error:
                self.bound = False
                broken = dict.fromkeys(side.streams, str(error))
                self.sides[n] = self._known(replace(side, broken=broken), known)
            else:
                problems += [(side.name, problem) for problem in checked.problems if not side.can_wait(problem)]
        return problems

    def check_again(self, side: Side) -> tuple[Side, list[str]]:
        """Check a connection once more, because it refused what was asked or its rights matter now.

        Returns what it is like now, and what has changed in its schema. Raises what its check raises.
        """
        place = next(n for n, known in enumerate(self.sides) if known.name == side.name)
        before = self.drift.pop(side.name, [])
        self.sides[place] = self._bind(self.sides[place])[0]
        return self.sides[place], [said for said in self.drift.get(side.name, []) if said not in before]

    def _bind(self, side: Side) -> tuple[Side, Checked]:
        side = replace(side, streams=side.mapped or side.streams)
        checked = side.connector.check(side.specs, side.writable())
        missing = _missing(checked)
        with self.store.append() as tx:
            before = runs.facts(tx, checked.uid)
            facts = {
                **facts_of(checked),
                "clock_error_seconds": side.connector.facts.clock_error_seconds,
                "edition": checked.edition.value,
                "edition_reason": checked.edition_reason,
            }
            drift = drift_of(before, facts)
            now = self.clock.now()
            earlier = before.get("drift", [])
            facts["drift"] = [*earlier, *({"at": now.isoformat(), "what": said} for said in drift)][-_DRIFT_KEPT:]
            runs.bind(tx, side.name, side.kind, replace(checked, facts=facts), now)
            runs.put_access(tx, checked.uid, checked.access, now)
        if drift:
            self.drift[side.name] = drift
        streams = {s: m.without(m.ours & missing.get(m.object.lower(), {}).keys()) for s, m in side.streams.items()}
        access = {one.object: one for one in checked.access}
        made = replace(
            side, uid=checked.uid, streams=streams, mapped=side.streams, broken=_broken(side, missing), access=access
        )
        return made, checked

    def _known(self, side: Side, bound: Mapping[str, str]) -> Side:
        """A side as an earlier check found it."""
        uid = bound.get(side.name, "")
        with self.store.read() as tx:
            return replace(side, uid=uid, access={one.object: one for one in runs.get_access(tx, uid)})

    def bind_from_store(self) -> None:
        """Take the uids that an earlier check bound, for commands that must not call the CRMs."""
        with self.store.read() as tx:
            known = runs.bound(tx)
        self.sides = [self._known(side, known) for side in self.sides]


_KEPT = frozenset({"store", "clock", "stopping", "watchers"})
"""What belongs to the process and not to its configuration."""

_DRIFT_KEPT = 20
_STREAMS = frozenset(stream.value for stream in Stream)


def _missing(checked: Checked) -> dict[str, dict[str, str]]:
    """What the system does not have: by object, the field and the sentence about it."""
    missing: dict[str, dict[str, str]] = {}
    for problem in checked.problems:
        if isinstance(problem, MissingField):
            missing.setdefault(problem.object.lower(), {})[problem.field] = str(problem)
    return missing


def _broken(side: Side, missing: Mapping[str, Mapping[str, str]]) -> dict[Stream, str]:
    """The streams that lack a field other than those that syncd writes, with the sentence about the first."""
    broken = {}
    for stream, mapping in side.streams.items():
        lacking = missing.get(mapping.object.lower(), {})
        facts = [field for field in mapping.read_spec().fields if field in lacking and field not in mapping.ours]
        if facts:
            more = f" ({len(facts)} fields are missing.)" if len(facts) > 1 else ""
            broken[stream] = f"{lacking[facts[0]]}{more} Until then this stream is not read, and nothing is decided."
    return broken


@dataclass(slots=True)
class Run:
    """One execution of one job."""

    id: str
    job: str
    counts: dict[str, Any] = field(default_factory=dict)
    status: str = "ok"
    total: PageCounts = field(default_factory=PageCounts)

    def told(self) -> dict[str, Any]:
        """Everything that was counted and is not nothing."""
        pages = {name: value for name in self.total.__slots__ if (value := getattr(self.total, name))}
        return {**pages, **self.counts}


def new_run_id(now: datetime) -> str:
    """A run id that sorts by time."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


@contextmanager
def running(work: Work, job: str, side: Side | None = None, stream: str | None = None) -> Iterator[Run]:
    """Keep a row and one canonical log line for a job, whatever its outcome."""
    started = work.clock.now()
    run = Run(new_run_id(started), job)
    about = {
        "connection": side.name if side else None,
        "stream": stream,
        "config": work.config_hash,
        "policy": work.policy_version,
        "holder": work.store.lease.holder if work.store.lease else None,
        "token": work.store.lease.token if work.store.lease else None,
    }
    with work.store.begin() as tx:
        runs.start(tx, run.id, job, started, **about)
    error: BaseException | None = None
    try:
        yield run
    except BaseException as raised:
        error, run.status = raised, "partial" if isinstance(raised, QuotaExhausted | Brake) else "failed"
        raise
    finally:
        _finish(work, run, about, started, error)


def canonical_line(event: str, **facts: Any) -> None:
    """One line of the log. The library is loaded here, because a person's quick command never needs it."""
    import structlog

    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    structlog.get_logger("syncd").info(event, **facts)


def _finish(work: Work, run: Run, about: Mapping[str, Any], started: datetime, error: BaseException | None) -> None:
    finished = work.clock.now()
    text = f"{type(error).__name__}: {error}" if error else None
    try:
        with work.store.append() as tx:
            runs.finish(tx, run.id, finished, run.status, run.told(), text)
    finally:
        told = {key: value for key, value in about.items() if key in ("connection", "stream") and value}
        seconds = round((finished - started).total_seconds(), 3)
        ended = {"run": run.id, "job": run.job, "status": run.status, **told, **run.told(), "seconds": seconds}
        canonical_line("run_finished", **ended, error=text)
        for watcher in work.watchers:
            watcher(ended)
