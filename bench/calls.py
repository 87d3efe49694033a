"""How many API calls the work costs, counted at the emulators, beside the least that it can; exit 1 if a row is over.

    python -m bench.calls [--json FILE]

A first pull of 10,000 + 10,000 + 1,000 records of each CRM, an incremental pull of 1,000 changes, an idle cycle,
10,000 writes, and 1,000 changes of owner, each compared by id before it is written and read by id afterwards. The
floors: Salesforce reads 2,000 records a call and writes 1,000, HubSpot searches 200, reads associations of 1,000 and
writes 100. What comes besides (sign-in, check, second look, sweep) has rows of its own, and no floor. The clock stands
still but where the bench moves it, so that no overlap hides in a row.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from syncd.app import as_daemon
from syncd.emulator import Emulator, EmulatorClock
from syncd.jobs.cycle import cycle
from syncd.jobs.work import Work
from syncd.jobs.write import write
from syncd.model import Ref, Write, WriteGroup
from syncd.store import outbox
from syncd.store.outbox import Intent

MANY, FEW, CHANGED = 10_000, 1_000, 1_000
MOST = 1.05
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

_SETTINGS = """\
version: 1
database: sqlite:///syncd.db
go_live: 2026-11-01
policy: policy.yaml
connections:
  crm:
    kind: salesforce
    emulator: true
    roles: [direct]
    host: {salesforce}
    auth: {{flow: client_credentials, client_id: {client_id}, client_secret: "${{file:crm-secret}}"}}
    mapping: crm.yaml
    mode: live
    ownership: enforce
    visibility: full
    quota_share: 1.0
  prm:
    kind: hubspot
    emulator: true
    roles: [partner]
    host: {hubspot}
    auth: {{flow: token, token: "${{file:prm-secret}}"}}
    mapping: prm.yaml
    mode: live
    authority: syncd
    quota_share: 1.0
"""

_CRM = """\
streams:
  accounts: {object: Account, fields: {name: Name, website: Website}, stamps: {number: AccountNumber}}
  opportunities:
    object: Opportunity
    fields: {account_id: AccountId, name: Name, is_closed: IsClosed, is_won: IsWon, created_at: CreatedDate}
    owner: OwnerId
  leads: {object: Lead, fields: {company: Company, is_converted: IsConverted, created_at: CreatedDate}}
"""

_PRM = """\
streams:
  accounts: {object: companies, fields: {name: name, website: domain}, stamps: {number: description}}
  registrations:
    object: deals
    fields:
      partner_id: hubspot_owner_id
      company_id: associations.companies
      status: {field: dealstage, values: {appointmentscheduled: draft}, default: draft}
      created_at: createdate
  contacts: {object: contacts, fields: {account_id: associatedcompanyid, name: lastname, created_at: createdate}}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    crm: str
    work: str
    calls: int
    floor: int | None

    @property
    def held(self) -> bool:
        """Whether it stays within the bar."""
        return self.floor is None or self.calls <= max(math.floor(self.floor * MOST), self.floor)


class SharedClock:
    """The emulator's clock as syncd's."""

    def __init__(self, emulated: EmulatorClock) -> None:
        self._emulated = emulated

    def now(self) -> datetime:
        """What the emulator's clock shows."""
        return self._emulated.now()

    def wait(self, seconds: float) -> None:
        """Move it."""
        self._emulated.advance(timedelta(seconds=seconds))


