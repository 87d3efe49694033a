"""describe: what the org says about its objects and fields, with every key of the vendor's payload."""

from __future__ import annotations

from email.utils import format_datetime
from typing import Any

from syncd.emulator.http import Call, Reply
from syncd.emulator.salesforce.access import FieldRights
from syncd.emulator.salesforce.conditions import condition
from syncd.emulator.salesforce.errors import not_found
from syncd.emulator.salesforce.oauth import instance_url
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.sorting import entries_of
from syncd.emulator.salesforce.store import Org
from syncd.emulator.salesforce.views import permissionable

_SOAP = {"id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
         "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime",
         "address": "urn:address", "anyType": "xsd:anyType"}  # fmt: skip
_FEEDS = {"Account", "Opportunity", "Contact", "Lead", "User", "Campaign", "Contract", "Task", "Event"}
MASTER = "012000000000000AAA"


class Describe:
    """The describe resources, as the user sees them: what it may not read is not there."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def everything(self, call: Call) -> Reply:
        """GET /sobjects, conditional on If-Modified-Since"""
        if self._unchanged(call):
            return Reply(304)
        seen = [self._org.find(name) for name in sorted(self._org.objects)]
        found = [self._summary(one, call.args["version"]) for one in seen if one is not None]
        content = {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found}
        return Reply.json(content, records=len(found), Last_Modified=self._stamp())

    def basic(self, call: Call) -> Reply:
        """GET /sobjects/{object}"""
        sobject = self._named(call)
        return Reply.json({"objectDescribe": self._summary(sobject, call.args["version"]), "recentItems": []})

    def one(self, call: Call) -> Reply:
        """GET /sobjects/{object}/describe, conditional on If-Modified-Since"""
        sobject = self._named(call)
        if self._unchanged(call):
            return Reply(304)
        content = self._summary(sobject, call.args["version"]) | self._details(sobject, call)
        return Reply.json(content, Last_Modified=self._stamp())

    def _unchanged(self, call: Call) -> bool:
        since = condition(call, "if-modified-since")
        return since is not None and self._org.schema_changed.replace(microsecond=0) <= since

    def _stamp(self) -> str:
        return format_datetime(self._org.schema_changed.replace(microsecond=0), usegmt=True)

    def _named(self, call: Call) -> SObject:
        sobject = self._org.find(call.args["object"])
        if sobject is None:
            raise not_found()
        return sobject

    def _summary(self, sobject: SObject, version: str) -> dict[str, Any]:
        """The keys that describe global and describe share."""
        editable = self._org.access.rights(self._org.access.acting, sobject.name).editable
        right = {letter: letter in sobject.rights and (editable or letter not in "cudmn") for letter in "cudrmns"}
        shown = "c" in sobject.rights
        return {
            "activateable": False, "associateEntityType": "History" if sobject.history else None,
            "associateParentEntity": sobject.parent or None, "createable": right["c"], "custom": sobject.custom,
            "customSetting": False, "deepCloneable": False, "deletable": right["d"], "deprecatedAndHidden": False,
            "feedEnabled": sobject.name in _FEEDS, "hasSubtypes": False, "isInterface": False, "isSubtype": False,
            "keyPrefix": sobject.prefix if _has_prefix(sobject) else None, "label": sobject.label,
            "labelPlural": sobject.plural, "layoutable": shown, "mergeable": right["m"], "mruEnabled": shown,
            "name": sobject.name, "queryable": True, "replicateable": right["r"],
            "retrieveable": sobject.name != "UserRecordAccess", "searchable": right["s"], "triggerable": shown,
            "undeletable": right["n"], "updateable": right["u"], "urls": _urls(sobject, version),
        }  # fmt: skip

    def _details(self, sobject: SObject, call: Call) -> dict[str, Any]:
        version, plural = call.args["version"], sobject.plural.lower()
        return {
            "actionOverrides": [],
            "childRelationships": self._children(sobject),
            "compactLayoutable": True,
            "defaultImplementation": None,
            "extendedBy": None,
            "extendsInterfaces": None,
            "fields": [self._field(sobject, field) for field in sobject.fields.values()],
            "implementedBy": None,
            "implementsInterfaces": None,
            "listviewable": None,
            "lookupLayoutable": None,
            "namedLayoutInfos": [],
            "networkScopeFieldName": None,
            "recordTypeInfos": self._record_types(sobject, version),
            "searchLayoutable": True,
            "sobjectDescribeOption": "FULL",
            "supportedScopes": [
                {"label": f"All {plural}", "name": "everything"},
                *([{"label": f"My {plural}", "name": "mine"}] if sobject.owned else []),
            ],
            "urls": _urls(sobject, version) | _pages(sobject, instance_url(call)),
        }

    def _field(self, sobject: SObject, field: Field) -> dict[str, Any]:
        rights = self._org.access.field_access(self._org.access.acting, sobject.name, field.name)
        described = describe_field(field, sobject.compound(field.name), entries_of(self._org, field), rights)
        persons = field.name == "Name" and "IsPersonAccount" in sobject.fields
        return described | ({"extraTypeInfo": "switchablepersonname"} if persons else {})

    def _children(self, sobject: SObject) -> list[dict[str, Any]]:
        return [
            {"cascadeDelete": False, "childSObject": other.name, "deprecatedAndHidden": False, "field": field.name,
             "junctionIdListNames": [], "junctionReferenceTo": [], "relationshipName": field.children,
             "restrictedDelete": False}
            for name in sorted(self._org.objects)
            if (other := self._org.find(name)) is not None
            for field in other.fields.values()
            if sobject.name in field.refers
        ]  # fmt: skip

    def _record_types(self, sobject: SObject, version: str) -> list[dict[str, Any]]:
        table = self._org.tables["RecordType"]
        own = [row for row in table if table.get(row, "SobjectType") == sobject.name]
        found = [
            (row[0], table.get(row, "Name"), table.get(row, "DeveloperName"), bool(table.get(row, "IsActive")))
            for row in own
        ]
        base, usual = f"{_base(sobject, version)}/describe/layouts/", found[0][0] if found else MASTER
        return [
            {"active": active, "available": active, "defaultRecordTypeMapping": id_ == usual,
             "developerName": developer_name, "master": id_ == MASTER, "name": name, "recordTypeId": id_,
             "urls": {"layout": base + id_}}
            for id_, name, developer_name, active in [*found, (MASTER, "Master", "Master", True)]
        ]  # fmt: skip


def _has_prefix(sobject: SObject) -> bool:
    return not sobject.history and sobject.name != "UserRecordAccess"


def _base(sobject: SObject, version: str) -> str:
    return f"/services/data/{version}/sobjects/{sobject.name}"


def _urls(sobject: SObject, version: str) -> dict[str, str]:
    base = _base(sobject, version)
    urls = {"rowTemplate": f"{base}/{{ID}}", "describe": f"{base}/describe", "sobject": base}
    if "c" not in sobject.rights:
        return urls
    layouts = {name: f"{base}/describe/{name}" for name in ("compactLayouts", "approvalLayouts", "layouts")}
    return layouts | urls | {"listviews": f"{base}/listviews", "quickActions": f"{base}/quickActions"}


def _pages(sobject: SObject, instance: str) -> dict[str, str]:
    if "c" not in sobject.rights:
        return {}
    return {"uiDetailTemplate": f"{instance}/{{ID}}", "uiEditTemplate": f"{instance}/{{ID}}/e",
            "uiNewRecord": f"{instance}/{sobject.prefix}/e"}  # fmt: skip


def describe_field(
    field: Field, compound: str | None, entries: tuple[str, ...], rights: FieldRights
) -> dict[str, Any]:  # fmt: skip
    """One field, as recorded answers show it; `compound` shows it with others, `entries` are those of its picklist."""
    text = field.type not in _SOAP
    filterable, sortable = field.filterable, field.sortable
    digits = field.precision if field.type == "int" else 0
    return {
        "aggregatable": field.aggregatable, "aiPredictionField": False, "autoNumber": False,
        "byteLength": field.length * 3 if text else field.length, "calculated": field.calculated,
        "calculatedFormula": None, "cascadeDelete": False, "caseSensitive": False, "compoundFieldName": compound,
        "controllerName": None, "createable": field.createable and rights.editable, "custom": field.custom,
        "defaultValue": False if field.type == "boolean" else None, "defaultValueFormula": None,
        "defaultedOnCreate": field.defaulted or field.type == "boolean", "dependentPicklist": False,
        "deprecatedAndHidden": False, "digits": digits, "displayLocationInDecimal": False, "encrypted": False,
        "externalId": field.external_id, "extraTypeInfo": "plaintextarea" if field.type == "textarea" else None,
        "filterable": filterable, "filteredLookupInfo": None, "formulaTreatNullNumberAsZero": False,
        "groupable": field.groupable,
        "highScaleNumber": False, "htmlFormatted": False,
        "idLookup": field.type == "id" or field.external_id or field.unique or field.name in ("Username", "Email"),
        "inlineHelpText": None, "label": field.label, "length": field.length if text or _is_id(field) else 0,
        "mask": None, "maskType": None, "name": field.name, "nameField": field.name_field,
        "namePointing": field.polymorphic,
        "nillable": not (field.required or field.type in ("boolean", "id") or _stamp(field) or field.name == "OwnerId"),
        "permissionable": permissionable(field),
        "picklistValues": [_picklist_value(value) for value in entries], "polymorphicForeignKey": field.polymorphic,
        "precision": 0 if field.type == "int" else field.precision, "queryByDistance": field.type == "address",
        "referenceTargetField": None, "referenceTo": list(field.refers), "relationshipName": field.relationship,
        "relationshipOrder": None, "restrictedDelete": False, "restrictedPicklist": field.restricted,
        "scale": field.scale, "searchPrefilterable": False, "soapType": _SOAP.get(field.type, "xsd:string"),
        "sortable": sortable, "type": field.type, "unique": field.unique,
        "updateable": field.updateable and rights.editable, "writeRequiresMasterRead": False,
    }  # fmt: skip


def _picklist_value(value: str) -> dict[str, Any]:
    return {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}


def _is_id(field: Field) -> bool:
    return field.type in ("id", "reference")


def _stamp(field: Field) -> bool:
    return field.name in ("Id", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
