"""Takes new exports into the shelf: each one once, in the order in which they came, the whole of it or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from typing import BinaryIO

import orjson

from syncd.connectors.files.cells import read_sheet
from syncd.connectors.files.folder import Folder, Found
from syncd.connectors.files.rows import Form, Read, Rows, Unread
from syncd.connectors.files.shelf import Shelf, handed_over, marks, micros
from syncd.errors import Brake, IncompleteRead, UserError

_BATCH = 500
_PIECE = 1 << 20

# An export that holds all records and is cut by a filter or a limit looks like a mass deletion.
_FEW = 20
_MOST_OF = 0.10


Known = dict[str, tuple[int, int, bytes]]
"""Name -> size, time and hash of an export when it was read."""


class Intake:
    """What is new in the folder for one object."""

    def __init__(self, folder: Folder, shelf: Shelf, form: Form, called: Callable[[], None]) -> None:
        self._folder, self._shelf, self._form, self._called = folder, shelf, form, called

    def look(self, wanted: Iterable[str], now: datetime) -> None:
        """Read every export that is new or was changed, for these native fields.

        Raises UserError for an export without one of them, IncompleteRead for one that is cut off, Brake for one that
        would delete many records, Retry when the folder cannot be reached. What was read before stays.
        """
        self._called()
        needed = frozenset(wanted)
        found = self._folder.found(self._form.said.files, now)
        with self._shelf.begin() as db:
            looked, columns = self._columns(db, needed)
            known = self._known(db)
        new = [one for one in found if known.get(one.name, ())[:2] != (one.size, one.changed)]
        for one in self._worth_reading(new, found, known):
            self._called()
            arrived = self._arrival(one, looked, now)
            with self._folder.opened(one) as file:
                self._take(one, file, known.get(one.name, (0, 0, b""))[2], needed, columns, arrived)
        with self._shelf.begin() as db:
            db.execute("UPDATE watch SET looked = ? WHERE object = ?", (micros(now), self._form.object))
        newest = self._shelf.newest(self._form.object)
        if newest is not None and (missing := needed - newest.columns):
            raise UserError(_missing(newest.name, missing))

    def _columns(self, db: sqlite3.Connection, needed: frozenset[str]) -> tuple[int, frozenset[str]]:
        """When the folder was looked at last, and the fields that the shelf keeps.

        A field that is new to it makes every export that is still there new as well.
        """
        row = db.execute("SELECT looked, columns FROM watch WHERE object = ?", (self._form.object,)).fetchone()
        looked, before = (row[0], frozenset(orjson.loads(row[1]))) if row else (0, frozenset[str]())
        columns = before | needed
        if columns != before or row is None:
            text = orjson.dumps(sorted(columns)).decode()
            db.execute("INSERT OR REPLACE INTO watch VALUES (?, ?, ?)", (self._form.object, looked, text))
            db.execute("UPDATE file SET changed = 0, hash = x'' WHERE object = ?", (self._form.object,))
        return looked, columns

    def _known(self, db: sqlite3.Connection) -> Known:
        query = "SELECT name, size, changed, hash FROM file WHERE object = ?"
        return {row[0]: row[1:] for row in db.execute(query, (self._form.object,))}

    def _worth_reading(self, new: Sequence[Found], found: Sequence[Found], known: Known) -> Sequence[Found]:
        """Of exports that hold everything only the newest says something, and never one older than what is known."""
        if not self._form.said.complete:
            return new
        newest = max((changed for _, changed, _ in known.values()), default=0)
        return [one for one in new if one is found[-1] and one.changed >= newest]

    def _arrival(self, one: Found, looked: int, now: datetime) -> int:
        """When an export came: its own time, unless it was not there when the folder was looked at after that.

        A file that is copied or unpacked can keep a time of long ago.
        """
        return one.changed if looked < one.changed <= micros(now) else micros(now)

    def _take(
        self, one: Found, file: BinaryIO, before: bytes, needed: frozenset[str], columns: frozenset[str], arrived: int
    ) -> None:
        digest = _hash(file)
        object_ = self._form.object
        if before == digest and not self._awaits_answer(arrived):
            with self._shelf.begin() as db:  # exported again with nothing changed: a sign of life, and no more
                query = "UPDATE file SET changed = ?, fresh = ? WHERE object = ? AND name = ?"
                db.execute(query, (one.changed, arrived, object_, one.name))
            return
        with read_sheet(file, one.name, self._form.said.sheet) as table, self._shelf.begin() as db:
            rows = Rows(table, one.name, self._form, columns)
            if missing := needed - rows.columns.keys():
                raise UserError(_missing(one.name, missing))
            arrived = self._arrived_before(db, one) or arrived
            _Taking(db, self._form, one, rows, arrived).all(self._folder.confirmed(one.name))
            texts = [orjson.dumps(said).decode() for said in (rows.headers.cells, sorted(rows.columns), table.notes)]
            values = (object_, one.name, one.size, one.changed, digest, arrived, arrived, *texts)
            db.execute(_REMEMBER, values)

    def _awaits_answer(self, arrived: int) -> bool:
        """Whether something was handed over before an export came, which then says whether it was imported."""
        query = "SELECT 1 FROM handed WHERE object = ? AND at < ? LIMIT 1"
        with self._shelf.begin() as db:
            return db.execute(query, (self._form.object, arrived)).fetchone() is not None

    def _arrived_before(self, db: sqlite3.Connection, one: Found) -> int | None:
        """When an export came that is read once more for other fields."""
        query = "SELECT arrived FROM file WHERE object = ? AND name = ? AND size = ? AND hash = x''"
        row = db.execute(query, (self._form.object, one.name, one.size)).fetchone()
        return int(row[0]) if row else None


class _Taking:
    """Takes the rows of one export, in one transaction."""

    def __init__(self, db: sqlite3.Connection, form: Form, one: Found, rows: Rows, arrived: int) -> None:
        self._db, self._form, self._one, self._rows, self._arrived = db, form, one, rows, arrived
        self._nameless = False

    def all(self, confirmed: bool) -> None:
        """Every row, and where the export holds everything the absence of every other record."""
        object_, name = self._form.object, self._one.name
        # an export that holds everything takes the place of all before it
        replaced = "object = ?" if self._form.said.complete else "object = ? AND name = ?"
        values = (object_,) if self._form.said.complete else (object_, name)
        self._db.execute(f"DELETE FROM unreadable WHERE {replaced}", values)  # noqa: S608
        self._db.execute("CREATE TEMP TABLE named (id TEXT PRIMARY KEY) WITHOUT ROWID")
        rows = iter(self._rows)
        while batch := list(islice(rows, _BATCH)):
            self._unread([row for row in batch if isinstance(row, Unread)])
            self._read([row for row in batch if isinstance(row, Read)])
        self._is_whole()
        if self._form.said.complete and not self._nameless:
            self._gone(confirmed)
        self._db.execute("DROP TABLE named")

    def _unread(self, rows: Sequence[Unread]) -> None:
        self._nameless = self._nameless or any(not row.id for row in rows)
        object_, name = self._form.object, self._one.name
        values = [(object_, name, self._arrived, r.id or f"{name}:{r.line}", f"{name}, {r.reason}.") for r in rows]
        self._db.executemany("INSERT INTO unreadable VALUES (?, ?, ?, ?, ?)", values)
        self._name(row.id for row in rows if row.id)

    def _name(self, ids: Iterable[str]) -> None:
        if self._form.said.complete:
            self._db.executemany("INSERT OR IGNORE INTO named VALUES (?)", ((id_,) for id_ in ids))

    def _read(self, rows: Sequence[Read]) -> None:
        self._name(row.id for row in rows)
        newest: dict[str, Read] = {}
        for row in rows:
            before = newest.get(row.id)
            if before is None or before.stamp is None or row.stamp is None or row.stamp >= before.stamp:
                newest[row.id] = row
        self._readable_now(list(newest))
        known, unanswered = self._known(list(newest)), self._unanswered(newest)
        changed, touched = [], []
        for id_, row in newest.items():
            stamp = micros(row.stamp) if row.stamp is not None else self._arrived
            cells = b"{}" if row.deleted else orjson.dumps(row.cells, option=orjson.OPT_SORT_KEYS)
            digest = blake2b(cells, digest_size=16).digest()
            known_stamp, known_digest, known_deleted = known.get(id_, (-1, b"", 0))
            absent_before = self._form.said.complete and known_deleted  # its own stamp knows nothing of that
            if self._rows.has_stamps and stamp < known_stamp and not absent_before:
                continue  # an older export, put into the folder late
            if (digest, row.deleted) != (known_digest, bool(known_deleted)) or id_ in unanswered:
                changed.append((self._form.object, id_, stamp, cells.decode(), digest, row.deleted, self._arrived))
            elif self._rows.has_stamps:
                touched.append((stamp, self._form.object, id_))
        self._db.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", changed)
        self._db.executemany("UPDATE record SET stamp = ? WHERE object = ? AND id = ?", touched)

    def _readable_now(self, ids: Sequence[str]) -> None:
        """These could be read here, whatever another export said of them."""
        query = f"DELETE FROM unreadable WHERE object = ? AND name <> ? AND id IN ({marks(ids)})"  # noqa: S608
        self._db.execute(query, (self._form.object, self._one.name, *ids))

    def _known(self, ids: Sequence[str]) -> dict[str, tuple[int, bytes, int]]:
        query = f"SELECT id, stamp, digest, deleted FROM record WHERE object = ? AND id IN ({marks(ids)})"  # noqa: S608
        return {row[0]: row[1:] for row in self._db.execute(query, (self._form.object, *ids))}

    def _unanswered(self, rows: dict[str, Read]) -> set[str]:
        """The records of which this export shows something else than was handed over before it came.

        It answers: what it does not show was not imported, and is handed over again.
        """
        different = set()
        handed = handed_over(self._db, self._form.object, list(rows), before=self._arrived)
        for id_, fields in handed.items():
            shown = rows[id_].cells
            answered = {field: value for field, value in fields.items() if field in shown}
            if any((shown[field] or None) != (value or None) for field, value in answered.items()):
                different.add(id_)
            query = "DELETE FROM handed WHERE object = ? AND id = ? AND field = ?"
            self._db.executemany(query, [(self._form.object, id_, field) for field in answered])
        return different

    def _is_whole(self) -> None:
        told = self._one.told
        if why := self._rows.cut_off:
            raise IncompleteRead(f"{self._one.name} is cut off: {why}. Export it again.")
        if told is not None and told != self._rows.count:
            name, count = self._one.name, self._rows.count
            raise IncompleteRead(f"{name} holds {count} records where its .done file says {told}. Export it again.")

    def _gone(self, confirmed: bool) -> None:
        object_ = self._form.object
        absent = "object = ? AND deleted = 0 AND id NOT IN (SELECT id FROM named)"
        gone = self._db.execute(f"SELECT COUNT(*) FROM record WHERE {absent}", (object_,)).fetchone()[0]  # noqa: S608
        query = "SELECT COUNT(*) FROM record WHERE object = ? AND deleted = 0"
        there = self._db.execute(query, (object_,)).fetchone()[0]
        nothing = gone > 1 and not self._rows.count
        if (nothing or gone > max(_FEW, _MOST_OF * there)) and not confirmed:
            raise Brake(
                f"{self._one.name} lacks {gone} of {there} known records of {object_}; as a complete export it would "
                f"delete them. If that is right, put an empty file {self._one.name}.confirmed beside it; otherwise "
                "replace the export."
            )
        values = (self._arrived, self._arrived, blake2b(b"{}", digest_size=16).digest(), object_)
        change = "deleted = 1, cells = '{}', arrived = ?, stamp = MAX(stamp, ?), digest = ?"
        self._db.execute(f"UPDATE record SET {change} WHERE {absent}", values)  # noqa: S608


_REMEMBER = """
INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET size = excluded.size,
    changed = excluded.changed, hash = excluded.hash, arrived = excluded.arrived, fresh = MAX(fresh, excluded.fresh),
    headers = excluded.headers, columns = excluded.columns, notes = excluded.notes
"""


def _hash(file: BinaryIO) -> bytes:
    digest = blake2b(digest_size=16)
    while piece := file.read(_PIECE):
        digest.update(piece)
    file.seek(0)
    return digest.digest()


def _missing(name: str, missing: Iterable[str]) -> str:
    shown = ", ".join(sorted(missing))
    return f"{name} has no column for {shown}. Add it to the export, name its header under `columns`, or unmap it."
