"""Parsed records as compact bytes in one column: a million of them in memory or in a mapped file, read one by one."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from syncd.matching.names import Name
from syncd.matching.parse import Parsed
from syncd.model import Ref

Offsets = NDArray[np.int64]

_REST = tuple(field.name for field in fields(Parsed) if field.name not in ("ref", "names"))
_NAME = tuple(field.name for field in fields(Name))


def pack(record: Parsed) -> bytes:
    """A record as bytes; only this version of Python and of the parser can read them."""
    names = tuple([tuple([getattr(name, field) for field in _NAME]) for name in record.names])
    return marshal.dumps((tuple(record.ref), names, *[getattr(record, field) for field in _REST]))


def unpack(data: bytes | memoryview) -> Parsed:
    """The record that `pack` wrote."""
    ref, names, *rest = marshal.loads(data)  # noqa: S302 - our own cache, stamped and rebuilt when in doubt
    made = tuple([Name(*name) for name in names])
    return Parsed(Ref(*ref), rest[0], made, *rest[1:]) if _IN_ORDER else _by_name(ref, made, rest)


def _by_name(ref: tuple[str, str, str], names: tuple[Name, ...], rest: Sequence[object]) -> Parsed:
    return Parsed(ref=Ref(*ref), names=names, **dict(zip(_REST, rest, strict=True)))  # type: ignore[arg-type]


_IN_ORDER = tuple(field.name for field in fields(Parsed)) == ("ref", _REST[0], "names", *_REST[1:])


class Column:
    """Packed records by number. `data` is bytes, or a mapped file; `ends` where each record ends in it."""

    def __init__(self, data: bytes | memoryview, ends: Offsets) -> None:
        # A plain view of a mapped array is several times as fast to ask for one number.
        self._data, self._ends = memoryview(data), np.asarray(ends)

    @classmethod
    def of(cls, records: Iterable[Parsed]) -> Column:
        """The column of records that are in memory."""
        packed = [pack(record) for record in records]
        return cls(b"".join(packed), np.cumsum([len(data) for data in packed], dtype=np.int64))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> Parsed:
        start = int(self._ends[number - 1]) if number else 0
        return unpack(self._data[start : int(self._ends[number])])
