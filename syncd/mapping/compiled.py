"""A mapping made ready for work: native records into canonical ones, wanted stamps into native fields."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from syncd.mapping import stamps
from syncd.mapping.convert import Unfit, plain, shown
from syncd.mapping.fields import RECORDS, canonical_fields
from syncd.mapping.readers import Fields, Read, reader
from syncd.mapping.schema import MappingFile, StreamPart, mapped
from syncd.mapping.specs import Source
from syncd.model import Account, CanonicalRecord, ReadSpec, Ref, Stream, WriteGroup

_ASSOCIATIONS = "associations."
_ID_FIELDS = {"salesforce": "Id", "hubspot": "hs_object_id"}
_BY_ID = "(id)"
"""Stands for the record's own id in a filter that no mapping file names."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one value of one record; the record is used without it, unless its identity is concerned."""

    field: str
    native: str
    code: str
    message: str
    value: str = ""

    def as_json(self) -> dict[str, str]:
        """For storing."""
        return {
            "field": self.field,
            "native": self.native,
            "code": self.code,
            "message": self.message,
            "value": self.value,
        }


@dataclass(frozen=True, slots=True)
class Mapped:
    """A record in our words, and what was wrong with it.

    `record` is None when it cannot be used at all, or when a filter keeps it out (`excluded` says which field's).
    `company` is the account that a registration carries in its own fields.
    """

    record: CanonicalRecord | None
    problems: tuple[FieldProblem, ...] = ()
    excluded: str = ""
    company: Account | None = None


