"""The Salesforce connector: one org, through its REST API, and the bulk API where there is very much to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from syncd.connectors.budget import Unlimited
from syncd.connectors.salesforce import access, check, provision, soql
from syncd.connectors.salesforce.bulk import BulkDoor, BulkRead
from syncd.connectors.salesforce.check import Identity
from syncd.connectors.salesforce.errors import SalesforceDialect, SchemaDiffers, code_of
from syncd.connectors.salesforce.fetch import Fetch
from syncd.connectors.salesforce.pull import Pull, Scale
from syncd.connectors.salesforce.reading import Reading, present
from syncd.connectors.salesforce.shape import Described, Shape
from syncd.connectors.salesforce.signin import HOSTS, SalesforceSignIn, other_org
from syncd.connectors.salesforce.write import PER_CALL, Upserting, Writing
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

# A transaction stamps its rows when it writes them and shows them when it commits, at most ten minutes later.
LONGEST_TRANSACTION = 600.0
_GUARD = 60.0  # windows overlap by more than that, for what our idea of the server's clock may be off

_HEADERS = {"Sforce-Call-Options": "client=syncd/1.0"}
_UID = "salesforce-"

T = TypeVar("T")


class SalesforceConnector:
    """One Salesforce org. Safe to share between threads.

    `expected_uid` is the org that the connection is bound to, once it is: another one is refused. `writers` is how many
    calls may be under way at once when there are many writes and the org answers quickly.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        clock: Clock,
        *,
        budget: Budget | None = None,
        version: str = "68.0",
        emulator: bool = False,
        timeouts: Timeouts | None = None,
        meter: Meter | None = None,
        ca_file: str | None = None,
        read_lag_seconds: float = LONGEST_TRANSACTION,
        overlap_seconds: float | None = None,
        expected_uid: str | None = None,
        scale: Scale | None = None,
        writers: int = 10,
    ) -> None:
        wire = Wire(base_url, hosts=HOSTS, emulator=emulator, timeouts=timeouts, ca_file=ca_file)
        self._transport = Transport(
            wire, SalesforceDialect(), credentials, budget or Unlimited(), clock, headers=_HEADERS, meter=meter
        )
        self._version = self._configured = _version(version)
        self._clock, self._credentials = clock, credentials
        self._described: dict[str, Described | None] = {}
        self._scale, self._writers = scale or Scale(), writers
        self._door = BulkDoor(clock)
        self._org_id: str | None = None
        if expected_uid is not None:
            self._bind(expected_uid.removeprefix(_UID))
        overlap = read_lag_seconds + _GUARD if overlap_seconds is None else overlap_seconds
        self._facts = ConnectorFacts("salesforce", read_lag_seconds, overlap, 2.0, PER_CALL, True, False)

    @property
    def facts(self) -> ConnectorFacts:
        """Conditional writes exist for single rows only, at a fortieth of the speed; stamps are written without."""
        return self._facts

    @property
    def calls(self) -> int:
        """How many API calls were made so far, sign-in included."""
        return self._transport.calls

    def close(self) -> None:
        """Close idle connections."""
        self._transport.wire.close()
        if isinstance(self._credentials, SalesforceSignIn):
            self._credentials.close()

    def check(self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]) -> Checked:
        """Who answers, what is missing for the streams it should read, and how much of everything we may see."""
        self._described.clear()
        self._version = check.usable_version(self._transport, self._configured)
        who = check.identity(self._transport)
        self._bind(who.org_id)
        problems = [*check.version_problems(self._version)]
        for spec in specs:
            problems += check.read_problems(spec, self._describe)
        for object_, fields in writable.items():
            problems += check.write_problems(object_, fields, self._describe)
        organization, rights = access.looked_up(
            self._transport, self._base, who.user_id, list(dict.fromkeys(spec.object for spec in specs))
        )
        edition, reason = access.edition(organization, writable, self._describe)
        return Checked(
            f"{_UID}{who.org_id}",
            str(organization.get("Name") or self._transport.wire.host),
            tuple(dict.fromkeys(problems)),
            {**self._facts_about(who, organization), "schema": check.definitions(specs, self._describe)},
            tuple(access.access(self._transport, self._base, specs, rights, self._describe)),
            edition,
            reason,
        )

    def _facts_about(self, who: Identity, organization: Mapping[str, Any]) -> Mapping[str, Any]:
        known = {
            "api_version": self._version,
            "org_id": who.org_id,
            "user_id": who.user_id,
            "username": who.username,
            "organization": dict(organization),
            "daily_calls": dict(check.daily_calls(self._transport, self._version)),
        }
        return {name: value for name, value in known.items() if value}

    def now(self) -> datetime:
        """The org's clock, in whole seconds as its stamps are."""
        if self._transport.now() is None:
            self._transport.call("GET", "/services/data", template="versions")
        return whole_seconds(self._transport.now())

    def pull(self, spec: ReadSpec, window: Window, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """Every record whose stamp lies in the window, deleted ones included."""
        return self._pages(spec, window, position)

    def sweep(self, spec: ReadSpec, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """Every record in the order of its id, those in the recycle bin included."""
        return self._pages(spec, None, position)

    def count(self, spec: ReadSpec) -> int | None:
        """How many records the user may see, those in the recycle bin not counted."""
        return self._in_schema(spec, lambda shape: present(self._transport, self._base, spec, shape))

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        """The present state of these records; the filter of the specification does not apply."""
        return self._in_schema(spec, lambda shape: Fetch(self._transport, self._base, shape).rows(ids))

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        """Update records of one object; one receipt per write."""
        return Writing(self._transport, self._base, soql.name(object), self._writers).receipts(writes)

    def upsert(self, object: str, key_field: str, rows: Sequence[Upsert]) -> list[Receipt]:
        """Make records exist by an external id of theirs. Raises UserError where the field is none."""
        if not rows:
            return []
        problem = next(check.key_problems(object, key_field, self._describe), None)
        if problem is not None:
            raise UserError(problem)
        return Upserting(self._transport, self._base, soql.name(object), self._writers, key_field).receipts(rows)

    def provision(self, wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted, make: bool) -> Provisioned:
        """Each field that syncd writes, as this user finds it. Nothing is made: fields come with the package."""
        return provision.look(wanted, heartbeat, self._description)

    def _pages(self, spec: ReadSpec, window: Window | None, position: Mapping[str, Any] | None) -> Iterator[Page]:
        """The pages. Where the org's schema has become another one than was described, they go on in the new one."""
        shape = self._shape(spec)
        try:
            for page in self._read(spec, shape, window, position):
                yield page
                position = page.position
            return
        except SchemaDiffers as error:
            shape = self._redescribed(spec, shape, error)
        yield from self._read(spec, shape, window, position)

    def _read(
        self, spec: ReadSpec, shape: Shape, window: Window | None, position: Mapping[str, Any] | None
    ) -> Iterator[Page]:
        reading = Reading(self._transport, self._base, spec, shape, window is None, self._scale.rows_per_page)
        return Pull(spec, shape, window, reading, lambda: self._bulk(shape), self._scale, self._clock).pages(position)

    def _bulk(self, shape: Shape) -> BulkRead:
        types = {column: self._type_of(shape.object, column) for column in shape.columns}
        return BulkRead(self._transport, self._base, self._clock, self._door, shape, types)

    def _in_schema(self, spec: ReadSpec, ask: Callable[[Shape], T]) -> T:
        shape = self._shape(spec)
        try:
            return ask(shape)
        except SchemaDiffers as error:
            shape = self._redescribed(spec, shape, error)
        return ask(shape)

    def _redescribed(self, spec: ReadSpec, before: Shape, error: SchemaDiffers) -> Shape:
        """The shape by what the org is now. Raises UserError naming what is missing, or the error if nothing is new."""
        self._described.clear()
        problem = next(check.read_problems(spec, self._describe), None)
        if problem is not None:
            raise UserError(problem) from error
        shape = self._shape(spec)
        if shape == before:
            raise error
        return shape

    def _bind(self, org_id: str) -> None:
        """Every answer must come from this org from now on. Raises AuthFailed when another one was bound before."""
        if self._org_id is not None and org_id != self._org_id:
            raise AuthFailed(other_org(self._transport.wire.host, org_id, self._org_id))
        self._org_id = org_id
        if isinstance(self._credentials, SalesforceSignIn):
            self._credentials.bind(org_id)

    @property
    def _base(self) -> str:
        return f"/services/data/v{self._version}"

    def _shape(self, spec: ReadSpec) -> Shape:
        described = self._describe(spec.object)
        if described is None:
            raise UserError(next(check.read_problems(spec, self._describe)))
        if spec.associations:
            raise UserError(next(p for p in check.read_problems(spec, self._describe) if "associations" in p))
        return Shape.of(spec, described)

    def _type_of(self, object_: str, path: str) -> str | None:
        """The type of a field, that of a parent's field too; None when it is not known."""
        described = self._describe(object_)
        step, _, rest = path.partition(".")
        if described is None:
            return None
        if not rest:
            return str(described.fields[step].get("type")) if step in described.fields else None
        types = (self._type_of(parent, rest) for parent in described.parents.get(step, ()))
        return next((type_ for type_ in types if type_ is not None), None)

    def _describe(self, object_: str) -> Described | None:
        """What describe tells, asked once per object and check; None for an object that is not there."""
        if object_ not in self._described:
            content = self._description(object_)
            self._described[object_] = None if content is None else Described.of(content)
        return self._described[object_]

    def _description(self, object_: str) -> Any:
        """All that describe says; None for an object that is not there."""
        answer = self._transport.call(
            "GET",
            f"{self._base}/sobjects/{soql.name(object_)}/describe",
            template=f"describe/{object_}",
            accept=frozenset({400, 404}),
        )
        if answer.status < 300:
            return self._transport.parsed(answer, f"describe/{object_}")
        if code_of(answer.json_or_none()) in ("NOT_FOUND", "INVALID_TYPE"):
            return None
        raise self._transport.refusal(answer, f"describe/{object_}")


def _version(text: str) -> str:
    try:
        return f"{float(text.lstrip('vV')):.1f}"
    except ValueError:
        raise UserError(f"{text!r} is no Salesforce API version; write it like 68.0.") from None
