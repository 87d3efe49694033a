"""Runs a parsed SOQL query over the records of an org."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from syncd.emulator.salesforce import dates
from syncd.emulator.salesforce.ids import normal
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.soql import Chain, Compare, Condition, Literal_, Not, Order, Path, Select, SoqlError
from syncd.emulator.salesforce.store import Org
from syncd.emulator.salesforce.values import NUMERIC, wire_time
from syncd.emulator.table import Row, Table

Getter = Callable[[Row], Any]
Test = Callable[[Row], bool]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
MAX_OFFSET = 2000
LONG_TEXT = 4000


@dataclass(slots=True)
class Shape:
    """What a record of the answer holds: fields in SELECT order; a parent is a shape of its own."""

    sobject: SObject
    entries: dict[str, Field | Shape] = field(default_factory=dict)
    via: str = ""


@dataclass(slots=True)
class Plan:
    """A query resolved against the schema."""

    org: Org
    select: Select
    sobject: SObject
    shape: Shape
    where: Test
    keys: list[tuple[Getter, Order]]
    tables: list[str]
    depends_on_today: bool

    @property
    def long_text(self) -> bool:
        """Pages are shorter when long text is selected."""
        return any(isinstance(entry, Field) and entry.length > LONG_TEXT for entry in self.shape.entries.values())

    def run(self, deleted_too: bool) -> list[Row]:
        """The matching rows in order."""
        table, where = self.org.tables[self.sobject.name], self.where
        gone = None if deleted_too else table.slots.get("IsDeleted")
        if gone is None:
            rows = [row for row in table if where(row)]
        else:
            rows = [row for row in table if not row[gone] and where(row)]
        for getter, order in reversed(self.keys):
            held = all(getter(row) is not None for row in rows)
            rows.sort(key=getter if held else _sort_key(getter, order), reverse=order.descending)
        stop = None if self.select.limit is None else self.select.offset + self.select.limit
        return rows[self.select.offset : stop]


def _sort_key(getter: Getter, order: Order) -> Callable[[Row], tuple[bool, Any]]:
    first = order.nulls_first != order.descending

    def key(row: Row) -> tuple[bool, Any]:
        value = getter(row)
        return (not first, 0) if value is None else (first, value)

    return key


class Planner:
    """Resolves names and compiles conditions to closures."""

    def __init__(self, org: Org, today: date) -> None:
        self._org, self._today = org, today
        self._tables: list[str] = []
        self._depends_on_today = False

    def plan(self, select: Select) -> Plan:
        """The plan of a query, or SoqlError."""
        sobject = self._org.find(select.source)
        if sobject is None:
            raise SoqlError("INVALID_TYPE", _no_type(select.source), select.source_at)
        if select.offset > MAX_OFFSET:
            message = f"SOQL offset of {select.offset} exceeds maximum of {MAX_OFFSET}"
            raise SoqlError("NUMBER_OUTSIDE_VALID_RANGE", message)
        self._tables.append(sobject.name)
        shape = self._shape(sobject, select)
        where = self._condition(sobject, select.where) if select.where is not None else _always
        keys = [(self._sortable(sobject, order.path), order) for order in select.order]
        return Plan(self._org, select, sobject, shape, where, keys, self._tables, self._depends_on_today)

    # --- what is selected

    def _shape(self, sobject: SObject, select: Select) -> Shape:
        shape = Shape(sobject)
        for path in select.fields:
            if path.parts[0] == "FIELDS" and len(path.parts) == 2:
                self._all_fields(shape, path, select.limit)
                continue
            inner, owner = shape, sobject
            for part in path.parts[:-1]:
                relation, owner = self._parent(owner, part, path)
                inner = self._nested(inner, relation, owner)
            found = self._field(owner, path.parts[-1], path)
            inner.entries.setdefault(found.name, found)
        return shape

    def _nested(self, shape: Shape, relation: Field, target: SObject) -> Shape:
        name = relation.relationship or relation.name
        inner = shape.entries.setdefault(name, Shape(target, via=relation.name))
        assert isinstance(inner, Shape)
        return inner

    def _all_fields(self, shape: Shape, path: Path, limit: int | None) -> None:
        kind = path.parts[1]
        if kind not in ("ALL", "STANDARD", "CUSTOM"):
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{kind}'", path.at)
        if kind != "STANDARD" and (limit is None or limit > 200):
            message = "The SOQL FIELDS function must have a LIMIT of at most 200"
            raise SoqlError("MALFORMED_QUERY", message, path.at)
        for one in shape.sobject.fields.values():
            if kind == "ALL" or one.custom == (kind == "CUSTOM"):
                shape.entries.setdefault(one.name, one)

    # --- names

    def _field(self, sobject: SObject, name: str, path: Path) -> Field:
        found = sobject.field(name)
        if found is None:
            raise SoqlError("INVALID_FIELD", _no_column(name, sobject.name), path.at)
        return found

    def _parent(self, sobject: SObject, name: str, path: Path) -> tuple[Field, SObject]:
        relation = sobject.relation(name)
        targets = () if relation is None else relation.refers
        target = next((one for one in map(self._org.find, targets) if one is not None), None)
        if relation is None or target is None:
            raise SoqlError("INVALID_FIELD", _no_relationship(name), path.at)
        self._tables.append(target.name)
        return relation, target

    def _resolve(self, sobject: SObject, path: Path) -> tuple[Getter, Field]:
        table = self._org.tables[sobject.name]
        if len(path.parts) == 1:
            found = self._field(sobject, path.parts[0], path)
            return _column(table, found), found
        relation, target = self._parent(sobject, path.parts[0], path)
        inner, found = self._resolve(target, Path(path.parts[1:], path.at))
        link, rows = _column(table, relation), self._org.tables[target.name].rows

        def through(row: Row) -> Any:
            parent = rows.get(link(row))
            return None if parent is None else inner(parent)

        return through, found

    def _sortable(self, sobject: SObject, path: Path) -> Getter:
        getter, found = self._resolve(sobject, path)
        if not found.sortable:
            raise SoqlError("MALFORMED_QUERY", f"field '{path}' can not be sorted in a query call", path.at)
        return _folding(getter) if _is_text(found) else getter

    # --- conditions

    def _condition(self, sobject: SObject, condition: Condition) -> Test:
        if isinstance(condition, Compare):
            return self._compare(sobject, condition)
        if isinstance(condition, Not):
            inner = self._condition(sobject, condition.inner)
            return lambda row: not inner(row)
        assert isinstance(condition, Chain)
        tests = [self._condition(sobject, part) for part in condition.parts]
        if len(tests) == 2:
            first, second = tests
            if condition.word == "AND":
                return lambda row: first(row) and second(row)
            return lambda row: first(row) or second(row)
        every = all if condition.word == "AND" else any
        return lambda row: every(test(row) for test in tests)

    def _compare(self, sobject: SObject, compare: Compare) -> Test:
        getter, found = self._resolve(sobject, compare.path)
        if not found.filterable:
            message = f"field '{compare.path}' can not be filtered in a query call"
            raise SoqlError("INVALID_FIELD", message, compare.path.at)
        if compare.op == "LIKE":
            return self._like(getter, found, compare)
        if compare.op in ("INCLUDES", "EXCLUDES"):
            return self._includes(getter, found, compare)
        if _is_text(found):
            getter = _folding(getter)
        if compare.op in ("IN", "NOT IN"):
            wanted = frozenset(self._value(found, literal) for literal in compare.values)
            inside = compare.op == "IN"
            return lambda row: (getter(row) in wanted) is inside
        literal = compare.values[0]
        if literal.kind == "range":
            return self._in_range(getter, found, compare.op, literal)
        return _comparison(getter, compare.op, self._value(found, literal))

    def _like(self, getter: Getter, found: Field, compare: Compare) -> Test:
        literal = compare.values[0]
        if not _is_text(found) or literal.kind != "string":
            raise SoqlError("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {found.type} field", compare.path.at)
        matches = re.compile(literal.like, re.IGNORECASE | re.DOTALL).fullmatch
        return lambda row: (value := getter(row)) is not None and matches(value) is not None

    def _includes(self, getter: Getter, found: Field, compare: Compare) -> Test:
        if found.type != "multipicklist":
            raise SoqlError("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {found.type} field", compare.path.at)
        wanted = [set(literal.text.casefold().split(";")) for literal in compare.values]
        inside = compare.op == "INCLUDES"

        def test(row: Row) -> bool:
            held = set((getter(row) or "").casefold().split(";"))
            return any(part <= held for part in wanted) is inside

        return test

    def _in_range(self, getter: Getter, found: Field, op: str, literal: Literal_) -> Test:
        span = dates.days(literal.text, literal.count, self._today)
        if span is None:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{literal.text}'", literal.at)
        if found.type not in ("date", "datetime"):
            raise SoqlError("INVALID_FIELD", _wrong_kind(found), literal.at)
        self._depends_on_today = True
        low, high = (_edge(found, day) for day in span)
        if op in ("=", "!="):
            inside = op == "="
            return lambda row: ((value := getter(row)) is not None and low <= value < high) is inside
        edge = low if op in ("<", ">=") else high
        return _comparison(getter, {"<": "<", ">=": ">=", ">": ">=", "<=": "<"}[op], edge)

    def _value(self, found: Field, literal: Literal_) -> Any:
        if literal.kind == "null":
            return None
        expected = _KINDS.get(found.type, "string")
        if literal.kind != expected:
            raise SoqlError("INVALID_FIELD", _wrong_kind(found), literal.at)
        if found.type in ("id", "reference"):
            full = normal(literal.text)
            if full is None:
                raise SoqlError("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.text}", literal.at)
            return full
        return _CONVERT[expected](literal)


def _comparison(getter: Getter, op: str, wanted: Any) -> Test:
    if op == "=":
        return lambda row: bool(getter(row) == wanted)
    if op == "!=":
        return lambda row: bool(getter(row) != wanted)
    compare = _COMPARE[op]
    if wanted is None:
        return lambda row: False
    return lambda row: (value := getter(row)) is not None and compare(value, wanted)


def _datetime(literal: Literal_) -> str:
    try:
        return wire_time(datetime.fromisoformat(literal.text))
    except ValueError:
        raise SoqlError("MALFORMED_QUERY", f"invalid datetime: {literal.text}", literal.at) from None


def _date(literal: Literal_) -> str:
    try:
        return date.fromisoformat(literal.text).isoformat()
    except ValueError:
        raise SoqlError("MALFORMED_QUERY", f"invalid date: {literal.text}", literal.at) from None


_KINDS = {"boolean": "boolean", "date": "date", "datetime": "datetime", **dict.fromkeys(NUMERIC, "number")}
_CONVERT: dict[str, Callable[[Literal_], Any]] = {
    "boolean": lambda literal: literal.text == "TRUE",
    "number": lambda literal: float(literal.text),
    "date": _date,
    "datetime": _datetime,
    "string": lambda literal: literal.text.casefold(),
}


def _edge(found: Field, day: date) -> str:
    if found.type == "date":
        return day.isoformat()
    return wire_time(datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(0))


def _column(table: Table, found: Field) -> Getter:
    slot = table.slots.get(found.name)
    return (lambda row: None) if slot is None else operator.itemgetter(slot)


def _is_text(found: Field) -> bool:
    return found.type not in _KINDS and found.type not in ("id", "reference")


def _folding(getter: Getter) -> Getter:
    return lambda row: None if (value := getter(row)) is None else value.casefold()


def _always(row: Row) -> bool:
    return True


def _wrong_kind(found: Field) -> str:
    kind = _KINDS.get(found.type, "string")
    quoted = "should be enclosed in quotes" if kind == "string" else "should not be enclosed in quotes"
    return f"value of filter criterion for field '{found.name}' must be of type {found.type} and {quoted}"


def _no_type(name: str) -> str:
    return (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the "
        "'__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    )


def _no_relationship(name: str) -> str:
    return (
        f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom relationship, "
        "be sure to append the '__r' after the custom relationship name."
    )


def _no_column(name: str, entity: str) -> str:
    return (
        f"No such column '{name}' on entity '{entity}'. If you are attempting to use a custom field, be sure to append "
        "the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate "
        "names."
    )
