"""Which records have which keys, packed: hashed keys in sorted arrays, and beside them whatever came and went since.

A million records take some hundred megabytes, and the arrays may be a mapped file. The answers are those of the store
that it was built from (`syncd.matching.neighbours.Postings`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from syncd.matching import neighbours
from syncd.matching.hashes import Hashes, hashes
from syncd.matching.neighbours import Kind, Rarity
from syncd.model import Ref

Numbers = NDArray[np.uint32]
Worths = NDArray[np.int32]
Offsets = NDArray[np.int64]

NO_REACH = -1
"""What stands for the reach of a company whose list has room."""
_LETTERS: Mapping[str, str] = {"direct": "d", "filed": "f", "asking": "a"}
_MOST = 2**31 - 1


class Said(NamedTuple):
    """A record's keys: those of its own side, and those with which it asks for accounts, if it is filed."""

    role: Kind
    keys: Sequence[str]
    asking: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Arrays:
    """What is kept in a file: by hash of a key the numbers of its records in rising order, and by number the record.

    `own` is what a record's keys are worth together, and `gone` tells numbers that nobody has any more. The text of a
    number is its ref; `ends` says where it ends in `text`.
    """

    known: Hashes
    starts: Offsets
    rows: Numbers
    own: Worths
    gone: NDArray[np.bool_]
    text: NDArray[np.uint8]
    ends: Offsets

    def ref(self, number: int) -> Ref:
        """The record of this number."""
        start = int(self.ends[number - 1]) if number else 0
        return _ref(self.text[start : int(self.ends[number])].tobytes().decode())


class Builder:
    """Takes the keys of all records and packs them. Records are numbered in the order in which they are given, and the
    records of one key are given in that order too."""

    def __init__(self, rarity: Rarity) -> None:
        self._rarity = rarity
        self._refs: list[str] = []
        self._hashed: list[Hashes] = []
        self._owners: list[Numbers] = []
        self._own = np.zeros(0, dtype=np.int64)

    def number(self, refs: Iterable[Ref]) -> None:
        """These records come next; their keys follow."""
        said = [_said(ref) for ref in refs]
        self._hashed.append(hashes(["r" + ref for ref in said]))
        self._owners.append(np.arange(len(self._refs), len(self._refs) + len(said), dtype=np.uint32))
        self._refs += said

    def add(self, kind: Kind, keys: Sequence[str], owners: Sequence[int]) -> None:
        """Keys of one kind, each with the number of its record."""
        if keys:
            letter = _LETTERS[kind]
            numbers = np.array(owners, dtype=np.uint32)
            self._hashed.append(hashes([letter + key for key in keys]))
            self._owners.append(numbers)
            if kind != "asking":
                if len(self._own) < len(self._refs):
                    self._own = np.append(self._own, np.zeros(len(self._refs) - len(self._own), dtype=np.int64))
                np.add.at(self._own, numbers, np.array(self._rarity.worths(keys), dtype=np.int64))

    def packed(self) -> Arrays:
        """Everything that was given."""
        count = len(self._refs)
        own = np.append(self._own, np.zeros(count - len(self._own), dtype=np.int64)).astype(np.int32)
        nothing = hashes([])
        hashed = np.concatenate([nothing, *self._hashed])
        self._hashed.clear()  # twice as much would be held otherwise
        known, starts, rows = _sorted(hashed, np.concatenate([nothing.astype(np.uint32), *self._owners]))
        text = [ref.encode() for ref in self._refs]
        ends = np.cumsum([len(one) for one in text], dtype=np.int64)
        gone = np.zeros(count, dtype=np.bool_)
        return Arrays(known, starts, rows, own, gone, np.frombuffer(b"".join(text), np.uint8), ends)


def _sorted(hashed: Hashes, owners: Numbers) -> tuple[Hashes, Offsets, Numbers]:
    """Distinct hashes, where the records of each begin, and these in the order in which they were given."""
    order = np.argsort(hashed, kind="stable")
    ordered = hashed[order]
    is_first = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    starts = np.append(np.flatnonzero(is_first), len(ordered)).astype(np.int64)
    return ordered[is_first], starts, owners[order]


