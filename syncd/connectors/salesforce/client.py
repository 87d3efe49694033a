"""The Salesforce connector: one org, through its REST API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from syncd.connectors.budget import Unlimited
from syncd.connectors.credentials import SALESFORCE_HOSTS
from syncd.connectors.salesforce import check, soql
from syncd.connectors.salesforce.errors import SalesforceDialect, code_of
from syncd.connectors.salesforce.fetch import Fetch
from syncd.connectors.salesforce.pull import Position, Pull
from syncd.connectors.salesforce.shape import Described, Shape
from syncd.connectors.salesforce.write import PER_CALL, Writing
from syncd.connectors.transport import Meter, Transport
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

# A transaction stamps its rows when it writes them and shows them when it commits, at most ten minutes later.
LONGEST_TRANSACTION = 600.0
_GUARD = 60.0  # windows overlap by more than that, for what our idea of the server's clock may be off

_HEADERS = {"Sforce-Call-Options": "client=syncd/1.0"}


class SalesforceConnector:
    """One Salesforce org. Safe to share between threads."""

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
    ) -> None:
        wire = Wire(base_url, hosts=SALESFORCE_HOSTS, emulator=emulator, timeouts=timeouts, ca_file=ca_file)
        self._transport = Transport(
            wire, SalesforceDialect(), credentials, budget or Unlimited(), clock, headers=_HEADERS, meter=meter
        )
        self._version = self._configured = _version(version)
        self._described: dict[str, Described | None] = {}
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

    def check(self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]) -> Checked:
        """Who answers, and what is missing for the streams it should read."""
        self._described.clear()
        self._version = check.usable_version(self._transport, self._configured)
        who = check.identity(self._transport)
        problems = [*check.version_problems(self._version)]
        for spec in specs:
            problems += check.read_problems(spec, self._describe)
        for object_, fields in writable.items():
            problems += check.write_problems(object_, fields, self._describe)
        facts: dict[str, Any] = {
            "api_version": self._version,
            "org_id": who.org_id,
            "user_id": who.user_id,
            "username": who.username,
            **check.org_facts(self._transport, self._version),
        }
        name = facts.get("organization", {}).get("Name") or self._transport.wire.host
        return Checked(f"salesforce-{who.org_id}", str(name), tuple(dict.fromkeys(problems)), facts)

    def now(self) -> datetime:
        """The org's clock, in whole seconds as its stamps are."""
        if self._transport.now() is None:
            self._transport.call("GET", "/services/data", template="versions")
        return whole_seconds(self._transport.now())

    def pull(self, spec: ReadSpec, window: Window, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """Every record whose stamp lies in the window, deleted ones included."""
        pull = Pull(self._transport, self._base, spec, self._shape(spec), window)
        for page in pull.pages(Position.of(position)):
            in_the_past(window, self._transport.now(), timedelta(seconds=_GUARD))
            yield page

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        """The present state of these records; the filter of the specification does not apply."""
        return Fetch(self._transport, self._base, self._shape(spec)).rows(ids)

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        """Update records of one object; one receipt per write."""
        return Writing(self._transport, self._base, soql.name(object)).receipts(writes)

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

    def _describe(self, object_: str) -> Described | None:
        """What describe tells, asked once per object and check; None for an object that is not there."""
        if object_ not in self._described:
            answer = self._transport.call(
                "GET",
                f"{self._base}/sobjects/{soql.name(object_)}/describe",
                template=f"describe/{object_}",
                accept=frozenset({400, 404}),
            )
            if answer.status < 300:
                found = Described.of(self._transport.parsed(answer, f"describe/{object_}"))
            elif code_of(answer.json_or_none()) in ("NOT_FOUND", "INVALID_TYPE"):
                found = None
            else:
                raise self._transport.refusal(answer, f"describe/{object_}")
            self._described[object_] = found
        return self._described[object_]


def _version(text: str) -> str:
    try:
        return f"{float(text.lstrip('vV')):.1f}"
    except ValueError:
        raise UserError(f"{text!r} is no Salesforce API version; write it like 68.0.") from None
