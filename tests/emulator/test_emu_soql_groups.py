"""GROUP BY, aggregate functions, HAVING, subtotals, and functions that change how values are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Served
from .sales import Sales, sales


@pytest.fixture(scope="module")
def world() -> Iterator[Sales]:
    yield from sales()


def groups(world: Sales, soql: str) -> list[dict[str, Any]]:
    """The groups that a query answers, without their attributes."""
    found = world.records(soql)
    assert all(one.pop("attributes") == {"type": "AggregateResult"} for one in found)
    return found


def test_sf_aggregates_have_implied_names(world: Sales) -> None:
    (found,) = groups(
        world,
        "SELECT COUNT(Id), COUNT(AccountId), COUNT_DISTINCT(AccountId), MIN(Amount) least, MAX(Amount), SUM(Amount), "
        "AVG(Amount) FROM Opportunity",
    )
    assert found == {"expr0": 4, "expr1": 3, "expr2": 2, "least": 10, "expr3": 1000, "expr4": 1260.25,
                     "expr5": pytest.approx(420.083333)}  # fmt: skip
    (found,) = groups(world, "SELECT COUNT(Id), SUM(Amount) FROM Opportunity WHERE Name = 'nobody'")
    assert found == {"expr0": 0, "expr1": None}
    (found,) = groups(world, "SELECT MIN(CloseDate), MAX(Name) FROM Opportunity")
    assert found == {"expr0": "2026-01-31", "expr1": "Loose"}


def test_sf_groups_are_counted_sorted_and_limited(world: Sales) -> None:
    by_account = "SELECT Account.Name, COUNT(Id) deals FROM Opportunity GROUP BY Account.Name"
    assert groups(world, f"{by_account} ORDER BY COUNT(Id) DESC, Account.Name") == [
        {"Name": "Acme", "deals": 2}, {"Name": None, "deals": 1}, {"Name": "Beta", "deals": 1},
    ]  # fmt: skip
    assert groups(world, f"{by_account} HAVING COUNT(Id) > 1") == [{"Name": "Acme", "deals": 2}]
    assert groups(world, f"{by_account} HAVING SUM(Amount) < 100 OR Account.Name LIKE 'b%' ORDER BY Account.Name") == [
        {"Name": None, "deals": 1}, {"Name": "Beta", "deals": 1},
    ]  # fmt: skip
    assert groups(world, f"{by_account} ORDER BY Account.Name LIMIT 1 OFFSET 1") == [{"Name": "Acme", "deals": 2}]


def test_groups_do_not_tell_case_apart(world: Sales) -> None:
    found = groups(world, "SELECT Industry, COUNT(Id) FROM Account GROUP BY Industry ORDER BY Industry")
    assert [(one["Industry"], one["expr0"]) for one in found] == [(None, 1), ("Technology", 2)]


def test_distinct_values_by_grouping_alone(world: Sales) -> None:
    assert groups(world, "SELECT Owner.Alias who FROM Account GROUP BY Owner.Alias ORDER BY Owner.Alias") == [
        {"who": "ada"}, {"who": "bob"},
    ]  # fmt: skip


def test_sf_subtotals(world: Sales) -> None:
    rollup = groups(
        world,
        "SELECT Account.Name account, IsWon won, COUNT(Id) n, GROUPING(IsWon) open FROM Opportunity "
        "WHERE AccountId != null GROUP BY ROLLUP(Account.Name, IsWon) ORDER BY GROUPING(Account.Name), Account.Name, "
        "GROUPING(IsWon), IsWon",
    )
    assert [(one["account"], one["won"], one["n"], one["open"]) for one in rollup] == [
        ("Acme", False, 1, 0), ("Acme", True, 1, 0), ("Acme", None, 2, 1), ("Beta", False, 1, 0), ("Beta", None, 1, 1),
        (None, None, 3, 1),
    ]  # fmt: skip
    cube = groups(world, "SELECT IsWon, IsClosed, COUNT(Id) n FROM Opportunity GROUP BY CUBE(IsWon, IsClosed)")
    assert sorted(one["n"] for one in cube) == [1, 1, 1, 2, 2, 2, 3, 4]


GROUPS_REFUSED = [
    ("SELECT Name, COUNT(Id) FROM Opportunity", "Field must be grouped or aggregated"),
    ("SELECT StageName, COUNT(Id) FROM Opportunity GROUP BY Name", "Field must be grouped or aggregated"),
    ("SELECT FIELDS(ALL), MIN(Amount) FROM Opportunity GROUP BY Id LIMIT 200", "Field must be grouped or aggregated"),
    ("SELECT Name, COUNT(Id) FROM Opportunity GROUP BY Name ORDER BY Amount", "Ordered field must be grouped"),
    ("SELECT COUNT() FROM Opportunity ORDER BY Name", "Ordered field must be grouped"),
    ("SELECT COUNT(), MIN(Name) FROM Opportunity", "Invalid aggregate function"),
    ("SELECT MAX(CreatedDate) FROM Opportunity LIMIT 1", "cannot also use LIMIT"),
    ("SELECT Amount, COUNT(Id) FROM Opportunity GROUP BY Amount", "can not be grouped"),
    ("SELECT Description FROM Opportunity GROUP BY Description", "can not be grouped"),
    ("SELECT SUM(Name) FROM Opportunity", "does not support aggregate operator SUM"),
    ("SELECT MAX(IsWon) FROM Opportunity", "does not support aggregate operator MAX"),
    ("SELECT Name a, COUNT(Id) a FROM Opportunity GROUP BY Name", "duplicate alias"),
    ("SELECT Name n FROM Opportunity", "Only aggregate expressions use field aliasing"),
    ("SELECT Id FROM Opportunity WHERE COUNT(Id) > 1", "not allowed here"),
    (
        "SELECT Name FROM Opportunity GROUP BY Name HAVING Name IN (SELECT Name FROM Account)",
        "top level WHERE",
    ),
]


@pytest.mark.parametrize(("soql", "words"), GROUPS_REFUSED, ids=[soql for soql, _ in GROUPS_REFUSED])
def test_sf_wrong_groups_are_refused(world: Sales, soql: str, words: str) -> None:
    code, message = world.refusal(soql)
    assert code == "MALFORMED_QUERY"
    assert words in message


def test_sf_groups_come_in_one_page(many: Served) -> None:
    answer = many.sf.query("SELECT Name, COUNT(Id) FROM Account GROUP BY Name")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")
    answer = many.sf.query("SELECT Name, COUNT(Id) FROM Account GROUP BY Name ORDER BY Name LIMIT 2000").json()
    assert (answer["totalSize"], answer["done"], len(answer["records"])) == (2000, True, 2000)


# --- date functions


DATED = [
    ("CALENDAR_YEAR(CloseDate) = 2026", ["Acme 1", "Acme 2", "Loose"]),
    ("CALENDAR_QUARTER(CloseDate) = 1", ["Acme 1", "Beta 1"]),
    ("CALENDAR_MONTH(CloseDate) IN (4, 12)", ["Acme 2", "Loose"]),
    ("DAY_IN_MONTH(CloseDate) > 29", ["Acme 1", "Acme 2"]),
    ("DAY_IN_WEEK(CloseDate) = 7", ["Acme 1"]),  # 31 January 2026 is a Saturday
    ("DAY_IN_YEAR(CloseDate) = 15", ["Beta 1"]),
    ("WEEK_IN_MONTH(CloseDate) = 1", ["Loose"]),
    ("WEEK_IN_YEAR(CloseDate) = 3", ["Beta 1"]),
    ("FISCAL_YEAR(CloseDate) = 2027", ["Beta 1"]),
    ("HOUR_IN_DAY(CreatedDate) = 9", ["Acme 1", "Acme 2", "Beta 1", "Loose"]),
    ("DAY_ONLY(CreatedDate) = 2026-11-23", ["Acme 1", "Acme 2", "Beta 1", "Loose"]),
]


@pytest.mark.parametrize(("where", "names"), DATED, ids=[where for where, _ in DATED])
def test_sf_date_functions(world: Sales, where: str, names: list[str]) -> None:
    assert world.names(f"SELECT Name FROM Opportunity WHERE {where} ORDER BY Name") == names


def test_date_functions_group(world: Sales) -> None:
    found = groups(
        world,
        "SELECT CALENDAR_YEAR(CloseDate) y, COUNT(Id) n FROM Opportunity GROUP BY CALENDAR_YEAR(CloseDate) "
        "ORDER BY CALENDAR_YEAR(CloseDate) DESC",
    )
    assert found == [{"y": 2027, "n": 1}, {"y": 2026, "n": 3}]
    for wrong in ("CALENDAR_YEAR(CloseDate) = THIS_YEAR", "CALENDAR_YEAR(Name) = 1", "HOUR_IN_DAY(CloseDate) = 1"):
        code, _ = world.refusal(f"SELECT Id FROM Opportunity WHERE {wrong}")
        assert code == "INVALID_FIELD"
    code, _ = world.refusal("SELECT CALENDAR_YEAR(CloseDate) FROM Opportunity")
    assert code == "MALFORMED_QUERY"


# --- how values are shown


def test_sf_format_and_labels(world: Sales) -> None:
    (record,) = world.records(
        "SELECT Amount, FORMAT(Amount) shown, FORMAT(CloseDate) closes, FORMAT(CreatedDate) made, toLabel(StageName), "
        "FORMAT(Owner.Email) mail FROM Opportunity WHERE Name = 'Acme 1'"
    )
    assert {name: record[name] for name in ("Amount", "shown", "closes", "made", "StageName")} == {
        "Amount": 1000, "shown": "$1,000.00", "closes": "1/31/2026", "made": "11/23/2026, 9:00 AM",
        "StageName": "Closed Won",
    }  # fmt: skip
    (record,) = world.records(
        "SELECT Account.Name, FORMAT(Account.AnnualRevenue) FROM Opportunity WHERE Name = 'Acme 1'"
    )
    assert {key: record["Account"][key] for key in ("Name", "AnnualRevenue")} == {
        "Name": "Acme",
        "AnnualRevenue": "$100.00",
    }
    (found,) = groups(world, "SELECT FORMAT(MIN(CloseDate)) first FROM Opportunity")
    assert found == {"first": "1/31/2026"}


def test_a_field_is_selected_once(world: Sales) -> None:
    for soql in ("SELECT Id, Name, Id FROM Account", "SELECT Amount, FORMAT(Amount) FROM Opportunity",
                 "SELECT Owner.Name, owner.name FROM Account"):  # fmt: skip
        code, message = world.refusal(soql)
        assert (code, "duplicate field selected" in message) == ("INVALID_FIELD", True)


# --- currencies


@pytest.fixture(scope="module")
def money() -> Iterator[Sales]:
    for world in sales():
        world.served.emu.salesforce.enable_currencies({"USD": 1.0, "EUR": 0.5}, "USD")
        world.served.emu.salesforce.edit("Opportunity", world.ids["Acme 1"], {"CurrencyIsoCode": "EUR"})
        yield world


def test_sf_amounts_are_converted(world: Sales, money: Sales) -> None:
    soql = "SELECT Name, Amount, convertCurrency(Amount) usd, CurrencyIsoCode FROM Opportunity ORDER BY Name LIMIT 2"
    found = [(one["Amount"], one["usd"], one["CurrencyIsoCode"]) for one in money.records(soql)]
    assert found == [(1000, 2000, "EUR"), (250.25, 250.25, "USD")]
    assert money.names("SELECT Name FROM Opportunity WHERE Amount > USD1500") == ["Acme 1"]
    assert money.names("SELECT Name FROM Opportunity WHERE Amount > EUR100 ORDER BY Name") == ["Acme 1", "Acme 2"]
    assert money.names("SELECT Name FROM Opportunity WHERE Amount > 1500") == []
    (total,) = groups(money, "SELECT SUM(Amount) FROM Opportunity")
    assert total == {"expr0": 2260.25}  # in the corporate currency
    (record,) = money.records("SELECT FORMAT(Amount) FROM Opportunity WHERE Name = 'Acme 1'")
    assert record["Amount"] == "EUR 1,000.00"
    for soql in ("SELECT convertCurrency(Amount) FROM Opportunity", "SELECT Id FROM Opportunity WHERE Amount > USD5"):
        code, _ = world.refusal(soql)  # an org with one currency knows neither
        assert code in ("MALFORMED_QUERY", "INVALID_FIELD")
    assert money.records("SELECT IsoCode FROM CurrencyType WHERE IsCorporate = true")[0]["IsoCode"] == "USD"
