"""Writes in batches: no record twice in one, and one receipt for each, in the order in which they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from syncd.errors import QuotaExhausted, Retry, Stop, UserError
from syncd.model import Receipt, ReceiptKind, Write


def rounds(writes: Sequence[Write], size: int) -> Iterator[list[Write]]:
    """Batches of at most `size` that hold no record twice, as both vendors demand; each record's writes in order."""
    met: Counter[str] = Counter()
    levels: list[list[Write]] = []
    for write in writes:
        level = met[write.ref.id]
        met[write.ref.id] += 1
        if level == len(levels):
            levels.append([])
        levels[level].append(write)
    for chosen in levels:
        for start in range(0, len(chosen), size):
            yield chosen[start : start + size]


Sending = tuple[Sequence[Write], Callable[[], list[Receipt]]]
"""Writes that go out in one call, and what sends them."""


def answered(writes: Sequence[Write], calls: Iterable[Sending]) -> list[Receipt]:
    """Send call after call and give one receipt per write.

    Once something was sent, no error may hide what became of it: the rest gets `retry` receipts instead. Before that,
    errors that stop a run are raised.
    """
    receipts: dict[int, Receipt] = {}
    broken: Exception | None = None
    for call, send in calls:
        if broken is not None:
            receipts |= {w.id: Receipt(w.id, ReceiptKind.RETRY, "not_sent", str(broken)) for w in call}
            continue
        try:
            receipts |= {receipt.write_id: receipt for receipt in send()}
        except Retry as error:
            if isinstance(error, QuotaExhausted) and not receipts:
                raise
            broken = error
            receipts |= {w.id: lost(w, error) for w in call}
        except (Stop, UserError) as error:
            if not receipts:
                raise
            broken = error
            receipts |= {w.id: Receipt(w.id, ReceiptKind.RETRY, "not_sent", str(error)) for w in call}
    return [receipts.get(w.id) or unanswered(w) for w in writes]


class Division:
    """Looks for the rows for which a whole call was refused, by sending it again in halves; nothing of it was applied.

    After `most` such rows it stops: then there is a mistake in the mapping, and every further row would cost several
    calls. What was not sent may be sent again.
    """

    def __init__(self, send: Callable[[list[Write]], list[Receipt]], most: int = 8) -> None:
        self._send, self._left = send, most

    def halves(self, batch: list[Write]) -> list[Receipt]:
        """Both halves of a refused batch, which has two writes or more."""
        middle = len(batch) // 2
        return self.part(batch[:middle]) + self.part(batch[middle:])

    def part(self, batch: list[Write]) -> list[Receipt]:
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
        self._left -= 1


def lost(write: Write, error: Retry) -> Receipt:
    """The receipt of a write whose whole call failed."""
    if error.outcome_unknown:
        return Receipt(write.id, ReceiptKind.UNKNOWN, "no_answer", str(error))
    return Receipt(write.id, ReceiptKind.RETRY, "not_sent", str(error))


def unanswered(write: Write) -> Receipt:
    """The receipt of a write that the answer does not mention."""
    return Receipt(write.id, ReceiptKind.UNKNOWN, "not_mentioned", "The answer does not mention this record.")


def all_as(writes: Sequence[Write], receipt: Receipt) -> list[Receipt]:
    """The same receipt for several writes."""
    return [replace(receipt, write_id=write.id) for write in writes]
