"""Search: filters, one sort, offset paging up to 10,000 results."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import orjson

from syncd.emulator.http import Call, PreparedPages, Reply
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
_PREPARED_BYTES = 64 * 1024 * 1024


class Search:
    """POST /{type}/search"""

    def __init__(self, context: Context) -> None:
        self._context, self._portal = context, context.portal
        self._pages = PreparedPages(_PREPARED_BYTES)
        self._found: OrderedDict[tuple[str, bytes], tuple[tuple[int, int], list[Row]]] = OrderedDict()

    def run(self, call: Call) -> Reply:
        """One page of results."""
        kind, body = self._context.kind(call), call.json
        asked, state = (kind.name, call.body), self._state(kind)
        known = self._pages.get(asked, state)
        if known is not None:
            return known
        limit, after = self._number(call, "limit", 10), self._number(call, "after", 0)
        if not 0 <= limit <= MOST_PER_PAGE:
            raise self._context.bad(call, f"limit must be at most {MOST_PER_PAGE}, not {limit}")
        if after >= MOST_RESULTS:
            message = f"Paging past {MOST_RESULTS} results is not supported; narrow the search"
            raise self._context.bad(call, message)
        rows, start = self._rows(call, kind)
        total, page = len(rows) - start, rows[start + after : start + min(after + limit, MOST_RESULTS)]
        present = presenter(self._portal, kind, body.get("properties") or None)
        content: dict[str, Any] = {"total": total, "results": [present(row) for row in page]}
        end = after + len(page)
        if page and end < total:
            content["paging"] = {"next": {"after": str(end)}}
        return self._pages.keep(asked, state, Reply.json(content, records=len(page)))

    def _state(self, kind: ObjectType) -> tuple[object, ...]:
        """What changes whenever an answer may: records, what the index shows of them, and the properties."""
        properties = self._portal.properties[kind.name]
        archived = sum(one.archived is not None for one in properties.values())
        return self._portal.tables[kind.name].version, self._portal.index.state(kind.name), len(properties), archived

    def _number(self, call: Call, name: str, default: int) -> int:
        value = call.json.get(name)
        text = str(default if value in (None, "") else value)
        if not text.isdigit():
            raise self._context.bad(call, f"{name} must be a whole number, not {text}")
        return int(text)

    def _rows(self, call: Call, kind: ObjectType) -> tuple[list[Row], int]:
        """The results in order, and where they begin: a search that goes on by id shares its results with the first."""
        try:
            self._groups(call.json)
            above, body = _keyset(call.json)
            rows = self._found_by(kind, body)
        except FilterError as error:
            raise self._context.bad(call, f"Invalid input JSON on line 1, column 1: {error}") from None
        return rows, 0 if above is None else bisect_right(rows, above, key=lambda row: int(row[0]))

    def _found_by(self, kind: ObjectType, body: dict[str, Any]) -> list[Row]:
        wanted = {name: body.get(name) for name in ("filterGroups", "filters", "sorts", "query")}
        key = (kind.name, orjson.dumps(wanted))
        version = (self._portal.tables[kind.name].version, self._portal.index.state(kind.name))
        known = self._found.get(key)
        if known is None or known[0] != version:
            known = self._found[key] = (version, self._execute(kind, body))
            if len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return known[1]

    def _execute(self, kind: ObjectType, body: dict[str, Any]) -> list[Row]:
        table = self._portal.tables[kind.name]
        gone, test = table.slots.get(ARCHIVED), self._test(kind, body)
        seen = self._portal.index.rows(kind.name, table)
        rows = [row for row in seen if not (gone is not None and row[gone]) and test(row)]
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
        searched = self._portal.customs.searched(kind)
        text = text_query(self._portal.tables[kind.name], searched, str(query)) if query else _always
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
        folded = self._context.variants.hubspot_in_values == "any_case"
        tests = [compile_filter(table, properties, spec, folded) for spec in filters]
        if len(tests) == 1:
            return tests[0]
        return lambda row: all(test(row) for test in tests)


def _keyset(body: dict[str, Any]) -> tuple[int | None, dict[str, Any]]:
    """The id above which a search goes on in order of id, and the search without that; None if it does not."""
    groups, sorts = body.get("filterGroups") or [], body.get("sorts") or []
    by_id = not sorts or sorts[0] in ({"propertyName": "hs_object_id", "direction": "ASCENDING"}, "hs_object_id")
    if len(groups) != 1 or body.get("filters") or not by_id:
        return None, body
    filters = groups[0].get("filters") or []
    above = [one for one in filters if (one.get("propertyName"), one.get("operator")) == ("hs_object_id", "GT")]
    if len(above) != 1 or not str(above[0].get("value")).isdecimal():
        return None, body
    rest = [one for one in filters if one is not above[0]]
    return int(str(above[0]["value"])), {**body, "filterGroups": [{"filters": rest}] if rest else [], "sorts": []}


def _sort_key(slot: int, convert: Callable[[str], Any]) -> Callable[[Row], Any]:
    return lambda row: convert(row[slot])


def _always(row: Row) -> bool:
    return True
