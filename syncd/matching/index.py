"""An index in memory that finds candidates by shared keys, the rarest first: the `Candidates` port for two files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import nsmallest
from math import log2

from syncd.matching.keys import keys
from syncd.matching.parse import Parsed
from syncd.model import Ref

COMMON = 600  # records under one key beyond which the key is used only when nothing else hit


class MemoryCandidates:
    """Postings by key, in memory.

    `total` is how many records there are in all, when only those that can be found by the asked keys are given.
    """

    def __init__(self, parsed: Iterable[Parsed], common: int = COMMON, total: int | None = None) -> None:
        self._common = common
        self._total = total
        self._refs: list[Ref] = []
        self._postings: dict[str, list[int]] = {}
        for number, record in enumerate(sorted(parsed, key=lambda p: p.ref)):
            self._refs.append(record.ref)
            for key in keys(record):
                self._postings.setdefault(key, []).append(number)

    def find(self, keys: Sequence[str], exclude: Ref, limit: int) -> list[tuple[Ref, float]]:
        """The best `limit` records sharing keys, with the summed rarity (bits) of the shared keys, best first."""
        known = [(key, self._postings[key]) for key in dict.fromkeys(keys) if key in self._postings]
        usable = [postings for _, postings in known if len(postings) <= self._common]
        found = self._sum(usable) or self._sum([postings[: self._common] for _, postings in known])
        ranked = nsmallest(limit + 1, [(-bits, number) for number, bits in found.items()])
        return [(self._refs[number], -bits) for bits, number in ranked if self._refs[number] != exclude][:limit]

    def _sum(self, postings: list[list[int]]) -> dict[int, float]:
        total = (self._total or len(self._refs)) + 1
        found: dict[int, float] = {}
        for numbers in postings:
            bits = log2(total / len(numbers)) + 0.5
            for number in numbers:
                found[number] = found.get(number, 0.0) + bits
        return found
