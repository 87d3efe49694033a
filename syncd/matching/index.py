"""Finds the records that share keys with a record: hashed keys, sorted, each with the numbers of its records.

Every shared key adds its rarity. Keys of more than `COMMON` records count only together: the records that two of them
share. How many candidates are looked at grows where many are equally near.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from syncd.matching.hashes import Hashes, hashes
from syncd.matching.keys import keys
from syncd.matching.parse import Parsed
from syncd.model import Ref

Rows = NDArray[np.uint32]
Numbers = NDArray[np.int64]

COMMON = 600  # records under one key beyond which the key counts only together with another
MOST_TOGETHER = 4  # common keys of one search that are put together, the rarest
MOST_OF_ONE = 5_000  # records looked at under each of them
UNIT = 64  # parts of a bit in which rarity is counted, so that sums do not depend on their order
_WEIGHT, _ROW = 14, 28  # bits of a packed hit: a rarity, and the number of a record
_ROWS = (1 << _ROW) - 1
_SHARED = 20  # bits of a sum of rarities
_MOST_SHARED = (1 << _SHARED) - 1
MOST_SEARCHES = 1 << (63 - _SHARED - _ROW)
NEAR = 10.0  # bits behind the best within which candidates are as good as equal
FEW = 8  # candidates that are always looked at
FEW_BEHIND = 4  # the same where the best shares far more than what points at one record among all
SURE = 4.0  # bits above that


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates of many searches: search number, record number and shared bits, best first within a search."""

    searches: Numbers
    rows: Numbers
    bits: NDArray[np.float64]

    def split(self, count: int) -> list[NDArray[np.int64]]:
        """The record numbers of each of `count` searches."""
        return np.split(self.rows, np.searchsorted(self.searches, np.arange(1, count)))


