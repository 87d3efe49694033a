"""The change log is exact: replayed over the first state it gives the last one, whatever happened in between."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests

from syncd.emulator import Emulator, EmulatorRefusal

from .conftest import ACME, ADA, Served, frozen, serve

OBJECTS = ("Account", "Opportunity", "Contact", "Lead")
STAMPS = {"CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate", "SystemModstamp", "Id"}
V = "/services/data/v68.0"

State = dict[tuple[str, str], dict[str, Any]]


def state(served: Served) -> State:
    return {
        (name, one["Id"]): {field: value for field, value in one.items() if field not in STAMPS and value is not None}
        for name in OBJECTS
        for one in served.emu.salesforce.rows(name)
    }


def replayed(served: Served, start: State) -> State:
    rows = {key: dict(values) for key, values in start.items()}
    for change in served.emu.changes:
        if change.object not in OBJECTS:
            continue
        row = rows.setdefault((change.object, change.id), {})
        assert row.get(change.field) == change.before, change
        row[change.field] = change.after
        if change.after is None:
            del row[change.field]
    return rows


class Chaos:
    """Writes of every kind, many of which fail half-way, chosen by a seed."""

    def __init__(self, served: Served, seed: int) -> None:
        self.served, self.dice = served, random.Random(seed)
        self.sf = served.emu.salesforce

    def account(self) -> str:
        live = [one["Id"] for one in self.sf.rows("Account") if not one["IsDeleted"]]
        return self.dice.choice(live) if live else self.sf.insert("Account", {"Name": "One more"})

    def values(self) -> dict[str, Any]:
        choices: list[dict[str, Any]] = [
            {"Name": f"N{self.dice.randrange(5)}"}, {"Site": self.dice.choice(["HQ", None, "bad"])},
            {"Description": f"{self.dice.random()}"}, {"Number__c": self.dice.choice(["A-1", "B-2", "C-3"])},
            {"OwnerId": ADA}, {"Rating": "Hot", "Site": "HQ"}, {"Nonsense__c": 1},
        ]  # fmt: skip
        return self.dice.choice(choices)

    def record(self) -> dict[str, Any]:
        return {"attributes": {"type": "Account"}, "id": self.account(), **self.values()}

    def single(self) -> None:
        self.served.sf.patch(f"sobjects/Account/{self.account()}", self.values())

    def collections(self) -> None:
        body = {"allOrNone": self.dice.random() < 0.5, "records": [self.record() for _ in range(4)]}
        self.served.sf.patch("composite/sobjects", body)

    def composite(self) -> None:
        subs = [
            {"method": "POST", "url": f"{V}/sobjects/Account", "referenceId": "a", "body": {"Name": "C"}},
            {"method": "POST", "url": f"{V}/sobjects/Contact", "referenceId": "b",
             "body": {"LastName": "L", "AccountId": "@{a.id}"}},
            {"method": "PATCH", "url": f"{V}/sobjects/Account/{self.account()}", "referenceId": "c",
             "body": self.values()},
        ]  # fmt: skip
        self.served.sf.post("composite", {"allOrNone": self.dice.random() < 0.5, "compositeRequest": subs})

    def bulk(self) -> None:
        created = self.served.sf.post("jobs/ingest", {"object": "Account", "operation": "update"}).json()
        lines = "".join(f"{self.account()},{self.dice.choice(['HQ', 'bad', '#N/A', ''])}\n" for _ in range(4))
        path = f"jobs/ingest/{created['id']}"
        self.served.sf("PUT", f"{path}/batches", data=f"Id,Site\n{lines}")
        self.served.sf.patch(path, {"state": "UploadComplete"})
        self.served.clock.advance(timedelta(seconds=3))

    def lives(self) -> None:
        self.served.sf("DELETE", f"sobjects/Account/{self.account()}")
        binned = [one["Id"] for one in self.sf.rows("Account") if one["IsDeleted"]]
        if self.dice.random() < 0.7:
            self.sf.undelete("Account", self.dice.choice(binned))

    def merging(self) -> None:
        self.sf.merge("Account", self.account(), [self.account()])

    def converting(self) -> None:
        lead = self.sf.insert("Lead", {"LastName": "L", "Company": "Co"})
        self.sf.convert_lead(lead, account_id=self.account() if self.dice.random() < 0.5 else None)

    def person(self) -> None:
        self.sf.edit("Account", self.account(), self.values(), user="ada@example.com")

    def step(self) -> None:
        acts: list[Callable[[], None]] = [
            self.single, self.collections, self.composite, self.bulk, self.lives, self.merging, self.converting,
            self.person,
        ]  # fmt: skip
        with contextlib.suppress(EmulatorRefusal):
            self.dice.choice(acts)()


@pytest.mark.parametrize("seed", range(6))
def test_the_change_log_replays_to_the_rows(fresh: Served, seed: int) -> None:
    sf = fresh.emu.salesforce
    sf.add_trigger("Account", "Stamp", {"Rating": "Cold"}, field="Site")
    sf.add_trigger("Account", "Before", {"Fax": "1"}, before=True, field="Name")
    sf.add_trigger("Account", "Fail", throws="DmlException: no", field="Site", operator="equals", value="bad")
    sf.add_validation_rule("Account", "No_N3", "Name", "equals", "N3")
    sf.add_cascade("Contact", "AccountId")
    sf.set_owner_change_effects(transfer_opportunities=True)
    start, chaos = state(fresh), Chaos(fresh, seed)
    for _ in range(60):
        chaos.step()
    assert replayed(fresh, start) == state(fresh)
    assert len(fresh.emu.changes) > 50
    assert {"trigger:Stamp", "trigger:Before"} <= {one.by for one in fresh.emu.changes}


def test_rows_that_were_erased_come_back_when_the_call_is_rolled_back(
    load: Callable[[dict[str, str]], Emulator],
) -> None:
    clock = frozen()
    emu = load({
        "salesforce/Account.csv": f"Id,Name\n{ACME},Acme\n",
        "salesforce/AccountTeamMember.csv": f"AccountId,UserId\n{ACME},x\n",
    })  # fmt: skip
    emu.salesforce.set_owner_change_effects(drop_account_team=True)
    (person,) = [one["Id"] for one in emu.salesforce.rows("User") if one["Username"] == "admin@example.com"]
    for served in serve(emu, clock):
        owner = {"method": "PATCH", "url": f"{V}/sobjects/Account/{ACME}", "referenceId": "a",
                 "body": {"OwnerId": person}}  # fmt: skip
        fails = {"method": "PATCH", "url": f"{V}/sobjects/Account/{ACME}", "referenceId": "b", "body": {"No__c": 1}}
        answer: requests.Response
        for subs, left in (([owner, fails], 1), ([owner], 0)):
            answer = served.sf.post("composite", {"allOrNone": True, "compositeRequest": subs})
            assert answer.status_code == 200
            assert len(emu.salesforce.rows("AccountTeamMember")) == left
    assert [(one.object, one.field, one.by) for one in emu.changes] == [
        ("Account", "OwnerId", "integration@example.com"), ("AccountTeamMember", "IsDeleted", "owner change"),
    ]  # fmt: skip
