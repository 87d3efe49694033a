"""Linking at scale over generated universes: build, bulk link, single records and changes, quality, and Splink beside.

    python -m bench.matching_scale [--accounts 100000 300000 1000000] [--folder DIR] [--peer PYTHON] [--seed 1]

There is one registration for ten accounts. Each size runs in a process of its own, so that its memory is its own.
Splink 5 links the same files at the largest size, by the Python of an environment that has it (`--peer`). Wall times
depend on what else the machine does: processor seconds and the load stand beside them.
"""

from __future__ import annotations

import argparse
import csv
import gc
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random

from bench import universe
from syncd.jobs.bulk import BulkLink, Settings, link_stored, store, workers_of
from syncd.jobs.bulk_lists import open_list
from syncd.matching import Linker, Parsed, Statistics, keys
from syncd.matching.live import LiveSide
from syncd.matching.sides import DIRECT, Side, near
from syncd.model import Account, Band
from syncd.store import graph
from syncd.store.database import Store

PARTS = 40
FILED_PARTS = 8
SAMPLE = 5_000


@dataclass(frozen=True)
class Truth:
    """Which company every account is, and what every registration means that means one of them."""

    account: dict[str, str]
    meant: dict[str, tuple[str, str]]

    @classmethod
    def read(cls, folder: Path) -> Truth:
        """The truth that `bench.universe` wrote."""
        account = dict(line.split(",")[:2] for line in (folder / "accounts.truth").read_text().split())
        known = set(account.values())
        filed = (line.split(",") for line in (folder / "registrations.truth").read_text().split())
        return cls(account, {id_: (company, kind) for id_, company, kind in filed if company in known})

    def is_hit(self, left: str, right: str) -> bool:
        """Whether an account is of the company that a registration means; a company's second account counts too."""
        return left in self.meant and self.account[right] == self.meant[left][0]

    def show(self, title: str, best: Iterable[tuple[float, str, str]]) -> float:
        """Print and return the best F1 of (points, registration, account), one for each registration."""
        ranked = sorted(best, reverse=True)
        hits, recall_99, top = 0, 0.0, (0.0, 0.0, 0.0, 0)
        for seen, (_, left, right) in enumerate(ranked, 1):
            hits += self.is_hit(left, right)
            f1 = 2 * hits / (seen + len(self.meant))
            top = max(top, (f1, hits / seen, hits / len(self.meant), seen))
            recall_99 = hits / len(self.meant) if hits >= 0.99 * seen else recall_99
        print(f"{title}: F1 {top[0]:.4f} (precision {top[1]:.4f}, recall {top[2]:.4f}), "
              f"recall at precision 0.99 {recall_99:.4f}", flush=True)  # fmt: skip
        self._show_kinds(ranked[: top[3]])
        return top[0]

    def _show_kinds(self, kept: list[tuple[float, str, str]]) -> None:
        every = Counter(kind for _, kind in self.meant.values())
        hits = Counter(self.meant[left][1] for _, left, right in kept if self.is_hit(left, right))
        print("  recall by kind: " + ", ".join(f"{kind} {hits[kind] / n:.2f}" for kind, n in every.most_common()))


