"""Recomputes from raw records what every record must show: by brute force, from `docs/rulings.md`, without syncd.

Slow and simple on purpose. It reads native fields as the two CRMs give them, the policy as a dictionary, links as
they were exported (or the truth), and what persons decided. It imports nothing of syncd.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from .crm import Raw, Row

DAY = timedelta(days=1)
PRODUCT_CODES = {
    "Core Platform": "core",
    "Analytics": "analytics",
    "Security": "security",
    "Integration Hub": "integration",
    "Mobile": "mobile",
    "Archive": "archive",
    "Support Plus": "support_plus",
    "Training": "training",
}
STATUS = {"in_review": "submitted"}
SIGN_OF_LIFE = "syncd heartbeat"
NOT_AVAILABLE = {"named_account", "existing_customer", "direct_engaged", "ruled_against"}
STAMPS = ("status", "partner", "scope", "since", "until", "reason", "contact", "number", "count")
FILING_STAMPS = ("status", "reason", "number", "until", "received_at")
EMPTY: dict[str, Any] = dict.fromkeys(STAMPS)
LIVE = {"pending", "review", "waiting"}
ABSURD = Decimal(10) ** 15
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


# --- native values ---------------------------------------------------------------------------------------------


def text(value: Any) -> str | None:
    """A text without what cannot be seen."""
    if value is None:
        return None
    return "".join(c for c in str(value) if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf")).strip() or None


def instant(value: Any) -> datetime | None:
    """An instant; what is no date, or none of our time, is not there."""
    said = text(value)
    if said is None:
        return None
    try:
        if re.fullmatch(r"-?\d{9,}", said):
            found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(said))
        else:
            found = datetime.fromisoformat(said)
    except (ValueError, OverflowError):
        return None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found if 1970 <= found.year <= 2200 else None


def day(value: Any) -> date | None:
    found = instant(value)
    return found.date() if found else None


def number(value: Any) -> Decimal | None:
    """A number; what is none, or absurdly large, is not there."""
    try:
        found = Decimal(text(value) or "none")
    except InvalidOperation:
        return None
    return found if abs(found) < ABSURD else None


def second(value: datetime | None) -> datetime | None:
    return value.replace(microsecond=0) if value else None


# --- who claims what -------------------------------------------------------------------------------------------


@dataclass
class Deal:
    """An opportunity of the direct CRM."""

    id: str
    account: str
    closed: bool
    won: bool
    products: frozenset[str]
    source: str | None
    partner: str | None
    key: str | None
    channel_owner: str | None
    created: datetime
    closed_at: datetime | None
    last_active: date | None


@dataclass
class Filing:
    """A registration with its company."""

    id: str
    number: str
    partner_id: str | None
    company: str | None
    status: str
    received: datetime | None
    modified: datetime | None
    products: frozenset[str]
    values: Row
    approved_at: datetime | None
    source_end: datetime | None

    @property
    def rank(self) -> tuple[datetime, str]:
        assert self.received
        return self.received, self.id


Meeting = tuple[str, str, str]
"""A collision: its code, the id of its registration, the id of the other side."""


@dataclass
class Standing:
    """Where a registration stands. `since` and `until` belong to a protection, `effective` to the decision."""

    application: str
    reason: str = ""
    effective: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    detail: str = ""
    by: str = "rule"
    """Who decided: a rule, a person, or the source."""
    met: list[Meeting] = field(default_factory=list)
    """The collisions that decided it."""


@dataclass
class Said:
    """What a person decided about a registration, as the ledger has it. `winner` and `other` belong to a ruling."""

    what: str
    registration: str
    effective: datetime
    winner: str = ""
    other: str = ""
    ruled: bool = False


@dataclass
class Expected:
    """What must be there: stamps by (object, id), the channel owner wanted, collisions, standings."""

    stamps: dict[tuple[str, str], dict[str, Any]]
    owners: dict[str, str | None]
    standings: dict[str, Standing]
    collisions: set[Meeting]
    own: dict[str, str]
    groups: dict[tuple[str, str], list[frozenset[tuple[str, str]]]]
    """(object, id) of a record → the groups (of accounts and companies) that its stamp was computed from."""


@dataclass
class Organizations:
    """Which accounts and companies are one organization, and which companies are too unsure to say."""

    of: dict[tuple[str, str], str]
    unsure: set[str] = field(default_factory=set)


def organizations_from_links(rows: Iterable[Mapping[str, str]]) -> Organizations:
    """Connected components over links of the band `auto` or a person's `same`."""
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node: tuple[str, str]) -> tuple[str, str]:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    best: dict[str, tuple[float, str]] = {}
    for row in rows:
        left, right = _node(row["left"]), _node(row["right"])
        joined = row["judgement"] == "same" or (row["band"] == "auto" and row["judgement"] in ("", "same"))
        if joined:
            parent[root(left)] = root(right)
        if not joined and "Same group:" in row["reason"]:
            continue  # another company of the group holds nothing back
        for one, other in ((left, right), (right, left)):
            if one[0] == "companies" and other[0] == "Account":
                band = "auto" if joined else row["band"]
                strength = {"auto": 2.0, "review": 1.0}.get(band, 0.0)
                best[one[1]] = max(best.get(one[1], (0.0, "")), (strength, band))
    unsure = {company for company, (_, band) in best.items() if band == "review"}
    return Organizations({node: "/".join(root(node)) for node in list(parent)}, unsure)


