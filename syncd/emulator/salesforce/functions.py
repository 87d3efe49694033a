"""Functions in a query: date parts, labels, formats and currencies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from syncd.emulator.salesforce.code import Getter
from syncd.emulator.salesforce.currency import Currencies
from syncd.emulator.salesforce.dates import Calendar
from syncd.emulator.salesforce.paths import Column, Ground, Scope
from syncd.emulator.salesforce.schema import Field
from syncd.emulator.salesforce.syntax import Expression, Function, Path, SoqlError
from syncd.emulator.salesforce.values import NUMERIC
from syncd.emulator.table import Row

AGGREGATES = {"COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG", "GROUPING"}
RENDERING = {"TOLABEL", "FORMAT", "CONVERTCURRENCY"}
_INT = Field("", "int", "function")
_TEXT = Field("", "string", "function")


def column(ground: Ground, scope: Scope, what: Expression) -> Column:
    """The value of an expression for one row."""
    if isinstance(what, Path):
        return ground.column(scope.sobject, scope.resolved(what))
    if what.name in AGGREGATES:
        raise SoqlError("MALFORMED_QUERY", f"aggregate functions are not allowed here: {what}", what.at)
    if what.name in _DATE_PARTS:
        return _date_part(ground, scope, what)
    if what.name not in RENDERING or len(what.args) != 1:
        raise SoqlError("MALFORMED_QUERY", f"Invalid function: {what.name}", what.at)
    inner = column(ground, scope, what.args[0])
    return _RENDERINGS[what.name](ground, scope, what, inner)


# --- date functions: a datetime is reckoned in UTC unless convertTimezone() is around it


def _date_part(ground: Ground, scope: Scope, what: Function) -> Column:
    (inner,) = what.args if len(what.args) == 1 else (None,)
    local = isinstance(inner, Function) and inner.name == "CONVERTTIMEZONE" and len(inner.args) == 1
    target = inner.args[0] if isinstance(inner, Function) and local else inner
    if not isinstance(target, Path):
        raise SoqlError("MALFORMED_QUERY", f"{what.name} needs one date field", what.at)
    found = column(ground, scope, target)
    wanted = ("datetime",) if what.name in ("DAY_ONLY", "HOUR_IN_DAY") else ("date", "datetime")
    if found.field.type not in wanted:
        message = f"field {target} does not support date function {what.name}"
        raise SoqlError("INVALID_FIELD", message, target.at)
    if local:
        ground.note("User")  # whose zone may change
    calendar = ground.calendar if local else Calendar(fiscal_start=ground.calendar.fiscal_start)
    kind = Field("", "date", "function") if what.name == "DAY_ONLY" else _INT
    return Column(kind, ground.code.call(_part(ground.code.getter(found.source), _DATE_PARTS[what.name], calendar)))


def _part(getter: Getter, part: Callable[[datetime, Calendar], Any], calendar: Calendar) -> Getter:
    def value(row: Row) -> Any:
        stored = getter(row)
        if stored is None:
            return None
        moment = datetime.fromisoformat(stored) if len(stored) == 10 else calendar.local(stored)
        return part(moment, calendar)

    return value


def _fiscal_month(moment: datetime, calendar: Calendar) -> int:
    return (moment.month - calendar.fiscal_start) % 12 + 1


def _fiscal_year(moment: datetime, calendar: Calendar) -> int:
    """A fiscal year that starts in January is the calendar's; another is named after the year in which it ends."""
    return moment.year + (1 if calendar.fiscal_start > 1 and moment.month >= calendar.fiscal_start else 0)


_DATE_PARTS: dict[str, Callable[[datetime, Calendar], Any]] = {
    "CALENDAR_YEAR": lambda moment, calendar: moment.year,
    "CALENDAR_QUARTER": lambda moment, calendar: (moment.month - 1) // 3 + 1,
    "CALENDAR_MONTH": lambda moment, calendar: moment.month,
    "FISCAL_YEAR": _fiscal_year,
    "FISCAL_QUARTER": lambda moment, calendar: (_fiscal_month(moment, calendar) - 1) // 3 + 1,
    "FISCAL_MONTH": _fiscal_month,
    "DAY_IN_MONTH": lambda moment, calendar: moment.day,
    "DAY_IN_WEEK": lambda moment, calendar: moment.isoweekday() % 7 + 1,
    "DAY_IN_YEAR": lambda moment, calendar: moment.timetuple().tm_yday,
    "DAY_ONLY": lambda moment, calendar: moment.date().isoformat(),
    "HOUR_IN_DAY": lambda moment, calendar: moment.hour,
    "WEEK_IN_MONTH": lambda moment, calendar: (moment.day - 1) // 7 + 1,
    "WEEK_IN_YEAR": lambda moment, calendar: (moment.timetuple().tm_yday - 1) // 7 + 1,
}

# --- what changes how a value is shown


def _label(ground: Ground, scope: Scope, what: Function, inner: Column) -> Column:
    """Labels equal values here, except that a record type's name may differ from its developer name."""
    return inner


def _converted(ground: Ground, scope: Scope, what: Function, inner: Column) -> Column:
    currencies = Currencies(ground.org)
    if inner.field.type != "currency":
        raise SoqlError("INVALID_FIELD", f"convertCurrency() needs a currency field: {what}", what.at)
    if not currencies.several:
        message = "convertCurrency() is not supported: the organization does not have multiple currencies enabled"
        raise SoqlError("MALFORMED_QUERY", message, what.at)
    ground.note("CurrencyType")
    target = currencies.of_user(ground.org.access.acting)
    amount, code = ground.code.getter(inner.source), ground.code.getter(currency_source(ground, scope, what))
    return Column(inner.field, ground.code.call(lambda row: currencies.convert(amount(row), code(row), target)))


def currency_source(ground: Ground, scope: Scope, what: Expression) -> str:
    """Source of the currency of the record that a field belongs to."""
    path = what
    while isinstance(path, Function):
        path = path.args[0]
    found = Path((*scope.resolved(path).parts[:-1], "CurrencyIsoCode"), path.at)
    return ground.column(scope.sobject, found).source


def _formatted(ground: Ground, scope: Scope, what: Function, inner: Column) -> Column:
    ground.note("User")
    getter, kind = ground.code.getter(inner.source), inner.field
    several = Currencies(ground.org).several and kind.type == "currency"
    code = ground.code.getter(currency_source(ground, scope, what)) if several else None
    calendar = ground.calendar

    def value(row: Row) -> str | None:
        held = getter(row)
        return None if held is None else as_text(kind, held, calendar, None if code is None else code(row))

    return Column(_TEXT, ground.code.call(value))


def as_text(kind: Field, held: Any, calendar: Calendar, code: str | None) -> str:
    """A value as en_US shows it."""
    if kind.type == "currency":
        return f"{code} {held:,.{kind.scale}f}" if code else f"${held:,.{kind.scale}f}"
    if kind.type in NUMERIC:
        shown = f"{held:,.{kind.scale}f}"
        return f"{shown}%" if kind.type == "percent" else shown
    if kind.type == "date":
        day = date.fromisoformat(held)
        return f"{day.month}/{day.day}/{day.year}"
    if kind.type == "datetime":
        moment = calendar.local(held)
        return f"{moment.month}/{moment.day}/{moment.year}, {moment:%I:%M %p}".replace(", 0", ", ")
    return str(held)


_RENDERINGS: dict[str, Callable[[Ground, Scope, Function, Column], Column]] = {
    "TOLABEL": _label,
    "FORMAT": _formatted,
    "CONVERTCURRENCY": _converted,
}
