"""The history of property values, newest last; what was loaded counts as imported when the record was created."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One value that a property had, since when and by whom."""

    value: str | None
    timestamp: str
    source_type: str
    source_id: str
    user_id: int | None

    def shown(self) -> dict[str, Any]:
        """The vendor's shape; a cleared property shows as an empty string."""
        shown: dict[str, Any] = {"value": self.value or "", "timestamp": self.timestamp, "sourceType": self.source_type}
        if self.source_id:
            shown["sourceId"] = self.source_id
        if self.user_id is not None:
            shown["updatedByUserId"] = self.user_id
        return shown


@dataclass(slots=True)
class History:
    """Entries by object type, record and property; properties that never changed have none."""

    _entries: dict[tuple[str, str], dict[str, list[Entry]]] = field(default_factory=dict)

    def note(self, kind: str, id_: str, name: str, entry: Entry, first: Entry | None) -> None:
        """Add an entry; `first` stands for the value before, if nothing is noted yet and it had one."""
        entries = self._entries.setdefault((kind, id_), {}).setdefault(name, [])
        if not entries and first is not None and first.value is not None:
            entries.append(first)
        entries.append(entry)

    def of(self, kind: str, id_: str, name: str, value: str | None, created: str) -> list[Entry]:
        """The entries of a property, newest first; a value that never changed has one, from creation."""
        entries = self._entries.get((kind, id_), {}).get(name)
        if entries is not None:
            return entries[::-1]
        return [] if value is None else [Entry(value, created, "IMPORT", "", None)]

    def put(self, kind: str, id_: str, entries: dict[str, list[Entry]]) -> None:
        """Give a record these histories, oldest first, in place of what it had."""
        self._entries[kind, id_] = entries

    def forget(self, kind: str, id_: str) -> None:
        """Drop the histories of a record."""
        self._entries.pop((kind, id_), None)
