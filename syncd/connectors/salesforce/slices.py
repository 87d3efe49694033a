"""The parts that a read is divided into, how far each has come, and where to divide: pure, and plain JSON when kept."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from syncd.connectors.salesforce import soql

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the records of a read: those stamped from `lower` to `upper`, of one portion of the filter.

    `locator` is the server's cursor for going on cheaply, and `asked` when it was made, by the server's clock; `stamp`
    and `id` are those of a row behind which to go on when the cursor is gone. `seen` and `expected` count the whole
    slice, over every interruption. Instants are text.
    """

    lower: str | None = None
    upper: str | None = None
    portion: int = 0
    locator: str | None = None
    asked: str | None = None
    stamp: str | None = None
    id: str | None = None
    seen: int = 0
    expected: int | None = None
    done: bool = False

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Slice:
        """From what a position carried."""
        return cls(**{name: plain[name] for name in cls.__slots__ if name in plain})

    def plain(self) -> dict[str, Any]:
        """As JSON, without what says nothing."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) not in (None, False, 0)}

    @property
    def rest(self) -> int:
        """How many rows are still to come, as far as it is known."""
        return 0 if self.done or self.expected is None else max(self.expected - self.seen, 0)

    @property
    def begin(self) -> str | None:
        """From which instant on rows may still come."""
        return self.stamp or self.lower


def halves(whole: Slice, earliest: datetime) -> tuple[Slice, Slice] | None:
    """A slice that is too much for the server as two, the first of which goes on where the whole one was.

    None when it spans no two seconds. `earliest` is the first stamp there is, for a slice without a beginning.
    """
    assert whole.upper is not None
    lower = datetime.fromisoformat(whole.begin) if whole.begin else earliest
    upper = datetime.fromisoformat(whole.upper)
    if upper - lower < _SECOND:
        return None
    middle = (lower + (upper - lower) / 2).replace(microsecond=0)
    first, second = divided(whole, [middle])
    return first, second


def divided(whole: Slice, ends: Sequence[datetime]) -> list[Slice]:
    """A slice as several, each but the last of which ends at one of these instants.

    Stamps have whole seconds, so that the next one begins a second later and no row is in two or in none.
    """
    made: list[Slice] = []
    lower = whole.lower
    for end in ends:
        made.append(Slice(lower, soql.instant(end), whole.portion))
        lower = soql.instant(end + _SECOND)
    made.append(Slice(lower, whole.upper, whole.portion))
    made[0] = replace(made[0], stamp=whole.stamp, id=whole.id, seen=whole.seen)
    return made


def boundaries(
    first: datetime, last: datetime, seen: int, total: int, parts: int, count: Callable[[datetime], int | None]
) -> list[datetime]:
    """Where to divide the rows stamped after `first` and until `last` so that each part has about as many.

    `seen` rows lie until `first` and `total` until `last`; `count` tells how many lie until an instant, None when the
    server cannot say. Each boundary is looked for with at most three questions. Guesses go by the logarithm of the age:
    in most orgs the younger half of the changes is a small part of the time.
    """
    known = [(first, seen), (last, total)]
    wanted = [seen + (total - seen) * part // parts for part in range(1, parts)]
    for target in wanted:
        for _ in range(3):
            place = bisect_left(known, target, key=lambda point: point[1])
            (start, before), (end, after) = known[max(place - 1, 0)], known[min(place, len(known) - 1)]
            if _is_near(known, target, total, parts) or end - start <= _SECOND:
                break
            guess = _guess(start, end, last, (target - before) / max(after - before, 1))
            counted = count(guess)
            if counted is None:
                break
            known = sorted([*known, (guess, counted)])
    chosen = {min(known[:-1], key=lambda point: abs(point[1] - target))[0] for target in wanted}
    return sorted(end for end in chosen if first < end < last)


def _is_near(known: Sequence[tuple[datetime, int]], target: int, total: int, parts: int) -> bool:
    return any(abs(counted - target) * parts * 5 <= total for _, counted in known[1:-1])


def _guess(start: datetime, end: datetime, last: datetime, share: float) -> datetime:
    """The instant between two at which this share of the rows between them may lie, never one of the two."""
    old, young = (math.log1p((last - moment).total_seconds()) for moment in (start, end))
    age = math.expm1(old + (young - old) * share)
    guess = (last - timedelta(seconds=age)).replace(microsecond=0)
    return min(max(guess, start + _SECOND), end - _SECOND)
