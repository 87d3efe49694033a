"""The golden file of matching: ten thousand pairs with their levels and points, which every engine must give again.

python -m bench.golden_pairs               compare what the engines give with the file
python -m bench.golden_pairs --write       write the file, after the points table or a claim has changed
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import universe
from syncd.jobs.bulk import ENGINES, Settings, compare_stored, store, workers_of
from syncd.jobs.bulk_lists import open_list
from syncd.matching import Statistics, parse, score, shipped_weights
from syncd.matching.claims import cells
from syncd.matching.pairs import Pair
from syncd.matching.stretch import edge_of
from syncd.model import Account

GOLDEN = Path(__file__).parent / "golden_pairs.txt.gz"
PAIRS = 10_000
SEED, ACCOUNTS, FILED, PARTS = 11, 12_000, 11_000, 4


def accounts(part: int) -> list[Account]:
    """A part of the vendor's accounts."""
    stretch = universe.accounts(SEED, ACCOUNTS, part * ACCOUNTS // PARTS, (part + 1) * ACCOUNTS // PARTS)
    return [universe.as_account("right", row.fields) for row in stretch]


def filed(part: int) -> list[Account]:
    """A part of what partners filed."""
    stretch = universe.registrations(SEED, FILED, ACCOUNTS, part * FILED // PARTS, (part + 1) * FILED // PARTS)
    return [universe.as_account("left", row.fields) for row in stretch]


def lines(engine: str) -> list[str]:
    """What an engine gives: a line for each of the first pairs, with levels and points."""
    with TemporaryDirectory(prefix="syncd-golden-") as folder, workers_of(engine, 2) as workers:
        left, right = Path(folder) / "left", Path(folder) / "right"
        tallies = store([partial(filed, part) for part in range(PARTS)], left, workers)
        tallies += store([partial(accounts, part) for part in range(PARTS)], right, workers)
        settings = Settings(engine=engine)
        compared = compare_stored(left, right, Statistics.of(tallies), settings, workers)
        lists = (open_list(left)[0], open_list(right)[0])
        linker = settings.linker(Statistics.of(tallies))
        found = {(pair.one, pair.other): pair for some in compared for pair in some}
        edges = (edge_of(pair, lambda place: lists[place[0]][place[1]], linker) for pair in found.values())
        said = sorted(((edge.a, edge.b), edge) for edge in edges)
        held = {(lists[one[0]][one[1]].ref, lists[other[0]][other[1]].ref): pair.cells
                for (one, other), pair in found.items()}  # fmt: skip
    return list(_lines([(a, b, held.get((a, b)) or held[b, a], edge.points) for (a, b), edge in said[:PAIRS]]))


def plainly() -> list[str]:
    """What the plain scorer gives for the pairs of the file: each pair by itself, every claim asked."""
    records = {str(record.ref): record for part in range(PARTS) for record in map(parse, filed(part) + accounts(part))}
    statistics, weights = Statistics.build(records.values()), shipped_weights()
    rows = []
    for line in golden():
        a, b = line.split()[:2]
        pair = Pair(records[a], records[b], statistics)
        rows.append((a, b, cells(pair), score(records[a], records[b], statistics, weights)[0]))
    return list(_lines(rows))


def _lines(rows: Sequence[tuple[object, object, tuple[tuple[str, str], ...], float]]) -> Iterator[str]:
    for a, b, held, points in rows:
        yield f"{a} {b} {points:.3f} " + " ".join(f"{claim}={level}" for claim, level in held)


def golden() -> list[str]:
    """The lines of the file."""
    return gzip.decompress(GOLDEN.read_bytes()).decode().splitlines()


def main() -> int:
    """Write the file, or compare every engine that is installed with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--engines", nargs="+", default=ENGINES, choices=ENGINES)
    asked = parser.parse_args()
    if asked.write:
        GOLDEN.write_bytes(gzip.compress("\n".join(lines("process")).encode(), mtime=0))
    expected, wrong = golden(), 0
    for engine in asked.engines:
        differing = sum(a != b for a, b in zip(lines(engine), expected, strict=True))
        wrong += differing
        print(f"{engine}: {len(expected)} pairs, {differing} differ", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
