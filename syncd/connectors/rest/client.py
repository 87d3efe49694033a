"""The REST connector: a PRM whose API is described in YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from syncd.connectors.budget import CallBudget, RollingWindow, Unlimited
from syncd.connectors.provisioning import by_hand
from syncd.connectors.rest import check
from syncd.connectors.rest.description import Description, RestObject
from syncd.connectors.rest.errors import RestDialect
from syncd.connectors.rest.reading import Position, Reading
from syncd.connectors.rest.signin import signing_in
from syncd.connectors.rest.writing import Writing
from syncd.connectors.transport import Meter, Transport
from syncd.connectors.windows import whole_seconds
from syncd.connectors.wire import Timeouts, Wire
from syncd.errors import UserError
from syncd.model import (
    Budget,
    Checked,
    Clock,
    ConnectorFacts,
    Edition,
    FieldWanted,
    HeartbeatWanted,
    ObjectAccess,
    Page,
    Provisioned,
    ReadSpec,
    Receipt,
    Row,
    Stream,
    Upsert,
    Window,
    Write,
)

_GUARD = 60.0


class RestConnector:
    """One account of a described API. Safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        about: Description,
        auth: object,
        clock: Clock,
        *,
        budget: Budget | None = None,
        emulator: bool = False,
        timeouts: Timeouts | None = None,
        meter: Meter | None = None,
        ca_file: str | None = None,
    ) -> None:
        named = (urlsplit(base_url).hostname or "").lower()
        wire = Wire(base_url, hosts=(named,), emulator=emulator, timeouts=timeouts, ca_file=ca_file)
        credentials, authorize = signing_in(auth, about.token, wire, clock)
        self._about, self._dialect, self._clock = about, RestDialect(about), clock
        self._transport = Transport(
            wire, self._dialect, credentials, budget or Unlimited(), clock,
            headers=about.headers, meter=meter, authorize=authorize,
        )  # fmt: skip
        objects = about.objects.values()
        lag, tells = about.lag.total_seconds(), all(one.deleted for one in objects)
        batch = max((one.update.most for one in objects if one.update), default=1)
        self._facts = ConnectorFacts(
            "rest", lag, lag + _GUARD, 2.0, batch, tells, False, upserts=any(one.upsert for one in objects)
        )

    @property
    def facts(self) -> ConnectorFacts:
        """As described: deletions are seen where every object says of a record that it is deleted."""
        return self._facts

    @property
    def calls(self) -> int:
        """How many API calls were made so far."""
        return self._transport.calls

    def close(self) -> None:
        """Close idle connections."""
        self._transport.wire.close()

    def check(self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]) -> Checked:
        """Who answers, and whether the first page of each object is what the description says."""
        uid = f"rest-{check.identity(self._transport, self._about)}"
        known, problems, access = list(self._about.objects), list[str](), list[ObjectAccess]()
        for spec in specs:
            about = self._about.objects.get(spec.object)
            problems += check.read_problems(about, spec, known)
        for object_ in dict.fromkeys(spec.object for spec in specs if spec.object in self._about.objects):
            problems += check.answer_problems(object_, lambda o=object_: self._first(o))
            evidence = "An API of its own making does not tell what it hides."
            access.append(ObjectAccess(object_, None, evidence))
        for object_, fields in writable.items():
            problems += check.write_problems(self._about.objects.get(object_), object_, fields, known)
        reads_only = not any(one.update for one in self._about.objects.values())
        edition = Edition.STAMPS_ONLY if reads_only else Edition.FULL
        reason = "It is read-only: the description has no `update`." if reads_only else ""
        facts = {"host": self._transport.wire.host, "counted": self._counted()}
        label = f"{self._about.name} at {self._transport.wire.host}"
        return Checked(uid, label, tuple(dict.fromkeys(problems)), facts, tuple(access), edition, reason)

    def now(self) -> datetime:
        """The server's clock, by the date of its newest answer."""
        if self._transport.now() is None:
            if self._about.identity is not None:
                check.identity(self._transport, self._about)
            else:
                next(self._first(next(iter(self._about.objects))))
        return whole_seconds(self._transport.now())

    def pull(self, spec: ReadSpec, window: Window, position: Mapping[str, object] | None = None) -> Iterator[Page]:
        """Every record whose stamp lies in the window, asked for by time where the API can be."""
        reading = Reading(self._transport, self._object(spec.object), spec, window.upper)
        yield from reading.pages(window, Position.of(position))

    def sweep(self, spec: ReadSpec, position: Mapping[str, object] | None = None) -> Iterator[Page]:
        """The whole list."""
        yield from self._reading(spec).pages(None, Position.of(position))

    def count(self, spec: ReadSpec) -> int | None:
        """How many there are, where the description says what tells."""
        return self._reading(spec).count()

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        """The present state of these records."""
        return self._reading(spec).by_id(ids) if ids else []

    def provision(self, wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted, make: bool) -> Provisioned:
        """What has to be there, and is made by hand."""
        return by_hand(self, wanted)

    def upsert(self, object: str, key_field: str, rows: Sequence[Upsert]) -> list[Receipt]:
        """Make records exist that a unique field names, one call for each."""
        if not rows:
            return []
        return Writing(self._transport, self._dialect, self._object(object), object).upserted(key_field, rows)

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        """Change records of one object; one receipt per write."""
        if not writes:
            return []
        return Writing(self._transport, self._dialect, self._object(object), object).receipts(writes)

    # --- inside

    def _object(self, object_: str) -> RestObject:
        if object_ not in self._about.objects:
            raise UserError(check.no_object(object_, list(self._about.objects)))
        return self._about.objects[object_]

    def _reading(self, spec: ReadSpec) -> Reading:
        return Reading(self._transport, self._object(spec.object), spec, whole_seconds(self._clock.now()))

    def _first(self, object_: str) -> Iterator[Page]:
        """The pages of an object's list, without any field."""
        return self.sweep(ReadSpec(Stream.ACCOUNTS, object_, ()))

    def _counted(self) -> list[str]:
        """The objects whose lists tell how many records there are, so that a list which breaks off is noticed."""
        return [name for name, one in self._about.objects.items() if one.listing.total is not None]


def budget_of(about: Description, clock: Clock, *, share: float) -> Budget:
    """The described limits, our share of them."""
    minute, daily = about.limits.per_minute, about.limits.daily
    windows = {"minute": RollingWindow(int(minute * share), 60)} if minute else {}
    names = [*windows, *(["daily"] if daily else [])]
    if not names:
        return Unlimited()
    return CallBudget(clock, windows, {"call": names}, daily=daily or 0, share=share)
