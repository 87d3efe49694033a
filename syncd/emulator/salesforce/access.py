"""Who may see and change what: rights on objects and fields, and which records are shared with whom.

A user to whom no right was ever set is an administrator. The integration user starts with every right, as a well kept
integration has; what is taken from it shows in describe, queries, rows and in the permission objects alike.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from syncd.emulator.salesforce.errors import RowError
from syncd.emulator.salesforce.schema import SObject
from syncd.emulator.table import Row

if TYPE_CHECKING:
    from syncd.emulator.salesforce.store import Org

Sharing = Literal["public", "public_read", "private"]
Level = Literal["read", "edit"]
Test = Callable[[Row], bool]

OPEN_TO_ALL = {"User", "Profile", "PermissionSet", "PermissionSetAssignment", "ObjectPermissions", "FieldPermissions",
               "UserRecordAccess", "EntityDefinition", "Organization", "OpportunityStage", "RecordType", "CurrencyType",
               "DatedConversionRate", "UserRole", "Group", "GroupMember", "Territory2"}  # fmt: skip
"""Objects that no right opens or closes."""
CONTROLLED = {"OpportunityLineItem": "OpportunityId", "OpportunityHistory": "OpportunityId"}
"""Objects whose records are seen by whom their parent is seen by."""


@dataclass(frozen=True, slots=True)
class ObjectRights:
    """What a user may do with an object; View All and Modify All stand above sharing."""

    readable: bool = True
    editable: bool = True
    view_all: bool = True
    modify_all: bool = True


@dataclass(frozen=True, slots=True)
class FieldRights:
    """What a user may do with a field."""

    readable: bool = True
    editable: bool = True


EVERYTHING, FULL = ObjectRights(), FieldRights()


class Access:
    """The rights of limited users. `version` moves with every change, so that answers are not kept beyond it."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.version = 0
        self.acting: str | None = None
        self.sharing: dict[str, Sharing] = {}
        self._objects: dict[tuple[str, str], ObjectRights] = {}
        self._fields: dict[tuple[str, str], dict[str, FieldRights]] = {}
        self._shares: dict[tuple[str, str], dict[str, Level]] = {}
        self._samples: dict[tuple[str, str], float] = {}
        self._seen: dict[tuple[str, str], tuple[int, int, SObject]] = {}
        self._tests: dict[tuple[str, str, str], tuple[tuple[int, ...], Test]] = {}

    @contextmanager
    def acting_as(self, user: str | None) -> Iterator[None]:
        """While the context lasts, what is read is read as this user; without one, as the org's maker."""
        before, self.acting = self.acting, user
        try:
            yield
        finally:
            self.acting = before

    # --- what is set

    def set_sharing(self, name: str, sharing: Sharing) -> None:
        """The org-wide default of an object."""
        if sharing not in get_args(Sharing):
            raise ValueError(f"unknown sharing {sharing!r}: one of {', '.join(get_args(Sharing))}")
        self.sharing[name] = sharing
        self._changed()

    def set_object(self, user: str, name: str, **rights: bool | None) -> None:
        """Change rights of a user on an object; None leaves a right as it is."""
        given = {right: value for right, value in rights.items() if value is not None}
        self._objects[user, name] = replace(self.rights(user, name), **given)
        self._changed()

    def set_field(self, user: str, name: str, field: str, rights: FieldRights) -> None:
        """Set the rights of a user on a field."""
        self._fields.setdefault((user, name), {})[field] = rights
        self._changed()

    def share(self, user: str, name: str, ids: Iterable[str], level: Level | None) -> None:
        """Share records with a user, or with None as the level no longer."""
        held = self._shares.setdefault((user, name), {})
        for id_ in ids:
            held.pop(id_, None)
            if level is not None:
                held[id_] = level
        self._changed()

    def share_sample(self, user: str, name: str, fraction: float) -> None:
        """Share a part of an object's records with a user to read; which, follows from the org's seed."""
        self._samples[user, name] = fraction
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._org.schema_changed = self._org.clock.now()

    # --- rights on objects and fields

    def rights(self, user: str | None, name: str) -> ObjectRights:
        """What a user may do with an object."""
        return EVERYTHING if user is None else self._objects.get((user, name), EVERYTHING)

    def field_access(self, user: str | None, name: str, field: str) -> FieldRights:
        """What a user may do with a field of an object."""
        return FULL if user is None else self._fields.get((user, name), {}).get(field, FULL)

    def limited(self, user: str) -> bool:
        """Whether the user's rights come from a permission set, not from being an administrator."""
        named = {key[0] for rights in (self._objects, self._fields, self._shares, self._samples) for key in rights}
        return user == self._org.integration_user or user in named

    def seen(self, sobject: SObject) -> SObject | None:
        """The object as the acting user sees it: without hidden fields, or not at all."""
        user = self.acting
        if user is None or not self.version:
            return sobject
        if not self.rights(user, sobject.name).readable:
            return None
        hidden = [name for name, one in self._fields.get((user, sobject.name), {}).items() if not one.readable]
        return self._view(user, sobject, hidden) if hidden else sobject

    def _view(self, user: str, sobject: SObject, hidden: list[str]) -> SObject:
        known = self._seen.get((user, sobject.name))
        if known is not None and known[:2] == (self.version, len(sobject.fields)):
            return known[2]
        view = sobject.without(hidden)
        self._seen[user, sobject.name] = (self.version, len(sobject.fields), view)
        return view

    # --- which records

    def sees(self, user: str | None, name: str) -> Test | None:
        """Which records of an object a user sees; None: all."""
        if user is None or not self.version:
            return None
        parent = self._controlling(name)
        if parent is not None:
            return self._through_parent(user, name, *parent)
        rights = self.rights(user, name)
        if self.sharing.get(name, "public") != "private" or rights.view_all or rights.modify_all:
            return None
        return self._remembered(user, name, "read")

    def edits(self, user: str | None, name: str) -> Test | None:
        """Which of the records of an object that a user sees it may also change; None: all."""
        if user is None or not self.version:
            return None
        rights = self.rights(user, name)
        if not rights.editable:
            return lambda row: False
        if self.sharing.get(name, "public") == "public" or rights.modify_all:
            return None
        return self._remembered(user, name, "edit")

    def _remembered(self, user: str, name: str, level: Level) -> Test:
        """The test made before, unless rights, users, roles or queues have changed."""
        tables = (self._org.tables[one] for one in ("User", "UserRole", "GroupMember"))
        state = (self.version, len(self._org.tables[name].slots), *(table.version for table in tables))
        known = self._tests.get((user, name, level))
        if known is None or known[0] != state:
            levels: tuple[Level, ...] = ("edit",) if level == "edit" else ("read", "edit")
            known = self._tests[user, name, level] = (state, self._shared(user, name, levels, level == "read"))
        return known[1]

    def _shared(self, user: str, name: str, levels: tuple[Level, ...], sampled: bool) -> Test:
        owner = self._org.tables[name].slots.get("OwnerId", 0)
        owners = self._owners(user)
        shares = {id_ for id_, level in self._shares.get((user, name), {}).items() if level in levels}
        below = self._samples.get((user, name), 0.0) * 2**32 if sampled else 0.0
        salt = f"{self._org.seed} {user} "

        def shared(row: Row) -> bool:
            if row[owner] in owners or row[0] in shares:
                return True
            return below > 0 and zlib.crc32(f"{salt}{row[0]}".encode()) < below

        return shared

    def _owners(self, user: str) -> set[str]:
        """The user, those below it in the role hierarchy, and the queues it belongs to."""
        users, members = self._org.tables["User"], self._org.tables["GroupMember"]
        row = users.rows.get(user)
        roles = set() if row is None else self._roles_below(users.get(row, "UserRoleId"))
        below = {one[0] for one in users if users.get(one, "UserRoleId") in roles}
        queues = {members.get(one, "GroupId") for one in members if members.get(one, "UserOrGroupId") == user}
        return {user} | below | queues

    def _roles_below(self, role: str | None) -> set[str]:
        table, found, fresh = self._org.tables["UserRole"], set[str](), {role} - {None}
        while fresh:
            fresh = {row[0] for row in table if table.get(row, "ParentRoleId") in fresh} - found
            found |= {one for one in fresh if one is not None}
        return found

    def _controlling(self, name: str) -> tuple[str, str] | None:
        sobject = self._org.objects[name]
        link = CONTROLLED.get(name)
        if link is None and sobject.history:
            link = next(one.name for one in sobject.fields.values() if sobject.parent in one.refers)
        return None if link is None else (link, sobject.fields[link].refers[0])

    def _through_parent(self, user: str, name: str, link: str, parent: str) -> Test | None:
        test, table = self.sees(user, parent), self._org.tables[parent]
        slot = self._org.tables[name].slots.get(link)
        if test is None or slot is None:
            return None
        return lambda row: (above := table.rows.get(row[slot])) is not None and test(above)

    # --- for writes and reads of single records

    def visible(self, name: str, row: Row) -> bool:
        """Whether the acting user sees a record."""
        test = self.sees(self.acting, name)
        return test is None or test(row)

    def check_create(self, user: str, sobject: SObject, values: Mapping[str, Any]) -> None:
        """Refuse a new record, or a field of it, that a user may not write; raises RowError."""
        if not self.rights(user, sobject.name).editable:
            raise RowError("INVALID_TYPE_FOR_OPERATION", f"entity type cannot be inserted: {sobject.label}")
        self.check_fields(user, sobject, values)

    def check_record(self, user: str, name: str, row: Row) -> None:
        """Refuse to change or delete a record that a user does not see or may only read; raises RowError."""
        seen, edited = self.sees(user, name), self.edits(user, name)
        if seen is not None and not seen(row):
            raise RowError("NOT_FOUND", "The requested resource does not exist", status=404)
        if edited is not None and not edited(row):
            raise RowError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", status=403)

    def check_target(self, user: str, name: str, row: Row) -> None:
        """Refuse a reference to a record that a user does not see; raises RowError."""
        seen = self.sees(user, name)
        if seen is not None and not seen(row):
            message = f"insufficient access rights on cross-reference id: {row[0]}"
            raise RowError("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message)

    def check_fields(self, user: str, sobject: SObject, values: Mapping[str, Any]) -> None:
        """Refuse to write fields that a user may not; raises RowError."""
        limits = self._fields.get((user, sobject.name))
        if not limits:
            return
        for name in values:
            field = sobject.field(name)
            if field is not None and not limits.get(field.name, FULL).editable:
                message = (
                    f"Unable to create/update fields: {field.name}. Please check the security settings of this field "
                    "and verify that it is read/write for your profile or permission set."
                )
                raise RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, [field.name])