def fill(emulator: Emulator) -> dict[str, list[str]]:
    """The records of both CRMs."""
    sf, hs = emulator.salesforce, emulator.hubspot
    ids: dict[str, list[str]] = {
        name: [] for name in ("Account", "Opportunity", "Lead", "companies", "deals", "contacts")
    }
    for n in range(MANY):
        ids["Account"].append(sf.insert("Account", {"Name": f"Account {n}"}))
        ids["companies"].append(hs.insert("companies", {"name": f"Company {n}"}))
        deal = {
            "Name": f"Deal {n}",
            "StageName": "Prospecting",
            "CloseDate": "2027-01-31",
            "AccountId": ids["Account"][n],
        }
        ids["Opportunity"].append(sf.insert("Opportunity", deal))
        filed = {"dealname": f"Deal {n}", "dealstage": "appointmentscheduled"}
        ids["deals"].append(hs.insert("deals", filed, associations={"companies": [ids["companies"][n]]}))
    for n in range(FEW):
        ids["Lead"].append(sf.insert("Lead", {"Company": f"Lead {n}", "LastName": "X"}))
        ids["contacts"].append(hs.insert("contacts", {"lastname": f"Person {n}", "email": f"p{n}@example.com"}))
    return ids


def kind(system: str, path: str, method: str) -> str:
    """What a call is for."""
    if "oauth" in path:
        return "check" if "userinfo" in path else "sign-in"
    if system == "salesforce":
        if "/query" in path:
            checking = any(word in path for word in ("Organization", "Permission", "COUNT", "UserRecordAccess"))
            return "check" if checking else "read"
        if "/composite" in path:
            return "write" if method == "PATCH" or path.endswith("/composite") else "read by id"
        return "check"
    if "associations" in path:
        return "associations"
    if path.endswith("/search"):
        return "read"
    return "write" if "/batch/" in path else "check"


