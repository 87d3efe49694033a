"""GROUP BY and aggregate functions: rows into groups, groups into records of AggregateResult."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from syncd.emulator.salesforce import functions, sorting
from syncd.emulator.salesforce.code import Getter
from syncd.emulator.salesforce.currency import Currencies
from syncd.emulator.salesforce.filters import Conditions, is_text
from syncd.emulator.salesforce.functions import AGGREGATES, currency_source
from syncd.emulator.salesforce.paths import Column, Ground, Scope
from syncd.emulator.salesforce.schema import Field
from syncd.emulator.salesforce.syntax import Expression, Function, Group, Item, Path, Select, SoqlError
from syncd.emulator.salesforce.values import NUMERIC
from syncd.emulator.table import Row

MOST_GROUPS, MOST_SUBTOTALLED = 2000, 3
_COUNT = Field("", "int", "count")
_DOUBLE = Field("", "double", "average", scale=2)

Compute = Callable[[list[Row], Sequence[bool]], Any]


def is_aggregate(select: Select) -> bool:
    """Whether the answer holds groups, not records."""
    named = [item.what for item in select.items if isinstance(item, Item)]
    return bool(select.group) or (not select.counts and any(_aggregates(what) for what in named))


def _aggregates(what: Expression) -> bool:
    if isinstance(what, Path):
        return False
    return what.name in AGGREGATES or any(_aggregates(arg) for arg in what.args)


@dataclass(slots=True)
class _Measure:
    """One aggregate: its kind, and how it is computed from the rows of a group."""

    field: Field
    compute: Compute


@dataclass(slots=True)
class Grouping:
    """How rows are grouped and what is shown of each group.

    A group is a list: its keys, then its measures, in the order in which the query first names them; `_places` maps
    an expression to its place.
    """

    ground: Ground
    scope: Scope
    select: Select
    keys: list[Column] = field(default_factory=list)
    _getters: list[Getter] = field(default_factory=list)
    _measures: list[_Measure] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
    _shown: list[tuple[str, int]] = field(default_factory=list)
    _keep: Callable[[list[Any]], bool] | None = None
    _sort: list[sorting.Key] = field(default_factory=list)

    @classmethod
    def of(cls, ground: Ground, scope: Scope, select: Select) -> Grouping:
        """The grouping of a query; raises SoqlError for what cannot be grouped or aggregated."""
        made = cls(ground, scope, select)
        made._add_keys(select.group)
        made._add_shown()
        if select.having is not None:
            source = Conditions(ground, made._operand).source(select.having)
            made._keep = ground.code.getter(source)
        for order in select.order:
            column = made._ordered(order.by)
            getter = sorting.getter(ground, column, order.by)
            made._sort.append(sorting.key(getter, order, ground.variants))
        if select.group is None and select.limit is not None:
            message = "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"
            raise SoqlError("MALFORMED_QUERY", message)
        return made

    # --- planning

    def _add_keys(self, group: Group | None) -> None:
        if group is None:
            return
        if group.kind != "PLAIN" and len(group.by) > MOST_SUBTOTALLED:
            raise SoqlError("MALFORMED_QUERY", f"{group.kind} takes up to {MOST_SUBTOTALLED} fields", group.by[0].at)
        for what in group.by:
            column = functions.column(self.ground, self.scope, what)
            if not column.field.groupable:
                raise SoqlError("MALFORMED_QUERY", f"field '{what}' can not be grouped in a query call", what.at)
            self._places[self._name(what)] = len(self.keys)
            self.keys.append(column)
            self._getters.append(self.ground.code.getter(column.source))

    def _add_shown(self) -> None:
        unnamed = 0
        for item in self.select.items:
            if not isinstance(item, Item) or (isinstance(item.what, Function) and item.what.name == "FIELDS"):
                at = item.what.at if isinstance(item, Item) else None
                raise SoqlError("MALFORMED_QUERY", "Field must be grouped or aggregated", at)
            place, alias = self._place(item.what), item.alias
            if not alias and isinstance(item.what, Function):
                alias, unnamed = f"expr{unnamed}", unnamed + 1
            elif not alias:
                alias = self._field_at(place).name
            if alias in [name for name, _ in self._shown]:
                raise SoqlError("MALFORMED_QUERY", f"duplicate alias: {alias}", item.what.at)
            self._shown.append((alias, place))

    def _name(self, what: Expression) -> str:
        """An expression in a form that is the same however it is written."""
        if isinstance(what, Path):
            return str(self.scope.resolved(what)).lower()
        return f"{what.name}({','.join(self._name(arg) for arg in what.args)})"

    def _place(self, what: Expression) -> int:
        known = self._places.get(self._name(what))
        if known is not None:
            return known
        if not _aggregates(what):
            functions.column(self.ground, self.scope, what)  # a name that is not known is refused as such
            raise SoqlError("MALFORMED_QUERY", f"Field must be grouped or aggregated: {what}", what.at)
        assert isinstance(what, Function)
        place = self._places[self._name(what)] = len(self.keys) + len(self._measures)
        self._measures.append(_Measure(_COUNT, lambda rows, open_: None))
        self._measures[place - len(self.keys)] = self._measure(what)
        return place

    def _field_at(self, place: int) -> Field:
        return self.keys[place].field if place < len(self.keys) else self._measures[place - len(self.keys)].field

    def _operand(self, what: Expression) -> Column:
        place = self._place(what)
        return Column(self._field_at(place), f"r[{place}]")

    def _ordered(self, what: Expression) -> Column:
        if self._name(what) not in self._places and not _aggregates(what):
            functions.column(self.ground, self.scope, what)
            raise SoqlError("MALFORMED_QUERY", f"Ordered field must be grouped or aggregated: {what}", what.at)
        return self._operand(what)

    # --- measures

    def _measure(self, what: Function) -> _Measure:
        if what.name == "GROUPING":
            place = self._place(what.args[0])
            return _Measure(_COUNT, lambda rows, open_: int(open_[place]))
        if what.name == "FORMAT":
            return self._formatted(what)
        if what.name not in AGGREGATES or len(what.args) != 1:
            raise SoqlError("MALFORMED_QUERY", f"Invalid aggregate function: {what}", what.at)
        column = functions.column(self.ground, self.scope, what.args[0])
        numeric = what.name in ("SUM", "AVG")
        if not column.field.aggregatable or (numeric and column.field.type not in NUMERIC):
            message = f"field {what.args[0]} does not support aggregate operator {what.name}"
            raise SoqlError("MALFORMED_QUERY", message, what.at)
        return self._over(what, column)

    def _over(self, what: Function, column: Column) -> _Measure:
        values = self._values(what, column)
        if what.name == "COUNT":
            return _Measure(_COUNT, lambda rows, open_: sum(1 for _ in values(rows)))
        if what.name == "COUNT_DISTINCT":
            return _Measure(_COUNT, lambda rows, open_: len({_folded(column.field, one) for one in values(rows)}))
        if what.name == "SUM":
            return _Measure(column.field, lambda rows, open_: _tidy(sum(found)) if (found := [*values(rows)]) else None)
        if what.name == "AVG":
            return _Measure(
                _DOUBLE, lambda rows, open_: sum(found) / len(found) if (found := [*values(rows)]) else None
            )
        best = min if what.name == "MIN" else max
        rank = sorting.ranking(self.ground.org, column.field)
        return _Measure(column.field, lambda rows, open_: best(values(rows), key=rank, default=None))

    def _values(self, what: Function, column: Column) -> Callable[[list[Row]], Iterator[Any]]:
        """What an aggregate runs over: values that are there; amounts in the corporate currency."""
        getter, currencies = self.ground.code.getter(column.source), Currencies(self.ground.org)
        if column.field.type == "currency" and currencies.several:
            self.ground.note("CurrencyType")
            own = self.ground.code.getter(currency_source(self.ground, self.scope, what.args[0]))
            plain, target = getter, currencies.corporate or ""
            getter = lambda row: currencies.convert(plain(row), own(row), target)  # noqa: E731
        return lambda rows: (value for row in rows if (value := getter(row)) is not None)

    def _formatted(self, what: Function) -> _Measure:
        inner = self._place(what.args[0])
        kind, calendar, compute = self._field_at(inner), self.ground.calendar, self._measures[inner - len(self.keys)]

        def value(rows: list[Row], open_: Sequence[bool]) -> str | None:
            held = compute.compute(rows, open_)
            return None if held is None else functions.as_text(kind, held, calendar, None)

        return _Measure(Field("", "string", "text"), value)

    # --- running

    def records(self, rows: list[Row]) -> list[dict[str, Any]]:
        """The records of AggregateResult, kept by HAVING, ordered and cut."""
        groups = [group for open_ in self._levels() for group in self._grouped(rows, open_)]
        if self._keep is not None:
            groups = [group for group in groups if self._keep(group)]
        found = sorting.ordered(groups, self._sort)
        stop = None if self.select.limit is None else self.select.offset + self.select.limit
        found = found[self.select.offset : stop]
        if len(found) > MOST_GROUPS:
            message = (
                "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
            )
            raise SoqlError("EXCEEDED_ID_LIMIT", message)
        return [
            {"attributes": {"type": "AggregateResult"}, **{name: group[place] for name, place in self._shown}}
            for group in found
        ]

    def _levels(self) -> Iterator[tuple[bool, ...]]:
        """For each level of subtotals, which keys are left open."""
        count, kind = len(self.keys), self.select.group.kind if self.select.group else "PLAIN"
        if kind == "PLAIN":
            yield (False,) * count
        elif kind == "ROLLUP":
            yield from (tuple(place >= kept for place in range(count)) for kept in range(count, -1, -1))
        else:
            for number in range(count + 1):
                yield from (
                    tuple(place in left for place in range(count)) for left in combinations(range(count), number)
                )

    def _grouped(self, rows: list[Row], open_: Sequence[bool]) -> Iterator[list[Any]]:
        members: dict[tuple[Any, ...], tuple[list[Any], list[Row]]] = {}
        for row in rows:
            keys = [None if left else getter(row) for getter, left in zip(self._getters, open_, strict=True)]
            folded = tuple(_folded(column.field, key) for column, key in zip(self.keys, keys, strict=True))
            members.setdefault(folded, (keys, []))[1].append(row)
        if not members and (not self.keys or all(open_)):
            members[()] = ([None] * len(self.keys), [])
        for keys, inside in members.values():
            yield [*keys, *(measure.compute(inside, open_) for measure in self._measures)]


def _folded(found: Field, value: Any) -> Any:
    return value.casefold() if isinstance(value, str) and is_text(found) else value


def _tidy(number: float) -> int | float:
    """A sum without the noise of binary fractions."""
    rounded = round(number, 8)
    return int(rounded) if rounded == int(rounded) else rounded
