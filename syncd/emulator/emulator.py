"""The emulator as a whole: one Salesforce org, one HubSpot portal, one clock, one log."""

from __future__ import annotations

import random
import uuid
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import quote

import orjson

from syncd.emulator import exports
from syncd.emulator.admin import AdminApi
from syncd.emulator.clock import Clock, EmulatorClock
from syncd.emulator.csvfile import Sheet
from syncd.emulator.errors import EmulatorDataError, EmulatorRefusal
from syncd.emulator.faults import Fault, FaultPlan, Garbling, Held, Mode
from syncd.emulator.god import HubspotView, SalesforceView
from syncd.emulator.http import Call, Page, segments_of
from syncd.emulator.hubspot import load as hubspot_load
from syncd.emulator.hubspot.app import HubspotApi
from syncd.emulator.hubspot.authors import APP_ID
from syncd.emulator.hubspot.grants import Tokens as HubspotTokens
from syncd.emulator.hubspot.store import Portal
from syncd.emulator.log import Change, Journal, Redundant, Request
from syncd.emulator.report import Report
from syncd.emulator.salesforce import load as salesforce_load
from syncd.emulator.salesforce.app import NEWEST, SalesforceApi
from syncd.emulator.salesforce.sessions import Tokens as SalesforceTokens
from syncd.emulator.salesforce.store import INTEGRATION, Org
from syncd.emulator.server import HttpApp, Surroundings
from syncd.emulator.variants import Variants

Endpoints = dict[str, dict[str, str]]


