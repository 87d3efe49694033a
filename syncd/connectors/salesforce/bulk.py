"""Bulk API 2.0 queries: a job that Salesforce works off by itself, polled, and its results fetched part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from threading import Lock
from typing import Any
from urllib.parse import quote

from syncd.connectors.salesforce import bulkcsv
from syncd.connectors.salesforce.shape import Shape
from syncd.connectors.transport import Transport
from syncd.connectors.wire import Answer
from syncd.errors import IncompleteRead, Retry
from syncd.model import Clock, Row

_PAGE = 2_000
_MOST_RECORDS = 50_000
_MOST_CELLS = 1_000_000  # of one result, which is held in memory as text while it is decoded
_LONG_TEXT = 40  # so many ordinary cells does one of long text weigh
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 120.0  # a third of what has passed, so that a look comes late by no more
_PATIENCE = timedelta(hours=6)
_REST_AFTER_REFUSAL, _REST_AFTER_FAILURE = timedelta(hours=1), timedelta(hours=24)
_REFUSALS = frozenset({400, 403, 404, 405, 409})
_GONE = frozenset({400, 404, 410})


@dataclass(frozen=True, slots=True)
class Job:
    """A bulk query job, and how far its result has been read.

    `since` is when it was made. `total` is how many records it found, None while it works. `locator` names the part of
    the result to fetch next, of which `skip` rows have been read. `again` counts the jobs made before it for the same.
    """

    id: str
    since: str
    total: int | None = None
    locator: str | None = None
    skip: int = 0
    seen: int = 0
    again: int = 0
    done: bool = False

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Job:
        """From what a position carried."""
        return cls(**{name: plain[name] for name in cls.__slots__ if name in plain})

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) not in (None, False)}


class JobGone(Exception):
    """The server knows nothing of the job or of this part of its result any more."""


class BulkDoor:
    """Remembers for which objects the bulk API has been refused, so that it is not asked at every read."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, Lock()
        self._shut: dict[str, datetime] = {}

    def is_open(self, object_: str) -> bool:
        """Whether it is worth trying."""
        with self._lock:
            until = self._shut.get(object_)
            return until is None or self._clock.now() >= until

    def shut(self, object_: str, rest: timedelta) -> None:
        """Do not try for a while."""
        with self._lock:
            self._shut[object_] = self._clock.now() + rest


class BulkRead:
    """Bulk queries for the records of one object."""

    def __init__(
        self,
        transport: Transport,
        base: str,
        clock: Clock,
        door: BulkDoor,
        shape: Shape,
        types: Mapping[str, str | None],
    ) -> None:
        self._transport, self._jobs, self._clock, self._door = transport, f"{base}/jobs/query", clock, door
        self._shape, self._types = shape, types

    @property
    def is_open(self) -> bool:
        """Whether this object can be read so, as far as it is known."""
        return self._door.is_open(self._shape.object) and bulkcsv.convertible(self._shape, self._types)

    def make(self, statement: str, again: int = 0) -> Job | None:
        """A new job; None where Salesforce will not have one: the day's jobs used up, an edition or object without.

        What is wrong with the question itself, or with the day's calls, the REST API says better, asked instead.
        """
        answer = self._transport.call(
            "POST",
            self._jobs,
            template="jobs/query",
            body={"operation": "queryAll", "query": statement},
            accept=_REFUSALS,
        )
        if answer.status >= 300:
            self._door.shut(self._shape.object, _REST_AFTER_REFUSAL)
            return None
        content = self._transport.parsed(answer, "jobs/query")
        id_ = content.get("id") if isinstance(content, dict) else None
        if not isinstance(id_, str) or not id_.isalnum():
            raise Retry("jobs/query: Salesforce did not name the job that it made.")
        return Job(id_, self._clock.now().isoformat(), again=again)

    def pieces(self, job: Job) -> Iterator[tuple[list[Row], Job]]:
        """The rows that are still to come, some at a time, each with where the job stands after them.

        While the job works, pieces without rows come, one after each look at it, so that the caller may stop there.
        Raises JobGone, Retry, or IncompleteRead when the job failed or its result is not what it says.
        """
        wait = _FIRST_WAIT
        while job.total is None:
            self._clock.wait(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT)
            job = self._looked_at(job)
            yield [], job
        while not job.done:
            for rows, further in self._part(job):
                job = further
                yield rows, job
        if job.seen != job.total:
            raise IncompleteRead(f"{self._shape.object}: {job.seen} of {job.total} records of the bulk query came.")

    def _looked_at(self, job: Job) -> Job:
        template = "jobs/query/{id}"
        answer = self._transport.call("GET", f"{self._jobs}/{job.id}", template=template, accept=_GONE)
        if answer.status in _GONE:
            raise JobGone
        content = self._transport.parsed(answer, template)
        state = content.get("state") if isinstance(content, dict) else None
        if state == "JobComplete":
            return replace(job, total=int(content.get("numberRecordsProcessed") or 0))
        if state in ("Failed", "Aborted"):
            self._door.shut(self._shape.object, _REST_AFTER_FAILURE)
            why = str(content.get("errorMessage") or "no reason given")[:200]
            raise IncompleteRead(f"{self._shape.object}: Salesforce ended its bulk query as {state}: {why}.")
        if self._clock.now() - datetime.fromisoformat(job.since) > _PATIENCE:
            self._abort(job)
            raise IncompleteRead(f"{self._shape.object}: the bulk query was not done after {_PATIENCE}; it was ended.")
        return job

    def _abort(self, job: Job) -> None:
        self._door.shut(self._shape.object, _REST_AFTER_FAILURE)
        path, body = f"{self._jobs}/{job.id}", {"state": "Aborted"}
        self._transport.call("PATCH", path, template="jobs/query/{id}", body=body, accept=_GONE)

    def _part(self, job: Job) -> Iterator[tuple[list[Row], Job]]:
        """One part of the result in pages; it is whole when it has as many rows as its header says."""
        answer = self._result(job)
        following = answer.headers.get("Sforce-Locator", "null")
        said = answer.headers.get("Sforce-NumberOfRecords", "")
        decoded, skip, read = bulkcsv.rows(answer.body, self._shape, self._types), job.skip, 0
        while page := list(islice(decoded, _PAGE)):
            read += len(page)
            fresh = page[max(len(page) - (read - skip), 0) :] if read > skip else []
            if fresh:
                job = replace(job, skip=read, seen=job.seen + len(fresh))
                yield fresh, job
        if said.isdigit() and int(said) != read:
            raise Retry(f"{self._shape.object}: a part of the bulk result has {read} rows instead of {said}.")
        more = following not in ("null", "")
        yield [], replace(job, locator=following if more else None, skip=0, done=not more)

    def _result(self, job: Job) -> Answer:
        path = f"{self._jobs}/{job.id}/results?maxRecords={self._records_at_once()}"
        path += f"&locator={quote(job.locator, safe='')}" if job.locator else ""
        template = "jobs/query/{id}/results"
        answer = self._transport.call("GET", path, template=template, headers={"Accept": "text/csv"}, accept=_GONE)
        if answer.status in _GONE:
            raise JobGone
        return answer

    def _records_at_once(self) -> int:
        weights = (_LONG_TEXT if self._types.get(c) == "textarea" else 1 for c in self._shape.columns)
        return max(_PAGE, min(_MOST_RECORDS, _MOST_CELLS // sum(weights)))
