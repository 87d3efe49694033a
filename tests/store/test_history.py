"""What a record said at an instant in the past, and whether we saw it or infer it."""

from __future__ import annotations

import itertools
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.store import history, records
from syncd.store.database import Store
from syncd.store.history import PastState
from syncd.store.records import Confirmed

from .helpers import apply, at, ref, row


def said(store: Store, minutes: float, id_: str = "a") -> PastState | None:
    with store.read() as tx:
        return history.state_at(tx, ref(id_), at(minutes))


def test_of_a_record_never_read_nothing_is_known(store: Store) -> None:
    assert said(store, 0) is None


@pytest.mark.parametrize(
    ("minutes", "city", "observed"),
    [(-5, "Leeds", False), (0, "Leeds", True), (9.9, "Leeds", True), (10, "Bath", True), (25, "York", True)],
)
def test_each_version_stood_until_the_next_and_the_first_stands_in_for_what_was_before(
    store: Store, minutes: float, city: str, observed: bool
) -> None:
    for stamp, name in ((0, "Leeds"), (10, "Bath"), (20, "York")):
        apply(store, [row("a", stamp, City=name)], read=stamp + 1)
    past = said(store, minutes)
    assert past is not None
    assert (past.fields["City"], past.deleted, past.observed) == (city, False, observed)


def test_a_deletion_is_part_of_the_past(store: Store) -> None:
    apply(store, [row("a", 0)], read=1)
    apply(store, [row("a", 10, deleted=True)], read=11)
    assert [past.deleted for m in (5, 15) if (past := said(store, m))] == [False, True]


def test_our_own_stamps_do_not_move_the_instant_from_which_facts_held(store: Store) -> None:
    apply(store, [row("a", 0, City="Leeds", Status__c=None)], read=1)
    apply(store, [row("a", 10, City="Bath", Status__c=None)], read=11)
    with store.begin() as tx:
        records.confirm(tx, [Confirmed(ref("a"), {"Status__c": "protected"}, at(30))], at(30))
    apply(store, [row("a", 40, City="Bath", Status__c="edited")], read=41)
    for minutes in (15, 35, 45):
        past = said(store, minutes)
        assert past is not None
        assert (past.fields["City"], past.observed) == ("Bath", True), minutes
    apply(store, [row("a", 50, City="York", Status__c="edited")], read=51)
    past = said(store, 20)
    assert past is not None
    assert (past.fields["City"], past.observed) == ("Bath", True)


NUMBERS = itertools.count()


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["Leeds", "Bath"]), st.booleans()), max_size=8))
def test_the_past_is_what_a_plain_list_of_edits_says(sqlite_url: str, history: list[tuple[int, str, bool]]) -> None:
    """The oracle: the last edit at or before the instant, in the order of stamps."""
    with closing(Store(sqlite_url)) as store:
        id_, edits = f"a{next(NUMBERS)}", dict[int, str]()
        for stamp, city, stamped in sorted(history, key=lambda edit: edit[0]):
            edits[stamp] = city
            shown = {"Status__c": "x"} if stamped else {}
            apply(store, [row(id_, stamp, City=city, **shown)], read=stamp + 0.5)
        for minutes in range(-1, 32, 3):
            past, known = said(store, minutes, id_), [edits[s] for s in sorted(edits) if s <= minutes]
            if not edits:
                assert past is None
            elif known:
                assert past is not None
                assert (past.fields["City"], past.observed) == (known[-1], True)
            else:
                assert past is not None
                assert not past.observed
