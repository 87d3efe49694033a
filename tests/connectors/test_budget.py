"""Budgets: never a call too many in any window, and patience only where it is short."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.connectors.budget import CallBudget, RollingWindow, hubspot_budget, salesforce_budget
from syncd.errors import QuotaExhausted

from .worlds import FakeClock


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 7))
def test_no_ten_seconds_ever_hold_more_calls_than_allowed(pauses: list[float], limit: int) -> None:
    clock = FakeClock()
    budget = CallBudget(clock, {"burst": RollingWindow(limit, 10, slices=5)}, {"call": ("burst",)})
    made = []
    for pause in pauses:
        clock.wait(pause)
        budget.take("call")
        made.append(clock.now())
    for first in made:
        assert sum(first <= at < first + timedelta(seconds=10) for at in made) <= limit


def test_calls_wait_for_the_window_and_not_longer_than_a_slice_more() -> None:
    clock = FakeClock()
    budget = hubspot_budget(clock, burst=100, share=0.7)
    for _ in range(140):
        budget.take("call")
    assert 10 <= sum(clock.waited) <= 10.1


def test_searches_have_their_own_second_and_share_the_day() -> None:
    clock = FakeClock()
    budget = hubspot_budget(clock, daily=100, share=1.0, burst=1000, search=5, reserve=0)
    for _ in range(50):
        budget.take("search")
    assert 9 <= sum(clock.waited) <= 9.5
    for _ in range(50):
        budget.take("call")
    with pytest.raises(QuotaExhausted) as caught:
        budget.take("search")
    assert caught.value.after is not None
    assert caught.value.after > timedelta(hours=23)


def test_the_daily_share_ends_the_work_and_comes_back_after_a_day() -> None:
    clock = FakeClock()
    budget = salesforce_budget(clock, daily=1000, share=0.5)
    for _ in range(500):
        budget.take("call")
    with pytest.raises(QuotaExhausted):
        budget.take("call")
    assert clock.waited == []
    clock.wait(24 * 3600 + 500)
    budget.take("call")


def test_what_others_used_up_stops_us_for_a_while_only() -> None:
    clock = FakeClock()
    budget = salesforce_budget(clock, daily=1000, reserve=0.1)
    budget.correct("daily", 101, None)
    budget.take("call")
    budget.correct("daily", 100, None)
    with pytest.raises(QuotaExhausted) as caught:
        budget.take("call")
    assert caught.value.after == timedelta(minutes=15)
    clock.wait(15 * 60)
    budget.take("call")


def test_what_remains_lags_and_jumps_so_that_only_its_newest_word_counts() -> None:
    """F29."""
    budget = salesforce_budget(FakeClock(), daily=1000, reserve=0.1)
    budget.correct("daily", 90, None, 1000)
    with pytest.raises(QuotaExhausted):
        budget.take("call")
    budget.correct("daily", 900, None, 1000)
    budget.take("call")
    budget.correct("daily", None, None, 1000)
    budget.take("call")


def test_threads_that_share_a_budget_get_no_call_more_than_it_has() -> None:
    """F28, F29."""
    budget, taken = salesforce_budget(FakeClock(), daily=1000, share=0.5), []

    def work() -> None:
        with contextlib.suppress(QuotaExhausted):
            while True:
                budget.take("call")
                taken.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(taken) == 500


def test_a_servers_no_slows_everybody_down() -> None:
    clock = FakeClock()
    budget = hubspot_budget(clock)
    budget.correct("call", None, 7.0)
    budget.take("call")
    assert clock.waited == [7.0]
    budget.correct("search", None, 2.0)
    budget.take("call")
    assert clock.waited == [7.0]
    budget.take("search")
    assert clock.waited == [7.0, 2.0]
    budget.correct("daily", None, 3600.0)
    with pytest.raises(QuotaExhausted):
        budget.take("call")


def test_the_day_is_as_long_as_the_server_says_from_the_first_answer_on() -> None:
    clock = FakeClock()
    budget = salesforce_budget(clock, share=0.5)
    budget.correct("daily", 9_900, None, 15_000)
    for _ in range(7_500):
        budget.take("call")
    with pytest.raises(QuotaExhausted):
        budget.take("call")


def test_the_share_that_is_left_to_others_is_one_of_the_orgs_own_day() -> None:
    for maximum, left, stops in ((15_000, 9_900, False), (15_000, 1_501, False), (15_000, 1_500, True),
                                 (1_000_000, 100_001, False), (1_000_000, 100_000, True)):  # fmt: skip
        budget = salesforce_budget(FakeClock(), share=0.5)
        budget.correct("daily", left, None, maximum)
        if stops:
            with pytest.raises(QuotaExhausted):
                budget.take("call")
        else:
            budget.take("call")


def test_before_the_server_has_spoken_the_day_is_that_of_a_small_org() -> None:
    budget = salesforce_budget(FakeClock(), share=0.5)
    for _ in range(7_500):
        budget.take("call")
    with pytest.raises(QuotaExhausted):
        budget.take("call")
    budget.correct("daily", None, None, 100_000)
    for _ in range(42_500):
        budget.take("call")
    with pytest.raises(QuotaExhausted):
        budget.take("call")


def test_calls_made_stay_counted_when_the_day_turns_out_shorter() -> None:
    budget = hubspot_budget(FakeClock(), burst=10_000, share=0.5)
    for _ in range(600):
        budget.take("call")
    budget.correct("daily", 900, None, 1_000)
    with pytest.raises(QuotaExhausted) as caught:
        budget.take("search")
    assert caught.value.after is not None
    assert caught.value.after > timedelta(hours=23)


def test_a_maximum_of_nothing_changes_nothing() -> None:
    budget = salesforce_budget(FakeClock())
    budget.correct("daily", None, None, 0)
    budget.take("call")
