"""Histories of pulls: what happens in a CRM while somebody reads it, dies, and goes on; and who claims what of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson

from syncd.errors import IncompleteRead, Retry
from syncd.jobs.look import look_again
from syncd.jobs.pull import pull
from syncd.jobs.sweep import sweep
from syncd.jobs.work import Brakes, Side, Work
from syncd.mapping import Mapping, MappingFile
from syncd.model import ObjectAccess, ReadSpec, Stream, Window
from syncd.policy import Policy, version_of
from syncd.store.database import Store
from syncd.store.tables import from_micros

from .crm import OBJECT, START, Crm, SkewedClock, Time

MAPPING = Mapping.compile(
    MappingFile.model_validate(
        {"streams": {"accounts": {"object": OBJECT, "fields": {"name": "Name", "city": "City"}}}}
    ),
    "salesforce",
)
LAG = 90.0
"""How long a commit may take to show; what the connector declares."""
SECOND_LOOK = 3600.0
STEPS = 15


class Died(BaseException):
    """The process that reads was killed."""


class Reader(Protocol):
    """Somebody who keeps a copy of the CRM."""

    def pull(self) -> None:
        """Read what is new."""
        ...

    def rows(self) -> dict[str, tuple[datetime, dict[str, Any], bool]]:
        """What it has: id -> (stamp, fields, deleted)."""
        ...


@dataclass(slots=True)
class Verdict:
    """What was wrong in one history. `lost` are versions that were never stored, `lies` claims that were not true."""

    lost: list[str] = field(default_factory=list)
    lies: list[str] = field(default_factory=list)
    pulls: int = 0

    @property
    def wrong(self) -> list[str]:
        return self.lies + self.lost


# --- syncd -----------------------------------------------------------------------------------------------------------

POLICY = Policy()
VERSION = version_of(POLICY)


class Syncd:
    """syncd's own jobs on a real state database; it may claim how far it is complete."""

    def __init__(self, store: Store, crm: Crm, clock: SkewedClock) -> None:
        self.store, self.crm = store, crm
        access = {OBJECT: ObjectAccess(OBJECT, True, "Nothing is hidden.")}
        side = Side(
            crm.uid, "salesforce", frozenset({"direct"}), crm, MAPPING.streams, "syncd", True, "off", True, None,
            timedelta(0), uid=crm.uid, access=access,
        )  # fmt: skip
        self.work = Work(
            store, clock, [side], POLICY, VERSION, START, "c", brakes=Brakes(vanished_least=10_000)
        )  # fmt: skip

    @property
    def side(self) -> Side:
        return self.work.sides[0]

    def pull(self) -> None:
        pull(self.work, self.side, Stream.ACCOUNTS)

    def look(self) -> None:
        look_again(self.work, self.side, Stream.ACCOUNTS)

    def sweep(self, pages: int | None = None) -> None:
        sweep(self.work, self.side, Stream.ACCOUNTS, most_pages=pages)

    def claims(self) -> tuple[datetime | None, datetime | None]:
        """How far it says to have read, and to be complete."""
        marks = self.ask("SELECT watermark, complete_through FROM cursor WHERE connection = ?", self.crm.uid)
        watermark, complete = marks[0] if marks else (None, None)
        return watermark and from_micros(watermark), complete and from_micros(complete)

    def stamps(self) -> dict[str, datetime]:
        return {row[0]: from_micros(row[1]) for row in self.ask(f"SELECT id, stamp {_MINE}", self.crm.uid)}

    def rows(self) -> dict[str, tuple[datetime, dict[str, Any], bool]]:
        found = self.ask(f"SELECT id, stamp, fields, deleted {_MINE}", self.crm.uid)
        return {row[0]: (from_micros(row[1]), orjson.loads(row[2]), bool(row[3])) for row in found}

    def ask(self, query: str, *values: Any) -> list[Any]:
        """A judge is in a hurry: the driver alone is three times as fast."""
        with self.store.read() as tx:
            return tx.exec_driver_sql(query, values).all()  # type: ignore[return-value]


_MINE = "FROM record WHERE source = (SELECT number FROM source WHERE connection = ?)"


# --- what others do --------------------------------------------------------------------------------------------------

SPEC = ReadSpec(Stream.ACCOUNTS, OBJECT, ("City", "Name"))
ALWAYS = datetime.max.replace(tzinfo=START.tzinfo)


