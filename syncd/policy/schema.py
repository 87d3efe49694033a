"""The policy file: every key that turns facts into decisions, with what it means, its default and its limits."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from syncd.policy.claim_terms import Branches, DirectMeans, Family, MovedDeals, RoleTerms
from syncd.policy.durations import Duration, format_duration
from syncd.policy.ownership import Drift, OwnershipTerms
from syncd.policy.presets import PRESETS, with_preset
from syncd.policy.requirable import REQUIRABLE, meant
from syncd.policy.terms import (
    Benefits,
    CalendarTerms,
    DisputeTerms,
    Edits,
    ExtensionTerms,
    Least,
    Part,
    PrecheckTerms,
    ProofTerms,
    ReminderTerms,
    ReviewTerms,
    Speculation,
)

_LONGEST_TIE = timedelta(hours=12)


class Approval(StrEnum):
    """Who approves what every rule has let through."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Starts(StrEnum):
    """When the days of a protection begin to count."""

    APPROVED = "approved"
    RECEIVED = "received"


class Scope(StrEnum):
    """What a registration claims."""

    PRODUCTS = "products"
    COMPANY = "company"
    OPPORTUNITY = "opportunity"


class Territory(StrEnum):
    """Where a registration claims it."""

    ANYWHERE = "anywhere"
    COUNTRY = "country"


class TieRule(StrEnum):
    """What may decide between two filings of one moment."""

    EARLIER = "earlier"
    MORE_COMPLETE = "more_complete"
    INCUMBENT = "incumbent"


class NamedAccounts(StrEnum):
    """What happens to a registration on a named account."""

    REJECT = "reject"
    REVIEW = "review"
    ALLOW = "allow"


class FirstContact(Part):
    """How fresh the partner's relationship has to be."""

    max_age_days: int = Field(default=90, ge=0, le=3650)
    """Oldest first contact that still counts, in days before the day of filing. 0 switches the check off."""


class ProtectionTerms(Part):
    """What an approval grants."""

    days: int = Field(default=90, ge=1, le=1095)
    """How many days (of 24 hours) a protection lasts."""

    starts: Starts = Starts.APPROVED
    """`approved`: the days count from the approval. `received`: they count from the filing."""

    dormant_after_days: int = Field(default=0, ge=0, le=1095)
    """After so many days without activity on the partner's own deal a person is asked. 0 switches it off."""


class DirectTerms(Part):
    """When your own sales team was there first."""

    dormant_after_days: int = Field(default=60, ge=1, le=3650)
    """An open direct opportunity without activity for more days than this no longer stops a registration."""

    lost_cooldown_days: int = Field(default=30, ge=0, le=3650)
    """For this many days after a direct opportunity was lost, a person looks at a registration. 0 switches it off."""

    contact_days: int = Field(default=0, ge=0, le=3650)
    """Two-way contact with the company in so many days before the filing stands, without an opportunity too. 0: off."""


class CustomerTerms(Part):
    """Who is a customer already."""

    new_logo_days: int = Field(default=1095, ge=0, le=36500)
    """A company that bought within this many days is a customer, and is not registered as new. 0 switches it off."""

    renewal_days: int = Field(default=90, ge=0, le=3650)
    """A contract counts as up for renewal while it runs and for this many days after its end. 0 switches it off."""


