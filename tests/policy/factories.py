"""Small makers of policy situations: one company, some partners, some claims; every default is a clean filing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from syncd.model import (
    Account,
    Actor,
    Band,
    ClaimGroup,
    Collision,
    Decision,
    DecisionKind,
    FiledCompany,
    FiledStatus,
    Link,
    Money,
    Opportunity,
    Outcome,
    Partner,
    Ref,
    Registration,
    RegistrationState,
    User,
    Wanted,
    WriteGroup,
)
from syncd.policy import Policy, decide

GO_LIVE = datetime(2026, 1, 1, tzinfo=UTC)
T0 = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""The instant at which the first claim of a test is received."""

SETTLED = T0 + timedelta(seconds=2)
PRM, DIRECT = "prm", "crm"
POLICY = Policy()

WYCH = Partner(Ref(PRM, "company", "501"), "P01", "Wychwood Integrators", manager_email="Mia.Manager@vendor.example")
PELL = Partner(Ref(PRM, "company", "502"), "P02", "Pellmore IT Services", manager_email="max@vendor.example")
LARK = Partner(Ref(PRM, "company", "503"), "P03", "Larkrise Digital")
MIA = User(Ref(DIRECT, "User", "u-mia"), "Mia Manager", "mia.manager@vendor.example")
MAX = User(Ref(DIRECT, "User", "u-max"), "Max Manager", "max@vendor.example")


def days(count: float) -> timedelta:
    """That many days of 24 hours."""
    return timedelta(days=count)


def seconds(count: float) -> timedelta:
    """That many seconds."""
    return timedelta(seconds=count)


def registration(id_: str = "r1", received: datetime | None = T0, **changes: Any) -> Registration:
    """A complete filing of Wychwood for PLAN."""
    filled: dict[str, Any] = {
        "ref": Ref(changes.pop("connection", PRM), "deal", id_),
        "partner_id": "P01",
        "company_id": "c1",
        "submitted_at": received,
        "created_at": received,
        "modified_at": received,
        "submitter": "Sam Seller",
        "products": frozenset({"PLAN"}),
        "country": "GB",
        "value": Money(Decimal(50_000), "GBP"),
        "close_on": date(2026, 12, 1),
        "timeline": "Q4",
        "buying_stage": "evaluation",
        "competition": "none",
        "current_vendor": "Abacus",
        "decision_makers": "Ann Arbor, CIO",
        "how_identified": "referral",
        "first_contact_on": (received or T0).date() - timedelta(days=10),
        "activities": "two meetings",
        "next_steps": "demo",
        "proof_kind": "meeting",
        "proof": "minutes of 22 May",
    }
    return Registration(**{**filled, **changes})


def account(id_: str = "a1", **changes: Any) -> Account:
    """A direct account that is no customer and not named."""
    return Account(**{"ref": Ref(DIRECT, "Account", id_), "name": "Fenwick Ltd", **changes})


def opportunity(id_: str = "o1", created: datetime | None = T0 - timedelta(days=5), **changes: Any) -> Opportunity:
    """An open direct opportunity for PLAN, created five days before the first claim."""
    filled = {
        "ref": Ref(DIRECT, "Opportunity", id_),
        "account_id": "a1",
        "name": f"Deal {id_}",
        "products": frozenset({"PLAN"}),
        "created_at": created,
    }
    return Opportunity(**{**filled, **changes})


def closed(opp: Opportunity, at: datetime | None, won: bool = False, **changes: Any) -> Opportunity:
    """The same opportunity, closed."""
    return replace(opp, is_closed=True, is_won=won, closed_at=at, **changes)


def company(band: Band = Band.AUTO, **changes: Any) -> FiledCompany:
    """The filed company, complete, with its best link."""
    filled = {
        "ref": Ref(PRM, "company", "c1"),
        "name": "Fenwick Limited",
        "city": "Leeds",
        "country": "GB",
        "industry": "Retail",
        "employees": 120,
    }
    made = Account(**{**filled, **changes})
    return FiledCompany(made, Link(made.ref, Ref(DIRECT, "Account", "a1"), 0.99, 12.0, band))


