"""The schemas of custom object types: labels, which properties are shown, searched and required, associations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.emulator.hubspot.errors import Rejected
from syncd.emulator.hubspot.pipelines import EPOCH
from syncd.emulator.hubspot.types import ObjectType


@dataclass(slots=True)
class Schema:
    """What a schema says beyond its properties."""

    singular: str
    plural: str
    primary: str = ""
    secondary: list[str] = field(default_factory=list)
    searchable: list[str] = field(default_factory=list)
    required: list[str] = field(default_factory=list)
    description: str = ""
    associations: list[dict[str, Any]] = field(default_factory=list)
    created: str = EPOCH
    updated: str = EPOCH
    archived: bool = False

    def take(self, body: Mapping[str, Any], now: str) -> None:
        """Change what the body of a request names."""
        labels = body.get("labels") or {}
        self.singular, self.plural = labels.get("singular", self.singular), labels.get("plural", self.plural)
        self.primary = body.get("primaryDisplayProperty", self.primary)
        self.secondary = list(body.get("secondaryDisplayProperties", self.secondary))
        self.searchable = list(body.get("searchableProperties", self.searchable))
        self.required = list(body.get("requiredProperties", self.required))
        self.description = body.get("description", self.description)
        self.updated = now


class Customs:
    """The schemas of one portal by type name; a type that was loaded has one that follows from its name."""

    def __init__(self) -> None:
        self._schemas: dict[str, Schema] = {}

    def of(self, kind: ObjectType) -> Schema:
        """The schema of a custom type."""
        if kind.name not in self._schemas:
            label = kind.name.removeprefix("p_").replace("_", " ").capitalize()
            self._schemas[kind.name] = Schema(label, f"{label}s")
        return self._schemas[kind.name]

    def forget(self, kind: ObjectType) -> None:
        """Drop the schema of a type."""
        self._schemas.pop(kind.name, None)

    def searched(self, kind: ObjectType) -> tuple[str, ...]:
        """The properties that a free-text query looks at."""
        return tuple(self.of(kind).searchable) if kind.custom else kind.searched

    def check_required(self, kind: ObjectType, values: Mapping[str, str | None]) -> None:
        """Raises Rejected if a new record lacks a property that its schema requires."""
        missing = [name for name in (self.of(kind).required if kind.custom else ()) if not values.get(name)]
        if missing:
            message = f"Error creating {kind.name}. Some required properties were not set."
            raise Rejected(message, context={"properties": missing})
