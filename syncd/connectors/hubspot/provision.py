"""Makes the properties that stamps need in a HubSpot portal: looks first, and changes nothing where something is unfit.

What is there is never dropped, renamed or narrowed: types stay, and options are only added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from syncd.connectors.hubspot import official
from syncd.connectors.hubspot.fetch import Fetch
from syncd.connectors.hubspot.paths import Paths, plain_type, type_id
from syncd.connectors.hubspot.write import Upserting
from syncd.connectors.transport import Forbidden, Transport
from syncd.errors import Retry, Stop, UserError
from syncd.model import (
    FieldWanted,
    Fit,
    HeartbeatWanted,
    Part,
    Provisioned,
    ReadSpec,
    ReceiptKind,
    StampType,
    Stream,
    Upsert,
)

GROUP = {"name": "syncd", "label": "Deal protection (syncd)", "displayOrder": -1}
KEY, KEY_VALUE, HEARTBEAT_NAME = "syncd_key", "heartbeat", "syncd heartbeat"
HEARTBEAT = HeartbeatWanted("companies", "syncd_last_seen")
_KEY_FIELD = FieldWanted(
    HEARTBEAT.object, KEY, StampType.TEXT, "syncd key", "Names syncd's own company, so that it is made only once."
)
_OWN_TYPE = {
    StampType.PICKLIST: ("enumeration", "select"),
    StampType.TEXT: ("string", "text"),
    StampType.NUMBER: ("number", "number"),
    StampType.DATETIME: ("datetime", "date"),
}
_TAKEN_BY = {
    StampType.PICKLIST: frozenset({"enumeration", "string"}),
    StampType.TEXT: frozenset({"string"}),
    StampType.NUMBER: frozenset({"number", "string"}),
    StampType.DATETIME: frozenset({"datetime", "string"}),
}
"""The types of property that can show a stamp: a choice fits into a text, and nothing else loses nothing."""

Property = Mapping[str, Any]


class Provision:
    """One look at a portal, and what is made there after it."""

    def __init__(self, transport: Transport, paths: Paths) -> None:
        self._transport, self._paths = transport, paths
        self._known: dict[str, dict[str, Property]] = {}
        self._missing: dict[str, list[FieldWanted]] = {}
        self._options: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._groupless: set[str] = set()

    def run(self, wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted, make: bool) -> Provisioned:
        """What is needed and how it stands; with `make`, and where nothing is unfit, after it was made."""
        asked = [*_plain(wanted), *_for_heartbeat(heartbeat)]
        parts = [part for object_, fields in _by_object(asked).items() for part in self._look(object_, fields)]
        beat, part = self._heartbeat(heartbeat)
        before = Provisioned((*parts, part), beat)
        if not make or before.having(Fit.CONFLICT, Fit.BY_HAND) or not before.having(Fit.MISSING):
            return before
        self._make()
        return self._made(before, wanted, heartbeat)

    # --- looking

    def _look(self, object_: str, fields: Sequence[FieldWanted]) -> Iterator[Part]:
        try:
            known = self._known[object_] = official.properties(self._transport, self._paths, object_)
        except Forbidden as refused:
            yield Part(object_, "", "field", Fit.BY_HAND, f"The properties of {object_} cannot be read: {refused}")
            return
        except UserError:
            yield Part(object_, "", "field", Fit.CONFLICT, f"HubSpot has no object type {object_}. Correct `object`.")
            return
        missing = [one for one in fields if one.name not in known]
        yield from (part for one in fields if one.name in known for part in self._there(one, known[one.name]))
        if missing:
            yield from self._lacking(object_, missing)

    def _there(self, wanted: FieldWanted, found: Property) -> Iterator[Part]:
        """What a property that exists can show of what is wanted."""
        place = f"{wanted.object}.{wanted.name}"
        reason = _unfit(wanted, found)
        if reason:
            yield Part(wanted.object, wanted.name, "field", Fit.CONFLICT, f"{place} {reason}")
            return
        yield Part(wanted.object, wanted.name, "field", Fit.FITS, f"{place} is there.")
        lacking = _lacking_options(wanted, found)
        if not lacking:
            return
        values = ", ".join(lacking)
        if (found.get("modificationMetadata") or {}).get("readOnlyOptions"):
            said = f"{place} does not offer {values}, and HubSpot lets nobody add to it. Map another property."
            yield Part(wanted.object, wanted.name, "options", Fit.CONFLICT, said)
            return
        self._options[wanted.object, wanted.name] = _with_options(found, lacking)
        yield Part(wanted.object, wanted.name, "options", Fit.MISSING, f"{place} does not offer {values}.")

    def _lacking(self, object_: str, missing: Sequence[FieldWanted]) -> Iterator[Part]:
        """Properties that are not there: whether they can be made, and whether there is room for them."""
        archived = official.properties(self._transport, self._paths, object_, archived=True)
        for one in missing:
            yield self._absent(one, one.name in archived)
        to_make = [one for one in missing if one.can_make and one.name not in archived]
        if not to_make:
            return
        yield from self._room(object_, to_make)
        yield from self._right(object_)
        if GROUP["name"] not in official.groups(self._transport, self._paths, object_):
            self._groupless.add(object_)
            yield Part(object_, str(GROUP["name"]), "group", Fit.MISSING, f"{object_} has no group {GROUP['name']}.")
        self._missing[object_] = to_make

    def _absent(self, wanted: FieldWanted, is_archived: bool) -> Part:
        place = f"{wanted.object}.{wanted.name}"
        if is_archived:
            said = f"{place} is archived. Restore it in HubSpot (Settings, Properties, Archived), or map another name."
            return Part(wanted.object, wanted.name, "field", Fit.CONFLICT, said)
        if not wanted.can_make:
            said = f"{place} is not there. It is yours to choose: correct it in the mapping, or create it."
            return Part(wanted.object, wanted.name, "field", Fit.BY_HAND, said)
        type_, choices = _OWN_TYPE[wanted.type][0], f" ({', '.join(wanted.values)})" if wanted.values else ""
        return Part(wanted.object, wanted.name, "field", Fit.MISSING, f"{place} is not there: {type_}{choices}.")

    def _room(self, object_: str, to_make: Sequence[FieldWanted]) -> Iterator[Part]:
        """Too few free slots are told before anything is made: a batch that does not fit is refused whole."""
        free = self._free.get(type_id(object_) or object_)
        if free is not None and free < len(to_make):
            said = (
                f"{object_} has room for {free} more properties, and {len(to_make)} are needed. "
                "Archive some that nobody uses, or take stamps out of the mapping."
            )
            yield Part(object_, "", "field", Fit.CONFLICT, said)
        if any(one.name == KEY for one in to_make):
            unique = sum(1 for p in self._known[object_].values() if p.get("hasUniqueValue") and not _is_theirs(p))
            if unique >= _MOST_UNIQUE:
                said = (
                    f"{object_} has {unique} properties that must be unique, as many as may be. Archive one for {KEY}."
                )
                yield Part(object_, KEY, "field", Fit.CONFLICT, said)

    @cached_property
    def _free(self) -> dict[str, int]:
        """How many more properties each object type may have, where HubSpot says so."""
        try:
            content = self._transport.json(
                "GET", f"{self._paths.limits}/custom-properties", template="limits/custom-properties"
            )
        except (UserError, Forbidden):
            return {}
        entries = content.get("byObjectType") if isinstance(content, dict) else None
        return {
            str(e.get("objectTypeId")): e["limit"] - e["usage"]
            for e in entries or ()
            if isinstance(e, dict) and isinstance(e.get("limit"), int) and isinstance(e.get("usage"), int)
        }

    def _right(self, object_: str) -> Iterator[Part]:
        """Whether this token may make properties: asked by making none, which can change nothing."""
        try:
            self._transport.call(
                "POST",
                f"{self._paths.properties}/{object_}/batch/create",
                template=f"properties/{object_}/none",
                body={"inputs": []},
                accept=frozenset({400, 404}),
            )
        except Forbidden as refused:
            yield Part(object_, "", "field", Fit.BY_HAND, f"Properties of {object_} cannot be made: {refused}")

    # --- the heartbeat

    def _heartbeat(self, wanted: HeartbeatWanted) -> tuple[HeartbeatWanted | None, Part]:
        """The record that is named, or syncd's own company."""
        named = wanted if wanted.id else replace(HEARTBEAT, field=wanted.field or HEARTBEAT.field)
        object_ = plain_type(named.object)
        if wanted.id:
            spec = ReadSpec(Stream.ACCOUNTS, named.object, ())
            if any(not row.deleted for row in Fetch(self._transport, self._paths, spec).rows([wanted.id])):
                return wanted, Part(object_, wanted.id, "record", Fit.FITS, "The record of the heartbeat is there.")
            said = f"{object_} {wanted.id}, which `heartbeat` names, is not there. Take `heartbeat` out of the settings"
            return None, Part(object_, wanted.id, "record", Fit.BY_HAND, f"{said} and run this again: it makes one.")
        found = self._own_company() if KEY in self._known.get(object_, {}) else None
        if found is None:
            said = f"There is no company named {HEARTBEAT_NAME!r}, by which banners know that syncd is alive."
            return None, Part(object_, HEARTBEAT_NAME, "record", Fit.MISSING, said)
        return replace(named, id=found), Part(
            object_, found, "record", Fit.FITS, "The company of the heartbeat is there."
        )

    def _own_company(self) -> str | None:
        """The id of syncd's own company, from the store and not from the index."""
        content = self._transport.json(
            "POST",
            f"{self._paths.objects}/{HEARTBEAT.object}/batch/read",
            template=f"batch/read/{HEARTBEAT.object}",
            body={"inputs": [{"id": KEY_VALUE}], "idProperty": KEY, "properties": ["name"]},
        )
        results = content.get("results") if isinstance(content, dict) else None
        return next((str(r["id"]) for r in results or () if isinstance(r, dict) and r.get("id")), None)

    # --- making

    def _make(self) -> None:
        for object_, missing in self._missing.items():
            if object_ in self._groupless:
                official.make_group(self._transport, self._paths, object_, GROUP)
            definitions = [_definition(one) for one in missing]
            official.make_properties(self._transport, self._paths, object_, definitions)
        for (object_, name), options in self._options.items():
            official.change_property(self._transport, self._paths, object_, name, {"options": options})

    def _made(self, before: Provisioned, wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted) -> Provisioned:
        """What was missing, once a new look has found it there."""
        if any(part.what == "record" and part.fit is Fit.MISSING for part in before.parts):
            self._make_company()
        after = Provision(self._transport, self._paths).run(wanted, heartbeat, make=False)
        if lacking := after.having(Fit.MISSING):
            raise Stop(f"HubSpot took everything, and yet: {lacking[0].said} Run this again.")
        made = (replace(p, fit=Fit.MADE, said=_as_made(p)) if p.fit is Fit.MISSING else p for p in before.parts)
        return Provisioned(tuple(made), after.heartbeat)

    def _make_company(self) -> None:
        upserting = Upserting(self._transport, self._paths, HEARTBEAT.object, KEY)
        receipt = upserting.receipts([Upsert(1, KEY_VALUE, {"name": HEARTBEAT_NAME})])[0]
        if receipt.kind is ReceiptKind.FAILED:
            raise Stop(f"HubSpot refused the company of the heartbeat ({receipt.code}). {receipt.message}")
        if receipt.kind is not ReceiptKind.APPLIED:
            raise Retry("HubSpot did not answer. Run this again: nothing is made twice.", outcome_unknown=True)


