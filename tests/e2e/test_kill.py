"""Killed at any moment and started again, the daemon ends where an unkilled one does, and nothing is written twice."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from syncd.demo.universe import Summary

from .conftest import Postgres
from .harness import Stage, stage, stamp_fields

SMALL = tuple[Path, Summary]
DICE = random.Random("ten moments")
MOMENTS = [
    *(("requests", (i + DICE.random()) / 5, DICE.uniform(0, 0.03)) for i in range(5)),
    *(("changes", (i + DICE.random()) / 5, DICE.uniform(0, 0.002)) for i in range(5)),
]
"""Kill after this share of the unkilled run's requests, or of its changes in the CRMs, and so many seconds."""


def moments(always: set[int], also: set[int]) -> list[Any]:
    """The moments to be tried: some each time, the rest with the large counts."""
    return [pytest.param(n, marks=() if n in always else pytest.mark.counts) for n in sorted(always | also)]


@dataclass(frozen=True)
class Ended:
    """What an unkilled run did and left behind."""

    requests: int
    changes: int
    shown: dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def unkilled(small: SMALL, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    with stage(*small, tmp_path_factory.mktemp("unkilled"), settle_writes_after="1s") as on:
        before = len(on.emulator.requests)
        on.cli.sync()
        assert_nothing_doubled(on)
        return Ended(len(on.emulator.requests) - before, len(on.emulator.journal.changes), shown(on))


@pytest.mark.parametrize("moment", moments({2, 7}, set(range(len(MOMENTS)))))
def test_killed_and_started_again_it_ends_in_the_same_state(
    moment: int, small: SMALL, unkilled: Ended, tmp_path: Path
) -> None:
    with stage(*small, tmp_path / "state", settle_writes_after="1s") as on:
        kill_at(on, unkilled, *MOMENTS[moment])
        come_to_rest(on)
        assert_same_end(on, unkilled)


@pytest.mark.parametrize("moment", moments({6}, {1, 9}))
def test_killed_on_postgresql_it_ends_in_the_same_state(
    moment: int, small: SMALL, unkilled: Ended, tmp_path: Path, postgres: Postgres
) -> None:
    database = postgres.database()
    with stage(*small, tmp_path / "state", settle_writes_after="1s", database=database) as on:
        kill_at(on, unkilled, *MOMENTS[moment])
        let_the_lease_run_out(database)
        come_to_rest(on)
        assert_same_end(on, unkilled)


def kill_at(on: Stage, unkilled: Ended, what: str, share: float, seconds: float) -> None:
    """SIGKILL the daemon at its moment."""
    log = getattr(on.emulator.journal, what)
    so_far, total = len(log), getattr(unkilled, what)
    process = on.cli.start("sync", "--json")
    while process.poll() is None and len(log) - so_far < max(1, share * total):
        time.sleep(0.0005)
    time.sleep(seconds)
    process.kill()
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, "it was through before it could be killed"


def let_the_lease_run_out(database: str) -> None:
    """What thirty seconds of waiting would do: the killed daemon's lease is over."""
    engine = sa.create_engine(database)
    with engine.begin() as tx:
        if sa.inspect(tx).has_table("lease"):
            tx.execute(sa.text("UPDATE lease SET expires_at = 0"))
    engine.dispose()


def come_to_rest(on: Stage) -> None:
    """Start it again; writes without an answer may be read back a second after they were sent."""
    for _ in range(5):
        report = on.cli.sync(codes=(0, 3))
        written = report["written"].values()
        if not any(one["unknown"] or one["retry"] or one["not_arrived"] for one in written):
            return
        time.sleep(1.0)
    raise AssertionError(f"it does not come to rest: {report}")


def shown(on: Stage) -> dict[tuple[str, str], dict[str, Any]]:
    """What both CRMs show of ours; when it was decided does not count."""
    raw, found = on.read(), {}
    for kind, rows in (raw.salesforce | {"deals": raw.hubspot["deals"]}).items():
        if kind == "User":
            continue
        fields = [native for name, native in stamp_fields(on.cli.config, kind).items() if name != "as_of"]
        fields += ["Channel_Owner__c"] if kind == "Opportunity" else []
        for row in rows:
            found[kind, row.get("Id") or row["id"]] = {field: row[field] for field in fields}
    return found


def assert_same_end(on: Stage, unkilled: Ended) -> None:
    now = shown(on)
    different = {key: (value, now[key]) for key, value in unkilled.shown.items() if now[key] != value}
    assert not different
    assert_nothing_doubled(on)
    assert on.cli.json("ledger", "verify")["ok"]


def assert_nothing_doubled(on: Stage) -> None:
    """No field was changed twice, no write found its value there already, and the ledger tells every change once."""
    twice = {c: n for c, n in Counter((c.object, c.id, c.field) for c in on.ours()).items() if n > 1}
    assert not twice
    assert not [r for r in on.emulator.redundant if not on.is_heartbeat(r.object, r.id)]
    assert Counter(ledger_of_writes(on)) == Counter((c.object, c.id, c.field) for c in on.ours())


def ledger_of_writes(on: Stage) -> list[tuple[str, str, str]]:
    """(object, id, field) of every effective change in the ledger."""
    found = []
    for entry in on.cli.ledger():
        if entry["kind"] == "write":
            _, kind, id_ = entry["ref"].split("/")
            found += [(kind, id_, field) for field in entry["after"] if entry["after"][field] != entry["before"][field]]
    return found
