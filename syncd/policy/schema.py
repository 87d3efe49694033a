"""The policy file: every key that turns facts into decisions, with what it means, its default and its limits."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    field_validator,
    model_validator,
)

REQUIRABLE: dict[str, str] = {
    "company.name": "legal name of the company",
    "company.location": "street, city or postcode of the company",
    "company.country": "country of the company or of the deal",
    "company.industry": "industry of the company",
    "company.employees": "number of employees",
    "decision_makers": "decision makers with titles",
    "current_vendor": "vendor used today",
    "products": "products of interest",
    "value": "value of the deal",
    "close_on": "expected close date",
    "timeline": "timeline of the project",
    "buying_stage": "buying stage",
    "competition": "competitors",
    "how_identified": "how the partner found the deal",
    "first_contact_on": "date of first contact",
    "activities": "activities done so far",
    "next_steps": "next steps",
    "proof_kind": "kind of proof of the relationship",
    "proof": "proof of the relationship",
    "submitter": "person who filed it",
}
"""What `required` may list, in plain words (docs/rulings.md 5.4)."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST_TIE = timedelta(hours=12)


class Approval(StrEnum):
    """Who approves what every rule has let through."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Starts(StrEnum):
    """When the days of a protection begin to count."""

    APPROVED = "approved"
    RECEIVED = "received"


class NamedAccounts(StrEnum):
    """What happens to a registration on a named account."""

    REJECT = "reject"
    REVIEW = "review"
    ALLOW = "allow"


def parse_duration(value: object) -> timedelta:
    """Read `2s`, `5m`, `1h` or `1d`. Raises ValueError in words."""
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"\s*(\d{1,6})\s*([smhd])\s*", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"write a whole number with its unit, such as 2s, 5m, 1h or 1d, not {value!r}")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def format_duration(value: timedelta) -> str:
    """The shortest way to write a duration: `2s`, `5m`, `1h`, `1d`."""
    seconds = int(value.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,6}[smhd]$", "examples": ["2s", "5m", "1h"]}),
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class FirstContact(_Part):
    """How fresh the partner's relationship has to be."""

    max_age_days: int = Field(default=90, ge=0, le=3650)
    """Oldest first contact that still counts, in days before the day of filing. 0 switches the check off."""


class ProtectionTerms(_Part):
    """What an approval grants."""

    days: int = Field(default=90, ge=1, le=1095)
    """How many days (of 24 hours) a protection lasts."""

    starts: Starts = Starts.APPROVED
    """`approved`: the days count from the approval. `received`: they count from the filing."""


class DirectTerms(_Part):
    """When your own sales team was there first."""

    dormant_after_days: int = Field(default=60, ge=1, le=3650)
    """An open direct opportunity without activity for more days than this no longer stops a registration."""

    lost_cooldown_days: int = Field(default=30, ge=0, le=3650)
    """For this many days after a direct opportunity was lost, a person looks at a registration. 0 switches it off."""


class CustomerTerms(_Part):
    """Who is a customer already."""

    new_logo_days: int = Field(default=1095, ge=0, le=36500)
    """A company that bought within this many days is a customer, and is not registered as new. 0 switches it off."""