_NEEDED: dict[Stream, tuple[tuple[str, str, bool], ...]] = {
    Stream.ACCOUNTS: (("name", "has no name", False),),
    Stream.OPPORTUNITIES: (("account_id", "lies on no account", False),),
    Stream.REGISTRATIONS: (("status", "has no status that syncd can read", True),),
    Stream.PARTNERS: (("partner_id", "has no partner key", True), ("name", "has no name", False)),
    Stream.LINE_ITEMS: (("opportunity_id", "lies on no opportunity", True),),
    Stream.LEADS: (("company", "names no company", False),),
    Stream.CONTACTS: (("account_id", "lies on no account", False),),
    Stream.ACTIVITIES: (("happened_at", "has no date", True),),
    Stream.HISTORY: (("record_id", "names no record", True), ("changed_at", "has no date", True)),
    Stream.CONTRACTS: (("account_id", "lies on no account", False),),
    Stream.DOCUMENTS: (("record_id", "belongs to no record", True),),
    Stream.EXCEPTIONS: (("record_id", "is about no record", True),),
    Stream.LISTS: (("kind", "does not say which list", True),),
    Stream.STAGES: (("key", "has no key", True),),
    Stream.RATES: (("currency", "names no currency", True), ("rate", "has no rate", True)),
}
"""Fields whose absence is worth a word; True where the record is of no use without."""


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """The mapping of one stream of one connection.

    `ours` are the native fields that syncd writes: stamps and the ownership field. `sources` tells which keys of
    the mapping file, below the stream's own, name a native field. `version` changes with anything that is said.
    """

    stream: Stream
    kind: str
    object: str
    stamps: Map[str, str]
    owner: str | None
    ours: frozenset[str]
    version: str
    sources: Map[str, tuple[str, ...]]
    _spec: ReadSpec
    _readers: tuple[tuple[str, Read], ...] = field(repr=False)
    _company: tuple[tuple[str, Read], ...] | None = field(repr=False)
    _natives: Map[str, tuple[str, ...]] = field(repr=False)
    _filters: tuple[tuple[str, frozenset[str], bool], ...] = field(repr=False)
    _narrowed: Map[WriteGroup, Map[str, tuple[str, ...]]] = field(repr=False)

    def read_spec(self) -> ReadSpec:
        """What has to be read: the mapped fields, the filtered ones, the stamps and the owner."""
        return self._spec

    @property
    def fills(self) -> frozenset[str]:
        """The fields of ours that the mapping names; those of a company that a registration carries as `company.x`."""
        return frozenset(self._natives)

    def natives(self, name: str) -> tuple[str, ...]:
        """The native fields that one of ours is read from; none when it is not mapped."""
        return self._natives.get(name, ())

    def without(self, missing: frozenset[str]) -> StreamMapping:
        """The same mapping for a system that does not have these native fields: they are neither read nor written.

        What a filter needs cannot be left out.
        """
        gone = missing - {native for native, _, _ in self._filters}
        if not gone & ({*self._spec.fields} | self.ours):
            return self
        return replace(
            self,
            stamps=MappingProxyType({name: native for name, native in self.stamps.items() if native not in gone}),
            owner=None if self.owner in gone else self.owner,
            ours=self.ours - gone,
            _spec=replace(self._spec, fields=tuple(name for name in self._spec.fields if name not in gone)),
        )

    def keeping_out(self, id_: str) -> StreamMapping:
        """The same mapping without one record, such as the one of syncd's heartbeat: it is no company to be matched."""
        filters = (*self._filters, (_BY_ID, frozenset({id_}), False))
        return replace(self, _filters=filters, version=_digest([self.version, id_]))

    def to_canonical(self, ref: Ref, fields: Fields) -> Mapped:
        """The record in our words. A value that cannot be taken becomes a problem and leaves its field empty."""
        if self._filters and (out := self.kept_out_by(ref, fields)):
            return Mapped(None, excluded=out)
        problems: list[FieldProblem] = []
        if not ref.id:
            return Mapped(None, (FieldProblem("ref", "", "no_id", "has no id"),))
        values = self._values(self._readers, fields, problems)
        usable = self._complete(values, problems)
        record = RECORDS[self.stream](ref, **values) if usable else None
        company = None if self._company is None else self._account(ref, fields, problems)
        return Mapped(record, tuple(problems), company=company)

    def company_of(self, ref: Ref, fields: Fields) -> Account | None:
        """The account that a registration carries in its own fields; its ref is the registration's."""
        return None if self._company is None else self._account(ref, fields, [])

    def kept_out_by(self, ref: Ref, fields: Fields) -> str:
        """The native field whose filter keeps the record out, empty when it is let in.

        The connector filters too; this catches what was read by id, and a record that has left the filter.
        """
        for native, values, lets_in in self._filters:
            if native in (_BY_ID, _ID_FIELDS.get(self.kind)):
                said = ref.id
            elif native not in fields:
                continue
            else:
                said = plain(fields[native]) if fields[native] is not None else ""
            if (said in values) is not lets_in:
                return native
        return ""

    def outside(self, fields: Fields, group: WriteGroup) -> str:
        """Why nothing of a write group is written on the record; empty where it may be."""
        for native, values in self._narrowed.get(group, {}).items():
            said = plain(fields[native]) if fields.get(native) is not None else ""
            if said not in values:
                wanted = " or ".join(value or "empty" for value in values)
                return f"`{group.value}_where` wants {native} to be {wanted}, and it is {said or 'empty'}"
        return ""

    def shown(self, fields: Fields, group: WriteGroup = WriteGroup.STAMP) -> dict[str, Any]:
        """What the record shows now: every mapped stamp (or `owner`) with its normalised value."""
        return {
            name: stamps.from_native(stamps.stamp_of(name), fields.get(native)) for name, native in self._shown(group)
        }

    def stamps_to_native(self, values: Map[str, Any]) -> dict[str, Any]:
        """Stamps (or `owner`) as native fields with native values; what is not mapped is left out."""
        return {
            native: stamps.to_native(stamps.stamp_of(name), values[name], self.kind)
            for group in WriteGroup
            for name, native in self._shown(group)
            if name in values
        }

    def differs(self, wanted: Map[str, Any], shown: Map[str, Any]) -> dict[str, Any]:
        """The native fields to write so that the record shows what is wanted; empty when it does already."""
        mapped_ones = {name: value for name, value in wanted.items() if name in self.stamps or self._is_owner(name)}
        names = stamps.differing(mapped_ones, shown)
        return self.stamps_to_native({name: wanted[name] for name in names})

    def _is_owner(self, name: str) -> bool:
        return name == stamps.OWNER.name and self.owner is not None

    def _shown(self, group: WriteGroup) -> list[tuple[str, str]]:
        if group is WriteGroup.STAMP:
            return list(self.stamps.items())
        return [] if self.owner is None else [(stamps.OWNER.name, self.owner)]

    def _values(
        self, readers: tuple[tuple[str, Read], ...], fields: Fields, problems: list[FieldProblem], section: str = ""
    ) -> dict[str, Any]:
        values = {}
        for name, read in readers:
            try:
                value = read(fields)
            except Unfit as error:
                problems.append(self._problem(section + name, fields, error))
                value = error.kept
            if value is not None:
                values[name] = value
        return values

    def _problem(self, name: str, fields: Fields, error: Unfit) -> FieldProblem:
        natives = self._natives.get(name, ())
        native = next((n for n in natives if fields.get(n) not in (None, "")), natives[0] if natives else "")
        return FieldProblem(name, native, error.code, error.message, shown(fields.get(native)))

    def _complete(self, values: dict[str, Any], problems: list[FieldProblem]) -> bool:
        """Note what is missing; False when the record is of no use without it."""
        usable = True
        for name, message, fatal in _NEEDED.get(self.stream, ()):
            if name in values or name not in self._natives:
                continue
            if all(problem.field != name for problem in problems):
                problems.append(
                    FieldProblem(name, self._natives[name][0] if self._natives[name] else "", f"no_{name}", message)
                )
            usable = usable and not fatal
        if self.stream is Stream.PARTNERS and usable:
            values.setdefault("name", values["partner_id"])
        if self.stream is Stream.REGISTRATIONS and self._company is None and "company_id" not in values:
            native = "".join(self._natives.get("company_id", ())[:1])
            problems.append(FieldProblem("company_id", native, "no_company", "is about no company"))
        return usable

    def _account(self, ref: Ref, fields: Fields, problems: list[FieldProblem]) -> Account:
        values = self._values(self._company or (), fields, problems, "company.")
        if "name" not in values:
            native = "".join(self._natives["company.name"][:1])
            problems.append(FieldProblem("company.name", native, "no_name", "has no name"))
        return Account(ref, **{"name": None, **values})


