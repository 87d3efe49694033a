"""Random queries: what SOQL over HTTP answers equals a plain Python reading of the same query.

The oracle is written from the documentation and shares no code with the emulator.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from typing import Any

import pytest

from syncd.emulator import Emulator

from .conftest import Http, Served, frozen, serve, write_world

TAGS = ["", "red", "red;blue", "blue;green", "GREEN", "red;blue;green"]
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
NAMES = ["Acme", "ACME", "acme ltd", "Ölwerk", "ölwerk", "50% off", "under_score", "it's", "back\\slash", "", None]
NUMBERS = [None, -1, 0, 1, 2.5, 100]
FLAGS = [True, False]

Row = dict[str, Any]
Condition = tuple[str, Callable[[Row], bool]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    source = random.Random(7)
    titles = enumerate(["Rep", "rep", "", "Boss"])
    users = [{"Id": f"00500000000000{n}AAA", "Username": f"u{n}@example.com", "LastName": f"U{n}", "Alias": f"u{n}",
              "Email": f"u{n}@example.com", "Title": title} for n, title in titles]  # fmt: skip
    rows = [account(source, number, users) for number in range(150)]
    fields = {"object": "Account", "name": "Tags__c", "type": "multipicklist", "values": "red;blue;green;GREEN"}
    files = {"salesforce/User.csv": users, "salesforce/Account.csv": rows, "salesforce/fields.csv": [fields]}
    clock = frozen()
    folder = write_world(tmp_path_factory.mktemp("oracle"), files)
    yield from serve(Emulator.load(folder, clock=clock), clock)


def account(source: random.Random, number: int, users: list[dict[str, str]]) -> dict[str, str]:
    stamp = FIRST + timedelta(hours=source.randrange(240))  # many are equal
    site, revenue = source.choice(NAMES), source.choice(NUMBERS)
    return {
        "Name": f"n{number}", "Site": site or "", "AnnualRevenue": "" if revenue is None else str(revenue),
        "IsPartner": str(source.choice(FLAGS)), "Tags__c": source.choice(TAGS), "OwnerId": source.choice(users)["Id"],
        "SystemModstamp": stamp.strftime("%Y-%m-%dT%H:%M:%SZ"), "IsDeleted": str(source.random() < 0.1),
    }  # fmt: skip


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def leaf(source: random.Random) -> Condition:
    kind = source.randrange(10)
    if kind == 0:
        op, number = source.choice(["=", "!=", "<", ">", "<=", ">="]), source.choice([-1, 0, 1, 2.5, 99, 100])
        return f"AnnualRevenue {op} {number}", lambda row: compare(row["AnnualRevenue"], op, number)
    if kind == 1:
        flag, op = source.choice(FLAGS), source.choice(["=", "!="])
        return f"IsPartner {op} {flag}", lambda row: (row["IsPartner"] == flag) == (op == "=")
    if kind == 2:
        name, op = source.choice(["Site", "AnnualRevenue"]), source.choice(["=", "!="])
        return f"{name} {op} null", lambda row: (row[name] is None) == (op == "=")
    if kind == 6:
        return members(source)
    if kind == 7:
        return window(source)
    if kind == 8:
        title, op = source.choice(["Rep", "boss", "nobody"]), source.choice(["=", "!="])
        return f"Owner.Title {op} {quoted(title)}", lambda row: compare(low(row["Owner"]["Title"]), op, title.lower())
    if kind == 9:
        return chosen_ids(source)
    text = source.choice([name for name in NAMES if name])
    if kind == 3:
        op = source.choice(["=", "!=", "<", ">"])
        return f"Site {op} {quoted(text)}", lambda row: compare(low(row["Site"]), op, text.lower())
    if kind == 4:
        others = [text, "zzz", source.choice(["Acme", "ÖLWERK"])]
        inside = source.random() < 0.5
        listed = ", ".join(quoted(one) for one in others)
        wanted = [one.lower() for one in others]
        return f"Site {'' if inside else 'NOT '}IN ({listed})", lambda row: (low(row["Site"]) in wanted) == inside
    head = text[:2]
    pattern = quoted(head)[1:-1].replace("%", "\\%").replace("_", "\\_")
    return (
        f"Site LIKE '{pattern}%'",
        lambda row: row["Site"] is not None and row["Site"].lower().startswith(head.lower()),
    )


def members(source: random.Random) -> Condition:
    wanted = source.sample(["red", "blue", "green;red", "RED;BLUE"], 2)
    inside = source.random() < 0.5
    sets = [set(one.lower().split(";")) for one in wanted]
    listed = ", ".join(map(quoted, wanted))

    def includes(row: Row) -> bool:
        held = set((row["Tags__c"] or "").lower().split(";"))
        return any(one <= held for one in sets)

    return f"Tags__c {'IN' if inside else 'EX'}CLUDES ({listed})", lambda row: includes(row) == inside


def window(source: random.Random) -> Condition:
    low_, high = sorted(FIRST + timedelta(hours=source.randrange(240)) for _ in range(2))
    text = f"SystemModstamp >= {low_:%Y-%m-%dT%H:%M:%SZ} AND SystemModstamp < {high:%Y-%m-%dT%H:%M:%S}+00:00"
    return f"({text})", lambda row: low_ <= datetime.fromisoformat(row["SystemModstamp"]) < high


def chosen_ids(source: random.Random) -> Condition:
    mark, op = source.choice(["00500000000000", "001"]), source.choice(["<", ">", "<=", ">="])
    id_ = (mark + str(source.randrange(4))).ljust(15, "0") + "AAA"
    return f"OwnerId {op} '{id_[:15]}'", lambda row: compare(row["OwnerId"], op, id_)


def low(value: str | None) -> str | None:
    return None if value is None else value.lower()


def compare(value: Any, op: str, wanted: Any) -> bool:
    if op in ("=", "!="):
        return (value == wanted) == (op == "=")
    if value is None:
        return False
    return {"<": value < wanted, ">": value > wanted, "<=": value <= wanted, ">=": value >= wanted}[op]


def tree(source: random.Random, depth: int) -> Condition:
    if depth == 0 or source.random() < 0.2:
        return leaf(source)
    if source.random() < 0.25:
        text, test = tree(source, depth - 1)
        return f"NOT ({text})", lambda row: not test(row)
    word = source.choice(["AND", "OR"])
    parts = [tree(source, depth - 1) for _ in range(source.choice([2, 2, 3]))]
    every = all if word == "AND" else any
    return f" {word} ".join(f"({text})" for text, _ in parts), lambda row: every(test(row) for _, test in parts)


def everything(world: Served) -> list[Row]:
    owners = {row["Id"]: row for row in world.emu.salesforce.rows("User")}
    return [row | {"Owner": owners[row["OwnerId"]]} for row in world.emu.salesforce.rows("Account")]


@pytest.mark.parametrize("seed", range(12))
def test_random_conditions_find_what_they_say(world: Served, seed: int) -> None:
    source, rows = random.Random(seed), everything(world)
    client: Http = world.sf
    for _ in range(25):
        text, test = tree(source, 3)
        resource = source.choice(["query", "queryAll"])
        wanted = [row for row in rows if test(row) and (resource == "queryAll" or not row["IsDeleted"])]
        found = [one["Id"] for one in client.records(f"SELECT Id FROM Account WHERE {text} ORDER BY Id", resource)]
        assert found == sorted(row["Id"] for row in wanted), text
        if resource == "query":
            assert client.query(f"SELECT COUNT() FROM Account WHERE {text}").json()["totalSize"] == len(wanted)


# --- order

SORTED = {
    "Site": lambda row: low(row["Site"]), "AnnualRevenue": lambda row: row["AnnualRevenue"],
    "IsPartner": lambda row: row["IsPartner"], "SystemModstamp": lambda row: row["SystemModstamp"],
    "Owner.Alias": lambda row: low(row["Owner"]["Alias"]), "OwnerId": lambda row: row["OwnerId"],
}  # fmt: skip


def orders(source: random.Random) -> tuple[str, Callable[[Row, Row], int]]:
    keys = [
        (name, source.random() < 0.5, source.choice(["", " NULLS FIRST", " NULLS LAST"]))
        for name in source.sample(list(SORTED), source.choice([1, 2, 3]))
    ]
    text = ", ".join(f"{name}{' DESC' if down else source.choice(['', ' ASC'])}{nulls}" for name, down, nulls in keys)

    def compared(one: Row, other: Row) -> int:
        for name, down, nulls in keys:
            left, right = SORTED[name](one), SORTED[name](other)
            if left == right:
                continue
            if left is None or right is None:
                return 1 if (left is None) == nulls.endswith("LAST") else -1
            return (-1 if left < right else 1) * (-1 if down else 1)
        return -1 if one["Id"] < other["Id"] else 1

    return text, compared


@pytest.mark.parametrize("seed", range(6))
def test_random_orders_and_cuts(world: Served, seed: int) -> None:
    source, rows = random.Random(seed), everything(world)
    live = [row for row in rows if not row["IsDeleted"]]
    for _ in range(15):
        text, compared = orders(source)
        limit, offset = source.randrange(1, 160), source.choice([0, 0, 5, 100])
        soql = f"SELECT Id FROM Account ORDER BY {text}, Id LIMIT {limit} OFFSET {offset}"
        wanted = [row["Id"] for row in sorted(live, key=cmp_to_key(compared))]
        assert [one["Id"] for one in world.sf.records(soql)] == wanted[offset : offset + limit], soql


# --- groups


@pytest.mark.parametrize("seed", range(6))
def test_random_groups(world: Served, seed: int) -> None:
    source, rows = random.Random(seed), everything(world)
    for _ in range(12):
        condition, test = tree(source, 2)
        field, key = source.choice([("Site", SORTED["Site"]), ("Owner.Alias", SORTED["Owner.Alias"]),
                                    ("IsPartner", SORTED["IsPartner"]), ("OwnerId", SORTED["OwnerId"])])  # fmt: skip
        inside = [row for row in rows if test(row) and not row["IsDeleted"]]
        least = source.choice([0, 2, 5])
        soql = (
            f"SELECT {field} k, COUNT(Id) n, COUNT(AnnualRevenue) c, SUM(AnnualRevenue) s, MAX(SystemModstamp) m "
            f"FROM Account WHERE {condition} GROUP BY {field} HAVING COUNT(Id) > {least}"
        )
        assert grouped(world.sf.records(soql)) == expected(inside, key, least), soql


def grouped(records: list[Row]) -> dict[Any, tuple[Any, ...]]:
    folded = [
        low(one["k"]) if isinstance(one["k"], str) and not one["k"].startswith("005") else one["k"] for one in records
    ]
    assert len(set(folded)) == len(folded)
    return {key: (one["n"], one["c"], one["s"], one["m"]) for key, one in zip(folded, records, strict=True)}


def expected(rows: list[Row], key: Callable[[Row], Any], least: int) -> dict[Any, tuple[Any, ...]]:
    sizes = Counter(map(key, rows))
    found = {}
    for name, size in sizes.items():
        members_ = [row for row in rows if key(row) == name]
        amounts = [row["AnnualRevenue"] for row in members_ if row["AnnualRevenue"] is not None]
        total = sum(amounts) if amounts else None
        if size > least:
            found[name] = (size, len(amounts), total, max(row["SystemModstamp"] for row in members_))
    return found


# --- a cursor by stamp and id


@pytest.mark.parametrize("size", [1, 7, 40])
def test_keyset_steps_meet_every_record_once(world: Served, size: int) -> None:
    seen: list[str] = []
    where = ""
    while found := world.sf.records(
        f"SELECT Id, SystemModstamp FROM Account {where} ORDER BY SystemModstamp, Id LIMIT {size}", "queryAll"
    ):
        seen += [one["Id"] for one in found]
        stamp, id_ = found[-1]["SystemModstamp"].replace(".000+0000", "Z"), found[-1]["Id"]
        where = f"WHERE (SystemModstamp = {stamp} AND Id > '{id_}') OR SystemModstamp > {stamp}"
        if size == 1 and len(seen) == 30:
            break
    rows = sorted(everything(world), key=lambda row: (row["SystemModstamp"], row["Id"]))
    assert seen == [row["Id"] for row in rows][: len(seen)]
    assert len(seen) == (30 if size == 1 else 150)