def _node(ref: str) -> tuple[str, str]:
    _, kind, id_ = ref.split("/")
    return kind, id_


def people_from_ledger(entries: Iterable[Mapping[str, Any]]) -> list[Said]:
    """Approvals, rejections and rulings by persons, in the order in which they were recorded.

    What follows from a ruling is recorded in the person's name, too; the oracle draws its own conclusions instead.
    """
    found = []
    for entry in entries:
        if entry["kind"] != "decision" or not entry["actor"].startswith("person:"):
            continue
        subject, effective = _node(entry["subject"])[1], datetime.fromisoformat(entry["effective_at"])
        if entry["what"] == "ruled":
            code, registration, other = entry["evidence"]["collision"].split("-", 2)
            assert registration == subject, (code, registration)
            found.append(Said("ruled", subject, effective, _node(entry["other"])[1], other))
        elif entry["what"] in ("approved", "rejected") and entry["reason"] not in ("ruled", "ruled_against"):
            found.append(Said(entry["what"], subject, effective))
    return found


def _conclusions(said: Iterable[Said], filings: Mapping[str, Any]) -> list[Said]:
    """Rulings, 9: a ruling approves the registration that wins and rejects the one that loses to something else."""
    found = []
    for one in said:
        if one.what != "ruled":
            found.append(one)
        elif one.winner == one.registration:
            found.append(Said("approved", one.registration, one.effective, ruled=True))
        else:
            found.append(Said("rejected", one.registration, one.effective, ruled=True))
            if one.other in filings:
                found.append(Said("approved", one.other, one.effective, ruled=True))
    return found


# --- the recomputation -----------------------------------------------------------------------------------------


