"""Keeps what the exports said, in a file of its own: each export is read once, and each record is found by its id.

It is a copy. Whatever happens to it, delete it, and it is made again from the exports that are still in the folder.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from syncd.errors import Retry, UserError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_VERSION = 1
_TABLES = """
CREATE TABLE watch (object TEXT PRIMARY KEY, looked INTEGER NOT NULL, columns TEXT NOT NULL);
CREATE TABLE file (
    object TEXT, name TEXT, size INTEGER NOT NULL, changed INTEGER NOT NULL, hash BLOB NOT NULL,
    arrived INTEGER NOT NULL, fresh INTEGER NOT NULL, headers TEXT NOT NULL, columns TEXT NOT NULL, notes TEXT NOT NULL,
    PRIMARY KEY (object, name)
);
CREATE TABLE record (
    object TEXT, id TEXT, stamp INTEGER NOT NULL, cells TEXT NOT NULL, digest BLOB NOT NULL, deleted INTEGER NOT NULL,
    arrived INTEGER NOT NULL, PRIMARY KEY (object, id)
) WITHOUT ROWID;
CREATE INDEX record_arrived ON record (object, arrived, id);
CREATE TABLE unreadable (object TEXT, name TEXT, arrived INTEGER NOT NULL, id TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE handed (
    object TEXT, id TEXT, field TEXT, value TEXT, at INTEGER NOT NULL, PRIMARY KEY (object, id, field)
) WITHOUT ROWID;
CREATE TABLE import_file (name TEXT PRIMARY KEY);
"""
_DROP = "".join(
    f"DROP TABLE IF EXISTS {name};" for name in ("watch", "file", "record", "unreadable", "handed", "import_file")
)
_MOST_MARKS = 500

Filter = Mapping[str, Sequence[str]]


def micros(moment: datetime) -> int:
    """A moment as the shelf keeps it: microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(value: int) -> datetime:
    """The moment that `micros` was given."""
    return _EPOCH + timedelta(microseconds=value)


@dataclass(frozen=True, slots=True)
class Kept:
    """One record as the newest export that names it has it, with what was handed over since."""

    id: str
    stamp: datetime
    cells: dict[str, Any]
    deleted: bool
    arrived: int


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest export of one object: its name, when it came, its headers, and the fields found in it."""

    name: str
    fresh: datetime
    headers: list[str]
    columns: frozenset[str]
    notes: tuple[str, ...]


class Shelf:
    """One file of SQLite. Safe to share between threads: each use opens it for itself."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def begin(self) -> Iterator[sqlite3.Connection]:
        """A transaction that writes; all of it is kept, or nothing."""
        with self._opened() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.rollback()
                raise
            db.commit()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            self._make_file()
            with closing(sqlite3.connect(self._path, timeout=30.0, isolation_level=None)) as db:
                _prepare(db)
                yield db
        except OSError as error:
            raise UserError(f"{self._path} cannot be written ({error.strerror}). Name another `work` folder.") from None
        except sqlite3.OperationalError as error:
            raise Retry(f"{self._path} is in use ({error}).") from None
        except sqlite3.DatabaseError as error:
            raise UserError(f"{self._path} is damaged ({error}). Delete it; it is made again.") from None

    def _make_file(self) -> None:
        """It holds what the exports hold, so nobody else may read it."""
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))

    # --- reading

    def page(
        self, object_: str, where: Filter, within: tuple[int | None, int], after: tuple[int, str] | None, limit: int
    ) -> tuple[list[Kept], int]:
        """Records that arrived within two times, in the order of arrival and id, and how many there are from there."""
        conditions, values = _conditions(object_, where)
        for text, bound in (("arrived >= ?", within[0]), ("arrived <= ?", within[1])):
            if bound is not None:
                conditions.append(text)
                values.append(bound)
        if after is not None:
            conditions.append("(arrived, id) > (?, ?)")
            values += after
        return self._some(conditions, values, "arrived, id", limit)

    def everything(self, object_: str, where: Filter, after: str | None, limit: int) -> tuple[list[Kept], int]:
        """Records in the order of their ids, deleted ones included, and how many there are from there."""
        conditions, values = _conditions(object_, where)
        if after is not None:
            conditions.append("id > ?")
            values.append(after)
        return self._some(conditions, values, "id", limit)

    def count(self, object_: str, where: Filter) -> int:
        """How many records are not deleted."""
        conditions, values = _conditions(object_, where)
        with self._opened() as db:
            return _count(db, [*conditions, "deleted = 0"], values)

    def by_id(self, object_: str, ids: Sequence[str]) -> list[Kept]:
        """The records with these ids, as far as an export has named them."""
        kept: list[Kept] = []
        for start in range(0, len(ids), _MOST_MARKS):
            some = ids[start : start + _MOST_MARKS]
            kept += self._some(["object = ?", f"id IN ({marks(some)})"], [object_, *some], "id", len(some))[0]
        return kept

    def unreadable(self, object_: str, within: tuple[int | None, int] = (None, 2**62)) -> tuple[tuple[str, str], ...]:
        """What could not be read of the exports that arrived within two times, with why."""
        query = "SELECT id, reason FROM unreadable WHERE object = ? AND arrived >= ? AND arrived <= ? ORDER BY rowid"
        with self._opened() as db:
            return tuple(db.execute(query, (object_, within[0] or 0, within[1])).fetchall())

    def newest(self, object_: str) -> Newest | None:
        """The newest export of an object, None where none has come."""
        query = "SELECT name, fresh, headers, columns, notes FROM file WHERE object = ? ORDER BY fresh DESC, name DESC"
        with self._opened() as db:
            row = db.execute(query, (object_,)).fetchone()
        if row is None:
            return None
        headers, columns, notes = (orjson.loads(text) for text in row[2:])
        return Newest(row[0], moment_of(row[1]), headers, frozenset(columns), tuple(notes))

    def import_files(self) -> int:
        """How many import files were ever put down, so that no two have one name."""
        with self._opened() as db:
            return int(db.execute("SELECT COUNT(*) FROM import_file").fetchone()[0])

    def _some(self, conditions: Sequence[str], values: Sequence[Any], order: str, limit: int) -> tuple[list[Kept], int]:
        where = " AND ".join(conditions)
        query = f"SELECT object, id, stamp, cells, deleted, arrived FROM record WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608
        with self._opened() as db:
            found = db.execute(query, (*values, limit)).fetchall()
            count = len(found) if len(found) < limit else _count(db, conditions, values)
            handed = handed_over(db, found[0][0], [row[1] for row in found]) if found else {}
        return [
            Kept(id_, moment_of(stamp), orjson.loads(cells) | handed.get(id_, {}), bool(deleted), arrived)
            for _, id_, stamp, cells, deleted, arrived in found
        ], count


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes is read again
    if db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
        db.executescript(f"BEGIN IMMEDIATE; {_DROP} {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;")