class KeyIndex:
    """Sorted hashes of keys with their records, and a small overlay of what came and went since.

    The arrays may be mapped files. With its overlay it answers like an index built anew from what there is.
    """

    def __init__(self, known: Hashes, starts: Numbers, rows: Rows, records: int, common: int = COMMON) -> None:
        self.known, self.starts, self.rows, self.records = known, starts, rows, records
        self._common = common
        self._fresh: dict[int, list[int]] = {}
        self._fewer: dict[int, int] = {}
        self._gone: NDArray[np.bool_] | None = None  # by number, of the records that it was built with
        self._first = self._next = records

    @classmethod
    def build(cls, all_hashes: Hashes, owners: Rows, records: int, common: int = COMMON) -> KeyIndex:
        """The index of (hash, record number) pairs; the numbers of a record are given in rising order."""
        order = np.argsort(all_hashes, kind="stable")
        ordered = all_hashes[order]
        is_first = np.empty(len(ordered), dtype=bool)
        is_first[:1] = True
        np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
        starts = np.append(np.flatnonzero(is_first), len(ordered)).astype(np.int64)
        return cls(ordered[is_first], starts, owners[order], records, common)

    # --- what came and went

    def add(self, found: Sequence[str]) -> int:
        """A record under these keys; returns its number."""
        number, self._next = self._next, self._next + 1
        for value in hashes(found).tolist():
            self._fresh.setdefault(value, []).append(number)
        self.records += 1
        return number

    def remove(self, number: int, found: Sequence[str]) -> None:
        """The record of this number, which was stored under these keys, is gone."""
        for value in hashes(found).tolist():
            if number >= self._first:
                self._fresh[value].remove(number)
            else:
                self._fewer[value] = self._fewer.get(value, 0) + 1
        if number < self._first:
            if self._gone is None:
                self._gone = np.zeros(self._first, dtype=bool)
            self._gone[number] = True
        self.records -= 1

    def holders(self, value: int) -> list[int]:
        """The numbers of the records under one hash."""
        place = int(np.searchsorted(self.known, np.uint64(value)))
        found: list[int] = []
        if place < len(self.known) and int(self.known[place]) == value:
            found = self.rows[self.starts[place] : self.starts[place + 1]].tolist()
        gone = self._gone
        return [*(n for n in found if gone is None or not gone[n]), *self._fresh.get(value, ())]

    # --- searching

    def find(self, asked: Hashes, searches: Numbers, own: Numbers, limit: int, total: int | None = None) -> Found:
        """The best records for searches that ask for hash after hash; `searches` numbers them from 0.

        `own` has for each search the number of the record that searches, which is not found; -1 for a stranger.
        `total` is how many records there are in all, when the index holds only those that may be found.
        """
        if len(own) > MOST_SEARCHES:
            raise ValueError(f"at most {MOST_SEARCHES} searches at a time")
        if not len(asked):
            return _NOTHING
        search = _Search(asked, searches, own, *self._places(asked), limit, (total or self.records) + 1)
        frequency = search.sizes + self._fresh_counts(asked) - self._gone_counts(asked)
        search.weights = weights_of(frequency, search.total)
        use = (frequency > 0) & (frequency <= self._common)
        packed = self._packed(search, use)
        found = _ranked(packed, search)
        common = (frequency > self._common) & _weak(found, search)[searches]
        return self._with_common(found, packed, common, search) if common.any() else found

    def _places(self, asked: Hashes) -> tuple[Numbers, Numbers]:
        if not len(self.known):
            return np.zeros(len(asked), dtype=np.int64), np.zeros(len(asked), dtype=np.int64)
        places = np.searchsorted(self.known, asked)
        places[places == len(self.known)] = 0
        is_known = self.known[places] == asked
        return places, np.where(is_known, self.starts[places + 1] - self.starts[places], 0)

    def _fresh_counts(self, asked: Hashes) -> Numbers | int:
        if not self._fresh:
            return 0
        return np.array([len(self._fresh.get(value, ())) for value in asked.tolist()], dtype=np.int64)

    def _gone_counts(self, asked: Hashes) -> Numbers | int:
        if not self._fewer:
            return 0
        return np.array([self._fewer.get(value, 0) for value in asked.tolist()], dtype=np.int64)

    def _packed(self, search: _Search, use: NDArray[np.bool_]) -> Numbers:
        """Every hit as one number: search, record, rarity."""
        chosen = np.flatnonzero(use)
        lengths = np.minimum(search.sizes[chosen], MOST_OF_ONE)
        ends = np.cumsum(lengths)
        begins = self.starts[search.places[chosen]] if len(self.known) else lengths
        at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(begins - ends + lengths, lengths)
        rows = self.rows[at].astype(np.int64)
        tags = (search.searches[chosen] << (_ROW + _WEIGHT)) | search.weights[chosen]
        packed: Numbers = np.repeat(tags, lengths) | (rows << _WEIGHT)
        if self._gone is not None:
            packed = packed[~self._gone[rows]]
        if self._fresh:
            pairs = zip(search.asked[chosen].tolist(), tags.tolist(), strict=True)
            fresh = [tag | (row << _WEIGHT) for value, tag in pairs for row in self._fresh.get(value, ())]
            packed = np.concatenate((packed, np.array(fresh, dtype=np.int64)))
        found: Numbers = packed[((packed >> _WEIGHT) & _ROWS) != search.own[packed >> (_ROW + _WEIGHT)]]
        return found

    def _with_common(self, found: Found, packed: Numbers, common: NDArray[np.bool_], search: _Search) -> Found:
        """Search again where too little was found, now with the common keys that go together."""
        together = _shared(self._packed(search, _rarest(search, common)))
        return _ranked(np.concatenate((packed, together)), search) if len(together) else found


@dataclass(slots=True)
class _Search:
    """Searches under way: what is asked, where it stands in the index, and by how many records; what it is worth."""

    asked: Hashes
    searches: Numbers
    own: Numbers
    places: Numbers
    sizes: Numbers
    limit: int
    total: int
    weights: Numbers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def heaviest() -> int:
    """The most that one key, or common keys together, can be worth."""
    return (1 << _WEIGHT) - 1


def weights_of(frequency: Numbers, total: int) -> Numbers:
    """What a key of so many records among `total` is worth, in parts of a bit."""
    bits = np.log2(total / np.maximum(frequency, 1)) + 0.5
    weights: Numbers = np.clip(bits * UNIT, 1, heaviest()).astype(np.int64)
    return weights


