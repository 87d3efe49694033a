"""Reading Salesforce: what was written late, moved, deleted, merged or hidden is found, and nothing partial passes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syncd.connectors.salesforce import soql
from syncd.connectors.salesforce.pull import Scale
from syncd.connectors.salesforce.reading import Piece, Reading
from syncd.connectors.salesforce.slices import Slice, boundaries, divided, halves
from syncd.connectors.wrappers import Retrying
from syncd.emulator.salesforce.soql import parse
from syncd.errors import IncompleteRead, Retry, Stop, UserError
from syncd.jobs.pull import SIDE_BY_SIDE_FROM
from syncd.model import MissingField, Page, ReadSpec, Row, Stream, Window

from .stub import Say, Stub
from .worlds import START, FakeClock
from .worlds_salesforce import DATA, DESCRIBE, SalesforceWorld, on_stub, page, record, refusal

SPEC = ReadSpec(Stream.ACCOUNTS, "Account", ("Name",))
WINDOW = Window(None, START)
SMALL = Scale(rows_per_page=200)
GONE = refusal(400, "INVALID_QUERY_LOCATOR")
TIMEOUT = refusal(400, "QUERY_TIMEOUT")


def rows_of(pages: list[Page]) -> dict[str, Row]:
    """The rows by id, the last of each."""
    return {row.id: row for p in pages for row in p.rows}


def names(pages: list[Page]) -> list[str]:
    """Our names of the rows, in their order."""
    return [row.fields["Name"] for p in pages for row in p.rows]


def asked(stub: Stub) -> list[str]:
    """The statements that were asked, in their order; every one is good SOQL."""
    statements = [unquote(a.path.partition("?q=")[2]) for a in stub.asked if "?q=" in a.path]
    for statement in statements:
        parse(statement)
    return statements


# --- windows


@pytest.mark.parametrize("count", [199, 200, 201, 600])
def test_any_number_of_records_with_one_stamp_comes_whole_and_once(org: SalesforceWorld, count: int) -> None:
    """F01, F07. Also when the cursor is lost after each page, so that only stamp and id tell where to go on."""
    ids = {org.create(f"C{n}") for n in range(count)}
    salesforce = org.connector(scale=SMALL)
    stamp = salesforce.now()
    org.clock.wait(5)
    org.emulator.fail("salesforce", "status", path_prefix=f"{DATA}/query/", times=99, status=400, body=GONE.body)
    pages = list(salesforce.pull(org.spec, Window(stamp, salesforce.now())))
    assert set(rows_of(pages)) == ids
    assert sum(len(p.rows) for p in pages) == count
    assert pages[-1].last


@pytest.mark.parametrize("minutes", [1, 5, 10])
def test_what_was_stamped_before_the_watermark_and_shown_after_it_comes_with_the_overlap(
    org: SalesforceWorld, minutes: int
) -> None:
    """F02, F03. A transaction stamps when it writes and shows when it commits, up to ten minutes later."""
    salesforce = org.connector()
    held = org.emulator.salesforce.hold_commits(minutes * 60)
    late = org.emulator.salesforce.insert("Account", {"Name": "late"}, transaction=held)
    org.clock.wait(1)
    first = Window(None, salesforce.now())
    assert late not in rows_of(list(salesforce.pull(org.spec, first)))
    org.clock.wait(minutes * 60)
    overlap = timedelta(seconds=salesforce.facts.overlap_seconds)
    second = Window(first.upper - overlap, salesforce.now())
    assert late in rows_of(list(salesforce.pull(org.spec, second)))
    assert overlap > timedelta(seconds=salesforce.facts.read_lag_seconds) >= timedelta(minutes=10)


def test_a_record_changed_while_pages_are_read_is_in_this_window_or_the_next(org: SalesforceWorld) -> None:
    """F05, F06. A window ends where the server's clock stood when it opened, whatever is seen in it."""
    ids = [org.create(f"C{n}") for n in range(700)]
    salesforce = org.connector(scale=SMALL)
    org.clock.wait(5)
    window = Window(None, salesforce.now())
    pull = salesforce.pull(org.spec, window)
    pages = [next(pull)]
    org.clock.wait(30)
    edited = [ids[0], ids[450], ids[699]]
    for id_ in edited:
        org.rename(id_, "edited")
    pages += pull
    assert set(rows_of(pages)) == set(ids)
    org.clock.wait(5)
    following = list(salesforce.pull(org.spec, Window(window.upper + timedelta(seconds=1), salesforce.now())))
    assert set(rows_of(following)) == set(edited)


def test_a_window_may_end_in_the_future_and_an_edit_hides_nothing_then_either(org: SalesforceWorld) -> None:
    """F06. An edited record comes in its old place with a new stamp; going on behind that would leave out much."""
    ids = [org.create(f"C{n}") for n in range(900)]
    salesforce = org.connector(scale=SMALL)
    org.clock.wait(5)
    window = Window(None, salesforce.now() + timedelta(hours=1))
    pull = salesforce.pull(org.spec, window)
    pages = [next(pull)]
    org.clock.wait(60)
    org.rename(ids[399], "edited")  # the last of the second page
    pages.append(next(pull))
    assert pages[1].rows[-1].id == ids[399]
    org.emulator.fail("salesforce", "status", path_prefix=f"{DATA}/query/", status=400, body=GONE.body)
    pages += org.connector(scale=SMALL).pull(org.spec, window, pages[1].position)
    assert set(rows_of(pages)) == set(ids)
    assert pages[-1].last


