"""The wrappers: insisting within bounds, and never on a write."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.connectors.memory import MemoryConnector
from syncd.connectors.wrappers import Retrying
from syncd.errors import AuthFailed, QuotaExhausted, Retry, Stop
from syncd.model import ReadSpec, ReceiptKind, Ref, Stream, Window, Write, WriteGroup

from .worlds import FakeClock

SPEC = ReadSpec(Stream.ACCOUNTS, "Account", ("Name",))


@pytest.fixture
def crm(clock: FakeClock) -> MemoryConnector:
    crm = MemoryConnector(clock, page_size=2)
    for n in range(7):
        crm.put("Account", f"{n}", {"Name": f"N{n}"})
    return crm


def away(after: float | None = None) -> Retry:
    return Retry("away", after=None if after is None else timedelta(seconds=after))


def test_each_page_may_fail_and_the_pull_goes_on_behind_the_last_one(crm: MemoryConnector, clock: FakeClock) -> None:
    crm.fail(away(), away(), None, away(), away(), away(), None, None, away())
    pages = list(Retrying(crm, clock).pull(SPEC, Window(None, clock.now())))
    assert [row.id for p in pages for row in p.rows] == [str(n) for n in range(7)]
    assert len(clock.waited) == 6


def test_it_gives_up_after_so_many_attempts(crm: MemoryConnector, clock: FakeClock) -> None:
    crm.fail(*[away()] * 9)
    with pytest.raises(Retry, match="away"):
        Retrying(crm, clock, attempts=4).fetch(SPEC, ["1"])
    assert crm.calls == 4


def test_it_gives_up_when_the_next_wait_would_end_too_late(crm: MemoryConnector, clock: FakeClock) -> None:
    crm.fail(*[away(25)] * 3)
    began = clock.now()
    with pytest.raises(Retry):
        Retrying(crm, clock, attempts=99, deadline=60).check([SPEC], {})
    assert clock.now() - began <= timedelta(seconds=60)
    assert crm.calls == 3
    crm.fail(away(24 * 3600))
    with pytest.raises(Retry):
        Retrying(crm, clock).check([], {})
    assert clock.now() - began <= timedelta(seconds=60)


def test_a_wait_that_the_server_asks_for_is_kept(crm: MemoryConnector, clock: FakeClock) -> None:
    crm.fail(away(17))
    Retrying(crm, clock).fetch(SPEC, ["1"])
    assert clock.waited[0] >= 17


@pytest.mark.parametrize("error", [QuotaExhausted(), AuthFailed(), Stop()])
def test_what_waiting_does_not_cure_is_not_waited_for(crm: MemoryConnector, clock: FakeClock, error: Exception) -> None:
    crm.fail(error)  # type: ignore[arg-type]
    with pytest.raises(type(error)):
        list(Retrying(crm, clock).pull(SPEC, Window(None, clock.now())))
    assert clock.waited == []


def test_writes_are_never_repeated(crm: MemoryConnector, clock: FakeClock) -> None:
    crm.refuse("1", "UNABLE_TO_LOCK_ROW")
    write = Write(1, Ref("x", "Account", "1"), WriteGroup.STAMP, {"Name": "v"})
    (receipt,) = Retrying(crm, clock).write("Account", [write])
    assert receipt.kind is ReceiptKind.RETRY
    crm.fail(away())
    with pytest.raises(Retry):
        Retrying(crm, clock).write("Account", [write])
    assert clock.waited == []


def test_the_twin_shows_changes_late(clock: FakeClock) -> None:
    crm = MemoryConnector(clock, read_lag_seconds=60)
    crm.put("Account", "1", {"Name": "late"}, late=30)
    window = Window(None, clock.now())
    assert not next(iter(crm.pull(SPEC, window))).rows
    assert crm.fetch(SPEC, ["1"])
    clock.wait(30)
    assert next(iter(crm.pull(SPEC, window))).rows
    assert crm.facts.overlap_seconds > crm.facts.read_lag_seconds


def test_the_twin_keeps_merges_associations_and_what_was_written(clock: FakeClock) -> None:
    crm = MemoryConnector(clock)
    crm.put("Deal", "1", {"Name": "a"}, companies=["7"])
    crm.put("Deal", "2", {"Name": "b"})
    crm.delete("Deal", "2", merged_into="1")
    spec = ReadSpec(Stream.REGISTRATIONS, "Deal", ("Name",), associations=("companies",))
    rows = {row.id: row for row in crm.fetch(spec, ["1", "2"])}
    assert rows["1"].fields == {"Name": "a", "associations.companies": ["7"]}
    assert (rows["2"].deleted, rows["2"].merged_into) == (True, "1")
    write = Write(1, Ref("x", "Deal", "1"), WriteGroup.STAMP, {"Name": "v"})
    crm.write("Deal", [write])
    crm.write("Deal", [write])
    assert crm.changes == [("Deal", "1", {"Name": "v"})]
    assert crm.redundant == [("Deal", "1")]
