"""Whatever a CRM says becomes a typed value or a named problem; the record survives all but a lost identity."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.mapping import FieldProblem, Mapped, Mapping, MappingFile, StreamMapping
from syncd.mapping.convert import LONG_TEXT_LIMIT, TEXT_LIMIT
from syncd.model import Account, FiledStatus, Money, Opportunity, Partner, Ref, Registration, Stream, User
from syncd.settings import parse_yaml, validate

MAP = """\
streams:
  accounts:
    object: companies
    where: {region: [uk, ie]}
    exclude: {name: [syncd heartbeat], hs_object_id: ["666"]}
    fields:
      name: name
      other_names: {field: alias, split: "|"}
      website: {first_of: [website, domain]}
      industry: {field: industry, values: {RET: Retail}}
      country: {const: GB}
      city: {field: city, default: Leeds}
      employees: employees
      is_customer: {field: type, values: {Customer: true}, default: false}
      is_named: named
      last_order_on: ordered
      created_at: created
  opportunities:
    object: deals
    fields:
      account_id: company
      is_closed: closed
      is_won: won
      created_at: created
      value: {amount: amount, currency: currency}
      products: {field: products, values: {Core Platform: core, Archive: archive}}
  registrations:
    object: filings
    fields:
      partner_id: partner
      status: {field: stage, values: {New: submitted, Done: approved}}
      submitted_at: submitted
      first_contact_on: contacted
      next_steps: steps
      products: products
    company: {name: firm, employees: staff, website: web}
  partners:
    object: partners
    fields: {partner_id: key, name: name, status: {field: state, default: active}}
  users:
    object: users
    fields: {email: email, is_active: active}
  line_items:
    object: line_items
    fields: {opportunity_id: deal, product: sku, quantity: quantity, value: {amount: amount, currency: {const: EUR}}}
  leads:
    object: leads
    fields: {company: company, is_converted: converted, opportunity_id: became, created_at: created}
  contacts:
    object: contacts
    fields: {account_id: company, name: {template: "{first} {last}"}, email: email}
  activities:
    object: meetings
    fields: {account_id: company, is_human: {field: kind, values: {MEETING: true}, default: false}, happened_at: at}
  history:
    object: deals_history
    fields: {record_id: record, field: property, before: old, after: new, changed_at: at}
  territories:
    object: territories
    fields: {name: name, account_id: company}
  contracts:
    object: contracts
    fields: {account_id: company, starts_on: from, ends_on: until, products: products}
  documents:
    object: files
    fields: {record_id: record, name: name, url: link}
  exceptions:
    object: exceptions
    fields: {record_id: record, reason: reason}
  lists:
    object: lists
    fields: {kind: kind, account_id: company, from_on: from}
  stages:
    object: deal_stages
    fields: {key: key, pipeline: pipeline, is_closed: closed, is_won: won, position: place}
  rates:
    object: exchange_rates
    fields: {currency: code, rate: rate, from_on: from}
