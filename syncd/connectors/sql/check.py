"""Finds out whether the tables have everything that is mapped, and what this user may see and write of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy import exc

from syncd.connectors.sql.tables import Known, no_column
from syncd.model import MissingField, ObjectAccess, ReadSpec


def read_problems(known: Known, spec: ReadSpec) -> Iterator[str]:
    """What keeps one stream from being read."""
    for name in dict.fromkeys([*spec.fields, *spec.where]):
        if name not in known.table.c:
            yield MissingField(no_column(known, name), spec.object, name)
    if spec.associations:
        yield f"{spec.object}: tables have no associations. Map the column that holds the id instead."


def write_problems(known: Known, fields: Sequence[str]) -> Iterator[str]:
    """What keeps columns of one table from being written."""
    for name in dict.fromkeys(fields):
        if name not in known.table.c:
            yield MissingField(no_column(known, name), known.object, name)
        elif name not in known.writable:
            yield f"{known.object}.{name} may not be written. Add it to `write` in the settings if that is meant."


def unstamped(db: sa.Connection, known: Known) -> Iterator[str]:
    """Rows whose changes no window can see, because they have no stamp."""
    query = sa.select(sa.func.count()).select_from(known.table).where(known.stamp.is_(None))
    if count := db.execute(query).scalar_one():
        names = ", ".join(column.name for column in known.stamps)
        yield f"{count} rows of {known.object} have no {names}; their changes are not seen. Fill it, or name another."


def access(db: sa.Connection, known: Known) -> ObjectAccess:
    """What is visible of one table."""
    query = sa.select(sa.func.count()).select_from(known.table).where(*known.is_there())
    records = int(db.execute(query).scalar_one())
    if known.is_view:
        evidence = f"{known.table.name} is a view; what it leaves out cannot be told."
        return ObjectAccess(known.object, None, evidence, records)
    hidden = _rows_hidden(db, known.table)
    evidence = {
        True: "Row-level security applies to this user: rows may be hidden.",
        False: "No rule of the database hides rows of this table from this user.",
        None: "This database does not tell whether rows are hidden from this user.",
    }[hidden]
    return ObjectAccess(known.object, None if hidden is None else not hidden, evidence, records)


def _rows_hidden(db: sa.Connection, table: sa.Table) -> bool | None:
    """Whether some rule decides which rows this user sees; None where the database cannot be asked."""
    if db.dialect.name == "sqlite":
        return False
    if db.dialect.name != "postgresql":
        return None
    name = db.dialect.identifier_preparer.format_table(table)
    try:
        with db.begin_nested():
            return bool(db.execute(sa.select(sa.func.row_security_active(name))).scalar_one())
    except exc.DBAPIError:
        return None
