"""A CRM in a dictionary, for tests of all that talks to a connector; it passes the same contract as the real ones.

It shows what makes real ones hard: stamps, records that appear late, deletions, merges, lost answers, refused rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

from syncd.errors import IncompleteRead, SyncdError, UserError
from syncd.model import (
    Checked,
    Clock,
    ConnectorFacts,
    FieldWanted,
    Fit,
    HeartbeatWanted,
    MissingField,
    ObjectAccess,
    Page,
    Part,
    Provisioned,
    ReadSpec,
    Receipt,
    ReceiptKind,
    Ref,
    Row,
    Upsert,
    Window,
    Write,
    WriteGroup,
)


@dataclass(slots=True)
class Kept:
    """One record as the CRM keeps it. `visible_at` is when pulls begin to show its present state."""

    id: str
    fields: dict[str, Any]
    stamp: datetime
    visible_at: datetime
    deleted: bool = False
    merged_into: str | None = None
    associations: dict[str, list[str]] = field(default_factory=dict)


class MemoryConnector:
    """The twin. `put`, `delete`, `merge` and the faults are for tests; the rest is the port."""

    def __init__(
        self,
        clock: Clock,
        *,
        uid: str = "memory-1",
        page_size: int = 100,
        write_batch: int = 100,
        read_lag_seconds: float = 0.0,
        overlap_seconds: float | None = None,
        reports_deletes: bool = True,
        read_only_fields: frozenset[str] = frozenset(),
        sees_all: bool | None = True,
        second_look_seconds: float = 0.0,
    ) -> None:
        self.uid, self._clock, self._page_size = uid, clock, page_size
        overlap = read_lag_seconds + 1.0 if overlap_seconds is None else overlap_seconds
        self._facts = ConnectorFacts(
            "memory", read_lag_seconds, overlap, 2.0, write_batch, reports_deletes, False, second_look_seconds
        )
        self._read_only, self._sees_all = read_only_fields, sees_all
        self._unseen: set[tuple[str, str]] = set()
        self._objects: dict[str, dict[str, Kept]] = {}
        self._columns: dict[str, set[str]] = {}
        self._lock = RLock()
        self._calls = 0
        self._faults: list[SyncdError | None] = []
        self._lost: list[bool] = []
        self._poison: dict[str, str] = {}
        self._hidden = 0
        self.changes: list[tuple[str, str, dict[str, Any]]] = []
        self.redundant: list[tuple[str, str]] = []

    # --- what tests do

    def put(
        self, object: str, id: str, fields: Mapping[str, Any], *, late: float = 0.0, **associations: list[str]
    ) -> None:
        """Create or edit a record as somebody else would; pulls see it `late` seconds after its stamp."""
        with self._lock:
            now = self._clock.now()
            kept = self._objects.setdefault(object, {}).get(id)
            merged = {**(kept.fields if kept else {}), **fields}
            links = {**(kept.associations if kept else {}), **associations}
            visible_at = now + timedelta(seconds=late)
            self._objects[object][id] = Kept(id, merged, now, visible_at, associations=links)
            self._columns.setdefault(object, set()).update(fields)

    def delete(self, object: str, id: str, *, merged_into: str | None = None) -> None:
        """Delete a record, or merge it into another one."""
        with self._lock:
            kept, now = self._objects[object][id], self._clock.now()
            kept.deleted, kept.merged_into, kept.stamp, kept.visible_at = True, merged_into, now, now

    def edit_quietly(self, object: str, id: str, fields: Mapping[str, Any], **associations: list[str]) -> None:
        """Change a record without moving its stamp, as a formula, an association or a restored backup does."""
        with self._lock:
            kept = self._objects[object][id]
            kept.fields |= fields
            kept.associations |= associations
            self._columns.setdefault(object, set()).update(fields)

    def purge(self, object: str, id: str) -> None:
        """Make a record as if it had never been: nothing tells of it any more."""
        with self._lock:
            del self._objects[object][id]

    def conceal(self, object: str, id: str, *, again_seen: bool = False) -> None:
        """Hide a record from us by a right; it is still there. `again_seen` shows it again."""
        with self._lock:
            (self._unseen.discard if again_seen else self._unseen.add)((object, id))

    def get(self, object: str, id: str) -> dict[str, Any]:
        """The fields of a record as they are."""
        return dict(self._objects[object][id].fields)

    def fail(self, *errors: SyncdError | None) -> None:
        """The next calls raise these, one each, before anything happens; None lets one pass."""
        self._faults += errors

    def define(self, object: str, *fields: str) -> None:
        """Make an object and fields known before any record has them."""
        self._objects.setdefault(object, {})
        self._columns.setdefault(object, set()).update(fields)

    def lose_answer(self, *, applied: bool) -> None:
        """The next write has an unknown outcome; `applied` says what it really is."""
        self._lost.append(applied)

    def refuse(self, id: str, code: str) -> None:
        """Every write to this record is refused with a code. `UNABLE_TO_LOCK_ROW` may be tried again."""
        self._poison[id] = code

    def hide(self, rows: int) -> None:
        """The next pull counts this many rows more than it gives."""
        self._hidden = rows

    # --- the port

    @property
    def facts(self) -> ConnectorFacts:
        """As constructed."""
        return self._facts

    @property
    def calls(self) -> int:
        """One per check, page, fetch and write."""
        return self._calls

    def check(self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]) -> Checked:
        """Objects and fields exist once a record has had them."""
        self._call()
        wanted = [(s.object, f, False) for s in specs for f in ("", *s.fields, *s.where)]
        wanted += [(object_, f, True) for object_, fields in writable.items() for f in ("", *fields)]
        problems = dict.fromkeys(p for w in wanted if (p := self._problem(*w)))
        access = [self._access(object_) for object_ in dict.fromkeys(spec.object for spec in specs)]
        return Checked(self.uid, f"memory {self.uid}", tuple(problems), {"username": "memory"}, tuple(access))

    def now(self) -> datetime:
        """The clock, in whole seconds."""
        return self._clock.now().replace(microsecond=0)

    def pull(self, spec: ReadSpec, window: Window, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """By stamp and id."""
        return self._pages(spec, lambda: self._within(spec, window), position)

    def sweep(self, spec: ReadSpec, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """Everything that is kept, late or not."""
        return self._pages(spec, lambda: self._all(spec), position)

    def count(self, spec: ReadSpec) -> int | None:
        """What is kept and not deleted."""
        self._call()
        with self._lock:
            return sum(not kept.deleted for kept in self._all(spec))

    def _pages(
        self, spec: ReadSpec, chosen: Callable[[], list[Kept]], position: Mapping[str, Any] | None
    ) -> Iterator[Page]:
        if position and position.get("done"):
            yield Page((), position, position["seen"], True)
            return
        seen = int(position["seen"]) if position else 0
        after = (datetime.fromisoformat(position["stamp"]), str(position["id"])) if position else None
        while True:
            self._call()
            rest = [k for k in chosen() if after is None or (k.stamp, k.id) > after]
            some, expected = rest[: self._page_size], seen + len(rest) + self._hidden
            seen += len(some)
            rows = [self._row(spec, kept) for kept in some]
            if len(rest) <= len(some):
                yield from self._last(rows, seen, expected)
                return
            after = (some[-1].stamp, some[-1].id)
            yield Page(rows, {"stamp": after[0].isoformat(), "id": after[1], "seen": seen}, expected, False)

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        """As kept, late or not."""
        self._call()
        with self._lock:
            kept = self._objects.get(spec.object, {})
            seen = [id_ for id_ in dict.fromkeys(ids) if id_ in kept and (spec.object, id_) not in self._unseen]
            return [self._row(spec, kept[id_]) for id_ in seen]

    def provision(self, wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted, make: bool) -> Provisioned:
        """Fields are made by naming them; the heartbeat's record is there or not."""
        self._call()
        parts = []
        for one in wanted:
            known = one.name in self._columns.get(one.object, set())
            fit = Fit.FITS if known else Fit.MADE if make else Fit.MISSING
            parts.append(Part(one.object, one.name, "field", fit, f"{one.object}.{one.name}"))
            if fit is Fit.MADE:
                self.define(one.object, one.name)
        return Provisioned(tuple(parts), heartbeat if heartbeat.id else None)

    def upsert(self, object: str, key_field: str, rows: Sequence[Upsert]) -> list[Receipt]:
        """Every row by itself, found by the text of its key."""
        if not rows:
            return []
        self._call()
        if key_field not in self._columns.get(object, set()):
            raise UserError(self._problem(object, key_field, False) or f"{object} has no unique field {key_field}.")
        applied = not self._lost or self._lost[0]
        with self._lock:
            receipts = [self._made(object, key_field, row) for row in rows] if applied else []
        if self._lost:
            self._lost.pop(0)
            return [Receipt(row.id, ReceiptKind.UNKNOWN, "no_answer") for row in rows]
        return receipts

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        """Every row by itself."""
        if not writes:
            return []
        self._call()
        unknown = {w.id: Receipt(w.id, ReceiptKind.UNKNOWN, "no_answer") for w in writes}
        if self._lost and not self._lost[0]:
            self._lost.pop(0)
            return list(unknown.values())
        with self._lock:
            receipts = [self._change(object, write) for write in writes]
        if self._lost:
            self._lost.pop(0)
            return list(unknown.values())
        return receipts

    # --- inside

    def _call(self) -> None:
        self._calls += 1
        fault = self._faults.pop(0) if self._faults else None
        if fault is not None:
            raise fault

    def _problem(self, object_: str, name: str, writing: bool) -> str | None:
        if object_ not in self._columns:
            return f"There is no object {object_}. Correct `object` in the mapping."
        if name and name not in self._columns[object_]:
            return MissingField(f"{object_} has no field {name}. Correct it in the mapping.", object_, name)
        return f"{object_}.{name} cannot be written. Map another." if writing and name in self._read_only else None

    def _access(self, object_: str) -> ObjectAccess:
        evidence = {True: "The twin hides nothing.", False: "The twin hides records.", None: "The twin does not say."}
        return ObjectAccess(object_, self._sees_all, evidence[self._sees_all], len(self._objects.get(object_, {})))

    def _made(self, object_: str, key_field: str, row: Upsert) -> Receipt:
        table = self._objects[object_]
        found = next((k for k in table.values() if not k.deleted and k.fields.get(key_field) == row.key), None)
        id_ = found.id if found is not None else f"new-{len(table) + 1}"
        if found is None:
            now = self._clock.now()
            table[id_] = Kept(id_, {key_field: row.key}, now, now)
            self.changes.append((object_, id_, {key_field: row.key}))
        receipt = self._change(object_, Write(row.id, Ref(self.uid, object_, id_), WriteGroup.STAMP, row.fields))
        if found is None and receipt.kind is not ReceiptKind.APPLIED:
            del table[id_]
            self.changes.pop()
            return receipt
        return replace(receipt, record_id=id_, created=found is None)

    def _all(self, spec: ReadSpec) -> list[Kept]:
        with self._lock:
            if spec.object not in self._columns:
                raise UserError(self._problem(spec.object, "", False))
            chosen = [
                kept
                for kept in self._objects[spec.object].values()
                if (spec.object, kept.id) not in self._unseen
                and all(str(kept.fields.get(n) or "") in values for n, values in spec.where.items())
            ]
        return sorted(chosen, key=lambda kept: (kept.stamp, kept.id))

    def _within(self, spec: ReadSpec, window: Window) -> list[Kept]:
        now = self._clock.now()
        return [
            kept
            for kept in self._all(spec)
            if (window.lower is None or window.lower <= kept.stamp)
            and kept.stamp <= window.upper
            and kept.visible_at <= now
            and (self._facts.reports_deletes or not kept.deleted)
        ]

    def _last(self, rows: list[Row], seen: int, expected: int) -> Iterator[Page]:
        if seen < expected:
            self._hidden = 0
            yield Page(rows, {}, expected, False)
            raise IncompleteRead(f"{seen} of {expected} records came.")
        yield Page(rows, {"done": True, "seen": seen}, expected, True)

    def _row(self, spec: ReadSpec, kept: Kept) -> Row:
        fields = {name: kept.fields.get(name) for name in spec.fields}
        fields |= {f"associations.{name}": list(kept.associations.get(name, ())) for name in spec.associations}
        return Row(kept.id, kept.stamp, fields, kept.deleted, kept.merged_into)

    def _change(self, object_: str, write: Write) -> Receipt:
        kept = self._objects.get(object_, {}).get(write.ref.id)
        code = self._poison.get(write.ref.id) or self._refusal(object_, kept, write)
        if code is not None or kept is None:
            kind = ReceiptKind.RETRY if code == "UNABLE_TO_LOCK_ROW" else ReceiptKind.FAILED
            return Receipt(write.id, kind, code or "NOT_FOUND", f"Refused: {code}.")
        changed = {name: value for name, value in write.fields.items() if kept.fields.get(name) != value}
        if changed:
            kept.fields |= changed
            kept.stamp = kept.visible_at = self._clock.now()
            self.changes.append((object_, kept.id, changed))
        else:
            self.redundant.append((object_, kept.id))
        return Receipt(write.id, ReceiptKind.APPLIED, stamp=kept.stamp)

    def _refusal(self, object_: str, kept: Kept | None, write: Write) -> str | None:
        if kept is None or kept.deleted:
            return "NOT_FOUND"
        unwritable = self._read_only | (set(write.fields) - self._columns[object_])
        return "INVALID_FIELD" if unwritable & set(write.fields) else None
