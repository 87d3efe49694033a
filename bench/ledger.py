"""How long `ledger verify` takes for a million entries; exit 1 above five seconds.

    python -m bench.ledger [--entries 1000000] [--rounds 3]

The entries look like those of writes (some 500 bytes, sealed, a personal value in each tenth), in SQLite. Beside it
stands the least that Python can do: the same rows read by sqlite3, and each hashed and sealed again.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from syncd.store import ledger
from syncd.store.database import Store
from syncd.store.ledger import Entry

BAR_SECONDS = 5.0
KEY = b"k" * 32
BATCH = 2_000
_BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def bodies(count: int) -> Iterator[dict[str, Any]]:
    """Effective writes, as the ledger has them."""
    for n in range(count):
        yield {
            "write": n, "ref": f"direct/Account/001{n:015d}", "group": "stamp", "receipt": "200",
            "run": "20261101T120000",
            "before": {"Syncd_Status__c": None, "Syncd_Until__c": None, "Syncd_Partner__c": None},
            "after": {"Syncd_Status__c": "protected", "Syncd_Until__c": "2027-01-30", "Syncd_Contact__c": f"Mia {n}"},
            "because": {"registration": f"partner/deals/{n:09d}", "rule": "protection.approved", "policy": "9f2c41d0"},
        }  # fmt: skip


def fill(store: Store, count: int) -> None:
    """Append that many entries."""
    made = bodies(count)
    for start in range(0, count, BATCH):
        some = [next(made) for _ in range(min(BATCH, count - start))]
        entries = [Entry("write", b, ("after.Syncd_Contact__c",) if b["write"] % 10 == 0 else ()) for b in some]
        with store.append() as tx:
            ledger.append(tx, _BEGAN + timedelta(seconds=start), entries, KEY)
        if sys.stderr.isatty():
            print(f"  {start + len(some):,} of {count:,}", end="\r", file=sys.stderr, flush=True)


def floor(path: Path) -> int:
    """Read by sqlite3, hash and seal each."""
    previous, count = bytes(32), 0
    with sqlite3.connect(path) as db:
        for body, digest, mac in db.execute("SELECT body, hash, mac FROM ledger ORDER BY seq"):
            assert hashlib.sha256(previous + body).digest() == digest
            assert hmac.digest(KEY, digest, "sha256") == mac
            previous, count = digest, count + 1
    return count


def ours(store: Store) -> int:
    """As the command does it."""
    with store.read() as tx:
        good, wrong = ledger.verify(tx, KEY)
    assert wrong is None, wrong
    return good


def timed(what: Callable[[], int], count: int) -> float:
    """Seconds."""
    began = time.perf_counter()
    assert what() == count
    return time.perf_counter() - began


def main() -> int:
    """Measure, print, judge."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        path = Path(folder) / "syncd.db"
        store = Store(f"sqlite:///{path}")
        store.upgrade()
        fill(store, args.entries)
        taken: dict[str, list[float]] = {"floor": [], "syncd": []}
        for _ in range(args.rounds):
            taken["floor"].append(timed(lambda: floor(path), args.entries))
            taken["syncd"].append(timed(lambda: ours(store), args.entries))
        store.close()
    found, least = median(taken["syncd"]), median(taken["floor"])
    print(f"{args.entries:,} entries, {args.rounds} rounds")
    print(f"  sqlite3, SHA-256 and HMAC   {least:6.2f} s")
    print(f"  syncd ledger verify         {found:6.2f} s   {found / least:.2f} of it")
    held = found <= BAR_SECONDS
    print(f"{'ok    ' if held else 'MISSED'}  at most {BAR_SECONDS:g} s")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
