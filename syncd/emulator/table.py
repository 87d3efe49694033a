"""Records of one object, kept compactly: a list per record and one shared map from field to position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Row = list[Any]


class Table:
    """Rows by id; position 0 holds the id, a column gets its position when it first holds a value."""

    def __init__(self, id_field: str) -> None:
        self.slots: dict[str, int] = {id_field: 0}
        self.rows: dict[str, Row] = {}
        self.version = 0
        self._members = 0
        self._sorted: tuple[int, list[str]] = (-1, [])
        self._indexes: dict[str, dict[Any, dict[str, None]]] = {}

    def slot(self, field: str) -> int:
        """The position of a field, allotted if it has none yet."""
        found = self.slots.get(field)
        if found is None:
            found = self.slots[field] = len(self.slots)
            for row in self.rows.values():
                row.append(None)
        return found

    def get(self, row: Row, field: str) -> Any:
        """The value of a field in a row, None where it never had one."""
        slot = self.slots.get(field)
        return None if slot is None else row[slot]

    def add(self, row: Row) -> None:
        """Take over a row that is laid out by `slots`."""
        row.extend([None] * (len(self.slots) - len(row)))
        self.rows[row[0]] = row
        for field in self._indexes:
            self._enter(field, row)
        self._members += 1
        self.version += 1

    def insert(self, id_: str, values: Mapping[str, Any]) -> Row:
        """Add a record from a mapping of fields."""
        slots = {field: self.slot(field) for field, value in values.items() if value is not None}
        row: Row = [None] * len(self.slots)
        row[0] = id_
        for field, slot in slots.items():
            row[slot] = values[field]
        self.add(row)
        return row

    def update(self, row: Row, values: Mapping[str, Any]) -> None:
        """Write fields of a row in place, so that open cursors see the new values."""
        for field, value in values.items():
            slot = self.slot(field)
            index = self._indexes.get(field)
            if index is not None:
                index.get(_folded(row[slot]), {}).pop(row[0], None)
            row[slot] = value
            if index is not None:
                self._enter(field, row)
        self.version += 1

    def remove(self, id_: str) -> None:
        """Forget a record altogether."""
        del self.rows[id_]
        self._indexes.clear()
        self._members += 1
        self.version += 1

    def restore(self, id_: str, before: Row | None) -> None:
        """Put a row back to a copy taken earlier; None: it did not exist."""
        if before is None:
            self.remove(id_)
            return
        row = self.rows.get(id_)
        self._indexes.clear()
        if row is None:  # it had been removed
            self.add(before)
            return
        row[:] = before + [None] * (len(self.slots) - len(before))
        self.version += 1

    def with_value(self, field: str, value: Any) -> list[Row]:
        """The rows that hold a value in a field, by an index made at the first call; strings match in any case."""
        if field not in self.slots:
            return []
        if field not in self._indexes:
            self._indexes[field] = {}
            for row in self:
                self._enter(field, row)
        return [self.rows[id_] for id_ in self._indexes[field].get(_folded(value), ())]

    def _enter(self, field: str, row: Row) -> None:
        value = row[self.slots[field]]
        if value is not None:
            self._indexes[field].setdefault(_folded(value), {})[row[0]] = None

    def as_dict(self, row: Row, fields: Iterable[str] = ()) -> dict[str, Any]:
        """A row as a mapping: the fields asked for first, then whatever else holds a value."""
        values: dict[str, Any] = dict.fromkeys(fields)
        values.update(zip(self.slots, row, strict=False))
        return values

    def sorted_ids(self, key: Callable[[str], Any]) -> list[str]:
        """All ids in order, sorted again only when records came or went."""
        if self._sorted[0] != self._members:
            self._sorted = (self._members, sorted(self.rows, key=key))
        return self._sorted[1]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
