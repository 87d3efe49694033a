"""Histories of writes: what is wanted changes, people edit, answers are lost, writes arrive late, the writer dies."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson
import sqlalchemy as sa

from syncd.connectors.memory import MemoryConnector
from syncd.errors import Retry
from syncd.jobs.plan import plan
from syncd.jobs.rows import store_rows
from syncd.jobs.work import Brakes, Side, Work
from syncd.jobs.write import write
from syncd.mapping import Mapping as MappingOf
from syncd.mapping import MappingFile
from syncd.model import Page, ReadSpec, Receipt, ReceiptKind, Ref, Row, Stream, Wanted, Window, Write, WriteGroup
from syncd.policy import Policy, version_of
from syncd.store import graph, outcomes
from syncd.store.database import Store
from syncd.store.records import News

from .crm import START, SkewedClock, Time

OBJECT = "Opportunity"
MAPPING = MappingOf.compile(
    MappingFile.model_validate(
        {
            "streams": {
                "opportunities": {
                    "object": OBJECT,
                    "fields": {
                        "name": "Name",
                        "account_id": "AccountId",
                        "is_closed": "IsClosed",
                        "is_won": "IsWon",
                        "created_at": "CreatedDate",
                    },
                    "stamps": {name: f"{name}__c" for name in ("status", "partner", "as_of")},
                    "owner": "Channel_Owner__c",
                }
            }
        }
    ),
    "salesforce",
)
SPEC = MAPPING.read_specs()[Stream.OPPORTUNITIES]
AS_OF = "as_of__c"
SETTLE = timedelta(minutes=10)
OVERLAP = timedelta(minutes=2)
STATUSES = ("protected", "review", None)
PARTNERS = ("Wychwood", "Pellmore")
OWNERS = ("u1", "u2", None)
POLICY = Policy()
VERSION = version_of(POLICY)


class Died(BaseException):
    """The process that writes was killed."""


class Doom:
    """Kills at one of the next boundaries, if at all."""

    def __init__(self) -> None:
        self.left = 0
        self.dead = False

    def boundary(self) -> None:
        if self.left:
            self.left -= 1
            self.dead = self.left == 0
        if self.dead:
            raise Died()


@contextmanager
def mortal(store: Store, doom: Doom) -> Iterator[Store]:
    """The store dies right before or right after a commit, as its owner does."""
    begin, append = store.begin, store.append

    def dying(real: Any) -> Any:
        @contextmanager
        def inner() -> Iterator[sa.Connection]:
            with real() as tx:
                yield tx
                doom.boundary()
            doom.boundary()

        return inner

    store.begin, store.append = dying(begin), dying(append)  # type: ignore[method-assign]
    try:
        yield store
    finally:
        store.begin, store.append = begin, append  # type: ignore[method-assign]


# --- the CRM ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Landed:
    """A write of ours that reached a record, and what it changed there but for the time of the decision.

    `order` counts everything that happened to the CRM; `late`: the writer had given it up.
    """

    order: int
    number: int
    id: str
    changed: Mapping[str, Any]
    late: bool


def content(fields: Mapping[str, Any]) -> str:
    """What a write says, but for the time of the decision."""
    return str(sorted((name, value) for name, value in fields.items() if name != AS_OF))


class Crm(MemoryConnector):
    """The twin on a bad day. What it really did is in `landed`; `read` tells when somebody last looked at a record."""

    def __init__(self, clock: SkewedClock, chance: random.Random, doom: Doom, **about: Any) -> None:
        super().__init__(clock, **about)
        self.chance, self.doom, self.bad = chance, doom, 0.0
        self.order = 0
        self.sent: dict[int, tuple[str, str]] = {}
        self.landed: list[Landed] = []
        self.looked: dict[str, list[int]] = defaultdict(list)
        self.edits: Counter[str] = Counter()
        self.under_way: list[tuple[datetime, str, Write]] = []
        self.given_up: set[int] = set()
        self.between: Callable[[], None] = lambda: None

    def _tick(self) -> int:
        self.order += 1
        return self.order

    def pass_time(self) -> None:
        """What was under way for long enough arrives, whether anybody still waits for it or not."""
        due = [item for item in self.under_way if item[0] <= self._clock.now()]
        self.under_way = [item for item in self.under_way if item not in due]
        for _, object_, item in due:
            self._land(object_, item, late=item.id in self.given_up)

    def _land(self, object_: str, item: Write, *, late: bool = False) -> Receipt:
        before = len(self.changes)
        receipt = self._change(object_, item)
        if receipt.kind is ReceiptKind.APPLIED:
            changed = self.changes[-1][2] if len(self.changes) > before else {}
            told = {name: value for name, value in changed.items() if name != AS_OF}
            self.landed.append(Landed(self._tick(), item.id, item.ref.id, told, late))
        return receipt

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        """A call may be refused for its rate, lost on its way, lost on its way back, or be answered in part."""
        self.doom.boundary()
        self._call()
        kind = self.chance.random()
        if kind < 0.06 * self.bad:
            raise Retry("Too many requests (429).")
        self.sent |= {item.id: (item.ref.id, content(item.fields)) for item in writes}
        answers = [self._one(object, item) for item in writes]
        self.between()
        self.doom.boundary()
        if kind < 0.2 * self.bad:  # the whole answer is lost on its way back
            return [Receipt(item.id, ReceiptKind.UNKNOWN, "no_answer") for item in writes]
        return answers

    def _one(self, object_: str, item: Write) -> Receipt:
        kind, unknown = self.chance.random(), Receipt(item.id, ReceiptKind.UNKNOWN, "not_mentioned")
        if kind < 0.08 * self.bad:
            return Receipt(item.id, ReceiptKind.RETRY, "UNABLE_TO_LOCK_ROW", "locked")
        if kind < 0.18 * self.bad:
            return unknown  # lost
        if kind < 0.30 * self.bad:  # it arrives, soon or when nobody reckons with it any more
            late = self.chance.choice((5, 60, 500, 900, 3000))
            self.under_way.append((self._clock.now() + timedelta(seconds=late), object_, item))
            return unknown
        receipt = self._land(object_, item)
        return unknown if kind < 0.45 * self.bad else receipt

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        self.doom.boundary()
        rows = super().fetch(spec, ids)
        self._look(rows)
        self.between()
        return rows

    def _look(self, rows: Sequence[Row]) -> None:
        at = self._tick()
        for row in rows:
            self.looked[row.id].append(at)

    def changed_since(self, lower: datetime | None, *, looked: bool = True) -> tuple[datetime, list[Row]]:
        """A page of what changed, as asked for now. One that is stored too late to tell anything is no look."""
        upper, rows = self._clock.now(), []
        for page in self.pull(SPEC, Window(lower, upper)):
            assert isinstance(page, Page)
            rows += page.rows
        if looked:
            self._look(rows)
        return upper, rows

    # --- what people do

    @property
    def live_ids(self) -> list[str]:
        return [id_ for id_, kept in self._objects[OBJECT].items() if not kept.deleted]

    def edit(self, id_: str, **fields: Any) -> None:
        self._tick()
        self.edits[id_] += 1
        self.put(OBJECT, id_, fields)


# --- writers ---------------------------------------------------------------------------------------------------------

Wish = Mapping[str, Any]
"""status, partner and owner, as wanted on one record."""


class Writer(Protocol):
    """Somebody who makes a CRM show what is wanted."""

    def wish(self, wishes: Mapping[str, Wish]) -> None:
        """This is wanted from now on."""
        ...

    def cycle(self) -> None:
        """Read, compare, write."""
        ...

    def told(self) -> list[tuple[str, str]]:
        """What its audit trail says took effect, one for each entry: the record, and what it says."""
        ...

    def excused(self) -> set[str]:
        """The records that it says it has given up."""
        ...

    def at_rest(self) -> bool:
        """It has nothing left to do."""
        ...


class Syncd:
    """syncd's own plan and write jobs on a real state database."""

    def __init__(self, store: Store, crm: Crm, clock: SkewedClock) -> None:
        self.store, self.crm, self.clock = store, crm, clock
        side = Side(
            "crm", "salesforce", frozenset({"direct"}), crm, MAPPING.streams, "syncd", True, "enforce", True, None,
            SETTLE, uid=crm.uid,
        )  # fmt: skip
        self.work = Work(store, clock, [side], POLICY, VERSION, START, "c", brakes=Brakes())
        self.mark: datetime | None = None
        self.first = self._ask("SELECT value FROM counter WHERE name = 'ledger'")[0][0]
        self.stale: tuple[datetime, list[Row]] | None = None

    @property
    def side(self) -> Side:
        return self.work.sides[0]

    def _ask(self, query: str, *values: Any) -> list[Any]:
        with self.store.read() as tx:
            return list(tx.exec_driver_sql(query, values).all())

    def wish(self, wishes: Mapping[str, Wish]) -> None:
        wanted = []
        for id_, wish in wishes.items():
            ref = Ref(self.crm.uid, OBJECT, id_)
            stamp = {"status": wish["status"], "partner": wish["partner"] if wish["status"] else None}
            wanted.append(Wanted(ref, WriteGroup.STAMP, stamp, {"rule": "wish"}))
            wanted.append(Wanted(ref, WriteGroup.OWNER, {"owner": wish["owner"]}, {"rule": "wish"}))
        with self.store.begin() as tx:
            changed = outcomes.put_alone(tx, [Ref(self.crm.uid, OBJECT, id_) for id_ in wishes], wanted)
            graph.mark_unplanned(tx, changed)

    def read(self) -> None:
        lower = None if self.mark is None else self.mark - OVERLAP
        asked_at = self.clock.now()
        upper, rows = self.crm.changed_since(lower)
        self.store_page(asked_at, rows)
        self.mark = upper

    def store_page(self, asked_at: datetime, rows: Sequence[Row]) -> None:
        news: list[News] = []
        if rows:
            with self.store.begin() as tx:
                store_rows(tx, self.side, self.side.feeds[0], rows, asked_at, "r", news=news)
                graph.mark_unplanned(tx, [Ref(self.crm.uid, OBJECT, item.row.id) for item in news])  # as staging does

    def cycle(self) -> None:
        self.read()
        plan(self.work)
        write(self.work, self.side)

    def told(self) -> list[tuple[str, str]]:
        rows = self._ask("SELECT body FROM ledger WHERE seq > ? AND kind = 'write'", self.first)
        entries = [orjson.loads(row[0]) for row in rows]
        return [(entry["ref"].split("/")[2], content(entry["after"])) for entry in entries]

    def excused(self) -> set[str]:
        rows = self._ask(
            "SELECT id FROM write WHERE connection = ? AND state = 'failed' AND code = 'contested'", self.crm.uid
        )
        return {row[0] for row in rows}

    def at_rest(self) -> bool:
        return not self._ask(
            "SELECT 1 FROM write WHERE connection = ? AND state IN ('queued', 'sent') "
            "UNION ALL SELECT 1 FROM unplanned WHERE connection = ?", self.crm.uid, self.crm.uid,
        )  # fmt: skip


