"""Compares stretches of two packed lists, keeps the pairs compactly, and parts them into heaps to be decided apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from syncd.matching.link import Linker
from syncd.matching.parse import Parsed
from syncd.matching.points import Cell
from syncd.matching.score import Edge
from syncd.matching.sides import FILED, Place, Side, near

_BATCH = 500  # filed companies at a time; bounds memory


class Compared(NamedTuple):
    """A pair worth keeping, as places of its records and the claims that hold for it."""

    one: Place
    other: Place
    cells: tuple[Cell, ...]


def compare(sides: tuple[Side, Side], linker: Linker, start: int, stop: int) -> list[Compared]:
    """Every pair worth keeping that concerns the filed companies from `start` to before `stop`."""
    found: list[Compared] = []
    known: dict[Cell, Cell] = {}  # equal cells as one object: much smaller in memory and on the way between processes
    for at in range(start, stop, _BATCH):
        found += _batch(sides, linker, known, range(at, min(stop, at + _BATCH)))
    return found


def _batch(sides: tuple[Side, Side], linker: Linker, known: dict[Cell, Cell], numbers: range) -> Iterable[Compared]:
    filed, direct = sides
    records = {(FILED, number): filed.records[number] for number in numbers}
    for one, other in dict.fromkeys(near(filed, direct, numbers, list(records.values()))):
        for place in (one, other):
            if place not in records:
                records[place] = sides[place[0]].records[place[1]]
        ask = linker.compare if one[0] != other[0] else linker.compare_alike
        cells = ask(records[one], records[other])
        if cells is not None:
            yield Compared(one, other, tuple([known.setdefault(cell, cell) for cell in cells]))


def heaps(compared: Iterable[Compared], most: int) -> list[list[Compared]]:
    """The pairs, each once, in heaps of about `most` that share no record, so that each can be decided by itself."""
    pairs = {(pair.one, pair.other): pair for pair in compared}
    root: dict[Place, Place] = {}
    for one, other in pairs:
        here, there = sorted((_root(root, one), _root(root, other)))
        root[there] = here
    parts: dict[Place, list[Compared]] = {}
    for pair in pairs.values():
        parts.setdefault(_root(root, pair.one), []).append(pair)
    return _heaped(parts.values(), most)


def _root(root: dict[Place, Place], place: Place) -> Place:
    path = []
    while (above := root.setdefault(place, place)) != place:
        path.append(place)
        place = above
    for passed in path:
        root[passed] = place
    return place


def _heaped(parts: Iterable[list[Compared]], most: int) -> list[list[Compared]]:
    found: list[list[Compared]] = [[]]
    for part in parts:
        if len(found[-1]) >= most:
            found.append([])
        found[-1] += part
    return found


def edge_of(pair: Compared, record: Callable[[Place], Parsed], linker: Linker) -> Edge:
    """The edge of a compact pair, its evidence without sentences."""
    return linker.bare_edge(record(pair.one).ref, record(pair.other).ref, pair.cells)