def test_a_first_pull_has_no_hidden_beginning(stub: Stub, clock: FakeClock) -> None:
    """F08."""
    stub.on(f"GET {DATA}/queryAll", page(record(1, SystemModstamp="1999-12-31T23:59:59.000+0000")))
    (only,) = on_stub(stub, clock).pull(SPEC, WINDOW)
    assert only.rows[0].stamp.year == 1999
    assert " >= " not in asked(stub)[0]


def test_windows_are_in_the_servers_time_whatever_the_zone_of_the_caller(stub: Stub, clock: FakeClock) -> None:
    """F37."""
    stub.on(f"GET {DATA}/queryAll", page())
    apia = START.astimezone(ZoneInfo("Pacific/Apia"))
    list(on_stub(stub, clock).pull(SPEC, Window(apia - timedelta(hours=1), apia)))
    assert "SystemModstamp >= 2026-11-23T08:00:00Z AND SystemModstamp <= 2026-11-23T09:00:00Z" in asked(stub)[0]


def test_a_stamp_that_moves_without_a_change_brings_the_same_row(org: SalesforceWorld) -> None:
    """F20, F53. What is read twice is equal, so that it changes nothing."""
    id_ = org.create("Acme")
    salesforce = org.connector()
    before = rows_of(list(salesforce.pull(org.spec, Window(None, salesforce.now()))))[id_]
    assert rows_of(list(salesforce.pull(org.spec, Window(before.stamp, salesforce.now()))))[id_] == before
    org.clock.wait(60)
    org.emulator.salesforce.edit("Account", id_, {"Site": "elsewhere"})
    after = rows_of(list(salesforce.pull(org.spec, Window(before.stamp, salesforce.now()))))[id_]
    assert after.fields == before.fields
    assert after.stamp > before.stamp


# --- nothing partial passes


def test_an_empty_page_in_the_middle_is_no_end(stub: Stub, clock: FakeClock) -> None:
    """F11."""
    stub.on(f"GET {DATA}/queryAll", page(record(1), total=2, done=False, more=f"{DATA}/query/0r8-1"))
    stub.on(f"GET {DATA}/query/0r8-1", page(total=2, done=False, more=f"{DATA}/query/0r8-2"))
    stub.on(f"GET {DATA}/query/0r8-2", page(record(2), total=2))
    pages = list(on_stub(stub, clock).pull(SPEC, WINDOW))
    assert names(pages) == ["N1", "N2"]


def test_a_page_that_lacks_rows_makes_the_whole_incomplete(stub: Stub, clock: FakeClock) -> None:
    """F09, F11. Also when the server says that everything is well."""
    stub.on(f"GET {DATA}/queryAll", page(record(1), total=3, done=False, more=f"{DATA}/query/0r8-1"))
    stub.on(f"GET {DATA}/query/0r8-1", page(record(2), total=3))
    with pytest.raises(IncompleteRead, match="2 of 3"):
        list(on_stub(stub, clock).pull(SPEC, WINDOW))


def test_records_deleted_for_good_while_pages_are_read_do_not_stop_the_pull(org: SalesforceWorld) -> None:
    """One count more tells that nothing is missing but what is gone; edits that left the window are in it."""
    ids = [org.create(f"C{n}") for n in range(500)]
    salesforce = org.connector(scale=SMALL)
    org.clock.wait(5)
    window = Window(None, salesforce.now())
    pull = salesforce.pull(org.spec, window)
    pages = [next(pull)]
    org.clock.wait(5)
    for id_ in ids[300:303]:
        org.delete(id_)
        org.emulator.salesforce.purge("Account", id_)
    org.rename(ids[0], "edited")
    before = salesforce.calls
    pages += pull
    assert set(rows_of(pages)) >= set(ids) - set(ids[300:303])
    assert pages[-1].last
    assert pages[-1].expected == sum(len(p.rows) for p in pages)
    assert salesforce.calls - before <= 3  # two pages, and at most one count


DATED = {**DESCRIBE, "fields": [*DESCRIBE["fields"], {"name": "CreatedDate", "type": "datetime"}]}  # type: ignore[misc]
TEN = {"Date": "Mon, 23 Nov 2026 10:00:00 GMT"}


def short(stub: Stub, there: int) -> None:
    """A window of three records of which two come, in an org that counts so many when it is asked again."""
    stub.on(f"GET {DATA}/queryAll?q=SELECT%20COUNT", Say(body={"totalSize": there, "done": True, "records": []}))
    first = page(record(1), total=3, done=False, more=f"{DATA}/query/0r8-1")
    stub.on(f"GET {DATA}/queryAll", replace(first, headers=TEN))
    stub.on(f"GET {DATA}/query/0r8-1", page(record(2), total=3))


def test_rows_that_are_gone_for_good_are_told_from_missing_ones_by_one_count(stub: Stub, clock: FakeClock) -> None:
    """F09. Counted are those that are there now, and those that an edit has taken out since the question."""
    short(stub, 2)
    pages = list(on_stub(stub, clock, describe=DATED).pull(SPEC, WINDOW))
    assert [(p.last, p.expected) for p in pages] == [(False, 3), (True, 2)]
    assert asked(stub)[-1] == (
        "SELECT COUNT() FROM Account WHERE ((SystemModstamp <= 2026-11-23T09:00:00Z) OR "
        "(SystemModstamp >= 2026-11-23T10:00:00Z AND CreatedDate <= 2026-11-23T09:00:00Z))"
    )