class Naive:
    """Writes, then remembers what it wrote; compares what is wanted with what it remembers."""

    blind = 1
    """How often a request without an answer is sent again at once."""

    def __init__(self, crm: Crm, clock: SkewedClock) -> None:
        self.crm, self.wishes, self.number = crm, dict[str, Wish](), 0
        self.shown: dict[tuple[str, str], dict[str, Any]] = {}
        self.log: list[tuple[str, str]] = []

    def wish(self, wishes: Mapping[str, Wish]) -> None:
        self.wishes.update(wishes)

    def cycle(self) -> None:
        for group in ("owner", "stamp"):
            items = []
            for id_, wish in self.wishes.items():
                fields = native(wish, group)
                if self.shown.get((id_, group), BEFORE[group]) != fields:
                    self.number += 1
                    items.append(Write(self.number, Ref(self.crm.uid, OBJECT, id_), WriteGroup(group), fields))
            if items:
                self.send(items, group)

    def send(self, items: Sequence[Write], group: str) -> None:
        by_number = {item.id: item for item in items}
        answers = self.crm.write(OBJECT, items)
        for _ in range(self.blind):
            unknown = [by_number[a.write_id] for a in answers if a.kind is ReceiptKind.UNKNOWN]
            answers = [a for a in answers if a.kind is not ReceiptKind.UNKNOWN]
            answers += self.crm.write(OBJECT, unknown) if unknown else []
        self.keep(by_number, answers, group)

    def keep(self, by_number: Mapping[int, Write], answers: Sequence[Receipt], group: str) -> None:
        self.crm.doom.boundary()  # the answers are there, and not yet stored
        for answer in answers:
            if answer.kind is ReceiptKind.APPLIED:
                item = by_number[answer.write_id]
                self.shown[item.ref.id, group] = dict(item.fields)
                self.log.append((item.ref.id, content(item.fields)))

    def told(self) -> list[tuple[str, str]]:
        return self.log

    def excused(self) -> set[str]:
        return set()

    def at_rest(self) -> bool:
        return True