class OwnDeals(Part):
    """How a partner's own deal is recognised in the direct CRM, beside its registration number."""

    lead_sources: tuple[str, ...] = ("Partner", "Partner Referral", "Channel")
    """Lead sources that say: this opportunity came from a partner."""

    within_days: int = Field(default=90, ge=1, le=3650)
    """Such an opportunity belongs to a registration when it was created within this many days after the filing."""

    kinds: tuple[str, ...] = ()
    """Record types or pipelines that say so, as the opportunity's `kind` names them."""

    created_by: tuple[str, ...] = ()
    """Users who say so by having created it, such as the portal's own: ids, or e-mails of users of the direct CRM."""

    @field_validator("lead_sources", "kinds", "created_by")
    @classmethod
    def _no_blank(cls, marks: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if any(not mark.strip() for mark in marks):
            what = {"lead_sources": "lead source", "kinds": "kind", "created_by": "user"}[str(info.field_name)]
            raise ValueError(f"a blank {what} would make every opportunity without one a partner's; remove it")
        return marks


class Programme(Part):
    """Other terms for some registrations: who, what, where and when; only what differs is written down."""

    name: str
    """What it is called, in decisions and sentences."""

    partners: tuple[str, ...] = ()
    """Keys of partners; any partner when left out. The same holds for the other five."""

    tiers: tuple[str, ...] = ()
    """Tiers of partners, as the portal names them."""

    regions: tuple[str, ...] = ()
    """Regions of partners, as the portal names them."""

    products: tuple[str, ...] = ()
    """Product codes, of which the registration names one."""

    countries: tuple[str, ...] = ()
    """Countries of the deal, or of the company."""

    kinds: tuple[str, ...] = ()
    """Kinds of deal as registrations name them, such as add-on (C16)."""

    from_on: date | None = None
    """The first day of filing for which it holds; what was filed before keeps the terms it was filed under."""

    until_on: date | None = None
    """The last day of filing for which it holds."""

    approval: Approval | None = None
    """Instead of the policy's own."""

    required: tuple[str, ...] | None = None
    """Instead of the policy's own."""

    first_contact: FirstContact | None = None
    """Instead of the policy's own."""

    protection: ProtectionTerms | None = None
    """Instead of the policy's own."""

    direct: DirectTerms | None = None
    """Instead of the policy's own."""

    customers: CustomerTerms | None = None
    """Instead of the policy's own."""

    named_accounts: NamedAccounts | None = None
    """Instead of the policy's own."""

    house_accounts: NamedAccounts | None = None
    """Instead of the policy's own."""

    proof: ProofTerms | None = None
    """Instead of the policy's own."""

    minimum: tuple[Least, ...] | None = None
    """Instead of the policy's own."""

    least_days_before_close: int | None = Field(default=None, ge=0, le=3650)
    """Instead of the policy's own."""

    cooldown_days: int | None = Field(default=None, ge=0, le=3650)
    """Instead of the policy's own."""

    extension: ExtensionTerms | None = None
    """Instead of the policy's own."""

    benefits: tuple[Benefits, ...] | None = None
    """Instead of the policy's own."""

    @property
    def terms(self) -> dict[str, Any]:
        """What it says otherwise than the policy, by key."""
        said = {name: getattr(self, name) for name in type(self).model_fields if name not in _SELECTS}
        return {name: value for name, value in said.items() if value is not None}

    @model_validator(mode="after")
    def _says_something(self) -> Programme:
        if not self.terms:
            raise ValueError(f"the programme {self.name} says nothing otherwise than the policy; remove it")
        if self.from_on and self.until_on and self.until_on < self.from_on:
            raise ValueError(f"the programme {self.name} ends on {self.until_on}, before it begins on {self.from_on}")
        return self


_SELECTS = ("name", "partners", "tiers", "regions", "products", "countries", "kinds", "from_on", "until_on")


class Policy(Part):
    """The rules of the channel programme. Every key has a default; write down only what differs."""

    preset: str = Field(default="first_to_file", exclude=True)
    """Where to start: `first_to_file`, `account_based` or `opportunity_based`; the other keys say what differs."""

    two_people: bool = False
    """Is a policy in force only once somebody has proposed it and somebody else has approved it?"""

    approval: Approval = Approval.AUTOMATIC
    """`automatic`: what every rule has let through is approved by itself. `manual`: a person approves each one."""

    required: tuple[str, ...] = tuple(
        name for name in REQUIRABLE if name not in ("close_on", "proof_kind", "submitter")
    )
    """Fields that a registration must carry; with one missing it is returned to the partner."""

    first_contact: FirstContact = FirstContact()
    """How fresh the partner's relationship has to be."""

    tie_window: Duration = timedelta(seconds=2)
    """Two filings received less than this apart are a tie, and a person decides. Also how long a filing settles."""

    protection: ProtectionTerms = ProtectionTerms()
    """What an approval grants."""

    direct: DirectTerms = DirectTerms()
    """When your own sales team was there first."""

    customers: CustomerTerms = CustomerTerms()
    """Who is a customer already."""

    named_accounts: NamedAccounts = NamedAccounts.REJECT
    """Registrations on named accounts are refused (`reject`), looked at (`review`) or treated as others (`allow`)."""

    house_accounts: NamedAccounts = NamedAccounts.ALLOW
    """Registrations on house accounts: `allow`, `review` or `reject`."""

    scope: Scope = Scope.PRODUCTS
    """A registration claims the products that it names (`products`), the whole company (`company`), or its products in
    the one deal that carries its number (`opportunity`)."""

    territory: Territory = Territory.ANYWHERE
    """`country`: claims in two countries do not meet. The country is the deal's, else that of its company."""

    family: Family = Family.APART
    """Companies joined by ownership: `apart`, `warn` of claims on each other, or one claim group (`together`)."""

    family_most: int = Field(default=100, ge=2, le=500)
    """So many accounts a family may have to be one claim group; filings in a larger one are looked at by a person."""

    branches: Branches = Branches.APART
    """Partners with the same parent: each for itself (`apart`), or one partner in every rule (`together`)."""

    roles: RoleTerms = RoleTerms()
    """Distributors and referrers beside resellers. Everybody holds a claim of their own when left out."""

    several_in: tuple[str, ...] = ()
    """Industries, such as Government, in whose companies several partners may be protected at once."""

    tenders: NamedAccounts = NamedAccounts.ALLOW
    """Registrations of a deal whose tender was published before the approval: `allow`, `review` or `reject`."""

    passed_leads: NamedAccounts = NamedAccounts.ALLOW
    """Registrations where you passed a lead to a partner: `allow`, or its own is looked at and others' are too
    (`review`) or are refused (`reject`)."""

    passed_lead_days: int = Field(default=90, ge=1, le=3650)
    """For so many days after it was made such a lead stands."""

    moved_deals: MovedDeals = MovedDeals.IGNORE
    """A protection whose deal lies on another company's account: `ignore`, or `ask` a person."""

    tie_rules: tuple[TieRule, ...] = ()
    """What decides between two filings of one moment, in this order, before a person does."""

    max_records_per_registration: int = Field(default=25, ge=0, le=100_000)
    """A registration that would mark more accounts and open deals than this is looked at by a person. 0: no limit."""

    own_deals: OwnDeals = OwnDeals()
    """How a partner's own deal is recognised in the direct CRM."""

    direct_means: DirectMeans = DirectMeans()
    """Which opportunities are your own team's; all that nothing says a partner brought, when left out."""

    ended_notice_days: int = Field(default=7, ge=0, le=365)
    """For how many days records still say that a protection has ended."""

    proof: ProofTerms = ProofTerms()
    """Four standards of proof, each required, one of several, scored, or off. Off when left out."""

    minimum: tuple[Least, ...] = ()
    """Smallest values that may be registered, by currency; a currency that is not listed has none."""

    least_days_before_close: int = Field(default=0, ge=0, le=3650)
    """A deal that closes in fewer days is too late to register. 0 switches it off."""

    cooldown_days: int = Field(default=0, ge=0, le=3650)
    """For this many days after its protection ended, a partner waits to register the same again. 0: off."""

    speculation: Speculation = Speculation()
    """When a filing looks speculative. Off when left out."""

    edits: Edits = Edits.IGNORE
    """Products added to a protected filing: `ignore`, or `check` what was added and protect it too."""

    value_tolerance_percent: int = Field(default=0, ge=0, le=1000)
    """A protected filing whose value moved by more than this since the grant is looked at by a person. 0: off."""

    extension: ExtensionTerms = ExtensionTerms()
    """How often and how long people may prolong a protection."""

    review: ReviewTerms = ReviewTerms()
    """Who decides what waits for a person, and by when."""

    reminders: ReminderTerms = ReminderTerms()
    """Who is told what before a protection ends, and when nobody answers. Off when left out."""

    precheck: PrecheckTerms = PrecheckTerms()
    """Whether partners may ask beforehand. Off when left out."""

    ownership: OwnershipTerms = OwnershipTerms()
    """When an owner is left alone, though another one is wanted."""

    drift: Drift = Drift.RESTORE
    """A stamp that somebody has edited by hand is set again (`restore`), left and listed (`report`), or left as that
    person's word until something else is wanted (`accept`)."""

    transition_days: int = Field(default=60, ge=0, le=3650)
    """For this many days protections of a partner that leaves still hold, unless another partner takes them over."""

    disputes: DisputeTerms = DisputeTerms()
    """Appeals, and the ladder of those who decide."""

    calendars: tuple[CalendarTerms, ...] = ()
    """Working hours; without any, Monday to Friday in UTC, round the clock."""

    benefits: tuple[Benefits, ...] = ()
    """What a protected registration brings, by tier of the partner."""

    programmes: tuple[Programme, ...] = ()
    """Other terms for some partners, products, territories or days; the first one that fits holds."""

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "preset" not in given:
            return given
        preset = given["preset"]
        if preset not in PRESETS:
            raise ValueError(f"there is no preset {preset!r}; choose from {', '.join(PRESETS)}")
        return with_preset(given, preset)

    @field_validator("required")
    @classmethod
    def _known_and_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in REQUIRABLE:
                near = meant(name)
                hint = f"did you mean {near}?" if near else f"choose from {', '.join(REQUIRABLE)}"
                raise ValueError(f"there is no field {name!r} on a registration; {hint}")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is listed twice")
        return names

    @field_validator("tie_window")
    @classmethod
    def _a_short_moment(cls, value: timedelta) -> timedelta:
        if not timedelta(seconds=1) <= value <= _LONGEST_TIE:
            raise ValueError(
                f"a tie window of {format_duration(value)} makes no sense: use 1s to 12h; "
                "whoever files later than that is second, not equal"
            )
        return value

    @model_validator(mode="after")
    def _programmes_make_sense(self) -> Policy:
        for programme in self.programmes:
            try:
                type(self).model_validate(under(self, programme).model_dump())
            except ValueError as error:
                raise ValueError(f"the programme {programme.name}: {error}") from error
        return self

    @model_validator(mode="after")
    def _no_blind_approval(self) -> Policy:
        if self.approval is Approval.AUTOMATIC and "company.name" not in self.required:
            raise ValueError(
                "approval is automatic, but required does not list company.name: "
                "a form without a customer would approve itself; add it, or set approval to manual"
            )
        return self


@lru_cache(maxsize=256)
def under(policy: Policy, programme: Programme | None) -> Policy:
    """The terms of one programme: the policy with what the programme says instead."""
    return policy if programme is None else policy.model_copy(update={**programme.terms, "programmes": ()})


@lru_cache(maxsize=64)
def version_of(policy: Policy) -> str:
    """The policy's version: 12 hex digits of a hash over its content, defaults included."""
    text = json.dumps(policy.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