def test_a_sweep_counts_again_what_was_there_when_it_began(stub: Stub, clock: FakeClock) -> None:
    short(stub, 2)
    assert list(on_stub(stub, clock, describe=DATED).sweep(SPEC))[-1].last
    assert asked(stub)[-1] == "SELECT COUNT() FROM Account WHERE CreatedDate <= 2026-11-23T10:00:00Z"


@pytest.mark.parametrize("describe", [DATED, DESCRIBE])
def test_what_is_there_and_did_not_come_is_missing(stub: Stub, clock: FakeClock, describe: dict[str, Any]) -> None:
    """F09, F11. So it is where records do not tell when they were created, because nothing can be proved then."""
    short(stub, 3)
    with pytest.raises(IncompleteRead, match="2 of 3"):
        list(on_stub(stub, clock, describe=describe).pull(SPEC, WINDOW))


def test_a_server_that_does_not_heed_where_to_go_on_is_found_out(stub: Stub, clock: FakeClock) -> None:
    """F07. The same page again and again would be an endless loop."""
    more = [page(record(1), record(2), total=9, done=False, more=f"{DATA}/query/0r8-{n}") for n in range(9)]
    stub.on(f"GET {DATA}/queryAll", *more)
    stub.on(f"GET {DATA}/query/", GONE)
    with pytest.raises(IncompleteRead, match="same page"):
        list(on_stub(stub, clock).pull(SPEC, WINDOW))
    assert len(asked(stub)) == 4


def test_the_cursor_of_a_page_that_expired_costs_one_query_and_no_row(org: SalesforceWorld) -> None:
    """F12, F55. Whichever page it was."""
    ids = {org.create(f"C{n}") for n in range(1_000)}
    salesforce = org.connector(scale=SMALL)
    org.clock.wait(5)
    window = Window(None, salesforce.now())
    pages = list(salesforce.pull(org.spec, window))
    for done in range(1, len(pages)):
        org.emulator.fail("salesforce", "status", path_prefix=f"{DATA}/query/", status=400, body=GONE.body)
        before = salesforce.calls
        rest = list(salesforce.pull(org.spec, window, pages[done - 1].position))
        assert set(rows_of(pages[:done])) | set(rows_of(rest)) == ids
        assert sum(len(p.rows) for p in [*pages[:done], *rest]) == len(ids)
        assert salesforce.calls - before == 1 + len(pages) - done


def test_a_link_to_another_host_is_not_followed_and_gets_no_token(stub: Stub, clock: FakeClock) -> None:
    """F13."""
    stub.on(
        f"GET {DATA}/queryAll", page(record(1), total=9, done=False, more=stub.url.replace("127.0.0.1", "localhost"))
    )
    with pytest.raises(Stop, match="another host"):
        list(on_stub(stub, clock).pull(SPEC, WINDOW))


def test_more_without_an_address_is_no_end(stub: Stub, clock: FakeClock) -> None:
    """F13."""
    stub.on(f"GET {DATA}/queryAll", page(record(1), total=2, done=False))
    with pytest.raises(IncompleteRead, match="names no new page"):
        list(on_stub(stub, clock).pull(SPEC, WINDOW))


def test_a_reset_connection_is_tried_again_from_the_last_page(org: SalesforceWorld) -> None:
    """F27."""
    ids = {org.create(f"C{n}") for n in range(700)}
    salesforce = Retrying(org.connector(scale=SMALL), org.clock)
    salesforce.now()
    for skip in (0, 1, 2):
        org.emulator.fail("salesforce", "drop_before", path_prefix=org.reading, skip=skip)
    pages = list(salesforce.pull(org.spec, Window(None, salesforce.now())))
    assert set(rows_of(pages)) == ids
    assert sum(len(p.rows) for p in pages) == len(ids)


# --- queries that take too long


def test_a_query_that_takes_too_long_is_asked_in_halves(stub: Stub, clock: FakeClock) -> None:
    """F10. A timeout is never the end of a window; the halves meet without a gap and without an overlap."""
    stub.on(f"GET {DATA}/queryAll", TIMEOUT, page(record(1)), page(record(2)))
    window = Window(START - timedelta(hours=2), START)
    pages = list(on_stub(stub, clock).pull(SPEC, window))
    assert names(pages) == ["N1", "N2"]
    assert [p.last for p in pages] == [False, True]
    assert pages[-1].expected == 2
    bounds = [statement.partition(" WHERE ")[2].partition(" ORDER")[0] for statement in asked(stub)[1:]]
    assert bounds == [
        "SystemModstamp >= 2026-11-23T07:00:00Z AND SystemModstamp <= 2026-11-23T08:00:00Z",
        "SystemModstamp >= 2026-11-23T08:00:01Z AND SystemModstamp <= 2026-11-23T09:00:00Z",
    ]


def test_without_a_beginning_the_first_stamp_tells_where_to_halve(stub: Stub, clock: FakeClock) -> None:
    """F10."""
    earliest = page({"SystemModstamp": "2026-11-23T08:00:00.000+0000"})
    stub.on(f"GET {DATA}/queryAll", TIMEOUT, earliest, page(record(1)), page(record(2)))
    assert names(list(on_stub(stub, clock).pull(SPEC, WINDOW))) == ["N1", "N2"]
    assert asked(stub)[1].endswith("ORDER BY SystemModstamp LIMIT 1")
    assert "<= 2026-11-23T08:30:00Z" in asked(stub)[2]


