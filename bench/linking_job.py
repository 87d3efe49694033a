"""The daemon's job of linking at scale: changes against a large state, with the index of keys in its cache file.

    python -m bench.linking_job [--accounts 100000 300000 1000000] [--folder DIR] [--seed 1]

There is one filed company for ten accounts. Records are put into the state without the pull and the staging that bring
them there in life. Up to `WHOLE` accounts the first run links everybody; beyond, only the filed companies, because
how accounts stand to each other changes little for what comes after. Each size runs in a process of its own. A state
that is found in the folder is gone on with.
"""

from __future__ import annotations

import argparse
import gc
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import orjson

from bench import universe
from bench.matching_scale import FILED_PARTS, PARTS, filed_part, timed
from syncd.jobs import index
from syncd.jobs.frozen import in_force
from syncd.jobs.link import _freeze, link, version_of
from syncd.jobs.work import Work
from syncd.matching import PARSER_VERSION, Parsed, keys, parse, query_keys
from syncd.model import Account, Ref
from syncd.policy import Policy
from syncd.store import graph
from syncd.store.database import Store

WHOLE = 300_000
AT_ONCE = 20_000
Rows = tuple[list[tuple[str, ...]], list[tuple[str, ...]]]


class Now:
    """The clock."""

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)


def work_on(store: Store) -> Work:
    """What the job needs, without any connection."""
    clock: Any = Now()
    return Work(store, clock, [], Policy(), "", clock.now(), "")


# --- a state ---------------------------------------------------------------------------------------------------------


def rows_of(part: partial[Iterable[Account]], role: str) -> Rows:
    """The rows of parsed records and of their keys."""
    records: list[tuple[str, ...]] = []
    found: list[tuple[str, ...]] = []
    for made in map(parse, part()):
        records.append((*made.ref, role, orjson.dumps(made.to_json()).decode(), PARSER_VERSION))
        found += [(key, role, *made.ref) for key in set(keys(made))]
        if role == "filed":
            found += [(key, "asking", *made.ref) for key in set(query_keys(made))]
    return records, found


def fill(database: Path, folder: Path) -> None:
    """Put everybody into a new state, as if just staged."""
    store = Store(f"sqlite:///{database}")
    store.upgrade()
    store.close()
    parts = [(partial(universe.read, path, "right"), "direct") for path in sorted(folder.glob("accounts-*.csv"))]
    parts += [(partial(filed_part, folder / "registrations.csv", n), "filed") for n in range(FILED_PARTS)]
    state = sqlite3.connect(database, isolation_level=None)
    for statement in ("PRAGMA synchronous=OFF", "PRAGMA cache_size=-2000000", "PRAGMA temp_store=MEMORY", "BEGIN"):
        state.execute(statement)
    state.execute("CREATE TEMP TABLE waiting (key, kind, connection, object, id)")
    with ProcessPoolExecutor(2) as pool:
        for records, found in pool.map(rows_of, *zip(*parts, strict=True)):
            state.executemany("INSERT INTO parsed VALUES (?, ?, ?, ?, ?, ?)", records)
            state.executemany("INSERT INTO waiting VALUES (?, ?, ?, ?, ?)", found)
    everybody = "SELECT connection, object, id, {} FROM parsed"
    for statement in (
        "DROP INDEX ix_match_key_ref",
        "INSERT INTO match_key SELECT * FROM waiting ORDER BY 1, 2, 3, 4, 5",
        "CREATE INDEX ix_match_key_ref ON match_key (connection, object, id)",
        "INSERT INTO rekeyed " + everybody.format("1"),
        "INSERT INTO unlinked " + everybody.format("'', '[]'"),
        "INSERT OR REPLACE INTO counter VALUES ('rekeyed', 1)",
        "COMMIT",
    ):
        state.execute(statement)
    state.close()


