"""Random conditions: what SOQL over HTTP finds equals a plain Python reading of the same condition."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from syncd.emulator import Emulator

from .conftest import Http, Served, frozen, serve

NAMES = ["Acme", "ACME", "acme ltd", "Ölwerk", "ölwerk", "50% off", "under_score", "it's", "back\\slash", "", None]
NUMBERS = [None, -1, 0, 1, 2.5, 100]
FLAGS = [True, False]

Row = dict[str, Any]
Condition = tuple[str, Callable[[Row], bool]]


@pytest.fixture(scope="module")
def world() -> Iterator[Served]:
    clock = frozen()
    emu = Emulator.empty(clock=clock)
    source = random.Random(7)
    for number in range(120):
        values = {"Name": f"n{number}", "Site": source.choice(NAMES), "AnnualRevenue": source.choice(NUMBERS),
                  "IsPartner": source.choice(FLAGS)}  # fmt: skip
        emu.salesforce.insert("Account", {name: value for name, value in values.items() if value is not None})
    yield from serve(emu, clock)


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def leaf(source: random.Random) -> Condition:
    kind = source.randrange(6)
    if kind == 0:
        op, number = source.choice(["=", "!=", "<", ">", "<=", ">="]), source.choice([-1, 0, 1, 2.5, 99, 100])
        return f"AnnualRevenue {op} {number}", lambda row: compare(row["AnnualRevenue"], op, number)
    if kind == 1:
        flag, op = source.choice(FLAGS), source.choice(["=", "!="])
        return f"IsPartner {op} {flag}", lambda row: (row["IsPartner"] == flag) == (op == "=")
    if kind == 2:
        name, op = source.choice(["Site", "AnnualRevenue"]), source.choice(["=", "!="])
        return f"{name} {op} null", lambda row: (row[name] is None) == (op == "=")
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


@pytest.mark.parametrize("seed", range(8))
def test_random_conditions_find_what_they_say(world: Served, seed: int) -> None:
    source, rows = random.Random(seed), world.emu.salesforce.rows("Account")
    client: Http = world.sf
    for _ in range(25):
        text, test = tree(source, 3)
        found = [one["Id"] for one in client.records(f"SELECT Id FROM Account WHERE {text} ORDER BY Id")]
        assert found == sorted(row["Id"] for row in rows if test(row)), text
