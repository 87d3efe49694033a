"""Associations between records, kept in both directions with their type ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from syncd.emulator.hubspot.types import ObjectType, Types

# from, to: (unlabelled, primary)
_KNOWN: dict[tuple[str, str], tuple[int, int | None]] = {
    ("contacts", "companies"): (279, 1), ("companies", "contacts"): (280, 2),
    ("deals", "companies"): (341, 5), ("companies", "deals"): (342, 6),
    ("tickets", "companies"): (339, 26), ("companies", "tickets"): (340, 25),
    ("deals", "contacts"): (3, None), ("contacts", "deals"): (4, None),
    ("tickets", "contacts"): (16, None), ("contacts", "tickets"): (15, None),
    ("deals", "line_items"): (19, None), ("line_items", "deals"): (20, None),
    ("deals", "tickets"): (27, None), ("tickets", "deals"): (28, None),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """One associated record with the type ids that hold it."""

    to: str
    type_ids: tuple[int, ...]


@dataclass(slots=True)
class Links:
    """All associations of a portal."""

    types: Types
    version: int = 0
    _held: dict[tuple[str, str], dict[str, dict[str, set[int]]]] = field(default_factory=dict)

    def type_ids(self, source: ObjectType, target: ObjectType) -> tuple[int, int | None]:
        """The unlabelled and the primary type id of a direction."""
        known = _KNOWN.get((source.name, target.name))
        if known is not None:
            return known
        names = list(self.types.all)
        return 1000 + 100 * names.index(source.name) + names.index(target.name), None

    def labels(self, source: ObjectType, target: ObjectType) -> list[dict[str, object]]:
        """The types of a direction as the labels resource shows them."""
        plain, primary = self.type_ids(source, target)
        found = [(primary, "Primary")] if primary is not None else []
        return [self.described(source, target, id_) for id_ in (plain, *(one for one, _ in found))]

    def described(self, source: ObjectType, target: ObjectType, type_id: int) -> dict[str, object]:
        """One type id in the vendor's shape."""
        primary = self.type_ids(source, target)[1]
        label = "Primary" if type_id == primary else None
        return {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label}

    def of(self, source: ObjectType, id_: str, target: ObjectType) -> list[Link]:
        """What a record is associated with, in order of id."""
        held = self._held.get((source.name, target.name), {}).get(id_, {})
        return [Link(to, tuple(sorted(held[to]))) for to in sorted(held, key=int)]

    def add(self, source: ObjectType, id_: str, target: ObjectType, to: str, type_ids: Iterable[int] = ()) -> bool:
        """Associate two records; without type ids as the vendor does by default. True if that changed anything."""
        plain, primary = self.type_ids(source, target)
        wanted = {plain, *type_ids}
        held = self._side(source, target, id_)
        has_primary = any(primary in ids for ids in held.values())
        if primary is not None and not has_primary and target.name == "companies":
            wanted.add(primary)  # the first company is the primary one
        if primary is not None and primary in wanted and has_primary:
            self._demote(source, id_, target, primary)
        new = wanted - held.get(to, set())
        held.setdefault(to, set()).update(wanted)
        back = {self._mirror(source, target, one) for one in wanted}
        self._side(target, source, to).setdefault(id_, set()).update(back)
        self.version += 1
        return bool(new)

    def remove(self, source: ObjectType, id_: str, target: ObjectType, to: str) -> bool:
        """Part two records."""
        gone = self._side(source, target, id_).pop(to, None)
        self._side(target, source, to).pop(id_, None)
        self.version += 1
        return gone is not None

    def forget(self, source: ObjectType, id_: str) -> None:
        """Part a record from all others."""
        for target in self.types.all.values():
            for link in self.of(source, id_, target):
                self.remove(source, id_, target, link.to)

    def _side(self, source: ObjectType, target: ObjectType, id_: str) -> dict[str, set[int]]:
        return self._held.setdefault((source.name, target.name), {}).setdefault(id_, {})

    def _mirror(self, source: ObjectType, target: ObjectType, type_id: int) -> int:
        here, there = self.type_ids(source, target), self.type_ids(target, source)
        if type_id == here[1] and there[1] is not None:
            return there[1]
        return there[0]

    def _demote(self, source: ObjectType, id_: str, target: ObjectType, primary: int) -> None:
        for to, ids in self._side(source, target, id_).items():
            if primary in ids:
                ids.discard(primary)
                self._side(target, source, to)[id_].discard(self._mirror(source, target, primary))
