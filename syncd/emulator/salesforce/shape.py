"""What a record of the answer holds: fields in SELECT order, parents, computed values, children."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncd.emulator.salesforce import functions, messages
from syncd.emulator.salesforce.code import Getter
from syncd.emulator.salesforce.paths import NAME, Ground, Scope
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.syntax import Children, Function, Item, Path, Select, SoqlError, TypeOf

if TYPE_CHECKING:
    from syncd.emulator.salesforce.plan import Plan

MOST_FIELDS_LIMIT, MOST_CHILDREN, MOST_PARENTS = 200, 20, 55
LONG_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Computed:
    """A value that a function makes of the row."""

    getter: Getter


@dataclass(frozen=True, slots=True)
class Nested:
    """The children of each record: `field` of the child object points to the record."""

    plan: Plan
    field: str


@dataclass(slots=True)
class Shape:
    """A record of an object; a parent is a shape of its own, reached through the reference `via`."""

    sobject: SObject
    entries: dict[str, Entry] = field(default_factory=dict)
    via: str = ""

    @property
    def long_text(self) -> bool:
        """Whether long text is selected, which makes pages shorter."""
        return any(isinstance(one, Field) and one.length > LONG_TEXT for one in self.entries.values())

    @property
    def width(self) -> int:
        """How many values a record has, parents included."""
        return sum(one.width if isinstance(one, Shape) else 1 for one in self.entries.values())

    @property
    def nested(self) -> list[Nested]:
        """The sub-selects over children."""
        return [one for one in self.entries.values() if isinstance(one, Nested)]


@dataclass(frozen=True, slots=True)
class Branches:
    """A parent whose fields depend on its object; `otherwise` is a shape of NAME, or None."""

    via: str
    shapes: dict[str, Shape]
    otherwise: Shape | None


Entry = Field | Shape | Computed | Branches | Nested


class Selection:
    """Builds the shape of a SELECT list; `sub_plan` plans the query of a child relationship."""

    def __init__(self, ground: Ground, scope: Scope, sub_plan: Callable[[SObject, Select], Plan]) -> None:
        self._ground, self._scope, self._sub_plan = ground, scope, sub_plan
        self._parents: set[tuple[str, ...]] = set()

    def shape(self, select: Select) -> Shape:
        """The shape; raises SoqlError for what cannot be selected."""
        shape = Shape(self._scope.sobject)
        for item in select.items:
            self._add(shape, item, select)
        if not shape.entries:
            message = "'FIELDS(...)' expansion function must result in at least one field being selected."
            raise SoqlError("MALFORMED_QUERY", message)
        if len(shape.nested) > MOST_CHILDREN or len(self._parents) > MOST_PARENTS:
            raise SoqlError("MALFORMED_QUERY", "too many relationships in one query")
        return shape

    def _add(self, shape: Shape, item: Item | Children | TypeOf, select: Select) -> None:
        if isinstance(item, Children):
            self._add_children(shape, item.query)
        elif isinstance(item, TypeOf):
            self._add_branches(shape, item)
        elif isinstance(item.what, Path):
            if item.alias:
                message = "Only aggregate expressions use field aliasing"
                raise SoqlError("MALFORMED_QUERY", message, item.what.at)
            self._add_path(shape, self._scope.resolved(item.what))
        elif item.what.name == "FIELDS":
            self._add_all(shape, item.what, select.limit)
        else:
            self._add_function(shape, item.what, item.alias)

    def _add_path(self, shape: Shape, path: Path) -> None:
        if len(path.parts) > 1:
            self._ground.column(shape.sobject, path)  # refuses what it cannot reach
            self._parents.add(tuple(part.lower() for part in path.parts[:-1]))
        shape = self._parent(shape, path)
        found = self._ground.field_of(shape.sobject, path)
        _enter(shape, found.name, found, path)

    def _parent(self, shape: Shape, path: Path) -> Shape:
        """The shape of the parent that a path leads to; those on the way are added."""
        for part in path.parts[:-1]:
            relation, target = self._ground.parent(shape.sobject, part, path)
            name = relation.relationship or relation.name
            inner = shape.entries.setdefault(name, Shape(target, via=relation.name))
            if not isinstance(inner, Shape):
                message = f"relationship {name} is already selected by TYPEOF or as an alias"
                raise SoqlError("MALFORMED_QUERY", message, path.at)
            shape = inner
        return shape

    def _add_all(self, shape: Shape, what: Function, limit: int | None) -> None:
        kind = str(what.args[0]).upper() if len(what.args) == 1 else ""
        if kind not in ("ALL", "STANDARD", "CUSTOM"):
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{kind}'", what.at)
        if kind != "STANDARD" and (limit is None or limit > MOST_FIELDS_LIMIT):
            message = f"The SOQL FIELDS function must have a LIMIT of at most {MOST_FIELDS_LIMIT}"
            raise SoqlError("MALFORMED_QUERY", message, what.at)
        for one in shape.sobject.fields.values():
            if kind == "ALL" or one.custom == (kind == "CUSTOM"):
                shape.entries.setdefault(one.name, one)

    def _add_function(self, shape: Shape, what: Function, alias: str) -> None:
        column = functions.column(self._ground, self._scope, what)
        if what.name not in functions.RENDERING:
            message = f"Field must be grouped or aggregated: {what}"
            raise SoqlError("MALFORMED_QUERY", message, what.at)
        path = self._scope.resolved(_innermost(what))
        if not alias:
            shape = self._parent(shape, path)
            if shape.sobject is NAME:
                raise SoqlError("INVALID_FIELD", f"field {path} does not support function {what.name}", what.at)
            alias = self._ground.field_of(shape.sobject, path).name
            column = functions.column(self._ground, Scope(shape.sobject), _around(what, Path(path.parts[-1:], path.at)))
        _enter(shape, alias, Computed(self._ground.code.getter(column.source)), path)

    # --- children and polymorphic parents

    def _add_children(self, shape: Shape, query: Select) -> None:
        wanted = query.source.name.split(".")[-1].lower()
        for child in self._ground.org.objects.values():
            for one in child.fields.values():
                if shape.sobject.name in one.refers and one.children and one.children.lower() == wanted:
                    self._nest(shape, child, one, query)
                    return
        where = f"FROM part of query call in the context of {shape.sobject.name}"
        raise SoqlError("INVALID_TYPE", messages.no_relationship(query.source.name, where), query.source.at)

    def _nest(self, shape: Shape, child: SObject, one: Field, query: Select) -> None:
        seen = self._ground.org.find(child.name)
        if seen is None or seen.field(one.name) is None:
            raise SoqlError("INVALID_TYPE", messages.no_relationship(query.source.name), query.source.at)
        assert one.children is not None
        plan = self._sub_plan(seen, query)
        _enter(shape, one.children, Nested(plan, one.name), Path((query.source.name,), query.source.at))

    def _add_branches(self, shape: Shape, item: TypeOf) -> None:
        path = self._scope.resolved(item.path)
        shape = self._parent(shape, path)
        relation, target = self._ground.parent(shape.sobject, path.parts[-1], path)
        if target is not NAME:
            message = f"TYPEOF operand must be a polymorphic relationship: {path}"
            raise SoqlError("INVALID_FIELD", message, path.at)
        shapes = {name: self._branch(relation, name, fields, path) for name, fields in item.branches}
        otherwise = self._shape_of(NAME, item.otherwise, relation) if item.otherwise else None
        name = relation.relationship or relation.name
        known = {shape_.sobject.name: shape_ for shape_ in shapes.values()}
        _enter(shape, name, Branches(relation.name, known, otherwise), path)

    def _branch(self, relation: Field, name: str, fields: Iterable[Path], path: Path) -> Shape:
        sobject = self._ground.org.find(name)
        if sobject is None or sobject.name not in relation.refers:
            raise SoqlError("INVALID_TYPE", messages.no_type(name), path.at)
        return self._shape_of(sobject, fields, relation)

    def _shape_of(self, sobject: SObject, fields: Iterable[Path], relation: Field) -> Shape:
        shape = Shape(sobject, via=relation.name)
        for path in fields:
            self._add_path(shape, path)
        return shape


def _enter(shape: Shape, name: str, entry: Entry, path: Path) -> None:
    if name in shape.entries:
        raise SoqlError("INVALID_FIELD", f"duplicate field selected: {path}", path.at)
    shape.entries[name] = entry


def _innermost(what: Function) -> Path:
    inner = what.args[0]
    return _innermost(inner) if isinstance(inner, Function) else inner


def _around(what: Function, path: Path) -> Function:
    """The same functions around another path."""
    inner = what.args[0]
    return Function(what.name, (_around(inner, path) if isinstance(inner, Function) else path,), what.at)


def of_fields(sobject: SObject, names: Iterable[str]) -> Shape:
    """The shape of the named fields of an object."""
    return Shape(sobject, {one: sobject.fields[one] for one in names})
