"""Backup and check-up of the state database, beside a daemon that is at work."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from syncd.errors import Stop, UserError
from syncd.store.database import HEAD, Store
from syncd.store.tables import metadata

Progress = Callable[[int, int], None]
"""Told how many pages are copied, of how many."""

_PAGES_AT_ONCE = 2_000
"""Between two steps a daemon may write: 32 MB take some tens of milliseconds."""


def backup(store: Store, to: Path, progress: Progress | None = None) -> int:
    """Copy the whole state, as of one moment, to a new file; returns its size in bytes.

    SQLite's own online copy, or `pg_dump` in its custom format. The file appears under its name only when it is whole.
    Raises UserError when the file exists or `pg_dump` is not there, Stop when the copy is not sound.
    """
    if to.exists():
        raise UserError(f"{to} exists. A backup never overwrites one: name another file, such as one with the date.")
    if not to.parent.is_dir():
        raise UserError(f"There is no folder {to.parent}.")
    part = to.with_name(to.name + ".part")
    part.unlink(missing_ok=True)
    try:
        if store.path is not None:
            _copy(store.path, part, progress)
        else:
            _dump(store.url, part)
        os.chmod(part, 0o600)
        _on_disk(part)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return to.stat().st_size


def _copy(path: Path, part: Path, progress: Progress | None) -> None:
    def tell(status: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source, closing(sqlite3.connect(part)) as copy:
        try:
            source.backup(copy, pages=_PAGES_AT_ONCE, progress=tell, sleep=0.005)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            found = str(error)
    if found != "ok":
        raise Stop(f"The copy is not sound: {found}. Run  syncd db check.")


def _dump(url: sa.URL, part: Path) -> None:
    program = shutil.which("pg_dump")
    plain = url.set(drivername="postgresql", password=None)
    if program is None:
        raise UserError(
            "pg_dump is not installed here. Install PostgreSQL's client programs, or run where they are:  "
            f"pg_dump --format=custom --file=syncd.dump {plain.render_as_string()}"
        )
    # the password goes through the environment: a command line is for everybody to read
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    command = [program, "--format=custom", "--no-owner", f"--file={part}", plain.render_as_string()]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Stop(f"pg_dump failed: {done.stderr.strip()}")


def _on_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def troubles(store: Store) -> Iterator[str]:
    """What is wrong with the database itself: a damaged file, another schema, missing tables, columns or indexes."""
    found = store.revision()
    if found is None:
        yield f"There is no state in {store.shown_url} yet. Create it with  syncd db upgrade."
        return
    if found != HEAD:
        yield f"{store.shown_url} has schema {found}, this syncd works with {HEAD}. Run  syncd db upgrade."
    with store.read(long=True) as tx:
        if store.is_sqlite:
            yield from _damage(tx)
        yield from _lacking(tx)


def _damage(tx: sa.Connection) -> Iterator[str]:
    try:
        said = [row[0] for row in tx.exec_driver_sql("PRAGMA integrity_check(20)")]
    except sa.exc.DatabaseError as error:  # it may be too damaged to be checked to the end
        said = [str(error.orig)]
    for one in said:
        if one != "ok":
            yield f"The file is damaged: {one}. Restore the last backup; what came since is pulled again."
    mode = tx.exec_driver_sql("PRAGMA journal_mode").scalar()
    if mode != "wal":
        yield f"The file's journal is in mode {mode}, not wal: was it copied from elsewhere? Opening it sets it right."


def _lacking(tx: sa.Connection) -> Iterator[str]:
    inspector = sa.inspect(tx)
    there = set(inspector.get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in there:
            yield f"Table {table.name} is missing. `syncd db upgrade` does not bring it back; restore a backup."
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in columns:
                yield f"Column {table.name}.{column.name} is missing. Restore a backup."
        names = {index["name"] for index in inspector.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in names:
                kind = "what keeps it unique" if index.unique else "an index"
                yield f"{index.name} of table {table.name} is missing, {kind}. Restore a backup."
