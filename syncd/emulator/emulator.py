"""The emulator as a whole: one Salesforce org, one HubSpot portal, one clock, one log."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from syncd.emulator.admin import AdminApi
from syncd.emulator.clock import Clock, EmulatorClock
from syncd.emulator.errors import EmulatorDataError
from syncd.emulator.faults import Fault, FaultPlan, Mode
from syncd.emulator.god import HubspotView, SalesforceView
from syncd.emulator.http import HttpApp, Surroundings
from syncd.emulator.hubspot import load as hubspot_load
from syncd.emulator.hubspot.app import HubspotApi
from syncd.emulator.hubspot.auth import Tokens as HubspotTokens
from syncd.emulator.hubspot.store import Portal
from syncd.emulator.log import Change, Journal, Redundant, Request
from syncd.emulator.salesforce import load as salesforce_load
from syncd.emulator.salesforce.app import NEWEST, SalesforceApi
from syncd.emulator.salesforce.oauth import Tokens as SalesforceTokens
from syncd.emulator.salesforce.store import INTEGRATION, Org
from syncd.emulator.variants import Variants

Endpoints = dict[str, dict[str, str]]


class Emulator:
    """Both CRMs in memory. `load` or `empty` makes one, `serve` puts it on the network."""

    def __init__(self, folder: Path | None, clock: Clock, seed: int, variants: Variants) -> None:
        self.clock, self.seed = clock, seed
        self.journal, self._faults, self._lock = Journal(), FaultPlan(), RLock()
        self._around = Surroundings(clock, self.journal, self._faults, self._lock)
        self._org = Org(clock, self.journal, seed)
        self._portal = _portal(folder, clock, self.journal, seed)
        _fill(self._org, self._portal, folder)
        self._org_tokens = SalesforceTokens(self._org, salesforce_load.one_organization(self._org))
        self._portal_tokens = HubspotTokens(seed)
        self.salesforce = SalesforceView(self._org, self._lock)
        self.hubspot = HubspotView(self._portal, self._lock)
        self._salesforce_api = SalesforceApi(self._org, self._org_tokens, variants)
        self._hubspot_api = HubspotApi(self._portal, self._portal_tokens, variants)
        self._admin_token = f"admin-{random.Random(f'admin {seed}').getrandbits(96):024x}"  # noqa: S311 (a seed, not a secret)

    @classmethod
    def load(
        cls, folder: Path | str, clock: Clock | None = None, seed: int = 0, variants: Variants | None = None
    ) -> Emulator:
        """Read `<folder>/salesforce/*.csv` and `<folder>/hubspot/*.csv`; either folder may be absent."""
        path = Path(folder)
        if not path.is_dir():
            raise EmulatorDataError(f"{path}: no such folder")
        return cls(path, clock or EmulatorClock(), seed, variants or Variants())

    @classmethod
    def empty(cls, clock: Clock | None = None, seed: int = 0, variants: Variants | None = None) -> Emulator:
        """Standard schemas and no business records."""
        return cls(None, clock or EmulatorClock(), seed, variants or Variants())

    # --- what happened

    @property
    def changes(self) -> list[Change]:
        """Every effective change of a field, in order."""
        return list(self.journal.changes)

    @property
    def redundant(self) -> list[Redundant]:
        """Every write to a record that changed nothing."""
        return list(self.journal.redundant)

    @property
    def redundant_writes(self) -> int:
        """How many writes to records changed nothing."""
        return len(self.journal.redundant)

    @property
    def requests(self) -> list[Request]:
        """Every request to either CRM, in order."""
        return list(self.journal.requests)

    def fail(
        self, system: str, mode: Mode = "status", *, method: str | None = None, path_prefix: str = "", times: int = 1,
        skip: int = 0, status: int = 503, body: str = "", headers: Mapping[str, str] | None = None,
        seconds: float = 0.0,
    ) -> None:  # fmt: skip
        """Plan a fault for coming requests; see `faults.Fault`."""
        fault = Fault(system, mode, method, path_prefix, times, skip, status, body, headers or {}, seconds)
        with self._lock:
            self._faults.add(fault)

    # --- serving

    def apps(self) -> dict[str, HttpApp]:
        """The three servers' applications."""
        admin = AdminApi(self, self._admin_token)
        return {
            "salesforce": HttpApp(
                "salesforce", self._salesforce_api.handle, self._around, self._ids("sf"), "X-Request-Id"
            ),
            "hubspot": HttpApp(
                "hubspot", self._hubspot_api.handle, self._around, self._ids("hs"), "x-hubspot-correlation-id"
            ),
            "admin": HttpApp("admin", admin.handle, self._around, self._ids("admin"), "X-Request-Id"),
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
            },
            "admin": {"base_url": urls["admin"], "token": self._admin_token},
        }  # fmt: skip

    @contextmanager
    def serve(
        self, salesforce: str = "127.0.0.1:0", hubspot: str = "127.0.0.1:0", admin: str = "127.0.0.1:0"
    ) -> Iterator[Endpoints]:
        """Serve over HTTP in the background while the context lasts; port 0 takes a free one."""
        from syncd.emulator.serve import serving  # uvicorn is needed only here

        with serving(self, salesforce, hubspot, admin) as endpoints:
            yield endpoints


def _portal(folder: Path | None, clock: Clock, journal: Journal, seed: int) -> Portal:
    number = 0 if folder is None else hubspot_load.portal_id(folder / "hubspot")
    return Portal(clock, journal, seed, number)


def _fill(org: Org, portal: Portal, folder: Path | None) -> None:
    if folder is None:
        salesforce_load.complete(org)
        hubspot_load.complete(portal)
        return
    salesforce_load.load(org, folder / "salesforce")
    hubspot_load.load(portal, folder / "hubspot")
