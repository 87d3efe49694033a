"""The god view of records: read them, and do what people, imports and time do to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.hubspot import removal
from syncd.emulator.hubspot.authors import importer
from syncd.emulator.hubspot.hands import Hands
from syncd.emulator.hubspot.links import inner_id
from syncd.emulator.hubspot.merge import merge
from syncd.emulator.hubspot.store import ARCHIVED
from syncd.emulator.hubspot.types import ObjectType


class People(Hands):
    """Records as only the portal's makers see them. `user` is an owner's email, id or user id."""

    # --- reading

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Every record with every property, archived ones included (`archived`: bool)."""
        with self._at_work() as portal:
            kind = self._type(name)
            table = portal.tables[kind.name]
            found = [table.as_dict(row, portal.properties[kind.name]) for row in table]
            return [one | {"archived": bool(one.pop(ARCHIVED, None))} for one in found]

    def history(self, name: str, id_: str, field: str) -> list[dict[str, Any]]:
        """The values that a property had, newest first, as the API shows them."""
        with self._at_work() as portal:
            kind = self._type(name)
            return [one.shown() for one in portal.entries(kind, self._any(kind, id_), field)]

    def associated(self, name: str, id_: str, target: str) -> list[str]:
        """Ids of the records that one is associated with."""
        with self._at_work() as portal:
            return [link.to for link in portal.links.of(self._type(name), id_, self._type(target))]

    def survivor(self, name: str, id_: str) -> str:
        """The id that a record has since it was merged; its own if it was not."""
        with self._at_work() as portal:
            return portal.survivor(self._type(name), id_)

    # --- people

    def edit(self, name: str, id_: str, values: Mapping[str, Any], user: str | None = None) -> None:
        """Change a record as a person would."""
        with self._at_work() as portal:
            kind = self._type(name)
            portal.change(kind, portal.find(kind, id_), values, self._person(user))

    def insert(
        self, name: str, values: Mapping[str, Any], user: str | None = None,
        associations: Mapping[str, Iterable[str]] | None = None,
    ) -> str:  # fmt: skip
        """Add a record as a person would; returns its id."""
        with self._at_work() as portal:
            kind, author = self._type(name), self._person(user)
            id_ = str(portal.create(kind, values, author)[0])
            for target, ids in (associations or {}).items():
                for to in ids:
                    portal.associate(kind, id_, self._type(target), to, (), author)
            return id_

    def archive(self, name: str, id_: str, user: str | None = None) -> None:
        """Archive a record as a person would."""
        with self._at_work() as portal:
            kind = self._type(name)
            removal.remove(portal, kind, portal.find(kind, id_), self._person(user))

    def restore(self, name: str, id_: str, user: str | None = None) -> None:
        """Bring an archived record back; within 90 days, and in no other way than by a person."""
        with self._at_work() as portal:
            kind = self._type(name)
            removal.restore(portal, kind, portal.find(kind, id_, archived=True), self._person(user))

    def gdpr_delete(self, name: str, id_: str, user: str | None = None) -> None:
        """Delete a record for good, archived or not."""
        with self._at_work() as portal:
            kind = self._type(name)
            removal.erase(portal, kind, self._any(kind, id_), self._person(user))

    def merge(self, name: str, primary: str, other: str, user: str | None = None) -> str:
        """Merge two records as a person would; returns the survivor's id, which may be a new one."""
        with self._at_work() as portal:
            return str(merge(portal, self._type(name), primary, other, self._person(user))[0])

    def associate(
        self, name: str, id_: str, target: str, to: str, label: str | None = None, user: str | None = None
    ) -> None:  # fmt: skip
        """Associate two records, with a label if one is given by its text."""
        with self._at_work() as portal:
            kind, other = self._type(name), self._type(target)
            portal.associate(kind, id_, other, to, self._label(kind, other, label), self._person(user))

    def dissociate(self, name: str, id_: str, target: str, to: str, user: str | None = None) -> None:
        """Part two records."""
        with self._at_work() as portal:
            portal.part(self._type(name), id_, self._type(target), to, self._person(user))

    def add_label(self, name: str, target: str, label: str, inverse: str | None = None) -> list[int]:
        """Define an association label; returns its type id in each direction."""
        with self._at_work() as portal:
            made = portal.links.define(self._type(name), self._type(target), label.lower(), label, inverse)
            return [type_id - inner_id("USER_DEFINED", 0) for _, _, type_id in made]

    def _label(self, kind: ObjectType, other: ObjectType, label: str | None) -> list[int]:
        links = self._portal.links
        found = [one for one in links.known(kind, other) if label and links.label_of(kind, other, one) == label]
        if label and not found:
            raise EmulatorRefusal("VALIDATION_ERROR", f"no label {label!r} from {kind.name} to {other.name}")
        return found

    # --- programs other than the API's clients, and time

    def import_records(self, name: str, records: Iterable[Mapping[str, Any]], by: str | None = None) -> list[str]:
        """Import records as from a file: those found by `by`, or by `hs_object_id`, are updated, others created.

        Returns their ids. All are stamped with the same millisecond while the clock stands still.
        """
        with self._at_work() as portal:
            kind, author = self._type(name), importer(self._next_import())
            done = []
            for record in records:
                key = record.get(by or "hs_object_id")
                values = {field: value for field, value in record.items() if field != "hs_object_id"}
                if key and (by is None or portal.tables[kind.name].with_value(by, str(key))):
                    row = portal.find(kind, str(key), by)
                    portal.change(kind, row, values, author)
                else:
                    row = portal.create(kind, values, author)
                done.append(str(row[0]))
            return done

    def recompute(self, name: str, ids: Iterable[str]) -> None:
        """Move the modification stamps of records without a change that anybody sees, as HubSpot often does."""
        with self._at_work() as portal:
            kind = self._type(name)
            for id_ in ids:
                portal.touch(kind, portal.find(kind, id_))

    _imports = 0

    def _next_import(self) -> int:
        self._imports += 1
        return self._imports
