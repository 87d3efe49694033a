"""Sets the stage: universes of any size, emulators, the command line as a real process, and the comparison."""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from syncd.cli.main import run as command_line
from syncd.demo.setup import write_config
from syncd.demo.universe import Summary, generate
from syncd.emulator import Emulator

from . import crm
from .oracle import Expected, Oracle, Organizations, instant, organizations_from_links, people_from_ledger

SEED = 7
SAFE = timedelta(minutes=20)
"""No test takes longer: what would change by time alone within it, is moved out of the way."""
STREAM_OF = {"Account": ("salesforce", "accounts"), "Opportunity": ("salesforce", "opportunities")}
CLOCK_ERROR = 2.0
"""Seconds; what HubSpot's connector declares about its stamps."""

MORE = {"lost_recently": 8}
"""Of these scenarios a small universe has more: they wait for a person."""

Row = dict[str, str]


# --- universes -------------------------------------------------------------------------------------------------


def make_universe(folder: Path) -> Summary:
    """The demo's universe; what settles, settles now and not at the last full hour, and nothing ends meanwhile."""
    now = datetime.now(UTC)
    summary = generate(folder, now, SEED)
    deals = folder / "hubspot" / "deals.csv"
    rows, columns = read_table(deals)
    settling = {r["registration_id"] for r in truth(folder, "scenarios") if r["scenario"] == "settling"}
    for row in rows:
        if row["hs_object_id"] in settling:
            late = instant(row["submitted_at"])
            assert late
            row["submitted_at"] = _hubspot_time(now - (summary.now - late))
        for name in ("approved_at", "protection_end"):
            row[name] = _out_of_the_way(row[name], row["protection_end"], now)
    write_table(deals, columns, rows)
    return summary


def _out_of_the_way(value: str, end: str, now: datetime) -> str:
    ends, moment = instant(end), instant(value)
    if moment and ends and any(abs(ends + timedelta(days=d) - now) < SAFE for d in (0, 7)):
        return _hubspot_time(moment - 3 * SAFE)
    return value


def _hubspot_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def make_small_universe(whole: Path, folder: Path, each: int = 2, strangers: int = 120) -> None:
    """A part of a universe: of each scenario `each` registrations with everything that belongs to their companies,
    and some accounts that nobody filed for."""
    deals, _ = read_table(whole / "hubspot" / "deals.csv")
    chosen: dict[str, list[str]] = defaultdict(list)
    partners = {row["registration_id"]: row["other"] for row in truth(whole, "scenarios")}
    for row in truth(whole, "scenarios"):
        if len(chosen[row["scenario"]]) < MORE.get(row["scenario"], each):
            chosen[row["scenario"]] += [id_ for id_ in (row["registration_id"], row["other"]) if id_ in partners]
    kept = {id_ for ids in chosen.values() for id_ in ids}
    company_key = {row["hubspot_company_id"]: row["company"] for row in truth(whole, "companies")}
    keys = {company_key[row["associations.companies"]] for row in deals if row["hs_object_id"] in kept}
    account_key = {row["salesforce_account_id"]: row["company"] for row in truth(whole, "accounts")}
    keys |= set(sorted(set(account_key.values()) - set(company_key.values()))[:strangers])
    shutil.copytree(whole, folder)
    keep = {
        "hubspot/deals": lambda row: company_key[row["associations.companies"]] in keys,
        "hubspot/companies": lambda row: company_key.get(row["hs_object_id"], "heartbeat") in {*keys, "heartbeat"},
        "salesforce/Account": lambda row: account_key[row["Id"]] in keys,
        "salesforce/Opportunity": lambda row: account_key[row["AccountId"]] in keys,
    }
    for name, wanted in keep.items():
        rows, columns = read_table(folder / f"{name}.csv")
        write_table(folder / f"{name}.csv", columns, [row for row in rows if wanted(row)])


def read_table(path: Path) -> tuple[list[Row], list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        return list(reader), list(reader.fieldnames or ())


def write_table(path: Path, columns: list[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def truth(folder: Path, name: str) -> list[Row]:
    return read_table(folder / "truth" / f"{name}.csv")[0]


# --- the command line ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cli:
    """`syncd --config PATH ...`: what works and what people do as a process of its own, questions in this process."""

    config: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "syncd", "--config", str(self.config), *arguments]
        environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()} | {"SYNCD_ACTOR": "tester"}
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=self.config.parent
        )

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """Standard output of a process; the exit code must be one of `codes`."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=240)
        assert process.returncode in codes, f"{' '.join(arguments)}: {process.returncode}\n{out[-2000:]}\n{err[-4000:]}"
        return out

    def sync(self, codes: tuple[int, ...] = (0,)) -> Any:
        return json.loads(self.run("sync", "--json", codes=codes))

    def ask(self, *arguments: str) -> str:
        """Standard output of a command that only reads; starting Python each time would cost more than the answer."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = command_line(["--config", str(self.config), *arguments])
        assert code == 0, f"{' '.join(arguments)}: {code}\n{out.getvalue()[-2000:]}"
        return out.getvalue()

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ask(*arguments, "--json"))

    def links(self) -> list[Row]:
        path = self.config.parent / "links.csv"
        self.ask("match", "links", "-o", str(path))
        return read_table(path)[0]

    def ledger(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ask("ledger", "export").splitlines()]

    def horizon(self) -> datetime | None:
        """The time through which every stream is complete."""
        streams = self.json("runs")["streams"]
        found = [instant(row["complete_through"]) for row in streams]
        known = [moment for moment in found if moment]
        return min(known) if len(known) == len(found) and known else None


