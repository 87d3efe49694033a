"""Date literals: which days each means, in the zone, week and fiscal year of the user."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from syncd.emulator import Emulator
from syncd.emulator.salesforce.dates import Calendar

from .conftest import frozen, serve

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday
SPANS = [
    ("YESTERDAY", 0, "2026-11-22", "2026-11-23"),
    ("TODAY", 0, "2026-11-23", "2026-11-24"),
    ("TOMORROW", 0, "2026-11-24", "2026-11-25"),
    ("THIS_WEEK", 0, "2026-11-22", "2026-11-29"),  # weeks of en_US begin on Sunday
    ("LAST_WEEK", 0, "2026-11-15", "2026-11-22"),
    ("NEXT_WEEK", 0, "2026-11-29", "2026-12-06"),
    ("THIS_MONTH", 0, "2026-11-01", "2026-12-01"),
    ("LAST_MONTH", 0, "2026-10-01", "2026-11-01"),
    ("NEXT_MONTH", 0, "2026-12-01", "2027-01-01"),
    ("LAST_90_DAYS", 0, "2026-08-25", "2026-11-24"),  # 91 days, today included
    ("NEXT_90_DAYS", 0, "2026-11-24", "2027-02-22"),
    ("LAST_N_DAYS", 1, "2026-11-22", "2026-11-24"),  # yesterday and today
    ("NEXT_N_DAYS", 2, "2026-11-24", "2026-11-26"),
    ("N_DAYS_AGO", 3, "2026-11-20", "2026-11-21"),
    ("LAST_N_WEEKS", 2, "2026-11-08", "2026-11-22"),  # this week is not part of it
    ("NEXT_N_WEEKS", 1, "2026-11-29", "2026-12-06"),
    ("N_WEEKS_AGO", 1, "2026-11-15", "2026-11-22"),
    ("LAST_N_MONTHS", 2, "2026-09-01", "2026-11-01"),
    ("NEXT_N_MONTHS", 2, "2026-12-01", "2027-02-01"),
    ("N_MONTHS_AGO", 6, "2026-05-01", "2026-06-01"),
    ("THIS_QUARTER", 0, "2026-10-01", "2027-01-01"),
    ("LAST_QUARTER", 0, "2026-07-01", "2026-10-01"),
    ("NEXT_QUARTER", 0, "2027-01-01", "2027-04-01"),
    ("LAST_N_QUARTERS", 2, "2026-04-01", "2026-10-01"),
    ("NEXT_N_QUARTERS", 2, "2027-01-01", "2027-07-01"),
    ("N_QUARTERS_AGO", 3, "2026-01-01", "2026-04-01"),
    ("THIS_YEAR", 0, "2026-01-01", "2027-01-01"),
    ("LAST_YEAR", 0, "2025-01-01", "2026-01-01"),
    ("NEXT_YEAR", 0, "2027-01-01", "2028-01-01"),
    ("LAST_N_YEARS", 5, "2021-01-01", "2026-01-01"),
    ("NEXT_N_YEARS", 2, "2027-01-01", "2029-01-01"),
    ("N_YEARS_AGO", 2, "2024-01-01", "2025-01-01"),
    ("THIS_FISCAL_QUARTER", 0, "2026-11-01", "2027-02-01"),  # of a fiscal year that begins in February
    ("LAST_FISCAL_QUARTER", 0, "2026-08-01", "2026-11-01"),
    ("NEXT_N_FISCAL_QUARTERS", 1, "2027-02-01", "2027-05-01"),
    ("N_FISCAL_QUARTERS_AGO", 2, "2026-05-01", "2026-08-01"),
    ("THIS_FISCAL_YEAR", 0, "2026-02-01", "2027-02-01"),
    ("LAST_N_FISCAL_YEARS", 1, "2025-02-01", "2026-02-01"),
    ("N_FISCAL_YEARS_AGO", 2, "2024-02-01", "2025-02-01"),
]


@pytest.mark.parametrize(("literal", "count", "first", "end"), SPANS, ids=[one[0] for one in SPANS])
def test_sf_date_literals_mean_these_days(literal: str, count: int, first: str, end: str) -> None:
    span = Calendar(fiscal_start=2).days(literal, count, NOW)
    assert span == (date.fromisoformat(first), date.fromisoformat(end))


def test_a_week_begins_on_monday_outside_america() -> None:
    span = Calendar(locale="de_DE").days("THIS_WEEK", 0, NOW)
    assert span == (date(2026, 11, 23), date(2026, 11, 30))


def test_unknown_literals_are_no_dates() -> None:
    for literal in ("SOMEDAY", "LAST_N_HOURS", "THIS_DAY", "N_DAYS", "LAST_FISCAL_WEEK"):
        assert Calendar().days(literal, 1, NOW) is None


def test_sf_a_day_is_that_of_the_user() -> None:
    clock = frozen()
    clock.freeze(datetime(2026, 11, 23, 12, 0, tzinfo=UTC))  # already the 24th, one o'clock, in Auckland
    emu = Emulator.empty(clock=clock)
    (me,) = (one for one in emu.salesforce.rows("User") if one["Username"] == "integration@example.com")
    emu.salesforce.edit("User", me["Id"], {"TimeZoneSidKey": "Pacific/Auckland"})
    emu.salesforce.insert("Account", {"Name": "Now"})
    for served in serve(emu, clock):

        def found(where: str) -> int:
            return len(served.sf.records(f"SELECT Id FROM Account WHERE {where}"))  # noqa: B023

        assert found("CreatedDate = TODAY AND CreatedDate >= 2026-11-23T11:00:00Z") == 1
        assert found("HOUR_IN_DAY(convertTimezone(CreatedDate)) = 1 AND HOUR_IN_DAY(CreatedDate) = 12") == 1
        clock.freeze(datetime(2026, 11, 24, 10, 59, tzinfo=UTC))
        assert found("CreatedDate = TODAY") == 1
        clock.freeze(datetime(2026, 11, 24, 11, 1, tzinfo=UTC))
        assert found("CreatedDate = TODAY") == 0
        assert found("CreatedDate = YESTERDAY") == 1
