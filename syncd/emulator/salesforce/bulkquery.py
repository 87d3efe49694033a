"""Bulk API 2.0 query: a job runs a query in the background and keeps its answer as CSV for seven days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from syncd.emulator.http import Call, Refused, Reply
from syncd.emulator.salesforce import sheets
from syncd.emulator.salesforce.aggregate import is_aggregate
from syncd.emulator.salesforce.errors import not_found, refused
from syncd.emulator.salesforce.ids import base62, mint, number_of
from syncd.emulator.salesforce.plan import Plan, Planner
from syncd.emulator.salesforce.query import as_refused
from syncd.emulator.salesforce.rows import json_object
from syncd.emulator.salesforce.schema import Field
from syncd.emulator.salesforce.soql import SoqlError, parse
from syncd.emulator.salesforce.store import Org
from syncd.emulator.salesforce.syntax import Children, Select, TypeOf
from syncd.emulator.salesforce.usage import QUERY_JOBS
from syncd.emulator.salesforce.values import wire_time
from syncd.emulator.variants import Variants

KEPT = timedelta(days=7)
RESULT_PAGE, MOST_LINKS, LISTED, BATCH = 50_000, 5, 1000, 10_000
PARALLEL_FROM = 58  # API version
_OPEN, _ENDED = ("UploadComplete", "InProgress"), ("JobComplete", "Failed", "Aborted")


@dataclass(slots=True)
class _Job:
    """One job; `lines` are the CSV records of its answer once it has run."""

    id: str
    text: str
    operation: str
    version: str
    user: str | None
    created: datetime
    starts: datetime
    sheet: sheets.Dialect
    object: str
    state: str = "UploadComplete"
    ends: datetime | None = None
    changed: datetime | None = None
    error: str = ""
    header: bytes = b""
    lines: list[bytes] = field(default_factory=list)


class BulkQueries:
    """The resources below /jobs/query."""

    def __init__(self, org: Org, variants: Variants) -> None:
        self._org, self._variants = org, variants
        self._jobs: dict[str, _Job] = {}
        org.as_time_passes(self._pass_time)

    # --- resources

    def create(self, call: Call) -> Reply:
        """POST /jobs/query"""
        body = json_object(call)
        operation, text = body.get("operation"), body.get("query")
        if operation not in ("query", "queryAll"):
            raise refused(400, "INVALIDOPERATION", f"Operation must be query or queryAll: {operation}")
        if not isinstance(text, str) or not text.strip():
            raise refused(400, "MISSING_ARGUMENT", "query is required")
        dialect = sheets.dialect(body)
        plan = self._checked(text, operation)
        if not self._org.usage.left(QUERY_JOBS):
            raise refused(403, "REQUEST_LIMIT_EXCEEDED", f"{QUERY_JOBS} Limit exceeded.")
        self._org.usage.count(QUERY_JOBS)
        job = self._made(call, text, operation, dialect, plan)
        return Reply.json(self._info(job), 200)

    def read(self, call: Call) -> Reply:
        """GET /jobs/query/{id}"""
        return Reply.json(self._info(self._job(call), whole=True))

    def listed(self, call: Call) -> Reply:
        """GET /jobs/query: the newest first"""
        start = int(call.params().get("queryLocator", "0") or 0)
        jobs = sorted(self._jobs.values(), key=lambda job: (job.created, job.id), reverse=True)
        more = len(jobs) > start + LISTED
        url = f"/services/data/{call.args['version']}/jobs/query?queryLocator={start + LISTED}" if more else None
        records = [self._info(job) for job in jobs[start : start + LISTED]]
        return Reply.json({"done": not more, "nextRecordsUrl": url, "records": records}, records=len(records))

    def change(self, call: Call) -> Reply:
        """PATCH /jobs/query/{id} with state Aborted"""
        job, state = self._job(call), json_object(call).get("state")
        if state != "Aborted":
            raise refused(400, "INVALIDJOBSTATE", f"The job state may only be changed to Aborted, not to {state}")
        if job.state not in _OPEN:
            raise refused(400, "INVALIDJOBSTATE", f"Aborting already {job.state} job not allowed")
        self._move(job, "Aborted")
        return Reply.json(self._info(job, whole=True))

    def delete(self, call: Call) -> Reply:
        """DELETE /jobs/query/{id}"""
        job = self._job(call)
        if job.state == "InProgress":
            raise refused(400, "INVALIDJOBSTATE", "A job in progress cannot be deleted; abort it first")
        del self._jobs[job.id]
        return Reply(204)

    def results(self, call: Call) -> Reply:
        """GET /jobs/query/{id}/results?maxRecords=…&locator=…"""
        job, params = self._complete(call), call.params()
        start = self._start(job, params.get("locator"))
        count = _positive(params.get("maxRecords")) or RESULT_PAGE
        lines = job.lines[start : start + count]
        more = start + count < len(job.lines)
        headers = {"Content-Type": "text/csv", "Sforce-NumberOfRecords": str(len(lines)),
                   "Sforce-Locator": _locator(job, start + count) if more else "null"}  # fmt: skip
        return Reply(200, b"".join([job.header, *lines]), headers, records=len(lines))

    def pages(self, call: Call) -> Reply:
        """GET /jobs/query/{id}/resultPages: locators for up to five parts that may be read at the same time"""
        if int(call.args["version"][1:3]) < PARALLEL_FROM:
            raise not_found()
        job = self._complete(call)
        starts = range(self._start(job, call.params().get("locator")), max(len(job.lines), 1), RESULT_PAGE)
        observed = self._variants.salesforce_result_pages == "observed"
        base = "" if observed else f"/services/data/{call.args['version']}"
        path = f"/jobs/query/{job.id}/results?locator="
        key, link = ("resultChunks", "resultLink") if observed else ("resultPages", "resultUrl")
        links = [{link: f"{base}{path}{_locator(job, start)}"} for start in starts[:MOST_LINKS]]
        more = None
        if len(starts) > MOST_LINKS:
            more = f"{base}/jobs/query/{job.id}/resultPages?locator={_locator(job, starts[MOST_LINKS])}"
        return Reply.json({key: links, "nextRecordsUrl": more, "done": more is None})

    # --- running

    def _checked(self, text: str, operation: str) -> Plan:
        try:
            select = parse(text)
            _refuse_what_bulk_lacks(select)
            plan = Planner(self._org, self._variants, operation == "queryAll").plan(select)
        except SoqlError as error:
            raise as_refused(text, error) from None
        if any(isinstance(one, Field) and one.type == "address" for one in plan.shape.entries.values()):
            raise _not_enabled("Selecting compound data not supported in Bulk Query")
        return plan

    def _made(self, call: Call, text: str, operation: str, dialect: sheets.Dialect, plan: Plan) -> _Job:
        now = self._org.clock.now()
        id_ = mint("750", self._org.random.randrange(62**9), self._org.instance)
        starts = now + timedelta(seconds=self._org.bulk_pace.queued)
        job = _Job(
            id_, text, operation, call.args["version"], self._org.access.acting, now, starts, dialect,
            plan.sobject.name, changed=now,
        )  # fmt: skip
        self._jobs[id_] = job
        return job

    def _pass_time(self, now: datetime) -> None:
        for job in list(self._jobs.values()):
            if job.state == "UploadComplete" and job.starts <= now:
                self._run(job)
            if job.state == "InProgress" and job.ends is not None and job.ends <= now:
                self._move(job, "Failed" if job.error else "JobComplete", job.ends)
            if job.state in _ENDED and job.created + KEPT <= now:
                del self._jobs[job.id]

    def _run(self, job: _Job) -> None:
        self._move(job, "InProgress", job.starts)
        if self._org.failing_query_jobs:
            job.error = self._org.failing_query_jobs.pop(0)
        else:
            self._fill(job)
        batches = -(-len(job.lines) // BATCH) or 1
        job.ends = job.starts + timedelta(seconds=self._org.bulk_pace.per_batch * batches)

    def _fill(self, job: _Job) -> None:
        with self._org.access.acting_as(job.user):
            try:
                plan = self._checked(job.text, job.operation)
            except Refused as error:  # what was there when the job was made may be gone
                job.error = error.reply.raw().decode()
                return
            job.header, job.lines = sheets.written(self._org, plan, job.sheet, self._variants)

    def _move(self, job: _Job, state: str, at: datetime | None = None) -> None:
        job.state, job.changed = state, at or self._org.clock.now()
        if state in ("Failed", "Aborted"):
            job.lines = []

    # --- parts

    def _job(self, call: Call) -> _Job:
        job = self._jobs.get(call.args["job"])
        if job is None or job.user != self._org.access.acting:
            raise not_found()
        return job

    def _complete(self, call: Call) -> _Job:
        job = self._job(call)
        if job.version != call.args["version"]:
            message = f"The job was created in {job.version}; its results are read in the same version"
            raise refused(409, "INVALIDVERSION", message)
        if job.state != "JobComplete":
            raise refused(400, "INVALIDJOBSTATE", f"Results are not available: the job's state is {job.state}")
        return job

    def _start(self, job: _Job, locator: str | None) -> int:
        if locator is None:
            return 0
        start = number_of(locator[3:]) if len(locator) == _WIDTH else None
        if start is None or start >= len(job.lines) or locator != _locator(job, start):
            raise refused(400, "INVALIDLOCATOR", f"invalid locator: {locator}")
        return start

    def _info(self, job: _Job, whole: bool = False) -> dict[str, Any]:
        stamp = wire_time(job.changed or job.created)
        info: dict[str, Any] = {
            "id": job.id, "operation": job.operation, "object": job.object, "createdById": job.user,
            "createdDate": wire_time(job.created), "systemModstamp": stamp, "state": job.state,
            "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(job.version[1:]),
            "lineEnding": job.sheet.name, "columnDelimiter": job.sheet.delimiter_name,
        }  # fmt: skip
        if whole:
            ran = 0.0 if job.ends is None else (job.ends - job.starts).total_seconds()
            done = len(job.lines) if job.state == "JobComplete" else 0
            info |= {"jobType": "V2Query", "numberRecordsProcessed": done, "retries": 0,
                     "totalProcessingTime": int(ran * 1000), "isPkChunkingSupported": True}  # fmt: skip
        return info | ({"errorMessage": job.error} if job.state == "Failed" else {})


_WIDTH = 9


def _locator(job: _Job, start: int) -> str:
    """An opaque name for a place in the answer of a job."""
    return f"{job.id[12:15]}{base62(start, _WIDTH - 3)}"


def _positive(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() and int(text) > 0 else None


def _not_enabled(message: str) -> Refused:
    return refused(400, "FEATURENOTENABLED", message)


def _refuse_what_bulk_lacks(select: Select) -> None:
    if any(isinstance(item, Children) for item in select.items):
        raise _not_enabled("Aggregate Relationships not supported in Bulk V2 Query with CSV content type")
    if select.counts or is_aggregate(select):
        raise _not_enabled("Aggregate functions and GROUP BY are not supported in Bulk V2 Query")
    if select.offset:
        raise _not_enabled("OFFSET is not supported in Bulk V2 Query")
    if any(isinstance(item, TypeOf) for item in select.items):
        raise _not_enabled("TYPEOF is not supported in Bulk V2 Query")