class MarksFirst(Naive):
    """Remembers first, then writes; what it remembers is taken for what is shown."""

    blind = 0

    def send(self, items: Sequence[Write], group: str) -> None:
        for item in items:
            self.shown[item.ref.id, group] = dict(item.fields)
            self.log.append((item.ref.id, content(item.fields)))
        self.crm.doom.boundary()
        self.crm.write(OBJECT, items)


def native(wish: Wish, group: str) -> dict[str, Any]:
    """What a record shows of a wish, in the CRM's fields; where no owner is wanted, the one from before."""
    if group == "owner":
        return {"Channel_Owner__c": wish["owner"] or "u9"}
    return {"status__c": wish["status"], "partner__c": wish["partner"] if wish["status"] else None}


BEFORE = {"owner": {"Channel_Owner__c": "u9"}, "stamp": {"status__c": None, "partner__c": None}}
"""What every record shows in the beginning."""


# --- one history -----------------------------------------------------------------------------------------------------

Make = Callable[[Crm, SkewedClock], Writer]


@dataclass(slots=True)
class Verdict:
    """What was wrong in one history: with the CRM's final state, with what was sent, with the audit trail.

    `late`: writes that arrived when nobody reckoned with them; `unseen` of them were overwritten before anybody read.
    """

    states: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    ledger: list[str] = field(default_factory=list)
    late: int = 0
    unseen: int = 0
    landed: int = 0
    deaths: int = 0

    @property
    def wrong(self) -> list[str]:
        return self.states + self.writes + self.ledger


