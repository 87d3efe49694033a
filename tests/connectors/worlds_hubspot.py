"""The emulated HubSpot portal that the connector is tested against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from syncd.connectors.base import Connector
from syncd.connectors.credentials import StaticToken
from syncd.connectors.hubspot import HubSpotConnector
from syncd.emulator import Variants
from syncd.model import ReadSpec, Ref, Stream, Window, Write, WriteGroup

from .stub import Say, Stub
from .worlds import SECRET, START, EmulatedWorld, FakeClock, emulated

OBJECTS = "/crm/objects/2026-09/deals"
DEALS = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",))
STAMP = "2026-11-20T10:00:00.123Z"
EVERYTHING = Window(None, START)


def deal(id_: int | str, **properties: Any) -> dict[str, Any]:
    """A deal as HubSpot tells it."""
    own = {"hs_object_id": str(id_), "hs_lastmodifieddate": STAMP, "dealname": f"D{id_}"}
    return {"id": str(id_), "properties": {**own, **properties}, "updatedAt": STAMP, "archived": False}


def found(*deals: dict[str, Any], total: int | None = None) -> Say:
    """An answer of search."""
    return Say(body={"total": len(deals) if total is None else total, "results": list(deals)})


def stub_connector(stub: Stub, clock: FakeClock, **options: Any) -> HubSpotConnector:
    """A connector on the stub."""
    return HubSpotConnector(StaticToken("token"), clock, base_url=stub.url, emulator=True, **options)


def write(number: int, **fields: Any) -> Write:
    """A change of deal `number`."""
    return Write(number, Ref("x", "deals", str(number)), WriteGroup.STAMP, fields or {"dealname": f"v{number}"})


class HubSpotWorld(EmulatedWorld):
    """The portal."""

    system = "hubspot"
    object = "companies"
    name = "name"
    stamp = "description"
    key = "syncd_key"
    page = 200
    absent_id = "999999999999"
    poison = ("numberofemployees", "many")
    version = "2026-09"

    @property
    def reading(self) -> str:  # type: ignore[override]
        return f"/crm/{'v3/objects' if self.version == 'v3' else f'objects/{self.version}'}/companies/search"

    def connector(self, **options: Any) -> HubSpotConnector:
        credentials = options.pop("credentials", None) or StaticToken(self.endpoint["access_token"])
        options = {"version": self.version, **options}
        url = self.endpoint["base_url"]
        self.opened.append(HubSpotConnector(credentials, self.clock, base_url=url, emulator=True, **options))
        return self.opened[-1]  # type: ignore[return-value]

    def refused(self) -> Connector:
        return self.connector(credentials=StaticToken(SECRET))

    def create(self, name: str) -> str:
        return self.emulator.hubspot.insert("companies", {"name": name})

    def rename(self, id_: str, name: str) -> None:
        self.emulator.hubspot.edit("companies", id_, {"name": name})

    def delete(self, id_: str) -> None:
        self.emulator.hubspot.archive("companies", id_)

    def shown(self, id_: str) -> Any:
        return next(r for r in self.emulator.hubspot.rows("companies") if r["hs_object_id"] == id_)[self.stamp]

    def lose_answer(self, *, applied: bool) -> None:
        path = self.reading.replace("search", "batch/up")  # update and upsert
        self.emulator.fail("hubspot", "apply_then_drop" if applied else "drop_before", path_prefix=path)

    def empty(self) -> None:
        """Make the portal as new, but for its clock, which stands at a whole second again."""
        self.clock.wait(1 - self.clock.now().microsecond / 1_000_000)
        for row in self.emulator.hubspot.rows(self.object):
            self.emulator.hubspot.gdpr_delete(self.object, row["hs_object_id"])
        self.before = len(self.emulator.requests)

    def count_more(self) -> None:
        body = '{"total": 3, "results": []}'
        self.emulator.fail("hubspot", "status", path_prefix=self.reading, status=200, body=body)


@contextmanager
def hubspot_world(version: str = "2026-09", variants: Variants | None = None) -> Iterator[HubSpotWorld]:
    """A HubSpot portal."""
    with emulated(variants) as (emulator, clock, endpoints):
        emulator.hubspot.add_property(HubSpotWorld.object, {"name": HubSpotWorld.key, "hasUniqueValue": True})
        world = HubSpotWorld(emulator, clock, endpoints["hubspot"])
        world.version = version
        yield world
        world.close()
