"""Links whole lists: both are read into packed columns and key indexes on disk, then compared by several processes.

Memory holds the hashed keys and what the operating system keeps of the mapped files, never a list of all records.
Engines differ in where the work is done, and in nothing else: `process` in processes of this machine, `duckdb` the
same with the candidates found by DuckDB, `spark` on the machines of a Spark cluster that all see one folder.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Protocol, TypeVar

from syncd.errors import UserError
from syncd.jobs.bulk_lists import Part, join_parts, open_list, store_part
from syncd.jobs.bulk_pool import Pool
from syncd.matching import Linker, Parsed, Statistics, Weights, link_all
from syncd.matching.points import Cell
from syncd.matching.score import telling
from syncd.matching.sides import DIRECT, FILED, Side
from syncd.matching.statistics import Tally
from syncd.matching.stretch import Compared, compare, edge_of, heaps
from syncd.model import Account, Band, Link, Ref

Progress = Callable[[str, int, int], None]
Cells = tuple[Cell, ...]
T = TypeVar("T")
R = TypeVar("R")

ENGINES = ("process", "duckdb", "spark")
IN_MEMORY = 30_000
"""Records of both lists below which they are linked in memory, by this process alone."""

_STRETCH = 2_000  # filed companies compared in one task
_HEAP = 4_000  # pairs decided in one task
_PART = 20_000  # accounts read in one task


class Workers(Protocol):
    """Where work is done: `run` does something to every item, and gives the results in order."""

    def run(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """`work` and the items must be picklable."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """How pairs are judged and where. Without weights the shipped points table holds."""

    auto: float = 0.97
    review: float = 0.10
    weights: Weights | None = None
    engine: str = "process"

    def linker(self, statistics: Statistics) -> Linker:
        """The linker that judges so."""
        return Linker(statistics, self.weights, self.auto, self.review)


@dataclass(frozen=True, slots=True)
class BulkLink:
    """A link as it is written to a file."""

    left: str
    right: str
    score: float
    points: float
    band: Band
    reason: str


def link_lists(filed: Sequence[Account], direct: Sequence[Account], settings: Settings | None = None,
               tell: Progress | None = None) -> list[BulkLink]:  # fmt: skip
    """Link two lists that are at hand, best first; large ones in several processes."""
    settings = settings or Settings()
    if settings.engine == "process" and len(filed) + len(direct) < IN_MEMORY:
        found = link_all(filed, direct, weights=settings.weights, auto=settings.auto, review=settings.review,
                         progress=tell)  # fmt: skip
        return [_as_written(link, "; ".join(e.sentence for e in telling(link.evidence))) for link in found]
    with tempfile.TemporaryDirectory(prefix="syncd-match-") as folder, workers_of(settings.engine) as workers:
        here = Path(folder)
        tallies = store(_parts(filed), here / "filed", workers, tell)
        tallies += store(_parts(direct), here / "direct", workers, tell)
        links = link_stored(here / "filed", here / "direct", Statistics.of(tallies), settings, workers, tell)
        return sorted(links, key=lambda link: (-link.score, link.left, link.right))


def workers_of(engine: str, count: int | None = None) -> AbstractContextManager[Workers]:
    """The workers of an engine. Raises UserError when it is not installed."""
    if engine == "spark":
        from syncd.jobs.bulk_spark import Spark

        return Spark(count)
    if engine not in ENGINES:
        raise UserError(f"There is no engine {engine}. Choose one of {', '.join(ENGINES)}.")
    return Pool(count)


def _parts(accounts: Sequence[Account]) -> list[Part]:
    return [partial(list, accounts[start : start + _PART]) for start in range(0, len(accounts), _PART)]


def _as_written(link: Link, reason: str) -> BulkLink:
    return BulkLink(link.left.id, link.right.id, link.score, link.points, link.band, reason)


def store(parts: Sequence[Part], folder: Path, workers: Workers, tell: Progress | None = None) -> list[Tally]:
    """Read a list into `folder` as columns and a key index; returns the counts for the statistics."""
    folder.mkdir(parents=True, exist_ok=True)
    tallies: list[Tally] = []
    for tally in workers.run(partial(_store_one, folder), list(enumerate(parts))):
        tallies.append(tally)
        if tell:
            tell(f"read {folder.name}", len(tallies), len(parts))
    join_parts(folder, len(parts))
    return tallies


def _store_one(folder: Path, part: tuple[int, Part]) -> Tally:
    return store_part(part[1], folder / f"part-{part[0]}")


def link_stored(filed: Path, direct: Path, statistics: Statistics, settings: Settings, workers: Workers,
                tell: Progress | None = None) -> Iterator[BulkLink]:  # fmt: skip
    """Link the filed companies to the accounts; every link above the band none, in heaps that are each best first."""
    compared: list[Compared] = []
    for found in compare_stored(filed, direct, statistics, settings, workers, tell):
        compared += found
    for links in workers.run(partial(_decide, _job_of(filed, direct)), heaps(compared, _HEAP)):
        yield from links


def compare_stored(filed: Path, direct: Path, statistics: Statistics, settings: Settings, workers: Workers,
                   tell: Progress | None = None) -> Iterator[list[Compared]]:  # fmt: skip
    """Every pair worth keeping, stretch after stretch of the filed companies; a pair of two of them may come twice."""
    records, index = open_list(filed)
    if settings.engine == "duckdb":
        from syncd.jobs.bulk_duckdb import write_keys

        for folder, keys in ((filed, index), (direct, open_list(direct)[1])):
            write_keys(folder, keys)
    job = _job_of(filed, direct)
    job.write_bytes(pickle.dumps((filed, direct, statistics, settings)))
    starts = range(0, len(records), _STRETCH)
    for done, found in enumerate(workers.run(partial(_compare, job), starts), 1):
        yield found
        if tell:
            tell("compare", min(done * _STRETCH, len(records)), len(records))


def _job_of(filed: Path, direct: Path) -> Path:
    return filed.parent / f"{filed.name}-{direct.name}.job"


class _Job:
    """Both lists and the linker, opened once in each process."""

    def __init__(self, filed: Path, direct: Path, statistics: Statistics, settings: Settings) -> None:
        self.sides = (_side(filed, settings.engine), _side(direct, settings.engine))
        self.linker = settings.linker(statistics)

    def decide(self, heap: Sequence[Compared]) -> list[BulkLink]:
        """The links of pairs whose records meet nobody outside of the heap."""
        places = {place for pair in heap for place in (pair.one, pair.other)}
        records = {place: self.sides[place[0]].records[place[1]] for place in places}
        direct = {records[place].ref for place in places if place[0] == DIRECT}
        known = {record.ref: record for record in records.values()}
        edges = [edge_of(pair, records.__getitem__, self.linker) for pair in heap]
        decided = self.linker.decide(edges, lambda ref: "direct" if ref in direct else "filed", {})
        held = {(edge.a, edge.b): pair.cells for edge, pair in zip(edges, heap, strict=True)}
        links = [link for link in decided.links if link.left not in direct and link.right in direct]
        return [self._in_words(link, known, held) for link in sorted(links, key=lambda k: (-k.score, k.left, k.right))]

    def _in_words(self, link: Link, known: Mapping[Ref, Parsed], held: Mapping[tuple[Ref, Ref], Cells]) -> BulkLink:
        pair = (min(link.left, link.right), max(link.left, link.right))
        return _as_written(link, self.linker.reason(link, known[link.left], known[link.right], held[pair]))


def _side(folder: Path, engine: str) -> Side:
    records, index = open_list(folder)
    if engine == "duckdb":
        from syncd.jobs.bulk_duckdb import DuckIndex

        return Side(records, DuckIndex(folder, index.records))
    return Side(records, index)


@lru_cache(maxsize=1)
def _opened(job: Path) -> _Job:
    return _Job(*pickle.loads(job.read_bytes()))  # noqa: S301 - written by the process that gave the task


def _compare(job: Path, start: int) -> list[Compared]:
    opened = _opened(job)
    return compare(opened.sides, opened.linker, start, min(start + _STRETCH, len(opened.sides[FILED].records)))


def _decide(job: Path, heap: Sequence[Compared]) -> list[BulkLink]:
    return _opened(job).decide(heap)
