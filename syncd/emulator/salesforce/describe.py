"""describe: what the org says about its objects and fields, with every key of the vendor's payload."""

from __future__ import annotations

from email.utils import format_datetime
from typing import Any

from syncd.emulator.http import Call, Reply
from syncd.emulator.salesforce.errors import not_found
from syncd.emulator.salesforce.rows import condition
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.store import Org

_SOAP = {"id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
         "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime"}  # fmt: skip
_MERGEABLE = {"Account", "Contact", "Lead", "Case"}


class Describe:
    """The describe resources."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def everything(self, call: Call) -> Reply:
        """GET /sobjects"""
        version = call.args["version"]
        found = [summary(sobject, version) for sobject in self._org.objects.values()]
        return Reply.json({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found}, records=len(found))

    def basic(self, call: Call) -> Reply:
        """GET /sobjects/{object}"""
        sobject = self._named(call)
        return Reply.json({"objectDescribe": summary(sobject, call.args["version"]), "recentItems": []})

    def one(self, call: Call) -> Reply:
        """GET /sobjects/{object}/describe, conditional on If-Modified-Since"""
        sobject = self._named(call)
        changed = self._org.schema_changed.replace(microsecond=0)
        since = condition(call, "if-modified-since")
        if since is not None and changed <= since:
            return Reply(304)
        content = summary(sobject, call.args["version"]) | self._details(sobject)
        return Reply.json(content, Last_Modified=format_datetime(changed, usegmt=True))

    def _named(self, call: Call) -> SObject:
        sobject = self._org.find(call.args["object"])
        if sobject is None:
            raise not_found()
        return sobject

    def _details(self, sobject: SObject) -> dict[str, Any]:
        return {
            "actionOverrides": [],
            "childRelationships": self._children(sobject),
            "compactLayoutable": True,
            "fields": [describe_field(field) for field in sobject.fields.values()],
            "listviewable": None,
            "lookupLayoutable": None,
            "namedLayoutInfos": [],
            "networkScopeFieldName": None,
            "recordTypeInfos": [_MASTER_RECORD_TYPE],
            "searchLayoutable": True,
            "supportedScopes": [{"label": f"All {sobject.plural.lower()}", "name": "everything"}],
        }

    def _children(self, sobject: SObject) -> list[dict[str, Any]]:
        return [
            {"cascadeDelete": False, "childSObject": other.name, "deprecatedAndHidden": False, "field": field.name,
             "junctionIdListNames": [], "junctionReferenceTo": [], "relationshipName": None, "restrictedDelete": False}
            for other in self._org.objects.values()
            for field in other.fields.values()
            if sobject.name in field.refers
        ]  # fmt: skip


_MASTER_RECORD_TYPE = {
    "active": True, "available": True, "defaultRecordTypeMapping": True, "developerName": "Master", "master": True,
    "name": "Master", "recordTypeId": "012000000000000AAA", "urls": {},
}  # fmt: skip


def summary(sobject: SObject, version: str) -> dict[str, Any]:
    """The keys that describe global and describe share."""
    base = f"/services/data/{version}/sobjects/{sobject.name}"
    writable = any(field.createable for field in sobject.fields.values())
    deletable = "IsDeleted" in sobject.fields
    return {
        "activateable": False, "associateEntityType": None, "associateParentEntity": None,
        "createable": writable, "custom": sobject.custom, "customSetting": False, "deepCloneable": False,
        "deletable": deletable, "deprecatedAndHidden": False, "feedEnabled": False, "hasSubtypes": False,
        "isInterface": False, "isSubtype": False, "keyPrefix": sobject.prefix, "label": sobject.label,
        "labelPlural": sobject.plural, "layoutable": True, "mergeable": sobject.name in _MERGEABLE, "mruEnabled": True,
        "name": sobject.name, "queryable": True, "replicateable": True, "retrieveable": True, "searchable": True,
        "triggerable": True, "undeletable": deletable, "updateable": writable,
        "urls": {"sobject": base, "describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}"},
    }  # fmt: skip


def describe_field(field: Field) -> dict[str, Any]:
    """One field, as recorded answers show it."""
    text = field.type not in _SOAP
    filterable, sortable = field.filterable, field.sortable
    digits = field.precision if field.type == "int" else 0
    return {
        "aggregatable": filterable and field.type != "boolean", "aiPredictionField": False, "autoNumber": False,
        "byteLength": field.length * 3 if text else field.length, "calculated": field.calculated,
        "calculatedFormula": None, "cascadeDelete": False, "caseSensitive": False, "compoundFieldName": None,
        "controllerName": None, "createable": field.createable, "custom": field.custom,
        "defaultValue": False if field.type == "boolean" else None, "defaultValueFormula": None,
        "defaultedOnCreate": field.defaulted or field.type == "boolean", "dependentPicklist": False,
        "deprecatedAndHidden": False, "digits": digits, "displayLocationInDecimal": False, "encrypted": False,
        "externalId": field.external_id, "extraTypeInfo": "plaintextarea" if field.type == "textarea" else None,
        "filterable": filterable, "filteredLookupInfo": None, "formulaTreatNullNumberAsZero": False,
        "groupable": filterable and field.type not in ("double", "currency", "percent", "datetime"),
        "highScaleNumber": False, "htmlFormatted": False,
        "idLookup": field.type == "id" or field.external_id or field.unique or (field.name_field and text),
        "inlineHelpText": None, "label": field.label, "length": field.length if text or _is_id(field) else 0,
        "mask": None, "maskType": None, "name": field.name, "nameField": field.name_field, "namePointing": False,
        "nillable": not field.required and field.type not in ("boolean", "id") and not _stamp(field),
        "permissionable": not field.required and not _stamp(field),
        "picklistValues": [_picklist_value(value) for value in field.values], "polymorphicForeignKey": False,
        "precision": 0 if field.type == "int" else field.precision, "queryByDistance": False,
        "referenceTargetField": None, "referenceTo": list(field.refers), "relationshipName": field.relationship,
        "relationshipOrder": None, "restrictedDelete": False, "restrictedPicklist": field.restricted,
        "scale": field.scale, "searchPrefilterable": False, "soapType": _SOAP.get(field.type, "xsd:string"),
        "sortable": sortable, "type": field.type, "unique": field.unique, "updateable": field.updateable,
        "writeRequiresMasterRead": False,
    }  # fmt: skip


def _picklist_value(value: str) -> dict[str, Any]:
    return {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}


def _is_id(field: Field) -> bool:
    return field.type in ("id", "reference")


def _stamp(field: Field) -> bool:
    return field.name in ("Id", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
