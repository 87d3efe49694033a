"""The schema: what migrations make is what the code says, on both databases, and every table has its mark."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import syncd.store
from syncd.errors import UserError
from syncd.store import outcomes
from syncd.store.database import HEAD, Store, filesystem
from syncd.store.tables import derived_tables, fact_tables, from_micros, metadata, to_micros

from .helpers import T0


def test_migrations_make_exactly_the_tables_that_the_code_works_with(store: Store) -> None:
    with store.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_constant_names_the_newest_revision() -> None:
    scripts = ScriptDirectory(str(Path(syncd.store.__file__).parent / "migrations"))
    assert scripts.get_heads() == [HEAD]


def test_an_upgrade_done_twice_changes_nothing_the_second_time(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    try:
        assert store.revision() is None
        with pytest.raises(UserError, match="syncd db upgrade"):
            store.require_schema()
        store.upgrade()
        with store.begin() as tx:
            tx.execute(sa.text("UPDATE counter SET value = 7 WHERE name = 'change'"))
        store.upgrade()
        store.require_schema()
        assert store.revision() == HEAD
        with store.read() as tx:
            assert tx.execute(sa.text("SELECT value FROM counter WHERE name = 'change'")).scalar() == 7
    finally:
        store.close()


def test_a_schema_of_another_version_is_named_with_the_remedy(store: Store) -> None:
    with store.begin() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UserError, match=f"has schema 9999, this syncd needs {HEAD}. Run  syncd db upgrade"):
        store.require_schema()
    with store.begin() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = :head"), {"head": HEAD})


def test_every_table_is_marked_fact_or_derived() -> None:
    assert {table.info.get("kind") for table in metadata.sorted_tables} == {"fact", "derived"}
    assert {t.name for t in fact_tables()} | {t.name for t in derived_tables()} == set(metadata.tables)
    kept = {"record", "record_version", "ref_alias", "decision", "write", "ledger", "organization", "statistics"}
    assert kept <= {t.name for t in fact_tables()}, "facts can never be made again"


def test_a_table_of_facts_is_never_emptied(store: Store) -> None:
    with store.begin() as tx, pytest.raises(ValueError, match="decision holds facts"):
        outcomes.forget_derived(tx, [metadata.tables["decision"]])


def test_the_password_of_the_database_is_not_shown() -> None:
    store = Store("postgresql+psycopg://syncd:hunter2@db.example/syncd")
    assert "hunter2" not in store.shown_url
    store.close()


def test_times_are_whole_microseconds_and_never_without_a_zone() -> None:
    assert from_micros(to_micros(T0)) == T0
    with pytest.raises(ValueError, match="without a zone"):
        to_micros(T0.replace(tzinfo=None))


def test_the_file_system_of_a_path_is_known_or_blank(tmp_path: Path) -> None:
    assert filesystem(Path("/proc/self/status")) in ("proc", "")
    assert isinstance(filesystem(tmp_path), str)


def test_a_database_on_a_network_file_system_is_refused(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.store.database.filesystem", lambda path: "nfs4")
    store = Store(sqlite_url)
    with pytest.raises(UserError, match="network file system"):
        store.enter("one")
    store.close()