class Emulator:
    """Both CRMs in memory. `load` or `empty` makes one, `serve` puts it on the network."""

    def __init__(
        self, folder: Path | None, clock: Clock, seed: int, variants: Variants, report: Report | None = None
    ) -> None:
        self.clock, self.seed, self.variants = clock, seed, variants
        self.journal, self._lock = Journal(), RLock()
        self._around = Surroundings(clock, self.journal, FaultPlan(seed), self._lock)
        self._org = Org(clock, self.journal, seed)
        self._portal = _portal(folder, clock, self.journal, seed)
        _fill(self._org, self._portal, folder, report)
        self._org_tokens = SalesforceTokens(self._org, salesforce_load.one_organization(self._org), variants)
        self._portal_tokens = HubspotTokens(seed)
        self.salesforce = SalesforceView(self._org, self._lock, self._org_tokens)
        self.hubspot = HubspotView(self._portal, self._lock, self._portal_tokens)
        self._salesforce_api = SalesforceApi(self._org, self._org_tokens, variants)
        self._hubspot_api = HubspotApi(self._portal, self._portal_tokens, variants)
        self._admin_token = f"admin-{random.Random(f'admin {seed}').getrandbits(96):024x}"  # noqa: S311 (a seed, not a secret)
        if isinstance(clock, EmulatorClock):
            clock.when_moved(self._apply_due)

    @classmethod
    def load(
        cls, folder: Path | str, clock: Clock | None = None, seed: int = 0, variants: Variants | None = None,
        report: Report | None = None,
    ) -> Emulator:  # fmt: skip
        """Read `<folder>/salesforce/*.csv` and `<folder>/hubspot/*.csv`; either folder may be absent.

        With a report the files may be exports of any usual kind, in these folders or beside them; it is told what was
        read, and what was kept out. Without one, anything unexpected raises EmulatorDataError.
        """
        path = Path(folder)
        if not path.is_dir():
            raise EmulatorDataError(f"{path}: no such folder")
        return cls(path, clock or EmulatorClock(), seed, variants or Variants(), report)

    @classmethod
    def empty(cls, clock: Clock | None = None, seed: int = 0, variants: Variants | None = None) -> Emulator:
        """Standard schemas and no business records."""
        return cls(None, clock or EmulatorClock(), seed, variants or Variants())

    def add(self, system: str, name: str, header: list[str], lines: list[list[Any]]) -> int:
        """Add many records at once, as a CSV file of our own layout would: cells are text; returns how many.

        The lists are taken over and changed. Raises EmulatorDataError for a wrong cell.
        """
        count = len(lines)
        sheet = Sheet(Path(f"{system}/{name}.csv"), header, lines, array("L", range(2, count + 2)))
        with self._lock:
            if system == "salesforce":
                salesforce_load.load_object(self._org, sheet, self._org.declare(name))
            else:
                hubspot_load.load_records(self._portal, self._portal.types.all[name], sheet)
        return count

    def prepare_pages(self, soql: str) -> int:
        """Render and pack every page of a query, so that a benchmark measures its client; returns how many.

        They are kept until a record of the object changes, and making them counts as API calls.
        """
        path, query, pages = f"/services/data/v{NEWEST}.0/query", f"q={quote(soql)}", 0
        headers = {"authorization": f"Bearer {self._org_tokens.access_token}"}
        while path:
            call = Call("GET", path, query, headers, b"", f"prepared-{pages}", segments_of(path))
            with self._lock:
                reply = self._salesforce_api.handle(call)
            if reply.status != 200:
                raise EmulatorRefusal(str(reply.status), reply.raw().decode(errors="replace"))
            if isinstance(reply.body, Page):
                reply.body.packed()
            path, query, pages = orjson.loads(reply.raw()).get("nextRecordsUrl", ""), "", pages + 1
        return pages

    # --- what happened

    @property
    def changes(self) -> list[Change]:
        """Every effective change of a field, in order, as far back as is kept."""
        return list(self.journal.changes)

    @property
    def redundant(self) -> list[Redundant]:
        """Every write to a record that changed nothing, as far back as is kept."""
        return list(self.journal.redundant)

    @property
    def redundant_writes(self) -> int:
        """How many writes to records changed nothing."""
        return len(self.journal.redundant)

    @property
    def requests(self) -> list[Request]:
        """Every request to either CRM, in order, as far back as is kept."""
        return list(self.journal.requests)

    def keep_requests(self, most: int, bodies: bool = False) -> None:
        """From now on keep the newest `most` requests, with their bodies or without."""
        with self._lock:
            self.journal.requests.keep(most)
            self._around.keep_bodies = bodies

    def state(self) -> dict[str, Any]:
        """A summary: time, seed, variants, records by object, and how long the logs are."""
        with self._lock:
            orgs = {name: len(table) for name, table in self._org.tables.items() if len(table)}
            portals = {name: len(table) for name, table in self._portal.tables.items() if len(table)}
            return {
                "now": self.clock.now(), "frozen": isinstance(self.clock, EmulatorClock) and self.clock.frozen,
                "seed": self.seed, "variants": asdict(self.variants), "salesforce": orgs, "hubspot": portals,
                "requests": len(self.journal.requests), "changes": len(self.journal.changes),
                "redundant": len(self.journal.redundant), "faults": len(self.faults), "held": len(self.held),
            }  # fmt: skip

    # --- faults

    def fail(
        self, system: str, mode: Mode = "status", *, method: str | None = None, path_prefix: str = "",
        path_pattern: str = "", body_contains: str = "", times: int | None = 1, skip: int = 0,
        probability: float = 1.0, status: int = 503, body: Any = "", headers: Mapping[str, str] | None = None,
        seconds: float = 0.0, after_bytes: int = 0, step_bytes: int = 1, garbling: Garbling = "noise",
        length_off: int = 1, reset: bool = False,
    ) -> str:  # fmt: skip
        """Plan a fault for coming requests; returns its id. See `faults.Fault` for the conditions and modes."""
        fault = Fault(
            system, mode, method, path_prefix, path_pattern, body_contains, times, skip, probability, status, body,
            headers or {}, seconds, after_bytes, step_bytes, garbling, length_off, reset,
        )  # fmt: skip
        with self._lock:
            return self._around.faults.add(fault)

    @property
    def faults(self) -> list[dict[str, Any]]:
        """The faults that are planned, with how often each was passed by and has struck."""
        return self._around.faults.listed()

    def clear_faults(self, id: str | None = None) -> int:
        """Take one fault, or all, out of the plan; returns how many."""
        with self._lock:
            return self._around.faults.clear(id)

    @property
    def held(self) -> list[Held]:
        """The requests that `apply_late` holds or held back; `status` is None while one waits."""
        return self._around.late.listed()

    def release(self, id: str | None = None) -> int:
        """Apply one held request, or all, now; returns how many."""
        with self._lock:
            return self._around.late.release(id)

    def tick(self) -> None:
        """Do what has fallen due: held requests are applied, bulk jobs go on, bins are purged, webhooks are sent."""
        self._apply_due()
        self.hubspot.deliver_webhooks()

    def _apply_due(self) -> None:
        self._around.apply_due()
        with self._lock:
            self._org.pass_time()

    # --- serving

    def apps(self) -> dict[str, HttpApp]:
        """The three servers' applications."""
        admin = AdminApi(self, self._admin_token, self._lock)
        return {
            "salesforce": HttpApp(
                "salesforce", self._salesforce_api.handle, self._around, self._ids("sf"), "X-Request-Id"
            ),
            "hubspot": HttpApp(
                "hubspot", self._hubspot_api.handle, self._around, self._ids("hs"), "x-hubspot-correlation-id"
            ),
            "admin": HttpApp("admin", admin.handle, self._around, self._ids("admin"), "X-Request-Id", apart=True),
        }

    def _ids(self, name: str) -> Callable[[], str]:
        source = random.Random(f"{name} {self.seed}")  # noqa: S311 (a seed, not a secret)
        return lambda: str(uuid.UUID(int=source.getrandbits(128), version=4))

    def endpoints(self, urls: Mapping[str, str]) -> Endpoints:
        """How to reach the servers, with the tokens that are valid from the start."""
        sf, hs = self._org_tokens, self._portal_tokens
        return {
            "salesforce": {
                "base_url": urls["salesforce"], "client_id": sf.client_id, "client_secret": sf.client_secret,
                "username": INTEGRATION, "access_token": sf.access_token, "refresh_token": sf.refresh_token,
                "api_version": f"{NEWEST}.0", "organization_id": sf.org_id,
            },
            "hubspot": {
                "base_url": urls["hubspot"], "access_token": hs.access_token,
                "limited_access_token": hs.limited_access_token, "portal_id": str(self._portal.id),
                "client_id": hs.client_id, "client_secret": hs.client_secret, "refresh_token": hs.refresh_token,
                "app_id": APP_ID, "developer_api_key": hs.developer_key,
            },
            "admin": {"base_url": urls["admin"], "token": self._admin_token},
        }  # fmt: skip

    @contextmanager
    def serve(
        self, salesforce: str = "127.0.0.1:0", hubspot: str = "127.0.0.1:0", admin: str = "127.0.0.1:0",
        tls: bool = False,
    ) -> Iterator[Endpoints]:  # fmt: skip
        """Serve in the background while the context lasts; port 0 takes a free one.

        With `tls` over https by a throw-away authority, whose certificate is the file `ca_file` of each endpoint.
        """
        from syncd.emulator.serve import serving  # uvicorn is needed only here

        with serving(self, salesforce, hubspot, admin, tls) as endpoints:
            yield endpoints


def _portal(folder: Path | None, clock: Clock, journal: Journal, seed: int) -> Portal:
    number = 0 if folder is None else hubspot_load.portal_id(folder / "hubspot")
    return Portal(clock, journal, seed, number)


def _fill(org: Org, portal: Portal, folder: Path | None, report: Report | None) -> None:
    if folder is None:
        salesforce_load.complete(org)
        hubspot_load.complete(portal)
        return
    if report is not None:
        exports.load(org, portal, folder, report)
        return
    salesforce_load.load(org, folder / "salesforce")
    hubspot_load.load(portal, folder / "hubspot")
