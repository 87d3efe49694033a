"""The emulated Salesforce org that the connector is tested against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from syncd.connectors.base import Connector
from syncd.connectors.credentials import SalesforceClientCredentials, StaticToken
from syncd.connectors.salesforce import SalesforceConnector
from syncd.emulator import Variants

from .worlds import SECRET, EmulatedWorld, emulated


class SalesforceWorld(EmulatedWorld):
    """The org."""

    system = "salesforce"
    page = 2000
    reading = "/services/data/v68.0/query"
    absent_id = "001000000000000AAA"
    poison = ("NumberOfEmployees", "many")

    def connector(self, **options: Any) -> SalesforceConnector:
        e = self.endpoint
        credentials = options.pop("credentials", None) or SalesforceClientCredentials(
            e["base_url"], e["client_id"], e["client_secret"], emulator=True
        )
        self.opened.append(SalesforceConnector(e["base_url"], credentials, self.clock, emulator=True, **options))
        return self.opened[-1]  # type: ignore[return-value]

    def refused(self) -> Connector:
        return self.connector(credentials=StaticToken(SECRET))

    def create(self, name: str) -> str:
        return self.emulator.salesforce.insert("Account", {"Name": name})

    def rename(self, id_: str, name: str) -> None:
        self.emulator.salesforce.edit("Account", id_, {"Name": name})

    def delete(self, id_: str) -> None:
        self.emulator.salesforce.delete("Account", id_)

    def shown(self, id_: str) -> Any:
        return next(r for r in self.emulator.salesforce.rows("Account") if r["Id"] == id_)[self.stamp]

    def lose_answer(self, *, applied: bool) -> None:
        self.emulator.fail(
            "salesforce", "apply_then_drop" if applied else "drop_before", path_prefix="/services/data/v68.0/composite"
        )

    def count_more(self) -> None:
        body = '{"totalSize": 3, "done": true, "records": []}'
        self.emulator.fail("salesforce", "status", path_prefix=self.reading, status=200, body=body)

    stamp = "AccountNumber"


@contextmanager
def salesforce_world(variants: Variants | None = None) -> Iterator[SalesforceWorld]:
    """A Salesforce org."""
    with emulated(variants) as (emulator, clock, endpoints):
        world = SalesforceWorld(emulator, clock, endpoints["salesforce"])
        yield world
        world.close()