class Naive:
    """A reader that remembers a mark and reads from there on; `next_mark` is what tells one strategy from another."""

    def __init__(self, crm: Crm, clock: SkewedClock, back: float = 0.0) -> None:
        self.crm, self.clock, self.back = crm, clock, timedelta(seconds=back)
        self.mark: datetime | None = None
        self.kept: dict[str, tuple[datetime, dict[str, Any], bool]] = {}

    def pull(self) -> None:
        began, newest = self.clock.now(), self.mark
        for page in self.crm.pull(SPEC, Window(self.lower(), ALWAYS)):
            for row in page.rows:
                known = self.kept.get(row.id)
                if known is None or row.stamp >= known[0]:
                    self.kept[row.id] = row.stamp, dict(row.fields), row.deleted
                newest = row.stamp if newest is None else max(newest, row.stamp)
        self.mark = self.next_mark(began, newest)

    def lower(self) -> datetime | None:
        return None if self.mark is None else self.mark - self.back

    def next_mark(self, began: datetime, newest: datetime | None) -> datetime | None:
        """The newest stamp that was seen."""
        return newest

    def rows(self) -> dict[str, tuple[datetime, dict[str, Any], bool]]:
        return self.kept


class AfterNewest(Naive):
    """Reads what is strictly newer than the newest stamp."""

    def lower(self) -> datetime | None:
        return None if self.mark is None else self.mark + timedelta(seconds=1)


class OurClockAtTheEnd(Naive):
    """Reads from where its own clock was when the last run ended."""

    def next_mark(self, began: datetime, newest: datetime | None) -> datetime | None:
        return self.clock.now()


class OurClockAtTheStart(Naive):
    """Reads from where its own clock was when the last run began."""

    def next_mark(self, began: datetime, newest: datetime | None) -> datetime | None:
        return began


# --- one history -----------------------------------------------------------------------------------------------------

Make = Callable[[Crm, SkewedClock], Reader]


