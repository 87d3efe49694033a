"""A CRM in tables, on SQLite and on PostgreSQL, as another program keeps it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from syncd.connectors.sql.client import SqlConnector
from syncd.settings import SqlSource

from .worlds import START, FakeClock, World


class LoadClock(FakeClock):
    """A clock that the tables themselves tell, as they do where another tool loads them."""

    def __init__(self, world: SqlWorld) -> None:
        super().__init__(START)
        self._world = world

    def wait(self, seconds: float) -> None:
        super().wait(seconds)
        self._world.released()
        self._world.load()


class SqlWorld(World):
    """Companies in a table of a schema of their own."""

    object, name, stamp, key = "Company", "name", "syncd_status", "key_no"
    page = 100
    absent_id = "999999"
    poison = ("region", "forbidden")

    def __init__(self, url: str, schema: str | None = None) -> None:
        self.admin = sa.create_engine(url)
        self.is_postgres = self.admin.dialect.name == "postgresql"
        self.schema, self.url, self._failing = schema, url, -1
        self._blocker: sqlite3.Connection | None = None
        self._losing: bool | None = None
        self.opened: list[SqlConnector] = []
        self._make_tables()
        self.load(START)
        super().__init__(LoadClock(self))

    # --- the database

    def _make_tables(self) -> None:
        metadata = sa.MetaData(schema=self.schema)
        moment = sa.DateTime(timezone=True) if self.is_postgres else sa.DateTime()
        self.table = sa.Table(
            "companies", metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.String(80)),
            sa.Column("syncd_status", sa.String(40)),
            sa.Column("key_no", sa.String(40), unique=True),
            sa.Column("region", sa.String(40), sa.CheckConstraint("region <> 'forbidden'", name="no_forbidden_region")),
            sa.Column("updated_at", moment),
            sa.Column("is_deleted", sa.Boolean, nullable=False, server_default=sa.false()),
        )  # fmt: skip
        self.loads = sa.Table("loads", metadata, sa.Column("finished_at", moment))
        with self.admin.begin() as db:
            if self.schema:
                db.execute(sa.schema.CreateSchema(self.schema))
            metadata.create_all(db)

    def run(self, statement: Any, *more: Any) -> Any:
        """As the program that owns the tables; gives the one value of a query."""
        with self.admin.begin() as db:
            result = db.execute(statement, *more)
            return result.scalar() if result.returns_rows else None

    def load(self, now: datetime | None = None) -> None:
        """The tables are loaded up to now."""
        self.run(self.loads.insert().values(finished_at=self.kept(now or self.clock.now())))

    def kept(self, moment: datetime) -> datetime:
        """A moment as a column keeps it."""
        return moment if self.is_postgres else moment.astimezone(UTC).replace(tzinfo=None)

    def name_of(self, table: str) -> str:
        """A table as the settings name it."""
        return f"{self.schema}.{table}" if self.schema else table

    def source(self, **options: Any) -> SqlSource:
        """The settings."""
        table = {
            "table": self.name_of("companies"), "id": "id", "stamp": "updated_at", "deleted": "is_deleted",
            "write": ["syncd_status", "region"],
        }  # fmt: skip
        clock = {"table": self.name_of("loads"), "column": "finished_at"}
        said = {"account": "acme", "url": self.url, "clock": clock, "tables": {self.object: table}, **options}
        return SqlSource.model_validate(said)

    def connector(self, **options: Any) -> SqlConnector:
        arguments = {} if self.is_postgres else {"timeout": 0}
        engine = sa.create_engine(self.url, hide_parameters=True, connect_args=arguments)
        sa.event.listen(engine, "before_cursor_execute", self._statement)
        sa.event.listen(engine, "commit", self._commit)
        self.opened.append(SqlConnector(self.source(**options), engine=engine, page_size=self.page))
        return self.opened[-1]

    def close(self) -> None:
        """Take everything away."""
        self.released()
        for connector in self.opened:
            connector.close()
        if self.schema:
            self.run(sa.schema.DropSchema(self.schema, cascade=True))
        self.admin.dispose()

    # --- what people do

    def create(self, name: str) -> str:
        values = {"name": name, "updated_at": self.kept(self.clock.now())}
        return str(self.run(self.table.insert().values(values).returning(self.table.c.id)))

    def _edit(self, id_: str, **values: Any) -> None:
        values["updated_at"] = self.kept(self.clock.now())
        self.run(self.table.update().where(self.table.c.id == int(id_)).values(values))

    def rename(self, id_: str, name: str) -> None:
        self._edit(id_, name=name)

    def delete(self, id_: str) -> None:
        self._edit(id_, is_deleted=True)

    def shown(self, id_: str) -> Any:
        return self.run(sa.select(self.table.c.syncd_status).where(self.table.c.id == int(id_)))

    # --- what goes wrong

    def count_more(self) -> None:
        """A view that joins what it should not shows each company 104 times under one id."""
        other = self.name_of("copies")
        real = f'{self.schema}."companies_kept"' if self.schema else '"companies_kept"'
        for statement in (
            f"ALTER TABLE {self.name_of('companies')} RENAME TO companies_kept",
            f"CREATE TABLE {other} (copy_no integer)",
            f"INSERT INTO {other} VALUES {', '.join(f'({n})' for n in range(104))}",
            f"CREATE VIEW {self.name_of('companies')} AS SELECT c.* FROM {real} AS c CROSS JOIN {other}",
        ):
            self.run(sa.text(statement))

    def interrupt(self, *, skip: int) -> None:
        self._failing = skip

    def lose_answer(self, *, applied: bool) -> None:
        self._losing = applied

    def _statement(self, db: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
        if self._failing < 0 or f"FROM {self.name_of('companies')}" not in statement or "LIMIT" not in statement:
            return
        self._failing -= 1
        if self._failing < 0:
            self.break_(db)

    def break_(self, db: sa.Connection) -> None:
        """The server ends the connection; SQLite has no server, but another program that locks the file."""
        raw: Any = db.connection.dbapi_connection
        if self.is_postgres:
            self.run(sa.select(sa.func.pg_terminate_backend(raw.info.backend_pid)))
            return
        raw.execute("ROLLBACK")  # it had read nothing yet, and so holds no lock
        raw.execute("BEGIN")
        self.lock()

    def lock(self) -> None:
        """Another program locks the file of SQLite."""
        self._blocker = sqlite3.connect(str(self.admin.url.database), isolation_level=None)
        self._blocker.execute("BEGIN EXCLUSIVE")

    def released(self) -> None:
        """Nobody locks the file any more."""
        if self._blocker is not None:
            self._blocker.close()
            self._blocker = None

    def _commit(self, db: sa.Connection) -> None:
        losing, self._losing = self._losing, None if db.get_execution_options().get("syncd_writes") else self._losing
        if losing is None or not db.get_execution_options().get("syncd_writes"):
            return
        raw: Any = db.connection.dbapi_connection
        if losing:
            raw.commit()
            raw.execute("SELECT 1")  # so that there is something to commit once more
        if self.is_postgres:
            self.break_(db)
        else:
            raw.rollback()
            raise exc.OperationalError("COMMIT", None, sqlite3.OperationalError("disk I/O error"))


@contextmanager
def sql_world(url: str, schema: str | None = None) -> Iterator[SqlWorld]:
    """The tables, taken away afterwards."""
    world = SqlWorld(url, schema)
    try:
        yield world
    finally:
        world.close()
