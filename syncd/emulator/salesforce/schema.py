"""Objects and fields of the org, as describe shows them and as writes are checked against."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_NUMERIC = {"int", "double", "currency", "percent"}
_LENGTHS = {"string": 255, "textarea": 32000, "phone": 40, "email": 80, "url": 255, "picklist": 255,
            "multipicklist": 4099, "combobox": 255, "id": 18, "reference": 18}  # fmt: skip


@dataclass(slots=True)
class Field:
    """One field; `values` are its picklist entries, `refers` the objects that a reference points to."""

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
        return not self.long_text

    @property
    def sortable(self) -> bool:
        """Whether ORDER BY may name the field."""
        return not self.long_text and self.type != "multipicklist"


@dataclass(slots=True)
class SObject:
    """One object with its fields by name; look-ups ignore case, as the vendor's do."""

    name: str
    label: str
    plural: str
    prefix: str
    custom: bool = False
    fields: dict[str, Field] = field(default_factory=dict)
    _by_lower: dict[str, Field] = field(default_factory=dict)
    _relations: dict[str, Field] = field(default_factory=dict)

    def add(self, fields: Iterable[Field]) -> None:
        """Add fields, or replace those of the same name."""
        for one in fields:
            self.fields[one.name] = one
            self._by_lower[one.name.lower()] = one
            if one.relationship:
                self._relations[one.relationship.lower()] = one

    def drop(self, name: str) -> None:
        """Remove a field."""
        self._by_lower.pop(self.fields.pop(name).name.lower())

    def field(self, name: str) -> Field | None:
        """The field of that name in any case."""
        return self._by_lower.get(name.lower())

    def relation(self, name: str) -> Field | None:
        """The reference whose relationship has that name, e.g. Owner."""
        return self._relations.get(name.lower())

    @property
    def owned(self) -> bool:
        """Whether records have an owner."""
        return "OwnerId" in self.fields


def label_of(name: str) -> str:
    """`AnnualRevenue` → `Annual Revenue`, `Deal_Reg__c` → `Deal Reg`."""
    bare = name.removesuffix("__c").removesuffix("Id") if len(name) > 2 else name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", bare).replace("_", " ").strip() or name


def relationship_of(field_name: str) -> str:
    """`OwnerId` → `Owner`, `Partner__c` → `Partner__r`."""
    if field_name.endswith("__c"):
        return field_name[:-1] + "r"
    return field_name.removesuffix("Id")
