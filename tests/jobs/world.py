"""A small vendor: a direct CRM and a partner portal in memory, and the jobs that work between them."""

from __future__ import annotations

import json
from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from syncd.connectors.base import Connector
from syncd.connectors.memory import MemoryConnector
from syncd.jobs.cycle import CycleReport, cycle
from syncd.jobs.work import Heartbeat, Side, Work
from syncd.mapping import Mapping, MappingFile
from syncd.model import Application, Collision, Decision, Ref, RegistrationState
from syncd.policy import Policy, version_of
from syncd.store import decisions, ledger, outbox, outcomes
from syncd.store.database import Store
from syncd.store.outbox import Outgoing

CRM_UID, PRM_UID = "00D1", "4711"
KEY = b"a key for the ledger"
SETTLE = timedelta(minutes=2)

_STAMPS = {name: f"{name}__c" for name in ("status", "partner", "until", "reason", "contact", "number", "as_of")}
CRM_MAPPING = {
    "streams": {
        "accounts": {
            "object": "Account",
            "where": {"RecordType": ["", "customer"]},
            "fields": {
                "name": "Name", "website": "Website", "city": "City", "country": "Country", "is_named": "Named__c",
                "employees": "Employees", "created_at": "CreatedDate",
            },
            "stamps": {**_STAMPS, "count": "count__c"},
        },
        "opportunities": {
            "object": "Opportunity",
            "fields": {
                "account_id": "AccountId", "name": "Name", "is_closed": "IsClosed", "is_won": "IsWon",
                "products": "Products__c", "registration_key": "Registration__c", "created_at": "CreatedDate",
                "last_activity_on": "LastActivityDate",
            },
            "stamps": _STAMPS,
            "owner": "Channel_Owner__c",
        },
        "users": {"object": "User", "fields": {"name": "Name", "email": "Email", "is_active": "IsActive"}},
    }
}  # fmt: skip
PRM_MAPPING = {
    "streams": {
        "accounts": {
            "object": "companies",
            "fields": {"name": "name", "website": "website", "city": "city", "country": "country"},
        },
        "registrations": {
            "object": "deals",
            "exclude": {"pipeline": ["renewals"]},
            "fields": {
                "partner_id": "partner_id", "company_id": "associations.companies", "number": "number",
                "status": {"field": "dealstage", "values": {
                    "draft": "draft", "submitted": "submitted", "approved": "approved", "withdrawn": "withdrawn",
                }},
                "submitted_at": "submitted_at", "products": "products", "value": {"amount": "amount"},
            },
            "stamps": {name: f"syncd_{name}" for name in ("status", "reason", "number", "until", "as_of")},
        },
        "partners": {
            "object": "partners",
            "fields": {"partner_id": "key", "name": "name", "status": "status", "manager_email": "manager"},
        },
    }
}  # fmt: skip


def compiled(file: Map[str, Any], kind: str) -> Mapping:
    return _compiled(json.dumps(file), kind)


@lru_cache
def _compiled(text: str, kind: str) -> Mapping:
    return Mapping.compile(MappingFile.model_validate(json.loads(text)), kind)


POLICY = Policy(required=("company.name",))


