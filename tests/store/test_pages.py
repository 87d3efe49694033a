"""A page of rows becomes the current state, whatever comes twice, late, in any order, or merged."""

from __future__ import annotations

import random

import sqlalchemy as sa

from syncd.model import Ref, Stream
from syncd.store import graph, history, records
from syncd.store.database import Store
from syncd.store.records import Confirmed, PageCounts
from syncd.store.tables import counter, metadata, record, record_version, ref_alias, unplanned, unreadable

from .helpers import CRM, OURS, apply, at, ref, row, stored, table_rows


def confirm(store: Store, id_: str, minutes: float, stamp: float | None = None, **values: str) -> None:
    """A receipt that came so many minutes after T0."""
    with store.begin() as tx:
        records.confirm(tx, [Confirmed(ref(id_), values, None if stamp is None else at(stamp))], at(minutes))


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    return {table.name: table_rows(store, table) for table in metadata.sorted_tables}


def test_new_changed_unchanged_stale_and_deleted_rows_are_counted(store: Store) -> None:
    assert apply(store, [row("a"), row("b"), row("c"), row("d", 5)]) == PageCounts(read=4, new=4)
    page = [row("a"), row("b", 1, City="Leeds"), row("c", 1, deleted=True), row("d", 4, City="Bath")]
    assert apply(store, page) == PageCounts(read=4, changed=2, unchanged=1, stale=1, deleted=1)
    assert stored(store, "b").fields == {"Name": "b", "City": "Leeds"}
    assert stored(store, "c").deleted
    assert stored(store, "d").fields == {"Name": "d"}


def test_the_same_content_writes_no_row_at_all(store: Store) -> None:
    page = [row("a"), row("b", City="Leeds", Status__c="protected"), row("m", deleted=True, merged_into="a")]
    apply(store, page)
    before = everything(store)
    assert apply(store, page, read=200, run="run-2").unchanged == 3
    assert apply(store, [row("a", 3)], read=201, run="run-3").unchanged == 1, "a stamp alone is no news"
    assert everything(store) == before


def test_an_empty_page_is_fine(store: Store) -> None:
    assert apply(store, []) == PageCounts()


def test_of_a_row_that_comes_twice_in_a_page_the_newest_counts_in_any_order(store: Store) -> None:
    rows = [row("a", n, Step=n) for n in range(5)]
    random.Random(3).shuffle(rows)
    assert apply(store, rows) == PageCounts(read=5, new=1)
    assert stored(store, "a").fields["Step"] == 4


def test_a_version_is_kept_of_what_a_record_said_before(store: Store) -> None:
    apply(store, [row("a", 0, City="Leeds")], read=1)
    apply(store, [row("a", 10, City="Bath")], read=11, run="run-2")
    with store.read() as tx:
        first, last = history.versions(tx, ref("a"))
    assert (first["fields"]["City"], first["stamp"], first["seen_at"], first["run"]) == ("Leeds", at(0), at(1), "run-2")
    assert (last["fields"]["City"], last["stamp"], last["seen_at"]) == ("Bath", at(10), at(11))


def test_every_change_has_its_place_in_one_order(store: Store) -> None:
    apply(store, [row("a"), row("b")])
    apply(store, [row("a", 1, City="Leeds"), row("c", 1)])
    with store.read() as tx:
        changes = [(item.ref.id, item.change) for item in records.changed_since(tx, 0, 10)]
        assert [item.ref.id for item in records.changed_since(tx, 2, 1)] == [changes[1][0]]
    assert [change for _, change in changes] == [2, 3, 4]
    assert {id_ for id_, _ in changes} == {"a", "b", "c"}


def test_a_page_asked_for_before_our_receipt_does_not_undo_what_is_shown(store: Store) -> None:
    apply(store, [row("a", Status__c=None)], read=10)
    confirm(store, "a", 20, Status__c="protected")
    apply(store, [row("a", 1, City="Leeds", Status__c=None)], read=19)
    assert stored(store, "a").shown == {"Status__c": "protected"}
    assert stored(store, "a").fields["City"] == "Leeds", "what is not ours is taken all the same"


def test_a_page_asked_for_after_our_receipt_shows_what_a_rep_has_edited(store: Store) -> None:
    apply(store, [row("a", Status__c=None)], read=10)
    confirm(store, "a", 20, Status__c="protected")
    apply(store, [row("a", 21, Status__c="mine")], read=22)
    assert stored(store, "a").shown == {"Status__c": "mine"}


def test_a_receipt_with_a_stamp_makes_older_rows_stale(store: Store) -> None:
    apply(store, [row("a", Status__c=None)], read=10)
    confirm(store, "a", 20, stamp=19, Status__c="protected")
    assert apply(store, [row("a", 18, City="Leeds", Status__c=None)], read=30).stale == 1
    assert stored(store, "a").stamp == at(19)


def test_receipts_for_both_write_groups_of_a_record_at_once_are_both_shown(store: Store) -> None:
    apply(store, [row("a", Status__c=None, Owner__c="u1")], read=10)
    two = [Confirmed(ref("a"), {"Status__c": "protected"}, at(12)), Confirmed(ref("a"), {"Owner__c": "u2"}, at(11))]
    with store.begin() as tx:
        records.confirm(tx, two, at(20))
    assert stored(store, "a").shown == {"Status__c": "protected", "Owner__c": "u2"}
    assert stored(store, "a").stamp == at(12)


