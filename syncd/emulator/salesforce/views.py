"""Objects whose records nobody writes: permissions, access to single records, definitions, sharing defaults.

They are made anew when a query asks for them after something that they tell of has changed, and are consistent with
what `access` lets through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncd.emulator.salesforce.access import CONTROLLED, OPEN_TO_ALL, Access
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.syntax import Chain, Compare, Condition, Not, Path, Select, SoqlError
from syncd.emulator.salesforce.values import wire_time
from syncd.emulator.table import Row

if TYPE_CHECKING:
    from syncd.emulator.salesforce.store import Org

ADMINISTRATOR, API_ONLY = "System Administrator", "Minimum Access - API Only Integrations"
MOST_RECORDS = 200
_SETUP = ("PermissionSet", "PermissionSetAssignment", "ObjectPermissions", "FieldPermissions")
_MODELS = {"private": "Private", "public_read": "Read", "public": "ReadWrite"}
_DEFAULTS = {"private": "None", "public_read": "Read", "public": "Edit"}
_STAMPED = ("CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate", "SystemModstamp")

Record = dict[str, Any]


class Views:
    """Keeps the made-up tables true; `install` gives every user a profile, `refresh` is called before a query."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.administrator: str | None = None
        self._told: dict[str, tuple[int, ...]] = {}
        self._ids: dict[tuple[str, ...], str] = {}

    def install(self) -> None:
        """Add the two profiles, unless the org has its own, and give one to every user without."""
        table = self._org.tables["User"]
        self.administrator = self._profile(ADMINISTRATOR, True)
        api_only = self._profile(API_ONLY, False)
        for row in table:
            if table.get(row, "ProfileId") is None:
                mine = row[0] == self._org.integration_user
                table.update(row, {"ProfileId": api_only if mine else self.administrator})

    def _profile(self, name: str, everything: bool) -> str:
        table = self._org.tables["Profile"]
        known = next((row[0] for row in table if table.get(row, "Name") == name), None)
        if known is not None:
            return str(known)
        return self._add("Profile", (name,), {"Name": name, "UserType": "Standard", **_powers(everything)})

    def refresh(self, name: str, select: Select | None = None) -> bool:
        """Make an object's records true again; returns whether it is one of those that nobody writes."""
        if name in _SETUP:
            self._once("setup", self._set_up)
        elif name == "EntityDefinition":
            self._once(name, self._define)
        elif name == "Organization":
            self._once(name, self._default_sharing)
        elif name == "UserRecordAccess":
            self._tell_access(select)
        else:
            return False
        return True

    def _once(self, what: str, make: Any) -> None:
        org = self._org
        state = (org.access.version, len(org.objects), sum(len(one.fields) for one in org.objects.values()),
                 org.tables["User"].version)  # fmt: skip
        if self._told.get(what) != state:
            make()
            self._told[what] = state

    # --- permissions

    def _set_up(self) -> None:
        for name in _SETUP:
            self._clear(name)
        profiles = self._org.tables["Profile"]
        for profile in list(profiles):
            powers = {one: profiles.get(profile, one) for one in _powers(True)}
            owned = self._add("PermissionSet", ("profile", profile[0]), {
                "Name": f"X{profile[0]}", "Label": profiles.get(profile, "Name"), "ProfileId": profile[0],
                "IsOwnedByProfile": True, "IsCustom": False, "Type": "Profile", **powers,
            })  # fmt: skip
            self._assign_profile(profile[0], owned)
        for user in [row[0] for row in self._org.tables["User"]]:
            if self._org.access.limited(user):
                self._permit(user)

    def _assign_profile(self, profile: str, owned: str) -> None:
        for row in self._org.tables["User"].with_value("ProfileId", profile):
            self._assign(row[0], owned)

    def _permit(self, user: str) -> None:
        users = self._org.tables["User"]
        name = f"Access_{users.get(users.rows[user], 'Username') or user}".replace("@", "_").replace(".", "_")
        held = self._add("PermissionSet", ("own", user), {
            "Name": name[:80], "Label": name[:80], "IsOwnedByProfile": False, "IsCustom": True, "Type": "Regular",
            **_powers(False),
        })  # fmt: skip
        self._assign(user, held)
        for sobject in self._org.objects.values():
            if sobject.name not in OPEN_TO_ALL and not sobject.history:
                self._permit_object(user, held, sobject)

    def _assign(self, user: str, held: str) -> None:
        values = {"AssigneeId": user, "PermissionSetId": held, "IsActive": True}
        self._add("PermissionSetAssignment", (user, held), values)

    def _permit_object(self, user: str, held: str, sobject: SObject) -> None:
        rights = self._org.access.rights(user, sobject.name)
        if not rights.readable:
            return
        values = {"PermissionsRead": True, "PermissionsViewAllRecords": rights.view_all or rights.modify_all}
        changes = dict.fromkeys(("PermissionsCreate", "PermissionsEdit", "PermissionsDelete"), rights.editable)
        changes["PermissionsModifyAllRecords"] = rights.modify_all
        key = {"ParentId": held, "SobjectType": sobject.name}
        self._add("ObjectPermissions", (held, sobject.name), {**key, **values, **changes})
        for field in sobject.fields.values():
            if permissionable(field):
                self._permit_field(user, key, sobject, field)

    def _permit_field(self, user: str, key: Record, sobject: SObject, field: Field) -> None:
        rights = self._org.access.field_access(user, sobject.name, field.name)
        if rights.readable:
            name = f"{sobject.name}.{field.name}"
            values = {"PermissionsRead": True, "PermissionsEdit": rights.editable and field.updateable}
            self._add("FieldPermissions", (key["ParentId"], name), {**key, "Field": name, **values})

    # --- access to single records

    def _tell_access(self, select: Select | None) -> None:
        self._clear("UserRecordAccess")
        where = None if select is None else select.where
        users, records = _named(where, "userid"), _named(where, "recordid")
        if select is not None and (len(users) != 1 or not records or len(records) > MOST_RECORDS):
            message = f"UserRecordAccess needs one UserId and one to {MOST_RECORDS} RecordIds"
            raise SoqlError("MALFORMED_QUERY", message, select.source.at)
        for id_ in records:
            self._tell(users[0], id_)

    def _tell(self, user: str, id_: str) -> None:
        sobject = self._org.object_of_id(id_)
        row = None if sobject is None else self._org.tables[sobject.name].rows.get(id_)
        level = "None"
        if sobject is not None and row is not None:
            level = access_level(self._org.access, user, sobject.name, row)
        self._add("UserRecordAccess", (user, id_), {
            "UserId": user, "RecordId": id_, "HasReadAccess": level != "None",
            "HasEditAccess": level in ("Edit", "All"), "MaxAccessLevel": level,
            **dict.fromkeys(("HasDeleteAccess", "HasTransferAccess", "HasAllAccess"), level == "All"),
        })  # fmt: skip

    # --- definitions

    def _define(self) -> None:
        self._clear("EntityDefinition")
        for sobject in self._org.objects.values():
            sharing = self._org.access.sharing.get(sobject.name, "public")
            model = "ControlledByParent" if sobject.name in CONTROLLED else _MODELS[sharing]
            self._add("EntityDefinition", (sobject.name,), {
                "DurableId": sobject.name, "QualifiedApiName": sobject.name, "Label": sobject.label,
                "DeveloperName": sobject.name.removesuffix("__c"), "KeyPrefix": sobject.prefix or None,
                "InternalSharingModel": model, "ExternalSharingModel": model, "IsQueryable": True,
                "IsCustomSetting": False, "LastModifiedDate": wire_time(self._org.schema_changed),
            })  # fmt: skip

    def _default_sharing(self) -> None:
        table, sharing = self._org.tables["Organization"], self._org.access.sharing
        values: Record = {
            f"Default{name}Access": _DEFAULTS[sharing.get(name, "public")]
            for name in ("Account", "Contact", "Opportunity", "Lead")
        }
        if values["DefaultLeadAccess"] == "Edit":
            values["DefaultLeadAccess"] = "ReadEditTransfer"
        for row in table:
            table.update(row, values)

    # --- rows

    def _clear(self, name: str) -> None:
        table = self._org.tables[name]
        for id_ in list(table.rows):
            table.remove(id_)

    def _add(self, name: str, key: tuple[str, ...], values: Record) -> str:
        """Add a record that has the same id whenever it is made again."""
        org = self._org
        id_ = self._ids.get((name, *key))
        if id_ is None:
            id_ = self._ids[(name, *key)] = org.new_id(org.objects[name])
        made, by = wire_time(org.started), org.integration_user
        stamps = dict(zip(_STAMPED, (by, made, by, made, made), strict=True))
        org.tables[name].insert(id_, values | {one: stamps[one] for one in stamps if one in org.objects[name].fields})
        return id_


