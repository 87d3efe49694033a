"""Peers for the connectors' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("connectors.contract", "tests.connectors.contract")

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


@pytest.fixture
def org() -> Iterator[SalesforceWorld]:
    with salesforce_world() as world:
        yield world


@pytest.fixture
def portal() -> Iterator[HubSpotWorld]:
    with hubspot_world() as world:
        yield world
