"""The tables that the settings name, as the database has them: every name that is queried is one that it told us."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import exc

from syncd.connectors.sql import values
from syncd.errors import UserError
from syncd.mapping.convert import Unfit
from syncd.model import ReadSpec, Window
from syncd.settings.sources import SqlTable


@dataclass(frozen=True, slots=True)
class Known:
    """One object's table or view."""

    object: str
    table: sa.Table
    id: sa.Column[Any]
    stamps: tuple[sa.Column[Any], ...]
    deleted: sa.Column[Any] | None
    writable: frozenset[str]
    is_view: bool
    zone: ZoneInfo

    @property
    def stamp(self) -> sa.ColumnElement[Any]:
        """When a row was changed last: the first of its stamps that is not empty."""
        return self.stamps[0] if len(self.stamps) == 1 else sa.func.coalesce(*self.stamps)

    def column(self, name: str) -> sa.Column[Any]:
        """A column by its name. Raises UserError."""
        if (found := self.table.c.get(name)) is None:
            raise UserError(f"{no_column(self, name)}")
        return found

    def bounds(self, window: Window) -> tuple[datetime | None, datetime]:
        """The ends of a window as the stamps are kept.

        Where the clocks of the zone went back within it, stamps without a zone run over the same hour twice: then both
        ends reach as far as they must to hold every row of it.
        """
        first = self.stamps[0]
        upper = values.in_column(first, window.upper, self.zone)
        if window.lower is None:
            return None, upper
        lower = values.in_column(first, window.lower, self.zone)
        if not values.knows_zone(first):
            back = _offset(window.lower, self.zone) - _offset(window.upper, self.zone)
            lower, upper = (lower - back, upper + back) if back.total_seconds() > 0 else (lower, upper)
        return lower, upper

    def filters(self, spec: ReadSpec) -> list[sa.ColumnElement[bool]]:
        """The conditions of a specification's filter; an empty field counts as a blank text."""
        conditions = []
        for name, allowed in spec.where.items():
            column = self.column(name)
            fit = [value for text in allowed if (value := self._typed(column, text)) is not None]
            condition = column.in_(fit) if fit else sa.false()
            conditions.append(sa.or_(condition, column.is_(None)) if "" in allowed else condition)
        return conditions

    def is_there(self) -> list[sa.ColumnElement[bool]]:
        """The condition that a row is not marked as deleted."""
        return [] if self.deleted is None else [values.not_set(self.deleted)]

    def ids(self, ids: Sequence[str]) -> list[Any]:
        """Ids as the column keeps them; what cannot be one is left out."""
        return [value for id_ in ids if (value := self._typed(self.id, id_)) is not None]

    def _typed(self, column: sa.Column[Any], text: str) -> Any:
        try:
            return values.of_column(column, text, self.zone)
        except Unfit:
            return None


def _offset(moment: datetime, zone: ZoneInfo) -> Any:
    return moment.astimezone(zone).utcoffset()


def reflected(db: sa.Connection, name: str) -> sa.Table:
    """A table or view, `schema.table` or `table`, as the database describes it. Raises UserError."""
    schema, _, bare = name.rpartition(".")
    try:
        return sa.Table(bare, sa.MetaData(), schema=schema or None, autoload_with=db, resolve_fks=False)
    except exc.NoSuchTableError:
        raise UserError(
            f"The database has no table or view {name}, or this user may not see it. Correct `table` in the settings, "
            "or grant SELECT on it."
        ) from None


def known(db: sa.Connection, object_: str, said: SqlTable, zone: ZoneInfo) -> Known:
    """One object's table with the columns that the settings name. Raises UserError with all that is wrong."""
    table = reflected(db, said.table or object_)
    problems = [*_absent(table, said), *_no_times(table, said)]
    if problems:
        raise UserError(" ".join(problems))
    inspector = sa.inspect(db)
    views = {*inspector.get_view_names(schema=table.schema)}
    return Known(
        object=object_,
        table=table,
        id=table.c[said.id],
        stamps=tuple(table.c[name] for name in said.stamp),
        deleted=table.c[said.deleted] if said.deleted else None,
        writable=frozenset(said.write),
        is_view=table.name in views,
        zone=zone,
    )


def _absent(table: sa.Table, said: SqlTable) -> Iterator[str]:
    named: Mapping[str, Sequence[str]] = {
        "id": [said.id], "stamp": said.stamp, "deleted": [said.deleted] if said.deleted else [], "write": said.write,
    }  # fmt: skip
    for key, names in named.items():
        for name in names:
            if name not in table.c:
                yield f"{table.name} has no column {name}. {_alike(table, name)}Correct `{key}` in the settings."


def _no_times(table: sa.Table, said: SqlTable) -> Iterator[str]:
    columns = [table.c[name] for name in said.stamp if name in table.c]
    for column in columns:
        if not values.has_time(column):
            yield f"{table.name}.{column.name} holds no date with its time. Name another column as `stamp`."
    if len({values.knows_zone(column) for column in columns}) > 1:
        yield f"Of the stamps of {table.name}, some have a time zone and some have none. Name one kind only."


def no_column(known: Known, name: str) -> str:
    """The sentence for a mapped column that is not there."""
    return f"{known.object} has no column {name}. {_alike(known.table, name)}Correct it in the mapping, or add it."


def _alike(table: sa.Table, name: str) -> str:
    found = next((column.name for column in table.c if column.name.lower() == name.lower()), None)
    return f"It is written {found} there; capitals count. " if found else ""
