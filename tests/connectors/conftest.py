"""Peers for the connectors' tests."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

pytest.register_assert_rewrite("connectors.contract", "tests.connectors.contract")

from .prm import PrmServer, serving  # noqa: E402
from .stub import Stub, stubbed  # noqa: E402
from .worlds import FakeClock  # noqa: E402
from .worlds_hubspot import HubSpotWorld, hubspot_world  # noqa: E402
from .worlds_salesforce import SalesforceWorld, salesforce_world  # noqa: E402


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stubbed() as running:
        yield running


@pytest.fixture(scope="session")
def prm_server() -> Iterator[PrmServer]:
    """A server for the small PRM."""
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def crm_database(postgres_server: Any) -> Iterator[str]:
    """A database of PostgreSQL in which tests make schemas of their own, and take them away again."""
    name = f"crm_{uuid.uuid4().hex[:12]}"
    postgres_server.create(name)
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def org() -> Iterator[SalesforceWorld]:
    with salesforce_world() as world:
        yield world


@pytest.fixture
def portal() -> Iterator[HubSpotWorld]:
    with hubspot_world() as world:
        yield world