def _summed(packed: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Search and record as one number, the sum of their hits' rarity, and how many hits."""
    ordered = np.sort(packed)
    pairs = ordered >> _WEIGHT
    starts = np.flatnonzero(np.append(True, pairs[1:] != pairs[:-1]))
    sums = np.add.reduceat(ordered & ((1 << _WEIGHT) - 1), starts)
    return pairs[starts], sums, np.diff(np.append(starts, len(pairs)))


def _ranked(packed: Numbers, search: _Search) -> Found:
    """The best of each search: a few in any case, up to `limit` as long as they are near the best."""
    if not len(packed):
        return _NOTHING
    pairs, sums, _ = _summed(packed)
    # Best first within a search: one sort of one number is several times as fast as sorting by three.
    below = _MOST_SHARED - np.minimum(sums, _MOST_SHARED)
    ordered = np.sort(((pairs >> _ROW) << (_SHARED + _ROW)) | (below << _ROW) | (pairs & _ROWS))
    searches, rows = ordered >> (_SHARED + _ROW), ordered & _ROWS
    sums = _MOST_SHARED - ((ordered >> _ROW) & _MOST_SHARED)
    firsts = np.flatnonzero(np.append(True, searches[1:] != searches[:-1]))
    lengths = np.diff(np.append(firsts, len(searches)))
    rank = np.arange(len(searches)) - np.repeat(firsts, lengths)
    best = np.repeat(sums[firsts], lengths)
    few = np.where(best >= (np.log2(search.total) + SURE) * UNIT, FEW_BEHIND, FEW)
    kept = ((rank < few) | (sums >= best - int(NEAR * UNIT))) & (rank < search.limit)
    return Found(searches[kept], rows[kept], sums[kept] / UNIT)


def _weak(found: Found, search: _Search) -> NDArray[np.bool_]:
    """Searches whose best candidate shares less than what points at one record among all."""
    weak = np.ones(len(search.own), dtype=bool)
    weak[found.searches[found.bits >= np.log2(search.total)]] = False
    return weak


def _rarest(search: _Search, common: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The rarest of the common keys of each search."""
    chosen = np.flatnonzero(common)
    order = chosen[np.lexsort((search.sizes[chosen], search.searches[chosen]))]
    owner = search.searches[order]
    firsts = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
    rank = np.arange(len(order)) - np.repeat(firsts, np.diff(np.append(firsts, len(order))))
    kept = np.zeros(len(common), dtype=bool)
    kept[order[rank < MOST_TOGETHER]] = True
    return kept


def _shared(packed: Numbers) -> Numbers:
    """The records that at least two of the keys of their search share."""
    if not len(packed):
        return packed
    pairs, sums, times = _summed(packed)
    return (pairs[times > 1] << _WEIGHT) | np.minimum(sums[times > 1], heaviest())


_NOTHING = Found(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))


class MemoryCandidates:
    """Records that may be found, in memory: the `Candidates` port, with what came and went since.

    `total` is how many records there are in all, when only those that can be found by the asked keys are given.
    """

    def __init__(self, parsed: Iterable[Parsed], common: int = COMMON, total: int | None = None) -> None:
        records = sorted(parsed, key=lambda p: p.ref)
        found = [keys(record) for record in records]
        owners = np.repeat(np.arange(len(found), dtype=np.uint32), [len(k) for k in found])
        self._total = total
        self._refs = [record.ref for record in records]
        self._keys = dict(zip(self._refs, found, strict=True))
        self._numbers = {ref: number for number, ref in enumerate(self._refs)}
        self._index = KeyIndex.build(hashes([key for k in found for key in k]), owners, len(records), common)

    def add(self, ref: Ref, found: Sequence[str]) -> None:
        """A record, new or changed, under its stored keys (`keys`)."""
        self.remove(ref)
        self._numbers[ref] = self._index.add(found)
        self._refs.append(ref)
        self._keys[ref] = tuple(found)

    def remove(self, ref: Ref) -> None:
        """A record that is gone; nothing happens when it was not there."""
        number = self._numbers.pop(ref, None)
        if number is not None:
            self._index.remove(number, self._keys.pop(ref))

    def find(self, keys: Sequence[str], exclude: Ref, limit: int) -> list[tuple[Ref, float]]:
        """The best records sharing keys, with the summed rarity (bits) of the shared keys, best first.

        At most `limit`; fewer where some are clearly nearer than the rest.
        """
        asked = hashes(tuple(dict.fromkeys(keys)))
        own = np.array([self._numbers.get(exclude, -1)], dtype=np.int64)
        found = self._index.find(asked, np.zeros(len(asked), dtype=np.int64), own, limit, self._total)
        hits = zip(found.rows.tolist(), found.bits.tolist(), strict=True)
        return [(self._refs[row], bits) for row, bits in hits]