class OwnDeals(_Part):
    """How a partner's own deal is recognised in the direct CRM, beside its registration number."""

    lead_sources: tuple[str, ...] = ("Partner", "Partner Referral", "Channel")
    """Lead sources that say: this opportunity came from a partner."""

    within_days: int = Field(default=90, ge=1, le=3650)
    """Such an opportunity belongs to a registration when it was created within this many days after the filing."""

    @field_validator("lead_sources")
    @classmethod
    def _no_blank(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        if any(not source.strip() for source in sources):
            raise ValueError("a blank lead source would make every opportunity without one a partner's; remove it")
        return sources


class Policy(_Part):
    """The rules of the channel programme. Every key has a default; write down only what differs."""

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

    own_deals: OwnDeals = OwnDeals()
    """How a partner's own deal is recognised in the direct CRM."""

    ended_notice_days: int = Field(default=7, ge=0, le=365)
    """For how many days records still say that a protection has ended."""

    @field_validator("required")
    @classmethod
    def _known_and_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in REQUIRABLE:
                near = _meant(name)
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
    def _no_blind_approval(self) -> Policy:
        if self.approval is Approval.AUTOMATIC and "company.name" not in self.required:
            raise ValueError(
                "approval is automatic, but required does not list company.name: "
                "a form without a customer would approve itself; add it, or set approval to manual"
            )
        return self


_OTHER_WORDS = {
    "company.employees": "staff headcount size workforce people",
    "company.location": "address street city town postcode zip region",
    "company.industry": "sector vertical branch",
    "company.country": "nation",
    "value": "amount revenue worth",
    "close_on": "closing closes",
    "current_vendor": "incumbent supplier",
    "competition": "competitors rivals",
    "decision_makers": "contacts titles",
    "submitter": "sender",
}
"""What people call a field besides its name."""


def _meant(name: str) -> str:
    """The field that was probably meant: by its spelling, else by another word for it; empty when unclear.

    What stands before the dot is not compared, or every unknown fact of a company would look like its name.
    """
    last = name.strip().lower().rpartition(".")[2]
    ends = {field.rpartition(".")[2]: field for field in REQUIRABLE}
    near = difflib.get_close_matches(last, ends, 1, 0.7)
    if near:
        return ends[near[0]]
    words = set(re.split(r"[_\s-]+", last))
    fits = [field for field, others in _OTHER_WORDS.items() if not words.isdisjoint(others.split())]
    return fits[0] if len(fits) == 1 else ""


@lru_cache(maxsize=64)
def version_of(policy: Policy) -> str:
    """The policy's version: 12 hex digits of a hash over its content, defaults included."""
    text = json.dumps(policy.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def sentences(policy: Policy) -> list[str]:
    """The policy in plain sentences, in the order in which a registration meets it."""
    return [
        _say_required(policy),
        _say_first_contact(policy),
        _say_named(policy),
        _say_customers(policy),
        f"A direct opportunity that was open before the filing, with activity in the "
        f"{_days(policy.direct.dormant_after_days)} before it, stands; the registration is not approved.",
        _say_lost(policy),
        "Among partners the first valid registration for the same company and product wins; later ones wait in line.",
        f"Two filings less than {format_duration(policy.tie_window)} apart are a tie, and a person decides.",
        "What every rule lets through is approved by itself."
        if policy.approval is Approval.AUTOMATIC
        else "What every rule lets through waits for a person to approve it.",
        f"An approval protects the products filed for {_days(policy.protection.days)}, counted from the "
        + ("approval." if policy.protection.starts is Starts.APPROVED else "filing."),
        _say_own_deals(policy),
        "A direct opportunity opened after the filing does not end a protection; its owner is told."
        + (
            f" For {_days(policy.ended_notice_days)} after its end, records say that it has ended."
            if policy.ended_notice_days
            else ""
        ),
    ]


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _say_required(policy: Policy) -> str:
    if not policy.required:
        return "A registration may leave any field empty."
    names = [REQUIRABLE[name] for name in policy.required]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"A registration must carry {listed}; otherwise it is returned to the partner."


def _say_first_contact(policy: Policy) -> str:
    days = policy.first_contact.max_age_days
    known = "" if "first_contact_on" in policy.required else ", if it is given,"
    if not days:
        return f"The first contact{known} may be of any age, but not in the future."
    return f"The first contact{known} may be at most {_days(days)} old on the day of filing, and not in the future."


def _say_named(policy: Policy) -> str:
    return {
        NamedAccounts.REJECT: "Registrations on named accounts are not approved.",
        NamedAccounts.REVIEW: "Registrations on named accounts are looked at by a person.",
        NamedAccounts.ALLOW: "Named accounts are open to registration like all others.",
    }[policy.named_accounts]


def _say_customers(policy: Policy) -> str:
    days = policy.customers.new_logo_days
    if not days:
        return "Existing customers may be registered like all others."
    return f"A company that bought within {_days(days)} is a customer and cannot be registered as new."


def _say_lost(policy: Policy) -> str:
    days = policy.direct.lost_cooldown_days
    if not days:
        return "A direct opportunity that was lost does not matter."
    return f"For {_days(days)} after a direct opportunity was lost, a person looks at the registration."


def _say_own_deals(policy: Policy) -> str:
    sources = ", ".join(policy.own_deals.lead_sources)
    by_source = f" or a lead source of {sources}" if sources else ""
    return (
        "An opportunity that carries the registration's number is the partner's own deal; so is one with the "
        f"partner's name{by_source}, created within {_days(policy.own_deals.within_days)} after the filing. "
        "Own deals never collide."
    )
