"""A small sales world for queries over several objects, served once for a file of tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from syncd.emulator import Emulator

from .conftest import Served, frozen, serve


@dataclass
class Sales:
    """The served world and the ids in it by name."""

    served: Served
    ids: dict[str, str]

    def records(self, soql: str) -> list[dict[str, Any]]:
        """The records of a query that must succeed; `{name}` stands for an id."""
        return self.served.sf.records(self.filled(soql))

    def names(self, soql: str) -> list[Any]:
        """The names of what a query finds."""
        return [one["Name"] for one in self.records(soql)]

    def refusal(self, soql: str) -> tuple[str, str]:
        """Code and message of a query that must be refused."""
        answer = self.served.sf.query(self.filled(soql))
        assert answer.status_code == 400, answer.text
        (error,) = answer.json()
        return error["errorCode"], error["message"]

    def filled(self, soql: str) -> str:
        """The query with ids in place of names."""
        for name, id_ in self.ids.items():
            soql = soql.replace(f"{{{name}}}", id_)
        return soql


def sales() -> Iterator[Sales]:
    """Three accounts with owners, a parent, opportunities, contacts, a lead and activities."""
    clock = frozen()
    emu = Emulator.empty(clock=clock)
    sf, ids = emu.salesforce, dict[str, str]()
    for alias, name, title in (("ada", "Ada", "Rep"), ("bob", "Bob", "Boss")):
        ids[alias] = sf.insert("User", {
            "Username": f"{alias}@example.com", "Email": f"{alias}@example.com", "FirstName": name, "LastName": "Ng",
            "Alias": alias, "Title": title,
        })  # fmt: skip
    acme = {"Name": "Acme", "Industry": "Technology", "AnnualRevenue": 100, "OwnerId": ids["ada"]}
    ids["acme"] = sf.insert("Account", {**acme, "BillingCity": "Oslo", "NumberOfEmployees": 10})
    beta = {"Name": "Beta", "Industry": "technology", "AnnualRevenue": 300.5, "OwnerId": ids["bob"]}
    ids["beta"] = sf.insert("Account", {**beta, "ParentId": ids["acme"], "NumberOfEmployees": 20})
    ids["gamma"] = sf.insert("Account", {"Name": "Gamma", "OwnerId": ids["bob"], "ParentId": ids["beta"]})
    deals = (
        ("Acme 1", "acme", "Closed Won", 1000, "2026-01-31"), ("Acme 2", "acme", "Prospecting", 250.25, "2026-04-30"),
        ("Beta 1", "beta", "Closed Lost", None, "2027-01-15"), ("Loose", None, "Proposal", 10, "2026-12-01"),
    )  # fmt: skip
    for name, account, stage, amount, close in deals:
        values = {"Name": name, "StageName": stage, "Amount": amount, "CloseDate": close}
        ids[name] = sf.insert("Opportunity", values | ({"AccountId": ids[account]} if account else {}))
    ids["kim"] = sf.insert(
        "Contact", {"FirstName": "Kim", "LastName": "Lee", "AccountId": ids["acme"], "Email": "k@acme.io"}
    )
    ids["lead"] = sf.insert("Lead", {"LastName": "Moe", "Company": "Delta", "OwnerId": ids["ada"]})
    for subject, who, what in (("Call", "kim", "acme"), ("Mail", "lead", None), ("Note", None, "Acme 1")):
        points = {"WhoId": ids.get(who or ""), "WhatId": ids.get(what or "")}
        ids[subject] = sf.insert("Task", {"Subject": subject, **{name: one for name, one in points.items() if one}})
    for served in serve(emu, clock):
        yield Sales(served, ids)