def _conditions(object_: str, where: Filter) -> tuple[list[str], list[Any]]:
    """The object, and the filter: an empty field counts as a blank text, and of a deleted record nothing is known."""
    conditions, values = ["object = ?"], [object_]
    for field, allowed in where.items():
        conditions.append(f"(deleted OR COALESCE(json_extract(cells, ?), '') IN ({marks(allowed)}))")
        values += [f'$."{field}"', *allowed]
    return conditions, values


def _count(db: sqlite3.Connection, conditions: Sequence[str], values: Sequence[Any]) -> int:
    query = f"SELECT COUNT(*) FROM record WHERE {' AND '.join(conditions)}"  # noqa: S608 (our own words and marks)
    return int(db.execute(query, values).fetchone()[0])


def marks(values: Sequence[Any]) -> str:
    """As many question marks as there are values."""
    return ",".join("?" * len(values))


def columns_of(db: sqlite3.Connection, object_: str) -> tuple[str, ...]:
    """The native fields that the shelf keeps of an object."""
    row = db.execute("SELECT columns FROM watch WHERE object = ?", (object_,)).fetchone()
    return tuple(orjson.loads(row[0])) if row else ()


def handed_over(
    db: sqlite3.Connection, object_: str, ids: Sequence[str], before: int = 2**62
) -> dict[str, dict[str, Any]]:
    """What was handed over for these records before a time, and no later export has answered, by id and field."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ids), _MOST_MARKS):
        some = ids[start : start + _MOST_MARKS]
        query = f"SELECT id, field, value FROM handed WHERE object = ? AND at < ? AND id IN ({marks(some)})"  # noqa: S608
        for id_, field, value in db.execute(query, (object_, before, *some)):
            found.setdefault(id_, {})[field] = value
    return found


def note_handed(
    db: sqlite3.Connection, name: str, object_: str, at: int, rows: Iterable[tuple[str, Mapping[str, str | None]]]
) -> None:
    """Remember what an import file says, once."""
    db.execute("INSERT OR IGNORE INTO import_file VALUES (?)", (name,))
    db.executemany(
        "INSERT INTO handed VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at "
        "WHERE excluded.at >= handed.at",
        [(object_, id_, field, value, at) for id_, fields in rows for field, value in fields.items()],
    )
