"""Two lists beside each other, filed companies and accounts: which pairs of their records are worth comparing.

A filed company is compared with the accounts it shares keys with, with filed companies that may be the same one typed
twice, and its nearest accounts with each other, since they may be duplicates. Searching starts from the filed side
alone: what no filed company comes near is nobody's rival.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from syncd.matching.hashes import Hashes, hashes
from syncd.matching.index import Found, KeyIndex, Numbers
from syncd.matching.keys import keys, query_keys
from syncd.matching.parse import Parsed

MOST_CANDIDATES = 24
MOST_TWINS = 8
_MOST_RIVALS = 3  # accounts near one filed company that are compared with each other

FILED, DIRECT = 0, 1
Place = tuple[int, int]
"""A record: its side (`FILED` or `DIRECT`) and its number there."""


class Records(Protocol):
    """Parsed records by number."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Parsed: ...


class Index(Protocol):
    """Finds records by hashed keys; `KeyIndex` in memory, or a database with the same answers."""

    @property
    def records(self) -> int:
        """How many records there are."""
        ...

    def find(self, asked: Hashes, searches: Numbers, own: Numbers, limit: int, total: int | None = None) -> Found:
        """See `KeyIndex.find`."""
        ...


@dataclass(frozen=True, slots=True)
class Side:
    """One list: its records and the index of their keys."""

    records: Records
    index: Index

    @classmethod
    def of(cls, records: Sequence[Parsed]) -> Side:
        """A list that is in memory."""
        return cls(records, index_of([keys(record) for record in records]))


def index_of(found: Sequence[Sequence[str]]) -> KeyIndex:
    """The index of records by their stored keys, numbered as they come."""
    owners = np.repeat(np.arange(len(found), dtype=np.uint32), [len(some) for some in found])
    return KeyIndex.build(hashes([key for some in found for key in some]), owners, len(found))


def asked_for(records: Sequence[Parsed]) -> tuple[Hashes, Numbers]:
    """The hashes that records search with, and for each hash the number of its record."""
    asked = [query_keys(record) for record in records]
    searches = np.repeat(np.arange(len(asked)), [len(found) for found in asked])
    return hashes([key for found in asked for key in found]), searches


def near(filed: Side, direct: Side, numbers: range, records: Sequence[Parsed]) -> Iterator[tuple[Place, Place]]:
    """The pairs to compare for the filed companies of these numbers, whose records are given; some pairs twice."""
    asked, searches = asked_for(records)
    own = np.arange(numbers.start, numbers.stop)
    across = direct.index.find(asked, searches, np.full(len(records), -1), MOST_CANDIDATES)
    for search, row in zip(across.searches.tolist(), across.rows.tolist(), strict=True):
        yield (FILED, numbers[search]), (DIRECT, row)
    for rows in _strong(across, direct).split(len(records)):
        rivals = sorted(rows[:_MOST_RIVALS].tolist())
        yield from (((DIRECT, one), (DIRECT, other)) for at, one in enumerate(rivals) for other in rivals[at + 1 :])
    twins = _strong(filed.index.find(asked, searches, own, MOST_TWINS), filed)
    for search, row in zip(twins.searches.tolist(), twins.rows.tolist(), strict=True):
        one, other = sorted((numbers[search], row))
        yield (FILED, one), (FILED, other)


def _strong(found: Found, side: Side) -> Found:
    """Only what shares as much as points at one record among all; less makes no duplicate."""
    kept = found.bits >= np.log2(side.index.records + 1)
    return Found(found.searches[kept], found.rows[kept], found.bits[kept])
