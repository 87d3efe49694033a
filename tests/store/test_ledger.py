"""The ledger: gapless, chained, sealed, erasable in its personal values, and every tampering is found where it is."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from syncd.store import ledger
from syncd.store.database import Store
from syncd.store.ledger import GENESIS, Entry, chain, seal
from syncd.store.tables import counter, ledger_private
from syncd.store.tables import ledger as table

from .helpers import at

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def append(store: Store, *bodies: dict[str, Any], key: bytes | None = KEY, private: tuple[str, ...] = ()) -> int:
    with store.append() as tx:
        return ledger.append(tx, at(1), [Entry("write", body, private) for body in bodies], key)


def verify(store: Store, key: bytes | None = KEY) -> tuple[int, str | None]:
    with store.read() as tx:
        return ledger.verify(tx, key)


def filled(store: Store, count: int = 10) -> None:
    append(store, *({"n": n, "after": {"Contact__c": f"Mia {n}"}} for n in range(1, count + 1)),
           private=("after.Contact__c",))  # fmt: skip


def test_an_empty_ledger_holds(store: Store) -> None:
    assert verify(store) == (0, None)
    assert append(store) == 0


def test_entries_are_numbered_without_a_gap_and_chained_in_the_bytes_that_are_stored(store: Store) -> None:
    assert append(store, {"b": 1, "a": "Zoë"}) == 1
    assert append(store, {"n": 2}, {"n": 3}) == 3
    with store.read() as tx:
        rows = tx.execute(sa.select(table).order_by(table.c.seq)).all()
        said = list(ledger.entries(tx))
    assert rows[0].body == b'{"a":"Zo\xc3\xab","at":"2026-11-01T12:01:00+00:00","b":1,"kind":"write","seq":1}'
    previous = GENESIS
    for row in rows:
        assert (row.previous, row.hash, row.mac) == (previous, chain(previous, row.body), seal(KEY, row.hash))
        previous = row.hash
    assert [(item["seq"], item["hash"]) for item in said] == [(r.seq, r.hash.hex()) for r in rows]
    assert verify(store) == (3, None)


def test_what_a_body_says_cannot_replace_the_number_the_time_or_the_kind(store: Store) -> None:
    append(store, {"seq": 9, "kind": "decision", "at": "never"})
    assert verify(store) == (1, None)


class Undone(Exception):
    """Takes a transaction back."""


def append_and_fail(tx: sa.Connection) -> None:
    ledger.append(tx, at(1), [Entry("write", {"n": 2})], KEY)
    raise Undone


def test_a_transaction_that_fails_leaves_no_gap(store: Store) -> None:
    append(store, {"n": 1})
    with pytest.raises(Undone), store.append() as tx:
        append_and_fail(tx)
    assert append(store, {"n": 2}) == 2
    assert verify(store) == (2, None)


def test_two_threads_that_append_at_once_leave_no_gap_and_no_fork(store: Store) -> None:
    together, failures = threading.Barrier(2), list[BaseException]()

    def work(name: str) -> None:
        try:
            together.wait()
            for n in range(10):
                append(store, {"by": name, "n": n}, {"by": name, "n": n + 0.5})
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert verify(store) == (40, None)
    with store.read() as tx:
        said = [item["n"] for item in ledger.entries(tx) if item["by"] == "a"]
    assert said == sorted(said)


def test_a_ledger_that_grows_while_it_is_verified_holds(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(postgres_url)
    filled(store)
    counted = ledger._counted

    def meanwhile(tx: sa.Connection) -> int:
        found = counted(tx)
        if not grown:
            grown.append(append(store, {"n": 11}))
        return found

    grown: list[int] = []
    monkeypatch.setattr(ledger, "_counted", meanwhile)
    assert verify(store)[1] is None
    store.close()


# --- keys ------------------------------------------------------------------------------------------------------------


def test_an_entry_that_was_sealed_with_another_key_or_none_is_named(store: Store) -> None:
    append(store, {"n": 1})
    append(store, {"n": 2}, key=OTHER_KEY)
    assert verify(store) == (1, "entry 2 was not sealed with the configured key")
    assert verify(store, None) == (2, None), "without a key only the chain can be checked"
    append(store, {"n": 3}, key=None)
    assert verify(store, OTHER_KEY) == (0, "entry 1 was not sealed with the configured key")


def test_a_rewrite_of_the_whole_chain_without_the_key_is_found(store: Store) -> None:
    filled(store)
    rewrite(store, 4)
    assert verify(store, None)[1] is None, "a chain alone cannot tell"
    assert verify(store) == (3, "entry 4 was not sealed with the configured key")


def rewrite(store: Store, first: int) -> None:
    """Change an entry and hash everything after it again, as somebody without the key would."""
    with store.append() as tx:
        rows = tx.execute(sa.select(table).where(table.c.seq >= first).order_by(table.c.seq)).all()
        previous = rows[0].previous
        for row in rows:
            body = row.body.replace(b'"n":%d' % first, b'"n":999')
            tx.execute(
                table.update().where(table.c.seq == row.seq)
                .values(body=body, previous=previous, hash=chain(previous, body))
            )  # fmt: skip
            previous = chain(previous, body)


# --- personal values -------------------------------------------------------------------------------------------------


def test_a_personal_value_is_only_a_commitment_in_the_chain_and_its_clear_value_can_be_erased(store: Store) -> None:
    append(store, {"after": {"Contact__c": "Mia Manager", "Status__c": "protected"}, "before": {"Contact__c": None}},
           private=("after.Contact__c", "before.Contact__c", "after.Nothing__c", "none.such"))  # fmt: skip
    with store.read() as tx:
        (said,) = ledger.entries(tx)
        (private,) = tx.execute(sa.select(ledger_private)).all()
        assert b"Mia" not in tx.execute(sa.select(table.c.body)).scalar_one()
    assert set(said["after"]["Contact__c"]) == {"commitment"}
    assert said["after"]["Status__c"] == "protected"
    assert said["before"]["Contact__c"] is None
    assert (private.path, private.value, len(private.salt)) == ("after.Contact__c", "Mia Manager", 16)
    with store.append() as tx:
        tx.execute(ledger_private.delete())
    assert verify(store) == (1, None)


def test_the_same_name_has_another_commitment_each_time(store: Store) -> None:
    append(store, {"name": "Mia"}, {"name": "Mia"}, private=("name",))
    with store.read() as tx:
        one, other = (item["name"]["commitment"] for item in ledger.entries(tx))
    assert one != other


def test_a_clear_value_that_is_not_the_committed_one_is_found(store: Store) -> None:
    filled(store)
    with store.append() as tx:
        tx.execute(ledger_private.update().where(ledger_private.c.seq == 6).values(value="Max"))
    assert verify(store) == (5, "entry 6 commits to another personal value")


# --- tampering -------------------------------------------------------------------------------------------------------


def edit_body(tx: sa.Connection, seq: int) -> int:
    body = tx.execute(sa.select(table.c.body).where(table.c.seq == seq)).scalar_one()
    changed = body.replace(b'"n":', b'"n":1')
    tx.execute(table.update().where(table.c.seq == seq).values(body=changed))
    return seq


def edit_hash(tx: sa.Connection, seq: int) -> int:
    tx.execute(table.update().where(table.c.seq == seq).values(hash=bytes(32)))
    return seq


def edit_time(tx: sa.Connection, seq: int) -> int:
    tx.execute(table.update().where(table.c.seq == seq).values(at=at(99)))
    return seq


def edit_kind(tx: sa.Connection, seq: int) -> int:
    tx.execute(table.update().where(table.c.seq == seq).values(kind="decision"))
    return seq


def edit_seal(tx: sa.Connection, seq: int) -> int:
    tx.execute(table.update().where(table.c.seq == seq).values(mac=bytes(32)))
    return seq


def delete(tx: sa.Connection, seq: int) -> int:
    tx.execute(table.delete().where(table.c.seq == seq))
    return seq


def truncate(tx: sa.Connection, seq: int) -> int:
    tx.execute(table.delete().where(table.c.seq >= seq))
    return seq


def add_at_the_end(tx: sa.Connection, seq: int) -> int:
    last = tx.execute(sa.select(table).order_by(table.c.seq.desc()).limit(1)).one()
    body = last.body.replace(b'"seq":%d' % last.seq, b'"seq":%d' % (last.seq + 1))
    digest = chain(last.hash, body)
    values = {"seq": last.seq + 1, "at": last.at, "kind": last.kind, "body": body, "previous": last.hash}
    tx.execute(table.insert().values(**values, hash=digest, mac=seal(KEY, digest)))
    return int(last.seq) + 1


def insert_between(tx: sa.Connection, seq: int) -> int:
    """Make room by moving all later ones, and put a copy there."""
    copied = tx.execute(sa.select(table).where(table.c.seq == seq)).one()
    for number in range(10, seq, -1):
        tx.execute(table.update().where(table.c.seq == number).values(seq=number + 1))
    tx.execute(table.insert().values({**copied._mapping, "seq": seq + 1}))
    tx.execute(counter.update().where(counter.c.name == "ledger").values(value=11))
    return seq + 1


def swap(tx: sa.Connection, seq: int) -> int:
    other = seq - 1 if seq == 10 else seq + 1
    for old, new in ((seq, 99), (other, seq), (99, other)):
        tx.execute(table.update().where(table.c.seq == old).values(seq=new))
    return min(seq, other)


Tamper = Callable[[sa.Connection, int], int]
TAMPERINGS: tuple[Tamper, ...] = (
    edit_body, edit_hash, edit_time, edit_kind, edit_seal, delete, truncate, add_at_the_end, insert_between, swap,
)  # fmt: skip


def found_and_undone(store: Store, tamper: Tamper, seq: int) -> tuple[int, str | None, int]:
    """Tamper, verify, and take it back; returns the answer and the first bad entry."""
    answer: tuple[int, str | None, int] = (0, None, 0)
    try:
        with store.append() as tx:
            first = tamper(tx, seq)
            answer = (*ledger.verify(tx, KEY), first)
            raise Undone
    except Undone:
        return answer


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_tampering_is_found_and_the_first_bad_entry_is_named(store: Store, tamper: Any) -> None:
    filled(store)
    for seq in (1, 5, 10):
        good, problem, first = found_and_undone(store, tamper, seq)
        assert problem is not None, seq
        assert good == first - 1
        assert str(first) in problem
    assert verify(store) == (10, None)


def test_two_hundred_random_tamperings_are_all_found(store: Store) -> None:
    filled(store)
    chance = random.Random(20261124)
    for _ in range(200):
        tamper, seq = chance.choice(TAMPERINGS), chance.randint(1, 10)
        good, problem, first = found_and_undone(store, tamper, seq)
        assert problem is not None, (tamper.__name__, seq)
        assert good == first - 1, (tamper.__name__, seq)


def test_any_flipped_byte_of_any_entry_is_found(store: Store) -> None:
    filled(store, 3)
    chance = random.Random(7)

    def flip(tx: sa.Connection, seq: int) -> int:
        body = bytearray(tx.execute(sa.select(table.c.body).where(table.c.seq == seq)).scalar_one())
        body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        tx.execute(table.update().where(table.c.seq == seq).values(body=bytes(body)))
        return seq

    for _ in range(30):
        good, problem, first = found_and_undone(store, flip, chance.randint(1, 3))
        assert problem is not None
        assert good == first - 1