@contextmanager
def timed(title: str) -> Iterator[None]:
    """Print wall and processor seconds of a step, over all processes that ended in it."""
    wall, used, load = time.perf_counter(), _used(), os.getloadavg()[0]
    yield
    print(f"{title}: {time.perf_counter() - wall:.2f} s, processor {_used() - used:.2f} s, "
          f"load {load:.1f} to {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip


def _used() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def filed_part(path: Path, part: int) -> Iterator[Account]:
    """Every so-manieth registration."""
    return islice(universe.read(path, "left"), part, None, FILED_PARTS)


def run(folder: Path, count: int, seed: int) -> float:
    """All figures of one size; returns the best F1."""
    print(f"\n{count} accounts, {count // 10} registrations, seed {seed}", flush=True)
    if not (folder / "registrations.truth").exists():
        with timed("generated"):
            universe.write(folder, seed, count, count // 10, PARTS)
    here = Path(tempfile.mkdtemp(prefix="index-", dir=folder))
    try:
        return _run(folder, here)
    finally:
        shutil.rmtree(here)


def _run(folder: Path, here: Path) -> float:
    with timed("build (read, parse, key, index all accounts)"):
        parts = [partial(universe.read, path, "right") for path in sorted(folder.glob("accounts-*.csv"))]
        with workers_of("process") as workers:
            tallies = store(parts, here / "right", workers)
    with timed("bulk link (read registrations, count, compare, decide, say why)"):
        filed = [partial(filed_part, folder / "registrations.csv", part) for part in range(FILED_PARTS)]
        with workers_of("process") as workers:
            tallies += store(filed, here / "left", workers)
            statistics = Statistics.of(tallies)
            links = list(link_stored(here / "left", here / "right", statistics, Settings(), workers))
    size = sum(path.stat().st_size for path in (here / "right").iterdir())
    print(f"{len(links)} links; index on disk {size / 1e6:.0f} MB; resident at most "
          f"{_resident(resource.RUSAGE_SELF)} MB here, {_resident(resource.RUSAGE_CHILDREN)} MB in a worker, "
          "mapped files included", flush=True)  # fmt: skip
    truth = Truth.read(folder)
    f1 = truth.show("syncd", best(links))
    auto = [link for link in links if link.band is Band.AUTO]
    right = sum(truth.is_hit(link.left, link.right) for link in auto)
    print(f"  auto: {len(auto)}, precision {right / max(1, len(auto)):.4f}")
    _show_candidates(here, truth)
    _show_single(here, statistics)
    return f1


def _resident(who: int) -> int:
    return resource.getrusage(who).ru_maxrss // 1024


def best(links: Iterable[BulkLink]) -> Iterator[tuple[float, str, str]]:
    """The best account of each registration."""
    found: dict[str, BulkLink] = {}
    for link in links:
        known = found.get(link.left)
        if known is None or (link.points, known.right) > (known.points, link.right):
            found[link.left] = link
    return ((link.points, link.left, link.right) for link in found.values())


def _show_candidates(here: Path, truth: Truth) -> None:
    filed, direct = Side(*open_list(here / "left")), Side(*open_list(here / "right"))
    numbers = range(min(SAMPLE, len(filed.records)))
    records = [filed.records[number] for number in numbers]
    pairs = [pair for pair in near(filed, direct, numbers, records) if pair[0][0] != pair[1][0] == DIRECT]
    found = {left for (_, left), (_, row) in pairs
             if truth.is_hit(records[left].ref.id, direct.records[row].ref.id)}  # fmt: skip
    meant = [number for number in numbers if records[number].ref.id in truth.meant]
    print(f"  candidates: recall {len(found) / len(meant):.4f} at {len(pairs) / len(records):.1f} a registration "
          f"({len(records)} looked at)", flush=True)  # fmt: skip


# --- one record at a time --------------------------------------------------------------------------------------------


def _show_single(here: Path, statistics: Statistics) -> None:
    """Accounts that change: each is put into the index again, searches all others and is scored."""
    side, linker, chance = LiveSide(*open_list(here / "right")), Linker(statistics), Random(7)
    numbers = chance.sample(range(len(side)), 4_100)
    changed = [replace(side[number], phone=f"+1555{number:07d}", city="elsewhere") for number in numbers]
    gc.freeze()
    for record in changed[:100]:
        _relink(side, linker, record)
    taken = [_seconds(lambda record=record: _relink(side, linker, record)) for record in changed[100:2_100]]
    for name, times in zip(("wall", "processor"), map(sorted, zip(*taken, strict=True)), strict=True):
        middle, late, last = (times[int(len(times) * share) - 1] * 1000 for share in (0.5, 0.99, 1.0))
        print(f"one changed record with the index updated, {name}: median {middle:.2f} ms, p99 {late:.2f} ms, "
              f"most {last:.2f} ms")  # fmt: skip
    kept = Store(f"sqlite:///{here / 'state.db'}")
    kept.upgrade()
    with timed("ten batches of 100 with the commit of records and edges"):
        for start in range(2_100, 3_100, 100):
            _commit(kept, side, linker, changed[start : start + 100])
    kept.close()
    with timed("1,000 changes"):
        for record in changed[3_100:4_100]:
            _relink(side, linker, record)


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    wall, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - used


def _relink(side: LiveSide, linker: Linker, record: Parsed) -> list[tuple[Parsed, tuple[tuple[str, str], ...]]]:
    side.put(record)
    scored = ((other, linker.compare(record, other)) for other in side.near(record))
    return [(other, cells) for other, cells in scored if cells is not None]


def _commit(kept: Store, side: LiveSide, linker: Linker, records: list[Parsed]) -> None:
    edges = []
    for record in records:
        for other, cells in _relink(side, linker, record):
            edge = linker.bare_edge(record.ref, other.ref, cells)
            edges.append((edge.a, edge.b, edge.points, [[e.claim, e.points, e.sentence] for e in edge.evidence]))
    with kept.begin() as tx:
        graph.put_parsed(tx, [(r.ref, "direct", r.to_json(), keys(r)) for r in records], "bench")
        graph.put_edges(tx, [record.ref for record in records], edges)


# --- Splink ----------------------------------------------------------------------------------------------------------


def splink(python: Path, folder: Path) -> float | None:
    """Splink over the same files; None where there is none."""
    if not python.exists():
        print(f"\nSplink is left out: there is no {python}")
        return None
    output = folder / "splink.csv"
    script = Path(__file__).parent / "splink_universe.py"
    with timed("\nSplink 5 on DuckDB, end to end"):
        done = subprocess.run([python, script, folder, output], check=True, capture_output=True, text=True)
    print("  " + done.stdout.strip().splitlines()[-1])
    with output.open(newline="") as file:
        return Truth.read(folder).show("Splink", ((float(w), left, right) for left, right, w in csv.reader(file)))


def main() -> None:
    """Run every size, then the peer at the largest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "syncd-universe")
    parser.add_argument("--peer", type=Path, default=Path(".venv-splink/bin/python"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="one size, in this process, without the peer")
    asked = parser.parse_args()
    largest = asked.folder / f"{max(asked.accounts)}-{asked.seed}"
    if asked.alone:
        run(largest, max(asked.accounts), asked.seed)
        return
    for count in sorted(asked.accounts):
        again = ("--alone", "--accounts", str(count), "--folder", str(asked.folder), "--seed", str(asked.seed))
        subprocess.run([sys.executable, "-m", "bench.matching_scale", *again], check=True)
    splink(asked.peer, largest)


if __name__ == "__main__":
    main()