"""


def mappings(text: str = MAP, kind: str = "hubspot") -> dict[Stream, StreamMapping]:
    file, problems = validate(parse_yaml(text, "map.yaml"), MappingFile)
    assert file is not None, problems
    return dict(Mapping.compile(file, kind).streams)


ALL = mappings()


def mapped(stream: Stream, **fields: Any) -> Mapped:
    return ALL[stream].to_canonical(Ref("u", ALL[stream].object, "1"), fields)


def account(**fields: Any) -> tuple[Account, tuple[FieldProblem, ...]]:
    found = mapped(Stream.ACCOUNTS, **{"name": "Acme", **fields})
    assert isinstance(found.record, Account)
    return found.record, found.problems


CREATED = datetime(2026, 5, 6, 11, 56, 44, tzinfo=UTC)


@pytest.mark.parametrize(
    ("native", "value", "field", "expected"),
    [
        ("name", "  Acme Ltd \u00a0", "name", "Acme Ltd"),
        ("name", "Ac\x00me\x07\u200b \u202eLtd\ud800", "name", "Acme Ltd"),
        ("name", "Acme\r\nLtd\tUK", "name", "Acme\nLtd UK"),
        ("name", 7, "name", "7"),
        ("name", "Café Zoë 日本", "name", "Café Zoë 日本"),
        ("domain", "acme.com", "website", "acme.com"),
        ("industry", "RET", "industry", "Retail"),
        ("industry", " ret ", "industry", "Retail"),
        ("industry", "Ret", "industry", "Retail"),
        ("city", "", "city", "Leeds"),
        ("city", "York", "city", "York"),
        ("employees", 120, "employees", 120),
        ("employees", "120", "employees", 120),
        ("employees", "1200.00", "employees", 1200),
        ("employees", "1,200", "employees", 1200),
        ("employees", 120.0, "employees", 120),
        ("employees", "", "employees", None),
        ("type", "Customer", "is_customer", True),
        ("type", "Prospect", "is_customer", False),
        ("type", None, "is_customer", False),
        ("named", True, "is_named", True),
        ("named", "true", "is_named", True),
        ("named", "1", "is_named", True),
        ("named", "FALSE", "is_named", False),
        ("named", 0, "is_named", False),
        ("named", "", "is_named", False),
        ("ordered", "2026-11-23", "last_order_on", date(2026, 11, 23)),
        ("ordered", "2026-11-23T00:00:00.000Z", "last_order_on", date(2026, 11, 23)),
        ("ordered", "2026-11-23T23:30:00-05:00", "last_order_on", date(2026, 11, 24)),
        ("ordered", "1795392000000", "last_order_on", date(2026, 11, 23)),
        ("ordered", 1795392000000, "last_order_on", date(2026, 11, 23)),
        ("created", "2026-05-06T11:56:44.000+0000", "created_at", CREATED),
        ("created", "2026-05-06T11:56:44Z", "created_at", CREATED),
        ("created", "2026-05-06T13:56:44+02:00", "created_at", CREATED),
        ("created", "1778068604000", "created_at", CREATED),
        ("created", 1778068604000, "created_at", CREATED),
        ("alias", "A | B|| A", "other_names", ("A", "B")),
    ],
)
def test_a_value_becomes_what_it_means(native: str, value: Any, field: str, expected: Any) -> None:
    record, problems = account(**{native: value})
    assert (getattr(record, field), problems) == (expected, ())
    assert record.country == "GB"


@pytest.mark.parametrize(
    ("native", "value", "field", "code", "kept"),
    [
        ("name", "x" * 100_000, "name", "too_long", "x" * TEXT_LIMIT),
        ("name", {"a": 1}, "name", "not_text", None),
        ("industry", "Shipping", "industry", "unknown_value", None),
        ("employees", "about ten", "employees", "not_a_number", None),
        ("employees", "12.5", "employees", "not_a_number", None),
        ("employees", "12,5", "employees", "not_a_number", None),
        ("employees", True, "employees", "not_a_number", None),
        ("employees", "NaN", "employees", "not_a_number", None),
        ("employees", "1e999999", "employees", "not_a_number", None),
        ("employees", float("inf"), "employees", "not_a_number", None),
        ("employees", -5, "employees", "absurd_number", None),
        ("employees", 10**15, "employees", "absurd_number", None),
        ("named", "perhaps", "is_named", "not_yes_or_no", False),
        ("ordered", "1900-01-01", "last_order_on", "implausible_date", None),
        ("ordered", "9999-12-31", "last_order_on", "implausible_date", None),
        ("ordered", "2026-02-30", "last_order_on", "not_a_date", None),
        ("ordered", "23/11/2026", "last_order_on", "not_a_date", None),
        ("ordered", "-86400000000", "last_order_on", "implausible_date", None),
        ("ordered", "9" * 5000, "last_order_on", "implausible_date", None),
        ("ordered", float("nan"), "last_order_on", "implausible_date", None),
        ("created", "2026-05-06T11:56:44", "created_at", "no_zone", None),
        ("created", "0001-01-01T00:00:00+14:00", "created_at", "implausible_date", None),
        ("created", "soon", "created_at", "not_a_date", None),
        ("created", "2026-05-06", "created_at", "day_only", datetime(2026, 5, 6, tzinfo=UTC)),
        ("name", ["bb", "c", "a"], "name", "several_values", "a"),
        ("employees", ["7", "12"], "employees", "several_values", 7),
    ],
)
def test_a_bad_value_is_a_problem_and_the_record_lives(
    native: str, value: Any, field: str, code: str, kept: Any
) -> None:
    record, problems = account(**{native: value})
    assert getattr(record, field) == kept
    assert [(p.field, p.native, p.code) for p in problems] == [(field, native, code)]
    assert len(problems[0].value) <= 60
    assert json.dumps(problems[0].as_json())


@pytest.mark.parametrize("name", [None, "", "   ", "\x00"])
def test_a_null_name_is_kept_with_its_reason(name: str | None) -> None:
    record, problems = account(name=name)
    assert record.name is None
    assert [(p.field, p.code) for p in problems] == [("name", "no_name")]


def test_filters_keep_records_out_and_say_which_did() -> None:
    accounts = ALL[Stream.ACCOUNTS]
    for id_, fields, expected in (
        ("1", {"name": "syncd heartbeat"}, "name"),
        ("666", {"name": "Acme"}, "hs_object_id"),
        ("1", {"name": "Acme", "region": "fr"}, "region"),
        ("1", {"name": "Acme", "region": None}, "region"),
        ("1", {"name": "Acme", "region": "uk"}, ""),
        ("1", {"name": "Acme"}, ""),
    ):
        found = accounts.to_canonical(Ref("u", "companies", id_), fields)
        assert (found.excluded, found.record is None) == (expected, bool(expected))
    assert "region" in accounts.read_spec().fields
    assert "hs_object_id" not in accounts.read_spec().fields


@pytest.mark.parametrize(
    ("amount", "currency", "expected", "code"),
    [
        (139000000, "gbp", Money(Decimal(139000000), "GBP"), None),
        (12.1, "EUR", Money(Decimal("12.1"), "EUR"), None),
        (Decimal("0.10"), None, Money(Decimal("0.10"), None), None),
        ("5000.00", "USD", Money(Decimal("5000.00"), "USD"), None),
        ("1,234,567.89", "USD", Money(Decimal("1234567.89"), "USD"), None),
        ("", "USD", None, None),
        (None, "USD", None, None),
        ("10", "Pounds", Money(Decimal(10), None), "not_a_currency"),
        ("about forty thousand", "GBP", None, "not_an_amount"),
        ("NaN", "GBP", None, "not_an_amount"),
        (float("nan"), "GBP", None, "not_an_amount"),
        ("1e400", "GBP", None, "not_an_amount"),
        ("1_000", "GBP", None, "not_an_amount"),
        ("1" * 20, "GBP", None, "absurd_amount"),
    ],
)
def test_money_is_exact_and_has_its_currency(
    amount: Any, currency: Any, expected: Money | None, code: str | None
) -> None:
    found = mapped(Stream.OPPORTUNITIES, company="1", amount=amount, currency=currency)
    assert isinstance(found.record, Opportunity)
    assert found.record.value == expected
    assert [p.code for p in found.problems] == ([code] if code else [])


def test_products_are_codes_and_unknown_labels_are_left_out_by_name() -> None:
    found = mapped(Stream.OPPORTUNITIES, company="1", products="Core Platform;Archive;Teleport;core platform")
    assert isinstance(found.record, Opportunity)
    assert found.record.products == {"core", "archive"}
    assert [(p.field, p.code) for p in found.problems] == [("products", "unknown_value")]
    assert "Teleport" in found.problems[0].message
    plain = mapped(Stream.REGISTRATIONS, stage="New", products=["a", "b "])
    assert isinstance(plain.record, Registration)
    assert plain.record.products == {"a", "b"}


def test_a_registration_carries_its_company() -> None:
    ref = Ref("u", "filings", "1")
    found = mapped(Stream.REGISTRATIONS, partner="P1", stage="New", firm="Acme", staff="many", web="acme.com")
    assert isinstance(found.record, Registration)
    assert found.record.status is FiledStatus.SUBMITTED
    assert found.company == Account(ref, "Acme", website="acme.com")
    assert [(p.field, p.native) for p in found.problems] == [("company.employees", "staff")]
    assert ALL[Stream.REGISTRATIONS].company_of(ref, {"firm": "Acme"}) == Account(ref, "Acme")
    assert ALL[Stream.ACCOUNTS].company_of(ref, {"name": "Acme"}) is None


@pytest.mark.parametrize(("stage", "code"), [("On hold", "unknown_value"), (None, "no_status"), ("", "no_status")])
def test_a_filing_whose_status_is_not_known_is_not_guessed(stage: str | None, code: str) -> None:
    found = mapped(Stream.REGISTRATIONS, partner="P1", stage=stage, firm="Acme")
    assert found.record is None
    assert [(p.field, p.code) for p in found.problems] == [("status", code)]


def test_a_partner_is_its_key() -> None:
    named = mapped(Stream.PARTNERS, key="P1", name="", state="")
    assert named.record == Partner(Ref("u", "partners", "1"), "P1", "P1", "active")
    assert [p.code for p in named.problems] == ["no_name"]
    assert mapped(Stream.PARTNERS, name="Nobody").record is None
    assert mapped(Stream.USERS, email="a@b.example").record == User(Ref("u", "users", "1"), None, "a@b.example", True)


def test_one_company_of_several_is_always_the_same() -> None:
    text = MAP.replace("    company: {name: firm, employees: staff, website: web}\n", "").replace(
        "partner_id: partner\n", "partner_id: partner\n      company_id: associations.companies\n"
    )
    filed = mappings(text)[Stream.REGISTRATIONS]
    for ids, expected, code in (
        (["7"], "7", None),
        (["100", "20"], "20", "several_values"),
        (["20", "100"], "20", "several_values"),
        ([], None, "no_company"),
    ):
        found = filed.to_canonical(Ref("u", "f", "1"), {"stage": "New", "associations.companies": ids})
        assert isinstance(found.record, Registration)
        assert found.record.company_id == expected
        assert [p.code for p in found.problems] == ([code] if code else [])


def test_a_record_without_an_id_is_not_made() -> None:
    found = ALL[Stream.ACCOUNTS].to_canonical(Ref("u", "companies", ""), {"name": "Acme"})
    assert (found.record, [p.code for p in found.problems]) == (None, ["no_id"])


def test_long_texts_of_a_filing_have_more_room() -> None:
    found = mapped(Stream.REGISTRATIONS, stage="New", steps="y" * 5_000, firm="A")
    assert isinstance(found.record, Registration)
    assert found.record.next_steps == "y" * 5_000
    cut = mapped(Stream.REGISTRATIONS, stage="New", steps="y" * 100_000, firm="A")
    assert isinstance(cut.record, Registration)
    assert len(cut.record.next_steps or "") == LONG_TEXT_LIMIT


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text("0123456789-+.:TZe, ", max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(list(Stream)), st.data())
def test_nothing_that_a_system_can_say_breaks_the_mapping(stream: Stream, data: st.DataObject) -> None:
    mapping = ALL[stream]
    natives = [*mapping.read_spec().fields, *(f"associations.{name}" for name in mapping.read_spec().associations)]
    fields = {name: data.draw(JSON) for name in natives}
    found = mapping.to_canonical(Ref("u", mapping.object, "1"), fields)
    assert found.record is not None or found.problems or found.excluded
    assert json.dumps([problem.as_json() for problem in found.problems]).isascii()
    assert repr(found).encode()


def test_an_account_is_mapped_fast_enough_for_a_hundred_thousand() -> None:
    fields = {"name": "Acme Ltd", "website": "acme.com", "employees": "1200", "named": "false", "city": "Leeds"}
    fields |= {"created": "2026-05-06T11:56:44.000Z", "ordered": "2026-01-02", "industry": "RET", "type": "Customer"}
    mapping, ref = ALL[Stream.ACCOUNTS], Ref("u", "companies", "1")
    best = min(_seconds(mapping, ref, fields) for _ in range(5))
    assert best / 2_000 < 60e-6, "about 12 us on the machine of the bench; four times that is a mistake"


def _seconds(mapping: StreamMapping, ref: Ref, fields: dict[str, Any]) -> float:
    started = time.perf_counter()
    for _ in range(2_000):
        mapping.to_canonical(ref, fields)
    return time.perf_counter() - started
