"""Quiet hours: when they hold, and what is told in spite of them."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pytest

from syncd.policy.quiet import QuietHours, takes_back

NIGHT = QuietHours(time(20), time(6), "Europe/London")
NOON = QuietHours(time(12), time(13, 30), "UTC")
UNTIL = datetime(2027, 1, 1, tzinfo=UTC)
SHOWN = {"status": "protected", "number": "R-1", "partner": "Wychwood", "until": UNTIL}


@pytest.mark.parametrize(
    ("hours", "now", "quiet"),
    [
        (NIGHT, "2026-11-24T19:59:59+00:00", False),
        (NIGHT, "2026-11-24T20:00:00+00:00", True),
        (NIGHT, "2026-11-25T05:59:59+00:00", True),
        (NIGHT, "2026-11-25T06:00:00+00:00", False),
        (NIGHT, "2026-07-24T19:30:00+00:00", True),
        (NIGHT, "2026-07-25T05:30:00+00:00", False),
        (NOON, "2026-11-24T12:00:00+00:00", True),
        (NOON, "2026-11-24T13:30:00+00:00", False),
        (NOON, "2026-11-24T13:29:00+01:00", True),
    ],
)
def test_quiet_hours_hold_by_the_clock_on_the_wall(hours: QuietHours, now: str, quiet: bool) -> None:
    assert hours.hold(datetime.fromisoformat(now)) is quiet


@pytest.mark.parametrize(
    ("shown", "wanted", "waits_not"),
    [
        ({}, SHOWN, False),
        (SHOWN, {}, True),
        (SHOWN, {**SHOWN, "status": "ended"}, True),
        (SHOWN, {**SHOWN, "number": "R-2", "partner": "Pellmore"}, True),
        (SHOWN, {**SHOWN, "until": UNTIL.replace(year=2026)}, True),
        (SHOWN, {**SHOWN, "until": UNTIL.replace(year=2028)}, False),
        (SHOWN, {**SHOWN, "contact": "Mia"}, False),
        ({"status": "pending", "number": "R-1"}, SHOWN, False),
        ({"status": "approved", "number": "R-1"}, {"status": "expired", "number": "R-1"}, True),
    ],
)
def test_what_is_no_longer_true_is_taken_back_at_once(
    shown: dict[str, Any], wanted: dict[str, Any], waits_not: bool
) -> None:
    assert takes_back(shown, wanted) is waits_not
