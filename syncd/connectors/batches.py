"""Writes in batches: no record twice in one, and one receipt for each, in the order in which they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import Generic, Protocol, TypeVar

from syncd.errors import QuotaExhausted, Retry, Stop, UserError
from syncd.model import Receipt, ReceiptKind, Write


class Numbered(Protocol):
    """A write or an upsert: what gets a receipt under its number."""

    @property
    def id(self) -> int:
        """The number."""
        ...


Item = TypeVar("Item", bound=Numbered)


def rounds(writes: Sequence[Write], size: int) -> Iterator[list[Write]]:
    """Batches of at most `size` that hold no record twice, as both vendors demand; each record's writes in order."""
    for level in levels(writes, size, lambda write: write.ref.id):
        yield from level


def levels(items: Sequence[Item], size: int, key: Callable[[Item], Hashable]) -> list[list[list[Item]]]:
    """Batches as in `rounds`, in groups: the batches of one group have no record in common, so their order is free."""
    met: Counter[Hashable] = Counter()
    groups: list[list[Item]] = []
    for item in items:
        level = met[key(item)]
        met[key(item)] += 1
        if level == len(groups):
            groups.append([])
        groups[level].append(item)
    return [[chosen[start : start + size] for start in range(0, len(chosen), size)] for chosen in groups]


Sending = tuple[Sequence[Numbered], Callable[[], list[Receipt]]]
"""Writes that go out in one call, and what sends them."""


def answered(items: Sequence[Numbered], calls: Iterable[Sending]) -> list[Receipt]:
    """Send call after call and give one receipt per write.

    Once something was sent, no error may hide what became of it: the rest gets `retry` receipts instead. Before that,
    errors that stop a run are raised.
    """
    return together(items, ([call] for call in calls), 1)


def together(items: Sequence[Numbered], groups: Iterable[Iterable[Sending]], at_once: int) -> list[Receipt]:
    """As `answered`, with up to `at_once` calls of one group at the same time.

    The very first call goes out alone: where sign-in or quota stop it, nothing was sent.
    """
    outcome = _Outcome()
    for group in groups:
        calls = list(group)
        if not outcome.receipts:
            while calls and not outcome.receipts:
                outcome.take(*calls.pop(0))
        if at_once == 1 or len(calls) < 2:
            for call in calls:
                outcome.take(*call)
        else:
            with ThreadPoolExecutor(min(at_once, len(calls))) as pool:
                list(pool.map(lambda call: outcome.take(*call), calls))
    return [outcome.receipts.get(item.id) or unanswered(item) for item in items]


class _Outcome:
    """The receipts so far, and the error after which nothing more is sent."""

    def __init__(self) -> None:
        self.receipts: dict[int, Receipt] = {}
        self._broken: Exception | None = None

    def take(self, items: Sequence[Numbered], send: Callable[[], list[Receipt]]) -> None:
        """Send one call unless an earlier one broke."""
        if self._broken is not None:
            self.receipts |= {i.id: Receipt(i.id, ReceiptKind.RETRY, "not_sent", str(self._broken)) for i in items}
            return
        try:
            self.receipts |= {receipt.write_id: receipt for receipt in send()}
        except Retry as error:
            if isinstance(error, QuotaExhausted) and not self.receipts:
                raise
            self._broken = error
            self.receipts |= {item.id: lost(item, error) for item in items}
        except (Stop, UserError) as error:
            if not self.receipts:
                raise
            self._broken = error
            self.receipts |= {i.id: Receipt(i.id, ReceiptKind.RETRY, "not_sent", str(error)) for i in items}


class Division(Generic[Item]):
    """Looks for the rows for which a whole call was refused, by sending it again in halves; nothing of it was applied.

    After `most` such rows it stops: then there is a mistake in the mapping, and every further row would cost several
    calls. What was not sent may be sent again.
    """

    def __init__(self, send: Callable[[list[Item]], list[Receipt]], most: int = 8) -> None:
        self._send, self._left = send, most
        self._lock = Lock()

    def halves(self, batch: list[Item]) -> list[Receipt]:
        """Both halves of a refused batch, which has two writes or more."""
        middle = len(batch) // 2
        return self.part(batch[:middle]) + self.part(batch[middle:])

    def part(self, batch: list[Item]) -> list[Receipt]:
        """A part whose call fails must not take the receipts of the others with it."""
        if not batch:
            return []
        if self._left <= 0:
            return [
                Receipt(w.id, ReceiptKind.RETRY, "not_sent", "Too many rows before it were refused.") for w in batch
            ]
        try:
            return self._send(batch)
        except Retry as error:
            return [lost(w, error) for w in batch]
        except (Stop, UserError) as error:
            return [Receipt(w.id, ReceiptKind.RETRY, "not_sent", str(error)) for w in batch]

    def found(self) -> None:
        """One refused row was found."""
        with self._lock:
            self._left -= 1


def lost(write: Numbered, error: Retry) -> Receipt:
    """The receipt of a write whose whole call failed."""
    if error.outcome_unknown:
        return Receipt(write.id, ReceiptKind.UNKNOWN, "no_answer", str(error))
    return Receipt(write.id, ReceiptKind.RETRY, "not_sent", str(error))


def unanswered(write: Numbered) -> Receipt:
    """The receipt of a write that the answer does not mention."""
    return Receipt(write.id, ReceiptKind.UNKNOWN, "not_mentioned", "The answer does not mention this record.")


def all_as(writes: Sequence[Write], receipt: Receipt) -> list[Receipt]:
    """The same receipt for several writes."""
    return [replace(receipt, write_id=write.id) for write in writes]
