"""The world of the jobs' tests, on each kind of database or on SQLite alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import structlog

import syncd.jobs.daemon
from syncd.store.database import Store

from .world import World

Make = Callable[..., World]


@pytest.fixture
def world(store: Store, clock: Any) -> World:
    """A world with an account, its twin, a manager and two partners."""
    made = World(store, clock)
    made.everyone()
    return made


@pytest.fixture
def make(sqlite_url: str, clock: Any) -> Iterator[Make]:
    """Makes a world of one's own on SQLite, for what has nothing to do with the database."""
    with closing(Store(sqlite_url)) as store:

        def made(*, empty: bool = False, **about: Any) -> World:
            world = World(store, clock, **about)
            if not empty:
                world.everyone()
            return world

        yield made


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some hundred cycles have nothing to tell on standard output."""
    silent = structlog.wrap_logger(None, processors=[_drop])
    monkeypatch.setattr(syncd.jobs.daemon, "log", silent)
    monkeypatch.setattr(structlog, "get_logger", lambda *about: silent)


def _drop(logger: Any, name: str, event: Any) -> Any:
    raise structlog.DropEvent