class Table:
    """Counts what happens between two moments."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator, self.lines = emulator, list[Line]()

    def during(self, work: str, act: Callable[[], object], floors: Mapping[str, Mapping[str, int]]) -> None:
        """Do something and note its calls; those without a floor get a row of their own."""
        before = len(self._emulator.requests)
        act()
        counted: Counter[tuple[str, str]] = Counter()
        for request in self._emulator.requests[before:]:
            what = kind(request.system, request.path, request.method)
            counted[request.system, "check" if work == "start" and what != "sign-in" else what] += 1
        for crm in ("salesforce", "hubspot"):
            wanted = floors.get(crm, {})
            for what in sorted({*wanted, *(w for c, w in counted if c == crm)}):
                self.lines.append(Line(crm, f"{work}: {what}", counted[crm, what], wanted.get(what)))


def pages(*counts: int, size: int) -> int:
    """Calls for so many records of several streams."""
    return sum(max(math.ceil(count / size), 1) for count in counts)


def touch(emulator: Emulator, ids: Mapping[str, list[str]]) -> None:
    """1,000 changes in each CRM, in one stream."""
    for n in range(CHANGED):
        emulator.salesforce.edit("Account", ids["Account"][n], {"Website": f"https://changed-{n}.example"})
        emulator.hubspot.edit("deals", ids["deals"][n], {"dealname": f"Changed {n}"})


def stamp(work: Work, ids: Mapping[str, list[str]]) -> None:
    """10,000 writes to each CRM."""
    for side, object_, field in zip(
        work.sides, ("Account", "companies"), ("AccountNumber", "description"), strict=True
    ):
        writes = [
            Write(n, Ref(side.uid, object_, id_), WriteGroup.STAMP, {field: f"R-{n}"})
            for n, id_ in enumerate(ids[object_])
        ]
        receipts = side.connector.write(object_, writes)
        assert all(receipt.kind == "applied" for receipt in receipts)


def owners(emulator: Emulator, ids: Mapping[str, list[str]]) -> tuple[str, str]:
    """Who owns the opportunities, and who is to own them."""
    sf = emulator.salesforce
    before = next(row["OwnerId"] for row in sf.rows("Opportunity") if row["Id"] == ids["Opportunity"][0])
    person = {"LastName": "Manager", "Alias": "mia", "Username": "mia@vendor.example", "Email": "mia@vendor.example"}
    return before, sf.insert("User", person)


def give(work: Work, ids: Mapping[str, list[str]], before: str, after: str) -> None:
    """1,000 opportunities get another owner, by the write job: compared, written, verified."""
    side = work.sides[0]
    intents = [
        Intent(Ref(side.uid, "Opportunity", id_), "opportunities", WriteGroup.OWNER, {"OwnerId": after},
               {"OwnerId": before}, {"rule": "bench"})
        for id_ in ids["Opportunity"][:CHANGED]
    ]  # fmt: skip
    with work.store.begin() as tx:
        outbox.enqueue(tx, intents, {}, work.clock.now(), "bench")
    counts = write(work, side)
    assert (counts.applied, counts.moved, counts.clobbered) == (CHANGED, 0, 0), counts


def count(folder: Path) -> list[Line]:
    """The whole table."""
    emulated = EmulatorClock(START)
    emulated.freeze(START)
    clock, emulator = SharedClock(emulated), Emulator.empty(emulated)
    ids = fill(emulator)
    table = Table(emulator)
    with emulator.serve() as endpoints:
        config = configure(folder, endpoints)
        clock.wait(3600)  # nothing is young enough for an overlap
        with as_daemon(config, clock) as work:
            table.during("start", work.bind, {})
            streams = (MANY, MANY, FEW)
            first = {
                "salesforce": {"read": pages(*streams, size=2000)},
                "hubspot": {"read": pages(*streams, size=200), "associations": pages(MANY, size=1000)},
            }
            table.during("first pull of 10,000 + 10,000 + 1,000", lambda: whole(work), first)
            clock.wait(1800)
            idle = {"salesforce": {"read": 3}, "hubspot": {"read": 3}}
            table.during("idle cycle", lambda: whole(work), idle)
            clock.wait(300)
            touch(emulator, ids)
            clock.wait(60)
            changes = {
                "salesforce": {"read": pages(CHANGED, 0, 0, size=2000)},
                "hubspot": {"read": pages(0, CHANGED, 0, size=200), "associations": pages(CHANGED, size=1000)},
            }
            table.during("1,000 changes", lambda: whole(work), changes)
            clock.wait(60)
            table.during("the cycle after, overlap read again", lambda: whole(work), {})
            writes = {"salesforce": {"write": pages(MANY, size=1000)}, "hubspot": {"write": pages(MANY, size=100)}}
            table.during("10,000 stamps", lambda: stamp(work, ids), writes)
            before, after = owners(emulator, ids)
            floors = {"salesforce": {"write": pages(CHANGED, size=1000), "read by id": 2}}
            table.during("1,000 owners", lambda: give(work, ids, before, after), floors)
    return table.lines


def whole(work: Work) -> None:
    """One cycle that must read everything."""
    if errors := cycle(work, writing=False).errors:
        raise SystemExit("\n".join(errors))


def configure(folder: Path, endpoints: Mapping[str, Any]) -> Path:
    """Settings for both emulators."""
    org, portal = endpoints["salesforce"], endpoints["hubspot"]
    for name, secret in (("crm-secret", org["client_secret"]), ("prm-secret", portal["access_token"])):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    (folder / "policy.yaml").write_text("approval: manual\n")
    (folder / "crm.yaml").write_text(_CRM)
    (folder / "prm.yaml").write_text(_PRM)
    path = folder / "syncd.yaml"
    values = {"salesforce": org["base_url"], "hubspot": portal["base_url"], "client_id": org["client_id"]}
    path.write_text(_SETTINGS.format(**values))
    return path


def main() -> int:
    """Count, print, judge."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m bench.calls", description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the table")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        lines = count(Path(folder))
    print(f"{'':11} {'':58} {'calls':>6} {'floor':>6}")
    for line in lines:
        floor = "" if line.floor is None else str(line.floor)
        print(f"{line.crm:11} {line.work:58} {line.calls:>6} {floor:>6}{'' if line.held else '  OVER'}")
    if args.json:
        args.json.write_text(json.dumps([[x.crm, x.work, x.calls, x.floor] for x in lines], indent=1) + "\n")
    return 0 if all(line.held for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
