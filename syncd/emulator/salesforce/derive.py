"""Fields that follow from others: a person's name, what a stage means for an opportunity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from syncd.emulator.salesforce.schema import SObject

if TYPE_CHECKING:
    from syncd.emulator.salesforce.store import Org

DEFAULTS: dict[str, dict[str, Any]] = {
    "Lead": {"Status": "Open - Not Contacted"},
    "User": {"IsActive": True, "UserType": "Standard", "TimeZoneSidKey": "UTC", "LocaleSidKey": "en_US",
             "LanguageLocaleKey": "en_US", "EmailEncodingKey": "UTF-8"},
}  # fmt: skip


def fields(org: Org, sobject: SObject, record: Mapping[str, Any], touched: set[str]) -> dict[str, Any]:
    """What the touched fields of a record imply for its other fields."""
    rule = _RULES.get(sobject.name)
    return {} if rule is None else rule(org, record, touched)


def _person_name(org: Org, record: Mapping[str, Any], touched: set[str]) -> dict[str, Any]:
    if not touched & {"FirstName", "LastName"}:
        return {}
    parts = (record.get("FirstName"), record.get("LastName"))
    return {"Name": " ".join(part for part in parts if part)}


def _user(org: Org, record: Mapping[str, Any], touched: set[str]) -> dict[str, Any]:
    """People are administrators unless they are given another profile."""
    profile = {} if record.get("ProfileId") else {"ProfileId": org.views.administrator}
    return profile | _person_name(org, record, touched)


def _account(org: Org, record: Mapping[str, Any], touched: set[str]) -> dict[str, Any]:
    return _person_name(org, record, touched) if record.get("IsPersonAccount") else {}


def _opportunity(org: Org, record: Mapping[str, Any], touched: set[str]) -> dict[str, Any]:
    implied: dict[str, Any] = {}
    stage = stage_of(org, record.get("StageName")) if "StageName" in touched else None
    if stage is not None:
        implied = {name: stage[name] for name in ("IsClosed", "IsWon", "ForecastCategory", "ForecastCategoryName")}
        if "Probability" not in touched:
            implied["Probability"] = stage["DefaultProbability"]
    return implied


def stage_of(org: Org, label: str | None) -> dict[str, Any] | None:
    """The OpportunityStage row of a stage name."""
    table = org.tables["OpportunityStage"]
    for row in table:
        if label is not None and table.get(row, "MasterLabel") == label:
            return table.as_dict(row, org.objects["OpportunityStage"].fields)
    return None


_RULES: dict[str, Callable[[Org, Mapping[str, Any], set[str]], dict[str, Any]]] = {
    "Account": _account,
    "Opportunity": _opportunity,
    "Contact": _person_name,
    "Lead": _person_name,
    "User": _user,
}