def link_first(store: Store) -> None:
    """The first run over everybody, or beyond `WHOLE` over the filed companies."""
    work = work_on(store)
    with store.read() as tx:
        count, waiting = graph.count_parsed(tx), graph.unlinked_refs(tx)
        done, _ = graph.get_progress(tx, "bench")
        filed = sorted(ref for ref, role in graph.roles(tx).items() if role == "filed")
    if count <= 1.2 * WHOLE and waiting:
        with timed("  first run: everybody"):
            link(work)
    if count <= 1.2 * WHOLE:
        return
    if not done:
        with timed("  statistics counted and frozen"):
            frozen = _in_force(store) or _freeze(work)
        with store.begin() as tx:
            graph.set_progress(tx, "linked", 0, version_of(work, frozen))
            graph.mark_linked(tx, waiting)
    for start in range(done, len(filed), AT_ONCE):
        with store.begin() as tx:
            graph.mark_unlinked(tx, filed[start : start + AT_ONCE])
            graph.set_progress(tx, "bench", start + AT_ONCE, "")
        with timed(f"  {AT_ONCE} filed companies linked" + (", index built from the store" if not start else "")):
            link(work)


def _in_force(store: Store) -> Any:
    with store.read() as tx:
        return in_force(tx)


# --- changes ---------------------------------------------------------------------------------------------------------


def changed(store: Store, refs: Sequence[Ref], chance: Random) -> Iterator[Parsed]:
    """These accounts with another telephone and city."""
    with store.read() as tx:
        for _, _, content in graph.get_parsed(tx, refs):
            yield replace(Parsed.from_json(content), phone=f"+1555{chance.randrange(10**7):07d}", city="elsewhere")


def stage(store: Store, records: Iterable[Parsed]) -> None:
    """The accounts as they are now, as staging leaves them."""
    rows = [(record.ref, "direct", record.to_json(), keys(record)) for record in records]
    with store.begin() as tx:
        graph.mark_unlinked(tx, graph.put_parsed(tx, rows, PARSER_VERSION))


def show_changes(store: Store, chance: Random, everybody: Sequence[Ref]) -> None:
    """A thousand changes at once, hundreds, and one by one."""
    work = work_on(store)
    for count, times in ((1_000, 3), (100, 5), (1, 21)):
        taken = []
        for _ in range(times):
            stage(store, list(changed(store, chance.sample(everybody, count), chance)))
            begun = perf_counter()
            link(work)
            taken.append(perf_counter() - begun)
        shown = ", ".join(f"{seconds:.3f}" for seconds in sorted(taken)[:: max(1, times // 5)])
        print(f"  {count} changes, linked and committed: {shown} s", flush=True)


def run(folder: Path, count: int, seed: int) -> None:
    """All figures of one size."""
    print(f"\n{count} accounts, {count // 10} filed companies, seed {seed}", flush=True)
    if not (folder / "registrations.truth").exists():
        universe.write(folder, seed, count, count // 10, PARTS)
    database = folder / "state.db"
    if not database.exists():
        with timed("  state filled (read, parse, keys)"):
            fill(folder / "filling.db", folder)
            (folder / "filling.db").rename(database)
    gc.set_threshold(50_000)  # as the program does when it starts
    store = Store(f"sqlite:///{database}")
    link_first(store)
    with store.read() as tx:
        everybody = [ref for some in graph.ordered_refs(tx) for ref in some if ref.connection == "right"]
    chance = Random(perf_counter())
    show_changes(store, chance, everybody)
    index._OPEN.clear()
    stage(store, list(changed(store, chance.sample(everybody, 1_000), chance)))
    with timed("  another process: 1,000 changes, the index read from its file"):
        link(work_on(store))
    sizes = [path.stat().st_size / 1e6 for path in (database, database.with_name("state.db.index"))]
    print(f"  state {sizes[0]:.0f} MB, index file {sizes[1]:.0f} MB; {_resident()}", flush=True)
    store.close()


def _resident() -> str:
    """What the process holds now and held at most, and how much of it is mapped files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) // 1024 for line in lines if line.endswith(" kB")}
    return f"resident {found['VmRSS']} MB, of it {found['RssFile']} MB mapped files; at most {found['VmHWM']} MB"


def main() -> None:
    """Run every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "syncd-universe")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="one size, in this process")
    asked = parser.parse_args()
    for count in sorted(asked.accounts):
        if asked.alone:
            run(asked.folder / f"{count}-{asked.seed}", count, asked.seed)
            continue
        again = ("--alone", "--accounts", str(count), "--folder", str(asked.folder), "--seed", str(asked.seed))
        subprocess.run([sys.executable, "-m", "bench.linking_job", *again], check=True)


if __name__ == "__main__":
    main()
