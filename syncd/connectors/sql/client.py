"""The SQL connector: tables and views of a database, read in windows and written in transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import exc

from syncd.connectors.provisioning import by_hand
from syncd.connectors.sql import check, errors, values
from syncd.connectors.sql.reading import Position, Reading
from syncd.connectors.sql.tables import Known, known, reflected
from syncd.connectors.sql.writing import PER_CALL, Writing, unique_columns
from syncd.connectors.windows import whole_seconds
from syncd.errors import Retry, Stop, UserError
from syncd.model import (
    Checked,
    ConnectorFacts,
    Edition,
    FieldWanted,
    HeartbeatWanted,
    Page,
    Provisioned,
    ReadSpec,
    Receipt,
    Row,
    Upsert,
    Window,
    Write,
)
from syncd.settings.sources import SqlSource

PER_PAGE = 2_000
_GUARD = 60.0

# CURRENT_TIMESTAMP is what the standard has; where it comes without a zone, the database has its own word for UTC.
_CLOCKS: Mapping[str, Callable[[], sa.ColumnElement[Any]]] = {
    "mysql": lambda: sa.func.utc_timestamp(),
    "mariadb": lambda: sa.func.utc_timestamp(),
    "mssql": lambda: sa.func.sysutcdatetime(),
    "oracle": lambda: sa.func.sys_extract_utc(sa.text("SYSTIMESTAMP")),
}


class SqlConnector:
    """One database. Safe to share between threads."""

    def __init__(self, source: SqlSource, *, engine: sa.Engine | None = None, page_size: int = PER_PAGE) -> None:
        self._source, self._page_size, self._zone = source, page_size, ZoneInfo(source.zone)
        self._engine = engine or _engine(source.url.reveal())
        if self._engine.dialect.name == "sqlite":
            _prepare_sqlite(self._engine)
        self._lock = Lock()
        self._calls = 0
        self._known: dict[str, Known] = {}
        tells = all(table.deleted for table in source.tables.values())
        lag = source.lag.total_seconds()
        self._facts = ConnectorFacts("sql", lag, lag + _GUARD, 2.0, PER_CALL, tells, False)

    @property
    def facts(self) -> ConnectorFacts:
        """Deletions are seen where every table has a column that marks them; a row that is gone is the sweep's."""
        return self._facts

    @property
    def calls(self) -> int:
        """Transactions so far."""
        return self._calls

    def close(self) -> None:
        """Close idle connections."""
        self._engine.dispose()

    def check(self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]) -> Checked:
        """Whether every table and column is there, and what of it may be seen and written."""
        self._known.clear()
        problems: list[str] = []
        found: dict[str, Known] = {}
        access = []
        read = {spec.object for spec in specs}
        with self._reading("describing its tables") as db:
            for object_ in dict.fromkeys([*(spec.object for spec in specs), *writable]):
                try:
                    with db.begin_nested():
                        found[object_] = self._describe(db, object_)
                        problems += check.unstamped(db, found[object_])
                        access += [check.access(db, found[object_])] if object_ in read else []
                except UserError as error:
                    problems.append(str(error))
                except exc.DBAPIError as error:
                    if errors.is_lost(error):
                        raise
                    problems.append(f"{object_}: {errors.meaning(error, 'reading it')}")
            label, version = self._label(), ".".join(map(str, db.dialect.server_version_info or ()))
        for spec in specs:
            problems += check.read_problems(found[spec.object], spec) if spec.object in found else ()
        for object_, fields in writable.items():
            problems += check.write_problems(found[object_], fields) if object_ in found else ()
        reads_only = not any(table.write for table in self._source.tables.values())
        edition = Edition.STAMPS_ONLY if reads_only else Edition.FULL
        reason = "It is read-only: the settings name no column that syncd may write." if reads_only else ""
        facts = {"dialect": self._engine.dialect.name, "version": version}
        uid = f"sql-{self._source.account}"
        return Checked(uid, label, tuple(dict.fromkeys(problems)), facts, tuple(access), edition, reason)

    def now(self) -> datetime:
        """Up to when the tables are loaded, or the database's own clock. Asked each time."""
        with self._reading("telling the time") as db:
            moment = self._loaded_until(db) if self._source.clock else self._server_time(db)
        return whole_seconds(moment)

    def pull(self, spec: ReadSpec, window: Window, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """The rows whose stamps lie in the window."""
        reading = self._read(spec)
        yield from reading.window(window, Position.of(position))

    def sweep(self, spec: ReadSpec, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """All rows, those that are marked as deleted too."""
        yield from self._read(spec).everything(Position.of(position))

    def count(self, spec: ReadSpec) -> int | None:
        """How many rows are there and not marked as deleted."""
        return self._read(spec).count(self._table(spec.object).is_there())

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        """These rows as they are."""
        return self._read(spec).by_id(ids) if ids else []

    def provision(self, wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted, make: bool) -> Provisioned:
        """What has to be there, and is made by hand."""
        return by_hand(self, wanted)

    def upsert(self, object: str, key_field: str, rows: Sequence[Upsert]) -> list[Receipt]:
        """Make rows exist that a unique column names."""
        if not rows:
            return []
        table = self._table(object)
        with self._reading("describing a key") as db:
            unique = set(unique_columns(db, table.table))
        if key_field not in unique:
            shown = ", ".join(sorted(unique)) or "none"
            raise UserError(
                f"{key_field} is no unique column of {object} (there: {shown}). Name one, or make it unique."
            )
        return Writing(self._writing, table).upserted(key_field, rows)

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        """Change rows of one table; one receipt per write."""
        return Writing(self._writing, self._table(object)).receipts(writes) if writes else []

    # --- inside

    def _table(self, object_: str) -> Known:
        """One object's table, described once until the next check."""
        if object_ not in self._known:
            with self._reading("describing a table") as db:
                self._known[object_] = self._describe(db, object_)
        return self._known[object_]

    def _describe(self, db: sa.Connection, object_: str) -> Known:
        if object_ not in self._source.tables:
            remedy = f"Add it to `sql.tables`, or correct `object` (there: {', '.join(self._source.tables)})."
            raise UserError(f"The settings name no table for {object_}. {remedy}")
        return known(db, object_, self._source.tables[object_], self._zone)

    def _read(self, spec: ReadSpec) -> Reading:
        return Reading(self._ask, self._table(spec.object), spec, self._page_size)

    def _ask(self, query: sa.Select[Any]) -> Sequence[Any]:
        try:
            with self._reading("reading") as db:
                return db.execute(query).all()
        except (exc.StatementError, ValueError, TypeError, OverflowError) as error:
            names = ", ".join(sorted(str(getattr(table, "name", table)) for table in query.get_final_froms()))
            raise UserError(
                f"A value of {names} is not what its column says that it holds ({type(error).__name__}). Correct it, "
                "or name a view that leaves it out."
            ) from None

    @contextmanager
    def _reading(self, doing: str) -> Iterator[sa.Connection]:
        self._called()
        with errors.translated(doing), self._engine.connect() as db, db.begin():
            yield db

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A transaction. Raises Retry; its `outcome_unknown` says that it may have been committed after all."""
        self._called()
        with errors.translated("writing"), self._engine.connect().execution_options(syncd_writes=True) as db:
            transaction = db.begin()
            try:
                yield db
            except BaseException:
                transaction.rollback()
                raise
            try:
                transaction.commit()
            except exc.DBAPIError as error:
                code = errors.code_of(error)
                raise Retry(f"The answer to a commit was lost: {code}.", outcome_unknown=True) from None

    def _server_time(self, db: sa.Connection) -> datetime:
        clock = _CLOCKS.get(self._engine.dialect.name, sa.func.current_timestamp)
        moment = db.execute(sa.select(sa.type_coerce(clock(), sa.DateTime(timezone=True)))).scalar_one()
        return values.instant(moment, ZoneInfo("UTC"))

    def _loaded_until(self, db: sa.Connection) -> datetime:
        assert self._source.clock is not None
        table = reflected(db, self._source.clock.table)
        column = table.c.get(self._source.clock.column)
        if column is None or not values.has_time(column):
            raise UserError(
                f"{table.name} has no column {self._source.clock.column} that holds times. Correct `sql.clock`."
            )
        moment = db.execute(sa.select(sa.func.max(column))).scalar_one()
        if moment is None:
            raise Stop(f"{table.name} does not say yet up to when the tables are loaded; nothing can be read before.")
        return values.instant(moment, self._zone)

    def _label(self) -> str:
        url = self._engine.url
        place = (url.database or "").rpartition("/")[2]
        return f"{self._engine.dialect.name} database {place}{f' at {url.host}' if url.host else ''}"

    def _called(self) -> None:
        with self._lock:
            self._calls += 1


def _engine(url: str) -> sa.Engine:
    try:
        return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True, pool_size=4, pool_recycle=1800)
    except exc.NoSuchModuleError:
        kind = sa.make_url(url).get_backend_name()
        raise UserError(f"SQLAlchemy has no dialect {kind} here. Install its package, or correct `sql.url`.") from None
    except ImportError as error:
        raise UserError(f"The driver {error.name} is not installed. Install it beside syncd.") from None
    except exc.ArgumentError:
        raise UserError("`sql.url` is not the URL of a database. Correct it.") from None


def _prepare_sqlite(engine: sa.Engine) -> None:
    """Transactions begin where they are begun: the driver's own way leaves savepoints and reads outside of them."""

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("syncd_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
