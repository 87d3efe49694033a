"""Dates, numbers and texts as exports and other systems write them: formats, zones, decimal commas, templates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.mapping import Mapping, MappingFile, StreamMapping
from syncd.model import Account, Money, Opportunity, Ref, Registration, Stream
from syncd.settings import parse_yaml, validate


def stream(fields: str, of: Stream = Stream.ACCOUNTS) -> StreamMapping:
    needed = "name: name" if of is Stream.ACCOUNTS else "account_id: a, is_closed: c, is_won: w"
    created = "" if of is Stream.ACCOUNTS or "created_at" in fields else ", created_at: created"
    text = f"streams: {{{of}: {{object: things, fields: {{{needed}{created}, {fields}}}}}}}"
    file, problems = validate(parse_yaml(text, "map.yaml"), MappingFile)
    assert file is not None, problems
    return Mapping.compile(file, "files").streams[of]


def refused(fields: str) -> str:
    text = f"streams: {{accounts: {{object: things, fields: {{name: name, {fields}}}}}}}"
    file, problems = validate(parse_yaml(text, "map.yaml"), MappingFile)
    assert file is None
    (problem,) = problems
    return str(problem)


def account(fields: str, **values: Any) -> tuple[Account, list[str]]:
    found = stream(fields).to_canonical(Ref("u", "things", "1"), {"name": "Acme", **values})
    assert isinstance(found.record, Account)
    return found.record, [problem.code for problem in found.problems]


def opportunity(fields: str, **values: Any) -> tuple[Opportunity, list[str]]:
    natives = {"a": "1", "c": False, "w": False, "created": "2026-01-01T00:00:00Z", **values}
    found = stream(fields, Stream.OPPORTUNITIES).to_canonical(Ref("u", "things", "1"), natives)
    assert isinstance(found.record, Opportunity)
    return found.record, [problem.code for problem in found.problems]


# --- dates


def test_a_time_without_zone_is_read_as_the_clocks_of_the_named_zone_show_it() -> None:
    said = "created_at: {field: made, zone: Europe/Berlin}"
    assert account(said, made="2026-07-01 14:30:00")[0].created_at == datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
    assert account(said, made="2026-12-01T14:30:00")[0].created_at == datetime(2026, 12, 1, 13, 30, tzinfo=UTC)


def test_a_time_with_a_zone_keeps_it_whatever_the_mapping_names() -> None:
    said = "created_at: {field: made, zone: Europe/Berlin}"
    assert account(said, made="2026-07-01T14:30:00Z")[0].created_at == datetime(2026, 7, 1, 14, 30, tzinfo=UTC)


def test_a_day_in_a_named_zone_is_its_midnight_and_no_problem() -> None:
    found, problems = account("created_at: {field: made, zone: Asia/Kathmandu}", made="2026-07-01")
    assert found.created_at == datetime(2026, 6, 30, 18, 15, tzinfo=UTC)
    assert problems == []


def test_without_a_named_zone_a_time_is_refused_rather_than_guessed() -> None:
    found, problems = account("created_at: made", made="2026-07-01 14:30:00")
    assert (found.created_at, problems) == (None, ["no_zone"])


@pytest.mark.parametrize(
    ("format", "said", "means"),
    [("%d.%m.%Y", "03.04.2026", date(2026, 4, 3)), ("%m/%d/%Y", "03/04/2026", date(2026, 3, 4))],
)
def test_a_day_is_read_as_it_is_written(format: str, said: str, means: date) -> None:
    assert account(f'last_order_on: {{field: ordered, format: "{format}"}}', ordered=said)[0].last_order_on == means


def test_a_day_written_otherwise_is_a_problem_and_never_turned_round() -> None:
    found, problems = account('last_order_on: {field: ordered, format: "%d.%m.%Y"}', ordered="04/03/2026")
    assert (found.last_order_on, problems) == (None, ["not_a_date"])


def test_format_and_zone_go_together() -> None:
    said = 'created_at: {field: made, format: "%m/%d/%Y %I:%M %p", zone: America/New_York}'
    assert account(said, made="03/04/2026 02:05 PM")[0].created_at == datetime(2026, 3, 4, 19, 5, tzinfo=UTC)
    assert account(said, made="")[0].created_at is None


MOMENTS = st.integers(40_000_000, 7_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(MOMENTS, st.sampled_from(["Europe/London", "Pacific/Apia", "Asia/Kathmandu", "America/St_Johns", "UTC"]))
def test_what_a_zone_shows_means_the_same_instant_again(moment: datetime, zone: str) -> None:
    shown = moment.astimezone(ZoneInfo(zone))
    found, problems = account(f"created_at: {{field: made, zone: {zone}}}", made=shown.replace(tzinfo=None).isoformat())
    back = shown.replace(fold=0).astimezone(UTC)  # an hour that the clocks show twice is its first
    assert (found.created_at, problems) == (back, [])


# --- ends


def protected_until(fields: str, said: str) -> tuple[datetime | None, list[str]]:
    """When a protection ends that the portal writes as `said`."""
    needed = "partner_id: partner, company_id: company, status: {const: approved}"
    text = f"streams: {{registrations: {{object: deals, fields: {{{needed}, protected_until: {fields}}}}}}}"
    file, problems = validate(parse_yaml(text, "map.yaml"), MappingFile)
    assert file is not None, problems
    mapping = Mapping.compile(file, "files").streams[Stream.REGISTRATIONS]
    found = mapping.to_canonical(Ref("u", "deals", "1"), {"partner": "P01", "company": "c1", "end": said})
    assert isinstance(found.record, Registration)
    return found.record.protected_until, [problem.code for problem in found.problems]


@pytest.mark.parametrize(
    ("fields", "said", "ends", "codes"),
    [
        ("{field: end, zone: Europe/London}", "2026-03-28", datetime(2026, 3, 29, tzinfo=UTC), []),
        ("{field: end, zone: Europe/London}", "2026-03-29", datetime(2026, 3, 29, 23, tzinfo=UTC), []),
        ("{field: end, zone: Pacific/Apia}", "2026-06-01", datetime(2026, 6, 1, 11, tzinfo=UTC), []),
        ('{field: end, zone: UTC, format: "%d.%m.%Y"}', "31.12.2026", datetime(2027, 1, 1, tzinfo=UTC), []),
        ("end", "2026-06-01", datetime(2026, 6, 2, tzinfo=UTC), ["day_only"]),
        ("end", "2026-06-01T00:00:00Z", datetime(2026, 6, 1, tzinfo=UTC), []),
        ('{field: end, zone: UTC, format: "%d.%m.%Y %H:%M"}', "01.06.2026 00:00", datetime(2026, 6, 1, tzinfo=UTC), []),
        ("{field: end, zone: UTC}", "9999-12-31", None, ["implausible_date"]),
    ],
)
def test_case_2_an_end_without_a_time_is_the_end_of_that_day_where_it_is_written(
    fields: str, said: str, ends: datetime | None, codes: list[str]
) -> None:
    assert protected_until(fields, said) == (ends, codes)


# --- numbers


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("1.234,56", "1234.56"),
        ("1234", "1234"),
        ("0,5", "0.5"),
        ("-1.000", "-1000"),
        ("1 234,5", "1234.5"),
        (12.5, "12.5"),
    ],
)
def test_an_amount_with_a_decimal_comma(said: Any, means: str) -> None:
    found, problems = opportunity("value: {amount: amount, currency: {const: EUR}, decimal: comma}", amount=said)
    assert (found.value, problems) == (Money(Decimal(means), "EUR"), [])


@pytest.mark.parametrize("said", ["1,234.56", "1,2,3", "zwölf"])
def test_an_amount_that_is_not_written_that_way_is_a_problem(said: str) -> None:
    found, problems = opportunity("value: {amount: amount, currency: {const: EUR}, decimal: comma}", amount=said)
    assert (found.value, len(problems)) == (None, 1)


def test_a_count_with_points_between_thousands() -> None:
    assert account("employees: {field: staff, decimal: comma}", staff="12.500")[0].employees == 12_500


# --- templates


@pytest.mark.parametrize(
    ("street", "city", "text"),
    [
        ("1 High St", "Leeds", "1 High St, Leeds"),
        ("", "Leeds", "Leeds"),
        ("1 High St", None, "1 High St"),
        (None, " ", None),
    ],
)
def test_a_template_leaves_out_a_blank_field_with_what_joins_it(street: Any, city: Any, text: str | None) -> None:
    assert account('street: {template: "{street}, {city}"}', street=street, city=city)[0].street == text


def test_a_template_says_what_stands_around_its_fields() -> None:
    found, _ = account('industry: {template: "NACE {code}."}', code="62.01")
    assert found.industry == "NACE 62.01."


def test_a_template_is_plain_substitution() -> None:
    found, _ = account('industry: {template: "{code}"}', code="{name} %s {0.__class__} ${env:HOME}")
    assert found.industry == "{name} %s {0.__class__} ${env:HOME}"


def test_what_a_template_names_is_read() -> None:
    spec = stream('street: {template: "{street}, {city}"}').read_spec()
    assert {"street", "city"} <= set(spec.fields)


# --- mistakes


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("created_at: {field: made, zone: Europe/Lunden}", "time zone"),
        ('last_order_on: {field: ordered, format: "%d.%m"}', "day, month and year"),
        ("city: {field: town, zone: UTC}", "`zone` has no meaning"),
        ('city: {field: town, format: "%d.%m.%Y"}', "`format` has no meaning"),
        ("city: {field: town, decimal: comma}", "`decimal` has no meaning"),
        ('employees: {template: "{a}"}', "`template` has no meaning"),
        ('city: {template: "Leeds"}', "names no field"),
        ('city: {template: "{a.b!r}"}', "name of a field"),
        ('city: {template: "{a} {"}', "brace"),
        ("last_order_on: {field: ordered, format: '%d.%m.%Y', values: {a: 2026-01-01}}", "value map"),
    ],
)
def test_a_mistake_is_said_with_its_place(fields: str, words: str) -> None:
    said = refused(fields)
    assert words in said
    assert "map.yaml:1" in said
