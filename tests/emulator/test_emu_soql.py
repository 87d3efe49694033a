"""SOQL over HTTP: what is found, in which order, and how wrong queries are refused."""

from __future__ import annotations

import pytest

from .conftest import ACME, ADA, BETA, GONE, Served

FOUND = [
    ("Name = 'ACME LTD'", [ACME]),  # strings compare without case
    ("Name != 'Acme Ltd'", [BETA]),
    ("Website = null", [BETA]),
    ("Website != null", [ACME]),
    ("Industry != 'Technology'", [BETA]),  # a missing value is not Technology either
    ("Name LIKE 'ac%'", [ACME]),
    ("Name LIKE '_eta gmbh'", [BETA]),
    (r"Name LIKE '%\%%'", []),
    ("Name IN ('acme ltd', 'x')", [ACME]),
    ("Name NOT IN ('acme ltd')", [BETA]),
    ("NOT Name = 'acme ltd'", [BETA]),
    ("NOT (Name = 'x' OR Name LIKE '%gmbh')", [ACME]),
    ("(Name = 'acme ltd' OR Name = 'beta gmbh') AND Website = null", [BETA]),
    ("NumberOfEmployees >= 120", [ACME]),
    ("NumberOfEmployees < 120", []),  # null is not less than anything
    ("Score__c = 1.5 AND Protected__c = TRUE", [ACME]),
    ("Protected__c = false", [BETA]),
    ("Id = '001000000000001'", [ACME]),  # 15 characters name the same record
    ("Id IN ('001000000000001AAA','001000000000002AAA')", [ACME, BETA]),
    ("Id > '001000000000001AAA'", [BETA]),
    ("Owner.Email = 'ADA@example.com'", [ACME]),
    ("Owner.Name LIKE 'integration%'", [BETA]),
    ("LastModifiedDate > 2026-11-20T11:00:00+01:00", [BETA]),
    (
        "LastModifiedDate >= 2026-11-20T10:00:00.900Z AND LastModifiedDate < 2026-11-21T00:00:00Z",
        [ACME],
    ),  # whole seconds
    ("LastModifiedDate = LAST_N_DAYS:2", [BETA]),
    ("LastModifiedDate < LAST_N_DAYS:2", [ACME]),
    ("LastModifiedDate = YESTERDAY", [BETA]),
    ("LastModifiedDate > TODAY", []),
    ("Until__c = NEXT_N_DAYS:100", [ACME]),
    ("Until__c > 2026-12-31", [ACME]),
    ("Until__c = NEXT_YEAR", [ACME]),
    (r"Name = 'Acme\u0020Ltd'", [ACME]),
    ("Protected__c = null", [BETA]),  # a checkbox is never empty: null is false
    ("Protected__c != null", [ACME]),
    ("Protected__c IN (TRUE)", [ACME]),
    ("Name <> 'Acme Ltd'", [BETA]),
    ("Score__c IN (1.5, 2)", [ACME]),
    ("Industry IN ('x', null)", [BETA]),
    ("Name = 'acme ltd' AND (NOT Website = null)", [ACME]),
    ("NumberOfEmployees > -1 AND Score__c < 1.5e1", [ACME]),
    ("Website LIKE '%.COM' AND Website LIKE 'acme____'", [ACME]),
    ("CreatedDate >= 1999-01-01T00:00:00+01:00 AND Until__c != 2026-01-01", [ACME, BETA]),
    ("Owner.IsActive = true", [ACME, BETA]),
    ("Name LIKE '%'", [ACME, BETA]),
]


@pytest.mark.parametrize(("where", "ids"), FOUND, ids=[where for where, _ in FOUND])
def test_where_finds(shared: Served, where: str, ids: list[str]) -> None:
    assert [one["Id"] for one in shared.sf.records(f"SELECT Id FROM Account WHERE {where} ORDER BY Id")] == ids


