"""Finds out who answers at a HubSpot connection, and whether everything that is mapped can be read and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncd.connectors.hubspot import official
from syncd.connectors.hubspot.counts import Counts
from syncd.connectors.hubspot.history import FIELDS as HISTORY_FIELDS
from syncd.connectors.hubspot.history import NAMED_BY, no_properties
from syncd.connectors.hubspot.paths import Paths, cursor_property, plain_type
from syncd.connectors.hubspot.readers import RATES, reader, special, unread
from syncd.connectors.hubspot.whole import Owners, Rates, Stages, WholeList
from syncd.connectors.transport import Forbidden, Transport
from syncd.errors import UserError
from syncd.model import Checked, Edition, MissingField, ObjectAccess, ReadSpec, Stream

Property = Mapping[str, Any]
Properties = Mapping[str, Property]

_OWNER = "hubspot_owner_id"
_NO_VALUE_OF_OURS = frozenset({"json", "object_coordinates"})
_WHOLE: Mapping[str, type[WholeList]] = {"owners": Owners, "stages": Stages, RATES: Rates}
_HOW_IT_CHANGES = (
    "Calculated properties move the stamp; changes of associations alone may not, and are found by the sweep."
)


class Check:
    """One check: each thing is asked once, whatever number of streams it concerns."""

    def __init__(self, transport: Transport, paths: Paths, counts: Counts) -> None:
        self._transport, self._paths, self._counts = transport, paths, counts
        self._known: dict[str, Properties | str] = {}
        self._found: dict[str, int | str | None] = {}
        self._by_type_id: dict[str, int] | None = None
        self._choices: dict[str, list[str]] = {}

    def run(
        self, facts: Mapping[str, Any], specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]
    ) -> Checked:
        """Everything that is to be known, `facts` being those of the account."""
        problems = [problem for spec in specs for problem in self._read_problems(spec)]
        access = [self._access(spec) for spec in {spec.object: spec for spec in specs}.values()]
        unwritable: list[str] = []
        for object_, fields in writable.items():
            problems += self._write_problems(object_, fields)
            unwritable += self._scope_problems(object_) if fields else ()
        problems += unwritable
        edition, reason = self._edition(specs, writable, unwritable)
        portal, kind = facts["portal_id"], str(facts.get("accountType") or "account").lower()
        return Checked(
            f"hubspot-{portal}",
            f"HubSpot portal {portal} ({kind})",
            tuple(dict.fromkeys(problems)),
            {**facts, "choices": self._choices, "schema": {spec.object: self._definitions(spec) for spec in specs}},
            tuple(access),
            edition,
            reason,
        )

    # --- reading

    def _read_problems(self, spec: ReadSpec) -> Iterator[str]:
        if reason := unread(spec.object):
            yield reason
            return
        what, of = special(spec.object)
        if what == "history":
            yield from self._history_problems(spec, of)
        elif what:
            yield from self._whole_problems(spec, what, of)
        else:
            yield from self._record_problems(spec)

    def _record_problems(self, spec: ReadSpec) -> Iterator[str]:
        """HubSpot ignores unknown names in silence, so each is looked up."""
        object_, known = plain_type(spec.object), self._properties(spec.object)
        if isinstance(known, str):
            yield known
            return
        for name in dict.fromkeys([*spec.fields, *spec.where]):
            if name not in known:
                yield _no_property(object_, name, known)
        if cursor_property(object_) not in known:
            yield f"{object_} has no {cursor_property(object_)}, by which changes are found. Map another object."
        for name in dict.fromkeys(spec.associations):
            if isinstance(other := self._properties(name), str):
                yield other
        if isinstance(refused := self._visible(object_), str):
            yield refused

    def _definitions(self, spec: ReadSpec) -> dict[str, dict[str, Any]]:
        """What is told later from what is told now, to see what an admin changed: types, and values of choices."""
        known = self._known.get(plain_type(spec.object))
        if known is None or isinstance(known, str):
            return {}
        return {name: _definition(known[name]) for name in [*spec.fields, *spec.where] if name in known}

    def _history_problems(self, spec: ReadSpec, of: str) -> Iterator[str]:
        if problem := no_properties(spec):
            yield problem
        yield from _no_fields(spec, spec.object, HISTORY_FIELDS)
        names = spec.where.get(NAMED_BY, ())
        yield from self._record_problems(ReadSpec(spec.stream, of, tuple(names)))

    def _whole_problems(self, spec: ReadSpec, what: str, of: str) -> Iterator[str]:
        yield from _no_fields(spec, _WHOLE[what].WHAT, _WHOLE[what].FIELDS)
        if isinstance(refused := self._whole(spec, of), str):
            yield refused

    def _whole(self, spec: ReadSpec, of: str) -> int | str:
        """How many there are, or why they cannot be read."""
        if spec.object not in self._found:
            plain = ReadSpec(spec.stream, spec.object, ())
            try:
                self._found[spec.object] = reader(self._transport, self._paths, self._counts, plain).count()
            except Forbidden as refused:
                self._found[spec.object] = f"{spec.object} cannot be read: {refused}"
            except UserError:
                self._found[spec.object] = _no_object(of or spec.object)
        found = self._found[spec.object]
        return found if found is not None else 0

    def _properties(self, object_: str) -> Properties | str:
        """The definitions of an object type's properties, or why they cannot be had."""
        plain = plain_type(object_)
        if plain not in self._known:
            try:
                self._known[plain] = official.properties(self._transport, self._paths, plain)
            except Forbidden as refused:
                self._known[plain] = f"{object_} cannot be read: {refused}"
            except UserError:
                self._known[plain] = _no_object(object_)
        return self._known[plain]

    def _visible(self, object_: str) -> int | str | None:
        """How many records search shows this token, or why it shows none."""
        if object_ not in self._found:
            try:
                self._found[object_] = self._counts.found(ReadSpec(Stream.ACCOUNTS, object_, ()))
            except Forbidden as refused:
                self._found[object_] = f"{object_} cannot be read: {refused}"
            except UserError as refused:
                self._found[object_] = f"{object_} cannot be searched: {refused} Map another object."
        return self._found[object_]

    # --- what is visible

    def _access(self, spec: ReadSpec) -> ObjectAccess:
        what, of = special(spec.object)
        if unread(spec.object):
            return ObjectAccess(spec.object, None, "Nothing of it can be read.")
        if what and what != "history":
            return self._access_whole(spec, of)
        object_ = of or spec.object
        known = self._properties(object_)
        seen = None if isinstance(known, str) else self._visible(plain_type(object_))
        for told in (known, seen):
            if isinstance(told, str):
                return ObjectAccess(spec.object, None, told)
        return self._access_records(spec.object, plain_type(object_), counted=not what)

    def _access_whole(self, spec: ReadSpec, of: str) -> ObjectAccess:
        found = self._whole(spec, of)
        if isinstance(found, str):
            return ObjectAccess(spec.object, None, found)
        return ObjectAccess(spec.object, True, "HubSpot lists all of them to whoever may read them.", found)

    def _access_records(self, name: str, object_: str, counted: bool) -> ObjectAccess:
        """HubSpot promises nowhere that the token of an app sees every record, so the two counts have to agree."""
        if self._by_type_id is None:
            self._by_type_id = self._counts.by_type_id()
        there, seen = self._counts.of_type(object_, self._by_type_id), self._visible(object_)
        proved = there is not None and there == seen
        evidence = f"HubSpot counts {there} records in the account and shows as many to this token."
        if there is None:
            evidence = "HubSpot does not say how many records there are, so nothing proves that none is hidden."
        elif not proved:
            evidence = f"HubSpot counts {there} records in the account, and search shows {seen} to this token: "
            evidence += "some may be hidden, or not indexed yet."
        return ObjectAccess(name, proved or None, f"{evidence} {_HOW_IT_CHANGES}", there if counted else None)

    # --- writing

    def _write_problems(self, object_: str, fields: Sequence[str]) -> Iterator[str]:
        if special(object_)[0]:
            yield f"{object_} cannot be written; map stamps to a property of a record."
            return
        plain, known = plain_type(object_), self._properties(object_)
        if isinstance(known, str):
            yield known
            return
        for name in dict.fromkeys(fields):
            found = known.get(name)
            if found is None:
                yield _no_property(plain, name, known)
            else:
                yield from self._value_problems(f"{plain}.{name}", found)

    def _value_problems(self, place: str, found: Property) -> Iterator[str]:
        if found.get("calculated") or (found.get("modificationMetadata") or {}).get("readOnlyValue"):
            yield f"{place} is calculated or read-only in HubSpot. Map another."
        elif found.get("type") in _NO_VALUE_OF_OURS:
            yield f"{place} is of type {found['type']}, which holds no text, number or date. Map another."
        elif found.get("hasUniqueValue"):
            yield f"{place} must be different on each record, so stamps would be refused. Map another."
        elif found.get("type") == "enumeration" and not found.get("externalOptions"):
            self._choices[place] = [str(o.get("value")) for o in found.get("options") or () if not o.get("archived")]
            if not self._choices[place]:
                yield f"{place} is a choice without options. Add the options in HubSpot, or map a text property."

    def _scope_problems(self, object_: str) -> Iterator[str]:
        """Whether the token may write: asked by an update of no record at all, which can change nothing."""
        plain = plain_type(object_)
        if special(object_)[0] or isinstance(self._properties(object_), str):
            return
        try:
            self._transport.call(
                "POST",
                f"{self._paths.objects}/{plain}/batch/update",
                template=f"batch/update/{plain}/none",
                body={"inputs": []},
                accept=frozenset({400, 404}),
            )
        except Forbidden as refused:
            yield f"{plain} cannot be written: {refused}"

    # --- the edition

    def _edition(
        self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]], unwritable: Sequence[str]
    ) -> tuple[Edition, str]:
        """How much of the work the account's API and the token's scopes allow."""
        read = {spec.object for spec in specs if not special(spec.object)[0] and not unread(spec.object)}
        if read and all(isinstance(self._properties(object_), str) for object_ in read):
            return Edition.FILES_ONLY, "The token can read none of the objects that are mapped."
        written = [object_ for object_, fields in writable.items() if fields]
        if written and len(unwritable) >= len(written):
            return Edition.FILES_ONLY, "The token can write none of the objects that are mapped; see the problems."
        owned = [object_ for object_, fields in writable.items() if _OWNER in fields]
        if owned and isinstance(refused := self._whole(ReadSpec(Stream.USERS, "owners", ()), ""), str):
            return Edition.STAMPS_ONLY, f"Owners cannot be told apart, so none is set: {refused}"
        if unwritable:
            return (
                Edition.STAMPS_ONLY,
                "The token can write only some of the objects that are mapped; see the problems.",
            )
        return Edition.FULL, "The token reads and writes everything that is mapped."


