"""How much of each object the integration user sees, and how much of syncd's work the org's edition and rights allow.

Only a right, or the org's default for everybody, proves that nothing is hidden. Counts are evidence: the org's own
count of an object is some minutes or hours old, and leaves out what is in the recycle bin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncd.connectors.salesforce import composite, soql
from syncd.connectors.salesforce.shape import Described, of_records
from syncd.connectors.transport import Transport
from syncd.errors import Stop, UserError
from syncd.model import Edition, ObjectAccess, ReadSpec

# Fewer rows seen than counted by more than this share, and by more than a handful, are rows that are hidden.
_HIDDEN_SHARE, _HIDDEN_AT_LEAST = 0.05, 5

# Editions that have an API only as an extra, and then not the whole of it: no bulk API, and few calls.
_SMALL_EDITIONS = frozenset({"Team Edition", "Group Edition", "Professional Edition", "Contact Manager Edition"})

# Organization-wide defaults by which every user of the org reads every record.
_OPEN_TO_ALL = frozenset({"Read", "ReadWrite", "ReadWriteTransfer", "FullAccess"})

_SEEN_WITH = {"OpportunityLineItem": "Opportunity", "OpportunityFieldHistory": "Opportunity"}

Describe = Callable[[str], Described | None]


@dataclass(frozen=True, slots=True)
class Rights:
    """What the user's profile and permission sets say, and the org's defaults for everybody.

    `told` is False where Salesforce did not say anything.
    """

    told: bool = False
    everything: bool = False
    objects: frozenset[str] = field(default_factory=frozenset)
    open_to_all: frozenset[str] = field(default_factory=frozenset)

    def over(self, object_: str) -> str | None:
        """The right by which every record of an object is seen, as a sentence; None where there is none."""
        if self.everything:
            return "The user has the right View All Data."
        ruling = _ruling(object_)
        if ruling in self.objects:
            return f"The user has the right View All on {ruling}."
        if ruling in self.open_to_all:
            return f"The org lets every user read every {ruling}."
        return None


def looked_up(
    transport: Transport, base: str, user_id: str, objects: Sequence[str]
) -> tuple[Mapping[str, Any], Rights]:
    """The org's own record, and the user's rights, in one call. A right that is missing costs only the fact."""
    ruling = sorted({_ruling(object_) for object_ in objects})
    mine = f"AssigneeId = {soql.quoted(user_id)}"
    statements = {
        "organization": "SELECT Id, Name, OrganizationType, IsSandbox FROM Organization LIMIT 1",
        "user": "SELECT PermissionSet.PermissionsViewAllData, PermissionSet.PermissionsModifyAllData "  # noqa: S608
        f"FROM PermissionSetAssignment WHERE {mine}",
    }
    if ruling:
        statements["objects"] = (
            "SELECT SobjectType, PermissionsViewAllRecords, PermissionsModifyAllRecords FROM ObjectPermissions "  # noqa: S608
            f"WHERE {soql.one_of('SobjectType', ruling, 'picklist')} "
            f"AND ParentId IN (SELECT PermissionSetId FROM PermissionSetAssignment WHERE {mine})"
        )
        statements["defaults"] = (
            "SELECT QualifiedApiName, InternalSharingModel FROM EntityDefinition "  # noqa: S608
            f"WHERE {soql.one_of('QualifiedApiName', ruling, 'string')}"
        )
    try:
        answers = composite.queries(transport, base, statements)
    except (Stop, UserError):
        return {}, Rights()
    organization = next(iter(_listed(answers.get("organization"))), {})
    return {k: v for k, v in organization.items() if k != "attributes"}, _rights(answers)


def _rights(answers: Mapping[str, Any]) -> Rights:
    data = [record.get("PermissionSet") for record in _listed(answers.get("user"))]
    everything = any(_grants(each, "PermissionsViewAllData", "PermissionsModifyAllData") for each in data)
    granted = (
        str(record.get("SobjectType"))
        for record in _listed(answers.get("objects"))
        if _grants(record, "PermissionsViewAllRecords", "PermissionsModifyAllRecords")
    )
    open_to_all = (
        str(record.get("QualifiedApiName"))
        for record in _listed(answers.get("defaults"))
        if record.get("InternalSharingModel") in _OPEN_TO_ALL
    )
    return Rights(bool({"user", "objects"} & set(answers)), everything, frozenset(granted), frozenset(open_to_all))


def _listed(answer: Any) -> list[dict[str, Any]]:
    return [record for record in of_records(answer) if isinstance(record, dict)]


def _grants(record: Any, *rights: str) -> bool:
    return isinstance(record, dict) and any(record.get(right) is True for right in rights)


def access(
    transport: Transport, base: str, specs: Sequence[ReadSpec], rights: Rights, describe: Describe
) -> Iterator[ObjectAccess]:
    """What is visible of each object that the specifications read."""
    objects = list(dict.fromkeys(spec.object for spec in specs))
    unproved = [o for o in objects if rights.over(o) is None and describe(o) is not None]
    there, seen = _counts(transport, base, unproved) if unproved else ({}, {})
    for object_ in objects:
        formulas = _formulas(object_, specs, describe(object_))
        proof = rights.over(object_)
        if describe(object_) is None:
            yield ObjectAccess(object_, None, f"The org has no {object_}, or does not show it to this user.")
        elif proof is not None:
            yield ObjectAccess(object_, True, proof, None, formulas)
        else:
            told = _by_counting(object_, rights, there.get(object_), seen.get(object_))
            yield ObjectAccess(object_, *told, there.get(object_), formulas)


def _by_counting(object_: str, rights: Rights, there: int | None, seen: int | None) -> tuple[bool | None, str]:
    remedy = f"Give its permission set View All on {_ruling(object_)}."
    if there is not None and seen is not None:
        hidden = there - seen
        if hidden > max(there * _HIDDEN_SHARE, _HIDDEN_AT_LEAST):
            return False, f"The org has about {there} {object_} records and the user sees {seen}. {remedy}"
        return (
            None,
            f"The user sees {seen} of about {there} {object_} records, but no right says that it sees all. {remedy}",
        )
    if not rights.told:
        return None, f"Salesforce does not tell which rights the user has, so it may not see every {object_}. {remedy}"
    return None, f"No right says that the user sees every {object_}. {remedy}"


def _counts(transport: Transport, base: str, objects: Sequence[str]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """How many records there are by the org's own count, and how many the user can count."""
    try:
        path = f"{base}/limits/recordCount?sObjects={','.join(map(soql.name, objects))}"
        content = transport.json("GET", path, template="limits/recordCount")
        counted = composite.queries(transport, base, {o: soql.count(o, ()) for o in objects})
    except (Stop, UserError):
        return {}, {}
    listed = content.get("sObjects") if isinstance(content, dict) else None
    there = {
        str(each["name"]): each["count"]
        for each in listed or ()
        if isinstance(each, dict) and isinstance(each.get("count"), int)
    }
    return there, {o: a["totalSize"] for o, a in counted.items() if isinstance(a.get("totalSize"), int)}


