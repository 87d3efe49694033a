"""The index file is used while it is good, and built anew from the store when it is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from syncd.jobs import index
from syncd.jobs.link import link
from syncd.store.tables import run

from .test_link_incremental import answer, clear, from_nothing, put
from .world import World

COMPANIES = [("direct", n, f"Quern{n} Velvet{n} Ltd", None, "Leeds", None) for n in range(12)]
COMPANIES += [("filed", n, f"Quern{n} Velvet{n}", None, None, None) for n in range(6)]


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often an index is built from the store."""
    found: list[int] = []
    was = index.build
    monkeypatch.setattr(index, "BUILT_FROM", 1)
    monkeypatch.setattr(index, "build", lambda tx, rarity: found.append(1) or was(tx, rarity))
    return found


@pytest.fixture
def path(world: World, tmp_path: Path, builds: list[int]) -> Path:
    """The file after a first run, which another process is to find."""
    clear(world.store)
    world.work.index_folder = tmp_path
    put(world.store, COMPANIES)
    link(world.work)
    index._OPEN.clear()
    found = index.path_of(world.work)
    assert found is not None
    assert found.exists()
    assert len(builds) == 1
    return found


def change(world: World, name: str = "Quern3 Velvet3 GmbH") -> None:
    put(world.store, [("direct", 3, name, None, None, None)])
    link(world.work)


def test_another_process_goes_on_with_the_file(world: World, path: Path, builds: list[int]) -> None:
    change(world)
    change(world, "Quern3 Velvet GmbH")
    assert len(builds) == 1
    assert answer(world.store) == from_nothing(world)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [cut, flip, empty, os.unlink])
def test_a_file_that_is_not_whole_is_built_anew(
    world: World, path: Path, builds: list[int], spoil: Callable[[Path], None]
) -> None:
    good = path.read_bytes()
    spoil(path)
    change(world)
    assert len(builds) == 2
    assert len(path.read_bytes()) >= len(good)
    index._OPEN.clear()
    change(world, "Quern3 Velvet GmbH")
    assert len(builds) == 2, "and what was built is filed again"


def test_a_file_of_another_state_or_of_a_future_that_never_was_is_built_anew(
    world: World, path: Path, builds: list[int]
) -> None:
    future = path.read_bytes()
    clear(world.store)
    put(world.store, COMPANIES[3:])
    link(world.work)
    assert len(builds) == 2
    index._OPEN.clear()
    path.write_bytes(future)
    change(world)
    assert len(builds) == 3
    assert answer(world.store) == from_nothing(world)


def test_a_file_by_a_run_that_this_state_does_not_know_is_built_anew(
    world: World, path: Path, builds: list[int]
) -> None:
    with world.store.begin() as tx:
        tx.execute(run.delete())  # as if the database had been put back from an older copy
    change(world)
    assert len(builds) == 2


def test_where_no_file_can_be_written_linking_goes_on(world: World, tmp_path: Path, builds: list[int]) -> None:
    clear(world.store)
    world.work.index_folder = tmp_path / "nowhere"
    put(world.store, COMPANIES)
    assert link(world.work) == 6
    assert len(builds) == 1