def group(*records: Any, **changes: Any) -> ClaimGroup:
    """A claim group of any accounts, opportunities, registrations and decisions; far beyond its horizon by default."""
    registrations = tuple(r for r in records if isinstance(r, Registration))
    accounts = tuple(r for r in records if isinstance(r, Account)) or (account(),)
    filled: dict[str, Any] = {
        "id": "g1",
        "accounts": accounts,
        "opportunities": tuple(r for r in records if isinstance(r, Opportunity)),
        "registrations": registrations,
        "companies": {r.ref: company() for r in registrations},
        "partners": {p.partner_id: p for p in (WYCH, PELL, LARK)},
        "managers": {str(u.email): u for u in (MIA, MAX)},
        "decisions": tuple(r for r in records if isinstance(r, Decision)),
        "horizon": T0 + timedelta(days=5000),
        "go_live": GO_LIVE,
        "authority": {PRM: "syncd"},
    }
    return ClaimGroup(**{**filled, **changes})


def by_person(kind: DecisionKind, id_: str, at: datetime, name: str = "kim", **changes: Any) -> Decision:
    """A person's decision about a registration."""
    filled: dict[str, Any] = {
        "kind": kind,
        "subject": Ref(PRM, "deal", id_),
        "actor": Actor.person(name),
        "at": at,
        "effective_at": at,
        "policy_version": "test",
        "rule": "person",
    }
    return Decision(**{**filled, **changes})


def approved(id_: str, at: datetime, **changes: Any) -> Decision:
    """A person approves."""
    return by_person(DecisionKind.APPROVED, id_, at, **changes)


def rejected(id_: str, at: datetime, **changes: Any) -> Decision:
    """A person rejects."""
    return by_person(DecisionKind.REJECTED, id_, at, **changes)


def recorded(claims: ClaimGroup, outcome: Outcome) -> ClaimGroup:
    """The group after the outcome's decisions went through the store: numbered, evidence as JSON."""
    start = len(claims.decisions)
    stored = tuple(
        replace(d, seq=start + i, evidence=json.loads(json.dumps(dict(d.evidence))))
        for i, d in enumerate(outcome.decisions)
    )
    return replace(claims, decisions=(*claims.decisions, *stored))


def run(claims: ClaimGroup, now: datetime = SETTLED, policy: Policy = POLICY) -> tuple[ClaimGroup, Outcome]:
    """Decide and record."""
    outcome = decide(claims, policy, now)
    return recorded(claims, outcome), outcome


def state(outcome: Outcome, id_: str = "r1") -> RegistrationState:
    """The state of one registration."""
    return next(s for s in outcome.states if s.ref.id == id_)


def stamp(outcome: Outcome, id_: str) -> dict[str, Any]:
    """What one record should show."""
    return dict(wanted(outcome, id_).fields)


def wanted(outcome: Outcome, id_: str, kind: WriteGroup = WriteGroup.STAMP) -> Wanted:
    """What is wanted of one record in one write group."""
    return next(w for w in outcome.wanted if w.ref.id == id_ and w.group is kind)


def owner(outcome: Outcome, id_: str) -> str | None:
    """Who should own an opportunity; fails when nothing was said about it."""
    found: str | None = wanted(outcome, id_, WriteGroup.OWNER).fields["owner"]
    return found


def codes(outcome: Outcome) -> list[str]:
    """The codes of the collisions, in order."""
    return [c.code.value for c in outcome.collisions]


def collision(outcome: Outcome, code: str) -> Collision:
    """The one collision with this code."""
    (found,) = [c for c in outcome.collisions if c.code.value == code]
    return found


def kinds(decisions: Iterable[Decision], id_: str = "r1") -> list[str]:
    """The kinds of the decisions about one registration, in order."""
    return [d.kind.value for d in decisions if d.subject.id == id_]


def decision(outcome: Outcome, kind: DecisionKind, id_: str = "r1") -> Decision:
    """The one new decision of a kind about a registration."""
    (found,) = [d for d in outcome.decisions if d.kind is kind and d.subject.id == id_]
    return found


PENDING, REVIEW, WAITING, RETURNED = "pending", "review", "waiting", "returned"
APPROVED, REJECTED, WITHDRAWN, OUTSIDE = "approved", "rejected", "withdrawn", "outside"
SUBMITTED = FiledStatus.SUBMITTED
