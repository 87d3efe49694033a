"""How fast a first pull reaches SQLite, beside the floor and what one would use instead; exit 1 if a bar is missed.

    python -m bench.pull [--records 100000] [--rounds 3] [--slow-rounds 2] [--in-order] [--flat 1000000] [--json FILE]

One stub serves everybody. Each measurement is a fresh process in a fresh folder, except that `syncd again` goes on in
the folder of the `syncd` before it. Rounds are interleaved, so that a busy minute of the machine hits all alike, and
a first round is thrown away as warm-up (dlt is spared it). Ratios are those of the medians. `--flat` pulls that many
records too, once, and compares the memory that it takes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

QUICK = (
    "floor", "same tables", "syncd", "syncd again", "simple-salesforce", "floor postgres", "syncd postgres",
)  # fmt: skip
SLOW = ("dlt",)
WORDS = {
    "floor": "(a) http.client + orjson -> sqlite3",
    "syncd": "(b) syncd, first pull",
    "syncd again": "    syncd, all unchanged",
    "simple-salesforce": "(c) simple-salesforce -> SQLAlchemy Core",
    "dlt": "(d) dlt rest_api -> sqlalchemy, merge",
    "same tables": "(e) http.client + orjson -> syncd's table",
    "floor postgres": "(f) http.client + orjson -> COPY, merge",
    "syncd postgres": "(g) syncd, first pull into PostgreSQL",
}
BARS = (
    ("syncd", "floor", 0.3), ("syncd", "same tables", 0.6), ("syncd", "simple-salesforce", 1.0),
    ("syncd postgres", "floor postgres", 0.3), ("syncd", "dlt", 5.0),
)  # fmt: skip
MOST_MB = 200.0
MOST_GROWTH = 1.1

Results = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Bar:
    """What is asked for, and what there was."""

    claim: str
    found: str
    held: bool


@contextmanager
def stub(records: int, in_order: bool) -> Iterator[dict[str, Any]]:
    """The server in its own process, ended with us."""
    command = [sys.executable, "-m", "bench.stub", str(records), *(["in-order"] if in_order else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield json.loads(server.stdout.readline())
        finally:
            server.terminate()


def measure(name: str, site: dict[str, Any], folder: Path) -> dict[str, Any]:
    """One contender in one process. Raises SystemExit when it did not store everything."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.contenders", name, site["base_url"], str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{name} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    taken: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if (taken["records"], taken["letters"]) != (site["records"], site["letters"]):
        raise SystemExit(f"{name} did not store what was served: {taken}")
    return taken | {"rate": taken["records"] / taken["seconds"]}


def rounds(site: dict[str, Any], count: int, slow: int) -> Results:
    """All measurements, interleaved."""
    results: Results = {name: [] for name in (*QUICK, *SLOW)}
    for number in range(count + 1):
        names = (*QUICK, *(SLOW if 1 <= number <= slow else ()))
        with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
            for name in names:
                if sys.stderr.isatty():
                    print(f"  round {number} of {count}: {name:20}", end="\r", file=sys.stderr, flush=True)
                taken = measure(name, site, Path(folder))
                if number > 0:
                    results[name].append(taken)
    if sys.stderr.isatty():
        print(" " * 60, end="\r", file=sys.stderr)
    return results


def bars(results: Results) -> list[Bar]:
    """What must hold, and that a second pull writes nothing."""
    found = []
    for ours, other, least in BARS:
        if results[other]:
            ratio = _median(results, ours, "rate") / _median(results, other, "rate")
            found.append(Bar(f"{ours} >= {least:g} of {WORDS[other].strip()}", f"{ratio:.2f}", ratio >= least))
    peak = max(taken["peak_mb"] for name in ("syncd", "syncd again") for taken in results[name])
    found.append(Bar(f"peak memory of syncd < {MOST_MB:g} MB", f"{peak:.0f} MB", peak < MOST_MB))
    written = [taken["written"] for taken in results["syncd again"]]
    found.append(Bar("unchanged data: 0 rows written", f"{max(written, key=abs)}", not any(written)))
    return found


def flat(results: Results, records: int, in_order: bool) -> list[Bar]:
    """Pull many more records, then once more: memory must not follow their number."""
    found = []
    with stub(records, in_order) as site, tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        for name in ("syncd", "syncd again"):
            before = max(taken["peak_mb"] for taken in results[name])
            peak = measure(name, site, Path(folder))["peak_mb"]
            claim = f"peak memory of {name} at {records:,} records <= {MOST_GROWTH:g} of {before:.0f} MB"
            found.append(Bar(claim, f"{peak:.0f} MB", peak <= MOST_GROWTH * before))
    return found


def table(results: Results) -> str:
    """One line for each contender."""
    ours = _median(results, "syncd", "rate")
    head = f"{'':42}{'records a second':^26}  {'CPU s':>6}  {'peak MB':>7}  {'runs':>4}  {'syncd is':>8}"
    lines = [head, f"{'':42}{'min':>8} {'median':>8} {'max':>8}  {'median':>6}  {'max':>7}"]
    for name, taken in results.items():
        if not taken:
            continue
        rates = [one["rate"] for one in taken]
        cpu, peak = _median(results, name, "cpu"), max(one["peak_mb"] for one in taken)
        ratio = "" if name.startswith("syncd") else f"{ours / median(rates):.2f}x"
        lines.append(
            f"{WORDS[name]:42}{min(rates):>8,.0f} {median(rates):>8,.0f} {max(rates):>8,.0f}  "
            f"{cpu:>6.2f}  {peak:>7.0f}  {len(taken):>4}  {ratio:>8}"
        )
    return "\n".join(lines)


def _median(results: Results, name: str, what: str) -> float:
    return float(median(taken[what] for taken in results[name]))


def machine() -> str:
    """Where it was measured."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    busy = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return f"{cores} cores, CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}{busy}"


def main() -> int:
    """Measure, print, judge."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m bench.pull", description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3, help="measured runs of all but dlt")
    parser.add_argument("--slow-rounds", type=int, default=2, help="measured runs of dlt; 0 leaves its bar out")
    parser.add_argument("--in-order", action="store_true", help="ids ascend with the stamps: kinder to every index")
    parser.add_argument("--flat", type=int, default=0, metavar="RECORDS", help="memory at so many records as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep every measurement")
    args = parser.parse_args()
    if args.records < 1 or args.rounds < 1 or not 0 <= args.slow_rounds <= args.rounds:
        parser.error("there must be records and rounds, and no more slow rounds than rounds")
    where = machine()
    with stub(args.records, args.in_order) as site:
        results = rounds(site, args.rounds, args.slow_rounds)
    verdict = bars(results) + (flat(results, args.flat, args.in_order) if args.flat else [])
    order = "in the order of the stamps" if args.in_order else "in no order"
    print(f"{args.records:,} records of 12 fields, ids {order}, 2,000 a page, gzip, loopback; {where}\n")
    print(table(results))
    print()
    for bar in verdict:
        print(f"{'ok    ' if bar.held else 'MISSED'}  {bar.claim}: {bar.found}")
    if args.json:
        kept = {
            "machine": where,
            "in_order": args.in_order,
            "results": results,
            "bars": [{"claim": b.claim, "held": b.held} for b in verdict],
        }
        args.json.write_text(json.dumps(kept, indent=1) + "\n")
    return 0 if all(bar.held for bar in verdict) else 1


if __name__ == "__main__":
    sys.exit(main())