def test_a_server_that_can_answer_nothing_is_asked_a_dozen_times_and_no_more(stub: Stub, clock: FakeClock) -> None:
    """F10, F51."""
    stub.on(f"GET {DATA}/queryAll", TIMEOUT)
    with pytest.raises(Retry):
        list(on_stub(stub, clock).pull(SPEC, Window(START - timedelta(days=900), START)))
    assert len(asked(stub)) == 13
    with pytest.raises(Retry):
        list(on_stub(stub, clock).pull(SPEC, Window(START, START)))
    assert len(asked(stub)) == 14


def test_a_page_that_takes_too_long_is_asked_by_a_query_in_its_place(stub: Stub, clock: FakeClock) -> None:
    """F10."""
    stub.on(f"GET {DATA}/queryAll", page(record(1), total=2, done=False, more=f"{DATA}/query/0r8-1"), page(record(2)))
    stub.on(f"GET {DATA}/query/", TIMEOUT)
    assert names(list(on_stub(stub, clock).pull(SPEC, WINDOW))) == ["N1", "N2"]


moments = st.integers(0, 10**9).map(lambda seconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


@given(moments, st.lists(moments, min_size=1, max_size=6, unique=True))
def test_every_second_of_a_slice_is_in_exactly_one_part_of_it(lower: datetime, ends: list[datetime]) -> None:
    ends = sorted(end for end in ends if end > lower)
    whole = Slice(soql.instant(lower), "2040-01-01T00:00:00Z", seen=7)
    parts = divided(whole, ends)
    assert (parts[0].lower, parts[-1].upper, parts[0].seen) == (whole.lower, whole.upper, 7)
    for before, after in pairwise(parts):
        assert before.upper is not None
        assert after.lower is not None
        gap = datetime.fromisoformat(after.lower) - datetime.fromisoformat(before.upper)
        assert gap == timedelta(seconds=1)


@given(moments, st.integers(0, 10**9))
def test_a_slice_is_halved_until_it_is_one_second(lower: datetime, seconds: int) -> None:
    upper = lower + timedelta(seconds=seconds)
    parts = halves(Slice(soql.instant(lower), soql.instant(upper)), lower)
    assert (parts is None) is (seconds == 0)
    if parts is not None:
        assert parts[0].lower == soql.instant(lower)
        assert parts[1].upper == soql.instant(upper)


# --- many rows: slices side by side


IN_SLICES = Scale(slices_from=500, slow_from=0, bulk_from=10**9, readers=4, rows_per_page=200)


def spread(org: SalesforceWorld, count: int, seconds: float = 10.0, every: int = 20) -> list[str]:
    """Accounts made over some time."""
    ids = []
    for n in range(count):
        ids.append(org.create(f"C{n}"))
        if n % every == 0:
            org.clock.wait(seconds)
    return ids


def test_a_large_first_pull_is_read_side_by_side_and_whole(org: SalesforceWorld) -> None:
    """F55. For a handful of calls more than one after another; each row comes once."""
    ids = set(spread(org, 1_600))
    salesforce = org.connector(scale=IN_SLICES)
    window = Window(None, salesforce.now())
    before = salesforce.calls
    pages = list(salesforce.pull(org.spec, window))
    assert set(rows_of(pages)) == ids
    assert sum(len(p.rows) for p in pages) == len(ids)
    assert [p.last for p in pages] == [False] * (len(pages) - 1) + [True]
    assert pages[-1].expected == len(ids)
    assert len(pages[2].position["slices"]) == 4
    assert salesforce.calls - before <= 8 + 1 + 4 + 9  # pages, describe, one short page a slice, questions for bounds


@pytest.mark.parametrize(("answers_in", "slices"), [(0.05, 1), (0.4, 4)])
def test_only_a_server_that_is_waited_for_is_read_side_by_side(
    org: SalesforceWorld, monkeypatch: pytest.MonkeyPatch, answers_in: float, slices: int
) -> None:
    """F55. Where a page comes at once, threads gain nothing and cost a fifth of the time."""
    ids, read = set(spread(org, 1_600)), Reading.page

    def after_a_while(reading: Reading, at: Slice) -> Piece:
        org.clock.wait(answers_in)
        return read(reading, at)

    monkeypatch.setattr(Reading, "page", after_a_while)
    salesforce = org.connector(scale=replace(IN_SLICES, slow_from=0.1))
    pages = list(salesforce.pull(org.spec, Window(None, salesforce.now())))
    assert set(rows_of(pages)) == ids
    assert len(pages[2].position["slices"]) == slices


def test_a_pull_in_slices_goes_on_after_any_page(org: SalesforceWorld) -> None:
    """F55. The position of a page says how far every slice has come, in plain JSON that does not grow."""
    ids = set(spread(org, 1_200))
    window = Window(None, org.connector().now())
    pages = list(org.connector(scale=IN_SLICES).pull(org.spec, window))
    for done in range(1, len(pages) + 1):
        position = orjson.loads(orjson.dumps(dict(pages[done - 1].position)))
        assert len(orjson.dumps(position)) < 2_000
        rest = list(org.connector(scale=IN_SLICES).pull(org.spec, window, position))
        assert set(rows_of(pages[:done])) | set(rows_of(rest)) == ids
        assert sum(len(p.rows) for p in [*pages[:done], *rest]) == len(ids)
        assert rest[-1].last


def test_one_slice_that_fails_ends_the_pull_and_the_others_pages_are_kept(org: SalesforceWorld) -> None:
    ids = set(spread(org, 1_600))
    salesforce = org.connector(scale=IN_SLICES)
    window = Window(None, salesforce.now())
    pages: list[Page] = []
    org.emulator.fail("salesforce", "status", path_prefix=f"{DATA}/query", skip=13, status=503)
    with pytest.raises(Retry):
        pages.extend(salesforce.pull(org.spec, window))
    assert pages
    rest = list(salesforce.pull(org.spec, window, pages[-1].position))
    assert set(rows_of(pages)) | set(rows_of(rest)) == ids
    assert sum(len(p.rows) for p in [*pages, *rest]) == len(ids)


def test_a_slice_that_takes_too_long_is_halved_while_the_others_go_on(org: SalesforceWorld) -> None:
    """F10."""
    ids = set(spread(org, 1_600))
    salesforce = org.connector(scale=IN_SLICES)
    window = Window(None, salesforce.now())
    pull = salesforce.pull(org.spec, window)
    pages = [next(pull)]
    org.emulator.fail(
        "salesforce", "status", path_pattern="ORDER BY SystemModstamp, Id", skip=2, status=400, body=TIMEOUT.body
    )
    pages += pull
    assert set(rows_of(pages)) == ids
    assert sum(len(p.rows) for p in pages) == len(ids)


def test_a_slice_that_lacks_rows_makes_the_whole_incomplete(org: SalesforceWorld) -> None:
    """F09."""
    spread(org, 1_600)
    salesforce = org.connector(scale=IN_SLICES)
    window = Window(None, salesforce.now())
    pull = salesforce.pull(org.spec, window)
    pages = [next(pull)]
    body = '{"totalSize": 300, "done": true, "records": []}'
    org.emulator.fail("salesforce", "status", path_pattern="ORDER BY SystemModstamp, Id", status=200, body=body)
    with pytest.raises(IncompleteRead):
        pages.extend(pull)
    assert not any(p.last for p in pages)
    assert pages[-1].position == {}


def test_stopping_in_the_middle_leaves_no_reader_behind(org: SalesforceWorld) -> None:
    spread(org, 1_600)
    salesforce = org.connector(scale=IN_SLICES)
    pull = salesforce.pull(org.spec, Window(None, salesforce.now()))
    next(pull)
    next(pull)
    assert isinstance(pull, Iterator)
    pull.close()  # type: ignore[attr-defined]
    made = salesforce.calls
    assert salesforce.calls == made == org.requests()


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**8), min_size=50, max_size=400), st.integers(2, 8), st.integers(0, 3))
def test_bounds_are_found_with_few_questions_and_leave_nothing_out(ages: list[int], parts: int, mute: int) -> None:
    last = datetime(2026, 11, 23, tzinfo=UTC)
    stamps = sorted(last - timedelta(seconds=age) for age in ages)
    questions: list[datetime] = []

    def count(until: datetime) -> int | None:
        questions.append(until)
        return None if mute and len(questions) % (mute + 1) == 0 else sum(s <= until for s in stamps)

    seen = sum(s <= stamps[0] for s in stamps)
    ends = boundaries(stamps[0], last, seen, len(stamps), parts, count)
    assert ends == sorted(set(ends))
    assert all(stamps[0] < end < last for end in ends)
    assert len(ends) < parts
    assert len(questions) <= 3 * (parts - 1)


