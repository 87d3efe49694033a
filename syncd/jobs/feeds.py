"""Feeds: one read of a native object serves every stream that is mapped to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import orjson

from syncd.mapping import StreamMapping
from syncd.model import ReadSpec, Ref, Row, Stream


@dataclass(frozen=True, slots=True)
class Feed:
    """A native object, the mappings that it feeds in the order in which they take a record, and what is read of it."""

    object: str
    mappings: tuple[StreamMapping, ...]
    spec: ReadSpec

    @property
    def head(self) -> Stream:
        """The stream whose name its cursor bears, and that keeps what no stream lets in."""
        return self.mappings[0].stream

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Everything that it feeds."""
        return tuple(mapping.stream for mapping in self.mappings)

    @property
    def name(self) -> str:
        """Its streams, for runs and messages."""
        return "+".join(stream.value for stream in self.streams)

    @property
    def filings(self) -> StreamMapping | None:
        """The mapping of what partners file, where this object is that."""
        return next((mapping for mapping in self.mappings if mapping.stream is Stream.REGISTRATIONS), None)

    @property
    def spec_hash(self) -> str:
        """Changes when other fields or other records are to be read, or dealt to other streams: all is read again."""
        if len(self.mappings) == 1:
            return spec_hash(self.spec)
        dealt = [[mapping.stream.value, mapping.version] for mapping in self.mappings]
        return _digest([spec_hash(self.spec), dealt])

    def taker(self, id_: str, fields: Mapping[str, Any]) -> StreamMapping:
        """The mapping that a record belongs to: the first whose filters let it in, else the head."""
        ref = Ref("", self.object, id_)
        return next((m for m in self.mappings if not m.kept_out_by(ref, fields)), self.mappings[0])

    def lets_in(self, id_: str, fields: Mapping[str, Any]) -> bool:
        """Some stream takes the record."""
        return not self.taker(id_, fields).kept_out_by(Ref("", self.object, id_), fields)

    def deal(self, rows: Sequence[Row], known: Mapping[str, str]) -> list[tuple[StreamMapping, Sequence[Row]]]:
        """The rows by the mapping that they belong to. A deleted one stays in the stream that is `known` for its id."""
        if len(self.mappings) == 1:
            return [(self.mappings[0], rows)]
        by_stream: dict[Stream, list[Row]] = {mapping.stream: [] for mapping in self.mappings}
        for row in rows:
            before = Stream(known[row.id]) if row.deleted and row.id in known else None
            by_stream[before if before in by_stream else self.taker(row.id, row.fields).stream].append(row)
        return [(mapping, by_stream[mapping.stream]) for mapping in self.mappings]


def spec_hash(spec: ReadSpec) -> str:
    """Changes when other fields or other records are to be read, so that everything is read again."""
    return _digest([spec.object, spec.fields, dict(spec.where), spec.associations])


def _digest(said: Any) -> str:
    return blake2b(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


def feeds_of(streams: Mapping[Stream, StreamMapping]) -> tuple[Feed, ...]:
    """One feed for each native object, in the order of the streams; registrations take a record before others."""
    by_object: dict[str, list[StreamMapping]] = {}
    for mapping in streams.values():
        by_object.setdefault(mapping.object, []).append(mapping)
    return tuple(_feed(object_, sorted(mappings, key=_late)) for object_, mappings in by_object.items())


def _late(mapping: StreamMapping) -> bool:
    return mapping.stream is not Stream.REGISTRATIONS


def _feed(object_: str, mappings: Sequence[StreamMapping]) -> Feed:
    """The server filters only where all that it keeps out is nobody's: what was filed has a line, taken or not."""
    specs = [mapping.read_spec() for mapping in mappings]
    if len(mappings) == 1 and mappings[0].stream is not Stream.REGISTRATIONS:
        return Feed(object_, tuple(mappings), specs[0])
    union = replace(
        specs[0],
        fields=_union(spec.fields for spec in specs),
        associations=_union(spec.associations for spec in specs),
        where={},
    )
    return Feed(object_, tuple(mappings), union)


def _union(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({name for some in names for name in some}))
