"""How fast claims are decided, in pure computation and with store and ledger; exit 1 when a bar is missed.

    python -m bench.policy [--registrations 100000] [--accounts 1000000] [--pure] [--folder DIR]

Registrations of 40 partners are spread over accounts with 300,000 direct opportunities, some accounts with many of
each. Bars, on one core: 100,000 registrations in 60 s of pure computation and in 180 s with SQLite and ledger; a change
to one claim group in 5 ms; 100,000 protections that end at one midnight in order, without a memory peak (case 128).
"""

from __future__ import annotations

import argparse
import logging
import random
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeVar

import structlog

from syncd.connectors.memory import MemoryConnector
from syncd.jobs.decide import decide as decide_job
from syncd.jobs.work import Side, Work
from syncd.mapping import Mapping, MappingFile
from syncd.model import (
    Account,
    Band,
    ClaimGroup,
    DecisionKind,
    FiledCompany,
    Link,
    Opportunity,
    Partner,
    Ref,
    Registration,
    Stream,
)
from syncd.model.pulling import Row, Window
from syncd.policy import Policy, decide, version_of
from syncd.store import cursors, decisions, graph, records
from syncd.store.database import Store

_Item = TypeVar("_Item")

PURE, STORED, ONE = 60.0, 180.0, 0.005
FILED = datetime(2026, 6, 1, tzinfo=UTC)
MIDNIGHT = datetime(2026, 8, 30, tzinfo=UTC)
"""Every filing is received so that its 90 days end here: the tie window of 2 s before."""

CRM, PRM = "00D1", "4711"
POLICY = Policy(required=("company.name",))
PRODUCTS = ("PLAN", "BOARD", "CORE", "EDGE")
MAPPINGS: dict[str, Any] = {
    "salesforce": {
        "accounts": {"object": "Account", "fields": {"name": "Name", "country": "Country"}},
        "opportunities": {
            "object": "Opportunity",
            "fields": {
                "account_id": "AccountId", "name": "Name", "is_closed": "IsClosed", "is_won": "IsWon",
                "products": "Products__c", "created_at": "CreatedDate", "last_activity_on": "LastActivityDate",
            },
        },
    },
    "hubspot": {
        "accounts": {"object": "companies", "fields": {"name": "name"}},
        "registrations": {
            "object": "deals",
            "fields": {
                "partner_id": "partner_id", "company_id": "company_id", "submitted_at": "submitted_at",
                "products": "products", "status": {"field": "status", "values": {"submitted": "submitted"}},
            },
        },
        "partners": {"object": "partners", "fields": {"partner_id": "key", "name": "name", "status": "status"}},
    },
}  # fmt: skip


@dataclass
class Moment:
    """A clock that stands where it is put."""

    at: datetime

    def now(self) -> datetime:
        """Now."""
        return self.at

    def wait(self, seconds: float) -> None:
        """Go on by that much."""
        self.at += timedelta(seconds=seconds)