@pytest.mark.parametrize("skew", [1.0, 4.0])
def test_bounds_make_parts_of_about_one_size(skew: float) -> None:
    last = datetime(2026, 11, 23, tzinfo=UTC)
    stamps = sorted(last - timedelta(seconds=int(3e8 * (n / 20_000) ** skew)) for n in range(20_000))
    ends = boundaries(stamps[0], last, 1, len(stamps), 4, lambda until: sum(s <= until for s in stamps))
    edges = [stamps[0], *ends, last]
    sizes = [sum(a < s <= b for s in stamps) for a, b in pairwise(edges)]
    assert len(sizes) == 4
    assert max(sizes) < 2 * 5_000


# --- long questions


def wide(count: int) -> tuple[dict[str, Any], ReadSpec]:
    """An object with so many mapped fields that they do not fit into one address."""
    long = [f"Field_with_a_long_name_{n:03}__c" for n in range(count)]
    fields = [*DESCRIBE["fields"], *({"name": n, "type": "string"} for n in long)]  # type: ignore[misc]
    return {**DESCRIBE, "fields": fields}, ReadSpec(Stream.ACCOUNTS, "Account", ("Name", *long))


def test_more_fields_than_an_address_holds_are_read_by_id_beside_it(stub: Stub, clock: FakeClock) -> None:
    """F47. Two calls a page, and every mapped field is there; a record deleted for good in between is deleted."""
    describe, spec = wide(500)
    values = {name: f"{name}!" for name in spec.fields}
    there = [record(n) | values for n in (1, 2)]
    stub.on(f"GET {DATA}/queryAll", page(*(record(n) for n in (1, 2, 3))), page())
    stub.on(f"POST {DATA}/composite/sobjects/Account", Say(body=[*there, None]))
    (only,) = on_stub(stub, clock, describe=describe).pull(spec, WINDOW)
    rows = {row.id: row for row in only.rows}
    assert [rows[f"001{n:012}AAA"].deleted for n in (1, 2, 3)] == [False, False, True]
    assert rows[f"001{1:012}AAA"].fields == values
    assert set(rows[f"001{3:012}AAA"].fields) == set(spec.fields)
    assert all(len(a.path) < 16_384 for a in stub.asked)
    assert only.last


