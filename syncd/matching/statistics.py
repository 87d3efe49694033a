"""Frozen statistics: how common each word, key, domain and postcode is; scores depend on them and on nothing newer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from math import log2
from typing import Any

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
        words: Counter[str] = Counter()
        domains: set[tuple[str, str]] = set()
        postcodes: set[tuple[str, str]] = set()
        records = 0
        for record in parsed:
            records += 1
            words.update({word for name in record.names for word in name.folds})
            name = record.names[0].joined[:60] if record.names else ""
            if record.domain:
                domains.add((record.domain, name))
            if record.postcode:
                postcodes.add((record.postcode, name))
        return cls(records, _repeated(words), _repeated(_users(domains)), _repeated(_users(postcodes)))

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


def _users(pairs: set[tuple[str, str]]) -> Counter[str]:
    return Counter(value for value, _ in pairs)


def _repeated(counts: Mapping[str, int]) -> dict[str, int]:
    return {value: count for value, count in sorted(counts.items()) if count > 1}
