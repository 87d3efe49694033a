"""What every connector promises (`syncd/connectors/base.py`), each promise a test. Subclasses give the world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest

from syncd.connectors.base import Connector
from syncd.connectors.wrappers import ReadOnly, Retrying
from syncd.errors import AuthFailed, IncompleteRead, Retry, Stop, UserError
from syncd.model import (
    FieldWanted,
    Fit,
    HeartbeatWanted,
    Page,
    ReadSpec,
    ReceiptKind,
    Row,
    StampType,
    Stream,
    Upsert,
    Window,
)

from .worlds import SECRET, World

HOUR = timedelta(hours=1)


def rows_of(pages: Sequence[Page]) -> dict[str, Row]:
    """The rows by id, the newest of each."""
    rows: dict[str, Row] = {}
    for page in pages:
        for row in page.rows:
            if row.id not in rows or rows[row.id].stamp <= row.stamp:
                rows[row.id] = row
    return rows


def creates_nothing(world: World, connector: Connector, rows: Sequence[Upsert]) -> bool:
    """Whether the facts say that nothing can be created; then trying it is the user's mistake, and changes nothing."""
    if connector.facts.upserts:
        return False
    before = connector.count(world.spec)
    with pytest.raises(UserError):
        connector.upsert(world.object, world.key, rows)
    assert connector.count(world.spec) == before
    return True