@dataclass(frozen=True, slots=True)
class Mapping:
    """A whole mapping file, made ready for a kind of system."""

    kind: str
    streams: Map[Stream, StreamMapping]

    @classmethod
    def compile(cls, file: MappingFile, kind: str) -> Mapping:
        """Make a checked file ready for connections of `kind` (`salesforce`, `hubspot`, ...)."""
        streams = {stream: _stream(stream, part, kind) for stream, part in file.parts.items()}
        return cls(kind, MappingProxyType(streams))

    def read_specs(self) -> dict[Stream, ReadSpec]:
        """What has to be read, stream by stream."""
        return {stream: mapping.read_spec() for stream, mapping in self.streams.items()}

    @property
    def version(self) -> str:
        """Changes with anything that the file says."""
        return _digest({stream: mapping.version for stream, mapping in self.streams.items()})


def _stream(stream: Stream, part: StreamPart, kind: str) -> StreamMapping:
    sections: dict[str, dict[str, Any]] = {
        name: mapped(section) for name in ("fields", "company", "stamps") if (section := getattr(part, name, None))
    }
    owner: str | None = getattr(part, "owner", None)
    company = sections.get("company")
    shown_on = sections.get("stamps", {})
    narrowed = {group: found for group in WriteGroup if (found := _where(part, f"{group.value}_where"))}
    said = [kind, part.object, part.where, part.exclude, sections, owner]
    return StreamMapping(
        stream=stream,
        kind=kind,
        object=part.object,
        stamps=MappingProxyType(dict(shown_on)),
        owner=owner,
        ours=frozenset(shown_on.values()) | ({owner} if owner else set()),
        version=_digest([*said, narrowed] if narrowed else said),
        sources=MappingProxyType(_sources(part, sections, owner)),
        _spec=_read_spec(stream, part, sections, owner),
        _readers=_readers(stream, sections["fields"]),
        _company=None if company is None else _readers(Stream.ACCOUNTS, company),
        _natives=_natives(sections),
        _filters=(
            *((native, frozenset(values), True) for native, values in part.where.items()),
            *((native, frozenset(values), False) for native, values in part.exclude.items()),
        ),
        _narrowed=MappingProxyType(narrowed),
    )


def _where(part: StreamPart, name: str) -> Map[str, tuple[str, ...]]:
    """A filter of a stream that may have it."""
    found: Map[str, tuple[str, ...]] = getattr(part, name, {})
    return found


def _readers(stream: Stream, sources: Map[str, Source]) -> tuple[tuple[str, Read], ...]:
    return tuple(
        (about.name, reader(about, sources[about.name])) for about in canonical_fields(stream) if about.name in sources
    )


def _natives(sections: Map[str, Map[str, Any]]) -> dict[str, tuple[str, ...]]:
    own = {name: source.natives for name, source in sections["fields"].items()}
    carried = {f"company.{name}": source.natives for name, source in sections.get("company", {}).items()}
    return own | carried


def _sources(part: StreamPart, sections: Map[str, Map[str, Any]], owner: str | None) -> dict[str, tuple[str, ...]]:
    """Native field -> the key below the stream's section that names it, the first one where there are several."""
    found: dict[str, tuple[str, ...]] = {}
    for section in ("fields", "company"):
        for name, source in sections.get(section, {}).items():
            for native in source.natives:
                found.setdefault(native, (section, name))
    for name, native in sections.get("stamps", {}).items():
        found.setdefault(native, ("stamps", name))
    for section in ("where", "exclude", "stamp_where", "owner_where"):
        for native in _where(part, section):
            found.setdefault(native, (section, native))
    if owner:
        found.setdefault(owner, ("owner",))
    return found


def _read_spec(stream: Stream, part: StreamPart, sections: Map[str, Map[str, Any]], owner: str | None) -> ReadSpec:
    natives = _sources(part, sections, owner).keys() - set(_ID_FIELDS.values())
    joined = {name for name in natives if name.startswith(_ASSOCIATIONS)}
    return ReadSpec(
        stream=stream,
        object=part.object,
        fields=tuple(sorted(natives - joined)),
        where=MappingProxyType(dict(part.where)),
        associations=tuple(sorted(name.removeprefix(_ASSOCIATIONS) for name in joined)),
    )


def _digest(said: Any) -> str:
    text = json.dumps(said, sort_keys=True, default=repr, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