@dataclass
class Universe:
    """Which accounts carry which filings and opportunities; an account is a number."""

    accounts: int
    filings: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    deals: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, accounts: int, registrations: int, apart: bool = False) -> Universe:
        """The same universe in every run: a fifth of the filings lie on one account in a thousand, or (`apart`) each
        on an account of its own and nobody's way."""
        chance, made = random.Random(7), cls(accounts)
        if apart:
            made.filings |= {n: [n] for n in range(registrations)}
            return made
        hot = max(1, accounts // 1000)
        for n in range(registrations):
            made.filings[chance.randrange(hot if chance.random() < 0.2 else accounts)].append(n)
        for n in range(registrations * 3):
            made.deals[chance.randrange(hot if chance.random() < 0.1 else accounts)].append(n)
        return made


def partner(n: int) -> str:
    """The key of who filed it."""
    return f"P{n % 40:02}"


def products(n: int) -> list[str]:
    """One or two product codes."""
    return sorted({PRODUCTS[n % 4], PRODUCTS[n // 4 % 4]})


def deal(n: int) -> dict[str, Any]:
    """A third open and active, a third asleep, a third created after the filings."""
    age = (20, 400, -9)[n % 3]
    return {
        "created_at": FILED - timedelta(days=age + n % 7),
        "last_activity_on": date(2026, 5, 20) if age == 20 and n % 5 == 0 else None,
        "is_closed": n % 11 == 0,
    }


def received(n: int) -> datetime:
    """So that whatever is approved at once ends at `MIDNIGHT`."""
    return MIDNIGHT - timedelta(days=90) - POLICY.tie_window - timedelta(microseconds=n % 900_000)


def groups(universe: Universe) -> Iterator[ClaimGroup]:
    """The claim groups, as policy reads them."""
    partners = {f"P{n:02}": Partner(Ref(PRM, "partners", f"p{n}"), f"P{n:02}", f"Partner {n}") for n in range(40)}
    for number, filed in universe.filings.items():
        account = Account(Ref(CRM, "Account", f"a{number}"), name=f"Company {number}")
        company = Account(Ref(PRM, "companies", f"c{number}"), name=f"Company {number}")
        link = FiledCompany(company, Link(company.ref, account.ref, 0.99, 12.0, Band.AUTO))
        filings = tuple(
            Registration(Ref(PRM, "deals", f"r{n}"), partner(n), company.ref.id, submitted_at=received(n),
                         products=frozenset(products(n)))
            for n in filed
        )  # fmt: skip
        yield ClaimGroup(
            id=str(number),
            accounts=(account,),
            opportunities=tuple(
                Opportunity(
                    Ref(CRM, "Opportunity", f"o{n}"), account.ref.id, products=frozenset(products(n)), **deal(n)
                )
                for n in universe.deals.get(number, ())
            ),
            registrations=filings,
            companies={f.ref: link for f in filings},
            partners=partners,
            managers={},
            decisions=(),
            horizon=FILED + timedelta(days=40),
            go_live=datetime(2026, 1, 1, tzinfo=UTC),
            authority={PRM: "syncd"},
        )


def pure(universe: Universe) -> tuple[float, list[float], int]:
    """Seconds of one core for all groups, and for a change to each of 200; and how many decisions were made."""
    now, spent, made, each = FILED + timedelta(days=30), 0.0, 0, []
    found = groups(universe)
    while batch := list(islice(found, 500)):  # made before the clock starts, and let go of after
        began = time.process_time()
        for group in batch:
            made += len(decide(group, POLICY, now).decisions)
        spent += time.process_time() - began
    for group in islice(groups(universe), 200):
        decided = replace(group, decisions=decide(group, POLICY, now).decisions)
        changed = replace(decided, registrations=tuple(replace(r, next_steps="call") for r in group.registrations))
        began = time.process_time()
        decide(changed, POLICY, now)
        each.append(time.process_time() - began)
    return spent, each, made


# with store and ledger ----------------------------------------------------------------------------------------------
def work_of(folder: Path, clock: Moment) -> Work:
    """The jobs over an empty SQLite store, with two connections that nobody asks."""
    store = Store(f"sqlite:///{folder / 'policy.db'}")
    store.upgrade()
    sides = []
    for name, kind, uid, role in (("crm", "salesforce", CRM, "direct"), ("prm", "hubspot", PRM, "partner")):
        mapping = Mapping.compile(MappingFile.model_validate({"streams": MAPPINGS[kind]}), kind)
        sides.append(Side(name, kind, frozenset({role}), MemoryConnector(clock, uid=uid), mapping.streams, "syncd",
                          live=True, ownership="off", visible=True, heartbeat=None,
                          settle_writes_after=timedelta(minutes=2), uid=uid))  # fmt: skip
    return Work(
        store=store, clock=clock, sides=sides, policy=POLICY, config_hash="bench", policy_version=version_of(POLICY),
        go_live=datetime(2026, 1, 1, tzinfo=UTC), ledger_key=b"k" * 32,
    )  # fmt: skip


def fill(work: Work, universe: Universe) -> None:
    """Everything as pulled, staged and linked."""
    filed = [(n, account) for account, found in universe.filings.items() for n in found]
    deals = [(n, account) for account, found in universe.deals.items() for n in found]
    _put(work, CRM, "Account", Stream.ACCOUNTS, ((f"a{n}", {"Name": f"Company {n}"}, None)
                                                 for n in range(universe.accounts)))  # fmt: skip
    _put(work, PRM, "companies", Stream.ACCOUNTS, ((f"c{n}", {"name": f"Company {n}"}, None) for n in universe.filings))
    _put(work, CRM, "Opportunity", Stream.OPPORTUNITIES, ((f"o{n}", _deal_row(n, a), Ref(CRM, "Account", f"a{a}"))
                                                          for n, a in deals))  # fmt: skip
    _put(work, PRM, "deals", Stream.REGISTRATIONS, ((f"r{n}", _filing_row(n, a), Ref(PRM, "companies", f"c{a}"))
                                                    for n, a in filed))  # fmt: skip
    _put(work, PRM, "partners", Stream.PARTNERS, (
        (f"p{n}", {"key": f"P{n:02}", "name": f"Partner {n}", "status": "active"}, None) for n in range(40)
    ))  # fmt: skip
    for numbers in _parts(iter(range(universe.accounts))):
        with work.store.begin() as tx:
            graph.put_members(tx, {Ref(CRM, "Account", f"a{n}"): n + 1 for n in numbers}, [])
    for numbers in _parts(iter(universe.filings)):
        pairs = {n: (Ref(PRM, "companies", f"c{n}"), Ref(CRM, "Account", f"a{n}")) for n in numbers}
        with work.store.begin() as tx:
            graph.put_members(tx, {left: n + 1 for n, (left, _) in pairs.items()}, [])
            graph.put_links(tx, [Link(left, right, 0.99, 12.0, Band.AUTO) for left, right in pairs.values()], [])
            graph.mark_dirty(tx, [n + 1 for n in numbers])
    complete(work)


def complete(work: Work) -> None:
    """Every stream has been read to the end, just now."""
    now = work.clock.now()
    with work.store.begin() as tx:
        for side in work.sides:
            for feed in side.feeds:
                cursors.open_window(tx, side.uid, feed.head, Window(None, now), "bench", "bench")
                cursors.close_window(tx, side.uid, feed.head, now, now)


def _put(
    work: Work, uid: str, object_: str, stream: Stream, found: Iterator[tuple[str, dict[str, Any], Ref | None]]
) -> None:
    for part in _parts(found):
        made = [Row(id_, FILED - timedelta(days=200), fields) for id_, fields, _ in part]
        staged = [graph.Staged(Ref(uid, object_, id_), stream, at, None, "ok", (), 0) for id_, _, at in part]
        with work.store.begin() as tx:
            records.apply_page(tx, connection=uid, object=object_, stream=stream, rows=made, ours=frozenset(),
                               read_at=FILED, run="bench", first=True)  # fmt: skip
            graph.put_staged(tx, staged)


def _deal_row(n: int, account: int) -> dict[str, Any]:
    said = deal(n)
    return {
        "AccountId": f"a{account}", "Name": f"Deal {n}", "IsClosed": said["is_closed"], "IsWon": False,
        "Products__c": ";".join(products(n)), "CreatedDate": said["created_at"].isoformat(),
        "LastActivityDate": said["last_activity_on"].isoformat() if said["last_activity_on"] else None,
    }  # fmt: skip


def _filing_row(n: int, account: int) -> dict[str, Any]:
    return {
        "partner_id": partner(n), "company_id": f"c{account}", "submitted_at": received(n).isoformat(),
        "products": ";".join(products(n)), "status": "submitted",
    }  # fmt: skip


def _parts(found: Iterator[_Item], size: int = 5_000) -> Iterator[list[_Item]]:
    while part := list(islice(found, size)):
        yield part


class Took(NamedTuple):
    """Seconds of one core, and by the wall, where other programs and the disk count too."""

    core: float
    wall: float

    def __str__(self) -> str:
        return f"{self.core:.1f} s of one core, {self.wall:.1f} s by the wall"


def timed(do: Callable[[], Any]) -> tuple[Took, Any]:
    """How long it took, and the result."""
    core, wall = time.process_time(), time.monotonic()
    result = do()
    return Took(time.process_time() - core, time.monotonic() - wall), result


def ends_as_promised(work: Work) -> tuple[int, bool]:
    """How many protections were recorded as over, and whether each took effect at the end that was promised."""
    with work.store.read() as tx:
        granted = {d.subject: d.evidence["until"] for d in decisions.everything(tx, [DecisionKind.GRANTED])}
        over = decisions.everything(tx, [DecisionKind.EXPIRED])
    return len(over), all(d.effective_at.isoformat() == granted[d.subject] for d in over)


def peak_mb() -> float:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one_by_one(work: Work, universe: Universe) -> float:
    """The median of deciding one organization that changed, through the whole job."""
    took = []
    for number in islice(universe.filings, 60):
        with work.store.begin() as tx:
            graph.mark_dirty(tx, [number + 1])
        took.append(timed(lambda: decide_job(work))[0].core)
    return median(took)


def main() -> int:
    """Run and print side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--registrations", type=int, default=100_000)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--pure", action="store_true", help="leave store and ledger out")
    parser.add_argument(
        "--apart", action="store_true", help="each filing on an account of its own: all end at midnight"
    )
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    universe = Universe.of(given.accounts, given.registrations, given.apart)
    share = given.registrations / 100_000
    filings = f"{given.registrations:,} registrations over {given.accounts:,} accounts"
    spent, one, made = pure(universe)
    results = [
        (f"{filings}, pure", spent, PURE * share),
        ("a change to one claim group, pure, the median of 200", median(one), ONE),
    ]
    print(f"{made:,} decisions in {len(universe.filings):,} claim groups; the slowest of 200: {max(one) * 1000:.1f} ms")
    if not given.pure:
        with tempfile.TemporaryDirectory(prefix="syncd-bench-", dir=given.folder) as name:
            results += stored(Path(name), universe, filings, share)
    for title, took, bar in results:
        print(f"{title:82} {took:10.4f} s   bar {bar:8.3f} s   {'ok' if took <= bar else 'MISSED'}")
    return 0 if all(took <= bar for _, took, bar in results) else 1


def stored(folder: Path, universe: Universe, filings: str, share: float) -> list[tuple[str, float, float]]:
    """The same through the jobs: decided, changed one by one, and over at midnight."""
    clock = Moment(FILED + timedelta(days=30))
    work = work_of(folder, clock)
    filled, _ = timed(lambda: fill(work, universe))
    print(f"filled the store in {filled}; {peak_mb():.0f} MB at most so far", flush=True)
    decided, made = timed(lambda: decide_job(work))
    print(f"{made:,} decisions recorded in {decided}; {peak_mb():.0f} MB at most so far", flush=True)
    one = one_by_one(work, universe)
    print(f"a change to one claim group, read, decided and recorded: {one * 1000:.1f} ms, the median of 60", flush=True)
    clock.at = MIDNIGHT + timedelta(minutes=1)
    complete(work)
    before = peak_mb()
    over, _ = timed(lambda: decide_job(work))
    ended, kept = ends_as_promised(work)
    print(f"{ended:,} protections over at midnight, {'each' if kept else 'NOT each'} at its promised end, in {over}; "
          f"{before:.0f} MB before, {peak_mb():.0f} MB at most")  # fmt: skip
    return [
        (f"{filings}, with SQLite and ledger", decided.core, STORED * share),
        (f"{ended:,} protections that end at midnight", over.core, STORED * share),
    ]


if __name__ == "__main__":
    sys.exit(main())
