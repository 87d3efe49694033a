"""Objects and fields of the org, as describe shows them and as writes are checked against."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_NUMERIC = {"int", "double", "currency", "percent"}
_LENGTHS = {"string": 255, "textarea": 32000, "phone": 40, "email": 80, "url": 255, "picklist": 255,
            "multipicklist": 4099, "combobox": 255, "id": 18, "reference": 18}  # fmt: skip
_UNGROUPED = {"double", "currency", "percent", "datetime", "multipicklist", "anyType", "address"}
_UNCOUNTED = {"boolean", "multipicklist", "anyType", "address"}
ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country")


@dataclass(slots=True)
class Field:
    """One field; `values` are its picklist entries, `refers` the objects that a reference points to.

    `relationship` is the name by which the record it points to is reached, `children` the name by which that record
    reaches back.
    """

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    required: bool = False
    createable: bool = True
    updateable: bool = True
    calculated: bool = False
    custom: bool = False
    external_id: bool = False
    unique: bool = False
    restricted: bool = False
    name_field: bool = False
    defaulted: bool = False
    values: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()
    relationship: str | None = None
    children: str | None = None

    def __post_init__(self) -> None:
        self.label = self.label or label_of(self.name)
        self.length = self.length or _LENGTHS.get(self.type, 0)
        if self.type in _NUMERIC and not self.precision:
            self.precision, self.scale = (8, 0) if self.type == "int" else (18, 2)

    @property
    def long_text(self) -> bool:
        """Long text areas cannot be filtered or sorted."""
        return self.type == "textarea" and self.length > 255

    @property
    def filterable(self) -> bool:
        """Whether WHERE may name the field."""
        return not self.long_text and self.type != "anyType"

    @property
    def sortable(self) -> bool:
        """Whether ORDER BY may name the field."""
        return self.filterable and self.type not in ("multipicklist", "address")

    @property
    def groupable(self) -> bool:
        """Whether GROUP BY may name the field."""
        return not (self.long_text or self.calculated) and self.type not in _UNGROUPED

    @property
    def aggregatable(self) -> bool:
        """Whether COUNT, MIN and MAX may name the field."""
        return not self.long_text and self.type not in _UNCOUNTED

    @property
    def polymorphic(self) -> bool:
        """Whether the field points to records of several objects."""
        return len(self.refers) > 1


@dataclass(slots=True)
class SObject:
    """One object with its fields by name; look-ups ignore case, as the vendor's do.

    `rights` says which of the letters c(reate) u(pdate) d(elete) r(eplicate) m(erge) n (undelete) s(earch) an
    administrator has; an object whose records are made by the service alone has none of the first three.
    """

    name: str
    label: str
    plural: str
    prefix: str
    custom: bool = False
    rights: str = "cudrns"
    fields: dict[str, Field] = field(default_factory=dict)
    parent: str = ""
    _by_lower: dict[str, Field] = field(default_factory=dict)
    _relations: dict[str, Field] = field(default_factory=dict)

    def add(self, fields: Iterable[Field]) -> None:
        """Add fields, or replace those of the same name."""
        for one in fields:
            known = self.fields.get(one.name)
            if one.type == "reference" and one.children is None:
                one.children = known.children if known is not None else self._own_children(one)
            self.fields[one.name] = one
            self._by_lower[one.name.lower()] = one
            if one.relationship:
                self._relations[one.relationship.lower()] = one

    def _own_children(self, field: Field) -> str | None:
        """A custom reference names its way back after its object; a second one gets a number."""
        if not field.custom:
            return None
        others = sum(1 for one in self.fields.values() if one.custom and one.type == "reference")
        return f"{self.name.removesuffix('__c')}s{others or ''}__r"

    def drop(self, name: str) -> None:
        """Remove a field."""
        self._by_lower.pop(self.fields.pop(name).name.lower())

    def without(self, hidden: Iterable[str]) -> SObject:
        """The object as somebody sees it who may not read some fields."""
        seen = SObject(self.name, self.label, self.plural, self.prefix, self.custom, self.rights, parent=self.parent)
        gone = set(hidden)
        seen.add(one for one in self.fields.values() if one.name not in gone)
        return seen

    def field(self, name: str) -> Field | None:
        """The field of that name in any case."""
        return self._by_lower.get(name.lower())

    def relation(self, name: str) -> Field | None:
        """The reference whose relationship has that name, e.g. Owner."""
        return self._relations.get(name.lower())

    def compound(self, name: str) -> str | None:
        """The field that shows this one together with others: `BillingAddress` of `BillingCity`, `Name` of a name."""
        if name in ("Name", "FirstName", "LastName", "Salutation"):
            return "Name" if self.name == "Account" or "FirstName" in self.fields else None
        part = next((one for one in ADDRESS_PARTS if name.endswith(one)), None)
        whole = None if part is None else f"{name.removesuffix(part)}Address"
        return whole if whole in self.fields else None

    @property
    def owned(self) -> bool:
        """Whether records have an owner."""
        return "OwnerId" in self.fields

    @property
    def history(self) -> bool:
        """Whether this is the object that keeps another one's field history."""
        return self.name.endswith("History") and bool(self.parent)


def label_of(name: str) -> str:
    """`AnnualRevenue` → `Annual Revenue`, `Deal_Reg__c` → `Deal Reg`."""
    bare = name.removesuffix("__c").removesuffix("Id") if len(name) > 2 else name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", bare).replace("_", " ").strip() or name


def relationship_of(field_name: str) -> str:
    """`OwnerId` → `Owner`, `Partner__c` → `Partner__r`."""
    if field_name.endswith("__c"):
        return field_name[:-1] + "r"
    return field_name.removesuffix("Id")
