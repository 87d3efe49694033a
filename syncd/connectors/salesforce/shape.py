"""What a read specification selects from one object, and how a record of the answer becomes a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from syncd.connectors.salesforce.errors import SchemaDiffers
from syncd.errors import Retry, UserError
from syncd.model import ReadSpec, Row

Unreadable = tuple[tuple[str, str], ...]
Record = dict[str, Any]

_stamp = datetime.fromisoformat  # reads 2026-05-06T11:56:44.000+0000 in 0.1 µs


# What moves when a record changes, best first. History rows and other records that nobody can edit have only the last.
_CURSORS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
_KEPT = ("type", "updateable", "calculated", "filterable", "externalId", "idLookup")


@dataclass(frozen=True, slots=True)
class Described:
    """What describe told about one object: its fields by name, and what may be done with it."""

    name: str
    fields: Mapping[str, Mapping[str, Any]]
    parents: Mapping[str, tuple[str, ...]]
    queryable: bool = True
    updateable: bool = True

    @classmethod
    def of(cls, content: Any) -> Described:
        """Keep what is needed of an answer that can be half a megabyte long. Raises Retry when it is none."""
        if not isinstance(content, dict) or not isinstance(content.get("fields"), list):
            raise Retry("describe: Salesforce answered with something that is no description.")
        fields = {f["name"]: f for f in content["fields"]}
        parents = {
            f["relationshipName"]: tuple(f.get("referenceTo") or ())
            for f in fields.values()
            if f.get("relationshipName")
        }
        kept = {n: {k: f.get(k) for k in _KEPT} | _choices(f) for n, f in fields.items()}
        able = bool(content.get("queryable", True)), bool(content.get("updateable", True))
        return cls(str(content.get("name", "")), kept, parents, *able)

    @property
    def cursor(self) -> str | None:
        """The field by which changes are found; None when the object has none."""
        return next((name for name in _CURSORS if name in self.fields), None)

    @property
    def is_dated(self) -> bool:
        """Whether records tell when they were created."""
        return "CreatedDate" in self.fields


def _choices(described: Mapping[str, Any]) -> dict[str, Any]:
    """The active values of a picklist."""
    values = described.get("picklistValues")
    return {"values": [str(v.get("value")) for v in values if v.get("active", True)]} if values else {}


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a query, and which of them are whose. Built once per pull, so that rows cost little."""

    object: str
    columns: tuple[str, ...]
    wanted: frozenset[str]
    dotted: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict)
    cursor: str = "SystemModstamp"
    is_dated: bool = True

    @classmethod
    def of(cls, spec: ReadSpec, described: Described) -> Shape:
        """`IsDeleted` and `MasterRecordId` only where the object has them: User has neither."""
        cursor = described.cursor
        if cursor is None:
            raise UserError(f"{spec.object} cannot be read in windows: nothing tells when a record changed.")
        own = ["Id", cursor, *(f for f in ("IsDeleted", "MasterRecordId") if f in described.fields)]
        columns = tuple(dict.fromkeys([*own, *spec.fields]))
        types = {name: str(f.get("type")) for name, f in described.fields.items()}
        dotted = tuple(f for f in dict.fromkeys(spec.fields) if "." in f)
        wanted = frozenset(spec.fields) - {"Id"}
        return cls(spec.object, columns, wanted, dotted, types, cursor, described.is_dated)

    @property
    def own(self) -> tuple[str, ...]:
        """What is selected for our own sake: whose row it is, when it changed, and what became of it."""
        return tuple(c for c in ("Id", self.cursor, "IsDeleted", "MasterRecordId") if c in self.columns)

    def only(self, names: Iterable[str]) -> Shape:
        """The same with fewer of the wanted fields."""
        kept = frozenset(names)
        columns = tuple(c for c in self.columns if c in kept or c in self.own)
        dotted = tuple(d for d in self.dotted if d in kept)
        return replace(self, columns=columns, wanted=self.wanted & kept, dotted=dotted)

    def rows(self, records: Sequence[Record]) -> tuple[list[Row], Unreadable]:
        """The records as rows, in their order; the dictionaries are taken over. Unreadable ones are set apart."""
        if not records:
            return [], ()
        missing = [c for c in self.columns if c.partition(".")[0] not in records[0]]
        if missing:
            raise SchemaDiffers(
                f"{self.object}: Salesforce did not return {', '.join(missing)}. "
                "Write field names exactly as the org does, capitals included."
            )
        try:
            return self._all(records), ()
        except (KeyError, ValueError, TypeError, AttributeError):
            return self._one_by_one(records)

    def _all(self, records: Sequence[Record]) -> list[Row]:
        made, cursor = tuple.__new__, self.cursor  # Row(...) costs twice as much
        rows = [
            made(Row, (r["Id"], _stamp(r[cursor]), r, r.get("IsDeleted", False), r.get("MasterRecordId")))
            for r in records
        ]
        drop = ["attributes", *(c for c in self.own if c not in self.wanted)]
        for name in drop:
            for r in records:
                r.pop(name, None)
        if self.dotted:
            self._flatten(records)
        return rows

    def _one_by_one(self, records: Sequence[Record]) -> tuple[list[Row], Unreadable]:
        rows: list[Row] = []
        unreadable: list[tuple[str, str]] = []
        for record in records:
            id_ = str(record.get("Id")) if isinstance(record, dict) else "?"
            try:
                rows += self._all([record])
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                unreadable.append((id_, f"The record is malformed ({type(error).__name__})."))
        return rows, tuple(unreadable)

    def _flatten(self, records: Sequence[Record]) -> None:
        """`Owner.Email` comes as an object inside the record."""
        paths = [(path, path.split(".")) for path in self.dotted]
        roots = {steps[0] for _, steps in paths} - self.wanted
        for record in records:
            for path, steps in paths:
                value: Any = record
                for step in steps:
                    value = value.get(step) if isinstance(value, dict) else None
                record[path] = value
            for root in roots:
                record.pop(root, None)


def of_records(content: Any) -> list[Record]:
    """The records of a query's answer; what is none among them is not taken out, because it counts."""
    records = content.get("records") if isinstance(content, dict) else None
    return records if isinstance(records, list) else []
