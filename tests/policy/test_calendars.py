"""Business time: hours that count by the clocks, weekends and holidays of a place, and no others."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.policy.calendars import ALWAYS, Calendar

LONDON, TOKYO = ZoneInfo("Europe/London"), ZoneInfo("Asia/Tokyo")
OFFICE = Calendar(LONDON, opens=time(9), closes=time(17))
WEEK = Calendar(ZoneInfo("UTC"))
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def by_the_minute(calendar: Calendar, start: datetime, worked: timedelta) -> datetime:
    """The same as `after`, counted minute by minute on the clocks of the place."""
    left, now = worked, start
    while left > timedelta(0):
        local = now.astimezone(calendar.zone)
        closes = calendar.closes if calendar.closes != time(0) else time(23, 59, 59, 999999)
        if calendar.works_on(local.date()) and calendar.opens <= local.time() < closes:
            left -= timedelta(minutes=1)
        now += timedelta(minutes=1)
    return now


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-06-01T10:00", 2, "2026-06-01T12:00"),
        ("2026-06-01T15:00", 2, "2026-06-02T09:00"),  # 16:00 in London, one hour left on Monday
        ("2026-06-05T15:00", 2, "2026-06-08T09:00"),  # Friday to Monday
        ("2026-06-06T12:00", 1, "2026-06-08T09:00"),  # from a Saturday
        ("2026-06-01T03:00", 1, "2026-06-01T09:00"),  # before work begins
        ("2026-06-01T20:00", 1, "2026-06-02T09:00"),  # after it ends
        ("2026-06-01T08:00", 8, "2026-06-01T16:00"),  # a whole day ends with it
        ("2026-12-31T16:00", 2, "2027-01-01T10:00"),  # over the end of the year
        ("2026-06-01T10:00", 0, "2026-06-01T10:00"),
    ],
)
def test_hours_count_while_the_office_is_open(start: str, hours: int, end: str) -> None:
    assert OFFICE.after(at(start), hours * HOUR) == at(end)


def test_a_holiday_does_not_count_and_a_deadline_over_the_year_skips_it() -> None:
    closed = Calendar(LONDON, holidays=frozenset({date(2027, 1, 1)}), opens=time(9), closes=time(17))
    assert closed.after(at("2026-12-31T16:00"), 2 * HOUR) == at("2027-01-04T10:00")


def test_where_the_weekend_is_friday_and_saturday_sunday_counts() -> None:
    riyadh = Calendar(ZoneInfo("Asia/Riyadh"), frozenset({4, 5}), opens=time(9), closes=time(17))
    thursday = at("2026-06-04T13:00")  # 16:00 there
    assert riyadh.after(thursday, 2 * HOUR) == at("2026-06-07T07:00")
    assert OFFICE.after(thursday, 2 * HOUR) == at("2026-06-04T15:00")


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-29T00:00", 2, "2026-03-29T02:00"),  # the clocks go forward: hours pass all the same
        ("2026-03-28T00:00", 47, "2026-03-29T23:00"),  # the two days have 47 hours between them
        ("2026-10-24T23:00", 25, "2026-10-26T00:00"),  # the day on which they go back has 25
    ],
)
def test_a_day_on_which_the_clocks_change_has_another_hour_or_one_less(start: str, hours: int, end: str) -> None:
    nights = Calendar(LONDON, frozenset())
    assert nights.after(at(start), hours * HOUR) == at(end)


def test_office_hours_follow_the_clocks_through_the_change() -> None:
    assert OFFICE.hours_of(date(2026, 3, 27))[0] == at("2026-03-27T09:00")
    assert OFFICE.hours_of(date(2026, 3, 30))[0] == at("2026-03-30T08:00")
    assert OFFICE.after(at("2026-03-27T16:00"), 2 * HOUR) == at("2026-03-30T09:00")


def test_far_zones_have_their_own_days() -> None:
    tonga = Calendar(ZoneInfo("Pacific/Tongatapu"))  # UTC+13
    kiritimati = Calendar(ZoneInfo("Pacific/Kiritimati"))  # UTC+14
    friday = at("2026-06-05T10:30")
    assert tonga.after(friday, HOUR) == at("2026-06-07T11:30"), "half an hour of Friday is left there"
    assert kiritimati.after(friday, HOUR) == at("2026-06-07T11:00"), "it is Saturday there"


def test_business_days_end_with_the_office_and_the_day_itself_does_not_count() -> None:
    assert OFFICE.days_after(at("2026-06-01T10:00"), 1) == at("2026-06-02T16:00")
    assert OFFICE.days_after(at("2026-06-05T10:00"), 3) == at("2026-06-10T16:00")
    assert WEEK.days_after(at("2026-06-05T10:00"), 1) == at("2026-06-09T00:00")


def test_the_end_of_a_day_is_where_the_next_begins_there() -> None:
    assert Calendar(TOKYO).end_of(date(2026, 6, 1)) == at("2026-06-01T15:00")
    assert Calendar(LONDON).end_of(date(2026, 3, 29)) == at("2026-03-29T23:00")


def test_a_calendar_without_working_days_is_said_so() -> None:
    never = Calendar(ZoneInfo("UTC"), frozenset(range(7)))
    with pytest.raises(ValueError, match="not enough working time"):
        never.after(at("2026-06-01T00:00"), HOUR)
    with pytest.raises(ValueError, match="no 1 working days"):
        never.days_after(at("2026-06-01T00:00"), 1)


MOMENTS = st.integers(0, 390_000).map(lambda minutes: at("2026-03-01T00:00") + timedelta(minutes=minutes))
CALENDARS = st.sampled_from(
    [OFFICE, WEEK, ALWAYS, Calendar(LONDON), Calendar(TOKYO, frozenset({4, 5}), frozenset({date(2026, 5, 6)}))]
)


@given(CALENDARS, MOMENTS, st.integers(1, 40))
def test_counting_by_days_and_by_minutes_ends_at_the_same_instant(
    calendar: Calendar, start: datetime, hours: int
) -> None:
    assert calendar.after(start, hours * HOUR) == by_the_minute(calendar, start, hours * HOUR)


@given(CALENDARS, MOMENTS, st.integers(1, 200))
def test_what_was_worked_until_a_deadline_is_what_was_asked_for(
    calendar: Calendar, start: datetime, hours: int
) -> None:
    end = calendar.after(start, hours * HOUR)
    assert calendar.between(start, end) == hours * HOUR
    assert calendar.between(end, start) == timedelta(0)
