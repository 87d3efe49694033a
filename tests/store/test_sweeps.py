"""What a sweep has shown, what it has not, and what is out of our sight."""

from __future__ import annotations

from syncd.model import Stream
from syncd.store import records, sweeps
from syncd.store.database import Store
from syncd.store.intake import IntakeState, Line
from syncd.store.records import News

from .helpers import CRM, OBJECT, apply, at, ref, row, stored


def begin(store: Store) -> int:
    with store.begin() as tx:
        sweeps.begin(tx, CRM, OBJECT, "spec-1", 3, at(1), "run-1")
        return records.source_of(tx, CRM, OBJECT, Stream.ACCOUNTS)


def show(store: Store, number: int, *ids: str, partner: str | None = None) -> None:
    with store.begin() as tx:
        sweeps.note_seen(tx, number, [(id_, partner) for id_ in ids])


def test_what_is_held_and_was_not_shown_is_missing_and_what_was_shown_and_is_deleted_lives(store: Store) -> None:
    apply(store, [row("a"), row("b"), row("c", deleted=True), row("d", deleted=True)])
    apply(store, [row("x")], object="Other", stream=Stream.USERS)
    number = begin(store)
    show(store, number, "a", "c")
    show(store, number, "a")
    with store.read() as tx:
        assert sweeps.missing(tx, CRM, OBJECT) == ["b"]
        assert sweeps.revived(tx, CRM, OBJECT) == ["c"]
        assert sweeps.held(tx, CRM, OBJECT) == 2


def test_a_sweep_goes_through_its_states_and_begins_with_nothing_shown(store: Store) -> None:
    with store.read() as tx:
        assert sweeps.get(tx, CRM, OBJECT) is None
    number = begin(store)
    show(store, number, "a")
    with store.begin() as tx:
        sweeps.move(tx, CRM, OBJECT, {"after": 1}, 1, {"drift": 2})
        found = sweeps.get(tx, CRM, OBJECT)
        assert found is not None
        assert (found.state, found.position, found.rows, found.counts) == ("reading", {"after": 1}, 1, {"drift": 2})
        sweeps.end(tx, CRM, OBJECT, 3, {"drift": 2})
        sweeps.finish(tx, CRM, OBJECT, at(9), {"drift": 2}, keep_seen=True)
        assert sweeps.filed(tx, CRM, OBJECT) == {None: 1}
        sweeps.accounted(tx, CRM, OBJECT, {"accounted": True})
        assert sweeps.filed(tx, CRM, OBJECT) == {}
        found = sweeps.get(tx, CRM, OBJECT)
        assert found is not None
        assert (found.state, found.finished_at, found.counts) == ("done", at(9), {"accounted": True})


def test_a_sweep_that_does_not_add_up_begins_anew_and_was_last_done_when_it_was(store: Store) -> None:
    with store.begin() as tx:
        sweeps.read_whole(tx, CRM, OBJECT, at(0))
    number = begin(store)
    show(store, number, "a")
    with store.begin() as tx:
        sweeps.move(tx, CRM, OBJECT, {"after": 1}, 1, {"drift": 1})
        sweeps.drop(tx, CRM, OBJECT)
        found = sweeps.get(tx, CRM, OBJECT)
        assert found is not None
        assert (found.state, found.position, found.rows, found.counts) == ("reading", None, 0, {})
        assert found.finished_at == at(0)
        assert sweeps.filed(tx, CRM, OBJECT) == {}


def test_filings_are_counted_by_partner_and_those_without_a_line_are_named(store: Store) -> None:
    from syncd.store import intake

    apply(store, [row("a"), row("b"), row("c")])
    number = begin(store)
    show(store, number, "a", "b", partner="P01")
    show(store, number, "c")
    with store.begin() as tx:
        intake.put(tx, [ref("a")], [Line(ref("a"), IntakeState.TAKEN, "P01")])
        records.keep_unreadable(tx, CRM, Stream.ACCOUNTS, [("c", "no stamp")], at(1), "run-1")
        assert sweeps.filed(tx, CRM, OBJECT) == {"P01": 2, None: 1}
        assert sweeps.without_line(tx, CRM, OBJECT) == [("P01", "b")]


def test_what_is_out_of_sight_is_so_until_it_comes_again(store: Store) -> None:
    apply(store, [row("a"), row("b")])
    number = begin(store)
    with store.begin() as tx:
        sweeps.lose_sight(tx, number, ["a", "b"], at(5), "run-1")
        sweeps.lose_sight(tx, number, ["a"], at(9), "run-2")
        assert sweeps.out_of_sight(tx, CRM, OBJECT) == {"a": at(5), "b": at(5)}
        assert sweeps.unseen_refs(tx, {ref("a"), ref("z")}) == {ref("a")}
        assert sweeps.all_out_of_sight(tx) == {(CRM, OBJECT): 2}
    apply(store, [row("a")])
    with store.read() as tx:
        assert sweeps.out_of_sight(tx, CRM, OBJECT) == {"b": at(5)}


# --- what a sweep needs of a page ------------------------------------------------------------------------------------


def test_a_page_tells_what_was_new_or_changed_and_whether_a_stamp_told(store: Store) -> None:
    told: list[News] = []
    apply(store, [row("a"), row("b"), row("c", Status__c=None)], news=told)
    assert [(item.row.id, item.before) for item in told] == [("a", None), ("b", None), ("c", None)]
    told.clear()
    apply(store, [row("a"), row("b", City="Leeds"), row("c", 1, Status__c="x"), row("d", 1)], news=told)
    assert {(item.row.id, item.before, item.same_stamp) for item in told} == {
        ("b", '{"Name":"b"}', True), ("c", '{"Name":"c"}', False), ("d", None, False),
    }  # fmt: skip


def test_what_is_deleted_lives_again_by_a_newer_stamp_or_a_read_by_id(store: Store) -> None:
    apply(store, [row("a"), row("b"), row("c")])
    apply(store, [row("a", 5, deleted=True), row("b", 5, deleted=True), row("c", 0, deleted=True)])
    assert stored(store, "c").deleted, "a deletion needs no newer stamp"
    assert apply(store, [row("a", 5), row("b", 4), row("c", 0)]).stale == 3
    assert apply(store, [row("a", 5), row("b", 4)], by_id=True).changed == 2
    assert apply(store, [row("c", 1)]).changed == 1
    assert not any(stored(store, id_).deleted for id_ in "abc")


def test_an_old_row_read_by_id_undoes_no_newer_content(store: Store) -> None:
    apply(store, [row("a", 5, City="Leeds")])
    assert apply(store, [row("a", 4, City="Bath")], by_id=True).stale == 1
    assert stored(store, "a").fields["City"] == "Leeds"


def test_a_record_that_moves_to_another_stream_is_changed_without_a_version(store: Store) -> None:
    from syncd.store.tables import record_version

    from .helpers import table_rows

    apply(store, [row("a")])
    before = stored(store, "a").change
    assert apply(store, [row("a")], stream=Stream.OPPORTUNITIES).changed == 1
    assert (stored(store, "a").stream, stored(store, "a").change > before) == ("opportunities", True)
    assert table_rows(store, record_version) == []