class History:
    """One seeded history, its writer, and its judge."""

    def __init__(self, seed: int, make: Make, *, records: int = 3, steps: int = 10, people: bool = True) -> None:
        self.chance, self.steps = random.Random(seed), steps
        self.time, self.verdict, self.doom, self.people = Time(), Verdict(), Doom(), people
        clock = SkewedClock(self.time)
        self.crm = Crm(clock, random.Random(seed + 1), self.doom, uid=f"crm-{seed}", page_size=50)
        self.crm.define(OBJECT, *SPEC.fields)
        self.ids = [f"o{n}" for n in range(records)]
        for id_ in self.ids:
            self.crm.put(OBJECT, id_, {"Name": id_, "IsClosed": False, "IsWon": False, "Channel_Owner__c": "u9"})
        self.writer = make(self.crm, clock)
        self.wishes: dict[str, Wish] = {}
        self.wished: Counter[str] = Counter()
        self.words = 0
        self.page: tuple[datetime, list[Row]] | None = None
        self._sent: dict[int, datetime] = {}

    def run(self) -> Verdict:
        """Let it happen, come to rest, and be judged."""
        for id_ in self.ids:
            self.change_wish(id_)
        for _ in range(self.steps):
            self.pass_(self.chance.choice((0.5, 5.0, 20.0, 90.0, 400.0, 700.0)))
            self.step()
        self.rest()
        self.judge()
        return self.verdict

    def pass_(self, seconds: float) -> None:
        self.time.pass_(seconds)
        self.note_given_up()
        self.crm.pass_time()

    def note_given_up(self) -> None:
        """What is older than the server's own time limit is late from now on, should it still arrive."""
        limit = self.time.now - SETTLE
        sent = {item.id: at for at, _, item in self.crm.under_way}
        self.crm.given_up |= {number for number in sent if self.sent_at(number) <= limit}

    def sent_at(self, number: int) -> datetime:
        return self._sent.setdefault(number, self.time.now)

    def step(self) -> None:
        kind = self.chance.random()
        if kind < 0.25:
            self.change_wish(self.chance.choice(self.ids))
        elif kind < 0.40:
            self.somebody()
        elif kind < 0.46 and isinstance(self.writer, Syncd):
            self.page = (
                self.time.now,
                self.crm.changed_since(None, looked=False)[1],
            )  # it is stored only after the next write
        else:
            self.live()

    def change_wish(self, id_: str) -> None:
        wish = {
            "status": self.chance.choice(STATUSES), "partner": self.chance.choice(PARTNERS),
            "owner": self.chance.choice(OWNERS),
        }  # fmt: skip
        self.wishes[id_] = wish
        self.wished[id_] += 1
        self.writer.wish({id_: wish})

    def somebody(self) -> None:
        """A person works on a record."""
        if not self.people:
            return
        self.words += 1
        id_, kind = self.chance.choice(self.ids), self.chance.random()
        if kind < 0.4:
            self.crm.edit(id_, Name=f"deal {self.words}")
        elif self.crm.edits[id_] < 1:
            self.crm.edit(id_, **self.chance.choice(({"status__c": "mine"}, {"partner__c": "me", "status__c": "mine"})))

    def live(self) -> None:
        """One cycle, with what may happen in it."""
        self.crm.bad = self.chance.choice((0.0, 1.0, 1.0))
        self.doom.left = self.chance.randint(1, 24) if self.chance.random() < 0.4 else 0
        if self.chance.random() < 0.3:
            self.crm.between = self.meanwhile
        self.cycle()
        self.crm.between = lambda: None
        if self.page is not None and isinstance(self.writer, Syncd):
            self.writer.store_page(*self.page)
            self.page = None

    def meanwhile(self) -> None:
        self.crm.between = lambda: None
        self.somebody()

    def cycle(self) -> None:
        try:
            if isinstance(self.writer, Syncd):
                with mortal(self.writer.store, self.doom):
                    self.writer.cycle()
            else:
                self.writer.cycle()
        except Retry:
            pass
        except Died:
            self.verdict.deaths += 1
        finally:
            self.doom.dead, self.doom.left = False, 0
            for _, _, item in self.crm.under_way:
                self.sent_at(item.id)

    def rest(self) -> None:
        """Nobody does anything any more, and nothing breaks."""
        self.crm.bad, self.doom.left = 0.0, 0
        self.crm.between = lambda: None
        self.cycle()
        while self.crm.under_way:
            self.pass_(1300.0)
        for n in range(12):
            self.pass_(700.0)
            before = len(self.crm.landed)
            self.cycle()
            if n and self.writer.at_rest() and len(self.crm.landed) == before:
                return

    # --- the judge

    def judge(self) -> None:
        self.verdict.landed = len(self.crm.landed)
        if not self.writer.at_rest():
            self.verdict.states.append("it does not come to rest")
        for id_ in self.ids:
            self._state(id_)
            self._writes(id_)
        self._ledger()

    def _state(self, id_: str) -> None:
        shown, wish = self.crm.get(OBJECT, id_), self.wishes[id_]
        wanted = native(wish, "stamp") | native(wish, "owner")
        for name, value in wanted.items():
            if (shown.get(name) or None) != value and id_ not in self.writer.excused():
                self.verdict.states.append(f"{id_} shows {name} {shown.get(name)!r} instead of {value!r}")

    def _writes(self, id_: str) -> None:
        """Redundant writes, and more corrections than there was to correct."""
        mine = [one for one in self.crm.landed if one.id == id_]
        late = [one for one in mine if one.late]
        self.verdict.late += len(late)
        redundant = [one for one in mine if not one.changed and not one.late]
        if len(redundant) > len(late):
            self.verdict.writes.append(f"{id_}: {len(redundant)} redundant writes, {len(late)} late ones")
        effective = sum(bool(one.changed) for one in mine if not one.late)
        causes = 2 * self.wished[id_] + self.crm.edits[id_] + len(late)
        if effective > causes:
            self.verdict.writes.append(f"{id_}: {effective} writes for {causes} causes")

    def _ledger(self) -> None:
        """One entry for each effective change. Two writes that say the same to a record may stand for each other."""
        told = Counter(self.writer.told())
        changed = [one for one in self.crm.landed if one.changed]
        done = Counter(self.crm.sent[one.number] for one in changed)
        unseen = Counter(self.crm.sent[one.number] for one in changed if self._unseen(one))
        late_on = {one.id for one in self.crm.landed if one.late}
        for what in told | done:
            missing = done[what] - told[what]
            self.verdict.unseen += max(0, min(missing, unseen[what]))
            if missing > unseen[what] or (missing < 0 and what[0] not in late_on):
                self.verdict.ledger.append(f"{what}: {done[what]} changes, {told[what]} entries")

    def _unseen(self, one: Landed) -> bool:
        """A late one went over it, or it was late and ours went over it, before anybody read: no read can tell."""
        later = [
            o for o in self.crm.landed if o.id == one.id and o.order > one.order and o.changed.keys() & one.changed
        ]
        if not later or not (one.late or later[0].late):
            return False
        return not any(one.order < at < later[0].order for at in self.crm.looked[one.id])