class PackedPostings:
    """The port `Postings` over packed arrays. Follows changes by `follow` and `reaches`."""

    def __init__(self, arrays: Arrays, rarity: Rarity) -> None:
        self._base, self._rarity = arrays, rarity
        self._first = len(arrays.ends)
        self._gone = np.array(arrays.gone)
        self._refs: list[Ref] = []  # of the fresh ones, whose numbers follow those of the arrays
        self._fresh: dict[int, list[int]] = {}
        self._own = np.array(arrays.own)
        self._reach = np.full(self._first, NO_REACH, dtype=np.int32)
        self._are_gone = bool(self._gone.any())

    def __len__(self) -> int:
        return self._first + len(self._refs) - int(self._gone.sum())

    @property
    def arrays(self) -> Arrays:
        """What these were built from."""
        return self._base

    @property
    def rarity(self) -> Rarity:
        """What keys are worth here."""
        return self._rarity

    @property
    def overlay(self) -> int:
        """How many records came or changed since the arrays were built."""
        return len(self._refs)

    # --- what comes and goes

    def follow(self, changes: Mapping[Ref, Said | None]) -> None:
        """Records that are new or have other keys; None for those that are gone. A company's reach stays as it was."""
        refs = list(changes)
        marks = hashes([f"r{_said(ref)}" for ref in refs]).tolist()
        for ref, before in zip(refs, map(self._number, refs, marks), strict=True):
            if before is not None:
                self._gone[before] = self._are_gone = True
            said = changes[ref]
            if said is not None:
                self._add(ref, NO_REACH if before is None else int(self._reach[before]), said)
        come = [(mark, ref, said) for mark, ref in zip(marks, refs, strict=True) if (said := changes[ref]) is not None]
        first = self._first + len(self._refs) - len(come)
        texts, numbers = list[str](), list[int]()
        for number, (mark, _, said) in enumerate(come, first):
            self._fresh.setdefault(mark, []).append(number)
            found = {_LETTERS[said.role] + key for key in said.keys} | {"a" + key for key in said.asking}
            texts += found
            numbers += [number] * len(found)
        for value, number in zip(hashes(texts).tolist(), numbers, strict=True):
            self._fresh.setdefault(value, []).append(number)

    def _add(self, ref: Ref, reach: int, said: Said) -> None:
        number = self._first + len(self._refs)
        self._refs.append(ref)
        self._grow()
        self._own[number], self._reach[number] = self._rarity.sum(said.keys), reach

    def _grow(self) -> None:
        count = self._first + len(self._refs)
        if count > len(self._own):
            more = max(1_000, count // 8)
            self._own = np.append(self._own, np.zeros(more, dtype=np.int32))
            self._reach = np.append(self._reach, np.full(more, NO_REACH, dtype=np.int32))
            self._gone = np.append(self._gone, np.zeros(more, dtype=np.bool_))

    def number_of(self, ref: Ref) -> int | None:
        """The number of a record; None when there is none."""
        return self._number(ref, int(hashes([f"r{_said(ref)}"])[0]))

    def _number(self, ref: Ref, mark: int) -> int | None:
        found = self._numbers([mark])[0].tolist()
        return next((number for number in found if self.ref(number) == ref), None)

    def ref(self, number: int) -> Ref:
        """The record of this number."""
        return self._base.ref(number) if number < self._first else self._refs[number - self._first]

    def reaches(self, full: Iterable[tuple[Ref, int]], room: Iterable[Ref] = ()) -> None:
        """What the last account on the full list of these companies shares with each; others have `room` again."""
        told = {**dict.fromkeys(room, NO_REACH), **dict(full)}
        marks = hashes([f"r{_said(ref)}" for ref in told]).tolist()
        for (ref, worth), mark in zip(told.items(), marks, strict=True):
            if (number := self._number(ref, mark)) is not None:
                self._reach[number] = worth

    def forget_reaches(self) -> None:
        """Every list has room, until it is told anew."""
        self._reach[:] = NO_REACH

    def merged(self) -> Arrays:
        """The arrays that these would be, with all that came and went."""
        base, count = self._base, self._first + len(self._refs)
        kept = ~self._gone[base.rows]
        hashed = np.repeat(base.known, np.diff(base.starts))[kept]
        pairs = [(value, number) for value, numbers in self._fresh.items() for number in numbers
                 if not self._gone[number]]  # fmt: skip
        fresh = np.array([value for value, _ in pairs], dtype=np.uint64)
        owners = np.array([number for _, number in pairs], dtype=np.uint32)
        known, starts, rows = _sorted(np.append(hashed, fresh), np.append(base.rows[kept], owners))
        text = [_said(ref).encode() for ref in self._refs]
        last = int(base.ends[-1]) if len(base.ends) else 0
        ends = np.append(base.ends, last + np.cumsum([len(one) for one in text], dtype=np.int64))
        letters = np.append(base.text, np.frombuffer(b"".join(text), np.uint8))
        return Arrays(known, starts, rows, self._own[:count], self._gone[:count], letters, ends)

    # --- what is asked

    def shared(self, kind: Kind, keys: Collection[str], least: float = 0, most: int = 0) -> Mapping[Ref, int]:
        """See `Postings`."""
        numbers, worths = self._shared(kind, keys, least)
        if most and len(numbers) > most:
            enough = np.partition(worths, len(worths) - most)[len(worths) - most]
            numbers, worths = numbers[worths >= enough], worths[worths >= enough]
        return self._told(numbers, worths)

    def alike(self, kind: Kind, keys: Collection[str], own: Ref) -> list[Ref]:
        """See `Postings`."""
        worth = self._rarity.sum(set(keys))
        numbers, worths = self._shared(kind, keys, neighbours.SHARE * worth)
        kept = worths >= neighbours.SHARE * np.maximum(worth, self._own[numbers])
        return [ref for ref in map(self.ref, numbers[kept].tolist()) if ref != own]

    def askers(self, keys: Collection[str]) -> Mapping[Ref, int]:
        """See `Postings`. Leaves out whose full list ends before what they share."""
        numbers, worths = self._shared("asking", keys, 0)
        kept = worths >= self._reach[numbers]
        return self._told(numbers[kept], worths[kept])

    def _told(self, numbers: NDArray[np.int64], worths: NDArray[np.int64]) -> Mapping[Ref, int]:
        return dict(zip(map(self.ref, numbers.tolist()), worths.tolist(), strict=True))

    def _shared(self, kind: Kind, keys: Collection[str], least: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The numbers of the records that share at least so much, in rising order, and how much.

        Who shares enough has one of the rarer keys: the most common ones, that together are not enough, need only be
        looked up for those who have.
        """
        worths, lists = self._lists(kind, keys)
        few, together = 0, 0
        while few < len(lists) and together + worths[few] < least:
            together += worths[few]
            few += 1
        if few == len(lists):
            return _NOBODY, _NOBODY
        numbers, sums = _summed(lists[few:], worths[few:])
        if few:
            near = sums + together >= least
            numbers, sums = numbers[near], sums[near]
        for found, worth in zip(lists[:few], worths[:few], strict=True):
            at = np.minimum(np.searchsorted(found, numbers), len(found) - 1)
            sums += worth * (found[at] == numbers)
        kept = sums >= least
        return numbers[kept], sums[kept]

    def _lists(self, kind: Kind, keys: Collection[str]) -> tuple[list[int], list[Numbers]]:
        """The records under each key that tells anything and is not crowded, the most common keys first."""
        told = set(keys)
        known = sorted((worth, key) for key, worth in zip(told, self._rarity.worths(told), strict=True) if worth)
        found = self._numbers(hashes([_LETTERS[kind] + key for _, key in known]).tolist())
        kept = [(worth, numbers) for (worth, _), numbers in zip(known, found, strict=True)
                if 0 < len(numbers) <= neighbours.CROWDED]  # fmt: skip
        return [worth for worth, _ in kept], [numbers for _, numbers in kept]

    def _numbers(self, values: Sequence[int]) -> list[Numbers]:
        """The numbers under each of these hashes of those that are there, in rising order."""
        asked = np.array(values, dtype=np.uint64)
        places = np.searchsorted(self._base.known, asked)
        begins = self._base.starts[places].tolist()
        ends = self._base.starts[np.minimum(places + 1, len(self._base.known))].tolist()
        found = []
        for at, value in enumerate(values):
            is_known = begins[at] < ends[at] and int(self._base.known[places[at]]) == value
            numbers = self._base.rows[begins[at] : ends[at]] if is_known else _NOTHING
            if value in self._fresh:
                numbers = np.append(numbers, np.array(self._fresh[value], dtype=np.uint32))
            found.append(numbers[~self._gone[numbers]] if self._are_gone and len(numbers) else numbers)
        return found


_NOTHING: Numbers = np.zeros(0, dtype=np.uint32)
_NOBODY: NDArray[np.int64] = np.zeros(0, dtype=np.int64)


def _summed(lists: Sequence[Numbers], worths: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    numbers = np.concatenate(lists).astype(np.int64)
    packed = np.sort((numbers << 31) | np.repeat(np.array(worths, dtype=np.int64), [len(one) for one in lists]))
    ordered = packed >> 31
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return ordered[starts], np.add.reduceat(packed & _MOST, starts)


def _said(ref: Ref) -> str:
    return "\x1f".join(ref)


def _ref(said: str) -> Ref:
    return Ref(*said.split("\x1f"))


def pack(records: Iterable[tuple[Ref, Said]], rarity: Rarity) -> Arrays:
    """The arrays of records that are all at hand."""
    builder = Builder(rarity)
    for number, (ref, said) in enumerate(records):
        builder.number([ref])
        for kind, found in ((said.role, said.keys), ("asking", said.asking)):
            distinct = list(dict.fromkeys(found))
            builder.add(kind, distinct, [number] * len(distinct))
    return builder.packed()