REFUSED = [
    ("SELECT Foo__c FROM Account", "INVALID_FIELD"),
    ("SELECT Id FROM Account WHERE Foo__c = 1", "INVALID_FIELD"),
    ("SELECT Id FROM Account ORDER BY Foo__c", "INVALID_FIELD"),
    ("SELECT Nobody.Name FROM Account", "INVALID_FIELD"),
    ("SELECT Owner.Foo FROM Account", "INVALID_FIELD"),
    ("SELECT Id FROM Nothing__c", "INVALID_TYPE"),
    ("SELECT Id FORM Account", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE Name = 'a' OR Name = 'b' AND Name = 'c'", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE Name IN ()", "MALFORMED_QUERY"),
    (r"SELECT Id FROM Account WHERE Name = 'a\q'", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE Name = 'open", "MALFORMED_QUERY"),
    ('SELECT Id FROM Account WHERE Name = "a"', "MALFORMED_QUERY"),
    ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY"),
    ("SELECT Id, FROM Account", "MALFORMED_QUERY"),
    ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY"),
    ("SELECT FIELDS(ALL) FROM Account LIMIT 201", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account ALL ROWS", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE LastModifiedDate = SOMEDAY", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE LastModifiedDate > '2026-11-20T10:00:00Z'", "INVALID_FIELD"),  # quoted
    ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD"),
    ("SELECT Id FROM Account WHERE NumberOfEmployees = '5'", "INVALID_FIELD"),
    ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD"),  # long text
    ("SELECT Id FROM Account ORDER BY Description", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
    ("SELECT Id FROM Account WHERE NumberOfEmployees LIKE '1%'", "INVALID_QUERY_FILTER_OPERATOR"),
    ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ("SELECT Id FROM Account WHERE Name = 'a' AND NOT Name = 'b'", "MALFORMED_QUERY"),  # NOT is mixed with AND
    ("SELECT Id FROM Account WHERE Name = :name", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE Name IS NULL", "MALFORMED_QUERY"),
    ("SELECT * FROM Account", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account;", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account LIMIT -1", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account LIMIT 5 ORDER BY Id", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account FOR UPDATE", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WITH NONSENSE", "MALFORMED_QUERY"),
    ("SELECT Id x FROM Account", "MALFORMED_QUERY"),
    ("SELECT UPPER(Name) FROM Account", "MALFORMED_QUERY"),
    ("SELECT FIELDS(NONE) FROM Account LIMIT 1", "MALFORMED_QUERY"),
    ("SELECT FIELDS(CUSTOM) FROM User LIMIT 1", "MALFORMED_QUERY"),  # there is none
    (f"SELECT Id FROM Account WHERE Name = '{'x' * 4001}'", "MALFORMED_QUERY"),
    ("", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE LastModifiedDate > 2026-11-20", "INVALID_FIELD"),  # a date for a datetime
    ("SELECT Id FROM Account WHERE Until__c > 2026-11-20T10:00:00Z", "INVALID_FIELD"),
    ("SELECT Id FROM Account WHERE Until__c > 2026-13-20", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE LastModifiedDate > 2026-11-20T25:00:00Z", "MALFORMED_QUERY"),
    ("SELECT Id FROM Account WHERE Protected__c = 'true'", "INVALID_FIELD"),
    ("SELECT Id FROM Account WHERE Protected__c > false", "INVALID_QUERY_FILTER_OPERATOR"),
    ("SELECT Id FROM Account WHERE Name INCLUDES ('a')", "INVALID_QUERY_FILTER_OPERATOR"),
    ("SELECT Id FROM Account WHERE OwnerId LIKE '005%'", "INVALID_QUERY_FILTER_OPERATOR"),
    ("SELECT Id FROM Account WHERE Name = LAST_N_DAYS:3", "INVALID_FIELD"),
    ("SELECT Id FROM Account WHERE Id = '001000000000001AAB'", "INVALID_QUERY_FILTER_OPERATOR"),  # a wrong suffix
    ("SELECT Id FROM Account USING SCOPE nonsense", "INVALID_QUERY_SCOPE"),
]


@pytest.mark.parametrize(("soql", "code"), REFUSED, ids=[soql for soql, _ in REFUSED])
def test_wrong_query_is_refused(shared: Served, soql: str, code: str) -> None:
    answer = shared.sf.query(soql)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_sf_invalid_field_names_the_place(shared: Served) -> None:
    message = shared.sf.query("SELECT Foo__c FROM Account").json()[0]["message"]
    assert "ERROR at Row:1:Column:8" in message
    assert "No such column 'Foo__c' on entity 'Account'" in message


def test_sf_unexpected_tokens_are_named_with_their_place(shared: Served) -> None:
    for soql, token, column in (
        ("SELECT Id FORM Account", "'FORM'", 11),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "'OR'", 56),
        ("SELECT Id FROM Account WHERE", "'<EOF>'", 29),
        ("SELECT Id,\n FROM Account", "'FROM'", 2),
    ):
        message = shared.sf.query(soql).json()[0]["message"]
        assert message.endswith(f":Column:{column}\nunexpected token: {token}")
        assert f"ERROR at Row:{1 + soql.count(chr(10))}:" in message
        assert "^" in message


def test_sf_names_that_are_keywords_elsewhere(shared: Served) -> None:
    for soql in ("SELECT Id FROM Group", "SELECT Id FROM Order ORDER BY Id", "SELECT Id FROM Group ORDER BY Name"):
        assert shared.sf.query(soql).status_code == 200, soql


def test_sf_clauses_that_change_nothing_are_accepted(shared: Served) -> None:
    for tail in ("FOR VIEW", "FOR REFERENCE", "FOR VIEW FOR REFERENCE", "UPDATE TRACKING", "UPDATE VIEWSTAT"):
        assert len(shared.sf.records(f"SELECT Id FROM Account {tail}")) == 2
    assert len(shared.sf.records("SELECT Id FROM Account WITH SECURITY_ENFORCED")) == 2
    assert len(shared.sf.records("SELECT Id FROM Account USING SCOPE everything")) == 2
    assert [one["Id"] for one in shared.sf.records("SELECT Id FROM Account USING SCOPE mine")] == [BETA]


def test_sf_refused_all_rows_says_why(shared: Served) -> None:
    message = shared.sf.query("SELECT Id FROM Account ALL ROWS").json()[0]["message"]
    assert message.endswith("ALL ROWS not allowed in this context")


def test_sf_a_condition_may_be_too_complicated(shared: Served) -> None:
    deep = f"{'(' * 150}Name = 'acme ltd'{')' * 150}"
    assert len(shared.sf.records(f"SELECT Id FROM Account WHERE {deep}")) == 1  # brackets alone do not count
    nested = "Name = 'x'"
    for _ in range(250):
        nested = f"(NOT {nested})"
    answer = shared.sf.query(f"SELECT Id FROM Account WHERE {nested}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "QUERY_TOO_COMPLICATED")


def test_missing_q_is_malformed(shared: Served) -> None:
    assert shared.sf.get("query").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_sf_nulls_sort_first(shared: Served) -> None:
    def order(by: str) -> list[str]:
        return [one["Id"] for one in shared.sf.records(f"SELECT Id FROM Account ORDER BY {by}", "queryAll")]

    assert order("Website, Id") == [BETA, ACME, GONE]
    assert order("Website NULLS LAST, Id") == [ACME, GONE, BETA]
    assert order("Website DESC NULLS LAST") == [GONE, ACME, BETA]
    assert order("Website DESC") == [BETA, GONE, ACME]
    assert order("Name") == [ACME, BETA, GONE]  # 'beta' between 'Acme' and 'Gone': case does not count
    assert order("IsDeleted DESC, Name DESC") == [GONE, BETA, ACME]
    assert order("Owner.Name, Name") == [ACME, GONE, BETA]


def test_limit_offset_and_count(shared: Served) -> None:
    assert [one["Id"] for one in shared.sf.records("SELECT Id FROM Account ORDER BY Id LIMIT 1 OFFSET 1")] == [BETA]
    counted = shared.sf.query("SELECT COUNT() FROM Account WHERE Name LIKE '%'").json()
    assert counted == {"totalSize": 2, "done": True, "records": []}


def test_fields_come_in_select_order_with_parents_as_objects(shared: Served) -> None:
    (record,) = shared.sf.records(
        "select website, owner.email, name, Owner.Name from account where id = '001000000000001'"
    )
    assert list(record) == ["attributes", "Website", "Owner", "Name"]
    assert record["attributes"] == {"type": "Account", "url": f"/services/data/v68.0/sobjects/Account/{ACME}"}
    assert record["Owner"]["attributes"]["url"].endswith(f"/sobjects/User/{ADA}")
    assert (record["Owner"]["Email"], record["Owner"]["Name"]) == ("ada@example.com", "Ada Sales")


def test_custom_lookup_is_read_through_its_relationship(shared: Served) -> None:
    records = shared.sf.records("SELECT Name, Account__r.Name, Account__r.Owner.Email FROM Deal_Reg__c ORDER BY Name")
    assert records[0]["Account__r"]["Name"] == "Acme Ltd"
    assert records[0]["Account__r"]["Owner"]["Email"] == "ada@example.com"
    assert records[1]["Account__r"] is None


def test_values_have_json_types(shared: Served) -> None:
    fields = "Protected__c, Score__c, Until__c, NumberOfEmployees, LastModifiedDate, Website, IsDeleted"
    acme, beta = shared.sf.records(f"SELECT {fields} FROM Account ORDER BY Id")
    assert [acme[name] for name in fields.split(", ")[:4]] == [True, 1.5, "2027-01-31", 120]
    assert acme["LastModifiedDate"] == "2026-11-20T10:00:00.000+0000"
    assert (beta["Website"], beta["Protected__c"], beta["IsDeleted"]) == (None, False, False)


def test_alias_and_fields_function(shared: Served) -> None:
    (record,) = shared.sf.records("SELECT a.Name FROM Account a WHERE a.Name = 'acme ltd'")
    assert record["Name"] == "Acme Ltd"
    (record,) = shared.sf.records("SELECT FIELDS(ALL) FROM Account LIMIT 1")
    assert {"Id", "Name", "Protected__c", "BillingCity"} <= set(record)
    (record,) = shared.sf.records("SELECT FIELDS(CUSTOM) FROM Account LIMIT 1")
    assert "Protected__c" in record
    assert "Name" not in record
