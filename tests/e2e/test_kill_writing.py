"""A daemon killed with SIGKILL while it writes, several times in a row: both CRMs and the ledger end as if it was not.

The CRMs equal the recomputation by hand, the ledger equals the emulators' own log of changes, each change once.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.demo.universe import Summary

from .conftest import Postgres
from .harness import Stage, stage
from .test_kill import SMALL, assert_nothing_doubled, come_to_rest, let_the_lease_run_out
from .test_story import assert_shows

LIVES = 4
"""Deaths in one history."""
COUNTED, DEEP = 5, 50
STRETCH = 10
"""A life passes at most so many boundaries; all lives together fewer than a write-back of the small universe has."""
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(280)


def deaths(history: int) -> list[int]:
    """After how many boundaries each life of a history ends."""
    chance = random.Random(f"write-back {history}")
    return [chance.randint(1, STRETCH) for _ in range(LIVES)]


def live(on: Stage, boundary: int, folder: Path) -> str:
    """One life of the daemon; where it ended."""
    tells = folder / "died"
    command = [sys.executable, "-m", "tests.e2e.dying", str(on.cli.config), str(boundary), str(tells)]
    environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()} | {"SYNCD_ACTOR": "tester"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr[-3000:]
    return tells.read_text()


def killed_again_and_again(history: int, small: SMALL, folder: Path, database: str = "") -> list[str]:
    """The labels of the deaths, after everything was found right."""
    where = {"database": database} if database else {}
    with stage(*small, folder / "state", settle_writes_after="1s", **where) as on:
        on.cli.config.write_text(on.cli.config.read_text() + "schedule: {every: 1s}\n")
        facts, ended = on.read(), []
        for boundary in deaths(history):
            ended.append(live(on, boundary, folder))
            if database:
                let_the_lease_run_out(database)
        come_to_rest(on)
        assert_shows(on, on.oracle(facts).recompute(), facts)
        assert_nothing_doubled(on)
        assert on.cli.json("ledger", "verify")["ok"]
    print(ended)
    return ended


def on_each(history: int, small: SMALL, folder: Path, postgres: Postgres) -> None:
    database = postgres.database() if history % 2 else ""
    ended = killed_again_and_again(history, small, folder, database)
    assert ended[0] != "idle", "the first life has everything to write"


@pytest.mark.counts
@pytest.mark.parametrize("history", range(COUNTED))
def test_killed_twenty_times_while_it_writes(history: int, small: SMALL, tmp_path: Path, postgres: Postgres) -> None:
    on_each(history, small, tmp_path, postgres)


@pytest.mark.deep
@pytest.mark.parametrize("history", range(COUNTED, COUNTED + DEEP))
def test_killed_two_hundred_times_while_it_writes(
    history: int, small: tuple[Path, Summary], tmp_path: Path, postgres: Postgres
) -> None:
    on_each(history, small, tmp_path, postgres)
