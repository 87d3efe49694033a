"""WHERE and HAVING as Python source over the row `r`, with the service's rules for what may be compared with what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from syncd.emulator.salesforce import dates, messages
from syncd.emulator.salesforce.currency import Currencies
from syncd.emulator.salesforce.functions import currency_source
from syncd.emulator.salesforce.ids import normal
from syncd.emulator.salesforce.paths import Column, Ground, Scope
from syncd.emulator.salesforce.schema import Field
from syncd.emulator.salesforce.syntax import (
    Chain,
    Compare,
    Condition,
    Expression,
    Joined,
    Not,
    Path,
    Select,
    SoqlError,
    Value,
)  # fmt: skip
from syncd.emulator.salesforce.values import NUMERIC

KINDS = {"boolean": "boolean", "date": "date", "datetime": "datetime", **dict.fromkeys(NUMERIC, "number")}
_MULTI = {"=", "!=", "INCLUDES", "EXCLUDES"}
_SET = {"IN", "NOT IN"}
MOST_JOINS = 2
NOT_JOINED = {"Task", "Event", "Note", "Attachment", "ActivityHistory", "OpenActivity"}


def is_text(found: Field) -> bool:
    """Whether values compare without case."""
    return found.type not in KINDS and found.type not in ("id", "reference")


class Conditions:
    """Compiles conditions; `operand` finds what they compare, `inner` runs the SELECT of a semi-join."""

    def __init__(
        self, ground: Ground, operand: Callable[[Expression], Column], scope: Scope | None = None,
        inner: Callable[[Select], frozenset[str]] | None = None,
    ) -> None:  # fmt: skip
        self._ground, self._operand, self._scope, self._inner = ground, operand, scope, inner
        self._variables = 0

    def source(self, condition: Condition) -> str:
        """Python source that is true for the rows that meet a condition."""
        match condition:
            case Chain():
                word = " and " if condition.word == "AND" else " or "
                return f"({word.join(self.source(part) for part in condition.parts)})"
            case Not():
                return f"(not {self.source(condition.inner)})"
            case Joined():
                return self._joined(condition)
            case Compare():
                return f"({self._compare(condition)})"

    # --- comparisons

    def _compare(self, compare: Compare) -> str:
        column = self._operand(compare.what)
        _check_operator(column.field, compare)
        if compare.op == "LIKE":
            return self._like(column, compare)
        if compare.op in ("INCLUDES", "EXCLUDES"):
            return self._includes(column, compare)
        if compare.op in _SET:
            return self._within(column, compare)
        value = compare.values[0]
        if value.kind == "range":
            return self._in_range(column, compare.op, value)
        if value.kind == "currency":
            return self._in_currency(column, compare, value)
        return self._simple(column, compare.op, self._value(column.field, value))

    def _simple(self, column: Column, op: str, wanted: Any) -> str:
        kind = column.field.type
        if kind == "boolean":
            return f"bool({column.source})" if bool(wanted) is (op == "=") else f"not {column.source}"
        if wanted is None:
            return {"=": f"{column.source} is None", "!=": f"{column.source} is not None"}.get(op, "False")
        if kind == "multipicklist":
            return self._same_members(column, op, wanted)
        name, pyop = self._ground.code.bind(wanted), "==" if op == "=" else op
        folds = is_text(column.field) or self._blind(column.field, op)
        if not folds and op in ("=", "!="):
            return f"{column.source} {pyop} {name}"
        first, again = self._twice(column.source)
        held = f"{again}.casefold()" if folds else again
        if self._blind(column.field, op):
            name = self._ground.code.bind(wanted.casefold())
        empty = f"{first} is None or" if op == "!=" else f"{first} is not None and"
        return f"{empty} {held} {pyop} {name}"

    def _blind(self, found: Field, op: str) -> bool:
        """Whether ids are put in order without regard to case."""
        ordered = op in ("<", ">", "<=", ">=") and found.type in ("id", "reference")
        return ordered and self._ground.variants.salesforce_id_order == "case_insensitive"

    def _twice(self, source: str) -> tuple[str, str]:
        """Source for a value that is used twice: what is written first, and then."""
        if source == "None" or source.startswith("r["):
            return source, source
        self._variables += 1
        return f"(v{self._variables} := {source})", f"v{self._variables}"

    def _within(self, column: Column, compare: Compare) -> str:
        if column.field.type == "boolean":
            wanted: frozenset[Any] = frozenset(bool(self._value(column.field, one)) for one in compare.values)
            return f"bool({column.source}) {compare.op.lower()} {self._ground.code.bind(wanted)}"
        wanted = frozenset(self._value(column.field, one) for one in compare.values)
        name = self._ground.code.bind(wanted)
        if not is_text(column.field):
            return f"{column.source} {compare.op.lower()} {name}"
        first, again = self._twice(column.source)
        return f"(None if {first} is None else {again}.casefold()) {compare.op.lower()} {name}"

    def _like(self, column: Column, compare: Compare) -> str:
        value = compare.values[0]
        if not is_text(column.field) or value.kind != "string":
            raise _wrong_operator(column.field, compare)
        matches = self._ground.code.bind(re.compile(value.like, re.IGNORECASE | re.DOTALL).fullmatch)
        first, again = self._twice(column.source)
        return f"{first} is not None and {matches}({again}) is not None"

    def _includes(self, column: Column, compare: Compare) -> str:
        wanted = [set(value.text.casefold().split(";")) for value in compare.values]

        def includes(text: str | None) -> bool:
            held = set((text or "").casefold().split(";"))
            return any(part <= held for part in wanted)

        found = f"{self._ground.code.bind(includes)}({column.source})"
        return found if compare.op == "INCLUDES" else f"not {found}"

    def _same_members(self, column: Column, op: str, wanted: str) -> str:
        members = set(wanted.split(";"))

        def same(text: str | None) -> bool:
            return text is not None and set(text.casefold().split(";")) == members

        found = f"{self._ground.code.bind(same)}({column.source})"
        return found if op == "=" else f"not {found}"

    def _in_range(self, column: Column, op: str, value: Value) -> str:
        span = self._ground.calendar.days(value.text.upper(), value.count, self._ground.org.clock.now())
        if span is None:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{value.text}'", value.at)
        if column.field.type not in ("date", "datetime"):
            raise SoqlError("INVALID_FIELD", _wrong_kind(column.field), value.at)
        self._ground.moves_with_time = True
        low, high = (self._edge(column.field, day) for day in span)
        if op not in ("=", "!="):
            edge = low if op in ("<", ">=") else high
            return self._simple(column, {"<": "<", ">=": ">=", ">": ">=", "<=": "<"}[op], edge)
        bind = self._ground.code.bind
        first, again = self._twice(column.source)
        inside = f"{first} is not None and {bind(low)} <= {again} < {bind(high)}"
        return inside if op == "=" else f"not ({inside})"

    def _edge(self, found: Field, day: date) -> str:
        return day.isoformat() if found.type == "date" else self._ground.calendar.midnight(day)

    def _in_currency(self, column: Column, compare: Compare, value: Value) -> str:
        currencies, code = Currencies(self._ground.org), value.text[:3]
        if column.field.type != "currency" or self._scope is None or code not in currencies.rates:
            raise SoqlError("INVALID_FIELD", _wrong_kind(column.field), value.at)
        self._ground.note("CurrencyType")
        amount = self._ground.code.getter(column.source)
        own = self._ground.code.getter(currency_source(self._ground, self._scope, compare.what))
        converted = self._ground.code.call(lambda row: currencies.convert(amount(row), own(row), code))
        return self._simple(Column(column.field, converted), compare.op, float(value.text[3:]))

    # --- semi-joins

    def _joined(self, joined: Joined) -> str:
        if self._inner is None:
            message = "Semi join sub-selects are only allowed at the top level WHERE expressions"
            raise SoqlError("MALFORMED_QUERY", message, joined.query.source.at)
        column = self._operand(joined.what)
        if not isinstance(joined.what, Path) or len(joined.what.parts) > 1 or column.field.type not in _KEYS:
            message = f"The left operand '{joined.what}' in the where expression for outer query should be an id field"
            raise SoqlError("INVALID_FIELD", message, joined.what.at)
        return f"({column.source} {joined.op.lower()} {self._ground.code.bind(self._inner(joined.query))})"

    # --- values

    def _value(self, found: Field, value: Value) -> Any:
        if value.kind == "null":
            return None
        expected = KINDS.get(found.type, "string")
        if value.kind != expected:
            raise SoqlError("INVALID_FIELD", _wrong_kind(found), value.at)
        if found.type in ("id", "reference"):
            full = normal(value.text)
            if full is None:
                raise SoqlError("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value.text}", value.at)
            return full
        if expected == "datetime":
            return self._moment(value)
        if expected == "string" and not value.text and self._ground.variants.salesforce_empty_text == "null":
            return None  # an empty text is stored as null, and is found as such
        return _CONVERT[expected](value)

    def _moment(self, value: Value) -> str:
        if "." in value.text and self._ground.variants.salesforce_datetime_fraction == "refused":
            raise SoqlError("MALFORMED_QUERY", f"line 1:{value.at} no viable alternative at character '.'", value.at)
        try:
            return dates.moment(value.text)
        except ValueError:
            raise SoqlError("MALFORMED_QUERY", f"Invalid datetime: {value.text}", value.at) from None


_KEYS = ("id", "reference")


def _check_operator(found: Field, compare: Compare) -> None:
    if not found.filterable:
        message = f"field '{compare.what}' can not be filtered in a query call"
        raise SoqlError("INVALID_FIELD", message, compare.what.at)
    unordered = found.type == "boolean" and compare.op in ("<", ">", "<=", ">=")
    wrong_multi = found.type == "multipicklist" and compare.op not in _MULTI
    not_multi = found.type != "multipicklist" and compare.op in ("INCLUDES", "EXCLUDES")
    if unordered or wrong_multi or not_multi or found.type == "address":
        raise _wrong_operator(found, compare)


def _wrong_operator(found: Field, compare: Compare) -> SoqlError:
    return SoqlError("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {found.type} field", compare.what.at)


def _wrong_kind(found: Field) -> str:
    return messages.wrong_kind(found, KINDS.get(found.type, "string"))


def _date(value: Value) -> str:
    try:
        return date.fromisoformat(value.text).isoformat()
    except ValueError:
        raise SoqlError("MALFORMED_QUERY", f"Invalid date: {value.text}", value.at) from None


_CONVERT: dict[str, Callable[[Value], Any]] = {
    "boolean": lambda value: value.text == "TRUE",
    "number": lambda value: float(value.text),
    "date": _date,
    "string": lambda value: value.text.casefold(),
}


def check_joins(select: Select, inside: bool = False) -> None:
    """The service's rules for where semi-joins and anti-joins may stand; raises SoqlError."""
    found = list(_joins(select.where, True))
    if len(found) > MOST_JOINS:
        raise _misplaced(found[-1][0], f"Maximum {MOST_JOINS} semi join sub-selects are allowed")
    for joined, top in found:
        _check_join(select, joined, top, inside)


