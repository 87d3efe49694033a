"""The claim group laid open for one run: filings in order of priority, what is recorded about each, what is new."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    ListEntry,
    Partner,
    Ref,
    Registration,
)
from syncd.policy.claim_terms import folded
from syncd.policy.extensions import held_until
from syncd.policy.fields import answered
from syncd.policy.own_deals import Deals, keys_of, marked_by_leads
from syncd.policy.parties import holder_of, party_of
from syncd.policy.programmes import terms_of
from syncd.policy.schema import Policy, Scope, version_of
from syncd.policy.scope import beside_deals, deal, deals_in, localised, meets, scope_filed
from syncd.policy.standing import FOREVER, NEVER, Grant, Standing, fold, instant, is_person

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
    scope: frozenset[str]
    policy: Policy
    programme: str = ""
    party: str | None = None
    place: int = 0
    verdict: Verdict | None = None
    edit: Verdict | None = None

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
        """The products of the claim: those granted, else those filed; none means the whole company.

        What was granted while its deal had no name is confined to the deal that names it since.
        """
        held = self.standing.grant
        if held is None:
            return self.scope
        return held.products if deals_in(held.products) else held.products | deals_in(self.scope)

    @property
    def withdrawn(self) -> bool:
        """Given up by the partner: the source says so, or a protection was given up, which is for good.

        What a person withdrew in the partner's name stays so until the partner changes the filing.
        """
        decided = self.standing.decided
        if decided is not None and decided.kind is DecisionKind.WITHDRAWN:
            modified = self.registration.modified_at
            again = modified is not None and modified > decided.effective_at
            if self.standing.grant is not None or (is_person(decided.actor) and not again):
                return True
        return self.registration.status is FiledStatus.WITHDRAWN

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
        ready = [self.settled_at, *(d.effective_at for d in self.decisions if d.kind is DecisionKind.EXEMPTED)]
        ready += [instant(d.evidence["back_at"]) for d in self.decisions if "back_at" in d.evidence]
        if self.registration.modified_at is not None and self.sent_back and self.undecided:
            ready.append(self.registration.modified_at)
        return max(ready)

    @property
    def sent_back(self) -> bool:
        """Was it returned or withdrawn, and has it not been noted since that it came back?"""
        kinds = (DecisionKind.RETURNED, DecisionKind.WITHDRAWN, DecisionKind.SUBMITTED)
        last = next((d for d in reversed(self.decisions) if d.kind in kinds), None)
        return last is not None and last.kind is not DecisionKind.SUBMITTED

    def exempt(self, rule: str) -> bool:
        """Has a person let this filing pass that rule?"""
        return any(d.kind is DecisionKind.EXEMPTED and d.evidence["rule"] == rule for d in self.decisions)

    @property
    def transferred(self) -> Decision | None:
        """The decision by which another partner holds this claim than the one that filed it."""
        return next((d for d in reversed(self.decisions) if d.kind is DecisionKind.TRANSFERRED), None)


def number_of(registration: Registration) -> str:
    """The source's own number, else one made from the ref, so that it is the same in every run."""
    if registration.number and registration.number.strip():
        return registration.number.strip()
    digest = hashlib.blake2b(str(registration.ref).encode(), digest_size=5).digest()
    return f"DR-{base64.b32encode(digest).decode()}"


