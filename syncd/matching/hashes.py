"""Stable 64-bit hashes of keys, many at a time: the same on every machine, in every process and version of Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_END = "\x00"
_LONGEST = 256  # bytes of a key that count; keys are shorter


def _powers() -> Hashes:
    """Powers of an odd number, modulo 2**64: the weight of the letter at each place."""
    found, power = [], 1
    for _ in range(_LONGEST):
        found.append(power)
        power = power * 0x9E3779B97F4A7C15 % 2**64
    return np.array(found, dtype=np.uint64)


_POWERS = _powers()


def hashes(keys: Sequence[str]) -> Hashes:
    """One hash for each key, in order. The character 0 in a key counts as 1."""
    if not keys:
        return np.zeros(0, dtype=np.uint64)
    text = _END.join(keys) + _END
    if text.count(_END) != len(keys):
        return hashes([key.replace(_END, "\x01") for key in keys])
    letters = np.frombuffer(text.encode(errors="surrogatepass"), dtype=np.uint8)
    ends = np.flatnonzero(letters == 0)
    starts = np.empty_like(ends)
    starts[0], starts[1:] = 0, ends[:-1] + 1
    places = np.arange(len(letters)) - np.repeat(starts, ends - starts + 1)
    weighed = (letters.astype(np.uint64) + np.uint64(1)) * _POWERS[np.minimum(places, _LONGEST - 1)]
    return _mixed(np.add.reduceat(weighed, starts))


def _mixed(values: Hashes) -> Hashes:
    """Spread every bit over all bits, so that the sorted order of keys says nothing about them."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return cast(Hashes, values ^ (values >> np.uint64(31)))