def test_a_wide_row_is_of_one_moment_with_its_own_stamp(stub: Stub, clock: FakeClock) -> None:
    describe, spec = wide(500)
    later = record(1, SystemModstamp="2026-11-23T08:59:00.000+0000") | {name: "new" for name in spec.fields}
    stub.on(f"GET {DATA}/queryAll", page(record(1)))
    stub.on(f"POST {DATA}/composite/sobjects/Account", Say(body=[later]))
    (only,) = on_stub(stub, clock, describe=describe).pull(spec, WINDOW)
    assert only.rows[0].stamp == datetime(2026, 11, 23, 8, 59, tzinfo=UTC)
    assert only.rows[0].fields["Name"] == "new"


def test_wide_rows_of_the_recycle_bin_are_read_in_groups_of_fields(stub: Stub, clock: FakeClock) -> None:
    """F47."""
    describe, spec = wide(500)
    values = {name: f"{name}!" for name in spec.fields}
    binned = record(1, IsDeleted=True, MasterRecordId="001000000000002AAA") | values
    stub.on(f"GET {DATA}/queryAll", *[page(binned)] * 9)
    stub.on(f"POST {DATA}/composite/sobjects/Account", Say(404, [{"errorCode": "NOT_FOUND"}]))
    (row,) = on_stub(stub, clock, describe=describe).fetch(spec, [record(1)["Id"]])
    assert (row.deleted, row.merged_into, row.fields) == (True, "001000000000002AAA", values)
    assert len(asked(stub)) > 1
    assert all(len(a.path) < 16_384 for a in stub.asked)


def test_a_long_list_of_values_is_asked_in_portions(org: SalesforceWorld) -> None:
    """Values that Salesforce takes for the same stay together, so that no record comes twice."""
    ids = {org.create(f"Company number {n:04}") for n in range(0, 1_200, 3)}
    values = (*(f"Company number {n:04}" for n in range(1_200)), "COMPANY NUMBER 0000")
    spec = ReadSpec(Stream.ACCOUNTS, "Account", ("Name",), where={"Name": values, "IsDeleted": ("false",)})
    salesforce = org.connector()
    window = Window(None, salesforce.now())
    pages = list(salesforce.pull(spec, window))
    assert set(rows_of(pages)) == ids
    assert sum(len(p.rows) for p in pages) == pages[-1].expected == len(ids)
    assert [p.last for p in pages] == [False] * (len(pages) - 1) + [True]
    assert len(pages) > 1
    assert salesforce.count(spec) == len(ids)
    for done in range(1, len(pages)):
        rest = list(salesforce.pull(spec, window, pages[done - 1].position))
        assert len(rest) == len(pages) - done


@example(["abc", "abd", "ABD"], 40)
@given(st.lists(st.text("abcAB '", min_size=1, max_size=12), min_size=1, max_size=80), st.integers(40, 400))
def test_portions_hold_every_value_once_and_keep_those_together_that_are_one(values: list[str], room: int) -> None:
    portions = soql.portions({"Name": values}, {}, room)
    assert all(len(conditions) == 1 for conditions in portions)
    held = [set(re.findall(r"'((?:[^'\\]|\\.)*)'", conditions[0])) for conditions in portions]
    assert {text.replace("\\'", "'") for texts in held for text in texts} == set(values)
    folded = [{text.casefold() for text in texts} for texts in held]
    assert sum(map(len, folded)) == len(set.union(*folded))


def test_parents_that_do_not_fit_are_the_users_to_fix(stub: Stub, clock: FakeClock) -> None:
    spec = ReadSpec(Stream.ACCOUNTS, "Account", tuple(f"Parent__r.Field_with_a_long_name_{n}__c" for n in range(500)))
    with pytest.raises(UserError, match="fewer fields of parents"):
        list(on_stub(stub, clock).pull(spec, WINDOW))


def test_reading_by_id_follows_every_page(stub: Stub, clock: FakeClock) -> None:
    """F11. A page may hold fewer rows than were asked for."""
    stub.on(f"GET {DATA}/queryAll", page(record(1), total=2, done=False, more=f"{DATA}/query/0r8-1"))
    stub.on(f"GET {DATA}/query/0r8-1", page(record(2), total=2))
    stub.on(f"POST {DATA}/composite/sobjects/Account", Say(body=[None, None]))
    rows = on_stub(stub, clock).fetch(SPEC, [record(1)["Id"], record(2)["Id"]])
    assert [row.fields["Name"] for row in rows] == ["N1", "N2"]


# --- objects that are otherwise


def test_history_is_read_by_its_creation_because_nobody_edits_it(org: SalesforceWorld) -> None:
    org.emulator.salesforce.track_history("Account", ["Name"])
    id_ = org.create("before")
    salesforce = org.connector()
    watermark = salesforce.now()
    org.clock.wait(60)
    org.rename(id_, "after")
    spec = ReadSpec(Stream.HISTORY, "AccountHistory", ("AccountId", "Field", "OldValue", "NewValue", "CreatedDate"))
    assert salesforce.check([spec], {}).problems == ()
    (only,) = salesforce.pull(spec, Window(watermark + timedelta(seconds=1), salesforce.now()))
    (row,) = only.rows
    assert (row.fields["Field"], row.fields["OldValue"], row.fields["NewValue"]) == ("Name", "before", "after")
    assert (row.fields["AccountId"], row.deleted) == (id_, False)
    assert row.stamp == salesforce.now()
    assert row.id in rows_of(list(salesforce.sweep(spec)))