@dataclass
class World:
    """Both systems, a clock and a store; `work` is made anew by `restart`, as by another process."""

    store: Store
    clock: Any
    policy: Policy = POLICY
    mode: str = "live"
    ownership: str = "off"
    authority: str = "syncd"
    beats: bool = False
    page_size: int = 100
    read_lag: float = 0.0
    second_look: float = 0.0
    proved: bool | None = True
    reports_deletes: bool = True
    crm: MemoryConnector = field(init=False)
    prm: MemoryConnector = field(init=False)
    work: Work = field(init=False)
    crm_mapping: dict[str, Any] = field(default_factory=lambda: CRM_MAPPING)
    prm_mapping: dict[str, Any] = field(default_factory=lambda: PRM_MAPPING)

    def __post_init__(self) -> None:
        about = {
            "page_size": self.page_size, "read_lag_seconds": self.read_lag, "sees_all": self.proved,
            "second_look_seconds": self.second_look, "reports_deletes": self.reports_deletes,
        }  # fmt: skip
        self.crm = MemoryConnector(self.clock, uid=CRM_UID, **about)  # type: ignore[arg-type]
        self.prm = MemoryConnector(self.clock, uid=PRM_UID, **about)  # type: ignore[arg-type]
        for connector, mapping in ((self.crm, self.mapping("crm")), (self.prm, self.mapping("prm"))):
            for spec in mapping.read_specs().values():
                connector.define(spec.object, *spec.fields, *spec.where)
        self.crm.define("Heartbeat", "seen")
        self.crm.put("Heartbeat", "h1", {"seen": None})
        self.restart()

    def mapping(self, name: str) -> Mapping:
        """The mapping of one of the two connections."""
        if name == "crm":
            return compiled(self.crm_mapping, "salesforce")
        return compiled(self.prm_mapping, "hubspot")

    def restart(self, crm: Connector | None = None, prm: Connector | None = None) -> Work:
        """Join everything again, as another process would."""
        common: dict[str, Any] = {"live": self.mode == "live", "visible": True, "settle_writes_after": SETTLE}
        beat = Heartbeat("Heartbeat", "h1", "seen") if self.beats else None
        sides = [
            Side("crm", "salesforce", frozenset({"direct"}), crm or self.crm,
                 self.mapping("crm").streams, "syncd", ownership=self.ownership, heartbeat=beat, **common),
            Side("prm", "hubspot", frozenset({"partner"}), prm or self.prm, self.mapping("prm").streams, self.authority,
                 ownership="off", heartbeat=None, **common),
        ]  # fmt: skip
        self.work = Work(
            store=self.store, clock=self.clock, sides=sides, policy=self.policy, config_hash="c1",
            policy_version=version_of(self.policy), go_live=self.clock.now() - timedelta(days=300), ledger_key=KEY,
        )  # fmt: skip
        self.work.go_live = GO_LIVE
        self.work.bind()
        return self.work

    # --- what people do in the two systems

    def account(self, id_: str = "a1", name: str = "Fenwick Instruments Ltd", **fields: Any) -> None:
        site = f"www.{name.split()[0].lower()}.example"
        known = {"Name": name, "Website": site, "City": "Leeds", "Country": "GB", "Employees": "120"}
        self.crm.put("Account", id_, {**known, **fields})

    def opportunity(self, id_: str = "o1", account: str = "a1", created: datetime | None = None, **fields: Any) -> None:
        at = (created or self.clock.now()).isoformat()
        known = {"AccountId": account, "Name": f"Deal {id_}", "IsClosed": False, "IsWon": False, "CreatedDate": at}
        self.crm.put("Opportunity", id_, {**known, "Channel_Owner__c": "u9", **fields})

    def user(self, id_: str = "u1", email: str = "mia@vendor.example", **fields: Any) -> None:
        self.crm.put("User", id_, {"Name": "Mia Manager", "Email": email, "IsActive": True, **fields})

    def partner(self, key: str = "P01", name: str = "Wychwood Integrators", **fields: Any) -> None:
        known = {"key": key, "name": name, "status": "active", "manager": "mia@vendor.example"}
        self.prm.put("partners", f"p-{key}", {**known, **fields})

    def company(self, id_: str = "c1", name: str = "Fenwick Instruments Limited", **fields: Any) -> None:
        site = f"https://{name.split()[0].lower()}.example/"
        self.prm.put("companies", id_, {"name": name, "website": site, "city": "Leeds", "country": "GB", **fields})

    def deal(self, id_: str = "r1", company: str = "c1", partner: str = "P01", **fields: Any) -> None:
        known = {"partner_id": partner, "dealstage": "submitted", "products": "PLAN",
                 "submitted_at": self.clock.now().isoformat()}  # fmt: skip
        self.prm.put("deals", id_, {**known, **fields}, companies=[company])

    def everyone(self) -> None:
        """One account with a duplicate-free twin at the portal, a manager, and two partners."""
        self.account()
        self.account("a2", "Harbour Logistics GmbH", City="Bath")
        self.user()
        self.company()
        self.partner()
        self.partner("P02", "Pellmore Services")

    # --- what the daemon does, and what came of it

    def cycle(self, **advance: float) -> CycleReport:
        """One cycle, after so much time."""
        self.clock.advance(**(advance or {"seconds": 10}))
        return cycle(self.work)

    def side(self, name: str) -> Side:
        return next(side for side in self.work.sides if side.name == name)

    def change_side(self, name: str, **changes: Any) -> None:
        self.work.sides = [replace(side, **changes) if side.name == name else side for side in self.work.sides]

    def shows(self, id_: str = "a1", object_: str = "Account", field: str = "status__c") -> Any:
        return self.crm.get(object_, id_).get(field)

    def state(self, id_: str = "r1") -> RegistrationState:
        with self.store.read() as tx:
            (found,) = outcomes.find_claims(tx, f"{PRM_UID}/deals/{id_}")
        return found.state

    def application(self, id_: str = "r1") -> Application:
        return self.state(id_).application

    def collisions(self) -> list[Collision]:
        with self.store.read() as tx:
            return outcomes.collisions(tx)

    def decisions(self) -> list[Decision]:
        with self.store.read() as tx:
            return decisions.everything(tx)

    def writes(self, ref: Ref) -> list[Outgoing]:
        with self.store.read() as tx:
            return [item for items in outbox.of_records(tx, [ref]).values() for item in items]

    def ledger(self, kind: str = "write") -> list[dict[str, Any]]:
        with self.store.read() as tx:
            assert ledger.verify(tx, KEY)[1] is None
            return [entry for entry in ledger.entries(tx) if entry["kind"] == kind]


def crm_ref(id_: str = "a1", object_: str = "Account") -> Ref:
    return Ref(CRM_UID, object_, id_)


def prm_ref(id_: str = "r1", object_: str = "deals") -> Ref:
    return Ref(PRM_UID, object_, id_)


GO_LIVE = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


def open_writes(work: Work) -> int:
    """Writes that are queued or whose outcome is unknown."""
    with work.store.read() as tx:
        counts = outbox.counts(tx)
    return counts.get("queued", 0) + counts.get("sent", 0)
