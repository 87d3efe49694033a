"""Who is compared with whom, as a pure function of two records and frozen statistics, so that order is nothing.

A filed company is compared with the `ACROSS` accounts that share most with it; two records of one side, when they
share at least `SHARE` of what either says. What a shared key is worth is frozen: it does not change because somebody
else's record came. So a new account enters or leaves only the lists of filed companies that it shares a key with,
and of each it is enough to know how much the last one on its full list shares (its *reach*).

Sums are of whole hundredths of a bit, because a sum of fractions depends on its order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import log2
from typing import Any, Literal, NamedTuple, Protocol

from syncd.matching.keys import query_keys
from syncd.matching.parse import Parsed
from syncd.model import Ref

ACROSS = 20
"""Accounts that a filed company is compared with."""
SHARE = 0.2
"""The part of its keys, by their worth, that a record shares with one of its own side that it is compared with."""
COMMON = 600
"""Records that had a key when the statistics were frozen, from which on it tells nothing."""
CROWDED = 4 * COMMON
"""Records that have a key now, from which on it is left aside until the statistics are frozen anew. This alone is not
frozen: a pair that was found before a key became crowded stays."""
LISTED_FROM = 10
"""A key that fewer records had when the statistics were frozen counts as one that `_UNLISTED` had."""

_UNLISTED = 3
_LEAST = 50
_HUNDREDTHS = 100

Kind = Literal["direct", "filed", "asking"]
"""Keys under which records of a side are stored, and those with which filed companies ask."""


@dataclass(frozen=True, slots=True)
class Rarity:
    """What a shared key is worth, by how many of the records had it when this was frozen."""

    records: int
    counts: Mapping[str, int]
    _known: dict[int, int] = field(default_factory=dict, repr=False, compare=False)  # by count

    def of(self, key: str) -> int:
        """Hundredths of a bit; 0 for a key that too many had."""
        return self._worth(self.counts.get(key, _UNLISTED))

    def _worth(self, count: int) -> int:
        worth = self._known.get(count)
        if worth is None:
            bits = log2((self.records + 1) / count) + 0.5
            worth = self._known[count] = 0 if count > COMMON else max(_LEAST, round(_HUNDREDTHS * bits))
        return worth

    def worths(self, keys: Iterable[str]) -> list[int]:
        """What each of these keys is worth."""
        count, worth = self.counts.get, self._worth
        return [worth(count(key, _UNLISTED)) for key in keys]

    def sum(self, found: Iterable[str]) -> int:
        """What these keys are worth together."""
        return sum(map(self.of, found))

    def telling(self, found: Iterable[str]) -> list[str]:
        """Those that are worth anything, in order."""
        return sorted(key for key in set(found) if self.of(key))

    def to_json(self) -> dict[str, Any]:
        """Plain values for the store."""
        return {"records": self.records, "counts": dict(self.counts)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Rarity:
        """What `to_json` wrote."""
        return cls(plain["records"], plain["counts"])


class Near(NamedTuple):
    """A record on somebody's list: what the two share, and which it is. Sorts best first."""

    minus: int
    ref: Ref


class Postings(Protocol):
    """Which records have which keys now; the port behind which an index can take the place of the store."""

    def shared(self, kind: Kind, keys: Collection[str], least: float = 0, most: int = 0) -> Mapping[Ref, int]:
        """What each record that shares at least so much shares of these keys, in hundredths of a bit; crowded keys are
        left aside. With `most`, records beyond those that share most may be left out, except what shares as much as
        the last of them."""
        ...

    def alike(self, kind: Kind, keys: Collection[str], own: Ref) -> list[Ref]:
        """Those of one side, other than the record whose keys these are, that share at least `SHARE` of what either
        says."""
        ...

    def askers(self, keys: Collection[str]) -> Mapping[Ref, int]:
        """The filed companies that ask for one of these keys of an account, with what they share. Those whose full list
        ends with an account that shares more may be left out."""
        ...


def across(company: Parsed, postings: Postings) -> list[Near]:
    """The accounts that a filed company is compared with, best first."""
    found = postings.shared("direct", query_keys(company), most=ACROSS + 1)
    return sorted(Near(-worth, ref) for ref, worth in found.items() if ref != company.ref)[:ACROSS]


def reach_of(near: list[Near]) -> Near | None:
    """The last of a full list; None for a list with room."""
    return near[-1] if len(near) == ACROSS else None
