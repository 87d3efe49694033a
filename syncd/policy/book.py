"""The claim group laid open for one run: filings in order of priority, what is recorded about each, what is new."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from syncd.model import (
    Account,
    Actor,
    Application,
    ClaimGroup,
    Code,
    Decision,
    DecisionKind,
    FiledCompany,
    FiledStatus,
    Partner,
    Ref,
    Registration,
)
from syncd.policy.fields import answered
from syncd.policy.own_deals import Deals
from syncd.policy.schema import Policy, version_of
from syncd.policy.standing import FOREVER, NEVER, Grant, Standing, fold

Order = tuple[datetime, str, Ref]

MOST = 20
"""So many claims on the other side are named per registration and rule, the first ones; the outcome needs one."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Two claims that meet, before it is put in words. `other` is a direct record or the earlier registration."""

    code: Code
    registration: Ref
    other: Ref
    winner: Ref | None
    rule: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As evidence of the decision that it led to."""
        return {
            "code": self.code.value,
            "registration": str(self.registration),
            "other": str(self.other),
            "winner": str(self.winner) if self.winner else None,
            "rule": self.rule,
            "facts": dict(self.evidence),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Clash:
        """Read back from evidence."""
        winner = Ref.parse(value["winner"]) if value["winner"] else None
        registration, other = Ref.parse(value["registration"]), Ref.parse(value["other"])
        return cls(Code(value["code"]), registration, other, winner, value["rule"], value["facts"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say about one undecided application, by which rule and why."""

    application: Application
    rule: str
    reason: str
    effective_at: datetime
    evidence: Mapping[str, Any] = field(default_factory=dict)
    clashes: tuple[Clash, ...] = ()
    behind: Ref | None = None


@dataclass(slots=True, eq=False)
class Filing:
    """One registration with everything about it that this run needs."""

    registration: Registration
    number: str
    partner: Partner | None
    company: FiledCompany | None
    source_decides: bool
    early: bool
    settled_at: datetime
    settled: bool
    decisions: list[Decision]
    standing: Standing
    place: int = 0
    verdict: Verdict | None = None

    @property
    def ref(self) -> Ref:
        """The registration's ref."""
        return self.registration.ref

    @property
    def received_at(self) -> datetime:
        """The priority time; `NEVER` for a filing without one, which is no claim."""
        return self.registration.received_at or NEVER

    @property
    def day(self) -> date:
        """The day of filing, in UTC."""
        return self.received_at.date()

    @property
    def order(self) -> Order:
        """Priority: received first, then the lower id."""
        return (self.received_at, self.ref.id, self.ref)

    @property
    def products(self) -> frozenset[str]:
        """The scope of the claim: what was granted, else what is filed."""
        return self.standing.grant.products if self.standing.grant else self.registration.products

    @property
    def withdrawn(self) -> bool:
        """Given up by the partner: the source says so, or a protection was given up, which is for good."""
        decided = self.standing.decided
        gave_up = decided is not None and decided.kind is DecisionKind.WITHDRAWN and self.standing.grant is not None
        return gave_up or self.registration.status is FiledStatus.WITHDRAWN

    @property
    def draft(self) -> bool:
        """Not filed, or taken back to be completed; once approved or rejected, a draft status changes nothing."""
        decided = self.standing.approved or self.standing.rejected
        return self.registration.status is FiledStatus.DRAFT and not decided

    @property
    def unsure(self) -> bool:
        """Is it unclear which company is meant? (docs/rulings.md 1)"""
        best = self.company.best if self.company else None
        return best is not None and best.band == "review"

    @property
    def undecided(self) -> bool:
        """Is it for the rules to decide? (docs/rulings.md 2 and 5)"""
        if self.early or self.draft or self.withdrawn or self.registration.received_at is None:
            return False
        decided = self.standing.decided
        if decided is None or decided.kind is DecisionKind.WITHDRAWN:
            return True
        return decided.kind is DecisionKind.RETURNED and answered(self.registration, self.company, decided)

    @property
    def ready_at(self) -> datetime:
        """The earliest instant at which a rule can decide: settled, and complete if it once was not."""
        again = (DecisionKind.RETURNED, DecisionKind.WITHDRAWN)
        modified = self.registration.modified_at
        if modified and any(d.kind in again for d in self.decisions):
            return max(self.settled_at, modified)
        return self.settled_at


def meets(a: frozenset[str], b: frozenset[str]) -> bool:
    """Two scopes meet in products (docs/rulings.md 1): one in common, or one that names none."""
    return not a or not b or not a.isdisjoint(b)


def number_of(registration: Registration) -> str:
    """The source's own number, else one made from the ref, so that it is the same in every run."""
    if registration.number and registration.number.strip():
        return registration.number.strip()
    digest = hashlib.blake2b(str(registration.ref).encode(), digest_size=5).digest()
    return f"DR-{base64.b32encode(digest).decode()}"


