"""Batches: every write once, no record twice in a batch, and its own order kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syncd.connectors import batches
from syncd.errors import AuthFailed, Retry
from syncd.model import Receipt, ReceiptKind, Ref, Write, WriteGroup


def writes(ids: list[int]) -> list[Write]:
    return [Write(n, Ref("x", "Account", str(id_)), WriteGroup.STAMP, {}) for n, id_ in enumerate(ids)]


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 7))
def test_batches_hold_each_write_once_and_no_record_twice(ids: list[int], size: int) -> None:
    sent = list(batches.rounds(writes(ids), size))
    assert sorted(w.id for batch in sent for w in batch) == list(range(len(ids)))
    for batch in sent:
        assert 0 < len(batch) <= size
        assert len({w.ref for w in batch}) == len(batch)
    for id_ in set(ids):
        own = [w.id for batch in sent for w in batch if w.ref.id == str(id_)]
        assert own == sorted(own)


def test_after_something_was_sent_every_write_still_gets_a_receipt() -> None:
    all_writes = writes(list(range(6)))

    def done(some: list[Write]) -> list[Receipt]:
        return [Receipt(w.id, ReceiptKind.APPLIED) for w in some[:1]]

    def fails(error: Exception) -> list[Receipt]:
        raise error

    calls: list[batches.Sending] = [
        (all_writes[:2], lambda: done(all_writes[:2])),
        (all_writes[2:4], lambda: fails(Retry(outcome_unknown=True))),
        (all_writes[4:], lambda: fails(AuthFailed())),
    ]
    kinds = [r.kind for r in batches.answered(all_writes, calls)]
    unknown, retry = ReceiptKind.UNKNOWN, ReceiptKind.RETRY
    assert kinds == [ReceiptKind.APPLIED, unknown, unknown, unknown, retry, retry]