def _formulas(object_: str, specs: Sequence[ReadSpec], described: Described | None) -> tuple[str, ...]:
    """The fields read whose value changes without the record's stamp: calculated ones, and those of parents."""
    if described is None:
        return ()
    names = dict.fromkeys(name for spec in specs if spec.object == object_ for name in spec.fields)
    return tuple(n for n in names if "." in n or described.fields.get(n, {}).get("calculated"))


def _ruling(object_: str) -> str:
    """The object whose rights decide who sees the records of this one."""
    if object_.endswith("__History"):
        return f"{object_.removesuffix('__History')}__c"
    return _SEEN_WITH.get(object_) or (object_.removesuffix("History") or object_)


def edition(
    organization: Mapping[str, Any], writable: Mapping[str, Sequence[str]], describe: Describe
) -> tuple[Edition, str]:
    """How much of the work can be done, and why not all of it."""
    kind = str(organization.get("OrganizationType") or "")
    if kind in _SMALL_EDITIONS:
        return Edition.STAMPS_ONLY, f"{kind} has no bulk API and few calls a day: records are read and stamped only."
    fixed = [object_ for object_ in writable if _owner_is_fixed(describe(object_))]
    if fixed:
        return (
            Edition.STAMPS_ONLY,
            f"The user may not change the owner of {', '.join(fixed)}: give its permission set Edit on OwnerId.",
        )
    return Edition.FULL, ""


def _owner_is_fixed(described: Described | None) -> bool:
    owner = described.fields.get("OwnerId") if described is not None else None
    return owner is not None and not owner.get("updateable")