class Book:
    """Everything one run of `decide` reads and writes down. Made by `Book(group, policy, now)`."""

    def __init__(self, group: ClaimGroup, policy: Policy, now: datetime) -> None:
        self.group, self.policy, self.now = group, policy, now
        self.version = version_of(policy)
        self.new: list[Decision] = []
        self.rulings = [d for d in group.decisions if d.kind is DecisionKind.RULED]
        by_subject: dict[Ref, list[Decision]] = {}
        for decision in group.decisions:
            by_subject.setdefault(decision.subject, []).append(decision)
        filings = [self._open(r, by_subject.get(r.ref, [])) for r in group.registrations]
        self.filings: list[Filing] = sorted(filings, key=lambda f: f.order)
        self.by_ref: dict[Ref, Filing] = {f.ref: f for f in self.filings}
        self.glimpsed: dict[Ref, Verdict | None] = {}
        self._of_partner: dict[str | None, list[Filing]] = {}
        for place, filing in enumerate(self.filings):
            filing.place = place
            self._of_partner.setdefault(filing.registration.partner_id, []).append(filing)
        self.accounts: tuple[Account, ...] = tuple(sorted(group.accounts, key=lambda a: (a.ref.id, a.ref)))
        self.deals = Deals(group, self.filings, policy)

    def _open(self, registration: Registration, decisions: list[Decision]) -> Filing:
        connection = registration.ref.connection
        received = registration.received_at or NEVER
        wait = self.policy.tie_window + timedelta(seconds=self.group.clock_error.get(connection, 0.0))
        settled_at = received + wait
        horizon = self.group.horizon
        return Filing(
            registration=registration,
            number=number_of(registration),
            partner=self.group.partners.get(registration.partner_id) if registration.partner_id else None,
            company=self.group.companies.get(registration.ref),
            source_decides=self.group.authority.get(connection) == "source",
            early=registration.received_at is not None and received < self.group.go_live,
            settled_at=settled_at,
            settled=horizon is not None and horizon >= settled_at and self.now >= settled_at,
            decisions=decisions,
            standing=fold(decisions),
        )

    def record(
        self,
        kind: DecisionKind,
        filing: Filing,
        rule: str,
        reason: str,
        effective_at: datetime,
        evidence: Mapping[str, Any],
        actor: Actor | None = None,
        other: Ref | None = None,
    ) -> None:
        """Write a new decision down and let it count for the rest of the run."""
        decision = Decision(
            kind=kind,
            subject=filing.ref,
            actor=actor or Actor.rule(rule),
            at=self.now,
            effective_at=effective_at,
            policy_version=self.version,
            rule=rule,
            reason=reason,
            other=other,
            evidence=evidence,
        )
        self.new.append(decision)
        filing.decisions.append(decision)
        filing.standing = fold(filing.decisions)

    def approved_in_order(self) -> list[Filing]:
        """The filings with an approval, in the order in which the approvals were recorded."""
        place = {id(d): i for i, d in enumerate((*self.group.decisions, *self.new))}
        approved = [f for f in self.filings if f.standing.approved]
        return sorted(approved, key=lambda f: place[id(f.standing.decided)])

    def of_partner(self, filing: Filing) -> list[Filing]:
        """The filings of the same partner, this one included, in order of priority."""
        return self._of_partner[filing.registration.partner_id]

    def has(self, filing: Filing, kind: DecisionKind) -> bool:
        """Is a decision of this kind recorded for the filing?"""
        return any(d.kind is kind for d in filing.decisions)

    def grants(self, but: Filing) -> list[tuple[Filing, Grant]]:
        """The protections of the other filings, over or not, that meet this one's products."""
        others = ((f, f.standing.grant) for f in self.filings if f is not but)
        return [(f, g) for f, g in others if g is not None and meets(g.products, but.products)]


def decided_end(filing: Filing) -> datetime | None:
    """The instant at which a decided claim ceased, or ceases, to hold a place; None while it is undecided.

    Live are pending, reviewed, waiting and protected claims (docs/rulings.md 7); `NEVER` for what was no claim.
    """
    standing = filing.standing
    if standing.grant is not None:
        return standing.grant.end
    if standing.approved:
        return FOREVER
    if filing.draft or filing.registration.received_at is None or filing.early:
        return NEVER
    if filing.undecided:
        return None
    void, decided = standing.void, standing.decided
    if decided is None or (void is not None and not _answered(filing, void)):
        return NEVER
    return decided.effective_at


def _answered(filing: Filing, returned: Decision) -> bool:
    if returned.kind is not DecisionKind.RETURNED:
        return False
    return answered(filing.registration, filing.company, returned)
