"""The recycle bin: deleted records stay for fifteen days, may be restored, and are then gone for good."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncd.emulator.salesforce import checks
from syncd.emulator.salesforce.errors import RowError

if TYPE_CHECKING:
    from syncd.emulator.log import Actor
    from syncd.emulator.salesforce.store import Org

KEPT = timedelta(days=15)


class RecycleBin:
    """What was deleted when; `pass_time` removes what has been there too long."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._since: dict[tuple[str, str], datetime] = {}
        self._order: deque[tuple[datetime, str, str]] = deque()
        self._below: dict[str, list[str]] = {}

    def put(self, name: str, id_: str) -> None:
        """Note that a record was deleted now."""
        now = self._org.clock.now()
        self._since[name, id_] = now
        self._order.append((now, name, id_))

    def tie(self, id_: str, parent: str) -> None:
        """Note that a record was deleted along with another one, with which it comes back."""
        self._below.setdefault(parent, []).append(id_)

    def restore(self, name: str, id_: str, actor: Actor) -> None:
        """Undelete a record with what was deleted along with it; raises RowError if it is not in the bin."""
        table = self._org.tables[name]
        if not self._deleted(name, id_):
            raise RowError("UNDELETE_FAILED", "entity is not in the recycle bin")
        row = table.rows[id_]
        held = {field: value for field, value in table.as_dict(row).items() if field in self._org.objects[name].fields}
        checks.unique(self._org, self._org.objects[name], held, id_)
        released = {"MasterRecordId": None} if table.get(row, "MasterRecordId") is not None else {}
        with self._org.transaction():
            self._org.write_row(name, row, {"IsDeleted": False, **released}, actor)
            for below in self._below.pop(id_, ()):
                child = self._org.object_of_id(below)
                if child is not None and self._deleted(child.name, below):
                    self.restore(child.name, below, actor)

    def _deleted(self, name: str, id_: str) -> bool:
        row = self._org.tables[name].rows.get(id_)
        return row is not None and bool(self._org.value(name, row, "IsDeleted"))

    def empty(self, name: str, id_: str) -> None:
        """Remove one deleted record for good; raises RowError if it is not in the bin."""
        if not self._deleted(name, id_):
            raise RowError("NOT_IN_RECYCLE_BIN", "entity is not in the recycle bin")
        self._org.erase_row(name, id_)

    def pass_time(self, now: datetime) -> None:
        """Purge what was deleted fifteen days ago."""
        while self._order and self._order[0][0] + KEPT <= now:
            since, name, id_ = self._order.popleft()
            if self._since.get((name, id_)) != since:
                continue
            del self._since[name, id_]
            if self._deleted(name, id_):
                self._org.erase_row(name, id_)
