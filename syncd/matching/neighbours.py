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

from syncd.matching.keys import keys, query_keys
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
    _known: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    def of(self, key: str) -> int:
        """Hundredths of a bit; 0 for a key that too many had."""
        worth = self._known.get(key)
        if worth is None:
            count = self.counts.get(key, _UNLISTED)
            bits = log2((self.records + 1) / count) + 0.5
            worth = self._known[key] = 0 if count > COMMON else max(_LEAST, round(_HUNDREDTHS * bits))
        return worth

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

    def shared(self, kind: Kind, keys: Collection[str], least: float = 0) -> Mapping[Ref, int]:
        """What each record that shares at least so much shares of these keys, in hundredths of a bit; crowded keys are
        left aside."""
        ...


def across(company: Parsed, postings: Postings) -> list[Near]:
    """The accounts that a filed company is compared with, best first."""
    found = postings.shared("direct", query_keys(company))
    return sorted(Near(-worth, ref) for ref, worth in found.items() if ref != company.ref)[:ACROSS]


def reach_of(near: list[Near]) -> Near | None:
    """The last of a full list; None for a list with room."""
    return near[-1] if len(near) == ACROSS else None


def askers(found: Collection[str], postings: Postings) -> Mapping[Ref, int]:
    """The filed companies that ask for one of these keys of an account, with what they share."""
    return postings.shared("asking", found)


def maybe_within(record: Parsed, role: Kind, postings: Postings, rarity: Rarity) -> dict[Ref, int]:
    """Those of the same side that share enough of what this record says."""
    own = keys(record)
    least = SHARE * rarity.sum(own)
    found = postings.shared(role, own, least).items()
    return {ref: worth for ref, worth in found if ref != record.ref}


def within(
    record: Parsed, maybe: Mapping[Ref, int], rarity: Rarity, keys_of: Mapping[Ref, Collection[str]]
) -> list[Ref]:
    """Those of `maybe_within` that also share enough of what they say themselves, by their keys."""
    own = rarity.sum(keys(record))
    return [ref for ref, worth in maybe.items() if worth >= SHARE * max(own, rarity.sum(keys_of[ref]))]


class MemoryPostings:
    """Postings of records that are all given at once."""

    def __init__(self, records: Iterable[tuple[str, Parsed]], rarity: Rarity) -> None:
        self._rarity = rarity
        self._by: dict[tuple[str, str], set[Ref]] = {}
        for role, record in records:
            for key in set(keys(record)):
                self._by.setdefault((role, key), set()).add(record.ref)
            if role == "filed":
                for key in set(query_keys(record)):
                    self._by.setdefault(("asking", key), set()).add(record.ref)

    def shared(self, kind: Kind, keys: Collection[str], least: float = 0) -> Mapping[Ref, int]:
        """See `Postings`.

        Who shares enough has one of the rarer keys: the most common ones, that together are not enough, need only be
        looked up for those who have.
        """
        worths = sorted((self._rarity.of(key), key) for key in set(keys))
        known = [(worth, refs) for worth, key in worths
                 if worth and (refs := self._by.get((kind, key))) and len(refs) <= CROWDED]  # fmt: skip
        few, together = 0, 0
        while few < len(known) and together + known[few][0] < least:
            together += known[few][0]
            few += 1
        found: dict[Ref, int] = {}
        for worth, refs in known[few:]:
            for ref in refs:
                found[ref] = found.get(ref, 0) + worth
        return {ref: total for ref, worth in found.items() if worth + together >= least
                and (total := worth + sum(w for w, refs in known[:few] if ref in refs)) >= least}  # fmt: skip