class Book:
    """Everything one run of `decide` reads and writes down. Made by `Book(group, policy, now)`."""

    def __init__(self, group: ClaimGroup, policy: Policy, now: datetime) -> None:
        group = marked_by_leads(localised(group, policy))
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
            self._of_partner.setdefault(filing.party, []).append(filing)
        self._confine()
        self.accounts: tuple[Account, ...] = tuple(sorted(group.accounts, key=lambda a: (a.ref.id, a.ref)))
        self.contracts = tuple(sorted(group.contracts, key=lambda c: (c.ref.id, c.ref)))
        self._by_id = {a.ref.id: a for a in self.accounts}
        self.deals = Deals(group, self.filings, policy)

    def _open(self, registration: Registration, decisions: list[Decision]) -> Filing:
        connection = registration.ref.connection
        holder = next((d.evidence["to"] for d in reversed(decisions) if d.kind is DecisionKind.TRANSFERRED), None)
        key = holder or holder_of(registration, self.group.partners, self.policy)
        partner = self.group.partners.get(key) if key else None
        if partner is not None:
            key = partner.partner_id  # what a merged partner filed counts as the other one's
        if key != registration.partner_id:
            registration = replace(registration, partner_id=key)
        filed = _filed_at(registration, decisions)
        if filed is not None and filed != registration.received_at:
            registration = replace(registration, submitted_at=filed)
        company = self.group.companies.get(registration.ref)
        terms, programme = terms_of(self.policy, registration, partner, company)
        received = registration.received_at or NEVER
        wait = self.policy.tie_window + timedelta(seconds=self.group.clock_error.get(connection, 0.0))
        settled_at = received + wait
        horizon = self.group.horizon
        return Filing(
            registration=registration,
            number=number_of(registration),
            partner=partner,
            company=company,
            source_decides=self.group.authority.get(connection) == "source",
            early=registration.received_at is not None and received < self.group.go_live,
            settled_at=settled_at,
            settled=horizon is not None and horizon >= settled_at and self.now >= settled_at,
            decisions=decisions,
            standing=fold(decisions),
            scope=scope_filed(registration, company, self.policy),
            policy=terms,
            programme=programme,
            party=party_of(key, self.group.partners, self.policy),
        )

    def _confine(self) -> None:
        """Confine each claim to the deals that carry its key, where the policy says that it claims one deal."""
        if self.policy.scope is not Scope.OPPORTUNITY:
            return
        keys = keys_of(self.filings)
        for opportunity in (*self.group.opportunities, *self.group.pushed):
            owner = keys.get((opportunity.registration_key or "").strip())
            if owner is not None:
                owner.scope |= {deal(opportunity.ref)}

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

    def accounts_then(self, filing: Filing) -> list[Account]:
        """The direct accounts as they stood when the filing was received."""
        return [self.deals.past.at(account, filing.received_at)[0] for account in self.accounts]

    def listed_then(self, filing: Filing, *kinds: str) -> list[tuple[Account, ListEntry]]:
        """The direct accounts that were on one of these lists when the filing was received, each with its entry."""
        entries = self.deals.past.listed(frozenset(kinds), filing.received_at)
        return [(account, e) for e in entries if (account := self.direct_account(e.account_id)) is not None]

    def parted_at(self, one: Filing, two: Filing) -> datetime:
        """Since when it is known that two claims are about different deals; `NEVER` where more than that parts them."""
        if not (deals_in(one.products) and deals_in(two.products)):
            return NEVER
        if not meets(beside_deals(one.products), beside_deals(two.products)):
            return NEVER
        return max(self._named_at(one), self._named_at(two))

    def _named_at(self, filing: Filing) -> datetime:
        """When the first deal began to carry the claim's number."""
        named = deals_in(filing.products)
        carried = (o for o in (*self.group.opportunities, *self.group.pushed) if deal(o.ref) in named)
        return min((self.deals.past.key_since(o) or NEVER for o in carried), default=NEVER)

    def direct_account(self, id_: str | None) -> Account | None:
        """The direct account with this id, if it is one of the group."""
        return self._by_id.get(id_) if id_ else None

    def of_partner(self, filing: Filing) -> list[Filing]:
        """The filings of the same partner, this one included, in order of priority."""
        return self._of_partner[filing.party]

    def several(self, filing: Filing) -> bool:
        """May several partners be protected here at once, by the industry of the company as it stood (C39)?"""
        industries = folded(self.policy.several_in)
        if not industries:
            return False
        filed = [filing.company.account.industry] if filing.company is not None else []
        said = [account.industry for account in self.accounts_then(filing)] or filed
        return any((industry or "").strip().casefold() in industries for industry in said)

    def has(self, filing: Filing, kind: DecisionKind) -> bool:
        """Is a decision of this kind recorded for the filing?"""
        return any(d.kind is kind for d in filing.decisions)

    def grants(self, but: Filing) -> list[tuple[Filing, Grant]]:
        """The protections of the other filings, over or not, that meet this one's products and keep it waiting."""
        several = self.several(but)
        others = (f for f in self.filings if f is not but and not (several and f.party != but.party))
        return [(f, g) for f in others if (g := f.standing.grant) is not None and meets(f.products, but.products)]


def _filed_at(registration: Registration, decisions: list[Decision]) -> datetime | None:
    """When it was received, as recorded when it was first read: what the source says later moves no place (C28).

    One that was withdrawn and filed again has the place of its second filing.
    """
    filed = [d for d in decisions if d.kind in (DecisionKind.SUBMITTED, DecisionKind.WITHDRAWN)]
    recorded = next((d for d in reversed(filed) if d.kind is DecisionKind.SUBMITTED), None)
    if recorded is None:
        return None
    at, says = instant(recorded.evidence["received_at"]), registration.received_at
    again = filed[-1].kind is DecisionKind.WITHDRAWN and registration.status is FiledStatus.SUBMITTED
    return says if again and says is not None and says > at else at


def decided_end(filing: Filing) -> datetime | None:
    """The instant at which a decided claim ceased, or ceases, to hold a place; None while it is undecided.

    Live are pending, reviewed, waiting and protected claims (docs/rulings.md 7); `NEVER` for what was no claim.
    """
    standing = filing.standing
    if standing.grant is not None:  # one that was over when it was approved stood undecided until then
        return max(held_until(filing.decisions, standing.grant, filing.policy.extension), standing.grant.taken)
    if standing.approved:
        return FOREVER
    if filing.draft or filing.registration.received_at is None or filing.early:
        return NEVER
    if filing.undecided:
        return None
    void, decided = standing.void, standing.decided
    if decided is None or (void is not None and not _answered(filing, void, decided)):
        return NEVER
    return decided.effective_at


def _answered(filing: Filing, returned: Decision, decided: Decision) -> bool:
    """Had it come back before the next word about it? What is filled in after that brings no place back."""
    said = filing.decisions
    return any("back_at" in d.evidence for d in said[said.index(returned) : said.index(decided)])
