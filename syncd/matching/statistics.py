"""Frozen statistics: how common each word, key, domain and postcode is; scores depend on them and on nothing newer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from math import log2
from typing import Any

import numpy as np

from syncd.matching.hashes import Hashes, hashes
from syncd.matching.parse import PARSER_VERSION, Parsed

_LEAST_BITS = 0.5


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts over all records at one moment. What occurs once is left out: a missing entry means one."""

    records: int
    words: Mapping[str, int]
    domains: Mapping[str, int]
    postcodes: Mapping[str, int]
    parser: str = PARSER_VERSION
    _bits: dict[str, float] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def build(cls, parsed: Iterable[Parsed]) -> Statistics:
        """Count words by record, and domains and postcodes by the different names that use them."""
        tally = Tally()
        for record in parsed:
            tally.add(record)
        return cls.of((tally,))

    @classmethod
    def of(cls, tallies: Sequence[Tally]) -> Statistics:
        """The statistics of all the records that were counted, wherever each was."""
        words: Counter[str] = Counter()
        for tally in tallies:
            words.update(tally.words)
        domains = _users([tally.domains for tally in tallies])
        postcodes = _users([tally.postcodes for tally in tallies])
        return cls(sum(tally.records for tally in tallies), _repeated(words), domains, postcodes)

    def bits(self, word: str) -> float:
        """How much it tells that two names share this word: log2 of one in so many records."""
        known = self._bits.get(word)
        if known is None:
            known = max(_LEAST_BITS, log2((self.records + 2) / (self.words.get(word, 1) + 0.5)))
            self._bits[word] = known
        return known

    @property
    def size_bits(self) -> float:
        """Bits needed to point at one record among all."""
        return log2(self.records + 2)

    @property
    def version(self) -> str:
        """Changes when any count changes."""
        digest = blake2b(f"{self.parser}|{self.records}".encode(), digest_size=8)
        for table in (self.words, self.domains, self.postcodes):
            for item in sorted(table.items()):
                digest.update(repr(item).encode())
        return digest.hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain values for the store."""
        return {
            "parser": self.parser,
            "records": self.records,
            "words": dict(self.words),
            "domains": dict(self.domains),
            "postcodes": dict(self.postcodes),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Statistics:
        """The statistics that `to_json` wrote."""
        return cls(plain["records"], plain["words"], plain["domains"], plain["postcodes"], plain["parser"])


class Tally:
    """Counts of some of the records, so that many processes may count and one may add up."""

    def __init__(self) -> None:
        self.records = 0
        self.words: Counter[str] = Counter()
        self.domains = Users()
        self.postcodes = Users()

    def add(self, record: Parsed) -> None:
        """Count a record."""
        self.records += 1
        self.words.update({word for name in record.names for word in name.folds})
        name = record.names[0].joined[:60] if record.names else ""
        if record.domain:
            self.domains.add(record.domain, name)
        if record.postcode:
            self.postcodes.add(record.postcode, name)


class Users:
    """Which names use which values; kept as hashes as soon as there are many."""

    _AT_ONCE = 5_000

    def __init__(self) -> None:
        self._waiting: list[tuple[str, str]] = []
        self._values: list[str] = []
        self._hashed: list[tuple[Hashes, Hashes]] = []

    def add(self, value: str, name: str) -> None:
        """A record of this name has this value."""
        self._waiting.append((value, f"{value}\x01{name}"))
        if len(self._waiting) == self._AT_ONCE:
            self._settle()

    def _settle(self) -> None:
        waiting, self._waiting = sorted(set(self._waiting)), []
        values = [value for value, _ in waiting]
        self._values += values
        self._hashed.append((hashes(values), hashes([pair for _, pair in waiting])))

    def settled(self) -> tuple[list[str], Hashes, Hashes]:
        """The values, their hashes, and the hashes of value and name together."""
        self._settle()
        ours, pairs = zip(*self._hashed, strict=True)
        return self._values, np.concatenate(ours), np.concatenate(pairs)

    def __getstate__(self) -> dict[str, object]:
        values, ours, pairs = self.settled()
        return {"_waiting": [], "_values": values, "_hashed": [(ours, pairs)]}


def _users(tables: Sequence[Users]) -> dict[str, int]:
    """By value the number of different names that use it, where that is more than one."""
    if not tables:
        return {}
    settled = [table.settled() for table in tables]
    ours = np.concatenate([values for _, values, _ in settled])
    _, first = np.unique(np.concatenate([pairs for _, _, pairs in settled]), return_index=True)
    values, counts = np.unique(ours[first], return_counts=True)
    count_of = dict(zip(values[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True))
    found: dict[str, int] = {}
    for texts, hashed, _ in settled:
        for at in np.flatnonzero(np.isin(hashed, values[counts > 1])).tolist():
            found[texts[at]] = count_of[int(hashed[at])]
    return dict(sorted(found.items()))


def _repeated(counts: Mapping[str, int]) -> dict[str, int]:
    return {value: count for value, count in sorted(counts.items()) if count > 1}
