"""Associations between records, kept in both directions with their type ids, and the labels that people made."""

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
# Ids of people's labels count from 1, as HubSpot's own do; the category tells them apart. Inside they are above this.
_OWN = 10_000


def inner_id(category: str, type_id: int) -> int:
    """The one number by which a type is held."""
    return type_id if category == "HUBSPOT_DEFINED" else _OWN + type_id


def outer_id(type_id: int) -> tuple[str, int]:
    """Category and id as the API writes them."""
    return ("USER_DEFINED", type_id - _OWN) if type_id > _OWN else ("HUBSPOT_DEFINED", type_id)


@dataclass(frozen=True, slots=True)
class Link:
    """One associated record with the type ids that hold it."""

    to: str
    type_ids: tuple[int, ...]


@dataclass(slots=True)
class Label:
    """A type that a person defined, with the id that the other direction has."""

    id: int
    name: str
    label: str
    inverse: int


@dataclass(slots=True)
class Links:
    """All associations of a portal."""

    types: Types
    version: int = 0
    _held: dict[tuple[str, str], dict[str, dict[str, set[int]]]] = field(default_factory=dict)
    _labels: dict[tuple[str, str], dict[int, Label]] = field(default_factory=dict)
    _made: int = 0

    # --- types

    def type_ids(self, source: ObjectType, target: ObjectType) -> tuple[int, int | None]:
        """The unlabelled and the primary type id of a direction."""
        known = _KNOWN.get((source.name, target.name))
        if known is not None:
            return known
        return 1000 + 100 * self.types.ordinals[source.name] + self.types.ordinals[target.name], None

    def known(self, source: ObjectType, target: ObjectType) -> list[int]:
        """Every type id of a direction, the unlabelled one first."""
        plain, primary = self.type_ids(source, target)
        return [plain, *([] if primary is None else [primary]), *self._labels.get((source.name, target.name), ())]

    def labels(self, source: ObjectType, target: ObjectType) -> list[dict[str, object]]:
        """The types of a direction as the labels resource shows them."""
        return [self.described(source, target, id_) for id_ in self.known(source, target)]

    def label_of(self, source: ObjectType, target: ObjectType, type_id: int) -> str | None:
        """What people read for a type id; None for the unlabelled one."""
        if type_id == self.type_ids(source, target)[1]:
            return "Primary"
        own = self._labels.get((source.name, target.name), {}).get(type_id)
        return None if own is None else own.label

    def described(self, source: ObjectType, target: ObjectType, type_id: int) -> dict[str, object]:
        """One type id in the vendor's shape."""
        category, outer = outer_id(type_id)
        return {"category": category, "typeId": outer, "label": self.label_of(source, target, type_id)}

    def define(
        self, source: ObjectType, target: ObjectType, name: str, label: str, inverse: str | None
    ) -> list[tuple[ObjectType, ObjectType, int]]:
        """A new label; one type id for each direction, or one for both if there is no inverse label and one type."""
        here = self._next()
        there = here if source is target and inverse is None else self._next()
        self._labels.setdefault((source.name, target.name), {})[here] = Label(here, name, label, there)
        if there == here:
            return [(source, target, here)]
        other = Label(there, name, inverse or label, here)
        self._labels.setdefault((target.name, source.name), {})[there] = other
        return [(source, target, here), (target, source, there)]

    def rename(self, source: ObjectType, target: ObjectType, type_id: int, label: str, inverse: str | None) -> bool:
        """Give a label another text; False if there is none of that id."""
        own = self._labels.get((source.name, target.name), {}).get(type_id)
        if own is None:
            return False
        own.label = label
        if inverse is not None:
            self._labels[(target.name, source.name)][own.inverse].label = inverse
        return True

    def undefine(self, source: ObjectType, target: ObjectType, type_id: int) -> bool:
        """Take a label off every association; the associations stay."""
        own = self._labels.get((source.name, target.name), {}).pop(type_id, None)
        if own is None:
            return False
        self._labels.get((target.name, source.name), {}).pop(own.inverse, None)
        for pair, gone in (((source.name, target.name), type_id), ((target.name, source.name), own.inverse)):
            for held in self._held.get(pair, {}).values():
                for ids in held.values():
                    ids.discard(gone)
        self.version += 1
        return True

    def _next(self) -> int:
        self._made += 1
        return _OWN + self._made

    # --- associations

    def of(self, source: ObjectType, id_: str, target: ObjectType) -> list[Link]:
        """What a record is associated with, in order of id."""
        held = self._held.get((source.name, target.name), {}).get(id_, {})
        return [Link(to, tuple(sorted(held[to]))) for to in sorted(held, key=int)]

    def count(self, source: ObjectType, id_: str, target: ObjectType) -> int:
        """With how many records of a type a record is associated."""
        return len(self._held.get((source.name, target.name), {}).get(id_, ()))

    def counts(self, source: ObjectType, target: ObjectType) -> dict[str, int]:
        """The same for every record that has any."""
        return {id_: len(held) for id_, held in self._held.get((source.name, target.name), {}).items() if held}

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

    def unlabel(self, source: ObjectType, id_: str, target: ObjectType, to: str, type_ids: Iterable[int]) -> bool:
        """Take types off an association, which stays as an unlabelled one."""
        plain = self.type_ids(source, target)[0]
        ids = self._held.get((source.name, target.name), {}).get(id_, {}).get(to, set())
        gone = {one for one in type_ids if one in ids and one != plain}
        ids -= gone
        self._side(target, source, to).get(id_, set()).difference_update(
            self._mirror(source, target, one) for one in gone
        )
        self.version += 1
        return bool(gone)

    def all_of(self, source: ObjectType, id_: str) -> list[tuple[ObjectType, Link]]:
        """Everything that a record is associated with."""
        return [(target, link) for target in self.types.all.values() for link in self.of(source, id_, target)]

    def forget(self, source: ObjectType, id_: str) -> None:
        """Part a record from all others."""
        for target, link in self.all_of(source, id_):
            self.remove(source, id_, target, link.to)

    def _side(self, source: ObjectType, target: ObjectType, id_: str) -> dict[str, set[int]]:
        return self._held.setdefault((source.name, target.name), {}).setdefault(id_, {})

    def _mirror(self, source: ObjectType, target: ObjectType, type_id: int) -> int:
        own = self._labels.get((source.name, target.name), {}).get(type_id)
        if own is not None:
            return own.inverse
        here, there = self.type_ids(source, target), self.type_ids(target, source)
        if type_id == here[1] and there[1] is not None:
            return there[1]
        return there[0]

    def _demote(self, source: ObjectType, id_: str, target: ObjectType, primary: int) -> None:
        for to, ids in self._side(source, target, id_).items():
            if primary in ids:
                ids.discard(primary)
                self._side(target, source, to)[id_].discard(self._mirror(source, target, primary))
