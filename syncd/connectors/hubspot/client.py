"""The HubSpot connector: one portal, through its dated or its numbered API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from syncd.connectors.budget import Unlimited
from syncd.connectors.hubspot import check
from syncd.connectors.hubspot.check import Property
from syncd.connectors.hubspot.errors import HubSpotDialect
from syncd.connectors.hubspot.fetch import Fetch
from syncd.connectors.hubspot.owners import Owners
from syncd.connectors.hubspot.paths import paths, plain_type
from syncd.connectors.hubspot.search import Position, Search
from syncd.connectors.hubspot.write import PER_CALL, Writing
from syncd.connectors.transport import Forbidden, Meter, Transport
from syncd.connectors.windows import in_the_past, whole_seconds
from syncd.connectors.wire import Timeouts, Wire
from syncd.errors import UserError
from syncd.model import (
    Budget,
    Checked,
    Clock,
    ConnectorFacts,
    Credentials,
    Page,
    ReadSpec,
    Receipt,
    Row,
    Window,
    Write,
)

HOSTS = ("hubapi.com",)
BASE_URL = "https://api.hubapi.com"

# The search index follows within seconds, mostly; what takes longer than a quarter of an hour is the sweep's to find.
INDEX_LAG = 900.0
_GUARD = 60.0  # windows overlap by more than that, for what our idea of the server's clock may be off


class HubSpotConnector:
    """One HubSpot portal. Safe to share between threads."""

    def __init__(
        self,
        credentials: Credentials,
        clock: Clock,
        *,
        base_url: str = BASE_URL,
        budget: Budget | None = None,
        version: str = "2026-09",
        emulator: bool = False,
        timeouts: Timeouts | None = None,
        meter: Meter | None = None,
        ca_file: str | None = None,
        read_lag_seconds: float = INDEX_LAG,
        overlap_seconds: float | None = None,
    ) -> None:
        wire = Wire(base_url, hosts=HOSTS, emulator=emulator, timeouts=timeouts, ca_file=ca_file)
        self._transport = Transport(wire, HubSpotDialect(), credentials, budget or Unlimited(), clock, meter=meter)
        self._paths, self._version = paths(version), version
        self._properties: dict[str, Mapping[str, Property] | None] = {}
        overlap = read_lag_seconds + _GUARD if overlap_seconds is None else overlap_seconds
        self._facts = ConnectorFacts("hubspot", read_lag_seconds, overlap, 2.0, PER_CALL, False, False)

    @property
    def facts(self) -> ConnectorFacts:
        """Search never shows archived records, so deletions are not reported; HubSpot has no conditional writes."""
        return self._facts

    @property
    def calls(self) -> int:
        """How many API calls were made so far."""
        return self._transport.calls

    def close(self) -> None:
        """Close idle connections."""
        self._transport.wire.close()

    def check(self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]) -> Checked:
        """Who answers, and what is missing for the streams it should read."""
        self._properties.clear()
        facts = dict(check.account(self._transport, self._paths))
        problems: list[str] = []
        for spec in specs:
            problems += check.read_problems(spec, self._known_properties)
        for object_, fields in writable.items():
            problems += check.write_problems(object_, fields, self._known_properties)
            if fields:
                problems += check.scope_problems(self._transport, self._paths, object_)
        portal = facts["portal_id"]
        label = f"HubSpot portal {portal} ({str(facts.get('accountType') or 'account').lower()})"
        facts["api_version"] = self._version
        return Checked(f"hubspot-{portal}", label, tuple(dict.fromkeys(problems)), facts)

    def now(self) -> datetime:
        """The portal's clock."""
        if self._transport.now() is None:
            check.account(self._transport, self._paths)
        return whole_seconds(self._transport.now())

    def pull(self, spec: ReadSpec, window: Window, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """Every record whose stamp lies in the window; archived ones are not among them."""
        if plain_type(spec.object) == "owners":
            pages = Owners(self._transport, self._paths, spec).pages(window)
        else:
            pages = Search(self._transport, self._paths, spec, window).pages(Position.of(position))
        for page in pages:
            in_the_past(window, self._transport.now(), timedelta(seconds=_GUARD))
            yield page

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        """The present state of these records; the filter of the specification does not apply."""
        if plain_type(spec.object) == "owners":
            return Owners(self._transport, self._paths, spec).rows(ids)
        return Fetch(self._transport, self._paths, spec).rows(ids)

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        """Update records of one object type; one receipt per write."""
        if plain_type(object) == "owners":
            raise UserError("Owners are people; syncd does not write them.")
        return Writing(self._transport, self._paths, object).receipts(writes)

    def _known_properties(self, object_: str) -> Mapping[str, Property] | None:
        """The property definitions of an object type, asked once per check; None for a type that is not there."""
        from syncd.connectors.hubspot import official

        if object_ not in self._properties:
            try:
                self._properties[object_] = official.properties(self._transport, self._paths, object_)
            except (UserError, Forbidden):
                self._properties[object_] = None
        return self._properties[object_]