def _no_fields(spec: ReadSpec, what: str, fields: frozenset[str]) -> Iterator[MissingField]:
    for name in dict.fromkeys([*spec.fields, *spec.where]):
        if name not in fields and name != "id":
            there = ", ".join(sorted(fields))
            sentence = f"{what[0].upper()}{what[1:]} have no {name}. Correct it in the mapping; there are {there}."
            yield MissingField(sentence, spec.object, name)


def _no_object(object_: str) -> str:
    return (
        f"HubSpot has no object type {object_}, or this token may not see it. "
        "Correct `object` in the mapping, or give the app the read scope for it."
    )


def _no_property(object_: str, name: str, known: Properties) -> MissingField:
    return MissingField(_why_no_property(object_, name, known), object_, name)


def _why_no_property(object_: str, name: str, known: Properties) -> str:
    by_label = next((n for n, p in known.items() if str(p.get("label", "")).casefold() == name.casefold()), None)
    if name.lower() in known or by_label is not None:
        return f"{object_}.{name} is called {by_label or name.lower()} in this portal. Correct it in the mapping."
    return f"{object_} has no property {name}. Correct it in the mapping, or create the property."


def _definition(found: Property) -> dict[str, Any]:
    about: dict[str, Any] = {"type": found.get("type")}
    if found.get("type") == "enumeration" and not found.get("externalOptions"):
        about["values"] = [str(o.get("value")) for o in found.get("options") or ()]
    return about
