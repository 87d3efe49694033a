"""The query resource: pages, locators, and prepared pages that are served again while nothing changed."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from syncd.emulator.http import Call, Page, Refused, Reply
from syncd.emulator.salesforce.errors import refused
from syncd.emulator.salesforce.ids import mint
from syncd.emulator.salesforce.plan import Plan, Planner
from syncd.emulator.salesforce.render import renderer
from syncd.emulator.salesforce.soql import SoqlError, parse
from syncd.emulator.salesforce.store import Org
from syncd.emulator.table import Row

PAGE, LONG_TEXT_PAGE, SMALLEST_PAGE = 2000, 1000, 200
CURSOR_LIFE = timedelta(days=2)
CACHE_BYTES = 256 * 1024 * 1024
_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_LOCATOR = re.compile(r"(0r8\w{15})-(\d+)")

Versions = tuple[int, ...]


@dataclass(slots=True)
class _Result:
    """One executed query: its rows and the pages that were prepared from them."""

    plan: Plan
    rows: list[Row]
    size: int
    locator: str
    expires: datetime
    versions: Versions
    prepared: dict[tuple[int, str], tuple[Versions, Page]] = field(default_factory=dict)


class Queries:
    """Executes queries and remembers their results by text and by locator."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._by_text: OrderedDict[tuple[str, bool, int], _Result] = OrderedDict()
        self._by_locator: dict[str, _Result] = {}
        self._prepared_bytes = 0

    def query(self, call: Call, deleted_too: bool) -> Reply:
        """GET /query?q=… and /queryAll?q=…"""
        text = call.params().get("q")
        if text is None:
            raise refused(400, "MALFORMED_QUERY", "SOQL is required: the parameter 'q' is missing")
        hint = _BATCH.search(call.headers.get("sforce-query-options", ""))
        batch = PAGE if hint is None else min(max(int(hint[1]), SMALLEST_PAGE), PAGE)
        result = self._result(text, deleted_too, batch)
        if result.plan.select.count:
            return Reply.json({"totalSize": len(result.rows), "done": True, "records": []})
        return self._page(result, 0, call.args["version"])

    def more(self, call: Call) -> Reply:
        """GET /query/0r8…-2000"""
        match = _LOCATOR.fullmatch(call.args["locator"])
        result = self._by_locator.get(match[1]) if match else None
        if match is None or result is None or result.expires <= self._org.clock.now():
            raise refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        if int(match[2]) >= len(result.rows):
            raise refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(result, int(match[2]), call.args["version"])

    def _result(self, text: str, deleted_too: bool, batch: int) -> _Result:
        key, now = (text, deleted_too, batch), self._org.clock.now()
        known = self._by_text.get(key)
        fresh = known is not None and known.versions == self._versions(known.plan)
        if known is not None and fresh and not known.plan.depends_on_today:
            self._by_text.move_to_end(key)
            known.expires = now + CURSOR_LIFE
            self._by_locator[known.locator] = known
            return known
        result = self._execute(text, deleted_too, batch)
        self._keep(key, result)
        return result

    def _execute(self, text: str, deleted_too: bool, batch: int) -> _Result:
        now = self._org.clock.now()
        try:
            plan = Planner(self._org, now.date()).plan(parse(text))
        except SoqlError as error:
            raise _as_refused(text, error) from None
        size = min(batch, LONG_TEXT_PAGE) if plan.long_text else batch
        rows = plan.run(deleted_too)
        locator = mint("0r8", self._org.random.randrange(62**9), self._org.instance)
        return _Result(plan, rows, size, locator, now + CURSOR_LIFE, self._versions(plan))

    def _keep(self, key: tuple[str, bool, int], result: _Result) -> None:
        self._by_text[key] = result
        self._by_text.move_to_end(key)
        if len(result.rows) > result.size:
            self._by_locator[result.locator] = result
        while len(self._by_text) > 1 and (len(self._by_text) > 64 or self._prepared_bytes > CACHE_BYTES):
            _, oldest = self._by_text.popitem(last=False)
            self._prepared_bytes -= sum(len(page.raw) for _, page in oldest.prepared.values())
            oldest.prepared.clear()
        now = self._org.clock.now()
        for stale in [name for name, one in self._by_locator.items() if one.expires <= now]:
            del self._by_locator[stale]

    def _versions(self, plan: Plan) -> Versions:
        return tuple(self._org.tables[name].version for name in plan.tables)

    def _page(self, result: _Result, start: int, version: str) -> Reply:
        count = min(result.size, len(result.rows) - start)
        versions = self._versions(result.plan)
        known = result.prepared.get((start, version))
        if known is not None and known[0] == versions:
            page = known[1]
        else:
            page = Page(self._body(result, start, version))
            result.prepared[start, version] = (versions, page)
            self._prepared_bytes += len(page.raw)
        return Reply(200, page, {"Content-Type": "application/json;charset=UTF-8"}, records=count)

    def _body(self, result: _Result, start: int, version: str) -> bytes:
        end, total = start + result.size, len(result.rows)
        render = renderer(self._org, result.plan.shape, version)
        body: dict[str, object] = {"totalSize": total, "done": end >= total}
        if end < total:
            body["nextRecordsUrl"] = f"/services/data/{version}/query/{result.locator}-{end}"
        body["records"] = [render(row) for row in result.rows[start:end]]
        return orjson.dumps(body)


def _as_refused(text: str, error: SoqlError) -> Refused:
    if error.at is None:
        return refused(400, error.code, error.message)
    line_start = text.rfind("\n", 0, error.at) + 1
    row, column = text.count("\n", 0, error.at) + 1, error.at - line_start + 1
    shown = text[max(0, error.at - 40) : error.at + 40].replace("\n", " ")
    caret = " " * (min(error.at, 40)) + "^"
    return refused(400, error.code, f"\n{shown}\n{caret}\nERROR at Row:{row}:Column:{column}\n{error.message}")
