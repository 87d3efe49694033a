"""Reads everything that a window or a sweep holds: in one go, in slices side by side, or by a bulk query, by size.

A position is plain JSON that says how far each slice has come, so that any page can be the last one of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from syncd.connectors.salesforce import soql
from syncd.connectors.salesforce.bulk import BulkRead, Job, JobGone
from syncd.connectors.salesforce.reading import Piece, Reading, TooMuch
from syncd.connectors.salesforce.shape import Shape, Unreadable
from syncd.connectors.salesforce.slices import Slice, boundaries, divided, halves
from syncd.errors import IncompleteRead, SyncdError
from syncd.model import Clock, Page, ReadSpec, Row, Window

_MOST_HALVINGS = 12
_MOST_JOBS = 3


@dataclass(frozen=True, slots=True)
class Scale:
    """From how many rows on a read is done otherwise than page after page.

    From `slices_from` on, where a page takes longer to come than `slow_from` seconds, `readers` slices of it are read
    side by side, which multiplies the speed of a first read for a handful of calls more; a server that answers sooner
    is not waited for, and threads would only get in each other's way. From `bulk_from` on it is one bulk query, which
    spares the day's calls. `rows_per_page` asks for smaller pages than Salesforce's 2,000 (200 at least; 0 leaves it to
    Salesforce).
    """

    slices_from: int = 20_000
    slow_from: float = 0.1
    bulk_from: int = 200_000
    readers: int = 4
    rows_per_page: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """Where a read goes on: its slices, how many of them are read side by side, and the bulk job for the last."""

    slices: tuple[Slice, ...] = ()
    at_once: int = 1
    job: Job | None = None
    total: int | None = None

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Position:
        """From what a page carried; before there were slices, that was a single one."""
        slices = tuple(Slice.of(each) for each in plain.get("slices") or (plain,))
        job = Job.of(plain["job"]) if plain.get("job") else None
        return cls(slices, int(plain.get("at_once") or 1), job, plain.get("total"))

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        if self.done:
            return {"done": True, "seen": sum(s.seen for s in self.slices), "expected": self.expected}
        plain: dict[str, Any] = {"slices": [s.plain() for s in self.slices], "total": self.total}
        plain["at_once"] = self.at_once if self.at_once > 1 else None
        plain["job"] = self.job.plain() if self.job is not None else None
        return {name: value for name, value in plain.items() if value is not None}

    @property
    def done(self) -> bool:
        """Whether everything has been read."""
        return all(s.done for s in self.slices)

    @property
    def expected(self) -> int | None:
        """How many rows there are in all, as last told."""
        told = [s.seen if s.done and s.expected is None else s.expected for s in self.slices]
        known = [count for count in told if count is not None]
        return sum(known) if len(known) == len(told) else self.total

    def moved(self, place: int, at: Slice) -> Position:
        """With one slice further on."""
        return replace(self, slices=(*self.slices[:place], at, *self.slices[place + 1 :]))

    def with_instead(self, place: int, parts: Sequence[Slice]) -> Position:
        """With one slice divided."""
        return replace(self, slices=(*self.slices[:place], *parts, *self.slices[place + 1 :]))


class Pull:
    """One read of one object, from a position to its end. `window` is None for a sweep."""

    def __init__(
        self,
        spec: ReadSpec,
        shape: Shape,
        window: Window | None,
        reading: Reading,
        bulk: Callable[[], BulkRead],
        scale: Scale,
        clock: Clock,
    ) -> None:
        self._object, self._shape, self._window = spec.object, shape, window
        self._reading, self._bulk, self._scale = reading, bulk, scale
        self._clock = clock
        self._answered_in: timedelta | None = None
        self._position = Position()
        self._has_grown = False
        self._halvings = 0

    def pages(self, plain: Mapping[str, Any] | None) -> Iterator[Page]:
        """Every page after the position. Raises IncompleteRead when fewer rows came than the server counts."""
        self._position = self._begun(plain) if plain else self._beginning()
        if self._position.done:
            yield self._page([])
        while not self._position.done:
            if self._position.job is not None:
                yield from self._by_job(self._position.job)
            elif self._position.at_once > 1:
                yield from self._side_by_side()
            else:
                yield from self._one_page()

    def _beginning(self) -> Position:
        return Position(tuple(Slice(*self._bounds(), portion) for portion in range(self._reading.portions)))

    def _begun(self, plain: Mapping[str, Any]) -> Position:
        if "slices" in plain or plain.get("done"):
            return Position.of(plain)
        lower, upper = self._bounds()  # as a position was before there were slices
        return Position((Slice.of({**plain, "lower": lower, "upper": upper}),))

    def _bounds(self) -> tuple[str | None, str | None]:
        if self._window is None:
            return None, None
        lower = soql.instant(self._window.lower) if self._window.lower is not None else None
        return lower, soql.instant(self._window.upper)

    def _page(self, rows: list[Row], unreadable: Unreadable = ()) -> Page:
        position = self._position
        return Page(rows, position.plain(), position.expected, position.done, unreadable)

    def _open(self) -> list[int]:
        return [place for place, at in enumerate(self._position.slices) if not at.done]

    # --- one page after another

    def _one_page(self) -> Iterator[Page]:
        place = self._open()[0]
        if self._grows(self._position.slices[place]):
            return
        asked_at = self._clock.now()
        try:
            piece = self._reading.page(self._position.slices[place])
        except TooMuch as refused:
            self._halve(place, refused)
            return
        self._answered_in = self._clock.now() - asked_at
        if piece.trouble is not None:
            yield from self._ended(piece)
        self._position = self._position.moved(place, piece.at)
        yield self._page(piece.rows, piece.unreadable)

    def _ended(self, piece: Piece) -> Iterator[Page]:
        """What came is not lost, but the place is: without a position everything is read again."""
        yield Page(piece.rows, {}, self._position.expected, False, piece.unreadable)
        raise IncompleteRead(f"{self._object}: {piece.trouble}")

    def _halve(self, place: int, refused: TooMuch) -> None:
        """A slice that the server cannot get through in its time becomes two."""
        at = self._position.slices[place]
        self._halvings += 1
        if self._reading.by_id or self._halvings > _MOST_HALVINGS:
            raise refused.refusal
        begin = datetime.fromisoformat(at.begin) if at.begin else self._reading.earliest(at)
        parts = halves(at, begin) if begin is not None else None
        if parts is None:
            raise refused.refusal
        self._position = self._position.with_instead(place, parts)

    # --- many rows

    def _grows(self, at: Slice) -> bool:
        """Whether so much is left that it is read in another way from now on; decided once, when that is known."""
        if self._has_grown or self._answered_in is None or at.expected is None or len(self._position.slices) > 1:
            return False
        self._has_grown = True
        if at.rest >= self._scale.bulk_from and self._make_job(at):
            return True
        if self._reading.by_id or at.rest < self._scale.slices_from or self._scale.readers < 2 or at.stamp is None:
            return False
        if self._answered_in < timedelta(seconds=self._scale.slow_from):
            return False
        parts = self._divided(at)
        self._position = Position(tuple(parts), self._scale.readers, None, at.expected)
        return True

    def _divided(self, at: Slice) -> list[Slice]:
        assert at.stamp is not None
        assert at.upper is not None
        assert at.expected is not None
        first, last = (datetime.fromisoformat(text) for text in (at.stamp, min(at.upper, at.asked or at.upper)))
        ends = boundaries(
            first, last, at.seen, at.expected, self._scale.readers, lambda end: self._reading.count_until(at, end)
        )
        return divided(at, ends)

    def _side_by_side(self) -> Iterator[Page]:
        """Pages of several slices as they come. The next page of a slice is asked for while its last one is used.

        After a failure nothing more is asked, and what was under way is still given.
        """
        waiting, asked = self._open(), dict[Future[Piece], int]()
        failed: list[tuple[int, Piece | SyncdError | TooMuch]] = []
        with ThreadPoolExecutor(self._position.at_once) as pool:
            while asked or (waiting and not failed):
                while waiting and not failed and len(asked) < self._position.at_once:
                    place = waiting.pop(0)
                    asked[pool.submit(self._reading.page, self._position.slices[place])] = place
                for future in wait(asked, return_when=FIRST_COMPLETED).done:
                    place, piece = asked.pop(future), _outcome(future)
                    if not isinstance(piece, Piece) or piece.trouble is not None:
                        failed.append((place, piece))
                        continue
                    self._position = self._position.moved(place, piece.at)
                    if not piece.at.done and not failed:
                        asked[pool.submit(self._reading.page, piece.at)] = place
                    yield self._page(piece.rows, piece.unreadable)
        for place, outcome in sorted(failed, key=lambda each: -each[0]):  # halving moves those behind
            yield from self._failed(place, outcome)

    def _failed(self, place: int, outcome: Piece | SyncdError | TooMuch) -> Iterator[Page]:
        if isinstance(outcome, SyncdError):
            raise outcome
        if isinstance(outcome, Piece):
            yield from self._ended(outcome)
        else:
            self._halve(place, outcome)

    # --- very many rows

    def _make_job(self, at: Slice, again: int = 0) -> bool:
        bulk = self._bulk()
        if not bulk.is_open:
            return False
        statement = soql.select(self._shape.columns, self._object, self._reading.conditions(at))
        job = bulk.make(statement, again)
        if job is not None:
            self._position = replace(self._position, job=job, total=at.expected)
        return job is not None

    def _by_job(self, job: Job) -> Iterator[Page]:
        """The rest of the slice from a bulk job, which is in the position before it is waited for."""
        place = self._open()[0]
        at = self._position.slices[place]
        yield self._page([])
        try:
            for rows, further in self._bulk().pieces(job):
                job = further
                self._position = replace(self._position, job=job)
                yield self._page(rows)
        except JobGone:
            self._begin_job_again(at, job)
            return
        at = replace(at, locator=None, seen=at.seen + job.seen)
        if at.rest and not self._reading.is_all(at):
            yield from self._ended(Piece([], (), at, f"{at.seen} of {at.expected} records came."))
        self._position = replace(self._position.moved(place, replace(at, expected=at.seen, done=True)), job=None)
        yield self._page([])

    def _begin_job_again(self, at: Slice, job: Job) -> None:
        """The job or its result is no longer kept: another one from where it began, or no job at all."""
        if job.again >= _MOST_JOBS:
            raise IncompleteRead(f"{self._object}: Salesforce forgot {job.again + 1} bulk queries in a row.")
        self._position, self._has_grown = replace(self._position, job=None), False
        self._make_job(at, job.again + 1)


def _outcome(future: Future[Piece]) -> Piece | SyncdError | TooMuch:
    try:
        return future.result()
    except (SyncdError, TooMuch) as error:
        return error
