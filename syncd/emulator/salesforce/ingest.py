"""Bulk API 2.0 ingest: jobs that take a CSV file, work through it on the clock, and tell each record's fate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from syncd.emulator.http import Call, Reply
from syncd.emulator.log import Actor
from syncd.emulator.salesforce.bulkcsv import DELIMITERS, LINE_ENDINGS, Dialect, Line, Unreadable
from syncd.emulator.salesforce.bulkwrite import Columns, Outcome, columns, write
from syncd.emulator.salesforce.errors import not_found, refused
from syncd.emulator.salesforce.ids import mint, normal
from syncd.emulator.salesforce.rows import actor_of, json_object
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.store import Org
from syncd.emulator.salesforce.usage import BATCHES
from syncd.emulator.salesforce.values import wire_time

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
BATCH = 10_000
MOST_BYTES = 150_000_000 * 3 // 4  # 150 MB once it is in base64
KEPT = timedelta(days=7)
ENDED = ("JobComplete", "Failed", "Aborted")


@dataclass(slots=True)
class Job:
    """One job and what became of its records so far."""

    id: str
    sobject: SObject
    operation: str
    key: Field | None
    dialect: Dialect
    version: str
    actor: Actor
    created: datetime
    state: str = "Open"
    changed: datetime | None = None
    content: bytes | None = None
    error: str | None = None
    header: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    plan: Columns | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    due: datetime | None = None
    started: datetime | None = None

    def move(self, state: str, at: datetime) -> None:
        """Enter a state."""
        self.state, self.changed = state, at

    def info(self, full: bool) -> dict[str, Any]:
        """The job as JSON; `full` adds the figures of its work."""
        told: dict[str, Any] = {
            "id": self.id, "operation": self.operation, "object": self.sobject.name, "createdById": self.actor.id,
            "createdDate": wire_time(self.created), "systemModstamp": wire_time(self.changed or self.created),
            "state": self.state, "concurrencyMode": "Parallel", "contentType": "CSV",
            "apiVersion": float(self.version[1:]), "lineEnding": self.dialect.line_ending,
            "columnDelimiter": self.dialect.delimiter,
        }  # fmt: skip
        if self.key is not None:
            told["externalIdFieldName"] = self.key.name
        if self.state == "Open":
            told["contentUrl"] = f"services/data/{self.version}/jobs/ingest/{self.id}/batches"
        return told | (self._figures() if full else {})

    def _figures(self) -> dict[str, Any]:
        spent = (self.changed or self.created) - (self.started or self.changed or self.created)
        milliseconds = int(spent.total_seconds() * 1000)
        return {
            "jobType": "V2Ingest", "numberRecordsProcessed": len(self.outcomes),
            "numberRecordsFailed": sum(1 for one in self.outcomes if one.error is not None), "retries": 0,
            "totalProcessingTime": milliseconds, "apiActiveProcessingTime": milliseconds, "apexProcessingTime": 0,
        } | ({} if self.error is None else {"errorMessage": self.error})  # fmt: skip


class Ingest:
    """The resources below /jobs/ingest; work goes on as time passes."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._jobs: dict[str, Job] = {}
        org.as_time_passes(self._pass_time)

    # --- the life of a job

    def create(self, call: Call) -> Reply:
        """POST /jobs/ingest"""
        body = json_object(call)
        operation, sobject = body.get("operation"), self._org.find(str(body.get("object")))
        if operation not in OPERATIONS:
            raise refused(400, "INVALIDJOB", f"operation: one of {', '.join(OPERATIONS)} is required")
        if sobject is None:
            raise refused(400, "INVALIDENTITY", f"Entity '{body.get('object')}' is not supported by the Bulk API.")
        if operation == "hardDelete" and not self._org.hard_delete_allowed:
            raise refused(400, "FEATURENOTENABLED", "hardDelete operation requires special user profile permission")
        if not self._org.usage.left(BATCHES):
            raise refused(400, "EXCEEDEDQUOTA", "ApiBatchItems Limit exceeded.")
        number = self._org.random.randrange(62**9)
        job = Job(
            mint("750", number, self._org.instance), sobject, operation, _key(sobject, operation, body),
            _dialect(body), call.args["version"], actor_of(self._org, call), self._org.clock.now(),
        )  # fmt: skip
        self._jobs[job.id] = job
        return Reply.json(job.info(full=False))

    def upload(self, call: Call) -> Reply:
        """PUT /jobs/ingest/{id}/batches: once per job"""
        job = self._job(call)
        if job.state != "Open" or job.content is not None:
            message = f"Found multiple contents for job: <{job.id}>" if job.content else f"The job is {job.state}"
            raise refused(400, "INVALIDJOBSTATE", message)
        if len(call.body) > MOST_BYTES:
            raise refused(400, "INVALIDBATCH", "The data exceeds 150 MB in base64.")
        job.content = call.body
        return Reply(201)

    def move(self, call: Call) -> Reply:
        """PATCH /jobs/ingest/{id}: UploadComplete or Aborted"""
        job, state, now = self._job(call), json_object(call).get("state"), self._org.clock.now()
        allowed = {"UploadComplete": ("Open",), "Aborted": ("Open", "UploadComplete", "InProgress")}
        if state not in allowed:
            raise refused(400, "INVALIDJOBSTATE", "state: UploadComplete or Aborted is required")
        if job.state not in allowed[state]:
            raise refused(400, "INVALIDJOBSTATE", f"{state} is not allowed for a job that is {job.state}")
        job.move(state, now)
        job.due = now + timedelta(seconds=self._org.bulk_pace.queued) if state == "UploadComplete" else None
        return Reply.json(job.info(full=False))

    def info(self, call: Call) -> Reply:
        """GET /jobs/ingest/{id}"""
        return Reply.json(self._job(call).info(full=True))

    def every(self, call: Call) -> Reply:
        """GET /jobs/ingest"""
        records = [job.info(full=False) | {"jobType": "V2Ingest"} for job in self._jobs.values()]
        return Reply.json({"done": True, "nextRecordsUrl": None, "records": records})

    def delete(self, call: Call) -> Reply:
        """DELETE /jobs/ingest/{id}"""
        job = self._job(call)
        if job.state in ("Open", "InProgress"):
            raise refused(400, "INVALIDJOBSTATE", f"A job that is {job.state} cannot be deleted; abort it first.")
        del self._jobs[job.id]
        return Reply(204)

    # --- results

    def successful(self, call: Call) -> Reply:
        """GET /jobs/ingest/{id}/successfulResults"""
        return self._results(call, ["sf__Id", "sf__Created"], _succeeded)

    def failed(self, call: Call) -> Reply:
        """GET /jobs/ingest/{id}/failedResults"""
        return self._results(call, ["sf__Id", "sf__Error"], _failed)

    def unprocessed(self, call: Call) -> Reply:
        """GET /jobs/ingest/{id}/unprocessedrecords"""
        return self._results(call, [], _unprocessed)

    def _results(self, call: Call, extra: list[str], lines: Callable[[Job], Iterator[list[str]]]) -> Reply:
        job = self._job(call)
        if job.state not in ENDED:
            raise refused(400, "INVALIDJOBSTATE", f"The job is {job.state}; its results are not ready.")
        if job.state == "Failed" and not extra:
            return Reply(200, job.content or b"", {"Content-Type": "text/csv;charset=UTF-8"})
        found = list(lines(job))
        body = job.dialect.write([*extra, *job.header], found)
        return Reply(200, body, {"Content-Type": "text/csv;charset=UTF-8"}, records=len(found))

    def _job(self, call: Call) -> Job:
        job = self._jobs.get(normal(call.args["id"]) or "")
        if job is None:
            raise not_found()
        return job

    # --- work

    def _pass_time(self, now: datetime) -> None:
        for job in list(self._jobs.values()):
            if job.created + KEPT <= now:
                del self._jobs[job.id]
            while job.due is not None and job.due <= now:
                self._work(job, job.due)

    def _work(self, job: Job, at: datetime) -> None:
        if job.state == "UploadComplete":
            self._start(job, at)
        else:
            start = len(job.outcomes)
            for line in job.lines[start : start + BATCH]:
                job.outcomes.append(self._outcome(job, line))
            job.changed = at
        if job.state == "InProgress" and len(job.outcomes) == len(job.lines):
            job.move("JobComplete", at)
        more = job.state == "InProgress"
        job.due = at + timedelta(seconds=self._org.bulk_pace.per_batch) if more else None

    def _start(self, job: Job, at: datetime) -> None:
        try:
            job.header, job.lines = job.dialect.parse(job.content or b"")
            job.plan = columns(job.sobject, job.operation, job.key, job.header)
        except Unreadable as error:
            job.error = str(error)
            job.move("Failed", at)
            return
        self._org.usage.count(BATCHES, -(-len(job.lines) // BATCH))
        job.started = at
        job.move("InProgress", at)

    def _outcome(self, job: Job, line: Line) -> Outcome:
        if line.error is not None or job.plan is None:
            return Outcome(None, False, f"INVALID_CSV:{line.error}:--")
        return write(self._org, job.sobject, job.operation, job.plan, line.cells, job.actor)


def _key(sobject: SObject, operation: str, body: dict[str, Any]) -> Field | None:
    if operation != "upsert":
        return None
    name = body.get("externalIdFieldName")
    found = sobject.field(str(name))
    if found is None or not (found.external_id or found.type == "id"):
        raise refused(400, "INVALIDJOB", f"externalIdFieldName: {name} is no external id of {sobject.name}")
    return found


def _dialect(body: dict[str, Any]) -> Dialect:
    if body.get("contentType", "CSV") != "CSV":
        raise refused(400, "INVALIDJOB", "contentType: only CSV is supported")
    delimiter, ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
    if delimiter not in DELIMITERS or ending not in LINE_ENDINGS:
        raise refused(400, "INVALIDJOB", f"columnDelimiter or lineEnding is unknown: {delimiter}, {ending}")
    return Dialect(delimiter, ending)


def _succeeded(job: Job) -> Iterator[list[str]]:
    for line, outcome in zip(job.lines, job.outcomes, strict=False):
        if outcome.error is None:
            yield [outcome.id or "", str(outcome.created).lower(), *line.cells]


def _failed(job: Job) -> Iterator[list[str]]:
    for line, outcome in zip(job.lines, job.outcomes, strict=False):
        if outcome.error is not None:
            yield [outcome.id or "", outcome.error, *line.cells]


def _unprocessed(job: Job) -> Iterator[list[str]]:
    return (line.cells for line in job.lines[len(job.outcomes) :])
