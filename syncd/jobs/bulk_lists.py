"""A list on disk: its parsed records in one packed file and its key index in mapped arrays, written part by part."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from syncd.matching import parse
from syncd.matching.columns import Column, pack
from syncd.matching.hashes import hashes
from syncd.matching.index import KeyIndex
from syncd.matching.live import stored_keys
from syncd.matching.statistics import Tally
from syncd.model import Account

Part = Callable[[], Iterable[Account]]
"""Reads one part of a list; called in another process, so it must be picklable."""

_HASHED_AT_ONCE = 4_000
_ARRAYS = ("lengths", "sizes", "hashes")
_MAPPED_FROM = 1_024  # bytes; an empty array cannot be mapped


def store_part(part: Part, path: Path) -> Tally:
    """Read one part into `path`.records and `path`.npz; returns its counts."""
    tally, waiting = Tally(), list[tuple[str, ...]]()
    lengths, sizes, hashed = list[int](), list[int](), list[Any]()
    with path.with_suffix(".records").open("wb") as file:
        for account in part():
            record = parse(account)
            tally.add(record)
            lengths.append(file.write(pack(record)))
            waiting.append(stored_keys(record))
            if len(waiting) == _HASHED_AT_ONCE:
                hashed.append(_hashed(waiting, sizes))
        hashed.append(_hashed(waiting, sizes))
    here = path.with_suffix(".npz")
    np.savez(here, lengths=np.array(lengths, np.int64), sizes=np.array(sizes, np.int64), hashes=np.concatenate(hashed))
    return tally


def _hashed(waiting: list[tuple[str, ...]], sizes: list[int]) -> Any:
    made = hashes([key for found in waiting for key in found])
    sizes += map(len, waiting)
    waiting.clear()
    return made


def join_parts(folder: Path, count: int) -> None:
    """Make one list of `count` parts, whose files go."""
    paths = [folder / f"part-{number}" for number in range(count)]
    lengths, sizes, hashed = _joined(paths)
    with (folder / "records").open("wb") as whole:
        for path in paths:
            with path.with_suffix(".records").open("rb") as part:
                shutil.copyfileobj(part, whole, 1 << 20)
    for path in paths:
        path.with_suffix(".records").unlink()
        path.with_suffix(".npz").unlink()
    owners = np.repeat(np.arange(len(sizes), dtype=np.uint32), sizes)
    index = KeyIndex.build(hashed.astype(np.uint64, copy=False), owners, len(sizes))
    arrays = {"ends": np.cumsum(lengths), "known": index.known, "starts": index.starts, "rows": index.rows}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def _joined(paths: list[Path]) -> list[Any]:
    arrays = [np.load(path.with_suffix(".npz")) for path in paths]
    nothing = np.zeros(0, dtype=np.int64)
    return [np.concatenate([part[name] for part in arrays]) if arrays else nothing for name in _ARRAYS]


def open_list(folder: Path) -> tuple[Column, KeyIndex]:
    """The records and the index of a list, from mapped files."""
    ends, known, starts, rows = (_mapped(folder / f"{name}.npy") for name in ("ends", "known", "starts", "rows"))
    path = folder / "records"
    data = memoryview(np.memmap(path, dtype=np.uint8, mode="r")) if path.stat().st_size else b""  # type: ignore[arg-type]
    return Column(data, ends), KeyIndex(known, starts, rows, len(ends))


def _mapped(path: Path) -> Any:
    return np.load(path, mmap_mode="r" if path.stat().st_size > _MAPPED_FROM else None)
