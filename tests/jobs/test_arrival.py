"""Whether a write reached a record is read from what the record shows, whatever people have made of it since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncd.jobs.arrival import arrived, arrived_late, same
from syncd.model import Ref, Stream, WriteGroup, WriteState
from syncd.store.outbox import NOT_ARRIVED, Intent, Outgoing

from .world import CRM_MAPPING, compiled

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MAPPING = compiled(CRM_MAPPING, "salesforce").streams[Stream.ACCOUNTS]
BEFORE = {"status__c": None, "partner__c": None, "as_of__c": None}
SENT = {"status__c": "protected", "partner__c": "Wychwood", "as_of__c": "2026-11-24T09:00:00.000Z"}
LATER = "2026-11-24T10:00:00.000Z"


def written(number: int = 1, **about: Any) -> Outgoing:
    intent = Intent(Ref("crm", "Account", "a1"), "accounts", WriteGroup.STAMP, {**SENT}, {**BEFORE}, {})
    made = Outgoing(number, intent, WriteState.SENT, 1, "", "", NOW, NOW, None, "r")
    return replace(made, **about)


@pytest.mark.parametrize(
    ("shown", "reached"),
    [
        (SENT, True),
        (BEFORE, False),
        ({**SENT, "status__c": "mine"}, True),  # edited since
        ({**SENT, "status__c": "mine", "partner__c": "mine"}, True),  # all but the time of the decision
        ({**BEFORE, "status__c": "protected"}, False),  # somebody else has set the same, the time is the old one
        ({**SENT, "as_of__c": LATER, "partner__c": "mine"}, True),  # a later write of ours told another time
        ({**SENT, "as_of__c": "2026-11-24T09:00:00.000+0000"}, True),  # written in the CRM's own way
    ],
)
def test_the_trace_of_a_write_outlives_an_edit(shown: dict[str, Any], reached: bool) -> None:
    """F58."""
    assert arrived(written(), shown, MAPPING) is reached


def given_up() -> Outgoing:
    return written(state=WriteState.SUPERSEDED, code=NOT_ARRIVED, done_at=NOW)


def after() -> Outgoing:
    """What was written instead, and has arrived."""
    newer = replace(written().intent, fields={**SENT, "partner__c": "Wychwood Group", "as_of__c": LATER})
    return written(2, intent=newer, state=WriteState.APPLIED, done_at=NOW + timedelta(hours=1))


def test_what_was_given_up_and_turns_up_came_late() -> None:
    assert arrived_late([given_up(), after()], SENT, MAPPING) == given_up()
    assert arrived_late([given_up()], SENT, MAPPING) == given_up()


def test_what_shows_the_newer_write_or_an_edit_by_hand_is_not_late() -> None:
    shown = after().intent.fields
    assert arrived_late([given_up(), after()], shown, MAPPING) is None
    assert arrived_late([given_up(), after()], {**shown, "status__c": "mine"}, MAPPING) is None


def test_while_another_write_is_out_nothing_is_said_to_be_late() -> None:
    assert arrived_late([given_up(), written(2)], SENT, MAPPING) is None


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (None, "", True), ("3", 3.0, True), ("2026-11-24T09:00:00Z", "2026-11-24T09:00:00.400+0000", True),
        (True, "true", True), ("a", "b", False), ("2026-11-24T09:00:00Z", "2026-11-24T09:00:01Z", False),
    ],
)  # fmt: skip
def test_values_are_the_same_however_a_system_writes_them(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal
