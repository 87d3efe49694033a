"""The index of keys that linking searches: kept in the process and in a cache file, always as the store has it.

The file is stamped with the state that it belongs to, the frozen statistics, the position in the order of changes and
the run that wrote it. A file of another state or version, a torn one, or one that knows of changes which this state
never saw, is built anew from the store. A good one follows the changes since. It is replaced as a whole, so that
several processes may read and write it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary
from zlib import crc32

import numpy as np
import orjson
import sqlalchemy as sa

from syncd.jobs.frozen import Frozen
from syncd.jobs.search import StorePostings
from syncd.jobs.work import Work
from syncd.matching.neighbours import Kind, Near, Postings, Rarity
from syncd.matching.postings import Arrays, Builder, PackedPostings, Said
from syncd.model import Ref
from syncd.store import graph, runs
from syncd.store.database import Store

BUILT_FROM = 200
"""From this many changed accounts on, building an index is cheaper than asking the store for the keys of some."""
MERGED_FROM, MERGED_SHARE = 5_000, 0.02
"""So many records that came or changed, and this share of all, are merged into a new file."""

_MAGIC = b"syncd keys 1\n\0\0\0"
_ALIGNED = 64


@dataclass(slots=True)
class Open:
    """An index in use: whose it is, the change up to which it has followed, the linking run whose reaches it has."""

    postings: PackedPostings
    generation: str
    version: str
    change: int
    linked: int = -1


@dataclass(frozen=True, slots=True)
class AtHand:
    """What a run searches, and the state that it is of: its generation, and how many runs have linked in it."""

    postings: Postings
    generation: str
    linked: int


_OPEN: WeakKeyDictionary[Store, Open] = WeakKeyDictionary()


def at_hand(tx: sa.Connection, work: Work, frozen: Frozen, changed: int, run: str) -> AtHand:
    """The postings as they are now: an index that is open or filed, a new one if so many changes are worth it, else
    the store itself. `run` is the id of the run that asks."""
    linked, generation = graph.get_progress(tx, "index")
    change = graph.last_rekeyed(tx)
    found = _OPEN.pop(work.store, None)
    if found is None or not _is_of(found, generation, frozen, change):
        found = _filed(tx, work, generation, frozen, change)
    generation = generation or secrets.token_hex(8)
    if found is None and changed < BUILT_FROM:
        return AtHand(StorePostings(tx, frozen.rarity), generation, linked)
    found = found or _saved(work, Open(build(tx, frozen.rarity), generation, frozen.version, change), run)
    _follow(tx, found, change)
    if found.postings.overlay >= max(MERGED_FROM, MERGED_SHARE * len(found.postings)):
        merged = PackedPostings(found.postings.merged(), frozen.rarity)
        found = _saved(work, Open(merged, generation, frozen.version, change), run)
    if found.linked != linked:
        found.postings.forget_reaches()
        found.postings.reaches(graph.all_reaches(tx))
        found.linked = linked
    _OPEN[work.store] = found
    return AtHand(found.postings, generation, linked)


def _is_of(found: Open, generation: str, frozen: Frozen, change: int) -> bool:
    return (found.generation, found.version) == (generation, frozen.version) and found.change <= change


def note_linked(tx: sa.Connection, used: AtHand) -> None:
    """In the transaction that writes what a run found: another run has linked."""
    graph.set_progress(tx, "index", used.linked + 1, used.generation)


def follow_linked(used: AtHand, listed: Iterable[Ref], reach: Mapping[Ref, Near]) -> None:
    """After that transaction: the lists of these companies were looked up, and end where `reach` says."""
    for found in list(_OPEN.values()):
        if found.postings is used.postings:
            found.postings.reaches([(ref, -last.minus) for ref, last in reach.items()], listed)
            found.linked = used.linked + 1


def _follow(tx: sa.Connection, found: Open, change: int) -> None:
    """Take over what came, went and changed since."""
    refs = graph.rekeyed_since(tx, found.change) if change > found.change else []
    for some in graph.chunks(refs):
        said = graph.keys_of(tx, some)
        found.postings.follow({ref: _said(said.get(ref)) for ref in some})
    found.change = change


def _said(kinds: Mapping[str, Sequence[str]] | None) -> Said | None:
    if kinds is None:
        return None
    role: Kind = "direct" if "direct" in kinds else "filed"
    return Said(role, kinds.get(role, ()), kinds.get("asking", ()))


def build(tx: sa.Connection, rarity: Rarity) -> PackedPostings:
    """An index of all keys there are."""
    builder = Builder(rarity)
    numbers: dict[tuple[str, str, str], int] = {}
    for refs in graph.ordered_refs(tx):
        builder.number(refs)
        numbers.update(zip(refs, range(len(numbers), len(numbers) + len(refs)), strict=True))
    for rows in graph.ordered_keys(tx):
        by: dict[str, tuple[list[str], list[int]]] = {}
        for key, kind, *ref in rows:
            number = numbers.get(tuple(ref))  # type: ignore[arg-type]
            if number is not None:
                found = by.setdefault(kind, ([], []))
                found[0].append(key)
                found[1].append(number)
        for kind, (texts, owners) in by.items():
            builder.add(kind, texts, owners)  # type: ignore[arg-type]
    return PackedPostings(builder.packed(), rarity)


# --- the file --------------------------------------------------------------------------------------------------------


def path_of(work: Work) -> Path | None:
    """Where the file of this state lies: in the configured folder, else beside an SQLite database; None nowhere."""
    store = work.store
    if work.index_folder is not None:
        name = blake2b(store.shown_url.encode(), digest_size=8).hexdigest()
        return work.index_folder / f"syncd-{name}.index"
    return None if store.path is None else store.path.with_name(store.path.name + ".index")


def _saved(work: Work, found: Open, run: str) -> Open:
    """The same from a file that was written; as it is where none can be."""
    path = path_of(work)
    if path is None:
        return found
    stamp = {"generation": found.generation, "version": found.version, "change": found.change, "run": run}
    try:
        _write(path, stamp, found.postings.merged() if found.postings.overlay else found.postings.arrays)
    except OSError:
        return found  # a folder that is read-only or full costs time, not links
    again = _read(path)
    if again is None or again[0] != stamp:
        return found  # another process was faster
    return Open(PackedPostings(again[1], found.postings.rarity), found.generation, found.version, found.change)


def _filed(tx: sa.Connection, work: Work, generation: str, frozen: Frozen, change: int) -> Open | None:
    """The index in the file, if it is one of this state and version."""
    path = path_of(work)
    read = None if path is None or not generation else _read(path)
    if read is None:
        return None
    stamp, arrays = read
    if (stamp["generation"], stamp["version"]) != (generation, frozen.version):
        return None
    if stamp["change"] > change or not runs.is_known(tx, stamp["run"]):
        return None  # written by a future that this state, restored from a copy, never had
    return Open(PackedPostings(arrays, frozen.rarity), generation, frozen.version, stamp["change"])


def _write(path: Path, stamp: Mapping[str, Any], arrays: Arrays) -> None:
    parts = {name: np.ascontiguousarray(getattr(arrays, name)) for name in Arrays.__slots__}
    about = {name: (array.dtype.str, len(array)) for name, array in parts.items()}
    head = orjson.dumps({"stamp": stamp, "arrays": about})
    blocks: list[Any] = [head, b"\0" * (-len(head) % _ALIGNED)]
    for array in parts.values():
        blocks += [array.view(np.uint8).data, b"\0" * (-array.nbytes % _ALIGNED)]
    check = 0
    for block in blocks:
        check = crc32(block, check)
    prefix = _MAGIC + len(head).to_bytes(8, "little") + check.to_bytes(8, "little")
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines([prefix.ljust(_ALIGNED, b"\0"), *blocks])
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()


def _read(path: Path) -> tuple[dict[str, Any], Arrays] | None:
    """The stamp and the arrays, which stay in the file; None when there is no whole file of this kind."""
    try:
        data = np.memmap(path, dtype=np.uint8, mode="r")
        prefix = data[:_ALIGNED].tobytes()
        size, check = (int.from_bytes(prefix[at : at + 8], "little") for at in (16, 24))
        if prefix[:16] != _MAGIC or crc32(data[_ALIGNED:]) != check:  # type: ignore[arg-type]
            return None
        head = orjson.loads(data[_ALIGNED : _ALIGNED + size].tobytes())
        return head["stamp"], Arrays(**dict(_arrays(data, _ALIGNED + size, head["arrays"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _arrays(data: np.memmap[Any, Any], at: int, about: Mapping[str, tuple[str, int]]) -> Iterable[tuple[str, Any]]:
    for name, (kind, count) in about.items():
        at += -at % _ALIGNED
        size = np.dtype(kind).itemsize * count
        yield name, np.asarray(data[at : at + size]).view(kind)
        at += size