def _check_join(select: Select, joined: Joined, top: bool, inside: bool) -> None:
    inner = joined.query
    if inside:
        raise _misplaced(joined, "Nesting of semi join sub-selects is not supported")
    if not top:
        message = "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE"
        raise _misplaced(joined, f"{message} expressions")
    if inner.source.name.lower() == select.source.name.lower():
        raise _misplaced(joined, "The inner and outer selects should not be on the same object type")
    if inner.source.name in NOT_JOINED:
        raise _misplaced(joined, f"Entity '{inner.source.name}' is not supported for semi join inner selects")
    if inner.order or inner.limit is not None or inner.offset or inner.group or len(inner.items) != 1:
        raise _misplaced(joined, "Semi join sub-selects select one id and take no ORDER BY, LIMIT or OFFSET")
    check_joins(inner, inside=True)


def _joins(condition: Condition | None, top: bool) -> Iterator[tuple[Joined, bool]]:
    match condition:
        case Joined():
            yield condition, top
        case Not():
            yield from _joins(condition.inner, False)
        case Chain():
            for part in condition.parts:
                yield from _joins(part, top and condition.word == "AND")


def _misplaced(joined: Joined, message: str) -> SoqlError:
    return SoqlError("MALFORMED_QUERY", message, joined.query.source.at)