# --- a stage: emulators and a configuration --------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """Two emulators that serve one universe, and a configuration that points at them."""

    data: Path
    summary: Summary
    emulator: Emulator
    endpoints: dict[str, Any]
    cli: Cli

    def read(self) -> crm.Raw:
        return crm.read(self.endpoints)

    def policy(self) -> dict[str, Any]:
        return read_yaml(self.cli.config.parent / "policy.yaml")

    def oracle(
        self,
        raw: crm.Raw | None = None,
        organizations: Organizations | None = None,
        now: datetime | None = None,
        **more: Any,
    ) -> Oracle:
        """The oracle over what is there, the exported links, and what persons decided."""
        return Oracle(
            raw or self.read(),
            self.policy(),
            organizations or organizations_from_links(self.cli.links()),
            now=now or datetime.now(UTC),
            horizon=self.cli.horizon(),
            go_live=self.summary.go_live,
            clock_error=CLOCK_ERROR,
            people=people_from_ledger(self.cli.ledger()),
            **more,
        )

    def ours(self) -> list[Any]:
        """What syncd changed in the CRMs, without its sign of life."""
        return [c for c in self.emulator.changes if c.request and not self.is_heartbeat(c.object, c.id)]

    def is_heartbeat(self, kind: str, id_: str) -> bool:
        return id_ in (self.summary.heartbeat_company, self.summary.heartbeat_record)


@contextmanager
def stage(data: Path, summary: Summary, folder: Path, **config: Any) -> Iterator[Stage]:
    """Serve a universe on free ports, with the demo's configuration in `folder`."""
    emulator = Emulator.load(data, seed=SEED)
    with emulator.serve() as endpoints:
        path = write_config(folder, endpoints, replace(summary, folder=data), **config)
        yield Stage(data, summary, emulator, dict(endpoints), Cli(path))


@functools.cache
def read_yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


# --- comparison ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Difference:
    """One stamped value that is not as expected."""

    object: str
    id: str
    stamp: str
    expected: Any
    got: Any

    @property
    def record(self) -> tuple[str, str]:
        return self.object, self.id


def compare(expected: Expected, raw: crm.Raw, config: Path, facts: crm.Raw) -> list[Difference]:
    """Every difference between what must be there and what is; `facts` are the records before syncd first wrote.

    `as_of` must be there where something is shown.
    """
    fields = {kind: stamp_fields(config, kind) for kind in ("Account", "Opportunity", "deals")}
    shown = {("Account", r["Id"]): r for r in raw.salesforce["Account"] if not r["IsDeleted"]}
    shown |= {("Opportunity", r["Id"]): r for r in raw.salesforce["Opportunity"] if not r["IsDeleted"]}
    shown |= {("deals", r["id"]): r for r in raw.hubspot["deals"]}
    assert set(shown) == set(expected.stamps)
    owner_shown = owner_field(config)
    owned = {row["Id"]: row[owner_shown] for row in facts.salesforce["Opportunity"]}
    found = []
    for (kind, id_), stamps in expected.stamps.items():
        row = shown[kind, id_]
        for name, native in fields[kind].items():
            got = plain(row[native])
            if name == "as_of":
                if got is None and stamps["status"] is not None:
                    found.append(Difference(kind, id_, name, "a time", got))
            elif plain(stamps[name]) != got:
                found.append(Difference(kind, id_, name, plain(stamps[name]), got))
    for id_, owner in expected.owners.items():
        wanted = owner or owned[id_]
        got = shown["Opportunity", id_][owner_shown]
        if wanted != got:
            found.append(Difference("Opportunity", id_, "owner", wanted, got))
    return sorted(found, key=str)


def stamp_fields(config: Path, kind: str) -> dict[str, str]:
    """Stamp name → native field, from the mapping files."""
    system, stream = STREAM_OF.get(kind, ("hubspot", "registrations"))
    return dict(read_yaml(config.parent / "mappings" / f"{system}.yaml")["streams"][stream]["stamps"])


def owner_field(config: Path) -> str:
    return str(read_yaml(config.parent / "mappings" / "salesforce.yaml")["streams"]["opportunities"]["owner"])


def plain(value: Any) -> Any:
    """A value as both sides say it: times in whole seconds, numbers as text, blank as nothing."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S")
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return str(int(value)) if value == int(value) else str(value)
    said = str(value)
    moment = instant(said) if len(said) >= 19 and said[4] == "-" and "T" in said else None
    return moment.strftime("%Y-%m-%dT%H:%M:%S") if moment else said


def told(differences: list[Difference], limit: int = 40) -> str:
    lines = [f"{d.object}/{d.id} {d.stamp}: expected {d.expected!r}, got {d.got!r}" for d in differences[:limit]]
    return f"{len(differences)} differences\n" + "\n".join(lines)