class Oracle:
    """One recomputation. `own` replaces the recognition of own deals (by the truth); `before` is what an earlier
    recomputation decided: what was approved, adopted or rejected then is not decided again."""

    def __init__(
        self,
        raw: Raw,
        policy: Mapping[str, Any],
        organizations: Organizations,
        *,
        now: datetime,
        horizon: datetime | None,
        go_live: datetime,
        clock_error: float,
        people: Iterable[Said] = (),
        own: Mapping[str, str] | None = None,
        before: Expected | None = None,
        authority: str = "syncd",
        visible: bool = True,
    ) -> None:
        self.policy, self.now, self.horizon, self.go_live = policy, now, horizon, go_live
        self.organizations, self.authority, self.visible = organizations, authority, visible
        self.settling = timedelta(seconds=_seconds(policy["tie_window"]) + clock_error)
        self.tie = timedelta(seconds=_seconds(policy["tie_window"]))
        self.before = before
        self.accounts = {r["Id"]: r for r in raw.salesforce["Account"] if not r["IsDeleted"]}
        self.users = raw.salesforce["User"]
        self.deals = {r["Id"]: _deal(r) for r in raw.salesforce["Opportunity"] if not r["IsDeleted"] and r["AccountId"]}
        self.companies = {r["id"]: r for r in raw.hubspot["companies"] if text(r["name"]) != SIGN_OF_LIFE}
        self.partners = {text(r["partner_id"]): r for r in raw.hubspot["p_partners"]}
        self.filings = {
            r["id"]: _filing(r, raw.portal) for r in raw.hubspot["deals"] if r["pipeline"] == "registrations"
        }
        self.other_deals = [r["id"] for r in raw.hubspot["deals"] if r["pipeline"] != "registrations"]
        self.people = _conclusions(people, self.filings)
        self._place()
        self.own = dict(own) if own is not None else self._own_deals()
        self.known: dict[str, Standing] = {}
        self.under_way: set[str] = set()

    # -- groups

    def _place(self) -> None:
        self.group_of: dict[str, str] = {}
        for filing in self.filings.values():
            if filing.company is None:
                self.group_of[filing.id] = f"alone {filing.id}"
            elif filing.company in self.organizations.unsure:
                self.group_of[filing.id] = f"unsure {filing.id}"
            else:
                self.group_of[filing.id] = self._organization("companies", filing.company)
        self.filed_in: dict[str, list[Filing]] = defaultdict(list)
        for filing in self.filings.values():
            self.filed_in[self.group_of[filing.id]].append(filing)
        self.account_group = {id_: self._organization("Account", id_) for id_ in self.accounts}
        self.accounts_in: dict[str, list[str]] = defaultdict(list)
        for id_, group in self.account_group.items():
            self.accounts_in[group].append(id_)
        self.deals_in: dict[str, list[Deal]] = defaultdict(list)
        for deal in self.deals.values():
            if deal.account in self.account_group:
                self.deals_in[self.account_group[deal.account]].append(deal)

    def _organization(self, kind: str, id_: str) -> str:
        return self.organizations.of.get((kind, id_), f"{kind}/{id_}")

    # -- own deals (rulings, 3)

    def _own_deals(self) -> dict[str, str]:
        own = {}
        for deal in self.deals.values():
            found = self._owner_of(deal)
            if found:
                own[deal.id] = found
        return own

    def _owner_of(self, deal: Deal) -> str | None:
        if deal.key:
            by_id = self.filings.get(deal.key)
            named = [f for f in self.filings.values() if f.number == deal.key]
            if by_id or named:
                return by_id.id if by_id else min(named, key=lambda f: (f.received or NEVER, f.id)).id
        if not self._looks_brought(deal):
            return None
        within = timedelta(days=self.policy["own_deals"]["within_days"])
        fitting = [
            f
            for f in self.filed_in[self.account_group[deal.account]]
            if f.received
            and f.status not in ("draft", "withdrawn")
            and f.received <= deal.created < f.received + within
            and _meet(f.products, deal.products)
            and (deal.partner is None or _folded(deal.partner) == _folded(self._partner_name(f)))
        ]
        if not fitting:
            return None
        latest = max(f.received for f in fitting if f.received)
        return min(f.id for f in fitting if f.received == latest)

    def _looks_brought(self, deal: Deal) -> bool:
        sources = {_folded(one) for one in self.policy["own_deals"]["lead_sources"]}
        return deal.partner is not None or _folded(deal.source) in sources

    def _is_direct(self, deal: Deal) -> bool:
        return deal.id not in self.own and not deal.key and not self._looks_brought(deal)

    def _partner_name(self, filing: Filing) -> str | None:
        partner = self.partners.get(filing.partner_id)
        return text(partner["partner_name"]) if partner else filing.partner_id

    # -- applications (rulings, 2, 4, 5, 9)

    def standing(self, filing: Filing) -> Standing:
        if filing.id not in self.known:
            assert filing.id not in self.under_way, f"the rules go round in circles at {filing.id}"
            self.under_way.add(filing.id)
            self.known[filing.id] = self._standing(filing)
        return self.known[filing.id]

    def _standing(self, filing: Filing) -> Standing:
        early = self._early(filing)
        return early or self._among_partners(filing)

    def _early(self, filing: Filing) -> Standing | None:
        """What is decided without looking at other partners; None if it goes on to rule 5.11."""
        return self._recorded(filing) or self._by_rules(filing)

    def _recorded(self, filing: Filing) -> Standing | None:
        """What was decided before any rule of 5 is asked, or is no claim at all."""
        if filing.status in ("draft", "withdrawn"):
            return Standing(filing.status)
        if filing.received is None:
            return Standing("outside", "not_dated")
        said = [one for one in self.people if one.registration == filing.id]
        earlier = self._earlier(filing)
        recorded = earlier if earlier and earlier.application in ("approved", "rejected") else None
        if said and not (recorded and recorded.by == "person"):
            return self._by_person(filing, said[-1], recorded)
        if recorded:
            return recorded
        if filing.received < self.go_live or self.authority == "source":
            adopted = self._adopted(filing)
            if adopted or filing.received < self.go_live:
                return adopted or Standing("outside", "outside")
        return None

    def _earlier(self, filing: Filing) -> Standing | None:
        return self.before.standings.get(filing.id) if self.before else None

    def _by_person(self, filing: Filing, said: Said, recorded: Standing | None) -> Standing:
        met = self._met_before(filing)
        if said.what == "rejected":
            reason = "ruled_against" if said.ruled else "rejected_by_person"
            return Standing("rejected", reason, said.effective, by="person", met=met)
        if recorded and recorded.application == "approved" and recorded.until and recorded.until > said.effective:
            return recorded
        standing = self._protected(filing, said.effective, "ruled" if said.ruled else "approved_by_person")
        standing.by, standing.met = "person", met
        return standing

    def _met_before(self, filing: Filing) -> list[Meeting]:
        """The collisions that a person decided stay in the list."""
        earlier = self._earlier(filing)
        return earlier.met if earlier else []

    def _adopted(self, filing: Filing) -> Standing | None:
        """What the source decided before go-live."""
        if filing.status == "approved":
            start = filing.approved_at or filing.received
            assert start
            end = filing.source_end or start + timedelta(days=self.policy["protection"]["days"])
            return Standing("approved", "adopted", start, start, end, by="source")
        if filing.status == "expired":
            start = filing.approved_at or filing.received
            end = min(moment for moment in (filing.source_end, filing.modified) if moment)
            assert start
            return Standing("approved", "adopted", start, start, end, by="source")
        if filing.status == "rejected":
            return Standing("rejected", "adopted", filing.received, by="source")
        return None

    def _protected(self, filing: Filing, effective: datetime, reason: str) -> Standing:
        start = effective if self.policy["protection"]["starts"] == "approved" else filing.received
        assert start
        return Standing("approved", reason, effective, start, start + timedelta(days=self.policy["protection"]["days"]))

    def _by_rules(self, filing: Filing) -> Standing | None:
        """Rules 5.1 to 5.10 in their order."""
        assert filing.received
        group = self.group_of[filing.id]
        settled_at = filing.received + self.settling
        if self.horizon is None or min(self.horizon, self.now) < settled_at:
            return Standing("pending", "settling")
        if filing.company in self.organizations.unsure:
            return Standing("review", "match_unsure")
        partner = self.partners.get(filing.partner_id)
        if partner is None:
            return Standing("review", "partner_unknown")
        if text(partner["status"]) != "active":
            return Standing("rejected", "partner_inactive", settled_at)
        missing = self.missing(filing)
        if missing:
            return Standing("returned", "missing_fields", settled_at, detail=", ".join(missing))
        contact = day(filing.values["first_contact_date"])
        filed_on = filing.received.date()
        oldest = self.policy["first_contact"]["max_age_days"]
        if contact and contact > filed_on:
            return Standing("returned", "first_contact_in_future", settled_at)
        if contact and oldest and (filed_on - contact).days > oldest:
            return Standing("rejected", "first_contact_too_old", settled_at)
        found = [
            standing
            for standing in (
                self._named(filing, group, settled_at),
                self._customer(filing, group, settled_at),
                self._twice(filing, settled_at),
                self._direct_first(filing, group, settled_at),
                self._lost_lately(filing, group),
            )
            if standing
        ]
        if not found:
            return self._many(filing, group)
        found[0].met = [meeting for standing in found for meeting in standing.met]
        return found[0]

    def missing(self, filing: Filing) -> list[str]:
        """The required fields that are blank, in the order of the policy."""
        company = self.companies.get(filing.company or "", defaultdict(lambda: None))
        deal = filing.values
        there = {
            "company.name": text(company["name"]),
            "company.location": text(company["address"]) or text(company["city"]) or text(company["zip"]),
            "company.country": text(company["country"]) or text(deal.get("country")),
            "company.industry": text(company["industry"]),
            "company.employees": number(company["numberofemployees"]) is not None,
            "decision_makers": text(deal["decision_makers"]),
            "current_vendor": text(deal["current_vendor"]),
            "products": filing.products,
            "value": number(deal["amount"]) is not None,
            "timeline": text(deal["timeline"]),
            "buying_stage": text(deal["buying_stage"]),
            "competition": text(deal["competition"]),
            "how_identified": text(deal["how_identified"]),
            "first_contact_on": day(deal["first_contact_date"]),
            "activities": text(deal["activities_done"]),
            "next_steps": text(deal["next_steps"]),
            "proof": text(deal["proof_of_relationship"]),
        }
        return [name for name in self.policy["required"] if not there[name]]

    def _named(self, filing: Filing, group: str, settled_at: datetime) -> Standing | None:
        named = [a for a in self.accounts_in[group] if self.accounts[a]["Named_Account__c"]]
        rule = self.policy["named_accounts"]
        if not named or rule == "allow":
            return None
        met = [("C17", filing.id, one) for one in named]
        return Standing("rejected" if rule == "reject" else "review", "named_account", settled_at, met=met)

    def _customer(self, filing: Filing, group: str, settled_at: datetime) -> Standing | None:
        days = self.policy["customers"]["new_logo_days"]
        if not days:
            return None
        assert filing.received
        since = filing.received.date() - timedelta(days=days)
        met = []
        for id_ in self.accounts_in[group]:
            last = day(self.accounts[id_]["Last_Order_Date__c"])
            if (last is not None and last >= since) or (last is None and self.accounts[id_]["Type"] == "Customer"):
                met.append(("C14", filing.id, id_))
        for deal in self.deals_in[group]:
            if not deal.won or not deal.closed_at or self.own.get(deal.id) == filing.id:
                continue
            if timedelta(0) <= filing.received - deal.closed_at < timedelta(days=days):
                met.append(("C14", filing.id, deal.id))
        return Standing("rejected", "existing_customer", settled_at, met=met) if met else None

    def _twice(self, filing: Filing, settled_at: datetime) -> Standing | None:
        met = [
            ("C01", filing.id, o.id)
            for o in self._others(filing)
            if o.partner_id == filing.partner_id
            and (o.rank < filing.rank or self._recorded_approval(o))
            and self._is_live(o)
        ]
        return Standing("rejected", "duplicate", settled_at, met=met) if met else None

    def _recorded_approval(self, filing: Filing) -> bool:
        """Approved already: by a person, by the source, or by a rule in an earlier recomputation."""
        recorded = self._recorded(filing)
        return recorded is not None and recorded.application == "approved"

    def _direct_first(self, filing: Filing, group: str, settled_at: datetime) -> Standing | None:
        """An activity after the day of filing says nothing about it: where nothing else does, a person looks."""
        assert filing.received
        filed_on, dormant = filing.received.date(), self.policy["direct"]["dormant_after_days"]
        met, unsure = [], []
        for deal in self.deals_in[group]:
            if not self._stood_before(filing, deal):
                continue
            later = deal.last_active is not None and deal.last_active > filed_on
            active_on = deal.created.date() if later or deal.last_active is None else deal.last_active
            if (filed_on - active_on).days <= dormant:
                met.append(("C08", filing.id, deal.id))
            elif later:
                unsure.append(("C08", filing.id, deal.id))
        if met:
            return Standing("rejected", "direct_engaged", settled_at, met=met)
        return Standing("review", "evidence_unsure", met=unsure) if unsure else None

    def _stood_before(self, filing: Filing, deal: Deal) -> bool:
        assert filing.received
        return (
            self._is_direct(deal)
            and deal.created < filing.received
            and (not deal.closed or (deal.closed_at is not None and deal.closed_at > filing.received))
            and _meet(filing.products, deal.products)
        )

    def _lost_lately(self, filing: Filing, group: str) -> Standing | None:
        days = timedelta(days=self.policy["direct"]["lost_cooldown_days"])
        assert filing.received
        met = [
            ("C13", filing.id, d.id)
            for d in self.deals_in[group]
            if self._is_direct(d) and d.closed and not d.won and d.closed_at
            if timedelta(0) <= filing.received - d.closed_at < days
            if _meet(filing.products, d.products)
        ]
        return Standing("review", "recently_lost", met=met) if met else None

    def _many(self, filing: Filing, group: str) -> Standing | None:
        """More accounts and open direct deals than an approval may mark."""
        most = self.policy["max_records_per_registration"]
        marked = len(self.accounts_in[group]) + sum(self._stood_before(filing, d) for d in self.deals_in[group])
        return Standing("review", "too_many_records") if most and marked > most else None

    def _others(self, filing: Filing) -> list[Filing]:
        """The other claims of the group that meet in products, in order of priority."""
        found = [
            o
            for o in self.filed_in[self.group_of[filing.id]]
            if o.id != filing.id and o.received and o.status not in ("draft", "withdrawn")
            if _meet(o.products, filing.products)
        ]
        return sorted(found, key=lambda o: o.rank)

    def _is_live(self, filing: Filing) -> bool:
        """Rulings, 7. An application that passes 5.1 to 5.10 is live whatever 5.11 says, unless it is over."""
        if filing.id not in self.known and filing.id in self.under_way:
            return True
        early = self._early(filing)
        standing = early if early else self.standing(filing)
        return self._lives(standing)

    def _lives(self, standing: Standing) -> bool:
        if standing.application == "approved":
            return standing.until is not None and standing.until > self.now
        return standing.application in LIVE

    def _among_partners(self, filing: Filing) -> Standing:
        """Rules 5.11 and 5.12."""
        ready_at = self._ready_at(filing)
        rivals = [o for o in self._others(filing) if o.partner_id != filing.partner_id]
        ahead = [o for o in rivals if self._is_ahead(o, filing)]
        live = [o for o in ahead if self._lives(self.standing(o))]
        if live:
            return Standing("waiting", "waiting", met=[self._meeting(filing, live[0])])
        ties = [o for o in rivals if self._is_close(o, filing) and self._is_undecided(o)]
        if ties:
            return Standing("review", "tie", met=[self._meeting(filing, o) for o in ties])
        if self.policy["approval"] != "automatic":
            return Standing("review", "needs_approval")
        if not self.visible:
            return Standing("review", "not_visible")
        ends = [(end, o.rank, o) for o in ahead if (end := self._ended(self.standing(o))) and end > ready_at]
        standing = self._protected(filing, max([ready_at, *(end for end, *_ in ends)]), "first_registered")
        standing.met = [self._meeting(filing, max(ends)[2])] if ends else []
        return standing

    def _ready_at(self, filing: Filing) -> datetime:
        """When it is settled; for one that came back after a return, not before it was modified."""
        assert filing.received
        settled_at = filing.received + self.settling
        earlier = self._earlier(filing)
        came_back = filing.modified if earlier and earlier.application == "returned" else None
        return max(settled_at, came_back) if came_back else settled_at

    def _is_close(self, one: Filing, other: Filing) -> bool:
        assert one.received
        assert other.received
        return abs(one.received - other.received) < self.tie

    def _is_undecided(self, filing: Filing) -> bool:
        early = self._early(filing)
        return early is None or early.application in LIVE

    def _is_ahead(self, other: Filing, filing: Filing) -> bool:
        if self._is_close(other, filing) and self._is_undecided(other):
            return False
        early = self._early(other)
        by_person = early is not None and early.by == "person"
        came = other.rank < filing.rank or self._recorded_approval(other)
        return came or (self._is_close(other, filing) and by_person)

    def _meeting(self, one: Filing, other: Filing) -> Meeting:
        """A meeting of two partners' claims, with the later one as its registration."""
        earlier, later = sorted((one, other), key=lambda f: f.rank)
        assert later.received
        known = [self._early(f) for f in (one, other)]
        by_person = any(s is not None and s.by == "person" for s in known)
        approved = any(s is not None and s.application == "approved" for s in known)
        if self._is_close(one, other) and (by_person or not approved):
            return "C06", later.id, earlier.id
        first = self.standing(earlier) if earlier is not one else None
        since = first.effective if first and first.application == "approved" else None
        return "C03" if since and since <= later.received else "C07", later.id, earlier.id

    def _ended(self, standing: Standing) -> datetime | None:
        """When a claim that is over left its place; one rejected by a rule or before go-live had none."""
        if standing.application == "approved":
            return standing.until
        return standing.effective if standing.application == "rejected" and standing.by == "person" else None

    # -- collisions that only inform (rulings, 8)

    def _collisions(self) -> set[Meeting]:
        found = set()
        for filing in self.filings.values():
            standing = self.standing(filing)
            if standing.application in LIVE or standing.application == "rejected" or self._lives(standing):
                found |= set(standing.met)
            if not self._is_active(standing):
                continue
            assert standing.effective
            assert filing.received
            for deal in self.deals_in[self.group_of[filing.id]]:
                if not self._is_direct(deal) or deal.closed or not _meet(filing.products, deal.products):
                    continue
                if deal.created >= standing.effective:
                    found.add(("C09", filing.id, deal.id))
                elif filing.received <= deal.created:
                    found.add(("C10", filing.id, deal.id))
        return found

    # -- stamps (rulings, 10)

    def recompute(self) -> Expected:
        """Everything that must be there."""
        stamps: dict[tuple[str, str], dict[str, Any]] = {}
        owners: dict[str, str | None] = {}
        seen: dict[tuple[str, str], list[frozenset[tuple[str, str]]]] = {}
        for id_ in self.accounts:
            filings = self.filed_in[self.account_group[id_]]
            stamps["Account", id_] = self._shared(filings, count=True)
            seen["Account", id_] = [self._members(self.account_group[id_])]
        for deal in self.deals.values():
            stamp = self._on_deal(deal)
            stamps["Opportunity", deal.id] = {k: v for k, v in stamp.items() if k != "count"}
            owners[deal.id] = self._owner(deal, stamp)
            seen["Opportunity", deal.id] = [self._members(self.account_group[deal.account])]
            if deal.id in self.own and self.own[deal.id] in self.filings:
                seen["Opportunity", deal.id].append(self._members(self.group_of[self.own[deal.id]]))
        for filing in self.filings.values():
            stamps["deals", filing.id] = self._on_filing(filing)
            seen["deals", filing.id] = [self._members(self.group_of[filing.id])]
        for id_ in self.other_deals:
            stamps["deals", id_] = dict.fromkeys(FILING_STAMPS)
        return Expected(stamps, owners, dict(self.known), self._collisions(), self.own, seen)

    def _members(self, group: str) -> frozenset[tuple[str, str]]:
        accounts = {("Account", id_) for id_ in self.accounts_in[group]}
        return frozenset(accounts | {("companies", f.company or f.id) for f in self.filed_in[group]})

    def _is_active(self, standing: Standing) -> bool:
        if standing.application != "approved" or standing.since is None or standing.until is None:
            return False
        return standing.since <= self.now < standing.until

    def _just_ended(self, standing: Standing) -> bool:
        if standing.application != "approved" or standing.until is None:
            return False
        return timedelta(0) <= self.now - standing.until < timedelta(days=self.policy["ended_notice_days"])

    def _shared(self, filings: list[Filing], count: bool = False, won: Filing | None = None) -> dict[str, Any]:
        """The first that applies; `won` is the first registration that this direct opportunity beat."""
        standings = [(f, self.standing(f)) for f in filings]
        active = [(f, s) for f, s in standings if self._is_active(s)]
        if active:
            f, s = min(active, key=lambda pair: (pair[1].until, pair[0].id))
            return self._values("protected", f, s, s.reason, times=True, count=len(active) if count else None)
        if won:
            return EMPTY | {"status": "direct", "reason": "direct_engaged", "number": won.number}
        for state in ("review", "pending"):
            held = [(f, s) for f, s in standings if s.application == state]
            if held:
                f, s = min(held, key=lambda pair: pair[0].rank)
                return self._values(state, f, s, s.reason)
        ended = [(f, s) for f, s in standings if self._just_ended(s)]
        if ended:
            last = max(s.until for _, s in ended if s.until)
            f, s = min(((f, s) for f, s in ended if s.until == last), key=lambda pair: pair[0].id)
            return self._values("ended", f, s, "expired", times=True)
        return dict(EMPTY)

    def _values(
        self, status: str, f: Filing, s: Standing, reason: str, times: bool = False, count: int | None = None
    ) -> dict[str, Any]:
        return {
            "status": status,
            "partner": self._partner_name(f),
            "scope": ";".join(sorted(f.products)) or None,
            "since": second(s.since) if times else None,
            "until": second(s.until) if times else None,
            "reason": reason or None,
            "contact": self._contact(f),
            "number": f.number,
            "count": count,
        }

    def _contact(self, filing: Filing) -> str | None:
        partner = self.partners.get(filing.partner_id)
        email = text(partner["channel_manager_email"]) if partner else None
        for user in self.users:
            if email and _folded(user["Email"]) == _folded(email):
                return text(user["Name"]) or email
        return email

    def _on_deal(self, deal: Deal) -> dict[str, Any]:
        if deal.id in self.own:
            filing = self.filings.get(self.own[deal.id])
            return self._own_stamp(filing) if filing else dict(EMPTY)
        if deal.closed or not self._is_direct(deal):
            return dict(EMPTY)
        meeting = [f for f in self.filed_in[self.account_group[deal.account]] if _meet(f.products, deal.products)]
        refused = [f for f in meeting if f.received and self.standing(f).application == "rejected"]
        beaten = [f for f in refused if ("C08", f.id, deal.id) in self.standing(f).met]
        made = self._shared(meeting, won=min(beaten, key=lambda f: f.rank) if beaten else None)
        protecting = [f for f in meeting if self._is_active(self.standing(f))]
        if made["status"] == "protected" and not deal.products and all(f.products for f in protecting):
            made["reason"] = "check_products"
        return made

    def _own_stamp(self, f: Filing) -> dict[str, Any]:
        s = self.standing(f)
        if self._is_active(s):
            return self._values("protected", f, s, s.reason, times=True)
        if s.application in ("review", "waiting"):
            return self._values("review", f, s, s.reason)
        if s.application == "pending":
            return self._values("pending", f, s, s.reason)
        if self._just_ended(s):
            return self._values("ended", f, s, "expired", times=True)
        return dict(EMPTY)

    def _on_filing(self, f: Filing) -> dict[str, Any]:
        s = self.standing(f)
        if s.application == "draft":
            return dict.fromkeys(FILING_STAMPS)
        over = s.application == "approved" and s.until is not None and s.until <= self.now
        status = {"outside": "review"}.get(s.application, "expired" if over else s.application)
        return {
            "status": status,
            "reason": self._told("expired" if over else s.reason, s.application),
            "number": f.number,
            "until": second(s.until) if s.application == "approved" else None,
            "received_at": second(f.received),
        }

    def _told(self, reason: str, application: str) -> str | None:
        if application in ("review", "outside"):
            return "in_review"
        if application == "waiting":
            return "in_queue"
        if application == "rejected" and reason in NOT_AVAILABLE:
            return "not_available"
        return {"ruled": "approved_by_person"}.get(reason, reason) or None

    # -- ownership (rulings, 11)

    def _owner(self, deal: Deal, stamp: Mapping[str, Any]) -> str | None:
        """The user id that is wanted as channel owner; None when nothing is wanted."""
        if deal.closed or stamp["status"] != "protected" or stamp["reason"] == "check_products":
            return None
        filing = next(f for f in self.filings.values() if f.number == stamp["number"])
        partner = self.partners.get(filing.partner_id)
        email = text(partner["channel_manager_email"]) if partner else None
        for user in self.users:
            if email and _folded(user["Email"]) == _folded(email) and user["IsActive"]:
                return str(user["Id"])
        return None


