"""An upgrade of the schema adds and takes nothing away: a state of the first schema works on."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import syncd.store
from syncd.model import Stream, Window
from syncd.store import cursors, records
from syncd.store.database import Store

from .helpers import CRM, apply, at, row, stored, table_rows


def to_revision(store: Store, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(syncd.store.__file__).parent / "migrations"))
    with store.append() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, revision)


_OLD = {
    "connection": {"uid": CRM, "name": "crm", "kind": "salesforce", "bound_at": 1, "facts": "{}"},
    "cursor": {
        "connection": CRM, "stream": "accounts", "watermark": 60_000_000, "complete_through": 50_000_000,
        "rows": 7, "spec_hash": "s",
    },
    "source": {"number": 1, "connection": CRM, "object": "Account", "streams": '["accounts"]'},
    "record": {
        "source": 1, "id": "a", "stream": "accounts", "fields": '{"Name":"a"}', "shown": "{}", "hash": b"h" * 16,
        "stamp": 1, "facts_at": 1, "deleted": False, "first_seen_at": 1, "read_at": 1, "change": 1, "run": "r",
    },
}  # fmt: skip


def test_everything_that_a_state_of_the_first_schema_holds_is_there_afterwards(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    try:
        to_revision(store, "0001")
        with store.append() as tx:
            meta = sa.MetaData()
            meta.reflect(tx)
            for name, values in _OLD.items():
                tx.execute(meta.tables[name].insert().values(**values))
        store.upgrade()
        store.require_schema()
        with store.read() as tx:
            cursor = cursors.get(tx, CRM, Stream.ACCOUNTS)
            assert [item.ref.id for item in records.of_stream(tx, Stream.ACCOUNTS)] == ["a"]
        assert (cursor.rows, cursor.spec_hash, cursor.looked_at) == (7, "s", None)
        assert cursor.watermark is not None
        with store.begin() as tx:
            tx.execute(sa.text("UPDATE counter SET value = 1 WHERE name = 'change'"))
        assert apply(store, [row("a", 1, City="Leeds")]).changed == 1
        assert stored(store, "a").fields["City"] == "Leeds"
        assert len(table_rows(store, sa.table("record_version", sa.column("version")))) == 1  # type: ignore[arg-type]
        with store.begin() as tx:
            cursors.open_window(tx, CRM, Stream.ACCOUNTS, Window(None, at(1)), "s", "run-1")
            assert cursors.get(tx, CRM, Stream.ACCOUNTS).watermark == cursor.watermark
    finally:
        store.close()
