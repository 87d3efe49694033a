"""Looks at the fields that stamps need in a Salesforce org, one by one, as the integration user sees them.

Nothing is made: fields come with syncd's package, or by hand, and each sentence says how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from syncd.connectors.provisioning import described
from syncd.model import FieldWanted, Fit, HeartbeatWanted, Part, Provisioned, StampType

Field = Mapping[str, Any]
Raw = Callable[[str], Mapping[str, Any] | None]
"""What describe says of an object; None for one that is not there or that the user may not see."""

HEARTBEAT = HeartbeatWanted("Syncd_Heartbeat__c", "Last_Seen__c")
_TAKEN_BY = {
    StampType.PICKLIST: frozenset({"picklist", "string"}),
    StampType.TEXT: frozenset({"string", "textarea"}),
    StampType.NUMBER: frozenset({"int", "double"}),
    StampType.DATETIME: frozenset({"datetime"}),
}
_MADE_AS = {
    StampType.PICKLIST: "Picklist (restricted) with the values {values}",
    StampType.TEXT: "Text({length})",
    StampType.NUMBER: "Number(6, 0)",
    StampType.DATETIME: "Date/Time",
}
_OWNER_TYPES = frozenset({"reference", "string"})
_LONGEST_TEXT = 255


def look(wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted, raw: Raw) -> Provisioned:
    """What is needed, field by field, and what to do about what is not there or does not fit."""
    seen = HeartbeatWanted(heartbeat.object or HEARTBEAT.object, heartbeat.field or HEARTBEAT.field, heartbeat.id)
    meaning = "When syncd was last alive."
    asked = [*wanted, FieldWanted(seen.object, seen.field, StampType.DATETIME, "Last seen", meaning)]
    objects = {name: raw(name) for name in dict.fromkeys(one.object for one in asked)}
    parts = [part for one in asked for part in _look(one, objects[one.object])]
    parts += _record(seen, objects[seen.object])
    return Provisioned(tuple(dict.fromkeys(parts)), seen if seen.id else None)


def _look(wanted: FieldWanted, content: Mapping[str, Any] | None) -> Iterator[Part]:
    if content is None:
        said = f"{wanted.object} is not there, or this user may not see it. Install syncd's package, or create it; "
        said += "then give the user's permission set Read and Edit on it."
        yield Part(wanted.object, "", "object", Fit.BY_HAND, said)
        return
    if not content.get("updateable", True):
        said = f"{wanted.object} cannot be edited by this user. Give its permission set Edit on the object."
        yield Part(wanted.object, "", "object", Fit.BY_HAND, said)
    fields: dict[str, Field] = {f["name"]: f for f in content.get("fields") or ()}
    found = fields.get(wanted.name)
    yield _missing(wanted, fields) if found is None else _found(wanted, found)


def _missing(wanted: FieldWanted, fields: Mapping[str, Field]) -> Part:
    place = f"{wanted.object}.{wanted.name}"
    alike = next((name for name in fields if name.lower() == wanted.name.lower()), None)
    if alike is not None:
        said = f"{place} is written {alike} in this org; capitals count. Correct it in the mapping."
        return Part(wanted.object, wanted.name, "field", Fit.CONFLICT, said)
    if not wanted.can_make:
        said = f"{place} is not there, or this user may not see it. Correct it in the mapping, or give Read and Edit."
        return Part(wanted.object, wanted.name, "field", Fit.BY_HAND, said)
    said = (
        f"{place} is not there, or this user may not see it. Install syncd's package, or create it (Setup, Object "
        f"Manager, {wanted.object}, Fields & Relationships, New): {made_as(wanted)}, label {wanted.label!r}. "
        "Then give the user's permission set Read and Edit on the field."
    )
    return Part(wanted.object, wanted.name, "field", Fit.BY_HAND, said)


def made_as(wanted: FieldWanted) -> str:
    """The field as Setup calls it."""
    text = _MADE_AS[wanted.type]
    return text.format(values=", ".join(wanted.values), length=min(wanted.length or _LONGEST_TEXT, _LONGEST_TEXT))


def _found(wanted: FieldWanted, found: Field) -> Part:
    place, type_ = f"{wanted.object}.{wanted.name}", str(found.get("type"))
    taken = _TAKEN_BY[wanted.type] if wanted.can_make else _OWNER_TYPES

    def part(fit: Fit, said: str) -> Part:
        return Part(wanted.object, wanted.name, "field", fit, f"{place} {said}")

    if found.get("calculated"):
        return part(Fit.CONFLICT, "is a formula and cannot be written. Map a plain field.")
    if type_ not in taken:
        return part(Fit.CONFLICT, f"is of type {type_}, and {described(wanted)} is needed. Map another field.")
    if found.get("unique"):
        return part(Fit.CONFLICT, "must be different on each record, so stamps would be refused. Map another field.")
    if wanted.can_make and type_ in ("string", "textarea") and (short := _too_short(wanted, found)):
        return part(Fit.CONFLICT, f"holds {found.get('length')} characters, and {short} are needed. Make it longer.")
    if lacking := _lacking_values(wanted, found):
        said = f"does not offer {', '.join(lacking)}. Add them (Setup, Object Manager, {wanted.object}, {wanted.name})."
        return part(Fit.BY_HAND, f"{said} Values that are there may stay.")
    if not found.get("updateable"):
        return part(Fit.BY_HAND, "can be read and not written by this user. Give its permission set Edit on the field.")
    return part(Fit.FITS, "is there.")


def _too_short(wanted: FieldWanted, found: Field) -> int:
    """The length that is needed where the field's does not do; 0 where it does."""
    needed = max([wanted.length, *map(len, wanted.values)])
    has = found.get("length")
    return needed if isinstance(has, int) and 0 < has < needed else 0


def _lacking_values(wanted: FieldWanted, found: Field) -> list[str]:
    """Values that a restricted picklist would refuse; one that is not restricted takes any."""
    if found.get("type") != "picklist" or not found.get("restrictedPicklist"):
        return []
    offered = {str(v.get("value")) for v in found.get("picklistValues") or () if v.get("active", True)}
    return [value for value in wanted.values if value not in offered]


def _record(seen: HeartbeatWanted, content: Mapping[str, Any] | None) -> Iterator[Part]:
    """The record of the heartbeat is one that an admin makes and names."""
    if content is None or seen.id:
        return
    said = (
        f"No record of {seen.object} is named for the heartbeat. Create one, and write into the settings: "
        f"heartbeat: {{object: {seen.object}, id: ID, field: {seen.field}}}."
    )
    yield Part(seen.object, "", "record", Fit.BY_HAND, said)
