"""Every known fault of reading and writing has a test, and the page that says so is up to date."""

from __future__ import annotations

from tests import faults


def test_every_fault_is_held_by_a_test_or_cannot_happen() -> None:
    held = faults.held_by()
    missing = [f"{number}: {words}" for number, words in faults.FAULTS.items() if not held[number]]
    assert [one for one in missing if one[:3] not in faults.NOT_OURS] == []


def test_no_test_names_a_fault_that_is_not_in_the_list() -> None:
    assert set(faults.held_by()) == set(faults.FAULTS)


def test_the_page_is_up_to_date() -> None:
    assert faults.PAGE.read_text() == faults.page(), "run: python -m tests.faults"
