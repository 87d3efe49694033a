"""The emulated HubSpot portal that the connector is tested against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from syncd.connectors.base import Connector
from syncd.connectors.credentials import StaticToken
from syncd.connectors.hubspot import HubSpotConnector
from syncd.emulator import Variants

from .worlds import SECRET, EmulatedWorld, emulated


class HubSpotWorld(EmulatedWorld):
    """The portal."""

    system = "hubspot"
    object = "companies"
    name = "name"
    stamp = "description"
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
        path = self.reading.replace("search", "batch/update")
        self.emulator.fail("hubspot", "apply_then_drop" if applied else "drop_before", path_prefix=path)

    def count_more(self) -> None:
        body = '{"total": 3, "results": []}'
        self.emulator.fail("hubspot", "status", path_prefix=self.reading, status=200, body=body)


@contextmanager
def hubspot_world(version: str = "2026-09", variants: Variants | None = None) -> Iterator[HubSpotWorld]:
    """A HubSpot portal."""
    with emulated(variants) as (emulator, clock, endpoints):
        world = HubSpotWorld(emulator, clock, endpoints["hubspot"])
        world.version = version
        yield world
        world.close()
