"""The org's HTTP surface: versions, routes, sessions, usage header."""

from __future__ import annotations

import re
from dataclasses import replace

from syncd.emulator.http import Call, Handler, Refused, Reply, Router, segments_of
from syncd.emulator.salesforce.bulkquery import BulkQueries
from syncd.emulator.salesforce.collections import Collections
from syncd.emulator.salesforce.composite import Composite
from syncd.emulator.salesforce.describe import Describe
from syncd.emulator.salesforce.errors import RowError, not_found, refused
from syncd.emulator.salesforce.graph import Graphs
from syncd.emulator.salesforce.ingest import Ingest
from syncd.emulator.salesforce.messages import in_german
from syncd.emulator.salesforce.oauth import OAuth
from syncd.emulator.salesforce.query import Queries
from syncd.emulator.salesforce.replication import Replication
from syncd.emulator.salesforce.rows import Rows
from syncd.emulator.salesforce.sessions import Tokens
from syncd.emulator.salesforce.store import Org
from syncd.emulator.variants import Variants

NEWEST, OLDEST, RETIRED_FROM = 68, 31, 20
LONGEST_URI = 16_384
_VERSION = re.compile(r"v(\d{2})\.0")


class SalesforceApi:
    """Answers every request to the org."""

    def __init__(self, org: Org, tokens: Tokens, variants: Variants) -> None:
        self._org, self._tokens, self._variants = org, tokens, variants
        org.saving_stamps = variants.salesforce_unchanged_save == "stamps"
        org.masters_follow = variants.salesforce_master_record == "last"
        org.usage.per_app = variants.salesforce_per_app_usage
        org.views.install()
        self.queries = Queries(org, variants)
        self._router: Router[Handler] = Router()
        self._add_routes(OAuth(org, tokens), Rows(org, variants), Describe(org))
        self._add_ingest(Ingest(org))

    def _add_routes(self, oauth: OAuth, rows: Rows, describe: Describe) -> None:
        add, data = self._router.add, "/services/data/{version}"
        collections = Collections(self._org, rows, self._variants)
        composite = Composite(self._org, self._dispatch, self._variants)
        add("/services/oauth2/token", POST=oauth.token)
        add("/services/oauth2/revoke", POST=oauth.revoke, GET=oauth.revoke)
        add("/services/oauth2/userinfo", GET=oauth.user_info, POST=oauth.user_info)
        add("/id/{organization}/{user}", GET=oauth.identity, POST=oauth.identity)
        add("/services/data", GET=_versions)
        add(data, GET=_resources)
        add(f"{data}/query", GET=lambda call: self.queries.query(call, deleted_too=False))
        add(f"{data}/queryAll", GET=lambda call: self.queries.query(call, deleted_too=True))
        add(f"{data}/query/{{locator}}", GET=self.queries.more)
        add(f"{data}/queryAll/{{locator}}", GET=self.queries.more)
        replication, jobs = Replication(self._org, self._variants), BulkQueries(self._org, self._variants)
        add(f"{data}/limits", GET=self._limits)
        add(f"{data}/limits/recordCount", GET=replication.record_count)
        add(f"{data}/sobjects/{{object}}/updated", GET=replication.updated)
        add(f"{data}/sobjects/{{object}}/deleted", GET=replication.deleted)
        add(f"{data}/jobs/query", POST=jobs.create, GET=jobs.listed)
        add(f"{data}/jobs/query/{{job}}", GET=jobs.read, PATCH=jobs.change, DELETE=jobs.delete)
        add(f"{data}/jobs/query/{{job}}/results", GET=jobs.results)
        add(f"{data}/jobs/query/{{job}}/resultPages", GET=jobs.pages)
        add(f"{data}/sobjects", GET=describe.everything)
        add(f"{data}/sobjects/{{object}}", GET=describe.basic, POST=rows.create)
        add(f"{data}/sobjects/{{object}}/describe", GET=describe.one)
        add(
            f"{data}/sobjects/{{object}}/{{id}}", GET=rows.read, PATCH=rows.update, DELETE=rows.delete, POST=rows.create
        )
        by_value = f"{data}/sobjects/{{object}}/{{field}}/{{value}}"
        add(by_value, GET=rows.read_by, PATCH=rows.upsert, DELETE=rows.delete_by)
        add(f"{data}/composite", POST=composite.run)
        add(f"{data}/composite/batch", POST=composite.batch)
        add(f"{data}/composite/graph", POST=Graphs(composite).run)
        add(f"{data}/composite/sobjects", POST=collections.create, PATCH=collections.update, DELETE=collections.delete)
        add(f"{data}/composite/sobjects/{{object}}", POST=collections.retrieve, GET=collections.retrieve)
        add(f"{data}/composite/sobjects/{{object}}/{{field}}", PATCH=collections.upsert)

    def _add_ingest(self, ingest: Ingest) -> None:
        add, jobs = self._router.add, "/services/data/{version}/jobs/ingest"
        add(jobs, POST=ingest.create, GET=ingest.every)
        add(f"{jobs}/{{id}}", GET=ingest.info, PATCH=ingest.move, DELETE=ingest.delete)
        add(f"{jobs}/{{id}}/batches", PUT=ingest.upload)
        add(f"{jobs}/{{id}}/successfulResults", GET=ingest.successful)
        add(f"{jobs}/{{id}}/failedResults", GET=ingest.failed)
        add(f"{jobs}/{{id}}/unprocessedrecords", GET=ingest.unprocessed)

    def handle(self, call: Call) -> Reply:
        """One HTTP request."""
        if len(call.path) + len(call.query) + 1 > LONGEST_URI:
            return Reply(414, b"<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>", {"Content-Type": "text/html"})
        self._org.pass_time()
        outer, override = call, call.params().get("_HttpMethod")
        if override and call.method == "POST":
            call = replace(call, method=override.upper())
        if call.segments[:2] != ["services", "data"] or len(call.segments) == 2:
            return self._dispatch(call)
        if (retired := _retired(call)) is not None:
            return retired
        outer.by = call.by = self._tokens.user_of(call)
        with self._org.access.acting_as(self._org.user_id(call.by)):
            reply = self._admitted(call)
        if self._variants.salesforce_messages == "german":
            reply = in_german(reply)
        self._org.usage.mark(reply)
        return reply

    def _admitted(self, call: Call) -> Reply:
        try:
            self._org.usage.admit()
        except Refused as error:
            return error.reply
        return self._dispatch(call)

    def _dispatch(self, call: Call) -> Reply:
        """One request of an authenticated client; also a sub-request of a composite call."""
        try:
            return self._handler(call)(call)
        except RowError as error:
            return error.as_reply()
        except Refused as error:
            return error.reply

    def _handler(self, call: Call) -> Handler:
        call.segments = call.segments or segments_of(call.path)
        found = self._router.find(call.segments)
        if found is None or not _known_version(found[1].get("version")):
            raise not_found()
        methods, call.args = found
        handler = methods.get("GET" if call.method == "HEAD" else call.method)
        if handler is None:
            allowed = ", ".join(methods)
            raise refused(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed. Allowed are {allowed}")
        return handler

    def _limits(self, call: Call) -> Reply:
        return Reply.json(self._org.usage.report())


def _known_version(version: str | None) -> bool:
    match = _VERSION.fullmatch(version or f"v{NEWEST}.0")
    return match is not None and OLDEST <= int(match[1]) <= NEWEST


def _retired(call: Call) -> Reply | None:
    match = _VERSION.fullmatch(call.segments[2])
    if match is None or not RETIRED_FROM <= int(match[1]) < OLDEST:
        return None
    error = {"errorCode": "UNSUPPORTED_API_VERSION", "message": "The requested API version is no longer supported."}
    return Reply.json([error], 410)


def _versions(call: Call) -> Reply:
    return Reply.json([_release(number) for number in range(OLDEST, NEWEST + 1)])


def _release(number: int) -> dict[str, str]:
    back = NEWEST - number  # the newest is Winter '27; three releases a year
    year = 27 - back // 3 if back % 3 == 0 else 26 - back // 3
    season = ("Winter", "Summer", "Spring")[back % 3]
    return {"label": f"{season} '{year:02}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}


def _resources(call: Call) -> Reply:
    base = f"/services/data/{call.args['version']}"
    names = ("composite", "jobs", "limits", "query", "queryAll", "sobjects")
    return Reply.json({name: f"{base}/{name}" for name in names} | {"identity": "/services/oauth2/userinfo"})
