"""Names in a query: fields, fields of parents over several levels, and of what a polymorphic reference points to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncd.emulator.salesforce import messages
from syncd.emulator.salesforce.code import Code, Getter
from syncd.emulator.salesforce.dates import Calendar
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.standard import parse_fields
from syncd.emulator.salesforce.syntax import Path, SoqlError, Source
from syncd.emulator.table import Row
from syncd.emulator.variants import Variants

if TYPE_CHECKING:
    from syncd.emulator.salesforce.store import Org

DEEPEST = 5

NAME = SObject("Name", "Name", "Names", "", rights="")
"""What a polymorphic reference shows of any record: the object's name as Type, and the usual fields of people."""
NAME.add(
    parse_fields(
        """
Id id !d
Name string(255) !n
Type picklist !
LastName string(80) !
FirstName string(40) !
Email email !
Phone phone !
Title string(128) !
Username string(80) !
Alias string(8) !
IsActive boolean !
"""
    )
)


@dataclass(frozen=True, slots=True)
class Column:
    """A value of a row: the field whose kind it has, and Python source that takes it out of the row `r`."""

    field: Field
    source: str


@dataclass(slots=True)
class Scope:
    """What FROM of one SELECT names: an object and short names for paths from it."""

    sobject: SObject
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, sobject: SObject, source: Source) -> Scope:
        """The scope of a source that turned out to be this object."""
        return cls(sobject, dict(source.aliases))

    def resolved(self, path: Path) -> Path:
        """The path from the object itself: without an alias, or the object's own name, in front."""
        first = path.parts[0].lower()
        if len(path.parts) == 1:
            return path
        if first in self.aliases:
            return Path((*self.aliases[first], *path.parts[1:]), path.at)
        own = first == self.sobject.name.lower() and self.sobject.relation(first) is None
        return Path(path.parts[1:], path.at) if own else path


@dataclass(slots=True)
class Ground:
    """What everything in one query is resolved against; `tables` collects the objects that its answer depends on."""

    org: Org
    calendar: Calendar
    variants: Variants
    code: Code = field(default_factory=Code)
    tables: list[str] = field(default_factory=list)
    moves_with_time: bool = False

    def note(self, name: str) -> None:
        """The answer depends on the records of an object."""
        if name in self.org.tables and name not in self.tables:
            self.tables.append(name)

    def field_of(self, sobject: SObject, path: Path) -> Field:
        """The last part of a path as a field of its object."""
        found = sobject.field(path.parts[-1])
        if found is None:
            raise SoqlError("INVALID_FIELD", messages.no_column(path.parts[-1], sobject.name), path.at)
        return found

    def parent(self, sobject: SObject, name: str, path: Path) -> tuple[Field, SObject]:
        """The reference of that relationship, and the object it leads to; NAME if it may lead to several."""
        relation = sobject.relation(name)
        if relation is None:
            raise SoqlError("INVALID_FIELD", messages.no_relationship(name), path.at)
        if relation.polymorphic:
            for one in relation.refers:
                self.note(one)
            return relation, NAME
        target = self.org.find(relation.refers[0])
        if target is None:
            raise SoqlError("INVALID_FIELD", messages.no_relationship(name), path.at)
        self.note(target.name)
        return relation, target

    def column(self, sobject: SObject, path: Path) -> Column:
        """The value that a path leads to."""
        if len(path.parts) - 1 > DEEPEST:
            message = f"only {DEEPEST} levels of child-to-parent relationships are allowed: {path}"
            raise SoqlError("MALFORMED_QUERY", message, path.at)
        return self._column(sobject, path)

    def _column(self, sobject: SObject, path: Path) -> Column:
        if len(path.parts) == 1:
            found = self.field_of(sobject, path)
            return Column(found, self._slot(sobject, found))
        relation, target = self.parent(sobject, path.parts[0], path)
        link = self.code.getter(self._slot(sobject, relation))
        rest = Path(path.parts[1:], path.at)
        if target is NAME:
            if len(rest.parts) > 1:
                raise SoqlError("INVALID_FIELD", messages.no_relationship(rest.parts[0]), path.at)
            found = self.field_of(NAME, rest)
            return Column(found, self.code.call(_of_any(self.org, link, found)))
        inner = self._column(target, rest)
        rows = self.org.tables[target.name].rows
        return Column(inner.field, self.code.call(_through(link, rows, self.code.getter(inner.source))))

    def _slot(self, sobject: SObject, found: Field) -> str:
        slot = self.org.tables[sobject.name].slots.get(found.name)
        return "None" if slot is None else f"r[{slot}]"


def _through(link: Getter, rows: dict[str, Row], inner: Getter) -> Getter:
    def value(row: Row) -> Any:
        parent = rows.get(link(row))
        return None if parent is None else inner(parent)

    return value


def _of_any(org: Org, link: Getter, found: Field) -> Getter:
    def value(row: Row) -> Any:
        located = located_by_id(org, link(row))
        return None if located is None else shown(org, *located, found.name)

    return value


def located_by_id(org: Org, id_: str | None) -> tuple[str, Row] | None:
    """The object and the row behind an id, whatever object it is of."""
    sobject = None if id_ is None else org.object_of_id(id_)
    row = None if sobject is None or id_ is None else org.tables[sobject.name].rows.get(id_)
    return None if sobject is None or row is None else (sobject.name, row)


def shown(org: Org, object_name: str, row: Row, field_name: str) -> Any:
    """What NAME shows of a record."""
    return object_name if field_name == "Type" else org.tables[object_name].get(row, field_name)
