"""The contract, held by every connector."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .contract import ConnectorContract
from .worlds import MemoryWorld
from .worlds_hubspot import HubSpotWorld, hubspot_world
from .worlds_salesforce import SalesforceWorld, salesforce_world


class TestMemory(ConnectorContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()


class TestSalesforce(ConnectorContract):
    @pytest.fixture
    def world(self) -> Iterator[SalesforceWorld]:
        with salesforce_world() as world:
            yield world


class TestHubSpot(ConnectorContract):
    @pytest.fixture
    def world(self) -> Iterator[HubSpotWorld]:
        with hubspot_world() as world:
            yield world


class TestHubSpotV3(ConnectorContract):
    @pytest.fixture
    def world(self) -> Iterator[HubSpotWorld]:
        with hubspot_world("v3") as world:
            yield world