_MOST_UNIQUE = 10


def _plain(wanted: Sequence[FieldWanted]) -> list[FieldWanted]:
    return [replace(one, object=plain_type(one.object)) for one in wanted]


def _for_heartbeat(wanted: HeartbeatWanted) -> list[FieldWanted]:
    object_ = plain_type(wanted.object or HEARTBEAT.object)
    meaning = "When syncd was last alive; written to one company only."
    seen = FieldWanted(object_, wanted.field or HEARTBEAT.field, StampType.DATETIME, "syncd last seen", meaning)
    return [seen] if wanted.id else [seen, _KEY_FIELD]


def _by_object(wanted: Sequence[FieldWanted]) -> dict[str, list[FieldWanted]]:
    found: dict[str, list[FieldWanted]] = {}
    for one in wanted:
        found.setdefault(one.object, []).append(one)
    return found


def _is_theirs(found: Property) -> bool:
    return bool(found.get("hubspotDefined"))


def _unfit(wanted: FieldWanted, found: Property) -> str:
    """Why a property cannot show what is wanted; empty when it can."""
    type_, lock = str(found.get("type") or ""), found.get("modificationMetadata") or {}
    if found.get("calculated") or lock.get("readOnlyValue"):
        return "is calculated or read-only in HubSpot. Map another property."
    if wanted.name == KEY:
        unique = found.get("hasUniqueValue") and type_ == "string"
        return "" if unique else "is not a unique text, and HubSpot cannot make it one. Rename it in HubSpot."
    if found.get("hasUniqueValue"):
        return "must be different on each record, so stamps would be refused. Map another property."
    if not wanted.can_make:
        return ""
    if type_ not in _TAKEN_BY[wanted.type] or found.get("externalOptions"):
        fitting = " or ".join(sorted(_TAKEN_BY[wanted.type]))
        return f"is of type {type_}, and {fitting} is needed. HubSpot cannot change that: map another property."
    return ""


