"""Search: filters, one sort, offset paging up to 10,000 results."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import orjson

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot.context import Context
from syncd.emulator.hubspot.filters import FilterError, Test, compile_filter, text_query, typed
from syncd.emulator.hubspot.present import presenter
from syncd.emulator.hubspot.schema import Property
from syncd.emulator.hubspot.store import ARCHIVED
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.table import Row

MOST_PER_PAGE, MOST_RESULTS = 200, 10_000
MOST_GROUPS, MOST_PER_GROUP, MOST_FILTERS, LONGEST_QUERY = 5, 10, 25, 3_000
_REMEMBERED = 16


class Search:
    """POST /{type}/search"""

    def __init__(self, context: Context) -> None:
        self._context, self._portal = context, context.portal
        self._found: OrderedDict[tuple[str, bytes], tuple[int, list[Row]]] = OrderedDict()

    def run(self, call: Call) -> Reply:
        """One page of results."""
        kind, body = self._context.kind(call), call.json
        limit, after = self._number(call, "limit", 10), self._number(call, "after", 0)
        if not 0 <= limit <= MOST_PER_PAGE:
            raise self._context.bad(call, f"limit must be at most {MOST_PER_PAGE}, not {limit}")
        if after >= MOST_RESULTS:
            message = f"Paging past {MOST_RESULTS} results is not supported; narrow the search"
            raise self._context.bad(call, message)
        rows = self._rows(call, kind)
        page = rows[after : min(after + limit, MOST_RESULTS)]
        present = presenter(self._portal, kind, body.get("properties") or None)
        content: dict[str, Any] = {"total": len(rows), "results": [present(row) for row in page]}
        end = after + len(page)
        if page and end < len(rows):
            content["paging"] = {"next": {"after": str(end)}}
        return Reply.json(content, records=len(page))

    def _number(self, call: Call, name: str, default: int) -> int:
        value = call.json.get(name)
        text = str(default if value in (None, "") else value)
        if not text.isdigit():
            raise self._context.bad(call, f"{name} must be a whole number, not {text}")
        return int(text)

    def _rows(self, call: Call, kind: ObjectType) -> list[Row]:
        wanted = {name: call.json.get(name) for name in ("filterGroups", "filters", "sorts", "query")}
        key, version = (kind.name, orjson.dumps(wanted)), self._portal.tables[kind.name].version
        known = self._found.get(key)
        if known is None or known[0] != version:
            try:
                known = (version, self._execute(kind, call.json))
            except FilterError as error:
                raise self._context.bad(call, f"Invalid input JSON on line 1, column 1: {error}") from None
            self._found[key] = known
            if len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return known[1]

    def _execute(self, kind: ObjectType, body: dict[str, Any]) -> list[Row]:
        table = self._portal.tables[kind.name]
        gone, test = table.slots.get(ARCHIVED), self._test(kind, body)
        rows = [row for row in table if not (gone is not None and row[gone]) and test(row)]
        rows.sort(key=lambda row: int(row[0]))
        sorts = body.get("sorts") or []
        if sorts:  # only the first one counts
            self._sort(kind, rows, sorts[0])
        return rows

    def _sort(self, kind: ObjectType, rows: list[Row], sort: Any) -> None:
        spec = sort if isinstance(sort, dict) else {"propertyName": str(sort)}
        name, direction = str(spec.get("propertyName", "")), str(spec.get("direction", "ASCENDING"))
        if name.startswith("-"):
            name, direction = name[1:], "DESCENDING"
        slot = self._portal.tables[kind.name].slots.get(name)
        if slot is None:
            return
        key = _sort_key(slot, typed(self._portal.properties[kind.name].get(name, Property(name))))
        held = [row for row in rows if row[slot] is not None]
        held.sort(key=key, reverse=direction == "DESCENDING")
        rows[:] = held + [row for row in rows if row[slot] is None]

    def _test(self, kind: ObjectType, body: dict[str, Any]) -> Test:
        groups = [self._group(kind, group) for group in self._groups(body)]
        query = body.get("query")
        if query is not None and len(str(query)) > LONGEST_QUERY:
            raise FilterError(f"query must be at most {LONGEST_QUERY} characters long")
        text = text_query(self._portal.tables[kind.name], kind.searched, str(query)) if query else _always
        if not groups:
            return text
        if len(groups) == 1 and text is _always:
            return groups[0]
        return lambda row: text(row) and any(group(row) for group in groups)

    def _groups(self, body: dict[str, Any]) -> list[list[dict[str, Any]]]:
        specs = body.get("filterGroups") or []
        groups = [spec.get("filters") or [] for spec in specs]
        if body.get("filters"):
            groups.append(body["filters"])
        if len(groups) > MOST_GROUPS:
            raise FilterError(f"too many filterGroups: at most {MOST_GROUPS}")
        if any(len(group) > MOST_PER_GROUP for group in groups) or sum(map(len, groups)) > MOST_FILTERS:
            raise FilterError(f"too many filters: at most {MOST_PER_GROUP} in a group and {MOST_FILTERS} in all")
        return [group for group in groups if group]

    def _group(self, kind: ObjectType, filters: list[dict[str, Any]]) -> Test:
        table, properties = self._portal.tables[kind.name], self._portal.properties[kind.name]
        tests = [compile_filter(table, properties, spec) for spec in filters]
        if len(tests) == 1:
            return tests[0]
        return lambda row: all(test(row) for test in tests)


def _sort_key(slot: int, convert: Callable[[str], Any]) -> Callable[[Row], Any]:
    return lambda row: convert(row[slot])


def _always(row: Row) -> bool:
    return True
