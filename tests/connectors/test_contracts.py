"""The contract, held by every connector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .contract import ConnectorContract
from .prm import PrmServer
from .worlds import MemoryWorld
from .worlds_files import FilesWorld
from .worlds_hubspot import HubSpotWorld, hubspot_world
from .worlds_rest import RestWorld, rest_world
from .worlds_salesforce import BulkWorld, SalesforceWorld, salesforce_world
from .worlds_sql import SqlWorld, sql_world


class TestMemory(ConnectorContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()


class TestSalesforce(ConnectorContract):
    @pytest.fixture
    def world(self) -> Iterator[SalesforceWorld]:
        with salesforce_world() as world:
            yield world


class TestSalesforceByBulkQueries(ConnectorContract):
    @pytest.fixture
    def world(self) -> Iterator[SalesforceWorld]:
        with salesforce_world(kind=BulkWorld) as world:
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


class TestFilesOfChanges(ConnectorContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> FilesWorld:
        return FilesWorld(tmp_path)


class TestFilesOfEverything(ConnectorContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> FilesWorld:
        return FilesWorld(tmp_path, complete=True)


class TestSqlite(ConnectorContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[SqlWorld]:
        with sql_world(f"sqlite:///{tmp_path / 'crm.db'}") as world:
            yield world


class TestPostgres(ConnectorContract):
    @pytest.fixture
    def world(self, crm_database: str) -> Iterator[SqlWorld]:
        with sql_world(crm_database, schema="crm") as world:
            yield world


class TestRest(ConnectorContract):
    @pytest.fixture(params=["page", "offset", "cursor", "link", "header"])
    def world(self, request: pytest.FixtureRequest, prm_server: PrmServer) -> Iterator[RestWorld]:
        with rest_world(prm_server, request.param) as world:
            yield world
