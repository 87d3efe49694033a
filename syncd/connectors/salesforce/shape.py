"""What a read specification selects from one object, and how a record of the answer becomes a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from syncd.connectors.salesforce import soql
from syncd.errors import UserError
from syncd.model import ReadSpec, Row

Unreadable = tuple[tuple[str, str], ...]
Record = dict[str, Any]

_stamp = datetime.fromisoformat  # reads 2026-05-06T11:56:44.000+0000 in 0.1 µs


@dataclass(frozen=True, slots=True)
class Described:
    """What describe told about one object: its fields by name, and what may be done with it."""

    name: str
    fields: Mapping[str, Mapping[str, Any]]
    parents: Mapping[str, tuple[str, ...]]
    queryable: bool = True
    updateable: bool = True

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Described:
        """Keep what is needed of an answer that can be half a megabyte long."""
        fields = {f["name"]: f for f in content.get("fields", ())}
        parents = {
            f["relationshipName"]: tuple(f.get("referenceTo") or ())
            for f in fields.values()
            if f.get("relationshipName")
        }
        kept = {n: {k: f.get(k) for k in ("type", "updateable", "calculated", "filterable")} for n, f in fields.items()}
        able = bool(content.get("queryable", True)), bool(content.get("updateable", True))
        return cls(str(content.get("name", "")), kept, parents, *able)


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a query, and which of them are whose. Built once per pull, so that rows cost little."""

    object: str
    columns: tuple[str, ...]
    wanted: frozenset[str]
    dotted: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: ReadSpec, described: Described) -> Shape:
        """`IsDeleted` and `MasterRecordId` only where the object has them: User has neither."""
        own = ["Id", "SystemModstamp", *(f for f in ("IsDeleted", "MasterRecordId") if f in described.fields)]
        columns = tuple(dict.fromkeys([*own, *spec.fields]))
        types = {name: str(f.get("type")) for name, f in described.fields.items()}
        dotted = tuple(f for f in dict.fromkeys(spec.fields) if "." in f)
        return cls(spec.object, columns, frozenset(spec.fields) - {"Id"}, dotted, types)

    def rows(self, records: Sequence[Record]) -> tuple[list[Row], Unreadable]:
        """The records as rows, in their order; the dictionaries are taken over. Unreadable ones are set apart."""
        if not records:
            return [], ()
        missing = [c for c in self.columns if c.partition(".")[0] not in records[0]]
        if missing:
            raise UserError(
                f"{self.object}: Salesforce did not return {', '.join(missing)}. "
                "Write field names exactly as the org does, capitals included."
            )
        try:
            return self._all(records), ()
        except (KeyError, ValueError, TypeError, AttributeError):
            return self._one_by_one(records)

    def _all(self, records: Sequence[Record]) -> list[Row]:
        made = tuple.__new__  # Row(...) costs twice as much
        rows = [
            made(Row, (r["Id"], _stamp(r["SystemModstamp"]), r, r.get("IsDeleted", False), r.get("MasterRecordId")))
            for r in records
        ]
        drop = ["attributes", *(c for c in _OWN if c in self.columns and c not in self.wanted)]
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


_OWN = ("Id", "SystemModstamp", "IsDeleted", "MasterRecordId")


def of_records(content: Any) -> list[Record]:
    """The records of a query's answer."""
    records = content.get("records") if isinstance(content, dict) else None
    return records if isinstance(records, list) else []


def by_ids(shape: Shape, ids: Sequence[str]) -> str:
    """The query of these records, deleted ones included when it is sent as queryAll."""
    return soql.select(shape.columns, shape.object, [soql.one_of("Id", ids, "id")])
