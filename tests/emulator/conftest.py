"""A small world of CSV files, served; and plain HTTP clients for both CRMs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from syncd.emulator import Emulator, EmulatorClock, Variants

START = datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC)
ACME, BETA, GONE = "001000000000001AAA", "001000000000002AAA", "001000000000003AAA"
ADA, IDA = "005000000000001AAA", "005000000000002AAA"

WORLD: dict[str, list[dict[str, str]]] = {
    "salesforce/User.csv": [
        {"Id": ADA, "Username": "ada@example.com", "Email": "ada@example.com", "FirstName": "Ada", "LastName": "Sales",
         "IsActive": "true"},
        {"Id": IDA, "Username": "ida@example.com", "Email": "ida@example.com", "FirstName": "Ida", "LastName": "Left",
         "IsActive": "false"},
    ],
    "salesforce/Account.csv": [
        {"Id": ACME, "Name": "Acme Ltd", "Website": "acme.com", "Industry": "Technology", "NumberOfEmployees": "120",
         "OwnerId": ADA, "Protected__c": "true", "Score__c": "1.5", "Until__c": "2027-01-31", "Number__c": "A-1",
         "LastModifiedDate": "2026-11-20T10:00:00Z", "IsDeleted": "", "Status__c": "Open"},
        {"Id": BETA, "Name": "beta gmbh", "Website": "", "Industry": "", "NumberOfEmployees": "", "OwnerId": "",
         "Protected__c": "", "Score__c": "", "Until__c": "", "Number__c": "B-2",
         "LastModifiedDate": "2026-11-22T10:00:00Z", "IsDeleted": "", "Status__c": ""},
        {"Id": GONE, "Name": "Gone Inc", "Website": "gone.com", "Industry": "Energy", "NumberOfEmployees": "7",
         "OwnerId": ADA, "Protected__c": "false", "Score__c": "3", "Until__c": "2025-01-31", "Number__c": "C-3",
         "LastModifiedDate": "2026-11-21T10:00:00Z", "IsDeleted": "true", "Status__c": "Open"},
    ],
    "salesforce/Opportunity.csv": [
        {"Id": "006000000000001AAA", "Name": "Acme deal", "AccountId": ACME, "StageName": "Closed Won",
         "CloseDate": "2026-12-01", "Amount": "1000.5", "OwnerId": ADA, "IsWon": "false"},
        {"Id": "006000000000002AAA", "Name": "Odd deal", "AccountId": BETA, "StageName": "Odd stage",
         "CloseDate": "2026-12-01", "Amount": "", "OwnerId": ADA, "IsWon": "true"},
    ],
    "salesforce/Deal_Reg__c.csv": [
        {"Name": "R-1", "Account__c": ACME, "Reference__c": "ref/1.inc"},
        {"Name": "R-2", "Account__c": "", "Reference__c": "ref-2"},
    ],
    "salesforce/fields.csv": [
        {"object": "Account", "name": "Number__c", "type": "text", "label": "Number", "length": "20", "values": "",
         "unique": "true", "external_id": "true"},
        {"object": "Account", "name": "Status__c", "type": "picklist", "label": "Status", "length": "",
         "values": "Open;Closed", "unique": "", "external_id": ""},
        {"object": "Deal_Reg__c", "name": "Account__c", "type": "reference", "label": "", "length": "",
         "values": "Account", "unique": "", "external_id": ""},
        {"object": "Deal_Reg__c", "name": "Reference__c", "type": "text", "label": "", "length": "80", "values": "",
         "unique": "", "external_id": "true"},
    ],
    "hubspot/companies.csv": [
        {"hs_object_id": "101", "name": "Acmé Ltd", "domain": "acme.com", "industry": "COMPUTER_SOFTWARE",
         "numberofemployees": "120", "score": "3.5", "ref": "c-1", "go_live": "2026-01-15",
         "hs_lastmodifieddate": "2026-11-20T10:00:00.500Z"},
        {"hs_object_id": "102", "name": "Beta GmbH", "domain": "", "industry": "", "numberofemployees": "", "score": "",
         "ref": "c-2", "go_live": "", "hs_lastmodifieddate": "2026-11-22T10:00:00.000Z"},
        {"hs_object_id": "103", "name": "Gamma and Sons", "domain": "gamma.org", "industry": "RETAIL",
         "numberofemployees": "9", "score": "20", "ref": "", "go_live": "2026-03-01",
         "hs_lastmodifieddate": "2026-11-21T10:00:00.000Z"},
    ],
    "hubspot/contacts.csv": [
        {"id": "201", "email": "Kim@acme.com", "firstname": "Kim", "lastname": "Lee", "associations.companies": "101",
         "lastmodifieddate": "2026-11-20T10:00:00.000Z"},
    ],
    "hubspot/deals.csv": [
        {"hs_object_id": "9007199254740993", "dealname": "Big one", "amount": "3000", "dealstage": "closedwon",
         "pipeline": "default", "closedate": "2026-12-01", "hubspot_owner_id": "11",
         "associations.companies": "101;102", "associations.contacts": "201"},
        {"hs_object_id": "302", "dealname": "Small one", "amount": "5000.00", "dealstage": "contractsent",
         "pipeline": "default", "closedate": "", "hubspot_owner_id": "", "associations.companies": "",
         "associations.contacts": ""},
    ],
    "hubspot/p_registration.csv": [
        {"id": "401", "title": "Reg 1", "createdate": "2026-10-01T08:00:00Z"},
    ],
    "hubspot/properties.csv": [
        {"object": "companies", "name": "ref", "type": "text", "label": "Reference", "length": "", "values": "",
         "unique": "true", "external_id": ""},
        {"object": "companies", "name": "level", "type": "enumeration", "label": "Level", "length": "",
         "values": "gold;silver", "unique": "", "external_id": ""},
    ],
    "hubspot/owners.csv": [
        {"id": "11", "email": "olga@example.com", "firstName": "Olga", "lastName": "Own", "userId": "911",
         "type": "PERSON", "archived": ""},
        {"id": "12", "email": "left@example.com", "firstName": "Lea", "lastName": "Left", "userId": "912",
         "type": "PERSON", "archived": "true"},
    ],
}  # fmt: skip


def write_world(folder: Path, world: dict[str, list[dict[str, str]]]) -> Path:
    """Write the files of a world."""
    for name, records in world.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
    return folder


@dataclass
class Http:
    """A plain client of one API."""

    base: str
    prefix: str
    session: requests.Session

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        url = self.base + (path if path.startswith("/") else f"{self.prefix}/{path}")
        return self.session.request(method, url, timeout=20, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> requests.Response:
        return self("POST", path, json=json, **more)

    def patch(self, path: str, json: Any = None, **more: Any) -> requests.Response:
        return self("PATCH", path, json=json, **more)

    def query(self, soql: str, resource: str = "query", **more: Any) -> requests.Response:
        return self.get(resource, params={"q": soql}, **more)

    def records(self, soql: str, resource: str = "query") -> list[dict[str, Any]]:
        answer = self.query(soql, resource)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["records"]
        return found


@dataclass
class Served:
    """A served emulator with a client for each API."""

    emu: Emulator
    clock: EmulatorClock
    endpoints: dict[str, dict[str, str]]
    sf: Http
    hs: Http
    admin: Http

    def limited(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.endpoints['hubspot']['limited_access_token']}"}


def serve(emu: Emulator, clock: EmulatorClock) -> Iterator[Served]:
    """Serve an emulator while a fixture lasts; on a clock that stands still, limits would soon be used up."""
    emu.hubspot.set_limits(None)
    with emu.serve() as endpoints, requests.Session() as sf, requests.Session() as hs, requests.Session() as admin:
        sf.headers["Authorization"] = f"Bearer {endpoints['salesforce']['access_token']}"
        hs.headers["Authorization"] = f"Bearer {endpoints['hubspot']['access_token']}"
        admin.headers["Authorization"] = f"Bearer {endpoints['admin']['token']}"
        yield Served(
            emu, clock, endpoints,
            Http(endpoints["salesforce"]["base_url"], "/services/data/v68.0", sf),
            Http(endpoints["hubspot"]["base_url"], "/crm/objects/2026-09", hs),
            Http(endpoints["admin"]["base_url"], "", admin),
        )  # fmt: skip


@contextmanager
def serving(folder: Path, **variants: Any) -> Iterator[Served]:
    """The small world under other values of switches, served while the context lasts."""
    clock = frozen()
    emu = Emulator.load(write_world(folder / "other", WORLD), clock=clock, variants=Variants(**variants))
    yield from serve(emu, clock)


def frozen() -> EmulatorClock:
    clock = EmulatorClock()
    clock.freeze(START)
    return clock


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    """The small world, served for one test that changes it; the clock stands still."""
    clock = frozen()
    yield from serve(Emulator.load(write_world(tmp_path, WORLD), clock=clock), clock)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The small world, served for all tests that only read."""
    clock = frozen()
    yield from serve(Emulator.load(write_world(tmp_path_factory.mktemp("world"), WORLD), clock=clock), clock)


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """5,001 accounts and 10,500 companies, for paging."""
    accounts = [{"Name": f"Company {number:05}", "Number__c": str(number)} for number in range(5001)]
    companies = [{"hs_object_id": str(1000 + number), "name": f"Company {number:05}"} for number in range(10_500)]
    world = {"salesforce/Account.csv": accounts, "hubspot/companies.csv": companies}
    clock = frozen()
    yield from serve(Emulator.load(write_world(tmp_path_factory.mktemp("many"), world), clock=clock), clock)


@pytest.fixture
def load(tmp_path: Path) -> Callable[[dict[str, str]], Emulator]:
    """Load an emulator from files given as text."""

    def load_texts(files: dict[str, str]) -> Emulator:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Emulator.load(tmp_path, clock=frozen())

    return load_texts
