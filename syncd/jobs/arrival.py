"""Arrival: what a record shows is held against what was sent to it, to tell whether a write reached it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from syncd.mapping import StreamMapping, convert
from syncd.model import WriteState
from syncd.store.outbox import NOT_ARRIVED, Outgoing


def arrived(item: Outgoing, fields: Mapping[str, Any], mapping: StreamMapping | None) -> bool:
    """Whether a record that holds these native values was reached by a write, even if somebody edited it since.

    The time of the decision is ours alone: the one that was sent proves it, the one from before disproves it. Where
    none was sent, or a third one is there, any value that the write changed, and that is there, is taken for its trace.
    """
    sent = _news(item)
    mark = _mark(item, mapping)
    if mark is not None:
        if same(fields.get(mark), sent[mark]):
            return True
        if same(fields.get(mark), item.intent.before.get(mark)):
            return False
    return any(name in fields and same(fields[name], value) for name, value in sent.items() if name != mark)


def proven(item: Outgoing, fields: Mapping[str, Any], mapping: StreamMapping | None) -> bool:
    """Whether the time of the decision that a write carried is there: enough to close one whose answer was lost."""
    mark = _mark(item, mapping)
    return mark is not None and same(fields.get(mark), item.intent.fields[mark])


def _mark(item: Outgoing, mapping: StreamMapping | None) -> str | None:
    """The native field of the time of the decision, where the write tells a new one."""
    mark = mapping.stamps.get("as_of") if mapping is not None else None
    return mark if mark is not None and plain(_news(item).get(mark)) is not None else None


def _news(item: Outgoing) -> dict[str, Any]:
    """What a write changes of what was there."""
    return {n: value for n, value in item.intent.fields.items() if not same(value, item.intent.before.get(n))}


def arrived_late(
    writes: Sequence[Outgoing], shown: Mapping[str, Any], mapping: StreamMapping | None
) -> Outgoing | None:
    """The write that was given up as not arrived, and whose trace is there after all, where a record shows this.

    While another one is out nothing is said: what is there may be that one's doing.
    """
    if any(item.state is WriteState.SENT for item in writes):
        return None
    known = confirmed(writes)
    for item in reversed([w for w in writes if w.state is WriteState.SUPERSEDED and w.code == NOT_ARRIVED]):
        as_known = {name: known.get(name, item.intent.before.get(name)) for name in item.intent.fields}
        news = {name: value for name, value in shown.items() if name in as_known and not same(value, as_known[name])}
        if any(same(value, item.intent.fields[name]) for name, value in news.items()) and arrived(item, shown, mapping):
            return item
    return None


def confirmed(writes: Sequence[Outgoing]) -> dict[str, Any]:
    """The native values that the writes of a record have put there, as their receipts say, in the order of these."""
    values: dict[str, Any] = {}
    for item in in_order(writes):
        values |= item.intent.fields
    return values


def in_order(writes: Sequence[Outgoing]) -> list[Outgoing]:
    """The writes that took effect, in the order in which that was known: one that came late came last."""
    done = [item for item in writes if item.state is WriteState.APPLIED]
    return sorted(done, key=lambda item: (item.done_at or item.created_at, item.number))


def same(one: Any, other: Any) -> bool:
    """Two native values mean the same, however a system writes them."""
    return bool(plain(one) == plain(other))


def plain(value: Any) -> Any:
    """A native value without the ways of writing it: no blanks, numbers as such, times to the second."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if text[4:5] == "-" and "T" in text:
        return _moment(text)
    try:
        return Decimal(text).normalize()
    except InvalidOperation:
        return text.strip()


def _moment(text: str) -> datetime | str:
    try:
        moment = convert.instant(text)
    except convert.Unfit:
        return text
    return text if moment is None else moment.replace(microsecond=0)
