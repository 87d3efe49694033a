"""A person decides at once, however much the daemon has to read."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from syncd.demo.universe import Summary
from syncd.demo.universe.write import salesforce_id, sf_time

from . import crm
from .harness import SEED, read_table, stage

RECORDS = 100_000


def test_a_person_approves_while_a_hundred_thousand_records_are_pulled(
    small: tuple[Path, Summary], tmp_path: Path
) -> None:
    data, summary = small
    with stage(data, summary, tmp_path / "state") as on:
        on.cli.sync()
        ports = {name: urlsplit(on.endpoints[name]["base_url"]).netloc for name in ("salesforce", "hubspot")}
    states = on.cli.json("registrations", "--state", "review")
    waiting = [r["number"] for r in states if r["reason"] == "recently_lost"]
    done = 0
    with emulators(grow(data, tmp_path / "grown"), ports) as admin:
        daemon = on.cli.start("sync", "--json")
        try:
            wait_for_pages(admin, 5)
            while waiting and pages(admin) < RECORDS / 2000:
                assert daemon.poll() is None
                before = pages(admin)
                on.cli.run("approve", waiting.pop(), "--reason", "seen by the channel manager")
                done += daemon.poll() is None and before <= pages(admin) < RECORDS / 2000
        finally:
            daemon.kill()
            daemon.communicate(timeout=30)
    decided = [e for e in on.cli.ledger() if e["kind"] == "decision" and e["actor"] == "person:tester"]
    # recorded while pages were still coming, not after them; `bench/approve.py` says in how many seconds
    assert len({e["subject"] for e in decided}) >= done >= 1


def grow(data: Path, folder: Path) -> Path:
    """The same universe with a hundred thousand accounts that came in just now."""
    for name in ("salesforce", "hubspot"):
        (folder / name).mkdir(parents=True)
        for file in (data / name).iterdir():
            (folder / name / file.name).write_bytes(file.read_bytes())
    rows, columns = read_table(folder / "salesforce" / "Account.csv")
    taken = {row["Id"] for row in rows}
    stamp = sf_time(datetime.now(UTC) - timedelta(minutes=1))
    with (folder / "salesforce" / "Account.csv").open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        for number in range(RECORDS):
            id_ = salesforce_id("001", 62**4 + number)
            if id_ not in taken:
                made = {"Id": id_, "Name": f"Bulk {number} Holdings", "BillingCity": f"Town {number % 977}"}
                stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), stamp)
                writer.writerow({**made, **stamps, "OwnerId": rows[0]["OwnerId"], "Type": "Prospect"})
    return folder


@contextmanager
def emulators(data: Path, ports: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Both CRMs in a process of their own, where the configuration expects them."""
    command = [sys.executable, "-m", "syncd.emulator", "--data", str(data), "--seed", str(SEED)]
    command += [word for name, port in ports.items() for word in (f"--{name}", port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield json.loads(process.stdout.readline())["admin"]
        finally:
            process.terminate()


def pages(admin: dict[str, Any]) -> int:
    """How many pages of accounts have been read."""
    found = crm.call(f"{admin['base_url']}/requests", {"Authorization": f"Bearer {admin['token']}"})["results"]
    return sum(1 for one in found if one["system"] == "salesforce" and one["records"] >= 1000)


def wait_for_pages(admin: dict[str, Any], number: int) -> None:
    until = time.monotonic() + 60
    while pages(admin) < number:
        assert time.monotonic() < until, "the pull does not begin"
        time.sleep(0.05)
