"""ORDER BY: text without case, picklists in the order of their entries, nulls first unless said otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncd.emulator.salesforce.code import Getter
from syncd.emulator.salesforce.filters import is_text
from syncd.emulator.salesforce.paths import Column, Ground
from syncd.emulator.salesforce.schema import Field
from syncd.emulator.salesforce.syntax import Expression, Order, SoqlError
from syncd.emulator.table import Row
from syncd.emulator.variants import Variants

if TYPE_CHECKING:
    from syncd.emulator.salesforce.store import Org

Rank = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Key:
    """One sort key: what is compared, and where nulls go."""

    getter: Getter
    descending: bool
    nulls_first: bool


def key(getter: Getter, order: Order, variants: Variants) -> Key:
    """One entry of ORDER BY; where it does not say so, nulls come first, perhaps not in descending order."""
    first = order.nulls_first
    if first is None:
        first = not order.descending or variants.salesforce_descending_nulls == "first"
    return Key(getter, order.descending, first)


def ordered(rows: list[Row], keys: Sequence[Key]) -> list[Row]:
    """The rows, sorted in place."""
    for key in reversed(keys):
        held = all(key.getter(row) is not None for row in rows)
        rows.sort(key=key.getter if held else _with_nulls(key), reverse=key.descending)
    return rows


def _with_nulls(key: Key) -> Callable[[Row], tuple[bool, Any]]:
    first, getter = key.nulls_first != key.descending, key.getter

    def value(row: Row) -> tuple[bool, Any]:
        held = getter(row)
        return (not first, 0) if held is None else (first, held)

    return value


def getter(ground: Ground, column: Column, what: Expression) -> Getter:
    """What a column sorts by; raises SoqlError if it cannot be sorted."""
    if not column.field.sortable:
        raise SoqlError("MALFORMED_QUERY", f"field '{what}' can not be sorted in a query call", what.at)
    plain = ground.code.getter(column.source)
    rank = ranking(ground.org, column.field)
    if rank is None and column.field.type in ("id", "reference"):
        rank = str.casefold if ground.variants.salesforce_id_order == "case_insensitive" else None
    if rank is None:
        return plain
    by: Rank = rank
    return lambda row: None if (held := plain(row)) is None else by(held)


def ranking(org: Org, found: Field) -> Rank | None:
    """How values of a field compare, where they do not compare as they are stored."""
    if found.type == "picklist":
        entries = {value.casefold(): place for place, value in enumerate(entries_of(org, found))}
        return lambda value: (entries.get(value.casefold(), len(entries)), value.casefold())
    return str.casefold if is_text(found) and found.type != "anyType" else None


def entries_of(org: Org, found: Field) -> tuple[str, ...]:
    """The entries of a picklist in their order; those of a stage are rows of their own."""
    if found.name != "StageName" or found.values:
        return found.values
    table = org.tables["OpportunityStage"]
    rows = sorted(table, key=lambda row: table.get(row, "SortOrder") or 0)
    return tuple(table.get(row, "MasterLabel") for row in rows)