@pytest.mark.parametrize("object_", ["User", "Group", "OpportunityStage"])
def test_objects_that_are_never_deleted_are_read_and_swept(org: SalesforceWorld, object_: str) -> None:
    salesforce = org.connector()
    spec = ReadSpec(Stream.USERS, object_, ("SystemModstamp",))
    pulled = rows_of(list(salesforce.pull(spec, Window(None, salesforce.now()))))
    assert rows_of(list(salesforce.sweep(spec))) == pulled
    assert len(pulled) == salesforce.count(spec)
    assert not any(row.deleted for row in pulled.values())


def test_an_owner_may_be_a_person_or_a_queue(org: SalesforceWorld) -> None:
    org.create("Acme")
    spec = ReadSpec(Stream.ACCOUNTS, "Account", ("Owner.Name", "Owner.Email", "OwnerId"))
    salesforce = org.connector()
    (only,) = salesforce.pull(spec, Window(None, salesforce.now()))
    assert only.rows[0].fields["Owner.Name"]
    assert set(only.rows[0].fields) == set(spec.fields)


def test_ids_that_differ_by_case_alone_are_two(stub: Stub, clock: FakeClock) -> None:
    """F35."""
    twins = [record(0, Id="001dM00003jU9GxQAK"), record(0, Id="001dM00003jU9gxQAC")]
    stub.on(f"GET {DATA}/queryAll", page(*twins))
    (only,) = on_stub(stub, clock).pull(SPEC, WINDOW)
    assert len({row.id for row in only.rows}) == 2


# --- deleted, restored, merged, converted, gone


def test_a_deletion_and_its_undoing_both_come(org: SalesforceWorld) -> None:
    """F16."""
    id_ = org.create("Acme")
    salesforce = org.connector()
    seen = []
    for change in (lambda: org.delete(id_), lambda: org.emulator.salesforce.undelete("Account", id_)):
        watermark = salesforce.now()
        org.clock.wait(60)
        change()
        found = rows_of(list(salesforce.pull(org.spec, Window(watermark + timedelta(seconds=1), salesforce.now()))))
        seen.append(found[id_].deleted)
    assert seen == [True, False]


def test_a_merge_names_its_survivor_through_a_chain_and_brings_the_children(org: SalesforceWorld) -> None:
    """F17."""
    a, b, c = (org.create(name) for name in "ABC")
    deal = org.emulator.salesforce.insert(
        "Opportunity", {"Name": "Deal", "AccountId": a, "StageName": "Prospecting", "CloseDate": "2026-12-01"}
    )
    salesforce = org.connector()
    watermark = salesforce.now()
    org.clock.wait(60)
    org.emulator.salesforce.merge("Account", b, [a])
    org.clock.wait(60)
    org.emulator.salesforce.merge("Account", c, [b])
    window = Window(watermark + timedelta(seconds=1), salesforce.now())
    found = rows_of(list(salesforce.pull(org.spec, window)))
    assert (found[a].deleted, found[b].deleted, found[b].merged_into) == (True, True, c)
    survivor = found[a].merged_into
    while survivor in found and found[survivor].merged_into:
        survivor = found[survivor].merged_into
    assert survivor == c
    deals = ReadSpec(Stream.OPPORTUNITIES, "Opportunity", ("AccountId",))
    assert rows_of(list(salesforce.pull(deals, window)))[deal].fields["AccountId"] == c
    fetched = {row.id: row for row in salesforce.fetch(org.spec, [a, b, c])}
    assert (fetched[b].merged_into, fetched[c].deleted) == (c, False)


def test_a_converted_lead_says_what_it_became(org: SalesforceWorld) -> None:
    lead = org.emulator.salesforce.insert("Lead", {"LastName": "Doe", "Company": "Acme"})
    salesforce = org.connector()
    watermark = salesforce.now()
    org.clock.wait(60)
    org.emulator.salesforce.convert_lead(lead)
    fields = ("IsConverted", "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId", "ConvertedDate")
    spec = ReadSpec(Stream.LEADS, "Lead", fields)
    window = Window(watermark + timedelta(seconds=1), salesforce.now())
    row = rows_of(list(salesforce.pull(spec, window)))[lead]
    assert row.fields["IsConverted"] is True
    account = row.fields["ConvertedAccountId"]
    assert account in rows_of(list(salesforce.pull(org.spec, window)))


def test_what_was_deleted_for_good_is_in_no_sweep(org: SalesforceWorld) -> None:
    """F16, F18. No log of deletions is needed: what a sweep does not show is not there."""
    gone, kept = org.create("gone"), org.create("kept")
    org.delete(gone)
    org.clock.wait(16 * 86_400)  # the recycle bin keeps fifteen days
    found = rows_of(list(org.connector().sweep(org.spec)))
    assert kept in found
    assert gone not in found


def test_a_sweep_finds_what_no_stamp_tells(org: SalesforceWorld) -> None:
    """F04, F14, F36. A record that comes into sight by a right has an old stamp."""
    org.emulator.salesforce.set_sharing("Account", "private")
    hidden = org.create("hidden")
    salesforce = org.connector()
    watermark = salesforce.now()
    org.clock.wait(7_200)
    org.emulator.salesforce.share("Account", hidden)
    window = Window(watermark + timedelta(seconds=1), salesforce.now())
    assert hidden not in rows_of(list(salesforce.pull(org.spec, window)))
    assert hidden in rows_of(list(salesforce.sweep(org.spec)))


