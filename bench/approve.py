"""How long a person waits for `syncd approve` while the daemon pulls 100,000 records: `python -m bench.approve`.

Prints the wall time of the whole command, interpreter start included, of several approvals during the pull, beside
the same command with nothing else running and beside a bare `python -c "import sqlalchemy"`. Exit 1 when the median
during the pull is a second or more.
"""

from __future__ import annotations

import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from syncd.demo.setup import write_config
from syncd.demo.universe import generate
from syncd.demo.universe.write import salesforce_id, sf_time

RECORDS, BAR = 100_000, 1.0


def main() -> int:
    """Run and print."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        folder = Path(name)
        summary = generate(folder / "data", datetime.now(UTC))
        with _Emulators(folder / "data", ["127.0.0.1:0", "127.0.0.1:0"]) as line:
            config = write_config(folder / "state", line, summary)
            _syncd(config, "sync", "--json")
            ports = [urlsplit(line[system]["base_url"]).netloc for system in ("salesforce", "hubspot")]
        waiting = [r["number"] for r in json.loads(_syncd(config, "registrations", "--state", "review", "--json"))
                   if r["reason"] == "recently_lost"]  # fmt: skip
        alone = [_timed(config, waiting.pop()) for _ in range(4)]
        floor = [_bare() for _ in range(4)]
        _grow(folder / "data")
        with _Emulators(folder / "data", ports) as line:
            daemon = subprocess.Popen([*_COMMAND, "-c", str(config), "sync", "--json"], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)  # fmt: skip
            try:
                during = _while_pulling(config, line["admin"], daemon, waiting)
            finally:
                daemon.kill()
                daemon.wait()
    for title, took in (("import sqlalchemy", floor), ("approve, nothing else running", alone),
                        (f"approve, while {RECORDS:,} records are pulled", during)):  # fmt: skip
        print(f"{title:48} min {min(took):.2f} s  median {statistics.median(took):.2f} s  max {max(took):.2f} s")
    return 0 if statistics.median(during) < BAR else 1


_COMMAND = [sys.executable, "-m", "syncd"]


def _syncd(config: Path, *words: str) -> str:
    done = subprocess.run([*_COMMAND, "-c", str(config), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def _timed(config: Path, number: str) -> float:
    began = time.monotonic()
    _syncd(config, "approve", number, "--reason", "seen by the channel manager")
    return time.monotonic() - began


def _bare() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import sqlalchemy"], check=True)
    return time.monotonic() - began


def _while_pulling(
    config: Path, admin: dict[str, Any], daemon: subprocess.Popen[bytes], waiting: list[str]
) -> list[float]:
    took: list[float] = []
    while _pages(admin) < 5:
        time.sleep(0.02)
    while waiting and daemon.poll() is None and _pages(admin) < RECORDS / 2000:
        took.append(_timed(config, waiting.pop()))
    return took


def _pages(admin: dict[str, Any]) -> int:
    request = urllib.request.Request(
        f"{admin['base_url']}/requests", headers={"Authorization": f"Bearer {admin['token']}"}
    )
    with urllib.request.urlopen(request) as answer:
        return sum(
            1 for one in json.load(answer)["results"] if one["system"] == "salesforce" and one["records"] >= 1000
        )


def _grow(data: Path) -> None:
    path = data / "salesforce" / "Account.csv"
    with path.open(newline="", encoding="utf-8") as file:
        columns = next(csv.reader(file))
    stamp = sf_time(datetime.now(UTC) + timedelta(seconds=1))
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        for number in range(RECORDS):
            row = {"Id": salesforce_id("001", 62**4 + number), "Name": f"Bulk {number} Holdings", "Type": "Prospect"}
            writer.writerow(row | dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), stamp))


class _Emulators:
    """Both CRMs in a process of their own."""

    def __init__(self, data: Path, ports: list[str]) -> None:
        words = ["--data", str(data), "--seed", "7", "--salesforce", ports[0], "--hubspot", ports[1]]
        self._process = subprocess.Popen([sys.executable, "-m", "syncd.emulator", *words], stdout=subprocess.PIPE)

    def __enter__(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line: dict[str, Any] = json.loads(self._process.stdout.readline())
        return line

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


if __name__ == "__main__":
    sys.exit(main())