class ConnectorContract:
    """Subclass this with a fixture `world`."""

    # --- pull

    @pytest.mark.parametrize("more", [-1, 0, 1])
    def test_every_record_comes_whatever_the_page_edge(self, world: World, more: int) -> None:
        ids = {world.create(f"C{n}") for n in range(world.page + more)}
        connector = world.connector()
        pages = list(connector.pull(world.spec, Window(None, connector.now())))
        assert set(rows_of(pages)) == ids
        assert sum(len(page.rows) for page in pages) == len(ids)
        assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
        assert pages[-1].expected == len(ids)

    def test_an_empty_window_is_one_empty_last_page(self, world: World) -> None:
        world.create("early")
        world.clock.wait(3600)
        connector = world.connector()
        upper = connector.now()
        pages = list(connector.pull(world.spec, Window(upper - timedelta(seconds=60), upper)))
        assert [(list(p.rows), p.last, p.expected) for p in pages] == [([], True, 0)]

    def test_both_ends_of_a_window_are_in_it(self, world: World) -> None:
        ids = []
        for n in range(5):
            ids.append(world.create(f"C{n}"))
            world.clock.wait(10)
        connector = world.connector()
        everything = rows_of(list(connector.pull(world.spec, Window(None, connector.now()))))
        window = Window(everything[ids[1]].stamp, everything[ids[3]].stamp)
        assert set(rows_of(list(connector.pull(world.spec, window)))) == set(ids[1:4])

    def test_rows_hold_the_fields_asked_for_and_no_others(self, world: World) -> None:
        id_ = world.create("Acme")
        connector = world.connector()
        row = rows_of(list(connector.pull(world.spec, Window(None, connector.now()))))[id_]
        assert row.fields == {world.name: "Acme", world.stamp: None}
        assert not row.deleted
        assert row.stamp.utcoffset() == timedelta(0)

    def test_reading_a_window_again_gives_the_same(self, world: World) -> None:
        for n in range(7):
            world.create(f"C{n}")
        connector = world.connector()
        window = Window(connector.now() - HOUR, connector.now())
        first = rows_of(list(connector.pull(world.spec, window)))
        assert rows_of(list(connector.pull(world.spec, window))) == first

    def test_an_edit_comes_in_the_next_window(self, world: World) -> None:
        id_ = world.create("old")
        world.create("other")
        connector = world.connector()
        watermark = connector.now()
        list(connector.pull(world.spec, Window(None, watermark)))
        world.clock.wait(3600)
        world.rename(id_, "new")
        list(connector.fetch(world.spec, [id_]))
        lower = watermark + timedelta(seconds=1)
        found = rows_of(list(connector.pull(world.spec, Window(lower, connector.now()))))
        assert {i: r.fields[world.name] for i, r in found.items()} == {id_: "new"}

    def test_a_pull_goes_on_after_any_page(self, world: World) -> None:
        ids = {world.create(f"C{n}") for n in range(2 * world.page + 3)}
        connector = world.connector()
        window = Window(None, connector.now())
        pages = list(connector.pull(world.spec, window))
        for done in range(1, len(pages) + 1):
            position = orjson.loads(orjson.dumps(dict(pages[done - 1].position)))
            rest = list(world.connector().pull(world.spec, window, position))
            assert set(rows_of(pages[:done])) | set(rows_of(rest)) == ids
            assert rest[-1].last
            assert sum(len(p.rows) for p in [*pages[:done], *rest]) == len(ids)

    def test_an_interrupted_pull_raises_retry_and_goes_on_where_it_was(self, world: World) -> None:
        ids = {world.create(f"C{n}") for n in range(2 * world.page + 3)}
        connector = world.connector()
        window = Window(None, connector.now())
        world.interrupt(skip=1)
        pages: list[Page] = []
        with pytest.raises(Retry):
            pages.extend(connector.pull(world.spec, window))
        world.interrupt(skip=1)
        pages = list(Retrying(connector, world.clock).pull(world.spec, window))
        assert set(rows_of(pages)) == ids
        assert sum(len(p.rows) for p in pages) == len(ids)
        assert world.clock.waited

    def test_fewer_rows_than_counted_is_no_success(self, world: World) -> None:
        world.create("Acme")
        connector = world.connector()
        window = Window(None, connector.now())
        world.count_more()
        pages: list[Page] = []
        with pytest.raises(IncompleteRead):
            pages.extend(connector.pull(world.spec, window))
        assert not any(page.last for page in pages)

    def test_a_filter_lets_in_only_its_values(self, world: World) -> None:
        ids = {name: world.create(name) for name in ("Alpha", "Beta", "O'Hara \\ Söhne", "Gamma")}
        spec = ReadSpec(Stream.ACCOUNTS, world.object, (world.name,), where={world.name: ("Alpha", "O'Hara \\ Söhne")})
        connector = world.connector()
        for lower in (None, connector.now() - HOUR):
            pages = list(connector.pull(spec, Window(lower, connector.now())))
            assert set(rows_of(pages)) == {ids["Alpha"], ids["O'Hara \\ Söhne"]}
        nothing = ReadSpec(Stream.ACCOUNTS, world.object, (world.name,), where={world.name: ()})
        assert rows_of(list(connector.pull(nothing, Window(None, connector.now())))) == {}

    def test_deletions_come_where_the_facts_say_so(self, world: World) -> None:
        id_ = world.create("gone")
        kept = world.create("kept")
        connector = world.connector()
        watermark = connector.now()
        world.clock.wait(3600)
        world.delete(id_)
        list(connector.fetch(world.spec, [kept]))
        found = rows_of(list(connector.pull(world.spec, Window(watermark + timedelta(seconds=1), connector.now()))))
        assert {i: r.deleted for i, r in found.items()} == ({id_: True} if connector.facts.reports_deletes else {})

    def test_an_object_that_is_not_there_is_the_users_to_fix(self, world: World) -> None:
        spec = ReadSpec(Stream.ACCOUNTS, "Nonsense__c", ("Name",))
        connector = world.connector()
        with pytest.raises(UserError):
            list(connector.pull(spec, Window(None, connector.now())))

    # --- sweep and count

    @pytest.mark.parametrize("more", [0, 1])
    def test_a_sweep_shows_everything_that_is_there(self, world: World, more: int) -> None:
        ids = {world.create(f"C{n}") for n in range(2 * world.sweep_page + more)}
        pages = list(world.connector().sweep(world.spec))
        found = rows_of(pages)
        assert {id_ for id_, row in found.items() if not row.deleted} == ids
        assert {row.fields[world.name] for row in found.values()} == {f"C{n}" for n in range(len(ids))}
        assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]

    def test_a_sweep_goes_on_after_any_page(self, world: World) -> None:
        ids = {world.create(f"C{n}") for n in range(2 * world.sweep_page + 3)}
        pages = list(world.connector().sweep(world.spec))
        for done in range(1, len(pages) + 1):
            position = orjson.loads(orjson.dumps(dict(pages[done - 1].position)))
            rest = list(world.connector().sweep(world.spec, position))
            assert set(rows_of(pages[:done])) | set(rows_of(rest)) == ids
            assert rest[-1].last
            assert sum(len(p.rows) for p in [*pages[:done], *rest]) == len(ids)

    def test_a_sweep_shows_what_a_deletion_left(self, world: World) -> None:
        gone, kept = world.create("gone"), world.create("kept")
        world.delete(gone)
        found = rows_of(list(world.connector().sweep(world.spec)))
        assert found[kept].deleted is False
        assert gone not in found or found[gone].deleted

    def test_a_count_is_of_what_is_there_now(self, world: World) -> None:
        ids = [world.create(name) for name in ("Alpha", "Beta", "Gamma")]
        world.delete(ids[0])
        connector = world.connector()
        filtered = ReadSpec(Stream.ACCOUNTS, world.object, (world.name,), where={world.name: ("Alpha", "Beta")})
        counted = connector.count(world.spec), connector.count(filtered)
        assert counted in ((2, 1), (None, None))

    # --- fetch

    def test_records_are_read_by_id_with_what_became_of_them(self, world: World) -> None:
        ids = [world.create(f"C{n}") for n in range(3)]
        world.rename(ids[0], "renamed")
        world.delete(ids[1])
        rows = {row.id: row for row in world.connector().fetch(world.spec, [*ids, world.absent_id, ids[0]])}
        assert set(rows) == set(ids)
        assert rows[ids[0]].fields[world.name] == "renamed"
        assert {i: r.deleted for i, r in rows.items()} == {ids[0]: False, ids[1]: True, ids[2]: False}

    def test_nothing_is_fetched_for_no_ids(self, world: World) -> None:
        connector = world.connector()
        assert connector.fetch(world.spec, []) == []
        assert connector.fetch(world.spec, [world.absent_id]) == []

    def test_many_records_are_read_by_id(self, world: World) -> None:
        ids = [world.create(f"C{n}") for n in range(250)]
        assert {row.id for row in world.connector().fetch(world.spec, ids)} == set(ids)

    # --- write

    def test_each_write_has_its_receipt_in_order(self, world: World) -> None:
        connector = world.connector()
        ids = [world.create(f"C{n}") for n in range(connector.facts.write_batch + 7)]
        writes = [world.write(id_, f"v{n}", number=1000 - n) for n, id_ in enumerate(ids)]
        receipts = connector.write(world.object, writes)
        assert [r.write_id for r in receipts] == [w.id for w in writes]
        assert {r.kind for r in receipts} == {ReceiptKind.APPLIED}
        read = {row.id: row.fields[world.stamp] for row in connector.fetch(world.spec, ids)}
        assert read == {id_: f"v{n}" for n, id_ in enumerate(ids)}
        assert world.shown(ids[-1]) == f"v{len(ids) - 1}"

    def test_none_clears_a_field(self, world: World) -> None:
        id_ = world.create("Acme")
        connector = world.connector()
        connector.write(world.object, [world.write(id_, "x")])
        (receipt,) = connector.write(world.object, [world.write(id_, None)])
        assert receipt.kind is ReceiptKind.APPLIED
        assert world.shown(id_) in (None, "")

    def test_no_writes_make_no_call(self, world: World) -> None:
        connector = world.connector()
        assert connector.write(world.object, []) == []
        assert connector.calls == 0

    def test_two_writes_to_one_record_are_applied_in_order(self, world: World) -> None:
        ids = [world.create("A"), world.create("B")]
        writes = [world.write(ids[0], "first", 1), world.write(ids[1], "x", 2), world.write(ids[0], "second", 3)]
        receipts = world.connector().write(world.object, writes)
        assert [(r.write_id, r.kind) for r in receipts] == [(n, ReceiptKind.APPLIED) for n in (1, 2, 3)]
        assert world.shown(ids[0]) == "second"

    def test_one_refused_row_never_spoils_the_others(self, world: World) -> None:
        ids = [world.create(f"C{n}") for n in range(9)]
        field, value = world.poison
        writes = [world.write(id_, f"v{n}", n) for n, id_ in enumerate(ids)]
        writes[4] = world.write(ids[4], value, 4, field)
        writes[7] = world.write(world.absent_id, "v", 7)
        receipts = world.connector().write(world.object, writes)
        assert [r.write_id for r in receipts] == list(range(9))
        assert {r.write_id for r in receipts if r.kind is not ReceiptKind.APPLIED} == {4, 7}
        assert receipts[4].kind is receipts[7].kind is ReceiptKind.FAILED
        assert receipts[4].code
        assert receipts[7].code
        assert [world.shown(ids[n]) for n in (0, 3, 5, 8)] == ["v0", "v3", "v5", "v8"]

    @pytest.mark.parametrize("applied", [False, True])
    def test_a_lost_answer_is_unknown_and_nothing_is_sent_twice(self, world: World, applied: bool) -> None:
        ids = [world.create(f"C{n}") for n in range(3)]
        connector = Retrying(world.connector(), world.clock)
        connector.now()
        before = world.requests()
        world.lose_answer(applied=applied)
        receipts = connector.write(world.object, [world.write(id_, "v", n) for n, id_ in enumerate(ids)])
        assert [r.kind for r in receipts] == [ReceiptKind.UNKNOWN] * 3
        if before is not None:
            assert (world.requests() or 0) - before <= 2  # the write, and a sign-in where there was none yet
        shown = {row.fields[world.stamp] for row in connector.fetch(world.spec, ids)}
        assert shown == ({"v"} if applied else {None})

    def test_a_dry_run_sends_nothing(self, world: World) -> None:
        id_ = world.create("Acme")
        connector = ReadOnly(world.connector())
        with pytest.raises(Stop):
            connector.write(world.object, [world.write(id_, "v")])
        with pytest.raises(Stop):
            connector.upsert(world.object, world.key, [Upsert(1, "k", {world.stamp: "v"})])
        assert world.shown(id_) is None
        assert [row.id for row in connector.fetch(world.spec, [id_])] == [id_]

    # --- upsert

    def test_an_upsert_creates_once_and_then_changes(self, world: World) -> None:
        world.create("other")
        connector = world.connector()
        rows = [Upsert(n, f"key-{n}", {world.stamp: f"v{n}"}) for n in range(5)]
        if creates_nothing(world, connector, rows):
            return
        first = connector.upsert(world.object, world.key, rows)
        assert [(r.write_id, r.kind, r.created) for r in first] == [(n, ReceiptKind.APPLIED, True) for n in range(5)]
        again = [Upsert(n, f"key-{n}", {world.stamp: f"w{n}"}) for n in range(3, 7)]
        second = connector.upsert(world.object, world.key, again)
        assert [(r.write_id, r.created) for r in second] == [(3, False), (4, False), (5, True), (6, True)]
        assert [r.record_id for r in second[:2]] == [r.record_id for r in first[3:]]
        assert world.shown(first[3].record_id) == "w3"
        assert world.shown(first[0].record_id) == "v0"

    def test_one_refused_upsert_never_spoils_the_others(self, world: World) -> None:
        field, value = world.poison
        rows = [Upsert(n, f"key-{n}", {world.stamp: f"v{n}"}) for n in range(5)]
        rows[2] = Upsert(2, "key-2", {field: value})
        if creates_nothing(world, world.connector(), rows):
            return
        receipts = world.connector().upsert(world.object, world.key, rows)
        assert [r.write_id for r in receipts] == list(range(5))
        assert [r.kind for r in receipts] == [ReceiptKind.FAILED if n == 2 else ReceiptKind.APPLIED for n in range(5)]

    def test_an_upsert_by_a_field_that_is_not_unique_is_the_users_to_fix(self, world: World) -> None:
        world.create("Acme")
        with pytest.raises(UserError):
            world.connector().upsert(world.object, "Nix__c", [Upsert(1, "k", {world.stamp: "v"})])

    def test_a_lost_answer_to_an_upsert_is_unknown_and_saying_it_again_creates_nothing_more(self, world: World) -> None:
        connector = Retrying(world.connector(), world.clock)
        connector.now()
        rows = [Upsert(1, "key-1", {world.stamp: "v"})]
        if creates_nothing(world, connector, rows):
            return
        world.lose_answer(applied=True)
        (lost,) = connector.upsert(world.object, world.key, rows)
        assert lost.kind is ReceiptKind.UNKNOWN
        (again,) = connector.upsert(world.object, world.key, rows)
        assert (again.kind, again.created) == (ReceiptKind.APPLIED, False)

    # --- provisioning

    @pytest.mark.counts
    def test_fields_are_looked_at_one_by_one_and_a_dry_run_makes_none(self, world: World) -> None:
        connector = ReadOnly(world.connector())
        wanted = [
            FieldWanted(world.object, name, StampType.TEXT, "syncd number", "Number.", 40)
            for name in (world.stamp, "no_such_field")
        ]
        world.create("C")
        for _ in range(2):
            found = {part.name: part.fit for part in connector.provision(wanted, HeartbeatWanted(), False).parts}
            assert found[world.stamp] is Fit.FITS
            assert found["no_such_field"] in (Fit.MISSING, Fit.BY_HAND)
        with pytest.raises(Stop):
            connector.provision(wanted, HeartbeatWanted(), True)

    # --- check, now, calls, errors

    def test_check_names_the_system_and_finds_nothing_wrong(self, world: World) -> None:
        world.create("Acme")
        checked = world.connector().check([world.spec], {world.object: [world.stamp]})
        assert checked.problems == ()
        assert checked.uid == world.connector().check([], {}).uid
        assert orjson.loads(orjson.dumps(dict(checked.facts))) == dict(checked.facts)

    def test_check_tells_what_is_visible_of_each_object(self, world: World) -> None:
        world.create("Acme")
        (access,) = world.connector().check([world.spec], {}).access
        assert access.object == world.object
        assert access.sees_all is not False
        assert access.evidence.endswith(".")

    def test_check_reports_what_is_missing_with_a_remedy(self, world: World) -> None:
        world.create("Acme")
        specs = [
            ReadSpec(Stream.ACCOUNTS, world.object, (world.name, "Nope__c"), where={"Nada__c": ("x",)}),
            ReadSpec(Stream.OPPORTUNITIES, "Nonsense__c", ("Name",)),
        ]
        problems = world.connector().check(specs, {world.object: ["Nix__c"]}).problems
        for word in ("Nope__c", "Nada__c", "Nonsense__c", "Nix__c"):
            (problem,) = [p for p in problems if word in p]
            assert problem.endswith(".")
            assert problem.count(". ") >= 1  # what is wrong, and what to do

    def test_now_is_the_servers_clock(self, world: World) -> None:
        connector = world.connector()
        before = connector.now()
        assert before == world.clock.now().replace(microsecond=0)
        world.clock.wait(90)
        assert connector.now() == before + timedelta(seconds=90)

    def test_every_call_is_counted(self, world: World) -> None:
        id_ = world.create("Acme")
        connector = world.connector()
        connector.check([world.spec], {world.object: [world.stamp]})
        list(connector.pull(world.spec, Window(None, connector.now())))
        connector.fetch(world.spec, [id_])
        connector.write(world.object, [world.write(id_, "v")])
        assert connector.calls == (world.requests() if world.requests() is not None else connector.calls)
        assert connector.calls >= 4

    def test_a_wrong_token_is_auth_failed_and_shown_nowhere(self, world: World) -> None:
        id_ = world.create("Acme")
        connector = world.refused()
        if connector is None:
            return  # the twin has no tokens
        attempts: list[Any] = [
            lambda: connector.check([world.spec], {}),
            lambda: list(connector.pull(world.spec, Window(None, world.clock.now()))),
            lambda: connector.fetch(world.spec, [id_]),
            lambda: connector.write(world.object, [world.write(id_, "v")]),
        ]
        for attempt in attempts:
            with pytest.raises(AuthFailed) as caught:
                attempt()
            assert SECRET not in repr(caught.value)
            assert SECRET not in str(caught.value)
        shown = [repr(connector), *(repr(value) for value in vars(connector).values())]
        assert SECRET not in " ".join(shown)
        assert world.shown(id_) is None
