"""Duplicate rules: which records are alike, and the refusal that names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syncd.emulator.salesforce.automation import DuplicateRule
from syncd.emulator.salesforce.errors import RowError
from syncd.emulator.salesforce.schema import SObject

if TYPE_CHECKING:
    from syncd.emulator.salesforce.dml import Options
    from syncd.emulator.salesforce.store import Org


def check(
    org: Org, sobject: SObject, record: Mapping[str, Any], changed: set[str], own_id: str | None, options: Options
) -> None:
    """Refuse a record that a duplicate rule catches, unless it only alerts and the client saves over alerts."""
    for rule in org.automation.duplicates.get(sobject.name, ()):
        if not changed & set(rule.fields) or (options.allow_duplicates and not rule.blocks):
            continue
        found = _alike(org, sobject, rule, record, own_id)
        if found:
            raise _detected(org, sobject, rule, found, options)


def _alike(org: Org, sobject: SObject, rule: DuplicateRule, record: Mapping[str, Any], own_id: str | None) -> list[str]:
    wanted = [(name, _folded(record.get(name))) for name in rule.fields]
    if any(value is None for _, value in wanted):
        return []
    first, value = wanted[0]
    table = org.tables[sobject.name]
    candidates = (id_ for id_ in org.ids_with(sobject.name, first, value) if id_ != own_id)
    return [
        id_
        for id_ in candidates
        if all(_folded(table.get(table.rows[id_], name)) == value for name, value in wanted[1:])
    ]


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _detected(org: Org, sobject: SObject, rule: DuplicateRule, ids: list[str], options: Options) -> RowError:
    result = {
        "allowSave": not rule.blocks,
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": sobject.name,
        "errorMessage": rule.message,
        "matchResults": [
            {
                "entityType": sobject.name, "errors": [], "matchEngine": "ExactMatchEngine",
                "matchRecords": [_match(org, sobject, id_, options) for id_ in ids], "rule": f"{rule.name}_Matching",
                "size": len(ids), "success": True,
            }
        ],
    }  # fmt: skip
    return RowError("DUPLICATES_DETECTED", rule.message, more={"duplicateResult": result})


def _match(org: Org, sobject: SObject, id_: str, options: Options) -> dict[str, Any]:
    url = f"/services/data/{options.version}/sobjects/{sobject.name}/{id_}"
    record: dict[str, Any] = {"attributes": {"type": sobject.name, "url": url}, "Id": id_}
    if options.include_details:
        table = org.tables[sobject.name]
        record |= {name: value for name, value in table.as_dict(table.rows[id_]).items() if value is not None}
    return {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record}
