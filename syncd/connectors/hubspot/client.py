"""The HubSpot connector: one portal, through its dated or its numbered API."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from syncd.connectors.budget import Unlimited
from syncd.connectors.hubspot.account import account
from syncd.connectors.hubspot.counts import Counts
from syncd.connectors.hubspot.errors import HubSpotDialect
from syncd.connectors.hubspot.paths import NEWEST, paths, plain_type
from syncd.connectors.hubspot.readers import reader, special, unread
from syncd.connectors.hubspot.signin import BASE_URL, HOSTS, HubSpotRefresh, other_portal
from syncd.connectors.hubspot.write import PER_CALL, Upserting, Writing
from syncd.connectors.transport import Meter, Transport
from syncd.connectors.windows import whole_seconds
from syncd.connectors.wire import Timeouts, Wire
from syncd.errors import AuthFailed, UserError
from syncd.model import (
    Budget,
    Checked,
    Clock,
    ConnectorFacts,
    Credentials,
    FieldWanted,
    HeartbeatWanted,
    Page,
    Provisioned,
    ReadSpec,
    Receipt,
    Row,
    Upsert,
    Window,
    Write,
)

# The search index follows within seconds, mostly. What takes longer than a quarter of an hour is found by a second look
# an hour later, and what that does not find by the sweep.
INDEX_LAG = 900.0
SECOND_LOOK = 3_600.0
_WRITERS = 8
_GUARD = 60.0  # windows overlap by more than the lag, for what our idea of the server's clock may be off


class HubSpotConnector:
    """One HubSpot portal. Safe to share between threads.

    `expected_uid` is the portal that the connection is bound to; any other is refused before anything is read or
    written. `budget` may be shared by all connectors of one portal. `writers` is how many calls write at a time.
    """

    def __init__(
        self,
        credentials: Credentials,
        clock: Clock,
        *,
        base_url: str = BASE_URL,
        budget: Budget | None = None,
        version: str = NEWEST,
        expected_uid: str | None = None,
        writers: int = _WRITERS,
        emulator: bool = False,
        timeouts: Timeouts | None = None,
        meter: Meter | None = None,
        ca_file: str | None = None,
        read_lag_seconds: float = INDEX_LAG,
        overlap_seconds: float | None = None,
    ) -> None:
        wire = Wire(base_url, hosts=HOSTS, emulator=emulator, timeouts=timeouts, ca_file=ca_file)
        self._dialect, self._credentials = HubSpotDialect(), credentials
        self._transport = Transport(wire, self._dialect, credentials, budget or Unlimited(), clock, meter=meter)
        self._paths, self._version, self._writers = paths(version), version, max(1, writers)
        self._counts = Counts(self._transport, self._paths)
        self._expected, self._bound = expected_uid, expected_uid is None
        self._unique: set[tuple[str, str]] = set()
        self._lock = Lock()
        overlap = read_lag_seconds + _GUARD if overlap_seconds is None else overlap_seconds
        self._facts = ConnectorFacts(
            kind="hubspot",
            read_lag_seconds=read_lag_seconds,
            overlap_seconds=overlap,
            clock_error_seconds=2.0,
            write_batch=PER_CALL,
            reports_deletes=False,
            conditional_writes=False,
            second_look_seconds=SECOND_LOOK,
        )

    @property
    def facts(self) -> ConnectorFacts:
        """Search never shows archived records, so deletions are not reported; HubSpot has no conditional writes."""
        return self._facts

    @property
    def calls(self) -> int:
        """How many API calls were made so far."""
        return self._transport.calls

    def close(self) -> None:
        """Close idle connections, those for signing in too."""
        self._transport.wire.close()
        if isinstance(self._credentials, HubSpotRefresh):
            self._credentials.close()

    def check(self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]) -> Checked:
        """Who answers, and what is missing for the streams it should read."""
        from syncd.connectors.hubspot.check import Check  # brings the official client with it

        facts = {**self._account(), "api_version": self._version}
        return Check(self._transport, self._paths, self._counts).run(facts, specs, writable)

    def now(self) -> datetime:
        """The portal's clock."""
        if self._transport.now() is None:
            self._account()
        return whole_seconds(self._transport.now())

    def pull(self, spec: ReadSpec, window: Window, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """Every record whose stamp lies in the window; archived ones are not among them, merged ones are.

        Lists that are short and come whole (owners, stages, rates) come whole each time.
        """
        self._bind()
        yield from reader(self._transport, self._paths, self._counts, spec).pull(window, position)

    def sweep(self, spec: ReadSpec, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """Every record, read from the store and not from the index; archived ones last, where the type lists them."""
        self._bind()
        yield from reader(self._transport, self._paths, self._counts, spec).sweep(position)

    def count(self, spec: ReadSpec) -> int | None:
        """How many records there are: by the account's own count; with a filter, or without such a count, by the
        index, which may lag behind. None for histories, and for filters that search cannot apply."""
        self._bind()
        return reader(self._transport, self._paths, self._counts, spec).count()

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        """The present state of these records; the filter of the specification does not apply."""
        if not ids:
            return []
        self._bind()
        return reader(self._transport, self._paths, self._counts, spec).fetch(ids)

    def upsert(self, object: str, key_field: str, rows: Sequence[Upsert]) -> list[Receipt]:
        """Create or change records that a unique property names; one receipt per row."""
        if not rows:
            return []
        _writable(object)
        self._bind()
        self._require_unique(plain_type(object), key_field)
        return Upserting(self._transport, self._paths, object, key_field, self._writers).receipts(rows)

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        """Update records of one object type; one receipt per write."""
        if not writes:
            return []
        _writable(object)
        self._bind()
        return Writing(self._transport, self._paths, object, self._writers).receipts(writes)

    def provision(self, wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted, make: bool) -> Provisioned:
        """How the properties that syncd writes are found; with `make`, what is missing is made."""
        from syncd.connectors.hubspot.provision import Provision  # brings the official client with it

        self._bind()
        return Provision(self._transport, self._paths).run(wanted, heartbeat, make)

    def _account(self) -> Mapping[str, Any]:
        """Which portal answers. Raises AuthFailed for another one than the expected."""
        facts = account(self._transport, self._paths)
        uid = f"hubspot-{facts['portal_id']}"
        if self._expected is not None and uid != self._expected:
            raise AuthFailed(other_portal(self._expected, uid))
        with contextlib.suppress(ZoneInfoNotFoundError, ValueError, OSError):
            self._dialect.zone = ZoneInfo(str(facts.get("timeZone") or ""))
        self._bound = True
        return facts

    def _bind(self) -> None:
        """Make sure once that it is the expected portal; the answer to an OAuth sign-in has told it already."""
        if self._bound:
            return
        if isinstance(self._credentials, HubSpotRefresh):
            self._credentials.token()
            self._bound = self._credentials.uid == self._expected
        if not self._bound:
            self._account()

    def _require_unique(self, object_: str, name: str) -> None:
        """Raises UserError unless records can be found by that property. HubSpot says so only in a sentence."""
        with self._lock:
            if (object_, name) in self._unique:
                return
            found = self._transport.json(
                "GET", f"{self._paths.properties}/{object_}/{_segment(object_, name)}", template=f"properties/{object_}"
            )
            if name == "hs_object_id" or not isinstance(found, dict) or not found.get("hasUniqueValue"):
                raise UserError(
                    f"{object_}.{name} is not unique in HubSpot, so no record can be found by it. Create a property "
                    "that must be unique, and use that; HubSpot cannot make an existing one unique."
                )
            self._unique.add((object_, name))


def _writable(object_: str) -> None:
    if special(object_)[0] or unread(object_):
        raise UserError(f"syncd does not write {object_}; only records of an object type can be written.")


def _segment(object_: str, name: str) -> str:
    if not name.isascii() or not name.replace("_", "").isalnum():
        raise UserError(f"{object_} has no property {name[:80]!r}; write its internal name, as in syncd_key.")
    return name
