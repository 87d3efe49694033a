"""How far a stream was read: windows that open, move with each page, close, or are dropped."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from syncd.model import Row, Stream, Window
from syncd.store import cursors, records
from syncd.store.cursors import Cursor
from syncd.store.database import Store

from .helpers import CRM, OBJECT, OURS, at, row, table_rows

NEVER = Cursor(None, None, None, None, 0, None)


def cursor(store: Store) -> Cursor:
    with store.read() as tx:
        return cursors.get(tx, CRM, Stream.ACCOUNTS)


def open_window(store: Store, lower: float | None = None, upper: float = 60) -> Window:
    window = Window(None if lower is None else at(lower), at(upper))
    with store.begin() as tx:
        cursors.open_window(tx, CRM, Stream.ACCOUNTS, window, "spec-1", "run-1")
    return window


def test_a_stream_that_was_never_read_has_nothing(store: Store) -> None:
    assert cursor(store) == NEVER


def test_an_open_window_is_kept_with_its_bounds_and_the_place_to_go_on(store: Store) -> None:
    window = open_window(store, lower=5)
    assert cursor(store) == Cursor(None, None, window, None, 0, "spec-1")
    with store.begin() as tx:
        cursors.move_window(tx, CRM, Stream.ACCOUNTS, {"after": 200}, 200, at(30))
    assert cursor(store) == Cursor(None, None, window, {"after": 200}, 200, "spec-1")


def test_only_a_closed_window_moves_the_watermark(store: Store) -> None:
    open_window(store)
    with store.begin() as tx:
        cursors.close_window(tx, CRM, Stream.ACCOUNTS, at(60), at(50))
    found = cursor(store)
    assert (found.watermark, found.complete_through, found.window, found.position) == (at(60), at(50), None, None)


def test_a_dropped_window_leaves_the_watermark_where_it_was(store: Store) -> None:
    open_window(store)
    with store.begin() as tx:
        cursors.close_window(tx, CRM, Stream.ACCOUNTS, at(60), at(50))
    open_window(store, lower=55, upper=90)
    with store.begin() as tx:
        cursors.move_window(tx, CRM, Stream.ACCOUNTS, {"after": 1}, 1, None)
        cursors.drop_window(tx, CRM, Stream.ACCOUNTS)
    found = cursor(store)
    assert (found.watermark, found.complete_through, found.window, found.position) == (at(60), at(50), None, None)


def test_a_reopened_window_begins_at_its_first_page(store: Store) -> None:
    open_window(store)
    with store.begin() as tx:
        cursors.move_window(tx, CRM, Stream.ACCOUNTS, {"after": 1}, 1, None)
    window = open_window(store, upper=70)
    assert cursor(store) == Cursor(None, None, window, None, 0, "spec-1")


def test_streams_and_connections_have_cursors_of_their_own(store: Store) -> None:
    open_window(store)
    with store.read() as tx:
        assert cursors.get(tx, CRM, Stream.USERS) == NEVER
        assert cursors.get(tx, "other", Stream.ACCOUNTS) == NEVER


PAGES: list[list[Row]] = [[row("a"), row("b")], [row("c", 1)], [row("a", 2, City="Leeds")]]


class Crash(Exception):
    pass


def read_pages(store: Store, crash: tuple[int, str]) -> None:
    """A whole pull over three pages, as `pull` does it, that dies at the named point of the numbered page."""
    known = cursor(store)
    if known.watermark is not None:
        return
    if known.window is None:
        open_window(store)
    done = int((cursor(store).position or {"page": -1})["page"])
    for number in range(done + 1, len(PAGES)):
        with store.begin() as tx:
            records.apply_page(
                tx, connection=CRM, object=OBJECT, stream=Stream.ACCOUNTS, rows=PAGES[number], ours=OURS,
                read_at=at(100), run="run-1",
            )  # fmt: skip
            if crash == (number, "rows"):
                raise Crash
            if number == len(PAGES) - 1:
                cursors.close_window(tx, CRM, Stream.ACCOUNTS, at(60), at(50))
            else:
                cursors.move_window(tx, CRM, Stream.ACCOUNTS, {"page": number}, number + 1, None)
            if crash == (number, "position"):
                raise Crash
        if crash == (number, "committed"):
            raise Crash


@pytest.mark.parametrize("point", ["rows", "position", "committed"])
@pytest.mark.parametrize("page", [0, 1, 2])
def test_a_crash_at_any_page_loses_nothing_and_reads_nothing_twice(store: Store, page: int, point: str) -> None:
    with pytest.raises(Crash):
        read_pages(store, (page, point))
    with store.read() as tx:
        held = tx.execute(sa.text("SELECT count(*) FROM record")).scalar()
    done = page + (point == "committed")
    assert held == (0, 2, 3, 3)[done], "rows and position are committed together"
    assert (cursor(store).watermark is not None) == (done == 3), "the watermark never passes what is not stored"
    read_pages(store, (-1, ""))
    with store.read() as tx:
        found = {item.ref.id: item.fields.get("City") for item in records.of_stream(tx, Stream.ACCOUNTS)}
    assert found == {"a": "Leeds", "b": None, "c": None}
    assert len(table_rows(store, sa.table("record_version", sa.column("version")))) == 1  # type: ignore[arg-type]


def test_another_specification_starts_from_nothing(store: Store) -> None:
    open_window(store)
    with store.begin() as tx:
        cursors.close_window(tx, CRM, Stream.ACCOUNTS, at(60), at(50))
        cursors.looked_again(tx, CRM, Stream.ACCOUNTS, at(40), at(60))
        cursors.open_window(tx, CRM, Stream.ACCOUNTS, Window(None, at(90)), "spec-2", "run-2")
        cursors.drop_window(tx, CRM, Stream.ACCOUNTS)
    assert cursor(store) == Cursor(None, None, None, None, 0, "spec-2")


def test_a_window_that_proves_nothing_moves_the_watermark_alone(store: Store) -> None:
    open_window(store)
    with store.begin() as tx:
        cursors.close_window(tx, CRM, Stream.ACCOUNTS, at(60), at(50))
        cursors.close_window(tx, CRM, Stream.ACCOUNTS, at(90), None)
    assert (cursor(store).watermark, cursor(store).complete_through) == (at(90), at(50))


def test_a_second_look_touches_nothing_else(store: Store) -> None:
    open_window(store)
    with store.begin() as tx:
        cursors.close_window(tx, CRM, Stream.ACCOUNTS, at(60), at(50))
        cursors.looked_again(tx, CRM, Stream.ACCOUNTS, at(10), at(70))
    found = cursor(store)
    assert (found.looked_through, found.looked_at) == (at(10), at(70))
    assert (found.watermark, found.complete_through, found.window) == (at(60), at(50), None)


def test_what_is_read_no_more_has_no_cursor(store: Store) -> None:
    open_window(store)
    with store.begin() as tx:
        cursors.open_window(tx, CRM, Stream.USERS, Window(None, at(1)), "s", "r")
        assert cursors.known(tx, CRM) == {"accounts", "users"}
        cursors.forget(tx, CRM, {"users"})
        assert cursors.known(tx, CRM) == {"accounts"}
        assert cursors.known(tx, "other") == set()