def _lacking_options(wanted: FieldWanted, found: Property) -> list[str]:
    if found.get("type") != "enumeration" or not wanted.can_make:
        return []
    there = {str(option.get("value")) for option in found.get("options") or () if not option.get("archived")}
    return [value for value in wanted.values if value not in there]


def _with_options(found: Property, lacking: Sequence[str]) -> list[dict[str, Any]]:
    """Those that are there, untouched and first, and the new ones; no label twice, or nobody could tell them apart."""
    kept = [dict(option) for option in found.get("options") or ()]
    labels = {str(option.get("label")).casefold() for option in kept}
    new = [_option(value, len(kept) + n) for n, value in enumerate(lacking)]
    return kept + [o | {"label": f"{o['label']} (syncd)"} if o["label"].casefold() in labels else o for o in new]


def _option(value: str, order: int) -> dict[str, Any]:
    return {"label": value.replace("_", " ").capitalize(), "value": value, "displayOrder": order, "hidden": False}


def _definition(wanted: FieldWanted) -> dict[str, Any]:
    """What HubSpot is told of a property to make; every key that it requires, and no more."""
    type_, entered = _OWN_TYPE[wanted.type]
    about = {
        "name": wanted.name, "label": wanted.label, "description": wanted.meaning, "groupName": GROUP["name"],
        "type": type_, "fieldType": entered, "formField": False,
    }  # fmt: skip
    if wanted.values:
        about["options"] = [_option(value, n) for n, value in enumerate(wanted.values)]
    return about | ({"hasUniqueValue": True} if wanted.name == KEY else {})


def _as_made(part: Part) -> str:
    what = {"options": "The options were added.", "group": "The group was made.", "record": "The company was made."}
    return what.get(part.what, f"{part.object}.{part.name} was made.")
