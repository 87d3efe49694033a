"""The canonical records that mappings produce, the same whatever system they come from.

Every field that a source may lack is None or empty, never a made-up value. Times are aware UTC datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from syncd.model.refs import Ref


class Stream(StrEnum):
    """What a connection can deliver; each stream of a connection has its own window and horizon."""

    ACCOUNTS = "accounts"
    OPPORTUNITIES = "opportunities"
    REGISTRATIONS = "registrations"
    PARTNERS = "partners"
    USERS = "users"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount and its ISO 4217 currency; the currency is None when the source names none."""

    amount: Decimal
    currency: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """A company as one system knows it. Blank text is None."""

    ref: Ref
    name: str | None = None
    other_names: tuple[str, ...] = ()
    website: str | None = None
    email: str | None = None
    phone: str | None = None
    street: str | None = None
    city: str | None = None
    postcode: str | None = None
    region: str | None = None
    country: str | None = None
    industry: str | None = None
    employees: int | None = None
    registration_number: str | None = None
    vat_number: str | None = None
    duns: str | None = None
    lei: str | None = None
    parent_id: str | None = None
    owner_id: str | None = None
    is_customer: bool = False
    is_named: bool = False
    last_order_on: date | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A deal in the direct CRM. `products` empty means: the source does not say which."""

    ref: Ref
    account_id: str | None = None
    name: str | None = None
    stage: str | None = None
    is_closed: bool = False
    is_won: bool = False
    kind: str | None = None
    value: Money | None = None
    products: frozenset[str] = frozenset()
    country: str | None = None
    lead_source: str | None = None
    partner_name: str | None = None
    registration_key: str | None = None
    owner_id: str | None = None
    channel_owner_id: str | None = None
    created_by_id: str | None = None
    created_at: datetime | None = None
    closed_at: datetime | None = None
    close_on: date | None = None
    last_activity_on: date | None = None
    modified_at: datetime | None = None


class FiledStatus(StrEnum):
    """What the source says a registration's status is, after the value map."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Registration:
    """What a partner filed: one claim to one company, with what was said about it.

    `company_id` is the id of the account record that stands for the end customer in the same system;
    None when the registration itself carries the company's fields (then its own ref stands for it).
    """

    ref: Ref
    partner_id: str | None = None
    company_id: str | None = None
    status: FiledStatus = FiledStatus.SUBMITTED
    number: str | None = None
    submitted_at: datetime | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    submitter: str | None = None
    products: frozenset[str] = frozenset()
    country: str | None = None
    value: Money | None = None
    close_on: date | None = None
    timeline: str | None = None
    buying_stage: str | None = None
    competition: str | None = None
    current_vendor: str | None = None
    decision_makers: str | None = None
    how_identified: str | None = None
    first_contact_on: date | None = None
    activities: str | None = None
    next_steps: str | None = None
    proof_kind: str | None = None
    proof: str | None = None
    approved_at: datetime | None = None
    protected_until: datetime | None = None

    @property
    def received_at(self) -> datetime | None:
        """The priority time: the server-set submission stamp, else the creation stamp of a source without drafts."""
        return self.submitted_at or self.created_at


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner company as the PRM knows it; `partner_id` is the key that registrations carry."""

    ref: Ref
    partner_id: str
    name: str
    status: str = "active"
    tier: str | None = None
    region: str | None = None
    agreement_on: date | None = None
    manager_email: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A person who can own records in a CRM."""

    ref: Ref
    name: str | None = None
    email: str | None = None
    is_active: bool = True


CanonicalRecord = Account | Opportunity | Registration | Partner | User
"""Any record that a mapping can produce."""