def permissionable(field: Field) -> bool:
    """Whether access to a field can be given and taken."""
    return not field.required and field.name not in (*_STAMPED, "Id", "IsDeleted", "OwnerId", "MasterRecordId")


def access_level(access: Access, user: str, name: str, row: Row) -> str:
    """What a user may do with a record, in the words of MaxAccessLevel."""
    rights, seen, edited = access.rights(user, name), access.sees(user, name), access.edits(user, name)
    if not rights.readable or (seen is not None and not seen(row)):
        return "None"
    if edited is not None and not edited(row):
        return "Read"
    return "All" if rights.modify_all else "Edit"


def _powers(everything: bool) -> Record:
    return {"PermissionsViewAllData": everything, "PermissionsModifyAllData": everything,
            "PermissionsViewSetup": True, "PermissionsApiEnabled": True}  # fmt: skip


def _named(where: Condition | None, name: str) -> list[str]:
    """The ids that a condition names for a field by = or IN."""
    match where:
        case Chain():
            return [id_ for part in where.parts for id_ in _named(part, name)]
        case Compare():
            path = where.what
            matches = isinstance(path, Path) and path.parts[-1].lower() == name and where.op in ("=", "IN")
            return [value.text for value in where.values] if matches else []
        case Not():
            return []
    return []
