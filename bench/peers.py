"""How fast an emulated org is read into a local store, beside PyAirbyte; exit 1 if syncd is not 10 times as fast.

    python -m bench.peers [--records 50000] [--rounds 1]

PyAirbyte runs in an environment of its own (`.venv-pyairbyte`, see the Makefile) with Airbyte's own Salesforce source,
and reads into its default cache. Both read the same org from the same server, each in a fresh process, through the
pages of REST. Start-up is left out for both: the clock runs from the first request for records to the last commit.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from bench import contenders
from syncd.emulator import Emulator

ROOT = Path(__file__).parents[1]
PEER = ROOT / ".venv-pyairbyte/bin/python"
LEAST = 10.0


def fill(records: int) -> Emulator:
    """An org with so many accounts."""
    emulator = Emulator.empty()
    for n in range(records):
        values = {"Name": f"Account {n}", "Website": f"https://account-{n}.example", "BillingCity": "Leeds"}
        emulator.salesforce.insert("Account", values | {"Phone": f"+44 20 7{n:07d}", "Industry": "Retail"})
    return emulator


def peer(org: Mapping[str, Any], records: int) -> float:
    """Records a second of PyAirbyte. Raises SystemExit when it failed."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        start = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
        script = str(ROOT / "bench/pyairbyte_here.py")
        command = [str(PEER), "-W", "ignore", script, json.dumps(dict(org)), folder, start]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    return _rate(done, records)


def ours(org: Mapping[str, Any], records: int) -> float:
    """Records a second of syncd."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        command = [sys.executable, "-W", "ignore", "-m", "bench.peers", "--ours", json.dumps(dict(org)), folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, cwd=ROOT)
    return _rate(done, records)


def _rate(done: subprocess.CompletedProcess[str], records: int) -> float:
    if done.returncode != 0:
        raise SystemExit(f"{done.args[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    taken = json.loads(next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{")))
    if taken["records"] != records:
        raise SystemExit(f"{taken['records']} of {records} records came")
    return float(records / taken["seconds"])


def main() -> int:
    """Measure, print, judge."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ours", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.ours:
        org = json.loads(args.ours[0])
        print(json.dumps(contenders.syncd(org["base_url"], Path(args.ours[1]), org)))
        return 0
    if not PEER.exists():
        parser.error("PyAirbyte has no environment yet; run  make .venv-pyairbyte/.done")
    emulator, rates = fill(args.records), {"syncd": list[float](), "PyAirbyte": list[float]()}
    with emulator.serve() as endpoints:
        for _ in range(args.rounds):
            rates["syncd"].append(ours(endpoints["salesforce"], args.records))
            rates["PyAirbyte"].append(peer(endpoints["salesforce"], args.records))
    for name, some in rates.items():
        print(f"{name:12} {median(some):>9,.0f} records a second")
    ratio = median(rates["syncd"]) / median(rates["PyAirbyte"])
    print(
        f"{'ok    ' if ratio >= LEAST else 'MISSED'}  syncd >= {LEAST:g} of PyAirbyte into its own cache: {ratio:.1f}"
    )
    return 0 if ratio >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
