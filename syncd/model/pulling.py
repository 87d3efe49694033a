"""What passes between connectors and jobs: what to read, the window it is read in, and the pages that come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from syncd.model.records import Stream


@dataclass(frozen=True, slots=True)
class ReadSpec:
    """What one stream of one connection reads: a native object, its native fields, and a filter on them.

    `where` maps a native field to the values that are let in; what it keeps out is never seen by syncd.
    `associations` are native object names whose ids are wanted beside each row, as the field
    `associations.<name>` holding a list of ids.
    """

    stream: Stream
    object: str
    fields: tuple[str, ...]
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    associations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """The modification stamps that a pull reads: `lower` <= stamp <= `upper`; no `lower` means from the beginning.

    `upper` is the server's own clock when the window opened.
    """

    lower: datetime | None
    upper: datetime


class Row(NamedTuple):
    """One record as read. `fields` are native names with JSON values, without the id.

    `stamp` is the server's modification stamp; `merged_into` is the surviving id where the system tells it.
    """

    id: str
    stamp: datetime
    fields: dict[str, Any]
    deleted: bool = False
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a window, in one piece.

    `position` (plain JSON) is where a later call goes on after this page; `expected` is how many rows the
    server counts in the whole window, as last told; `unreadable` keeps what could not be made a row, with why.
    `last` is True on the page that completes the window.
    """

    rows: tuple[Row, ...] | list[Row]
    position: Mapping[str, Any]
    expected: int | None
    last: bool
    unreadable: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ConnectorFacts:
    """The few facts about a system that change what jobs do.

    `read_lag`: how long a committed change may stay unseen by `pull`; windows overlap by more than this and
    `complete_through` stays this far behind. `clock_error`: how far the system's stamps may be from true time.
    `reports_deletes`: pulls show deletions. `second_look_seconds`: how old a window gets before it is read once more
    for what surfaced late; 0 where nothing does. `conditional_writes`: a write can be refused by the server when the
    record has changed. `write_batch`: how many records one call can change. `upserts`: records can be created by a
    unique field; where not, `upsert` raises UserError.
    """

    kind: str
    read_lag_seconds: float
    overlap_seconds: float
    clock_error_seconds: float
    write_batch: int
    reports_deletes: bool
    conditional_writes: bool
    second_look_seconds: float = 0.0
    upserts: bool = True


class MissingField(str):
    """A problem about one field that the system does not have or does not show us; it reads as its sentence."""

    __slots__ = ("field", "object")

    object: str
    field: str

    def __new__(cls, sentence: str, object: str, field: str) -> MissingField:
        """The sentence, and the native object and field that it is about."""
        made = super().__new__(cls, sentence)
        made.object, made.field = object, field
        return made


@dataclass(frozen=True, slots=True)
class ObjectAccess:
    """What we may see of one native object.

    `sees_all` is True when the system proved that no record is hidden from us, False when some surely are, None when it
    cannot be told; `evidence` says in a sentence by what. `records` is how many there are, hidden ones included, where
    the system tells. `formulas` are the fields read that change without moving the record's stamp.
    """

    object: str
    sees_all: bool | None
    evidence: str
    records: int | None = None
    formulas: tuple[str, ...] = ()


class Edition(StrEnum):
    """How much of syncd's work a system's edition and rights allow."""

    FULL = "full"  # read, stamps, ownership
    STAMPS_ONLY = "stamps only"  # read and stamps; some right or part of the API is missing
    FILES_ONLY = "files only"  # no API: exports in, import files out


@dataclass(frozen=True, slots=True)
class Checked:
    """What a connector found at its check: who answers, and what is missing for the streams it should read.

    `uid` names the org or portal for ever. `problems` are sentences with a remedy, those about a field that is not
    there as `MissingField`; `facts` are plain JSON. `access` tells for each object of a stream what is visible of it;
    `edition_reason` says why the edition is what it is.
    """

    uid: str
    label: str
    problems: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    access: tuple[ObjectAccess, ...] = ()
    edition: Edition = Edition.FULL
    edition_reason: str = ""
