"""A list that changes: packed records with a key index, and in memory beside them whatever came and went since."""

from __future__ import annotations

import numpy as np

from syncd.matching.hashes import hashes
from syncd.matching.index import KeyIndex
from syncd.matching.keys import keys, query_keys
from syncd.matching.parse import Parsed
from syncd.matching.sides import MOST_CANDIDATES, Records
from syncd.model import Ref


def stored_keys(record: Parsed) -> tuple[str, ...]:
    """The keys of a record, and the one by which it is found again when it changes."""
    return (*keys(record), f"r:{record.ref}")


class LiveSide:
    """A side whose records may change. Answers like a side built anew from what there is."""

    def __init__(self, records: Records, index: KeyIndex) -> None:
        self._base, self.index = records, index
        self._fresh: dict[int, Parsed] = {}
        self._numbers: dict[Ref, int] = {}  # of the fresh ones

    def __getitem__(self, number: int) -> Parsed:
        return self._fresh[number] if number in self._fresh else self._base[number]

    def __len__(self) -> int:
        return self.index.records

    def number_of(self, ref: Ref) -> int | None:
        """The number of the record of this ref; None when there is none."""
        if ref in self._numbers:
            return self._numbers[ref]
        found = self.index.holders(int(hashes([f"r:{ref}"])[0]))
        return next((number for number in found if self[number].ref == ref), None)

    def put(self, record: Parsed) -> None:
        """A record that is new or changed."""
        number = self.number_of(record.ref)
        if number is not None:
            if self[number] == record:
                return
            self._drop(number)
        number = self._numbers[record.ref] = self.index.add(stored_keys(record))
        self._fresh[number] = record

    def drop(self, ref: Ref) -> None:
        """A record that is gone; nothing happens when it was not there."""
        number = self.number_of(ref)
        if number is not None:
            self._drop(number)

    def _drop(self, number: int) -> None:
        record = self[number]
        self.index.remove(number, stored_keys(record))
        self._fresh.pop(number, None)
        self._numbers.pop(record.ref, None)

    def near(self, record: Parsed, limit: int = MOST_CANDIDATES) -> list[Parsed]:
        """The records that share most with a record, best first, without itself."""
        asked, number = hashes(query_keys(record)), self.number_of(record.ref)
        own = np.array([-1 if number is None else number], dtype=np.int64)
        found = self.index.find(asked, np.zeros(len(asked), dtype=np.int64), own, limit)
        return [self[number] for number in found.rows.tolist()]
