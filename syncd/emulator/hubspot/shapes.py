"""What the body of each request must look like; what does not is refused before anything is done, as a parser does."""

from __future__ import annotations

from typing import Any

TEXT, NUMBER, ANY = "text", "number", "any"
"""A plain value, a whole number or its digits, and anything."""

Shape = str | list[Any] | dict[str, Any]

_SPEC = {"associationCategory": TEXT, "associationTypeId": NUMBER}
_RECORD = {"properties": {"*": TEXT}, "associations": [{"to": {"id": TEXT}, "types": [_SPEC]}]}
_INPUT = {**_RECORD, "id": TEXT, "idProperty": TEXT, "objectWriteTraceId": TEXT}
_FILTER = {"propertyName": TEXT, "operator": TEXT, "value": TEXT, "highValue": TEXT, "values": [TEXT]}
_PROPERTY = {
    "name": TEXT, "label": TEXT, "type": TEXT, "fieldType": TEXT, "groupName": TEXT, "description": TEXT,
    "displayOrder": NUMBER, "referencedObjectType": TEXT, "options": [{"label": TEXT, "value": TEXT}],
}  # fmt: skip
_STAGE = {"label": TEXT, "stageId": TEXT, "displayOrder": NUMBER, "metadata": {"*": TEXT}}
_RATE = {"id": TEXT, "fromCurrencyCode": TEXT, "conversionRate": TEXT, "effectiveAt": TEXT}

RECORD: Shape = _RECORD
BATCH: Shape = {"inputs": [_INPUT], "idProperty": TEXT}
READ: Shape = {"inputs": [_INPUT], "idProperty": TEXT, "properties": [TEXT], "propertiesWithHistory": [TEXT]}
SEARCH: Shape = {
    "filterGroups": [{"filters": [_FILTER]}], "filters": [_FILTER], "sorts": [ANY], "properties": [TEXT], "query": TEXT,
    "limit": TEXT, "after": TEXT,
}  # fmt: skip
MERGE: Shape = {"primaryObjectId": TEXT, "objectIdToMerge": TEXT}
ERASE: Shape = {"objectId": TEXT, "idProperty": TEXT}
LINKS: Shape = {"inputs": [{"id": TEXT, "after": NUMBER, "type": TEXT, "types": [_SPEC]}]}
SPECS: Shape = [_SPEC]
LABEL: Shape = {"associationTypeId": NUMBER, "label": TEXT, "name": TEXT, "inverseLabel": TEXT}
PROPERTY: Shape = _PROPERTY
PROPERTIES: Shape = {"inputs": [_PROPERTY]}
STAGE: Shape = _STAGE
PIPELINE: Shape = {"label": TEXT, "pipelineId": TEXT, "displayOrder": NUMBER, "stages": [_STAGE]}
RULE: Shape = {"ruleArguments": [TEXT]}
RATE: Shape = _RATE
RATES: Shape = {"inputs": [_RATE]}
SCHEMA: Shape = {
    "name": TEXT, "description": TEXT, "labels": {"singular": TEXT, "plural": TEXT}, "properties": [_PROPERTY],
    "primaryDisplayProperty": TEXT, "requiredProperties": [TEXT], "searchableProperties": [TEXT],
    "secondaryDisplayProperties": [TEXT], "associatedObjects": [TEXT], "toObjectTypeId": TEXT, "inputs": [ANY],
}  # fmt: skip
HOOKS: Shape = {
    "targetUrl": TEXT, "throttling": {"maxConcurrentRequests": NUMBER}, "eventType": TEXT, "propertyName": TEXT,
    "objectTypeId": TEXT, "inputs": [{"id": TEXT}],
}  # fmt: skip


def misfit(value: Any, shape: Shape, path: str = "body") -> str | None:
    """Where a value is not of its shape; what a shape does not name is let through, and so is null within it."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return path
        named: dict[str, Any] = dict.fromkeys(value, shape["*"]) if "*" in shape else shape
        found = (misfit(value[name], of, f"{path}.{name}") for name, of in named.items() if value.get(name) is not None)
        return next((one for one in found if one is not None), None)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return path
        each = (misfit(one, shape[0], f"{path}[{at}]") for at, one in enumerate(value))
        return next((one for one in each if one is not None), None)
    return None if shape == ANY or _plain(value, shape) else path


def _plain(value: Any, shape: str) -> bool:
    if shape == NUMBER:
        return not isinstance(value, bool) and str(value).removeprefix("-").isdigit()
    return not isinstance(value, dict | list)