class History:
    """One seeded history, its reader, and its judge."""

    def __init__(self, seed: int, make: Make, **about: Any) -> None:
        self.seed, self.chance = seed, random.Random(seed)
        self.time, self.verdict = Time(), Verdict()
        self.slow = self.chance.random() < 0.4  # an index that shows some commits an hour late, and no deletions
        known: dict[str, Any] = {
            "uid": f"crm-{seed}", "page_size": self.chance.choice((4, 7, 12, 40)), "read_lag_seconds": LAG,
            "second_look_seconds": SECOND_LOOK if self.slow else 0.0, "reports_deletes": not self.slow,
        }  # fmt: skip
        server = SkewedClock(self.time, self.chance.uniform(-45, 45), whole=True)
        self.crm = Crm(server, random.Random(seed + 1), **{**known, **about})
        self.reader = make(self.crm, SkewedClock(self.time))
        self.count = self.words = 0
        self.before: tuple[datetime, datetime] = (datetime.min.replace(tzinfo=START.tzinfo),) * 2
        for _ in range(self.chance.randint(0, 14)):
            self.create()

    def run(self) -> Verdict:
        """Let it happen, come to rest, and be judged."""
        for _ in range(STEPS):
            self.time.pass_(self.chance.choice((0.2, 1.0, 7.0, 30.0, 100.0, 700.0)))
            self.step()
        self.rest()
        return self.verdict

    def step(self) -> None:
        kind = self.chance.random()
        if kind < 0.45:
            self.people()
        elif kind < 0.85 or not isinstance(self.reader, Syncd):
            self.read(self.reader.pull)
        elif kind < 0.92:
            self.read(self.reader.look)
        else:
            pages = self.chance.choice((None, 1, 2))
            self.read(lambda: self.reader.sweep(pages))  # type: ignore[attr-defined]

    # --- people

    def people(self) -> None:
        """One thing that somebody does."""
        kind, live = self.chance.random(), self.crm.live
        if kind < 0.3 or not live:
            self.create()
        elif kind < 0.6:
            self.edit(self.chance.choice(live))
        elif kind < 0.7:
            for id_ in self.chance.sample(live, min(len(live), 12)):
                self.edit(id_, at_once=True)  # many with one stamp
        elif kind < 0.78:
            self.crm.remove(self.chance.choice(live))
        elif kind < 0.84 and len(live) > 1:
            gone, into = self.chance.sample(live, 2)
            self.crm.remove(gone, into)
        elif kind < 0.9:
            self.restore()
        elif isinstance(self.reader, Syncd):  # what only a sweep can find
            id_ = self.chance.choice(live)
            self.crm.vanish(id_) if kind < 0.93 else self.crm.quietly(id_, City=self.word())

    def create(self) -> None:
        self.count += 1
        self.edit(f"a{self.count:03}")

    def edit(self, id_: str, *, at_once: bool = False) -> None:
        late = 0.0
        if not at_once and self.chance.random() < 0.15:
            late = self.chance.uniform(0, LAG)
            if self.slow and self.chance.random() < 0.3:
                late = self.chance.uniform(LAG, SECOND_LOOK - LAG)
        self.crm.edit(id_, late, Name=id_, City=self.word())

    def restore(self) -> None:
        gone = [id_ for id_, kept in self.crm.kept.items() if kept.deleted]
        if gone:
            self.crm.edit(self.chance.choice(sorted(gone)), 0.0, City=self.word())

    def word(self) -> str:
        """Something that no record has said before: the same content again would be no news."""
        self.words += 1
        return f"word {self.words}"

    # --- reading

    def read(self, job: Callable[[], None]) -> None:
        """Read, while people work on, the other side is busy, or the reader dies before some page."""
        dies_at = self.chance.randint(1, 6) if self.chance.random() < 0.15 else 0
        calls = 0

        def between() -> None:
            nonlocal calls
            calls += 1
            if calls == dies_at:
                raise Died
            if self.chance.random() < 0.03:
                raise Retry("busy")
            if self.chance.random() < 0.3:
                self.time.pass_(self.chance.uniform(0, 3))
                self.people()

        self.crm.between = between
        try:
            job()
        except (Died, Retry, IncompleteRead):
            pass
        finally:
            self.crm.between = lambda: None
        self.verdict.pulls += 1
        self.judge_claims()

    # --- judging

    def judge_claims(self) -> None:
        """What it says to be complete is there, and neither mark ever goes back."""
        if not isinstance(self.reader, Syncd):
            return
        marks = self.reader.claims()
        for name, now, before in zip(("watermark", "complete_through"), marks, self.before, strict=True):
            if now is not None and now < before:
                self.verdict.lies.append(f"{name} went back from {before} to {now}")
        self.before = tuple(now or before for now, before in zip(marks, self.before, strict=True))  # type: ignore[assignment]
        through = marks[1]
        if through is None:
            return
        stamps, over = self.reader.stamps(), self.crm.deletions
        for n, version in enumerate(self.crm.versions):
            if version.stamp >= through or version.late > LAG or version.id in self.crm.gone:
                continue
            if not self.crm.facts.reports_deletes and n <= over.get(version.id, -1):
                continue  # nothing shows what a record was before somebody deleted it
            stored = stamps.get(version.id)
            if stored is None or stored < version.stamp:
                self.verdict.lies.append(f"complete through {through}, but {version.id} of {version.stamp} is unseen")

    def rest(self) -> None:
        """Nobody works any more; whoever sweeps does so a last time."""
        self.time.pass_(2 * LAG if isinstance(self.reader, Syncd) else SECOND_LOOK + LAG)
        self.read_undisturbed(self.reader.pull)
        if isinstance(self.reader, Syncd):
            if self.slow:
                self.judge_late()
            if self.reader.ask("SELECT 1 FROM sweep WHERE connection = ? AND state <> 'done'", self.crm.uid):
                self.read_undisturbed(self.reader.sweep)  # one that had begun before ends with what it found then
            self.read_undisturbed(self.reader.sweep)
        self.judge_rows()

    def judge_late(self) -> None:
        """What an index showed an hour late is found by the second look, before any sweep."""
        assert isinstance(self.reader, Syncd)
        self.time.pass_(2 * SECOND_LOOK)
        self.read_undisturbed(self.reader.pull)
        self.read_undisturbed(self.reader.look)
        stamps = self.reader.stamps()
        shown = {id_: kept for id_, kept in self.crm.kept.items() if not kept.deleted}
        self.verdict.lost += [
            f"{id_} of {kept.stamp} was not found by a second look"
            for id_, kept in shown.items()
            if id_ not in stamps or stamps[id_] < kept.stamp
        ]

    def read_undisturbed(self, job: Callable[[], None]) -> None:
        job()
        self.judge_claims()

    def judge_rows(self) -> None:
        """At rest the copy is the CRM; who reports no deletions and never sweeps cannot know of them."""
        rows, sweeps = self.reader.rows(), isinstance(self.reader, Syncd)
        for id_, kept in self.crm.kept.items():
            stored = rows.pop(id_, None)
            if kept.deleted and not sweeps:
                continue
            said = {} if stored is None or kept.deleted else stored[1]
            wanted = {} if kept.deleted else kept.fields
            if stored is None or stored[2] != kept.deleted or said != wanted:
                self.verdict.lost.append(f"{id_}: {stored} instead of {kept}")
        if sweeps:
            self.verdict.lost += [f"{id_} is gone and {row} is kept" for id_, row in rows.items() if not row[2]]
