"""The query resource: pages, locators, and prepared pages that are served again while nothing changed."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from syncd.emulator.http import Call, Page, Refused, Reply
from syncd.emulator.salesforce.errors import refused
from syncd.emulator.salesforce.ids import mint
from syncd.emulator.salesforce.plan import Plan, Planner
from syncd.emulator.salesforce.render import Render, renderer
from syncd.emulator.salesforce.shape import Nested
from syncd.emulator.salesforce.soql import SoqlError, parse
from syncd.emulator.salesforce.store import Org
from syncd.emulator.table import Row
from syncd.emulator.variants import Variants

PAGE, LONG_TEXT_PAGE, SMALLEST_PAGE, WIDE_PAGE = 2000, 1000, 200, 250
WIDE = 20  # values in a record
CURSOR_LIFE = timedelta(days=2)
CACHE_BYTES = 256 * 1024 * 1024
CURSOR_ROWS = 20_000_000
"""Rows that open cursors hold in all; beyond, the oldest are closed. The service itself has no such bound."""
_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_LOCATOR = re.compile(r"((?:0r8|01g)\w{15})-(\d+)")

Versions = tuple[int, ...]
Key = tuple[str, bool, int, str | None]


@dataclass(slots=True)
class _Result:
    """One executed query, or the children of one record: its rows and the pages that were prepared from them."""

    plan: Plan
    rows: list[Row]
    size: int
    user: str | None
    deleted_too: bool
    locator: str
    expires: datetime
    versions: Versions
    records: list[dict[str, Any]] | None = None
    kept: bool = False  # by its text: its pages are worth keeping
    prepared: dict[tuple[int, str], tuple[Versions, Page]] = field(default_factory=dict)


class Queries:
    """Executes queries and remembers their results by text and by locator."""

    def __init__(self, org: Org, variants: Variants) -> None:
        self._org, self._variants = org, variants
        self._by_text: OrderedDict[Key, _Result] = OrderedDict()
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
        if result.plan.select.counts:
            return Reply.json({"totalSize": len(result.rows), "done": True, "records": []})
        if result.records is not None:
            content = {"totalSize": len(result.records), "done": True, "records": result.records}
            return Reply.json(content, records=len(result.records))
        return self._page(result, 0, call.args["version"])

    def more(self, call: Call) -> Reply:
        """GET /query/0r8…-2000"""
        match = _LOCATOR.fullmatch(call.args["locator"])
        result = self._by_locator.get(match[1]) if match else None
        if match is None or result is None or result.expires <= self._org.clock.now():
            raise refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        if int(match[2]) >= len(result.rows) or result.user != self._org.access.acting:
            raise refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(result, int(match[2]), call.args["version"])

    def _result(self, text: str, deleted_too: bool, batch: int) -> _Result:
        key, now = (text, deleted_too, batch, self._org.access.acting), self._org.clock.now()
        known = self._by_text.get(key)
        fresh = known is not None and known.versions == self._versions(known.plan)
        if known is not None and fresh and not known.plan.moves_with_time:
            self._by_text.move_to_end(key)
            known.expires = now + CURSOR_LIFE
            self._by_locator[known.locator] = known
            return known
        result = self._execute(text, deleted_too, batch)
        self._keep(key, result)
        return result

    def _execute(self, text: str, deleted_too: bool, batch: int) -> _Result:
        try:
            plan = Planner(self._org, self._variants, deleted_too).plan(parse(text))
            rows = plan.run()
            records = None if plan.grouping is None else plan.grouping.records(rows)
        except SoqlError as error:
            raise as_refused(text, error) from None
        result = self._made(plan, rows, self._page_size(plan, batch), deleted_too)
        result.records = records
        return result

    def _made(self, plan: Plan, rows: list[Row], size: int, deleted_too: bool) -> _Result:
        prefix = self._variants.salesforce_locator
        locator = mint(prefix, self._org.random.randrange(62**9), self._org.instance)
        expires = self._org.clock.now() + CURSOR_LIFE
        user = self._org.access.acting
        return _Result(plan, rows, size, user, deleted_too, locator, expires, self._versions(plan))

    def _page_size(self, plan: Plan, batch: int) -> int:
        if plan.shape.long_text:
            batch = min(batch, LONG_TEXT_PAGE)
        if self._variants.salesforce_page_size == "by_width" and plan.shape.width > WIDE:
            batch = min(batch, WIDE_PAGE)
        return batch

    def _keep(self, key: Key, result: _Result) -> None:
        if key in self._by_text:
            self._forget(self._by_text.pop(key))
        self._by_text[key], result.kept = result, True
        if len(result.rows) > result.size:
            self._by_locator[result.locator] = result
        while len(self._by_text) > 1 and (len(self._by_text) > 64 or self._prepared_bytes > CACHE_BYTES):
            self._forget(self._by_text.popitem(last=False)[1])
        self._close_cursors()

    def _forget(self, result: _Result) -> None:
        """Let the pages of a result go; its cursor stays, and makes pages as they are asked for."""
        self._prepared_bytes -= sum(len(page.raw) for _, page in result.prepared.values())
        result.prepared.clear()
        result.kept = False

    def _close_cursors(self) -> None:
        now = self._org.clock.now()
        for stale in [name for name, one in self._by_locator.items() if one.expires <= now]:
            del self._by_locator[stale]
        held = sum(len(one.rows) for one in self._by_locator.values())
        while held > CURSOR_ROWS and len(self._by_locator) > 1:
            held -= len(self._by_locator.pop(next(iter(self._by_locator))).rows)

    def _versions(self, plan: Plan) -> Versions:
        return (self._org.access.version, *(self._org.tables[name].version for name in plan.tables))

    # --- pages

    def _page(self, result: _Result, start: int, version: str) -> Reply:
        count = min(result.size, len(result.rows) - start)
        versions = self._versions(result.plan)
        known = result.prepared.get((start, version))
        if known is not None and known[0] == versions:
            page = known[1]
        else:
            page = Page(orjson.dumps(self._body(result, start, version)))
            if result.kept and not result.plan.shape.nested:  # cursors over children are made for one reading
                self._prepared_bytes += len(page.raw) - (0 if known is None else len(known[1].raw))
                result.prepared[start, version] = (versions, page)
        return Reply(200, page, {"Content-Type": "application/json;charset=UTF-8"}, records=count)

    def _body(self, result: _Result, start: int, version: str) -> dict[str, Any]:
        renders: dict[int, Render] = {}

        def nest(nested: Nested, parent: str) -> dict[str, Any] | None:
            rows = nested.plan.children(nested.field, parent)
            if not rows:
                return None
            render = renders.get(id(nested))
            if render is None:
                render = renders[id(nested)] = renderer(self._org, nested.plan.shape, version, nest)
            return self._children(result, nested.plan, rows, version, render)

        render = renderer(self._org, result.plan.shape, version, nest)
        end, total = start + result.size, len(result.rows)
        body: dict[str, Any] = {"totalSize": total, "done": end >= total}
        if end < total:
            body["nextRecordsUrl"] = self._next(result, end, version)
        body["records"] = [render(row) for row in result.rows[start:end]]
        return body

    def _children(
        self, result: _Result, plan: Plan, rows: list[Row], version: str, render: Render
    ) -> dict[str, Any]:  # fmt: skip
        body: dict[str, Any] = {"totalSize": len(rows), "done": len(rows) <= result.size}
        if len(rows) > result.size:
            rest = self._made(plan, rows, result.size, result.deleted_too)
            self._by_locator[rest.locator] = rest
            body["nextRecordsUrl"] = self._next(rest, result.size, version)
        body["records"] = [render(row) for row in rows[: result.size]]
        return body

    def _next(self, result: _Result, end: int, version: str) -> str:
        own = result.deleted_too and self._variants.salesforce_query_all_path == "queryAll"
        return f"/services/data/{version}/{'queryAll' if own else 'query'}/{result.locator}-{end}"


def as_refused(text: str, error: SoqlError) -> Refused:
    """The answer to a query that is refused, with the place in the text, if one is to blame."""
    if error.at is None:
        return refused(400, error.code, error.message)
    line_start = text.rfind("\n", 0, error.at) + 1
    row, column = text.count("\n", 0, error.at) + 1, error.at - line_start + 1
    shown = text[max(0, error.at - 40) : error.at + 40].replace("\n", " ")
    caret = " " * (min(error.at, 40)) + "^"
    return refused(400, error.code, f"\n{shown}\n{caret}\nERROR at Row:{row}:Column:{column}\n{error.message}")
