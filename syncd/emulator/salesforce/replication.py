"""What changed in a span of time, without a query: ids updated, ids deleted; and how many records there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.emulator.http import Call, Reply
from syncd.emulator.salesforce.errors import not_found, refused
from syncd.emulator.salesforce.schema import SObject
from syncd.emulator.salesforce.store import Org
from syncd.emulator.salesforce.values import wire_time
from syncd.emulator.table import Row
from syncd.emulator.variants import Variants

MOST_IDS = 600_000
UPDATED_BACK, DELETED_BACK, SHORTEST = timedelta(days=30), timedelta(days=15), timedelta(minutes=1)
STUCK = timedelta(hours=6)


class Replication:
    """The resources /sobjects/{object}/updated, /sobjects/{object}/deleted and /limits/recordCount."""

    def __init__(self, org: Org, variants: Variants) -> None:
        self._org, self._variants = org, variants

    def updated(self, call: Call) -> Reply:
        """GET /sobjects/{object}/updated?start=…&end=…"""
        sobject, (start, end) = self._replicated(call), self._span(call)
        if start < self._org.clock.now() - UPDATED_BACK:
            raise _wrong_date("startDate cannot be more than 30 days ago")
        rows = self._changed(sobject, start, end, deleted=False)
        content = {"ids": [row[0] for row in rows], "latestDateCovered": self._covered(end)}
        return Reply.json(content, records=len(rows))

    def deleted(self, call: Call) -> Reply:
        """GET /sobjects/{object}/deleted?start=…&end=…"""
        sobject, (start, end) = self._replicated(call), self._span(call)
        earliest = max(self._org.started - UPDATED_BACK, self._org.clock.now() - DELETED_BACK)
        if start < earliest.replace(second=0, microsecond=0):
            raise _wrong_date("startDate before org replication enabled date")
        table, rows = self._org.tables[sobject.name], self._changed(sobject, start, end, deleted=True)
        records = [{"deletedDate": table.get(row, "SystemModstamp"), "id": row[0]} for row in rows]
        content = {"deletedRecords": records, "earliestDateAvailable": wire_time(earliest),
                   "latestDateCovered": self._covered(end)}  # fmt: skip
        return Reply.json(content, records=len(rows))

    def record_count(self, call: Call) -> Reply:
        """GET /limits/recordCount?sObjects=A,B: all live records, whoever sees them; unknown names are left out."""
        wanted = [self._org.find(name) for name in call.many("sObjects")] or list(self._org.objects.values())
        counts = [{"count": self._live(one), "name": one.name} for one in wanted if one is not None]
        return Reply.json({"sObjects": counts}, records=len(counts))

    # --- parts

    def _replicated(self, call: Call) -> SObject:
        sobject = self._org.find(call.args["object"])
        if sobject is None or "r" not in sobject.rights:
            raise not_found()
        return sobject

    def _span(self, call: Call) -> tuple[datetime, datetime]:
        """Start and end; the service ignores their seconds."""
        params = call.params()
        start, end = (_moment(params, name).replace(second=0, microsecond=0) for name in ("start", "end"))
        if end - start < SHORTEST:  # the service's own sentence has the two the wrong way round
            raise _wrong_date("startDate must be at least one minute greater than endDate")
        return start, end

    def _changed(self, sobject: SObject, start: datetime, end: datetime, deleted: bool) -> list[Row]:
        table = self._org.tables[sobject.name]
        stamp, gone = table.slots.get("SystemModstamp", table.slots.get("CreatedDate")), table.slots.get("IsDeleted")
        if stamp is None:
            return []
        first, last = wire_time(start), wire_time(end)
        inside = [row for row in table if (row[stamp] or "") >= first and (row[stamp] or "") < last]
        sees = self._org.access.sees(self._org.access.acting, sobject.name)
        found = [
            row for row in inside
            if bool(gone is not None and row[gone]) is deleted and (sees is None or sees(row))
        ]  # fmt: skip
        if len(found) > MOST_IDS:
            raise refused(400, "EXCEEDED_ID_LIMIT", f"more than {MOST_IDS} ids in the time frame; shorten it")
        return found

    def _covered(self, end: datetime) -> str:
        now = self._org.clock.now()
        if self._variants.salesforce_latest_date_covered == "stuck":
            return wire_time(min(end, now - STUCK))
        return wire_time(min(end, self._org.commits.oldest() or now))

    def _live(self, sobject: SObject) -> int:
        table = self._org.tables[sobject.name]
        gone = table.slots.get("IsDeleted")
        return len(table) if gone is None else sum(1 for row in table if not row[gone])


def _moment(params: dict[str, str], name: str) -> datetime:
    text: Any = params.get(name)
    if text is None:
        raise refused(400, "MISSING_ARGUMENT", f"The {name} parameter is required")
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise refused(400, "INVALID_REPLICATION_DATE", f"{name}: not a date and time: {text}") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wrong_date(message: str) -> Exception:
    return refused(400, "INVALID_REPLICATION_DATE", message)