def test_a_sweep_goes_on_by_the_servers_order_of_ids(org: SalesforceWorld) -> None:
    """F35. Capitals may come before small letters there, or beside them; only the server compares."""
    ids = {org.create(f"C{n}") for n in range(900)}
    salesforce = org.connector(scale=SMALL)
    org.emulator.fail("salesforce", "status", path_prefix=f"{DATA}/query/", times=99, status=400, body=GONE.body)
    pages = list(salesforce.sweep(org.spec))
    assert set(rows_of(pages)) == ids
    assert sum(len(p.rows) for p in pages) == len(ids)


# --- the schema moves


def test_a_field_that_goes_away_is_named_when_it_is_missed(org: SalesforceWorld) -> None:
    """F22. One description more tells which field it is; jobs find it in the error."""
    org.create("Acme")
    salesforce = org.connector()
    window = Window(None, salesforce.now())
    list(salesforce.pull(org.spec, window))
    org.emulator.salesforce.set_field_access("Account", org.stamp, readable=False)
    before = salesforce.calls
    for ask in (
        lambda: list(salesforce.pull(org.spec, window)),
        lambda: list(salesforce.sweep(org.spec)),
        lambda: salesforce.fetch(org.spec, [org.create("Beta")]),
    ):
        with pytest.raises(UserError) as caught:
            ask()
        missing = caught.value.args[0]
        assert isinstance(missing, MissingField)
        assert (missing.object, missing.field) == ("Account", org.stamp)
    assert salesforce.calls - before <= 6
    org.emulator.salesforce.set_field_access("Account", org.stamp)
    assert rows_of(list(salesforce.pull(org.spec, window)))


def test_a_field_that_becomes_another_type_is_compared_as_what_it_is(stub: Stub, clock: FakeClock) -> None:
    spec = ReadSpec(Stream.ACCOUNTS, "Account", ("Name",), where={"Size__c": ("7",)})
    told = [{**DESCRIBE, "fields": [*DESCRIBE["fields"], {"name": "Size__c", "type": t}]} for t in ("string", "double")]  # type: ignore[misc]
    stub.on(f"GET {DATA}/sobjects/Account/describe", *(Say(body=each) for each in told))
    stub.on(f"GET {DATA}/queryAll", refusal(400, "INVALID_FIELD"), page(record(1)))
    assert names(list(on_stub(stub, clock).pull(spec, WINDOW))) == ["N1"]
    assert "Size__c IN ('7')" in asked(stub)[0]
    assert "Size__c IN (7)" in asked(stub)[1]


def test_a_refusal_that_no_description_explains_is_raised_and_not_repeated(stub: Stub, clock: FakeClock) -> None:
    stub.on(f"GET {DATA}/queryAll", refusal(400, "INVALID_FIELD", "No such column 'Name'"))
    with pytest.raises(UserError, match="No such column"):
        list(on_stub(stub, clock).pull(SPEC, WINDOW))
    assert len(asked(stub)) == 1


def test_a_mapped_field_that_stops_coming_is_missed(stub: Stub, clock: FakeClock) -> None:
    """F57."""
    stub.on(f"GET {DATA}/queryAll", page({k: v for k, v in record(1).items() if k != "Name"}))
    with pytest.raises(UserError, match="Name"):
        list(on_stub(stub, clock).pull(SPEC, WINDOW))


def test_a_field_made_after_the_start_is_read_without_a_restart(stub: Stub, clock: FakeClock) -> None:
    """F21."""
    spec = ReadSpec(Stream.ACCOUNTS, "Account", ("Name", "New__c"))
    stub.on(f"GET {DATA}/queryAll", refusal(400, "INVALID_FIELD"), page(record(1) | {"New__c": "x"}))
    salesforce = on_stub(stub, clock)
    with pytest.raises(UserError, match="New__c"):
        list(salesforce.pull(spec, WINDOW))
    assert rows_of(list(salesforce.pull(spec, WINDOW)))[record(1)["Id"]].fields == {"Name": "N1", "New__c": "x"}


# --- positions


def test_a_position_of_before_there_were_slices_is_still_understood(org: SalesforceWorld) -> None:
    ids = [org.create(f"C{n}") for n in range(500)]
    salesforce = org.connector(scale=SMALL)
    org.clock.wait(5)
    window = Window(None, salesforce.now())
    (first, *_) = salesforce.pull(org.spec, window)
    (kept,) = first.position["slices"]
    old = {name: kept[name] for name in ("stamp", "id", "seen", "expected")}
    org.clock.wait(5)
    org.rename(ids[499], "out of the window")
    rest = list(salesforce.pull(org.spec, window, {**old, "expected": 499}))
    assert set(rows_of([first, *rest])) == set(ids) - {ids[499]}
    assert rest[-1].last


def test_a_done_position_gives_its_last_page_again(org: SalesforceWorld) -> None:
    org.create("Acme")
    salesforce = org.connector()
    window = Window(None, salesforce.now())
    (only,) = salesforce.pull(org.spec, window)
    (again,) = salesforce.pull(org.spec, window, only.position)
    assert (again.last, list(again.rows), again.expected) == (True, [], 1)


def test_what_is_read_side_by_side_is_never_published_as_complete() -> None:
    """F06. Jobs must know from how many rows on a record that is edited could move from one slice to another unseen."""
    assert Scale().slices_from >= SIDE_BY_SIDE_FROM
