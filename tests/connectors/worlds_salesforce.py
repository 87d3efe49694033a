"""The peers that the Salesforce connector is tested against: an emulated org, and answers said word for word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from syncd.connectors.base import Connector
from syncd.connectors.credentials import StaticToken
from syncd.connectors.salesforce import SalesforceClientCredentials, SalesforceConnector
from syncd.connectors.salesforce.pull import Scale
from syncd.emulator import Emulator, EmulatorClock, Variants

from .stub import Say, Stub
from .worlds import SECRET, START, EmulatedWorld, FakeClock, SharedClock

DATA = "/services/data/v68.0"


class SalesforceWorld(EmulatedWorld):
    """The org. `options` are those of every connector to it."""

    options: Mapping[str, Any] = {}
    system = "salesforce"
    page = sweep_page = 2000
    reading = "/services/data/v68.0/query"
    absent_id = "001000000000000AAA"
    poison = ("NumberOfEmployees", "many")

    def connector(self, **options: Any) -> SalesforceConnector:
        e = self.endpoint
        reached = {"emulator": True, "ca_file": e.get("ca_file")}
        credentials = options.pop("credentials", None) or SalesforceClientCredentials(
            e["base_url"], e["client_id"], e["client_secret"], **reached
        )
        self.opened.append(
            SalesforceConnector(e["base_url"], credentials, self.clock, **{**reached, **self.options, **options})
        )
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


class BulkWorld(SalesforceWorld):
    """The org, asked so that everything behind the first page comes by a bulk query."""

    page = sweep_page = 200
    options: Mapping[str, Any] = {"scale": Scale(bulk_from=1, rows_per_page=200)}

    def connector(self, **options: Any) -> SalesforceConnector:
        self.clock.wait(2)  # what was changed in the second of the question may come twice
        self.clock.waited.pop()
        return super().connector(**options)

    def interrupt(self, *, skip: int) -> None:
        self.emulator.fail("salesforce", "status", path_prefix=f"{DATA}/jobs", skip=skip, status=503, body="<html>")

    def count_more(self) -> None:
        body = '{"totalSize": 3, "done": true, "records": []}'
        self.emulator.fail("salesforce", "status", path_prefix=f"{DATA}/query", status=200, body=body)


FIELDS = """object,name,type,label,length,values,unique,external_id
Account,Key__c,text,Key,40,,true,true
"""


@contextmanager
def salesforce_world(
    variants: Variants | None = None, *, tls: bool = False, kind: type[SalesforceWorld] = SalesforceWorld
) -> Iterator[SalesforceWorld]:
    """A Salesforce org on a clock that stands still, whose accounts have an external id and may come without a name."""
    clock = EmulatorClock(START)
    clock.freeze(START)
    with TemporaryDirectory(prefix="syncd-org-") as folder:
        site = Path(folder) / "salesforce"
        site.mkdir()
        (site / "fields.csv").write_text(FIELDS)
        emulator = Emulator.load(folder, clock, variants=variants)
    emulator.salesforce.add_trigger(
        "Account", "NameTheNameless", {"Name": "New"}, before=True, on=("insert",), field="Name", operator="blank"
    )
    with emulator.serve(tls=tls) as endpoints:
        world = kind(emulator, SharedClock(clock), endpoints["salesforce"])
        yield world
        world.close()


# --- answers said word for word

DESCRIBE = {
    "name": "Account",
    "queryable": True,
    "updateable": True,
    "fields": [{"name": n, "type": "string"} for n in ("Id", "SystemModstamp", "IsDeleted", "MasterRecordId", "Name")],
}


def record(number: int, **values: Any) -> dict[str, Any]:
    """An account as a query returns it."""
    stamp = "2026-05-06T11:56:44.000+0000"
    own = {"attributes": {"type": "Account"}, "Id": f"001{number:012}AAA", "SystemModstamp": stamp}
    return {**own, "IsDeleted": False, "MasterRecordId": None, "Name": f"N{number}", **values}


def page(*records: Any, total: int | None = None, more: str | None = None, done: bool = True) -> Say:
    """A page of a query."""
    body = {"totalSize": len(records) if total is None else total, "done": done, "records": list(records)}
    return Say(body=body if more is None else {**body, "nextRecordsUrl": more})


def refusal(status: int, code: str, message: str = "…") -> Say:
    """An error as the REST API says it."""
    return Say(status, [{"errorCode": code, "message": message}])


def on_stub(stub: Stub, clock: FakeClock, **options: Any) -> SalesforceConnector:
    """A connector on the stub, its object described."""
    stub.on(f"GET {DATA}/sobjects/Account/describe", Say(body=options.pop("describe", DESCRIBE)))
    credentials = options.pop("credentials", None) or StaticToken("token")
    return SalesforceConnector(stub.url, credentials, clock, emulator=True, **options)
