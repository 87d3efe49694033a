"""The server of a world of two systems, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import orjson
import pytest
import urllib3

from syncd.settings import Address
from syncd.store.database import Store
from syncd.web import Hints, serving
from tests.jobs.conftest import quiet
from tests.jobs.world import World

__all__ = ["quiet"]
ANY_PORT = Address("127.0.0.1", 0)


class Asked:
    """Asks the server of a world."""

    def __init__(self, world: World, url: str, hints: list[str]) -> None:
        self.world, self.url, self.hurried = world, url, hints
        self._pool = urllib3.PoolManager(retries=False)

    def get(self, path: str) -> tuple[int, Any]:
        answer = self._pool.request("GET", self.url + path)
        is_json = answer.headers["Content-Type"] == "application/json"
        return answer.status, orjson.loads(answer.data) if is_json else answer.data.decode()

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> int:
        return self._pool.request("POST", self.url + path, body=body, headers=headers).status


@pytest.fixture
def served(sqlite_url: str, clock: Any) -> Iterator[Callable[..., Asked]]:
    """Serves a world of one's own."""
    with ExitStack() as stack:

        def made(gates: Any = None, alive: Callable[[], bool] = lambda: True, **about: Any) -> Asked:
            store = stack.enter_context(closing(Store(sqlite_url)))
            world = World(store, clock, **about)
            world.everyone()
            hurried: list[str] = []
            hints = Hints(alive, hurried.append, gates or {})
            return Asked(world, stack.enter_context(serving(world.work, ANY_PORT, hints)), hurried)

        yield made


@pytest.fixture
def world_on(sqlite_url: str, clock: Any) -> Iterator[World]:
    """A world that is not served yet."""
    with closing(Store(sqlite_url)) as store:
        yield World(store, clock)
