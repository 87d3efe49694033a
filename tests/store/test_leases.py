"""One daemon at a time: leases with a fencing token on the database's clock, a lock on the file with SQLite."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from syncd.errors import LeaseLost, Stop
from syncd.store import decisions, leases
from syncd.store.database import Store
from syncd.store.leases import TTL_SECONDS, Lease
from syncd.store.tables import lease

from .helpers import T0, decided

FULL = TTL_SECONDS * 1_000_000


def take(store: Store, holder: str, *, force: bool = False) -> Lease | None:
    with store.append() as tx:
        return leases.take(tx, "daemon", holder, force=force)


def prove(store: Store, held: Lease) -> Lease:
    with store.append() as tx:
        return leases.prove(tx, held)


def move(store: Store, seconds: float) -> None:
    """The lease runs out so many seconds from now."""
    with store.append() as tx:
        tx.execute(lease.update().values(expires_at=leases._now(tx) + int(seconds * 1_000_000)))


def left(store: Store) -> int:
    with store.append() as tx:
        return int(tx.execute(sa.select(lease.c.expires_at)).scalar_one() - leases._now(tx))


def test_a_free_lease_is_taken_and_a_held_one_is_not(store: Store) -> None:
    first = take(store, "one")
    assert first is not None
    assert first.token == 1
    assert take(store, "two") is None
    assert prove(store, first).token == 1


def test_the_token_goes_up_with_each_change_of_holder_and_not_otherwise(store: Store) -> None:
    tokens = []
    for holder in ("one", "one", "two", "two", "one"):
        move(store, -1)
        held = take(store, holder)
        assert held is not None
        tokens.append(held.token)
    assert tokens == [1, 1, 2, 2, 3]


def test_proving_renews_a_lease_when_a_third_of_it_is_gone(store: Store) -> None:
    held = take(store, "one")
    assert held is not None
    move(store, TTL_SECONDS * 0.9)
    prove(store, held)
    assert left(store) < FULL * 0.95
    move(store, TTL_SECONDS * 0.5)
    prove(store, held)
    assert left(store) > FULL * 0.9


def test_a_lease_that_ran_out_is_still_ours_while_nobody_has_taken_it(store: Store) -> None:
    """A laptop that slept, a CRM that let us wait: the token says that nobody worked in between."""
    held = take(store, "one")
    assert held is not None
    move(store, -3600)
    assert prove(store, held).token == 1
    assert left(store) > FULL * 0.9
    assert take(store, "two") is None


def test_a_lease_that_another_has_taken_is_lost(store: Store) -> None:
    held = take(store, "one")
    assert held is not None
    move(store, -1)
    assert take(store, "two") is not None
    with pytest.raises(LeaseLost):
        prove(store, held)
    with store.append() as tx:
        leases.release(tx, held)
    assert left(store) > 0, "who has lost it cannot release it"


def test_a_released_lease_is_free_at_once_and_its_holder_has_lost_it(store: Store) -> None:
    held = take(store, "one")
    assert held is not None
    with store.append() as tx:
        leases.release(tx, held)
        assert leases.holder(tx, "daemon") == "nobody"
    with pytest.raises(LeaseLost):
        prove(store, held)
    again = take(store, "two")
    assert again is not None
    assert again.token == 2


# --- the daemon role ---------------------------------------------------------------------------------------------


def test_a_transaction_of_a_daemon_that_was_replaced_changes_nothing(database_url: str) -> None:
    old, new = Store(database_url), Store(database_url)
    try:
        old.enter("old")
        move(new, -1)
        with new.append() as tx:
            assert leases.take(tx, "daemon", "new", force=True) is not None
        with pytest.raises(LeaseLost, match="Another daemon has taken over"), old.begin() as tx:
            decisions.record(tx, [decided()], None)
        with new.read() as tx:
            assert decisions.everything(tx) == []
        with pytest.raises(LeaseLost):
            old.keep()
    finally:
        old.close()
        new.close()


def test_the_role_is_kept_while_no_transaction_renews_it(store: Store) -> None:
    store.keep()
    store.enter("one")
    move(store, 1)
    store.keep()
    assert left(store) > FULL * 0.9


def test_a_second_daemon_on_one_file_is_refused_and_can_still_append_decisions(sqlite_url: str) -> None:
    first, second = Store(sqlite_url), Store(sqlite_url)
    try:
        first.enter("one")
        with pytest.raises(Stop, match=r"Another syncd works on .*state\.db \(process \d+\)") as refused:
            second.enter("two")
        assert "Decisions can still be made beside it" in str(refused.value)
        with second.append() as tx:
            decisions.by_person(tx, decided(), None, T0, None)
        with first.begin() as tx:
            assert len(decisions.everything(tx)) == 1
        first.leave()
        second.enter("two")
        assert second.lease is not None
        assert second.lease.token == 2
    finally:
        first.close()
        second.close()


def test_the_lock_on_the_file_frees_the_lease_of_a_daemon_that_died(sqlite_url: str) -> None:
    died, successor = Store(sqlite_url), Store(sqlite_url)
    try:
        assert take(died, "died") is not None
        successor.enter("successor")
        assert successor.lease is not None
        assert successor.lease.token == 2
    finally:
        died.close()
        successor.close()


def test_on_postgresql_a_second_daemon_is_refused_by_name_and_takes_over_after_expiry(postgres_url: str) -> None:
    first, second = Store(postgres_url), Store(postgres_url)
    try:
        first.enter("host-a:1")
        with pytest.raises(Stop, match="Another daemon works on this database: host-a:1"):
            second.enter("host-b:2")
        with second.append() as tx:
            decisions.by_person(tx, decided(), None, T0, None)
        move(second, -1)
        second.enter("host-b:2")
        with pytest.raises(LeaseLost), first.begin():
            pass
        with second.begin() as tx:
            assert len(decisions.everything(tx)) == 1
    finally:
        first.close()
        second.close()


def test_two_hosts_that_begin_at_once_do_not_both_hold_the_lease(postgres_url: str) -> None:
    stores = [Store(postgres_url), Store(postgres_url)]
    together, won = threading.Barrier(2), list[str]()

    def begin(number: int) -> None:
        together.wait()
        try:
            stores[number].enter(f"host-{number}")
        except Stop:
            return
        won.append(f"host-{number}")

    threads = [threading.Thread(target=begin, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for store in stores:
        store.close()
    assert len(won) == 1


def test_two_threads_of_one_daemon_renew_at_once_without_waiting_for_each_other(postgres_url: str) -> None:
    """Both hold the lease in open transactions when both find that it has to be renewed."""
    store = Store(postgres_url)
    store.enter("one")
    both, failures = threading.Barrier(2), list[BaseException]()

    def work() -> None:
        try:
            held = store.lease
            assert held is not None
            with store.append() as tx:
                leases.prove(tx, held)
                both.wait(20)
                tx.execute(lease.update().values(expires_at=leases._now(tx) + FULL // 2))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    store.close()
    assert failures == []


def test_a_successor_waits_for_the_open_transaction_of_its_predecessor(postgres_url: str) -> None:
    """What the old daemon had begun is committed before the token goes up, never after."""
    old, new = Store(postgres_url), Store(postgres_url)
    order = list[str]()
    try:
        old.enter("old")
        move(old, FULL)

        def succeed() -> None:
            with new.append() as tx:
                tx.exec_driver_sql("SELECT 1")
                started.set()
                leases.take(tx, "daemon", "new", force=True)
                order.append("taken")

        started = threading.Event()
        with old.begin() as tx:
            thread = threading.Thread(target=succeed)
            thread.start()
            started.wait(20)
            decisions.record(tx, [decided()], None)
            order.append("committed")
        thread.join(20)
        assert order == ["committed", "taken"]
    finally:
        old.close()
        new.close()
