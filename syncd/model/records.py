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
    LINE_ITEMS = "line_items"
    REGISTRATIONS = "registrations"
    LEADS = "leads"
    CONTACTS = "contacts"
    ACTIVITIES = "activities"
    HISTORY = "history"
    PARTNERS = "partners"
    USERS = "users"
    TERRITORIES = "territories"
    CONTRACTS = "contracts"
    DOCUMENTS = "documents"
    EXCEPTIONS = "exceptions"
    LISTS = "lists"
    STAGES = "stages"
    RATES = "rates"


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
    is_person: bool = False
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
    `kind` is what sort of deal it is, such as add-on; `role` what the partner does in it, such as distributor, and
    `with_partner_id` the key of the partner it does that with. `tender_on` is the day on which a tender was published.
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
    extension_asked_at: datetime | None = None
    kind: str | None = None
    role: str | None = None
    with_partner_id: str | None = None
    tender_on: date | None = None

    @property
    def received_at(self) -> datetime | None:
        """The priority time: the server-set submission stamp, else the creation stamp of a source without drafts."""
        return self.submitted_at or self.created_at


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner company as the PRM knows it; `partner_id` is the key that registrations carry, `parent_id` the key of
    the partner of which it is a branch."""

    ref: Ref
    partner_id: str
    name: str
    status: str = "active"
    tier: str | None = None
    region: str | None = None
    agreement_on: date | None = None
    manager_email: str | None = None
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A person who can own records in a CRM."""

    ref: Ref
    name: str | None = None
    email: str | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class LineItem:
    """One product on an opportunity. `product` is a product code of the policy."""

    ref: Ref
    opportunity_id: str | None = None
    product: str | None = None
    quantity: int | None = None
    value: Money | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lead:
    """A person at a company that is no account yet. Once converted it names what it became."""

    ref: Ref
    company: str | None = None
    website: str | None = None
    email: str | None = None
    phone: str | None = None
    city: str | None = None
    postcode: str | None = None
    country: str | None = None
    status: str | None = None
    lead_source: str | None = None
    partner_name: str | None = None
    registration_key: str | None = None
    owner_id: str | None = None
    created_by_id: str | None = None
    is_converted: bool = False
    account_id: str | None = None
    contact_id: str | None = None
    opportunity_id: str | None = None
    converted_at: datetime | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at an account. What is not mapped is never read."""

    ref: Ref
    account_id: str | None = None
    name: str | None = None
    title: str | None = None
    email: str | None = None
    phone: str | None = None
    owner_id: str | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that people did with each other: counted and dated, its text is never read.

    `is_human` is False for what a machine sent; `is_two_way` is True when the customer took part or answered.
    """

    ref: Ref
    account_id: str | None = None
    opportunity_id: str | None = None
    contact_id: str | None = None
    owner_id: str | None = None
    kind: str | None = None
    is_human: bool = True
    is_two_way: bool = False
    happened_at: datetime | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one record that got another value: of stage, owner, amount, or of our own stamps."""

    ref: Ref
    record_id: str | None = None
    field: str | None = None
    before: str | None = None
    after: str | None = None
    by_id: str | None = None
    by_kind: str | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Territory:
    """That an account belongs to a territory, or a person to one."""

    ref: Ref
    name: str | None = None
    account_id: str | None = None
    user_id: str | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract or order of a customer."""

    ref: Ref
    account_id: str | None = None
    status: str | None = None
    products: frozenset[str] = frozenset()
    value: Money | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    ordered_on: date | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document that proves something about a registration: its name, date and link, never its content."""

    ref: Ref
    record_id: str | None = None
    name: str | None = None
    url: str | None = None
    kind: str | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExceptionRequest:
    """What somebody asked for on a record that is protected, such as to be let through."""

    ref: Ref
    record_id: str | None = None
    reason: str | None = None
    status: str | None = None
    requested_by_id: str | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListEntry:
    """That a company is on a list: `kind` is named, house or excluded."""

    ref: Ref
    kind: str | None = None
    account_id: str | None = None
    name: str | None = None
    website: str | None = None
    country: str | None = None
    from_on: date | None = None
    until_on: date | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a pipeline."""

    ref: Ref
    pipeline: str | None = None
    key: str | None = None
    name: str | None = None
    is_closed: bool = False
    is_won: bool = False
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of the company's own currency costs in another, from a day on."""

    ref: Ref
    currency: str | None = None
    rate: Decimal | None = None
    from_on: date | None = None
    modified_at: datetime | None = None


CanonicalRecord = (
    Account
    | Opportunity
    | LineItem
    | Registration
    | Lead
    | Contact
    | Activity
    | Change
    | Partner
    | User
    | Territory
    | Contract
    | Document
    | ExceptionRequest
    | ListEntry
    | Stage
    | Rate
)
"""Any record that a mapping can produce."""
