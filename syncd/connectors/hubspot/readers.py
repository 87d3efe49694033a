"""Which reader a specification means: records of an object type, histories of theirs, or a list that comes whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from syncd.connectors.hubspot.counts import Counts
from syncd.connectors.hubspot.fetch import Fetch
from syncd.connectors.hubspot.history import History
from syncd.connectors.hubspot.paths import Paths, is_custom, plain_type
from syncd.connectors.hubspot.search import Position, Search
from syncd.connectors.hubspot.sweep import Sweep
from syncd.connectors.hubspot.whole import Owners, Rates, Stages, WholeList
from syncd.connectors.transport import Transport
from syncd.errors import UserError
from syncd.model import Page, ReadSpec, Row, Window

RATES = "exchange_rates"
_OF_A_TYPE = re.compile(r"(?P<type>.+)_(?P<what>stages|history)\Z")
_UNREAD = {
    "lists": "HubSpot's lists and segments are not read: map a property of the record instead, or a custom object.",
    "segments": "HubSpot's lists and segments are not read: map a property of the record instead, or a custom object.",
    "currencies": f"Currencies come with their rates: map {RATES}.",
}


class Reader(Protocol):
    """The reading half of the port for one specification."""

    def pull(self, window: Window, position: Mapping[str, Any] | None) -> Iterator[Page]:
        """As the port."""
        ...

    def sweep(self, position: Mapping[str, Any] | None) -> Iterator[Page]:
        """As the port."""
        ...

    def count(self) -> int | None:
        """As the port."""
        ...

    def fetch(self, ids: Sequence[str]) -> list[Row]:
        """As the port."""
        ...


def special(object_: str) -> tuple[str, str]:
    """What an object name means that is no object type of HubSpot's, and of which type: owners, rates, stages, history.

    Both are empty for an object type. `p_…` is always a custom object; its stages are `2-1234567_stages`.
    """
    lowered = object_.lower()
    if lowered in (RATES, "owners", "owner"):
        return lowered if lowered == RATES else "owners", ""
    found = _OF_A_TYPE.match(lowered)
    if found is None or (is_custom(lowered) and not lowered.startswith("2-")):
        return "", ""
    return found["what"], plain_type(found["type"])


def unread(object_: str) -> str | None:
    """Why an object cannot be read by this connector at all, where that is known."""
    return _UNREAD.get(object_.lower())


def reader(transport: Transport, paths: Paths, counts: Counts, spec: ReadSpec) -> Reader:
    """The reader of a specification. Raises UserError for what cannot be read."""
    if reason := unread(spec.object):
        raise UserError(reason)
    what, of = special(spec.object)
    if what == "history":
        return Histories(transport, paths, spec, of)
    if what == "stages":
        return Whole(Stages(transport, paths, spec, of))
    if what:
        return Whole((Rates if what == RATES else Owners)(transport, paths, spec))
    return Records(transport, paths, counts, spec)


class Records:
    """Records of one object type."""

    def __init__(self, transport: Transport, paths: Paths, counts: Counts, spec: ReadSpec) -> None:
        self._transport, self._paths, self._counts, self._spec = transport, paths, counts, spec

    def pull(self, window: Window, position: Mapping[str, Any] | None) -> Iterator[Page]:
        """Through search; archived ones are not among them."""
        return Search(self._transport, self._paths, self._spec, window).pages(Position.of(position))

    def sweep(self, position: Mapping[str, Any] | None) -> Iterator[Page]:
        """Through the list, archived ones last."""
        return Sweep(self._transport, self._paths, self._spec).pages(position, self._evidence)

    def _evidence(self) -> int | None:
        try:
            return self.count()
        except UserError:  # what cannot be searched can be listed all the same
            return None

    def count(self) -> int | None:
        """By the account's own count, else by the index."""
        return self._counts.of(self._spec)

    def fetch(self, ids: Sequence[str]) -> list[Row]:
        """In batches of a hundred."""
        return Fetch(self._transport, self._paths, self._spec).rows(ids)


class Histories:
    """Histories of properties of one object type."""

    def __init__(self, transport: Transport, paths: Paths, spec: ReadSpec, of: str) -> None:
        self._history = History(transport, paths, spec, of)

    def pull(self, window: Window, position: Mapping[str, Any] | None) -> Iterator[Page]:
        """Those of the records that search finds in the window."""
        return self._history.pages(window, Position.of(position))

    def sweep(self, position: Mapping[str, Any] | None) -> Iterator[Page]:
        """Those of all records."""
        return self._history.sweep(position)

    def count(self) -> int | None:
        """HubSpot does not count them."""
        return None

    def fetch(self, ids: Sequence[str]) -> list[Row]:
        """By the records in their ids."""
        return self._history.rows(ids)


class Whole:
    """A list that comes whole."""

    def __init__(self, whole: WholeList) -> None:
        self._whole = whole

    def pull(self, window: Window, position: Mapping[str, Any] | None) -> Iterator[Page]:
        """All of it, whatever the window."""
        return self.sweep(position)

    def sweep(self, position: Mapping[str, Any] | None) -> Iterator[Page]:
        """All of it."""
        return iter((Page((), position, None, True),)) if position else self._whole.pages()

    def count(self) -> int | None:
        """As many as come."""
        return self._whole.count()

    def fetch(self, ids: Sequence[str]) -> list[Row]:
        """These of them."""
        return self._whole.rows(ids)