def _deal(row: Row) -> Deal:
    created = instant(row["CreatedDate"])
    assert created
    return Deal(
        id=row["Id"],
        account=row["AccountId"],
        closed=row["IsClosed"],
        won=row["IsWon"],
        products=frozenset(PRODUCT_CODES[p] for p in (row["Products__c"] or "").split(";") if p),
        source=text(row["LeadSource"]),
        partner=text(row["Partner_Name__c"]),
        key=text(row["PRM_Registration_Id__c"]),
        channel_owner=text(row["Channel_Owner__c"]),
        created=created,
        closed_at=instant(row["Closed_At__c"]) or (instant(row["CloseDate"]) if row["IsClosed"] else None),
        last_active=day(row["LastActivityDate"]),
    )


def _filing(row: Row, portal: str) -> Filing:
    companies = sorted(set(row["associated"]), key=lambda id_: (len(id_), id_))
    stage = text(row["dealstage"]) or "submitted"
    return Filing(
        id=row["id"],
        number=text(row["registration_number"]) or given_number(f"hubspot-{portal}/deals/{row['id']}"),
        partner_id=text(row["partner_id"]),
        company=companies[0] if companies else None,
        status=STATUS.get(stage, stage),
        received=instant(row["submitted_at"]) or instant(row["createdate"]),
        modified=instant(row["hs_lastmodifieddate"]),
        products=frozenset(p.strip() for p in (row["products"] or "").split(";") if p.strip()),
        values=row,
        approved_at=instant(row["approved_at"]),
        source_end=instant(row["protection_end"]),
    )


def given_number(ref: str) -> str:
    """The number that syncd gives to a registration that has none."""
    return "DR-" + base64.b32encode(hashlib.blake2b(ref.encode(), digest_size=5).digest()).decode()


def _meet(one: frozenset[str], other: frozenset[str]) -> bool:
    return not one or not other or bool(one & other)


def _folded(value: str | None) -> str:
    return (value or "").strip().casefold()


def _seconds(value: Any) -> float:
    """A duration of the policy: `2s`, `5m`, or a number of seconds."""
    if isinstance(value, int | float):
        return float(value)
    found = re.fullmatch(r"\s*([\d.]+)\s*(ms|s|m|h|d)\s*", str(value))
    assert found, value
    return float(found[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
