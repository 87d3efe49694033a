"""The outbox: at most one open write per record and group, and never a second sending of an unknown outcome."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from syncd.model import Receipt, ReceiptKind, Ref, WriteGroup, WriteState
from syncd.store import outbox
from syncd.store.database import Store
from syncd.store.outbox import Intent, Outgoing
from syncd.store.tables import write

from .helpers import CRM, at, ref

STAMP, OWNER = WriteGroup.STAMP, WriteGroup.OWNER


def intent(id_: str = "a", value: Any = "protected", group: WriteGroup = STAMP, **about: str) -> Intent:
    name = "Status__c" if group is STAMP else "OwnerId"
    return Intent(ref(id_, **about), "accounts", group, {name: value}, {name: None}, {"rule": "first_registered"})


def enqueue(store: Store, *intents: Intent, minutes: float = 0, run: str = "run-1") -> int:
    with store.begin() as tx:
        known = outbox.of_records(tx, [item.ref for item in intents])
        return outbox.enqueue(tx, intents, known, at(minutes), run)


def claim(store: Store, minutes: float = 1, limit: int = 100) -> list[Outgoing]:
    with store.begin() as tx:
        return outbox.claim(tx, CRM, at(minutes), limit)


def settle(store: Store, *receipts: Receipt, minutes: float = 2, next_try: datetime | None = None) -> None:
    with store.begin() as tx:
        later = {r.write_id: next_try for r in receipts} if next_try else {}
        outbox.settle(tx, receipts, at(minutes), later)


def writes(store: Store, *refs: Ref) -> list[Outgoing]:
    with store.read() as tx:
        return [item for items in outbox.of_records(tx, refs or [ref("a")]).values() for item in items]


def states(store: Store) -> dict[str, int]:
    with store.read() as tx:
        return outbox.counts(tx)


def test_a_wanted_change_waits_with_its_reason_until_it_is_claimed(store: Store) -> None:
    assert enqueue(store, intent()) == 1
    (waiting,) = writes(store)
    assert (waiting.state, waiting.attempts, waiting.sent_at) == (WriteState.QUEUED, 0, None)
    assert waiting.intent == intent()
    assert waiting.write.fields == {"Status__c": "protected"}


def test_the_database_itself_refuses_a_second_open_write_of_a_record_and_group(store: Store) -> None:
    enqueue(store, intent(), intent(group=OWNER))
    with pytest.raises(sa.exc.IntegrityError), store.begin() as tx:
        outbox.enqueue(tx, [intent(value="other")], {}, at(1), "run-2")
    claim(store)
    with pytest.raises(sa.exc.IntegrityError), store.begin() as tx:
        outbox.enqueue(tx, [intent(value="other"), intent(value="other", group=OWNER)], {}, at(1), "run-2")


def test_a_queued_write_is_brought_up_to_date_in_its_place(store: Store) -> None:
    enqueue(store, intent())
    assert enqueue(store, intent()) == 0, "the same content is no change"
    assert enqueue(store, intent(value="review"), minutes=5, run="run-2") == 1
    (waiting,) = writes(store)
    assert (waiting.intent.fields, waiting.created_at, waiting.run) == ({"Status__c": "review"}, at(5), "run-2")


def test_a_write_that_is_out_is_left_until_it_is_settled(store: Store) -> None:
    enqueue(store, intent())
    claim(store)
    assert enqueue(store, intent(value="review")) == 0
    (out,) = writes(store)
    assert (out.state, out.intent.fields) == (WriteState.SENT, {"Status__c": "protected"})
    settle(store, Receipt(out.number, ReceiptKind.APPLIED))
    assert enqueue(store, intent(value="review")) == 1


def test_ownership_goes_first_and_one_claim_holds_one_object_and_group(store: Store) -> None:
    enqueue(store, intent("a"), intent("b"), intent("c", object_="Opportunity"), intent("b", group=OWNER, value="u1"))
    batches = [[(o.intent.ref.id, o.intent.group) for o in batch] for batch in iter(lambda: claim(store), [])]
    assert batches[0] == [("b", OWNER)]
    assert sorted(batches[1:]) == [[("a", STAMP), ("b", STAMP)], [("c", STAMP)]]


def test_a_claim_takes_at_most_its_limit_oldest_first_and_only_of_its_connection(store: Store) -> None:
    enqueue(store, *(intent(f"a{n}") for n in range(5)), intent("x", connection="prm"))
    assert [o.intent.ref.id for o in claim(store, limit=3)] == ["a0", "a1", "a2"]
    assert [o.intent.ref.id for o in claim(store, limit=3)] == ["a3", "a4"]
    assert claim(store) == []
    with store.read() as tx:
        assert outbox.is_open(tx, "prm")
        assert not outbox.is_open(tx, "nobody")


def test_what_is_claimed_is_sent_from_then_on_and_never_claimed_again(store: Store) -> None:
    enqueue(store, intent())
    claim(store, minutes=3)
    (out,) = writes(store)
    assert (out.state, out.attempts, out.sent_at) == (WriteState.SENT, 1, at(3))
    assert claim(store, minutes=999) == []


@pytest.mark.parametrize(
    ("kind", "state", "done"),
    [
        (ReceiptKind.APPLIED, WriteState.APPLIED, True),
        (ReceiptKind.FAILED, WriteState.FAILED, True),
        (ReceiptKind.RETRY, WriteState.QUEUED, False),
        (ReceiptKind.UNKNOWN, WriteState.SENT, False),
    ],
)
def test_each_receipt_leads_to_its_state(store: Store, kind: ReceiptKind, state: WriteState, done: bool) -> None:
    enqueue(store, intent())
    (out,) = claim(store)
    settle(store, Receipt(out.number, kind, "CODE", "words"), minutes=7)
    (after,) = writes(store)
    assert (after.state, after.code, after.message) == (state, "CODE", "words")
    assert after.done_at == (at(7) if done else None)


def test_a_write_that_may_be_tried_again_waits_its_time(store: Store) -> None:
    enqueue(store, intent())
    (out,) = claim(store)
    settle(store, Receipt(out.number, ReceiptKind.RETRY, "LOCKED"), next_try=at(10))
    assert claim(store, minutes=9) == []
    (again,) = claim(store, minutes=10)
    assert (again.number, again.attempts) == (out.number, 1)
    assert writes(store)[0].attempts == 2


def test_a_receipt_for_a_write_that_is_not_out_changes_nothing(store: Store) -> None:
    enqueue(store, intent())
    (waiting,) = writes(store)
    settle(store, Receipt(waiting.number, ReceiptKind.APPLIED))
    assert states(store) == {"queued": 1}
    settle(store)


def test_an_unknown_outcome_is_found_once_the_time_limit_has_passed(store: Store) -> None:
    enqueue(store, intent("a"), intent("b"))
    claim(store, minutes=3)
    with store.read() as tx:
        assert outbox.unknown(tx, CRM, at(2)) == []
        assert [o.intent.ref.id for o in outbox.unknown(tx, CRM, at(3))] == ["a", "b"]
        assert outbox.unknown(tx, "prm", at(3)) == []


def test_what_did_not_arrive_is_closed_so_that_it_is_planned_anew(store: Store) -> None:
    enqueue(store, intent())
    (out,) = claim(store)
    with store.begin() as tx:
        outbox.not_applied(tx, [out.number], at(9))
    (closed,) = writes(store)
    assert (closed.state, closed.done_at) == (WriteState.SUPERSEDED, at(9))
    assert enqueue(store, intent()) == 1


def test_only_an_unsent_write_can_be_withdrawn(store: Store) -> None:
    enqueue(store, intent("a"), intent("b"))
    claim(store, limit=1)
    with store.begin() as tx:
        outbox.withdraw(tx, [o.number for o in writes(store, ref("a"), ref("b"))], at(4))
    assert states(store) == {"sent": 1, "superseded": 1}
    with store.read() as tx:
        assert [o.intent.ref.id for o in outbox.in_state(tx, [WriteState.SUPERSEDED])] == ["b"]


def test_every_write_of_a_record_is_kept_oldest_first(store: Store) -> None:
    for value in ("pending", "protected", "ended"):
        enqueue(store, intent(value=value))
        (out,) = claim(store)
        settle(store, Receipt(out.number, ReceiptKind.APPLIED))
    assert [o.intent.fields["Status__c"] for o in writes(store)] == ["pending", "protected", "ended"]
    assert outbox.open_one(writes(store)) is None


def test_a_state_that_does_not_exist_is_refused(store: Store) -> None:
    enqueue(store, intent())
    with pytest.raises(sa.exc.IntegrityError), store.begin() as tx:
        tx.execute(write.update().values(state="lost"))
