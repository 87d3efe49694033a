"""Opens the state database and begins its transactions, the same way on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from syncd.errors import Stop, UserError
from syncd.store import leases

HEAD = "0004"
"""The schema revision this code works with; the newest file in `migrations/versions`."""

_BUSY_MS = 30_000
_PRAGMAS = (
    "page_size=16384",  # of a new file: a first pull, whose keys come in no order, takes a sixth less than with 4,096
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={_BUSY_MS}",
    "cache_size=-32768",  # KiB; keys come in no order, and a small cache is read and written over and over
    "wal_autocheckpoint=4000",  # pages: 64 MB
)
_ASK_AGAIN_SECONDS = 0.003
_NETWORK_FILESYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "afs"}


def _prepare_sqlite(engine: sa.Engine, *, immediate: bool) -> None:
    """WAL with synchronous=FULL loses nothing at power loss; BEGIN IMMEDIATE because an upgrade from reading to
    writing fails at once in spite of a busy timeout."""

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("eager"):
            _begin_eagerly(connection)
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _begin_eagerly(connection: sa.Connection) -> None:
    """Take the write lock between two transactions of a busy daemon.

    SQLite's own waiting asks ever more seldom, up to ten times a second, and there is no queue: a person could wait
    for seconds while pages come in.
    """
    until = time.monotonic() + _BUSY_MS / 1000
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except sa.exc.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(_ASK_AGAIN_SECONDS)
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_MS}")


def _engine(url: sa.URL, *, immediate: bool) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(
            url, hide_parameters=True, connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000}
        )
        _prepare_sqlite(engine, immediate=immediate)
        return engine
    try:
        return sa.create_engine(
            url,
            pool_pre_ping=True,
            hide_parameters=True,  # errors must not carry what the records say
            connect_args={
                "options": "-c timezone=UTC -c lock_timeout=30s -c idle_in_transaction_session_timeout=60s",
                "keepalives_idle": 20,
            },
        )
    except ModuleNotFoundError as error:
        raise UserError(
            'PostgreSQL needs the extra "postgres": install it with  pip install "syncd[postgres]".'
        ) from error


class Store:
    """The state database. One writer at a time on SQLite; every transaction is short and holds no call to a CRM."""

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._writing = _engine(self.url, immediate=True)
        self._reading = _engine(self.url, immediate=False) if self.is_sqlite else self._writing
        self._lock_file: BinaryIO | None = None
        self.lease: leases.Lease | None = None

    @property
    def path(self) -> Path | None:
        """The file of an SQLite database, None elsewhere."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction that may write. Holding a lease, it first proves that the lease is still ours (LeaseLost)."""
        with self._writing.begin() as tx:
            if self.lease is not None:
                self.lease = leases.prove(tx, self.lease)
            yield tx

    @contextmanager
    def append(self) -> Iterator[sa.Connection]:
        """A transaction that only adds facts, allowed beside a running daemon: a person's decision."""
        with self._writing.connect().execution_options(eager=True) as tx, tx.begin():
            yield tx

    @contextmanager
    def read(self, *, long: bool = False) -> Iterator[sa.Connection]:
        """A transaction that only reads, and never waits for a writer; a `long` one may compute between two reads."""
        with self._reading.connect() as tx:
            if long and not self.is_sqlite:
                tx.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield tx

    def close(self) -> None:
        """Give the daemon role back and close every connection."""
        self.leave()
        self._writing.dispose()
        self._reading.dispose()

    # --- the daemon role ---------------------------------------------------------------------------------------

    def enter(self, holder: str) -> None:
        """Take the daemon role: only one process at a time changes anything but decisions.

        Raises Stop naming the present holder when the role is taken.
        """
        if self.is_sqlite:
            self._lock()
        with self._writing.begin() as tx:
            # the file lock proves that whoever held the lease on this file is gone
            lease = leases.take(tx, "daemon", holder, force=self.is_sqlite)
            if lease is None:
                raise Stop(f"Another daemon works on this database: {leases.holder(tx, 'daemon')}.")
            self.lease = lease

    def keep(self) -> None:
        """Renew the daemon role, for the time in which no transaction does. Raises LeaseLost."""
        if self.lease is not None:
            with self.begin():
                pass

    def leave(self) -> None:
        """Give the daemon role back, so that a successor need not wait."""
        if self.lease is not None:
            with self._writing.begin() as tx:
                leases.release(tx, self.lease)
            self.lease = None
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def _lock(self) -> None:
        import fcntl

        assert self.path is not None
        if filesystem(self.path) in _NETWORK_FILESYSTEMS:
            raise UserError(f"{self.path} lies on a network file system, where SQLite is not safe. Use a local disk.")
        handle = open(self.path.with_name(self.path.name + ".lock"), "a+b")  # noqa: SIM115 - held while we have the role
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            who = handle.read(200).decode(errors="replace").strip()
            handle.close()
            raise Stop(f"Another syncd works on {self.path} ({who}). Decisions can still be made beside it.") from error
        handle.truncate(0)
        handle.write(f"process {os.getpid()}".encode())
        handle.flush()
        self._lock_file = handle

    # --- the schema --------------------------------------------------------------------------------------------

    def revision(self) -> str | None:
        """The schema revision of the database, None when it is empty."""
        with self._reading.connect() as tx:
            if not sa.inspect(tx).has_table("alembic_version"):
                return None
            return tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()

    def require_schema(self) -> None:
        """Raises UserError unless the schema is the one this code works with."""
        found = self.revision()
        if found is None:
            raise UserError(f"There is no state in {self.shown_url} yet. Create it with  syncd db upgrade.")
        if found != HEAD:
            raise UserError(f"{self.shown_url} has schema {found}, this syncd needs {HEAD}. Run  syncd db upgrade.")

    def upgrade(self) -> None:
        """Bring the schema to the newest revision; does nothing when it is there."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._writing.begin() as tx:
            config.attributes["connection"] = tx
            command.upgrade(config, "head")

    @property
    def shown_url(self) -> str:
        """The address without its password."""
        return self.url.render_as_string(hide_password=True)


def filesystem(path: Path) -> str:
    """The type of the file system that `path` lies on, as the kernel names it; empty where it cannot be told."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return ""
    target = str(path.resolve())
    within = [(m[1], m[2]) for m in mounts if target == m[1] or target.startswith(m[1].rstrip("/") + "/")]
    return max(within, key=lambda m: len(m[0]), default=("", ""))[1]