def test_a_receipt_for_a_record_that_was_never_read_is_no_mistake(store: Store) -> None:
    confirm(store, "unread", 20, Status__c="protected")
    assert table_rows(store, record) == []


def test_after_a_receipt_the_pull_of_our_own_write_is_unchanged(store: Store) -> None:
    apply(store, [row("a", Status__c=None)], read=10)
    confirm(store, "a", 20, Status__c="protected")
    assert apply(store, [row("a", 20, Status__c="protected")], read=25).unchanged == 1


def test_a_change_of_our_stamps_alone_makes_no_version_and_no_change_number_but_is_compared_again(store: Store) -> None:
    apply(store, [row("a", Status__c=None), row("b")], read=10)
    before = stored(store, "a")
    assert apply(store, [row("a", 5, Status__c="edited by hand")], read=20) == PageCounts(read=1, unchanged=1)
    after = stored(store, "a")
    assert (after.shown, after.change, after.stamp) == ({"Status__c": "edited by hand"}, before.change, at(5))
    assert after.facts_at == before.facts_at == at(0)
    assert table_rows(store, record_version) == []
    assert table_rows(store, unplanned) == [tuple(ref("a"))]
    assert ("change", 2) in table_rows(store, counter)


def test_equal_ids_in_other_objects_and_connections_are_other_records(store: Store) -> None:
    apply(store, [row("1", City="Leeds")])
    apply(store, [row("1", City="Bath")], connection="prm")
    apply(store, [row("1", City="York")], object="Opportunity", stream=Stream.OPPORTUNITIES)
    with store.read() as tx:
        assert len(records.find_id(tx, "1")) == 3
        assert [r.ref.connection for r in records.of_stream(tx, Stream.ACCOUNTS)] == [CRM, "prm"]
    assert stored(store, "1", connection="prm").fields["City"] == "Bath"


def test_awkward_values_come_back_as_they_went_in(store: Store) -> None:
    awkward = {
        "Text": "Zoë \u0000 \u2028 '\"\\ %s :x ?",
        "Long": "x" * 100_000,
        "List": [1, None, {"a": 1.5}],
        "No": None,
    }
    apply(store, [row("%s?", **awkward)])
    assert stored(store, "%s?").fields == {"Name": "%s?", **awkward}


# --- merges ----------------------------------------------------------------------------------------------------------


def follow(store: Store) -> dict[Ref, Ref]:
    with store.read() as tx:
        return records.aliases(tx)


def test_chains_of_merges_are_followed_to_their_end(store: Store) -> None:
    apply(store, [row("d"), *(row(a, deleted=True, merged_into=b) for a, b in ("ab", "bc", "cd"))])
    assert follow(store) == {ref("a"): ref("d"), ref("b"): ref("d"), ref("c"): ref("d")}


def test_a_cycle_of_merges_ends(store: Store) -> None:
    apply(store, [row(a, deleted=True, merged_into=b) for a, b in ("ab", "bc", "ca", "xx")])
    assert set(follow(store)) == {ref("a"), ref("b"), ref("c")}, "and nothing is merged into itself"


def test_a_later_merge_of_the_same_record_replaces_the_earlier_one(store: Store) -> None:
    apply(store, [row("a", 1, deleted=True, merged_into="b")])
    apply(store, [row("a", 2, deleted=True, merged_into="c")])
    assert follow(store) == {ref("a"): ref("c")}


def test_a_record_that_was_restored_is_nobody_else_any_more(store: Store) -> None:
    apply(store, [row("a", 1, deleted=True, merged_into="b")])
    apply(store, [row("a", 2)])
    assert follow(store) == {}


def test_a_stale_row_merges_nothing(store: Store) -> None:
    apply(store, [row("a", 5)])
    assert apply(store, [row("a", 4, deleted=True, merged_into="b")]).stale == 1
    assert table_rows(store, ref_alias) == []


# --- what cannot be read ---------------------------------------------------------------------------------------------


def test_of_what_cannot_be_read_the_newest_reason_stands_until_it_can_be_read(store: Store) -> None:
    for reason in ("no date", "no id"):
        with store.begin() as tx:
            records.keep_unreadable(tx, CRM, Stream.ACCOUNTS, [("a", reason), ("b", reason)], at(1), "run-1")
    with store.read() as tx:
        assert {r["reason"] for r in graph.unreadable_rows(tx)} == {"no id"}
    apply(store, [row("a")])
    assert [found[2] for found in table_rows(store, unreadable)] == ["b"]


def test_our_native_fields_are_kept_apart_from_the_facts(store: Store) -> None:
    apply(store, [row("a", Status__c="x", Owner__c="u1", Other__c="y")])
    assert stored(store, "a").shown == {"Status__c": "x", "Owner__c": "u1"}
    assert not OURS & set(stored(store, "a").fields)


def test_a_page_is_all_or_nothing(store: Store) -> None:
    class Crash(Exception):
        pass

    try:
        with store.begin() as tx:
            records.apply_page(
                tx, connection=CRM, object="Account", stream=Stream.ACCOUNTS, rows=[row("a")], ours=OURS,
                read_at=at(1), run="run-1",
            )  # fmt: skip
            raise Crash
    except Crash:
        pass
    assert table_rows(store, record) == []
    with store.read() as tx:
        assert tx.execute(sa.select(counter.c.value).where(counter.c.name == "change")).scalar() == 0
