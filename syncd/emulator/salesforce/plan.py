"""Makes a parsed query runnable over the records of an org, as one user sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncd.emulator.salesforce import functions, messages, sorting
from syncd.emulator.salesforce.aggregate import Grouping, is_aggregate
from syncd.emulator.salesforce.code import Scan
from syncd.emulator.salesforce.dates import Calendar
from syncd.emulator.salesforce.filters import Conditions, check_joins
from syncd.emulator.salesforce.paths import Column, Ground, Scope
from syncd.emulator.salesforce.schema import SObject
from syncd.emulator.salesforce.shape import Selection, Shape
from syncd.emulator.salesforce.syntax import Compare, Expression, Item, Path, Select, SoqlError, Value
from syncd.emulator.table import Row, Table
from syncd.emulator.variants import Variants

if TYPE_CHECKING:
    from syncd.emulator.salesforce.store import Org

MAX_OFFSET, DEEPEST_CHILD = 2000, 5


@dataclass(slots=True)
class Plan:
    """A query resolved against the schema; `tables` names the objects that its answer depends on."""

    select: Select
    sobject: SObject
    shape: Shape
    table: Table
    scan: Scan
    tables: list[str]
    moves_with_time: bool = False
    keys: list[sorting.Key] = field(default_factory=list)
    grouping: Grouping | None = None

    def run(self) -> list[Row]:
        """The matching rows in order."""
        return self.among(self.table)

    def among(self, rows: Iterable[Row]) -> list[Row]:
        """Those of the rows that match, in order, cut to LIMIT and OFFSET."""
        found = sorting.ordered(self.scan(rows), self.keys)
        if self.grouping is not None or (self.select.limit is None and not self.select.offset):
            return found
        stop = None if self.select.limit is None else self.select.offset + self.select.limit
        return found[self.select.offset : stop]

    def children(self, field_name: str, parent: str) -> list[Row]:
        """The matching rows that point to a record."""
        return self.among(self.table.with_value(field_name, parent))


class Planner:
    """Plans queries for the user that the present request acts for."""

    def __init__(self, org: Org, variants: Variants, deleted_too: bool = False) -> None:
        self._org, self._deleted_too = org, deleted_too
        self._ground = Ground(org, calendar_of(org), variants)

    def plan(self, select: Select) -> Plan:
        """The plan of a query, or SoqlError."""
        sobject = self._org.find(select.source.name)
        if sobject is None:
            raise SoqlError("INVALID_TYPE", messages.no_type(select.source.name), select.source.at)
        self._refresh(sobject, select)
        check_joins(select)
        plan = self._planned(sobject, select, 0)
        plan.tables, plan.moves_with_time = self._ground.tables, self._ground.moves_with_time
        return plan

    def _refresh(self, sobject: SObject, select: Select) -> None:
        if self._org.views.refresh(sobject.name, select):
            self._ground.moves_with_time = True  # what it tells of is not only in tables

    def _planned(self, sobject: SObject, select: Select, depth: int) -> Plan:
        if select.offset > MAX_OFFSET:
            message = f"SOQL offset of {select.offset} exceeds maximum of {MAX_OFFSET}"
            raise SoqlError("NUMBER_OUTSIDE_VALID_RANGE", message)
        self._ground.note(sobject.name)
        scope = Scope.of(sobject, select.source)
        plan = Plan(select, sobject, Shape(sobject), self._org.tables[sobject.name], list, [])
        if is_aggregate(select):
            plan.grouping = Grouping.of(self._ground, scope, select)
        else:
            self._select(plan, scope, depth)
        plan.scan = self._ground.code.scan(self._condition(scope, select))
        return plan

    def _select(self, plan: Plan, scope: Scope, depth: int) -> None:
        select = plan.select
        if select.counts:
            if select.order:
                message = f"Ordered field must be grouped or aggregated: {select.order[0].by}"
                raise SoqlError("MALFORMED_QUERY", message, select.order[0].by.at)
            return

        def sub_plan(child: SObject, query: Select) -> Plan:
            if depth + 1 >= DEEPEST_CHILD or query.group or any(map(_is_function, query.items)):
                raise SoqlError("MALFORMED_QUERY", "this sub-select is not supported", query.source.at)
            return self._planned(child, query, depth + 1)

        plan.shape = Selection(self._ground, scope, sub_plan).shape(select)
        for order in select.order:
            column = functions.column(self._ground, scope, order.by)
            getter = sorting.getter(self._ground, column, order.by)
            plan.keys.append(sorting.key(getter, order, self._ground.variants))

    # --- which rows

    def _condition(self, scope: Scope, select: Select) -> str:
        sobject = scope.sobject
        gone = self._org.tables[sobject.name].slots.get("IsDeleted")
        parts = [] if self._deleted_too or gone is None else [f"not r[{gone}]"]
        if select.scope:
            parts.append(self._scoped(scope, select.scope))
        if select.where is not None:
            parts.append(Conditions(self._ground, self._operand(scope), scope, self._inner).source(select.where))
        visible = self._org.access.sees(self._org.access.acting, sobject.name)
        if visible is not None:
            parts.append(self._ground.code.call(visible))
        return " and ".join(parts) or "True"

    def _operand(self, scope: Scope) -> Callable[[Expression], Column]:
        def operand(what: Expression) -> Column:
            return functions.column(self._ground, scope, what)

        return operand

    def _scoped(self, scope: Scope, name: str) -> str:
        if name.lower() == "everything":
            return "True"
        if name.lower() != "mine" or not scope.sobject.owned:
            raise SoqlError("INVALID_QUERY_SCOPE", f"The requested scope is not supported: {name}")
        mine = Compare(Path(("OwnerId",), 0), "=", (Value("string", self._org.access.acting or "", 0),))
        return Conditions(self._ground, self._operand(scope)).source(mine)

    def _inner(self, select: Select) -> frozenset[str]:
        """The ids that the SELECT of a semi-join finds."""
        sobject = self._org.find(select.source.name)
        item = select.items[0]
        if sobject is None:
            raise SoqlError("INVALID_TYPE", messages.no_type(select.source.name), select.source.at)
        if not isinstance(item, Item) or not isinstance(item.what, Path):
            raise SoqlError("MALFORMED_QUERY", "a semi join sub-select selects one id", select.source.at)
        self._refresh(sobject, select)
        plan = self._planned(sobject, select, 0)
        path = Scope.of(sobject, select.source).resolved(item.what)
        column = self._ground.column(sobject, path)
        if len(path.parts) > 1 or column.field.type not in ("id", "reference"):
            message = f"Invalid field: {path}. Semi join sub-selects can only query id fields, cannot use: '{path}'"
            raise SoqlError("MALFORMED_QUERY", message, path.at)
        getter = self._ground.code.getter(column.source)
        return frozenset(id_ for row in plan.run() if (id_ := getter(row)) is not None)


def _is_function(item: object) -> bool:
    return isinstance(item, Item) and not isinstance(item.what, Path) and item.what.name not in functions.RENDERING


def calendar_of(org: Org) -> Calendar:
    """How the user that the request acts for reckons time."""
    users, user = org.tables["User"], org.access.acting or org.integration_user
    row = users.rows.get(user)
    zone = None if row is None else users.get(row, "TimeZoneSidKey")
    locale = None if row is None else users.get(row, "LocaleSidKey")
    orgs = org.tables["Organization"]
    start = next((orgs.get(one, "FiscalYearStartMonth") for one in orgs), None)
    return Calendar(zone or "UTC", locale or "en_US", start or 1)
