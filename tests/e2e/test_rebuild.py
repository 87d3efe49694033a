"""`syncd db rebuild` drops everything derived and makes the very same again from the facts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from syncd.demo.universe import Summary
from syncd.store.tables import derived_tables

from .conftest import Postgres
from .harness import Stage, stage


def test_rebuild_reproduces_every_derived_table_on_sqlite(small: tuple[Path, Summary], tmp_path: Path) -> None:
    with stage(*small, tmp_path / "state") as on:
        rebuild_and_compare(on, f"sqlite:///{tmp_path / 'state' / 'syncd.db'}")


def test_rebuild_reproduces_every_derived_table_on_postgresql(
    small: tuple[Path, Summary], tmp_path: Path, postgres: Postgres
) -> None:
    database = postgres.database()
    with stage(*small, tmp_path / "state", database=database) as on:
        rebuild_and_compare(on, database)


def rebuild_and_compare(on: Stage, database: str) -> None:
    on.cli.sync()
    people_decide(on)
    on.cli.sync()
    before = dump(database)
    assert {"staged", "link", "member", "claim", "collision", "wanted"} <= {
        name for name, rows in before.items() if rows
    }
    written = len(on.ours())
    on.cli.run("db", "rebuild")
    after = dump(database)
    different = [f"{name}: {first_difference(r, after[name])}" for name, r in before.items() if r != after[name]]
    assert not different, "\n".join(different)
    on.cli.sync()
    assert len(on.ours()) == written, "after a rebuild there is nothing to write"
    assert on.cli.json("ledger", "verify")["ok"]


def people_decide(on: Stage) -> None:
    """An approval and two judgements, so that more than rules is reproduced."""
    review = [
        r for r in on.cli.json("registrations") if r["application"] == "review" and r["reason"] == "recently_lost"
    ]
    on.cli.run("approve", review[0]["number"], "--reason", "the loss had other causes")
    links = on.cli.links()
    auto = next(row for row in links if row["band"] == "auto")
    on.cli.run("different", auto["left"], auto["right"], "--reason", "another company")
    on.cli.run("same", auto["left"].split("/")[2], links[-1]["right"].split("/")[2], "--reason", "merged")


def dump(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every derived table that says something about the world, in an order of its own."""
    engine = sa.create_engine(database)
    with engine.connect() as tx:
        found = {
            table.name: sorted((tuple(row) for row in tx.execute(sa.select(table))), key=repr)
            for table in derived_tables()
            if not table.info.get("queue")
        }
    engine.dispose()
    return found


def first_difference(before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]) -> str:
    gone = [row for row in before if row not in after]
    new = [row for row in after if row not in before]
    return f"{len(before)} rows, then {len(after)}; gone {gone[:2]}; new {new[:2]}"


pytestmark = pytest.mark.timeout(200)
